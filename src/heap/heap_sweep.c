#include "heap_impl.h"

/* To the first slot of the next segment, or of the next group's first; past the last group to the
 * first: then false. */
static bool next_segment(heap_table *table, const heap_directory *directory)
{
    table->sweep.slot = 0;
    table->sweep.segment++;
    if (directory != NULL && table->sweep.segment >> directory->depth == 0) {
        return true;
    }
    table->sweep.segment = 0;
    table->sweep.group++;
    if (table->sweep.group < heap_group_count(table->db)) {
        return true;
    }
    table->sweep.group = 0;
    return false;
}

/* A segment of a smaller depth stands at several indexes: it is looked at once. */
static heap_segment *segment_at(const heap_table *table, const heap_directory *directory)
{
    heap_segment *segment;

    if (directory == NULL || table->sweep.segment >> directory->depth != 0) {
        return NULL;
    }
    segment = directory->segments[table->sweep.segment];
    return table->sweep.segment >> segment->depth == 0 ? segment : NULL;
}

/* NULL if the slot at hand holds none. */
static heap_entry *entry_at(const heap_table *table, const heap_segment *segment)
{
    heap_entry *const entry = heap_slot_entry(segment->slots[table->sweep.slot]);

    return entry == NULL || (entry->key_word & HEAP_KEY_HEAD) != 0 ? NULL : entry;
}

static void give(const heap_table *table, const heap_entry *entry, heap_key *key,
                 cairn_slice *value)
{
    *key = (heap_key){heap_key_of(entry), table->db->range.first + table->sweep.group,
                      table->grouped ? heap_prefix_of(entry) : heap_key_bytes(entry)};
    *value = heap_value_of(entry);
}

bool heap_sweep_next(heap_table *table, heap_key *key, cairn_slice *value)
{
    for (size_t looked = 0; looked < CAIRN_HEAP_SWEEP_SLOTS; looked++) {
        const heap_directory *const directory = table->groups[table->sweep.group];
        const heap_segment *const segment = segment_at(table, directory);

        if (segment == NULL || table->sweep.slot >= segment->count) {
            if (!next_segment(table, directory)) {
                return false;
            }
            continue;
        }
        const heap_entry *const entry = entry_at(table, segment);
        table->sweep.slot++;
        if (entry != NULL) {
            give(table, entry, key, value);
            return true;
        }
    }
    return false;
}
