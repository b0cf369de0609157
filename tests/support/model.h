/*
 * The reference model of the built-in jobs: what must come out, computed in the plainest way and
 * with none of the product's code for splitting or counting.
 */
#ifndef CAIRN_TESTS_MODEL_H
#define CAIRN_TESTS_MODEL_H

#include <cairn/base.h>

#include "check.h"

/* Sorted by word, each word once. */
typedef struct model_count {
    char *word;
    uint64_t count;
} model_count;

typedef struct model_counts {
    model_count *items;
    size_t count;
} model_counts;

void model_counts_release(model_counts *counts);
CAIRN_DEFINE_AUTO(model_counts, model_counts_release)

/* The words of `text`: maximal runs of ASCII letters and digits, lower-cased. */
model_counts model_count_words(cairn_slice text);

/* What a reader of wordcount's output knows: the number in the last line of each word. */
model_counts model_read_counts(cairn_slice output);

/* Prints the first difference to stderr. */
bool model_counts_equal(const model_counts *found, const model_counts *expected);

/* The whole output of line-length: for each line its key, a tab, its length. Appends to `out`. */
void model_line_lengths(cairn_slice text, cairn_buf *out);

/*
 * The contents of all files in a folder, in the order of their names: published output as a reader
 * sees it. Appends to `out`.
 */
void model_read_output(const char *folder, cairn_buf *out);

#endif
