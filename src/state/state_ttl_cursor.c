/* Walks and scans of a table with a time to live: entries as a user sees them. */
#include "bounds.h"
#include "errors.h"
#include "state_ttl_impl.h"

typedef struct ttl_cursor {
    state_cursor base;
    ttl_table *table;
    state_cursor *stored;
    uint64_t now_ms;
    bool removes; /* a walk: what has expired goes, so that the next walk is shorter */
    uint32_t key_group;
    size_t prefix_bytes;
    cairn_buf elements; /* of the list at hand */
    cairn_code code;    /* why it ended, and the message */
    cairn_error err;
} ttl_cursor;

/* What can't be removed now waits for who comes upon it next. */
static void clean_entry(const ttl_cursor *cursor, cairn_slice key)
{
    const state_place place = {key, cursor->key_group, cursor->prefix_bytes};
    state_table *const stored = cursor->table->stored;

    if (cursor->removes) {
        (void)stored->ops->remove(stored, &place, NULL);
    }
}

/* Takes the stamps off *value; *out_shown false: the entry has expired. */
static cairn_code show(ttl_cursor *cursor, cairn_slice *value, bool *out_shown, cairn_error *err)
{
    const ttl_table *const table = cursor->table;
    uint64_t ms = 0;

    if (table->is_list) {
        CAIRN_TRY(ttl_show_elements(table, cursor->now_ms, *value, &cursor->elements, err));
        *value = cairn_buf_slice(&cursor->elements);
        *out_shown = value->len > 0;
        return CAIRN_OK;
    }
    CAIRN_TRY(ttl_split(*value, &ms, value, err));
    *out_shown = ttl_shows_expired(table) ||
                 !stamp_is_expired(ms, table->ttl.ttl_ms, cursor->now_ms);
    return CAIRN_OK;
}

static bool cursor_next(state_cursor *base, cairn_slice *key, cairn_slice *value)
{
    ttl_cursor *const cursor = (ttl_cursor *)base;
    bool shown = false;

    while (!shown && cursor->code == CAIRN_OK &&
           cursor->stored->ops->next(cursor->stored, key, value)) {
        cursor->code = show(cursor, value, &shown, &cursor->err);
        if (cursor->code == CAIRN_OK && !shown) {
            clean_entry(cursor, *key);
        }
    }
    return shown && cursor->code == CAIRN_OK;
}

static cairn_code cursor_status(const state_cursor *base, cairn_error *err)
{
    const ttl_cursor *const cursor = (const ttl_cursor *)base;

    if (cursor->code != CAIRN_OK) {
        return error_set(err, cursor->code, "%s", cursor->err.message);
    }
    return cursor->stored->ops->status(cursor->stored, err);
}

static void cursor_free(state_cursor *base)
{
    ttl_cursor *const cursor = (ttl_cursor *)base;

    state_cursor_free(cursor->stored);
    cairn_buf_release(&cursor->elements);
    mem_free(cursor);
}

static const state_cursor_ops cursor_ops = {cursor_next, cursor_status, cursor_free};

static ttl_cursor *cursor_new(ttl_table *table)
{
    ttl_cursor *const cursor = mem_calloc(1, sizeof(*cursor));

    if (cursor != NULL) {
        cursor->base.ops = &cursor_ops;
        cursor->table = table;
        cursor->now_ms = entry_clock_now(&table->clock);
        cairn_buf_init(&cursor->elements, CAIRN_LIST_BYTES_MAX);
    }
    return cursor;
}

cairn_code ttl_walk(state_table *base, const state_place *prefix, state_cursor **out,
                    cairn_error *err)
{
    ttl_table *const self = (ttl_table *)base;
    CAIRN_AUTO_FREE ttl_cursor *cursor = cursor_new(self);

    if (cursor == NULL) {
        return error_no_memory(err, "cursor");
    }
    cursor->removes = true;
    cursor->key_group = prefix->key_group;
    cursor->prefix_bytes = prefix->prefix_bytes;
    if (!ttl_shows_expired(self)) {
        ttl_clean(self, cursor->now_ms);
    }
    CAIRN_TRY(self->stored->ops->walk(self->stored, prefix, &cursor->stored, err));
    *out = &CAIRN_TAKE(cursor)->base;
    return CAIRN_OK;
}

cairn_code ttl_scan(state_table *base, state_cursor **out, cairn_error *err)
{
    ttl_table *const self = (ttl_table *)base;
    CAIRN_AUTO_FREE ttl_cursor *cursor = cursor_new(self);

    if (cursor == NULL) {
        return error_no_memory(err, "cursor");
    }
    CAIRN_TRY(self->stored->ops->scan(self->stored, &cursor->stored, err));
    *out = &CAIRN_TAKE(cursor)->base;
    return CAIRN_OK;
}
