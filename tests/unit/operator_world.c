#include "test.h"

#include "operator_world.h"

#include "state_elements.h"

#include <stdio.h>

#define TEXT_BYTES ((size_t)1 << 16)

cairn_operator_descriptor op_named(const char *name)
{
    cairn_operator_descriptor descriptor = CAIRN_OPERATOR_DESCRIPTOR_INIT;

    descriptor.name = name;
    return descriptor;
}

void op_add(operator_image *image, const char *name, cairn_operator_mode mode, const char *elements)
{
    operator_image_state *states =
        mem_realloc_array(image->states, image->count + 1, sizeof(*states));
    operator_image_state state = {.info = {.name = mem_strdup(name),
                                           .mode = mode,
                                           .key_serializer = {mem_strdup("bytes"), 1},
                                           .value_serializer = {mem_strdup("bytes"), 1}}};

    assert_non_null(states);
    while (*elements != '\0') {
        const size_t length = strcspn(elements, " ");

        ASSERT_OK(element_append(&state.bytes, (cairn_slice){elements, length}, NULL), NULL);
        state.info.elements++;
        elements += length + (elements[length] == ' ');
    }
    state.info.elements /= mode == CAIRN_OPERATOR_BROADCAST ? 2 : 1;
    image->states = states;
    image->states[image->count++] = state;
}

const char *op_text(const operator_image *image, const char *name)
{
    static char text[TEXT_BYTES];
    size_t used = 0;

    for (size_t i = 0; i < image->count; i++) {
        cairn_slice rest = cairn_buf_slice(&image->states[i].bytes);
        cairn_slice element;

        if (strcmp(image->states[i].info.name, name) != 0) {
            continue;
        }
        uint64_t count = 0;
        text[0] = '\0';
        while (element_next(&rest, &element)) {
            count++;
            used += (size_t)snprintf(text + used, TEXT_BYTES - used, "%s%.*s", used > 0 ? " " : "",
                                     (int)element.len, (const char *)element.data);
        }
        if (image->states[i].info.mode == CAIRN_OPERATOR_BROADCAST) {
            count /= 2;
        }
        assert_int_equal(image->states[i].info.elements, count);
        return text;
    }
    fail_msg("the image has no state %s", name);
    return NULL;
}

operator_image op_image(const operator_states *states)
{
    CAIRN_AUTO_PTR(operator_frozen_free) operator_frozen *frozen = NULL;
    CAIRN_AUTO(cairn_buf) file = {0};
    operator_image image = {0};
    cairn_error err = {0};

    ASSERT_OK(operator_states_freeze(states, &frozen, &err), &err);
    if (frozen != NULL) {
        ASSERT_OK(operator_frozen_print(frozen, &file, &err), &err);
        ASSERT_OK(operator_file_read(cairn_buf_slice(&file), &image, &err), &err);
    }
    return image;
}

cairn_buf op_file(const operator_image *image)
{
    cairn_buf file = {0};

    ASSERT_OK(operator_file_begin(&file, image->count, NULL), NULL);
    for (size_t i = 0; i < image->count; i++) {
        ASSERT_OK(operator_file_add(&file, &image->states[i].info,
                                    cairn_buf_slice(&image->states[i].bytes), NULL),
                  NULL);
    }
    return file;
}

operator_states *op_states(const operator_image *image)
{
    operator_states *states = NULL;
    cairn_error err = {0};

    ASSERT_OK(operator_states_new(image, &states, &err), &err);
    return states;
}

cairn_operator_list *op_list(operator_states *states, const char *name)
{
    const cairn_operator_descriptor descriptor = op_named(name);
    cairn_operator_list *list = NULL;
    cairn_error err = {0};

    ASSERT_OK(operator_states_open_list(states, &descriptor, CAIRN_OPERATOR_LIST, &list, &err),
              &err);
    return list;
}

cairn_broadcast *op_map(operator_states *states, const char *name)
{
    const cairn_operator_descriptor descriptor = op_named(name);
    cairn_broadcast *map = NULL;
    cairn_error err = {0};

    ASSERT_OK(operator_states_open_broadcast(states, &descriptor, &map, &err), &err);
    return map;
}

void op_append(cairn_operator_list *list, const char *element)
{
    cairn_error err = {0};

    ASSERT_OK(cairn_operator_list_add(list, cairn_slice_of(element), &err), &err);
}

void op_put(cairn_broadcast *map, const char *key, const char *value)
{
    cairn_error err = {0};

    ASSERT_OK(cairn_broadcast_put(map, cairn_slice_of(key), cairn_slice_of(value), &err), &err);
}

void op_drop(cairn_broadcast *map, const char *key)
{
    cairn_error err = {0};

    ASSERT_OK(cairn_broadcast_remove(map, cairn_slice_of(key), &err), &err);
}

void op_expect_list(const cairn_operator_list *list, const char *const *elements, size_t count)
{
    cairn_list_view view = {0};
    cairn_slice element;

    ASSERT_OK(cairn_operator_list_get(list, &view, NULL), NULL);
    assert_int_equal(cairn_operator_list_count(list), count);
    for (size_t i = 0; i < count; i++) {
        assert_true(cairn_list_next(&view, &element));
        assert_true(cairn_slice_equal(element, cairn_slice_of(elements[i])));
    }
    assert_false(cairn_list_next(&view, &element));
}

void op_expect_entry(const cairn_broadcast *map, const char *key, const char *value)
{
    cairn_slice found_value = {0};
    bool found = false;

    ASSERT_OK(cairn_broadcast_get(map, cairn_slice_of(key), &found_value, &found, NULL), NULL);
    assert_int_equal(found, value != NULL);
    assert_true(!found || cairn_slice_equal(found_value, cairn_slice_of(value)));
}
