/* SIGINT, SIGTERM and SIGPIPE. Process-wide; the main thread installs them once. */
#ifndef CAIRN_CLI_SIGNALS_H
#define CAIRN_CLI_SIGNALS_H

#include <cairn/store.h>

/*
 * From now on SIGINT and SIGTERM raise `cancel` (borrowed for the rest of the process) and blocking
 * reads return EINTR. SIGPIPE is ignored from the start of the process: a closed pipe is an error
 * of the write.
 */
void signals_install(cairn_cancel *cancel);

/*
 * For a worker: from now on the first signal only sets the flag to 1, the second sets it to 2 and
 * raises `cancel`.
 */
void signals_be_graceful(void);

/* Counts signals up to 2. */
const volatile int *signals_flag(void);

/* The first signal that came, 0: none. */
int signals_received(void);
/* "SIGINT" */
const char *signals_name(int number);

#endif
