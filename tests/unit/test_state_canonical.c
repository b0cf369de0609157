/* The canonical form of keyed state: its bytes, on every engine, and what a reader refuses. */
#include "test.h"

#include "alloc.h"
#include "alloc_sweep.h"
#include "bounds.h"
#include "buf.h"
#include "fsutil.h"
#include "state_canonical.h"
#include "state_key.h"
#include "state_world.h"

#include <stdio.h>

#define GROUPS     STATE_WORLD_PARALLELISM
#define GROUP_A    50 /* of the key "a", and of one byte */
#define MANY       500
#define LARGE      (CAIRN_STREAM_BUFFER_BYTES + 1000)
#define FILE_LIMIT ((size_t)4 << 20)

static char names[][8] = {"events", "last", "seen", "sum", "timers"};
static cairn_state_info infos[] = {
    {.name = names[0], .kind = CAIRN_STATE_LIST},
    {.name = names[1], .kind = CAIRN_STATE_VALUE},
    {.name = names[2], .kind = CAIRN_STATE_MAP},
    {.name = names[3], .kind = CAIRN_STATE_REDUCING},
    {.name = names[4], .kind = CAIRN_STATE_TIMERS},
};
static const canonical_states states = {infos, CAIRN_ARRAY_LEN(infos), GROUPS, {0, GROUPS - 1}};

static int setup(void **state)
{
    *state = tmpdir_new();
    return *state == NULL;
}

static int teardown(void **state)
{
    tmpdir_free(*state);
    return 0;
}

/* --- engines ---------------------------------------------------------------------------------- */

static state_engine *open_engine(const tmpdir *dir, size_t kind, const char *name)
{
    char path[TMPDIR_PATH_BYTES];
    state_engine *engine = NULL;
    cairn_error err = {0};

    ASSERT_OK(state_engine_kinds[kind].open(tmpdir_join(dir, name, path), &engine, &err), &err);
    return engine;
}

static void make_tables(state_engine *engine)
{
    state_table *table = NULL;

    for (size_t i = 0; i < states.count; i++) {
        ASSERT_OK(engine->ops->create_table(engine, infos[i].name, infos[i].kind, &table, NULL),
                  NULL);
    }
}

/* Puts one entry of state `index`, whose key is made of `number`. */
static void put(state_engine *engine, size_t index, unsigned number, cairn_slice value)
{
    CAIRN_AUTO(cairn_buf) bytes = {0};
    CAIRN_AUTO(cairn_buf) timer = {0};
    state_table *const table = engine->ops->find_table(engine, infos[index].name);
    const bool is_timer = infos[index].kind == CAIRN_STATE_TIMERS;
    char key[32];
    cairn_error err = {0};

    const cairn_slice user = {key, (size_t)snprintf(key, sizeof key, "k%u", number)};
    const uint32_t group = cairn_key_group_of(user, GROUPS);
    ASSERT_OK(state_key_begin(&bytes, group, GROUPS, user, &err), &err);
    ASSERT_OK(state_key_append_namespace(&bytes, cairn_slice_of(number % 3 == 0 ? "w" : ""), &err),
              &err);
    size_t prefix_bytes = bytes.len;
    if (infos[index].kind == CAIRN_STATE_MAP) {
        ASSERT_OK(buf_printf(&bytes, &err, "u%u", number % 7), &err);
    }
    if (is_timer) { /* group, time, key, namespace */
        const uint8_t time[8] = {0x80, 0, 0, 0, 0, 0, (uint8_t)(number >> 8), (uint8_t)number};
        ASSERT_OK(buf_append(&timer, bytes.data, 1, &err), &err);
        ASSERT_OK(buf_append(&timer, time, sizeof time, &err), &err);
        ASSERT_OK(buf_append(&timer, bytes.data + 1, bytes.len - 1, &err), &err);
        prefix_bytes = 1;
    }
    const state_place place = {cairn_buf_slice(is_timer ? &timer : &bytes), group, prefix_bytes};
    ASSERT_OK(table->ops->put(table, &place, is_timer ? (cairn_slice){"", 0} : value, &err), &err);
}

/* Entries of all states, from first to last or the other way round. */
static void fill(state_engine *engine, bool backwards)
{
    char value[64];

    make_tables(engine);
    for (unsigned i = 0; i < MANY; i++) {
        const unsigned number = backwards ? MANY - 1 - i : i;

        for (size_t k = 0; k < states.count; k++) {
            if (number % (k + 1) == 0) {
                const int len = snprintf(value, sizeof value, "value %u of %zu", number, k);
                put(engine, k, number, (cairn_slice){value, (size_t)len});
            }
        }
    }
}

/* --- files ------------------------------------------------------------------------------------ */

static const char *group_path(const tmpdir *dir, const char *folder, uint32_t group,
                              char path[TMPDIR_PATH_BYTES])
{
    char name[STATE_CANONICAL_NAME_BYTES];
    char both[128];

    state_canonical_name_file(group, name);
    (void)snprintf(both, sizeof both, "%s/%s", folder, name);
    return tmpdir_join(dir, both, path);
}

/* All key groups into the new folder; the number of entries. */
static uint64_t write_all(state_engine *engine, const tmpdir *dir, const char *folder)
{
    char path[TMPDIR_PATH_BYTES];
    cairn_error err = {0};
    uint64_t sum = 0;

    ASSERT_OK(fs_make_dirs(tmpdir_join(dir, folder, path), &err), &err);
    for (uint32_t group = 0; group < GROUPS; group++) {
        uint64_t entries = UINT64_MAX;

        ASSERT_OK(state_canonical_write(engine, &states, group,
                                        group_path(dir, folder, group, path), &entries, &err),
                  &err);
        assert_int_equal(fs_exists(path), entries > 0);
        sum += entries;
    }
    return sum;
}

static void expect_equal(const tmpdir *dir, const char *folder, const char *other)
{
    for (uint32_t group = 0; group < GROUPS; group++) {
        CAIRN_AUTO(cairn_buf) one = {0};
        CAIRN_AUTO(cairn_buf) two = {0};
        char path[TMPDIR_PATH_BYTES];

        if (!fs_exists(group_path(dir, folder, group, path))) {
            assert_false(fs_exists(group_path(dir, other, group, path)));
            continue;
        }
        ASSERT_OK(fs_read_file(path, FILE_LIMIT, &one, NULL), NULL);
        ASSERT_OK(fs_read_file(group_path(dir, other, group, path), FILE_LIMIT, &two, NULL), NULL);
        if (!cairn_slice_equal(cairn_buf_slice(&one), cairn_buf_slice(&two))) {
            fail_msg("key group %u differs", group);
        }
    }
}

/* `bytes` as the file of GROUP_A, read to its end. */
static cairn_code read_bytes(const tmpdir *dir, cairn_slice bytes, uint64_t *out_entries,
                             cairn_error *err)
{
    CAIRN_AUTO_PTR(canonical_reader_free) canonical_reader *reader = NULL;
    char path[TMPDIR_PATH_BYTES];
    canonical_entry entry;
    bool found = true;

    *out_entries = 0;
    CAIRN_TRY(fs_write_file(tmpdir_join(dir, "file", path), bytes, err));
    CAIRN_TRY(canonical_reader_open(path, &states, GROUP_A, &reader, err));
    for (;;) {
        CAIRN_TRY(canonical_reader_next(reader, &entry, &found, err));
        if (!found) {
            return CAIRN_OK;
        }
        ++*out_entries;
    }
}

/* --- the same on every engine ----------------------------------------------------------------- */

static void every_engine_gives_the_same_bytes(void **state)
{
    const tmpdir *const dir = *state;
    uint64_t entries[2] = {0};

    for (size_t i = 0; i < 2; i++) {
        CAIRN_AUTO_PTR(state_engine_close) state_engine *engine = NULL;

        engine = open_engine(dir, i, i == 0 ? "rocks" : "heap");
        fill(engine, i == 1);
        entries[i] = write_all(engine, dir, i == 0 ? "of-rocks" : "of-heap");
    }
    assert_true(entries[0] > MANY);
    assert_true(entries[0] == entries[1]);
    expect_equal(dir, "of-rocks", "of-heap");
}

/* From each engine to each engine. */
static void what_is_loaded_gives_the_same_bytes_again(void **state)
{
    const tmpdir *const dir = *state;
    char path[TMPDIR_PATH_BYTES];
    CAIRN_AUTO_PTR(state_engine_close) state_engine *first = open_engine(dir, 1, "heap");

    fill(first, false);
    const uint64_t entries = write_all(first, dir, "first");
    for (size_t i = 0; i < 2; i++) {
        CAIRN_AUTO_PTR(state_engine_close) state_engine *engine = NULL;
        cairn_error err = {0};

        engine = open_engine(dir, i, i == 0 ? "again-rocks" : "again-heap");
        ASSERT_OK(state_canonical_load(engine, &states, tmpdir_join(dir, "first", path), &err),
                  &err);
        const char *const folder = i == 0 ? "second" : "third";
        assert_true(write_all(engine, dir, folder) == entries);
        expect_equal(dir, "first", folder);
    }
}

/* A value that no buffer holds, and lengths around its end. */
static void values_of_any_size_come_back(void **state)
{
    static const size_t sizes[] = {0,
                                   1,
                                   CAIRN_STREAM_BUFFER_BYTES - 40,
                                   CAIRN_STREAM_BUFFER_BYTES - 10,
                                   CAIRN_STREAM_BUFFER_BYTES,
                                   LARGE};
    const tmpdir *const dir = *state;
    char path[TMPDIR_PATH_BYTES];
    CAIRN_AUTO_PTR(state_engine_close) state_engine *first = open_engine(dir, 0, "first");
    CAIRN_AUTO_PTR(state_engine_close) state_engine *second = open_engine(dir, 1, "second");
    char *value CAIRN_AUTO_FREE = mem_calloc(1, LARGE);
    cairn_error err = {0};

    make_tables(first);
    memset(value, 'x', LARGE);
    for (unsigned i = 0; i < CAIRN_ARRAY_LEN(sizes); i++) {
        put(first, 1, i, (cairn_slice){value, sizes[i]});
    }
    assert_int_equal(write_all(first, dir, "files"), CAIRN_ARRAY_LEN(sizes));
    ASSERT_OK(state_canonical_load(second, &states, tmpdir_join(dir, "files", path), &err), &err);
    assert_int_equal(write_all(second, dir, "again"), CAIRN_ARRAY_LEN(sizes));
    expect_equal(dir, "files", "again");
}

/* --- the bytes -------------------------------------------------------------------------------- */

/* Version 1, to the byte: docs/format.md. Key "a" of the value state "last" is "x"; the map "seen"
 * has of it the user keys "" and "u". */
static const uint8_t golden[] = {
    'c', 'a', 'i', 'r', 'n', '-', 'k', 'g', 1,   50,  1, /* magic, version, group, width */
    1,   4,   'l', 'a', 's', 't',                        /* value state "last" */
    6,   1,   'a', 0,   1,   0,   1,   'x', 0,           /* key, value; end of the state */
    3,   4,   's', 'e', 'e', 'n',                        /* map state "seen" */
    6,   0,   'a', 0,   1,   0,   1,                     /* user key "" */
    7,   2,   'a', 0,   1,   0,   1,   'u', 'v', 'w', 0, /* user key "u", value "vw"; end */
    0,   3,                                              /* end of the states, entries */
};

static void put_golden(state_engine *engine, const char *table_name, const char *user_key,
                       const char *value)
{
    CAIRN_AUTO(cairn_buf) bytes = {0};
    state_table *const table = engine->ops->find_table(engine, table_name);

    ASSERT_OK(state_key_begin(&bytes, GROUP_A, GROUPS, cairn_slice_of("a"), NULL), NULL);
    ASSERT_OK(state_key_append_namespace(&bytes, (cairn_slice){NULL, 0}, NULL), NULL);
    const size_t prefix_bytes = bytes.len;
    ASSERT_OK(buf_append_text(&bytes, user_key, NULL), NULL);
    const state_place place = {cairn_buf_slice(&bytes), GROUP_A, prefix_bytes};
    ASSERT_OK(table->ops->put(table, &place, cairn_slice_of(value), NULL), NULL);
}

static void a_file_is_what_the_format_says_to_the_byte(void **state)
{
    const tmpdir *const dir = *state;
    char path[TMPDIR_PATH_BYTES];

    for (size_t i = 0; i < 2; i++) {
        CAIRN_AUTO_PTR(state_engine_close) state_engine *engine = NULL;
        CAIRN_AUTO(cairn_buf) file = {0};
        uint64_t entries = 0;

        engine = open_engine(dir, i, i == 0 ? "rocks" : "heap");
        make_tables(engine);
        put_golden(engine, "seen", "u", "vw");
        put_golden(engine, "last", "", "x");
        put_golden(engine, "seen", "", "");
        (void)tmpdir_join(dir, i == 0 ? "a" : "b", path);
        ASSERT_OK(state_canonical_write(engine, &states, GROUP_A, path, &entries, NULL), NULL);
        assert_int_equal(entries, 3);
        ASSERT_OK(fs_read_file(path, FILE_LIMIT, &file, NULL), NULL);
        assert_int_equal(file.len, sizeof golden);
        assert_memory_equal(file.data, golden, sizeof golden);
    }
}

typedef struct bad_file {
    const char *what;
    size_t at;  /* bytes from here on ... */
    size_t cut; /* ... so many of them go, */
    const char *in;
    size_t in_bytes; /* and these come */
    cairn_code code;
    const char *message;
} bad_file;

#define WITH(text) text, sizeof(text) - 1
static const bad_file bad_files[] = {
    {"magic", 0, 1, WITH("C"), CAIRN_E_INTEGRITY, "begins otherwise"},
    {"version 0", 8, 1, WITH("\0"), CAIRN_E_INTEGRITY, "version 0"},
    {"newer version", 8, 1, WITH("\2"), CAIRN_E_INCOMPATIBLE, "version 2"},
    {"long number", 8, 1, WITH("\x81\0"), CAIRN_E_INTEGRITY, "shortest form"},
    {"endless number", 8, 1, WITH("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
     CAIRN_E_INTEGRITY, "shortest form"},
    {"group", 9, 1, WITH("\x33"), CAIRN_E_INTEGRITY, "another key group"},
    {"group beyond all", 9, 1, WITH("\x80\x80\x02"), CAIRN_E_INTEGRITY, "beyond its bound"},
    {"width", 10, 1, WITH("\2"), CAIRN_E_INTEGRITY, "another width"},
    {"kind", 11, 1, WITH("\x07"), CAIRN_E_INTEGRITY, "beyond its bound"},
    {"kind of another form", 26, 1, WITH("\1"), CAIRN_E_INTEGRITY, "not one of its kind"},
    {"no name", 12, 1, WITH("\0"), CAIRN_E_INTEGRITY, "no safe name"},
    {"long name", 12, 1, WITH("\x80\x02"), CAIRN_E_INTEGRITY, "beyond its bound"},
    {"a slash in the name", 13, 1, WITH("/"), CAIRN_E_INTEGRITY, "no safe name"},
    {"names that descend", 13, 1, WITH("z"), CAIRN_E_INTEGRITY, "states are not in order"},
    {"a name twice", 28, 4, WITH("last"), CAIRN_E_INTEGRITY, "states are not in order"},
    {"a state without entries", 17, 9, WITH("\0"), CAIRN_E_INTEGRITY, "without entries"},
    {"an empty key", 17, 9, WITH("\1\0\0"), CAIRN_E_INTEGRITY, "not one of its kind"},
    {"a key without its end", 20, 1, WITH("b"), CAIRN_E_INTEGRITY, "not one of its kind"},
    {"a wrong escape", 21, 1, WITH("\2"), CAIRN_E_INTEGRITY, "not one of its kind"},
    {"a longer key", 17, 1, WITH("\x7f"), CAIRN_E_INTEGRITY, "ends too early"},
    {"a key beyond all", 17, 1, WITH("\xff\xff\x7f"), CAIRN_E_INTEGRITY, "beyond its bound"},
    {"a value beyond all", 18, 1, WITH("\x81\x80\x80\x80\x04"), CAIRN_E_INTEGRITY,
     "beyond its bound"},
    {"a value that is not there", 18, 1, WITH("\x80\x80\x80\x80\x04"), CAIRN_E_INTEGRITY,
     "ends too early"},
    {"a key twice", 39, 1, WITH("\6"), CAIRN_E_INTEGRITY, "keys are not in order"},
    {"keys that descend", 34, 1, WITH("b"), CAIRN_E_INTEGRITY, "keys are not in order"},
    {"too few entries", 51, 1, WITH("\4"), CAIRN_E_INTEGRITY, "another number of entries"},
    {"something behind the end", 52, 0, WITH("\0"), CAIRN_E_INTEGRITY, "behind its end"},
    {"nothing at all", 11, 41, WITH("\0\0"), CAIRN_E_INTEGRITY, "another number of entries"},
};

static void what_is_not_canonical_is_refused(void **state)
{
    assert_int_equal(sizeof golden, 52);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(bad_files); i++) {
        const bad_file *const bad = &bad_files[i];
        CAIRN_AUTO(cairn_buf) bytes = {0};
        cairn_error err = {0};
        uint64_t entries;

        ASSERT_OK(buf_append(&bytes, golden, bad->at, NULL), NULL);
        ASSERT_OK(buf_append(&bytes, bad->in, bad->in_bytes, NULL), NULL);
        ASSERT_OK(buf_append(&bytes, golden + bad->at + bad->cut,
                             sizeof golden - bad->at - bad->cut, NULL),
                  NULL);
        const cairn_code code = read_bytes(*state, cairn_buf_slice(&bytes), &entries, &err);
        if (code != bad->code) {
            fail_msg("%s: code %d: %s", bad->what, code, err.message);
        }
        ASSERT_MESSAGE_HAS(&err, bad->message);
        ASSERT_MESSAGE_HAS(&err, "/file: ");
    }
}

static void a_file_that_ends_too_early_is_damaged_wherever_it_ends(void **state)
{
    uint64_t entries;

    for (size_t length = 0; length < sizeof golden; length++) {
        cairn_error err = {0};

        ASSERT_CODE(read_bytes(*state, (cairn_slice){golden, length}, &entries, &err),
                    CAIRN_E_INTEGRITY, &err);
    }
    ASSERT_OK(read_bytes(*state, (cairn_slice){golden, sizeof golden}, &entries, NULL), NULL);
    assert_int_equal(entries, 3);
}

/* A flip in a value, or in a key, may give another canonical file; it never does harm. */
static void a_flipped_bit_is_refused_or_gives_another_file(void **state)
{
    size_t refused = 0;

    for (size_t bit = 0; bit < 8 * sizeof golden; bit++) {
        uint8_t bytes[sizeof golden];
        cairn_error err = {0};
        uint64_t entries;

        memcpy(bytes, golden, sizeof golden);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        const cairn_code code =
            read_bytes(*state, (cairn_slice){bytes, sizeof bytes}, &entries, &err);
        assert_true(code == CAIRN_OK || code == CAIRN_E_INTEGRITY || code == CAIRN_E_INCOMPATIBLE);
        refused += code != CAIRN_OK;
    }
    assert_true(refused > 4 * sizeof golden);
}

/* --- loading ---------------------------------------------------------------------------------- */

typedef struct load_case {
    const char *file;
    canonical_states as;
    const char *message;
} load_case;

/* A folder with the golden file under a name, loaded as the states of some manifest. */
static void a_load_refuses_what_the_manifest_does_not_name(void **state)
{
    static const char *const kg = "kg-00050.state";
    const load_case cases[] = {
        {kg, {infos, 1, GROUPS, {0, GROUPS - 1}}, "state last of its kind is not one"},
        {kg, {infos + 1, 1, GROUPS, {0, GROUPS - 1}}, "state seen of its kind is not one"},
        {kg, {infos, CAIRN_ARRAY_LEN(infos), GROUPS, {0, 49}}, "no canonical file of key groups"},
        {kg, {infos, CAIRN_ARRAY_LEN(infos), GROUPS, {51, 99}}, "no canonical file of key groups"},
        {"CURRENT", states, "no canonical file of key groups"},
        {"kg-00051.state", states, "of another key group"},
    };
    const tmpdir *const dir = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO_PTR(state_engine_close) state_engine *engine = NULL;
        char path[TMPDIR_PATH_BYTES];
        char name[64];
        cairn_error err = {0};

        (void)snprintf(name, sizeof name, "case-%zu", i);
        ASSERT_OK(fs_make_dirs(tmpdir_join(dir, name, path), NULL), NULL);
        (void)snprintf(name, sizeof name, "case-%zu/%s", i, cases[i].file);
        ASSERT_OK(
            fs_write_file(tmpdir_join(dir, name, path), (cairn_slice){golden, sizeof golden}, NULL),
            NULL);
        (void)snprintf(name, sizeof name, "case-%zu", i);
        engine = open_engine(dir, 1, "engine");
        ASSERT_CODE(state_canonical_load(engine, &cases[i].as, tmpdir_join(dir, name, path), &err),
                    CAIRN_E_INTEGRITY, &err);
        ASSERT_MESSAGE_HAS(&err, cases[i].message);
    }
}

static void a_kind_that_is_not_the_manifests_is_refused(void **state)
{
    cairn_state_info other[] = {infos[1], infos[2]};
    const canonical_states as = {other, 2, GROUPS, {0, GROUPS - 1}};
    const tmpdir *const dir = *state;
    char path[TMPDIR_PATH_BYTES];
    CAIRN_AUTO_PTR(state_engine_close) state_engine *engine = open_engine(dir, 0, "engine");
    cairn_error err = {0};

    other[0].kind = CAIRN_STATE_LIST;
    ASSERT_OK(fs_make_dirs(tmpdir_join(dir, "files", path), NULL), NULL);
    ASSERT_OK(fs_write_file(tmpdir_join(dir, "files/kg-00050.state", path),
                            (cairn_slice){golden, sizeof golden}, NULL),
              NULL);
    ASSERT_CODE(state_canonical_load(engine, &as, tmpdir_join(dir, "files", path), &err),
                CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "state last of its kind");
}

static void names_are_those_of_key_groups(void **state)
{
    static const char *const others[] = {
        "",        "kg-50.state",    "kg-000050.state", "kg-00050.stat",  "kg-00050.state.bak",
        "kg-5000", "kg-0005x.state", "kg-32768.state",  "kg--0050.state", "kg-00050-1.heap",
    };
    char name[STATE_CANONICAL_NAME_BYTES];
    uint32_t group = 0;

    (void)state;
    state_canonical_name_file(CAIRN_PARALLELISM_MAX - 1, name);
    assert_string_equal(name, "kg-32767.state");
    assert_true(state_canonical_is_file(name, &group));
    assert_int_equal(group, CAIRN_PARALLELISM_MAX - 1);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(others); i++) {
        if (state_canonical_is_file(others[i], &group)) {
            fail_msg("%s was taken for a canonical file", others[i]);
        }
    }
}

/* --- read where they are ---------------------------------------------------------------------- */

static uint64_t count_scanned(state_engine *engine, const char *name)
{
    CAIRN_AUTO_PTR(state_cursor_free) state_cursor *cursor = NULL;
    CAIRN_AUTO(cairn_buf) before = {0};
    state_table *const table = engine->ops->find_table(engine, name);
    cairn_slice key;
    cairn_slice value;
    cairn_error err = {0};
    uint64_t count = 0;

    ASSERT_OK(table->ops->scan(table, &cursor, &err), &err);
    while (cursor->ops->next(cursor, &key, &value)) {
        const size_t shared = key.len < before.len ? key.len : before.len;
        assert_true(count == 0 || memcmp(before.data, key.data, shared) <= 0);
        buf_clear(&before);
        ASSERT_OK(buf_append(&before, key.data, key.len, NULL), NULL);
        count++;
    }
    ASSERT_OK(cursor->ops->status(cursor, &err), &err);
    return count;
}

static void files_are_read_where_they_are(void **state)
{
    const tmpdir *const dir = *state;
    char path[TMPDIR_PATH_BYTES];
    CAIRN_AUTO_PTR(state_engine_close) state_engine *source = open_engine(dir, 0, "engine");
    CAIRN_AUTO_PTR(state_engine_close) state_engine *files = NULL;
    CAIRN_AUTO(cairn_buf) bytes = {0};
    cairn_slice value = {0};
    bool found = false;

    fill(source, false);
    (void)write_all(source, dir, "files");
    ASSERT_OK(state_canonical_open(tmpdir_join(dir, "files", path), &states, &files, NULL), NULL);
    assert_null(files->ops->find_table(files, "none"));
    for (size_t i = 0; i < states.count; i++) {
        assert_int_equal(count_scanned(files, infos[i].name), (MANY + i) / (i + 1));
    }
    state_table *const last = files->ops->find_table(files, "last");
    const uint32_t group = cairn_key_group_of(cairn_slice_of("k4"), GROUPS);
    ASSERT_OK(state_key_begin(&bytes, group, GROUPS, cairn_slice_of("k4"), NULL), NULL);
    ASSERT_OK(state_key_append_namespace(&bytes, (cairn_slice){NULL, 0}, NULL), NULL);
    const state_place place = {cairn_buf_slice(&bytes), group, bytes.len};
    ASSERT_OK(last->ops->get(last, &place, &value, &found, NULL), NULL);
    assert_true(found);
    assert_memory_equal(value.data, "value 4 of 1", value.len);
    const state_place absent = {{bytes.data, bytes.len - 1}, group, bytes.len - 1};
    ASSERT_OK(last->ops->get(last, &absent, &value, &found, NULL), NULL);
    assert_false(found);
    ASSERT_CODE(last->ops->put(last, &place, value, NULL), CAIRN_E_STATE, NULL);
    ASSERT_CODE(last->ops->remove(last, &place, NULL), CAIRN_E_STATE, NULL);
}

/* Damage of one file ends a scan with its code, not with its end. */
static void a_scan_tells_damage(void **state)
{
    const tmpdir *const dir = *state;
    char path[TMPDIR_PATH_BYTES];
    CAIRN_AUTO_PTR(state_engine_close) state_engine *files = NULL;
    CAIRN_AUTO_PTR(state_cursor_free) state_cursor *cursor = NULL;
    cairn_slice key;
    cairn_slice value;
    cairn_error err = {0};

    ASSERT_OK(fs_make_dirs(tmpdir_join(dir, "files", path), NULL), NULL);
    ASSERT_OK(state_canonical_open(path, &states, &files, NULL), NULL);
    ASSERT_OK(fs_write_file(tmpdir_join(dir, "files/kg-00050.state", path),
                            (cairn_slice){golden, sizeof golden - 1}, NULL),
              NULL);
    state_table *const seen = files->ops->find_table(files, "seen");
    ASSERT_OK(seen->ops->scan(seen, &cursor, NULL), NULL);
    while (cursor->ops->next(cursor, &key, &value)) {
    }
    ASSERT_CODE(cursor->ops->status(cursor, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "kg-00050.state: it ends too early");
}

/* --- n-th allocation -------------------------------------------------------------------------- */

typedef struct round_trip {
    state_engine *engine;
    char path[TMPDIR_PATH_BYTES];
} round_trip;

static cairn_code write_and_read(void *context, cairn_error *err)
{
    const round_trip *const trip = context;
    CAIRN_AUTO_PTR(canonical_reader_free) canonical_reader *reader = NULL;
    canonical_entry entry;
    uint64_t entries = 0;
    bool found = true;

    CAIRN_TRY(fs_remove_file(trip->path, err));
    CAIRN_TRY(state_canonical_write(trip->engine, &states, GROUP_A, trip->path, &entries, err));
    CAIRN_TRY(canonical_reader_open(trip->path, &states, GROUP_A, &reader, err));
    while (found) {
        CAIRN_TRY(canonical_reader_next(reader, &entry, &found, err));
    }
    return CAIRN_OK;
}

static void every_failed_allocation_is_out_of_memory_and_no_leak(void **state)
{
    CAIRN_AUTO_PTR(state_engine_close) state_engine *engine = open_engine(*state, 1, "engine");
    round_trip trip = {.engine = engine};

    make_tables(engine);
    put_golden(engine, "last", "", "x");
    put_golden(engine, "seen", "u", "vw");
    (void)tmpdir_join(*state, "file", trip.path);
    alloc_sweep(write_and_read, &trip);
}

int main(void)
{
#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_DIR(every_engine_gives_the_same_bytes),
        WITH_DIR(what_is_loaded_gives_the_same_bytes_again),
        WITH_DIR(values_of_any_size_come_back),
        WITH_DIR(a_file_is_what_the_format_says_to_the_byte),
        WITH_DIR(what_is_not_canonical_is_refused),
        WITH_DIR(a_file_that_ends_too_early_is_damaged_wherever_it_ends),
        WITH_DIR(a_flipped_bit_is_refused_or_gives_another_file),
        WITH_DIR(a_load_refuses_what_the_manifest_does_not_name),
        WITH_DIR(a_kind_that_is_not_the_manifests_is_refused),
        cmocka_unit_test(names_are_those_of_key_groups),
        WITH_DIR(files_are_read_where_they_are),
        WITH_DIR(a_scan_tells_damage),
        WITH_DIR(every_failed_allocation_is_out_of_memory_and_no_leak),
    };

    return cmocka_run_group_tests_name("state_canonical", tests, NULL, NULL);
}
