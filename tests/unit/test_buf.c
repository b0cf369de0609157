#include "test.h"

#include "alloc_sweep.h"
#include "buf.h"

static void text_is_appended_in_order(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) buf = {0};
    cairn_error err = {0};

    ASSERT_OK(buf_append(&buf, "ab", 2, &err), &err);
    ASSERT_OK(buf_append_byte(&buf, 'c', &err), &err);
    ASSERT_OK(buf_append_text(&buf, "de", &err), &err);
    ASSERT_OK(buf_printf(&buf, &err, "-%d-%s", 42, "f"), &err);

    assert_string_equal(buf_text(&buf), "abcde-42-f");
    assert_int_equal(buf.len, 10);
}

static void nothing_is_appended_from_null(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) buf = {0};

    ASSERT_OK(buf_append(&buf, NULL, 0, NULL), NULL);

    assert_int_equal(buf.len, 0);
    assert_string_equal(buf_text(&buf), "");
}

static void the_limit_is_reached_and_not_passed(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) buf = {.limit = 4};
    cairn_error err = {0};

    ASSERT_OK(buf_append_text(&buf, "abcd", &err), &err);
    ASSERT_CODE(buf_append_byte(&buf, 'e', &err), CAIRN_E_LIMIT, &err);
    ASSERT_CODE(buf_printf(&buf, &err, "%c", 'e'), CAIRN_E_LIMIT, &err);
    ASSERT_CODE(buf_reserve(&buf, SIZE_MAX, &err), CAIRN_E_LIMIT, &err);
    ASSERT_MESSAGE_HAS(&err, "limit of 4");

    assert_string_equal(buf_text(&buf), "abcd");
}

static void a_buffer_without_limit_has_the_default_one(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) buf = {0};

    ASSERT_CODE(buf_reserve(&buf, CAIRN_BUF_DEFAULT_LIMIT + 1, NULL), CAIRN_E_LIMIT, NULL);

    assert_null(buf.data);
}

static void growth_keeps_the_contents(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) buf = {.limit = 100000};

    for (size_t i = 0; i < 100000; i++) {
        ASSERT_OK(buf_append_byte(&buf, (uint8_t)(i % 251), NULL), NULL);
    }

    assert_int_equal(buf.len, 100000);
    assert_int_equal(buf.capacity, 100000);
    for (size_t i = 0; i < buf.len; i++) {
        assert_int_equal(buf.data[i], i % 251);
    }
}

static void clear_keeps_memory_and_release_keeps_the_limit(void **state)
{
    (void)state;
    cairn_buf buf = {0};

    cairn_buf_init(&buf, 10);
    ASSERT_OK(buf_append_text(&buf, "abc", NULL), NULL);
    buf_clear(&buf);
    assert_int_equal(buf.len, 0);
    assert_non_null(buf.data);
    cairn_buf_release(&buf);
    assert_null(buf.data);
    assert_int_equal(buf.capacity, 0);
    assert_int_equal(buf.limit, 10);
    cairn_buf_release(NULL);
}

static void take_leaves_an_empty_buffer(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) source = {.limit = 10};
    ASSERT_OK(buf_append_text(&source, "abc", NULL), NULL);

    CAIRN_AUTO(cairn_buf) taken = buf_take(&source);

    assert_int_equal(source.len, 0);
    assert_null(source.data);
    assert_int_equal(source.limit, 10);
    assert_string_equal(buf_text(&taken), "abc");
}

static void slices_are_compared_by_length_and_bytes(void **state)
{
    (void)state;
    const cairn_slice empty = {NULL, 0};

    assert_true(cairn_slice_equal(empty, cairn_slice_of("")));
    assert_true(cairn_slice_equal(cairn_slice_of(NULL), empty));
    assert_true(cairn_slice_equal(cairn_slice_of("ab"), (cairn_slice){"abc", 2}));
    assert_false(cairn_slice_equal(cairn_slice_of("ab"), cairn_slice_of("abc")));
    assert_false(cairn_slice_equal(cairn_slice_of("ab"), cairn_slice_of("ac")));
}

static cairn_code build_text(void *context, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) buf = {0};

    (void)context;
    for (int i = 0; i < 100; i++) {
        CAIRN_TRY(buf_printf(&buf, err, "%d,", i));
        CAIRN_TRY(buf_append_text(&buf, "text", err));
    }
    return CAIRN_OK;
}

static void each_failed_allocation_is_reported(void **state)
{
    (void)state;

    alloc_sweep(build_text, NULL);
}

static void a_failed_allocation_keeps_the_contents(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) buf = {0};
    char large[1000] = {0};
    ASSERT_OK(buf_append_text(&buf, "kept", NULL), NULL);

    mem_fail_nth(1, 1);
    const cairn_code appended = buf_append(&buf, large, sizeof(large), NULL);
    const cairn_code formatted = buf_printf(&buf, NULL, "%0500d", 0);
    mem_fail_nth(0, 0);

    ASSERT_CODE(appended, CAIRN_E_NO_MEMORY, NULL);
    ASSERT_CODE(formatted, CAIRN_E_NO_MEMORY, NULL);
    assert_string_equal(buf_text(&buf), "kept");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_appended_in_order),
        cmocka_unit_test(nothing_is_appended_from_null),
        cmocka_unit_test(the_limit_is_reached_and_not_passed),
        cmocka_unit_test(a_buffer_without_limit_has_the_default_one),
        cmocka_unit_test(growth_keeps_the_contents),
        cmocka_unit_test(clear_keeps_memory_and_release_keeps_the_limit),
        cmocka_unit_test(take_leaves_an_empty_buffer),
        cmocka_unit_test(slices_are_compared_by_length_and_bytes),
        cmocka_unit_test(each_failed_allocation_is_reported),
        cmocka_unit_test(a_failed_allocation_keeps_the_contents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
