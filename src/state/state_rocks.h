/* The RocksDB engine as a state_engine: a column family per table. */
#ifndef CAIRN_STATE_STATE_ROCKS_H
#define CAIRN_STATE_STATE_ROCKS_H

#include "rocks.h"
#include "state_table.h"

/* Opens the database in the folder `path`; key groups of files are told by `max_parallelism`. */
cairn_code state_rocks_open(const char *path, const rocks_options *options,
                            uint32_t max_parallelism, state_engine **out, cairn_error *err);

#endif
