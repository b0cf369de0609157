#include "plan.h"

#include "bounds.h"
#include "errors.h"
#include "state_canonical.h"
#include "state_heap.h"

#include <stdlib.h>
#include <string.h>

void engine_files_release(engine_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        file_info_release(&files->items[i].info);
    }
    mem_free(files->items);
    *files = (engine_files){0};
}

engine_files engine_files_take(engine_files *files)
{
    engine_files taken = *files;

    *files = (engine_files){0};
    return taken;
}

static int compare_name(const void *name, const void *file)
{
    return strcmp(name, ((const engine_file *)file)->info.name);
}

engine_file *engine_files_find(const engine_files *files, const char *name)
{
    if (files->count == 0) {
        return NULL;
    }
    return bsearch(name, files->items, files->count, sizeof *files->items, compare_name);
}

bool plan_is_sst(const char *name)
{
    size_t length = strlen(name);

    return length > 4 && strcmp(name + length - 4, ".sst") == 0;
}

bool plan_is_packed(const char *name)
{
    uint32_t key_group = 0;
    uint64_t changes = 0;

    return state_heap_is_group_file(name, &key_group, &changes) ||
           state_canonical_is_file(name, &key_group);
}

bool plan_is_frozen(const char *name)
{
    return plan_is_sst(name) || plan_is_packed(name);
}

static bool same_file(const fs_stat *a, const fs_stat *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->mtime_ns == b->mtime_ns;
}

static bool is_stored(const engine_file *stored, const engine_file *file)
{
    if (stored == NULL) {
        return false;
    }
    return plan_is_sst(file->info.name) ? same_file(&stored->stat, &file->stat)
                                        : plan_is_packed(file->info.name) && !stored->sparse;
}

bool plan_stands(const engine_files *base, const char *name)
{
    const engine_file *stored = engine_files_find(base, name);

    return stored != NULL && plan_is_packed(name) && !stored->sparse;
}

static cairn_code plan_reuse(const engine_file *stored, engine_file *file, cairn_error *err)
{
    CAIRN_AUTO(cairn_file_info) info = {0};

    CAIRN_TRY(file_info_copy(&stored->info, &info, err));
    file_info_release(&file->info);
    file->info = info;
    info = (cairn_file_info){0};
    file->fresh = false;
    file->object_bytes = stored->object_bytes;
    return CAIRN_OK;
}

/* The object that small files are being put into. */
typedef struct pack {
    layout_key key;
    uint64_t bytes; /* 0: none is begun */
} pack;

static layout_key place_in_pack(const plan_context *context, pack *open, engine_file *file)
{
    const uint64_t size = file->stat.size;

    if (open->bytes == 0 || size > CAIRN_PACK_BYTES || open->bytes > CAIRN_PACK_BYTES - size) {
        *open = (pack){layout_shared(context->writer, (*context->next_sequence)++), 0};
    }
    file->info.offset = open->bytes;
    open->bytes += size;
    return open->key;
}

static layout_key choose_key(const plan_context *context, pack *open, engine_file *file)
{
    if (plan_is_packed(file->info.name)) {
        return place_in_pack(context, open, file);
    }
    return plan_is_sst(file->info.name)
               ? layout_shared(context->writer, (*context->next_sequence)++)
               : layout_private(context->checkpoint_id, context->writer, file->info.name);
}

static cairn_code plan_upload(const plan_context *context, pack *open, engine_file *file,
                              cairn_error *err)
{
    if (file->absent) {
        return error_set(err, CAIRN_E_INTERNAL, "plan of a checkpoint: %s was not written",
                         file->info.name);
    }
    const layout_key key = choose_key(context, open, file);
    file->info.key = mem_strdup(key.text);
    if (file->info.key == NULL) {
        return error_no_memory(err, "plan of a checkpoint");
    }
    file->fresh = true;
    file->info.size = file->stat.size;
    file->info.uploaded_by = context->checkpoint_id;
    if (!file->grouped) {
        file->info.first_key_group = context->range.first;
        file->info.last_key_group = context->range.last;
    }
    return CAIRN_OK;
}

cairn_code plan_files(const plan_context *context, engine_files *files, cairn_error *err)
{
    pack open = {.bytes = 0};

    for (size_t i = 0; i < files->count; i++) {
        engine_file *file = &files->items[i];
        const engine_file *stored = engine_files_find(context->base, file->info.name);
        if (is_stored(stored, file)) {
            CAIRN_TRY(plan_reuse(stored, file, err));
        } else {
            CAIRN_TRY(plan_upload(context, &open, file, err));
        }
    }
    return CAIRN_OK;
}
