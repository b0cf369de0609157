#include "state_registry.h"

#include "bounds.h"
#include "errors.h"

#include <string.h>

void state_registry_release(state_registry *registry)
{
    for (size_t i = 0; i < registry->count; i++) {
        state_info_release(&registry->infos[i]);
        state_handle_free(registry->handles[i]);
    }
    mem_free(registry->infos);
    mem_free(registry->handles);
    *registry = (state_registry){0};
}

size_t state_registry_find(const state_registry *registry, const char *name, bool *out_found)
{
    size_t low = 0;
    size_t high = registry->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(registry->infos[middle].name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *out_found = low < registry->count && strcmp(registry->infos[low].name, name) == 0;
    return low;
}

cairn_code state_registry_reserve(state_registry *registry, cairn_error *err)
{
    size_t capacity = registry->capacity == 0 ? 4 : 2 * registry->capacity;
    void *block;

    if (registry->count == CAIRN_STATES_MAX) {
        return error_set(err, CAIRN_E_LIMIT, "more than %d states", CAIRN_STATES_MAX);
    }
    if (registry->count < registry->capacity) {
        return CAIRN_OK;
    }
    block = mem_realloc_array(registry->infos, capacity, sizeof(*registry->infos));
    if (block == NULL) {
        return error_no_memory(err, "state registry");
    }
    registry->infos = block;
    block = mem_realloc_array(registry->handles, capacity, sizeof(state_handle *));
    if (block == NULL) {
        return error_no_memory(err, "state registry");
    }
    registry->handles = block;
    registry->capacity = capacity;
    return CAIRN_OK;
}

void state_registry_insert(state_registry *registry, size_t place, cairn_state_info *info,
                           state_handle *handle)
{
    size_t after = registry->count - place;

    CAIRN_ASSERT(registry->count < registry->capacity);
    memmove(registry->infos + place + 1, registry->infos + place, after * sizeof(*registry->infos));
    memmove(registry->handles + place + 1, registry->handles + place,
            after * sizeof(state_handle *));
    state_info_move(info, &registry->infos[place]);
    registry->handles[place] = handle;
    registry->count++;
}
