/* A job whose values come with another serializer: over checkpoints, on each engine. */
#include "test.h"

#include <cairn/serializer.h>

#include "check.h"
#include "errors.h"
#include "job_world.h"

#include <inttypes.h>
#include <stdio.h>

#define ENTRIES 3000 /* beyond one write batch, memtable page or segment */

static const cairn_state_backend engines[] = {CAIRN_STATE_BACKEND_ROCKSDB,
                                              CAIRN_STATE_BACKEND_HASHMAP};

static void on_each_engine(void (*test)(job_world *world))
{
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(engines); i++) {
        job_world *world = NULL;

        assert_int_equal(job_world_new(&world), 0);
        world->state_backend = engines[i];
        test(world);
        job_world_free(world);
    }
}

/* --- counters: numbers in the first version, decimal text in the second ----------------------- */

static cairn_code number_to_text(void *context, cairn_slice old_bytes, cairn_buf *out,
                                 cairn_error *err)
{
    unsigned *const calls_left = context;
    const cairn_serializer *const u64 = cairn_u64_serializer();
    char text[32];
    uint64_t number = 0;

    if ((*calls_left)-- == 0) {
        return error_set(err, CAIRN_E_FAILED, "planted");
    }
    CAIRN_TRY(u64->deserialize(u64->context, old_bytes, &number, err));
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
    return cairn_buf_assign(out, cairn_slice_of(text), err);
}

static cairn_code open_counters(cairn_backend *backend, const cairn_serializer *type,
                                const cairn_migration *migration, cairn_value_state **out,
                                cairn_error *err)
{
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;

    descriptor.name = "counters";
    descriptor.value_serializer = type->id;
    descriptor.value_serializer_version = type->version;
    descriptor.migrations = migration;
    descriptor.migration_count = migration == NULL ? 0 : 1;
    return cairn_value_state_open(backend, &descriptor, out, err);
}

static cairn_value_state *must_open_counters(cairn_backend *backend, const cairn_serializer *type,
                                             const cairn_migration *migration)
{
    cairn_value_state *counters = NULL;
    cairn_error err = {0};

    ASSERT_OK(open_counters(backend, type, migration, &counters, &err), &err);
    return counters;
}

static void set_key(cairn_backend *backend, uint64_t number)
{
    cairn_error err = {0};
    char key[32];

    ASSERT_OK(
        cairn_backend_set_key(backend,
                              (cairn_slice){key, (size_t)snprintf(key, sizeof(key), "k%llu",
                                                                  (unsigned long long)number)},
                              &err),
        &err);
}

/* Checkpoint of counters as numbers; the counter of key n is 7 n. */
static void begin_with_numbers(job_world *world)
{
    cairn_backend *const backend = job_open(world, "a", NULL);
    cairn_value_state *const counters = must_open_counters(backend, cairn_u64_serializer(), NULL);
    cairn_error err = {0};

    for (uint64_t i = 0; i < ENTRIES; i++) {
        const uint64_t number = 7 * i;

        set_key(backend, i);
        ASSERT_OK(cairn_value_update_as(counters, cairn_u64_serializer(), &number, &err), &err);
    }
    (void)job_checkpoint(backend, 1);
    cairn_backend_close(backend);
}

static void expect_numbers(cairn_backend *backend)
{
    cairn_value_state *const counters = must_open_counters(backend, cairn_u64_serializer(), NULL);

    for (uint64_t i = 0; i < ENTRIES; i++) {
        uint64_t number = 0;
        bool found = false;

        set_key(backend, i);
        ASSERT_OK(cairn_value_get_as(counters, cairn_u64_serializer(), &number, &found, NULL),
                  NULL);
        assert_true(found);
        assert_int_equal(number, 7 * i);
    }
}

static void expect_texts(cairn_backend *backend, cairn_value_state *counters)
{
    char wanted[32];

    for (uint64_t i = 0; i < ENTRIES; i++) {
        cairn_slice text = {NULL, 0};
        bool found = false;

        set_key(backend, i);
        ASSERT_OK(cairn_value_get_as(counters, cairn_string_serializer(), &text, &found, NULL),
                  NULL);
        assert_true(found);
        (void)snprintf(wanted, sizeof(wanted), "%" PRIu64, 7 * i);
        assert_true(cairn_slice_equal(text, cairn_slice_of(wanted)));
    }
}

static cairn_migration from_numbers(unsigned *calls_left)
{
    return (cairn_migration){cairn_u64_serializer()->id, cairn_u64_serializer()->version,
                             number_to_text, calls_left};
}

/* --- what happens ----------------------------------------------------------------------------- */

static void refuse(job_world *world)
{
    cairn_value_state *counters = NULL;
    cairn_error err = {0};

    begin_with_numbers(world);
    cairn_backend *const backend = job_open(world, "b", NULL);
    ASSERT_CODE(open_counters(backend, cairn_string_serializer(), NULL, &counters, &err),
                CAIRN_E_INCOMPATIBLE, &err);
    ASSERT_MESSAGE_HAS(&err, "its value serializer is u64 version 1, not string version 1");
    assert_int_equal(cairn_exit_code(CAIRN_E_INCOMPATIBLE), 8);
    expect_numbers(backend);
    cairn_backend_close(backend);
}

static void another_serializer_is_refused_with_a_line_that_names_both(void **state)
{
    (void)state;
    on_each_engine(refuse);
}

/* Also the one after the next: what was rewritten is what the checkpoint holds. */
static void migrate(job_world *world)
{
    unsigned calls_left = UINT32_MAX;
    const cairn_migration migration = from_numbers(&calls_left);

    begin_with_numbers(world);
    cairn_backend *backend = job_open(world, "b", NULL);
    expect_texts(backend, must_open_counters(backend, cairn_string_serializer(), &migration));
    assert_int_equal(UINT32_MAX - calls_left, ENTRIES);
    (void)job_checkpoint(backend, 2);
    cairn_backend_close(backend);

    backend = job_open(world, "c", NULL);
    expect_texts(backend, must_open_counters(backend, cairn_string_serializer(), NULL));
    cairn_backend_close(backend);
}

static void a_registered_migration_rewrites_the_state_once(void **state)
{
    (void)state;
    on_each_engine(migrate);
}

static void migrate_without_checkpoint(job_world *world)
{
    unsigned calls_left = UINT32_MAX;
    const cairn_migration migration = from_numbers(&calls_left);

    begin_with_numbers(world);
    cairn_backend *backend = job_open(world, "b", NULL);
    (void)must_open_counters(backend, cairn_string_serializer(), &migration);
    cairn_backend_close(backend);

    backend = job_open(world, "c", NULL);
    expect_numbers(backend);
    cairn_backend_close(backend);
}

static void until_a_checkpoint_the_stored_state_is_as_it_was(void **state)
{
    (void)state;
    on_each_engine(migrate_without_checkpoint);
}

/* A job that is stopped half-way must not leave a checkpoint of both forms. */
static void fail_in_the_middle(job_world *world)
{
    unsigned calls_left = ENTRIES / 2;
    const cairn_migration migration = from_numbers(&calls_left);
    const uint64_t ids[] = {1, 0};
    cairn_value_state *counters = NULL;
    cairn_error err = {0};

    begin_with_numbers(world);
    cairn_backend *backend = job_open(world, "b", NULL);
    ASSERT_CODE(open_counters(backend, cairn_string_serializer(), &migration, &counters, &err),
                CAIRN_E_FAILED, &err);
    ASSERT_MESSAGE_HAS(&err, "open state 'counters': rewrite it from u64 version 1 to string "
                             "version 1: planted");
    ASSERT_CODE(job_try_checkpoint(backend, 2, NULL, &err), CAIRN_E_STATE, &err);
    ASSERT_MESSAGE_HAS(&err, "state 'counters' is half rewritten");
    ASSERT_CODE(open_counters(backend, cairn_u64_serializer(), NULL, &counters, &err),
                CAIRN_E_STATE, &err);
    assert_null(counters);
    cairn_backend_close(backend);

    job_expect_counting(world, ids);
    job_expect_no_garbage(world);
    backend = job_open(world, "c", NULL);
    expect_numbers(backend);
    cairn_backend_close(backend);
}

static void after_a_migration_that_failed_half_way_the_last_checkpoint_is_whole(void **state)
{
    (void)state;
    on_each_engine(fail_in_the_middle);
}

static cairn_code grow(void *context, cairn_slice old_bytes, cairn_buf *out, cairn_error *err)
{
    static const char text[4096] = {0};

    (void)context;
    (void)old_bytes;
    return cairn_buf_assign(out, (cairn_slice){text, sizeof(text)}, err);
}

/* The engine's own failure, in the midst of its writes. */
static void a_state_that_outgrows_the_hash_map_says_how_much_it_may_take(void **state)
{
    const cairn_migration migration = {"u64", 1, grow, NULL};
    cairn_value_state *counters = NULL;
    job_world *world = NULL;
    cairn_error err = {0};
    (void)state;

    assert_int_equal(job_world_new(&world), 0);
    world->state_backend = CAIRN_STATE_BACKEND_HASHMAP;
    cairn_backend_options options = job_options(world);
    options.memory_bytes = (uint64_t)4 << 20;
    begin_with_numbers(world);
    cairn_backend *backend = job_open(world, "b", &options);
    ASSERT_CODE(open_counters(backend, cairn_string_serializer(), &migration, &counters, &err),
                CAIRN_E_LIMIT, &err);
    ASSERT_MESSAGE_HAS(&err, "of the 4194304 bytes that it may");
    ASSERT_CODE(job_try_checkpoint(backend, 2, NULL, &err), CAIRN_E_STATE, &err);
    cairn_backend_close(backend);

    backend = job_open(world, "c", NULL);
    (void)must_open_counters(backend, cairn_string_serializer(), &migration);
    cairn_backend_close(backend);
    job_world_free(world);
}

/* A checkpoint in flight holds what stood at its barrier, however its state is rewritten since. */
static void migrate_beside_a_checkpoint(job_world *world)
{
    unsigned calls_left = UINT32_MAX;
    const cairn_migration migration = from_numbers(&calls_left);
    const cairn_checkpoint_request request = CAIRN_CHECKPOINT_REQUEST_INIT;
    cairn_checkpoint *checkpoint = NULL;
    cairn_error err = {0};

    begin_with_numbers(world);
    cairn_backend *backend = job_open(world, "b", NULL);
    ASSERT_OK(cairn_checkpoint_begin(backend, &request, &checkpoint, &err), &err);
    (void)must_open_counters(backend, cairn_string_serializer(), &migration);
    ASSERT_OK(cairn_checkpoint_wait(checkpoint, 60000, &err), &err);
    cairn_checkpoint_free(checkpoint);
    cairn_backend_close(backend);

    backend = job_open(world, "c", NULL);
    expect_numbers(backend);
    cairn_backend_close(backend);
}

static void a_checkpoint_in_flight_keeps_the_form_of_its_barrier(void **state)
{
    (void)state;
    on_each_engine(migrate_beside_a_checkpoint);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_serializer_is_refused_with_a_line_that_names_both),
        cmocka_unit_test(a_registered_migration_rewrites_the_state_once),
        cmocka_unit_test(until_a_checkpoint_the_stored_state_is_as_it_was),
        cmocka_unit_test(after_a_migration_that_failed_half_way_the_last_checkpoint_is_whole),
        cmocka_unit_test(a_state_that_outgrows_the_hash_map_says_how_much_it_may_take),
        cmocka_unit_test(a_checkpoint_in_flight_keeps_the_form_of_its_barrier),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
