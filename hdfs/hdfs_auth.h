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
    cairn_buf query;  /* "&user.name=.." */
    cairn_buf cookie; /* a header line, or empty */
    unsigned flags;   /* HTTP_ */
} hdfs_signature;
void hdfs_signature_release(hdfs_signature *signature);
CAIRN_DEFINE_AUTO(hdfs_signature, hdfs_signature_release)

cairn_code hdfs_auth_sign(hdfs_auth *auth, size_t namenode, hdfs_auth_kind kind,
                          hdfs_signature *out, cairn_error *err);

/* Keeps the hadoop.auth cookie of a reply, if it sets one. */
void hdfs_auth_keep_cookie(hdfs_auth *auth, size_t namenode, const http_reply *reply);

/* True if a delegation token is to be fetched (Kerberos only), or *out_renew to be renewed first.
 */
bool hdfs_auth_token_is_due(hdfs_auth *auth, bool *out_renew);
/* A token that the NameNode gave; not set: it gives none. It lasts `lifetime_ms`, 0: not known. */
cairn_code hdfs_auth_set_token(hdfs_auth *auth, const secret *token, uint64_t lifetime_ms,
                               cairn_error *err);
/* The same token lasts `lifetime_ms` from now; 0: it cannot be renewed, fetch another. */
void hdfs_auth_renewed(hdfs_auth *auth, uint64_t lifetime_ms);
cairn_code hdfs_auth_copy_token(hdfs_auth *auth, secret *out, cairn_error *err);

/*
 * The server refused the credentials: drops cookies and token, or reads the token file again. False
 * if nothing has changed by that, so that asking again is in vain.
 */
bool hdfs_auth_refused(hdfs_auth *auth);

/* The urlString of the first WebHDFS or HDFS token in a Hadoop token file ("HDTS", version 0). */
cairn_code hdfs_token_file_read(cairn_slice file, secret *out, cairn_error *err);

#endif
