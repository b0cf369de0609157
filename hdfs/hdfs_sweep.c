/*
 * DESIGN: the same walk as a listing, but only temporaries are of interest, and a folder that is
 * left empty is removed as well. What is old is told by the NameNode's clock alone: a temporary
 * folder that is made for the purpose has a modification time of now.
 */
#include "hdfs_sweep.h"

#include <cairn/hdfs.h>

#include "clock.h"
#include "errors.h"
#include "hdfs_path.h"
#include "random.h"

#include <string.h>

cairn_code hdfs_server_now_ms(hdfs_store *store, const cairn_call *call, uint64_t *out_ms,
                              cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) path = {0};
    CAIRN_AUTO(webhdfs_flight) flight = {.request = NULL};
    char id[RANDOM_ID_SIZE];
    webhdfs_status status = {.is_file = false};

    random_id(id);
    CAIRN_TRY(buf_printf(&path, err, "%s/" HDFS_TEMPORARY_CLOCK "%s", store->root, id));
    if (buf_text(&path) == NULL) {
        return error_no_memory(err, "a path");
    }
    const webhdfs_request request = {.op = CAIRN_WEBHDFS_MKDIRS, .path = buf_text(&path)};
    cairn_code code = hdfs_request(store, call, &request, &flight, err);
    if (code == CAIRN_OK) {
        code = hdfs_status(store, call, request.path, &status, err);
    }
    hdfs_discard(store, request.path, false);
    CAIRN_TRY(code);
    *out_ms = status.modified_ms;
    return CAIRN_OK;
}

typedef struct sweep {
    hdfs_store *store;
    const cairn_call *call;
    uint64_t before_ms; /* older ones go */
    uint64_t removed;
    cairn_error denied; /* the first: of another user's temporary */
} sweep;

static cairn_code remove_old(void *context, const char *path, const webhdfs_status *status,
                             cairn_error *err)
{
    sweep *s = context;
    webhdfs_cause cause = CAIRN_WEBHDFS_OTHER;

    if (status->modified_ms > s->before_ms) {
        return CAIRN_OK;
    }
    cairn_error why = {0};
    const cairn_code code = hdfs_delete(s->store, s->call, path, &cause, &why);
    if (cause == CAIRN_WEBHDFS_NOT_EMPTY) {
        return CAIRN_OK; /* somebody's folder, none of ours */
    }
    if (code == CAIRN_E_ACCESS) {
        s->denied = s->denied.code == CAIRN_OK ? why : s->denied;
        return CAIRN_OK; /* those behind it may be ours */
    }
    if (code != CAIRN_OK) {
        return error_set(err, code, "%s", why.message);
    }
    s->removed++;
    char *folder CAIRN_AUTO_FREE = mem_strdup(path);
    if (folder == NULL) {
        return error_no_memory(err, "a path");
    }
    hdfs_remove_empty_folders(s->store, s->call, folder);
    return CAIRN_OK;
}

/* The clock's folder would make a root that is missing. */
static cairn_code sweep_below_root(sweep *s, uint64_t older_than_ms, cairn_error *err)
{
    uint64_t now_ms = 0;
    bool there = false;

    CAIRN_TRY(hdfs_root_is_there(s->store, s->call, &there, err));
    if (!there) {
        return CAIRN_OK;
    }
    CAIRN_TRY(hdfs_server_now_ms(s->store, s->call, &now_ms, err));
    s->before_ms = now_ms > older_than_ms ? now_ms - older_than_ms : 0;
    CAIRN_TRY(hdfs_walk_temporaries(s->store, s->call, remove_old, s, err));
    return s->denied.code == CAIRN_OK ? CAIRN_OK
                                      : error_set(err, s->denied.code, "%s", s->denied.message);
}

cairn_code cairn_hdfs_sweep(cairn_store *store, const cairn_call *call, uint64_t older_than_ms,
                            uint64_t *out_removed, cairn_error *err)
{
    sweep s = {.store = store == NULL ? NULL : cairn_store_self(store, hdfs_store_free)};
    const cairn_call own = {call != NULL && call->deadline_ms != 0
                                ? call->deadline_ms
                                : cairn_deadline_in(CAIRN_STORE_TIMEOUT_MS),
                            call != NULL ? call->cancel : NULL};

    if (s.store == NULL) {
        return error_set(err, CAIRN_E_INVALID, "sweep: the store is not in HDFS");
    }
    s.call = &own;
    const cairn_code code = sweep_below_root(&s, older_than_ms, err);
    if (code != CAIRN_OK) {
        return error_prefix(err, code, "sweep %s", cairn_store_uri(store));
    }
    if (out_removed != NULL) {
        *out_removed = s.removed;
    }
    return CAIRN_OK;
}
