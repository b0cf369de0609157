/* Canonical files as an engine that can only be read. */
#include "bounds.h"
#include "buf.h"
#include "errors.h"
#include "fsutil.h"
#include "state_canonical.h"

#include <string.h>

typedef struct file_table {
    state_table base;
    const struct file_engine *engine;
    const char *name; /* borrowed from the states */
    cairn_buf value;  /* that get gave out */
} file_table;

typedef struct file_engine {
    state_engine base;
    char *dir;
    canonical_states states;
    file_table *tables; /* one for each state */
} file_engine;

static cairn_code read_only(const char *what, cairn_error *err)
{
    return error_set(err, CAIRN_E_STATE, "%s: canonical files are only read", what);
}

/* NULL in *out: the key group holds nothing. */
static cairn_code open_group(const file_engine *engine, uint32_t key_group, canonical_reader **out,
                             cairn_error *err)
{
    char name[STATE_CANONICAL_NAME_BYTES];
    CAIRN_AUTO_FREE char *path = NULL;

    state_canonical_name_file(key_group, name);
    CAIRN_TRY(fs_join(engine->dir, name, &path, err));
    return fs_exists(path) ? canonical_reader_open(path, &engine->states, key_group, out, err)
                           : CAIRN_OK;
}

/* --- tables ----------------------------------------------------------------------------------- */

static cairn_code find_entry(file_table *table, canonical_reader *rows, cairn_slice key,
                             bool *out_found, cairn_error *err)
{
    canonical_entry entry;
    bool more = false;

    CAIRN_TRY(canonical_reader_next(rows, &entry, &more, err));
    while (more) {
        if (strcmp(entry.state, table->name) == 0 && cairn_slice_equal(entry.place.bytes, key)) {
            buf_clear(&table->value);
            *out_found = true;
            return buf_append(&table->value, entry.value.data, entry.value.len, err);
        }
        CAIRN_TRY(canonical_reader_next(rows, &entry, &more, err));
    }
    return CAIRN_OK;
}

static cairn_code table_get(state_table *self, const state_place *place, cairn_slice *out,
                            bool *out_found, cairn_error *err)
{
    CAIRN_AUTO_PTR(canonical_reader_free) canonical_reader *rows = NULL;
    file_table *const table = (file_table *)self;
    bool found = false;

    CAIRN_TRY(open_group(table->engine, place->key_group, &rows, err));
    if (rows != NULL) {
        CAIRN_TRY(find_entry(table, rows, place->bytes, &found, err));
    }
    if (found) {
        *out = cairn_buf_slice(&table->value);
    }
    *out_found = found;
    return CAIRN_OK;
}

static cairn_code refuse_write(state_table *self, const state_place *place, cairn_slice bytes,
                               cairn_error *err)
{
    (void)place;
    (void)bytes;
    return read_only(((const file_table *)self)->name, err);
}

static cairn_code refuse_remove(state_table *self, const state_place *place, cairn_error *err)
{
    (void)place;
    return read_only(((const file_table *)self)->name, err);
}

static cairn_code refuse_walk(state_table *self, const state_place *prefix, state_cursor **out,
                              cairn_error *err)
{
    (void)prefix;
    (void)out;
    return read_only(((const file_table *)self)->name, err);
}

/* --- a scan: one file after the other --------------------------------------------------------- */

typedef struct file_cursor {
    state_cursor base;
    const file_table *table;
    canonical_reader *rows;  /* NULL: the next file is to be opened */
    uint32_t next_key_group; /* range.last + 1: none is left */
    cairn_code code;
    cairn_error error;
} file_cursor;

/* To the next entry of the state, in whatever file. *out_found is false behind the last. */
static cairn_code advance(file_cursor *cursor, canonical_entry *out, bool *out_found,
                          cairn_error *err)
{
    const file_engine *const engine = cursor->table->engine;

    while (cursor->rows != NULL || cursor->next_key_group <= engine->states.range.last) {
        bool more = false;

        if (cursor->rows == NULL) {
            CAIRN_TRY(open_group(engine, cursor->next_key_group++, &cursor->rows, err));
            continue;
        }
        CAIRN_TRY(canonical_reader_next(cursor->rows, out, &more, err));
        if (!more) {
            canonical_reader_free(CAIRN_TAKE(cursor->rows));
        } else if (strcmp(out->state, cursor->table->name) == 0) {
            *out_found = true;
            return CAIRN_OK;
        }
    }
    return CAIRN_OK;
}

static bool cursor_next(state_cursor *self, cairn_slice *key, cairn_slice *value)
{
    file_cursor *const cursor = (file_cursor *)self;
    canonical_entry entry;
    bool found = false;

    if (cursor->code == CAIRN_OK) {
        cursor->code = advance(cursor, &entry, &found, &cursor->error);
    }
    if (cursor->code != CAIRN_OK || !found) {
        return false;
    }
    *key = entry.place.bytes;
    *value = entry.value;
    return true;
}

static cairn_code cursor_status(const state_cursor *self, cairn_error *err)
{
    const file_cursor *const cursor = (const file_cursor *)self;

    return cursor->code == CAIRN_OK ? CAIRN_OK
                                    : error_set(err, cursor->code, "%s", cursor->error.message);
}

static void cursor_free(state_cursor *self)
{
    file_cursor *const cursor = (file_cursor *)self;

    canonical_reader_free(cursor->rows);
    mem_free(cursor);
}

static const state_cursor_ops cursor_ops = {cursor_next, cursor_status, cursor_free};

static cairn_code table_scan(state_table *self, state_cursor **out, cairn_error *err)
{
    const file_table *const table = (const file_table *)self;
    file_cursor *const cursor = mem_calloc(1, sizeof *cursor);

    if (cursor == NULL) {
        return error_no_memory(err, "cursor");
    }
    cursor->base.ops = &cursor_ops;
    cursor->table = table;
    cursor->next_key_group = table->engine->states.range.first;
    *out = &cursor->base;
    return CAIRN_OK;
}

static const state_table_ops table_ops = {
    .get = table_get,
    .put = refuse_write,
    .append = refuse_write,
    .remove = refuse_remove,
    .walk = refuse_walk,
    .scan = table_scan,
    .read = table_get,
};

/* --- the engine ------------------------------------------------------------------------------- */

static const char *engine_version(void)
{
    return STATE_CANONICAL_VERSION;
}

static state_table *engine_find_table(state_engine *self, const char *name)
{
    file_engine *const engine = (file_engine *)self;

    for (size_t i = 0; i < engine->states.count; i++) {
        if (strcmp(engine->tables[i].name, name) == 0) {
            return &engine->tables[i].base;
        }
    }
    return NULL;
}

static cairn_code engine_create_table(state_engine *self, const char *name, cairn_state_kind kind,
                                      state_table **out, cairn_error *err)
{
    (void)self;
    (void)kind;
    (void)out;
    return read_only(name, err);
}

static bool engine_fits(const state_table *table, cairn_state_kind kind)
{
    (void)table;
    (void)kind;
    return true;
}

static cairn_code engine_snapshot(state_engine *self, state_snapshot **out, cairn_error *err)
{
    (void)out;
    return read_only(((const file_engine *)self)->dir, err);
}

static uint64_t engine_bytes(state_engine *self)
{
    (void)self;
    return 0;
}

static void engine_close(state_engine *self)
{
    file_engine *const engine = (file_engine *)self;

    for (size_t i = 0; engine->tables != NULL && i < engine->states.count; i++) {
        cairn_buf_release(&engine->tables[i].value);
    }
    mem_free(engine->tables);
    mem_free(engine->dir);
    mem_free(engine);
}

static const state_engine_ops engine_ops = {
    .name = STATE_CANONICAL_ENGINE,
    .version = engine_version,
    .keeps_empty_tables = true,
    .walks_in_order = false,
    .find_table = engine_find_table,
    .create_table = engine_create_table,
    .fits = engine_fits,
    .snapshot = engine_snapshot,
    .state_bytes = engine_bytes,
    .memory_bytes = engine_bytes,
    .close = engine_close,
};

cairn_code state_canonical_open(const char *dir, const canonical_states *states, state_engine **out,
                                cairn_error *err)
{
    CAIRN_AUTO_PTR(state_engine_close) state_engine *opened = NULL;
    file_engine *const engine = mem_calloc(1, sizeof *engine);

    if (engine == NULL) {
        return error_no_memory(err, "state engine");
    }
    engine->base.ops = &engine_ops;
    engine->states = *states;
    opened = &engine->base;
    engine->dir = mem_strdup(dir);
    engine->tables = mem_calloc(states->count, sizeof *engine->tables);
    if (engine->dir == NULL || engine->tables == NULL) {
        return error_no_memory(err, "state engine");
    }
    for (size_t i = 0; i < states->count; i++) {
        engine->tables[i] =
            (file_table){.base = {&table_ops}, .engine = engine, .name = states->items[i].name};
        cairn_buf_init(&engine->tables[i].value, CAIRN_VALUE_BYTES_MAX);
    }
    *out = CAIRN_TAKE(opened);
    return CAIRN_OK;
}
