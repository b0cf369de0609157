/* Fails the n-th allocation of a piece of work, for every n, until the work needs fewer. */
#ifndef CAIRN_TESTS_ALLOC_SWEEP_H
#define CAIRN_TESTS_ALLOC_SWEEP_H

#include <cairn/error.h>

/* Does the whole work and releases what it holds, also when it fails. Must not assert. */
typedef cairn_code (*alloc_sweep_fn)(void *context, cairn_error *err);

/*
 * Each run with a failed allocation must give CAIRN_E_NO_MEMORY with a message, the last one
 * CAIRN_OK. Work that never allocates fails the test.
 */
void alloc_sweep(alloc_sweep_fn work, void *context);

#endif
