/*
 * What an engine asks about the entries that it writes anew anyway, in a compaction or a snapshot:
 * do they still count? It stands in base because the engines (src/rocks, src/heap) and what knows
 * the form of values (src/state) know nothing of each other.
 */
#ifndef CAIRN_BASE_ENTRY_FILTER_H
#define CAIRN_BASE_ENTRY_FILTER_H

#include <cairn/state.h>

#include "check.h"
#include "clock.h"

typedef enum entry_fate {
    CAIRN_ENTRY_KEEP = 0,
    CAIRN_ENTRY_DROP = 1,
    CAIRN_ENTRY_REPLACE = 2 /* its value, by another */
} entry_fate;

/* Copied by who keeps it. Zero: every entry is kept. */
typedef struct entry_filter {
    /* Any thread, several at once. Writes to `out`, which is empty, what CAIRN_ENTRY_REPLACE puts
     * in the place of `value`; where it can't, it keeps the entry. */
    entry_fate (*judge)(uint64_t ttl_ms, uint64_t now_ms, cairn_slice value, cairn_buf *out);
    uint64_t ttl_ms;
    cairn_clock clock;
} entry_filter;

static inline uint64_t entry_clock_now(const cairn_clock *clock)
{
    return clock->now_ms == NULL ? clock_wall_ms() : clock->now_ms(clock->context);
}

/* Entries that one thread judges, one after another. Set `filter`, zero the rest. */
typedef struct entry_filter_run {
    entry_filter filter;
    uint64_t now_ms;
    unsigned left; /* entries before the clock is asked again */
    bool fixed;    /* now_ms is set by the caller, and the clock not asked */
    cairn_buf bytes;
} entry_filter_run;

/* *value of CAIRN_ENTRY_REPLACE is the new one, valid until the next call. */
entry_fate entry_filter_apply(entry_filter_run *run, cairn_slice *value);
void entry_filter_run_release(entry_filter_run *run);

#endif
