#include <cairn/savepoint.h>

#include "cli_config.h"
#include "cli_out.h"
#include "clock.h"
#include "commands.h"
#include "errors.h"
#include "human.h"
#include "job_history.h"
#include "stored_files.h"

#include <inttypes.h>
#include <string.h>

static const cli_option list_options[] = {CLI_OPTIONS_CONFIG, CLI_OPTION_JSON, CLI_OPTION_HELP};

static const cli_spec list_spec = {
    .command = "list",
    .usage = "JOBURI [option]... [--json]",
    .summary = "list the checkpoints of a job, newest first, and its savepoints",
    .details =
        "STATUS is head (the one that a restore takes), counts (an ancestor of the head), retired\n"
        "(older than the boundary of a garbage collection), passed-over (left behind by a step back\n"
        "or by a stalled worker), aborted, damaged or unreadable. FILES counts state and output, SIZE\n"
        "is that of all of them, NEW that of those which this checkpoint uploaded; TOOK is the time\n"
        "from begin to commit.",
    .options = list_options,
    .option_count = CAIRN_ARRAY_LEN(list_options),
    .min_arguments = 1,
    .max_arguments = 1,
};

typedef struct list_row {
    uint64_t files;
    uint64_t took_ms;
    char committed[CLOCK_RFC3339_SIZE];
} list_row;

static list_row row_of(const cairn_manifest *manifest)
{
    list_row row = {.files = stored_files_in(manifest)};

    row.took_ms = manifest->committed_ms > manifest->started_ms
                      ? manifest->committed_ms - manifest->started_ms
                      : 0;
    clock_format_rfc3339(manifest->committed_ms, row.committed);
    return row;
}

static void print_row(const cairn_history *history, const cairn_history_entry *entry)
{
    const cairn_manifest *manifest = entry->manifest;
    list_row row;
    char size[HUMAN_SIZE];
    char fresh[HUMAN_SIZE];
    char took[HUMAN_SIZE];

    if (manifest == NULL) {
        cli_out_printf("%6" PRIu64 "  %-24s  %-11s  %s\n", entry->id, "-",
                       job_history_status(history, entry), entry->problem);
        return;
    }
    row = row_of(manifest);
    cli_out_printf("%6" PRIu64 "  %-24s  %-11s  %5" PRIu64 "  %6" PRIu64
                   "  %10s  %10s  %8s  %6" PRIu64 "\n",
                   entry->id, row.committed, job_history_status(history, entry), manifest->epoch,
                   row.files, human_bytes(cairn_manifest_total_bytes(manifest), size),
                   human_bytes(cairn_manifest_new_bytes(manifest), fresh),
                   human_duration(row.took_ms, took), manifest->parent_id);
}

static void print_table(const cairn_history *history)
{
    cli_out_printf("%6s  %-24s  %-11s  %5s  %6s  %10s  %10s  %8s  %6s\n", "ID", "COMMITTED",
                   "STATUS", "EPOCH", "FILES", "SIZE", "NEW", "TOOK", "PARENT");
    for (size_t i = 0; i < cairn_history_count(history); i++) {
        print_row(history, cairn_history_at(history, i));
    }
}

static void add_manifest(json_text *json, const cairn_manifest *manifest)
{
    list_row row = row_of(manifest);

    json_text_member_string(json, "committed", row.committed);
    json_text_member_u64(json, "epoch", manifest->epoch);
    json_text_member_u64(json, "files", row.files);
    json_text_member_u64(json, "bytes", cairn_manifest_total_bytes(manifest));
    json_text_member_u64(json, "new_bytes", cairn_manifest_new_bytes(manifest));
    json_text_member_u64(json, "duration_ms", row.took_ms);
    json_text_member_u64(json, "parent", manifest->parent_id);
    json_text_member_string(json, "sha256", manifest->sha256);
    if (manifest->reason != NULL) {
        json_text_member_string(json, "reason", manifest->reason);
    }
}

static void add_entry(json_text *json, const cairn_history *history,
                      const cairn_history_entry *entry)
{
    json_text_begin_object(json);
    json_text_member_u64(json, "id", entry->id);
    json_text_member_string(json, "status", job_history_status(history, entry));
    json_text_member_bool(json, "counts", entry->counts);
    json_text_member_bool(json, "head", entry->head);
    if (entry->manifest != NULL) {
        add_manifest(json, entry->manifest);
    } else {
        json_text_name(json, "problem");
        json_text_bytes(json, cairn_slice_of(entry->problem));
    }
    json_text_end_object(json);
}

static void add_epochs(json_text *json, const cairn_history *history)
{
    cairn_history_epochs epochs = {0};

    cairn_history_get_epochs(history, &epochs);
    json_text_name(json, "epochs");
    json_text_begin_object(json);
    json_text_member_u64(json, "claimed", epochs.claimed);
    json_text_member_u64(json, "started", epochs.started);
    json_text_member_u64(json, "started_from", epochs.started_from);
    json_text_end_object(json);
    json_text_member_u64(json, "boundary", epochs.boundary);
}

/* --- savepoints ------------------------------------------------------------------------------- */

static const char *format_of(const cairn_manifest *manifest)
{
    const cairn_operator_info *first = &manifest->operators[0]; /* there is one: it is a commit */

    return strcmp(first->subtasks[0].engine, "canonical") == 0 ? "canonical" : "native";
}

static void print_savepoint(const char *name, const cairn_manifest *manifest)
{
    const list_row row = row_of(manifest);
    char size[HUMAN_SIZE];

    cli_out_printf("%-32s  %10" PRIu64 "  %-24s  %-9s  %6" PRIu64 "  %10s\n", name, manifest->id,
                   row.committed, format_of(manifest), row.files,
                   human_bytes(cairn_manifest_total_bytes(manifest), size));
}

static void add_savepoint(json_text *json, const cairn_manifest *manifest)
{
    const list_row row = row_of(manifest);

    json_text_member_u64(json, "id", manifest->id);
    json_text_member_string(json, "committed", row.committed);
    json_text_member_string(json, "form", format_of(manifest));
    json_text_member_u64(json, "files", row.files);
    json_text_member_u64(json, "bytes", cairn_manifest_total_bytes(manifest));
    json_text_member_string(json, "sha256", manifest->sha256);
}

/* A savepoint that can't be read is a row; a store that fails is not. `json` NULL: text. */
static cairn_code show_savepoint(const cli_call *call, const job_history *job, const char *name,
                                 json_text *json, cairn_error *err)
{
    cairn_history *history = NULL;
    const cairn_history_entry *entry = NULL;
    cairn_error problem = {0};
    cairn_code code = cairn_history_load_savepoint(job->store, &call->store, job->uri.job, name,
                                                   &history, &problem);

    if (code == CAIRN_OK) {
        code = cairn_history_find(history, 0, &entry, &problem);
    }
    if (code == CAIRN_OK) {
        json == NULL ? print_savepoint(name, entry->manifest)
                     : add_savepoint(json, entry->manifest);
    } else if (json == NULL) {
        cli_out_printf("%-32s  %s\n", name, problem.message);
    } else {
        json_text_name(json, "problem");
        json_text_bytes(json, cairn_slice_of(problem.message));
    }
    cairn_history_free(history);
    return code == CAIRN_OK || code == CAIRN_E_INTEGRITY || code == CAIRN_E_INCOMPATIBLE
               ? CAIRN_OK
               : error_set(err, code, "%s", problem.message);
}

static cairn_code print_savepoints(const cli_call *call, const job_history *job, cairn_error *err)
{
    const char *name = cairn_history_savepoint_name(job->history, 0);

    if (name != NULL) {
        cli_out_printf("\n%-32s  %10s  %-24s  %-9s  %6s  %10s\n", "SAVEPOINT", "CHECKPOINT", "MADE",
                       "FORM", "FILES", "SIZE");
    }
    for (size_t i = 0; name != NULL; name = cairn_history_savepoint_name(job->history, ++i)) {
        CAIRN_TRY(show_savepoint(call, job, name, NULL, err));
    }
    return CAIRN_OK;
}

static cairn_code add_savepoints(const cli_call *call, const job_history *job, json_text *json,
                                 cairn_error *err)
{
    const char *name = NULL;

    json_text_name(json, "savepoints");
    json_text_begin_array(json);
    for (size_t i = 0; (name = cairn_history_savepoint_name(job->history, i)) != NULL; i++) {
        json_text_begin_object(json);
        json_text_member_string(json, "name", name);
        CAIRN_TRY(show_savepoint(call, job, name, json, err));
        json_text_end_object(json);
    }
    json_text_end_array(json);
    return CAIRN_OK;
}

/* --- the command ------------------------------------------------------------------------------ */

static cairn_code print_json(const cli_call *call, const job_history *job, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) out = {0};
    json_text json;

    cli_json_begin(&json, &out, "cairn-list", true);
    json_text_member_string(&json, "job", job->uri.job);
    add_epochs(&json, job->history);
    json_text_name(&json, "checkpoints");
    json_text_begin_array(&json);
    for (size_t i = 0; i < cairn_history_count(job->history); i++) {
        add_entry(&json, job->history, cairn_history_at(job->history, i));
    }
    json_text_end_array(&json);
    CAIRN_TRY(add_savepoints(call, job, &json, err));
    return cli_json_end(&json, err);
}

/* No rows, though the job's records say that something counts, is damage and no empty list. */
static cairn_code check_not_lost(cairn_history *history, cairn_error *err)
{
    const cairn_history_entry *head = NULL;
    cairn_error problem = {0};

    if (cairn_history_count(history) > 0) {
        return CAIRN_OK;
    }
    cairn_code code = cairn_history_find(history, 0, &head, &problem);
    return code == CAIRN_E_INTEGRITY ? error_set(err, code, "%s", problem.message) : CAIRN_OK;
}

static cairn_code list_run(cli_call *call, cairn_error *err)
{
    CAIRN_AUTO(job_uri) uri = {0};
    CAIRN_AUTO(job_history) job = {0};

    CAIRN_TRY(job_history_whole_uri(call, &uri, err));
    CAIRN_TRY(job_history_open(call, &job, err));
    CAIRN_TRY(check_not_lost(job.history, err));
    if (cli_given(call->args, "json")) {
        return print_json(call, &job, err);
    }
    print_table(job.history);
    return print_savepoints(call, &job, err);
}

const cli_command cmd_list = {&list_spec, list_run};
