/* Map state: an entry for each user key, behind the composite key of key and namespace. */
#include "bounds.h"
#include "errors.h"
#include "state_handle.h"

static cairn_code check(const cairn_map_state *state, cairn_slice user_key, bool arguments,
                        const char *call, cairn_error *err)
{
    CAIRN_TRY(state_ready((const state_handle *)state, arguments && state_slice_is_valid(user_key),
                          call, err));
    if (user_key.len > CAIRN_MAP_KEY_BYTES_MAX) {
        return error_set(err, CAIRN_E_LIMIT, "%s: user key of %zu bytes, at most %zu are allowed",
                         call, user_key.len, CAIRN_MAP_KEY_BYTES_MAX);
    }
    return CAIRN_OK;
}

/* The place of a user key; valid until the next one of this state. */
static cairn_code place_of(cairn_map_state *state, cairn_slice user_key, state_place *out,
                           cairn_error *err)
{
    const state_place *prefix = &state->base.current->place;

    buf_clear(&state->place);
    CAIRN_TRY(buf_append(&state->place, prefix->bytes.data, prefix->bytes.len, err));
    CAIRN_TRY(buf_append(&state->place, user_key.data, user_key.len, err));
    *out = (state_place){cairn_buf_slice(&state->place), prefix->key_group, prefix->bytes.len};
    return CAIRN_OK;
}

cairn_code cairn_map_get(cairn_map_state *state, cairn_slice user_key, cairn_slice *out,
                         bool *out_found, cairn_error *err)
{
    state_place place;

    CAIRN_TRY(check(state, user_key, out != NULL && out_found != NULL, "read a map", err));
    CAIRN_TRY(place_of(state, user_key, &place, err));
    return state->base.table->ops->read(state->base.table, &place, out, out_found, err);
}

cairn_code cairn_map_contains(cairn_map_state *state, cairn_slice user_key, bool *out,
                              cairn_error *err)
{
    cairn_slice value;

    return cairn_map_get(state, user_key, &value, out, err);
}

cairn_code cairn_map_put(cairn_map_state *state, cairn_slice user_key, cairn_slice value,
                         cairn_error *err)
{
    state_place place;

    CAIRN_TRY(check(state, user_key, state_slice_is_valid(value), "put to a map", err));
    CAIRN_TRY(state_check_value(value.len, "put to a map", err));
    CAIRN_TRY(place_of(state, user_key, &place, err));
    return state->base.table->ops->put(state->base.table, &place, value, err);
}

cairn_code cairn_map_remove(cairn_map_state *state, cairn_slice user_key, cairn_error *err)
{
    state_place place;

    CAIRN_TRY(check(state, user_key, true, "remove from a map", err));
    CAIRN_TRY(place_of(state, user_key, &place, err));
    return state->base.table->ops->remove(state->base.table, &place, err);
}

/* An engine has one walk of a table at a time, and the iterator holds it. */
static cairn_code begin_walk(cairn_map_state *state, const char *call, state_cursor **out,
                             cairn_error *err)
{
    CAIRN_TRY(state_ready((const state_handle *)state, out != NULL, call, err));
    if (state->iterator.cursor != NULL) {
        return error_set(err, CAIRN_E_STATE, "%s: free the iterator before", call);
    }
    return state->base.table->ops->walk(state->base.table, &state->base.current->place, out, err);
}

cairn_code cairn_map_is_empty(cairn_map_state *state, bool *out, cairn_error *err)
{
    CAIRN_AUTO_PTR(state_cursor_free) state_cursor *cursor = NULL;
    cairn_slice key;
    cairn_slice value;

    if (out == NULL) {
        return state_bad_argument("look into a map", err);
    }
    CAIRN_TRY(begin_walk(state, "look into a map", &cursor, err));
    const bool found = cursor->ops->next(cursor, &key, &value);
    CAIRN_TRY(cursor->ops->status(cursor, err));
    *out = !found;
    return CAIRN_OK;
}

static cairn_slice user_key_of(cairn_slice key, size_t prefix_bytes)
{
    CAIRN_ASSERT(key.len >= prefix_bytes);
    return (cairn_slice){(const uint8_t *)key.data + prefix_bytes, key.len - prefix_bytes};
}

cairn_code cairn_map_clear(cairn_map_state *state, cairn_error *err)
{
    CAIRN_AUTO_PTR(state_cursor_free) state_cursor *cursor = NULL;
    cairn_slice key;
    cairn_slice value;
    state_place place;

    CAIRN_TRY(begin_walk(state, "clear a map", &cursor, err));
    while (cursor->ops->next(cursor, &key, &value)) {
        key = user_key_of(key, state->base.current->place.bytes.len);
        CAIRN_TRY(place_of(state, key, &place, err));
        CAIRN_TRY(state->base.table->ops->remove(state->base.table, &place, err));
    }
    return cursor->ops->status(cursor, err);
}

/* --- the iterator ----------------------------------------------------------------------------- */

cairn_code cairn_map_iterate(cairn_map_state *state, cairn_map_iterator **out, cairn_error *err)
{
    state_cursor *cursor = NULL;

    if (out == NULL) {
        return state_bad_argument("iterate over a map", err);
    }
    CAIRN_TRY(begin_walk(state, "iterate over a map", &cursor, err));
    state->iterator.cursor = cursor;
    state->iterator.key_group = state->base.current->place.key_group;
    state->iterator.prefix_bytes = state->base.current->place.bytes.len;
    state->iterator.has_entry = false;
    state->iterator.at_end = false;
    *out = &state->iterator;
    return CAIRN_OK;
}

static cairn_code check_iterator(const cairn_map_iterator *iterator, bool arguments,
                                 cairn_error *err)
{
    if (iterator == NULL || !arguments) {
        return state_bad_argument("iterate over a map", err);
    }
    if (iterator->cursor == NULL) {
        return error_set(err, CAIRN_E_STATE, "iterate over a map: the iterator is freed");
    }
    return CAIRN_OK;
}

static state_place entry_place(const cairn_map_iterator *iterator)
{
    return (state_place){cairn_buf_slice(&iterator->key), iterator->key_group,
                         iterator->prefix_bytes};
}

/* What the cursor gave is copied: the read of an entry may free it. *out_found false: it expired
 * since the cursor came to it. */
static cairn_code take_entry(cairn_map_iterator *iterator, cairn_slice key, cairn_slice *value,
                             bool *out_found, cairn_error *err)
{
    state_table *const table = iterator->state->base.table;

    buf_clear(&iterator->key);
    CAIRN_TRY(buf_append(&iterator->key, key.data, key.len, err));
    *out_found = true;
    if (table->ops->read_walked == NULL) {
        return CAIRN_OK;
    }
    const state_place place = entry_place(iterator);
    return table->ops->read_walked(table, &place, value, out_found, err);
}

/* False at the end. */
static cairn_code advance(cairn_map_iterator *iterator, cairn_slice *value, bool *out_found,
                          cairn_error *err)
{
    cairn_slice key = {NULL, 0};

    iterator->has_entry = false;
    *out_found = false;
    while (!*out_found && !iterator->at_end) {
        if (iterator->cursor->ops->next(iterator->cursor, &key, value)) {
            CAIRN_TRY(take_entry(iterator, key, value, out_found, err));
        } else {
            iterator->at_end = true;
        }
    }
    iterator->has_entry = *out_found;
    return *out_found ? CAIRN_OK : iterator->cursor->ops->status(iterator->cursor, err);
}

cairn_code cairn_map_iterator_next(cairn_map_iterator *iterator, cairn_slice *out_user_key,
                                   cairn_slice *out_value, bool *out_found, cairn_error *err)
{
    cairn_slice value = {NULL, 0};
    bool found = false;

    CAIRN_TRY(check_iterator(iterator,
                             out_user_key != NULL && out_value != NULL && out_found != NULL, err));
    CAIRN_TRY(advance(iterator, &value, &found, err));
    if (found) {
        *out_user_key = user_key_of(cairn_buf_slice(&iterator->key), iterator->prefix_bytes);
        *out_value = value;
    }
    *out_found = found;
    return CAIRN_OK;
}

static cairn_code check_entry(const cairn_map_iterator *iterator, bool arguments, cairn_error *err)
{
    CAIRN_TRY(check_iterator(iterator, arguments, err));
    if (!iterator->has_entry) {
        return error_set(err, CAIRN_E_STATE,
                         "change a map's entry: none was returned, or it was "
                         "removed");
    }
    return CAIRN_OK;
}

cairn_code cairn_map_iterator_remove(cairn_map_iterator *iterator, cairn_error *err)
{
    CAIRN_TRY(check_entry(iterator, true, err));
    state_table *const table = iterator->state->base.table;
    const state_place place = entry_place(iterator);
    CAIRN_TRY(table->ops->remove(table, &place, err));
    iterator->has_entry = false;
    return CAIRN_OK;
}

cairn_code cairn_map_iterator_set(cairn_map_iterator *iterator, cairn_slice value, cairn_error *err)
{
    CAIRN_TRY(check_entry(iterator, state_slice_is_valid(value), err));
    CAIRN_TRY(state_check_value(value.len, "change a map's entry", err));
    state_table *const table = iterator->state->base.table;
    const state_place place = entry_place(iterator);
    return table->ops->put(table, &place, value, err);
}

void cairn_map_iterator_free(cairn_map_iterator *iterator)
{
    if (iterator != NULL) {
        state_cursor_free(CAIRN_TAKE(iterator->cursor));
        iterator->has_entry = false;
    }
}
