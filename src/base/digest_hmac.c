/* HMAC of RFC 2104 on the SHA-256 stream, which is fetched once and costs no lookup. */
#include "digest.h"

#include <string.h>

#define BLOCK_BYTES 64

/* The key as one block, each byte changed by `pad`; wiped by whoever holds it. */
static void pad_key(const uint8_t key[BLOCK_BYTES], uint8_t pad, uint8_t out[BLOCK_BYTES])
{
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        out[i] = key[i] ^ pad;
    }
}

static cairn_code hash_two(const uint8_t block[BLOCK_BYTES], cairn_slice data, sha256 *out,
                           cairn_error *err)
{
    CAIRN_AUTO_PTR(sha256_stream_free) sha256_stream *stream = NULL;

    CAIRN_TRY(sha256_stream_new(&stream, err));
    CAIRN_TRY(sha256_stream_update(stream, (cairn_slice){block, BLOCK_BYTES}, err));
    CAIRN_TRY(sha256_stream_update(stream, data, err));
    return sha256_stream_finish(stream, out, err);
}

static cairn_code hmac_of_block(const uint8_t key[BLOCK_BYTES], cairn_slice data, sha256 *out,
                                cairn_error *err)
{
    uint8_t padded[BLOCK_BYTES];
    sha256 inner;

    pad_key(key, 0x36, padded);
    cairn_code code = hash_two(padded, data, &inner, err);
    if (code == CAIRN_OK) {
        pad_key(key, 0x5c, padded);
        code = hash_two(padded, (cairn_slice){inner.bytes, SHA256_BYTES}, out, err);
    }
    explicit_bzero(padded, sizeof(padded));
    return code;
}

cairn_code hmac_sha256(cairn_slice key, cairn_slice data, sha256 *out, cairn_error *err)
{
    uint8_t block[BLOCK_BYTES] = {0};
    sha256 of_key = {0};

    if (key.len > BLOCK_BYTES) {
        CAIRN_TRY(sha256_of(key, &of_key, err));
        key = (cairn_slice){of_key.bytes, SHA256_BYTES};
    }
    if (key.len > 0) {
        memcpy(block, key.data, key.len);
    }
    const cairn_code code = hmac_of_block(block, data, out, err);
    explicit_bzero(block, sizeof(block));
    explicit_bzero(&of_key, sizeof(of_key));
    return code;
}
