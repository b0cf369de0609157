#include "s3_ini.h"

#include "buf.h"
#include "errors.h"

#include <string.h>
#include <strings.h>

struct s3_ini_entry {
    size_t section;
    cairn_slice block; /* empty: in none */
    cairn_slice key;
    cairn_slice value; /* raw: with comments, and with all lines that go on */
};

/* Where the reader stands. */
typedef struct reader {
    s3_ini *ini;
    const char *file;
    size_t line;
    bool has_property; /* in this section: a line that goes on belongs to it */
    bool opens_block;  /* that property has no value of its own */
    cairn_slice property;
    cairn_error *err;
} reader;

void s3_ini_release(s3_ini *ini)
{
    secret_buf_release(&ini->text);
    mem_free(ini->sections);
    mem_free(ini->entries);
    *ini = (s3_ini){0};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool begins_comment(char c)
{
    return c == '#' || c == ';';
}

static cairn_slice span(const char *begin, const char *end)
{
    while (begin < end && is_blank(*begin)) {
        begin++;
    }
    while (end > begin && is_blank(end[-1])) {
        end--;
    }
    return (cairn_slice){begin, (size_t)(end - begin)};
}

static const char *end_of(cairn_slice slice)
{
    return (const char *)slice.data + slice.len;
}

/* The line without a comment that begins behind a blank, and without blanks at its ends. */
static cairn_slice without_comment(cairn_slice line)
{
    const char *begin = line.data;
    const char *end = end_of(line);

    for (const char *at = begin; at < end; at++) {
        if (begins_comment(*at) && (at == begin || is_blank(at[-1]))) {
            return span(begin, at);
        }
    }
    return span(begin, end);
}

static cairn_code refuse(const reader *r, const char *why)
{
    return error_set(r->err, CAIRN_E_INVALID, "%s line %zu: %s", r->file, r->line, why);
}

static bool grow(void **items, size_t count, size_t *room, size_t size)
{
    if (count < *room) {
        return true;
    }
    const size_t more = *room == 0 ? 16 : *room * 2;
    void *grown = mem_realloc_array(*items, more, size);
    if (grown == NULL) {
        return false;
    }
    *items = grown;
    *room = more;
    return true;
}

static cairn_code add_section(reader *r, cairn_slice name)
{
    s3_ini *ini = r->ini;
    void *items = ini->sections;

    if (!grow(&items, ini->section_count, &ini->section_room, sizeof(*ini->sections))) {
        return error_no_memory(r->err, "read a profile file");
    }
    ini->sections = items;
    ini->sections[ini->section_count++] = name;
    r->has_property = false;
    return CAIRN_OK;
}

static cairn_code add_entry(reader *r, const s3_ini_entry *entry)
{
    s3_ini *ini = r->ini;
    void *items = ini->entries;

    if (!grow(&items, ini->entry_count, &ini->entry_room, sizeof(*ini->entries))) {
        return error_no_memory(r->err, "read a profile file");
    }
    ini->entries = items;
    ini->entries[ini->entry_count++] = *entry;
    return CAIRN_OK;
}

static cairn_code read_section(reader *r, cairn_slice line)
{
    const char *begin = (const char *)line.data + 1;
    const char *end = memchr(begin, ']', line.len - 1);

    if (end == NULL) {
        return refuse(r, "'[' without ']'");
    }
    const cairn_slice rest = span(end + 1, end_of(line));
    if (rest.len > 0 && !begins_comment(*(const char *)rest.data)) {
        return refuse(r, "text after the ']' of a section");
    }
    const cairn_slice name = span(begin, end);
    return name.len == 0 ? refuse(r, "a section without a name") : add_section(r, name);
}

/* "key = value" into `out`; false if it is not one. */
static bool split_property(cairn_slice line, s3_ini_entry *out)
{
    const char *begin = line.data;
    const char *equals = memchr(begin, '=', line.len);

    if (equals == NULL) {
        return false;
    }
    out->key = span(begin, equals);
    out->value = span(equals + 1, end_of(line));
    return out->key.len > 0;
}

static cairn_code read_property(reader *r, cairn_slice line)
{
    s3_ini_entry entry = {0};

    if (r->ini->section_count == 0) {
        return refuse(r, "a setting before the first [section]");
    }
    if (!split_property(line, &entry)) {
        return refuse(r, "neither [section] nor name = value");
    }
    entry.section = r->ini->section_count - 1;
    r->has_property = true;
    r->opens_block = without_comment(entry.value).len == 0;
    r->property = entry.key;
    return add_entry(r, &entry);
}

/* A line that begins with a blank: a setting of a block, or more of the value above. */
static cairn_code read_more(reader *r, cairn_slice line)
{
    s3_ini_entry entry = {0};

    if (!r->has_property) {
        return refuse(r, "an indented line that belongs to no setting");
    }
    if (!r->opens_block) {
        cairn_slice *value = &r->ini->entries[r->ini->entry_count - 1].value;
        value->len = (size_t)(end_of(line) - (const char *)value->data);
        return CAIRN_OK;
    }
    if (!split_property(line, &entry)) {
        return refuse(r, "not name = value in an indented block");
    }
    entry.section = r->ini->section_count - 1;
    entry.block = r->property;
    return add_entry(r, &entry);
}

static cairn_code read_line(reader *r, const char *begin, const char *end)
{
    const cairn_slice line = span(begin, end);

    if (line.len == 0 || begins_comment(*(const char *)line.data)) {
        return CAIRN_OK;
    }
    if (is_blank(*begin)) {
        return read_more(r, line);
    }
    return *begin == '[' ? read_section(r, line) : read_property(r, line);
}

static cairn_code read_lines(reader *r, cairn_slice text)
{
    static const char bom[] = "\xef\xbb\xbf";
    const char *at = text.data;
    const char *all_end = end_of(text);

    if (text.len >= strlen(bom) && memcmp(at, bom, strlen(bom)) == 0) {
        at += strlen(bom);
    }
    while (at < all_end) {
        const char *end = memchr(at, '\n', (size_t)(all_end - at));
        end = end == NULL ? all_end : end;
        r->line++;
        CAIRN_TRY(read_line(r, at, end));
        at = end + 1;
    }
    return CAIRN_OK;
}

cairn_code s3_ini_parse(cairn_buf *text, const char *file, s3_ini *out, cairn_error *err)
{
    CAIRN_AUTO(s3_ini) ini = {.text = buf_take(text)};
    reader r = {.ini = &ini, .file = file, .err = err};
    const cairn_slice all = cairn_buf_slice(&ini.text);

    CAIRN_ASSERT(out->text.data == NULL && out->sections == NULL);
    if (all.len > 0 && memchr(all.data, '\0', all.len) != NULL) {
        return error_set(err, CAIRN_E_INVALID, "%s: a NUL byte in a text file", file);
    }
    if (all.len > 0) {
        CAIRN_TRY(read_lines(&r, all));
    }
    *out = ini;
    ini = (s3_ini){0};
    return CAIRN_OK;
}

static bool same(cairn_slice a, const char *b)
{
    return a.len == strlen(b) && (a.len == 0 || memcmp(a.data, b, a.len) == 0);
}

static bool same_any_case(cairn_slice a, const char *b)
{
    return a.len == strlen(b) && (a.len == 0 || strncasecmp(a.data, b, a.len) == 0);
}

static cairn_slice unquoted(cairn_slice name)
{
    const char *text = name.data;
    const bool quoted = name.len >= 2 && (text[0] == '"' || text[0] == '\'') &&
                        text[name.len - 1] == text[0];

    return quoted ? (cairn_slice){text + 1, name.len - 2} : name;
}

static bool section_is(cairn_slice section, const char *type, const char *name)
{
    const char *text = section.data;
    const size_t type_len = strlen(type);

    if (type_len == 0) {
        return same(unquoted(section), name);
    }
    if (section.len <= type_len || memcmp(text, type, type_len) != 0 || !is_blank(text[type_len])) {
        return false;
    }
    return same(unquoted(span(text + type_len, end_of(section))), name);
}

bool s3_ini_has_section(const s3_ini *ini, const char *type, const char *name)
{
    for (size_t i = 0; i < ini->section_count; i++) {
        if (section_is(ini->sections[i], type, name)) {
            return true;
        }
    }
    return false;
}

static const s3_ini_entry *find(const s3_ini *ini, const s3_ini_place *place)
{
    for (size_t i = ini->entry_count; i > 0; i--) {
        const s3_ini_entry *entry = &ini->entries[i - 1];

        if (same_any_case(entry->key, place->key) && same_any_case(entry->block, place->block) &&
            section_is(ini->sections[entry->section], place->type, place->name)) {
            return entry;
        }
    }
    return NULL;
}

/* Appends each line of a raw value that says something; lines of comments alone are none. */
static cairn_code join_lines(cairn_slice raw, cairn_buf *out, cairn_error *err)
{
    const char *at = raw.data;
    const char *all_end = end_of(raw);

    while (at < all_end) {
        const char *end = memchr(at, '\n', (size_t)(all_end - at));
        end = end == NULL ? all_end : end;
        const cairn_slice line = without_comment((cairn_slice){at, (size_t)(end - at)});
        if (line.len > 0) {
            CAIRN_TRY(out->len > 0 ? buf_append_byte(out, '\n', err) : CAIRN_OK);
            CAIRN_TRY(buf_append(out, line.data, line.len, err));
        }
        at = end + 1;
    }
    return CAIRN_OK;
}

cairn_code s3_ini_get(const s3_ini *ini, const s3_ini_place *place, secret *out, cairn_error *err)
{
    __attribute__((cleanup(secret_buf_release))) cairn_buf value = {0};
    const s3_ini_entry *entry = find(ini, place);

    if (entry == NULL) {
        secret_release(out);
        return CAIRN_OK;
    }
    /* Room for all at once: a buffer that grows leaves copies behind. */
    CAIRN_TRY(buf_reserve(&value, entry->value.len + 1, err));
    CAIRN_TRY(join_lines(entry->value, &value, err));
    if (value.len == 0) {
        secret_release(out);
        return CAIRN_OK;
    }
    return secret_set(out, cairn_buf_slice(&value), err);
}
