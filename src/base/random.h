/*
 * Random ids. They mix getrandom with pid, clock and a counter, so that a broken random source does
 * not give two processes the same id (create-only writes catch the rest).
 */
#ifndef CAIRN_BASE_RANDOM_H
#define CAIRN_BASE_RANDOM_H

#include <stdint.h>

uint64_t random_u64(void);

#define RANDOM_ID_SIZE 17 /* 16 lower-case hex digits and a NUL */
void random_id(char out[RANDOM_ID_SIZE]);

#endif
