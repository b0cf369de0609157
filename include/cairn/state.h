/*
 * Keyed state. A state handle belongs to its backend (borrowed, freed by cairn_backend_close) and
 * to the backend's thread. Set the current key once, then read and update any state under that key.
 *
 * Two updates of one record are not a transaction; a checkpoint lies between records. A call that
 * fails has changed nothing, with two exceptions: the clear of a map and a merge of namespaces are
 * several writes, and if the engine fails at a later one, those before it stand. Go on from the
 * last checkpoint then. What a call on a state gave may be passed to the next call on it.
 */
#ifndef CAIRN_STATE_H
#define CAIRN_STATE_H

#include <cairn/error.h>

CAIRN_BEGIN_DECLS

typedef struct cairn_backend cairn_backend;
typedef struct cairn_value_state cairn_value_state;
typedef struct cairn_list_state cairn_list_state;
typedef struct cairn_map_state cairn_map_state;
typedef struct cairn_reducing_state cairn_reducing_state;
typedef struct cairn_aggregating_state cairn_aggregating_state;

/*
 * Time to live, of all kinds but timers. A value, an accumulator, an element of a list and an entry
 * of a map carry each the time of their last access, by the backend's clock; `ttl_ms` later they
 * have expired. They are removed as time allows: when a call comes upon them, when a compaction or
 * a snapshot does. `ttl_ms` may be another at each open, and counts from then on for what is stored
 * already. Where a state of the checkpoint had none and now has one, or the other way round, it is
 * rewritten at open: what it gets counts as accessed then.
 */
typedef enum cairn_ttl_update {
    CAIRN_TTL_ON_CREATE_AND_WRITE = 0,
    CAIRN_TTL_ON_READ_AND_WRITE = 1 /* a read renews too */
} cairn_ttl_update;

typedef enum cairn_ttl_visibility {
    CAIRN_TTL_NEVER_RETURN_EXPIRED = 0,
    CAIRN_TTL_RETURN_EXPIRED_IF_NOT_CLEANED_UP = 1
} cairn_ttl_visibility;

/*
 * An element of a list expires by itself, and a list all of whose elements have is absent; so does
 * an entry of a map. An add to a reducing or aggregating state renews it; to an expired one it is
 * the first. A merge of namespaces leaves the elements of lists their times, and renews the result
 * of the two others. Where expired entries are returned, the read that returns one removes it (the
 * iterator and cairn_map_contains too), an add takes it into account, and visits of keys show it;
 * cairn_map_is_empty removes and renews nothing. With a time to live a value, an accumulator and
 * each element of a list take 8 bytes more.
 */
typedef struct cairn_ttl {
    uint64_t ttl_ms; /* 0: none */
    cairn_ttl_update update;
    cairn_ttl_visibility visibility;
} cairn_ttl;

/*
 * The clock of times to live: milliseconds since 1970. It need not be monotonic; what is stamped
 * ahead of it lives that much longer. Any thread may call it, several at once: compactions do.
 */
typedef struct cairn_clock {
    uint64_t (*now_ms)(void *context); /* NULL: the wall clock */
    void *context;
} cairn_clock;

/*
 * How bytes of another value serializer become bytes of the descriptor's. `convert` must be pure
 * and writes its result to `out`, which is empty, by cairn_buf_assign; what it returns other than
 * CAIRN_OK ends the open.
 */
typedef struct cairn_migration {
    const char *from_serializer; /* as the checkpoint names it */
    uint32_t from_version;
    cairn_code (*convert)(void *context, cairn_slice old_bytes, cairn_buf *out, cairn_error *err);
    void *context;
} cairn_migration;

/*
 * Names a state. The same name must always come with the same kind and serializers: a state that
 * was restored with others is refused with CAIRN_E_INCOMPATIBLE. A serializer is named by an id and
 * a version that the caller chooses; cairn stores bytes and never looks into them. serializer.h has
 * serializers for what is stored often.
 *
 * The value serializer alone may change: if the descriptor has a migration from exactly the one
 * that is stored, the open rewrites the state, at once and as a whole: values, elements of lists,
 * values of maps, accumulators. It takes as long as reading and writing all of it, and room for
 * both forms. Not of a state that was opened before in this run (CAIRN_E_INCOMPATIBLE). If it fails
 * when it has begun to write, the state is half rewritten: this backend takes no checkpoint and
 * opens no state any more (CAIRN_E_STATE). Close it; the checkpoint that was restored is as it was.
 */
typedef struct cairn_state_descriptor {
    uint32_t version;
    const char *name;                /* required: ^[A-Za-z0-9._-]{1,255}$ */
    const char *key_serializer;      /* "bytes" */
    uint32_t key_serializer_version; /* 1 */
    const char *value_serializer;    /* "bytes"; names of serializer.h: "u64", "string" ... */
    uint32_t value_serializer_version;
    cairn_ttl ttl;
    const cairn_migration *migrations; /* borrowed for the open; may be NULL if there are none */
    size_t migration_count;
} cairn_state_descriptor;

#define CAIRN_STATE_DESCRIPTOR_VERSION 1
#define CAIRN_STATE_DESCRIPTOR_INIT                                                     \
    {                                                                                   \
        CAIRN_STATE_DESCRIPTOR_VERSION, NULL, "bytes", 1, "bytes", 1,                   \
            {0, CAIRN_TTL_ON_CREATE_AND_WRITE, CAIRN_TTL_NEVER_RETURN_EXPIRED}, NULL, 0 \
    }

/*
 * The key that the next state calls work on; copied. At most 64 KiB; empty is a key. The namespace
 * becomes the void one.
 */
cairn_code cairn_backend_set_key(cairn_backend *backend, cairn_slice key, cairn_error *err);

/*
 * As set_key, for engines that group keys themselves. CAIRN_E_INVALID if `key_group` is not in the
 * range that this subtask owns.
 */
cairn_code cairn_backend_set_key_in_group(cairn_backend *backend, cairn_slice key,
                                          uint32_t key_group, cairn_error *err);

/*
 * The namespace, within the current key, that the next state calls work on; copied. At most 64 KiB;
 * the empty one is the void namespace. A window's state lives in the namespace of its window.
 * CAIRN_E_STATE if no key is set. After a failure no key is set.
 */
cairn_code cairn_backend_set_namespace(cairn_backend *backend, cairn_slice name_space,
                                       cairn_error *err);

/* The key group of a key: MurmurHash3 x86 32 (seed 0) of its bytes, modulo max parallelism. */
uint32_t cairn_key_group_of(cairn_slice key, uint32_t max_parallelism);

/* The inclusive range of key groups that subtask `index` of `parallelism` owns. */
typedef struct cairn_key_group_range {
    uint32_t first;
    uint32_t last;
} cairn_key_group_range;
cairn_key_group_range cairn_key_groups_of_subtask(uint32_t index, uint32_t parallelism,
                                                  uint32_t max_parallelism);

/* Opens (and creates, if it is new) a value state. Opening twice gives the same handle. */
cairn_code cairn_value_state_open(cairn_backend *backend, const cairn_state_descriptor *descriptor,
                                  cairn_value_state **out, cairn_error *err);

/*
 * Reads the value of the current key. *out_found false: there is none, *out untouched. *out is
 * valid until the next call on this state. CAIRN_E_STATE if no key is set.
 */
cairn_code cairn_value_get(cairn_value_state *state, cairn_slice *out, bool *out_found,
                           cairn_error *err);
/* Stores a value (up to 1 GiB; empty is a value). */
cairn_code cairn_value_update(cairn_value_state *state, cairn_slice value, cairn_error *err);
/* Removes the value of the current key; absent is fine. */
cairn_code cairn_value_clear(cairn_value_state *state, cairn_error *err);

/* Typed helpers: fixed 8 bytes, big-endian (i64 with the sign bit flipped, so that bytes sort as
 * numbers; doubles as IEEE-754 bits). A stored value of another size is CAIRN_E_INCOMPATIBLE. */
cairn_code cairn_value_get_u64(cairn_value_state *state, uint64_t *out, bool *out_found,
                               cairn_error *err);
cairn_code cairn_value_update_u64(cairn_value_state *state, uint64_t value, cairn_error *err);
cairn_code cairn_value_get_i64(cairn_value_state *state, int64_t *out, bool *out_found,
                               cairn_error *err);
cairn_code cairn_value_update_i64(cairn_value_state *state, int64_t value, cairn_error *err);
cairn_code cairn_value_get_double(cairn_value_state *state, double *out, bool *out_found,
                                  cairn_error *err);
cairn_code cairn_value_update_double(cairn_value_state *state, double value, cairn_error *err);

/* --- list state -------------------------------------------------------------------------------
 *
 * Elements in the order in which they were added; no element is absent, an empty one counts. Adding
 * never reads. A list that holds nothing is the same as one that was never written. All elements of
 * a key and namespace together: at most 1 GiB (CAIRN_E_LIMIT at the add that would pass it, where
 * the engine knows the size, else at the next read).
 */
cairn_code cairn_list_state_open(cairn_backend *backend, const cairn_state_descriptor *descriptor,
                                 cairn_list_state **out, cairn_error *err);

/* Elements not yet read; borrowed from the state until the next call on it. */
typedef struct cairn_list_view {
    const void *next;
    size_t bytes;
} cairn_list_view;
/* An absent list is an empty view. */
cairn_code cairn_list_get(cairn_list_state *state, cairn_list_view *out, cairn_error *err);
/* False at the end. */
bool cairn_list_next(cairn_list_view *view, cairn_slice *out);

cairn_code cairn_list_add(cairn_list_state *state, cairn_slice element, cairn_error *err);
/* count 0 changes nothing. */
cairn_code cairn_list_add_all(cairn_list_state *state, const cairn_slice *elements, size_t count,
                              cairn_error *err);
/* Replaces the list; count 0 clears it. */
cairn_code cairn_list_update(cairn_list_state *state, const cairn_slice *elements, size_t count,
                             cairn_error *err);
cairn_code cairn_list_clear(cairn_list_state *state, cairn_error *err);

/* --- map state --------------------------------------------------------------------------------
 *
 * User keys (at most 64 KiB) and values within the current key and namespace. An empty value is a
 * value. A map without entries is the same as one that was never written.
 */
cairn_code cairn_map_state_open(cairn_backend *backend, const cairn_state_descriptor *descriptor,
                                cairn_map_state **out, cairn_error *err);
/* As cairn_value_get. */
cairn_code cairn_map_get(cairn_map_state *state, cairn_slice user_key, cairn_slice *out,
                         bool *out_found, cairn_error *err);
cairn_code cairn_map_contains(cairn_map_state *state, cairn_slice user_key, bool *out,
                              cairn_error *err);
cairn_code cairn_map_put(cairn_map_state *state, cairn_slice user_key, cairn_slice value,
                         cairn_error *err);
/* Absent is fine. */
cairn_code cairn_map_remove(cairn_map_state *state, cairn_slice user_key, cairn_error *err);
cairn_code cairn_map_is_empty(cairn_map_state *state, bool *out, cairn_error *err);
cairn_code cairn_map_clear(cairn_map_state *state, cairn_error *err);

/*
 * Visits each entry once, in no promised order. The entry that was returned last may be removed or
 * set; what is put under other user keys meanwhile may be seen or not, what is removed meanwhile
 * may still be seen. The current key may change meanwhile: the iterator stays with the one it began
 * under. One iterator per state at a time: until it is freed, another, cairn_map_is_empty and
 * cairn_map_clear are CAIRN_E_STATE. An iterator that is open at cairn_backend_close ends there and
 * must not be used after it.
 */
typedef struct cairn_map_iterator cairn_map_iterator;
cairn_code cairn_map_iterate(cairn_map_state *state, cairn_map_iterator **out, cairn_error *err);
/* *out_found false at the end. Slices are valid until the next call on the iterator or state. */
cairn_code cairn_map_iterator_next(cairn_map_iterator *iterator, cairn_slice *out_user_key,
                                   cairn_slice *out_value, bool *out_found, cairn_error *err);
/* Of the entry returned last; CAIRN_E_STATE if there is none. */
cairn_code cairn_map_iterator_remove(cairn_map_iterator *iterator, cairn_error *err);
cairn_code cairn_map_iterator_set(cairn_map_iterator *iterator, cairn_slice value,
                                  cairn_error *err);
void cairn_map_iterator_free(cairn_map_iterator *iterator);

/* --- reducing and aggregating state -----------------------------------------------------------
 *
 * The functions must be pure: they are called on the owner's thread, may be called again for the
 * same bytes, and must not call states. They write their result to `out`, which is empty, by
 * cairn_buf_assign. What they return other than CAIRN_OK is returned to the caller, and nothing is
 * changed. A state that is opened again has the functions that were named last.
 */

/* Replaces the contents of `buf` by a copy. `bytes` must not lie in it. CAIRN_E_LIMIT, or
 * CAIRN_E_NO_MEMORY with the buffer empty. */
cairn_code cairn_buf_assign(cairn_buf *buf, cairn_slice bytes, cairn_error *err);

/* Writes the sum of `a` and `b`, of which `a` stood there first. */
typedef struct cairn_reduce_function {
    cairn_code (*reduce)(void *context, cairn_slice a, cairn_slice b, cairn_buf *out,
                         cairn_error *err);
    void *context;
} cairn_reduce_function;

cairn_code cairn_reducing_state_open(cairn_backend *backend,
                                     const cairn_state_descriptor *descriptor,
                                     const cairn_reduce_function *function,
                                     cairn_reducing_state **out, cairn_error *err);
/* As cairn_value_get. */
cairn_code cairn_reducing_get(cairn_reducing_state *state, cairn_slice *out, bool *out_found,
                              cairn_error *err);
/* The first element is stored as it is. */
cairn_code cairn_reducing_add(cairn_reducing_state *state, cairn_slice element, cairn_error *err);
cairn_code cairn_reducing_clear(cairn_reducing_state *state, cairn_error *err);

typedef struct cairn_aggregate_function {
    /* The accumulator before the first element. */
    cairn_code (*create)(void *context, cairn_buf *out, cairn_error *err);
    cairn_code (*add)(void *context, cairn_slice accumulator, cairn_slice element, cairn_buf *out,
                      cairn_error *err);
    cairn_code (*get_result)(void *context, cairn_slice accumulator, cairn_buf *out,
                             cairn_error *err);
    /* Needed by cairn_aggregating_merge_namespaces alone; else it may be NULL. */
    cairn_code (*merge)(void *context, cairn_slice a, cairn_slice b, cairn_buf *out,
                        cairn_error *err);
    void *context;
} cairn_aggregate_function;

/* The value serializer of the descriptor is that of the accumulator, which is what is stored. */
cairn_code cairn_aggregating_state_open(cairn_backend *backend,
                                        const cairn_state_descriptor *descriptor,
                                        const cairn_aggregate_function *function,
                                        cairn_aggregating_state **out, cairn_error *err);
/* The result; *out_found false if nothing was added. Valid until the next call on the state. */
cairn_code cairn_aggregating_get(cairn_aggregating_state *state, cairn_slice *out, bool *out_found,
                                 cairn_error *err);
cairn_code cairn_aggregating_add(cairn_aggregating_state *state, cairn_slice element,
                                 cairn_error *err);
cairn_code cairn_aggregating_clear(cairn_aggregating_state *state, cairn_error *err);

/*
 * Moves what stands in the namespaces `sources` of the current key into `target`: what the target
 * holds comes first, then the sources in their order. Sources are cleared; absent ones are skipped;
 * if all are, nothing changes. A target that is named among its sources, and a source that is named
 * twice, count once. The current namespace stays as it is. At most 1000 sources (CAIRN_E_LIMIT).
 */
cairn_code cairn_list_merge_namespaces(cairn_list_state *state, cairn_slice target,
                                       const cairn_slice *sources, size_t count, cairn_error *err);
cairn_code cairn_reducing_merge_namespaces(cairn_reducing_state *state, cairn_slice target,
                                           const cairn_slice *sources, size_t count,
                                           cairn_error *err);
cairn_code cairn_aggregating_merge_namespaces(cairn_aggregating_state *state, cairn_slice target,
                                              const cairn_slice *sources, size_t count,
                                              cairn_error *err);

/* --- keys -------------------------------------------------------------------------------------
 *
 * The keys and namespaces that hold something in a state of any kind but timers: each pair once, in
 * no promised order. An unknown name has none. `visit` may change any state and set any key: what
 * is visited was fixed when the call began. A code other than CAIRN_OK ends the call and is
 * returned. Afterwards no key is set.
 */
typedef struct cairn_state_key {
    cairn_slice key;
    cairn_slice name_space;
    uint32_t key_group;
} cairn_state_key;
typedef cairn_code (*cairn_state_key_visit)(void *context, const cairn_state_key *key,
                                            cairn_error *err);
/* `name_space` NULL: all of them. */
cairn_code cairn_backend_visit_keys(cairn_backend *backend, const char *state,
                                    const cairn_slice *name_space, cairn_state_key_visit visit,
                                    void *context, cairn_error *err);
/* The same with key and namespace set as the current ones at each visit (Flink's applyToAllKeys).
 */
cairn_code cairn_backend_apply_to_all_keys(cairn_backend *backend, const char *state,
                                           const cairn_slice *name_space,
                                           cairn_state_key_visit apply, void *context,
                                           cairn_error *err);

CAIRN_END_DECLS

#endif
