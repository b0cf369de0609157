/* A page of open uploads, read by its content. Pure. */
#ifndef CAIRN_S3_S3_SWEEP_H
#define CAIRN_S3_S3_SWEEP_H

#include <cairn/base.h>

#include "check.h"

typedef struct s3_open_upload {
    const char *key; /* in the bucket, not in the store */
    const char *id;
    uint64_t begun_ms; /* server's clock; 0: not said */
} s3_open_upload;

/* Borrowed for the call. */
typedef cairn_code (*s3_upload_visit)(void *context, const s3_open_upload *upload,
                                      cairn_error *err);

/* A <ListMultipartUploadsResult>; *out_next_key (the caller frees) stays NULL at the end. Errors as
 * of s3_list_read. */
cairn_code s3_uploads_read(cairn_slice document, s3_upload_visit visit, void *context,
                           char **out_next_key, cairn_error *err);

#endif
