#include "flat_table.h"

#include "alloc.h"

#include <string.h>

#define SLOTS_MIN 16
#define TAG_SHIFT 48
#define POINTER   ((UINT64_C(1) << TAG_SHIFT) - 1)
#define TOMBSTONE UINT64_C(1)
#define PREFETCH  12

typedef struct block {
    uint64_t hash;
    uint32_t key_bytes;
    uint32_t value_bytes;
    uint8_t bytes[];
} block;

struct flat_table {
    uint64_t *slots;
    uint64_t mask;
    uint64_t used; /* tombstones too */
    uint64_t entries;
};

/* --- hash: folded multiplications over words, as the engine's -----------------------------------
 */

__extension__ typedef unsigned __int128 wide;

static uint64_t mix(uint64_t a, uint64_t b)
{
    wide product = (wide)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_of(cairn_slice key)
{
    const uint8_t *bytes = key.data;
    uint64_t hash = UINT64_C(0xe7037ed1a0b428db) ^ key.len;
    uint64_t words[2] = {0, 0};
    size_t left = key.len;

    for (; left > sizeof(words); left -= sizeof(words), bytes += sizeof(words)) {
        memcpy(words, bytes, sizeof(words));
        hash = mix(words[0] ^ UINT64_C(0xa0761d6478bd642f), words[1] ^ hash);
    }
    if (left == sizeof(words)) {
        memcpy(words, bytes, sizeof(words));
    } else {
        words[0] = words[1] = 0;
        memcpy(words, bytes, left);
    }
    hash = mix(words[0] ^ UINT64_C(0xa0761d6478bd642f), words[1] ^ hash);
    return mix(hash, UINT64_C(0x9e3779b97f4a7c15));
}

/* --- slots ------------------------------------------------------------------------------------ */

static block *block_of(uint64_t slot)
{
    return (block *)(uintptr_t)(slot & POINTER);
}

static uint64_t slot_of(const block *b)
{
    return (uintptr_t)b | b->hash >> TAG_SHIFT << TAG_SHIFT;
}

/* The slot that holds the key, or NULL. */
static uint64_t *find(const flat_table *table, cairn_slice key, uint64_t hash)
{
    for (uint64_t i = hash & table->mask; table->slots[i] != 0; i = (i + 1) & table->mask) {
        uint64_t slot = table->slots[i];

        if ((slot ^ hash) >> TAG_SHIFT == 0 && slot != TOMBSTONE) {
            const block *b = block_of(slot);

            if (b->key_bytes == key.len && memcmp(b->bytes, key.data, key.len) == 0) {
                return &table->slots[i];
            }
        }
    }
    return NULL;
}

static uint64_t *free_slot(const flat_table *table, uint64_t hash)
{
    uint64_t i = hash & table->mask;

    while (table->slots[i] > TOMBSTONE) {
        i = (i + 1) & table->mask;
    }
    return &table->slots[i];
}

static bool resize(flat_table *table, uint64_t count)
{
    flat_table larger = {mem_calloc(count, sizeof(uint64_t)), count - 1, table->entries,
                         table->entries};

    if (larger.slots == NULL) {
        return false;
    }
    for (uint64_t i = 0; table->slots != NULL && i <= table->mask; i++) {
        if (i + PREFETCH <= table->mask) {
            __builtin_prefetch(block_of(table->slots[i + PREFETCH]));
        }
        if (table->slots[i] > TOMBSTONE) {
            *free_slot(&larger, block_of(table->slots[i])->hash) = table->slots[i];
        }
    }
    mem_free(table->slots);
    *table = larger;
    return true;
}

static bool make_room(flat_table *table)
{
    uint64_t count = table->mask + 1;

    if (table->used < count / 4 * 3) {
        return true;
    }
    return resize(table, table->entries < count / 2 ? count : 2 * count);
}

/* --- blocks ----------------------------------------------------------------------------------- */

static block *block_new(cairn_slice key, cairn_slice value, uint64_t hash)
{
    block *b = mem_alloc(sizeof(*b) + key.len + value.len);

    if (b == NULL) {
        return NULL;
    }
    b->hash = hash;
    b->key_bytes = (uint32_t)key.len;
    b->value_bytes = (uint32_t)value.len;
    memcpy(b->bytes, key.data, key.len);
    memcpy(b->bytes + key.len, value.data, value.len);
    return b;
}

/* --- the calls -------------------------------------------------------------------------------- */

flat_table *flat_table_new(void)
{
    flat_table *table = mem_calloc(1, sizeof(*table));

    if (table == NULL || !resize(table, SLOTS_MIN)) {
        mem_free(table);
        return NULL;
    }
    return table;
}

void flat_table_free(flat_table *table)
{
    if (table == NULL) {
        return;
    }
    for (uint64_t i = 0; i <= table->mask; i++) {
        if (table->slots[i] > TOMBSTONE) {
            mem_free(block_of(table->slots[i]));
        }
    }
    mem_free(table->slots);
    mem_free(table);
}

bool flat_table_get(const flat_table *table, cairn_slice key, cairn_slice *out)
{
    const uint64_t *slot = find(table, key, hash_of(key));
    const block *b;

    if (slot == NULL) {
        return false;
    }
    b = block_of(*slot);
    *out = (cairn_slice){b->bytes + b->key_bytes, b->value_bytes};
    return true;
}

bool flat_table_put(flat_table *table, cairn_slice key, cairn_slice value)
{
    uint64_t hash = hash_of(key);
    uint64_t *slot = find(table, key, hash);
    block *b = slot == NULL ? NULL : block_of(*slot);

    if (b != NULL && b->value_bytes == value.len) {
        memcpy(b->bytes + b->key_bytes, value.data, value.len);
        return true;
    }
    if (b == NULL && !make_room(table)) {
        return false;
    }
    b = block_new(key, value, hash);
    if (b == NULL) {
        return false;
    }
    if (slot == NULL) {
        slot = free_slot(table, hash);
        table->used += *slot == 0;
        table->entries++;
    } else {
        mem_free(block_of(*slot));
    }
    *slot = slot_of(b);
    return true;
}

void flat_table_remove(flat_table *table, cairn_slice key)
{
    uint64_t *slot = find(table, key, hash_of(key));

    if (slot != NULL) {
        bool last = table->slots[(uint64_t)(slot - table->slots + 1) & table->mask] == 0;

        mem_free(block_of(*slot));
        *slot = last ? 0 : TOMBSTONE;
        table->used -= last;
        table->entries--;
    }
}
