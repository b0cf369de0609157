/*
 * What one attempt of one subtask shares between its checkpoints: identity, tools, and the ledger
 * of what it knows to be committed. Made by the backend after it has started its epoch.
 *
 * Thread safety: `const` members are fixed at the start. The ledger belongs to the pool job that
 * runs (one at a time: a checkpoint's run waits for the maintenance of the one before). `synced` is
 * guarded by its lock.
 */
#ifndef CAIRN_CHECKPOINT_SESSION_H
#define CAIRN_CHECKPOINT_SESSION_H

#include <cairn/log.h>

#include "keyed_state.h"
#include "operator_states.h"
#include "plan.h"
#include "state_table.h"
#include "timeline.h"
#include "transfer.h"

#include <pthread.h>

/* Checkpoints that this attempt knows to count, newest first, and what it must still clean up. */
typedef struct ledger {
    cairn_manifest **chain; /* owned */
    size_t chain_count;
    size_t chain_capacity;
    engine_files base;       /* local files of the last confirmed checkpoint */
    uint64_t undecided_id;   /* a checkpoint whose outcome could not be learnt; 0: none */
    key_list undecided_keys; /* what it uploaded */
    uint64_t *aborted;       /* ids whose abort record stands */
    size_t aborted_count;
    size_t aborted_capacity;
    uint64_t next_id;       /* above every id that stands */
    uint64_t next_sequence; /* of shared keys */
    bool swept;             /* garbage of older epochs was collected */
    key_list certificates;  /* written by this attempt, oldest first */
} ledger;

typedef struct session {
    /* const */
    cairn_store *root; /* the job's, with retries; borrowed */
    const char *job;
    const char *operator_uid;
    uint64_t epoch;
    char attempt[CAIRN_ATTEMPT_ID_SIZE];
    uint32_t max_parallelism;
    bool single_attempt; /* see cairn_manifest */
    cairn_key_group_range range;
    const char *snapshot_dir; /* local folder of snapshots, exists */
    workpool *pool;
    workgroup *maintenance; /* retention, one job at a time */
    const cairn_log *log;
    uint32_t num_retained;
    uint64_t checkpoint_timeout_ms;
    const cairn_cancel *closing; /* raised when the backend closes */

    /* owner's thread */
    state_engine *engine;
    keyed_state *states;
    operator_states *operators;
    struct cairn_checkpoint *running; /* not yet freed; borrowed */

    /* one pool job at a time */
    ledger ledger;

    struct {
        pthread_mutex_t lock;
        bool fenced;
        cairn_error fenced_error;
        uint64_t last_id;
        uint64_t last_commit_ms; /* monotonic */
        uint64_t completed;
        uint64_t failed;
        uint64_t consecutive_failures;
    } synced;
} session;

/* The writer of this session's objects. */
layout_writer session_writer(const session *self);

/* Remembers that a newer attempt was seen; the first error is kept. [any thread] */
void session_set_fenced(session *self, const cairn_error *err);
/* CAIRN_E_FENCED once it was. [any thread] */
cairn_code session_check(session *self, cairn_error *err);

/* Looks at the claims; remembers and returns CAIRN_E_FENCED. */
cairn_code session_look(session *self, const cairn_call *call, cairn_error *err);

/* Puts a committed manifest on top of the chain; takes it. */
cairn_code ledger_push(ledger *self, cairn_manifest *manifest, cairn_error *err);
cairn_code ledger_add_aborted(ledger *self, uint64_t id, cairn_error *err);
void ledger_release(ledger *self);

#endif
