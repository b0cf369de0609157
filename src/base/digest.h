/*
 * SHA-256, in memory, streaming and over files; and what protocols of stores need besides: HMAC,
 * MD5 (no protection, a check that servers honour), CRC32C. The only place that includes OpenSSL.
 */
#ifndef CAIRN_BASE_DIGEST_H
#define CAIRN_BASE_DIGEST_H

#include <cairn/base.h>

#include "check.h"

#define SHA256_BYTES    32
#define SHA256_HEX_SIZE 65 /* 64 lower-case hex digits and a NUL */

/* Comparable with memcmp. */
typedef struct sha256 {
    uint8_t bytes[SHA256_BYTES];
} sha256;

typedef struct sha256_stream sha256_stream;

cairn_code sha256_of(cairn_slice data, sha256 *out, cairn_error *err);

cairn_code sha256_stream_new(sha256_stream **out, cairn_error *err);
cairn_code sha256_stream_update(sha256_stream *stream, cairn_slice data, cairn_error *err);
cairn_code sha256_stream_finish(sha256_stream *stream, sha256 *out, cairn_error *err);
void sha256_stream_free(sha256_stream *stream);
CAIRN_DEFINE_AUTO_PTR(sha256_stream, sha256_stream_free)

/*
 * Digest and size in bytes of the file at `path` (not a symlink), read in chunks of
 * CAIRN_IO_CHUNK_BYTES.
 */
cairn_code sha256_of_file(const char *path, sha256 *out, uint64_t *out_bytes, cairn_error *err);

/* The range [offset, offset + length) of an open file, read with pread. The file ends before it:
 * CAIRN_E_INTEGRITY. */
cairn_code sha256_of_range(int fd, uint64_t offset, uint64_t length, sha256 *out, cairn_error *err);

cairn_code hmac_sha256(cairn_slice key, cairn_slice data, sha256 *out, cairn_error *err);

#define MD5_BYTES 16
typedef struct md5_stream md5_stream;
cairn_code md5_of(cairn_slice data, uint8_t out[MD5_BYTES], cairn_error *err);
cairn_code md5_stream_new(md5_stream **out, cairn_error *err);
cairn_code md5_stream_update(md5_stream *stream, cairn_slice data, cairn_error *err);
cairn_code md5_stream_finish(md5_stream *stream, uint8_t out[MD5_BYTES], cairn_error *err);
void md5_stream_free(md5_stream *stream);
CAIRN_DEFINE_AUTO_PTR(md5_stream, md5_stream_free)

/* CRC-32C (Castagnoli) of more bytes; begin with 0. "123456789" gives 0xe3069283. */
uint32_t crc32c_update(uint32_t crc, const void *data, size_t len);
/* The same without the processor's instruction: what runs where there is none. */
uint32_t crc32c_update_portable(uint32_t crc, const void *data, size_t len);

void sha256_to_hex(const sha256 *digest, char out[SHA256_HEX_SIZE]);
/* Exactly 64 lower-case hex digits, else false. */
bool sha256_from_hex(cairn_slice text, sha256 *out);
bool sha256_equal(const sha256 *a, const sha256 *b);

#endif
