/* Reading an open folder. */
#ifndef CAIRN_BASE_FS_DIR_H
#define CAIRN_BASE_FS_DIR_H

#include "check.h"

#include <dirent.h>

typedef DIR *fs_dir;

void fs_dir_close(fs_dir *dir); /* NULL is fine */
CAIRN_DEFINE_AUTO(fs_dir, fs_dir_close)

/*
 * The next entry but "." and "..", valid until the next call; NULL at the end (errno is 0 then) or
 * on failure (errno says why). One thread may use a folder at a time.
 */
const struct dirent *fs_dir_next(fs_dir dir);

#endif
