/* The inside of cairn_backend: backend.c has the public calls, backend_open.c the steps of open. */
#ifndef CAIRN_BACKEND_BACKEND_IMPL_H
#define CAIRN_BACKEND_BACKEND_IMPL_H

#include <cairn/backend.h>

#include "fence_watch.h"
#include "fsutil.h"
#include "session.h"
#include "stores.h"

struct cairn_backend {
    /* const after open */
    char *job;
    char *operator_uid;
    char *local_dir;
    char *db_dir;
    char *snapshot_dir;
    char *canonical_dir;  /* of a savepoint's files, until they are in the engine */
    char *savepoint_name; /* that was restored, else NULL */
    cairn_log log;
    cairn_store *prefixed;
    cairn_store *root;
    cairn_cancel *closing;
    uint64_t opened_ms; /* monotonic */
    fs_fd lock;
    cairn_manifest *restored;
    const cairn_subtask_info *restored_subtask; /* in `restored` */
    workpool *pool;
    fence_watch *watch;

    /* owner's thread */
    state_engine *engine;
    keyed_state *states;
    operator_states *operators;

    session session; /* its own rules: session.h */
};

CAIRN_DEFINE_AUTO_PTR(cairn_backend, cairn_backend_close)

/* All steps after the members of identity are copied; on failure the caller closes. */
cairn_code backend_open_steps(cairn_backend *self, const cairn_backend_options *options,
                              cairn_error *err);

#endif
