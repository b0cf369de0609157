/*
 * Standard output. The first write that fails is kept; cli_out_finish reports it, so that a full
 * disk or a closed pipe is never taken for success. The main thread only.
 */
#ifndef CAIRN_CLI_CLI_OUT_H
#define CAIRN_CLI_CLI_OUT_H

#include "check.h"

/*
 * Opens /dev/null in the place of standard descriptors that are closed, so that no file of ours
 * gets their number. Writing to a closed standard output stays a failure. Call it first.
 */
void cli_out_init(void);

void cli_out_bytes(cairn_slice bytes);
void cli_out_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* True once a write failed: a long output may as well end. */
bool cli_out_failed(void);

/* Flushes. CAIRN_E_NO_SPACE, or CAIRN_E_FAILED for a pipe that nobody reads, or CAIRN_E_IO. */
cairn_code cli_out_finish(cairn_error *err);

#endif
