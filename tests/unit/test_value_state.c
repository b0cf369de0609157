#include "test.h"

#include "bounds.h"
#include "keyed_world.h"

#include <math.h>

static void a_value_is_read_updated_and_cleared_under_its_key(void **state)
{
    keyed_world *world = *state;
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
    keyed_world *world = *state;
    cairn_value_state *value = open_value(world, "last");

    set_key(world, "a");
    ASSERT_OK(cairn_value_update(value, (cairn_slice){NULL, 0}, NULL), NULL);

    assert_value(value, "");
    set_key(world, "");
    assert_value(value, NULL);
}

static void two_states_under_one_key_are_apart(void **state)
{
    keyed_world *world = *state;
    cairn_value_state *first = open_value(world, "first");
    cairn_value_state *second = open_value(world, "second");

    set_key(world, "a");
    update(first, "1");
    update(second, "2");
    ASSERT_OK(cairn_value_clear(second, NULL), NULL);

    assert_value(first, "1");
    assert_value(second, NULL);
}

static void without_a_key_nothing_is_read_or_written(void **state)
{
    keyed_world *world = *state;
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
    keyed_world *world = *state;
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

static void a_value_beyond_its_bound_is_refused_unread(void **state)
{
    keyed_world *world = *state;
    cairn_value_state *value = open_value(world, "last");
    cairn_error err = {0};

    set_key(world, "a");
    ASSERT_CODE(cairn_value_update(value, (cairn_slice){"x", CAIRN_VALUE_BYTES_MAX + 1}, &err),
                CAIRN_E_LIMIT, &err);
    assert_value(value, NULL);
}

/* --- numbers ---------------------------------------------------------------------------------- */

static void numbers_come_back_and_have_fixed_bytes(void **state)
{
    keyed_world *world = *state;
    static const uint64_t unsigned_cases[] = {0, 1, UINT64_MAX, UINT64_C(0x0102030405060708)};
    static const int64_t signed_cases[] = {0, 1, -1, INT64_MIN, INT64_MAX};
    static const double double_cases[] = {0.0, -0.0, 1.5, -1e300, (double)INFINITY, (double)NAN};
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
    keyed_world *world = *state;
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
    keyed_world *world = *state;
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
    keyed_world *world = *state;
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
    keyed_world *world = *state;
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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, keyed_world_setup, keyed_world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_value_is_read_updated_and_cleared_under_its_key),
        TEST(an_empty_value_is_there_and_an_absent_one_is_not),
        TEST(two_states_under_one_key_are_apart),
        TEST(without_a_key_nothing_is_read_or_written),
        TEST(null_arguments_are_invalid),
        TEST(a_value_beyond_its_bound_is_refused_unread),
        TEST(numbers_come_back_and_have_fixed_bytes),
        TEST(an_absent_number_leaves_the_output_alone),
        TEST(a_value_of_another_size_is_no_number),
        TEST(random_operations_agree_with_a_plain_model),
        TEST(an_operation_allocates_nothing_of_ours),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
