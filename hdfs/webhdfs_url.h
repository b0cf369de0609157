/*
 * Text of WebHDFS URLs, and where an address leads. Pure.
 *
 * Segments and values are encoded strictly: all but A-Z a-z 0-9 - . _ ~ (RFC 3986, unreserved).
 */
#ifndef CAIRN_HDFS_WEBHDFS_URL_H
#define CAIRN_HDFS_WEBHDFS_URL_H

#include "buf.h"

/* Appends a value of a query, '/' encoded too. */
cairn_code webhdfs_encode_value(const char *text, cairn_buf *out, cairn_error *err);
/* Appends a path, whose '/' stay. */
cairn_code webhdfs_encode_path(const char *path, cairn_buf *out, cairn_error *err);
/* Appends the bytes that an encoded path means. CAIRN_E_INVALID for a '%' without two digits, and
 * for an encoded NUL. */
cairn_code webhdfs_decode_path(cairn_slice text, cairn_buf *out, cairn_error *err);

#define WEBHDFS_HOST_BYTES 256

/* The parts of "http://host:port/path?query". The host is in lower case, an IPv6 address without
 * its brackets; `rest` begins with '/' or is empty and borrows from the text. */
typedef struct webhdfs_url {
    bool https;
    char host[WEBHDFS_HOST_BYTES];
    uint16_t port;
    cairn_slice path;
    cairn_slice rest; /* path and query */
} webhdfs_url;

/* CAIRN_E_INVALID, without the text, for another scheme, user info, a host or port that is none, a
 * fragment, or a byte that may not stand in a URL. */
cairn_code webhdfs_url_parse(cairn_slice text, webhdfs_url *out, cairn_error *err);

#endif
