/*
 * Retries without their waits, so that sweeps over a store that is down take seconds. The wait
 * before a retry is a random part of an interval: here it is the smallest, none at all. How often
 * and how long calls are repeated stays as it is.
 */
#ifndef CAIRN_TESTS_NO_WAITS_H
#define CAIRN_TESTS_NO_WAITS_H

#include <stdbool.h>

/* Of the whole process, from now. Any thread. */
void no_waits(bool at_once);

#endif
