#include "test.h"

#include "layout.h"

static const layout_writer some_writer = {"wordcount", 3, 7, "00112233aabbccdd"};

static void keys_are_those_of_the_format(void **state)
{
    (void)state;

    assert_string_equal(layout_claim(7).text, "epochs/7/claim.json");
    assert_string_equal(layout_start(7).text, "epochs/7/start.json");
    assert_string_equal(layout_manifest(42).text, "chk-42/manifest.json");
    assert_string_equal(layout_certificate(42, "ff").text, "gc/42-ff.json");
    assert_string_equal(layout_probe("00112233aabbccdd").text, "probe/00112233aabbccdd");
    assert_string_equal(layout_private(42, &some_writer, "CURRENT").text,
                        "chk-42/wordcount/3/7-00112233aabbccdd-CURRENT");
    assert_string_equal(layout_part(42, &some_writer).text,
                        "chk-42/wordcount/3/7-00112233aabbccdd-part.json");
    assert_string_equal(layout_shared(&some_writer, 9).text,
                        "shared/wordcount/7-00112233aabbccdd-9");
}

static void parse_tells_what_a_key_is(void **state)
{
    static const struct {
        const char *key;
        layout_object expected;
    } cases[] = {
        {"epochs/7/claim.json", {CAIRN_LAYOUT_CLAIM, 0, 7}},
        {"epochs/18446744073709551615/start.json", {CAIRN_LAYOUT_START, 0, UINT64_MAX}},
        {"chk-42/manifest.json", {CAIRN_LAYOUT_MANIFEST, 42, 0}},
        {"chk-42/wordcount/3/7-00112233aabbccdd-part.json", {CAIRN_LAYOUT_PRIVATE, 42, 7}},
        {"chk-42/op-1/0/7-a-MANIFEST-000004", {CAIRN_LAYOUT_PRIVATE, 42, 7}},
        {"shared/op-1/7-00112233aabbccdd-12", {CAIRN_LAYOUT_SHARED, 0, 7}},
        {"gc/42-00112233aabbccdd.json", {CAIRN_LAYOUT_CERTIFICATE, 42, 0}},
        {"probe/00112233aabbccdd/0", {CAIRN_LAYOUT_PROBE, 0, 0}},
        {"probe/00112233aabbccdd/20", {CAIRN_LAYOUT_PROBE, 0, 0}},
        {"chk-42/wordcount/3/_crc32c-00112233aabbccdd", {CAIRN_LAYOUT_PROBE, 42, 0}},
        {"shared/op-1/_crc32c-00112233aabbccdd", {CAIRN_LAYOUT_PROBE, 0, 0}},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        layout_object object = layout_parse(cases[i].key);
        assert_int_equal(object.kind, cases[i].expected.kind);
        assert_int_equal(object.id, cases[i].expected.id);
        assert_int_equal(object.epoch, cases[i].expected.epoch);
    }
}

/* What is not surely ours is never deleted. */
static void keys_of_others_are_left_alone(void **state)
{
    static const char *const cases[] = {
        "",
        "notes.txt",
        "probe/notes.txt",
        "probe/00112233aabbccdd",
        "probe/00112233aabbccdd/notes.txt",
        "probe/00112233aabbccdd/1/2",
        "probe/00112233aabbccd/1",
        "probe/00112233aabbccdd/01",
        "probes/00112233aabbccdd/1",
        "_crc32c-00112233aabbccdd",
        "notes/_crc32c-00112233aabbccdd",
        "savepoints/a/op/3/_crc32c-00112233aabbccdd",
        "chk-42/op/3/crc32c-00112233aabbccdd",
        "chk-42/op/3/_crc32c-00112233aabbccd",
        "chk-42/op/3/_crc32c-00112233aabbccdde",
        "chk-42/op/3/_crc32c-00112233AABBCCDD",
        "shared/op/_crc32c-00112233aabbccdd/1",
        "shared/op/_crc32c-00112233aabbccdd.sst",
        "epochs/7/claim.json.bak",
        "epochs/07/claim.json",
        "epochs/18446744073709551616/claim.json",
        "epochs/-1/claim.json",
        "chk-42",
        "chk-042/manifest.json",
        "chk-42/manifest.json/x",
        "chk-42/op/0/file",
        "chk-42/op/x/7-a-b",
        "chk-42/op/0/7-a/b",
        "shared/op/file",
        "shared/7-a-1",
        "gc/x-y.json",
        "gc/1-a/b",
        "savepoints/a/manifest.json",
        "savepoints/a/op/3/7-00112233aabbccdd-9",
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (layout_parse(cases[i]).kind != CAIRN_LAYOUT_OTHER) {
            fail_msg("%s was taken for one of ours", cases[i]);
        }
    }
}

static void savepoints_have_a_folder_of_their_own(void **state)
{
    static const char *const others[] = {
        "savepoints/a/b/manifest.json", "savepoints/manifest.json",  "savepoints//manifest.json",
        "savepoints/../manifest.json",  "savepoint/a/manifest.json", "savepoints/a/manifest.jso",
    };
    const layout_writer writer = {"op", 3, 7, "00112233aabbccdd"};
    cairn_slice name = {0};
    (void)state;

    assert_string_equal(layout_savepoint_folder("a").text, "savepoints/a/");
    assert_string_equal(layout_savepoint("a").text, "savepoints/a/manifest.json");
    assert_string_equal(layout_savepoint_file("a", &writer, 9).text,
                        "savepoints/a/op/3/7-00112233aabbccdd-9");
    assert_true(layout_is_savepoint("savepoints/a.b/manifest.json", &name));
    assert_int_equal(name.len, 3);
    assert_memory_equal(name.data, "a.b", 3);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_false(layout_is_savepoint(others[i], &name));
    }
}

static void longest_names_fit(void **state)
{
    char name[256];
    layout_writer writer = {name, UINT32_MAX, UINT64_MAX, "00112233aabbccdd"};
    (void)state;

    memset(name, 'n', 255);
    name[255] = '\0';
    assert_true(strlen(layout_private(UINT64_MAX, &writer, name).text) < 1024);
    assert_true(strlen(layout_savepoint_file(name, &writer, UINT64_MAX).text) < 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_those_of_the_format),
        cmocka_unit_test(parse_tells_what_a_key_is),
        cmocka_unit_test(keys_of_others_are_left_alone),
        cmocka_unit_test(savepoints_have_a_folder_of_their_own),
        cmocka_unit_test(longest_names_fit),
    };

    return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
