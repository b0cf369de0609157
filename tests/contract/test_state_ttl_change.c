/* What becomes of a restored state that gets or loses its time to live: on every engine, for every
 * kind. */
#include "test.h"

#include "form_world.h"

#define TTL_MS   ((uint64_t)100)
#define BEGIN_MS 1000

static cairn_code count_key(void *context, const cairn_state_key *key, cairn_error *err)
{
    (void)key;
    (void)err;
    ++*(size_t *)context;
    return CAIRN_OK;
}

static void expect_keys(form_world *w, cairn_state_kind kind, size_t wanted)
{
    size_t count = 0;

    ASSERT_OK(keyed_state_visit_keys(w->states, form_names[kind], NULL, count_key, &count, NULL),
              NULL);
    assert_int_equal(count, wanted);
}

static cairn_state_descriptor describe_living(cairn_state_kind kind, uint32_t version)
{
    cairn_state_descriptor descriptor = form_describe(kind, version);

    descriptor.ttl.ttl_ms = TTL_MS;
    return descriptor;
}

/* What was there lives from the open on. */
static void begin_to_live(form_world *w)
{
    atomic_store(&w->now_ms, 1);
    for (unsigned kind = 0; kind < FORM_KINDS; kind++) {
        form_fill(w, (cairn_state_kind)kind);
    }
    form_restart(w);
    for (unsigned i = 0; i < FORM_KINDS; i++) {
        const cairn_state_kind kind = (cairn_state_kind)i;
        const cairn_state_descriptor descriptor = describe_living(kind, 1);

        atomic_store(&w->now_ms, BEGIN_MS);
        const state_world_handle handle = form_open(w, kind, &descriptor);
        atomic_store(&w->now_ms, BEGIN_MS + TTL_MS - 1);
        form_expect(w, kind, &handle, "", "");
        atomic_store(&w->now_ms, BEGIN_MS + TTL_MS);
        expect_keys(w, kind, 0);
    }
}
FORM_ON_EACH_ENGINE(a_state_that_gets_a_time_to_live_counts_as_accessed_then, begin_to_live)

/* Of two halves, one has expired when the state loses its time to live. */
static void live_for_ever(form_world *w)
{
    for (unsigned i = 0; i < FORM_KINDS; i++) {
        const cairn_state_kind kind = (cairn_state_kind)i;
        const cairn_state_descriptor descriptor = describe_living(kind, 1);

        atomic_store(&w->now_ms, BEGIN_MS);
        form_fill_pairs(w, &descriptor, kind, 0, FORM_PAIRS / 2);
        atomic_store(&w->now_ms, BEGIN_MS + 1);
        form_fill_pairs(w, &descriptor, kind, FORM_PAIRS / 2, FORM_PAIRS);
    }
    form_restart(w);
    for (unsigned i = 0; i < FORM_KINDS; i++) {
        const cairn_state_kind kind = (cairn_state_kind)i;
        const cairn_state_descriptor descriptor = form_describe(kind, 1);

        atomic_store(&w->now_ms, BEGIN_MS + TTL_MS);
        const state_world_handle handle = form_open(w, kind, &descriptor);
        atomic_store(&w->now_ms, BEGIN_MS + 1000 * TTL_MS);
        expect_keys(w, kind, FORM_PAIRS / 2);
        form_expect_pairs(w, kind, &handle, FORM_PAIRS / 2, "", "");
    }
    form_restart(w);
    for (unsigned i = 0; i < FORM_KINDS; i++) {
        expect_keys(w, (cairn_state_kind)i, FORM_PAIRS / 2);
    }
}
FORM_ON_EACH_ENGINE(a_state_that_loses_its_time_to_live_keeps_what_had_not_expired, live_for_ever)

/* Both at once, and then the time that is left goes on. */
static void migrate_what_lives(form_world *w)
{
    for (unsigned i = 0; i < FORM_KINDS; i++) {
        const cairn_state_descriptor descriptor = describe_living((cairn_state_kind)i, 1);

        atomic_store(&w->now_ms, BEGIN_MS);
        form_fill_pairs(w, &descriptor, (cairn_state_kind)i, 0, FORM_PAIRS);
    }
    form_restart(w);
    for (unsigned i = 0; i < FORM_KINDS; i++) {
        const cairn_state_kind kind = (cairn_state_kind)i;
        cairn_state_descriptor descriptor = describe_living(kind, 2);
        form_brackets context = {.calls_left = UINT32_MAX};
        const cairn_migration migration = form_from("text", 1, &context);

        atomic_store(&w->now_ms, BEGIN_MS + TTL_MS / 2);
        descriptor.migrations = &migration;
        descriptor.migration_count = 1;
        const state_world_handle handle = form_open(w, kind, &descriptor);
        atomic_store(&w->now_ms, BEGIN_MS + TTL_MS - 1);
        form_expect(w, kind, &handle, "[", "]");
        atomic_store(&w->now_ms, BEGIN_MS + TTL_MS);
        expect_keys(w, kind, 0);
    }
}
FORM_ON_EACH_ENGINE(a_migration_leaves_the_time_that_is_left, migrate_what_lives)

static void change_ttl_while_open(form_world *w)
{
    cairn_state_descriptor descriptor = form_describe(CAIRN_STATE_VALUE, 1);
    state_world_handle handle = {NULL};
    cairn_error err = {0};

    atomic_store(&w->now_ms, BEGIN_MS);
    form_fill(w, CAIRN_STATE_VALUE);
    descriptor.ttl.ttl_ms = TTL_MS;
    ASSERT_CODE(form_try_open(w, CAIRN_STATE_VALUE, &descriptor, &handle, &err),
                CAIRN_E_INCOMPATIBLE, &err);
    ASSERT_MESSAGE_HAS(&err, "and no time to live");
    descriptor = describe_living(CAIRN_STATE_LIST, 1);
    form_fill_pairs(w, &descriptor, CAIRN_STATE_LIST, 0, FORM_PAIRS);
    descriptor.ttl.ttl_ms = 2 * TTL_MS;
    handle = form_open(w, CAIRN_STATE_LIST, &descriptor);
    atomic_store(&w->now_ms, BEGIN_MS + 2 * TTL_MS - 1);
    form_expect(w, CAIRN_STATE_LIST, &handle, "", "");
}
FORM_ON_EACH_ENGINE(a_time_to_live_may_change_while_a_state_is_open_but_not_come_or_go,
                    change_ttl_while_open)

/* What is being visited may be opened by the visit, and lose its stamps under it. */
static cairn_code open_without(void *context, const cairn_state_key *key, cairn_error *err)
{
    form_world *w = context;

    (void)key;
    (void)err;
    for (unsigned i = 0; i < FORM_KINDS; i++) {
        const cairn_state_descriptor descriptor = form_describe((cairn_state_kind)i, 1);

        (void)form_open(w, (cairn_state_kind)i, &descriptor);
    }
    return CAIRN_OK;
}

static void rewrite_while_it_is_visited(form_world *w)
{
    for (unsigned kind = 0; kind < FORM_KINDS; kind++) {
        const cairn_state_descriptor descriptor = describe_living((cairn_state_kind)kind, 1);

        atomic_store(&w->now_ms, BEGIN_MS);
        form_fill_pairs(w, &descriptor, (cairn_state_kind)kind, 0, FORM_PAIRS);
    }
    for (unsigned kind = 0; kind < FORM_KINDS; kind++) {
        form_restart(w);

        ASSERT_OK(keyed_state_visit_keys(w->states, form_names[kind], NULL, open_without, w, NULL),
                  NULL);

        expect_keys(w, (cairn_state_kind)kind, FORM_PAIRS);
    }
}
FORM_ON_EACH_ENGINE(a_visit_may_open_what_it_visits_without_a_time_to_live,
                    rewrite_while_it_is_visited)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_that_gets_a_time_to_live_counts_as_accessed_then),
        cmocka_unit_test(a_state_that_loses_its_time_to_live_keeps_what_had_not_expired),
        cmocka_unit_test(a_migration_leaves_the_time_that_is_left),
        cmocka_unit_test(a_time_to_live_may_change_while_a_state_is_open_but_not_come_or_go),
        cmocka_unit_test(a_visit_may_open_what_it_visits_without_a_time_to_live),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
