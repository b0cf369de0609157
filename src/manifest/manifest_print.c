#include "bounds.h"
#include "encode.h"
#include "errors.h"
#include "manifest_json.h"
#include "manifest_sealed.h"

#define VERSION_OF_VALUES 1 /* states of other kinds came with the next */
#define VERSION_OF_KINDS  2

/* Times to live, which change what is stored, and operator states came with other kinds than value.
 */
static int version_of(const cairn_operator_info *info)
{
    int version = VERSION_OF_VALUES;

    for (size_t i = 0; i < info->state_count; i++) {
        if (info->states[i].kind != CAIRN_STATE_VALUE || info->states[i].ttl_ms > 0) {
            version = VERSION_OF_KINDS;
        }
    }
    for (size_t i = 0; i < info->subtask_count; i++) {
        version = info->subtasks[i].operator_states == NULL ? version : VERSION_OF_KINDS;
    }
    return version;
}

int manifest_version_of(const cairn_operator_info *operators, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (version_of(&operators[i]) != VERSION_OF_VALUES) {
            return VERSION_OF_KINDS;
        }
    }
    return VERSION_OF_VALUES;
}

int manifest_version(const cairn_manifest *manifest)
{
    return manifest->kind == CAIRN_MANIFEST_SAVEPOINT
               ? VERSION_OF_KINDS
               : manifest_version_of(manifest->operators, manifest->operator_count);
}

void manifest_print_serializer(json_text *json, const char *name, const cairn_serializer_id *id)
{
    json_text_name(json, name);
    json_text_begin_object(json);
    json_text_member_string(json, "id", id->id);
    json_text_member_int(json, "version", id->version);
    json_text_end_object(json);
}

static void print_states(json_text *json, const cairn_operator_info *info)
{
    json_text_name(json, "states");
    json_text_begin_array(json);
    for (size_t i = 0; i < info->state_count; i++) {
        const cairn_state_info *state = &info->states[i];

        json_text_begin_object(json);
        json_text_member_string(json, "name", state->name);
        json_text_member_string(json, "kind", state_kind_names[state->kind]);
        manifest_print_serializer(json, "key_serializer", &state->key_serializer);
        manifest_print_serializer(json, "value_serializer", &state->value_serializer);
        json_text_member_u64(json, "ttl_ms", state->ttl_ms);
        json_text_end_object(json);
    }
    json_text_end_array(json);
}

void manifest_print_file(json_text *json, const cairn_file_info *file)
{
    json_text_begin_object(json);
    json_text_member_string(json, "name", file->name);
    json_text_member_string(json, "key", file->key);
    json_text_member_u64(json, "offset", file->offset);
    json_text_member_u64(json, "length", file->size);
    json_text_member_u64(json, "size", file->size);
    json_text_member_string(json, "sha256", file->sha256);
    json_text_member_int(json, "first_key_group", file->first_key_group);
    json_text_member_int(json, "last_key_group", file->last_key_group);
    json_text_member_u64(json, "uploaded_by", file->uploaded_by);
    json_text_end_object(json);
}

static void print_files(json_text *json, const char *name, const cairn_file_info *files,
                        size_t count)
{
    json_text_name(json, name);
    json_text_begin_array(json);
    for (size_t i = 0; i < count; i++) {
        manifest_print_file(json, &files[i]);
    }
    json_text_end_array(json);
}

static void print_positions(json_text *json, const cairn_subtask_info *subtask)
{
    json_text_name(json, "positions");
    json_text_begin_array(json);
    for (size_t i = 0; i < subtask->position_count; i++) {
        json_text_begin_object(json);
        json_text_member_string(json, "source", subtask->positions[i].source);
        json_text_member_u64(json, "offset", subtask->positions[i].offset);
        json_text_member_u64(json, "records", subtask->positions[i].records);
        json_text_end_object(json);
    }
    json_text_end_array(json);
}

static void print_operator_state(json_text *json, const cairn_buf *state)
{
    CAIRN_AUTO(cairn_buf) text = {0};
    cairn_error error = {0};
    cairn_code code = encode_base64(cairn_buf_slice(state), &text, &error);

    json_text_name(json, "operator_state");
    if (code == CAIRN_OK) {
        json_text_bytes(json, cairn_buf_slice(&text));
    } else {
        json_text_null(json);
        json->code = json->code == CAIRN_OK ? code : json->code;
        json->error = error;
    }
}

static void print_subtask(json_text *json, const cairn_subtask_info *subtask)
{
    json_text_begin_object(json);
    json_text_member_int(json, "index", subtask->index);
    json_text_name(json, "key_groups");
    json_text_begin_object(json);
    json_text_member_int(json, "first", subtask->first_key_group);
    json_text_member_int(json, "last", subtask->last_key_group);
    json_text_end_object(json);
    json_text_member_string(json, "attempt", subtask->attempt);
    json_text_member_string(json, "engine", subtask->engine);
    json_text_member_string(json, "engine_version", subtask->engine_version);
    print_positions(json, subtask);
    print_operator_state(json, &subtask->operator_state);
    print_files(json, "files", subtask->files, subtask->file_count);
    print_files(json, "outputs", subtask->outputs, subtask->output_count);
    manifest_print_operator_states(json, subtask->operator_states);
    json_text_end_object(json);
}

void manifest_print_operator(json_text *json, const cairn_operator_info *info)
{
    json_text_begin_object(json);
    json_text_member_string(json, "uid", info->uid);
    json_text_member_int(json, "parallelism", info->parallelism);
    print_states(json, info);
    json_text_name(json, "subtasks");
    json_text_begin_array(json);
    for (size_t i = 0; i < info->subtask_count; i++) {
        print_subtask(json, &info->subtasks[i]);
    }
    json_text_end_array(json);
    json_text_end_object(json);
}

static void print_extensions(json_text *json)
{
    json_text_name(json, "extensions");
    json_text_begin_object(json);
    json_text_member_string(json, MANIFEST_SAFETY, MANIFEST_SINGLE_ATTEMPT);
    json_text_end_object(json);
}

static void print_members(json_text *json, const cairn_manifest *manifest)
{
    json_text_member_string(json, "job", manifest->job);
    json_text_member_u64(json, "id", manifest->id);
    json_text_member_string(json, "kind", manifest_kinds[manifest->kind]);
    json_text_member_u64(json, "epoch", manifest->epoch);
    json_text_member_string(json, "attempt", manifest->attempt);
    sealed_doc_print_reference(json, "parent", manifest->parent_id, manifest->parent_sha256);
    json_text_member_u64(json, "started_ms", manifest->started_ms);
    json_text_member_u64(json, "committed_ms", manifest->committed_ms);
    json_text_member_int(json, "max_parallelism", manifest->max_parallelism);
    if (manifest->reason != NULL) {
        sealed_doc_print_text(json, "reason", manifest->reason);
    }
    if (manifest->single_attempt) {
        print_extensions(json);
    }
    json_text_name(json, "operators");
    json_text_begin_array(json);
    for (size_t i = 0; i < manifest->operator_count; i++) {
        manifest_print_operator(json, &manifest->operators[i]);
    }
    json_text_end_array(json);
}

cairn_code manifest_print(const cairn_manifest *manifest, cairn_buf *out, sha256 *out_sha256,
                          cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) scratch = {0};
    CAIRN_AUTO(cairn_buf) document = {0};
    cairn_code code = manifest_validate(manifest, err);
    sha256 digest;
    json_text json;

    if (code != CAIRN_OK) {
        return error_prefix(err, code, "write a " CAIRN_MANIFEST_FORMAT);
    }
    sealed_doc_begin(&manifest_sealed, manifest_version(manifest), &json, &scratch);
    print_members(&json, manifest);
    CAIRN_TRY(sealed_doc_end(&manifest_sealed, &json, &document, err));
    CAIRN_TRY(sha256_of(cairn_buf_slice(&document), &digest, err));
    if (out_sha256 != NULL) {
        *out_sha256 = digest;
    }
    cairn_buf_release(out);
    *out = buf_take(&document);
    return CAIRN_OK;
}
