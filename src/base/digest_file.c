/* SHA-256 of files and of ranges of them. */
#include "bounds.h"
#include "digest.h"
#include "errors.h"
#include "fsutil.h"

#include <fcntl.h>

static cairn_code hash_to_end(fs_fd fd, const char *path, sha256_stream *stream,
                              uint64_t *out_bytes, cairn_error *err)
{
    uint8_t *chunk CAIRN_AUTO_FREE = mem_alloc(CAIRN_IO_CHUNK_BYTES);
    uint64_t offset = 0;
    size_t got = 0;

    if (chunk == NULL) {
        return error_no_memory(err, "hash a file");
    }
    do {
        CAIRN_TRY(fs_read_at(fd, &(cairn_memory_range){offset, chunk, CAIRN_IO_CHUNK_BYTES}, &got,
                             path, err));
        CAIRN_TRY(sha256_stream_update(stream, (cairn_slice){chunk, got}, err));
        offset += got;
    } while (got == CAIRN_IO_CHUNK_BYTES);
    *out_bytes = offset;
    return CAIRN_OK;
}

cairn_code sha256_of_file(const char *path, sha256 *out, uint64_t *out_bytes, cairn_error *err)
{
    CAIRN_AUTO_PTR(sha256_stream_free) sha256_stream *stream = NULL;
    CAIRN_AUTO(fs_fd) fd = -1;
    uint64_t bytes = 0;

    CAIRN_TRY(fs_open_read(path, &fd, err));
    CAIRN_TRY(sha256_stream_new(&stream, err));
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    CAIRN_TRY(hash_to_end(fd, path, stream, &bytes, err));
    CAIRN_TRY(sha256_stream_finish(stream, out, err));
    *out_bytes = bytes;
    return CAIRN_OK;
}

cairn_code sha256_of_range(int fd, uint64_t offset, uint64_t length, sha256 *out, cairn_error *err)
{
    CAIRN_AUTO_PTR(sha256_stream_free) sha256_stream *stream = NULL;
    uint8_t *chunk CAIRN_AUTO_FREE = mem_alloc(CAIRN_IO_CHUNK_BYTES);
    size_t got = 0;

    if (chunk == NULL) {
        return error_no_memory(err, "hash a range of a file");
    }
    CAIRN_TRY(sha256_stream_new(&stream, err));
    for (uint64_t done = 0; done < length; done += got) {
        const uint64_t left = length - done;
        const size_t wanted = left < CAIRN_IO_CHUNK_BYTES ? (size_t)left : CAIRN_IO_CHUNK_BYTES;

        CAIRN_TRY(fs_read_at(fd, &(cairn_memory_range){offset + done, chunk, wanted}, &got,
                             "range of a file", err));
        if (got < wanted) {
            return error_set(
                err, CAIRN_E_INTEGRITY,
                "hash a range of a file: it ends at byte %llu, before %llu: was it cut "
                "meanwhile?",
                (unsigned long long)(offset + done + got), (unsigned long long)(offset + length));
        }
        CAIRN_TRY(sha256_stream_update(stream, (cairn_slice){chunk, got}, err));
    }
    return sha256_stream_finish(stream, out, err);
}
