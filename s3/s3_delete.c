/*
 * DESIGN: one request deletes many keys, and names only those that it did not delete ("quiet").
 * What it does not name is gone: the document was read to its end.
 */
#include "buf.h"
#include "errors.h"
#include "s3_object.h"
#include "xml_read.h"

#include <string.h>

static cairn_code tell_hold(const s3_verdict *verdict, cairn_code code, cairn_error *err)
{
    return verdict->action == CAIRN_S3_HELD
               ? error_prefix(err, CAIRN_E_ACCESS, "the object is held (object lock)")
               : code;
}

cairn_code s3_remove(void *self, const cairn_call *call, const char *key, cairn_error *err)
{
    const s3_request request = {
        .method = CAIRN_HTTP_DELETE, .asked = CAIRN_S3_ASKED_OTHER, .key = key};
    CAIRN_AUTO(s3_exchange) x = {.store = self, .call = call, .request = &request};
    cairn_error why = {0};
    const cairn_code code = s3_exchange_send(&x, &why);

    if (code == CAIRN_OK || (x.error.status == 404 && strcmp(x.error.code, "NoSuchKey") == 0)) {
        return CAIRN_OK;
    }
    if (err != NULL) {
        *err = why;
    }
    return x.error.status != 0 ? tell_hold(&x.verdict, code, err) : code;
}

/* Keys of one request. */
typedef struct batch {
    s3_store *store;
    const char *const *keys;
    size_t count;
    const cairn_delete_watch *watch;
} batch;

static cairn_code write_document(const batch *b, cairn_buf *out, cairn_error *err)
{
    CAIRN_TRY(buf_append_text(out, "<Delete><Quiet>true</Quiet>", err));
    for (size_t i = 0; i < b->count; i++) {
        CAIRN_TRY(s3_check_key(b->store, b->keys[i], err));
        CAIRN_TRY(buf_append_text(out, "<Object><Key>", err));
        CAIRN_TRY(xml_escape(b->store->prefix, out, err));
        CAIRN_TRY(xml_escape(b->keys[i], out, err));
        CAIRN_TRY(buf_append_text(out, "</Key></Object>", err));
    }
    return buf_append_text(out, "</Delete>", err);
}

/* A key that was named twice is told twice. False: it was not asked for. */
static bool tell_key(const batch *b, const char *key, const cairn_error *why)
{
    const size_t cut = strlen(b->store->prefix);
    bool found = false;

    if (strncmp(key, b->store->prefix, cut) != 0) {
        return false;
    }
    for (size_t i = 0; i < b->count; i++) {
        if (strcmp(b->keys[i], key + cut) == 0) {
            b->watch->kept(b->watch->context, i, why);
            found = true;
        }
    }
    return found;
}

static cairn_code read_refusal(void *context, const char *key, const s3_error *error,
                               cairn_error *err)
{
    const s3_verdict verdict = s3_classify(error, CAIRN_S3_ASKED_OTHER);
    cairn_error why = {0};

    if (verdict.code == CAIRN_E_NOT_FOUND) {
        return CAIRN_OK;
    }
    why.code = tell_hold(&verdict, s3_error_report(error, &verdict, &why), &why);
    return tell_key(context, key, &why)
               ? CAIRN_OK
               : error_set(err, CAIRN_E_UNAVAILABLE,
                           "the server refuses a key that it was not asked to delete: %s",
                           why.message);
}

cairn_code s3_remove_many(void *self, const cairn_call *call, const char *const *keys, size_t count,
                          const cairn_delete_watch *watch, cairn_error *err)
{
    batch b = {self, keys, count, watch};
    CAIRN_AUTO(cairn_buf) document = {0};
    s3_digests digests = {0};
    s3_request request = {
        .method = CAIRN_HTTP_POST,
        .asked = CAIRN_S3_ASKED_OTHER,
        .sink = {.kind = CAIRN_HTTP_SINK_BODY, .length = CAIRN_XML_BYTES_MAX},
        .flags = HTTP_PATIENT,
    };

    CAIRN_TRY(write_document(&b, &document, err));
    request.source = (http_source){document.data, -1, 0, document.len};
    CAIRN_TRY(s3_source_sha256(&request.source, digests.sha256, err));
    CAIRN_TRY(s3_source_md5(&request.source, digests.md5, err));
    request.payload_hash = digests.sha256;
    s3_request_query(&request, "delete", NULL);
    s3_request_header(&request, "content-type", "application/xml");
    s3_request_header(&request, "content-md5", digests.md5);
    CAIRN_AUTO(s3_exchange) x = {.store = b.store, .call = call, .request = &request};
    CAIRN_TRY(s3_exchange_send(&x, err));
    return s3_delete_errors(&x.http.reply, read_refusal, &b, err);
}
