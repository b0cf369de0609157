#include "plan.h"

#include "errors.h"

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

static bool same_file(const fs_stat *a, const fs_stat *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->mtime_ns == b->mtime_ns;
}

static cairn_code plan_reuse(const engine_file *stored, engine_file *file, cairn_error *err)
{
    CAIRN_AUTO(cairn_file_info) info = {0};

    CAIRN_TRY(file_info_copy(&stored->info, &info, err));
    file_info_release(&file->info);
    file->info = info;
    info = (cairn_file_info){0};
    file->fresh = false;
    return CAIRN_OK;
}

static cairn_code plan_upload(const plan_context *context, engine_file *file, cairn_error *err)
{
    layout_key key = plan_is_sst(file->info.name)
                         ? layout_shared(context->writer, (*context->next_sequence)++)
                         : layout_private(context->checkpoint_id, context->writer, file->info.name);

    file->info.key = mem_strdup(key.text);
    if (file->info.key == NULL) {
        return error_no_memory(err, "plan of a checkpoint");
    }
    file->fresh = true;
    file->info.size = file->stat.size;
    file->info.uploaded_by = context->checkpoint_id;
    file->info.first_key_group = context->range.first;
    file->info.last_key_group = context->range.last;
    return CAIRN_OK;
}

cairn_code plan_files(const plan_context *context, engine_files *files, cairn_error *err)
{
    for (size_t i = 0; i < files->count; i++) {
        engine_file *file = &files->items[i];
        const engine_file *stored = engine_files_find(context->base, file->info.name);
        if (stored != NULL && plan_is_sst(file->info.name) &&
            same_file(&stored->stat, &file->stat)) {
            CAIRN_TRY(plan_reuse(stored, file, err));
        } else {
            CAIRN_TRY(plan_upload(context, file, err));
        }
    }
    return CAIRN_OK;
}
