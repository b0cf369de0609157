#include <cairn/savepoint.h>

#include "cli_config.h"
#include "cli_out.h"
#include "commands.h"
#include "errors.h"
#include "human.h"
#include "job_uri.h"
#include "own_folder.h"
#include "store_pick.h"

#include <inttypes.h>
#include <string.h>

static const cli_option savepoint_options[] = {
    {.name = "format",
     .argument = "FORM",
     .help = "canonical (default, for any engine) or native (the engine's own files)"},
    CLI_OPTIONS_CONFIG,
    CLI_OPTION_JSON,
    CLI_OPTION_HELP};

static const cli_spec savepoint_spec = {
    .command = "savepoint",
    .usage = "JOBURI[@N] NAME [--format canonical|native] [option]... [--json]",
    .summary = "copy a checkpoint into a savepoint of its own, which is yours",
    .details =
        "Made of a checkpoint in the store: no worker is needed, none is disturbed. It stands by\n"
        "itself in <job>/savepoints/NAME; nothing but you removes it. JOBURI@NAME names it to other\n"
        "commands and to cairn run --restore. Ends with 7 if the name is taken; a name whose making\n"
        "was cut short may be tried again.",
    .options = savepoint_options,
    .option_count = CAIRN_ARRAY_LEN(savepoint_options),
    .min_arguments = 2,
    .max_arguments = 2,
};

static cairn_code read_format(const cli_args *args, cairn_savepoint_format *out, cairn_error *err)
{
    const char *name = cli_value(args, "format");

    if (name == NULL || strcmp(name, "canonical") == 0) {
        *out = CAIRN_SAVEPOINT_CANONICAL;
    } else if (strcmp(name, "native") == 0) {
        *out = CAIRN_SAVEPOINT_NATIVE;
    } else {
        return error_set(err, CAIRN_E_INVALID, "savepoint: --format takes canonical or native");
    }
    return CAIRN_OK;
}

static cairn_code read_source(const cli_args *args, job_uri *out, cairn_error *err)
{
    CAIRN_AUTO(job_uri) uri = {0};

    CAIRN_TRY(job_uri_parse(args->arguments[0], &uri, err));
    if (uri.savepoint != NULL) {
        return error_set(err, CAIRN_E_INVALID,
                         "savepoint: it is made of a checkpoint: give JOBURI or JOBURI@N");
    }
    *out = job_uri_take(&uri);
    return CAIRN_OK;
}

static cairn_code print_json(const char *job, const char *name, const cairn_savepoint_report *made,
                             cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) out = {0};
    json_text json;

    cli_json_begin(&json, &out, "cairn-savepoint", true);
    json_text_member_string(&json, "job", job);
    json_text_member_string(&json, "name", name);
    json_text_member_u64(&json, "id", made->checkpoint_id);
    json_text_member_u64(&json, "files", made->files);
    json_text_member_u64(&json, "bytes", made->bytes);
    json_text_member_string(&json, "sha256", made->sha256);
    return cli_json_end(&json, err);
}

static cairn_code make_scratch(own_folder *folder, char **out, cairn_error *err)
{
    own_folder_reclaim(own_folder_parent(), NULL);
    CAIRN_TRY(own_folder_new(own_folder_parent(), CAIRN_OWN_FOLDER_SCRATCH, folder, err));
    CAIRN_TRY(fs_join(folder->path, OWN_FOLDER_CHECKPOINT, out, err));
    return fs_make_dirs(*out, err);
}

static cairn_code savepoint_run(cli_call *call, cairn_error *err)
{
    CAIRN_AUTO(job_uri) uri = {0};
    CAIRN_AUTO(own_folder) folder = {0};
    CAIRN_AUTO_FREE char *scratch_dir = NULL;
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *store = NULL;
    cairn_savepoint_options options = CAIRN_SAVEPOINT_OPTIONS_INIT;
    cairn_savepoint_report made = {0};
    char size[HUMAN_SIZE];

    CAIRN_TRY(read_format(call->args, &options.format, err));
    CAIRN_TRY(read_source(call->args, &uri, err));
    CAIRN_TRY(store_pick_by_args(call->args, uri.store, &store, err));
    CAIRN_TRY(make_scratch(&folder, &scratch_dir, err));
    options.name = call->args->arguments[1];
    options.checkpoint_id = uri.id;
    options.scratch_dir = scratch_dir;
    CAIRN_TRY(cairn_savepoint_create(store, &call->store, uri.job, &options, &made, err));
    if (cli_given(call->args, "json")) {
        return print_json(uri.job, options.name, &made, err);
    }
    cli_out_printf("savepoint %s of job %s: checkpoint %" PRIu64 ", %" PRIu64 " files, %s\n",
                   options.name, uri.job, made.checkpoint_id, made.files,
                   human_bytes(made.bytes, size));
    return CAIRN_OK;
}

const cli_command cmd_savepoint = {&savepoint_spec, savepoint_run};
