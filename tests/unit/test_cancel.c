#include "test.h"

#include "alloc_sweep.h"
#include "cancel.h"
#include "clock.h"

#include <pthread.h>

#define LONG_MS 3600000

static void a_flag_stays_raised(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(cairn_cancel_free) cairn_cancel *cancel = NULL;

    ASSERT_OK(cairn_cancel_new(&cancel, NULL), NULL);
    assert_false(cairn_cancel_triggered(cancel));
    cairn_cancel_trigger(cancel);
    cairn_cancel_trigger(cancel);

    assert_true(cairn_cancel_triggered(cancel));
}

static void no_flag_is_never_raised(void **state)
{
    (void)state;

    cairn_cancel_trigger(NULL);

    assert_false(cairn_cancel_triggered(NULL));
    cairn_cancel_free(NULL);
}

static void a_call_ends_by_its_cancel_or_deadline(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(cairn_cancel_free) cairn_cancel *cancel = NULL;
    cairn_error err = {0};
    ASSERT_OK(cairn_cancel_new(&cancel, NULL), NULL);
    const cairn_call free_call = {0, cancel};
    const cairn_call late = {1, NULL};
    const cairn_call both = {1, cancel};
    const cairn_call early = {cairn_deadline_in(LONG_MS), cancel};

    ASSERT_OK(call_check(NULL, "get", &err), &err);
    ASSERT_OK(call_check(&free_call, "get", &err), &err);
    ASSERT_OK(call_check(&early, "get", &err), &err);
    ASSERT_CODE(call_check(&late, "get k", &err), CAIRN_E_TIMEOUT, &err);
    ASSERT_MESSAGE_HAS(&err, "get k: the deadline passed");
    cairn_cancel_trigger(cancel);
    ASSERT_CODE(call_check(&free_call, "put k", &err), CAIRN_E_CANCELLED, &err);
    ASSERT_MESSAGE_HAS(&err, "put k: cancelled");
    ASSERT_CODE(call_check(&both, "get", &err), CAIRN_E_CANCELLED, &err);
}

static void the_time_left_has_a_ceiling_and_a_floor(void **state)
{
    (void)state;
    const cairn_call none = {0, NULL};
    const cairn_call past = {1, NULL};
    const cairn_call far = {cairn_deadline_in(LONG_MS), NULL};

    assert_int_equal(call_remaining_ms(NULL, 100), 100);
    assert_int_equal(call_remaining_ms(&none, 100), 100);
    assert_int_equal(call_remaining_ms(&past, 100), 0);
    assert_int_equal(call_remaining_ms(&far, 100), 100);
    assert_in_range(call_remaining_ms(&far, UINT64_MAX), 1, LONG_MS);
}

static void a_deadline_beyond_all_time_does_not_wrap(void **state)
{
    (void)state;

    assert_true(cairn_deadline_in(UINT64_MAX) == UINT64_MAX);
    assert_true(cairn_deadline_in(0) <= clock_monotonic_ms());
}

static void a_sleep_of_its_full_length_is_ok(void **state)
{
    (void)state;
    const uint64_t before = clock_monotonic_ms();

    ASSERT_OK(call_sleep(NULL, 3, "wait", NULL), NULL);
    ASSERT_OK(call_sleep(NULL, 0, "wait", NULL), NULL);

    assert_true(clock_monotonic_ms() >= before + 3);
}

static void a_sleep_ends_at_the_deadline(void **state)
{
    (void)state;
    const cairn_call call = {cairn_deadline_in(5), NULL};
    cairn_error err = {0};

    ASSERT_CODE(call_sleep(&call, LONG_MS, "wait", &err), CAIRN_E_TIMEOUT, &err);
}

static void *trigger_later(void *argument)
{
    clock_sleep_ms(5);
    cairn_cancel_trigger(argument);
    return NULL;
}

static void a_sleep_ends_when_another_thread_cancels(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(cairn_cancel_free) cairn_cancel *cancel = NULL;
    cairn_error err = {0};
    pthread_t thread;
    ASSERT_OK(cairn_cancel_new(&cancel, NULL), NULL);
    const cairn_call call = {0, cancel};

    assert_int_equal(pthread_create(&thread, NULL, trigger_later, cancel), 0);
    const cairn_code code = call_sleep(&call, LONG_MS, "wait", &err);
    assert_int_equal(pthread_join(thread, NULL), 0);

    ASSERT_CODE(code, CAIRN_E_CANCELLED, &err);
}

static cairn_code make_flag(void *context, cairn_error *err)
{
    CAIRN_AUTO_PTR(cairn_cancel_free) cairn_cancel *cancel = NULL;

    (void)context;
    return cairn_cancel_new(&cancel, err);
}

static void a_failed_allocation_is_reported(void **state)
{
    (void)state;

    alloc_sweep(make_flag, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flag_stays_raised),
        cmocka_unit_test(no_flag_is_never_raised),
        cmocka_unit_test(a_call_ends_by_its_cancel_or_deadline),
        cmocka_unit_test(the_time_left_has_a_ceiling_and_a_floor),
        cmocka_unit_test(a_deadline_beyond_all_time_does_not_wrap),
        cmocka_unit_test(a_sleep_of_its_full_length_is_ok),
        cmocka_unit_test(a_sleep_ends_at_the_deadline),
        cmocka_unit_test(a_sleep_ends_when_another_thread_cancels),
        cmocka_unit_test(a_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
