/*
 * What cairn's signer makes of requests that a script chose: one request a line on stdin, one
 * answer a line on stdout. For sigv4_botocore.py, which writes the lines and says what is in them.
 *
 * A line is fields with a tab between them, each of them hex: mode ("sign", "presign"), time in ms,
 * region, access key id, secret key, session token, method, path, seconds to live, payload hash,
 * number of query members, then name and value of each ("-" instead of hex: no value), number of
 * headers, then name and value of each. Answer: encoded path, query, Authorization.
 */
#include "bounds.h"
#include "buf.h"
#include "encode.h"
#include "s3_sigv4.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX (12 + 2 * (CAIRN_SIGV4_QUERY_MAX + CAIRN_SIGV4_HEADERS_MAX))
#define LINE_SIZE  (1 << 20)

static void must(cairn_code code, const char *what)
{
    if (code != CAIRN_OK) {
        (void)fprintf(stderr, "sigv4_dump: %s: %s\n", what, cairn_code_name(code));
        exit(1);
    }
}

typedef struct fields {
    char *items[FIELDS_MAX];
    size_t count;
    size_t at;
} fields;

static char *decode(const char *hex)
{
    CAIRN_AUTO(cairn_buf) bytes = {0};

    must(decode_hex(cairn_slice_of(hex), &bytes, NULL), "a field is no hex");
    char *text = mem_strndup(bytes.len == 0 ? "" : (const char *)bytes.data, bytes.len);
    must(text == NULL ? CAIRN_E_NO_MEMORY : CAIRN_OK, "a field");
    return text;
}

static void split(char *line, fields *out)
{
    char *rest = line;

    *out = (fields){.count = 0};
    for (char *field = strsep(&rest, "\t\n"); field != NULL; field = strsep(&rest, "\t\n")) {
        must(out->count < FIELDS_MAX ? CAIRN_OK : CAIRN_E_LIMIT, "too many fields");
        out->items[out->count++] = strcmp(field, "-") == 0 ? NULL : decode(field);
    }
}

static void release_fields(fields *all)
{
    for (size_t i = 0; i < all->count; i++) {
        mem_free(all->items[i]);
    }
}
CAIRN_DEFINE_AUTO(fields, release_fields)

static char *next(fields *from)
{
    must(from->at < from->count ? CAIRN_OK : CAIRN_E_LIMIT, "too few fields");
    return from->items[from->at++];
}

static uint64_t next_number(fields *from)
{
    uint64_t number = 0;

    must(parse_u64(cairn_slice_of(next(from)), &number) ? CAIRN_OK : CAIRN_E_INVALID, "a number");
    return number;
}

static size_t next_pairs(fields *from, size_t max, sigv4_pair *out)
{
    const uint64_t count = next_number(from);

    must(count <= max ? CAIRN_OK : CAIRN_E_LIMIT, "too many pairs");
    for (size_t i = 0; i < count; i++) {
        out[i].name = next(from);
        out[i].value = next(from);
    }
    return (size_t)count;
}

/* What of a request is signed either way. */
typedef struct signing {
    bool presign;
    sigv4_signer signer;
    secret key;
    secret token;
    sigv4_request request;
    uint64_t expires_s;
    sigv4_pair query[CAIRN_SIGV4_QUERY_MAX];
    size_t query_count;
    sigv4_pair headers[CAIRN_SIGV4_HEADERS_MAX];
} signing;

static secret secret_of(char *text)
{
    return (secret){text, strlen(text)};
}

static void read_signing(fields *from, signing *out)
{
    out->presign = strcmp(next(from), "presign") == 0;
    out->signer.wall_ms = next_number(from);
    out->signer.region = next(from);
    out->signer.service = "s3";
    out->signer.access_key_id = next(from);
    out->key = secret_of(next(from));
    out->signer.secret_key = &out->key;
    out->token = secret_of(next(from));
    out->request.method = next(from);
    out->request.path = next(from);
    out->expires_s = next_number(from);
    out->request.payload_hash = next(from);
    out->query_count = next_pairs(from, CAIRN_SIGV4_QUERY_MAX, out->query);
    out->request.header_count = next_pairs(from, CAIRN_SIGV4_HEADERS_MAX, out->headers);
    out->request.headers = out->headers;
}

static void answer(signing *what, sigv4_key *cache)
{
    CAIRN_AUTO(cairn_buf) path = {0};
    CAIRN_AUTO(cairn_buf) query = {0};
    CAIRN_AUTO(cairn_buf) authorization = {0};
    CAIRN_AUTO(cairn_buf) url_query = {0};

    must(sigv4_encode_path(what->request.path, &path, NULL), "path");
    must(sigv4_query(what->query, what->query_count, &query, NULL), "query");
    what->request.path = buf_text(&path);
    what->request.query = buf_text(&query);
    what->signer.key_cache = cache;
    if (what->presign) {
        const secret *token = what->token.len == 0 ? NULL : &what->token;

        must(sigv4_presign(&what->signer, &what->request, token, what->expires_s, &url_query, NULL),
             "presign");
    } else {
        must(sigv4_authorization(&what->signer, &what->request, &authorization, NULL), "sign");
    }
    printf("%s\t%s\t%s\n", what->request.path,
           what->presign ? buf_text(&url_query) : what->request.query, buf_text(&authorization));
}

int main(void)
{
    static char line[LINE_SIZE];
    sigv4_key cache = {0};

    while (fgets(line, sizeof(line), stdin) != NULL) {
        CAIRN_AUTO(fields) from = {0};
        signing what = {0};

        split(line, &from);
        read_signing(&from, &what);
        answer(&what, &cache);
    }
    return 0;
}
