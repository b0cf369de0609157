/* Every damaged or hostile manifest is refused, with the code and a message that says where. */
#include "test.h"

#include "bounds.h"
#include "manifest_fixture.h"
#include "seal.h"

#include <stdio.h>

#define GOLDEN_FULL    "manifest_v1_full.json"
#define GOLDEN_ABORTED "manifest_v1_aborted.json"

static cairn_code read_bytes(cairn_slice bytes, cairn_error *err)
{
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = NULL;
    cairn_code code = cairn_manifest_read(bytes, FIXTURE_JOB, FIXTURE_ID, &manifest, err);

    assert_int_equal(manifest == NULL, code != CAIRN_OK);
    return code;
}

/* `from` is replaced once; all else is the full golden manifest. */
typedef struct edit {
    const char *proves;
    const char *from;
    const char *to;
    const char *message;
} edit;

static void assert_refused(const edit *cases, size_t count)
{
    CAIRN_AUTO(cairn_buf) golden = fixture_golden(GOLDEN_FULL);

    for (size_t i = 0; i < count; i++) {
        CAIRN_AUTO(cairn_buf)
        edited = fixture_edit(cairn_buf_slice(&golden), cases[i].from, cairn_slice_of(cases[i].to));
        cairn_error err = {0};
        cairn_code code = read_bytes(cairn_buf_slice(&edited), &err);

        if (code != CAIRN_E_INTEGRITY || strstr(err.message, cases[i].message) == NULL) {
            fail_msg("%s: %s: %s", cases[i].proves, cairn_code_name(code), err.message);
        }
        ASSERT_MESSAGE_HAS(&err, "manifest: ");
    }
}

#define ASSERT_REFUSED(cases) assert_refused((cases), CAIRN_ARRAY_LEN(cases))

static void what_is_not_strict_json_is_refused_with_its_offset(void **state)
{
    (void)state;
    static const edit cases[] = {
        {"byte order mark", "", "\xef\xbb\xbf", "byte"},
        {"text before the object", "", "x", "byte"},
        {"a second object", "", "{}", "byte"},
        {"no JSON at all", "{\n", "hello\n", "byte"},
        {"NaN", "\"max_parallelism\": 128", "\"max_parallelism\": NaN", "byte"},
        {"raw control character", "\"orders\"", "\"or\x01\x64\x65rs\"", "byte"},
        {"escaped NUL", "\"orders\"", "\"orders\\u0000\"", "byte"},
        {"bad UTF-8", "\"orders\"", "\"orders\xff\"", "byte"},
        {"overlong UTF-8", "\"orders\"", "\"\xc0\xaforders\"", "byte"},
        {"single quotes", "\"orders\"", "'orders'", "byte"},
        {"trailing comma", "\"outputs\": []", "\"outputs\": [],", "byte"},
        {"comment", "\"version\": 1,", "\"version\": 1, /* one */", "byte"},
        {"an array as root", "{\n  \"format\"", "[\n  \"format\"", ""},
        {"duplicate member", "\"job\":", "\"job\": \"orders\", \"job\":", "byte"},
        {"duplicate by escape", "\"job\":", "\"\\u006aob\": \"orders\", \"job\":", "byte"},
        {"a digest within the sealed part", "\"job\":", "\"sha256\": \"\", \"job\":", "byte"},
    };

    ASSERT_REFUSED(cases);
}

static void what_the_schema_does_not_know_is_refused(void **state)
{
    (void)state;
    static const edit cases[] = {
        {"root", "\"job\":", "\"extra\": 1, \"job\":", "extra"},
        {"other case", "\"job\":", "\"Job\": \"orders\", \"job\":", "Job"},
        {"parent", "\"id\": \"41\"", "\"id\": \"41\", \"extra\": 1", "extra"},
        {"operator", "\"uid\":", "\"extra\": 1, \"uid\":", "operators[0]"},
        {"state", "\"name\": \"last\"", "\"name\": \"last\", \"extra\": 1", "states[0]"},
        {"serializer", "\"id\": \"bytes\"", "\"id\": \"bytes\", \"extra\": 1", "states[0]"},
        {"subtask", "\"index\": 0", "\"index\": 0, \"extra\": 1", "subtasks[0]"},
        {"key groups", "\"first\": 0", "\"first\": 0, \"extra\": 1", "subtasks[0]"},
        {"position", "\"records\": \"0\"", "\"records\": \"0\", \"extra\": 1", "positions[1]"},
        {"file", "\"name\": \"CURRENT\"", "\"extra\": 1, \"name\": \"CURRENT\"", "files[1]"},
        {"extensions that are no object", "\"job\":", "\"extensions\": 1, \"job\":", "extensions"},
        {"unknown kind", "\"checkpoint\"", "\"backup\"", "kind"},
        {"unknown kind of state", "\"kind\": \"value\"", "\"kind\": \"graph\"", "states[0]"},
        {"format", "cairn-manifest", "cairn-\\u001bmanifest", "\\x1b"},
    };

    ASSERT_REFUSED(cases);
}

static void what_is_missing_or_of_another_type_is_refused(void **state)
{
    (void)state;
    static const edit cases[] = {
        {"no format", "  \"format\": \"cairn-manifest\",\n", "", "format"},
        {"no version", "  \"version\": 1,\n", "", "version"},
        {"no job", "  \"job\": \"orders\",\n", "", "job"},
        {"no id", "  \"id\": \"42\",\n", "", "id"},
        {"no operators", "\"operators\"", "\"extensions\": {}, \"reason\"", "reason"},
        {"version as text", "\"version\": 1", "\"version\": \"1\"", "version"},
        {"job as number", "\"orders\"", "7", "job"},
        {"parent as text", "\"parent\": {", "\"reason\": null, \"parent\": 7, \"extensions\": {",
         "parent"},
        {"files as object", "\"files\": [", "\"files\": {}, \"extensions\": [", "files"},
        {"null in an array", "\"positions\": []", "\"positions\": [null]", "positions[0]"},
        {"state as text", "\"states\": []", "\"states\": [\"x\"]", "states[0]"},
    };

    ASSERT_REFUSED(cases);
}

static void numbers_that_are_not_exactly_one_are_refused(void **state)
{
    (void)state;
    static const edit cases[] = {
        {"version 0", "\"version\": 1", "\"version\": 0", "version"},
        {"version -1", "\"version\": 1", "\"version\": -1", "version"},
        {"version 1.5", "\"version\": 1", "\"version\": 1.5", "version"},
        {"version 1e400", "\"version\": 1", "\"version\": 1e400", "version"},
        {"leading zero in a number", "\"version\": 1", "\"version\": 01", "byte"},
        {"negative size", "\"size\": \"4096\"", "\"size\": \"-1\"", "size"},
        {"size 2^64", "\"size\": \"4096\"", "\"size\": \"18446744073709551616\"", "size"},
        {"size with leading zero", "\"size\": \"4096\"", "\"size\": \"04096\"", "size"},
        {"size as a number", "\"size\": \"4096\"", "\"size\": 4096", "size"},
        {"size in hex", "\"size\": \"4096\"", "\"size\": \"0x10\"", "size"},
        {"empty size", "\"size\": \"4096\"", "\"size\": \"\"", "size"},
        {"length is not size", "\"length\": \"4096\"", "\"length\": \"4097\"", "length"},
        {"index as text", "\"index\": 0", "\"index\": \"0\"", "index"},
        {"key group 1.5", "\"first\": 64", "\"first\": 64.5", "first"},
        {"negative key group", "\"first\": 0", "\"first\": -1", "first"},
        {"id 0", "\"id\": \"42\"", "\"id\": \"0\"", "checkpoint 0"},
        {"epoch 0", "\"epoch\": \"3\"", "\"epoch\": \"0\"", "epoch"},
        {"parent 0", "\"id\": \"41\"", "\"id\": \"0\"", "parent"},
        {"parent is itself", "\"id\": \"41\"", "\"id\": \"42\"", "parent 42"},
        {"parent comes later", "\"id\": \"41\"", "\"id\": \"43\"", "parent 43"},
        {"no max parallelism", "\"max_parallelism\": 128", "\"max_parallelism\": 0", "parallelism"},
        {"max parallelism", "\"max_parallelism\": 128", "\"max_parallelism\": 32769",
         "parallelism"},
        {"parallelism 0", "\"parallelism\": 2", "\"parallelism\": 0", "parallelism 0"},
        {"parallelism over max", "\"parallelism\": 2", "\"parallelism\": 129", "parallelism 129"},
        {"offset + size", "\"offset\": \"16\"", "\"offset\": \"18446744073709551615\"", "overflow"},
    };

    ASSERT_REFUSED(cases);
}

static void the_sum_of_sizes_may_not_overflow(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = fixture_full();
    CAIRN_AUTO(cairn_buf) printed = {0};
    cairn_error err = {0};

    manifest->operators[0].subtasks[0].files[0].size = UINT64_MAX - 15;
    manifest->operators[1].subtasks[0].files[0].size = 16;

    ASSERT_CODE(manifest_print(manifest, &printed, NULL, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "overflow");
    assert_int_equal(printed.len, 0);
}

static void names_that_could_leave_a_folder_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {
        "../x", "/x", "a/../../b", ".", "..", "", "C:\\\\x", "a b", "a\\nb", "\xc3\xa9",
    };
    static const char *const places[][2] = {
        {"\"name\": \"000012.sst\"", "\"name\": \"%s\""},
        {"\"name\": \"part-41-0\"", "\"name\": \"%s\""},
        {"\"name\": \"last\"", "\"name\": \"%s\""},
        {"\"uid\": \"count\"", "\"uid\": \"%s\""},
        {"\"engine\": \"rocksdb\"", "\"engine\": \"%s\""},
        {"\"id\": \"string\"", "\"id\": \"%s\""},
        {"\"engine_version\": \"7.8.3\"", "\"engine_version\": \"%s\""},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(names); i++) {
        for (size_t k = 0; k < CAIRN_ARRAY_LEN(places); k++) {
            CAIRN_AUTO(cairn_buf) to = {0};
            const char *shape = places[k][1];
            const char *hole = strstr(shape, "%s");

            ASSERT_OK(buf_append(&to, shape, (size_t)(hole - shape), NULL), NULL);
            ASSERT_OK(buf_append_text(&to, names[i], NULL), NULL);
            ASSERT_OK(buf_append_text(&to, hole + 2, NULL), NULL);
            assert_refused(&(edit){names[i], places[k][0], buf_text(&to), "no safe name"}, 1);
        }
    }
}

static void long_names_are_refused(void **state)
{
    (void)state;
    static char to[6000] = "\"name\": \"";
    size_t start = strlen(to);

    memset(to + start, 'a', 5000);
    memcpy(to + start + 5000, "\"", 2);
    assert_refused(&(edit){"5,000 bytes", "\"name\": \"000012.sst\"", to, "name"}, 1);
    memcpy(to + start + 256, "\"", 2);
    assert_refused(&(edit){"256 bytes", "\"name\": \"000012.sst\"", to, "no safe name"}, 1);
}

static void keys_that_lead_elsewhere_are_refused(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "",
        "/shared/count/2-x-7",
        "../other-job/shared/count/2-x-7",
        "shared/../../other/2-x-7",
        "shared/./2-x-7",
        "shared//2-x-7",
        "shared/count/2-x-7/",
        "s3://bucket/shared/2-x-7",
        "http://169.254.169.254/latest/2-x",
        "file:///etc/2-passwd",
        "shared",
        "shared/",
        "other/count/2-x-7",
        "chk-/count/0/2-x",
        "chk-x/count/0/2-x",
        "chk-040/count/0/2-x",
        "chk-40x/count/0/2-x",
        "chk-18446744073709551656/count/0/2-x",
        "epochs/3/2-claim.json",
        "gc/2-x",
        "shared/count/x-7",
        "shared/count/2",
        "shared/count/02-x",
        "shared/count/-x",
        "shared/count/2-x\\n",
        "shared/count\\\\2-x",
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(keys); i++) {
        char to[200];

        (void)snprintf(to, sizeof(to), "\"key\": \"%s\"", keys[i]);
        assert_refused(&(edit){keys[i], "\"key\": \"shared/count/2-9f2c4e6a8b0d1357-7\"", to,
                               "files[0]: the key is not"},
                       1);
    }
}

static void keys_that_contradict_the_checkpoint_are_refused(void **state)
{
    (void)state;
    static const edit cases[] = {
        {"epoch of the future", "shared/count/2-", "shared/count/4-", "later epoch"},
        {"a new file of an older epoch", "chk-42/count/0/3-", "chk-42/count/0/2-", "another epoch"},
        {"private to another checkpoint", "chk-42/count/0/3-", "chk-41/count/0/3-", "private"},
        {"uploaded by none", "\"uploaded_by\": \"40\"", "\"uploaded_by\": \"0\"", "uploaded by"},
        {"uploaded later", "\"uploaded_by\": \"40\"", "\"uploaded_by\": \"43\"", "uploaded by"},
        {"new without this epoch", "\"uploaded_by\": \"40\"", "\"uploaded_by\": \"42\"",
         "another epoch"},
    };

    ASSERT_REFUSED(cases);
}

static void digests_and_attempts_must_be_lower_case_hex(void **state)
{
    (void)state;
    static const edit cases[] = {
        {"upper case", "\"ffeeddcc", "\"FFeeddcc", "files[1]"},
        {"no hex", "\"ffeeddcc", "\"gfeeddcc", "files[1]"},
        {"short", "\"ffeeddcc", "\"feeddcc", "files[1]"},
        {"long", "\"ffeeddcc", "\"fffeeddcc", "files[1]"},
        {"parent", "\"sha256\": \"0011", "\"sha256\": \"xx11", "parent"},
        {"attempt, upper case", "\"9f2c4e6a8b0d1357\"", "\"9F2c4e6a8b0d1357\"", "attempt"},
        {"attempt, short", "\"9f2c4e6a8b0d1357\"", "\"9f2c4e6a8b0d135\"", "attempt"},
        {"subtask's attempt", "\"0123456789abcdef\",\n          \"engine\"",
         "\"0123456789abcdeg\",\n          \"engine\"", "subtasks[1]"},
    };

    ASSERT_REFUSED(cases);
}

static void key_groups_must_be_owned_exactly_once(void **state)
{
    (void)state;
    static const edit cases[] = {
        {"overlap", "\"first\": 64", "\"first\": 63", "overlap"},
        {"hole", "\"first\": 64", "\"first\": 65", "hole"},
        {"starts late", "\"first\": 0,", "\"first\": 1,", "hole"},
        {"ends early", "\"last\": 127", "\"last\": 126", "hole"},
        {"beyond max", "\"last\": 127", "\"last\": 128", "128"},
        {"backwards", "\"first\": 64", "\"first\": 128", "128"},
        {"one subtask twice", "\"index\": 1", "\"index\": 0", "index"},
        {"a subtask of none", "\"index\": 1", "\"index\": 2", "index"},
        {"subtasks missing", "\"parallelism\": 2", "\"parallelism\": 3", "2 subtasks"},
        {"subtasks too many", "\"parallelism\": 2", "\"parallelism\": 1", "2 subtasks"},
        {"a file's groups", "\"first_key_group\": 3", "\"first_key_group\": 41", "files[0]"},
        {"a file's last group", "\"last_key_group\": 40", "\"last_key_group\": 128", "files[0]"},
    };

    ASSERT_REFUSED(cases);
}

static void lists_must_be_sorted_and_unique(void **state)
{
    (void)state;
    static const edit cases[] = {
        {"file twice", "\"name\": \"MANIFEST-000005\"", "\"name\": \"CURRENT\"", "files[2]"},
        {"files unsorted", "\"name\": \"000012.sst\"", "\"name\": \"D\"", "files[1]"},
        {"state twice", "\"name\": \"totals\"", "\"name\": \"last\"", "states[1]"},
        {"states unsorted", "\"name\": \"totals\"", "\"name\": \"a\"", "states[1]"},
        {"operator twice", "\"uid\": \"join\"", "\"uid\": \"count\"", "operators[1]"},
        {"operators unsorted", "\"uid\": \"join\"", "\"uid\": \"a\"", "operators[1]"},
        {"source twice", "\"source\": \"-\"",
         "\"source\": \"donn\xc3\xa9"
         "es/a \\\"b\\\".txt\"",
         "positions[1]"},
    };

    ASSERT_REFUSED(cases);
}

static void what_the_engine_needs_must_be_there(void **state)
{
    (void)state;
    static const edit cases[] = {
        {"no CURRENT", "\"name\": \"CURRENT\"", "\"name\": \"CURRENTS\"", "no CURRENT"},
        {"operator state", "\"AAH+/w==\"", "\"AAH+/w=\"", "operator_state"},
        {"operator state, spare bits", "\"AAH+/w==\"", "\"AAH+/x==\"", "operator_state"},
        {"operator state, blanks", "\"AAH+/w==\"", "\"AAH+ /w==\"", "operator_state"},
        {"empty source", "\"source\": \"-\"", "\"source\": \"\"", "source"},
        {"control character", "\"source\": \"-\"", "\"source\": \"a\\u001bb\"", "source"},
    };

    ASSERT_REFUSED(cases);
}

static void an_abort_and_a_checkpoint_are_not_mixed(void **state)
{
    (void)state;
    static const edit cases[] = {
        {"aborted without reason", "\"checkpoint\"", "\"aborted\"", "reason"},
        {"checkpoint with a reason", "\"operators\"", "\"reason\": \"x\", \"operators\"", "reason"},
        {"aborted with operators", "\"kind\": \"checkpoint\"",
         "\"reason\": \"x\", \"kind\": \"aborted\"", "no operators"},
    };
    CAIRN_AUTO(cairn_buf) golden = fixture_golden(GOLDEN_ABORTED);
    CAIRN_AUTO(cairn_buf)
    empty = fixture_edit(cairn_buf_slice(&golden), "\"aborted\"", cairn_slice_of("\"checkpoint\""));
    cairn_error err = {0};

    ASSERT_REFUSED(cases);
    ASSERT_CODE(read_bytes(cairn_buf_slice(&empty), &err), CAIRN_E_INTEGRITY, &err);
}

static void deep_and_wide_documents_hit_named_bounds(void **state)
{
    (void)state;
    static char deep[200000];
    size_t depth = 90000;

    memset(deep, '[', depth);
    memset(deep + depth, ']', depth);
    memcpy(deep + 2 * depth, ",", 2);
    CAIRN_AUTO(cairn_buf) value = {0};
    ASSERT_OK(buf_append_text(&value, "\"extensions\": {\"x\": ", NULL), NULL);
    ASSERT_OK(buf_append(&value, deep, 2 * depth, NULL), NULL);
    ASSERT_OK(buf_append_text(&value, "}, \"job\":", NULL), NULL);

    assert_refused(&(edit){"depth 90,000", "\"job\":", buf_text(&value), "byte"}, 1);
}

static void more_than_the_largest_manifest_is_not_looked_at(void **state)
{
    (void)state;
    static const uint8_t byte = '{';
    cairn_error err = {0};

    ASSERT_CODE(read_bytes((cairn_slice){&byte, CAIRN_MANIFEST_BYTES_MAX + 1}, &err), CAIRN_E_LIMIT,
                &err);
}

/* `count` times `element`, with commas between. */
static cairn_buf repeated(const char *before, const char *element, size_t count, const char *after)
{
    cairn_buf text = {0};

    ASSERT_OK(buf_append_text(&text, before, NULL), NULL);
    for (size_t i = 0; i < count; i++) {
        ASSERT_OK(buf_append_text(&text, i == 0 ? "" : ",", NULL), NULL);
        ASSERT_OK(buf_append_text(&text, element, NULL), NULL);
    }
    ASSERT_OK(buf_append_text(&text, after, NULL), NULL);
    return text;
}

static void lists_beyond_their_bounds_are_refused_before_they_are_read(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf)
    positions = repeated("\"positions\": [", "{}", CAIRN_SOURCES_MAX + 1, "]");
    CAIRN_AUTO(cairn_buf) states = repeated("\"states\": [", "7", CAIRN_STATES_MAX + 1, "]");
    CAIRN_AUTO(cairn_buf)
    files = repeated("\"outputs\": [", "0", CAIRN_MANIFEST_FILES_MAX + 1, "]");
    const edit cases[] = {
        {"positions", "\"positions\": []", buf_text(&positions), "1025 elements, at most 1024"},
        {"states", "\"states\": []", buf_text(&states), "257 elements, at most 256"},
        {"files", "\"outputs\": []", buf_text(&files), "1000001 elements"},
    };

    ASSERT_REFUSED(cases);
}

static void a_key_is_at_most_so_long(void **state)
{
    (void)state;
    static char key[1200] = "\"key\": \"shared/";
    size_t start = strlen(key);

    for (size_t at = start; at < start + 1014; at++) {
        key[at] = at % 100 == 0 ? '/' : 'a';
    }
    /* 7 + 1014 + 4 bytes: one too many */
    memcpy(key + start + 1014, "/2-x\"", 6);
    assert_refused(&(edit){"1,025 bytes", "\"key\": \"shared/count/2-9f2c4e6a8b0d1357-7\"", key,
                           "the key is not"},
                   1);
}

static void a_manifest_cut_at_any_byte_is_refused(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) golden = fixture_golden(GOLDEN_FULL);

    for (size_t len = 0; len < golden.len; len++) {
        cairn_error err = {0};

        ASSERT_CODE(read_bytes((cairn_slice){golden.data, len}, &err), CAIRN_E_INTEGRITY, &err);
    }
}

static void a_manifest_cut_at_any_byte_and_sealed_again_is_refused(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) golden = fixture_golden(GOLDEN_FULL);

    for (size_t len = 0; len < golden.len - SEAL_LINE_BYTES; len++) {
        CAIRN_AUTO(cairn_buf) sealed = fixture_seal((cairn_slice){golden.data, len});
        cairn_error err = {0};

        ASSERT_CODE(read_bytes(cairn_buf_slice(&sealed), &err), CAIRN_E_INTEGRITY, &err);
    }
}

static void any_flipped_bit_is_found(void **state)
{
    (void)state;
    static const char *const names[] = {GOLDEN_ABORTED, GOLDEN_FULL};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(names); i++) {
        CAIRN_AUTO(cairn_buf) golden = fixture_golden(names[i]);

        for (size_t bit = 0; bit < 8 * golden.len; bit++) {
            cairn_error err = {0};

            golden.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
            ASSERT_CODE(read_bytes(cairn_buf_slice(&golden), &err), CAIRN_E_INTEGRITY, &err);
            golden.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
        ASSERT_OK(read_bytes(cairn_buf_slice(&golden), NULL), NULL);
    }
}

static void the_writer_refuses_what_the_reader_would(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = fixture_full();
    CAIRN_AUTO(cairn_buf) printed = {0};
    cairn_error err = {0};

    manifest->operators[0].subtasks[1].files[0].name[0] = '/';

    ASSERT_CODE(manifest_print(manifest, &printed, NULL, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "operators[0]: subtasks[1]: files[0]");
    assert_int_equal(printed.len, 0);
}

static void a_part_with_more_than_its_subtask_is_refused(void **state)
{
    (void)state;
    static const edit cases[] = {
        {"index beyond parallelism", "\"index\": 0", "\"index\": 2", "beyond the parallelism"},
        {"no subtask", "\"subtasks\": [", "\"subtasks\": [], \"extensions\": [", "0 subtasks"},
        {"unknown member", "\"job\":", "\"extra\": 1, \"job\":", "extra"},
        {"id 0", "\"checkpoint_id\": \"42\"", "\"checkpoint_id\": \"0\"", "id"},
    };
    CAIRN_AUTO(cairn_buf) golden = fixture_golden("manifest_v1_part.json");

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO(cairn_buf)
        edited = fixture_edit(cairn_buf_slice(&golden), cases[i].from, cairn_slice_of(cases[i].to));
        CAIRN_AUTO(manifest_part) part = {0};
        cairn_error err = {0};

        ASSERT_CODE(manifest_part_read(cairn_buf_slice(&edited), &part, &err), CAIRN_E_INTEGRITY,
                    &err);
        ASSERT_MESSAGE_HAS(&err, cases[i].message);
        assert_null(part.job);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_strict_json_is_refused_with_its_offset),
        cmocka_unit_test(what_the_schema_does_not_know_is_refused),
        cmocka_unit_test(what_is_missing_or_of_another_type_is_refused),
        cmocka_unit_test(numbers_that_are_not_exactly_one_are_refused),
        cmocka_unit_test(the_sum_of_sizes_may_not_overflow),
        cmocka_unit_test(names_that_could_leave_a_folder_are_refused),
        cmocka_unit_test(long_names_are_refused),
        cmocka_unit_test(keys_that_lead_elsewhere_are_refused),
        cmocka_unit_test(keys_that_contradict_the_checkpoint_are_refused),
        cmocka_unit_test(digests_and_attempts_must_be_lower_case_hex),
        cmocka_unit_test(key_groups_must_be_owned_exactly_once),
        cmocka_unit_test(lists_must_be_sorted_and_unique),
        cmocka_unit_test(what_the_engine_needs_must_be_there),
        cmocka_unit_test(an_abort_and_a_checkpoint_are_not_mixed),
        cmocka_unit_test(deep_and_wide_documents_hit_named_bounds),
        cmocka_unit_test(more_than_the_largest_manifest_is_not_looked_at),
        cmocka_unit_test(lists_beyond_their_bounds_are_refused_before_they_are_read),
        cmocka_unit_test(a_key_is_at_most_so_long),
        cmocka_unit_test(a_manifest_cut_at_any_byte_is_refused),
        cmocka_unit_test(a_manifest_cut_at_any_byte_and_sealed_again_is_refused),
        cmocka_unit_test(any_flipped_bit_is_found),
        cmocka_unit_test(the_writer_refuses_what_the_reader_would),
        cmocka_unit_test(a_part_with_more_than_its_subtask_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
