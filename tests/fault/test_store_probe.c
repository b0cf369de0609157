/* Which stores the races of a probe find out, and what disturbs them. */
#include "test.h"

#include "bounds.h"
#include "no_waits.h"
#include "store_fault.h"
#include "store_mem.h"
#include "store_odd.h"
#include "store_probe.h"
#include "stores.h"

#include <stdlib.h>

#define PREFIX "job/probe/0011223344556677"
#define ROUNDS CAIRN_PROBE_ROUNDS

/* memory <- odd <- fault */
typedef struct fixture {
    cairn_store *memory;
    cairn_store *odd;
    store_fault *fault;
    cairn_store *store;
    cairn_error err;
} fixture;

static void make_odd(fixture *f, unsigned quirks)
{
    ASSERT_OK(store_odd_new(f->memory, quirks, &f->odd, &f->err), &f->err);
    ASSERT_OK(store_fault_new(f->odd, &f->fault, &f->err), &f->err);
    f->store = store_fault_store(f->fault);
}

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));

    *state = f;
    no_waits(true);
    return f == NULL || store_mem_new(&f->memory, &f->err) != CAIRN_OK;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    no_waits(false);
    store_fault_free(f->fault);
    cairn_store_free(f->odd);
    cairn_store_free(f->memory);
    free(f);
    return 0;
}

static cairn_code probe(fixture *f, store_probe *out)
{
    return store_probe_create(f->store, NULL, PREFIX, ROUNDS, out, &f->err);
}

static cairn_code refuse_object(void *context, const char *key, const cairn_object_info *info,
                                cairn_error *err)
{
    (void)context;
    (void)info;
    (void)err;
    print_error("%s is left\n", key);
    return CAIRN_E_FAILED;
}

static void expect_empty(fixture *f)
{
    ASSERT_OK(cairn_store_list(f->memory, NULL, "", refuse_object, NULL, &f->err), &f->err);
}

typedef struct probe_case {
    const char *name;
    unsigned quirks;
    store_probe_verdict verdict;
    const char *detail; /* the end of it */
    int times;          /* that it must come out so */
} probe_case;

static const probe_case cases[] = {
    {"right", 0, CAIRN_PROBE_ATOMIC, "20 of 20 races had one winner", 20},
    {"ignores", STORE_ODD_IGNORES_CREATE, CAIRN_PROBE_IGNORED, "a key that exists was accepted",
     100},
    {"looks first", STORE_ODD_LOOKS_THEN_PUTS, CAIRN_PROBE_RACY, "", 100},
    {"looks at begin", STORE_ODD_LOOKS_AT_BEGIN, CAIRN_PROBE_RACY, "3 of 20 races had two winners",
     3},
    {"says no", STORE_ODD_REFUSES_CREATE, CAIRN_PROBE_REFUSED, "501 NotImplemented", 100},
    {"loser's bytes", STORE_ODD_LOSER_REPLACES, CAIRN_PROBE_RACY, "other bytes than the winner's",
     20},
    {"replaces and says no", STORE_ODD_REFUSED_REPLACES, CAIRN_PROBE_IGNORED,
     "refused, and yet its bytes are gone", 20},
};

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text);
    const size_t end_length = strlen(end);

    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static void run_case(const probe_case *c)
{
    void *state = NULL;

    assert_int_equal(set_up(&state), 0);
    fixture *f = state;
    make_odd(f, c->quirks);
    for (int i = 0; i < c->times; i++) {
        store_probe seen = {0};
        ASSERT_OK(probe(f, &seen), &f->err);
        if (seen.verdict != c->verdict || !ends_with(seen.detail, c->detail)) {
            fail_msg("case '%s', time %d: verdict %d, '%s'", c->name, i, (int)seen.verdict,
                     seen.detail);
        }
    }
    expect_empty(f);
    assert_int_equal(tear_down(&state), 0);
}

static void each_kind_of_store_is_found_out_each_time(void **state)
{
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        run_case(&cases[i]);
    }
}

static void both_that_win_are_counted(void **state)
{
    fixture *f = *state;
    store_probe seen = {0};
    make_odd(f, STORE_ODD_LOOKS_THEN_PUTS);

    ASSERT_OK(probe(f, &seen), &f->err);

    assert_int_equal(seen.races, ROUNDS);
    assert_in_range(seen.double_wins, 1, ROUNDS);
    assert_int_equal(seen.wrong_bytes, 0);
    assert_true(ends_with(seen.detail, " of 20 races had two winners"));
}

/* Some calls of each kind fail, before they take effect or after it. */
static void disturb(fixture *f, unsigned ops, store_fault_action action)
{
    static const uint64_t turns[] = {1, 2, 4, 5, 9, 14, 20, 27, 33};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(turns); i++) {
        store_fault_add(f->fault,
                        &(store_fault_rule){.ops = ops, .nth = turns[i], .action = action});
    }
}

static void what_is_not_answered_is_no_loss(void **state)
{
    static const struct {
        unsigned ops;
        store_fault_action action;
    } ways[] = {{STORE_FAULT_PUT, STORE_FAULT_FAIL},
                {STORE_FAULT_PUT, STORE_FAULT_LOSE_REPLY},
                {STORE_FAULT_GET, STORE_FAULT_FAIL}};
    fixture *f = *state;
    make_odd(f, 0);

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(ways); i++) {
        store_probe seen = {0};
        store_fault_clear(f->fault);
        disturb(f, ways[i].ops, ways[i].action);
        ASSERT_OK(probe(f, &seen), &f->err);
        assert_int_equal(seen.verdict, CAIRN_PROBE_ATOMIC);
        assert_int_equal(seen.races, ROUNDS);
        assert_in_range(store_fault_hits(f->fault), 8 * (i + 1), 9 * (i + 1));
        expect_empty(f);
    }
}

static void a_racy_store_is_found_out_between_failures_too(void **state)
{
    fixture *f = *state;
    make_odd(f, STORE_ODD_LOOKS_THEN_PUTS);

    for (int i = 0; i < 20; i++) {
        store_probe seen = {0};
        store_fault_clear(f->fault);
        disturb(f, STORE_FAULT_PUT, STORE_FAULT_FAIL);
        ASSERT_OK(probe(f, &seen), &f->err);
        assert_int_equal(seen.verdict, CAIRN_PROBE_RACY);
    }
}

static void a_store_that_is_away_gives_no_verdict_in_bounded_time(void **state)
{
    fixture *f = *state;
    store_probe seen = {.races = 77};
    make_odd(f, 0);
    store_fault_add(f->fault, &(store_fault_rule){.always = true});

    ASSERT_CODE(probe(f, &seen), CAIRN_E_UNAVAILABLE, &f->err);

    ASSERT_MESSAGE_HAS(&f->err, "probe create-only puts: put " PREFIX "/");
    assert_int_equal(seen.races, 77);
    assert_in_range(store_fault_calls(f->fault, STORE_FAULT_PUT), 2, CAIRN_PROBE_VOID_MAX);
}

static void races_that_are_never_answered_end(void **state)
{
    fixture *f = *state;
    store_probe seen = {0};
    make_odd(f, 0);
    store_fault_add(f->fault,
                    &(store_fault_rule){.ops = STORE_FAULT_PUT, .nth = 4, .always = true});

    ASSERT_CODE(probe(f, &seen), CAIRN_E_UNAVAILABLE, &f->err);

    assert_in_range(store_fault_calls(f->fault, STORE_FAULT_PUT), 4, 2 * CAIRN_PROBE_VOID_MAX + 4);
    expect_empty(f);
}

static void what_else_a_store_says_is_passed_on(void **state)
{
    fixture *f = *state;
    store_probe seen = {0};
    make_odd(f, STORE_ODD_DENIES_WRITES);

    ASSERT_CODE(probe(f, &seen), CAIRN_E_ACCESS, &f->err);

    ASSERT_MESSAGE_HAS(&f->err, "403 AccessDenied");
}

static void objects_that_may_not_be_deleted_do_no_harm(void **state)
{
    fixture *f = *state;
    store_probe seen = {0};
    make_odd(f, STORE_ODD_DENIES_DELETES);

    ASSERT_OK(probe(f, &seen), &f->err);

    assert_int_equal(seen.verdict, CAIRN_PROBE_ATOMIC);
}

static void trigger(void *context, const char *key)
{
    (void)key;
    cairn_cancel_trigger(context);
}

static void a_cancel_ends_it(void **state)
{
    fixture *f = *state;
    cairn_cancel *cancel = NULL;
    store_probe seen = {0};
    make_odd(f, 0);
    ASSERT_OK(cairn_cancel_new(&cancel, &f->err), &f->err);
    const cairn_call call = {0, cancel};
    store_fault_add(f->fault, &(store_fault_rule){.ops = STORE_FAULT_PUT,
                                                  .nth = 9,
                                                  .action = STORE_FAULT_HOOK,
                                                  .hook = trigger,
                                                  .context = cancel});

    ASSERT_CODE(store_probe_create(f->store, &call, PREFIX, ROUNDS, &seen, &f->err),
                CAIRN_E_CANCELLED, &f->err);

    cairn_cancel_free(cancel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_store_is_found_out_each_time),
        cmocka_unit_test_setup_teardown(both_that_win_are_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_answered_is_no_loss, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_racy_store_is_found_out_between_failures_too, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_store_that_is_away_gives_no_verdict_in_bounded_time,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(races_that_are_never_answered_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_else_a_store_says_is_passed_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(objects_that_may_not_be_deleted_do_no_harm, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_cancel_ends_it, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("store_probe", tests, NULL, NULL);
}
