/* The only file that includes OpenSSL. */
#include "digest.h"

#include "bounds.h"
#include "encode.h"
#include "errors.h"
#include "fsutil.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

struct sha256_stream {
    EVP_MD_CTX *context;
};

/* Fetched once: an implicit fetch for each digest costs more than a short digest itself. */
static EVP_MD *algorithm;
static pthread_once_t algorithm_once = PTHREAD_ONCE_INIT;

static void fetch_algorithm(void)
{
    algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
}

static cairn_code failed(cairn_error *err, const char *what)
{
    char reason[128];

    ERR_error_string_n(ERR_peek_last_error(), reason, sizeof(reason));
    ERR_clear_error();
    return error_set(err, CAIRN_E_FAILED, "SHA-256: %s: %s", what, reason);
}

cairn_code sha256_stream_new(sha256_stream **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(sha256_stream_free) sha256_stream *stream = mem_calloc(1, sizeof(*stream));

    if (stream == NULL) {
        return error_no_memory(err, "SHA-256");
    }
    (void)pthread_once(&algorithm_once, fetch_algorithm);
    if (algorithm == NULL) {
        return failed(err, "fetch");
    }
    stream->context = EVP_MD_CTX_new();
    if (stream->context == NULL) {
        return error_no_memory(err, "SHA-256");
    }
    if (EVP_DigestInit_ex2(stream->context, algorithm, NULL) != 1) {
        return failed(err, "begin");
    }
    *out = CAIRN_TAKE(stream);
    return CAIRN_OK;
}

cairn_code sha256_stream_update(sha256_stream *stream, cairn_slice data, cairn_error *err)
{
    CAIRN_ASSERT(stream != NULL);
    if (data.len > 0 && EVP_DigestUpdate(stream->context, data.data, data.len) != 1) {
        return failed(err, "update");
    }
    return CAIRN_OK;
}

cairn_code sha256_stream_finish(sha256_stream *stream, sha256 *out, cairn_error *err)
{
    sha256 digest;
    unsigned len = 0;

    CAIRN_ASSERT(stream != NULL);
    if (EVP_DigestFinal_ex(stream->context, digest.bytes, &len) != 1) {
        return failed(err, "finish");
    }
    CAIRN_ASSERT(len == SHA256_BYTES);
    *out = digest;
    return CAIRN_OK;
}

void sha256_stream_free(sha256_stream *stream)
{
    if (stream != NULL) {
        EVP_MD_CTX_free(stream->context);
        mem_free(stream);
    }
}

cairn_code sha256_of(cairn_slice data, sha256 *out, cairn_error *err)
{
    CAIRN_AUTO_PTR(sha256_stream_free) sha256_stream *stream = NULL;

    CAIRN_TRY(sha256_stream_new(&stream, err));
    CAIRN_TRY(sha256_stream_update(stream, data, err));
    return sha256_stream_finish(stream, out, err);
}

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

void sha256_to_hex(const sha256 *digest, char out[SHA256_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < SHA256_BYTES; i++) {
        out[2 * i] = digits[digest->bytes[i] >> 4];
        out[2 * i + 1] = digits[digest->bytes[i] & 15];
    }
    out[SHA256_HEX_SIZE - 1] = '\0';
}

/* Lower case only: a digest has one text. */
static bool is_lower_hex(uint8_t digit)
{
    return hex_digit_value(digit) >= 0 && (digit < 'A' || digit > 'F');
}

bool sha256_from_hex(cairn_slice text, sha256 *out)
{
    const uint8_t *digits = text.data;
    sha256 digest = {0};

    if (text.len != SHA256_HEX_SIZE - 1) {
        return false;
    }
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        const uint8_t *pair = digits + 2 * i;

        if (!is_lower_hex(pair[0]) || !is_lower_hex(pair[1])) {
            return false;
        }
        digest.bytes[i] = (uint8_t)(hex_digit_value(pair[0]) * 16 + hex_digit_value(pair[1]));
    }
    *out = digest;
    return true;
}

bool sha256_equal(const sha256 *a, const sha256 *b)
{
    return memcmp(a->bytes, b->bytes, SHA256_BYTES) == 0;
}
