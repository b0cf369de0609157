/*
 * Garbage collection and retention: certificate, look, deletes, in that order (docs/protocol.md).
 */
#ifndef CAIRN_CHECKPOINT_GC_RUN_H
#define CAIRN_CHECKPOINT_GC_RUN_H

#include <cairn/history.h>

#include "gc_plan.h"
#include "session.h"

/* One collection; all borrowed. */
typedef struct gc_run {
    cairn_store *root;
    const cairn_call *call;
    const char *job;
    gc_rules rules;
    bool execute;
    const cairn_log *log;
    void (*visit)(void *context, const char *key); /* of each victim; may be NULL */
    void *visit_context;
} gc_run;

/* Marks from storage and deletes; see cairn_gc in history.h. */
cairn_code gc_run_from_storage(const gc_run *run, cairn_gc_report *report, cairn_error *err);

/*
 * What a session does after each commit: retires what is beyond num_retained, from what its ledger
 * knows, without a listing; the first time, from storage, with the garbage of older epochs. A
 * failure loses nothing; the next pass or the next epoch repeats it. `argument` is a session.
 * Runs as a job of its maintenance group.
 */
cairn_code retention_run(void *argument, cairn_error *err);

#endif
