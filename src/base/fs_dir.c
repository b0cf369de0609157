#include "fs_dir.h"

#include <errno.h>
#include <string.h>

void fs_dir_close(fs_dir *dir)
{
    if (*dir != NULL) {
        (void)closedir(*dir);
    }
    *dir = NULL;
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

const struct dirent *fs_dir_next(fs_dir dir)
{
    const struct dirent *entry = NULL;

    do {
        errno = 0;
        entry = readdir(dir); /* NOLINT(concurrency-mt-unsafe): one stream, one thread */
    } while (entry != NULL && is_dots(entry->d_name));
    return entry;
}
