/* Filling the folder of a savepoint: copies of objects, and new ones. */
#include "buf.h"
#include "cancel.h"
#include "errors.h"
#include "failpoint.h"
#include "fsutil.h"
#include "plan.h"
#include "savepoint_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

cairn_code savepoint_next_key(savepoint_writer *self, layout_key *out, cairn_error *err)
{
    const layout_key key = layout_savepoint_file(self->name, &self->writer, self->next_sequence);

    CAIRN_TRY(key_list_add(&self->stored, key.text, err));
    self->next_sequence++;
    *out = key;
    return CAIRN_OK;
}

/* Takes the file to another object; its name, offset, size and digest stay. */
static cairn_code rename_file(const savepoint_writer *self, cairn_file_info *file,
                              const layout_key *key, cairn_error *err)
{
    char *const copy = mem_strdup(key->text);

    if (copy == NULL) {
        return error_no_memory(err, "savepoint");
    }
    mem_free(file->key);
    file->key = copy;
    file->uploaded_by = self->checkpoint_id;
    return CAIRN_OK;
}

/* --- copies ----------------------------------------------------------------------------------- */

/* One object, and the files in it, which stand side by side in the sorted array. */
typedef struct object_copy {
    const savepoint_writer *self;
    char *from_key; /* borrowed: the files name the copy once it stands */
    layout_key to_key;
    cairn_file_info *const *files;
    size_t count;
    uint64_t number; /* of the scratch file */
} object_copy;

static cairn_code as_damage(cairn_code code, const char *key, cairn_error *err)
{
    return code == CAIRN_E_NOT_FOUND ? error_set(err, CAIRN_E_INTEGRITY, "%s is missing", key)
                                     : code;
}

/* For stores that copy nothing by themselves. */
static cairn_code carry(const object_copy *copy, const char *path, cairn_error *err)
{
    const transfer_context *const transfer = &copy->self->transfer;
    cairn_object_info object;

    CAIRN_TRY(
        as_damage(cairn_store_stat(transfer->root, transfer->call, copy->from_key, &object, err),
                  copy->from_key, err));
    const cairn_file_range range = {path, 0, object.size, false, NULL};
    CAIRN_TRY(cairn_store_get_file(transfer->root, transfer->call, copy->from_key, &range, err));
    return cairn_store_put_file(transfer->root, transfer->call, copy->to_key.text, &range,
                                CAIRN_PUT_CREATE, err);
}

static cairn_code carry_in_scratch(const object_copy *copy, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) name = {0};

    CAIRN_TRY(buf_printf(&name, err, "%s/copy-%llu", copy->self->scratch_dir,
                         (unsigned long long)copy->number));
    const char *const path = buf_text(&name);
    if (path == NULL) {
        return error_no_memory(err, "savepoint");
    }
    const cairn_code code = carry(copy, path, err);
    (void)fs_remove_file(path, NULL);
    return code;
}

static cairn_code copy_object(void *argument, cairn_error *err)
{
    const object_copy *const copy = argument;
    const transfer_context *const transfer = &copy->self->transfer;
    cairn_error problem = {0};

    CAIRN_TRY(call_check(transfer->call, copy->from_key, err));
    cairn_code code = cairn_store_copy(transfer->root, transfer->call, copy->from_key,
                                       copy->to_key.text, CAIRN_PUT_CREATE, &problem);
    if (code == CAIRN_E_INCOMPATIBLE) {
        CAIRN_TRY(carry_in_scratch(copy, err));
    } else if (code != CAIRN_OK) {
        return as_damage(error_set(err, code, "%s", problem.message), copy->from_key, err);
    }
    CAIRN_FAILPOINT("savepoint.object.after", err);
    for (size_t i = 0; i < copy->count; i++) {
        CAIRN_TRY(rename_file(copy->self, copy->files[i], &copy->to_key, err));
        code = transfer_check(transfer, copy->files[i], err);
        if (code != CAIRN_OK) {
            return error_prefix(err, code, "savepoint");
        }
    }
    return CAIRN_OK;
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(cairn_file_info *const *)a)->key, (*(cairn_file_info *const *)b)->key);
}

/* The copies to make of the sorted files; *out_count of them. */
static cairn_code plan_copies(savepoint_writer *self, cairn_file_info *const *files, size_t count,
                              object_copy *copies, size_t *out_count, cairn_error *err)
{
    size_t filled = 0;

    for (size_t i = 0; i < count; i++) {
        object_copy *const last = filled == 0 ? NULL : &copies[filled - 1];

        if (last != NULL && strcmp(last->from_key, files[i]->key) == 0) {
            last->count++;
            continue;
        }
        copies[filled] = (object_copy){.self = self, .files = &files[i], .count = 1};
        copies[filled].number = self->next_sequence;
        CAIRN_TRY(savepoint_next_key(self, &copies[filled].to_key, err));
        copies[filled].from_key = mem_strdup(files[i]->key);
        filled++;
        *out_count = filled;
        if (copies[filled - 1].from_key == NULL) {
            return error_no_memory(err, "savepoint");
        }
    }
    return CAIRN_OK;
}

static cairn_code run_copies(const savepoint_writer *self, object_copy *copies, size_t count,
                             cairn_error *err)
{
    CAIRN_AUTO_PTR(workgroup_free) workgroup *group = NULL;

    CAIRN_TRY(workgroup_new(self->transfer.pool, &group, err));
    for (size_t i = 0; i < count; i++) {
        CAIRN_TRY(workgroup_submit(group, copy_object, &copies[i], err));
    }
    return workgroup_wait(group, err);
}

cairn_code savepoint_copy_files(savepoint_writer *self, cairn_file_info *const *files, size_t count,
                                cairn_error *err)
{
    cairn_file_info **sorted CAIRN_AUTO_FREE = mem_calloc(count, sizeof(cairn_file_info *));
    object_copy *copies CAIRN_AUTO_FREE = mem_calloc(count, sizeof *copies);
    size_t copy_count = 0;

    if (sorted == NULL || copies == NULL) {
        return error_no_memory(err, "savepoint");
    }
    for (size_t i = 0; i < count; i++) {
        sorted[i] = files[i];
    }
    qsort(sorted, count, sizeof(cairn_file_info *), by_key);
    cairn_code code = plan_copies(self, sorted, count, copies, &copy_count, err);
    if (code == CAIRN_OK) {
        code = run_copies(self, copies, copy_count, err);
    }
    for (size_t i = 0; i < copy_count; i++) {
        mem_free(copies[i].from_key);
    }
    return code;
}

/* --- new objects ------------------------------------------------------------------------------ */

/* The arrays that uploads point into. */
typedef struct store_batch {
    char **paths;
    cairn_file_info **infos;
    upload *uploads;
    size_t file_count;
    size_t upload_count;
} store_batch;

static void store_batch_release(store_batch *batch)
{
    for (size_t i = 0; batch->paths != NULL && i < batch->file_count; i++) {
        mem_free(batch->paths[i]);
    }
    mem_free(batch->paths);
    mem_free(batch->infos);
    mem_free(batch->uploads);
}
CAIRN_DEFINE_AUTO(store_batch, store_batch_release)

/* Into the object that is open, if there is room in it; else into a new one. */
static cairn_code place_file(savepoint_writer *self, store_batch *batch, size_t index,
                             uint64_t *open_bytes, cairn_error *err)
{
    cairn_file_info *const info = batch->infos[index];
    layout_key key;

    if (batch->upload_count > 0 && info->size <= CAIRN_PACK_BYTES &&
        *open_bytes <= CAIRN_PACK_BYTES - info->size) {
        (void)snprintf(key.text, sizeof key.text, "%s", batch->infos[index - 1]->key);
        batch->uploads[batch->upload_count - 1].count++;
    } else {
        CAIRN_TRY(savepoint_next_key(self, &key, err));
        batch->uploads[batch->upload_count++] = (upload){.paths = &batch->paths[index],
                                                         .infos = &batch->infos[index],
                                                         .count = 1,
                                                         .frozen = true};
        *open_bytes = 0;
    }
    info->offset = *open_bytes;
    *open_bytes += info->size;
    return rename_file(self, info, &key, err);
}

cairn_code savepoint_store_files(savepoint_writer *self, const char *dir, cairn_file_info *files,
                                 size_t count, cairn_error *err)
{
    CAIRN_AUTO(store_batch)
    batch = {.paths = mem_calloc(count, sizeof(char *)),
             .infos = mem_calloc(count, sizeof(cairn_file_info *)),
             .uploads = mem_calloc(count, sizeof(upload)),
             .file_count = count};
    uint64_t open_bytes = 0;

    if (batch.paths == NULL || batch.infos == NULL || batch.uploads == NULL) {
        return error_no_memory(err, "savepoint");
    }
    for (size_t i = 0; i < count; i++) {
        batch.infos[i] = &files[i];
        CAIRN_TRY(fs_join(dir, files[i].name, &batch.paths[i], err));
        CAIRN_TRY(place_file(self, &batch, i, &open_bytes, err));
    }
    CAIRN_TRY(upload_batch(&self->transfer, batch.uploads, batch.upload_count, err));
    CAIRN_FAILPOINT("savepoint.object.after", err);
    return CAIRN_OK;
}

void savepoint_discard(savepoint_writer *self)
{
    const cairn_call call = {cairn_deadline_in(CAIRN_ABORT_TIMEOUT_MS), NULL};

    (void)cairn_store_delete_many(self->transfer.root, &call,
                                  (const char *const *)self->stored.items, self->stored.count, NULL,
                                  NULL);
}
