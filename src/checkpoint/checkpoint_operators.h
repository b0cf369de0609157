/*
 * The operator states of a checkpoint in flight: frozen at the barrier, written to a local file of
 * their own by the run, which uploads it with the engine's files. All but release do nothing if
 * there are none.
 */
#ifndef CAIRN_CHECKPOINT_CHECKPOINT_OPERATORS_H
#define CAIRN_CHECKPOINT_CHECKPOINT_OPERATORS_H

#include "checkpoint_run.h"

/* Owner's thread: fixes the states, and what the part says of them but key, size and digest. */
cairn_code checkpoint_freeze_operators(cairn_checkpoint *self, cairn_error *err);

/* The run: writes the file and sets its size. */
cairn_code checkpoint_write_operators(cairn_checkpoint *self, cairn_error *err);
/* The run: key and `uploaded_by` for the id that was taken; also again, for another id. */
cairn_code checkpoint_name_operators(cairn_checkpoint *self, cairn_error *err);

/* The file in the part; NULL: there is none. */
cairn_file_info *checkpoint_operator_file(cairn_checkpoint *self);

/* Frees what is frozen and removes the local file. */
void checkpoint_release_operators(cairn_checkpoint *self);

#endif
