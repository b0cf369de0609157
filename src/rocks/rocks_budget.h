/* How a memory budget is divided. Pure. */
#ifndef CAIRN_ROCKS_BUDGET_H
#define CAIRN_ROCKS_BUDGET_H

#include "rocks.h"

/*
 * cache + 1.5 * memtables = budget: RocksDB flushes when the memtables that take writes hold 7/8 of
 * `memtables`, and those being flushed come on top, half of `memtables` in the usual case.
 */
typedef struct rocks_budget {
    uint64_t memtables_bytes; /* of all families (db_write_buffer_size) */
    uint64_t memtable_bytes;  /* at which the memtable of one family is switched */
    uint64_t arena_bytes;     /* the blocks that a memtable grows by */
    uint64_t cache_bytes;
} rocks_budget;

/* `memory_bytes` as in rocks_options. */
rocks_budget rocks_budget_of(uint64_t memory_bytes);

#endif
