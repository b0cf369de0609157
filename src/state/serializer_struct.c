/* Structs: fields are stored as the elements of a list are (state_elements.h). */
#include <cairn/serializer.h>

#include "bounds.h"
#include "errors.h"
#include "state_elements.h"
#include "state_handle.h"

cairn_code cairn_struct_add(cairn_buf *out, const cairn_serializer *type, const void *field,
                            cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) bytes = {0};

    if (out == NULL || type == NULL || field == NULL) {
        return state_bad_argument("write a struct", err);
    }
    cairn_buf_init(&bytes, CAIRN_VALUE_BYTES_MAX);
    CAIRN_TRY(type->serialize(type->context, field, &bytes, err));
    return element_append(out, cairn_buf_slice(&bytes), err);
}

cairn_code cairn_struct_begin(cairn_slice bytes, cairn_struct_view *out, cairn_error *err)
{
    cairn_slice rest = bytes;
    cairn_slice field;

    if (out == NULL || !state_slice_is_valid(bytes)) {
        return state_bad_argument("read a struct", err);
    }
    while (element_next(&rest, &field)) {
    }
    if (rest.len > 0) {
        return error_set(err, CAIRN_E_INCOMPATIBLE,
                         "read a struct: no field begins at byte %zu of its %zu",
                         bytes.len - rest.len, bytes.len);
    }
    *out = (cairn_struct_view){bytes.data, bytes.len};
    return CAIRN_OK;
}

cairn_code cairn_struct_next(cairn_struct_view *view, const cairn_serializer *type, void *out_field,
                             bool *out_found, cairn_error *err)
{
    if (view == NULL || type == NULL || out_field == NULL || out_found == NULL) {
        return state_bad_argument("read a struct", err);
    }
    cairn_slice rest = {view->next, view->bytes};
    cairn_slice field = {NULL, 0};
    const bool found = element_next(&rest, &field);
    if (found) {
        CAIRN_TRY(type->deserialize(type->context, field, out_field, err));
        *view = (cairn_struct_view){rest.data, rest.len};
    }
    *out_found = found;
    return CAIRN_OK;
}

cairn_code cairn_struct_add_rest(cairn_buf *out, const cairn_struct_view *view, cairn_error *err)
{
    if (view == NULL) {
        return state_bad_argument("write a struct", err);
    }
    return cairn_buf_append(out, (cairn_slice){view->next, view->bytes}, err);
}
