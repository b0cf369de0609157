#include "test.h"

#include <cairn/state.h>

#include "bounds.h"
#include "check.h"

static void the_groups_of_known_keys_never_change(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        uint32_t group;
    } vectors[] = {{"", 0}, {"a", 50}, {"abc", 122}, {"user-42", 80}};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(vectors); i++) {
        assert_int_equal(cairn_key_group_of(cairn_slice_of(vectors[i].key), 128), vectors[i].group);
    }
    assert_int_equal(cairn_key_group_of(cairn_slice_of("abc"), 32768), 0xb3dd93faU % 32768);
    assert_int_equal(cairn_key_group_of(cairn_slice_of("abc"), 1), 0);
    assert_int_equal(cairn_key_group_of(cairn_slice_of("abc"), 0), 0);
}

/* Flink's rule: a group belongs to subtask group * parallelism / max. */
static void assert_cover(uint32_t parallelism, uint32_t max)
{
    uint32_t next = 0;

    for (uint32_t i = 0; i < parallelism; i++) {
        cairn_key_group_range range = cairn_key_groups_of_subtask(i, parallelism, max);

        assert_int_equal(range.first, next);
        for (uint32_t group = range.first; group <= range.last; group++) {
            assert_int_equal((uint64_t)group * parallelism / max, i);
        }
        next = range.last + 1;
    }
    assert_int_equal(next, max);
}

static void the_ranges_of_all_subtasks_cover_each_group_once_as_in_flink(void **state)
{
    (void)state;
    static const uint32_t maxima[] = {1, 2, 7, 127, 128, 129, 1000};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(maxima); i++) {
        for (uint32_t parallelism = 1; parallelism <= maxima[i]; parallelism++) {
            assert_cover(parallelism, maxima[i]);
        }
    }
    assert_cover(1, CAIRN_PARALLELISM_MAX);
    assert_cover(32767, CAIRN_PARALLELISM_MAX);
    assert_cover(CAIRN_PARALLELISM_MAX, CAIRN_PARALLELISM_MAX);
}

static void a_subtask_that_cannot_be_owns_nothing(void **state)
{
    (void)state;
    static const uint32_t cases[][3] = {
        {0, 0, 128}, {4, 4, 128}, {0, 129, 128}, {0, 1, 0}, {0, 1, CAIRN_PARALLELISM_MAX + 1},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        cairn_key_group_range range =
            cairn_key_groups_of_subtask(cases[i][0], cases[i][1], cases[i][2]);

        assert_true(range.first > range.last);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_groups_of_known_keys_never_change),
        cmocka_unit_test(the_ranges_of_all_subtasks_cover_each_group_once_as_in_flink),
        cmocka_unit_test(a_subtask_that_cannot_be_owns_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
