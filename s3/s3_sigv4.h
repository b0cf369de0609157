/*
 * AWS Signature Version 4 for S3. Pure: time, region and keys come in, headers or a query go out.
 * Source of the rules: the S3 API Reference, "Authenticating Requests (AWS Signature Version 4)".
 *
 * Paths are encoded once and never normalised; the request must be sent with the very bytes of
 * `path` and `query` that were signed.
 */
#ifndef CAIRN_S3_SIGV4_H
#define CAIRN_S3_SIGV4_H

#include <cairn/base.h>

#include "digest.h"
#include "secret.h"

#define SIGV4_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"

/* "20130524T000000Z" */
#define SIGV4_TIME_SIZE 17
void sigv4_format_time(uint64_t wall_ms, char out[SIGV4_TIME_SIZE]);

/* Name and value as they are sent; the name is lower case. */
typedef struct sigv4_pair {
    const char *name;
    const char *value;
} sigv4_pair;

/* What is to be signed. All borrowed. */
typedef struct sigv4_request {
    const char *method;
    const char *path;          /* encoded, begins with '/' */
    const char *query;         /* as sigv4_query made it; "" for none */
    const sigv4_pair *headers; /* all that are to be signed, host among them, in any order */
    size_t header_count;       /* at most CAIRN_SIGV4_HEADERS_MAX */
    const char *payload_hash;  /* 64 hex digits or SIGV4_UNSIGNED_PAYLOAD */
} sigv4_request;

/*
 * Who signs. `key_cache` keeps the derived key per (secret, day, region, service); zero-initialise
 * it, one per signer; thread-safe by the caller's lock, NULL is fine.
 */
typedef struct sigv4_key {
    char day[9];
    char region[33];
    sha256 of_secret; /* and of the service */
    sha256 derived;
    bool set;
} sigv4_key;

typedef struct sigv4_signer {
    const char *access_key_id;
    const secret *secret_key;
    const char *region;
    const char *service; /* "s3", "sts" */
    uint64_t wall_ms;
    sigv4_key *key_cache;
} sigv4_signer;

/*
 * Appends the value of the Authorization header. CAIRN_E_INVALID for what no server could check: a
 * name that is not lower case or stands twice, a control byte in a value, a region or an id that
 * does not fit in a scope. Blanks around a value and runs of blanks in it count as S3 counts them.
 */
cairn_code sigv4_authorization(const sigv4_signer *signer, const sigv4_request *request,
                               cairn_buf *out, cairn_error *err);

/*
 * Appends the query of a presigned URL ("a=b&..&X-Amz-Signature=.."): `request->query` and the
 * X-Amz- members, sorted. The payload hash is UNSIGNED-PAYLOAD unless it is given.
 * `session_token` may be NULL. 1 <= expires_s <= 604800.
 */
cairn_code sigv4_presign(const sigv4_signer *signer, const sigv4_request *request,
                         const secret *session_token, uint64_t expires_s, cairn_buf *out,
                         cairn_error *err);

/* Appends `path` with all but A-Za-z0-9-._~/ as %XX, upper case. */
cairn_code sigv4_encode_path(const char *path, cairn_buf *out, cairn_error *err);

/* Appends pairs as a canonical query: names and values encoded ('/' too), sorted by encoded name,
 * then value; a NULL value gives "name=". At most CAIRN_SIGV4_QUERY_MAX pairs. */
cairn_code sigv4_query(const sigv4_pair *pairs, size_t count, cairn_buf *out, cairn_error *err);

/* For tests against the documented examples: the text whose hash is signed. */
cairn_code sigv4_canonical(const sigv4_request *request, cairn_buf *out, cairn_error *err);

#endif
