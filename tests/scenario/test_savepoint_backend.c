/* Savepoints by the C API: what goes with them, between engines, stores and jobs. */
#include "test.h"

#include <cairn/savepoint.h>

#include "check.h"
#include "fsutil.h"
#include "job_world.h"
#include "store_odd.h"
#include "stores.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define GROUPS  200 /* their numbers have two bytes */
#define KEYS    300
#define OTHER   "other-job"
#define SCRATCH "scratch"

static int setup(void **state)
{
    const int failed = job_world_new((job_world **)state);
    char path[TMPDIR_PATH_BYTES];

    return failed != 0 ||
           fs_make_dirs(tmpdir_join(((job_world *)*state)->dir, SCRATCH, path), NULL) != CAIRN_OK;
}

static int teardown(void **state)
{
    job_world_free(*state);
    return 0;
}

static cairn_savepoint_options savepoint_options(const char *name, const char *scratch_dir)
{
    cairn_savepoint_options options = CAIRN_SAVEPOINT_OPTIONS_INIT;

    options.name = name;
    options.scratch_dir = scratch_dir;
    return options;
}

static cairn_code try_save(const job_world *world, const char *job, const char *name,
                           cairn_savepoint_format format, cairn_error *err)
{
    char path[TMPDIR_PATH_BYTES];
    cairn_savepoint_report report = {0};
    cairn_savepoint_options options =
        savepoint_options(name, tmpdir_join(world->dir, SCRATCH, path));

    options.format = format;
    const cairn_code code = cairn_savepoint_create(world->store, NULL, job, &options, &report, err);
    assert_int_equal(report.checkpoint_id > 0, code == CAIRN_OK);
    return code;
}

static void save(const job_world *world, const char *job, const char *name)
{
    cairn_error err = {0};

    ASSERT_OK(try_save(world, job, name, CAIRN_SAVEPOINT_CANONICAL, &err), &err);
}

static void expect_empty_scratch(const job_world *world)
{
    CAIRN_AUTO(fs_names) names = {0};
    char path[TMPDIR_PATH_BYTES];

    ASSERT_OK(fs_list(tmpdir_join(world->dir, SCRATCH, path), &names, NULL), NULL);
    assert_int_equal(names.count, 0);
}

/* --- a job with a bit of everything ----------------------------------------------------------- */

typedef struct handles {
    cairn_value_state *value;
    cairn_map_state *map;
    cairn_list_state *list;
    cairn_timers *timers;
    cairn_operator_list *elements;
    cairn_broadcast *rules;
    uint64_t fired;
} handles;

static cairn_code on_timer(void *context, const cairn_timer *timer, cairn_error *err)
{
    handles *const all = context;

    (void)timer;
    (void)err;
    all->fired++;
    return CAIRN_OK;
}

static void open_operator_state(cairn_backend *backend, handles *out)
{
    cairn_operator_descriptor descriptor = CAIRN_OPERATOR_DESCRIPTOR_INIT;
    cairn_error err = {0};

    descriptor.name = "elements";
    ASSERT_OK(cairn_operator_list_open(backend, &descriptor, &out->elements, &err), &err);
    descriptor.name = "rules";
    ASSERT_OK(cairn_broadcast_open(backend, &descriptor, &out->rules, &err), &err);
}

static void open_states(cairn_backend *backend, handles *out)
{
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;
    const cairn_timer_function function = {on_timer, out};
    cairn_error err = {0};

    *out = (handles){0};
    descriptor.name = "value";
    ASSERT_OK(cairn_value_state_open(backend, &descriptor, &out->value, &err), &err);
    descriptor.name = "map";
    ASSERT_OK(cairn_map_state_open(backend, &descriptor, &out->map, &err), &err);
    descriptor.name = "list";
    ASSERT_OK(cairn_list_state_open(backend, &descriptor, &out->list, &err), &err);
    ASSERT_OK(cairn_timers_open(backend, "timers", &function, &out->timers, &err), &err);
    open_operator_state(backend, out);
}

static cairn_backend *open_job(job_world *world, const char *local, const char *job,
                               const cairn_savepoint_source *source, cairn_state_backend engine)
{
    cairn_backend_options options = job_options(world);

    options.job = job;
    options.max_parallelism = source == NULL ? GROUPS : 0;
    options.state_backend = engine;
    if (source != NULL) {
        options.restore = CAIRN_RESTORE_SAVEPOINT;
        options.savepoint = source;
    }
    return job_open(world, local, &options);
}

static void set_key(cairn_backend *backend, int number)
{
    char key[32];
    cairn_error err = {0};

    const cairn_slice bytes = {key, (size_t)snprintf(key, sizeof key, "key-%d", number)};
    ASSERT_OK(cairn_backend_set_key(backend, bytes, &err), &err);
}

static void write_all(cairn_backend *backend)
{
    handles all;
    cairn_error err = {0};

    open_states(backend, &all);
    for (int i = 0; i < KEYS; i++) {
        set_key(backend, i);
        ASSERT_OK(cairn_value_update(all.value, (cairn_slice){&i, sizeof i}, &err), &err);
        ASSERT_OK(cairn_backend_set_namespace(backend, cairn_slice_of("w"), &err), &err);
        ASSERT_OK(cairn_map_put(all.map, cairn_slice_of("u"), cairn_slice_of("1"), &err), &err);
        ASSERT_OK(cairn_map_put(all.map, cairn_slice_of(""), cairn_slice_of(""), &err), &err);
        ASSERT_OK(cairn_list_add(all.list, cairn_slice_of("first"), &err), &err);
        ASSERT_OK(cairn_list_add(all.list, cairn_slice_of("second"), &err), &err);
        ASSERT_OK(cairn_timers_register(all.timers, CAIRN_TIME_EVENT, i, &err), &err);
    }
    ASSERT_OK(cairn_operator_list_add(all.elements, cairn_slice_of("e1"), &err), &err);
    ASSERT_OK(cairn_operator_list_add(all.elements, cairn_slice_of("e2"), &err), &err);
    ASSERT_OK(cairn_broadcast_put(all.rules, cairn_slice_of("r"), cairn_slice_of("v"), &err), &err);
}

static void expect_key(cairn_backend *backend, const handles *all, int number)
{
    cairn_error err = {0};
    cairn_slice value = {0};
    cairn_list_view elements = {0};
    bool found = false;

    set_key(backend, number);
    ASSERT_OK(cairn_value_get(all->value, &value, &found, &err), &err);
    assert_true(found && value.len == sizeof number);
    assert_memory_equal(value.data, &number, sizeof number);
    ASSERT_OK(cairn_backend_set_namespace(backend, cairn_slice_of("w"), &err), &err);
    ASSERT_OK(cairn_map_get(all->map, cairn_slice_of("u"), &value, &found, &err), &err);
    assert_true(found && cairn_slice_equal(value, cairn_slice_of("1")));
    ASSERT_OK(cairn_map_get(all->map, cairn_slice_of(""), &value, &found, &err), &err);
    assert_true(found);
    ASSERT_OK(cairn_list_get(all->list, &elements, &err), &err);
    assert_true(cairn_list_next(&elements, &value));
    assert_true(cairn_slice_equal(value, cairn_slice_of("first")));
    assert_true(cairn_list_next(&elements, &value));
    assert_true(cairn_slice_equal(value, cairn_slice_of("second")));
    assert_false(cairn_list_next(&elements, &value));
}

/* All that write_all made; the timers up to the middle are fired by it. */
static void expect_all(cairn_backend *backend)
{
    handles all;
    cairn_slice value = {0};
    bool found = false;
    cairn_error err = {0};

    open_states(backend, &all);
    for (int i = 0; i < KEYS; i++) {
        expect_key(backend, &all, i);
    }
    ASSERT_OK(cairn_timers_advance(all.timers, CAIRN_TIME_EVENT, KEYS / 2 - 1, &err), &err);
    assert_int_equal(all.fired, KEYS / 2);
    assert_int_equal(cairn_operator_list_count(all.elements), 2);
    ASSERT_OK(cairn_broadcast_get(all.rules, cairn_slice_of("r"), &value, &found, &err), &err);
    assert_true(found && cairn_slice_equal(value, cairn_slice_of("v")));
}

/* --- travels ---------------------------------------------------------------------------------- */

typedef struct travel {
    cairn_state_backend from;
    cairn_state_backend to;
    cairn_savepoint_format format;
} travel;

static void all_that_a_job_has_goes_with_it(void **state)
{
    static const travel travels[] = {
        {CAIRN_STATE_BACKEND_HASHMAP, CAIRN_STATE_BACKEND_ROCKSDB, CAIRN_SAVEPOINT_CANONICAL},
        {CAIRN_STATE_BACKEND_ROCKSDB, CAIRN_STATE_BACKEND_HASHMAP, CAIRN_SAVEPOINT_CANONICAL},
        {CAIRN_STATE_BACKEND_HASHMAP, CAIRN_STATE_BACKEND_HASHMAP, CAIRN_SAVEPOINT_NATIVE},
        {CAIRN_STATE_BACKEND_ROCKSDB, CAIRN_STATE_BACKEND_ROCKSDB, CAIRN_SAVEPOINT_NATIVE},
    };
    job_world *const world = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(travels); i++) {
        char job[32];
        char other[32];
        const cairn_savepoint_source source = {NULL, job, "s"};
        cairn_error err = {0};

        (void)snprintf(job, sizeof job, "job-%zu", i);
        (void)snprintf(other, sizeof other, "other-%zu", i);
        cairn_backend *first = open_job(world, job, job, NULL, travels[i].from);
        write_all(first);
        (void)job_checkpoint(first, KEYS);
        cairn_backend_close(first);
        ASSERT_OK(try_save(world, job, "s", travels[i].format, &err), &err);
        cairn_backend *second = open_job(world, other, other, &source, travels[i].to);
        assert_int_equal(cairn_backend_max_parallelism(second), GROUPS);
        assert_int_equal(cairn_backend_restored(second)->kind, CAIRN_MANIFEST_SAVEPOINT);
        expect_all(second);
        (void)job_checkpoint(second, KEYS);
        cairn_backend_close(second);
    }
    expect_empty_scratch(world);
}

/* HDFS has no copy of its own: the bytes go through this machine. */
static void a_store_that_copies_nothing_is_copied_by_hand(void **state)
{
    job_world *const world = *state;
    const cairn_savepoint_source source = {NULL, JOB_NAME, "s"};
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *odd = NULL;
    cairn_error err = {0};

    ASSERT_OK(store_odd_new(world->directory, 0, &odd, &err), &err);
    world->store = odd;
    cairn_backend *backend = open_job(world, "a", JOB_NAME, NULL, CAIRN_STATE_BACKEND_ROCKSDB);
    write_all(backend);
    (void)job_checkpoint(backend, KEYS);
    cairn_backend_close(backend);
    ASSERT_OK(try_save(world, JOB_NAME, "s", CAIRN_SAVEPOINT_NATIVE, &err), &err);
    backend = open_job(world, "b", OTHER, &source, CAIRN_STATE_BACKEND_ROCKSDB);
    expect_all(backend);
    cairn_backend_close(backend);
    expect_empty_scratch(world);
    world->store = world->directory;
}

/* The one that it is in may be gone once a checkpoint of the own job stands. */
static void the_first_checkpoint_needs_the_savepoint_no_more(void **state)
{
    job_world *const world = *state;
    const cairn_savepoint_source source = {NULL, JOB_NAME, "s"};
    char path[TMPDIR_PATH_BYTES];

    for (int i = 0; i < 2; i++) {
        cairn_backend *backend = open_job(world, "a", i == 0 ? JOB_NAME : OTHER,
                                          i == 0 ? NULL : &source, CAIRN_STATE_BACKEND_ROCKSDB);
        if (i == 0) {
            write_all(backend);
        }
        (void)job_checkpoint(backend, KEYS);
        cairn_backend_close(backend);
        if (i == 0) {
            save(world, JOB_NAME, "s");
        }
    }
    ASSERT_OK(fs_remove_tree(tmpdir_join(world->dir, "store/" JOB_NAME, path), NULL), NULL);
    cairn_backend_options options = job_options(world);
    options.job = OTHER;
    cairn_backend *backend = job_open(world, "b", &options);
    assert_int_equal(cairn_backend_restored(backend)->kind, CAIRN_MANIFEST_CHECKPOINT);
    expect_all(backend);
    cairn_backend_close(backend);
}

/* --- times to live ---------------------------------------------------------------------------- */

#define TTL_MS 1000

static uint64_t driven_now_ms(void *context)
{
    return *(const uint64_t *)context;
}

static cairn_value_state *open_mortal(cairn_backend *backend)
{
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;
    cairn_value_state *value = NULL;
    cairn_error err = {0};

    descriptor.name = "mortal";
    descriptor.ttl.ttl_ms = TTL_MS;
    ASSERT_OK(cairn_value_state_open(backend, &descriptor, &value, &err), &err);
    return value;
}

static void expect_mortal(cairn_backend *backend, cairn_value_state *value, bool expected)
{
    cairn_slice bytes = {0};
    bool found = false;
    cairn_error err = {0};

    set_key(backend, 1);
    ASSERT_OK(cairn_value_get(value, &bytes, &found, &err), &err);
    assert_int_equal(found, expected);
    assert_true(!found || cairn_slice_equal(bytes, cairn_slice_of("v")));
}

/* From each engine to the other: what was left of its time is left. */
static void times_to_live_go_on_where_they_were(void **state)
{
    job_world *const world = *state;
    const cairn_savepoint_source source = {NULL, JOB_NAME, "s"};
    uint64_t now_ms = 5000;
    cairn_backend_options options = job_options(world);
    cairn_error err = {0};

    options.clock = (cairn_clock){driven_now_ms, &now_ms};
    options.state_backend = CAIRN_STATE_BACKEND_HASHMAP;
    cairn_backend *backend = job_open(world, "a", &options);
    cairn_value_state *value = open_mortal(backend);
    set_key(backend, 1);
    ASSERT_OK(cairn_value_update(value, cairn_slice_of("v"), &err), &err);
    (void)job_checkpoint(backend, 1);
    cairn_backend_close(backend);
    save(world, JOB_NAME, "s");

    options.job = OTHER;
    options.state_backend = CAIRN_STATE_BACKEND_ROCKSDB;
    options.restore = CAIRN_RESTORE_SAVEPOINT;
    options.savepoint = &source;
    now_ms += TTL_MS - 1;
    backend = job_open(world, "b", &options);
    value = open_mortal(backend);
    expect_mortal(backend, value, true);
    now_ms++;
    expect_mortal(backend, value, false);
    cairn_backend_close(backend);
}

/* --- what is the own job's and what is not ---------------------------------------------------- */

static const char *output_key(cairn_backend *backend, size_t *out_count)
{
    const cairn_subtask_info *const part =
        &cairn_backend_restored(backend)->operators[0].subtasks[0];

    *out_count = part->output_count;
    return part->output_count == 0 ? "" : part->outputs[0].key;
}

static void output_goes_with_the_own_job_alone(void **state)
{
    job_world *const world = *state;
    const cairn_savepoint_source source = {NULL, JOB_NAME, "s"};
    char path[TMPDIR_PATH_BYTES];
    size_t count = 0;
    cairn_error err = {0};

    cairn_backend *backend = open_job(world, "a", JOB_NAME, NULL, CAIRN_STATE_BACKEND_HASHMAP);
    job_checkpoint_with_output(world, backend, "lines");
    cairn_backend_close(backend);
    save(world, JOB_NAME, "s");

    backend = open_job(world, "a", OTHER, &source, CAIRN_STATE_BACKEND_HASHMAP);
    (void)output_key(backend, &count);
    assert_int_equal(count, 0);
    (void)tmpdir_join(world->dir, "fetched", path);
    ASSERT_CODE(cairn_backend_fetch_output(backend, 0, path, &err), CAIRN_E_INVALID, &err);
    cairn_backend_close(backend);

    backend = open_job(world, "a", JOB_NAME, &source, CAIRN_STATE_BACKEND_HASHMAP);
    assert_memory_equal(output_key(backend, &count), "savepoints/s/", 13);
    ASSERT_OK(cairn_backend_fetch_output(backend, 0, path, &err), &err);
    job_expect_file(path, "lines");
    /* Its id is a checkpoint's whose output has a name: it is not used again. */
    assert_true(job_checkpoint(backend, 1) > cairn_backend_restored(backend)->id);
    cairn_backend_close(backend);
}

static cairn_store *store_at(const job_world *world, const char *name)
{
    char path[TMPDIR_PATH_BYTES];
    cairn_store *store = NULL;
    cairn_error err = {0};

    ASSERT_OK(cairn_dir_store_new(tmpdir_join(world->dir, name, path), NULL, &store, &err), &err);
    return store;
}

static void make_saved_job(job_world *world, cairn_store *store, const char *lines,
                           const char *name)
{
    world->store = store;
    cairn_backend *backend = open_job(world, "a", JOB_NAME, NULL, CAIRN_STATE_BACKEND_HASHMAP);
    job_checkpoint_with_output(world, backend, lines);
    cairn_backend_close(backend);
    save(world, JOB_NAME, name);
    world->store = world->directory;
}

static size_t outputs_from(job_world *world, cairn_store *store, const char *name)
{
    const cairn_savepoint_source source = {store, JOB_NAME, name};
    cairn_backend *backend = open_job(world, "a", JOB_NAME, &source, CAIRN_STATE_BACKEND_HASHMAP);
    size_t count = 0;

    (void)output_key(backend, &count);
    cairn_backend_close(backend);
    return count;
}

/* A store has more than one spelling, and a job's name may be used in two. */
static void the_own_job_is_known_by_its_savepoint_and_not_by_an_address(void **state)
{
    job_world *const world = *state;
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *elsewhere = store_at(world, "elsewhere");
    char path[TMPDIR_PATH_BYTES];

    assert_int_equal(symlink("store", tmpdir_join(world->dir, "link", path)), 0);
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *linked = store_at(world, "link");
    make_saved_job(world, world->directory, "lines", "s");
    make_saved_job(world, elsewhere, "other lines", "s");
    make_saved_job(world, elsewhere, "more lines", "only-there");

    assert_int_equal(outputs_from(world, linked, "s"), 1);
    assert_int_equal(outputs_from(world, world->directory, "s"), 1);
    assert_int_equal(outputs_from(world, elsewhere, "s"), 0);
    assert_int_equal(outputs_from(world, elsewhere, "only-there"), 0);
}

/* A job's root may have been lost but for its savepoints. */
static void ids_go_on_above_the_savepoint_where_all_else_is_lost(void **state)
{
    job_world *const world = *state;
    const cairn_savepoint_source source = {NULL, JOB_NAME, "s"};
    char path[TMPDIR_PATH_BYTES];
    uint64_t saved = 0;

    cairn_backend *backend = open_job(world, "a", JOB_NAME, NULL, CAIRN_STATE_BACKEND_HASHMAP);
    for (uint64_t i = 0; i < 4; i++) {
        saved = job_checkpoint(backend, i + 1);
    }
    cairn_backend_close(backend);
    save(world, JOB_NAME, "s");
    char chk[64];
    (void)snprintf(chk, sizeof chk, "store/" JOB_NAME "/chk-%llu", (unsigned long long)saved);
    ASSERT_OK(fs_remove_tree(tmpdir_join(world->dir, chk, path), NULL), NULL);
    ASSERT_OK(fs_remove_tree(tmpdir_join(world->dir, "store/" JOB_NAME "/epochs", path), NULL),
              NULL);
    ASSERT_OK(fs_remove_tree(tmpdir_join(world->dir, "store/" JOB_NAME "/gc", path), NULL), NULL);
    backend = open_job(world, "a", JOB_NAME, &source, CAIRN_STATE_BACKEND_ROCKSDB);
    assert_int_equal(job_checkpoint(backend, 9), saved + 1);
    cairn_backend_close(backend);
}

/* --- options ---------------------------------------------------------------------------------- */

static void options_that_do_not_fit_are_refused(void **state)
{
    job_world *const world = *state;
    const cairn_savepoint_source sources[] = {
        {NULL, NULL, "s"}, {NULL, "a/b", "s"}, {NULL, "job", ".."}, {NULL, "job", NULL}};
    cairn_backend *backend = NULL;
    cairn_error err = {0};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(sources); i++) {
        cairn_backend_options options = job_options(world);

        options.restore = CAIRN_RESTORE_SAVEPOINT;
        options.savepoint = &sources[i];
        ASSERT_CODE(job_try_open(world, "a", &options, &backend, &err), CAIRN_E_INVALID, &err);
    }
    for (int i = 0; i < 2; i++) {
        cairn_backend_options options = job_options(world);

        options.restore = i == 0 ? CAIRN_RESTORE_SAVEPOINT : CAIRN_RESTORE_LATEST;
        options.savepoint = i == 0 ? NULL : &sources[0];
        ASSERT_CODE(job_try_open(world, "a", &options, &backend, &err), CAIRN_E_INVALID, &err);
        ASSERT_MESSAGE_HAS(&err, "savepoint goes with CAIRN_RESTORE_SAVEPOINT");
    }
}

static void a_savepoint_is_not_made_with_options_that_do_not_fit(void **state)
{
    job_world *const world = *state;
    cairn_savepoint_options all[8];
    cairn_savepoint_report report = {0};
    cairn_error err = {0};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(all); i++) {
        all[i] = savepoint_options("s", world->dir->path);
    }
    all[0].version = 2;
    all[1].name = NULL;
    all[2].name = "42";
    all[3].name = "a/b";
    all[4].scratch_dir = NULL;
    all[5].transfer_threads = 0;
    all[6].transfer_threads = 65;
    all[7].format = (cairn_savepoint_format)2;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(all); i++) {
        ASSERT_CODE(cairn_savepoint_create(world->store, NULL, JOB_NAME, &all[i], &report, &err),
                    CAIRN_E_INVALID, &err);
        ASSERT_MESSAGE_HAS(&err, "make a savepoint: ");
    }
    all[0] = savepoint_options("s", world->dir->path);
    ASSERT_CODE(cairn_savepoint_create(world->store, NULL, "..", &all[0], &report, &err),
                CAIRN_E_INVALID, &err);
    ASSERT_CODE(cairn_savepoint_create(world->store, NULL, JOB_NAME, &all[0], &report, &err),
                CAIRN_E_NOT_FOUND, &err);
    ASSERT_MESSAGE_HAS(&err, "there is no job " JOB_NAME);
}

static void a_savepoint_is_not_looked_for_by_a_name_that_none_has(void **state)
{
    const job_world *const world = *state;
    char endless[2000];
    const char *const names[] = {NULL, "", "42", "..", "a/b", endless};
    cairn_history *history = NULL;
    cairn_error err = {0};

    memset(endless, 'n', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(names); i++) {
        ASSERT_CODE(
            cairn_history_load_savepoint(world->store, NULL, JOB_NAME, names[i], &history, &err),
            CAIRN_E_INVALID, &err);
        ASSERT_MESSAGE_HAS(&err, "be no number");
    }
}

static void a_job_that_has_only_epochs_has_nothing_to_save(void **state)
{
    job_world *const world = *state;
    cairn_error err = {0};

    cairn_backend_close(job_open(world, "a", NULL));
    ASSERT_CODE(try_save(world, JOB_NAME, "s", CAIRN_SAVEPOINT_NATIVE, &err), CAIRN_E_NOT_FOUND,
                &err);
    ASSERT_MESSAGE_HAS(&err, "has no checkpoint that counts");
}

int main(void)
{
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_WORLD(all_that_a_job_has_goes_with_it),
        WITH_WORLD(a_store_that_copies_nothing_is_copied_by_hand),
        WITH_WORLD(the_first_checkpoint_needs_the_savepoint_no_more),
        WITH_WORLD(times_to_live_go_on_where_they_were),
        WITH_WORLD(output_goes_with_the_own_job_alone),
        WITH_WORLD(the_own_job_is_known_by_its_savepoint_and_not_by_an_address),
        WITH_WORLD(ids_go_on_above_the_savepoint_where_all_else_is_lost),
        WITH_WORLD(options_that_do_not_fit_are_refused),
        WITH_WORLD(a_savepoint_is_not_made_with_options_that_do_not_fit),
        WITH_WORLD(a_savepoint_is_not_looked_for_by_a_name_that_none_has),
        WITH_WORLD(a_job_that_has_only_epochs_has_nothing_to_save),
    };

    return cmocka_run_group_tests_name("savepoint_backend", tests, NULL, NULL);
}
