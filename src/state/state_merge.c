#include "state_merge.h"

#include "bounds.h"
#include "errors.h"
#include "state_key.h"

#define CALL "merge namespaces"

typedef struct merge_run {
    const state_handle *handle;
    state_table *table;
    state_merge merge; /* of `names` */
    cairn_buf names;   /* a copy: those of the caller may lie in what the last read gave */
    cairn_slice sources[CAIRN_MERGE_SOURCES_MAX];
    const state_merge_ops *ops;
    void *context;
    cairn_buf bytes;                    /* of the place at hand */
    bool held[CAIRN_MERGE_SOURCES_MAX]; /* sources that held something and must be removed */
} merge_run;

static void merge_run_release(merge_run *run)
{
    cairn_buf_release(&run->bytes);
    cairn_buf_release(&run->names);
}

CAIRN_DEFINE_AUTO(merge_run, merge_run_release)

static cairn_code check(const state_handle *handle, const state_merge *merge, cairn_error *err)
{
    bool valid = state_slice_is_valid(merge->target) && (merge->count == 0 || merge->sources);

    if (merge->count > CAIRN_MERGE_SOURCES_MAX) {
        return error_set(err, CAIRN_E_LIMIT, CALL ": %zu sources, at most %d are allowed",
                         merge->count, CAIRN_MERGE_SOURCES_MAX);
    }
    for (size_t i = 0; valid && i < merge->count; i++) {
        valid = state_slice_is_valid(merge->sources[i]);
    }
    return state_ready(handle, valid, CALL, err);
}

/* The buffer has room for it. */
static cairn_slice keep_name(merge_run *run, cairn_slice name)
{
    const cairn_slice kept = {run->names.data + run->names.len, name.len};

    CAIRN_ASSERT(buf_append(&run->names, name.data, name.len, NULL) == CAIRN_OK);
    return kept;
}

static cairn_code keep_names(merge_run *run, const state_merge *merge, cairn_error *err)
{
    size_t bytes = merge->target.len + 1; /* so that there is an address if all are empty */

    CAIRN_TRY(state_key_check_namespace(merge->target, err));
    for (size_t i = 0; i < merge->count; i++) {
        CAIRN_TRY(state_key_check_namespace(merge->sources[i], err));
        bytes += merge->sources[i].len;
    }
    cairn_buf_init(&run->names, bytes);
    CAIRN_TRY(buf_reserve(&run->names, bytes, err));
    run->merge = (state_merge){keep_name(run, merge->target), run->sources, merge->count};
    for (size_t i = 0; i < merge->count; i++) {
        run->sources[i] = keep_name(run, merge->sources[i]);
    }
    return CAIRN_OK;
}

/* The place of a namespace of the current key; valid until the next one. */
static cairn_code place_of(merge_run *run, cairn_slice name_space, state_place *out,
                           cairn_error *err)
{
    const current_key *current = run->handle->current;

    buf_clear(&run->bytes);
    CAIRN_TRY(buf_append(&run->bytes, current->bytes.data, current->key_bytes, err));
    CAIRN_TRY(state_key_append_namespace(&run->bytes, name_space, err));
    *out = (state_place){cairn_buf_slice(&run->bytes), current->place.key_group, run->bytes.len};
    return CAIRN_OK;
}

static cairn_code take_from(merge_run *run, cairn_slice name_space, bool *out_held,
                            cairn_error *err)
{
    cairn_slice stored = {NULL, 0};
    state_place place;

    CAIRN_TRY(place_of(run, name_space, &place, err));
    CAIRN_TRY(run->table->ops->get(run->table, &place, &stored, out_held, err));
    return *out_held ? run->ops->take(run->context, stored, err) : CAIRN_OK;
}

/* The target counts as target, and a source that is named again as its first. */
static bool is_named_before(const state_merge *merge, size_t index)
{
    cairn_slice source = merge->sources[index];
    bool found = cairn_slice_equal(source, merge->target);

    for (size_t i = 0; !found && i < index; i++) {
        found = cairn_slice_equal(source, merge->sources[i]);
    }
    return found;
}

static cairn_code take_all(merge_run *run, bool *out_any, cairn_error *err)
{
    const state_merge *merge = &run->merge;
    bool held = false;

    if (run->ops->with_target) {
        CAIRN_TRY(take_from(run, merge->target, &held, err));
    }
    for (size_t i = 0; i < merge->count; i++) {
        if (!is_named_before(merge, i)) {
            CAIRN_TRY(take_from(run, merge->sources[i], &run->held[i], err));
            *out_any = *out_any || run->held[i];
        }
    }
    return CAIRN_OK;
}

static cairn_code remove_sources(merge_run *run, cairn_error *err)
{
    state_place place;

    for (size_t i = 0; i < run->merge.count; i++) {
        if (run->held[i]) {
            CAIRN_TRY(place_of(run, run->merge.sources[i], &place, err));
            CAIRN_TRY(run->table->ops->remove(run->table, &place, err));
        }
    }
    return CAIRN_OK;
}

cairn_code state_merge_run(const state_handle *handle, const state_merge *merge,
                           const state_merge_ops *ops, void *context, cairn_error *err)
{
    CAIRN_AUTO(merge_run)
    run = {.handle = handle, .ops = ops, .context = context};
    state_place target;
    bool any = false;

    CAIRN_TRY(check(handle, merge, err));
    run.table = ops->as_stored ? state_table_stored(handle->table) : handle->table;
    CAIRN_TRY(keep_names(&run, merge, err));
    CAIRN_TRY(take_all(&run, &any, err));
    if (!any) {
        return CAIRN_OK;
    }
    CAIRN_TRY(place_of(&run, run.merge.target, &target, err));
    CAIRN_TRY(ops->give(context, &target, err));
    return remove_sources(&run, err);
}
