/*
 * A snapshot of a database as a folder of hard links, with a pause of the owner that does not grow
 * with the state.
 *
 * 1. rocks_snapshot_begin, on the owner's thread at the barrier, switches the memtable of every
 *    family (flush without waiting; cost: microseconds, unless RocksDB slows writes anyway because
 *    flushes or compactions don't keep up) and opens the *window*.
 * 2. rocks_snapshot_link, on any thread, waits until the switched memtables are on disk, makes the
 *    links (rocksdb checkpoint that never flushes) and closes the window.
 * While the window is open the owner may read and write. Its writes go to fresh memtables; should
 * they come near the size at which RocksDB would switch a second time (which would leak writes made
 * after the barrier into the snapshot), the owner's next write waits until the window is closed.
 * Result: exactly the writes before the barrier, in every family. Before it says so, link counts
 * the entries of the fresh memtables: if RocksDB switched one all the same (it does so when it
 * recovers from an error), the snapshot fails.
 */
#ifndef CAIRN_ROCKS_SNAPSHOT_H
#define CAIRN_ROCKS_SNAPSHOT_H

#include "rocks.h"

typedef struct rocks_snapshot rocks_snapshot;

/* Owner's thread. One window at a time: CAIRN_E_STATE while another is open. */
cairn_code rocks_snapshot_begin(rocks_db *db, rocks_snapshot **out, cairn_error *err);

/*
 * Any thread, once. Makes the new folder `path` (must not exist, same file system as the database;
 * `path`.tmp is used meanwhile). Ends with CAIRN_E_TIMEOUT or CAIRN_E_CANCELLED as `call` says
 * (no deadline: CAIRN_ROCKS_FLUSH_MS_MAX), with CAIRN_E_IO as soon as a flush failed (the cause is
 * in RocksDB's LOG).
 * No folder is left on failure. The window is closed in every case.
 */
cairn_code rocks_snapshot_link(rocks_snapshot *snapshot, const cairn_call *call, const char *path,
                               cairn_error *err);

/*
 * Closes the window if it is still open, from any thread, but not while link runs. NULL is fine.
 * The database must still be open.
 */
void rocks_snapshot_free(rocks_snapshot *snapshot);
CAIRN_DEFINE_AUTO_PTR(rocks_snapshot, rocks_snapshot_free)

/*
 * [any] The key range of each live SST: calls visit(name "000012.sst", smallest, largest). For the
 * files of a snapshot, open its folder read-only (cheap: no table is read) and visit that: the
 * files of the working database change with every compaction.
 */
typedef cairn_code (*rocks_file_visit)(void *context, const char *name, cairn_slice smallest,
                                       cairn_slice largest, cairn_error *err);
cairn_code rocks_visit_files(rocks_db *db, rocks_file_visit visit, void *context, cairn_error *err);

#endif
