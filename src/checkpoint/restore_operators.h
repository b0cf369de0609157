/* The operator states of a checkpoint, as one subtask goes on with them. */
#ifndef CAIRN_CHECKPOINT_RESTORE_OPERATORS_H
#define CAIRN_CHECKPOINT_RESTORE_OPERATORS_H

#include "operator_states.h"
#include "transfer.h"

/* Reads and checks the file of a subtask; an empty image if it has none. */
cairn_code restore_operator_image(const transfer_context *context,
                                  const cairn_subtask_info *subtask, operator_image *out,
                                  cairn_error *err);

/* What subtask 0 of 1 gets of all subtasks of `op`. */
cairn_code restore_operator_states(const transfer_context *context, const cairn_operator_info *op,
                                   operator_states **out, cairn_error *err);

#endif
