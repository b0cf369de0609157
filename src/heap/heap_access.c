#include "errors.h"
#include "heap_impl.h"

/* --- places ----------------------------------------------------------------------------------- */

static void place_of(heap_table *table, const heap_key *key, heap_place *out)
{
    const heap_db *db = table->db;

    CAIRN_ASSERT(key->key_group >= db->range.first && key->key_group <= db->range.last);
    CAIRN_ASSERT(!table->grouped || key->prefix_bytes <= key->bytes.len);
    *out = (heap_place){
        .table = table,
        .key = key->bytes.len == 0 ? "" : key->bytes.data,
        .hash = heap_hash(&db->seed, key->bytes),
        .key_word = (uint32_t)key->bytes.len | (table->grouped ? HEAP_KEY_LINKED : 0),
        .group = key->key_group - db->range.first,
    };
}

static cairn_code check_sizes(size_t key_bytes, size_t value_bytes, cairn_error *err)
{
    if (key_bytes > CAIRN_HEAP_KEY_BYTES_MAX) {
        return error_set(err, CAIRN_E_LIMIT, "state on the heap: a key of %zu bytes; %zu may be",
                         key_bytes, CAIRN_HEAP_KEY_BYTES_MAX);
    }
    if (value_bytes > CAIRN_VALUE_BYTES_MAX) {
        return error_set(err, CAIRN_E_LIMIT, "state on the heap: a value of %zu bytes; %zu may be",
                         value_bytes, CAIRN_VALUE_BYTES_MAX);
    }
    return CAIRN_OK;
}

/* --- counting --------------------------------------------------------------------------------- */

static void count_change(const heap_place *place, size_t bytes_before, size_t bytes_now)
{
    heap_db *db = place->table->db;

    heap_count(&db->state_bytes, (uint64_t)bytes_now - bytes_before);
    db->changes[place->group]++;
}

static size_t payload_of(const heap_entry *entry)
{
    return (size_t)heap_key_bytes(entry) + entry->value_bytes;
}

/* --- writing an entry ------------------------------------------------------------------------- */

/* The value of an entry-to-be: `kept` bytes of what stands there, and then `bytes`. */
typedef struct heap_change {
    heap_entry *old; /* NULL: none */
    size_t kept;
    cairn_slice bytes;
    size_t room; /* for the value and what may be added to it */
    size_t prefix_bytes;
} heap_change;

/* `bytes` may lie in the entry itself. */
static void fill(heap_entry *entry, const heap_change *change)
{
    uint8_t *value = entry->bytes + heap_value_offset(entry->key_word);

    if (change->kept > 0 && entry != change->old) {
        memcpy(value, heap_value_of(change->old).data, change->kept);
    }
    if (change->bytes.len > 0) {
        memmove(value + change->kept, change->bytes.data, change->bytes.len);
    }
    entry->value_bytes = (uint32_t)(change->kept + change->bytes.len);
}

/* May the slot be used that the search ended at? */
static bool takes_here(const heap_place *place)
{
    const heap_segment *segment = place->segment;

    return segment != NULL && !heap_is_frozen(place->table->db, segment->generation) &&
           !heap_segment_is_full(segment);
}

static cairn_code add_slot(const heap_place *place, heap_entry *entry, cairn_error *err)
{
    if (!takes_here(place)) {
        return heap_slot_add(place, entry, err);
    }
    place->segment->slots[place->free_slot] = heap_slot_of(place->hash, entry);
    place->segment->used++;
    return CAIRN_OK;
}

static cairn_code add(const heap_place *place, heap_entry *entry, const heap_change *change,
                      cairn_error *err)
{
    CAIRN_TRY(place->table->grouped ? heap_chain_add(place, change->prefix_bytes, entry, err)
                                    : add_slot(place, entry, err));
    heap_count(&place->table->db->entries, 1);
    count_change(place, 0, payload_of(entry));
    return CAIRN_OK;
}

static cairn_code replace(const heap_place *place, heap_entry *entry, const heap_change *change,
                          cairn_error *err)
{
    CAIRN_TRY(heap_own(place, err));
    heap_slot_replace(place, change->old, entry);
    if (place->table->grouped) {
        heap_chain_replace(place->table, change->old, entry);
    }
    count_change(place, payload_of(change->old), payload_of(entry));
    heap_dispose(place->table->db, change->old, CAIRN_HEAP_ENTRY);
    return CAIRN_OK;
}

static cairn_code write_new(const heap_place *place, const heap_change *change, cairn_error *err)
{
    heap_entry *entry = NULL;
    cairn_code code;

    CAIRN_TRY(heap_entry_new(place, change->prefix_bytes, change->room, &entry, err));
    fill(entry, change);
    code = change->old == NULL ? add(place, entry, change, err)
                               : replace(place, entry, change, err);
    if (code != CAIRN_OK) {
        heap_entry_free(place->table->db, entry);
    }
    return code;
}

static void write_in_place(const heap_place *place, const heap_change *change)
{
    size_t before = payload_of(change->old);

    fill(change->old, change);
    count_change(place, before, payload_of(change->old));
}

/* What is much smaller than its room moves to less. */
static bool fits_in_place(const heap_place *place, const heap_change *change)
{
    const heap_entry *old = change->old;
    size_t bytes = change->kept + change->bytes.len;

    return old != NULL && !heap_is_frozen(place->table->db, old->generation) &&
           bytes <= old->capacity && old->capacity / 2 <= bytes + CAIRN_HEAP_SPARE_BYTES;
}

static cairn_code write(const heap_place *place, const heap_change *change, cairn_error *err)
{
    if (fits_in_place(place, change)) {
        write_in_place(place, change);
        return CAIRN_OK;
    }
    return write_new(place, change, err);
}

/* Without a snapshot, one that lives or one that went, there is nothing to do. */
static cairn_code prepare(heap_db *db, size_t bytes, cairn_error *err)
{
    bool calm = db->newest == 0 && db->dead == NULL;

    return calm ? CAIRN_OK : heap_prepare(db, bytes, err);
}

/* The most frequent write, without the rest: a value of the same length where no snapshot looks. */
static bool overwrite(const heap_place *place, heap_entry *old, cairn_slice value)
{
    heap_db *db = place->table->db;

    if (old == NULL || old->value_bytes != value.len || heap_is_frozen(db, old->generation) ||
        value.len == 0) {
        return false;
    }
    memmove(old->bytes + heap_value_offset(old->key_word), value.data, value.len);
    db->changes[place->group]++;
    return true;
}

/* --- the calls -------------------------------------------------------------------------------- */

bool heap_get(heap_table *table, const heap_key *key, cairn_slice *out)
{
    const heap_entry *entry;
    heap_place place;

    if (key->bytes.len > CAIRN_HEAP_KEY_BYTES_MAX) {
        return false;
    }
    place_of(table, key, &place);
    entry = heap_find(&place);
    if (entry == NULL) {
        return false;
    }
    *out = heap_value_of(entry);
    return true;
}

cairn_code heap_put(heap_table *table, const heap_key *key, cairn_slice value, cairn_error *err)
{
    heap_place place;
    heap_entry *old;

    CAIRN_TRY(check_sizes(key->bytes.len, value.len, err));
    place_of(table, key, &place);
    old = heap_find(&place);
    place.shrinks = old != NULL && value.len < old->value_bytes;
    CAIRN_TRY(prepare(table->db, place.shrinks ? 0 : key->bytes.len + value.len + 1, err));
    if (overwrite(&place, old, value)) {
        return CAIRN_OK;
    }
    return write(
        &place,
        &(heap_change){
            .old = old, .bytes = value, .room = value.len, .prefix_bytes = key->prefix_bytes},
        err);
}

/* Half as much again, for the adds to come. */
static size_t append_room(const heap_change *change)
{
    size_t bytes = change->kept + change->bytes.len;

    return change->kept == 0 || bytes <= change->old->capacity ? bytes : bytes + bytes / 2;
}

cairn_code heap_append(heap_table *table, const heap_key *key, cairn_slice bytes, cairn_error *err)
{
    heap_change change = {.bytes = bytes, .prefix_bytes = key->prefix_bytes};
    heap_place place;

    CAIRN_TRY(check_sizes(key->bytes.len, bytes.len, err));
    place_of(table, key, &place);
    change.old = heap_find(&place);
    change.kept = change.old == NULL ? 0 : change.old->value_bytes;
    CAIRN_TRY(check_sizes(key->bytes.len, change.kept + bytes.len, err));
    CAIRN_TRY(prepare(table->db, key->bytes.len + change.kept + bytes.len + 1, err));
    change.room = append_room(&change);
    return write(&place, &change, err);
}

/* Both segments may be written afterwards: of the entry, and of the head that would be left alone.
 */
static cairn_code own_for_removal(const heap_place *place, const heap_entry *head,
                                  heap_place *head_at, cairn_error *err)
{
    CAIRN_TRY(heap_own(place, err));
    if (head == NULL) {
        return CAIRN_OK;
    }
    heap_chain_place(place, head, head_at);
    return heap_own(head_at, err);
}

/* The key may lie in the entry, which goes last. */
cairn_code heap_remove(heap_table *table, const heap_key *key, cairn_error *err)
{
    heap_place place;
    heap_place head_at = {0};
    heap_entry *head = NULL;
    heap_entry *entry;

    CAIRN_TRY(check_sizes(key->bytes.len, 0, err));
    CAIRN_TRY(prepare(table->db, 0, err));
    place_of(table, key, &place);
    place.shrinks = true;
    entry = heap_find(&place);
    if (entry == NULL) {
        return CAIRN_OK;
    }
    head = table->grouped ? heap_chain_lone_head(entry) : NULL;
    CAIRN_TRY(own_for_removal(&place, head, &head_at, err));
    heap_slot_erase(&place, entry);
    if (table->grouped) {
        heap_chain_unlink(table, entry);
    }
    if (head != NULL) {
        heap_slot_erase(&head_at, head);
        heap_dispose(table->db, head, CAIRN_HEAP_ENTRY);
    }
    heap_count(&table->db->entries, UINT64_MAX);
    count_change(&place, payload_of(entry), 0);
    heap_dispose(table->db, entry, CAIRN_HEAP_ENTRY);
    return CAIRN_OK;
}
