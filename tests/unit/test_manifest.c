#include "test.h"

#include "bounds.h"
#include "encode.h"
#include "manifest_fixture.h"

#include <stdio.h>

#define GOLDEN_FULL    "manifest_v1_full.json"
#define GOLDEN_ABORTED "manifest_v1_aborted.json"
#define GOLDEN_PART    "manifest_v1_part.json"

/* Version 2 came with states of other kinds than value. */
#define GOLDEN_KINDS      "manifest_v2_kinds.json"
#define GOLDEN_KINDS_PART "manifest_v2_part.json"

static void assert_same_bytes(const cairn_buf *a, const cairn_buf *b)
{
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->data, b->data, a->len);
}

static cairn_manifest *read_golden(const char *name)
{
    CAIRN_AUTO(cairn_buf) bytes = fixture_golden(name);
    cairn_manifest *manifest = NULL;
    cairn_error err = {0};

    ASSERT_OK(
        cairn_manifest_read(cairn_buf_slice(&bytes), FIXTURE_JOB, FIXTURE_ID, &manifest, &err),
        &err);
    return manifest;
}

static void assert_prints_as(const cairn_manifest *manifest, const char *golden)
{
    CAIRN_AUTO(cairn_buf) expected = fixture_golden(golden);
    CAIRN_AUTO(cairn_buf) printed = {0};
    cairn_error err = {0};

    ASSERT_OK(manifest_print(manifest, &printed, NULL, &err), &err);
    assert_same_bytes(&printed, &expected);
}

static void the_writer_still_gives_the_golden_bytes(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *full = fixture_full();
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *aborted = fixture_aborted();
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *kinds = fixture_kinds();

    assert_prints_as(full, GOLDEN_FULL);
    assert_prints_as(aborted, GOLDEN_ABORTED);
    assert_prints_as(kinds, GOLDEN_KINDS);
}

static void what_is_read_prints_as_the_same_bytes(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *full = read_golden(GOLDEN_FULL);
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *aborted = read_golden(GOLDEN_ABORTED);
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *kinds = read_golden(GOLDEN_KINDS);

    assert_prints_as(full, GOLDEN_FULL);
    assert_prints_as(aborted, GOLDEN_ABORTED);
    assert_prints_as(kinds, GOLDEN_KINDS);
}

static void the_golden_manifest_reads_as_the_model(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = read_golden(GOLDEN_FULL);
    const cairn_subtask_info *subtask = &manifest->operators[0].subtasks[0];

    assert_string_equal(manifest->job, FIXTURE_JOB);
    assert_int_equal(manifest->kind, CAIRN_MANIFEST_CHECKPOINT);
    assert_int_equal(manifest->epoch, 3);
    assert_int_equal(manifest->parent_id, 41);
    assert_int_equal(manifest->max_parallelism, 128);
    assert_null(manifest->reason);
    assert_string_equal(manifest->operators[0].states[1].value_serializer.id, "u64");
    assert_int_equal(manifest->operators[0].states[1].ttl_ms, 0);
    assert_true(subtask->positions[0].offset == UINT64_C(9007199254740993));
    assert_true(subtask->positions[1].offset == UINT64_MAX);
    assert_memory_equal(subtask->operator_state.data, "\x00\x01\xfe\xff", 4);
    assert_int_equal(subtask->files[2].offset, 16);
    assert_int_equal(subtask->files[0].first_key_group, 3);
    assert_string_equal(subtask->outputs[1].name, "part-42-0");
}

static void every_kind_of_state_reads_as_itself(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        cairn_state_kind kind;
    } cases[] = {
        {"counts", CAIRN_STATE_MAP},    {"events", CAIRN_STATE_LIST},
        {"last", CAIRN_STATE_VALUE},    {"means", CAIRN_STATE_AGGREGATING},
        {"sums", CAIRN_STATE_REDUCING},
    };
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = read_golden(GOLDEN_KINDS);
    const cairn_operator_info *info = &manifest->operators[0];

    assert_int_equal(info->state_count, CAIRN_ARRAY_LEN(cases));
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        assert_string_equal(info->states[i].name, cases[i].name);
        assert_int_equal(info->states[i].kind, cases[i].kind);
        assert_int_equal(info->states[i].ttl_ms, i == 2 ? 86400000 : 0);
    }
    assert_string_equal(info->subtasks[0].engine, "hashmap");
    assert_int_equal(info->subtasks[0].files[1].offset, 4096);
}

/* A reader of version 1 must say "newer", not "damaged": so the version tells. */
static void other_kinds_than_value_are_refused_in_version_1(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) kinds = fixture_golden(GOLDEN_KINDS);
    CAIRN_AUTO(cairn_buf) part = fixture_golden(GOLDEN_KINDS_PART);
    CAIRN_AUTO(cairn_buf)
    old_kinds =
        fixture_edit(cairn_buf_slice(&kinds), "\"version\": 2", cairn_slice_of("\"version\": 1"));
    CAIRN_AUTO(cairn_buf)
    old_part =
        fixture_edit(cairn_buf_slice(&part), "\"version\": 2", cairn_slice_of("\"version\": 1"));
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = NULL;
    CAIRN_AUTO(manifest_part) read = {0};
    cairn_error err = {0};

    ASSERT_CODE(cairn_manifest_read(cairn_buf_slice(&old_kinds), NULL, 0, &manifest, &err),
                CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "version 2");
    ASSERT_CODE(manifest_part_read(cairn_buf_slice(&old_part), &read, &err), CAIRN_E_INTEGRITY,
                &err);
    ASSERT_MESSAGE_HAS(&err, "version 2");
}

static void the_part_of_other_kinds_reads_and_prints_as_its_golden_file(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) golden = fixture_golden(GOLDEN_KINDS_PART);
    CAIRN_AUTO(manifest_part) model = fixture_kinds_part();
    CAIRN_AUTO(manifest_part) read = {0};
    CAIRN_AUTO(cairn_buf) printed = {0};
    CAIRN_AUTO(cairn_buf) printed_again = {0};
    cairn_error err = {0};

    ASSERT_OK(manifest_part_print(&model, &printed, &err), &err);
    ASSERT_OK(manifest_part_read(cairn_buf_slice(&golden), &read, &err), &err);
    ASSERT_OK(manifest_part_print(&read, &printed_again, &err), &err);

    assert_same_bytes(&printed, &golden);
    assert_same_bytes(&printed_again, &golden);
}

static void an_abort_reads_with_its_reason_and_no_operators(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = read_golden(GOLDEN_ABORTED);

    assert_int_equal(manifest->kind, CAIRN_MANIFEST_ABORTED);
    assert_int_equal(manifest->operator_count, 0);
    assert_int_equal(manifest->parent_id, 0);
    assert_string_equal(manifest->parent_sha256, "");
    assert_string_equal(manifest->reason, "upload shared/count/3-x-8: 503 after 6 attempts");
}

static void digest_and_size_are_those_of_the_whole_document(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) bytes = fixture_golden(GOLDEN_FULL);
    CAIRN_AUTO(cairn_buf) printed = {0};
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = read_golden(GOLDEN_FULL);
    char hex[SHA256_HEX_SIZE];
    sha256 digest;
    sha256 from_print;

    ASSERT_OK(sha256_of(cairn_buf_slice(&bytes), &digest, NULL), NULL);
    ASSERT_OK(manifest_print(manifest, &printed, &from_print, NULL), NULL);

    sha256_to_hex(&digest, hex);
    assert_string_equal(manifest->sha256, hex);
    assert_int_equal(manifest->document_bytes, bytes.len);
    assert_true(sha256_equal(&digest, &from_print));
}

static void sums_count_files_and_outputs_and_tell_the_new_ones(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = fixture_full();

    assert_int_equal(cairn_manifest_total_bytes(manifest), 4096 + 16 + 300 + 0 + 77 + 16 + 16);
    assert_int_equal(cairn_manifest_new_bytes(manifest), 16 + 300 + 77 + 16 + 16);
}

static void the_place_that_it_was_found_at_is_compared(void **state)
{
    (void)state;
    static const struct {
        const char *job;
        uint64_t id;
        cairn_code code;
        const char *message;
    } cases[] = {
        {"orders", 42, CAIRN_OK, NULL},
        {NULL, 42, CAIRN_OK, NULL},
        {"orders", 0, CAIRN_OK, NULL},
        {"bills", 42, CAIRN_E_INCOMPATIBLE, "job 'orders', not to job 'bills'"},
        {"orders", 43, CAIRN_E_INTEGRITY, "checkpoint 42, found as 43"},
    };
    CAIRN_AUTO(cairn_buf) bytes = fixture_golden(GOLDEN_FULL);

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = NULL;
        cairn_error err = {0};
        cairn_code code = cairn_manifest_read(cairn_buf_slice(&bytes), cases[i].job, cases[i].id,
                                              &manifest, &err);

        ASSERT_CODE(code, cases[i].code, &err);
        assert_int_equal(manifest == NULL, cases[i].code != CAIRN_OK);
        if (cases[i].message != NULL) {
            ASSERT_MESSAGE_HAS(&err, cases[i].message);
        }
    }
}

static cairn_code read_edit(const char *from, const char *to, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) bytes = fixture_golden(GOLDEN_FULL);
    CAIRN_AUTO(cairn_buf) edited = fixture_edit(cairn_buf_slice(&bytes), from, cairn_slice_of(to));
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = NULL;

    return cairn_manifest_read(cairn_buf_slice(&edited), FIXTURE_JOB, FIXTURE_ID, &manifest, err);
}

static void a_newer_version_is_named_whatever_else_it_holds(void **state)
{
    (void)state;
    cairn_error err = {0};

    ASSERT_CODE(read_edit("\"version\": 1,", "\"version\": 7, \"novelty\": {\"a\": [1.5]},", &err),
                CAIRN_E_INCOMPATIBLE, &err);

    ASSERT_MESSAGE_HAS(&err, "version 7");
    ASSERT_MESSAGE_HAS(&err, "version 2");
}

static void damage_of_a_newer_version_is_damage(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) bytes = fixture_golden(GOLDEN_FULL);
    CAIRN_AUTO(cairn_buf)
    newer =
        fixture_edit(cairn_buf_slice(&bytes), "\"version\": 1,", cairn_slice_of("\"version\": 7,"));
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = NULL;
    cairn_error err = {0};

    newer.data[newer.len / 2] ^= 1;

    ASSERT_CODE(cairn_manifest_read(cairn_buf_slice(&newer), NULL, 0, &manifest, &err),
                CAIRN_E_INTEGRITY, &err);
}

static void extensions_are_ignored(void **state)
{
    (void)state;
    cairn_error err = {0};

    ASSERT_OK(read_edit("\"job\":", "\"extensions\": {\"x\": [1, null]}, \"job\":", &err), &err);
}

static void the_weaker_mode_is_in_the_extensions(void **state)
{
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = fixture_full();
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *read = NULL;
    CAIRN_AUTO(cairn_buf) printed = {0};
    cairn_error err = {0};
    (void)state;
    manifest->single_attempt = true;

    ASSERT_OK(manifest_print(manifest, &printed, NULL, &err), &err);
    ASSERT_OK(cairn_manifest_read(cairn_buf_slice(&printed), FIXTURE_JOB, FIXTURE_ID, &read, &err),
              &err);

    assert_true(read->single_attempt);
    assert_non_null(strstr(buf_text(&printed), "\"extensions\": {\n    \"safety\": "
                                               "\"single-attempt\"\n  }"));
}

static void other_extensions_are_no_weaker_mode(void **state)
{
    static const char *const cases[] = {"{}", "{\"safety\": \"fenced\"}", "{\"safety\": [1]}",
                                        "{\"Safety\": \"single-attempt\"}"};
    CAIRN_AUTO(cairn_buf) bytes = fixture_golden(GOLDEN_FULL);
    cairn_error err = {0};
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = NULL;
        char text[80];
        (void)snprintf(text, sizeof text, "\"extensions\": %s, \"job\":", cases[i]);
        CAIRN_AUTO(cairn_buf)
        edited = fixture_edit(cairn_buf_slice(&bytes), "\"job\":", cairn_slice_of(text));
        ASSERT_OK(
            cairn_manifest_read(cairn_buf_slice(&edited), FIXTURE_JOB, FIXTURE_ID, &manifest, &err),
            &err);
        assert_false(manifest->single_attempt);
    }
}

static void the_part_reads_and_prints_as_its_golden_file(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) golden = fixture_golden(GOLDEN_PART);
    CAIRN_AUTO(manifest_part) model = fixture_part();
    CAIRN_AUTO(manifest_part) read = {0};
    CAIRN_AUTO(cairn_buf) printed = {0};
    CAIRN_AUTO(cairn_buf) printed_again = {0};
    cairn_error err = {0};

    ASSERT_OK(manifest_part_print(&model, &printed, &err), &err);
    ASSERT_OK(manifest_part_read(cairn_buf_slice(&golden), &read, &err), &err);
    ASSERT_OK(manifest_part_print(&read, &printed_again, &err), &err);

    assert_same_bytes(&printed, &golden);
    assert_same_bytes(&printed_again, &golden);
    assert_int_equal(read.checkpoint_id, FIXTURE_ID);
    assert_int_equal(read.operator_info.subtask_count, 1);
}

static void a_part_is_no_manifest_and_the_other_way_round(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) part = fixture_golden(GOLDEN_PART);
    CAIRN_AUTO(cairn_buf) full = fixture_golden(GOLDEN_FULL);
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = NULL;
    CAIRN_AUTO(manifest_part) read = {0};
    cairn_error err = {0};

    ASSERT_CODE(cairn_manifest_read(cairn_buf_slice(&part), NULL, 0, &manifest, &err),
                CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "cairn-part");
    ASSERT_CODE(manifest_part_read(cairn_buf_slice(&full), &read, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "cairn-manifest");
}

static void copies_are_deep_and_equal(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = fixture_full();
    cairn_subtask_info *subtasks = manifest->operators[0].subtasks;
    cairn_state_info *states = manifest->operators[0].states;
    cairn_subtask_info subtask = {0};
    cairn_state_info first = {0};
    cairn_file_info file = {0};

    ASSERT_OK(subtask_info_copy(&subtasks[0], &subtask, NULL), NULL);
    ASSERT_OK(state_info_copy(&states[0], &first, NULL), NULL);
    ASSERT_OK(file_info_copy(&subtask.files[1], &file, NULL), NULL);
    subtask_info_release(&subtasks[0]);
    state_info_release(&states[0]);
    file_info_release(&subtask.files[1]);
    subtasks[0] = subtask;
    states[0] = first;
    subtasks[0].files[1] = file;

    assert_prints_as(manifest, GOLDEN_FULL);
}

static void operator_state_up_to_its_bound_comes_back(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = fixture_full();
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *read = NULL;
    CAIRN_AUTO(cairn_buf) printed = {0};
    cairn_buf *bytes = &manifest->operators[0].subtasks[1].operator_state;
    cairn_error err = {0};

    ASSERT_OK(buf_reserve(bytes, CAIRN_OPERATOR_STATE_BYTES_MAX, &err), &err);
    for (size_t i = 0; i < CAIRN_OPERATOR_STATE_BYTES_MAX; i++) {
        ASSERT_OK(buf_append_byte(bytes, (uint8_t)(i * 7), &err), &err);
    }
    ASSERT_OK(manifest_print(manifest, &printed, NULL, &err), &err);
    ASSERT_OK(cairn_manifest_read(cairn_buf_slice(&printed), NULL, 0, &read, &err), &err);

    assert_int_equal(read->operators[0].subtasks[1].operator_state.len,
                     CAIRN_OPERATOR_STATE_BYTES_MAX);
    assert_memory_equal(read->operators[0].subtasks[1].operator_state.data, bytes->data,
                        CAIRN_OPERATOR_STATE_BYTES_MAX);
}

static void any_reason_can_be_written(void **state)
{
    (void)state;
    static char reason[10000];
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = fixture_aborted();
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *read = NULL;
    CAIRN_AUTO(cairn_buf) printed = {0};
    CAIRN_AUTO(cairn_buf) again = {0};
    char *kept = manifest->reason;
    cairn_error err = {0};

    memset(reason, 0xff, sizeof(reason) - 1);
    reason[1] = '\x1b';
    manifest->reason = reason;
    ASSERT_OK(manifest_print(manifest, &printed, NULL, &err), &err);
    manifest->reason = kept;

    ASSERT_OK(cairn_manifest_read(cairn_buf_slice(&printed), NULL, 0, &read, &err), &err);
    ASSERT_OK(manifest_print(read, &again, NULL, &err), &err);
    assert_memory_equal(read->reason, "\xef\xbf\xbd\x1b\xef\xbf\xbd", 7);
    assert_in_range(strlen(read->reason), CAIRN_JSON_STRING_BYTES_MAX - 4,
                    CAIRN_JSON_STRING_BYTES_MAX);
    assert_same_bytes(&again, &printed);
}

/* --- n-th allocation -------------------------------------------------------------------------- */

/* One run of what is swept; whatever it makes is released by it. */
typedef cairn_code (*swept)(cairn_error *err);

static cairn_code sweep_read(cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) bytes = fixture_golden(GOLDEN_FULL);
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = NULL;
    cairn_code code =
        cairn_manifest_read(cairn_buf_slice(&bytes), FIXTURE_JOB, FIXTURE_ID, &manifest, err);

    assert_int_equal(manifest == NULL, code != CAIRN_OK);
    return code;
}

static cairn_manifest *sweep_model;
static manifest_part sweep_part_model;

static cairn_code sweep_print(cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) printed = {0};
    cairn_code code = manifest_print(sweep_model, &printed, NULL, err);

    assert_int_equal(printed.len == 0, code != CAIRN_OK);
    return code;
}

static cairn_code sweep_copy(cairn_error *err)
{
    CAIRN_AUTO(cairn_subtask_info) copy = {0};
    CAIRN_AUTO(cairn_state_info) state = {0};
    cairn_code code = subtask_info_copy(&sweep_model->operators[0].subtasks[0], &copy, err);

    assert_int_equal(copy.engine == NULL, code != CAIRN_OK);
    CAIRN_TRY(code);
    return state_info_copy(&sweep_model->operators[0].states[0], &state, err);
}

static cairn_code sweep_part(cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) printed = {0};
    CAIRN_AUTO(manifest_part) part = {0};

    CAIRN_TRY(manifest_part_print(&sweep_part_model, &printed, err));
    return manifest_part_read(cairn_buf_slice(&printed), &part, err);
}

/* The golden file is read by fs_read_file, whose own failures are not what is swept. */
static void sweep(swept run, uint64_t first, int persistent)
{
    for (uint64_t nth = first;; nth++) {
        cairn_error err = {0};
        cairn_code code;
        uint64_t made;

        mem_fail_nth(nth, persistent);
        code = run(&err);
        made = mem_alloc_count();
        mem_fail_nth(0, 0);
        if (made < nth) {
            ASSERT_OK(code, &err);
            break;
        }
        ASSERT_CODE(code, CAIRN_E_NO_MEMORY, &err);
        ASSERT_MESSAGE_HAS(&err, "");
    }
}

static uint64_t allocations_of_golden(void)
{
    cairn_buf bytes;

    mem_fail_nth(0, 0);
    bytes = fixture_golden(GOLDEN_FULL);
    cairn_buf_release(&bytes);
    return mem_alloc_count();
}

static void every_failed_allocation_is_out_of_memory_and_no_leak(void **state)
{
    (void)state;
    sweep_model = fixture_full();
    sweep_part_model = fixture_part();

    for (int persistent = 0; persistent <= 1; persistent++) {
        sweep(sweep_read, allocations_of_golden() + 1, persistent);
        sweep(sweep_print, 1, persistent);
        sweep(sweep_copy, 1, persistent);
        sweep(sweep_part, 1, persistent);
    }

    cairn_manifest_free(sweep_model);
    manifest_part_release(&sweep_part_model);
}

static void freeing_nothing_is_fine(void **state)
{
    (void)state;
    cairn_manifest_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_writer_still_gives_the_golden_bytes),
        cmocka_unit_test(what_is_read_prints_as_the_same_bytes),
        cmocka_unit_test(the_golden_manifest_reads_as_the_model),
        cmocka_unit_test(every_kind_of_state_reads_as_itself),
        cmocka_unit_test(other_kinds_than_value_are_refused_in_version_1),
        cmocka_unit_test(the_part_of_other_kinds_reads_and_prints_as_its_golden_file),
        cmocka_unit_test(an_abort_reads_with_its_reason_and_no_operators),
        cmocka_unit_test(digest_and_size_are_those_of_the_whole_document),
        cmocka_unit_test(sums_count_files_and_outputs_and_tell_the_new_ones),
        cmocka_unit_test(the_place_that_it_was_found_at_is_compared),
        cmocka_unit_test(a_newer_version_is_named_whatever_else_it_holds),
        cmocka_unit_test(damage_of_a_newer_version_is_damage),
        cmocka_unit_test(extensions_are_ignored),
        cmocka_unit_test(the_weaker_mode_is_in_the_extensions),
        cmocka_unit_test(other_extensions_are_no_weaker_mode),
        cmocka_unit_test(the_part_reads_and_prints_as_its_golden_file),
        cmocka_unit_test(a_part_is_no_manifest_and_the_other_way_round),
        cmocka_unit_test(copies_are_deep_and_equal),
        cmocka_unit_test(operator_state_up_to_its_bound_comes_back),
        cmocka_unit_test(any_reason_can_be_written),
        cmocka_unit_test(every_failed_allocation_is_out_of_memory_and_no_leak),
        cmocka_unit_test(freeing_nothing_is_fine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
