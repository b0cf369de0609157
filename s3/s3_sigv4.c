/*
 * A straight line of pure steps: query, canonical request, text to sign, signature. What holds a
 * token or a key on the way is reserved in one piece, so that growing leaves no copy, and wiped.
 */
#include "s3_sigv4.h"

#include "bounds.h"
#include "buf.h"
#include "clock.h"
#include "errors.h"
#include "s3_sigv4_query.h"

#include <stdio.h>
#include <string.h>

#define ALGORITHM         "AWS4-HMAC-SHA256"
#define REGION_BYTES_MAX  (sizeof(((sigv4_key *)0)->region) - 1)
#define SERVICE_BYTES_MAX 16
#define DAY_BYTES         8
#define SCOPE_SIZE        80 /* day, region, service, "aws4_request" and what stands between them */
#define EXPIRES_S_MAX     604800
#define PRESIGN_PAIRS_MAX 6
#define SIGNATURE_MEMBER  "&X-Amz-Signature="

_Static_assert(SCOPE_SIZE > DAY_BYTES + REGION_BYTES_MAX + SERVICE_BYTES_MAX + 15, "a scope fits");

static void wipe_key(sha256 *key)
{
    explicit_bzero(key, sizeof(*key));
}

typedef sha256 wiped_key;
CAIRN_DEFINE_AUTO(wiped_key, wipe_key)

void sigv4_format_time(uint64_t wall_ms, char out[SIGV4_TIME_SIZE])
{
    char text[CLOCK_RFC3339_SIZE];
    size_t len = 0;

    clock_format_rfc3339(wall_ms, text);
    for (const char *at = text; *at != '.'; at++) {
        if (*at != '-' && *at != ':') {
            out[len++] = *at;
        }
    }
    out[len++] = 'Z';
    out[len] = '\0';
}

static bool is_header_name(const char *name)
{
    for (const char *at = name; *at != '\0'; at++) {
        if (!sigv4_is_unreserved(*at) || (*at >= 'A' && *at <= 'Z')) {
            return false;
        }
    }
    return *name != '\0';
}

/* Bytes of 128 and above may be signed; a control byte could end the line. */
static bool is_header_value(const char *value)
{
    for (const char *at = value; *at != '\0'; at++) {
        const uint8_t byte = (uint8_t)*at;

        if ((byte < ' ' && byte != '\t') || byte == 0x7f) {
            return false;
        }
    }
    return true;
}

typedef struct header_list {
    const sigv4_pair *items[CAIRN_SIGV4_HEADERS_MAX]; /* sorted by name */
    size_t count;
} header_list;

static cairn_code insert_header(header_list *list, const sigv4_pair *header, cairn_error *err)
{
    size_t at = list->count;

    if (!is_header_name(header->name) || !is_header_value(header->value)) {
        return error_set(err, CAIRN_E_INVALID,
                         "sign a request: a header's name or value is not "
                         "valid: look for control bytes in the options");
    }
    for (; at > 0 && strcmp(list->items[at - 1]->name, header->name) >= 0; at--) {
        if (strcmp(list->items[at - 1]->name, header->name) == 0) {
            return error_set(err, CAIRN_E_INVALID, "sign a request: header %s stands twice",
                             header->name);
        }
        list->items[at] = list->items[at - 1];
    }
    list->items[at] = header;
    list->count++;
    return CAIRN_OK;
}

static cairn_code sort_headers(const sigv4_request *request, header_list *out, cairn_error *err)
{
    if (request->header_count > CAIRN_SIGV4_HEADERS_MAX) {
        return error_set(err, CAIRN_E_INVALID, "sign a request: %zu headers, more than %d",
                         request->header_count, CAIRN_SIGV4_HEADERS_MAX);
    }
    out->count = 0;
    for (size_t i = 0; i < request->header_count; i++) {
        CAIRN_TRY(insert_header(out, &request->headers[i], err));
    }
    return CAIRN_OK;
}

/* Without blanks at the ends, runs of them as one. */
static cairn_code append_trimmed(const char *value, cairn_buf *out, cairn_error *err)
{
    const char *at = value + strspn(value, " \t");

    while (*at != '\0') {
        const size_t word = strcspn(at, " \t");

        CAIRN_TRY(buf_append(out, at, word, err));
        at += word;
        at += strspn(at, " \t");
        if (*at != '\0') {
            CAIRN_TRY(buf_append_byte(out, ' ', err));
        }
    }
    return CAIRN_OK;
}

static cairn_code append_names(const header_list *headers, cairn_buf *out, cairn_error *err)
{
    for (size_t i = 0; i < headers->count; i++) {
        if (i > 0) {
            CAIRN_TRY(buf_append_byte(out, ';', err));
        }
        CAIRN_TRY(buf_append_text(out, headers->items[i]->name, err));
    }
    return CAIRN_OK;
}

static cairn_code append_headers(const header_list *headers, cairn_buf *out, cairn_error *err)
{
    for (size_t i = 0; i < headers->count; i++) {
        CAIRN_TRY(buf_append_text(out, headers->items[i]->name, err));
        CAIRN_TRY(buf_append_byte(out, ':', err));
        CAIRN_TRY(append_trimmed(headers->items[i]->value, out, err));
        CAIRN_TRY(buf_append_byte(out, '\n', err));
    }
    return CAIRN_OK;
}

static size_t canonical_bytes(const sigv4_request *request)
{
    return strlen(request->method) + strlen(request->path) + strlen(request->query) +
           2 * sigv4_pairs_bytes(request->headers, request->header_count) +
           strlen(request->payload_hash) + 8;
}

static cairn_code append_canonical(const sigv4_request *request, const header_list *headers,
                                   cairn_buf *out, cairn_error *err)
{
    const char *const lines[] = {request->method, request->path, request->query};

    CAIRN_TRY(buf_reserve(out, canonical_bytes(request), err));
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(lines); i++) {
        CAIRN_TRY(buf_append_text(out, lines[i], err));
        CAIRN_TRY(buf_append_byte(out, '\n', err));
    }
    CAIRN_TRY(append_headers(headers, out, err));
    CAIRN_TRY(buf_append_byte(out, '\n', err));
    CAIRN_TRY(append_names(headers, out, err));
    CAIRN_TRY(buf_append_byte(out, '\n', err));
    return buf_append_text(out, request->payload_hash, err);
}

cairn_code sigv4_canonical(const sigv4_request *request, cairn_buf *out, cairn_error *err)
{
    header_list headers;

    CAIRN_ASSERT(request->path[0] == '/');
    CAIRN_TRY(sort_headers(request, &headers, err));
    return append_canonical(request, &headers, out, err);
}

/* When and for what a signature counts. */
typedef struct signing_scope {
    char time[SIGV4_TIME_SIZE];
    char day[DAY_BYTES + 1];
    char text[SCOPE_SIZE];
} signing_scope;

static bool is_scope_word(const char *word, size_t max)
{
    for (const char *at = word; *at != '\0'; at++) {
        if (!sigv4_is_unreserved(*at)) {
            return false;
        }
    }
    return *word != '\0' && strlen(word) <= max;
}

/* Servers other than AWS let users choose an id; it must not break the header that it stands in. */
static bool is_access_key_id(const char *id)
{
    for (const char *at = id; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~' || *at == ',') {
            return false;
        }
    }
    return *id != '\0';
}

static cairn_code make_scope(const sigv4_signer *signer, signing_scope *out, cairn_error *err)
{
    CAIRN_ASSERT(secret_is_set(signer->secret_key));
    CAIRN_ASSERT(is_scope_word(signer->service, SERVICE_BYTES_MAX));
    if (!is_scope_word(signer->region, REGION_BYTES_MAX)) {
        return error_set(err, CAIRN_E_INVALID,
                         "sign a request: the region is not 1 to %zu letters, digits and '-'",
                         REGION_BYTES_MAX);
    }
    if (!is_access_key_id(signer->access_key_id)) {
        return error_set(err, CAIRN_E_INVALID,
                         "sign a request: the access key id is empty or "
                         "holds a blank, a comma or a byte that is no ASCII");
    }
    sigv4_format_time(signer->wall_ms, out->time);
    memcpy(out->day, out->time, DAY_BYTES);
    out->day[DAY_BYTES] = '\0';
    (void)snprintf(out->text, sizeof(out->text), "%s/%s/%s/aws4_request", out->day, signer->region,
                   signer->service);
    return CAIRN_OK;
}

static cairn_code derive_key(const sigv4_signer *signer, const char *day, sha256 *out,
                             cairn_error *err)
{
    CAIRN_AUTO(wiped_buf) first = {0};
    const char *const steps[] = {signer->region, signer->service, "aws4_request"};

    CAIRN_TRY(buf_reserve(&first, signer->secret_key->len + 4, err));
    CAIRN_TRY(buf_append_text(&first, "AWS4", err));
    CAIRN_TRY(buf_append(&first, signer->secret_key->text, signer->secret_key->len, err));
    CAIRN_TRY(hmac_sha256(cairn_buf_slice(&first), cairn_slice_of(day), out, err));
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(steps); i++) {
        CAIRN_TRY(hmac_sha256((cairn_slice){out->bytes, SHA256_BYTES}, cairn_slice_of(steps[i]),
                              out, err));
    }
    return CAIRN_OK;
}

static bool is_cached(const sigv4_key *cache, const char *day, const char *region,
                      const sha256 *of_secret)
{
    return cache->set && strcmp(cache->day, day) == 0 && strcmp(cache->region, region) == 0 &&
           sha256_equal(&cache->of_secret, of_secret);
}

static cairn_code find_key(const sigv4_signer *signer, const char *day, sha256 *out,
                           cairn_error *err)
{
    const cairn_slice secret_key = {signer->secret_key->text, signer->secret_key->len};
    sigv4_key *cache = signer->key_cache;
    sha256 of_secret;

    if (cache == NULL) {
        return derive_key(signer, day, out, err);
    }
    CAIRN_TRY(hmac_sha256(secret_key, cairn_slice_of(signer->service), &of_secret, err));
    if (!is_cached(cache, day, signer->region, &of_secret)) {
        CAIRN_TRY(derive_key(signer, day, out, err));
        *cache = (sigv4_key){.of_secret = of_secret, .derived = *out, .set = true};
        memcpy(cache->day, day, DAY_BYTES);
        memcpy(cache->region, signer->region, strlen(signer->region));
    }
    *out = cache->derived;
    return CAIRN_OK;
}

static cairn_code sign_canonical(const sigv4_signer *signer, const signing_scope *scope,
                                 cairn_slice canonical, char out[SHA256_HEX_SIZE], cairn_error *err)
{
    CAIRN_AUTO(wiped_key) key = {0};
    CAIRN_AUTO(cairn_buf) text = {0};
    char hex[SHA256_HEX_SIZE];
    sha256 digest;

    CAIRN_TRY(sha256_of(canonical, &digest, err));
    sha256_to_hex(&digest, hex);
    CAIRN_TRY(buf_printf(&text, err, ALGORITHM "\n%s\n%s\n%s", scope->time, scope->text, hex));
    CAIRN_TRY(find_key(signer, scope->day, &key, err));
    CAIRN_TRY(
        hmac_sha256((cairn_slice){key.bytes, SHA256_BYTES}, cairn_buf_slice(&text), &digest, err));
    sha256_to_hex(&digest, out);
    return CAIRN_OK;
}

cairn_code sigv4_authorization(const sigv4_signer *signer, const sigv4_request *request,
                               cairn_buf *out, cairn_error *err)
{
    CAIRN_AUTO(wiped_buf) canonical = {0};
    CAIRN_AUTO(cairn_buf) names = {0};
    char signature[SHA256_HEX_SIZE];
    signing_scope scope;
    header_list headers;

    CAIRN_TRY(make_scope(signer, &scope, err));
    CAIRN_TRY(sort_headers(request, &headers, err));
    CAIRN_TRY(append_canonical(request, &headers, &canonical, err));
    CAIRN_TRY(sign_canonical(signer, &scope, cairn_buf_slice(&canonical), signature, err));
    CAIRN_TRY(append_names(&headers, &names, err));
    const char *signed_names = buf_text(&names);
    if (signed_names == NULL) {
        return error_no_memory(err, "sign a request");
    }
    return buf_printf(out, err, ALGORITHM " Credential=%s/%s,SignedHeaders=%s,Signature=%s",
                      signer->access_key_id, scope.text, signed_names, signature);
}

typedef struct presigning {
    const sigv4_signer *signer;
    signing_scope scope;
    header_list headers;
    const secret *session_token; /* or NULL */
    uint64_t expires_s;
} presigning;

/* The X-Amz- members as a query, but for the signature. */
static cairn_code presign_members(const presigning *what, cairn_buf *out, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) credential = {0};
    CAIRN_AUTO(cairn_buf) names = {0};
    char expires[sizeof("4294967295")];
    size_t count = 0;

    CAIRN_TRY(buf_printf(&credential, err, "%s/%s", what->signer->access_key_id, what->scope.text));
    CAIRN_TRY(append_names(&what->headers, &names, err));
    if (buf_text(&credential) == NULL || buf_text(&names) == NULL) {
        return error_no_memory(err, "sign a URL");
    }
    (void)snprintf(expires, sizeof(expires), "%u", (unsigned)what->expires_s);
    sigv4_pair pairs[PRESIGN_PAIRS_MAX] = {
        {"X-Amz-Algorithm", ALGORITHM},
        {"X-Amz-Credential", (const char *)credential.data},
        {"X-Amz-Date", what->scope.time},
        {"X-Amz-Expires", expires},
        {"X-Amz-SignedHeaders", (const char *)names.data},
    };
    count = PRESIGN_PAIRS_MAX - 1;
    if (what->session_token != NULL && secret_is_set(what->session_token)) {
        pairs[count++] = (sigv4_pair){"X-Amz-Security-Token", what->session_token->text};
    }
    return sigv4_query(pairs, count, out, err);
}

/* `request` with the whole query; appends to it what signs it. */
static cairn_code append_signature(const presigning *what, const sigv4_request *request,
                                   cairn_buf *query, cairn_error *err)
{
    CAIRN_AUTO(wiped_buf) canonical = {0};
    char signature[SHA256_HEX_SIZE];

    CAIRN_TRY(append_canonical(request, &what->headers, &canonical, err));
    CAIRN_TRY(
        sign_canonical(what->signer, &what->scope, cairn_buf_slice(&canonical), signature, err));
    CAIRN_TRY(buf_append_text(query, SIGNATURE_MEMBER, err));
    return buf_append_text(query, signature, err);
}

cairn_code sigv4_presign(const sigv4_signer *signer, const sigv4_request *request,
                         const secret *session_token, uint64_t expires_s, cairn_buf *out,
                         cairn_error *err)
{
    presigning what = {.signer = signer, .session_token = session_token, .expires_s = expires_s};
    CAIRN_AUTO(wiped_buf) members = {0};
    CAIRN_AUTO(wiped_buf) query = {0};
    sigv4_request whole = *request;

    if (expires_s == 0 || expires_s > EXPIRES_S_MAX) {
        return error_set(err, CAIRN_E_INVALID, "sign a URL: a life of %llu s is not in 1 to %d s",
                         (unsigned long long)expires_s, EXPIRES_S_MAX);
    }
    CAIRN_TRY(make_scope(signer, &what.scope, err));
    CAIRN_TRY(sort_headers(request, &what.headers, err));
    CAIRN_TRY(presign_members(&what, &members, err));
    CAIRN_TRY(buf_reserve(
        &query, strlen(request->query) + members.len + sizeof(SIGNATURE_MEMBER) + SHA256_HEX_SIZE,
        err));
    CAIRN_TRY(sigv4_merge_queries(request->query, buf_text(&members), &query, err));
    whole.query = buf_text(&query); /* neither text grows its buffer: both have room for a NUL */
    whole.payload_hash = request->payload_hash == NULL ? SIGV4_UNSIGNED_PAYLOAD
                                                       : request->payload_hash;
    CAIRN_TRY(append_signature(&what, &whole, &query, err));
    return buf_append(out, query.data, query.len, err);
}
