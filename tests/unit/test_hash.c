#include "test.h"

#include "check.h"
#include "hash.h"

static void known_texts_have_known_hashes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t seed;
        uint32_t hash;
    } rows[] = {
        {"", 0, 0},
        {"", 1, 0x514e28b7},
        {"", 0xffffffff, 0x81f16f39},
        {"a", 0, 0x3c2569b2},
        {"abc", 0, 0xb3dd93fa},
        {"user-42", 0, 0xb972dad0},
        {"Hello, world!", 0x9747b28c, 0x24884cba},
        {"The quick brown fox jumps over the lazy dog", 0x9747b28c, 0x2fa826cd},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        assert_int_equal(hash_murmur3_x86_32(cairn_slice_of(rows[i].text), rows[i].seed),
                         rows[i].hash);
    }
}

static void bytes_are_unsigned_and_may_be_unaligned(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0, 0xff, 0xff, 0xff, 0xff, 0x87, 0x65, 0x43, 0x21};

    assert_int_equal(hash_murmur3_x86_32((cairn_slice){bytes + 1, 4}, 0), 0x76293b50);
    assert_int_equal(hash_murmur3_x86_32((cairn_slice){"\x21\x43\x65\x87", 4}, 0), 0xf55b516b);
    assert_int_equal(hash_murmur3_x86_32((cairn_slice){"\x21\x43\x65", 3}, 0), 0x7e4a8634);
    assert_int_equal(hash_murmur3_x86_32((cairn_slice){"\0\0\0\0", 4}, 0), 0x2362f9de);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_texts_have_known_hashes),
        cmocka_unit_test(bytes_are_unsigned_and_may_be_unaligned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
