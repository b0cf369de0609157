/* What the calls of one object share. */
#ifndef CAIRN_S3_S3_OBJECT_H
#define CAIRN_S3_S3_OBJECT_H

#include "clock.h"
#include "random.h"
#include "s3_body.h"
#include "s3_request.h"

/* Metadata of an object: a random number of the put or upload that made it. Whoever finds his own
 * number knows that a reply was lost, not the race. */
#define S3_META_UPLOAD "x-amz-meta-cairn-upload"

/* Header values that live as long as a put. */
typedef struct s3_put_headers {
    char id[RANDOM_ID_SIZE];
    char retain_until[CLOCK_RFC3339_SIZE];
} s3_put_headers;

/* Content type, encryption, class, tags, lock and our number: of a put and of the begin of an
 * upload. */
void s3_add_put_headers(s3_store *store, s3_put_headers *headers, s3_request *request);

/* Digests of what one request sends; "": not made yet. */
typedef struct s3_digests {
    bool by_crc32c; /* instead of a signed SHA-256: only if s3_crc_serves */
    char sha256[SHA256_HEX_SIZE];
    char crc32c[S3_CRC32C_SIZE];
    char md5[S3_MD5_SIZE];
} s3_digests;

/* Makes the one of the two that protects the source, if it is not there already. */
cairn_code s3_digest(const http_source *source, s3_digests *digests, cairn_error *err);

/* Sets source, payload hash or CRC-32C and, where it is wanted, Content-MD5, with the digests that
 * are there already. `digests` lives as long as the request. */
cairn_code s3_add_source(s3_store *store, const http_source *source, s3_digests *digests,
                         s3_request *request, cairn_error *err);

/*
 * A server found other bytes than these digests are of. CAIRN_E_INTEGRITY if the source has changed
 * since; CAIRN_OK: it has not, so they changed on the way. `path` is for the message, NULL for
 * memory.
 */
cairn_code s3_blame_source(const http_source *source, const s3_digests *digests, const char *path,
                           cairn_error *err);

/* Facts of a HEAD. */
typedef struct s3_head {
    cairn_object_info info;
    char id[RANDOM_ID_SIZE];                /* S3_META_UPLOAD, "" if it has none */
    char etag[CAIRN_S3_ETAG_BYTES_MAX + 1]; /* "" if it has none */
    char crc32c[S3_CRC32C_WHOLE_SIZE];      /* "" if none was asked for, or told */
} s3_head;

/* CAIRN_E_NOT_FOUND only if the object is positively absent. */
cairn_code s3_head_object(s3_store *store, const cairn_call *call, const char *key, s3_head *out,
                          cairn_error *err);
/* The same, with the CRC-32C that the server keeps of it: of its bytes, or of its parts. */
cairn_code s3_head_with_crc32c(s3_store *store, const cairn_call *call, const char *key,
                               s3_head *out, cairn_error *err);

/* CAIRN_E_EXISTS if an object stands there. */
cairn_code s3_expect_absent(s3_store *store, const cairn_call *call, const char *key,
                            cairn_error *err);

/* "bytes=0-9" */
#define S3_RANGE_SIZE 48
void s3_range(uint64_t offset, uint64_t length, char out[S3_RANGE_SIZE]);

/*
 * After a GET of [offset, offset + length): 206, that very range, all of its bytes. An object that
 * ends before: CAIRN_E_INTEGRITY.
 */
cairn_code s3_check_range(const http_reply *reply, uint64_t offset, uint64_t length,
                          cairn_error *err);

/* Sends a GET of [offset, offset + length) and checks the reply so. */
cairn_code s3_send_range(s3_exchange *x, uint64_t offset, uint64_t length, cairn_error *err);

/* A range of no bytes: CAIRN_OK if the object has `offset` bytes at least. */
cairn_code s3_get_nothing(s3_store *store, const cairn_call *call, const char *key, uint64_t offset,
                          cairn_error *err);

/* s3_upload.c: an object in parts. */
cairn_code s3_put_parts(s3_store *store, const cairn_call *call, const char *key,
                        const s3_body *body, cairn_put_mode mode, cairn_error *err);

#endif
