/*
 * DESIGN: bytes go to a file that no reader can find, then the file gets its name in one step.
 *
 * The file has no name at all where the file system can do that and nothing is replaced: if the
 * writer dies, the kernel frees it. Else it is a temporary under DIR_TEMPORARIES, on which its
 * writer holds a lock for as long as it lives; dir_sweep removes those without a lock.
 */
#include "bounds.h"
#include "cancel.h"
#include "errors.h"
#include "fs_dir.h"
#include "random.h"
#include "store_dir.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file that is being written. */
typedef struct temporary {
    fs_fd file;
    fs_fd folder;              /* where its name is */
    char name[RANDOM_ID_SIZE]; /* "" if it has none */
} temporary;

#define TEMPORARY_INIT           \
    {                            \
        .file = -1, .folder = -1 \
    }

static void drop_file(temporary *t)
{
    if (t->name[0] != '\0') {
        (void)unlinkat(t->folder, t->name, 0);
    }
    t->name[0] = '\0';
    fs_close(&t->file);
}

static void temporary_release(temporary *t)
{
    drop_file(t);
    fs_close(&t->folder);
}
CAIRN_DEFINE_AUTO(temporary, temporary_release)

cairn_code dir_copy(fs_fd from, const cairn_file_range *source, fs_fd to, const cairn_call *call,
                    cairn_error *err)
{
    for (uint64_t done = 0; done < source->length;) {
        const uint64_t rest = source->length - done;
        const uint64_t step = rest < CAIRN_IO_CHUNK_BYTES ? rest : CAIRN_IO_CHUNK_BYTES;
        CAIRN_TRY(call_check(call, "between two copies", err));
        CAIRN_TRY(fs_copy_range(from, source->offset + done, step, to, source->path, err));
        done += step;
    }
    return CAIRN_OK;
}

static cairn_code write_slice(fs_fd to, const cairn_slice *data, const cairn_call *call,
                              const char *key, cairn_error *err)
{
    for (size_t done = 0; done < data->len;) {
        const size_t rest = data->len - done;
        const size_t step = rest < CAIRN_IO_CHUNK_BYTES ? rest : CAIRN_IO_CHUNK_BYTES;
        const uint8_t *from = (const uint8_t *)data->data + done;
        CAIRN_TRY(call_check(call, "between two writes", err));
        CAIRN_TRY(fs_write_all(to, from, step, key, err));
        done += step;
    }
    return CAIRN_OK;
}

static cairn_code write_range(fs_fd to, const cairn_file_range *range, const cairn_call *call,
                              cairn_error *err)
{
    CAIRN_AUTO(fs_fd) from = -1;

    CAIRN_ASSERT(range != NULL);
    CAIRN_TRY(fs_open_read(range->path, &from, err));
    return dir_copy(from, range, to, call, err);
}

static cairn_code make_durable(fs_fd to, const cairn_call *call, const char *key, cairn_error *err)
{
    CAIRN_TRY(call_check(call, "before the fsync", err));
    return fs_sync(to, key, err);
}

static cairn_code write_body(fs_fd to, const cairn_put_body *body, const cairn_call *call,
                             const char *key, cairn_error *err)
{
    CAIRN_TRY(body->data != NULL ? write_slice(to, body->data, call, key, err)
                                 : write_range(to, body->range, call, err));
    return make_durable(to, call, key, err);
}

/* The folder follows the umask as those of objects do: whoever may put there may put here. */
static int open_temporaries(const store_dir *dir, fs_fd *out)
{
    if (mkdirat(dir->root, DIR_TEMPORARIES, DIR_FOLDER_MODE) != 0 && errno != EEXIST) {
        return -1;
    }
    return dir_open_folder(dir->root, DIR_TEMPORARIES, out);
}

/* A sweeper may have come between the making of the file and its lock: it then holds the lock, or
 * the file has lost its name. errno is EWOULDBLOCK in both cases. */
static int hold(fs_fd file)
{
    struct stat info;

    if (flock(file, LOCK_EX | LOCK_NB) != 0 || fstat(file, &info) != 0) {
        return -1;
    }
    errno = EWOULDBLOCK;
    return info.st_nlink > 0 ? 0 : -1;
}

static int open_named_once(temporary *t)
{
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    char name[RANDOM_ID_SIZE];

    drop_file(t);
    random_id(name);
    const int fd = FS_RETRY(openat(t->folder, name, flags, DIR_OBJECT_MODE));
    if (fd < 0) {
        return -1;
    }
    t->file = fd;
    memcpy(t->name, name, sizeof(name));
    return hold(fd);
}

static cairn_code open_named(const store_dir *dir, const char *key, temporary *t, cairn_error *err)
{
    int result = open_temporaries(dir, &t->folder);

    if (result == 0) {
        result = open_named_once(t);
        for (int i = 0; result != 0 && errno == EWOULDBLOCK && i < CAIRN_DIR_RACES_MAX; i++) {
            result = open_named_once(t);
        }
    }
    if (result != 0 && errno == ENOENT) {
        return error_set(err, CAIRN_E_IO, "the folder of the store has been removed");
    }
    return result == 0 ? CAIRN_OK : dir_errno(err, errno, "make a temporary for", key);
}

/* EISDIR is what kernels that never heard of the flag say. */
static bool is_unsupported(int errno_value)
{
    return errno_value == EOPNOTSUPP || errno_value == EISDIR;
}

/* ext4 refuses a file in a folder that has just been removed with EPERM. */
static bool is_removed(fs_fd folder)
{
    struct stat info;

    return fstat(folder, &info) == 0 && info.st_nlink == 0;
}

/* True if `t` got a file without a name. If not, errno tells why; ENOENT means that its folder has
 * been removed meanwhile, so that a file with a name serves as well. */
static bool open_nameless(store_dir *dir, fs_fd parent, temporary *t)
{
    if (dir->named) {
        errno = EOPNOTSUPP;
        return false;
    }
    t->file = FS_RETRY(openat(parent, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, DIR_OBJECT_MODE));
    const int cause = errno;
    if (t->file < 0 && is_unsupported(cause)) {
        dir->named = true;
    }
    errno = t->file < 0 && is_removed(parent) ? ENOENT : cause;
    return t->file >= 0;
}

static cairn_code open_temporary(store_dir *dir, fs_fd parent, const char *key, cairn_put_mode mode,
                                 temporary *t, cairn_error *err)
{
    if (mode == CAIRN_PUT_CREATE) {
        if (open_nameless(dir, parent, t)) {
            return CAIRN_OK;
        }
        if (errno != ENOENT && !is_unsupported(errno)) {
            return dir_errno(err, errno, "make a file for", key);
        }
    }
    return open_named(dir, key, t, err);
}

/* For file systems without RENAME_NOREPLACE. NFS may repeat a link whose reply was lost and then
 * say EEXIST of our own: the count of names tells. */
static int link_named(const temporary *t, fs_fd parent, const char *leaf)
{
    struct stat info;

    if (linkat(t->folder, t->name, parent, leaf, 0) == 0) {
        return 0;
    }
    const int cause = errno;
    if (cause == EEXIST && fstat(t->file, &info) == 0 && info.st_nlink == 2) {
        return 0;
    }
    errno = cause;
    return -1;
}

static int rename_named(temporary *t, fs_fd parent, const char *leaf, cairn_put_mode mode)
{
    const unsigned flags = mode == CAIRN_PUT_CREATE ? RENAME_NOREPLACE : 0;

    if (renameat2(t->folder, t->name, parent, leaf, flags) == 0) {
        t->name[0] = '\0';
        return 0;
    }
    if (mode == CAIRN_PUT_CREATE && (errno == EINVAL || errno == ENOSYS)) {
        return link_named(t, parent, leaf);
    }
    return -1;
}

static int give_name(temporary *t, fs_fd parent, const char *leaf, cairn_put_mode mode)
{
    return t->name[0] == '\0' ? dir_link_open_file(t->file, parent, leaf)
                              : rename_named(t, parent, leaf, mode);
}

static cairn_code put_failed(int cause, const char *tried, const char *key, cairn_error *err)
{
    if (cause == ENAMETOOLONG) {
        return error_set(err, CAIRN_E_INVALID, "a part of the key is longer than a file name");
    }
    return dir_errno(err, cause, tried, key);
}

/* What stands at the name: OK for nothing, or for an object that is to be replaced. */
static cairn_code check_standing(fs_fd parent, const char *key, cairn_put_mode mode,
                                 cairn_error *err)
{
    struct stat info;

    if (fstatat(parent, dir_leaf(key), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? CAIRN_OK : put_failed(errno, "stat", key, err);
    }
    if (S_ISREG(info.st_mode)) {
        return mode == CAIRN_PUT_REPLACE ? CAIRN_OK
                                         : error_set(err, CAIRN_E_EXISTS, "it exists already");
    }
    if (S_ISDIR(info.st_mode)) {
        return error_set(err, CAIRN_E_INVALID, "a folder of other objects has that name");
    }
    return error_set(err, CAIRN_E_ACCESS, "something that is no plain file has that name");
}

static cairn_code naming_failed(fs_fd parent, const char *key, int cause, cairn_error *err)
{
    if (cause == EEXIST) {
        CAIRN_TRY(check_standing(parent, key, CAIRN_PUT_CREATE, err));
        return error_set(err, CAIRN_E_EXISTS, "it existed and is gone again");
    }
    if (cause == ENOENT) {
        return error_set(err, CAIRN_E_IO, "its folder is removed again and again");
    }
    return put_failed(cause, "give the name", key, err);
}

/* A delete of the last object in the folder removes the folder under us: it is then made again. */
static cairn_code publish(store_dir *dir, temporary *t, const char *key, cairn_put_mode mode,
                          fs_fd *parent, cairn_error *err)
{
    if (mode == CAIRN_PUT_REPLACE) {
        CAIRN_TRY(check_standing(*parent, key, mode, err));
    }
    int result = give_name(t, *parent, dir_leaf(key), mode);
    for (int i = 0; result != 0 && errno == ENOENT && i < CAIRN_DIR_RACES_MAX; i++) {
        CAIRN_TRY(dir_open_parent(dir, key, true, parent, err));
        result = give_name(t, *parent, dir_leaf(key), mode);
    }
    return result == 0 ? fs_sync(*parent, key, err) : naming_failed(*parent, key, errno, err);
}

cairn_code dir_put(void *self, const cairn_call *call, const char *key, const cairn_put_body *body,
                   cairn_put_mode mode, cairn_error *err)
{
    store_dir *dir = self;
    CAIRN_AUTO(fs_fd) parent = -1;
    CAIRN_AUTO(temporary) t = TEMPORARY_INIT;
    bool shared = false;

    CAIRN_TRY(dir_open_parent(dir, key, true, &parent, err));
    if (mode == CAIRN_PUT_CREATE && body->range != NULL) {
        CAIRN_TRY(dir_share_in(body->range, parent, key, &shared, err));
    }
    if (shared) {
        return CAIRN_OK;
    }
    CAIRN_TRY(open_temporary(dir, parent, key, mode, &t, err));
    CAIRN_TRY(write_body(t.file, body, call, key, err));
    return publish(dir, &t, key, mode, &parent, err);
}

/* Objects are never written to, so two of them may share their bytes. A link replaces nothing. */
static cairn_code link_object(fs_fd from, fs_fd parent, const char *to_key, bool *out_linked,
                              cairn_error *err)
{
    *out_linked = dir_link_open_file(from, parent, dir_leaf(to_key)) == 0;
    if (!*out_linked) {
        return errno == EEXIST ? naming_failed(parent, to_key, EEXIST, err) : CAIRN_OK;
    }
    return fs_sync(parent, to_key, err);
}

cairn_code dir_copy_object(void *self, const cairn_call *call, const char *from_key,
                           const char *to_key, cairn_put_mode mode, cairn_error *err)
{
    store_dir *dir = self;
    CAIRN_AUTO(fs_fd) from = -1;
    CAIRN_AUTO(fs_fd) parent = -1;
    CAIRN_AUTO(temporary) t = TEMPORARY_INIT;
    cairn_file_range source = {.path = from_key};
    bool linked = false;

    CAIRN_TRY(dir_open_object(dir, from_key, &from, &source.length, err));
    CAIRN_TRY(dir_open_parent(dir, to_key, true, &parent, err));
    if (mode == CAIRN_PUT_CREATE && !dir->named) {
        CAIRN_TRY(link_object(from, parent, to_key, &linked, err));
    }
    if (linked) {
        return CAIRN_OK;
    }
    CAIRN_TRY(open_temporary(dir, parent, to_key, mode, &t, err));
    CAIRN_TRY(dir_copy(from, &source, t.file, call, err));
    CAIRN_TRY(make_durable(t.file, call, to_key, err));
    return publish(dir, &t, to_key, mode, &parent, err);
}

/* The lock is held until the name is gone, so that a writer which is just locking it sees that. */
static void sweep_one(fs_fd folder, const char *name)
{
    const int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
    CAIRN_AUTO(fs_fd) fd = FS_RETRY(openat(folder, name, flags));

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
        (void)unlinkat(folder, name, 0);
    }
}

void dir_sweep(const store_dir *dir)
{
    CAIRN_AUTO(fs_fd) folder = -1;
    const struct dirent *entry;

    if (dir_open_folder(dir->root, DIR_TEMPORARIES, &folder) != 0) {
        return;
    }
    CAIRN_AUTO(fs_dir) stream = fdopendir(folder);
    if (stream == NULL) {
        return;
    }
    (void)dir_take(&folder);
    for (int i = 0; i < CAIRN_DIR_ENTRIES_MAX && (entry = fs_dir_next(stream)) != NULL; i++) {
        sweep_one(dirfd(stream), entry->d_name);
    }
}
