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
/* The same with another argument of the command. */
cairn_code job_history_open_argument(const cli_call *call, size_t argument, job_history *out,
                                     cairn_error *err);
void job_history_release(job_history *opened);
CAIRN_DEFINE_AUTO(job_history, job_history_release)

/* The job URI without "@N", for commands that are about all checkpoints; and its store. */
cairn_code job_history_whole_uri(const cli_call *call, job_uri *out, cairn_error *err);

/* "checkpoint 7" or "savepoint before-upgrade", for people. */
#define JOB_HISTORY_TITLE_BYTES 280
void job_history_title(const job_history *opened, uint64_t id, char out[JOB_HISTORY_TITLE_BYTES]);
/* Members `job`, `id` and, of a savepoint, `savepoint`. */
void job_history_add_place(json_text *json, const job_history *opened, uint64_t id);

/* "head", "counts", "retired", "passed-over", "aborted", "savepoint", "damaged", "unreadable";
 * static storage. */
const char *job_history_status(const cairn_history *history, const cairn_history_entry *entry);

#endif
