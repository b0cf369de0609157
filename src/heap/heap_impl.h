/*
 * What the files of the hash-map engine share. See heap.h for the idea.
 *
 * Generations. A database counts its snapshots; every entry, segment and directory carries the
 * count under which it was made. A snapshot of generation g sees what was made at or before g and
 * was reachable when it began. So one comparison with the newest live snapshot tells whether a
 * block is frozen: it must then be replaced instead of changed, and given to heap_dispose, which
 * frees it when the last snapshot that sees it is gone. Nothing is counted or marked per block when
 * a snapshot begins.
 *
 * Hashes. Of 64 bits, the lowest choose the segment (extendible hashing), the upper 20, the tag,
 * stand in the slot with the address of the entry and choose its home. So growing, copying and
 * erasing in a segment never look at an entry; a split does, and a search only where the tags are
 * equal.
 *
 * Threads: all functions are the owner's, if nothing else is said. A frozen block is read by
 * snapshots and written by nobody, except the links in front of an entry, which are the owner's.
 */
#ifndef CAIRN_HEAP_HEAP_IMPL_H
#define CAIRN_HEAP_HEAP_IMPL_H

#include "bounds.h"
#include "heap.h"
#include "heap_hash.h"

#include <stdatomic.h>
#include <string.h>

/* --- blocks ----------------------------------------------------------------------------------- */

#define HEAP_TAG_BITS     20
#define HEAP_TAG_SHIFT    (64 - HEAP_TAG_BITS)
#define HEAP_ALIGN_BITS   4 /* malloc's alignment of 16 */
#define HEAP_ADDRESS_BITS 48
#define HEAP_PREFETCH     12 /* slots ahead of the one whose entry is looked at */

/* An entry, or the head of a chain. Its bytes: key, prefix length (uint32_t, if linked), value,
 * room for appends. If linked, a heap_links stands in front of it in the same allocation. */
typedef struct heap_entry {
    uint32_t generation;
    uint32_t key_word;    /* length of the key, and HEAP_KEY_... */
    uint32_t value_bytes; /* its length */
    uint32_t capacity;    /* of value and room */
    uint8_t bytes[];
} heap_entry;

#define HEAP_KEY_HEAD   (UINT32_C(1) << 31) /* no entry of a user: the head of a prefix's chain */
#define HEAP_KEY_LINKED (UINT32_C(1) << 30)
#define HEAP_KEY_MASK   (HEAP_KEY_LINKED - 1)

/* A ring that the head closes. */
typedef struct heap_links {
    heap_entry *previous;
    heap_entry *next;
} heap_links;

/* Open addressing, linear probing; an erased slot is filled by what follows. A slot is the tag and
 * the address without its low bits, 0 if it is free; one at least is. The slots are a block of
 * their own: what is looked at in each write stands close together and stays in the cache. */
typedef struct heap_segment {
    uint32_t generation;
    uint32_t count; /* of slots, a power of two */
    uint32_t used;
    uint32_t depth; /* low bits of the hash that are the same for all its entries */
    uint64_t *slots;
} heap_segment;

/* The index is the lowest `depth` bits of the hash; a segment of a smaller depth stands at several.
 */
typedef struct heap_directory {
    uint32_t generation;
    uint32_t depth;
    heap_segment *segments[];
} heap_directory;

/* Blocks that a snapshot kept alive: an address, and in its low bits what it is. */
typedef enum heap_kind {
    CAIRN_HEAP_ENTRY,
    CAIRN_HEAP_SEGMENT,
    CAIRN_HEAP_DIRECTORY
} heap_kind;

typedef struct heap_graves {
    struct heap_graves *next;
    size_t count;
    uintptr_t blocks[CAIRN_HEAP_RECLAIM_MAX];
} heap_graves;

/* --- objects ---------------------------------------------------------------------------------- */

/* Where heap_sweep_next goes on. */
typedef struct heap_sweep {
    uint32_t group; /* index of the key group in the database's range */
    size_t segment; /* index in its directory */
    uint32_t slot;
} heap_sweep;

struct heap_table {
    heap_db *db;
    char *name;
    bool grouped;
    uint64_t walk_number; /* the walk under way: where it stands, NULL at its end */
    heap_entry *walk_next;
    heap_entry *walk_last;
    entry_filter filter; /* of files; zero: none */
    uint64_t judged_ms;  /* the latest that a snapshot judged by */
    heap_sweep sweep;
    heap_directory *groups[]; /* one for each key group of the database; NULL: never written */
};

typedef struct heap_frozen_table {
    const char *name;
    bool grouped;
    entry_filter filter;
    uint64_t now_ms; /* that its files judge by: of the begin */
    heap_directory **groups;
} heap_frozen_table;

struct heap_snapshot {
    heap_db *db;
    uint32_t index; /* in db->live */
    uint32_t generation;
    size_t bytes; /* of this block */
    size_t table_count;
    uint64_t *changes;
    heap_graves *graves;      /* the owner's: what was disposed of while this was the newest */
    heap_snapshot *next_dead; /* the owner's */
    heap_frozen_table tables[];
};

struct heap_db {
    /* const */
    cairn_key_group_range range;
    uint32_t key_group_bytes;
    uint64_t memory_bytes_max;
    heap_seed seed;
    /* [any]; the counters are written by the owner alone */
    atomic_uint_fast64_t state_bytes;
    atomic_uint_fast64_t memory_bytes;
    atomic_uint_fast64_t entries;
    atomic_uint_fast32_t freed; /* bits of db->live that nobody reads any more */
    /* owner */
    uint32_t generation;
    bool refused;          /* see heap_take_refusal */
    uint32_t newest;       /* generation of the newest live snapshot, 0: there is none */
    heap_snapshot *latest; /* that snapshot */
    heap_snapshot *live[CAIRN_HEAP_SNAPSHOTS_MAX];
    heap_snapshot *dead;
    heap_table *tables[CAIRN_HEAP_TABLES_MAX];
    size_t table_count;
    uint64_t *changes; /* of each key group */
};

/* Where a key stands or would stand. */
typedef struct heap_place {
    heap_table *table;
    const void *key;
    uint64_t hash;
    uint32_t key_word;
    uint32_t group; /* index of the key group in the database's range */
    bool shrinks;   /* the call frees memory: the bound does not hold it up */
    /* Where heap_find ended, until the next write: its segment, NULL if there is none yet, and the
     * free slot that it met, if it found nothing. A put needs not search again. */
    heap_segment *segment;
    uint32_t free_slot;
} heap_place;

/* --- looking ---------------------------------------------------------------------------------- */

static inline uint32_t heap_key_bytes(const heap_entry *entry)
{
    return entry->key_word & HEAP_KEY_MASK;
}

static inline heap_links *heap_links_of(heap_entry *entry)
{
    return (heap_links *)(void *)entry - 1;
}

static inline size_t heap_value_offset(uint32_t key_word)
{
    return (key_word & HEAP_KEY_MASK) + ((key_word & HEAP_KEY_LINKED) != 0 ? sizeof(uint32_t) : 0);
}

static inline cairn_slice heap_key_of(const heap_entry *entry)
{
    return (cairn_slice){entry->bytes, heap_key_bytes(entry)};
}

static inline cairn_slice heap_value_of(const heap_entry *entry)
{
    return (cairn_slice){entry->bytes + heap_value_offset(entry->key_word), entry->value_bytes};
}

/* How much of the key of a linked entry heap_walk compares. */
static inline uint32_t heap_prefix_of(const heap_entry *entry)
{
    uint32_t prefix;

    memcpy(&prefix, entry->bytes + heap_key_bytes(entry), sizeof(prefix));
    return prefix;
}

static inline heap_entry *heap_slot_entry(uint64_t slot)
{
    return (heap_entry *)(uintptr_t)(slot << HEAP_TAG_BITS >> (HEAP_TAG_BITS - HEAP_ALIGN_BITS));
}

static inline uint64_t heap_slot_of(uint64_t hash, const heap_entry *entry)
{
    return hash >> HEAP_TAG_SHIFT << HEAP_TAG_SHIFT | (uintptr_t)entry >> HEAP_ALIGN_BITS;
}

static inline uint32_t heap_slot_home(uint64_t hash_or_slot, uint32_t count)
{
    return (uint32_t)((hash_or_slot >> HEAP_TAG_SHIFT) * count >> HEAP_TAG_BITS);
}

static inline heap_segment *heap_segment_at(const heap_directory *directory, uint64_t hash)
{
    return directory->segments[hash & ((UINT64_C(1) << directory->depth) - 1)];
}

static inline uint32_t heap_next_slot(uint32_t index, uint32_t count)
{
    return (index + 1) & (count - 1);
}

static inline heap_entry *heap_find(heap_place *place)
{
    const heap_directory *directory = place->table->groups[place->group];
    heap_segment *segment;
    const uint64_t *slots;
    uint32_t i;

    place->segment = NULL;
    if (directory == NULL) {
        return NULL;
    }
    segment = heap_segment_at(directory, place->hash);
    slots = segment->slots;
    place->segment = segment;
    for (i = heap_slot_home(place->hash, segment->count); slots[i] != 0;
         i = heap_next_slot(i, segment->count)) {
        if ((slots[i] ^ place->hash) >> HEAP_TAG_SHIFT == 0) {
            heap_entry *entry = heap_slot_entry(slots[i]);

            if (entry->key_word == place->key_word &&
                memcmp(entry->bytes, place->key, place->key_word & HEAP_KEY_MASK) == 0) {
                return entry;
            }
        }
    }
    place->free_slot = i;
    return NULL;
}

static inline size_t heap_group_count(const heap_db *db)
{
    return (size_t)db->range.last - db->range.first + 1;
}

/* A snapshot sees what was made then. */
static inline bool heap_is_frozen(const heap_db *db, uint32_t generation)
{
    return generation <= db->newest;
}

/* The owner alone writes, so that no locked instruction is needed. Negative by wrapping. */
static inline void heap_count(atomic_uint_fast64_t *counter, uint64_t change)
{
    uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);

    atomic_store_explicit(counter, now + change, memory_order_relaxed);
}

/* --- memory (heap_memory.c) ------------------------------------------------------------------- */

/* CAIRN_E_LIMIT: the bound of the database, to which `shrinks` is no reason. */
cairn_code heap_block_new(heap_db *db, size_t bytes, bool shrinks, void **out, cairn_error *err);
void heap_block_free(heap_db *db, void *block, size_t bytes);

/* An entry without a value, with room for `capacity` bytes at least; prefix_bytes: of a linked one.
 */
cairn_code heap_entry_new(const heap_place *place, size_t prefix_bytes, size_t capacity,
                          heap_entry **out, cairn_error *err);
void heap_entry_free(heap_db *db, heap_entry *entry);

/* Before a write of so many bytes, 0 if it frees memory: frees a piece of what ended snapshots
 * kept, more than one only if the bound leaves no room otherwise, and makes sure that some
 * heap_dispose can't fail. */
cairn_code heap_prepare(heap_db *db, size_t bytes, cairn_error *err);

/* Frees a block that is no longer reachable, as soon as no snapshot sees it. */
void heap_dispose(heap_db *db, void *block, heap_kind kind);

/* Takes note of snapshots that were freed. */
void heap_bury(heap_db *db);
/* A bounded piece of what they kept. */
void heap_reclaim(heap_db *db);

/* --- segments (heap_segment.c): pure ---------------------------------------------------------- */

/* Three quarters: a search for what is absent looks at eight slots, one cache line, on average. */
static inline bool heap_segment_is_full(const heap_segment *segment)
{
    return segment->used >= segment->count - segment->count / 4;
}
/* The slot must fit. */
void heap_segment_add(heap_segment *segment, uint64_t slot);
/* Index of the slot that holds `entry`, which is there. */
uint32_t heap_segment_index_of(const heap_segment *segment, uint64_t hash, const heap_entry *entry);
void heap_segment_erase(heap_segment *segment, uint32_t index);
void heap_segment_move(const heap_segment *from, heap_segment *to);
/* By the bit of the hash above those that all entries of `from` share. */
void heap_segment_split(const heap_segment *from, const heap_seed *seed, heap_segment *to[2]);

/* --- directories (heap_directory.c) ----------------------------------------------------------- */

void heap_segment_free(heap_db *db, heap_segment *segment); /* NULL is fine */
void heap_directory_free(heap_db *db, heap_directory *directory);
/* The segment of a place may be written afterwards. */
cairn_code heap_own(const heap_place *place, cairn_error *err);
/* Adds an entry that is not there. */
cairn_code heap_slot_add(const heap_place *place, heap_entry *entry, cairn_error *err);
/* Both after heap_own. They don't dispose of the old entry. */
void heap_slot_replace(const heap_place *place, const heap_entry *old, heap_entry *entry);
void heap_slot_erase(const heap_place *place, const heap_entry *entry);

/* --- chains (heap_chain.c) -------------------------------------------------------------------- */

/* Where the head of an entry's chain stands; the entry may be the head. */
void heap_chain_place(const heap_place *place, const heap_entry *entry, heap_place *out);
/* Adds an entry to table and chain. */
cairn_code heap_chain_add(const heap_place *place, size_t prefix_bytes, heap_entry *entry,
                          cairn_error *err);
void heap_chain_replace(heap_table *table, heap_entry *old, heap_entry *entry);
void heap_chain_unlink(heap_table *table, heap_entry *entry);
/* NULL, or the head that would be left alone if `entry` went. */
heap_entry *heap_chain_lone_head(heap_entry *entry);

/* Groups of the table count as changed: what their files left out may count again. */
void heap_table_touch(heap_table *table);

/* --- snapshots (heap_snapshot.c) -------------------------------------------------------------- */

/* Any thread. As heap_cursor_next. NULL at the end. */
const heap_entry *heap_cursor_entry(heap_cursor *cursor);

#endif
