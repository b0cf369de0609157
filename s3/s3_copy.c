/*
 * DESIGN: a copy in one request is a put without a body; in parts it is an upload whose parts the
 * server takes from the other object. All parts are asked for by the ETag that a first look has
 * seen, so that no object is made of two. Either may fail under status 200.
 */
#include "buf.h"
#include "errors.h"
#include "s3_upload.h"
#include "xml_read.h"

#include <string.h>

/* What is copied. */
typedef struct origin {
    char *path; /* "/bucket/prefix/key", encoded */
    s3_head head;
} origin;

static void origin_release(origin *from)
{
    mem_free(from->path);
}
CAIRN_DEFINE_AUTO(origin, origin_release)

static cairn_code find_origin(s3_store *store, const cairn_call *call, const char *key, origin *out,
                              cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) path = {0};

    CAIRN_TRY(s3_head_object(store, call, key, &out->head, err));
    CAIRN_TRY(buf_printf(&path, err, "/%s/", store->bucket));
    CAIRN_TRY(sigv4_encode_path(store->prefix, &path, err));
    CAIRN_TRY(sigv4_encode_path(key, &path, err));
    out->path = mem_strndup(path.data, path.len);
    return out->path != NULL ? CAIRN_OK : error_no_memory(err, "a copy");
}

/* 200 may be followed by an error. */
static cairn_code read_result(s3_exchange *x, const char *root, cairn_error *err)
{
    bool has_error = false;

    CAIRN_TRY(s3_reply_has_error(&x->http.reply, root, &x->error, &has_error, err));
    if (!has_error) {
        return CAIRN_OK;
    }
    x->verdict = s3_classify(&x->error, x->request->asked);
    return s3_error_report(&x->error, &x->verdict, err);
}

/* ---- In one request ---- */

static bool has_tags(const s3_store *store)
{
    for (size_t i = 0; i < store->object_header_count; i++) {
        if (strcmp(store->object_headers[i].name, "x-amz-tagging") == 0) {
            return true;
        }
    }
    return false;
}

static cairn_code copy_at_once(s3_store *store, const cairn_call *call, const origin *from,
                               const char *to_key, cairn_error *err)
{
    s3_put_headers headers = {0};
    s3_request request = {
        .method = CAIRN_HTTP_PUT,
        .asked = CAIRN_S3_ASKED_WRITE,
        .key = to_key,
        .sink = {.kind = CAIRN_HTTP_SINK_BODY, .length = CAIRN_XML_BYTES_MAX},
        .flags = HTTP_PATIENT,
    };

    s3_add_put_headers(store, &headers, &request);
    s3_request_header(&request, "x-amz-copy-source", from->path);
    s3_request_header(&request, "x-amz-metadata-directive", "REPLACE");
    if (has_tags(store)) {
        s3_request_header(&request, "x-amz-tagging-directive", "REPLACE");
    }
    CAIRN_AUTO(s3_exchange) x = {.store = store, .call = call, .request = &request};
    CAIRN_TRY(s3_exchange_send(&x, err));
    return read_result(&x, "CopyObjectResult", err);
}

/* ---- In parts ---- */

static cairn_code write_part(void *context, s3_task *task, cairn_error *err)
{
    const s3_upload *upload = context;
    const origin *from = upload->context;
    const uint64_t offset = task->index * upload->part_bytes;
    const uint64_t rest = from->head.info.size - offset;

    (void)err;
    task->request = (s3_request){
        .method = CAIRN_HTTP_PUT,
        .asked = CAIRN_S3_ASKED_UPLOAD,
        .key = upload->key,
        .sink = {.kind = CAIRN_HTTP_SINK_BODY, .length = CAIRN_XML_BYTES_MAX},
        .flags = HTTP_PATIENT,
    };
    s3_number(task->index + 1, task->number);
    s3_range(offset, rest < upload->part_bytes ? rest : upload->part_bytes, task->text);
    s3_request_query(&task->request, "partNumber", task->number);
    s3_request_query(&task->request, "uploadId", upload->id);
    s3_request_header(&task->request, "x-amz-copy-source", from->path);
    s3_request_header(&task->request, "x-amz-copy-source-range", task->text);
    if (from->head.etag[0] != '\0') {
        s3_request_header(&task->request, "x-amz-copy-source-if-match", from->head.etag);
    }
    return CAIRN_OK;
}

typedef struct etag_reader {
    s3_upload *upload;
    uint64_t index;
} etag_reader;

static cairn_code read_etag(void *context, const xml_event *event, cairn_error *err)
{
    const etag_reader *reader = context;

    if (event->opens || strcmp(event->path, "CopyPartResult/ETag") != 0) {
        return CAIRN_OK;
    }
    return s3_upload_take_etag(reader->upload, reader->index, cairn_slice_of(event->text), err);
}

static cairn_code take_etag(s3_upload *upload, s3_task *task, cairn_error *err)
{
    etag_reader reader = {upload, task->index};

    CAIRN_TRY(read_result(&task->x, "CopyPartResult", err));
    CAIRN_TRY(xml_read(cairn_buf_slice(&task->x.http.reply.body), read_etag, &reader, err));
    return upload->etags[task->index] != NULL
               ? CAIRN_OK
               : error_set(err, CAIRN_E_UNAVAILABLE, "the server sent no ETag");
}

static bool is_replaced(const s3_exchange *x)
{
    return x->error.status == 412 || strcmp(x->error.code, "PreconditionFailed") == 0;
}

static cairn_code finish_part(void *context, s3_task *task, cairn_code code, const cairn_error *why,
                              cairn_error *err)
{
    cairn_error own = *why;

    if (code == CAIRN_OK) {
        code = take_etag(context, task, &own);
    }
    if (code != CAIRN_OK && is_replaced(&task->x)) {
        return error_set(err, CAIRN_E_INTEGRITY, "the object was replaced while it was copied");
    }
    task->final = s3_exchange_wants(&task->x, CAIRN_S3_UPLOAD_GONE) ||
                  s3_exchange_wants(&task->x, CAIRN_S3_RESTART_UPLOAD);
    if (code != CAIRN_OK && err != NULL) {
        *err = own;
    }
    return code;
}

cairn_code s3_copy(void *self, const cairn_call *call, const char *from_key, const char *to_key,
                   cairn_put_mode mode, cairn_error *err)
{
    static const s3_part_work work = {.write = write_part, .finish = finish_part};
    s3_store *store = self;
    CAIRN_AUTO(origin) from = {0};

    CAIRN_TRY(find_origin(store, call, from_key, &from, err));
    if (from.head.info.size > store->multipart_bytes) {
        const s3_body body = {.fd = -1, .source = {NULL, -1, 0, from.head.info.size}};
        CAIRN_AUTO(s3_upload)
        upload = {.store = store,
                  .call = call,
                  .key = to_key,
                  .body = &body,
                  .mode = mode,
                  .context = &from};
        return s3_upload_run(&upload, &work, err);
    }
    if (mode == CAIRN_PUT_CREATE) {
        CAIRN_TRY(s3_expect_absent(store, call, to_key, err));
    }
    return copy_at_once(store, call, &from, to_key, err);
}
