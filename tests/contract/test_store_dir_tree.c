/* What only a directory store can meet: its root, and what others put into its tree. */
#include "test.h"

#include <cairn/dir.h>

#include "fsutil.h"
#include "store_dir.h"
#include "stores.h"
#include "threads.h"
#include "tmpdir.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct fixture {
    tmpdir *dir;
    cairn_store *store;
    char root[TMPDIR_PATH_BYTES];
    cairn_error err;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));

    *state = f;
    f->dir = tmpdir_new();
    (void)tmpdir_join(f->dir, "root", f->root);
    ASSERT_OK(cairn_dir_store_new(f->root, NULL, &f->store, &f->err), &f->err);
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    cairn_store_free(f->store);
    tmpdir_free(f->dir);
    free(f);
    return 0;
}

static cairn_code put(fixture *f, const char *key, cairn_put_mode mode)
{
    return cairn_store_put(f->store, NULL, key, cairn_slice_of("body"), mode, &f->err);
}

static cairn_code get(fixture *f, const char *key)
{
    CAIRN_AUTO(cairn_buf) found = {0};

    return cairn_store_get(f->store, NULL, key, 1000, &found, &f->err);
}

static const char *in_root(const fixture *f, const char *name, char path[TMPDIR_PATH_BYTES])
{
    char below[TMPDIR_PATH_BYTES];

    assert_true(snprintf(below, sizeof(below), "root/%s", name) < (int)sizeof(below));
    return tmpdir_join(f->dir, below, path);
}

static cairn_code count_object(void *context, const char *key, const cairn_object_info *info,
                               cairn_error *err)
{
    size_t *count = context;

    (void)key;
    (void)info;
    (void)err;
    ++*count;
    return CAIRN_OK;
}

static cairn_code list(fixture *f, const char *prefix, size_t *count)
{
    return cairn_store_list(f->store, NULL, prefix, count_object, count, &f->err);
}

static void a_missing_root_is_made_or_not_found_as_asked(void **state)
{
    fixture *f = *state;
    const cairn_dir_options no_create = {CAIRN_DIR_OPTIONS_VERSION, false};
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *store = NULL;
    char path[TMPDIR_PATH_BYTES];
    (void)tmpdir_join(f->dir, "a/b//c/", path);

    ASSERT_CODE(cairn_dir_store_new(path, &no_create, &store, &f->err), CAIRN_E_NOT_FOUND, &f->err);
    assert_null(store);
    ASSERT_OK(cairn_dir_store_new(path, NULL, &store, &f->err), &f->err);

    assert_true(fs_exists(path));
    ASSERT_OK(cairn_store_put(store, NULL, "k", cairn_slice_of("x"), CAIRN_PUT_CREATE, &f->err),
              &f->err);
}

static void a_root_that_is_no_folder_is_refused(void **state)
{
    fixture *f = *state;
    cairn_store *store = NULL;
    char path[TMPDIR_PATH_BYTES];
    (void)tmpdir_join(f->dir, "file", path);
    ASSERT_OK(fs_write_file(path, cairn_slice_of("x"), &f->err), &f->err);

    ASSERT_CODE(cairn_dir_store_new(path, NULL, &store, &f->err), CAIRN_E_INVALID, &f->err);
    ASSERT_MESSAGE_HAS(&f->err, path);
    ASSERT_CODE(cairn_dir_store_new("", NULL, &store, &f->err), CAIRN_E_INVALID, &f->err);
    ASSERT_CODE(cairn_dir_store_new(NULL, NULL, &store, &f->err), CAIRN_E_INVALID, &f->err);
    ASSERT_CODE(cairn_dir_store_new("/a\nb", NULL, &store, &f->err), CAIRN_E_INVALID, &f->err);
    const cairn_dir_options unknown = {CAIRN_DIR_OPTIONS_VERSION + 1, true};
    ASSERT_CODE(cairn_dir_store_new(path, &unknown, &store, &f->err), CAIRN_E_INVALID, &f->err);
    assert_null(store);
}

static void a_relative_root_is_taken_once(void **state)
{
    fixture *f = *state;
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *store = NULL;
    char here[TMPDIR_PATH_BYTES];
    char path[TMPDIR_PATH_BYTES];
    assert_non_null(getcwd(here, sizeof(here)));
    assert_int_equal(chdir(f->dir->path), 0);
    ASSERT_OK(cairn_dir_store_new("relative/", NULL, &store, &f->err), &f->err);
    assert_int_equal(chdir(here), 0);

    ASSERT_OK(cairn_store_put(store, NULL, "k", cairn_slice_of("x"), CAIRN_PUT_CREATE, &f->err),
              &f->err);

    assert_true(fs_exists(tmpdir_join(f->dir, "relative/k", path)));
    assert_int_equal(strncmp(cairn_store_uri(store), "file:///", 8), 0);
    assert_null(strstr(cairn_store_uri(store) + 8, "relative/"));
}

/* Whatever is asked of a key whose way leads over a link, nothing is done. */
static void expect_refused(fixture *f, const char *key)
{
    cairn_object_info info;
    char path[TMPDIR_PATH_BYTES];
    uint8_t byte = 0;
    const cairn_memory_range range = {0, &byte, 1};
    const cairn_file_range to = {tmpdir_join(f->dir, "out", path), 0, 1, false, NULL};

    ASSERT_CODE(get(f, key), CAIRN_E_ACCESS, &f->err);
    ASSERT_CODE(cairn_store_get_range(f->store, NULL, key, &range, &f->err), CAIRN_E_ACCESS,
                &f->err);
    ASSERT_CODE(cairn_store_get_file(f->store, NULL, key, &to, &f->err), CAIRN_E_ACCESS, &f->err);
    ASSERT_CODE(cairn_store_stat(f->store, NULL, key, &info, &f->err), CAIRN_E_ACCESS, &f->err);
    ASSERT_CODE(put(f, key, CAIRN_PUT_CREATE), CAIRN_E_ACCESS, &f->err);
    ASSERT_CODE(put(f, key, CAIRN_PUT_REPLACE), CAIRN_E_ACCESS, &f->err);
    ASSERT_CODE(cairn_store_delete(f->store, NULL, key, &f->err), CAIRN_E_ACCESS, &f->err);
    assert_false(fs_exists(path));
}

static void a_symlink_in_the_tree_is_not_followed(void **state)
{
    fixture *f = *state;
    CAIRN_AUTO(cairn_buf) kept = {0};
    char outside[TMPDIR_PATH_BYTES];
    char file[TMPDIR_PATH_BYTES];
    char path[TMPDIR_PATH_BYTES];
    size_t count = 0;
    ASSERT_OK(fs_make_dirs(tmpdir_join(f->dir, "outside", outside), &f->err), &f->err);
    ASSERT_OK(fs_write_file(tmpdir_join(f->dir, "outside/k", file), cairn_slice_of("x"), &f->err),
              &f->err);
    ASSERT_OK(put(f, "real/k", CAIRN_PUT_CREATE), &f->err);
    assert_int_equal(symlink(outside, in_root(f, "real/folder", path)), 0);
    assert_int_equal(symlink(file, in_root(f, "real/file", path)), 0);
    assert_int_equal(symlink("nowhere", in_root(f, "real/dangling", path)), 0);

    expect_refused(f, "real/folder/k");
    expect_refused(f, "real/folder/deep/k");
    expect_refused(f, "real/file");
    expect_refused(f, "real/dangling");
    ASSERT_CODE(list(f, "", &count), CAIRN_E_ACCESS, &f->err);
    ASSERT_CODE(list(f, "real/folder/", &count), CAIRN_E_ACCESS, &f->err);
    ASSERT_CODE(list(f, "real/fi", &count), CAIRN_E_ACCESS, &f->err);
    ASSERT_OK(list(f, "real/k", &count), &f->err);

    assert_int_equal(count, 1);
    ASSERT_OK(fs_read_file(file, 10, &kept, &f->err), &f->err);
    assert_true(cairn_slice_equal(cairn_buf_slice(&kept), cairn_slice_of("x")));
}

static void the_root_itself_may_be_a_symlink(void **state)
{
    fixture *f = *state;
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *store = NULL;
    char path[TMPDIR_PATH_BYTES];
    assert_int_equal(symlink(f->root, tmpdir_join(f->dir, "link", path)), 0);

    ASSERT_OK(cairn_dir_store_new(path, NULL, &store, &f->err), &f->err);

    ASSERT_OK(cairn_store_put(store, NULL, "k", cairn_slice_of("x"), CAIRN_PUT_CREATE, &f->err),
              &f->err);
    ASSERT_OK(get(f, "k"), &f->err);
}

static void what_is_no_plain_file_is_neither_read_nor_listed(void **state)
{
    fixture *f = *state;
    char path[TMPDIR_PATH_BYTES];
    size_t count = 0;
    assert_int_equal(mkfifo(in_root(f, "fifo", path), 0600), 0);

    expect_refused(f, "fifo");
    ASSERT_OK(list(f, "", &count), &f->err);

    assert_int_equal(count, 0);
}

static void names_that_no_key_has_are_not_listed(void **state)
{
    fixture *f = *state;
    char path[TMPDIR_PATH_BYTES];
    size_t count = 0;
    ASSERT_OK(fs_write_file(in_root(f, "a\nb", path), cairn_slice_of("x"), &f->err), &f->err);
    ASSERT_OK(fs_write_file(in_root(f, "\xff", path), cairn_slice_of("x"), &f->err), &f->err);
    ASSERT_OK(fs_make_dirs(in_root(f, "\x01/x", path), &f->err), &f->err);

    ASSERT_OK(list(f, "", &count), &f->err);

    assert_int_equal(count, 0);
}

static void an_object_and_a_folder_cannot_share_a_name(void **state)
{
    fixture *f = *state;
    ASSERT_OK(put(f, "a", CAIRN_PUT_CREATE), &f->err);
    ASSERT_OK(put(f, "b/c", CAIRN_PUT_CREATE), &f->err);

    ASSERT_CODE(put(f, "a/k", CAIRN_PUT_CREATE), CAIRN_E_INVALID, &f->err);
    ASSERT_CODE(put(f, "b", CAIRN_PUT_CREATE), CAIRN_E_INVALID, &f->err);
    ASSERT_CODE(put(f, "b", CAIRN_PUT_REPLACE), CAIRN_E_INVALID, &f->err);

    ASSERT_OK(get(f, "a"), &f->err);
    ASSERT_OK(get(f, "b/c"), &f->err);
}

static void a_part_longer_than_a_file_name_is_refused_or_absent(void **state)
{
    fixture *f = *state;
    char key[300] = {0};
    char folder[300] = {0};
    memset(key, 'k', 256);
    memset(folder, 'k', 256);
    memcpy(folder + 256, "/x", 3);

    ASSERT_CODE(put(f, key, CAIRN_PUT_CREATE), CAIRN_E_INVALID, &f->err);
    ASSERT_CODE(put(f, key, CAIRN_PUT_REPLACE), CAIRN_E_INVALID, &f->err);
    ASSERT_CODE(put(f, folder, CAIRN_PUT_CREATE), CAIRN_E_INVALID, &f->err);
    ASSERT_CODE(get(f, key), CAIRN_E_NOT_FOUND, &f->err);
    ASSERT_CODE(get(f, folder), CAIRN_E_NOT_FOUND, &f->err);
    ASSERT_OK(cairn_store_delete(f->store, NULL, folder, &f->err), &f->err);
}

static void the_folder_of_temporaries_is_the_stores_own(void **state)
{
    fixture *f = *state;
    size_t count = 0;
    ASSERT_OK(put(f, "k", CAIRN_PUT_REPLACE), &f->err);

    ASSERT_CODE(put(f, DIR_TEMPORARIES, CAIRN_PUT_CREATE), CAIRN_E_INVALID, &f->err);
    ASSERT_CODE(put(f, DIR_TEMPORARIES "/k", CAIRN_PUT_CREATE), CAIRN_E_INVALID, &f->err);
    ASSERT_CODE(get(f, DIR_TEMPORARIES "/k"), CAIRN_E_INVALID, &f->err);
    ASSERT_OK(put(f, DIR_TEMPORARIES "s", CAIRN_PUT_CREATE), &f->err);
    ASSERT_OK(put(f, "a/" DIR_TEMPORARIES "/k", CAIRN_PUT_CREATE), &f->err);
    ASSERT_OK(list(f, "", &count), &f->err);

    assert_int_equal(count, 3);
}

static void folders_that_become_empty_are_removed(void **state)
{
    fixture *f = *state;
    char path[TMPDIR_PATH_BYTES];
    ASSERT_OK(put(f, "a/b/c/1", CAIRN_PUT_CREATE), &f->err);
    ASSERT_OK(put(f, "a/2", CAIRN_PUT_CREATE), &f->err);

    ASSERT_OK(cairn_store_delete(f->store, NULL, "a/b/c/1", &f->err), &f->err);
    assert_false(fs_exists(in_root(f, "a/b", path)));
    assert_true(fs_exists(in_root(f, "a", path)));
    ASSERT_OK(cairn_store_delete(f->store, NULL, "a/2", &f->err), &f->err);

    assert_false(fs_exists(in_root(f, "a", path)));
    assert_true(fs_exists(f->root));
}

static void objects_and_folders_follow_the_umask(void **state)
{
    fixture *f = *state;
    static const char *const names[] = {"a/created", "a/replaced", "a"};
    static const mode_t modes[] = {0640, 0640, 0750};
    const mode_t usual = umask(0027);
    const cairn_code created = put(f, names[0], CAIRN_PUT_CREATE);
    const cairn_code replaced = put(f, names[1], CAIRN_PUT_REPLACE);
    (void)umask(usual);

    ASSERT_OK(created, &f->err);
    ASSERT_OK(replaced, &f->err);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(names); i++) {
        char path[TMPDIR_PATH_BYTES];
        struct stat info;
        assert_int_equal(stat(in_root(f, names[i], path), &info), 0);
        assert_int_equal(info.st_mode & 07777, modes[i]);
    }
}

/* All that another user of the group must write to in order to put objects, and read. */
static void a_group_shares_a_store_if_the_umask_lets_it(void **state)
{
    fixture *f = *state;
    static const char *const names[] = {"new", "new/root", "new/root/.cairn-tmp", "new/root/a",
                                        "new/root/a/k"};
    static const mode_t modes[] = {0775, 0775, 0775, 0775, 0664};
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *store = NULL;
    char path[TMPDIR_PATH_BYTES];
    const mode_t usual = umask(0002);
    cairn_code code =
        cairn_dir_store_new(tmpdir_join(f->dir, names[1], path), NULL, &store, &f->err);
    if (code == CAIRN_OK) {
        store_dir_force_named(store);
        code = cairn_store_put(store, NULL, "a/k", cairn_slice_of("x"), CAIRN_PUT_CREATE, &f->err);
    }
    (void)umask(usual);

    ASSERT_OK(code, &f->err);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(names); i++) {
        struct stat info;
        assert_int_equal(stat(tmpdir_join(f->dir, names[i], path), &info), 0);
        assert_int_equal(info.st_mode & 07777, modes[i]);
    }
}

static void a_removed_root_is_not_an_empty_store(void **state)
{
    fixture *f = *state;
    size_t count = 0;
    ASSERT_OK(fs_remove_tree(f->root, &f->err), &f->err);

    ASSERT_CODE(list(f, "", &count), CAIRN_E_IO, &f->err);
    ASSERT_CODE(put(f, "a/k", CAIRN_PUT_CREATE), CAIRN_E_IO, &f->err);
    ASSERT_CODE(put(f, "k", CAIRN_PUT_CREATE), CAIRN_E_IO, &f->err);
}

static void opening_sweeps_what_nobody_holds(void **state)
{
    fixture *f = *state;
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *again = NULL;
    char dropped[TMPDIR_PATH_BYTES];
    char held[TMPDIR_PATH_BYTES];
    char path[TMPDIR_PATH_BYTES];
    ASSERT_OK(fs_make_dirs(in_root(f, DIR_TEMPORARIES, path), &f->err), &f->err);
    ASSERT_OK(fs_write_file(in_root(f, DIR_TEMPORARIES "/dropped", dropped), cairn_slice_of("x"),
                            &f->err),
              &f->err);
    ASSERT_OK(
        fs_write_file(in_root(f, DIR_TEMPORARIES "/held", held), cairn_slice_of("x"), &f->err),
        &f->err);
    CAIRN_AUTO(fs_fd) holder = -1;
    ASSERT_OK(fs_open_read(held, &holder, &f->err), &f->err);
    assert_int_equal(flock(holder, LOCK_EX), 0);

    ASSERT_OK(cairn_dir_store_new(f->root, NULL, &again, &f->err), &f->err);

    assert_false(fs_exists(dropped));
    assert_true(fs_exists(held));
}

/* Writers whose temporaries are new at any moment, and openers who sweep all the time. */
typedef struct crowd {
    fixture *f;
    size_t number;
    atomic_int *writers;
    cairn_code code;
} crowd;

#define WRITERS 4
#define OPENERS 3

static void write_or_sweep(void *argument)
{
    crowd *c = argument;

    if (c->number < WRITERS) {
        for (int i = 0; i < 150 && c->code == CAIRN_OK; i++) {
            char key[32];
            (void)snprintf(key, sizeof(key), "a/%zu-%d", c->number, i);
            c->code = cairn_store_put(c->f->store, NULL, key, cairn_slice_of("x"),
                                      i % 2 == 0 ? CAIRN_PUT_CREATE : CAIRN_PUT_REPLACE, NULL);
        }
        atomic_fetch_sub(c->writers, 1);
        return;
    }
    while (c->code == CAIRN_OK && atomic_load(c->writers) > 0) {
        cairn_store *store = NULL;
        c->code = cairn_dir_store_new(c->f->root, NULL, &store, NULL);
        cairn_store_free(store);
    }
}

static void sweeping_never_takes_a_living_temporary(void **state)
{
    fixture *f = *state;
    crowd all[WRITERS + OPENERS];
    atomic_int writers = WRITERS;
    size_t count = 0;
    store_dir_force_named(f->store);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(all); i++) {
        all[i] = (crowd){f, i, &writers, CAIRN_OK};
    }

    threads_run(write_or_sweep, all, sizeof(all[0]), CAIRN_ARRAY_LEN(all));

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(all); i++) {
        ASSERT_OK(all[i].code, NULL);
    }
    ASSERT_OK(list(f, "a/", &count), &f->err);
    assert_int_equal(count, WRITERS * 150);
}

static void a_view_below_a_prefix_sees_only_its_own(void **state)
{
    fixture *f = *state;
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *view = NULL;
    char path[TMPDIR_PATH_BYTES];
    size_t count = 0;
    ASSERT_OK(put(f, "other/k", CAIRN_PUT_CREATE), &f->err);
    ASSERT_OK(put(f, "jobs/k", CAIRN_PUT_CREATE), &f->err);

    ASSERT_OK(store_prefixed_new(f->store, "jobs/a", &view, &f->err), &f->err);
    ASSERT_OK(cairn_store_put(view, NULL, "k", cairn_slice_of("x"), CAIRN_PUT_CREATE, &f->err),
              &f->err);
    ASSERT_OK(cairn_store_list(view, NULL, "", count_object, &count, &f->err), &f->err);

    assert_int_equal(count, 1);
    assert_true(fs_exists(in_root(f, "jobs/a/k", path)));
    ASSERT_CODE(cairn_store_put(view, NULL, "k", cairn_slice_of("x"), CAIRN_PUT_CREATE, &f->err),
                CAIRN_E_EXISTS, &f->err);
    ASSERT_MESSAGE_HAS(&f->err, "/root/jobs/a");
    ASSERT_CODE(store_prefixed_new(f->store, "a/", &view, &f->err), CAIRN_E_INVALID, &f->err);
}

#define CASE(run) cmocka_unit_test_setup_teardown(run, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_missing_root_is_made_or_not_found_as_asked),
        CASE(a_root_that_is_no_folder_is_refused),
        CASE(a_relative_root_is_taken_once),
        CASE(a_symlink_in_the_tree_is_not_followed),
        CASE(the_root_itself_may_be_a_symlink),
        CASE(what_is_no_plain_file_is_neither_read_nor_listed),
        CASE(names_that_no_key_has_are_not_listed),
        CASE(an_object_and_a_folder_cannot_share_a_name),
        CASE(a_part_longer_than_a_file_name_is_refused_or_absent),
        CASE(the_folder_of_temporaries_is_the_stores_own),
        CASE(folders_that_become_empty_are_removed),
        CASE(objects_and_folders_follow_the_umask),
        CASE(a_group_shares_a_store_if_the_umask_lets_it),
        CASE(a_removed_root_is_not_an_empty_store),
        CASE(opening_sweeps_what_nobody_holds),
        CASE(sweeping_never_takes_a_living_temporary),
        CASE(a_view_below_a_prefix_sees_only_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
