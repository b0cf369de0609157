/*
 * Operator state: what a subtask keeps that belongs to no key, such as how far it has read each
 * input (list), what all subtasks must see (union list), or rules that hold for all records
 * (broadcast map). Whatever the engine, it is kept in memory; it is part of every checkpoint, as of
 * its barrier.
 *
 * Elements are bytes, and the unit in which state is shared out when a job goes on with another
 * parallelism:
 *
 *   list       all lists are joined in the order of the old subtasks and cut into contiguous
 *              chunks, of which the first (elements mod parallelism) hold one more; a chunk may be
 *              empty. The chunks of a further state (by name) begin at the subtask where the longer
 *              ones of the state before it ended
 *   union      each subtask gets all elements, in the order of the old subtasks
 *   broadcast  subtask i gets the map of the (i mod n)-th of the n old subtasks that have it
 *
 * With the same parallelism a list and a broadcast map come back as they were, and a union is
 * joined all the same: a subtask picks out what is its own and replaces the rest by an update.
 * cairn_backend_restored (backend.h) tells whether the subtask goes on from a checkpoint.
 *
 * All operator state of a subtask together: at most 64 MiB and 1,000,000 elements, CAIRN_E_LIMIT at
 * the call that would pass them. What is larger belongs in keyed state. It is not part of the
 * budget `memory_bytes`.
 *
 * Handles belong to their backend (borrowed, freed by cairn_backend_close) and to the backend's
 * thread. A call that fails has changed nothing. Names are apart from those of keyed states. A
 * restored state that nobody opens stays in the checkpoints.
 */
#ifndef CAIRN_OPERATOR_STATE_H
#define CAIRN_OPERATOR_STATE_H

#include <cairn/state.h>

CAIRN_BEGIN_DECLS

typedef struct cairn_operator_list cairn_operator_list; /* list or union list */
typedef struct cairn_broadcast cairn_broadcast;

/* Names an operator state. cairn stores bytes; serializers are named as in state.h, and compared
 * when the state is opened again. */
typedef struct cairn_operator_descriptor {
    uint32_t version;
    const char *name;             /* required: ^[A-Za-z0-9._-]{1,255}$ */
    const char *value_serializer; /* "bytes"; of elements, or of a broadcast map's values */
    uint32_t value_serializer_version;
    const char *key_serializer; /* "bytes"; of a broadcast map's keys */
    uint32_t key_serializer_version;
} cairn_operator_descriptor;

#define CAIRN_OPERATOR_DESCRIPTOR_VERSION 1
#define CAIRN_OPERATOR_DESCRIPTOR_INIT                                  \
    {                                                                   \
        CAIRN_OPERATOR_DESCRIPTOR_VERSION, NULL, "bytes", 1, "bytes", 1 \
    }

/*
 * Each opens (and creates, if it is new) a state; opening twice gives the same handle.
 * CAIRN_E_INCOMPATIBLE, with a line that names both, if the name stands for another mode or other
 * serializers; CAIRN_E_LIMIT at the 257th state.
 */
cairn_code cairn_operator_list_open(cairn_backend *backend,
                                    const cairn_operator_descriptor *descriptor,
                                    cairn_operator_list **out, cairn_error *err);
cairn_code cairn_operator_union_open(cairn_backend *backend,
                                     const cairn_operator_descriptor *descriptor,
                                     cairn_operator_list **out, cairn_error *err);
cairn_code cairn_broadcast_open(cairn_backend *backend, const cairn_operator_descriptor *descriptor,
                                cairn_broadcast **out, cairn_error *err);

/* The elements in their order, for cairn_list_next (state.h); valid until the next call on the
 * state. */
cairn_code cairn_operator_list_get(const cairn_operator_list *state, cairn_list_view *out,
                                   cairn_error *err);
uint64_t cairn_operator_list_count(const cairn_operator_list *state);
/* Behind the others. What cairn_list_next gave may be added. */
cairn_code cairn_operator_list_add(cairn_operator_list *state, cairn_slice element,
                                   cairn_error *err);
/* Replaces the list; count 0 clears it. */
cairn_code cairn_operator_list_update(cairn_operator_list *state, const cairn_slice *elements,
                                      size_t count, cairn_error *err);

/* *out_found false: there is none, *out untouched. *out is valid until the next call on the state.
 */
cairn_code cairn_broadcast_get(const cairn_broadcast *state, cairn_slice key, cairn_slice *out,
                               bool *out_found, cairn_error *err);
uint64_t cairn_broadcast_count(const cairn_broadcast *state);
cairn_code cairn_broadcast_put(cairn_broadcast *state, cairn_slice key, cairn_slice value,
                               cairn_error *err);
/* Absent is fine. */
cairn_code cairn_broadcast_remove(cairn_broadcast *state, cairn_slice key, cairn_error *err);
cairn_code cairn_broadcast_clear(cairn_broadcast *state, cairn_error *err);

/*
 * Visits each entry once, in no promised order. `visit` may change the map: what is visited was
 * fixed when the call began. The slices are valid for the call of `visit`. A code other than
 * CAIRN_OK ends the call and is returned.
 */
typedef cairn_code (*cairn_broadcast_visit_fn)(void *context, cairn_slice key, cairn_slice value,
                                               cairn_error *err);
cairn_code cairn_broadcast_visit(const cairn_broadcast *state, cairn_broadcast_visit_fn visit,
                                 void *context, cairn_error *err);

CAIRN_END_DECLS

#endif
