/* "<checkpoints-uri>/<job>[@N|@NAME]": where a job's checkpoints are, and which of them, or which
 * savepoint, is meant. */
#ifndef CAIRN_CLI_JOB_URI_H
#define CAIRN_CLI_JOB_URI_H

#include "check.h"

/* Zero-initialise it. */
typedef struct job_uri {
    char *store; /* the part before the last '/'; "." if there is none */
    char *job;
    uint64_t id;     /* 0: the newest that counts, or a savepoint */
    char *savepoint; /* NULL: a checkpoint */
} job_uri;

/* CAIRN_E_INVALID says what is wrong with `text`. Pure. */
cairn_code job_uri_parse(const char *text, job_uri *out, cairn_error *err);
/* Moves it out; `uri` is empty afterwards. */
job_uri job_uri_take(job_uri *uri);
void job_uri_release(job_uri *uri);
CAIRN_DEFINE_AUTO(job_uri, job_uri_release)

#endif
