#include "errors.h"
#include "state_fold.h"

cairn_code cairn_buf_assign(cairn_buf *buf, cairn_slice bytes, cairn_error *err)
{
    if (buf == NULL || !state_slice_is_valid(bytes)) {
        return error_set(err, CAIRN_E_INVALID, "fill a buffer: it or the bytes are NULL");
    }
    buf_clear(buf);
    return buf_append(buf, bytes.data, bytes.len, err);
}

cairn_code cairn_reducing_get(cairn_reducing_state *state, cairn_slice *out, bool *out_found,
                              cairn_error *err)
{
    const state_handle *handle = (const state_handle *)state;

    CAIRN_TRY(state_ready(handle, out != NULL && out_found != NULL, "read a state", err));
    return state_read(handle, out, out_found, err);
}

cairn_code cairn_reducing_add(cairn_reducing_state *state, cairn_slice element, cairn_error *err)
{
    cairn_slice stored = {NULL, 0};
    bool found = false;

    CAIRN_TRY(state_ready((const state_handle *)state, state_slice_is_valid(element),
                          STATE_FOLD_CALL, err));
    CAIRN_TRY(state_fold_begin(&state->fold, element, err));
    CAIRN_TRY(state_get(&state->base, &stored, &found, err));
    if (!found) {
        return state_put(&state->base, cairn_buf_slice(&state->fold.element), err);
    }
    CAIRN_TRY(state->function.reduce(state->function.context, stored,
                                     cairn_buf_slice(&state->fold.element), &state->fold.spare,
                                     err));
    return state_fold_store(&state->base, &state->fold, err);
}

cairn_code cairn_reducing_clear(cairn_reducing_state *state, cairn_error *err)
{
    CAIRN_TRY(state_ready((const state_handle *)state, true, "clear a state", err));
    return state_remove(&state->base, err);
}

cairn_code cairn_reducing_merge_namespaces(cairn_reducing_state *state, cairn_slice target,
                                           const cairn_slice *sources, size_t count,
                                           cairn_error *err)
{
    const state_merge merge = {target, sources, count};

    if (state == NULL) {
        return state_bad_argument("merge namespaces", err);
    }
    return state_fold_merge(&state->base, &state->fold, &state->function, &merge, err);
}
