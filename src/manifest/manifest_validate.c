#include "bounds.h"
#include "encode.h"
#include "errors.h"
#include "manifest_json.h"
#include "object_path.h"
#include "sealed_doc.h"
#include "utf8.h"

#include <string.h>

#define ENGINE_ROCKSDB "rocksdb"
#define ROCKSDB_HEAD   "CURRENT" /* without it RocksDB would start an empty database */

static cairn_code invalid(const char *why, cairn_error *err)
{
    return error_set(err, CAIRN_E_INTEGRITY, "%s", why);
}

/* --- keys ------------------------------------------------------------------------------------- */

/* The number between `prefix` and `end` ('\0': the end of the text) at the front of `text`. */
static bool number_after(cairn_slice text, const char *prefix, char end, uint64_t *out)
{
    size_t skip = strlen(prefix);
    const char *digits = (const char *)text.data + skip;
    size_t count = 0;

    if (text.len < skip || memcmp(text.data, prefix, skip) != 0) {
        return false;
    }
    while (skip + count < text.len && digits[count] >= '0' && digits[count] <= '9') {
        count++;
    }
    if (end == '\0' ? skip + count != text.len : skip + count == text.len || digits[count] != end) {
        return false;
    }
    return parse_u64((cairn_slice){digits, count}, out);
}

typedef struct object_key {
    bool is_shared;
    bool is_saved;          /* below savepoints/<name>/ */
    uint64_t checkpoint_id; /* of chk-<n> */
    uint64_t epoch;         /* that opens the last part */
} object_key;

static bool parse_key(const char *text, object_key *out)
{
    cairn_slice rest = cairn_slice_of(text);
    cairn_slice part;

    if (!object_path_is_safe(text) || !object_path_next(&rest, &part) || rest.len == 0) {
        return false;
    }
    out->is_shared = cairn_slice_equal(part, cairn_slice_of("shared"));
    out->is_saved = cairn_slice_equal(part, cairn_slice_of("savepoints"));
    if (!out->is_shared && !out->is_saved &&
        !number_after(part, "chk-", '\0', &out->checkpoint_id)) {
        return false;
    }
    while (rest.len > 0) {
        (void)object_path_next(&rest, &part); /* all are safe: on to the last */
    }
    return number_after(part, "", '-', &out->epoch);
}

/* A savepoint stands by itself: what it names is its own. */
static cairn_code check_owner(const manifest_frame *frame, const cairn_file_info *file,
                              const object_key *key, cairn_error *err)
{
    if (key->is_saved != frame->is_savepoint) {
        return invalid(key->is_saved ? "the key is a savepoint's, and this is none"
                                     : "the key is not below the savepoint's own folder",
                       err);
    }
    if (key->is_saved && file->uploaded_by != frame->id) {
        return invalid("a savepoint names a file that another checkpoint uploaded", err);
    }
    return CAIRN_OK;
}

static cairn_code check_key(const manifest_frame *frame, const cairn_file_info *file,
                            cairn_error *err)
{
    object_key key = {0};

    if (file->key == NULL || !parse_key(file->key, &key)) {
        return invalid("the key is not shared/... or chk-<n>/... of safe names with an epoch", err);
    }
    CAIRN_TRY(check_owner(frame, file, &key, err));
    if (!key.is_shared && !key.is_saved && key.checkpoint_id != file->uploaded_by) {
        return invalid("the key is private to a checkpoint that did not upload the file", err);
    }
    if (key.epoch > frame->epoch) {
        return invalid("the key carries a later epoch", err);
    }
    if (file->uploaded_by == frame->id && key.epoch != frame->epoch) {
        return invalid("a new file's key carries another epoch", err);
    }
    return CAIRN_OK;
}

/* --- files ------------------------------------------------------------------------------------ */

static cairn_code check_range(uint32_t first, uint32_t last, uint32_t max_parallelism,
                              cairn_error *err)
{
    if (first > last || last >= max_parallelism) {
        return error_set(err, CAIRN_E_INTEGRITY, "key groups %u..%u of %u", first, last,
                         max_parallelism);
    }
    return CAIRN_OK;
}

static cairn_code add_to_totals(const cairn_file_info *file, manifest_totals *totals,
                                cairn_error *err)
{
    uint64_t end;

    totals->files++;
    if (totals->files > CAIRN_MANIFEST_FILES_MAX) {
        return error_set(err, CAIRN_E_INTEGRITY, "more than %d files", CAIRN_MANIFEST_FILES_MAX);
    }
    if (__builtin_add_overflow(file->offset, file->size, &end) ||
        __builtin_add_overflow(totals->bytes, file->size, &totals->bytes)) {
        return invalid("the sizes overflow 64 bits", err);
    }
    return CAIRN_OK;
}

static cairn_code check_file(const manifest_frame *frame, const cairn_file_info *file,
                             manifest_totals *totals, cairn_error *err)
{
    CAIRN_TRY(sealed_doc_check_name("name", file->name, err));
    CAIRN_TRY(check_key(frame, file, err));
    CAIRN_TRY(sealed_doc_check_sha256("sha256", file->sha256, err));
    CAIRN_TRY(
        check_range(file->first_key_group, file->last_key_group, frame->max_parallelism, err));
    if (file->uploaded_by == 0 || file->uploaded_by > frame->id) {
        return error_set(err, CAIRN_E_INTEGRITY, "uploaded by checkpoint %llu",
                         (unsigned long long)file->uploaded_by);
    }
    return add_to_totals(file, totals, err);
}

static cairn_code check_files(const manifest_frame *frame, const cairn_subtask_info *subtask,
                              manifest_totals *totals, cairn_error *err)
{
    for (size_t i = 0; i < subtask->file_count; i++) {
        const cairn_file_info *file = &subtask->files[i];
        cairn_code code = check_file(frame, file, totals, err);

        if (code == CAIRN_OK && i > 0 && strcmp(file[-1].name, file->name) >= 0) {
            code = invalid("the names are not sorted or not unique", err);
        }
        if (code != CAIRN_OK) {
            return error_prefix(err, code, "files[%zu]", i);
        }
    }
    for (size_t i = 0; i < subtask->output_count; i++) {
        cairn_code code = check_file(frame, &subtask->outputs[i], totals, err);

        if (code != CAIRN_OK) {
            return error_prefix(err, code, "outputs[%zu]", i);
        }
    }
    return CAIRN_OK;
}

static cairn_code check_operator_states(const manifest_frame *frame,
                                        const cairn_operator_states_info *info,
                                        manifest_totals *totals, cairn_error *err)
{
    if (info == NULL) {
        return CAIRN_OK;
    }
    cairn_code code = check_file(frame, &info->file, totals, err);
    if (code != CAIRN_OK) {
        return error_prefix(err, code, "operator_states.file");
    }
    return manifest_validate_operator_states(info, err);
}

/* --- subtasks --------------------------------------------------------------------------------- */

/* A source's name is found again by its bytes, so what JSON could not hold exactly is refused. */
static cairn_code check_source(const char *source, cairn_error *err)
{
    const uint8_t *bytes = (const uint8_t *)source;
    size_t left = source == NULL ? 0 : strnlen(source, CAIRN_SOURCE_NAME_BYTES_MAX + 1);

    if (left == 0 || left > CAIRN_SOURCE_NAME_BYTES_MAX) {
        return error_set(err, CAIRN_E_INTEGRITY, "the source's name has not 1 to %d bytes",
                         CAIRN_SOURCE_NAME_BYTES_MAX);
    }
    while (left > 0) {
        size_t taken = utf8_sequence(bytes, left);

        if (taken == 0 || bytes[0] < 0x20 || bytes[0] == 0x7f) {
            return invalid("the source's name is not UTF-8 without control characters", err);
        }
        bytes += taken;
        left -= taken;
    }
    return CAIRN_OK;
}

static cairn_code check_positions(const cairn_subtask_info *subtask, cairn_error *err)
{
    if (subtask->position_count > CAIRN_SOURCES_MAX) {
        return error_set(err, CAIRN_E_INTEGRITY, "more than %d positions", CAIRN_SOURCES_MAX);
    }
    for (size_t i = 0; i < subtask->position_count; i++) {
        cairn_code code = check_source(subtask->positions[i].source, err);

        for (size_t k = 0; code == CAIRN_OK && k < i; k++) {
            if (strcmp(subtask->positions[k].source, subtask->positions[i].source) == 0) {
                code = invalid("the source is named twice", err);
            }
        }
        if (code != CAIRN_OK) {
            return error_prefix(err, code, "positions[%zu]", i);
        }
    }
    return CAIRN_OK;
}

static bool has_file(const cairn_subtask_info *subtask, const char *name)
{
    for (size_t i = 0; i < subtask->file_count; i++) {
        if (strcmp(subtask->files[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static cairn_code check_engine(const cairn_subtask_info *subtask, cairn_error *err)
{
    CAIRN_TRY(sealed_doc_check_attempt("attempt", subtask->attempt, err));
    CAIRN_TRY(sealed_doc_check_name("engine", subtask->engine, err));
    CAIRN_TRY(sealed_doc_check_name("engine version", subtask->engine_version, err));
    if (strcmp(subtask->engine, ENGINE_ROCKSDB) == 0 && !has_file(subtask, ROCKSDB_HEAD)) {
        return invalid("files: no " ROCKSDB_HEAD, err);
    }
    if (subtask->operator_state.len > CAIRN_OPERATOR_STATE_BYTES_MAX) {
        return error_set(err, CAIRN_E_INTEGRITY, "operator state of %zu bytes: at most %zu",
                         subtask->operator_state.len, CAIRN_OPERATOR_STATE_BYTES_MAX);
    }
    return CAIRN_OK;
}

static cairn_code check_subtask(const manifest_frame *frame, const cairn_subtask_info *subtask,
                                manifest_totals *totals, cairn_error *err)
{
    CAIRN_TRY(check_range(subtask->first_key_group, subtask->last_key_group, frame->max_parallelism,
                          err));
    CAIRN_TRY(check_positions(subtask, err));
    CAIRN_TRY(check_files(frame, subtask, totals, err));
    CAIRN_TRY(check_operator_states(frame, subtask->operator_states, totals, err));
    return check_engine(subtask, err);
}

/* --- operators -------------------------------------------------------------------------------- */

/* Index and range of a whole operator's subtasks follow on each other without hole or overlap. */
static cairn_code check_place(const manifest_frame *frame, const cairn_operator_info *info,
                              size_t index, cairn_error *err)
{
    const cairn_subtask_info *subtask = &info->subtasks[index];
    uint32_t expected = index == 0 ? 0 : subtask[-1].last_key_group + 1;
    bool is_last = index + 1 == info->subtask_count;

    if (subtask->index != index) {
        return error_set(err, CAIRN_E_INTEGRITY, "index %u is not its place", subtask->index);
    }
    if (subtask->first_key_group != expected ||
        (is_last && subtask->last_key_group != frame->max_parallelism - 1)) {
        return error_set(err, CAIRN_E_INTEGRITY,
                         "key groups %u..%u leave a hole or overlap: %u comes next of %u",
                         subtask->first_key_group, subtask->last_key_group, expected,
                         frame->max_parallelism);
    }
    return CAIRN_OK;
}

static cairn_code check_subtasks(const manifest_frame *frame, const cairn_operator_info *info,
                                 manifest_totals *totals, cairn_error *err)
{
    if (info->subtask_count != (frame->is_part ? 1 : info->parallelism)) {
        return error_set(err, CAIRN_E_INTEGRITY, "%zu subtasks of parallelism %u",
                         info->subtask_count, info->parallelism);
    }
    for (size_t i = 0; i < info->subtask_count; i++) {
        const cairn_subtask_info *subtask = &info->subtasks[i];
        cairn_code code = check_subtask(frame, subtask, totals, err);

        if (code == CAIRN_OK && !frame->is_part) {
            code = check_place(frame, info, i, err);
        }
        if (code == CAIRN_OK && subtask->index >= info->parallelism) {
            code = invalid("the index is beyond the parallelism", err);
        }
        if (code != CAIRN_OK) {
            return error_prefix(err, code, "subtasks[%zu]", i);
        }
    }
    return CAIRN_OK;
}

static cairn_code check_state(const cairn_state_info *state, cairn_error *err)
{
    CAIRN_TRY(sealed_doc_check_name("name", state->name, err));
    CAIRN_TRY(sealed_doc_check_name("key serializer", state->key_serializer.id, err));
    CAIRN_TRY(sealed_doc_check_name("value serializer", state->value_serializer.id, err));
    if (state->kind < CAIRN_STATE_VALUE || state->kind > CAIRN_STATE_TIMERS) {
        return invalid("unknown kind", err);
    }
    return CAIRN_OK;
}

static cairn_code check_states(const cairn_operator_info *info, cairn_error *err)
{
    if (info->state_count > CAIRN_STATES_MAX) {
        return error_set(err, CAIRN_E_INTEGRITY, "more than %d states", CAIRN_STATES_MAX);
    }
    for (size_t i = 0; i < info->state_count; i++) {
        const cairn_state_info *state = &info->states[i];
        cairn_code code = check_state(state, err);

        if (code == CAIRN_OK && i > 0 && strcmp(state[-1].name, state->name) >= 0) {
            code = invalid("the names are not sorted or not unique", err);
        }
        if (code != CAIRN_OK) {
            return error_prefix(err, code, "states[%zu]", i);
        }
    }
    return CAIRN_OK;
}

cairn_code manifest_validate_operator(const manifest_frame *frame, const cairn_operator_info *info,
                                      manifest_totals *totals, cairn_error *err)
{
    CAIRN_TRY(sealed_doc_check_name("uid", info->uid, err));
    if (info->parallelism == 0 || info->parallelism > frame->max_parallelism) {
        return error_set(err, CAIRN_E_INTEGRITY, "parallelism %u of at most %u", info->parallelism,
                         frame->max_parallelism);
    }
    CAIRN_TRY(check_states(info, err));
    return check_subtasks(frame, info, totals, err);
}

/* --- the whole -------------------------------------------------------------------------------- */

cairn_code manifest_validate_frame(const manifest_frame *frame, cairn_error *err)
{
    CAIRN_TRY(sealed_doc_check_name("job", frame->job, err));
    if (frame->id == 0 || frame->epoch == 0) {
        return invalid("checkpoint id or epoch is 0", err);
    }
    if (frame->max_parallelism == 0 || frame->max_parallelism > CAIRN_PARALLELISM_MAX) {
        return error_set(err, CAIRN_E_INTEGRITY, "max parallelism %u is not 1 to %d",
                         frame->max_parallelism, CAIRN_PARALLELISM_MAX);
    }
    return CAIRN_OK;
}

static cairn_code check_kind(const cairn_manifest *manifest, cairn_error *err)
{
    bool is_aborted = manifest->kind == CAIRN_MANIFEST_ABORTED;

    if (!is_aborted && manifest->kind != CAIRN_MANIFEST_CHECKPOINT &&
        manifest->kind != CAIRN_MANIFEST_SAVEPOINT) {
        return invalid("unknown kind", err);
    }
    if (is_aborted != (manifest->reason != NULL)) {
        return invalid("an abort has a reason, and nothing else has", err);
    }
    if (is_aborted != (manifest->operator_count == 0)) {
        return invalid("an abort has no operators, and everything else has", err);
    }
    return CAIRN_OK;
}

static cairn_code check_parent(const cairn_manifest *manifest, cairn_error *err)
{
    if (manifest->kind == CAIRN_MANIFEST_SAVEPOINT && manifest->parent_id != 0) {
        return invalid("a savepoint has a parent", err);
    }
    if (manifest->parent_id >= manifest->id) {
        return error_set(err, CAIRN_E_INTEGRITY, "parent %llu of checkpoint %llu",
                         (unsigned long long)manifest->parent_id, (unsigned long long)manifest->id);
    }
    return sealed_doc_check_reference("parent", manifest->parent_id, manifest->parent_sha256, err);
}

static cairn_code check_operators(const cairn_manifest *manifest, const manifest_frame *frame,
                                  cairn_error *err)
{
    manifest_totals totals = {0};

    if (manifest->operator_count > CAIRN_MANIFEST_OPERATORS_MAX) {
        return error_set(err, CAIRN_E_INTEGRITY, "more than %d operators",
                         CAIRN_MANIFEST_OPERATORS_MAX);
    }
    for (size_t i = 0; i < manifest->operator_count; i++) {
        const cairn_operator_info *info = &manifest->operators[i];
        cairn_code code = manifest_validate_operator(frame, info, &totals, err);

        if (code == CAIRN_OK && i > 0 && strcmp(info[-1].uid, info->uid) >= 0) {
            code = invalid("the uids are not sorted or not unique", err);
        }
        if (code != CAIRN_OK) {
            return error_prefix(err, code, "operators[%zu]", i);
        }
    }
    return CAIRN_OK;
}

cairn_code manifest_validate(const cairn_manifest *manifest, cairn_error *err)
{
    manifest_frame frame = {.job = manifest->job,
                            .id = manifest->id,
                            .epoch = manifest->epoch,
                            .max_parallelism = manifest->max_parallelism,
                            .is_savepoint = manifest->kind == CAIRN_MANIFEST_SAVEPOINT};

    CAIRN_TRY(manifest_validate_frame(&frame, err));
    CAIRN_TRY(sealed_doc_check_attempt("attempt", manifest->attempt, err));
    CAIRN_TRY(check_kind(manifest, err));
    CAIRN_TRY(check_parent(manifest, err));
    return check_operators(manifest, &frame, err);
}
