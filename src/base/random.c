#include "random.h"

#include "check.h"
#include "clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

/* The finaliser of SplitMix64: every input bit reaches every output bit. */
static uint64_t mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

uint64_t random_u64(void)
{
    static atomic_uint_fast64_t counter;
    uint64_t source = 0;

    /* A short or failed read leaves the other ingredients, which suffice to tell processes apart.
     */
    (void)!getrandom(&source, sizeof(source), GRND_NONBLOCK);
    uint64_t value = mix(source + atomic_fetch_add(&counter, 1) + 1);
    value = mix(value ^ (uint64_t)getpid());
    value = mix(value ^ clock_monotonic_us());
    return mix(value ^ clock_wall_ms());
}

void random_id(char out[RANDOM_ID_SIZE])
{
    (void)snprintf(out, RANDOM_ID_SIZE, "%016llx", (unsigned long long)random_u64());
}
