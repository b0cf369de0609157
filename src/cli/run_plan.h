/* What `cairn run` was asked for: command line and configuration, resolved and checked. */
#ifndef CAIRN_CLI_RUN_PLAN_H
#define CAIRN_CLI_RUN_PLAN_H

#include <cairn/config.h>
#include <cairn/worker.h>

#include "commands.h"
#include "log_sink.h"
#include "run_origin.h"

extern const cli_spec run_spec;

/* Zero-initialise it. Opens and makes nothing but the stores, which are plain ones. */
typedef struct run_plan {
    cairn_config *config;
    const cairn_job *job;
    const char *input;  /* a path, or "-", or a key in input_store */
    char *input_folder; /* URI of input_store */
    char *input_key;
    cairn_store *input_store; /* NULL: the input is a file or standard input */
    cairn_store *output;
    cairn_store *checkpoints;
    const char *local_dir;  /* NULL: a new folder */
    uint64_t interval_ms;   /* 0: none by time */
    uint64_t every_records; /* 0: none by count */
    run_origin origin;      /* a savepoint to start from, if one is named */
    cairn_log log;
    bool quiet;
} run_plan;

/*
 * Checks everything that can be checked before anything is made: the input first. Initialises
 * `sink` for the log that the configuration asks for, unless that itself is wrong; the plan borrows
 * it.
 */
cairn_code run_plan_make(const cli_call *call, log_sink *sink, run_plan *out, cairn_error *err);
void run_plan_release(run_plan *plan);
CAIRN_DEFINE_AUTO(run_plan, run_plan_release)

/* --name or pipeline.name, else the job's own; borrowed. */
const char *run_plan_job_name(const run_plan *plan);

/* Does the same command, given again, start from what this run commits? Not where it names its
 * start: a savepoint, a checkpoint, or none. */
bool run_plan_goes_on(const run_plan *plan);

/* Fills `options` but for the local folder, the cancel, stop and progress; all is borrowed from
 * plan. */
void run_plan_fill(const run_plan *plan, cairn_worker_options *options);

#endif
