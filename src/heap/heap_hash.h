/*
 * The hash of the engine: words of 8 bytes, multiplied to 128 bits whose halves are folded together
 * (the step of wyhash and its kin). The words of the seed are random and secret, so that nobody can
 * choose keys that collide; a hash is therefore never stored and differs from process to process.
 * Pure.
 */
#ifndef CAIRN_HEAP_HEAP_HASH_H
#define CAIRN_HEAP_HEAP_HASH_H

#include <cairn/base.h>

#include <string.h>

typedef struct heap_seed {
    uint64_t first;
    uint64_t second;
} heap_seed;

__extension__ typedef unsigned __int128 heap_wide;

static inline uint64_t heap_hash_mix(uint64_t a, uint64_t b)
{
    heap_wide product = (heap_wide)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t heap_hash_load64(const uint8_t *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof(word));
    return word;
}

static inline uint64_t heap_hash_load32(const uint8_t *bytes)
{
    uint32_t word;

    memcpy(&word, bytes, sizeof(word));
    return word;
}

/* Up to 16 bytes as two words; for 4 to 15 bytes they overlap, and every byte counts. */
static inline void heap_hash_tail(const uint8_t *bytes, size_t len, uint64_t words[2])
{
    if (len >= 8) {
        words[0] = heap_hash_load64(bytes);
        words[1] = heap_hash_load64(bytes + len - 8);
    } else if (len >= 4) {
        words[0] = heap_hash_load32(bytes);
        words[1] = heap_hash_load32(bytes + len - 4);
    } else {
        words[0] = len == 0 ? 0 : (uint64_t)bytes[0] << 16 | (uint64_t)bytes[len / 2] << 8;
        words[1] = len == 0 ? 0 : bytes[len - 1];
    }
}

static inline uint64_t heap_hash(const heap_seed *seed, cairn_slice key)
{
    const uint8_t *bytes = key.data;
    size_t left = key.len;
    uint64_t hash = seed->second ^ key.len;
    uint64_t words[2];

    for (; left > 16; left -= 16, bytes += 16) {
        hash = heap_hash_mix(heap_hash_load64(bytes) ^ seed->first,
                             heap_hash_load64(bytes + 8) ^ hash);
    }
    heap_hash_tail(bytes, left, words);
    hash = heap_hash_mix(words[0] ^ seed->first, words[1] ^ hash);
    return heap_hash_mix(hash ^ seed->second, UINT64_C(0x9e3779b97f4a7c15));
}

#endif
