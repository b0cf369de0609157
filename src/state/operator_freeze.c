/* The operator states as of one moment, and their file. */
#include "bounds.h"
#include "errors.h"
#include "operator_log.h"
#include "operator_states_impl.h"

struct operator_frozen {
    cairn_operator_state_info *infos;
    operator_bytes *bytes; /* of each, shared with the owner */
    size_t count;
};

void operator_frozen_free(operator_frozen *frozen)
{
    if (frozen == NULL) {
        return;
    }
    operator_state_infos_free(frozen->infos, frozen->count);
    for (size_t i = 0; i < frozen->count; i++) {
        operator_bytes_release(&frozen->bytes[i]);
    }
    mem_free(frozen->bytes);
    mem_free(frozen);
}

cairn_code operator_states_freeze(const operator_states *states, operator_frozen **out,
                                  cairn_error *err)
{
    CAIRN_AUTO_PTR(operator_frozen_free) operator_frozen *frozen = NULL;

    if (states->count == 0) {
        *out = NULL;
        return CAIRN_OK;
    }
    frozen = mem_calloc(1, sizeof(*frozen));
    if (frozen == NULL) {
        return error_no_memory(err, "operator state");
    }
    frozen->infos = mem_calloc(states->count, sizeof(*frozen->infos));
    frozen->bytes = mem_calloc(states->count, sizeof(*frozen->bytes));
    if (frozen->infos == NULL || frozen->bytes == NULL) {
        return error_no_memory(err, "operator state");
    }
    for (; frozen->count < states->count; frozen->count++) {
        const operator_state *state = states->items[frozen->count];

        CAIRN_TRY(operator_state_info_copy(&state->info, &frozen->infos[frozen->count], err));
        frozen->bytes[frozen->count] = operator_bytes_share(&state->bytes);
    }
    *out = CAIRN_TAKE(frozen);
    return CAIRN_OK;
}

const cairn_operator_state_info *operator_frozen_infos(const operator_frozen *frozen,
                                                       size_t *out_count)
{
    *out_count = frozen->count;
    return frozen->infos;
}

static cairn_code add_broadcast(const cairn_operator_state_info *info, cairn_slice log,
                                cairn_buf *out, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) sorted = {.limit = CAIRN_OPERATOR_BYTES_MAX};

    CAIRN_TRY(operator_log_write(log, info->elements, &sorted, err));
    return operator_file_add(out, info, cairn_buf_slice(&sorted), err);
}

cairn_code operator_frozen_print(const operator_frozen *frozen, cairn_buf *out, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) file = {0};

    CAIRN_TRY(operator_file_begin(&file, frozen->count, err));
    for (size_t i = 0; i < frozen->count; i++) {
        const cairn_operator_state_info *info = &frozen->infos[i];
        const cairn_slice bytes = operator_bytes_slice(&frozen->bytes[i]);

        CAIRN_TRY(info->mode == CAIRN_OPERATOR_BROADCAST
                      ? add_broadcast(info, bytes, &file, err)
                      : operator_file_add(&file, info, bytes, err));
    }
    cairn_buf_release(out);
    *out = buf_take(&file);
    return CAIRN_OK;
}
