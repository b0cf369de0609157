#include "test.h"

#include "alloc_sweep.h"
#include "buf.h"
#include "secret.h"

/* Stands in for libc's: what is wiped is looked at before its memory is gone. */
static char wiped[256];
static size_t wiped_len;

void look_and_wipe(void *bytes, size_t len) __asm__("explicit_bzero");

void look_and_wipe(void *bytes, size_t len)
{
    assert_true(len <= sizeof(wiped));
    memcpy(wiped, bytes, len);
    wiped_len = len;
    memset(bytes, 0, len);
}

static void assert_wiped(const char *text)
{
    assert_true(wiped_len >= strlen(text));
    assert_memory_equal(wiped, text, strlen(text));
    wiped_len = 0;
}

static void what_is_let_go_is_wiped_first(void **state)
{
    (void)state;
    CAIRN_AUTO(secret) s = {0};
    cairn_buf buf = {0};

    wiped_len = 0;
    ASSERT_OK(secret_set(&s, cairn_slice_of("first"), NULL), NULL);
    ASSERT_OK(secret_set(&s, cairn_slice_of("second"), NULL), NULL);
    assert_wiped("first");
    secret_release(&s);
    assert_wiped("second");
    ASSERT_OK(buf_append_text(&buf, "in a buffer", NULL), NULL);
    secret_buf_release(&buf);
    assert_wiped("in a buffer");
}

static void a_secret_is_a_copy(void **state)
{
    (void)state;
    CAIRN_AUTO(secret) s = {0};
    char bytes[] = "first";

    assert_false(secret_is_set(&s));
    ASSERT_OK(secret_set(&s, cairn_slice_of(bytes), NULL), NULL);
    bytes[0] = 'X';
    assert_true(secret_is_set(&s));
    assert_string_equal(s.text, "first");
    assert_int_equal(s.len, 5);

    ASSERT_OK(secret_set(&s, cairn_slice_of("2"), NULL), NULL);
    assert_string_equal(s.text, "2");
    assert_int_equal(s.len, 1);
    ASSERT_OK(secret_set(&s, (cairn_slice){NULL, 0}, NULL), NULL);
    assert_true(secret_is_set(&s));
    assert_string_equal(s.text, "");
}

static void a_nul_in_a_secret_is_refused_and_the_old_one_stays(void **state)
{
    (void)state;
    CAIRN_AUTO(secret) s = {0};
    cairn_error err = {0};

    ASSERT_OK(secret_set(&s, cairn_slice_of("kept"), NULL), NULL);
    ASSERT_CODE(secret_set(&s, (cairn_slice){"canary\0x", 8}, &err), CAIRN_E_INVALID, &err);

    assert_string_equal(s.text, "kept");
    ASSERT_MESSAGE_HAS(&err, "NUL");
    assert_null(strstr(err.message, "canary"));
}

static void a_copy_is_its_own_and_a_copy_of_none_is_none(void **state)
{
    (void)state;
    CAIRN_AUTO(secret) from = {0};
    CAIRN_AUTO(secret) to = {0};

    ASSERT_OK(secret_set(&from, cairn_slice_of("text"), NULL), NULL);
    ASSERT_OK(secret_copy(&to, &from, NULL), NULL);
    secret_release(&from);
    assert_string_equal(to.text, "text");
    assert_false(secret_is_set(&from));

    ASSERT_OK(secret_copy(&to, &from, NULL), NULL);
    assert_false(secret_is_set(&to));
    assert_int_equal(to.len, 0);
}

static void a_taken_secret_leaves_none_behind(void **state)
{
    (void)state;
    CAIRN_AUTO(secret) from = {0};

    ASSERT_OK(secret_set(&from, cairn_slice_of("text"), NULL), NULL);
    CAIRN_AUTO(secret) to = secret_take(&from);

    assert_string_equal(to.text, "text");
    assert_false(secret_is_set(&from));
    assert_int_equal(from.len, 0);
}

static void a_released_secret_may_be_released_again(void **state)
{
    (void)state;
    secret s = {0};

    ASSERT_OK(secret_set(&s, cairn_slice_of("text"), NULL), NULL);
    secret_release(&s);
    secret_release(&s);

    assert_false(secret_is_set(&s));
    assert_int_equal(s.len, 0);
}

static void a_buffer_that_held_one_is_empty_and_may_be_used_again(void **state)
{
    (void)state;
    cairn_buf buf = {.limit = 100};

    ASSERT_OK(buf_append_text(&buf, "text", NULL), NULL);
    secret_buf_release(&buf);
    secret_buf_release(&buf);

    assert_null(buf.data);
    assert_int_equal(buf.len, 0);
    assert_int_equal(buf.limit, 100);
}

static void a_hint_shows_four_characters(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        const char *hint;
    } rows[] = {
        {"AKIAIOSFODNN7EXAMPLE", "AKIA..."}, {"AKIA", "AKIA..."}, {"ab", "ab..."}, {"", "..."}};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        char hint[SECRET_HINT_SIZE];

        secret_hint(rows[i].id, hint);
        assert_string_equal(hint, rows[i].hint);
    }
}

static cairn_code copy_one(void *context, cairn_error *err)
{
    CAIRN_AUTO(secret) from = {0};
    CAIRN_AUTO(secret) to = {0};

    (void)context;
    CAIRN_TRY(secret_set(&from, cairn_slice_of("text"), err));
    return secret_copy(&to, &from, err);
}

static void each_failed_allocation_is_reported(void **state)
{
    (void)state;
    alloc_sweep(copy_one, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_is_a_copy),
        cmocka_unit_test(a_nul_in_a_secret_is_refused_and_the_old_one_stays),
        cmocka_unit_test(a_copy_is_its_own_and_a_copy_of_none_is_none),
        cmocka_unit_test(a_taken_secret_leaves_none_behind),
        cmocka_unit_test(a_released_secret_may_be_released_again),
        cmocka_unit_test(a_buffer_that_held_one_is_empty_and_may_be_used_again),
        cmocka_unit_test(what_is_let_go_is_wiped_first),
        cmocka_unit_test(a_hint_shows_four_characters),
        cmocka_unit_test(each_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
