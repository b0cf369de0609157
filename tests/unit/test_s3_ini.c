#include "test.h"

#include "buf.h"
#include "s3_ini.h"

static cairn_code parse(const char *text, s3_ini *out, cairn_error *err)
{
    cairn_buf copy = {0};

    ASSERT_OK(buf_append_text(&copy, text, NULL), NULL);
    return s3_ini_parse(&copy, "the-file", out, err);
}

typedef struct value_case {
    const char *title;
    const char *text;
    s3_ini_place place;
    const char *value; /* NULL: not there */
} value_case;

#define IN_A(key)                 \
    {                             \
        "profile", "a", "", (key) \
    }
#define IN_DEFAULT(key)          \
    {                            \
        "", "default", "", (key) \
    }

static const value_case values[] = {
    {"plain", "[profile a]\nk = v\n", IN_A("k"), "v"},
    {"no blanks, no line end", "[profile a]\nk=v", IN_A("k"), "v"},
    {"tabs and carriage returns", "[profile\ta]\r\nk\t=\tv \r\n", IN_A("k"), "v"},
    {"byte order mark", "\xef\xbb\xbf[profile a]\nk = v\n", IN_A("k"), "v"},
    {"names in any case", "[profile a]\nAWS_Key = v\n", IN_A("aws_key"), "v"},
    {"sections in their own case", "[profile A]\nk = v\n", IN_A("k"), NULL},
    {"values keep case and inner blanks", "[profile a]\nk = V  w\n", IN_A("k"), "V  w"},
    {"a value with '='", "[profile a]\nk = a==\n", IN_A("k"), "a=="},
    {"comment lines", "# x\n[profile a]\n; k = 1\n#k = 2\nk = 3\n  # k = 4\n", IN_A("k"), "3"},
    {"comment behind '#'", "[profile a]\nk = v # w\n", IN_A("k"), "v"},
    {"comment behind ';'", "[profile a]\nk = v\t; w\n", IN_A("k"), "v"},
    {"no comment without a blank", "[profile a]\nk = v#w;x\n", IN_A("k"), "v#w;x"},
    {"comment behind a section", "[profile a] # b\nk = v\n", IN_A("k"), "v"},
    {"comment close behind a section", "[profile a];b\nk = v\n", IN_A("k"), "v"},
    {"blanks in the brackets", "[ profile   a ]\nk = v\n", IN_A("k"), "v"},
    {"quotes around a name", "[profile \"a\"]\nk = v\n", IN_A("k"), "v"},
    {"a name of two words", "[profile 'a b']\nk = v\n", {"profile", "a b", "", "k"}, "v"},
    {"bare name", "[default]\nk = v\n", IN_DEFAULT("k"), "v"},
    {"bare name is no profile", "[a]\nk = v\n", IN_A("k"), NULL},
    {"profile is no bare name", "[profile default]\nk = v\n", IN_DEFAULT("k"), NULL},
    {"a longer word is no type", "[profiles a]\nk = v\n", IN_A("k"), NULL},
    {"empty value", "[profile a]\nk =\n", IN_A("k"), NULL},
    {"a comment for a value", "[profile a]\nk = # v\n", IN_A("k"), NULL},
    {"absent key", "[profile a]\nk = v\n", IN_A("l"), NULL},
    {"absent section", "[profile b]\nk = v\n", IN_A("k"), NULL},
    {"empty file", "", IN_A("k"), NULL},
    {"the last of two", "[profile a]\nk = v\nk = w\n", IN_A("k"), "w"},
    {"sections of one name merge", "[profile a]\nk = v\n[x]\nk=1\n[profile a]\nl = w\n", IN_A("k"),
     "v"},
    {"the last section wins", "[profile a]\nk = v\n[profile a]\nk = w\n", IN_A("k"), "w"},
    {"a value goes on", "[profile a]\nk = v\n  w # c\n\n\t x\nl = 1\n", IN_A("k"), "v\nw\nx"},
    {"a value that goes on ends", "[profile a]\nk = v\n w\nl = 1\n", IN_A("l"), "1"},
    {"block",
     "[profile a]\ns3 =\n  addressing_style = path\n  x = y\nk = 1\n",
     {"profile", "a", "s3", "addressing_style"},
     "path"},
    {"second line of a block",
     "[profile a]\ns3 =\n  a = b\n  x = y\n",
     {"profile", "a", "s3", "x"},
     "y"},
    {"a block's setting is none of the profile", "[profile a]\ns3 =\n  k = v\n", IN_A("k"), NULL},
    {"a setting behind a block", "[profile a]\ns3 =\n  a = b\nk = v\n", IN_A("k"), "v"},
    {"block behind a comment",
     "[profile a]\ns3 = # x\n  a = b\n",
     {"profile", "a", "s3", "a"},
     "b"},
    {"blank line in a block", "[profile a]\ns3 =\n\n  a = b\n", {"profile", "a", "s3", "a"}, "b"},
    {"services",
     "[services m]\ns3 = \n  endpoint_url = http://h:1/\nsts =\n  endpoint_url = http://t\n",
     {"services", "m", "s3", "endpoint_url"},
     "http://h:1/"},
};

static void values_are_read_as_the_aws_tools_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(values); i++) {
        const value_case *c = &values[i];
        CAIRN_AUTO(s3_ini) ini = {0};
        CAIRN_AUTO(secret) value = {0};
        cairn_error err = {0};

        print_message("%s\n", c->title);
        ASSERT_OK(parse(c->text, &ini, &err), &err);
        ASSERT_OK(s3_ini_get(&ini, &c->place, &value, &err), &err);

        if (c->value == NULL) {
            assert_null(value.text);
        } else {
            assert_non_null(value.text);
            assert_string_equal(value.text, c->value);
        }
    }
}

typedef struct bad_case {
    const char *text;
    const char *says;
} bad_case;

static const bad_case bad[] = {
    {"k = hidden\n", "the-file line 1: a setting before the first [section]"},
    {"[a]\n\nhidden\n", "line 3: neither [section] nor name = value"},
    {"[a]\n= hidden\n", "line 2: neither"},
    {"[a\nk = v\n", "line 1: '[' without ']'"},
    {"[a] hidden\n", "line 1: text after the ']'"},
    {"[ ]\n", "line 1: a section without a name"},
    {"  k = hidden\n", "line 1: an indented line"},
    {"[a]\n  k = hidden\n", "line 2: an indented line"},
    {"[a]\nk = v\n[b]\n hidden\n", "line 4: an indented line"},
    {"[a]\ns3 =\n  hidden\n", "line 3: not name = value in an indented block"},
};

static void a_bad_line_is_named_and_not_shown(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(bad); i++) {
        CAIRN_AUTO(s3_ini) ini = {0};
        cairn_error err = {0};

        ASSERT_CODE(parse(bad[i].text, &ini, &err), CAIRN_E_INVALID, &err);

        ASSERT_MESSAGE_HAS(&err, bad[i].says);
        assert_null(strstr(err.message, "hidden"));
        assert_null(ini.sections);
    }
}

static void a_nul_byte_is_refused(void **state)
{
    CAIRN_AUTO(s3_ini) ini = {0};
    cairn_error err = {0};
    cairn_buf text = {0};

    (void)state;
    ASSERT_OK(buf_append(&text, "[a]\nk=v\0w\n", 11, NULL), NULL);
    ASSERT_CODE(s3_ini_parse(&text, "the-file", &ini, &err), CAIRN_E_INVALID, &err);
    ASSERT_MESSAGE_HAS(&err, "a NUL byte");
    assert_null(text.data);
}

static void sections_are_found_by_type_and_name(void **state)
{
    CAIRN_AUTO(s3_ini) ini = {0};

    (void)state;
    ASSERT_OK(parse("[default]\n[profile a]\n[services b]\n[profile]\n", &ini, NULL), NULL);
    assert_true(s3_ini_has_section(&ini, "", "default"));
    assert_true(s3_ini_has_section(&ini, "profile", "a"));
    assert_true(s3_ini_has_section(&ini, "services", "b"));
    assert_true(s3_ini_has_section(&ini, "", "profile"));
    assert_false(s3_ini_has_section(&ini, "profile", "default"));
    assert_false(s3_ini_has_section(&ini, "profile", "b"));
    assert_false(s3_ini_has_section(&ini, "", "a"));
    assert_false(s3_ini_has_section(&ini, "profile", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read_as_the_aws_tools_do),
        cmocka_unit_test(a_bad_line_is_named_and_not_shown),
        cmocka_unit_test(a_nul_byte_is_refused),
        cmocka_unit_test(sections_are_found_by_type_and_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
