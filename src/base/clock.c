#include "clock.h"

#include "bounds.h"
#include "check.h"

#include <errno.h>
#include <stdio.h>

#define MS_PER_S  ((uint64_t)1000)
#define US_PER_S  ((uint64_t)1000000)
#define NS_PER_MS ((uint64_t)1000000)
#define NS_PER_US ((uint64_t)1000)

/* 9999-12-31T23:59:59.999Z: the last instant that the four digits of a year can name. */
#define WALL_MS_MAX ((uint64_t)253402300799999)
/* About 292 million years; keeps deadlines far from the end of time_t. */
#define SLEEP_MS_MAX (UINT64_MAX / 4)

static struct timespec now(clockid_t clock)
{
    struct timespec time;

    CAIRN_ASSERT(clock_gettime(clock, &time) == 0);
    return time;
}

static uint64_t to_ms(struct timespec time)
{
    return (uint64_t)time.tv_sec * MS_PER_S + (uint64_t)time.tv_nsec / NS_PER_MS;
}

uint64_t clock_monotonic_ms(void)
{
    return to_ms(now(CLOCK_MONOTONIC));
}

uint64_t clock_monotonic_us(void)
{
    const struct timespec time = now(CLOCK_MONOTONIC);

    return (uint64_t)time.tv_sec * US_PER_S + (uint64_t)time.tv_nsec / NS_PER_US;
}

uint64_t clock_wall_ms(void)
{
    return to_ms(now(CLOCK_REALTIME));
}

struct timespec clock_timespec(uint64_t monotonic_ms)
{
    return (struct timespec){.tv_sec = (time_t)(monotonic_ms / MS_PER_S),
                             .tv_nsec = (long)(monotonic_ms % MS_PER_S * NS_PER_MS)};
}

void clock_sleep_ms(uint64_t ms)
{
    const uint64_t capped = ms < SLEEP_MS_MAX ? ms : SLEEP_MS_MAX;
    const struct timespec until = clock_timespec(clock_monotonic_ms() + capped);
    int result = EINTR;

    for (int i = 0; i < CAIRN_EINTR_RETRIES && result == EINTR; i++) {
        result = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    }
}

void clock_format_rfc3339(uint64_t wall_ms, char out[CLOCK_RFC3339_SIZE])
{
    const uint64_t capped = wall_ms < WALL_MS_MAX ? wall_ms : WALL_MS_MAX;
    const time_t seconds = (time_t)(capped / MS_PER_S);
    struct tm parts;

    CAIRN_ASSERT(gmtime_r(&seconds, &parts) != NULL);
    const size_t len = strftime(out, CLOCK_RFC3339_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(out + len, CLOCK_RFC3339_SIZE - len, ".%03uZ", (unsigned)(capped % MS_PER_S));
}
