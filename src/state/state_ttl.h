/*
 * Time to live: a table over an engine's, which puts stamps (state_stamp.h) in front of what is
 * written and takes them off what is read, so that the kinds know nothing of them. What a call may
 * see of expired entries is the manual's: cairn/state.h.
 *
 * What has expired goes when a read or a walk comes upon it; where the engine rewrites entries
 * anyway, by the filter that it is given; in the hash map, which rewrites nothing, also by a sweep
 * of CAIRN_TTL_SWEEP_ENTRIES with each access.
 */
#ifndef CAIRN_STATE_STATE_TTL_H
#define CAIRN_STATE_STATE_TTL_H

#include <cairn/state.h>

#include "state_table.h"

typedef struct ttl_table ttl_table;

/*
 * A state's table comes in two steps, of which the second can't fail: first what needs memory,
 * then, once the engine's table is there, the rest.
 */
cairn_code ttl_table_new(cairn_state_kind kind, ttl_table **out, cairn_error *err);
/* NULL is fine. The engine goes on judging. */
void ttl_table_free(ttl_table *self);

/*
 * Lets it work on `stored`, borrowed, by `ttl` (ttl_ms > 0). Returns what the kinds work on.
 * Calling it again changes the options.
 */
state_table *ttl_table_bind(ttl_table *self, state_table *stored, const cairn_ttl *ttl,
                            const cairn_clock *clock);

/* Lets the engine judge what it writes anew, by the options of now. */
void ttl_filter_begin(const ttl_table *self);
/* Ends the judging: what stands in the engine's table has no stamps, or is being rewritten. */
void ttl_filter_end(state_table *stored);

#endif
