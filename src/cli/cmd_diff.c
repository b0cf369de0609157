#include "cli_config.h"
#include "cli_out.h"
#include "commands.h"
#include "errors.h"
#include "human.h"
#include "job_history.h"
#include "stored_files.h"

#include <inttypes.h>
#include <string.h>

static const cli_option diff_options[] = {
    {.name = "all", .letter = 'a', .help = "list what is the same in both, too"},
    CLI_OPTIONS_CONFIG,
    CLI_OPTION_JSON,
    CLI_OPTION_HELP};

static const cli_spec diff_spec = {
    .command = "diff",
    .usage = "JOBURI[@N|@NAME] JOBURI[@M|@NAME] [--all] [option]... [--json]",
    .summary = "tell in which files two checkpoints differ, by their SHA-256",
    .details =
        "A line begins with - if only the first has the file, with + if only the second has, with ! if\n"
        "both have one of that name with other bytes, with = (--all) if they are the same. The two may\n"
        "be of different jobs and stores.",
    .options = diff_options,
    .option_count = CAIRN_ARRAY_LEN(diff_options),
    .min_arguments = 2,
    .max_arguments = 2,
};

typedef enum diff_kind {
    CAIRN_DIFF_SAME = 0,
    CAIRN_DIFF_FIRST = 1,  /* only there */
    CAIRN_DIFF_SECOND = 2, /* only there */
    CAIRN_DIFF_BYTES = 3   /* one name, other bytes */
} diff_kind;

typedef struct diff_output {
    bool all;
    json_text *json; /* NULL: text */
    struct {
        uint64_t files;
        uint64_t bytes; /* of the second's file, or of the first's if there is no other */
    } sums[4];
} diff_output;

static const char *kind_name(diff_kind kind)
{
    static const char *const names[] = {[CAIRN_DIFF_SAME] = "same",
                                        [CAIRN_DIFF_FIRST] = "first",
                                        [CAIRN_DIFF_SECOND] = "second",
                                        [CAIRN_DIFF_BYTES] = "bytes"};

    return names[kind];
}

static void print_file(const stored_file *file, diff_kind kind)
{
    char size[HUMAN_SIZE];

    cli_out_printf("%c %s/%" PRIu32 "  %-14s  %-28s  %10s  %s\n", "=-+!"[kind],
                   file -> operator_uid, file -> subtask, stored_role_name(file->role),
                   file -> file -> name, human_bytes(file->file->size, size), file -> file -> key);
}

static void add_file(json_text *json, const stored_file *file, diff_kind kind)
{
    json_text_begin_object(json);
    json_text_member_string(json, "difference", kind_name(kind));
    json_text_member_string(json, "operator", file->operator_uid);
    json_text_member_int(json, "subtask", file->subtask);
    json_text_member_string(json, "role", stored_role_name(file->role));
    json_text_member_string(json, "name", file->file->name);
    json_text_member_u64(json, "bytes", file->file->size);
    json_text_member_string(json, "key", file->file->key);
    json_text_end_object(json);
}

static void tell(diff_output *output, const stored_file *file, diff_kind kind)
{
    output->sums[kind].files++;
    output->sums[kind].bytes += file->file->size;
    if (kind == CAIRN_DIFF_SAME && !output->all) {
        return;
    }
    if (output->json != NULL) {
        add_file(output->json, file, kind);
    } else {
        print_file(file, kind);
    }
}

/* Both are sorted by name. */
static void compare(const stored_files *first, const stored_files *second, diff_output *output)
{
    size_t i = 0;
    size_t k = 0;

    while (i < first->count || k < second->count) {
        int order = i == first->count ? 1 : -1;

        if (i < first->count && k < second->count) {
            order = stored_file_compare_names(&first->items[i], &second->items[k]);
        }
        if (order == 0) {
            const bool same = strcmp(first->items[i].file->sha256, second->items[k].file->sha256) ==
                              0;

            tell(output, &second->items[k], same ? CAIRN_DIFF_SAME : CAIRN_DIFF_BYTES);
        } else {
            tell(output, order < 0 ? &first->items[i] : &second->items[k],
                 order < 0 ? CAIRN_DIFF_FIRST : CAIRN_DIFF_SECOND);
        }
        i += order <= 0;
        k += order >= 0;
    }
}

/* A checkpoint that was asked for, and its files. Zero-initialise it. */
typedef struct diff_side {
    job_history job;
    const cairn_history_entry *entry;
    stored_files files;
} diff_side;

static void diff_side_release(diff_side *side)
{
    stored_files_release(&side->files);
    job_history_release(&side->job);
}
CAIRN_DEFINE_AUTO(diff_side, diff_side_release)

static cairn_code open_side(const cli_call *call, size_t argument, diff_side *out, cairn_error *err)
{
    CAIRN_TRY(job_history_open_argument(call, argument, &out->job, err));
    CAIRN_TRY(cairn_history_find(out->job.history, out->job.uri.id, &out->entry, err));
    if (out->entry->manifest->kind == CAIRN_MANIFEST_ABORTED) {
        return error_set(err, CAIRN_E_NOT_FOUND, "checkpoint %" PRIu64 " of job %s was aborted: %s",
                         out->entry->id, out->job.uri.job, out->entry->manifest->reason);
    }
    CAIRN_TRY(stored_files_of_entry(out->entry, &out->files, err));
    stored_files_sort_by_name(&out->files);
    return CAIRN_OK;
}

static void print_sums(const diff_output *output)
{
    char first[HUMAN_SIZE];
    char second[HUMAN_SIZE];
    char bytes[HUMAN_SIZE];
    char same[HUMAN_SIZE];

    cli_out_printf("%" PRIu64 " files (%s) only in the first, %" PRIu64
                   " (%s) only in the second, %" PRIu64 " (%s) with other bytes, %" PRIu64
                   " (%s) the same\n",
                   output->sums[CAIRN_DIFF_FIRST].files,
                   human_bytes(output->sums[CAIRN_DIFF_FIRST].bytes, first),
                   output->sums[CAIRN_DIFF_SECOND].files,
                   human_bytes(output->sums[CAIRN_DIFF_SECOND].bytes, second),
                   output->sums[CAIRN_DIFF_BYTES].files,
                   human_bytes(output->sums[CAIRN_DIFF_BYTES].bytes, bytes),
                   output->sums[CAIRN_DIFF_SAME].files,
                   human_bytes(output->sums[CAIRN_DIFF_SAME].bytes, same));
}

static void add_sums(json_text *json, const diff_output *output)
{
    json_text_name(json, "sums");
    json_text_begin_object(json);
    for (diff_kind kind = CAIRN_DIFF_SAME; kind <= CAIRN_DIFF_BYTES; kind++) {
        json_text_name(json, kind_name(kind));
        json_text_begin_object(json);
        json_text_member_u64(json, "files", output->sums[kind].files);
        json_text_member_u64(json, "bytes", output->sums[kind].bytes);
        json_text_end_object(json);
    }
    json_text_end_object(json);
}

static void add_side(json_text *json, const char *name, const diff_side *side)
{
    json_text_name(json, name);
    json_text_begin_object(json);
    job_history_add_place(json, &side->job, side->entry->id);
    json_text_end_object(json);
}

static cairn_code diff_json(const diff_side *first, const diff_side *second, bool all,
                            cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) out = {0};
    json_text json;
    diff_output output = {.all = all, .json = &json};

    cli_json_begin(&json, &out, "cairn-diff", true);
    add_side(&json, "first", first);
    add_side(&json, "second", second);
    json_text_name(&json, "files");
    json_text_begin_array(&json);
    compare(&first->files, &second->files, &output);
    json_text_end_array(&json);
    add_sums(&json, &output);
    return cli_json_end(&json, err);
}

static cairn_code diff_run(cli_call *call, cairn_error *err)
{
    CAIRN_AUTO(diff_side) first = {0};
    CAIRN_AUTO(diff_side) second = {0};
    diff_output output = {.all = cli_given(call->args, "all")};

    CAIRN_TRY(open_side(call, 0, &first, err));
    CAIRN_TRY(open_side(call, 1, &second, err));
    if (cli_given(call->args, "json")) {
        return diff_json(&first, &second, output.all, err);
    }
    compare(&first.files, &second.files, &output);
    print_sums(&output);
    return CAIRN_OK;
}

const cli_command cmd_diff = {&diff_spec, diff_run};
