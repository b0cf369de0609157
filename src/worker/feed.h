/*
 * The bytes of an input, in order: of a file, of a stream (standard input, a pipe), or of an object
 * in a store. Files and objects can be sought. One thread.
 */
#ifndef CAIRN_WORKER_FEED_H
#define CAIRN_WORKER_FEED_H

#include <cairn/store.h>

#include "check.h"

typedef struct feed feed;

/* A path (symlinks are followed), or "-" for standard input, which is always read as a stream. */
cairn_code feed_open_path(const char *path, feed **out, cairn_error *err);

/*
 * An object as it is now: one that changes while it is read is CAIRN_E_INTEGRITY. `store` is
 * borrowed and should repeat failed calls; `call` goes with each of its calls and is copied.
 */
cairn_code feed_open_object(cairn_store *store, const char *key, const cairn_call *call, feed **out,
                            cairn_error *err);
void feed_free(feed *in);
CAIRN_DEFINE_AUTO_PTR(feed, feed_free)

/* What a read gave. `idle`: nothing came within CAIRN_SOURCE_WAIT_MS (streams), or the call was
 * interrupted; else 0 bytes are the end. */
typedef struct feed_result {
    size_t len;
    bool idle;
} feed_result;

/* The next bytes, at most `capacity` of them. */
cairn_code feed_read(feed *in, void *data, size_t capacity, feed_result *out, cairn_error *err);

/* Not for streams: the first bytes, whatever was read; *out_len may be less at the end. */
cairn_code feed_read_head(feed *in, void *data, size_t len, size_t *out_len, cairn_error *err);
/* Not for streams: the next read begins at `offset`. */
cairn_code feed_seek(feed *in, uint64_t offset, cairn_error *err);

bool feed_is_stream(const feed *in);
/* Size when it was opened; 0: not known. */
uint64_t feed_total_bytes(const feed *in);
/* For messages; borrowed. */
const char *feed_name(const feed *in);

#endif
