/*
 * The JSON of WebHDFS. Each reader takes a whole body and checks what it uses; members that it does
 * not know are fine. A body that is not this JSON (HTML, empty, cut) is CAIRN_E_INTEGRITY, one
 * beyond CAIRN_HDFS_JSON_BYTES_MAX is CAIRN_E_LIMIT.
 */
#ifndef CAIRN_HDFS_WEBHDFS_JSON_H
#define CAIRN_HDFS_WEBHDFS_JSON_H

#include "json_read.h"
#include "secret.h"

/* {"RemoteException":{..}}: texts are borrowed from `doc`; "" where one is absent or null. */
typedef struct webhdfs_exception {
    json_doc *doc;
    const char *name;
    const char *class_name;
    const char *message;
} webhdfs_exception;

cairn_code webhdfs_json_exception(cairn_slice body, webhdfs_exception *out, cairn_error *err);
void webhdfs_exception_release(webhdfs_exception *exception);
CAIRN_DEFINE_AUTO(webhdfs_exception, webhdfs_exception_release)

/* The members of a FileStatus that we use. */
typedef struct webhdfs_status {
    bool is_file;
    bool is_folder; /* neither: a symlink */
    uint64_t length;
    uint64_t block_bytes;
    uint64_t modified_ms;
    uint64_t file_id; /* 0: the server does not tell */
    uint64_t replication;
} webhdfs_status;

/* {"FileStatus":{..}} */
cairn_code webhdfs_json_status(cairn_slice body, webhdfs_status *out, cairn_error *err);

/* One page of {"DirectoryListing":{..}}, entry by entry: for each `visit` is called with its name
 * ("" if the path is a file itself), borrowed for the call. */
typedef cairn_code (*webhdfs_entry_visit)(void *context, const char *name,
                                          const webhdfs_status *status, cairn_error *err);
cairn_code webhdfs_json_listing(cairn_slice body, webhdfs_entry_visit visit, void *context,
                                uint64_t *out_remaining, cairn_error *err);

/* {"FileChecksum":{..}}: `bytes` decoded. */
#define WEBHDFS_CHECKSUM_BYTES_MAX  64
#define WEBHDFS_CHECKSUM_NAME_BYTES 64
typedef struct webhdfs_checksum {
    char algorithm[WEBHDFS_CHECKSUM_NAME_BYTES];
    uint8_t bytes[WEBHDFS_CHECKSUM_BYTES_MAX];
    size_t len; /* as `length` says, which is less than what `bytes` holds */
} webhdfs_checksum;
cairn_code webhdfs_json_checksum(cairn_slice body, webhdfs_checksum *out, cairn_error *err);

/* {"boolean":true} */
cairn_code webhdfs_json_boolean(cairn_slice body, bool *out, cairn_error *err);
/* {"long":12} */
cairn_code webhdfs_json_long(cairn_slice body, uint64_t *out, cairn_error *err);
/* {"Location":".."}, which some servers send instead of a redirect. A secret. */
cairn_code webhdfs_json_location(cairn_slice body, secret *out, cairn_error *err);
/* {"Token":{"urlString":".."}}; not set if the server gives null (one without security). */
cairn_code webhdfs_json_token(cairn_slice body, secret *out, cairn_error *err);

/* {"BlockLocations":{"BlockLocation":[..]}}: the fewest hosts that any block has, and how many
 * blocks there are. */
typedef struct webhdfs_replicas {
    uint64_t blocks;
    uint64_t fewest;
} webhdfs_replicas;
cairn_code webhdfs_json_blocks(cairn_slice body, webhdfs_replicas *out, cairn_error *err);

/* {"ContentSummary":{..}}: of a tree; quotas are -1 where there is none. */
typedef struct webhdfs_summary {
    int64_t names; /* files and folders */
    int64_t names_quota;
    int64_t space; /* bytes, with replicas */
    int64_t space_quota;
} webhdfs_summary;
cairn_code webhdfs_json_summary(cairn_slice body, webhdfs_summary *out, cairn_error *err);

#endif
