#include "cli_out.h"
#include "clock.h"
#include "commands.h"
#include "errors.h"
#include "fsutil.h"
#include "human.h"
#include "log_sink.h"
#include "logging.h"
#include "progress.h"
#include "run_plan.h"
#include "signals.h"
#include "state_pick.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define RUN_LOCAL_PREFIX   "cairn-run-"
#define RUN_EXIT_BY_SIGNAL 128
#define RUN_SIGNALS_HARD   2 /* signals that ask for a stop without a last checkpoint */

/* A folder of our own, removed with all in it when it goes out of scope. */
typedef char *run_folder;

static void run_folder_release(run_folder *folder)
{
    if (*folder != NULL) {
        (void)fs_remove_tree(*folder, NULL);
        mem_free(*folder);
    }
}
CAIRN_DEFINE_AUTO(run_folder, run_folder_release)

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
    json_text_member_u64(&json, "last_checkpoint_id", result->last_checkpoint_id);
    json_text_member_u64(&json, "published_files", result->published_files);
    return cli_json_end(&json, err);
}

/* The one line of a stop by signal: what was kept, and how to go on. */
static void print_stop(const cairn_worker_result *result)
{
    const char *name = signals_name(signals_received());

    if (result->last_checkpoint_id == 0) {
        (void)fprintf(stderr,
                      "cairn: stopped by %s before the first checkpoint: nothing is kept; "
                      "the same command begins again\n",
                      name);
    } else if (*signals_flag() == RUN_SIGNALS_HARD) {
        (void)fprintf(stderr,
                      "cairn: stopped by %s without a last checkpoint: checkpoint %" PRIu64
                      " is kept; the same command goes on from it\n",
                      name, result->last_checkpoint_id);
    } else {
        (void)fprintf(stderr,
                      "cairn: stopped by %s: checkpoint %" PRIu64 " holds everything up to "
                      "record %" PRIu64 "; the same command goes on from it\n",
                      name, result->last_checkpoint_id, result->records);
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

static cairn_code prepare_folder(const run_plan *plan, run_folder *folder, const char **out,
                                 cairn_error *err)
{
    if (plan->local_dir != NULL) {
        *out = plan->local_dir;
        return CAIRN_OK;
    }
    CAIRN_TRY(fs_make_temp_dir(scratch_parent(), RUN_LOCAL_PREFIX, folder, err));
    *out = *folder;
    return CAIRN_OK;
}

static cairn_code run_worker(const cli_call *call, const run_plan *plan,
                             cairn_worker_result *result, cairn_error *err)
{
    CAIRN_AUTO(run_folder) folder = NULL;
    CAIRN_AUTO(log_sink) sink = {0};
    cairn_worker_options options = CAIRN_WORKER_OPTIONS_INIT;
    run_view view = {.sink = &sink, .quiet = plan->quiet};
    uint64_t begin_ms = clock_monotonic_ms();

    log_sink_init(&sink, plan->json_log);
    run_plan_fill(plan, &options);
    CAIRN_TRY(prepare_folder(plan, &folder, &options.backend.local_dir, err));
    view.job = options.backend.job;
    options.backend.cancel = call->cancel;
    options.backend.log = log_sink_log(&sink, plan->level);
    options.stop = signals_flag();
    options.progress = on_progress;
    options.progress_context = &view;
    CAIRN_TRY(cairn_worker_run(&options, plan->job, result, err));
    log_end(&options.backend.log, result, clock_monotonic_ms() - begin_ms);
    return CAIRN_OK;
}

static cairn_code run_run(cli_call *call, cairn_error *err)
{
    CAIRN_AUTO(run_plan) plan = {0};
    cairn_worker_result result = {0};

    CAIRN_TRY(run_plan_make(call->args, &plan, err));
    CAIRN_TRY(run_worker(call, &plan, &result, err));
    if (result.stopped && signals_received() != 0) {
        print_stop(&result);
        call->exit_code = RUN_EXIT_BY_SIGNAL + signals_received();
    }
    return cli_given(call->args, "json") ? print_json(run_plan_job_name(&plan), &result, err)
                                         : CAIRN_OK;
}

const cli_command cmd_run = {&run_spec, run_run};
