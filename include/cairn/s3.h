/*
 * The S3 store: objects in a bucket of AWS S3, MinIO or another server that speaks its protocol.
 *
 * Keys go to `<bucket>/<prefix>/<key>`. Each request is one attempt, signed anew (Signature Version
 * 4, payload signed); cairn_backend_open and the command put the retry decorator around it. Up to
 * `multipart_bytes` an object is one PUT, above it parts that go up side by side, each repeated
 * alone. Create-only is `If-None-Match: *`; above `multipart_bytes` it is a look before the upload
 * and one before its completion, which two racing writers could both pass (no key that decides
 * anything is that large). A copy is made by the server, above `multipart_bytes` in parts side by
 * side; create-only looks so too. Many deletes are one request for 1,000 keys.
 *
 * Credentials come from the options, else from the places that AWS's tools use, see
 * docs/s3.md. Endpoint: the option, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile, else AWS of
 * the region. Region: the option, AWS_REGION, AWS_DEFAULT_REGION, the profile, else us-east-1.
 */
#ifndef CAIRN_S3_H
#define CAIRN_S3_H

#include <cairn/log.h>
#include <cairn/store.h>

CAIRN_BEGIN_DECLS

typedef enum cairn_s3_addressing {
    CAIRN_S3_ADDRESSING_AUTO = 0, /* virtual-host style for AWS, path style for all others */
    CAIRN_S3_ADDRESSING_PATH = 1,
    CAIRN_S3_ADDRESSING_VIRTUAL = 2
} cairn_s3_addressing;

/* All texts are copied; NULL where nothing else is said. */
typedef struct cairn_s3_options {
    uint32_t version;
    const char *bucket;   /* required */
    const char *prefix;   /* "" or "a/b": no '/' at its ends */
    const char *endpoint; /* "https://host[:port]" */
    const char *region;
    const char *profile;
    const char *access_key_id; /* these three together, from a protected place, or not at all */
    const char *secret_access_key;
    const char *session_token;
    const char *assume_role_arn; /* take these credentials to assume that role (STS) */
    cairn_s3_addressing addressing;
    bool allow_http;        /* http to hosts that are not loopback */
    bool allow_instance;    /* ask the instance metadata service for credentials */
    bool unsigned_payload;  /* do not sign bodies; only over https */
    bool check_then_create; /* the server has no create-only put: look first (weaker) */
    bool requester_pays;
    const char *ca_file;    /* PEM; NULL: AWS_CA_BUNDLE, the profile's, the system's */
    const char *proxy;      /* "http://host:port" */
    const char *encryption; /* "AES256", "aws:kms" or "aws:kms:dsse" */
    const char *kms_key_id;
    const char *storage_class;      /* "STANDARD_IA", ... */
    const char *tags;               /* "key=value&key2=value2", URL-encoded */
    const char *object_lock_mode;   /* "GOVERNANCE" or "COMPLIANCE" */
    uint64_t object_lock_retain_ms; /* from the time of the put */
    uint64_t multipart_bytes;       /* above it: parts; 5 MiB .. 5 GiB */
    uint64_t part_bytes;            /* at least 5 MiB; grows so that 10,000 are enough */
    uint32_t parallel_parts;        /* of one object at once, 1..64; downloads too */
    uint64_t connect_timeout_ms;
    cairn_log log;
} cairn_s3_options;

#define CAIRN_S3_OPTIONS_VERSION 1
/* In the order of the members: 64 MiB in one PUT, parts of 16 MiB, 8 at once, 5 s to connect. */
#define CAIRN_S3_OPTIONS_INIT                                                                    \
    {                                                                                            \
        CAIRN_S3_OPTIONS_VERSION, NULL, "", NULL, NULL, NULL, NULL, NULL, NULL, NULL,            \
            CAIRN_S3_ADDRESSING_AUTO, false, false, false, false, false, NULL, NULL, NULL, NULL, \
            NULL, NULL, NULL, 0, (uint64_t)64 << 20, (uint64_t)16 << 20, 8, 5000, CAIRN_LOG_INIT \
    }

/*
 * Reads environment and profile files once, now; sends nothing. CAIRN_E_INVALID for options that do
 * not fit together, CAIRN_E_ACCESS for http to a host that is not loopback without allow_http.
 */
cairn_code cairn_s3_store_new(const cairn_s3_options *options, cairn_store **out, cairn_error *err);

/*
 * Aborts multipart uploads under the store's prefix that were begun more than `older_than_ms` ago,
 * by the server's clock. `out_aborted` may be NULL. `store` is what cairn_s3_store_new made.
 */
cairn_code cairn_s3_sweep_uploads(cairn_store *store, const cairn_call *call,
                                  uint64_t older_than_ms, uint64_t *out_aborted, cairn_error *err);

/* Splits "s3://bucket/a/b" (also s3a://, s3n://): the caller frees both with cairn_s3_free_text.
 * CAIRN_E_INVALID says what is wrong. */
cairn_code cairn_s3_parse_uri(const char *uri, char **out_bucket, char **out_prefix,
                              cairn_error *err);
void cairn_s3_free_text(char *text);

CAIRN_END_DECLS

#endif
