/*
 * What a refusal means: by its code, then by its status. Sources: "List of error codes" of the S3
 * API Reference; cmd/api-errors.go of MinIO; s3err of versitygw.
 */
#include "bounds.h"
#include "buf.h"
#include "errors.h"
#include "s3_reply.h"

#include <stdio.h>
#include <string.h>

#define THROTTLE_DEFAULT_MS 1000 /* a server that throttles and names no time */

#define ADVICE_BUCKET  "check the bucket's name, its region and the endpoint"
#define ADVICE_ID      "check the access key id"
#define ADVICE_SECRET  "check the secret access key, and that no proxy changes requests"
#define ADVICE_TOKEN   "the session token is not valid any more: get new credentials"
#define ADVICE_CLOCK   "set this machine's clock"
#define ADVICE_REGION  "set the bucket's region"
#define ADVICE_RIGHTS  "check what these credentials may do with this bucket and prefix"
#define ADVICE_KMS     "check the KMS key and who may use it"
#define ADVICE_ABSENT  "this does not prove that the object is absent: " ADVICE_BUCKET
#define ADVICE_FEATURE "the server cannot do this: leave the option out, or use another server"
#define ADVICE_FULL    "make room on the server or raise the quota"
#define ADVICE_MOVED   "redirects are not followed: check the endpoint"
#define ADVICE_FOREIGN "check that the endpoint speaks S3, and the options"
#define ADVICE_CHANGED "the bytes changed on their way or at their source"
#define ADVICE_PROXY   "check the proxy and its credentials"
#define ADVICE_SHORT   "the object is shorter than recorded"
#define ADVICE_HEAD    "a HEAD does not tell a missing object from a missing bucket"

typedef struct code_rule {
    const char *code; /* a '*' at the end stands for any rest */
    unsigned status;  /* 0: any */
    s3_verdict verdict;
} code_rule;

#define TRANSIENT                                 \
    {                                             \
        CAIRN_E_UNAVAILABLE, CAIRN_S3_RETRY, NULL \
    }
#define THROTTLED                                          \
    {                                                      \
        CAIRN_E_UNAVAILABLE, CAIRN_S3_RETRY_THROTTLE, NULL \
    }
#define ACCESS(action, advice)           \
    {                                    \
        CAIRN_E_ACCESS, (action), advice \
    }
/* What cairn itself made wrong. */
#define BUG                                   \
    {                                         \
        CAIRN_E_INTERNAL, CAIRN_S3_NONE, NULL \
    }
#define DAMAGED                                                \
    {                                                          \
        CAIRN_E_INTEGRITY, CAIRN_S3_HASH_AGAIN, ADVICE_CHANGED \
    }
#define FULL                                         \
    {                                                \
        CAIRN_E_NO_SPACE, CAIRN_S3_NONE, ADVICE_FULL \
    }

/* The first that fits counts. */
static const code_rule by_code[] = {
    {"NoSuchKey", 404, {CAIRN_E_NOT_FOUND, CAIRN_S3_NONE, NULL}},
    {"NoSuchKey", 200, {CAIRN_E_NOT_FOUND, CAIRN_S3_NONE, NULL}}, /* of a copy, of many */
    {"NoSuchUpload", 0, {CAIRN_E_UNAVAILABLE, CAIRN_S3_UPLOAD_GONE, NULL}},
    {"NoSuchBucket", 0, ACCESS(CAIRN_S3_NONE, ADVICE_BUCKET)},
    {"XAdminUserNotFound", 0, ACCESS(CAIRN_S3_FIX_CREDENTIALS, ADVICE_ID)},
    {"XAdminNoSuchUser", 0, ACCESS(CAIRN_S3_FIX_CREDENTIALS, ADVICE_ID)},

    {"InternalError", 0, TRANSIENT},
    {"RequestTimeout", 0, TRANSIENT},
    {"IncompleteBody", 0, TRANSIENT}, /* the connection broke under the body */
    {"PriorRequestNotComplete", 0, TRANSIENT},
    {"ConditionalRequestConflict", 0, TRANSIENT},
    {"OperationAborted", 0, TRANSIENT},

    {"SlowDown*", 0, THROTTLED},
    {"ServiceUnavailable", 0, THROTTLED},
    {"TooManyRequests*", 0, THROTTLED},
    {"Throttl*", 0, THROTTLED},
    {"RequestThrottled*", 0, THROTTLED},
    {"KMS.Throttl*", 0, THROTTLED},
    {"RequestLimitExceeded", 0, THROTTLED},
    {"BandwidthLimitExceeded", 0, THROTTLED},

    {"RequestTimeTooSkewed", 0, ACCESS(CAIRN_S3_FIX_CLOCK, ADVICE_CLOCK)},
    {"RequestExpired", 0, ACCESS(CAIRN_S3_FIX_CLOCK, ADVICE_CLOCK)},
    {"ExpiredToken*", 0, ACCESS(CAIRN_S3_FIX_CREDENTIALS, ADVICE_TOKEN)},
    {"TokenRefreshRequired", 0, ACCESS(CAIRN_S3_FIX_CREDENTIALS, ADVICE_TOKEN)},
    {"InvalidToken*", 0, ACCESS(CAIRN_S3_FIX_CREDENTIALS, ADVICE_TOKEN)},
    {"InvalidAccessKeyId", 0, ACCESS(CAIRN_S3_FIX_CREDENTIALS, ADVICE_ID)},
    {"InvalidClientTokenId", 0, ACCESS(CAIRN_S3_FIX_CREDENTIALS, ADVICE_ID)},
    {"AuthorizationHeaderMalformed", 0, ACCESS(CAIRN_S3_FIX_REGION, ADVICE_REGION)},
    {"PermanentRedirect", 0, ACCESS(CAIRN_S3_FIX_REGION, ADVICE_REGION)},
    {"SignatureDoesNotMatch", 0, ACCESS(CAIRN_S3_NONE, ADVICE_SECRET)},
    {"AccessDenied*", 0, ACCESS(CAIRN_S3_NONE, ADVICE_RIGHTS)},
    {"KMS.*", 0, ACCESS(CAIRN_S3_NONE, ADVICE_KMS)},

    {"BadDigest", 0, DAMAGED},
    {"XAmzContentSHA256Mismatch", 0, DAMAGED},
    {"XAmzContentChecksumMismatch", 0, DAMAGED},
    {"InvalidRange", 0, {CAIRN_E_INTEGRITY, CAIRN_S3_NONE, ADVICE_SHORT}},

    {"NotImplemented", 0, {CAIRN_E_INCOMPATIBLE, CAIRN_S3_NONE, ADVICE_FEATURE}},
    {"XMinioStorageFull", 0, FULL},
    {"XMinioAdminBucketQuotaExceeded", 0, FULL},
    {"QuotaExceeded", 0, FULL},

    {"InvalidPart", 0, BUG},
    {"InvalidPartOrder", 0, BUG},
    {"InvalidPartNumber", 0, BUG},
    {"EntityTooSmall", 0, BUG},
    {"EntityTooLarge", 0, BUG},
    {"MalformedXML", 0, BUG},
    {"InvalidArgument", 0, BUG},
    {"InvalidDigest", 0, BUG},
    {"MissingContentLength", 0, BUG},
    {"MissingContentMD5", 0, BUG},
};

typedef struct status_rule {
    unsigned from;
    unsigned to;
    s3_verdict verdict;
} status_rule;

/* What no code above names. The first that fits counts. */
static const status_rule by_status[] = {
    {200, 299, {CAIRN_E_FAILED, CAIRN_S3_NONE, NULL}}, /* an <Error> under success */
    {301, 301, ACCESS(CAIRN_S3_FIX_REGION, ADVICE_REGION)},
    {307, 307, ACCESS(CAIRN_S3_FOLLOW, ADVICE_MOVED)},
    {300, 399, ACCESS(CAIRN_S3_NONE, ADVICE_MOVED)},
    {401, 401, ACCESS(CAIRN_S3_NONE, ADVICE_RIGHTS)},
    {403, 403, ACCESS(CAIRN_S3_NONE, ADVICE_RIGHTS)},
    {404, 404, ACCESS(CAIRN_S3_NONE, ADVICE_ABSENT)},
    {407, 407, ACCESS(CAIRN_S3_NONE, ADVICE_PROXY)},
    {408, 408, TRANSIENT},
    {410, 410, ACCESS(CAIRN_S3_NONE, ADVICE_ABSENT)},
    {411, 411, BUG},
    {413, 413, BUG},
    {416, 416, {CAIRN_E_INTEGRITY, CAIRN_S3_NONE, ADVICE_SHORT}},
    {429, 429, THROTTLED},
    {499, 499, TRANSIENT},
    {400, 499, {CAIRN_E_INVALID, CAIRN_S3_NONE, ADVICE_FOREIGN}},
    {501, 501, {CAIRN_E_INCOMPATIBLE, CAIRN_S3_NONE, ADVICE_FEATURE}},
    {505, 505, {CAIRN_E_INCOMPATIBLE, CAIRN_S3_NONE, ADVICE_FOREIGN}},
    {507, 507, FULL},
    {500, 599, TRANSIENT},
};

static bool fits(const code_rule *rule, const s3_error *error)
{
    const size_t len = strlen(rule->code);

    if (rule->status != 0 && rule->status != error->status) {
        return false;
    }
    return rule->code[len - 1] == '*' ? strncmp(rule->code, error->code, len - 1) == 0
                                      : strcmp(rule->code, error->code) == 0;
}

static s3_verdict look_up(const s3_error *error)
{
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(by_code); i++) {
        if (fits(&by_code[i], error)) {
            return by_code[i].verdict;
        }
    }
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(by_status); i++) {
        if (error->status >= by_status[i].from && error->status <= by_status[i].to) {
            return by_status[i].verdict;
        }
    }
    return (s3_verdict){CAIRN_E_FAILED, CAIRN_S3_NONE, ADVICE_FOREIGN};
}

/* The reply of a HEAD has no body, so its status is all that it says. A GET tells what a 404 is of;
 * if it finds the object, that has just appeared: then the HEAD may be repeated. */
static s3_verdict of_silent_head(const s3_error *error)
{
    s3_verdict verdict = look_up(error);

    if (error->status == 404) {
        return (s3_verdict){CAIRN_E_UNAVAILABLE, CAIRN_S3_LEARN_WHY, ADVICE_HEAD};
    }
    if (error->status == 400 || error->status == 403) {
        verdict.code = CAIRN_E_ACCESS;
        verdict.action = CAIRN_S3_LEARN_WHY;
        verdict.advice = ADVICE_RIGHTS;
    }
    return verdict;
}

static bool is_precondition(const s3_error *error)
{
    return strcmp(error->code, "PreconditionFailed") == 0 ||
           (error->code[0] == '\0' && error->status == 412);
}

/* Who writes set If-None-Match, who reads set If-Match. */
static s3_verdict of_precondition(s3_asked asked)
{
    if (asked == CAIRN_S3_ASKED_GET || asked == CAIRN_S3_ASKED_HEAD) {
        return (s3_verdict){CAIRN_E_INTEGRITY, CAIRN_S3_NONE,
                            "the object was replaced while it was read"};
    }
    return (s3_verdict){CAIRN_E_EXISTS, CAIRN_S3_READ_BACK, NULL};
}

/* AWS has no code for it, MinIO and versitygw a code of other meanings. */
static bool is_hold(const s3_error *error)
{
    return (strcmp(error->code, "AccessDenied") == 0 &&
            strcasestr(error->message, "object lock") != NULL) ||
           (strcmp(error->code, "InvalidRequest") == 0 &&
            strcasestr(error->message, "WORM protected") != NULL);
}

static bool is_conflict(const s3_error *error)
{
    return strcmp(error->code, "ConditionalRequestConflict") == 0 ||
           strcmp(error->code, "OperationAborted") == 0;
}

static s3_verdict judge(const s3_error *error, s3_asked asked)
{
    if (is_precondition(error)) {
        return of_precondition(asked);
    }
    if (asked == CAIRN_S3_ASKED_HEAD && error->code[0] == '\0') {
        return of_silent_head(error);
    }
    if (is_hold(error)) {
        return (s3_verdict){CAIRN_E_ACCESS, CAIRN_S3_HELD, "an object lock holds it"};
    }
    if (error->code[0] == '\0' && error->status == 400 && error->region[0] != '\0') {
        return (s3_verdict)ACCESS(CAIRN_S3_FIX_REGION, ADVICE_REGION); /* HEAD of a bucket */
    }
    return look_up(error);
}

s3_verdict s3_classify(const s3_error *error, s3_asked asked)
{
    s3_verdict verdict = judge(error, asked);

    if (asked == CAIRN_S3_ASKED_UPLOAD && is_conflict(error)) {
        verdict.action = CAIRN_S3_RESTART_UPLOAD;
    } else if (verdict.action == CAIRN_S3_RETRY && error->retry_after_ms > 0) {
        verdict.action = CAIRN_S3_RETRY_THROTTLE;
    }
    return verdict;
}

static bool is_redirect(const s3_error *error)
{
    return error->status >= 300 && error->status <= 399;
}

/* ": advice (its region is X) (it points to Y)", as far as there is any of it. */
static cairn_code append_advice(const s3_error *error, const s3_verdict *verdict, cairn_buf *out,
                                cairn_error *err)
{
    if (verdict->advice != NULL) {
        CAIRN_TRY(buf_printf(out, err, ": %s", verdict->advice));
    }
    if (verdict->action == CAIRN_S3_FIX_REGION && error->region[0] != '\0') {
        CAIRN_TRY(buf_printf(out, err, " (it is %s)", error->region));
    }
    if (is_redirect(error) && error->endpoint[0] != '\0') {
        CAIRN_TRY(buf_printf(out, err, " (the server points to %.100s)", error->endpoint));
    }
    return CAIRN_OK;
}

/* Ours first: a long message is cut at its end. */
static cairn_code describe(const s3_error *error, const s3_verdict *verdict, cairn_buf *out,
                           cairn_error *err)
{
    CAIRN_TRY(buf_printf(out, err, "%s%u", error->code[0] == '\0' ? "status " : "", error->status));
    if (error->code[0] != '\0') {
        CAIRN_TRY(buf_printf(out, err, " %s", error->code));
    }
    if (error->request_id[0] != '\0') {
        CAIRN_TRY(buf_printf(out, err, " (request %.64s)", error->request_id));
    }
    CAIRN_TRY(append_advice(error, verdict, out, err));
    if (error->message[0] != '\0') {
        CAIRN_TRY(buf_printf(out, err, "; the server says: %s", error->message));
    }
    return buf_text(out) == NULL ? error_no_memory(err, "describe an error of S3") : CAIRN_OK;
}

static uint32_t wait_of(const s3_error *error, const s3_verdict *verdict)
{
    if (verdict->code != CAIRN_E_UNAVAILABLE) {
        return 0;
    }
    const bool throttled = verdict->action == CAIRN_S3_RETRY_THROTTLE;
    return error->retry_after_ms == 0 && throttled ? THROTTLE_DEFAULT_MS : error->retry_after_ms;
}

cairn_code s3_error_report(const s3_error *error, const s3_verdict *verdict, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) line = {0};

    CAIRN_ASSERT(verdict->code != CAIRN_OK);
    CAIRN_TRY(describe(error, verdict, &line, err));
    const cairn_code code = error_set(err, verdict->code, "%s", (const char *)line.data);
    if (err != NULL) {
        err->retry_after_ms = wait_of(error, verdict);
    }
    return code;
}

cairn_code s3_reply_fail(const http_reply *reply, s3_asked asked, s3_error *out_error,
                         s3_verdict *out_verdict, cairn_error *err)
{
    s3_error error = {0};

    CAIRN_TRY(s3_error_read(reply, &error, err));
    const s3_verdict verdict = s3_classify(&error, asked);
    if (out_error != NULL) {
        *out_error = error;
    }
    if (out_verdict != NULL) {
        *out_verdict = verdict;
    }
    return s3_error_report(&error, &verdict, err);
}
