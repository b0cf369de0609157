/*
 * What a reply of an S3 server that is no success says, and what follows from it. Pure: a reply
 * comes in, facts, a verdict and one line for a human go out.
 *
 * Recipe, for a reply with a status that is not what the request wanted:
 *   code = s3_reply_fail(&exchange->reply, CAIRN_S3_ASKED_WRITE, &error, &verdict, err);
 * `err` holds the line, `verdict.action` what may be tried once before `code` is returned. Replies
 * with 200 whose body may still be an error (complete, copy, delete many): s3_reply_has_error
 * first.
 *
 * Source: "Error responses" of the S3 API Reference, and what MinIO and versitygw answer. A body is
 * read by its content, whatever its Content-Type says; one that is empty (HEAD), HTML, plain text
 * or cut is no problem: what could be read counts, the rest comes from status and headers.
 */
#ifndef CAIRN_S3_REPLY_H
#define CAIRN_S3_REPLY_H

#include "http.h"

#define S3_CODE_SIZE    64
#define S3_TEXT_SIZE    257 /* 256 bytes: longer ones are cut */
#define S3_REGION_SIZE  33
#define S3_REQUEST_SIZE 129

/*
 * A copyable value without anything to release; zero-initialise. Texts are printable ASCII (others
 * as \xNN) and "" where the server said nothing. Never holds what a server echoes of a request
 * (string to sign, token).
 */
typedef struct s3_error {
    unsigned status;
    char code[S3_CODE_SIZE];          /* <Code>; MinIO names it in a header of a HEAD too */
    char message[S3_TEXT_SIZE];       /* <Message>, else a body of plain text; no stop at its end */
    char region[S3_REGION_SIZE];      /* x-amz-bucket-region, else <Region>; [a-z0-9-]{1,32} */
    char endpoint[S3_TEXT_SIZE];      /* <Endpoint>, else the host of Location: for messages only */
    char request_id[S3_REQUEST_SIZE]; /* x-amz-request-id, else <RequestId> */
    char host_id[S3_REQUEST_SIZE];    /* x-amz-id-2 */
    uint32_t retry_after_ms;          /* as asked, at most CAIRN_RETRY_AFTER_MS_MAX; 0: not */
    uint64_t server_ms;               /* Date: wall clock of the server; 0: not said */
} s3_error;

/* What the request was, as far as the meaning of its refusal depends on it. */
typedef enum s3_asked {
    CAIRN_S3_ASKED_OTHER = 0,  /* bucket, list, delete, and what is named below nowhere */
    CAIRN_S3_ASKED_GET = 1,    /* an object, perhaps with Range and If-Match */
    CAIRN_S3_ASKED_HEAD = 2,   /* an object */
    CAIRN_S3_ASKED_WRITE = 3,  /* put, copy; perhaps with If-None-Match */
    CAIRN_S3_ASKED_UPLOAD = 4, /* part, complete, abort, list of parts */
} s3_asked;

/* What may help, before the code of the verdict is returned to the caller. */
typedef enum s3_action {
    CAIRN_S3_NONE = 0,            /* final */
    CAIRN_S3_RETRY = 1,           /* transient: the same again, later */
    CAIRN_S3_RETRY_THROTTLE = 2,  /* the same again, later, and less of it */
    CAIRN_S3_FIX_CLOCK = 3,       /* take the offset from server_ms, sign anew, once */
    CAIRN_S3_FIX_CREDENTIALS = 4, /* s3_credentials_refresh, sign anew, once */
    CAIRN_S3_FIX_REGION = 5,      /* sign for `region` (if it is said), once */
    CAIRN_S3_FOLLOW = 6,          /* 307: one hop to Location, if that is ours, signed anew */
    CAIRN_S3_LEARN_WHY = 7,       /* a HEAD was refused and cannot say why: GET the first byte */
    CAIRN_S3_READ_BACK = 8,       /* create: what stands there may be ours */
    CAIRN_S3_UPLOAD_GONE = 9,     /* complete: look whether it took effect; part: begin a new
                                     upload; abort: done */
    CAIRN_S3_RESTART_UPLOAD = 10, /* complete lost a race: begin a new upload */
    CAIRN_S3_HASH_AGAIN = 11, /* hash the source: changed is damage here; else send it once more */
    CAIRN_S3_HELD = 12,       /* object lock keeps it: for a delete no failure */
} s3_action;

typedef struct s3_verdict {
    cairn_code code; /* never CAIRN_OK */
    s3_action action;
    const char *advice; /* what to check, or NULL; static */
} s3_verdict;

/*
 * Status, headers and body into `out`. Cannot fail but for memory. A status of 2xx is fine: then
 * the body is read as an <Error>.
 */
cairn_code s3_error_read(const http_reply *reply, s3_error *out, cairn_error *err);

/* The table: by code, then by status. Says CAIRN_E_NOT_FOUND only for NoSuchKey: anything else that
 * is "not there" is CAIRN_E_ACCESS, as no caller may take it for an absent object. The 404 of a
 * HEAD that names no code is CAIRN_E_UNAVAILABLE with CAIRN_S3_LEARN_WHY: the answer to that
 * counts. */
s3_verdict s3_classify(const s3_error *error, s3_asked asked);

/*
 * Writes "403 AccessDenied (request ID): advice; the server says: ..." and returns verdict->code.
 * With CAIRN_E_UNAVAILABLE err->retry_after_ms is what the server asked for; 1000 if it throttled
 * without naming a time.
 */
cairn_code s3_error_report(const s3_error *error, const s3_verdict *verdict, cairn_error *err);

/* The three above in one. `out_error` and `out_verdict` may be NULL. Never returns CAIRN_OK. */
cairn_code s3_reply_fail(const http_reply *reply, s3_asked asked, s3_error *out_error,
                         s3_verdict *out_verdict, cairn_error *err);

/*
 * A reply with 200 that may be an error: its document is <Error>, or <`root`> for a success, after
 * any amount of white space. *out_has tells which; then `out` is filled, else untouched. Neither of
 * them, cut or empty: CAIRN_E_UNAVAILABLE, as whether the request took effect is unknown.
 */
cairn_code s3_reply_has_error(const http_reply *reply, const char *root, s3_error *out,
                              bool *out_has, cairn_error *err);

/* One key that a multi-object delete did not delete. `key` as the server sent it; borrowed. */
typedef cairn_code (*s3_key_visit)(void *context, const char *key, const s3_error *error,
                                   cairn_error *err);

/* The <Error> elements of a <DeleteResult>. Errors of s3_reply_has_error, of a document that is an
 * <Error> itself, and of `visit`. */
cairn_code s3_delete_errors(const http_reply *reply, s3_key_visit visit, void *context,
                            cairn_error *err);

#endif
