/* A file that changes after it was hashed: what is stored must not be taken for what was hashed. */
#include "test.h"

#include "check.h"
#include "fsutil.h"
#include "store_fault.h"
#include "store_mem.h"
#include "tmpdir.h"
#include "transfer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES ((size_t)2)
#define BYTES 1000

typedef struct fixture {
    cairn_store *inner;
    store_fault *fault;
    workpool *pool;
    tmpdir *dir;
    char paths[FILES][TMPDIR_PATH_BYTES];
    cairn_error err;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));

    *state = f;
    f->dir = tmpdir_new();
    ASSERT_OK(store_mem_new(&f->inner, &f->err), &f->err);
    ASSERT_OK(store_fault_new(f->inner, &f->fault, &f->err), &f->err);
    ASSERT_OK(workpool_new(1, &f->pool, &f->err), &f->err);
    return f->dir == NULL;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    workpool_free(f->pool);
    store_fault_free(f->fault);
    cairn_store_free(f->inner);
    tmpdir_free(f->dir);
    free(f);
    return 0;
}

/* Of long ago: a change is then one of its time too, however coarse the clock of files is. */
static void make_files(fixture *f)
{
    static const struct timespec long_ago[] = {{1000000000, 0}, {1000000000, 0}};

    for (size_t i = 0; i < FILES; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "file-%zu", i);
        FILE *file = fopen(tmpdir_join(f->dir, name, f->paths[i]), "we");
        assert_non_null(file);
        for (size_t at = 0; at < BYTES; at++) {
            assert_int_equal(fputc((int)(at + i) & 0xff, file), (int)(at + i) & 0xff);
        }
        assert_int_equal(fclose(file), 0);
        assert_int_equal(utimensat(AT_FDCWD, f->paths[i], long_ago, 0), 0);
    }
}

/* The first `count` files as one object. */
static cairn_code store_files(fixture *f, size_t count)
{
    const transfer_context context = {store_fault_store(f->fault), f->pool, NULL};
    char key[] = "chk-1/object";
    char *paths[FILES];
    cairn_file_info infos[FILES];
    cairn_file_info *pointers[FILES];

    for (size_t i = 0; i < count; i++) {
        paths[i] = f->paths[i];
        infos[i] = (cairn_file_info){.key = key, .offset = i * BYTES, .size = BYTES};
        pointers[i] = &infos[i];
    }
    upload work = {.paths = paths, .infos = pointers, .count = count};
    return upload_batch(&context, &work, 1, &f->err);
}

static void change_file(void *context, const char *key)
{
    const char *path = context;
    const int fd = open(path, O_WRONLY | O_CLOEXEC);

    (void)key;
    if (fd >= 0) {
        (void)(pwrite(fd, "x", 1, BYTES / 2) == 1);
        (void)close(fd);
    }
}

static void append_to_file(void *context, const char *key)
{
    FILE *file = fopen(context, "ae");

    (void)key;
    if (file != NULL) {
        (void)fputc('x', file);
        (void)fclose(file);
    }
}

static void replace_file(void *context, const char *key)
{
    char other[TMPDIR_PATH_BYTES + 8];

    (void)snprintf(other, sizeof(other), "%s.new", (const char *)context);
    append_to_file(other, key);
    (void)rename(other, context);
}

/* As in a file system that makes inodes up. */
static void give_file_another_inode(void *context, const char *key)
{
    char other[TMPDIR_PATH_BYTES + 8];
    struct stat info;

    (void)key;
    (void)snprintf(other, sizeof(other), "%s.new", (const char *)context);
    if (stat(context, &info) == 0 && rename(context, other) == 0) {
        const struct timespec times[] = {info.st_atim, info.st_mtim};
        FILE *file = fopen(context, "we");
        (void)(file != NULL && fclose(file) == 0 && truncate(context, info.st_size) == 0 &&
               utimensat(AT_FDCWD, context, times, 0) == 0);
    }
}

static void a_file_that_changes_while_it_is_stored_fails_its_upload(void **state)
{
    static void (*const changes[])(void *, const char *) = {change_file, append_to_file,
                                                            replace_file};
    fixture *f = *state;

    for (size_t i = 0; i < 2 * FILES * CAIRN_ARRAY_LEN(changes); i++) {
        const size_t count = 1 + i % FILES;
        const bool after = i / FILES % 2 == 0;
        char *changed = f->paths[count - 1];

        make_files(f);
        store_fault_clear(f->fault);
        store_fault_add(f->fault, &(store_fault_rule){.ops = STORE_FAULT_PUT,
                                                      .after = after,
                                                      .action = STORE_FAULT_HOOK,
                                                      .hook = changes[i / FILES / 2],
                                                      .context = changed});
        const cairn_code code = store_files(f, count);
        ASSERT_CODE(code, CAIRN_E_INTEGRITY, &f->err);
        ASSERT_MESSAGE_HAS(&f->err, changed);
        ASSERT_OK(cairn_store_delete(f->inner, NULL, "chk-1/object", &f->err), &f->err);
    }
}

static void files_that_stay_as_they_are_are_stored(void **state)
{
    fixture *f = *state;
    cairn_object_info info;

    for (size_t count = 1; count <= FILES; count++) {
        make_files(f);
        ASSERT_OK(store_files(f, count), &f->err);
        ASSERT_OK(cairn_store_stat(f->inner, NULL, "chk-1/object", &info, &f->err), &f->err);
        assert_int_equal(info.size, count * BYTES);
        ASSERT_OK(cairn_store_delete(f->inner, NULL, "chk-1/object", &f->err), &f->err);
    }
}

static void another_inode_alone_is_no_change(void **state)
{
    fixture *f = *state;

    for (size_t count = 1; count <= FILES; count++) {
        make_files(f);
        store_fault_clear(f->fault);
        store_fault_add(f->fault, &(store_fault_rule){.ops = STORE_FAULT_PUT,
                                                      .after = true,
                                                      .action = STORE_FAULT_HOOK,
                                                      .hook = give_file_another_inode,
                                                      .context = f->paths[0]});
        ASSERT_OK(store_files(f, count), &f->err);
        ASSERT_OK(cairn_store_delete(f->inner, NULL, "chk-1/object", &f->err), &f->err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_that_changes_while_it_is_stored_fails_its_upload,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_that_stay_as_they_are_are_stored, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_inode_alone_is_no_change, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
