#include "errors.h"
#include "fsutil.h"
#include "state_heap_impl.h"

#include <string.h>

/* Of the group files: it goes up with their version. */
#define ENGINE_VERSION "1"

/* --- tables ----------------------------------------------------------------------------------- */

/* heap.c's message tells numbers; what to do about them is known here. */
cairn_code state_heap_advise(const heap_engine *engine, const char *what, cairn_code code,
                             cairn_error *err)
{
    const uint64_t bound = engine->options.memory_bytes;
    const uint64_t used = heap_memory_bytes(engine->db);

    if (code != CAIRN_E_LIMIT || !heap_take_refusal(engine->db)) {
        return code; /* such as a value that no memory would do for */
    }
    return error_set(err, code,
                     "%s: the hash map holds %llu of the %llu bytes that it may; give it more "
                     "(cairn.hashmap.memory), or keep the state in RocksDB (state.backend.type)",
                     what, (unsigned long long)used, (unsigned long long)bound);
}

static cairn_code advise(const engine_table *table, cairn_code code, cairn_error *err)
{
    return code == CAIRN_OK ? code : state_heap_advise(table->engine, table->name, code, err);
}

static cairn_code table_get(state_table *self, const state_place *place, cairn_slice *out,
                            bool *out_found, cairn_error *err)
{
    const heap_key key = state_heap_key(place);

    (void)err;
    *out_found = heap_get(((engine_table *)self)->table, &key, out);
    return CAIRN_OK;
}

static cairn_code table_put(state_table *self, const state_place *place, cairn_slice value,
                            cairn_error *err)
{
    const engine_table *const table = (engine_table *)self;
    const heap_key key = state_heap_key(place);

    return advise(table, heap_put(table->table, &key, value, err), err);
}

static cairn_code table_append(state_table *self, const state_place *place, cairn_slice bytes,
                               cairn_error *err)
{
    const engine_table *const table = (engine_table *)self;
    const heap_key key = state_heap_key(place);

    return advise(table, heap_append(table->table, &key, bytes, err), err);
}

static cairn_code table_remove(state_table *self, const state_place *place, cairn_error *err)
{
    const engine_table *const table = (engine_table *)self;
    const heap_key key = state_heap_key(place);

    return advise(table, heap_remove(table->table, &key, err), err);
}

static void table_set_filter(state_table *self, const entry_filter *filter)
{
    heap_table_set_filter(((engine_table *)self)->table, filter);
}

static bool table_sweep(state_table *self, state_place *place, cairn_slice *value)
{
    heap_key key;

    if (!heap_sweep_next(((engine_table *)self)->table, &key, value)) {
        return false;
    }
    *place = (state_place){key.bytes, key.key_group, key.prefix_bytes};
    return true;
}

static const state_table_ops table_ops = {
    .get = table_get,
    .put = table_put,
    .append = table_append,
    .remove = table_remove,
    .walk = state_heap_walk,
    .scan = state_heap_scan,
    .read = table_get,
    .set_filter = table_set_filter,
    .sweep = table_sweep,
};

/* --- the engine ------------------------------------------------------------------------------- */

static engine_table *known_table(heap_engine *engine, const char *name)
{
    for (size_t i = 0; i < engine->table_count; i++) {
        if (strcmp(engine->tables[i].name, name) == 0) {
            return &engine->tables[i];
        }
    }
    return NULL;
}

static state_table *engine_find_table(state_engine *self, const char *name)
{
    heap_engine *const engine = (heap_engine *)self;
    engine_table *const known = known_table(engine, name);

    return known == NULL ? NULL : &known->base;
}

/* Walks need entries chained: of a map those of a key, of timers those of a key group. */
static bool is_grouped(cairn_state_kind kind)
{
    return kind == CAIRN_STATE_MAP || kind == CAIRN_STATE_TIMERS;
}

engine_table *state_heap_add_table(heap_engine *engine, heap_table *table, char *name, bool grouped)
{
    engine_table *const next = &engine->tables[engine->table_count];

    CAIRN_ASSERT(engine->table_count < CAIRN_HEAP_TABLES_MAX);
    *next = (engine_table){{&table_ops}, engine, table, NULL, grouped};
    next->name = name;
    engine->table_count++;
    return next;
}

static cairn_code engine_create_table(state_engine *self, const char *name, cairn_state_kind kind,
                                      state_table **out, cairn_error *err)
{
    heap_engine *const engine = (heap_engine *)self;
    CAIRN_AUTO_FREE char *copy = mem_strdup(name); /* before the table: that can't be taken back */
    heap_table *table = NULL;

    if (copy == NULL) {
        return error_no_memory(err, "state");
    }
    CAIRN_TRY(heap_table_create(engine->db, name, is_grouped(kind), &table, err));
    *out = &state_heap_add_table(engine, table, CAIRN_TAKE(copy), is_grouped(kind))->base;
    return CAIRN_OK;
}

/* A walk needs what a plain table has not. */
static bool engine_fits(const state_table *table, cairn_state_kind kind)
{
    return ((const engine_table *)table)->grouped || !is_grouped(kind);
}

static const char *engine_version(void)
{
    return ENGINE_VERSION;
}

bool state_heap_reads(const char *version)
{
    return strcmp(version, ENGINE_VERSION) == 0;
}

static uint64_t engine_state_bytes(state_engine *self)
{
    return heap_state_bytes(((heap_engine *)self)->db);
}

static uint64_t engine_memory_bytes(state_engine *self)
{
    return heap_memory_bytes(((heap_engine *)self)->db);
}

static void engine_close(state_engine *self)
{
    heap_engine *const engine = (heap_engine *)self;

    heap_close(engine->db);
    for (size_t i = 0; i < engine->table_count; i++) {
        mem_free(engine->tables[i].name);
    }
    mem_free(engine);
}

static const state_engine_ops engine_ops = {
    .name = "hashmap",
    .version = engine_version,
    .keeps_empty_tables = false,
    .walks_in_order = false,
    .find_table = engine_find_table,
    .create_table = engine_create_table,
    .fits = engine_fits,
    .snapshot = state_heap_snapshot,
    .state_bytes = engine_state_bytes,
    .memory_bytes = engine_memory_bytes,
    .close = engine_close,
};

cairn_code state_heap_open(const char *path, const heap_options *options, state_engine **out,
                           cairn_error *err)
{
    CAIRN_AUTO_PTR(state_engine_close) state_engine *opened = NULL;
    CAIRN_AUTO_FREE heap_engine *engine = mem_calloc(1, sizeof *engine);

    if (engine == NULL) {
        return error_no_memory(err, "state engine");
    }
    engine->base.ops = &engine_ops;
    engine->options = *options;
    CAIRN_TRY(heap_open(options, &engine->db, err));
    opened = &CAIRN_TAKE(engine)->base;
    if (fs_exists(path)) {
        CAIRN_TRY(state_heap_load((heap_engine *)opened, path, err));
    }
    *out = CAIRN_TAKE(opened);
    return CAIRN_OK;
}
