#include <cairn/savepoint.h>

#include "alloc.h"
#include "cli_config.h"
#include "cli_out.h"
#include "commands.h"
#include "encode.h"
#include "errors.h"
#include "human.h"
#include "job_history.h"
#include "store_pick.h"
#include "stored_files.h"

#include <inttypes.h>
#include <string.h>

#define SHOWN_BYTES_MAX 200
#define SAVEPOINTS      "savepoints/"

static const cli_option why_options[] = {CLI_OPTIONS_CONFIG, CLI_OPTION_JSON, CLI_OPTION_HELP};

static const cli_spec why_spec = {
    .command = "why",
    .usage = "JOBURI OBJECT [option]... [--json]",
    .summary = "tell which checkpoints need an object, and as what",
    .details =
        "OBJECT is a key below the job, as in manifests: shared/counts/3-0123456789abcdef-7. An object\n"
        "that no checkpoint names is needed by none that is decided; if it is garbage too, cairn gc\n"
        "says so. One of a savepoint is looked for in that savepoint. Ends with 3 if there is no such\n"
        "object, with 4 if it is named but missing.",
    .options = why_options,
    .option_count = CAIRN_ARRAY_LEN(why_options),
    .min_arguments = 2,
    .max_arguments = 2,
};

/* What was found. Zero-initialise it. */
typedef struct why_answer {
    const char *object;
    bool stands;
    cairn_object_info info; /* if it stands */
    stored_files files;     /* of all checkpoints, by place */
    size_t first;           /* those of this object: first .. end - 1 */
    size_t end;
} why_answer;

static void why_answer_release(why_answer *answer)
{
    stored_files_release(&answer->files);
}
CAIRN_DEFINE_AUTO(why_answer, why_answer_release)

/* Documents tell of objects; none tells of them. */
static bool is_document(const char *object)
{
    static const char *const ends[] = {"/manifest.json", "/claim.json", "/start.json",
                                       "-part.json"};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(ends); i++) {
        const size_t len = strlen(object);
        const size_t end = strlen(ends[i]);

        if (len >= end && strcmp(object + len - end, ends[i]) == 0) {
            return true;
        }
    }
    return strncmp(object, "gc/", 3) == 0;
}

static cairn_code check_object(const char *object, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) shown = {0};

    if (!is_document(object)) {
        return CAIRN_OK;
    }
    CAIRN_TRY(encode_printable(cairn_slice_of(object), SHOWN_BYTES_MAX, &shown, err));
    return error_set(
        err, CAIRN_E_INVALID,
        "why: '%s' is a document of the job itself, which no other names: give the key "
        "of a file, as manifests have it",
        buf_text(&shown));
}

/* The job's checkpoints, or the savepoint that the object lies in. */
static cairn_code open_history(const cli_call *call, const char *object, job_history *out,
                               cairn_error *err)
{
    const size_t prefix = strlen(SAVEPOINTS);
    const char *const name = object + prefix;
    const char *const end = strncmp(object, SAVEPOINTS, prefix) == 0 ? strchr(name, '/') : NULL;

    CAIRN_TRY(job_history_open(call, out, err));
    if (end == NULL) {
        return CAIRN_OK;
    }
    out->uri.savepoint = mem_strndup(name, (size_t)(end - name));
    if (out->uri.savepoint == NULL) {
        return error_no_memory(err, "the name of a savepoint");
    }
    cairn_history_free(CAIRN_TAKE(out->history));
    return cairn_history_load_savepoint(out->store, &call->store, out->uri.job, out->uri.savepoint,
                                        &out->history, err);
}

static void find_files(why_answer *answer)
{
    const stored_files *files = &answer->files;

    while (answer->first < files->count &&
           strcmp(files->items[answer->first].file->key, answer->object) != 0) {
        answer->first++;
    }
    answer->end = answer->first;
    while (answer->end < files->count &&
           strcmp(files->items[answer->end].file->key, answer->object) == 0) {
        answer->end++;
    }
}

static cairn_code look_at_store(const cli_call *call, const job_history *job, why_answer *answer,
                                cairn_error *err)
{
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *store = NULL;
    CAIRN_AUTO(cairn_buf) key = {0};
    cairn_error problem = {0};

    CAIRN_TRY(cairn_store_retrying(job->store, &store, err));
    CAIRN_TRY(buf_printf(&key, err, "%s/%s", job->uri.job, answer->object));
    if (buf_text(&key) == NULL) {
        return error_no_memory(err, "a key");
    }
    cairn_code code =
        cairn_store_stat(store, &call->store, buf_text(&key), &answer->info, &problem);
    answer->stands = code == CAIRN_OK;
    return code == CAIRN_OK || code == CAIRN_E_NOT_FOUND
               ? CAIRN_OK
               : error_set(err, code, "%s", problem.message);
}

static cairn_code missing(const why_answer *answer, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) shown = {0};

    CAIRN_TRY(encode_printable(cairn_slice_of(answer->object), SHOWN_BYTES_MAX, &shown, err));
    if (answer->first == answer->end) {
        return error_set(err, CAIRN_E_NOT_FOUND,
                         "why: there is no object '%s', and no checkpoint names one",
                         buf_text(&shown));
    }
    return error_set(err, CAIRN_E_INTEGRITY,
                     "why: object '%s' is missing, but the manifest of checkpoint %" PRIu64
                     " names it",
                     buf_text(&shown), answer->files.items[answer->first].entry->id);
}

static void print_text(const job_history *job, const why_answer *answer)
{
    char title[JOB_HISTORY_TITLE_BYTES];
    char size[HUMAN_SIZE];

    cli_out_printf("%s  %s\n", answer->object, human_bytes(answer->info.size, size));
    for (size_t i = answer->first; i < answer->end; i++) {
        const stored_file *file = &answer->files.items[i];

        job_history_title(job, file->entry->id, title);
        cli_out_printf("%s (%s): %s %s of %s/%" PRIu32 ", bytes %" PRIu64 "..%" PRIu64
                       ", uploaded by %" PRIu64 "\n",
                       title, job_history_status(job->history, file->entry),
                       stored_role_name(file->role), file->file->name, file->operator_uid,
                       file->subtask, file->file->offset, file->file->offset + file->file->size,
                       file->file->uploaded_by);
    }
    if (answer->first == answer->end) {
        cli_out_printf("no checkpoint names it (cairn gc tells whether it is garbage)\n");
    }
}

static void add_use(json_text *json, const job_history *job, const stored_file *file)
{
    json_text_begin_object(json);
    json_text_member_u64(json, "checkpoint", file->entry->id);
    json_text_member_string(json, "status", job_history_status(job->history, file->entry));
    json_text_member_string(json, "operator", file->operator_uid);
    json_text_member_int(json, "subtask", file->subtask);
    json_text_member_string(json, "role", stored_role_name(file->role));
    json_text_member_string(json, "name", file->file->name);
    json_text_member_u64(json, "offset", file->file->offset);
    json_text_member_u64(json, "bytes", file->file->size);
    json_text_member_u64(json, "uploaded_by", file->file->uploaded_by);
    json_text_end_object(json);
}

static cairn_code print_json(const job_history *job, const why_answer *answer, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) out = {0};
    json_text json;

    cli_json_begin(&json, &out, "cairn-why", true);
    json_text_member_string(&json, "job", job->uri.job);
    json_text_name(&json, "object");
    json_text_bytes(&json, cairn_slice_of(answer->object));
    json_text_member_u64(&json, "bytes", answer->info.size);
    json_text_name(&json, "named_by");
    json_text_begin_array(&json);
    for (size_t i = answer->first; i < answer->end; i++) {
        add_use(&json, job, &answer->files.items[i]);
    }
    json_text_end_array(&json);
    return cli_json_end(&json, err);
}

static cairn_code why_run(cli_call *call, cairn_error *err)
{
    CAIRN_AUTO(job_uri) whole = {0};
    CAIRN_AUTO(job_history) job = {0};
    CAIRN_AUTO(why_answer) answer = {.object = call->args->arguments[1]};

    CAIRN_TRY(job_history_whole_uri(call, &whole, err));
    CAIRN_TRY(check_object(answer.object, err));
    CAIRN_TRY(open_history(call, answer.object, &job, err));
    CAIRN_TRY(stored_files_of_history(job.history, &answer.files, err));
    stored_files_sort_by_place(&answer.files);
    find_files(&answer);
    CAIRN_TRY(look_at_store(call, &job, &answer, err));
    if (!answer.stands) {
        return missing(&answer, err);
    }
    if (cli_given(call->args, "json")) {
        return print_json(&job, &answer, err);
    }
    print_text(&job, &answer);
    return CAIRN_OK;
}

const cli_command cmd_why = {&why_spec, why_run};
