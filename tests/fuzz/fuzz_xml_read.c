/*
 * The XML reader and what reads S3's replies with it. Events nest and stay within the bounds; text
 * that is escaped reads back as it was; no body of a reply is called the absence of an object
 * unless its code says so.
 */
#include "bounds.h"
#include "buf.h"
#include "encode.h"
#include "fuzz.h"
#include "s3_reply.h"
#include "xml_read.h"

#include <stdlib.h>
#include <string.h>

static void must(bool condition)
{
    if (!condition) {
        abort();
    }
}

typedef struct nesting {
    size_t depth;
    size_t visits;
} nesting;

static size_t depth_of(const char *path)
{
    size_t depth = 1;

    for (const char *at = path; *at != '\0'; at++) {
        depth += *at == '/' ? 1 : 0;
    }
    return depth;
}

static cairn_code check_event(void *context, const xml_event *event, cairn_error *err)
{
    nesting *seen = context;

    (void)err;
    seen->visits++;
    seen->depth += event->opens ? 1 : 0;
    must(seen->depth == depth_of(event->path) && seen->depth <= CAIRN_XML_DEPTH_MAX);
    must(strlen(event->text) <= CAIRN_XML_TEXT_BYTES_MAX);
    must(!event->opens || event->text[0] == '\0');
    seen->depth -= event->opens ? 0 : 1;
    return CAIRN_OK;
}

static void run_reader(cairn_slice text)
{
    nesting seen = {0};
    cairn_error err = {0};
    const cairn_code code = xml_read(text, check_event, &seen, &err);

    must(code == CAIRN_OK || code == CAIRN_E_INTEGRITY);
    must(code != CAIRN_OK || (seen.depth == 0 && seen.visits >= 2 && seen.visits % 2 == 0));
    must(code == CAIRN_OK || strncmp(err.message, "XML", 3) == 0);
}

static bool is_printable_text(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < ' ' || *at > '~') {
            return false;
        }
    }
    return true;
}

static cairn_code ignore_key(void *context, const char *key, const s3_error *error,
                             cairn_error *err)
{
    (void)context;
    (void)err;
    must(strlen(key) <= CAIRN_XML_TEXT_BYTES_MAX && is_printable_text(error->code));
    return CAIRN_OK;
}

static void run_reply(const uint8_t *data, size_t size)
{
    /* Read only: nothing of the reply is written or freed. */
    union {
        const uint8_t *in;
        uint8_t *out;
    } bytes = {.in = data};
    const http_reply reply = {.status = size % 2 == 0 ? 404 : 200,
                              .body = {.data = bytes.out, .len = size}};
    s3_error error = {0};
    s3_verdict verdict = {.code = CAIRN_OK};
    cairn_error err = {0};
    bool has = false;

    const cairn_code code = s3_reply_fail(&reply, CAIRN_S3_ASKED_GET, &error, &verdict, &err);
    must(code == verdict.code && code != CAIRN_OK);
    must((code == CAIRN_E_NOT_FOUND) == (strcmp(error.code, "NoSuchKey") == 0));
    must(is_printable_text(error.code) && is_printable_text(error.message));
    must(is_printable_text(err.message));
    (void)s3_reply_has_error(&reply, "CompleteMultipartUploadResult", &error, &has, &err);
    (void)s3_delete_errors(&reply, ignore_key, NULL, &err);
}

static cairn_code compare_text(void *context, const xml_event *event, cairn_error *err)
{
    (void)err;
    must(event->opens || strcmp(event->text, context) == 0);
    return CAIRN_OK;
}

static void run_escape(const uint8_t *data, size_t size)
{
    CAIRN_AUTO(cairn_buf) text = {0};
    CAIRN_AUTO(cairn_buf) document = {0};

    must(encode_printable((cairn_slice){data, size}, 4096, &text, NULL) == CAIRN_OK);
    must(buf_text(&text) != NULL && buf_append_text(&document, "<a>", NULL) == CAIRN_OK);
    must(xml_escape((const char *)text.data, &document, NULL) == CAIRN_OK);
    must(buf_append_text(&document, "</a>", NULL) == CAIRN_OK);
    must(xml_read(cairn_buf_slice(&document), compare_text, text.data, NULL) == CAIRN_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    run_reader((cairn_slice){data, size});
    run_reply(data, size);
    run_escape(data, size);
    return 0;
}
