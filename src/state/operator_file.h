/*
 * The file of a subtask's operator states: docs/format.md, "Files of operator state". Pure.
 *
 * A state's bytes are elements (state_elements.h) one after another; those of a broadcast map are
 * key, value, key, value, sorted by key.
 */
#ifndef CAIRN_STATE_OPERATOR_FILE_H
#define CAIRN_STATE_OPERATOR_FILE_H

#include "buf.h"
#include "state_info.h"

#define OPERATOR_FILE_NAME "operator.state"

typedef struct operator_image_state {
    cairn_operator_state_info info;
    cairn_buf bytes;
} operator_image_state;

/* What a file holds. */
typedef struct operator_image {
    operator_image_state *states; /* sorted by name */
    size_t count;
} operator_image;

void operator_image_release(operator_image *image);
/* Moves the contents out; `image` is empty afterwards. */
operator_image operator_image_take(operator_image *image);
CAIRN_DEFINE_AUTO(operator_image, operator_image_release)

/* Writing: `out` is emptied, then the states are added in the order of their names. */
cairn_code operator_file_begin(cairn_buf *out, size_t state_count, cairn_error *err);
cairn_code operator_file_add(cairn_buf *out, const cairn_operator_state_info *info,
                             cairn_slice bytes, cairn_error *err);

/* CAIRN_E_INTEGRITY: damaged, the message says where; CAIRN_E_INCOMPATIBLE: a newer version. */
cairn_code operator_file_read(cairn_slice file, operator_image *out, cairn_error *err);

/* CAIRN_E_INTEGRITY if a file holds other states than its manifest says. */
cairn_code operator_image_check(const operator_image *image, const cairn_operator_states_info *told,
                                cairn_error *err);

#endif
