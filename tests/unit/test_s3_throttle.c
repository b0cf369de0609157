/* How many requests may be in flight when a server has too much to do. */
#include "test.h"

#include "bounds.h"
#include "s3_throttle.h"
#include "threads.h"

static int setup(void **state)
{
    static s3_throttle throttle;

    s3_throttle_init(&throttle);
    *state = &throttle;
    return 0;
}

static int teardown(void **state)
{
    s3_throttle_release(*state);
    return 0;
}

/* `count` requests that were in flight together all end with `load`. */
static void together(s3_throttle *throttle, unsigned count, s3_load load)
{
    s3_pass passes[CAIRN_S3_IN_FLIGHT_MAX] = {{false, 0}};

    for (unsigned i = 0; i < count; i++) {
        assert_true(s3_throttle_try(throttle, &passes[i]));
    }
    for (unsigned i = 0; i < count; i++) {
        s3_throttle_leave(throttle, &passes[i], load);
    }
}

static void requests_that_were_in_flight_together_cut_once(void **state)
{
    s3_throttle *throttle = *state;

    together(throttle, 16, CAIRN_S3_LOAD_TOO_MUCH);
    assert_int_equal(s3_throttle_limit(throttle), 8);
    together(throttle, 8, CAIRN_S3_LOAD_TOO_MUCH);
    assert_int_equal(s3_throttle_limit(throttle), 4);
}

static void one_request_may_always_be_in_flight(void **state)
{
    s3_throttle *throttle = *state;
    s3_pass second = {.inside = false};
    s3_pass first = {.inside = false};

    for (int i = 0; i < 5; i++) {
        together(throttle, 1, CAIRN_S3_LOAD_TOO_MUCH);
    }
    assert_int_equal(s3_throttle_limit(throttle), 1);
    assert_true(s3_throttle_try(throttle, &first));
    assert_false(s3_throttle_try(throttle, &second));
    s3_throttle_leave(throttle, &second, CAIRN_S3_LOAD_FINE); /* not inside: nothing */
    s3_throttle_leave(throttle, &first, CAIRN_S3_LOAD_UNKNOWN);
    assert_true(s3_throttle_try(throttle, &second));
    s3_throttle_leave(throttle, &second, CAIRN_S3_LOAD_UNKNOWN);
}

static void as_many_successes_as_the_limit_add_one(void **state)
{
    s3_throttle *throttle = *state;

    together(throttle, 8, CAIRN_S3_LOAD_TOO_MUCH);
    together(throttle, 3, CAIRN_S3_LOAD_FINE);
    assert_int_equal(s3_throttle_limit(throttle), 4);
    together(throttle, 1, CAIRN_S3_LOAD_FINE);
    assert_int_equal(s3_throttle_limit(throttle), 5);
    together(throttle, 4, CAIRN_S3_LOAD_FINE);
    assert_int_equal(s3_throttle_limit(throttle), 5);
    together(throttle, 4, CAIRN_S3_LOAD_UNKNOWN);
    assert_int_equal(s3_throttle_limit(throttle), 5);
}

static void who_waits_ends_with_his_call(void **state)
{
    s3_throttle *throttle = *state;
    const cairn_call call = {cairn_deadline_in(50), NULL};
    s3_pass first = {.inside = false};
    s3_pass second = {.inside = false};
    cairn_error err = {0};

    together(throttle, 1, CAIRN_S3_LOAD_TOO_MUCH);
    assert_true(s3_throttle_try(throttle, &first));
    ASSERT_CODE(s3_throttle_enter(throttle, &call, &second, &err), CAIRN_E_TIMEOUT, &err);
    assert_false(second.inside);
    s3_throttle_leave(throttle, &first, CAIRN_S3_LOAD_UNKNOWN);
}

typedef struct guest {
    s3_throttle *throttle;
    _Atomic int *inside;
    int most;
    bool failed;
} guest;

static void come_and_go(void *argument)
{
    guest *g = argument;
    const cairn_call call = {cairn_deadline_in(60000), NULL};

    for (int i = 0; i < 200; i++) {
        s3_pass pass = {.inside = false};
        if (s3_throttle_enter(g->throttle, &call, &pass, NULL) != CAIRN_OK) {
            g->failed = true;
            return;
        }
        const int inside = ++*g->inside;
        g->most = inside > g->most ? inside : g->most;
        --*g->inside;
        s3_throttle_leave(g->throttle, &pass, CAIRN_S3_LOAD_UNKNOWN);
    }
}

static void never_more_are_inside_than_may_be(void **state)
{
    _Atomic int inside = 0;
    guest guests[8];

    together(*state, 4, CAIRN_S3_LOAD_TOO_MUCH);
    for (size_t i = 0; i < 8; i++) {
        guests[i] = (guest){*state, &inside, 0, false};
    }
    threads_run(come_and_go, guests, sizeof(guests[0]), 8);
    for (size_t i = 0; i < 8; i++) {
        assert_false(guests[i].failed);
        assert_true(guests[i].most <= 2);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(requests_that_were_in_flight_together_cut_once),
        CASE(one_request_may_always_be_in_flight),
        CASE(as_many_successes_as_the_limit_add_one),
        CASE(who_waits_ends_with_his_call),
        CASE(never_more_are_inside_than_may_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
