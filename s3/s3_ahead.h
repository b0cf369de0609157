/*
 * The digests of an upload's parts, made on a thread of its own while parts before them are sent:
 * who hashes a part between two sends lets all connections run dry meanwhile. Where no thread can
 * be made each part is hashed when it is taken.
 *
 * Life cycle: s3_ahead_new; s3_ahead_take for each part once, in order; s3_ahead_free at any time.
 * One thread uses it.
 */
#ifndef CAIRN_S3_S3_AHEAD_H
#define CAIRN_S3_S3_AHEAD_H

#include "s3_object.h"

typedef struct s3_ahead s3_ahead;

/* Where the parts are: all of part_bytes, but for the last. `body` is borrowed until the free. */
typedef struct s3_ahead_plan {
    const s3_body *body;
    uint64_t part_bytes;
    unsigned parts;
    unsigned lead; /* parts that may be hashed before they are taken, 1..CAIRN_S3_AHEAD_MAX */
    bool by_crc32c;
} s3_ahead_plan;

/* Begins with the first parts. */
cairn_code s3_ahead_new(const s3_ahead_plan *plan, s3_ahead **out, cairn_error *err);

/* True if s3_ahead_take would not wait. There must be a part left to take. */
bool s3_ahead_ready(s3_ahead *ahead);

/* The digests of the next part; waits for them. What goes wrong is told for the part that it is
 * about. */
cairn_code s3_ahead_take(s3_ahead *ahead, s3_digests *out, cairn_error *err);

/* Waits for the part that is being hashed. NULL is fine. */
void s3_ahead_free(s3_ahead *ahead);
CAIRN_DEFINE_AUTO_PTR(s3_ahead, s3_ahead_free)

/* The bytes of part `index`, from 0. */
http_source s3_ahead_source(const s3_ahead_plan *plan, uint64_t index);

#endif
