/* Reading a job's storage; the judging stands in head.c. */
#include "timeline.h"

#include "errors.h"
#include "layout.h"

#include <stdlib.h>
#include <string.h>

void timeline_release(timeline *line)
{
    for (size_t i = 0; i < line->count; i++) {
        cairn_manifest_free(line->entries[i].manifest);
    }
    key_list_release(&line->objects);
    mem_free(line->probes);
    mem_free(line->entries);
    record_start_release(&line->start);
    *line = (timeline){0};
}

static cairn_code keep_probe(timeline *line, const char *key, uint64_t modified_ms,
                             cairn_error *err)
{
    if (line->probe_count == line->probe_capacity) {
        const size_t capacity = line->probe_capacity * 2 + CAIRN_PROBE_ROUNDS;
        timeline_probe *more = mem_realloc_array(line->probes, capacity, sizeof *more);
        if (more == NULL) {
            return error_no_memory(err, "list of objects");
        }
        line->probes = more;
        line->probe_capacity = capacity;
    }
    line->probes[line->probe_count++] = (timeline_probe){key, modified_ms};
    return CAIRN_OK;
}

static cairn_code keep_object(void *context, const char *key, const cairn_object_info *info,
                              cairn_error *err)
{
    timeline *line = context;

    line->newest_ms = info->modified_ms > line->newest_ms ? info->modified_ms : line->newest_ms;
    CAIRN_TRY(key_list_add(&line->objects, key, err));
    if (layout_parse(key).kind != CAIRN_LAYOUT_PROBE) {
        return CAIRN_OK;
    }
    return keep_probe(line, line->objects.items[line->objects.count - 1], info->modified_ms, err);
}

static cairn_code keep_epoch(void *context, const char *key, const cairn_object_info *info,
                             cairn_error *err)
{
    timeline *line = context;
    layout_object object = layout_parse(key);

    (void)info;
    (void)err;
    if (object.kind == CAIRN_LAYOUT_CLAIM && object.epoch > line->claimed) {
        line->claimed = object.epoch;
    } else if (object.kind == CAIRN_LAYOUT_START && object.epoch > line->started) {
        line->started = object.epoch;
    }
    return CAIRN_OK;
}

static size_t count_manifests(const key_list *objects)
{
    size_t count = 0;

    for (size_t i = 0; i < objects->count; i++) {
        count += layout_parse(objects->items[i]).kind == CAIRN_LAYOUT_MANIFEST;
    }
    return count;
}

static cairn_code read_start(cairn_store *root, const cairn_call *call, const char *job,
                             timeline *line, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) document = {0};
    layout_key key = layout_start(line->started);

    if (line->started == 0) {
        return CAIRN_OK;
    }
    CAIRN_TRY(cairn_store_get(root, call, key.text, CAIRN_RECORD_BYTES_MAX, &document, err));
    cairn_code code = record_start_read(cairn_buf_slice(&document), &line->start, err);
    if (code != CAIRN_OK) {
        return error_prefix(err, code, "%s", key.text);
    }
    if (strcmp(line->start.job, job) != 0) {
        return error_set(err, CAIRN_E_INCOMPATIBLE, "%s belongs to job %s, not to job %s", key.text,
                         line->start.job, job);
    }
    if (line->start.epoch != line->started) {
        return error_set(err, CAIRN_E_INTEGRITY, "%s is the start of epoch %llu", key.text,
                         (unsigned long long)line->start.epoch);
    }
    line->boundary = line->start.boundary;
    return CAIRN_OK;
}

/* Only certificates made in the started epoch move the boundary (see docs/protocol.md). */
static cairn_code read_certificate(cairn_store *root, const cairn_call *call, const char *key,
                                   timeline *line, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) document = {0};
    CAIRN_AUTO(record_certificate) certificate = {0};
    cairn_error problem = {0};

    cairn_code code =
        cairn_store_get(root, call, key, CAIRN_CERTIFICATE_BYTES_MAX, &document, &problem);
    if (code == CAIRN_E_NOT_FOUND) {
        return CAIRN_OK; /* pruned meanwhile: a newer one has a higher boundary */
    }
    if (code != CAIRN_OK) {
        return error_set(err, code, "%s", problem.message);
    }
    code = record_certificate_read(cairn_buf_slice(&document), &certificate, err);
    if (code != CAIRN_OK) {
        return error_prefix(err, code, "%s", key);
    }
    if (certificate.epoch == line->started && certificate.boundary > line->boundary) {
        line->boundary = certificate.boundary;
    }
    return CAIRN_OK;
}

static int by_boundary_descending(const void *a, const void *b)
{
    const uint64_t first = layout_parse(*(const char *const *)a).id;
    const uint64_t second = layout_parse(*(const char *const *)b).id;

    return (first < second) - (first > second);
}

/* The highest first: most often it is of the started epoch, and no other needs to be fetched. */
static cairn_code read_certificates(cairn_store *root, const cairn_call *call, timeline *line,
                                    cairn_error *err)
{
    const char **keys CAIRN_AUTO_FREE = mem_calloc(line->objects.count, sizeof *keys);
    size_t count = 0;

    if (keys == NULL) {
        return error_no_memory(err, "reading certificates");
    }
    for (size_t i = 0; i < line->objects.count; i++) {
        if (layout_parse(line->objects.items[i]).kind == CAIRN_LAYOUT_CERTIFICATE) {
            keys[count++] = line->objects.items[i];
        }
    }
    qsort(keys, count, sizeof *keys, by_boundary_descending);
    for (size_t i = 0; i < count && layout_parse(keys[i]).id > line->boundary; i++) {
        CAIRN_TRY(read_certificate(root, call, keys[i], line, err));
    }
    return CAIRN_OK;
}

/* One that was copied here counts for nothing: its files are elsewhere, and are the user's. */
static cairn_code refuse_savepoint(timeline_entry *entry)
{
    if (entry->code != CAIRN_OK || entry->manifest->kind != CAIRN_MANIFEST_SAVEPOINT) {
        return entry->code;
    }
    cairn_manifest_free(CAIRN_TAKE(entry->manifest));
    return error_set(&entry->problem, CAIRN_E_INTEGRITY, "it is the manifest of a savepoint");
}

/* Damage is kept in the entry; only a store that fails ends the call. */
static cairn_code read_manifest(cairn_store *root, const cairn_call *call, const char *job,
                                timeline_entry *entry, bool *out_stale, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) document = {0};
    cairn_error problem = {0};
    layout_key key = layout_manifest(entry->id);

    cairn_code code =
        cairn_store_get(root, call, key.text, CAIRN_MANIFEST_BYTES_MAX, &document, &problem);
    if (code == CAIRN_E_NOT_FOUND) {
        *out_stale = true; /* deleted since the listing */
        return CAIRN_OK;
    }
    if (code != CAIRN_OK && code != CAIRN_E_LIMIT) {
        return error_set(err, code, "%s", problem.message);
    }
    if (code == CAIRN_E_LIMIT) {
        entry->code = error_set(&entry->problem, CAIRN_E_INTEGRITY, "%s is larger than %zu bytes",
                                key.text, CAIRN_MANIFEST_BYTES_MAX);
        return CAIRN_OK;
    }
    entry->code = cairn_manifest_read(cairn_buf_slice(&document), job, entry->id, &entry->manifest,
                                      &entry->problem);
    entry->code = refuse_savepoint(entry);
    if (entry->code != CAIRN_OK) {
        (void)error_prefix(&entry->problem, entry->code, "%s", key.text);
    }
    return entry->code == CAIRN_E_NO_MEMORY ? error_no_memory(err, key.text) : CAIRN_OK;
}

static int by_id_descending(const void *a, const void *b)
{
    const timeline_entry *left = a;
    const timeline_entry *right = b;

    return (left->id < right->id) - (left->id > right->id);
}

static cairn_code read_manifests(cairn_store *root, const cairn_call *call, const char *job,
                                 timeline *line, bool *out_stale, cairn_error *err)
{
    size_t filled = 0;
    const size_t count = count_manifests(&line->objects);

    line->entries = mem_calloc(count, sizeof *line->entries);
    if (line->entries == NULL) {
        return error_no_memory(err, "list of checkpoints");
    }
    line->count = count;
    for (size_t i = 0; i < line->objects.count; i++) {
        layout_object object = layout_parse(line->objects.items[i]);
        if (object.kind == CAIRN_LAYOUT_MANIFEST) {
            line->entries[filled++].id = object.id;
        }
    }
    CAIRN_ASSERT(filled == line->count);
    qsort(line->entries, line->count, sizeof *line->entries, by_id_descending);
    for (size_t i = 0; i < line->count && !*out_stale; i++) {
        CAIRN_TRY(read_manifest(root, call, job, &line->entries[i], out_stale, err));
    }
    return CAIRN_OK;
}

static cairn_code read_round(cairn_store *root, const cairn_call *call, const char *job,
                             timeline *line, bool *out_stale, cairn_error *err)
{
    /* Epochs before objects: what the newest start names stood before it, so the listing has it. */
    CAIRN_TRY(cairn_store_list(root, call, "epochs/", keep_epoch, line, err));
    CAIRN_TRY(read_start(root, call, job, line, err));
    CAIRN_TRY(cairn_store_list(root, call, "", keep_object, line, err));
    CAIRN_TRY(read_certificates(root, call, line, err));
    return read_manifests(root, call, job, line, out_stale, err);
}

cairn_code timeline_read(cairn_store *root, const cairn_call *call, const char *job, timeline *out,
                         cairn_error *err)
{
    for (int round = 0; round < CAIRN_TIMELINE_ROUNDS_MAX; round++) {
        CAIRN_AUTO(timeline) line = {0};
        bool stale = false;

        CAIRN_TRY(read_round(root, call, job, &line, &stale, err));
        timeline_judge(&line);
        /* A listing may miss both a commit and the one that it retired: look twice before "none".
         */
        bool doubtful = round == 0 && line.started != 0 && line.head == line.count;
        if (!stale && !doubtful) {
            *out = line;
            line = (timeline){0};
            return CAIRN_OK;
        }
    }
    return error_set(err, CAIRN_E_UNAVAILABLE,
                     "read the checkpoints of job %s: they changed %d times while they were read",
                     job, CAIRN_TIMELINE_ROUNDS_MAX);
}
