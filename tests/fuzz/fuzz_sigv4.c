/*
 * The signer. The input is texts with a line end between them: path, region, key id, then names and
 * values that are tried as a query and as headers. What is encoded decodes to what it was; queries
 * come out sorted; nothing that is signed can add a line to the text that is signed; a cached key
 * signs as a fresh one.
 */
#include "bounds.h"
#include "buf.h"
#include "encode.h"
#include "fuzz.h"
#include "s3_sigv4.h"

#include <stdlib.h>
#include <string.h>

#define PAIRS_MAX 12

static void must(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* Cuts a text at its first line end; the rest, or "" at the end. */
static char *next_text(char **rest)
{
    static char empty[] = "";
    char *text = strsep(rest, "\n");

    return text == NULL ? empty : text;
}

static void must_decode_to(const cairn_buf *encoded, const char *text)
{
    const uint8_t *at = encoded->data;
    const uint8_t *end = at + encoded->len;

    for (; at < end; text++) {
        if (*at == '%') {
            must(end - at >= 3 && hex_digit_value(at[1]) >= 0 && hex_digit_value(at[2]) >= 0);
            must((uint8_t)*text == hex_digit_value(at[1]) * 16 + hex_digit_value(at[2]));
            at += 3;
        } else {
            must((char)*at == *text && *text > ' ' && *text < 0x7f);
            at++;
        }
    }
    must(*text == '\0');
}

/* By name, then by value: with the '=' as the least of all bytes, as text. */
static void must_be_sorted(const char *query)
{
    const char *before = NULL;
    size_t before_len = 0;

    while (*query != '\0') {
        const size_t len = strcspn(query, "&");

        if (before != NULL) {
            const size_t a = strcspn(before, "=");
            const size_t b = strcspn(query, "=");
            const int order = memcmp(before, query, a < b ? a : b);
            must(order < 0 || (order == 0 && a <= b));
        }
        must(memchr(query, '=', len) != NULL);
        before = query;
        before_len = len;
        query += len + (query[len] == '&' ? 1 : 0);
    }
    must(before == NULL || before_len > 0);
}

static size_t count_of(const cairn_buf *text, char byte)
{
    size_t count = 0;

    for (size_t i = 0; i < text->len; i++) {
        count += text->data[i] == (uint8_t)byte ? 1 : 0;
    }
    return count;
}

static void run_authorization(const sigv4_signer *signer, const sigv4_request *request)
{
    CAIRN_AUTO(cairn_buf) canonical = {0};
    CAIRN_AUTO(cairn_buf) fresh = {0};
    CAIRN_AUTO(cairn_buf) cached = {0};
    sigv4_key cache = {0};
    sigv4_signer with_cache = *signer;

    with_cache.key_cache = &cache;
    if (sigv4_canonical(request, &canonical, NULL) == CAIRN_OK) {
        must(count_of(&canonical, '\n') == 5 + request->header_count);
        must(count_of(&canonical, '\r') == 0);
    }
    if (sigv4_authorization(signer, request, &fresh, NULL) != CAIRN_OK) {
        must(fresh.len == 0);
        return;
    }
    must(canonical.len > 0 && count_of(&fresh, '\n') == 0);
    for (int round = 0; round < 2; round++) {
        buf_clear(&cached);
        must(sigv4_authorization(&with_cache, request, &cached, NULL) == CAIRN_OK);
        must(cairn_slice_equal(cairn_buf_slice(&fresh), cairn_buf_slice(&cached)));
    }
}

static void run_presign(const sigv4_signer *signer, const sigv4_request *request,
                        const secret *token)
{
    CAIRN_AUTO(cairn_buf) query = {0};
    static const char member[] = "&X-Amz-Signature=";

    if (sigv4_presign(signer, request, token, 60, &query, NULL) != CAIRN_OK) {
        must(query.len == 0);
        return;
    }
    must(query.len > 64 + sizeof(member));
    query.len -= 64;
    must(memcmp(query.data + query.len - (sizeof(member) - 1), member, sizeof(member) - 1) == 0);
    query.len -= sizeof(member) - 1;
    must_be_sorted(buf_text(&query));
}

static void run(char *text)
{
    static char key_text[] = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    const secret key = {key_text, sizeof(key_text) - 1};
    CAIRN_AUTO(cairn_buf) path = {0};
    CAIRN_AUTO(cairn_buf) query = {0};
    sigv4_pair pairs[PAIRS_MAX];
    size_t count = 0;
    char *rest = text;
    char *raw_path = next_text(&rest);
    sigv4_signer signer = {.secret_key = &key, .service = "s3", .wall_ms = 1369353600000};

    signer.region = next_text(&rest);
    signer.access_key_id = next_text(&rest);
    for (; rest != NULL && count < PAIRS_MAX; count++) {
        pairs[count].name = next_text(&rest);
        pairs[count].value = next_text(&rest);
    }
    must(buf_append_byte(&path, '/', NULL) == CAIRN_OK);
    must(sigv4_encode_path(raw_path, &path, NULL) == CAIRN_OK);
    must_decode_to(&(cairn_buf){.data = path.data + 1, .len = path.len - 1}, raw_path);
    must(sigv4_query(pairs, count, &query, NULL) == CAIRN_OK && buf_text(&query) != NULL);
    must_be_sorted((const char *)query.data);
    const secret token = {raw_path, strlen(raw_path)};
    const sigv4_request request = {.method = "GET",
                                   .path = buf_text(&path),
                                   .query = (const char *)query.data,
                                   .headers = pairs,
                                   .header_count = count,
                                   .payload_hash = SIGV4_UNSIGNED_PAYLOAD};
    run_authorization(&signer, &request);
    run_presign(&signer, &request, &token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text CAIRN_AUTO_FREE = mem_strndup(size == 0 ? (const uint8_t *)"" : data, size);

    must(text != NULL);
    run(text);
    return 0;
}
