/*
 * The NameNodes of one name service, of which one is active. The store stays with the one that
 * answered last, and moves on when it is told that it is not the active one, or cannot be reached.
 * Thread-safe after its init.
 */
#ifndef CAIRN_HDFS_NAMENODES_H
#define CAIRN_HDFS_NAMENODES_H

#include "bounds.h"
#include "webhdfs_url.h"

typedef struct hdfs_namenode {
    char *base; /* "http://host:9870" */
    webhdfs_url url;
} hdfs_namenode;

/* Zero-initialise it. */
typedef struct hdfs_namenodes {
    hdfs_namenode items[CAIRN_HDFS_NAMENODES_MAX]; /* const after init */
    size_t count;
    _Atomic size_t current;
} hdfs_namenodes;

/* Addresses are copied: "http://host:port", a '/' behind it is fine. CAIRN_E_INVALID for none, too
 * many, or one that is no such address. */
cairn_code hdfs_namenodes_init(hdfs_namenodes *nodes, const char *const *addresses,
                               cairn_error *err);
void hdfs_namenodes_release(hdfs_namenodes *nodes);

/* The index of the one to ask. */
size_t hdfs_namenodes_current(const hdfs_namenodes *nodes);
/* Number `from` is not the one to ask: the next is, unless another thread has moved on already. */
void hdfs_namenodes_move(hdfs_namenodes *nodes, size_t from);

#endif
