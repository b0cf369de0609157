/* List state: one entry with all elements (state_elements.h); adds are appends of the engine. */
#include "bounds.h"
#include "errors.h"
#include "state_elements.h"
#include "state_merge.h"

cairn_code cairn_list_get(cairn_list_state *state, cairn_list_view *out, cairn_error *err)
{
    const state_handle *handle = (const state_handle *)state;
    cairn_slice stored = {NULL, 0};
    bool found = false;

    CAIRN_TRY(state_ready(handle, out != NULL, "read a list", err));
    CAIRN_TRY(state_read(handle, &stored, &found, err));
    if (stored.len > CAIRN_LIST_BYTES_MAX) {
        return error_set(err, CAIRN_E_LIMIT,
                         "read a list: it has grown to %zu bytes, at most %zu are allowed: clear "
                         "or replace it",
                         stored.len, CAIRN_LIST_BYTES_MAX);
    }
    CAIRN_TRY(elements_check(stored, err));
    *out = (cairn_list_view){stored.data, stored.len};
    return CAIRN_OK;
}

bool cairn_list_next(cairn_list_view *view, cairn_slice *out)
{
    cairn_slice rest = {view->next, view->bytes};
    const bool found = element_next(&rest, out);

    *view = (cairn_list_view){rest.data, rest.len};
    return found;
}

/* Encodes the elements to the state's scratch buffer. */
static cairn_code encode(cairn_list_state *state, const cairn_slice *elements, size_t count,
                         cairn_error *err)
{
    size_t left = CAIRN_LIST_BYTES_MAX;

    for (size_t i = 0; i < count; i++) {
        if (elements[i].len > left || element_bytes(elements[i]) > left) {
            return error_set(err, CAIRN_E_LIMIT,
                             "write a list: %zu elements take more than the %zu bytes that are "
                             "allowed",
                             count, CAIRN_LIST_BYTES_MAX);
        }
        left -= element_bytes(elements[i]);
    }
    state_scratch_clear(&state->scratch);
    CAIRN_TRY(buf_reserve(&state->scratch, CAIRN_LIST_BYTES_MAX - left, err));
    for (size_t i = 0; i < count; i++) {
        CAIRN_TRY(element_append(&state->scratch, elements[i], err));
    }
    return CAIRN_OK;
}

static cairn_code check(const cairn_list_state *state, const cairn_slice *elements, size_t count,
                        const char *call, cairn_error *err)
{
    bool valid = count == 0 || elements != NULL;

    for (size_t i = 0; valid && i < count; i++) {
        valid = state_slice_is_valid(elements[i]);
    }
    return state_ready((const state_handle *)state, valid, call, err);
}

static cairn_code append_scratch(cairn_list_state *state, state_table *table,
                                 const state_place *place, cairn_error *err)
{
    return table->ops->append(table, place, cairn_buf_slice(&state->scratch), err);
}

cairn_code cairn_list_add_all(cairn_list_state *state, const cairn_slice *elements, size_t count,
                              cairn_error *err)
{
    CAIRN_TRY(check(state, elements, count, "add to a list", err));
    if (count == 0) {
        return CAIRN_OK;
    }
    CAIRN_TRY(encode(state, elements, count, err));
    return append_scratch(state, state->base.table, &state->base.current->place, err);
}

cairn_code cairn_list_add(cairn_list_state *state, cairn_slice element, cairn_error *err)
{
    return cairn_list_add_all(state, &element, 1, err);
}

cairn_code cairn_list_update(cairn_list_state *state, const cairn_slice *elements, size_t count,
                             cairn_error *err)
{
    CAIRN_TRY(check(state, elements, count, "update a list", err));
    if (count == 0) {
        return state_remove(&state->base, err);
    }
    CAIRN_TRY(encode(state, elements, count, err));
    return state_put(&state->base, cairn_buf_slice(&state->scratch), err);
}

cairn_code cairn_list_clear(cairn_list_state *state, cairn_error *err)
{
    CAIRN_TRY(state_ready((const state_handle *)state, true, "clear a list", err));
    return state_remove(&state->base, err);
}

static cairn_code take(void *context, cairn_slice stored, cairn_error *err)
{
    cairn_list_state *state = context;

    CAIRN_TRY(elements_check(stored, err));
    return buf_append(&state->scratch, stored.data, stored.len, err);
}

static cairn_code give(void *context, const state_place *target, cairn_error *err)
{
    cairn_list_state *state = context;

    return append_scratch(state, state_table_stored(state->base.table), target, err);
}

cairn_code cairn_list_merge_namespaces(cairn_list_state *state, cairn_slice target,
                                       const cairn_slice *sources, size_t count, cairn_error *err)
{
    /* The target is appended to, unread; elements keep the times of their last access. */
    static const state_merge_ops ops = {take, give, .with_target = false, .as_stored = true};
    const state_merge merge = {target, sources, count};

    if (state != NULL) {
        state_scratch_clear(&state->scratch);
    }
    return state_merge_run((const state_handle *)state, &merge, &ops, state, err);
}
