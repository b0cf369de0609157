/* Numbers, durations and sizes in Flink's text forms. */
#include "encode.h"

#include <string.h>

typedef struct unit_row {
    const char *name;
    uint64_t factor;
} unit_row;

static const unit_row duration_units[] = {
    {"", 1},          {"ms", 1},          {"milli", 1},
    {"millis", 1},    {"millisecond", 1}, {"milliseconds", 1},
    {"s", 1000},      {"sec", 1000},      {"secs", 1000},
    {"second", 1000}, {"seconds", 1000},  {"m", 60000},
    {"min", 60000},   {"minute", 60000},  {"minutes", 60000},
    {"h", 3600000},   {"hour", 3600000},  {"hours", 3600000},
    {"d", 86400000},  {"day", 86400000},  {"days", 86400000},
};

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)
#define TIB ((uint64_t)1 << 40)

static const unit_row memory_units[] = {
    {"", 1},    {"b", 1},    {"bytes", 1},       {"k", KIB}, {"kb", KIB}, {"kibibytes", KIB},
    {"m", MIB}, {"mb", MIB}, {"mebibytes", MIB}, {"g", GIB}, {"gb", GIB}, {"gibibytes", GIB},
    {"t", TIB}, {"tb", TIB}, {"tebibytes", TIB},
};

#define UNIT_SIZE 16 /* the longest name and a NUL */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static char lower(char c)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";

    if (c >= 'A' && c <= 'Z') {
        return letters[c - 'A'];
    }
    return c;
}

/* Reads digits; false if there are none or the value does not fit. */
static bool scan_digits(const char *text, size_t len, size_t *out_used, uint64_t *out)
{
    uint64_t value = 0;
    size_t used = 0;

    for (; used < len && is_digit(text[used]); used++) {
        const uint64_t digit = (uint64_t)(text[used] - '0');

        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value)) {
            return false;
        }
    }
    *out_used = used;
    *out = value;
    return used > 0;
}

bool parse_u64(cairn_slice text, uint64_t *out)
{
    const char *digits = text.data;
    uint64_t value = 0;
    size_t used = 0;

    if (!scan_digits(digits, text.len, &used, &value) || used != text.len) {
        return false;
    }
    if (digits[0] == '0' && text.len > 1) {
        return false;
    }
    *out = value;
    return true;
}

/* The rest of a quantity without the blanks around it, in lower case; false if no unit is so long.
 */
static bool copy_unit(const char *text, char out[UNIT_SIZE])
{
    size_t len = 0;

    while (is_blank(*text)) {
        text++;
    }
    len = strlen(text);
    while (len > 0 && is_blank(text[len - 1])) {
        len--;
    }
    if (len >= UNIT_SIZE) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        out[i] = lower(text[i]);
    }
    out[len] = '\0';
    return true;
}

static bool parse_quantity(const char *text, const unit_row *units, size_t count, uint64_t *out)
{
    char unit[UNIT_SIZE];
    uint64_t value = 0;
    size_t used = 0;

    while (is_blank(*text)) {
        text++;
    }
    if (!scan_digits(text, strlen(text), &used, &value) || !copy_unit(text + used, unit)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(unit, units[i].name) == 0) {
            if (__builtin_mul_overflow(value, units[i].factor, &value)) {
                return false;
            }
            *out = value;
            return true;
        }
    }
    return false;
}

bool parse_duration_ms(const char *text, uint64_t *out)
{
    return parse_quantity(text, duration_units, CAIRN_ARRAY_LEN(duration_units), out);
}

bool parse_memory_bytes(const char *text, uint64_t *out)
{
    return parse_quantity(text, memory_units, CAIRN_ARRAY_LEN(memory_units), out);
}
