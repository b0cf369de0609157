#include "test.h"

#include "encode.h"
#include "errors.h"
#include "keyed_state.h"
#include "limits.h"
#include "state_key.h"
#include "tmpdir.h"

#include <math.h>
#include <stdlib.h>

#define MEMORY_BYTES ((uint64_t)32 << 20)

/* One database and the keyed state on it. */
typedef struct test_world {
    tmpdir *dir;
    rocks_db *db;
    keyed_state *states;
} test_world;

static const keyed_state_options whole = {.max_parallelism = 128, .range = {0, 127}};

static void open_states(test_world *world, const cairn_state_info *restored, size_t count)
{
    keyed_state_options options = whole;
    cairn_error err = {0};

    options.db = world->db;
    options.restored = restored;
    options.restored_count = count;
    ASSERT_OK(keyed_state_new(&options, &world->states, &err), &err);
}

static int setup(void **state)
{
    static const rocks_options options = {.memory_bytes = MEMORY_BYTES, .background_jobs = 1};
    static test_world fresh;
    char path[TMPDIR_PATH_BYTES];
    cairn_error err = {0};

    fresh = (test_world){.dir = tmpdir_new()};
    if (fresh.dir == NULL) {
        return 1;
    }
    ASSERT_OK(rocks_open(tmpdir_join(fresh.dir, "db", path), &options, &fresh.db, &err), &err);
    open_states(&fresh, NULL, 0);
    *state = &fresh;
    return 0;
}

static int teardown(void **state)
{
    test_world *world = *state;

    keyed_state_free(world->states);
    rocks_close(world->db);
    tmpdir_free(world->dir);
    return 0;
}

static cairn_value_state *open_value(test_world *world, const char *name)
{
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;
    cairn_value_state *value = NULL;
    cairn_error err = {0};

    descriptor.name = name;
    ASSERT_OK(keyed_state_open_value(world->states, &descriptor, &value, &err), &err);
    return value;
}

static void set_key(test_world *world, const char *key)
{
    ASSERT_OK(keyed_state_set_key(world->states, cairn_slice_of(key), NULL), NULL);
}

static void update(cairn_value_state *value, const char *text)
{
    ASSERT_OK(cairn_value_update(value, cairn_slice_of(text), NULL), NULL);
}

/* NULL: there is none. */
static void assert_value(cairn_value_state *value, const char *expected)
{
    cairn_slice found = {"untouched", 9};
    bool is_there = false;

    ASSERT_OK(cairn_value_get(value, &found, &is_there, NULL), NULL);
    assert_int_equal(is_there, expected != NULL);
    assert_true(cairn_slice_equal(found, cairn_slice_of(is_there ? expected : "untouched")));
}

static void a_value_is_read_updated_and_cleared_under_its_key(void **state)
{
    test_world *world = *state;
    cairn_value_state *value = open_value(world, "last");

    set_key(world, "a");
    assert_value(value, NULL);
    update(value, "one");
    assert_value(value, "one");
    update(value, "two");
    assert_value(value, "two");
    set_key(world, "b");
    assert_value(value, NULL);
    update(value, "other");
    set_key(world, "a");
    assert_value(value, "two");
    ASSERT_OK(cairn_value_clear(value, NULL), NULL);
    assert_value(value, NULL);
    ASSERT_OK(cairn_value_clear(value, NULL), NULL);
    set_key(world, "b");
    assert_value(value, "other");
}

static void an_empty_value_is_there_and_an_absent_one_is_not(void **state)
{
    test_world *world = *state;
    cairn_value_state *value = open_value(world, "last");

    set_key(world, "a");
    ASSERT_OK(cairn_value_update(value, (cairn_slice){NULL, 0}, NULL), NULL);

    assert_value(value, "");
    set_key(world, "");
    assert_value(value, NULL);
}

static void two_states_under_one_key_are_apart(void **state)
{
    test_world *world = *state;
    cairn_value_state *first = open_value(world, "first");
    cairn_value_state *second = open_value(world, "second");

    set_key(world, "a");
    update(first, "1");
    update(second, "2");
    ASSERT_OK(cairn_value_clear(second, NULL), NULL);

    assert_value(first, "1");
    assert_value(second, NULL);
}

static void a_state_may_be_called_default(void **state)
{
    test_world *world = *state;
    cairn_value_state *value = open_value(world, "default");

    set_key(world, "a");
    update(value, "x");

    assert_value(value, "x");
}

static void opening_twice_gives_the_same_handle(void **state)
{
    test_world *world = *state;
    cairn_value_state *value = open_value(world, "m");

    for (int i = 0; i < 20; i++) {
        char name[] = {(char)('a' + i), '\0'};

        (void)open_value(world, name);
    }
    assert_ptr_equal(open_value(world, "m"), value);
}

static void the_registry_is_sorted_by_name(void **state)
{
    test_world *world = *state;
    const cairn_state_info *infos;
    size_t count = 0;

    (void)open_value(world, "b");
    (void)open_value(world, "a");
    (void)open_value(world, "c");

    infos = keyed_state_infos(world->states, &count);
    assert_int_equal(count, 3);
    assert_string_equal(infos[0].name, "a");
    assert_string_equal(infos[1].name, "b");
    assert_string_equal(infos[2].name, "c");
    assert_string_equal(infos[2].key_serializer.id, "bytes");
    assert_int_equal(infos[2].value_serializer.version, 1);
}

static void bad_descriptors_are_invalid(void **state)
{
    test_world *world = *state;
    const cairn_state_descriptor cases[] = {
        {9, "x", "bytes", 1, "bytes", 1},     {1, NULL, "bytes", 1, "bytes", 1},
        {1, "", "bytes", 1, "bytes", 1},      {1, "a/b", "bytes", 1, "bytes", 1},
        {1, "..", "bytes", 1, "bytes", 1},    {1, "x", NULL, 1, "bytes", 1},
        {1, "x", "bytes", 1, "no blanks", 1},
    };
    cairn_value_state *value = NULL;
    size_t count = 0;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        cairn_error err = {0};

        ASSERT_CODE(keyed_state_open_value(world->states, &cases[i], &value, &err), CAIRN_E_INVALID,
                    &err);
    }
    ASSERT_CODE(keyed_state_open_value(world->states, NULL, &value, NULL), CAIRN_E_INVALID, NULL);
    (void)keyed_state_infos(world->states, &count);
    assert_int_equal(count, 0);
    assert_null(value);
}

static void bad_options_are_invalid(void **state)
{
    test_world *world = *state;
    static const keyed_state_options cases[] = {
        {.max_parallelism = 0, .range = {0, 0}},
        {.max_parallelism = 128, .range = {0, 128}},
        {.max_parallelism = 128, .range = {5, 4}},
        {.max_parallelism = CAIRN_PARALLELISM_MAX + 1, .range = {0, 1}},
    };
    keyed_state *states = NULL;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        keyed_state_options options = cases[i];

        options.db = world->db;
        ASSERT_CODE(keyed_state_new(&options, &states, NULL), CAIRN_E_INVALID, NULL);
        assert_null(states);
    }
}

/* --- restored states -------------------------------------------------------------------------- */

static char name_totals[] = "totals";
static char id_bytes[] = "bytes";
static char id_u64[] = "u64";

static cairn_state_info totals_info(void)
{
    return (cairn_state_info){.name = name_totals,
                              .kind = CAIRN_STATE_VALUE,
                              .key_serializer = {id_bytes, 1},
                              .value_serializer = {id_u64, 2},
                              .ttl_ms = 5};
}

static void reopen(test_world *world, const cairn_state_info *restored, size_t count)
{
    keyed_state_free(world->states);
    world->states = NULL;
    open_states(world, restored, count);
}

static void a_restored_state_that_nobody_opens_stays_registered(void **state)
{
    test_world *world = *state;
    cairn_state_info info = totals_info();
    const cairn_state_info *infos;
    size_t count = 0;

    (void)open_value(world, "totals");
    reopen(world, &info, 1);
    (void)open_value(world, "another");

    infos = keyed_state_infos(world->states, &count);
    assert_int_equal(count, 2);
    assert_string_equal(infos[1].name, "totals");
    assert_string_equal(infos[1].value_serializer.id, "u64");
    assert_int_equal(infos[1].ttl_ms, 5);
}

static void a_restored_state_opens_with_its_own_serializers_only(void **state)
{
    test_world *world = *state;
    static const struct {
        cairn_state_descriptor descriptor;
        cairn_code code;
        const char *message;
    } cases[] = {
        {{1, "totals", "bytes", 1, "u64", 2}, CAIRN_OK, NULL},
        {{1, "totals", "bytes", 1, "i64", 2}, CAIRN_E_INCOMPATIBLE, "u64 version 2, not i64"},
        {{1, "totals", "bytes", 1, "u64", 3}, CAIRN_E_INCOMPATIBLE, "version 2, not u64 version 3"},
        {{1, "totals", "string", 1, "u64", 2}, CAIRN_E_INCOMPATIBLE, "key serializer"},
        {{1, "totals", "bytes", 2, "u64", 2}, CAIRN_E_INCOMPATIBLE, "key serializer"},
    };
    cairn_state_info info = totals_info();

    (void)open_value(world, "totals");
    reopen(world, &info, 1);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        cairn_value_state *value = NULL;
        cairn_error err = {0};

        ASSERT_CODE(keyed_state_open_value(world->states, &cases[i].descriptor, &value, &err),
                    cases[i].code, &err);
        assert_int_equal(value == NULL, cases[i].code != CAIRN_OK);
        if (cases[i].message != NULL) {
            ASSERT_MESSAGE_HAS(&err, cases[i].message);
        }
    }
}

static void a_restored_state_of_another_kind_is_refused(void **state)
{
    test_world *world = *state;
    cairn_state_info info = totals_info();
    cairn_state_descriptor descriptor = {1, "totals", "bytes", 1, "u64", 2};
    cairn_value_state *value = NULL;
    unsigned kind = 7;
    cairn_error err = {0};

    memcpy(&info.kind, &kind, sizeof(info.kind));
    (void)open_value(world, "totals");
    reopen(world, &info, 1);

    ASSERT_CODE(keyed_state_open_value(world->states, &descriptor, &value, &err),
                CAIRN_E_INCOMPATIBLE, &err);
}

static void a_restored_state_without_its_column_family_is_damage(void **state)
{
    test_world *world = *state;
    cairn_state_info info = totals_info();
    keyed_state_options options = whole;
    keyed_state *states = NULL;
    cairn_error err = {0};

    options.db = world->db;
    options.restored = &info;
    options.restored_count = 1;

    ASSERT_CODE(keyed_state_new(&options, &states, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "totals");
    assert_null(states);
}

static void a_state_restored_twice_is_damage(void **state)
{
    test_world *world = *state;
    cairn_state_info infos[] = {totals_info(), totals_info()};
    keyed_state_options options = whole;
    keyed_state *states = NULL;

    (void)open_value(world, "totals");
    options.db = world->db;
    options.restored = infos;
    options.restored_count = 2;

    ASSERT_CODE(keyed_state_new(&options, &states, NULL), CAIRN_E_INTEGRITY, NULL);
}

static void a_column_family_that_no_checkpoint_names_is_damage(void **state)
{
    test_world *world = *state;
    cairn_state_descriptor descriptor = {1, "totals", "bytes", 1, "u64", 2};
    cairn_value_state *value = NULL;

    (void)open_value(world, "totals");
    reopen(world, NULL, 0);

    ASSERT_CODE(keyed_state_open_value(world->states, &descriptor, &value, NULL), CAIRN_E_INTEGRITY,
                NULL);
}

static void there_are_at_most_so_many_states(void **state)
{
    test_world *world = *state;
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;
    cairn_value_state *value = NULL;
    char name[] = "s00";

    for (int i = 0; i < CAIRN_STATES_MAX; i++) {
        name[1] = (char)('a' + i / 16);
        name[2] = (char)('a' + i % 16);
        (void)open_value(world, name);
    }
    descriptor.name = "one-more";

    ASSERT_CODE(keyed_state_open_value(world->states, &descriptor, &value, NULL), CAIRN_E_LIMIT,
                NULL);
}

/* --- keys ------------------------------------------------------------------------------------- */

static void without_a_key_nothing_is_read_or_written(void **state)
{
    test_world *world = *state;
    cairn_value_state *value = open_value(world, "last");
    cairn_slice found = {0};
    bool is_there = false;
    uint64_t number = 0;

    ASSERT_CODE(cairn_value_get(value, &found, &is_there, NULL), CAIRN_E_STATE, NULL);
    ASSERT_CODE(cairn_value_update(value, cairn_slice_of("x"), NULL), CAIRN_E_STATE, NULL);
    ASSERT_CODE(cairn_value_clear(value, NULL), CAIRN_E_STATE, NULL);
    ASSERT_CODE(cairn_value_get_u64(value, &number, &is_there, NULL), CAIRN_E_STATE, NULL);
    ASSERT_CODE(cairn_value_update_u64(value, 1, NULL), CAIRN_E_STATE, NULL);
}

static void null_arguments_are_invalid(void **state)
{
    test_world *world = *state;
    cairn_value_state *value = open_value(world, "last");
    cairn_slice found = {0};
    bool is_there = false;

    set_key(world, "a");
    ASSERT_CODE(cairn_value_get(NULL, &found, &is_there, NULL), CAIRN_E_INVALID, NULL);
    ASSERT_CODE(cairn_value_get(value, NULL, &is_there, NULL), CAIRN_E_INVALID, NULL);
    ASSERT_CODE(cairn_value_get(value, &found, NULL, NULL), CAIRN_E_INVALID, NULL);
    ASSERT_CODE(cairn_value_update(NULL, cairn_slice_of("x"), NULL), CAIRN_E_INVALID, NULL);
    ASSERT_CODE(cairn_value_update(value, (cairn_slice){NULL, 1}, NULL), CAIRN_E_INVALID, NULL);
    ASSERT_CODE(cairn_value_clear(NULL, NULL), CAIRN_E_INVALID, NULL);
    ASSERT_CODE(cairn_value_get_u64(value, NULL, &is_there, NULL), CAIRN_E_INVALID, NULL);
    ASSERT_CODE(cairn_value_get_i64(value, NULL, &is_there, NULL), CAIRN_E_INVALID, NULL);
    ASSERT_CODE(cairn_value_get_double(value, NULL, &is_there, NULL), CAIRN_E_INVALID, NULL);
}

static void a_key_that_is_refused_leaves_no_key_set(void **state)
{
    test_world *world = *state;
    cairn_value_state *value = open_value(world, "last");
    uint8_t *bytes = mem_calloc(CAIRN_KEY_BYTES_MAX + 1, 1);
    cairn_error err = {0};

    assert_non_null(bytes);
    set_key(world, "a");
    ASSERT_CODE(
        keyed_state_set_key(world->states, (cairn_slice){bytes, CAIRN_KEY_BYTES_MAX + 1}, &err),
        CAIRN_E_LIMIT, &err);
    ASSERT_CODE(cairn_value_update(value, cairn_slice_of("x"), NULL), CAIRN_E_STATE, NULL);
    ASSERT_CODE(keyed_state_set_key(world->states, (cairn_slice){NULL, 1}, NULL), CAIRN_E_INVALID,
                NULL);
    ASSERT_OK(keyed_state_set_key(world->states, (cairn_slice){bytes, CAIRN_KEY_BYTES_MAX}, NULL),
              NULL);
    update(value, "longest");
    assert_value(value, "longest");
    mem_free(bytes);
}

static void a_key_of_a_group_that_is_not_owned_is_refused(void **state)
{
    test_world *world = *state;
    keyed_state_options options = {.max_parallelism = 128, .range = {50, 80}};
    cairn_error err = {0};

    keyed_state_free(world->states);
    world->states = NULL;
    options.db = world->db;
    ASSERT_OK(keyed_state_new(&options, &world->states, NULL), NULL);

    set_key(world, "a");       /* group 50 */
    set_key(world, "user-42"); /* group 80 */
    ASSERT_CODE(keyed_state_set_key(world->states, cairn_slice_of("abc"), &err), CAIRN_E_INVALID,
                &err);
    ASSERT_MESSAGE_HAS(&err, "122");
    ASSERT_CODE(keyed_state_set_key_in_group(world->states, cairn_slice_of("a"), 49, NULL),
                CAIRN_E_INVALID, NULL);
    ASSERT_CODE(keyed_state_set_key_in_group(world->states, cairn_slice_of("a"), 81, NULL),
                CAIRN_E_INVALID, NULL);
}

static void a_key_in_a_chosen_group_is_another_key(void **state)
{
    test_world *world = *state;
    cairn_value_state *value = open_value(world, "last");

    set_key(world, "a");
    update(value, "own group");
    ASSERT_OK(keyed_state_set_key_in_group(world->states, cairn_slice_of("a"), 7, NULL), NULL);
    assert_value(value, NULL);
    update(value, "group 7");
    ASSERT_OK(keyed_state_set_key_in_group(world->states, cairn_slice_of("a"), 50, NULL), NULL);
    assert_value(value, "own group");
}

static void the_stored_key_is_the_composite_key(void **state)
{
    test_world *world = *state;
    CAIRN_AUTO_PTR(rocks_cursor_free) rocks_cursor *cursor = NULL;
    CAIRN_AUTO(state_key_parts) parts = {0};
    cairn_value_state *value = open_value(world, "last");
    cairn_slice key;
    cairn_slice stored;

    ASSERT_OK(keyed_state_set_key(world->states, (cairn_slice){"a\0b", 3}, NULL), NULL);
    update(value, "x");
    ASSERT_OK(rocks_cursor_new(world->db, rocks_family_find(world->db, "last"),
                               (cairn_slice){NULL, 0}, &cursor, NULL),
              NULL);

    assert_true(rocks_cursor_next(cursor, &key, &stored));
    ASSERT_OK(state_key_decode(key, 128, &parts, NULL), NULL);
    assert_true(cairn_slice_equal(cairn_buf_slice(&parts.key), (cairn_slice){"a\0b", 3}));
    assert_int_equal(parts.name_space.len, 0);
    assert_int_equal(parts.user_key.len, 0);
    assert_int_equal(parts.key_group, cairn_key_group_of((cairn_slice){"a\0b", 3}, 128));
    assert_false(rocks_cursor_next(cursor, &key, &stored));
}

/* --- numbers ---------------------------------------------------------------------------------- */

static void numbers_come_back_and_have_fixed_bytes(void **state)
{
    test_world *world = *state;
    static const uint64_t unsigned_cases[] = {0, 1, UINT64_MAX, UINT64_C(0x0102030405060708)};
    static const int64_t signed_cases[] = {0, 1, -1, INT64_MIN, INT64_MAX};
    static const double double_cases[] = {0.0, -0.0, 1.5, -1e300, INFINITY, NAN};
    cairn_value_state *value = open_value(world, "number");
    bool found = false;

    set_key(world, "a");
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(unsigned_cases); i++) {
        uint64_t read = 99;

        ASSERT_OK(cairn_value_update_u64(value, unsigned_cases[i], NULL), NULL);
        ASSERT_OK(cairn_value_get_u64(value, &read, &found, NULL), NULL);
        assert_true(found && read == unsigned_cases[i]);
    }
    assert_value(value, "\x01\x02\x03\x04\x05\x06\x07\x08");
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(signed_cases); i++) {
        int64_t read = 99;

        ASSERT_OK(cairn_value_update_i64(value, signed_cases[i], NULL), NULL);
        ASSERT_OK(cairn_value_get_i64(value, &read, &found, NULL), NULL);
        assert_true(found && read == signed_cases[i]);
    }
    assert_value(value, "\xff\xff\xff\xff\xff\xff\xff\xff");
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(double_cases); i++) {
        double read = 99;

        ASSERT_OK(cairn_value_update_double(value, double_cases[i], NULL), NULL);
        ASSERT_OK(cairn_value_get_double(value, &read, &found, NULL), NULL);
        assert_true(found);
        assert_memory_equal(&read, &double_cases[i], sizeof(read));
    }
}

static void an_absent_number_leaves_the_output_alone(void **state)
{
    test_world *world = *state;
    cairn_value_state *value = open_value(world, "number");
    uint64_t number = 77;
    int64_t integer = -77;
    double real = 7.5;
    bool found = true;

    set_key(world, "a");
    ASSERT_OK(cairn_value_get_u64(value, &number, &found, NULL), NULL);
    assert_false(found);
    ASSERT_OK(cairn_value_get_i64(value, &integer, &found, NULL), NULL);
    ASSERT_OK(cairn_value_get_double(value, &real, &found, NULL), NULL);

    assert_int_equal(number, 77);
    assert_int_equal(integer, -77);
    assert_true(real > 7 && real < 8);
}

static void a_value_of_another_size_is_no_number(void **state)
{
    test_world *world = *state;
    cairn_value_state *value = open_value(world, "number");
    uint64_t number = 77;
    bool found = false;
    cairn_error err = {0};

    set_key(world, "a");
    update(value, "1234567");

    ASSERT_CODE(cairn_value_get_u64(value, &number, &found, &err), CAIRN_E_INCOMPATIBLE, &err);
    ASSERT_MESSAGE_HAS(&err, "7 bytes");
    assert_int_equal(number, 77);
    assert_false(found);
}

/* --- the model -------------------------------------------------------------------------------- */

#define MODEL_KEYS       500
#define MODEL_STATES     3
#define MODEL_OPERATIONS 100000

typedef struct model_value {
    bool is_there;
    uint32_t number;
    size_t len;
} model_value;

static uint64_t seed = 4711;

static uint32_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 32);
}

/* Distinct keys of 0 to 4 bytes, most with zeros in them. */
static cairn_slice model_key(uint32_t key, uint8_t bytes[4])
{
    static const uint8_t digits[] = {0x00, 0x01, 0xff, 'a', 0xfe};
    size_t len = 0;

    for (; key > 0; key = (key - 1) / sizeof(digits)) {
        bytes[len++] = digits[(key - 1) % sizeof(digits)];
    }
    return (cairn_slice){bytes, len};
}

/* `len` bytes that tell which operation wrote them. */
static void fill(uint8_t bytes[64], uint32_t number, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(number >> (8 * (i % 4)));
    }
}

static void assert_model(cairn_value_state *value, const model_value *expected)
{
    uint8_t bytes[64];
    cairn_slice found = {0};
    bool is_there = false;

    ASSERT_OK(cairn_value_get(value, &found, &is_there, NULL), NULL);
    assert_int_equal(is_there, expected->is_there);
    if (is_there) {
        fill(bytes, expected->number, expected->len);
        assert_true(cairn_slice_equal(found, (cairn_slice){bytes, expected->len}));
    }
}

static void one_operation(cairn_value_state *value, model_value *expected, uint32_t number)
{
    uint8_t bytes[64];

    switch (next_random() % 4) {
    case 0:
        ASSERT_OK(cairn_value_clear(value, NULL), NULL);
        *expected = (model_value){0};
        break;
    case 1:
        assert_model(value, expected);
        break;
    default:
        *expected = (model_value){true, number, next_random() % sizeof(bytes)};
        fill(bytes, number, expected->len);
        ASSERT_OK(cairn_value_update(value, (cairn_slice){bytes, expected->len}, NULL), NULL);
        break;
    }
}

static void random_operations_agree_with_a_plain_model(void **state)
{
    static model_value model[MODEL_STATES][MODEL_KEYS];
    test_world *world = *state;
    cairn_value_state *values[MODEL_STATES] = {open_value(world, "a"), open_value(world, "b"),
                                               open_value(world, "c")};
    uint8_t bytes[4];

    memset(model, 0, sizeof(model));
    for (uint32_t i = 0; i < MODEL_OPERATIONS; i++) {
        uint32_t key = next_random() % MODEL_KEYS;
        uint32_t which = next_random() % MODEL_STATES;

        ASSERT_OK(keyed_state_set_key(world->states, model_key(key, bytes), NULL), NULL);
        one_operation(values[which], &model[which][key], i);
    }
    for (uint32_t key = 0; key < MODEL_KEYS; key++) {
        ASSERT_OK(keyed_state_set_key(world->states, model_key(key, bytes), NULL), NULL);
        for (uint32_t which = 0; which < MODEL_STATES; which++) {
            assert_model(values[which], &model[which][key]);
        }
    }
}

static void an_operation_allocates_nothing_of_ours(void **state)
{
    test_world *world = *state;
    cairn_value_state *value = open_value(world, "last");

    set_key(world, "a-key");
    update(value, "x");
    mem_fail_nth(1, 1);
    set_key(world, "b-key");
    update(value, "y");
    assert_value(value, "y");
    ASSERT_OK(cairn_value_clear(value, NULL), NULL);
    mem_fail_nth(0, 0);
}

/* --- n-th allocation -------------------------------------------------------------------------- */

/* Opens the same state again and again: a failure before must have left nothing behind. */
static void a_failed_allocation_at_open_leaves_nothing_behind(void **state)
{
    test_world *world = *state;
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;
    cairn_value_state *value = NULL;
    cairn_state_info info = totals_info();
    bool done = false;

    descriptor.name = "late";
    for (uint64_t nth = 1; !done; nth++) {
        cairn_error err = {0};
        cairn_code code;

        mem_fail_nth(nth, 0);
        code = keyed_state_open_value(world->states, &descriptor, &value, &err);
        done = mem_alloc_count() < nth;
        mem_fail_nth(0, 0);
        ASSERT_CODE(code, done || value != NULL ? CAIRN_OK : CAIRN_E_NO_MEMORY, &err);
    }
    (void)open_value(world, "totals");
    keyed_state_free(world->states);
    world->states = NULL;
    done = false;
    for (uint64_t nth = 1; !done; nth++) {
        keyed_state_options options = whole;
        cairn_code code;

        options.db = world->db;
        options.restored = &info;
        options.restored_count = 1;
        mem_fail_nth(nth, 1);
        code = keyed_state_new(&options, &world->states, NULL);
        done = mem_alloc_count() < nth;
        mem_fail_nth(0, 0);
        ASSERT_CODE(code, done ? CAIRN_OK : CAIRN_E_NO_MEMORY, NULL);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_value_is_read_updated_and_cleared_under_its_key),
        TEST(an_empty_value_is_there_and_an_absent_one_is_not),
        TEST(two_states_under_one_key_are_apart),
        TEST(a_state_may_be_called_default),
        TEST(opening_twice_gives_the_same_handle),
        TEST(the_registry_is_sorted_by_name),
        TEST(bad_descriptors_are_invalid),
        TEST(bad_options_are_invalid),
        TEST(a_restored_state_that_nobody_opens_stays_registered),
        TEST(a_restored_state_opens_with_its_own_serializers_only),
        TEST(a_restored_state_of_another_kind_is_refused),
        TEST(a_restored_state_without_its_column_family_is_damage),
        TEST(a_state_restored_twice_is_damage),
        TEST(a_column_family_that_no_checkpoint_names_is_damage),
        TEST(there_are_at_most_so_many_states),
        TEST(without_a_key_nothing_is_read_or_written),
        TEST(null_arguments_are_invalid),
        TEST(a_key_that_is_refused_leaves_no_key_set),
        TEST(a_key_of_a_group_that_is_not_owned_is_refused),
        TEST(a_key_in_a_chosen_group_is_another_key),
        TEST(the_stored_key_is_the_composite_key),
        TEST(numbers_come_back_and_have_fixed_bytes),
        TEST(an_absent_number_leaves_the_output_alone),
        TEST(a_value_of_another_size_is_no_number),
        TEST(random_operations_agree_with_a_plain_model),
        TEST(an_operation_allocates_nothing_of_ours),
        TEST(a_failed_allocation_at_open_leaves_nothing_behind),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
