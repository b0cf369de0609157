/*
 * A fixed pool of threads with a bounded queue. It knows nothing of its work.
 *
 * Jobs are submitted in groups. A group collects the first error of its jobs; after it, jobs of the
 * group that have not begun are skipped (their function is not called). A thread that waits for a
 * group runs queued jobs of that group meanwhile, so that a job may use a group of its own without
 * a deadlock. Thread-safe.
 */
#ifndef CAIRN_TASK_WORKPOOL_H
#define CAIRN_TASK_WORKPOOL_H

#include "check.h"

typedef struct workpool workpool;
typedef struct workgroup workgroup;

/*
 * Called without any lock held, on a pool thread or on one that waits for the group or submits to
 * it. `argument` is the caller's.
 */
typedef cairn_code (*workpool_fn)(void *argument, cairn_error *err);

/* `threads` 1..CAIRN_POOL_THREADS_MAX. Signals are blocked in the threads. */
cairn_code workpool_new(unsigned threads, workpool **out, cairn_error *err);
/*
 * Waits for what runs, skips what is queued (their groups then report CAIRN_E_CANCELLED). Groups
 * may be freed before or after. NULL is fine.
 */
void workpool_free(workpool *pool);
CAIRN_DEFINE_AUTO_PTR(workpool, workpool_free)

cairn_code workgroup_new(workpool *pool, workgroup **out, cairn_error *err);
/* Waits first. NULL is fine. */
void workgroup_free(workgroup *group);
CAIRN_DEFINE_AUTO_PTR(workgroup, workgroup_free)

/*
 * Queues fn(argument). If the queue is full the calling thread runs a job itself (back-pressure
 * without deadlock). If the submission fails, fn is not called. To a group that has failed already
 * nothing is added: that is OK here, and the wait tells.
 */
cairn_code workgroup_submit(workgroup *group, workpool_fn fn, void *argument, cairn_error *err);

/* Waits until all jobs of the group ended; the first error, or OK. May be called once more later.
 */
cairn_code workgroup_wait(workgroup *group, cairn_error *err);

/* True when no job of the group is queued or runs. */
bool workgroup_idle(workgroup *group);

#endif
