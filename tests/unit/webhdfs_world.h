/*
 * A small HDFS for tests: one or two NameNodes and a DataNode as scripted servers over one set of
 * files in memory. It does what Hadoop 3.5.0 does for what the driver asks. Rules that a test adds
 * before webhdfs_world_open plant the faults.
 */
#ifndef CAIRN_TESTS_WEBHDFS_WORLD_H
#define CAIRN_TESTS_WEBHDFS_WORLD_H

#include <cairn/hdfs.h>

#include "script_server.h"

#include <pthread.h>

#define WORLD_FILES_MAX  64
#define WORLD_PATH_BYTES 1200
#define WORLD_PAGE       5       /* entries of a page of a listing */
#define WORLD_NOW_MS     1000000 /* modification time of what is written now */
#define WORLD_OLD_MS     1000    /* of what webhdfs_world_add puts there */

typedef struct world_file {
    char path[WORLD_PATH_BYTES];
    uint8_t *bytes;
    size_t len;
    uint64_t id;
    uint64_t modified_ms;
    bool is_folder;
    bool there;
} world_file;

typedef struct webhdfs_world {
    script_server *nn;
    script_server *nn2; /* used if `two` */
    script_server *dn;
    bool two;
    size_t store_at_most; /* a DataNode keeps so many bytes of an upload and says 201; 0: all */
    bool flip;            /* it changes the first byte */
    unsigned stored;      /* the status with which it says so; 0: 201 */
    bool one_step;        /* NameNodes do the work of the DataNode too */
    bool json_location;   /* 200 with {"Location":..} in place of 307 */
    bool plain_rename;    /* renameoptions are ignored */
    bool ids;             /* fileId is told */
    bool no_blocks;       /* blockSize is not told */
    bool no_root;         /* /root is there only if something is in it */
    size_t block_bytes;   /* 0: 8 MiB */
    const char *location; /* "http://host:port" in redirects; NULL: the DataNode's */
    cairn_hdfs_options options;
    cairn_store *store;
    cairn_error err;
    pthread_mutex_t lock; /* of what stands below */
    world_file files[WORLD_FILES_MAX];
    size_t count;
} webhdfs_world;

/* With the servers, without a store; fails the test if that cannot be. */
webhdfs_world *webhdfs_world_new(void);
/* Adds the rules of HDFS itself, and makes the store at /root from `options`. */
void webhdfs_world_open(webhdfs_world *w);
void webhdfs_world_free(webhdfs_world *w);

/* Adds a rule to the first NameNode, or to the DataNode, which does the work and then, by
 * rule->act, loses the reply or cuts it. Borrows the rule's texts. */
void webhdfs_world_lose_reply(webhdfs_world *w, const script_rule *rule);
void webhdfs_world_cut_reads(webhdfs_world *w, const script_rule *rule);

/* A file of `len` bytes, byte i is i mod 251. */
void webhdfs_world_add(webhdfs_world *w, const char *path, size_t len);
/* NULL if it is not there. Only while no request is under way. */
const world_file *webhdfs_world_find(const webhdfs_world *w, const char *path);
/* Files and folders that are there. */
size_t webhdfs_world_count(const webhdfs_world *w);
/* How many requests of the journal have "op=<op>". */
size_t webhdfs_world_asked(script_server *server, const char *op);

/* {"RemoteException":..} */
#define WORLD_EXCEPTION(name, message)                                             \
    "{\"RemoteException\":{\"exception\":\"" name "\",\"javaClassName\":\"x." name \
    "\",\"message\":\"" message "\"}}"

#endif
