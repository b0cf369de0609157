#include "bounds.h"
#include "errors.h"
#include "manifest_write.h"

#include <string.h>

cairn_code manifest_new(cairn_manifest **out, cairn_error *err)
{
    cairn_manifest *manifest = mem_calloc(1, sizeof(*manifest));

    if (manifest == NULL) {
        return error_no_memory(err, "manifest");
    }
    *out = manifest;
    return CAIRN_OK;
}

void file_info_release(cairn_file_info *file)
{
    mem_free(file->name);
    mem_free(file->key);
    *file = (cairn_file_info){0};
}

static void files_free(cairn_file_info *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        file_info_release(&files[i]);
    }
    mem_free(files);
}

void subtask_info_release(cairn_subtask_info *subtask)
{
    mem_free(subtask->engine);
    mem_free(subtask->engine_version);
    for (size_t i = 0; i < subtask->position_count; i++) {
        mem_free(subtask->positions[i].source);
    }
    mem_free(subtask->positions);
    cairn_buf_release(&subtask->operator_state);
    files_free(subtask->files, subtask->file_count);
    files_free(subtask->outputs, subtask->output_count);
    operator_states_info_free(subtask->operator_states);
    *subtask = (cairn_subtask_info){0};
}

void operator_info_release(cairn_operator_info *info)
{
    mem_free(info->uid);
    for (size_t i = 0; i < info->state_count; i++) {
        state_info_release(&info->states[i]);
    }
    mem_free(info->states);
    for (size_t i = 0; i < info->subtask_count; i++) {
        subtask_info_release(&info->subtasks[i]);
    }
    mem_free(info->subtasks);
    *info = (cairn_operator_info){0};
}

void cairn_manifest_free(cairn_manifest *manifest)
{
    if (manifest == NULL) {
        return;
    }
    mem_free(manifest->job);
    mem_free(manifest->reason);
    for (size_t i = 0; i < manifest->operator_count; i++) {
        operator_info_release(&manifest->operators[i]);
    }
    mem_free(manifest->operators);
    mem_free(manifest);
}

static cairn_code text_copy(const char *text, char **out, cairn_error *err)
{
    *out = mem_strdup(text);
    return *out == NULL ? error_no_memory(err, "manifest") : CAIRN_OK;
}

static void file_info_move(cairn_file_info *from, cairn_file_info *to)
{
    *to = *from;
    *from = (cairn_file_info){0};
}

cairn_code file_info_copy(const cairn_file_info *from, cairn_file_info *out, cairn_error *err)
{
    CAIRN_AUTO(cairn_file_info) copy = *from;

    copy.name = NULL;
    copy.key = NULL;
    CAIRN_TRY(text_copy(from->name, &copy.name, err));
    CAIRN_TRY(text_copy(from->key, &copy.key, err));
    file_info_move(&copy, out);
    return CAIRN_OK;
}

static cairn_code copy_files(const cairn_file_info *from, size_t count, cairn_file_info **out,
                             size_t *out_count, cairn_error *err)
{
    if (count == 0) {
        return CAIRN_OK;
    }
    *out = mem_calloc(count, sizeof(**out));
    if (*out == NULL) {
        return error_no_memory(err, "manifest");
    }
    for (; *out_count < count; ++*out_count) {
        CAIRN_TRY(file_info_copy(&from[*out_count], &(*out)[*out_count], err));
    }
    return CAIRN_OK;
}

static cairn_code copy_positions(const cairn_subtask_info *from, cairn_subtask_info *to,
                                 cairn_error *err)
{
    if (from->position_count == 0) {
        return CAIRN_OK;
    }
    to->positions = mem_calloc(from->position_count, sizeof(*to->positions));
    if (to->positions == NULL) {
        return error_no_memory(err, "manifest");
    }
    for (size_t i = 0; i < from->position_count; i++) {
        to->positions[i] = from->positions[i];
        CAIRN_TRY(text_copy(from->positions[i].source, &to->positions[i].source, err));
        to->position_count++;
    }
    return CAIRN_OK;
}

static cairn_code copy_arrays(const cairn_subtask_info *from, cairn_subtask_info *to,
                              cairn_error *err)
{
    CAIRN_TRY(copy_positions(from, to, err));
    cairn_buf_init(&to->operator_state, CAIRN_OPERATOR_STATE_BYTES_MAX);
    CAIRN_TRY(
        buf_append(&to->operator_state, from->operator_state.data, from->operator_state.len, err));
    CAIRN_TRY(copy_files(from->files, from->file_count, &to->files, &to->file_count, err));
    CAIRN_TRY(copy_files(from->outputs, from->output_count, &to->outputs, &to->output_count, err));
    return from->operator_states == NULL
               ? CAIRN_OK
               : operator_states_info_copy(from->operator_states, &to->operator_states, err);
}

cairn_code subtask_info_copy(const cairn_subtask_info *from, cairn_subtask_info *out,
                             cairn_error *err)
{
    CAIRN_AUTO(cairn_subtask_info)
    copy = {
        .index = from->index,
        .first_key_group = from->first_key_group,
        .last_key_group = from->last_key_group,
    };

    memcpy(copy.attempt, from->attempt, sizeof(copy.attempt));
    CAIRN_TRY(text_copy(from->engine, &copy.engine, err));
    CAIRN_TRY(text_copy(from->engine_version, &copy.engine_version, err));
    CAIRN_TRY(copy_arrays(from, &copy, err));
    *out = copy;
    copy = (cairn_subtask_info){0};
    return CAIRN_OK;
}

static uint64_t sum_files(const cairn_file_info *files, size_t count, uint64_t uploaded_by)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        sum += uploaded_by == 0 || files[i].uploaded_by == uploaded_by ? files[i].size : 0;
    }
    return sum;
}

/* `uploaded_by` 0: by any. Validation has made sure that the sum fits. */
static uint64_t sum_subtasks(const cairn_manifest *manifest, uint64_t uploaded_by)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < manifest->operator_count; i++) {
        const cairn_operator_info *info = &manifest->operators[i];

        for (size_t j = 0; j < info->subtask_count; j++) {
            const cairn_subtask_info *subtask = &info->subtasks[j];

            sum += sum_files(subtask->files, subtask->file_count, uploaded_by);
            sum += sum_files(subtask->outputs, subtask->output_count, uploaded_by);
            if (subtask->operator_states != NULL) {
                sum += sum_files(&subtask->operator_states->file, 1, uploaded_by);
            }
        }
    }
    return sum;
}

uint64_t cairn_manifest_total_bytes(const cairn_manifest *manifest)
{
    return sum_subtasks(manifest, 0);
}

uint64_t cairn_manifest_new_bytes(const cairn_manifest *manifest)
{
    return sum_subtasks(manifest, manifest->id);
}
