/*
 * The checksum that HDFS gives for a file, computed from its bytes: MD5 over the MD5s of its blocks
 * over the CRC32Cs of their chunks. Bytes come in one after another; memory is constant.
 *
 * Source: GETFILECHECKSUM of Hadoop, "MD5-of-<chunks>MD5-of-<bytes>CRC32C": chunks is 0 for a file
 * of one block, else block size / chunk size.
 */
#ifndef CAIRN_HDFS_CHECKSUM_H
#define CAIRN_HDFS_CHECKSUM_H

#include "digest.h"
#include "webhdfs_json.h"

typedef struct hdfs_checksum {
    uint64_t block_bytes; /* a multiple of chunk_bytes */
    uint32_t chunk_bytes;
    md5_stream *block; /* of the block at hand; NULL before its first byte */
    md5_stream *file;  /* of the blocks before it */
    uint64_t blocks;   /* begun */
    uint64_t in_block; /* bytes of the block at hand */
    uint32_t in_chunk; /* bytes of the chunk at hand */
    uint32_t crc;
} hdfs_checksum;

/* CAIRN_E_INVALID if the block is no multiple of the chunk. */
cairn_code hdfs_checksum_init(hdfs_checksum *sum, uint64_t block_bytes, uint32_t chunk_bytes,
                              cairn_error *err);
cairn_code hdfs_checksum_update(hdfs_checksum *sum, cairn_slice data, cairn_error *err);
/* Ends it; may be called once. */
cairn_code hdfs_checksum_finish(hdfs_checksum *sum, uint8_t out[MD5_BYTES], cairn_error *err);
void hdfs_checksum_release(hdfs_checksum *sum);
CAIRN_DEFINE_AUTO(hdfs_checksum, hdfs_checksum_release)

/* The chunk size and digest of a server's answer; false if it is of a kind that is not computed
 * here (another CRC, a COMPOSITE one, an empty file's). */
bool hdfs_checksum_known(const webhdfs_checksum *answer, uint32_t *out_chunk_bytes,
                         uint8_t out[MD5_BYTES]);

#endif
