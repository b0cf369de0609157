/*
 * DESIGN: a file of Hadoop's Credentials class: "HDTS", a version byte, then a count of tokens,
 * each an alias and the four fields of a token. Lengths are Hadoop's variable-length integers. The
 * urlString of a token is its four fields, as they stand in the file, in base64url.
 */
#include "encode.h"
#include "errors.h"
#include "hdfs_auth.h"

#include <string.h>

#define MAGIC      "HDTS"
#define MAGIC_LEN  4
#define TOKENS_MAX 1000

typedef struct reader {
    const uint8_t *at;
    const uint8_t *end;
} reader;

static cairn_code damaged(cairn_error *err)
{
    return error_set(err, CAIRN_E_INTEGRITY, "it is no file of Hadoop tokens, version 0");
}

/* One signed byte -112..127 is the number; -113..-120 says that 1..8 bytes follow, the number in
 * big-endian order. Below that are negative numbers, which no length is. */
static cairn_code read_number(reader *r, uint64_t *out, cairn_error *err)
{
    uint64_t value = 0;

    if (r->at == r->end) {
        return damaged(err);
    }
    const int byte = *r->at++;
    const int first = byte < 128 ? byte : byte - 256;
    if (first >= 0) {
        *out = (uint64_t)first;
        return CAIRN_OK;
    }
    const int bytes = -112 - first;
    if (bytes < 1 || bytes > 8 || r->end - r->at < bytes) {
        return damaged(err);
    }
    for (int i = 0; i < bytes; i++) {
        value = value << 8 | *r->at++;
    }
    *out = value;
    return CAIRN_OK;
}

static cairn_code read_field(reader *r, cairn_slice *out, cairn_error *err)
{
    uint64_t len = 0;

    CAIRN_TRY(read_number(r, &len, err));
    if (len > (uint64_t)(r->end - r->at)) {
        return damaged(err);
    }
    *out = (cairn_slice){r->at, (size_t)len};
    r->at += len;
    return CAIRN_OK;
}

static bool is_ours(cairn_slice kind)
{
    return cairn_slice_equal(kind, cairn_slice_of("WEBHDFS delegation")) ||
           cairn_slice_equal(kind, cairn_slice_of("SWEBHDFS delegation")) ||
           cairn_slice_equal(kind, cairn_slice_of("HDFS_DELEGATION_TOKEN"));
}

/* The fields of the next token, and of which kind it is. */
static cairn_code read_token(reader *r, cairn_slice *out, bool *out_ours, cairn_error *err)
{
    cairn_slice field;
    cairn_slice kind;

    CAIRN_TRY(read_field(r, &field, err)); /* alias */
    const uint8_t *begin = r->at;
    CAIRN_TRY(read_field(r, &field, err)); /* identifier */
    CAIRN_TRY(read_field(r, &field, err)); /* password */
    CAIRN_TRY(read_field(r, &kind, err));
    CAIRN_TRY(read_field(r, &field, err)); /* service */
    *out = (cairn_slice){begin, (size_t)(r->at - begin)};
    *out_ours = is_ours(kind);
    return CAIRN_OK;
}

static cairn_code to_url_string(cairn_slice token, secret *out, cairn_error *err)
{
    cairn_buf text = {0};
    cairn_code code = encode_base64(token, &text, err);

    for (size_t i = 0; code == CAIRN_OK && i < text.len; i++) {
        text.data[i] = text.data[i] == '+' ? '-' : text.data[i];
        text.data[i] = text.data[i] == '/' ? '_' : text.data[i];
    }
    while (text.len > 0 && text.data[text.len - 1] == '=') {
        text.len--;
    }
    if (code == CAIRN_OK) {
        code = secret_set(out, cairn_buf_slice(&text), err);
    }
    secret_buf_release(&text);
    return code;
}

cairn_code hdfs_token_file_read(cairn_slice file, secret *out, cairn_error *err)
{
    const uint8_t *bytes = file.data;
    uint64_t count = 0;

    if (file.len <= MAGIC_LEN || memcmp(bytes, MAGIC, MAGIC_LEN) != 0 || bytes[MAGIC_LEN] != 0) {
        return damaged(err);
    }
    reader r = {bytes + MAGIC_LEN + 1, bytes + file.len};
    CAIRN_TRY(read_number(&r, &count, err));
    for (uint64_t i = 0; i < count && i < TOKENS_MAX; i++) {
        cairn_slice token;
        bool ours = false;
        CAIRN_TRY(read_token(&r, &token, &ours, err));
        if (ours) {
            return to_url_string(token, out, err);
        }
    }
    return error_set(err, CAIRN_E_NOT_FOUND, "no token for WebHDFS or HDFS is in it");
}
