#include "test.h"

#include "bounds.h"
#include "state_key.h"

#include <stdlib.h>

#define ROUNDS 200000

static uint64_t seed;

/* xorshift64: the same keys in every run. */
static uint32_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 32);
}

typedef struct small_key {
    uint8_t bytes[12];
    size_t len;
} small_key;

static cairn_slice slice_of(const small_key *key)
{
    return (cairn_slice){key->bytes, key->len};
}

/* Few different bytes, those that matter to the escape among them, so that prefixes are common. */
static small_key random_key(void)
{
    static const uint8_t letters[] = {0x00, 0x00, 0x01, 0x02, 'a', 0xfe, 0xff, 0xff};
    small_key key = {.len = next_random() % 12};

    for (size_t i = 0; i < key.len; i++) {
        key.bytes[i] = letters[next_random() % sizeof(letters)];
    }
    return key;
}

static small_key extended(const small_key *key)
{
    small_key longer = *key;

    if (longer.len < sizeof(longer.bytes)) {
        longer.bytes[longer.len++] = (uint8_t)next_random();
    }
    return longer;
}

static int compare(cairn_slice a, cairn_slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.data, b.data, len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

static void encode(cairn_buf *out, uint32_t group, uint32_t max, const small_key *key,
                   const small_key *name_space)
{
    ASSERT_OK(state_key_begin(out, group, max, slice_of(key), NULL), NULL);
    ASSERT_OK(state_key_append_namespace(out, slice_of(name_space), NULL), NULL);
}

static void a_known_key_has_known_bytes(void **state)
{
    (void)state;
    static const uint8_t small[] = {5, 'a', 0x00, 0xff, 'b', 0x00, 0x01, 'n', 0x00, 0x01};
    static const uint8_t large[] = {0x01, 0x02, 0x00, 0x01, 0x00, 0x01};
    CAIRN_AUTO(cairn_buf) key = {0};

    ASSERT_OK(state_key_begin(&key, 5, 128, (cairn_slice){"a\0b", 3}, NULL), NULL);
    ASSERT_OK(state_key_append_namespace(&key, cairn_slice_of("n"), NULL), NULL);
    assert_int_equal(key.len, sizeof(small));
    assert_memory_equal(key.data, small, sizeof(small));

    ASSERT_OK(state_key_begin(&key, 0x102, 129 + 0x102, (cairn_slice){NULL, 0}, NULL), NULL);
    ASSERT_OK(state_key_append_namespace(&key, (cairn_slice){NULL, 0}, NULL), NULL);
    assert_int_equal(key.len, sizeof(large));
    assert_memory_equal(key.data, large, sizeof(large));
}

static void order_is_that_of_group_then_key_then_namespace(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) first = {0};
    CAIRN_AUTO(cairn_buf) second = {0};

    seed = 42;
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t max = round % 2 == 0 ? 128 : 1000;
        uint32_t groups[2] = {next_random() % 3 + 255 % max, next_random() % 3 + 255 % max};
        small_key keys[2] = {random_key(), random_key()};
        small_key spaces[2] = {random_key(), random_key()};
        int order;

        if (round % 3 == 0) {
            keys[1] = extended(&keys[0]);
        }
        encode(&first, groups[0] % max, max, &keys[0], &spaces[0]);
        encode(&second, groups[1] % max, max, &keys[1], &spaces[1]);
        order = (groups[0] % max > groups[1] % max) - (groups[0] % max < groups[1] % max);
        order = order != 0 ? order : compare(slice_of(&keys[0]), slice_of(&keys[1]));
        order = order != 0 ? order : compare(slice_of(&spaces[0]), slice_of(&spaces[1]));

        assert_int_equal(sign(compare(cairn_buf_slice(&first), cairn_buf_slice(&second))),
                         sign(order));
    }
}

static void what_is_encoded_is_decoded(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) encoded = {0};

    seed = 43;
    for (int round = 0; round < ROUNDS / 4; round++) {
        CAIRN_AUTO(state_key_parts) parts = {0};
        uint32_t max = round % 2 == 0 ? 128 : CAIRN_PARALLELISM_MAX;
        uint32_t group = next_random() % max;
        small_key key = random_key();
        small_key name_space = random_key();
        small_key user_key = random_key();
        uint32_t found = 0;

        encode(&encoded, group, max, &key, &name_space);
        ASSERT_OK(buf_append(&encoded, user_key.bytes, user_key.len, NULL), NULL);
        ASSERT_OK(state_key_decode(cairn_buf_slice(&encoded), max, &parts, NULL), NULL);

        assert_true(state_key_group(cairn_buf_slice(&encoded), max, &found));
        assert_int_equal(found, group);
        assert_int_equal(parts.key_group, group);
        assert_true(cairn_slice_equal(cairn_buf_slice(&parts.key), slice_of(&key)));
        assert_true(cairn_slice_equal(cairn_buf_slice(&parts.name_space), slice_of(&name_space)));
        assert_true(cairn_slice_equal(parts.user_key, slice_of(&user_key)));
    }
}

static void what_is_no_composite_key_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *proves;
        const char *bytes;
        size_t len;
        uint32_t max;
    } cases[] = {
        {"empty", "", 0, 128},
        {"no key", "\x05", 1, 128},
        {"half a group", "\x05", 1, 129},
        {"group beyond max", "\x80\x00\x01\x00\x01", 5, 128},
        {"group beyond max, two bytes", "\x03\xe8\x00\x01\x00\x01", 6, 1000},
        {"key without end",
         "\x05"
         "abc",
         4, 128},
        {"key ends in a lone zero",
         "\x05"
         "abc\x00",
         5, 128},
        {"unknown escape", "\x05\x00\x02\x00\x01\x00\x01", 7, 128},
        {"no namespace", "\x05\x00\x01", 3, 128},
        {"namespace without end", "\x05\x00\x01n", 4, 128},
        {"namespace ends in a zero", "\x05\x00\x01\x00", 4, 128},
        {"unknown escape in a namespace", "\x05\x00\x01\x00\x00\x00\x01", 7, 128},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO(state_key_parts) parts = {.key_group = 77};
        cairn_error err = {0};
        cairn_code code = state_key_decode((cairn_slice){cases[i].bytes, cases[i].len},
                                           cases[i].max, &parts, &err);

        if (code != CAIRN_E_INTEGRITY) {
            fail_msg("%s: %s", cases[i].proves, cairn_code_name(code));
        }
        assert_int_equal(parts.key_group, 77);
    }
}

static void random_bytes_are_refused_or_encode_back_to_themselves(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) again = {0};
    size_t accepted = 0;

    seed = 44;
    for (int round = 0; round < ROUNDS; round++) {
        CAIRN_AUTO(state_key_parts) parts = {0};
        small_key garbage = random_key();

        if (state_key_decode(slice_of(&garbage), 128, &parts, NULL) != CAIRN_OK) {
            continue;
        }
        accepted++;
        ASSERT_OK(state_key_begin(&again, parts.key_group, 128, cairn_buf_slice(&parts.key), NULL),
                  NULL);
        ASSERT_OK(state_key_append_namespace(&again, cairn_buf_slice(&parts.name_space), NULL),
                  NULL);
        ASSERT_OK(buf_append(&again, parts.user_key.data, parts.user_key.len, NULL), NULL);
        assert_true(cairn_slice_equal(cairn_buf_slice(&again), slice_of(&garbage)));
    }
    assert_true(accepted > 0);
}

static void the_longest_key_and_namespace_fit_and_longer_ones_do_not(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) out = {0};
    CAIRN_AUTO(state_key_parts) parts = {0};
    uint8_t *zeros = mem_calloc(CAIRN_KEY_BYTES_MAX + 1, 1);
    cairn_error err = {0};

    assert_non_null(zeros);
    ASSERT_OK(state_key_begin(&out, 0, 128, (cairn_slice){zeros, CAIRN_KEY_BYTES_MAX}, NULL), NULL);
    ASSERT_CODE(
        state_key_append_namespace(&out, (cairn_slice){zeros, CAIRN_NAMESPACE_BYTES_MAX + 1}, &err),
        CAIRN_E_LIMIT, &err);
    ASSERT_OK(
        state_key_append_namespace(&out, (cairn_slice){zeros, CAIRN_NAMESPACE_BYTES_MAX}, NULL),
        NULL);
    ASSERT_OK(state_key_decode(cairn_buf_slice(&out), 128, &parts, NULL), NULL);
    assert_int_equal(parts.key.len, CAIRN_KEY_BYTES_MAX);
    ASSERT_CODE(state_key_begin(&out, 0, 128, (cairn_slice){zeros, CAIRN_KEY_BYTES_MAX + 1}, &err),
                CAIRN_E_LIMIT, &err);
    mem_free(zeros);
}

static void a_key_too_long_for_cairn_is_no_composite_key(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) bytes = {0};
    CAIRN_AUTO(state_key_parts) parts = {0};

    ASSERT_OK(buf_append_byte(&bytes, 5, NULL), NULL);
    for (size_t i = 0; i <= CAIRN_KEY_BYTES_MAX; i++) {
        ASSERT_OK(buf_append_byte(&bytes, 'a', NULL), NULL);
    }
    ASSERT_OK(buf_append(&bytes, "\x00\x01\x00\x01", 4, NULL), NULL);

    ASSERT_CODE(state_key_decode(cairn_buf_slice(&bytes), 128, &parts, NULL), CAIRN_E_INTEGRITY,
                NULL);
}

static void encoding_into_a_used_buffer_allocates_nothing(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) out = {0};
    small_key long_key = {.bytes = {0}, .len = 12};
    small_key none = {.len = 0};

    encode(&out, 0, 128, &long_key, &none);
    mem_fail_nth(1, 1);
    encode(&out, 1, 128, &long_key, &none);
    mem_fail_nth(0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_key_has_known_bytes),
        cmocka_unit_test(order_is_that_of_group_then_key_then_namespace),
        cmocka_unit_test(what_is_encoded_is_decoded),
        cmocka_unit_test(what_is_no_composite_key_is_refused),
        cmocka_unit_test(random_bytes_are_refused_or_encode_back_to_themselves),
        cmocka_unit_test(the_longest_key_and_namespace_fit_and_longer_ones_do_not),
        cmocka_unit_test(a_key_too_long_for_cairn_is_no_composite_key),
        cmocka_unit_test(encoding_into_a_used_buffer_allocates_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
