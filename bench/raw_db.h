/* The side that calls RocksDB's C API itself, with the options that cairn gives it, and nothing
 * else on the way. Failures end the program. */
#ifndef CAIRN_BENCH_RAW_DB_H
#define CAIRN_BENCH_RAW_DB_H

#include <cairn/base.h>

#include "rocks_options.h"
#include "state_table.h"

typedef struct raw_db {
    rocks_settings settings;
    rocksdb_t *db;
    rocksdb_pinnableslice_t *pinned;
} raw_db;

void raw_open(raw_db *raw, const char *path, const rocks_options *options);
void raw_close(raw_db *raw);

void raw_put(raw_db *raw, cairn_slice key, cairn_slice value);
void raw_merge(raw_db *raw, cairn_slice key, cairn_slice bytes);
void raw_delete(raw_db *raw, cairn_slice key);
/* *value is valid until the next get. */
bool raw_get(raw_db *raw, cairn_slice key, cairn_slice *value);

/* Waits until neither side works in the background: it must not run in a round of the other. */
void raw_settle(const raw_db *raw, state_engine *ours);

#endif
