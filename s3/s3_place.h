/*
 * Where a bucket is: scheme, host and region, from an endpoint or from AWS's own names. Pure.
 *
 * AWS without an endpoint: `s3.<region>.amazonaws.com`, so another region is another host. An
 * endpoint is kept: another region only changes what is signed.
 */
#ifndef CAIRN_S3_PLACE_H
#define CAIRN_S3_PLACE_H

#include <cairn/s3.h>

#include "check.h"
#include "s3_reply.h"

#define S3_HOST_SIZE 330 /* a DNS name of 253, a bucket of 63 and a port */

/* Copyable. */
typedef struct s3_place {
    bool https;
    bool aws;          /* the host lies in one of AWS's domains */
    bool templated;    /* the host is made from the region */
    bool virtual_host; /* the bucket stands in the host, not in the path */
    bool loopback;     /* the host is this machine: an address of it, or "localhost" alone */
    char region[S3_REGION_SIZE];
    char
        host[S3_HOST_SIZE]; /* of the bucket, lower case; with the port unless it is the scheme's */
} s3_place;

/* All borrowed. */
typedef struct s3_place_query {
    const char *bucket;
    const char *endpoint; /* "http[s]://host[:port][/]"; NULL: AWS */
    const char *region;
    cairn_s3_addressing addressing;
    bool allow_http; /* to hosts that are not loopback */
} s3_place_query;

/* CAIRN_E_INVALID for an endpoint or region that is none; CAIRN_E_ACCESS for http that is not
 * allowed. */
cairn_code s3_place_resolve(const s3_place_query *query, s3_place *out, cairn_error *err);

/* Goes to another region; false, and nothing is changed, if it is there already or `region` is none
 * ([a-z0-9-]{1,32}). */
bool s3_place_move(s3_place *place, const char *bucket, const char *region);

/*
 * The host of `location` if a request may go there: AWS sends those of a new bucket to another of
 * its hosts for a while. Same scheme, within the domain of the place's own host, the bucket in the
 * host exactly if it is now.
 */
bool s3_place_hop(const s3_place *place, const char *bucket, cairn_slice location,
                  char out_host[S3_HOST_SIZE]);

#endif
