/*
 * Keyed state of one subtask on one RocksDB: key groups, composite keys, the registry of states,
 * and the value state. The public functions of include/cairn/state.h that take a cairn_backend are
 * thin wrappers in src/backend; those that take a cairn_value_state are implemented here.
 *
 * One thread (the owner) uses a keyed_state.
 */
#ifndef CAIRN_STATE_KEYED_STATE_H
#define CAIRN_STATE_KEYED_STATE_H

#include <cairn/manifest.h>
#include <cairn/state.h>

#include "rocks.h"

typedef struct keyed_state keyed_state;

typedef struct keyed_state_options {
    rocks_db *db; /* borrowed */
    uint32_t max_parallelism;
    cairn_key_group_range range; /* owned */
    /* States of the restored checkpoint; copied. They stay in the registry, opened or not. */
    const cairn_state_info *restored;
    size_t restored_count;
} keyed_state_options;

/* CAIRN_E_INTEGRITY if a restored state has no column family. */
cairn_code keyed_state_new(const keyed_state_options *options, keyed_state **out, cairn_error *err);
void keyed_state_free(keyed_state *states);
CAIRN_DEFINE_AUTO_PTR(keyed_state, keyed_state_free)

/*
 * The key is copied. CAIRN_E_LIMIT if it is too long, CAIRN_E_INVALID if its key group is not
 * owned; after a failure no key is set. The second takes the group from the caller.
 */
cairn_code keyed_state_set_key(keyed_state *states, cairn_slice key, cairn_error *err);
cairn_code keyed_state_set_key_in_group(keyed_state *states, cairn_slice key, uint32_t key_group,
                                        cairn_error *err);

/*
 * CAIRN_E_INCOMPATIBLE if the state is known with another kind or serializer, CAIRN_E_INTEGRITY if
 * the database has a column family of that name that is not in the registry.
 */
cairn_code keyed_state_open_value(keyed_state *states, const cairn_state_descriptor *descriptor,
                                  cairn_value_state **out, cairn_error *err);

/* The registry, sorted by name; borrowed until the next open. */
const cairn_state_info *keyed_state_infos(const keyed_state *states, size_t *out_count);

#endif
