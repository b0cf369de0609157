/*
 * Keys of objects and paths of files. Pure.
 *
 * A key is a path below the root, as it stands, but for what HDFS or this driver cannot have in a
 * name: ':' becomes "%3A", and the '.' of a part that begins like a temporary becomes "%2E". A part
 * that already has such a text (also with "%25" in place of its '%') gets one more "25", so that
 * every key has one file and every file that is no temporary one key.
 */
#ifndef CAIRN_HDFS_PATH_H
#define CAIRN_HDFS_PATH_H

#include "buf.h"

#define HDFS_TEMPORARY       ".tmp-"
#define HDFS_TEMPORARY_CLOCK HDFS_TEMPORARY "clock-"

/* Is it no part of a key, whoever gave that name? */
bool hdfs_is_temporary(const char *name);
/* Is it a name that this driver gives: HDFS_TEMPORARY and two random ids, or HDFS_TEMPORARY_CLOCK
 * and one? */
bool hdfs_is_own_temporary(const char *name);
/* Appends a key, or the front of one, as a path; '/' stay. */
cairn_code hdfs_path_of_key(const char *key, cairn_buf *out, cairn_error *err);
/* Appends the part of a key that a file or folder name stands for. */
cairn_code hdfs_part_of_name(const char *name, cairn_buf *out, cairn_error *err);

#endif
