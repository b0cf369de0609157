/*
 * A job whose store fails on purpose, and what it was told: which barriers may be restored. Made
 * for one attempt after the other (tests of two at once use the parts by themselves).
 *
 * The rule that all tests of this folder hold the product to: what is restored is, key by key, the
 * state at the last barrier whose checkpoint was reported as committed, or at a later one whose
 * checkpoint was reported as failed.
 */
#ifndef CAIRN_TESTS_FAULT_WORLD_H
#define CAIRN_TESTS_FAULT_WORLD_H

#include "job_world.h"
#include "store_fault.h"

#include <pthread.h>

#define FAULT_WORLD_KEYS       60
#define FAULT_WORLD_UNSURE_MAX 16
#define FAULT_WORLD_LOG_BYTES  ((size_t)64 << 10)

typedef struct fault_world {
    job_world *job;     /* its `store` is that of `fault` */
    store_fault *fault; /* before the job's directory */
    uint64_t confirmed; /* operations in the last checkpoint that was reported as committed */
    uint64_t unsure[FAULT_WORLD_UNSURE_MAX]; /* and in later ones, reported as failed */
    size_t unsure_count;
    struct {
        pthread_mutex_t lock;
        char text[FAULT_WORLD_LOG_BYTES]; /* what was logged with level WARN or worse */
        size_t length;
    } logged;
} fault_world;

/* cmocka's setup and teardown; retries don't wait in between. */
int fault_world_setup(void **state);
int fault_world_teardown(void **state);

/* For sweeps, which make many in a test. Fails the test if it can't be made. */
fault_world *fault_world_new(void);
void fault_world_free(fault_world *world);

/* job_options with one transfer thread, `num_retained`, and the log kept in the world. */
cairn_backend_options fault_world_options(fault_world *world, uint32_t num_retained);
bool fault_world_logged(fault_world *world, const char *text);

/* As job_try_checkpoint, but written down: records are the operations in the state. */
cairn_code fault_world_checkpoint(fault_world *world, cairn_backend *backend, uint64_t records,
                                  cairn_error *err);

/*
 * Checks that `backend` was restored to a barrier that it may be restored to, and has exactly its
 * state, and returns its number of operations. From now only this barrier may be restored.
 */
uint64_t fault_world_expect_restored(fault_world *world, cairn_backend *backend);

/*
 * The end of every story: without faults, and with no backend open, the history is readable, every
 * checkpoint that counts is whole, a new attempt restores what it may and commits, and after a
 * garbage collection no object is left that no checkpoint names. What was deleted and written until
 * now is checked too (the journal of the store).
 */
void fault_world_expect_sound(fault_world *world);

#endif
