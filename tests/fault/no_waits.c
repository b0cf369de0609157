/*
 * Stands in for src/base/random.c in the programs of this folder: the linker takes the library's
 * only if its names are missing.
 */
#include "no_waits.h"

#include "random.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static atomic_bool retries_at_once;

void no_waits(bool at_once)
{
    atomic_store(&retries_at_once, at_once);
}

static uint64_t draw(void)
{
    uint64_t value = 0;

    if (getrandom(&value, sizeof value, 0) != (ssize_t)sizeof value) {
        abort();
    }
    return value;
}

uint64_t random_u64(void)
{
    return atomic_load(&retries_at_once) ? 0 : draw();
}

void random_id(char out[RANDOM_ID_SIZE])
{
    (void)snprintf(out, RANDOM_ID_SIZE, "%016llx", (unsigned long long)draw());
}
