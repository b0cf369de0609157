/*
 * DESIGN: a frozen file on the file system of the store needs no copy: it and the object become two
 * names of the same bytes. Objects and frozen files are only ever removed, never written, so
 * neither name can change what the other one holds. Where the kernel refuses the link for any
 * reason, the caller copies.
 */
#include "errors.h"
#include "store_dir.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int dir_link_open_file(fs_fd file, int folder, const char *name)
{
    char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    return linkat(AT_FDCWD, path, folder, name, AT_SYMLINK_FOLLOW);
}

static bool is_whole(const struct stat *file, const cairn_file_range *range)
{
    return range->frozen && range->offset == 0 && (uint64_t)file->st_size == range->length;
}

cairn_code dir_share_in(const cairn_file_range *range, fs_fd parent, const char *key,
                        bool *out_shared, cairn_error *err)
{
    CAIRN_AUTO(fs_fd) file = -1;
    struct stat info;
    struct stat folder;

    *out_shared = false;
    if (!range->frozen) {
        return CAIRN_OK;
    }
    CAIRN_TRY(fs_open_read(range->path, &file, err));
    if (fstat(file, &info) != 0 || fstat(parent, &folder) != 0 || !is_whole(&info, range) ||
        info.st_dev != folder.st_dev) {
        return CAIRN_OK;
    }
    CAIRN_TRY(fs_sync(file, range->path, err)); /* before the name: an object is durable */
    if (dir_link_open_file(file, parent, dir_leaf(key)) != 0) {
        return CAIRN_OK;
    }
    *out_shared = true;
    return fs_sync(parent, key, err);
}

bool dir_share_out(fs_fd object, const cairn_file_range *to)
{
    struct stat info;

    return fstat(object, &info) == 0 && is_whole(&info, to) &&
           dir_link_open_file(object, AT_FDCWD, to->path) == 0;
}
