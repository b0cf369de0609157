#include "s3_checksum.h"

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

static bool repeats(const http_reply *reply, const char *sum)
{
    cairn_slice text;

    return http_header(reply, HEADER, &text) && text.len == strlen(sum) &&
           memcmp(text.data, sum, text.len) == 0;
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

    if (code == CAIRN_OK) {
        return CAIRN_S3_FINDING_IGNORED;
    }
    if (x.error.status >= 400 && x.error.status < 500 &&
        (strcmp(x.error.code, "BadDigest") == 0 ||
         strcmp(x.error.code, "XAmzContentChecksumMismatch") == 0)) {
        return CAIRN_S3_FINDING_CHECKED;
    }
    return of_failure(code);
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

static finding ask_both(const s3_upload *upload)
{
    const uint32_t crc = crc32c_update(0, proof_text, sizeof(proof_text) - 1);
    char right[S3_CRC32C_SIZE];
    char wrong[S3_CRC32C_SIZE];

    if (s3_crc32c_text(crc, right, NULL) != CAIRN_OK ||
        s3_crc32c_text(crc ^ 1, wrong, NULL) != CAIRN_OK) {
        return CAIRN_S3_FINDING_NONE;
    }
    const finding found = ask_with_wrong(upload, wrong);
    return found == CAIRN_S3_FINDING_CHECKED ? ask_with_right(upload, right) : found;
}

static finding ask(s3_store *store, const cairn_call *call, const char *key)
{
    CAIRN_AUTO(s3_upload) upload = {.store = store, .call = call, .key = key, .by_crc32c = true};
    const cairn_code code = s3_upload_begin(&upload, NULL);

    if (code != CAIRN_OK) {
        return of_failure(code);
    }
    const finding found = ask_both(&upload);
    s3_upload_abort(&upload);
    return found;
}

/* ---- What is known ---- */

static bool take_turn(s3_crc *crc)
{
    unsigned expected = CAIRN_S3_CRC_UNASKED;

    return atomic_compare_exchange_strong(&crc->state, &expected, CAIRN_S3_CRC_ASKING);
}

static void keep(s3_store *store, finding found)
{
    s3_crc *crc = &store->crc;
    const bool asks_again = atomic_fetch_add(&crc->proofs, 1) + 1 < CAIRN_S3_PROOFS_MAX;

    switch (found) {
    case CAIRN_S3_FINDING_NONE:
        atomic_store(&crc->state, asks_again ? CAIRN_S3_CRC_UNASKED : CAIRN_S3_CRC_DISTRUSTED);
        break;
    case CAIRN_S3_FINDING_CHECKED:
        atomic_store(&crc->state, CAIRN_S3_CRC_PROVED);
        log_write(&store->log, CAIRN_LOG_DEBUG, "%s: the server checks the CRC-32C of bodies",
                  store->uri);
        break;
    case CAIRN_S3_FINDING_IGNORED:
        s3_crc_distrust(store, "the server does not check it");
        break;
    }
}

bool s3_crc_serves(s3_store *store, const cairn_call *call, const char *key, uint64_t length)
{
    s3_crc *crc = &store->crc;

    if (!crc->allowed || store->wants_md5 || length < CAIRN_S3_CRC_BYTES_MIN) {
        return false;
    }
    if (atomic_load(&crc->state) == CAIRN_S3_CRC_UNASKED &&
        atomic_fetch_add(&crc->signed_bytes, length) + length >= CAIRN_S3_PROOF_BYTES &&
        take_turn(crc)) {
        keep(store, ask(store, call, key));
    }
    return atomic_load(&crc->state) == CAIRN_S3_CRC_PROVED;
}

cairn_code s3_crc_check(s3_store *store, const http_reply *reply, const char sent[S3_CRC32C_SIZE],
                        cairn_error *err)
{
    if (repeats(reply, sent)) {
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
