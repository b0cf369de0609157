#include "store_pick.h"

#include <cairn/dir.h>
#include <cairn/hdfs.h>
#include <cairn/s3.h>

#include "cli_config.h"
#include "store_pick_remote.h"
#include "store_uri.h"

static cairn_code pick_dir(const char *uri, bool create, cairn_store **out, cairn_error *err)
{
    cairn_dir_options options = CAIRN_DIR_OPTIONS_INIT;
    const char *path = NULL;

    CAIRN_TRY(store_uri_path(uri, "store", &path, err));
    options.create = create;
    return cairn_dir_store_new(path, &options, out, err);
}

cairn_code store_pick(const cairn_config *config, const cairn_log *log, const char *uri,
                      bool create, cairn_store **out, cairn_error *err)
{
    const cairn_log silent = CAIRN_LOG_INIT;
    store_kind kind = CAIRN_STORE_KIND_DIR;

    CAIRN_TRY(store_uri_kind(uri, "store", &kind, err));
    switch (kind) {
    case CAIRN_STORE_KIND_DIR:
        return pick_dir(uri, create, out, err);
    case CAIRN_STORE_KIND_S3:
        return store_pick_s3(config, log != NULL ? log : &silent, uri, out, err);
    case CAIRN_STORE_KIND_HDFS:
        return store_pick_hdfs(config, log != NULL ? log : &silent, uri, create, out, err);
    }
    return CAIRN_E_INTERNAL;
}

cairn_code store_pick_by_args(const cli_args *args, const char *uri, cairn_store **out,
                              cairn_error *err)
{
    CAIRN_AUTO_PTR(cairn_config_free) cairn_config *config = NULL;

    CAIRN_TRY(cli_config_read(args, &config, err));
    return store_pick(config, NULL, uri, false, out, err);
}

cairn_code store_pick_sweep(const char *uri, cairn_store *store, const cairn_call *call,
                            uint64_t older_than_ms, uint64_t *out_removed, cairn_error *err)
{
    store_kind kind = CAIRN_STORE_KIND_DIR;

    CAIRN_TRY(store_uri_kind(uri, "store", &kind, err));
    switch (kind) {
    case CAIRN_STORE_KIND_DIR:
        *out_removed = 0;
        return CAIRN_OK;
    case CAIRN_STORE_KIND_S3:
        return cairn_s3_sweep_uploads(store, call, older_than_ms, out_removed, err);
    case CAIRN_STORE_KIND_HDFS:
        return cairn_hdfs_sweep(store, call, older_than_ms, out_removed, err);
    }
    return CAIRN_E_INTERNAL;
}
