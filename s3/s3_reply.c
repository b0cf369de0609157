/* Reading a refusal; what follows from it is in s3_reply_table.c. */
#include "s3_reply.h"

#include "bounds.h"
#include "buf.h"
#include "encode.h"
#include "errors.h"
#include "xml_read.h"

#include <string.h>

static bool is_white(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static cairn_slice trim(cairn_slice text)
{
    const char *at = text.data;
    size_t len = text.len;

    while (len > 0 && is_white(*at)) {
        at++;
        len--;
    }
    while (len > 0 && is_white(at[len - 1])) {
        len--;
    }
    return (cairn_slice){at, len};
}

/* A peer's text as one of s3_error's: printable, cut, without a stop at its end. */
static cairn_code set_text(char *to, size_t size, cairn_slice text, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) printable = {0};

    CAIRN_TRY(encode_printable(trim(text), size - 1, &printable, err));
    while (printable.len > 0 &&
           (printable.data[printable.len - 1] == '.' || printable.data[printable.len - 1] == ' ')) {
        printable.len--;
    }
    if (printable.len > 0) {
        memcpy(to, printable.data, printable.len);
    }
    to[printable.len] = '\0';
    return CAIRN_OK;
}

/* It goes into a signature and a host name, so it is taken as it is or not at all. */
static void set_region(s3_error *error, cairn_slice region)
{
    const char *text = region.data;

    if (region.len == 0 || region.len >= S3_REGION_SIZE) {
        return;
    }
    for (size_t i = 0; i < region.len; i++) {
        const char c = text[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) {
            return;
        }
    }
    memcpy(error->region, text, region.len);
    error->region[region.len] = '\0';
}

/* The value of an element of <Error>; what a header said already stays. */
static cairn_code set_field(s3_error *error, const char *name, cairn_slice text, cairn_error *err)
{
    const struct {
        const char *name;
        char *to;
        size_t size;
    } fields[] = {
        {"Code", error->code, sizeof(error->code)},
        {"Message", error->message, sizeof(error->message)},
        {"Endpoint", error->endpoint, sizeof(error->endpoint)},
        {"RequestId", error->request_id, sizeof(error->request_id)},
        {"HostId", error->host_id, sizeof(error->host_id)},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(fields); i++) {
        if (strcmp(fields[i].name, name) == 0 && fields[i].to[0] == '\0') {
            return set_text(fields[i].to, fields[i].size, text, err);
        }
    }
    if (strcmp(name, "Region") == 0 && error->region[0] == '\0') {
        set_region(error, trim(text));
    }
    return CAIRN_OK;
}

/* The name of an element right below <Error>, or NULL. STS wraps it in <ErrorResponse>. */
static const char *name_in_error(const char *path)
{
    static const char *const parents[] = {"Error/", "ErrorResponse/Error/"};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(parents); i++) {
        const size_t len = strlen(parents[i]);

        if (strncmp(path, parents[i], len) == 0 && strchr(path + len, '/') == NULL) {
            return path + len;
        }
    }
    return strcmp(path, "ErrorResponse/RequestId") == 0 ? "RequestId" : NULL;
}

static cairn_code visit_error(void *context, const xml_event *event, cairn_error *err)
{
    const char *name = event->opens ? NULL : name_in_error(event->path);

    return name == NULL ? CAIRN_OK : set_field(context, name, cairn_slice_of(event->text), err);
}

/* A body that is cut or no XML says what it said until then. */
static cairn_code read_body(cairn_slice body, s3_error *error, cairn_error *err)
{
    const cairn_slice text = trim(body);
    cairn_error ignored = {0};

    if (text.len == 0) {
        return CAIRN_OK;
    }
    if (*(const char *)text.data != '<') {
        return set_text(error->message, sizeof(error->message), text, err);
    }
    return xml_read(text, visit_error, error, &ignored) == CAIRN_E_NO_MEMORY
               ? error_no_memory(err, "read an error of S3")
               : CAIRN_OK;
}

static cairn_code set_from_header(const http_reply *reply, const char *header, char *to,
                                  size_t size, cairn_error *err)
{
    cairn_slice value;

    return to[0] == '\0' && http_header(reply, header, &value) ? set_text(to, size, value, err)
                                                               : CAIRN_OK;
}

/* "https://host:port/path" to "host:port". */
static cairn_slice host_of(cairn_slice url)
{
    const char *at = memmem(url.data, url.len, "://", 3);
    const char *end = (const char *)url.data + url.len;
    const char *stop = NULL;

    if (at == NULL) {
        return (cairn_slice){NULL, 0};
    }
    at += 3;
    for (stop = at; stop < end && strchr("/?#", *stop) == NULL; stop++) {
    }
    return (cairn_slice){at, (size_t)(stop - at)};
}

static uint32_t capped_ms(uint64_t value, uint64_t unit_ms)
{
    return value < CAIRN_RETRY_AFTER_MS_MAX / unit_ms ? (uint32_t)(value * unit_ms)
                                                      : CAIRN_RETRY_AFTER_MS_MAX;
}

/* A date counts from the server's own clock: ours may be wrong. */
static uint32_t retry_after_ms(const http_reply *reply, uint64_t server_ms)
{
    cairn_slice value = {NULL, 0};
    uint64_t number = 0;

    if (http_header(reply, "x-amz-retry-after", &value) && parse_u64(value, &number)) {
        return capped_ms(number, 1);
    }
    if (!http_header(reply, "retry-after", &value)) {
        return 0;
    }
    if (parse_u64(value, &number)) {
        return capped_ms(number, 1000);
    }
    if (server_ms > 0 && http_parse_date(value, &number) && number > server_ms) {
        return capped_ms(number - server_ms, 1);
    }
    return 0;
}

static void read_times(const http_reply *reply, s3_error *error)
{
    cairn_slice value;

    if (http_header(reply, "date", &value)) {
        (void)http_parse_date(value, &error->server_ms);
    }
    error->retry_after_ms = retry_after_ms(reply, error->server_ms);
}

/* Those that say more than the body, and are there without one. */
static cairn_code read_headers(const http_reply *reply, s3_error *error, cairn_error *err)
{
    cairn_slice value;

    if (http_header(reply, "x-amz-bucket-region", &value)) {
        set_region(error, value);
    }
    read_times(reply, error);
    CAIRN_TRY(set_from_header(reply, "x-amz-request-id", error->request_id,
                              sizeof(error->request_id), err));
    return set_from_header(reply, "x-amz-id-2", error->host_id, sizeof(error->host_id), err);
}

/* What stands in for a body that did not say it. */
static cairn_code read_stand_ins(const http_reply *reply, s3_error *error, cairn_error *err)
{
    cairn_slice value;

    CAIRN_TRY(set_from_header(reply, "x-minio-error-code", error->code, sizeof(error->code), err));
    CAIRN_TRY(
        set_from_header(reply, "x-minio-error-desc", error->message, sizeof(error->message), err));
    if (error->endpoint[0] == '\0' && http_header(reply, "location", &value)) {
        return set_text(error->endpoint, sizeof(error->endpoint), host_of(value), err);
    }
    return CAIRN_OK;
}

cairn_code s3_error_read(const http_reply *reply, s3_error *out, cairn_error *err)
{
    s3_error error = {.status = reply->status};

    CAIRN_TRY(read_headers(reply, &error, err));
    CAIRN_TRY(read_body(cairn_buf_slice(&reply->body), &error, err));
    CAIRN_TRY(read_stand_ins(reply, &error, err));
    *out = error;
    return CAIRN_OK;
}

typedef struct root_reader {
    const char *expected;
    bool is_expected;
    bool is_error;
} root_reader;

static cairn_code visit_root(void *context, const xml_event *event, cairn_error *err)
{
    root_reader *reader = context;

    (void)err;
    if (event->opens && strchr(event->path, '/') == NULL) {
        reader->is_expected = strcmp(event->path, reader->expected) == 0;
        reader->is_error = strcmp(event->path, "Error") == 0 ||
                           strcmp(event->path, "ErrorResponse") == 0;
    }
    return CAIRN_OK;
}

cairn_code s3_reply_has_error(const http_reply *reply, const char *root, s3_error *out,
                              bool *out_has, cairn_error *err)
{
    root_reader reader = {.expected = root};
    cairn_error why = {0};
    const cairn_code code = xml_read(cairn_buf_slice(&reply->body), visit_root, &reader, &why);

    if (code == CAIRN_E_NO_MEMORY) {
        return error_no_memory(err, "read a reply of S3");
    }
    if (reader.is_error) {
        CAIRN_TRY(s3_error_read(reply, out, err));
    } else if (code != CAIRN_OK || !reader.is_expected) {
        return error_set(err, CAIRN_E_UNAVAILABLE,
                         "status %u, but the reply is no whole <%s> (%s): whether the request took "
                         "effect is unknown",
                         reply->status, root, code == CAIRN_OK ? "another document" : why.message);
    }
    *out_has = reader.is_error;
    return CAIRN_OK;
}

typedef struct delete_reader {
    const http_reply *reply;
    s3_key_visit visit;
    void *context;
    s3_error error; /* of the <Error> that is being read */
    cairn_buf key;
} delete_reader;

static void release_delete_reader(delete_reader *reader)
{
    cairn_buf_release(&reader->key);
}
CAIRN_DEFINE_AUTO(delete_reader, release_delete_reader)

static cairn_code begin_key(delete_reader *reader, cairn_error *err)
{
    buf_clear(&reader->key);
    reader->error = (s3_error){.status = reader->reply->status};
    return read_headers(reader->reply, &reader->error, err);
}

static cairn_code end_key(delete_reader *reader, cairn_error *err)
{
    const char *key = buf_text(&reader->key);

    return key == NULL ? error_no_memory(err, "read a reply of S3")
                       : reader->visit(reader->context, key, &reader->error, err);
}

static cairn_code visit_delete(void *context, const xml_event *event, cairn_error *err)
{
    static const char element[] = "DeleteResult/Error";
    const size_t len = sizeof(element) - 1;
    delete_reader *reader = context;

    if (strncmp(event->path, element, len) != 0) {
        return CAIRN_OK;
    }
    if (event->path[len] == '\0') {
        return event->opens ? begin_key(reader, err) : end_key(reader, err);
    }
    if (event->opens || event->path[len] != '/') {
        return CAIRN_OK;
    }
    if (strcmp(event->path + len, "/Key") == 0) {
        return buf_append_text(&reader->key, event->text, err);
    }
    return set_field(&reader->error, event->path + len + 1, cairn_slice_of(event->text), err);
}

cairn_code s3_delete_errors(const http_reply *reply, s3_key_visit visit, void *context,
                            cairn_error *err)
{
    CAIRN_AUTO(delete_reader) reader = {.reply = reply, .visit = visit, .context = context};
    bool is_error = false;

    CAIRN_TRY(s3_reply_has_error(reply, "DeleteResult", &reader.error, &is_error, err));
    if (is_error) {
        return s3_reply_fail(reply, CAIRN_S3_ASKED_OTHER, NULL, NULL, err);
    }
    return xml_read(cairn_buf_slice(&reply->body), visit_delete, &reader, err);
}
