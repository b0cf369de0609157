/*
 * CRC-32C: by the processor's instruction where there is one, else eight bytes at a time with
 * tables ("slicing by 8", Kounavis and Berry, 2005).
 */
#include "digest.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>

#define POLYNOMIAL 0x82f63b78u /* reflected */
#define SLICES     8

/* tables[k][b]: what byte b does to the register when k more bytes follow it. */
static uint32_t tables[SLICES][256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;

        for (unsigned bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? POLYNOMIAL : 0);
        }
        tables[0][byte] = crc;
    }
    for (unsigned slice = 1; slice < SLICES; slice++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            const uint32_t before = tables[slice - 1][byte];

            tables[slice][byte] = (before >> 8) ^ tables[0][before & 255];
        }
    }
}

static uint64_t load(const uint8_t *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return le64toh(word);
}

uint32_t crc32c_update_portable(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *at = data;

    (void)pthread_once(&tables_once, make_tables);
    crc = ~crc;
    for (; len >= SLICES; len -= SLICES, at += SLICES) {
        const uint64_t word = load(at) ^ crc;

        crc = 0;
        for (unsigned i = 0; i < SLICES; i++) {
            crc ^= tables[SLICES - 1 - i][(word >> (8 * i)) & 255];
        }
    }
    for (; len > 0; len--, at++) {
        crc = (crc >> 8) ^ tables[0][(crc ^ *at) & 255];
    }
    return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t update_by_instruction(uint32_t crc,
                                                                        const void *data,
                                                                        size_t len)
{
    const uint8_t *at = data;
    uint64_t sum = ~crc;

    for (; len >= sizeof(uint64_t); len -= sizeof(uint64_t), at += sizeof(uint64_t)) {
        sum = __builtin_ia32_crc32di(sum, load(at));
    }
    crc = (uint32_t)sum;
    for (; len > 0; len--, at++) {
        crc = __builtin_ia32_crc32qi(crc, *at);
    }
    return ~crc;
}

uint32_t crc32c_update(uint32_t crc, const void *data, size_t len)
{
    return __builtin_cpu_supports("sse4.2") ? update_by_instruction(crc, data, len)
                                            : crc32c_update_portable(crc, data, len);
}

#else

uint32_t crc32c_update(uint32_t crc, const void *data, size_t len)
{
    return crc32c_update_portable(crc, data, len);
}

#endif
