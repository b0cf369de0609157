#include "test.h"

#include "bounds.h"
#include "fsutil.h"
#include "rocks.h"
#include "rocks_budget.h"
#include "rocks_internal.h"
#include "rocks_snapshot.h"
#include "tmpdir.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define TINY          ((rocks_options){.memory_bytes = CAIRN_ROCKS_MEMORY_BYTES_MIN})
#define READ_ONLY     ((rocks_options){.read_only = true})
#define SLICE(text)   ((cairn_slice){(text), sizeof(text) - 1})
#define LOAD_KEYS     20000
#define LOAD_KEY_SIZE 16

typedef struct fixture {
    tmpdir *dir;
    char path[TMPDIR_PATH_BYTES];
    rocks_db *db;
    rocks_family *family;
    cairn_error err;
} fixture;

static void reopen(fixture *f)
{
    rocks_close(f->db);
    f->db = NULL;
    ASSERT_OK(rocks_open(f->path, &TINY, &f->db, &f->err), &f->err);
    f->family = rocks_family_find(f->db, "default");
    assert_non_null(f->family);
}

static int setup(void **state)
{
    fixture *const f = calloc(1, sizeof(*f));

    f->dir = tmpdir_new();
    if (f->dir == NULL) {
        return 1;
    }
    tmpdir_join(f->dir, "db", f->path);
    reopen(f);
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

static void put(fixture *f, cairn_slice key, cairn_slice value)
{
    ASSERT_OK(rocks_put(f->db, f->family, key, value, &f->err), &f->err);
}

static bool get(fixture *f, cairn_slice key, cairn_slice *out)
{
    bool found = false;

    ASSERT_OK(rocks_get(f->db, f->family, key, out, &found, &f->err), &f->err);
    return found;
}

/* Puts LOAD_KEYS keys and links a snapshot, so that all stand in table files. */
static void load(fixture *f, const char *snapshot_path)
{
    rocks_snapshot *snapshot = NULL;
    char key[LOAD_KEY_SIZE + 1];

    for (int i = 0; i < LOAD_KEYS; i++) {
        (void)snprintf(key, sizeof(key), "key%013d", i);
        put(f, (cairn_slice){key, LOAD_KEY_SIZE}, (cairn_slice){key, LOAD_KEY_SIZE});
    }
    ASSERT_OK(rocks_snapshot_begin(f->db, &snapshot, &f->err), &f->err);
    ASSERT_OK(rocks_snapshot_link(snapshot, NULL, snapshot_path, &f->err), &f->err);
    rocks_snapshot_free(snapshot);
}

/* The first file of the folder with that ending; the caller frees. */
static char *find_file(const char *folder, const char *part)
{
    fs_names names = {0};
    cairn_error err = {0};
    char *path = NULL;

    ASSERT_OK(fs_list(folder, &names, &err), &err);
    for (size_t i = 0; i < names.count && path == NULL; i++) {
        if (strstr(names.items[i], part) != NULL) {
            ASSERT_OK(fs_join(folder, names.items[i], &path, &err), &err);
        }
    }
    assert_non_null(path);
    fs_names_release(&names);
    return path;
}

static void flip_bit(const char *path, off_t offset)
{
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    unsigned char byte;

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, offset), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
    assert_int_equal(close(fd), 0);
}

static void flip_a_bit_in_each_table(const char *folder)
{
    fs_names names = {0};
    cairn_error err = {0};

    ASSERT_OK(fs_list(folder, &names, &err), &err);
    for (size_t i = 0; i < names.count; i++) {
        if (strstr(names.items[i], ".sst") != NULL) {
            char *path = NULL;

            ASSERT_OK(fs_join(folder, names.items[i], &path, &err), &err);
            flip_bit(path, 100);
            mem_free(path);
        }
    }
    fs_names_release(&names);
}

static void what_is_put_is_got_until_it_is_deleted(void **state)
{
    fixture *const f = *state;
    cairn_slice value = {0};

    put(f, SLICE("a"), SLICE("1"));
    put(f, SLICE("b"), SLICE("2"));

    assert_true(get(f, SLICE("a"), &value));
    assert_true(cairn_slice_equal(value, SLICE("1")));
    ASSERT_OK(rocks_delete(f->db, f->family, SLICE("a"), &f->err), &f->err);
    assert_false(get(f, SLICE("a"), &value));
    assert_true(get(f, SLICE("b"), &value));
}

static void a_missing_key_leaves_the_output_untouched(void **state)
{
    fixture *const f = *state;
    cairn_slice value = SLICE("untouched");

    assert_false(get(f, SLICE("missing"), &value));

    assert_true(cairn_slice_equal(value, SLICE("untouched")));
}

static void an_empty_value_is_a_value(void **state)
{
    fixture *const f = *state;
    cairn_slice value = SLICE("x");

    put(f, SLICE("k"), (cairn_slice){NULL, 0});

    assert_true(get(f, SLICE("k"), &value));
    assert_int_equal(value.len, 0);
}

static void a_value_got_outlives_writes_to_its_key(void **state)
{
    fixture *const f = *state;
    cairn_slice value = {0};

    put(f, SLICE("k"), SLICE("before"));
    assert_true(get(f, SLICE("k"), &value));
    put(f, SLICE("k"), SLICE("after."));

    assert_true(cairn_slice_equal(value, SLICE("before")));
    rocks_pin_release(f->family);
    rocks_pin_release(f->family);
}

static void families_keep_equal_keys_apart(void **state)
{
    fixture *const f = *state;
    rocks_family *const first = f->family;
    cairn_slice value = {0};

    ASSERT_OK(rocks_family_create(f->db, "other", &f->family, &f->err), &f->err);
    put(f, SLICE("k"), SLICE("other"));

    assert_true(get(f, SLICE("k"), &value));
    f->family = first;
    assert_false(get(f, SLICE("k"), &value));
}

static void a_family_is_made_once(void **state)
{
    fixture *const f = *state;
    rocks_family *family = NULL;
    rocks_family *again = NULL;

    ASSERT_OK(rocks_family_create(f->db, "s", &family, &f->err), &f->err);
    ASSERT_CODE(rocks_family_create(f->db, "s", &again, &f->err), CAIRN_E_EXISTS, &f->err);

    ASSERT_MESSAGE_HAS(&f->err, "column family s");
    assert_null(again);
    assert_ptr_equal(rocks_family_find(f->db, "s"), family);
    assert_null(rocks_family_find(f->db, "t"));
}

static void families_are_found_after_reopening(void **state)
{
    static const char *const names[] = {"a", "b b", "c/\xc3\xa4"};
    fixture *const f = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(names); i++) {
        rocks_family *family = NULL;

        ASSERT_OK(rocks_family_create(f->db, names[i], &family, &f->err), &f->err);
    }
    reopen(f);

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(names); i++) {
        assert_non_null(rocks_family_find(f->db, names[i]));
    }
}

static void a_cursor_visits_exactly_the_keys_with_its_prefix(void **state)
{
    static const struct {
        const char *name;
        cairn_slice prefix;
        const char *expected;
    } cases[] = {
        {"all", {"", 0}, "a,ab,abc,ac,a\xff,b,\xff,\xff\xff,\xff\xff\x41,"},
        {"some", {"ab", 2}, "ab,abc,"},
        {"carry", {"a\xff", 2}, "a\xff,"},
        {"no key above", {"\xff\xff", 2}, "\xff\xff,\xff\xff\x41,"},
        {"none", {"x", 1}, ""},
    };
    static const char *const keys[] = {"b",  "abc", "a\xff", "\xff\xff\x41", "ab",
                                       "ac", "a",   "\xff",  "\xff\xff"};
    fixture *const f = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(keys); i++) {
        put(f, cairn_slice_of(keys[i]), cairn_slice_of(keys[i]));
    }
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        rocks_cursor *cursor = NULL;
        char seen[128] = "";
        size_t len = 0;
        cairn_slice key;
        cairn_slice value;

        ASSERT_OK(rocks_cursor_new(f->db, f->family, cases[i].prefix, &cursor, &f->err), &f->err);
        while (rocks_cursor_next(cursor, &key, &value)) {
            assert_true(cairn_slice_equal(key, value));
            assert_true(len + key.len + 1 < sizeof(seen));
            memcpy(seen + len, key.data, key.len);
            len += key.len;
            seen[len++] = ',';
        }

        ASSERT_OK(rocks_cursor_status(cursor, &f->err), &f->err);
        assert_false(rocks_cursor_next(cursor, &key, &value));
        rocks_cursor_free(cursor);
        if (strcmp(seen, cases[i].expected) != 0) {
            fail_msg("%s: %s instead of %s", cases[i].name, seen, cases[i].expected);
        }
    }
}

static void a_cursor_does_not_see_later_writes(void **state)
{
    fixture *const f = *state;
    rocks_cursor *cursor = NULL;
    cairn_slice key;
    cairn_slice value;

    put(f, SLICE("a"), SLICE("1"));
    ASSERT_OK(rocks_cursor_new(f->db, f->family, SLICE(""), &cursor, &f->err), &f->err);
    put(f, SLICE("b"), SLICE("2"));

    assert_true(rocks_cursor_next(cursor, &key, &value));
    assert_false(rocks_cursor_next(cursor, &key, &value));
    rocks_cursor_free(cursor);
}

static void closing_keeps_nothing_that_is_not_in_a_table_file(void **state)
{
    fixture *const f = *state;
    char snapshot_path[TMPDIR_PATH_BYTES];
    cairn_slice value;

    load(f, tmpdir_join(f->dir, "snapshot", snapshot_path));
    put(f, SLICE("late"), SLICE("1"));
    reopen(f);

    assert_true(get(f, SLICE("key0000000000007"), &value));
    assert_false(get(f, SLICE("late"), &value));
}

static void a_folder_is_opened_by_one_at_a_time(void **state)
{
    fixture *const f = *state;
    rocks_db *second = NULL;

    ASSERT_CODE(rocks_open(f->path, &TINY, &second, &f->err), CAIRN_E_LOCKED, &f->err);

    assert_null(second);
    ASSERT_MESSAGE_HAS(&f->err, f->path);
}

/* Messages as RocksDB 7.8.3 gives them. */
static void the_cause_decides_the_code(void **state)
{
    static const struct {
        const char *message;
        cairn_code code;
    } cases[] = {
        {"IO error: While lock file: /d/LOCK: Resource temporarily unavailable", CAIRN_E_LOCKED},
        {"IO error: lock hold by current process, acquire time 1 acquiring thread 2: /d/LOCK",
         CAIRN_E_LOCKED},
        {"IO error: While open a file for lock: /d/LOCK: Permission denied", CAIRN_E_ACCESS},
        {"IO error: While open a file for lock: /d/LOCK: Too many open files", CAIRN_E_IO},
        {"IO error: No space left on device: While appending to file: /d/1.sst", CAIRN_E_NO_SPACE},
        {"IO error: No such file or directory: While opening a file for sequentially reading: "
         "/d/MANIFEST-000005: No such file or directory",
         CAIRN_E_INTEGRITY},
        {"Corruption: block checksum mismatch", CAIRN_E_INTEGRITY},
        {"IO error: While fsync: /d/1.sst: Input/output error", CAIRN_E_IO},
        {"Invalid argument: Column family not found", CAIRN_E_FAILED},
    };
    fixture *const f = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        char *const message = strdup(cases[i].message); /* RocksDB frees it */

        assert_non_null(message);
        ASSERT_CODE(rocks_check(message, "open database", "/d", &f->err), cases[i].code, &f->err);
        ASSERT_MESSAGE_HAS(&f->err, cases[i].message);
    }
}

static void a_read_only_open_needs_a_database(void **state)
{
    fixture *const f = *state;
    char path[TMPDIR_PATH_BYTES];
    rocks_db *db = NULL;

    tmpdir_join(f->dir, "none", path);

    ASSERT_CODE(rocks_open(path, &READ_ONLY, &db, &f->err), CAIRN_E_NOT_FOUND, &f->err);

    assert_null(db);
    assert_false(fs_exists(path));
}

static void a_read_only_database_is_read_and_not_changed(void **state)
{
    fixture *const f = *state;
    char path[TMPDIR_PATH_BYTES];
    fs_names before = {0};
    fs_names after = {0};
    cairn_slice value;

    load(f, tmpdir_join(f->dir, "snapshot", path));
    ASSERT_OK(fs_list(path, &before, &f->err), &f->err);
    rocks_close(f->db);
    f->db = NULL;
    ASSERT_OK(rocks_open(path, &READ_ONLY, &f->db, &f->err), &f->err);
    f->family = rocks_family_find(f->db, "default");

    assert_true(get(f, SLICE("key0000000000042"), &value));
    ASSERT_CODE(rocks_put(f->db, f->family, SLICE("k"), SLICE("v"), &f->err), CAIRN_E_FAILED,
                &f->err);
    ASSERT_OK(fs_list(path, &after, &f->err), &f->err);
    assert_int_equal(before.count, after.count);
    fs_names_release(&before);
    fs_names_release(&after);
}

static void a_flipped_bit_in_a_table_is_reported(void **state)
{
    fixture *const f = *state;
    char path[TMPDIR_PATH_BYTES];
    cairn_slice value = SLICE("untouched");
    cairn_slice key;
    rocks_cursor *cursor = NULL;
    bool found = true;

    load(f, tmpdir_join(f->dir, "snapshot", path));
    flip_a_bit_in_each_table(path);
    rocks_close(f->db);
    f->db = NULL;
    ASSERT_OK(rocks_open(path, &READ_ONLY, &f->db, &f->err), &f->err);
    f->family = rocks_family_find(f->db, "default");
    ASSERT_CODE(rocks_get(f->db, f->family, SLICE("key0000000000000"), &value, &found, &f->err),
                CAIRN_E_INTEGRITY, &f->err);

    ASSERT_MESSAGE_HAS(&f->err, path);
    assert_true(found);
    assert_true(cairn_slice_equal(value, SLICE("untouched")));
    ASSERT_OK(rocks_cursor_new(f->db, f->family, SLICE(""), &cursor, &f->err), &f->err);
    while (rocks_cursor_next(cursor, &key, &value)) {
    }
    ASSERT_CODE(rocks_cursor_status(cursor, &f->err), CAIRN_E_INTEGRITY, &f->err);
    rocks_cursor_free(cursor);
}

static void a_damaged_folder_is_not_opened(void **state)
{
    static const struct {
        const char *part;
        bool read_only;
    } cases[] = {{".sst", true},     {".sst", false},    {"CURRENT", true},
                 {"CURRENT", false}, {"MANIFEST", true}, {"MANIFEST", false}};
    fixture *const f = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        const rocks_options options = {.read_only = cases[i].read_only};
        char name[32];
        char path[TMPDIR_PATH_BYTES];
        char *file;
        rocks_db *db = NULL;

        (void)snprintf(name, sizeof(name), "snapshot%zu", i);
        load(f, tmpdir_join(f->dir, name, path));
        file = find_file(path, cases[i].part);
        assert_int_equal(unlink(file), 0);
        mem_free(file);

        ASSERT_CODE(rocks_open(path, &options, &db, &f->err), CAIRN_E_INTEGRITY, &f->err);

        assert_null(db);
    }
}

static void too_many_jobs_are_refused(void **state)
{
    fixture *const f = *state;
    const rocks_options options = {.background_jobs = CAIRN_ROCKS_JOBS_MAX + 1};
    char path[TMPDIR_PATH_BYTES];
    rocks_db *db = NULL;

    tmpdir_join(f->dir, "none", path);

    ASSERT_CODE(rocks_open(path, &options, &db, &f->err), CAIRN_E_INVALID, &f->err);
}

static void the_budget_covers_cache_and_memtables(void **state)
{
    static const uint64_t sizes[] = {CAIRN_ROCKS_MEMORY_BYTES_MIN, (uint64_t)1 << 20,
                                     (uint64_t)100 << 20, (uint64_t)1 << 30, (uint64_t)1 << 40};
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(sizes); i++) {
        const rocks_budget budget = rocks_budget_of(sizes[i]);

        assert_true(budget.cache_bytes + budget.memtables_bytes * 3 / 2 <= sizes[i]);
        assert_true(budget.cache_bytes >= sizes[i] / 2);
        assert_true(budget.memtable_bytes <= budget.memtables_bytes / 4);
        assert_true(budget.memtable_bytes >= 64 << 10);
        assert_true(budget.arena_bytes * 8 <= budget.memtable_bytes);
        assert_true(budget.arena_bytes >= 4096 && budget.arena_bytes % 4096 == 0);
    }
    assert_int_equal(rocks_budget_of(0).cache_bytes,
                     rocks_budget_of(CAIRN_ROCKS_MEMORY_BYTES).cache_bytes);
    assert_int_equal(rocks_budget_of(1).cache_bytes,
                     rocks_budget_of(CAIRN_ROCKS_MEMORY_BYTES_MIN).cache_bytes);
}

static void memory_stays_inside_the_budget(void **state)
{
    fixture *const f = *state;
    char path[TMPDIR_PATH_BYTES];
    cairn_slice key;
    cairn_slice value;
    rocks_cursor *cursor = NULL;

    load(f, tmpdir_join(f->dir, "snapshot", path));
    ASSERT_OK(rocks_cursor_new(f->db, f->family, SLICE("key"), &cursor, &f->err), &f->err);
    while (rocks_cursor_next(cursor, &key, &value)) {
        assert_true(rocks_memory_bytes(f->db) <= CAIRN_ROCKS_MEMORY_BYTES_MIN);
    }
    rocks_cursor_free(cursor);

    assert_true(rocks_memory_bytes(f->db) > 0);
    assert_true(rocks_state_bytes(f->db) > LOAD_KEYS);
}

static void the_version_has_three_numbers(void **state)
{
    const char *const version = rocks_version();
    size_t dots = 0;
    (void)state;

    assert_true(version[0] >= '1' && version[0] <= '9');
    for (size_t i = 0; version[i] != '\0'; i++) {
        assert_non_null(strchr("0123456789.", version[i]));
        dots += version[i] == '.';
    }
    assert_int_equal(dots, 2);
}

static void a_failed_allocation_fails_the_open_and_nothing_else(void **state)
{
    fixture *const f = *state;
    uint64_t nth = 0;
    cairn_code code;

    do {
        rocks_close(f->db);
        f->db = NULL;
        mem_fail_nth(++nth, 0);
        code = rocks_open(f->path, &TINY, &f->db, &f->err);
        mem_fail_nth(0, 0);
        assert_true(code == CAIRN_OK || code == CAIRN_E_NO_MEMORY);
        assert_true((code == CAIRN_OK) == (f->db != NULL));
    } while (code != CAIRN_OK);

    assert_true(nth > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_put_is_got_until_it_is_deleted, setup, teardown),
        cmocka_unit_test_setup_teardown(a_missing_key_leaves_the_output_untouched, setup, teardown),
        cmocka_unit_test_setup_teardown(an_empty_value_is_a_value, setup, teardown),
        cmocka_unit_test_setup_teardown(a_value_got_outlives_writes_to_its_key, setup, teardown),
        cmocka_unit_test_setup_teardown(families_keep_equal_keys_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(a_family_is_made_once, setup, teardown),
        cmocka_unit_test_setup_teardown(families_are_found_after_reopening, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cursor_visits_exactly_the_keys_with_its_prefix, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_cursor_does_not_see_later_writes, setup, teardown),
        cmocka_unit_test_setup_teardown(closing_keeps_nothing_that_is_not_in_a_table_file, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_folder_is_opened_by_one_at_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(the_cause_decides_the_code, setup, teardown),
        cmocka_unit_test_setup_teardown(a_read_only_open_needs_a_database, setup, teardown),
        cmocka_unit_test_setup_teardown(a_read_only_database_is_read_and_not_changed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_flipped_bit_in_a_table_is_reported, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_folder_is_not_opened, setup, teardown),
        cmocka_unit_test_setup_teardown(too_many_jobs_are_refused, setup, teardown),
        cmocka_unit_test(the_budget_covers_cache_and_memtables),
        cmocka_unit_test_setup_teardown(memory_stays_inside_the_budget, setup, teardown),
        cmocka_unit_test(the_version_has_three_numbers),
        cmocka_unit_test_setup_teardown(a_failed_allocation_fails_the_open_and_nothing_else, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
