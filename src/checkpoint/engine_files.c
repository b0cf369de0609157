/* Listing the engine's files: those on the local disk, and those that need not be there. */
#include "errors.h"
#include "plan.h"

#include <stdlib.h>
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

/* What the engine tells: `known` stand in the folder, `absent` do not. */
typedef struct told_files {
    engine_files *known;
    engine_files absent;
    size_t capacity;
} told_files;

static cairn_code add_absent(told_files *told, const char *name, engine_file **out,
                             cairn_error *err)
{
    engine_files *files = &told->absent;

    if (files->count == told->capacity) {
        size_t capacity = told->capacity == 0 ? 16 : 2 * told->capacity;
        engine_file *items = mem_realloc_array(files->items, capacity, sizeof *items);
        if (items == NULL) {
            return error_no_memory(err, "checkpoint");
        }
        files->items = items;
        told->capacity = capacity;
    }
    engine_file *file = &files->items[files->count];
    *file = (engine_file){.absent = true, .info = {.name = mem_strdup(name)}};
    if (file->info.name == NULL) {
        return error_no_memory(err, "checkpoint");
    }
    files->count++;
    *out = file;
    return CAIRN_OK;
}

/* An SST that is not in the folder is one that the working database has made since. */
static cairn_code note_file(void *context, const state_file *told, cairn_error *err)
{
    told_files *files = context;
    engine_file *file = engine_files_find(files->known, told->name);

    if (file == NULL && plan_is_sst(told->name)) {
        return CAIRN_OK;
    }
    if (file == NULL) {
        CAIRN_TRY(add_absent(files, told->name, &file, err));
    }
    file->grouped = true;
    file->info.first_key_group = told->first_key_group;
    file->info.last_key_group = told->last_key_group;
    return CAIRN_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const engine_file *)a)->info.name, ((const engine_file *)b)->info.name);
}

/* Moves the items of `more` behind those of `files`, and sorts. */
static cairn_code merge(engine_files *files, engine_files *more, cairn_error *err)
{
    if (more->count == 0) {
        return CAIRN_OK;
    }
    size_t count = files->count + more->count;
    engine_file *items = mem_realloc_array(files->items, count, sizeof *items);
    if (items == NULL) {
        return error_no_memory(err, "checkpoint");
    }
    memcpy(items + files->count, more->items, more->count * sizeof *items);
    qsort(items, count, sizeof *items, by_name);
    *files = (engine_files){items, count};
    more->count = 0;
    return CAIRN_OK;
}

cairn_code engine_files_of(state_snapshot *snapshot, const char *dir, engine_files *out,
                           cairn_error *err)
{
    CAIRN_AUTO(engine_files) files = {0};
    told_files told = {.known = &files};

    CAIRN_TRY(engine_files_scan(dir, &files, err));
    cairn_code code = snapshot->ops->visit_files(snapshot, dir, note_file, &told, err);
    if (code == CAIRN_OK) {
        code = merge(&files, &told.absent, err);
    }
    engine_files_release(&told.absent);
    CAIRN_TRY(code);
    *out = engine_files_take(&files);
    return CAIRN_OK;
}
