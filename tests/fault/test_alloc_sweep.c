/*
 * Memory runs out at some allocation, for a while or for good, in everything that a job and the
 * people who look after it do. Where a piece of work allocates more than CAIRN_SWEEP_RUNS times,
 * not each of them is tried: CAIRN_SWEEP_SEED says which, and repeats a run.
 */
#include "test.h"

#include <cairn/cairn.h>

#include "check.h"
#include "fault_world.h"
#include "fsutil.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define RUNS       300 /* of one piece of work, unless CAIRN_SWEEP_RUNS says otherwise */
#define OPERATIONS 40  /* before each checkpoint */

/* Does the whole work and releases what it holds, also when it fails. */
typedef cairn_code (*work_fn)(fault_world *world, cairn_error *err);
/* Between two runs, with memory: checks what a run left behind. */
typedef void (*check_fn)(fault_world *world);

typedef struct sweep_case {
    work_fn work;
    check_fn check; /* may be NULL */
    bool persistent;
} sweep_case;

static uint64_t seed;
static uint64_t runs;

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
    const char *given = getenv(variable);

    return given == NULL ? otherwise : strtoull(given, NULL, 10);
}

static void choose_runs(void)
{
    uint64_t drawn = 0;

    (void)!getrandom(&drawn, sizeof drawn, 0);
    seed = number_from("CAIRN_SWEEP_SEED", drawn % 1000000);
    runs = number_from("CAIRN_SWEEP_RUNS", RUNS);
    (void)fprintf(stderr, "CAIRN_SWEEP_SEED=%" PRIu64 "\n", seed);
}

/* The number of allocations of a run without a fault. */
static uint64_t count_allocations(const sweep_case *c, fault_world *world)
{
    cairn_error err = {0};

    mem_fail_nth(0, 0);
    const cairn_code code = c->work(world, &err);
    const uint64_t count = mem_alloc_count();
    ASSERT_OK(code, &err);
    return count;
}

/* A failure names the cause; work that needed the memory only for a courtesy may succeed. */
static void run_with_failure_at(const sweep_case *c, fault_world *world, uint64_t nth)
{
    cairn_error err = {0};

    mem_fail_nth(nth, c->persistent);
    const cairn_code code = c->work(world, &err);
    mem_fail_nth(0, 0);
    if (code != CAIRN_OK && code != CAIRN_E_NO_MEMORY) {
        fail_msg("allocation %" PRIu64 ": %s: %s", nth, cairn_code_name(code), err.message);
    }
    if (code == CAIRN_E_NO_MEMORY) {
        ASSERT_MESSAGE_HAS(&err, "out of memory");
    }
    if (c->check != NULL) {
        c->check(world);
    }
}

static fault_world *make_world(void)
{
    fault_world *world = fault_world_new();
    cairn_backend_options options = fault_world_options(world, 2);
    cairn_error err = {0};

    options.store = world->job->directory;
    cairn_backend *backend = job_open(world->job, "maker", &options);
    for (uint64_t i = 1; i <= 2; i++) {
        job_write(world->job, backend, world->confirmed, i * OPERATIONS);
        ASSERT_OK(fault_world_checkpoint(world, backend, i * OPERATIONS, &err), &err);
    }
    cairn_backend_close(backend);
    return world;
}

static void sweep(void **state)
{
    const sweep_case *c = *state;
    fault_world *world = make_world();
    const uint64_t count = count_allocations(c, world);
    const uint64_t stride = count / runs + 1;

    assert_true(count > 0);
    (void)fprintf(stderr, "%" PRIu64 " allocations, each %" PRIu64 ".\n", count, stride);
    for (uint64_t nth = 1 + seed % stride; nth <= count; nth += stride) {
        run_with_failure_at(c, world, nth);
    }
    (void)count_allocations(c, world);
    fault_world_expect_sound(world);
    fault_world_free(world);
}

static cairn_code load_and(fault_world *world, cairn_history **out, cairn_error *err)
{
    return cairn_history_load(world->job->directory, NULL, JOB_NAME, out, err);
}

static cairn_code load_history(fault_world *world, cairn_error *err)
{
    cairn_history *history = NULL;

    CAIRN_TRY(load_and(world, &history, err));
    cairn_history_free(history);
    return CAIRN_OK;
}

static cairn_code verify_history(fault_world *world, cairn_error *err)
{
    cairn_history *history = NULL;
    cairn_verify_report report;

    CAIRN_TRY(load_and(world, &history, err));
    const cairn_code code = cairn_history_verify(history, NULL, 0, NULL, &report, err);
    cairn_history_free(history);
    return code;
}

static const char *restore_path(fault_world *world, char path[TMPDIR_PATH_BYTES])
{
    return tmpdir_join(world->job->dir, "restored", path);
}

static cairn_code restore_history(fault_world *world, cairn_error *err)
{
    cairn_history *history = NULL;
    char path[TMPDIR_PATH_BYTES];

    CAIRN_TRY(load_and(world, &history, err));
    const cairn_code code = cairn_history_restore(history, NULL, 0, restore_path(world, path), err);
    cairn_history_free(history);
    if (code == CAIRN_OK) {
        assert_int_equal(fs_remove_tree(path, NULL), CAIRN_OK);
    }
    return code;
}

/* A restore that failed leaves nothing, not even under a name of its own. */
static void expect_no_restored_folder(fault_world *world)
{
    char path[TMPDIR_PATH_BYTES];
    fs_stat stat;

    restore_path(world, path);
    assert_int_equal(fs_stat_path(path, &stat, NULL), CAIRN_E_NOT_FOUND);
    assert_in_range(strlen(path), 1, TMPDIR_PATH_BYTES - sizeof ".partial");
    memcpy(path + strlen(path), ".partial", sizeof ".partial");
    assert_int_equal(fs_stat_path(path, &stat, NULL), CAIRN_E_NOT_FOUND);
}

static cairn_code plan_collection(fault_world *world, cairn_error *err)
{
    cairn_gc_options options = CAIRN_GC_OPTIONS_INIT;
    cairn_gc_report report;

    return cairn_gc(world->job->directory, NULL, JOB_NAME, &options, &report, err);
}

static cairn_code write_and_checkpoint(fault_world *world, cairn_backend *backend, uint64_t first,
                                       cairn_error *err)
{
    CAIRN_TRY(job_try_write(world->job, backend, first, first + OPERATIONS, err));
    return fault_world_checkpoint(world, backend, first + OPERATIONS, err);
}

typedef struct outcomes {
    cairn_code first;
    cairn_code second; /* tried also when the first has failed */
} outcomes;

static void take_two(fault_world *world, cairn_backend *backend, outcomes *out, cairn_error *err)
{
    const uint64_t records = world->confirmed;
    cairn_error second_err = {0};

    out->first = write_and_checkpoint(world, backend, records, err);
    /* Writes again, with the same values, what a failed write had left out. */
    out->second = job_try_write(world->job, backend, records, records + OPERATIONS, &second_err);
    if (out->second == CAIRN_OK) {
        out->second = write_and_checkpoint(world, backend, records + OPERATIONS, &second_err);
    }
    if (out->first == CAIRN_OK) {
        *err = second_err;
    }
}

static cairn_code run_job(fault_world *world, outcomes *out, cairn_error *err)
{
    cairn_backend_options options = fault_world_options(world, 1);
    cairn_backend *backend = NULL;

    options.store = world->job->directory;
    CAIRN_TRY(job_try_open(world->job, "a", &options, &backend, err));
    take_two(world, backend, out, err);
    cairn_backend_close(backend);
    return out->first != CAIRN_OK ? out->first : out->second;
}

static cairn_code work_as_a_job(fault_world *world, cairn_error *err)
{
    outcomes ends = {CAIRN_OK, CAIRN_OK};

    return run_job(world, &ends, err);
}

/* Where one allocation fails, the checkpoint after the one that it spoils commits. */
static cairn_code work_and_recover(fault_world *world, cairn_error *err)
{
    outcomes ends = {CAIRN_OK, CAIRN_OK};
    const cairn_code code = run_job(world, &ends, err);

    if (ends.first != CAIRN_OK && ends.second != CAIRN_OK) {
        fail_msg("the second checkpoint failed too: %s", cairn_code_name(ends.second));
    }
    return code;
}

static void expect_restorable(fault_world *world)
{
    cairn_backend_options options = fault_world_options(world, 1);

    options.store = world->job->directory;
    cairn_backend *backend = job_open(world->job, "check", &options);
    (void)fault_world_expect_restored(world, backend);
    cairn_backend_close(backend);
}

#define SWEEP(name, ...)                                        \
    {                                                           \
        (name), sweep, NULL, NULL, (&(sweep_case){__VA_ARGS__}) \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        SWEEP("loading a history, one failure", load_history, NULL, false),
        SWEEP("loading a history, failing for good", load_history, NULL, true),
        SWEEP("verifying, one failure", verify_history, NULL, false),
        SWEEP("verifying, failing for good", verify_history, NULL, true),
        SWEEP("restoring, one failure", restore_history, expect_no_restored_folder, false),
        SWEEP("restoring, failing for good", restore_history, expect_no_restored_folder, true),
        SWEEP("planning a collection, one failure", plan_collection, NULL, false),
        SWEEP("planning a collection, failing for good", plan_collection, NULL, true),
        SWEEP("a job, one failure", work_and_recover, expect_restorable, false),
        SWEEP("a job, failing for good", work_as_a_job, expect_restorable, true),
    };

    choose_runs();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
