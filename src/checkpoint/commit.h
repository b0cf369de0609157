/*
 * The decision of a checkpoint: one create-only write of `chk-<n>/manifest.json`, as the commit or
 * as the record that n was aborted (docs/protocol.md). Runs as part of a pool job of the session.
 */
#ifndef CAIRN_CHECKPOINT_COMMIT_H
#define CAIRN_CHECKPOINT_COMMIT_H

#include "session.h"

typedef enum commit_outcome {
    CAIRN_COMMIT_COMMITTED = 1, /* our manifest stands and no newer epoch was seen afterwards */
    CAIRN_COMMIT_ABORTED =
        2 /* id is dead for us: an abort record or another epoch's manifest stands */
} commit_outcome;

/*
 * Tries to commit `manifest`, looks, and on success pushes it on the ledger's chain.
 * CAIRN_E_FENCED: a newer attempt exists; nothing may be reported or deleted. Any other failure:
 * not known whether it stands; settle it with commit_settle.
 */
cairn_code commit_try(session *self, const cairn_call *call, const cairn_manifest *manifest,
                      commit_outcome *out, cairn_error *err);

/*
 * Makes the outcome of `id` certain: records an abort unless a decision stands already, then looks.
 * CAIRN_COMMIT_COMMITTED: an earlier try of this attempt had won after all (it is pushed on the
 * chain). CAIRN_COMMIT_ABORTED: the caller may delete what `id` alone had uploaded. Failures as
 * commit_try.
 */
cairn_code commit_settle(session *self, const cairn_call *call, uint64_t id, const char *reason,
                         commit_outcome *out, cairn_error *err);

#endif
