/*
 * Removal of a folder and all in it, by descriptors relative to the parent, so that a symlink put
 * in the way meanwhile is removed and not followed.
 */
#include "errors.h"
#include "fs_dir.h"
#include "fs_retry.h"
#include "fsutil.h"

#include <fcntl.h>
#include <unistd.h>

static cairn_code remove_entry(int parent, const char *name, unsigned depth, cairn_error *err);

static fs_dir open_in(int parent, const char *name)
{
    CAIRN_AUTO(fs_fd)
    fd = FS_RETRY(openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    fs_dir dir = fd < 0 ? NULL : fdopendir(fd);

    if (dir != NULL) {
        (void)fs_take(&fd); /* the stream owns it now */
    }
    return dir;
}

/* The recursion is bounded by CAIRN_DIR_DEPTH_MAX. */
static cairn_code remove_contents(int parent, const char *name, unsigned depth, cairn_error *err)
{
    CAIRN_AUTO(fs_dir) dir = open_in(parent, name);
    const struct dirent *entry = NULL;

    if (dir == NULL) {
        return errno == ENOENT ? CAIRN_OK : error_errno(err, errno, "open folder %s", name);
    }
    while ((entry = fs_dir_next(dir)) != NULL) {
        CAIRN_TRY(remove_entry(dirfd(dir), entry->d_name, depth - 1, err));
    }
    return errno == 0 ? CAIRN_OK : error_errno(err, errno, "read folder %s", name);
}

/* Tries as a file first: that also takes a symlink, without a look that could be out of date. */
static cairn_code remove_entry(int parent, const char *name, unsigned depth, cairn_error *err)
{
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) {
        return CAIRN_OK;
    }
    if (errno != EISDIR) {
        return error_errno(err, errno, "remove %s", name);
    }
    if (depth == 0) {
        return error_set(err, CAIRN_E_LIMIT, "remove %s: more than %d folders deep", name,
                         CAIRN_DIR_DEPTH_MAX);
    }
    CAIRN_TRY(remove_contents(parent, name, depth, err));
    if (unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT) {
        return error_errno(err, errno, "remove folder %s", name);
    }
    return CAIRN_OK;
}

cairn_code fs_remove_tree(const char *path, cairn_error *err)
{
    const cairn_code code = remove_entry(AT_FDCWD, path, CAIRN_DIR_DEPTH_MAX, err);

    return code == CAIRN_OK ? CAIRN_OK : error_prefix(err, code, "remove tree %s", path);
}
