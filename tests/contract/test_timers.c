/* Timers, over each engine. */
#include "test.h"

#include "alloc.h"
#include "bounds.h"
#include "errors.h"
#include "state_handle.h"
#include "state_world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRED_MAX 20000

/* What fired, as "time key/namespace ". */
typedef struct record {
    char text[64];
    int64_t time_ms;
} record;

typedef struct fixture {
    state_world *world;
    cairn_timers *timers;
    record *fired;
    size_t count;
    /* What the next call back does besides. */
    int64_t register_ms; /* for the key that fires; 0: nothing */
    cairn_code result;
    cairn_code nested; /* of an advance from within */
    char key[8];
    char name_space[8];
} fixture;

static const char *text_of(cairn_slice from, char text[8])
{
    if (from.len > 0) {
        memcpy(text, from.data, from.len);
    }
    text[from.len] = '\0';
    return text;
}

static cairn_code on_timer(void *context, const cairn_timer *timer, cairn_error *err)
{
    fixture *f = context;
    record *to = &f->fired[f->count++];

    assert_true(f->count < FIRED_MAX);
    assert_true(timer->key.len < 8 && timer->name_space.len < 8);
    to->time_ms = timer->time_ms;
    (void)snprintf(to->text, sizeof(to->text), "%" PRId64 " %.8s/%.8s", timer->time_ms,
                   text_of(timer->key, f->key), text_of(timer->name_space, f->name_space));
    if (f->register_ms != 0) {
        const int64_t at_ms = f->register_ms;
        f->register_ms = 0;
        CAIRN_TRY(cairn_timers_register(f->timers, timer->domain, at_ms, err));
    }
    f->nested = cairn_timers_advance(f->timers, timer->domain, 0, NULL);
    return f->result;
}

static void open_timers(fixture *f)
{
    const cairn_timer_function function = {on_timer, f};
    cairn_error err = {0};

    ASSERT_OK(keyed_state_open_timers(f->world->states, "t", &function, &f->timers, &err), &err);
}

static int set_up(void **state, const state_engine_kind *kind)
{
    fixture *f = calloc(1, sizeof(*f));

    f->fired = calloc(FIRED_MAX, sizeof(*f->fired));
    f->world = state_world_new(kind);
    if (f->world == NULL) {
        return 1;
    }
    open_timers(f);
    *state = f;
    return 0;
}

static int set_up_rocksdb(void **state)
{
    return set_up(state, &state_engine_kinds[0]);
}

static int set_up_hashmap(void **state)
{
    return set_up(state, &state_engine_kinds[1]);
}

static int tear_down(void **state)
{
    fixture *f = *state;

    state_world_free(f->world);
    free(f->fired);
    free(f);
    return 0;
}

static void set_place(fixture *f, const char *key, const char *name_space)
{
    ASSERT_OK(keyed_state_set_key(f->world->states, cairn_slice_of(key), NULL), NULL);
    ASSERT_OK(keyed_state_set_namespace(f->world->states, cairn_slice_of(name_space), NULL), NULL);
}

static void add(fixture *f, cairn_time_domain domain, const char *key, int64_t time_ms)
{
    set_place(f, key, "");
    ASSERT_OK(cairn_timers_register(f->timers, domain, time_ms, NULL), NULL);
}

static void advance(fixture *f, cairn_time_domain domain, int64_t time_ms)
{
    cairn_error err = {0};

    f->count = 0;
    ASSERT_OK(cairn_timers_advance(f->timers, domain, time_ms, &err), &err);
}

static void assert_fired(const fixture *f, const char *const *expected, size_t count)
{
    assert_int_equal(f->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(f->fired[i].text, expected[i]);
    }
}

/* A snapshot, and a restore from its files. */
static void restore(fixture *f)
{
    const state_subject subject = state_world_subject(f->world);

    assert_true(state_script_run("snapshot; restore", &subject));
    open_timers(f);
}

static void timers_fire_in_the_order_of_their_times(void **state)
{
    fixture *f = *state;
    static const char *const first[] = {"-5 d/", "10 b/", "20 a/"};
    static const char *const second[] = {"30 c/"};

    add(f, CAIRN_TIME_EVENT, "c", 30);
    add(f, CAIRN_TIME_EVENT, "b", 10);
    add(f, CAIRN_TIME_EVENT, "a", 20);
    add(f, CAIRN_TIME_EVENT, "d", -5);

    advance(f, CAIRN_TIME_EVENT, 20);
    assert_fired(f, first, CAIRN_ARRAY_LEN(first));
    advance(f, CAIRN_TIME_EVENT, 29);
    assert_fired(f, NULL, 0);
    advance(f, CAIRN_TIME_EVENT, INT64_MAX);
    assert_fired(f, second, CAIRN_ARRAY_LEN(second));
}

static void the_extremes_of_time_are_times(void **state)
{
    fixture *f = *state;

    add(f, CAIRN_TIME_EVENT, "late", INT64_MAX);
    add(f, CAIRN_TIME_EVENT, "early", INT64_MIN);

    advance(f, CAIRN_TIME_EVENT, INT64_MIN);
    assert_int_equal(f->count, 1);
    advance(f, CAIRN_TIME_EVENT, INT64_MAX);
    assert_int_equal(f->count, 1);
}

static void a_timer_that_is_registered_twice_fires_once(void **state)
{
    fixture *f = *state;

    add(f, CAIRN_TIME_EVENT, "a", 1);
    add(f, CAIRN_TIME_EVENT, "a", 1);

    advance(f, CAIRN_TIME_EVENT, 1);
    assert_int_equal(f->count, 1);
    advance(f, CAIRN_TIME_EVENT, 1);
    assert_int_equal(f->count, 0);
}

static void a_timer_that_is_deleted_does_not_fire(void **state)
{
    fixture *f = *state;
    static const char *const left[] = {"2 a/"};

    add(f, CAIRN_TIME_EVENT, "a", 1);
    add(f, CAIRN_TIME_EVENT, "a", 2);
    ASSERT_OK(cairn_timers_delete(f->timers, CAIRN_TIME_EVENT, 1, NULL), NULL);
    ASSERT_OK(cairn_timers_delete(f->timers, CAIRN_TIME_EVENT, 7, NULL), NULL);

    advance(f, CAIRN_TIME_EVENT, 9);
    assert_fired(f, left, 1);
}

static void domains_and_namespaces_are_apart(void **state)
{
    fixture *f = *state;
    static const char *const fired[] = {"1 a/w1"};

    set_place(f, "a", "w1");
    ASSERT_OK(cairn_timers_register(f->timers, CAIRN_TIME_PROCESSING, 1, NULL), NULL);
    set_place(f, "a", "w2");
    ASSERT_OK(cairn_timers_register(f->timers, CAIRN_TIME_EVENT, 1, NULL), NULL);
    ASSERT_OK(cairn_timers_delete(f->timers, CAIRN_TIME_PROCESSING, 1, NULL), NULL);

    advance(f, CAIRN_TIME_PROCESSING, 5);
    assert_fired(f, fired, 1);
}

static void a_timer_that_is_due_at_once_fires_in_the_same_advance(void **state)
{
    fixture *f = *state;
    static const char *const fired[] = {"10 a/", "5 a/", "20 b/"};

    add(f, CAIRN_TIME_EVENT, "a", 10);
    add(f, CAIRN_TIME_EVENT, "b", 20);
    f->register_ms = 5;

    advance(f, CAIRN_TIME_EVENT, 20);
    assert_fired(f, fired, CAIRN_ARRAY_LEN(fired));
}

static void a_failure_of_the_function_is_returned_and_the_rest_waits(void **state)
{
    fixture *f = *state;
    static const char *const rest[] = {"2 a/"};

    add(f, CAIRN_TIME_EVENT, "a", 1);
    add(f, CAIRN_TIME_EVENT, "a", 2);
    f->result = CAIRN_E_FAILED;
    ASSERT_CODE(cairn_timers_advance(f->timers, CAIRN_TIME_EVENT, 9, NULL), CAIRN_E_FAILED, NULL);

    f->result = CAIRN_OK;
    advance(f, CAIRN_TIME_EVENT, 9);
    assert_fired(f, rest, 1);
}

static void what_is_misused_is_said(void **state)
{
    fixture *f = *state;
    const cairn_timer_function none = {NULL, NULL};
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;
    cairn_value_state *value = NULL;
    size_t before = 0;
    size_t count = 0;
    cairn_timers *timers = NULL;
    cairn_error err = {0};

    ASSERT_CODE(cairn_timers_register(f->timers, CAIRN_TIME_EVENT, 1, &err), CAIRN_E_STATE, &err);
    ASSERT_MESSAGE_HAS(&err, "no key is set");
    ASSERT_CODE(keyed_state_open_timers(f->world->states, "t", &none, &timers, &err),
                CAIRN_E_INVALID, &err);
    ASSERT_CODE(
        keyed_state_open_timers(f->world->states, "a/b", &f->timers->function, &timers, &err),
        CAIRN_E_INVALID, &err);
    ASSERT_CODE(cairn_timers_advance(f->timers, (cairn_time_domain)7, 1, &err), CAIRN_E_INVALID,
                &err);
    (void)keyed_state_infos(f->world->states, &before);
    descriptor.name = "v.processing-timers";
    ASSERT_OK(keyed_state_open_value(f->world->states, &descriptor, &value, &err), &err);
    ASSERT_CODE(keyed_state_open_timers(f->world->states, "v", &f->timers->function, &timers, &err),
                CAIRN_E_INCOMPATIBLE, &err);
    ASSERT_MESSAGE_HAS(&err, "state 'v.processing-timers' is of kind value");
    (void)keyed_state_infos(f->world->states, &count);
    assert_int_equal(count, before + 1); /* and v.event-timers was not made */
    add(f, CAIRN_TIME_EVENT, "a", 1);
    advance(f, CAIRN_TIME_EVENT, 1);
    assert_int_equal(f->nested, CAIRN_E_STATE);
}

static void the_next_one_is_told(void **state)
{
    fixture *f = *state;
    int64_t time_ms = 77;
    bool found = true;

    ASSERT_OK(cairn_timers_next(f->timers, CAIRN_TIME_EVENT, &time_ms, &found, NULL), NULL);
    assert_false(found);
    assert_int_equal(time_ms, 77);
    add(f, CAIRN_TIME_EVENT, "a", 9);
    add(f, CAIRN_TIME_EVENT, "b", 4);
    ASSERT_OK(cairn_timers_next(f->timers, CAIRN_TIME_EVENT, &time_ms, &found, NULL), NULL);
    assert_true(found);
    assert_int_equal(time_ms, 4);
}

static void timers_that_nobody_has_in_memory_are_found(void **state)
{
    fixture *f = *state;
    static const char *const fired[] = {"1 a/", "2 b/", "3 a/"};

    add(f, CAIRN_TIME_EVENT, "b", 2);
    add(f, CAIRN_TIME_EVENT, "a", 3);
    restore(f);
    add(f, CAIRN_TIME_EVENT, "a", 1);

    advance(f, CAIRN_TIME_EVENT, 3);
    assert_fired(f, fired, CAIRN_ARRAY_LEN(fired));
}

/* One key's group holds more than a head does; half of them come out of order. */
static void more_timers_than_a_head_holds_fire_once_and_in_order(void **state)
{
    fixture *f = *state;
    const int64_t count = CAIRN_TIMER_HEAD_UNORDERED_MAX + 1000;

    for (int64_t i = 0; i < count; i++) {
        add(f, CAIRN_TIME_EVENT, "a", i * 7919 % count);
    }
    advance(f, CAIRN_TIME_EVENT, count / 2);
    assert_int_equal(f->count, count / 2 + 1);
    add(f, CAIRN_TIME_EVENT, "a", 0);
    f->count = 0;
    ASSERT_OK(cairn_timers_advance(f->timers, CAIRN_TIME_EVENT, count, NULL), NULL);

    assert_int_equal(f->count, count / 2);
    assert_int_equal(f->fired[0].time_ms, 0);
    for (size_t i = 1; i < f->count; i++) {
        assert_int_equal(f->fired[i].time_ms, count / 2 + (int64_t)i);
    }
}

/* The head knows the whole group while it fills; then each that comes pushes out the furthest. */
static void nearer_timers_push_further_ones_out_of_memory_but_not_out(void **state)
{
    fixture *f = *state;
    const int64_t count = CAIRN_TIMER_HEAD_UNORDERED_MAX + 10;

    advance(f, CAIRN_TIME_EVENT, 0);
    for (int64_t i = count; i > 0; i--) {
        add(f, CAIRN_TIME_EVENT, "a", i);
    }
    advance(f, CAIRN_TIME_EVENT, count);

    assert_int_equal(f->count, count);
    for (int64_t i = 0; i < count; i++) {
        assert_int_equal(f->fired[i].time_ms, i + 1);
    }
}

#define SWEEP_MAX 400

/* What fails before the function was called leaves the timer to the next advance. Each round costs
 * a restore. */
static void no_timer_is_lost_when_memory_is_short(void **state)
{
    fixture *f = *state;
    bool failed = true;

    for (uint64_t nth = 1; failed; nth += TEST_SHARE) {
        assert_true(nth < SWEEP_MAX);
        add(f, CAIRN_TIME_EVENT, "a", 1);
        add(f, CAIRN_TIME_EVENT, "b", 2);
        restore(f);
        f->count = 0;
        mem_fail_nth(nth, 0);
        const cairn_code code = cairn_timers_advance(f->timers, CAIRN_TIME_EVENT, 9, NULL);
        mem_fail_nth(0, 0);
        assert_true(code == CAIRN_OK || code == CAIRN_E_NO_MEMORY);
        failed = code != CAIRN_OK;
        ASSERT_OK(cairn_timers_advance(f->timers, CAIRN_TIME_EVENT, 9, NULL), NULL);
        assert_int_equal(f->count, 2);
    }
}

/* --- against a plain list --------------------------------------------------------------------- */

#define KEYS       7
#define TIMES      300
#define OPERATIONS (20000 / TEST_SHARE)

static unsigned next_random(uint64_t *random)
{
    *random = *random * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (unsigned)(*random >> 33);
}

typedef struct plain_model {
    bool stands[KEYS][TIMES];
} plain_model;

static size_t expect_fired(plain_model *model, const fixture *f, int64_t until)
{
    size_t due = 0;

    for (size_t key = 0; key < KEYS; key++) {
        for (int64_t time = 0; time <= until; time++) {
            due += model->stands[key][time];
        }
    }
    for (size_t i = 0; i < f->count; i++) {
        const record *fired = &f->fired[i];
        const size_t key = (size_t)(strchr(fired->text, 'k')[1] - '0');
        assert_true(fired->time_ms <= until);
        assert_true(i == 0 || fired[-1].time_ms <= fired->time_ms);
        assert_true(model->stands[key][fired->time_ms]);
        model->stands[key][fired->time_ms] = false;
    }
    return due;
}

static void timers_are_those_of_a_plain_list(void **state)
{
    fixture *f = *state;
    uint64_t random = 20261123;
    plain_model model = {0};

    for (int i = 0; i < OPERATIONS; i++) {
        const unsigned what = next_random(&random) % 100;
        const size_t key = next_random(&random) % KEYS;
        const int64_t time = next_random(&random) % TIMES;
        char name[] = {'k', (char)('0' + key), '\0'};

        set_place(f, name, "");
        if (what < 70) {
            ASSERT_OK(cairn_timers_register(f->timers, CAIRN_TIME_EVENT, time, NULL), NULL);
            model.stands[key][time] = true;
        } else if (what < 97) {
            ASSERT_OK(cairn_timers_delete(f->timers, CAIRN_TIME_EVENT, time, NULL), NULL);
            model.stands[key][time] = false;
        } else if (what == 97) {
            restore(f);
        } else {
            advance(f, CAIRN_TIME_EVENT, time / 4);
            assert_int_equal(f->count, expect_fired(&model, f, time / 4));
        }
    }
}

int main(void)
{
#define CASE(name)                                                    \
    cmocka_unit_test_setup_teardown(name, set_up_rocksdb, tear_down), \
        cmocka_unit_test_setup_teardown(name, set_up_hashmap, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(timers_fire_in_the_order_of_their_times),
        CASE(the_extremes_of_time_are_times),
        CASE(a_timer_that_is_registered_twice_fires_once),
        CASE(a_timer_that_is_deleted_does_not_fire),
        CASE(domains_and_namespaces_are_apart),
        CASE(a_timer_that_is_due_at_once_fires_in_the_same_advance),
        CASE(a_failure_of_the_function_is_returned_and_the_rest_waits),
        CASE(what_is_misused_is_said),
        CASE(the_next_one_is_told),
        CASE(timers_that_nobody_has_in_memory_are_found),
        CASE(more_timers_than_a_head_holds_fire_once_and_in_order),
        CASE(nearer_timers_push_further_ones_out_of_memory_but_not_out),
        CASE(no_timer_is_lost_when_memory_is_short),
        CASE(timers_are_those_of_a_plain_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
