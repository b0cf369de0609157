/*
 * The directory store on a disk that is full, read-only, not its own, or under a process that is
 * killed. Needs root, for mounts and other users: it fails without, it never skips.
 */
#include "test.h"

#include <cairn/dir.h>

#include "clock.h"
#include "fsutil.h"
#include "store_contract_cases.h"
#include "store_dir.h"
#include "stores.h"
#include "tmpdir.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILLS      60
#define KILL_BYTES ((size_t)700000)

typedef struct fixture {
    tmpdir *dir;
    cairn_store *store;
    char root[TMPDIR_PATH_BYTES];
    bool mounted;
    cairn_error err;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));

    *state = f;
    f->dir = tmpdir_new();
    (void)tmpdir_join(f->dir, "root", f->root);
    ASSERT_OK(fs_make_dirs(f->root, &f->err), &f->err);
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    cairn_store_free(f->store);
    if (f->mounted) {
        assert_int_equal(umount(f->root), 0);
    }
    tmpdir_free(f->dir);
    free(f);
    return 0;
}

static void open_store(fixture *f)
{
    cairn_store_free(f->store);
    f->store = NULL;
    ASSERT_OK(cairn_dir_store_new(f->root, NULL, &f->store, &f->err), &f->err);
}

/* A file system of its own under the store's root. */
static void mount_small(fixture *f, const char *options)
{
    if (mount("none", f->root, "tmpfs", 0, options) != 0) {
        fail_msg("mounting a tmpfs: %s (this test needs root)", strerror(errno));
    }
    f->mounted = true;
}

static cairn_code put(fixture *f, const char *key, size_t len, cairn_put_mode mode)
{
    CAIRN_AUTO(cairn_buf) body = contract_bytes(len, len);

    return cairn_store_put(f->store, NULL, key, cairn_buf_slice(&body), mode, &f->err);
}

static void expect(fixture *f, const char *key, size_t len)
{
    CAIRN_AUTO(cairn_buf) body = contract_bytes(len, len);
    CAIRN_AUTO(cairn_buf) found = {0};

    ASSERT_OK(cairn_store_get(f->store, NULL, key, len, &found, &f->err), &f->err);
    assert_true(cairn_slice_equal(cairn_buf_slice(&found), cairn_buf_slice(&body)));
}

static void expect_missing(fixture *f, const char *key)
{
    cairn_object_info info;

    ASSERT_CODE(cairn_store_stat(f->store, NULL, key, &info, &f->err), CAIRN_E_NOT_FOUND, &f->err);
}

static void expect_no_temporaries(const fixture *f)
{
    char path[TMPDIR_PATH_BYTES];
    CAIRN_AUTO(fs_names) names = {0};

    (void)tmpdir_join(f->dir, "root/" DIR_TEMPORARIES, path);
    if (fs_exists(path)) {
        ASSERT_OK(fs_list(path, &names, NULL), NULL);
        assert_int_equal(names.count, 0);
    }
}

static void fill_the_disk(fixture *f, bool named)
{
    mount_small(f, "size=1m");
    open_store(f);
    if (named) {
        store_dir_force_named(f->store);
    }
    ASSERT_OK(put(f, "kept", 1000, CAIRN_PUT_CREATE), &f->err);

    ASSERT_CODE(put(f, "a/large", (size_t)4 << 20, CAIRN_PUT_CREATE), CAIRN_E_NO_SPACE, &f->err);
    ASSERT_CODE(put(f, "kept", (size_t)4 << 20, CAIRN_PUT_REPLACE), CAIRN_E_NO_SPACE, &f->err);

    expect_missing(f, "a/large");
    expect(f, "kept", 1000);
    expect_no_temporaries(f);
    ASSERT_OK(put(f, "a/small", (size_t)500 << 10, CAIRN_PUT_CREATE), &f->err);
    expect(f, "a/small", (size_t)500 << 10);
}

static void a_full_disk_leaves_what_was_there(void **state)
{
    fill_the_disk(*state, false);
}

static void a_full_disk_leaves_no_named_temporary(void **state)
{
    fill_the_disk(*state, true);
}

static void a_disk_without_inodes_is_full_too(void **state)
{
    fixture *f = *state;
    cairn_code code = CAIRN_OK;
    mount_small(f, "nr_inodes=20");
    open_store(f);

    for (int i = 0; i < 30 && code == CAIRN_OK; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "k%d", i);
        code = put(f, key, 10, CAIRN_PUT_CREATE);
    }

    ASSERT_CODE(code, CAIRN_E_NO_SPACE, &f->err);
    expect(f, "k0", 10);
}

static void a_download_to_a_full_disk_leaves_no_file(void **state)
{
    fixture *f = *state;
    char path[TMPDIR_PATH_BYTES];
    char source[TMPDIR_PATH_BYTES];
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *large = NULL;
    mount_small(f, "size=1m");
    const cairn_file_range to = {tmpdir_join(f->dir, "root/out", path), 0, (uint64_t)4 << 20, false,
                                 NULL};
    ASSERT_OK(cairn_dir_store_new(tmpdir_join(f->dir, "large", source), NULL, &large, &f->err),
              &f->err);
    CAIRN_AUTO(cairn_buf) body = contract_bytes(to.length, 1);
    ASSERT_OK(cairn_store_put(large, NULL, "k", cairn_buf_slice(&body), CAIRN_PUT_CREATE, &f->err),
              &f->err);

    ASSERT_CODE(cairn_store_get_file(large, NULL, "k", &to, &f->err), CAIRN_E_NO_SPACE, &f->err);

    assert_false(fs_exists(path));
}

static void a_read_only_disk_can_be_read(void **state)
{
    fixture *f = *state;
    mount_small(f, "size=1m");
    open_store(f);
    ASSERT_OK(put(f, "a/k", 1000, CAIRN_PUT_CREATE), &f->err);
    assert_int_equal(mount("none", f->root, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);

    open_store(f);

    expect(f, "a/k", 1000);
    ASSERT_CODE(put(f, "a/new", 10, CAIRN_PUT_CREATE), CAIRN_E_IO, &f->err);
    ASSERT_CODE(put(f, "b/new", 10, CAIRN_PUT_CREATE), CAIRN_E_IO, &f->err);
    ASSERT_CODE(put(f, "a/k", 10, CAIRN_PUT_REPLACE), CAIRN_E_IO, &f->err);
    ASSERT_CODE(cairn_store_delete(f->store, NULL, "a/k", &f->err), CAIRN_E_IO, &f->err);
    ASSERT_OK(cairn_store_delete(f->store, NULL, "a/none", &f->err), &f->err);
    expect(f, "a/k", 1000);
}

#define NOBODY 65534

/* What nobody gets who puts to, reads from and lists the store; as the exit code of a child. */
static int as_nobody(const fixture *f)
{
    cairn_store *store = NULL;
    cairn_buf found = {0};
    cairn_object_info info;

    if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0) {
        return 1;
    }
    if (cairn_dir_store_new(f->root, NULL, &store, NULL) != CAIRN_OK) {
        return 2;
    }
    if (cairn_store_put(store, NULL, "new", cairn_slice_of("x"), CAIRN_PUT_CREATE, NULL) !=
            CAIRN_E_ACCESS ||
        cairn_store_put(store, NULL, "k", cairn_slice_of("x"), CAIRN_PUT_REPLACE, NULL) !=
            CAIRN_E_ACCESS) {
        return 3;
    }
    if (cairn_store_get(store, NULL, "k", 1000, &found, NULL) != CAIRN_E_ACCESS) {
        return 4;
    }
    if (cairn_store_stat(store, NULL, "closed/k", &info, NULL) != CAIRN_E_ACCESS ||
        cairn_store_stat(store, NULL, "closed/none", &info, NULL) != CAIRN_E_ACCESS) {
        return 5;
    }
    const cairn_code code = cairn_store_delete(store, NULL, "k", NULL);
    cairn_store_free(store);
    return code == CAIRN_E_ACCESS ? 0 : 6;
}

static int exit_code_of(pid_t child)
{
    int status = 0;

    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void who_may_not_is_told_so_and_not_that_nothing_is_there(void **state)
{
    fixture *f = *state;
    open_store(f);
    const mode_t usual = umask(S_IRWXG | S_IRWXO);
    ASSERT_OK(put(f, "k", 10, CAIRN_PUT_CREATE), &f->err);
    ASSERT_OK(put(f, "closed/k", 10, CAIRN_PUT_CREATE), &f->err);
    (void)umask(usual);
    assert_int_equal(chmod(f->dir->path, 0755), 0);
    assert_int_equal(chmod(f->root, 0755), 0);

    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(as_nobody(f));
    }

    assert_int_equal(exit_code_of(child), 0);
    expect(f, "k", 10);
}

/* Puts without end, by turns new objects and a replaced one, until it is killed. */
_Noreturn static void put_for_ever(const fixture *f, bool named, unsigned first)
{
    static uint8_t body[KILL_BYTES];
    cairn_store *store = NULL;

    if (cairn_dir_store_new(f->root, NULL, &store, NULL) != CAIRN_OK) {
        _exit(1);
    }
    if (named) {
        store_dir_force_named(store);
    }
    contract_fill(body, sizeof(body), KILL_BYTES);
    for (unsigned i = first;; i++) {
        char key[64];
        (void)snprintf(key, sizeof(key), "kill/%u/%u", i % 5, i);
        const bool replace = i % 2 == 0;
        const cairn_code code = cairn_store_put(
            store, NULL, replace ? "kill/replaced" : key, (cairn_slice){body, sizeof(body)},
            replace ? CAIRN_PUT_REPLACE : CAIRN_PUT_CREATE, NULL);
        if (code != CAIRN_OK) {
            _exit(2);
        }
    }
}

static void kill_one(fixture *f, unsigned round)
{
    int status = 0;
    const pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        put_for_ever(f, round % 2 == 0, round * 100000);
    }
    clock_sleep_ms(5 + (round * 7) % 40);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

typedef struct found_keys {
    fixture *f;
    size_t count;
} found_keys;

static cairn_code check_and_delete(void *context, const char *key, const cairn_object_info *info,
                                   cairn_error *err)
{
    found_keys *found = context;

    (void)info;
    expect(found->f, key, KILL_BYTES);
    found->count++;
    return cairn_store_delete(found->f->store, NULL, key, err);
}

/* All objects are deleted: what else is there would be litter, empty folders of the killed apart.
 */
static void expect_no_litter(const fixture *f)
{
    CAIRN_AUTO(fs_names) names = {0};

    ASSERT_OK(fs_list(f->root, &names, NULL), NULL);
    for (size_t i = 0; i < names.count; i++) {
        assert_true(strcmp(names.items[i], DIR_TEMPORARIES) == 0 ||
                    strcmp(names.items[i], "kill") == 0);
    }
    expect_no_temporaries(f);
}

static void a_killed_writer_leaves_whole_objects_or_none(void **state)
{
    fixture *f = *state;
    size_t objects = 0;

    for (unsigned round = 0; round < KILLS; round++) {
        found_keys found = {.f = f};
        kill_one(f, round);
        open_store(f);
        expect_no_temporaries(f);
        ASSERT_OK(cairn_store_list(f->store, NULL, "", check_and_delete, &found, &f->err), &f->err);
        objects += found.count;
    }

    /* Else the writers were killed before they wrote anything, and nothing was shown. On a busy
     * machine many are. */
    assert_true(objects > 0);
    expect_no_litter(f);
}

#define CASE(run) cmocka_unit_test_setup_teardown(run, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_full_disk_leaves_what_was_there),
        CASE(a_full_disk_leaves_no_named_temporary),
        CASE(a_disk_without_inodes_is_full_too),
        CASE(a_download_to_a_full_disk_leaves_no_file),
        CASE(a_read_only_disk_can_be_read),
        CASE(who_may_not_is_told_so_and_not_that_nothing_is_there),
        CASE(a_killed_writer_leaves_whole_objects_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
