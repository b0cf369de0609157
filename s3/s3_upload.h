/*
 * An object in parts. What is pure stands here for its tests: how large parts are, and the document
 * of a completion. s3_upload.c sends the parts, s3_copy.c has them copied, s3_complete.c begins,
 * completes and aborts.
 */
#ifndef CAIRN_S3_S3_UPLOAD_H
#define CAIRN_S3_S3_UPLOAD_H

#include "s3_ahead.h"
#include "s3_crew.h"

/* Size of each part but the last; CAIRN_E_LIMIT if 10,000 parts of the largest size are too few. */
cairn_code s3_part_bytes(uint64_t length, uint64_t part_bytes, uint64_t *out, cairn_error *err);

typedef struct s3_upload {
    s3_store *store;
    const cairn_call *call;
    const char *key;
    const s3_body *body;
    cairn_put_mode mode;
    uint64_t part_bytes;
    unsigned parts;
    char *id;                     /* UploadId */
    char **etags;                 /* of each part, as the server sent them; NULL: not sent yet */
    bool by_crc32c;               /* parts go with it, see s3_digests */
    char (*sums)[S3_CRC32C_SIZE]; /* of each part, if so */
    s3_ahead *ahead;              /* NULL: nothing is hashed */
    s3_put_headers headers;
    void *context; /* of whoever sends the parts */
} s3_upload;

/* Zero-initialised before, released after. */
void s3_upload_release(s3_upload *upload);
CAIRN_DEFINE_AUTO(s3_upload, s3_upload_release)

/* How parts are made: `prepare`, which may be NULL, before any request, when their number is known;
 * the others see s3_crew, their context is the upload. `finish` keeps the ETag. */
typedef struct s3_part_work {
    cairn_code (*prepare)(s3_upload *upload, cairn_error *err);
    s3_task_write write;
    s3_task_finish finish;
    s3_task_ready ready;
} s3_part_work;

/*
 * The whole way of an upload of which store, call, key, body and mode are set: begin, the parts,
 * completion; an abort if any of these fails. Create-only looks before the begin too.
 */
cairn_code s3_upload_run(s3_upload *upload, const s3_part_work *work, cairn_error *err);

/* Keeps the ETag of a part. */
cairn_code s3_upload_take_etag(s3_upload *upload, uint64_t index, cairn_slice etag,
                               cairn_error *err);

/* Gets an UploadId. */
cairn_code s3_upload_begin(s3_upload *upload, cairn_error *err);

/*
 * Makes the object out of the parts. An upload that is gone, or a reply that was lost, may mean
 * that it is made already: the object's metadata tells. A create-only one is CAIRN_E_EXISTS if
 * something stands there by now.
 */
cairn_code s3_upload_complete(s3_upload *upload, cairn_error *err);

/* Frees what the server keeps of the parts, within `call`, which is not the upload's: that may be
 * over. What fails is logged; whether parts are left is not known where they may not be listed. */
void s3_upload_abort(const s3_upload *upload, const cairn_call *call);

/* Aborts one by name. One that is gone is CAIRN_OK. */
cairn_code s3_abort(s3_store *store, const cairn_call *call, const char *key, const char *id,
                    cairn_error *err);

/* <CompleteMultipartUpload> */
cairn_code s3_complete_document(const s3_upload *upload, cairn_buf *out, cairn_error *err);

#endif
