/* The handle of a checkpoint and its sync phase. */
#include "checkpoint_operators.h"
#include "clock.h"
#include "encode.h"
#include "errors.h"
#include "failpoint.h"
#include "random.h"

#include <string.h>

CAIRN_DEFINE_AUTO_PTR(cairn_checkpoint, cairn_checkpoint_free)

static cairn_code copy_text(const char *text, char **out, cairn_error *err)
{
    *out = mem_strdup(text);
    return *out == NULL ? error_no_memory(err, "checkpoint") : CAIRN_OK;
}

static cairn_code copy_positions(const cairn_checkpoint_request *request, cairn_subtask_info *out,
                                 cairn_error *err)
{
    out->positions = mem_calloc(request->position_count, sizeof *out->positions);
    if (out->positions == NULL) {
        return error_no_memory(err, "checkpoint");
    }
    for (size_t i = 0; i < request->position_count; i++) {
        const cairn_source_position *from = &request->positions[i];
        out->positions[i] = (cairn_source_position){NULL, from->offset, from->records};
        out->position_count = i + 1;
        CAIRN_TRY(copy_text(from->source, &out->positions[i].source, err));
    }
    return CAIRN_OK;
}

/* Name and size of an output file; its key holds the id, which the run takes. */
static cairn_code copy_output(cairn_checkpoint *self, const cairn_output_file *from, size_t index,
                              cairn_error *err)
{
    cairn_subtask_info *subtask = &self->part.operator_info.subtasks[0];
    cairn_file_info *info = &subtask->outputs[index];
    fs_stat stat;

    CAIRN_TRY(copy_text(from->path, &self->output_paths[index], err));
    CAIRN_TRY(copy_text(from->name, &info->name, err));
    CAIRN_TRY(fs_stat_path(from->path, &stat, err));
    info->size = stat.size;
    info->first_key_group = self->session->range.first;
    info->last_key_group = self->session->range.last;
    return CAIRN_OK;
}

static cairn_code copy_outputs(cairn_checkpoint *self, const cairn_checkpoint_request *request,
                               cairn_error *err)
{
    cairn_subtask_info *subtask = &self->part.operator_info.subtasks[0];

    subtask->outputs = mem_calloc(request->output_count, sizeof *subtask->outputs);
    self->output_paths = mem_calloc(request->output_count, sizeof *self->output_paths);
    if (subtask->outputs == NULL || self->output_paths == NULL) {
        return error_no_memory(err, "checkpoint");
    }
    for (size_t i = 0; i < request->output_count; i++) {
        subtask->output_count = i + 1;
        CAIRN_TRY(copy_output(self, &request->outputs[i], i, err));
    }
    return CAIRN_OK;
}

static cairn_code copy_states(const keyed_state *states, cairn_operator_info *out, cairn_error *err)
{
    size_t count = 0;
    const cairn_state_info *infos = keyed_state_infos(states, &count);

    CAIRN_TRY(keyed_state_check(states, err));
    out->states = mem_calloc(count, sizeof *out->states);
    if (out->states == NULL) {
        return error_no_memory(err, "checkpoint");
    }
    for (size_t i = 0; i < count; i++) {
        CAIRN_TRY(state_info_copy(&infos[i], &out->states[i], err));
        out->state_count = i + 1;
    }
    return CAIRN_OK;
}

static cairn_code fill_subtask(cairn_checkpoint *self, const cairn_checkpoint_request *request,
                               cairn_error *err)
{
    cairn_operator_info *op = &self->part.operator_info;
    const session *owner = self->session;

    op->subtasks = mem_calloc(1, sizeof *op->subtasks);
    if (op->subtasks == NULL) {
        return error_no_memory(err, "checkpoint");
    }
    op->subtask_count = 1;
    cairn_subtask_info *subtask = &op->subtasks[0];
    subtask->first_key_group = owner->range.first;
    subtask->last_key_group = owner->range.last;
    memcpy(subtask->attempt, owner->attempt, sizeof subtask->attempt);
    CAIRN_TRY(copy_text(owner->engine->ops->name, &subtask->engine, err));
    CAIRN_TRY(copy_text(owner->engine->ops->version(), &subtask->engine_version, err));
    CAIRN_TRY(copy_positions(request, subtask, err));
    CAIRN_TRY(buf_append(&subtask->operator_state, request->operator_state.data,
                         request->operator_state.len, err));
    return copy_outputs(self, request, err);
}

/* Everything of the part that is known at the barrier. */
static cairn_code fill_part(cairn_checkpoint *self, const cairn_checkpoint_request *request,
                            cairn_error *err)
{
    manifest_part *part = &self->part;
    const session *owner = self->session;

    part->epoch = owner->epoch;
    part->started_ms = self->started_ms;
    part->max_parallelism = owner->max_parallelism;
    part->operator_info.parallelism = 1;
    CAIRN_TRY(copy_text(owner->job, &part->job, err));
    CAIRN_TRY(copy_text(owner->operator_uid, &part->operator_info.uid, err));
    CAIRN_TRY(copy_states(owner->states, &part->operator_info, err));
    return fill_subtask(self, request, err);
}

/* Local, for this process alone: any name that no earlier snapshot had. */
static cairn_code name_snapshot_dir(cairn_checkpoint *self, cairn_error *err)
{
    char name[RANDOM_ID_SIZE];

    random_id(name);
    return fs_join(self->session->snapshot_dir, name, &self->snapshot_dir, err);
}

static cairn_code checkpoint_new(session *owner, const cairn_checkpoint_request *request,
                                 cairn_checkpoint **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(cairn_checkpoint_free) cairn_checkpoint *self = mem_calloc(1, sizeof *self);
    uint64_t timeout_ms = request->timeout_ms == 0 ? owner->checkpoint_timeout_ms
                                                   : request->timeout_ms;

    if (self == NULL) {
        return error_no_memory(err, "checkpoint");
    }
    (void)pthread_mutex_init(&self->synced.lock, NULL);
    (void)pthread_cond_init(&self->synced.ended, NULL);
    self->session = owner;
    self->started_ms = clock_wall_ms();
    self->begun_us = clock_monotonic_us();
    CAIRN_TRY(cairn_cancel_new(&self->cancel, err));
    self->call = (cairn_call){cairn_deadline_in(timeout_ms), self->cancel};
    CAIRN_TRY(name_snapshot_dir(self, err));
    CAIRN_TRY(fill_part(self, request, err));
    CAIRN_TRY(workgroup_new(owner->pool, &self->group, err));
    *out = CAIRN_TAKE(self);
    return CAIRN_OK;
}

static cairn_code check_source(const cairn_source_position *position, cairn_error *err)
{
    if (position->source == NULL || !is_safe_name(cairn_slice_of(position->source))) {
        return error_set(err, CAIRN_E_INVALID,
                         "begin a checkpoint: the name of a source must match [A-Za-z0-9._-]+");
    }
    return CAIRN_OK;
}

static cairn_code check_output(const cairn_output_file *output, cairn_error *err)
{
    if (output->path == NULL || output->name == NULL ||
        !is_safe_name(cairn_slice_of(output->name)) ||
        strlen(output->name) > CAIRN_OUTPUT_NAME_BYTES_MAX) {
        return error_set(err, CAIRN_E_INVALID,
                         "begin a checkpoint: an output needs a path, and a name that matches "
                         "[A-Za-z0-9._-]{1,%d}",
                         CAIRN_OUTPUT_NAME_BYTES_MAX);
    }
    return CAIRN_OK;
}

static cairn_code check_request(const cairn_checkpoint_request *request, cairn_error *err)
{
    if (request->version != CAIRN_CHECKPOINT_REQUEST_VERSION) {
        return error_set(err, CAIRN_E_INVALID,
                         "begin a checkpoint: request version %u, expected %d", request->version,
                         CAIRN_CHECKPOINT_REQUEST_VERSION);
    }
    if (request->operator_state.len > CAIRN_OPERATOR_STATE_BYTES_MAX) {
        return error_set(err, CAIRN_E_LIMIT,
                         "begin a checkpoint: %zu bytes of operator state, at most %zu",
                         request->operator_state.len, CAIRN_OPERATOR_STATE_BYTES_MAX);
    }
    if (request->position_count > CAIRN_SOURCES_MAX || request->output_count > CAIRN_OUTPUTS_MAX ||
        (request->positions == NULL && request->position_count > 0) ||
        (request->outputs == NULL && request->output_count > 0)) {
        return error_set(err, CAIRN_E_INVALID,
                         "begin a checkpoint: at most %d positions and %d outputs, and not NULL",
                         CAIRN_SOURCES_MAX, CAIRN_OUTPUTS_MAX);
    }
    for (size_t i = 0; i < request->position_count; i++) {
        CAIRN_TRY(check_source(&request->positions[i], err));
    }
    for (size_t i = 0; i < request->output_count; i++) {
        CAIRN_TRY(check_output(&request->outputs[i], err));
    }
    return CAIRN_OK;
}

cairn_code checkpoint_begin(session *owner, const cairn_checkpoint_request *request,
                            cairn_checkpoint **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(cairn_checkpoint_free) cairn_checkpoint *self = NULL;

    CAIRN_TRY(check_request(request, err));
    CAIRN_TRY(session_check(owner, err));
    if (owner->running != NULL && !cairn_checkpoint_done(owner->running)) {
        return error_set(err, CAIRN_E_STATE, "begin a checkpoint: another one is in flight");
    }
    CAIRN_FAILPOINT("checkpoint.trigger", err);
    CAIRN_TRY(checkpoint_new(owner, request, &self, err));
    uint64_t before_us = clock_monotonic_us();
    CAIRN_TRY(checkpoint_freeze_operators(self, err));
    CAIRN_TRY(owner->engine->ops->snapshot(owner->engine, &self->snapshot, err));
    self->synced.stats.sync_us = clock_monotonic_us() - before_us;
    CAIRN_FAILPOINT("checkpoint.sync.after", err);
    CAIRN_TRY(workgroup_submit(self->group, checkpoint_run, self, err));
    owner->running = self;
    *out = CAIRN_TAKE(self);
    return CAIRN_OK;
}

bool cairn_checkpoint_done(cairn_checkpoint *checkpoint)
{
    (void)pthread_mutex_lock(&checkpoint->synced.lock);
    bool done = checkpoint->synced.done;
    (void)pthread_mutex_unlock(&checkpoint->synced.lock);
    return done;
}

cairn_code cairn_checkpoint_wait(cairn_checkpoint *checkpoint, uint64_t timeout_ms,
                                 cairn_error *err)
{
    struct timespec until = clock_timespec(cairn_deadline_in(timeout_ms));
    cairn_code code = CAIRN_OK;
    int waited = 0;

    (void)pthread_mutex_lock(&checkpoint->synced.lock);
    while (!checkpoint->synced.done && waited == 0) {
        waited = pthread_cond_clockwait(&checkpoint->synced.ended, &checkpoint->synced.lock,
                                        CLOCK_MONOTONIC, &until);
    }
    if (!checkpoint->synced.done) {
        code = error_set(err, CAIRN_E_TIMEOUT, "the checkpoint is still in flight after %llu ms",
                         (unsigned long long)timeout_ms);
    } else {
        code = checkpoint->synced.code;
        if (code != CAIRN_OK && err != NULL) {
            *err = checkpoint->synced.error;
        }
    }
    (void)pthread_mutex_unlock(&checkpoint->synced.lock);
    return code;
}

void cairn_checkpoint_cancel(cairn_checkpoint *checkpoint)
{
    cairn_cancel_trigger(checkpoint->cancel);
}

void cairn_checkpoint_get_stats(cairn_checkpoint *checkpoint, cairn_checkpoint_stats *out)
{
    (void)pthread_mutex_lock(&checkpoint->synced.lock);
    *out = checkpoint->synced.stats;
    (void)pthread_mutex_unlock(&checkpoint->synced.lock);
}

void cairn_checkpoint_free(cairn_checkpoint *checkpoint)
{
    if (checkpoint == NULL) {
        return;
    }
    workgroup_free(checkpoint->group); /* waits for the run */
    if (checkpoint->session->running == checkpoint) {
        checkpoint->session->running = NULL;
    }
    state_snapshot_free(checkpoint->snapshot);
    checkpoint_release_operators(checkpoint);
    for (size_t i = 0; checkpoint->output_paths != NULL &&
                       i < checkpoint->part.operator_info.subtasks[0].output_count;
         i++) {
        mem_free(checkpoint->output_paths[i]);
    }
    mem_free(checkpoint->output_paths);
    engine_files_release(&checkpoint->files);
    manifest_part_release(&checkpoint->part);
    mem_free(checkpoint->snapshot_dir);
    cairn_cancel_free(checkpoint->cancel);
    (void)pthread_cond_destroy(&checkpoint->synced.ended);
    (void)pthread_mutex_destroy(&checkpoint->synced.lock);
    mem_free(checkpoint);
}
