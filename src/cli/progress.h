/*
 * What a running worker shows: on a terminal a status line, else nothing (the log has a line for
 * each checkpoint). The worker's thread only.
 */
#ifndef CAIRN_CLI_PROGRESS_H
#define CAIRN_CLI_PROGRESS_H

#include <cairn/worker.h>

#include "buf.h"

/* "wordcount  1,234 records  567/s  45 %  state 12.3 MiB  checkpoint 7, 1.2 s ago". Pure. */
cairn_code progress_format(const char *job, const cairn_worker_progress *progress, cairn_buf *out,
                           cairn_error *err);

#endif
