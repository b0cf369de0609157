/*
 * DESIGN: a put, a get and a HEAD are one request each. A create-only put that is told 412 may meet
 * itself: libcurl sends again when a kept connection turns out to be dead. A new connection for
 * each put would cost a handshake each; instead each put carries a random number in its metadata,
 * and after a 412 a HEAD tells whose object it is.
 */
#include "s3_object.h"

#include "buf.h"
#include "cancel.h"
#include "encode.h"
#include "errors.h"
#include "s3_checksum.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- Put ---- */

void s3_add_put_headers(s3_store *store, s3_put_headers *headers, s3_request *request)
{
    random_id(headers->id);
    s3_request_header(request, "content-type", "application/octet-stream");
    s3_request_header(request, S3_META_UPLOAD, headers->id);
    for (size_t i = 0; i < store->object_header_count; i++) {
        s3_request_header(request, store->object_headers[i].name, store->object_headers[i].value);
    }
    if (store->object_lock_retain_ms > 0) {
        clock_format_rfc3339(s3_store_wall_ms(store) + store->object_lock_retain_ms,
                             headers->retain_until);
        s3_request_header(request, "x-amz-object-lock-retain-until-date", headers->retain_until);
    }
}

cairn_code s3_digest(const http_source *source, s3_digests *digests, cairn_error *err)
{
    if (digests->by_crc32c) {
        return digests->crc32c[0] != '\0' ? CAIRN_OK
                                          : s3_source_crc32c(source, digests->crc32c, err);
    }
    return digests->sha256[0] != '\0' ? CAIRN_OK : s3_source_sha256(source, digests->sha256, err);
}

cairn_code s3_add_source(s3_store *store, const http_source *source, s3_digests *digests,
                         s3_request *request, cairn_error *err)
{
    request->source = *source;
    if (!store->unsigned_payload) {
        CAIRN_TRY(s3_digest(source, digests, err));
    }
    if (digests->by_crc32c) {
        s3_request_header(request, "x-amz-checksum-crc32c", digests->crc32c);
    } else if (!store->unsigned_payload) {
        request->payload_hash = digests->sha256;
    }
    /* AWS asks for it wherever an object is locked. */
    if (store->object_lock_retain_ms > 0 || store->wants_md5) {
        if (digests->md5[0] == '\0') {
            CAIRN_TRY(s3_source_md5(source, digests->md5, err));
        }
        s3_request_header(request, "content-md5", digests->md5);
    }
    return CAIRN_OK;
}

cairn_code s3_blame_source(const http_source *source, const s3_digests *digests, const char *path,
                           cairn_error *err)
{
    s3_digests now = {.by_crc32c = digests->by_crc32c};

    if (!digests->by_crc32c && digests->sha256[0] == '\0') {
        return CAIRN_OK;
    }
    CAIRN_TRY(s3_digest(source, &now, err));
    if (strcmp(now.sha256, digests->by_crc32c ? "" : digests->sha256) != 0 ||
        strcmp(now.crc32c, digests->crc32c) != 0) {
        return error_set(
            err, CAIRN_E_INTEGRITY, "%s is not what its %s says: it changed, or is damaged",
            path != NULL ? path : "the data in memory", digests->by_crc32c ? "CRC-32C" : "SHA-256");
    }
    return CAIRN_OK;
}

cairn_code s3_expect_absent(s3_store *store, const cairn_call *call, const char *key,
                            cairn_error *err)
{
    s3_head head = {0};
    cairn_error why = {0};
    const cairn_code code = s3_head_object(store, call, key, &head, &why);

    if (code == CAIRN_E_NOT_FOUND) {
        return CAIRN_OK;
    }
    if (code == CAIRN_OK) {
        return error_set(err, CAIRN_E_EXISTS, "it exists already");
    }
    if (err != NULL) {
        *err = why;
    }
    return code;
}

/* One put of an object in a single request. */
typedef struct single_put {
    s3_store *store;
    const cairn_call *call;
    const char *key;
    const s3_body *body;
    cairn_put_mode mode;
} single_put;

/* Told that something stands there: is it what this very put has stored? Then the reply to it was
 * lost, and what the server made of the body is told by a HEAD. */
static cairn_code judge_existing(const single_put *put, const char *id, const s3_digests *digests,
                                 cairn_error *err)
{
    cairn_error why = {0};
    s3_head head = {0};
    const cairn_code code = digests->by_crc32c
                                ? s3_head_with_crc32c(put->store, put->call, put->key, &head, &why)
                                : s3_head_object(put->store, put->call, put->key, &head, &why);

    if (code == CAIRN_OK && strcmp(head.id, id) == 0) {
        return digests->by_crc32c
                   ? s3_crc_compare(put->store, cairn_slice_of(head.crc32c), digests->crc32c, err)
                   : CAIRN_OK;
    }
    if (retry_is_transient(code) || code == CAIRN_E_CANCELLED || code == CAIRN_E_NO_MEMORY) {
        if (err != NULL) {
            *err = why;
        }
        return code; /* whose it is stays unknown: the next attempt finds out */
    }
    return error_set(err, CAIRN_E_EXISTS, "it exists already");
}

static cairn_code advise_create(cairn_error *err)
{
    return error_prefix(err, CAIRN_E_INCOMPATIBLE,
                        "the server has no create-only put, which checkpoints need; "
                        "s3.check-then-create is a weaker way");
}

static cairn_code send_checked(s3_exchange *x, const s3_digests *digests, cairn_error *err)
{
    CAIRN_TRY(s3_exchange_send(x, err));
    return digests->by_crc32c ? s3_crc_check(x->store, &x->http.reply, digests->crc32c, err)
                              : CAIRN_OK;
}

static cairn_code send_judged(const single_put *put, s3_exchange *x, const char *id,
                              const s3_digests *digests, cairn_error *err)
{
    cairn_error why = {0};
    const cairn_code code = send_checked(x, digests, &why);

    if (code != CAIRN_OK && put->mode == CAIRN_PUT_CREATE && x->error.status == 412) {
        return judge_existing(put, id, digests, err);
    }
    if (code != CAIRN_OK && err != NULL) {
        *err = why;
    }
    return code;
}

static cairn_code send_put(const single_put *put, s3_exchange *x, const char *id,
                           const s3_digests *digests, cairn_error *err)
{
    cairn_error why = {0};
    const cairn_code code = send_judged(put, x, id, digests, &why);

    if (code == CAIRN_OK) {
        return CAIRN_OK;
    }
    if (s3_exchange_wants(x, CAIRN_S3_HASH_AGAIN)) {
        CAIRN_TRY(s3_blame_source(&x->request->source, digests, put->body->path, err));
        return send_judged(put, x, id, digests, err);
    }
    if (err != NULL) {
        *err = why;
    }
    return put->mode == CAIRN_PUT_CREATE && x->error.status == 501 ? advise_create(err) : code;
}

/* The SHA-256 that the caller knows, or what the store chooses. Bytes in memory, as of a manifest,
 * wait for no proof. */
static void choose_digest(const single_put *put, s3_digests *digests)
{
    if (put->body->sha256 != NULL) {
        sha256 known;
        memcpy(known.bytes, put->body->sha256, sizeof(known.bytes));
        sha256_to_hex(&known, digests->sha256);
    } else if (put->body->path == NULL) {
        digests->by_crc32c = s3_crc_is_proved(put->store, put->body->source.length);
    } else {
        digests->by_crc32c =
            s3_crc_serves(put->store, put->call, put->key, put->body->source.length);
    }
}

static cairn_code put_single(const single_put *put, cairn_error *err)
{
    s3_store *store = put->store;
    s3_put_headers headers = {0};
    s3_digests digests = {.by_crc32c = false};
    s3_request request = {.method = CAIRN_HTTP_PUT, .asked = CAIRN_S3_ASKED_WRITE, .key = put->key};

    request.halt_ms = put->body->halt_ms;
    s3_add_put_headers(store, &headers, &request);
    choose_digest(put, &digests);
    CAIRN_TRY(s3_add_source(store, &put->body->source, &digests, &request, err));
    if (put->mode == CAIRN_PUT_CREATE && store->check_then_create) {
        CAIRN_TRY(s3_expect_absent(store, put->call, put->key, err));
    } else if (put->mode == CAIRN_PUT_CREATE) {
        s3_request_header(&request, "if-none-match", "*");
    }
    CAIRN_AUTO(s3_exchange) x = {.store = store, .call = put->call, .request = &request};
    return send_put(put, &x, headers.id, &digests, err);
}

/* A create of bytes in memory decides something (a manifest, a claim): only one request can. */
static bool in_parts(const s3_store *store, const s3_body *own, cairn_put_mode mode)
{
    const bool decides = mode == CAIRN_PUT_CREATE && own->fd < 0;

    return own->source.length > store->multipart_bytes && !decides;
}

cairn_code s3_put(void *self, const cairn_call *call, const char *key, const cairn_put_body *body,
                  cairn_put_mode mode, cairn_error *err)
{
    s3_store *store = self;
    CAIRN_AUTO(s3_body) own = {.fd = -1};

    CAIRN_TRY(s3_body_open(body, &own, err));
    if (in_parts(store, &own, mode)) {
        return s3_put_parts(store, call, key, &own, mode, err);
    }
    const single_put put = {store, call, key, &own, mode};
    return put_single(&put, err);
}

/* ---- Get ---- */

/* A body whose end only the end of the connection tells may be cut without anyone seeing it. */
static cairn_code check_whole(const http_reply *reply, cairn_error *err)
{
    cairn_slice text;
    uint64_t length = 0;

    if (!http_header(reply, "content-length", &text)) {
        return http_header(reply, "transfer-encoding", &text)
                   ? CAIRN_OK
                   : error_set(err, CAIRN_E_UNAVAILABLE, "the reply does not say how long it is");
    }
    if (!parse_u64(text, &length) || length != reply->received) {
        return error_set(err, CAIRN_E_UNAVAILABLE, "the reply was cut after %" PRIu64 " bytes",
                         reply->received);
    }
    return CAIRN_OK;
}

static cairn_code hand_over(http_reply *reply, cairn_buf *out, cairn_error *err)
{
    const size_t limit = out->limit == 0 ? CAIRN_BUF_DEFAULT_LIMIT : out->limit;
    const size_t keep = out->limit;

    if (reply->body.len > limit) {
        return error_set(err, CAIRN_E_LIMIT, "%zu bytes are more than the buffer's %zu",
                         reply->body.len, limit);
    }
    cairn_buf_release(out);
    *out = buf_take(&reply->body);
    out->limit = keep;
    return CAIRN_OK;
}

cairn_code s3_get(void *self, const cairn_call *call, const char *key, size_t limit, cairn_buf *out,
                  cairn_error *err)
{
    const s3_request request = {
        .method = CAIRN_HTTP_GET,
        .asked = CAIRN_S3_ASKED_GET,
        .key = key,
        .sink = {.kind = CAIRN_HTTP_SINK_BODY, .length = limit},
    };
    CAIRN_AUTO(s3_exchange) x = {.store = self, .call = call, .request = &request};

    CAIRN_TRY(s3_exchange_send(&x, err));
    if (x.http.reply.status != 200) {
        return error_set(err, CAIRN_E_INCOMPATIBLE, "the server answered %u to a get",
                         x.http.reply.status);
    }
    CAIRN_TRY(check_whole(&x.http.reply, err));
    return hand_over(&x.http.reply, out, err);
}

void s3_range(uint64_t offset, uint64_t length, char out[S3_RANGE_SIZE])
{
    (void)snprintf(out, S3_RANGE_SIZE, "bytes=%" PRIu64 "-%" PRIu64, offset, offset + length - 1);
}

/* "bytes 0-9/100"; the size may be unknown. */
static bool parse_content_range(cairn_slice text, uint64_t *out_first, uint64_t *out_last)
{
    static const char unit[] = "bytes ";
    const char *begin = text.data;
    const char *end = begin + text.len;

    if (text.len < sizeof(unit) || memcmp(begin, unit, sizeof(unit) - 1) != 0) {
        return false;
    }
    begin += sizeof(unit) - 1;
    const char *dash = memchr(begin, '-', (size_t)(end - begin));
    const char *slash = memchr(begin, '/', (size_t)(end - begin));
    return dash != NULL && slash != NULL && dash < slash &&
           parse_u64((cairn_slice){begin, (size_t)(dash - begin)}, out_first) &&
           parse_u64((cairn_slice){dash + 1, (size_t)(slash - dash - 1)}, out_last);
}

cairn_code s3_check_range(const http_reply *reply, uint64_t offset, uint64_t length,
                          cairn_error *err)
{
    cairn_slice text;
    uint64_t first = 0;
    uint64_t last = 0;

    if (reply->status != 206) {
        return error_set(err, CAIRN_E_INCOMPATIBLE,
                         "the server answered %u to a range: it does not know ranges",
                         reply->status);
    }
    if (!http_header(reply, "content-range", &text) || !parse_content_range(text, &first, &last) ||
        first != offset || last < first || last > offset + length - 1) {
        return error_set(err, CAIRN_E_UNAVAILABLE, "the server sent another range than was asked");
    }
    if (last != offset + length - 1) {
        return error_set(err, CAIRN_E_INTEGRITY, "it has %" PRIu64 " bytes, not %" PRIu64, last + 1,
                         offset + length);
    }
    if (reply->received != length) {
        return error_set(err, CAIRN_E_UNAVAILABLE,
                         "the reply was cut after %" PRIu64 " of %" PRIu64 " bytes",
                         reply->received, length);
    }
    return CAIRN_OK;
}

cairn_code s3_send_range(s3_exchange *x, uint64_t offset, uint64_t length, cairn_error *err)
{
    const cairn_code code = s3_exchange_send(x, err);

    /* All of the object instead of a range may not have found room. */
    if (code != CAIRN_OK && x->http.reply.status != 200) {
        return code;
    }
    return s3_check_range(&x->http.reply, offset, length, err);
}

/* Of no bytes: only that the object reaches so far. */
cairn_code s3_get_nothing(s3_store *store, const cairn_call *call, const char *key, uint64_t offset,
                          cairn_error *err)
{
    s3_head head = {0};

    CAIRN_TRY(s3_head_object(store, call, key, &head, err));
    return head.info.size >= offset
               ? CAIRN_OK
               : error_set(err, CAIRN_E_INTEGRITY, "it has %" PRIu64 " bytes, not %" PRIu64,
                           head.info.size, offset);
}

cairn_code s3_get_range(void *self, const cairn_call *call, const char *key,
                        const cairn_memory_range *range, cairn_error *err)
{
    char text[S3_RANGE_SIZE];
    s3_request request = {
        .method = CAIRN_HTTP_GET,
        .asked = CAIRN_S3_ASKED_GET,
        .key = key,
        .sink = {.kind = CAIRN_HTTP_SINK_MEMORY, .data = range->data, .length = range->length},
    };

    if (range->length == 0) {
        return s3_get_nothing(self, call, key, range->offset, err);
    }
    s3_range(range->offset, range->length, text);
    s3_request_header(&request, "range", text);
    CAIRN_AUTO(s3_exchange) x = {.store = self, .call = call, .request = &request};
    return s3_send_range(&x, range->offset, range->length, err);
}

/* ---- Head ---- */

static cairn_code read_head(const http_reply *reply, s3_head *out, cairn_error *err)
{
    s3_head head = {0};
    cairn_slice text;

    if (!http_header(reply, "content-length", &text) || !parse_u64(text, &head.info.size)) {
        return error_set(err, CAIRN_E_UNAVAILABLE, "the server does not say how long it is");
    }
    if (http_header(reply, "last-modified", &text)) {
        (void)http_parse_date(text, &head.info.modified_ms);
    }
    if (http_header(reply, S3_META_UPLOAD, &text) && text.len == RANDOM_ID_SIZE - 1) {
        memcpy(head.id, text.data, text.len);
    }
    if (http_header(reply, "etag", &text) && text.len < sizeof(head.etag)) {
        memcpy(head.etag, text.data, text.len);
    }
    if (http_header(reply, "x-amz-checksum-crc32c", &text) && text.len < sizeof(head.crc32c)) {
        memcpy(head.crc32c, text.data, text.len);
    }
    *out = head;
    return CAIRN_OK;
}

/*
 * The reply to a HEAD has no body, so a 404 may be of the bucket and a 403 of anything: the first
 * byte, asked for with GET, is refused with the reason. CAIRN_OK: it was not refused.
 */
static cairn_code learn_why(s3_store *store, const cairn_call *call, const char *key,
                            cairn_error *err)
{
    uint8_t byte;
    s3_request request = {
        .method = CAIRN_HTTP_GET,
        .asked = CAIRN_S3_ASKED_GET,
        .key = key,
        .sink = {.kind = CAIRN_HTTP_SINK_MEMORY, .data = &byte, .length = 1},
    };

    s3_request_header(&request, "range", "bytes=0-0");
    CAIRN_AUTO(s3_exchange) x = {.store = store, .call = call, .request = &request};
    const cairn_code code = s3_exchange_send(&x, err);
    return x.error.status == 416 ? CAIRN_OK : code;
}

static cairn_code send_head(s3_store *store, const cairn_call *call, const s3_request *request,
                            s3_head *out, cairn_error *err)
{
    CAIRN_AUTO(s3_exchange) x = {.store = store, .call = call, .request = request};
    cairn_error why = {0};
    const cairn_code code = s3_exchange_send(&x, &why);

    if (code == CAIRN_OK) {
        return read_head(&x.http.reply, out, err);
    }
    if (s3_exchange_wants(&x, CAIRN_S3_LEARN_WHY)) {
        CAIRN_TRY(learn_why(store, call, request->key, err));
    }
    if (err != NULL) {
        *err = why;
    }
    return code;
}

cairn_code s3_head_object(s3_store *store, const cairn_call *call, const char *key, s3_head *out,
                          cairn_error *err)
{
    const s3_request request = {
        .method = CAIRN_HTTP_HEAD, .asked = CAIRN_S3_ASKED_HEAD, .key = key};

    return send_head(store, call, &request, out, err);
}

cairn_code s3_head_with_crc32c(s3_store *store, const cairn_call *call, const char *key,
                               s3_head *out, cairn_error *err)
{
    s3_request request = {.method = CAIRN_HTTP_HEAD, .asked = CAIRN_S3_ASKED_HEAD, .key = key};

    s3_request_header(&request, "x-amz-checksum-mode", "ENABLED");
    return send_head(store, call, &request, out, err);
}

cairn_code s3_stat(void *self, const cairn_call *call, const char *key, cairn_object_info *out,
                   cairn_error *err)
{
    s3_head head = {0};

    CAIRN_TRY(s3_head_object(self, call, key, &head, err));
    *out = head.info;
    return CAIRN_OK;
}
