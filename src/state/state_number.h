/* Numbers of 8 bytes, big-endian: bytes sort as numbers. Pure. */
#ifndef CAIRN_STATE_STATE_NUMBER_H
#define CAIRN_STATE_STATE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

#define STATE_NUMBER_BYTES 8
/* Of an i64, flipped, so that negative numbers sort before the others. */
#define STATE_SIGN_BIT (UINT64_C(1) << 63)

static inline void state_number_write(uint64_t number, uint8_t to[STATE_NUMBER_BYTES])
{
    for (size_t i = 0; i < STATE_NUMBER_BYTES; i++) {
        to[i] = (uint8_t)(number >> (8 * (STATE_NUMBER_BYTES - 1 - i)));
    }
}

static inline uint64_t state_number_read(const uint8_t from[STATE_NUMBER_BYTES])
{
    uint64_t number = 0;

    for (size_t i = 0; i < STATE_NUMBER_BYTES; i++) {
        number = number << 8 | from[i];
    }
    return number;
}

#endif
