/* When a failed call is tried again. */
#include "test.h"

#include "bounds.h"
#include "retry.h"
#include "threads.h"

#define LONG 1000000

typedef struct retry_case {
    const char *name;
    retry_failure failure;
    bool again;
    uint64_t delay_ms;
} retry_case;

#define UNAVAILABLE CAIRN_E_UNAVAILABLE

static const retry_case cases[] = {
    {"the first delay is at most the base", {1, UNAVAILABLE, 0, 0, LONG, 100}, true, 100},
    {"random numbers wrap at the base", {1, UNAVAILABLE, 0, 0, LONG, 101}, true, 0},
    {"full jitter begins at 0", {5, UNAVAILABLE, 0, 0, LONG, 0}, true, 0},
    {"the second ceiling is twice as high", {2, UNAVAILABLE, 0, 0, LONG, 200}, true, 200},
    {"the third four times", {3, UNAVAILABLE, 0, 0, LONG, 400}, true, 400},
    {"the eighth is below the cap", {8, UNAVAILABLE, 0, 0, LONG, 12800}, true, 12800},
    {"the ninth is the cap", {9, UNAVAILABLE, 0, 0, LONG, 20000}, true, 20000},
    {"the cap is not passed", {9, UNAVAILABLE, 0, 0, LONG, 20001}, true, 0},
    {"any random number will do", {1, UNAVAILABLE, 0, 0, LONG, UINT64_MAX}, true, UINT64_MAX % 101},
    {"the last attempt ends it", {CAIRN_RETRY_ATTEMPTS_MAX, UNAVAILABLE, 0, 0, LONG, 0}, false, 0},
    {"so does one beyond it", {UINT32_MAX, UNAVAILABLE, 0, 0, LONG, 0}, false, 0},
    {"the last but one does not",
     {CAIRN_RETRY_ATTEMPTS_MAX - 1, UNAVAILABLE, 0, 0, LONG, 0},
     true,
     0},
    {"too long at it", {2, UNAVAILABLE, 0, CAIRN_RETRY_ELAPSED_MS_MAX, LONG, 0}, false, 0},
    {"not quite too long", {2, UNAVAILABLE, 0, CAIRN_RETRY_ELAPSED_MS_MAX - 1, LONG, 0}, true, 0},
    {"a delay ends before the deadline", {1, UNAVAILABLE, 0, 0, 51, 50}, true, 50},
    {"a delay to the deadline is no use", {1, UNAVAILABLE, 0, 0, 50, 50}, false, 0},
    {"no time is left", {1, UNAVAILABLE, 0, 0, 0, 0}, false, 0},
    {"an attempt that timed out", {1, CAIRN_E_TIMEOUT, 0, 0, LONG, 7}, true, 7},
    {"a throttled call waits as long as it was told",
     {1, UNAVAILABLE, 5000, 0, LONG, 0},
     true,
     5000},
    {"and up to a second more", {1, UNAVAILABLE, 5000, 0, LONG, 1000}, true, 6000},
    {"that wraps", {1, UNAVAILABLE, 5000, 0, LONG, 1001}, true, 5000},
    {"and then two", {2, UNAVAILABLE, 5000, 0, LONG, 2000}, true, 7000},
    {"sixteen", {5, UNAVAILABLE, 1, 0, LONG, 16000}, true, 16001},
    {"never more than the cap", {6, UNAVAILABLE, 1, 0, LONG, 20000}, true, 20001},
    {"which is not passed", {9, UNAVAILABLE, 1, 0, LONG, 20001}, true, 1},
    {"a minute is obeyed", {1, UNAVAILABLE, 60000, 0, LONG, 0}, true, 60000},
    {"more than a minute is not", {1, UNAVAILABLE, 60001, 0, LONG, 0}, true, 60000},
    {"nor is nonsense", {1, UNAVAILABLE, UINT32_MAX, 0, LONG, 7}, true, 60007},
    {"nobody waits for his deadline", {1, UNAVAILABLE, 60000, 0, 60000, 0}, false, 0},
    {"a wait may end just before it", {1, UNAVAILABLE, 60000, 0, 60001, 0}, true, 60000},
    {"jitter counts", {1, UNAVAILABLE, 60000, 0, 60001, 1}, false, 0},
    {"throttled calls have a last attempt too",
     {CAIRN_RETRY_ATTEMPTS_MAX, UNAVAILABLE, 1, 0, LONG, 0},
     false,
     0},
    {"and a last moment", {2, UNAVAILABLE, 1, CAIRN_RETRY_ELAPSED_MS_MAX, LONG, 0}, false, 0},
    {"what is final stays so", {1, CAIRN_E_ACCESS, 1000, 0, LONG, 0}, false, 0},
    {"a deadline that passed", {1, CAIRN_E_TIMEOUT, 0, 0, 0, 0}, false, 0},
};

static void each_case_is_decided_as_it_says(void **state)
{
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        uint64_t delay_ms = LONG;
        const bool again = retry_decide(&cases[i].failure, &delay_ms);
        const uint64_t expected = cases[i].again ? cases[i].delay_ms : LONG;
        if (again != cases[i].again || delay_ms != expected) {
            print_error("case '%s': again %d, delay %llu\n", cases[i].name, again,
                        (unsigned long long)delay_ms);
            fail();
        }
    }
}

static void only_what_may_pass_is_tried_again(void **state)
{
    (void)state;

    for (int code = CAIRN_E_INTERNAL; code <= CAIRN_OK; code++) {
        uint64_t delay_ms = 0;
        const retry_failure failure = {1, (cairn_code)code, 0, 0, LONG, 0};
        const bool expected = code == CAIRN_E_UNAVAILABLE || code == CAIRN_E_TIMEOUT;
        assert_int_equal(retry_decide(&failure, &delay_ms), expected);
        assert_int_equal(retry_is_transient((cairn_code)code), expected);
    }
}

static size_t take_all(retry_budget *budget)
{
    size_t taken = 0;

    while (retry_budget_take(budget)) {
        taken++;
    }
    return taken;
}

static void the_reserve_is_full_at_first_and_grows_by_its_share(void **state)
{
    retry_budget budget;
    (void)state;

    retry_budget_init(&budget);
    retry_budget_add(&budget);

    assert_int_equal(take_all(&budget), CAIRN_RETRY_RESERVE);
    retry_budget_add(&budget);
    assert_int_equal(take_all(&budget), CAIRN_RETRY_SHARE);
    assert_false(retry_budget_take(&budget));
}

/* Requests of `calls` calls, of which each request fails with `percent`. */
static size_t requests_of(size_t calls, unsigned percent, size_t *out_failed)
{
    retry_budget budget;
    unsigned seed = 1;
    size_t requests = 0;

    *out_failed = 0;
    retry_budget_init(&budget);
    for (size_t i = 0; i < calls; i++) {
        retry_failure failure = {1, UNAVAILABLE, 0, 0, LONG, 0};
        uint64_t delay_ms = 0;
        bool fails = true;
        for (bool again = true; again; failure.attempt++) {
            requests++;
            seed = seed * 1103515245U + 12345U;
            fails = (seed >> 16) % 100 < percent;
            again = fails && retry_decide(&failure, &delay_ms) && retry_budget_take(&budget);
        }
        *out_failed += fails;
        if (!fails) {
            retry_budget_add(&budget);
        }
    }
    return requests;
}

static void a_store_sees_at_most_three_requests_for_a_call_whatever_it_fails(void **state)
{
    size_t failed = 0;
    (void)state;

    for (unsigned percent = 1; percent <= 100; percent++) {
        const size_t calls = 5000;
        assert_in_range(requests_of(calls, percent, &failed), calls, 3 * calls);
    }
    assert_int_equal(requests_of(32, 100, &failed), 3 * 32);
    assert_int_equal(requests_of(1000, 100, &failed), 1000 + CAIRN_RETRY_RESERVE);
}

static void a_store_that_fails_half_of_all_requests_is_used_as_if_it_did_not(void **state)
{
    size_t failed = 0;
    (void)state;

    (void)requests_of(100000, 50, &failed);

    assert_in_range(failed, 0, 100000 / 1000 * 2); /* ten in a row fail one call of 1,024 */
}

typedef struct taker {
    retry_budget *budget;
    size_t taken;
} taker;

static void add_and_take(void *argument)
{
    taker *t = argument;

    for (int i = 0; i < 10000; i++) {
        retry_budget_add(t->budget);
        for (int k = 0; k < 4; k++) {
            t->taken += retry_budget_take(t->budget) ? 1 : 0;
        }
    }
}

static void threads_together_take_no_more_than_was_added(void **state)
{
    retry_budget budget;
    taker takers[4];
    size_t taken = 0;
    (void)state;
    retry_budget_init(&budget);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(takers); i++) {
        takers[i] = (taker){&budget, 0};
    }

    threads_run(add_and_take, takers, sizeof(takers[0]), CAIRN_ARRAY_LEN(takers));

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(takers); i++) {
        taken += takers[i].taken;
    }
    assert_true(taken <= CAIRN_RETRY_RESERVE + 4 * 10000 * CAIRN_RETRY_SHARE);
    assert_true(taken >= 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case_is_decided_as_it_says),
        cmocka_unit_test(only_what_may_pass_is_tried_again),
        cmocka_unit_test(the_reserve_is_full_at_first_and_grows_by_its_share),
        cmocka_unit_test(a_store_sees_at_most_three_requests_for_a_call_whatever_it_fails),
        cmocka_unit_test(a_store_that_fails_half_of_all_requests_is_used_as_if_it_did_not),
        cmocka_unit_test(threads_together_take_no_more_than_was_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
