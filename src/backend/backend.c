#include "backend_impl.h"
#include "checkpoint_run.h"
#include "clock.h"
#include "encode.h"
#include "engine_pick.h"
#include "errors.h"

#include <string.h>

static cairn_code check_name(const char *what, const char *name, cairn_error *err)
{
    if (name == NULL || !is_safe_name(cairn_slice_of(name))) {
        return error_set(err, CAIRN_E_INVALID,
                         "open a backend: %s must match [A-Za-z0-9._-]{1,255}", what);
    }
    return CAIRN_OK;
}

static cairn_code check_savepoint(const cairn_backend_options *options, cairn_error *err)
{
    const bool asked = options->restore == CAIRN_RESTORE_SAVEPOINT;

    if (asked != (options->savepoint != NULL)) {
        return error_set(err, CAIRN_E_INVALID,
                         "open a backend: savepoint goes with CAIRN_RESTORE_SAVEPOINT");
    }
    if (asked) {
        CAIRN_TRY(check_name("the savepoint's job", options->savepoint->job, err));
        CAIRN_TRY(check_name("the savepoint's name", options->savepoint->name, err));
    }
    return CAIRN_OK;
}

static cairn_code check_options(const cairn_backend_options *options, cairn_error *err)
{
    if (options->version != CAIRN_BACKEND_OPTIONS_VERSION) {
        return error_set(err, CAIRN_E_INVALID, "open a backend: options version %u, expected %d",
                         options->version, CAIRN_BACKEND_OPTIONS_VERSION);
    }
    CAIRN_TRY(check_name("the job's name", options->job, err));
    CAIRN_TRY(check_name("the operator's uid", options->operator_uid, err));
    if (options->store == NULL || options->local_dir == NULL || options->local_dir[0] == '\0') {
        return error_set(err, CAIRN_E_INVALID, "open a backend: store and local_dir are required");
    }
    if (options->create_check < CAIRN_CREATE_CHECK_PROBE ||
        options->create_check > CAIRN_CREATE_CHECK_SINGLE) {
        return error_set(err, CAIRN_E_INVALID, "open a backend: create_check is unknown");
    }
    CAIRN_TRY(check_savepoint(options, err));
    if (options->max_parallelism > CAIRN_PARALLELISM_MAX) {
        return error_set(err, CAIRN_E_INVALID, "open a backend: max parallelism %u, at most %d",
                         options->max_parallelism, CAIRN_PARALLELISM_MAX);
    }
    CAIRN_TRY(engine_check_options(options, err));
    if (options->num_retained == 0 || options->transfer_threads == 0 ||
        options->transfer_threads >= CAIRN_POOL_THREADS_MAX || options->background_jobs == 0 ||
        options->background_jobs > CAIRN_ROCKS_JOBS_MAX) {
        return error_set(err, CAIRN_E_INVALID,
                         "open a backend: num_retained must be at least 1, transfer_threads and "
                         "background_jobs 1 to %d",
                         CAIRN_POOL_THREADS_MAX - 1);
    }
    return CAIRN_OK;
}

static cairn_code copy_identity(cairn_backend *self, const cairn_backend_options *options,
                                cairn_error *err)
{
    self->job = mem_strdup(options->job);
    self->operator_uid = mem_strdup(options->operator_uid);
    self->local_dir = mem_strdup(options->local_dir);
    self->log = options->log;
    if (self->job == NULL || self->operator_uid == NULL || self->local_dir == NULL) {
        return error_no_memory(err, "backend");
    }
    return cairn_cancel_new(&self->closing, err);
}

cairn_code cairn_backend_open(const cairn_backend_options *options, cairn_backend **out,
                              cairn_error *err)
{
    CAIRN_AUTO_PTR(cairn_backend_close) cairn_backend *self = NULL;

    CAIRN_TRY(check_options(options, err));
    self = mem_calloc(1, sizeof *self);
    if (self == NULL) {
        return error_no_memory(err, "backend");
    }
    self->lock = -1;
    self->opened_ms = clock_monotonic_ms();
    (void)pthread_mutex_init(&self->session.synced.lock, NULL);
    CAIRN_TRY(copy_identity(self, options, err));
    CAIRN_TRY(backend_open_steps(self, options, err));
    *out = CAIRN_TAKE(self);
    return CAIRN_OK;
}

const cairn_manifest *cairn_backend_restored(const cairn_backend *backend)
{
    return backend->restored;
}

uint32_t cairn_backend_max_parallelism(const cairn_backend *backend)
{
    return backend->session.max_parallelism;
}

cairn_key_group_range cairn_backend_key_groups(const cairn_backend *backend)
{
    return backend->session.range;
}

cairn_code cairn_backend_fetch_output(cairn_backend *backend, size_t index, const char *path,
                                      cairn_error *err)
{
    cairn_call call = {cairn_deadline_in(backend->session.checkpoint_timeout_ms), NULL};
    transfer_context context = {backend->root, backend->pool, &call};

    if (backend->restored == NULL || index >= backend->restored_subtask->output_count) {
        return error_set(err, CAIRN_E_INVALID, "fetch output %zu: there is none", index);
    }
    return transfer_fetch(&context, &backend->restored_subtask->outputs[index], path, err);
}

cairn_code cairn_backend_check(cairn_backend *backend, cairn_error *err)
{
    return session_check(&backend->session, err);
}

/* A savepoint's id is that of a checkpoint which does not count here. */
static uint64_t restored_id(const cairn_backend *backend)
{
    return backend->restored == NULL || backend->savepoint_name != NULL ? 0 : backend->restored->id;
}

void cairn_backend_get_stats(cairn_backend *backend, cairn_backend_stats *out)
{
    session *from = &backend->session;
    uint64_t since_ms = backend->opened_ms;

    *out =
        (cairn_backend_stats){.epoch = from->epoch,
                              .state_bytes = backend->engine->ops->state_bytes(backend->engine),
                              .memory_bytes = backend->engine->ops->memory_bytes(backend->engine),
                              .last_checkpoint_id = restored_id(backend)};
    (void)pthread_mutex_lock(&from->synced.lock);
    if (from->synced.last_id != 0) {
        out->last_checkpoint_id = from->synced.last_id;
        since_ms = from->synced.last_commit_ms;
    }
    out->completed_checkpoints = from->synced.completed;
    out->failed_checkpoints = from->synced.failed;
    out->consecutive_failures = from->synced.consecutive_failures;
    (void)pthread_mutex_unlock(&from->synced.lock);
    out->last_checkpoint_age_ms = clock_monotonic_ms() - since_ms;
}

cairn_code cairn_checkpoint_begin(cairn_backend *backend, const cairn_checkpoint_request *request,
                                  cairn_checkpoint **out, cairn_error *err)
{
    return checkpoint_begin(&backend->session, request, out, err);
}

/* Retention after the last checkpoint may end by itself, in bounded time. */
static void await_maintenance(cairn_backend *self)
{
    uint64_t until_ms = clock_monotonic_ms() + CAIRN_CLOSE_WAIT_MS;

    while (self->session.maintenance != NULL && !workgroup_idle(self->session.maintenance) &&
           clock_monotonic_ms() < until_ms) {
        clock_sleep_ms(1);
    }
}

/* Ends what works on the session: a checkpoint in flight, the watch, maintenance, in this order. */
static void stop_work(cairn_backend *self)
{
    cairn_checkpoint *running = self->session.running;

    await_maintenance(self);
    if (self->closing != NULL) {
        cairn_cancel_trigger(self->closing);
    }
    if (running != NULL) {
        cairn_checkpoint_cancel(running);
        cairn_checkpoint_free(running);
    }
    fence_watch_free(self->watch);
    workgroup_free(self->session.maintenance);
    workpool_free(self->pool);
}

/* NULL if open had failed before it named the folder. */
static void remove_local(const char *dir)
{
    if (dir != NULL) {
        (void)fs_remove_tree(dir, NULL);
    }
}

void cairn_backend_close(cairn_backend *backend)
{
    if (backend == NULL) {
        return;
    }
    stop_work(backend);
    keyed_state_free(backend->states);
    operator_states_free(backend->operators);
    state_engine_close(backend->engine);
    if (backend->lock >= 0) {
        remove_local(backend->db_dir);
        remove_local(backend->snapshot_dir);
        remove_local(backend->canonical_dir);
    }
    fs_close(&backend->lock);
    ledger_release(&backend->session.ledger);
    cairn_manifest_free(backend->restored);
    cairn_store_free(backend->root);
    cairn_store_free(backend->prefixed);
    cairn_cancel_free(backend->closing);
    (void)pthread_mutex_destroy(&backend->session.synced.lock);
    mem_free(backend->savepoint_name);
    mem_free(backend->canonical_dir);
    mem_free(backend->snapshot_dir);
    mem_free(backend->db_dir);
    mem_free(backend->local_dir);
    mem_free(backend->operator_uid);
    mem_free(backend->job);
    mem_free(backend);
}
