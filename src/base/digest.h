/* SHA-256, in memory, streaming and over files. The only place that includes OpenSSL. */
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

void sha256_to_hex(const sha256 *digest, char out[SHA256_HEX_SIZE]);
/* Exactly 64 lower-case hex digits, else false. */
bool sha256_from_hex(cairn_slice text, sha256 *out);
bool sha256_equal(const sha256 *a, const sha256 *b);

#endif
