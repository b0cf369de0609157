#include "s3_sigv4_query.h"

#include "bounds.h"
#include "buf.h"
#include "errors.h"

#include <string.h>

bool sigv4_is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/* `kept` stands as it is, beside the unreserved bytes; NUL: nothing does. */
static cairn_code append_encoded(const char *text, char kept, cairn_buf *out, cairn_error *err)
{
    static const char digits[] = "0123456789ABCDEF";
    const size_t len = strlen(text);

    CAIRN_TRY(buf_reserve(out, len > SIZE_MAX / 3 ? SIZE_MAX : 3 * len, err));
    for (const char *at = text; *at != '\0'; at++) {
        const uint8_t byte = (uint8_t)*at;

        if (sigv4_is_unreserved(*at) || *at == kept) {
            out->data[out->len++] = byte;
        } else {
            out->data[out->len++] = '%';
            out->data[out->len++] = (uint8_t)digits[byte >> 4];
            out->data[out->len++] = (uint8_t)digits[byte & 15];
        }
    }
    return CAIRN_OK;
}

cairn_code sigv4_encode_path(const char *path, cairn_buf *out, cairn_error *err)
{
    return append_encoded(path, '/', out, err);
}

/* Encoded, in memory that does not move. */
typedef struct query_item {
    cairn_slice name;
    cairn_slice value;
} query_item;

static int compare_bytes(cairn_slice a, cairn_slice b)
{
    const size_t len = a.len < b.len ? a.len : b.len;
    const int order = len == 0 ? 0 : memcmp(a.data, b.data, len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_items(const query_item *a, const query_item *b)
{
    const int order = compare_bytes(a->name, b->name);

    return order != 0 ? order : compare_bytes(a->value, b->value);
}

/* By insertion: there are few, and most callers name them in order. */
static void sort_items(query_item *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const query_item item = items[i];
        size_t at = i;

        for (; at > 0 && compare_items(&items[at - 1], &item) > 0; at--) {
            items[at] = items[at - 1];
        }
        items[at] = item;
    }
}

/* Appends "name=value", with '&' before it unless it is the first. */
static cairn_code append_item(const query_item *item, bool first, cairn_buf *out, cairn_error *err)
{
    if (!first) {
        CAIRN_TRY(buf_append_byte(out, '&', err));
    }
    CAIRN_TRY(buf_append(out, item->name.data, item->name.len, err));
    CAIRN_TRY(buf_append_byte(out, '=', err));
    return buf_append(out, item->value.data, item->value.len, err);
}

/* The part of `text` that was appended since it was `before` bytes long. */
static cairn_slice since(const cairn_buf *text, size_t before)
{
    return (cairn_slice){text->data + before, text->len - before};
}

/* `text` has room for all pairs, so that the items may point into it. */
static cairn_code encode_pairs(const sigv4_pair *pairs, size_t count, cairn_buf *text,
                               query_item *items, cairn_error *err)
{
    for (size_t i = 0; i < count; i++) {
        size_t before = text->len;

        CAIRN_TRY(append_encoded(pairs[i].name, '\0', text, err));
        items[i].name = since(text, before);
        before = text->len;
        if (pairs[i].value != NULL) {
            CAIRN_TRY(append_encoded(pairs[i].value, '\0', text, err));
        }
        items[i].value = since(text, before);
    }
    return CAIRN_OK;
}

size_t sigv4_pairs_bytes(const sigv4_pair *pairs, size_t count)
{
    size_t bytes = 1;

    for (size_t i = 0; i < count; i++) {
        bytes += strlen(pairs[i].name) + (pairs[i].value == NULL ? 0 : strlen(pairs[i].value)) + 2;
    }
    return bytes;
}

cairn_code sigv4_query(const sigv4_pair *pairs, size_t count, cairn_buf *out, cairn_error *err)
{
    CAIRN_AUTO(wiped_buf) text = {0};
    query_item items[CAIRN_SIGV4_QUERY_MAX];

    if (count > CAIRN_SIGV4_QUERY_MAX) {
        return error_set(err, CAIRN_E_INVALID, "a query of %zu members, more than %d", count,
                         CAIRN_SIGV4_QUERY_MAX);
    }
    const size_t bytes = 3 * sigv4_pairs_bytes(pairs, count);
    CAIRN_TRY(buf_reserve(&text, bytes, err));
    CAIRN_TRY(encode_pairs(pairs, count, &text, items, err));
    sort_items(items, count);
    CAIRN_TRY(buf_reserve(out, bytes, err));
    for (size_t i = 0; i < count; i++) {
        CAIRN_TRY(append_item(&items[i], i == 0, out, err));
    }
    return CAIRN_OK;
}

/* The item at the front of a canonical query, and the rest behind it. */
static query_item cut_item(const char **query)
{
    const size_t len = strcspn(*query, "&");
    const size_t name_len = strcspn(*query, "=&");
    const size_t value_at = name_len < len ? name_len + 1 : len;
    const query_item item = {{*query, name_len}, {*query + value_at, len - value_at}};

    *query += len + ((*query)[len] == '&' ? 1 : 0);
    return item;
}

cairn_code sigv4_merge_queries(const char *a, const char *b, cairn_buf *out, cairn_error *err)
{
    bool first = true;

    while (*a != '\0' || *b != '\0') {
        const char *a_rest = a;
        const char *b_rest = b;
        const query_item from_a = cut_item(&a_rest);
        const query_item from_b = cut_item(&b_rest);
        const bool take_a = *b == '\0' || (*a != '\0' && compare_items(&from_a, &from_b) <= 0);

        CAIRN_TRY(append_item(take_a ? &from_a : &from_b, first, out, err));
        a = take_a ? a_rest : a;
        b = take_a ? b : b_rest;
        first = false;
    }
    return CAIRN_OK;
}
