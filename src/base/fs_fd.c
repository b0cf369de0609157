/* Opened files: open, read, write, copy, fsync, whole files. */
#include "buf.h"
#include "errors.h"
#include "fs_retry.h"
#include "fsutil.h"
#include "random.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_READ_BYTES ((size_t)64 << 10)

_Static_assert(sizeof(off_t) == 8, "offsets of 64 bits");

void fs_close(fs_fd *fd)
{
    if (*fd >= 0) {
        /* After EINTR the descriptor is gone on Linux: never twice. */
        (void)close(*fd);
    }
    *fd = -1;
}

fs_fd fs_take(fs_fd *fd)
{
    const fs_fd taken = *fd;

    *fd = -1;
    return taken;
}

cairn_code fs_open_read(const char *path, fs_fd *out, cairn_error *err)
{
    /* O_NONBLOCK: a fifo in the place of a file must not hang us. Regular files ignore it. */
    const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    CAIRN_AUTO(fs_fd) fd = FS_RETRY(open(path, flags));
    struct stat info;

    if (fd < 0 || fstat(fd, &info) != 0) {
        return error_errno(err, errno, "open %s", path);
    }
    if (!S_ISREG(info.st_mode)) {
        return error_set(err, CAIRN_E_IO, "open %s: not a regular file", path);
    }
    *out = fs_take(&fd);
    return CAIRN_OK;
}

cairn_code fs_open_new(const char *path, fs_fd *out, cairn_error *err)
{
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
    const int fd = FS_RETRY(open(path, flags, S_IRUSR | S_IWUSR));

    if (fd < 0) {
        return error_errno(err, errno, "create %s", path);
    }
    *out = fd;
    return CAIRN_OK;
}

cairn_code fs_write_all(fs_fd fd, const void *data, size_t len, const char *path, cairn_error *err)
{
    const uint8_t *next = data;

    while (len > 0) {
        const ssize_t written = FS_RETRY(write(fd, next, len));

        if (written <= 0) {
            return error_errno(err, written < 0 ? errno : EIO, "write %s", path);
        }
        next += written;
        len -= (size_t)written;
    }
    return CAIRN_OK;
}

cairn_code fs_read_at(fs_fd fd, const cairn_memory_range *to, size_t *out_len, const char *path,
                      cairn_error *err)
{
    size_t done = 0;

    while (done < to->length) {
        uint8_t *next = (uint8_t *)to->data + done;
        const off_t offset = (off_t)(to->offset + done);
        const ssize_t got = FS_RETRY(pread(fd, next, to->length - done, offset));

        if (got < 0) {
            return error_errno(err, errno, "read %s", path);
        }
        if (got == 0) {
            break;
        }
        done += (size_t)got;
    }
    *out_len = done;
    return CAIRN_OK;
}

cairn_code fs_sync(fs_fd fd, const char *path, cairn_error *err)
{
    /* Once: after a failure the kernel may call the lost pages clean, so a second try proves
     * nothing. */
    if (fsync(fd) != 0) {
        return error_errno(err, errno, "fsync %s", path);
    }
    return CAIRN_OK;
}

/* Appends up to `want` bytes; *out_ended if the file had fewer. */
static cairn_code append_part(fs_fd fd, size_t want, const char *path, cairn_buf *out,
                              bool *out_ended, cairn_error *err)
{
    size_t got = 0;

    CAIRN_TRY(buf_reserve(out, want, err));
    CAIRN_TRY(fs_read_at(fd, &(cairn_memory_range){out->len, out->data + out->len, want}, &got,
                         path, err));
    out->len += got;
    *out_ended = got < want;
    return CAIRN_OK;
}

static cairn_code check_end(fs_fd fd, size_t limit, const char *path, cairn_error *err)
{
    uint8_t beyond = 0;
    size_t got = 0;

    CAIRN_TRY(fs_read_at(fd, &(cairn_memory_range){limit, &beyond, 1}, &got, path, err));
    if (got > 0) {
        return error_set(err, CAIRN_E_LIMIT, "read %s: larger than %zu bytes", path, limit);
    }
    return CAIRN_OK;
}

/* Reads to the end of the file, which may be longer than `hint`; more than `limit` is refused. */
static cairn_code read_to_end(fs_fd fd, size_t hint, size_t limit, const char *path, cairn_buf *out,
                              cairn_error *err)
{
    size_t want = hint + 1;
    bool ended = false;

    while (!ended && out->len < limit) {
        const size_t room = limit - out->len;

        CAIRN_TRY(append_part(fd, want < room ? want : room, path, out, &ended, err));
        want = FIRST_READ_BYTES;
    }
    return ended ? CAIRN_OK : check_end(fd, limit, path, err);
}

static size_t lower_limit(size_t limit, const cairn_buf *out)
{
    const size_t own = out->limit == 0 ? CAIRN_BUF_DEFAULT_LIMIT : out->limit;

    return limit < own ? limit : own;
}

cairn_code fs_read_file(const char *path, size_t limit, cairn_buf *out, cairn_error *err)
{
    const size_t bound = lower_limit(limit, out);
    CAIRN_AUTO(cairn_buf) whole = {.limit = bound};
    CAIRN_AUTO(fs_fd) fd = -1;
    struct stat info;

    CAIRN_TRY(fs_open_read(path, &fd, err));
    if (fstat(fd, &info) != 0) {
        return error_errno(err, errno, "stat %s", path);
    }
    if ((uint64_t)info.st_size > bound) {
        return error_set(err, CAIRN_E_LIMIT, "read %s: larger than %zu bytes", path, bound);
    }
    CAIRN_TRY(read_to_end(fd, (size_t)info.st_size, bound, path, &whole, err));
    whole.limit = out->limit;
    cairn_buf_release(out);
    *out = buf_take(&whole);
    return CAIRN_OK;
}

/* The folder of `path` in new memory; NULL without memory. */
static char *parent_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL) {
        return mem_strdup(".");
    }
    return slash == path ? mem_strdup("/") : mem_strndup(path, (size_t)(slash - path));
}

static cairn_code write_durable(const char *path, cairn_slice data, cairn_error *err)
{
    CAIRN_AUTO(fs_fd) fd = -1;

    CAIRN_TRY(fs_open_new(path, &fd, err));
    CAIRN_TRY(fs_write_all(fd, data.data, data.len, path, err));
    return fs_sync(fd, path, err);
}

static cairn_code replace_with(const char *temporary, const char *path, cairn_slice data,
                               cairn_error *err)
{
    CAIRN_TRY(write_durable(temporary, data, err));
    return fs_rename(temporary, path, err);
}

cairn_code fs_write_file(const char *path, cairn_slice data, cairn_error *err)
{
    char *parent CAIRN_AUTO_FREE = parent_of(path);
    char *temporary CAIRN_AUTO_FREE = NULL;
    char id[RANDOM_ID_SIZE];
    char name[sizeof(".tmp-") + RANDOM_ID_SIZE];

    if (parent == NULL) {
        return error_no_memory(err, "write a file");
    }
    random_id(id);
    /* Not derived from the file's name, which may be as long as the file system allows already. */
    (void)snprintf(name, sizeof(name), ".tmp-%s", id);
    CAIRN_TRY(fs_join(parent, name, &temporary, err));
    const cairn_code code = replace_with(temporary, path, data, err);
    if (code != CAIRN_OK) {
        (void)unlink(temporary);
        return error_prefix(err, code, "replace %s", path);
    }
    return fs_sync_dir(parent, err);
}

/* Errors of copy_file_range that mean "not between these two files", not "the copy failed". */
static bool is_unsupported(int errno_value)
{
    return errno_value == EXDEV || errno_value == EINVAL || errno_value == ENOSYS ||
           errno_value == EOPNOTSUPP || errno_value == EPERM || errno_value == ETXTBSY ||
           errno_value == EBADF;
}

static cairn_code copy_by_hand(fs_fd from, uint64_t offset, uint64_t len, fs_fd to,
                               const char *what, cairn_error *err)
{
    uint8_t *chunk CAIRN_AUTO_FREE = mem_alloc(CAIRN_IO_CHUNK_BYTES);

    if (chunk == NULL) {
        return error_no_memory(err, "copy a file");
    }
    while (len > 0) {
        const size_t want = len < CAIRN_IO_CHUNK_BYTES ? (size_t)len : CAIRN_IO_CHUNK_BYTES;
        size_t got = 0;

        CAIRN_TRY(fs_read_at(from, &(cairn_memory_range){offset, chunk, want}, &got, what, err));
        if (got < want) {
            return error_set(err, CAIRN_E_INTEGRITY,
                             "copy %s: it ends at byte %llu, %llu too early", what,
                             (unsigned long long)offset + got, (unsigned long long)len - got);
        }
        CAIRN_TRY(fs_write_all(to, chunk, got, what, err));
        offset += got;
        len -= got;
    }
    return CAIRN_OK;
}

cairn_code fs_copy_range(fs_fd from, uint64_t offset, uint64_t len, fs_fd to, const char *what,
                         cairn_error *err)
{
    off_t at = (off_t)offset;

    if (lseek(to, 0, SEEK_END) < 0) {
        return error_errno(err, errno, "copy %s: seek", what);
    }
    while (len > 0) {
        const size_t want = len < CAIRN_IO_CHUNK_BYTES ? (size_t)len : CAIRN_IO_CHUNK_BYTES;
        const ssize_t copied = FS_RETRY(copy_file_range(from, &at, to, NULL, want, 0));

        /* 0 is the end of the file, or a file system that cannot: reading tells which. */
        if (copied == 0 || (copied < 0 && is_unsupported(errno))) {
            return copy_by_hand(from, (uint64_t)at, len, to, what, err);
        }
        if (copied < 0) {
            return error_errno(err, errno, "copy %s", what);
        }
        len -= (uint64_t)copied;
    }
    return CAIRN_OK;
}
