#include "buf.h"
#include "errors.h"
#include "heap_file.h"
#include "heap_file_format.h"
#include "heap_impl.h"

/* What is made of a file. */
typedef struct consumer {
    void *context;
    cairn_code (*head)(void *context, uint32_t key_group, uint32_t key_group_bytes,
                       cairn_error *err);
    cairn_code (*table)(void *context, const char *name, bool grouped, cairn_error *err);
    cairn_code (*entry)(void *context, const heap_key *key, cairn_slice value, cairn_error *err);
} consumer;

typedef struct reader {
    const heap_feed *feed;
    const consumer *to;
    cairn_error *err;
    uint8_t *buffer;
    size_t at;
    size_t end;
    cairn_buf large; /* what the buffer can't hold */
    cairn_buf key;   /* with its key group in front */
    uint32_t key_group;
    uint32_t key_group_bytes;
    uint64_t entries;
} reader;

static cairn_code damaged(const reader *r, const char *what)
{
    return error_set(r->err, CAIRN_E_INTEGRITY, "file of the hash-map engine: %s", what);
}

/* --- bytes ------------------------------------------------------------------------------------ */

/* Makes `size` bytes stand at r->at, or as many as there are. */
static cairn_code fill(reader *r, size_t size)
{
    size_t got = 0;

    if (r->end - r->at >= size) {
        return CAIRN_OK;
    }
    memmove(r->buffer, r->buffer + r->at, r->end - r->at);
    r->end -= r->at;
    r->at = 0;
    CAIRN_TRY(r->feed->read(r->feed->context, r->buffer + r->end, CAIRN_HEAP_BUFFER_BYTES - r->end,
                            &got, r->err));
    CAIRN_ASSERT(got <= CAIRN_HEAP_BUFFER_BYTES - r->end);
    r->end += got;
    return CAIRN_OK;
}

/* Memory grows with what is really there, not with what a length promises. */
static cairn_code take_large(reader *r, size_t size, cairn_slice *out)
{
    buf_clear(&r->large);
    while (r->large.len < size) {
        size_t part = size - r->large.len;

        part = part < CAIRN_HEAP_BUFFER_BYTES ? part : CAIRN_HEAP_BUFFER_BYTES;
        CAIRN_TRY(fill(r, part));
        if (r->end - r->at < part) {
            return damaged(r, "it ends too early");
        }
        CAIRN_TRY(buf_append(&r->large, r->buffer + r->at, part, r->err));
        r->at += part;
    }
    *out = cairn_buf_slice(&r->large);
    return CAIRN_OK;
}

/* Valid until the next bytes are read. */
static cairn_code take(reader *r, size_t size, cairn_slice *out)
{
    if (size > CAIRN_HEAP_BUFFER_BYTES) {
        return take_large(r, size, out);
    }
    CAIRN_TRY(fill(r, size));
    if (r->end - r->at < size) {
        return damaged(r, "it ends too early");
    }
    *out = (cairn_slice){r->buffer + r->at, size};
    r->at += size;
    return CAIRN_OK;
}

/* LEB128 in its shortest form, at most `max`. */
static cairn_code take_number(reader *r, uint64_t max, uint64_t *out)
{
    uint64_t number = 0;
    uint8_t byte = 0x80;

    for (unsigned shift = 0; (byte & 0x80) != 0; shift += 7) {
        cairn_slice bytes = {0};

        CAIRN_TRY(take(r, 1, &bytes));
        CAIRN_ASSERT(bytes.data != NULL);
        byte = *(const uint8_t *)bytes.data;
        if (shift > 63 || (shift == 63 && byte > 1) || (shift > 0 && byte == 0)) {
            return damaged(r, "a number is not in its shortest form");
        }
        number |= (uint64_t)(byte & 0x7f) << shift;
    }
    if (number > max) {
        return damaged(r, "a number is beyond its bound");
    }
    *out = number;
    return CAIRN_OK;
}

/* --- parts of a file -------------------------------------------------------------------------- */

static cairn_code read_head(reader *r)
{
    cairn_slice magic = {0};
    uint64_t number = 0;

    CAIRN_TRY(take(r, HEAP_FILE_MAGIC_BYTES, &magic));
    if (memcmp(magic.data, HEAP_FILE_MAGIC, HEAP_FILE_MAGIC_BYTES) != 0) {
        return damaged(r, "it begins otherwise");
    }
    CAIRN_TRY(take_number(r, UINT64_MAX, &number));
    if (number != HEAP_FILE_VERSION) {
        return error_set(r->err, number == 0 ? CAIRN_E_INTEGRITY : CAIRN_E_INCOMPATIBLE,
                         "file of the hash-map engine: version %llu; this cairn reads version %d",
                         (unsigned long long)number, HEAP_FILE_VERSION);
    }
    CAIRN_TRY(take_number(r, CAIRN_PARALLELISM_MAX - 1, &number));
    r->key_group = (uint32_t)number;
    CAIRN_TRY(take_number(r, sizeof(uint32_t), &number));
    r->key_group_bytes = (uint32_t)number;
    for (uint32_t shift = 8 * r->key_group_bytes; shift > 0; shift -= 8) {
        CAIRN_TRY(buf_append_byte(&r->key, (uint8_t)(r->key_group >> (shift - 8)), r->err));
    }
    return r->to->head(r->to->context, r->key_group, r->key_group_bytes, r->err);
}

/* Into r->key and *value. */
static cairn_code take_entry(reader *r, size_t key_bytes, size_t value_bytes, cairn_slice *value)
{
    cairn_slice both = {0};

    CAIRN_TRY(take(r, key_bytes + value_bytes, &both));
    r->key.len = r->key_group_bytes;
    CAIRN_TRY(buf_append(&r->key, both.data, key_bytes, r->err));
    *value = (cairn_slice){(const uint8_t *)both.data + key_bytes, value_bytes};
    return CAIRN_OK;
}

static cairn_code read_entry(reader *r, bool grouped, size_t key_bytes)
{
    size_t whole = r->key_group_bytes + key_bytes;
    uint64_t prefix_bytes = 0;
    uint64_t value_bytes = 0;
    cairn_slice value = {0};
    heap_key key;

    if (grouped) {
        CAIRN_TRY(take_number(r, whole, &prefix_bytes));
    }
    CAIRN_TRY(take_number(r, CAIRN_VALUE_BYTES_MAX, &value_bytes));
    CAIRN_TRY(take_entry(r, key_bytes, (size_t)value_bytes, &value));
    key = (heap_key){cairn_buf_slice(&r->key), r->key_group, (size_t)prefix_bytes};
    r->entries++;
    return r->to->entry(r->to->context, &key, value, r->err);
}

static cairn_code read_name(reader *r, char name[CAIRN_NAME_BYTES_MAX + 1])
{
    cairn_slice bytes = {0};
    uint64_t len = 0;

    CAIRN_TRY(take_number(r, CAIRN_NAME_BYTES_MAX, &len));
    CAIRN_TRY(take(r, (size_t)len, &bytes));
    CAIRN_ASSERT(bytes.data != NULL);
    if (len == 0 || memchr(bytes.data, '\0', (size_t)len) != NULL) {
        return damaged(r, "a table has no name or one with a NUL");
    }
    memcpy(name, bytes.data, (size_t)len);
    name[len] = '\0';
    return CAIRN_OK;
}

static cairn_code read_table(reader *r, bool grouped)
{
    char name[CAIRN_NAME_BYTES_MAX + 1];
    uint64_t key_bytes = 0;

    CAIRN_TRY(read_name(r, name));
    CAIRN_TRY(r->to->table(r->to->context, name, grouped, r->err));
    for (;;) {
        CAIRN_TRY(take_number(r, CAIRN_HEAP_KEY_BYTES_MAX - r->key_group_bytes + 1, &key_bytes));
        if (key_bytes == 0) {
            return CAIRN_OK;
        }
        CAIRN_TRY(read_entry(r, grouped, (size_t)key_bytes - 1));
    }
}

static cairn_code read_end(reader *r)
{
    uint64_t entries = 0;

    CAIRN_TRY(take_number(r, UINT64_MAX, &entries));
    CAIRN_TRY(fill(r, 1));
    if (entries != r->entries) {
        return damaged(r, "it has another number of entries than it says");
    }
    return r->at == r->end ? CAIRN_OK : damaged(r, "something stands behind its end");
}

static cairn_code read_all(reader *r)
{
    uint64_t mark = 0;

    CAIRN_TRY(read_head(r));
    for (;;) {
        CAIRN_TRY(take_number(r, HEAP_FILE_GROUPED, &mark));
        if (mark == HEAP_FILE_END) {
            return read_end(r);
        }
        CAIRN_TRY(read_table(r, mark == HEAP_FILE_GROUPED));
    }
}

static void reader_release(reader *r)
{
    mem_free(r->buffer);
    cairn_buf_release(&r->large);
    cairn_buf_release(&r->key);
}
CAIRN_DEFINE_AUTO(reader, reader_release)

/* *out_entries: how many were given to `to`. */
static cairn_code read_file(const heap_feed *feed, const consumer *to, uint64_t *out_entries,
                            cairn_error *err)
{
    CAIRN_AUTO(reader)
    r = {
        .feed = feed,
        .to = to,
        .err = err,
        .buffer = mem_alloc(CAIRN_HEAP_BUFFER_BYTES),
        .large = {.limit = CAIRN_HEAP_KEY_BYTES_MAX + CAIRN_VALUE_BYTES_MAX},
        .key = {.limit = CAIRN_HEAP_KEY_BYTES_MAX},
    };

    if (r.buffer == NULL) {
        return error_no_memory(err, "a file of state");
    }
    CAIRN_TRY(read_all(&r));
    *out_entries = r.entries;
    return CAIRN_OK;
}

/* --- into a database -------------------------------------------------------------------------- */

typedef struct restore {
    heap_db *db;
    uint32_t key_group;
    heap_table *table;
} restore;

static cairn_code restore_head(void *context, uint32_t key_group, uint32_t key_group_bytes,
                               cairn_error *err)
{
    const restore *to = context;

    if (key_group != to->key_group) {
        return error_set(err, CAIRN_E_INTEGRITY,
                         "file of the hash-map engine: of key group %u, not %u", key_group,
                         to->key_group);
    }
    if (key_group_bytes != to->db->key_group_bytes) {
        return error_set(err, CAIRN_E_INTEGRITY,
                         "file of the hash-map engine: its key groups have %u bytes, not %u",
                         key_group_bytes, to->db->key_group_bytes);
    }
    return CAIRN_OK;
}

static cairn_code restore_table(void *context, const char *name, bool grouped, cairn_error *err)
{
    restore *to = context;

    to->table = heap_table_find(to->db, name);
    if (to->table == NULL) {
        return heap_table_create(to->db, name, grouped, &to->table, err);
    }
    if (to->table->grouped != grouped) {
        return error_set(err, CAIRN_E_INTEGRITY,
                         "file of the hash-map engine: a table is %s, "
                         "but stands as one that is %s",
                         grouped ? "grouped" : "plain", grouped ? "plain" : "grouped");
    }
    return CAIRN_OK;
}

static cairn_code restore_entry(void *context, const heap_key *key, cairn_slice value,
                                cairn_error *err)
{
    const restore *to = context;

    return heap_put(to->table, key, value, err);
}

cairn_code heap_file_read(heap_db *db, uint32_t key_group, const heap_feed *feed, cairn_error *err)
{
    restore to = {.db = db, .key_group = key_group};
    const consumer restoring = {&to, restore_head, restore_table, restore_entry};
    uint64_t before = heap_entries(db);
    uint64_t entries = 0;

    CAIRN_ASSERT(key_group >= db->range.first && key_group <= db->range.last);
    CAIRN_TRY(read_file(feed, &restoring, &entries, err));
    if (heap_entries(db) - before != entries) {
        return error_set(err, CAIRN_E_INTEGRITY, "file of the hash-map engine: a key stands twice");
    }
    return CAIRN_OK;
}

/* --- without a database ----------------------------------------------------------------------- */

typedef struct scan {
    uint32_t *out_key_group;
    heap_file_visit visit;
    void *context;
    char table[CAIRN_NAME_BYTES_MAX + 1];
} scan;

static cairn_code scan_head(void *context, uint32_t key_group, uint32_t key_group_bytes,
                            cairn_error *err)
{
    scan *to = context;

    (void)key_group_bytes;
    (void)err;
    *to->out_key_group = key_group;
    return CAIRN_OK;
}

static cairn_code scan_table(void *context, const char *name, bool grouped, cairn_error *err)
{
    scan *to = context;

    (void)grouped;
    (void)err;
    memcpy(to->table, name, strlen(name) + 1);
    return CAIRN_OK;
}

static cairn_code scan_entry(void *context, const heap_key *key, cairn_slice value,
                             cairn_error *err)
{
    const scan *to = context;

    return to->visit(to->context, to->table, key->bytes, value, err);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): scan_head writes it */
cairn_code heap_file_scan(const heap_feed *feed, uint32_t *out_key_group, heap_file_visit visit,
                          void *context, cairn_error *err)
{
    scan to = {.out_key_group = out_key_group, .visit = visit, .context = context};
    const consumer scanning = {&to, scan_head, scan_table, scan_entry};
    uint64_t entries = 0;

    return read_file(feed, &scanning, &entries, err);
}
