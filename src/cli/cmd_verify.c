#include "cli_config.h"
#include "cli_out.h"
#include "commands.h"
#include "human.h"
#include "job_history.h"
#include "log_sink.h"

#include <inttypes.h>

static const cli_option verify_options[] = {
    {.name = "verbose", .letter = 'v', .help = "list every object, not only the damaged"},
    CLI_OPTIONS_CONFIG,
    CLI_OPTION_JSON,
    CLI_OPTION_HELP};

static const cli_spec verify_spec = {
    .command = "verify",
    .usage = "JOBURI[@N|@NAME] [-v] [option]... [--json]",
    .summary = "read every object of a checkpoint and compare sizes and SHA-256",
    .details =
        "Writes nothing. Ends with 4 if anything is wrong, and names the object and the newest\n"
        "checkpoint that is good.",
    .options = verify_options,
    .option_count = CAIRN_ARRAY_LEN(verify_options),
    .min_arguments = 1,
    .max_arguments = 1,
};

typedef struct verify_output {
    bool verbose;
    json_text *json; /* NULL: text */
    log_sink *sink;
    uint64_t objects;
    uint64_t bytes;
} verify_output;

static void show_progress(verify_output *output, const cairn_check_result *result)
{
    CAIRN_AUTO(cairn_buf) line = {0};
    char size[HUMAN_SIZE];

    output->objects++;
    output->bytes += result->bytes;
    if (buf_printf(&line, NULL, "verify  %" PRIu64 " objects  %s", output->objects,
                   human_bytes(output->bytes, size)) == CAIRN_OK &&
        buf_text(&line) != NULL) {
        log_sink_status(output->sink, buf_text(&line));
    }
}

static void add_result(json_text *json, const cairn_check_result *result)
{
    json_text_begin_object(json);
    json_text_member_string(json, "key", result->key);
    json_text_member_string(json, "result", cairn_code_name(result->code));
    json_text_member_u64(json, "bytes", result->bytes);
    if (result->problem != NULL) {
        json_text_name(json, "problem");
        json_text_bytes(json, cairn_slice_of(result->problem));
    }
    json_text_end_object(json);
}

static void visit_result(void *context, const cairn_check_result *result)
{
    verify_output *output = context;

    show_progress(output, result);
    if (result->code == CAIRN_OK && !output->verbose) {
        return;
    }
    if (output->json != NULL) {
        add_result(output->json, result);
    } else if (result->code == CAIRN_OK) {
        cli_out_printf("ok       %s  %" PRIu64 " bytes\n", result->key, result->bytes);
    } else {
        cli_out_printf("DAMAGED  %s  %s\n", result->key, result->problem);
    }
}

static cairn_code verify_json(const cli_call *call, const job_history *job, uint64_t id,
                              verify_output *output, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) out = {0};
    cairn_verify_report report = {0};
    json_text json;
    cairn_check_visitor visitor = {visit_result, output};
    cairn_code code = CAIRN_OK;

    cli_json_begin(&json, &out, "cairn-verify", true);
    job_history_add_place(&json, job, id);
    json_text_name(&json, "objects");
    json_text_begin_array(&json);
    output->json = &json;
    code = cairn_history_verify(job->history, &call->store, id, &visitor, &report, err);
    json_text_end_array(&json);
    json_text_member_u64(&json, "object_count", report.objects);
    json_text_member_u64(&json, "bytes", report.bytes);
    json_text_member_u64(&json, "damaged", report.damaged);
    json_text_member_u64(&json, "newest_good_id", report.newest_good_id);
    if (code == CAIRN_OK || code == CAIRN_E_INTEGRITY) {
        cairn_error first = {0};
        cairn_code printed = cli_json_end(&json, &first);

        if (code == CAIRN_OK && printed != CAIRN_OK) {
            *err = first;
            code = printed;
        }
    }
    return code;
}

static cairn_code verify_text(const cli_call *call, const job_history *job, uint64_t id,
                              verify_output *output, cairn_error *err)
{
    cairn_check_visitor visitor = {visit_result, output};
    cairn_verify_report report = {0};
    char title[JOB_HISTORY_TITLE_BYTES];
    char size[HUMAN_SIZE];

    CAIRN_TRY(cairn_history_verify(job->history, &call->store, id, &visitor, &report, err));
    job_history_title(job, id, title);
    cli_out_printf("%s of job %s is whole: %" PRIu64 " objects, %s\n", title, job->uri.job,
                   report.objects, human_bytes(report.bytes, size));
    return CAIRN_OK;
}

static cairn_code verify_run(cli_call *call, cairn_error *err)
{
    CAIRN_AUTO(job_history) job = {0};
    CAIRN_AUTO(log_sink) sink = {0};
    verify_output output = {.verbose = cli_given(call->args, "verbose"), .sink = &sink};
    const cairn_history_entry *entry = NULL;

    log_sink_init(&sink, false);
    CAIRN_TRY(job_history_open(call, &job, err));
    CAIRN_TRY(cairn_history_find(job.history, job.uri.id, &entry, err));
    return (cli_given(call->args, "json") ? verify_json : verify_text)(call, &job, entry->id,
                                                                       &output, err);
}

const cli_command cmd_verify = {&verify_spec, verify_run};
