#include "bounds.h"
#include "cli_config.h"
#include "cli_out.h"
#include "clock.h"
#include "commands.h"
#include "human.h"
#include "job_history.h"
#include "state_info.h"
#include "store_pick.h"

#include <inttypes.h>

static const cli_option show_options[] = {
    {.name = "json", .help = "print the manifest itself, byte for byte"},
    CLI_OPTIONS_CONFIG,
    CLI_OPTION_HELP};

static const cli_spec show_spec = {
    .command = "show",
    .usage = "JOBURI[@N|@NAME] [option]... [--json]",
    .summary = "show what a checkpoint holds: states, positions, files and where each comes from",
    .options = show_options,
    .option_count = CAIRN_ARRAY_LEN(show_options),
    .min_arguments = 1,
    .max_arguments = 1,
};

static void print_head(const job_history *job, const cairn_history_entry *entry)
{
    const cairn_manifest *manifest = entry->manifest;
    char committed[CLOCK_RFC3339_SIZE];
    char size[HUMAN_SIZE];
    char fresh[HUMAN_SIZE];

    clock_format_rfc3339(manifest->committed_ms, committed);
    if (job->uri.savepoint != NULL) {
        cli_out_printf("savepoint        %s\n", job->uri.savepoint);
    }
    cli_out_printf("checkpoint       %" PRIu64 " of job %s (%s)\n", manifest->id, manifest->job,
                   job_history_status(job->history, entry));
    cli_out_printf("committed        %s, epoch %" PRIu64 ", attempt %s\n", committed,
                   manifest->epoch, manifest->attempt);
    if (manifest->parent_id != 0) {
        cli_out_printf("parent           %" PRIu64 ", its manifest's sha256 %s\n",
                       manifest->parent_id, manifest->parent_sha256);
    } else {
        cli_out_printf("parent           none\n");
    }
    cli_out_printf("manifest         %s, sha256 %s\n", human_bytes(manifest->document_bytes, size),
                   manifest->sha256);
    cli_out_printf("max parallelism  %" PRIu32 "\n", manifest->max_parallelism);
    cli_out_printf("size             %s, of which new %s\n",
                   human_bytes(cairn_manifest_total_bytes(manifest), size),
                   human_bytes(cairn_manifest_new_bytes(manifest), fresh));
    if (manifest->reason != NULL) {
        cli_out_printf("aborted          %s\n", manifest->reason);
    }
}

static void print_file(const cairn_file_info *file, uint64_t id, const char *label)
{
    char size[HUMAN_SIZE];

    cli_out_printf("    %-8s %-24s %10s  key groups %" PRIu32 "..%" PRIu32 "  ", label, file->name,
                   human_bytes(file->size, size), file->first_key_group, file->last_key_group);
    if (file->uploaded_by == id) {
        cli_out_printf("new                 %s\n", file->key);
    } else {
        cli_out_printf("from checkpoint %-4" PRIu64 "%s\n", file->uploaded_by, file->key);
    }
}

static void print_operator_states(const cairn_operator_states_info *info, uint64_t id)
{
    for (size_t i = 0; i < info->state_count; i++) {
        const cairn_operator_state_info *state = &info->states[i];

        cli_out_printf("    operator state %s: %s, %" PRIu64 " elements, values %s v%" PRIu32,
                       state->name, operator_mode_name(state->mode), state->elements,
                       state->value_serializer.id, state->value_serializer.version);
        if (state->mode == CAIRN_OPERATOR_BROADCAST) {
            cli_out_printf(", keys %s v%" PRIu32, state->key_serializer.id,
                           state->key_serializer.version);
        }
        cli_out_printf("\n");
    }
    print_file(&info->file, id, "operator");
}

static void print_subtask(const cairn_subtask_info *subtask, uint64_t id)
{
    cli_out_printf("  subtask %" PRIu32 ": key groups %" PRIu32 "..%" PRIu32 ", %s %s\n",
                   subtask->index, subtask->first_key_group, subtask->last_key_group,
                   subtask->engine, subtask->engine_version);
    for (size_t i = 0; i < subtask->position_count; i++) {
        const cairn_source_position *position = &subtask->positions[i];

        cli_out_printf("    position %s at byte %" PRIu64 ", record %" PRIu64 "\n",
                       position->source, position->offset, position->records);
    }
    for (size_t i = 0; i < subtask->file_count; i++) {
        print_file(&subtask->files[i], id, "file");
    }
    for (size_t i = 0; i < subtask->output_count; i++) {
        print_file(&subtask->outputs[i], id, "output");
    }
    if (subtask->operator_states != NULL) {
        print_operator_states(subtask->operator_states, id);
    }
}

static void print_operator(const cairn_operator_info *operator_info, uint64_t id)
{
    cli_out_printf("operator %s, parallelism %" PRIu32 "\n", operator_info->uid,
                   operator_info->parallelism);
    for (size_t i = 0; i < operator_info->state_count; i++) {
        const cairn_state_info *state = &operator_info->states[i];

        cli_out_printf("  state %s: %s, keys %s v%" PRIu32 ", values %s v%" PRIu32 "\n",
                       state->name, state_kind_name(state->kind), state->key_serializer.id,
                       state->key_serializer.version, state->value_serializer.id,
                       state->value_serializer.version);
    }
    for (size_t i = 0; i < operator_info->subtask_count; i++) {
        print_subtask(&operator_info->subtasks[i], id);
    }
}

static void print_summary(const job_history *job, const cairn_history_entry *entry)
{
    print_head(job, entry);
    for (size_t i = 0; i < entry->manifest->operator_count; i++) {
        print_operator(&entry->manifest->operators[i], entry->id);
    }
}

/* Reads the document again, checked again: what is printed is what is there now. */
static cairn_code print_document(const cli_call *call, const job_history *job, uint64_t id,
                                 cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) key = {0};
    CAIRN_AUTO(cairn_buf) document = {0};
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *store = NULL;
    cairn_manifest *manifest = NULL;

    CAIRN_TRY(cairn_store_retrying(job->store, &store, err));
    CAIRN_TRY(job->uri.savepoint == NULL
                  ? buf_printf(&key, err, "%s/chk-%" PRIu64 "/manifest.json", job->uri.job, id)
                  : buf_printf(&key, err, "%s/savepoints/%s/manifest.json", job->uri.job,
                               job->uri.savepoint));
    CAIRN_TRY(cairn_store_get(store, &call->store, buf_text(&key), CAIRN_MANIFEST_BYTES_MAX,
                              &document, err));
    CAIRN_TRY(cairn_manifest_read(cairn_buf_slice(&document), job->uri.job, id, &manifest, err));
    cairn_manifest_free(manifest);
    cli_out_bytes(cairn_buf_slice(&document));
    return CAIRN_OK;
}

static cairn_code show_run(cli_call *call, cairn_error *err)
{
    CAIRN_AUTO(job_history) job = {0};
    const cairn_history_entry *entry = NULL;

    CAIRN_TRY(job_history_open(call, &job, err));
    CAIRN_TRY(cairn_history_find(job.history, job.uri.id, &entry, err));
    if (cli_given(call->args, "json")) {
        return print_document(call, &job, entry->id, err);
    }
    print_summary(&job, entry);
    return CAIRN_OK;
}

const cli_command cmd_show = {&show_spec, show_run};
