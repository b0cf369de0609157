#include "test.h"

#include "alloc_sweep.h"
#include "bounds.h"
#include "buf.h"
#include "json_read.h"

#include <stdlib.h>

static const json_limits usual = {
    .bytes = 100000, .string_bytes = 64, .nodes = 1000, .depth = CAIRN_JSON_DEPTH_MAX};

static cairn_code read_text(cairn_slice text, json_doc **out, cairn_error *err)
{
    return json_read(text, &usual, out, err);
}

static json_doc *must_read(const char *text)
{
    json_doc *doc = NULL;
    cairn_error err = {0};

    ASSERT_OK(read_text(cairn_slice_of(text), &doc, &err), &err);
    return doc;
}

static void every_form_of_the_grammar_is_read(void **state)
{
    (void)state;
    static const char *const good[] = {
        "{}",
        "[]",
        "null",
        "true",
        "false",
        "0",
        "-0",
        "1",
        "-12",
        "1.5",
        "1e5",
        "1E+5",
        "1.25e-5",
        "1e400",
        "\"\"",
        " \t\r\n1\n",
        "[1,2 , 3]",
        "{\"a\":1,\"b\":[{}]}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\ud83d\\ude00\"",
        "\"\xc3\xbc\xf0\x9f\x98\x80\x7f\"",
        "{\"\":1}",
        "{\"a\":1,\"A\":2,\"aa\":3}",
        "{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1}}",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
        "123456789012345678901234567890123456789012345678901234567890",
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(good); i++) {
        CAIRN_AUTO_PTR(json_doc_free) json_doc *doc = must_read(good[i]);

        assert_non_null(json_root(doc));
    }
}

typedef struct bad_row {
    cairn_slice text;
    const char *message;
} bad_row;

#define BAD(literal, message)                       \
    {                                               \
        {(literal), sizeof(literal) - 1}, (message) \
    }

static void assert_refused(const bad_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_doc *doc = NULL;
        cairn_error err = {0};

        /* In a block of its own size, so that a sanitizer sees a read past the end. */
        char *copy CAIRN_AUTO_FREE = mem_alloc(rows[i].text.len);
        memcpy(copy, rows[i].text.data, rows[i].text.len);
        ASSERT_CODE(read_text((cairn_slice){copy, rows[i].text.len}, &doc, &err), CAIRN_E_INTEGRITY,
                    &err);
        ASSERT_MESSAGE_HAS(&err, rows[i].message);
        assert_null(doc);
    }
}

static void what_is_not_json_is_refused_with_the_offset(void **state)
{
    (void)state;
    static const bad_row rows[] = {
        BAD("", "the end, not a value at byte 0"),
        BAD("  ", "at byte 2"),
        BAD("\xef\xbb\xbf{}", "not a value at byte 0"),
        BAD("{", "name is missing at byte 1"),
        BAD("[", "at byte 1"),
        BAD("[1", "no comma or ] at byte 2"),
        BAD("[1,", "at byte 3"),
        BAD("[1,]", "not a value at byte 3"),
        BAD("[,1]", "not a value at byte 1"),
        BAD("[1 2]", "no comma or ] at byte 3"),
        BAD("[1}", "no comma or ] at byte 2"),
        BAD("{\"a\":1]", "no comma or } at byte 6"),
        BAD("{\"a\" 1}", "a colon is missing at byte 5"),
        BAD("{\"a\":}", "not a value at byte 5"),
        BAD("{\"a\":1,}", "name is missing at byte 7"),
        BAD("{a:1}", "name is missing at byte 1"),
        BAD("{'a':1}", "name is missing at byte 1"),
        BAD("{1:1}", "name is missing at byte 1"),
        BAD("{} {}", "bytes after the end at byte 3"),
        BAD("1 x", "bytes after the end at byte 2"),
        BAD("{}\0", "bytes after the end at byte 2"),
        BAD("\0", "not a value at byte 0"),
        BAD("nul", "not a value at byte 0"),
        BAD("nullx", "bytes after the end at byte 4"),
        BAD("True", "not a value"),
        BAD("NaN", "not a value"),
        BAD("Infinity", "not a value"),
        BAD("-Infinity", "a digit is missing at byte 1"),
        BAD("// x\n1", "not a value"),
        BAD("\x0b"
            "1",
            "not a value at byte 0"),
        BAD("\xc2\xa0"
            "1",
            "not a value at byte 0"),
    };

    assert_refused(rows, CAIRN_ARRAY_LEN(rows));
}

static void numbers_out_of_the_grammar_are_refused(void **state)
{
    (void)state;
    static const bad_row rows[] = {
        BAD("01", "bytes after the end at byte 1"),
        BAD("-", "a digit is missing at byte 1"),
        BAD("-01", "bytes after the end at byte 2"),
        BAD("+1", "not a value"),
        BAD(".5", "not a value"),
        BAD("1.", "a digit is missing at byte 2"),
        BAD("1.e5", "a digit is missing"),
        BAD("1e", "a digit is missing at byte 2"),
        BAD("1e+", "a digit is missing at byte 3"),
        BAD("0x10", "bytes after the end at byte 1"),
        BAD("1_000", "bytes after the end at byte 1"),
        BAD("1234567890123456789012345678901234567890123456789012345678901", "too long at byte 0"),
    };

    assert_refused(rows, CAIRN_ARRAY_LEN(rows));
}

static void strings_out_of_the_grammar_are_refused(void **state)
{
    (void)state;
    static const bad_row rows[] = {
        BAD("\"", "a string without end at byte 0"),
        BAD("\"abc", "a string without end at byte 0"),
        BAD("\"\\", "an unknown escape at byte 2"),
        BAD("\"\\\"", "a string without end"),
        BAD("\"a\nb\"", "a control character in a string at byte 2"),
        BAD("\"a\0b\"", "a control character in a string at byte 2"),
        BAD("\"\x1f\"", "a control character"),
        BAD("\"\\x41\"", "an unknown escape at byte 2"),
        BAD("\"\\'\"", "an unknown escape"),
        BAD("\"\\0\"", "an unknown escape"),
        BAD("\"\\\0\"", "an unknown escape"),
        BAD("\"\\U0041\"", "an unknown escape"),
        BAD("\"\\u\"", "\\u needs four hex digits at byte 3"),
        BAD("\"\\u00g0\"", "\\u needs four hex digits at byte 5"),
        BAD("\"\\u12", "\\u needs four hex digits at byte 5"),
        BAD("\"\\u0000\"", "\\u0000 at byte 3"),
        BAD("{\"a\\u0000\":1}", "\\u0000"),
        BAD("\"\\ud83d\"", "a lone surrogate at byte 3"),
        BAD("\"\\ud83dx\"", "a lone surrogate"),
        BAD("\"\\ud83d\\n\"", "a lone surrogate"),
        BAD("\"\\ud83d\\u0041\"", "a lone surrogate"),
        BAD("\"\\ud83d\\ud83d\"", "a lone surrogate"),
        BAD("\"\\ude00\"", "a lone surrogate"),
        BAD("\"\\ud83d\\ude0\"", "\\u needs four hex digits"),
        BAD("\"\\ud83d\\", "a lone surrogate"),
        BAD("\"\xff\"", "bytes that are not UTF-8 at byte 1"),
        BAD("\"a\x80\"", "bytes that are not UTF-8 at byte 2"),
        BAD("\"\xc0\xaf\"", "not UTF-8"),
        BAD("\"\xe0\x80\xaf\"", "not UTF-8"),
        BAD("\"\xed\xa0\xbd\xed\xb8\x80\"", "not UTF-8"),
        BAD("\"\xf4\x90\x80\x80\"", "not UTF-8"),
        BAD("\"\xe2\x82\"", "not UTF-8"),
        BAD("\"\xf0\x9f", "not UTF-8"),
    };

    assert_refused(rows, CAIRN_ARRAY_LEN(rows));
}

static void duplicate_members_are_refused_also_when_escaped(void **state)
{
    (void)state;
    static const bad_row rows[] = {
        BAD("{\"a\":1,\"a\":1}", "two members of one name in the object that ends at byte 12"),
        BAD("{\"a\":1,\"b\":2,\"a\":3}", "two members"),
        BAD("{\"a\":1,\"\\u0061\":2}", "two members"),
        BAD("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}", "two members"),
        BAD("{\"/\":1,\"\\/\":2}", "two members"),
        BAD("{\"\":1,\"\":2}", "two members"),
        BAD("[{\"x\":{\"b\":{\"a\":1},\"c\":2,\"b\":3}}]", "two members"),
        BAD("{\"a\":{\"c\":1,\"d\":2},\"b\":{},\"a\":[]}", "two members"),
    };

    assert_refused(rows, CAIRN_ARRAY_LEN(rows));
}

/* `count` times `text`, between `before` and `after`. */
static void repeat(cairn_buf *out, const char *before, const char *text, size_t count,
                   const char *after)
{
    ASSERT_OK(buf_append_text(out, before, NULL), NULL);
    for (size_t i = 0; i < count; i++) {
        ASSERT_OK(buf_append_text(out, text, NULL), NULL);
    }
    ASSERT_OK(buf_append_text(out, after, NULL), NULL);
}

static void each_bound_is_reached_and_not_passed(void **state)
{
    (void)state;
    static const struct {
        const char *before;
        const char *text;
        const char *after;
        size_t most;
        const char *message;
    } rows[] = {
        {"", "[", "", 32, "nested too deep at byte 32"},
        {"[", "0,", "0]", 998, "too many values"},
        {"\"", "a", "\"", 64, "a string is too long at byte 0"},
        {"\"", "\\n", "\"", 64, "a string is too long"},
        {"{\"", "a", "\":1}", 64, "a string is too long"},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        CAIRN_AUTO_PTR(json_doc_free) json_doc *doc = NULL;
        CAIRN_AUTO(cairn_buf) text = {0};
        cairn_error err = {0};

        repeat(&text, rows[i].before, rows[i].text, rows[i].most + 1, rows[i].after);
        ASSERT_CODE(read_text(cairn_buf_slice(&text), &doc, &err), CAIRN_E_INTEGRITY, &err);
        ASSERT_MESSAGE_HAS(&err, rows[i].message);
        if (i > 0) {
            buf_clear(&text);
            repeat(&text, rows[i].before, rows[i].text, rows[i].most, rows[i].after);
            ASSERT_OK(read_text(cairn_buf_slice(&text), &doc, &err), &err);
        }
    }
}

static void a_document_of_too_many_bytes_is_a_limit(void **state)
{
    (void)state;
    const json_limits tight = {.bytes = 4, .string_bytes = 4, .nodes = 4, .depth = 4};
    CAIRN_AUTO_PTR(json_doc_free) json_doc *doc = NULL;
    cairn_error err = {0};

    ASSERT_CODE(json_read(cairn_slice_of("[   ]"), &tight, &doc, &err), CAIRN_E_LIMIT, &err);
    ASSERT_OK(json_read(cairn_slice_of("[  ]"), &tight, &doc, &err), &err);
}

static void a_million_levels_stop_at_the_bound(void **state)
{
    (void)state;
    const json_limits wide = {
        .bytes = 4 << 20, .string_bytes = 64, .nodes = SIZE_MAX, .depth = CAIRN_JSON_DEPTH_MAX};
    CAIRN_AUTO(cairn_buf) text = {0};
    json_doc *doc = NULL;
    cairn_error err = {0};

    repeat(&text, "", "[{\"\":", 1000000 / 2, "");
    ASSERT_CODE(json_read(cairn_buf_slice(&text), &wide, &doc, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "nested too deep");
}

/* With a comparison of each pair these would be 5 * 10^11 and the test would run into its timeout.
 */
static void a_million_members_are_told_apart(void **state)
{
    (void)state;
    const json_limits wide = {
        .bytes = 64 << 20, .string_bytes = 64, .nodes = 2000000, .depth = CAIRN_JSON_DEPTH_MAX};
    CAIRN_AUTO_PTR(json_doc_free) json_doc *doc = NULL;
    CAIRN_AUTO(cairn_buf) text = {0};
    cairn_error err = {0};

    ASSERT_OK(buf_append_text(&text, "{", NULL), NULL);
    for (unsigned i = 0; i < 1000000; i++) {
        ASSERT_OK(buf_printf(&text, NULL, "%s\"name-%u\":0", i == 0 ? "" : ",", i), NULL);
    }
    const size_t len = text.len;
    ASSERT_OK(buf_append_text(&text, "}", NULL), NULL);
    ASSERT_OK(json_read(cairn_buf_slice(&text), &wide, &doc, &err), &err);
    text.len = len;
    ASSERT_OK(buf_append_text(&text, ",\"name-500000\":0}", NULL), NULL);
    json_doc *second = NULL;
    ASSERT_CODE(json_read(cairn_buf_slice(&text), &wide, &second, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "two members");
}

static void members_are_read_by_type(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(json_doc_free)
    json_doc *doc = must_read("{\"s\":\"x\\u00fc\",\"u\":\"18446744073709551615\",\"i\":-7,"
                              "\"b\":false,\"o\":{\"k\":1},\"a\":[1,\"two\",{}],\"n\":null}");
    const json_value *root = json_root(doc);
    const json_value *object = NULL;
    const json_value *array = NULL;
    const char *text = NULL;
    uint64_t number = 0;
    int64_t integer = 0;
    bool flag = true;

    ASSERT_OK(json_get_string(root, "s", &text, NULL), NULL);
    assert_string_equal(text, "x\xc3\xbc");
    ASSERT_OK(json_get_u64(root, "u", &number, NULL), NULL);
    assert_true(number == UINT64_MAX);
    ASSERT_OK(json_get_int(root, "i", -7, 7, &integer, NULL), NULL);
    assert_int_equal(integer, -7);
    ASSERT_OK(json_get_bool(root, "b", &flag, NULL), NULL);
    assert_false(flag);
    ASSERT_OK(json_get_object(root, "o", &object, NULL), NULL);
    assert_true(json_is_object(object));
    ASSERT_OK(json_get_array(root, "a", &array, NULL), NULL);
    assert_int_equal(json_count(array), 3);
    assert_string_equal(json_string(json_next(json_first(array))), "two");
    assert_null(json_string(json_first(array)));
    assert_null(json_find(root, "n"));
    assert_null(json_find(root, "absent"));
    assert_null(json_find(array, "s"));
    assert_null(json_find(root, "S"));
    assert_non_null(json_find(root, "s"));
    assert_null(json_first(object));
}

typedef cairn_code (*getter)(const json_value *object, const char *name, cairn_error *err);

static cairn_code get_string(const json_value *object, const char *name, cairn_error *err)
{
    const char *out = NULL;
    const cairn_code code = json_get_string(object, name, &out, err);

    assert_null(out);
    return code;
}

static cairn_code get_u64(const json_value *object, const char *name, cairn_error *err)
{
    uint64_t out = 77;
    const cairn_code code = json_get_u64(object, name, &out, err);

    assert_int_equal(out, 77);
    return code;
}

static cairn_code get_int(const json_value *object, const char *name, cairn_error *err)
{
    int64_t out = 77;
    const cairn_code code = json_get_int(object, name, 0, INT64_MAX, &out, err);

    assert_int_equal(out, 77);
    return code;
}

static cairn_code get_bool(const json_value *object, const char *name, cairn_error *err)
{
    bool out = true;
    const cairn_code code = json_get_bool(object, name, &out, err);

    assert_true(out);
    return code;
}

static cairn_code get_object(const json_value *object, const char *name, cairn_error *err)
{
    const json_value *out = NULL;
    const cairn_code code = json_get_object(object, name, &out, err);

    assert_null(out);
    return code;
}

static cairn_code get_array(const json_value *object, const char *name, cairn_error *err)
{
    const json_value *out = NULL;
    const cairn_code code = json_get_array(object, name, &out, err);

    assert_null(out);
    return code;
}

static void a_member_of_another_type_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        getter get;
        const char *value;
    } rows[] = {
        {get_string, "1"},
        {get_string, "null"},
        {get_u64, "1"},
        {get_u64, "\"\""},
        {get_u64, "\"-1\""},
        {get_u64, "\"01\""},
        {get_u64, "\"1.5\""},
        {get_u64, "\"1e3\""},
        {get_u64, "\"18446744073709551616\""},
        {get_u64, "\"9223372036854775808 \""},
        {get_int, "\"1\""},
        {get_int, "1.5"},
        {get_int, "1e400"},
        {get_int, "-1e400"},
        {get_int, "-1"},
        {get_int, "9007199254740993"},
        {get_int, "9223372036854775808"},
        {get_int, "18446744073709551616"},
        {get_bool, "0"},
        {get_bool, "\"true\""},
        {get_object, "[]"},
        {get_array, "{}"},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        CAIRN_AUTO(cairn_buf) text = {0};
        cairn_error err = {0};

        ASSERT_OK(buf_printf(&text, NULL, "{\"it\":%s,\"IT2\":0}", rows[i].value), NULL);
        CAIRN_AUTO_PTR(json_doc_free) json_doc *doc = must_read(buf_text(&text));
        ASSERT_CODE(rows[i].get(json_root(doc), "it", &err), CAIRN_E_INTEGRITY, &err);
        ASSERT_MESSAGE_HAS(&err, "member it: ");
        ASSERT_CODE(rows[i].get(json_root(doc), "it2", &err), CAIRN_E_INTEGRITY, &err);
        ASSERT_MESSAGE_HAS(&err, "member it2: missing");
    }
}

static void a_member_of_what_is_no_object_is_refused(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(json_doc_free) json_doc *doc = must_read("[{\"a\":\"1\"}]");
    cairn_error err = {0};

    ASSERT_CODE(get_string(json_root(doc), "a", &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "its parent is no object");
}

static void unknown_members_are_refused_but_extensions(void **state)
{
    (void)state;
    static const char *const known[] = {"a", "b", NULL};
    CAIRN_AUTO_PTR(json_doc_free) json_doc *good = must_read("{\"b\":1,\"extensions\":{\"x\":1}}");
    CAIRN_AUTO_PTR(json_doc_free) json_doc *bad = must_read("{\"a\":1,\"c\\nd\":1}");
    CAIRN_AUTO_PTR(json_doc_free) json_doc *array = must_read("[]");
    cairn_error err = {0};

    ASSERT_OK(json_check_members(json_root(good), known, &err), &err);
    ASSERT_CODE(json_check_members(json_root(bad), known, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "member c\\x0ad: unknown");
    ASSERT_CODE(json_check_members(json_root(array), known, &err), CAIRN_E_INTEGRITY, &err);
}

static cairn_code read_sample(void *context, cairn_error *err)
{
    CAIRN_AUTO_PTR(json_doc_free) json_doc *doc = NULL;

    return read_text(cairn_slice_of(context), &doc, err);
}

static void each_failed_allocation_is_reported(void **state)
{
    (void)state;
    char text[] = "{\"a\":[1,2,{\"b\":\"text\",\"c\":null}],\"d\":{\"e\":\"\\u00e4\"},\"f\":1.5}";

    alloc_sweep(read_sample, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_the_grammar_is_read),
        cmocka_unit_test(what_is_not_json_is_refused_with_the_offset),
        cmocka_unit_test(numbers_out_of_the_grammar_are_refused),
        cmocka_unit_test(strings_out_of_the_grammar_are_refused),
        cmocka_unit_test(duplicate_members_are_refused_also_when_escaped),
        cmocka_unit_test(each_bound_is_reached_and_not_passed),
        cmocka_unit_test(a_document_of_too_many_bytes_is_a_limit),
        cmocka_unit_test(a_million_levels_stop_at_the_bound),
        cmocka_unit_test(a_million_members_are_told_apart),
        cmocka_unit_test(members_are_read_by_type),
        cmocka_unit_test(a_member_of_another_type_is_refused_by_name),
        cmocka_unit_test(a_member_of_what_is_no_object_is_refused),
        cmocka_unit_test(unknown_members_are_refused_but_extensions),
        cmocka_unit_test(each_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
