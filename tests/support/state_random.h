/*
 * Long random sequences of operations on keyed state (state_script.h) beside the plain model. A
 * sequence that goes wrong is shrunk: operations are dropped while it still goes wrong.
 */
#ifndef CAIRN_TESTS_STATE_RANDOM_H
#define CAIRN_TESTS_STATE_RANDOM_H

#include "state_script.h"

/* Makes what is compared with the model; each run has a new one. */
typedef struct state_factory {
    state_subject (*make)(const void *context);
    void (*free)(void *self);
    const void *context;
} state_factory;

/*
 * Runs `count` operations that follow from `seed`. False if a result is another than the model's:
 * then `out` holds the shrunk sequence, one operation a line, with the model's results, and what
 * the last one gave.
 */
bool state_random_agrees(const state_factory *factory, uint64_t seed, size_t count, cairn_buf *out);

#endif
