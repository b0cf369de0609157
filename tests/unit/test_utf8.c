#include "test.h"

#include "check.h"
#include "utf8.h"

static void each_sequence_has_its_length(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t left;
        size_t length;
    } rows[] = {
        {"", 0, 0},
        {"\0", 1, 1},
        {"a", 1, 1},
        {"\x7f", 1, 1},
        {"\xc2\x80", 2, 2},
        {"\xdf\xbf", 2, 2},
        {"\xe0\xa0\x80", 3, 3},
        {"\xed\x9f\xbf", 3, 3},
        {"\xee\x80\x80", 3, 3},
        {"\xef\xbf\xbf", 3, 3},
        {"\xf0\x90\x80\x80", 4, 4},
        {"\xf4\x8f\xbf\xbf", 4, 4},
        /* continuation, overlong, surrogate, too large, cut, wrong continuation */
        {"\x80", 1, 0},
        {"\xbf", 1, 0},
        {"\xc0\x80", 2, 0},
        {"\xc1\xbf", 2, 0},
        {"\xe0\x9f\xbf", 3, 0},
        {"\xf0\x8f\xbf\xbf", 4, 0},
        {"\xed\xa0\x80", 3, 0},
        {"\xed\xbf\xbf", 3, 0},
        {"\xf4\x90\x80\x80", 4, 0},
        {"\xf5\x80\x80\x80", 4, 0},
        {"\xff", 1, 0},
        {"\xc2", 1, 0},
        {"\xe2\x82", 2, 0},
        {"\xf0\x9f\x98", 3, 0},
        {"\xc2 ", 2, 0},
        {"\xe2\x82 ", 3, 0},
        {"\xf0\x9f\x98 ", 4, 0},
        {"\xf0\x9f \x80", 4, 0},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        assert_int_equal(utf8_sequence((const uint8_t *)rows[i].bytes, rows[i].left),
                         rows[i].length);
    }
}

static bool is_surrogate(uint32_t code_point)
{
    return code_point >= 0xd800 && code_point <= 0xdfff;
}

static void every_code_point_is_encoded_as_a_valid_sequence(void **state)
{
    (void)state;

    for (uint32_t code_point = 0; code_point <= 0x10ffff; code_point++) {
        uint8_t bytes[UTF8_SEQUENCE_MAX];

        if (!is_surrogate(code_point)) {
            const size_t len = utf8_encode(code_point, bytes);

            assert_int_equal(utf8_sequence(bytes, len), len);
        }
    }
}

static void known_code_points_have_known_bytes(void **state)
{
    (void)state;
    uint8_t bytes[UTF8_SEQUENCE_MAX];

    assert_int_equal(utf8_encode(0x20ac, bytes), 3);
    assert_memory_equal(bytes, "\xe2\x82\xac", 3);
    assert_int_equal(utf8_encode(0x1f600, bytes), 4);
    assert_memory_equal(bytes, "\xf0\x9f\x98\x80", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sequence_has_its_length),
        cmocka_unit_test(every_code_point_is_encoded_as_a_valid_sequence),
        cmocka_unit_test(known_code_points_have_known_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
