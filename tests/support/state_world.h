/*
 * Keyed state with five states of each kind on an engine in a scratch folder, driven by operations
 * (state_script.h), with snapshots and restores.
 */
#ifndef CAIRN_TESTS_STATE_WORLD_H
#define CAIRN_TESTS_STATE_WORLD_H

#include "keyed_state.h"
#include "state_script.h"
#include "tmpdir.h"

#include <stdatomic.h>

#define STATE_WORLD_PARALLELISM 128

/* An engine by name: opens it in a folder that is missing or holds the files of a snapshot. */
typedef struct state_engine_kind {
    const char *name;
    cairn_code (*open)(const char *path, state_engine **out, cairn_error *err);
} state_engine_kind;

extern const state_engine_kind state_engine_kinds[];
extern const size_t state_engine_kind_count;

typedef union state_world_handle {
    cairn_value_state *value;
    cairn_list_state *list;
    cairn_map_state *map;
    cairn_reducing_state *reducing;
    cairn_aggregating_state *aggregating;
} state_world_handle;

typedef struct state_world {
    const state_engine_kind *kind;
    tmpdir *dir;
    unsigned folders; /* made so far; each engine has a new one */
    state_engine *engine;
    state_snapshot *snapshot; /* begun and not yet written */
    keyed_state *states;
    state_world_handle handles[STATE_HANDLES];
    bool has_group[STATE_GROUPS]; /* those with a time to live are opened when one is used,
                                   or a snapshot begun */
    atomic_uint_fast64_t now_ms;  /* compactions read it */
} state_world;

/* The time to live of a state of state_script.h. */
cairn_ttl state_ttl_of(unsigned handle);

/* NULL, with a line on stderr, if it can't be made. */
state_world *state_world_new(const state_engine_kind *kind);
void state_world_free(state_world *world);

/* Borrowed from the world. */
state_subject state_world_subject(state_world *world);

#endif
