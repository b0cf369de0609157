#include "test.h"

#include "check.h"
#include "human.h"
#include "progress.h"
#include "value_print.h"

#define BYTES(text)              \
    {                            \
        (text), sizeof(text) - 1 \
    }

static void bytes_are_shown_by_their_serializer(void **state)
{
    static const struct {
        const char *serializer;
        cairn_slice bytes;
        const char *form;
        const char *line;
    } cases[] = {
        {"u64", BYTES("\0\0\0\0\0\0\0\x07"), "u64", "7"},
        {"u64", BYTES("\xff\xff\xff\xff\xff\xff\xff\xff"), "u64", "18446744073709551615"},
        {"u64", BYTES("\0\7"), "hex", "0x0007"},
        {"i64", BYTES("\x80\0\0\0\0\0\0\0"), "i64", "0"},
        {"i64", BYTES("\x7f\xff\xff\xff\xff\xff\xff\xff"), "i64", "-1"},
        {"i64", BYTES("\0\0\0\0\0\0\0\0"), "i64", "-9223372036854775808"},
        {"double", BYTES("\x3f\xb9\x99\x99\x99\x99\x99\x9a"), "double", "0.1"},
        {"double", BYTES("\x40\x09\x21\xfb\x54\x44\x2d\x18"), "double", "3.141592653589793"},
        {"string", BYTES("caf\xc3\xa9"), "text", "caf\xc3\xa9"},
        {"bytes", BYTES(""), "text", ""},
        {"bytes", BYTES("a\tb"), "hex", "0x610962"},
        {"bytes", BYTES("a\nb"), "hex", "0x610a62"},
        {"bytes", BYTES("\x7f"), "hex", "0x7f"},
        {"bytes", BYTES("\xc2\x9b"), "hex", "0xc29b"},
        {"bytes", BYTES("\xc3"), "hex", "0xc3"},
        {"bytes", BYTES("\xed\xa0\x80"), "hex", "0xeda080"},
        {"mine", BYTES("plain"), "text", "plain"},
    };
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO(cairn_buf) out = {0};
        cairn_error err = {0};
        value_form form = value_form_of(cases[i].serializer, cases[i].bytes);

        ASSERT_OK(value_append_line(cases[i].serializer, cases[i].bytes, false, &out, &err), &err);
        assert_string_equal(value_form_name(form), cases[i].form);
        assert_string_equal(buf_text(&out), cases[i].line);
    }
}

static void hex_on_demand_has_no_prefix(void **state)
{
    CAIRN_AUTO(cairn_buf) out = {0};
    cairn_error err = {0};
    (void)state;

    ASSERT_OK(value_append_line("u64", cairn_slice_of("abc"), true, &out, &err), &err);

    assert_string_equal(buf_text(&out), "616263");
}

static void what_was_printed_reads_back_as_the_same_bytes(void **state)
{
    static const struct {
        const char *serializer;
        const char *text;
    } cases[] = {
        {"u64", "0"},
        {"u64", "18446744073709551615"},
        {"i64", "0"},
        {"i64", "-1"},
        {"i64", "-9223372036854775808"},
        {"i64", "9223372036854775807"},
        {"double", "-0.1"},
        {"double", "1e+300"},
        {"bytes", "a key, with blanks"},
        {"string", ""},
    };
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO(cairn_buf) bytes = {0};
        CAIRN_AUTO(cairn_buf) again = {0};
        cairn_error err = {0};

        ASSERT_OK(value_parse(cases[i].serializer, cases[i].text, &bytes, &err), &err);
        ASSERT_OK(
            value_append_line(cases[i].serializer, cairn_buf_slice(&bytes), false, &again, &err),
            &err);
        assert_string_equal(buf_text(&again), cases[i].text);
    }
}

static void a_key_that_is_no_number_is_refused(void **state)
{
    static const struct {
        const char *serializer;
        const char *text;
    } cases[] = {
        {"u64", "-1"},
        {"u64", ""},
        {"u64", "1 "},
        {"u64", "18446744073709551616"},
        {"i64", "9223372036854775808"},
        {"i64", "-9223372036854775809"},
        {"i64", "--1"},
        {"double", "one"},
        {"double", ""},
        {"double", "1x"},
    };
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO(cairn_buf) bytes = {0};
        cairn_error err = {0};

        ASSERT_CODE(value_parse(cases[i].serializer, cases[i].text, &bytes, &err), CAIRN_E_INVALID,
                    &err);
        ASSERT_MESSAGE_HAS(&err, cases[i].serializer);
        assert_int_equal(bytes.len, 0);
    }
}

static void numbers_for_people_keep_few_digits(void **state)
{
    char out[HUMAN_SIZE];
    (void)state;

    assert_string_equal(human_bytes(0, out), "0 B");
    assert_string_equal(human_bytes(1023, out), "1023 B");
    assert_string_equal(human_bytes(1536, out), "1.5 KiB");
    assert_string_equal(human_bytes(UINT64_MAX, out), "16.0 EiB");
    assert_string_equal(human_count(999, out), "999");
    assert_string_equal(human_count(1000, out), "1,000");
    assert_string_equal(human_count(UINT64_MAX, out), "18,446,744,073,709,551,615");
    assert_string_equal(human_duration(999, out), "999 ms");
    assert_string_equal(human_duration(1500, out), "1.5 s");
    assert_string_equal(human_duration(312000, out), "5 min 12 s");
    assert_string_equal(human_duration(11100000, out), "3 h 5 min");
}

static void progress_tells_rate_position_state_and_the_last_checkpoint(void **state)
{
    CAIRN_AUTO(cairn_buf) before = {0};
    CAIRN_AUTO(cairn_buf) after = {0};
    cairn_error err = {0};
    cairn_worker_progress progress = {.records = 12345,
                                      .records_per_s = 678,
                                      .input_bytes = 512,
                                      .input_total_bytes = 1024,
                                      .backend = {.state_bytes = 2048}};
    (void)state;

    ASSERT_OK(progress_format("totals", &progress, &before, &err), &err);
    progress.input_total_bytes = 0;
    progress.backend.last_checkpoint_id = 7;
    progress.backend.last_checkpoint_age_ms = 1200;
    progress.backend.consecutive_failures = 2;
    ASSERT_OK(progress_format("totals", &progress, &after, &err), &err);

    assert_string_equal(buf_text(&before), "totals  12,345 records  678/s  50 %  state 2.0 KiB  "
                                           "no checkpoint yet");
    assert_string_equal(buf_text(&after), "totals  12,345 records  678/s  512 B  state 2.0 KiB  "
                                          "checkpoint 7, 1.2 s ago  2 failed in a row");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_shown_by_their_serializer),
        cmocka_unit_test(hex_on_demand_has_no_prefix),
        cmocka_unit_test(what_was_printed_reads_back_as_the_same_bytes),
        cmocka_unit_test(a_key_that_is_no_number_is_refused),
        cmocka_unit_test(numbers_for_people_keep_few_digits),
        cmocka_unit_test(progress_tells_rate_position_state_and_the_last_checkpoint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
