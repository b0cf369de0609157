/* The calls of include/cairn/serializer.h on states: those of state.h, between bytes and values. */
#include <cairn/serializer.h>

#include "errors.h"
#include "state_handle.h"

static const char *const read_call = "read a typed state";
static const char *const write_call = "write a typed state";

/* The bytes of a value, in the memory of a state. */
static cairn_code to_bytes(const cairn_serializer *type, const void *value, cairn_buf *scratch,
                           cairn_slice *out, cairn_error *err)
{
    if (type == NULL || value == NULL) {
        return state_bad_argument(write_call, err);
    }
    state_scratch_clear(scratch);
    CAIRN_TRY(type->serialize(type->context, value, scratch, err));
    *out = cairn_buf_slice(scratch);
    return CAIRN_OK;
}

static cairn_code value_bytes(state_handle *handle, const cairn_serializer *type, const void *value,
                              cairn_slice *out, cairn_error *err)
{
    return handle == NULL ? state_bad_argument(write_call, err)
                          : to_bytes(type, value, &handle->typed, out, err);
}

static cairn_code check_read(const cairn_serializer *type, const void *out, const bool *out_found,
                             cairn_error *err)
{
    return type == NULL || out == NULL || out_found == NULL ? state_bad_argument(read_call, err)
                                                            : CAIRN_OK;
}

static cairn_code give(const cairn_serializer *type, cairn_slice bytes, bool found, void *out,
                       bool *out_found, cairn_error *err)
{
    if (found) {
        CAIRN_TRY(type->deserialize(type->context, bytes, out, err));
    }
    *out_found = found;
    return CAIRN_OK;
}

/* --- value ------------------------------------------------------------------------------------ */

cairn_code cairn_value_get_as(cairn_value_state *state, const cairn_serializer *type,
                              void *out_value, bool *out_found, cairn_error *err)
{
    cairn_slice bytes = {NULL, 0};
    bool found = false;

    CAIRN_TRY(check_read(type, out_value, out_found, err));
    CAIRN_TRY(cairn_value_get(state, &bytes, &found, err));
    return give(type, bytes, found, out_value, out_found, err);
}

cairn_code cairn_value_update_as(cairn_value_state *state, const cairn_serializer *type,
                                 const void *value, cairn_error *err)
{
    cairn_slice bytes;

    CAIRN_TRY(value_bytes((state_handle *)state, type, value, &bytes, err));
    return cairn_value_update(state, bytes, err);
}

/* --- list ------------------------------------------------------------------------------------- */

cairn_code cairn_list_add_as(cairn_list_state *state, const cairn_serializer *type,
                             const void *element, cairn_error *err)
{
    cairn_slice bytes;

    CAIRN_TRY(value_bytes((state_handle *)state, type, element, &bytes, err));
    return cairn_list_add(state, bytes, err);
}

cairn_code cairn_list_next_as(cairn_list_view *view, const cairn_serializer *type,
                              void *out_element, bool *out_found, cairn_error *err)
{
    cairn_slice bytes = {NULL, 0};

    CAIRN_TRY(check_read(type, out_element, out_found, err));
    if (view == NULL) {
        return state_bad_argument(read_call, err);
    }
    cairn_list_view rest = *view;
    const bool found = cairn_list_next(&rest, &bytes);
    CAIRN_TRY(give(type, bytes, found, out_element, out_found, err));
    *view = rest;
    return CAIRN_OK;
}

/* --- map -------------------------------------------------------------------------------------- */

static cairn_code user_key_bytes(cairn_map_state *state, const cairn_map_types *types,
                                 const void *user_key, cairn_slice *out, cairn_error *err)
{
    return state == NULL || types == NULL
               ? state_bad_argument("use a typed map", err)
               : to_bytes(types->user_key, user_key, &state->typed_key, out, err);
}

cairn_code cairn_map_get_as(cairn_map_state *state, const cairn_map_types *types,
                            const void *user_key, void *out_value, bool *out_found,
                            cairn_error *err)
{
    cairn_slice key;
    cairn_slice bytes = {NULL, 0};
    bool found = false;

    CAIRN_TRY(user_key_bytes(state, types, user_key, &key, err));
    CAIRN_TRY(check_read(types->value, out_value, out_found, err));
    CAIRN_TRY(cairn_map_get(state, key, &bytes, &found, err));
    return give(types->value, bytes, found, out_value, out_found, err);
}

cairn_code cairn_map_contains_as(cairn_map_state *state, const cairn_map_types *types,
                                 const void *user_key, bool *out, cairn_error *err)
{
    cairn_slice key;

    CAIRN_TRY(user_key_bytes(state, types, user_key, &key, err));
    return cairn_map_contains(state, key, out, err);
}

cairn_code cairn_map_put_as(cairn_map_state *state, const cairn_map_types *types,
                            const void *user_key, const void *value, cairn_error *err)
{
    cairn_slice key;
    cairn_slice bytes;

    CAIRN_TRY(user_key_bytes(state, types, user_key, &key, err));
    CAIRN_TRY(value_bytes((state_handle *)state, types->value, value, &bytes, err));
    return cairn_map_put(state, key, bytes, err);
}

cairn_code cairn_map_remove_as(cairn_map_state *state, const cairn_map_types *types,
                               const void *user_key, cairn_error *err)
{
    cairn_slice key;

    CAIRN_TRY(user_key_bytes(state, types, user_key, &key, err));
    return cairn_map_remove(state, key, err);
}

cairn_code cairn_map_iterator_next_as(cairn_map_iterator *iterator, const cairn_map_types *types,
                                      void *out_user_key, void *out_value, bool *out_found,
                                      cairn_error *err)
{
    cairn_slice key = {NULL, 0};
    cairn_slice bytes = {NULL, 0};
    bool found = false;

    if (types == NULL) {
        return state_bad_argument(read_call, err);
    }
    CAIRN_TRY(check_read(types->user_key, out_user_key, out_found, err));
    CAIRN_TRY(check_read(types->value, out_value, out_found, err));
    CAIRN_TRY(cairn_map_iterator_next(iterator, &key, &bytes, &found, err));
    if (found) {
        CAIRN_TRY(types->user_key->deserialize(types->user_key->context, key, out_user_key, err));
    }
    return give(types->value, bytes, found, out_value, out_found, err);
}

/* --- reducing and aggregating ----------------------------------------------------------------- */

cairn_code cairn_reducing_get_as(cairn_reducing_state *state, const cairn_serializer *type,
                                 void *out_value, bool *out_found, cairn_error *err)
{
    cairn_slice bytes = {NULL, 0};
    bool found = false;

    CAIRN_TRY(check_read(type, out_value, out_found, err));
    CAIRN_TRY(cairn_reducing_get(state, &bytes, &found, err));
    return give(type, bytes, found, out_value, out_found, err);
}

cairn_code cairn_reducing_add_as(cairn_reducing_state *state, const cairn_serializer *type,
                                 const void *element, cairn_error *err)
{
    cairn_slice bytes;

    CAIRN_TRY(value_bytes((state_handle *)state, type, element, &bytes, err));
    return cairn_reducing_add(state, bytes, err);
}

cairn_code cairn_aggregating_get_as(cairn_aggregating_state *state, const cairn_serializer *type,
                                    void *out_result, bool *out_found, cairn_error *err)
{
    cairn_slice bytes = {NULL, 0};
    bool found = false;

    CAIRN_TRY(check_read(type, out_result, out_found, err));
    CAIRN_TRY(cairn_aggregating_get(state, &bytes, &found, err));
    return give(type, bytes, found, out_result, out_found, err);
}

cairn_code cairn_aggregating_add_as(cairn_aggregating_state *state, const cairn_serializer *type,
                                    const void *element, cairn_error *err)
{
    cairn_slice bytes;

    CAIRN_TRY(value_bytes((state_handle *)state, type, element, &bytes, err));
    return cairn_aggregating_add(state, bytes, err);
}
