/* Reading keyed state of a restored folder: the second half of include/cairn/history.h. */
#include <cairn/history.h>

#include "bounds.h"
#include "errors.h"
#include "fsutil.h"
#include "manifest_write.h"
#include "rocks.h"
#include "state_key.h"

#include <stdio.h>
#include <string.h>

#define READER_MEMORY_BYTES ((uint64_t)64 << 20)

struct cairn_state_reader {
    cairn_manifest *manifest;
    const cairn_operator_info *op; /* in `manifest` */
    rocks_db **databases;          /* one per subtask */
};

CAIRN_DEFINE_AUTO_PTR(cairn_state_reader, cairn_state_reader_free)

void cairn_state_reader_free(cairn_state_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    for (size_t i = 0; reader->databases != NULL && i < reader->op->subtask_count; i++) {
        rocks_close(reader->databases[i]);
    }
    mem_free(reader->databases);
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

static cairn_code open_database(cairn_state_reader *self, const char *dir, size_t index,
                                cairn_error *err)
{
    rocks_options options = {
        .memory_bytes = READER_MEMORY_BYTES, .background_jobs = 1, .read_only = true};
    char name[CAIRN_NAME_BYTES_MAX + 32];
    char *path CAIRN_AUTO_FREE = NULL;

    (void)snprintf(name, sizeof name, "%s/%u", self->op->uid, self->op->subtasks[index].index);
    CAIRN_TRY(fs_join(dir, name, &path, err));
    return rocks_open(path, &options, &self->databases[index], err);
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
    self->databases = mem_calloc(self->op->subtask_count, sizeof(rocks_db *));
    if (self->databases == NULL) {
        return error_no_memory(err, "state reader");
    }
    for (size_t i = 0; i < self->op->subtask_count; i++) {
        CAIRN_TRY(open_database(self, dir, i, err));
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

static cairn_code find_family(const cairn_state_reader *self, rocks_db *db, const char *state,
                              rocks_family **out, cairn_error *err)
{
    rocks_family *family = NULL;

    if (cairn_state_reader_info(self, state) == NULL) {
        return error_set(err, CAIRN_E_NOT_FOUND, "operator %s has no state %s", self->op->uid,
                         state);
    }
    family = rocks_family_find(db, state);
    if (family == NULL) {
        return error_set(err, CAIRN_E_INTEGRITY, "state %s has no column family", state);
    }
    *out = family;
    return CAIRN_OK;
}

/* The database of the subtask that owns a key group. */
static rocks_db *database_of(const cairn_state_reader *self, uint32_t key_group)
{
    for (size_t i = 0; i < self->op->subtask_count; i++) {
        const cairn_subtask_info *subtask = &self->op->subtasks[i];
        if (key_group >= subtask->first_key_group && key_group <= subtask->last_key_group) {
            return self->databases[i];
        }
    }
    return self->databases[0]; /* the manifest's validation covers every group */
}

cairn_code cairn_state_reader_get(cairn_state_reader *reader, const char *state, cairn_slice key,
                                  cairn_buf *out, bool *out_found, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) encoded = {0};
    uint32_t key_group = cairn_key_group_of(key, reader->manifest->max_parallelism);
    rocks_db *db = database_of(reader, key_group);
    rocks_family *family = NULL;
    cairn_slice value = {0};
    bool found = false;

    CAIRN_TRY(find_family(reader, db, state, &family, err));
    CAIRN_TRY(state_key_begin(&encoded, key_group, reader->manifest->max_parallelism, key, err));
    CAIRN_TRY(state_key_append_namespace(&encoded, (cairn_slice){0}, err));
    CAIRN_TRY(rocks_get(db, family, cairn_buf_slice(&encoded), &value, &found, err));
    if (found) {
        buf_clear(out);
        CAIRN_TRY(buf_append(out, value.data, value.len, err));
    }
    *out_found = found;
    return CAIRN_OK;
}

static cairn_code scan_database(cairn_state_reader *self, rocks_db *db, const char *state,
                                cairn_state_visit visit, void *context, cairn_error *err)
{
    CAIRN_AUTO_PTR(rocks_cursor_free) rocks_cursor *cursor = NULL;
    rocks_family *family = NULL;
    cairn_slice key;
    cairn_slice value;

    CAIRN_TRY(find_family(self, db, state, &family, err));
    CAIRN_TRY(rocks_cursor_new(db, family, (cairn_slice){0}, &cursor, err));
    while (rocks_cursor_next(cursor, &key, &value)) {
        CAIRN_AUTO(state_key_parts) parts = {0};
        CAIRN_TRY(state_key_decode(key, self->manifest->max_parallelism, &parts, err));
        CAIRN_TRY(visit(context, cairn_buf_slice(&parts.key), value, err));
    }
    return rocks_cursor_status(cursor, err);
}

cairn_code cairn_state_reader_scan(cairn_state_reader *reader, const char *state,
                                   cairn_state_visit visit, void *context, cairn_error *err)
{
    for (size_t i = 0; i < reader->op->subtask_count; i++) {
        CAIRN_TRY(scan_database(reader, reader->databases[i], state, visit, context, err));
    }
    return CAIRN_OK;
}
