/* Bytes as text and back: hex, base64, printable; names and edit distance. */
#include "encode.h"

#include "bounds.h"
#include "errors.h"

#include <stdio.h>
#include <string.h>

#define EDIT_BYTES_MAX 64

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

cairn_code encode_hex(cairn_slice bytes, cairn_buf *out, cairn_error *err)
{
    const uint8_t *in = bytes.data;

    CAIRN_TRY(buf_reserve(out, bytes.len > SIZE_MAX / 2 ? SIZE_MAX : bytes.len * 2, err));
    for (size_t i = 0; i < bytes.len; i++) {
        out->data[out->len++] = (uint8_t)hex_digits[in[i] >> 4];
        out->data[out->len++] = (uint8_t)hex_digits[in[i] & 15];
    }
    return CAIRN_OK;
}

int hex_digit_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

cairn_code decode_hex(cairn_slice text, cairn_buf *out, cairn_error *err)
{
    const uint8_t *in = text.data;
    const size_t before = out->len;

    if (text.len % 2 != 0) {
        return error_set(err, CAIRN_E_INVALID, "hex: an odd number of digits");
    }
    CAIRN_TRY(buf_reserve(out, text.len / 2, err));
    for (size_t i = 0; i < text.len; i += 2) {
        const int high = hex_digit_value(in[i]);
        const int low = hex_digit_value(in[i + 1]);

        if (high < 0 || low < 0) {
            out->len = before;
            return error_set(err, CAIRN_E_INVALID, "hex: no digit at byte %zu", i + (high >= 0));
        }
        out->data[out->len++] = (uint8_t)(high * 16 + low);
    }
    return CAIRN_OK;
}

/* Four digits for 1..3 bytes, with padding for what is missing. */
static void encode_quantum(const uint8_t *in, size_t len, uint8_t out[4])
{
    const unsigned b0 = in[0];
    const unsigned b1 = len > 1 ? in[1] : 0;
    const unsigned b2 = len > 2 ? in[2] : 0;

    out[0] = (uint8_t)base64_digits[b0 >> 2];
    out[1] = (uint8_t)base64_digits[((b0 & 3) << 4) | (b1 >> 4)];
    out[2] = len > 1 ? (uint8_t)base64_digits[((b1 & 15) << 2) | (b2 >> 6)] : '=';
    out[3] = len > 2 ? (uint8_t)base64_digits[b2 & 63] : '=';
}

cairn_code encode_base64(cairn_slice bytes, cairn_buf *out, cairn_error *err)
{
    const uint8_t *in = bytes.data;
    const size_t quanta = bytes.len / 3 + (bytes.len % 3 != 0);

    CAIRN_TRY(buf_reserve(out, quanta > SIZE_MAX / 4 ? SIZE_MAX : quanta * 4, err));
    for (size_t i = 0; i < bytes.len; i += 3) {
        encode_quantum(in + i, bytes.len - i, out->data + out->len);
        out->len += 4;
    }
    return CAIRN_OK;
}

static int base64_value(uint8_t digit)
{
    const char *at = digit == '\0' ? NULL : strchr(base64_digits, digit);

    return at == NULL ? -1 : (int)(at - base64_digits);
}

/* 1..3 bytes from four digits; 0 if they are none. Only the last quantum may be padded. */
static size_t decode_quantum(const uint8_t in[4], bool last, uint8_t out[3])
{
    const size_t pads = last && in[3] == '=' ? (in[2] == '=' ? 2 : 1) : 0;
    unsigned bits = 0;

    for (size_t i = 0; i < 4; i++) {
        const int value = i >= 4 - pads ? 0 : base64_value(in[i]);

        if (value < 0) {
            return 0;
        }
        bits = (bits << 6) | (unsigned)value;
    }
    /* Strict: bits that no byte holds are zero, so that each byte string has one text only. */
    if ((pads == 2 && (bits & 0xffff) != 0) || (pads == 1 && (bits & 0xff) != 0)) {
        return 0;
    }
    out[0] = (uint8_t)(bits >> 16);
    out[1] = (uint8_t)(bits >> 8);
    out[2] = (uint8_t)bits;
    return 3 - pads;
}

cairn_code decode_base64(cairn_slice text, cairn_buf *out, cairn_error *err)
{
    const uint8_t *in = text.data;
    const size_t before = out->len;

    if (text.len % 4 != 0) {
        return error_set(err, CAIRN_E_INVALID, "base64: length %zu is no multiple of 4", text.len);
    }
    CAIRN_TRY(buf_reserve(out, text.len / 4 * 3, err));
    for (size_t i = 0; i < text.len; i += 4) {
        uint8_t bytes[3];
        const size_t len = decode_quantum(in + i, i + 4 == text.len, bytes);

        if (len == 0) {
            out->len = before;
            return error_set(err, CAIRN_E_INVALID, "base64: bad digits at byte %zu", i);
        }
        memcpy(out->data + out->len, bytes, len);
        out->len += len;
    }
    return CAIRN_OK;
}

static bool is_printable(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x7f;
}

cairn_code encode_printable(cairn_slice text, size_t max, cairn_buf *out, cairn_error *err)
{
    const uint8_t *in = text.data;
    const size_t before = out->len;

    for (size_t i = 0; i < text.len; i++) {
        const size_t needed = is_printable(in[i]) ? 1 : sizeof("\\xNN") - 1;

        if (out->len - before + needed > max) {
            break;
        }
        const cairn_code code = needed == 1 ? buf_append_byte(out, in[i], err)
                                            : buf_printf(out, err, "\\x%02x", in[i]);
        if (code != CAIRN_OK) {
            out->len = before;
            return code;
        }
    }
    if (buf_text(out) == NULL) {
        out->len = before;
        return error_no_memory(err, "make a text printable");
    }
    return CAIRN_OK;
}

static bool is_name_byte(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '.' || byte == '_' || byte == '-';
}

bool is_safe_name(cairn_slice name)
{
    const uint8_t *bytes = name.data;

    if (name.len == 0 || name.len > CAIRN_NAME_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        if (!is_name_byte(bytes[i])) {
            return false;
        }
    }
    return !cairn_slice_equal(name, cairn_slice_of(".")) &&
           !cairn_slice_equal(name, cairn_slice_of(".."));
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    const unsigned ab = a < b ? a : b;

    return ab < c ? ab : c;
}

unsigned edit_distance(const char *a, const char *b)
{
    const size_t a_len = strnlen(a, EDIT_BYTES_MAX + 1);
    const size_t b_len = strnlen(b, EDIT_BYTES_MAX + 1);
    unsigned row[EDIT_BYTES_MAX + 1]; /* distances of a's prefix to each prefix of b */

    if (a_len > EDIT_BYTES_MAX || b_len > EDIT_BYTES_MAX) {
        return UINT32_MAX;
    }
    for (unsigned j = 0; j <= b_len; j++) {
        row[j] = j;
    }
    for (unsigned i = 1; i <= a_len; i++) {
        unsigned diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            const unsigned above = row[j];

            row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[b_len];
}
