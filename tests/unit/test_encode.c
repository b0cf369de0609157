#include "test.h"

#include "encode.h"

typedef cairn_code (*codec)(cairn_slice in, cairn_buf *out, cairn_error *err);

static void assert_encodes(codec encode, codec decode, const char *raw, const char *text)
{
    CAIRN_AUTO(cairn_buf) out = {0};

    ASSERT_OK(encode(cairn_slice_of(raw), &out, NULL), NULL);
    assert_string_equal(buf_text(&out), text);
    buf_clear(&out);
    ASSERT_OK(decode(cairn_slice_of(text), &out, NULL), NULL);
    assert_string_equal(buf_text(&out), raw);
}

static void assert_undecodable(codec decode, cairn_slice text)
{
    CAIRN_AUTO(cairn_buf) out = {0};
    cairn_error err = {0};

    ASSERT_OK(buf_append_text(&out, "kept", NULL), NULL);
    ASSERT_CODE(decode(text, &out, &err), CAIRN_E_INVALID, &err);
    assert_string_equal(buf_text(&out), "kept");
}

static void hex_of_known_bytes(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) out = {0};

    assert_encodes(encode_hex, decode_hex, "", "");
    assert_encodes(encode_hex, decode_hex, "\x01\x9f\xff", "019fff");
    ASSERT_OK(decode_hex(cairn_slice_of("aBCd"), &out, NULL), NULL);
    assert_string_equal(buf_text(&out), "\xab\xcd");
}

static void bad_hex_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"0", "0g", "g0", "00 0", "0x00", "a\xe4"};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(bad); i++) {
        assert_undecodable(decode_hex, cairn_slice_of(bad[i]));
    }
}

static void base64_of_rfc_4648(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xfb\xff\xbf", "+/+/"},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        assert_encodes(encode_base64, decode_base64, rows[i][0], rows[i][1]);
    }
}

static void base64_is_read_strictly(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Zg",   "Zg=",  "Z===", "====", "=g==", "Zg==Zg==", "Zm9v\n",
        "Zh==", "Zm9=", "Zm-_", "Zm 8", "Zg=a", "Zm9vZg=",  "\xff\xff\xff\xff",
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(bad); i++) {
        assert_undecodable(decode_base64, cairn_slice_of(bad[i]));
    }
    assert_undecodable(decode_base64, (cairn_slice){"Zg\0\0", 4});
}

static void an_encoding_beyond_the_limit_is_refused(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) out = {.limit = 3};

    ASSERT_CODE(encode_hex(cairn_slice_of("ab"), &out, NULL), CAIRN_E_LIMIT, NULL);
    ASSERT_CODE(encode_base64(cairn_slice_of("ab"), &out, NULL), CAIRN_E_LIMIT, NULL);
    ASSERT_CODE(encode_hex((cairn_slice){"", SIZE_MAX}, &out, NULL), CAIRN_E_LIMIT, NULL);
    ASSERT_CODE(encode_base64((cairn_slice){"", SIZE_MAX}, &out, NULL), CAIRN_E_LIMIT, NULL);
}

static void unsigned_numbers_have_one_form(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {{"0", 0},
                {"7", 7},
                {"9007199254740993", 9007199254740993},
                {"18446744073709551615", UINT64_MAX}};
    static const char *const bad[] = {"",
                                      "00",
                                      "01",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1.5",
                                      "0x1",
                                      "1e3",
                                      "18446744073709551616",
                                      "18446744073709551620",
                                      "99999999999999999999999"};
    uint64_t value = 5;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(bad); i++) {
        assert_false(parse_u64(cairn_slice_of(bad[i]), &value));
    }
    assert_int_equal(value, 5);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(good); i++) {
        assert_true(parse_u64(cairn_slice_of(good[i].text), &value));
        assert_int_equal(value, good[i].value);
    }
    assert_false(parse_u64((cairn_slice){"1\0", 2}, &value));
}

typedef bool (*quantity_parser)(const char *text, uint64_t *out);

typedef struct quantity_row {
    const char *text;
    uint64_t value;
} quantity_row;

static void assert_quantities(quantity_parser parse, const quantity_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value = 0;

        assert_true(parse(rows[i].text, &value));
        assert_int_equal(value, rows[i].value);
    }
}

static void assert_no_quantities(quantity_parser parse, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value = 5;

        assert_false(parse(texts[i], &value));
        assert_int_equal(value, 5);
    }
}

static void durations_are_read_as_flink_reads_them(void **state)
{
    (void)state;
    static const quantity_row good[] = {
        {"0", 0},
        {"10s", 10000},
        {"500ms", 500},
        {"2 min", 120000},
        {"1 h", 3600000},
        {"42", 42},
        {" 3 S ", 3000},
        {"1d", 86400000},
        {"2 days", 172800000},
        {"5 minutes", 300000},
        {"7 milliseconds", 7},
        {"1 Hour", 3600000},
    };
    static const char *const bad[] = {
        "",
        " ",
        "s",
        "-1s",
        "1.5s",
        "10 x",
        "10s s",
        "1 1",
        "10 millisecondsx",
        "1 ns",
        "18446744073709551615 s",
        "18446744073709551616",
        "10 verylongunitname",
    };

    assert_quantities(parse_duration_ms, good, CAIRN_ARRAY_LEN(good));
    assert_no_quantities(parse_duration_ms, bad, CAIRN_ARRAY_LEN(bad));
}

static void memory_sizes_are_powers_of_1024(void **state)
{
    (void)state;
    static const quantity_row good[] = {
        {"0", 0},
        {"64mb", (uint64_t)64 << 20},
        {"1 gb", (uint64_t)1 << 30},
        {"512k", (uint64_t)512 << 10},
        {"17", 17},
        {"3 Bytes", 3},
        {"2T", (uint64_t)2 << 40},
        {"1 MebiBytes", (uint64_t)1 << 20},
    };
    static const char *const bad[] = {"", "mb", "1.5g", "-1m", "1 mbit", "16777216 tb", "1e3"};

    assert_quantities(parse_memory_bytes, good, CAIRN_ARRAY_LEN(good));
    assert_no_quantities(parse_memory_bytes, bad, CAIRN_ARRAY_LEN(bad));
}

static void unprintable_bytes_are_escaped_and_the_text_is_cut(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        size_t max;
        const char *out;
    } rows[] = {
        {"plain ~", 100, "plain ~"},
        {"a\nb", 100, "a\\x0ab"},
        {"\x1b[0m\x7f", 100, "\\x1b[0m\\x7f"},
        {"\xc3\xbc", 100, "\\xc3\\xbc"},
        {"abcdef", 3, "abc"},
        {"a\n", 4, "a"},
        {"a\n", 5, "a\\x0a"},
        {"abc", 0, ""},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        CAIRN_AUTO(cairn_buf) out = {0};

        ASSERT_OK(encode_printable(cairn_slice_of(rows[i].in), rows[i].max, &out, NULL), NULL);
        assert_non_null(out.data);
        assert_string_equal((const char *)out.data, rows[i].out);
    }
}

static void names_that_are_safe_and_names_that_are_not(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "part-0_1.sst", "...", ".a", "A9", "-"};
    static const char *const bad[] = {"",
                                      ".",
                                      "..",
                                      "a/b",
                                      "../x",
                                      "/etc",
                                      "C:\\",
                                      "a b",
                                      "a\n",
                                      "\xc3\xbc",
                                      "a%2e",
                                      "*",
                                      "\xc0\xae\xc0\xae",
                                      "a@b",
                                      "a:b",
                                      "\x7f"};
    char longest[257];

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(good); i++) {
        assert_true(is_safe_name(cairn_slice_of(good[i])));
    }
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(bad); i++) {
        assert_false(is_safe_name(cairn_slice_of(bad[i])));
    }
    memset(longest, 'x', sizeof(longest));
    assert_true(is_safe_name((cairn_slice){longest, 255}));
    assert_false(is_safe_name((cairn_slice){longest, 256}));
    assert_false(is_safe_name((cairn_slice){"a\0b", 3}));
}

static void the_edit_distance_counts_insertions_deletions_and_changes(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        unsigned distance;
    } rows[] = {
        {"", "", 0},
        {"", "abc", 3},
        {"abc", "", 3},
        {"kitten", "sitting", 3},
        {"flaw", "lawn", 2},
        {"same", "same", 0},
        {"interval", "intervall", 1},
    };
    char longer[66];

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        assert_int_equal(edit_distance(rows[i].a, rows[i].b), rows[i].distance);
    }
    memset(longer, 'x', 65);
    longer[65] = '\0';
    assert_true(edit_distance(longer, longer) > 64);
    longer[64] = '\0';
    assert_int_equal(edit_distance(longer, longer), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_of_known_bytes),
        cmocka_unit_test(bad_hex_is_refused),
        cmocka_unit_test(base64_of_rfc_4648),
        cmocka_unit_test(base64_is_read_strictly),
        cmocka_unit_test(an_encoding_beyond_the_limit_is_refused),
        cmocka_unit_test(unsigned_numbers_have_one_form),
        cmocka_unit_test(durations_are_read_as_flink_reads_them),
        cmocka_unit_test(memory_sizes_are_powers_of_1024),
        cmocka_unit_test(unprintable_bytes_are_escaped_and_the_text_is_cut),
        cmocka_unit_test(names_that_are_safe_and_names_that_are_not),
        cmocka_unit_test(the_edit_distance_counts_insertions_deletions_and_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
