/* The inside of the hash-map adaptor: state_heap.c has tables and engine, state_heap_cursor.c walks
 * and scans, state_heap_snapshot.c writes files, state_heap_load.c reads them. */
#ifndef CAIRN_STATE_STATE_HEAP_IMPL_H
#define CAIRN_STATE_STATE_HEAP_IMPL_H

#include "bounds.h"
#include "state_heap.h"

typedef struct engine_table {
    state_table base;
    struct heap_engine *engine;
    heap_table *table;
    char *name;
    bool grouped;
} engine_table;

typedef struct heap_engine {
    state_engine base;
    heap_db *db;
    heap_options options;
    engine_table tables[CAIRN_HEAP_TABLES_MAX]; /* in the order in which they were made */
    size_t table_count;
} heap_engine;

/* A handle of `table`; takes `name`, which is allocated. */
engine_table *state_heap_add_table(heap_engine *engine, heap_table *table, char *name,
                                   bool grouped);

/* Says what to do about CAIRN_E_LIMIT that stands for the bound of memory; other codes pass. */
cairn_code state_heap_advise(const heap_engine *engine, const char *what, cairn_code code,
                             cairn_error *err);

/* Members of the tables' and the engine's operations. */
cairn_code state_heap_walk(state_table *self, const state_place *prefix, state_cursor **out,
                           cairn_error *err);
cairn_code state_heap_scan(state_table *self, state_cursor **out, cairn_error *err);
cairn_code state_heap_snapshot(state_engine *base, state_snapshot **out, cairn_error *err);

/* Fills an empty engine from the files in the folder `dir`. */
cairn_code state_heap_load(heap_engine *engine, const char *dir, cairn_error *err);

static inline heap_key state_heap_key(const state_place *place)
{
    return (heap_key){place->bytes, place->key_group, place->prefix_bytes};
}

#endif
