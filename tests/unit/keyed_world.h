/* A RocksDB in a scratch folder with the keyed state of all of 128 key groups on it. */
#ifndef CAIRN_TESTS_KEYED_WORLD_H
#define CAIRN_TESTS_KEYED_WORLD_H

#include "keyed_state.h"
#include "state_rocks.h"
#include "tmpdir.h"

typedef struct keyed_world {
    tmpdir *dir;
    state_engine *engine;
    keyed_state *states;
} keyed_world;

/* Options of a keyed state on all key groups; without engine. */
extern const keyed_state_options keyed_world_whole;

/* For cmocka: *state is a keyed_world. */
int keyed_world_setup(void **state);
int keyed_world_teardown(void **state);

/* Frees the keyed state and makes one anew on the same engine. */
void keyed_world_reopen(keyed_world *world, const cairn_state_info *restored, size_t count);

cairn_value_state *open_value(keyed_world *world, const char *name);
void set_key(keyed_world *world, const char *key);
void update(cairn_value_state *value, const char *text);
/* NULL: there is none. */
void assert_value(cairn_value_state *value, const char *expected);

#endif
