#include "utf8.h"

#include "check.h"

#define SURROGATE_FIRST UINT32_C(0xd800)
#define SURROGATE_LAST  UINT32_C(0xdfff)
#define CODE_POINT_LAST UINT32_C(0x10ffff)

static size_t length_by_lead(uint8_t lead)
{
    if (lead < 0x80) {
        return 1;
    }
    if (lead >= 0xc2 && lead <= 0xdf) {
        return 2;
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        return 3;
    }
    return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

/* The second byte alone tells overlong forms, surrogates and what is too large (RFC 3629, 4). */
static bool is_second(uint8_t lead, uint8_t second)
{
    switch (lead) {
    case 0xe0:
        return second >= 0xa0 && second <= 0xbf;
    case 0xed:
        return second >= 0x80 && second <= 0x9f;
    case 0xf0:
        return second >= 0x90 && second <= 0xbf;
    case 0xf4:
        return second >= 0x80 && second <= 0x8f;
    default:
        return second >= 0x80 && second <= 0xbf;
    }
}

size_t utf8_sequence(const uint8_t *bytes, size_t left)
{
    const size_t len = left == 0 ? 0 : length_by_lead(bytes[0]);

    if (len > left || (len > 1 && !is_second(bytes[0], bytes[1]))) {
        return 0;
    }
    for (size_t i = 2; i < len; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return len;
}

size_t utf8_encode(uint32_t code_point, uint8_t out[UTF8_SEQUENCE_MAX])
{
    CAIRN_ASSERT(code_point <= CODE_POINT_LAST);
    CAIRN_ASSERT(code_point < SURROGATE_FIRST || code_point > SURROGATE_LAST);
    if (code_point < 0x80) {
        out[0] = (uint8_t)code_point;
        return 1;
    }
    const size_t len = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    const uint8_t marks[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (uint8_t)(0x80 | (code_point & 0x3f));
        code_point >>= 6;
    }
    out[0] = (uint8_t)(marks[len] | code_point);
    return len;
}
