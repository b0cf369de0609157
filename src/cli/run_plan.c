#include "run_plan.h"

#include "commands.h"
#include "encode.h"
#include "errors.h"
#include "job_load.h"
#include "run_places.h"
#include "store_pick.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define RUN_SHOWN_BYTES_MAX 80

#define KEY_DIR      "execution.checkpointing.dir"
#define KEY_INTERVAL "execution.checkpointing.interval"
#define KEY_EVERY    "cairn.checkpointing.every-records"
#define KEY_LOCALDIR "state.backend.rocksdb.localdir"
#define KEY_LEVEL    "cairn.log.level"
#define KEY_FORMAT   "cairn.log.format"
#define KEY_NAME     "pipeline.name"
#define KEY_RESTORE  "cairn.restore"

static const cli_option run_options[] = {
    {.name = "input", .argument = "FILE|-", .help = "a file, or - for standard input"},
    {.name = "output", .argument = "URI", .help = "folder that gets the published files"},
    {.name = "checkpoints", .argument = "URI", .help = "where checkpoints are: file:///path"},
    {.name = "name", .argument = "JOBNAME", .help = "name of the job; else the job's own"},
    {.name = "local-dir", .argument = "DIR", .help = "folder of the working state; else a new one"},
    {.name = "checkpoint-interval",
     .argument = "TIME",
     .help = "time between checkpoints (default 10s)"},
    {.name = "checkpoint-every", .argument = "N", .help = "a checkpoint after every N records"},
    {.name = "max-parallelism", .argument = "N", .help = "number of key groups of a new job"},
    {.name = "restore",
     .argument = "WHICH",
     .help = "latest (default), latest-good, none or a checkpoint id"},
    {.name = "conf",
     .argument = "FILE",
     .help = "configuration in the shape of Flink's config.yaml"},
    {.name = "define",
     .letter = 'D',
     .argument = "KEY=VALUE",
     .help = "one option of the configuration",
     .repeatable = true},
    {.name = "log-format", .argument = "FORM", .help = "text (default) or json"},
    {.name = "log-level", .argument = "LEVEL", .help = "error, warn, info (default) or debug"},
    {.name = "quiet", .letter = 'q', .help = "no progress, and only warnings and errors"},
    {.name = "json", .help = "print how the run ended as JSON on standard output"},
    CLI_OPTION_HELP,
};

const cli_spec run_spec = {
    .command = "run",
    .usage = "JOB --input FILE|- --output URI --checkpoints URI [option]...",
    .summary = "run a job with checkpoints, from the newest checkpoint that counts",
    .details =
        "JOB is wordcount, line-length, or the path of a shared object that implements\n"
        "include/cairn/job.h. An option of the command goes before -D, -D before --conf.\n"
        "SIGINT or SIGTERM stops the job after a last checkpoint, a second one without it; the same\n"
        "command goes on from there.",
    .options = run_options,
    .option_count = CAIRN_ARRAY_LEN(run_options),
    .min_arguments = 1,
    .max_arguments = 1,
};

/* Options of the command that are options of the configuration too. */
static const struct {
    const char *option;
    const char *key;
} shared_options[] = {
    {"checkpoints", KEY_DIR},        {"name", KEY_NAME},
    {"local-dir", KEY_LOCALDIR},     {"checkpoint-interval", KEY_INTERVAL},
    {"checkpoint-every", KEY_EVERY}, {"max-parallelism", "pipeline.max-parallelism"},
    {"restore", KEY_RESTORE},        {"log-format", KEY_FORMAT},
    {"log-level", KEY_LEVEL},
};

static cairn_code apply_definition(cairn_config *config, const char *definition, cairn_error *err)
{
    const char *equals = strchr(definition, '=');
    CAIRN_AUTO_FREE char *key = NULL;

    if (equals == NULL) {
        CAIRN_AUTO(cairn_buf) shown = {0};

        CAIRN_TRY(encode_printable(cairn_slice_of(definition), RUN_SHOWN_BYTES_MAX, &shown, err));
        return error_set(err, CAIRN_E_INVALID, "run: -D '%s' has no '=': write -D key=value",
                         buf_text(&shown));
    }
    key = mem_strndup(definition, (size_t)(equals - definition));
    if (key == NULL) {
        return error_no_memory(err, "configuration");
    }
    return cairn_config_set(config, key, equals + 1, "-D", err);
}

static cairn_code apply_option(cairn_config *config, const char *option, const char *key,
                               const char *value, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) where = {0};

    if (value == NULL) {
        return CAIRN_OK;
    }
    CAIRN_TRY(buf_printf(&where, err, "--%s", option));
    return cairn_config_set(config, key, value, buf_text(&where), err);
}

static cairn_code apply_shared(cairn_config *config, const cli_args *args, cairn_error *err)
{
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(shared_options); i++) {
        const char *option = shared_options[i].option;

        CAIRN_TRY(
            apply_option(config, option, shared_options[i].key, cli_value(args, option), err));
    }
    return CAIRN_OK;
}

static cairn_code configure(const cli_args *args, cairn_config *config, cairn_error *err)
{
    const char *file = cli_value(args, "conf");

    if (cli_given(args, "checkpoint-interval") && cli_given(args, "checkpoint-every")) {
        return error_set(err, CAIRN_E_INVALID,
                         "run: choose one of --checkpoint-interval and --checkpoint-every");
    }
    if (file != NULL) {
        CAIRN_TRY(cairn_config_load(config, file, err));
    }
    for (size_t i = 0; i < args->repeat_count; i++) {
        CAIRN_TRY(apply_definition(config, args->repeats[i], err));
    }
    return apply_shared(config, args, err);
}

static cairn_code check_input(const cli_args *args, const char **out, cairn_error *err)
{
    const char *input = cli_value(args, "input");
    struct stat info;

    if (input == NULL) {
        return error_set(err, CAIRN_E_INVALID, "run: --input is missing: give a file, or -");
    }
    if (strcmp(input, "-") != 0) {
        CAIRN_TRY(store_pick_path(input, "input", &input, err));
        if (stat(input, &info) != 0) {
            return error_errno(err, errno, "run: input %s", input);
        }
        if (S_ISDIR(info.st_mode)) {
            return error_set(err, CAIRN_E_INVALID, "run: input %s is a folder: give a file, or -",
                             input);
        }
    }
    *out = input;
    return CAIRN_OK;
}

const char *run_plan_job_name(const run_plan *plan)
{
    const char *name = cairn_config_get(plan->config, KEY_NAME);

    return name != NULL ? name : plan->job->name;
}

/* Before any folder is made. */
static cairn_code check_places(const run_plan *plan, const char *output, const char *checkpoints,
                               cairn_error *err)
{
    const run_places places = {
        .input = strcmp(plan->input, "-") == 0 ? NULL : plan->input,
        .output = output,
        .checkpoints = checkpoints,
        .local_dir = plan->local_dir,
        .job = run_plan_job_name(plan),
    };

    return run_places_check(&places, err);
}

static cairn_code open_stores(const cli_args *args, run_plan *plan, cairn_error *err)
{
    const char *output = cli_value(args, "output");
    const char *checkpoints = cairn_config_get(plan->config, KEY_DIR);
    cairn_code code = CAIRN_OK;

    if (output == NULL) {
        return error_set(err, CAIRN_E_INVALID, "run: --output is missing: give a folder");
    }
    if (checkpoints == NULL) {
        return error_set(err, CAIRN_E_INVALID,
                         "run: --checkpoints is missing: give it, or " KEY_DIR);
    }
    CAIRN_TRY(check_places(plan, output, checkpoints, err));
    code = store_pick(checkpoints, true, &plan->checkpoints, err);
    if (code != CAIRN_OK) {
        return error_prefix(err, code, "checkpoints");
    }
    code = store_pick(output, true, &plan->output, err);
    if (code != CAIRN_OK) {
        return error_prefix(err, code, "output");
    }
    return CAIRN_OK;
}

static cairn_log_level level_of(const char *name)
{
    static const char *const names[] = {
        [CAIRN_LOG_ERROR] = "error",
        [CAIRN_LOG_WARN] = "warn",
        [CAIRN_LOG_INFO] = "info",
        [CAIRN_LOG_DEBUG] = "debug",
    };
    size_t level = 0;

    while (level + 1 < CAIRN_ARRAY_LEN(names) && strcmp(names[level], name) != 0) {
        level++;
    }
    return (cairn_log_level)level;
}

static void read_display(const cli_args *args, run_plan *plan)
{
    plan->quiet = cli_given(args, "quiet");
    plan->json_log = strcmp(cairn_config_get(plan->config, KEY_FORMAT), "json") == 0;
    plan->level = level_of(cairn_config_get(plan->config, KEY_LEVEL));
    if (plan->quiet && plan->level > CAIRN_LOG_WARN) {
        plan->level = CAIRN_LOG_WARN;
    }
}

/* The command line's choice of time or count goes before the configuration's; there both may be
 * set, and an interval that is merely the default gives way to a count. */
static void settle_checkpoints(const cli_args *args, run_plan *plan)
{
    bool count_only = cli_given(args, "checkpoint-every") ||
                      (cairn_config_is_set(plan->config, KEY_EVERY) &&
                       !cairn_config_is_set(plan->config, KEY_INTERVAL));
    bool time_only = cli_given(args, "checkpoint-interval");

    plan->interval_ms = count_only ? 0 : cairn_config_duration_ms(plan->config, KEY_INTERVAL);
    plan->every_records = time_only ? 0 : cairn_config_u64(plan->config, KEY_EVERY);
}

cairn_code run_plan_make(const cli_args *args, run_plan *out, cairn_error *err)
{
    CAIRN_AUTO(run_plan) plan = {0};

    CAIRN_TRY(cairn_config_new(&plan.config, err));
    CAIRN_TRY(configure(args, plan.config, err));
    CAIRN_TRY(check_input(args, &plan.input, err));
    CAIRN_TRY(job_load(args->arguments[0], &plan.job, err));
    plan.local_dir = cairn_config_get(plan.config, KEY_LOCALDIR);
    CAIRN_TRY(open_stores(args, &plan, err));
    settle_checkpoints(args, &plan);
    read_display(args, &plan);
    *out = plan;
    plan = (run_plan){0};
    return CAIRN_OK;
}

void run_plan_release(run_plan *plan)
{
    cairn_store_free(plan->output);
    cairn_store_free(plan->checkpoints);
    cairn_config_free(plan->config);
    *plan = (run_plan){0};
}

static void fill_restore(const cairn_config *config, cairn_backend_options *backend)
{
    const char *restore = cairn_config_get(config, KEY_RESTORE);

    if (strcmp(restore, "latest") == 0) {
        backend->restore = CAIRN_RESTORE_LATEST;
    } else if (strcmp(restore, "latest-good") == 0) {
        backend->restore = CAIRN_RESTORE_LATEST_GOOD;
    } else if (strcmp(restore, "none") == 0) {
        backend->restore = CAIRN_RESTORE_NONE;
    } else {
        backend->restore = CAIRN_RESTORE_ID;
        CAIRN_ASSERT(parse_u64(cairn_slice_of(restore), &backend->restore_id));
    }
}

static void fill_backend(const run_plan *plan, cairn_backend_options *backend)
{
    const cairn_config *config = plan->config;

    backend->store = plan->checkpoints;
    backend->job = run_plan_job_name(plan);
    backend->max_parallelism = (uint32_t)cairn_config_u64(config, "pipeline.max-parallelism");
    backend->memory_bytes =
        cairn_config_memory_bytes(config, "state.backend.rocksdb.memory.fixed-per-slot");
    backend->transfer_threads =
        (uint32_t)cairn_config_u64(config, "state.backend.rocksdb.checkpoint.transfer.thread.num");
    backend->background_jobs =
        (uint32_t)cairn_config_u64(config, "state.backend.rocksdb.thread.num");
    backend->num_retained =
        (uint32_t)cairn_config_u64(config, "execution.checkpointing.num-retained");
    backend->checkpoint_timeout_ms =
        cairn_config_duration_ms(config, "execution.checkpointing.timeout");
    backend->open_timeout_ms = cairn_config_duration_ms(config, "cairn.open-timeout");
    fill_restore(config, backend);
}

void run_plan_fill(const run_plan *plan, cairn_worker_options *options)
{
    const cairn_config *config = plan->config;

    fill_backend(plan, &options->backend);
    options->input = plan->input;
    options->output = plan->output;
    options->checkpoint_interval_ms = plan->interval_ms;
    options->checkpoint_every_records = plan->every_records;
    options->min_pause_ms = cairn_config_duration_ms(config, "execution.checkpointing.min-pause");
    options->tolerable_failures =
        (uint32_t)cairn_config_u64(config, "execution.checkpointing.tolerable-failed-checkpoints");
    options->stop_timeout_ms = cairn_config_duration_ms(config, "cairn.stop-timeout");
}
