#include "json_scan.h"

#include "bounds.h"
#include "buf.h"
#include "errors.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

/* Names of the objects that are open, unescaped, as ranges of `bytes`. */
typedef struct name_ref {
    size_t offset;
    size_t len;
} name_ref;

typedef struct name_stack {
    cairn_buf bytes;
    cairn_buf refs; /* of name_ref */
} name_stack;

static void name_stack_release(name_stack *value)
{
    cairn_buf_release(&value->bytes);
    cairn_buf_release(&value->refs);
}
CAIRN_DEFINE_AUTO(name_stack, name_stack_release)

/* An object or array that is open, and where its names begin in the two buffers above. */
typedef struct frame {
    bool is_object;
    size_t bytes_len;
    size_t refs_len;
} frame;

typedef struct scan {
    const uint8_t *text;
    size_t len;
    size_t at;
    size_t nodes;
    const json_limits *limits;
    cairn_error *err;
    unsigned depth;
    frame frames[CAIRN_JSON_DEPTH_MAX];
    name_stack *names;
} scan;

static cairn_code refuse(const scan *s, size_t at, const char *why)
{
    return error_set(s->err, CAIRN_E_INTEGRITY, "JSON: %s at byte %zu", why, at);
}

/* The byte at the cursor; 0, which fits no rule of the grammar, at the end. */
static uint8_t peek(const scan *s)
{
    return s->at < s->len ? s->text[s->at] : 0;
}

static void skip_blanks(scan *s)
{
    for (uint8_t c = peek(s); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = peek(s)) {
        s->at++;
    }
}

static cairn_code expect_literal(scan *s, const char *literal)
{
    const size_t len = strlen(literal);

    if (s->len - s->at < len || memcmp(s->text + s->at, literal, len) != 0) {
        return refuse(s, s->at, "not a value");
    }
    s->at += len;
    return CAIRN_OK;
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static cairn_code scan_digits(scan *s)
{
    if (!is_digit(peek(s))) {
        return refuse(s, s->at, "a digit is missing");
    }
    while (is_digit(peek(s))) {
        s->at++;
    }
    return CAIRN_OK;
}

static cairn_code scan_exponent(scan *s)
{
    if (peek(s) != 'e' && peek(s) != 'E') {
        return CAIRN_OK;
    }
    s->at++;
    if (peek(s) == '+' || peek(s) == '-') {
        s->at++;
    }
    return scan_digits(s);
}

static cairn_code scan_number(scan *s)
{
    const size_t begin = s->at;

    if (peek(s) == '-') {
        s->at++;
    }
    if (peek(s) == '0') {
        s->at++; /* a digit after it fits no rule, so a leading zero is refused by what follows */
    } else {
        CAIRN_TRY(scan_digits(s));
    }
    if (peek(s) == '.') {
        s->at++;
        CAIRN_TRY(scan_digits(s));
    }
    CAIRN_TRY(scan_exponent(s));
    if (s->at - begin > CAIRN_JSON_NUMBER_BYTES_MAX) {
        return refuse(s, begin, "a number is too long");
    }
    return CAIRN_OK;
}

static int hex_at(const scan *s, size_t at)
{
    const uint8_t c = at < s->len ? s->text[at] : 0;

    if (is_digit(c)) {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Four hex digits after "\u". */
static cairn_code scan_unit(scan *s, uint32_t *out)
{
    uint32_t unit = 0;

    for (int i = 0; i < 4; i++) {
        const int digit = hex_at(s, s->at);

        if (digit < 0) {
            return refuse(s, s->at, "\\u needs four hex digits");
        }
        unit = unit * 16 + (uint32_t)digit;
        s->at++;
    }
    *out = unit;
    return CAIRN_OK;
}

static bool is_high(uint32_t unit)
{
    return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low(uint32_t unit)
{
    return unit >= 0xdc00 && unit <= 0xdfff;
}

/* What "\u" stands for, the second half of a surrogate pair included. */
static cairn_code scan_code_point(scan *s, uint32_t *out)
{
    const size_t begin = s->at;
    uint32_t high = 0;
    uint32_t low = 0;

    CAIRN_TRY(scan_unit(s, &high));
    if (high == 0 || is_low(high)) {
        return refuse(s, begin, high == 0 ? "\\u0000" : "a lone surrogate");
    }
    if (!is_high(high)) {
        *out = high;
        return CAIRN_OK;
    }
    if (s->len - s->at < 2 || s->text[s->at] != '\\' || s->text[s->at + 1] != 'u') {
        return refuse(s, begin, "a lone surrogate");
    }
    s->at += 2;
    CAIRN_TRY(scan_unit(s, &low));
    if (!is_low(low)) {
        return refuse(s, begin, "a lone surrogate");
    }
    *out = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return CAIRN_OK;
}

/* The character behind a backslash. */
static cairn_code scan_escape(scan *s, uint8_t out[UTF8_SEQUENCE_MAX], size_t *out_len)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    const uint8_t letter = peek(s);
    const char *found = letter == 0 ? NULL : strchr(letters, letter);
    uint32_t code_point = 0;

    if (letter == 'u') {
        s->at++;
        CAIRN_TRY(scan_code_point(s, &code_point));
    } else if (found != NULL) {
        s->at++;
        code_point = (uint8_t)meanings[found - letters];
    } else {
        return refuse(s, s->at, "an unknown escape");
    }
    *out_len = utf8_encode(code_point, out);
    return CAIRN_OK;
}

/* One character of a string, as UTF-8. */
static cairn_code scan_character(scan *s, uint8_t out[UTF8_SEQUENCE_MAX], size_t *out_len)
{
    const uint8_t *here = s->text + s->at;

    if (*here == '\\') {
        s->at++;
        return scan_escape(s, out, out_len);
    }
    if (*here < 0x20) {
        return refuse(s, s->at, "a control character in a string");
    }
    const size_t len = utf8_sequence(here, s->len - s->at);
    if (len == 0) {
        return refuse(s, s->at, "bytes that are not UTF-8");
    }
    memcpy(out, here, len);
    *out_len = len;
    s->at += len;
    return CAIRN_OK;
}

/* One character of a string that began at `begin`; *total counts its bytes. */
static cairn_code scan_part(scan *s, size_t begin, size_t *total, cairn_buf *unescaped)
{
    uint8_t character[UTF8_SEQUENCE_MAX];
    size_t len = 0;

    CAIRN_TRY(scan_character(s, character, &len));
    *total += len;
    if (*total > s->limits->string_bytes) {
        return refuse(s, begin, "a string is too long");
    }
    return unescaped == NULL ? CAIRN_OK : buf_append(unescaped, character, len, s->err);
}

/* A string from its opening quote; its characters go to `unescaped` unless that is NULL. */
static cairn_code scan_string(scan *s, cairn_buf *unescaped)
{
    const size_t begin = s->at;
    size_t total = 0;

    for (s->at++; s->at < s->len && s->text[s->at] != '"';) {
        CAIRN_TRY(scan_part(s, begin, &total, unescaped));
    }
    if (s->at == s->len) {
        return refuse(s, begin, "a string without end");
    }
    s->at++;
    return CAIRN_OK;
}

/* A member's name and its colon. */
static cairn_code scan_name(scan *s)
{
    cairn_buf *bytes = &s->names->bytes;
    name_ref ref = {.offset = bytes->len};

    skip_blanks(s);
    if (peek(s) != '"') {
        return refuse(s, s->at, "a member's name is missing");
    }
    CAIRN_TRY(scan_string(s, bytes));
    ref.len = bytes->len - ref.offset;
    CAIRN_TRY(buf_append(&s->names->refs, &ref, sizeof(ref), s->err));
    skip_blanks(s);
    if (peek(s) != ':') {
        return refuse(s, s->at, "a colon is missing");
    }
    s->at++;
    return CAIRN_OK;
}

static cairn_code push(scan *s, bool is_object)
{
    if (s->depth == s->limits->depth) {
        return refuse(s, s->at, "nested too deep");
    }
    s->frames[s->depth++] = (frame){
        .is_object = is_object,
        .bytes_len = s->names->bytes.len,
        .refs_len = s->names->refs.len,
    };
    s->at++;
    return CAIRN_OK;
}

static int compare_refs(const void *a, const void *b, void *bytes)
{
    const name_ref *left = a;
    const name_ref *right = b;
    const uint8_t *base = bytes;

    if (left->len != right->len) {
        return left->len < right->len ? -1 : 1;
    }
    return left->len == 0 ? 0 : memcmp(base + left->offset, base + right->offset, left->len);
}

/* Sorting finds duplicates in O(n log n), whatever names a peer chooses; a hash would not. */
static bool has_duplicates(const name_stack *names, size_t refs_len)
{
    void *first = refs_len == names->refs.len ? NULL : names->refs.data + refs_len;
    const size_t count = (names->refs.len - refs_len) / sizeof(name_ref);
    const name_ref *refs = first;

    if (count < 2) {
        return false;
    }
    qsort_r(first, count, sizeof(*refs), compare_refs, names->bytes.data);
    for (size_t i = 1; i < count; i++) {
        if (compare_refs(&refs[i - 1], &refs[i], names->bytes.data) == 0) {
            return true;
        }
    }
    return false;
}

static cairn_code pop(scan *s)
{
    const frame *closed = &s->frames[s->depth - 1];

    if (closed->is_object && has_duplicates(s->names, closed->refs_len)) {
        return refuse(s, s->at, "two members of one name in the object that ends");
    }
    s->names->bytes.len = closed->bytes_len;
    s->names->refs.len = closed->refs_len;
    s->depth--;
    s->at++;
    return CAIRN_OK;
}

/* Opens an object or array; *out_complete if it is empty and closed already. */
static cairn_code scan_open(scan *s, bool is_object, bool *out_complete)
{
    CAIRN_TRY(push(s, is_object));
    skip_blanks(s);
    *out_complete = peek(s) == (is_object ? '}' : ']');
    if (*out_complete) {
        return pop(s);
    }
    return is_object ? scan_name(s) : CAIRN_OK;
}

/* A whole scalar or the opening of an object or array. */
static cairn_code scan_value(scan *s, bool *out_complete)
{
    skip_blanks(s);
    if (++s->nodes > s->limits->nodes) {
        return refuse(s, s->at, "too many values");
    }
    *out_complete = true;
    switch (peek(s)) {
    case '{':
    case '[':
        return scan_open(s, peek(s) == '{', out_complete);
    case '"':
        return scan_string(s, NULL);
    case 't':
        return expect_literal(s, "true");
    case 'f':
        return expect_literal(s, "false");
    case 'n':
        return expect_literal(s, "null");
    default:
        if (peek(s) != '-' && !is_digit(peek(s))) {
            return refuse(s, s->at, s->at == s->len ? "the end, not a value" : "not a value");
        }
        return scan_number(s);
    }
}

/* After a value: closes what ends here, up to a comma that announces another value. */
static cairn_code scan_ends(scan *s)
{
    while (s->depth > 0) {
        const bool is_object = s->frames[s->depth - 1].is_object;

        skip_blanks(s);
        if (peek(s) == ',') {
            s->at++;
            return is_object ? scan_name(s) : CAIRN_OK;
        }
        if (peek(s) != (is_object ? '}' : ']')) {
            return refuse(s, s->at, is_object ? "no comma or }" : "no comma or ]");
        }
        CAIRN_TRY(pop(s));
    }
    return CAIRN_OK;
}

static cairn_code scan_document(scan *s)
{
    bool complete = false;

    do {
        CAIRN_TRY(scan_value(s, &complete));
        CAIRN_TRY(complete ? scan_ends(s) : CAIRN_OK);
    } while (s->depth > 0);
    skip_blanks(s);
    return s->at == s->len ? CAIRN_OK : refuse(s, s->at, "bytes after the end");
}

cairn_code json_scan(cairn_slice text, const json_limits *limits, cairn_error *err)
{
    CAIRN_AUTO(name_stack) open_names = {.bytes.limit = limits->bytes, .refs.limit = SIZE_MAX};
    scan s = {
        .text = text.data,
        .len = text.len,
        .limits = limits,
        .err = err,
        .names = &open_names,
    };

    CAIRN_ASSERT(limits->depth <= CAIRN_JSON_DEPTH_MAX);
    return scan_document(&s);
}
