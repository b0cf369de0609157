/*
 * The words whose counts changed since they were last put out, with their newest counts, in the
 * order of their first change. Bounded: CAIRN_WORDCOUNT_WORDS_MAX words of
 * CAIRN_WORDCOUNT_BYTES_MAX bytes together. One thread.
 */
#ifndef CAIRN_WORKER_WORD_TABLE_H
#define CAIRN_WORKER_WORD_TABLE_H

#include "check.h"

typedef struct word_table word_table;

cairn_code word_table_new(word_table **out, cairn_error *err);
void word_table_free(word_table *table);
CAIRN_DEFINE_AUTO_PTR(word_table, word_table_free)

/* Notes the count of a word. False if it is new and there is no room for it. */
bool word_table_set(word_table *table, cairn_slice word, uint64_t count);

size_t word_table_size(const word_table *table);

/* Entry `index`, in the order of first change; the word is borrowed until the table changes. */
typedef struct word_table_entry {
    cairn_slice word;
    uint64_t count;
} word_table_entry;
word_table_entry word_table_at(const word_table *table, size_t index);

void word_table_clear(word_table *table);

#endif
