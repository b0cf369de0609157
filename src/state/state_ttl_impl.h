/* The inside of the table with a time to live: state_ttl.c has its calls, state_ttl_cursor.c walks
 * and scans. */
#ifndef CAIRN_STATE_STATE_TTL_IMPL_H
#define CAIRN_STATE_STATE_TTL_IMPL_H

#include "buf.h"
#include "state_ttl.h"
#include "state_ttl_form.h"

struct ttl_table {
    state_table base;
    state_table *stored; /* the engine's */
    bool is_list;
    cairn_ttl ttl;
    cairn_clock clock;
    cairn_buf in;  /* what a write stores */
    cairn_buf out; /* what the last read gave, where it is not the engine's: may be written */
};

static inline bool ttl_shows_expired(const ttl_table *self)
{
    return self->ttl.visibility == CAIRN_TTL_RETURN_EXPIRED_IF_NOT_CLEANED_UP;
}

/* Elements of a list as a user sees them go to `shown`, which is emptied before. */
cairn_code ttl_show_elements(const ttl_table *self, uint64_t now_ms, cairn_slice stored,
                             cairn_buf *shown, cairn_error *err);

/* Members of the table's operations. */
cairn_code ttl_walk(state_table *base, const state_place *prefix, state_cursor **out,
                    cairn_error *err);
cairn_code ttl_scan(state_table *base, state_cursor **out, cairn_error *err);

/* Before a walk; slices that the engine's table gave are not valid afterwards. */
void ttl_clean(ttl_table *self, uint64_t now_ms);

#endif
