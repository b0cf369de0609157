#include "s3_body.h"

#include "bounds.h"
#include "encode.h"
#include "errors.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

void s3_body_release(s3_body *body)
{
    fs_close(&body->fd);
}

static cairn_code check_length(const s3_body *body, const cairn_file_range *range, cairn_error *err)
{
    struct stat status;

    if (fstat(body->fd, &status) != 0) {
        return error_errno(err, errno, "%s", range->path);
    }
    if ((uint64_t)status.st_size < range->offset + range->length) {
        return error_set(err, CAIRN_E_INTEGRITY, "%s has %" PRIu64 " bytes, not %" PRIu64,
                         range->path, (uint64_t)status.st_size, range->offset + range->length);
    }
    return CAIRN_OK;
}

cairn_code s3_body_open(const cairn_put_body *from, s3_body *out, cairn_error *err)
{
    const cairn_file_range *range = from->range;

    out->halt_ms = from->halt_ms;
    if (range == NULL) {
        out->source = (http_source){from->data->data, -1, 0, from->data->len};
        return CAIRN_OK;
    }
    CAIRN_TRY(fs_open_read(range->path, &out->fd, err));
    CAIRN_TRY(check_length(out, range, err));
    out->path = range->path;
    out->sha256 = range->sha256;
    out->source = (http_source){NULL, out->fd, range->offset, range->length};
    return CAIRN_OK;
}

http_source s3_body_part(const s3_body *body, uint64_t offset, uint64_t length)
{
    http_source part = body->source;

    CAIRN_ASSERT(offset <= part.length && length <= part.length - offset);
    if (part.data != NULL) {
        part.data = (const uint8_t *)part.data + offset;
    } else {
        part.offset += offset;
    }
    part.length = length;
    return part;
}

/* ---- Digests ---- */

typedef cairn_code (*piece_visit)(void *context, cairn_slice piece, cairn_error *err);

static cairn_code read_piece(const http_source *source, uint64_t done, uint8_t *chunk, size_t want,
                             cairn_error *err)
{
    size_t got = 0;

    CAIRN_TRY(fs_read_at(source->fd, &(cairn_memory_range){source->offset + done, chunk, want},
                         &got, "the file of a put", err));
    return got == want ? CAIRN_OK
                       : error_set(err, CAIRN_E_INTEGRITY,
                                   "the file of a put ends at byte %" PRIu64
                                   ": it became shorter meanwhile",
                                   source->offset + done + got);
}

static cairn_code visit_pieces(const http_source *source, piece_visit visit, void *context,
                               cairn_error *err)
{
    if (source->data != NULL || source->length == 0) {
        return visit(context, (cairn_slice){source->data, (size_t)source->length}, err);
    }
    uint8_t *chunk CAIRN_AUTO_FREE = mem_alloc(CAIRN_S3_HASH_BYTES);
    if (chunk == NULL) {
        return error_no_memory(err, "hash the file of a put");
    }
    for (uint64_t done = 0; done < source->length;) {
        const uint64_t rest = source->length - done;
        const size_t want = rest < CAIRN_S3_HASH_BYTES ? (size_t)rest : CAIRN_S3_HASH_BYTES;
        CAIRN_TRY(read_piece(source, done, chunk, want, err));
        CAIRN_TRY(visit(context, (cairn_slice){chunk, want}, err));
        done += want;
    }
    return CAIRN_OK;
}

static cairn_code add_to_sha256(void *context, cairn_slice piece, cairn_error *err)
{
    return sha256_stream_update(context, piece, err);
}

cairn_code s3_source_sha256(const http_source *source, char out[SHA256_HEX_SIZE], cairn_error *err)
{
    CAIRN_AUTO_PTR(sha256_stream_free) sha256_stream *stream = NULL;
    sha256 digest;

    CAIRN_TRY(sha256_stream_new(&stream, err));
    CAIRN_TRY(visit_pieces(source, add_to_sha256, stream, err));
    CAIRN_TRY(sha256_stream_finish(stream, &digest, err));
    sha256_to_hex(&digest, out);
    return CAIRN_OK;
}

/* `size` is of exactly the text and its NUL. */
static cairn_code write_base64(cairn_slice bytes, char *out, size_t size, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) text = {0};

    CAIRN_TRY(encode_base64(bytes, &text, err));
    CAIRN_ASSERT(text.len == size - 1);
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return CAIRN_OK;
}

static cairn_code add_to_md5(void *context, cairn_slice piece, cairn_error *err)
{
    return md5_stream_update(context, piece, err);
}

cairn_code s3_source_md5(const http_source *source, char out[S3_MD5_SIZE], cairn_error *err)
{
    CAIRN_AUTO_PTR(md5_stream_free) md5_stream *stream = NULL;
    uint8_t digest[MD5_BYTES];

    CAIRN_TRY(md5_stream_new(&stream, err));
    CAIRN_TRY(visit_pieces(source, add_to_md5, stream, err));
    CAIRN_TRY(md5_stream_finish(stream, digest, err));
    return write_base64((cairn_slice){digest, sizeof(digest)}, out, S3_MD5_SIZE, err);
}

static cairn_code add_to_crc32c(void *context, cairn_slice piece, cairn_error *err)
{
    uint32_t *crc = context;

    (void)err;
    *crc = crc32c_update(*crc, piece.data, piece.len);
    return CAIRN_OK;
}

cairn_code s3_crc32c_text(uint32_t crc, char out[S3_CRC32C_SIZE], cairn_error *err)
{
    const uint32_t bytes = htobe32(crc);

    return write_base64((cairn_slice){&bytes, sizeof(bytes)}, out, S3_CRC32C_SIZE, err);
}

cairn_code s3_source_crc32c(const http_source *source, char out[S3_CRC32C_SIZE], cairn_error *err)
{
    uint32_t crc = 0;

    CAIRN_TRY(visit_pieces(source, add_to_crc32c, &crc, err));
    return s3_crc32c_text(crc, out, err);
}
