#include "commit.h"

#include "clock.h"
#include "decide.h"
#include "errors.h"
#include "failpoint.h"

#include <string.h>

/* What stands under an id: the manifest, and whether this attempt committed it. */
typedef struct verdict {
    cairn_manifest *manifest;
    bool committed_by_us;
} verdict;

static void verdict_release(verdict *self)
{
    cairn_manifest_free(self->manifest);
}
CAIRN_DEFINE_AUTO(verdict, verdict_release)

/* Another epoch's manifest: a higher one fences us, a lower one has burnt the id. */
static cairn_code check_other_epoch(session *self, const cairn_manifest *standing, cairn_error *err)
{
    cairn_error local = {0};

    if (standing->epoch <= self->epoch) {
        return CAIRN_OK;
    }
    cairn_code code = error_set(&local, CAIRN_E_FENCED,
                                "checkpoint %llu was decided by epoch %llu; this one is epoch %llu "
                                "and stops",
                                (unsigned long long)standing->id,
                                (unsigned long long)standing->epoch,
                                (unsigned long long)self->epoch);
    session_set_fenced(self, &local);
    if (err != NULL) {
        *err = local;
    }
    return code;
}

/* Our manifest stands. Only after the look may anybody be told. */
static cairn_code accept(session *self, const cairn_call *call, cairn_manifest *standing,
                         commit_outcome *out, cairn_error *err)
{
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = standing;

    CAIRN_FAILPOINT("commit.manifest.after", err);
    CAIRN_TRY(session_look(self, call, err));
    CAIRN_FAILPOINT("commit.look.after", err);
    CAIRN_TRY(ledger_push(&self->ledger, CAIRN_TAKE(manifest), err));
    *out = CAIRN_COMMIT_COMMITTED;
    return CAIRN_OK;
}

static cairn_code decide_document(session *self, const cairn_call *call, uint64_t id,
                                  cairn_slice document, verdict *out, cairn_error *err)
{
    CAIRN_AUTO(decision) decided = {0};
    layout_key key = layout_manifest(id);

    CAIRN_TRY(decide(self->root, call, key.text, document, &decided, err));
    cairn_slice stands = decided.ours ? document : cairn_buf_slice(&decided.standing);
    CAIRN_TRY(cairn_manifest_read(stands, self->job, id, &out->manifest, err));
    out->committed_by_us = out->manifest->kind == CAIRN_MANIFEST_CHECKPOINT &&
                           out->manifest->epoch == self->epoch &&
                           strcmp(out->manifest->attempt, self->attempt) == 0;
    return CAIRN_OK;
}

cairn_code commit_try(session *self, const cairn_call *call, const cairn_manifest *manifest,
                      commit_outcome *out, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) document = {0};
    CAIRN_AUTO(verdict) stands = {0};

    CAIRN_TRY(manifest_print(manifest, &document, NULL, err));
    CAIRN_FAILPOINT("commit.manifest.before", err);
    CAIRN_TRY(decide_document(self, call, manifest->id, cairn_buf_slice(&document), &stands, err));
    if (stands.committed_by_us) {
        return accept(self, call, CAIRN_TAKE(stands.manifest), out, err);
    }
    CAIRN_TRY(check_other_epoch(self, stands.manifest, err));
    *out = CAIRN_COMMIT_ABORTED;
    return CAIRN_OK;
}

static cairn_code print_abort(session *self, uint64_t id, const char *reason, cairn_buf *out,
                              cairn_error *err)
{
    uint64_t now_ms = clock_wall_ms();
    cairn_manifest record = {.job = (char *)(uintptr_t)self->job,
                             .id = id,
                             .kind = CAIRN_MANIFEST_ABORTED,
                             .epoch = self->epoch,
                             .started_ms = now_ms,
                             .committed_ms = now_ms,
                             .max_parallelism = self->max_parallelism,
                             .reason = (char *)(uintptr_t)reason,
                             .single_attempt = self->single_attempt};

    memcpy(record.attempt, self->attempt, sizeof record.attempt);
    return manifest_print(&record, out, NULL, err);
}

cairn_code commit_settle(session *self, const cairn_call *call, uint64_t id, const char *reason,
                         commit_outcome *out, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) document = {0};
    CAIRN_AUTO(verdict) stands = {0};

    CAIRN_TRY(print_abort(self, id, reason, &document, err));
    CAIRN_FAILPOINT("abort.record.before", err);
    CAIRN_TRY(decide_document(self, call, id, cairn_buf_slice(&document), &stands, err));
    if (stands.committed_by_us) {
        return accept(self, call, CAIRN_TAKE(stands.manifest), out, err);
    }
    CAIRN_TRY(check_other_epoch(self, stands.manifest, err));
    CAIRN_FAILPOINT("abort.record.after", err);
    CAIRN_TRY(session_look(self, call, err));
    CAIRN_FAILPOINT("abort.look.after", err);
    if (stands.manifest->epoch == self->epoch) {
        CAIRN_TRY(ledger_add_aborted(&self->ledger, id, err));
    }
    *out = CAIRN_COMMIT_ABORTED;
    return CAIRN_OK;
}
