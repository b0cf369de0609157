/* What `cairn run --restore JOBURI@NAME` names: a savepoint to start from. */
#ifndef CAIRN_CLI_RUN_ORIGIN_H
#define CAIRN_CLI_RUN_ORIGIN_H

#include <cairn/backend.h>
#include <cairn/config.h>

#include "job_uri.h"
#include "options.h"

/* Zero-initialise it. */
typedef struct run_origin {
    job_uri uri;
    cairn_store *store;
    cairn_savepoint_source source; /* borrows from both; name NULL: the run starts from none */
} run_origin;

/* Is the value of --restore a savepoint, and not one of the words or a checkpoint id? */
bool run_origin_is_savepoint(const char *restore);

/* Opens what --restore names, if it is a savepoint; looks at --claim-mode. */
cairn_code run_origin_open(const cli_args *args, const cairn_config *config, const cairn_log *log,
                           run_origin *out, cairn_error *err);
void run_origin_release(run_origin *origin);
CAIRN_DEFINE_AUTO(run_origin, run_origin_release)

#endif
