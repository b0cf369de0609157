#include "operator_scan.h"

#include "errors.h"
#include "restore_operators.h"
#include "state_elements.h"

#include <string.h>

static bool has_state(const cairn_subtask_info *subtask, const char *name)
{
    const cairn_operator_states_info *has = subtask->operator_states;

    for (size_t i = 0; has != NULL && i < has->state_count; i++) {
        if (strcmp(has->states[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static cairn_code visit_state(const operator_image_state *state, uint32_t subtask,
                              const cairn_operator_scan *scan, cairn_error *err)
{
    const bool is_map = state->info.mode == CAIRN_OPERATOR_BROADCAST;
    cairn_slice rest = cairn_buf_slice(&state->bytes);
    cairn_operator_element element = {.subtask = subtask};

    while ((!is_map || element_next(&rest, &element.key)) && element_next(&rest, &element.value)) {
        CAIRN_TRY(scan->visit(scan->context, &element, err));
    }
    return CAIRN_OK;
}

static cairn_code scan_subtask(const transfer_context *context, const cairn_subtask_info *subtask,
                               const cairn_operator_scan *scan, cairn_error *err)
{
    CAIRN_AUTO(operator_image) image = {0};

    CAIRN_TRY(restore_operator_image(context, subtask, &image, err));
    for (size_t i = 0; i < image.count; i++) {
        if (strcmp(image.states[i].info.name, scan->state) == 0) {
            CAIRN_TRY(visit_state(&image.states[i], subtask->index, scan, err));
        }
    }
    return CAIRN_OK;
}

static const cairn_operator_info *find_operator(const cairn_manifest *manifest, const char *uid)
{
    for (size_t i = 0; i < manifest->operator_count; i++) {
        if (strcmp(manifest->operators[i].uid, uid) == 0) {
            return &manifest->operators[i];
        }
    }
    return NULL;
}

cairn_code operator_scan_run(const transfer_context *context, const cairn_manifest *manifest,
                             const cairn_operator_scan *scan, cairn_error *err)
{
    const cairn_operator_info *op = find_operator(manifest, scan->operator_uid);
    bool found = false;

    for (size_t i = 0; op != NULL && i < op->subtask_count; i++) {
        if (has_state(&op->subtasks[i], scan->state)) {
            found = true;
            CAIRN_TRY(scan_subtask(context, &op->subtasks[i], scan, err));
        }
    }
    return found ? CAIRN_OK
                 : error_set(err, CAIRN_E_NOT_FOUND,
                             "checkpoint %llu has no operator state %s of operator %s",
                             (unsigned long long)manifest->id, scan->state, scan->operator_uid);
}
