/* The inside of keyed_state, shared by keyed_state.c (keys), state_open.c and state_keys.c. */
#ifndef CAIRN_STATE_KEYED_STATE_IMPL_H
#define CAIRN_STATE_KEYED_STATE_IMPL_H

#include "keyed_state.h"
#include "state_registry.h"

struct keyed_state {
    state_engine *engine; /* borrowed */
    uint32_t max_parallelism;
    cairn_key_group_range range;
    cairn_clock clock;
    current_key current;
    state_registry registry;
    const char *half_rewritten; /* a state whose rewriting failed, in the registry; else NULL */
};

/* Milliseconds of the clock that times to live are told by. */
uint64_t keyed_state_now_ms(const keyed_state *states);

/* Registers a state of a restored checkpoint. */
cairn_code state_open_restored(keyed_state *states, const cairn_state_info *from, cairn_error *err);

/* The handle of a state of that name and kind, made if it is new. */
cairn_code state_open_kind(keyed_state *states, const cairn_state_descriptor *descriptor,
                           cairn_state_kind kind, state_handle **out, cairn_error *err);

static inline void keyed_state_clear_key(keyed_state *states)
{
    states->current.place = (state_place){0};
}

#endif
