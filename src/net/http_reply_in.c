/* The callbacks that take a reply in, piece by piece, each piece against a bound. */
#include "buf.h"
#include "encode.h"
#include "errors.h"
#include "fs_retry.h"
#include "http_impl.h"

#include <string.h>
#include <unistd.h>

#define STATUS_DIGITS 3

/* Ends the transfer: libcurl stops when a callback takes fewer bytes than it was given. */
static size_t refuse(http_transfer *transfer, cairn_code code)
{
    transfer->code = code;
    return 0;
}

static unsigned status_of(const char *line, size_t len)
{
    const char *blank = memchr(line, ' ', len);
    uint64_t status = 0;

    if (blank == NULL || (size_t)(line + len - blank) <= STATUS_DIGITS ||
        !parse_u64((cairn_slice){blank + 1, STATUS_DIGITS}, &status)) {
        return 0;
    }
    return (unsigned)status;
}

/* Two lengths that differ: where the reply ends is anybody's guess (RFC 9112, 6.3). */
static cairn_code check_length(http_transfer *transfer, const char *line, size_t len)
{
    static const char name[] = "content-length";
    cairn_slice known = {0};

    if (len <= strlen(name) || memcmp(line, name, strlen(name)) != 0 || line[strlen(name)] != ':' ||
        !http_header(&transfer->exchange->reply, name, &known)) {
        return CAIRN_OK;
    }
    http_reply second = {.headers = {.data = (uint8_t *)(uintptr_t)line, .len = len}};
    cairn_slice value = {0};
    if (http_header(&second, name, &value) && cairn_slice_equal(known, value)) {
        return CAIRN_OK;
    }
    return error_set(&transfer->error, CAIRN_E_UNAVAILABLE,
                     "the reply has two lengths: is a proxy in between?");
}

/* "Name: value" with the name in lower case; what is no such line is passed over. */
static cairn_code take_header(http_transfer *transfer, char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);

    if (colon == NULL || line[0] == ' ' || line[0] == '\t') {
        return CAIRN_OK;
    }
    for (char *c = line; c < colon; c++) {
        if (*c >= 'A' && *c <= 'Z') {
            *c = (char)(*c + ('a' - 'A'));
        }
    }
    CAIRN_TRY(check_length(transfer, line, len));
    cairn_buf *headers = &transfer->exchange->reply.headers;
    CAIRN_TRY(buf_append(headers, line, len, &transfer->error));
    return buf_append_byte(headers, '\n', &transfer->error);
}

static bool begins_reply(const char *line, size_t len)
{
    return len > strlen("HTTP/") && memcmp(line, "HTTP/", strlen("HTTP/")) == 0;
}

size_t http_on_header(char *data, size_t size, size_t count, void *context)
{
    http_transfer *transfer = context;
    const size_t given = size * count;
    size_t len = given;

    transfer->header_bytes += given;
    if (transfer->header_bytes > CAIRN_HTTP_HEADER_BYTES_MAX) {
        return refuse(transfer, error_set(&transfer->error, CAIRN_E_UNAVAILABLE,
                                          "the reply has more than %zu bytes of headers",
                                          CAIRN_HTTP_HEADER_BYTES_MAX));
    }
    while (len > 0 && (data[len - 1] == '\n' || data[len - 1] == '\r')) {
        len--;
    }
    if (begins_reply(data, len)) { /* an interim one before, or a challenge that was answered */
        transfer->status = status_of(data, len);
        transfer->headers_done = false;
        buf_clear(&transfer->exchange->reply.headers);
        return given;
    }
    if (len == 0 || transfer->headers_done) { /* what follows the blank line are trailers */
        transfer->headers_done = true;
        return given;
    }
    const cairn_code code = take_header(transfer, data, len);
    return code == CAIRN_OK ? given : refuse(transfer, code);
}

/* The body of a reply that is no success: kept for its reason, as far as that makes sense. */
static size_t keep_refusal(http_transfer *transfer, const void *data, size_t len)
{
    http_reply *reply = &transfer->exchange->reply;
    const size_t room = CAIRN_HTTP_ERROR_BYTES_MAX - reply->body.len;
    const cairn_code code =
        buf_append(&reply->body, data, len < room ? len : room, &transfer->error);

    if (code != CAIRN_OK) {
        return refuse(transfer, code);
    }
    transfer->enough = reply->received > CAIRN_HTTP_DROPPED_BYTES;
    return transfer->enough ? 0 : len;
}

static cairn_code write_at(const http_sink *sink, uint64_t at, const char *data, size_t len,
                           cairn_error *err)
{
    while (len > 0) {
        const ssize_t done = FS_RETRY(pwrite(sink->fd, data, len, (off_t)(sink->offset + at)));
        if (done <= 0) {
            return error_errno(err, done < 0 ? errno : EIO, "write what was received");
        }
        data += done;
        len -= (size_t)done;
        at += (uint64_t)done;
    }
    return CAIRN_OK;
}

/* `at` is the place of these bytes in the body. */
static cairn_code put_into_sink(http_transfer *transfer, uint64_t at, const char *data, size_t len)
{
    http_exchange *exchange = transfer->exchange;
    const http_sink *sink = &exchange->sink;
    cairn_error *err = &transfer->error;

    if (len > sink->length - at) {
        return error_set(err,
                         sink->kind == CAIRN_HTTP_SINK_BODY ? CAIRN_E_LIMIT : CAIRN_E_INTEGRITY,
                         "the reply is longer than %llu bytes", (unsigned long long)sink->length);
    }
    switch (sink->kind) {
    case CAIRN_HTTP_SINK_BODY:
        return buf_append(&exchange->reply.body, data, len, err);
    case CAIRN_HTTP_SINK_MEMORY:
        memcpy((char *)sink->data + at, data, len);
        return CAIRN_OK;
    case CAIRN_HTTP_SINK_FILE:
        return write_at(sink, at, data, len, err);
    }
    return error_set(err, CAIRN_E_INTERNAL, "a sink of kind %d", (int)sink->kind);
}

size_t http_on_body(char *data, size_t size, size_t count, void *context)
{
    http_transfer *transfer = context;
    http_reply *reply = &transfer->exchange->reply;
    const size_t len = size * count;
    const uint64_t at = reply->received;

    reply->received += len;
    if (transfer->status < 200 || transfer->status > 299) {
        return keep_refusal(transfer, data, len);
    }
    const cairn_code code = put_into_sink(transfer, at, data, len);
    return code == CAIRN_OK ? len : refuse(transfer, code);
}
