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
#include "ttl_world.h"

#include <stdio.h>
#include <string.h>

#define KEYS     100
#define ACCESSES 4000

/* --- the hash map ----------------------------------------------------------------------------- */

static void files_of_the_hash_map_leave_out_what_has_expired(void **state)
{
    state_world *world = ttl_world_new("hashmap");

    (void)state;
    write_old_and_young(world);
    assert_int_equal(raw_entries(world, "value_t"), 1);

    run_script(world, "restore");

    assert_true(only_young_ones_stand(world, 0));
    assert_int_equal(raw_entries(world, "value"), 1);
    run_script(world, "key a;list_t.get => 3;map_t.entries => y=2;value.get => 1");
    state_world_free(world);
}

static void accesses_of_the_hash_map_clean_what_nobody_reads(void **state)
{
    state_world *world = ttl_world_new("hashmap");
    char line[64];

    (void)state;
    for (int i = 0; i < KEYS; i++) {
        (void)snprintf(line, sizeof(line), "key k%d;value_t.update 1;map_t.put x 1", i);
        run_script(world, line);
    }
    run_script(world,
               "key a;list_t.add 1;advance 6;list_t.all 2 3;key b;map_t.put y 1;list_t.add 4;"
               "advance 4");
    assert_int_equal(raw_entries(world, "value_t"), KEYS);

    for (int i = 0; i < ACCESSES; i++) {
        run_script(world, "key b;value_t.get => -;map_t.get y => 1;list_t.get => 4");
    }

    assert_int_equal(raw_entries(world, "value_t"), 0);
    assert_int_equal(raw_entries(world, "map_t"), 1);
    assert_int_equal(raw_elements(world, "list_t"), 3);
    run_script(world, "key a;list_t.get => 2,3");
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

static void a_restored_state_is_cleaned_once_it_is_opened(void **state)
{
    state_world *world = ttl_world_new("hashmap");
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
    run_script(world, "key a;list_t.add 1;value.update 1");
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

/* --- files of the hash map by name ------------------------------------------------------------ */

static cairn_code note_name(void *context, const state_file *file, cairn_error *err)
{
    (void)err;
    (void)snprintf(context, STATE_HEAP_NAME_BYTES, "%s", file->name);
    return CAIRN_OK;
}

/* The name of the one file that a snapshot has: equal names stand for equal contents. */
static void name_of_file(state_world *world, const char *dir, char name[STATE_HEAP_NAME_BYTES])
{
    CAIRN_AUTO_PTR(state_snapshot_free) state_snapshot *snapshot = NULL;
    const cairn_call call = {0};
    char path[TMPDIR_PATH_BYTES];

    ASSERT_OK(world->engine->ops->snapshot(world->engine, &snapshot, NULL), NULL);
    (void)tmpdir_join(world->dir, dir, path);
    ASSERT_OK(snapshot->ops->write(snapshot, &call, path, NULL, NULL, NULL), NULL);
    ASSERT_OK(snapshot->ops->visit_files(snapshot, path, note_name, name, NULL), NULL);
}

static void a_file_that_left_out_what_counts_again_is_written_anew(void **state)
{
    state_world *world = ttl_world_new("hashmap");
    char names[5][STATE_HEAP_NAME_BYTES];

    (void)state;
    run_script(world, "key a;value_t.update 1;value.update 1;advance 15");
    name_of_file(world, "first", names[0]);
    name_of_file(world, "again", names[1]);
    (void)open_for(world, "value_t", 20);
    name_of_file(world, "longer", names[2]);
    (void)open_for(world, "value_t", 15);
    name_of_file(world, "shorter", names[3]);
    atomic_fetch_sub(&world->now_ms, 1);
    name_of_file(world, "back", names[4]);

    assert_string_equal(names[1], names[0]);
    assert_string_not_equal(names[2], names[1]);
    assert_string_equal(names[3], names[2]);
    assert_string_not_equal(names[4], names[3]);
    state_world_free(world);
}

static void a_snapshot_has_what_counted_when_it_began(void **state)
{
    (void)state;
    for (size_t i = 0; i < state_engine_kind_count; i++) {
        state_world *world = ttl_world_new(state_engine_kinds[i].name);

        run_script(world,
                   "key a;value_t.update 1;list_t.add 1;advance 9;snapshot;advance 5;restore");
        assert_int_equal(raw_entries(world, "value_t"), 1);
        assert_int_equal(raw_elements(world, "list_t"), 1);
        state_world_free(world);
    }
}

/* --- times ------------------------------------------------------------------------------------ */

static void another_time_to_live_counts_for_what_is_stored(void **state)
{
    (void)state;
    for (size_t i = 0; i < state_engine_kind_count; i++) {
        state_world *world = ttl_world_new(state_engine_kinds[i].name);

        run_script(world, "key a;value_t.update 1;advance 15");
        assert_ptr_equal(open_for(world, "value_t", 20), world->handles[10].value);
        run_script(world, "value_t.get => 1;advance 4;value_t.get => 1");
        (void)open_for(world, "value_t", 19);
        run_script(world, "value_t.get => -");
        state_world_free(world);
    }
}

static void a_time_to_live_beyond_the_end_of_time_never_ends(void **state)
{
    state_world *world = ttl_world_new("hashmap");
    cairn_value_state *const value = open_for(world, "longest", UINT64_MAX);
    cairn_value_state *const shorter = open_for(world, "shorter", UINT64_MAX - STATE_FIRST_MS);

    (void)state;
    run_script(world, "key a");
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
        state_world *world = ttl_world_new(state_engine_kinds[i].name);
        cairn_slice value = {NULL, 0};
        cairn_list_view view = {NULL, 0};
        bool found = false;

        for (unsigned group = STATE_GROUP_WRITES; group < STATE_GROUPS; group++) {
            const state_world_handle *const of = &world->handles[(size_t)group * STATE_KINDS];

            run_script(world, "key a;value_t.update one;value_r.update one;value_s.update one;"
                              "list_t.all one two;list_r.all one two;list_s.all one two;advance 9");
            ASSERT_OK(cairn_value_get(of[0].value, &value, &found, NULL), NULL);
            run_script(world, "advance 1;key b");
            ASSERT_OK(cairn_value_update(of[0].value, value, NULL), NULL);
            run_script(world,
                       "key a;list_t.update one two;list_r.update one two;list_s.update one two");
            ASSERT_OK(cairn_list_get(of[1].list, &view, NULL), NULL);
            assert_true(cairn_list_next(&view, &value));
            run_script(world, "key b");
            ASSERT_OK(cairn_list_add(of[1].list, value, NULL), NULL);
            run_script(world, found_at_b[group]);
        }
        state_world_free(world);
    }
}

static void a_value_that_leaves_no_room_for_its_time_is_refused(void **state)
{
    state_world *world = ttl_world_new("rocksdb");
    const cairn_slice large = {"x", CAIRN_VALUE_BYTES_MAX - STATE_STAMP_BYTES + 1}; /* not read */
    cairn_error err = {0};

    (void)state;
    run_script(world, "key a;value_t.update 1");

    ASSERT_CODE(cairn_value_update(world->handles[10].value, large, &err), CAIRN_E_LIMIT, &err);
    run_script(world, "value_t.get => 1");
    state_world_free(world);
}

static void an_element_that_leaves_no_room_for_its_time_is_refused(void **state)
{
    const cairn_slice large = {"x", CAIRN_LIST_BYTES_MAX - STATE_STAMP_BYTES + 1}; /* not read */
    CAIRN_AUTO(cairn_buf) list = {.limit = CAIRN_LIST_BYTES_MAX};
    cairn_error err = {0};

    (void)state;
    ASSERT_CODE(ttl_append_element(&list, 1, large, &err), CAIRN_E_LIMIT, &err);
    assert_int_equal(list.len, 0);
}

static cairn_code open_bounded(const char *path, state_engine **out, cairn_error *err)
{
    static const heap_options options = {.range = {0, STATE_WORLD_PARALLELISM - 1},
                                         .memory_bytes = (uint64_t)1 << 20};

    return state_heap_open(path, &options, out, err);
}

static void fill_up(state_world *world)
{
    const state_world_handle *const plain = world->handles;
    char key[32];
    cairn_code code = CAIRN_OK;

    for (int i = 0; code == CAIRN_OK; i++) {
        const cairn_slice bytes = {key, (size_t)snprintf(key, sizeof(key), "fill-%d", i)};

        ASSERT_OK(keyed_state_set_key(world->states, bytes, NULL), NULL);
        code = cairn_value_update(plain[0].value, bytes, NULL);
    }
    assert_int_equal(code, CAIRN_E_LIMIT);
}

static void a_full_hash_map_reads_and_shortens_lists(void **state)
{
    static const state_engine_kind bounded = {"bounded", open_bounded};
    state_world *world = state_world_new(&bounded);

    (void)state;
    assert_non_null(world);
    for (int i = 0; i < KEYS; i++) {
        run_script(
            world,
            "key a;list_t.add an-element-that-will-be-gone;key b;list_t.add another-of-them");
    }
    run_script(world, "advance 6;key a;list_t.add 1;key b;list_t.add 2");
    fill_up(world);

    run_script(world, "advance 4;key a;list_t.get => 1");
    for (int i = 0; i < ACCESSES; i++) {
        run_script(world, "key c;value_t.get => -;list_t.get => -");
    }

    assert_int_equal(raw_elements(world, "list_t"), 2);
    run_script(world, "key b;list_t.get => 2");
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
        state_world *world = ttl_world_new(state_engine_kinds[i].name);
        const state_world_handle *const of =
            &world->handles[(size_t)STATE_GROUP_WRITES * STATE_KINDS];
        cairn_list_view view;
        cairn_slice value;
        bool found = false;
        cairn_error err = {0};

        run_script(world, "key a;value_t.update 1;list_t.add 1;map_t.put x 1");
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
        run_script(world, "key b;value_t.update 1;list_t.update 1;map_t.put x 1;restore");
        assert_int_equal(raw_entries(world, "value_t"), 2);
        assert_int_equal(raw_entries(world, "list_t"), 2);
        assert_int_equal(raw_entries(world, "map_t"), 2);
        run_script(world,
                   "key a;value_t.update 2;value_t.get => 2;map_t.put x 2;map_t.entries => x=2");
        state_world_free(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_the_hash_map_leave_out_what_has_expired),
        cmocka_unit_test(accesses_of_the_hash_map_clean_what_nobody_reads),
        cmocka_unit_test(a_restored_state_is_cleaned_once_it_is_opened),
        cmocka_unit_test(a_file_that_left_out_what_counts_again_is_written_anew),
        cmocka_unit_test(a_snapshot_has_what_counted_when_it_began),
        cmocka_unit_test(another_time_to_live_counts_for_what_is_stored),
        cmocka_unit_test(a_time_to_live_beyond_the_end_of_time_never_ends),
        cmocka_unit_test_setup_teardown(the_clock_is_the_wall_clock_if_none_is_given,
                                        keyed_world_setup, keyed_world_teardown),
        cmocka_unit_test(a_filter_asks_the_clock_once_for_a_thousand_entries),
        cmocka_unit_test(what_a_read_gave_may_be_written_elsewhere),
        cmocka_unit_test(a_value_that_leaves_no_room_for_its_time_is_refused),
        cmocka_unit_test(an_element_that_leaves_no_room_for_its_time_is_refused),
        cmocka_unit_test(a_full_hash_map_reads_and_shortens_lists),
        cmocka_unit_test(what_has_no_time_is_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
