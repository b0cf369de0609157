/*
 * The hash-map engine: working state on the heap, made for snapshots.
 *
 * A heap_db is the working state of one subtask. It holds a heap_table for each state, and a table
 * an extendible hash for each key group: a directory of segments, each a small open-addressing
 * array of pointers to entries. A segment that is full is split, so no step of growth touches more
 * than one segment (the directory, of one pointer per segment, is doubled by a copy).
 *
 * Snapshots are copy-on-write. Taking one copies a pointer for each table and key group:
 * what was made up to then is frozen, and tells so by its generation. Whoever writes afterwards
 * copies the directory and the segment that it changes, once, and leaves the old ones, with the
 * entries that they point to, to the snapshot. So the owner is never stopped for longer than the
 * copy of a segment, and a snapshot that nobody reads any more costs nothing.
 *
 * Grouped tables (of map states and timers) also chain the entries that share a prefix (key and
 * namespace), in the order in which they were first put: heap_walk visits those of one prefix
 * without a look at others.
 *
 * Memory: every entry, segment and directory is accounted (heap_memory_bytes). An entry of 16-byte
 * key and value takes less than 2 x payload + 32 bytes, table and allocator included.
 *
 * Thread safety: one owner thread uses a heap_db. A heap_snapshot may be read and freed by one
 * other thread at a time while the owner works. Functions marked [any] may be called by any thread.
 *
 * Keys and values are bytes; hashes are seeded per database, so that chosen keys don't collide.
 */
#ifndef CAIRN_HEAP_HEAP_H
#define CAIRN_HEAP_HEAP_H

#include <cairn/state.h>

#include "check.h"
#include "entry_filter.h"

typedef struct heap_db heap_db;
typedef struct heap_table heap_table; /* borrowed from its heap_db */

typedef struct heap_options {
    cairn_key_group_range range; /* of the key groups that tables hold */
    uint64_t memory_bytes;       /* writes beyond it are CAIRN_E_LIMIT; 0: no bound */
    uint32_t key_group_bytes;    /* in front of each key, its key group, big-endian: 0 to 4 bytes;
                                  * files (heap_file.h) don't repeat them */
} heap_options;

/* CAIRN_E_INVALID: an impossible option. */
cairn_code heap_open(const heap_options *options, heap_db **out, cairn_error *err);
/* Snapshots must be freed before. NULL is fine. */
void heap_close(heap_db *db);
CAIRN_DEFINE_AUTO_PTR(heap_db, heap_close)

/* Was the last CAIRN_E_LIMIT one of memory_bytes? Asked once: then it is forgotten. */
bool heap_take_refusal(heap_db *db);

/* NULL: none of that name. */
heap_table *heap_table_find(heap_db *db, const char *name);
/* CAIRN_E_EXISTS if there is one; CAIRN_E_LIMIT: CAIRN_HEAP_TABLES_MAX stand, or the name has more
 * than CAIRN_NAME_BYTES_MAX bytes. `grouped`: heap_walk is possible; 20 bytes more per entry. */
cairn_code heap_table_create(heap_db *db, const char *name, bool grouped, heap_table **out,
                             cairn_error *err);

/* Where an entry stands. `prefix_bytes`: how much of `bytes` is shared by what heap_walk visits;
 * in a table that is not grouped it is not looked at. */
typedef struct heap_key {
    cairn_slice bytes;
    uint32_t key_group; /* in the range of the database */
    size_t prefix_bytes;
} heap_key;

/* *out is valid until the next call that writes to this table. */
bool heap_get(heap_table *table, const heap_key *key, cairn_slice *out);
/* CAIRN_E_NO_MEMORY, CAIRN_E_LIMIT (also of a key of more than CAIRN_HEAP_KEY_BYTES_MAX or a value
 * of more than CAIRN_VALUE_BYTES_MAX bytes): nothing was changed. Key and value may be slices that
 * this table gave out. */
cairn_code heap_put(heap_table *table, const heap_key *key, cairn_slice value, cairn_error *err);
/* Adds to the end of the value; an absent one counts as empty. Amortised: the entry grows by
 * halves. */
cairn_code heap_append(heap_table *table, const heap_key *key, cairn_slice bytes, cairn_error *err);
/* Absent is fine. Fails only if a segment must be copied for a snapshot and memory is short. */
cairn_code heap_remove(heap_table *table, const heap_key *key, cairn_error *err);

/*
 * Visits the entries of a grouped table whose keys begin with the `prefix_bytes` first bytes of
 * `prefix`. The entry returned last may be removed or put again; entries put meanwhile may be
 * visited or not, but the walk ends with the entry that was the last when it began; an entry
 * removed before its turn is not visited. Any other write to the table between two calls is allowed
 * for the same reason. One walk per table at a time: a second begin ends the first.
 */
typedef struct heap_walk {
    heap_table *table; /* which holds where the walk stands */
    uint64_t number;
} heap_walk;
void heap_walk_begin(heap_table *table, const heap_key *prefix, heap_walk *walk);
bool heap_walk_next(heap_walk *walk, cairn_slice *key, cairn_slice *value);

/*
 * The next entry of a circle over all entries of the table, for who cleans bit by bit. False: none
 * stood in the next CAIRN_HEAP_SWEEP_SLOTS slots, or the circle is at its end; the next call goes
 * on, or begins anew. Any write is allowed between two calls: entries that it moves may be given
 * twice in a circle or not at all. Slices are valid until the next call that writes to this table.
 */
bool heap_sweep_next(heap_table *table, heap_key *key, cairn_slice *value);

/* Files of snapshots that begin from now on (heap_file.h) leave out, and shorten, what `filter`
 * says. */
void heap_table_set_filter(heap_table *table, const entry_filter *filter);

/* --- snapshots -------------------------------------------------------------------------------- */

typedef struct heap_snapshot heap_snapshot;

/* Owner. At most CAIRN_HEAP_SNAPSHOTS_MAX at once: CAIRN_E_STATE. */
cairn_code heap_snapshot_begin(heap_db *db, heap_snapshot **out, cairn_error *err);
/* Any thread. What it kept alive is freed by the owner, a bounded piece with each of its writes,
 * and at heap_close. NULL is fine. */
void heap_snapshot_free(heap_snapshot *snapshot);
CAIRN_DEFINE_AUTO_PTR(heap_snapshot, heap_snapshot_free)

/* Tables as of the snapshot, by index; NULL beyond the last. Names are borrowed from the snapshot.
 */
const char *heap_snapshot_table(const heap_snapshot *snapshot, size_t index, bool *out_grouped);

/*
 * How often key group `key_group` was changed, in all tables together, up to the snapshot. Equal
 * numbers of two snapshots of one database: nothing changed in between. heap_set_changes lets a
 * restored database go on from the number of its snapshot.
 */
uint64_t heap_snapshot_changes(const heap_snapshot *snapshot, uint32_t key_group);
void heap_set_changes(heap_db *db, uint32_t key_group, uint64_t changes);

/* The entries of one key group of one table, in no order. Slices are valid until the snapshot is
 * freed. */
typedef struct heap_cursor {
    const heap_snapshot *snapshot;
    size_t table;
    uint32_t key_group;
    size_t segment; /* the next to look at */
    size_t slot;
} heap_cursor;
void heap_cursor_begin(const heap_snapshot *snapshot, size_t table, uint32_t key_group,
                       heap_cursor *cursor);
bool heap_cursor_next(heap_cursor *cursor, cairn_slice *key, cairn_slice *value);

/* [any] Bytes of keys and values; and all that was allocated. */
uint64_t heap_state_bytes(const heap_db *db);
uint64_t heap_memory_bytes(const heap_db *db);
/* [any] Entries of all tables. */
uint64_t heap_entries(const heap_db *db);

#endif
