/* Files that are fetched in ranges side by side. */
#include "test.h"

#include "buf.h"
#include "check.h"
#include "s3_world.h"

#include <stdio.h>
#include <unistd.h>

#define MIB ((uint64_t)1 << 20)

/* Byte i of the object is i * 7; 40 MiB are three ranges. */
static bool is_right(const char *path, uint64_t offset, uint64_t length)
{
    FILE *file = fopen(path, "re");
    bool right = file != NULL;

    for (uint64_t i = 0; right && i < length; i++) {
        right = fgetc(file) == (int)((offset + i) * 7 & 255);
    }
    right = right && fgetc(file) == EOF;
    return file != NULL && fclose(file) == 0 && right;
}

static cairn_code get_file(s3_world *w, uint64_t offset, uint64_t length,
                           char path[TMPDIR_PATH_BYTES])
{
    const cairn_file_range to = {tmpdir_join(w->dir, "target", path), offset, length, false, NULL};

    (void)remove(path);
    return cairn_store_get_file(w->store, &w->call, "big", &to, &w->err);
}

static void a_large_file_comes_in_ranges(void **state)
{
    s3_world *w = *state;
    char path[TMPDIR_PATH_BYTES];

    w->fake.stands = true;
    w->fake.size = 40 * MIB;
    s3_world_serve(w);

    ASSERT_OK(get_file(w, 0, 40 * MIB, path), &w->err);
    assert_true(is_right(path, 0, 40 * MIB));
    assert_int_equal(s3_world_count(w, "GET", "/"), 3);
    assert_int_equal(s3_world_count(w, "HEAD", "/"), 0);

    ASSERT_OK(get_file(w, 5, 20 * MIB, path), &w->err);
    assert_true(is_right(path, 5, 20 * MIB));
}

static void a_range_after_the_first_reply_asks_for_the_same_object(void **state)
{
    s3_world *w = *state;
    char path[TMPDIR_PATH_BYTES];
    char text[512];

    w->fake.stands = true;
    w->fake.size = 40 * MIB;
    w->options.parallel_parts = 1;
    s3_world_restart(w);
    s3_world_serve(w);

    ASSERT_OK(get_file(w, 0, 40 * MIB, path), &w->err);
    assert_false(script_request_header(s3_world_request(w, "GET", "/", 0), "if-match", text, 512));
    assert_string_equal(s3_world_header(s3_world_request(w, "GET", "/", 1), "if-match", text),
                        "\"whole\"");
}

/* What befalls one range once. */
static const script_rule faults[] = {
    {.act = SCRIPT_RESET, .at = 5000000},
    {.act = SCRIPT_CLOSE, .at = 5000000},
    {.act = SCRIPT_CLOSE},
    {.reply = {.status = 500, .body = S3_WORLD_ERROR("InternalError")}},
};

static void only_the_range_that_failed_is_asked_for_again(void **state)
{
    s3_world *w = *state;
    char path[TMPDIR_PATH_BYTES];

    w->fake.stands = true;
    w->fake.size = 40 * MIB;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(faults); i++) {
        const unsigned before = s3_world_count(w, "GET", "/");
        script_rule rule = faults[i];
        rule.method = "GET";
        rule.skip = 1;
        rule.times = 1;
        script_server_forget(w->server);
        if (rule.reply.status == 0) {
            rule.call = s3_world_fake;
            rule.context = w;
        }
        s3_world_rule(w, rule);
        s3_world_serve(w);
        ASSERT_OK(get_file(w, 0, 40 * MIB, path), &w->err);
        assert_true(is_right(path, 0, 40 * MIB));
        assert_true(s3_world_count(w, "GET", "/") >= before + 4);
    }
}

static void a_file_that_cannot_be_had_is_removed(void **state)
{
    static const struct {
        script_reply reply;
        cairn_code code;
    } cases[] = {
        {{.status = 403, .body = S3_WORLD_ERROR("AccessDenied")}, CAIRN_E_ACCESS},
        {{.status = 404, .body = S3_WORLD_ERROR("NoSuchKey")}, CAIRN_E_NOT_FOUND},
        {{.status = 412, .body = S3_WORLD_ERROR("PreconditionFailed")}, CAIRN_E_INTEGRITY},
        {{.status = 416, .body = S3_WORLD_ERROR("InvalidRange")}, CAIRN_E_INTEGRITY},
        {{.status = 200, .body = "all of it"}, CAIRN_E_INCOMPATIBLE},
        {{.status = 206,
          .headers = "Content-Range: bytes 16777216-16777217/16777218\r\n",
          .body = "ab"},
         CAIRN_E_INTEGRITY},
    };
    s3_world *w = *state;
    char path[TMPDIR_PATH_BYTES];

    w->fake.stands = true;
    w->fake.size = 40 * MIB;
    w->options.parallel_parts = 1;
    s3_world_restart(w);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        script_server_forget(w->server);
        s3_world_rule(w, (script_rule){.method = "GET", .skip = 1, .reply = cases[i].reply});
        s3_world_serve(w);
        ASSERT_CODE(get_file(w, 0, 40 * MIB, path), cases[i].code, &w->err);
        assert_int_equal(access(path, F_OK), -1);
    }
}

static void the_wait_that_a_range_was_asked_for_reaches_the_caller(void **state)
{
    s3_world *w = *state;
    char path[TMPDIR_PATH_BYTES];

    w->fake.stands = true;
    w->fake.size = 40 * MIB;
    w->call.deadline_ms = cairn_deadline_in(20000); /* less than is asked for */
    s3_world_rule(w, (script_rule){.method = "GET",
                                   .skip = 1,
                                   .reply = {.status = 503,
                                             .headers = "Retry-After: 30\r\n",
                                             .body = S3_WORLD_ERROR("SlowDown")}});
    s3_world_serve(w);

    ASSERT_CODE(get_file(w, 0, 40 * MIB, path), CAIRN_E_UNAVAILABLE, &w->err);
    assert_int_equal(w->err.retry_after_ms, 30000);
}

static void an_object_that_is_replaced_while_it_is_read_is_noticed(void **state)
{
    s3_world *w = *state;
    char path[TMPDIR_PATH_BYTES];
    CAIRN_AUTO(cairn_buf) body = {0};

    ASSERT_OK(buf_reserve(&body, 16 * MIB, &w->err), &w->err);
    memset(body.data, 1, 16 * MIB);
    w->fake.stands = true;
    w->fake.size = 40 * MIB;
    w->options.parallel_parts = 1;
    s3_world_restart(w);
    s3_world_rule(
        w, (script_rule){.method = "GET",
                         .skip = 1,
                         .times = 1,
                         .reply = {.status = 206,
                                   .headers = "ETag: \"other\"\r\n"
                                              "Content-Range: bytes 16777216-33554431/41943040\r\n",
                                   .body = body.data,
                                   .body_len = 16 * MIB}});
    s3_world_serve(w);

    ASSERT_CODE(get_file(w, 0, 40 * MIB, path), CAIRN_E_INTEGRITY, &w->err);
    ASSERT_MESSAGE_HAS(&w->err, "replaced");
    assert_int_equal(access(path, F_OK), -1);
}

static void a_file_that_stands_there_is_kept(void **state)
{
    s3_world *w = *state;
    char path[TMPDIR_PATH_BYTES];

    w->fake.stands = true;
    w->fake.size = 10;
    s3_world_serve(w);
    s3_world_file(w, "target", 3, path);
    const cairn_file_range to = {path, 0, 10, false, NULL};

    ASSERT_CODE(cairn_store_get_file(w->store, &w->call, "k", &to, &w->err), CAIRN_E_EXISTS,
                &w->err);
    assert_true(is_right(path, 0, 3));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, s3_world_setup, s3_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_large_file_comes_in_ranges),
        CASE(a_range_after_the_first_reply_asks_for_the_same_object),
        CASE(only_the_range_that_failed_is_asked_for_again),
        CASE(a_file_that_cannot_be_had_is_removed),
        CASE(the_wait_that_a_range_was_asked_for_reaches_the_caller),
        CASE(an_object_that_is_replaced_while_it_is_read_is_noticed),
        CASE(a_file_that_stands_there_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
