/*
 * Retention that hangs: the owner goes on, past all that its memtables hold, while the checkpoint
 * after it waits. Nothing here is measured in time; a bound only ends a test that has failed.
 */
#include "test.h"

#include "clock.h"
#include "fault_world.h"
#include "no_waits.h"
#include "rocks_budget.h"

#include <stdatomic.h>

#define MEMORY_BYTES    ((uint64_t)8 << 20) /* of the database: its memtables are small */
#define BATCH           1000                /* operations */
#define VALUE_BYTES_MIN 50                  /* of an operation, on average; see job_world.h */
#define HELD_MS_MAX     30000

/* The store's answer to a certificate is held back. */
typedef struct gate {
    atomic_bool reached;
    atomic_bool open;
    atomic_bool gave_up;
} gate;

static void wait_for_flag(const atomic_bool *flag, atomic_bool *gave_up)
{
    const uint64_t until = cairn_deadline_in(HELD_MS_MAX);

    while (!atomic_load(flag)) {
        if (clock_monotonic_ms() >= until) {
            atomic_store(gave_up, true);
            return;
        }
        clock_sleep_ms(1);
    }
}

static void hold(void *context, const char *key)
{
    gate *held = context;

    (void)key;
    atomic_store(&held->reached, true);
    wait_for_flag(&held->open, &held->gave_up);
}

static uint64_t work_on(fault_world *world, cairn_backend *backend, uint64_t records, uint64_t end)
{
    while (records < end) {
        job_write(world->job, backend, records, records + BATCH);
        records += BATCH;
    }
    return records;
}

/* Two checkpoints, so that retention of the second has one to retire. */
static uint64_t reach_retention(fault_world *world, cairn_backend *backend, gate *held)
{
    cairn_error err = {0};
    uint64_t records = 0;

    for (int i = 0; i < 2; i++) {
        records = work_on(world, backend, records, records + BATCH);
        ASSERT_OK(fault_world_checkpoint(world, backend, records, &err), &err);
    }
    wait_for_flag(&held->reached, &held->gave_up);
    return records;
}

static void the_owner_goes_on_while_retention_hangs(void **state)
{
    fault_world *world = *state;
    gate held = {0};
    cairn_backend_options options = fault_world_options(world, 1);
    cairn_checkpoint_request request = CAIRN_CHECKPOINT_REQUEST_INIT;
    cairn_checkpoint *checkpoint = NULL;
    cairn_error err = {0};
    const uint64_t more = rocks_budget_of(MEMORY_BYTES).memtables_bytes * 2 / VALUE_BYTES_MIN;
    options.memory_bytes = MEMORY_BYTES;
    options.transfer_threads = 1; /* one hangs */
    store_fault_add(world->fault, &(store_fault_rule){.ops = STORE_FAULT_PUT,
                                                      .key = JOB_NAME "/gc/*",
                                                      .after = true,
                                                      .action = STORE_FAULT_HOOK,
                                                      .hook = hold,
                                                      .context = &held});
    cairn_backend *backend = job_open(world->job, "a", &options);
    uint64_t records = reach_retention(world, backend, &held);
    assert_false(atomic_load(&held.gave_up)); /* else retention was never held */

    ASSERT_OK(cairn_checkpoint_begin(backend, &request, &checkpoint, &err), &err);
    records = work_on(world, backend, records, records + more);

    assert_false(atomic_load(&held.gave_up)); /* else the owner waited for the retention */
    atomic_store(&held.open, true);
    ASSERT_OK(cairn_checkpoint_wait(checkpoint, HELD_MS_MAX, &err), &err);
    cairn_checkpoint_free(checkpoint);
    ASSERT_OK(fault_world_checkpoint(world, backend, records, &err), &err);
    job_expect_prefix(world->job, backend, records);
    cairn_backend_close(backend);
    fault_world_expect_sound(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_owner_goes_on_while_retention_hangs, fault_world_setup,
                                        fault_world_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
