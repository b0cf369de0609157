/* The async phase of a checkpoint: files of the snapshot, plan, uploads, part, decision. */
#include "checkpoint_operators.h"
#include "clock.h"
#include "commit.h"
#include "errors.h"
#include "failpoint.h"
#include "gc_run.h"
#include "logging.h"

#include <string.h>

static cairn_subtask_info *subtask_of(cairn_checkpoint *self)
{
    return &self->part.operator_info.subtasks[0];
}

/* `context` is the base: only a commit changes it, and that is this run's own. */
static bool stands(void *context, const char *name)
{
    return plan_stands(context, name);
}

static cairn_code write_snapshot(cairn_checkpoint *self, cairn_error *err)
{
    CAIRN_FAILPOINT("checkpoint.link.before", err);
    CAIRN_TRY(plan_mark_sparse(&self->session->ledger.base, err));
    CAIRN_TRY(self->snapshot->ops->write(self->snapshot, &self->call, self->snapshot_dir, stands,
                                         &self->session->ledger.base, err));
    CAIRN_FAILPOINT("checkpoint.link.after", err);
    (void)pthread_mutex_lock(&self->synced.lock);
    self->synced.stats.link_ms = (clock_monotonic_us() - self->begun_us) / 1000;
    (void)pthread_mutex_unlock(&self->synced.lock);
    return CAIRN_OK;
}

static cairn_code make_plan(cairn_checkpoint *self, cairn_error *err)
{
    session *owner = self->session;
    layout_writer writer = session_writer(owner);
    plan_context context = {.checkpoint_id = self->id,
                            .writer = &writer,
                            .base = &owner->ledger.base,
                            .range = owner->range,
                            .next_sequence = &owner->ledger.next_sequence};

    CAIRN_TRY(plan_files(&context, &self->files, err));
    CAIRN_FAILPOINT("checkpoint.plan.after", err);
    return CAIRN_OK;
}

/* What to upload: objects, and the files that they are made of. */
typedef struct upload_list {
    upload *items;
    size_t count;
    char **paths; /* owned; the items borrow from here */
    cairn_file_info **infos;
    size_t file_count;
} upload_list;

static void upload_list_release(upload_list *list)
{
    for (size_t i = 0; list->paths != NULL && i < list->file_count; i++) {
        mem_free(list->paths[i]);
    }
    mem_free(list->paths);
    mem_free(list->infos);
    mem_free(list->items);
}
CAIRN_DEFINE_AUTO(upload_list, upload_list_release)

static cairn_code upload_list_reserve(upload_list *list, size_t capacity, cairn_error *err)
{
    list->items = mem_calloc(capacity, sizeof *list->items);
    list->paths = mem_calloc(capacity, sizeof(char *));
    list->infos = mem_calloc(capacity, sizeof(cairn_file_info *));
    if (list->items == NULL || list->paths == NULL || list->infos == NULL) {
        return error_no_memory(err, "checkpoint");
    }
    return CAIRN_OK;
}

/* Takes `path`. The engine's files that share an object follow on each other. */
static void add_upload(upload_list *list, char *path, cairn_file_info *info, bool alone)
{
    const size_t place = list->file_count++;
    upload *last = list->count == 0 ? NULL : &list->items[list->count - 1];

    list->paths[place] = path;
    list->infos[place] = info;
    if (!alone && last != NULL && strcmp(last->infos[0]->key, info->key) == 0) {
        last->count++;
        return;
    }
    list->items[list->count++] = (upload){.paths = &list->paths[place],
                                          .infos = &list->infos[place],
                                          .count = 1,
                                          .frozen = !alone && plan_is_frozen(info->name)};
}

static cairn_code add_alone(upload_list *list, const char *path, cairn_file_info *info,
                            cairn_error *err)
{
    char *copy = mem_strdup(path);

    if (copy == NULL) {
        return error_no_memory(err, "checkpoint");
    }
    add_upload(list, copy, info, true);
    return CAIRN_OK;
}

static cairn_code list_uploads(cairn_checkpoint *self, upload_list *out, cairn_error *err)
{
    cairn_subtask_info *subtask = subtask_of(self);
    cairn_file_info *operators = checkpoint_operator_file(self);

    CAIRN_TRY(upload_list_reserve(out, self->files.count + subtask->output_count + 1, err));
    for (size_t i = 0; i < self->files.count; i++) {
        cairn_file_info *info = &self->files.items[i].info;
        char *path = NULL;
        if (self->files.items[i].fresh) {
            CAIRN_TRY(fs_join(self->snapshot_dir, info->name, &path, err));
            add_upload(out, path, info, false);
        }
    }
    for (size_t i = 0; i < subtask->output_count; i++) {
        CAIRN_TRY(add_alone(out, self->output_paths[i], &subtask->outputs[i], err));
    }
    return operators == NULL ? CAIRN_OK : add_alone(out, self->operator_path, operators, err);
}

static void count_new(cairn_checkpoint *self, const upload_list *list)
{
    cairn_checkpoint_stats *stats = &self->synced.stats;
    const cairn_subtask_info *subtask = subtask_of(self);
    const cairn_file_info *operators = checkpoint_operator_file(self);

    (void)pthread_mutex_lock(&self->synced.lock);
    stats->id = self->id;
    stats->new_files = list->file_count;
    stats->total_files = self->files.count + subtask->output_count + (operators != NULL);
    stats->new_bytes = 0;
    stats->total_bytes = operators == NULL ? 0 : operators->size;
    for (size_t i = 0; i < list->file_count; i++) {
        stats->new_bytes += list->infos[i]->size;
    }
    for (size_t i = 0; i < self->files.count; i++) {
        stats->total_bytes += self->files.items[i].info.size;
    }
    for (size_t i = 0; i < subtask->output_count; i++) {
        stats->total_bytes += subtask->outputs[i].size;
    }
    (void)pthread_mutex_unlock(&self->synced.lock);
}

static cairn_code upload_files(cairn_checkpoint *self, cairn_error *err)
{
    CAIRN_AUTO(upload_list) list = {0};
    transfer_context context = {self->session->root, self->session->pool, &self->call};

    CAIRN_FAILPOINT("checkpoint.upload.before", err);
    CAIRN_TRY(list_uploads(self, &list, err));
    CAIRN_TRY(upload_batch(&context, list.items, list.count, err));
    count_new(self, &list);
    CAIRN_FAILPOINT("checkpoint.upload.after", err);
    return CAIRN_OK;
}

static cairn_code fill_files(cairn_checkpoint *self, cairn_error *err)
{
    cairn_subtask_info *subtask = subtask_of(self);

    while (subtask->file_count > 0) { /* of an attempt under an id that was burnt */
        file_info_release(&subtask->files[--subtask->file_count]);
    }
    mem_free(subtask->files);
    subtask->files = mem_calloc(self->files.count, sizeof *subtask->files);
    if (subtask->files == NULL) {
        return error_no_memory(err, "checkpoint");
    }
    for (size_t i = 0; i < self->files.count; i++) {
        CAIRN_TRY(file_info_copy(&self->files.items[i].info, &subtask->files[i], err));
        subtask->file_count = i + 1;
    }
    return CAIRN_OK;
}

static cairn_code put_part(cairn_checkpoint *self, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) document = {0};
    layout_writer writer = session_writer(self->session);
    layout_key key = layout_part(self->id, &writer);

    CAIRN_FAILPOINT("checkpoint.part.before", err);
    CAIRN_TRY(fill_files(self, err));
    CAIRN_TRY(manifest_part_print(&self->part, &document, err));
    self->part_attempted = true;
    CAIRN_TRY(cairn_store_put(self->session->root, &self->call, key.text,
                              cairn_buf_slice(&document), CAIRN_PUT_CREATE, err));
    CAIRN_FAILPOINT("checkpoint.part.after", err);
    return CAIRN_OK;
}

/* The manifest borrows everything from the part and the ledger. */
static cairn_manifest borrow_manifest(cairn_checkpoint *self)
{
    const session *owner = self->session;
    cairn_manifest manifest = {.job = self->part.job,
                               .id = self->id,
                               .kind = CAIRN_MANIFEST_CHECKPOINT,
                               .epoch = owner->epoch,
                               .started_ms = self->started_ms,
                               .committed_ms = clock_wall_ms(),
                               .max_parallelism = owner->max_parallelism,
                               .single_attempt = owner->single_attempt,
                               .operators = &self->part.operator_info,
                               .operator_count = 1};

    memcpy(manifest.attempt, owner->attempt, sizeof manifest.attempt);
    if (owner->ledger.chain_count > 0) {
        const cairn_manifest *parent = owner->ledger.chain[0];
        manifest.parent_id = parent->id;
        memcpy(manifest.parent_sha256, parent->sha256, sizeof manifest.parent_sha256);
    }
    return manifest;
}

static cairn_code confirm(cairn_checkpoint *self, cairn_error *err)
{
    session *owner = self->session;

    CAIRN_FAILPOINT("commit.confirm.before", err);
    engine_files_release(&owner->ledger.base);
    owner->ledger.base = engine_files_take(&self->files);
    (void)pthread_mutex_lock(&owner->synced.lock);
    owner->synced.last_id = self->id;
    owner->synced.last_commit_ms = clock_monotonic_ms();
    (void)pthread_mutex_unlock(&owner->synced.lock);
    CAIRN_FAILPOINT("commit.confirm.after", err);
    return CAIRN_OK;
}

/* CAIRN_COMMIT_ABORTED: the id belongs to an older attempt. */
static cairn_code commit(cairn_checkpoint *self, commit_outcome *out, cairn_error *err)
{
    cairn_manifest manifest = borrow_manifest(self);

    CAIRN_TRY(commit_try(self->session, &self->call, &manifest, out, err));
    return *out == CAIRN_COMMIT_COMMITTED ? confirm(self, err) : CAIRN_OK;
}

/* Everything that this checkpoint may have put into the store. */
static cairn_code list_attempted(cairn_checkpoint *self, key_list *out, cairn_error *err)
{
    cairn_subtask_info *subtask = subtask_of(self);
    const cairn_file_info *operators = checkpoint_operator_file(self);
    layout_writer writer = session_writer(self->session);
    layout_key part = layout_part(self->id, &writer);

    for (size_t i = 0; i < self->files.count; i++) {
        const char *key = self->files.items[i].info.key;
        bool again = out->count > 0 && key != NULL && strcmp(out->items[out->count - 1], key) == 0;
        if (self->files.items[i].fresh && key != NULL && !again) {
            CAIRN_TRY(key_list_add(out, key, err));
        }
    }
    for (size_t i = 0; i < subtask->output_count; i++) {
        CAIRN_TRY(key_list_add(out, subtask->outputs[i].key, err));
    }
    if (operators != NULL && operators->key != NULL) {
        CAIRN_TRY(key_list_add(out, operators->key, err));
    }
    return self->part_attempted ? key_list_add(out, part.text, err) : CAIRN_OK;
}

static cairn_code delete_one(const session *owner, const cairn_call *call, const char *key,
                             cairn_error *err)
{
    CAIRN_FAILPOINT("abort.delete.each", err);
    return cairn_store_delete(owner->root, call, key, err);
}

/* Best effort: what stays is collected once a newer epoch has started. */
static void delete_keys(const session *owner, const cairn_call *call, const key_list *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        cairn_error problem = {0};
        if (delete_one(owner, call, keys->items[i], &problem) != CAIRN_OK) {
            log_write(owner->log, CAIRN_LOG_WARN, "an aborted upload stays: %s", problem.message);
        }
    }
}

/* The id belongs to another attempt: what was uploaded under it goes, after a look. */
static cairn_code drop_burnt(cairn_checkpoint *self, cairn_error *err)
{
    CAIRN_AUTO(key_list) keys = {0};

    CAIRN_TRY(session_look(self->session, &self->call, err));
    CAIRN_TRY(list_attempted(self, &keys, err));
    delete_keys(self->session, &self->call, &keys);
    log_write(self->session->log, CAIRN_LOG_INFO,
              "checkpoint id %llu was used by an older attempt; going on with the next",
              (unsigned long long)self->id);
    return CAIRN_OK;
}

/* An earlier checkpoint whose outcome was not learnt must be decided before a later one may commit.
 */
static cairn_code settle_undecided(session *owner, const cairn_call *call, cairn_error *err)
{
    ledger *known = &owner->ledger;
    commit_outcome outcome = CAIRN_COMMIT_ABORTED;

    if (known->undecided_id == 0) {
        return CAIRN_OK;
    }
    cairn_code code = commit_settle(owner, call, known->undecided_id,
                                    "its outcome could not be learnt in time", &outcome, err);
    if (code != CAIRN_OK) {
        return error_prefix(err, code, "settle checkpoint %llu first",
                            (unsigned long long)known->undecided_id);
    }
    if (outcome == CAIRN_COMMIT_ABORTED) {
        delete_keys(owner, call, &known->undecided_keys);
    }
    known->undecided_id = 0;
    key_list_release(&known->undecided_keys);
    return CAIRN_OK;
}

/*
 * After a failure: makes the outcome certain, with time of its own. The cause stays in `err` unless
 * the checkpoint turns out to be committed or fenced.
 */
static cairn_code abandon(cairn_checkpoint *self, cairn_code cause, cairn_error *err)
{
    session *owner = self->session;
    cairn_call call = {cairn_deadline_in(CAIRN_ABORT_TIMEOUT_MS), NULL};
    CAIRN_AUTO(key_list) keys = {0};
    commit_outcome outcome = CAIRN_COMMIT_ABORTED;
    cairn_error problem = {0};

    cairn_code listed = list_attempted(self, &keys, &problem);
    cairn_code code =
        commit_settle(owner, &call, self->id, cairn_code_name(cause), &outcome, &problem);
    if (code == CAIRN_E_FENCED) {
        *err = problem;
        return code;
    }
    if (code != CAIRN_OK) {
        owner->ledger.undecided_id = self->id;
        owner->ledger.undecided_keys = key_list_take(&keys);
        log_write(owner->log, CAIRN_LOG_WARN, "checkpoint %llu is undecided for now: %s",
                  (unsigned long long)self->id, problem.message);
        return cause;
    }
    if (outcome == CAIRN_COMMIT_COMMITTED) {
        return confirm(self, err);
    }
    if (listed == CAIRN_OK) {
        delete_keys(owner, &call, &keys);
    }
    return cause;
}

/* Takes an id and names everything after it; also again, after an id that was burnt. */
static cairn_code take_id(cairn_checkpoint *self, cairn_error *err)
{
    cairn_subtask_info *subtask = subtask_of(self);
    layout_writer writer = session_writer(self->session);

    self->id = self->session->ledger.next_id++;
    self->part.checkpoint_id = self->id;
    self->part_attempted = false;
    for (size_t i = 0; i < subtask->output_count; i++) {
        cairn_file_info *output = &subtask->outputs[i];
        layout_key key = layout_output(self->id, &writer, output->name);
        char *copy = mem_strdup(key.text);
        if (copy == NULL) {
            return error_no_memory(err, "checkpoint");
        }
        mem_free(output->key);
        output->key = copy;
        output->uploaded_by = self->id;
    }
    return checkpoint_name_operators(self, err);
}

static cairn_code attempt(cairn_checkpoint *self, commit_outcome *out, cairn_error *err)
{
    CAIRN_TRY(make_plan(self, err));
    CAIRN_TRY(upload_files(self, err));
    CAIRN_TRY(put_part(self, err));
    CAIRN_TRY(commit(self, out, err));
    return CAIRN_OK;
}

/*
 * A stalled attempt of an older epoch may have used the id: then the next one is taken. Such an
 * attempt stops at its next look, so this ends soon.
 */
static cairn_code run_ids(cairn_checkpoint *self, cairn_error *err)
{
    for (int i = 0; i < CAIRN_BURNT_IDS_MAX; i++) {
        commit_outcome outcome = CAIRN_COMMIT_ABORTED;

        engine_files_release(&self->files);
        CAIRN_TRY(take_id(self, err));
        CAIRN_TRY(engine_files_of(self->snapshot, self->snapshot_dir, &self->files, err));
        cairn_code code = attempt(self, &outcome, err);
        if (code == CAIRN_E_FENCED || (code == CAIRN_OK && outcome == CAIRN_COMMIT_COMMITTED)) {
            return code;
        }
        if (code != CAIRN_OK) {
            return abandon(self, code, err);
        }
        CAIRN_TRY(drop_burnt(self, err));
    }
    return error_set(err, CAIRN_E_EXISTS, "%d ids in a row were used by older attempts",
                     CAIRN_BURNT_IDS_MAX);
}

static cairn_code run(cairn_checkpoint *self, cairn_error *err)
{
    session *owner = self->session;

    /* The files first: until they stand the owner's writes may have to wait, or copy, store or no
     * store. */
    CAIRN_TRY(write_snapshot(self, err));
    CAIRN_TRY(checkpoint_write_operators(self, err));
    /* Maintenance of the checkpoint before uses the ledger too. */
    CAIRN_TRY(workgroup_wait(owner->maintenance, err));
    CAIRN_TRY(settle_undecided(owner, &self->call, err));
    return run_ids(self, err);
}

static cairn_code remove_snapshot(const cairn_checkpoint *self, cairn_error *err)
{
    CAIRN_FAILPOINT("snapshot.removed.before", err);
    CAIRN_TRY(fs_remove_tree(self->snapshot_dir, err));
    CAIRN_FAILPOINT("snapshot.removed.after", err);
    return CAIRN_OK;
}

static void drop_snapshot(cairn_checkpoint *self)
{
    cairn_error problem = {0};

    state_snapshot_free(CAIRN_TAKE(self->snapshot));
    checkpoint_release_operators(self);
    if (remove_snapshot(self, &problem) != CAIRN_OK) {
        log_write(self->session->log, CAIRN_LOG_WARN, "a local snapshot stays: %s",
                  problem.message);
    }
}

static void count_outcome(session *owner, cairn_code code)
{
    (void)pthread_mutex_lock(&owner->synced.lock);
    if (code == CAIRN_OK) {
        owner->synced.completed++;
        owner->synced.consecutive_failures = 0;
    } else if (code != CAIRN_E_CANCELLED) {
        owner->synced.failed++;
        owner->synced.consecutive_failures++;
    }
    (void)pthread_mutex_unlock(&owner->synced.lock);
}

static void finish(cairn_checkpoint *self, cairn_code code, const cairn_error *error)
{
    (void)pthread_mutex_lock(&self->synced.lock);
    self->synced.stats.async_ms = (clock_monotonic_us() - self->begun_us) / 1000;
    self->synced.code = code;
    self->synced.error = *error;
    self->synced.done = true;
    (void)pthread_cond_broadcast(&self->synced.ended);
    (void)pthread_mutex_unlock(&self->synced.lock);
}

cairn_code checkpoint_run(void *argument, cairn_error *err)
{
    cairn_checkpoint *self = argument;
    session *owner = self->session;
    cairn_error error = {0};

    (void)err; /* the outcome travels in the handle */
    cairn_code code = run(self, &error);
    if (code != CAIRN_OK && code != CAIRN_E_FENCED && self->id != 0) {
        (void)error_prefix(&error, code, "checkpoint %llu", (unsigned long long)self->id);
    }
    drop_snapshot(self);
    count_outcome(owner, code);
    if (code == CAIRN_OK) {
        cairn_error problem = {0};
        if (workgroup_submit(owner->maintenance, retention_run, owner, &problem) != CAIRN_OK) {
            log_write(owner->log, CAIRN_LOG_WARN, "retention is put off: %s", problem.message);
        }
    }
    finish(self, code, &error);
    return CAIRN_OK;
}
