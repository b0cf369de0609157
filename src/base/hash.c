#include "hash.h"

#include <string.h>

#define C1 UINT32_C(0xcc9e2d51)
#define C2 UINT32_C(0x1b873593)

static uint32_t rotate_left(uint32_t value, unsigned bits)
{
    return (value << bits) | (value >> (32 - bits));
}

static uint32_t scramble(uint32_t block)
{
    return rotate_left(block * C1, 15) * C2;
}

static uint32_t finalise(uint32_t hash)
{
    hash = (hash ^ (hash >> 16)) * UINT32_C(0x85ebca6b);
    hash = (hash ^ (hash >> 13)) * UINT32_C(0xc2b2ae35);
    return hash ^ (hash >> 16);
}

/* Little-endian on every machine: the hash decides where a key lives. */
static uint32_t load(const uint8_t *bytes, size_t len)
{
    uint32_t block = 0;

    for (size_t i = 0; i < len; i++) {
        block |= (uint32_t)bytes[i] << (8 * i);
    }
    return block;
}

uint32_t hash_murmur3_x86_32(cairn_slice data, uint32_t seed)
{
    const uint8_t *bytes = data.data;
    uint32_t hash = seed;
    size_t left = data.len;

    for (; left >= 4; left -= 4, bytes += 4) {
        hash = rotate_left(hash ^ scramble(load(bytes, 4)), 13) * 5 + UINT32_C(0xe6546b64);
    }
    if (left > 0) {
        hash ^= scramble(load(bytes, left));
    }
    return finalise(hash ^ (uint32_t)data.len);
}
