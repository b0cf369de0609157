/*
 * Local files. All paths are taken as they are; files are opened with O_CLOEXEC | O_NOFOLLOW, and
 * only regular ones can be read. Folders may be reached through symlinks, except by fs_remove_tree.
 * Errors name the path. "Durable" means that file and folder were fsynced; a failed fsync is never
 * tried again (the caller drops the file).
 */
#ifndef CAIRN_BASE_FSUTIL_H
#define CAIRN_BASE_FSUTIL_H

#include <cairn/store.h>

#include "check.h"

/* Of the path itself: a symlink is not followed. */
typedef struct fs_stat {
    uint64_t size;
    uint64_t device;
    uint64_t inode;
    uint64_t mtime_ns;
    bool is_directory;
} fs_stat;

/* "<a>/<b>"; the caller frees. */
cairn_code fs_join(const char *a, const char *b, char **out, cairn_error *err);

/* Like mkdir -p with mode 0700 for new folders; an existing folder is fine. */
cairn_code fs_make_dirs(const char *path, cairn_error *err);
/* Creates `<parent>/<prefix>XXXXXX` with mode 0700. */
cairn_code fs_make_temp_dir(const char *parent, const char *prefix, char **out, cairn_error *err);
/* Removes a folder and all in it; absent is fine; never follows symlinks. */
cairn_code fs_remove_tree(const char *path, cairn_error *err);
/* Removes one file; absent is fine. */
cairn_code fs_remove_file(const char *path, cairn_error *err);
cairn_code fs_stat_path(const char *path, fs_stat *out, cairn_error *err);
bool fs_exists(const char *path);
cairn_code fs_rename(const char *from, const char *to, cairn_error *err);
/* fsync of a folder. */
cairn_code fs_sync_dir(const char *path, cairn_error *err);
/* Free bytes for unprivileged users on the file system that holds `path`. */
cairn_code fs_free_bytes(const char *path, uint64_t *out, cairn_error *err);

/* Names in a folder without "." and "..", sorted; at most CAIRN_DIR_ENTRIES_MAX. */
typedef struct fs_names {
    char **items;
    size_t count;
} fs_names;
cairn_code fs_list(const char *path, fs_names *out, cairn_error *err);
void fs_names_release(fs_names *names);
CAIRN_DEFINE_AUTO(fs_names, fs_names_release)

/* Whole file, at most `limit` bytes (CAIRN_E_LIMIT beyond it), into `out`, which is emptied first.
 */
cairn_code fs_read_file(const char *path, size_t limit, cairn_buf *out, cairn_error *err);
/* Creates or replaces atomically, durable: temporary name, fsync, rename, fsync of the folder. */
cairn_code fs_write_file(const char *path, cairn_slice data, cairn_error *err);

/* Opened descriptors: open, full write (EINTR, short writes), read up to len, close on scope exit.
 */
typedef int fs_fd;
cairn_code fs_open_read(const char *path, fs_fd *out, cairn_error *err);
/* Creates (O_EXCL) with mode 0600. */
cairn_code fs_open_new(const char *path, fs_fd *out, cairn_error *err);
cairn_code fs_write_all(fs_fd fd, const void *data, size_t len, const char *path, cairn_error *err);
/* Fills `to` from the file up to its end; *out_len tells how many bytes. */
cairn_code fs_read_at(fs_fd fd, const cairn_memory_range *to, size_t *out_len, const char *path,
                      cairn_error *err);
cairn_code fs_sync(fs_fd fd, const char *path, cairn_error *err);
void fs_close(fs_fd *fd); /* -1 is fine; leaves -1 */
fs_fd fs_take(fs_fd *fd); /* moves it out; leaves -1 */
CAIRN_DEFINE_AUTO(fs_fd, fs_close)

/* Copies `len` bytes of `from` at `offset` to the current end of `to`, by copy_file_range if it
 * can. */
cairn_code fs_copy_range(fs_fd from, uint64_t offset, uint64_t len, fs_fd to, const char *what,
                         cairn_error *err);

/*
 * An exclusive lock on `<dir>/LOCK` (flock), released by fs_close or the end of the process.
 * Held by another process: CAIRN_E_LOCKED.
 */
cairn_code fs_lock_dir(const char *dir, fs_fd *out, cairn_error *err);

#endif
