#include <cairn/history.h>

#include "cli_out.h"
#include "commands.h"
#include "errors.h"
#include "job_history.h"
#include "log_sink.h"
#include "store_pick.h"

#include <inttypes.h>

#define GC_RETAIN_MAX 1000

static const cli_option gc_options[] = {
    {.name = "retain",
     .argument = "N",
     .help = "keep the N newest checkpoints that count (default 1)"},
    {.name = "execute", .help = "delete; without it nothing is deleted, only told"},
    CLI_OPTION_JSON,
    CLI_OPTION_HELP};

static const cli_spec gc_spec = {
    .command = "gc",
    .usage = "JOBURI [--retain N] [--execute] [--json]",
    .summary = "collect garbage of a job: objects that no checkpoint and no running worker needs",
    .details =
        "A dry run unless --execute is given. Safe beside a running worker; stops if a manifest\n"
        "can't be read or if a worker is about to start.",
    .options = gc_options,
    .option_count = CAIRN_ARRAY_LEN(gc_options),
    .min_arguments = 1,
    .max_arguments = 1,
};

typedef struct gc_output {
    bool execute;
    json_text *json; /* NULL: text */
} gc_output;

static void visit_victim(void *context, const char *key)
{
    const gc_output *output = context;

    if (output->json != NULL) {
        json_text_string(output->json, key);
    } else {
        cli_out_printf("%s %s\n", output->execute ? "delete" : "would delete", key);
    }
}

static cairn_code read_options(const cli_call *call, cairn_gc_options *out, cairn_error *err)
{
    uint64_t retain = 0;

    CAIRN_TRY(cli_number(call->args, "retain", 1, &retain, err));
    if (retain < 1 || retain > GC_RETAIN_MAX) {
        return error_set(err, CAIRN_E_INVALID, "gc: --retain is %" PRIu64 ", should be 1 to %d",
                         retain, GC_RETAIN_MAX);
    }
    out->num_retained = (uint32_t)retain;
    out->execute = cli_given(call->args, "execute");
    return CAIRN_OK;
}

static void print_report(const cairn_gc_options *options, const cairn_gc_report *report)
{
    cli_out_printf("%" PRIu64 " objects seen, %" PRIu64 " are garbage, %" PRIu64 " deleted",
                   report->objects, report->victims, report->deleted);
    if (report->kept > 0) {
        cli_out_printf(", %" PRIu64 " held by the store", report->kept);
    }
    cli_out_printf("%s\n", options->execute ? "" : " (dry run: --execute deletes)");
}

static cairn_code gc_json(const cli_call *call, cairn_store *store, const char *job,
                          cairn_gc_options *options, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) out = {0};
    cairn_gc_report report = {0};
    json_text json;
    gc_output output = {.execute = options->execute, .json = &json};

    cli_json_begin(&json, &out, "cairn-gc", true);
    json_text_member_string(&json, "job", job);
    json_text_member_bool(&json, "executed", options->execute);
    json_text_name(&json, "victims");
    json_text_begin_array(&json);
    options->visit = visit_victim;
    options->visit_context = &output;
    CAIRN_TRY(cairn_gc(store, &call->store, job, options, &report, err));
    json_text_end_array(&json);
    json_text_member_u64(&json, "boundary", report.boundary);
    json_text_member_u64(&json, "object_count", report.objects);
    json_text_member_u64(&json, "victim_count", report.victims);
    json_text_member_u64(&json, "deleted", report.deleted);
    json_text_member_u64(&json, "kept", report.kept);
    return cli_json_end(&json, err);
}

static cairn_code gc_text(const cli_call *call, cairn_store *store, const char *job,
                          cairn_gc_options *options, cairn_error *err)
{
    cairn_gc_report report = {0};
    gc_output output = {.execute = options->execute};

    options->visit = visit_victim;
    options->visit_context = &output;
    CAIRN_TRY(cairn_gc(store, &call->store, job, options, &report, err));
    print_report(options, &report);
    return CAIRN_OK;
}

static cairn_code gc_run(cli_call *call, cairn_error *err)
{
    CAIRN_AUTO(job_uri) uri = {0};
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *store = NULL;
    CAIRN_AUTO(log_sink) sink = {0};
    cairn_gc_options options = CAIRN_GC_OPTIONS_INIT;

    log_sink_init(&sink, false);
    CAIRN_TRY(read_options(call, &options, err));
    CAIRN_TRY(job_history_whole_uri(call, &uri, err));
    CAIRN_TRY(store_pick(uri.store, false, &store, err));
    options.log = log_sink_log(&sink, CAIRN_LOG_WARN);
    return (cli_given(call->args, "json") ? gc_json : gc_text)(call, store, uri.job, &options, err);
}

const cli_command cmd_gc = {&gc_spec, gc_run};
