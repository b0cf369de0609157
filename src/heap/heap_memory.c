#include "errors.h"
#include "heap_impl.h"

/* What one call disposes of at most: two entries (one the head of a chain), two segments and a
 * directory of an erasure; two segments and a directory for each of two entries that are added. */
#define DISPOSALS_MAX 8
_Static_assert(DISPOSALS_MAX <= CAIRN_HEAP_RECLAIM_MAX, "they fit in one piece");

#define KIND_MASK ((uintptr_t)3)

/* --- blocks ----------------------------------------------------------------------------------- */

cairn_code heap_block_new(heap_db *db, size_t bytes, bool shrinks, void **out, cairn_error *err)
{
    uint64_t used = atomic_load_explicit(&db->memory_bytes, memory_order_relaxed);
    void *block;

    if (db->memory_bytes_max != 0 && !shrinks &&
        (used > db->memory_bytes_max || bytes > db->memory_bytes_max - used)) {
        db->refused = true;
        return error_set(err, CAIRN_E_LIMIT,
                         "state on the heap: %zu bytes more than the %llu in use would pass its "
                         "bound of %llu; raise the memory of the backend, or choose rocksdb",
                         bytes, (unsigned long long)used, (unsigned long long)db->memory_bytes_max);
    }
    block = mem_alloc(bytes);
    if (block == NULL) {
        return error_no_memory(err, "state on the heap");
    }
    CAIRN_ASSERT((uintptr_t)block >> HEAP_ADDRESS_BITS == 0); /* slots have no room for more */
    CAIRN_ASSERT(((uintptr_t)block & ((1U << HEAP_ALIGN_BITS) - 1)) == 0);
    heap_count(&db->memory_bytes, bytes);
    *out = block;
    return CAIRN_OK;
}

void heap_block_free(heap_db *db, void *block, size_t bytes)
{
    heap_count(&db->memory_bytes, 0 - (uint64_t)bytes);
    mem_free(block);
}

/* --- entries ---------------------------------------------------------------------------------- */

static size_t front_bytes(uint32_t key_word)
{
    return (key_word & HEAP_KEY_LINKED) != 0 ? sizeof(heap_links) : 0;
}

/* All but the value. */
static size_t fixed_bytes(uint32_t key_word)
{
    return front_bytes(key_word) + sizeof(heap_entry) + heap_value_offset(key_word);
}

cairn_code heap_entry_new(const heap_place *place, size_t prefix_bytes, size_t capacity,
                          heap_entry **out, cairn_error *err)
{
    size_t align = (size_t)1 << HEAP_ALIGN_BITS;
    size_t key_bytes = place->key_word & HEAP_KEY_MASK;
    size_t fixed = fixed_bytes(place->key_word);
    size_t bytes = (fixed + capacity + align - 1) & ~(align - 1);
    uint32_t prefix = (uint32_t)prefix_bytes;
    void *block = NULL;
    heap_entry *entry;

    CAIRN_TRY(heap_block_new(place->table->db, bytes, place->shrinks, &block, err));
    entry = (heap_entry *)(void *)((uint8_t *)block + front_bytes(place->key_word));
    entry->generation = place->table->db->generation;
    entry->key_word = place->key_word;
    entry->value_bytes = 0;
    entry->capacity = (uint32_t)(bytes - fixed);
    if (key_bytes > 0) {
        memcpy(entry->bytes, place->key, key_bytes);
    }
    if ((place->key_word & HEAP_KEY_LINKED) != 0) {
        memcpy(entry->bytes + key_bytes, &prefix, sizeof(prefix));
    }
    *out = entry;
    return CAIRN_OK;
}

void heap_entry_free(heap_db *db, heap_entry *entry)
{
    size_t bytes = fixed_bytes(entry->key_word) + entry->capacity;

    heap_block_free(db, (uint8_t *)entry - front_bytes(entry->key_word), bytes);
}

/* --- what snapshots keep alive ---------------------------------------------------------------- */

/* The first member of every kind of block. */
static uint32_t generation_of(const void *block)
{
    uint32_t generation;

    memcpy(&generation, block, sizeof(generation));
    return generation;
}

static void free_now(heap_db *db, void *block, heap_kind kind)
{
    if (kind == CAIRN_HEAP_ENTRY) {
        heap_entry_free(db, block);
    } else if (kind == CAIRN_HEAP_SEGMENT) {
        heap_segment_free(db, block);
    } else {
        heap_directory_free(db, block);
    }
}

static heap_snapshot *newest_up_to(const heap_db *db, uint32_t generation)
{
    heap_snapshot *found = NULL;

    for (size_t i = 0; i < CAIRN_HEAP_SNAPSHOTS_MAX; i++) {
        heap_snapshot *snapshot = db->live[i];

        if (snapshot != NULL && snapshot->generation <= generation &&
            (found == NULL || snapshot->generation > found->generation)) {
            found = snapshot;
        }
    }
    return found;
}

void heap_dispose(heap_db *db, void *block, heap_kind kind)
{
    heap_graves *graves;

    if (!heap_is_frozen(db, generation_of(block))) {
        free_now(db, block, kind);
        return;
    }
    graves = db->latest->graves;
    CAIRN_ASSERT(graves->count < CAIRN_HEAP_RECLAIM_MAX);
    graves->blocks[graves->count++] = (uintptr_t)block | (uintptr_t)kind;
}

static cairn_code reserve_graves(heap_db *db, bool shrinks, cairn_error *err)
{
    heap_snapshot *snapshot = db->latest;
    heap_graves *graves = snapshot->graves;
    void *block = NULL;

    if (graves != NULL && graves->count + DISPOSALS_MAX <= CAIRN_HEAP_RECLAIM_MAX) {
        return CAIRN_OK;
    }
    CAIRN_TRY(heap_block_new(db, sizeof(*graves), shrinks, &block, err));
    graves = block;
    graves->next = snapshot->graves;
    graves->count = 0;
    snapshot->graves = graves;
    return CAIRN_OK;
}

void heap_bury(heap_db *db)
{
    uint_fast32_t freed = atomic_exchange_explicit(&db->freed, 0, memory_order_acquire);

    for (size_t i = 0; i < CAIRN_HEAP_SNAPSHOTS_MAX; i++) {
        if ((freed >> i & 1) != 0) {
            db->live[i]->next_dead = db->dead;
            db->dead = CAIRN_TAKE(db->live[i]);
        }
    }
    db->latest = newest_up_to(db, UINT32_MAX);
    db->newest = db->latest == NULL ? 0 : db->latest->generation;
}

/* Frees what no older snapshot sees, and leaves the rest to the newest of those. */
static void reclaim_graves(heap_db *db, heap_graves *graves, heap_snapshot *older)
{
    size_t kept = 0;

    for (size_t i = 0; i < graves->count; i++) {
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): heap_dispose made it from one */
        void *block = (void *)(graves->blocks[i] & ~KIND_MASK);

        if (older != NULL && generation_of(block) <= older->generation) {
            graves->blocks[kept++] = graves->blocks[i];
        } else {
            free_now(db, block, (heap_kind)(graves->blocks[i] & KIND_MASK));
        }
    }
    graves->count = kept;
    if (kept == 0) {
        heap_block_free(db, graves, sizeof(*graves));
    } else {
        graves->next = older->graves;
        older->graves = graves;
    }
}

void heap_reclaim(heap_db *db)
{
    heap_snapshot *dead = db->dead;
    heap_graves *graves = dead->graves;

    if (graves != NULL) {
        dead->graves = graves->next;
        reclaim_graves(db, graves, newest_up_to(db, dead->generation));
    } else {
        db->dead = dead->next_dead;
        heap_block_free(db, dead, dead->bytes);
    }
}

/* With the entry, a write makes at most two segments, a directory step, and another head. */
static bool has_room(const heap_db *db, size_t bytes)
{
    const uint64_t used = atomic_load_explicit(&db->memory_bytes, memory_order_relaxed);
    const uint64_t wanted = used + bytes + bytes / 2 + 4 * sizeof(uint64_t) * CAIRN_HEAP_SLOTS_MAX;

    return db->memory_bytes_max == 0 || wanted <= db->memory_bytes_max;
}

cairn_code heap_prepare(heap_db *db, size_t bytes, cairn_error *err)
{
    const bool shrinks = bytes == 0;

    if (atomic_load_explicit(&db->freed, memory_order_relaxed) != 0) {
        heap_bury(db);
    }
    if (db->dead != NULL) {
        heap_reclaim(db);
    }
    while (db->dead != NULL && !shrinks && !has_room(db, bytes)) {
        heap_reclaim(db);
    }
    return db->newest == 0 ? CAIRN_OK : reserve_graves(db, shrinks, err);
}
