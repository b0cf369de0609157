/* Serializers, the calls of states through them, and structs that grow. */
#include "test.h"

#include <cairn/serializer.h>

#include "alloc_sweep.h"
#include "buf.h"
#include "errors.h"
#include "state_world.h"

#include <float.h>
#include <math.h>

#define BYTES(text)              \
    {                            \
        (text), sizeof(text) - 1 \
    }

/* --- bytes of types --------------------------------------------------------------------------- */

static void serialize(const cairn_serializer *type, const void *value, cairn_buf *out)
{
    cairn_error err = {0};

    buf_clear(out);
    ASSERT_OK(type->serialize(type->context, value, out, &err), &err);
}

static void built_in_serializers_have_names_and_versions(void **state)
{
    static const struct {
        const cairn_serializer *(*type)(void);
        const char *id;
    } cases[] = {{cairn_u64_serializer, "u64"},
                 {cairn_i64_serializer, "i64"},
                 {cairn_double_serializer, "double"},
                 {cairn_string_serializer, "string"},
                 {cairn_bytes_serializer, "bytes"}};
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        assert_string_equal(cases[i].type()->id, cases[i].id);
        assert_int_equal(cases[i].type()->version, 1);
        assert_ptr_equal(cases[i].type(), cases[i].type());
    }
}

static void numbers_take_eight_bytes_that_sort_as_they_do(void **state)
{
    static const uint64_t unsigned_numbers[] = {0, 1, 255, 256, UINT64_MAX};
    static const int64_t signed_numbers[] = {INT64_MIN, -256, -1, 0, 1, INT64_MAX};
    CAIRN_AUTO(cairn_buf) before = {0};
    CAIRN_AUTO(cairn_buf) after = {0};
    (void)state;

    for (size_t i = 0; i + 1 < CAIRN_ARRAY_LEN(unsigned_numbers); i++) {
        serialize(cairn_u64_serializer(), &unsigned_numbers[i], &before);
        serialize(cairn_u64_serializer(), &unsigned_numbers[i + 1], &after);
        assert_int_equal(before.len, 8);
        assert_true(memcmp(before.data, after.data, 8) < 0);
    }
    for (size_t i = 0; i + 1 < CAIRN_ARRAY_LEN(signed_numbers); i++) {
        serialize(cairn_i64_serializer(), &signed_numbers[i], &before);
        serialize(cairn_i64_serializer(), &signed_numbers[i + 1], &after);
        assert_int_equal(before.len, 8);
        assert_true(memcmp(before.data, after.data, 8) < 0);
    }
}

/* What format.md says, byte by byte. */
static void numbers_have_the_bytes_of_the_format(void **state)
{
    static const uint64_t one = 1;
    static const int64_t minus_two = -2;
    static const double half = 0.5;
    static const struct {
        const cairn_serializer *(*type)(void);
        const void *value;
        cairn_slice bytes;
    } cases[] = {{cairn_u64_serializer, &one, BYTES("\0\0\0\0\0\0\0\1")},
                 {cairn_i64_serializer, &minus_two, BYTES("\x7f\xff\xff\xff\xff\xff\xff\xfe")},
                 {cairn_double_serializer, &half, BYTES("\x3f\xe0\0\0\0\0\0\0")}};
    CAIRN_AUTO(cairn_buf) out = {0};
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        serialize(cases[i].type(), cases[i].value, &out);
        assert_true(cairn_slice_equal(cairn_buf_slice(&out), cases[i].bytes));
    }
}

static void doubles_come_back_bit_by_bit(void **state)
{
    static const double numbers[] = {
        0.0, -0.0, 1.5, -DBL_MAX, DBL_TRUE_MIN, (double)INFINITY, (double)NAN};
    CAIRN_AUTO(cairn_buf) bytes = {0};
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(numbers); i++) {
        double found = 7;

        serialize(cairn_double_serializer(), &numbers[i], &bytes);
        ASSERT_OK(
            cairn_double_serializer()->deserialize(NULL, cairn_buf_slice(&bytes), &found, NULL),
            NULL);
        assert_memory_equal(&found, &numbers[i], sizeof(found));
    }
}

static void a_number_of_another_size_is_incompatible(void **state)
{
    static const cairn_slice cases[] = {BYTES(""), BYTES("1234567"), BYTES("123456789")};
    uint64_t number = 5;
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        cairn_error err = {0};

        ASSERT_CODE(cairn_u64_serializer()->deserialize(NULL, cases[i], &number, &err),
                    CAIRN_E_INCOMPATIBLE, &err);
        ASSERT_MESSAGE_HAS(&err, "not 8");
    }
    assert_int_equal(number, 5);
}

static void a_string_is_utf8(void **state)
{
    static const struct {
        cairn_slice text;
        const char *message; /* NULL: it is one */
    } cases[] = {
        {BYTES(""), NULL},
        {BYTES("plain"), NULL},
        {BYTES("a\0b"), NULL},
        {BYTES("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8c\x8d"), NULL},
        {BYTES("\xff"), "byte 1 of 1 is not UTF-8"},
        {BYTES("ab\xc3"), "byte 3 of 3 is not UTF-8"},
        {BYTES("ab\xc0\x80"), "byte 3 of 4 is not UTF-8"},
        {BYTES("\xed\xa0\x80"), "byte 1 of 3 is not UTF-8"},
    };
    const cairn_serializer *const type = cairn_string_serializer();
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO(cairn_buf) out = {0};
        const bool good = cases[i].message == NULL;
        cairn_slice found = {NULL, 0};
        cairn_error err = {0};

        ASSERT_CODE(type->serialize(NULL, &cases[i].text, &out, &err),
                    good ? CAIRN_OK : CAIRN_E_INVALID, &err);
        assert_true(good || out.len == 0);
        ASSERT_CODE(type->deserialize(NULL, cases[i].text, &found, &err),
                    good ? CAIRN_OK : CAIRN_E_INCOMPATIBLE, &err);
        if (good) {
            assert_true(cairn_slice_equal(found, cairn_buf_slice(&out)));
        } else {
            ASSERT_MESSAGE_HAS(&err, cases[i].message);
        }
    }
}

static void bytes_at_null_are_invalid(void **state)
{
    static const cairn_slice missing = {NULL, 3};
    const cairn_serializer *const types[] = {cairn_string_serializer(), cairn_bytes_serializer()};
    CAIRN_AUTO(cairn_buf) out = {0};
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(types); i++) {
        ASSERT_CODE(types[i]->serialize(NULL, &missing, &out, NULL), CAIRN_E_INVALID, NULL);
    }
    ASSERT_CODE(cairn_buf_append(&out, missing, NULL), CAIRN_E_INVALID, NULL);
    ASSERT_CODE(cairn_buf_append(NULL, missing, NULL), CAIRN_E_INVALID, NULL);
    assert_int_equal(out.len, 0);
}

/* --- states ----------------------------------------------------------------------------------- */

static void on_each_engine(void (*test)(state_world *world))
{
    for (size_t i = 0; i < state_engine_kind_count; i++) {
        state_world *world = state_world_new(&state_engine_kinds[i]);

        assert_non_null(world);
        ASSERT_OK(keyed_state_set_key(world->states, cairn_slice_of("a"), NULL), NULL);
        test(world);
        state_world_free(world);
    }
}

#define ON_EACH_ENGINE(name, test) \
    static void name(void **state) \
    {                              \
        (void)state;               \
        on_each_engine(test);      \
    }

static void use_a_value(state_world *world)
{
    cairn_value_state *const value = world->handles[CAIRN_STATE_VALUE].value;
    const int64_t stored = -42;
    int64_t number = 1;
    bool found = true;
    cairn_error err = {0};

    ASSERT_OK(cairn_value_get_as(value, cairn_i64_serializer(), &number, &found, &err), &err);
    assert_false(found);
    assert_int_equal(number, 1);
    ASSERT_OK(cairn_value_update_as(value, cairn_i64_serializer(), &stored, &err), &err);
    ASSERT_OK(cairn_value_get_as(value, cairn_i64_serializer(), &number, &found, &err), &err);
    assert_true(found);
    assert_int_equal(number, -42);
    number = 0;
    ASSERT_OK(cairn_value_get_i64(value, &number, &found, &err), &err);
    assert_int_equal(number, -42);
}
ON_EACH_ENGINE(a_value_is_written_and_read_by_its_type, use_a_value)

static void use_a_list(state_world *world)
{
    static const double stored[] = {1.5, -2.0};
    cairn_list_state *const list = world->handles[CAIRN_STATE_LIST].list;
    const cairn_serializer *const type = cairn_double_serializer();
    cairn_list_view view = {0};
    double number = 0;
    bool found = false;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(stored); i++) {
        ASSERT_OK(cairn_list_add_as(list, type, &stored[i], NULL), NULL);
    }
    ASSERT_OK(cairn_list_get(list, &view, NULL), NULL);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(stored); i++) {
        ASSERT_OK(cairn_list_next_as(&view, type, &number, &found, NULL), NULL);
        assert_true(found);
        assert_memory_equal(&number, &stored[i], sizeof(number));
    }
    ASSERT_OK(cairn_list_next_as(&view, type, &number, &found, NULL), NULL);
    assert_false(found);
}
ON_EACH_ENGINE(elements_are_added_and_read_by_their_type, use_a_list)

static void read_an_element_of_another_type(state_world *world)
{
    cairn_list_state *const list = world->handles[CAIRN_STATE_LIST].list;
    const cairn_slice text = cairn_slice_of("text");
    cairn_slice element = {NULL, 0};
    cairn_list_view view = {0};
    uint64_t number = 7;
    bool found = false;
    cairn_error err = {0};

    ASSERT_OK(cairn_list_add_as(list, cairn_string_serializer(), &text, NULL), NULL);
    ASSERT_OK(cairn_list_get(list, &view, NULL), NULL);
    ASSERT_CODE(cairn_list_next_as(&view, cairn_u64_serializer(), &number, &found, &err),
                CAIRN_E_INCOMPATIBLE, &err);
    assert_false(found);
    ASSERT_OK(cairn_list_next_as(&view, cairn_string_serializer(), &element, &found, &err), &err);
    assert_true(cairn_slice_equal(element, text));
}
ON_EACH_ENGINE(an_element_that_was_not_read_is_still_the_next, read_an_element_of_another_type)

static void use_a_map(state_world *world)
{
    const cairn_map_types types = {cairn_string_serializer(), cairn_u64_serializer()};
    cairn_map_state *const map = world->handles[CAIRN_STATE_MAP].map;
    const cairn_slice user_key = cairn_slice_of("page");
    cairn_map_iterator *iterator = NULL;
    cairn_slice seen = {NULL, 0};
    uint64_t number = 1;
    bool found = true;

    ASSERT_OK(cairn_map_get_as(map, &types, &user_key, &number, &found, NULL), NULL);
    assert_false(found);
    number = 77;
    ASSERT_OK(cairn_map_put_as(map, &types, &user_key, &number, NULL), NULL);
    number = 0;
    ASSERT_OK(cairn_map_get_as(map, &types, &user_key, &number, &found, NULL), NULL);
    assert_true(found);
    assert_int_equal(number, 77);
    ASSERT_OK(cairn_map_contains_as(map, &types, &user_key, &found, NULL), NULL);
    assert_true(found);
    number = 0;
    ASSERT_OK(cairn_map_iterate(map, &iterator, NULL), NULL);
    ASSERT_OK(cairn_map_iterator_next_as(iterator, &types, &seen, &number, &found, NULL), NULL);
    assert_true(found && cairn_slice_equal(seen, user_key));
    assert_int_equal(number, 77);
    ASSERT_OK(cairn_map_iterator_next_as(iterator, &types, &seen, &number, &found, NULL), NULL);
    assert_false(found);
    cairn_map_iterator_free(iterator);
    ASSERT_OK(cairn_map_remove_as(map, &types, &user_key, NULL), NULL);
    ASSERT_OK(cairn_map_contains_as(map, &types, &user_key, &found, NULL), NULL);
    assert_false(found);
}
ON_EACH_ENGINE(entries_are_written_and_read_by_their_types, use_a_map)

/* What a read gave points into the engine, and is written on. */
static void copy_a_string(state_world *world)
{
    const cairn_map_types types = {cairn_string_serializer(), cairn_string_serializer()};
    cairn_map_state *const map = world->handles[CAIRN_STATE_MAP].map;
    cairn_slice text = cairn_slice_of("from");
    const cairn_slice to = cairn_slice_of("to");
    bool found = false;

    ASSERT_OK(cairn_map_put_as(map, &types, &text, &text, NULL), NULL);
    ASSERT_OK(cairn_map_get_as(map, &types, &text, &text, &found, NULL), NULL);
    ASSERT_OK(cairn_map_put_as(map, &types, &to, &text, NULL), NULL);
    ASSERT_OK(cairn_map_get_as(map, &types, &to, &text, &found, NULL), NULL);
    assert_true(cairn_slice_equal(text, cairn_slice_of("from")));
}
ON_EACH_ENGINE(what_a_read_gave_may_be_written, copy_a_string)

static void use_folds(state_world *world)
{
    cairn_reducing_state *const reducing = world->handles[CAIRN_STATE_REDUCING].reducing;
    cairn_aggregating_state *const aggregating =
        world->handles[CAIRN_STATE_AGGREGATING].aggregating;
    const cairn_serializer *const type = cairn_string_serializer();
    const cairn_slice elements[] = {BYTES("x"), BYTES("y")};
    cairn_slice sum = {NULL, 0};
    bool found = true;

    ASSERT_OK(cairn_reducing_get_as(reducing, type, &sum, &found, NULL), NULL);
    assert_false(found);
    ASSERT_OK(cairn_aggregating_get_as(aggregating, type, &sum, &found, NULL), NULL);
    assert_false(found);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(elements); i++) {
        ASSERT_OK(cairn_reducing_add_as(reducing, type, &elements[i], NULL), NULL);
        ASSERT_OK(cairn_aggregating_add_as(aggregating, type, &elements[i], NULL), NULL);
    }
    ASSERT_OK(cairn_reducing_get_as(reducing, type, &sum, &found, NULL), NULL);
    assert_true(found && cairn_slice_equal(sum, cairn_slice_of("x+y")));
    ASSERT_OK(cairn_aggregating_get_as(aggregating, type, &sum, &found, NULL), NULL);
    assert_true(found && cairn_slice_equal(sum, cairn_slice_of("<.x.y>")));
}
ON_EACH_ENGINE(folds_take_elements_and_give_results_by_type, use_folds)

static cairn_code refuse(void *context, const void *value, cairn_buf *out, cairn_error *err)
{
    (void)value;
    (void)out;
    return error_set(err, *(const cairn_code *)context, "refused");
}

static void write_what_is_refused(state_world *world)
{
    static cairn_code code = CAIRN_E_ACCESS;
    const cairn_serializer type = {"own", 1, refuse, cairn_bytes_serializer()->deserialize, &code};
    const cairn_map_types types = {&type, cairn_u64_serializer()};
    const state_world_handle *const handles = world->handles;
    const uint64_t number = 1;
    bool found = true;

    ASSERT_CODE(cairn_value_update_as(handles[CAIRN_STATE_VALUE].value, &type, &number, NULL),
                CAIRN_E_ACCESS, NULL);
    ASSERT_CODE(cairn_list_add_as(handles[CAIRN_STATE_LIST].list, &type, &number, NULL),
                CAIRN_E_ACCESS, NULL);
    ASSERT_CODE(cairn_map_put_as(handles[CAIRN_STATE_MAP].map, &types, &number, &number, NULL),
                CAIRN_E_ACCESS, NULL);
    ASSERT_CODE(cairn_reducing_add_as(handles[CAIRN_STATE_REDUCING].reducing, &type, &number, NULL),
                CAIRN_E_ACCESS, NULL);
    ASSERT_CODE(cairn_aggregating_add_as(handles[CAIRN_STATE_AGGREGATING].aggregating, &type,
                                         &number, NULL),
                CAIRN_E_ACCESS, NULL);
    ASSERT_OK(cairn_map_is_empty(handles[CAIRN_STATE_MAP].map, &found, NULL), NULL);
    assert_true(found);
}
ON_EACH_ENGINE(what_a_serializer_refuses_is_not_written, write_what_is_refused)

static void pass_null(state_world *world)
{
    const cairn_serializer *const type = cairn_u64_serializer();
    const cairn_map_types types = {type, type};
    const cairn_map_types half = {type, NULL};
    cairn_value_state *const value = world->handles[CAIRN_STATE_VALUE].value;
    cairn_map_state *const map = world->handles[CAIRN_STATE_MAP].map;
    cairn_list_view view = {0};
    uint64_t number = 1;
    bool found = true;
    const cairn_code codes[] = {
        cairn_value_get_as(NULL, type, &number, &found, NULL),
        cairn_value_get_as(value, NULL, &number, &found, NULL),
        cairn_value_get_as(value, type, NULL, &found, NULL),
        cairn_value_get_as(value, type, &number, NULL, NULL),
        cairn_value_update_as(NULL, type, &number, NULL),
        cairn_value_update_as(value, NULL, &number, NULL),
        cairn_value_update_as(value, type, NULL, NULL),
        cairn_list_add_as(NULL, type, &number, NULL),
        cairn_list_next_as(NULL, type, &number, &found, NULL),
        cairn_list_next_as(&view, type, &number, NULL, NULL),
        cairn_map_get_as(NULL, &types, &number, &number, &found, NULL),
        cairn_map_get_as(map, NULL, &number, &number, &found, NULL),
        cairn_map_get_as(map, &half, &number, &number, &found, NULL),
        cairn_map_put_as(map, &half, &number, &number, NULL),
        cairn_map_put_as(map, &types, NULL, &number, NULL),
        cairn_map_put_as(map, &types, &number, NULL, NULL),
        cairn_map_contains_as(map, &types, &number, NULL, NULL),
        cairn_map_remove_as(map, NULL, &number, NULL),
        cairn_map_iterator_next_as(NULL, &types, &number, &number, &found, NULL),
        cairn_map_iterator_next_as(NULL, NULL, &number, &number, &found, NULL),
        cairn_reducing_get_as(NULL, type, &number, &found, NULL),
        cairn_reducing_add_as(NULL, type, &number, NULL),
        cairn_aggregating_get_as(NULL, type, &number, &found, NULL),
        cairn_aggregating_add_as(NULL, type, &number, NULL),
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(codes); i++) {
        assert_int_equal(codes[i], CAIRN_E_INVALID);
    }
    assert_int_equal(number, 1);
    assert_true(found);
}
ON_EACH_ENGINE(what_is_null_is_invalid, pass_null)

/* --- structs ---------------------------------------------------------------------------------- */

/* A user in the program's first version, and in one that knows an address too. */
typedef struct user {
    cairn_slice name;
    uint64_t visits;
    cairn_slice address;
} user;

static cairn_code write_old(const user *from, cairn_buf *out, cairn_error *err)
{
    CAIRN_TRY(cairn_struct_add(out, cairn_string_serializer(), &from->name, err));
    return cairn_struct_add(out, cairn_u64_serializer(), &from->visits, err);
}

static cairn_code write_new(const user *from, cairn_buf *out, cairn_error *err)
{
    CAIRN_TRY(write_old(from, out, err));
    return cairn_struct_add(out, cairn_string_serializer(), &from->address, err);
}

static cairn_code read_old(cairn_struct_view *fields, user *out, cairn_error *err)
{
    bool found = false;

    CAIRN_TRY(cairn_struct_next(fields, cairn_string_serializer(), &out->name, &found, err));
    return cairn_struct_next(fields, cairn_u64_serializer(), &out->visits, &found, err);
}

static cairn_code read_new(cairn_struct_view *fields, user *out, bool *out_addressed,
                           cairn_error *err)
{
    CAIRN_TRY(read_old(fields, out, err));
    return cairn_struct_next(fields, cairn_string_serializer(), &out->address, out_addressed, err);
}

static const user ann = {BYTES("Ann"), 3, BYTES("Elm Street")};

static void a_struct_is_its_fields_with_their_lengths(void **state)
{
    CAIRN_AUTO(cairn_buf) bytes = {0};
    const cairn_slice wanted = BYTES("\3Ann\x08\0\0\0\0\0\0\0\3\x0a"
                                     "Elm Street");
    (void)state;

    ASSERT_OK(write_new(&ann, &bytes, NULL), NULL);

    assert_true(cairn_slice_equal(cairn_buf_slice(&bytes), wanted));
}

static void a_field_that_was_not_yet_known_is_not_found(void **state)
{
    CAIRN_AUTO(cairn_buf) bytes = {0};
    cairn_struct_view fields = {0};
    user found = {.address = cairn_slice_of("default")};
    bool addressed = true;
    (void)state;

    ASSERT_OK(write_old(&ann, &bytes, NULL), NULL);
    ASSERT_OK(cairn_struct_begin(cairn_buf_slice(&bytes), &fields, NULL), NULL);
    ASSERT_OK(read_new(&fields, &found, &addressed, NULL), NULL);

    assert_false(addressed);
    assert_true(cairn_slice_equal(found.name, ann.name));
    assert_int_equal(found.visits, 3);
    assert_true(cairn_slice_equal(found.address, cairn_slice_of("default")));
}

/* The old program counts a visit; the new one still finds the address. */
static void fields_that_an_older_program_does_not_know_are_kept(void **state)
{
    CAIRN_AUTO(cairn_buf) bytes = {0};
    CAIRN_AUTO(cairn_buf) again = {0};
    cairn_struct_view fields = {0};
    user found = {.visits = 0};
    bool addressed = false;
    (void)state;

    ASSERT_OK(write_new(&ann, &bytes, NULL), NULL);
    ASSERT_OK(cairn_struct_begin(cairn_buf_slice(&bytes), &fields, NULL), NULL);
    ASSERT_OK(read_old(&fields, &found, NULL), NULL);
    found.visits++;
    ASSERT_OK(write_old(&found, &again, NULL), NULL);
    ASSERT_OK(cairn_struct_add_rest(&again, &fields, NULL), NULL);

    ASSERT_OK(cairn_struct_begin(cairn_buf_slice(&again), &fields, NULL), NULL);
    ASSERT_OK(read_new(&fields, &found, &addressed, NULL), NULL);
    assert_true(addressed);
    assert_int_equal(found.visits, 4);
    assert_true(cairn_slice_equal(found.address, ann.address));
}

static void bytes_that_are_no_struct_are_incompatible(void **state)
{
    static const cairn_slice cases[] = {BYTES("\5abc"), BYTES("\1a\x80"), BYTES("\x81\0a")};
    cairn_struct_view fields = {0};
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        cairn_error err = {0};

        ASSERT_CODE(cairn_struct_begin(cases[i], &fields, &err), CAIRN_E_INCOMPATIBLE, &err);
        ASSERT_MESSAGE_HAS(&err, "no field begins at byte");
    }
    ASSERT_OK(cairn_struct_begin((cairn_slice){NULL, 0}, &fields, NULL), NULL);
    assert_int_equal(fields.bytes, 0);
}

static void a_field_that_fails_adds_nothing_and_reads_nothing(void **state)
{
    const cairn_slice bad = BYTES("\xff");
    CAIRN_AUTO(cairn_buf) bytes = {0};
    cairn_struct_view fields = {0};
    uint64_t number = 0;
    cairn_slice name = {NULL, 0};
    bool found = false;
    (void)state;

    ASSERT_OK(cairn_struct_add(&bytes, cairn_string_serializer(), &ann.name, NULL), NULL);
    ASSERT_CODE(cairn_struct_add(&bytes, cairn_string_serializer(), &bad, NULL), CAIRN_E_INVALID,
                NULL);
    assert_int_equal(bytes.len, 4);
    ASSERT_OK(cairn_struct_begin(cairn_buf_slice(&bytes), &fields, NULL), NULL);
    ASSERT_CODE(cairn_struct_next(&fields, cairn_u64_serializer(), &number, &found, NULL),
                CAIRN_E_INCOMPATIBLE, NULL);
    ASSERT_OK(cairn_struct_next(&fields, cairn_string_serializer(), &name, &found, NULL), NULL);
    assert_true(found && cairn_slice_equal(name, ann.name));
}

static cairn_code write_and_read(void *context, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) bytes = {0};
    cairn_struct_view fields = {0};
    user found = {.visits = 0};
    bool addressed = false;

    (void)context;
    CAIRN_TRY(write_new(&ann, &bytes, err));
    CAIRN_TRY(cairn_struct_begin(cairn_buf_slice(&bytes), &fields, err));
    return read_new(&fields, &found, &addressed, err);
}

static void a_struct_survives_a_lack_of_memory(void **state)
{
    (void)state;
    alloc_sweep(write_and_read, NULL);
}

static void structs_of_null_are_invalid(void **state)
{
    CAIRN_AUTO(cairn_buf) bytes = {0};
    cairn_struct_view view = {0};
    uint64_t number = 1;
    bool found = true;
    const cairn_serializer *const type = cairn_u64_serializer();
    const cairn_code codes[] = {
        cairn_struct_add(NULL, type, &number, NULL),
        cairn_struct_add(&bytes, NULL, &number, NULL),
        cairn_struct_add(&bytes, type, NULL, NULL),
        cairn_struct_begin((cairn_slice){NULL, 1}, &view, NULL),
        cairn_struct_begin((cairn_slice){NULL, 0}, NULL, NULL),
        cairn_struct_next(NULL, type, &number, &found, NULL),
        cairn_struct_next(&view, NULL, &number, &found, NULL),
        cairn_struct_next(&view, type, NULL, &found, NULL),
        cairn_struct_next(&view, type, &number, NULL, NULL),
        cairn_struct_add_rest(NULL, &view, NULL),
        cairn_struct_add_rest(&bytes, NULL, NULL),
    };
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(codes); i++) {
        assert_int_equal(codes[i], CAIRN_E_INVALID);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in_serializers_have_names_and_versions),
        cmocka_unit_test(numbers_take_eight_bytes_that_sort_as_they_do),
        cmocka_unit_test(numbers_have_the_bytes_of_the_format),
        cmocka_unit_test(doubles_come_back_bit_by_bit),
        cmocka_unit_test(a_number_of_another_size_is_incompatible),
        cmocka_unit_test(a_string_is_utf8),
        cmocka_unit_test(bytes_at_null_are_invalid),
        cmocka_unit_test(a_value_is_written_and_read_by_its_type),
        cmocka_unit_test(elements_are_added_and_read_by_their_type),
        cmocka_unit_test(an_element_that_was_not_read_is_still_the_next),
        cmocka_unit_test(entries_are_written_and_read_by_their_types),
        cmocka_unit_test(what_a_read_gave_may_be_written),
        cmocka_unit_test(folds_take_elements_and_give_results_by_type),
        cmocka_unit_test(what_a_serializer_refuses_is_not_written),
        cmocka_unit_test(what_is_null_is_invalid),
        cmocka_unit_test(a_struct_is_its_fields_with_their_lengths),
        cmocka_unit_test(a_field_that_was_not_yet_known_is_not_found),
        cmocka_unit_test(fields_that_an_older_program_does_not_know_are_kept),
        cmocka_unit_test(bytes_that_are_no_struct_are_incompatible),
        cmocka_unit_test(a_field_that_fails_adds_nothing_and_reads_nothing),
        cmocka_unit_test(a_struct_survives_a_lack_of_memory),
        cmocka_unit_test(structs_of_null_are_invalid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
