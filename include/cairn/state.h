/*
 * Keyed state. A state handle belongs to its backend (borrowed, freed by cairn_backend_close) and
 * to the backend's thread. Set the current key once, then read and update any state under that key.
 *
 * Two updates of one record are not a transaction; a checkpoint lies between records.
 */
#ifndef CAIRN_STATE_H
#define CAIRN_STATE_H

#include <cairn/error.h>

CAIRN_BEGIN_DECLS

typedef struct cairn_backend cairn_backend;
typedef struct cairn_value_state cairn_value_state;

/*
 * Names a state. The same name must always come with the same kind and serializers: a state that
 * was restored with others is refused with CAIRN_E_INCOMPATIBLE. A serializer is named by an id and
 * a version that the caller chooses; cairn stores bytes and never looks into them.
 */
typedef struct cairn_state_descriptor {
    uint32_t version;
    const char *name;                /* required: ^[A-Za-z0-9._-]{1,255}$ */
    const char *key_serializer;      /* "bytes" */
    uint32_t key_serializer_version; /* 1 */
    const char *value_serializer;    /* "bytes"; the helpers below use "u64", "i64", "double" */
    uint32_t value_serializer_version;
} cairn_state_descriptor;

#define CAIRN_STATE_DESCRIPTOR_VERSION 1
#define CAIRN_STATE_DESCRIPTOR_INIT                                  \
    {                                                                \
        CAIRN_STATE_DESCRIPTOR_VERSION, NULL, "bytes", 1, "bytes", 1 \
    }

/* The key that the next state calls work on; copied. At most 64 KiB; empty is a key. */
cairn_code cairn_backend_set_key(cairn_backend *backend, cairn_slice key, cairn_error *err);

/*
 * As set_key, for engines that group keys themselves. CAIRN_E_INVALID if `key_group` is not in the
 * range that this subtask owns.
 */
cairn_code cairn_backend_set_key_in_group(cairn_backend *backend, cairn_slice key,
                                          uint32_t key_group, cairn_error *err);

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

CAIRN_END_DECLS

#endif
