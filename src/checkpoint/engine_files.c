/* Listing the engine's files on the local disk. */
#include "errors.h"
#include "plan.h"

#include <string.h>

/* OPTIONS are never loaded at a restore (ours are), so storing them would only cost requests. */
static bool is_stored(const char *name)
{
    return strncmp(name, "OPTIONS-", 8) != 0;
}

static cairn_code scan_file(const char *dir, const char *name, engine_file *out, cairn_error *err)
{
    char *path CAIRN_AUTO_FREE = NULL;

    CAIRN_TRY(fs_join(dir, name, &path, err));
    CAIRN_TRY(fs_stat_path(path, &out->stat, err));
    out->info.name = mem_strdup(name);
    return out->info.name == NULL ? error_no_memory(err, "checkpoint") : CAIRN_OK;
}

cairn_code engine_files_scan(const char *dir, engine_files *out, cairn_error *err)
{
    CAIRN_AUTO(fs_names) names = {0};
    CAIRN_AUTO(engine_files) files = {0};

    CAIRN_TRY(fs_list(dir, &names, err));
    files.items = mem_calloc(names.count, sizeof *files.items);
    if (files.items == NULL) {
        return error_no_memory(err, "checkpoint");
    }
    for (size_t i = 0; i < names.count; i++) {
        if (is_stored(names.items[i])) {
            CAIRN_TRY(scan_file(dir, names.items[i], &files.items[files.count++], err));
        }
    }
    *out = engine_files_take(&files);
    return CAIRN_OK;
}
