#include "savepoint_origin.h"

#include "choose.h"
#include "errors.h"
#include "failpoint.h"
#include "logging.h"
#include "restore.h"
#include "restore_operators.h"
#include "savepoint_store.h"
#include "state_canonical.h"

#include <string.h>

bool savepoint_origin_find(const cairn_backend_options *options, const timeline *line,
                           savepoint_origin *out)
{
    const record_savepoint *const started = &line->start.savepoint;

    if (options->restore == CAIRN_RESTORE_SAVEPOINT) {
        const cairn_savepoint_source *const source = options->savepoint;
        *out = (savepoint_origin){source->store == NULL ? options->store : source->store,
                                  source->job, source->name, NULL};
        return true;
    }
    const bool goes_on = options->restore == CAIRN_RESTORE_LATEST ||
                         options->restore == CAIRN_RESTORE_LATEST_GOOD;
    if (!goes_on || started->name == NULL || line->head < line->count ||
        timeline_check_head(line, NULL) != CAIRN_OK) {
        return false;
    }
    *out = (savepoint_origin){options->store, started->job, started->name, started->sha256};
    return true;
}

/* The job root that the savepoint is in. */
typedef struct origin_root {
    cairn_store *prefixed;
    cairn_store *root;
} origin_root;

static void origin_root_release(origin_root *self)
{
    cairn_store_free(self->root);
    cairn_store_free(self->prefixed);
}
CAIRN_DEFINE_AUTO(origin_root, origin_root_release)

static cairn_code open_root(const savepoint_origin *origin, origin_root *out, cairn_error *err)
{
    CAIRN_TRY(store_prefixed_new(origin->store, origin->job, &out->prefixed, err));
    return store_retrying_new(out->prefixed, &out->root, err);
}

/* The start record stands, so the job has state: an empty start would lose it. */
static cairn_code is_gone(const savepoint_origin *origin, cairn_error *err)
{
    return error_set(err, CAIRN_E_NOT_FOUND,
                     "the job started from savepoint %s of job %s and has no checkpoint yet, but "
                     "that savepoint is not in %s: name it again, or start with none",
                     origin->name, origin->job, cairn_store_uri(origin->store));
}

static cairn_code read_origin(const savepoint_origin *origin, const origin_root *at,
                              const cairn_call *call, cairn_manifest **out, cairn_error *err)
{
    const savepoint_place place = {origin->job, origin->name};
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = NULL;
    const cairn_code code = savepoint_read(at->root, call, &place, NULL, &manifest, err);

    if (code == CAIRN_E_NOT_FOUND && origin->sha256 != NULL) {
        return is_gone(origin, err);
    }
    CAIRN_TRY(code);
    if (origin->sha256 != NULL && strcmp(origin->sha256, manifest->sha256) != 0) {
        return is_gone(origin, err);
    }
    *out = CAIRN_TAKE(manifest);
    return CAIRN_OK;
}

cairn_code savepoint_origin_preview(const cairn_backend *self, const cairn_backend_options *options,
                                    const cairn_call *call, const savepoint_origin *origin,
                                    cairn_error *err)
{
    CAIRN_AUTO(origin_root) at = {0};
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = NULL;
    const cairn_subtask_info *subtask = NULL;

    CAIRN_TRY(open_root(origin, &at, err));
    CAIRN_TRY(read_origin(origin, &at, call, &manifest, err));
    return choose_subtask(manifest, self->operator_uid, options, &subtask, err);
}

/* Of this job, whatever its store is called in `origin`: what stands below the job's own root by
 * that name is the same document. Anything else that stands there is another savepoint. */
static cairn_code is_own(const cairn_backend *self, const cairn_call *call,
                         const savepoint_origin *origin, bool *out, cairn_error *err)
{
    const savepoint_place place = {self->job, origin->name};
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *own = NULL;
    cairn_error cause = {0};

    *out = false;
    if (strcmp(self->job, origin->job) != 0) {
        return CAIRN_OK;
    }
    const cairn_code code = savepoint_read(self->root, call, &place, NULL, &own, &cause);
    if (code == CAIRN_E_NOT_FOUND || code == CAIRN_E_INTEGRITY || code == CAIRN_E_INCOMPATIBLE) {
        return CAIRN_OK;
    }
    if (code != CAIRN_OK) {
        return error_set(err, code, "%s", cause.message);
    }
    *out = strcmp(own->sha256, self->restored->sha256) == 0;
    return CAIRN_OK;
}

static void drop_outputs(cairn_manifest *manifest)
{
    for (size_t i = 0; i < manifest->operator_count; i++) {
        const cairn_operator_info *const op = &manifest->operators[i];

        for (size_t j = 0; j < op->subtask_count; j++) {
            cairn_subtask_info *const subtask = &op->subtasks[j];

            for (size_t k = 0; k < subtask->output_count; k++) {
                file_info_release(&subtask->outputs[k]);
            }
            subtask->output_count = 0;
        }
    }
}

static bool is_canonical(const cairn_subtask_info *subtask)
{
    return strcmp(subtask->engine, STATE_CANONICAL_ENGINE) == 0;
}

/* Into members of the backend, which its close releases. */
static cairn_code keep(cairn_backend *self, const cairn_backend_options *options,
                       const cairn_call *call, const savepoint_origin *origin,
                       cairn_manifest *manifest, cairn_error *err)
{
    bool own = false;

    self->restored = manifest;
    self->savepoint_name = mem_strdup(origin->name);
    if (self->savepoint_name == NULL) {
        return error_no_memory(err, "savepoint");
    }
    CAIRN_TRY(is_own(self, call, origin, &own, err));
    if (!own) {
        drop_outputs(self->restored);
    }
    return choose_subtask(self->restored, self->operator_uid, options, &self->restored_subtask,
                          err);
}

static const cairn_operator_info *restored_operator(const cairn_backend *self)
{
    const cairn_operator_info *found = NULL;

    for (size_t i = 0; i < self->restored->operator_count; i++) {
        const cairn_operator_info *const op = &self->restored->operators[i];

        found = op->subtasks == self->restored_subtask ? op : found;
    }
    CAIRN_ASSERT(found != NULL);
    return found;
}

cairn_code savepoint_origin_restore(cairn_backend *self, const cairn_backend_options *options,
                                    const cairn_call *call, const savepoint_origin *origin,
                                    cairn_error *err)
{
    CAIRN_AUTO(origin_root) at = {0};
    cairn_manifest *manifest = NULL;

    CAIRN_TRY(open_root(origin, &at, err));
    CAIRN_TRY(read_origin(origin, &at, call, &manifest, err));
    CAIRN_TRY(keep(self, options, call, origin, manifest, err));
    CAIRN_FAILPOINT("restore.manifest.checked", err);
    const transfer_context transfer = {at.root, self->pool, call};
    CAIRN_TRY(restore_operator_states(&transfer, restored_operator(self), &self->operators, err));
    const char *const dir = is_canonical(self->restored_subtask) ? self->canonical_dir
                                                                 : self->db_dir;
    const cairn_code code = restore_subtask(&transfer, self->restored_subtask, dir, err);
    if (code != CAIRN_OK) {
        return error_prefix(err, code, "restore savepoint %s of job %s", origin->name, origin->job);
    }
    log_write(&self->log, CAIRN_LOG_INFO,
              "restored savepoint %s of checkpoint %llu of job %s: %llu bytes", origin->name,
              (unsigned long long)self->restored->id, origin->job,
              (unsigned long long)cairn_manifest_total_bytes(self->restored));
    return CAIRN_OK;
}

cairn_code savepoint_origin_load(cairn_backend *self, cairn_error *err)
{
    if (self->restored == NULL || !is_canonical(self->restored_subtask)) {
        return CAIRN_OK;
    }
    const cairn_operator_info *const op = restored_operator(self);
    const canonical_states states = {op->states, op->state_count, self->session.max_parallelism,
                                     self->session.range};
    const cairn_code code = state_canonical_load(self->engine, &states, self->canonical_dir, err);
    if (code != CAIRN_OK) {
        return error_prefix(err, code, "restore savepoint %s", self->savepoint_name);
    }
    return fs_remove_tree(self->canonical_dir, err);
}
