/*
 * DESIGN: the document is read twice, first for what holds for all of it (whether keys are encoded,
 * which some servers say after the keys; where the next page is; whether it is whole), then for the
 * objects. So a visitor never sees half of a page that is damaged, or a key that is not decoded.
 */
#include "s3_list.h"

#include "bounds.h"
#include "buf.h"
#include "encode.h"
#include "errors.h"
#include "s3_credentials_parts.h"
#include "s3_request.h"
#include "xml_read.h"

#include <string.h>

#define ROOT "ListBucketResult"

cairn_code s3_url_decode(const char *text, cairn_buf *out, cairn_error *err)
{
    for (; *text != '\0'; text++) {
        int byte = (uint8_t)*text;
        if (*text == '+') {
            byte = ' ';
        } else if (*text == '%') {
            const int high = hex_digit_value((uint8_t)text[1]);
            const int low = high < 0 ? -1 : hex_digit_value((uint8_t)text[2]);
            byte = low < 0 ? 0 : high * 16 + low;
            text += 2;
        }
        if (byte == 0) {
            return error_set(err, CAIRN_E_UNAVAILABLE, "a key of the listing cannot be decoded");
        }
        CAIRN_TRY(buf_append_byte(out, (uint8_t)byte, err));
    }
    return CAIRN_OK;
}

/* What holds for a whole page. */
typedef struct page_facts {
    bool is_list;
    bool encoded;
    bool truncated;
    char *token;
} page_facts;

static void page_facts_release(page_facts *facts)
{
    mem_free(facts->token);
}
CAIRN_DEFINE_AUTO(page_facts, page_facts_release)

static cairn_code read_fact(void *context, const xml_event *event, cairn_error *err)
{
    page_facts *facts = context;

    if (event->opens) {
        facts->is_list = facts->is_list || strcmp(event->path, ROOT) == 0;
        return CAIRN_OK;
    }
    if (strcmp(event->path, ROOT "/EncodingType") == 0) {
        facts->encoded = strcmp(event->text, "url") == 0;
    } else if (strcmp(event->path, ROOT "/IsTruncated") == 0) {
        facts->truncated = strcmp(event->text, "true") == 0;
    } else if (strcmp(event->path, ROOT "/NextContinuationToken") == 0) {
        mem_free(facts->token);
        facts->token = cairn_driver_strdup(event->text);
        return facts->token != NULL ? CAIRN_OK : error_no_memory(err, "a list token");
    }
    return CAIRN_OK;
}

static cairn_code read_facts(cairn_slice document, page_facts *facts, cairn_error *err)
{
    const cairn_code code = xml_read(document, read_fact, facts, err);

    if (code == CAIRN_E_INTEGRITY) {
        return error_prefix(err, CAIRN_E_UNAVAILABLE, "the listing cannot be read");
    }
    CAIRN_TRY(code);
    if (!facts->is_list) {
        return error_set(err, CAIRN_E_UNAVAILABLE, "the server sent something else than a listing");
    }
    if (facts->truncated && (facts->token == NULL || facts->token[0] == '\0')) {
        return error_set(err, CAIRN_E_UNAVAILABLE, "the listing goes on, but does not say where");
    }
    return CAIRN_OK;
}

/* The object that is being read. */
typedef struct object_reader {
    const s3_listing *listing;
    bool encoded;
    cairn_buf key;
    cairn_object_info info;
    bool has_size;
} object_reader;

static void object_reader_release(object_reader *reader)
{
    cairn_buf_release(&reader->key);
}
CAIRN_DEFINE_AUTO(object_reader, object_reader_release)

static cairn_code read_key(object_reader *reader, const char *text, cairn_error *err)
{
    buf_clear(&reader->key);
    return reader->encoded ? s3_url_decode(text, &reader->key, err)
                           : buf_append_text(&reader->key, text, err);
}

static cairn_code show(object_reader *reader, cairn_error *err)
{
    const s3_listing *listing = reader->listing;
    const size_t cut = strlen(listing->prefix);
    const char *key = buf_text(&reader->key);

    if (key == NULL) {
        return error_no_memory(err, "a listing");
    }
    if (!reader->has_size || strncmp(key, listing->prefix, cut) != 0) {
        return error_set(err, CAIRN_E_UNAVAILABLE, "the listing holds what was not asked for");
    }
    return listing->visit(listing->context, key + cut, &reader->info, err);
}

static cairn_code read_object(void *context, const xml_event *event, cairn_error *err)
{
    object_reader *reader = context;
    static const char contents[] = ROOT "/Contents";
    const size_t len = sizeof(contents) - 1;

    if (strncmp(event->path, contents, len) != 0) {
        return CAIRN_OK;
    }
    const char *member = event->path + len;
    if (member[0] == '\0' && event->opens) {
        buf_clear(&reader->key);
        reader->info = (cairn_object_info){0, 0};
        reader->has_size = false;
    } else if (member[0] == '\0') {
        return show(reader, err);
    } else if (!event->opens && strcmp(member, "/Key") == 0) {
        return read_key(reader, event->text, err);
    } else if (!event->opens && strcmp(member, "/Size") == 0) {
        reader->has_size = parse_u64(cairn_slice_of(event->text), &reader->info.size);
    } else if (!event->opens && strcmp(member, "/LastModified") == 0) {
        (void)s3_parse_time(event->text, &reader->info.modified_ms);
    }
    return CAIRN_OK;
}

cairn_code s3_list_read(cairn_slice document, const s3_listing *listing, cairn_error *err)
{
    CAIRN_AUTO(page_facts) facts = {0};
    CAIRN_AUTO(object_reader) reader = {.listing = listing};

    CAIRN_TRY(read_facts(document, &facts, err));
    reader.encoded = facts.encoded;
    CAIRN_TRY(xml_read(document, read_object, &reader, err));
    if (facts.truncated) {
        *listing->out_next_token = CAIRN_TAKE(facts.token);
    }
    return CAIRN_OK;
}

cairn_code s3_list_page(void *self, const cairn_call *call, const cairn_list_page *page,
                        cairn_store_visit visit, void *context, cairn_error *err)
{
    s3_store *store = self;
    CAIRN_AUTO(cairn_buf) prefix = {0};
    s3_request request = {
        .method = CAIRN_HTTP_GET,
        .asked = CAIRN_S3_ASKED_OTHER,
        .sink = {.kind = CAIRN_HTTP_SINK_BODY, .length = CAIRN_XML_BYTES_MAX},
    };

    CAIRN_TRY(buf_printf(&prefix, err, "%s%s", store->prefix, page->prefix));
    s3_request_query(&request, "list-type", "2");
    s3_request_query(&request, "encoding-type", "url");
    s3_request_query(&request, "max-keys", "1000");
    s3_request_query(&request, "prefix", buf_text(&prefix));
    if (page->token != NULL) {
        s3_request_query(&request, "continuation-token", page->token);
    }
    CAIRN_AUTO(s3_exchange) x = {.store = store, .call = call, .request = &request};
    CAIRN_TRY(s3_exchange_send(&x, err));
    const s3_listing listing = {store->prefix, visit, context, page->out_next_token};
    return s3_list_read(cairn_buf_slice(&x.http.reply.body), &listing, err);
}
