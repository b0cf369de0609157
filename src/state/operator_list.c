/* Lists and union lists of operator state: elements one after another (state_elements.h). */
#include "bounds.h"
#include "errors.h"
#include "operator_states_impl.h"
#include "state_elements.h"
#include "state_handle.h"

static cairn_code check(const cairn_operator_list *state, bool valid, cairn_error *err)
{
    if (state == NULL || !valid) {
        return error_set(err, CAIRN_E_INVALID, "operator list: an argument is NULL");
    }
    return CAIRN_OK;
}

cairn_code cairn_operator_list_get(const cairn_operator_list *state, cairn_list_view *out,
                                   cairn_error *err)
{
    CAIRN_TRY(check(state, out != NULL, err));
    const cairn_slice bytes = operator_bytes_slice(&((const operator_state *)state)->bytes);
    *out = (cairn_list_view){bytes.data, bytes.len};
    return CAIRN_OK;
}

uint64_t cairn_operator_list_count(const cairn_operator_list *state)
{
    return state == NULL ? 0 : ((const operator_state *)state)->info.elements;
}

cairn_code cairn_operator_list_add(cairn_operator_list *state, cairn_slice element,
                                   cairn_error *err)
{
    operator_state *self = (operator_state *)state;

    CAIRN_TRY(check(state, true, err));
    CAIRN_TRY(operator_slice_check(self, element, err));
    const operator_change change = {.bytes_come = element_bytes(element), .elements_come = 1};
    CAIRN_TRY(operator_change_check(self, &change, err));
    state_scratch_clear(&self->scratch);
    CAIRN_TRY(element_append(&self->scratch, element, err));
    CAIRN_TRY(operator_bytes_reserve(&self->bytes, change.bytes_come, err));
    operator_bytes_append(&self->bytes, cairn_buf_slice(&self->scratch));
    operator_change_note(self, &change);
    return CAIRN_OK;
}

static cairn_code sum(const operator_state *self, const cairn_slice *elements, size_t count,
                      operator_change *out, cairn_error *err)
{
    operator_change change = {.bytes_gone = self->file_bytes,
                              .elements_gone = self->info.elements,
                              .elements_come = count};

    for (size_t i = 0; i < count; i++) {
        CAIRN_TRY(operator_slice_check(self, elements[i], err));
        change.bytes_come += element_bytes(elements[i]);
        CAIRN_TRY(operator_change_check(self, &change, err));
    }
    *out = change;
    return CAIRN_OK;
}

/* To bytes of its own: shares of the old ones stay, and `elements` may lie in them. */
cairn_code cairn_operator_list_update(cairn_operator_list *state, const cairn_slice *elements,
                                      size_t count, cairn_error *err)
{
    CAIRN_AUTO(operator_bytes) bytes = {0};
    operator_state *self = (operator_state *)state;
    operator_change change = {0};

    CAIRN_TRY(check(state, count == 0 || elements != NULL, err));
    CAIRN_TRY(sum(self, elements, count, &change, err));
    CAIRN_TRY(operator_bytes_reserve(&bytes, change.bytes_come, err));
    for (size_t i = 0; i < count; i++) {
        state_scratch_clear(&self->scratch);
        CAIRN_TRY(element_append(&self->scratch, elements[i], err));
        operator_bytes_append(&bytes, cairn_buf_slice(&self->scratch));
    }
    operator_bytes_release(&self->bytes);
    self->bytes = bytes;
    bytes = (operator_bytes){0};
    operator_change_note(self, &change);
    return CAIRN_OK;
}
