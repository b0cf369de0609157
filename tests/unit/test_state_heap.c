/* The hash map as a state_engine: group files, what is written again, what an open refuses. */
#include "test.h"

#include "bounds.h"
#include "cancel.h"
#include "fsutil.h"
#include "state_heap.h"
#include "state_key.h"
#include "tmpdir.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SLICE(text)     ((cairn_slice){(text), sizeof(text) - 1})
#define MAX_PARALLELISM 128
#define BOUND           ((uint64_t)1 << 20)
#define ENTRIES         300 /* of a group: more than a segment holds at first */

typedef struct fixture {
    tmpdir *dir;
    state_engine *engine;
    heap_options options;
    cairn_error err;
} fixture;

static cairn_code try_open(fixture *f, const char *path)
{
    state_engine_close(CAIRN_TAKE(f->engine));
    return state_heap_open(path, &f->options, &f->engine, &f->err);
}

static void must_open(fixture *f, const char *path)
{
    ASSERT_OK(try_open(f, path), &f->err);
    if (f->engine == NULL) {
        abort(); /* the analyzer does not know how cmocka leaves a test */
    }
}

static int setup(void **state)
{
    fixture *const f = calloc(1, sizeof(*f));
    char path[TMPDIR_PATH_BYTES];

    f->dir = tmpdir_new();
    if (f->dir == NULL) {
        return 1;
    }
    f->options = (heap_options){.range = {0, MAX_PARALLELISM - 1}, .key_group_bytes = 1};
    must_open(f, tmpdir_join(f->dir, "missing", path));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *const f = *state;

    state_engine_close(f->engine);
    tmpdir_free(f->dir);
    free(f);
    return 0;
}

static state_table *table_of(fixture *f, const char *name, cairn_state_kind kind)
{
    state_table *table = f->engine->ops->find_table(f->engine, name);

    if (table == NULL) {
        ASSERT_OK(f->engine->ops->create_table(f->engine, name, kind, &table, &f->err), &f->err);
    }
    return table;
}

static state_place place(uint32_t key_group, const char *key, const char *user_key,
                         cairn_buf *bytes)
{
    size_t prefix_bytes = 0;

    ASSERT_OK(state_key_begin(bytes, key_group, MAX_PARALLELISM, cairn_slice_of(key), NULL), NULL);
    ASSERT_OK(state_key_append_namespace(bytes, (cairn_slice){0}, NULL), NULL);
    prefix_bytes = bytes->len;
    ASSERT_OK(buf_append(bytes, user_key, strlen(user_key), NULL), NULL);
    return (state_place){cairn_buf_slice(bytes), key_group, prefix_bytes};
}

static cairn_code try_put(fixture *f, uint32_t key_group, const char *key, cairn_slice value)
{
    CAIRN_AUTO(cairn_buf) bytes = {0};
    state_table *const table = table_of(f, "a", CAIRN_STATE_VALUE);
    const state_place at = place(key_group, key, "", &bytes);

    return table->ops->put(table, &at, value, &f->err);
}

static void put(fixture *f, uint32_t key_group, const char *key, const char *value)
{
    ASSERT_OK(try_put(f, key_group, key, cairn_slice_of(value)), &f->err);
}

static void put_map(fixture *f, uint32_t key_group, const char *key, const char *user_key)
{
    CAIRN_AUTO(cairn_buf) bytes = {0};
    state_table *const table = table_of(f, "map", CAIRN_STATE_MAP);
    const state_place at = place(key_group, key, user_key, &bytes);

    ASSERT_OK(table->ops->put(table, &at, SLICE("v"), &f->err), &f->err);
}

static void remove_key(fixture *f, uint32_t key_group, const char *key)
{
    CAIRN_AUTO(cairn_buf) bytes = {0};
    state_table *const table = table_of(f, "a", CAIRN_STATE_VALUE);
    const state_place at = place(key_group, key, "", &bytes);

    ASSERT_OK(table->ops->remove(table, &at, &f->err), &f->err);
}

static void expect(fixture *f, uint32_t key_group, const char *key, const char *value)
{
    CAIRN_AUTO(cairn_buf) bytes = {0};
    state_table *const table = table_of(f, "a", CAIRN_STATE_VALUE);
    const state_place at = place(key_group, key, "", &bytes);
    cairn_slice out = {0};
    bool found = false;

    ASSERT_OK(table->ops->get(table, &at, &out, &found, &f->err), &f->err);
    assert_int_equal(found, value != NULL);
    if (value != NULL) {
        assert_int_equal(out.len, strlen(value));
        assert_memory_equal(out.data, value, out.len);
    }
}

typedef bool (*stands_fn)(void *context, const char *name);

/* Takes a snapshot and writes it to the new folder `name`; `visit` may be NULL. */
static void checkpoint(fixture *f, const char *name, stands_fn stands, state_file_visit visit,
                       void *context)
{
    char path[TMPDIR_PATH_BYTES];
    state_snapshot *snapshot = NULL;

    ASSERT_OK(f->engine->ops->snapshot(f->engine, &snapshot, &f->err), &f->err);
    ASSERT_OK(snapshot->ops->write(snapshot, NULL, tmpdir_join(f->dir, name, path), stands, context,
                                   &f->err),
              &f->err);
    if (visit != NULL) {
        ASSERT_OK(snapshot->ops->visit_files(snapshot, path, visit, context, &f->err), &f->err);
    }
    state_snapshot_free(snapshot);
}

static void expect_files(fixture *f, const char *folder, const char *const *expected)
{
    char path[TMPDIR_PATH_BYTES];
    CAIRN_AUTO(fs_names) names = {0};
    size_t count = 0;

    ASSERT_OK(fs_list(tmpdir_join(f->dir, folder, path), &names, &f->err), &f->err);
    while (expected[count] != NULL) {
        assert_true(count < names.count);
        assert_string_equal(names.items[count], expected[count]);
        count++;
    }
    assert_int_equal(names.count, count);
}

/* --- snapshots -------------------------------------------------------------------------------- */

static void a_snapshot_is_a_file_for_each_key_group_with_entries(void **state)
{
    fixture *const f = *state;
    put(f, 5, "a", "1");
    put(f, 5, "b", "2");
    put(f, 90, "a", "3");
    put(f, 91, "gone", "4");
    remove_key(f, 91, "gone");

    checkpoint(f, "snapshot", NULL, NULL, NULL);

    expect_files(f, "snapshot", (const char *[]){"kg-5-2.heap", "kg-90-1.heap", NULL});
}

static void what_was_written_comes_back_and_nothing_after_it(void **state)
{
    fixture *const f = *state;
    char path[TMPDIR_PATH_BYTES];
    state_snapshot *snapshot = NULL;
    char key[16];
    for (int i = 0; i < ENTRIES; i++) {
        (void)snprintf(key, sizeof key, "key-%d", i);
        put(f, 5, key, key);
    }

    ASSERT_OK(f->engine->ops->snapshot(f->engine, &snapshot, &f->err), &f->err);
    put(f, 5, "key-7", "later");
    put(f, 6, "later", "later");
    remove_key(f, 5, "key-8");
    ASSERT_OK(snapshot->ops->write(snapshot, NULL, tmpdir_join(f->dir, "snapshot", path), NULL,
                                   NULL, &f->err),
              &f->err);
    state_snapshot_free(snapshot);
    must_open(f, path);

    for (int i = 0; i < ENTRIES; i++) {
        (void)snprintf(key, sizeof key, "key-%d", i);
        expect(f, 5, key, key);
    }
    expect(f, 6, "later", NULL);
}

typedef struct known_file {
    const char *name;
    size_t visits;
} known_file;

static bool stands(void *context, const char *name)
{
    return strcmp(((const known_file *)context)->name, name) == 0;
}

static cairn_code see(void *context, const state_file *file, cairn_error *err)
{
    known_file *const known = context;

    (void)err;
    known->visits += strcmp(file->name, known->name) == 0 && file->first_key_group == 5 &&
                     file->last_key_group == 5;
    return CAIRN_OK;
}

static void a_file_that_stands_is_named_but_not_written(void **state)
{
    fixture *const f = *state;
    known_file known = {.name = "kg-5-1.heap"};
    put(f, 5, "a", "1");
    put(f, 90, "a", "3");

    checkpoint(f, "snapshot", stands, see, &known);

    expect_files(f, "snapshot", (const char *[]){"kg-90-1.heap", NULL});
    assert_int_equal(known.visits, 1);
}

/* The chain of names goes on: none is used for other contents. */
static void numbers_go_on_after_an_open(void **state)
{
    fixture *const f = *state;
    char path[TMPDIR_PATH_BYTES];
    put(f, 5, "a", "1");
    put(f, 5, "a", "2");
    put(f, 5, "a", "3");
    put(f, 90, "a", "1");
    checkpoint(f, "first", NULL, NULL, NULL);

    must_open(f, tmpdir_join(f->dir, "first", path));
    checkpoint(f, "same", NULL, NULL, NULL);
    put(f, 90, "a", "2");
    checkpoint(f, "next", NULL, NULL, NULL);

    expect_files(f, "same", (const char *[]){"kg-5-3.heap", "kg-90-1.heap", NULL});
    expect_files(f, "next", (const char *[]){"kg-5-3.heap", "kg-90-2.heap", NULL});
}

static void a_snapshot_that_is_cancelled_leaves_no_folder(void **state)
{
    fixture *const f = *state;
    char path[TMPDIR_PATH_BYTES];
    cairn_cancel *cancel = NULL;
    state_snapshot *snapshot = NULL;
    put(f, 5, "a", "1");
    ASSERT_OK(cairn_cancel_new(&cancel, &f->err), &f->err);
    cairn_cancel_trigger(cancel);
    const cairn_call call = {0, cancel};

    ASSERT_OK(f->engine->ops->snapshot(f->engine, &snapshot, &f->err), &f->err);
    ASSERT_CODE(snapshot->ops->write(snapshot, &call, tmpdir_join(f->dir, "snapshot", path), NULL,
                                     NULL, &f->err),
                CAIRN_E_CANCELLED, &f->err);

    assert_false(fs_exists(path));
    state_snapshot_free(snapshot);
    cairn_cancel_free(cancel);
}

static void a_plain_table_is_none_of_a_map(void **state)
{
    fixture *const f = *state;
    const state_engine_ops *const ops = f->engine->ops;

    assert_true(ops->fits(table_of(f, "plain", CAIRN_STATE_VALUE), CAIRN_STATE_LIST));
    assert_true(ops->fits(table_of(f, "map", CAIRN_STATE_MAP), CAIRN_STATE_TIMERS));
    assert_false(ops->fits(table_of(f, "plain", CAIRN_STATE_VALUE), CAIRN_STATE_MAP));
    assert_false(ops->fits(table_of(f, "plain", CAIRN_STATE_VALUE), CAIRN_STATE_TIMERS));
}

/* One key group may be all there is: its file is looked at with each piece. */
static void a_snapshot_past_its_deadline_ends_within_a_key_group(void **state)
{
    fixture *const f = *state;
    static const uint8_t large[2 * CAIRN_HEAP_BUFFER_BYTES];
    char path[TMPDIR_PATH_BYTES];
    state_snapshot *snapshot = NULL;
    const cairn_call call = {1, NULL};
    ASSERT_OK(try_put(f, 5, "a", (cairn_slice){large, sizeof(large)}), &f->err);

    ASSERT_OK(f->engine->ops->snapshot(f->engine, &snapshot, &f->err), &f->err);
    ASSERT_CODE(snapshot->ops->write(snapshot, &call, tmpdir_join(f->dir, "snapshot", path), NULL,
                                     NULL, &f->err),
                CAIRN_E_TIMEOUT, &f->err);

    assert_false(fs_exists(path));
    state_snapshot_free(snapshot);
}

static void a_snapshot_never_writes_into_a_folder_that_exists(void **state)
{
    fixture *const f = *state;
    state_snapshot *snapshot = NULL;

    ASSERT_OK(f->engine->ops->snapshot(f->engine, &snapshot, &f->err), &f->err);
    ASSERT_CODE(snapshot->ops->write(snapshot, NULL, f->dir->path, NULL, NULL, &f->err),
                CAIRN_E_EXISTS, &f->err);

    state_snapshot_free(snapshot);
}

/* --- tables ----------------------------------------------------------------------------------- */

static void a_table_without_entries_is_missing_after_an_open(void **state)
{
    fixture *const f = *state;
    char path[TMPDIR_PATH_BYTES];
    (void)table_of(f, "empty", CAIRN_STATE_LIST);
    put(f, 5, "a", "1");
    checkpoint(f, "snapshot", NULL, NULL, NULL);

    must_open(f, tmpdir_join(f->dir, "snapshot", path));

    assert_false(f->engine->ops->keeps_empty_tables);
    assert_null(f->engine->ops->find_table(f->engine, "empty"));
    assert_non_null(f->engine->ops->find_table(f->engine, "a"));
}

static void a_table_is_made_once(void **state)
{
    fixture *const f = *state;
    state_table *again = NULL;
    (void)table_of(f, "a", CAIRN_STATE_VALUE);

    ASSERT_CODE(f->engine->ops->create_table(f->engine, "a", CAIRN_STATE_VALUE, &again, &f->err),
                CAIRN_E_EXISTS, &f->err);
    assert_null(again);
}

static void expect_rows(state_cursor *cursor, const char *user_keys)
{
    cairn_slice key;
    cairn_slice value;
    size_t rows = 0;

    while (cursor->ops->next(cursor, &key, &value)) {
        assert_true(rows < strlen(user_keys));
        assert_int_equal(((const char *)key.data)[key.len - 1], user_keys[rows]);
        rows++;
    }
    ASSERT_OK(cursor->ops->status(cursor, NULL), NULL);
    assert_int_equal(rows, strlen(user_keys));
    state_cursor_free(cursor);
}

/* Also after an open, which must chain the entries of a map again. */
static void maps_are_walked_by_prefix_and_scans_are_sorted(void **state)
{
    fixture *const f = *state;
    CAIRN_AUTO(cairn_buf) bytes = {0};
    char path[TMPDIR_PATH_BYTES];
    const state_place at = place(7, "k", "", &bytes);
    put_map(f, 7, "k", "2");
    put_map(f, 7, "kk", "3");
    put_map(f, 7, "k", "1");
    put_map(f, 6, "k", "0");
    checkpoint(f, "snapshot", NULL, NULL, NULL);

    for (int opened = 0; opened < 2; opened++) {
        state_table *const table = table_of(f, "map", CAIRN_STATE_MAP);
        state_cursor *cursor = NULL;
        cairn_slice key;
        cairn_slice value;
        size_t walked = 0;

        ASSERT_OK(table->ops->walk(table, &at, &cursor, &f->err), &f->err);
        while (cursor->ops->next(cursor, &key, &value)) {
            assert_memory_equal(key.data, at.bytes.data, at.prefix_bytes);
            walked++;
        }
        state_cursor_free(cursor);
        assert_int_equal(walked, 2);

        ASSERT_OK(table->ops->scan(table, &cursor, &f->err), &f->err);
        put_map(f, 7, "k", "4");
        expect_rows(cursor, "0123");
        must_open(f, tmpdir_join(f->dir, "snapshot", path));
    }
}

static void beyond_its_memory_a_write_says_what_to_do(void **state)
{
    fixture *const f = *state;
    char path[TMPDIR_PATH_BYTES];
    char value[4096];
    cairn_code code = CAIRN_OK;
    char key[16];
    memset(value, 'v', sizeof value);
    f->options.memory_bytes = BOUND;
    must_open(f, tmpdir_join(f->dir, "missing", path));

    for (int i = 0; code == CAIRN_OK && i < 1000; i++) {
        (void)snprintf(key, sizeof key, "key-%d", i);
        code = try_put(f, 5, key, (cairn_slice){value, sizeof value});
    }

    ASSERT_CODE(code, CAIRN_E_LIMIT, &f->err);
    ASSERT_MESSAGE_HAS(&f->err, "cairn.hashmap.memory");
    ASSERT_MESSAGE_HAS(&f->err, "state.backend.type");
    assert_true(f->engine->ops->memory_bytes(f->engine) <= BOUND);
}

/* --- what an open refuses --------------------------------------------------------------------- */

/* A folder "snapshot" with kg-5-1.heap and kg-90-1.heap. */
static void make_snapshot(fixture *f, char path[TMPDIR_PATH_BYTES])
{
    put(f, 5, "a", "1");
    put(f, 90, "a", "3");
    checkpoint(f, "snapshot", NULL, NULL, NULL);
    tmpdir_join(f->dir, "snapshot", path);
}

static void rename_file(const char *dir, const char *from, const char *to)
{
    char before[2 * TMPDIR_PATH_BYTES];
    char after[2 * TMPDIR_PATH_BYTES];

    (void)snprintf(before, sizeof before, "%s/%s", dir, from);
    (void)snprintf(after, sizeof after, "%s/%s", dir, to);
    assert_int_equal(rename(before, after), 0);
}

static void files_that_are_not_what_their_names_say_are_refused(void **state)
{
    fixture *const f = *state;
    static const struct {
        const char *title;
        const char *to; /* new name of kg-90-1.heap */
        uint32_t last;  /* key group that is owned */
        const char *message;
    } cases[] = {
        {"of another key group than its name says", "kg-91-1.heap", 127, "kg-91-1.heap"},
        {"two of one group", "kg-5-9.heap", 127, "another file has the same key group"},
        {"outside the range", "kg-90-1.heap", 63, "is not one of 0..63"},
        {"a stranger", "notes.txt", 127, "no file of the hash map"},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        char path[TMPDIR_PATH_BYTES];

        print_message("%s\n", cases[i].title);
        f->options.range.last = MAX_PARALLELISM - 1;
        must_open(f, tmpdir_join(f->dir, "missing", path));
        make_snapshot(f, path);
        rename_file(path, "kg-90-1.heap", cases[i].to);
        f->options.range.last = cases[i].last;

        ASSERT_CODE(try_open(f, path), CAIRN_E_INTEGRITY, &f->err);

        ASSERT_MESSAGE_HAS(&f->err, cases[i].message);
        assert_null(f->engine);
        ASSERT_OK(fs_remove_tree(path, &f->err), &f->err);
    }
}

/* SHA-256 finds every damage before; an open still takes nothing that is cut short. */
static void a_file_that_was_cut_is_refused(void **state)
{
    fixture *const f = *state;
    char path[TMPDIR_PATH_BYTES];
    char file[2 * TMPDIR_PATH_BYTES];
    fs_stat info;
    make_snapshot(f, path);
    (void)snprintf(file, sizeof file, "%s/kg-90-1.heap", path);
    ASSERT_OK(fs_stat_path(file, &info, &f->err), &f->err);

    for (uint64_t size = info.size; size-- > 0;) {
        assert_int_equal(truncate(file, (off_t)size), 0);
        ASSERT_CODE(try_open(f, path), CAIRN_E_INTEGRITY, &f->err);
        ASSERT_MESSAGE_HAS(&f->err, "kg-90-1.heap");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_snapshot_is_a_file_for_each_key_group_with_entries, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_was_written_comes_back_and_nothing_after_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_file_that_stands_is_named_but_not_written, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(numbers_go_on_after_an_open, setup, teardown),
        cmocka_unit_test_setup_teardown(a_snapshot_that_is_cancelled_leaves_no_folder, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_plain_table_is_none_of_a_map, setup, teardown),
        cmocka_unit_test_setup_teardown(a_snapshot_past_its_deadline_ends_within_a_key_group, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_snapshot_never_writes_into_a_folder_that_exists, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_table_without_entries_is_missing_after_an_open, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_table_is_made_once, setup, teardown),
        cmocka_unit_test_setup_teardown(maps_are_walked_by_prefix_and_scans_are_sorted, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(beyond_its_memory_a_write_says_what_to_do, setup, teardown),
        cmocka_unit_test_setup_teardown(files_that_are_not_what_their_names_say_are_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_file_that_was_cut_is_refused, setup, teardown),
    };

    return cmocka_run_group_tests_name("state_heap", tests, NULL, NULL);
}
