/* Operator states in memory for unit tests: images from short texts, and texts of images. */
#ifndef CAIRN_TESTS_OPERATOR_WORLD_H
#define CAIRN_TESTS_OPERATOR_WORLD_H

#include "operator_states.h"

/* "bytes" 1 for keys and values. */
cairn_operator_descriptor op_named(const char *name);

/* Adds a state to an image, whose states must be added by name. `elements` are words with one blank
 * between each two; of a broadcast map, pairs of key and value by key. "" is none. */
void op_add(operator_image *image, const char *name, cairn_operator_mode mode,
            const char *elements);
/* The elements of a state as such a text; fails the test if the image has none of that name. */
const char *op_text(const operator_image *image, const char *name);

/* An image of what stands now: what is frozen, printed and read again. */
operator_image op_image(const operator_states *states);

/* The bytes of a file of the image. */
cairn_buf op_file(const operator_image *image);

/* States of a subtask, handles and changes; each fails the test if it can't. */
operator_states *op_states(const operator_image *image);
cairn_operator_list *op_list(operator_states *states, const char *name);
cairn_broadcast *op_map(operator_states *states, const char *name);
void op_append(cairn_operator_list *list, const char *element);
void op_put(cairn_broadcast *map, const char *key, const char *value);
void op_drop(cairn_broadcast *map, const char *key);

void op_expect_list(const cairn_operator_list *list, const char *const *elements, size_t count);
/* `value` NULL: absent. */
void op_expect_entry(const cairn_broadcast *map, const char *key, const char *value);

#endif
