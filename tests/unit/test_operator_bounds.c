#include "test.h"

#include "alloc_sweep.h"
#include "bounds.h"
#include "operator_world.h"

#include <stdio.h>

/* --- bounds ----------------------------------------------------------------------------------- */

static void all_states_together_are_bounded_and_a_refusal_changes_nothing(void **state)
{
    (void)state;
    operator_states *states = op_states(NULL);
    cairn_operator_list *list = op_list(states, "l");
    cairn_broadcast *map = op_map(states, "m");
    uint8_t *bytes = mem_calloc(CAIRN_OPERATOR_BYTES_MAX + 1, 1);
    const cairn_slice half = {bytes, CAIRN_OPERATOR_BYTES_MAX / 2};
    cairn_error err = {0};
    assert_non_null(bytes);
    ASSERT_OK(cairn_operator_list_add(list, half, &err), &err);
    op_put(map, "k", "v");

    ASSERT_CODE(cairn_operator_list_add(list, half, &err), CAIRN_E_LIMIT, &err);
    ASSERT_MESSAGE_HAS(&err, "'l'");
    ASSERT_CODE(cairn_broadcast_put(map, cairn_slice_of("k"), half, &err), CAIRN_E_LIMIT, &err);
    ASSERT_MESSAGE_HAS(&err, "at most 67108864 bytes and 1000000 elements");
    ASSERT_CODE(
        cairn_operator_list_add(list, (cairn_slice){bytes, CAIRN_OPERATOR_BYTES_MAX + 1}, &err),
        CAIRN_E_LIMIT, &err);
    ASSERT_CODE(cairn_operator_list_add(list, (cairn_slice){bytes, SIZE_MAX}, &err), CAIRN_E_LIMIT,
                &err);
    ASSERT_CODE(cairn_operator_list_update(list, (const cairn_slice[]){half, half}, 2, &err),
                CAIRN_E_LIMIT, &err);

    assert_int_equal(cairn_operator_list_count(list), 1);
    op_expect_entry(map, "k", "v");
    ASSERT_OK(cairn_operator_list_update(list, &half, 1, &err),
              &err); /* the old ones don't count */
    ASSERT_OK(cairn_operator_list_update(list, NULL, 0, &err), &err);
    ASSERT_OK(cairn_broadcast_put(map, cairn_slice_of("k"), half, &err), &err);
    ASSERT_OK(cairn_broadcast_clear(map, &err), &err); /* nor does what is cleared */
    ASSERT_OK(cairn_broadcast_put(map, cairn_slice_of("l"), half, &err), &err);
    mem_free(bytes);
    operator_states_free(states);
}

static void elements_are_bounded_too(void **state)
{
    (void)state;
    operator_states *states = op_states(NULL);
    cairn_operator_list *list = op_list(states, "l");
    cairn_broadcast *map = op_map(states, "m");
    cairn_error err = {0};
    for (uint64_t i = 0; i + 1 < CAIRN_OPERATOR_ELEMENTS_MAX; i++) {
        ASSERT_OK(cairn_operator_list_add(list, (cairn_slice){NULL, 0}, &err), &err);
    }
    op_put(map, "k", "v");

    ASSERT_CODE(cairn_operator_list_add(list, (cairn_slice){NULL, 0}, &err), CAIRN_E_LIMIT, &err);
    ASSERT_CODE(cairn_broadcast_put(map, cairn_slice_of("l"), cairn_slice_of("v"), &err),
                CAIRN_E_LIMIT, &err);

    op_put(map, "k", "w");
    op_drop(map, "k");
    op_append(list, "");
    operator_image image = op_image(states);
    assert_int_equal(image.states[0].info.elements, CAIRN_OPERATOR_ELEMENTS_MAX);
    operator_image_release(&image);
    operator_states_free(states);
}

static void an_image_beyond_the_bound_is_refused(void **state)
{
    (void)state;
    operator_image image = {0};
    operator_states *states = NULL;
    cairn_error err = {0};
    op_add(&image, "a", CAIRN_OPERATOR_LIST, "x");
    op_add(&image, "b", CAIRN_OPERATOR_LIST, "x");
    image.states[0].info.elements = CAIRN_OPERATOR_ELEMENTS_MAX;

    ASSERT_CODE(operator_states_new(&image, &states, &err), CAIRN_E_LIMIT, &err);

    ASSERT_MESSAGE_HAS(&err, "'b'");
    assert_null(states);
    operator_image_release(&image);
}

static void states_are_bounded(void **state)
{
    (void)state;
    operator_states *states = op_states(NULL);
    const cairn_operator_descriptor last = op_named("t");
    cairn_operator_list *list = NULL;
    cairn_error err = {0};
    for (int i = CAIRN_STATES_MAX; i > 0; i--) {
        char name[16];
        (void)snprintf(name, sizeof name, "s%03d", i);
        (void)op_list(states, name);
    }

    ASSERT_CODE(operator_states_open_list(states, &last, CAIRN_OPERATOR_LIST, &list, &err),
                CAIRN_E_LIMIT, &err);

    operator_image image = op_image(states);
    assert_int_equal(image.count, CAIRN_STATES_MAX);
    operator_image_release(&image);
    operator_states_free(states);
}

/* --- memory ----------------------------------------------------------------------------------- */

static cairn_code change_all(operator_states *states, cairn_error *err)
{
    const cairn_operator_descriptor offsets = op_named("offsets");
    const cairn_operator_descriptor rules = op_named("rules");
    const cairn_slice elements[] = {cairn_slice_of("a"), cairn_slice_of("b")};
    cairn_operator_list *list = NULL;
    cairn_broadcast *map = NULL;

    CAIRN_TRY(operator_states_open_list(states, &offsets, CAIRN_OPERATOR_UNION, &list, err));
    CAIRN_TRY(operator_states_open_broadcast(states, &rules, &map, err));
    CAIRN_TRY(cairn_operator_list_add(list, elements[0], err));
    CAIRN_TRY(cairn_operator_list_update(list, elements, 2, err));
    for (int i = 0; i < 40; i++) {
        char key[8];
        (void)snprintf(key, sizeof key, "%d", i);
        CAIRN_TRY(cairn_broadcast_put(map, cairn_slice_of(key), elements[0], err));
    }
    CAIRN_TRY(cairn_broadcast_remove(map, cairn_slice_of("7"), err));
    return CAIRN_OK;
}

static cairn_code all_work(void *context, cairn_error *err)
{
    CAIRN_AUTO_PTR(operator_states_free) operator_states *states = NULL;
    CAIRN_AUTO_PTR(operator_frozen_free) operator_frozen *frozen = NULL;
    CAIRN_AUTO(cairn_buf) file = {0};

    CAIRN_TRY(operator_states_new(context, &states, err));
    CAIRN_TRY(change_all(states, err));
    CAIRN_TRY(operator_states_freeze(states, &frozen, err));
    return operator_frozen_print(frozen, &file, err);
}

static void every_failed_allocation_is_out_of_memory_and_no_leak(void **state)
{
    (void)state;
    operator_image image = {0};
    op_add(&image, "l", CAIRN_OPERATOR_LIST, "a b");
    op_add(&image, "m", CAIRN_OPERATOR_BROADCAST, "a b c d");

    alloc_sweep(all_work, &image);

    operator_image_release(&image);
}

/* Fails each allocation of a call in turn: after a failure the map is as before. */
static void a_put_that_finds_no_memory_changes_nothing(void **state)
{
    (void)state;
    operator_states *states = op_states(NULL);
    cairn_broadcast *map = op_map(states, "rules");
    size_t failures = 0;

    for (int i = 0; i < 3000; i++) {
        char key[16];
        cairn_code code;

        (void)snprintf(key, sizeof key, "%d", i);
        mem_fail_nth(1, 1);
        code = cairn_broadcast_put(map, cairn_slice_of(key), cairn_slice_of("v"), NULL);
        mem_fail_nth(0, 0);
        if (code != CAIRN_OK) {
            assert_int_equal(code, CAIRN_E_NO_MEMORY);
            op_expect_entry(map, key, NULL);
            assert_int_equal(cairn_broadcast_count(map), i);
            failures++;
            op_put(map, key, "v");
        }
        op_expect_entry(map, key, "v");
    }

    assert_true(failures > 5);
    operator_states_free(states);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_states_together_are_bounded_and_a_refusal_changes_nothing),
        cmocka_unit_test(elements_are_bounded_too),
        cmocka_unit_test(an_image_beyond_the_bound_is_refused),
        cmocka_unit_test(states_are_bounded),
        cmocka_unit_test(every_failed_allocation_is_out_of_memory_and_no_leak),
        cmocka_unit_test(a_put_that_finds_no_memory_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
