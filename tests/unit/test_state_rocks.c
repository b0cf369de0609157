/* RocksDB as a state_engine: tables, appends through a snapshot's window, what is in the files. */
#include "test.h"

#include "bounds.h"
#include "clock.h"
#include "encode.h"
#include "fsutil.h"
#include "rocks_snapshot.h"
#include "state_key.h"
#include "state_rocks.h"
#include "tmpdir.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define TINY            ((rocks_options){.memory_bytes = CAIRN_ROCKS_MEMORY_BYTES_MIN})
#define READ_ONLY       ((rocks_options){.read_only = true})
#define SLICE(text)     ((cairn_slice){(text), sizeof(text) - 1})
#define MAX_PARALLELISM 128
#define ELEMENTS        ((size_t)3000)
#define LINK_LAG_MS     30
#define LDB_BYTES_MAX   ((size_t)1 << 20)

typedef struct fixture {
    tmpdir *dir;
    char path[TMPDIR_PATH_BYTES];
    state_engine *engine;
    cairn_error err;
} fixture;

static void reopen(fixture *f, const char *path)
{
    state_engine_close(f->engine);
    f->engine = NULL;
    ASSERT_OK(state_rocks_open(path, &TINY, MAX_PARALLELISM, &f->engine, &f->err), &f->err);
}

static int setup(void **state)
{
    fixture *const f = calloc(1, sizeof(*f));

    f->dir = tmpdir_new();
    if (f->dir == NULL) {
        return 1;
    }
    tmpdir_join(f->dir, "db", f->path);
    reopen(f, f->path);
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

static state_table *create(fixture *f, const char *name, cairn_state_kind kind)
{
    state_table *table = NULL;

    ASSERT_OK(f->engine->ops->create_table(f->engine, name, kind, &table, &f->err), &f->err);
    return table;
}

/* The place of a key in a group, with a user key behind. `bytes` holds it. */
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

static void put(fixture *f, state_table *table, uint32_t key_group, const char *key,
                const char *user_key, cairn_slice value)
{
    CAIRN_AUTO(cairn_buf) bytes = {0};
    const state_place at = place(key_group, key, user_key, &bytes);

    ASSERT_OK(table->ops->put(table, &at, value, &f->err), &f->err);
}

static void append(fixture *f, state_table *table, const char *key, cairn_slice value)
{
    CAIRN_AUTO(cairn_buf) bytes = {0};
    const state_place at = place(7, key, "", &bytes);

    ASSERT_OK(table->ops->append(table, &at, value, &f->err), &f->err);
}

static bool get(fixture *f, state_table *table, const char *key, cairn_slice *out)
{
    CAIRN_AUTO(cairn_buf) bytes = {0};
    const state_place at = place(7, key, "", &bytes);
    bool found = false;

    ASSERT_OK(table->ops->get(table, &at, out, &found, &f->err), &f->err);
    return found;
}

static void expect(fixture *f, state_table *table, const char *key, cairn_slice value)
{
    cairn_slice out = {0};

    assert_true(get(f, table, key, &out));
    assert_int_equal(out.len, value.len);
    assert_memory_equal(out.data, value.data, value.len);
}

static void write_snapshot(fixture *f, state_snapshot *snapshot, const char *name,
                           char path[TMPDIR_PATH_BYTES])
{
    tmpdir_join(f->dir, name, path);
    ASSERT_OK(snapshot->ops->write(snapshot, NULL, path, NULL, NULL, &f->err), &f->err);
}

static state_snapshot *begin(fixture *f)
{
    state_snapshot *snapshot = NULL;

    ASSERT_OK(f->engine->ops->snapshot(f->engine, &snapshot, &f->err), &f->err);
    return snapshot;
}

/* --- tables ----------------------------------------------------------------------------------- */

static void a_table_is_made_once_and_found_afterwards(void **state)
{
    fixture *const f = *state;
    state_table *table = NULL;
    assert_null(f->engine->ops->find_table(f->engine, "a"));

    state_table *const made = create(f, "a", CAIRN_STATE_VALUE);

    assert_ptr_equal(f->engine->ops->find_table(f->engine, "a"), made);
    ASSERT_CODE(f->engine->ops->create_table(f->engine, "a", CAIRN_STATE_VALUE, &table, &f->err),
                CAIRN_E_EXISTS, &f->err);
    assert_null(table);
}

/* RocksDB makes a family of that name by itself. */
static void a_state_called_default_is_made_like_any_other(void **state)
{
    fixture *const f = *state;
    state_table *again = NULL;

    state_table *const table = create(f, "default", CAIRN_STATE_VALUE);

    put(f, table, 7, "k", "", SLICE("v"));
    expect(f, table, "k", SLICE("v"));
    ASSERT_CODE(
        f->engine->ops->create_table(f->engine, "default", CAIRN_STATE_VALUE, &again, &f->err),
        CAIRN_E_EXISTS, &f->err);
}

static void what_was_removed_or_never_put_is_not_found(void **state)
{
    fixture *const f = *state;
    CAIRN_AUTO(cairn_buf) bytes = {0};
    state_table *const table = create(f, "a", CAIRN_STATE_VALUE);
    const state_place at = place(7, "k", "", &bytes);
    cairn_slice out = SLICE("untouched");
    put(f, table, 7, "k", "", SLICE("v"));

    ASSERT_OK(table->ops->remove(table, &at, &f->err), &f->err);
    ASSERT_OK(table->ops->remove(table, &at, &f->err), &f->err);

    assert_false(get(f, table, "k", &out));
    assert_memory_equal(out.data, "untouched", out.len);
}

static size_t count(state_cursor *cursor, const char *user_keys)
{
    cairn_slice key;
    cairn_slice value;
    size_t rows = 0;

    while (cursor->ops->next(cursor, &key, &value)) {
        assert_int_equal(((const char *)key.data)[key.len - 1], user_keys[rows]);
        rows++;
    }
    ASSERT_OK(cursor->ops->status(cursor, NULL), NULL);
    state_cursor_free(cursor);
    return rows;
}

static void a_walk_sees_one_prefix_and_a_scan_all(void **state)
{
    fixture *const f = *state;
    CAIRN_AUTO(cairn_buf) bytes = {0};
    state_table *const table = create(f, "a", CAIRN_STATE_MAP);
    const state_place at = place(7, "k", "", &bytes);
    state_cursor *cursor = NULL;
    put(f, table, 7, "k", "2", SLICE("v"));
    put(f, table, 7, "k", "1", SLICE("v"));
    put(f, table, 7, "kk", "3", SLICE("v"));
    put(f, table, 6, "k", "0", SLICE("v"));

    ASSERT_OK(table->ops->walk(table, &at, &cursor, &f->err), &f->err);
    assert_int_equal(count(cursor, "12"), 2);

    ASSERT_OK(table->ops->scan(table, &cursor, &f->err), &f->err);
    assert_int_equal(count(cursor, "0123"), 4);
}

static void a_scan_does_not_see_what_is_written_meanwhile(void **state)
{
    fixture *const f = *state;
    state_table *const table = create(f, "a", CAIRN_STATE_MAP);
    state_cursor *cursor = NULL;
    put(f, table, 7, "k", "1", SLICE("v"));

    ASSERT_OK(table->ops->scan(table, &cursor, &f->err), &f->err);
    put(f, table, 7, "k", "2", SLICE("v"));
    put(f, table, 6, "k", "0", SLICE("v"));

    assert_int_equal(count(cursor, "1"), 1);
}

/* --- appends ---------------------------------------------------------------------------------- */

static void appends_are_joined_with_nothing_between(void **state)
{
    fixture *const f = *state;
    state_table *const table = create(f, "a", CAIRN_STATE_LIST);

    append(f, table, "k", SLICE("one"));
    append(f, table, "k", SLICE(""));
    append(f, table, "k", SLICE("\0,\xff\n"));
    append(f, table, "k", SLICE("two"));

    expect(f, table, "k", SLICE("one\0,\xff\ntwo"));
}

static void a_put_or_remove_between_appends_counts(void **state)
{
    fixture *const f = *state;
    CAIRN_AUTO(cairn_buf) bytes = {0};
    state_table *const table = create(f, "a", CAIRN_STATE_LIST);
    const state_place at = place(7, "k", "", &bytes);

    append(f, table, "k", SLICE("gone"));
    put(f, table, 7, "k", "", SLICE("base"));
    append(f, table, "k", SLICE("+"));
    expect(f, table, "k", SLICE("base+"));

    ASSERT_OK(table->ops->remove(table, &at, &f->err), &f->err);
    append(f, table, "k", SLICE("new"));
    expect(f, table, "k", SLICE("new"));
}

static void expect_elements(fixture *f, state_table *table, size_t elements)
{
    cairn_slice out = {0};
    char text[24];

    assert_true(get(f, table, "k", &out));
    assert_int_equal(out.len, 4 * elements);
    for (size_t i = 0; i < elements; i++) {
        (void)snprintf(text, sizeof text, "%04zu", i);
        assert_memory_equal((const char *)out.data + 4 * i, text, 4);
    }
}

static void append_elements(fixture *f, state_table *table, size_t first, size_t end)
{
    char text[24];

    for (size_t i = first; i < end; i++) {
        (void)snprintf(text, sizeof text, "%04zu", i);
        append(f, table, "k", (cairn_slice){text, 4});
    }
}

typedef struct late_write {
    state_snapshot *snapshot;
    const char *path;
    cairn_code code;
    cairn_error err;
} late_write;

static void *write_late(void *context)
{
    late_write *const late = context;

    clock_sleep_ms(LINK_LAG_MS);
    late->code =
        late->snapshot->ops->write(late->snapshot, NULL, late->path, NULL, NULL, &late->err);
    return NULL;
}

/*
 * Before, in and after the window of a snapshot: the snapshot has those before, the engine all.
 * Those in the window are more than a memtable holds: an append that is not charged, or not
 * counted, fails the snapshot.
 */
static void a_snapshot_has_the_appends_before_it_and_no_other(void **state)
{
    fixture *const f = *state;
    char path[TMPDIR_PATH_BYTES];
    state_table *const table = create(f, "a", CAIRN_STATE_LIST);
    late_write late = {.path = tmpdir_join(f->dir, "snapshot", path)};
    pthread_t writer;

    append_elements(f, table, 0, ELEMENTS);
    late.snapshot = begin(f);
    assert_int_equal(pthread_create(&writer, NULL, write_late, &late), 0);
    append_elements(f, table, ELEMENTS, 2 * ELEMENTS);
    assert_int_equal(pthread_join(writer, NULL), 0);
    ASSERT_OK(late.code, &late.err);
    state_snapshot_free(late.snapshot);
    append_elements(f, table, 2 * ELEMENTS, 3 * ELEMENTS);

    expect_elements(f, table, 3 * ELEMENTS);
    reopen(f, path);
    expect_elements(f, f->engine->ops->find_table(f->engine, "a"), ELEMENTS);
}

/* Elements of one list in several files: joined again after each reopen. */
static void appends_across_flushes_and_reopens_come_back_in_order(void **state)
{
    fixture *const f = *state;
    char paths[3][TMPDIR_PATH_BYTES];
    state_table *table = create(f, "a", CAIRN_STATE_LIST);

    for (size_t i = 0; i < 3; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "snapshot-%zu", i);
        append_elements(f, table, i * 100, (i + 1) * 100);
        state_snapshot *const snapshot = begin(f);
        write_snapshot(f, snapshot, name, paths[i]);
        state_snapshot_free(snapshot);
        reopen(f, paths[i]);
        table = f->engine->ops->find_table(f->engine, "a");
        assert_non_null(table);
        expect_elements(f, table, (i + 1) * 100);
    }
}

/* --- files ------------------------------------------------------------------------------------ */

typedef struct seen {
    size_t files;
    uint32_t first;
    uint32_t last;
} seen;

static cairn_code see(void *context, const state_file *file, cairn_error *err)
{
    seen *const all = context;

    (void)err;
    assert_non_null(strstr(file->name, ".sst"));
    all->files++;
    all->first = file->first_key_group;
    all->last = file->last_key_group;
    return CAIRN_OK;
}

static void files_tell_the_key_groups_of_their_keys(void **state)
{
    fixture *const f = *state;
    char path[TMPDIR_PATH_BYTES];
    seen all = {0};
    state_table *const table = create(f, "a", CAIRN_STATE_VALUE);
    put(f, table, 3, "k", "", SLICE("v"));
    put(f, table, 90, "k", "", SLICE("v"));

    state_snapshot *const snapshot = begin(f);
    write_snapshot(f, snapshot, "snapshot", path);
    ASSERT_OK(snapshot->ops->visit_files(snapshot, path, see, &all, &f->err), &f->err);
    state_snapshot_free(snapshot);

    assert_int_equal(all.files, 1);
    assert_int_equal(all.first, 3);
    assert_int_equal(all.last, 90);
}

/* RocksDB's own tool on the column family "plain" of the folder; what it says goes to `out_path`.
 */
static int run_ldb(const char *path, const char *out_path)
{
    char database[TMPDIR_PATH_BYTES + 8];
    int status = 0;

    (void)snprintf(database, sizeof database, "--db=%s", path);
    const pid_t child = fork();
    if (child == 0) {
        const int fd = open(out_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

        if (fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0) {
            (void)execlp("ldb", "ldb", database, "--column_family=plain", "scan", (char *)NULL);
        }
        _exit(1);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* Whoever opens the folder of a snapshot without our merge operator still reads other states. */
static void ldb_reads_the_other_states(void **state)
{
    fixture *const f = *state;
    CAIRN_AUTO(cairn_buf) said = {0};
    char path[TMPDIR_PATH_BYTES];
    char out_path[TMPDIR_PATH_BYTES];
    append(f, create(f, "list", CAIRN_STATE_LIST), "k", SLICE("one"));
    put(f, create(f, "plain", CAIRN_STATE_VALUE), 7, "k", "", SLICE("of-the-state"));
    state_snapshot *const snapshot = begin(f);
    write_snapshot(f, snapshot, "snapshot", path);
    state_snapshot_free(snapshot);

    assert_int_equal(run_ldb(path, tmpdir_join(f->dir, "said", out_path)), 0);

    ASSERT_OK(fs_read_file(out_path, LDB_BYTES_MAX, &said, &f->err), &f->err);
    assert_non_null(memmem(said.data, said.len, "of-the-state", strlen("of-the-state")));
}

static void a_read_only_engine_reads_lists_and_other_states(void **state)
{
    fixture *const f = *state;
    char path[TMPDIR_PATH_BYTES];
    state_table *const list = create(f, "list", CAIRN_STATE_LIST);
    append(f, list, "k", SLICE("one"));
    append(f, list, "k", SLICE("two"));
    put(f, create(f, "plain", CAIRN_STATE_VALUE), 7, "k", "", SLICE("value"));
    state_snapshot *const snapshot = begin(f);
    write_snapshot(f, snapshot, "snapshot", path);
    state_snapshot_free(snapshot);
    state_engine_close(CAIRN_TAKE(f->engine));

    ASSERT_OK(state_rocks_open(path, &READ_ONLY, MAX_PARALLELISM, &f->engine, &f->err), &f->err);

    expect(f, f->engine->ops->find_table(f->engine, "list"), "k", SLICE("onetwo"));
    expect(f, f->engine->ops->find_table(f->engine, "plain"), "k", SLICE("value"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_table_is_made_once_and_found_afterwards, setup, teardown),
        cmocka_unit_test_setup_teardown(a_state_called_default_is_made_like_any_other, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_was_removed_or_never_put_is_not_found, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_walk_sees_one_prefix_and_a_scan_all, setup, teardown),
        cmocka_unit_test_setup_teardown(a_scan_does_not_see_what_is_written_meanwhile, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(appends_are_joined_with_nothing_between, setup, teardown),
        cmocka_unit_test_setup_teardown(a_put_or_remove_between_appends_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(a_snapshot_has_the_appends_before_it_and_no_other, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(appends_across_flushes_and_reopens_come_back_in_order,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(files_tell_the_key_groups_of_their_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(ldb_reads_the_other_states, setup, teardown),
        cmocka_unit_test_setup_teardown(a_read_only_engine_reads_lists_and_other_states, setup,
                                        teardown),
    };

    return cmocka_run_group_tests_name("state_rocks", tests, NULL, NULL);
}
