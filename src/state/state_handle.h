/* What a value state is inside: shared by the registry that makes it and the calls that use it. */
#ifndef CAIRN_STATE_STATE_HANDLE_H
#define CAIRN_STATE_STATE_HANDLE_H

#include "keyed_state.h"

/*
 * The composite key of the current key, void namespace included, ready for RocksDB. `bytes.data` is
 * NULL while no key is set. All handles of a keyed_state look at the same one.
 */
typedef struct current_key {
    cairn_slice bytes;
} current_key;

struct cairn_value_state {
    rocks_db *db;         /* borrowed */
    rocks_family *family; /* borrowed from db */
    const current_key *current;
};

#endif
