/* Reads and writes. No allocation and no property query of ours on the way of a get or put. */
#include "errors.h"
#include "rocks_internal.h"

#include <string.h>

struct rocks_cursor {
    const rocks_db *db; /* borrowed */
    rocksdb_readoptions_t *options;
    rocksdb_iterator_t *iterator;
    bool started;
    size_t upper_len; /* 0: no bound */
    char upper[];     /* the least key above all that have the prefix; read by the iterator */
};

static cairn_code put_now(rocks_db *db, rocks_family *family, cairn_slice key, cairn_slice value,
                          cairn_error *err)
{
    char *message = NULL;

    rocksdb_put_cf(db->handle, db->settings.write, family->handle, key.data, key.len, value.data,
                   value.len, &message);
    return rocks_check(message, "write to", db->path, err);
}

static cairn_code append_now(rocks_db *db, rocks_family *family, cairn_slice key, cairn_slice bytes,
                             cairn_error *err)
{
    char *message = NULL;

    rocksdb_merge_cf(db->handle, db->settings.write, family->handle, key.data, key.len, bytes.data,
                     bytes.len, &message);
    return rocks_check(message, "write to", db->path, err);
}

static cairn_code delete_now(rocks_db *db, rocks_family *family, cairn_slice key, cairn_error *err)
{
    char *message = NULL;

    rocksdb_delete_cf(db->handle, db->settings.write, family->handle, key.data, key.len, &message);
    return rocks_check(message, "write to", db->path, err);
}

cairn_code rocks_put(rocks_db *db, rocks_family *family, cairn_slice key, cairn_slice value,
                     cairn_error *err)
{
    cairn_code code;

    if (!rocks_window_is_open(&db->window)) {
        return put_now(db, family, key, value, err);
    }
    CAIRN_TRY(rocks_window_enter(db, family, key.len + value.len, err));
    code = put_now(db, family, key, value, err);
    rocks_window_leave(db, family, code);
    return code;
}

cairn_code rocks_append(rocks_db *db, rocks_family *family, cairn_slice key, cairn_slice bytes,
                        cairn_error *err)
{
    cairn_code code;

    if (!rocks_window_is_open(&db->window)) {
        return append_now(db, family, key, bytes, err);
    }
    CAIRN_TRY(rocks_window_enter(db, family, key.len + bytes.len, err));
    code = append_now(db, family, key, bytes, err);
    rocks_window_leave(db, family, code);
    return code;
}

cairn_code rocks_delete(rocks_db *db, rocks_family *family, cairn_slice key, cairn_error *err)
{
    cairn_code code;

    if (!rocks_window_is_open(&db->window)) {
        return delete_now(db, family, key, err);
    }
    CAIRN_TRY(rocks_window_enter(db, family, key.len, err));
    code = delete_now(db, family, key, err);
    rocks_window_leave(db, family, code);
    return code;
}

void rocks_pin_release(rocks_family *family)
{
    if (family->pinned != NULL) {
        rocksdb_pinnableslice_destroy(family->pinned);
        family->pinned = NULL;
    }
}

cairn_code rocks_get(rocks_db *db, rocks_family *family, cairn_slice key, cairn_slice *out,
                     bool *out_found, cairn_error *err)
{
    char *message = NULL;

    rocks_pin_release(family);
    family->pinned = rocksdb_get_pinned_cf(db->handle, db->settings.read, family->handle, key.data,
                                           key.len, &message);
    if (message != NULL) {
        return rocks_check(message, "read from", db->path, err);
    }
    *out_found = family->pinned != NULL;
    if (family->pinned != NULL) {
        out->data = rocksdb_pinnableslice_value(family->pinned, &out->len);
    }
    return CAIRN_OK;
}

/* "ab\xff" -> "ac"; nothing is above "\xff\xff". */
static void set_upper_bound(rocks_cursor *cursor, cairn_slice prefix)
{
    if (prefix.len == 0) {
        return;
    }
    memcpy(cursor->upper, prefix.data, prefix.len);
    cursor->upper_len = prefix.len;
    while (cursor->upper_len > 0 && (unsigned char)cursor->upper[cursor->upper_len - 1] == 0xff) {
        cursor->upper_len--;
    }
    if (cursor->upper_len > 0) {
        cursor->upper[cursor->upper_len - 1]++;
        rocksdb_readoptions_set_iterate_upper_bound(cursor->options, cursor->upper,
                                                    cursor->upper_len);
    }
}

cairn_code rocks_cursor_new(rocks_db *db, rocks_family *family, cairn_slice prefix,
                            rocks_cursor **out, cairn_error *err)
{
    rocks_cursor *const cursor = mem_calloc(1, sizeof(*cursor) + prefix.len);

    if (cursor == NULL) {
        return error_no_memory(err, "cursor");
    }
    cursor->db = db;
    cursor->options = rocksdb_readoptions_create();
    set_upper_bound(cursor, prefix);
    rocksdb_readoptions_set_fill_cache(cursor->options, prefix.len != 0); /* not by a full scan */
    rocksdb_readoptions_set_background_purge_on_iterator_cleanup(cursor->options, 1);
    cursor->iterator = rocksdb_create_iterator_cf(db->handle, cursor->options, family->handle);
    if (prefix.len == 0) {
        rocksdb_iter_seek_to_first(cursor->iterator);
    } else {
        rocksdb_iter_seek(cursor->iterator, prefix.data, prefix.len);
    }
    *out = cursor;
    return CAIRN_OK;
}

bool rocks_cursor_next(rocks_cursor *cursor, cairn_slice *key, cairn_slice *value)
{
    if (cursor->started && rocksdb_iter_valid(cursor->iterator)) {
        rocksdb_iter_next(cursor->iterator);
    }
    cursor->started = true;
    if (!rocksdb_iter_valid(cursor->iterator)) {
        return false;
    }
    key->data = rocksdb_iter_key(cursor->iterator, &key->len);
    value->data = rocksdb_iter_value(cursor->iterator, &value->len);
    return true;
}

cairn_code rocks_cursor_status(const rocks_cursor *cursor, cairn_error *err)
{
    char *message = NULL;

    rocksdb_iter_get_error(cursor->iterator, &message);
    return rocks_check(message, "scan", cursor->db->path, err);
}

void rocks_cursor_free(rocks_cursor *cursor)
{
    if (cursor == NULL) {
        return;
    }
    rocksdb_iter_destroy(cursor->iterator);
    rocksdb_readoptions_destroy(cursor->options);
    mem_free(cursor);
}
