/* A job's checkpoints without a worker: include/cairn/history.h. */
#include <cairn/history.h>
#include <cairn/savepoint.h>

#include "choose.h"
#include "errors.h"
#include "gc_run.h"
#include "operator_scan.h"
#include "restore.h"
#include "savepoint_store.h"
#include "stores.h"

#include <string.h>

/* Threads that verify and restore; two requests in flight per thread of a small machine. */
#define HISTORY_THREADS 4

struct cairn_history {
    cairn_store *prefixed;
    cairn_store *root;
    workpool *pool;
    char *job;
    char *savepoint; /* that it holds alone, else NULL */
    timeline line;
    key_list savepoints; /* names, sorted */
    cairn_history_entry *entries;
};

CAIRN_DEFINE_AUTO_PTR(cairn_history, cairn_history_free)

void cairn_history_free(cairn_history *history)
{
    if (history == NULL) {
        return;
    }
    workpool_free(history->pool);
    timeline_release(&history->line);
    key_list_release(&history->savepoints);
    mem_free(history->savepoint);
    mem_free(history->entries);
    cairn_store_free(history->root);
    cairn_store_free(history->prefixed);
    mem_free(history->job);
    mem_free(history);
}

static cairn_code open_parts(cairn_history *self, cairn_store *store, const char *job,
                             cairn_error *err)
{
    self->job = mem_strdup(job);
    if (self->job == NULL) {
        return error_no_memory(err, "history");
    }
    CAIRN_TRY(store_prefixed_new(store, job, &self->prefixed, err));
    CAIRN_TRY(store_retrying_new(self->prefixed, &self->root, err));
    return workpool_new(HISTORY_THREADS, &self->pool, err);
}

static cairn_code fill_entries(cairn_history *self, cairn_error *err)
{
    const timeline *line = &self->line;

    self->entries = mem_calloc(line->count, sizeof *self->entries);
    if (self->entries == NULL) {
        return error_no_memory(err, "history");
    }
    for (size_t i = 0; i < line->count; i++) {
        const timeline_entry *from = &line->entries[i];
        bool damaged = from->code != CAIRN_OK;
        self->entries[i] = (cairn_history_entry){.id = from->id,
                                                 .counts = from->counts,
                                                 .head = i == line->head,
                                                 .code = from->code,
                                                 .manifest = from->manifest,
                                                 .problem = damaged ? from->problem.message : NULL};
    }
    return CAIRN_OK;
}

static cairn_code find_savepoints(cairn_history *self, cairn_error *err)
{
    for (size_t i = 0; i < self->line.objects.count; i++) {
        char text[CAIRN_NAME_BYTES_MAX + 1];
        cairn_slice name;

        if (layout_is_savepoint(self->line.objects.items[i], &name)) {
            memcpy(text, name.data, name.len);
            text[name.len] = '\0';
            CAIRN_TRY(key_list_add(&self->savepoints, text, err));
        }
    }
    key_list_sort(&self->savepoints);
    return CAIRN_OK;
}

const char *cairn_history_savepoint_name(const cairn_history *history, size_t index)
{
    return index < history->savepoints.count ? history->savepoints.items[index] : NULL;
}

/* The one entry, which is the head, and counts for nobody. */
static cairn_code hold_savepoint(cairn_history *self, const cairn_call *call, const char *name,
                                 cairn_error *err)
{
    const savepoint_place place = {self->job, name};
    timeline_entry *const entry = mem_calloc(1, sizeof *entry);

    self->line.entries = entry;
    self->savepoint = mem_strdup(name);
    if (entry == NULL || self->savepoint == NULL) {
        return error_no_memory(err, "history");
    }
    self->line.count = 1;
    CAIRN_TRY(savepoint_read(self->root, call, &place, NULL, &entry->manifest, err));
    entry->id = entry->manifest->id;
    return fill_entries(self, err);
}

cairn_code cairn_history_load_savepoint(cairn_store *store, const cairn_call *call, const char *job,
                                        const char *name, cairn_history **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(cairn_history_free) cairn_history *self = NULL;

    if (name == NULL || !cairn_savepoint_name_is_valid(name)) {
        return error_set(err, CAIRN_E_INVALID,
                         "read a savepoint: its name must match [A-Za-z0-9._-]{1,255} and be no "
                         "number");
    }
    self = mem_calloc(1, sizeof *self);
    if (self == NULL) {
        return error_no_memory(err, "history");
    }
    CAIRN_TRY(open_parts(self, store, job, err));
    CAIRN_TRY(hold_savepoint(self, call, name, err));
    *out = CAIRN_TAKE(self);
    return CAIRN_OK;
}

cairn_code cairn_history_load(cairn_store *store, const cairn_call *call, const char *job,
                              cairn_history **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(cairn_history_free) cairn_history *self = mem_calloc(1, sizeof *self);

    if (self == NULL) {
        return error_no_memory(err, "history");
    }
    CAIRN_TRY(open_parts(self, store, job, err));
    CAIRN_TRY(timeline_read(self->root, call, job, &self->line, err));
    CAIRN_TRY(find_savepoints(self, err));
    if (self->line.claimed == 0 && self->line.count == 0 && self->savepoints.count == 0) {
        return error_set(err, CAIRN_E_NOT_FOUND, "there is no job %s in %s", job,
                         cairn_store_uri(store));
    }
    CAIRN_TRY(fill_entries(self, err));
    *out = CAIRN_TAKE(self);
    return CAIRN_OK;
}

size_t cairn_history_count(const cairn_history *history)
{
    return history->line.count;
}

const cairn_history_entry *cairn_history_at(const cairn_history *history, size_t index)
{
    return index < history->line.count ? &history->entries[index] : NULL;
}

void cairn_history_get_epochs(const cairn_history *history, cairn_history_epochs *out)
{
    *out = (cairn_history_epochs){.claimed = history->line.claimed,
                                  .started = history->line.started,
                                  .started_from = history->line.start.checkpoint_id,
                                  .boundary = history->line.boundary};
}

static cairn_code not_there(const cairn_history *self, uint64_t id, cairn_error *err)
{
    const timeline *line = &self->line;

    if (line->count == 0) {
        return error_set(err, CAIRN_E_NOT_FOUND, "job %s has no checkpoint yet", self->job);
    }
    if (id == 0) {
        return error_set(err, CAIRN_E_NOT_FOUND, "job %s has no checkpoint that counts", self->job);
    }
    uint64_t newest = line->entries[line->head < line->count ? line->head : 0].id;
    return error_set(err, CAIRN_E_NOT_FOUND, "job %s has no checkpoint %llu; the newest is %llu",
                     self->job, (unsigned long long)id, (unsigned long long)newest);
}

/* The message of a manifest that can't be read, with the way out. */
static cairn_code explain_unreadable(const cairn_history *self, const cairn_history_entry *entry,
                                     cairn_error *err)
{
    transfer_context context = {self->root, self->pool, NULL};
    size_t good = choose_newest_good(&context, &self->line, entry->id);

    if (good == self->line.count) {
        return error_set(err, entry->code, "%s; no older good checkpoint is there", entry->problem);
    }
    return error_set(err, entry->code, "%s; the newest good checkpoint before it is %llu",
                     entry->problem, (unsigned long long)self->line.entries[good].id);
}

cairn_code cairn_history_find(cairn_history *history, uint64_t id, const cairn_history_entry **out,
                              cairn_error *err)
{
    if (id == 0) {
        CAIRN_TRY(timeline_check_head(&history->line, err));
    }
    size_t index = id == 0 ? history->line.head : timeline_find(&history->line, id);
    if (index == history->line.count) {
        return not_there(history, id, err);
    }
    const cairn_history_entry *entry = &history->entries[index];
    if (entry->manifest == NULL) {
        return explain_unreadable(history, entry, err);
    }
    *out = entry;
    return CAIRN_OK;
}

/* A checkpoint, not the record of an abort. */
static cairn_code find_committed(cairn_history *self, uint64_t id, const cairn_history_entry **out,
                                 cairn_error *err)
{
    const cairn_history_entry *entry = NULL;

    CAIRN_TRY(cairn_history_find(self, id, &entry, err));
    if (entry->manifest->kind == CAIRN_MANIFEST_ABORTED) {
        return error_set(err, CAIRN_E_NOT_FOUND, "checkpoint %llu of job %s was aborted: %s",
                         (unsigned long long)entry->id, self->job, entry->manifest->reason);
    }
    *out = entry;
    return CAIRN_OK;
}

typedef struct verify_context {
    const cairn_check_visitor *visitor;
    cairn_verify_report *report;
} verify_context;

static void count_check(void *context, const char *key, uint64_t bytes, cairn_code code,
                        const cairn_error *problem)
{
    verify_context *self = context;
    cairn_check_result result = {.key = key,
                                 .code = code,
                                 .problem = code == CAIRN_OK ? NULL : problem->message,
                                 .bytes = bytes};

    self->report->objects++;
    self->report->bytes += bytes;
    self->report->damaged += code != CAIRN_OK;
    if (self->visitor != NULL) {
        self->visitor->visit(self->visitor->context, &result);
    }
}

static cairn_code explain(cairn_history *self, const transfer_context *context, uint64_t id,
                          cairn_verify_report *report, cairn_error *err)
{
    size_t good = choose_newest_good(context, &self->line, id);

    report->newest_good_id = good == self->line.count ? 0 : self->line.entries[good].id;
    if (err == NULL) {
        return CAIRN_E_INTEGRITY;
    }
    const cairn_error damage = *err;
    if (self->savepoint != NULL) {
        return error_set(err, CAIRN_E_INTEGRITY, "savepoint %s: %s", self->savepoint,
                         damage.message);
    }
    if (report->newest_good_id == 0) {
        return error_set(err, CAIRN_E_INTEGRITY, "checkpoint %llu: %s; no older good checkpoint",
                         (unsigned long long)id, damage.message);
    }
    return error_set(
        err, CAIRN_E_INTEGRITY, "checkpoint %llu: %s; the newest good checkpoint is %llu",
        (unsigned long long)id, damage.message, (unsigned long long)report->newest_good_id);
}

cairn_code cairn_history_verify(cairn_history *history, const cairn_call *call, uint64_t id,
                                const cairn_check_visitor *visitor, cairn_verify_report *report,
                                cairn_error *err)
{
    const cairn_history_entry *entry = NULL;
    transfer_context transfer = {history->root, history->pool, call};
    verify_context verify = {visitor, report};

    *report = (cairn_verify_report){0};
    CAIRN_TRY(find_committed(history, id, &entry, err));
    cairn_code code = restore_verify(&transfer, entry->manifest, count_check, &verify, err);
    return code == CAIRN_E_INTEGRITY ? explain(history, &transfer, entry->id, report, err) : code;
}

typedef struct restore_request {
    cairn_history *history;
    const cairn_call *call;
    const cairn_history_entry *entry;
    const restore_filter *filter;
} restore_request;

static cairn_code run_restore(const restore_request *request, const char *dir, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) document = {0};
    cairn_history *history = request->history;
    const uint64_t id = request->entry->id;
    transfer_context transfer = {history->root, history->pool, request->call};
    restore_source source = {request->entry->manifest, {0}, request->filter};
    cairn_verify_report report = {0};

    const layout_key key = history->savepoint == NULL ? layout_manifest(id)
                                                      : layout_savepoint(history->savepoint);
    CAIRN_TRY(cairn_store_get(history->root, request->call, key.text, CAIRN_MANIFEST_BYTES_MAX,
                              &document, err));
    source.document = cairn_buf_slice(&document);
    cairn_code code = restore_checkpoint(&transfer, &source, dir, err);
    return code == CAIRN_E_INTEGRITY ? explain(history, &transfer, id, &report, err) : code;
}

cairn_code cairn_history_restore(cairn_history *history, const cairn_call *call, uint64_t id,
                                 const char *dir, cairn_error *err)
{
    restore_request request = {.history = history, .call = call};

    CAIRN_TRY(find_committed(history, id, &request.entry, err));
    return run_restore(&request, dir, err);
}

cairn_code cairn_history_restore_key(cairn_history *history, const cairn_call *call, uint64_t id,
                                     const cairn_history_key *of, const char *dir, cairn_error *err)
{
    restore_filter filter = {.operator_uid = of->operator_uid};
    restore_request request = {.history = history, .call = call, .filter = &filter};

    CAIRN_TRY(find_committed(history, id, &request.entry, err));
    filter.key_group = cairn_key_group_of(of->key, request.entry->manifest->max_parallelism);
    return run_restore(&request, dir, err);
}

cairn_code cairn_history_scan_operator(cairn_history *history, const cairn_call *call,
                                       const cairn_operator_scan *scan, cairn_error *err)
{
    const cairn_history_entry *entry = NULL;
    transfer_context transfer = {history->root, history->pool, call};

    CAIRN_TRY(find_committed(history, scan->id, &entry, err));
    return operator_scan_run(&transfer, entry->manifest, scan, err);
}

cairn_code cairn_gc(cairn_store *store, const cairn_call *call, const char *job,
                    const cairn_gc_options *options, cairn_gc_report *report, cairn_error *err)
{
    CAIRN_AUTO_PTR(cairn_history_free) cairn_history *self = NULL;

    if (options->version != CAIRN_GC_OPTIONS_VERSION || options->num_retained == 0) {
        return error_set(err, CAIRN_E_INVALID, "collect garbage: num_retained must be at least 1");
    }
    CAIRN_TRY(cairn_history_load(store, call, job, &self, err));
    gc_run run = {.root = self->root,
                  .call = call,
                  .job = job,
                  .rules = {.num_retained = options->num_retained, .abandoned = true},
                  .execute = options->execute,
                  .log = &options->log,
                  .visit = options->visit,
                  .visit_context = options->visit_context};
    return gc_run_from_storage(&run, report, err);
}
