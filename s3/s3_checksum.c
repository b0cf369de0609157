#include "s3_checksum.h"

#include "buf.h"
#include "cancel.h"
#include "errors.h"
#include "logging.h"
#include "s3_upload.h"

#include <stdatomic.h>
#include <string.h>

#define HEADER "x-amz-checksum-crc32c"

static const char proof_text[] = "cairn asks whether the CRC-32C of a part is checked";

/* ---- The proof ---- */

typedef enum finding {
    CAIRN_S3_FINDING_NONE = 0, /* it could not be asked */
    CAIRN_S3_FINDING_CHECKED = 1,
    CAIRN_S3_FINDING_IGNORED = 2
} finding;

/* What a failure that is not the one asked for says about the server. */
static finding of_failure(cairn_code code)
{
    const bool says_nothing = retry_is_transient(code) || code == CAIRN_E_CANCELLED ||
                              code == CAIRN_E_NO_MEMORY;

    return says_nothing ? CAIRN_S3_FINDING_NONE : CAIRN_S3_FINDING_IGNORED;
}

static bool is_sum(cairn_slice text, const char *sum)
{
    return text.len == strlen(sum) && memcmp(text.data, sum, text.len) == 0;
}

static bool repeats(const http_reply *reply, const char *sum)
{
    cairn_slice text;

    return http_header(reply, HEADER, &text) && is_sum(text, sum);
}

/* What is to be found out, for whom, and where. */
typedef struct proof {
    s3_store *store;
    cairn_call call;
    cairn_call tidy; /* to remove its traces */
    const char *key;
    char right[S3_CRC32C_SIZE];
    char wrong[S3_CRC32C_SIZE];
    unsigned moves; /* of the bucket, before the first answer that counts */
} proof;

/* A body with a wrong CRC was sent. */
static finding judge_wrong(const s3_exchange *x, cairn_code code)
{
    if (code == CAIRN_OK) {
        return CAIRN_S3_FINDING_IGNORED;
    }
    if (x->error.status >= 400 && x->error.status < 500 &&
        (strcmp(x->error.code, "BadDigest") == 0 ||
         strcmp(x->error.code, "XAmzContentChecksumMismatch") == 0)) {
        return CAIRN_S3_FINDING_CHECKED;
    }
    return of_failure(code);
}

static cairn_code send_part(s3_exchange *x, const s3_upload *upload, const char *number,
                            const char *sum)
{
    s3_request request = {.method = CAIRN_HTTP_PUT,
                          .asked = CAIRN_S3_ASKED_UPLOAD,
                          .key = upload->key,
                          .source = {proof_text, -1, 0, sizeof(proof_text) - 1}};

    s3_request_query(&request, "partNumber", number);
    s3_request_query(&request, "uploadId", upload->id);
    s3_request_header(&request, HEADER, sum);
    x->request = &request;
    const cairn_code code = s3_exchange_send(x, NULL);
    x->request = NULL;
    return code;
}

static finding ask_with_wrong(const s3_upload *upload, const char *sum)
{
    CAIRN_AUTO(s3_exchange) x = {.store = upload->store, .call = upload->call};
    const cairn_code code = send_part(&x, upload, "1", sum);

    return judge_wrong(&x, code);
}

static finding ask_with_right(const s3_upload *upload, const char *sum)
{
    CAIRN_AUTO(s3_exchange) x = {.store = upload->store, .call = upload->call};
    const cairn_code code = send_part(&x, upload, "2", sum);

    if (code != CAIRN_OK) {
        return of_failure(code);
    }
    return repeats(&x.http.reply, sum) ? CAIRN_S3_FINDING_CHECKED : CAIRN_S3_FINDING_IGNORED;
}

static finding ask_by_parts(proof *p)
{
    CAIRN_AUTO(s3_upload)
    upload = {.store = p->store, .call = &p->call, .key = p->key, .by_crc32c = true};
    const cairn_code code = s3_upload_begin(&upload, NULL);

    if (code != CAIRN_OK) {
        return of_failure(code);
    }
    p->moves = atomic_load(&p->store->crc.moves);
    finding found = ask_with_wrong(&upload, p->wrong);
    found = found == CAIRN_S3_FINDING_CHECKED ? ask_with_right(&upload, p->right) : found;
    s3_upload_abort(&upload, &p->tidy);
    return found;
}

static finding put_wrong(const proof *p, const char *key)
{
    s3_put_headers headers = {0};
    s3_request request = {.method = CAIRN_HTTP_PUT,
                          .asked = CAIRN_S3_ASKED_WRITE,
                          .key = key,
                          .source = {proof_text, -1, 0, sizeof(proof_text) - 1}};
    CAIRN_AUTO(s3_exchange) x = {.store = p->store, .call = &p->call, .request = &request};

    s3_add_put_headers(p->store, &headers, &request);
    s3_request_header(&request, HEADER, p->wrong);
    const cairn_code code = s3_exchange_send(&x, NULL);
    x.request = NULL;
    return judge_wrong(&x, code);
}

/* In the folder of the caller's key, where he may write; readers of data skip a leading '_', and
 * layout_parse knows the name. */
static cairn_code name_probe(const char *key, cairn_buf *out, cairn_error *err)
{
    const char *slash = strrchr(key, '/');
    char id[RANDOM_ID_SIZE];

    random_id(id);
    CAIRN_TRY(buf_append(out, key, slash == NULL ? 0 : (size_t)(slash + 1 - key), err));
    return buf_printf(out, err, "_crc32c-%s", id);
}

/* What a server stored that looks at parts alone, or may have stored. */
static void remove_probe(const proof *p, const char *key)
{
    s3_store *store = p->store;
    cairn_error err = {0};

    if (s3_remove(store, &p->tidy, key, &err) != CAIRN_OK) {
        log_write(&store->log, CAIRN_LOG_WARN, "%s: the probe %s%s may stay: %s", store->uri,
                  store->prefix, key, err.message);
    }
}

static finding ask_by_put(const proof *p)
{
    CAIRN_AUTO(cairn_buf) name = {0};

    if (name_probe(p->key, &name, NULL) != CAIRN_OK || buf_text(&name) == NULL) {
        return CAIRN_S3_FINDING_NONE;
    }
    const finding found = put_wrong(p, buf_text(&name));
    if (found != CAIRN_S3_FINDING_CHECKED) {
        remove_probe(p, buf_text(&name));
    }
    return found;
}

static finding ask(proof *p)
{
    const uint32_t crc = crc32c_update(0, proof_text, sizeof(proof_text) - 1);

    if (s3_crc32c_text(crc, p->right, NULL) != CAIRN_OK ||
        s3_crc32c_text(crc ^ 1, p->wrong, NULL) != CAIRN_OK) {
        return CAIRN_S3_FINDING_NONE;
    }
    const finding found = ask_by_parts(p);
    return found == CAIRN_S3_FINDING_CHECKED ? ask_by_put(p) : found;
}

/* ---- What is known ---- */

static bool take_turn(s3_crc *crc)
{
    unsigned expected = CAIRN_S3_CRC_UNASKED;

    return atomic_compare_exchange_strong(&crc->state, &expected, CAIRN_S3_CRC_ASKING);
}

/* Unless a distrust came meanwhile: that stays. */
static bool end_turn(s3_crc *crc, s3_crc_state next)
{
    unsigned asking = CAIRN_S3_CRC_ASKING;

    return atomic_compare_exchange_strong(&crc->state, &asking, next);
}

void s3_crc_forget(s3_store *store)
{
    unsigned proved = CAIRN_S3_CRC_PROVED;

    atomic_fetch_add(&store->crc.moves, 1);
    (void)atomic_compare_exchange_strong(&store->crc.state, &proved, CAIRN_S3_CRC_UNASKED);
}

/* A move that came between the answers, or comes now, is seen here or takes the trust back itself.
 */
static void trust(const proof *p)
{
    s3_crc *crc = &p->store->crc;
    unsigned proved = CAIRN_S3_CRC_PROVED;

    if (!end_turn(crc, CAIRN_S3_CRC_PROVED)) {
        return;
    }
    if (atomic_load(&crc->moves) != p->moves) {
        (void)atomic_compare_exchange_strong(&crc->state, &proved, CAIRN_S3_CRC_UNASKED);
        return;
    }
    log_write(&p->store->log, CAIRN_LOG_DEBUG, "%s: the server checks the CRC-32C of bodies",
              p->store->uri);
}

static void keep(const proof *p, finding found)
{
    s3_store *store = p->store;
    s3_crc *crc = &store->crc;
    const bool asks_again = atomic_fetch_add(&crc->proofs, 1) + 1 < CAIRN_S3_PROOFS_MAX;

    switch (found) {
    case CAIRN_S3_FINDING_NONE:
        (void)end_turn(crc, asks_again ? CAIRN_S3_CRC_UNASKED : CAIRN_S3_CRC_DISTRUSTED);
        break;
    case CAIRN_S3_FINDING_CHECKED:
        trust(p);
        break;
    case CAIRN_S3_FINDING_IGNORED:
        s3_crc_distrust(store, "the server does not check it");
        break;
    }
}

/* A put that is in a hurry asks nothing; another one will. */
static bool has_time(const cairn_call *call)
{
    return call_remaining_ms(call, CAIRN_S3_PROOF_MS) == CAIRN_S3_PROOF_MS;
}

static void prove(s3_store *store, const cairn_call *call, const char *key)
{
    const uint64_t quarter = call_remaining_ms(call, 4 * CAIRN_S3_PROOF_MS) / 4;
    const cairn_cancel *cancel = call == NULL ? NULL : call->cancel;
    proof p = {.store = store,
               .call = {cairn_deadline_in(quarter), cancel},
               .tidy = {cairn_deadline_in(2 * quarter), cancel},
               .key = key};

    keep(&p, ask(&p));
}

static bool may_serve(const s3_store *store, uint64_t length)
{
    return store->crc.allowed && !store->wants_md5 && length >= CAIRN_S3_CRC_BYTES_MIN;
}

bool s3_crc_is_proved(const s3_store *store, uint64_t length)
{
    return may_serve(store, length) && atomic_load(&store->crc.state) == CAIRN_S3_CRC_PROVED;
}

bool s3_crc_serves(s3_store *store, const cairn_call *call, const char *key, uint64_t length)
{
    s3_crc *crc = &store->crc;

    if (!may_serve(store, length)) {
        return false;
    }
    if (atomic_load(&crc->state) == CAIRN_S3_CRC_UNASKED &&
        atomic_fetch_add(&crc->signed_bytes, length) + length >= CAIRN_S3_PROOF_BYTES &&
        has_time(call) && take_turn(crc)) {
        prove(store, call, key);
    }
    return s3_crc_is_proved(store, length);
}

cairn_code s3_crc_check(s3_store *store, const http_reply *reply, const char sent[S3_CRC32C_SIZE],
                        cairn_error *err)
{
    cairn_slice told = {NULL, 0};

    (void)http_header(reply, HEADER, &told);
    return s3_crc_compare(store, told, sent, err);
}

cairn_code s3_crc_compare(s3_store *store, cairn_slice told, const char sent[S3_CRC32C_SIZE],
                          cairn_error *err)
{
    if (is_sum(told, sent)) {
        return CAIRN_OK;
    }
    s3_crc_distrust(store, "the server acknowledged a body without the CRC-32C that was sent");
    return error_set(err, CAIRN_E_UNAVAILABLE,
                     "the server acknowledged the bytes without their CRC-32C, or with another: "
                     "bodies are signed from now on");
}

void s3_crc_distrust(s3_store *store, const char *why)
{
    if (atomic_exchange(&store->crc.state, CAIRN_S3_CRC_DISTRUSTED) != CAIRN_S3_CRC_DISTRUSTED) {
        log_write(&store->log, CAIRN_LOG_INFO, "%s: bodies keep their signed SHA-256: %s",
                  store->uri, why);
    }
}
