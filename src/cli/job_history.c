#include "job_history.h"

#include <cairn/savepoint.h>

#include "errors.h"
#include "store_pick.h"

#include <inttypes.h>
#include <stdio.h>

static job_history take_history(job_history *from)
{
    job_history taken = *from;

    *from = (job_history){0};
    return taken;
}

static cairn_code load(const cli_call *call, job_history *opened, cairn_error *err)
{
    const job_uri *uri = &opened->uri;

    return uri->savepoint == NULL
               ? cairn_history_load(opened->store, &call->store, uri->job, &opened->history, err)
               : cairn_history_load_savepoint(opened->store, &call->store, uri->job, uri->savepoint,
                                              &opened->history, err);
}

cairn_code job_history_open(const cli_call *call, job_history *out, cairn_error *err)
{
    return job_history_open_argument(call, 0, out, err);
}

cairn_code job_history_open_argument(const cli_call *call, size_t argument, job_history *out,
                                     cairn_error *err)
{
    CAIRN_AUTO(job_history) opened = {0};

    CAIRN_TRY(job_uri_parse(call->args->arguments[argument], &opened.uri, err));
    CAIRN_TRY(store_pick_by_args(call->args, opened.uri.store, &opened.store, err));
    CAIRN_TRY(load(call, &opened, err));
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
    if (uri.id != 0 || uri.savepoint != NULL) {
        return error_set(err, CAIRN_E_INVALID, "%s: takes the job URI without '@'",
                         call->args->spec->command);
    }
    *out = job_uri_take(&uri);
    return CAIRN_OK;
}

void job_history_title(const job_history *opened, uint64_t id, char out[JOB_HISTORY_TITLE_BYTES])
{
    if (opened->uri.savepoint == NULL) {
        (void)snprintf(out, JOB_HISTORY_TITLE_BYTES, "checkpoint %" PRIu64, id);
    } else {
        (void)snprintf(out, JOB_HISTORY_TITLE_BYTES, "savepoint %s", opened->uri.savepoint);
    }
}

void job_history_add_place(json_text *json, const job_history *opened, uint64_t id)
{
    json_text_member_string(json, "job", opened->uri.job);
    json_text_member_u64(json, "id", id);
    if (opened->uri.savepoint != NULL) {
        json_text_member_string(json, "savepoint", opened->uri.savepoint);
    }
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
    if (entry->manifest->kind == CAIRN_MANIFEST_SAVEPOINT) {
        return "savepoint";
    }
    if (entry->counts) {
        return entry->head ? "head" : "counts";
    }
    cairn_history_get_epochs(history, &epochs);
    return entry->id < epochs.boundary ? "retired" : "passed-over";
}
