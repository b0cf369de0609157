/* What `cairn run` was asked for: command line and configuration, resolved and checked. */
#ifndef CAIRN_CLI_RUN_PLAN_H
#define CAIRN_CLI_RUN_PLAN_H

#include <cairn/config.h>
#include <cairn/worker.h>

#include "options.h"

extern const cli_spec run_spec;

/* Zero-initialise it. Opens and makes nothing but the two stores. */
typedef struct run_plan {
    cairn_config *config;
    const cairn_job *job;
    const char *input; /* a path, or "-" */
    cairn_store *output;
    cairn_store *checkpoints;
    const char *local_dir;  /* NULL: a new folder */
    uint64_t interval_ms;   /* 0: none by time */
    uint64_t every_records; /* 0: none by count */
    cairn_log_level level;  /* of the log */
    bool json_log;
    bool quiet;
} run_plan;

/* Checks everything that can be checked before anything is made: the input first. */
cairn_code run_plan_make(const cli_args *args, run_plan *out, cairn_error *err);
void run_plan_release(run_plan *plan);
CAIRN_DEFINE_AUTO(run_plan, run_plan_release)

/* --name or pipeline.name, else the job's own; borrowed. */
const char *run_plan_job_name(const run_plan *plan);

/* Fills `options` but for the log, the local folder, stop and progress; all is borrowed from plan.
 */
void run_plan_fill(const run_plan *plan, cairn_worker_options *options);

#endif
