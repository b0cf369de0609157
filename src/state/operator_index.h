/*
 * From keys to places in bytes that hold them: an open-addressing table of hashes and places. The
 * caller tells whether a place holds a key.
 */
#ifndef CAIRN_STATE_OPERATOR_INDEX_H
#define CAIRN_STATE_OPERATOR_INDEX_H

#include <cairn/base.h>

#include "check.h"

typedef struct operator_slot {
    uint32_t hash;
    uint32_t place; /* + 1; 0: free */
} operator_slot;

/* Zero-initialise it. */
typedef struct operator_index {
    operator_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
} operator_index;

void operator_index_release(operator_index *index);
CAIRN_DEFINE_AUTO(operator_index, operator_index_release)

/* What is looked for, and in which bytes. */
typedef struct operator_lookup {
    cairn_slice key;
    uint32_t hash;
    /* The key that stands at a place of `bytes`. */
    cairn_slice (*key_at)(cairn_slice bytes, uint32_t place);
    cairn_slice bytes;
} operator_lookup;

/* NULL: it is not there. Valid until the next change. */
operator_slot *operator_index_find(const operator_index *index, const operator_lookup *wanted);

/* Makes room for one more: the insert that follows cannot fail. */
cairn_code operator_index_reserve(operator_index *index, cairn_error *err);
/* Of a key that is not there. */
void operator_index_insert(operator_index *index, uint32_t hash, uint32_t place);
void operator_index_remove(operator_index *index, operator_slot *slot);

#endif
