/*
 * One run of a worker: what its parts share. job_context.c calls the job, barrier.c takes
 * checkpoints and publishes, worker.c starts, loops and ends. All on one thread, the caller's.
 */
#ifndef CAIRN_WORKER_WORKER_RUN_H
#define CAIRN_WORKER_WORKER_RUN_H

#include <cairn/worker.h>

#include "check.h"
#include "sink.h"
#include "source.h"

/* What checkpoints call the input: the same input may have another path on another machine. */
#define WORKER_SOURCE_NAME "input"
/* One worker runs a whole job: subtask 0 of 1. */
#define WORKER_SUBTASK 0

/* Which call of the job is running: what the job may ask for depends on it. */
typedef enum job_phase {
    CAIRN_JOB_PHASE_NONE = 0,
    CAIRN_JOB_PHASE_OPEN = 1,
    CAIRN_JOB_PHASE_SPLIT = 2,
    CAIRN_JOB_PHASE_PROCESS = 3,
    CAIRN_JOB_PHASE_BARRIER = 4,
    CAIRN_JOB_PHASE_ADVANCE = 5,
    CAIRN_JOB_PHASE_END = 6
} job_phase;

typedef struct worker worker;

struct cairn_job_context {
    worker *owner;
    job_phase phase;
};

/* How far the job has come: what a checkpoint covers of it. */
typedef struct worker_extent {
    uint64_t records;
    uint64_t advances; /* calls of the job's advance that put lines out */
    bool end;          /* end_of_input was called */
} worker_extent;

/* The checkpoint in flight, and what the last ones left. */
typedef struct worker_checkpoints {
    cairn_checkpoint *in_flight;
    worker_extent in_flight_extent; /* that it covers */
    worker_extent committed;        /* that the last committed one covers */
    uint64_t begun_ms;              /* monotonic, of the last begin */
    uint64_t ended_ms;              /* monotonic, of the last outcome */
    uint64_t failures;              /* one after another */
    uint64_t unpublished_id;        /* committed, its output not yet published; 0: none */
    unsigned publish_attempts;
    uint64_t publish_at_ms;
    uint64_t stop_seen_ms; /* monotonic, when a publication saw a stop; 0: none did */
} worker_checkpoints;

struct worker {
    const cairn_worker_options *options;
    cairn_backend_options backend_options; /* with the names filled in */
    const cairn_job *job;
    void *self;
    bool job_open;
    uint32_t max_parallelism;
    cairn_key_group_range range;
    cairn_job_context context;
    cairn_backend *backend;
    cairn_store *input_store; /* those of the options, which repeat failed calls; may be NULL */
    cairn_store *output;
    source *in;
    sink *to;
    uint64_t advances; /* of worker_extent */
    bool end_called;
    uint64_t emitted; /* lines, in this run */
    worker_checkpoints checkpoints;
    uint64_t check_at_ms;
    uint64_t report_at_ms;
    uint64_t advance_at_ms;
    uint64_t reported_ms;
    uint64_t reported_records;
    uint32_t records_since_tick;
    cairn_worker_result result;
};

/* 0, or what was asked for: 1 a graceful stop, 2 a stop now. */
int worker_stop_asked(const worker *run);

/* Calls the progress function of the options. */
void worker_report(worker *run, bool finished);

/* Everything that is due by the clock: progress, fencing, the outcome in flight, publishing. */
cairn_code worker_tick(worker *run, cairn_error *err);

/* --- job_context.c: calls of the job, with errors that name it */

cairn_code job_call_open(worker *run, cairn_error *err);
/* split, which calls process. */
cairn_code job_call_record(worker *run, cairn_slice record, cairn_error *err);
cairn_code job_call_before_checkpoint(worker *run, cairn_error *err);
/* These do nothing if the job has no such call. */
cairn_code job_call_advance(worker *run, cairn_error *err);
cairn_code job_call_end_of_input(worker *run, cairn_error *err);
void job_call_close(worker *run);

/* --- barrier.c */

/* True if the job has come further than the committed or running checkpoint covers. */
bool barrier_needed(const worker *run);

/*
 * Takes in the outcome in flight if it stands, and publishes what waits. Fails with
 * CAIRN_E_FENCED, with the last of too many failures, and if output can't be published.
 */
cairn_code barrier_advance(worker *run, cairn_error *err);

/*
 * Waits until nothing is in flight or unpublished and `pause_ms` have passed since the last
 * outcome. *out_ready is false if a stop was asked for first.
 */
cairn_code barrier_quiesce(worker *run, uint64_t pause_ms, bool *out_ready, cairn_error *err);

/*
 * Begins a checkpoint here; nothing may be in flight. A begin that fails counts as a failed
 * checkpoint.
 */
cairn_code barrier_begin(worker *run, cairn_error *err);

/* Begins one if the interval and the pause have passed, nothing is under way and there is need. */
cairn_code barrier_by_time(worker *run, cairn_error *err);

/*
 * The end of a graceful stop: what is under way, then a last checkpoint, within `timeout_ms`. At
 * its end or a stop now it is cancelled, which takes CAIRN_ABORT_TIMEOUT_MS more at most.
 */
cairn_code barrier_last(worker *run, uint64_t timeout_ms, cairn_error *err);

/* Ends what is in flight without looking at its outcome: a restore learns it. */
void barrier_abandon(worker *run);

/* After a restore: publishes the outputs of the restored checkpoint. */
cairn_code barrier_publish_restored(worker *run, const cairn_manifest *restored, size_t outputs,
                                    cairn_error *err);

#endif
