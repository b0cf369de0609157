/*
 * DESIGN of the window. RocksDB switches the memtable of a family when its arena comes near
 * write_buffer_size, and one of any family when all arenas together pass a share of
 * db_write_buffer_size. The owner's writes are charged with the most that they can take; when a
 * charge does not fit any more, RocksDB is asked for the true size of the arenas, and if that
 * leaves no room either, the owner waits. So the guard costs two subtractions per write, and a few
 * properties per window.
 *
 * Lock order: the window's lock, then RocksDB's own.
 */
#include "clock.h"
#include "errors.h"
#include "rocks_internal.h"

#include <errno.h>

/* Skip list node of full height (12 pointers), sequence number, two lengths, alignment. */
#define ENTRY_OVERHEAD_BYTES (12 * 8 + 8 + 2 * 5 + 2 * 8)

cairn_code rocks_window_init(rocks_window *window, cairn_error *err)
{
    pthread_condattr_t attributes;
    int result;

    atomic_init(&window->open, false);
    if (pthread_condattr_init(&attributes) != 0) {
        return error_no_memory(err, "condition variable");
    }
    result = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    CAIRN_ASSERT(result == 0);
    result = pthread_cond_init(&window->synced.closed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    if (result != 0) {
        return error_errno(err, result, "make a condition variable");
    }
    result = pthread_mutex_init(&window->synced.lock, NULL);
    CAIRN_ASSERT(result == 0);
    return CAIRN_OK;
}

void rocks_window_release(rocks_window *window)
{
    (void)pthread_mutex_destroy(&window->synced.lock);
    (void)pthread_cond_destroy(&window->synced.closed);
}

static void lock(rocks_window *window)
{
    CAIRN_ASSERT(pthread_mutex_lock(&window->synced.lock) == 0);
}

static void unlock(rocks_window *window)
{
    CAIRN_ASSERT(pthread_mutex_unlock(&window->synced.lock) == 0);
}

/* The clock is the user's: it is not asked under the window's lock. */
static void hold_filters(rocks_db *db)
{
    for (size_t i = 0; i < atomic_load(&db->family_count); i++) {
        rocks_filter_hold(db->families[i]->filter);
    }
}

static void release_filters(rocks_db *db)
{
    for (size_t i = 0; i < atomic_load(&db->family_count); i++) {
        rocks_filter_release(db->families[i]->filter);
    }
}

void rocks_window_open(rocks_db *db)
{
    hold_filters(db);
    lock(&db->window);
    for (size_t i = 0; i < atomic_load(&db->family_count); i++) {
        db->families[i]->room_bytes = 0; /* measured at the first write */
        db->families[i]->written_entries = 0;
    }
    db->window.synced.room_bytes = 0;
    atomic_store_explicit(&db->window.open, true, memory_order_release);
    unlock(&db->window);
}

/*
 * Bytes of entries that arenas of `used_bytes` may take before they hold `limit_bytes`: a block is
 * left when less than a quarter of it is free, and one block may be new.
 */
static uint64_t room(uint64_t used_bytes, uint64_t limit_bytes, uint64_t block_bytes)
{
    const uint64_t taken = used_bytes + 2 * block_bytes;

    return limit_bytes > taken ? (limit_bytes - taken) / 4 * 3 : 0;
}

/*
 * RocksDB switches not before used + 0.4 blocks reach memtable_bytes, and for the sake of all
 * families not before those that take writes hold half of memtables_bytes (7/8 if none is being
 * flushed, which can't be relied on).
 */
static void measure_locked(rocks_db *db, rocks_family *family)
{
    static const char *const size = "rocksdb.cur-size-active-mem-table";
    const rocks_budget *const budget = &db->settings.budget;

    family->room_bytes =
        room(rocks_property(db, family, size), budget->memtable_bytes - 1, budget->arena_bytes);
    db->window.synced.room_bytes =
        room(rocks_property_sum(db, size), budget->memtables_bytes / 2 - 1, budget->arena_bytes);
}

static bool charge_locked(rocks_db *db, rocks_family *family, uint64_t bytes)
{
    if (bytes > family->room_bytes || bytes > db->window.synced.room_bytes) {
        return false;
    }
    family->room_bytes -= bytes;
    db->window.synced.room_bytes -= bytes;
    return true;
}

static cairn_code wait_locked(rocks_db *db, cairn_error *err)
{
    const struct timespec until = clock_timespec(clock_monotonic_ms() + CAIRN_ROCKS_HOLD_MS_MAX);
    int result = 0;

    while (rocks_window_is_open(&db->window) && result == 0) {
        result = pthread_cond_timedwait(&db->window.synced.closed, &db->window.synced.lock, &until);
    }
    if (!rocks_window_is_open(&db->window)) {
        return CAIRN_OK;
    }
    CAIRN_ASSERT(result == ETIMEDOUT);
    return error_set(err, CAIRN_E_TIMEOUT,
                     "write to %s: the snapshot that holds writes did not end within %d ms",
                     db->path, CAIRN_ROCKS_HOLD_MS_MAX);
}

cairn_code rocks_window_enter(rocks_db *db, rocks_family *family, size_t entry_bytes,
                              cairn_error *err)
{
    const uint64_t bytes = (uint64_t)entry_bytes + ENTRY_OVERHEAD_BYTES;
    cairn_code code = CAIRN_OK;

    lock(&db->window);
    if (!charge_locked(db, family, bytes)) {
        measure_locked(db, family);
        if (!charge_locked(db, family, bytes)) {
            code = wait_locked(db, err);
        }
    }
    if (code != CAIRN_OK) {
        unlock(&db->window);
    }
    return code;
}

void rocks_window_leave(rocks_db *db, rocks_family *family, cairn_code code)
{
    family->written_entries += code == CAIRN_OK;
    unlock(&db->window);
}

cairn_code rocks_window_wait(rocks_db *db, cairn_error *err)
{
    cairn_code code;

    lock(&db->window);
    code = wait_locked(db, err);
    unlock(&db->window);
    return code;
}

bool rocks_window_close(rocks_db *db)
{
    bool intact = true;

    lock(&db->window);
    CAIRN_ASSERT(rocks_window_is_open(&db->window));
    for (size_t i = 0; intact && i < atomic_load(&db->family_count); i++) {
        intact = rocks_property(db, db->families[i], "rocksdb.num-entries-active-mem-table") ==
                 db->families[i]->written_entries;
    }
    release_filters(db);
    atomic_store_explicit(&db->window.open, false, memory_order_release);
    CAIRN_ASSERT(pthread_cond_broadcast(&db->window.synced.closed) == 0);
    unlock(&db->window);
    return intact;
}
