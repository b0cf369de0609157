#include "s3_request.h"

#include "buf.h"
#include "cancel.h"
#include "clock.h"
#include "errors.h"
#include "logging.h"
#include "random.h"
#include "s3_checksum.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Of no bytes. */
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

_Static_assert(S3_REQUEST_PAIRS_MAX + 8 <= CAIRN_SIGV4_HEADERS_MAX, "own headers find room");

static void add_pair(s3_pairs *pairs, const char *name, const char *value)
{
    CAIRN_ASSERT(pairs->count < S3_REQUEST_PAIRS_MAX);
    pairs->items[pairs->count++] = (sigv4_pair){name, value};
}

void s3_request_query(s3_request *request, const char *name, const char *value)
{
    add_pair(&request->query, name, value);
}

void s3_request_header(s3_request *request, const char *name, const char *value)
{
    add_pair(&request->headers, name, value);
}

void s3_number(uint64_t value, char out[S3_NUMBER_SIZE])
{
    (void)snprintf(out, S3_NUMBER_SIZE, "%" PRIu64, value);
}

void s3_exchange_release(s3_exchange *x)
{
    if (x->store != NULL) {
        s3_throttle_leave(&x->store->throttle, &x->pass, CAIRN_S3_LOAD_UNKNOWN);
    }
    http_reply_release(&x->http.reply);
    cairn_buf_release(&x->url);
    secret_buf_release(&x->lines);
    s3_keys_release(&x->keys);
}

/* ---- Preparing ---- */

static bool sends_length(http_method method)
{
    return method == CAIRN_HTTP_PUT || method == CAIRN_HTTP_POST;
}

/* What is signed: the request's own headers and those of every request. */
typedef struct draft {
    cairn_buf path;
    cairn_buf query;
    cairn_buf authorization;
    sigv4_pair headers[CAIRN_SIGV4_HEADERS_MAX];
    size_t count;
    char date[SIGV4_TIME_SIZE];
    char length[S3_NUMBER_SIZE];
    const char *payload_hash;
    uint64_t wall_ms;
} draft;

static void draft_release(draft *d)
{
    cairn_buf_release(&d->path);
    cairn_buf_release(&d->query);
    secret_buf_release(&d->authorization);
}
CAIRN_DEFINE_AUTO(draft, draft_release)

static void draft_header(draft *d, const char *name, const char *value)
{
    CAIRN_ASSERT(d->count < CAIRN_SIGV4_HEADERS_MAX);
    d->headers[d->count++] = (sigv4_pair){name, value};
}

cairn_code s3_check_key(const s3_store *store, const char *key, cairn_error *err)
{
    if (strlen(store->prefix) + strlen(key) > CAIRN_OBJECT_KEY_BYTES_MAX) {
        return error_set(err, CAIRN_E_INVALID, "with the prefix %s it is longer than %d bytes",
                         store->prefix, CAIRN_OBJECT_KEY_BYTES_MAX);
    }
    return CAIRN_OK;
}

static cairn_code draft_path(const s3_exchange *x, draft *d, cairn_error *err)
{
    const s3_store *store = x->store;
    const char *key = x->request->key;

    if (key == NULL) { /* the bucket: "/bucket", or "/" where the host names it */
        const size_t bucket = x->place.virtual_host ? 0 : strlen(store->bucket);
        return buf_append(&d->path, store->path_base, 1 + bucket, err);
    }
    CAIRN_TRY(s3_check_key(store, key, err));
    CAIRN_TRY(buf_append_text(&d->path, store->path_base, err));
    return sigv4_encode_path(key, &d->path, err);
}

static const char *payload_hash_of(const s3_exchange *x)
{
    if (x->request->source.length == 0) {
        return EMPTY_SHA256;
    }
    return x->request->payload_hash != NULL ? x->request->payload_hash : SIGV4_UNSIGNED_PAYLOAD;
}

/* `host` and `content-length` come first: they are signed, libcurl sends them itself. */
static void draft_headers(s3_exchange *x, draft *d)
{
    const s3_request *request = x->request;

    draft_header(d, "host", x->hop[0] != '\0' ? x->hop : x->place.host);
    if (sends_length(request->method)) {
        s3_number(request->source.length, d->length);
        draft_header(d, "content-length", d->length);
    }
    d->payload_hash = payload_hash_of(x);
    sigv4_format_time(d->wall_ms, d->date);
    draft_header(d, "x-amz-content-sha256", d->payload_hash);
    draft_header(d, "x-amz-date", d->date);
    if (secret_is_set(&x->keys.session_token)) {
        draft_header(d, "x-amz-security-token", x->keys.session_token.text);
    }
    if (x->store->requester_pays) {
        draft_header(d, "x-amz-request-payer", "requester");
    }
    for (size_t i = 0; i < request->headers.count; i++) {
        draft_header(d, request->headers.items[i].name, request->headers.items[i].value);
    }
}

static void keep_key(s3_store *store, const sigv4_key *key)
{
    CAIRN_ASSERT(pthread_mutex_lock(&store->lock) == 0);
    store->synced.key = *key;
    CAIRN_ASSERT(pthread_mutex_unlock(&store->lock) == 0);
}

static cairn_code sign(s3_exchange *x, draft *d, sigv4_key *key, cairn_error *err)
{
    const bool known = key->set;
    const sigv4_key before = *key;
    const sigv4_signer signer = {
        .access_key_id = x->keys.access_key_id,
        .secret_key = &x->keys.secret_key,
        .region = x->place.region,
        .service = "s3",
        .wall_ms = d->wall_ms,
        .key_cache = key,
    };
    const sigv4_request request = {
        .method = http_method_name(x->request->method),
        .path = buf_text(&d->path),
        .query = buf_text(&d->query),
        .headers = d->headers,
        .header_count = d->count,
        .payload_hash = d->payload_hash,
    };

    if (request.path == NULL || request.query == NULL) {
        return error_no_memory(err, "a request");
    }
    CAIRN_TRY(sigv4_authorization(&signer, &request, &d->authorization, err));
    if (!known || memcmp(&before, key, sizeof(before)) != 0) {
        keep_key(x->store, key);
    }
    return CAIRN_OK;
}

/* Lines are kept as texts in one buffer; reserved at once, so that growing leaves no copy of a
 * token. */
static cairn_code write_lines(s3_exchange *x, draft *d, cairn_error *err)
{
    const size_t first = sends_length(x->request->method) ? 2 : 1;
    const char *authorization = buf_text(&d->authorization);
    size_t need = 0;
    size_t lines = 0;

    if (authorization == NULL) {
        return error_no_memory(err, "a request");
    }
    draft_header(d, "authorization", authorization);
    for (size_t i = first; i < d->count; i++) {
        need += strlen(d->headers[i].name) + strlen(d->headers[i].value) + 3;
    }
    CAIRN_TRY(buf_reserve(&x->lines, need + 1, err));
    for (size_t i = first; i < d->count; i++) {
        x->line_list[lines++] = (const char *)x->lines.data + x->lines.len;
        CAIRN_TRY(buf_append_text(&x->lines, d->headers[i].name, err));
        CAIRN_TRY(buf_append_text(&x->lines, ": ", err));
        CAIRN_TRY(buf_append(&x->lines, d->headers[i].value, strlen(d->headers[i].value) + 1, err));
    }
    x->line_list[lines] = NULL;
    return CAIRN_OK;
}

static cairn_code write_url(s3_exchange *x, draft *d, cairn_error *err)
{
    const char *host = x->hop[0] != '\0' ? x->hop : x->place.host;
    const char *query = (const char *)d->query.data;

    return buf_printf(&x->url, err, "%s://%s%s%s%s", x->place.https ? "https" : "http", host,
                      (const char *)d->path.data, query[0] == '\0' ? "" : "?", query);
}

static void reset(s3_exchange *x)
{
    http_reply_release(&x->http.reply);
    buf_clear(&x->url);
    secret_buf_release(&x->lines);
    s3_keys_release(&x->keys);
    x->error = (s3_error){.status = 0};
}

static void wipe_learnt(s3_learnt *learnt)
{
    explicit_bzero(learnt, sizeof(*learnt));
}
CAIRN_DEFINE_AUTO(s3_learnt, wipe_learnt)

cairn_code s3_exchange_prepare(s3_exchange *x, cairn_error *err)
{
    CAIRN_AUTO(s3_learnt) learnt = s3_store_learnt(x->store);
    CAIRN_AUTO(draft)
    d = {.wall_ms = (uint64_t)((int64_t)clock_wall_ms() + learnt.clock_offset_ms)};

    reset(x);
    x->place = learnt.place;
    CAIRN_TRY(s3_credentials_get(x->store->credentials, x->call, &x->keys, err));
    CAIRN_TRY(draft_path(x, &d, err));
    CAIRN_TRY(sigv4_query(x->request->query.items, x->request->query.count, &d.query, err));
    draft_headers(x, &d);
    CAIRN_TRY(sign(x, &d, &learnt.key, err));
    CAIRN_TRY(write_url(x, &d, err));
    CAIRN_TRY(write_lines(x, &d, err));
    const unsigned expect = x->request->source.length >= CAIRN_S3_EXPECT_BYTES ? HTTP_EXPECT : 0;
    x->http = (http_exchange){
        .method = x->request->method,
        .url = buf_text(&x->url),
        .headers = x->line_list,
        .source = x->request->source,
        .sink = x->request->sink,
        .flags = x->request->flags | expect,
        .halt_ms = x->request->halt_ms,
    };
    return x->http.url != NULL ? CAIRN_OK : error_no_memory(err, "a request");
}

/* ---- Judging ---- */

/* The server said that the time is wrong, and its reply says which one is right. */
static bool mend_clock(s3_exchange *x)
{
    const int64_t offset = (int64_t)x->error.server_ms - (int64_t)clock_wall_ms();
    s3_store *store = x->store;

    if (x->clock_mended || x->error.server_ms == 0 ||
        (offset < 0 ? -offset : offset) > (int64_t)CAIRN_S3_SKEW_MS_MAX) {
        return false;
    }
    x->clock_mended = true;
    CAIRN_ASSERT(pthread_mutex_lock(&store->lock) == 0);
    store->synced.clock_offset_ms = offset;
    CAIRN_ASSERT(pthread_mutex_unlock(&store->lock) == 0);
    log_write(&store->log, CAIRN_LOG_WARN,
              "%s: the server's clock is %" PRId64 " s from ours: requests are signed for its time",
              store->uri, offset / 1000);
    return true;
}

static cairn_code mend_keys(s3_exchange *x, bool *out_mended, cairn_error *err)
{
    if (x->keys_mended) {
        return CAIRN_OK;
    }
    x->keys_mended = true;
    return s3_credentials_refresh(x->store->credentials, x->call, x->keys.access_key_id, out_mended,
                                  err);
}

/* Another thread may have mended the place since this request was signed. */
static bool mend_region(s3_exchange *x)
{
    s3_store *store = x->store;
    bool moved = false;

    if (x->region_mended || x->error.region[0] == '\0' ||
        strcmp(x->error.region, x->place.region) == 0) {
        return false;
    }
    x->region_mended = true;
    x->hop[0] = '\0';
    CAIRN_ASSERT(pthread_mutex_lock(&store->lock) == 0);
    moved = s3_place_move(&store->synced.place, store->bucket, x->error.region);
    if (moved) {
        s3_crc_forget(store);
    }
    const bool there = strcmp(store->synced.place.region, x->error.region) == 0;
    CAIRN_ASSERT(pthread_mutex_unlock(&store->lock) == 0);
    if (moved) {
        log_write(&store->log, CAIRN_LOG_INFO, "%s: the bucket is in region %s", store->uri,
                  x->error.region);
    }
    return there;
}

static bool follow(s3_exchange *x)
{
    cairn_slice location;

    return x->hop[0] == '\0' && http_header(&x->http.reply, "location", &location) &&
           s3_place_hop(&x->place, x->store->bucket, location, x->hop);
}

static cairn_code mend(s3_exchange *x, bool *out_mended, cairn_error *err)
{
    switch (x->verdict.action) {
    case CAIRN_S3_FIX_CLOCK:
        *out_mended = mend_clock(x);
        return CAIRN_OK;
    case CAIRN_S3_FIX_CREDENTIALS:
        return mend_keys(x, out_mended, err);
    case CAIRN_S3_FIX_REGION:
        *out_mended = mend_region(x);
        return CAIRN_OK;
    case CAIRN_S3_FOLLOW:
        *out_mended = follow(x);
        return CAIRN_OK;
    case CAIRN_S3_NONE:
    case CAIRN_S3_RETRY:
    case CAIRN_S3_RETRY_THROTTLE:
    case CAIRN_S3_LEARN_WHY:
    case CAIRN_S3_READ_BACK:
    case CAIRN_S3_UPLOAD_GONE:
    case CAIRN_S3_RESTART_UPLOAD:
    case CAIRN_S3_HASH_AGAIN:
    case CAIRN_S3_HELD:
        break;
    }
    return CAIRN_OK;
}

/* A server that answers before it has all of the body has not stored it, whatever it says. */
static cairn_code check_sent(const s3_exchange *x, cairn_error *err)
{
    const http_reply *reply = &x->http.reply;

    if (reply->sent >= x->request->source.length) {
        return CAIRN_OK;
    }
    return error_set(err, CAIRN_E_UNAVAILABLE,
                     "the server answered %u after %" PRIu64 " of %" PRIu64 " bytes", reply->status,
                     reply->sent, x->request->source.length);
}

cairn_code s3_exchange_judge(s3_exchange *x, cairn_code code, const cairn_error *why,
                             bool *out_again, cairn_error *err)
{
    const http_reply *reply = &x->http.reply;
    cairn_error refusal = {0};
    cairn_error mending = {0};

    if (code != CAIRN_OK) {
        s3_throttle_leave(&x->store->throttle, &x->pass, CAIRN_S3_LOAD_UNKNOWN);
        return error_set(err, code, "%s", why->message);
    }
    if (reply->status >= 200 && reply->status < 300) {
        s3_throttle_leave(&x->store->throttle, &x->pass, CAIRN_S3_LOAD_FINE);
        return check_sent(x, err);
    }
    code = s3_reply_fail(reply, x->request->asked, &x->error, &x->verdict, &refusal);
    s3_throttle_leave(&x->store->throttle, &x->pass,
                      x->verdict.action == CAIRN_S3_RETRY_THROTTLE ? CAIRN_S3_LOAD_TOO_MUCH
                                                                   : CAIRN_S3_LOAD_UNKNOWN);
    /* A refresh that fails explains more than the refusal that caused it. */
    const cairn_code mended = mend(x, out_again, &mending);
    if (*out_again) {
        return CAIRN_OK;
    }
    if (err != NULL) {
        *err = mended != CAIRN_OK ? mending : refusal;
    }
    return mended != CAIRN_OK ? mended : code;
}

cairn_code s3_exchange_send(s3_exchange *x, cairn_error *err)
{
    for (unsigned i = 0; i <= CAIRN_S3_FIXES_MAX; i++) {
        cairn_error why = {0};
        bool again = false;
        CAIRN_TRY(s3_exchange_prepare(x, err));
        CAIRN_TRY(s3_throttle_enter(&x->store->throttle, x->call, &x->pass, err));
        const cairn_code sent = http_perform(x->store->http, x->call, &x->http, &why);
        const cairn_code code = s3_exchange_judge(x, sent, &why, &again, err);
        if (!again) {
            return code;
        }
    }
    return error_set(err, CAIRN_E_INTERNAL, "a request was mended too often");
}

bool s3_exchange_wants(const s3_exchange *x, s3_action action)
{
    return x->error.status != 0 && x->verdict.action == action;
}

bool s3_tries_again(s3_tries *tries, s3_store *store, const cairn_call *call,
                    const cairn_error *failure, uint64_t *out_delay_ms)
{
    const uint64_t now = clock_monotonic_ms();

    tries->count++;
    const retry_failure decide = {
        .attempt = tries->count,
        .code = failure->code,
        .retry_after_ms = failure->retry_after_ms,
        .elapsed_ms = now - tries->begin_ms,
        .remaining_ms = call_remaining_ms(call, UINT64_MAX),
        .random = random_u64(),
    };
    return retry_decide(&decide, out_delay_ms) && retry_budget_take(&store->budget);
}
