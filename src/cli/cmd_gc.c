#include <cairn/history.h>

#include "cli_config.h"
#include "cli_out.h"
#include "commands.h"
#include "encode.h"
#include "errors.h"
#include "job_history.h"
#include "log_sink.h"
#include "store_pick.h"

#include <inttypes.h>

#define GC_RETAIN_MAX      1000
#define GC_STALE_MS        ((uint64_t)24 * 3600 * 1000)
#define GC_SHOWN_BYTES_MAX 80

static const cli_option gc_options[] = {
    {.name = "retain",
     .argument = "N",
     .help = "keep the N newest checkpoints that count (default 1)"},
    {.name = "execute", .help = "delete; without it nothing is deleted, only told"},
    {.name = "stale-after",
     .argument = "TIME",
     .help = "age at which unfinished uploads go with --execute (default 1d)"},
    CLI_OPTIONS_CONFIG,
    CLI_OPTION_JSON,
    CLI_OPTION_HELP};

static const cli_spec gc_spec = {
    .command = "gc",
    .usage = "JOBURI [--retain N] [--execute] [--stale-after TIME] [option]... [--json]",
    .summary = "collect garbage of a job: objects that no checkpoint and no running worker needs",
    .details =
        "A dry run unless --execute is given. Safe beside a running worker; stops if a manifest\n"
        "can't be read or if a worker is about to start. With --execute, uploads to S3 and files on\n"
        "HDFS that their writer never finished go too, once they are older than --stale-after.",
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

static cairn_code read_stale_after(const cli_args *args, uint64_t *out, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) shown = {0};
    const char *value = cli_value(args, "stale-after");

    if (value == NULL) {
        *out = GC_STALE_MS;
        return CAIRN_OK;
    }
    if (parse_duration_ms(value, out)) {
        return CAIRN_OK;
    }
    CAIRN_TRY(encode_printable(cairn_slice_of(value), GC_SHOWN_BYTES_MAX, &shown, err));
    return error_set(err, CAIRN_E_INVALID,
                     "gc: --stale-after is '%s', should be a duration such as 12h or 1d",
                     buf_text(&shown));
}

/* A job's place, and what was asked to be done with it. Zero-initialise it. */
typedef struct gc_task {
    job_uri uri;
    cairn_store *store;
    cairn_gc_options options;
    uint64_t stale_ms;
    uint64_t unfinished; /* removed */
    cairn_gc_report report;
} gc_task;

static void release_task(gc_task *task)
{
    cairn_store_free(task->store);
    job_uri_release(&task->uri);
}
CAIRN_DEFINE_AUTO(gc_task, release_task)

/* Only below the job's own folder. */
static cairn_code remove_unfinished(const cli_call *call, gc_task *task, cairn_error *err)
{
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *store = NULL;
    CAIRN_AUTO(cairn_buf) place = {0};
    cairn_code code = CAIRN_OK;

    CAIRN_TRY(buf_printf(&place, err, "%s/%s", task->uri.store, task->uri.job));
    if (buf_text(&place) == NULL) {
        return error_no_memory(err, "a URI");
    }
    CAIRN_TRY(store_pick_by_args(call->args, buf_text(&place), &store, err));
    code = store_pick_sweep(buf_text(&place), store, &call->store, task->stale_ms,
                            &task->unfinished, err);
    return code == CAIRN_OK ? code : error_prefix(err, code, "remove unfinished uploads");
}

static cairn_code collect(const cli_call *call, gc_task *task, gc_output *output, cairn_error *err)
{
    task->options.visit = visit_victim;
    task->options.visit_context = output;
    CAIRN_TRY(
        cairn_gc(task->store, &call->store, task->uri.job, &task->options, &task->report, err));
    return task->options.execute ? remove_unfinished(call, task, err) : CAIRN_OK;
}

static cairn_code gc_json(const cli_call *call, gc_task *task, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) out = {0};
    const cairn_gc_report *report = &task->report;
    json_text json;
    gc_output output = {.execute = task->options.execute, .json = &json};

    cli_json_begin(&json, &out, "cairn-gc", true);
    json_text_member_string(&json, "job", task->uri.job);
    json_text_member_bool(&json, "executed", task->options.execute);
    json_text_name(&json, "victims");
    json_text_begin_array(&json);
    CAIRN_TRY(collect(call, task, &output, err));
    json_text_end_array(&json);
    json_text_member_u64(&json, "boundary", report->boundary);
    json_text_member_u64(&json, "object_count", report->objects);
    json_text_member_u64(&json, "victim_count", report->victims);
    json_text_member_u64(&json, "deleted", report->deleted);
    json_text_member_u64(&json, "kept", report->kept);
    json_text_member_u64(&json, "unfinished", task->unfinished);
    return cli_json_end(&json, err);
}

static void print_report(const gc_task *task)
{
    const cairn_gc_report *report = &task->report;

    cli_out_printf("%" PRIu64 " objects seen, %" PRIu64 " are garbage, %" PRIu64 " deleted",
                   report->objects, report->victims, report->deleted);
    if (report->kept > 0) {
        cli_out_printf(", %" PRIu64 " held by the store", report->kept);
    }
    if (task->unfinished > 0) {
        cli_out_printf(", %" PRIu64 " unfinished uploads removed", task->unfinished);
    }
    cli_out_printf("%s\n", task->options.execute ? "" : " (dry run: --execute deletes)");
}

static cairn_code gc_text(const cli_call *call, gc_task *task, cairn_error *err)
{
    gc_output output = {.execute = task->options.execute};

    CAIRN_TRY(collect(call, task, &output, err));
    print_report(task);
    return CAIRN_OK;
}

static cairn_code gc_run(cli_call *call, cairn_error *err)
{
    CAIRN_AUTO(log_sink) sink = {0};
    CAIRN_AUTO(gc_task) task = {.options = CAIRN_GC_OPTIONS_INIT};

    log_sink_init(&sink, false);
    CAIRN_TRY(read_options(call, &task.options, err));
    CAIRN_TRY(read_stale_after(call->args, &task.stale_ms, err));
    CAIRN_TRY(job_history_whole_uri(call, &task.uri, err));
    CAIRN_TRY(store_pick_by_args(call->args, task.uri.store, &task.store, err));
    task.options.log = log_sink_log(&sink, CAIRN_LOG_WARN);
    return (cli_given(call->args, "json") ? gc_json : gc_text)(call, &task, err);
}

const cli_command cmd_gc = {&gc_spec, gc_run};
