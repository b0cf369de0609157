#include "cli_config.h"
#include "cli_out.h"
#include "commands.h"
#include "human.h"
#include "job_history.h"

static const cli_option restore_options[] = {CLI_OPTIONS_CONFIG, CLI_OPTION_JSON, CLI_OPTION_HELP};

static const cli_spec restore_spec = {
    .command = "restore",
    .usage = "JOBURI[@N|@NAME] DIR [option]... [--json]",
    .summary = "download a checkpoint into an absent or empty folder",
    .details =
        "DIR gets manifest.json and <operator>/<subtask>/<files>, each a folder that RocksDB\n"
        "opens. Every file is checked on disk by size and SHA-256 first; on failure nothing is\n"
        "left.",
    .options = restore_options,
    .option_count = CAIRN_ARRAY_LEN(restore_options),
    .min_arguments = 2,
    .max_arguments = 2,
};

static cairn_code print_json(const job_history *job, const cairn_manifest *manifest,
                             const char *dir, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) out = {0};
    json_text json;

    cli_json_begin(&json, &out, "cairn-restore", true);
    job_history_add_place(&json, job, manifest->id);
    json_text_name(&json, "dir");
    json_text_bytes(&json, cairn_slice_of(dir));
    json_text_member_u64(&json, "bytes", cairn_manifest_total_bytes(manifest));
    return cli_json_end(&json, err);
}

static cairn_code restore_run(cli_call *call, cairn_error *err)
{
    CAIRN_AUTO(job_history) job = {0};
    const cairn_history_entry *entry = NULL;
    const char *dir = call->args->arguments[1];
    char title[JOB_HISTORY_TITLE_BYTES];
    char size[HUMAN_SIZE];

    CAIRN_TRY(job_history_open(call, &job, err));
    CAIRN_TRY(cairn_history_find(job.history, job.uri.id, &entry, err));
    CAIRN_TRY(cairn_history_restore(job.history, &call->store, entry->id, dir, err));
    if (cli_given(call->args, "json")) {
        return print_json(&job, entry->manifest, dir, err);
    }
    job_history_title(&job, entry->id, title);
    cli_out_printf("restored %s of job %s to %s: %s\n", title, job.uri.job, dir,
                   human_bytes(cairn_manifest_total_bytes(entry->manifest), size));
    return CAIRN_OK;
}

const cli_command cmd_restore = {&restore_spec, restore_run};
