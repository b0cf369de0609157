/* cairn_history_restore_key: of a checkpoint, what holds one key. */
#include "test.h"

#include "fsutil.h"
#include "job_world.h"

#include <stdio.h>

#define MAX_PARALLELISM 128
#define KEYS            300 /* some in nearly every key group */
#define VALUE           "value of key-7"

static int setup(void **state)
{
    return job_world_new((job_world **)state);
}

static int teardown(void **state)
{
    job_world_free(*state);
    return 0;
}

static cairn_slice key_of(int number, char text[32])
{
    return (cairn_slice){text, (size_t)snprintf(text, 32, "key-%d", number)};
}

/* A checkpoint in which key-<n> has "value of key-<n>". */
static void write_checkpoint(job_world *world, cairn_state_backend engine)
{
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;
    cairn_value_state *values = NULL;
    cairn_error err = {0};
    char key[32];
    char value[64];
    world->state_backend = engine;
    cairn_backend_options options = job_options(world);
    options.max_parallelism = MAX_PARALLELISM;
    cairn_backend *backend = job_open(world, "a", &options);

    descriptor.name = "values";
    ASSERT_OK(cairn_value_state_open(backend, &descriptor, &values, &err), &err);
    for (int i = 0; i < KEYS; i++) {
        ASSERT_OK(cairn_backend_set_key(backend, key_of(i, key), &err), &err);
        const int bytes = snprintf(value, sizeof value, "value of %s", key);
        ASSERT_OK(cairn_value_update(values, (cairn_slice){value, (size_t)bytes}, &err), &err);
    }
    job_checkpoint(backend, 1);
    cairn_backend_close(backend);
}

static cairn_code restore_key(job_world *world, const char *uid, cairn_slice key, const char *dir,
                              cairn_error *err)
{
    const cairn_history_key of = {uid, key};
    cairn_history *history = NULL;

    ASSERT_OK(cairn_history_load(world->directory, NULL, JOB_NAME, &history, err), err);
    const cairn_code code = cairn_history_restore_key(history, NULL, 0, &of, dir, err);
    cairn_history_free(history);
    return code;
}

static void read_key(const char *dir, cairn_slice key, cairn_buf *out, bool *out_found)
{
    const cairn_state_entry at = {.key = key};
    cairn_state_reader *reader = NULL;
    cairn_error err = {0};

    ASSERT_OK(cairn_state_reader_open(dir, "op", &reader, &err), &err);
    ASSERT_OK(cairn_state_reader_get(reader, "values", &at, out, out_found, &err), &err);
    cairn_state_reader_free(reader);
}

static void expect_stored(const char *dir, cairn_slice key, const char *value)
{
    CAIRN_AUTO(cairn_buf) read = {0};
    bool found = false;

    read_key(dir, key, &read, &found);

    assert_true(found);
    assert_true(cairn_slice_equal(cairn_buf_slice(&read), cairn_slice_of(value)));
}

static void of_a_hash_map_one_file_comes(void **state)
{
    job_world *const world = *state;
    const cairn_slice key = cairn_slice_of("key-7");
    CAIRN_AUTO(fs_names) names = {0};
    char dir[TMPDIR_PATH_BYTES];
    char files[TMPDIR_PATH_BYTES];
    char prefix[32];
    cairn_error err = {0};
    write_checkpoint(world, CAIRN_STATE_BACKEND_HASHMAP);
    (void)tmpdir_join(world->dir, "out", dir);

    ASSERT_OK(restore_key(world, "op", key, dir, &err), &err);

    ASSERT_OK(fs_list(tmpdir_join(world->dir, "out/op/0", files), &names, &err), &err);
    assert_int_equal(names.count, 1);
    (void)snprintf(prefix, sizeof prefix, "kg-%u-", cairn_key_group_of(key, MAX_PARALLELISM));
    assert_memory_equal(names.items[0], prefix, strlen(prefix));
    expect_stored(dir, key, VALUE);
}

static void of_rocksdb_the_database_comes(void **state)
{
    job_world *const world = *state;
    const cairn_slice key = cairn_slice_of("key-7");
    char dir[TMPDIR_PATH_BYTES];
    cairn_error err = {0};
    write_checkpoint(world, CAIRN_STATE_BACKEND_ROCKSDB);
    (void)tmpdir_join(world->dir, "out", dir);

    ASSERT_OK(restore_key(world, "op", key, dir, &err), &err);

    expect_stored(dir, key, VALUE);
}

/* The files of other key groups are not looked at: one that is damaged stops nobody. */
static void damage_elsewhere_is_not_met_and_its_own_is_named(void **state)
{
    job_world *const world = *state;
    char name[32];
    char text[32];
    char dir[TMPDIR_PATH_BYTES];
    cairn_error err = {0};
    size_t damaged = 0;
    write_checkpoint(world, CAIRN_STATE_BACKEND_HASHMAP);

    job_flip_file_of(world, 1, "kg-"); /* one bit of the object that all group files share */

    for (int i = 0; i < KEYS; i++) {
        (void)snprintf(name, sizeof name, "out-%d", i);
        (void)tmpdir_join(world->dir, name, dir);
        const cairn_code code = restore_key(world, "op", key_of(i, text), dir, &err);
        if (code != CAIRN_OK) {
            ASSERT_CODE(code, CAIRN_E_INTEGRITY, &err);
            ASSERT_MESSAGE_HAS(&err, "is damaged");
            damaged++;
        }
    }
    assert_in_range(damaged, 1, KEYS / 10);
}

static void a_key_whose_group_is_empty_is_not_there(void **state)
{
    job_world *const world = *state;
    cairn_backend_options options = job_options(world);
    CAIRN_AUTO(cairn_buf) read = {0};
    char dir[TMPDIR_PATH_BYTES];
    cairn_error err = {0};
    bool found = true;
    world->state_backend = options.state_backend = CAIRN_STATE_BACKEND_HASHMAP;
    options.max_parallelism = MAX_PARALLELISM;
    cairn_backend *backend = job_open(world, "a", &options);
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;
    cairn_value_state *values = NULL;
    descriptor.name = "values";
    ASSERT_OK(cairn_value_state_open(backend, &descriptor, &values, &err), &err);
    job_checkpoint(backend, 1);
    cairn_backend_close(backend);
    (void)tmpdir_join(world->dir, "out", dir);

    ASSERT_OK(restore_key(world, "op", cairn_slice_of("key-7"), dir, &err), &err);

    read_key(dir, cairn_slice_of("key-7"), &read, &found);
    assert_false(found);
}

static void an_operator_that_is_not_there_is_named_by_the_reader(void **state)
{
    job_world *const world = *state;
    cairn_state_reader *reader = NULL;
    char dir[TMPDIR_PATH_BYTES];
    cairn_error err = {0};
    write_checkpoint(world, CAIRN_STATE_BACKEND_HASHMAP);
    (void)tmpdir_join(world->dir, "out", dir);

    ASSERT_OK(restore_key(world, "other", cairn_slice_of("key-7"), dir, &err), &err);

    ASSERT_CODE(cairn_state_reader_open(dir, "other", &reader, &err), CAIRN_E_NOT_FOUND, &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(of_a_hash_map_one_file_comes, setup, teardown),
        cmocka_unit_test_setup_teardown(of_rocksdb_the_database_comes, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_elsewhere_is_not_met_and_its_own_is_named, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_key_whose_group_is_empty_is_not_there, setup, teardown),
        cmocka_unit_test_setup_teardown(an_operator_that_is_not_there_is_named_by_the_reader, setup,
                                        teardown),
    };

    return cmocka_run_group_tests_name("what holds one key", tests, NULL, NULL);
}
