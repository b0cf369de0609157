/* A large part of a file, read in ranges side by side. */
#ifndef CAIRN_HDFS_RANGES_H
#define CAIRN_HDFS_RANGES_H

#include "fsutil.h"
#include "hdfs_store.h"

/* An OPEN with its numbers as text; initialise it where it stays. */
typedef struct hdfs_open_request {
    webhdfs_request request;
    char offset[24];
    char length[24];
} hdfs_open_request;

/* Asks for [offset, offset + sink->length). Borrows `path` and what `sink` points to. */
void hdfs_open_request_init(hdfs_open_request *open, const char *path, uint64_t offset,
                            const http_sink *sink);

/* The reply had begun with 200 when it was cut. */
bool hdfs_was_cut(const webhdfs_flight *flight);
/* CAIRN_E_INTEGRITY: the object ends before what was asked for. */
cairn_code hdfs_too_short(uint64_t length, cairn_error *err);
/* CAIRN_E_INTEGRITY: every DataNode cuts at `offset`. */
cairn_code hdfs_damaged(uint64_t offset, cairn_error *err);

typedef struct hdfs_ranges {
    hdfs_store *store;
    const cairn_call *call;
    const char *path;
    fs_fd file;      /* gets the bytes from its offset 0 on */
    uint64_t offset; /* in the object */
    uint64_t length;
    uint64_t block_bytes; /* 0: not known */
} hdfs_ranges;

/*
 * Ranges begin at block borders and are CAIRN_HDFS_RANGE_BYTES or the blocks around them; up to
 * CAIRN_HDFS_PARALLEL_MAX are read at once. One that was cut goes on where it was cut, alone, after
 * the others.
 */
cairn_code hdfs_ranges_read(const hdfs_ranges *ranges, cairn_error *err);

#endif
