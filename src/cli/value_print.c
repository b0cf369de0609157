#include "value_print.h"

#include "encode.h"
#include "errors.h"
#include "utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_NUMBER_BYTES    8
#define VALUE_SIGN_BIT        ((uint64_t)1 << 63)
#define VALUE_DIGITS_MIN      15 /* of a double: any number of so few digits reads back */
#define VALUE_DIGITS_MAX      17 /* of a double: so many always read back */
#define VALUE_NUMBER_TEXT_MAX 40
#define VALUE_SHOWN_BYTES_MAX 80

static const char *const form_names[] = {
    [CAIRN_VALUE_U64] = "u64",   [CAIRN_VALUE_I64] = "i64", [CAIRN_VALUE_DOUBLE] = "double",
    [CAIRN_VALUE_TEXT] = "text", [CAIRN_VALUE_HEX] = "hex",
};

const char *value_form_name(value_form form)
{
    CAIRN_ASSERT((size_t)form < CAIRN_ARRAY_LEN(form_names));
    return form_names[form];
}

/* CAIRN_VALUE_TEXT for a serializer that is none of the numbers. */
static value_form serializer_form(const char *serializer)
{
    static const value_form numbers[] = {CAIRN_VALUE_U64, CAIRN_VALUE_I64, CAIRN_VALUE_DOUBLE};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(numbers); i++) {
        if (strcmp(serializer, form_names[numbers[i]]) == 0) {
            return numbers[i];
        }
    }
    return CAIRN_VALUE_TEXT;
}

static bool is_control(const uint8_t *bytes, size_t length)
{
    bool c0_or_del = length == 1 && (bytes[0] < ' ' || bytes[0] == 0x7f);
    bool c1 = length == 2 && bytes[0] == 0xc2 && bytes[1] < 0xa0;

    return c0_or_del || c1;
}

static bool is_printable(cairn_slice text)
{
    const uint8_t *bytes = text.data;
    size_t at = 0;

    while (at < text.len) {
        size_t length = utf8_sequence(bytes + at, text.len - at);

        if (length == 0 || is_control(bytes + at, length)) {
            return false;
        }
        at += length;
    }
    return true;
}

value_form value_form_of(const char *serializer, cairn_slice bytes)
{
    value_form form = serializer_form(serializer);

    if (form != CAIRN_VALUE_TEXT) {
        return bytes.len == VALUE_NUMBER_BYTES ? form : CAIRN_VALUE_HEX;
    }
    return is_printable(bytes) ? CAIRN_VALUE_TEXT : CAIRN_VALUE_HEX;
}

static uint64_t load_number(cairn_slice bytes)
{
    const uint8_t *data = bytes.data;
    uint64_t number = 0;

    CAIRN_ASSERT(bytes.len == VALUE_NUMBER_BYTES);
    for (size_t i = 0; i < VALUE_NUMBER_BYTES; i++) {
        number = number << 8 | data[i];
    }
    return number;
}

static uint64_t bits_of(double number)
{
    uint64_t bits = 0;

    memcpy(&bits, &number, sizeof(bits));
    return bits;
}

static cairn_code append_double(uint64_t bits, cairn_buf *out, cairn_error *err)
{
    char text[VALUE_NUMBER_TEXT_MAX];
    double number = 0;

    memcpy(&number, &bits, sizeof(number));
    for (int digits = VALUE_DIGITS_MIN; digits <= VALUE_DIGITS_MAX; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, number);
        if (bits_of(strtod(text, NULL)) == bits) {
            break;
        }
    }
    return buf_append_text(out, text, err);
}

cairn_code value_append(value_form form, cairn_slice bytes, cairn_buf *out, cairn_error *err)
{
    switch (form) {
    case CAIRN_VALUE_U64:
        return buf_printf(out, err, "%" PRIu64, load_number(bytes));
    case CAIRN_VALUE_I64:
        return buf_printf(out, err, "%" PRId64, (int64_t)(load_number(bytes) ^ VALUE_SIGN_BIT));
    case CAIRN_VALUE_DOUBLE:
        return append_double(load_number(bytes), out, err);
    case CAIRN_VALUE_TEXT:
        return buf_append(out, bytes.data, bytes.len, err);
    case CAIRN_VALUE_HEX:
        return encode_hex(bytes, out, err);
    }
    return CAIRN_OK;
}

cairn_code value_append_line(const char *serializer, cairn_slice bytes, bool hex, cairn_buf *out,
                             cairn_error *err)
{
    value_form form = hex ? CAIRN_VALUE_HEX : value_form_of(serializer, bytes);

    if (form == CAIRN_VALUE_HEX && !hex) {
        CAIRN_TRY(buf_append_text(out, "0x", err));
    }
    return value_append(form, bytes, out, err);
}

cairn_code value_json(json_text *json, const char *serializer, cairn_slice bytes, bool hex,
                      cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) text = {0};
    value_form form = hex ? CAIRN_VALUE_HEX : value_form_of(serializer, bytes);

    cairn_buf_init(&text, VALUE_TEXT_BYTES_MAX);
    CAIRN_TRY(value_append(form, bytes, &text, err));
    json_text_begin_object(json);
    json_text_member_string(json, "form", value_form_name(form));
    json_text_name(json, "value");
    json_text_bytes(json, cairn_buf_slice(&text));
    json_text_end_object(json);
    return CAIRN_OK;
}

cairn_code value_add_json(json_text *json, const char *name, const char *serializer,
                          cairn_slice bytes, bool hex, cairn_error *err)
{
    json_text_name(json, name);
    return value_json(json, serializer, bytes, hex, err);
}

static bool parse_i64(const char *text, uint64_t *out)
{
    uint64_t magnitude = 0;
    bool negative = text[0] == '-';
    int64_t number = 0;

    if (!parse_u64(cairn_slice_of(text + (negative ? 1 : 0)), &magnitude) ||
        magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0)) {
        return false;
    }
    number = (int64_t)(negative ? 0 - magnitude : magnitude);
    *out = (uint64_t)number ^ VALUE_SIGN_BIT;
    return true;
}

static bool parse_double(const char *text, uint64_t *out)
{
    char *end = NULL;
    double number = 0;

    number = strtod(text, &end);
    if (end == text || *end != '\0') {
        return false;
    }
    *out = bits_of(number);
    return true;
}

static bool parse_number(value_form form, const char *text, uint64_t *out)
{
    if (form == CAIRN_VALUE_U64) {
        return parse_u64(cairn_slice_of(text), out);
    }
    return form == CAIRN_VALUE_I64 ? parse_i64(text, out) : parse_double(text, out);
}

cairn_code value_parse(const char *serializer, const char *text, cairn_buf *out, cairn_error *err)
{
    value_form form = serializer_form(serializer);
    CAIRN_AUTO(cairn_buf) shown = {0};
    uint8_t bytes[VALUE_NUMBER_BYTES];
    uint64_t number = 0;

    if (form == CAIRN_VALUE_TEXT) {
        return buf_append_text(out, text, err);
    }
    if (!parse_number(form, text, &number)) {
        CAIRN_TRY(encode_printable(cairn_slice_of(text), VALUE_SHOWN_BYTES_MAX, &shown, err));
        return error_set(err, CAIRN_E_INVALID, "key '%s' is no %s, as the keys of this state are",
                         buf_text(&shown), form_names[form]);
    }
    for (size_t i = 0; i < VALUE_NUMBER_BYTES; i++) {
        bytes[i] = (uint8_t)(number >> (8 * (VALUE_NUMBER_BYTES - 1 - i)));
    }
    return buf_append(out, bytes, sizeof(bytes), err);
}
