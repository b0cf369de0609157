#include "state_handle.h"

#include "bounds.h"
#include "errors.h"
#include "state_fold.h"

static size_t handle_bytes(cairn_state_kind kind)
{
    static const size_t bytes[] = {
        [CAIRN_STATE_VALUE] = sizeof(cairn_value_state),
        [CAIRN_STATE_LIST] = sizeof(cairn_list_state),
        [CAIRN_STATE_MAP] = sizeof(cairn_map_state),
        [CAIRN_STATE_REDUCING] = sizeof(cairn_reducing_state),
        [CAIRN_STATE_AGGREGATING] = sizeof(cairn_aggregating_state),
        [CAIRN_STATE_TIMERS] = sizeof(cairn_timers),
    };

    CAIRN_ASSERT((size_t)kind < CAIRN_ARRAY_LEN(bytes));
    return bytes[kind];
}

static void init_kind(state_handle *handle)
{
    switch (handle->kind) {
    case CAIRN_STATE_VALUE:
    case CAIRN_STATE_TIMERS:
        break;
    case CAIRN_STATE_LIST:
        cairn_buf_init(&((cairn_list_state *)handle)->scratch, CAIRN_LIST_BYTES_MAX);
        break;
    case CAIRN_STATE_MAP:
        ((cairn_map_state *)handle)->iterator.state = (cairn_map_state *)handle;
        break;
    case CAIRN_STATE_REDUCING:
        state_fold_init(&((cairn_reducing_state *)handle)->fold);
        break;
    case CAIRN_STATE_AGGREGATING:
        state_fold_init(&((cairn_aggregating_state *)handle)->fold);
        cairn_buf_init(&((cairn_aggregating_state *)handle)->result, CAIRN_VALUE_BYTES_MAX);
        break;
    }
}

static void release_kind(state_handle *handle)
{
    switch (handle->kind) {
    case CAIRN_STATE_VALUE:
        break;
    case CAIRN_STATE_LIST:
        cairn_buf_release(&((cairn_list_state *)handle)->scratch);
        break;
    case CAIRN_STATE_MAP:
        cairn_map_iterator_free(&((cairn_map_state *)handle)->iterator);
        cairn_buf_release(&((cairn_map_state *)handle)->iterator.key);
        cairn_buf_release(&((cairn_map_state *)handle)->place);
        cairn_buf_release(&((cairn_map_state *)handle)->typed_key);
        break;
    case CAIRN_STATE_REDUCING:
        state_fold_release(&((cairn_reducing_state *)handle)->fold);
        break;
    case CAIRN_STATE_AGGREGATING:
        state_fold_release(&((cairn_aggregating_state *)handle)->fold);
        cairn_buf_release(&((cairn_aggregating_state *)handle)->result);
        break;
    case CAIRN_STATE_TIMERS:
        timer_queue_free(((cairn_timers *)handle)->queue);
        state_key_parts_release(&((cairn_timers *)handle)->due);
        break;
    }
}

state_handle *state_handle_new(cairn_state_kind kind, state_table *table,
                               const current_key *current)
{
    state_handle *handle = mem_calloc(1, handle_bytes(kind));

    if (handle != NULL) {
        *handle = (state_handle){.kind = kind, .table = table, .current = current};
        cairn_buf_init(&handle->typed, CAIRN_VALUE_BYTES_MAX);
        init_kind(handle);
    }
    return handle;
}

void state_handle_free(state_handle *handle)
{
    if (handle != NULL) {
        release_kind(handle);
        cairn_buf_release(&handle->typed);
        ttl_table_free(handle->ttl);
        mem_free(handle);
    }
}

void state_report_argument(const char *call, cairn_error *err)
{
    (void)error_set(err, CAIRN_E_INVALID, "%s: the state or an argument is NULL", call);
}

void state_report_no_key(const char *call, cairn_error *err)
{
    (void)error_set(err, CAIRN_E_STATE, "%s: no key is set", call);
}

cairn_code state_check_value(size_t bytes, const char *call, cairn_error *err)
{
    if (bytes > CAIRN_VALUE_BYTES_MAX) {
        return error_set(err, CAIRN_E_LIMIT, "%s: %zu bytes, at most %zu are allowed", call, bytes,
                         CAIRN_VALUE_BYTES_MAX);
    }
    return CAIRN_OK;
}

void state_scratch_clear(cairn_buf *scratch)
{
    if (scratch->capacity > CAIRN_STATE_SCRATCH_BYTES_MAX) {
        cairn_buf_release(scratch);
    }
    buf_clear(scratch);
}
