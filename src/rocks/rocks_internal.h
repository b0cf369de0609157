/* The inside of rocks_db and rocks_family, shared by the files of this folder. */
#ifndef CAIRN_ROCKS_INTERNAL_H
#define CAIRN_ROCKS_INTERNAL_H

#include "bounds.h"
#include "rocks_filter.h"
#include "rocks_options.h"

#include <pthread.h>
#include <stdatomic.h>

/*
 * The time between the barrier and the links, in which no memtable may be switched. `open` is
 * written under the lock; without it, only the owner may read it, as a hint that is exact for
 * "closed": nobody but the owner opens. An owner's write inside the window runs with the lock held.
 */
typedef struct rocks_window {
    atomic_bool open;
    struct {
        pthread_mutex_t lock;
        pthread_cond_t closed;
        uint64_t room_bytes; /* what all families may still take before they are measured again */
    } synced;
} rocks_window;

struct rocks_family {
    rocksdb_column_family_handle_t *handle;
    char *name;
    rocksdb_pinnableslice_t *pinned; /* owner: what the last get gave */
    rocks_filter_slot *filter;       /* of RocksDB, which frees it at close */
    bool compacts_by_age;            /* owner */
    /* Guarded by the window's lock, of meaning while it is open. */
    uint64_t room_bytes;
    uint64_t written_entries;
};

struct rocks_db {
    /* Const after open. */
    rocksdb_t *handle;
    char *path;
    bool read_only;
    rocks_settings settings;
    /* The owner appends: first the pointer, then the count. */
    rocks_family *families[CAIRN_ROCKS_FAMILIES_MAX];
    atomic_size_t family_count;
    rocks_window window;
};

/*
 * Turns RocksDB's message into an error "<what> <path>: <message>", and frees it. NULL is OK.
 */
cairn_code rocks_check(char *message, const char *what, const char *path, cairn_error *err);

/* An integer property of a family; 0 if RocksDB does not know it. */
uint64_t rocks_property(const rocks_db *db, const rocks_family *family, const char *name);
/* Sum over all families. */
uint64_t rocks_property_sum(const rocks_db *db, const char *name);

cairn_code rocks_window_init(rocks_window *window, cairn_error *err);
void rocks_window_release(rocks_window *window);
static inline bool rocks_window_is_open(const rocks_window *window)
{
    return atomic_load_explicit(&window->open, memory_order_acquire);
}
/* Owner. The memtables were switched just now. */
void rocks_window_open(rocks_db *db);
/* Owner, window open: waits for room for a write (or for the end of the window) and takes the lock.
 * On failure the lock is not held. */
cairn_code rocks_window_enter(rocks_db *db, rocks_family *family, size_t entry_bytes,
                              cairn_error *err);
/* Owner: gives the lock back; counts the write if it was made. */
void rocks_window_leave(rocks_db *db, rocks_family *family, cairn_code code);
/* Owner: waits for the end of the window. */
cairn_code rocks_window_wait(rocks_db *db, cairn_error *err);
/* Any thread, once: closes it. True if no memtable was switched since rocks_window_open. */
bool rocks_window_close(rocks_db *db);

#endif
