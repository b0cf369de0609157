/* What a fuzz target implements: libFuzzer's entry point, or replay.c's where that is not there. */
#ifndef CAIRN_TESTS_FUZZ_H
#define CAIRN_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Takes any bytes, must neither crash nor leak, returns 0. The name is libFuzzer's:
 * NOLINTNEXTLINE(readability-identifier-naming) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
