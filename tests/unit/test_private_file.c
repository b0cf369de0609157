#include "test.h"

#include "private_file.h"
#include "tmpdir.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define OTHER_UID 65534

static int setup(void **state)
{
    *state = tmpdir_new();
    return *state == NULL;
}

static int teardown(void **state)
{
    tmpdir_free(*state);
    return 0;
}

static const char *make_file(const tmpdir *dir, const char *name, mode_t mode,
                             char path[TMPDIR_PATH_BYTES])
{
    FILE *file = fopen(tmpdir_join(dir, name, path), "we");

    assert_non_null(file);
    assert_true(fputs("text", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static void a_file_that_only_its_owner_can_reach_may_hold_secrets_and_no_other(void **state)
{
    static const struct {
        mode_t mode;
        bool is_private;
    } cases[] = {{0600, true},  {0400, true},  {0700, true},  {0640, false}, {0620, false},
                 {0610, false}, {0604, false}, {0602, false}, {0601, false}, {0644, false}};
    char path[TMPDIR_PATH_BYTES];
    cairn_error err = {0};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO(private_file) file = {.problem = NULL};

        make_file(*state, "file", cases[i].mode, path);
        ASSERT_OK(private_file_read(path, 100, &file, &err), &err);
        assert_true(cairn_slice_equal(cairn_buf_slice(&file.text), cairn_slice_of("text")));
        if (cases[i].is_private) {
            assert_null(file.problem);
        } else {
            assert_string_equal(file.problem, "its mode lets others in: chmod 600");
        }
    }
}

static void a_link_and_a_file_of_another_user_are_no_place_for_secrets(void **state)
{
    CAIRN_AUTO(private_file) linked = {.problem = NULL};
    CAIRN_AUTO(private_file) foreign = {.problem = NULL};
    char path[TMPDIR_PATH_BYTES];
    char link[TMPDIR_PATH_BYTES];
    cairn_error err = {0};

    make_file(*state, "file", 0600, path);
    assert_int_equal(symlink("file", tmpdir_join(*state, "link", link)), 0);
    ASSERT_OK(private_file_read(link, 100, &linked, &err), &err);
    assert_string_equal(linked.problem, "it is a symbolic link");
    assert_int_equal(linked.text.len, 4);

    assert_int_equal(chown(path, OTHER_UID, OTHER_UID), 0);
    ASSERT_OK(private_file_read(path, 100, &foreign, &err), &err);
    assert_string_equal(foreign.problem, "it belongs to another user");
}

static void what_is_absent_too_large_or_no_file_is_refused(void **state)
{
    CAIRN_AUTO(private_file) file = {.problem = NULL};
    const tmpdir *dir = *state;
    char path[TMPDIR_PATH_BYTES];
    cairn_error err = {0};

    ASSERT_CODE(private_file_read(tmpdir_join(dir, "absent", path), 100, &file, &err),
                CAIRN_E_NOT_FOUND, &err);
    ASSERT_MESSAGE_HAS(&err, path);
    make_file(dir, "file", 0600, path);
    ASSERT_CODE(private_file_read(path, 3, &file, &err), CAIRN_E_LIMIT, &err);
    ASSERT_OK(private_file_read(path, 4, &file, &err), &err);
    assert_true(private_file_read(dir->path, 100, &file, &err) != CAIRN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_file_that_only_its_owner_can_reach_may_hold_secrets_and_no_other, setup, teardown),
        cmocka_unit_test_setup_teardown(a_link_and_a_file_of_another_user_are_no_place_for_secrets,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_absent_too_large_or_no_file_is_refused, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
