/*
 * Files of operator state. What is read must be written again as the same bytes, and as states of a
 * subtask it must give the same bytes once more.
 */
#include "fuzz.h"
#include "operator_states.h"

#include <stdlib.h>
#include <string.h>

static void must(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void write_again(const operator_image *image, cairn_slice expected)
{
    CAIRN_AUTO(cairn_buf) file = {0};

    must(operator_file_begin(&file, image->count, NULL) == CAIRN_OK);
    for (size_t i = 0; i < image->count; i++) {
        must(operator_file_add(&file, &image->states[i].info,
                               cairn_buf_slice(&image->states[i].bytes), NULL) == CAIRN_OK);
    }
    must(cairn_slice_equal(cairn_buf_slice(&file), expected));
}

static void live_and_freeze(const operator_image *image, cairn_slice expected)
{
    CAIRN_AUTO_PTR(operator_states_free) operator_states *states = NULL;
    CAIRN_AUTO_PTR(operator_frozen_free) operator_frozen *frozen = NULL;
    CAIRN_AUTO(cairn_buf) file = {0};

    if (operator_states_new(image, &states, NULL) != CAIRN_OK) {
        return; /* each state fits, but not all of them together */
    }
    must(operator_states_freeze(states, &frozen, NULL) == CAIRN_OK);
    must((frozen == NULL) == (image->count == 0));
    if (frozen != NULL) {
        must(operator_frozen_print(frozen, &file, NULL) == CAIRN_OK);
        must(cairn_slice_equal(cairn_buf_slice(&file), expected));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CAIRN_AUTO(operator_image) image = {0};
    const cairn_slice file = {data, size};

    if (operator_file_read(file, &image, NULL) != CAIRN_OK) {
        return 0;
    }
    write_again(&image, file);
    live_and_freeze(&image, file);
    return 0;
}
