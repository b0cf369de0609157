/*
 * What the hash-map engine is measured against: a plain, fast hash table. One flat array of slots,
 * a power of two, at most three quarters full; linear probing; a slot is a pointer to a block with
 * key and value and 16 bits of the hash in its upper bits. A block holds its hash, so that growing
 * only reads it, with prefetch. Removal leaves a tombstone unless the next slot is free.
 */
#ifndef CAIRN_BENCH_FLAT_TABLE_H
#define CAIRN_BENCH_FLAT_TABLE_H

#include <cairn/base.h>

typedef struct flat_table flat_table;

/* NULL: out of memory. */
flat_table *flat_table_new(void);
void flat_table_free(flat_table *table); /* NULL is fine */

bool flat_table_get(const flat_table *table, cairn_slice key, cairn_slice *out);
/* False: out of memory. */
bool flat_table_put(flat_table *table, cairn_slice key, cairn_slice value);
void flat_table_remove(flat_table *table, cairn_slice key);

#endif
