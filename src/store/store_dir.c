/*
 * DESIGN: an object is a plain file; it gets its name only when it is whole and durable, and is
 * never changed afterwards, so that whoever can open it reads all of it. store_dir_path.c finds
 * folders, store_dir_write.c puts, store_dir_list.c lists what store_dir_walk.c finds; here is the
 * rest.
 */
#include "store_dir.h"

#include <cairn/dir.h>

#include "bounds.h"
#include "buf.h"
#include "cancel.h"
#include "errors.h"
#include "store_front.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t modified_ms(const struct stat *info)
{
    return (uint64_t)info->st_mtim.tv_sec * 1000 + (uint64_t)info->st_mtim.tv_nsec / 1000000;
}

/* A folder is no object; anything else that is not a plain file was put there by others. */
static cairn_code check_plain(const struct stat *info, const char *key, cairn_error *err)
{
    if (S_ISREG(info->st_mode)) {
        return CAIRN_OK;
    }
    if (S_ISDIR(info->st_mode)) {
        return error_set(err, CAIRN_E_NOT_FOUND, "open %s: a folder, not an object", key);
    }
    return error_set(err, CAIRN_E_ACCESS, "open %s: not a plain file", key);
}

cairn_code dir_open_object(const store_dir *dir, const char *key, fs_fd *out, uint64_t *out_size,
                           cairn_error *err)
{
    /* O_NONBLOCK: a fifo must not hold us up before fstat can tell what it is. */
    const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
    CAIRN_AUTO(fs_fd) parent = -1;
    struct stat info;

    CAIRN_TRY(dir_open_parent(dir, key, false, &parent, err));
    CAIRN_AUTO(fs_fd) fd = FS_RETRY(openat(parent, dir_leaf(key), flags));
    if (fd < 0 || fstat(fd, &info) != 0) {
        return dir_errno(err, errno, "open", key);
    }
    CAIRN_TRY(check_plain(&info, key, err));
    *out_size = (uint64_t)info.st_size;
    *out = dir_take(&fd);
    return CAIRN_OK;
}

/* Reads exactly `len` bytes in chunks between which the call may be ended. */
static cairn_code read_exactly(fs_fd fd, const cairn_call *call, const char *key,
                               const cairn_memory_range *range, cairn_error *err)
{
    for (size_t done = 0; done < range->length;) {
        const size_t rest = range->length - done;
        const size_t want = rest < CAIRN_IO_CHUNK_BYTES ? rest : CAIRN_IO_CHUNK_BYTES;
        uint8_t *to = (uint8_t *)range->data + done;
        size_t got = 0;
        CAIRN_TRY(call_check(call, "between two reads", err));
        CAIRN_TRY(
            fs_read_at(fd, &(cairn_memory_range){range->offset + done, to, want}, &got, key, err));
        if (got != want) {
            return error_set(err, CAIRN_E_INTEGRITY, "it ends after %" PRIu64 " bytes",
                             range->offset + done + got);
        }
        done += got;
    }
    return CAIRN_OK;
}

static cairn_code dir_get(void *self, const cairn_call *call, const char *key, size_t limit,
                          cairn_buf *out, cairn_error *err)
{
    CAIRN_AUTO(fs_fd) fd = -1;
    uint64_t size = 0;

    CAIRN_TRY(dir_open_object(self, key, &fd, &size, err));
    if (size > limit) {
        return error_set(err, CAIRN_E_LIMIT, "%" PRIu64 " bytes are more than %zu", size, limit);
    }
    CAIRN_TRY(buf_reserve(out, (size_t)size, err));
    const cairn_memory_range whole = {0, out->data, (size_t)size};
    CAIRN_TRY(read_exactly(fd, call, key, &whole, err));
    out->len = (size_t)size;
    return CAIRN_OK;
}

static cairn_code check_end(uint64_t size, uint64_t offset, uint64_t length, cairn_error *err)
{
    if (offset + length <= size) {
        return CAIRN_OK;
    }
    return error_set(err, CAIRN_E_INTEGRITY, "it has %" PRIu64 " bytes, not %" PRIu64, size,
                     offset + length);
}

static cairn_code dir_get_range(void *self, const cairn_call *call, const char *key,
                                const cairn_memory_range *range, cairn_error *err)
{
    CAIRN_AUTO(fs_fd) fd = -1;
    uint64_t size = 0;

    CAIRN_TRY(dir_open_object(self, key, &fd, &size, err));
    CAIRN_TRY(check_end(size, range->offset, range->length, err));
    return read_exactly(fd, call, key, range, err);
}

static cairn_code dir_get_file(void *self, const cairn_call *call, const char *key,
                               const cairn_file_range *to, cairn_error *err)
{
    CAIRN_AUTO(fs_fd) from = -1;
    CAIRN_AUTO(fs_fd) file = -1;
    uint64_t size = 0;

    CAIRN_TRY(dir_open_object(self, key, &from, &size, err));
    CAIRN_TRY(check_end(size, to->offset, to->length, err));
    if (dir_share_out(from, to)) {
        return CAIRN_OK;
    }
    CAIRN_TRY(fs_open_new(to->path, &file, err));
    const cairn_file_range source = {key, to->offset, to->length, false, NULL};
    const cairn_code code = dir_copy(from, &source, file, call, err);
    if (code != CAIRN_OK) {
        (void)unlink(to->path);
    }
    return code;
}

cairn_code dir_stat_object(const store_dir *dir, const char *key, cairn_object_info *out,
                           cairn_error *err)
{
    CAIRN_AUTO(fs_fd) parent = -1;
    struct stat info;

    CAIRN_TRY(dir_open_parent(dir, key, false, &parent, err));
    if (fstatat(parent, dir_leaf(key), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return dir_errno(err, errno, "stat", key);
    }
    CAIRN_TRY(check_plain(&info, key, err));
    *out = (cairn_object_info){(uint64_t)info.st_size, modified_ms(&info)};
    return CAIRN_OK;
}

static cairn_code dir_stat(void *self, const cairn_call *call, const char *key,
                           cairn_object_info *out, cairn_error *err)
{
    (void)call;
    return dir_stat_object(self, key, out, err);
}

/* The fsync keeps the order of deletions: a manifest must not come back after its data is gone. */
static cairn_code unlink_durably(int parent, const char *key, cairn_error *err)
{
    struct stat info;

    if (fstatat(parent, dir_leaf(key), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return dir_errno(err, errno, "stat", key);
    }
    CAIRN_TRY(check_plain(&info, key, err));
    if (unlinkat(parent, dir_leaf(key), 0) != 0) {
        return dir_errno(err, errno, "unlink", key);
    }
    return fs_sync(parent, key, err);
}

static cairn_code remove_object(const store_dir *dir, const char *key, cairn_error *err)
{
    CAIRN_AUTO(fs_fd) parent = -1;

    CAIRN_TRY(dir_open_parent(dir, key, false, &parent, err));
    return unlink_durably(parent, key, err);
}

static cairn_code dir_remove(void *self, const cairn_call *call, const char *key, cairn_error *err)
{
    cairn_error own = {0};
    const cairn_code code = remove_object(self, key, &own);

    (void)call;
    if (code != CAIRN_OK && code != CAIRN_E_NOT_FOUND) {
        return error_set(err, code, "%s", own.message);
    }
    dir_remove_empty_parents(self, key);
    return CAIRN_OK;
}

static void dir_free(void *self)
{
    store_dir *dir = self;

    fs_close(&dir->root);
    for (size_t i = 0; i < CAIRN_DIR_WINDOWS_MAX; i++) {
        dir_window_free(dir->synced.windows[i]);
    }
    pthread_mutex_destroy(&dir->synced.lock);
    mem_free(dir);
}

static const cairn_store_driver driver = {
    .version = CAIRN_STORE_DRIVER_VERSION,
    .create_is_atomic = true,
    .put = dir_put,
    .get = dir_get,
    .get_range = dir_get_range,
    .get_file = dir_get_file,
    .stat = dir_stat,
    .remove = dir_remove,
    .list_page = dir_list_page,
    .free = dir_free,
    .copy = dir_copy_object,
};

static store_dir *dir_of(cairn_store *store)
{
    CAIRN_ASSERT(store->driver.free == dir_free);
    return store->self;
}

void store_dir_force_named(cairn_store *store)
{
    dir_of(store)->named = true;
}

void store_dir_set_window(cairn_store *store, size_t keys)
{
    CAIRN_ASSERT(keys > 0);
    dir_of(store)->window_keys = keys;
}

/* The folder above an absolute path without trailing '/'; NULL without memory. */
static char *above(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == path ? mem_strdup("/") : mem_strndup(path, (size_t)(slash - path));
}

/* Unlike other folders that cairn makes, those of a store follow the umask, the root too: a group
 * could not share a store otherwise. */
static cairn_code make_folder(const char *path, cairn_error *err)
{
    if (mkdir(path, DIR_FOLDER_MODE) != 0 && errno != EEXIST) {
        return error_errno(err, errno, "make folder %s", path);
    }
    return CAIRN_OK;
}

/* Makes the folder `path` and those above it, each durable in the one above it. The recursion is
 * bounded by the length of `path`, which make_absolute has checked. */
static cairn_code make_root(const char *path, cairn_error *err)
{
    if (fs_exists(path)) {
        return CAIRN_OK;
    }
    char *upper CAIRN_AUTO_FREE = above(path);
    if (upper == NULL) {
        return error_no_memory(err, "the path of a store");
    }
    CAIRN_TRY(make_root(upper, err));
    CAIRN_TRY(make_folder(path, err));
    return fs_sync_dir(upper, err);
}

static bool has_control_bytes(const char *path)
{
    for (; *path != '\0'; path++) {
        if ((uint8_t)*path < 0x20 || *path == 0x7f) {
            return true;
        }
    }
    return false;
}

/* The path as an absolute one without '/' at its end. */
static cairn_code make_absolute(const char *path, cairn_buf *out, cairn_error *err)
{
    char here[PATH_MAX];

    if (path == NULL || path[0] == '\0' || has_control_bytes(path)) {
        return error_set(err, CAIRN_E_INVALID, "a store needs a path without control bytes");
    }
    if (path[0] != '/') {
        if (getcwd(here, sizeof(here)) == NULL) {
            return error_errno(err, errno, "find the current folder");
        }
        CAIRN_TRY(buf_printf(out, err, "%s/", strcmp(here, "/") == 0 ? "" : here));
    }
    CAIRN_TRY(buf_append_text(out, path, err));
    while (out->len > 1 && out->data[out->len - 1] == '/') {
        out->len--;
    }
    if (out->len >= PATH_MAX) {
        return error_set(err, CAIRN_E_INVALID, "the path of the store is too long");
    }
    return buf_text(out) != NULL ? CAIRN_OK : error_no_memory(err, "the path of a store");
}

static cairn_code open_root(const char *path, bool create, fs_fd *out, cairn_error *err)
{
    if (create) {
        CAIRN_TRY(make_root(path, err));
    }
    /* Unlike all below it, the root may be reached by a symlink: it is the user's own word. */
    const int fd = FS_RETRY(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd < 0 && errno == ENOTDIR) {
        return error_set(err, CAIRN_E_INVALID, "it is not a folder");
    }
    if (fd < 0) {
        return error_errno(err, errno, "open it");
    }
    *out = fd;
    return CAIRN_OK;
}

static cairn_code dir_new(const char *path, bool create, cairn_store **out, cairn_error *err)
{
    CAIRN_AUTO(fs_fd) root = -1;
    CAIRN_AUTO(cairn_buf) uri = {0};

    CAIRN_TRY(open_root(path, create, &root, err));
    CAIRN_TRY(buf_printf(&uri, err, "file://%s", path));
    const char *where = buf_text(&uri);
    store_dir *dir = mem_calloc(1, sizeof(*dir));
    if (where == NULL || dir == NULL) {
        mem_free(dir);
        return error_no_memory(err, "a store");
    }
    /* Without /proc a file without a name cannot get one. */
    *dir = (store_dir){.root = dir_take(&root),
                       .window_keys = CAIRN_DIR_WINDOW_KEYS,
                       .named = access("/proc/self/fd", X_OK) != 0};
    pthread_mutex_init(&dir->synced.lock, NULL);
    dir_sweep(dir);
    return cairn_store_new(&driver, dir, where, out, err);
}

cairn_code cairn_dir_store_new(const char *path, const cairn_dir_options *options,
                               cairn_store **out, cairn_error *err)
{
    const cairn_dir_options defaults = CAIRN_DIR_OPTIONS_INIT;
    const cairn_dir_options *chosen = options != NULL ? options : &defaults;
    CAIRN_AUTO(cairn_buf) absolute = {0};

    if (out == NULL || chosen->version != CAIRN_DIR_OPTIONS_VERSION) {
        return error_set(err, CAIRN_E_INVALID, "open a store: a NULL output or unknown options");
    }
    CAIRN_TRY(make_absolute(path, &absolute, err));
    const char *root = buf_text(&absolute);
    const cairn_code code = dir_new(root, chosen->create, out, err);
    return code == CAIRN_OK ? code : error_prefix(err, code, "open the store file://%s", root);
}
