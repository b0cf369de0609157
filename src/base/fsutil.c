/* Paths and folders: make, stat, rename, lock, list. Removal of trees stands in fs_remove.c. */
#include "fsutil.h"

#include "errors.h"
#include "fs_dir.h"
#include "fs_retry.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define NS_PER_S ((uint64_t)1000000000)

/* Three parts as one new string; NULL without memory. */
static char *concat(const char *a, const char *b, const char *c)
{
    const size_t size = strlen(a) + strlen(b) + strlen(c) + 1;
    char *joined = mem_alloc(size);

    if (joined != NULL) {
        (void)snprintf(joined, size, "%s%s%s", a, b, c);
    }
    return joined;
}

cairn_code fs_join(const char *a, const char *b, char **out, cairn_error *err)
{
    const size_t len = strlen(a);
    const char *separator = len > 0 && a[len - 1] == '/' ? "" : "/";
    char *joined = concat(a, separator, b);

    if (joined == NULL) {
        return error_no_memory(err, "join a path");
    }
    *out = joined;
    return CAIRN_OK;
}

static cairn_code make_dir(const char *path, cairn_error *err)
{
    struct stat info;

    if (mkdir(path, S_IRWXU) == 0) {
        return CAIRN_OK;
    }
    const int cause = errno;
    if (cause == EEXIST && stat(path, &info) == 0) {
        return S_ISDIR(info.st_mode) ? CAIRN_OK : error_errno(err, ENOTDIR, "make folder %s", path);
    }
    return error_errno(err, cause, "make folder %s", path);
}

/* The first slash behind a part of the path that begins at or behind `text`, or NULL. */
static char *next_slash(char *text)
{
    return strchr(text + strspn(text, "/"), '/');
}

cairn_code fs_make_dirs(const char *path, cairn_error *err)
{
    char *prefix CAIRN_AUTO_FREE = mem_strdup(path);

    if (prefix == NULL) {
        return error_no_memory(err, "make a folder");
    }
    for (char *slash = next_slash(prefix); slash != NULL; slash = next_slash(slash)) {
        *slash = '\0';
        CAIRN_TRY(make_dir(prefix, err));
        *slash = '/';
    }
    return make_dir(path, err);
}

cairn_code fs_make_temp_dir(const char *parent, const char *prefix, char **out, cairn_error *err)
{
    char *name CAIRN_AUTO_FREE = concat(prefix, "XXXXXX", "");
    char *path CAIRN_AUTO_FREE = NULL;

    if (name == NULL) {
        return error_no_memory(err, "make a temporary folder");
    }
    CAIRN_TRY(fs_join(parent, name, &path, err));
    CAIRN_ASSERT(path != NULL);
    if (mkdtemp(path) == NULL) {
        return error_errno(err, errno, "make temporary folder %s/%sXXXXXX", parent, prefix);
    }
    *out = CAIRN_TAKE(path);
    return CAIRN_OK;
}

cairn_code fs_remove_file(const char *path, cairn_error *err)
{
    if (unlink(path) != 0 && errno != ENOENT) {
        return error_errno(err, errno, "remove %s", path);
    }
    return CAIRN_OK;
}

cairn_code fs_stat_path(const char *path, fs_stat *out, cairn_error *err)
{
    struct stat info;

    if (lstat(path, &info) != 0) {
        return error_errno(err, errno, "stat %s", path);
    }
    *out = (fs_stat){
        .size = (uint64_t)info.st_size,
        .device = (uint64_t)info.st_dev,
        .inode = (uint64_t)info.st_ino,
        .mtime_ns = (uint64_t)info.st_mtim.tv_sec * NS_PER_S + (uint64_t)info.st_mtim.tv_nsec,
        .is_directory = S_ISDIR(info.st_mode),
    };
    return CAIRN_OK;
}

bool fs_exists(const char *path)
{
    struct stat info;

    return lstat(path, &info) == 0;
}

cairn_code fs_rename(const char *from, const char *to, cairn_error *err)
{
    if (rename(from, to) != 0) {
        return error_errno(err, errno, "rename %s to %s", from, to);
    }
    return CAIRN_OK;
}

cairn_code fs_sync_dir(const char *path, cairn_error *err)
{
    CAIRN_AUTO(fs_fd) fd = FS_RETRY(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));

    if (fd < 0) {
        return error_errno(err, errno, "open folder %s", path);
    }
    return fs_sync(fd, path, err);
}

cairn_code fs_free_bytes(const char *path, uint64_t *out, cairn_error *err)
{
    struct statvfs info;
    uint64_t bytes = 0;

    if (FS_RETRY(statvfs(path, &info)) != 0) {
        return error_errno(err, errno, "free space of %s", path);
    }
    if (__builtin_mul_overflow((uint64_t)info.f_bavail, (uint64_t)info.f_frsize, &bytes)) {
        bytes = UINT64_MAX;
    }
    *out = bytes;
    return CAIRN_OK;
}

void fs_names_release(fs_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        mem_free(names->items[i]);
    }
    mem_free(names->items);
    *names = (fs_names){0};
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static cairn_code add_name(fs_names *names, size_t *capacity, const char *name, cairn_error *err)
{
    if (names->count == CAIRN_DIR_ENTRIES_MAX) {
        return error_set(err, CAIRN_E_LIMIT, "more than %d entries", CAIRN_DIR_ENTRIES_MAX);
    }
    if (names->count == *capacity) {
        const size_t grown = *capacity == 0 ? 16 : *capacity * 2;
        char **items = mem_realloc_array(names->items, grown, sizeof(*items));

        if (items == NULL) {
            return error_no_memory(err, "names");
        }
        names->items = items;
        *capacity = grown;
    }
    names->items[names->count] = mem_strdup(name);
    if (names->items[names->count] == NULL) {
        return error_no_memory(err, "names");
    }
    names->count++;
    return CAIRN_OK;
}

static cairn_code read_names(fs_dir dir, fs_names *names, cairn_error *err)
{
    const struct dirent *entry = NULL;
    size_t capacity = 0;

    while ((entry = fs_dir_next(dir)) != NULL) {
        CAIRN_TRY(add_name(names, &capacity, entry->d_name, err));
    }
    return errno == 0 ? CAIRN_OK : error_errno(err, errno, "next entry");
}

cairn_code fs_list(const char *path, fs_names *out, cairn_error *err)
{
    CAIRN_AUTO(fs_dir) dir = opendir(path);
    CAIRN_AUTO(fs_names) names = {0};

    if (dir == NULL) {
        return error_errno(err, errno, "list %s", path);
    }
    const cairn_code code = read_names(dir, &names, err);
    if (code != CAIRN_OK) {
        return error_prefix(err, code, "list %s", path);
    }
    if (names.items != NULL) {
        qsort(names.items, names.count, sizeof(*names.items), compare_names);
    }
    *out = names;
    names = (fs_names){0};
    return CAIRN_OK;
}

/* A lock on a file that was replaced meanwhile protects nothing. */
static bool is_file_at(fs_fd fd, const char *path)
{
    struct stat opened;
    struct stat named;

    return fstat(fd, &opened) == 0 && lstat(path, &named) == 0 && opened.st_ino == named.st_ino &&
           opened.st_dev == named.st_dev;
}

cairn_code fs_lock_dir(const char *dir, fs_fd *out, cairn_error *err)
{
    const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    char *path CAIRN_AUTO_FREE = NULL;
    CAIRN_AUTO(fs_fd) fd = -1;

    CAIRN_TRY(fs_join(dir, "LOCK", &path, err));
    CAIRN_ASSERT(path != NULL);
    fd = FS_RETRY(open(path, flags, S_IRUSR | S_IWUSR));
    if (fd < 0) {
        return error_errno(err, errno, "lock %s", path);
    }
    if (FS_RETRY(flock(fd, LOCK_EX | LOCK_NB)) != 0) {
        return errno == EWOULDBLOCK
                   ? error_set(err, CAIRN_E_LOCKED, "lock %s: another process holds it", path)
                   : error_errno(err, errno, "lock %s", path);
    }
    if (!is_file_at(fd, path)) {
        return error_set(err, CAIRN_E_LOCKED, "lock %s: another process replaced it", path);
    }
    *out = fs_take(&fd);
    return CAIRN_OK;
}
