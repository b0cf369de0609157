/* DESIGN: open addressing over indexes into a list of entries, whose words lie in one block. */
#include "word_table.h"

#include "bounds.h"
#include "errors.h"
#include "hash.h"

#include <string.h>

/* At most half full, so that a search ends soon. */
#define SLOTS (2 * CAIRN_WORDCOUNT_WORDS_MAX)

_Static_assert((SLOTS & (SLOTS - 1)) == 0, "slots are chosen by mask");
_Static_assert(CAIRN_WORDCOUNT_WORDS_MAX < UINT32_MAX, "an index fits in a slot");

typedef struct entry {
    size_t offset;
    size_t len;
    uint32_t hash;
    uint64_t count;
} entry;

struct word_table {
    uint32_t *slots; /* index of an entry plus 1; 0: free */
    entry *entries;
    size_t count;
    uint8_t *words;
    size_t words_len;
};

cairn_code word_table_new(word_table **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(word_table_free) word_table *table = mem_calloc(1, sizeof(*table));

    if (table == NULL) {
        return error_no_memory(err, "a table of words");
    }
    table->slots = mem_calloc(SLOTS, sizeof(*table->slots));
    table->entries = mem_calloc(CAIRN_WORDCOUNT_WORDS_MAX, sizeof(*table->entries));
    table->words = mem_alloc(CAIRN_WORDCOUNT_BYTES_MAX);
    if (table->slots == NULL || table->entries == NULL || table->words == NULL) {
        return error_no_memory(err, "a table of words");
    }
    *out = CAIRN_TAKE(table);
    return CAIRN_OK;
}

void word_table_free(word_table *table)
{
    if (table == NULL) {
        return;
    }
    mem_free(table->slots);
    mem_free(table->entries);
    mem_free(table->words);
    mem_free(table);
}

static bool entry_is(const word_table *table, const entry *at, cairn_slice word, uint32_t hash)
{
    return at->hash == hash &&
           cairn_slice_equal((cairn_slice){table->words + at->offset, at->len}, word);
}

/* The slot that holds the word, or the free one where it belongs. */
static uint32_t *find_slot(const word_table *table, cairn_slice word, uint32_t hash)
{
    size_t at = hash & (SLOTS - 1);

    while (table->slots[at] != 0 &&
           !entry_is(table, &table->entries[table->slots[at] - 1], word, hash)) {
        at = (at + 1) & (SLOTS - 1);
    }
    return &table->slots[at];
}

bool word_table_set(word_table *table, cairn_slice word, uint64_t count)
{
    const uint32_t hash = hash_murmur3_x86_32(word, 0);
    uint32_t *slot = find_slot(table, word, hash);

    if (*slot != 0) {
        table->entries[*slot - 1].count = count;
        return true;
    }
    if (table->count == CAIRN_WORDCOUNT_WORDS_MAX ||
        word.len > CAIRN_WORDCOUNT_BYTES_MAX - table->words_len) {
        return false;
    }
    if (word.len > 0) {
        memcpy(table->words + table->words_len, word.data, word.len);
    }
    table->entries[table->count] = (entry){table->words_len, word.len, hash, count};
    table->words_len += word.len;
    *slot = (uint32_t)++table->count;
    return true;
}

size_t word_table_size(const word_table *table)
{
    return table->count;
}

word_table_entry word_table_at(const word_table *table, size_t index)
{
    CAIRN_ASSERT(index < table->count);
    const entry *at = &table->entries[index];

    return (word_table_entry){{table->words + at->offset, at->len}, at->count};
}

void word_table_clear(word_table *table)
{
    memset(table->slots, 0, SLOTS * sizeof(*table->slots));
    table->count = 0;
    table->words_len = 0;
}
