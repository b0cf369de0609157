#include "test.h"

#include "bounds.h"
#include "operator_states_impl.h"
#include "operator_world.h"

#include <stdio.h>
#include <stdlib.h>

/* --- lists ------------------------------------------------------------------------------------ */

static void a_list_keeps_its_elements_in_order_empty_ones_too(void **state)
{
    (void)state;
    operator_states *states = op_states(NULL);
    cairn_operator_list *list = op_list(states, "offsets");

    op_append(list, "b");
    op_append(list, "");
    op_append(list, "a");

    op_expect_list(list, (const char *const[]){"b", "", "a"}, 3);
    operator_states_free(states);
}

static void an_update_replaces_the_list_also_by_parts_of_itself(void **state)
{
    (void)state;
    operator_states *states = op_states(NULL);
    cairn_operator_list *list = op_list(states, "offsets");
    cairn_list_view view = {0};
    cairn_slice elements[2];
    op_append(list, "a");
    op_append(list, "b");

    ASSERT_OK(cairn_operator_list_get(list, &view, NULL), NULL);
    assert_true(cairn_list_next(&view, &elements[1]) && cairn_list_next(&view, &elements[0]));
    ASSERT_OK(cairn_operator_list_update(list, elements, 2, NULL), NULL);

    op_expect_list(list, (const char *const[]){"b", "a"}, 2);
    ASSERT_OK(cairn_operator_list_update(list, NULL, 0, NULL), NULL);
    op_expect_list(list, NULL, 0);
    operator_states_free(states);
}

static void an_element_of_the_list_itself_may_be_added(void **state)
{
    (void)state;
    operator_states *states = op_states(NULL);
    cairn_operator_list *list = op_list(states, "offsets");
    op_append(list, "0123456789abcdef");

    for (int i = 0; i < 200; i++) { /* its memory is moved several times */
        cairn_list_view view = {0};
        cairn_slice element;

        ASSERT_OK(cairn_operator_list_get(list, &view, NULL), NULL);
        assert_true(cairn_list_next(&view, &element));
        ASSERT_OK(cairn_operator_list_add(list, element, NULL), NULL);
    }

    operator_image image = op_image(states);
    assert_int_equal(image.states[0].info.elements, 201);
    assert_int_equal(image.states[0].bytes.len, 201 * 17);
    operator_image_release(&image);
    operator_states_free(states);
}

/* --- broadcast maps --------------------------------------------------------------------------- */

static void a_map_holds_what_was_put_last(void **state)
{
    (void)state;
    operator_states *states = op_states(NULL);
    cairn_broadcast *map = op_map(states, "rules");

    op_put(map, "a", "1");
    op_put(map, "", "empty key");
    op_put(map, "b", "");
    op_put(map, "a", "2");
    op_drop(map, "b");
    op_drop(map, "never there");

    op_expect_entry(map, "a", "2");
    op_expect_entry(map, "", "empty key");
    op_expect_entry(map, "b", NULL);
    assert_int_equal(cairn_broadcast_count(map), 2);
    ASSERT_OK(cairn_broadcast_clear(map, NULL), NULL);
    op_expect_entry(map, "a", NULL);
    assert_int_equal(cairn_broadcast_count(map), 0);
    op_put(map, "a", "3");
    op_expect_entry(map, "a", "3");
    operator_states_free(states);
}

static void a_value_of_the_map_itself_may_be_put_under_another_key(void **state)
{
    (void)state;
    operator_states *states = op_states(NULL);
    cairn_broadcast *map = op_map(states, "rules");
    char text[2048];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    op_put(map, "key 0", text);

    for (int i = 0; i < 500; i++) { /* the log is rewritten several times */
        cairn_slice value = {0};
        bool found = false;
        char key[16];

        (void)snprintf(key, sizeof key, "key %d", i % 3);
        ASSERT_OK(cairn_broadcast_get(map, cairn_slice_of(key), &value, &found, NULL), NULL);
        assert_true(found);
        (void)snprintf(key, sizeof key, "key %d", (i + 1) % 3);
        ASSERT_OK(cairn_broadcast_put(map, cairn_slice_of(key), value, NULL), NULL);
    }

    op_expect_entry(map, "key 0", text);
    op_expect_entry(map, "key 1", text);
    op_expect_entry(map, "key 2", text);
    operator_states_free(states);
}

static void a_map_that_is_written_again_and_again_does_not_grow(void **state)
{
    (void)state;
    operator_states *states = op_states(NULL);
    cairn_broadcast *map = op_map(states, "rules");
    char value[1000];
    memset(value, 'v', sizeof value);
    value[sizeof value - 1] = '\0';

    for (int i = 0; i < 5000; i++) {
        op_put(map, i % 2 == 0 ? "a" : "b", value);
        if (i % 7 == 0) {
            op_drop(map, "a");
        }
    }

    assert_true(((operator_state *)map)->bytes.len < 3 * CAIRN_OPERATOR_DEAD_BYTES);
    operator_states_free(states);
}

typedef struct visit_log {
    cairn_broadcast *map;
    size_t count;
    cairn_code code;
} visit_log;

static cairn_code change_while_visiting(void *context, cairn_slice key, cairn_slice value,
                                        cairn_error *err)
{
    visit_log *log = context;

    assert_true(cairn_slice_equal(key, value));
    log->count++;
    op_put(log->map, "new", "of the visit");
    CAIRN_TRY(cairn_broadcast_remove(log->map, key, err));
    return log->count == 3 ? log->code : CAIRN_OK;
}

static void a_visit_sees_what_was_there_when_it_began(void **state)
{
    (void)state;
    operator_states *states = op_states(NULL);
    visit_log log = {.map = op_map(states, "rules"), .code = CAIRN_OK};
    for (int i = 0; i < 100; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%d", i);
        op_put(log.map, key, key);
    }

    ASSERT_OK(cairn_broadcast_visit(log.map, change_while_visiting, &log, NULL), NULL);

    assert_int_equal(log.count, 100);
    assert_int_equal(cairn_broadcast_count(log.map), 1);
    op_expect_entry(log.map, "new", "of the visit");
    operator_states_free(states);
}

static void a_visit_ends_with_the_code_of_the_caller(void **state)
{
    (void)state;
    operator_states *states = op_states(NULL);
    visit_log log = {.map = op_map(states, "rules"), .code = CAIRN_E_FAILED};
    for (int i = 0; i < 10; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%d", i);
        op_put(log.map, key, key);
    }

    assert_int_equal(cairn_broadcast_visit(log.map, change_while_visiting, &log, NULL),
                     CAIRN_E_FAILED);

    assert_int_equal(log.count, 3);
    operator_states_free(states);
}

/* --- against a plain model, with freezing ----------------------------------------------------- */

#define KEYS   60
#define FROZEN 4

typedef struct model {
    int values[KEYS]; /* -1: absent */
} model;

static void expect_frozen(operator_frozen *frozen, const model *expected)
{
    CAIRN_AUTO(cairn_buf) file = {0};
    CAIRN_AUTO(operator_image) image = {0};
    char text[KEYS * 32] = "";
    size_t used = 0;
    cairn_error err = {0};

    for (int i = 0; i < KEYS; i++) {
        if (expected->values[i] >= 0) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%sk%02d v%d",
                                     used > 0 ? " " : "", i, expected->values[i]);
        }
    }
    ASSERT_OK(operator_frozen_print(frozen, &file, &err), &err);
    ASSERT_OK(operator_file_read(cairn_buf_slice(&file), &image, &err), &err);
    assert_string_equal(op_text(&image, "rules"), text);
}

static void what_is_frozen_stays_as_it_was_whatever_comes_after(void **state)
{
    (void)state;
    operator_states *states = op_states(NULL);
    cairn_broadcast *map = op_map(states, "rules");
    operator_frozen *frozen[FROZEN] = {0};
    model at[FROZEN];
    model now;
    unsigned seed = 7;
    memset(&now, 0xff, sizeof now);

    for (int i = 0; i < 40000; i++) {
        const int key = rand_r(&seed) % KEYS;
        const int slot = i / 1000 % FROZEN;
        char name[8];
        char value[16];

        (void)snprintf(name, sizeof name, "k%02d", key);
        (void)snprintf(value, sizeof value, "v%d", now.values[key]);
        op_expect_entry(map, name, now.values[key] < 0 ? NULL : value);
        (void)snprintf(value, sizeof value, "v%d", i);
        if (rand_r(&seed) % 3 == 0) {
            op_drop(map, name);
            now.values[key] = -1;
        } else {
            op_put(map, name, value);
            now.values[key] = i;
        }
        if (i % 1000 == 0) {
            if (frozen[slot] != NULL) {
                expect_frozen(frozen[slot], &at[slot]);
                operator_frozen_free(frozen[slot]);
            }
            ASSERT_OK(operator_states_freeze(states, &frozen[slot], NULL), NULL);
            at[slot] = now;
        }
    }

    for (int i = 0; i < FROZEN; i++) {
        expect_frozen(frozen[i], &at[i]);
        operator_frozen_free(frozen[i]);
    }
    operator_states_free(states);
}

static void a_frozen_list_outlives_its_states(void **state)
{
    (void)state;
    operator_states *states = op_states(NULL);
    cairn_operator_list *list = op_list(states, "offsets");
    operator_frozen *frozen = NULL;
    CAIRN_AUTO(cairn_buf) file = {0};
    CAIRN_AUTO(operator_image) image = {0};
    op_append(list, "a");

    ASSERT_OK(operator_states_freeze(states, &frozen, NULL), NULL);
    op_append(list, "b");
    ASSERT_OK(cairn_operator_list_update(list, NULL, 0, NULL), NULL);
    op_append(list, "c");
    operator_states_free(states);

    ASSERT_OK(operator_frozen_print(frozen, &file, NULL), NULL);
    ASSERT_OK(operator_file_read(cairn_buf_slice(&file), &image, NULL), NULL);
    assert_string_equal(op_text(&image, "offsets"), "a");
    operator_frozen_free(frozen);
}

static void without_states_there_is_nothing_to_freeze(void **state)
{
    (void)state;
    operator_states *states = op_states(NULL);
    operator_frozen *frozen = NULL;

    ASSERT_OK(operator_states_freeze(states, &frozen, NULL), NULL);

    assert_null(frozen);
    operator_states_free(states);
}

/* --- restored --------------------------------------------------------------------------------- */

static void restored_states_go_on_opened_or_not(void **state)
{
    (void)state;
    operator_image image = {0};
    op_add(&image, "closed", CAIRN_OPERATOR_BROADCAST, "k v");
    op_add(&image, "offsets", CAIRN_OPERATOR_LIST, "a b");
    op_add(&image, "rules", CAIRN_OPERATOR_BROADCAST, "a 1 b 2");
    operator_states *states = op_states(&image);
    operator_image_release(&image);

    op_append(op_list(states, "offsets"), "c");
    op_drop(op_map(states, "rules"), "a");
    op_put(op_map(states, "rules"), "c", "3");

    image = op_image(states);
    assert_int_equal(image.count, 3);
    assert_string_equal(op_text(&image, "closed"), "k v");
    assert_string_equal(op_text(&image, "offsets"), "a b c");
    assert_string_equal(op_text(&image, "rules"), "b 2 c 3");
    operator_image_release(&image);
    operator_states_free(states);
}

static void the_same_name_is_the_same_handle(void **state)
{
    (void)state;
    operator_states *states = op_states(NULL);

    cairn_operator_list *first = op_list(states, "m");
    (void)op_list(states, "a");
    (void)op_list(states, "z");

    assert_ptr_equal(op_list(states, "m"), first);
    operator_states_free(states);
}

static void another_mode_or_serializer_is_refused_and_both_are_named(void **state)
{
    (void)state;
    static const struct {
        cairn_operator_mode mode;
        const char *key;
        uint32_t key_version;
        const char *value;
        uint32_t value_version;
        const char *message;
    } cases[] = {
        {CAIRN_OPERATOR_UNION, "bytes", 1, "bytes", 1, "mode is list, not union"},
        {CAIRN_OPERATOR_BROADCAST, "bytes", 1, "bytes", 1, "mode is list, not broadcast"},
        {CAIRN_OPERATOR_LIST, "u64", 1, "bytes", 1, "key serializer is bytes version 1, not u64"},
        {CAIRN_OPERATOR_LIST, "bytes", 2, "bytes", 1, "not bytes version 2"},
        {CAIRN_OPERATOR_LIST, "bytes", 1, "i64", 1, "value serializer is bytes version 1, not i64"},
        {CAIRN_OPERATOR_LIST, "bytes", 1, "bytes", 3, "not bytes version 3"},
    };
    operator_states *states = op_states(NULL);
    (void)op_list(states, "s");

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        const cairn_operator_descriptor descriptor = {CAIRN_OPERATOR_DESCRIPTOR_VERSION,
                                                      "s",
                                                      cases[i].value,
                                                      cases[i].value_version,
                                                      cases[i].key,
                                                      cases[i].key_version};
        cairn_operator_list *list = NULL;
        cairn_broadcast *map = NULL;
        cairn_error err = {0};
        const cairn_code code =
            cases[i].mode == CAIRN_OPERATOR_BROADCAST
                ? operator_states_open_broadcast(states, &descriptor, &map, &err)
                : operator_states_open_list(states, &descriptor, cases[i].mode, &list, &err);

        ASSERT_CODE(code, CAIRN_E_INCOMPATIBLE, &err);
        ASSERT_MESSAGE_HAS(&err, cases[i].message);
        assert_null(list);
        assert_null(map);
    }
    operator_states_free(states);
}

static void wrong_descriptors_are_refused(void **state)
{
    (void)state;
    operator_states *states = op_states(NULL);
    cairn_operator_list *list = NULL;

    for (int what = 0; what < 6; what++) {
        cairn_operator_descriptor descriptor = op_named("s");
        cairn_error err = {0};

        descriptor.version += what == 1;
        descriptor.name = what == 2 ? NULL : what == 3 ? "a/b" : descriptor.name;
        descriptor.key_serializer = what == 4 ? "" : descriptor.key_serializer;
        descriptor.value_serializer = what == 5 ? NULL : descriptor.value_serializer;
        ASSERT_CODE(operator_states_open_list(states, what == 0 ? NULL : &descriptor,
                                              CAIRN_OPERATOR_LIST, &list, &err),
                    CAIRN_E_INVALID, &err);
        ASSERT_MESSAGE_HAS(&err, "open an operator state");
    }
    assert_null(list);
    operator_states_free(states);
}

static void arguments_that_are_null_are_refused(void **state)
{
    (void)state;
    operator_states *states = op_states(NULL);
    cairn_operator_list *list = op_list(states, "l");
    cairn_broadcast *map = op_map(states, "m");
    const cairn_slice bad = {NULL, 1};
    cairn_list_view view;
    cairn_slice value;
    bool found;

    assert_int_equal(cairn_operator_list_get(NULL, &view, NULL), CAIRN_E_INVALID);
    assert_int_equal(cairn_operator_list_get(list, NULL, NULL), CAIRN_E_INVALID);
    assert_int_equal(cairn_operator_list_add(NULL, cairn_slice_of("a"), NULL), CAIRN_E_INVALID);
    assert_int_equal(cairn_operator_list_add(list, bad, NULL), CAIRN_E_INVALID);
    assert_int_equal(cairn_operator_list_update(list, NULL, 1, NULL), CAIRN_E_INVALID);
    assert_int_equal(cairn_operator_list_update(list, &bad, 1, NULL), CAIRN_E_INVALID);
    assert_int_equal(cairn_broadcast_get(map, bad, &value, &found, NULL), CAIRN_E_INVALID);
    assert_int_equal(cairn_broadcast_get(map, cairn_slice_of("a"), NULL, &found, NULL),
                     CAIRN_E_INVALID);
    assert_int_equal(cairn_broadcast_put(map, bad, cairn_slice_of("a"), NULL), CAIRN_E_INVALID);
    assert_int_equal(cairn_broadcast_put(map, cairn_slice_of("a"), bad, NULL), CAIRN_E_INVALID);
    assert_int_equal(cairn_broadcast_remove(NULL, bad, NULL), CAIRN_E_INVALID);
    assert_int_equal(cairn_broadcast_clear(NULL, NULL), CAIRN_E_INVALID);
    assert_int_equal(cairn_broadcast_visit(map, NULL, NULL, NULL), CAIRN_E_INVALID);
    assert_int_equal(cairn_operator_list_count(NULL) + cairn_broadcast_count(NULL), 0);
    operator_states_free(states);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_keeps_its_elements_in_order_empty_ones_too),
        cmocka_unit_test(an_update_replaces_the_list_also_by_parts_of_itself),
        cmocka_unit_test(an_element_of_the_list_itself_may_be_added),
        cmocka_unit_test(a_map_holds_what_was_put_last),
        cmocka_unit_test(a_value_of_the_map_itself_may_be_put_under_another_key),
        cmocka_unit_test(a_map_that_is_written_again_and_again_does_not_grow),
        cmocka_unit_test(a_visit_sees_what_was_there_when_it_began),
        cmocka_unit_test(a_visit_ends_with_the_code_of_the_caller),
        cmocka_unit_test(what_is_frozen_stays_as_it_was_whatever_comes_after),
        cmocka_unit_test(a_frozen_list_outlives_its_states),
        cmocka_unit_test(without_states_there_is_nothing_to_freeze),
        cmocka_unit_test(restored_states_go_on_opened_or_not),
        cmocka_unit_test(the_same_name_is_the_same_handle),
        cmocka_unit_test(another_mode_or_serializer_is_refused_and_both_are_named),
        cmocka_unit_test(wrong_descriptors_are_refused),
        cmocka_unit_test(arguments_that_are_null_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
