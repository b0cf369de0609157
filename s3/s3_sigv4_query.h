/* Queries in their canonical form, for the signer alone; the rest of it is in s3_sigv4.h. All pure.
 */
#ifndef CAIRN_S3_SIGV4_QUERY_H
#define CAIRN_S3_SIGV4_QUERY_H

#include "s3_sigv4.h"

/* A buffer that holds a token or a key on its way: wiped. Reserve all of it at once, as growing
 * leaves a copy behind. */
typedef cairn_buf wiped_buf;
CAIRN_DEFINE_AUTO(wiped_buf, secret_buf_release)

/* A-Za-z0-9-._~ */
bool sigv4_is_unreserved(char c);

/* At least the bytes of all names and values, two more for each pair, and one. */
size_t sigv4_pairs_bytes(const sigv4_pair *pairs, size_t count);

/* Appends the members of two sorted queries, sorted. */
cairn_code sigv4_merge_queries(const char *a, const char *b, cairn_buf *out, cairn_error *err);

#endif
