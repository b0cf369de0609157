/* Stops of a worker, on a real backend: what is kept, and what the next run makes good. */
#include "test.h"

#include <cairn/worker.h>

#include "clock.h"
#include "fsutil.h"
#include "store_fault.h"
#include "tmpdir.h"
#include "worker_world.h"

static void a_graceful_stop_keeps_everything_up_to_it(void **state)
{
    static const uint64_t places[] = {1, 100, WORKER_WORLD_EVERY, WORKER_WORLD_EVERY + 1,
                                      2 * WORKER_WORLD_EVERY - 1};
    worker_world *test = *state;
    const cairn_worker_options options = worker_world_options(test);
    uint64_t records = 0;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(places); i++) {
        worker_world_disturbed.stop_at = places[i];
        worker_world_disturbed.stop_value = 1;
        const cairn_worker_result result = worker_world_run_well(test, "line-length", &options);

        records += places[i];
        assert_true(result.stopped);
        assert_int_equal(result.records, records);
    }
    worker_world_disturbed.stop_at = 0;
    assert_false(worker_world_run_well(test, "line-length", &options).stopped);
    worker_world_assert_line_lengths(test);
}

static void a_stop_now_loses_what_no_checkpoint_covers_and_nothing_else(void **state)
{
    worker_world *test = *state;
    const cairn_worker_options options = worker_world_options(test);

    worker_world_disturbed.stop_at = WORKER_WORLD_EVERY + 100;
    worker_world_disturbed.stop_value = 2;
    const cairn_worker_result stopped = worker_world_run_well(test, "line-length", &options);
    assert_true(stopped.stopped);
    assert_true(stopped.last_checkpoint_id <= 1);
    worker_world_disturbed.stop_at = 0;
    (void)worker_world_run_well(test, "line-length", &options);

    worker_world_assert_line_lengths(test);
}

/* Every put below the job's checkpoint 2 fails. */
static void a_stop_whose_last_checkpoint_fails_tells_what_is_committed(void **state)
{
    worker_world *test = *state;
    cairn_worker_options options = worker_world_options(test);

    store_fault *fault =
        worker_world_failing_puts(test->checkpoints, "*chk-2/*", UINT64_MAX, CAIRN_E_NO_SPACE);
    options.backend.store = store_fault_store(fault);
    worker_world_disturbed.stop_at = WORKER_WORLD_EVERY + 100;
    worker_world_disturbed.stop_value = 1;
    const cairn_worker_result stopped = worker_world_run_well(test, "line-length", &options);
    assert_true(stopped.stopped);
    assert_int_equal(stopped.records, WORKER_WORLD_EVERY + 100);
    assert_int_equal(stopped.committed_records, WORKER_WORLD_EVERY);
    assert_int_equal(stopped.last_checkpoint_id, 1);

    worker_world_disturbed.stop_at = 0;
    options.backend.store = test->checkpoints;
    const cairn_worker_result done = worker_world_run_well(test, "line-length", &options);
    assert_int_equal(done.committed_records, done.records);
    worker_world_assert_line_lengths(test);
    store_fault_free(fault);
}

#define STOP_TIMEOUT_MS 500 /* long enough for a checkpoint */

static void output_that_is_not_stored_in_time_at_a_stop_is_published_by_the_next_run(void **state)
{
    worker_world *test = *state;
    cairn_worker_options options = worker_world_options(test);
    store_fault *fault = NULL;

    assert_int_equal(store_fault_new(test->output, &fault, NULL), CAIRN_OK);
    store_fault_add(fault, &(store_fault_rule){.ops = STORE_FAULT_PUT,
                                               .key = "part-*",
                                               .action = STORE_FAULT_DELAY,
                                               .amount = STOP_TIMEOUT_MS});
    options.output = store_fault_store(fault);
    options.stop_timeout_ms = STOP_TIMEOUT_MS;
    worker_world_disturbed.stop_at = 100;
    worker_world_disturbed.stop_value = 1;
    const cairn_worker_result stopped = worker_world_run_well(test, "line-length", &options);
    assert_true(stopped.stopped);
    assert_int_equal(stopped.published_files, 0);

    worker_world_disturbed.stop_at = 0;
    options.output = test->output;
    (void)worker_world_run_well(test, "line-length", &options);
    worker_world_assert_line_lengths(test);
    store_fault_free(fault);
}

/* Of a put: much longer than the worker takes to see a signal, and than its stop may take. */
#define HANG_MS 2000

typedef struct second_signal {
    worker_world *test;
    cairn_cancel *cancel;
} second_signal;

static void raise_second_signal(void *context, const char *key)
{
    const second_signal *raised = context;

    (void)key;
    __atomic_store_n(&raised->test->stop, 2, __ATOMIC_SEQ_CST);
    cairn_cancel_trigger(raised->cancel);
    clock_sleep_ms(HANG_MS);
}

/* While output is being published, by the loop or by the graceful stop. */
static void a_second_signal_ends_a_publication_and_the_next_run_completes_it(void **state)
{
    static const uint64_t first_signal_at[] = {0, 100};
    worker_world *test = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(first_signal_at); i++) {
        cairn_worker_options options = worker_world_options(test);
        second_signal raised = {test, NULL};
        store_fault *fault = NULL;

        assert_int_equal(cairn_cancel_new(&raised.cancel, NULL), CAIRN_OK);
        assert_int_equal(store_fault_new(test->output, &fault, NULL), CAIRN_OK);
        store_fault_add(fault, &(store_fault_rule){.ops = STORE_FAULT_PUT,
                                                   .key = "part-*",
                                                   .action = STORE_FAULT_HOOK,
                                                   .hook = raise_second_signal,
                                                   .context = &raised});
        options.output = store_fault_store(fault);
        options.backend.cancel = raised.cancel;
        worker_world_disturbed.stop_at = first_signal_at[i];
        worker_world_disturbed.stop_value = 1;
        const cairn_worker_result stopped = worker_world_run_well(test, "line-length", &options);
        assert_true(stopped.stopped);
        assert_int_equal(stopped.published_files, 0);
        store_fault_free(fault);
        cairn_cancel_free(raised.cancel);
    }
    const cairn_worker_options options = worker_world_options(test);
    worker_world_disturbed.stop_at = 0;
    (void)worker_world_run_well(test, "line-length", &options);
    worker_world_assert_line_lengths(test);
}

static void raise_first_signal_and_hang(void *context, const char *key)
{
    worker_world *test = context;

    (void)key;
    __atomic_store_n(&test->stop, 1, __ATOMIC_SEQ_CST);
    clock_sleep_ms(HANG_MS);
}

/* The put ends well if nobody cancels it meanwhile. */
static void the_first_signal_bounds_a_publication_that_hangs_and_the_next_run_completes_it(
    void **state)
{
    worker_world *test = *state;
    cairn_worker_options options = worker_world_options(test);
    store_fault *fault = NULL;

    assert_int_equal(store_fault_new(test->output, &fault, NULL), CAIRN_OK);
    store_fault_add(fault, &(store_fault_rule){.ops = STORE_FAULT_PUT,
                                               .key = "part-*",
                                               .action = STORE_FAULT_HOOK,
                                               .hook = raise_first_signal_and_hang,
                                               .context = test});
    options.output = store_fault_store(fault);
    options.stop_timeout_ms = 100;
    const cairn_worker_result stopped = worker_world_run_well(test, "line-length", &options);
    assert_true(stopped.stopped);
    assert_int_equal(stopped.published_files, 0);
    assert_int_equal(stopped.last_checkpoint_id, 1);
    store_fault_free(fault);

    options = worker_world_options(test);
    (void)worker_world_run_well(test, "line-length", &options);
    worker_world_assert_line_lengths(test);
}

/* The folder is another's until the backend holds it. */
static void a_start_that_fails_leaves_the_local_folder_alone(void **state)
{
    worker_world *test = *state;
    const cairn_worker_options options = worker_world_options(test);
    CAIRN_AUTO(fs_fd) lock = -1;
    cairn_worker_result result = {0};
    char spool[TMPDIR_PATH_BYTES];
    char kept[TMPDIR_PATH_BYTES];
    cairn_error err = {0};

    ASSERT_OK(fs_make_dirs(tmpdir_join(test->dir, "local/output", spool), &err), &err);
    tmpdir_join(test->dir, "local/output/kept", kept);
    ASSERT_OK(fs_write_file(kept, cairn_slice_of("kept"), &err), &err);
    assert_true(worker_world_run(test, "line-length", &options, &result, &err) != CAIRN_OK);
    assert_true(fs_exists(kept));
    tmpdir_join(test->dir, "local/CAIRN-LOCAL", spool);
    ASSERT_OK(fs_write_file(spool, cairn_slice_of(""), &err), &err);
    ASSERT_OK(fs_lock_dir(test->local, &lock, &err), &err);
    ASSERT_CODE(worker_world_run(test, "line-length", &options, &result, &err), CAIRN_E_LOCKED,
                &err);
    assert_true(fs_exists(kept));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, worker_world_setup, worker_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_graceful_stop_keeps_everything_up_to_it),
        TEST(a_stop_now_loses_what_no_checkpoint_covers_and_nothing_else),
        TEST(a_stop_whose_last_checkpoint_fails_tells_what_is_committed),
        TEST(output_that_is_not_stored_in_time_at_a_stop_is_published_by_the_next_run),
        TEST(a_second_signal_ends_a_publication_and_the_next_run_completes_it),
        TEST(the_first_signal_bounds_a_publication_that_hangs_and_the_next_run_completes_it),
        TEST(a_start_that_fails_leaves_the_local_folder_alone),
    };

    return cmocka_run_group_tests_name("worker_stop", tests, NULL, NULL);
}
