/*
 * Roles, by AWS's Security Token Service (API version 2011-06-15) or what answers like it (MinIO):
 * AssumeRole, signed with other credentials, and AssumeRoleWithWebIdentity, which is not signed.
 * One request each, by POST, so that no token stands in a URL. Stateless and thread-safe.
 */
#ifndef CAIRN_S3_STS_H
#define CAIRN_S3_STS_H

#include "s3_credentials.h"

/* Who is asked. All borrowed. */
typedef struct s3_sts {
    const char *endpoint; /* "https://host[:port][/path]"; NULL: AWS's of the region */
    const char *region;   /* [a-z0-9-]{1,32} */
    const char *ca_file;
    const char *proxy;
    bool allow_http;
    uint64_t connect_timeout_ms;
    uint64_t wall_ms; /* now, for the signature */
} s3_sts;

/* What for. NULL and 0 where nothing is said. All borrowed. */
typedef struct s3_role {
    const char *arn;
    const char *session_name; /* NULL: "cairn-<random>" */
    const char *external_id;
    uint64_t duration_s;
} s3_role;

/*
 * Both give CAIRN_E_ACCESS if it is refused, with the code and the text of the service, unless
 * that text repeats a secret of the request; CAIRN_E_UNAVAILABLE if trying again may help;
 * CAIRN_E_INVALID for an endpoint that is no URL.
 */
cairn_code s3_sts_assume_role(const s3_sts *sts, const cairn_call *call, const s3_role *role,
                              const s3_keys *with, s3_keys *out, cairn_error *err);
/* The token file is read anew each time. */
cairn_code s3_sts_web_identity(const s3_sts *sts, const cairn_call *call, const s3_role *role,
                               const char *token_file, s3_keys *out, cairn_error *err);

#endif
