#include "state_fold.h"

#include "bounds.h"

void state_fold_init(state_fold *fold)
{
    cairn_buf_init(&fold->element, CAIRN_VALUE_BYTES_MAX);
    cairn_buf_init(&fold->sum, CAIRN_VALUE_BYTES_MAX);
    cairn_buf_init(&fold->spare, CAIRN_VALUE_BYTES_MAX);
}

void state_fold_release(state_fold *fold)
{
    cairn_buf_release(&fold->element);
    cairn_buf_release(&fold->sum);
    cairn_buf_release(&fold->spare);
}

cairn_code state_fold_begin(state_fold *fold, cairn_slice element, cairn_error *err)
{
    CAIRN_TRY(state_check_value(element.len, STATE_FOLD_CALL, err));
    state_scratch_clear(&fold->element);
    state_scratch_clear(&fold->sum);
    state_scratch_clear(&fold->spare);
    return buf_append(&fold->element, element.data, element.len, err);
}

cairn_code state_fold_store(const state_handle *handle, const state_fold *fold, cairn_error *err)
{
    CAIRN_TRY(state_check_value(fold->spare.len, STATE_FOLD_CALL, err));
    return state_put(handle, cairn_buf_slice(&fold->spare), err);
}

/* --- merge ------------------------------------------------------------------------------------ */

typedef struct fold_merge {
    const state_handle *handle;
    state_fold *fold; /* `sum` holds what was taken so far */
    const cairn_reduce_function *sum;
    bool started;
} fold_merge;

static cairn_code take(void *context, cairn_slice stored, cairn_error *err)
{
    fold_merge *merge = context;
    state_fold *fold = merge->fold;
    const cairn_buf before = fold->sum;

    if (!merge->started) {
        merge->started = true;
        return buf_append(&fold->sum, stored.data, stored.len, err);
    }
    buf_clear(&fold->spare);
    CAIRN_TRY(merge->sum->reduce(merge->sum->context, cairn_buf_slice(&fold->sum), stored,
                                 &fold->spare, err));
    fold->sum = fold->spare;
    fold->spare = before;
    return state_check_value(fold->sum.len, "merge namespaces", err);
}

static cairn_code give(void *context, const state_place *target, cairn_error *err)
{
    const fold_merge *merge = context;
    state_table *table = merge->handle->table;

    return table->ops->put(table, target, cairn_buf_slice(&merge->fold->sum), err);
}

cairn_code state_fold_merge(const state_handle *handle, state_fold *fold,
                            const cairn_reduce_function *sum, const state_merge *merge,
                            cairn_error *err)
{
    static const state_merge_ops ops = {take, give, .with_target = true, .as_stored = false};
    fold_merge context = {handle, fold, sum, false};

    state_scratch_clear(&fold->sum);
    state_scratch_clear(&fold->spare);
    return state_merge_run(handle, merge, &ops, &context, err);
}
