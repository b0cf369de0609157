/*
 * The composite key: key group | key | namespace | map user key. Pure.
 *
 * - The key group is big-endian, 1 byte if max parallelism <= 128, else 2.
 * - Key and namespace are escaped and terminated: 0x00 becomes 0x00 0xff, the end is 0x00 0x01.
 *   So byte order is preserved (also between a key and its extension) and no part runs into the
 * next.
 * - The map user key is last and stands as it is.
 * A value state has an empty namespace and no user key: group, key, 0x00 0x01, 0x00 0x01.
 */
#ifndef CAIRN_STATE_STATE_KEY_H
#define CAIRN_STATE_STATE_KEY_H

#include <cairn/state.h>

#include "buf.h"

/* Of the key group in front of composite keys: 1 or 2. */
uint32_t state_key_group_bytes(uint32_t max_parallelism);

/* Writes group and key (replaces the contents of `out`); the namespace is appended by the next. */
cairn_code state_key_begin(cairn_buf *out, uint32_t key_group, uint32_t max_parallelism,
                           cairn_slice key, cairn_error *err);
/* CAIRN_E_LIMIT if it is too long; append_namespace looks too. */
cairn_code state_key_check_namespace(cairn_slice name_space, cairn_error *err);
cairn_code state_key_append_namespace(cairn_buf *out, cairn_slice name_space, cairn_error *err);

typedef struct state_key_parts {
    uint32_t key_group;
    cairn_buf key;
    cairn_buf name_space;
    cairn_slice user_key; /* borrowed from the encoded bytes */
} state_key_parts;
void state_key_parts_release(state_key_parts *parts);
CAIRN_DEFINE_AUTO(state_key_parts, state_key_parts_release)

/* CAIRN_E_INTEGRITY if the bytes are no composite key. */
cairn_code state_key_decode(cairn_slice encoded, uint32_t max_parallelism, state_key_parts *out,
                            cairn_error *err);

/* Only the group; false if too short. */
bool state_key_group(cairn_slice encoded, uint32_t max_parallelism, uint32_t *out);

#endif
