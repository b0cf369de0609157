/* Pages of a listing, read by their content. Pure, but for what `visit` does. */
#ifndef CAIRN_S3_S3_LIST_H
#define CAIRN_S3_S3_LIST_H

#include <cairn/store_driver.h>

#include "check.h"

/* Appends `text` with %XX and '+' of encoding-type=url replaced; CAIRN_E_UNAVAILABLE if a '%'
 * stands alone or hides a NUL. */
cairn_code s3_url_decode(const char *text, cairn_buf *out, cairn_error *err);

/*
 * A <ListBucketResult>: visits each key, without `prefix`, which all of them have. *out_next_token
 * (cairn_driver_strdup) stays NULL at the end of the listing. A document that cannot be read is
 * CAIRN_E_UNAVAILABLE: a list of nothing would be believed. Else what `visit` returned.
 */
typedef struct s3_listing {
    const char *prefix; /* of the store, which is cut off */
    cairn_store_visit visit;
    void *context;
    char **out_next_token;
} s3_listing;
cairn_code s3_list_read(cairn_slice document, const s3_listing *listing, cairn_error *err);

#endif
