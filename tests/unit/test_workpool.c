#include "test.h"

#include "alloc_sweep.h"
#include "bounds.h"
#include "cancel.h"
#include "clock.h"
#include "errors.h"
#include "workpool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#define THREADS 4

static atomic_uint runs;

static int reset(void **state)
{
    (void)state;
    atomic_store(&runs, 0);
    return 0;
}

static cairn_code count_run(void *argument, cairn_error *err)
{
    (void)argument;
    (void)err;
    atomic_fetch_add(&runs, 1);
    return CAIRN_OK;
}

/* A door that holds jobs back, so that a test decides when they go on. */
typedef struct door {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned waiting;
    bool open;
} door;

#define DOOR_CLOSED                                                            \
    {                                                                          \
        .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER \
    }

static cairn_code pass_door(void *argument, cairn_error *err)
{
    door *passed = argument;

    (void)err;
    (void)pthread_mutex_lock(&passed->lock);
    passed->waiting++;
    (void)pthread_cond_broadcast(&passed->changed);
    while (!passed->open) {
        (void)pthread_cond_wait(&passed->changed, &passed->lock);
    }
    (void)pthread_mutex_unlock(&passed->lock);
    atomic_fetch_add(&runs, 1);
    return CAIRN_OK;
}

static void await_at_door(door *watched, unsigned count)
{
    (void)pthread_mutex_lock(&watched->lock);
    while (watched->waiting < count) {
        (void)pthread_cond_wait(&watched->changed, &watched->lock);
    }
    (void)pthread_mutex_unlock(&watched->lock);
}

static void open_door(door *opened)
{
    (void)pthread_mutex_lock(&opened->lock);
    opened->open = true;
    (void)pthread_cond_broadcast(&opened->changed);
    (void)pthread_mutex_unlock(&opened->lock);
}

static workpool *new_pool(unsigned threads)
{
    workpool *pool = NULL;
    cairn_error err = {0};

    ASSERT_OK(workpool_new(threads, &pool, &err), &err);
    return pool;
}

static workgroup *new_group(workpool *pool)
{
    workgroup *group = NULL;

    ASSERT_OK(workgroup_new(pool, &group, NULL), NULL);
    return group;
}

static void submit(workgroup *group, workpool_fn fn, void *argument)
{
    cairn_error err = {0};

    ASSERT_OK(workgroup_submit(group, fn, argument, &err), &err);
}

/* Not by waiting for the group, which would run its jobs on this thread too. */
static void await_idle(workgroup *group)
{
    while (!workgroup_idle(group)) {
        clock_sleep_ms(1);
    }
}

static void the_number_of_threads_is_bounded(void **state)
{
    (void)state;
    workpool *pool = NULL;
    cairn_error err = {0};

    ASSERT_CODE(workpool_new(0, &pool, &err), CAIRN_E_INVALID, &err);
    ASSERT_CODE(workpool_new(CAIRN_POOL_THREADS_MAX + 1, &pool, &err), CAIRN_E_INVALID, &err);
    ASSERT_MESSAGE_HAS(&err, "66 threads, not 1 to 65");
    assert_null(pool);
    workpool_free(NULL);
    workgroup_free(NULL);
}

static void every_job_of_a_group_runs_once(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(workpool_free) workpool *pool = new_pool(THREADS);
    CAIRN_AUTO_PTR(workgroup_free) workgroup *group = new_group(pool);
    cairn_error err = {0};

    for (int i = 0; i < 3 * CAIRN_POOL_QUEUE_MAX; i++) {
        submit(group, count_run, NULL);
    }
    ASSERT_OK(workgroup_wait(group, &err), &err);

    assert_int_equal(atomic_load(&runs), 3 * CAIRN_POOL_QUEUE_MAX);
    assert_true(workgroup_idle(group));
}

static void an_empty_group_does_not_wait(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(workpool_free) workpool *pool = new_pool(1);
    CAIRN_AUTO_PTR(workgroup_free) workgroup *group = new_group(pool);

    ASSERT_OK(workgroup_wait(group, NULL), NULL);

    assert_true(workgroup_idle(group));
}

static void a_group_is_not_idle_while_a_job_runs(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(workpool_free) workpool *pool = new_pool(1);
    CAIRN_AUTO_PTR(workgroup_free) workgroup *group = new_group(pool);
    CAIRN_AUTO_PTR(workgroup_free) workgroup *other = new_group(pool);
    door held = DOOR_CLOSED;

    submit(group, pass_door, &held);
    await_at_door(&held, 1);
    assert_false(workgroup_idle(group));
    assert_true(workgroup_idle(other));
    open_door(&held);
    ASSERT_OK(workgroup_wait(group, NULL), NULL);

    assert_true(workgroup_idle(group));
}

static void a_full_queue_makes_the_submitter_work(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(workpool_free) workpool *pool = new_pool(1);
    CAIRN_AUTO_PTR(workgroup_free) workgroup *group = new_group(pool);
    door held = DOOR_CLOSED;

    submit(group, pass_door, &held);
    await_at_door(&held, 1);
    for (int i = 0; i < CAIRN_POOL_QUEUE_MAX; i++) {
        submit(group, count_run, NULL);
    }
    assert_int_equal(atomic_load(&runs), 0);
    submit(group, count_run, NULL);
    assert_int_equal(atomic_load(&runs), 1);
    open_door(&held);
    ASSERT_OK(workgroup_wait(group, NULL), NULL);

    assert_int_equal(atomic_load(&runs), CAIRN_POOL_QUEUE_MAX + 2);
}

static cairn_code fail_run(void *argument, cairn_error *err)
{
    const int *number = argument;

    atomic_fetch_add(&runs, 1);
    return error_set(err, CAIRN_E_IO, "job %d", *number);
}

static void the_first_error_is_kept_and_the_rest_skipped(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(workpool_free) workpool *pool = new_pool(1);
    CAIRN_AUTO_PTR(workgroup_free) workgroup *group = new_group(pool);
    CAIRN_AUTO_PTR(workgroup_free) workgroup *other = new_group(pool);
    static int numbers[] = {1, 2};
    cairn_error err = {0};
    door held = DOOR_CLOSED;

    submit(group, pass_door, &held);
    await_at_door(&held, 1);
    submit(group, fail_run, &numbers[0]);
    submit(group, fail_run, &numbers[1]);
    submit(group, count_run, NULL);
    submit(other, count_run, NULL);
    open_door(&held);
    await_idle(group);
    ASSERT_CODE(workgroup_wait(group, &err), CAIRN_E_IO, &err);
    assert_string_equal(err.message, "job 1");
    submit(group, count_run, NULL);
    ASSERT_CODE(workgroup_wait(group, NULL), CAIRN_E_IO, NULL);
    ASSERT_OK(workgroup_wait(other, NULL), NULL);

    assert_int_equal(atomic_load(&runs),
                     3); /* the door's, the first that failed, the other group's */
}

static cairn_code fail_without_message(void *argument, cairn_error *err)
{
    (void)argument;
    (void)err;
    return CAIRN_E_FENCED;
}

static void a_code_without_message_is_passed_on(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(workpool_free) workpool *pool = new_pool(1);
    CAIRN_AUTO_PTR(workgroup_free) workgroup *group = new_group(pool);
    cairn_error err = {0};

    submit(group, fail_without_message, NULL);
    ASSERT_CODE(workgroup_wait(group, &err), CAIRN_E_FENCED, &err);

    assert_int_equal(err.code, CAIRN_E_FENCED);
}

typedef struct nest {
    workpool *pool;
    unsigned depth;
} nest;

#define NEST_WIDTH 3

static cairn_code run_nested(void *argument, cairn_error *err)
{
    const nest *outer = argument;
    CAIRN_AUTO_PTR(workgroup_free) workgroup *group = NULL;
    nest inner = {outer->pool, outer->depth - 1};

    atomic_fetch_add(&runs, 1);
    if (outer->depth == 0) {
        return CAIRN_OK;
    }
    CAIRN_TRY(workgroup_new(outer->pool, &group, err));
    for (int i = 0; i < NEST_WIDTH; i++) {
        CAIRN_TRY(workgroup_submit(group, run_nested, &inner, err));
    }
    return workgroup_wait(group, err);
}

static void jobs_with_groups_of_their_own_do_not_deadlock(void **state)
{
    (void)state;
    static const unsigned threads[] = {1, 2, THREADS};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(threads); i++) {
        CAIRN_AUTO_PTR(workpool_free) workpool *pool = new_pool(threads[i]);
        CAIRN_AUTO_PTR(workgroup_free) workgroup *group = new_group(pool);
        nest top = {pool, 6};
        cairn_error err = {0};

        atomic_store(&runs, 0);
        submit(group, run_nested, &top);
        ASSERT_OK(workgroup_wait(group, &err), &err);
        assert_int_equal(atomic_load(&runs), 1 + 3 + 9 + 27 + 81 + 243 + 729);
    }
}

static cairn_code submit_to_own_group(void *argument, cairn_error *err)
{
    return workgroup_submit(argument, count_run, NULL, err);
}

static void a_job_may_add_to_its_own_group(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(workpool_free) workpool *pool = new_pool(2);
    CAIRN_AUTO_PTR(workgroup_free) workgroup *group = new_group(pool);

    for (int i = 0; i < 100; i++) {
        submit(group, submit_to_own_group, group);
    }
    ASSERT_OK(workgroup_wait(group, NULL), NULL);

    assert_int_equal(atomic_load(&runs), 100);
}

typedef struct producer {
    workpool *pool;
    cairn_code code;
} producer;

#define PRODUCER_ROUNDS 20
#define PRODUCER_JOBS   200

static void *produce(void *argument)
{
    producer *own = argument;

    for (int round = 0; round < PRODUCER_ROUNDS && own->code == CAIRN_OK; round++) {
        CAIRN_AUTO_PTR(workgroup_free) workgroup *group = NULL;

        own->code = workgroup_new(own->pool, &group, NULL);
        for (int i = 0; i < PRODUCER_JOBS && own->code == CAIRN_OK; i++) {
            own->code = workgroup_submit(group, count_run, NULL, NULL);
        }
        if (own->code == CAIRN_OK && round % 2 == 0) {
            own->code = workgroup_wait(group, NULL);
        } /* else the release of the group waits */
    }
    return NULL;
}

static void several_threads_share_a_pool(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(workpool_free) workpool *pool = new_pool(THREADS);
    producer producers[THREADS];
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++) {
        producers[i] = (producer){pool, CAIRN_OK};
        assert_int_equal(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }

    for (int i = 0; i < THREADS; i++) {
        ASSERT_OK(producers[i].code, NULL);
    }
    assert_int_equal(atomic_load(&runs), THREADS * PRODUCER_ROUNDS * PRODUCER_JOBS);
}

static void *free_pool(void *argument)
{
    workpool_free(argument);
    return NULL;
}

static void freeing_the_pool_skips_what_is_queued(void **state)
{
    (void)state;
    workpool *pool = new_pool(1);
    CAIRN_AUTO_PTR(workgroup_free) workgroup *running = new_group(pool);
    CAIRN_AUTO_PTR(workgroup_free) workgroup *queued = new_group(pool);
    door held = DOOR_CLOSED;
    cairn_error err = {0};
    pthread_t thread;

    submit(running, pass_door, &held);
    await_at_door(&held, 1);
    submit(queued, count_run, NULL);
    assert_int_equal(pthread_create(&thread, NULL, free_pool, pool), 0);
    await_idle(queued);
    open_door(&held);
    assert_int_equal(pthread_join(thread, NULL), 0);

    ASSERT_OK(workgroup_wait(running, &err), &err);
    ASSERT_CODE(workgroup_wait(queued, &err), CAIRN_E_CANCELLED, &err);
    ASSERT_MESSAGE_HAS(&err, "the work pool was freed");
    ASSERT_CODE(workgroup_submit(running, count_run, NULL, &err), CAIRN_E_STATE, &err);
    assert_int_equal(atomic_load(&runs), 1);
}

static cairn_code sleep_until_cancelled(void *argument, cairn_error *err)
{
    atomic_fetch_add(&runs, 1);
    return call_sleep(argument, 3600000, "job", err);
}

static void a_raised_flag_ends_jobs_that_heed_it(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(cairn_cancel_free) cairn_cancel *cancel = NULL;
    ASSERT_OK(cairn_cancel_new(&cancel, NULL), NULL);
    cairn_call call = {0, cancel};
    CAIRN_AUTO_PTR(workpool_free) workpool *pool = new_pool(2);
    CAIRN_AUTO_PTR(workgroup_free) workgroup *group = new_group(pool);
    cairn_error err = {0};

    for (int i = 0; i < 10; i++) {
        submit(group, sleep_until_cancelled, &call);
    }
    while (atomic_load(&runs) < 2) {
        clock_sleep_ms(1);
    }
    cairn_cancel_trigger(cancel);
    ASSERT_CODE(workgroup_wait(group, &err), CAIRN_E_CANCELLED, &err);
    ASSERT_MESSAGE_HAS(&err, "job: cancelled");
}

static cairn_code read_mask(void *argument, cairn_error *err)
{
    (void)err;
    return pthread_sigmask(SIG_BLOCK, NULL, argument) == 0 ? CAIRN_OK : CAIRN_E_FAILED;
}

static void the_threads_block_signals_and_the_caller_does_not(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(workpool_free) workpool *pool = new_pool(1);
    CAIRN_AUTO_PTR(workgroup_free) workgroup *group = new_group(pool);
    sigset_t theirs;
    sigset_t ours;

    (void)sigemptyset(&theirs);
    submit(group, read_mask, &theirs);
    await_idle(group);
    ASSERT_OK(workgroup_wait(group, NULL), NULL);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &ours), 0);

    assert_true(sigismember(&theirs, SIGTERM));
    assert_true(sigismember(&theirs, SIGINT));
    assert_false(sigismember(&theirs, SIGSEGV));
    assert_false(sigismember(&ours, SIGTERM));
}

static cairn_code use_pool(void *context, cairn_error *err)
{
    CAIRN_AUTO_PTR(workpool_free) workpool *pool = NULL;
    CAIRN_AUTO_PTR(workgroup_free) workgroup *group = NULL;

    (void)context;
    CAIRN_TRY(workpool_new(2, &pool, err));
    CAIRN_TRY(workgroup_new(pool, &group, err));
    for (int i = 0; i < 10; i++) {
        CAIRN_TRY(workgroup_submit(group, count_run, NULL, err));
    }
    return workgroup_wait(group, err);
}

static void each_failed_allocation_is_reported(void **state)
{
    (void)state;

    alloc_sweep(use_pool, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_number_of_threads_is_bounded),
        cmocka_unit_test_setup(every_job_of_a_group_runs_once, reset),
        cmocka_unit_test(an_empty_group_does_not_wait),
        cmocka_unit_test_setup(a_group_is_not_idle_while_a_job_runs, reset),
        cmocka_unit_test_setup(a_full_queue_makes_the_submitter_work, reset),
        cmocka_unit_test_setup(the_first_error_is_kept_and_the_rest_skipped, reset),
        cmocka_unit_test(a_code_without_message_is_passed_on),
        cmocka_unit_test_setup(jobs_with_groups_of_their_own_do_not_deadlock, reset),
        cmocka_unit_test_setup(a_job_may_add_to_its_own_group, reset),
        cmocka_unit_test_setup(several_threads_share_a_pool, reset),
        cmocka_unit_test_setup(freeing_the_pool_skips_what_is_queued, reset),
        cmocka_unit_test_setup(a_raised_flag_ends_jobs_that_heed_it, reset),
        cmocka_unit_test(the_threads_block_signals_and_the_caller_does_not),
        cmocka_unit_test(each_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
