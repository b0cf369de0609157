/*
 * A job that `cairn run` runs: a shared object that exports `cairn_job_main`, or a built-in.
 *
 * For each record of the input (a line without its newline) the worker calls `split`, which names
 * the (key, value) pairs that the record holds with cairn_job_keyed. For each pair whose key group
 * this worker owns it then calls `process` with the current key set; `process` reads and updates
 * state and emits lines of output with cairn_job_emit. Before each checkpoint it calls
 * `before_checkpoint`, which may emit too. Emitted lines are published when the checkpoint that
 * covers them is committed: exactly once, also across kills and restores.
 *
 * Time: a job that has timers (timer.h) advances event time itself, in `split` or `process`, as its
 * records tell it, processing time in `advance`, and fires what is left in `end_of_input`. A
 * watermark decides what is late, so it is state too: a job that keeps it in memory alone takes
 * records after a restore that it would have called late before.
 *
 * All calls come from one thread. A code other than CAIRN_OK ends the job; it restarts from the
 * last committed checkpoint when it is run again. What a job keeps outside of cairn's state is lost
 * at a restart: `before_checkpoint` must leave nothing there that `open` can't find again in state.
 *
 * Build: cc -shared -fPIC -o myjob.so myjob.c $(pkg-config --cflags cairn)
 * Link nothing: the symbols are those of the `cairn` command.
 */
#ifndef CAIRN_JOB_H
#define CAIRN_JOB_H

#include <cairn/backend.h>

CAIRN_BEGIN_DECLS

typedef struct cairn_job_context cairn_job_context; /* valid for the call that it is passed to */

#define CAIRN_JOB_VERSION 1

typedef struct cairn_job {
    uint32_t version; /* CAIRN_JOB_VERSION */
    const char *name; /* the operator's uid, and the job's name unless --name is given */
    /* Opens states and allocates what the job needs; *self is passed to the other calls. Required.
     */
    cairn_code (*open)(cairn_job_context *context, void **self, cairn_error *err);
    /* Required. `record` is valid for the call. */
    cairn_code (*split)(void *self, cairn_job_context *context, cairn_slice record,
                        cairn_error *err);
    /* Required. `key` is the current key of the backend. */
    cairn_code (*process)(void *self, cairn_job_context *context, cairn_slice key,
                          cairn_slice value, cairn_error *err);
    /* May be NULL. */
    cairn_code (*before_checkpoint)(void *self, cairn_job_context *context, cairn_error *err);
    /* May be NULL; called once for each successful open. */
    void (*close)(void *self);
    /*
     * May be NULL. Called behind the last record of the input, once: the checkpoint that covers the
     * call is the job's last. If it fails or the worker is killed before it is committed, nothing
     * of the call was published, and the next run calls again; once it is committed, no run calls
     * again, and a run that finds records behind that end fails with CAIRN_E_INTEGRITY (a job
     * without end_of_input goes on with an input that has grown). Never called at a stop. A stream
     * ends when its writer closes it.
     */
    cairn_code (*end_of_input)(void *self, cairn_job_context *context, cairn_error *err);
    /*
     * May be NULL. Called between records with the time of the backend's clock (ms since 1970),
     * some times a second while records come and while none come, not behind end_of_input. When it
     * is called depends on the machine: what it does is exact (each line once), but not the same in
     * each run.
     */
    cairn_code (*advance)(void *self, cairn_job_context *context, int64_t now_ms, cairn_error *err);
} cairn_job;

/* The one symbol that a shared object exports; the result has static storage. */
typedef const cairn_job *(*cairn_job_main_fn)(void);
const cairn_job *cairn_job_main(void);

/* From split: hands over one pair; process is called before this returns. */
cairn_code cairn_job_keyed(cairn_job_context *context, cairn_slice key, cairn_slice value,
                           cairn_error *err);
/*
 * One line of output, without a newline in it; from every call but open and close, also from timers
 * that fire within it. `split` sees the records of all subtasks: what depends on no key comes out
 * once in each of them.
 */
cairn_code cairn_job_emit(cairn_job_context *context, cairn_slice line, cairn_error *err);
/* The backend, to open states on. */
cairn_backend *cairn_job_backend(cairn_job_context *context);

CAIRN_END_DECLS

#endif
