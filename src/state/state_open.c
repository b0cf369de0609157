/* States of all kinds are opened here: restored ones, new ones, ones that are open. */
#include "errors.h"
#include "keyed_state_impl.h"
#include "state_descriptor.h"
#include "state_rewrite.h"

/* What bind_table needs. */
static cairn_code prepare_table(state_handle *handle, const cairn_ttl *ttl, cairn_error *err)
{
    return ttl->ttl_ms > 0 && handle->ttl == NULL ? ttl_table_new(handle->kind, &handle->ttl, err)
                                                  : CAIRN_OK;
}

/* The engine's table, or one with a time to live over it, is what the calls of a handle work on.
 * Cannot fail: it comes last. A decorator that is no longer used stays with the handle: a visit of
 * keys may be under way on it. */
static void bind_table(const keyed_state *states, state_handle *handle, state_table *table,
                       const cairn_ttl *ttl)
{
    if (ttl->ttl_ms > 0) {
        handle->table = ttl_table_bind(handle->ttl, table, ttl, &states->clock);
    } else {
        handle->table = table;
    }
}

/* A state that is opened has the program's time to live, and the engine may judge by it. */
static void bind_opened(const keyed_state *states, state_handle *handle, state_table *table,
                        const cairn_ttl *ttl)
{
    bind_table(states, handle, table, ttl);
    if (ttl->ttl_ms > 0) {
        ttl_filter_begin(handle->ttl);
    }
}

static cairn_code check_kind(const cairn_state_info *info, cairn_error *err)
{
    if (info->kind < CAIRN_STATE_VALUE || info->kind > CAIRN_STATE_TIMERS) {
        return error_set(err, CAIRN_E_INTEGRITY, "restored state '%s': kind %d is unknown",
                         info->name, (int)info->kind);
    }
    if (info->kind == CAIRN_STATE_TIMERS && info->ttl_ms > 0) {
        return error_set(err, CAIRN_E_INTEGRITY, "restored state '%s': timers with a time to live",
                         info->name);
    }
    return CAIRN_OK;
}

/* Some engines keep nothing of a table that is empty: it is made anew. */
static cairn_code restored_table(keyed_state *states, const cairn_state_info *info,
                                 state_table **out, cairn_error *err)
{
    const state_engine_ops *ops = states->engine->ops;
    state_table *const table = ops->find_table(states->engine, info->name);

    if (table == NULL && !ops->keeps_empty_tables) {
        return ops->create_table(states->engine, info->name, info->kind, out, err);
    }
    if (table == NULL) {
        return error_set(err, CAIRN_E_INTEGRITY, "restored state '%s' has no table", info->name);
    }
    if (!ops->fits(table, info->kind)) {
        return error_set(err, CAIRN_E_INTEGRITY,
                         "restored state '%s' is of kind %s, but its table is of another",
                         info->name, state_kind_name(info->kind));
    }
    *out = table;
    return CAIRN_OK;
}

cairn_code state_open_restored(keyed_state *states, const cairn_state_info *from, cairn_error *err)
{
    CAIRN_AUTO(cairn_state_info) info = {0};
    CAIRN_AUTO_PTR(state_handle_free) state_handle *handle = NULL;
    state_table *table = NULL;
    bool found;
    size_t place = state_registry_find(&states->registry, from->name, &found);

    if (found) {
        return error_set(err, CAIRN_E_INTEGRITY, "restored state '%s' is named twice", from->name);
    }
    CAIRN_TRY(check_kind(from, err));
    handle = state_handle_new(from->kind, NULL, &states->current);
    if (handle == NULL) {
        return error_no_memory(err, "state");
    }
    CAIRN_TRY(state_info_copy(from, &info, err));
    CAIRN_TRY(state_registry_reserve(&states->registry, err));
    /* Nothing is judged by it: the program may open the state with a longer one. */
    const cairn_ttl ttl = {.ttl_ms = from->ttl_ms};
    CAIRN_TRY(prepare_table(handle, &ttl, err));
    CAIRN_TRY(restored_table(states, from, &table, err));
    bind_table(states, handle, table, &ttl);
    state_registry_insert(&states->registry, place, &info, CAIRN_TAKE(handle));
    return CAIRN_OK;
}

/* A table that nobody registered holds bytes of unknown serializers. */
static cairn_code create_table(keyed_state *states, const char *name, cairn_state_kind kind,
                               state_table **out, cairn_error *err)
{
    cairn_code code = states->engine->ops->create_table(states->engine, name, kind, out, err);

    if (code == CAIRN_E_EXISTS) {
        return error_set(err, CAIRN_E_INTEGRITY,
                         "open state '%s': its table exists, but no checkpoint names it", name);
    }
    return code;
}

/* The table comes last: what fails before leaves nothing behind in the engine. */
static cairn_code add_new(keyed_state *states, size_t place, cairn_state_kind kind,
                          const cairn_state_descriptor *descriptor, cairn_error *err)
{
    CAIRN_AUTO(cairn_state_info) info = {0};
    CAIRN_AUTO_PTR(state_handle_free)
    state_handle *handle = state_handle_new(kind, NULL, &states->current);
    state_table *table = NULL;

    if (handle == NULL) {
        return error_no_memory(err, "state");
    }
    CAIRN_TRY(state_descriptor_describe(descriptor, kind, &info, err));
    CAIRN_TRY(state_registry_reserve(&states->registry, err));
    CAIRN_TRY(prepare_table(handle, &descriptor->ttl, err));
    CAIRN_TRY(create_table(states, descriptor->name, kind, &table, err));
    bind_opened(states, handle, table, &descriptor->ttl);
    state_registry_insert(&states->registry, place, &info, CAIRN_TAKE(handle));
    return CAIRN_OK;
}

/* Who holds the handle reads and writes what it was opened with. */
static cairn_code check_unopened(const state_handle *handle, const cairn_state_info *info,
                                 cairn_error *err)
{
    if (handle->opened) {
        return error_set(err, CAIRN_E_INCOMPATIBLE,
                         "open state '%s': it is open with value serializer %s version %u and %s "
                         "time to live, and is not rewritten under those who use it",
                         info->name, info->value_serializer.id, info->value_serializer.version,
                         info->ttl_ms > 0 ? "a" : "no");
    }
    return CAIRN_OK;
}

static cairn_code rewrite_table(keyed_state *states, state_table *table,
                                const state_rewrite *rewrite, cairn_error *err)
{
    bool begun = false;

    ttl_filter_end(table); /* until it is bound again: both forms stand there */
    const cairn_code code = state_rewrite_run(table, rewrite, &begun, err);

    if (code != CAIRN_OK && begun) {
        states->half_rewritten = rewrite->from->name;
    }
    return code;
}

static cairn_code open_known(keyed_state *states, size_t place, cairn_state_kind kind,
                             const cairn_state_descriptor *descriptor, cairn_error *err)
{
    CAIRN_AUTO(cairn_state_info) to = {0};
    cairn_state_info *const from = &states->registry.infos[place];
    state_handle *const handle = states->registry.handles[place];
    state_table *const table = states->engine->ops->find_table(states->engine, from->name);
    const cairn_migration *migration = NULL;

    CAIRN_TRY(state_descriptor_compare(from, kind, descriptor, &migration, err));
    CAIRN_TRY(state_descriptor_describe(descriptor, kind, &to, err));
    CAIRN_TRY(prepare_table(handle, &descriptor->ttl, err));
    const state_rewrite rewrite = {from, &to, migration, states->max_parallelism,
                                   keyed_state_now_ms(states)};
    if (state_rewrite_is_needed(&rewrite)) {
        CAIRN_TRY(check_unopened(handle, from, err));
        CAIRN_TRY(rewrite_table(states, table, &rewrite, err));
    }
    state_info_release(from);
    state_info_move(&to, from);
    bind_opened(states, handle, table, &descriptor->ttl);
    return CAIRN_OK;
}

cairn_code state_open_kind(keyed_state *states, const cairn_state_descriptor *descriptor,
                           cairn_state_kind kind, state_handle **out, cairn_error *err)
{
    state_registry *registry = &states->registry;
    bool found;
    size_t place;

    CAIRN_TRY(keyed_state_check(states, err));
    CAIRN_TRY(state_descriptor_check(descriptor, err));
    place = state_registry_find(registry, descriptor->name, &found);
    CAIRN_TRY(found ? open_known(states, place, kind, descriptor, err)
                    : add_new(states, place, kind, descriptor, err));
    registry->handles[place]->opened = true;
    *out = registry->handles[place];
    return CAIRN_OK;
}

cairn_code keyed_state_open_value(keyed_state *states, const cairn_state_descriptor *descriptor,
                                  cairn_value_state **out, cairn_error *err)
{
    state_handle *handle = NULL;

    CAIRN_TRY(state_open_kind(states, descriptor, CAIRN_STATE_VALUE, &handle, err));
    *out = (cairn_value_state *)handle;
    return CAIRN_OK;
}

cairn_code keyed_state_open_list(keyed_state *states, const cairn_state_descriptor *descriptor,
                                 cairn_list_state **out, cairn_error *err)
{
    state_handle *handle = NULL;

    CAIRN_TRY(state_open_kind(states, descriptor, CAIRN_STATE_LIST, &handle, err));
    *out = (cairn_list_state *)handle;
    return CAIRN_OK;
}

cairn_code keyed_state_open_map(keyed_state *states, const cairn_state_descriptor *descriptor,
                                cairn_map_state **out, cairn_error *err)
{
    state_handle *handle = NULL;

    CAIRN_TRY(state_open_kind(states, descriptor, CAIRN_STATE_MAP, &handle, err));
    *out = (cairn_map_state *)handle;
    return CAIRN_OK;
}

cairn_code keyed_state_open_reducing(keyed_state *states, const cairn_state_descriptor *descriptor,
                                     const cairn_reduce_function *function,
                                     cairn_reducing_state **out, cairn_error *err)
{
    state_handle *handle = NULL;

    if (function == NULL || function->reduce == NULL) {
        return error_set(err, CAIRN_E_INVALID, "open state: a reducing state needs its function");
    }
    CAIRN_TRY(state_open_kind(states, descriptor, CAIRN_STATE_REDUCING, &handle, err));
    *out = (cairn_reducing_state *)handle;
    (*out)->function = *function;
    return CAIRN_OK;
}

cairn_code keyed_state_open_aggregating(keyed_state *states,
                                        const cairn_state_descriptor *descriptor,
                                        const cairn_aggregate_function *function,
                                        cairn_aggregating_state **out, cairn_error *err)
{
    state_handle *handle = NULL;

    if (function == NULL || function->create == NULL || function->add == NULL ||
        function->get_result == NULL) {
        return error_set(err, CAIRN_E_INVALID,
                         "open state: an aggregating state needs create, add and get_result");
    }
    CAIRN_TRY(state_open_kind(states, descriptor, CAIRN_STATE_AGGREGATING, &handle, err));
    *out = (cairn_aggregating_state *)handle;
    (*out)->function = *function;
    return CAIRN_OK;
}
