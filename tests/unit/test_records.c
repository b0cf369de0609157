#include "test.h"

#include "bounds.h"
#include "manifest_fixture.h"

static void assert_golden(const cairn_buf *printed, const char *name)
{
    CAIRN_AUTO(cairn_buf) golden = fixture_golden(name);

    assert_int_equal(printed->len, golden.len);
    assert_memory_equal(printed->data, golden.data, golden.len);
}

static void a_claim_prints_as_its_golden_file_and_comes_back(void **state)
{
    (void)state;
    CAIRN_AUTO(record_claim) model = fixture_claim();
    CAIRN_AUTO(record_claim) read = {0};
    CAIRN_AUTO(cairn_buf) printed = {0};
    cairn_error err = {0};

    ASSERT_OK(record_claim_print(&model, &printed, &err), &err);
    ASSERT_OK(record_claim_read(cairn_buf_slice(&printed), &read, &err), &err);

    assert_golden(&printed, "manifest_v1_claim.json");
    assert_string_equal(read.job, model.job);
    assert_int_equal(read.epoch, 3);
    assert_string_equal(read.attempt, model.attempt);
    assert_int_equal(read.claimed_ms, model.claimed_ms);
    assert_int_equal(read.parallelism, 2);
    assert_int_equal(read.max_parallelism, 128);
    assert_string_equal(read.worker, "host-1:4711");
}

static void a_start_prints_as_its_golden_file_and_comes_back(void **state)
{
    (void)state;
    CAIRN_AUTO(record_start) model = fixture_start();
    CAIRN_AUTO(record_start) read = {0};
    CAIRN_AUTO(cairn_buf) printed = {0};
    cairn_error err = {0};

    ASSERT_OK(record_start_print(&model, &printed, &err), &err);
    ASSERT_OK(record_start_read(cairn_buf_slice(&printed), &read, &err), &err);

    assert_golden(&printed, "manifest_v1_start.json");
    assert_string_equal(read.job, model.job);
    assert_int_equal(read.epoch, 3);
    assert_string_equal(read.attempt, model.attempt);
    assert_int_equal(read.started_ms, model.started_ms);
    assert_int_equal(read.checkpoint_id, 41);
    assert_string_equal(read.checkpoint_sha256, model.checkpoint_sha256);
    assert_int_equal(read.boundary, 39);
    assert_int_equal(read.first_id, 43);
}

static record_start start_from_savepoint(const char *job, const char *name)
{
    record_start start = fixture_start();

    start.checkpoint_id = 0;
    start.checkpoint_sha256[0] = '\0';
    start.savepoint = (record_savepoint){.job = mem_strdup(job), .name = mem_strdup(name)};
    memset(start.savepoint.sha256, 'a', sizeof start.savepoint.sha256 - 1);
    return start;
}

static void a_start_from_a_savepoint_comes_back_in_a_version_of_its_own(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) printed = {0};
    CAIRN_AUTO(record_start) model = start_from_savepoint("other", "before-upgrade");
    CAIRN_AUTO(record_start) read = {0};

    ASSERT_OK(record_start_print(&model, &printed, NULL), NULL);
    assert_non_null(strstr(buf_text(&printed), "\"version\": 2,"));
    ASSERT_OK(record_start_read(cairn_buf_slice(&printed), &read, NULL), NULL);

    assert_int_equal(read.checkpoint_id, 0);
    assert_string_equal(read.savepoint.job, "other");
    assert_string_equal(read.savepoint.name, "before-upgrade");
    assert_string_equal(read.savepoint.sha256, model.savepoint.sha256);
}

static void a_savepoint_that_no_start_can_have_is_refused(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        CAIRN_AUTO(cairn_buf) printed = {0};
        CAIRN_AUTO(record_start)
        start = start_from_savepoint(i == 0 ? ".." : "other", i == 1 ? "a/b" : "name");
        cairn_error err = {0};

        if (i == 2) {
            start.savepoint.sha256[3] = 'x';
        } else if (i == 3) {
            start.checkpoint_id = 1;
            memset(start.checkpoint_sha256, 'a', sizeof start.checkpoint_sha256 - 1);
        }
        ASSERT_CODE(record_start_print(&start, &printed, &err), CAIRN_E_INTEGRITY, &err);
    }
}

static void a_start_from_nothing_comes_back_as_that(void **state)
{
    (void)state;
    CAIRN_AUTO(record_start) model = fixture_start();
    CAIRN_AUTO(record_start) read = {.checkpoint_id = 7, .checkpoint_sha256 = "x"};
    CAIRN_AUTO(cairn_buf) printed = {0};

    model.checkpoint_id = 0;
    model.checkpoint_sha256[0] = '\0';
    ASSERT_OK(record_start_print(&model, &printed, NULL), NULL);
    ASSERT_OK(record_start_read(cairn_buf_slice(&printed), &read, NULL), NULL);

    assert_non_null(strstr(buf_text(&printed), "\"checkpoint\": null"));
    assert_int_equal(read.checkpoint_id, 0);
    assert_string_equal(read.checkpoint_sha256, "");
}

static void a_certificate_prints_as_its_golden_file_and_comes_back(void **state)
{
    (void)state;
    CAIRN_AUTO(record_certificate) model = fixture_certificate();
    CAIRN_AUTO(record_certificate) read = {0};
    CAIRN_AUTO(cairn_buf) printed = {0};
    cairn_error err = {0};

    ASSERT_OK(record_certificate_print(&model, &printed, &err), &err);
    ASSERT_OK(record_certificate_read(cairn_buf_slice(&printed), &read, &err), &err);

    assert_golden(&printed, "manifest_v1_certificate.json");
    assert_string_equal(read.job, model.job);
    assert_int_equal(read.epoch, 3);
    assert_string_equal(read.id, model.id);
    assert_int_equal(read.made_ms, model.made_ms);
    assert_int_equal(read.boundary, 41);
    assert_int_equal(read.head, 42);
    assert_int_equal(read.manifests_read_count, 3);
    assert_memory_equal(read.manifests_read, model.manifests_read, 3 * sizeof(uint64_t));
    assert_int_equal(read.victim_count, 2);
    assert_string_equal(read.victims[0], "chk-40/manifest.json");
    assert_string_equal(read.victims[1], model.victims[1]);
}

static void a_certificate_without_victims_comes_back(void **state)
{
    (void)state;
    CAIRN_AUTO(record_certificate) model = fixture_certificate();
    CAIRN_AUTO(record_certificate) read = {0};
    CAIRN_AUTO(cairn_buf) printed = {0};
    size_t victims = model.victim_count;
    size_t manifests = model.manifests_read_count;

    model.victim_count = 0;
    model.manifests_read_count = 0;
    ASSERT_OK(record_certificate_print(&model, &printed, NULL), NULL);
    model.victim_count = victims;
    model.manifests_read_count = manifests;
    ASSERT_OK(record_certificate_read(cairn_buf_slice(&printed), &read, NULL), NULL);

    assert_int_equal(read.victim_count, 0);
    assert_int_equal(read.manifests_read_count, 0);
}

/* --- what is refused -------------------------------------------------------------------------- */

typedef cairn_code (*reader)(cairn_slice document, cairn_error *err);

static cairn_code read_claim(cairn_slice document, cairn_error *err)
{
    CAIRN_AUTO(record_claim) claim = {0};
    cairn_code code = record_claim_read(document, &claim, err);

    assert_int_equal(claim.job == NULL, code != CAIRN_OK);
    return code;
}

static cairn_code read_start(cairn_slice document, cairn_error *err)
{
    CAIRN_AUTO(record_start) start = {0};
    cairn_code code = record_start_read(document, &start, err);

    assert_int_equal(start.job == NULL, code != CAIRN_OK);
    return code;
}

static cairn_code read_certificate(cairn_slice document, cairn_error *err)
{
    CAIRN_AUTO(record_certificate) certificate = {0};
    cairn_code code = record_certificate_read(document, &certificate, err);

    assert_int_equal(certificate.job == NULL, code != CAIRN_OK);
    return code;
}

static const struct {
    const char *golden;
    reader read;
} kinds[] = {
    {"manifest_v1_claim.json", read_claim},
    {"manifest_v1_start.json", read_start},
    {"manifest_v1_certificate.json", read_certificate},
};

enum {
    CLAIM,
    START,
    CERTIFICATE
};

static void damaged_and_hostile_records_are_refused(void **state)
{
    (void)state;
    static const struct {
        int kind;
        cairn_code code;
        const char *from;
        const char *to;
        const char *message;
    } cases[] = {
        {CLAIM, CAIRN_E_INTEGRITY, "\"job\": \"orders\"", "\"job\": \"../orders\"", "job"},
        {CLAIM, CAIRN_E_INTEGRITY, "\"epoch\": \"3\"", "\"epoch\": \"0\"", "epoch"},
        {CLAIM, CAIRN_E_INTEGRITY, "\"epoch\": \"3\"", "\"epoch\": \"18446744073709551616\"",
         "epoch"},
        {CLAIM, CAIRN_E_INTEGRITY, "9f2c", "9F2c", "attempt"},
        {CLAIM, CAIRN_E_INTEGRITY, "\"parallelism\": 2", "\"parallelism\": 0", "parallelism"},
        {CLAIM, CAIRN_E_INTEGRITY, "\"parallelism\": 2", "\"parallelism\": 129", "parallelism"},
        {CLAIM, CAIRN_E_INTEGRITY, "\"max_parallelism\": 128", "\"max_parallelism\": 40000",
         "parallelism"},
        {CLAIM, CAIRN_E_INTEGRITY, "\"worker\": ", "\"extra\": ", "extra"},
        {CLAIM, CAIRN_OK, "\"worker\": ", "\"extensions\": {}, \"worker\": ", NULL},
        {CLAIM, CAIRN_E_INCOMPATIBLE, "\"version\": 1", "\"version\": 2, \"x\": 1", "version 2"},
        {CLAIM, CAIRN_E_INTEGRITY, "cairn-claim", "cairn-start", "cairn-start"},
        {START, CAIRN_E_INTEGRITY, "\"id\": \"41\"", "\"id\": \"0\"", "checkpoint"},
        {START, CAIRN_E_INTEGRITY, "\"sha256\": \"0", "\"sha256\": \"X", "checkpoint"},
        {START, CAIRN_E_INTEGRITY, "\"boundary\": \"39\"", "\"boundary\": 39", "boundary"},
        {START, CAIRN_E_INCOMPATIBLE, "\"version\": 1", "\"version\": 9", "version 9"},
        {CERTIFICATE, CAIRN_E_INTEGRITY, "\"chk-40/", "\"../chk-40/", "victims[0]"},
        {CERTIFICATE, CAIRN_E_INTEGRITY, "\"chk-40/manifest.json\"", "\"/\"", "victims[0]"},
        {CERTIFICATE, CAIRN_E_INTEGRITY, "\"chk-40/manifest.json\"", "7", "victims[0]"},
        {CERTIFICATE, CAIRN_E_INTEGRITY, "\"40\"", "40", "manifests_read[0]"},
        {CERTIFICATE, CAIRN_E_INTEGRITY, "\"40\"", "\"-1\"", "manifests_read[0]"},
        {CERTIFICATE, CAIRN_E_INCOMPATIBLE, "\"version\": 1", "\"version\": 3", "version 3"},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO(cairn_buf) golden = fixture_golden(kinds[cases[i].kind].golden);
        CAIRN_AUTO(cairn_buf)
        edited = fixture_edit(cairn_buf_slice(&golden), cases[i].from, cairn_slice_of(cases[i].to));
        cairn_error err = {0};

        ASSERT_CODE(kinds[cases[i].kind].read(cairn_buf_slice(&edited), &err), cases[i].code, &err);
        if (cases[i].message != NULL) {
            ASSERT_MESSAGE_HAS(&err, cases[i].message);
        }
    }
}

static void any_flipped_bit_and_any_cut_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(kinds); i++) {
        CAIRN_AUTO(cairn_buf) golden = fixture_golden(kinds[i].golden);

        for (size_t bit = 0; bit < 8 * golden.len; bit++) {
            golden.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
            ASSERT_CODE(kinds[i].read(cairn_buf_slice(&golden), NULL), CAIRN_E_INTEGRITY, NULL);
            golden.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
        for (size_t len = 0; len < golden.len; len++) {
            ASSERT_CODE(kinds[i].read((cairn_slice){golden.data, len}, NULL), CAIRN_E_INTEGRITY,
                        NULL);
        }
    }
}

static void a_record_beyond_its_bound_is_not_looked_at(void **state)
{
    (void)state;
    static const uint8_t byte = '{';

    ASSERT_CODE(read_claim((cairn_slice){&byte, CAIRN_RECORD_BYTES_MAX + 1}, NULL), CAIRN_E_LIMIT,
                NULL);
    ASSERT_CODE(read_start((cairn_slice){&byte, CAIRN_RECORD_BYTES_MAX + 1}, NULL), CAIRN_E_LIMIT,
                NULL);
    ASSERT_CODE(read_certificate((cairn_slice){&byte, CAIRN_CERTIFICATE_BYTES_MAX + 1}, NULL),
                CAIRN_E_LIMIT, NULL);
}

static void the_writer_refuses_what_the_reader_would(void **state)
{
    (void)state;
    CAIRN_AUTO(record_claim) claim = fixture_claim();
    CAIRN_AUTO(record_start) start = fixture_start();
    CAIRN_AUTO(record_certificate) certificate = fixture_certificate();
    CAIRN_AUTO(cairn_buf) printed = {0};
    cairn_error err = {0};

    claim.attempt[0] = 'X';
    start.checkpoint_id = 0;
    certificate.victims[1][0] = '/';

    ASSERT_CODE(record_claim_print(&claim, &printed, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_CODE(record_start_print(&start, &printed, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_CODE(record_certificate_print(&certificate, &printed, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "write a cairn-certificate");
    assert_int_equal(printed.len, 0);
}

/* --- n-th allocation -------------------------------------------------------------------------- */

static cairn_code round_trips(const record_claim *claim, const record_start *start,
                              const record_certificate *certificate, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) printed = {0};

    CAIRN_TRY(record_claim_print(claim, &printed, err));
    CAIRN_TRY(read_claim(cairn_buf_slice(&printed), err));
    CAIRN_TRY(record_start_print(start, &printed, err));
    CAIRN_TRY(read_start(cairn_buf_slice(&printed), err));
    CAIRN_TRY(record_certificate_print(certificate, &printed, err));
    return read_certificate(cairn_buf_slice(&printed), err);
}

static void every_failed_allocation_is_out_of_memory_and_no_leak(void **state)
{
    (void)state;
    CAIRN_AUTO(record_claim) claim = fixture_claim();
    CAIRN_AUTO(record_start) start = fixture_start();
    CAIRN_AUTO(record_certificate) certificate = fixture_certificate();

    for (int persistent = 0; persistent <= 1; persistent++) {
        bool done = false;

        for (uint64_t nth = 1; !done; nth++) {
            cairn_error err = {0};
            cairn_code code;

            mem_fail_nth(nth, persistent);
            code = round_trips(&claim, &start, &certificate, &err);
            done = mem_alloc_count() < nth;
            mem_fail_nth(0, 0);
            ASSERT_CODE(code, done ? CAIRN_OK : CAIRN_E_NO_MEMORY, &err);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_claim_prints_as_its_golden_file_and_comes_back),
        cmocka_unit_test(a_start_prints_as_its_golden_file_and_comes_back),
        cmocka_unit_test(a_start_from_a_savepoint_comes_back_in_a_version_of_its_own),
        cmocka_unit_test(a_savepoint_that_no_start_can_have_is_refused),
        cmocka_unit_test(a_start_from_nothing_comes_back_as_that),
        cmocka_unit_test(a_certificate_prints_as_its_golden_file_and_comes_back),
        cmocka_unit_test(a_certificate_without_victims_comes_back),
        cmocka_unit_test(damaged_and_hostile_records_are_refused),
        cmocka_unit_test(any_flipped_bit_and_any_cut_is_found),
        cmocka_unit_test(a_record_beyond_its_bound_is_not_looked_at),
        cmocka_unit_test(the_writer_refuses_what_the_reader_would),
        cmocka_unit_test(every_failed_allocation_is_out_of_memory_and_no_leak),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
