/*
 * DESIGN: servers page differently here (one matches a prefix only against whole keys, one refuses
 * its own upload-id-marker), so pages go by key alone, and the list is read from its begin again
 * until it names nothing old any more. Off AWS it is read without a prefix.
 */
#include "s3_sweep.h"

#include "buf.h"
#include "cancel.h"
#include "errors.h"
#include "s3_credentials_parts.h"
#include "s3_list.h"
#include "s3_upload.h"
#include "xml_read.h"

#include <string.h>

#define ROOT "ListMultipartUploadsResult"

/* What holds for a page, and the upload that is being read. */
typedef struct page_reader {
    s3_upload_visit visit; /* NULL in the first reading, which only looks for what holds for all */
    void *context;
    bool is_list;
    bool encoded;
    bool truncated;
    cairn_buf next_key;
    cairn_buf key;
    cairn_buf id;
    uint64_t begun_ms;
} page_reader;

static void page_reader_release(page_reader *reader)
{
    cairn_buf_release(&reader->next_key);
    cairn_buf_release(&reader->key);
    cairn_buf_release(&reader->id);
}
CAIRN_DEFINE_AUTO(page_reader, page_reader_release)

static cairn_code keep(cairn_buf *out, const char *text, cairn_error *err)
{
    buf_clear(out);
    return buf_append_text(out, text, err);
}

static cairn_code read_fact(void *context, const xml_event *event, cairn_error *err)
{
    page_reader *reader = context;

    if (event->opens) {
        reader->is_list = reader->is_list || strcmp(event->path, ROOT) == 0;
    } else if (strcmp(event->path, ROOT "/EncodingType") == 0) {
        reader->encoded = strcmp(event->text, "url") == 0;
    } else if (strcmp(event->path, ROOT "/IsTruncated") == 0) {
        reader->truncated = strcmp(event->text, "true") == 0;
    } else if (strcmp(event->path, ROOT "/NextKeyMarker") == 0) {
        return keep(&reader->next_key, event->text, err);
    }
    return CAIRN_OK;
}

/* Decodes in place, if keys are encoded. */
static cairn_code decode(const page_reader *reader, cairn_buf *text, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) decoded = {0};
    const char *encoded = buf_text(text);

    if (encoded == NULL) {
        return error_no_memory(err, "a list of uploads");
    }
    if (!reader->encoded) {
        return CAIRN_OK;
    }
    CAIRN_TRY(s3_url_decode(encoded, &decoded, err));
    buf_clear(text);
    return buf_append(text, decoded.data, decoded.len, err);
}

static cairn_code show(page_reader *reader, cairn_error *err)
{
    CAIRN_TRY(decode(reader, &reader->key, err));
    const s3_open_upload upload = {buf_text(&reader->key), buf_text(&reader->id), reader->begun_ms};
    if (upload.key == NULL || upload.id == NULL) {
        return error_no_memory(err, "a list of uploads");
    }
    return reader->visit(reader->context, &upload, err);
}

static cairn_code read_upload(void *context, const xml_event *event, cairn_error *err)
{
    page_reader *reader = context;

    if (event->opens && strcmp(event->path, ROOT "/Upload") == 0) {
        buf_clear(&reader->key);
        buf_clear(&reader->id);
        reader->begun_ms = 0;
    } else if (event->opens) {
        return CAIRN_OK;
    } else if (strcmp(event->path, ROOT "/Upload/Key") == 0) {
        return keep(&reader->key, event->text, err);
    } else if (strcmp(event->path, ROOT "/Upload/UploadId") == 0) {
        return keep(&reader->id, event->text, err);
    } else if (strcmp(event->path, ROOT "/Upload/Initiated") == 0) {
        (void)s3_parse_time(event->text, &reader->begun_ms);
    } else if (strcmp(event->path, ROOT "/Upload") == 0) {
        return show(reader, err);
    }
    return CAIRN_OK;
}

cairn_code s3_uploads_read(cairn_slice document, s3_upload_visit visit, void *context,
                           char **out_next_key, cairn_error *err)
{
    CAIRN_AUTO(page_reader) reader = {.visit = visit, .context = context};
    const cairn_code code = xml_read(document, read_fact, &reader, err);

    if (code == CAIRN_E_INTEGRITY || (code == CAIRN_OK && !reader.is_list)) {
        return error_set(err, CAIRN_E_UNAVAILABLE, "the list of open uploads cannot be read");
    }
    CAIRN_TRY(code);
    CAIRN_TRY(xml_read(document, read_upload, &reader, err));
    if (!reader.truncated || reader.next_key.len == 0) {
        return CAIRN_OK;
    }
    CAIRN_TRY(decode(&reader, &reader.next_key, err));
    char *next = mem_strndup(reader.next_key.data, reader.next_key.len);
    if (next == NULL) {
        return error_no_memory(err, "a list of uploads");
    }
    *out_next_key = next;
    return CAIRN_OK;
}

typedef struct sweep {
    s3_store *store;
    cairn_call call;
    uint64_t older_than_ms;
    uint64_t now_ms; /* of the server, when it sent the page */
    cairn_buf found; /* key and id of old uploads, each with its NUL */
    uint64_t aborted;
} sweep;

static void sweep_release(sweep *s)
{
    cairn_buf_release(&s->found);
}
CAIRN_DEFINE_AUTO(sweep, sweep_release)

static cairn_code keep_old(void *context, const s3_open_upload *upload, cairn_error *err)
{
    sweep *s = context;
    const char *prefix = s->store->prefix;

    /* One whose begin is not said may be of now. */
    if (strncmp(upload->key, prefix, strlen(prefix)) != 0 || upload->begun_ms == 0 ||
        upload->begun_ms > s->now_ms || s->now_ms - upload->begun_ms <= s->older_than_ms) {
        return CAIRN_OK;
    }
    CAIRN_TRY(buf_append(&s->found, upload->key, strlen(upload->key) + 1, err));
    return buf_append(&s->found, upload->id, strlen(upload->id) + 1, err);
}

static cairn_code read_page(sweep *s, const char *marker, char **out_next, cairn_error *err)
{
    s3_request request = {
        .method = CAIRN_HTTP_GET,
        .asked = CAIRN_S3_ASKED_OTHER,
        .sink = {.kind = CAIRN_HTTP_SINK_BODY, .length = CAIRN_XML_BYTES_MAX},
    };
    cairn_slice date;

    s3_request_query(&request, "uploads", NULL);
    s3_request_query(&request, "encoding-type", "url");
    s3_request_query(&request, "max-uploads", "1000");
    if (marker != NULL) {
        s3_request_query(&request, "key-marker", marker);
    }
    if (s3_store_learnt(s->store).place.aws) {
        s3_request_query(&request, "prefix", s->store->prefix);
    }
    CAIRN_AUTO(s3_exchange) x = {.store = s->store, .call = &s->call, .request = &request};
    CAIRN_TRY(s3_exchange_send(&x, err));
    if (!http_header(&x.http.reply, "date", &date) || !http_parse_date(date, &s->now_ms)) {
        s->now_ms = s3_store_wall_ms(s->store);
    }
    return s3_uploads_read(cairn_buf_slice(&x.http.reply.body), keep_old, s, out_next, err);
}

static cairn_code abort_found(sweep *s, cairn_error *err)
{
    const size_t prefix = strlen(s->store->prefix);

    for (size_t at = 0; at < s->found.len;) {
        const char *key = (const char *)s->found.data + at;
        const char *id = key + strlen(key) + 1;
        CAIRN_TRY(s3_abort(s->store, &s->call, key + prefix, id, err));
        s->aborted++;
        at += strlen(key) + strlen(id) + 2;
    }
    buf_clear(&s->found);
    return CAIRN_OK;
}

static cairn_code sweep_once(sweep *s, cairn_error *err)
{
    char *marker CAIRN_AUTO_FREE = NULL;

    for (unsigned page = 0; page < CAIRN_LIST_PAGES_MAX; page++) {
        char *next CAIRN_AUTO_FREE = NULL;
        CAIRN_TRY(call_check(&s->call, "between two pages of open uploads", err));
        CAIRN_TRY(read_page(s, marker, &next, err));
        CAIRN_TRY(abort_found(s, err));
        if (next == NULL || (marker != NULL && strcmp(next, marker) == 0)) {
            return CAIRN_OK;
        }
        mem_free(marker);
        marker = CAIRN_TAKE(next);
    }
    return CAIRN_OK;
}

cairn_code cairn_s3_sweep_uploads(cairn_store *store, const cairn_call *call,
                                  uint64_t older_than_ms, uint64_t *out_aborted, cairn_error *err)
{
    CAIRN_AUTO(sweep) s = {.older_than_ms = older_than_ms};
    uint64_t before = 0;

    CAIRN_TRY(s3_store_of(store, &s.store, err));
    s.call = call == NULL ? (cairn_call){0, NULL} : *call;
    if (s.call.deadline_ms == 0) {
        s.call.deadline_ms = cairn_deadline_in(CAIRN_STORE_TIMEOUT_MS);
    }
    for (unsigned round = 0; round < CAIRN_S3_SWEEP_ROUNDS_MAX; round++) {
        before = s.aborted;
        const cairn_code code = sweep_once(&s, err);
        if (code != CAIRN_OK) {
            return error_prefix(err, code, "sweep open uploads of %s", s.store->uri);
        }
        if (s.aborted == before) {
            break;
        }
    }
    if (out_aborted != NULL) {
        *out_aborted = s.aborted;
    }
    return CAIRN_OK;
}
