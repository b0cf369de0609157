#include "job_history.h"

#include "errors.h"
#include "store_pick.h"

static job_history take_history(job_history *from)
{
    job_history taken = *from;

    *from = (job_history){0};
    return taken;
}

cairn_code job_history_open(const cli_call *call, job_history *out, cairn_error *err)
{
    CAIRN_AUTO(job_history) opened = {0};

    CAIRN_TRY(job_uri_parse(call->args->arguments[0], &opened.uri, err));
    CAIRN_TRY(store_pick_by_args(call->args, opened.uri.store, &opened.store, err));
    CAIRN_TRY(cairn_history_load(opened.store, &call->store, opened.uri.job, &opened.history, err));
    *out = take_history(&opened);
    return CAIRN_OK;
}

void job_history_release(job_history *opened)
{
    cairn_history_free(opened->history);
    cairn_store_free(opened->store);
    job_uri_release(&opened->uri);
    *opened = (job_history){0};
}

cairn_code job_history_whole_uri(const cli_call *call, job_uri *out, cairn_error *err)
{
    CAIRN_AUTO(job_uri) uri = {0};

    CAIRN_TRY(job_uri_parse(call->args->arguments[0], &uri, err));
    if (uri.id != 0) {
        return error_set(err, CAIRN_E_INVALID, "%s: takes the job URI without '@'",
                         call->args->spec->command);
    }
    *out = job_uri_take(&uri);
    return CAIRN_OK;
}

static const char *unread_status(cairn_code code)
{
    return code == CAIRN_E_INTEGRITY ? "damaged" : "unreadable";
}

const char *job_history_status(const cairn_history *history, const cairn_history_entry *entry)
{
    cairn_history_epochs epochs = {0};

    if (entry->code != CAIRN_OK) {
        return unread_status(entry->code);
    }
    if (entry->manifest->kind == CAIRN_MANIFEST_ABORTED) {
        return "aborted";
    }
    if (entry->counts) {
        return entry->head ? "head" : "counts";
    }
    cairn_history_get_epochs(history, &epochs);
    return entry->id < epochs.boundary ? "retired" : "passed-over";
}
