/*
 * Which system calls a put and a delete of the directory store make, in which order, and what
 * happens when one of them fails: the program runs itself under strace to make one call of a store.
 *
 *     test_store_dir_syscalls ROOT create|replace|delete|named-create|named-replace KEY
 */
#include "test.h"

#include <cairn/dir.h>

#include "buf.h"
#include "fsutil.h"
#include "store_dir.h"
#include "tmpdir.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRACE_BYTES ((size_t)4 << 20)
#define LINES_MAX   4000

typedef struct fixture {
    tmpdir *dir;
    char root[TMPDIR_PATH_BYTES];
    char trace_path[TMPDIR_PATH_BYTES];
    cairn_buf trace;
    char *lines[LINES_MAX];
    size_t line_count;
    cairn_error err;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));

    *state = f;
    f->dir = tmpdir_new();
    (void)tmpdir_join(f->dir, "root", f->root);
    (void)tmpdir_join(f->dir, "trace", f->trace_path);
    return mkdir(f->root, 0700);
}

static int tear_down(void **state)
{
    fixture *f = *state;

    cairn_buf_release(&f->trace);
    tmpdir_free(f->dir);
    free(f);
    return 0;
}

/* The one call; its code becomes the exit code, so that 0 is OK and 3 is CAIRN_E_INVALID. */
static int do_call(const char *root, const char *what, const char *key)
{
    cairn_store *store = NULL;
    cairn_error err = {0};
    cairn_code code = cairn_dir_store_new(root, NULL, &store, &err);

    if (code == CAIRN_OK && strncmp(what, "named-", 6) == 0) {
        store_dir_force_named(store);
        what += 6;
    }
    if (code == CAIRN_OK && strcmp(what, "delete") == 0) {
        code = cairn_store_delete(store, NULL, key, &err);
    } else if (code == CAIRN_OK) {
        const cairn_put_mode mode = strcmp(what, "replace") == 0 ? CAIRN_PUT_REPLACE
                                                                 : CAIRN_PUT_CREATE;
        code = cairn_store_put(store, NULL, key, cairn_slice_of("the body"), mode, &err);
    }
    cairn_store_free(store);
    return -(int)code;
}

/* Under strace leaks cannot be looked for; the same code is run without it elsewhere. */
_Noreturn static void exec_under_strace(const fixture *f, const char *inject, const char *what,
                                        const char *key)
{
    char self[TMPDIR_PATH_BYTES] = {0};
    char option[256];

    (void)setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    (void)snprintf(option, sizeof(option), "inject=%s", inject != NULL ? inject : "none");
    if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0) {
        (void)execlp("strace", "strace", "-f", "-y", "-s", "200", "-o", f->trace_path, "-e",
                     "trace=openat,write,mkdirat,fsync,linkat,renameat,renameat2,unlinkat,flock",
                     "-e", inject != NULL ? option : "signal=none", self, f->root, what, key, NULL);
    }
    _exit(127);
}

static void read_trace(fixture *f)
{
    f->line_count = 0;
    ASSERT_OK(fs_read_file(f->trace_path, TRACE_BYTES, &f->trace, &f->err), &f->err);
    assert_non_null(buf_text(&f->trace));
    char *rest = (char *)f->trace.data;
    for (char *line; (line = strsep(&rest, "\n")) != NULL && f->line_count < LINES_MAX;) {
        f->lines[f->line_count++] = line;
    }
}

/* Runs one call and keeps its trace; what the call gave. */
static cairn_code run(fixture *f, const char *inject, const char *what, const char *key)
{
    int status = 0;
    const pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        exec_under_strace(f, inject, what, key);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_not_equal(WEXITSTATUS(status), 127);
    read_trace(f);
    return (cairn_code)-WEXITSTATUS(status);
}

/* The first line from `from` on that holds all texts and succeeded; fails the test if none does. */
static size_t line_with(const fixture *f, size_t from, const char *call, const char *path)
{
    for (size_t i = from; i < f->line_count; i++) {
        if (strstr(f->lines[i], call) != NULL && strstr(f->lines[i], path) != NULL &&
            strstr(f->lines[i], "= -1") == NULL) {
            return i;
        }
    }
    for (size_t i = 0; i < f->line_count; i++) {
        print_error("%s\n", f->lines[i]);
    }
    fail_msg("no '%s' of '%s' from line %zu on", call, path, from);
    return 0;
}

static bool object_exists(const fixture *f, const char *key)
{
    char below[TMPDIR_PATH_BYTES];
    char path[TMPDIR_PATH_BYTES];

    (void)snprintf(below, sizeof(below), "root/%s", key);
    return fs_exists(tmpdir_join(f->dir, below, path));
}

static void a_nameless_file_is_durable_before_its_name_and_its_folders_too(void **state)
{
    fixture *f = *state;

    ASSERT_CODE(run(f, NULL, "create", "a/b/k"), CAIRN_OK, NULL);

    size_t at = line_with(f, 0, "mkdirat", "\"a\"");
    at = line_with(f, at, "fsync", "/root>");
    at = line_with(f, at, "mkdirat", "\"b\"");
    at = line_with(f, at, "fsync", "/root/a>");
    at = line_with(f, at, "O_TMPFILE", "/root/a/b>");
    at = line_with(f, at, "write(", "the body");
    at = line_with(f, at, "fsync", "(deleted)");
    at = line_with(f, at, "linkat", "\"k\"");
    (void)line_with(f, at, "fsync", "/root/a/b>");
}

static void a_named_file_is_locked_and_durable_before_it_is_renamed(void **state)
{
    static const char *const ways[] = {"named-create", "replace"};
    fixture *f = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(ways); i++) {
        ASSERT_CODE(run(f, NULL, ways[i], i == 0 ? "a/k0" : "a/k1"), CAIRN_OK, NULL);

        size_t at = line_with(f, 0, "O_EXCL", "/" DIR_TEMPORARIES ">");
        at = line_with(f, at, "flock", "LOCK_EX|LOCK_NB");
        at = line_with(f, at, "write(", "the body");
        at = line_with(f, at, "fsync", "/" DIR_TEMPORARIES "/");
        at = line_with(f, at, "renameat", i == 0 ? "RENAME_NOREPLACE" : "\"k1\"");
        (void)line_with(f, at, "fsync", "/root/a>");
    }
}

static void a_delete_is_durable_before_folders_are_removed(void **state)
{
    fixture *f = *state;
    ASSERT_CODE(run(f, NULL, "create", "a/b/k"), CAIRN_OK, NULL);

    ASSERT_CODE(run(f, NULL, "delete", "a/b/k"), CAIRN_OK, NULL);

    size_t at = line_with(f, 0, "unlinkat", "\"k\"");
    at = line_with(f, at, "fsync", "/root/a/b>");
    at = line_with(f, at, "AT_REMOVEDIR", "\"b\"");
    (void)line_with(f, at, "AT_REMOVEDIR", "\"a\"");
    assert_false(object_exists(f, "a"));
}

typedef struct injection {
    const char *inject;
    const char *what;
    const char *key;
    cairn_code code;
    bool exists; /* afterwards, under its name */
} injection;

static const injection injections[] = {
    {"fsync:error=EIO:when=1", "create", "k", CAIRN_E_IO, false},
    {"fsync:error=EIO:when=1", "named-create", "k", CAIRN_E_IO, false},
    {"fsync:error=EIO:when=1", "replace", "k", CAIRN_E_IO, false},
    {"fsync:error=EIO:when=1", "create", "a/k", CAIRN_E_IO, false},
    {"fsync:error=EIO:when=2", "create", "a/k", CAIRN_E_IO, false},
    /* The name is there, but perhaps not after a crash: not OK. */
    {"fsync:error=EIO:when=2", "create", "k", CAIRN_E_IO, true},
    {"write:error=EIO", "create", "k", CAIRN_E_IO, false},
    {"write:error=ENOSPC", "create", "k", CAIRN_E_NO_SPACE, false},
    {"write:error=EDQUOT", "replace", "k", CAIRN_E_NO_SPACE, false},
    {"write:error=EINTR", "create", "k", CAIRN_OK, true},
    {"linkat:error=EIO:when=1", "create", "k", CAIRN_E_IO, false},
    {"linkat:error=ENOENT:when=1", "create", "a/k", CAIRN_OK, true},
    {"linkat:error=ENOENT", "create", "a/k", CAIRN_E_IO, false},
    {"linkat:error=EROFS:when=1", "create", "k", CAIRN_E_IO, false},
    {"linkat:error=EEXIST:when=1", "create", "k", CAIRN_E_EXISTS, false},
    {"renameat2:error=EINVAL:when=1", "named-create", "k", CAIRN_OK, true},
    {"renameat2:error=ENOENT:when=1", "named-create", "a/k", CAIRN_OK, true},
    {"renameat:error=EIO:when=1", "replace", "k", CAIRN_E_IO, false},
    {"flock:error=EAGAIN:when=1", "replace", "k", CAIRN_OK, true},
    {"flock:error=EAGAIN", "replace", "k", CAIRN_E_IO, false},
    {"flock:error=ENOLCK", "replace", "k", CAIRN_E_IO, false},
    {"mkdirat:error=ENOENT:when=1", "create", "a/k", CAIRN_OK, true},
    {"mkdirat:error=ENOENT", "create", "a/k", CAIRN_E_IO, false},
    {"mkdirat:error=EACCES:when=1", "create", "a/k", CAIRN_E_ACCESS, false},
    {"mkdirat:error=ENOSPC:when=1", "create", "a/k", CAIRN_E_NO_SPACE, false},
};

static size_t temporaries(const fixture *f)
{
    char path[TMPDIR_PATH_BYTES];
    CAIRN_AUTO(fs_names) names = {0};

    (void)tmpdir_join(f->dir, "root/" DIR_TEMPORARIES, path);
    if (fs_exists(path)) {
        ASSERT_OK(fs_list(path, &names, NULL), NULL);
    }
    return names.count;
}

/* How many calls of this name a run makes up to the one that has `mark` in it: what a sanitizer's
 * runtime or the loader do before it counts too. */
static unsigned calls_until(const fixture *f, const char *call, const char *mark)
{
    const size_t last = line_with(f, 0, call, mark);
    unsigned calls = 0;

    for (size_t i = 0; i <= last; i++) {
        calls += strstr(f->lines[i], call) != NULL ? 1 : 0;
    }
    return calls;
}

/* The injection with its number; only writes need one, as the runtime makes none of the others. */
static const char *numbered(fixture *f, const injection *c, char out[64])
{
    if (strncmp(c->inject, "write:", 6) != 0) {
        return c->inject;
    }
    ASSERT_CODE(run(f, NULL, c->what, "first"), CAIRN_OK, NULL);
    (void)snprintf(out, 64, "%s:when=%u", c->inject, calls_until(f, "write(", "the body"));
    return out;
}

static void a_system_call_that_fails_is_reported_and_leaves_no_part(void **state)
{
    fixture *f = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(injections); i++) {
        const injection *c = &injections[i];
        char inject[64];
        const cairn_code code = run(f, numbered(f, c, inject), c->what, c->key);
        if (code != c->code || object_exists(f, c->key) != c->exists || temporaries(f) != 0) {
            print_error("%s of %s with %s gave %s\n", c->what, c->key, c->inject,
                        cairn_code_name(code));
            fail();
        }
        ASSERT_OK(fs_remove_tree(f->root, &f->err), &f->err);
        assert_int_equal(mkdir(f->root, 0700), 0);
    }
}

/* Old kernels and some file systems lack O_TMPFILE: found out at the first put. */
static void without_o_tmpfile_a_named_temporary_is_used(void **state)
{
    static const char *const errors[] = {"EOPNOTSUPP", "EISDIR", "ENOENT"};
    fixture *f = *state;
    ASSERT_CODE(run(f, NULL, "create", "first"), CAIRN_OK, NULL);
    const unsigned opens = calls_until(f, "openat(", "O_TMPFILE");

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(errors); i++) {
        char inject[64];
        (void)snprintf(inject, sizeof(inject), "openat:error=%s:when=%u", errors[i], opens);

        ASSERT_CODE(run(f, inject, "create", errors[i]), CAIRN_OK, NULL);

        (void)line_with(f, 0, "renameat2", "RENAME_NOREPLACE");
        assert_true(object_exists(f, errors[i]));
        assert_int_equal(temporaries(f), 0);
    }
}

#define CASE(run) cmocka_unit_test_setup_teardown(run, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        CASE(a_nameless_file_is_durable_before_its_name_and_its_folders_too),
        CASE(a_named_file_is_locked_and_durable_before_it_is_renamed),
        CASE(a_delete_is_durable_before_folders_are_removed),
        CASE(a_system_call_that_fails_is_reported_and_leaves_no_part),
        CASE(without_o_tmpfile_a_named_temporary_is_used),
    };

    if (argc == 4) {
        return do_call(argv[1], argv[2], argv[3]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
