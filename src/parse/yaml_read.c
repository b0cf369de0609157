#include "yaml_read.h"

#include "bounds.h"
#include "buf.h"
#include "encode.h"
#include "errors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

/* A key seen so far, with its value unless it opens a mapping; offsets into the collected text. */
typedef struct pair {
    size_t key;
    size_t value;
    unsigned line;
    bool is_mapping;
} pair;

/* All is collected before the first visit, so that a file with an error at its end has no effect.
 */
typedef struct yaml_pairs {
    cairn_buf text;  /* NUL-terminated keys and values */
    cairn_buf pairs; /* of pair */
} yaml_pairs;

static void yaml_pairs_release(yaml_pairs *value)
{
    cairn_buf_release(&value->text);
    cairn_buf_release(&value->pairs);
}
CAIRN_DEFINE_AUTO(yaml_pairs, yaml_pairs_release)
CAIRN_DEFINE_AUTO(yaml_parser_t, yaml_parser_delete)
CAIRN_DEFINE_AUTO(yaml_event_t, yaml_event_delete)

typedef struct reader {
    yaml_parser_t *parser;
    cairn_error *err;
    yaml_pairs *found;
    cairn_buf key;                         /* dotted key of the mapping that is open */
    size_t key_lens[CAIRN_YAML_DEPTH_MAX]; /* length of that key outside each open mapping */
    unsigned depth;
    unsigned line; /* of the latest name */
    bool has_name; /* the next event is a value */
    bool ended;
} reader;

static void reader_release(reader *value)
{
    cairn_buf_release(&value->key);
}
CAIRN_DEFINE_AUTO(reader, reader_release)

static cairn_code refuse(const reader *r, unsigned line, const char *why)
{
    return error_set(r->err, CAIRN_E_INVALID, "YAML: line %u: %s", line, why);
}

static unsigned line_of(const yaml_event_t *event)
{
    return (unsigned)event->start_mark.line + 1;
}

static cairn_code next_event(reader *r, yaml_event_t *event)
{
    const yaml_parser_t *parser = r->parser;

    if (yaml_parser_parse(r->parser, event) == 1) {
        return CAIRN_OK;
    }
    if (parser->error == YAML_MEMORY_ERROR) {
        return error_no_memory(r->err, "read YAML");
    }
    return refuse(r, (unsigned)parser->problem_mark.line + 1,
                  parser->problem == NULL ? "not YAML" : parser->problem);
}

/* The pair of the latest name; `value` is NULL if a mapping opens. */
static cairn_code add_pair(reader *r, const char *value)
{
    cairn_buf *text = &r->found->text;
    const char *key = buf_text(&r->key);
    pair added = {.key = text->len, .line = r->line, .is_mapping = value == NULL};

    if (key == NULL) {
        return error_no_memory(r->err, "read YAML");
    }
    CAIRN_TRY(buf_append(text, key, strlen(key) + 1, r->err));
    added.value = text->len;
    if (value != NULL) {
        CAIRN_TRY(buf_append(text, value, strlen(value) + 1, r->err));
    }
    return buf_append(&r->found->pairs, &added, sizeof(added), r->err);
}

/* Appends the part to the dotted key. The bound keeps nested keys from growing with the square. */
static cairn_code enter_name(reader *r, const char *name, unsigned line)
{
    const size_t before = r->key.len;

    if (name[0] == '\0') {
        return refuse(r, line, "an empty key");
    }
    if (before + strlen(name) + 1 > CAIRN_NAME_BYTES_MAX) {
        return refuse(r, line, "a key is too long");
    }
    r->key_lens[r->depth - 1] = before;
    if (before > 0) {
        CAIRN_TRY(buf_append_byte(&r->key, '.', r->err));
    }
    CAIRN_TRY(buf_append_text(&r->key, name, r->err));
    r->line = line;
    r->has_name = true;
    return CAIRN_OK;
}

/* The value of a name is complete: back to the key of the mapping around it. */
static void leave_name(reader *r)
{
    r->key.len = r->key_lens[r->depth - 1];
    r->has_name = false;
}

static cairn_code read_scalar(reader *r, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    const unsigned line = line_of(event);

    if (event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL) {
        return refuse(r, line, "anchors and tags are not supported");
    }
    if (strlen(text) != event->data.scalar.length) {
        return refuse(r, line, "a NUL character");
    }
    if (r->depth == 0) {
        return text[0] == '\0' ? CAIRN_OK : refuse(r, line, "not a mapping of keys to values");
    }
    if (!r->has_name) {
        return enter_name(r, text, line);
    }
    CAIRN_TRY(add_pair(r, text));
    leave_name(r);
    return CAIRN_OK;
}

static cairn_code begin_mapping(reader *r, const yaml_event_t *event)
{
    const unsigned line = line_of(event);

    if (event->data.mapping_start.anchor != NULL || event->data.mapping_start.tag != NULL) {
        return refuse(r, line, "anchors and tags are not supported");
    }
    if (r->depth > 0 && !r->has_name) {
        return refuse(r, line, "a mapping as key");
    }
    if (r->depth == CAIRN_YAML_DEPTH_MAX) {
        return refuse(r, line, "nested too deep");
    }
    if (r->depth > 0) {
        CAIRN_TRY(add_pair(r, NULL));
    }
    r->depth++;
    r->has_name = false;
    return CAIRN_OK;
}

static void end_mapping(reader *r)
{
    r->depth--;
    if (r->depth > 0) {
        leave_name(r);
    }
}

static cairn_code read_event(reader *r, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(r, event);
    case YAML_MAPPING_START_EVENT:
        return begin_mapping(r, event);
    case YAML_MAPPING_END_EVENT:
        end_mapping(r);
        return CAIRN_OK;
    case YAML_SEQUENCE_START_EVENT:
        return refuse(r, line_of(event), "sequences are not supported");
    case YAML_ALIAS_EVENT:
        return refuse(r, line_of(event), "aliases are not supported");
    case YAML_DOCUMENT_START_EVENT:
        return r->ended ? refuse(r, line_of(event), "more than one document") : CAIRN_OK;
    case YAML_DOCUMENT_END_EVENT:
        r->ended = true;
        return CAIRN_OK;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        return CAIRN_OK;
    }
    return CAIRN_OK;
}

static cairn_code read_events(reader *r)
{
    bool more = true;

    while (more) {
        CAIRN_AUTO(yaml_event_t) event = {0};

        CAIRN_TRY(next_event(r, &event));
        CAIRN_TRY(read_event(r, &event));
        more = event.type != YAML_STREAM_END_EVENT;
    }
    return CAIRN_OK;
}

static const char *text_at(const yaml_pairs *found, size_t offset)
{
    return (const char *)found->text.data + offset;
}

static int compare_pairs(const void *a, const void *b, void *context)
{
    const pair *left = *(const pair *const *)a;
    const pair *right = *(const pair *const *)b;
    const int order = strcmp(text_at(context, left->key), text_at(context, right->key));

    return order != 0 ? order : (left->line > right->line) - (left->line < right->line);
}

static cairn_code refuse_duplicate(const reader *r, const pair *first, const pair *second)
{
    CAIRN_AUTO(cairn_buf) key = {0};
    const cairn_slice raw = cairn_slice_of(text_at(r->found, second->key));

    CAIRN_TRY(encode_printable(raw, CAIRN_NAME_BYTES_MAX, &key, r->err));
    const char *text = buf_text(&key);
    return error_set(r->err, CAIRN_E_INVALID, "YAML: line %u: the key %s stands in line %u already",
                     second->line, text == NULL ? "?" : text, first->line);
}

static cairn_code check_duplicates(const reader *r)
{
    const void *first = r->found->pairs.data;
    const pair *pairs = first;
    const size_t count = r->found->pairs.len / sizeof(pair);
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    const pair **sorted CAIRN_AUTO_FREE = mem_calloc(count, sizeof(*sorted));

    if (sorted == NULL) {
        return error_no_memory(r->err, "read YAML");
    }
    for (size_t i = 0; i < count; i++) {
        sorted[i] = &pairs[i];
    }
    /* NOLINTNEXTLINE(bugprone-sizeof-expression) */
    qsort_r(sorted, count, sizeof(*sorted), compare_pairs, r->found);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(text_at(r->found, sorted[i - 1]->key), text_at(r->found, sorted[i]->key)) == 0) {
            return refuse_duplicate(r, sorted[i - 1], sorted[i]);
        }
    }
    return CAIRN_OK;
}

static cairn_code visit_pairs(const yaml_pairs *found, yaml_visit visit, void *context,
                              cairn_error *err)
{
    const void *first = found->pairs.data;
    const pair *pairs = first;

    for (size_t i = 0; i < found->pairs.len / sizeof(pair); i++) {
        const pair *one = &pairs[i];
        const char *key = text_at(found, one->key);
        const char *value = text_at(found, one->value);

        CAIRN_TRY(one->is_mapping ? CAIRN_OK : visit(context, key, value, one->line, err));
    }
    return CAIRN_OK;
}

static cairn_code collect(cairn_slice text, yaml_pairs *found, cairn_error *err)
{
    CAIRN_AUTO(yaml_parser_t) parser = {0};
    CAIRN_AUTO(reader) r = {.parser = &parser, .err = err, .found = found};

    if (yaml_parser_initialize(&parser) != 1) {
        return error_no_memory(err, "read YAML");
    }
    /* Else a byte order mark would choose the encoding. */
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, text.data, text.len);
    CAIRN_TRY(read_events(&r));
    return check_duplicates(&r);
}

cairn_code yaml_read(cairn_slice text, yaml_visit visit, void *context, cairn_error *err)
{
    CAIRN_AUTO(yaml_pairs) found = {.text.limit = SIZE_MAX, .pairs.limit = SIZE_MAX};

    if (text.len > CAIRN_CONFIG_BYTES_MAX) {
        return error_set(err, CAIRN_E_INVALID, "YAML: %zu bytes, more than %zu", text.len,
                         CAIRN_CONFIG_BYTES_MAX);
    }
    CAIRN_TRY(collect(text, &found, err));
    return visit_pairs(&found, visit, context, err);
}
