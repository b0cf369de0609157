/*
 * What the store knows of DataNodes: where those behind a NAT or in containers are really reached,
 * and which failed of late, so that the NameNode is asked for others.
 */
#ifndef CAIRN_HDFS_DATANODES_H
#define CAIRN_HDFS_DATANODES_H

#include "bounds.h"
#include "webhdfs_url.h"

#include <pthread.h>

typedef struct hdfs_datanode_entry {
    char *from; /* "dn1:9864", in any case */
    char *to;   /* "10.0.0.5:19864" */
} hdfs_datanode_entry;

#define HDFS_ADDRESS_BYTES 16 /* "255.255.255.255" */

typedef struct hdfs_bad_datanode {
    char address[HDFS_ADDRESS_BYTES];
    uint64_t until_ms; /* monotonic */
} hdfs_bad_datanode;

/* Zero-initialise it. Thread-safe after its init. */
typedef struct hdfs_datanodes {
    hdfs_datanode_entry map[CAIRN_HDFS_DATANODES_MAX]; /* const after init */
    size_t mapped;
    pthread_mutex_t lock;
    hdfs_bad_datanode bad[CAIRN_HDFS_EXCLUDED_MAX]; /* under the lock */
    size_t next;                                    /* under the lock: the entry to overwrite */
} hdfs_datanodes;

/* `map` is cairn_hdfs_options.datanode_map; NULL for none. */
cairn_code hdfs_datanodes_init(hdfs_datanodes *nodes, const char *map, cairn_error *err);
void hdfs_datanodes_release(hdfs_datanodes *nodes);

/* Where to connect for that address; NULL: as it says. Borrowed. */
const char *hdfs_datanodes_target(const hdfs_datanodes *nodes, const webhdfs_url *url);

/*
 * A DataNode could not be reached or gave no good answer: it is passed over for
 * CAIRN_HDFS_EXCLUDED_MS. NameNodes ignore names in `excludedatanodes` and know IPv4 addresses, so
 * it is `host`, if that is one, else `peer`, the address of the connection. Nobody is asked: a
 * DataNode whose address is not known so ("" for one in the map, which has another there) is not
 * passed over. Source: getDatanodeByHost of Hadoop.
 */
void hdfs_datanodes_exclude(hdfs_datanodes *nodes, const char *host, const char *peer);
/* None is left: forget who failed. True if there was one. */
bool hdfs_datanodes_forgive(hdfs_datanodes *nodes);
/* Appends "10.0.0.5,10.0.0.6", or nothing. */
cairn_code hdfs_datanodes_excluded(hdfs_datanodes *nodes, cairn_buf *out, cairn_error *err);

#endif
