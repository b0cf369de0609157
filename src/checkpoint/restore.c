#include "restore.h"

#include "errors.h"
#include "failpoint.h"
#include "fsutil.h"
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A folder that is removed at the end of scope unless its name was taken away. */
typedef char *partial_dir;

static void partial_dir_discard(partial_dir *dir)
{
    if (*dir != NULL) {
        (void)fs_remove_tree(*dir, NULL);
        mem_free(*dir);
    }
}
CAIRN_DEFINE_AUTO(partial_dir, partial_dir_discard)

cairn_code restore_check_space(const char *dir, uint64_t need_bytes, cairn_error *err)
{
    uint64_t free_bytes = 0;

    CAIRN_TRY(fs_free_bytes(dir, &free_bytes, err));
    if (need_bytes > free_bytes) {
        return error_set(err, CAIRN_E_NO_SPACE, "restore to %s: needs %llu bytes, %llu are free",
                         dir, (unsigned long long)need_bytes, (unsigned long long)free_bytes);
    }
    return CAIRN_OK;
}

/* The largest first, so that no thread is left alone with one at the end. */
static int by_size_descending(const void *a, const void *b)
{
    const uint64_t first = ((const download *)a)->info->size;
    const uint64_t second = ((const download *)b)->info->size;

    return (first < second) - (first > second);
}

cairn_code restore_files(const transfer_context *context, const cairn_file_info *files,
                         size_t count, const char *dir, bool durable, cairn_error *err)
{
    download *downloads CAIRN_AUTO_FREE = mem_calloc(count, sizeof *downloads);

    if (downloads == NULL) {
        return error_no_memory(err, "restore");
    }
    for (size_t i = 0; i < count; i++) {
        const bool frozen = !durable && plan_is_frozen(files[i].name);
        downloads[i] =
            (download){.dir = dir, .info = &files[i], .durable = durable, .frozen = frozen};
    }
    qsort(downloads, count, sizeof *downloads, by_size_descending);
    return download_batch(context, downloads, count, err);
}

static uint64_t files_bytes(const cairn_file_info *files, size_t count)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < count; i++) {
        bytes += files[i].size; /* manifest_validate has checked the sum */
    }
    return bytes;
}

static cairn_code make_partial(const char *dir, partial_dir *out, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) name = {0};

    CAIRN_TRY(buf_printf(&name, err, "%s.partial", dir));
    const char *path = buf_text(&name);
    char *copy = path == NULL ? NULL : mem_strdup(path);
    if (copy == NULL) {
        return error_no_memory(err, "restore");
    }
    *out = copy;
    CAIRN_TRY(fs_remove_tree(copy, err)); /* of an earlier restore that was killed */
    return fs_make_dirs(copy, err);
}

cairn_code restore_subtask(const transfer_context *context, const cairn_subtask_info *subtask,
                           const char *dir, cairn_error *err)
{
    CAIRN_AUTO(partial_dir) partial = NULL;

    CAIRN_FAILPOINT("restore.download.before", err);
    CAIRN_TRY(make_partial(dir, &partial, err));
    CAIRN_TRY(restore_check_space(partial, files_bytes(subtask->files, subtask->file_count), err));
    CAIRN_TRY(restore_files(context, subtask->files, subtask->file_count, partial, false, err));
    CAIRN_FAILPOINT("restore.rename.before", err);
    CAIRN_TRY(fs_rename(partial, dir, err));
    mem_free(CAIRN_TAKE(partial));
    CAIRN_FAILPOINT("restore.rename.after", err);
    return CAIRN_OK;
}

typedef struct file_list {
    const cairn_file_info *items;
    size_t count;
} file_list;

static cairn_code restore_folder(const transfer_context *context, const char *parent,
                                 const file_list *files, const char *name, cairn_error *err)
{
    char *dir CAIRN_AUTO_FREE = NULL;

    CAIRN_TRY(fs_join(parent, name, &dir, err));
    CAIRN_TRY(fs_make_dirs(dir, err));
    CAIRN_TRY(restore_files(context, files->items, files->count, dir, true, err));
    return fs_sync_dir(dir, err);
}

/* A savepoint is written by one: nobody has to wait for a part. */
static bool has_parts(const cairn_manifest *manifest)
{
    return manifest->kind != CAIRN_MANIFEST_SAVEPOINT;
}

/* --- a checkpoint, or what holds one key of it ------------------------------------------------ */

static bool holds_group(uint32_t first, uint32_t last, const restore_filter *filter)
{
    return filter == NULL || (first <= filter->key_group && filter->key_group <= last);
}

/* Group files stand each for itself; a database needs all of its files. */
static bool is_wanted(const cairn_file_info *file, const restore_filter *filter)
{
    return !plan_is_packed(file->name) ||
           holds_group(file->first_key_group, file->last_key_group, filter);
}

static cairn_code restore_state(const transfer_context *context, const cairn_subtask_info *subtask,
                                const restore_filter *filter, const char *parent, cairn_error *err)
{
    /* Copies of the structs alone: what they point to is the manifest's. */
    CAIRN_AUTO_FREE cairn_file_info *wanted = mem_calloc(subtask->file_count, sizeof *wanted);
    size_t count = 0;
    char name[32];

    if (wanted == NULL) {
        return error_no_memory(err, "restore");
    }
    for (size_t i = 0; i < subtask->file_count; i++) {
        if (is_wanted(&subtask->files[i], filter)) {
            wanted[count++] = subtask->files[i];
        }
    }
    (void)snprintf(name, sizeof name, "%u", subtask->index);
    return restore_folder(context, parent, &(file_list){wanted, count}, name, err);
}

static cairn_code restore_outputs(const transfer_context *context,
                                  const cairn_subtask_info *subtask, const char *parent,
                                  cairn_error *err)
{
    const file_list outputs = {subtask->outputs, subtask->output_count};
    char name[32];

    (void)snprintf(name, sizeof name, "%u.output", subtask->index);
    return outputs.count == 0 ? CAIRN_OK : restore_folder(context, parent, &outputs, name, err);
}

static cairn_code restore_operators(const transfer_context *context,
                                    const cairn_subtask_info *subtask, const char *parent,
                                    cairn_error *err)
{
    char name[32];

    if (subtask->operator_states == NULL) {
        return CAIRN_OK;
    }
    (void)snprintf(name, sizeof name, "%u.operator", subtask->index);
    return restore_folder(context, parent, &(file_list){&subtask->operator_states->file, 1}, name,
                          err);
}

static cairn_code restore_operator(const transfer_context *context, const restore_source *source,
                                   const cairn_operator_info *op, const char *parent,
                                   cairn_error *err)
{
    const cairn_manifest *manifest = source->manifest;
    char *dir CAIRN_AUTO_FREE = NULL;

    CAIRN_TRY(fs_join(parent, op->uid, &dir, err));
    for (size_t i = 0; i < op->subtask_count; i++) {
        const cairn_subtask_info *subtask = &op->subtasks[i];
        layout_writer writer = {op->uid, subtask->index, manifest->epoch, subtask->attempt};
        if (holds_group(subtask->first_key_group, subtask->last_key_group, source->filter)) {
            CAIRN_TRY(has_parts(manifest) ? restore_check_part(context, manifest, &writer, err)
                                          : CAIRN_OK);
            CAIRN_TRY(restore_state(context, subtask, source->filter, dir, err));
            CAIRN_TRY(source->filter == NULL ? restore_outputs(context, subtask, dir, err)
                                             : CAIRN_OK);
            CAIRN_TRY(source->filter == NULL ? restore_operators(context, subtask, dir, err)
                                             : CAIRN_OK);
        }
    }
    return fs_sync_dir(dir, err);
}

static cairn_code restore_into(const transfer_context *context, const restore_source *source,
                               const char *dir, cairn_error *err)
{
    const cairn_manifest *manifest = source->manifest;
    const restore_filter *filter = source->filter;
    char *path CAIRN_AUTO_FREE = NULL;

    if (filter == NULL) {
        CAIRN_TRY(restore_check_space(dir, cairn_manifest_total_bytes(manifest), err));
    }
    for (size_t i = 0; i < manifest->operator_count; i++) {
        const cairn_operator_info *op = &manifest->operators[i];
        if (filter == NULL || strcmp(op->uid, filter->operator_uid) == 0) {
            CAIRN_TRY(restore_operator(context, source, op, dir, err));
        }
    }
    CAIRN_TRY(fs_join(dir, "manifest.json", &path, err));
    return fs_write_file(path, source->document, err);
}

/* `dir` may be absent or an empty folder; rename(2) replaces the latter. */
static cairn_code check_target(const char *dir, cairn_error *err)
{
    CAIRN_AUTO(fs_names) names = {0};

    if (!fs_exists(dir)) {
        return CAIRN_OK;
    }
    CAIRN_TRY(fs_list(dir, &names, err));
    if (names.count > 0) {
        return error_set(err, CAIRN_E_INVALID,
                         "restore to %s: the folder is not empty; name a new or an empty one", dir);
    }
    return CAIRN_OK;
}

/* "<parent>", "<name>" of a path; trailing slashes do not count. */
static cairn_code split_target(const char *dir, char **out_parent, char **out_name,
                               cairn_error *err)
{
    size_t length = strlen(dir);

    while (length > 1 && dir[length - 1] == '/') {
        length--;
    }
    const char *slash = memrchr(dir, '/', length);
    size_t parent = slash == NULL ? 0 : (size_t)(slash - dir);
    size_t begin = slash == NULL ? 0 : parent + 1;
    *out_parent = slash == NULL ? mem_strdup(".") : mem_strndup(dir, parent == 0 ? 1 : parent);
    *out_name = mem_strndup(dir + begin, length - begin);
    if (*out_parent == NULL || *out_name == NULL) {
        return error_no_memory(err, "restore");
    }
    return CAIRN_OK;
}

/* A folder of our own beside the target, whatever else stands there. */
static cairn_code make_scratch(const char *parent, const char *name, partial_dir *out,
                               cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) prefix = {0};

    CAIRN_TRY(fs_make_dirs(parent, err));
    CAIRN_TRY(buf_printf(&prefix, err, "%s.partial-", name));
    const char *text = buf_text(&prefix);
    return text == NULL ? error_no_memory(err, "restore")
                        : fs_make_temp_dir(parent, text, out, err);
}

cairn_code restore_checkpoint(const transfer_context *context, const restore_source *source,
                              const char *dir, cairn_error *err)
{
    CAIRN_AUTO(partial_dir) partial = NULL;
    char *parent CAIRN_AUTO_FREE = NULL;
    char *name CAIRN_AUTO_FREE = NULL;
    char *target CAIRN_AUTO_FREE = NULL;

    CAIRN_TRY(split_target(dir, &parent, &name, err));
    CAIRN_TRY(fs_join(parent, name, &target, err));
    CAIRN_TRY(check_target(target, err));
    CAIRN_TRY(make_scratch(parent, name, &partial, err));
    CAIRN_TRY(restore_into(context, source, partial, err));
    CAIRN_TRY(fs_rename(partial, target, err));
    mem_free(CAIRN_TAKE(partial));
    return fs_sync_dir(parent, err);
}

cairn_code restore_check_part(const transfer_context *context, const cairn_manifest *manifest,
                              const layout_writer *writer, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) document = {0};
    CAIRN_AUTO(manifest_part) part = {0};
    layout_key key = layout_part(manifest->id, writer);

    cairn_code code = cairn_store_get(context->root, context->call, key.text, CAIRN_PART_BYTES_MAX,
                                      &document, err);
    if (code == CAIRN_E_NOT_FOUND || code == CAIRN_E_LIMIT) {
        return error_set(err, CAIRN_E_INTEGRITY, "%s is %s", key.text,
                         code == CAIRN_E_LIMIT ? "too large" : "missing");
    }
    CAIRN_TRY(code);
    code = manifest_part_read(cairn_buf_slice(&document), &part, err);
    if (code != CAIRN_OK) {
        return error_prefix(err, code, "%s is damaged", key.text);
    }
    if (part.checkpoint_id != manifest->id || part.epoch != manifest->epoch) {
        return error_set(err, CAIRN_E_INTEGRITY, "%s is a part of checkpoint %llu, epoch %llu",
                         key.text, (unsigned long long)part.checkpoint_id,
                         (unsigned long long)part.epoch);
    }
    return CAIRN_OK;
}

/* One object to check on the pool, a file or (info NULL) a part; the result is read after the
 * batch. */
typedef struct check {
    const transfer_context *context;
    const cairn_file_info *info;
    const cairn_manifest *manifest;
    layout_writer writer;
    layout_key key;
    bool stop_at_first;
    cairn_code code;
    cairn_error problem;
} check;

static cairn_code check_one(void *argument, cairn_error *err)
{
    check *self = argument;

    self->code = self->info == NULL ? restore_check_part(self->context, self->manifest,
                                                         &self->writer, &self->problem)
                                    : transfer_check(self->context, self->info, &self->problem);
    if (self->code == CAIRN_OK || !self->stop_at_first) {
        return CAIRN_OK;
    }
    return error_set(err, self->code, "%s", self->problem.message);
}

static size_t count_objects(const cairn_manifest *manifest)
{
    size_t count = 0;

    for (size_t i = 0; i < manifest->operator_count; i++) {
        const cairn_operator_info *op = &manifest->operators[i];
        for (size_t j = 0; j < op->subtask_count; j++) {
            count += op->subtasks[j].file_count + op->subtasks[j].output_count;
            count += has_parts(manifest);
            count += op->subtasks[j].operator_states != NULL;
        }
    }
    return count;
}

static check *fill_files(check *next, const transfer_context *context, const cairn_file_info *files,
                         size_t count)
{
    for (size_t i = 0; i < count; i++, next++) {
        *next = (check){.context = context, .info = &files[i]};
        (void)snprintf(next->key.text, sizeof next->key.text, "%s", files[i].key);
    }
    return next;
}

static void fill_checks(check *next, const transfer_context *context,
                        const cairn_manifest *manifest)
{
    for (size_t i = 0; i < manifest->operator_count; i++) {
        const cairn_operator_info *op = &manifest->operators[i];
        for (size_t j = 0; j < op->subtask_count; j++) {
            const cairn_subtask_info *subtask = &op->subtasks[j];
            layout_writer writer = {op->uid, subtask->index, manifest->epoch, subtask->attempt};
            next = fill_files(next, context, subtask->files, subtask->file_count);
            next = fill_files(next, context, subtask->outputs, subtask->output_count);
            if (subtask->operator_states != NULL) {
                next = fill_files(next, context, &subtask->operator_states->file, 1);
            }
            if (has_parts(manifest)) {
                *next++ = (check){.context = context,
                                  .manifest = manifest,
                                  .writer = writer,
                                  .key = layout_part(manifest->id, &writer)};
            }
        }
    }
}

static cairn_code run_checks(const transfer_context *context, check *checks, size_t count,
                             cairn_error *err)
{
    CAIRN_AUTO_PTR(workgroup_free) workgroup *group = NULL;

    CAIRN_TRY(workgroup_new(context->pool, &group, err));
    for (size_t i = 0; i < count; i++) {
        CAIRN_TRY(workgroup_submit(group, check_one, &checks[i], err));
    }
    return workgroup_wait(group, err);
}

cairn_code restore_verify(const transfer_context *context, const cairn_manifest *manifest,
                          restore_check_visit visit, void *visit_context, cairn_error *err)
{
    size_t count = count_objects(manifest);
    check *checks CAIRN_AUTO_FREE = mem_calloc(count, sizeof *checks);
    cairn_code first = CAIRN_OK;

    if (checks == NULL) {
        return error_no_memory(err, "verify");
    }
    fill_checks(checks, context, manifest);
    for (size_t i = 0; i < count; i++) {
        checks[i].stop_at_first = visit == NULL;
    }
    CAIRN_TRY(run_checks(context, checks, count, err));
    for (size_t i = 0; visit != NULL && i < count; i++) {
        uint64_t bytes = checks[i].info == NULL ? 0 : checks[i].info->size;
        visit(visit_context, checks[i].key.text, bytes, checks[i].code, &checks[i].problem);
        if (first == CAIRN_OK && checks[i].code != CAIRN_OK) {
            first = error_set(err, checks[i].code, "%s", checks[i].problem.message);
        }
    }
    return first;
}
