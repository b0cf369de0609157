/*
 * Files that may hold secrets: regular files, no symlinks, of this user or root, that group and
 * others may neither read nor change.
 */
#ifndef CAIRN_BASE_PRIVATE_FILE_H
#define CAIRN_BASE_PRIVATE_FILE_H

#include "secret.h"

/* What a file holds, with what speaks against secrets in it. Zero-initialise it. */
typedef struct private_file {
    cairn_buf text;      /* wiped by release */
    const char *problem; /* NULL: private; else "it is a symbolic link" or so, static storage */
} private_file;

/*
 * Reads a regular file of at most `limit` bytes (CAIRN_E_LIMIT beyond it). A symlink is followed,
 * and is a problem. What is judged is the file that was read, whatever its name leads to meanwhile.
 */
cairn_code private_file_read(const char *path, size_t limit, private_file *out, cairn_error *err);
void private_file_release(private_file *file);
CAIRN_DEFINE_AUTO(private_file, private_file_release)

#endif
