/*
 * What a state with a time to live stores: stamps (state_stamp.h) in front of values, and within
 * the elements of lists (state_elements.h). Pure.
 */
#ifndef CAIRN_STATE_STATE_TTL_FORM_H
#define CAIRN_STATE_STATE_TTL_FORM_H

#include <cairn/manifest.h>

#include "entry_filter.h"
#include "state_stamp.h"

/* CAIRN_E_INTEGRITY: a value or an element that is too short to have a stamp. */
cairn_code ttl_split(cairn_slice stamped, uint64_t *out_ms, cairn_slice *out_value,
                     cairn_error *err);

cairn_code ttl_append_value(cairn_buf *out, uint64_t ms, cairn_slice value, cairn_error *err);
cairn_code ttl_append_element(cairn_buf *out, uint64_t ms, cairn_slice element, cairn_error *err);

/* What to do with the elements of a list, and what was found. */
typedef struct ttl_pass {
    uint64_t ttl_ms;
    uint64_t now_ms;
    bool show_expired;
    bool renew;       /* elements that are kept get the stamp now_ms */
    cairn_buf *shown; /* is given elements as a user sees them; NULL: nobody looks */
    cairn_buf *times; /* is given a uint64_t for each that is shown; NULL: likewise */
    cairn_buf *kept;  /* is given the stamped elements that have not expired; NULL: likewise */
    size_t elements;
    size_t expired;
    size_t expired_bytes;
    bool stale; /* a stamp that is kept is not now_ms */
} ttl_pass;

/* CAIRN_E_INTEGRITY: no list of stamped elements. */
cairn_code ttl_pass_run(ttl_pass *pass, cairn_slice stored, cairn_error *err);

/* What was read of a stored entry without stamps, for who reads a checkpoint. Zero-initialise it.
 */
typedef struct ttl_reading {
    cairn_slice value;  /* borrowed from what is stored, or from `elements` */
    cairn_buf elements; /* of a list */
    cairn_buf times;    /* of the last access, uint64_t: one, or one for each element */
} ttl_reading;
void ttl_reading_release(ttl_reading *reading);
CAIRN_DEFINE_AUTO(ttl_reading, ttl_reading_release)

/* Replaces what is there. now_ms 0: what has expired is shown too. *out_shown false: all has. */
cairn_code ttl_read_stored(ttl_reading *reading, const cairn_state_info *info, uint64_t now_ms,
                           cairn_slice stored, bool *out_shown, cairn_error *err);

/* Judges of entry_filter: of values, of lists. What has not their form is kept. */
entry_fate ttl_judge_value(uint64_t ttl_ms, uint64_t now_ms, cairn_slice value, cairn_buf *out);
entry_fate ttl_judge_list(uint64_t ttl_ms, uint64_t now_ms, cairn_slice value, cairn_buf *out);

#endif
