#include "heap_file.h"

#include "errors.h"
#include "heap_file_format.h"
#include "heap_impl.h"

typedef struct writer {
    const heap_sink *sink;
    cairn_error *err;
    uint8_t *buffer;
    size_t used;
    uint64_t entries;
    entry_filter_run filter; /* of the table at hand */
} writer;

static void writer_release(writer *w)
{
    mem_free(w->buffer);
    entry_filter_run_release(&w->filter);
}
CAIRN_DEFINE_AUTO(writer, writer_release)

/* --- bytes ------------------------------------------------------------------------------------ */

static cairn_code flush(writer *w)
{
    cairn_slice bytes = {w->buffer, w->used};

    w->used = 0;
    return bytes.len == 0 ? CAIRN_OK : w->sink->write(w->sink->context, bytes, w->err);
}

static cairn_code put(writer *w, const void *data, size_t len)
{
    const uint8_t *from = data;

    while (len > 0) {
        size_t room = CAIRN_HEAP_BUFFER_BYTES - w->used;
        size_t part = len < room ? len : room;

        memcpy(w->buffer + w->used, from, part);
        w->used += part;
        from += part;
        len -= part;
        if (w->used == CAIRN_HEAP_BUFFER_BYTES) {
            CAIRN_TRY(flush(w));
        }
    }
    return CAIRN_OK;
}

static cairn_code put_number(writer *w, uint64_t number)
{
    uint8_t bytes[HEAP_VARINT_BYTES_MAX];
    size_t len = 0;

    for (; number >= 0x80; number >>= 7) {
        bytes[len++] = (uint8_t)(number | 0x80);
    }
    bytes[len++] = (uint8_t)number;
    return put(w, bytes, len);
}

/* --- entries and tables ----------------------------------------------------------------------- */

static bool begins_with_group(cairn_slice key, uint32_t key_group, uint32_t group_bytes)
{
    const uint8_t *bytes = key.data;
    uint64_t group = 0;

    if (key.len < group_bytes) {
        return false;
    }
    for (uint32_t i = 0; i < group_bytes; i++) {
        group = group << 8 | bytes[i];
    }
    return group_bytes == 0 || group == key_group;
}

static cairn_code put_entry(writer *w, const heap_entry *entry, const heap_cursor *cursor)
{
    uint32_t skipped = cursor->snapshot->db->key_group_bytes;
    cairn_slice key = heap_key_of(entry);
    cairn_slice value = heap_value_of(entry);

    if (!begins_with_group(key, cursor->key_group, skipped)) {
        return error_set(w->err, CAIRN_E_INTERNAL, "a key of key group %u does not begin with it",
                         cursor->key_group);
    }
    if (entry_filter_apply(&w->filter, &value) == CAIRN_ENTRY_DROP) {
        return CAIRN_OK;
    }
    CAIRN_TRY(put_number(w, key.len - skipped + 1));
    if ((entry->key_word & HEAP_KEY_LINKED) != 0) {
        CAIRN_TRY(put_number(w, heap_prefix_of(entry)));
    }
    CAIRN_TRY(put_number(w, value.len));
    CAIRN_TRY(put(w, (const uint8_t *)key.data + skipped, key.len - skipped));
    w->entries++;
    return put(w, value.data, value.len);
}

static cairn_code put_table_name(writer *w, const heap_snapshot *snapshot, size_t table)
{
    bool grouped = false;
    const char *name = heap_snapshot_table(snapshot, table, &grouped);

    CAIRN_TRY(put_number(w, grouped ? HEAP_FILE_GROUPED : HEAP_FILE_PLAIN));
    CAIRN_TRY(put_number(w, strlen(name)));
    return put(w, name, strlen(name));
}

/* Nothing, if it has no entries in the key group. */
static cairn_code put_table(writer *w, heap_cursor *cursor)
{
    const heap_entry *entry = heap_cursor_entry(cursor);

    if (entry == NULL) {
        return CAIRN_OK;
    }
    CAIRN_TRY(put_table_name(w, cursor->snapshot, cursor->table));
    w->filter.filter = cursor->snapshot->tables[cursor->table].filter;
    w->filter.now_ms = cursor->snapshot->tables[cursor->table].now_ms;
    w->filter.fixed = true;
    for (; entry != NULL; entry = heap_cursor_entry(cursor)) {
        CAIRN_TRY(put_entry(w, entry, cursor));
    }
    return put_number(w, 0);
}

static cairn_code put_all(writer *w, const heap_snapshot *snapshot, uint32_t key_group)
{
    CAIRN_TRY(put(w, HEAP_FILE_MAGIC, HEAP_FILE_MAGIC_BYTES));
    CAIRN_TRY(put_number(w, HEAP_FILE_VERSION));
    CAIRN_TRY(put_number(w, key_group));
    CAIRN_TRY(put_number(w, snapshot->db->key_group_bytes));
    for (size_t i = 0; i < snapshot->table_count; i++) {
        heap_cursor cursor;

        heap_cursor_begin(snapshot, i, key_group, &cursor);
        CAIRN_TRY(put_table(w, &cursor));
    }
    CAIRN_TRY(put_number(w, HEAP_FILE_END));
    CAIRN_TRY(put_number(w, w->entries));
    return flush(w);
}

cairn_code heap_file_write(const heap_snapshot *snapshot, uint32_t key_group, const heap_sink *sink,
                           cairn_error *err)
{
    CAIRN_AUTO(writer)
    w = {.sink = sink, .err = err, .buffer = mem_alloc(CAIRN_HEAP_BUFFER_BYTES)};

    cairn_buf_init(&w.filter.bytes, CAIRN_VALUE_BYTES_MAX);
    if (w.buffer == NULL) {
        return error_no_memory(err, "a file of state");
    }
    return put_all(&w, snapshot, key_group);
}
