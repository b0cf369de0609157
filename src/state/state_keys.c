/* The keys and namespaces that hold something in a state. */
#include "errors.h"
#include "keyed_state_impl.h"
#include "state_key.h"

#include <string.h>

typedef struct pair_visit {
    const keyed_state *states;
    const cairn_slice *name_space; /* NULL: all */
    cairn_state_key_visit visit;
    void *context;
} pair_visit;

static bool begins_with(cairn_slice key, const cairn_buf *prefix)
{
    return prefix->len > 0 && key.len >= prefix->len &&
           memcmp(key.data, prefix->data, prefix->len) == 0;
}

/* Visits the pair of an entry, and leaves in `last` what all entries of the pair begin with. */
static cairn_code visit_pair(const pair_visit *each, cairn_slice key, cairn_buf *last,
                             cairn_error *err)
{
    CAIRN_AUTO(state_key_parts) parts = {0};

    CAIRN_TRY(state_key_decode(key, each->states->max_parallelism, &parts, err));
    buf_clear(last);
    CAIRN_TRY(buf_append(last, key.data, key.len - parts.user_key.len, err));
    const cairn_state_key pair = {cairn_buf_slice(&parts.key), cairn_buf_slice(&parts.name_space),
                                  parts.key_group};
    if (each->name_space != NULL && !cairn_slice_equal(pair.name_space, *each->name_space)) {
        return CAIRN_OK;
    }
    return each->visit(each->context, &pair, err);
}

/* A scan keeps the entries of a pair together: each begins as the one before, or is another. */
static cairn_code visit_all(const pair_visit *each, state_cursor *cursor, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) last = {0};
    cairn_slice key;
    cairn_slice value;

    while (cursor->ops->next(cursor, &key, &value)) {
        if (!begins_with(key, &last)) {
            CAIRN_TRY(visit_pair(each, key, &last, err));
        }
    }
    return cursor->ops->status(cursor, err);
}

static cairn_code visit_state(const pair_visit *each, const char *state, cairn_error *err)
{
    CAIRN_AUTO_PTR(state_cursor_free) state_cursor *cursor = NULL;
    const state_registry *registry = &each->states->registry;
    bool found = false;
    const size_t place = state_registry_find(registry, state, &found);

    if (!found) {
        return CAIRN_OK;
    }
    if (registry->infos[place].kind == CAIRN_STATE_TIMERS) {
        return error_set(err, CAIRN_E_INVALID, "visit keys: '%s' holds timers", state);
    }
    state_table *const table = registry->handles[place]->table;
    CAIRN_TRY(table->ops->scan(table, &cursor, err));
    return visit_all(each, cursor, err);
}

cairn_code keyed_state_visit_keys(keyed_state *states, const char *state,
                                  const cairn_slice *name_space, cairn_state_key_visit visit,
                                  void *context, cairn_error *err)
{
    const pair_visit each = {states, name_space, visit, context};
    cairn_code code;

    if (state == NULL || visit == NULL ||
        (name_space != NULL && !state_slice_is_valid(*name_space))) {
        return error_set(err, CAIRN_E_INVALID, "visit keys: an argument is NULL");
    }
    code = visit_state(&each, state, err);
    keyed_state_clear_key(states);
    return code;
}

typedef struct apply_to_key {
    keyed_state *states;
    cairn_state_key_visit apply;
    void *context;
} apply_to_key;

static cairn_code apply_one(void *context, const cairn_state_key *key, cairn_error *err)
{
    const apply_to_key *to = context;

    CAIRN_TRY(keyed_state_set_key_in_group(to->states, key->key, key->key_group, err));
    CAIRN_TRY(keyed_state_set_namespace(to->states, key->name_space, err));
    return to->apply(to->context, key, err);
}

cairn_code keyed_state_apply_to_all_keys(keyed_state *states, const char *state,
                                         const cairn_slice *name_space, cairn_state_key_visit apply,
                                         void *context, cairn_error *err)
{
    apply_to_key to = {states, apply, context};

    return keyed_state_visit_keys(states, state, name_space, apply == NULL ? NULL : apply_one, &to,
                                  err);
}
