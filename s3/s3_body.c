#include "s3_body.h"

#include "bounds.h"
#include "encode.h"
#include "errors.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
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

cairn_code s3_source_sha256(const http_source *source, char out[SHA256_HEX_SIZE], cairn_error *err)
{
    sha256 digest;

    if (source->data != NULL || source->length == 0) {
        CAIRN_TRY(sha256_of((cairn_slice){source->data, (size_t)source->length}, &digest, err));
    } else {
        CAIRN_TRY(sha256_of_range(source->fd, source->offset, source->length, &digest, err));
    }
    sha256_to_hex(&digest, out);
    return CAIRN_OK;
}

static cairn_code md5_of_file(const http_source *source, uint8_t out[MD5_BYTES], cairn_error *err)
{
    CAIRN_AUTO_PTR(md5_stream_free) md5_stream *stream = NULL;
    uint8_t *chunk CAIRN_AUTO_FREE = mem_alloc(CAIRN_IO_CHUNK_BYTES);

    if (chunk == NULL) {
        return error_no_memory(err, "MD5");
    }
    CAIRN_TRY(md5_stream_new(&stream, err));
    for (uint64_t done = 0; done < source->length;) {
        const uint64_t rest = source->length - done;
        const size_t want = rest < CAIRN_IO_CHUNK_BYTES ? (size_t)rest : CAIRN_IO_CHUNK_BYTES;
        size_t got = 0;
        CAIRN_TRY(fs_read_at(source->fd, &(cairn_memory_range){source->offset + done, chunk, want},
                             &got, "the file of a put", err));
        if (got != want) {
            return error_set(err, CAIRN_E_INTEGRITY, "the file became shorter while it was put");
        }
        CAIRN_TRY(md5_stream_update(stream, (cairn_slice){chunk, got}, err));
        done += got;
    }
    return md5_stream_finish(stream, out, err);
}

cairn_code s3_source_md5(const http_source *source, char out[S3_MD5_SIZE], cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) text = {0};
    uint8_t digest[MD5_BYTES];

    if (source->data != NULL || source->length == 0) {
        CAIRN_TRY(md5_of((cairn_slice){source->data, (size_t)source->length}, digest, err));
    } else {
        CAIRN_TRY(md5_of_file(source, digest, err));
    }
    CAIRN_TRY(encode_base64((cairn_slice){digest, sizeof(digest)}, &text, err));
    CAIRN_ASSERT(text.len == S3_MD5_SIZE - 1);
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return CAIRN_OK;
}
