#include "heap_impl.h"

void heap_segment_add(heap_segment *segment, uint64_t slot)
{
    uint32_t i = heap_slot_home(slot, segment->count);

    CAIRN_ASSERT(segment->used + 1 < segment->count);
    while (segment->slots[i] != 0) {
        i = heap_next_slot(i, segment->count);
    }
    segment->slots[i] = slot;
    segment->used++;
}

uint32_t heap_segment_index_of(const heap_segment *segment, uint64_t hash, const heap_entry *entry)
{
    uint32_t i = heap_slot_home(hash, segment->count);

    while (heap_slot_entry(segment->slots[i]) != entry) {
        CAIRN_ASSERT(segment->slots[i] != 0);
        i = heap_next_slot(i, segment->count);
    }
    return i;
}

/* Moves what follows into the hole, unless it would then stand before its home. */
void heap_segment_erase(heap_segment *segment, uint32_t index)
{
    uint32_t hole = index;

    for (uint32_t i = heap_next_slot(hole, segment->count); segment->slots[i] != 0;
         i = heap_next_slot(i, segment->count)) {
        uint32_t home = heap_slot_home(segment->slots[i], segment->count);
        uint32_t mask = segment->count - 1;

        if (((i - home) & mask) >= ((i - hole) & mask)) {
            segment->slots[hole] = segment->slots[i];
            hole = i;
        }
    }
    segment->slots[hole] = 0;
    segment->used--;
}

void heap_segment_move(const heap_segment *from, heap_segment *to)
{
    for (uint32_t i = 0; i < from->count; i++) {
        if (from->slots[i] != 0) {
            heap_segment_add(to, from->slots[i]);
        }
    }
}

static uint64_t hash_of(const heap_entry *entry, const heap_seed *seed)
{
    uint64_t hash = heap_hash(seed, heap_key_of(entry));

    return (entry->key_word & HEAP_KEY_HEAD) != 0 ? ~hash : hash;
}

void heap_segment_split(const heap_segment *from, const heap_seed *seed, heap_segment *to[2])
{
    for (uint32_t i = 0; i < from->count; i++) {
        uint32_t ahead = i + HEAP_PREFETCH < from->count ? i + HEAP_PREFETCH : i;

        __builtin_prefetch(heap_slot_entry(from->slots[ahead]));
        if (from->slots[i] != 0) {
            uint64_t hash = hash_of(heap_slot_entry(from->slots[i]), seed);

            heap_segment_add(to[hash >> from->depth & 1], from->slots[i]);
        }
    }
}
