/*
 * A store as a driver implements it. Users of stores read store.h.
 *
 * A driver makes ONE attempt per call and maps its errors to codes; the retry decorator repeats.
 * The front (src/store/store.c) has checked every argument before a driver sees it, and is the only
 * caller. Every function may be called from several threads at once.
 */
#ifndef CAIRN_STORE_DRIVER_H
#define CAIRN_STORE_DRIVER_H

#include <cairn/doctor.h>

CAIRN_BEGIN_DECLS

#define CAIRN_STORE_DRIVER_VERSION 1

/* One page of a listing: call `visit` for each object; tell where to go on. */
typedef struct cairn_list_page {
    const char *prefix;    /* in */
    const char *token;     /* in: NULL for the first page, else what the last page gave */
    char **out_next_token; /* out: cairn_driver_strdup'ed; stays NULL at the end */
} cairn_list_page;

/* What a put stores: exactly one of the two is not NULL. Borrowed for the call. */
typedef struct cairn_put_body {
    const cairn_slice *data;
    const cairn_file_range *range;
    /* A driver that sends the body through a network halts so long in the middle of it, others need
     * not look. For the probe, which lets another put overtake this one. */
    uint32_t halt_ms;
} cairn_put_body;

/*
 * Members are required, except those marked optional, which may be NULL. Semantics, where not said
 * here: store.h.
 */
typedef struct cairn_store_driver {
    uint32_t version; /* CAIRN_STORE_DRIVER_VERSION */
    /* Create-only is atomic by the nature of the store (link(2), a NameNode's rename). False: only
     * its server's word stands for it, and who relies on it probes first. */
    bool create_is_atomic;
    cairn_code (*put)(void *self, const cairn_call *call, const char *key,
                      const cairn_put_body *body, cairn_put_mode mode, cairn_error *err);
    /* `out` comes empty; what it holds after a failure does not matter. */
    cairn_code (*get)(void *self, const cairn_call *call, const char *key, size_t limit,
                      cairn_buf *out, cairn_error *err);
    cairn_code (*get_range)(void *self, const cairn_call *call, const char *key,
                            const cairn_memory_range *range, cairn_error *err);
    cairn_code (*get_file)(void *self, const cairn_call *call, const char *key,
                           const cairn_file_range *to, cairn_error *err);
    cairn_code (*stat)(void *self, const cairn_call *call, const char *key, cairn_object_info *out,
                       cairn_error *err);
    cairn_code (*remove)(void *self, const cairn_call *call, const char *key, cairn_error *err);
    /* Orders nothing; a page holds at most 1,000 objects. */
    cairn_code (*list_page)(void *self, const cairn_call *call, const cairn_list_page *page,
                            cairn_store_visit visit, void *context, cairn_error *err);
    void (*free)(void *self);
    /* Optional: findings that only the driver can make (cairn_store_examine), by `visit`. `key` is
     * a free key for objects of its own, which it removes. Errors as cairn_store_examine. */
    cairn_code (*examine)(void *self, const cairn_call *call, const char *key,
                          cairn_finding_visit visit, void *context, cairn_error *err);
    /*
     * Optional: deletes 1 to 1,000 keys; without it the front calls `remove` for each. CAIRN_OK:
     * all are gone but those that `watch` (never NULL) was told of. Any other code: of keys that it
     * was not told of nothing is known. After CAIRN_E_INVALID and CAIRN_E_INCOMPATIBLE (one key
     * spoils the request, or the server has no such request) the front removes those one by one.
     */
    cairn_code (*remove_many)(void *self, const cairn_call *call, const char *const *keys,
                              size_t count, const cairn_delete_watch *watch, cairn_error *err);
    /* Optional: cairn_store_copy. The keys differ. */
    cairn_code (*copy)(void *self, const cairn_call *call, const char *from_key, const char *to_key,
                       cairn_put_mode mode, cairn_error *err);
} cairn_store_driver;

/* Wraps a driver. Takes `self` in every case: on failure it is freed with driver->free. */
cairn_code cairn_store_new(const cairn_store_driver *driver, void *self, const char *uri,
                           cairn_store **out, cairn_error *err);

/* `self` of a store whose driver has this `free`, for calls that only one kind of store has; NULL
 * if it is of another kind. */
void *cairn_store_self(const cairn_store *store, void (*driver_free)(void *self));

/* A copy of a string in cairn's own memory, for list tokens; NULL if memory is short. */
char *cairn_driver_strdup(const char *text);

CAIRN_END_DECLS

#endif
