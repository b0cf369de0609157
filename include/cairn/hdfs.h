/*
 * The HDFS store, over WebHDFS (HTTP to NameNode and DataNodes): objects are files below a folder.
 *
 * A put writes a temporary file beside the key, checks its length (and its checksum, where the
 * server's kind is known), then renames it without overwrite: that rename is atomic in the NameNode
 * and is what create-only rests on. A file whose upload was cut looks complete in HDFS; it never
 * has the name of an object. Temporaries that dead writers left are removed by cairn_hdfs_sweep.
 *
 * NameNodes: one, or several of an HA name service; the store stays with the one that answers as
 * active and moves on when it is told to. Redirects to DataNodes are followed by hand, to hosts
 * that the policy allows, and never from https to http.
 */
#ifndef CAIRN_HDFS_H
#define CAIRN_HDFS_H

#include <cairn/log.h>
#include <cairn/store.h>

CAIRN_BEGIN_DECLS

typedef enum cairn_hdfs_auth {
    CAIRN_HDFS_AUTH_SIMPLE = 0,   /* user.name */
    CAIRN_HDFS_AUTH_KERBEROS = 1, /* SPNEGO from the ticket cache (KRB5CCNAME) or client keytab */
    CAIRN_HDFS_AUTH_TOKEN = 2     /* a delegation token that is given */
} cairn_hdfs_auth;

/* All texts are copied; NULL where nothing else is said. */
typedef struct cairn_hdfs_options {
    uint32_t version;
    const char *const
        *namenodes;          /* required: "http://host:9870", "https://host:9871"; NULL at end */
    const char *root;        /* required: absolute path of the folder */
    const char *path_prefix; /* "/webhdfs/v1"; gateways add to it */
    cairn_hdfs_auth auth;
    const char *user;  /* simple: NULL: HADOOP_USER_NAME, else the user of the process */
    const char *do_as; /* act as this user (a proxy user's right) */
    const char *token; /* delegation token, as its urlString; from a protected place */
    const char *ca_file;
    bool allow_http;            /* http to hosts that are not loopback: HDFS without TLS is usual */
    const char *datanode_map;   /* "dn1:9864=10.0.0.5:19864,...": connect there instead */
    const char *datanode_hosts; /* comma list of hosts and ".domain"s that a redirect may name
                                   besides the NameNodes' own domain; "*": any */
    uint32_t replication;       /* 0: the server's */
    uint64_t block_bytes;       /* 0: the server's; a multiple of 512 */
    bool sync_block;            /* DataNodes fsync each block */
    bool check_checksum; /* compare the file's checksum after an upload, where its kind is known */
    bool create_root; /* make the folder if it is missing; else a put is CAIRN_E_NOT_FOUND then */
    uint64_t connect_timeout_ms;
    cairn_log log; /* when another NameNode or DataNode is asked */
} cairn_hdfs_options;

#define CAIRN_HDFS_OPTIONS_VERSION 1
#define CAIRN_HDFS_OPTIONS_INIT                                                                    \
    {                                                                                              \
        CAIRN_HDFS_OPTIONS_VERSION, NULL, NULL, "/webhdfs/v1", CAIRN_HDFS_AUTH_SIMPLE, NULL, NULL, \
            NULL, NULL, true, NULL, "*", 0, 0, false, true, true, 5000, CAIRN_LOG_INIT             \
    }

/* Sends nothing yet. CAIRN_E_INVALID for options that do not fit together. */
cairn_code cairn_hdfs_store_new(const cairn_hdfs_options *options, cairn_store **out,
                                cairn_error *err);

/* Removes temporaries of this driver, known by their names, that are older than `older_than_ms` by
 * the server's clock. A root that is missing has none. */
cairn_code cairn_hdfs_sweep(cairn_store *store, const cairn_call *call, uint64_t older_than_ms,
                            uint64_t *out_removed, cairn_error *err);

/*
 * Where "webhdfs://host:port/path", "swebhdfs://host:port/path" and "hdfs://nameservice/path" lead.
 * For hdfs:// the addresses come from core-site.xml and hdfs-site.xml in `conf_dir` (NULL:
 * HADOOP_CONF_DIR); without them the port is WebHDFS's default. Zero-initialise.
 */
typedef struct cairn_hdfs_place {
    char *namenodes[8]; /* URLs; the first NULL ends it */
    char *root;
} cairn_hdfs_place;

cairn_code cairn_hdfs_locate(const char *uri, const char *conf_dir, cairn_hdfs_place *out,
                             cairn_error *err);
void cairn_hdfs_place_release(cairn_hdfs_place *place);

CAIRN_END_DECLS

#endif
