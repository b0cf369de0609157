/*
 * A worker on a real backend in one process: an input, two stores, and a job that is disturbed
 * while it runs. One at a time in a program.
 */
#ifndef CAIRN_TESTS_WORKER_WORLD_H
#define CAIRN_TESTS_WORKER_WORLD_H

#include <cairn/worker.h>

#include "store_fault.h"
#include "tmpdir.h"

#define WORKER_WORLD_TEXT_BYTES ((size_t)300 << 10)
#define WORKER_WORLD_SEED       20260131
#define WORKER_WORLD_EVERY      700 /* records between barriers; the text has some thousands */

typedef struct worker_world {
    tmpdir *dir;
    char input[TMPDIR_PATH_BYTES];
    char output_dir[TMPDIR_PATH_BYTES];
    char local[TMPDIR_PATH_BYTES];
    cairn_buf text;
    cairn_store *checkpoints;
    cairn_store *output;
    volatile int stop;
} worker_world;

/* How the next runs are disturbed; setup clears it. */
typedef struct worker_world_disturbance {
    const cairn_job *job;
    worker_world *test;
    uint64_t records; /* seen in this run */
    uint64_t stop_at; /* raise `stop` at this record; 0: never */
    int stop_value;
    uint64_t fail_at;     /* return an error at this record; 0: never */
    uint64_t overtake_at; /* start and end another attempt of the job at this record; 0: never */
} worker_world_disturbance;

extern worker_world_disturbance worker_world_disturbed;

/* Of cmocka: *state becomes a worker_world. */
int worker_world_setup(void **state);
int worker_world_teardown(void **state);

/* A checkpoint every WORKER_WORLD_EVERY records, none by time. Borrows `test`. */
cairn_worker_options worker_world_options(worker_world *test);

/* One run of a built-in job, disturbed as worker_world_disturbed says. */
cairn_code worker_world_run(worker_world *test, const char *job,
                            const cairn_worker_options *options, cairn_worker_result *out,
                            cairn_error *err);
/* The same, which must end well. */
cairn_worker_result worker_world_run_well(worker_world *test, const char *job,
                                          const cairn_worker_options *options);

/* All published parts together are what line-length gives for the whole input. */
void worker_world_assert_line_lengths(const worker_world *test);

/* A store whose first `count` puts of keys like `pattern` fail and store nothing. */
store_fault *worker_world_failing_puts(cairn_store *inner, const char *pattern, uint64_t count,
                                       cairn_code code);

#endif
