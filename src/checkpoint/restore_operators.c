#include "restore_operators.h"

#include "errors.h"
#include "operator_redistribute.h"

cairn_code restore_operator_image(const transfer_context *context,
                                  const cairn_subtask_info *subtask, operator_image *out,
                                  cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) bytes = {0};
    CAIRN_AUTO(operator_image) image = {0};
    const cairn_operator_states_info *told = subtask->operator_states;

    if (told == NULL) {
        *out = image;
        return CAIRN_OK;
    }
    CAIRN_TRY(transfer_read(context, &told->file, &bytes, err));
    cairn_code code = operator_file_read(cairn_buf_slice(&bytes), &image, err);
    code = code == CAIRN_OK ? operator_image_check(&image, told, err) : code;
    if (code != CAIRN_OK) {
        return error_prefix(err, code, "%s", told->file.key);
    }
    *out = operator_image_take(&image);
    return CAIRN_OK;
}

/* The images of all subtasks, by index. */
typedef struct image_list {
    operator_image *items;
    size_t count;
} image_list;

static void image_list_release(image_list *list)
{
    for (size_t i = 0; list->items != NULL && i < list->count; i++) {
        operator_image_release(&list->items[i]);
    }
    mem_free(list->items);
}
CAIRN_DEFINE_AUTO(image_list, image_list_release)

cairn_code restore_operator_states(const transfer_context *context, const cairn_operator_info *op,
                                   operator_states **out, cairn_error *err)
{
    CAIRN_AUTO(image_list)
    images = {.items = mem_calloc(op->subtask_count, sizeof(operator_image)),
              .count = op->subtask_count};
    CAIRN_AUTO(operator_image) own = {0};
    const operator_place place = {.old_parallelism = (uint32_t)op->subtask_count, .parallelism = 1};

    if (images.items == NULL) {
        return error_no_memory(err, "restore");
    }
    for (size_t i = 0; i < op->subtask_count; i++) {
        CAIRN_TRY(restore_operator_image(context, &op->subtasks[i], &images.items[i], err));
    }
    CAIRN_TRY(operator_redistribute(images.items, &place, &own, err));
    return operator_states_new(&own, out, err);
}
