#include "test.h"

#include "tmpdir.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Descriptors that nftw may hold open; deeper trees are walked by reopening. */
#define WALK_FDS 16

tmpdir *tmpdir_new(void)
{
    const char *base = getenv("TMPDIR");
    tmpdir *dir = calloc(1, sizeof(*dir));

    if (dir == NULL) {
        return NULL;
    }
    int len = snprintf(dir->path, sizeof(dir->path), "%s/cairn-test-XXXXXX",
                       base != NULL && base[0] != '\0' ? base : P_tmpdir);
    if (len >= (int)sizeof(dir->path) || mkdtemp(dir->path) == NULL) {
        print_error("cannot create %s: %s\n", dir->path, strerror(errno));
        free(dir);
        return NULL;
    }
    return dir;
}

static int make_writable(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)walk;
    return type == FTW_D || type == FTW_DNR ? chmod(path, S_IRWXU) : 0;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

void tmpdir_free(tmpdir *dir)
{
    if (dir == NULL) {
        return;
    }
    (void)nftw(dir->path, make_writable, WALK_FDS, FTW_PHYS);
    if (nftw(dir->path, remove_entry, WALK_FDS, FTW_DEPTH | FTW_PHYS) != 0) {
        print_error("cannot remove %s: %s\n", dir->path, strerror(errno));
    }
    free(dir);
}

const char *tmpdir_join(const tmpdir *dir, const char *name, char path[TMPDIR_PATH_BYTES])
{
    int len = snprintf(path, TMPDIR_PATH_BYTES, "%s/%s", dir->path, name);

    assert_in_range(len, 1, TMPDIR_PATH_BYTES - 1);
    return path;
}
