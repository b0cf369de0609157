/*
 * What the kinds of state (value, list, map, reducing, aggregating) need of a working-state engine:
 * ordered or not, a table of bytes under composite keys. state_rocks.c and state_heap.c implement
 * it; the kinds are written once, on top.
 *
 * Thread safety: the owner's thread, unless marked [any].
 */
#ifndef CAIRN_STATE_STATE_TABLE_H
#define CAIRN_STATE_STATE_TABLE_H

#include <cairn/manifest.h>
#include <cairn/store.h>

#include "check.h"
#include "entry_filter.h"

/* Where an entry stands: a composite key (state_key.h) and its parts. */
typedef struct state_place {
    cairn_slice bytes;
    uint32_t key_group;
    size_t prefix_bytes; /* key group, key and namespace: all but the user key of a map */
} state_place;

typedef struct state_table state_table;
typedef struct state_cursor state_cursor;
typedef struct state_engine state_engine;
typedef struct state_snapshot state_snapshot;

/* --- tables ----------------------------------------------------------------------------------- */

typedef struct state_table_ops {
    /* *out is valid until the next call on this table; untouched if nothing is there. */
    cairn_code (*get)(state_table *self, const state_place *place, cairn_slice *out,
                      bool *out_found, cairn_error *err);
    cairn_code (*put)(state_table *self, const state_place *place, cairn_slice value,
                      cairn_error *err);
    /* Adds to the end of what stands there, without reading it; absent counts as empty. */
    cairn_code (*append)(state_table *self, const state_place *place, cairn_slice bytes,
                         cairn_error *err);
    /* Absent is fine. */
    cairn_code (*remove)(state_table *self, const state_place *place, cairn_error *err);
    /*
     * Entries whose keys begin with the first prefix_bytes of `prefix` (a map's entries), each
     * once. Put and remove of the entry returned last are allowed meanwhile; entries that are put
     * by others meanwhile may be seen or not. One at a time per table.
     */
    cairn_code (*walk)(state_table *self, const state_place *prefix, state_cursor **out,
                       cairn_error *err);
    /* All entries of the table as of now, by key group, those of one key and namespace together;
     * any writes are allowed meanwhile and are not seen. */
    cairn_code (*scan)(state_table *self, state_cursor **out, cairn_error *err);
    /* As get, where a user reads: with a time to live that may renew the entry, or remove it. */
    cairn_code (*read)(state_table *self, const state_place *place, cairn_slice *out,
                       bool *out_found, cairn_error *err);
    /* NULL: a read changes nothing. Else the same as `read`, for each entry that a walk gave. */
    cairn_code (*read_walked)(state_table *self, const state_place *place, cairn_slice *out,
                              bool *out_found, cairn_error *err);
    /* The table with what is stored as it is; NULL: this one. */
    state_table *(*stored)(state_table *self);
    /* Of an engine: what it writes anew anyway (compactions, snapshots) is judged from now on; a
     * filter without a judge ends that. NULL in a table that is no engine's. */
    void (*set_filter)(state_table *self, const entry_filter *filter);
    /* The next entry of an endless circle over the table, valid until the next call on it, where
     * the engine does not clean by itself; false: none was at hand. Else NULL. */
    bool (*sweep)(state_table *self, state_place *place, cairn_slice *value);
} state_table_ops;

/* First member of the engine's own, and of the table with a time to live (state_ttl.h). */
struct state_table {
    const state_table_ops *ops;
};

static inline state_table *state_table_stored(state_table *table)
{
    return table->ops->stored == NULL ? table : table->ops->stored(table);
}

typedef struct state_cursor_ops {
    /* False at the end or on failure: then look at status. Slices are valid until the next call. */
    bool (*next)(state_cursor *self, cairn_slice *key, cairn_slice *value);
    cairn_code (*status)(const state_cursor *self, cairn_error *err);
    void (*free)(state_cursor *self);
} state_cursor_ops;

struct state_cursor {
    const state_cursor_ops *ops;
};
void state_cursor_free(state_cursor *cursor); /* NULL is fine */
CAIRN_DEFINE_AUTO_PTR(state_cursor, state_cursor_free)

/* --- engines ---------------------------------------------------------------------------------- */

typedef struct state_file {
    const char *name;         /* local: ^[A-Za-z0-9._-]{1,255}$ */
    uint32_t first_key_group; /* of the keys in it; for files without keys the subtask's range */
    uint32_t last_key_group;
} state_file;
typedef cairn_code (*state_file_visit)(void *context, const state_file *file, cairn_error *err);

typedef struct state_engine_ops {
    const char *name; /* in manifests: "rocksdb", "hashmap" */
    const char *(*version)(void);
    /* False: a table without entries is missing after a restore, and is made again. */
    bool keeps_empty_tables;
    bool walks_in_order; /* state_table_ops.walk visits in the order of keys */
    /* NULL: there is none of that name. */
    state_table *(*find_table)(state_engine *self, const char *name);
    /* CAIRN_E_EXISTS, CAIRN_E_LIMIT. */
    cairn_code (*create_table)(state_engine *self, const char *name, cairn_state_kind kind,
                               state_table **out, cairn_error *err);
    /* Could this table, as it was restored, be one of a state of that kind? */
    bool (*fits)(const state_table *table, cairn_state_kind kind);
    /* The sync phase: fixes all tables as of now. */
    cairn_code (*snapshot)(state_engine *self, state_snapshot **out, cairn_error *err);
    uint64_t (*state_bytes)(state_engine *self);  /* [any] estimate, keys and values */
    uint64_t (*memory_bytes)(state_engine *self); /* [any] */
    void (*close)(state_engine *self);
} state_engine_ops;

struct state_engine {
    const state_engine_ops *ops;
};
void state_engine_close(state_engine *engine); /* NULL is fine */
CAIRN_DEFINE_AUTO_PTR(state_engine, state_engine_close)

typedef struct state_snapshot_ops {
    /*
     * The async phase, any thread, once: puts the files of the snapshot into the new folder `dir`.
     * `stands(context, name)`: a file of that name was stored before and is still referenced; an
     * engine that never gives a name to two contents may leave it out, and names it all the same in
     * `visit`. May be NULL.
     */
    cairn_code (*write)(state_snapshot *self, const cairn_call *call, const char *dir,
                        bool (*stands)(void *context, const char *name), void *context,
                        cairn_error *err);
    /* Any thread, after write: files whose key groups are known. */
    cairn_code (*visit_files)(state_snapshot *self, const char *dir, state_file_visit visit,
                              void *context, cairn_error *err);
    void (*free)(state_snapshot *self);
} state_snapshot_ops;

struct state_snapshot {
    const state_snapshot_ops *ops;
};
void state_snapshot_free(state_snapshot *snapshot); /* NULL is fine */
CAIRN_DEFINE_AUTO_PTR(state_snapshot, state_snapshot_free)

#endif
