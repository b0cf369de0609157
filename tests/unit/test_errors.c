#include "test.h"

#include "check.h"
#include "errors.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void each_code_has_its_name_and_exit_code(void **state)
{
    (void)state;
    static const struct {
        cairn_code code;
        int exit_code;
        const char *name;
    } rows[] = {
        {CAIRN_OK, 0, "ok"},
        {CAIRN_E_FAILED, 1, "failed"},
        {CAIRN_E_INVALID, 2, "invalid"},
        {CAIRN_E_STATE, 2, "state"},
        {CAIRN_E_NOT_FOUND, 3, "not-found"},
        {CAIRN_E_INTEGRITY, 4, "integrity"},
        {CAIRN_E_ACCESS, 5, "access"},
        {CAIRN_E_UNAVAILABLE, 6, "unavailable"},
        {CAIRN_E_TIMEOUT, 6, "timeout"},
        {CAIRN_E_EXISTS, 7, "exists"},
        {CAIRN_E_FENCED, 7, "fenced"},
        {CAIRN_E_LOCKED, 7, "locked"},
        {CAIRN_E_INCOMPATIBLE, 8, "incompatible"},
        {CAIRN_E_NO_SPACE, 9, "no-space"},
        {CAIRN_E_IO, 9, "io"},
        {CAIRN_E_LIMIT, 9, "limit"},
        {CAIRN_E_NO_MEMORY, 9, "no-memory"},
        {CAIRN_E_CANCELLED, 130, "cancelled"},
        {CAIRN_E_INTERNAL, 70, "internal"},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        assert_string_equal(cairn_code_name(rows[i].code), rows[i].name);
        assert_int_equal(cairn_exit_code(rows[i].code), rows[i].exit_code);
    }
}

static void a_number_that_is_no_code_is_a_bug(void **state)
{
    (void)state;
    volatile int outside[] = {1, -19, INT32_MIN, INT32_MAX};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(outside); i++) {
        assert_string_equal(cairn_code_name((cairn_code)outside[i]), "unknown");
        assert_int_equal(cairn_exit_code((cairn_code)outside[i]), 70);
    }
}

static void errno_is_mapped_to_a_code(void **state)
{
    (void)state;
    static const struct {
        int errno_value;
        cairn_code code;
    } rows[] = {
        {ENOENT, CAIRN_E_NOT_FOUND}, {EEXIST, CAIRN_E_EXISTS},   {EACCES, CAIRN_E_ACCESS},
        {EPERM, CAIRN_E_ACCESS},     {ENOSPC, CAIRN_E_NO_SPACE}, {EDQUOT, CAIRN_E_NO_SPACE},
        {ENOMEM, CAIRN_E_NO_MEMORY}, {EROFS, CAIRN_E_IO},        {EIO, CAIRN_E_IO},
        {ELOOP, CAIRN_E_IO},         {ENOTDIR, CAIRN_E_IO},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        cairn_error err = {0};

        ASSERT_CODE(error_errno(&err, rows[i].errno_value, "open %s", "f"), rows[i].code, &err);
        assert_int_equal(err.code, rows[i].code);
        ASSERT_MESSAGE_HAS(&err, "open f: ");
        assert_true(strlen(err.message) > strlen("open f: "));
    }
}

static void upper_layers_prefix_the_message(void **state)
{
    (void)state;
    cairn_error err = {0};

    const cairn_code code = error_set(&err, CAIRN_E_UNAVAILABLE, "PUT: %d", 503);
    ASSERT_CODE(error_prefix(&err, code, "upload %s", "k"), CAIRN_E_UNAVAILABLE, &err);

    assert_string_equal(err.message, "upload k: PUT: 503");
    assert_int_equal(err.code, CAIRN_E_UNAVAILABLE);
}

static void a_wait_that_was_asked_for_belongs_to_one_failure(void **state)
{
    (void)state;
    cairn_error err = {0};

    (void)error_set(&err, CAIRN_E_UNAVAILABLE, "503");
    err.retry_after_ms = 1000;
    (void)error_prefix(&err, CAIRN_E_UNAVAILABLE, "upload");
    assert_int_equal(err.retry_after_ms, 1000);

    (void)error_set(&err, CAIRN_E_UNAVAILABLE, "reset");
    assert_int_equal(err.retry_after_ms, 0);
    err.retry_after_ms = 1000;
    (void)error_errno(&err, EIO, "read");
    assert_int_equal(err.retry_after_ms, 0);
    err.retry_after_ms = 1000;
    (void)error_no_memory(&err, "read");
    assert_int_equal(err.retry_after_ms, 0);
}

static void the_arguments_may_point_into_the_error(void **state)
{
    (void)state;
    cairn_error err = {0};

    (void)error_set(&err, CAIRN_E_FAILED, "inner");
    (void)error_set(&err, CAIRN_E_INTEGRITY, "outer (%s)", err.message);

    assert_string_equal(err.message, "outer (inner)");
}

static void a_long_message_is_cut(void **state)
{
    (void)state;
    cairn_error err = {0};
    char text[2 * CAIRN_ERROR_MESSAGE_BYTES];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    (void)error_set(&err, CAIRN_E_FAILED, "%s", text);
    assert_int_equal(strlen(err.message), CAIRN_ERROR_MESSAGE_BYTES - 1);
    (void)error_prefix(&err, CAIRN_E_FAILED, "prefix");
    assert_int_equal(strlen(err.message), CAIRN_ERROR_MESSAGE_BYTES - 1);
    assert_memory_equal(err.message, "prefix: xxx", 11);
    (void)error_errno(&err, EIO, "%s", text);
    assert_int_equal(strlen(err.message), CAIRN_ERROR_MESSAGE_BYTES - 1);
}

static void no_error_value_is_fine(void **state)
{
    (void)state;

    ASSERT_CODE(error_set(NULL, CAIRN_E_STATE, "x"), CAIRN_E_STATE, NULL);
    ASSERT_CODE(error_errno(NULL, ENOENT, "x"), CAIRN_E_NOT_FOUND, NULL);
    ASSERT_CODE(error_prefix(NULL, CAIRN_E_IO, "x"), CAIRN_E_IO, NULL);
    ASSERT_CODE(error_no_memory(NULL, "x"), CAIRN_E_NO_MEMORY, NULL);
}

static void a_failed_assertion_ends_the_process_with_70(void **state)
{
    (void)state;
    int ends[2];
    char text[256] = {0};
    int status = 0;

    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        CAIRN_ASSERT(1 + 1 == 3);
        _exit(0);
    }
    (void)close(ends[1]);
    assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 70);
    assert_non_null(strstr(text, "1 + 1 == 3"));
    assert_non_null(strstr(text, "test_errors.c"));
}

static void the_version_has_three_parts(void **state)
{
    (void)state;
    unsigned parts[3];
    int used = 0;

    /* NOLINTNEXTLINE(cert-err34-c): the text is ours */
    assert_int_equal(sscanf(cairn_version(), "%u.%u.%u%n", &parts[0], &parts[1], &parts[2], &used),
                     3);
    assert_int_equal(cairn_version()[used], '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_code_has_its_name_and_exit_code),
        cmocka_unit_test(a_number_that_is_no_code_is_a_bug),
        cmocka_unit_test(errno_is_mapped_to_a_code),
        cmocka_unit_test(upper_layers_prefix_the_message),
        cmocka_unit_test(a_wait_that_was_asked_for_belongs_to_one_failure),
        cmocka_unit_test(the_arguments_may_point_into_the_error),
        cmocka_unit_test(a_long_message_is_cut),
        cmocka_unit_test(no_error_value_is_fine),
        cmocka_unit_test(a_failed_assertion_ends_the_process_with_70),
        cmocka_unit_test(the_version_has_three_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
