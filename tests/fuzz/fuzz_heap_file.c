/*
 * Files of the hash-map engine. What is read must be written again as a file of the same entries,
 * and a scan without a database must find as many as the database then holds.
 */
#include "buf.h"
#include "fuzz.h"
#include "heap_file.h"

#include <stdlib.h>
#include <string.h>

#define GROUPS      200
#define GROUP       7
#define GROUP_BYTES 1

static void must(bool condition)
{
    if (!condition) {
        abort();
    }
}

static cairn_code read_some(void *context, void *into, size_t size, size_t *out_size,
                            cairn_error *err)
{
    cairn_slice *left = context;

    (void)err;
    *out_size = size < left->len ? size : left->len;
    memcpy(into, left->data, *out_size);
    *left = (cairn_slice){(const uint8_t *)left->data + *out_size, left->len - *out_size};
    return CAIRN_OK;
}

static cairn_code write_some(void *context, cairn_slice bytes, cairn_error *err)
{
    return buf_append(context, bytes.data, bytes.len, err);
}

static cairn_code count_entry(void *context, const char *table, cairn_slice key, cairn_slice value,
                              cairn_error *err)
{
    uint64_t *count = context;

    (void)err;
    must(table[0] != '\0');
    must(key.len == 0 || key.data != NULL);
    must(value.len == 0 || value.data != NULL);
    (*count)++;
    return CAIRN_OK;
}

static heap_db *open_db(void)
{
    const heap_options options = {.range = {0, GROUPS - 1}, .key_group_bytes = GROUP_BYTES};
    heap_db *db = NULL;

    must(heap_open(&options, &db, NULL) == CAIRN_OK);
    return db;
}

static cairn_code read_into(heap_db *db, cairn_slice file)
{
    const heap_feed feed = {read_some, &file};

    return heap_file_read(db, GROUP, &feed, NULL);
}

static void write_again(heap_db *db, cairn_buf *out)
{
    CAIRN_AUTO_PTR(heap_snapshot_free) heap_snapshot *snapshot = NULL;
    const heap_sink sink = {write_some, out};

    must(heap_snapshot_begin(db, &snapshot, NULL) == CAIRN_OK);
    must(heap_file_write(snapshot, GROUP, &sink, NULL) == CAIRN_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CAIRN_AUTO_PTR(heap_close) heap_db *db = open_db();
    CAIRN_AUTO_PTR(heap_close) heap_db *again = open_db();
    CAIRN_AUTO(cairn_buf) file = {0};
    cairn_slice left = {data, size};
    const heap_feed feed = {read_some, &left};
    uint32_t key_group = 0;
    uint64_t count = 0;
    cairn_code scanned = heap_file_scan(&feed, &key_group, count_entry, &count, NULL);

    if (read_into(db, (cairn_slice){data, size}) != CAIRN_OK) {
        return 0;
    }
    must(scanned == CAIRN_OK && key_group == GROUP && count == heap_entries(db));
    write_again(db, &file);
    must(read_into(again, cairn_buf_slice(&file)) == CAIRN_OK);
    must(heap_entries(again) == heap_entries(db));
    must(heap_state_bytes(again) == heap_state_bytes(db));
    return 0;
}
