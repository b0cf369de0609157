/*
 * The operator states of one subtask: include/cairn/operator_state.h. The public calls that take a
 * backend are thin wrappers in src/backend; those that take a state are in operator_list.c and
 * operator_broadcast.c.
 *
 * One thread, the owner, uses operator_states. What is frozen may go to another one.
 */
#ifndef CAIRN_STATE_OPERATOR_STATES_H
#define CAIRN_STATE_OPERATOR_STATES_H

#include <cairn/operator_state.h>

#include "operator_file.h"

typedef struct operator_states operator_states;

/* As `image` says, of which the contents are copied; NULL: none. CAIRN_E_LIMIT if it holds more
 * than a subtask may. */
cairn_code operator_states_new(const operator_image *image, operator_states **out,
                               cairn_error *err);
/* Frees all handles. */
void operator_states_free(operator_states *states);
CAIRN_DEFINE_AUTO_PTR(operator_states, operator_states_free)

/* As the public calls. */
cairn_code operator_states_open_list(operator_states *states,
                                     const cairn_operator_descriptor *descriptor,
                                     cairn_operator_mode mode, cairn_operator_list **out,
                                     cairn_error *err);
cairn_code operator_states_open_broadcast(operator_states *states,
                                          const cairn_operator_descriptor *descriptor,
                                          cairn_broadcast **out, cairn_error *err);

/*
 * All states as they are now, without a copy of their contents: in time that depends on their
 * number alone. Later changes don't show. NULL in *out: there are no states.
 */
typedef struct operator_frozen operator_frozen;
cairn_code operator_states_freeze(const operator_states *states, operator_frozen **out,
                                  cairn_error *err);
/* Sorted by name; borrowed. */
const cairn_operator_state_info *operator_frozen_infos(const operator_frozen *frozen,
                                                       size_t *out_count);
/* The bytes of the file (operator_file.h) into `out`. */
cairn_code operator_frozen_print(const operator_frozen *frozen, cairn_buf *out, cairn_error *err);
void operator_frozen_free(operator_frozen *frozen);
CAIRN_DEFINE_AUTO_PTR(operator_frozen, operator_frozen_free)

#endif
