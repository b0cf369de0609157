/* Begin, completion and end of an upload in parts. */
#include "buf.h"
#include "cancel.h"
#include "encode.h"
#include "errors.h"
#include "logging.h"
#include "s3_checksum.h"
#include "s3_upload.h"
#include "xml_read.h"

#include <inttypes.h>
#include <string.h>

/* ---- Begin ---- */

static cairn_code read_id(void *context, const xml_event *event, cairn_error *err)
{
    char **id = context;

    if (event->opens || strcmp(event->path, "InitiateMultipartUploadResult/UploadId") != 0) {
        return CAIRN_OK;
    }
    mem_free(*id);
    *id = mem_strdup(event->text);
    return *id != NULL ? CAIRN_OK : error_no_memory(err, "an upload");
}

cairn_code s3_upload_begin(s3_upload *upload, cairn_error *err)
{
    s3_request request = {
        .method = CAIRN_HTTP_POST,
        .asked = CAIRN_S3_ASKED_WRITE,
        .key = upload->key,
        .sink = {.kind = CAIRN_HTTP_SINK_BODY, .length = CAIRN_XML_BYTES_MAX},
    };

    s3_add_put_headers(upload->store, &upload->headers, &request);
    s3_request_query(&request, "uploads", NULL);
    if (upload->by_crc32c) {
        s3_request_header(&request, "x-amz-checksum-algorithm", "CRC32C");
    }
    CAIRN_AUTO(s3_exchange)
    x = {.store = upload->store, .call = upload->call, .request = &request};
    CAIRN_TRY(s3_exchange_send(&x, err));
    const cairn_code code =
        xml_read(cairn_buf_slice(&x.http.reply.body), read_id, &upload->id, err);
    if (code != CAIRN_OK && code != CAIRN_E_INTEGRITY) {
        return code;
    }
    if (upload->id == NULL || upload->id[0] == '\0') {
        return error_set(err, CAIRN_E_UNAVAILABLE, "the server began no upload in parts");
    }
    return CAIRN_OK;
}

/* ---- Completion ---- */

cairn_code s3_complete_document(const s3_upload *upload, cairn_buf *out, cairn_error *err)
{
    CAIRN_TRY(buf_append_text(out, "<CompleteMultipartUpload>", err));
    for (unsigned i = 0; i < upload->parts; i++) {
        CAIRN_TRY(buf_printf(out, err, "<Part><PartNumber>%u</PartNumber><ETag>", i + 1));
        CAIRN_TRY(xml_escape(upload->etags[i], out, err));
        CAIRN_TRY(buf_append_text(out, "</ETag>", err));
        if (upload->by_crc32c) {
            CAIRN_TRY(buf_printf(out, err, "<ChecksumCRC32C>%s</ChecksumCRC32C>", upload->sums[i]));
        }
        CAIRN_TRY(buf_append_text(out, "</Part>", err));
    }
    return buf_append_text(out, "</CompleteMultipartUpload>", err);
}

/* The CRC-32C of an object in parts: that of the parts' own, in order, "-" and their number. */
static cairn_code sum_of_sums(const s3_upload *upload, cairn_buf *out, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) bytes = {0};
    char sum[S3_CRC32C_SIZE];

    for (unsigned i = 0; i < upload->parts; i++) {
        CAIRN_TRY(decode_base64(cairn_slice_of(upload->sums[i]), &bytes, err));
    }
    CAIRN_TRY(s3_crc32c_text(crc32c_update(0, bytes.data, bytes.len), sum, err));
    CAIRN_TRY(buf_printf(out, err, "%s-%u", sum, upload->parts));
    return buf_text(out) != NULL ? CAIRN_OK : error_no_memory(err, "an upload");
}

/* What the server says that it has put together. Without a '-' it is of another kind: of all bytes.
 */
static cairn_code check_told(const s3_upload *upload, const char *told, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) expected = {0};

    if (strchr(told, '-') == NULL) {
        return CAIRN_OK;
    }
    CAIRN_TRY(sum_of_sums(upload, &expected, err));
    if (strcmp(told, buf_text(&expected)) == 0) {
        return CAIRN_OK;
    }
    s3_crc_distrust(upload->store, "the server made an object with another CRC-32C");
    return error_set(err, CAIRN_E_INTEGRITY,
                     "the object that the server made has another CRC-32C than its parts");
}

static cairn_code read_sum(void *context, const xml_event *event, cairn_error *err)
{
    const s3_upload *upload = context;

    return !event->opens && strcmp(event->path, "CompleteMultipartUploadResult/ChecksumCRC32C") == 0
               ? check_told(upload, event->text, err)
               : CAIRN_OK;
}

/* If it says so. */
static cairn_code check_sum(s3_upload *upload, const http_reply *reply, cairn_error *err)
{
    return upload->by_crc32c ? xml_read(cairn_buf_slice(&reply->body), read_sum, upload, err)
                             : CAIRN_OK;
}

/* Is what stands there made of this upload? */
static cairn_code look_whether_done(const s3_upload *upload, s3_head *out, bool *out_done,
                                    cairn_error *err)
{
    const cairn_code code =
        upload->by_crc32c ? s3_head_with_crc32c(upload->store, upload->call, upload->key, out, err)
                          : s3_head_object(upload->store, upload->call, upload->key, out, err);

    *out_done = code == CAIRN_OK && out->info.size == upload->body->source.length &&
                strcmp(out->id, upload->headers.id) == 0;
    return code == CAIRN_E_NOT_FOUND ? CAIRN_OK : code;
}

/* 200 may be followed by minutes of white space and an error. */
static cairn_code read_completion(s3_upload *upload, s3_exchange *x, cairn_error *err)
{
    bool has_error = false;

    CAIRN_TRY(s3_reply_has_error(&x->http.reply, "CompleteMultipartUploadResult", &x->error,
                                 &has_error, err));
    if (!has_error) {
        return check_sum(upload, &x->http.reply, err);
    }
    x->verdict = s3_classify(&x->error, CAIRN_S3_ASKED_UPLOAD);
    return s3_error_report(&x->error, &x->verdict, err);
}

/* The reply to a completion was lost, or came late: is it done? *out_final: to ask again tells no
 * more. */
static cairn_code judge_gone(const s3_upload *upload, bool *out_final, cairn_error *err)
{
    s3_head head = {0};
    bool done = false;

    CAIRN_TRY(look_whether_done(upload, &head, &done, err));
    *out_final = true;
    if (!done) {
        return error_set(err, CAIRN_E_UNAVAILABLE, "the upload is gone: somebody else aborted it");
    }
    return upload->by_crc32c ? check_told(upload, head.crc32c, err) : CAIRN_OK;
}

/* One request, and what became of it if that is not clear. *out_final: a repeat would only find the
 * same. */
static cairn_code complete_once(s3_upload *upload, const s3_request *request, bool *out_final,
                                cairn_error *err)
{
    CAIRN_AUTO(s3_exchange)
    x = {.store = upload->store, .call = upload->call, .request = request};
    cairn_error why = {0};
    cairn_code code = s3_exchange_send(&x, &why);

    *out_final = false;
    if (code == CAIRN_OK) {
        code = read_completion(upload, &x, &why);
    }
    if (code != CAIRN_OK && s3_exchange_wants(&x, CAIRN_S3_UPLOAD_GONE)) {
        code = judge_gone(upload, out_final, &why);
    }
    if (code == CAIRN_E_INTEGRITY) {
        /* Something stands under the key, and what it is can't be told by a repeat of this: another
         * put finds it, and compares or replaces it. */
        *out_final = true;
        return error_set(err, CAIRN_E_UNAVAILABLE, "%s", why.message);
    }
    *out_final = *out_final || !retry_is_transient(code) ||
                 s3_exchange_wants(&x, CAIRN_S3_RESTART_UPLOAD);
    if (code != CAIRN_OK && err != NULL) {
        *err = why;
    }
    return code;
}

static cairn_code repeat_completion(s3_upload *upload, const s3_request *request, cairn_error *err)
{
    s3_tries tries = {.begin_ms = clock_monotonic_ms()};

    for (;;) {
        cairn_error why = {0};
        uint64_t delay_ms = 0;
        bool final = false;
        const cairn_code code = complete_once(upload, request, &final, &why);
        if (code == CAIRN_OK) {
            return CAIRN_OK;
        }
        why.code = code;
        if (final || !s3_tries_again(&tries, upload->store, upload->call, &why, &delay_ms)) {
            if (err != NULL) {
                *err = why;
            }
            return error_prefix(err, code, "complete the upload");
        }
        CAIRN_TRY(call_sleep(upload->call, delay_ms, "waiting to complete an upload again", err));
        /* The reply may have been lost, not the request: what is done already is not repeated. */
        if (judge_gone(upload, &final, NULL) == CAIRN_OK) {
            return CAIRN_OK;
        }
    }
}

cairn_code s3_upload_complete(s3_upload *upload, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) document = {0};
    char hash[SHA256_HEX_SIZE];
    s3_request request = {
        .method = CAIRN_HTTP_POST,
        .asked = CAIRN_S3_ASKED_UPLOAD,
        .key = upload->key,
        .sink = {.kind = CAIRN_HTTP_SINK_BODY, .length = CAIRN_XML_BYTES_MAX},
        .flags = HTTP_PATIENT,
    };

    CAIRN_TRY(s3_complete_document(upload, &document, err));
    request.source = (http_source){document.data, -1, 0, document.len};
    CAIRN_TRY(s3_source_sha256(&request.source, hash, err));
    request.payload_hash = hash;
    s3_request_query(&request, "uploadId", upload->id);
    s3_request_header(&request, "content-type", "application/xml");
    if (upload->mode == CAIRN_PUT_CREATE) {
        CAIRN_TRY(s3_expect_absent(upload->store, upload->call, upload->key, err));
    }
    return repeat_completion(upload, &request, err);
}

/* ---- Abort ---- */

cairn_code s3_abort(s3_store *store, const cairn_call *call, const char *key, const char *id,
                    cairn_error *err)
{
    s3_request request = {.method = CAIRN_HTTP_DELETE, .asked = CAIRN_S3_ASKED_UPLOAD, .key = key};
    cairn_error why = {0};

    s3_request_query(&request, "uploadId", id);
    CAIRN_AUTO(s3_exchange) x = {.store = store, .call = call, .request = &request};
    const cairn_code code = s3_exchange_send(&x, &why);
    if (code == CAIRN_OK || s3_exchange_wants(&x, CAIRN_S3_UPLOAD_GONE)) {
        return CAIRN_OK;
    }
    if (err != NULL) {
        *err = why;
    }
    return code;
}

/* A part that was in flight may have landed after the abort, and is billed until the next one. Who
 * may not list parts can't know, and asks no more. */
static bool seems_gone(const s3_upload *upload, const cairn_call *call)
{
    s3_request request = {
        .method = CAIRN_HTTP_GET,
        .asked = CAIRN_S3_ASKED_UPLOAD,
        .key = upload->key,
        .sink = {.kind = CAIRN_HTTP_SINK_BODY, .length = CAIRN_XML_BYTES_MAX},
    };

    s3_request_query(&request, "uploadId", upload->id);
    s3_request_query(&request, "max-parts", "1");
    CAIRN_AUTO(s3_exchange) x = {.store = upload->store, .call = call, .request = &request};
    return s3_exchange_send(&x, NULL) != CAIRN_OK &&
           (s3_exchange_wants(&x, CAIRN_S3_UPLOAD_GONE) || x.error.status == 403);
}

void s3_upload_abort(const s3_upload *upload, const cairn_call *call)
{
    cairn_error err = {0};

    for (unsigned i = 0; i < CAIRN_S3_ABORT_ROUNDS_MAX; i++) {
        err = (cairn_error){0};
        if (s3_abort(upload->store, call, upload->key, upload->id, &err) == CAIRN_OK &&
            seems_gone(upload, call)) {
            return;
        }
    }
    log_write(&upload->store->log, CAIRN_LOG_WARN,
              "%s: the parts of %s%s may be kept and billed until a sweep of old uploads: %s",
              upload->store->uri, upload->store->prefix, upload->key,
              err.message[0] != '\0' ? err.message : "the upload is still listed");
}
