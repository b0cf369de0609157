#include "test.h"

#include "alloc_sweep.h"
#include "bounds.h"
#include "buf.h"
#include "heap_world.h"

#include <stdio.h>

/* --- get, put, remove ------------------------------------------------------------------------- */

static void what_was_put_is_found_until_it_is_removed(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(heap_close) heap_db *db = heap_world_open(4);
    heap_table *table = heap_world_table(db, "plain", false);
    heap_key key = heap_world_key("a", 1);
    cairn_slice value = {"untouched", 9};

    assert_false(heap_get(table, &key, &value));
    assert_int_equal(value.len, 9);
    ASSERT_OK(heap_put(table, &key, cairn_slice_of("one"), NULL), NULL);
    heap_world_expect(table, "a", 1, "one");
    ASSERT_OK(heap_put(table, &key, cairn_slice_of("another, which is longer"), NULL), NULL);
    heap_world_expect(table, "a", 1, "another, which is longer");
    heap_world_expect(table, "a", 2, NULL);
    ASSERT_OK(heap_remove(table, &key, NULL), NULL);
    heap_world_expect(table, "a", 1, NULL);
    ASSERT_OK(heap_remove(table, &key, NULL), NULL);
}

static void empty_keys_and_values_are_keys_and_values(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(heap_close) heap_db *db = heap_world_open(1);
    heap_table *table = heap_world_table(db, "plain", false);
    heap_key empty = {0};
    cairn_slice value = {"x", 1};

    ASSERT_OK(heap_put(table, &empty, (cairn_slice){0}, NULL), NULL);

    assert_true(heap_get(table, &empty, &value));
    assert_int_equal(value.len, 0);
    assert_int_equal(heap_entries(db), 1);
    assert_int_equal(heap_state_bytes(db), 0);
    ASSERT_OK(heap_remove(table, &empty, NULL), NULL);
    assert_false(heap_get(table, &empty, &value));
    assert_int_equal(heap_entries(db), 0);
}

static void keys_and_values_of_odd_sizes_come_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0,  1,  2,  3,  4,   5,    7,     8,     9,
                                   15, 16, 17, 31, 100, 4097, 65535, 65536, 300001};
    CAIRN_AUTO_PTR(heap_close) heap_db *db = heap_world_open(1);
    heap_table *table = heap_world_table(db, "plain", false);
    uint8_t *noise = heap_world_noise();

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(sizes); i++) {
        heap_key key = {.bytes = {noise, sizes[i]}};

        ASSERT_OK(heap_put(table, &key, (cairn_slice){noise + i, sizes[i]}, NULL), NULL);
    }
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(sizes); i++) {
        heap_key key = {.bytes = {noise, sizes[i]}};
        cairn_slice value = {0};

        assert_true(heap_get(table, &key, &value));
        assert_int_equal(value.len, sizes[i]);
        assert_memory_equal(value.data, noise + i, sizes[i]);
    }
    assert_int_equal(heap_entries(db), CAIRN_ARRAY_LEN(sizes));
}

static void one_byte_or_one_length_more_is_another_key(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(heap_close) heap_db *db = heap_world_open(1);
    heap_table *table = heap_world_table(db, "plain", false);
    uint8_t bytes[40] = {0};
    cairn_slice value = {0};

    for (size_t len = 0; len <= sizeof(bytes); len++) {
        heap_key key = {.bytes = {bytes, len}};

        ASSERT_OK(heap_put(table, &key, (cairn_slice){&len, sizeof(len)}, NULL), NULL);
    }
    for (size_t i = 0; i < sizeof(bytes); i++) {
        heap_key key = {.bytes = {bytes, sizeof(bytes)}};

        bytes[i] = 1;
        assert_false(heap_get(table, &key, &value));
        bytes[i] = 0;
        assert_true(heap_get(table, &key, &value));
    }
    assert_int_equal(heap_entries(db), sizeof(bytes) + 1);
}

static void many_entries_are_all_found_and_all_go(void **state)
{
    (void)state;
    enum {
        COUNT = 40000 /* several splits in each of the groups */
    };
    CAIRN_AUTO_PTR(heap_close) heap_db *db = heap_world_open(2);
    heap_table *table = heap_world_table(db, "plain", false);
    uint64_t empty = heap_memory_bytes(db);
    cairn_slice value = {0};

    for (uint64_t i = 0; i < COUNT; i++) {
        heap_key key = heap_world_number(&i, i % 2);

        ASSERT_OK(heap_put(table, &key, (cairn_slice){&i, sizeof(i)}, NULL), NULL);
    }
    assert_int_equal(heap_entries(db), COUNT);
    assert_int_equal(heap_state_bytes(db), 2 * sizeof(uint64_t) * COUNT);
    assert_true(heap_memory_bytes(db) - empty <= UINT64_C(64) * COUNT);
    for (uint64_t i = 0; i < COUNT; i++) {
        heap_key key = heap_world_number(&i, i % 2);

        assert_true(heap_get(table, &key, &value));
        assert_memory_equal(value.data, &i, sizeof(i));
    }
    for (uint64_t i = 0; i < COUNT; i++) {
        heap_key key = heap_world_number(&i, i % 2);

        ASSERT_OK(heap_remove(table, &key, NULL), NULL);
        assert_false(heap_get(table, &key, &value));
    }
    assert_int_equal(heap_entries(db), 0);
    assert_int_equal(heap_state_bytes(db), 0);
}

static void slices_that_the_table_gave_out_may_be_written_back(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(heap_close) heap_db *db = heap_world_open(1);
    heap_table *table = heap_world_table(db, "maps", true);
    heap_key key = heap_world_key("key", 0);
    cairn_slice value = {0};
    heap_walk walk;

    ASSERT_OK(heap_put(table, &key, cairn_slice_of("0123456789"), NULL), NULL);
    assert_true(heap_get(table, &key, &value));
    ASSERT_OK(heap_append(table, &key, value, NULL), NULL);
    heap_world_expect(table, "key", 0, "01234567890123456789");
    assert_true(heap_get(table, &key, &value));
    ASSERT_OK(heap_put(table, &key, (cairn_slice){(const char *)value.data + 3, 12}, NULL), NULL);
    heap_world_expect(table, "key", 0, "345678901234");

    heap_walk_begin(table, &key, &walk);
    assert_true(heap_walk_next(&walk, &key.bytes, &value));
    ASSERT_OK(heap_remove(table, &key, NULL), NULL);
    assert_int_equal(heap_entries(db), 0);
}

/* --- append ----------------------------------------------------------------------------------- */

static void appends_add_to_the_end_and_move_the_entry_seldom(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(heap_close) heap_db *db = heap_world_open(1);
    heap_table *table = heap_world_table(db, "lists", false);
    heap_key key = heap_world_key("list", 0);
    const uint8_t *noise = heap_world_noise();
    cairn_slice value = {0};
    const void *before = NULL;
    size_t moves = 0;

    for (size_t len = 0; len < 100000; len += 5) {
        ASSERT_OK(heap_append(table, &key, (cairn_slice){noise + len, 5}, NULL), NULL);
        assert_true(heap_get(table, &key, &value));
        assert_int_equal(value.len, len + 5);
        moves += value.data != before;
        before = value.data;
    }
    assert_memory_equal(value.data, noise, value.len);
    assert_int_equal(heap_state_bytes(db), key.bytes.len + value.len);
    assert_in_range(moves, 2, 40);
}

static void an_append_of_nothing_makes_an_empty_value(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(heap_close) heap_db *db = heap_world_open(1);
    heap_table *table = heap_world_table(db, "lists", false);
    heap_key key = heap_world_key("list", 0);

    ASSERT_OK(heap_append(table, &key, (cairn_slice){0}, NULL), NULL);

    heap_world_expect(table, "list", 0, "");
}

static void a_value_that_shrinks_gives_its_memory_back(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(heap_close) heap_db *db = heap_world_open(1);
    heap_table *table = heap_world_table(db, "lists", false);
    heap_key key = heap_world_key("list", 0);
    cairn_slice large = {heap_world_noise(), 100000};
    uint64_t before = heap_memory_bytes(db);

    ASSERT_OK(heap_put(table, &key, large, NULL), NULL);
    assert_true(heap_memory_bytes(db) > before + large.len);
    ASSERT_OK(heap_put(table, &key, cairn_slice_of("small"), NULL), NULL);

    heap_world_expect(table, "list", 0, "small");
    assert_true(heap_memory_bytes(db) < before + 1000);
}

/* --- tables ----------------------------------------------------------------------------------- */

static void tables_are_found_by_name_and_made_once(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(heap_close) heap_db *db = heap_world_open(2);
    heap_table *first = heap_world_table(db, "first", false);
    heap_table *second = heap_world_table(db, "second", true);
    heap_key key = heap_world_key("a", 0);
    heap_table *again = NULL;
    cairn_error err = {0};

    assert_ptr_equal(heap_table_find(db, "first"), first);
    assert_ptr_equal(heap_table_find(db, "second"), second);
    assert_null(heap_table_find(db, "third"));
    ASSERT_CODE(heap_table_create(db, "first", false, &again, &err), CAIRN_E_EXISTS, &err);
    ASSERT_MESSAGE_HAS(&err, "first");
    assert_null(again);
    ASSERT_OK(heap_put(first, &key, cairn_slice_of("x"), NULL), NULL);
    heap_world_expect(second, "a", 0, NULL);
}

static void there_is_a_bound_of_tables_and_of_their_names(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(heap_close) heap_db *db = heap_world_open(1);
    char name[CAIRN_NAME_BYTES_MAX + 2];
    heap_table *table = NULL;
    cairn_error err = {0};

    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    ASSERT_CODE(heap_table_create(db, name, false, &table, &err), CAIRN_E_LIMIT, &err);
    ASSERT_MESSAGE_HAS(&err, "255");
    for (int i = 0; i < CAIRN_HEAP_TABLES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "%d", i);
        (void)heap_world_table(db, name, false);
    }
    ASSERT_CODE(heap_table_create(db, "more", false, &table, &err), CAIRN_E_LIMIT, &err);
    assert_null(table);
}

static void impossible_options_are_refused(void **state)
{
    (void)state;
    static const heap_options cases[] = {
        {.range = {1, 0}},
        {.range = {0, CAIRN_PARALLELISM_MAX}},
        {.range = {0, 0}, .key_group_bytes = 5},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        heap_db *db = NULL;
        cairn_error err = {0};

        ASSERT_CODE(heap_open(&cases[i], &db, &err), CAIRN_E_INVALID, &err);
        ASSERT_MESSAGE_HAS(&err, "key groups");
        assert_null(db);
    }
}

/* --- bounds ----------------------------------------------------------------------------------- */

static void keys_and_values_beyond_their_bounds_are_refused(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(heap_close) heap_db *db = heap_world_open(1);
    heap_table *table = heap_world_table(db, "plain", false);
    heap_key large = {.bytes = {"", CAIRN_HEAP_KEY_BYTES_MAX + 1}}; /* never read */
    heap_key key = heap_world_key("a", 0);
    cairn_slice value = {"", CAIRN_VALUE_BYTES_MAX + 1};
    cairn_error err = {0};

    ASSERT_CODE(heap_put(table, &large, (cairn_slice){0}, &err), CAIRN_E_LIMIT, &err);
    ASSERT_MESSAGE_HAS(&err, "key");
    ASSERT_CODE(heap_append(table, &large, (cairn_slice){0}, &err), CAIRN_E_LIMIT, &err);
    ASSERT_CODE(heap_remove(table, &large, &err), CAIRN_E_LIMIT, &err);
    assert_false(heap_get(table, &large, &value));
    ASSERT_CODE(heap_put(table, &key, value, &err), CAIRN_E_LIMIT, &err);
    ASSERT_MESSAGE_HAS(&err, "value");
    ASSERT_OK(heap_put(table, &key, cairn_slice_of("a"), NULL), NULL);
    value.len = CAIRN_VALUE_BYTES_MAX;
    ASSERT_CODE(heap_append(table, &key, value, &err), CAIRN_E_LIMIT, &err);
    heap_world_expect(table, "a", 0, "a");
    assert_int_equal(heap_entries(db), 1);
}

static void writes_beyond_the_memory_are_refused_and_removals_are_not(void **state)
{
    (void)state;
    const heap_options options = {.range = {0, 0}, .memory_bytes = 100000};
    CAIRN_AUTO_PTR(heap_close) heap_db *db = NULL;
    CAIRN_AUTO_PTR(heap_snapshot_free) heap_snapshot *snapshot = NULL;
    cairn_error err = {0};
    heap_table *table;
    uint64_t count = 0;
    cairn_code code = CAIRN_OK;

    ASSERT_OK(heap_open(&options, &db, NULL), NULL);
    table = heap_world_table(db, "plain", false);
    for (; code == CAIRN_OK; count += code == CAIRN_OK) {
        heap_key key = heap_world_number(&count, 0);

        code = heap_put(table, &key, (cairn_slice){&count, sizeof(count)}, &err);
    }
    ASSERT_CODE(code, CAIRN_E_LIMIT, &err);
    ASSERT_MESSAGE_HAS(&err, "bound of 100000");
    assert_int_equal(heap_entries(db), count);
    assert_true(heap_memory_bytes(db) <= options.memory_bytes);
    assert_true(count > 1000);

    ASSERT_OK(heap_snapshot_begin(db, &snapshot, NULL), NULL);
    for (uint64_t i = 0; i < count; i++) {
        heap_key key = heap_world_number(&i, 0);

        ASSERT_OK(heap_remove(table, &key, &err), &err);
    }
    assert_int_equal(heap_entries(db), 0);
}

/* --- walks ------------------------------------------------------------------------------------ */

static heap_key map_key(const char *text, size_t prefix_bytes)
{
    return (heap_key){.bytes = cairn_slice_of(text), .prefix_bytes = prefix_bytes};
}

static void put_map(heap_table *table, const char *text, size_t prefix_bytes, const char *value)
{
    heap_key key = map_key(text, prefix_bytes);

    ASSERT_OK(heap_put(table, &key, cairn_slice_of(value), NULL), NULL);
}

static void remove_map(heap_table *table, const char *text, size_t prefix_bytes)
{
    heap_key key = map_key(text, prefix_bytes);

    ASSERT_OK(heap_remove(table, &key, NULL), NULL);
}

/* The values of the rest of a walk, one after another. */
static void expect_rest(heap_walk *walk, const char *expected)
{
    cairn_slice key;
    cairn_slice value;
    CAIRN_AUTO(cairn_buf) found = {0};

    while (heap_walk_next(walk, &key, &value)) {
        ASSERT_OK(buf_append(&found, value.data, value.len, NULL), NULL);
    }
    assert_string_equal(buf_text(&found), expected);
}

static void expect_walk(heap_table *table, const char *prefix, const char *expected)
{
    heap_key key = map_key(prefix, strlen(prefix));
    heap_walk walk;

    heap_walk_begin(table, &key, &walk);
    expect_rest(&walk, expected);
}

static void a_walk_visits_its_prefix_in_the_order_of_the_puts(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(heap_close) heap_db *db = heap_world_open(1);
    heap_table *table = heap_world_table(db, "maps", true);
    heap_walk walk;

    put_map(table, "ab", 2, "0"); /* a user key that is empty */
    put_map(table, "ab-x", 2, "1");
    put_map(table, "ac-x", 2, "2");
    put_map(table, "ab-a", 2, "3");
    put_map(table, "", 0, "4");
    put_map(table, "ab-x", 2, "5");
    put_map(table, "ab-xx", 4, "6");

    expect_walk(table, "ab", "053");
    expect_walk(table, "ac", "2");
    expect_walk(table, "", "4");
    expect_walk(table, "ab-x", "6");
    expect_walk(table, "a", "");
    heap_walk_begin(table, &(heap_key){0}, &walk); /* an empty slice may have no data */
    expect_rest(&walk, "4");
    assert_int_equal(heap_entries(db), 6);
    remove_map(table, "ac-x", 2);
    expect_walk(table, "ac", "");
    put_map(table, "ac-y", 2, "7");
    expect_walk(table, "ac", "7");
}

static void a_walk_stands_all_writes_between_its_steps(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *removed;
        const char *put; /* with value + */
        const char *expected;
    } cases[] = {
        {"nothing", NULL, NULL, "234"},
        {"the one returned last is removed", "p1", NULL, "234"},
        {"the one returned last is put again", NULL, "p1", "234"},
        {"the one returned last is removed and put", "p1", "p1", "234"},
        {"the next is removed", "p2", NULL, "34"},
        {"the next is put again", NULL, "p2", "+34"},
        {"the last is removed", "p4", NULL, "23"},
        {"the last is put again", NULL, "p4", "23+"},
        {"the last is removed and put", "p4", "p4", "23"},
        {"another is put", NULL, "p5", "234"},
        {"another of another prefix is put", NULL, "q5", "234"},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        for (int frozen = 0; frozen <= 1; frozen++) {
            CAIRN_AUTO_PTR(heap_close) heap_db *db = heap_world_open(1);
            CAIRN_AUTO_PTR(heap_snapshot_free) heap_snapshot *snapshot = NULL;
            heap_table *table = heap_world_table(db, "maps", true);
            heap_key prefix = map_key("p", 1);
            cairn_slice key;
            cairn_slice value;
            heap_walk walk;

            put_map(table, "p1", 1, "1");
            put_map(table, "p2", 1, "2");
            put_map(table, "p3", 1, "3");
            put_map(table, "p4", 1, "4");
            if (frozen != 0) {
                ASSERT_OK(heap_snapshot_begin(db, &snapshot, NULL), NULL);
            }
            heap_walk_begin(table, &prefix, &walk);
            assert_true(heap_walk_next(&walk, &key, &value));
            if (cases[i].removed != NULL) {
                remove_map(table, cases[i].removed, 1);
            }
            if (cases[i].put != NULL) {
                put_map(table, cases[i].put, 1, "+ and too long to stay in place");
            }
            print_message("%s\n", cases[i].name);
            for (const char *e = cases[i].expected; *e != '\0'; e++) {
                assert_true(heap_walk_next(&walk, &key, &value));
                assert_int_equal(*(const char *)value.data, *e);
            }
            assert_false(heap_walk_next(&walk, &key, &value));
            assert_false(heap_walk_next(&walk, &key, &value));
        }
    }
}

static void a_walk_may_remove_all_that_it_visits(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(heap_close) heap_db *db = heap_world_open(1);
    heap_table *table = heap_world_table(db, "maps", true);
    heap_key prefix = map_key("p", 1);
    heap_key key = {.prefix_bytes = 1};
    cairn_slice value;
    heap_walk walk;
    size_t visited = 0;

    for (char name[] = "p0"; name[1] <= '~'; name[1]++) {
        put_map(table, name, 1, name);
    }
    heap_walk_begin(table, &prefix, &walk);
    for (; heap_walk_next(&walk, &key.bytes, &value); visited++) {
        ASSERT_OK(heap_remove(table, &key, NULL), NULL);
    }
    assert_int_equal(visited, '~' - '0' + 1);
    assert_int_equal(heap_entries(db), 0);
    expect_walk(table, "p", "");
}

static void removing_the_rest_ends_a_walk(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(heap_close) heap_db *db = heap_world_open(1);
    heap_table *table = heap_world_table(db, "maps", true);
    heap_key prefix = map_key("p", 1);
    cairn_slice key;
    cairn_slice value;
    heap_walk walk;

    put_map(table, "p1", 1, "1");
    put_map(table, "p2", 1, "2");
    put_map(table, "p3", 1, "3");
    heap_walk_begin(table, &prefix, &walk);
    assert_true(heap_walk_next(&walk, &key, &value));
    remove_map(table, "p3", 1);
    remove_map(table, "p2", 1);
    remove_map(table, "p1", 1);
    put_map(table, "p4", 1, "4");

    assert_false(heap_walk_next(&walk, &key, &value));
}

static void a_second_walk_ends_the_first(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(heap_close) heap_db *db = heap_world_open(1);
    heap_table *table = heap_world_table(db, "maps", true);
    heap_key prefix = map_key("p", 1);
    cairn_slice key;
    cairn_slice value;
    heap_walk first;
    heap_walk second;

    put_map(table, "p1", 1, "1");
    put_map(table, "p2", 1, "2");
    heap_walk_begin(table, &prefix, &first);
    heap_walk_begin(table, &prefix, &second);

    assert_false(heap_walk_next(&first, &key, &value));
    expect_rest(&second, "12");
}

/* --- n-th allocation -------------------------------------------------------------------------- */

/* To its end: what a failed put left behind would be met. */
static bool walks(heap_table *table, const heap_key *prefix)
{
    cairn_slice key;
    cairn_slice value;
    heap_walk walk;
    bool sound = true;

    heap_walk_begin(table, prefix, &walk);
    while (heap_walk_next(&walk, &key, &value)) {
        sound = sound && key.len >= prefix->prefix_bytes;
    }
    return sound;
}

/* A failed call changed nothing: what is there is what the last call that did not fail left. */
static cairn_code write_much(heap_db *db, const bool grouped, cairn_error *err)
{
    CAIRN_AUTO_PTR(heap_snapshot_free) heap_snapshot *snapshot = NULL;
    heap_table *table = NULL;

    CAIRN_TRY(heap_table_create(db, "state", grouped, &table, err));
    for (uint64_t i = 0; i < 40; i++) {
        heap_key key = heap_world_number(&i, 0);
        uint64_t entries = heap_entries(db);
        uint64_t bytes = heap_state_bytes(db);
        cairn_slice found;
        cairn_code code;

        key.prefix_bytes = i % 3;
        code = heap_put(table, &key, cairn_slice_of("value"), err);
        if (code != CAIRN_OK) {
            bool same = !heap_get(table, &key, &found) && heap_entries(db) == entries &&
                        heap_state_bytes(db) == bytes && (!grouped || walks(table, &key));

            return same ? code : CAIRN_E_INTERNAL;
        }
        if (i == 20) {
            CAIRN_TRY(heap_snapshot_begin(db, &snapshot, err));
        }
    }
    for (uint64_t i = 0; i < 40; i++) {
        heap_key key = heap_world_number(&i, 0);
        cairn_slice found = {0};
        cairn_code code;

        key.prefix_bytes = i % 3;
        code = i % 2 == 0 ? heap_remove(table, &key, err)
                          : heap_append(table, &key, cairn_slice_of(" and much more"), err);
        if (code != CAIRN_OK) {
            bool same = heap_get(table, &key, &found) && found.len == 5 &&
                        memcmp(found.data, "value", 5) == 0 && heap_entries(db) == 40 - (i + 1) / 2;

            return same ? code : CAIRN_E_INTERNAL;
        }
    }
    return CAIRN_OK;
}

static cairn_code open_and_write(void *context, cairn_error *err)
{
    const heap_options options = {.range = {0, 0}};
    CAIRN_AUTO_PTR(heap_close) heap_db *db = NULL;

    CAIRN_TRY(heap_open(&options, &db, err));
    return write_much(db, *(const bool *)context, err);
}

static void a_call_without_memory_changes_nothing(void **state)
{
    (void)state;
    bool grouped = false;

    alloc_sweep(open_and_write, &grouped);
}

static void a_call_without_memory_changes_no_chain(void **state)
{
    (void)state;
    bool grouped = true;

    alloc_sweep(open_and_write, &grouped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_found_until_it_is_removed),
        cmocka_unit_test(empty_keys_and_values_are_keys_and_values),
        cmocka_unit_test(keys_and_values_of_odd_sizes_come_back),
        cmocka_unit_test(one_byte_or_one_length_more_is_another_key),
        cmocka_unit_test(many_entries_are_all_found_and_all_go),
        cmocka_unit_test(slices_that_the_table_gave_out_may_be_written_back),
        cmocka_unit_test(appends_add_to_the_end_and_move_the_entry_seldom),
        cmocka_unit_test(an_append_of_nothing_makes_an_empty_value),
        cmocka_unit_test(a_value_that_shrinks_gives_its_memory_back),
        cmocka_unit_test(tables_are_found_by_name_and_made_once),
        cmocka_unit_test(there_is_a_bound_of_tables_and_of_their_names),
        cmocka_unit_test(impossible_options_are_refused),
        cmocka_unit_test(keys_and_values_beyond_their_bounds_are_refused),
        cmocka_unit_test(writes_beyond_the_memory_are_refused_and_removals_are_not),
        cmocka_unit_test(a_walk_visits_its_prefix_in_the_order_of_the_puts),
        cmocka_unit_test(a_walk_stands_all_writes_between_its_steps),
        cmocka_unit_test(a_walk_may_remove_all_that_it_visits),
        cmocka_unit_test(removing_the_rest_ends_a_walk),
        cmocka_unit_test(a_second_walk_ends_the_first),
        cmocka_unit_test(a_call_without_memory_changes_nothing),
        cmocka_unit_test(a_call_without_memory_changes_no_chain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
