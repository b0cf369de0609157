/*
 * The inside of the HDFS store: what its files share. include/cairn/hdfs.h is the manual.
 *
 *   hdfs_store.c     constructor, stat, remove, driver table
 *   hdfs_request.c   one operation with credentials that are renewed when they end
 *   hdfs_put.c       temporary, check, rename
 *   hdfs_get.c       reads, in one piece or in ranges side by side
 *   hdfs_list.c      the walk
 *   hdfs_sweep.c     temporaries of dead writers
 *   hdfs_examine.c   findings for the doctor
 *
 * Requests to the NameNode: a put makes 3 (CREATE, GETFILESTATUS, RENAME), with check_checksum 4
 * (GETFILECHECKSUM); a get 1 (OPEN), a download of more than CAIRN_HDFS_RANGE_BYTES one per range
 * and 2 (GETFILESTATUS); a stat 1; a remove 1 and one per folder that it tries to remove, which is
 * 1 if other files stand there; a listing 1 per folder and server's page.
 */
#ifndef CAIRN_HDFS_STORE_H
#define CAIRN_HDFS_STORE_H

#include <cairn/store_driver.h>

#include "webhdfs.h"
#include "webhdfs_json.h"

#define HDFS_CHUNK_BYTES 512 /* of a checksum; blocks are made of so many */

/* Const after its construction, but for what is thread-safe by itself. */
typedef struct hdfs_store {
    webhdfs web;
    char *root; /* "/a/b", or "" for "/" */
    uint32_t replication;
    uint64_t block_bytes;
    bool sync_block;
    bool check_checksum;
    bool create_root;
    _Atomic bool root_seen;            /* it was there once */
    _Atomic uint64_t seen_block_bytes; /* of the last upload; a multiple of HDFS_CHUNK_BYTES */
} hdfs_store;

/* One operation: with a token fetched or renewed before, and new credentials, once, if they are
 * refused. */
cairn_code hdfs_request(hdfs_store *store, const cairn_call *call, const webhdfs_request *request,
                        webhdfs_flight *flight, cairn_error *err);

/* Appends the path of a key and a NUL that is not counted. */
cairn_code hdfs_path(const hdfs_store *store, const char *key, cairn_buf *out, cairn_error *err);

/* GETFILESTATUS. */
cairn_code hdfs_status(hdfs_store *store, const cairn_call *call, const char *path,
                       webhdfs_status *out, cairn_error *err);
/* As hdfs_status; what is no file is CAIRN_E_NOT_FOUND, and a path through a file too. */
cairn_code hdfs_file_status(hdfs_store *store, const cairn_call *call, const char *path,
                            webhdfs_status *out, cairn_error *err);
/* Does the root exist? Asked until it was once there. */
cairn_code hdfs_root_is_there(hdfs_store *store, const cairn_call *call, bool *out,
                              cairn_error *err);
/* DELETE without recursion. *out_cause tells what a failure was; missing is fine. */
cairn_code hdfs_delete(hdfs_store *store, const cairn_call *call, const char *path,
                       webhdfs_cause *out_cause, cairn_error *err);
/* Removes `path` if it is there, in a short time of its own, whatever ended the call. `late`: a
 * DataNode that was given up may be about to make it; what is not there is asked for again. */
void hdfs_discard(hdfs_store *store, const char *path, bool late);

/*
 * Removes the folders above `path` that are empty, up to the root; cuts `path`. What goes wrong is
 * left: a folder that is not empty ends it. A put needs its folder from the moment on when its
 * temporary stands there, so nothing is taken away from it.
 */
void hdfs_remove_empty_folders(hdfs_store *store, const cairn_call *call, char *path);

/* The driver's `free`. */
void hdfs_store_free(void *self);

cairn_code hdfs_put(void *self, const cairn_call *call, const char *key, const cairn_put_body *body,
                    cairn_put_mode mode, cairn_error *err);
cairn_code hdfs_get(void *self, const cairn_call *call, const char *key, size_t limit,
                    cairn_buf *out, cairn_error *err);
cairn_code hdfs_get_range(void *self, const cairn_call *call, const char *key,
                          const cairn_memory_range *range, cairn_error *err);
cairn_code hdfs_get_file(void *self, const cairn_call *call, const char *key,
                         const cairn_file_range *to, cairn_error *err);
cairn_code hdfs_list_page(void *self, const cairn_call *call, const cairn_list_page *page,
                          cairn_store_visit visit, void *context, cairn_error *err);
cairn_code hdfs_examine(void *self, const cairn_call *call, const char *key,
                        cairn_finding_visit visit, void *context, cairn_error *err);

#endif
