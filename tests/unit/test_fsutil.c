#include "test.h"

#include "alloc_sweep.h"
#include "bounds.h"
#include "buf.h"
#include "fsutil.h"
#include "tmpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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

static void assert_holds(const char *path, const char *text)
{
    CAIRN_AUTO(cairn_buf) body = {0};
    cairn_error err = {0};

    ASSERT_OK(fs_read_file(path, 1000, &body, &err), &err);
    assert_string_equal(buf_text(&body), text);
}

static void write_text(const char *path, const char *text)
{
    cairn_error err = {0};

    ASSERT_OK(fs_write_file(path, cairn_slice_of(text), &err), &err);
}

static void parts_of_a_path_are_joined(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"/", "b", "/b"}, {"a", "b/c", "a/b/c"}};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        char *joined CAIRN_AUTO_FREE = NULL;

        ASSERT_OK(fs_join(rows[i][0], rows[i][1], &joined, NULL), NULL);
        assert_string_equal(joined, rows[i][2]);
    }
}

static void folders_are_made_with_their_parents(void **state)
{
    char path[TMPDIR_PATH_BYTES];
    cairn_error err = {0};
    struct stat info;

    tmpdir_join(*state, "x//y/z/", path);
    ASSERT_OK(fs_make_dirs(path, &err), &err);
    ASSERT_OK(fs_make_dirs(path, &err), &err);
    ASSERT_OK(fs_make_dirs("/", &err), &err);

    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    write_text(tmpdir_join(*state, "x/file", path), "");
    ASSERT_CODE(fs_make_dirs(path, &err), CAIRN_E_IO, &err);
    ASSERT_MESSAGE_HAS(&err, "x/file");
    ASSERT_CODE(fs_make_dirs("", &err), CAIRN_E_NOT_FOUND, &err);
}

static void temporary_folders_differ(void **state)
{
    const char *root = ((const tmpdir *)*state)->path;
    char *first CAIRN_AUTO_FREE = NULL;
    char *second CAIRN_AUTO_FREE = NULL;
    cairn_error err = {0};
    fs_stat info;

    ASSERT_OK(fs_make_temp_dir(root, "part-", &first, &err), &err);
    ASSERT_OK(fs_make_temp_dir(root, "part-", &second, &err), &err);

    assert_string_not_equal(first, second);
    assert_non_null(strstr(first, "/part-"));
    ASSERT_OK(fs_stat_path(first, &info, &err), &err);
    assert_true(info.is_directory);
    ASSERT_CODE(fs_make_temp_dir("/nowhere-at-all", "x", &first, &err), CAIRN_E_NOT_FOUND, &err);
}

static void a_file_is_replaced_as_a_whole(void **state)
{
    char path[TMPDIR_PATH_BYTES];
    CAIRN_AUTO(fs_names) names = {0};
    cairn_error err = {0};
    struct stat info;

    tmpdir_join(*state, "replaced", path);
    ASSERT_OK(fs_make_dirs(path, &err), &err);
    tmpdir_join(*state, "replaced/file", path);
    write_text(path, "old and longer");
    write_text(path, "new");
    assert_holds(path, "new");

    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    ASSERT_OK(fs_list(tmpdir_join(*state, "replaced", path), &names, &err), &err);
    assert_int_equal(names.count, 1);
}

static void a_write_that_fails_leaves_the_old_file_and_nothing_else(void **state)
{
    char path[TMPDIR_PATH_BYTES];
    CAIRN_AUTO(fs_names) names = {0};
    cairn_error err = {0};

    tmpdir_join(*state, "kept/taken/inside", path);
    ASSERT_OK(fs_make_dirs(path, &err), &err);
    tmpdir_join(*state, "kept/taken", path);
    ASSERT_CODE(fs_write_file(path, cairn_slice_of("x"), &err), CAIRN_E_IO, &err);
    ASSERT_MESSAGE_HAS(&err, "kept/taken");

    ASSERT_OK(fs_list(tmpdir_join(*state, "kept", path), &names, &err), &err);
    assert_int_equal(names.count, 1);
    ASSERT_CODE(fs_write_file("/nowhere-at-all/x", cairn_slice_of("x"), &err), CAIRN_E_NOT_FOUND,
                &err);
}

static void a_file_beyond_the_limit_is_not_read(void **state)
{
    char path[TMPDIR_PATH_BYTES];
    CAIRN_AUTO(cairn_buf) body = {0};
    cairn_error err = {0};

    write_text(tmpdir_join(*state, "five", path), "12345");
    ASSERT_OK(buf_append_text(&body, "before", NULL), NULL);
    ASSERT_CODE(fs_read_file(path, 4, &body, &err), CAIRN_E_LIMIT, &err);
    ASSERT_MESSAGE_HAS(&err, "larger than 4 bytes");
    assert_string_equal(buf_text(&body), "before");
    body.limit = 4;
    ASSERT_CODE(fs_read_file(path, 5, &body, &err), CAIRN_E_LIMIT, &err);
    body.limit = 5;
    ASSERT_OK(fs_read_file(path, 100, &body, &err), &err);

    assert_string_equal(buf_text(&body), "12345");
    assert_int_equal(body.limit, 5);
}

static void a_file_that_hides_its_size_is_read_up_to_the_limit(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) body = {0};
    cairn_error err = {0};

    ASSERT_CODE(fs_read_file("/proc/self/status", 10, &body, &err), CAIRN_E_LIMIT, &err);
    ASSERT_OK(fs_read_file("/proc/self/status", 1 << 20, &body, &err), &err);

    assert_memory_equal(body.data, "Name:", 5);
}

static void symlinks_and_fifos_are_not_opened(void **state)
{
    char path[TMPDIR_PATH_BYTES];
    char link[TMPDIR_PATH_BYTES];
    CAIRN_AUTO(fs_fd) fd = -1;
    cairn_error err = {0};
    fs_stat info;

    write_text(tmpdir_join(*state, "target", path), "x");
    assert_int_equal(symlink(path, tmpdir_join(*state, "link", link)), 0);
    ASSERT_CODE(fs_open_read(link, &fd, &err), CAIRN_E_IO, &err);
    ASSERT_CODE(fs_open_new(link, &fd, &err), CAIRN_E_EXISTS, &err);
    ASSERT_OK(fs_stat_path(link, &info, &err), &err);
    assert_int_equal(info.size, strlen(path));
    assert_int_equal(symlink("/nowhere", tmpdir_join(*state, "dangling", link)), 0);
    assert_true(fs_exists(link));
    ASSERT_CODE(fs_open_new(link, &fd, &err), CAIRN_E_EXISTS, &err);
    assert_int_equal(mkfifo(tmpdir_join(*state, "fifo", path), 0600), 0);
    ASSERT_CODE(fs_open_read(path, &fd, &err), CAIRN_E_IO, &err);

    assert_int_equal(fd, -1);
    assert_false(fs_exists(tmpdir_join(*state, "absent", path)));
}

static void opened_files_are_not_inherited(void **state)
{
    char path[TMPDIR_PATH_BYTES];
    CAIRN_AUTO(fs_fd) created = -1;
    CAIRN_AUTO(fs_fd) opened = -1;
    CAIRN_AUTO(fs_fd) locked = -1;

    ASSERT_OK(fs_open_new(tmpdir_join(*state, "cloexec", path), &created, NULL), NULL);
    ASSERT_OK(fs_open_read(path, &opened, NULL), NULL);
    ASSERT_OK(fs_lock_dir(((const tmpdir *)*state)->path, &locked, NULL), NULL);

    assert_true(fcntl(created, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(opened, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(locked, F_GETFD) & FD_CLOEXEC);
}

static void bytes_are_read_at_an_offset(void **state)
{
    char path[TMPDIR_PATH_BYTES];
    CAIRN_AUTO(fs_fd) fd = -1;
    char bytes[8] = {0};
    size_t got = 0;

    write_text(tmpdir_join(*state, "offset", path), "0123456789");
    ASSERT_OK(fs_open_read(path, &fd, NULL), NULL);
    ASSERT_OK(fs_read_at(fd, &(cairn_memory_range){3, bytes, 4}, &got, path, NULL), NULL);
    assert_int_equal(got, 4);
    assert_memory_equal(bytes, "3456", 4);
    ASSERT_OK(fs_read_at(fd, &(cairn_memory_range){8, bytes, 4}, &got, path, NULL), NULL);
    assert_int_equal(got, 2);
    ASSERT_OK(fs_read_at(fd, &(cairn_memory_range){100, bytes, 4}, &got, path, NULL), NULL);
    assert_int_equal(got, 0);
    fs_close(&fd);
    assert_int_equal(fd, -1);
    ASSERT_CODE(fs_read_at(fd, &(cairn_memory_range){0, bytes, 4}, &got, path, NULL), CAIRN_E_IO,
                NULL);
}

static void a_range_is_appended_to_another_file(void **state)
{
    char path[TMPDIR_PATH_BYTES];
    char copy[TMPDIR_PATH_BYTES];
    CAIRN_AUTO(fs_fd) from = -1;
    CAIRN_AUTO(fs_fd) to = -1;
    cairn_error err = {0};

    write_text(tmpdir_join(*state, "from", path), "0123456789");
    ASSERT_OK(fs_open_read(path, &from, NULL), NULL);
    ASSERT_OK(fs_open_new(tmpdir_join(*state, "to", copy), &to, NULL), NULL);
    ASSERT_OK(fs_write_all(to, "ab", 2, copy, NULL), NULL);
    ASSERT_OK(fs_copy_range(from, 2, 3, to, path, &err), &err);
    ASSERT_OK(fs_copy_range(from, 9, 1, to, path, &err), &err);
    ASSERT_OK(fs_copy_range(from, 0, 0, to, path, &err), &err);
    assert_holds(copy, "ab2349");
    ASSERT_CODE(fs_copy_range(from, 8, 3, to, path, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "ends at byte 10, 1 too early");
}

static void a_range_is_copied_where_the_kernel_cannot(void **state)
{
    char copy[TMPDIR_PATH_BYTES];
    CAIRN_AUTO(fs_fd) from = -1;
    CAIRN_AUTO(fs_fd) to = -1;
    cairn_error err = {0};

    /* A file of /proc has no size, so that copy_file_range sees its end at once. */
    ASSERT_OK(fs_open_read("/proc/version", &from, &err), &err);
    ASSERT_OK(fs_open_new(tmpdir_join(*state, "by-hand", copy), &to, &err), &err);
    ASSERT_OK(fs_copy_range(from, 0, 5, to, "version", &err), &err);

    assert_holds(copy, "Linux");
}

static void a_full_device_is_no_space(void **state)
{
    (void)state;
    CAIRN_AUTO(fs_fd) fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    cairn_error err = {0};

    ASSERT_CODE(fs_write_all(fd, "x", 1, "f", &err), CAIRN_E_NO_SPACE, &err);
    ASSERT_MESSAGE_HAS(&err, "write f: No space left on device");
}

static int write_in_small_file_system(const char *mount_point)
{
    static char large[256 << 10];
    char *path CAIRN_AUTO_FREE = NULL;
    CAIRN_AUTO(fs_names) names = {0};
    uint64_t free_bytes = UINT64_MAX;

    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", mount_point, "tmpfs", 0, "size=64k") != 0) {
        return 4; /* needs root */
    }
    if (fs_join(mount_point, "file", &path, NULL) != CAIRN_OK ||
        fs_write_file(path, cairn_slice_of("old"), NULL) != CAIRN_OK ||
        fs_free_bytes(mount_point, &free_bytes, NULL) != CAIRN_OK || free_bytes > (64 << 10)) {
        return 1;
    }
    if (fs_write_file(path, (cairn_slice){large, sizeof(large)}, NULL) != CAIRN_E_NO_SPACE) {
        return 2;
    }
    if (fs_list(mount_point, &names, NULL) != CAIRN_OK || names.count != 1) {
        return 3;
    }
    return 0;
}

static void a_full_file_system_keeps_the_old_file(void **state)
{
    int status = 0;
    const pid_t child = fork();

    if (child == 0) {
        _exit(write_in_small_file_system(((const tmpdir *)*state)->path));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));

    assert_int_equal(WEXITSTATUS(status), 0);
}

static void free_space_of_what_is_not_there_is_not_found(void **state)
{
    uint64_t bytes = 0;

    ASSERT_OK(fs_free_bytes(((const tmpdir *)*state)->path, &bytes, NULL), NULL);
    assert_true(bytes > 0);
    ASSERT_CODE(fs_free_bytes("/nowhere-at-all", &bytes, NULL), CAIRN_E_NOT_FOUND, NULL);
}

static void names_are_listed_sorted_without_the_dots(void **state)
{
    static const char *const expected[] = {".hidden", "B", "a", "b"};
    char path[TMPDIR_PATH_BYTES];
    CAIRN_AUTO(fs_names) names = {0};
    cairn_error err = {0};

    ASSERT_OK(fs_make_dirs(tmpdir_join(*state, "listed/b", path), &err), &err);
    write_text(tmpdir_join(*state, "listed/a", path), "");
    write_text(tmpdir_join(*state, "listed/B", path), "");
    write_text(tmpdir_join(*state, "listed/.hidden", path), "");
    ASSERT_OK(fs_list(tmpdir_join(*state, "listed", path), &names, &err), &err);

    assert_int_equal(names.count, CAIRN_ARRAY_LEN(expected));
    for (size_t i = 0; i < names.count; i++) {
        assert_string_equal(names.items[i], expected[i]);
    }
    ASSERT_CODE(fs_list(tmpdir_join(*state, "listed/a", path), &names, &err), CAIRN_E_IO, &err);
    ASSERT_CODE(fs_list(tmpdir_join(*state, "absent", path), &names, &err), CAIRN_E_NOT_FOUND,
                &err);
    assert_int_equal(names.count, CAIRN_ARRAY_LEN(expected));
}

static void an_empty_folder_has_no_names(void **state)
{
    char path[TMPDIR_PATH_BYTES];
    fs_names names = {.count = 7};

    ASSERT_OK(fs_make_dirs(tmpdir_join(*state, "empty", path), NULL), NULL);
    ASSERT_OK(fs_list(path, &names, NULL), NULL);

    assert_int_equal(names.count, 0);
}

static void a_tree_is_removed_without_what_its_symlinks_name(void **state)
{
    char path[TMPDIR_PATH_BYTES];
    char outside[TMPDIR_PATH_BYTES];
    cairn_error err = {0};

    ASSERT_OK(fs_make_dirs(tmpdir_join(*state, "outside", outside), &err), &err);
    write_text(tmpdir_join(*state, "outside/kept", path), "x");
    ASSERT_OK(fs_make_dirs(tmpdir_join(*state, "tree/a/b/c", path), &err), &err);
    write_text(tmpdir_join(*state, "tree/a/b/file", path), "x");
    assert_int_equal(symlink(outside, tmpdir_join(*state, "tree/a/link", path)), 0);
    assert_int_equal(symlink(outside, tmpdir_join(*state, "top-link", path)), 0);

    ASSERT_OK(fs_remove_tree(path, &err), &err);
    assert_false(fs_exists(path));
    ASSERT_OK(fs_remove_tree(tmpdir_join(*state, "tree", path), &err), &err);
    assert_false(fs_exists(path));
    assert_true(fs_exists(tmpdir_join(*state, "outside/kept", path)));
    ASSERT_OK(fs_remove_tree(tmpdir_join(*state, "absent", path), &err), &err);
}

static void a_tree_that_is_too_deep_is_a_limit(void **state)
{
    char path[TMPDIR_PATH_BYTES];
    CAIRN_AUTO(cairn_buf) deep = {0};
    cairn_error err = {0};

    ASSERT_OK(buf_append_text(&deep, tmpdir_join(*state, "deep", path), &err), &err);
    for (int i = 0; i < CAIRN_DIR_DEPTH_MAX; i++) {
        ASSERT_OK(buf_append_text(&deep, "/d", &err), &err);
    }
    ASSERT_OK(fs_make_dirs(buf_text(&deep), &err), &err);
    ASSERT_CODE(fs_remove_tree(path, &err), CAIRN_E_LIMIT, &err);
    ASSERT_OK(fs_remove_tree(tmpdir_join(*state, "deep/d", path), &err), &err);
}

static void removing_and_renaming_a_file(void **state)
{
    char from[TMPDIR_PATH_BYTES];
    char to[TMPDIR_PATH_BYTES];
    cairn_error err = {0};

    write_text(tmpdir_join(*state, "name-1", from), "x");
    tmpdir_join(*state, "name-2", to);
    ASSERT_OK(fs_rename(from, to, &err), &err);
    assert_false(fs_exists(from));
    assert_holds(to, "x");
    ASSERT_CODE(fs_rename(from, to, &err), CAIRN_E_NOT_FOUND, &err);
    ASSERT_OK(fs_remove_file(to, &err), &err);
    ASSERT_OK(fs_remove_file(to, &err), &err);
    ASSERT_CODE(fs_remove_file(((const tmpdir *)*state)->path, &err), CAIRN_E_IO, &err);
    ASSERT_OK(fs_sync_dir(((const tmpdir *)*state)->path, &err), &err);
    ASSERT_CODE(fs_sync_dir(from, &err), CAIRN_E_NOT_FOUND, &err);
}

/* What another process gets for the lock. */
static cairn_code lock_in_child(const char *dir)
{
    int status = 0;
    const pid_t child = fork();

    if (child == 0) {
        fs_fd fd = -1;

        _exit(-(int)fs_lock_dir(dir, &fd, NULL));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return (cairn_code)-WEXITSTATUS(status);
}

static void a_lock_is_held_by_one_process(void **state)
{
    char path[TMPDIR_PATH_BYTES];
    CAIRN_AUTO(fs_fd) lock = -1;
    fs_fd second = -1;
    cairn_error err = {0};

    ASSERT_OK(fs_make_dirs(tmpdir_join(*state, "locked", path), &err), &err);
    ASSERT_CODE(lock_in_child(path), CAIRN_OK, NULL);
    ASSERT_OK(fs_lock_dir(path, &lock, &err), &err);
    ASSERT_CODE(lock_in_child(path), CAIRN_E_LOCKED, NULL);
    ASSERT_CODE(fs_lock_dir(path, &second, &err), CAIRN_E_LOCKED, &err);
    ASSERT_MESSAGE_HAS(&err, "locked/LOCK");
    fs_close(&lock);
    ASSERT_CODE(lock_in_child(path), CAIRN_OK, NULL);
    ASSERT_CODE(fs_lock_dir("/nowhere-at-all", &second, &err), CAIRN_E_NOT_FOUND, &err);
}

static cairn_code use_files(void *context, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) body = {0};
    CAIRN_AUTO(fs_names) names = {0};
    char *path CAIRN_AUTO_FREE = NULL;

    CAIRN_TRY(fs_make_dirs(context, err));
    CAIRN_TRY(fs_join(context, "file", &path, err));
    CAIRN_TRY(fs_write_file(path, cairn_slice_of("text"), err));
    CAIRN_TRY(fs_read_file(path, 100, &body, err));
    return fs_list(context, &names, err);
}

static void each_failed_allocation_is_reported(void **state)
{
    char path[TMPDIR_PATH_BYTES];

    (void)tmpdir_join(*state, "sweep", path);
    alloc_sweep(use_files, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_of_a_path_are_joined),
        cmocka_unit_test(folders_are_made_with_their_parents),
        cmocka_unit_test(temporary_folders_differ),
        cmocka_unit_test(a_file_is_replaced_as_a_whole),
        cmocka_unit_test(a_write_that_fails_leaves_the_old_file_and_nothing_else),
        cmocka_unit_test(a_file_beyond_the_limit_is_not_read),
        cmocka_unit_test(a_file_that_hides_its_size_is_read_up_to_the_limit),
        cmocka_unit_test(symlinks_and_fifos_are_not_opened),
        cmocka_unit_test(opened_files_are_not_inherited),
        cmocka_unit_test(bytes_are_read_at_an_offset),
        cmocka_unit_test(a_range_is_appended_to_another_file),
        cmocka_unit_test(a_range_is_copied_where_the_kernel_cannot),
        cmocka_unit_test(a_full_device_is_no_space),
        cmocka_unit_test(a_full_file_system_keeps_the_old_file),
        cmocka_unit_test(free_space_of_what_is_not_there_is_not_found),
        cmocka_unit_test(names_are_listed_sorted_without_the_dots),
        cmocka_unit_test(an_empty_folder_has_no_names),
        cmocka_unit_test(a_tree_is_removed_without_what_its_symlinks_name),
        cmocka_unit_test(a_tree_that_is_too_deep_is_a_limit),
        cmocka_unit_test(removing_and_renaming_a_file),
        cmocka_unit_test(a_lock_is_held_by_one_process),
        cmocka_unit_test(each_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
