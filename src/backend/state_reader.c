/* Reading keyed state of a restored folder: the second half of include/cairn/history.h. */
#include <cairn/history.h>

#include "bounds.h"
#include "clock.h"
#include "engine_pick.h"
#include "errors.h"
#include "fsutil.h"
#include "manifest_write.h"
#include "state_key.h"
#include "state_ttl_form.h"

#include <stdio.h>
#include <string.h>

struct cairn_state_reader {
    cairn_manifest *manifest;
    const cairn_operator_info *op; /* in `manifest` */
    char *dir;
    state_engine **engines; /* one per subtask; NULL until it is read */
    bool shows_expired;
    ttl_reading reading; /* of an entry with a time to live */
};

CAIRN_DEFINE_AUTO_PTR(cairn_state_reader, cairn_state_reader_free)

void cairn_state_reader_free(cairn_state_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    for (size_t i = 0; reader->engines != NULL && i < reader->op->subtask_count; i++) {
        state_engine_close(reader->engines[i]);
    }
    mem_free(reader->engines);
    mem_free(reader->dir);
    ttl_reading_release(&reader->reading);
    cairn_manifest_free(reader->manifest);
    mem_free(reader);
}

static cairn_code find_operator(cairn_state_reader *self, const char *uid, cairn_error *err)
{
    const cairn_manifest *manifest = self->manifest;

    for (size_t i = 0; i < manifest->operator_count; i++) {
        if (strcmp(manifest->operators[i].uid, uid) == 0) {
            self->op = &manifest->operators[i];
            return CAIRN_OK;
        }
    }
    return error_set(err, CAIRN_E_NOT_FOUND, "checkpoint %llu has no operator %s",
                     (unsigned long long)manifest->id, uid);
}

static cairn_code open_subtask(cairn_state_reader *self, size_t index, cairn_error *err)
{
    const cairn_subtask_info *subtask = &self->op->subtasks[index];
    char name[CAIRN_NAME_BYTES_MAX + 32];
    char *path CAIRN_AUTO_FREE = NULL;

    (void)snprintf(name, sizeof name, "%s/%u", self->op->uid, subtask->index);
    CAIRN_TRY(fs_join(self->dir, name, &path, err));
    return engine_open_stored(self->manifest, subtask, path, &self->engines[index], err);
}

static cairn_code engine_at(cairn_state_reader *self, size_t index, state_engine **out,
                            cairn_error *err)
{
    if (self->engines[index] == NULL) {
        CAIRN_TRY(open_subtask(self, index, err));
    }
    *out = self->engines[index];
    return CAIRN_OK;
}

static cairn_code read_manifest(const char *dir, cairn_manifest **out, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) document = {0};
    char *path CAIRN_AUTO_FREE = NULL;

    CAIRN_TRY(fs_join(dir, "manifest.json", &path, err));
    CAIRN_TRY(fs_read_file(path, CAIRN_MANIFEST_BYTES_MAX, &document, err));
    return cairn_manifest_read(cairn_buf_slice(&document), NULL, 0, out, err);
}

cairn_code cairn_state_reader_open(const char *dir, const char *operator_uid,
                                   cairn_state_reader **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(cairn_state_reader_free) cairn_state_reader *self = mem_calloc(1, sizeof *self);

    if (self == NULL) {
        return error_no_memory(err, "state reader");
    }
    CAIRN_TRY(read_manifest(dir, &self->manifest, err));
    CAIRN_TRY(find_operator(self, operator_uid, err));
    self->dir = mem_strdup(dir);
    self->engines = mem_calloc(self->op->subtask_count, sizeof(state_engine *));
    if (self->dir == NULL || self->engines == NULL) {
        return error_no_memory(err, "state reader");
    }
    *out = CAIRN_TAKE(self);
    return CAIRN_OK;
}

const cairn_state_info *cairn_state_reader_info(const cairn_state_reader *reader, const char *state)
{
    for (size_t i = 0; i < reader->op->state_count; i++) {
        if (strcmp(reader->op->states[i].name, state) == 0) {
            return &reader->op->states[i];
        }
    }
    return NULL;
}

/* NULL in *out: a state without an entry, of an engine that keeps no table for it. */
static cairn_code find_table(const cairn_state_reader *self, state_engine *engine,
                             const char *state, state_table **out, cairn_error *err)
{
    const cairn_state_info *info = cairn_state_reader_info(self, state);

    if (info == NULL) {
        return error_set(err, CAIRN_E_NOT_FOUND, "operator %s has no state %s", self->op->uid,
                         state);
    }
    if (info->kind == CAIRN_STATE_TIMERS) {
        return error_set(err, CAIRN_E_INVALID,
                         "state %s of operator %s holds timers, which are not read by key", state,
                         self->op->uid);
    }
    state_table *table = engine->ops->find_table(engine, state);
    if (table == NULL && engine->ops->keeps_empty_tables) {
        return error_set(err, CAIRN_E_INTEGRITY, "state %s has no table", state);
    }
    *out = table;
    return CAIRN_OK;
}

void cairn_state_reader_show_expired(cairn_state_reader *reader, bool show)
{
    reader->shows_expired = show;
}

const uint64_t *cairn_state_reader_times(const cairn_state_reader *reader, size_t *out_count)
{
    const void *const times = reader->reading.times.data;

    *out_count = reader->reading.times.len / sizeof(uint64_t);
    return times;
}

/* Takes the stamps off what is stored; *out_shown false: it has expired. */
static cairn_code take_off(cairn_state_reader *self, const char *state, cairn_slice *value,
                           bool *out_shown, cairn_error *err)
{
    const cairn_state_info *const info = cairn_state_reader_info(self, state);
    const uint64_t now_ms = self->shows_expired ? 0 : clock_wall_ms();

    CAIRN_ASSERT(info != NULL); /* find_table has looked */
    self->reading.times.len = 0;
    *out_shown = true;
    if (info->ttl_ms > 0) {
        CAIRN_TRY(ttl_read_stored(&self->reading, info, now_ms, *value, out_shown, err));
        *value = self->reading.value;
    }
    return CAIRN_OK;
}

/* The subtask that owns a key group. */
static size_t owner_of(const cairn_state_reader *self, uint32_t key_group)
{
    for (size_t i = 0; i < self->op->subtask_count; i++) {
        const cairn_subtask_info *subtask = &self->op->subtasks[i];
        if (key_group >= subtask->first_key_group && key_group <= subtask->last_key_group) {
            return i;
        }
    }
    return 0; /* the manifest's validation covers every group */
}

static cairn_code encode_place(const cairn_state_reader *self, const cairn_state_entry *at,
                               cairn_buf *bytes, state_place *out, cairn_error *err)
{
    const uint32_t max_parallelism = self->manifest->max_parallelism;
    const uint32_t key_group = cairn_key_group_of(at->key, max_parallelism);

    CAIRN_TRY(state_key_begin(bytes, key_group, max_parallelism, at->key, err));
    CAIRN_TRY(state_key_append_namespace(bytes, at->name_space, err));
    const size_t prefix_bytes = bytes->len;
    CAIRN_TRY(buf_append(bytes, at->user_key.data, at->user_key.len, err));
    *out = (state_place){cairn_buf_slice(bytes), key_group, prefix_bytes};
    return CAIRN_OK;
}

cairn_code cairn_state_reader_get(cairn_state_reader *reader, const char *state,
                                  const cairn_state_entry *at, cairn_buf *out, bool *out_found,
                                  cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) bytes = {0};
    state_engine *engine = NULL;
    state_table *table = NULL;
    state_place place;
    cairn_slice value = {0};
    bool found = false;

    CAIRN_TRY(encode_place(reader, at, &bytes, &place, err));
    CAIRN_TRY(engine_at(reader, owner_of(reader, place.key_group), &engine, err));
    CAIRN_TRY(find_table(reader, engine, state, &table, err));
    if (table != NULL) {
        CAIRN_TRY(table->ops->get(table, &place, &value, &found, err));
    }
    if (found) {
        CAIRN_TRY(take_off(reader, state, &value, &found, err));
    }
    if (found) {
        buf_clear(out);
        CAIRN_TRY(buf_append(out, value.data, value.len, err));
    }
    *out_found = found;
    return CAIRN_OK;
}

typedef struct entry_visit {
    const char *state;
    cairn_state_visit visit;
    void *context;
} entry_visit;

static cairn_code visit_entry(cairn_state_reader *self, const entry_visit *each, cairn_slice key,
                              cairn_slice value, cairn_error *err)
{
    CAIRN_AUTO(state_key_parts) parts = {0};
    cairn_state_entry entry = {0};
    bool shown = false;

    CAIRN_TRY(take_off(self, each->state, &value, &shown, err));
    if (!shown) {
        return CAIRN_OK;
    }
    CAIRN_TRY(state_key_decode(key, self->manifest->max_parallelism, &parts, err));
    entry.key = cairn_buf_slice(&parts.key);
    entry.name_space = cairn_buf_slice(&parts.name_space);
    entry.user_key = parts.user_key;
    entry.value = value;
    entry.times_ms = cairn_state_reader_times(self, &entry.time_count);
    return each->visit(each->context, &entry, err);
}

static cairn_code scan_table(cairn_state_reader *self, state_table *table, const entry_visit *each,
                             cairn_error *err)
{
    CAIRN_AUTO_PTR(state_cursor_free) state_cursor *cursor = NULL;
    cairn_slice key;
    cairn_slice value;

    CAIRN_TRY(table->ops->scan(table, &cursor, err));
    while (cursor->ops->next(cursor, &key, &value)) {
        CAIRN_TRY(visit_entry(self, each, key, value, err));
    }
    return cursor->ops->status(cursor, err);
}

cairn_code cairn_state_reader_scan(cairn_state_reader *reader, const char *state,
                                   cairn_state_visit visit, void *context, cairn_error *err)
{
    const entry_visit each = {state, visit, context};

    for (size_t i = 0; i < reader->op->subtask_count; i++) {
        state_engine *engine = NULL;
        state_table *table = NULL;

        CAIRN_TRY(engine_at(reader, i, &engine, err));
        CAIRN_TRY(find_table(reader, engine, state, &table, err));
        if (table != NULL) {
            CAIRN_TRY(scan_table(reader, table, &each, err));
        }
    }
    return CAIRN_OK;
}
