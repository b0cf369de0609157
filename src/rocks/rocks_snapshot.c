#include "rocks_snapshot.h"

#include "buf.h"
#include "clock.h"
#include "errors.h"
#include "fsutil.h"
#include "rocks_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define POLL_US_MIN 100
#define POLL_US_MAX 5000
#define NS_PER_US   1000

#define BRAKE_OFF 1000000u /* files in L0 */
#define L0_MARGIN 8        /* those that flushes under way are about to add */

struct rocks_snapshot {
    rocks_db *db;
    uint64_t errors_before;
    bool linked;
    bool open; /* the window is this snapshot's: once closed, the next one may have opened it */
};

/* True if it was exact until now. */
static bool close_window(rocks_snapshot *snapshot)
{
    if (!snapshot->open) {
        return false;
    }
    snapshot->open = false;
    return rocks_window_close(snapshot->db);
}

/* Failed flushes and compactions since open; RocksDB counts them in the default family. */
static uint64_t background_errors(const rocks_db *db)
{
    uint64_t count = 0;

    (void)rocksdb_property_int(db->handle, "rocksdb.background-errors", &count);
    return count;
}

static unsigned long files_in_l0(const rocks_db *db, const rocks_family *family)
{
    char *const text =
        rocksdb_property_value_cf(db->handle, family->handle, "rocksdb.num-files-at-level0");
    const unsigned long count = text == NULL ? 0 : strtoul(text, NULL, 10);

    rocksdb_free(text);
    return count;
}

static cairn_code set_brake(rocks_db *db, const rocks_family *family, unsigned slow, unsigned stop,
                            cairn_error *err)
{
    static const char *const names[] = {"level0_slowdown_writes_trigger",
                                        "level0_stop_writes_trigger"};
    char texts[2][16];
    const char *const values[] = {texts[0], texts[1]};
    char *message = NULL;

    (void)snprintf(texts[0], sizeof(texts[0]), "%u", slow);
    (void)snprintf(texts[1], sizeof(texts[1]), "%u", stop);
    rocksdb_set_options_cf(db->handle, family->handle, CAIRN_ARRAY_LEN(names), names, values,
                           &message);
    return rocks_check(message, "begin a snapshot of", db->path, err);
}

static cairn_code switch_memtable(rocks_db *db, const rocks_family *family, cairn_error *err)
{
    char *message = NULL;

    rocksdb_flush_cf(db->handle, db->settings.flush_without_waiting, family->handle, &message);
    return rocks_check(message, "begin a snapshot of", db->path, err);
}

/*
 * A flush after which writes would be slowed waits for a compaction first, seconds where those are
 * behind, and the C API can't tell it not to (FlushOptions::allow_write_stall). So the brake is off
 * while the memtable is switched; writes after it are slowed as before.
 */
static cairn_code switch_without_brake(rocks_db *db, const rocks_family *family, cairn_error *err)
{
    CAIRN_TRY(set_brake(db, family, BRAKE_OFF, BRAKE_OFF, err));
    const cairn_code code = switch_memtable(db, family, err);

    CAIRN_TRY(set_brake(db, family, ROCKS_L0_SLOW, ROCKS_L0_STOP, code == CAIRN_OK ? err : NULL));
    return code;
}

static cairn_code switch_memtables(rocks_db *db, cairn_error *err)
{
    for (size_t i = 0; i < atomic_load(&db->family_count); i++) {
        const rocks_family *const family = db->families[i];
        const bool crowded = files_in_l0(db, family) + L0_MARGIN >= ROCKS_L0_SLOW;

        CAIRN_TRY((crowded ? switch_without_brake : switch_memtable)(db, family, err));
    }
    return CAIRN_OK;
}

cairn_code rocks_snapshot_begin(rocks_db *db, rocks_snapshot **out, cairn_error *err)
{
    CAIRN_AUTO_FREE rocks_snapshot *snapshot = NULL;

    if (rocks_window_is_open(&db->window)) {
        return error_set(err, CAIRN_E_STATE, "begin a snapshot of %s: another is not yet linked",
                         db->path);
    }
    snapshot = mem_calloc(1, sizeof(*snapshot));
    if (snapshot == NULL) {
        return error_no_memory(err, "snapshot");
    }
    snapshot->db = db;
    snapshot->errors_before = background_errors(db);
    CAIRN_TRY(switch_memtables(db, err));
    rocks_window_open(db);
    snapshot->open = true;
    *out = CAIRN_TAKE(snapshot);
    return CAIRN_OK;
}

static cairn_code check_call(const cairn_call *call, const char *path, cairn_error *err)
{
    if (call->cancel != NULL && cairn_cancel_triggered(call->cancel)) {
        return error_set(err, CAIRN_E_CANCELLED, "snapshot %s: cancelled", path);
    }
    if (clock_monotonic_ms() >= call->deadline_ms) {
        return error_set(err, CAIRN_E_TIMEOUT, "snapshot %s: the deadline passed", path);
    }
    return CAIRN_OK;
}

static void sleep_us(uint32_t us)
{
    const struct timespec time = {.tv_nsec = (long)us * NS_PER_US};

    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

/* One look at each family is enough: none gets a new immutable memtable while the window is open.
 */
static cairn_code wait_for_flush(rocks_snapshot *snapshot, rocks_family *family,
                                 const cairn_call *call, const char *path, cairn_error *err)
{
    rocks_db *const db = snapshot->db;
    uint32_t pause_us = POLL_US_MIN;

    while (rocks_property(db, family, "rocksdb.num-immutable-mem-table") != 0) {
        CAIRN_TRY(check_call(call, path, err));
        if (background_errors(db) != snapshot->errors_before) {
            /* RocksDB tells the cause only to who waits for the flush, for as long as it takes. */
            return error_set(err, CAIRN_E_IO,
                             "flush for snapshot %s: RocksDB reports a background error, its "
                             "LOG in %s tells which",
                             path, db->path);
        }
        sleep_us(pause_us);
        pause_us = pause_us < POLL_US_MAX / 2 ? pause_us * 2 : POLL_US_MAX;
    }
    return CAIRN_OK;
}

static cairn_code wait_for_flushes(rocks_snapshot *snapshot, const cairn_call *call,
                                   const char *path, cairn_error *err)
{
    rocks_db *const db = snapshot->db;

    for (size_t i = 0; i < atomic_load(&db->family_count); i++) {
        CAIRN_TRY(wait_for_flush(snapshot, db->families[i], call, path, err));
    }
    return check_call(call, path, err);
}

static cairn_code make_links(rocks_db *db, const char *path, cairn_error *err)
{
    char *message = NULL;
    rocksdb_checkpoint_t *const checkpoint = rocksdb_checkpoint_object_create(db->handle, &message);

    CAIRN_TRY(rocks_check(message, "make snapshot", path, err));
    rocksdb_checkpoint_create(checkpoint, path, UINT64_MAX, &message); /* never flushes */
    rocksdb_checkpoint_object_destroy(checkpoint);
    return rocks_check(message, "make snapshot", path, err);
}

/* RocksDB removes its temporary folder when it fails, if it can. */
static void remove_folder(const char *path)
{
    CAIRN_AUTO(cairn_buf) temporary = {0};

    (void)fs_remove_tree(path, NULL);
    if (buf_printf(&temporary, NULL, "%s.tmp", path) == CAIRN_OK) {
        (void)fs_remove_tree(buf_text(&temporary), NULL);
    }
}

static cairn_code link_in_window(rocks_snapshot *snapshot, const cairn_call *call, const char *path,
                                 cairn_error *err)
{
    cairn_code code;

    CAIRN_TRY(wait_for_flushes(snapshot, call, path, err));
    code = make_links(snapshot->db, path, err);
    if (!close_window(snapshot) && code == CAIRN_OK) {
        code = error_set(err, CAIRN_E_FAILED,
                         "make snapshot %s: a memtable was switched before the links were made",
                         path);
    }
    if (code != CAIRN_OK) {
        remove_folder(path);
    }
    return code;
}

cairn_code rocks_snapshot_link(rocks_snapshot *snapshot, const cairn_call *call, const char *path,
                               cairn_error *err)
{
    cairn_call bounded = call == NULL ? (cairn_call){0} : *call;
    cairn_code code;

    if (snapshot->linked) {
        return error_set(err, CAIRN_E_STATE, "make snapshot %s: linked before", path);
    }
    snapshot->linked = true;
    if (bounded.deadline_ms == 0) {
        bounded.deadline_ms = clock_monotonic_ms() + CAIRN_ROCKS_FLUSH_MS_MAX;
    }
    if (fs_exists(path)) {
        code = error_set(err, CAIRN_E_EXISTS, "make snapshot %s: the folder exists", path);
    } else {
        code = link_in_window(snapshot, &bounded, path, err);
    }
    (void)close_window(snapshot);
    return code;
}

void rocks_snapshot_free(rocks_snapshot *snapshot)
{
    if (snapshot != NULL) {
        (void)close_window(snapshot);
        mem_free(snapshot);
    }
}

static cairn_code visit_file(const rocksdb_livefiles_t *files, int index, rocks_file_visit visit,
                             void *context, cairn_error *err)
{
    const char *const name = rocksdb_livefiles_name(files, index);
    cairn_slice smallest;
    cairn_slice largest;

    smallest.data = rocksdb_livefiles_smallestkey(files, index, &smallest.len);
    largest.data = rocksdb_livefiles_largestkey(files, index, &largest.len);
    return visit(context, name[0] == '/' ? name + 1 : name, smallest, largest, err);
}

cairn_code rocks_visit_files(rocks_db *db, rocks_file_visit visit, void *context, cairn_error *err)
{
    const rocksdb_livefiles_t *const files = rocksdb_livefiles(db->handle);
    const int count = rocksdb_livefiles_count(files);
    cairn_code code = CAIRN_OK;

    for (int i = 0; i < count && code == CAIRN_OK; i++) {
        code = visit_file(files, i, visit, context, err);
    }
    rocksdb_livefiles_destroy(files);
    return code;
}
