/* What checkpoints of the hash map do that those of RocksDB don't: files by key group. */
#include "test.h"

#include "bounds.h"
#include "fsutil.h"
#include "job_world.h"

#include <stdio.h>
#include <stdlib.h>

#define KEY_GROUPS    200
#define GROUP_KEYS    50
#define VALUE_BYTES   100
#define WAIT_MS       60000
#define SMALL_BYTES   ((uint64_t)1 << 20)
#define GROUP_FILE    "kg-"
#define SHARED_FOLDER "store/" JOB_NAME "/shared/op"
#define OTHER_ENGINE  "start with state.backend.type hashmap"

static int setup(void **state)
{
    const int failed = job_world_new((job_world **)state);

    if (failed == 0) {
        ((job_world *)*state)->state_backend = CAIRN_STATE_BACKEND_HASHMAP;
    }
    return failed;
}

static int teardown(void **state)
{
    job_world_free(*state);
    return 0;
}

static cairn_backend *open_groups(job_world *world, const char *name)
{
    cairn_backend_options options = job_options(world);

    options.max_parallelism = KEY_GROUPS;
    options.num_retained = 3;
    return job_open(world, name, &options);
}

static cairn_value_state *open_values(cairn_backend *backend)
{
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;
    cairn_value_state *values = NULL;
    cairn_error err = {0};

    descriptor.name = "values";
    ASSERT_OK(cairn_value_state_open(backend, &descriptor, &values, &err), &err);
    return values;
}

/* GROUP_KEYS values in each of the groups [first, end), made of `seed`. */
static void write_groups(cairn_backend *backend, uint32_t first, uint32_t end, char seed)
{
    cairn_value_state *const values = open_values(backend);
    char value[VALUE_BYTES];
    cairn_error err = {0};
    char key[32];

    memset(value, seed, sizeof value);
    for (uint32_t group = first; group < end; group++) {
        for (int i = 0; i < GROUP_KEYS; i++) {
            const cairn_slice bytes = {key, (size_t)snprintf(key, sizeof key, "%u-%d", group, i)};

            ASSERT_OK(cairn_backend_set_key_in_group(backend, bytes, group, &err), &err);
            ASSERT_OK(cairn_value_update(values, (cairn_slice){value, sizeof value}, &err), &err);
        }
    }
}

static void expect_groups(cairn_backend *backend, uint32_t first, uint32_t end, char seed)
{
    cairn_value_state *const values = open_values(backend);
    cairn_error err = {0};
    char key[32];

    for (uint32_t group = first; group < end; group++) {
        for (int i = 0; i < GROUP_KEYS; i++) {
            const cairn_slice bytes = {key, (size_t)snprintf(key, sizeof key, "%u-%d", group, i)};
            cairn_slice value = {0};
            bool found = false;

            ASSERT_OK(cairn_backend_set_key_in_group(backend, bytes, group, &err), &err);
            ASSERT_OK(cairn_value_get(values, &value, &found, &err), &err);
            assert_true(found);
            assert_int_equal(value.len, VALUE_BYTES);
            assert_int_equal(((const char *)value.data)[VALUE_BYTES - 1], seed);
        }
    }
}

static void clear_groups(cairn_backend *backend, uint32_t first, uint32_t end)
{
    cairn_value_state *const values = open_values(backend);
    cairn_error err = {0};
    char key[32];

    for (uint32_t group = first; group < end; group++) {
        for (int i = 0; i < GROUP_KEYS; i++) {
            const cairn_slice bytes = {key, (size_t)snprintf(key, sizeof key, "%u-%d", group, i)};

            ASSERT_OK(cairn_backend_set_key_in_group(backend, bytes, group, &err), &err);
            ASSERT_OK(cairn_value_clear(values, &err), &err);
        }
    }
}

/* Two groups of 200 were written to: their bytes, and those of nothing else, go to the store. */
static void a_checkpoint_uploads_the_key_groups_that_changed(void **state)
{
    job_world *const world = *state;
    cairn_backend *backend = open_groups(world, "a");
    cairn_checkpoint_stats first;
    cairn_checkpoint_stats second;
    cairn_checkpoint_stats third;

    write_groups(backend, 0, KEY_GROUPS, 'a');
    job_checkpoint_stats(backend, 1, &first);
    write_groups(backend, 70, 72, 'b');
    job_checkpoint_stats(backend, 2, &second);
    job_checkpoint_stats(backend, 3, &third);
    cairn_backend_close(backend);

    assert_int_equal(first.total_files, KEY_GROUPS);
    assert_int_equal(first.new_bytes, first.total_bytes);
    assert_int_equal(second.new_files, 2);
    assert_int_equal(second.total_files, KEY_GROUPS);
    assert_true(second.new_bytes * 95 < second.total_bytes);
    assert_int_equal(third.new_files, 0);
    job_expect_no_garbage(world);
    backend = open_groups(world, "b");
    expect_groups(backend, 0, 70, 'a');
    expect_groups(backend, 70, 72, 'b');
    expect_groups(backend, 72, KEY_GROUPS, 'a');
    cairn_backend_close(backend);
}

/* Twice as many changes as entries: a restored engine that counted from its entries would use the
 * name of the restored file for what is new. */
static void the_first_checkpoint_after_a_restore_is_incremental(void **state)
{
    job_world *const world = *state;
    cairn_checkpoint_stats stats;
    cairn_backend *backend = open_groups(world, "a");
    write_groups(backend, 0, KEY_GROUPS, 'x');
    write_groups(backend, 0, KEY_GROUPS, 'a');
    job_checkpoint(backend, 1);
    cairn_backend_close(backend);

    backend = open_groups(world, "b");
    write_groups(backend, 3, 4, 'b');
    job_checkpoint_stats(backend, 2, &stats);
    cairn_backend_close(backend);

    assert_int_equal(stats.new_files, 1);
    backend = open_groups(world, "c");
    expect_groups(backend, 3, 4, 'b');
    expect_groups(backend, 4, KEY_GROUPS, 'a');
    cairn_backend_close(backend);
}

/*
 * Attempt "b" writes what no checkpoint has, as often as "c" will: in "c" the same group has the
 * same number of changes and other contents.
 */
static void a_name_that_a_lost_attempt_has_used_brings_nothing_of_it_back(void **state)
{
    job_world *const world = *state;
    cairn_backend *backend = open_groups(world, "a");
    write_groups(backend, 0, 3, 'a');
    job_checkpoint(backend, 1);
    cairn_backend_close(backend);
    backend = open_groups(world, "b");
    write_groups(backend, 1, 2, 'b');
    job_checkpoint(backend, 2);
    cairn_backend_close(backend);

    cairn_backend_options options = job_options(world);
    options.max_parallelism = KEY_GROUPS;
    options.restore = CAIRN_RESTORE_ID;
    options.restore_id = 1;
    options.num_retained = 3;
    backend = job_open(world, "c", &options);
    write_groups(backend, 1, 2, 'c');
    job_checkpoint(backend, 3);
    cairn_backend_close(backend);

    backend = open_groups(world, "d");
    expect_groups(backend, 0, 1, 'a');
    expect_groups(backend, 1, 2, 'c');
    expect_groups(backend, 2, 3, 'a');
    cairn_backend_close(backend);
}

/* A group without entries has no file, so its number is forgotten at the restore. */
static void a_group_that_was_empty_comes_back_with_what_is_new(void **state)
{
    job_world *const world = *state;
    cairn_backend *backend = open_groups(world, "a");
    write_groups(backend, 0, 3, 'a');
    job_checkpoint(backend, 1);
    clear_groups(backend, 1, 2);
    job_checkpoint(backend, 2);
    cairn_backend_close(backend);

    backend = open_groups(world, "b");
    write_groups(backend, 1, 2, 'b');
    job_checkpoint(backend, 3);
    cairn_backend_close(backend);

    backend = open_groups(world, "c");
    expect_groups(backend, 0, 1, 'a');
    expect_groups(backend, 1, 2, 'b');
    cairn_backend_close(backend);
}

static size_t count_shared_objects(const job_world *world)
{
    CAIRN_AUTO(fs_names) names = {0};
    char path[TMPDIR_PATH_BYTES];
    cairn_error err = {0};

    ASSERT_OK(fs_list(tmpdir_join(world->dir, SHARED_FOLDER, path), &names, &err), &err);
    return names.count;
}

/*
 * 200 groups share an object. Once less than half of them are named, the rest is stored again, and
 * nothing holds the object any more (job_expect_no_garbage: what stands is what is named).
 */
static void an_object_that_is_mostly_dead_is_replaced(void **state)
{
    job_world *const world = *state;
    cairn_backend *backend = open_groups(world, "a");
    cairn_checkpoint_stats stats;
    write_groups(backend, 0, KEY_GROUPS, 'a');
    job_checkpoint(backend, 1);
    write_groups(backend, 0, 90, 'b');
    job_checkpoint(backend, 2);
    write_groups(backend, 90, 120, 'b');
    job_checkpoint_stats(backend, 3, &stats);
    assert_int_equal(stats.new_files, 30); /* 110 of 200 were named until now */

    job_checkpoint_stats(backend, 4, &stats);
    assert_int_equal(stats.new_files, KEY_GROUPS - 120);
    assert_int_equal(stats.total_files, KEY_GROUPS);

    for (uint64_t id = 5; id <= 7; id++) { /* those that named the object are retired */
        job_checkpoint_stats(backend, id, &stats);
        assert_int_equal(stats.new_files, 0);
    }
    cairn_backend_close(backend);
    job_expect_no_garbage(world);
    assert_int_equal(count_shared_objects(world), 3);
    backend = open_groups(world, "b");
    expect_groups(backend, 0, 120, 'b');
    expect_groups(backend, 120, KEY_GROUPS, 'a');
    cairn_backend_close(backend);
}

static void a_state_without_entries_can_be_opened_after_a_restore(void **state)
{
    job_world *const world = *state;
    cairn_backend *backend = open_groups(world, "a");
    (void)open_values(backend);
    job_checkpoint(backend, 1);
    cairn_backend_close(backend);

    backend = open_groups(world, "b");
    write_groups(backend, 0, 1, 'b');
    expect_groups(backend, 0, 1, 'b');
    cairn_backend_close(backend);
}

/* A checkpoint that failed after its files were written must not be the next one's base. */
static void after_a_failed_checkpoint_the_next_one_is_whole(void **state)
{
    job_world *const world = *state;
    cairn_checkpoint_request request = CAIRN_CHECKPOINT_REQUEST_INIT;
    cairn_checkpoint *checkpoint = NULL;
    cairn_error err = {0};
    cairn_backend *backend = open_groups(world, "a");
    write_groups(backend, 0, KEY_GROUPS, 'a');
    job_checkpoint(backend, 1);
    write_groups(backend, 5, 9, 'b');

    ASSERT_OK(cairn_checkpoint_begin(backend, &request, &checkpoint, &err), &err);
    cairn_checkpoint_cancel(checkpoint);
    (void)cairn_checkpoint_wait(checkpoint, WAIT_MS, &err);
    cairn_checkpoint_free(checkpoint);
    write_groups(backend, 6, 7, 'c');
    job_checkpoint(backend, 2);
    cairn_backend_close(backend);

    backend = open_groups(world, "b");
    expect_groups(backend, 5, 6, 'b');
    expect_groups(backend, 6, 7, 'c');
    expect_groups(backend, 7, 9, 'b');
    cairn_backend_close(backend);
}

/* The folder of the restored files is emptied: the state is in memory. */
static void the_local_folder_holds_no_copy_of_the_state(void **state)
{
    job_world *const world = *state;
    char path[TMPDIR_PATH_BYTES];
    cairn_backend *backend = open_groups(world, "a");
    write_groups(backend, 0, 3, 'a');
    job_checkpoint(backend, 1);
    cairn_backend_close(backend);

    backend = open_groups(world, "b");

    assert_false(fs_exists(tmpdir_join(world->dir, "local-b/db", path)));
    cairn_backend_close(backend);
}

static void another_engine_is_refused_before_anything_is_claimed(void **state)
{
    job_world *const world = *state;
    cairn_backend_options options = job_options(world);
    cairn_backend *backend = open_groups(world, "a");
    cairn_backend *other = NULL;
    cairn_error err = {0};
    write_groups(backend, 0, 3, 'a');
    job_checkpoint(backend, 1);

    options.state_backend = CAIRN_STATE_BACKEND_ROCKSDB;
    ASSERT_CODE(job_try_open(world, "b", &options, &other, &err), CAIRN_E_INCOMPATIBLE, &err);

    ASSERT_MESSAGE_HAS(&err, OTHER_ENGINE);
    job_checkpoint(backend, 2); /* it was not fenced */
    cairn_backend_close(backend);
}

/* The files alone hold more than the memory that is given. */
static void a_checkpoint_that_memory_cannot_hold_is_refused_before_anything_is_claimed(void **state)
{
    job_world *const world = *state;
    cairn_backend_options options = job_options(world);
    cairn_backend *backend = open_groups(world, "a");
    cairn_backend *other = NULL;
    cairn_error err = {0};
    job_write(world, backend, 0, JOB_KEYS);
    job_checkpoint(backend, 1);

    options.memory_bytes = CAIRN_ROCKS_MEMORY_BYTES_MIN;
    ASSERT_CODE(job_try_open(world, "b", &options, &other, &err), CAIRN_E_LIMIT, &err);

    ASSERT_MESSAGE_HAS(&err, "cairn.hashmap.memory");
    job_checkpoint(backend, 2); /* it was not fenced */
    cairn_backend_close(backend);
}

static void rocksdb_is_refused_by_the_hash_map_too(void **state)
{
    job_world *const world = *state;
    cairn_backend_options options = job_options(world);
    cairn_backend *other = NULL;
    cairn_error err = {0};
    options.state_backend = CAIRN_STATE_BACKEND_ROCKSDB;
    cairn_backend *backend = job_open(world, "a", &options);
    job_write(world, backend, 0, 10);
    job_checkpoint(backend, 1);
    cairn_backend_close(backend);

    ASSERT_CODE(job_try_open(world, "b", NULL, &other, &err), CAIRN_E_INCOMPATIBLE, &err);

    ASSERT_MESSAGE_HAS(&err, "engine rocksdb, and hashmap can't read it");
}

static void beyond_its_memory_writes_fail_and_reads_go_on(void **state)
{
    job_world *const world = *state;
    cairn_backend_options options = job_options(world);
    cairn_error err = {0};
    options.memory_bytes = SMALL_BYTES;
    cairn_backend *backend = job_open(world, "a", &options);
    cairn_backend_stats stats;

    ASSERT_CODE(job_try_write(world, backend, 0, JOB_KEYS, &err), CAIRN_E_LIMIT, &err);

    ASSERT_MESSAGE_HAS(&err, "cairn.hashmap.memory");
    cairn_backend_get_stats(backend, &stats);
    assert_true(stats.memory_bytes <= SMALL_BYTES);
    assert_true(stats.state_bytes > 0);
    job_checkpoint(backend, 1);
    cairn_backend_close(backend);

    /* More than half of it is taken: with less memory it does not come back. */
    options.memory_bytes = SMALL_BYTES * 3 / 4;
    ASSERT_CODE(job_try_open(world, "b", &options, &backend, &err), CAIRN_E_LIMIT, &err);
    ASSERT_MESSAGE_HAS(&err, "cairn.hashmap.memory");
}

static void a_flipped_bit_in_a_group_file_is_named(void **state)
{
    job_world *const world = *state;
    cairn_backend_options options = job_options(world);
    cairn_error err = {0};
    options.max_parallelism = KEY_GROUPS;
    cairn_backend *backend = open_groups(world, "a");
    write_groups(backend, 0, 3, 'a');
    job_checkpoint(backend, 1);
    cairn_backend_close(backend);

    job_flip_file_of(world, 1, GROUP_FILE);

    ASSERT_CODE(job_try_open(world, "b", &options, &backend, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "is damaged");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_checkpoint_uploads_the_key_groups_that_changed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_first_checkpoint_after_a_restore_is_incremental, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_name_that_a_lost_attempt_has_used_brings_nothing_of_it_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_group_that_was_empty_comes_back_with_what_is_new, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_object_that_is_mostly_dead_is_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(a_state_without_entries_can_be_opened_after_a_restore,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(after_a_failed_checkpoint_the_next_one_is_whole, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_local_folder_holds_no_copy_of_the_state, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(another_engine_is_refused_before_anything_is_claimed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_checkpoint_that_memory_cannot_hold_is_refused_before_anything_is_claimed, setup,
            teardown),
        cmocka_unit_test_setup_teardown(rocksdb_is_refused_by_the_hash_map_too, setup, teardown),
        cmocka_unit_test_setup_teardown(beyond_its_memory_writes_fail_and_reads_go_on, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_flipped_bit_in_a_group_file_is_named, setup, teardown),
    };

    return cmocka_run_group_tests_name("backend on the hash map", tests, NULL, NULL);
}
