/* The only file that includes OpenSSL: SHA-256 and MD5 as streams. */
#include "digest.h"

#include "errors.h"

#include <pthread.h>

#include <openssl/err.h>
#include <openssl/evp.h>

struct sha256_stream {
    EVP_MD_CTX *context;
};

struct md5_stream {
    EVP_MD_CTX *context;
};

/* Fetched once: an implicit fetch for each digest costs more than a short digest itself. */
static EVP_MD *sha256_algorithm;
static EVP_MD *md5_algorithm;
static pthread_once_t algorithms_once = PTHREAD_ONCE_INIT;

static void fetch_algorithms(void)
{
    sha256_algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    md5_algorithm = EVP_MD_fetch(NULL, "MD5", NULL);
}

static cairn_code failed(cairn_error *err, const char *name, const char *what)
{
    char reason[128];

    ERR_error_string_n(ERR_peek_last_error(), reason, sizeof(reason));
    ERR_clear_error();
    return error_set(err, CAIRN_E_FAILED, "%s: %s: %s", name, what, reason);
}

/* `algorithm` is one of the two above, NULL if its fetch failed. */
static cairn_code begin(const EVP_MD *algorithm, const char *name, EVP_MD_CTX **out,
                        cairn_error *err)
{
    if (algorithm == NULL) {
        return failed(err, name, "fetch");
    }
    *out = EVP_MD_CTX_new();
    if (*out == NULL) {
        return error_no_memory(err, name);
    }
    return EVP_DigestInit_ex2(*out, algorithm, NULL) == 1 ? CAIRN_OK : failed(err, name, "begin");
}

static cairn_code update(EVP_MD_CTX *context, const char *name, cairn_slice data, cairn_error *err)
{
    if (data.len > 0 && EVP_DigestUpdate(context, data.data, data.len) != 1) {
        return failed(err, name, "update");
    }
    return CAIRN_OK;
}

/* `out` has room for `bytes`, the size of this digest. */
static cairn_code finish(EVP_MD_CTX *context, const char *name, uint8_t *out, size_t bytes,
                         cairn_error *err)
{
    unsigned len = 0;

    if (EVP_DigestFinal_ex(context, out, &len) != 1) {
        return failed(err, name, "finish");
    }
    CAIRN_ASSERT(len == bytes);
    return CAIRN_OK;
}

cairn_code sha256_stream_new(sha256_stream **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(sha256_stream_free) sha256_stream *stream = mem_calloc(1, sizeof(*stream));

    if (stream == NULL) {
        return error_no_memory(err, "SHA-256");
    }
    (void)pthread_once(&algorithms_once, fetch_algorithms);
    CAIRN_TRY(begin(sha256_algorithm, "SHA-256", &stream->context, err));
    *out = CAIRN_TAKE(stream);
    return CAIRN_OK;
}

cairn_code sha256_stream_update(sha256_stream *stream, cairn_slice data, cairn_error *err)
{
    CAIRN_ASSERT(stream != NULL);
    return update(stream->context, "SHA-256", data, err);
}

cairn_code sha256_stream_finish(sha256_stream *stream, sha256 *out, cairn_error *err)
{
    sha256 digest;

    CAIRN_ASSERT(stream != NULL);
    CAIRN_TRY(finish(stream->context, "SHA-256", digest.bytes, sizeof(digest.bytes), err));
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

cairn_code md5_stream_new(md5_stream **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(md5_stream_free) md5_stream *stream = mem_calloc(1, sizeof(*stream));

    if (stream == NULL) {
        return error_no_memory(err, "MD5");
    }
    (void)pthread_once(&algorithms_once, fetch_algorithms);
    CAIRN_TRY(begin(md5_algorithm, "MD5", &stream->context, err));
    *out = CAIRN_TAKE(stream);
    return CAIRN_OK;
}

cairn_code md5_stream_update(md5_stream *stream, cairn_slice data, cairn_error *err)
{
    CAIRN_ASSERT(stream != NULL);
    return update(stream->context, "MD5", data, err);
}

cairn_code md5_stream_finish(md5_stream *stream, uint8_t out[MD5_BYTES], cairn_error *err)
{
    CAIRN_ASSERT(stream != NULL);
    return finish(stream->context, "MD5", out, MD5_BYTES, err);
}

void md5_stream_free(md5_stream *stream)
{
    if (stream != NULL) {
        EVP_MD_CTX_free(stream->context);
        mem_free(stream);
    }
}

cairn_code md5_of(cairn_slice data, uint8_t out[MD5_BYTES], cairn_error *err)
{
    CAIRN_AUTO_PTR(md5_stream_free) md5_stream *stream = NULL;

    CAIRN_TRY(md5_stream_new(&stream, err));
    CAIRN_TRY(md5_stream_update(stream, data, err));
    return md5_stream_finish(stream, out, err);
}
