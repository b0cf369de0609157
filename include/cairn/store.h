/*
 * An object store, as the backend and its users call it. Drivers implement store_driver.h.
 *
 * Contract, the same for every driver:
 * - An object is absent or whole: a reader never sees a part of a put.
 * - Every call blocks, is safe from any thread, and honours the deadline and the cancel of its
 *   cairn_call. A network error is never CAIRN_E_NOT_FOUND.
 * - Keys are UTF-8 without control bytes, '/' separates parts, at most 1,024 bytes; no empty, "."
 *   or ".." part, no leading or trailing '/'. Anything else is CAIRN_E_INVALID.
 * - After a put returned OK, get, stat and list see the object, and it survives a crash of the
 *   machine that serves it as far as that store promises it (a directory: file and folder fsynced).
 */
#ifndef CAIRN_STORE_H
#define CAIRN_STORE_H

#include <cairn/error.h>

CAIRN_BEGIN_DECLS

/* A flag that any thread may raise to end calls early. Thread-safe; free it after the last use. */
typedef struct cairn_cancel cairn_cancel;
cairn_code cairn_cancel_new(cairn_cancel **out, cairn_error *err);
void cairn_cancel_trigger(cairn_cancel *cancel);
bool cairn_cancel_triggered(const cairn_cancel *cancel);
void cairn_cancel_free(cairn_cancel *cancel);

/*
 * How long a call may take and who may end it. Copyable; borrowed for the call.
 * `deadline_ms` is a time of CLOCK_MONOTONIC in milliseconds (see cairn_deadline_in); 0 means the
 * store's own default. `cancel` may be NULL. A NULL cairn_call means {0, NULL}.
 */
typedef struct cairn_call {
    uint64_t deadline_ms;
    const cairn_cancel *cancel;
} cairn_call;

/* The monotonic time `ms` milliseconds from now. */
uint64_t cairn_deadline_in(uint64_t ms);

/* Thread safety: any thread may use a store; one thread frees it when no other can touch it. */
typedef struct cairn_store cairn_store;

typedef enum cairn_put_mode {
    CAIRN_PUT_CREATE = 0, /* only if nothing stands there: else CAIRN_E_EXISTS, atomically */
    CAIRN_PUT_REPLACE = 1
} cairn_put_mode;

typedef struct cairn_object_info {
    uint64_t size;
    uint64_t modified_ms; /* the store's clock, ms since 1970 */
} cairn_object_info;

/* Stores bytes. */
cairn_code cairn_store_put(cairn_store *store, const cairn_call *call, const char *key,
                           cairn_slice data, cairn_put_mode mode, cairn_error *err);

/* Stores the bytes [offset, offset + length) of a local file, which must not change meanwhile. */
typedef struct cairn_file_range {
    const char *path;
    uint64_t offset;
    uint64_t length;
    /*
     * True: whoever holds this file never writes to it again, only removes it. A store on the same
     * file system may then share it (a hard link) instead of copying, both ways.
     */
    bool frozen;
    /* SHA-256 of the range, 32 bytes, if it is known: spares a driver that needs it one reading.
     * NULL: not known. */
    const uint8_t *sha256;
} cairn_file_range;
cairn_code cairn_store_put_file(cairn_store *store, const cairn_call *call, const char *key,
                                const cairn_file_range *range, cairn_put_mode mode,
                                cairn_error *err);

/*
 * Appends the whole object to nothing: `out` is emptied first. Larger than `limit` bytes:
 * CAIRN_E_LIMIT, and no more than `limit` is ever allocated.
 */
cairn_code cairn_store_get(cairn_store *store, const cairn_call *call, const char *key,
                           size_t limit, cairn_buf *out, cairn_error *err);

/*
 * Reads exactly `length` bytes from `offset` into `data`. An object that ends before that is
 * CAIRN_E_INTEGRITY.
 */
typedef struct cairn_memory_range {
    uint64_t offset;
    void *data;
    size_t length;
} cairn_memory_range;
cairn_code cairn_store_get_range(cairn_store *store, const cairn_call *call, const char *key,
                                 const cairn_memory_range *range, cairn_error *err);

/*
 * Downloads `length` bytes from `offset` into the new file `path` (must not exist; mode 0600; not
 * yet fsynced). On failure the file is removed. Too short: CAIRN_E_INTEGRITY.
 */
cairn_code cairn_store_get_file(cairn_store *store, const cairn_call *call, const char *key,
                                const cairn_file_range *to, cairn_error *err);

cairn_code cairn_store_stat(cairn_store *store, const cairn_call *call, const char *key,
                            cairn_object_info *out, cairn_error *err);

/* Deleting what is missing is OK. An object that the store holds (WORM) is CAIRN_E_ACCESS. */
cairn_code cairn_store_delete(cairn_store *store, const cairn_call *call, const char *key,
                              cairn_error *err);

/*
 * Who is told of the keys that cairn_store_delete_many could not delete: `kept` once for each, with
 * its index in `keys` and an error as cairn_store_delete gives it, on the caller's thread. May be
 * NULL, and so may `kept`.
 */
typedef struct cairn_delete_watch {
    void (*kept)(void *context, size_t index, const cairn_error *why);
    void *context;
} cairn_delete_watch;

/*
 * Deletes any number of keys, in no promised order, in as few requests as the store can: S3 takes
 * 1,000 at once, others one. A key that cannot be deleted does not stop the others; a deadline or
 * cancel does, and then each key that was not asked for is told too. Missing keys, and a key that
 * is named twice, are fine. CAIRN_OK: all are gone; else the first failure. A text that is no key
 * is CAIRN_E_INVALID: then nothing is deleted and no key is told.
 */
cairn_code cairn_store_delete_many(cairn_store *store, const cairn_call *call,
                                   const char *const *keys, size_t count,
                                   const cairn_delete_watch *watch, cairn_error *err);

/*
 * Makes `to_key` an object with the bytes of `from_key`, without moving them through this machine.
 * CAIRN_E_NOT_FOUND if `from_key` is missing; `mode` as for a put (S3: a look before the copy,
 * which two racing writers could both pass). Its modified_ms may be that of `from_key`.
 * CAIRN_E_INCOMPATIBLE: this kind of store copies nothing by itself (HDFS); the caller gets and
 * puts.
 */
cairn_code cairn_store_copy(cairn_store *store, const cairn_call *call, const char *from_key,
                            const char *to_key, cairn_put_mode mode, cairn_error *err);

/*
 * Calls `visit` for every object whose key begins with `prefix` ("" for all), in no promised order,
 * page by page. Objects put or deleted meanwhile may or may not be seen; all others are seen
 * exactly once. If `visit` returns a code other than CAIRN_OK the listing ends with it.
 */
typedef cairn_code (*cairn_store_visit)(void *context, const char *key,
                                        const cairn_object_info *info, cairn_error *err);
cairn_code cairn_store_list(cairn_store *store, const cairn_call *call, const char *prefix,
                            cairn_store_visit visit, void *context, cairn_error *err);

/* "file:///data/ckpts": where the store is, for messages; never a secret. Borrowed. */
const char *cairn_store_uri(const cairn_store *store);

void cairn_store_free(cairn_store *store);

/*
 * A store that repeats calls of `inner` which could not reach it or found it overloaded, with full
 * jitter, until they succeed or their attempts or deadline end. Borrows `inner`, which must outlive
 * it. For calls of your own: cairn_backend_open, cairn_history_load, cairn_gc and cairn_worker_run
 * put it around the stores that they get, which should be plain ones.
 */
cairn_code cairn_store_retrying(cairn_store *inner, cairn_store **out, cairn_error *err);

CAIRN_END_DECLS

#endif
