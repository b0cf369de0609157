#include "errors.h"
#include "heap_impl.h"

/* --- begin and end ---------------------------------------------------------------------------- */

static cairn_code free_index(const heap_db *db, uint32_t *out, cairn_error *err)
{
    if (db->generation == UINT32_MAX) {
        return error_set(err, CAIRN_E_LIMIT, "2^32 snapshots of one state were made: restart");
    }
    for (uint32_t i = 0; i < CAIRN_HEAP_SNAPSHOTS_MAX; i++) {
        if (db->live[i] == NULL) {
            *out = i;
            return CAIRN_OK;
        }
    }
    return error_set(err, CAIRN_E_STATE, "%d snapshots of the state are open: free one",
                     CAIRN_HEAP_SNAPSHOTS_MAX);
}

/* One block: the struct, its tables, their directories, the numbers of changes. */
static size_t block_bytes(const heap_db *db)
{
    return sizeof(heap_snapshot) + db->table_count * sizeof(heap_frozen_table) +
           heap_group_count(db) * (db->table_count * sizeof(heap_directory *) + sizeof(uint64_t));
}

void heap_table_touch(heap_table *table)
{
    for (size_t i = 0; i < heap_group_count(table->db); i++) {
        table->db->changes[i] += table->groups[i] != NULL;
    }
}

/* The time by which files leave out entries is that of the begin, however late they are written. If
 * the clock went back, what the files before left out counts again. */
static void look_at_clocks(heap_db *db)
{
    for (size_t i = 0; i < db->table_count; i++) {
        heap_table *const table = db->tables[i];

        if (table->filter.judge != NULL) {
            const uint64_t now_ms = entry_clock_now(&table->filter.clock);

            if (now_ms < table->judged_ms) {
                heap_table_touch(table);
            }
            table->judged_ms = now_ms;
        }
    }
}

static void remember_tables(const heap_db *db, heap_snapshot *snapshot)
{
    size_t groups = heap_group_count(db);
    heap_directory **directories = (heap_directory **)(snapshot->tables + db->table_count);

    for (size_t i = 0; i < db->table_count; i++, directories += groups) {
        const heap_table *table = db->tables[i];

        memcpy(directories, table->groups, groups * sizeof(heap_directory *));
        snapshot->tables[i] = (heap_frozen_table){table->name, table->grouped, table->filter,
                                                  table->judged_ms, directories};
    }
    snapshot->changes = (uint64_t *)(void *)directories;
    memcpy(snapshot->changes, db->changes, groups * sizeof(*snapshot->changes));
}

cairn_code heap_snapshot_begin(heap_db *db, heap_snapshot **out, cairn_error *err)
{
    heap_snapshot *snapshot;
    uint32_t index = 0;
    void *block = NULL;

    heap_bury(db);
    CAIRN_TRY(free_index(db, &index, err));
    CAIRN_TRY(heap_block_new(db, block_bytes(db), true, &block, err));
    snapshot = block;
    *snapshot = (heap_snapshot){
        .db = db,
        .index = index,
        .generation = db->generation++,
        .bytes = block_bytes(db),
        .table_count = db->table_count,
    };
    look_at_clocks(db);
    remember_tables(db, snapshot);
    db->live[index] = snapshot;
    db->latest = snapshot;
    db->newest = snapshot->generation;
    *out = snapshot;
    return CAIRN_OK;
}

/* The bit is the last that this thread touches: the owner may free both at once. */
void heap_snapshot_free(heap_snapshot *snapshot)
{
    if (snapshot != NULL) {
        (void)atomic_fetch_or_explicit(&snapshot->db->freed, UINT32_C(1) << snapshot->index,
                                       memory_order_release);
    }
}

/* --- reading ---------------------------------------------------------------------------------- */

const char *heap_snapshot_table(const heap_snapshot *snapshot, size_t index, bool *out_grouped)
{
    if (index >= snapshot->table_count) {
        return NULL;
    }
    *out_grouped = snapshot->tables[index].grouped;
    return snapshot->tables[index].name;
}

uint64_t heap_snapshot_changes(const heap_snapshot *snapshot, uint32_t key_group)
{
    const heap_db *db = snapshot->db;

    CAIRN_ASSERT(key_group >= db->range.first && key_group <= db->range.last);
    return snapshot->changes[key_group - db->range.first];
}

void heap_cursor_begin(const heap_snapshot *snapshot, size_t table, uint32_t key_group,
                       heap_cursor *cursor)
{
    CAIRN_ASSERT(table < snapshot->table_count);
    CAIRN_ASSERT(key_group >= snapshot->db->range.first && key_group <= snapshot->db->range.last);
    *cursor = (heap_cursor){.snapshot = snapshot, .table = table, .key_group = key_group};
}

static const heap_entry *next_in_segment(const heap_segment *segment, size_t *slot)
{
    while (*slot < segment->count) {
        size_t i = (*slot)++;
        const heap_entry *entry = heap_slot_entry(segment->slots[i]);

        if (i + HEAP_PREFETCH < segment->count) {
            __builtin_prefetch(heap_slot_entry(segment->slots[i + HEAP_PREFETCH]));
        }
        if (entry != NULL && (entry->key_word & HEAP_KEY_HEAD) == 0) {
            return entry;
        }
    }
    return NULL;
}

const heap_entry *heap_cursor_entry(heap_cursor *cursor)
{
    const heap_snapshot *snapshot = cursor->snapshot;
    uint32_t group = cursor->key_group - snapshot->db->range.first;
    const heap_directory *directory = snapshot->tables[cursor->table].groups[group];

    if (directory == NULL) {
        return NULL;
    }
    for (; cursor->segment >> directory->depth == 0; cursor->segment++, cursor->slot = 0) {
        const heap_segment *segment = directory->segments[cursor->segment];
        bool first = cursor->segment >> segment->depth == 0;
        const heap_entry *entry = first ? next_in_segment(segment, &cursor->slot) : NULL;

        if (entry != NULL) {
            return entry;
        }
    }
    return NULL;
}

bool heap_cursor_next(heap_cursor *cursor, cairn_slice *key, cairn_slice *value)
{
    const heap_entry *entry = heap_cursor_entry(cursor);

    if (entry == NULL) {
        return false;
    }
    *key = heap_key_of(entry);
    *value = heap_value_of(entry);
    return true;
}
