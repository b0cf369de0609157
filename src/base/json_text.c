#include "json_text.h"

#include "errors.h"
#include "utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAFE_INTEGER  ((int64_t)1 << 53)
#define DOUBLE_SIZE   64
#define DIGITS_FIRST  15 /* decimal digits that every double keeps */
#define DIGITS_ENOUGH 17 /* decimal digits that tell all doubles apart */

static void put(json_text *json, const void *data, size_t len)
{
    if (json->code == CAIRN_OK) {
        json->code = buf_append(json->out, data, len, &json->error);
    }
}

static void put_text(json_text *json, const char *text)
{
    put(json, text, strlen(text));
}

static void new_line(json_text *json)
{
    if (json->pretty) {
        put_text(json, "\n");
        for (int i = 0; i < json->depth; i++) {
            put_text(json, "  ");
        }
    }
}

/* What stands between the last value and the next name or element. */
static void separate(json_text *json)
{
    const int level = json->depth - 1;

    if (json->has_members[level]) {
        put_text(json, ",");
    }
    json->has_members[level] = true;
    new_line(json);
}

static void before_value(json_text *json)
{
    if (json->after_name) {
        json->after_name = false;
        return;
    }
    if (json->depth == 0) {
        CAIRN_ASSERT(!json->has_root);
        json->has_root = true;
        return;
    }
    CAIRN_ASSERT(!json->is_object[json->depth - 1]);
    separate(json);
}

static void begin(json_text *json, bool is_object)
{
    before_value(json);
    CAIRN_ASSERT(json->depth < JSON_TEXT_DEPTH_MAX);
    json->is_object[json->depth] = is_object;
    json->has_members[json->depth] = false;
    json->depth++;
    put_text(json, is_object ? "{" : "[");
}

static void end(json_text *json, bool is_object)
{
    CAIRN_ASSERT(json->depth > 0 && !json->after_name);
    json->depth--;
    CAIRN_ASSERT(json->is_object[json->depth] == is_object);
    if (json->has_members[json->depth]) {
        new_line(json);
    }
    put_text(json, is_object ? "}" : "]");
}

void json_text_init(json_text *json, cairn_buf *out, bool pretty)
{
    *json = (json_text){.out = out, .pretty = pretty};
}

void json_text_begin_object(json_text *json)
{
    begin(json, true);
}

void json_text_end_object(json_text *json)
{
    end(json, true);
}

void json_text_begin_array(json_text *json)
{
    begin(json, false);
}

void json_text_end_array(json_text *json)
{
    end(json, false);
}

static void put_ascii(json_text *json, uint8_t byte)
{
    static const char named[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *at = byte == '\0' ? NULL : strchr(named, byte);
    char escape[sizeof("\\u0000")];

    if (at != NULL) {
        (void)snprintf(escape, sizeof(escape), "\\%c", letters[at - named]);
        put_text(json, escape);
    } else if (byte < 0x20) {
        (void)snprintf(escape, sizeof(escape), "\\u%04x", byte);
        put_text(json, escape);
    } else {
        put(json, &byte, 1);
    }
}

static void put_string(json_text *json, cairn_slice bytes)
{
    const uint8_t *next = bytes.data;
    size_t left = bytes.len;

    put_text(json, "\"");
    while (left > 0) {
        const size_t len = utf8_sequence(next, left);

        if (len == 1) {
            put_ascii(json, *next);
        } else if (len > 1) {
            put(json, next, len);
        } else {
            put_text(json, "\xef\xbf\xbd");
        }
        next += len == 0 ? 1 : len;
        left -= len == 0 ? 1 : len;
    }
    put_text(json, "\"");
}

void json_text_name(json_text *json, const char *name)
{
    CAIRN_ASSERT(json->depth > 0 && json->is_object[json->depth - 1] && !json->after_name);
    separate(json);
    put_string(json, cairn_slice_of(name));
    put_text(json, json->pretty ? ": " : ":");
    json->after_name = true;
}

void json_text_bytes(json_text *json, cairn_slice bytes)
{
    before_value(json);
    put_string(json, bytes);
}

void json_text_string(json_text *json, const char *text)
{
    json_text_bytes(json, cairn_slice_of(text));
}

static void put_literal(json_text *json, const char *text)
{
    before_value(json);
    put_text(json, text);
}

void json_text_u64(json_text *json, uint64_t value)
{
    char text[sizeof("\"18446744073709551615\"")];

    (void)snprintf(text, sizeof(text), "\"%llu\"", (unsigned long long)value);
    put_literal(json, text);
}

void json_text_int(json_text *json, int64_t value)
{
    char text[sizeof("-9007199254740992")];

    CAIRN_ASSERT(value > -SAFE_INTEGER && value < SAFE_INTEGER);
    (void)snprintf(text, sizeof(text), "%lld", (long long)value);
    put_literal(json, text);
}

/* The decimal point of the process's locale, which may be several bytes, becomes '.'. */
static void fix_decimal_point(char *text)
{
    const size_t whole = strspn(text, "-0123456789");
    const size_t point = strcspn(text + whole, "0123456789e");

    if (point > 0) {
        text[whole] = '.';
        memmove(text + whole + 1, text + whole + point, strlen(text + whole + point) + 1);
    }
}

void json_text_double(json_text *json, double value)
{
    char text[DOUBLE_SIZE];
    int digits = DIGITS_FIRST;
    double back = 0;

    CAIRN_ASSERT(isfinite(value));
    do {
        (void)snprintf(text, sizeof(text), "%.*g", digits++, value);
        back = strtod(text, NULL);
    } while ((back < value || back > value) && digits <= DIGITS_ENOUGH);
    fix_decimal_point(text);
    put_literal(json, text);
}

void json_text_bool(json_text *json, bool value)
{
    put_literal(json, value ? "true" : "false");
}

void json_text_null(json_text *json)
{
    put_literal(json, "null");
}

void json_text_member_string(json_text *json, const char *name, const char *text)
{
    json_text_name(json, name);
    json_text_string(json, text);
}

void json_text_member_u64(json_text *json, const char *name, uint64_t value)
{
    json_text_name(json, name);
    json_text_u64(json, value);
}

void json_text_member_int(json_text *json, const char *name, int64_t value)
{
    json_text_name(json, name);
    json_text_int(json, value);
}

void json_text_member_bool(json_text *json, const char *name, bool value)
{
    json_text_name(json, name);
    json_text_bool(json, value);
}

cairn_code json_text_status(const json_text *json, cairn_error *err)
{
    if (json->code != CAIRN_OK && err != NULL) {
        *err = json->error;
    }
    return json->code;
}
