#include "test.h"

#include "alloc_sweep.h"
#include "bounds.h"
#include "buf.h"
#include "yaml_read.h"

static cairn_code append_line(void *context, const char *key, const char *value, unsigned line,
                              cairn_error *err)
{
    return buf_printf(context, err, "%u|%s|%s\n", line, key, value);
}

static void assert_reads(const char *text, const char *expected)
{
    CAIRN_AUTO(cairn_buf) seen = {0};
    cairn_error err = {0};

    ASSERT_OK(yaml_read(cairn_slice_of(text), append_line, &seen, &err), &err);
    assert_string_equal(buf_text(&seen), expected);
}

static void nested_and_dotted_keys_are_the_same(void **state)
{
    (void)state;

    assert_reads("state:\n"
                 "  backend:\n"
                 "    type: rocksdb\n"
                 "    incremental: true\n"
                 "  ttl: 1 h\n"
                 "# a comment\n"
                 "execution.checkpointing.interval: 10s\n",
                 "3|state.backend.type|rocksdb\n"
                 "4|state.backend.incremental|true\n"
                 "5|state.ttl|1 h\n"
                 "7|execution.checkpointing.interval|10s\n");
}

static void other_forms_of_scalars_and_mappings(void **state)
{
    (void)state;

    assert_reads("", "");
    assert_reads("# nothing\n", "");
    assert_reads("---\n", "");
    assert_reads("---\na: 1\n...\n", "2|a|1\n");
    assert_reads("{a: {b: 1}, c: 'x: y'}", "1|a.b|1\n1|c|x: y\n");
    assert_reads("a: \"q\\\"\"\nb: s3://bucket/x#y\nc:\nd: |\n  two\n  lines\n",
                 "1|a|q\"\n2|b|s3://bucket/x#y\n3|c|\n4|d|two\nlines\n\n");
    assert_reads("\xef\xbb\xbf"
                 "a: \xc3\xbc\n",
                 "1|a|\xc3\xbc\n");
    assert_reads("a:\n  b: 1\na.c: 2\n", "2|a.b|1\n3|a.c|2\n");
}

typedef struct bad_row {
    const char *text;
    const char *message;
} bad_row;

static void what_is_not_supported_is_refused_with_its_line(void **state)
{
    (void)state;
    static const bad_row rows[] = {
        {"a: 1\nb: [1, 2]\n", "line 2: sequences"},
        {"a:\n  - 1\n", "line 2: sequences"},
        {"- a\n", "line 1: sequences"},
        {"a: &x 1\n", "line 1: anchors"},
        {"a: &x {b: 1}\n", "line 1: anchors"},
        {"a: 1\nb: *x\n", "line 2: aliases"},
        {"a: !!str 1\n", "line 1: anchors and tags"},
        {"a: !t {b: 1}\n", "line 1: anchors and tags"},
        {"text\n", "line 1: not a mapping"},
        {"a: 1\n---\nb: 2\n", "line 2: more than one document"},
        {"{a: 1}: 2\n", "line 1: a mapping as key"},
        {"'': 2\n", "line 1: an empty key"},
        {"a: \"x\\0y\"\n", "line 1: a NUL"},
        {"a: 1\n b: 2\n", "line 2"},
        {"a: 'x\n", "line 2"},
        {"a: 1\n\tb: 2\n", "line 2"},
        {"a: \xff\n", "line 1"},
        {"a: \x01\n", "line 1"},
        {"a: 1\nb: 2\na: 3\n", "line 3: the key a stands in line 1 already"},
        {"a:\n  b: 1\na.b: 2\n", "line 3: the key a.b stands in line 2 already"},
        {"a:\n  b: 1\na:\n  c: 2\n", "line 3: the key a stands in line 1 already"},
        {"a: 1\na:\n  b: 1\n", "line 2: the key a stands in line 1 already"},
        {"\"a\\nb\": 1\n\"a\\nb\": 1\n", "the key a\\x0ab stands"},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        CAIRN_AUTO(cairn_buf) seen = {0};
        cairn_error err = {0};

        ASSERT_CODE(yaml_read(cairn_slice_of(rows[i].text), append_line, &seen, &err),
                    CAIRN_E_INVALID, &err);
        ASSERT_MESSAGE_HAS(&err, rows[i].message);
        assert_int_equal(seen.len, 0);
    }
}

static void append_nested(cairn_buf *text, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++) {
        ASSERT_OK(buf_append_text(text, "{k: ", NULL), NULL);
    }
    ASSERT_OK(buf_append_text(text, "v", NULL), NULL);
    for (unsigned i = 0; i < depth; i++) {
        ASSERT_OK(buf_append_text(text, "}", NULL), NULL);
    }
}

static void depth_is_bounded(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) text = {0};
    CAIRN_AUTO(cairn_buf) seen = {0};
    cairn_error err = {0};

    append_nested(&text, CAIRN_YAML_DEPTH_MAX);
    ASSERT_OK(yaml_read(cairn_buf_slice(&text), append_line, &seen, &err), &err);
    buf_clear(&text);
    append_nested(&text, CAIRN_YAML_DEPTH_MAX + 1);
    ASSERT_CODE(yaml_read(cairn_buf_slice(&text), append_line, &seen, &err), CAIRN_E_INVALID, &err);
    ASSERT_MESSAGE_HAS(&err, "nested too deep");
}

static void keys_and_files_are_bounded(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) text = {0};
    CAIRN_AUTO(cairn_buf) seen = {0};
    cairn_error err = {0};

    for (int i = 0; i < CAIRN_NAME_BYTES_MAX; i++) {
        ASSERT_OK(buf_append_byte(&text, 'k', NULL), NULL);
    }
    ASSERT_OK(buf_append_text(&text, ": 1\n", NULL), NULL);
    ASSERT_CODE(yaml_read(cairn_buf_slice(&text), append_line, &seen, &err), CAIRN_E_INVALID, &err);
    ASSERT_MESSAGE_HAS(&err, "a key is too long");
    buf_clear(&text);
    while (text.len <= CAIRN_CONFIG_BYTES_MAX) {
        ASSERT_OK(buf_append_text(&text, "# comment\n", NULL), NULL);
    }
    ASSERT_CODE(yaml_read(cairn_buf_slice(&text), append_line, &seen, &err), CAIRN_E_INVALID, &err);
}

static cairn_code refuse_second(void *context, const char *key, const char *value, unsigned line,
                                cairn_error *err)
{
    int *calls = context;

    (void)key;
    (void)value;
    (void)line;
    (void)err;
    return ++*calls == 2 ? CAIRN_E_STATE : CAIRN_OK;
}

static void the_visitor_can_end_the_reading(void **state)
{
    (void)state;
    int calls = 0;

    ASSERT_CODE(yaml_read(cairn_slice_of("a: 1\nb: 2\nc: 3\n"), refuse_second, &calls, NULL),
                CAIRN_E_STATE, NULL);

    assert_int_equal(calls, 2);
}

static cairn_code read_sample(void *context, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) seen = {0};

    return yaml_read(cairn_slice_of(context), append_line, &seen, err);
}

static void each_failed_allocation_is_reported(void **state)
{
    (void)state;
    char text[] = "a:\n  b: a rather long value that makes the buffers grow once or twice\n"
                  "  c: 2\nd.e: another rather long value, also for the growth of the buffers\n";

    alloc_sweep(read_sample, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nested_and_dotted_keys_are_the_same),
        cmocka_unit_test(other_forms_of_scalars_and_mappings),
        cmocka_unit_test(what_is_not_supported_is_refused_with_its_line),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(keys_and_files_are_bounded),
        cmocka_unit_test(the_visitor_can_end_the_reading),
        cmocka_unit_test(each_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
