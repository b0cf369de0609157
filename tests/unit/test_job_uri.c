#include "test.h"

#include "check.h"
#include "job_uri.h"

static void a_job_uri_is_a_store_a_job_and_an_id(void **state)
{
    static const struct {
        const char *text;
        const char *store;
        const char *job;
        uint64_t id;
    } cases[] = {
        {"file:///data/ckpts/wordcount", "file:///data/ckpts", "wordcount", 0},
        {"file:///data/ckpts/wordcount@42", "file:///data/ckpts", "wordcount", 42},
        {"/data/ckpts/wordcount@42/", "/data/ckpts", "wordcount", 42},
        {"data//wordcount", "data", "wordcount", 0},
        {"wordcount", ".", "wordcount", 0},
        {"/wordcount", "/", "wordcount", 0},
        {"file:///wordcount@1", "file:///", "wordcount", 1},
        {"user@host/jobs/a.b", "user@host/jobs", "a.b", 0},
        {"s3://bucket/job@7", "s3://bucket", "job", 7},
        {"s3://bucket/ckpts/job@42", "s3://bucket/ckpts", "job", 42},
        {"webhdfs://h:9870/ckpts/job", "webhdfs://h:9870/ckpts", "job", 0},
        {"webhdfs://h:9870/job@3", "webhdfs://h:9870", "job", 3},
        {"hdfs://ns//job/", "hdfs://ns", "job", 0},
        {"/d/job@18446744073709551615", "/d", "job", UINT64_MAX},
    };
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO(job_uri) uri = {0};
        cairn_error err = {0};

        ASSERT_OK(job_uri_parse(cases[i].text, &uri, &err), &err);
        assert_string_equal(uri.store, cases[i].store);
        assert_string_equal(uri.job, cases[i].job);
        assert_true(uri.id == cases[i].id);
    }
}

static void behind_the_at_a_number_is_a_checkpoint_and_else_a_savepoint(void **state)
{
    static const struct {
        const char *text;
        uint64_t id;
        const char *savepoint;
    } cases[] = {
        {"/d/job", 0, NULL},
        {"/d/job@42", 42, NULL},
        {"/d/job@before-upgrade", 0, "before-upgrade"},
        {"s3://bucket/job@2026.01", 0, "2026.01"},
        {"/d/job@4x/", 0, "4x"},
        {"/d/job@-1", 0, "-1"},
    };
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO(job_uri) uri = {0};
        cairn_error err = {0};

        ASSERT_OK(job_uri_parse(cases[i].text, &uri, &err), &err);
        assert_string_equal(uri.job, "job");
        assert_true(uri.id == cases[i].id);
        if (cases[i].savepoint == NULL) {
            assert_null(uri.savepoint);
        } else {
            assert_string_equal(uri.savepoint, cases[i].savepoint);
        }
    }
}

static void what_is_no_job_uri_is_refused_with_its_form(void **state)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"", "the job's name is missing"},
        {"/", "the job's name is missing"},
        {"/data/..", "not a name"},
        {"/data/a b", "not a name"},
        {"/data/@4", "the job's name is missing"},
        {"/data/job@", "no checkpoint id"},
        {"/data/job@0", "no checkpoint id"},
        {"/data/job@04", "no checkpoint id"},
        {"/data/job@a b", "no name of a savepoint"},
        {"/data/job@..", "no name of a savepoint"},
        {"/data/job@1@2", "no checkpoint id"},
        {"/data/job@18446744073709551616", "no checkpoint id"},
        {"/data/j\x1b[31m", "j\\x1b[31m"},
        {"s3://bucket", "names a host or bucket and no job"},
        {"s3://bucket/", "names a host or bucket and no job"},
        {"webhdfs://nn:9870", "names a host or bucket and no job"},
        {"s3://bucket@7", "names a host or bucket and no job"},
    };
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO(job_uri) uri = {0};
        cairn_error err = {0};

        ASSERT_CODE(job_uri_parse(cases[i].text, &uri, &err), CAIRN_E_INVALID, &err);
        ASSERT_MESSAGE_HAS(&err, cases[i].message);
        ASSERT_MESSAGE_HAS(&err, "<checkpoints-uri>/<job>");
        assert_null(uri.store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_uri_is_a_store_a_job_and_an_id),
        cmocka_unit_test(behind_the_at_a_number_is_a_checkpoint_and_else_a_savepoint),
        cmocka_unit_test(what_is_no_job_uri_is_refused_with_its_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
