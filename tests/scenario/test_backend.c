/*
 * The life of a backend on a real RocksDB and a directory store: what is checkpointed comes back
 * exactly, in an empty folder, and two attempts never both write history.
 */
#include "test.h"

#include <cairn/cairn.h>

#include "job_world.h"
#include "tmpdir.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int setup(void **state)
{
    return job_world_new((job_world **)state);
}

static int setup_heap(void **state)
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

static void an_empty_start_restores_nothing(void **state)
{
    job_world *world = *state;
    cairn_backend *backend = job_open(world, "a", NULL);

    assert_null(cairn_backend_restored(backend));

    cairn_backend_close(backend);
}

static void a_checkpoint_comes_back_exactly_in_an_empty_folder(void **state)
{
    job_world *world = *state;
    cairn_backend *backend = job_open(world, "a", NULL);
    job_write(world, backend, 0, 5000);
    uint64_t id = job_checkpoint(backend, 5000);
    job_write(world, backend, 5000, 7000); /* in no checkpoint: gone */
    cairn_backend_close(backend);

    backend = job_open(world, "b", NULL);

    assert_int_equal(cairn_backend_restored(backend)->id, id);
    job_expect_prefix(world, backend, 5000);
    cairn_backend_close(backend);
}

static void writes_after_the_barrier_are_not_in_the_checkpoint(void **state)
{
    job_world *world = *state;
    cairn_checkpoint_request request = CAIRN_CHECKPOINT_REQUEST_INIT;
    cairn_checkpoint *checkpoint = NULL;
    cairn_error err = {0};
    cairn_backend *backend = job_open(world, "a", NULL);
    job_write(world, backend, 0, 20000);

    ASSERT_OK(cairn_checkpoint_begin(backend, &request, &checkpoint, &err), &err);
    job_write(world, backend, 20000, 60000);
    ASSERT_OK(cairn_checkpoint_wait(checkpoint, 60000, &err), &err);
    cairn_checkpoint_free(checkpoint);
    cairn_backend_close(backend);

    backend = job_open(world, "b", NULL);
    job_expect_prefix(world, backend, 20000);
    cairn_backend_close(backend);
}

static void the_second_checkpoint_uploads_only_what_is_new(void **state)
{
    job_world *world = *state;
    cairn_backend_options options = job_options(world);
    cairn_checkpoint_stats first;
    cairn_checkpoint_stats second;
    options.memory_bytes = (uint64_t)256 << 20; /* two files in level 0: nothing to compact */
    cairn_backend *backend = job_open(world, "a", &options);

    job_write(world, backend, 0, 100000);
    job_checkpoint_stats(backend, 100000, &first);
    job_write(world, backend, 100000, 101000);
    job_checkpoint_stats(backend, 101000, &second);

    assert_true(second.new_bytes * 4 < second.total_bytes);
    assert_true(second.new_bytes * 4 < first.new_bytes);
    cairn_backend_close(backend);
}

static void the_first_checkpoint_after_a_restore_is_incremental(void **state)
{
    job_world *world = *state;
    cairn_backend_options options = job_options(world);
    cairn_checkpoint_stats stats;
    options.memory_bytes = (uint64_t)256 << 20; /* two files in level 0: nothing to compact */
    cairn_backend *backend = job_open(world, "a", &options);
    job_write(world, backend, 0, 100000);
    job_checkpoint(backend, 100000);
    cairn_backend_close(backend);

    backend = job_open(world, "b", &options);
    job_write(world, backend, 100000, 100100);
    job_checkpoint_stats(backend, 100100, &stats);

    assert_true(stats.new_bytes * 4 < stats.total_bytes);
    cairn_backend_close(backend);
    backend = job_open(world, "c", NULL);
    job_expect_prefix(world, backend, 100100);
    cairn_backend_close(backend);
}

static void a_newer_attempt_fences_the_older_one(void **state)
{
    job_world *world = *state;
    cairn_checkpoint_request request = CAIRN_CHECKPOINT_REQUEST_INIT;
    cairn_checkpoint *checkpoint = NULL;
    cairn_error err = {0};
    cairn_backend *old = job_open(world, "a", NULL);
    job_write(world, old, 0, 100);
    job_checkpoint(old, 100);
    cairn_backend *new = job_open(world, "b", NULL);
    job_write(world, old, 100, 200);

    ASSERT_OK(cairn_checkpoint_begin(old, &request, &checkpoint, &err), &err);
    ASSERT_CODE(cairn_checkpoint_wait(checkpoint, 60000, &err), CAIRN_E_FENCED, &err);
    ASSERT_MESSAGE_HAS(&err, "newer attempt");
    cairn_checkpoint_free(checkpoint);
    ASSERT_CODE(cairn_backend_check(old, &err), CAIRN_E_FENCED, &err);
    ASSERT_CODE(cairn_checkpoint_begin(old, &request, &checkpoint, &err), CAIRN_E_FENCED, &err);
    cairn_backend_close(old);

    job_write(world, new, 100, 300);
    job_checkpoint(new, 300);
    cairn_backend_close(new);
    new = job_open(world, "c", NULL);
    job_expect_prefix(world, new, 300);
    cairn_backend_close(new);
}

static void a_locked_local_folder_is_refused(void **state)
{
    job_world *world = *state;
    cairn_backend *second = NULL;
    cairn_error err = {0};
    cairn_backend *first = job_open(world, "a", NULL);

    ASSERT_CODE(job_try_open(world, "a", NULL, &second, &err), CAIRN_E_LOCKED, &err);

    cairn_backend_close(first);
}

static void retention_keeps_the_asked_number_and_nothing_else(void **state)
{
    job_world *world = *state;
    cairn_backend_options options = job_options(world);
    options.num_retained = 2;
    cairn_backend *backend = job_open(world, "a", &options);

    for (uint64_t i = 0; i < 6; i++) {
        job_write(world, backend, i * 1000, (i + 1) * 1000);
        job_checkpoint(backend, (i + 1) * 1000);
    }
    cairn_backend_close(backend);

    job_expect_ids(world, (uint64_t[]){6, 5, 0});
    job_expect_no_garbage(world);
}

static void a_step_back_abandons_what_came_after(void **state)
{
    job_world *world = *state;
    cairn_backend_options options = job_options(world);
    options.num_retained = 5;
    cairn_backend *backend = job_open(world, "a", &options);
    for (uint64_t i = 0; i < 3; i++) {
        job_write(world, backend, i * 100, (i + 1) * 100);
        job_checkpoint(backend, (i + 1) * 100);
    }
    cairn_backend_close(backend);

    options.restore = CAIRN_RESTORE_ID;
    options.restore_id = 1;
    backend = job_open(world, "b", &options);
    job_expect_prefix(world, backend, 100);
    uint64_t id = job_checkpoint(backend, 100);
    cairn_backend_close(backend);

    assert_int_equal(id, 4); /* ids go on above what stands */
    job_expect_counting(world, (uint64_t[]){4, 1, 0});
    options.restore = CAIRN_RESTORE_LATEST;
    backend = job_open(world, "c", &options);
    assert_int_equal(cairn_backend_restored(backend)->id, 4);
    cairn_backend_close(backend);
}

static void a_checkpoint_that_does_not_count_is_not_found(void **state)
{
    job_world *world = *state;
    cairn_backend_options options = job_options(world);
    cairn_backend *backend = job_open(world, "a", NULL);
    cairn_error err = {0};
    job_write(world, backend, 0, 10);
    job_checkpoint(backend, 10);
    cairn_backend_close(backend);

    options.restore = CAIRN_RESTORE_ID;
    options.restore_id = 99;

    ASSERT_CODE(job_try_open(world, "b", &options, &backend, &err), CAIRN_E_NOT_FOUND, &err);
    ASSERT_MESSAGE_HAS(&err, "newest that counts is 1");
}

/* A claim would end the attempt that runs. */
static void a_start_that_must_fail_claims_nothing(void **state)
{
    job_world *world = *state;
    cairn_backend_options options = job_options(world);
    cairn_backend *running = job_open(world, "a", NULL);
    cairn_backend *refused = NULL;
    cairn_error err = {0};
    job_write(world, running, 0, 10);
    job_checkpoint(running, 10);

    options.operator_uid = "another";
    ASSERT_CODE(job_try_open(world, "b", &options, &refused, &err), CAIRN_E_INCOMPATIBLE, &err);

    job_write(world, running, 10, 20);
    assert_int_equal(job_checkpoint(running, 20), 2);
    cairn_backend_close(running);
}

static void a_local_folder_with_files_of_others_is_refused_and_kept(void **state)
{
    job_world *world = *state;
    cairn_backend *refused = NULL;
    char path[TMPDIR_PATH_BYTES];
    cairn_error err = {0};
    assert_int_equal(mkdir(tmpdir_join(world->dir, "local-a", path), 0700), 0);
    assert_int_equal(mkdir(tmpdir_join(world->dir, "local-a/db", path), 0700), 0);

    ASSERT_CODE(job_try_open(world, "a", NULL, &refused, &err), CAIRN_E_INVALID, &err);

    ASSERT_MESSAGE_HAS(&err, "not cairn's");
    assert_int_equal(rmdir(path), 0); /* it is still there */
}

static void an_empty_start_on_purpose_is_empty(void **state)
{
    job_world *world = *state;
    cairn_backend_options options = job_options(world);
    cairn_backend *backend = job_open(world, "a", NULL);
    job_write(world, backend, 0, 10);
    job_checkpoint(backend, 10);
    cairn_backend_close(backend);

    options.restore = CAIRN_RESTORE_NONE;
    backend = job_open(world, "b", &options);

    assert_null(cairn_backend_restored(backend));
    job_expect_prefix(world, backend, 0);
    cairn_backend_close(backend);
}

static void damage_is_named_with_the_way_out_and_latest_good_takes_it(void **state)
{
    job_world *world = *state;
    cairn_backend_options options = job_options(world);
    options.num_retained = 3;
    cairn_backend *backend = job_open(world, "a", &options);
    cairn_error err = {0};
    job_write(world, backend, 0, 100);
    job_checkpoint(backend, 100);
    job_write(world, backend, 100, 200);
    job_checkpoint(backend, 200);
    cairn_backend_close(backend);
    job_flip_file_of(world, 2,
                     world->state_backend == CAIRN_STATE_BACKEND_HASHMAP ? "kg-" : "MANIFEST-");

    ASSERT_CODE(job_try_open(world, "b", &options, &backend, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "is damaged");
    ASSERT_MESSAGE_HAS(&err, "newest good checkpoint is 1");
    options.restore = CAIRN_RESTORE_LATEST_GOOD;
    backend = job_open(world, "c", &options);
    assert_int_equal(cairn_backend_restored(backend)->id, 1);
    job_expect_prefix(world, backend, 100);
    cairn_backend_close(backend);
}

static void another_max_parallelism_is_refused_and_none_is_adopted(void **state)
{
    job_world *world = *state;
    cairn_backend_options options = job_options(world);
    cairn_backend *backend = NULL;
    cairn_error err = {0};
    options.max_parallelism = 512; /* two bytes of key group */
    backend = job_open(world, "a", &options);
    job_write(world, backend, 0, 1000);
    job_checkpoint(backend, 1000);
    cairn_backend_close(backend);

    options.max_parallelism = 128;
    ASSERT_CODE(job_try_open(world, "b", &options, &backend, &err), CAIRN_E_INCOMPATIBLE, &err);
    options.max_parallelism = 0;
    backend = job_open(world, "c", &options);
    job_expect_prefix(world, backend, 1000);
    cairn_backend_close(backend);
}

/* A key may be set if and only if its group is in the range that the backend names. */
static void a_backend_tells_which_keys_are_its_own(void **state)
{
    static const uint32_t asked[] = {512, 0, 512}; /* 0: that of the restored checkpoint */
    job_world *world = *state;
    cairn_backend_options options = job_options(world);
    cairn_error err = {0};

    for (size_t i = 0; i < 3; i++) {
        options.max_parallelism = asked[i];
        cairn_backend *backend = job_open(world, "a", &options);
        const cairn_key_group_range own = cairn_backend_key_groups(backend);

        assert_int_equal(cairn_backend_max_parallelism(backend), 512);
        assert_int_equal(own.first, 0); /* one subtask has them all */
        assert_int_equal(own.last, 511);
        ASSERT_OK(cairn_backend_set_key_in_group(backend, cairn_slice_of("k"), own.last, &err),
                  &err);
        ASSERT_CODE(
            cairn_backend_set_key_in_group(backend, cairn_slice_of("k"), own.last + 1, &err),
            CAIRN_E_INVALID, &err);
        job_checkpoint(backend, 0);
        cairn_backend_close(backend);
    }
    options.job = "other";
    options.max_parallelism = 0;
    cairn_backend *backend = job_open(world, "a", &options);
    assert_int_equal(cairn_backend_max_parallelism(backend), 128);
    assert_int_equal(cairn_backend_key_groups(backend).last, 127);
    cairn_backend_close(backend);
}

static void outputs_and_positions_come_back(void **state)
{
    job_world *world = *state;
    cairn_backend *backend = job_open(world, "a", NULL);
    char path[TMPDIR_PATH_BYTES];
    cairn_error err = {0};
    job_checkpoint_with_output(world, backend, "hello\n");
    cairn_backend_close(backend);

    backend = job_open(world, "b", NULL);
    const cairn_subtask_info *subtask = &cairn_backend_restored(backend)->operators[0].subtasks[0];

    assert_int_equal(subtask->position_count, 1);
    assert_string_equal(subtask->positions[0].source, "input");
    assert_int_equal(subtask->positions[0].offset, 77);
    assert_int_equal(subtask->operator_state.len, 3);
    assert_int_equal(subtask->output_count, 1);
    tmpdir_join(world->dir, "fetched", path);
    ASSERT_OK(cairn_backend_fetch_output(backend, 0, path, &err), &err);
    job_expect_file(path, "hello\n");
    ASSERT_CODE(cairn_backend_fetch_output(backend, 1, path, &err), CAIRN_E_INVALID, &err);
    cairn_backend_close(backend);
}

static void two_checkpoints_at_once_are_refused(void **state)
{
    job_world *world = *state;
    cairn_checkpoint_request request = CAIRN_CHECKPOINT_REQUEST_INIT;
    cairn_checkpoint *first = NULL;
    cairn_checkpoint *second = NULL;
    cairn_error err = {0};
    cairn_backend *backend = job_open(world, "a", NULL);
    job_write(world, backend, 0, 200000);

    ASSERT_OK(cairn_checkpoint_begin(backend, &request, &first, &err), &err);
    ASSERT_CODE(cairn_checkpoint_begin(backend, &request, &second, &err), CAIRN_E_STATE, &err);

    ASSERT_OK(cairn_checkpoint_wait(first, 60000, &err), &err);
    cairn_checkpoint_free(first);
    cairn_backend_close(backend);
}

static void a_cancelled_checkpoint_leaves_nothing_and_the_next_one_works(void **state)
{
    job_world *world = *state;
    cairn_checkpoint_request request = CAIRN_CHECKPOINT_REQUEST_INIT;
    cairn_checkpoint *checkpoint = NULL;
    cairn_error err = {0};
    cairn_backend *backend = job_open(world, "a", NULL);
    job_write(world, backend, 0, 100000);

    ASSERT_OK(cairn_checkpoint_begin(backend, &request, &checkpoint, &err), &err);
    cairn_checkpoint_cancel(checkpoint);
    ASSERT_CODE(cairn_checkpoint_wait(checkpoint, 60000, &err), CAIRN_E_CANCELLED, &err);
    cairn_checkpoint_free(checkpoint);
    uint64_t id = job_checkpoint(backend, 100000);
    cairn_backend_close(backend);

    job_expect_counting(world, (uint64_t[]){id, 0});
    job_expect_no_garbage(world);
    backend = job_open(world, "b", NULL);
    job_expect_prefix(world, backend, 100000);
    cairn_backend_close(backend);
}

static void bad_options_are_refused(void **state)
{
    job_world *world = *state;
    cairn_backend_options good = job_options(world);
    cairn_backend *backend = NULL;
    cairn_error err = {0};
    cairn_backend_options cases[6] = {good, good, good, good, good, good};

    cases[0].job = "../x";
    cases[1].operator_uid = "";
    cases[2].num_retained = 0;
    cases[3].transfer_threads = 65;
    cases[4].max_parallelism = 40000;
    cases[5].version = 9;
    for (size_t i = 0; i < 6; i++) {
        ASSERT_CODE(job_try_open(world, "a", &cases[i], &backend, &err), CAIRN_E_INVALID, &err);
    }
}

/* The same of both engines. */
#define TESTS(setup)                                                                               \
    cmocka_unit_test_setup_teardown(an_empty_start_restores_nothing, setup, teardown),             \
        cmocka_unit_test_setup_teardown(a_checkpoint_comes_back_exactly_in_an_empty_folder, setup, \
                                        teardown),                                                 \
        cmocka_unit_test_setup_teardown(writes_after_the_barrier_are_not_in_the_checkpoint, setup, \
                                        teardown),                                                 \
        cmocka_unit_test_setup_teardown(a_newer_attempt_fences_the_older_one, setup, teardown),    \
        cmocka_unit_test_setup_teardown(a_locked_local_folder_is_refused, setup, teardown),        \
        cmocka_unit_test_setup_teardown(retention_keeps_the_asked_number_and_nothing_else, setup,  \
                                        teardown),                                                 \
        cmocka_unit_test_setup_teardown(a_step_back_abandons_what_came_after, setup, teardown),    \
        cmocka_unit_test_setup_teardown(a_checkpoint_that_does_not_count_is_not_found, setup,      \
                                        teardown),                                                 \
        cmocka_unit_test_setup_teardown(a_start_that_must_fail_claims_nothing, setup, teardown),   \
        cmocka_unit_test_setup_teardown(a_local_folder_with_files_of_others_is_refused_and_kept,   \
                                        setup, teardown),                                          \
        cmocka_unit_test_setup_teardown(an_empty_start_on_purpose_is_empty, setup, teardown),      \
        cmocka_unit_test_setup_teardown(damage_is_named_with_the_way_out_and_latest_good_takes_it, \
                                        setup, teardown),                                          \
        cmocka_unit_test_setup_teardown(another_max_parallelism_is_refused_and_none_is_adopted,    \
                                        setup, teardown),                                          \
        cmocka_unit_test_setup_teardown(a_backend_tells_which_keys_are_its_own, setup, teardown),  \
        cmocka_unit_test_setup_teardown(outputs_and_positions_come_back, setup, teardown),         \
        cmocka_unit_test_setup_teardown(two_checkpoints_at_once_are_refused, setup, teardown),     \
        cmocka_unit_test_setup_teardown(                                                           \
            a_cancelled_checkpoint_leaves_nothing_and_the_next_one_works, setup, teardown),        \
        cmocka_unit_test_setup_teardown(bad_options_are_refused, setup, teardown)

int main(void)
{
    const struct CMUnitTest rocks[] = {
        TESTS(setup),
        cmocka_unit_test_setup_teardown(the_second_checkpoint_uploads_only_what_is_new, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_first_checkpoint_after_a_restore_is_incremental, setup,
                                        teardown),
    };
    const struct CMUnitTest heap[] = {TESTS(setup_heap)};
    const int failed = cmocka_run_group_tests_name("backend on RocksDB", rocks, NULL, NULL);

    return cmocka_run_group_tests_name("backend on the hash map", heap, NULL, NULL) + failed;
}
