/*
 * What a put sends: bytes in memory or of a local file, and their digests. Hashing reads the file
 * once more than sending it; the digest of a whole range that the caller knows spares that.
 */
#ifndef CAIRN_S3_S3_BODY_H
#define CAIRN_S3_S3_BODY_H

#include <cairn/store_driver.h>

#include "digest.h"
#include "fsutil.h"
#include "http.h"

/* {.fd = -1}. */
typedef struct s3_body {
    fs_fd fd;
    const char *path; /* NULL: bytes in memory */
    http_source source;
    const uint8_t *sha256; /* of all of it, if it is known */
    uint32_t halt_ms;      /* see cairn_put_body */
} s3_body;

void s3_body_release(s3_body *body);
CAIRN_DEFINE_AUTO(s3_body, s3_body_release)

/* Opens the file. One that ends before the range does is CAIRN_E_INTEGRITY. */
cairn_code s3_body_open(const cairn_put_body *from, s3_body *out, cairn_error *err);

/* The bytes [offset, offset + length) of the body as a source of their own. */
http_source s3_body_part(const s3_body *body, uint64_t offset, uint64_t length);

/* All three read the whole source; a file that ends before is CAIRN_E_INTEGRITY. */

/* SHA-256 as hex. */
cairn_code s3_source_sha256(const http_source *source, char out[SHA256_HEX_SIZE], cairn_error *err);

/* MD5 as the value of a Content-MD5 header. */
#define S3_MD5_SIZE 25
cairn_code s3_source_md5(const http_source *source, char out[S3_MD5_SIZE], cairn_error *err);

/* CRC-32C as the value of an x-amz-checksum-crc32c header. */
#define S3_CRC32C_SIZE 9
/* With "-10000" behind it: of the CRC-32C of so many parts. */
#define S3_CRC32C_WHOLE_SIZE (S3_CRC32C_SIZE + 6)
cairn_code s3_source_crc32c(const http_source *source, char out[S3_CRC32C_SIZE], cairn_error *err);
/* The value for that of some bytes. */
cairn_code s3_crc32c_text(uint32_t crc, char out[S3_CRC32C_SIZE], cairn_error *err);

#endif
