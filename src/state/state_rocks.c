#include "state_rocks.h"

#include "bounds.h"
#include "errors.h"
#include "rocks_snapshot.h"
#include "state_key.h"

#include <string.h>

/* RocksDB makes this family by itself: it is no sign that a state of that name was made. */
#define DEFAULT_FAMILY "default"

typedef struct rocks_table {
    state_table base;
    rocks_db *db;
    rocks_family *family;
} rocks_table;

typedef struct rocks_engine {
    state_engine base;
    rocks_db *db;
    uint32_t max_parallelism;
    rocks_table tables[CAIRN_ROCKS_FAMILIES_MAX]; /* in the order in which they were asked for */
    size_t table_count;
} rocks_engine;

typedef struct table_cursor {
    state_cursor base;
    rocks_cursor *rows;
} table_cursor;

typedef struct engine_snapshot {
    state_snapshot base;
    const rocks_engine *engine;
    rocks_snapshot *links;
} engine_snapshot;

/* --- tables ----------------------------------------------------------------------------------- */

static cairn_code table_get(state_table *self, const state_place *place, cairn_slice *out,
                            bool *out_found, cairn_error *err)
{
    const rocks_table *const table = (const rocks_table *)self;

    return rocks_get(table->db, table->family, place->bytes, out, out_found, err);
}

static cairn_code table_put(state_table *self, const state_place *place, cairn_slice value,
                            cairn_error *err)
{
    const rocks_table *const table = (const rocks_table *)self;

    return rocks_put(table->db, table->family, place->bytes, value, err);
}

static cairn_code table_append(state_table *self, const state_place *place, cairn_slice bytes,
                               cairn_error *err)
{
    const rocks_table *const table = (const rocks_table *)self;

    return rocks_append(table->db, table->family, place->bytes, bytes, err);
}

static cairn_code table_remove(state_table *self, const state_place *place, cairn_error *err)
{
    const rocks_table *const table = (const rocks_table *)self;

    return rocks_delete(table->db, table->family, place->bytes, err);
}

static bool cursor_next(state_cursor *self, cairn_slice *key, cairn_slice *value)
{
    return rocks_cursor_next(((table_cursor *)self)->rows, key, value);
}

static cairn_code cursor_status(const state_cursor *self, cairn_error *err)
{
    return rocks_cursor_status(((const table_cursor *)self)->rows, err);
}

static void cursor_free(state_cursor *self)
{
    table_cursor *const cursor = (table_cursor *)self;

    rocks_cursor_free(cursor->rows);
    mem_free(cursor);
}

static const state_cursor_ops cursor_ops = {cursor_next, cursor_status, cursor_free};

static cairn_code cursor_new(const rocks_table *table, cairn_slice prefix, state_cursor **out,
                             cairn_error *err)
{
    CAIRN_AUTO_FREE table_cursor *cursor = mem_calloc(1, sizeof(*cursor));

    if (cursor == NULL) {
        return error_no_memory(err, "cursor");
    }
    cursor->base.ops = &cursor_ops;
    CAIRN_TRY(rocks_cursor_new(table->db, table->family, prefix, &cursor->rows, err));
    *out = &CAIRN_TAKE(cursor)->base;
    return CAIRN_OK;
}

static cairn_code table_walk(state_table *self, const state_place *prefix, state_cursor **out,
                             cairn_error *err)
{
    CAIRN_ASSERT(prefix->prefix_bytes > 0 && prefix->prefix_bytes <= prefix->bytes.len);
    return cursor_new((const rocks_table *)self,
                      (cairn_slice){prefix->bytes.data, prefix->prefix_bytes}, out, err);
}

static cairn_code table_scan(state_table *self, state_cursor **out, cairn_error *err)
{
    return cursor_new((const rocks_table *)self, (cairn_slice){NULL, 0}, out, err);
}

static void table_set_filter(state_table *self, const entry_filter *filter)
{
    const rocks_table *const table = (const rocks_table *)self;

    rocks_family_set_filter(table->db, table->family, filter);
}

static const state_table_ops table_ops = {
    .get = table_get,
    .put = table_put,
    .append = table_append,
    .remove = table_remove,
    .walk = table_walk,
    .scan = table_scan,
    .read = table_get,
    .set_filter = table_set_filter,
};

/* --- the engine ------------------------------------------------------------------------------- */

/* Handles stay where they are: one is made when a family is asked for the first time. */
static rocks_table *table_of(rocks_engine *engine, rocks_family *family, bool *out_known)
{
    rocks_table *const next = &engine->tables[engine->table_count];

    for (size_t i = 0; i < engine->table_count; i++) {
        if (engine->tables[i].family == family) {
            *out_known = true;
            return &engine->tables[i];
        }
    }
    CAIRN_ASSERT(engine->table_count < CAIRN_ROCKS_FAMILIES_MAX);
    *next = (rocks_table){{&table_ops}, engine->db, family};
    engine->table_count++;
    *out_known = false;
    return next;
}

static state_table *engine_find_table(state_engine *self, const char *name)
{
    rocks_engine *const engine = (rocks_engine *)self;
    rocks_family *const family = rocks_family_find(engine->db, name);
    bool known = false;

    return family == NULL ? NULL : &table_of(engine, family, &known)->base;
}

static cairn_code engine_create_table(state_engine *self, const char *name, cairn_state_kind kind,
                                      state_table **out, cairn_error *err)
{
    rocks_engine *const engine = (rocks_engine *)self;
    rocks_family *family = NULL;
    bool known = false;

    (void)kind; /* RocksDB's keys are in order, whatever they hold */
    if (strcmp(name, DEFAULT_FAMILY) == 0) {
        family = rocks_family_find(engine->db, name);
    } else {
        CAIRN_TRY(rocks_family_create(engine->db, name, &family, err));
    }
    rocks_table *const table = table_of(engine, family, &known);
    if (known) {
        return error_set(err, CAIRN_E_EXISTS, "create table %s: it exists", name);
    }
    *out = &table->base;
    return CAIRN_OK;
}

static uint64_t engine_state_bytes(state_engine *self)
{
    return rocks_state_bytes(((rocks_engine *)self)->db);
}

static uint64_t engine_memory_bytes(state_engine *self)
{
    return rocks_memory_bytes(((rocks_engine *)self)->db);
}

static void engine_close(state_engine *self)
{
    rocks_engine *const engine = (rocks_engine *)self;

    rocks_close(engine->db);
    mem_free(engine);
}

/* --- snapshots -------------------------------------------------------------------------------- */

/* All files are links to what stands on disk anyway: leaving some out would save nothing. */
static cairn_code snapshot_write(state_snapshot *self, const cairn_call *call, const char *dir,
                                 bool (*stands)(void *context, const char *name), void *context,
                                 cairn_error *err)
{
    (void)stands;
    (void)context;
    return rocks_snapshot_link(((engine_snapshot *)self)->links, call, dir, err);
}

typedef struct file_visit {
    uint32_t max_parallelism;
    state_file_visit visit;
    void *context;
} file_visit;

static cairn_code visit_file(void *context, const char *name, cairn_slice smallest,
                             cairn_slice largest, cairn_error *err)
{
    const file_visit *const visit = context;
    state_file file = {.name = name};

    if (!state_key_group(smallest, visit->max_parallelism, &file.first_key_group) ||
        !state_key_group(largest, visit->max_parallelism, &file.last_key_group)) {
        return CAIRN_OK; /* no keys of ours */
    }
    return visit->visit(visit->context, &file, err);
}

/* The files of the working database: one that a compaction has removed since is not visited. */
static cairn_code snapshot_visit_files(state_snapshot *self, const char *dir,
                                       state_file_visit visit, void *context, cairn_error *err)
{
    const rocks_engine *const engine = ((engine_snapshot *)self)->engine;
    file_visit each = {engine->max_parallelism, visit, context};

    (void)dir;
    return rocks_visit_files(engine->db, visit_file, &each, err);
}

static void snapshot_free(state_snapshot *self)
{
    engine_snapshot *const snapshot = (engine_snapshot *)self;

    rocks_snapshot_free(snapshot->links);
    mem_free(snapshot);
}

static const state_snapshot_ops snapshot_ops = {snapshot_write, snapshot_visit_files,
                                                snapshot_free};

static cairn_code engine_snapshot_begin(state_engine *self, state_snapshot **out, cairn_error *err)
{
    rocks_engine *const engine = (rocks_engine *)self;
    CAIRN_AUTO_FREE engine_snapshot *snapshot = mem_calloc(1, sizeof(*snapshot));

    if (snapshot == NULL) {
        return error_no_memory(err, "snapshot");
    }
    snapshot->base.ops = &snapshot_ops;
    snapshot->engine = engine;
    CAIRN_TRY(rocks_snapshot_begin(engine->db, &snapshot->links, err));
    *out = &CAIRN_TAKE(snapshot)->base;
    return CAIRN_OK;
}

/* A family may hold anything. */
static bool engine_fits(const state_table *table, cairn_state_kind kind)
{
    (void)table;
    (void)kind;
    return true;
}

static const state_engine_ops engine_ops = {
    .name = "rocksdb",
    .version = rocks_version,
    .keeps_empty_tables = true,
    .walks_in_order = true,
    .find_table = engine_find_table,
    .create_table = engine_create_table,
    .fits = engine_fits,
    .snapshot = engine_snapshot_begin,
    .state_bytes = engine_state_bytes,
    .memory_bytes = engine_memory_bytes,
    .close = engine_close,
};

cairn_code state_rocks_open(const char *path, const rocks_options *options,
                            uint32_t max_parallelism, state_engine **out, cairn_error *err)
{
    CAIRN_AUTO_FREE rocks_engine *engine = mem_calloc(1, sizeof(*engine));

    if (engine == NULL) {
        return error_no_memory(err, "state engine");
    }
    engine->base.ops = &engine_ops;
    engine->max_parallelism = max_parallelism;
    CAIRN_TRY(rocks_open(path, options, &engine->db, err));
    *out = &CAIRN_TAKE(engine)->base;
    return CAIRN_OK;
}
