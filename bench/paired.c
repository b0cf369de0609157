#include "paired.h"

#include "clock.h"
#include "encode.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)

uint64_t paired_thread_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

void paired_round(paired_row *row, const paired_work *work, uint64_t round)
{
    double wall[PAIRED_SIDES];
    double cpu[PAIRED_SIDES];

    for (size_t i = 0; i < PAIRED_SIDES; i++) {
        const size_t side = row->rounds % PAIRED_SIDES ^ i;

        if (work->prepare != NULL) {
            work->prepare(work->context, side, round);
        }
        uint64_t wall_us = clock_monotonic_us();
        uint64_t cpu_ns = paired_thread_ns();
        work->run(work->context, side, round);
        cpu_ns = paired_thread_ns() - cpu_ns;
        wall_us = clock_monotonic_us() - wall_us;
        row->wall_ns[side] += wall_us * 1000;
        row->cpu_ns[side] += cpu_ns;
        wall[side] = (double)wall_us;
        cpu[side] = (double)cpu_ns;
    }
    row->operations += work->operations;
    row->wall_ratio[row->rounds] = wall[0] / wall[1];
    row->cpu_ratio[row->rounds] = cpu[0] / cpu[1];
    row->rounds++;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare);
    return values[count / 2];
}

void paired_finish(paired_row *row, paired_result *out)
{
    for (size_t side = 0; side < PAIRED_SIDES; side++) {
        out->per_second[side] = (double)row->operations * (double)NS_PER_S /
                                (double)row->wall_ns[side];
    }
    out->wall = median(row->wall_ratio, row->rounds);
    out->cpu = median(row->cpu_ratio, row->rounds);
}

_Noreturn void bench_quit(const char *message)
{
    (void)fprintf(stderr, "benchmark: %s\n", message);
    (void)fflush(NULL);
    _Exit(1);
}

void bench_must(cairn_code code, const cairn_error *err)
{
    if (code != CAIRN_OK) {
        bench_quit(err->message);
    }
}

uint64_t bench_number(const char *text, const char *what, uint64_t max)
{
    uint64_t value = 0;

    if (!parse_u64(cairn_slice_of(text), &value) || value == 0 || value > max) {
        bench_quit(what);
    }
    return value;
}

uint64_t bench_setting(const char *name, uint64_t otherwise, uint64_t max)
{
    const char *text = getenv(name); /* NOLINT(concurrency-mt-unsafe): before any thread */

    return text == NULL ? otherwise : bench_number(text, name, max);
}

uint64_t bench_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}
