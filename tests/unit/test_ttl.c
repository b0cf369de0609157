/*
 * Times to live below what a user sees (that is tests/contract/test_state_kinds.c): what has
 * expired leaves memory and disk, damage is told, the clock is asked as seldom as it may be.
 */
#include "test.h"

#include "bounds.h"
#include "clock.h"
#include "errors.h"
#include "fsutil.h"
#include "keyed_world.h"
#include "state_elements.h"
#include "state_heap.h"
#include "state_info.h"
#include "state_stamp.h"
#include "state_ttl_form.h"
#include "state_world.h"

#include <stdio.h>
#include <string.h>

#define KEYS           100
#define ACCESSES       4000
#define ROUNDS_MAX     400
#define ROUND_SLEEP_MS 5

static const state_engine_kind *engine_kind(const char *name)
{
    for (size_t i = 0; i < state_engine_kind_count; i++) {
        if (strcmp(state_engine_kinds[i].name, name) == 0) {
            return &state_engine_kinds[i];
        }
    }
    fail_msg("no engine %s", name);
    return NULL;
}

static state_world *new_world(const char *engine)
{
    state_world *world = state_world_new(engine_kind(engine));

    assert_non_null(world);
    return world;
}

static void run(state_world *world, const char *script)
{
    const state_subject subject = state_world_subject(world);

    assert_true(state_script_run(script, &subject));
}

/* --- what the engine's table holds, expired or not -------------------------------------------- */

typedef struct raw_count {
    size_t entries;
    size_t elements; /* of lists */
} raw_count;

static raw_count count_raw(state_engine *engine, const char *state, bool is_list)
{
    state_table *const table = engine->ops->find_table(engine, state);
    raw_count count = {0, 0};
    state_cursor *cursor = NULL;
    cairn_slice key;
    cairn_slice value;
    cairn_slice element;

    if (table == NULL) {
        return count;
    }
    ASSERT_OK(table->ops->scan(table, &cursor, NULL), NULL);
    while (cursor->ops->next(cursor, &key, &value)) {
        count.entries++;
        while (is_list && element_next(&value, &element)) {
            count.elements++;
        }
    }
    ASSERT_OK(cursor->ops->status(cursor, NULL), NULL);
    state_cursor_free(cursor);
    return count;
}

static size_t raw_entries(const state_world *world, const char *state)
{
    return count_raw(world->engine, state, false).entries;
}

static size_t raw_elements(const state_world *world, const char *state)
{
    return count_raw(world->engine, state, true).elements;
}

/* Old entries of each kind under key a, of which the list and the map hold a young one too. */
static void write_old_and_young(state_world *world)
{
    run(world, "key a;value_t.update 1;list_t.all 1 2;map_t.put x 1;reducing_t.add 1;"
               "aggregating_t.add 1;value.update 1;advance 6;list_t.add 3;map_t.put y 2;advance 4");
}

static bool only_young_ones_stand(const state_world *world, size_t others)
{
    return raw_entries(world, "value_t") == others && raw_entries(world, "list_t") == 1 + others &&
           raw_elements(world, "list_t") == 1 + others &&
           raw_entries(world, "map_t") == 1 + others &&
           raw_entries(world, "reducing_t") == others &&
           raw_entries(world, "aggregating_t") == others;
}

/* --- the hash map ----------------------------------------------------------------------------- */

static void files_of_the_hash_map_leave_out_what_has_expired(void **state)
{
    state_world *world = new_world("hashmap");

    (void)state;
    write_old_and_young(world);
    assert_int_equal(raw_entries(world, "value_t"), 1);

    run(world, "restore");

    assert_true(only_young_ones_stand(world, 0));
    assert_int_equal(raw_entries(world, "value"), 1);
    run(world, "key a;list_t.get => 3;map_t.entries => y=2;value.get => 1");
    state_world_free(world);
}

static void accesses_of_the_hash_map_clean_what_nobody_reads(void **state)
{
    state_world *world = new_world("hashmap");
    char line[64];

    (void)state;
    for (int i = 0; i < KEYS; i++) {
        (void)snprintf(line, sizeof(line), "key k%d;value_t.update 1;map_t.put x 1", i);
        run(world, line);
    }
    run(world, "key a;list_t.add 1;advance 6;list_t.all 2 3;key b;map_t.put y 1;list_t.add 4;"
               "advance 4");
    assert_int_equal(raw_entries(world, "value_t"), KEYS);

    for (int i = 0; i < ACCESSES; i++) {
        run(world, "key b;value_t.get => -;map_t.get y => 1;list_t.get => 4");
    }

    assert_int_equal(raw_entries(world, "value_t"), 0);
    assert_int_equal(raw_entries(world, "map_t"), 1);
    assert_int_equal(raw_elements(world, "list_t"), 3);
    run(world, "key a;list_t.get => 2,3");
    state_world_free(world);
}

/* The engine of a keyed state that opens nothing. */
static state_engine *load_unopened(const tmpdir *dir, const char *name, cairn_state_info *infos,
                                   keyed_state **out)
{
    static const cairn_clock late = {NULL, NULL}; /* the wall clock: long after STATE_FIRST_MS */
    keyed_state_options options = keyed_world_whole;
    state_engine *engine = NULL;
    char path[TMPDIR_PATH_BYTES];

    ASSERT_OK(engine_kind("hashmap")->open(tmpdir_join(dir, name, path), &engine, NULL), NULL);
    options.engine = engine;
    options.restored = infos;
    options.restored_count = 1;
    options.clock = late;
    ASSERT_OK(keyed_state_new(&options, out, NULL), NULL);
    return engine;
}

static void write_snapshot(state_engine *engine, const tmpdir *dir, const char *name)
{
    CAIRN_AUTO_PTR(state_snapshot_free) state_snapshot *snapshot = NULL;
    const cairn_call call = {0};
    char path[TMPDIR_PATH_BYTES];
    cairn_error err = {0};

    ASSERT_OK(engine->ops->snapshot(engine, &snapshot, &err), &err);
    ASSERT_OK(snapshot->ops->write(snapshot, &call, tmpdir_join(dir, name, path), NULL, NULL, &err),
              &err);
}

/* By which time to live? The program that opens it says. */
static void a_restored_state_is_cleaned_once_it_is_opened(void **state)
{
    state_world *world = new_world("hashmap");
    cairn_state_info info = {.name = (char[]){"list_t"},
                             .kind = CAIRN_STATE_LIST,
                             .key_serializer = {(char[]){"bytes"}, 1},
                             .value_serializer = {(char[]){"bytes"}, 1},
                             .ttl_ms = STATE_TTL_MS};
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;
    cairn_list_state *list = NULL;
    keyed_state *states = NULL;
    state_engine *engine;
    cairn_error err = {0};

    (void)state;
    run(world, "key a;list_t.add 1;value.update 1");
    write_snapshot(world->engine, world->dir, "first");
    engine = load_unopened(world->dir, "first", &info, &states);
    write_snapshot(engine, world->dir, "second");
    keyed_state_free(states);
    state_engine_close(engine);
    engine = load_unopened(world->dir, "second", &info, &states);
    assert_int_equal(count_raw(engine, "list_t", true).elements, 1);

    descriptor.name = "list_t";
    descriptor.ttl.ttl_ms = STATE_TTL_MS;
    ASSERT_OK(keyed_state_open_list(states, &descriptor, &list, &err), &err);
    write_snapshot(engine, world->dir, "third");
    keyed_state_free(states);
    state_engine_close(engine);
    engine = load_unopened(world->dir, "third", &info, &states);

    assert_int_equal(count_raw(engine, "list_t", true).entries, 0);
    assert_int_equal(count_raw(engine, "value", false).entries, 1);
    keyed_state_free(states);
    state_engine_close(engine);
    state_world_free(world);
}

/* --- RocksDB ---------------------------------------------------------------------------------- */

/* A file in level 0 of each family with a time to live. */
static void flush_round(state_world *world, int round)
{
    char name[32];

    run(world, "key b;value_t.update 1;list_t.update 1;map_t.put x 1;reducing_t.clear;"
               "reducing_t.add 1;aggregating_t.clear;aggregating_t.add 1;value.update 1");
    (void)snprintf(name, sizeof(name), "round-%d", round);
    write_snapshot(world->engine, world->dir, name);
}

static void compactions_of_rocksdb_drop_what_has_expired(void **state)
{
    state_world *world = new_world("rocksdb");
    int round = 0;

    (void)state;
    write_old_and_young(world);

    /* The first compaction joins the appends of a list, a later one looks into it. */
    for (; round < ROUNDS_MAX && !only_young_ones_stand(world, 1); round++) {
        flush_round(world, round);
        clock_sleep_ms(ROUND_SLEEP_MS);
    }

    assert_true(only_young_ones_stand(world, 1));
    assert_int_equal(raw_entries(world, "value"), 2);
    run(world, "key a;list_t.get => 3;map_t.entries => y=2;value.get => 1;restore;key a;"
               "list_t.get => 3;map_t.entries => y=2;value.get => 1");
    state_world_free(world);
}

/* How often the newest options file of a database says so. */
static size_t count_in_options(const char *dir, const char *text)
{
    CAIRN_AUTO(fs_names) names = {0};
    CAIRN_AUTO(cairn_buf) options = {0};
    CAIRN_AUTO_FREE char *path = NULL;
    const char *newest = NULL;
    size_t count = 0;

    ASSERT_OK(fs_list(dir, &names, NULL), NULL);
    for (size_t i = 0; i < names.count; i++) {
        newest = strncmp(names.items[i], "OPTIONS-", 8) == 0 ? names.items[i] : newest;
    }
    assert_non_null(newest);
    ASSERT_OK(fs_join(dir, newest, &path, NULL), NULL);
    ASSERT_OK(fs_read_file(path, (size_t)16 << 20, &options, NULL), NULL);
    for (const char *at = buf_text(&options); (at = strstr(at, text)) != NULL; at++) {
        count++;
    }
    return count;
}

static void files_of_families_that_expire_are_compacted_by_age(void **state)
{
    state_world *world = new_world("rocksdb");
    char path[TMPDIR_PATH_BYTES];

    (void)state;
    run(world, "key a;value_t.update 1;value_r.update 1;value_s.update 1");
    write_snapshot(world->engine, world->dir, "links");
    (void)tmpdir_join(world->dir, "links", path);

    /* Those of the states with a time to live, of all and of the family that RocksDB makes. */
    assert_int_equal(count_in_options(path, "periodic_compaction_seconds=2592000"),
                     (STATE_GROUPS - STATE_GROUP_WRITES) * STATE_KINDS);
    assert_int_equal(count_in_options(path, "periodic_compaction_seconds=0"),
                     STATE_GROUP_WRITES * STATE_KINDS + 1);
    state_world_free(world);
}

/* --- times ------------------------------------------------------------------------------------ */

static cairn_value_state *open_for(state_world *world, const char *name, uint64_t ttl_ms)
{
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;
    cairn_value_state *value = NULL;
    cairn_error err = {0};

    descriptor.name = name;
    descriptor.ttl.ttl_ms = ttl_ms;
    ASSERT_OK(keyed_state_open_value(world->states, &descriptor, &value, &err), &err);
    return value;
}

static void another_time_to_live_counts_for_what_is_stored(void **state)
{
    (void)state;
    for (size_t i = 0; i < state_engine_kind_count; i++) {
        state_world *world = new_world(state_engine_kinds[i].name);

        run(world, "key a;value_t.update 1;advance 15");
        assert_ptr_equal(open_for(world, "value_t", 20), world->handles[10].value);
        run(world, "value_t.get => 1;advance 4;value_t.get => 1");
        (void)open_for(world, "value_t", 19);
        run(world, "value_t.get => -");
        state_world_free(world);
    }
}

static void a_time_to_live_beyond_the_end_of_time_never_ends(void **state)
{
    state_world *world = new_world("hashmap");
    cairn_value_state *const value = open_for(world, "longest", UINT64_MAX);
    cairn_value_state *const shorter = open_for(world, "shorter", UINT64_MAX - STATE_FIRST_MS);

    (void)state;
    run(world, "key a");
    update(value, "1");
    update(shorter, "2");
    atomic_store(&world->now_ms, UINT64_MAX - 1);
    assert_value(value, "1");
    assert_value(shorter, "2");
    atomic_store(&world->now_ms, UINT64_MAX);
    assert_value(value, "1");
    assert_value(shorter, NULL);
    state_world_free(world);
}

static void the_clock_is_the_wall_clock_if_none_is_given(void **state)
{
    static const uint64_t hour_ms = UINT64_C(3600) * 1000;
    keyed_world *world = *state;
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;
    cairn_value_state *values[2] = {NULL, NULL};

    for (size_t i = 0; i < 2; i++) {
        descriptor.name = i == 0 ? "brief" : "long";
        descriptor.ttl.ttl_ms = i == 0 ? 1 : hour_ms;
        ASSERT_OK(keyed_state_open_value(world->states, &descriptor, &values[i], NULL), NULL);
    }
    set_key(world, "a");
    update(values[0], "1");
    update(values[1], "2");
    clock_sleep_ms(10);

    assert_value(values[0], NULL);
    assert_value(values[1], "2");
}

static uint64_t counting_now(void *context)
{
    return ++*(uint64_t *)context;
}

static void a_filter_asks_the_clock_once_for_a_thousand_entries(void **state)
{
    static const uint8_t stamped[STATE_STAMP_BYTES] = {0, 0, 0, 0, 0, 0, 0, 1};
    uint64_t asked = 0;
    entry_filter_run filter = {.filter = {ttl_judge_value, 1, {counting_now, &asked}}};
    size_t kept = 0;

    (void)state;
    for (size_t i = 0; i < (size_t)2 * CAIRN_FILTER_CLOCK_ENTRIES; i++) {
        cairn_slice value = {stamped, sizeof(stamped)};

        kept += entry_filter_apply(&filter, &value) == CAIRN_ENTRY_KEEP;
    }
    entry_filter_run_release(&filter);

    assert_int_equal(asked, 2);
    assert_int_equal(kept, CAIRN_FILTER_CLOCK_ENTRIES); /* at 1 ms, not at 2 */
}

/* --- slices, bounds, damage ------------------------------------------------------------------- */

static void what_a_read_gave_may_be_written_elsewhere(void **state)
{
    static const char *const found_at_b[STATE_GROUPS] = {
        [STATE_GROUP_WRITES] = "key b;value_t.get => one;list_t.get => one",
        [STATE_GROUP_READS] = "key b;value_r.get => one;list_r.get => one",
        [STATE_GROUP_SHOWS] = "key b;value_s.get => one;list_s.get => one"};

    (void)state;
    for (size_t i = 0; i < state_engine_kind_count; i++) {
        state_world *world = new_world(state_engine_kinds[i].name);
        cairn_slice value = {NULL, 0};
        cairn_list_view view = {NULL, 0};
        bool found = false;

        for (unsigned group = STATE_GROUP_WRITES; group < STATE_GROUPS; group++) {
            const state_world_handle *const of = &world->handles[(size_t)group * STATE_KINDS];

            run(world, "key a;value_t.update one;value_r.update one;value_s.update one;"
                       "list_t.all one two;list_r.all one two;list_s.all one two;advance 9");
            ASSERT_OK(cairn_value_get(of[0].value, &value, &found, NULL), NULL);
            run(world, "advance 1;key b");
            ASSERT_OK(cairn_value_update(of[0].value, value, NULL), NULL);
            run(world, "key a;list_t.update one two;list_r.update one two;list_s.update one two");
            ASSERT_OK(cairn_list_get(of[1].list, &view, NULL), NULL);
            assert_true(cairn_list_next(&view, &value));
            run(world, "key b");
            ASSERT_OK(cairn_list_add(of[1].list, value, NULL), NULL);
            run(world, found_at_b[group]);
        }
        state_world_free(world);
    }
}

static void a_value_that_leaves_no_room_for_its_time_is_refused(void **state)
{
    state_world *world = new_world("rocksdb");
    const cairn_slice large = {"x", CAIRN_VALUE_BYTES_MAX - STATE_STAMP_BYTES + 1}; /* not read */
    cairn_error err = {0};

    (void)state;
    run(world, "key a;value_t.update 1");

    ASSERT_CODE(cairn_value_update(world->handles[10].value, large, &err), CAIRN_E_LIMIT, &err);
    run(world, "value_t.get => 1");
    state_world_free(world);
}

/* Bytes that are too short for a time, as the value of key a of a state. */
static void plant_raw(const state_world *world, const char *state, cairn_slice bytes)
{
    state_table *const table = world->engine->ops->find_table(world->engine, state);
    state_cursor *cursor = NULL;
    cairn_slice key = {NULL, 0};
    cairn_slice value;
    CAIRN_AUTO(cairn_buf) copy = {0};

    ASSERT_OK(table->ops->scan(table, &cursor, NULL), NULL);
    assert_true(cursor->ops->next(cursor, &key, &value));
    ASSERT_OK(cairn_buf_assign(&copy, key, NULL), NULL);
    state_cursor_free(cursor);
    const uint32_t group = cairn_key_group_of(cairn_slice_of("a"), STATE_WORLD_PARALLELISM);
    const state_place place = {cairn_buf_slice(&copy), group, copy.len - 1}; /* a map's x */
    ASSERT_OK(table->ops->put(table, &place, bytes, NULL), NULL);
}

static cairn_code count_key(void *context, const cairn_state_key *key, cairn_error *err)
{
    (void)key;
    (void)err;
    (*(size_t *)context)++;
    return CAIRN_OK;
}

static cairn_code read_keys(const state_world *world, const char *state, cairn_error *err)
{
    size_t count = 0;

    return keyed_state_visit_keys(world->states, state, NULL, count_key, &count, err);
}

static cairn_code read_entries(const state_world *world, cairn_error *err)
{
    cairn_map_iterator *iterator = NULL;
    cairn_slice key;
    cairn_slice value;
    bool found = false;
    cairn_code code;

    CAIRN_TRY(cairn_map_iterate(world->handles[12].map, &iterator, err));
    code = cairn_map_iterator_next(iterator, &key, &value, &found, err);
    cairn_map_iterator_free(iterator);
    return code;
}

static void expect_damage(cairn_code code, cairn_error *err)
{
    assert_int_equal(code, CAIRN_E_INTEGRITY);
    ASSERT_MESSAGE_HAS(err, "read a");
    *err = (cairn_error){0};
}

static void what_has_no_time_is_damage(void **state)
{
    (void)state;
    for (size_t i = 0; i < state_engine_kind_count; i++) {
        state_world *world = new_world(state_engine_kinds[i].name);
        const state_world_handle *const of =
            &world->handles[(size_t)STATE_GROUP_WRITES * STATE_KINDS];
        cairn_list_view view;
        cairn_slice value;
        bool found = false;
        cairn_error err = {0};

        run(world, "key a;value_t.update 1;list_t.add 1;map_t.put x 1");
        plant_raw(world, "value_t", cairn_slice_of("short"));
        plant_raw(world, "list_t", cairn_slice_of("\5short"));
        plant_raw(world, "map_t", cairn_slice_of("short"));
        expect_damage(cairn_value_get(of[0].value, &value, &found, &err), &err);
        expect_damage(cairn_list_get(of[1].list, &view, &err), &err);
        expect_damage(cairn_map_get(of[2].map, cairn_slice_of("x"), &value, &found, &err), &err);
        expect_damage(cairn_map_is_empty(of[2].map, &found, &err), &err);
        expect_damage(read_entries(world, &err), &err);
        plant_raw(world, "list_t", cairn_slice_of("\x7f"));
        expect_damage(cairn_list_get(of[1].list, &view, &err), &err);
        expect_damage(read_keys(world, "value_t", &err), &err);

        /* It is not cleaned away: somebody may want to look at it. */
        run(world, "key b;value_t.update 1;list_t.update 1;map_t.put x 1;restore");
        assert_int_equal(raw_entries(world, "value_t"), 2);
        assert_int_equal(raw_entries(world, "list_t"), 2);
        assert_int_equal(raw_entries(world, "map_t"), 2);
        run(world, "key a;value_t.update 2;value_t.get => 2;map_t.put x 2;map_t.entries => x=2");
        state_world_free(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_the_hash_map_leave_out_what_has_expired),
        cmocka_unit_test(accesses_of_the_hash_map_clean_what_nobody_reads),
        cmocka_unit_test(a_restored_state_is_cleaned_once_it_is_opened),
        cmocka_unit_test(compactions_of_rocksdb_drop_what_has_expired),
        cmocka_unit_test(files_of_families_that_expire_are_compacted_by_age),
        cmocka_unit_test(another_time_to_live_counts_for_what_is_stored),
        cmocka_unit_test(a_time_to_live_beyond_the_end_of_time_never_ends),
        cmocka_unit_test_setup_teardown(the_clock_is_the_wall_clock_if_none_is_given,
                                        keyed_world_setup, keyed_world_teardown),
        cmocka_unit_test(a_filter_asks_the_clock_once_for_a_thousand_entries),
        cmocka_unit_test(what_a_read_gave_may_be_written_elsewhere),
        cmocka_unit_test(a_value_that_leaves_no_room_for_its_time_is_refused),
        cmocka_unit_test(what_has_no_time_is_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
