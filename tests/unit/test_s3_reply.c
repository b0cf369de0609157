#include "test.h"

#include "alloc_sweep.h"
#include "bounds.h"
#include "buf.h"
#include "errors.h"
#include "s3_reply.h"

#include <stdio.h>

#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

/* The bytes of a reply, borrowed by it: nothing to release. */
static http_reply reply_of(unsigned status, const char *headers, const char *body)
{
    static char header_bytes[4096];
    static char body_bytes[8192];
    http_reply reply = {.status = status};

    assert_true(strlen(headers) < sizeof(header_bytes) && strlen(body) < sizeof(body_bytes));
    memcpy(header_bytes, headers, strlen(headers) + 1);
    memcpy(body_bytes, body, strlen(body) + 1);
    reply.headers = (cairn_buf){.data = (uint8_t *)header_bytes, .len = strlen(headers)};
    reply.body = (cairn_buf){.data = (uint8_t *)body_bytes, .len = strlen(body)};
    return reply;
}

static s3_error read_error(unsigned status, const char *headers, const char *body)
{
    const http_reply reply = reply_of(status, headers, body);
    s3_error error = {.status = 1};

    ASSERT_OK(s3_error_read(&reply, &error, NULL), NULL);
    assert_int_equal(error.status, status);
    return error;
}

static void a_whole_error_gives_all_its_facts(void **state)
{
    (void)state;

    const s3_error error =
        read_error(301,
                   "date: Fri, 24 May 2013 00:00:01 GMT\nx-amz-request-id: REQ\n"
                   "x-amz-id-2: host/id+=\nretry-after: 7\n",
                   XML "<Error><Code>PermanentRedirect</Code><Message>Use the &quot;right&quot;\n"
                       "endpoint.</Message><Endpoint>b.s3.eu-west-1.amazonaws.com</Endpoint>"
                       "<Region>eu-west-1</Region><RequestId>OTHER</RequestId>"
                       "<HostId>OTHER</HostId></Error>");

    assert_string_equal(error.code, "PermanentRedirect");
    assert_string_equal(error.message, "Use the \"right\"\\x0aendpoint");
    assert_string_equal(error.endpoint, "b.s3.eu-west-1.amazonaws.com");
    assert_string_equal(error.region, "eu-west-1");
    assert_string_equal(error.request_id, "REQ");
    assert_string_equal(error.host_id, "host/id+=");
    assert_int_equal(error.retry_after_ms, 7000);
    assert_int_equal(error.server_ms, (uint64_t)1369353601000);
}

static void whatever_the_body_is_it_is_read_as_far_as_it_goes(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        const char *body;
        const char *code;
        const char *message;
    } rows[] = {
        {"", "", "", ""},
        {"", " \n\n", "", ""},
        {"content-type: text/plain\n",
         XML "<Error><Code>SlowDown</Code><Message>Reduce.</Message></Error>", "SlowDown",
         "Reduce"},
        {"", "upstream connect error.\n", "", "upstream connect error"},
        {"", "<html><head><title>502</title></head><body><hr></body></html>", "", ""},
        {"", "<!DOCTYPE html><Error><Code>NoSuchKey</Code></Error>", "", ""},
        {"", "<Error><Code>NoSuchKey</Code><Message>cut of", "NoSuchKey", ""},
        {"", "<Error><Code>NoSuch", "", ""},
        {"", "<Error xmlns=\"urn:x\"><Code>A</Code></Error>", "A", ""},
        {"", "<Error><Inner><Code>B</Code></Inner><Code>A</Code><Code>C</Code></Error>", "A", ""},
        {"", "<Other><Code>A</Code></Other>", "", ""},
        {"", "<Other><Error><Code>A</Code></Error></Other>", "", ""},
        {"", "<ErrorResponse><Error><Code>A</Code><Message>m</Message></Error></ErrorResponse>",
         "A", "m"},
        {"", "<Error><Code>\xc3\xa9&#10;x</Code></Error>", "\\xc3\\xa9\\x0ax", ""},
        {"x-minio-error-code: NoSuchBucket\nx-minio-error-desc: \"No bucket.\"\n", "",
         "NoSuchBucket", "\"No bucket.\""},
        {"x-minio-error-code: Other\n", "<Error><Code>A</Code></Error>", "A", ""},
        /* what the server echoes of a request may be secret */
        {"", "<Error><Code>A</Code><StringToSign>s</StringToSign><Token-0>t</Token-0></Error>", "A",
         ""},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        const s3_error error = read_error(503, rows[i].headers, rows[i].body);

        assert_string_equal(error.code, rows[i].code);
        assert_string_equal(error.message, rows[i].message);
    }
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    char body[2048] = "<Error><Code>";
    size_t len = strlen(body);

    memset(body + len, 'c', 300);
    len += 300;
    len += (size_t)snprintf(body + len, sizeof(body) - len, "</Code><Message>");
    memset(body + len, 'm', 300);
    len += 300;
    (void)snprintf(body + len, sizeof(body) - len, "</Message></Error>");
    const s3_error error = read_error(400, "", body);

    assert_int_equal(strlen(error.code), S3_CODE_SIZE - 1);
    assert_int_equal(strlen(error.message), 256);
}

static void a_region_is_taken_as_it_is_or_not_at_all(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        const char *body;
        const char *region;
    } rows[] = {
        {"x-amz-bucket-region: eu-central-1\n", "<Error><Region>other</Region></Error>",
         "eu-central-1"},
        {"", "<Error><Region> eu-west-1\n</Region></Error>", "eu-west-1"},
        {"x-amz-bucket-region: evil.example/\n", "<Error><Region>eu-west-1</Region></Error>",
         "eu-west-1"},
        {"", "<Error><Region>evil.example</Region></Error>", ""},
        {"", "<Error><Region>EU</Region></Error>", ""},
        {"", "<Error><Region></Region></Error>", ""},
        {"x-amz-bucket-region: abcdefghijklmnopqrstuvwxyz012345\n", "",
         "abcdefghijklmnopqrstuvwxyz012345"},
        {"x-amz-bucket-region: abcdefghijklmnopqrstuvwxyz0123456\n", "", ""},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        assert_string_equal(read_error(301, rows[i].headers, rows[i].body).region, rows[i].region);
    }
}

static void the_host_of_a_redirect_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *location;
        const char *endpoint;
    } rows[] = {
        {"location: https://evil.example:8443/b/k?x\n", "evil.example:8443"},
        {"location: https://evil.example\n", "evil.example"},
        {"location: /b/k\n", ""},
        {"location: https://\n", ""},
        {"", ""},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        assert_string_equal(read_error(307, rows[i].location, "").endpoint, rows[i].endpoint);
    }
}

static void a_wait_that_makes_no_sense_is_ignored(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        uint32_t ms;
    } rows[] = {
        {"", 0},
        {"retry-after: 3\n", 3000},
        {"retry-after: 0\n", 0},
        {"retry-after: 60\n", 60000},
        {"retry-after: 61\n", 60000},
        {"retry-after: 999999999\n", 60000},
        {"retry-after: 18446744073709551615\n", 60000},
        {"retry-after: 99999999999999999999999\n", 0},
        {"retry-after: -5\n", 0},
        {"retry-after: 1.5\n", 0},
        {"retry-after: soon\n", 0},
        {"retry-after:\n", 0},
        {"x-amz-retry-after: 250\n", 250},
        {"x-amz-retry-after: 60001\n", 60000},
        {"x-amz-retry-after: 250\nretry-after: 9\n", 250},
        {"x-amz-retry-after: -1\nretry-after: 9\n", 9000},
        {"date: Fri, 24 May 2013 00:00:00 GMT\nretry-after: Fri, 24 May 2013 00:00:02 GMT\n", 2000},
        {"date: Fri, 24 May 2013 00:00:00 GMT\nretry-after: Fri, 24 May 2099 00:00:02 GMT\n",
         60000},
        {"date: Fri, 24 May 2013 00:00:00 GMT\nretry-after: Fri, 24 May 2013 00:00:00 GMT\n", 0},
        {"date: Fri, 24 May 2013 00:00:00 GMT\nretry-after: Thu, 23 May 2013 23:59:59 GMT\n", 0},
        {"retry-after: Fri, 24 May 2099 00:00:02 GMT\n", 0},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        assert_int_equal(read_error(503, rows[i].headers, "").retry_after_ms, rows[i].ms);
    }
}

static void dates_of_http_are_read_strictly(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "Fri, 24 May 2013 00:00:00 UTC",
        "Fri, 24 May 2013 00:00:00 GMT ",
        "Friday, 24-May-13 00:00:00 GMT",
        "Fri, 31 Feb 2013 00:00:00 GMT",
        "Fri, 00 May 2013 00:00:00 GMT",
        "Fri, 24 may 2013 00:00:00 GMT",
        "Fri, 24 May 2013 24:00:00 GMT",
        "Fri, 24 May 2013 00:60:00 GMT",
        "Fri, 24 May 2013 00:00:60 GMT",
        "Fri, 24 May 1969 00:00:00 GMT",
        "Fri, 24 May -013 00:00:00 GMT",
        "Fri, -4 May 2013 00:00:00 GMT",
        "Fri- 24 May 2013 00:00:00 GMT",
        "Fri, 24 May 2013 00-00:00 GMT",
        "Fri, 24 May 2013 00:00-00 GMT",
    };
    uint64_t ms = 7;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(bad); i++) {
        assert_false(http_parse_date(cairn_slice_of(bad[i]), &ms));
    }
    assert_int_equal(ms, 7);
    assert_true(http_parse_date(cairn_slice_of("Tue, 29 Feb 2000 12:34:56 GMT"), &ms));
    assert_int_equal(ms, (uint64_t)951827696000);
    assert_true(http_parse_date(cairn_slice_of("Thu, 01 Jan 1970 00:00:00 GMT"), &ms));
    assert_int_equal(ms, 0);
}

typedef struct row {
    unsigned status;
    const char *code;
    s3_asked asked;
    cairn_code expected;
    s3_action action;
} row;

static const row refusals[] = {
    {404, "NoSuchKey", CAIRN_S3_ASKED_GET, CAIRN_E_NOT_FOUND, CAIRN_S3_NONE},
    {404, "NoSuchKey", CAIRN_S3_ASKED_HEAD, CAIRN_E_NOT_FOUND, CAIRN_S3_NONE},
    {200, "NoSuchKey", CAIRN_S3_ASKED_WRITE, CAIRN_E_NOT_FOUND, CAIRN_S3_NONE},
    {404, "", CAIRN_S3_ASKED_HEAD, CAIRN_E_UNAVAILABLE, CAIRN_S3_LEARN_WHY},
    {404, "", CAIRN_S3_ASKED_GET, CAIRN_E_ACCESS, CAIRN_S3_NONE},
    {404, "", CAIRN_S3_ASKED_OTHER, CAIRN_E_ACCESS, CAIRN_S3_NONE},
    {404, "NoSuchBucket", CAIRN_S3_ASKED_GET, CAIRN_E_ACCESS, CAIRN_S3_NONE},
    {404, "NoSuchBucket", CAIRN_S3_ASKED_HEAD, CAIRN_E_ACCESS, CAIRN_S3_NONE},
    {404, "XAdminUserNotFound", CAIRN_S3_ASKED_GET, CAIRN_E_ACCESS, CAIRN_S3_FIX_CREDENTIALS},
    {404, "NoSuchVersion", CAIRN_S3_ASKED_GET, CAIRN_E_ACCESS, CAIRN_S3_NONE},
    {403, "NoSuchKey", CAIRN_S3_ASKED_GET, CAIRN_E_ACCESS, CAIRN_S3_NONE},
    {500, "NoSuchKey", CAIRN_S3_ASKED_GET, CAIRN_E_UNAVAILABLE, CAIRN_S3_RETRY},
    {410, "", CAIRN_S3_ASKED_GET, CAIRN_E_ACCESS, CAIRN_S3_NONE},
    {404, "NoSuchUpload", CAIRN_S3_ASKED_UPLOAD, CAIRN_E_UNAVAILABLE, CAIRN_S3_UPLOAD_GONE},
    {412, "PreconditionFailed", CAIRN_S3_ASKED_WRITE, CAIRN_E_EXISTS, CAIRN_S3_READ_BACK},
    {412, "PreconditionFailed", CAIRN_S3_ASKED_UPLOAD, CAIRN_E_EXISTS, CAIRN_S3_READ_BACK},
    {412, "", CAIRN_S3_ASKED_WRITE, CAIRN_E_EXISTS, CAIRN_S3_READ_BACK},
    {412, "PreconditionFailed", CAIRN_S3_ASKED_GET, CAIRN_E_INTEGRITY, CAIRN_S3_NONE},
    {412, "", CAIRN_S3_ASKED_HEAD, CAIRN_E_INTEGRITY, CAIRN_S3_NONE},
    {409, "ConditionalRequestConflict", CAIRN_S3_ASKED_WRITE, CAIRN_E_UNAVAILABLE, CAIRN_S3_RETRY},
    {409, "OperationAborted", CAIRN_S3_ASKED_WRITE, CAIRN_E_UNAVAILABLE, CAIRN_S3_RETRY},
    {409, "ConditionalRequestConflict", CAIRN_S3_ASKED_UPLOAD, CAIRN_E_UNAVAILABLE,
     CAIRN_S3_RESTART_UPLOAD},
    {409, "OperationAborted", CAIRN_S3_ASKED_UPLOAD, CAIRN_E_UNAVAILABLE, CAIRN_S3_RESTART_UPLOAD},
    {409, "ObjectParentIsFile", CAIRN_S3_ASKED_WRITE, CAIRN_E_INVALID, CAIRN_S3_NONE},
    {500, "InternalError", CAIRN_S3_ASKED_GET, CAIRN_E_UNAVAILABLE, CAIRN_S3_RETRY},
    {200, "InternalError", CAIRN_S3_ASKED_UPLOAD, CAIRN_E_UNAVAILABLE, CAIRN_S3_RETRY},
    {500, "", CAIRN_S3_ASKED_HEAD, CAIRN_E_UNAVAILABLE, CAIRN_S3_RETRY},
    {502, "", CAIRN_S3_ASKED_GET, CAIRN_E_UNAVAILABLE, CAIRN_S3_RETRY},
    {503, "", CAIRN_S3_ASKED_GET, CAIRN_E_UNAVAILABLE, CAIRN_S3_RETRY},
    {504, "", CAIRN_S3_ASKED_GET, CAIRN_E_UNAVAILABLE, CAIRN_S3_RETRY},
    {520, "", CAIRN_S3_ASKED_GET, CAIRN_E_UNAVAILABLE, CAIRN_S3_RETRY},
    {499, "", CAIRN_S3_ASKED_GET, CAIRN_E_UNAVAILABLE, CAIRN_S3_RETRY},
    {400, "RequestTimeout", CAIRN_S3_ASKED_WRITE, CAIRN_E_UNAVAILABLE, CAIRN_S3_RETRY},
    {408, "", CAIRN_S3_ASKED_WRITE, CAIRN_E_UNAVAILABLE, CAIRN_S3_RETRY},
    {400, "PriorRequestNotComplete", CAIRN_S3_ASKED_WRITE, CAIRN_E_UNAVAILABLE, CAIRN_S3_RETRY},
    {400, "IncompleteBody", CAIRN_S3_ASKED_WRITE, CAIRN_E_UNAVAILABLE, CAIRN_S3_RETRY},
    {503, "SlowDown", CAIRN_S3_ASKED_GET, CAIRN_E_UNAVAILABLE, CAIRN_S3_RETRY_THROTTLE},
    {503, "SlowDownRead", CAIRN_S3_ASKED_GET, CAIRN_E_UNAVAILABLE, CAIRN_S3_RETRY_THROTTLE},
    {503, "SlowDownWrite", CAIRN_S3_ASKED_GET, CAIRN_E_UNAVAILABLE, CAIRN_S3_RETRY_THROTTLE},
    {503, "ServiceUnavailable", CAIRN_S3_ASKED_GET, CAIRN_E_UNAVAILABLE, CAIRN_S3_RETRY_THROTTLE},
    {429, "TooManyRequests", CAIRN_S3_ASKED_GET, CAIRN_E_UNAVAILABLE, CAIRN_S3_RETRY_THROTTLE},
    {429, "", CAIRN_S3_ASKED_HEAD, CAIRN_E_UNAVAILABLE, CAIRN_S3_RETRY_THROTTLE},
    {400, "ThrottlingException", CAIRN_S3_ASKED_GET, CAIRN_E_UNAVAILABLE, CAIRN_S3_RETRY_THROTTLE},
    {400, "KMS.ThrottlingException", CAIRN_S3_ASKED_GET, CAIRN_E_UNAVAILABLE,
     CAIRN_S3_RETRY_THROTTLE},
    {503, "RequestLimitExceeded", CAIRN_S3_ASKED_GET, CAIRN_E_UNAVAILABLE, CAIRN_S3_RETRY_THROTTLE},
    {509, "BandwidthLimitExceeded", CAIRN_S3_ASKED_GET, CAIRN_E_UNAVAILABLE,
     CAIRN_S3_RETRY_THROTTLE},
    {403, "RequestTimeTooSkewed", CAIRN_S3_ASKED_GET, CAIRN_E_ACCESS, CAIRN_S3_FIX_CLOCK},
    {400, "ExpiredToken", CAIRN_S3_ASKED_GET, CAIRN_E_ACCESS, CAIRN_S3_FIX_CREDENTIALS},
    {403, "InvalidTokenId", CAIRN_S3_ASKED_GET, CAIRN_E_ACCESS, CAIRN_S3_FIX_CREDENTIALS},
    {403, "InvalidAccessKeyId", CAIRN_S3_ASKED_GET, CAIRN_E_ACCESS, CAIRN_S3_FIX_CREDENTIALS},
    {400, "AuthorizationHeaderMalformed", CAIRN_S3_ASKED_GET, CAIRN_E_ACCESS, CAIRN_S3_FIX_REGION},
    {301, "PermanentRedirect", CAIRN_S3_ASKED_GET, CAIRN_E_ACCESS, CAIRN_S3_FIX_REGION},
    {301, "", CAIRN_S3_ASKED_HEAD, CAIRN_E_ACCESS, CAIRN_S3_FIX_REGION},
    {307, "TemporaryRedirect", CAIRN_S3_ASKED_GET, CAIRN_E_ACCESS, CAIRN_S3_FOLLOW},
    {302, "", CAIRN_S3_ASKED_GET, CAIRN_E_ACCESS, CAIRN_S3_NONE},
    {403, "SignatureDoesNotMatch", CAIRN_S3_ASKED_GET, CAIRN_E_ACCESS, CAIRN_S3_NONE},
    {403, "AccessDenied", CAIRN_S3_ASKED_GET, CAIRN_E_ACCESS, CAIRN_S3_NONE},
    {403, "AccessDeniedForOtherReasons", CAIRN_S3_ASKED_GET, CAIRN_E_ACCESS, CAIRN_S3_NONE},
    {403, "", CAIRN_S3_ASKED_OTHER, CAIRN_E_ACCESS, CAIRN_S3_NONE},
    {401, "", CAIRN_S3_ASKED_GET, CAIRN_E_ACCESS, CAIRN_S3_NONE},
    {407, "", CAIRN_S3_ASKED_GET, CAIRN_E_ACCESS, CAIRN_S3_NONE},
    {400, "KMS.DisabledException", CAIRN_S3_ASKED_GET, CAIRN_E_ACCESS, CAIRN_S3_NONE},
    {403, "", CAIRN_S3_ASKED_HEAD, CAIRN_E_ACCESS, CAIRN_S3_LEARN_WHY},
    {400, "", CAIRN_S3_ASKED_HEAD, CAIRN_E_ACCESS, CAIRN_S3_LEARN_WHY},
    {400, "BadDigest", CAIRN_S3_ASKED_WRITE, CAIRN_E_INTEGRITY, CAIRN_S3_HASH_AGAIN},
    {400, "XAmzContentSHA256Mismatch", CAIRN_S3_ASKED_WRITE, CAIRN_E_INTEGRITY,
     CAIRN_S3_HASH_AGAIN},
    {400, "XAmzContentChecksumMismatch", CAIRN_S3_ASKED_UPLOAD, CAIRN_E_INTEGRITY,
     CAIRN_S3_HASH_AGAIN},
    {416, "InvalidRange", CAIRN_S3_ASKED_GET, CAIRN_E_INTEGRITY, CAIRN_S3_NONE},
    {416, "", CAIRN_S3_ASKED_GET, CAIRN_E_INTEGRITY, CAIRN_S3_NONE},
    {501, "NotImplemented", CAIRN_S3_ASKED_WRITE, CAIRN_E_INCOMPATIBLE, CAIRN_S3_NONE},
    {501, "", CAIRN_S3_ASKED_WRITE, CAIRN_E_INCOMPATIBLE, CAIRN_S3_NONE},
    {507, "XMinioStorageFull", CAIRN_S3_ASKED_WRITE, CAIRN_E_NO_SPACE, CAIRN_S3_NONE},
    {507, "", CAIRN_S3_ASKED_WRITE, CAIRN_E_NO_SPACE, CAIRN_S3_NONE},
    {403, "QuotaExceeded", CAIRN_S3_ASKED_WRITE, CAIRN_E_NO_SPACE, CAIRN_S3_NONE},
    {400, "InvalidPart", CAIRN_S3_ASKED_UPLOAD, CAIRN_E_INTERNAL, CAIRN_S3_NONE},
    {400, "InvalidPartOrder", CAIRN_S3_ASKED_UPLOAD, CAIRN_E_INTERNAL, CAIRN_S3_NONE},
    {400, "EntityTooSmall", CAIRN_S3_ASKED_UPLOAD, CAIRN_E_INTERNAL, CAIRN_S3_NONE},
    {400, "EntityTooLarge", CAIRN_S3_ASKED_WRITE, CAIRN_E_INTERNAL, CAIRN_S3_NONE},
    {400, "MalformedXML", CAIRN_S3_ASKED_UPLOAD, CAIRN_E_INTERNAL, CAIRN_S3_NONE},
    {400, "InvalidArgument", CAIRN_S3_ASKED_OTHER, CAIRN_E_INTERNAL, CAIRN_S3_NONE},
    {411, "", CAIRN_S3_ASKED_WRITE, CAIRN_E_INTERNAL, CAIRN_S3_NONE},
    {400, "InvalidStorageClass", CAIRN_S3_ASKED_WRITE, CAIRN_E_INVALID, CAIRN_S3_NONE},
    {400, "", CAIRN_S3_ASKED_GET, CAIRN_E_INVALID, CAIRN_S3_NONE},
    {405, "MethodNotAllowed", CAIRN_S3_ASKED_GET, CAIRN_E_INVALID, CAIRN_S3_NONE},
    {200, "SomethingNew", CAIRN_S3_ASKED_UPLOAD, CAIRN_E_FAILED, CAIRN_S3_NONE},
    {600, "", CAIRN_S3_ASKED_GET, CAIRN_E_FAILED, CAIRN_S3_NONE},
};

static void each_refusal_has_its_class_and_its_action(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(refusals); i++) {
        s3_error error = {.status = refusals[i].status};

        (void)snprintf(error.code, sizeof(error.code), "%s", refusals[i].code);
        const s3_verdict verdict = s3_classify(&error, refusals[i].asked);
        if (verdict.code != refusals[i].expected || verdict.action != refusals[i].action) {
            fail_msg("%u %s asked %d: got %s, action %d", refusals[i].status, refusals[i].code,
                     (int)refusals[i].asked, cairn_code_name(verdict.code), (int)verdict.action);
        }
    }
}

/* The one rule that no caller can mend: data is given up for what is called absent. */
static void nothing_but_a_named_key_or_a_silent_head_is_absent(void **state)
{
    (void)state;
    static const char *const codes[] = {"",
                                        "NoSuchBucket",
                                        "XAdminUserNotFound",
                                        "NoSuchUpload",
                                        "NoSuchKeyInBucket",
                                        "nosuchkey",
                                        "AccessDenied",
                                        "SlowDown"};

    for (unsigned status = 100; status < 700; status++) {
        for (size_t i = 0; i < CAIRN_ARRAY_LEN(codes); i++) {
            for (unsigned asked = CAIRN_S3_ASKED_OTHER; asked <= CAIRN_S3_ASKED_UPLOAD; asked++) {
                s3_error error = {.status = status};

                (void)snprintf(error.code, sizeof(error.code), "%s", codes[i]);
                const s3_verdict verdict = s3_classify(&error, (s3_asked)asked);
                assert_int_not_equal(verdict.code, CAIRN_E_NOT_FOUND);
                assert_int_not_equal(verdict.code, CAIRN_OK);
            }
        }
    }
}

static void what_else_was_said_changes_the_action(void **state)
{
    (void)state;
    s3_error hinted = {.status = 400, .region = "eu-west-1"};
    s3_error asked_to_wait = {.status = 503, .retry_after_ms = 5};
    s3_error held_by_aws = {.status = 403,
                            .code = "AccessDenied",
                            .message = "Access Denied because object protected by object lock"};
    s3_error held_by_minio = {.status = 400,
                              .code = "InvalidRequest",
                              .message = "Object is WORM protected and cannot be overwritten"};
    s3_error other_request = {.status = 400, .code = "InvalidRequest", .message = "Missing header"};

    assert_int_equal(s3_classify(&hinted, CAIRN_S3_ASKED_OTHER).action, CAIRN_S3_FIX_REGION);
    assert_int_equal(s3_classify(&hinted, CAIRN_S3_ASKED_HEAD).action, CAIRN_S3_LEARN_WHY);
    assert_int_equal(s3_classify(&asked_to_wait, CAIRN_S3_ASKED_GET).action,
                     CAIRN_S3_RETRY_THROTTLE);
    assert_int_equal(s3_classify(&asked_to_wait, CAIRN_S3_ASKED_HEAD).action,
                     CAIRN_S3_RETRY_THROTTLE);
    assert_int_equal(s3_classify(&held_by_aws, CAIRN_S3_ASKED_OTHER).action, CAIRN_S3_HELD);
    assert_int_equal(s3_classify(&held_by_minio, CAIRN_S3_ASKED_OTHER).action, CAIRN_S3_HELD);
    assert_int_equal(s3_classify(&other_request, CAIRN_S3_ASKED_OTHER).action, CAIRN_S3_NONE);
}

static void the_line_says_what_to_check_and_what_the_server_said(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        s3_asked asked;
        const char *headers;
        const char *body;
        const char *line;
    } rows[] = {
        {403, CAIRN_S3_ASKED_GET, "x-amz-request-id: R1\n",
         "<Error><Code>SignatureDoesNotMatch</Code><Message>It does not match.</Message></Error>",
         "403 SignatureDoesNotMatch (request R1): check the secret access key, and that no proxy "
         "changes requests; the server says: It does not match"},
        {403, CAIRN_S3_ASKED_GET, "", "<Error><Code>AccessDenied</Code></Error>",
         "403 AccessDenied: check what these credentials may do with this bucket and prefix"},
        {400, CAIRN_S3_ASKED_GET, "",
         "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>",
         "400 AuthorizationHeaderMalformed: set the bucket's region (it is eu-west-1)"},
        {307, CAIRN_S3_ASKED_GET, "location: http://evil.example/x\n", "",
         "status 307: redirects are not followed: check the endpoint (the server points to "
         "evil.example)"},
        {404, CAIRN_S3_ASKED_GET, "", "",
         "status 404: this does not prove that the object is absent: check the bucket's name, its "
         "region and the endpoint"},
        {502, CAIRN_S3_ASKED_GET, "", "bad\tgateway\n",
         "status 502; the server says: bad\\x09gateway"},
        {404, CAIRN_S3_ASKED_HEAD, "", "",
         "status 404: a HEAD does not tell a missing object from a missing bucket"},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        const http_reply reply = reply_of(rows[i].status, rows[i].headers, rows[i].body);
        s3_verdict verdict = {.code = CAIRN_OK};
        cairn_error err = {0};

        const cairn_code code = s3_reply_fail(&reply, rows[i].asked, NULL, &verdict, &err);
        ASSERT_CODE(code, verdict.code, &err);
        assert_string_equal(err.message, rows[i].line);
        assert_int_equal(err.code, code);
    }
}

static void a_long_message_leaves_the_advice_whole(void **state)
{
    (void)state;
    s3_error error = {.status = 403, .code = "SignatureDoesNotMatch"};
    cairn_error err = {0};

    memset(error.message, 'm', sizeof(error.message) - 1);
    memset(error.request_id, 'r', sizeof(error.request_id) - 1);
    const s3_verdict verdict = s3_classify(&error, CAIRN_S3_ASKED_GET);
    ASSERT_CODE(s3_error_report(&error, &verdict, &err), CAIRN_E_ACCESS, &err);

    ASSERT_MESSAGE_HAS(&err, "check the secret access key, and that no proxy changes requests;");
    ASSERT_MESSAGE_HAS(&err, error.message);
}

static void a_throttling_server_is_given_time(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *headers;
        uint32_t wait_ms;
    } rows[] = {
        {429, "", 1000},
        {429, "retry-after: 60\n", 60000},
        {429, "retry-after: -1\n", 1000},
        {429, "x-amz-retry-after: 20\n", 20},
        {500, "", 0},
        {500, "retry-after: 2\n", 2000},
        {403, "retry-after: 2\n", 0},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        const http_reply reply = reply_of(rows[i].status, rows[i].headers, "");
        cairn_error err = {.retry_after_ms = 77};

        assert_int_not_equal(s3_reply_fail(&reply, CAIRN_S3_ASKED_GET, NULL, NULL, &err), CAIRN_OK);
        assert_int_equal(err.retry_after_ms, rows[i].wait_ms);
    }
    const http_reply reply = reply_of(429, "", "");
    ASSERT_CODE(s3_reply_fail(&reply, CAIRN_S3_ASKED_GET, NULL, NULL, NULL), CAIRN_E_UNAVAILABLE,
                NULL);
}

#define COMPLETED "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"
#define TRICKLE   "\n\n\n\n\n\n\n\n\n          \r\n\t\t"

static void an_error_under_status_200_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        cairn_code expected;
        bool has;
    } rows[] = {
        {COMPLETED, CAIRN_OK, false},
        {TRICKLE XML COMPLETED, CAIRN_OK, false},
        {XML TRICKLE COMPLETED, CAIRN_OK, false},
        {"<Error><Code>InternalError</Code></Error>", CAIRN_OK, true},
        {TRICKLE XML "<Error><Code>InternalError</Code></Error>", CAIRN_OK, true},
        {XML TRICKLE "<Error><Code>InternalError</Code><Mess", CAIRN_OK, true},
        {"", CAIRN_E_UNAVAILABLE, false},
        {TRICKLE, CAIRN_E_UNAVAILABLE, false},
        {"<CompleteMultipartUploadResult><ETag>x</ETag>", CAIRN_E_UNAVAILABLE, false},
        {"<html><body>Log in</body></html>", CAIRN_E_UNAVAILABLE, false},
        {"OK", CAIRN_E_UNAVAILABLE, false},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        const http_reply reply = reply_of(200, "x-amz-request-id: R\n", rows[i].body);
        s3_error error = {.status = 7};
        cairn_error err = {0};
        bool has = !rows[i].has;

        ASSERT_CODE(s3_reply_has_error(&reply, "CompleteMultipartUploadResult", &error, &has, &err),
                    rows[i].expected, &err);
        if (rows[i].expected == CAIRN_OK) {
            assert_int_equal(has, rows[i].has);
            assert_int_equal(error.status, has ? 200 : 7);
            assert_string_equal(error.code, has ? "InternalError" : "");
        } else {
            assert_int_equal(error.status, 7);
            ASSERT_MESSAGE_HAS(&err, "whether the request took effect is unknown");
        }
    }
}

/* A byte every 2 ms for 90 s. */
static void ninety_seconds_of_white_space_are_no_failure(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) body = {0};
    s3_error error = {0};
    bool has = true;

    for (unsigned i = 0; i < 45000; i++) {
        ASSERT_OK(buf_append_byte(&body, i % 100 == 0 ? '\n' : ' ', NULL), NULL);
    }
    ASSERT_OK(buf_append_text(&body, XML COMPLETED, NULL), NULL);
    const http_reply reply = {.status = 200, .body = body};
    ASSERT_OK(s3_reply_has_error(&reply, "CompleteMultipartUploadResult", &error, &has, NULL),
              NULL);

    assert_false(has);
}

static cairn_code record_key(void *context, const char *key, const s3_error *error,
                             cairn_error *err)
{
    if (strcmp(key, "stop") == 0) {
        return error_set(err, CAIRN_E_CANCELLED, "stopped");
    }
    return buf_printf(context, err, "%s=%s %s %s\n", key, error->code, error->message,
                      error->request_id);
}

static void keys_that_were_not_deleted_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        cairn_code expected;
        const char *keys;
    } rows[] = {
        {"<DeleteResult/>", CAIRN_OK, ""},
        {"<DeleteResult xmlns=\"urn:x\"><Deleted><Key>a</Key></Deleted><Error><Key>b&amp;c</Key>"
         "<Code>AccessDenied</Code><Message>No.</Message></Error><Error><Key>d</Key></Error>"
         "</DeleteResult>",
         CAIRN_OK, "b&c=AccessDenied No R\nd=  R\n"},
        {"<DeleteResult><Error><Key>stop</Key></Error><Error><Key>b</Key></Error></DeleteResult>",
         CAIRN_E_CANCELLED, ""},
        {"<DeleteResult><Errors><Key>a</Key></Errors></DeleteResult>", CAIRN_OK, ""},
        {"<Error><Code>MalformedXML</Code></Error>", CAIRN_E_INTERNAL, ""},
        {"<DeleteResult><Error><Key>b</Key></Error>", CAIRN_E_UNAVAILABLE, ""},
        {"", CAIRN_E_UNAVAILABLE, ""},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        const http_reply reply = reply_of(200, "x-amz-request-id: R\n", rows[i].body);
        CAIRN_AUTO(cairn_buf) keys = {0};
        cairn_error err = {0};

        ASSERT_CODE(s3_delete_errors(&reply, record_key, &keys, &err), rows[i].expected, &err);
        assert_string_equal(buf_text(&keys), rows[i].keys);
    }
}

static cairn_code ignore_key(void *context, const char *key, const s3_error *error,
                             cairn_error *err)
{
    (void)context;
    (void)key;
    (void)error;
    (void)err;
    return CAIRN_OK;
}

static cairn_code read_all_ways(void *context, cairn_error *err)
{
    const http_reply reply =
        reply_of(200, "x-amz-request-id: R\nlocation: http://h/\n",
                 "<DeleteResult><Error><Key>k</Key><Code>c</Code></Error></DeleteResult>");
    s3_error error = {0};
    s3_verdict verdict = {.code = CAIRN_OK};

    (void)context;
    CAIRN_TRY(s3_delete_errors(&reply, ignore_key, NULL, err));
    const http_reply refusal = reply_of(503, "x-amz-request-id: R\nlocation: http://h/\n",
                                        "<Error><Code>SlowDown</Code><Message>m</Message></Error>");
    const cairn_code code = s3_reply_fail(&refusal, CAIRN_S3_ASKED_GET, &error, &verdict, err);
    return code == CAIRN_E_UNAVAILABLE && verdict.action == CAIRN_S3_RETRY_THROTTLE ? CAIRN_OK
                                                                                    : code;
}

static void each_failed_allocation_is_reported(void **state)
{
    (void)state;
    alloc_sweep(read_all_ways, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_error_gives_all_its_facts),
        cmocka_unit_test(whatever_the_body_is_it_is_read_as_far_as_it_goes),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(a_region_is_taken_as_it_is_or_not_at_all),
        cmocka_unit_test(the_host_of_a_redirect_is_told),
        cmocka_unit_test(a_wait_that_makes_no_sense_is_ignored),
        cmocka_unit_test(dates_of_http_are_read_strictly),
        cmocka_unit_test(each_refusal_has_its_class_and_its_action),
        cmocka_unit_test(nothing_but_a_named_key_or_a_silent_head_is_absent),
        cmocka_unit_test(what_else_was_said_changes_the_action),
        cmocka_unit_test(the_line_says_what_to_check_and_what_the_server_said),
        cmocka_unit_test(a_long_message_leaves_the_advice_whole),
        cmocka_unit_test(a_throttling_server_is_given_time),
        cmocka_unit_test(an_error_under_status_200_is_found),
        cmocka_unit_test(ninety_seconds_of_white_space_are_no_failure),
        cmocka_unit_test(keys_that_were_not_deleted_are_told),
        cmocka_unit_test(each_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
