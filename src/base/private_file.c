#include "private_file.h"

#include "buf.h"
#include "errors.h"
#include "fsutil.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void private_file_release(private_file *file)
{
    secret_buf_release(&file->text);
    *file = (private_file){.problem = NULL};
}

/* `opened` is the file behind the descriptor, `named` what stands at the path itself. */
static const char *find_problem(const struct stat *opened, const struct stat *named)
{
    if (named->st_dev != opened->st_dev || named->st_ino != opened->st_ino) {
        return "it is a symbolic link";
    }
    if (opened->st_uid != geteuid() && opened->st_uid != 0) {
        return "it belongs to another user";
    }
    if ((opened->st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return "its mode lets others in: chmod 600";
    }
    return NULL;
}

static private_file take(private_file *file)
{
    const private_file taken = *file;

    *file = (private_file){.problem = NULL};
    return taken;
}

static cairn_code read_all(fs_fd fd, uint64_t size, const char *path, cairn_buf *out,
                           cairn_error *err)
{
    const size_t wanted = (size_t)size;

    CAIRN_TRY(buf_reserve(out, wanted + 1, err));
    return fs_read_at(fd, &(cairn_memory_range){0, out->data, wanted}, &out->len, path, err);
}

cairn_code private_file_read(const char *path, size_t limit, private_file *out, cairn_error *err)
{
    CAIRN_AUTO(private_file) file = {.problem = NULL};
    CAIRN_AUTO(fs_fd) fd = -1;
    char resolved[PATH_MAX];
    struct stat opened;
    struct stat named;

    if (realpath(path, resolved) == NULL || lstat(path, &named) != 0) {
        return error_errno(err, errno, "read %s", path);
    }
    CAIRN_TRY(fs_open_read(resolved, &fd, err));
    if (fstat(fd, &opened) != 0) {
        return error_errno(err, errno, "stat %s", path);
    }
    if ((uint64_t)opened.st_size > limit) {
        return error_set(err, CAIRN_E_LIMIT, "read %s: larger than %zu bytes", path, limit);
    }
    cairn_buf_init(&file.text, limit + 1);
    CAIRN_TRY(read_all(fd, (uint64_t)opened.st_size, path, &file.text, err));
    file.problem = find_problem(&opened, &named);
    *out = take(&file);
    return CAIRN_OK;
}
