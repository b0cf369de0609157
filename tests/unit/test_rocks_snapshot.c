#include "test.h"

#include "bounds.h"
#include "clock.h"
#include "fsutil.h"
#include "rocks_internal.h"
#include "rocks_snapshot.h"
#include "tmpdir.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define TINY        ((rocks_options){.memory_bytes = CAIRN_ROCKS_MEMORY_BYTES_MIN})
#define READ_ONLY   ((rocks_options){.read_only = true})
#define SLICE(text) ((cairn_slice){(text), sizeof(text) - 1})

#define FAMILIES        3
#define KEYS            1500
#define KEY_BYTES       8
#define VALUE_BYTES_MAX 200
#define ROUNDS          12
#define OPS_BEFORE      4000
/* More than two memtables of 64 KiB in each family, while the links are held back. */
#define OPS_AFTER   6000
#define LINK_LAG_MS 30

/* The plain model: the number of the operation that wrote a key; 0: absent. */
typedef struct model {
    uint64_t writer[FAMILIES][KEYS];
} model;

typedef struct fixture {
    tmpdir *dir;
    char path[TMPDIR_PATH_BYTES];
    rocks_db *db;
    rocks_family *families[FAMILIES];
    model model;
    uint64_t ops;
    uint64_t random;
    cairn_error err;
} fixture;

static const char *const family_names[FAMILIES] = {"default", "second", "third"};

static void open_families(fixture *f, const char *path)
{
    ASSERT_OK(rocks_open(path, &TINY, &f->db, &f->err), &f->err);
    for (size_t i = 0; i < FAMILIES; i++) {
        f->families[i] = rocks_family_find(f->db, family_names[i]);
        if (f->families[i] == NULL) {
            ASSERT_OK(rocks_family_create(f->db, family_names[i], &f->families[i], &f->err),
                      &f->err);
        }
    }
}

static int setup(void **state)
{
    fixture *const f = calloc(1, sizeof(*f));

    f->dir = tmpdir_new();
    if (f->dir == NULL) {
        return 1;
    }
    tmpdir_join(f->dir, "db", f->path);
    f->random = 88172645463325252U;
    open_families(f, f->path);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *const f = *state;

    rocks_close(f->db);
    tmpdir_free(f->dir);
    free(f);
    return 0;
}

static uint64_t next_random(fixture *f)
{
    f->random ^= f->random << 13;
    f->random ^= f->random >> 7;
    f->random ^= f->random << 17;
    return f->random;
}

/* Length and bytes of a value follow from the operation that wrote it. */
static cairn_slice value_of(uint64_t op, unsigned char bytes[VALUE_BYTES_MAX])
{
    const size_t len = sizeof(op) + op % (VALUE_BYTES_MAX - sizeof(op));

    memset(bytes, (int)(op % 251), len);
    memcpy(bytes, &op, sizeof(op));
    return (cairn_slice){bytes, len};
}

/* One put, overwrite or delete, in the database and in the model. */
static void operate(fixture *f)
{
    const uint64_t random = next_random(f);
    const size_t family = random % FAMILIES;
    const uint64_t key_number = random / FAMILIES % KEYS;
    const cairn_slice key = {&key_number, KEY_BYTES};
    unsigned char bytes[VALUE_BYTES_MAX];
    const uint64_t op = ++f->ops;

    if (random >> 61 == 0) {
        f->model.writer[family][key_number] = 0;
        ASSERT_OK(rocks_delete(f->db, f->families[family], key, &f->err), &f->err);
        return;
    }
    f->model.writer[family][key_number] = op;
    ASSERT_OK(rocks_put(f->db, f->families[family], key, value_of(op, bytes), &f->err), &f->err);
}

static void operate_times(fixture *f, int times)
{
    for (int i = 0; i < times; i++) {
        operate(f);
    }
}

/* What the family holds, as a model; values are checked on the way. */
static void read_family(rocks_db *db, rocks_family *family, uint64_t writer[KEYS])
{
    rocks_cursor *cursor = NULL;
    cairn_error err = {0};
    cairn_slice key;
    cairn_slice value;

    ASSERT_OK(rocks_cursor_new(db, family, SLICE(""), &cursor, &err), &err);
    while (rocks_cursor_next(cursor, &key, &value)) {
        unsigned char bytes[VALUE_BYTES_MAX];
        uint64_t number;
        uint64_t op;

        assert_int_equal(key.len, KEY_BYTES);
        assert_true(value.len >= sizeof(op));
        memcpy(&number, key.data, sizeof(number));
        memcpy(&op, value.data, sizeof(op));
        assert_true(number < KEYS);
        assert_true(cairn_slice_equal(value, value_of(op, bytes)));
        writer[number] = op;
    }
    ASSERT_OK(rocks_cursor_status(cursor, &err), &err);
    rocks_cursor_free(cursor);
}

static void assert_family_holds(rocks_db *db, size_t index, const uint64_t expected[KEYS])
{
    rocks_family *const family = rocks_family_find(db, family_names[index]);
    uint64_t writer[KEYS] = {0};

    assert_non_null(family);
    read_family(db, family, writer);
    for (size_t key = 0; key < KEYS; key++) {
        if (writer[key] != expected[key]) {
            fail_msg("family %s, key %zu: written by operation %llu, expected %llu",
                     family_names[index], key, (unsigned long long)writer[key],
                     (unsigned long long)expected[key]);
        }
    }
}

static void assert_holds(rocks_db *db, const model *expected)
{
    for (size_t i = 0; i < FAMILIES; i++) {
        assert_family_holds(db, i, expected->writer[i]);
    }
}

static void assert_snapshot_is(const char *path, const model *expected)
{
    rocks_db *db = NULL;
    cairn_error err = {0};

    ASSERT_OK(rocks_open(path, &READ_ONLY, &db, &err), &err);
    assert_holds(db, expected);
    rocks_close(db);
}

static void assert_no_folder(const fixture *f, const char *name)
{
    char path[TMPDIR_PATH_BYTES];

    assert_false(fs_exists(tmpdir_join(f->dir, name, path)));
}

static rocks_snapshot *begin(fixture *f)
{
    rocks_snapshot *snapshot = NULL;

    ASSERT_OK(rocks_snapshot_begin(f->db, &snapshot, &f->err), &f->err);
    return snapshot;
}

/* A thread that makes the links of a snapshot. */
typedef struct linker {
    pthread_t thread;
    rocks_snapshot *snapshot;
    char path[TMPDIR_PATH_BYTES];
    uint64_t lag_ms;
    atomic_bool started;
    cairn_code code;
    cairn_error err;
} linker;

static void *run_linker(void *argument)
{
    linker *const link = argument;
    const cairn_call call = {clock_monotonic_ms() + 60000, NULL};

    clock_sleep_ms(link->lag_ms);
    atomic_store(&link->started, true);
    link->code = rocks_snapshot_link(link->snapshot, &call, link->path, &link->err);
    return NULL;
}

static void start_linker(fixture *f, linker *link, const char *name, uint64_t lag_ms)
{
    link->snapshot = begin(f);
    link->lag_ms = lag_ms;
    tmpdir_join(f->dir, name, link->path);
    assert_int_equal(pthread_create(&link->thread, NULL, run_linker, link), 0);
}

static void join_linker(linker *link)
{
    assert_int_equal(pthread_join(link->thread, NULL), 0);
    ASSERT_OK(link->code, &link->err);
    rocks_snapshot_free(link->snapshot);
}

static void a_snapshot_holds_exactly_the_writes_before_its_barrier(void **state)
{
    fixture *const f = *state;

    for (int round = 0; round < ROUNDS; round++) {
        linker link = {0};
        model expected;
        char name[32];

        (void)snprintf(name, sizeof(name), "snapshot%d", round);
        operate_times(f, OPS_BEFORE);
        expected = f->model;
        start_linker(f, &link, name, round % 2 == 0 ? LINK_LAG_MS : 0);
        operate_times(f, OPS_AFTER);
        join_linker(&link);

        assert_snapshot_is(link.path, &expected);
    }
    assert_holds(f->db, &f->model);
}

static void the_owner_writes_while_the_window_is_open(void **state)
{
    fixture *const f = *state;
    rocks_snapshot *snapshot;
    char path[TMPDIR_PATH_BYTES];
    model expected;

    operate_times(f, 100);
    expected = f->model;
    snapshot = begin(f);
    operate_times(f, 100); /* nobody would end the wait if these were held */
    ASSERT_OK(rocks_snapshot_link(snapshot, NULL, tmpdir_join(f->dir, "s", path), &f->err),
              &f->err);

    rocks_snapshot_free(snapshot);
    assert_snapshot_is(path, &expected);
    assert_holds(f->db, &f->model);
}

static void a_value_larger_than_a_memtable_waits_for_the_links(void **state)
{
    fixture *const f = *state;
    static const unsigned char large[256 << 10];
    linker link = {0};
    model expected;

    operate_times(f, 100);
    expected = f->model;
    start_linker(f, &link, "s", LINK_LAG_MS);
    ASSERT_OK(rocks_put(f->db, f->families[0], SLICE("a large"),
                        (cairn_slice){large, sizeof(large)}, &f->err),
              &f->err);

    assert_true(atomic_load(&link.started));
    join_linker(&link);
    assert_snapshot_is(link.path, &expected);
}

static void a_new_family_waits_for_the_links(void **state)
{
    fixture *const f = *state;
    rocks_family *family = NULL;
    linker link = {0};
    rocks_db *db = NULL;

    start_linker(f, &link, "s", LINK_LAG_MS);
    ASSERT_OK(rocks_family_create(f->db, "fourth", &family, &f->err), &f->err);

    assert_true(atomic_load(&link.started));
    join_linker(&link);
    ASSERT_OK(rocks_open(link.path, &READ_ONLY, &db, &f->err), &f->err);
    assert_null(rocks_family_find(db, "fourth"));
    rocks_close(db);
}

static void an_empty_database_has_a_snapshot(void **state)
{
    fixture *const f = *state;
    linker link = {0};

    start_linker(f, &link, "s", 0);
    join_linker(&link);

    assert_snapshot_is(link.path, &f->model);
}

static void work_goes_on_from_a_snapshot(void **state)
{
    fixture *const f = *state;
    linker link = {0};
    linker second = {0};

    operate_times(f, OPS_BEFORE);
    start_linker(f, &link, "s", 0);
    join_linker(&link);
    rocks_close(f->db);
    f->db = NULL;
    open_families(f, link.path);

    assert_holds(f->db, &f->model);
    operate_times(f, OPS_BEFORE);
    start_linker(f, &second, "s2", 0);
    join_linker(&second);
    assert_snapshot_is(second.path, &f->model);
}

static void a_second_window_is_refused(void **state)
{
    fixture *const f = *state;
    rocks_snapshot *const first = begin(f);
    rocks_snapshot *second = NULL;

    ASSERT_CODE(rocks_snapshot_begin(f->db, &second, &f->err), CAIRN_E_STATE, &f->err);

    assert_null(second);
    rocks_snapshot_free(first);
    rocks_snapshot_free(begin(f)); /* an abandoned window is closed by free */
}

static void a_snapshot_is_linked_once(void **state)
{
    fixture *const f = *state;
    rocks_snapshot *const snapshot = begin(f);
    char path[TMPDIR_PATH_BYTES];

    tmpdir_join(f->dir, "s", path);
    ASSERT_OK(rocks_snapshot_link(snapshot, NULL, path, &f->err), &f->err);
    tmpdir_join(f->dir, "again", path);

    ASSERT_CODE(rocks_snapshot_link(snapshot, NULL, path, &f->err), CAIRN_E_STATE, &f->err);

    assert_no_folder(f, "again");
    rocks_snapshot_free(snapshot);
}

/* What the first snapshot does late must not close the window of the second. */
static void an_old_snapshot_does_not_close_a_new_window(void **state)
{
    fixture *const f = *state;
    rocks_snapshot *const first = begin(f);
    rocks_snapshot *second;
    char path[TMPDIR_PATH_BYTES];

    ASSERT_OK(rocks_snapshot_link(first, NULL, tmpdir_join(f->dir, "s", path), &f->err), &f->err);
    second = begin(f);
    rocks_snapshot_free(first);

    ASSERT_OK(rocks_snapshot_link(second, NULL, tmpdir_join(f->dir, "t", path), &f->err), &f->err);
    rocks_snapshot_free(second);
}

static void an_ended_call_leaves_no_folder_and_no_window(void **state)
{
    static const struct {
        uint64_t deadline_ms;
        bool cancel;
        cairn_code expected;
    } cases[] = {{1, false, CAIRN_E_TIMEOUT}, {0, true, CAIRN_E_CANCELLED}};
    fixture *const f = *state;
    cairn_cancel *cancel = NULL;

    ASSERT_OK(cairn_cancel_new(&cancel, &f->err), &f->err);
    cairn_cancel_trigger(cancel);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        const cairn_call call = {cases[i].deadline_ms, cases[i].cancel ? cancel : NULL};
        rocks_snapshot *snapshot;
        char path[TMPDIR_PATH_BYTES];

        operate_times(f, OPS_BEFORE);
        snapshot = begin(f);
        ASSERT_CODE(rocks_snapshot_link(snapshot, &call, tmpdir_join(f->dir, "s", path), &f->err),
                    cases[i].expected, &f->err);

        assert_no_folder(f, "s");
        assert_no_folder(f, "s.tmp");
        operate_times(f, OPS_AFTER); /* not held */
        rocks_snapshot_free(snapshot);
    }
    cairn_cancel_free(cancel);
}

static void a_folder_that_exists_is_left_alone(void **state)
{
    fixture *const f = *state;
    rocks_snapshot *const snapshot = begin(f);
    char path[TMPDIR_PATH_BYTES];
    char file[TMPDIR_PATH_BYTES];

    tmpdir_join(f->dir, "s", path);
    tmpdir_join(f->dir, "s/precious", file);
    ASSERT_OK(fs_make_dirs(file, &f->err), &f->err);

    ASSERT_CODE(rocks_snapshot_link(snapshot, NULL, path, &f->err), CAIRN_E_EXISTS, &f->err);

    assert_true(fs_exists(file));
    operate_times(f, OPS_AFTER);
    rocks_snapshot_free(snapshot);
}

static void links_into_a_missing_folder_fail(void **state)
{
    fixture *const f = *state;
    rocks_snapshot *const snapshot = begin(f);
    char path[TMPDIR_PATH_BYTES];

    tmpdir_join(f->dir, "missing/s", path);

    ASSERT_CODE(rocks_snapshot_link(snapshot, NULL, path, &f->err), CAIRN_E_IO, &f->err);

    ASSERT_MESSAGE_HAS(&f->err, path);
    rocks_snapshot_free(snapshot);
}

/* A limit of descriptors fails the flush when it makes its file. (Where a write of it fails, the
 * assertions of Debian's RocksDB may end the process.) */
static void a_failed_flush_ends_the_wait_with_an_error(void **state)
{
    fixture *const f = *state;
    rocks_snapshot *snapshot;
    char path[TMPDIR_PATH_BYTES];
    struct rlimit before;
    struct rlimit none;
    cairn_code code;

    operate_times(f, 200);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){0, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    snapshot = begin(f);
    code = rocks_snapshot_link(snapshot, NULL, tmpdir_join(f->dir, "s", path), &f->err);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);

    ASSERT_CODE(code, CAIRN_E_IO, &f->err);
    ASSERT_MESSAGE_HAS(&f->err, path);
    ASSERT_MESSAGE_HAS(&f->err, "background error");
    assert_no_folder(f, "s");
    rocks_snapshot_free(snapshot);
}

typedef struct file_list {
    const char *folder;
    size_t count;
} file_list;

static cairn_code check_file(void *context, const char *name, cairn_slice smallest,
                             cairn_slice largest, cairn_error *err)
{
    file_list *const files = context;
    char *path = NULL;

    CAIRN_TRY(fs_join(files->folder, name, &path, err));
    assert_true(fs_exists(path));
    mem_free(path);
    assert_int_equal(smallest.len, KEY_BYTES);
    assert_int_equal(largest.len, KEY_BYTES);
    assert_true(memcmp(smallest.data, largest.data, KEY_BYTES) <= 0);
    files->count++;
    return CAIRN_OK;
}

static cairn_code refuse_file(void *context, const char *name, cairn_slice smallest,
                              cairn_slice largest, cairn_error *err)
{
    (void)name;
    (void)smallest;
    (void)largest;
    (void)err;
    ++*(size_t *)context;
    return CAIRN_E_LIMIT;
}

/* Where a compaction is held up, as one of many GB is by the disk. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t opened;
    bool open;
    bool reached;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .opened = PTHREAD_COND_INITIALIZER};

static entry_fate wait_at_the_gate(uint64_t ttl_ms, uint64_t now_ms, cairn_slice value,
                                   cairn_buf *out)
{
    (void)ttl_ms;
    (void)now_ms;
    (void)value;
    (void)out;
    (void)pthread_mutex_lock(&gate.lock);
    gate.reached = true;
    while (!gate.open) {
        (void)pthread_cond_wait(&gate.opened, &gate.lock);
    }
    (void)pthread_mutex_unlock(&gate.lock);
    return CAIRN_ENTRY_KEEP;
}

static bool open_the_gate(void)
{
    (void)pthread_mutex_lock(&gate.lock);
    const bool reached = gate.reached;
    gate.open = true;
    (void)pthread_cond_broadcast(&gate.opened);
    (void)pthread_mutex_unlock(&gate.lock);
    return reached;
}

static void make_snapshot(fixture *f, unsigned number)
{
    const cairn_call call = {.deadline_ms = cairn_deadline_in(60000)};
    rocks_snapshot *snapshot = NULL;
    char name[32];
    char path[TMPDIR_PATH_BYTES];

    ASSERT_OK(rocks_put(f->db, f->families[1], SLICE("key"), SLICE("value"), &f->err), &f->err);
    ASSERT_OK(rocks_snapshot_begin(f->db, &snapshot, &f->err), &f->err);
    (void)snprintf(name, sizeof(name), "links-%u", number);
    ASSERT_OK(rocks_snapshot_link(snapshot, &call, tmpdir_join(f->dir, name, path), &f->err),
              &f->err);
    rocks_snapshot_free(snapshot);
}

/* Left to itself, RocksDB would let the flush wait until the compaction has ended. */
static void a_barrier_does_not_wait_for_compactions(void **state)
{
    fixture *const f = *state;
    const entry_filter filter = {.judge = wait_at_the_gate, .ttl_ms = 1};

    rocks_family_set_filter(f->db, f->families[1], &filter);
    for (unsigned i = 0; i < ROCKS_L0_SLOW + 5; i++) {
        make_snapshot(f, i);
    }

    assert_true(open_the_gate());
}

static void every_table_file_is_visited_with_its_range(void **state)
{
    fixture *const f = *state;
    linker link = {0};
    file_list files = {.folder = link.path};
    fs_names names = {0};
    size_t tables = 0;
    size_t refused = 0;
    rocks_db *db = NULL;

    operate_times(f, OPS_BEFORE);
    start_linker(f, &link, "s", 0);
    join_linker(&link);
    ASSERT_OK(rocks_open(link.path, &READ_ONLY, &db, &f->err), &f->err);
    ASSERT_OK(rocks_visit_files(db, check_file, &files, &f->err), &f->err);
    ASSERT_CODE(rocks_visit_files(db, refuse_file, &refused, &f->err), CAIRN_E_LIMIT, NULL);
    rocks_close(db);

    ASSERT_OK(fs_list(link.path, &names, &f->err), &f->err);
    for (size_t i = 0; i < names.count; i++) {
        tables += strstr(names.items[i], ".sst") != NULL;
    }
    fs_names_release(&names);
    assert_true(tables >= FAMILIES);
    assert_int_equal(files.count, tables);
    assert_int_equal(refused, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_snapshot_holds_exactly_the_writes_before_its_barrier,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(the_owner_writes_while_the_window_is_open, setup, teardown),
        cmocka_unit_test_setup_teardown(a_value_larger_than_a_memtable_waits_for_the_links, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_new_family_waits_for_the_links, setup, teardown),
        cmocka_unit_test_setup_teardown(an_empty_database_has_a_snapshot, setup, teardown),
        cmocka_unit_test_setup_teardown(work_goes_on_from_a_snapshot, setup, teardown),
        cmocka_unit_test_setup_teardown(a_second_window_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_snapshot_is_linked_once, setup, teardown),
        cmocka_unit_test_setup_teardown(an_old_snapshot_does_not_close_a_new_window, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_ended_call_leaves_no_folder_and_no_window, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_folder_that_exists_is_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(links_into_a_missing_folder_fail, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failed_flush_ends_the_wait_with_an_error, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_barrier_does_not_wait_for_compactions, setup, teardown),
        cmocka_unit_test_setup_teardown(every_table_file_is_visited_with_its_range, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
