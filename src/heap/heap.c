#include "heap.h"

#include "errors.h"
#include "heap_impl.h"
#include "random.h"

/* --- tables ----------------------------------------------------------------------------------- */

bool heap_take_refusal(heap_db *db)
{
    const bool refused = db->refused;

    db->refused = false;
    return refused;
}

heap_table *heap_table_find(heap_db *db, const char *name)
{
    for (size_t i = 0; i < db->table_count; i++) {
        if (strcmp(db->tables[i]->name, name) == 0) {
            return db->tables[i];
        }
    }
    return NULL;
}

static cairn_code check_new_table(heap_db *db, const char *name, cairn_error *err)
{
    if (heap_table_find(db, name) != NULL) {
        return error_set(err, CAIRN_E_EXISTS, "state '%s' stands already", name);
    }
    if (db->table_count == CAIRN_HEAP_TABLES_MAX) {
        return error_set(err, CAIRN_E_LIMIT, "state '%s' would be one more than %d", name,
                         CAIRN_HEAP_TABLES_MAX);
    }
    if (strlen(name) > CAIRN_NAME_BYTES_MAX) {
        return error_set(err, CAIRN_E_LIMIT, "a state's name has more than %d bytes",
                         CAIRN_NAME_BYTES_MAX);
    }
    return CAIRN_OK;
}

static size_t table_bytes(const heap_db *db)
{
    return sizeof(heap_table) + heap_group_count(db) * sizeof(heap_directory *);
}

cairn_code heap_table_create(heap_db *db, const char *name, bool grouped, heap_table **out,
                             cairn_error *err)
{
    CAIRN_AUTO_FREE char *copy = NULL;
    heap_table *table;
    void *block = NULL;

    CAIRN_TRY(check_new_table(db, name, err));
    copy = mem_strdup(name);
    if (copy == NULL) {
        return error_no_memory(err, "a state's name");
    }
    CAIRN_TRY(heap_block_new(db, table_bytes(db), false, &block, err));
    table = block;
    memset(table, 0, table_bytes(db));
    table->db = db;
    table->grouped = grouped;
    table->name = CAIRN_TAKE(copy);
    db->tables[db->table_count++] = table;
    *out = table;
    return CAIRN_OK;
}

void heap_table_set_filter(heap_table *table, const entry_filter *filter)
{
    const bool shows_more = filter->judge == NULL || filter->ttl_ms > table->filter.ttl_ms;

    if (table->judged_ms > 0 && shows_more) {
        heap_table_touch(table);
    }
    table->filter = *filter;
}

static void free_entries(heap_db *db, const heap_segment *segment)
{
    for (uint32_t i = 0; i < segment->count; i++) {
        if (segment->slots[i] != 0) {
            heap_entry_free(db, heap_slot_entry(segment->slots[i]));
        }
    }
}

static void free_directory(heap_db *db, heap_directory *directory)
{
    for (uint64_t i = 0; i < UINT64_C(1) << directory->depth; i++) {
        heap_segment *segment = directory->segments[i];
        /* Its last index: it is not looked at afterwards. */
        if (i >> segment->depth == ((UINT64_C(1) << directory->depth) - 1) >> segment->depth) {
            free_entries(db, segment);
            heap_segment_free(db, segment);
        }
    }
    heap_directory_free(db, directory);
}

static void free_table(heap_db *db, heap_table *table)
{
    for (size_t i = 0; i < heap_group_count(db); i++) {
        if (table->groups[i] != NULL) {
            free_directory(db, table->groups[i]);
        }
    }
    mem_free(table->name);
    heap_block_free(db, table, table_bytes(db));
}

/* --- life cycle ------------------------------------------------------------------------------- */

static cairn_code check_options(const heap_options *options, cairn_error *err)
{
    if (options->range.first > options->range.last ||
        options->range.last >= CAIRN_PARALLELISM_MAX) {
        return error_set(err, CAIRN_E_INVALID, "state on the heap of key groups %u to %u",
                         options->range.first, options->range.last);
    }
    if (options->key_group_bytes > sizeof(uint32_t)) {
        return error_set(err, CAIRN_E_INVALID, "state on the heap with key groups of %u bytes",
                         options->key_group_bytes);
    }
    return CAIRN_OK;
}

cairn_code heap_open(const heap_options *options, heap_db **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(heap_close) heap_db *db = NULL;

    CAIRN_TRY(check_options(options, err));
    db = mem_calloc(1, sizeof(*db));
    if (db == NULL) {
        return error_no_memory(err, "state on the heap");
    }
    db->range = options->range;
    db->key_group_bytes = options->key_group_bytes;
    db->memory_bytes_max = options->memory_bytes;
    db->seed = (heap_seed){random_u64(), random_u64()};
    db->generation = 1;
    db->changes = mem_calloc(heap_group_count(db), sizeof(*db->changes));
    if (db->changes == NULL) {
        return error_no_memory(err, "state on the heap");
    }
    *out = CAIRN_TAKE(db);
    return CAIRN_OK;
}

void heap_close(heap_db *db)
{
    if (db == NULL) {
        return;
    }
    heap_bury(db);
    CAIRN_ASSERT(db->newest == 0); /* a snapshot still looks at what would go */
    while (db->dead != NULL) {
        heap_reclaim(db);
    }
    for (size_t i = 0; i < db->table_count; i++) {
        free_table(db, db->tables[i]);
    }
    CAIRN_ASSERT(heap_memory_bytes(db) == 0);
    mem_free(db->changes);
    mem_free(db);
}

/* --- numbers ---------------------------------------------------------------------------------- */

void heap_set_changes(heap_db *db, uint32_t key_group, uint64_t changes)
{
    CAIRN_ASSERT(key_group >= db->range.first && key_group <= db->range.last);
    db->changes[key_group - db->range.first] = changes;
}

uint64_t heap_state_bytes(const heap_db *db)
{
    return atomic_load_explicit(&db->state_bytes, memory_order_relaxed);
}

uint64_t heap_memory_bytes(const heap_db *db)
{
    return atomic_load_explicit(&db->memory_bytes, memory_order_relaxed);
}

uint64_t heap_entries(const heap_db *db)
{
    return atomic_load_explicit(&db->entries, memory_order_relaxed);
}
