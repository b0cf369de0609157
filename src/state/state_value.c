/*
 * The value state. Get and update add a check and a call to what the engine does: the composite key
 * stands ready since the key was set.
 */
#include <cairn/state.h>

#include "bounds.h"
#include "errors.h"
#include "state_handle.h"
#include "state_number.h"

#include <string.h>

cairn_code cairn_value_get(cairn_value_state *state, cairn_slice *out, bool *out_found,
                           cairn_error *err)
{
    const state_handle *handle = (const state_handle *)state;

    CAIRN_TRY(state_ready(handle, out != NULL && out_found != NULL, "read a value", err));
    return state_read(handle, out, out_found, err);
}

cairn_code cairn_value_update(cairn_value_state *state, cairn_slice value, cairn_error *err)
{
    const state_handle *handle = (const state_handle *)state;

    CAIRN_TRY(state_ready(handle, state_slice_is_valid(value), "update a value", err));
    if (value.len > CAIRN_VALUE_BYTES_MAX) {
        return state_check_value(value.len, "update a value", err);
    }
    return state_put(handle, value, err);
}

cairn_code cairn_value_clear(cairn_value_state *state, cairn_error *err)
{
    const state_handle *handle = (const state_handle *)state;

    CAIRN_TRY(state_ready(handle, true, "clear a value", err));
    return state_remove(handle, err);
}

cairn_code cairn_value_get_u64(cairn_value_state *state, uint64_t *out, bool *out_found,
                               cairn_error *err)
{
    cairn_slice value = {NULL, 0};
    bool found = false;

    if (out == NULL || out_found == NULL) {
        return state_bad_argument("read a number", err);
    }
    CAIRN_TRY(cairn_value_get(state, &value, &found, err));
    if (found && value.len != STATE_NUMBER_BYTES) {
        return error_set(err, CAIRN_E_INCOMPATIBLE,
                         "read a number: the stored value has %zu bytes, not 8", value.len);
    }
    *out_found = found;
    if (found) {
        *out = state_number_read(value.data);
    }
    return CAIRN_OK;
}

cairn_code cairn_value_update_u64(cairn_value_state *state, uint64_t value, cairn_error *err)
{
    uint8_t bytes[STATE_NUMBER_BYTES];

    state_number_write(value, bytes);
    return cairn_value_update(state, (cairn_slice){bytes, sizeof(bytes)}, err);
}

cairn_code cairn_value_get_i64(cairn_value_state *state, int64_t *out, bool *out_found,
                               cairn_error *err)
{
    uint64_t bits = 0;

    if (out == NULL || out_found == NULL) {
        return state_bad_argument("read a number", err);
    }
    CAIRN_TRY(cairn_value_get_u64(state, &bits, out_found, err));
    if (*out_found) {
        bits ^= STATE_SIGN_BIT;
        memcpy(out, &bits, sizeof(*out));
    }
    return CAIRN_OK;
}

cairn_code cairn_value_update_i64(cairn_value_state *state, int64_t value, cairn_error *err)
{
    return cairn_value_update_u64(state, (uint64_t)value ^ STATE_SIGN_BIT, err);
}

cairn_code cairn_value_get_double(cairn_value_state *state, double *out, bool *out_found,
                                  cairn_error *err)
{
    uint64_t bits = 0;

    if (out == NULL || out_found == NULL) {
        return state_bad_argument("read a number", err);
    }
    CAIRN_TRY(cairn_value_get_u64(state, &bits, out_found, err));
    if (*out_found) {
        memcpy(out, &bits, sizeof(*out));
    }
    return CAIRN_OK;
}

cairn_code cairn_value_update_double(cairn_value_state *state, double value, cairn_error *err)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return cairn_value_update_u64(state, bits, err);
}
