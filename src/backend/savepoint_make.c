/* cairn_savepoint_create: a checkpoint is chosen, copied, and its copy committed. */
#include <cairn/savepoint.h>

#include "clock.h"
#include "decide.h"
#include "encode.h"
#include "errors.h"
#include "failpoint.h"
#include "fsutil.h"
#include "logging.h"
#include "random.h"
#include "savepoint_groups.h"
#include "stores.h"
#include "timeline.h"

#include <string.h>

#define SCRATCH_PREFIX "savepoint-"

/* What one call makes. */
typedef struct maker {
    const cairn_savepoint_options *options;
    const char *job;
    const cairn_call *call;
    cairn_store *prefixed;
    cairn_store *root;
    workpool *pool;
    char *scratch_dir;
    timeline line;
    const cairn_manifest *from; /* in `line` */
    cairn_manifest *to;
    savepoint_writer writer;
} maker;

static void maker_release(maker *self)
{
    if (self->scratch_dir != NULL) {
        (void)fs_remove_tree(self->scratch_dir, NULL);
    }
    mem_free(self->scratch_dir);
    workpool_free(self->pool);
    key_list_release(&self->writer.stored);
    cairn_manifest_free(self->to);
    timeline_release(&self->line);
    cairn_store_free(self->root);
    cairn_store_free(self->prefixed);
}
CAIRN_DEFINE_AUTO(maker, maker_release)

bool cairn_savepoint_name_is_valid(const char *name)
{
    return is_safe_name(cairn_slice_of(name)) && strspn(name, "0123456789") != strlen(name);
}

static cairn_code check_options(const cairn_savepoint_options *options, const char *job,
                                cairn_error *err)
{
    if (options->version != CAIRN_SAVEPOINT_OPTIONS_VERSION) {
        return error_set(err, CAIRN_E_INVALID, "make a savepoint: options version %u, expected %d",
                         options->version, CAIRN_SAVEPOINT_OPTIONS_VERSION);
    }
    if (job == NULL || !is_safe_name(cairn_slice_of(job))) {
        return error_set(err, CAIRN_E_INVALID,
                         "make a savepoint: the job's name must match [A-Za-z0-9._-]{1,255}");
    }
    if (options->name == NULL || !cairn_savepoint_name_is_valid(options->name)) {
        return error_set(err, CAIRN_E_INVALID,
                         "make a savepoint: its name must match [A-Za-z0-9._-]{1,255} and be no "
                         "number");
    }
    if (options->scratch_dir == NULL || options->transfer_threads == 0 ||
        options->transfer_threads >= CAIRN_POOL_THREADS_MAX ||
        options->format < CAIRN_SAVEPOINT_CANONICAL || options->format > CAIRN_SAVEPOINT_NATIVE) {
        return error_set(err, CAIRN_E_INVALID,
                         "make a savepoint: scratch_dir, a format, and 1 to %d transfer_threads "
                         "are required",
                         CAIRN_POOL_THREADS_MAX - 1);
    }
    return CAIRN_OK;
}

static cairn_code name_is_taken(const maker *self, cairn_error *err)
{
    return error_set(err, CAIRN_E_EXISTS,
                     "make a savepoint: job %s has one of the name %s; choose another", self->job,
                     self->options->name);
}

/* Early: what is copied for a name that is taken is copied in vain. The create decides. */
static cairn_code check_name_is_free(const maker *self, cairn_error *err)
{
    const layout_key key = layout_savepoint(self->options->name);
    cairn_object_info object;
    cairn_error problem = {0};
    const cairn_code code = cairn_store_stat(self->root, self->call, key.text, &object, &problem);

    if (code == CAIRN_OK) {
        return name_is_taken(self, err);
    }
    return code == CAIRN_E_NOT_FOUND ? CAIRN_OK : error_set(err, code, "%s", problem.message);
}

static cairn_code open_tools(maker *self, cairn_store *store, cairn_error *err)
{
    CAIRN_TRY(store_prefixed_new(store, self->job, &self->prefixed, err));
    CAIRN_TRY(store_retrying_new(self->prefixed, &self->root, err));
    CAIRN_TRY(workpool_new(self->options->transfer_threads, &self->pool, err));
    return fs_make_temp_dir(self->options->scratch_dir, SCRATCH_PREFIX, &self->scratch_dir, err);
}

/* --- the checkpoint --------------------------------------------------------------------------- */

static cairn_code no_checkpoint(const maker *self, cairn_error *err)
{
    const uint64_t id = self->options->checkpoint_id;

    if (self->line.claimed == 0 && self->line.count == 0) {
        return error_set(err, CAIRN_E_NOT_FOUND, "there is no job %s", self->job);
    }
    if (id == 0) {
        return error_set(err, CAIRN_E_NOT_FOUND, "job %s has no checkpoint that counts", self->job);
    }
    return error_set(err, CAIRN_E_NOT_FOUND, "job %s has no checkpoint %llu", self->job,
                     (unsigned long long)id);
}

static cairn_code choose(maker *self, cairn_error *err)
{
    const uint64_t id = self->options->checkpoint_id;

    CAIRN_TRY(timeline_read(self->root, self->call, self->job, &self->line, err));
    if (id == 0) {
        CAIRN_TRY(timeline_check_head(&self->line, err));
    }
    const size_t index = id == 0 ? self->line.head : timeline_find(&self->line, id);
    if (index == self->line.count) {
        return no_checkpoint(self, err);
    }
    const timeline_entry *const entry = &self->line.entries[index];
    if (entry->manifest == NULL) {
        return error_set(err, entry->code, "%s", entry->problem.message);
    }
    if (entry->manifest->kind != CAIRN_MANIFEST_CHECKPOINT) {
        return error_set(err, CAIRN_E_NOT_FOUND, "checkpoint %llu of job %s was aborted",
                         (unsigned long long)entry->id, self->job);
    }
    self->from = entry->manifest;
    return CAIRN_OK;
}

/* --- the copy --------------------------------------------------------------------------------- */

static cairn_code copy_operator(const cairn_operator_info *from, const char *attempt,
                                cairn_operator_info *out, cairn_error *err)
{
    out->uid = mem_strdup(from->uid);
    out->parallelism = from->parallelism;
    out->states = mem_calloc(from->state_count, sizeof *out->states);
    out->subtasks = mem_calloc(from->subtask_count, sizeof *out->subtasks);
    if (out->uid == NULL || out->states == NULL || out->subtasks == NULL) {
        return error_no_memory(err, "savepoint");
    }
    for (; out->state_count < from->state_count; out->state_count++) {
        CAIRN_TRY(
            state_info_copy(&from->states[out->state_count], &out->states[out->state_count], err));
    }
    for (; out->subtask_count < from->subtask_count; out->subtask_count++) {
        cairn_subtask_info *const subtask = &out->subtasks[out->subtask_count];

        CAIRN_TRY(subtask_info_copy(&from->subtasks[out->subtask_count], subtask, err));
        memcpy(subtask->attempt, attempt, sizeof subtask->attempt);
    }
    return CAIRN_OK;
}

/* As the checkpoint, but for what says whose it is. */
static cairn_code begin_manifest(maker *self, cairn_error *err)
{
    const cairn_manifest *const from = self->from;
    cairn_manifest *to = NULL;

    CAIRN_TRY(manifest_new(&self->to, err));
    to = self->to;
    to->job = mem_strdup(self->job);
    to->id = from->id;
    to->kind = CAIRN_MANIFEST_SAVEPOINT;
    to->epoch = from->epoch;
    random_id(to->attempt);
    to->started_ms = clock_wall_ms();
    to->max_parallelism = from->max_parallelism;
    to->single_attempt = from->single_attempt;
    to->operators = mem_calloc(from->operator_count, sizeof *to->operators);
    if (to->job == NULL || to->operators == NULL) {
        return error_no_memory(err, "savepoint");
    }
    for (size_t i = 0; i < from->operator_count; i++) {
        to->operator_count++; /* released as far as it was filled */
        CAIRN_TRY(copy_operator(&from->operators[i], to->attempt, &to->operators[i], err));
    }
    return CAIRN_OK;
}

/* Everything that is copied as it is, object by object. */
static cairn_code copy_files(maker *self, cairn_subtask_info *subtask, bool engine_too,
                             cairn_error *err)
{
    const size_t most = subtask->file_count + subtask->output_count + 1;
    cairn_file_info **files CAIRN_AUTO_FREE = mem_calloc(most, sizeof(cairn_file_info *));
    size_t count = 0;

    if (files == NULL) {
        return error_no_memory(err, "savepoint");
    }
    for (size_t i = 0; engine_too && i < subtask->file_count; i++) {
        files[count++] = &subtask->files[i];
    }
    for (size_t i = 0; i < subtask->output_count; i++) {
        files[count++] = &subtask->outputs[i];
    }
    if (subtask->operator_states != NULL) {
        files[count++] = &subtask->operator_states->file;
    }
    return savepoint_copy_files(&self->writer, files, count, err);
}

static cairn_code fill_operator(maker *self, size_t index, cairn_error *err)
{
    const bool canonical = self->options->format == CAIRN_SAVEPOINT_CANONICAL;
    cairn_operator_info *const op = &self->to->operators[index];

    for (size_t i = 0; i < op->subtask_count; i++) {
        const cairn_operator_info *const from_op = &self->from->operators[index];
        const savepoint_subtask from = {self->from, from_op, &from_op->subtasks[i]};

        self->writer.writer =
            (layout_writer){op->uid, op->subtasks[i].index, self->to->epoch, self->to->attempt};
        CAIRN_TRY(copy_files(self, &op->subtasks[i], !canonical, err));
        if (canonical) {
            CAIRN_TRY(savepoint_groups_store(&self->writer, &from, &op->subtasks[i], err));
        }
    }
    return CAIRN_OK;
}

static cairn_code fill(maker *self, cairn_error *err)
{
    self->writer.transfer = (transfer_context){self->root, self->pool, self->call};
    self->writer.name = self->options->name;
    self->writer.scratch_dir = self->scratch_dir;
    self->writer.checkpoint_id = self->from->id;
    for (size_t i = 0; i < self->to->operator_count; i++) {
        CAIRN_TRY(fill_operator(self, i, err));
    }
    return CAIRN_OK;
}

/* Retention of a worker that runs may overtake the copy: that is no damage. */
static cairn_code explain(const maker *self, cairn_code code, cairn_error *err)
{
    const layout_key key = layout_manifest(self->from->id);
    cairn_object_info object;

    if (code != CAIRN_E_INTEGRITY ||
        cairn_store_stat(self->root, self->call, key.text, &object, NULL) != CAIRN_E_NOT_FOUND) {
        return code;
    }
    return error_set(err, CAIRN_E_NOT_FOUND,
                     "make a savepoint: checkpoint %llu of job %s was retired while it was copied; "
                     "try again",
                     (unsigned long long)self->from->id, self->job);
}

/* --- the commit ------------------------------------------------------------------------------- */

/* *out_lost: our manifest surely does not stand. */
static cairn_code commit(maker *self, bool *out_lost, sha256 *digest, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) document = {0};
    CAIRN_AUTO(decision) decided = {0};
    const layout_key key = layout_savepoint(self->options->name);

    *out_lost = true;
    self->to->committed_ms = clock_wall_ms();
    CAIRN_TRY(manifest_print(self->to, &document, digest, err));
    CAIRN_FAILPOINT("savepoint.manifest.before", err);
    *out_lost = false;
    CAIRN_TRY(decide(self->root, self->call, key.text, cairn_buf_slice(&document), &decided, err));
    CAIRN_FAILPOINT("savepoint.manifest.after", err);
    *out_lost = !decided.ours;
    return decided.ours ? CAIRN_OK : name_is_taken(self, err);
}

static void fill_report(const maker *self, const sha256 *digest, cairn_savepoint_report *report)
{
    *report = (cairn_savepoint_report){.checkpoint_id = self->to->id,
                                       .bytes = cairn_manifest_total_bytes(self->to)};
    for (size_t i = 0; i < self->to->operator_count; i++) {
        const cairn_operator_info *const op = &self->to->operators[i];

        for (size_t k = 0; k < op->subtask_count; k++) {
            report->files += op->subtasks[k].file_count + op->subtasks[k].output_count;
            report->files += op->subtasks[k].operator_states != NULL;
        }
    }
    sha256_to_hex(digest, report->sha256);
}

static cairn_code make(maker *self, cairn_savepoint_report *report, cairn_error *err)
{
    sha256 digest;
    bool lost = true;

    CAIRN_TRY(begin_manifest(self, err));
    cairn_code code = fill(self, err);
    code = code == CAIRN_OK ? commit(self, &lost, &digest, err) : explain(self, code, err);
    if (code == CAIRN_OK) {
        fill_report(self, &digest, report);
        return CAIRN_OK;
    }
    if (lost) {
        savepoint_discard(&self->writer);
    }
    return code;
}

cairn_code cairn_savepoint_create(cairn_store *store, const cairn_call *call, const char *job,
                                  const cairn_savepoint_options *options,
                                  cairn_savepoint_report *report, cairn_error *err)
{
    CAIRN_AUTO(maker) self = {.options = options, .job = job, .call = call};

    CAIRN_TRY(check_options(options, job, err));
    CAIRN_TRY(open_tools(&self, store, err));
    CAIRN_TRY(check_name_is_free(&self, err));
    CAIRN_TRY(choose(&self, err));
    CAIRN_FAILPOINT("savepoint.chosen.after", err);
    CAIRN_TRY(make(&self, report, err));
    log_write(&options->log, CAIRN_LOG_INFO, "savepoint %s of checkpoint %llu: %llu bytes",
              options->name, (unsigned long long)report->checkpoint_id,
              (unsigned long long)report->bytes);
    return CAIRN_OK;
}
