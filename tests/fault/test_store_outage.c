/* A store that is away, or too slow, for the whole of several checkpoints. */
#include "test.h"

#include "fault_world.h"
#include "layout.h"

#define OUTAGES 4
#define STEP    50 /* operations between two checkpoints */

static cairn_backend *open_retaining(fault_world *world, uint32_t num_retained)
{
    cairn_backend_options options = fault_world_options(world, num_retained);

    return job_open(world->job, "a", &options);
}

/* Writes STEP more operations and takes a checkpoint, which ends as it may. */
static cairn_code work_on(fault_world *world, cairn_backend *backend, uint64_t *records,
                          cairn_error *err)
{
    job_write(world->job, backend, *records, *records + STEP);
    *records += STEP;
    return fault_world_checkpoint(world, backend, *records, err);
}

static void expect_counts(cairn_backend *backend, uint64_t completed, uint64_t failed,
                          uint64_t consecutive)
{
    cairn_backend_stats stats;

    cairn_backend_get_stats(backend, &stats);
    assert_int_equal(stats.completed_checkpoints, completed);
    assert_int_equal(stats.failed_checkpoints, failed);
    assert_int_equal(stats.consecutive_failures, consecutive);
}

static cairn_code count_data(void *context, const char *key, const cairn_object_info *info,
                             cairn_error *err)
{
    const layout_kind kind = layout_parse(key + strlen(JOB_NAME "/")).kind;

    (void)info;
    (void)err;
    *(size_t *)context += kind == CAIRN_LAYOUT_PRIVATE || kind == CAIRN_LAYOUT_SHARED ? 1 : 0;
    return CAIRN_OK;
}

static size_t data_objects(fault_world *world)
{
    size_t count = 0;
    cairn_error err = {0};

    ASSERT_OK(cairn_store_list(world->job->directory, NULL, JOB_NAME "/", count_data, &count, &err),
              &err);
    return count;
}

static void a_job_outlives_a_store_that_is_away(void **state)
{
    fault_world *world = *state;
    cairn_backend *backend = open_retaining(world, 1);
    cairn_error err = {0};
    uint64_t records = 0;
    ASSERT_OK(work_on(world, backend, &records, &err), &err);
    store_fault_add(world->fault, &(store_fault_rule){.always = true});

    for (uint64_t i = 1; i <= OUTAGES; i++) {
        ASSERT_CODE(work_on(world, backend, &records, &err), CAIRN_E_UNAVAILABLE, &err);
        expect_counts(backend, 1, i, i);
        ASSERT_OK(cairn_backend_check(backend, &err), &err); /* away is not fenced */
    }
    store_fault_clear(world->fault);
    ASSERT_OK(work_on(world, backend, &records, &err), &err);

    expect_counts(backend, 2, OUTAGES, 0);
    job_expect_prefix(world->job, backend, records);
    cairn_backend_close(backend);
    job_expect_no_garbage(world->job);
    assert_int_equal(world->confirmed, (OUTAGES + 2) * STEP);
    fault_world_expect_sound(world);
}

/* Uploads work, decisions don't: the worst that can pile up is one checkpoint's uploads. */
static void checkpoints_that_cannot_be_decided_do_not_pile_up(void **state)
{
    fault_world *world = *state;
    cairn_backend *backend = open_retaining(world, 1);
    cairn_error err = {0};
    uint64_t records = 0;
    ASSERT_OK(work_on(world, backend, &records, &err), &err);
    store_fault_add(
        world->fault,
        &(store_fault_rule){.ops = STORE_FAULT_PUT, .key = "*/manifest.json", .always = true});
    ASSERT_CODE(work_on(world, backend, &records, &err), CAIRN_E_UNAVAILABLE, &err);
    const size_t after_one = data_objects(world);

    for (uint64_t i = 2; i <= OUTAGES; i++) {
        ASSERT_CODE(work_on(world, backend, &records, &err), CAIRN_E_UNAVAILABLE, &err);
        ASSERT_MESSAGE_HAS(&err, "settle checkpoint 2 first");
        expect_counts(backend, 1, i, i);
    }
    assert_int_equal(data_objects(world), after_one);
    store_fault_clear(world->fault);
    ASSERT_OK(work_on(world, backend, &records, &err), &err);

    expect_counts(backend, 2, OUTAGES, 0);
    cairn_backend_close(backend);
    job_expect_no_garbage(world->job);
    fault_world_expect_sound(world);
}

/* So slow that no checkpoint ends in its time, but the shorter work of giving one up does. */
static void a_store_that_is_too_slow_costs_checkpoints_and_leaves_nothing(void **state)
{
    fault_world *world = *state;
    cairn_backend_options options = fault_world_options(world, 1);
    cairn_error err = {0};
    uint64_t records = 0;
    options.checkpoint_timeout_ms = 1000;
    cairn_backend *backend = job_open(world->job, "a", &options);
    store_fault_add(world->fault, &(store_fault_rule){.ops = STORE_FAULT_PUT,
                                                      .key = "*/chk-*-*",
                                                      .always = true,
                                                      .action = STORE_FAULT_DELAY,
                                                      .amount = 600});

    for (uint64_t i = 1; i <= 2; i++) {
        ASSERT_CODE(work_on(world, backend, &records, &err), CAIRN_E_TIMEOUT, &err);
        expect_counts(backend, 0, i, i);
        assert_int_equal(data_objects(world), 0);
    }
    store_fault_clear(world->fault);
    cairn_backend_close(backend);
    fault_world_expect_sound(world);
}

static void a_cancel_ends_a_checkpoint_on_a_store_that_is_away(void **state)
{
    fault_world *world = *state;
    cairn_backend *backend = open_retaining(world, 1);
    cairn_checkpoint_request request = CAIRN_CHECKPOINT_REQUEST_INIT;
    cairn_checkpoint *checkpoint = NULL;
    cairn_error err = {0};
    uint64_t records = 0;
    ASSERT_OK(work_on(world, backend, &records, &err), &err);
    store_fault_add(world->fault, &(store_fault_rule){.ops = STORE_FAULT_PUT,
                                                      .key = "*/chk-2/*",
                                                      .always = true,
                                                      .action = STORE_FAULT_DELAY,
                                                      .amount = 50});
    ASSERT_OK(cairn_checkpoint_begin(backend, &request, &checkpoint, &err), &err);

    cairn_checkpoint_cancel(checkpoint);

    ASSERT_CODE(cairn_checkpoint_wait(checkpoint, 60000, &err), CAIRN_E_CANCELLED, &err);
    cairn_checkpoint_free(checkpoint);
    expect_counts(backend, 1, 0, 0);
    ASSERT_OK(work_on(world, backend, &records, &err), &err);
    cairn_backend_close(backend);
    job_expect_no_garbage(world->job);
    fault_world_expect_sound(world);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fault_world_setup, fault_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_job_outlives_a_store_that_is_away),
        TEST(checkpoints_that_cannot_be_decided_do_not_pile_up),
        TEST(a_store_that_is_too_slow_costs_checkpoints_and_leaves_nothing),
        TEST(a_cancel_ends_a_checkpoint_on_a_store_that_is_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
