#include "choose.h"

#include "engine_pick.h"
#include "errors.h"
#include "failpoint.h"
#include "logging.h"
#include "restore.h"
#include "restore_operators.h"

#include <string.h>

cairn_code choose_subtask(const cairn_manifest *manifest, const char *operator_uid,
                          const cairn_backend_options *options, const cairn_subtask_info **out,
                          cairn_error *err)
{
    const uint32_t max_parallelism = options->max_parallelism;
    const cairn_operator_info *found = NULL;

    for (size_t i = 0; i < manifest->operator_count; i++) {
        if (strcmp(manifest->operators[i].uid, operator_uid) == 0) {
            found = &manifest->operators[i];
        }
    }
    if (found == NULL) {
        return error_set(err, CAIRN_E_INCOMPATIBLE,
                         "checkpoint %llu has no state of operator %s; it has that of %s",
                         (unsigned long long)manifest->id, operator_uid,
                         manifest->operator_count > 0 ? manifest->operators[0].uid : "none");
    }
    if (found->subtask_count != 1) {
        return error_set(err, CAIRN_E_INCOMPATIBLE,
                         "checkpoint %llu has %zu subtasks; this version restores one",
                         (unsigned long long)manifest->id, found->subtask_count);
    }
    CAIRN_TRY(engine_check_stored(manifest, &found->subtasks[0], options, err));
    if (max_parallelism != 0 && max_parallelism != manifest->max_parallelism) {
        return error_set(err, CAIRN_E_INCOMPATIBLE,
                         "checkpoint %llu has max parallelism %u, %u is asked for; it is fixed for "
                         "the life of the state",
                         (unsigned long long)manifest->id, manifest->max_parallelism,
                         max_parallelism);
    }
    *out = &found->subtasks[0];
    return CAIRN_OK;
}

size_t choose_newest_good(const transfer_context *context, const timeline *line, uint64_t below_id)
{
    for (size_t i = 0; i < line->count; i++) {
        const timeline_entry *entry = &line->entries[i];
        if (entry->counts && entry->id < below_id && entry->manifest != NULL &&
            restore_verify(context, entry->manifest, NULL, NULL, NULL) == CAIRN_OK) {
            return i;
        }
    }
    return line->count;
}

static transfer_context transfers(const cairn_backend *self, const cairn_call *call)
{
    return (transfer_context){self->root, self->pool, call};
}

static cairn_code restore_operators_of(cairn_backend *self, const transfer_context *context,
                                       const cairn_manifest *manifest, cairn_error *err)
{
    operator_states_free(CAIRN_TAKE(self->operators)); /* of a checkpoint that was damaged */
    for (size_t i = 0; i < manifest->operator_count; i++) {
        if (strcmp(manifest->operators[i].uid, self->operator_uid) == 0) {
            return restore_operator_states(context, &manifest->operators[i], &self->operators, err);
        }
    }
    return CAIRN_OK;
}

static cairn_code restore_entry(cairn_backend *self, const cairn_backend_options *options,
                                const cairn_call *call, const timeline_entry *entry,
                                cairn_error *err)
{
    transfer_context context = transfers(self, call);
    const cairn_subtask_info *subtask = NULL;

    if (entry->manifest == NULL) {
        return error_set(err, entry->code, "%s", entry->problem.message);
    }
    CAIRN_TRY(choose_subtask(entry->manifest, self->operator_uid, options, &subtask, err));
    CAIRN_FAILPOINT("restore.manifest.checked", err);
    CAIRN_TRY(restore_operators_of(self, &context, entry->manifest, err));
    return restore_subtask(&context, subtask, self->db_dir, err);
}

/* Damage is reported with the way out. */
static cairn_code explain_damage(const cairn_backend *self, const cairn_call *call,
                                 const timeline *line, uint64_t id, cairn_error *err)
{
    transfer_context context = transfers(self, call);
    if (err == NULL) {
        return CAIRN_E_INTEGRITY;
    }
    const cairn_error damage = *err;
    size_t good = choose_newest_good(&context, line, id);
    if (good == line->count) {
        return error_set(err, CAIRN_E_INTEGRITY,
                         "restore checkpoint %llu: %s; no older good checkpoint is there",
                         (unsigned long long)id, damage.message);
    }
    return error_set(err, CAIRN_E_INTEGRITY,
                     "restore checkpoint %llu: %s; the newest good checkpoint is %llu: restore it, "
                     "or latest-good",
                     (unsigned long long)id, damage.message,
                     (unsigned long long)line->entries[good].id);
}

static cairn_code restore_exactly(cairn_backend *self, const cairn_backend_options *options,
                                  const cairn_call *call, const timeline *line, size_t index,
                                  cairn_error *err)
{
    const timeline_entry *entry = &line->entries[index];

    cairn_code code = restore_entry(self, options, call, entry, err);
    if (code == CAIRN_E_INTEGRITY) {
        return explain_damage(self, call, line, entry->id, err);
    }
    return code;
}

static cairn_code restore_good(cairn_backend *self, const cairn_backend_options *options,
                               const cairn_call *call, const timeline *line, size_t *out_index,
                               cairn_error *err)
{
    cairn_error problem = {0};
    cairn_code code = CAIRN_OK;

    for (size_t i = line->head; i < line->count; i++) {
        if (!line->entries[i].counts) {
            continue;
        }
        code = restore_entry(self, options, call, &line->entries[i], &problem);
        if (code == CAIRN_OK) {
            *out_index = i;
            return CAIRN_OK;
        }
        if (code != CAIRN_E_INTEGRITY) {
            break;
        }
        log_write(&self->log, CAIRN_LOG_WARN, "checkpoint %llu is passed over: %s",
                  (unsigned long long)line->entries[i].id, problem.message);
    }
    return error_set(err, code, "restore the latest good checkpoint: %s", problem.message);
}

static cairn_code find_id(const cairn_backend *self, const timeline *line, uint64_t id,
                          size_t *out_index, cairn_error *err)
{
    size_t index = timeline_find(line, id);

    if (index < line->count && line->entries[index].counts) {
        *out_index = index;
        return CAIRN_OK;
    }
    const char *why = index < line->count ? "does not count" : "is not there";
    if (line->head == line->count) {
        return error_set(err, CAIRN_E_NOT_FOUND,
                         "restore: checkpoint %llu of job %s %s; the job has none",
                         (unsigned long long)id, self->job, why);
    }
    return error_set(err, CAIRN_E_NOT_FOUND,
                     "restore: checkpoint %llu of job %s %s; the newest that counts is %llu",
                     (unsigned long long)id, self->job, why,
                     (unsigned long long)line->entries[line->head].id);
}

/* The entry that the options ask for; line->count for an empty start. */
static cairn_code select_entry(const cairn_backend *self, const cairn_backend_options *options,
                               const timeline *line, size_t *out_index, cairn_error *err)
{
    *out_index = line->count;
    if (options->restore == CAIRN_RESTORE_ID) {
        return find_id(self, line, options->restore_id, out_index, err);
    }
    if (options->restore == CAIRN_RESTORE_NONE || options->restore == CAIRN_RESTORE_SAVEPOINT) {
        return CAIRN_OK;
    }
    *out_index = line->head;
    return timeline_check_head(line, err);
}

cairn_code choose_preview(const cairn_backend *self, const cairn_backend_options *options,
                          const timeline *line, cairn_error *err)
{
    const cairn_subtask_info *subtask = NULL;
    size_t index = line->count;

    CAIRN_TRY(select_entry(self, options, line, &index, err));
    if (index == line->count || line->entries[index].manifest == NULL) {
        return CAIRN_OK; /* damage is told, with the way out, by the restore itself */
    }
    return choose_subtask(line->entries[index].manifest, self->operator_uid, options, &subtask,
                          err);
}

cairn_code choose_and_restore(cairn_backend *self, const cairn_backend_options *options,
                              const cairn_call *call, timeline *line, size_t *out_index,
                              cairn_error *err)
{
    size_t index = line->count;

    CAIRN_TRY(select_entry(self, options, line, &index, err));
    CAIRN_FAILPOINT("restore.manifest.chosen", err);
    if (index == line->count) {
        *out_index = index;
        return CAIRN_OK;
    }
    if (options->restore == CAIRN_RESTORE_LATEST_GOOD) {
        return restore_good(self, options, call, line, out_index, err);
    }
    CAIRN_TRY(restore_exactly(self, options, call, line, index, err));
    *out_index = index;
    return CAIRN_OK;
}
