/* What a URI says of where something is, by its text alone. All pure. */
#ifndef CAIRN_CLI_STORE_URI_H
#define CAIRN_CLI_STORE_URI_H

#include "check.h"

typedef enum store_kind {
    CAIRN_STORE_KIND_DIR = 0, /* a plain path, file:///path, file:/path */
    CAIRN_STORE_KIND_S3 = 1,  /* s3://, s3a://, s3n:// */
    CAIRN_STORE_KIND_HDFS = 2 /* webhdfs://, swebhdfs://, hdfs:// */
} store_kind;

/*
 * CAIRN_E_INVALID for any other scheme, for a missing host or bucket, and for user info
 * ("s3://id:secret@bucket"), which is not shown; `what` says what the URI is for.
 */
cairn_code store_uri_kind(const char *uri, const char *what, store_kind *out, cairn_error *err);

/*
 * The path that a URI of kind DIR names, borrowed from `uri`, taken as it is (%20 is three
 * characters). CAIRN_E_INVALID for any other kind.
 */
cairn_code store_uri_path(const char *uri, const char *what, const char **out, cairn_error *err);

/*
 * One text for one place, of kind S3 or HDFS: "s3://bucket/a/b", "webhdfs://host:port/a/b"; for
 * comparing. Terminated.
 */
cairn_code store_uri_normal(const char *uri, cairn_buf *out, cairn_error *err);

/* Adds the parts of a path without empty ones and ".", following ".."; `path` holds what stands
 * before, of which the first `root` bytes stay. */
cairn_code store_uri_append_path(cairn_buf *path, size_t root, const char *rest, cairn_error *err);

/*
 * "s3://bucket/a/in.txt" into the store "s3://bucket/a" and the key "in.txt"; the caller frees
 * both. CAIRN_E_INVALID if there is no key.
 */
cairn_code store_uri_split(const char *uri, char **out_store, char **out_key, cairn_error *err);

/* How many bytes of `uri` are scheme, "://" and host or bucket; 0 for kind DIR. */
size_t store_uri_authority_end(const char *uri);

/* For messages: printable, cut, user info hidden. Terminated. */
cairn_code store_uri_show(const char *uri, cairn_buf *out, cairn_error *err);

#endif
