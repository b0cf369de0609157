#include "hdfs_checksum.h"

#include "errors.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A file's MD5s stand in a buffer that begins with room for two and doubles; all of it is hashed.
 */
#define FIRST_ROOM_BYTES ((uint64_t)32)
#define ANSWER_BYTES     28 /* u32 chunk bytes, u64 chunks of a block, MD5 */
#define CHUNK_BYTES_MAX  ((uint32_t)1 << 20)

cairn_code hdfs_checksum_init(hdfs_checksum *sum, uint64_t block_bytes, uint32_t chunk_bytes,
                              cairn_error *err)
{
    *sum = (hdfs_checksum){.block_bytes = block_bytes, .chunk_bytes = chunk_bytes};
    if (chunk_bytes == 0 || block_bytes == 0 || block_bytes % chunk_bytes != 0) {
        return error_set(err, CAIRN_E_INVALID,
                         "blocks of %" PRIu64 " bytes are not made of chunks of %" PRIu32,
                         block_bytes, chunk_bytes);
    }
    return md5_stream_new(&sum->file, err);
}

void hdfs_checksum_release(hdfs_checksum *sum)
{
    md5_stream_free(sum->block);
    md5_stream_free(sum->file);
    *sum = (hdfs_checksum){.block_bytes = 0};
}

static cairn_code end_chunk(hdfs_checksum *sum, cairn_error *err)
{
    const uint8_t crc[4] = {(uint8_t)(sum->crc >> 24), (uint8_t)(sum->crc >> 16),
                            (uint8_t)(sum->crc >> 8), (uint8_t)sum->crc};

    if (sum->in_chunk == 0) {
        return CAIRN_OK;
    }
    sum->in_chunk = 0;
    sum->crc = 0;
    return md5_stream_update(sum->block, (cairn_slice){crc, sizeof(crc)}, err);
}

static cairn_code end_block(hdfs_checksum *sum, cairn_error *err)
{
    uint8_t digest[MD5_BYTES];

    if (sum->block == NULL) {
        return CAIRN_OK;
    }
    CAIRN_TRY(end_chunk(sum, err));
    CAIRN_TRY(md5_stream_finish(sum->block, digest, err));
    md5_stream_free(CAIRN_TAKE(sum->block));
    sum->in_block = 0;
    return md5_stream_update(sum->file, (cairn_slice){digest, sizeof(digest)}, err);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

cairn_code hdfs_checksum_update(hdfs_checksum *sum, cairn_slice data, cairn_error *err)
{
    const uint8_t *at = data.data;

    for (size_t left = data.len; left > 0;) {
        const size_t step = (size_t)smaller(left, sum->chunk_bytes - sum->in_chunk);
        if (sum->block == NULL) {
            CAIRN_TRY(md5_stream_new(&sum->block, err));
            sum->blocks++;
        }
        sum->crc = crc32c_update(sum->crc, at, step);
        sum->in_chunk += (uint32_t)step;
        sum->in_block += step;
        if (sum->in_chunk == sum->chunk_bytes) {
            CAIRN_TRY(end_chunk(sum, err));
        }
        if (sum->in_block == sum->block_bytes) {
            CAIRN_TRY(end_block(sum, err));
        }
        at += step;
        left -= step;
    }
    return CAIRN_OK;
}

cairn_code hdfs_checksum_finish(hdfs_checksum *sum, uint8_t out[MD5_BYTES], cairn_error *err)
{
    static const uint8_t zeros[MD5_BYTES];
    uint64_t room = FIRST_ROOM_BYTES;

    CAIRN_TRY(end_block(sum, err));
    while (room < sum->blocks * MD5_BYTES) {
        room *= 2;
    }
    for (uint64_t used = sum->blocks * MD5_BYTES; used < room; used += MD5_BYTES) {
        CAIRN_TRY(md5_stream_update(sum->file, (cairn_slice){zeros, sizeof(zeros)}, err));
    }
    return md5_stream_finish(sum->file, out, err);
}

static uint64_t big_endian(const uint8_t *bytes, size_t count)
{
    uint64_t value = 0;

    for (size_t i = 0; i < count; i++) {
        value = value << 8 | bytes[i];
    }
    return value;
}

bool hdfs_checksum_known(const webhdfs_checksum *answer, uint32_t *out_chunk_bytes,
                         uint8_t out[MD5_BYTES])
{
    char expected[WEBHDFS_CHECKSUM_NAME_BYTES];

    if (answer->len != ANSWER_BYTES) {
        return false;
    }
    const uint64_t chunk = big_endian(answer->bytes, 4);
    const uint64_t chunks = big_endian(answer->bytes + 4, 8);
    (void)snprintf(expected, sizeof(expected), "MD5-of-%" PRIu64 "MD5-of-%" PRIu64 "CRC32C", chunks,
                   chunk);
    if (strcmp(expected, answer->algorithm) != 0 || chunk == 0 || chunk > CHUNK_BYTES_MAX) {
        return false;
    }
    *out_chunk_bytes = (uint32_t)chunk;
    memcpy(out, answer->bytes + 12, MD5_BYTES);
    return true;
}
