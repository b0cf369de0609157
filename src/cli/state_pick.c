#include "state_pick.h"

#include "errors.h"
#include "fsutil.h"

#include <inttypes.h>
#include <string.h>

static cairn_code absent(const char *what, const char *wanted, const cairn_buf *known,
                         const cairn_manifest *manifest, cairn_error *err)
{
    const char *names = known->len == 0 ? "none" : (const char *)known->data;

    if (wanted == NULL) {
        return error_set(err, CAIRN_E_INVALID,
                         "checkpoint %" PRIu64 " of job %s: choose with --%s: there are %s",
                         manifest->id, manifest->job, what, names);
    }
    return error_set(err, CAIRN_E_NOT_FOUND,
                     "checkpoint %" PRIu64 " of job %s has no %s '%s': there are %s", manifest->id,
                     manifest->job, what, wanted, names);
}

static cairn_code append_name(cairn_buf *names, const char *name, cairn_error *err)
{
    CAIRN_TRY(buf_printf(names, err, "%s%s", names->len == 0 ? "" : ", ", name));
    return buf_text(names) == NULL ? error_no_memory(err, "names") : CAIRN_OK;
}

static cairn_code pick_operator(const cairn_manifest *manifest, const char *wanted,
                                const cairn_operator_info **out, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) names = {0};

    for (size_t i = 0; i < manifest->operator_count; i++) {
        const cairn_operator_info *candidate = &manifest->operators[i];

        if (wanted == NULL ? manifest->operator_count == 1 : strcmp(candidate->uid, wanted) == 0) {
            *out = candidate;
            return CAIRN_OK;
        }
        CAIRN_TRY(append_name(&names, candidate->uid, err));
    }
    return absent("operator", wanted, &names, manifest, err);
}

/* The subtasks' operator states by name; a name stands in each subtask that has it. */
static cairn_code find_operator_state(const cairn_subtask_info *subtask, const char *wanted,
                                      state_pick *pick, cairn_buf *names, cairn_error *err)
{
    const cairn_operator_states_info *has = subtask->operator_states;

    for (size_t i = 0; has != NULL && i < has->state_count; i++) {
        if (wanted != NULL && strcmp(has->states[i].name, wanted) == 0) {
            pick->operator_state = &has->states[i];
            return CAIRN_OK;
        }
        if (subtask->index == 0) {
            CAIRN_TRY(append_name(names, has->states[i].name, err));
        }
    }
    return CAIRN_OK;
}

static cairn_code pick_operator_state(const cairn_operator_info *operator_info, const char *wanted,
                                      state_pick *pick, cairn_buf *names, cairn_error *err)
{
    for (size_t i = 0; i < operator_info->subtask_count && pick->operator_state == NULL; i++) {
        CAIRN_TRY(find_operator_state(&operator_info->subtasks[i], wanted, pick, names, err));
    }
    return pick->operator_state != NULL ? CAIRN_OK
                                        : absent("state", wanted, names, pick->manifest, err);
}

static cairn_code pick_state(const cairn_operator_info *operator_info, const char *wanted,
                             state_pick *pick, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) names = {0};

    for (size_t i = 0; i < operator_info->state_count; i++) {
        const cairn_state_info *candidate = &operator_info->states[i];

        if (wanted == NULL ? operator_info->state_count == 1
                           : strcmp(candidate->name, wanted) == 0) {
            pick->state = candidate;
            return CAIRN_OK;
        }
        CAIRN_TRY(append_name(&names, candidate->name, err));
    }
    return pick_operator_state(operator_info, wanted, pick, &names, err);
}

static cairn_code choose(const cli_call *call, state_pick *pick, cairn_error *err)
{
    const cairn_history_entry *entry = NULL;
    const cairn_operator_info *operator_info = NULL;

    CAIRN_TRY(cairn_history_find(pick->job.history, pick->job.uri.id, &entry, err));
    pick->manifest = entry->manifest;
    if (pick->manifest->kind == CAIRN_MANIFEST_ABORTED) {
        return error_set(err, CAIRN_E_NOT_FOUND, "checkpoint %" PRIu64 " of job %s was aborted: %s",
                         entry->id, pick->job.uri.job, pick->manifest->reason);
    }
    CAIRN_TRY(
        pick_operator(pick->manifest, cli_value(call->args, "operator"), &operator_info, err));
    CAIRN_ASSERT(operator_info != NULL);
    pick->operator_uid = operator_info->uid;
    return pick_state(operator_info, cli_value(call->args, "state"), pick, err);
}

/* Where the files go. */
static cairn_code make_scratch(state_pick *pick, char **out, cairn_error *err)
{
    own_folder_reclaim(own_folder_parent(), NULL);
    CAIRN_TRY(own_folder_new(own_folder_parent(), CAIRN_OWN_FOLDER_SCRATCH, &pick->scratch, err));
    return fs_join(pick->scratch.path, OWN_FOLDER_CHECKPOINT, out, err);
}

cairn_code state_pick_choose(const cli_call *call, state_pick *out, cairn_error *err)
{
    CAIRN_AUTO(state_pick) pick = {0};

    CAIRN_TRY(job_history_open(call, &pick.job, err));
    CAIRN_TRY(choose(call, &pick, err));
    *out = pick;
    pick = (state_pick){0};
    return CAIRN_OK;
}

static cairn_code open_reader(const cli_call *call, const char *dir, state_pick *pick,
                              cairn_error *err)
{
    CAIRN_TRY(cairn_state_reader_open(dir, pick->operator_uid, &pick->reader, err));
    cairn_state_reader_show_expired(pick->reader, cli_given(call->args, "expired"));
    return CAIRN_OK;
}

cairn_code state_pick_open(const cli_call *call, state_pick *pick, cairn_error *err)
{
    CAIRN_AUTO_FREE char *dir = NULL;

    CAIRN_TRY(make_scratch(pick, &dir, err));
    CAIRN_TRY(cairn_history_restore(pick->job.history, &call->store, pick->manifest->id, dir, err));
    return open_reader(call, dir, pick, err);
}

cairn_code state_pick_open_key(const cli_call *call, cairn_slice key, state_pick *pick,
                               cairn_error *err)
{
    const cairn_history_key of = {pick->operator_uid, key};
    CAIRN_AUTO_FREE char *dir = NULL;

    CAIRN_TRY(make_scratch(pick, &dir, err));
    CAIRN_TRY(cairn_history_restore_key(pick->job.history, &call->store, pick->manifest->id, &of,
                                        dir, err));
    return open_reader(call, dir, pick, err);
}

void state_pick_release(state_pick *pick)
{
    cairn_state_reader_free(pick->reader);
    own_folder_release(&pick->scratch);
    job_history_release(&pick->job);
    *pick = (state_pick){0};
}
