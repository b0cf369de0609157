#include "test.h"

#include "bounds.h"
#include "errors.h"
#include "keyed_world.h"
#include "state_heap.h"
#include "state_key.h"

static void a_state_may_be_called_default(void **state)
{
    keyed_world *world = *state;
    cairn_value_state *value = open_value(world, "default");

    set_key(world, "a");
    update(value, "x");

    assert_value(value, "x");
}

static void opening_twice_gives_the_same_handle(void **state)
{
    keyed_world *world = *state;
    cairn_value_state *value = open_value(world, "m");

    for (int i = 0; i < 20; i++) {
        char name[] = {(char)('a' + i), '\0'};

        (void)open_value(world, name);
    }
    assert_ptr_equal(open_value(world, "m"), value);
}

static void the_registry_is_sorted_by_name(void **state)
{
    keyed_world *world = *state;
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

/* Without migrations and time to live. */
#define DESCRIPTOR(of_version, of_name, key, key_version, value, value_version) \
    {                                                                           \
        .version = (of_version), .name = (of_name), .key_serializer = (key),    \
        .key_serializer_version = (key_version), .value_serializer = (value),   \
        .value_serializer_version = (value_version),                            \
    }

static void bad_descriptors_are_invalid(void **state)
{
    keyed_world *world = *state;
    const cairn_state_descriptor cases[] = {
        DESCRIPTOR(9, "x", "bytes", 1, "bytes", 1),
        DESCRIPTOR(1, NULL, "bytes", 1, "bytes", 1),
        DESCRIPTOR(1, "", "bytes", 1, "bytes", 1),
        DESCRIPTOR(1, "a/b", "bytes", 1, "bytes", 1),
        DESCRIPTOR(1, "..", "bytes", 1, "bytes", 1),
        DESCRIPTOR(1, "x", NULL, 1, "bytes", 1),
        DESCRIPTOR(1, "x", "bytes", 1, "no blanks", 1),
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
    keyed_world *world = *state;
    static const keyed_state_options cases[] = {
        {.max_parallelism = 0, .range = {0, 0}},
        {.max_parallelism = 128, .range = {0, 128}},
        {.max_parallelism = 128, .range = {5, 4}},
        {.max_parallelism = CAIRN_PARALLELISM_MAX + 1, .range = {0, 1}},
    };
    keyed_state *states = NULL;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        keyed_state_options options = cases[i];

        options.engine = world->engine;
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

static void a_restored_state_that_nobody_opens_stays_registered(void **state)
{
    keyed_world *world = *state;
    cairn_state_info info = totals_info();
    const cairn_state_info *infos;
    size_t count = 0;

    (void)open_value(world, "totals");
    keyed_world_reopen(world, &info, 1);
    (void)open_value(world, "another");

    infos = keyed_state_infos(world->states, &count);
    assert_int_equal(count, 2);
    assert_string_equal(infos[1].name, "totals");
    assert_string_equal(infos[1].value_serializer.id, "u64");
    assert_int_equal(infos[1].ttl_ms, 5);
}

static void a_restored_state_opens_with_its_own_serializers_only(void **state)
{
    keyed_world *world = *state;
    static const struct {
        cairn_state_descriptor descriptor;
        cairn_code code;
        const char *message;
    } cases[] = {
        {DESCRIPTOR(1, "totals", "bytes", 1, "u64", 2), CAIRN_OK, NULL},
        {DESCRIPTOR(1, "totals", "bytes", 1, "i64", 2), CAIRN_E_INCOMPATIBLE,
         "u64 version 2, not i64"},
        {DESCRIPTOR(1, "totals", "bytes", 1, "u64", 3), CAIRN_E_INCOMPATIBLE,
         "version 2, not u64 version 3"},
        {DESCRIPTOR(1, "totals", "string", 1, "u64", 2), CAIRN_E_INCOMPATIBLE, "key serializer"},
        {DESCRIPTOR(1, "totals", "bytes", 2, "u64", 2), CAIRN_E_INCOMPATIBLE, "key serializer"},
    };
    cairn_state_info info = totals_info();

    (void)open_value(world, "totals");
    keyed_world_reopen(world, &info, 1);
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
    keyed_world *world = *state;
    cairn_state_info info = totals_info();
    cairn_state_descriptor descriptor = DESCRIPTOR(1, "totals", "bytes", 1, "u64", 2);
    cairn_value_state *value = NULL;
    cairn_error err = {0};

    info.kind = CAIRN_STATE_MAP;
    (void)open_value(world, "totals");
    keyed_world_reopen(world, &info, 1);

    ASSERT_CODE(keyed_state_open_value(world->states, &descriptor, &value, &err),
                CAIRN_E_INCOMPATIBLE, &err);
    ASSERT_MESSAGE_HAS(&err, "its kind is map, not value");
}

static void a_restored_state_of_an_unknown_kind_is_damage(void **state)
{
    keyed_world *world = *state;
    cairn_state_info info = totals_info();
    keyed_state_options options = keyed_world_whole;
    keyed_state *states = NULL;
    unsigned kind = 7;

    memcpy(&info.kind, &kind, sizeof(info.kind));
    (void)open_value(world, "totals");
    options.engine = world->engine;
    options.restored = &info;
    options.restored_count = 1;

    ASSERT_CODE(keyed_state_new(&options, &states, NULL), CAIRN_E_INTEGRITY, NULL);
    assert_null(states);
}

/* The manifest says that a table of values is one of a map. */
static void a_restored_table_that_is_none_of_the_kind_is_damage(void **state)
{
    keyed_world *world = *state;
    const heap_options options = {.range = {0, 127}, .key_group_bytes = 1};
    keyed_state_options restored = keyed_world_whole;
    cairn_state_info info = totals_info();
    state_table *table = NULL;
    keyed_state *states = NULL;
    char path[TMPDIR_PATH_BYTES];
    cairn_error err = {0};
    CAIRN_AUTO_PTR(state_engine_close) state_engine *engine = NULL;

    ASSERT_OK(state_heap_open(tmpdir_join(world->dir, "none", path), &options, &engine, &err),
              &err);
    ASSERT_OK(engine->ops->create_table(engine, "totals", CAIRN_STATE_VALUE, &table, &err), &err);
    info.kind = CAIRN_STATE_MAP;
    restored.engine = engine;
    restored.restored = &info;
    restored.restored_count = 1;

    ASSERT_CODE(keyed_state_new(&restored, &states, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "is of kind map, but its table is of another");
    assert_null(states);
}

static void a_restored_state_without_its_table_is_damage(void **state)
{
    keyed_world *world = *state;
    cairn_state_info info = totals_info();
    keyed_state_options options = keyed_world_whole;
    keyed_state *states = NULL;
    cairn_error err = {0};

    options.engine = world->engine;
    options.restored = &info;
    options.restored_count = 1;

    ASSERT_CODE(keyed_state_new(&options, &states, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "totals");
    assert_null(states);
}

static void a_state_restored_twice_is_damage(void **state)
{
    keyed_world *world = *state;
    cairn_state_info infos[] = {totals_info(), totals_info()};
    keyed_state_options options = keyed_world_whole;
    keyed_state *states = NULL;

    (void)open_value(world, "totals");
    options.engine = world->engine;
    options.restored = infos;
    options.restored_count = 2;

    ASSERT_CODE(keyed_state_new(&options, &states, NULL), CAIRN_E_INTEGRITY, NULL);
}

static void a_table_that_no_checkpoint_names_is_damage(void **state)
{
    keyed_world *world = *state;
    cairn_state_descriptor descriptor = DESCRIPTOR(1, "totals", "bytes", 1, "u64", 2);
    cairn_value_state *value = NULL;

    (void)open_value(world, "totals");
    keyed_world_reopen(world, NULL, 0);

    ASSERT_CODE(keyed_state_open_value(world->states, &descriptor, &value, NULL), CAIRN_E_INTEGRITY,
                NULL);
}

/* --- keys ------------------------------------------------------------------------------------- */

static void a_key_that_is_refused_leaves_no_key_set(void **state)
{
    keyed_world *world = *state;
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
    keyed_world *world = *state;
    keyed_state_options options = {.max_parallelism = 128, .range = {50, 80}};
    cairn_error err = {0};

    keyed_state_free(world->states);
    world->states = NULL;
    options.engine = world->engine;
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
    keyed_world *world = *state;
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
    keyed_world *world = *state;
    CAIRN_AUTO_PTR(state_cursor_free) state_cursor *cursor = NULL;
    CAIRN_AUTO(state_key_parts) parts = {0};
    cairn_value_state *value = open_value(world, "last");
    state_table *table = world->engine->ops->find_table(world->engine, "last");
    cairn_slice key;
    cairn_slice stored;

    ASSERT_OK(keyed_state_set_key(world->states, (cairn_slice){"a\0b", 3}, NULL), NULL);
    update(value, "x");
    ASSERT_OK(table->ops->scan(table, &cursor, NULL), NULL);

    assert_true(cursor->ops->next(cursor, &key, &stored));
    ASSERT_OK(state_key_decode(key, 128, &parts, NULL), NULL);
    assert_true(cairn_slice_equal(cairn_buf_slice(&parts.key), (cairn_slice){"a\0b", 3}));
    assert_int_equal(parts.name_space.len, 0);
    assert_int_equal(parts.user_key.len, 0);
    assert_int_equal(parts.key_group, cairn_key_group_of((cairn_slice){"a\0b", 3}, 128));
    assert_false(cursor->ops->next(cursor, &key, &stored));
}

/* --- n-th allocation -------------------------------------------------------------------------- */

/* Opens the same state again and again: a failure before must have left nothing behind. */
static void a_failed_allocation_at_open_leaves_nothing_behind(void **state)
{
    keyed_world *world = *state;
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
        keyed_state_options options = keyed_world_whole;
        cairn_code code;

        options.engine = world->engine;
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, keyed_world_setup, keyed_world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_state_may_be_called_default),
        TEST(opening_twice_gives_the_same_handle),
        TEST(the_registry_is_sorted_by_name),
        TEST(bad_descriptors_are_invalid),
        TEST(bad_options_are_invalid),
        TEST(a_restored_state_that_nobody_opens_stays_registered),
        TEST(a_restored_state_opens_with_its_own_serializers_only),
        TEST(a_restored_state_of_another_kind_is_refused),
        TEST(a_restored_state_of_an_unknown_kind_is_damage),
        TEST(a_restored_state_without_its_table_is_damage),
        TEST(a_restored_table_that_is_none_of_the_kind_is_damage),
        TEST(a_state_restored_twice_is_damage),
        TEST(a_table_that_no_checkpoint_names_is_damage),
        TEST(a_key_that_is_refused_leaves_no_key_set),
        TEST(a_key_of_a_group_that_is_not_owned_is_refused),
        TEST(a_key_in_a_chosen_group_is_another_key),
        TEST(the_stored_key_is_the_composite_key),
        TEST(a_failed_allocation_at_open_leaves_nothing_behind),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
