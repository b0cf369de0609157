/*
 * A worker: runs a job (job.h) over an input, with checkpoints, and publishes its output exactly
 * once.
 *
 * Input: a file or an object in a store, read line by line (the last line may lack its newline), or
 * standard input. A restored worker goes on at the recorded position: it seeks in a file or object,
 * and reads and drops that many bytes of standard input, which must be the same stream again. An
 * object must not change while it is read.
 *
 * Output: lines are spooled in the local folder, stored with the checkpoint that covers them, and
 * published as `part-<checkpoint, 12 digits>-<subtask, 5 digits>` in the output store after that
 * checkpoint is committed; a name is written once. No lines, no file. After a restore, output of
 * the restored checkpoint that was not published yet is published first. Names sort in the order of
 * publication.
 */
#ifndef CAIRN_WORKER_H
#define CAIRN_WORKER_H

#include <cairn/checkpoint.h>
#include <cairn/job.h>

CAIRN_BEGIN_DECLS

typedef struct cairn_worker_progress {
    uint64_t records;           /* since the start of the input */
    uint64_t records_per_s;     /* lately */
    uint64_t input_bytes;       /* position */
    uint64_t input_total_bytes; /* 0: not known */
    cairn_backend_stats backend;
    bool restored; /* the call right after restore has it for the first time */
    bool finished;
} cairn_worker_progress;

typedef struct cairn_worker_options {
    uint32_t version;
    cairn_backend_options backend; /* operator_uid NULL: the job's name; job NULL: the same */
    const char *input;             /* required: a path, or "-"; with input_store: an object's key */
    cairn_store *input_store;      /* borrowed; NULL: `input` is a path */
    cairn_store *output;           /* required, borrowed */
    uint64_t checkpoint_interval_ms;   /* 0: none by time */
    uint64_t checkpoint_every_records; /* 0: none by count; else at absolute multiples */
    uint64_t min_pause_ms;             /* between the end of one and the begin of the next */
    uint32_t tolerable_failures;       /* consecutive failed checkpoints that the job survives */
    /* For the last checkpoint of a graceful stop and its output, and before them for output that is
     * being published when the stop is asked for. Aborting and closing may take 15 s more if the
     * store does not answer. */
    uint64_t stop_timeout_ms;
    /* 1 asks for a graceful stop with a last checkpoint, 2 for one without. Read between records,
     * and by a thread of the worker while output is published: set it in a signal handler or with
     * an atomic store. A call that publishes output is ended at once by the cancel of `backend`, to
     * be raised with 2. */
    const volatile int *stop;
    /* Called about once a second by the worker's thread; may be NULL. */
    void (*progress)(void *context, const cairn_worker_progress *progress);
    void *progress_context;
} cairn_worker_options;

#define CAIRN_WORKER_OPTIONS_VERSION 1
/* In the order of the members, as C++17 knows no designators: a checkpoint each 10 s, and as long
 * for the last one of a stop. */
#define CAIRN_WORKER_OPTIONS_INIT                                                                \
    {                                                                                            \
        CAIRN_WORKER_OPTIONS_VERSION, CAIRN_BACKEND_OPTIONS_INIT, NULL, NULL, NULL, 10000, 0, 0, \
            0, 10000, NULL, NULL, NULL                                                           \
    }

/* How a run ended, when it returned CAIRN_OK. */
typedef struct cairn_worker_result {
    bool stopped; /* by request; false: the input was read to its end */
    uint64_t records;
    uint64_t last_checkpoint_id;
    uint64_t published_files;
    uint64_t committed_records; /* that the last checkpoint covers; the rest comes again */
} cairn_worker_result;

/*
 * Runs to the end of the input, or to a stop. The calling thread is the owner's thread. Errors are
 * those of cairn_backend_open, of the job, of the input (CAIRN_E_NOT_FOUND; CAIRN_E_INTEGRITY if it
 * is shorter than the recorded position, or an object that changed), of the output, and of the last
 * of too many failed checkpoints.
 */
cairn_code cairn_worker_run(const cairn_worker_options *options, const cairn_job *job,
                            cairn_worker_result *out, cairn_error *err);

/* The built-in job of that name ("wordcount", "line-length"), or NULL. */
const cairn_job *cairn_builtin_job(const char *name);

CAIRN_END_DECLS

#endif
