/* Walks over a map's entries, and scans: a snapshot that is read group by group. */
#include "errors.h"
#include "state_heap_impl.h"

#include <stdlib.h>
#include <string.h>

/* --- a walk ----------------------------------------------------------------------------------- */

typedef struct walk_cursor {
    state_cursor base;
    heap_walk walk;
} walk_cursor;

static bool walk_next(state_cursor *self, cairn_slice *key, cairn_slice *value)
{
    return heap_walk_next(&((walk_cursor *)self)->walk, key, value);
}

static cairn_code no_trouble(const state_cursor *self, cairn_error *err)
{
    (void)self;
    (void)err;
    return CAIRN_OK;
}

static void walk_free(state_cursor *self)
{
    mem_free(self);
}

static const state_cursor_ops walk_ops = {walk_next, no_trouble, walk_free};

cairn_code state_heap_walk(state_table *self, const state_place *prefix, state_cursor **out,
                           cairn_error *err)
{
    const engine_table *const table = (engine_table *)self;
    const heap_key key = state_heap_key(prefix);
    walk_cursor *const cursor = mem_calloc(1, sizeof *cursor);

    CAIRN_ASSERT(table->grouped);
    if (cursor == NULL) {
        return error_no_memory(err, "cursor");
    }
    cursor->base.ops = &walk_ops;
    heap_walk_begin(table->table, &key, &cursor->walk);
    *out = &cursor->base;
    return CAIRN_OK;
}

/* --- a scan: a snapshot, read group by group -------------------------------------------------- */

typedef struct scan_entry {
    cairn_slice key;
    cairn_slice value;
} scan_entry;

typedef struct scan_cursor {
    state_cursor base;
    heap_snapshot *snapshot;
    size_t table;
    cairn_key_group_range range;
    uint32_t next_key_group; /* range.last + 1: none is left */
    scan_entry *entries;     /* of one key group, sorted */
    size_t count;
    size_t capacity;
    size_t at;
    bool out_of_memory;
} scan_cursor;

static bool scan_add(scan_cursor *cursor, cairn_slice key, cairn_slice value)
{
    if (cursor->count == cursor->capacity) {
        const size_t capacity = cursor->capacity == 0 ? 64 : 2 * cursor->capacity;
        scan_entry *const entries =
            mem_realloc_array(cursor->entries, capacity, sizeof(scan_entry));

        if (entries == NULL) {
            return false;
        }
        cursor->entries = entries;
        cursor->capacity = capacity;
    }
    cursor->entries[cursor->count++] = (scan_entry){key, value};
    return true;
}

static int by_key(const void *a, const void *b)
{
    const cairn_slice first = ((const scan_entry *)a)->key;
    const cairn_slice second = ((const scan_entry *)b)->key;
    const size_t shared = first.len < second.len ? first.len : second.len;
    const int order = memcmp(first.data, second.data, shared);

    return order != 0 ? order : (first.len > second.len) - (first.len < second.len);
}

/* Sorted, so that entries of one key and namespace stand together. */
static bool scan_group(scan_cursor *cursor, uint32_t key_group)
{
    heap_cursor rows;
    cairn_slice key;
    cairn_slice value;

    cursor->count = 0;
    cursor->at = 0;
    heap_cursor_begin(cursor->snapshot, cursor->table, key_group, &rows);
    while (heap_cursor_next(&rows, &key, &value)) {
        if (!scan_add(cursor, key, value)) {
            cursor->out_of_memory = true;
            return false;
        }
    }
    if (cursor->count > 0) {
        qsort(cursor->entries, cursor->count, sizeof(scan_entry), by_key);
    }
    return true;
}

static bool scan_next(state_cursor *self, cairn_slice *key, cairn_slice *value)
{
    scan_cursor *const cursor = (scan_cursor *)self;

    while (cursor->at == cursor->count) {
        if (cursor->out_of_memory || cursor->next_key_group > cursor->range.last ||
            !scan_group(cursor, cursor->next_key_group++)) {
            return false;
        }
    }
    *key = cursor->entries[cursor->at].key;
    *value = cursor->entries[cursor->at].value;
    cursor->at++;
    return true;
}

static cairn_code scan_status(const state_cursor *self, cairn_error *err)
{
    return ((const scan_cursor *)self)->out_of_memory ? error_no_memory(err, "scan") : CAIRN_OK;
}

static void scan_free(state_cursor *self)
{
    scan_cursor *const cursor = (scan_cursor *)self;

    heap_snapshot_free(cursor->snapshot);
    mem_free(cursor->entries);
    mem_free(cursor);
}

static const state_cursor_ops scan_ops = {scan_next, scan_status, scan_free};

static size_t place_of(const heap_snapshot *snapshot, const char *name)
{
    const char *found = NULL;
    size_t index = 0;
    bool grouped = false;

    while ((found = heap_snapshot_table(snapshot, index, &grouped)) != NULL &&
           strcmp(found, name) != 0) {
        index++;
    }
    CAIRN_ASSERT(found != NULL);
    return index;
}

cairn_code state_heap_scan(state_table *self, state_cursor **out, cairn_error *err)
{
    const engine_table *const table = (engine_table *)self;
    CAIRN_AUTO_FREE scan_cursor *cursor = mem_calloc(1, sizeof *cursor);

    if (cursor == NULL) {
        return error_no_memory(err, "cursor");
    }
    cursor->base.ops = &scan_ops;
    cursor->range = table->engine->options.range;
    cursor->next_key_group = cursor->range.first;
    CAIRN_TRY(heap_snapshot_begin(table->engine->db, &cursor->snapshot, err));
    cursor->table = place_of(cursor->snapshot, table->name);
    *out = &CAIRN_TAKE(cursor)->base;
    return CAIRN_OK;
}
