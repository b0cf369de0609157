/*
 * Keyed state of one subtask on one engine: key groups, composite keys, the registry of states, and
 * the kinds. The public functions of include/cairn/state.h that take a cairn_backend are thin
 * wrappers in src/backend; those that take a state are implemented here, once for all engines, on
 * state_table.h.
 *
 * One thread (the owner) uses a keyed_state.
 */
#ifndef CAIRN_STATE_KEYED_STATE_H
#define CAIRN_STATE_KEYED_STATE_H

#include <cairn/manifest.h>
#include <cairn/timer.h>

#include "state_table.h"

typedef struct keyed_state keyed_state;

typedef struct keyed_state_options {
    state_engine *engine; /* borrowed; closed after keyed_state_free */
    uint32_t max_parallelism;
    cairn_key_group_range range; /* owned */
    /* States of the restored checkpoint; copied. They stay in the registry, opened or not. */
    const cairn_state_info *restored;
    size_t restored_count;
    cairn_clock clock; /* of times to live; zero: the wall clock */
} keyed_state_options;

/* CAIRN_E_INTEGRITY if the engine has no table for a restored state. */
cairn_code keyed_state_new(const keyed_state_options *options, keyed_state **out, cairn_error *err);
/* Frees all handles; map iterators that are open end. */
void keyed_state_free(keyed_state *states);
CAIRN_DEFINE_AUTO_PTR(keyed_state, keyed_state_free)

/*
 * The key is copied, and the namespace becomes the void one. CAIRN_E_LIMIT if it is too long,
 * CAIRN_E_INVALID if its key group is not owned; after a failure no key is set. The second takes
 * the group from the caller.
 */
cairn_code keyed_state_set_key(keyed_state *states, cairn_slice key, cairn_error *err);
cairn_code keyed_state_set_key_in_group(keyed_state *states, cairn_slice key, uint32_t key_group,
                                        cairn_error *err);
/* Copied. CAIRN_E_STATE without a key, CAIRN_E_LIMIT; after a failure no key is set. */
cairn_code keyed_state_set_namespace(keyed_state *states, cairn_slice name_space, cairn_error *err);

/*
 * CAIRN_E_STATE once the rewriting of a state has failed half-way: what stands in its table fits no
 * serializer, so no state may be opened and no checkpoint be taken any more.
 */
cairn_code keyed_state_check(const keyed_state *states, cairn_error *err);

/*
 * The same name gives the same handle. CAIRN_E_INCOMPATIBLE if the state is known with another kind
 * or serializer; with a migration, or with a time to live where it had none or the other way round,
 * a restored state is rewritten instead, unless it was opened before. CAIRN_E_INTEGRITY if the
 * engine has a table of that name that is not in the registry. Functions are copied; a state that
 * is opened again has the one named last.
 */
cairn_code keyed_state_open_value(keyed_state *states, const cairn_state_descriptor *descriptor,
                                  cairn_value_state **out, cairn_error *err);
cairn_code keyed_state_open_list(keyed_state *states, const cairn_state_descriptor *descriptor,
                                 cairn_list_state **out, cairn_error *err);
cairn_code keyed_state_open_map(keyed_state *states, const cairn_state_descriptor *descriptor,
                                cairn_map_state **out, cairn_error *err);
cairn_code keyed_state_open_reducing(keyed_state *states, const cairn_state_descriptor *descriptor,
                                     const cairn_reduce_function *function,
                                     cairn_reducing_state **out, cairn_error *err);
cairn_code keyed_state_open_aggregating(keyed_state *states,
                                        const cairn_state_descriptor *descriptor,
                                        const cairn_aggregate_function *function,
                                        cairn_aggregating_state **out, cairn_error *err);

/* As cairn_timers_open. */
cairn_code keyed_state_open_timers(keyed_state *states, const char *name,
                                   const cairn_timer_function *function, cairn_timers **out,
                                   cairn_error *err);

/* As the public calls (state_keys.c). */
cairn_code keyed_state_visit_keys(keyed_state *states, const char *state,
                                  const cairn_slice *name_space, cairn_state_key_visit visit,
                                  void *context, cairn_error *err);
cairn_code keyed_state_apply_to_all_keys(keyed_state *states, const char *state,
                                         const cairn_slice *name_space, cairn_state_key_visit apply,
                                         void *context, cairn_error *err);

/* The registry, sorted by name; borrowed until the next open. */
const cairn_state_info *keyed_state_infos(const keyed_state *states, size_t *out_count);

#endif
