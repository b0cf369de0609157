#include "alloc.h"
#include "cli_config.h"
#include "cli_out.h"
#include "commands.h"
#include "errors.h"
#include "human.h"
#include "job_history.h"
#include "stored_files.h"

#include <inttypes.h>
#include <string.h>

static const cli_option du_options[] = {CLI_OPTIONS_CONFIG, CLI_OPTION_JSON, CLI_OPTION_HELP};

static const cli_spec du_spec = {
    .command = "du",
    .usage = "JOBURI[@N|@NAME] [option]... [--json]",
    .summary = "tell what checkpoints take in the store, and what each of them alone keeps there",
    .details =
        "SIZE is all that a checkpoint names, NEW what it uploaded, ALONE what is in objects that no\n"
        "other checkpoint of the job names: what a deletion of it would free. The last line counts\n"
        "each stored file once. Read from manifests: what none names is told by cairn gc.",
    .options = du_options,
    .option_count = CAIRN_ARRAY_LEN(du_options),
    .min_arguments = 1,
    .max_arguments = 1,
};

typedef struct du_row {
    const cairn_history_entry *entry;
    uint64_t alone_bytes;
} du_row;

/* Of all checkpoints, newest first. Zero-initialise it. */
typedef struct du_table {
    du_row *rows;
    size_t count;
    uint64_t stored_files;
    uint64_t stored_bytes;
} du_table;

static void du_table_release(du_table *table)
{
    mem_free(table->rows);
}
CAIRN_DEFINE_AUTO(du_table, du_table_release)

static void add_alone(du_table *table, const stored_file *file)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->rows[i].entry == file->entry) {
            table->rows[i].alone_bytes += file->file->size;
            return;
        }
    }
}

/* Files of one object: it goes as a whole, so one file that another checkpoint names keeps all. */
static void count_object(du_table *table, const stored_file *files, size_t count)
{
    bool alone = true;

    for (size_t i = 0; i < count; i++) {
        alone = alone && files[i].entry == files[0].entry;
    }
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && stored_file_same(&files[i - 1], &files[i])) {
            continue;
        }
        table->stored_files++;
        table->stored_bytes += files[i].file->size;
        if (alone) {
            add_alone(table, &files[i]);
        }
    }
}

/* Files of one object stand side by side. */
static void count_files(du_table *table, const stored_files *files)
{
    size_t end = 0;

    for (size_t begin = 0; begin < files->count; begin = end) {
        const char *const key = files->items[begin].file->key;

        while (end < files->count && strcmp(files->items[end].file->key, key) == 0) {
            end++;
        }
        count_object(table, &files->items[begin], end - begin);
    }
}

static cairn_code fill_table(const cairn_history *history, du_table *table, cairn_error *err)
{
    CAIRN_AUTO(stored_files) files = {0};
    const size_t count = cairn_history_count(history);

    table->rows = mem_calloc(count == 0 ? 1 : count, sizeof(*table->rows));
    if (table->rows == NULL) {
        return error_no_memory(err, "a list of checkpoints");
    }
    for (table->count = 0; table->count < count; table->count++) {
        table->rows[table->count].entry = cairn_history_at(history, table->count);
    }
    CAIRN_TRY(stored_files_of_history(history, &files, err));
    stored_files_sort_by_place(&files);
    count_files(table, &files);
    return CAIRN_OK;
}

/* The rows that were asked for: all, or the one of "@N". */
static bool is_shown(const job_history *job, const du_row *row)
{
    return job->uri.id == 0 || row->entry->id == job->uri.id;
}

static void print_row(const job_history *job, const du_row *row)
{
    const cairn_manifest *manifest = row->entry->manifest;
    char size[HUMAN_SIZE];
    char fresh[HUMAN_SIZE];
    char alone[HUMAN_SIZE];

    if (manifest == NULL) {
        cli_out_printf("%6" PRIu64 "  %-11s  %s\n", row->entry->id,
                       job_history_status(job->history, row->entry), row->entry->problem);
        return;
    }
    cli_out_printf("%6" PRIu64 "  %-11s  %6" PRIu64 "  %10s  %10s  %10s\n", row->entry->id,
                   job_history_status(job->history, row->entry), stored_files_in(manifest),
                   human_bytes(cairn_manifest_total_bytes(manifest), size),
                   human_bytes(cairn_manifest_new_bytes(manifest), fresh),
                   human_bytes(row->alone_bytes, alone));
}

static void print_table(const job_history *job, const du_table *table)
{
    char size[HUMAN_SIZE];

    cli_out_printf("%6s  %-11s  %6s  %10s  %10s  %10s\n", "ID", "STATUS", "FILES", "SIZE", "NEW",
                   "ALONE");
    for (size_t i = 0; i < table->count; i++) {
        if (is_shown(job, &table->rows[i])) {
            print_row(job, &table->rows[i]);
        }
    }
    if (job->uri.id == 0) {
        cli_out_printf("%6s  %-11s  %6" PRIu64 "  %10s\n", "", "all", table->stored_files,
                       human_bytes(table->stored_bytes, size));
    }
}

static void add_row(json_text *json, const job_history *job, const du_row *row)
{
    const cairn_manifest *manifest = row->entry->manifest;

    json_text_begin_object(json);
    json_text_member_u64(json, "id", row->entry->id);
    json_text_member_string(json, "status", job_history_status(job->history, row->entry));
    if (manifest != NULL) {
        json_text_member_u64(json, "files", stored_files_in(manifest));
        json_text_member_u64(json, "bytes", cairn_manifest_total_bytes(manifest));
        json_text_member_u64(json, "new_bytes", cairn_manifest_new_bytes(manifest));
        json_text_member_u64(json, "alone_bytes", row->alone_bytes);
    } else {
        json_text_name(json, "problem");
        json_text_bytes(json, cairn_slice_of(row->entry->problem));
    }
    json_text_end_object(json);
}

static cairn_code print_json(const job_history *job, const du_table *table, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) out = {0};
    json_text json;

    cli_json_begin(&json, &out, "cairn-du", true);
    json_text_member_string(&json, "job", job->uri.job);
    json_text_name(&json, "checkpoints");
    json_text_begin_array(&json);
    for (size_t i = 0; i < table->count; i++) {
        if (is_shown(job, &table->rows[i])) {
            add_row(&json, job, &table->rows[i]);
        }
    }
    json_text_end_array(&json);
    json_text_member_u64(&json, "stored_files", table->stored_files);
    json_text_member_u64(&json, "stored_bytes", table->stored_bytes);
    return cli_json_end(&json, err);
}

static cairn_code du_run(cli_call *call, cairn_error *err)
{
    CAIRN_AUTO(job_history) job = {0};
    CAIRN_AUTO(du_table) table = {0};
    const cairn_history_entry *asked = NULL;

    CAIRN_TRY(job_history_open(call, &job, err));
    if (job.uri.id != 0) {
        CAIRN_TRY(cairn_history_find(job.history, job.uri.id, &asked, err));
    }
    CAIRN_TRY(fill_table(job.history, &table, err));
    if (cli_given(call->args, "json")) {
        return print_json(&job, &table, err);
    }
    print_table(&job, &table);
    return CAIRN_OK;
}

const cli_command cmd_du = {&du_spec, du_run};
