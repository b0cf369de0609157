/* The states of a subtask: what is known of each and its handle, sorted by name. */
#ifndef CAIRN_STATE_STATE_REGISTRY_H
#define CAIRN_STATE_STATE_REGISTRY_H

#include "state_handle.h"
#include "state_info.h"

/* Both arrays have `capacity` places and go together; handles don't move when others come. */
typedef struct state_registry {
    cairn_state_info *infos;
    state_handle **handles;
    size_t count;
    size_t capacity;
} state_registry;

/* Frees infos and handles. */
void state_registry_release(state_registry *registry);

/* The place of `name`, or where it belongs. */
size_t state_registry_find(const state_registry *registry, const char *name, bool *out_found);

/* Makes room for one more. CAIRN_E_LIMIT at CAIRN_STATES_MAX. */
cairn_code state_registry_reserve(state_registry *registry, cairn_error *err);

/* Takes both; cannot fail after a reserve. */
void state_registry_insert(state_registry *registry, size_t place, cairn_state_info *info,
                           state_handle *handle);

#endif
