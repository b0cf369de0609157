/* The steps of cairn_backend_open, in the order of docs/protocol.md: claim, read, look, restore,
 * start. */
#include "backend_impl.h"
#include "choose.h"
#include "clock.h"
#include "create_check.h"
#include "engine_pick.h"
#include "epoch.h"
#include "errors.h"
#include "failpoint.h"
#include "logging.h"
#include "random.h"
#include "savepoint_origin.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_MAX_PARALLELISM 128
#define LOCAL_MARKER            "CAIRN-LOCAL"
#define LOCAL_NAME_BYTES        32

/*
 * Folders below the local one are removed without asking, so it must be empty or one that cairn has
 * marked as its own. (A LOCK alone: another process is about to mark it.)
 */
static cairn_code check_is_ours(const char *dir, cairn_error *err)
{
    CAIRN_AUTO(fs_names) names = {0};
    size_t strangers = 0;

    CAIRN_TRY(fs_list(dir, &names, err));
    for (size_t i = 0; i < names.count; i++) {
        if (strcmp(names.items[i], LOCAL_MARKER) == 0) {
            return CAIRN_OK;
        }
        strangers += strcmp(names.items[i], "LOCK") != 0;
    }
    if (strangers == 0) {
        return CAIRN_OK;
    }
    return error_set(err, CAIRN_E_INVALID,
                     "open local folder %s: it holds files that are not cairn's; name an empty one",
                     dir);
}

static cairn_code mark_as_ours(const char *dir, cairn_error *err)
{
    char *path CAIRN_AUTO_FREE = NULL;

    CAIRN_TRY(fs_join(dir, LOCAL_MARKER, &path, err));
    return fs_exists(path)
               ? CAIRN_OK
               : fs_write_file(path, cairn_slice_of("Working state of cairn: a cache.\n"), err);
}

/* What is below the local folder under this name, and under that of a restore that was killed. */
static cairn_code empty_folder(const char *local_dir, const char *name, char **out,
                               cairn_error *err)
{
    char partial_name[LOCAL_NAME_BYTES];
    char *partial CAIRN_AUTO_FREE = NULL;

    (void)snprintf(partial_name, sizeof partial_name, "%s.partial", name);
    CAIRN_TRY(fs_join(local_dir, name, out, err));
    CAIRN_TRY(fs_join(local_dir, partial_name, &partial, err));
    CAIRN_TRY(fs_remove_tree(*out, err));
    return fs_remove_tree(partial, err);
}

/* Local state is a cache: whatever an earlier process left is dropped. */
static cairn_code empty_local(cairn_backend *self, cairn_error *err)
{
    CAIRN_TRY(empty_folder(self->local_dir, "db", &self->db_dir, err));
    CAIRN_TRY(empty_folder(self->local_dir, "canonical", &self->canonical_dir, err));
    CAIRN_TRY(empty_folder(self->local_dir, "snapshots", &self->snapshot_dir, err));
    return fs_make_dirs(self->snapshot_dir, err);
}

static cairn_code prepare_local(cairn_backend *self, cairn_error *err)
{
    CAIRN_TRY(fs_make_dirs(self->local_dir, err));
    CAIRN_TRY(check_is_ours(self->local_dir, err));
    CAIRN_TRY(fs_lock_dir(self->local_dir, &self->lock, err));
    CAIRN_TRY(mark_as_ours(self->local_dir, err));
    return empty_local(self, err);
}

static cairn_code claim(cairn_backend *self, const cairn_backend_options *options,
                        const cairn_call *call, cairn_error *err)
{
    uint32_t max_parallelism = options->max_parallelism == 0 ? DEFAULT_MAX_PARALLELISM
                                                             : options->max_parallelism;
    epoch_request request = {self->job, self->session.attempt, max_parallelism};

    random_id(self->session.attempt);
    return epoch_claim(self->root, call, &request, &self->session.epoch, err);
}

/* What the restored files were stored as, so that the first checkpoint is incremental. */
static cairn_code note_base(cairn_backend *self, cairn_error *err)
{
    CAIRN_AUTO(engine_files) files = {0};
    const cairn_subtask_info *subtask = self->restored_subtask;

    CAIRN_TRY(engine_files_scan(self->db_dir, &files, err));
    if (files.count != subtask->file_count) {
        return error_set(err, CAIRN_E_INTERNAL, "%s holds %zu files after a restore of %zu",
                         self->db_dir, files.count, subtask->file_count);
    }
    for (size_t i = 0; i < files.count; i++) {
        file_info_release(&files.items[i].info);
        files.items[i].info = (cairn_file_info){0};
        CAIRN_TRY(file_info_copy(&subtask->files[i], &files.items[i].info, err));
    }
    self->session.ledger.base = engine_files_take(&files);
    return CAIRN_OK;
}

static cairn_code open_engine(cairn_backend *self, const cairn_backend_options *options,
                              cairn_error *err)
{
    keyed_state_options keyed = {.max_parallelism = self->session.max_parallelism,
                                 .range = self->session.range,
                                 .clock = options->clock};

    CAIRN_TRY(engine_open(options, self->db_dir, &self->session, &self->engine, err));
    CAIRN_TRY(savepoint_origin_load(self, err));
    CAIRN_FAILPOINT("restore.open.after", err);
    if (options->state_backend == CAIRN_STATE_BACKEND_HASHMAP) { /* it holds all in memory now */
        CAIRN_TRY(fs_remove_tree(self->db_dir, err));
    }
    keyed.engine = self->engine;
    if (self->restored != NULL) {
        for (size_t i = 0; i < self->restored->operator_count; i++) {
            const cairn_operator_info *op = &self->restored->operators[i];
            if (op->subtasks == self->restored_subtask) {
                keyed.restored = op->states;
                keyed.restored_count = op->state_count;
            }
        }
    }
    return keyed_state_new(&keyed, &self->states, err);
}

/* The restore has made them, if there was one. */
static cairn_code open_operators(cairn_backend *self, cairn_error *err)
{
    return self->operators == NULL ? operator_states_new(NULL, &self->operators, err) : CAIRN_OK;
}

/* The counting entries from `index` down become the ledger's chain. */
static cairn_code fill_chain(cairn_backend *self, timeline *line, size_t index, cairn_error *err)
{
    cairn_code code = CAIRN_OK;

    for (size_t i = line->count; i-- > index && code == CAIRN_OK;) {
        timeline_entry *entry = &line->entries[i];
        if (entry->counts && entry->manifest != NULL) {
            code = ledger_push(&self->session.ledger, CAIRN_TAKE(entry->manifest), err);
        }
    }
    return code;
}

/* The restored manifest is kept apart: the chain may retire its own. */
static cairn_code keep_restored(cairn_backend *self, const cairn_backend_options *options,
                                const cairn_call *call, uint64_t id, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) document = {0};
    layout_key key = layout_manifest(id);

    CAIRN_TRY(
        cairn_store_get(self->root, call, key.text, CAIRN_MANIFEST_BYTES_MAX, &document, err));
    CAIRN_TRY(cairn_manifest_read(cairn_buf_slice(&document), self->job, id, &self->restored, err));
    return choose_subtask(self->restored, self->operator_uid, options, &self->restored_subtask,
                          err);
}

static cairn_code start(cairn_backend *self, const cairn_call *call, const timeline *line,
                        cairn_error *err)
{
    record_start record = {.job = self->job,
                           .epoch = self->session.epoch,
                           .started_ms = clock_wall_ms(),
                           .boundary = line->boundary,
                           .first_id = self->session.ledger.next_id};

    memcpy(record.attempt, self->session.attempt, sizeof record.attempt);
    if (self->savepoint_name != NULL) {
        record.savepoint =
            (record_savepoint){.job = self->restored->job, .name = self->savepoint_name};
        memcpy(record.savepoint.sha256, self->restored->sha256, sizeof record.savepoint.sha256);
    } else if (self->restored != NULL) {
        record.checkpoint_id = self->restored->id;
        memcpy(record.checkpoint_sha256, self->restored->sha256, sizeof record.checkpoint_sha256);
    }
    return epoch_start(self->root, call, &record, err);
}

static cairn_code restore_checkpoint_of(cairn_backend *self, const cairn_backend_options *options,
                                        const cairn_call *call, timeline *line, cairn_error *err)
{
    size_t index = line->count;

    CAIRN_TRY(choose_and_restore(self, options, call, line, &index, err));
    if (index < line->count) {
        CAIRN_TRY(keep_restored(self, options, call, line->entries[index].id, err));
        CAIRN_TRY(note_base(self, err));
        CAIRN_TRY(fill_chain(self, line, index, err));
        log_write(&self->log, CAIRN_LOG_INFO, "restored checkpoint %llu: %llu bytes",
                  (unsigned long long)self->restored->id,
                  (unsigned long long)cairn_manifest_total_bytes(self->restored));
    }
    return CAIRN_OK;
}

/* Also above the id of a savepoint of this job: output of that name may be published. */
static uint64_t first_id(const cairn_backend *self, const timeline *line)
{
    const uint64_t first = timeline_first_id(line);
    const uint64_t restored = self->restored == NULL ? 0 : self->restored->id;

    return first > restored ? first : restored + 1;
}

static cairn_code restore(cairn_backend *self, const cairn_backend_options *options,
                          const cairn_call *call, timeline *line, cairn_error *err)
{
    savepoint_origin origin;

    CAIRN_TRY(savepoint_origin_find(options, line, &origin)
                  ? savepoint_origin_restore(self, options, call, &origin, err)
                  : restore_checkpoint_of(self, options, call, line, err));
    self->session.max_parallelism = options->max_parallelism == 0 ? DEFAULT_MAX_PARALLELISM
                                                                  : options->max_parallelism;
    if (self->restored != NULL) {
        self->session.max_parallelism = self->restored->max_parallelism;
    }
    self->session.range = cairn_key_groups_of_subtask(0, 1, self->session.max_parallelism);
    self->session.ledger.next_id = first_id(self, line);
    return CAIRN_OK;
}

static void fill_session(cairn_backend *self, const cairn_backend_options *options)
{
    session *target = &self->session;

    target->root = self->root;
    target->job = self->job;
    target->operator_uid = self->operator_uid;
    target->snapshot_dir = self->snapshot_dir;
    target->pool = self->pool;
    target->log = &self->log;
    target->num_retained = options->num_retained;
    target->checkpoint_timeout_ms = options->checkpoint_timeout_ms;
    target->closing = self->closing;
    target->engine = self->engine;
    target->states = self->states;
    target->operators = self->operators;
}

/* A start that must fail shall not end the attempt that runs: nothing is claimed before this. */
static cairn_code preview(cairn_backend *self, const cairn_backend_options *options,
                          const cairn_call *call, cairn_error *err)
{
    CAIRN_AUTO(timeline) line = {0};
    savepoint_origin origin;

    CAIRN_TRY(timeline_read(self->root, call, self->job, &line, err));
    return savepoint_origin_find(options, &line, &origin)
               ? savepoint_origin_preview(self, options, call, &origin, err)
               : choose_preview(self, options, &line, err);
}

static cairn_code open_tools(cairn_backend *self, const cairn_backend_options *options,
                             cairn_error *err)
{
    CAIRN_TRY(prepare_local(self, err));
    CAIRN_TRY(store_prefixed_new(options->store, self->job, &self->prefixed, err));
    CAIRN_TRY(store_retrying_new(self->prefixed, &self->root, err));
    /* One more: retention that waits for the store must not keep the next checkpoint from its
     * links. */
    CAIRN_TRY(workpool_new(options->transfer_threads + 1, &self->pool, err));
    return workgroup_new(self->pool, &self->session.maintenance, err);
}

static cairn_code check_store(cairn_backend *self, const cairn_backend_options *options,
                              const cairn_call *call, cairn_error *err)
{
    return create_check_run(self->prefixed, call, options->create_check, &self->log,
                            &self->session.single_attempt, err);
}

/* Claim, read, look. */
static cairn_code begin_epoch(cairn_backend *self, const cairn_backend_options *options,
                              const cairn_call *call, timeline *line, cairn_error *err)
{
    CAIRN_TRY(claim(self, options, call, err));
    CAIRN_TRY(timeline_read(self->root, call, self->job, line, err));
    CAIRN_FAILPOINT("backend.read.after", err);
    return epoch_look(self->root, call, self->session.epoch, err);
}

cairn_code backend_open_steps(cairn_backend *self, const cairn_backend_options *options,
                              cairn_error *err)
{
    CAIRN_AUTO(timeline) line = {0};
    cairn_call call = {cairn_deadline_in(options->open_timeout_ms), options->cancel};

    CAIRN_TRY(open_tools(self, options, err));
    CAIRN_TRY(preview(self, options, &call, err));
    CAIRN_TRY(check_store(self, options, &call, err));
    CAIRN_TRY(begin_epoch(self, options, &call, &line, err));
    CAIRN_TRY(restore(self, options, &call, &line, err));
    CAIRN_TRY(open_engine(self, options, err));
    CAIRN_TRY(open_operators(self, err));
    CAIRN_TRY(start(self, &call, &line, err));
    CAIRN_TRY(epoch_look(self->root, &call, self->session.epoch, err));
    fill_session(self, options);
    return fence_watch_new(&self->session, &self->watch, err);
}
