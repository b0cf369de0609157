/* Operator states in manifests and parts. */
#include "test.h"

#include "alloc_sweep.h"
#include "bounds.h"
#include "manifest_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#define GOLDEN      "manifest_v2_operators.json"
#define GOLDEN_PART "manifest_v2_operators_part.json"
#define GOLDEN_V1   "manifest_v1_full.json"
#define DIGEST      "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static cairn_operator_state_info info_of(const char *name, cairn_operator_mode mode,
                                         uint64_t elements)
{
    return (cairn_operator_state_info){.name = mem_strdup(name),
                                       .mode = mode,
                                       .key_serializer = {mem_strdup("string"), 1},
                                       .value_serializer = {mem_strdup("u64"), 3},
                                       .elements = elements};
}

/* Into the first subtask of what a fixture made, all of whose states are values. */
static void add_operator_states(cairn_operator_info *op)
{
    cairn_operator_states_info *states = mem_calloc(1, sizeof(*states));

    assert_non_null(states);
    states->file =
        (cairn_file_info){.name = mem_strdup("operator.state"),
                          .key = mem_strdup("chk-42/count/0/3-9f2c4e6a8b0d1357-operator.state"),
                          .size = 1234,
                          .sha256 = DIGEST,
                          .last_key_group = 63,
                          .uploaded_by = FIXTURE_ID};
    states->state_count = 3;
    states->states = mem_calloc(3, sizeof(*states->states));
    assert_non_null(states->states);
    states->states[0] = info_of("offsets", CAIRN_OPERATOR_LIST, 12);
    states->states[1] = info_of("rules", CAIRN_OPERATOR_BROADCAST, 0);
    states->states[2] = info_of("watermarks", CAIRN_OPERATOR_UNION, CAIRN_OPERATOR_ELEMENTS_MAX);
    op->subtasks[0].operator_states = states;
}

static cairn_manifest *make(void)
{
    cairn_manifest *manifest = fixture_full();

    add_operator_states(&manifest->operators[0]);
    return manifest;
}

static manifest_part make_part(void)
{
    manifest_part part = fixture_part();

    add_operator_states(&part.operator_info);
    return part;
}

static void expect_bytes(const cairn_buf *printed, const char *golden)
{
    CAIRN_AUTO(cairn_buf) expected = fixture_golden(golden);

    assert_int_equal(printed->len, expected.len);
    assert_memory_equal(printed->data, expected.data, expected.len);
}

static void the_writer_gives_the_golden_bytes(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = make();
    CAIRN_AUTO(manifest_part) part = make_part();
    CAIRN_AUTO(cairn_buf) printed = {0};
    cairn_error err = {0};

    ASSERT_OK(manifest_print(manifest, &printed, NULL, &err), &err);
    expect_bytes(&printed, GOLDEN);
    ASSERT_OK(manifest_part_print(&part, &printed, &err), &err);
    expect_bytes(&printed, GOLDEN_PART);
}

static void what_is_read_prints_as_the_same_bytes(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) golden = fixture_golden(GOLDEN);
    CAIRN_AUTO(cairn_buf) golden_part = fixture_golden(GOLDEN_PART);
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = NULL;
    CAIRN_AUTO(manifest_part) part = {0};
    CAIRN_AUTO(cairn_buf) printed = {0};
    cairn_error err = {0};

    ASSERT_OK(cairn_manifest_read(cairn_buf_slice(&golden), FIXTURE_JOB, 42, &manifest, &err),
              &err);
    ASSERT_OK(manifest_print(manifest, &printed, NULL, &err), &err);
    expect_bytes(&printed, GOLDEN);
    ASSERT_OK(manifest_part_read(cairn_buf_slice(&golden_part), &part, &err), &err);
    ASSERT_OK(manifest_part_print(&part, &printed, &err), &err);
    expect_bytes(&printed, GOLDEN_PART);
}

static void the_golden_manifest_reads_as_the_model(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) golden = fixture_golden(GOLDEN);
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = NULL;
    cairn_error err = {0};

    ASSERT_OK(cairn_manifest_read(cairn_buf_slice(&golden), FIXTURE_JOB, 42, &manifest, &err),
              &err);
    const cairn_operator_states_info *read = manifest->operators[0].subtasks[0].operator_states;
    assert_non_null(read);
    assert_string_equal(read->file.name, "operator.state");
    assert_int_equal(read->file.size, 1234);
    assert_int_equal(read->state_count, 3);
    assert_string_equal(read->states[1].name, "rules");
    assert_int_equal(read->states[1].mode, CAIRN_OPERATOR_BROADCAST);
    assert_string_equal(read->states[1].key_serializer.id, "string");
    assert_int_equal(read->states[1].value_serializer.version, 3);
    assert_int_equal(read->states[2].mode, CAIRN_OPERATOR_UNION);
    assert_int_equal(read->states[2].elements, CAIRN_OPERATOR_ELEMENTS_MAX);
    assert_null(manifest->operators[0].subtasks[1].operator_states);
}

static void the_file_counts_in_the_sums(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *without = fixture_full();
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *with = make();

    assert_int_equal(cairn_manifest_total_bytes(with), cairn_manifest_total_bytes(without) + 1234);
    assert_int_equal(cairn_manifest_new_bytes(with), cairn_manifest_new_bytes(without) + 1234);
}

static void a_copy_has_them_too(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = make();
    CAIRN_AUTO(cairn_buf) printed = {0};
    cairn_subtask_info copy = {0};

    ASSERT_OK(subtask_info_copy(&manifest->operators[0].subtasks[0], &copy, NULL), NULL);
    subtask_info_release(&manifest->operators[0].subtasks[0]);
    manifest->operators[0].subtasks[0] = copy;

    ASSERT_OK(manifest_print(manifest, &printed, NULL, NULL), NULL);
    expect_bytes(&printed, GOLDEN);
}

/* --- what is refused -------------------------------------------------------------------------- */

static void each_rule_is_checked_when_it_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        const char *from;
        const char *to;
        const char *message;
    } cases[] = {
        {"version 1", "\"version\": 2,", "\"version\": 1,", "came with version 2"},
        {"an unknown member", "\"mode\": \"list\",", "\"mode\": \"list\", \"x\": 1,", "x"},
        {"no mode", "\"mode\": \"list\",", "", "mode"},
        {"an unknown mode", "\"mode\": \"list\"", "\"mode\": \"map\"", "mode"},
        {"names that are not sorted", "\"name\": \"rules\"", "\"name\": \"zzz\"", "sorted"},
        {"a name twice", "\"name\": \"rules\"", "\"name\": \"offsets\"", "unique"},
        {"a name that is none", "\"name\": \"rules\"", "\"name\": \"a/b\"", "safe name"},
        {"a number of elements", "\"elements\": \"12\"", "\"elements\": 12", "elements"},
        {"too many elements", "\"elements\": \"1000000\"", "\"elements\": \"1000001\"",
         "1000001 elements"},
        {"a serializer's name", "\"id\": \"string\"", "\"id\": \"\"", "serializer"},
        {"another checkpoint's folder", "chk-42/count/0/3-9f2c4e6a8b0d1357-operator.state",
         "chk-41/count/0/3-9f2c4e6a8b0d1357-operator.state", "operator_states.file"},
        {"a length that is not the size", "\"length\": \"1234\"", "\"length\": \"1235\"", "differ"},
        {"another member", "\"file\": {", "\"filo\": {", "filo"},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO(cairn_buf) golden = fixture_golden(GOLDEN);
        CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = NULL;
        cairn_error err = {0};

        CAIRN_AUTO(cairn_buf)
        edited = fixture_edit(cairn_buf_slice(&golden), cases[i].from, cairn_slice_of(cases[i].to));
        const cairn_code code =
            cairn_manifest_read(cairn_buf_slice(&edited), NULL, 0, &manifest, &err);
        if (code != CAIRN_E_INTEGRITY) {
            fail_msg("%s: %s", cases[i].what, cairn_code_name(code));
        }
        ASSERT_MESSAGE_HAS(&err, cases[i].message);
        assert_null(manifest);
    }
}

static cairn_code print_changed(void (*change)(cairn_operator_states_info *info), cairn_error *err)
{
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = make();
    CAIRN_AUTO(cairn_buf) printed = {0};

    change(manifest->operators[0].subtasks[0].operator_states);
    return manifest_print(manifest, &printed, NULL, err);
}

static void have_no_states(cairn_operator_states_info *info)
{
    while (info->state_count > 0) {
        operator_state_info_release(&info->states[--info->state_count]);
    }
}

static void have_an_unknown_mode(cairn_operator_states_info *info)
{
    info->states[1].mode = (cairn_operator_mode)3;
}

static void have_a_large_file(cairn_operator_states_info *info)
{
    info->file.size = CAIRN_OPERATOR_FILE_BYTES_MAX + 1;
}

static void have_no_digest(cairn_operator_states_info *info)
{
    info->file.sha256[0] = '\0';
}

static void each_rule_is_checked_when_it_is_written(void **state)
{
    (void)state;
    static const struct {
        void (*change)(cairn_operator_states_info *info);
        const char *message;
    } cases[] = {{have_no_states, "0 states"},
                 {have_an_unknown_mode, "states[1]: unknown mode"},
                 {have_a_large_file, "at most"},
                 {have_no_digest, "operator_states.file"}};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        cairn_error err = {0};

        ASSERT_CODE(print_changed(cases[i].change, &err), CAIRN_E_INTEGRITY, &err);
        ASSERT_MESSAGE_HAS(&err, cases[i].message);
    }
}

static void without_them_the_document_is_as_before(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = fixture_full();
    CAIRN_AUTO(cairn_buf) printed = {0};

    ASSERT_OK(manifest_print(manifest, &printed, NULL, NULL), NULL);

    expect_bytes(&printed, GOLDEN_V1);
}

/* --- memory ----------------------------------------------------------------------------------- */

static cairn_code all_work(void *context, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) printed = {0};
    CAIRN_AUTO(manifest_part) read = {0};
    CAIRN_AUTO(cairn_subtask_info) copy = {0};

    CAIRN_TRY(manifest_part_print(context, &printed, err));
    CAIRN_TRY(manifest_part_read(cairn_buf_slice(&printed), &read, err));
    return subtask_info_copy(&read.operator_info.subtasks[0], &copy, err);
}

static void every_failed_allocation_is_out_of_memory_and_no_leak(void **state)
{
    (void)state;
    CAIRN_AUTO(manifest_part) part = make_part();

    alloc_sweep(all_work, &part);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_writer_gives_the_golden_bytes),
        cmocka_unit_test(what_is_read_prints_as_the_same_bytes),
        cmocka_unit_test(the_golden_manifest_reads_as_the_model),
        cmocka_unit_test(the_file_counts_in_the_sums),
        cmocka_unit_test(a_copy_has_them_too),
        cmocka_unit_test(each_rule_is_checked_when_it_is_read),
        cmocka_unit_test(each_rule_is_checked_when_it_is_written),
        cmocka_unit_test(without_them_the_document_is_as_before),
        cmocka_unit_test(every_failed_allocation_is_out_of_memory_and_no_leak),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
