/* The worker with its input and output in stores that fail now and then. */
#include "test.h"

#include <cairn/worker.h>

#include "alloc.h"
#include "store_mem.h"
#include "stores.h"
#include "worker_world.h"

#include <string.h>

#define INPUT_KEY "in/words.txt"

/* The text of the world as an object. */
static cairn_store *store_with_input(const worker_world *test)
{
    cairn_store *store = NULL;

    ASSERT_OK(store_mem_new(&store, NULL), NULL);
    ASSERT_OK(cairn_store_put(store, NULL, INPUT_KEY, cairn_buf_slice(&test->text),
                              CAIRN_PUT_CREATE, NULL),
              NULL);
    return store;
}

static void an_object_is_an_input_like_a_file_and_a_stopped_job_goes_on_in_it(void **state)
{
    worker_world *test = *state;
    cairn_store *store CAIRN_AUTO_PTR(cairn_store_free) = store_with_input(test);
    cairn_worker_options options = worker_world_options(test);

    options.input = INPUT_KEY;
    options.input_store = store;
    worker_world_disturbed.stop_at = 3 * WORKER_WORLD_EVERY + 5;
    worker_world_disturbed.stop_value = 1;
    const cairn_worker_result stopped = worker_world_run_well(test, "line-length", &options);
    assert_true(stopped.stopped);
    worker_world_disturbed.stop_at = 0;
    (void)worker_world_run_well(test, "line-length", &options);

    worker_world_assert_line_lengths(test);
}

/* The position is of the input, not of where it lies. */
static void a_job_on_a_file_goes_on_in_the_same_bytes_as_an_object(void **state)
{
    worker_world *test = *state;
    cairn_store *store CAIRN_AUTO_PTR(cairn_store_free) = store_with_input(test);
    cairn_worker_options options = worker_world_options(test);

    worker_world_disturbed.stop_at = 500;
    worker_world_disturbed.stop_value = 1;
    (void)worker_world_run_well(test, "line-length", &options);
    worker_world_disturbed.stop_at = 0;
    options.input = INPUT_KEY;
    options.input_store = store;
    (void)worker_world_run_well(test, "line-length", &options);

    worker_world_assert_line_lengths(test);
}

static void an_input_store_that_fails_for_a_moment_is_asked_again(void **state)
{
    static const unsigned calls[] = {STORE_FAULT_STAT, STORE_FAULT_GET_RANGE};
    worker_world *test = *state;
    cairn_store *store CAIRN_AUTO_PTR(cairn_store_free) = store_with_input(test);
    cairn_worker_options options = worker_world_options(test);
    store_fault *fault = NULL;

    ASSERT_OK(store_fault_new(store, &fault, NULL), NULL);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(calls); i++) {
        store_fault_add(fault, &(store_fault_rule){.ops = calls[i], .code = CAIRN_E_UNAVAILABLE});
    }
    options.input = INPUT_KEY;
    options.input_store = store_fault_store(fault);
    (void)worker_world_run_well(test, "line-length", &options);

    assert_int_equal(store_fault_hits(fault), CAIRN_ARRAY_LEN(calls));
    worker_world_assert_line_lengths(test);
    store_fault_free(fault);
}

static void count_warnings(void *context, cairn_log_level level, const char *line)
{
    (void)line;
    if (level <= CAIRN_LOG_WARN) {
        (void)__atomic_add_fetch((int *)context, 1, __ATOMIC_SEQ_CST);
    }
}

static void an_output_store_that_fails_for_a_moment_is_asked_again_without_a_word(void **state)
{
    worker_world *test = *state;
    cairn_worker_options options = worker_world_options(test);
    store_fault *fault = worker_world_failing_puts(test->output, "part-*", 2, CAIRN_E_UNAVAILABLE);
    int warnings = 0;

    options.output = store_fault_store(fault);
    options.backend.log = (cairn_log){count_warnings, &warnings, CAIRN_LOG_WARN};
    (void)worker_world_run_well(test, "line-length", &options);

    assert_int_equal(store_fault_hits(fault), 2);
    assert_int_equal(warnings, 0);
    worker_world_assert_line_lengths(test);
    store_fault_free(fault);
}

static void an_object_that_is_absent_is_said_before_anything_is_claimed(void **state)
{
    worker_world *test = *state;
    cairn_store *store CAIRN_AUTO_PTR(cairn_store_free) = store_with_input(test);
    cairn_worker_options options = worker_world_options(test);
    store_fault *fault = NULL;
    cairn_worker_result result = {0};
    cairn_error err = {0};

    ASSERT_OK(store_fault_new(test->checkpoints, &fault, NULL), NULL);
    options.backend.store = store_fault_store(fault);
    options.input = "in/nothing.txt";
    options.input_store = store;

    ASSERT_CODE(worker_world_run(test, "line-length", &options, &result, &err), CAIRN_E_NOT_FOUND,
                &err);
    ASSERT_MESSAGE_HAS(&err, "in/nothing.txt");
    assert_int_equal(store_fault_calls(fault, STORE_FAULT_ALL), 0);
    store_fault_free(fault);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, worker_world_setup, worker_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_object_is_an_input_like_a_file_and_a_stopped_job_goes_on_in_it),
        TEST(a_job_on_a_file_goes_on_in_the_same_bytes_as_an_object),
        TEST(an_input_store_that_fails_for_a_moment_is_asked_again),
        TEST(an_output_store_that_fails_for_a_moment_is_asked_again_without_a_word),
        TEST(an_object_that_is_absent_is_said_before_anything_is_claimed),
    };

    return cmocka_run_group_tests_name("worker-stores", tests, NULL, NULL);
}
