#include "bounds.h"
#include "buf.h"
#include "errors.h"
#include "fs_retry.h"
#include "fsutil.h"
#include "s3_credentials_parts.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NS_PER_S 1000000000u

static s3_file_stamp stamp_of(const struct stat *info)
{
    return (s3_file_stamp){.size = (uint64_t)info->st_size,
                           .inode = (uint64_t)info->st_ino,
                           .device = (uint64_t)info->st_dev,
                           .mtime_ns = (uint64_t)info->st_mtim.tv_sec * NS_PER_S +
                                       (uint64_t)info->st_mtim.tv_nsec};
}

s3_file_stamp s3_file_stamp_of(const char *path)
{
    struct stat info;

    return path != NULL && stat(path, &info) == 0 ? stamp_of(&info) : (s3_file_stamp){0};
}

/* -1 in *out: there is no such file. */
static cairn_code open_file(const char *path, fs_fd *out, struct stat *info, cairn_error *err)
{
    /* O_NONBLOCK: a fifo in the place of a file must not hang us. */
    CAIRN_AUTO(fs_fd) fd = FS_RETRY(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return CAIRN_OK;
    }
    if (fd < 0 || fstat(fd, info) != 0) {
        return error_errno(err, errno, "read %s", path);
    }
    if (S_ISCHR(info->st_mode)) {
        return CAIRN_OK; /* AWS_CONFIG_FILE=/dev/null says: none */
    }
    if (!S_ISREG(info->st_mode)) {
        return error_set(err, CAIRN_E_ACCESS, "read %s: not a regular file", path);
    }
    *out = fs_take(&fd);
    return CAIRN_OK;
}

cairn_code s3_file_read(const char *path, size_t limit, cairn_buf *out, s3_file_facts *facts,
                        cairn_error *err)
{
    S3_AUTO_WIPE cairn_buf whole = {0};
    CAIRN_AUTO(fs_fd) fd = -1;
    struct stat info = {0};
    size_t got = 0;

    CAIRN_TRY(open_file(path, &fd, &info, err));
    if (fd < 0) {
        *facts = (s3_file_facts){0};
        return CAIRN_OK;
    }
    /* One block from the start, with room to see a file that grew: copies would not be wiped. */
    const size_t room = (uint64_t)info.st_size < limit ? (size_t)info.st_size + 1 : limit + 1;
    CAIRN_TRY(buf_reserve(&whole, room, err));
    CAIRN_TRY(fs_read_at(fd, &(cairn_memory_range){0, whole.data, room}, &got, path, err));
    if (got > limit) {
        return error_set(err, CAIRN_E_LIMIT, "read %s: larger than %zu bytes", path, limit);
    }
    if (got == room) {
        return error_set(err, CAIRN_E_UNAVAILABLE, "read %s: it grows while it is read", path);
    }
    whole.len = got;
    *facts = (s3_file_facts){true, (info.st_mode & (S_IRWXG | S_IRWXO)) != 0, stamp_of(&info)};
    secret_buf_release(out);
    *out = buf_take(&whole);
    return CAIRN_OK;
}

static bool is_white(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static cairn_slice trim(const cairn_buf *text)
{
    size_t begin = 0;
    size_t end = text->len;

    while (begin < end && is_white(text->data[begin])) {
        begin++;
    }
    while (end > begin && is_white(text->data[end - 1])) {
        end--;
    }
    return (cairn_slice){text->data + begin, end - begin};
}

static bool has_control(cairn_slice text)
{
    const uint8_t *bytes = text.data;

    for (size_t i = 0; i < text.len; i++) {
        if (bytes[i] < ' ' || bytes[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

cairn_code s3_token_read(const char *path, const char *what, secret *out, cairn_error *err)
{
    S3_AUTO_WIPE cairn_buf text = {0};
    s3_file_facts facts = {0};
    const cairn_code code = s3_file_read(path, CAIRN_S3_KEYS_BYTES_MAX, &text, &facts, err);

    if (code != CAIRN_OK) {
        return error_prefix(err, code, "%s", what);
    }
    if (!facts.exists) {
        return error_set(err, CAIRN_E_ACCESS, "%s: there is no file %s", what, path);
    }
    const cairn_slice token = text.len == 0 ? (cairn_slice){0} : trim(&text);
    if (token.len == 0 || has_control(token)) {
        return error_set(err, CAIRN_E_ACCESS, "%s: %s does not hold one token", what, path);
    }
    return secret_set(out, token, err);
}
