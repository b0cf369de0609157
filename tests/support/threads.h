/*
 * Threads of a test. They may not assert (cmocka leaves by longjmp): each records facts in its own
 * argument, and the test looks at them after threads_run returns.
 */
#ifndef CAIRN_TESTS_THREADS_H
#define CAIRN_TESTS_THREADS_H

#include <stddef.h>

#define THREADS_MAX 64

/* Calls work(&arguments[i]) on `count` threads at once, with a barrier before, and joins them. */
void threads_run(void (*work)(void *argument), void *arguments, size_t size, size_t count);

#endif
