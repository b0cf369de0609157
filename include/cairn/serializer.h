/*
 * Values of C in state, instead of bytes: serializers, and the calls of state.h through them.
 *
 *     cairn_state_descriptor clicks = CAIRN_STATE_DESCRIPTOR_INIT;
 *     const cairn_map_types types = {cairn_string_serializer(), cairn_u64_serializer()};
 *     cairn_slice page = cairn_slice_of("/index");
 *     uint64_t count = 0;
 *     bool found;
 *
 *     clicks.name = "clicks";
 *     clicks.value_serializer = types.value->id;
 *     clicks.value_serializer_version = types.value->version;
 *     ... cairn_map_state_open(backend, &clicks, &map, &err)
 *     ... cairn_map_get_as(map, &types, &page, &count, &found, &err)
 *     count++;
 *     ... cairn_map_put_as(map, &types, &page, &count, &err)
 *
 * The descriptor names the serializer, so a program that comes with another one is refused, or
 * migrates (cairn_migration). What it does not name is the type of a map's user keys and of what is
 * added to a fold: whoever changes them gives the state a new name.
 *
 * These calls fail as those of state.h do, and with what the serializer returns. Bytes that are not
 * of the type are CAIRN_E_INCOMPATIBLE. A `void *` must point to what the serializer says; what a
 * deserialize that fails was to fill is not defined.
 */
#ifndef CAIRN_SERIALIZER_H
#define CAIRN_SERIALIZER_H

#include <cairn/state.h>

CAIRN_BEGIN_DECLS

/*
 * How values of one type become bytes. One of your own is a constant with two functions, which must
 * be pure and must not call states:
 *   serialize    appends the bytes of *value to `out`, which is empty (cairn_buf_append)
 *   deserialize  fills *out_value; slices in it may point into `bytes`
 */
typedef struct cairn_serializer {
    const char *id; /* ^[A-Za-z0-9._-]{1,255}$ */
    uint32_t version;
    cairn_code (*serialize)(void *context, const void *value, cairn_buf *out, cairn_error *err);
    cairn_code (*deserialize)(void *context, cairn_slice bytes, void *out_value, cairn_error *err);
    void *context;
} cairn_serializer;

/*
 * Of version 1; static storage. Numbers take 8 bytes and sort as bytes as they do as numbers,
 * doubles excepted; they are what cairn_value_get_u64 and its like read. A string is UTF-8, and
 * bytes that are not are CAIRN_E_INVALID to write.
 */
const cairn_serializer *cairn_u64_serializer(void);    /* "u64": uint64_t */
const cairn_serializer *cairn_i64_serializer(void);    /* "i64": int64_t */
const cairn_serializer *cairn_double_serializer(void); /* "double": double */
const cairn_serializer *cairn_string_serializer(void); /* "string": cairn_slice */
const cairn_serializer *cairn_bytes_serializer(void);  /* "bytes": cairn_slice */

/* Appends a copy. `bytes` must not lie in `buf`. CAIRN_E_LIMIT, CAIRN_E_NO_MEMORY; `buf` is as
 * before then. */
cairn_code cairn_buf_append(cairn_buf *buf, cairn_slice bytes, cairn_error *err);

/* --- states ----------------------------------------------------------------------------------- */

/* Slices that are read are valid as long as those that the call without `_as` gives. */
cairn_code cairn_value_get_as(cairn_value_state *state, const cairn_serializer *type,
                              void *out_value, bool *out_found, cairn_error *err);
cairn_code cairn_value_update_as(cairn_value_state *state, const cairn_serializer *type,
                                 const void *value, cairn_error *err);

cairn_code cairn_list_add_as(cairn_list_state *state, const cairn_serializer *type,
                             const void *element, cairn_error *err);
/* The next element of what cairn_list_get gave; *out_found false at the end. */
cairn_code cairn_list_next_as(cairn_list_view *view, const cairn_serializer *type,
                              void *out_element, bool *out_found, cairn_error *err);

typedef struct cairn_map_types {
    const cairn_serializer *user_key;
    const cairn_serializer *value;
} cairn_map_types;
cairn_code cairn_map_get_as(cairn_map_state *state, const cairn_map_types *types,
                            const void *user_key, void *out_value, bool *out_found,
                            cairn_error *err);
cairn_code cairn_map_contains_as(cairn_map_state *state, const cairn_map_types *types,
                                 const void *user_key, bool *out, cairn_error *err);
cairn_code cairn_map_put_as(cairn_map_state *state, const cairn_map_types *types,
                            const void *user_key, const void *value, cairn_error *err);
cairn_code cairn_map_remove_as(cairn_map_state *state, const cairn_map_types *types,
                               const void *user_key, cairn_error *err);
cairn_code cairn_map_iterator_next_as(cairn_map_iterator *iterator, const cairn_map_types *types,
                                      void *out_user_key, void *out_value, bool *out_found,
                                      cairn_error *err);

/* Functions of folds see bytes: they may read them by `deserialize`. */
cairn_code cairn_reducing_get_as(cairn_reducing_state *state, const cairn_serializer *type,
                                 void *out_value, bool *out_found, cairn_error *err);
cairn_code cairn_reducing_add_as(cairn_reducing_state *state, const cairn_serializer *type,
                                 const void *element, cairn_error *err);
/* The result, the element: each has its own type, and the accumulator another. */
cairn_code cairn_aggregating_get_as(cairn_aggregating_state *state, const cairn_serializer *type,
                                    void *out_result, bool *out_found, cairn_error *err);
cairn_code cairn_aggregating_add_as(cairn_aggregating_state *state, const cairn_serializer *type,
                                    const void *element, cairn_error *err);

/* --- structs ----------------------------------------------------------------------------------
 *
 * Fields in order, each with its length before it, so that later versions may have more. Written in
 * a `serialize`, read in a `deserialize`:
 *
 *     write   cairn_struct_add(out, cairn_string_serializer(), &user->name, err)
 *             cairn_struct_add(out, cairn_u64_serializer(), &user->visits, err)
 *     read    cairn_struct_begin(bytes, &fields, err)
 *             cairn_struct_next(&fields, cairn_string_serializer(), &user->name, &found, err)
 *             cairn_struct_next(&fields, cairn_u64_serializer(), &user->visits, &found, err)
 *
 * A field that was added to the type later is not found in what was written before: give it its
 * default. An older program does not read the fields that it does not know; if it writes the struct
 * again, it keeps them by cairn_struct_add_rest. Fields are never removed or moved: that is another
 * version of the serializer, and a migration.
 */

/* Appends a field to `out`, which is as before after a failure. */
cairn_code cairn_struct_add(cairn_buf *out, const cairn_serializer *type, const void *field,
                            cairn_error *err);

/* Fields not yet read; borrowed from the bytes. */
typedef struct cairn_struct_view {
    const void *next;
    size_t bytes;
} cairn_struct_view;
/* CAIRN_E_INCOMPATIBLE if the bytes are no struct. */
cairn_code cairn_struct_begin(cairn_slice bytes, cairn_struct_view *out, cairn_error *err);
/* *out_found false: there are no more, *out_field untouched. */
cairn_code cairn_struct_next(cairn_struct_view *view, const cairn_serializer *type, void *out_field,
                             bool *out_found, cairn_error *err);
/* Appends the fields that were not read. */
cairn_code cairn_struct_add_rest(cairn_buf *out, const cairn_struct_view *view, cairn_error *err);

CAIRN_END_DECLS

#endif
