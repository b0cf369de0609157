#include "test.h"

#include "check.h"
#include "clock.h"

static void instants_are_written_in_rfc_3339(void **state)
{
    (void)state;
    static const struct {
        uint64_t ms;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {951782399999, "2000-02-28T23:59:59.999Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {1769903999123, "2026-01-31T23:59:59.123Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {UINT64_MAX, "9999-12-31T23:59:59.999Z"},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        char text[CLOCK_RFC3339_SIZE];

        clock_format_rfc3339(rows[i].ms, text);
        assert_string_equal(text, rows[i].text);
    }
}

static void a_timespec_holds_the_same_instant(void **state)
{
    (void)state;

    const struct timespec time = clock_timespec(12345);

    assert_int_equal(time.tv_sec, 12);
    assert_int_equal(time.tv_nsec, 345000000);
}

static void a_sleep_lasts_at_least_as_long_as_asked(void **state)
{
    (void)state;
    const uint64_t before_ms = clock_monotonic_ms();
    const uint64_t before_us = clock_monotonic_us();

    clock_sleep_ms(5);
    clock_sleep_ms(0);

    assert_true(clock_monotonic_ms() >= before_ms + 5);
    assert_true(clock_monotonic_us() >= before_us + 4000);
}

static void the_wall_clock_counts_milliseconds_since_1970(void **state)
{
    (void)state;

    const uint64_t wall_s = clock_wall_ms() / 1000;

    assert_in_range(wall_s, (uint64_t)time(NULL) - 60, (uint64_t)time(NULL) + 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instants_are_written_in_rfc_3339),
        cmocka_unit_test(a_timespec_holds_the_same_instant),
        cmocka_unit_test(a_sleep_lasts_at_least_as_long_as_asked),
        cmocka_unit_test(the_wall_clock_counts_milliseconds_since_1970),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
