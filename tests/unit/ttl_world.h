/* What tests of times to live share: scripts on one engine, and what its tables hold. */
#ifndef CAIRN_TESTS_TTL_WORLD_H
#define CAIRN_TESTS_TTL_WORLD_H

#include "state_world.h"

/* "rocksdb", "hashmap". */
const state_engine_kind *engine_kind(const char *name);
state_world *ttl_world_new(const char *engine);
/* Fails the test if a result is another. */
void run_script(state_world *world, const char *script);
/* A value state with a time to live. */
cairn_value_state *open_for(state_world *world, const char *name, uint64_t ttl_ms);

/* What the table of an engine holds, expired or not. */
typedef struct raw_count {
    size_t entries;
    size_t elements; /* of lists */
} raw_count;

raw_count count_raw(state_engine *engine, const char *state, bool is_list);
size_t raw_entries(const state_world *world, const char *state);
size_t raw_elements(const state_world *world, const char *state);

/* Of each kind under key a, the list and the map also with a young one. */
void write_old_and_young(state_world *world);
/* Besides `others` entries, with one element each. */
bool only_young_ones_stand(const state_world *world, size_t others);

/* Into the new folder `name` of `dir`. */
void write_snapshot(state_engine *engine, const tmpdir *dir, const char *name);

#endif
