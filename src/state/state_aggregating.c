#include "errors.h"
#include "state_fold.h"

cairn_code cairn_aggregating_get(cairn_aggregating_state *state, cairn_slice *out, bool *out_found,
                                 cairn_error *err)
{
    const state_handle *handle = (const state_handle *)state;
    cairn_slice stored = {NULL, 0};
    bool found = false;

    CAIRN_TRY(state_ready(handle, out != NULL && out_found != NULL, "read a state", err));
    CAIRN_TRY(state_read(handle, &stored, &found, err));
    if (found) {
        state_scratch_clear(&state->result);
        CAIRN_TRY(state->function.get_result(state->function.context, stored, &state->result, err));
        *out = cairn_buf_slice(&state->result);
    }
    *out_found = found;
    return CAIRN_OK;
}

cairn_code cairn_aggregating_add(cairn_aggregating_state *state, cairn_slice element,
                                 cairn_error *err)
{
    cairn_slice stored = {NULL, 0};
    bool found = false;

    CAIRN_TRY(state_ready((const state_handle *)state, state_slice_is_valid(element),
                          STATE_FOLD_CALL, err));
    CAIRN_TRY(state_fold_begin(&state->fold, element, err));
    const cairn_aggregate_function *function = &state->function;
    state_fold *fold = &state->fold;
    CAIRN_TRY(state_get(&state->base, &stored, &found, err));
    if (!found) {
        CAIRN_TRY(function->create(function->context, &fold->sum, err));
        stored = cairn_buf_slice(&fold->sum);
    }
    CAIRN_TRY(function->add(function->context, stored, cairn_buf_slice(&fold->element),
                            &fold->spare, err));
    return state_fold_store(&state->base, fold, err);
}

cairn_code cairn_aggregating_clear(cairn_aggregating_state *state, cairn_error *err)
{
    CAIRN_TRY(state_ready((const state_handle *)state, true, "clear a state", err));
    return state_remove(&state->base, err);
}

cairn_code cairn_aggregating_merge_namespaces(cairn_aggregating_state *state, cairn_slice target,
                                              const cairn_slice *sources, size_t count,
                                              cairn_error *err)
{
    const state_merge merge = {target, sources, count};

    if (state == NULL) {
        return state_bad_argument("merge namespaces", err);
    }
    if (state->function.merge == NULL) {
        return error_set(err, CAIRN_E_INVALID, "merge namespaces: the state has no merge function");
    }
    const cairn_reduce_function sum = {state->function.merge, state->function.context};
    return state_fold_merge(&state->base, &state->fold, &sum, &merge, err);
}
