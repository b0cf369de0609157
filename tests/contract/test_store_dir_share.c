/* Frozen files: the directory store and a file beside it are two names of the same bytes. */
#include "test.h"

#include <cairn/dir.h>

#include "fsutil.h"
#include "tmpdir.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BYTES 5000

typedef struct fixture {
    tmpdir *dir;
    cairn_store *store;
    char source[TMPDIR_PATH_BYTES];
    uint8_t content[BYTES];
    cairn_error err;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));
    char root[TMPDIR_PATH_BYTES];

    *state = f;
    f->dir = tmpdir_new();
    for (size_t i = 0; i < BYTES; i++) {
        f->content[i] = (uint8_t)(i * 7);
    }
    (void)tmpdir_join(f->dir, "source", f->source);
    ASSERT_OK(fs_write_file(f->source, (cairn_slice){f->content, BYTES}, &f->err), &f->err);
    ASSERT_OK(cairn_dir_store_new(tmpdir_join(f->dir, "root", root), NULL, &f->store, &f->err),
              &f->err);
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

static nlink_t names_of(const char *path)
{
    struct stat info;

    assert_int_equal(stat(path, &info), 0);
    return info.st_nlink;
}

static cairn_code put(fixture *f, const char *key, const cairn_file_range *range,
                      cairn_put_mode mode)
{
    return cairn_store_put_file(f->store, NULL, key, range, mode, &f->err);
}

static void expect_object(fixture *f, const char *key, size_t offset, size_t length)
{
    CAIRN_AUTO(cairn_buf) found = {0};

    ASSERT_OK(cairn_store_get(f->store, NULL, key, BYTES, &found, &f->err), &f->err);
    assert_true(
        cairn_slice_equal(cairn_buf_slice(&found), (cairn_slice){f->content + offset, length}));
}

static void a_frozen_file_becomes_the_object_without_a_copy(void **state)
{
    fixture *f = *state;
    const cairn_file_range whole = {f->source, 0, BYTES, true, NULL};

    ASSERT_OK(put(f, "a/b/k", &whole, CAIRN_PUT_CREATE), &f->err);

    assert_int_equal(names_of(f->source), 2);
    expect_object(f, "a/b/k", 0, BYTES);
}

static void removing_either_name_leaves_the_other(void **state)
{
    fixture *f = *state;
    const cairn_file_range whole = {f->source, 0, BYTES, true, NULL};
    char path[TMPDIR_PATH_BYTES];
    const cairn_file_range back = {tmpdir_join(f->dir, "back", path), 0, BYTES, true, NULL};
    struct stat info;

    ASSERT_OK(put(f, "k", &whole, CAIRN_PUT_CREATE), &f->err);
    assert_int_equal(unlink(f->source), 0);
    expect_object(f, "k", 0, BYTES);
    ASSERT_OK(cairn_store_get_file(f->store, NULL, "k", &back, &f->err), &f->err);
    ASSERT_OK(cairn_store_delete(f->store, NULL, "k", &f->err), &f->err);

    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, BYTES);
    assert_int_equal(info.st_nlink, 1);
}

static void a_taken_name_is_refused_also_by_the_same_file(void **state)
{
    fixture *f = *state;
    const cairn_file_range whole = {f->source, 0, BYTES, true, NULL};

    ASSERT_OK(put(f, "k", &whole, CAIRN_PUT_CREATE), &f->err);

    ASSERT_CODE(put(f, "k", &whole, CAIRN_PUT_CREATE), CAIRN_E_EXISTS, &f->err);
    assert_int_equal(names_of(f->source), 2);
}

/* What is not a whole frozen file, or is to replace an object, is copied. */
static void all_else_is_copied(void **state)
{
    fixture *f = *state;
    const struct {
        const char *key;
        uint64_t offset;
        uint64_t length;
        bool frozen;
        cairn_put_mode mode;
    } cases[] = {
        {"not-frozen", 0, BYTES, false, CAIRN_PUT_CREATE},
        {"begin", 0, BYTES - 1, true, CAIRN_PUT_CREATE},
        {"end", 1, BYTES - 1, true, CAIRN_PUT_CREATE},
        {"replace", 0, BYTES, true, CAIRN_PUT_REPLACE},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        const cairn_file_range range = {f->source, cases[i].offset, cases[i].length,
                                        cases[i].frozen, NULL};
        ASSERT_OK(put(f, cases[i].key, &range, cases[i].mode), &f->err);
        expect_object(f, cases[i].key, cases[i].offset, cases[i].length);
    }

    assert_int_equal(names_of(f->source), 1);
}

static void a_download_that_is_not_frozen_is_its_owners_alone(void **state)
{
    fixture *f = *state;
    const cairn_file_range whole = {f->source, 0, BYTES, false, NULL};
    char path[TMPDIR_PATH_BYTES];
    const cairn_file_range to = {tmpdir_join(f->dir, "mine", path), 0, BYTES, false, NULL};

    ASSERT_OK(put(f, "k", &whole, CAIRN_PUT_CREATE), &f->err);
    ASSERT_OK(cairn_store_get_file(f->store, NULL, "k", &to, &f->err), &f->err);

    assert_int_equal(names_of(path), 1);
}

static void a_frozen_download_does_not_take_a_name_that_is_there(void **state)
{
    fixture *f = *state;
    const cairn_file_range whole = {f->source, 0, BYTES, true, NULL};

    ASSERT_OK(put(f, "k", &whole, CAIRN_PUT_CREATE), &f->err);

    ASSERT_CODE(cairn_store_get_file(f->store, NULL, "k", &whole, &f->err), CAIRN_E_EXISTS,
                &f->err);
    expect_object(f, "k", 0, BYTES);
}

/* /dev/shm is a file system of its own. */
static void a_file_of_another_file_system_is_copied(void **state)
{
    fixture *f = *state;
    char path[] = "/dev/shm/cairn-test-XXXXXX";
    const int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, f->content, BYTES), BYTES);
    assert_int_equal(close(fd), 0);
    const cairn_file_range whole = {path, 0, BYTES, true, NULL};
    const cairn_code code = put(f, "k", &whole, CAIRN_PUT_CREATE);
    const nlink_t names = names_of(path);
    assert_int_equal(unlink(path), 0);

    ASSERT_OK(code, &f->err);
    assert_int_equal(names, 1);
    expect_object(f, "k", 0, BYTES);
}

#define CASE(run) cmocka_unit_test_setup_teardown(run, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_frozen_file_becomes_the_object_without_a_copy),
        CASE(removing_either_name_leaves_the_other),
        CASE(a_taken_name_is_refused_also_by_the_same_file),
        CASE(all_else_is_copied),
        CASE(a_download_that_is_not_frozen_is_its_owners_alone),
        CASE(a_frozen_download_does_not_take_a_name_that_is_there),
        CASE(a_file_of_another_file_system_is_copied),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
