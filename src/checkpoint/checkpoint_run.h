/*
 * One checkpoint from barrier to decision: the inside of include/cairn/checkpoint.h.
 * checkpoint.c has the handle and the sync phase, checkpoint_run.c the async phase.
 */
#ifndef CAIRN_CHECKPOINT_CHECKPOINT_RUN_H
#define CAIRN_CHECKPOINT_CHECKPOINT_RUN_H

#include <cairn/checkpoint.h>

#include "session.h"

#include <pthread.h>

struct cairn_checkpoint {
    /* const after begin */
    session *session;
    uint64_t started_ms; /* wall clock */
    uint64_t begun_us;   /* monotonic */
    cairn_call call;     /* deadline and `cancel` */
    cairn_cancel *cancel;
    char *snapshot_dir; /* local folder of its files */
    workgroup *group;   /* the run */

    /* the run's, after begin */
    uint64_t id; /* the ledger's next, taken by the run */
    state_snapshot *snapshot;
    operator_frozen *operators; /* NULL: none, or they are in the file */
    char *operator_path;        /* local file; NULL: none */
    engine_files files;
    char **output_paths; /* local files of part.operator_info.subtasks[0].outputs */
    manifest_part part;
    bool part_attempted;

    struct {
        pthread_mutex_t lock;
        pthread_cond_t ended;
        bool done;
        cairn_code code;
        cairn_error error;
        cairn_checkpoint_stats stats;
    } synced;
};

/* The sync phase; starts the async phase on the pool. See cairn_checkpoint_begin. */
cairn_code checkpoint_begin(session *owner, const cairn_checkpoint_request *request,
                            cairn_checkpoint **out, cairn_error *err);

/* The async phase, a pool job: sets the outcome. `argument` is a cairn_checkpoint. */
cairn_code checkpoint_run(void *argument, cairn_error *err);

#endif
