#include "rocks_budget.h"

#include "bounds.h"

/* RocksDB's own bounds of a memtable and of an arena block. */
#define MEMTABLE_BYTES_MIN ((uint64_t)64 << 10)
#define ARENA_BYTES_MIN    ((uint64_t)4 << 10)
#define ARENA_BYTES_MAX    ((uint64_t)1 << 20)

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
    if (value < low) {
        return low;
    }
    return value < high ? value : high;
}

rocks_budget rocks_budget_of(uint64_t memory_bytes)
{
    const uint64_t asked = memory_bytes == 0 ? CAIRN_ROCKS_MEMORY_BYTES : memory_bytes;
    const uint64_t total = clamp(asked, CAIRN_ROCKS_MEMORY_BYTES_MIN, UINT64_MAX);
    rocks_budget budget;

    /* A third, as Flink does. A family gets a quarter of it, so that a single busy one can have
     * some being flushed without passing the whole. */
    budget.memtables_bytes = clamp(total / 3, 0, 4 * CAIRN_ROCKS_MEMTABLE_BYTES_MAX);
    budget.memtable_bytes =
        clamp(budget.memtables_bytes / 4, MEMTABLE_BYTES_MIN, CAIRN_ROCKS_MEMTABLE_BYTES_MAX);
    budget.arena_bytes = clamp(budget.memtable_bytes / 8, ARENA_BYTES_MIN, ARENA_BYTES_MAX);
    budget.arena_bytes -= budget.arena_bytes % ARENA_BYTES_MIN;
    budget.cache_bytes = total - budget.memtables_bytes * 3 / 2;
    return budget;
}
