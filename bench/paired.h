/*
 * Two sides of a comparison, in rounds that alternate and change who goes first, so that a machine
 * whose speed drifts is fair to both. A ratio is the median over the pairs of rounds, first side's
 * time / second side's: wall by the clock, cpu by the time of this thread, which other processes
 * disturb less. More than 1: the second side is faster.
 */
#ifndef CAIRN_BENCH_PAIRED_H
#define CAIRN_BENCH_PAIRED_H

#include <cairn/error.h>

#include <stddef.h>

#define PAIRED_SIDES      2
#define PAIRED_ROUNDS_MAX 1000

typedef struct paired_row {
    const char *name;
    uint64_t operations; /* of each side */
    uint64_t wall_ns[PAIRED_SIDES];
    uint64_t cpu_ns[PAIRED_SIDES];
    double wall_ratio[PAIRED_ROUNDS_MAX];
    double cpu_ratio[PAIRED_ROUNDS_MAX];
    size_t rounds;
} paired_row;

typedef struct paired_work {
    void (*prepare)(void *context, size_t side, uint64_t round); /* not timed; may be NULL */
    void (*run)(void *context, size_t side, uint64_t round);
    void *context;
    uint64_t operations; /* of a run, for the row's sums */
} paired_work;

/* Runs both sides once; `round` counts from 1. */
void paired_round(paired_row *row, const paired_work *work, uint64_t round);

/* Sorts the ratios, so it comes after the last round. */
typedef struct paired_result {
    double per_second[PAIRED_SIDES]; /* by the clock */
    double wall;
    double cpu;
} paired_result;
void paired_finish(paired_row *row, paired_result *out);

/* CPU time of this thread. */
uint64_t paired_thread_ns(void);

_Noreturn void bench_quit(const char *message);
/* Quits with the message unless `code` is CAIRN_OK. */
void bench_must(cairn_code code, const cairn_error *err);
/* A number from 1 to `max`, or the end with `what`. */
uint64_t bench_number(const char *text, const char *what, uint64_t max);
/* That of an environment variable, or `otherwise`. */
uint64_t bench_setting(const char *name, uint64_t otherwise, uint64_t max);

/* The next of a sequence (xorshift64); `state` is not 0. */
uint64_t bench_random(uint64_t *state);

#endif
