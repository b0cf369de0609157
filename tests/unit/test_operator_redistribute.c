#include "test.h"

#include "alloc_sweep.h"
#include "bounds.h"
#include "operator_redistribute.h"
#include "operator_world.h"
#include "state_elements.h"

#include <stdio.h>
#include <stdlib.h>

#define SUBTASKS_MAX 8

/* What a subtask gets; the caller releases it. */
static operator_image share(const operator_image *parents, uint32_t old, uint32_t now,
                            uint32_t index)
{
    const operator_place place = {old, now, index};
    operator_image out = {0};
    cairn_error err = {0};

    ASSERT_OK(operator_redistribute(parents, &place, &out, &err), &err);
    return out;
}

static void release(operator_image *images, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        operator_image_release(&images[i]);
    }
}

/* --- one state: rows -------------------------------------------------------------------------- */

typedef struct row {
    const char *what;
    cairn_operator_mode mode;
    const char *old[SUBTASKS_MAX]; /* NULL ends */
    const char *now[SUBTASKS_MAX];
} row;

static const row rows[] = {
    {"the example of the manual", CAIRN_OPERATOR_LIST, {"a b c", "d e"}, {"a b", "c d", "e"}},
    {"a list to fewer", CAIRN_OPERATOR_LIST, {"a b", "c", "d e f"}, {"a b c", "d e f"}},
    {"a list to one", CAIRN_OPERATOR_LIST, {"a", "", "b c"}, {"a b c"}},
    {"a list from one", CAIRN_OPERATOR_LIST, {"a b c d"}, {"a b", "c", "d"}},
    {"more subtasks than elements", CAIRN_OPERATOR_LIST, {"a b"}, {"a", "b", "", ""}},
    {"an empty list", CAIRN_OPERATOR_LIST, {"", ""}, {"", "", ""}},
    {"a list of the same parallelism", CAIRN_OPERATOR_LIST, {"a b c", "", "d"}, {"a b c", "", "d"}},
    {"a union to more", CAIRN_OPERATOR_UNION, {"a b", "c"}, {"a b c", "a b c", "a b c"}},
    {"a union to fewer", CAIRN_OPERATOR_UNION, {"a", "b", ""}, {"a b"}},
    {"a union of the same parallelism", CAIRN_OPERATOR_UNION, {"a b", "c"}, {"a b c", "a b c"}},
    {"a map to more",
     CAIRN_OPERATOR_BROADCAST,
     {"k 0", "k 1"},
     {"k 0", "k 1", "k 0", "k 1", "k 0"}},
    {"a map to fewer", CAIRN_OPERATOR_BROADCAST, {"k 0", "k 1", "k 2"}, {"k 0", "k 1"}},
    {"a map of the same parallelism", CAIRN_OPERATOR_BROADCAST, {"k 0", "k 1"}, {"k 0", "k 1"}},
};

static uint32_t count_texts(const char *const *texts)
{
    uint32_t count = 0;

    while (count < SUBTASKS_MAX && texts[count] != NULL) {
        count++;
    }
    return count;
}

static void expect_share(const row *of, const operator_image *parents, uint32_t index)
{
    operator_image got = share(parents, count_texts(of->old), count_texts(of->now), index);

    if (strcmp(op_text(&got, "s"), of->now[index]) != 0) {
        fail_msg("%s: subtask %u got '%s', not '%s'", of->what, index, op_text(&got, "s"),
                 of->now[index]);
    }
    operator_image_release(&got);
}

static void each_mode_is_shared_out_by_its_rule(void **state)
{
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        operator_image parents[SUBTASKS_MAX] = {0};

        for (uint32_t k = 0; k < count_texts(rows[i].old); k++) {
            op_add(&parents[k], "s", rows[i].mode, rows[i].old[k]);
        }
        for (uint32_t k = 0; k < count_texts(rows[i].now); k++) {
            expect_share(&rows[i], parents, k);
        }
        release(parents, count_texts(rows[i].old));
    }
}

/* --- several states --------------------------------------------------------------------------- */

static void longer_chunks_of_a_further_list_begin_where_the_last_ones_ended(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
    } expected[] = {{"1 2", "x"}, {"3 4", "y"}, {"5", "v w"}};
    operator_image parents[2] = {0};
    op_add(&parents[0], "a", CAIRN_OPERATOR_LIST, "1 2 3");
    op_add(&parents[0], "b", CAIRN_OPERATOR_LIST, "v w x y");
    op_add(&parents[0], "bb", CAIRN_OPERATOR_UNION, "u");
    op_add(&parents[1], "a", CAIRN_OPERATOR_LIST, "4 5");
    op_add(&parents[1], "bc", CAIRN_OPERATOR_BROADCAST, "k v");

    /* 5 elements: subtasks 0 and 1 get two; 4: from subtask 2 on, which alone gets two. */
    for (uint32_t i = 0; i < 3; i++) {
        operator_image got = share(parents, 2, 3, i);

        assert_string_equal(op_text(&got, "a"), expected[i].a);
        assert_string_equal(op_text(&got, "b"), expected[i].b);
        assert_string_equal(op_text(&got, "bb"), "u");
        assert_string_equal(op_text(&got, "bc"), "k v");
        operator_image_release(&got);
    }

    release(parents, 2);
}

static void a_list_that_divides_evenly_moves_nothing_for_the_next(void **state)
{
    (void)state;
    operator_image parent = {0};
    op_add(&parent, "a", CAIRN_OPERATOR_LIST, "1 2 3 4");
    op_add(&parent, "b", CAIRN_OPERATOR_LIST, "5 6 7");

    operator_image first = share(&parent, 1, 2, 0);
    operator_image second = share(&parent, 1, 2, 1);

    assert_string_equal(op_text(&first, "b"), "5 6");
    assert_string_equal(op_text(&second, "b"), "7");
    operator_image_release(&first);
    operator_image_release(&second);
    operator_image_release(&parent);
}

static void a_map_comes_from_the_subtasks_that_have_it(void **state)
{
    (void)state;
    static const char *const expected[] = {"k 1", "k 3", "k 1", "k 3", "k 1"};
    operator_image parents[4] = {0};
    op_add(&parents[1], "m", CAIRN_OPERATOR_BROADCAST, "k 1");
    op_add(&parents[3], "m", CAIRN_OPERATOR_BROADCAST, "k 3");

    for (uint32_t i = 0; i < CAIRN_ARRAY_LEN(expected); i++) {
        operator_image got = share(parents, 4, 5, i);

        assert_string_equal(op_text(&got, "m"), expected[i]);
        operator_image_release(&got);
    }

    release(parents, 4);
}

static void a_subtask_that_lacked_a_state_has_it_empty_afterwards(void **state)
{
    (void)state;
    operator_image parents[2] = {0};
    op_add(&parents[1], "s", CAIRN_OPERATOR_LIST, "a");

    operator_image first = share(parents, 2, 2, 0);
    operator_image second = share(parents, 2, 2, 1);

    assert_string_equal(op_text(&first, "s"), "");
    assert_string_equal(op_text(&second, "s"), "a");
    operator_image_release(&first);
    operator_image_release(&second);
    release(parents, 2);
}

static void subtasks_that_disagree_are_damage(void **state)
{
    (void)state;
    const operator_place place = {2, 3, 0};

    for (int what = 0; what < 5; what++) {
        operator_image parents[2] = {0};
        operator_image out = {0};
        cairn_error err = {0};
        op_add(&parents[0], "s", CAIRN_OPERATOR_LIST, "a");
        op_add(&parents[1], "s", what == 0 ? CAIRN_OPERATOR_UNION : CAIRN_OPERATOR_LIST, "b");
        cairn_operator_state_info *info = &parents[1].states[0].info;
        info->key_serializer.version += what == 1;
        info->value_serializer.version += what == 2;
        info->key_serializer.id[0] = what == 3 ? 'x' : 'b';
        info->value_serializer.id[0] = what == 4 ? 'x' : 'b';

        ASSERT_CODE(operator_redistribute(parents, &place, &out, &err), CAIRN_E_INTEGRITY, &err);

        ASSERT_MESSAGE_HAS(&err, "'s'");
        ASSERT_MESSAGE_HAS(&err, "subtask 1");
        assert_null(out.states);
        release(parents, 2);
    }
}

static void a_union_larger_than_a_subtask_may_hold_is_refused(void **state)
{
    (void)state;
    const operator_place place = {2, 2, 0};
    operator_image parents[2] = {0};
    operator_image out = {0};
    cairn_error err = {0};
    for (int i = 0; i < 2; i++) {
        op_add(&parents[i], "s", CAIRN_OPERATOR_UNION, "a");
        parents[i].states[0].info.elements = CAIRN_OPERATOR_ELEMENTS_MAX / 2 + (uint64_t)i;
    }

    ASSERT_CODE(operator_redistribute(parents, &place, &out, &err), CAIRN_E_LIMIT, &err);

    ASSERT_MESSAGE_HAS(&err, "'s'");
    assert_null(out.states);
    release(parents, 2);
}

static void more_names_than_a_subtask_may_have_are_refused(void **state)
{
    (void)state;
    const operator_place place = {2, 1, 0};
    operator_image parents[2] = {0};
    operator_image out = {0};
    cairn_error err = {0};
    for (int i = 0; i <= CAIRN_STATES_MAX; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "s%04d", i);
        op_add(&parents[i % 2], name, CAIRN_OPERATOR_LIST, "");
    }

    ASSERT_CODE(operator_redistribute(parents, &place, &out, &err), CAIRN_E_LIMIT, &err);

    release(parents, 2);
}

/* --- random ----------------------------------------------------------------------------------- */

#define LISTS        4
#define ELEMENTS_MAX 40
#define TEXT_BYTES   ((size_t)ELEMENTS_MAX * 8)

/* Lists of numbers that count up over subtasks: element n of list l is "l:n". */
static uint32_t fill_random(operator_image *parents, uint32_t old, const char *name, unsigned *seed)
{
    uint32_t next = 0;

    for (uint32_t i = 0; i < old; i++) {
        char text[TEXT_BYTES] = "";
        size_t used = 0;

        for (int left = rand_r(seed) % 9; left > 0 && next < ELEMENTS_MAX; left--) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%u", used > 0 ? " " : "",
                                     next++);
        }
        op_add(&parents[i], name, CAIRN_OPERATOR_LIST, text);
    }
    return next;
}

/* The rule in other words: deal sizes round the subtasks from `start` on, then hand out in that
 * order. */
static void expect_chunks(uint32_t now, uint32_t elements, uint32_t start,
                          char texts[SUBTASKS_MAX][TEXT_BYTES])
{
    uint32_t sizes[SUBTASKS_MAX] = {0};
    uint32_t next = 0;

    for (uint32_t i = 0; i < elements; i++) {
        sizes[(start + i) % now]++;
    }
    for (uint32_t i = 0; i < now; i++) {
        char *text = texts[(start + i) % now];
        size_t used = 0;

        text[0] = '\0';
        for (uint32_t left = sizes[(start + i) % now]; left > 0; left--) {
            used += (size_t)snprintf(text + used, TEXT_BYTES - used, "%s%u", used > 0 ? " " : "",
                                     next++);
        }
    }
}

static void random_lists_are_cut_in_order_and_evenly(void **state)
{
    (void)state;
    static const char *const names[LISTS] = {"a", "b", "c", "d"};
    unsigned seed = 20261123;

    for (int round = 0; round < 300; round++) {
        const uint32_t old = 1 + (uint32_t)rand_r(&seed) % SUBTASKS_MAX;
        const uint32_t now = old % SUBTASKS_MAX + 1 + (uint32_t)rand_r(&seed) % 2;
        const uint32_t parallelism = now > SUBTASKS_MAX ? 1 : now;
        operator_image parents[SUBTASKS_MAX] = {0};
        operator_image shares[SUBTASKS_MAX] = {0};
        uint32_t start = 0;
        uint32_t counts[LISTS];

        for (int l = 0; l < LISTS; l++) {
            counts[l] = fill_random(parents, old, names[l], &seed);
        }
        for (uint32_t i = 0; i < parallelism; i++) {
            shares[i] = share(parents, old, parallelism, i);
        }
        for (int l = 0; l < LISTS && parallelism != old; l++) {
            static char texts[SUBTASKS_MAX][TEXT_BYTES];

            expect_chunks(parallelism, counts[l], start, texts);
            start = (start + counts[l]) % parallelism;
            for (uint32_t i = 0; i < parallelism; i++) {
                assert_string_equal(op_text(&shares[i], names[l]), texts[i]);
            }
        }
        release(parents, old);
        release(shares, parallelism);
    }
}

/* --- memory ----------------------------------------------------------------------------------- */

static cairn_code redistribute_work(void *context, cairn_error *err)
{
    CAIRN_AUTO(operator_image) out = {0};
    const operator_place place = {2, 3, 1};

    return operator_redistribute(context, &place, &out, err);
}

static void every_failed_allocation_is_out_of_memory_and_no_leak(void **state)
{
    (void)state;
    operator_image parents[2] = {0};
    op_add(&parents[0], "a", CAIRN_OPERATOR_LIST, "1 2 3");
    op_add(&parents[0], "b", CAIRN_OPERATOR_UNION, "1 2 3");
    op_add(&parents[1], "c", CAIRN_OPERATOR_BROADCAST, "k v");

    alloc_sweep(redistribute_work, parents);

    release(parents, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mode_is_shared_out_by_its_rule),
        cmocka_unit_test(longer_chunks_of_a_further_list_begin_where_the_last_ones_ended),
        cmocka_unit_test(a_list_that_divides_evenly_moves_nothing_for_the_next),
        cmocka_unit_test(a_map_comes_from_the_subtasks_that_have_it),
        cmocka_unit_test(a_subtask_that_lacked_a_state_has_it_empty_afterwards),
        cmocka_unit_test(subtasks_that_disagree_are_damage),
        cmocka_unit_test(a_union_larger_than_a_subtask_may_hold_is_refused),
        cmocka_unit_test(more_names_than_a_subtask_may_have_are_refused),
        cmocka_unit_test(random_lists_are_cut_in_order_and_evenly),
        cmocka_unit_test(every_failed_allocation_is_out_of_memory_and_no_leak),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
