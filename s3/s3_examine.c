/*
 * DESIGN: each question is a request that an honest server must refuse, or one fact of a reply.
 * What it costs is a few small objects below the key, all removed.
 */
#include "buf.h"
#include "cancel.h"
#include "encode.h"
#include "errors.h"
#include "s3_upload.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DETAIL_SIZE 512

static const char probe_text[] = "cairn doctor";

typedef struct examination {
    s3_store *store;
    const cairn_call *call;
    const char *key;
    cairn_finding_visit visit;
    void *context;
} examination;

static void tell(const examination *e, const char *name, cairn_verdict verdict, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));

static void tell(const examination *e, const char *name, cairn_verdict verdict, const char *format,
                 ...)
{
    char detail[DETAIL_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof(detail), format, arguments);
    va_end(arguments);
    e->visit(e->context, &(cairn_finding){name, verdict, detail});
}

/* Does the failure end the examination, or is it an answer? */
static bool ends_it(cairn_code code)
{
    return code == CAIRN_E_CANCELLED || code == CAIRN_E_TIMEOUT || code == CAIRN_E_NO_MEMORY;
}

/* A header that does not fit the body, and what its refusal is worth. */
typedef struct lie {
    const char *name; /* of the finding */
    const char *header;
    const char *value;
    const char *other_hash; /* sign this instead of the body's SHA-256 */
    cairn_verdict if_taken;
    const char *taken;
    const char *refused;
} lie;

/* What the server made of it: CAIRN_OK and *out_taken, or why it could not be asked. */
static cairn_code put_lie(const examination *e, const lie *l, bool *out_taken, cairn_error *err)
{
    char hash[SHA256_HEX_SIZE];
    s3_request request = {
        .method = CAIRN_HTTP_PUT,
        .asked = CAIRN_S3_ASKED_WRITE,
        .key = e->key,
        .source = {probe_text, -1, 0, sizeof(probe_text) - 1},
    };

    CAIRN_TRY(s3_source_sha256(&request.source, hash, err));
    request.payload_hash = l->other_hash != NULL ? l->other_hash : hash;
    if (l->header != NULL) {
        s3_request_header(&request, l->header, l->value);
    }
    CAIRN_AUTO(s3_exchange) x = {.store = e->store, .call = e->call, .request = &request};
    const cairn_code code = s3_exchange_send(&x, err);
    *out_taken = code == CAIRN_OK;
    /* 400 is what all of them say to it; anything else is about something else. */
    return code == CAIRN_OK || x.error.status == 400 ? CAIRN_OK : code;
}

static cairn_code ask_lie(const examination *e, const lie *l, bool *out_taken, cairn_error *err)
{
    cairn_error why = {0};
    const cairn_code code = put_lie(e, l, out_taken, &why);

    if (ends_it(code)) {
        return error_set(err, code, "%s", why.message);
    }
    if (code != CAIRN_OK) {
        tell(e, l->name, CAIRN_VERDICT_UNKNOWN, "could not be asked: %s", why.message);
    } else if (*out_taken) {
        tell(e, l->name, l->if_taken, "%s", l->taken);
    } else {
        tell(e, l->name, CAIRN_VERDICT_OK, "%s", l->refused);
    }
    return CAIRN_OK;
}

/* Digests of other bytes. */
static const lie lies[] = {
    {.name = "payload-sha256",
     .other_hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     .if_taken = CAIRN_VERDICT_BAD,
     .taken = "the server stores a body whose signed SHA-256 is wrong: damage on the way is not "
              "seen at a put; cairn sends a Content-MD5 to it",
     .refused = "a body whose signed SHA-256 is wrong is refused"},
    {.name = "content-md5",
     .header = "content-md5",
     .value = "1B2M2Y8AsgTpgAmY7PhCfg==",
     .if_taken = CAIRN_VERDICT_NOTE,
     .taken = "a wrong Content-MD5 is not noticed; cairn relies on the signed SHA-256",
     .refused = "a wrong Content-MD5 is refused"},
    {.name = "checksum-crc32c",
     .header = "x-amz-checksum-crc32c",
     .value = "AAAAAA==",
     .if_taken = CAIRN_VERDICT_NOTE,
     .taken = "a wrong CRC-32C is not noticed; cairn does not rely on it",
     .refused = "a wrong CRC-32C is refused"},
    {.name = "checksum-crc64nvme",
     .header = "x-amz-checksum-crc64nvme",
     .value = "AAAAAAAAAAA=",
     .if_taken = CAIRN_VERDICT_NOTE,
     .taken = "a wrong CRC-64/NVME is not noticed; cairn does not rely on it",
     .refused = "a wrong CRC-64/NVME is refused"},
};

static cairn_code ask_lies(const examination *e, cairn_error *err)
{
    bool taken[CAIRN_ARRAY_LEN(lies)] = {false};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(lies); i++) {
        if (i == 0 && e->store->unsigned_payload) {
            tell(e, lies[i].name, CAIRN_VERDICT_NOTE, "bodies are not signed, as was chosen");
            continue;
        }
        CAIRN_TRY(ask_lie(e, &lies[i], &taken[i], err));
    }
    if (taken[0]) {
        e->store->wants_md5 = true;
    }
    return CAIRN_OK;
}

static cairn_code ask_clock_and_region(const examination *e, cairn_error *err)
{
    const s3_request request = {.method = CAIRN_HTTP_HEAD, .asked = CAIRN_S3_ASKED_OTHER};
    CAIRN_AUTO(s3_exchange) x = {.store = e->store, .call = e->call, .request = &request};
    cairn_error why = {0};
    const cairn_code code = s3_exchange_send(&x, &why);
    const uint64_t now = clock_wall_ms();
    cairn_slice text;
    uint64_t server_ms = 0;

    if (ends_it(code)) {
        return error_set(err, code, "%s", why.message);
    }
    if (http_header(&x.http.reply, "date", &text) && http_parse_date(text, &server_ms)) {
        const int64_t skew = ((int64_t)server_ms - (int64_t)now) / 1000;
        const bool fine = skew > -60 && skew < 60;
        tell(e, "clock-skew", fine ? CAIRN_VERDICT_OK : CAIRN_VERDICT_NOTE,
             "the server's clock is %" PRId64 " s from ours%s", skew,
             fine ? "" : "; S3 refuses requests beyond 900 s, cairn then signs for its time");
    } else {
        tell(e, "clock-skew", CAIRN_VERDICT_UNKNOWN, "the server does not say its time");
    }
    const s3_place place = s3_store_learnt(e->store).place;
    const bool said = http_header(&x.http.reply, "x-amz-bucket-region", &text);
    tell(e, "region", CAIRN_VERDICT_OK, "%s%s", place.region,
         said ? ", as the server says" : "; the server does not say which one it is in");
    return CAIRN_OK;
}

/* ---- Uploads in parts ---- */

static cairn_code put_small_part(const s3_upload *upload, unsigned part, cairn_error *err)
{
    char number[S3_NUMBER_SIZE];
    s3_digests digests = {.sha256 = ""};
    s3_request request = {
        .method = CAIRN_HTTP_PUT, .asked = CAIRN_S3_ASKED_UPLOAD, .key = upload->key};
    cairn_slice etag;

    s3_number(part + 1, number);
    s3_request_query(&request, "partNumber", number);
    s3_request_query(&request, "uploadId", upload->id);
    CAIRN_TRY(s3_add_source(upload->store, &upload->body->source, &digests, &request, err));
    CAIRN_AUTO(s3_exchange)
    x = {.store = upload->store, .call = upload->call, .request = &request};
    CAIRN_TRY(s3_exchange_send(&x, err));
    if (!http_header(&x.http.reply, "etag", &etag)) {
        return error_set(err, CAIRN_E_UNAVAILABLE, "a part came back without an ETag");
    }
    upload->etags[part] = mem_strndup(etag.data, etag.len);
    return upload->etags[part] != NULL ? CAIRN_OK : error_no_memory(err, "an upload");
}

/* Completes as s3_upload_complete does not: with a condition that the existing object breaks. */
static cairn_code complete_if_absent(const s3_upload *upload, unsigned *out_status,
                                     cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) document = {0};
    s3_digests digests = {.sha256 = ""};
    s3_request request = {
        .method = CAIRN_HTTP_POST,
        .asked = CAIRN_S3_ASKED_UPLOAD,
        .key = upload->key,
        .sink = {.kind = CAIRN_HTTP_SINK_BODY, .length = CAIRN_XML_BYTES_MAX},
        .flags = HTTP_PATIENT,
    };

    CAIRN_TRY(s3_complete_document(upload, &document, err));
    const http_source source = {document.data, -1, 0, document.len};
    CAIRN_TRY(s3_source_sha256(&source, digests.sha256, err));
    request.source = source;
    request.payload_hash = digests.sha256;
    s3_request_query(&request, "uploadId", upload->id);
    s3_request_header(&request, "content-type", "application/xml");
    s3_request_header(&request, "if-none-match", "*");
    CAIRN_AUTO(s3_exchange)
    x = {.store = upload->store, .call = upload->call, .request = &request};
    const cairn_code code = s3_exchange_send(&x, err);
    *out_status = code == CAIRN_OK ? 200 : x.error.status;
    return code == CAIRN_OK || x.error.status != 0 ? CAIRN_OK : code;
}

/* Begins, sends `parts` parts of a few bytes, and does `then` with it. */
static cairn_code try_upload(const examination *e, unsigned parts, unsigned *out_status,
                             cairn_code (*then)(s3_upload *, unsigned *, cairn_error *),
                             cairn_error *err)
{
    const cairn_slice data = {probe_text, sizeof(probe_text) - 1};
    CAIRN_AUTO(s3_body) body = {.fd = -1};
    CAIRN_TRY(s3_body_open(&(cairn_put_body){.data = &data}, &body, err));
    CAIRN_AUTO(s3_upload)
    upload = {.store = e->store, .call = e->call, .key = e->key, .body = &body, .parts = parts};

    upload.etags = mem_calloc(parts, sizeof(*upload.etags));
    if (upload.etags == NULL) {
        return error_no_memory(err, "an upload");
    }
    CAIRN_TRY(s3_upload_begin(&upload, err));
    cairn_code code = CAIRN_OK;
    for (unsigned i = 0; i < parts && code == CAIRN_OK; i++) {
        code = put_small_part(&upload, i, err);
    }
    code = code == CAIRN_OK ? then(&upload, out_status, err) : code;
    if (code != CAIRN_OK || *out_status != 200) {
        const cairn_call own = {cairn_deadline_in(CAIRN_S3_ABORT_MS), NULL};
        s3_upload_abort(&upload, &own);
    }
    return code;
}

static cairn_code complete_over_existing(s3_upload *upload, unsigned *out_status, cairn_error *err)
{
    return complete_if_absent(upload, out_status, err);
}

/* On a key that is free, so that only the size of the first part can be wrong. */
static cairn_code complete_small(s3_upload *upload, unsigned *out_status, cairn_error *err)
{
    CAIRN_TRY(s3_remove(upload->store, upload->call, upload->key, err));
    return complete_if_absent(upload, out_status, err);
}

static cairn_code ask_uploads(const examination *e, cairn_error *err)
{
    const cairn_slice data = {probe_text, sizeof(probe_text) - 1};
    const cairn_put_body body = {.data = &data};
    unsigned status = 0;

    CAIRN_TRY(s3_put(e->store, e->call, e->key, &body, CAIRN_PUT_REPLACE, err));
    CAIRN_TRY(try_upload(e, 1, &status, complete_over_existing, err));
    tell(e, "multipart-create-only", status == 412 ? CAIRN_VERDICT_OK : CAIRN_VERDICT_NOTE,
         "completing an upload over an existing object with If-None-Match gives %u; cairn does not "
         "rely on it",
         status);
    CAIRN_TRY(try_upload(e, 2, &status, complete_small, err));
    tell(e, "multipart-part-size", CAIRN_VERDICT_OK,
         status == 200 ? "parts below 5 MiB are taken (%u)"
                       : "parts below 5 MiB are refused (%u), as on AWS",
         status);
    return CAIRN_OK;
}

static cairn_code examine_all(const examination *e, cairn_error *err)
{
    cairn_error why = {0};

    CAIRN_TRY(ask_clock_and_region(e, err));
    CAIRN_TRY(ask_lies(e, err));
    const cairn_code code = ask_uploads(e, &why);
    if (ends_it(code)) {
        return error_set(err, code, "%s", why.message);
    }
    if (code != CAIRN_OK) {
        tell(e, "multipart", CAIRN_VERDICT_BAD,
             "an upload in parts fails, so larger files cannot be stored: %s", why.message);
    }
    return CAIRN_OK;
}

cairn_code s3_examine(void *self, const cairn_call *call, const char *key,
                      cairn_finding_visit visit, void *context, cairn_error *err)
{
    const examination e = {self, call, key, visit, context};
    const cairn_call own = {cairn_deadline_in(CAIRN_S3_ABORT_MS), NULL};
    const cairn_code code = examine_all(&e, err);
    cairn_error why = {0};

    if (s3_remove(self, code == CAIRN_OK ? call : &own, key, &why) != CAIRN_OK) {
        tell(&e, "s3-clean-up", CAIRN_VERDICT_NOTE, "an object of the examination stays: %s",
             why.message);
    }
    return code;
}
