#include "test.h"

#include "bounds.h"
#include "heap_world.h"
#include "threads.h"

#include <stdatomic.h>
#include <stdio.h>

/* --- what a snapshot sees --------------------------------------------------------------------- */

/* The value of a key in a snapshot; absent: false. */
static bool find(const heap_snapshot *snapshot, size_t table, const char *key, cairn_slice *out)
{
    heap_cursor cursor;
    cairn_slice found;

    heap_cursor_begin(snapshot, table, 0, &cursor);
    while (heap_cursor_next(&cursor, &found, out)) {
        if (cairn_slice_equal(found, cairn_slice_of(key))) {
            return true;
        }
    }
    return false;
}

static void expect(const heap_snapshot *snapshot, size_t table, const char *key, const char *value)
{
    cairn_slice found = {0};

    assert_int_equal(find(snapshot, table, key, &found), value != NULL);
    if (value != NULL) {
        assert_true(cairn_slice_equal(found, cairn_slice_of(value)));
    }
}

static void put(heap_table *table, const char *key, const char *value)
{
    heap_key at = heap_world_key(key, 0);

    ASSERT_OK(heap_put(table, &at, cairn_slice_of(value), NULL), NULL);
}

static void later_writes_are_not_seen(void **state)
{
    (void)state;
    for (int grouped = 0; grouped <= 1; grouped++) {
        CAIRN_AUTO_PTR(heap_close) heap_db *db = heap_world_open(1);
        CAIRN_AUTO_PTR(heap_snapshot_free) heap_snapshot *snapshot = NULL;
        heap_table *table = heap_world_table(db, "state", grouped != 0);
        heap_key removed = heap_world_key("removed", 0);
        heap_key appended = heap_world_key("appended", 0);

        put(table, "kept", "1");
        put(table, "changed", "2");
        put(table, "removed", "3");
        put(table, "appended", "4");
        ASSERT_OK(heap_snapshot_begin(db, &snapshot, NULL), NULL);
        put(table, "changed", "x"); /* of the same length: it would fit in place */
        put(table, "new", "5");
        ASSERT_OK(heap_remove(table, &removed, NULL), NULL);
        ASSERT_OK(heap_append(table, &appended, cairn_slice_of("y"), NULL), NULL);

        expect(snapshot, 0, "kept", "1");
        expect(snapshot, 0, "changed", "2");
        expect(snapshot, 0, "removed", "3");
        expect(snapshot, 0, "appended", "4");
        expect(snapshot, 0, "new", NULL);
        heap_world_expect(table, "changed", 0, "x");
        heap_world_expect(table, "removed", 0, NULL);
        heap_world_expect(table, "appended", 0, "4y");
        heap_world_expect(table, "new", 0, "5");
    }
}

static const char *const numbers[] = {"0", "1", "2"};

static void write_often(heap_table *table)
{
    for (int i = 0; i < 10; i++) {
        put(table, "key", i % 2 == 0 ? "now" : "then");
        put(table, "same", "same");
    }
}

static void expect_each(heap_snapshot *const snapshots[3])
{
    for (size_t i = 0; i < 3; i++) {
        if (snapshots[i] != NULL) {
            expect(snapshots[i], 0, "key", numbers[i]);
            expect(snapshots[i], 0, "same", "same");
        }
    }
}

static void each_of_several_snapshots_sees_its_own_time(void **state)
{
    (void)state;
    static const size_t orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(orders); i++) {
        CAIRN_AUTO_PTR(heap_close) heap_db *db = heap_world_open(1);
        heap_table *table = heap_world_table(db, "state", false);
        heap_snapshot *snapshots[3] = {NULL, NULL, NULL};

        put(table, "same", "same");
        for (size_t j = 0; j < 3; j++) {
            put(table, "key", numbers[j]);
            ASSERT_OK(heap_snapshot_begin(db, &snapshots[j], NULL), NULL);
        }
        put(table, "key", "now");
        for (size_t j = 0; j < 3; j++) {
            heap_snapshot_free(CAIRN_TAKE(snapshots[orders[i][j]]));
            write_often(table); /* what was kept goes meanwhile */
            expect_each(snapshots);
        }
    }
}

static void what_a_snapshot_kept_goes_with_the_writes_after_its_end(void **state)
{
    (void)state;
    enum {
        COUNT = 10000
    };
    CAIRN_AUTO_PTR(heap_close) heap_db *db = heap_world_open(1);
    heap_table *table = heap_world_table(db, "state", false);
    heap_snapshot *snapshot = NULL;
    uint64_t before;

    for (uint64_t i = 0; i < COUNT; i++) {
        heap_key key = heap_world_number(&i, 0);

        ASSERT_OK(heap_put(table, &key, cairn_slice_of("value"), NULL), NULL);
    }
    before = heap_memory_bytes(db);
    ASSERT_OK(heap_snapshot_begin(db, &snapshot, NULL), NULL);
    for (uint64_t i = 0; i < COUNT; i++) {
        heap_key key = heap_world_number(&i, 0);

        ASSERT_OK(heap_put(table, &key, cairn_slice_of("other"), NULL), NULL);
    }
    assert_true(heap_memory_bytes(db) > before + before / 2);
    heap_snapshot_free(snapshot);
    for (uint64_t i = 0; i < COUNT / 10; i++) {
        uint64_t bytes = heap_memory_bytes(db);
        heap_key key = heap_world_number(&i, 0);

        ASSERT_OK(heap_put(table, &key, cairn_slice_of("third"), NULL), NULL);
        /* In pieces: an entry of this test has 48 bytes, and few blocks are slots. */
        assert_true(bytes - heap_memory_bytes(db) <=
                    (size_t)48 * CAIRN_HEAP_RECLAIM_MAX +
                        20 * sizeof(uint64_t) * CAIRN_HEAP_SLOTS_MAX);
    }
    assert_int_equal(heap_memory_bytes(db), before);
}

/* A write that is larger than a piece of it does not fail for what is dead. */
static void what_a_snapshot_kept_makes_room_when_the_bound_is_near(void **state)
{
    (void)state;
    enum {
        COUNT = 25000,
        LARGE = 100000
    };
    static const uint8_t large[LARGE];
    const heap_options options = {.range = {0, 0}, .memory_bytes = (uint64_t)2 << 20};
    CAIRN_AUTO_PTR(heap_close) heap_db *db = NULL;
    heap_snapshot *snapshot = NULL;
    uint64_t i = 0;

    ASSERT_OK(heap_open(&options, &db, NULL), NULL);
    heap_table *table = heap_world_table(db, "state", false);
    heap_key key = heap_world_number(&i, 0);
    for (; i < COUNT; i++) {
        ASSERT_OK(heap_put(table, &key, cairn_slice_of("value"), NULL), NULL);
    }
    ASSERT_OK(heap_snapshot_begin(db, &snapshot, NULL), NULL);
    cairn_code code = CAIRN_OK;
    for (i = 0; i < COUNT && code == CAIRN_OK; i++) {
        code = heap_put(table, &key, cairn_slice_of("other"), NULL);
    }
    ASSERT_CODE(code, CAIRN_E_LIMIT, NULL); /* the snapshot holds the rest */
    heap_snapshot_free(snapshot);

    i = 0;
    ASSERT_OK(heap_put(table, &key, (cairn_slice){large, LARGE}, NULL), NULL);
}

static void a_snapshot_that_nobody_writes_beside_costs_its_block_only(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(heap_close) heap_db *db = heap_world_open(1);
    CAIRN_AUTO_PTR(heap_snapshot_free) heap_snapshot *snapshot = NULL;
    heap_table *table = heap_world_table(db, "state", false);
    uint64_t before;

    for (uint64_t i = 0; i < 10000; i++) {
        heap_key key = heap_world_number(&i, 0);

        ASSERT_OK(heap_put(table, &key, cairn_slice_of("value"), NULL), NULL);
    }
    before = heap_memory_bytes(db);
    ASSERT_OK(heap_snapshot_begin(db, &snapshot, NULL), NULL);

    assert_true(heap_memory_bytes(db) - before < 1000);
}

static void a_snapshot_has_the_tables_of_its_time(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(heap_close) heap_db *db = heap_world_open(2);
    CAIRN_AUTO_PTR(heap_snapshot_free) heap_snapshot *snapshot = NULL;
    bool grouped = false;

    (void)heap_world_table(db, "first", false);
    (void)heap_world_table(db, "second", true);
    ASSERT_OK(heap_snapshot_begin(db, &snapshot, NULL), NULL);
    (void)heap_world_table(db, "third", false);

    assert_string_equal(heap_snapshot_table(snapshot, 0, &grouped), "first");
    assert_false(grouped);
    assert_string_equal(heap_snapshot_table(snapshot, 1, &grouped), "second");
    assert_true(grouped);
    assert_null(heap_snapshot_table(snapshot, 2, &grouped));
}

static void changes_are_counted_for_each_key_group(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(heap_close) heap_db *db = heap_world_open(3);
    CAIRN_AUTO_PTR(heap_snapshot_free) heap_snapshot *snapshot = NULL;
    heap_table *first = heap_world_table(db, "first", false);
    heap_table *second = heap_world_table(db, "second", true);
    heap_key zero = heap_world_key("a", 0);
    heap_key two = heap_world_key("a", 2);

    heap_set_changes(db, 2, 1000);
    ASSERT_OK(heap_put(first, &zero, cairn_slice_of("1"), NULL), NULL);
    ASSERT_OK(heap_put(second, &zero, cairn_slice_of("1"), NULL), NULL);
    ASSERT_OK(heap_append(first, &two, cairn_slice_of("1"), NULL), NULL);
    ASSERT_OK(heap_remove(first, &two, NULL), NULL);
    ASSERT_OK(heap_remove(first, &two, NULL), NULL); /* nothing is there */
    ASSERT_OK(heap_snapshot_begin(db, &snapshot, NULL), NULL);
    ASSERT_OK(heap_put(first, &zero, cairn_slice_of("1"), NULL), NULL);

    assert_int_equal(heap_snapshot_changes(snapshot, 0), 2);
    assert_int_equal(heap_snapshot_changes(snapshot, 1), 0);
    assert_int_equal(heap_snapshot_changes(snapshot, 2), 1002);
}

static void there_is_a_bound_of_snapshots_at_once(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(heap_close) heap_db *db = heap_world_open(1);
    heap_snapshot *snapshots[CAIRN_HEAP_SNAPSHOTS_MAX];
    heap_snapshot *more = NULL;
    cairn_error err = {0};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(snapshots); i++) {
        ASSERT_OK(heap_snapshot_begin(db, &snapshots[i], NULL), NULL);
    }
    ASSERT_CODE(heap_snapshot_begin(db, &more, &err), CAIRN_E_STATE, &err);
    ASSERT_MESSAGE_HAS(&err, "snapshots");
    assert_null(more);
    heap_snapshot_free(snapshots[3]);
    ASSERT_OK(heap_snapshot_begin(db, &snapshots[3], NULL), NULL);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(snapshots); i++) {
        heap_snapshot_free(snapshots[i]);
    }
}

/* --- beside another thread -------------------------------------------------------------------- */

#define THREAD_KEYS      6000
#define THREAD_SNAPSHOTS 30

/* The owner hands over one snapshot after another; every key's value is the number of the
 * snapshot's round at its time. */
typedef struct exchange {
    heap_db *db;
    heap_table *tables[2];
    _Atomic(heap_snapshot *) handed;
    atomic_uint failures;
    atomic_bool finished;
} exchange;

typedef struct part {
    exchange *with;
    bool owner;
} part;

static void check_handed(exchange *e, heap_snapshot *snapshot)
{
    for (size_t table = 0; table < 2; table++) {
        uint64_t expected = UINT64_MAX;
        heap_cursor cursor;
        cairn_slice key;
        cairn_slice value;
        size_t count = 0;

        heap_cursor_begin(snapshot, table, 0, &cursor);
        for (; heap_cursor_next(&cursor, &key, &value); count++) {
            uint64_t round;

            memcpy(&round, value.data, sizeof(round));
            expected = count == 0 ? round : expected;
            atomic_fetch_add(&e->failures, value.len != sizeof(round) || round != expected);
        }
        atomic_fetch_add(&e->failures, count != THREAD_KEYS);
    }
}

static void read_snapshots(exchange *e)
{
    while (!atomic_load(&e->finished)) {
        heap_snapshot *snapshot = atomic_exchange(&e->handed, NULL);

        if (snapshot != NULL) {
            check_handed(e, snapshot);
            heap_snapshot_free(snapshot);
        }
        (void)heap_memory_bytes(e->db);
        (void)heap_state_bytes(e->db);
        (void)heap_entries(e->db);
    }
}

static void write_round(exchange *e, uint64_t round)
{
    for (uint64_t i = 0; i < THREAD_KEYS; i++) {
        heap_key key = heap_world_number(&i, 0);
        cairn_slice value = {&round, sizeof(round)};

        for (size_t table = 0; table < 2; table++) {
            cairn_code code = CAIRN_OK;

            if ((i + round) % 3 == 0) {
                code = heap_remove(e->tables[table], &key, NULL);
            }
            if (code == CAIRN_OK) {
                code = heap_put(e->tables[table], &key, value, NULL);
            }
            atomic_fetch_add(&e->failures, code != CAIRN_OK);
        }
    }
}

static void write_and_hand_over(exchange *e)
{
    for (uint64_t round = 1; round <= THREAD_SNAPSHOTS; round++) {
        heap_snapshot *snapshot = NULL;

        write_round(e, round);
        atomic_fetch_add(&e->failures, heap_snapshot_begin(e->db, &snapshot, NULL) != CAIRN_OK);
        heap_snapshot_free(atomic_exchange(&e->handed, snapshot));
    }
    heap_snapshot_free(atomic_exchange(&e->handed, NULL));
    atomic_store(&e->finished, true);
}

static void do_part(void *argument)
{
    const part *mine = argument;

    if (mine->owner) {
        write_and_hand_over(mine->with);
    } else {
        read_snapshots(mine->with);
    }
}

static void another_thread_reads_and_frees_while_the_owner_writes(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(heap_close) heap_db *db = heap_world_open(1);
    exchange with = {.db = db};
    part parts[] = {{&with, true}, {&with, false}};

    with.tables[0] = heap_world_table(db, "plain", false);
    with.tables[1] = heap_world_table(db, "grouped", true);
    threads_run(do_part, parts, sizeof(parts[0]), CAIRN_ARRAY_LEN(parts));

    assert_int_equal(atomic_load(&with.failures), 0);
    assert_int_equal(heap_entries(db), 2 * THREAD_KEYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_writes_are_not_seen),
        cmocka_unit_test(each_of_several_snapshots_sees_its_own_time),
        cmocka_unit_test(what_a_snapshot_kept_makes_room_when_the_bound_is_near),
        cmocka_unit_test(what_a_snapshot_kept_goes_with_the_writes_after_its_end),
        cmocka_unit_test(a_snapshot_that_nobody_writes_beside_costs_its_block_only),
        cmocka_unit_test(a_snapshot_has_the_tables_of_its_time),
        cmocka_unit_test(changes_are_counted_for_each_key_group),
        cmocka_unit_test(there_is_a_bound_of_snapshots_at_once),
        cmocka_unit_test(another_thread_reads_and_frees_while_the_owner_writes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
