#include "checkpoint_operators.h"

#include "errors.h"
#include "logging.h"

static cairn_subtask_info *subtask_of(cairn_checkpoint *self)
{
    return &self->part.operator_info.subtasks[0];
}

cairn_file_info *checkpoint_operator_file(cairn_checkpoint *self)
{
    cairn_operator_states_info *states = subtask_of(self)->operator_states;

    return states == NULL ? NULL : &states->file;
}

static cairn_code describe_states(const cairn_checkpoint *self, cairn_operator_states_info *out,
                                  cairn_error *err)
{
    size_t count = 0;
    const cairn_operator_state_info *infos = operator_frozen_infos(self->operators, &count);

    out->states = mem_calloc(count, sizeof(*out->states));
    if (out->states == NULL) {
        return error_no_memory(err, "checkpoint");
    }
    for (; out->state_count < count; out->state_count++) {
        CAIRN_TRY(operator_state_info_copy(&infos[out->state_count], &out->states[out->state_count],
                                           err));
    }
    return CAIRN_OK;
}

static cairn_code describe(cairn_checkpoint *self, cairn_error *err)
{
    CAIRN_AUTO_PTR(operator_states_info_free)
    cairn_operator_states_info *info = mem_calloc(1, sizeof(*info));

    if (info == NULL) {
        return error_no_memory(err, "checkpoint");
    }
    CAIRN_TRY(describe_states(self, info, err));
    info->file.name = mem_strdup(OPERATOR_FILE_NAME);
    if (info->file.name == NULL) {
        return error_no_memory(err, "checkpoint");
    }
    info->file.first_key_group = self->session->range.first;
    info->file.last_key_group = self->session->range.last;
    subtask_of(self)->operator_states = CAIRN_TAKE(info);
    return CAIRN_OK;
}

/* Beside the folder of the engine's files, which it lists as its own. */
static cairn_code name_local_file(cairn_checkpoint *self, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) path = {0};

    CAIRN_TRY(buf_printf(&path, err, "%s.operators", self->snapshot_dir));
    self->operator_path = mem_strndup(path.data, path.len);
    return self->operator_path == NULL ? error_no_memory(err, "checkpoint") : CAIRN_OK;
}

cairn_code checkpoint_freeze_operators(cairn_checkpoint *self, cairn_error *err)
{
    CAIRN_TRY(operator_states_freeze(self->session->operators, &self->operators, err));
    if (self->operators == NULL) {
        return CAIRN_OK;
    }
    CAIRN_TRY(name_local_file(self, err));
    return describe(self, err);
}

cairn_code checkpoint_write_operators(cairn_checkpoint *self, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) bytes = {0};
    CAIRN_AUTO(fs_fd) fd = -1;
    cairn_file_info *file = checkpoint_operator_file(self);

    if (self->operators == NULL) {
        return CAIRN_OK;
    }
    CAIRN_ASSERT(file != NULL);
    CAIRN_TRY(operator_frozen_print(self->operators, &bytes, err));
    CAIRN_TRY(fs_open_new(self->operator_path, &fd, err));
    CAIRN_TRY(fs_write_all(fd, bytes.data, bytes.len, self->operator_path, err));
    file->size = bytes.len;
    operator_frozen_free(CAIRN_TAKE(self->operators)); /* its memory is the owner's again */
    return CAIRN_OK;
}

cairn_code checkpoint_name_operators(cairn_checkpoint *self, cairn_error *err)
{
    cairn_file_info *file = checkpoint_operator_file(self);
    layout_writer writer = session_writer(self->session);

    if (file == NULL) {
        return CAIRN_OK;
    }
    const layout_key key = layout_private(self->id, &writer, file->name);
    char *copy = mem_strdup(key.text);
    if (copy == NULL) {
        return error_no_memory(err, "checkpoint");
    }
    mem_free(file->key);
    file->key = copy;
    file->uploaded_by = self->id;
    return CAIRN_OK;
}

void checkpoint_release_operators(cairn_checkpoint *self)
{
    cairn_error problem = {0};

    operator_frozen_free(CAIRN_TAKE(self->operators));
    if (self->operator_path != NULL && fs_remove_file(self->operator_path, &problem) != CAIRN_OK) {
        log_write(self->session->log, CAIRN_LOG_WARN, "a local snapshot stays: %s",
                  problem.message);
    }
    mem_free(CAIRN_TAKE(self->operator_path));
}
