/*
 * The time of the last access that stands before each value of a state with a time to live: 8 bytes
 * big-endian, milliseconds of the backend's clock. Before a value, an accumulator, a value of a
 * map; in a list before each element, within the element's length. Pure.
 */
#ifndef CAIRN_STATE_STATE_STAMP_H
#define CAIRN_STATE_STATE_STAMP_H

#include <cairn/base.h>

#include "state_number.h"

#define STATE_STAMP_BYTES STATE_NUMBER_BYTES

static inline void stamp_write(uint64_t ms, uint8_t to[STATE_STAMP_BYTES])
{
    state_number_write(ms, to);
}

/* False if `stamped` is too short to have a stamp. */
static inline bool stamp_split(cairn_slice stamped, uint64_t *out_ms, cairn_slice *out_value)
{
    const uint8_t *const bytes = stamped.data;

    if (stamped.len < STATE_STAMP_BYTES) {
        return false;
    }
    *out_ms = state_number_read(bytes);
    *out_value = (cairn_slice){bytes + STATE_STAMP_BYTES, stamped.len - STATE_STAMP_BYTES};
    return true;
}

/* The sum saturates: what would expire after the end of time never does. */
static inline bool stamp_is_expired(uint64_t last_ms, uint64_t ttl_ms, uint64_t now_ms)
{
    return ttl_ms <= UINT64_MAX - last_ms && last_ms + ttl_ms <= now_ms;
}

#endif
