/* From a key to the folder that holds it, and back up again. */
#include "bounds.h"
#include "errors.h"
#include "store_dir.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

cairn_code dir_errno(cairn_error *err, int errno_value, const char *tried, const char *name)
{
    switch (errno_value) {
    case ELOOP:
        return error_set(err, CAIRN_E_ACCESS, "%s %s: a symbolic link is not followed", tried,
                         name);
    case ENOTDIR:
    case ENAMETOOLONG:
        return error_set(err, CAIRN_E_NOT_FOUND, "%s %s: no such object", tried, name);
    default:
        return error_errno(err, errno_value, "%s %s", tried, name);
    }
}

int dir_open_folder(int at, const char *name, fs_fd *out)
{
    struct stat info;
    const int fd = FS_RETRY(openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));

    if (fd >= 0) {
        fs_close(out);
        *out = fd;
        return 0;
    }
    /* The kernel says ENOTDIR for a symlink too. */
    if (errno == ENOTDIR && fstatat(at, name, &info, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = S_ISLNK(info.st_mode) ? ELOOP : ENOTDIR;
    }
    return -1;
}

const char *dir_leaf(const char *key)
{
    const char *slash = strrchr(key, '/');

    return slash == NULL ? key : slash + 1;
}

/* Copies the part of the key at `part` as a file name; false if a file system can't have it. */
static bool copy_part(const char *part, size_t len, char name[NAME_MAX + 1])
{
    if (len > NAME_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(name, part, len);
    name[len] = '\0';
    return true;
}

/* One step down. The fsync is of the upper folder: there the lower one's name is. */
static int step_down(fs_fd *at, const char *name, bool make)
{
    if (make) {
        if (mkdirat(*at, name, DIR_FOLDER_MODE) != 0 && errno != EEXIST) {
            return -1;
        }
        if (fsync(*at) != 0) {
            return -1;
        }
    }
    return dir_open_folder(*at, name, at);
}

/* Walks from the root to the folder of `key`; errno tells why not. */
static int walk(const store_dir *dir, const char *key, bool make, fs_fd *out)
{
    CAIRN_AUTO(fs_fd) at = FS_RETRY(fcntl(dir->root, F_DUPFD_CLOEXEC, 0));

    if (at < 0) {
        return -1;
    }
    for (const char *slash; (slash = strchr(key, '/')) != NULL; key = slash + 1) {
        char name[NAME_MAX + 1];
        if (!copy_part(key, (size_t)(slash - key), name) || step_down(&at, name, make) != 0) {
            return -1;
        }
    }
    fs_close(out);
    *out = dir_take(&at);
    return 0;
}

static bool is_reserved(const char *key)
{
    const size_t len = strlen(DIR_TEMPORARIES);

    return strncmp(key, DIR_TEMPORARIES, len) == 0 && (key[len] == '\0' || key[len] == '/');
}

static cairn_code making_failed(cairn_error *err, int errno_value, const char *key)
{
    if (errno_value == ENOTDIR) {
        return error_set(err, CAIRN_E_INVALID, "an object stands in the place of a folder of it");
    }
    if (errno_value == ENAMETOOLONG) {
        return error_set(err, CAIRN_E_INVALID, "a part of the key is longer than a file name");
    }
    if (errno_value == ENOENT) {
        return error_set(err, CAIRN_E_IO, "its folder is removed again and again");
    }
    return dir_errno(err, errno_value, "make the folder of", key);
}

cairn_code dir_open_parent(const store_dir *dir, const char *key, bool make, fs_fd *out,
                           cairn_error *err)
{
    if (is_reserved(key)) {
        return error_set(err, CAIRN_E_INVALID, "the name is the store's own");
    }
    int result = walk(dir, key, make, out);
    for (int i = 0; make && result != 0 && errno == ENOENT && i < CAIRN_DIR_RACES_MAX; i++) {
        result = walk(dir, key, make, out);
    }
    if (result == 0) {
        return CAIRN_OK;
    }
    return make ? making_failed(err, errno, key) : dir_errno(err, errno, "open", key);
}

/* Removes the folder `path`, which holds no '/' at its ends, if it is empty. */
static bool remove_folder(const store_dir *dir, const char *path)
{
    CAIRN_AUTO(fs_fd) above = -1;

    return walk(dir, path, false, &above) == 0 &&
           unlinkat(above, dir_leaf(path), AT_REMOVEDIR) == 0;
}

void dir_remove_empty_parents(const store_dir *dir, const char *key)
{
    char path[CAIRN_OBJECT_KEY_BYTES_MAX + 1];
    const size_t len = strlen(key);

    CAIRN_ASSERT(len < sizeof(path));
    memcpy(path, key, len + 1);
    for (char *slash; (slash = strrchr(path, '/')) != NULL;) {
        *slash = '\0';
        if (!remove_folder(dir, path)) {
            return;
        }
    }
}
