/* The inside of operator_states, shared by operator_states.c, _list.c, _broadcast.c, _freeze.c. */
#ifndef CAIRN_STATE_OPERATOR_STATES_IMPL_H
#define CAIRN_STATE_OPERATOR_STATES_IMPL_H

#include "operator_bytes.h"
#include "operator_index.h"
#include "operator_states.h"

/* A handle: cairn_operator_list and cairn_broadcast are this. */
typedef struct operator_state {
    operator_states *owner;
    cairn_operator_state_info info; /* `elements` as they are now */
    operator_bytes bytes;           /* elements of a list; log of a broadcast map */
    size_t file_bytes;              /* that the elements take in the file */
    operator_index index;           /* of a broadcast map: its live records */
    cairn_buf scratch;              /* what is to be appended, encoded */
} operator_state;

struct operator_states {
    operator_state **items; /* sorted by name */
    size_t count;
    size_t capacity;
    size_t file_bytes; /* of all */
    uint64_t elements;
};

/* What a call does to the size of a state. */
typedef struct operator_change {
    size_t bytes_gone;
    size_t bytes_come;
    uint64_t elements_gone;
    uint64_t elements_come;
} operator_change;

/* CAIRN_E_LIMIT if the states of the subtask would hold too much after it. */
cairn_code operator_change_check(const operator_state *state, const operator_change *change,
                                 cairn_error *err);
void operator_change_note(operator_state *state, const operator_change *change);

/* CAIRN_E_INVALID if a slice has a length without bytes, or one that no state may have. */
cairn_code operator_slice_check(const operator_state *state, cairn_slice slice, cairn_error *err);

/* Makes the contents of an empty map from those of a file. */
cairn_code operator_broadcast_load(operator_state *state, cairn_slice bytes, cairn_error *err);

#endif
