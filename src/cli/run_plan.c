#include "run_plan.h"

#include "cli_config.h"
#include "encode.h"
#include "errors.h"
#include "job_load.h"
#include "run_places.h"
#include "state_preset.h"
#include "store_pick.h"
#include "store_uri.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define KEY_DIR      "execution.checkpointing.dir"
#define KEY_INTERVAL "execution.checkpointing.interval"
#define KEY_EVERY    "cairn.checkpointing.every-records"
#define KEY_LOCALDIR "state.backend.rocksdb.localdir"
#define KEY_LEVEL    "cairn.log.level"
#define KEY_FORMAT   "cairn.log.format"
#define KEY_NAME     "pipeline.name"
#define KEY_RESTORE  "cairn.restore"
#define KEY_ENGINE   "state.backend.type"

static const cli_option run_options[] = {
    {.name = "input",
     .argument = "URI|-",
     .help = "a file, an object in a store, or - for standard input"},
    {.name = "output", .argument = "URI", .help = "folder that gets the published files"},
    {.name = "checkpoints",
     .argument = "URI",
     .help = "where checkpoints are: s3://bucket/prefix, file:///path"},
    {.name = "name", .argument = "JOBNAME", .help = "name of the job; else the job's own"},
    {.name = "state-backend",
     .argument = "ENGINE",
     .help = "rocksdb (default), hashmap (all of the state in memory), or a preset"},
    {.name = "local-dir", .argument = "DIR", .help = "folder of the working state; else a new one"},
    {.name = "checkpoint-interval",
     .argument = "TIME",
     .help = "time between checkpoints (default 10s)"},
    {.name = "checkpoint-every", .argument = "N", .help = "a checkpoint after every N records"},
    {.name = "max-parallelism", .argument = "N", .help = "number of key groups of a new job"},
    {.name = "restore",
     .argument = "WHICH",
     .help = "latest (default), latest-good, none, an id or a savepoint JOBURI@NAME"},
    {.name = "claim-mode",
     .argument = "MODE",
     .help = "of a savepoint: no-claim (default, and all there is)"},
    CLI_OPTIONS_CONFIG,
    {.name = "log-format", .argument = "FORM", .help = "text (default) or json"},
    {.name = "log-level", .argument = "LEVEL", .help = "error, warn, info (default) or debug"},
    {.name = "quiet", .letter = 'q', .help = "no progress, and only warnings and errors"},
    {.name = "json", .help = "print how the run ended as JSON on standard output"},
    CLI_OPTION_HELP,
};

const cli_spec run_spec = {
    .command = "run",
    .usage = "JOB --input URI|- --output URI --checkpoints URI [option]...",
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
    {"log-level", KEY_LEVEL},        {"state-backend", KEY_ENGINE},
};

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
        const char *value = cli_value(args, option);

        if (strcmp(option, "restore") == 0 && run_origin_is_savepoint(value)) {
            continue; /* opened by run_origin_open */
        }
        CAIRN_TRY(apply_option(config, option, shared_options[i].key, value, err));
    }
    return CAIRN_OK;
}

static cairn_code configure(const cli_args *args, cairn_config **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(cairn_config_free) cairn_config *config = NULL;

    if (cli_given(args, "checkpoint-interval") && cli_given(args, "checkpoint-every")) {
        return error_set(err, CAIRN_E_INVALID,
                         "run: choose one of --checkpoint-interval and --checkpoint-every");
    }
    CAIRN_TRY(cli_config_read(args, &config, err));
    CAIRN_TRY(apply_shared(config, args, err));
    *out = CAIRN_TAKE(config);
    return CAIRN_OK;
}

static cairn_code check_input_file(const char *uri, const char **out, cairn_error *err)
{
    struct stat info;
    const char *path = NULL;

    CAIRN_TRY(store_uri_path(uri, "input", &path, err));
    if (stat(path, &info) != 0) {
        return error_errno(err, errno, "run: input %s", path);
    }
    if (S_ISDIR(info.st_mode)) {
        return error_set(err, CAIRN_E_INVALID, "run: input %s is a folder: give a file, or -",
                         path);
    }
    *out = path;
    return CAIRN_OK;
}

/* Looks at a file; an object is looked for once the rest of the line is known to be right. */
static cairn_code check_input(const cli_args *args, run_plan *plan, cairn_error *err)
{
    const char *uri = cli_value(args, "input");
    store_kind kind = CAIRN_STORE_KIND_DIR;

    if (uri == NULL) {
        return error_set(err, CAIRN_E_INVALID, "run: --input is missing: give a file, or -");
    }
    plan->input = uri;
    if (strcmp(uri, "-") == 0) {
        return CAIRN_OK;
    }
    CAIRN_TRY(store_uri_kind(uri, "input", &kind, err));
    if (kind == CAIRN_STORE_KIND_DIR) {
        return check_input_file(uri, &plan->input, err);
    }
    CAIRN_TRY(store_uri_split(uri, &plan->input_folder, &plan->input_key, err));
    plan->input = plan->input_key;
    return CAIRN_OK;
}

const char *run_plan_job_name(const run_plan *plan)
{
    const char *name = cairn_config_get(plan->config, KEY_NAME);

    return name != NULL ? name : plan->job->name;
}

/* Before any folder is made. */
static cairn_code check_places(const cli_args *args, const run_plan *plan, const char *checkpoints,
                               cairn_error *err)
{
    const char *input = cli_value(args, "input");
    const run_places places = {
        .input = strcmp(input, "-") == 0 ? NULL : input,
        .output = cli_value(args, "output"),
        .checkpoints = checkpoints,
        .local_dir = plan->local_dir,
        .job = run_plan_job_name(plan),
    };

    return run_places_check(&places, err);
}

/* Before any folder is made: a name that is wrong is said at once. */
static cairn_code open_input(const cli_call *call, run_plan *plan, cairn_error *err)
{
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *store = NULL;
    cairn_object_info info = {0};
    cairn_code code = CAIRN_OK;

    if (plan->input_folder == NULL) {
        return CAIRN_OK;
    }
    code = store_pick(plan->config, &plan->log, plan->input_folder, false, &plan->input_store, err);
    if (code == CAIRN_OK) {
        code = cairn_store_retrying(plan->input_store, &store, err);
    }
    if (code == CAIRN_OK) {
        code = cairn_store_stat(store, &call->store, plan->input_key, &info, err);
    }
    return code == CAIRN_OK ? code : error_prefix(err, code, "run: input");
}

/* Does nothing for a store of the kind that is not asked for. */
static cairn_code open_store(const run_plan *plan, const char *uri, const char *what, bool folder,
                             cairn_store **out, cairn_error *err)
{
    store_kind kind = CAIRN_STORE_KIND_DIR;
    cairn_code code = store_uri_kind(uri, "store", &kind, err);

    if (code == CAIRN_OK && (kind == CAIRN_STORE_KIND_DIR) == folder) {
        code = store_pick(plan->config, &plan->log, uri, true, out, err);
    }
    return code == CAIRN_OK ? code : error_prefix(err, code, "%s", what);
}

static cairn_code open_stores(const cli_call *call, run_plan *plan, cairn_error *err)
{
    const char *output = cli_value(call->args, "output");
    const char *checkpoints = cairn_config_get(plan->config, KEY_DIR);

    if (output == NULL) {
        return error_set(err, CAIRN_E_INVALID, "run: --output is missing: give a folder");
    }
    if (checkpoints == NULL) {
        return error_set(err, CAIRN_E_INVALID,
                         "run: --checkpoints is missing: give it, or " KEY_DIR);
    }
    CAIRN_TRY(state_preset_check(cairn_config_get(plan->config, KEY_ENGINE), checkpoints, err));
    CAIRN_TRY(check_places(call->args, plan, checkpoints, err));
    CAIRN_TRY(open_input(call, plan, err));
    /* Folders last: opening them makes them. */
    CAIRN_TRY(open_store(plan, checkpoints, "checkpoints", false, &plan->checkpoints, err));
    CAIRN_TRY(open_store(plan, output, "output", false, &plan->output, err));
    CAIRN_TRY(open_store(plan, checkpoints, "checkpoints", true, &plan->checkpoints, err));
    return open_store(plan, output, "output", true, &plan->output, err);
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

static void read_display(const cli_args *args, run_plan *plan, log_sink *sink)
{
    cairn_log_level level = level_of(cairn_config_get(plan->config, KEY_LEVEL));

    plan->quiet = cli_given(args, "quiet");
    if (plan->quiet && level > CAIRN_LOG_WARN) {
        level = CAIRN_LOG_WARN;
    }
    log_sink_init(sink, strcmp(cairn_config_get(plan->config, KEY_FORMAT), "json") == 0);
    plan->log = log_sink_log(sink, level);
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

cairn_code run_plan_make(const cli_call *call, log_sink *sink, run_plan *out, cairn_error *err)
{
    const cli_args *args = call->args;
    CAIRN_AUTO(run_plan) plan = {0};

    CAIRN_TRY(configure(args, &plan.config, err));
    read_display(args, &plan, sink);
    CAIRN_TRY(check_input(args, &plan, err));
    CAIRN_TRY(job_load(args->arguments[0], &plan.job, err));
    plan.local_dir = cairn_config_get(plan.config, KEY_LOCALDIR);
    CAIRN_TRY(run_origin_open(args, plan.config, &plan.log, &plan.origin, err));
    CAIRN_TRY(open_stores(call, &plan, err));
    settle_checkpoints(args, &plan);
    *out = plan;
    plan = (run_plan){0};
    return CAIRN_OK;
}

void run_plan_release(run_plan *plan)
{
    cairn_store_free(plan->output);
    cairn_store_free(plan->checkpoints);
    cairn_store_free(plan->input_store);
    run_origin_release(&plan->origin);
    mem_free(plan->input_folder);
    mem_free(plan->input_key);
    cairn_config_free(plan->config);
    *plan = (run_plan){0};
}

bool run_plan_goes_on(const run_plan *plan)
{
    const char *restore = cairn_config_get(plan->config, KEY_RESTORE);

    return plan->origin.store == NULL &&
           (strcmp(restore, "latest") == 0 || strcmp(restore, "latest-good") == 0);
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

static cairn_create_check create_check_of(const cairn_config *config)
{
    const char *name = cairn_config_get(config, "cairn.store.create-check");

    if (strcmp(name, "trust") == 0) {
        return CAIRN_CREATE_CHECK_TRUST;
    }
    return strcmp(name, "single") == 0 ? CAIRN_CREATE_CHECK_SINGLE : CAIRN_CREATE_CHECK_PROBE;
}

static void fill_engine(const cairn_config *config, cairn_backend_options *backend)
{
    backend->state_backend = state_preset_engine(cairn_config_get(config, KEY_ENGINE));
    const bool in_memory = backend->state_backend == CAIRN_STATE_BACKEND_HASHMAP;
    backend->memory_bytes = cairn_config_memory_bytes(
        config, in_memory ? "cairn.hashmap.memory" : "state.backend.rocksdb.memory.fixed-per-slot");
}

static void fill_backend(const run_plan *plan, cairn_backend_options *backend)
{
    const cairn_config *config = plan->config;

    backend->store = plan->checkpoints;
    backend->log = plan->log;
    backend->job = run_plan_job_name(plan);
    backend->max_parallelism = (uint32_t)cairn_config_u64(config, "pipeline.max-parallelism");
    fill_engine(config, backend);
    backend->transfer_threads =
        (uint32_t)cairn_config_u64(config, "state.backend.rocksdb.checkpoint.transfer.thread.num");
    backend->background_jobs =
        (uint32_t)cairn_config_u64(config, "state.backend.rocksdb.thread.num");
    backend->num_retained =
        (uint32_t)cairn_config_u64(config, "execution.checkpointing.num-retained");
    backend->checkpoint_timeout_ms =
        cairn_config_duration_ms(config, "execution.checkpointing.timeout");
    backend->open_timeout_ms = cairn_config_duration_ms(config, "cairn.open-timeout");
    backend->create_check = create_check_of(config);
    fill_restore(config, backend);
    if (plan->origin.source.name != NULL) {
        backend->restore = CAIRN_RESTORE_SAVEPOINT;
        backend->savepoint = &plan->origin.source;
    }
}

void run_plan_fill(const run_plan *plan, cairn_worker_options *options)
{
    const cairn_config *config = plan->config;

    fill_backend(plan, &options->backend);
    options->input = plan->input;
    options->input_store = plan->input_store;
    options->output = plan->output;
    options->checkpoint_interval_ms = plan->interval_ms;
    options->checkpoint_every_records = plan->every_records;
    options->min_pause_ms = cairn_config_duration_ms(config, "execution.checkpointing.min-pause");
    options->tolerable_failures =
        (uint32_t)cairn_config_u64(config, "execution.checkpointing.tolerable-failed-checkpoints");
    options->stop_timeout_ms = cairn_config_duration_ms(config, "cairn.stop-timeout");
}
