/* The RocksDB objects that hold options; see rocks_options.c for each option and its reason. */
#ifndef CAIRN_ROCKS_OPTIONS_H
#define CAIRN_ROCKS_OPTIONS_H

#include "rocks_budget.h"

#include <rocksdb/c.h>

/* Files in L0 at which writes are slowed, and at which they stop. */
#define ROCKS_L0_SLOW 40
#define ROCKS_L0_STOP 60

typedef struct rocks_settings {
    rocks_budget budget;
    rocksdb_options_t *options; /* of the database and of each family */
    rocksdb_cache_t *cache;
    rocksdb_writeoptions_t *write;
    rocksdb_readoptions_t *read;
    rocksdb_flushoptions_t *flush_without_waiting;
} rocks_settings;

/* Depends on `options` alone. */
cairn_code rocks_settings_init(rocks_settings *settings, const rocks_options *options,
                               cairn_error *err);
/* After the database is closed. Half-built settings are fine. */
void rocks_settings_release(rocks_settings *settings);

#endif
