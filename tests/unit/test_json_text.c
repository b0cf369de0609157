#include "test.h"

#include "alloc_sweep.h"
#include "json_text.h"
#include "tmpdir.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void write_sample(json_text *json)
{
    json_text_begin_object(json);
    json_text_member_string(json, "name", "a\"b");
    json_text_member_u64(json, "big", UINT64_MAX);
    json_text_member_int(json, "int", -42);
    json_text_member_bool(json, "yes", true);
    json_text_name(json, "list");
    json_text_begin_array(json);
    json_text_null(json);
    json_text_begin_object(json);
    json_text_end_object(json);
    json_text_begin_array(json);
    json_text_end_array(json);
    json_text_double(json, 0.5);
    json_text_end_array(json);
    json_text_end_object(json);
}

static void one_line_without_blanks(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) out = {0};
    json_text json;

    json_text_init(&json, &out, false);
    write_sample(&json);

    ASSERT_OK(json_text_status(&json, NULL), NULL);
    assert_string_equal(buf_text(&out), "{\"name\":\"a\\\"b\",\"big\":\"18446744073709551615\","
                                        "\"int\":-42,\"yes\":true,\"list\":[null,{},[],0.5]}");
}

static void pretty_text_is_indented_by_two(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) out = {0};
    json_text json;

    json_text_init(&json, &out, true);
    write_sample(&json);

    ASSERT_OK(json_text_status(&json, NULL), NULL);
    assert_string_equal(buf_text(&out), "{\n"
                                        "  \"name\": \"a\\\"b\",\n"
                                        "  \"big\": \"18446744073709551615\",\n"
                                        "  \"int\": -42,\n"
                                        "  \"yes\": true,\n"
                                        "  \"list\": [\n"
                                        "    null,\n"
                                        "    {},\n"
                                        "    [],\n"
                                        "    0.5\n"
                                        "  ]\n"
                                        "}");
}

static void strings_are_escaped_and_mended(void **state)
{
    (void)state;
    static const struct {
        cairn_slice in;
        const char *out;
    } rows[] = {
        {{"", 0}, "\"\""},
        {{"\"\\/\b\f\n\r\t\x01\x1f\x7f", 11}, "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\""},
        {{"a\0b", 3}, "\"a\\u0000b\""},
        {{"\xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80", 11},
         "\"\xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80\""},
        {{"a\xff\xc3", 3}, "\"a\xef\xbf\xbd\xef\xbf\xbd\""},
        {{"\xed\xa0\x80", 3}, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        CAIRN_AUTO(cairn_buf) out = {0};
        json_text json;

        json_text_init(&json, &out, false);
        json_text_bytes(&json, rows[i].in);
        ASSERT_OK(json_text_status(&json, NULL), NULL);
        assert_string_equal(buf_text(&out), rows[i].out);
    }
}

static void assert_double(double value, const char *expected)
{
    CAIRN_AUTO(cairn_buf) out = {0};
    json_text json;

    json_text_init(&json, &out, false);
    json_text_double(&json, value);
    ASSERT_OK(json_text_status(&json, NULL), NULL);
    if (expected != NULL) {
        assert_string_equal(buf_text(&out), expected);
    }
    const double back = strtod(buf_text(&out), NULL);
    assert_memory_equal(&back, &value, sizeof(value));
}

static void doubles_are_short_and_read_back_exactly(void **state)
{
    (void)state;

    assert_double(0.1, "0.1");
    assert_double(-0.0, "-0");
    assert_double(1e300, "1e+300");
    assert_double(1.0 / 3.0, "0.3333333333333333");
    assert_double(5e-324, NULL);
    assert_double(DBL_MAX, NULL);
    assert_double(nextafter(1.0, 2.0), NULL);
}

/* Compiles a locale with a decimal comma into the folder, and makes the C library look there. */
static void make_comma_locale(const tmpdir *dir)
{
    char path[TMPDIR_PATH_BYTES];
    char *arguments[] = {(char[]){"localedef"},
                         (char[]){"-i"},
                         (char[]){"de_DE"},
                         (char[]){"-f"},
                         (char[]){"UTF-8"},
                         NULL,
                         NULL};
    int status = 0;
    pid_t child = 0;

    (void)tmpdir_join(dir, "de_DE.UTF-8", path);
    arguments[5] = path;
    assert_int_equal(posix_spawnp(&child, "localedef", NULL, NULL, arguments, environ), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
    assert_int_equal(setenv("LOCPATH", dir->path, 1), 0);
}

static void the_decimal_point_does_not_follow_the_locale(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) out = {0};
    tmpdir *dir = tmpdir_new();
    json_text json;

    assert_non_null(dir);
    make_comma_locale(dir);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
    assert_non_null(setlocale(LC_NUMERIC, "de_DE.UTF-8"));
    json_text_init(&json, &out, false);
    json_text_double(&json, 1.25e-7);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
    (void)setlocale(LC_NUMERIC, "C");

    tmpdir_free(dir);
    assert_string_equal(buf_text(&out), "1.25e-07");
}

static void the_first_error_sticks(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) out = {.limit = 10};
    cairn_error err = {0};
    json_text json;

    json_text_init(&json, &out, false);
    write_sample(&json);

    ASSERT_CODE(json_text_status(&json, &err), CAIRN_E_LIMIT, &err);
    ASSERT_MESSAGE_HAS(&err, "limit of 10");
}

static void name_twice(json_text *json)
{
    json_text_begin_object(json);
    json_text_name(json, "a");
    json_text_name(json, "b");
}

static void value_without_name(json_text *json)
{
    json_text_begin_object(json);
    json_text_null(json);
}

static void name_in_array(json_text *json)
{
    json_text_begin_array(json);
    json_text_name(json, "a");
}

static void wrong_end(json_text *json)
{
    json_text_begin_array(json);
    json_text_end_object(json);
}

static void end_without_value(json_text *json)
{
    json_text_begin_object(json);
    json_text_name(json, "a");
    json_text_end_object(json);
}

static void two_roots(json_text *json)
{
    json_text_null(json);
    json_text_null(json);
}

static void end_of_nothing(json_text *json)
{
    json_text_end_array(json);
}

static void too_deep(json_text *json)
{
    for (int i = 0; i <= JSON_TEXT_DEPTH_MAX; i++) {
        json_text_begin_array(json);
    }
}

static void unsafe_integer(json_text *json)
{
    json_text_int(json, (int64_t)1 << 53);
}

static void not_a_number(json_text *json)
{
    json_text_double(json, (double)NAN);
}

static void misuse_asserts(void **state)
{
    (void)state;
    static void (*const misuses[])(json_text *) = {
        name_twice, value_without_name, name_in_array, wrong_end,      end_without_value,
        two_roots,  end_of_nothing,     too_deep,      unsafe_integer, not_a_number,
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(misuses); i++) {
        int status = 0;
        const pid_t child = fork();

        if (child == 0) {
            CAIRN_AUTO(cairn_buf) out = {0};
            json_text json;

            (void)close(STDERR_FILENO);
            json_text_init(&json, &out, false);
            misuses[i](&json);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(WEXITSTATUS(status), 70);
    }
}

static cairn_code build_sample(void *context, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) out = {0};
    json_text json;

    (void)context;
    json_text_init(&json, &out, true);
    write_sample(&json);
    return json_text_status(&json, err);
}

static void each_failed_allocation_is_reported(void **state)
{
    (void)state;

    alloc_sweep(build_sample, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_line_without_blanks),
        cmocka_unit_test(pretty_text_is_indented_by_two),
        cmocka_unit_test(strings_are_escaped_and_mended),
        cmocka_unit_test(doubles_are_short_and_read_back_exactly),
        cmocka_unit_test(the_decimal_point_does_not_follow_the_locale),
        cmocka_unit_test(the_first_error_sticks),
        cmocka_unit_test(misuse_asserts),
        cmocka_unit_test(each_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
