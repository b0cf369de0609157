/* The member `operator_states` of a subtask: print, read, validate. */
#include "bounds.h"
#include "errors.h"
#include "manifest_json.h"
#include "sealed_doc.h"

#include <string.h>

void operator_states_info_free(cairn_operator_states_info *info)
{
    if (info == NULL) {
        return;
    }
    file_info_release(&info->file);
    operator_state_infos_free(info->states, info->state_count);
    mem_free(info);
}

cairn_code operator_states_info_copy(const cairn_operator_states_info *from,
                                     cairn_operator_states_info **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(operator_states_info_free)
    cairn_operator_states_info *copy = mem_calloc(1, sizeof(*copy));

    if (copy == NULL) {
        return error_no_memory(err, "manifest");
    }
    CAIRN_TRY(file_info_copy(&from->file, &copy->file, err));
    copy->states = mem_calloc(from->state_count, sizeof(*copy->states));
    if (copy->states == NULL) {
        return error_no_memory(err, "manifest");
    }
    for (; copy->state_count < from->state_count; copy->state_count++) {
        const size_t i = copy->state_count;

        CAIRN_TRY(operator_state_info_copy(&from->states[i], &copy->states[i], err));
    }
    *out = CAIRN_TAKE(copy);
    return CAIRN_OK;
}

/* --- print ------------------------------------------------------------------------------------ */

static void print_state(json_text *json, const cairn_operator_state_info *state)
{
    json_text_begin_object(json);
    json_text_member_string(json, "name", state->name);
    json_text_member_string(json, "mode", operator_mode_name(state->mode));
    manifest_print_serializer(json, "key_serializer", &state->key_serializer);
    manifest_print_serializer(json, "value_serializer", &state->value_serializer);
    json_text_member_u64(json, "elements", state->elements);
    json_text_end_object(json);
}

void manifest_print_operator_states(json_text *json, const cairn_operator_states_info *info)
{
    if (info == NULL) {
        return;
    }
    json_text_name(json, "operator_states");
    json_text_begin_object(json);
    json_text_name(json, "file");
    manifest_print_file(json, &info->file);
    json_text_name(json, "states");
    json_text_begin_array(json);
    for (size_t i = 0; i < info->state_count; i++) {
        print_state(json, &info->states[i]);
    }
    json_text_end_array(json);
    json_text_end_object(json);
}

/* --- read ------------------------------------------------------------------------------------- */

static cairn_code read_mode(const json_value *object, cairn_operator_mode *out, cairn_error *err)
{
    const char *text = NULL;

    CAIRN_TRY(json_get_string(object, "mode", &text, err));
    for (int mode = CAIRN_OPERATOR_LIST; mode <= CAIRN_OPERATOR_BROADCAST; mode++) {
        if (strcmp(operator_mode_name((cairn_operator_mode)mode), text) == 0) {
            *out = (cairn_operator_mode)mode;
            return CAIRN_OK;
        }
    }
    return error_set(err, CAIRN_E_INTEGRITY, "member 'mode' has an unknown value");
}

static cairn_code read_state(const json_value *object, void *element, cairn_error *err)
{
    static const char *const members[] = {"name",     "mode", "key_serializer", "value_serializer",
                                          "elements", NULL};
    cairn_operator_state_info *state = element;

    CAIRN_TRY(json_check_members(object, members, err));
    CAIRN_TRY(sealed_doc_read_text(object, "name", &state->name, err));
    CAIRN_TRY(read_mode(object, &state->mode, err));
    CAIRN_TRY(manifest_read_serializer(object, "key_serializer", &state->key_serializer, err));
    CAIRN_TRY(manifest_read_serializer(object, "value_serializer", &state->value_serializer, err));
    return json_get_u64(object, "elements", &state->elements, err);
}

static cairn_code read_members(const json_value *object, cairn_operator_states_info *info,
                               cairn_error *err)
{
    static const char *const members[] = {"file", "states", NULL};
    static const sealed_array array = {"states", CAIRN_STATES_MAX,
                                       sizeof(cairn_operator_state_info), read_state};
    const json_value *file = NULL;
    void *states = NULL;

    CAIRN_TRY(json_check_members(object, members, err));
    CAIRN_TRY(json_get_object(object, "file", &file, err));
    CAIRN_TRY(manifest_read_file(file, &info->file, err));
    const cairn_code code = sealed_doc_read_array(object, &array, &states, &info->state_count, err);
    info->states = states;
    return code;
}

cairn_code manifest_read_operator_states(const json_value *subtask,
                                         cairn_operator_states_info **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(operator_states_info_free) cairn_operator_states_info *info = NULL;
    const json_value *object = NULL;

    if (json_find(subtask, "operator_states") == NULL) {
        *out = NULL;
        return CAIRN_OK;
    }
    CAIRN_TRY(json_get_object(subtask, "operator_states", &object, err));
    info = mem_calloc(1, sizeof(*info));
    if (info == NULL) {
        return error_no_memory(err, "manifest");
    }
    const cairn_code code = read_members(object, info, err);
    if (code != CAIRN_OK) {
        return error_prefix(err, code, "operator_states");
    }
    *out = CAIRN_TAKE(info);
    return CAIRN_OK;
}

/* --- validate --------------------------------------------------------------------------------- */

static cairn_code check_state(const cairn_operator_state_info *state, cairn_error *err)
{
    CAIRN_TRY(sealed_doc_check_name("name", state->name, err));
    CAIRN_TRY(sealed_doc_check_name("key serializer", state->key_serializer.id, err));
    CAIRN_TRY(sealed_doc_check_name("value serializer", state->value_serializer.id, err));
    if (operator_mode_name(state->mode) == NULL) {
        return error_set(err, CAIRN_E_INTEGRITY, "unknown mode");
    }
    if (state->elements > CAIRN_OPERATOR_ELEMENTS_MAX) {
        return error_set(err, CAIRN_E_INTEGRITY, "%llu elements, at most %llu are allowed",
                         (unsigned long long)state->elements,
                         (unsigned long long)CAIRN_OPERATOR_ELEMENTS_MAX);
    }
    return CAIRN_OK;
}

static cairn_code check_size(const cairn_operator_states_info *info, cairn_error *err)
{
    if (info->file.size > CAIRN_OPERATOR_FILE_BYTES_MAX) {
        return error_set(err, CAIRN_E_INTEGRITY,
                         "operator_states: a file of %llu bytes: at most %zu",
                         (unsigned long long)info->file.size, CAIRN_OPERATOR_FILE_BYTES_MAX);
    }
    if (info->state_count == 0 || info->state_count > CAIRN_STATES_MAX) {
        return error_set(err, CAIRN_E_INTEGRITY, "operator_states: %zu states, not 1 to %d",
                         info->state_count, CAIRN_STATES_MAX);
    }
    return CAIRN_OK;
}

cairn_code manifest_validate_operator_states(const cairn_operator_states_info *info,
                                             cairn_error *err)
{
    CAIRN_TRY(check_size(info, err));
    for (size_t i = 0; i < info->state_count; i++) {
        const cairn_operator_state_info *state = &info->states[i];
        cairn_code code = check_state(state, err);

        if (code == CAIRN_OK && i > 0 && strcmp(state[-1].name, state->name) >= 0) {
            code = error_set(err, CAIRN_E_INTEGRITY, "the names are not sorted or not unique");
        }
        if (code != CAIRN_OK) {
            return error_prefix(err, code, "operator_states.states[%zu]", i);
        }
    }
    return CAIRN_OK;
}
