/*
 * What of the operator states of all old subtasks a new subtask gets: the rules of
 * include/cairn/operator_state.h. Pure.
 */
#ifndef CAIRN_STATE_OPERATOR_REDISTRIBUTE_H
#define CAIRN_STATE_OPERATOR_REDISTRIBUTE_H

#include "operator_file.h"

/* Subtask `index` of `parallelism`, where there were `old_parallelism`. */
typedef struct operator_place {
    uint32_t old_parallelism;
    uint32_t parallelism;
    uint32_t index;
} operator_place;

/*
 * `parents` holds the image of each old subtask at its index; one without operator state is empty.
 * CAIRN_E_INTEGRITY if subtasks disagree on the mode or serializers of a name, CAIRN_E_LIMIT if a
 * subtask would get more than it may hold.
 */
cairn_code operator_redistribute(const operator_image *parents, const operator_place *place,
                                 operator_image *out, cairn_error *err);

#endif
