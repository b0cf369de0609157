/*
 * Who asks: what is added to a request so that the NameNode knows, and the secrets for that.
 *
 * simple    user.name=U
 * token     delegation=T, as given or read from a Hadoop token file
 * Kerberos  SPNEGO for the first request, which fetches a delegation token; then that token,
 * renewed before it ends. A server that gives no token is asked with the cookie that it sets.
 *
 * Thread-safe after its init. A token leaves only in URLs, a cookie only in headers.
 */
#ifndef CAIRN_HDFS_AUTH_H
#define CAIRN_HDFS_AUTH_H

#include <cairn/hdfs.h>

#include "bounds.h"
#include "http.h"
#include "secret.h"

#include <pthread.h>

/* Zero-initialise it. */
typedef struct hdfs_auth {
    cairn_hdfs_auth mode; /* these are const after init */
    char *user;
    char *do_as;
    char *token_file;
    pthread_mutex_t lock;
    secret token;         /* these under the lock */
    uint64_t renew_at_ms; /* monotonic; 0: nothing to do */
    bool no_tokens;       /* the server gives none */
    bool fetching;        /* a thread is about to get or renew the token */
    unsigned generation;  /* of token and cookies: counts what replaced or dropped them */
    secret cookies[CAIRN_HDFS_NAMENODES_MAX];
} hdfs_auth;

/* Reads the environment (HADOOP_USER_NAME, HADOOP_TOKEN_FILE_LOCATION) and that file, once. */
cairn_code hdfs_auth_init(hdfs_auth *auth, const cairn_hdfs_options *options, cairn_error *err);
void hdfs_auth_release(hdfs_auth *auth);

/* How a request is signed. */
typedef enum hdfs_auth_kind {
    CAIRN_HDFS_SIGN_USUAL = 0,
    CAIRN_HDFS_SIGN_SPNEGO = 1 /* by Kerberos, never by a token: for calls about tokens */
} hdfs_auth_kind;

/* What signing adds to a request. Zero-initialise it; both buffers are secrets. */
typedef struct hdfs_signature {
    cairn_buf query;     /* "&user.name=.." */
    cairn_buf cookie;    /* a header line, or empty */
    unsigned flags;      /* HTTP_ */
    unsigned generation; /* of the credentials that were used */
} hdfs_signature;
void hdfs_signature_release(hdfs_signature *signature);
CAIRN_DEFINE_AUTO(hdfs_signature, hdfs_signature_release)

cairn_code hdfs_auth_sign(hdfs_auth *auth, size_t namenode, hdfs_auth_kind kind,
                          hdfs_signature *out, cairn_error *err);

/* Keeps the hadoop.auth cookie of a reply, if it sets one. */
void hdfs_auth_keep_cookie(hdfs_auth *auth, size_t namenode, const http_reply *reply);

/*
 * True if a delegation token is to be fetched (Kerberos only), or *out_renew to be renewed first.
 * It is said to one thread, which calls hdfs_auth_token_done afterwards; meanwhile the others sign
 * with what is there.
 */
bool hdfs_auth_token_is_due(hdfs_auth *auth, bool *out_renew);
/* True if a token is left to ask with: one that could not be renewed is good until it ends. The
 * next try is CAIRN_HDFS_RENEW_PAUSE_MS later then. */
bool hdfs_auth_token_done(hdfs_auth *auth, bool worked);
/* A token that the NameNode gave; not set: it gives none. It lasts `lifetime_ms`, 0: not known. */
cairn_code hdfs_auth_set_token(hdfs_auth *auth, const secret *token, uint64_t lifetime_ms,
                               cairn_error *err);
/* The same token lasts `lifetime_ms` from now. */
void hdfs_auth_renewed(hdfs_auth *auth, uint64_t lifetime_ms);
cairn_code hdfs_auth_copy_token(hdfs_auth *auth, secret *out, cairn_error *err);

/*
 * The server refused the credentials of that generation: drops cookies and token, or reads the
 * token file again. True if asking again is worth it: there are others now, also if another thread
 * has changed them meanwhile.
 */
bool hdfs_auth_refused(hdfs_auth *auth, unsigned generation);

/* The urlString of the first WebHDFS or HDFS token in a Hadoop token file ("HDTS", version 0). */
cairn_code hdfs_token_file_read(cairn_slice file, secret *out, cairn_error *err);

#endif
