/* Times to live across checkpoints: the clock of the options, the time that is left after a
 * restore, and what readers of a checkpoint show. */
#include "test.h"

#include "check.h"
#include "clock.h"
#include "job_world.h"

#include <stdatomic.h>
#include <string.h>

#define HOUR_MS UINT64_C(3600000)

typedef struct driven {
    cairn_value_state *value;
    cairn_list_state *list;
    cairn_backend *backend;
} driven;

static int setup(void **state)
{
    return job_world_new((job_world **)state);
}

static int teardown(void **state)
{
    job_world_free(*state);
    return 0;
}

static uint64_t now_ms(void *context)
{
    return atomic_load((atomic_uint_fast64_t *)context);
}

/* With a value and a list that live for an hour, under key a. */
static driven open_driven(job_world *world, const char *name, atomic_uint_fast64_t *clock_ms)
{
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;
    cairn_backend_options options = job_options(world);
    driven to = {NULL, NULL, NULL};
    cairn_error err = {0};

    options.clock = (cairn_clock){now_ms, clock_ms};
    to.backend = job_open(world, name, &options);
    descriptor.ttl.ttl_ms = HOUR_MS;
    descriptor.name = "value";
    ASSERT_OK(cairn_value_state_open(to.backend, &descriptor, &to.value, &err), &err);
    descriptor.name = "list";
    ASSERT_OK(cairn_list_state_open(to.backend, &descriptor, &to.list, &err), &err);
    ASSERT_OK(cairn_backend_set_key(to.backend, cairn_slice_of("a"), &err), &err);
    return to;
}

static void write_both(const driven *to)
{
    cairn_error err = {0};

    ASSERT_OK(cairn_value_update(to->value, cairn_slice_of("v"), &err), &err);
    ASSERT_OK(cairn_list_add(to->list, cairn_slice_of("e"), &err), &err);
}

static bool has_value(const driven *from)
{
    cairn_slice value;
    bool found = false;

    ASSERT_OK(cairn_value_get(from->value, &value, &found, NULL), NULL);
    return found;
}

static size_t count_elements(const driven *from)
{
    cairn_list_view view = {NULL, 0};
    cairn_slice element;
    size_t count = 0;

    ASSERT_OK(cairn_list_get(from->list, &view, NULL), NULL);
    while (cairn_list_next(&view, &element)) {
        count++;
    }
    return count;
}

static void restores_have_the_time_left(job_world *world)
{
    atomic_uint_fast64_t clock_ms = 5 * HOUR_MS;
    driven job = open_driven(world, "first", &clock_ms);

    write_both(&job);
    clock_ms += HOUR_MS / 2;
    ASSERT_OK(cairn_list_add(job.list, cairn_slice_of("later"), NULL), NULL);
    job_checkpoint(job.backend, 1);
    cairn_backend_close(job.backend);

    clock_ms += HOUR_MS / 2 - 1;
    job = open_driven(world, "second", &clock_ms);
    assert_true(has_value(&job));
    assert_int_equal(count_elements(&job), 2);
    clock_ms++;
    assert_false(has_value(&job));
    assert_int_equal(count_elements(&job), 1);
    cairn_backend_close(job.backend);
}

static void a_restored_rocksdb_has_the_time_left_that_it_had(void **state)
{
    restores_have_the_time_left(*state);
}

static void a_restored_hash_map_has_the_time_left_that_it_had(void **state)
{
    job_world *const world = *state;

    world->state_backend = CAIRN_STATE_BACKEND_HASHMAP;
    restores_have_the_time_left(world);
}

/* What a reader gives of a checkpoint, by the wall clock. */
typedef struct reading {
    size_t entries;
    size_t times;
    uint64_t time_ms;
} reading;

static cairn_code note_entry(void *context, const cairn_state_entry *entry, cairn_error *err)
{
    reading *to = context;

    (void)err;
    to->entries++;
    to->times += entry->time_count;
    to->time_ms = entry->time_count == 0 ? 0 : entry->times_ms[0];
    return CAIRN_OK;
}

static void restore_to(job_world *world, const char *dir)
{
    cairn_history *history = NULL;
    cairn_error err = {0};

    ASSERT_OK(cairn_history_load(world->directory, NULL, JOB_NAME, &history, &err), &err);
    ASSERT_OK(cairn_history_restore(history, NULL, 0, dir, &err), &err);
    cairn_history_free(history);
}

static void expect_read(cairn_state_reader *reader, const char *name, reading expected)
{
    const cairn_state_entry at = {.key = cairn_slice_of("a")};
    CAIRN_AUTO(cairn_buf) value = {0};
    reading scanned = {0};
    size_t times = 0;
    bool found = false;

    ASSERT_OK(cairn_state_reader_scan(reader, name, note_entry, &scanned, NULL), NULL);
    assert_int_equal(scanned.entries, expected.entries);
    assert_int_equal(scanned.times, expected.times);
    assert_int_equal(scanned.time_ms, expected.time_ms);
    ASSERT_OK(cairn_state_reader_get(reader, name, &at, &value, &found, NULL), NULL);
    assert_int_equal(found, expected.entries > 0);
    const uint64_t *const all = cairn_state_reader_times(reader, &times);
    if (found) {
        assert_int_equal(times, expected.times);
        assert_int_equal(all[0], expected.time_ms);
        assert_memory_equal(value.data, strcmp(name, "value") == 0 ? "v" : "\1e", value.len);
    }
}

static void readers_show_what_has_expired_if_they_are_asked(job_world *world)
{
    atomic_uint_fast64_t clock_ms = clock_wall_ms() - 2 * HOUR_MS;
    const reading nothing = {0, 0, 0};
    const reading one = {1, 1, clock_ms};
    cairn_state_reader *reader = NULL;
    char dir[TMPDIR_PATH_BYTES];
    cairn_error err = {0};
    const driven job = open_driven(world, "a", &clock_ms);

    write_both(&job);
    job_checkpoint(job.backend, 1);
    cairn_backend_close(job.backend);
    restore_to(world, tmpdir_join(world->dir, "out", dir));
    ASSERT_OK(cairn_state_reader_open(dir, "op", &reader, &err), &err);

    expect_read(reader, "value", nothing);
    expect_read(reader, "list", nothing);
    cairn_state_reader_show_expired(reader, true);
    expect_read(reader, "value", one);
    expect_read(reader, "list", one);
    cairn_state_reader_free(reader);
}

static void readers_of_rocksdb_show_what_has_expired_if_they_are_asked(void **state)
{
    readers_show_what_has_expired_if_they_are_asked(*state);
}

static void readers_of_the_hash_map_show_what_has_expired_if_they_are_asked(void **state)
{
    job_world *const world = *state;

    world->state_backend = CAIRN_STATE_BACKEND_HASHMAP;
    readers_show_what_has_expired_if_they_are_asked(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_restored_rocksdb_has_the_time_left_that_it_had, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_restored_hash_map_has_the_time_left_that_it_had, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(readers_of_rocksdb_show_what_has_expired_if_they_are_asked,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            readers_of_the_hash_map_show_what_has_expired_if_they_are_asked, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
