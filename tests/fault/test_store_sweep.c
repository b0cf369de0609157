/*
 * Every call that two attempts of a job make to their store fails once, for each way of failing:
 * call 1, then call 2, until the job needs fewer.
 */
#include "test.h"

#include "fault_world.h"
#include "no_waits.h"

#include <stdio.h>

#define OPERATIONS 100 /* before each checkpoint */
#define SLOW_MS    50

/* One way of failing. */
typedef struct sweep_kind {
    store_fault_action action;
    cairn_code code;
    bool always; /* from the nth call on */
    bool hidden; /* the job does not notice: all calls succeed in the end */
    bool after;  /* the call took effect all the same */
} sweep_kind;

/* What went wrong, as the job was told: the cause, and at which store. */
static void expect_honest(const fault_world *world, const sweep_kind *kind, cairn_code code,
                          const cairn_error *err)
{
    if (code == CAIRN_OK) {
        return;
    }
    if (kind->hidden || (code != kind->code && code != CAIRN_E_TIMEOUT)) {
        fail_msg("%s: %s", cairn_code_name(code), err->message);
    }
    ASSERT_MESSAGE_HAS(err, cairn_store_uri(world->job->directory));
}

/* Restores what is there, and works on for some checkpoints, whatever becomes of each. */
static void run_attempt(fault_world *world, const sweep_kind *kind, const char *name,
                        unsigned checkpoints)
{
    cairn_backend_options options = fault_world_options(world, 1);
    cairn_backend *backend = NULL;
    cairn_error err = {0};
    const cairn_code code = job_try_open(world->job, name, &options, &backend, &err);

    expect_honest(world, kind, code, &err);
    if (code != CAIRN_OK) {
        return;
    }
    uint64_t records = fault_world_expect_restored(world, backend);
    for (unsigned i = 0; i < checkpoints; i++) {
        job_write(world->job, backend, records, records + OPERATIONS);
        records += OPERATIONS;
        const cairn_code outcome = fault_world_checkpoint(world, backend, records, &err);
        expect_honest(world, kind, outcome, &err);
    }
    cairn_backend_close(backend);
}

/* False if call `nth` was never made. */
static bool run_with_fault_at(const sweep_kind *kind, uint64_t nth)
{
    fault_world *world = fault_world_new();

    store_fault_add(world->fault, &(store_fault_rule){.nth = nth,
                                                      .always = kind->always,
                                                      .after = kind->after,
                                                      .action = kind->action,
                                                      .code = kind->code,
                                                      .amount = SLOW_MS});
    run_attempt(world, kind, "first", 2);
    run_attempt(world, kind, "second", 1);
    const bool hit = store_fault_hits(world->fault) > 0;
    if (kind->hidden) {
        assert_int_equal(world->confirmed, 3 * OPERATIONS);
    }
    fault_world_expect_sound(world);
    fault_world_free(world);
    return hit;
}

static void sweep(void **state)
{
    const sweep_kind *kind = *state;
    uint64_t nth = 1;

    no_waits(true);
    while (run_with_fault_at(kind, nth)) {
        nth++;
    }
    (void)fprintf(stderr, "%llu calls\n", (unsigned long long)nth - 1);
    assert_true(nth > 40); /* else it is not the job that was swept */
}

static sweep_kind refused_once = {.action = STORE_FAULT_FAIL, .code = CAIRN_E_ACCESS};
static sweep_kind refused_for_ever = {
    .action = STORE_FAULT_FAIL, .code = CAIRN_E_ACCESS, .always = true};
static sweep_kind down_once = {
    .action = STORE_FAULT_FAIL, .code = CAIRN_E_UNAVAILABLE, .hidden = true};
static sweep_kind down_for_ever = {
    .action = STORE_FAULT_FAIL, .code = CAIRN_E_UNAVAILABLE, .always = true};
static sweep_kind broken_after_once = {
    .action = STORE_FAULT_FAIL, .code = CAIRN_E_IO, .after = true};
static sweep_kind slow_once = {.action = STORE_FAULT_DELAY, .code = CAIRN_OK, .hidden = true};
static sweep_kind mute_once = {
    .action = STORE_FAULT_LOSE_REPLY, .code = CAIRN_E_UNAVAILABLE, .hidden = true};
static sweep_kind mute_for_ever = {
    .action = STORE_FAULT_LOSE_REPLY, .code = CAIRN_E_UNAVAILABLE, .always = true};

#define SWEEP(name, kind)                  \
    {                                      \
        (name), sweep, NULL, NULL, &(kind) \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        SWEEP("a call that is refused costs at most one checkpoint", refused_once),
        SWEEP("a store that refuses everything from some call on loses nothing", refused_for_ever),
        SWEEP("a call that fails after its effect costs at most one checkpoint", broken_after_once),
        SWEEP("a call that is slow is not noticed", slow_once),
        SWEEP("a call that fails once is not noticed", down_once),
        SWEEP("a store that is down from some call on loses nothing", down_for_ever),
        SWEEP("a reply that is lost once is not noticed", mute_once),
        SWEEP("a store whose replies are lost from some call on loses nothing", mute_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
