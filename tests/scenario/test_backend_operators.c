/* Operator state through checkpoints of a backend, on both engines. */
#include "test.h"

#include "buf.h"
#include "fsutil.h"
#include "job_world.h"

#include <stdio.h>
#include <stdlib.h>

#define WAIT_MS 60000

static const cairn_state_backend engines[] = {CAIRN_STATE_BACKEND_ROCKSDB,
                                              CAIRN_STATE_BACKEND_HASHMAP};

static int setup(void **state)
{
    return job_world_new((job_world **)state);
}

static int teardown(void **state)
{
    job_world_free(*state);
    return 0;
}

static cairn_operator_descriptor named(const char *name)
{
    cairn_operator_descriptor descriptor = CAIRN_OPERATOR_DESCRIPTOR_INIT;

    descriptor.name = name;
    return descriptor;
}

static cairn_operator_list *open_list(cairn_backend *backend, const char *name)
{
    const cairn_operator_descriptor descriptor = named(name);
    cairn_operator_list *list = NULL;
    cairn_error err = {0};

    ASSERT_OK(cairn_operator_list_open(backend, &descriptor, &list, &err), &err);
    return list;
}

static cairn_broadcast *open_map(cairn_backend *backend, const char *name)
{
    const cairn_operator_descriptor descriptor = named(name);
    cairn_broadcast *map = NULL;
    cairn_error err = {0};

    ASSERT_OK(cairn_broadcast_open(backend, &descriptor, &map, &err), &err);
    return map;
}

static void add(cairn_operator_list *list, const char *element)
{
    cairn_error err = {0};

    ASSERT_OK(cairn_operator_list_add(list, cairn_slice_of(element), &err), &err);
}

static void put(cairn_broadcast *map, const char *key, const char *value)
{
    cairn_error err = {0};

    ASSERT_OK(cairn_broadcast_put(map, cairn_slice_of(key), cairn_slice_of(value), &err), &err);
}

/* `elements`: words with a blank between each two. */
static void expect_list(const cairn_operator_list *list, const char *elements)
{
    cairn_list_view view = {0};
    cairn_slice element;
    char text[1024] = "";
    size_t used = 0;

    ASSERT_OK(cairn_operator_list_get(list, &view, NULL), NULL);
    while (cairn_list_next(&view, &element)) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s", used > 0 ? " " : "",
                                 (int)element.len, (const char *)element.data);
    }
    assert_string_equal(text, elements);
}

static void expect_entry(const cairn_broadcast *map, const char *key, const char *value)
{
    cairn_slice stored = {0};
    bool found = false;

    ASSERT_OK(cairn_broadcast_get(map, cairn_slice_of(key), &stored, &found, NULL), NULL);
    assert_true(found);
    assert_true(cairn_slice_equal(stored, cairn_slice_of(value)));
}

static cairn_backend *open_engine(job_world *world, cairn_state_backend engine, const char *name)
{
    cairn_backend_options options;

    world->state_backend = engine;
    options = job_options(world);
    options.num_retained = 3;
    return job_open(world, name, &options);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void a_restored_job_goes_on_with_its_operator_state(void **state)
{
    job_world *const world = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(engines); i++) {
        cairn_backend_options fresh;
        cairn_backend *backend = NULL;
        cairn_broadcast *map = NULL;
        cairn_operator_list *both = NULL;
        const cairn_operator_descriptor descriptor = named("seen");
        cairn_error err = {0};
        world->state_backend = engines[i];
        fresh = job_options(world);
        fresh.restore = CAIRN_RESTORE_NONE;
        backend = job_open(world, "a", &fresh);
        assert_null(cairn_backend_restored(backend));
        add(open_list(backend, "offsets"), "one");
        add(open_list(backend, "offsets"), "two");
        ASSERT_OK(cairn_operator_union_open(backend, &descriptor, &both, &err), &err);
        add(both, "u");
        map = open_map(backend, "rules");
        put(map, "k", "v");
        put(map, "gone", "x");
        ASSERT_OK(cairn_broadcast_remove(map, cairn_slice_of("gone"), &err), &err);

        (void)job_checkpoint(backend, 1);
        cairn_backend_close(backend);
        backend = open_engine(world, engines[i], "b");

        assert_non_null(cairn_backend_restored(backend));
        expect_list(open_list(backend, "offsets"), "one two");
        ASSERT_OK(cairn_operator_union_open(backend, &descriptor, &both, &err), &err);
        expect_list(both, "u");
        expect_entry(open_map(backend, "rules"), "k", "v");
        assert_int_equal(cairn_broadcast_count(open_map(backend, "rules")), 1);
        cairn_backend_close(backend);
    }
}

static void a_checkpoint_holds_what_stood_at_its_barrier(void **state)
{
    job_world *const world = *state;
    const cairn_checkpoint_request request = CAIRN_CHECKPOINT_REQUEST_INIT;
    cairn_checkpoint *checkpoint = NULL;
    cairn_error err = {0};
    cairn_backend *backend = open_engine(world, CAIRN_STATE_BACKEND_HASHMAP, "a");
    cairn_operator_list *list = open_list(backend, "offsets");
    cairn_broadcast *map = open_map(backend, "rules");
    add(list, "before");
    put(map, "k", "before");

    ASSERT_OK(cairn_checkpoint_begin(backend, &request, &checkpoint, &err), &err);
    add(list, "after");
    put(map, "k", "after");
    add(open_list(backend, "later"), "x");
    ASSERT_OK(cairn_checkpoint_wait(checkpoint, WAIT_MS, &err), &err);
    cairn_checkpoint_free(checkpoint);
    expect_list(list, "before after");
    cairn_backend_close(backend);
    backend = open_engine(world, CAIRN_STATE_BACKEND_HASHMAP, "b");

    expect_list(open_list(backend, "offsets"), "before");
    expect_entry(open_map(backend, "rules"), "k", "before");
    expect_list(open_list(backend, "later"), "");
    cairn_backend_close(backend);
}

static void what_nobody_opens_stays_in_the_checkpoints(void **state)
{
    job_world *const world = *state;
    cairn_backend *backend = open_engine(world, CAIRN_STATE_BACKEND_ROCKSDB, "a");
    add(open_list(backend, "offsets"), "one");
    (void)job_checkpoint(backend, 1);
    cairn_backend_close(backend);

    for (int i = 0; i < 3; i++) {
        backend = open_engine(world, CAIRN_STATE_BACKEND_ROCKSDB, "b");
        job_write(world, backend, 0, 10);
        (void)job_checkpoint(backend, 2);
        cairn_backend_close(backend);
    }

    backend = open_engine(world, CAIRN_STATE_BACKEND_ROCKSDB, "c");
    expect_list(open_list(backend, "offsets"), "one");
    cairn_backend_close(backend);
    job_expect_no_garbage(world);
}

static void another_mode_than_the_restored_one_is_refused(void **state)
{
    job_world *const world = *state;
    const cairn_operator_descriptor descriptor = named("offsets");
    cairn_operator_list *list = NULL;
    cairn_error err = {0};
    cairn_backend *backend = open_engine(world, CAIRN_STATE_BACKEND_HASHMAP, "a");
    (void)open_list(backend, "offsets"); /* also if it is empty */
    (void)job_checkpoint(backend, 1);
    cairn_backend_close(backend);
    backend = open_engine(world, CAIRN_STATE_BACKEND_HASHMAP, "b");

    ASSERT_CODE(cairn_operator_union_open(backend, &descriptor, &list, &err), CAIRN_E_INCOMPATIBLE,
                &err);

    ASSERT_MESSAGE_HAS(&err, "operator state 'offsets': its mode is list, not union");
    assert_null(list);
    cairn_backend_close(backend);
}

static void the_file_is_counted_and_stored_each_time(void **state)
{
    job_world *const world = *state;
    cairn_checkpoint_stats stats = {0};
    cairn_checkpoint_stats without = {0};
    cairn_backend *backend = open_engine(world, CAIRN_STATE_BACKEND_HASHMAP, "a");
    job_checkpoint_stats(backend, 1, &without);
    add(open_list(backend, "offsets"), "0123456789");

    for (int i = 0; i < 2; i++) {
        job_checkpoint_stats(backend, 2, &stats);
        assert_int_equal(stats.total_files, without.total_files + 1);
        assert_int_equal(stats.new_files, 1);
        assert_int_equal(stats.new_bytes, stats.total_bytes);
        assert_in_range(stats.new_bytes, 11, 200);
    }

    cairn_backend_close(backend);
}

static void nothing_stays_on_the_local_disk(void **state)
{
    job_world *const world = *state;
    fs_names names = {0};
    char path[TMPDIR_PATH_BYTES];
    cairn_error err = {0};
    cairn_backend *backend = open_engine(world, CAIRN_STATE_BACKEND_HASHMAP, "a");
    add(open_list(backend, "offsets"), "one");

    (void)job_checkpoint(backend, 1);

    ASSERT_OK(fs_list(tmpdir_join(world->dir, "local-a/snapshots", path), &names, &err), &err);
    assert_int_equal(names.count, 0);
    fs_names_release(&names);
    cairn_backend_close(backend);
}

static void flip_operator_file(job_world *world, uint64_t id)
{
    const cairn_history_entry *entry = NULL;
    cairn_history *history = NULL;
    cairn_error err = {0};
    char name[2048];
    char path[TMPDIR_PATH_BYTES];
    cairn_buf bytes = {0};

    ASSERT_OK(cairn_history_load(world->directory, NULL, JOB_NAME, &history, &err), &err);
    ASSERT_OK(cairn_history_find(history, id, &entry, &err), &err);
    (void)snprintf(name, sizeof name, "store/" JOB_NAME "/%s",
                   entry->manifest->operators[0].subtasks[0].operator_states->file.key);
    (void)tmpdir_join(world->dir, name, path);
    ASSERT_OK(fs_read_file(path, 4096, &bytes, &err), &err);
    bytes.data[bytes.len - 1] ^= 1;
    ASSERT_OK(fs_write_file(path, cairn_buf_slice(&bytes), &err), &err);
    cairn_buf_release(&bytes);
    cairn_history_free(history);
}

static void damage_is_told_and_the_newest_good_one_restores(void **state)
{
    job_world *const world = *state;
    cairn_backend *backend = open_engine(world, CAIRN_STATE_BACKEND_ROCKSDB, "a");
    cairn_backend_options options = job_options(world);
    cairn_error err = {0};
    add(open_list(backend, "offsets"), "one");
    const uint64_t good = job_checkpoint(backend, 1);
    add(open_list(backend, "offsets"), "two");
    const uint64_t bad = job_checkpoint(backend, 2);
    cairn_backend_close(backend);
    backend = NULL;
    flip_operator_file(world, bad);

    ASSERT_CODE(job_try_open(world, "b", &options, &backend, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "operator.state is damaged");
    ASSERT_MESSAGE_HAS(&err, "the newest good checkpoint is 1");
    assert_null(backend);
    assert_int_equal(good, 1);
    options.restore = CAIRN_RESTORE_LATEST_GOOD;
    backend = job_open(world, "c", &options);

    assert_int_equal(cairn_backend_restored(backend)->id, good);
    expect_list(open_list(backend, "offsets"), "one");
    cairn_backend_close(backend);
}

/* --- history ---------------------------------------------------------------------------------- */

typedef struct seen {
    cairn_buf text;
    size_t count;
    size_t stop_at;
} seen;

static cairn_code note(void *context, const cairn_operator_element *element, cairn_error *err)
{
    seen *log = context;

    CAIRN_TRY(buf_printf(&log->text, err, "%u:%.*s=%.*s ", element->subtask, (int)element->key.len,
                         (const char *)element->key.data, (int)element->value.len,
                         (const char *)element->value.data));
    log->count++;
    return log->count == log->stop_at ? CAIRN_E_CANCELLED : CAIRN_OK;
}

static cairn_code scan(job_world *world, const char *operator_uid, const char *name, seen *log,
                       cairn_error *err)
{
    const cairn_operator_scan what = {0, operator_uid, name, note, log};
    cairn_history *history = NULL;

    ASSERT_OK(cairn_history_load(world->directory, NULL, JOB_NAME, &history, err), err);
    const cairn_code code = cairn_history_scan_operator(history, NULL, &what, err);
    cairn_history_free(history);
    return code;
}

static void a_scan_reads_it_from_the_store(void **state)
{
    job_world *const world = *state;
    cairn_backend *backend = open_engine(world, CAIRN_STATE_BACKEND_HASHMAP, "a");
    seen list = {.count = 0};
    seen map = {.count = 0};
    seen stopped = {.stop_at = 1};
    seen none = {.count = 0};
    cairn_error err = {0};
    add(open_list(backend, "offsets"), "b");
    add(open_list(backend, "offsets"), "a");
    put(open_map(backend, "rules"), "y", "1");
    put(open_map(backend, "rules"), "x", "2");
    (void)job_checkpoint(backend, 1);
    cairn_backend_close(backend);

    ASSERT_OK(scan(world, "op", "offsets", &list, &err), &err);
    ASSERT_OK(scan(world, "op", "rules", &map, &err), &err);
    assert_int_equal(scan(world, "op", "offsets", &stopped, &err), CAIRN_E_CANCELLED);
    ASSERT_CODE(scan(world, "op", "rulez", &none, &err), CAIRN_E_NOT_FOUND, &err);
    ASSERT_MESSAGE_HAS(&err, "no operator state rulez of operator op");
    ASSERT_CODE(scan(world, "po", "rules", &none, &err), CAIRN_E_NOT_FOUND, &err);

    assert_string_equal(buf_text(&list.text), "0:=b 0:=a ");
    assert_string_equal(buf_text(&map.text), "0:x=2 0:y=1 ");
    assert_int_equal(stopped.count, 1);
    assert_int_equal(none.count, 0);
    cairn_buf_release(&list.text);
    cairn_buf_release(&map.text);
    cairn_buf_release(&stopped.text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_restored_job_goes_on_with_its_operator_state),
        TEST(a_checkpoint_holds_what_stood_at_its_barrier),
        TEST(what_nobody_opens_stays_in_the_checkpoints),
        TEST(another_mode_than_the_restored_one_is_refused),
        TEST(the_file_is_counted_and_stored_each_time),
        TEST(nothing_stays_on_the_local_disk),
        TEST(damage_is_told_and_the_newest_good_one_restores),
        TEST(a_scan_reads_it_from_the_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
