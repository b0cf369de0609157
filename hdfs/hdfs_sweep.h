/* What the sweep shares: the server's clock, and a walk that sees temporaries. */
#ifndef CAIRN_HDFS_SWEEP_H
#define CAIRN_HDFS_SWEEP_H

#include "hdfs_store.h"

/* The NameNode's time, ms since 1970: of a folder that is made below the root for that and removed.
 */
cairn_code hdfs_server_now_ms(hdfs_store *store, const cairn_call *call, uint64_t *out_ms,
                              cairn_error *err);

/* Calls `visit` with the path of each temporary below the root that has a name of this driver's. */
typedef cairn_code (*hdfs_temporary_visit)(void *context, const char *path,
                                           const webhdfs_status *status, cairn_error *err);
cairn_code hdfs_walk_temporaries(hdfs_store *store, const cairn_call *call,
                                 hdfs_temporary_visit visit, void *context, cairn_error *err);

#endif
