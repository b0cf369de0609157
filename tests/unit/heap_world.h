/* What the tests of the hash-map engine share. These functions assert: the test's own thread only.
 */
#ifndef CAIRN_TESTS_HEAP_WORLD_H
#define CAIRN_TESTS_HEAP_WORLD_H

#include "heap.h"

/* A database of the key groups 0 to key_groups - 1, without a bound. */
heap_db *heap_world_open(uint32_t key_groups);
heap_table *heap_world_table(heap_db *db, const char *name, bool grouped);

/* Of a text or of the bytes of a number; borrowed. The prefix is empty. */
heap_key heap_world_key(const char *text, uint32_t key_group);
heap_key heap_world_number(const uint64_t *number, uint64_t key_group);

/* `value` stands there; NULL: nothing does. */
void heap_world_expect(heap_table *table, const char *key, uint32_t key_group, const char *value);

/* A MiB of bytes, always the same; static storage. */
uint8_t *heap_world_noise(void);

#endif
