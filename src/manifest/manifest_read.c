#include "bounds.h"
#include "encode.h"
#include "errors.h"
#include "manifest_json.h"
#include "manifest_sealed.h"

#include <string.h>

const char *const manifest_kinds[] = {
    [CAIRN_MANIFEST_CHECKPOINT] = "checkpoint",
    [CAIRN_MANIFEST_SAVEPOINT] = "savepoint",
    [CAIRN_MANIFEST_ABORTED] = "aborted",
    NULL,
};

static const char *const root_members[] = {
    "format",          "version", "job",       "id",         "kind",
    "epoch",           "attempt", "parent",    "started_ms", "committed_ms",
    "max_parallelism", "reason",  "operators", "sha256",     NULL,
};

const sealed_kind manifest_sealed = {
    .format = CAIRN_MANIFEST_FORMAT,
    .version = CAIRN_MANIFEST_VERSION,
    .bytes_max = CAIRN_MANIFEST_BYTES_MAX,
    .string_bytes_max = MANIFEST_STRING_BYTES_MAX,
    .members = root_members,
};

/* The place of the member's text in `names`. */
static cairn_code read_choice(const json_value *object, const char *name, const char *const *names,
                              unsigned *out, cairn_error *err)
{
    const char *text = NULL;

    CAIRN_TRY(json_get_string(object, name, &text, err));
    for (unsigned i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], text) == 0) {
            *out = i;
            return CAIRN_OK;
        }
    }
    return error_set(err, CAIRN_E_INTEGRITY, "member '%s' has an unknown value", name);
}

cairn_code manifest_read_serializer(const json_value *object, const char *name,
                                    cairn_serializer_id *out, cairn_error *err)
{
    static const char *const members[] = {"id", "version", NULL};
    const json_value *serializer = NULL;

    CAIRN_TRY(json_get_object(object, name, &serializer, err));
    CAIRN_TRY(json_check_members(serializer, members, err));
    CAIRN_TRY(sealed_doc_read_text(serializer, "id", &out->id, err));
    return sealed_doc_read_u32(serializer, "version", UINT32_MAX, &out->version, err);
}

static cairn_code read_state(const json_value *object, void *element, cairn_error *err)
{
    static const char *const members[] = {"name",   "kind", "key_serializer", "value_serializer",
                                          "ttl_ms", NULL};
    cairn_state_info *state = element;
    unsigned kind = 0;

    CAIRN_TRY(json_check_members(object, members, err));
    CAIRN_TRY(sealed_doc_read_text(object, "name", &state->name, err));
    CAIRN_TRY(read_choice(object, "kind", state_kind_names, &kind, err));
    state->kind = (cairn_state_kind)kind;
    CAIRN_TRY(manifest_read_serializer(object, "key_serializer", &state->key_serializer, err));
    CAIRN_TRY(manifest_read_serializer(object, "value_serializer", &state->value_serializer, err));
    return json_get_u64(object, "ttl_ms", &state->ttl_ms, err);
}

static cairn_code read_bytes(const json_value *object, cairn_file_info *file, cairn_error *err)
{
    uint64_t length = 0;

    CAIRN_TRY(json_get_u64(object, "offset", &file->offset, err));
    CAIRN_TRY(json_get_u64(object, "length", &length, err));
    CAIRN_TRY(json_get_u64(object, "size", &file->size, err));
    if (length != file->size) {
        return error_set(err, CAIRN_E_INTEGRITY, "length and size differ");
    }
    return CAIRN_OK;
}

cairn_code manifest_read_file(const json_value *object, void *element, cairn_error *err)
{
    static const char *const members[] = {
        "name",           "key",         "offset", "length", "size", "sha256", "first_key_group",
        "last_key_group", "uploaded_by", NULL};
    cairn_file_info *file = element;

    CAIRN_TRY(json_check_members(object, members, err));
    CAIRN_TRY(sealed_doc_read_text(object, "name", &file->name, err));
    CAIRN_TRY(sealed_doc_read_text(object, "key", &file->key, err));
    CAIRN_TRY(read_bytes(object, file, err));
    CAIRN_TRY(sealed_doc_read_hex(object, "sha256", file->sha256, sizeof(file->sha256), err));
    CAIRN_TRY(sealed_doc_read_u32(object, "first_key_group", CAIRN_PARALLELISM_MAX,
                                  &file->first_key_group, err));
    CAIRN_TRY(sealed_doc_read_u32(object, "last_key_group", CAIRN_PARALLELISM_MAX,
                                  &file->last_key_group, err));
    return json_get_u64(object, "uploaded_by", &file->uploaded_by, err);
}

static cairn_code read_position(const json_value *object, void *element, cairn_error *err)
{
    static const char *const members[] = {"source", "offset", "records", NULL};
    cairn_source_position *position = element;

    CAIRN_TRY(json_check_members(object, members, err));
    CAIRN_TRY(sealed_doc_read_text(object, "source", &position->source, err));
    CAIRN_TRY(json_get_u64(object, "offset", &position->offset, err));
    return json_get_u64(object, "records", &position->records, err);
}

static cairn_code read_files(const json_value *object, const char *name, cairn_file_info **out,
                             size_t *out_count, cairn_error *err)
{
    const sealed_array array = {name, CAIRN_MANIFEST_FILES_MAX, sizeof(**out), manifest_read_file};
    void *files = NULL;
    cairn_code code = sealed_doc_read_array(object, &array, &files, out_count, err);

    *out = files;
    return code;
}

static cairn_code read_positions(const json_value *object, cairn_subtask_info *subtask,
                                 cairn_error *err)
{
    static const sealed_array array = {"positions", CAIRN_SOURCES_MAX,
                                       sizeof(cairn_source_position), read_position};
    void *positions = NULL;
    cairn_code code =
        sealed_doc_read_array(object, &array, &positions, &subtask->position_count, err);

    subtask->positions = positions;
    return code;
}

static cairn_code read_key_groups(const json_value *object, cairn_subtask_info *subtask,
                                  cairn_error *err)
{
    static const char *const members[] = {"first", "last", NULL};
    const json_value *range = NULL;

    CAIRN_TRY(json_get_object(object, "key_groups", &range, err));
    CAIRN_TRY(json_check_members(range, members, err));
    CAIRN_TRY(
        sealed_doc_read_u32(range, "first", CAIRN_PARALLELISM_MAX, &subtask->first_key_group, err));
    return sealed_doc_read_u32(range, "last", CAIRN_PARALLELISM_MAX, &subtask->last_key_group, err);
}

static cairn_code read_operator_state(const json_value *object, cairn_buf *out, cairn_error *err)
{
    const char *text = NULL;
    cairn_code code;

    /* Decoding reserves whole groups of three; validation looks at the bytes that came. */
    cairn_buf_init(out, CAIRN_OPERATOR_STATE_BYTES_MAX + 2);
    CAIRN_TRY(json_get_string(object, "operator_state", &text, err));
    code = decode_base64(cairn_slice_of(text), out, err);
    if (code == CAIRN_E_NO_MEMORY) {
        return code;
    }
    return code == CAIRN_OK ? code
                            : error_set(err, CAIRN_E_INTEGRITY,
                                        "operator_state is not the base64 of at most %zu bytes",
                                        CAIRN_OPERATOR_STATE_BYTES_MAX);
}

static cairn_code read_all_files(const json_value *object, cairn_subtask_info *subtask,
                                 cairn_error *err)
{
    CAIRN_TRY(read_files(object, "files", &subtask->files, &subtask->file_count, err));
    CAIRN_TRY(read_files(object, "outputs", &subtask->outputs, &subtask->output_count, err));
    return manifest_read_operator_states(object, &subtask->operator_states, err);
}

static cairn_code read_subtask(const json_value *object, void *element, cairn_error *err)
{
    static const char *const members[] = {
        "index",     "key_groups",     "attempt", "engine",  "engine_version",
        "positions", "operator_state", "files",   "outputs", "operator_states",
        NULL};
    cairn_subtask_info *subtask = element;

    CAIRN_TRY(json_check_members(object, members, err));
    CAIRN_TRY(sealed_doc_read_u32(object, "index", CAIRN_PARALLELISM_MAX, &subtask->index, err));
    CAIRN_TRY(read_key_groups(object, subtask, err));
    CAIRN_TRY(
        sealed_doc_read_hex(object, "attempt", subtask->attempt, sizeof(subtask->attempt), err));
    CAIRN_TRY(sealed_doc_read_text(object, "engine", &subtask->engine, err));
    CAIRN_TRY(sealed_doc_read_text(object, "engine_version", &subtask->engine_version, err));
    CAIRN_TRY(read_positions(object, subtask, err));
    CAIRN_TRY(read_operator_state(object, &subtask->operator_state, err));
    return read_all_files(object, subtask, err);
}

static cairn_code read_states(const json_value *object, cairn_operator_info *info, cairn_error *err)
{
    static const sealed_array array = {"states", CAIRN_STATES_MAX, sizeof(cairn_state_info),
                                       read_state};
    void *states = NULL;
    cairn_code code = sealed_doc_read_array(object, &array, &states, &info->state_count, err);

    info->states = states;
    return code;
}

static cairn_code read_subtasks(const json_value *object, cairn_operator_info *info,
                                cairn_error *err)
{
    static const sealed_array array = {"subtasks", CAIRN_PARALLELISM_MAX,
                                       sizeof(cairn_subtask_info), read_subtask};
    void *subtasks = NULL;
    cairn_code code = sealed_doc_read_array(object, &array, &subtasks, &info->subtask_count, err);

    info->subtasks = subtasks;
    return code;
}

cairn_code manifest_read_operator(const json_value *object, cairn_operator_info *out,
                                  cairn_error *err)
{
    static const char *const members[] = {"uid", "parallelism", "states", "subtasks", NULL};

    CAIRN_TRY(json_check_members(object, members, err));
    CAIRN_TRY(sealed_doc_read_text(object, "uid", &out->uid, err));
    CAIRN_TRY(
        sealed_doc_read_u32(object, "parallelism", CAIRN_PARALLELISM_MAX, &out->parallelism, err));
    CAIRN_TRY(read_states(object, out, err));
    return read_subtasks(object, out, err);
}

static cairn_code read_operator_element(const json_value *object, void *element, cairn_error *err)
{
    return manifest_read_operator(object, element, err);
}

static cairn_code read_operators(const json_value *object, cairn_manifest *manifest,
                                 cairn_error *err)
{
    static const sealed_array array = {"operators", CAIRN_MANIFEST_OPERATORS_MAX,
                                       sizeof(cairn_operator_info), read_operator_element};
    void *operators = NULL;
    cairn_code code =
        sealed_doc_read_array(object, &array, &operators, &manifest->operator_count, err);

    manifest->operators = operators;
    return code;
}

/* Whose it is comes before what is in it: what belongs elsewhere is not called damaged. */
static cairn_code read_identity(const json_value *root, const char *job, uint64_t id,
                                cairn_manifest *manifest, cairn_error *err)
{
    CAIRN_TRY(sealed_doc_read_text(root, "job", &manifest->job, err));
    CAIRN_TRY(sealed_doc_check_name("job", manifest->job, err));
    if (job != NULL && strcmp(job, manifest->job) != 0) {
        return error_set(err, CAIRN_E_INCOMPATIBLE, "it belongs to job '%s', not to job '%s'",
                         manifest->job, job);
    }
    CAIRN_TRY(json_get_u64(root, "id", &manifest->id, err));
    if (id != 0 && id != manifest->id) {
        return error_set(err, CAIRN_E_INTEGRITY, "it is of checkpoint %llu, found as %llu",
                         (unsigned long long)manifest->id, (unsigned long long)id);
    }
    return CAIRN_OK;
}

/* What is not understood here is somebody else's: nothing in it is wrong. */
static bool is_single_attempt(const json_value *root)
{
    const json_value *extensions = json_find(root, "extensions");
    const char *safety = NULL;

    return extensions != NULL && json_find(extensions, MANIFEST_SAFETY) != NULL &&
           json_get_string(extensions, MANIFEST_SAFETY, &safety, NULL) == CAIRN_OK &&
           strcmp(safety, MANIFEST_SINGLE_ATTEMPT) == 0;
}

static cairn_code read_members(const json_value *root, cairn_manifest *manifest, cairn_error *err)
{
    unsigned kind = 0;

    CAIRN_TRY(read_choice(root, "kind", manifest_kinds, &kind, err));
    manifest->kind = (cairn_manifest_kind)kind;
    CAIRN_TRY(json_get_u64(root, "epoch", &manifest->epoch, err));
    CAIRN_TRY(
        sealed_doc_read_hex(root, "attempt", manifest->attempt, sizeof(manifest->attempt), err));
    CAIRN_TRY(sealed_doc_read_reference(root, "parent", &manifest->parent_id,
                                        manifest->parent_sha256, err));
    CAIRN_TRY(json_get_u64(root, "started_ms", &manifest->started_ms, err));
    CAIRN_TRY(json_get_u64(root, "committed_ms", &manifest->committed_ms, err));
    CAIRN_TRY(sealed_doc_read_u32(root, "max_parallelism", CAIRN_PARALLELISM_MAX,
                                  &manifest->max_parallelism, err));
    if (json_find(root, "reason") != NULL) {
        CAIRN_TRY(sealed_doc_read_text(root, "reason", &manifest->reason, err));
    }
    manifest->single_attempt = is_single_attempt(root);
    CAIRN_TRY(read_operators(root, manifest, err));
    return sealed_doc_check_version(root, manifest_version(manifest), err);
}

static cairn_code read_document(cairn_slice document, const char *job, uint64_t id,
                                cairn_manifest *manifest, cairn_error *err)
{
    CAIRN_AUTO_PTR(json_doc_free) json_doc *doc = NULL;
    sha256 digest;

    CAIRN_TRY(sealed_doc_read(&manifest_sealed, document, &doc, err));
    CAIRN_TRY(read_identity(json_root(doc), job, id, manifest, err));
    CAIRN_TRY(read_members(json_root(doc), manifest, err));
    CAIRN_TRY(manifest_validate(manifest, err));
    CAIRN_TRY(sha256_of(document, &digest, err));
    sha256_to_hex(&digest, manifest->sha256);
    manifest->document_bytes = document.len;
    return CAIRN_OK;
}

cairn_code cairn_manifest_read(cairn_slice document, const char *job, uint64_t id,
                               cairn_manifest **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(cairn_manifest_free) cairn_manifest *manifest = NULL;
    cairn_code code;

    CAIRN_TRY(manifest_new(&manifest, err));
    code = read_document(document, job, id, manifest, err);
    if (code != CAIRN_OK) {
        return error_prefix(err, code, "manifest");
    }
    *out = CAIRN_TAKE(manifest);
    return CAIRN_OK;
}
