/*
 * RocksDB, as cairn uses it; the only unit that includes <rocksdb/c.h>.
 *
 * A rocks_db is one database with one column family per state. The write-ahead log is off on every
 * write: durability is the checkpoint's.
 *
 * Memory: each database has its own budget, `memory_bytes`, for its block cache (data, index and
 * filter blocks) and its memtables. A process with several databases (subtasks) divides its budget
 * among them: RocksDB's C API can't share the bound of memtables between databases, so a budget of
 * the process would hold for the cache only. What comes on top is small and fixed: table readers,
 * buffers of running flushes and compactions, blocks pinned by cursors.
 *
 * Thread safety: one owner thread calls put, get, delete, cursors, family_*, snapshot_begin. The
 * functions marked [any] may be called by others while the owner works, but not during close.
 *
 * Errors: damage is CAIRN_E_INTEGRITY, a full disk CAIRN_E_NO_SPACE, a database that another holds
 * CAIRN_E_LOCKED, no permission CAIRN_E_ACCESS, other trouble of the system CAIRN_E_IO, all else
 * CAIRN_E_FAILED. Debian's RocksDB has its assertions on and throws when memory is short: both end
 * the process.
 */
#ifndef CAIRN_ROCKS_ROCKS_H
#define CAIRN_ROCKS_ROCKS_H

#include <cairn/store.h>

#include "check.h"
#include "entry_filter.h"

typedef struct rocks_db rocks_db;
typedef struct rocks_family rocks_family; /* a column family; borrowed from its rocks_db */
typedef struct rocks_cursor rocks_cursor;

/* Zero is a good value for every member. */
typedef struct rocks_options {
    /* The budget of this database: caches and memtables together. 0: 256 MiB. Less than
     * CAIRN_ROCKS_MEMORY_BYTES_MIN counts as that. */
    uint64_t memory_bytes;
    /* Flushes and compactions at once; the threads are shared by all databases. 0: 2. */
    unsigned background_jobs;
    bool read_only; /* for tools and tests; nothing in the folder is changed */
} rocks_options;

/* Version of RocksDB that cairn was built against, "7.8.3"; static storage. */
const char *rocks_version(void);

/*
 * Opens the database in the folder `path` with every column family that it has; makes folder and
 * database if there is none. A folder with table files but without a CURRENT file is damaged.
 * Read-only: no database is CAIRN_E_NOT_FOUND, a missing or cut table file CAIRN_E_INTEGRITY.
 */
cairn_code rocks_open(const char *path, const rocks_options *options, rocks_db **out,
                      cairn_error *err);
/*
 * Does not flush: what is not in a checkpoint is not kept. Ends background work (a running
 * compaction is broken off). Cursors and snapshots must be freed before. NULL is fine.
 */
void rocks_close(rocks_db *db);
CAIRN_DEFINE_AUTO_PTR(rocks_db, rocks_close)

/* The family with that name, or NULL. Every database has one called "default". */
rocks_family *rocks_family_find(rocks_db *db, const char *name);
/* CAIRN_E_EXISTS if there is one. Waits like a write while a snapshot's window is open. */
cairn_code rocks_family_create(rocks_db *db, const char *name, rocks_family **out,
                               cairn_error *err);

/*
 * Compactions that begin from now on ask `filter` about each value (not about appends that are not
 * yet joined); also, while it has a judge, about those of files older than CAIRN_ROCKS_FILTER_AGE_S
 * that nothing else would compact. It may be shown values that were overwritten since.
 */
void rocks_family_set_filter(rocks_db *db, rocks_family *family, const entry_filter *filter);

/*
 * While a snapshot's window is open (rocks_snapshot.h) a write may wait for its end, at most
 * CAIRN_ROCKS_HOLD_MS_MAX: then CAIRN_E_TIMEOUT, and nothing was written.
 */
cairn_code rocks_put(rocks_db *db, rocks_family *family, cairn_slice key, cairn_slice value,
                     cairn_error *err);
/* Adds to the end of the value, which is not read: the bytes are joined when it is. */
cairn_code rocks_append(rocks_db *db, rocks_family *family, cairn_slice key, cairn_slice bytes,
                        cairn_error *err);
cairn_code rocks_delete(rocks_db *db, rocks_family *family, cairn_slice key, cairn_error *err);

/*
 * Point read without a copy: *out is valid until the next rocks_get or rocks_pin_release on this
 * family, or close; writes don't touch it. *out_found false leaves *out untouched.
 */
cairn_code rocks_get(rocks_db *db, rocks_family *family, cairn_slice key, cairn_slice *out,
                     bool *out_found, cairn_error *err);
/* Lets go of what the last rocks_get on this family gave. */
void rocks_pin_release(rocks_family *family);

/*
 * Forward iteration over keys with a prefix (empty: all), as of now, in byte order. A cursor keeps
 * old files alive: free it soon.
 */
cairn_code rocks_cursor_new(rocks_db *db, rocks_family *family, cairn_slice prefix,
                            rocks_cursor **out, cairn_error *err);
/* False at the end or on failure: then look at status. Slices are valid until the next call. */
bool rocks_cursor_next(rocks_cursor *cursor, cairn_slice *key, cairn_slice *value);
cairn_code rocks_cursor_status(const rocks_cursor *cursor, cairn_error *err);
void rocks_cursor_free(rocks_cursor *cursor);
CAIRN_DEFINE_AUTO_PTR(rocks_cursor, rocks_cursor_free)

/* [any] Estimates: bytes of live SSTs plus memtables, and memory used by caches and memtables. */
uint64_t rocks_state_bytes(rocks_db *db);
uint64_t rocks_memory_bytes(rocks_db *db);

#endif
