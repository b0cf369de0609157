#include "test.h"

#include "alloc.h"
#include "check.h"

static void an_empty_block_is_a_valid_pointer(void **state)
{
    (void)state;
    void *blocks[] = {mem_alloc(0), mem_calloc(0, 8), mem_calloc(8, 0),
                      mem_realloc_array(NULL, 0, 8)};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(blocks); i++) {
        assert_non_null(blocks[i]);
        mem_free(blocks[i]);
    }
}

static void sizes_that_overflow_are_refused(void **state)
{
    (void)state;
    volatile size_t half = SIZE_MAX / 2; /* volatile: the compiler must not warn of what we test */

    assert_null(mem_calloc(half, 3));
    assert_null(mem_realloc_array(NULL, half, 3));
    assert_null(mem_strndup("", half * 2 + 1));
}

static void a_failed_resize_keeps_the_old_block(void **state)
{
    (void)state;
    char *block CAIRN_AUTO_FREE = mem_strdup("kept");

    mem_fail_nth(1, 0);
    assert_null(mem_realloc_array(block, 100, 1));
    mem_fail_nth(0, 0);

    assert_string_equal(block, "kept");
}

static void a_copy_ends_with_a_nul(void **state)
{
    (void)state;
    char *copy CAIRN_AUTO_FREE = mem_strndup("abcdef", 3);
    char *empty CAIRN_AUTO_FREE = mem_strndup(NULL, 0);

    assert_string_equal(copy, "abc");
    assert_string_equal(empty, "");
}

static void only_the_nth_allocation_fails(void **state)
{
    (void)state;

    mem_fail_nth(2, 0);
    void *first = mem_alloc(1);
    void *second = mem_alloc(1);
    void *third = mem_alloc(1);
    const uint64_t count = mem_alloc_count();
    mem_fail_nth(0, 0);

    assert_non_null(first);
    assert_null(second);
    assert_non_null(third);
    assert_int_equal(count, 3);
    mem_free(first);
    mem_free(third);
}

static void a_persistent_failure_stays(void **state)
{
    (void)state;

    mem_fail_nth(2, 1);
    void *first = mem_alloc(1);
    void *second = mem_calloc(1, 1);
    char *third = mem_strdup("x");
    mem_fail_nth(0, 0);
    void *after = mem_alloc(1);

    assert_non_null(first);
    assert_null(second);
    assert_null(third);
    assert_non_null(after);
    mem_free(first);
    mem_free(after);
}

static void take_leaves_null_behind(void **state)
{
    (void)state;
    char *text = mem_strdup("x");
    char *before = text;

    char *taken CAIRN_AUTO_FREE = CAIRN_TAKE(text);

    assert_null(text);
    assert_ptr_equal(taken, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_block_is_a_valid_pointer),
        cmocka_unit_test(sizes_that_overflow_are_refused),
        cmocka_unit_test(a_failed_resize_keeps_the_old_block),
        cmocka_unit_test(a_copy_ends_with_a_nul),
        cmocka_unit_test(only_the_nth_allocation_fails),
        cmocka_unit_test(a_persistent_failure_stays),
        cmocka_unit_test(take_leaves_null_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
