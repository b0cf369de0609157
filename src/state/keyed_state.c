#include "bounds.h"
#include "errors.h"
#include "keyed_state_impl.h"
#include "state_key.h"

static cairn_code check_options(const keyed_state_options *options, cairn_error *err)
{
    if (options->max_parallelism == 0 || options->max_parallelism > CAIRN_PARALLELISM_MAX ||
        options->range.first > options->range.last ||
        options->range.last >= options->max_parallelism) {
        return error_set(err, CAIRN_E_INVALID, "keyed state: key groups %u..%u of %u",
                         options->range.first, options->range.last, options->max_parallelism);
    }
    return CAIRN_OK;
}

cairn_code keyed_state_new(const keyed_state_options *options, keyed_state **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(keyed_state_free) keyed_state *states = NULL;

    CAIRN_TRY(check_options(options, err));
    states = mem_calloc(1, sizeof(*states));
    if (states == NULL) {
        return error_no_memory(err, "keyed state");
    }
    states->engine = options->engine;
    states->max_parallelism = options->max_parallelism;
    states->range = options->range;
    states->clock = options->clock;
    for (size_t i = 0; i < options->restored_count; i++) {
        CAIRN_TRY(state_open_restored(states, &options->restored[i], err));
    }
    *out = CAIRN_TAKE(states);
    return CAIRN_OK;
}

void keyed_state_free(keyed_state *states)
{
    if (states == NULL) {
        return;
    }
    state_registry_release(&states->registry);
    cairn_buf_release(&states->current.bytes);
    mem_free(states);
}

/* --- the current key -------------------------------------------------------------------------- */

/* A caller that overlooks a failure must not go on under the key before. */
static cairn_code begin_key(keyed_state *states, cairn_slice key, cairn_error *err)
{
    keyed_state_clear_key(states);
    if (key.data == NULL && key.len > 0) {
        return error_set(err, CAIRN_E_INVALID, "set key: %zu bytes at NULL", key.len);
    }
    if (key.len > CAIRN_KEY_BYTES_MAX) {
        return error_set(err, CAIRN_E_LIMIT, "set key: %zu bytes, at most %zu are allowed", key.len,
                         CAIRN_KEY_BYTES_MAX);
    }
    return CAIRN_OK;
}

/* Appends the namespace to the key that stands in the buffer, and makes it the current place. */
static cairn_code finish_place(keyed_state *states, cairn_slice name_space, uint32_t key_group,
                               cairn_error *err)
{
    current_key *current = &states->current;

    CAIRN_TRY(state_key_append_namespace(&current->bytes, name_space, err));
    current->place = (state_place){cairn_buf_slice(&current->bytes), key_group, current->bytes.len};
    return CAIRN_OK;
}

static cairn_code finish_key(keyed_state *states, cairn_slice key, uint32_t key_group,
                             cairn_error *err)
{
    current_key *current = &states->current;

    if (key_group < states->range.first || key_group > states->range.last) {
        return error_set(err, CAIRN_E_INVALID, "set key: key group %u is not owned (%u..%u are)",
                         key_group, states->range.first, states->range.last);
    }
    CAIRN_TRY(state_key_begin(&current->bytes, key_group, states->max_parallelism, key, err));
    current->key_bytes = current->bytes.len;
    return finish_place(states, (cairn_slice){NULL, 0}, key_group, err);
}

cairn_code keyed_state_set_key_in_group(keyed_state *states, cairn_slice key, uint32_t key_group,
                                        cairn_error *err)
{
    CAIRN_TRY(begin_key(states, key, err));
    return finish_key(states, key, key_group, err);
}

cairn_code keyed_state_set_key(keyed_state *states, cairn_slice key, cairn_error *err)
{
    CAIRN_TRY(begin_key(states, key, err));
    return finish_key(states, key, cairn_key_group_of(key, states->max_parallelism), err);
}

cairn_code keyed_state_set_namespace(keyed_state *states, cairn_slice name_space, cairn_error *err)
{
    current_key *current = &states->current;
    uint32_t key_group = current->place.key_group;

    if (current->place.bytes.data == NULL) {
        return state_no_key("set namespace", err);
    }
    keyed_state_clear_key(states);
    if (!state_slice_is_valid(name_space)) {
        return error_set(err, CAIRN_E_INVALID, "set namespace: %zu bytes at NULL", name_space.len);
    }
    current->bytes.len = current->key_bytes;
    return finish_place(states, name_space, key_group, err);
}

uint64_t keyed_state_now_ms(const keyed_state *states)
{
    return entry_clock_now(&states->clock);
}

cairn_code keyed_state_check(const keyed_state *states, cairn_error *err)
{
    if (states->half_rewritten != NULL) {
        return error_set(err, CAIRN_E_STATE,
                         "state '%s' is half rewritten, because its migration failed; close the "
                         "backend and start again from the last checkpoint",
                         states->half_rewritten);
    }
    return CAIRN_OK;
}

const cairn_state_info *keyed_state_infos(const keyed_state *states, size_t *out_count)
{
    *out_count = states->registry.count;
    return states->registry.infos;
}
