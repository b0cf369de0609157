#include "heap_impl.h"

static bool is_head(const heap_entry *entry)
{
    return (entry->key_word & HEAP_KEY_HEAD) != 0;
}

/* A head's hash is the complement of its prefix's, so that a key equal to the prefix has another.
 */
static void head_place(const heap_place *place, cairn_slice prefix, heap_place *out)
{
    *out = *place;
    out->key = prefix.len == 0 ? "" : prefix.data;
    out->key_word = (uint32_t)prefix.len | HEAP_KEY_LINKED | HEAP_KEY_HEAD;
    out->hash = ~heap_hash(&place->table->db->seed, prefix);
}

void heap_chain_place(const heap_place *place, const heap_entry *entry, heap_place *out)
{
    head_place(place, (cairn_slice){entry->bytes, heap_prefix_of(entry)}, out);
}

/* --- links ------------------------------------------------------------------------------------ */

static void link_before(heap_entry *head, heap_entry *entry)
{
    heap_entry *last = heap_links_of(head)->previous;

    *heap_links_of(entry) = (heap_links){.previous = last, .next = head};
    heap_links_of(last)->next = entry;
    heap_links_of(head)->previous = entry;
}

void heap_chain_replace(heap_table *table, heap_entry *old, heap_entry *entry)
{
    heap_links links = *heap_links_of(old);

    *heap_links_of(entry) = links;
    heap_links_of(links.previous)->next = entry;
    heap_links_of(links.next)->previous = entry;
    table->walk_next = table->walk_next == old ? entry : table->walk_next;
    table->walk_last = table->walk_last == old ? entry : table->walk_last;
}

void heap_chain_unlink(heap_table *table, heap_entry *entry)
{
    heap_links links = *heap_links_of(entry);

    heap_links_of(links.previous)->next = links.next;
    heap_links_of(links.next)->previous = links.previous;
    if (table->walk_next == entry) {
        table->walk_next = table->walk_last == entry ? NULL : links.next;
    } else if (table->walk_last == entry) {
        table->walk_last = links.previous; /* not before walk_next, which is another */
    }
}

heap_entry *heap_chain_lone_head(heap_entry *entry)
{
    const heap_links *links = heap_links_of(entry);

    return links->previous == links->next ? links->next : NULL;
}

/* --- adding ----------------------------------------------------------------------------------- */

static cairn_code add_head(const heap_place *place, heap_entry **out, cairn_error *err)
{
    heap_entry *head = NULL;
    cairn_code code;

    CAIRN_TRY(heap_entry_new(place, place->key_word & HEAP_KEY_MASK, 0, &head, err));
    *heap_links_of(head) = (heap_links){.previous = head, .next = head};
    code = heap_slot_add(place, head, err);
    if (code != CAIRN_OK) {
        heap_entry_free(place->table->db, head);
        return code;
    }
    *out = head;
    return CAIRN_OK;
}

cairn_code heap_chain_add(const heap_place *place, size_t prefix_bytes, heap_entry *entry,
                          cairn_error *err)
{
    heap_place at;
    heap_entry *head;
    cairn_code code;

    head_place(place, (cairn_slice){entry->bytes, prefix_bytes}, &at);
    head = heap_find(&at);
    if (head == NULL) {
        CAIRN_TRY(add_head(&at, &head, err));
    }
    code = heap_slot_add(place, entry, err);
    if (code == CAIRN_OK) {
        link_before(head, entry);
    } else if (heap_links_of(head)->next == head) {
        heap_slot_erase(&at, head); /* it was added just now: no snapshot has it */
        heap_entry_free(place->table->db, head);
    }
    return code;
}

/* --- walks ------------------------------------------------------------------------------------ */

void heap_walk_begin(heap_table *table, const heap_key *prefix, heap_walk *walk)
{
    heap_place place = {.table = table, .group = prefix->key_group - table->db->range.first};
    heap_place at;
    heap_entry *head;

    CAIRN_ASSERT(table->grouped && prefix->prefix_bytes <= prefix->bytes.len);
    CAIRN_ASSERT(place.group <= table->db->range.last - table->db->range.first);
    head_place(&place, (cairn_slice){prefix->bytes.data, prefix->prefix_bytes}, &at);
    head = heap_find(&at);
    table->walk_next = head == NULL ? NULL : heap_links_of(head)->next;
    table->walk_last = head == NULL ? NULL : heap_links_of(head)->previous;
    *walk = (heap_walk){table, ++table->walk_number};
}

bool heap_walk_next(heap_walk *walk, cairn_slice *key, cairn_slice *value)
{
    heap_table *table = walk->table;
    heap_entry *entry = table->walk_next;

    if (walk->number != table->walk_number || entry == NULL) {
        return false;
    }
    CAIRN_ASSERT(!is_head(entry));
    table->walk_next = entry == table->walk_last ? NULL : heap_links_of(entry)->next;
    *key = heap_key_of(entry);
    *value = heap_value_of(entry);
    return true;
}
