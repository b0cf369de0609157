/* Keyed state of a checkpoint in canonical form: the files of one subtask (state_canonical.h). */
#ifndef CAIRN_BACKEND_SAVEPOINT_GROUPS_H
#define CAIRN_BACKEND_SAVEPOINT_GROUPS_H

#include "savepoint_store.h"
#include "state_canonical.h"

/* A subtask of a checkpoint. */
typedef struct savepoint_subtask {
    const cairn_manifest *manifest;
    const cairn_operator_info *op;
    const cairn_subtask_info *subtask;
} savepoint_subtask;

/*
 * Downloads and checks the engine's files of the subtask, stores its key groups as canonical files
 * in the savepoint, and makes `out` name them: engine, version and files are replaced.
 */
cairn_code savepoint_groups_store(savepoint_writer *writer, const savepoint_subtask *from,
                                  cairn_subtask_info *out, cairn_error *err);

#endif
