/*
 * Whether a redirect of a NameNode may be followed. Pure.
 *
 * A Location carries the user's name or a token: whoever gets the second request can act as that
 * user. So the scheme may not become weaker, the host must be one that the policy allows, and the
 * path must be the one that was asked for. No error holds any of a Location's text but a host.
 */
#ifndef CAIRN_HDFS_WEBHDFS_LOCATION_H
#define CAIRN_HDFS_WEBHDFS_LOCATION_H

#include "webhdfs_url.h"

typedef struct webhdfs_location_rule {
    const webhdfs_url *origin; /* of the first request */
    const char *prefix;        /* "/webhdfs/v1" */
    const char *path;          /* of the file, not encoded */
    const char *hosts;         /* cairn_hdfs_options.datanode_hosts; NULL: none besides */
} webhdfs_location_rule;

/* OK, or CAIRN_E_ACCESS with the reason. The endpoint itself may redirect to any path of its own,
 * as gateways do. */
cairn_code webhdfs_location_check(const webhdfs_location_rule *rule, cairn_slice location,
                                  webhdfs_url *out, cairn_error *err);

#endif
