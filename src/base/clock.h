/* Time. Deadlines use the monotonic clock only; wall time is for humans and records. */
#ifndef CAIRN_BASE_CLOCK_H
#define CAIRN_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Milliseconds of the monotonic clock. */
uint64_t clock_monotonic_ms(void);
/* Microseconds of the monotonic clock, for measuring. */
uint64_t clock_monotonic_us(void);
/* Milliseconds since 1970, UTC. */
uint64_t clock_wall_ms(void);
void clock_sleep_ms(uint64_t ms);
/* A monotonic deadline as an absolute timespec for pthread_cond_clockwait(CLOCK_MONOTONIC). */
struct timespec clock_timespec(uint64_t monotonic_ms);

#define CLOCK_RFC3339_SIZE 25
/* "2026-01-31T23:59:59.123Z" */
void clock_format_rfc3339(uint64_t wall_ms, char out[CLOCK_RFC3339_SIZE]);

#endif
