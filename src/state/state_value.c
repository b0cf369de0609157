/*
 * The value state. Get and update add a check and a call to what RocksDB does: the composite key
 * stands ready since the key was set.
 */
#include <cairn/state.h>

#include "bounds.h"
#include "errors.h"
#include "state_handle.h"

#include <string.h>

#define NUMBER_BYTES 8
#define SIGN_BIT     (UINT64_C(1) << 63)

static cairn_code no_handle(const char *call, cairn_error *err)
{
    return error_set(err, CAIRN_E_INVALID, "%s: the state or an output is NULL", call);
}

static cairn_code no_key(const char *call, cairn_error *err)
{
    return error_set(err, CAIRN_E_STATE, "%s: no key is set", call);
}

cairn_code cairn_value_get(cairn_value_state *state, cairn_slice *out, bool *out_found,
                           cairn_error *err)
{
    if (state == NULL || out == NULL || out_found == NULL) {
        return no_handle("read a value", err);
    }
    if (state->current->bytes.data == NULL) {
        return no_key("read a value", err);
    }
    return rocks_get(state->db, state->family, state->current->bytes, out, out_found, err);
}

cairn_code cairn_value_update(cairn_value_state *state, cairn_slice value, cairn_error *err)
{
    if (state == NULL || (value.data == NULL && value.len > 0)) {
        return no_handle("update a value", err);
    }
    if (state->current->bytes.data == NULL) {
        return no_key("update a value", err);
    }
    if (value.len > CAIRN_VALUE_BYTES_MAX) {
        return error_set(err, CAIRN_E_LIMIT, "value of %zu bytes: at most %zu are allowed",
                         value.len, CAIRN_VALUE_BYTES_MAX);
    }
    return rocks_put(state->db, state->family, state->current->bytes, value, err);
}

cairn_code cairn_value_clear(cairn_value_state *state, cairn_error *err)
{
    if (state == NULL) {
        return no_handle("clear a value", err);
    }
    if (state->current->bytes.data == NULL) {
        return no_key("clear a value", err);
    }
    return rocks_delete(state->db, state->family, state->current->bytes, err);
}

cairn_code cairn_value_get_u64(cairn_value_state *state, uint64_t *out, bool *out_found,
                               cairn_error *err)
{
    cairn_slice value = {NULL, 0};
    bool found = false;
    uint64_t number = 0;

    if (out == NULL || out_found == NULL) {
        return no_handle("read a number", err);
    }
    CAIRN_TRY(cairn_value_get(state, &value, &found, err));
    if (found && value.len != NUMBER_BYTES) {
        return error_set(err, CAIRN_E_INCOMPATIBLE,
                         "read a number: the stored value has %zu bytes, not 8", value.len);
    }
    *out_found = found;
    if (!found) {
        return CAIRN_OK;
    }
    for (size_t i = 0; i < NUMBER_BYTES; i++) {
        number = number << 8 | ((const uint8_t *)value.data)[i];
    }
    *out = number;
    return CAIRN_OK;
}

cairn_code cairn_value_update_u64(cairn_value_state *state, uint64_t value, cairn_error *err)
{
    uint8_t bytes[NUMBER_BYTES];

    for (size_t i = 0; i < NUMBER_BYTES; i++) {
        bytes[i] = (uint8_t)(value >> (8 * (NUMBER_BYTES - 1 - i)));
    }
    return cairn_value_update(state, (cairn_slice){bytes, sizeof(bytes)}, err);
}

cairn_code cairn_value_get_i64(cairn_value_state *state, int64_t *out, bool *out_found,
                               cairn_error *err)
{
    uint64_t bits = 0;

    if (out == NULL || out_found == NULL) {
        return no_handle("read a number", err);
    }
    CAIRN_TRY(cairn_value_get_u64(state, &bits, out_found, err));
    if (*out_found) {
        bits ^= SIGN_BIT;
        memcpy(out, &bits, sizeof(*out));
    }
    return CAIRN_OK;
}

cairn_code cairn_value_update_i64(cairn_value_state *state, int64_t value, cairn_error *err)
{
    return cairn_value_update_u64(state, (uint64_t)value ^ SIGN_BIT, err);
}

cairn_code cairn_value_get_double(cairn_value_state *state, double *out, bool *out_found,
                                  cairn_error *err)
{
    uint64_t bits = 0;

    if (out == NULL || out_found == NULL) {
        return no_handle("read a number", err);
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
