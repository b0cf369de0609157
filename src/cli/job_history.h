/* A job's history, opened from the job URI that a command was given. */
#ifndef CAIRN_CLI_JOB_HISTORY_H
#define CAIRN_CLI_JOB_HISTORY_H

#include <cairn/history.h>

#include "commands.h"
#include "job_uri.h"

/* Zero-initialise it. */
typedef struct job_history {
    job_uri uri;
    cairn_store *store;
    cairn_history *history;
} job_history;

/* Reads; writes nothing. The first argument of the command is the job URI. */
cairn_code job_history_open(const cli_call *call, job_history *out, cairn_error *err);
void job_history_release(job_history *opened);
CAIRN_DEFINE_AUTO(job_history, job_history_release)

/* The job URI without "@N", for commands that are about all checkpoints; and its store. */
cairn_code job_history_whole_uri(const cli_call *call, job_uri *out, cairn_error *err);

/* "head", "counts", "retired", "passed-over", "aborted", "damaged", "unreadable"; static storage.
 */
const char *job_history_status(const cairn_history *history, const cairn_history_entry *entry);

#endif
