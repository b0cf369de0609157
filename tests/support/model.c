#include "model.h"

#include "bounds.h"
#include "buf.h"
#include "fsutil.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DECIMAL 10

void model_counts_release(model_counts *counts)
{
    for (size_t i = 0; i < counts->count; i++) {
        mem_free(counts->items[i].word);
    }
    mem_free(counts->items);
    *counts = (model_counts){0};
}

static void append_bytes(cairn_buf *out, const void *data, size_t len)
{
    CAIRN_ASSERT(buf_append(out, data, len, NULL) == CAIRN_OK);
}

/* Copies the word; an empty one is none. `counts` has room for a power of two of items. */
static void add(model_counts *counts, const char *word, size_t len, uint64_t count)
{
    if (len == 0) {
        return;
    }
    if ((counts->count & (counts->count - 1)) == 0) {
        const size_t room = counts->count == 0 ? 1 : 2 * counts->count;
        counts->items = mem_realloc_array(counts->items, room, sizeof(*counts->items));
        CAIRN_ASSERT(counts->items != NULL);
    }
    model_count *item = &counts->items[counts->count++];
    *item = (model_count){mem_strndup(word, len), count};
    CAIRN_ASSERT(item->word != NULL);
}

static int compare_words(const void *a, const void *b)
{
    return strcmp(((const model_count *)a)->word, ((const model_count *)b)->word);
}

static void sort(model_counts *counts)
{
    if (counts->count > 0) {
        qsort(counts->items, counts->count, sizeof(*counts->items), compare_words);
    }
}

/* Of sorted items, keeps one per word, with the sum of the counts. */
static void sum_equal_words(model_counts *counts)
{
    size_t kept = 0;

    for (size_t i = 0; i < counts->count; i++) {
        if (kept > 0 && strcmp(counts->items[kept - 1].word, counts->items[i].word) == 0) {
            counts->items[kept - 1].count += counts->items[i].count;
            mem_free(counts->items[i].word);
        } else {
            counts->items[kept++] = counts->items[i];
        }
    }
    counts->count = kept;
}

/* The program runs in the C locale: these are ASCII's letters and digits. */
static bool in_word(char byte)
{
    return isalnum((unsigned char)byte) != 0;
}

static char lower_byte(char byte)
{
    return (char)tolower((unsigned char)byte);
}

model_counts model_count_words(cairn_slice text)
{
    CAIRN_AUTO(cairn_buf) copy = {.limit = text.len + 1};
    model_counts counts = {0};
    size_t begin = 0;

    append_bytes(&copy, text.data, text.len);
    append_bytes(&copy, " ", 1);
    char *bytes = (char *)copy.data;
    for (size_t i = 0; i < copy.len; i++) {
        bytes[i] = lower_byte(bytes[i]);
        if (!in_word(bytes[i])) {
            add(&counts, bytes + begin, i - begin, 1);
            begin = i + 1;
        }
    }
    sort(&counts);
    sum_equal_words(&counts);
    return counts;
}

/* Of sorted items whose `count` is the number of their line: the number in the last line. */
static void keep_last_lines(model_counts *counts, const uint64_t *numbers)
{
    size_t kept = 0;

    for (size_t i = 0; i < counts->count; i++) {
        model_count *item = &counts->items[i];

        if (kept > 0 && strcmp(counts->items[kept - 1].word, item->word) == 0) {
            if (item->count > counts->items[kept - 1].count) {
                counts->items[kept - 1].count = item->count;
            }
            mem_free(item->word);
        } else {
            counts->items[kept++] = *item;
        }
    }
    counts->count = kept;
    for (size_t i = 0; i < kept; i++) {
        counts->items[i].count = numbers[counts->items[i].count];
    }
}

model_counts model_read_counts(cairn_slice output)
{
    const char *bytes = output.data;
    model_counts counts = {0};
    uint64_t *numbers = mem_calloc(output.len + 1, sizeof(*numbers));
    size_t begin = 0;

    CAIRN_ASSERT(numbers != NULL);
    for (size_t line = 0; begin < output.len; line++) {
        const char *tab = memchr(bytes + begin, '\t', output.len - begin);
        char *end = NULL;

        CAIRN_ASSERT(tab != NULL);
        numbers[line] = strtoull(tab + 1, &end, DECIMAL);
        CAIRN_ASSERT(end > tab + 1 && end < bytes + output.len && *end == '\n');
        add(&counts, bytes + begin, (size_t)(tab - bytes) - begin, line);
        begin = (size_t)(end - bytes) + 1;
    }
    sort(&counts);
    keep_last_lines(&counts, numbers);
    mem_free(numbers);
    return counts;
}

bool model_counts_equal(const model_counts *found, const model_counts *expected)
{
    for (size_t i = 0; i < found->count || i < expected->count; i++) {
        const model_count none = {NULL, 0};
        const model_count *a = i < found->count ? &found->items[i] : &none;
        const model_count *b = i < expected->count ? &expected->items[i] : &none;

        if (a->word == NULL || b->word == NULL || strcmp(a->word, b->word) != 0 ||
            a->count != b->count) {
            (void)fprintf(stderr, "found %s %" PRIu64 ", expected %s %" PRIu64 "\n",
                          a->word == NULL ? "nothing" : a->word, a->count,
                          b->word == NULL ? "nothing" : b->word, b->count);
            return false;
        }
    }
    return true;
}

static bool is_key_byte(char byte)
{
    return byte != '\t' && byte != ',' && byte != ' ';
}

void model_line_lengths(cairn_slice text, cairn_buf *out)
{
    const char *bytes = text.data;

    for (size_t begin = 0; begin < text.len;) {
        const char *newline = memchr(bytes + begin, '\n', text.len - begin);
        const size_t len = newline == NULL ? text.len - begin : (size_t)(newline - bytes) - begin;
        size_t key = 0;

        while (key < len && is_key_byte(bytes[begin + key])) {
            key++;
        }
        append_bytes(out, bytes + begin, key);
        CAIRN_ASSERT(buf_printf(out, NULL, "\t%zu\n", len) == CAIRN_OK);
        begin += len + 1;
    }
}

void model_read_output(const char *folder, cairn_buf *out)
{
    CAIRN_AUTO(fs_names) names = {0};

    if (!fs_exists(folder)) {
        return;
    }
    CAIRN_ASSERT(fs_list(folder, &names, NULL) == CAIRN_OK);
    for (size_t i = 0; i < names.count; i++) {
        CAIRN_AUTO(cairn_buf) bytes = {0};
        char *path CAIRN_AUTO_FREE = NULL;

        CAIRN_ASSERT(fs_join(folder, names.items[i], &path, NULL) == CAIRN_OK);
        CAIRN_ASSERT(fs_read_file(path, CAIRN_BUF_DEFAULT_LIMIT, &bytes, NULL) == CAIRN_OK);
        append_bytes(out, bytes.data, bytes.len);
    }
}
