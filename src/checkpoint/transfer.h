/*
 * Moving files between the local disk and the store, on the pool, each checked by SHA-256.
 */
#ifndef CAIRN_CHECKPOINT_TRANSFER_H
#define CAIRN_CHECKPOINT_TRANSFER_H

#include <cairn/store.h>

#include "keylist.h"
#include "manifest_write.h"
#include "workpool.h"

/* Who transfers; all borrowed. */
typedef struct transfer_context {
    cairn_store *root;
    workpool *pool;
    const cairn_call *call;
} transfer_context;

/* Local files to store as one object: each `info` has key, offset and size; sha256 is filled in.
 * All name the same key, and the files follow on each other from offset 0. */
typedef struct upload {
    char *const *paths;      /* borrowed until the batch ended */
    cairn_file_info **infos; /* the same */
    size_t count;            /* at least 1 */
    bool frozen;             /* the files are never written again: see cairn_file_range */
    /* filled by upload_batch */
    const transfer_context *context;
    bool attempted; /* a put may have reached the store */
} upload;

/*
 * Hashes and stores all objects create-only, in parallel. The first error ends the batch. Files
 * that share an object are joined in a file beside the first, which is removed again. A file that
 * changes between its hashing and the end of its put is CAIRN_E_INTEGRITY, as far as its size and
 * time of last change tell.
 */
cairn_code upload_batch(const transfer_context *context, upload *uploads, size_t count,
                        cairn_error *err);

/* One object to fetch into `<dir>/<info->name>`. */
typedef struct download {
    const char *dir;
    const cairn_file_info *info;
    bool durable; /* fsync the file */
    bool frozen;  /* nobody will write to it: see cairn_file_range */
    const transfer_context *context;
} download;

/*
 * Downloads in parallel; then every file is read back from the disk and compared by size and
 * SHA-256: CAIRN_E_INTEGRITY names the object. A missing object is CAIRN_E_INTEGRITY too: a
 * manifest names it.
 */
cairn_code download_batch(const transfer_context *context, download *downloads, size_t count,
                          cairn_error *err);

/* Fetches one object into the new file `path` and checks it there. */
cairn_code transfer_fetch(const transfer_context *context, const cairn_file_info *info,
                          const char *path, cairn_error *err);

/* Reads a file into memory, which the caller has found to be small enough, and checks it there. */
cairn_code transfer_read(const transfer_context *context, const cairn_file_info *info,
                         cairn_buf *out, cairn_error *err);

/* Reads an object through and compares size and SHA-256 without storing it. */
cairn_code transfer_check(const transfer_context *context, const cairn_file_info *info,
                          cairn_error *err);

#endif
