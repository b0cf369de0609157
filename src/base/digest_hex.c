#include "digest.h"
#include "encode.h"

#include <string.h>

void sha256_to_hex(const sha256 *digest, char out[SHA256_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < SHA256_BYTES; i++) {
        out[2 * i] = digits[digest->bytes[i] >> 4];
        out[2 * i + 1] = digits[digest->bytes[i] & 15];
    }
    out[SHA256_HEX_SIZE - 1] = '\0';
}

/* Lower case only: a digest has one text. */
static bool is_lower_hex(uint8_t digit)
{
    return hex_digit_value(digit) >= 0 && (digit < 'A' || digit > 'F');
}

bool sha256_from_hex(cairn_slice text, sha256 *out)
{
    const uint8_t *digits = text.data;
    sha256 digest = {0};

    if (text.len != SHA256_HEX_SIZE - 1) {
        return false;
    }
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        const uint8_t *pair = digits + 2 * i;

        if (!is_lower_hex(pair[0]) || !is_lower_hex(pair[1])) {
            return false;
        }
        digest.bytes[i] = (uint8_t)(hex_digit_value(pair[0]) * 16 + hex_digit_value(pair[1]));
    }
    *out = digest;
    return true;
}

bool sha256_equal(const sha256 *a, const sha256 *b)
{
    return memcmp(a->bytes, b->bytes, SHA256_BYTES) == 0;
}
