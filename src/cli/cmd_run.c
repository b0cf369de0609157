#include "cli_out.h"
#include "clock.h"
#include "commands.h"
#include "errors.h"
#include "human.h"
#include "log_sink.h"
#include "logging.h"
#include "own_folder.h"
#include "progress.h"
#include "run_places.h"
#include "run_plan.h"
#include "signals.h"
#include "store_pick.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define RUN_EXIT_BY_SIGNAL 128

typedef struct run_view {
    const char *job;
    log_sink *sink;
    bool quiet;
} run_view;

static void on_progress(void *context, const cairn_worker_progress *progress)
{
    const run_view *view = context;
    CAIRN_AUTO(cairn_buf) line = {0};

    signals_be_graceful();
    if (!view->quiet && progress_format(view->job, progress, &line, NULL) == CAIRN_OK &&
        buf_text(&line) != NULL) {
        log_sink_status(view->sink, buf_text(&line));
    }
}

static cairn_code print_json(const char *job, const cairn_worker_result *result, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) out = {0};
    json_text json;

    cli_json_begin(&json, &out, "cairn-run", true);
    json_text_member_string(&json, "job", job);
    json_text_member_bool(&json, "stopped", result->stopped);
    json_text_member_u64(&json, "records", result->records);
    json_text_member_u64(&json, "committed_records", result->committed_records);
    json_text_member_u64(&json, "last_checkpoint_id", result->last_checkpoint_id);
    json_text_member_u64(&json, "published_files", result->published_files);
    return cli_json_end(&json, err);
}

/* The one line of a stop by signal: what was kept, and how to go on. */
static void print_stop(const run_plan *plan, const cairn_worker_result *result)
{
    const char *name = signals_name(signals_received());
    const char *how = run_plan_goes_on(plan) ? "" : " with --restore latest";

    if (result->last_checkpoint_id == 0) {
        (void)fprintf(stderr,
                      "cairn: stopped by %s before the first checkpoint: nothing is kept; "
                      "the same command begins again\n",
                      name);
    } else if (result->committed_records < result->records) {
        (void)fprintf(stderr,
                      "cairn: stopped by %s without a last checkpoint: checkpoint %" PRIu64
                      " holds everything up to record %" PRIu64 "; the same command%s goes on "
                      "from it and reads records %" PRIu64 " to %" PRIu64 " again\n",
                      name, result->last_checkpoint_id, result->committed_records, how,
                      result->committed_records + 1, result->records);
    } else {
        (void)fprintf(stderr,
                      "cairn: stopped by %s: checkpoint %" PRIu64 " holds everything up to "
                      "record %" PRIu64 "; the same command%s goes on from it\n",
                      name, result->last_checkpoint_id, result->committed_records, how);
    }
}

static void log_end(const cairn_log *log, const cairn_worker_result *result, uint64_t took_ms)
{
    char records[HUMAN_SIZE];
    char took[HUMAN_SIZE];

    log_write(log, CAIRN_LOG_INFO,
              "%s: %s records, last checkpoint %" PRIu64 ", %" PRIu64 " files published, %s",
              result->stopped ? "stopped" : "finished", human_count(result->records, records),
              result->last_checkpoint_id, result->published_files, human_duration(took_ms, took));
}

static cairn_code prepare_folder(const run_plan *plan, own_folder *folder,
                                 cairn_backend_options *options, cairn_error *err)
{
    if (plan->local_dir != NULL) {
        options->local_dir = plan->local_dir;
        return CAIRN_OK;
    }
    own_folder_reclaim(own_folder_parent(), &options->log);
    CAIRN_TRY(own_folder_new(own_folder_parent(), CAIRN_OWN_FOLDER_RUN, folder, err));
    options->local_dir = folder->path;
    return CAIRN_OK;
}

static cairn_code run_worker(const cli_call *call, const run_plan *plan, log_sink *sink,
                             cairn_worker_result *result, cairn_error *err)
{
    CAIRN_AUTO(own_folder) folder = {0};
    cairn_worker_options options = CAIRN_WORKER_OPTIONS_INIT;
    run_view view = {.sink = sink, .quiet = plan->quiet};
    uint64_t begin_ms = clock_monotonic_ms();

    run_plan_fill(plan, &options);
    view.job = options.backend.job;
    options.backend.cancel = call->cancel;
    CAIRN_TRY(prepare_folder(plan, &folder, &options.backend, err));
    options.stop = signals_flag();
    options.progress = on_progress;
    options.progress_context = &view;
    CAIRN_TRY(cairn_worker_run(&options, plan->job, result, err));
    log_end(&options.backend.log, result, clock_monotonic_ms() - begin_ms);
    return CAIRN_OK;
}

static cairn_code check_parts(const cli_call *call, const run_plan *plan, cairn_error *err)
{
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *checkpoints = NULL;
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *output = NULL;

    CAIRN_TRY(cairn_store_retrying(plan->checkpoints, &checkpoints, err));
    CAIRN_TRY(cairn_store_retrying(plan->output, &output, err));
    return run_places_check_parts(checkpoints, output, run_plan_job_name(plan), &call->store, err);
}

static cairn_code run_run(cli_call *call, cairn_error *err)
{
    CAIRN_AUTO(log_sink) sink = {0}; /* outlives the stores of the plan, which log into it */
    CAIRN_AUTO(run_plan) plan = {0};
    cairn_worker_result result = {0};

    CAIRN_TRY(run_plan_make(call, &sink, &plan, err));
    CAIRN_TRY(check_parts(call, &plan, err));
    CAIRN_TRY(run_worker(call, &plan, &sink, &result, err));
    log_sink_clear(&sink);
    if (result.stopped && signals_received() != 0) {
        print_stop(&plan, &result);
        call->exit_code = RUN_EXIT_BY_SIGNAL + signals_received();
    }
    return cli_given(call->args, "json") ? print_json(run_plan_job_name(&plan), &result, err)
                                         : CAIRN_OK;
}

const cli_command cmd_run = {&run_spec, run_run};
