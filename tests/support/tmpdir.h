/*
 * Scratch folders of tests. Each is new, under $TMPDIR, else /tmp, and is removed with all in it.
 * They don't use the product's file functions: those are what is tested.
 *
 *     static int setup(void **state) { *state = tmpdir_new(); return *state == NULL; }
 *     static int teardown(void **state) { tmpdir_free(*state); return 0; }
 *     ...
 *     const tmpdir *dir = *state;
 *     char path[TMPDIR_PATH_BYTES];
 *     tmpdir_join(dir, "store/object", path);
 */
#ifndef CAIRN_TESTS_TMPDIR_H
#define CAIRN_TESTS_TMPDIR_H

/* Of the folder itself, and of a path in it. */
#define TMPDIR_ROOT_BYTES 1024
#define TMPDIR_PATH_BYTES 4096

typedef struct tmpdir {
    char path[TMPDIR_ROOT_BYTES];
} tmpdir;

/* NULL, with a line on stderr, if the folder can't be made. */
tmpdir *tmpdir_new(void);

/* Removes the tree, also where folders in it are read-only; never follows links. NULL is fine. */
void tmpdir_free(tmpdir *dir);

/* Writes "<folder>/<name>" into `path` and returns it; a path that does not fit fails the test. */
const char *tmpdir_join(const tmpdir *dir, const char *name, char path[TMPDIR_PATH_BYTES]);

#endif
