#include "test.h"

#include "alloc_sweep.h"
#include "bounds.h"
#include "buf.h"
#include "heap_file.h"
#include "heap_world.h"

#include <stdlib.h>

/* --- memory as a file ------------------------------------------------------------------------- */

static cairn_code write_to_buf(void *context, cairn_slice bytes, cairn_error *err)
{
    assert_in_range(bytes.len, 1, CAIRN_IO_CHUNK_BYTES);
    return buf_append(context, bytes.data, bytes.len, err);
}

static cairn_code read_from_slice(void *context, void *into, size_t size, size_t *out_size,
                                  cairn_error *err)
{
    cairn_slice *left = context;

    (void)err;
    *out_size = size < left->len ? size : left->len;
    memcpy(into, left->data, *out_size);
    *left = (cairn_slice){(const uint8_t *)left->data + *out_size, left->len - *out_size};
    return CAIRN_OK;
}

static cairn_code write_group(heap_db *db, uint32_t key_group, cairn_buf *out, cairn_error *err)
{
    CAIRN_AUTO_PTR(heap_snapshot_free) heap_snapshot *snapshot = NULL;
    const heap_sink sink = {write_to_buf, out};

    CAIRN_TRY(heap_snapshot_begin(db, &snapshot, err));
    return heap_file_write(snapshot, key_group, &sink, err);
}

static cairn_code read_group(heap_db *db, uint32_t key_group, cairn_slice file, cairn_error *err)
{
    const heap_feed feed = {read_from_slice, &file};

    return heap_file_read(db, key_group, &feed, err);
}

static heap_db *open_with_groups(uint32_t count, uint32_t bytes)
{
    const heap_options options = {.range = {0, count - 1}, .key_group_bytes = bytes};
    heap_db *db = NULL;

    ASSERT_OK(heap_open(&options, &db, NULL), NULL);
    return db;
}

/* --- there and back --------------------------------------------------------------------------- */

/* Version 1, to the byte: docs/format.md. */
static const uint8_t golden[] = {
    'c', 'a', 'i', 'r', 'n', '-', 'h', 'm', 1,   0xc8, 2,   2, /* magic, version, group 328 in 2 */
    1,   4,   'l', 'a', 's', 't', 2,   0,   'k', 0,            /* plain: key "k", empty value */
    2,   4,   'm', 'a', 'p', 's', 4,   4,   3,   'm',  'a', 'p', 'o', 'n', 'e', 0, /* prefix of 4 */
    0,   2};

static void put_golden(heap_db *db)
{
    heap_table *last = heap_world_table(db, "last", false);
    heap_table *maps = heap_world_table(db, "maps", true);
    heap_key plain = {.bytes = {"\x01\x48k", 3}, .key_group = 328};
    heap_key mapped = {.bytes = {"\x01\x48map", 5}, .key_group = 328, .prefix_bytes = 4};

    (void)heap_world_table(db, "empty", false);
    ASSERT_OK(heap_put(last, &plain, (cairn_slice){0}, NULL), NULL);
    ASSERT_OK(heap_put(maps, &mapped, cairn_slice_of("one"), NULL), NULL);
}

static void a_file_is_written_as_its_golden_bytes(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(heap_close) heap_db *db = open_with_groups(400, 2);
    CAIRN_AUTO(cairn_buf) file = {0};
    cairn_error err = {0};

    put_golden(db);
    ASSERT_OK(write_group(db, 328, &file, &err), &err);

    assert_int_equal(file.len, sizeof(golden));
    assert_memory_equal(file.data, golden, sizeof(golden));
}

static void the_golden_bytes_come_back(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(heap_close) heap_db *db = open_with_groups(400, 2);
    heap_key prefix = {.bytes = {"\x01\x48ma", 4}, .key_group = 328, .prefix_bytes = 4};
    cairn_slice key = {0};
    cairn_slice value = {0};
    heap_walk walk;

    ASSERT_OK(read_group(db, 328, (cairn_slice){golden, sizeof(golden)}, NULL), NULL);

    assert_int_equal(heap_entries(db), 2);
    assert_null(heap_table_find(db, "empty"));
    heap_world_expect(heap_table_find(db, "last"), "\x01\x48k", 328, "");
    heap_walk_begin(heap_table_find(db, "maps"), &prefix, &walk);
    assert_true(heap_walk_next(&walk, &key, &value));
    assert_true(cairn_slice_equal(key, cairn_slice_of("\x01\x48map")));
    assert_true(cairn_slice_equal(value, cairn_slice_of("one")));
    assert_false(heap_walk_next(&walk, &key, &value));
}

static void a_key_group_without_entries_is_a_file_too(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(heap_close) heap_db *db = open_with_groups(400, 2);
    CAIRN_AUTO(cairn_buf) file = {0};

    put_golden(db);
    ASSERT_OK(write_group(db, 7, &file, NULL), NULL);
    ASSERT_OK(read_group(db, 7, cairn_buf_slice(&file), NULL), NULL);

    assert_int_equal(heap_entries(db), 2);
}

static void entries_of_all_sizes_and_many_of_them_come_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {
        0, 1, 127, 128, 70000, CAIRN_HEAP_BUFFER_BYTES - 20, CAIRN_HEAP_BUFFER_BYTES, 1000000};
    CAIRN_AUTO_PTR(heap_close) heap_db *from = heap_world_open(1);
    CAIRN_AUTO_PTR(heap_close) heap_db *to = heap_world_open(1);
    CAIRN_AUTO(cairn_buf) file = {0};
    heap_table *table = heap_world_table(from, "state", false);
    const uint8_t *noise = heap_world_noise();
    cairn_slice value = {0};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(sizes); i++) {
        heap_key key = {.bytes = {noise + i, sizes[i] < 300000 ? sizes[i] : i}};

        ASSERT_OK(heap_put(table, &key, (cairn_slice){noise, sizes[i]}, NULL), NULL);
    }
    for (uint64_t i = 0; i < 50000; i++) {
        heap_key key = heap_world_number(&i, 0);

        ASSERT_OK(heap_put(table, &key, (cairn_slice){&i, sizeof(i)}, NULL), NULL);
    }
    ASSERT_OK(write_group(from, 0, &file, NULL), NULL);
    ASSERT_OK(read_group(to, 0, cairn_buf_slice(&file), NULL), NULL);

    table = heap_table_find(to, "state");
    assert_int_equal(heap_entries(to), heap_entries(from));
    assert_int_equal(heap_state_bytes(to), heap_state_bytes(from));
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(sizes); i++) {
        heap_key key = {.bytes = {noise + i, sizes[i] < 300000 ? sizes[i] : i}};

        assert_true(heap_get(table, &key, &value));
        assert_true(cairn_slice_equal(value, (cairn_slice){noise, sizes[i]}));
    }
    for (uint64_t i = 0; i < 50000; i++) {
        heap_key key = heap_world_number(&i, 0);

        assert_true(heap_get(table, &key, &value));
        assert_true(cairn_slice_equal(value, (cairn_slice){&i, sizeof(i)}));
    }
}

static void a_key_that_does_not_begin_with_its_group_is_not_written(void **state)
{
    (void)state;
    static const cairn_slice keys[] = {{"\x01", 1}, {"\x01\x47k", 3}};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(keys); i++) {
        CAIRN_AUTO_PTR(heap_close) heap_db *db = open_with_groups(400, 2);
        CAIRN_AUTO(cairn_buf) file = {0};
        heap_key key = {.bytes = keys[i], .key_group = 328};
        cairn_error err = {0};

        ASSERT_OK(heap_put(heap_world_table(db, "state", false), &key, keys[0], NULL), NULL);
        ASSERT_CODE(write_group(db, 328, &file, &err), CAIRN_E_INTERNAL, &err);
        ASSERT_MESSAGE_HAS(&err, "328");
    }
}

static cairn_code refuse(void *context, cairn_slice bytes, cairn_error *err)
{
    (void)context;
    (void)bytes;
    (void)err;
    return CAIRN_E_NO_SPACE;
}

static cairn_code refuse_read(void *context, void *into, size_t size, size_t *out_size,
                              cairn_error *err)
{
    (void)context;
    (void)into;
    (void)size;
    (void)err;
    *out_size = 0;
    return CAIRN_E_IO;
}

static void what_sink_and_feed_refuse_is_returned(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(heap_close) heap_db *db = open_with_groups(400, 2);
    CAIRN_AUTO_PTR(heap_snapshot_free) heap_snapshot *snapshot = NULL;
    const heap_sink sink = {refuse, NULL};
    const heap_feed feed = {refuse_read, NULL};

    put_golden(db);
    ASSERT_OK(heap_snapshot_begin(db, &snapshot, NULL), NULL);
    ASSERT_CODE(heap_file_write(snapshot, 328, &sink, NULL), CAIRN_E_NO_SPACE, NULL);
    ASSERT_CODE(heap_file_read(db, 328, &feed, NULL), CAIRN_E_IO, NULL);
}

/* --- scans ------------------------------------------------------------------------------------ */

static cairn_code print_entry(void *context, const char *table, cairn_slice key, cairn_slice value,
                              cairn_error *err)
{
    return buf_printf(context, err, "%s %02x%02x%.*s=%.*s;", table, ((const uint8_t *)key.data)[0],
                      ((const uint8_t *)key.data)[1], (int)key.len - 2, (const char *)key.data + 2,
                      (int)value.len, (const char *)value.data);
}

static cairn_code stop_at_once(void *context, const char *table, cairn_slice key, cairn_slice value,
                               cairn_error *err)
{
    (void)context;
    (void)table;
    (void)key;
    (void)value;
    (void)err;
    return CAIRN_E_CANCELLED;
}

static void a_scan_shows_whole_keys_without_a_database(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) found = {0};
    cairn_slice file = {golden, sizeof(golden)};
    const heap_feed feed = {read_from_slice, &file};
    uint32_t key_group = 0;

    ASSERT_OK(heap_file_scan(&feed, &key_group, print_entry, &found, NULL), NULL);

    assert_int_equal(key_group, 328);
    assert_string_equal(buf_text(&found), "last 0148k=;maps 0148map=one;");
    file = (cairn_slice){golden, sizeof(golden)};
    ASSERT_CODE(heap_file_scan(&feed, &key_group, stop_at_once, NULL, NULL), CAIRN_E_CANCELLED,
                NULL);
}

/* --- what is refused -------------------------------------------------------------------------- */

#define HEAD "cairn-hm\x01\x00\x00" /* key group 0, no bytes of it in keys */

#define BYTES(text)              \
    {                            \
        (text), sizeof(text) - 1 \
    }

static void damaged_and_hostile_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        cairn_slice file;
        cairn_code code;
    } cases[] = {
        {"sound and empty", BYTES(HEAD "\0\0"), CAIRN_OK},
        {"sound", BYTES(HEAD "\1\1s\2\0k\0\0\1"), CAIRN_OK},
        {"nothing", BYTES(""), CAIRN_E_INTEGRITY},
        {"another magic", BYTES("cairn-hn\1\0\0\0\0"), CAIRN_E_INTEGRITY},
        {"version 0", BYTES("cairn-hm\0\0\0\0\0"), CAIRN_E_INTEGRITY},
        {"version 2", BYTES("cairn-hm\2"), CAIRN_E_INCOMPATIBLE},
        {"a large version", BYTES("cairn-hm\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
         CAIRN_E_INCOMPATIBLE},
        {"another key group", BYTES("cairn-hm\1\1\0\0\0"), CAIRN_E_INTEGRITY},
        {"a key group beyond all", BYTES("cairn-hm\1\x80\x80\x02\0\0\0"), CAIRN_E_INTEGRITY},
        {"key groups of another size", BYTES("cairn-hm\1\0\1\0\0"), CAIRN_E_INTEGRITY},
        {"key groups of five bytes", BYTES("cairn-hm\1\0\5\0\0"), CAIRN_E_INTEGRITY},
        {"an unknown kind of table", BYTES(HEAD "\3\1s\0\0\0"), CAIRN_E_INTEGRITY},
        {"a table without a name", BYTES(HEAD "\1\0\0\0\0"), CAIRN_E_INTEGRITY},
        {"a name with a NUL", BYTES(HEAD "\1\1\0\0\0\0"), CAIRN_E_INTEGRITY},
        {"a name of 256 bytes", BYTES(HEAD "\1\x80\2"), CAIRN_E_INTEGRITY},
        {"a number in a longer form", BYTES(HEAD "\1\1s\x82\0\0k\0\0\1"), CAIRN_E_INTEGRITY},
        {"a number of 65 bits", BYTES(HEAD "\0\x80\x80\x80\x80\x80\x80\x80\x80\x80\2"),
         CAIRN_E_INTEGRITY},
        {"a number without end", BYTES(HEAD "\0\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"),
         CAIRN_E_INTEGRITY},
        {"a key that is too long", BYTES(HEAD "\1\1s\x82\x80\x20\0"), CAIRN_E_INTEGRITY},
        {"a value that is too long", BYTES(HEAD "\1\1s\2\x81\x80\x80\x80\4k"), CAIRN_E_INTEGRITY},
        {"a GiB that is not there", BYTES(HEAD "\1\1s\2\x80\x80\x80\x80\4k"), CAIRN_E_INTEGRITY},
        {"a prefix longer than its key", BYTES(HEAD "\2\1s\2\2\0k\0\0\1"), CAIRN_E_INTEGRITY},
        {"a key twice", BYTES(HEAD "\1\1s\2\0k\2\0k\0\0\2"), CAIRN_E_INTEGRITY},
        {"a table that is of another kind", BYTES(HEAD "\1\1s\2\0k\0\2\1s\2\0\0j\0\0\2"),
         CAIRN_E_INTEGRITY},
        {"one entry too few", BYTES(HEAD "\1\1s\2\0k\0\0\2"), CAIRN_E_INTEGRITY},
        {"one entry too many", BYTES(HEAD "\1\1s\2\0k\0\0\0"), CAIRN_E_INTEGRITY},
        {"something behind the end", BYTES(HEAD "\0\0\0"), CAIRN_E_INTEGRITY},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO_PTR(heap_close) heap_db *db = heap_world_open(1);
        cairn_error err = {0};

        print_message("%s\n", cases[i].name);
        ASSERT_CODE(read_group(db, 0, cases[i].file, &err), cases[i].code, &err);
        if (cases[i].code != CAIRN_OK) {
            ASSERT_MESSAGE_HAS(&err, "file of the hash-map engine");
        }
    }
}

static void any_cut_is_found(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof(golden); len++) {
        CAIRN_AUTO_PTR(heap_close) heap_db *db = open_with_groups(400, 2);
        void *exact = malloc(len + 1); /* so that a read beyond it is seen; +1: it may be 0 */

        assert_non_null(exact);
        memcpy(exact, golden, len);
        ASSERT_CODE(read_group(db, 328, (cairn_slice){exact, len}, NULL), CAIRN_E_INTEGRITY, NULL);
        free(exact);
    }
}

static void a_file_does_not_fit_where_its_keys_stand_already(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(heap_close) heap_db *db = open_with_groups(400, 2);
    cairn_slice file = {golden, sizeof(golden)};
    cairn_error err = {0};

    ASSERT_OK(read_group(db, 328, file, &err), &err);
    ASSERT_CODE(read_group(db, 328, file, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "twice");
}

/* --- n-th allocation -------------------------------------------------------------------------- */

static cairn_code there_and_back(void *context, cairn_error *err)
{
    const heap_options options = {.range = {0, 327 + 1}, .key_group_bytes = 2};
    CAIRN_AUTO_PTR(heap_close) heap_db *db = NULL;
    CAIRN_AUTO(cairn_buf) file = {0};

    (void)context;
    CAIRN_TRY(heap_open(&options, &db, err));
    CAIRN_TRY(read_group(db, 328, (cairn_slice){golden, sizeof(golden)}, err));
    return write_group(db, 328, &file, err);
}

static void every_failed_allocation_is_out_of_memory(void **state)
{
    (void)state;
    alloc_sweep(there_and_back, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_written_as_its_golden_bytes),
        cmocka_unit_test(the_golden_bytes_come_back),
        cmocka_unit_test(a_key_group_without_entries_is_a_file_too),
        cmocka_unit_test(entries_of_all_sizes_and_many_of_them_come_back),
        cmocka_unit_test(a_key_that_does_not_begin_with_its_group_is_not_written),
        cmocka_unit_test(what_sink_and_feed_refuse_is_returned),
        cmocka_unit_test(a_scan_shows_whole_keys_without_a_database),
        cmocka_unit_test(damaged_and_hostile_files_are_refused),
        cmocka_unit_test(any_cut_is_found),
        cmocka_unit_test(a_file_does_not_fit_where_its_keys_stand_already),
        cmocka_unit_test(every_failed_allocation_is_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
