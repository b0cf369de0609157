#include "test.h"

#include <cairn/worker.h>

#include "bounds.h"
#include "buf.h"
#include "builtin_jobs.h"
#include "word_table.h"

#include <stdio.h>

static void built_in_jobs_are_found_by_name(void **state)
{
    (void)state;
    assert_string_equal(cairn_builtin_job("wordcount")->name, "wordcount");
    assert_string_equal(cairn_builtin_job("line-length")->name, "line-length");
    assert_null(cairn_builtin_job("word"));
    assert_null(cairn_builtin_job(""));
    assert_null(cairn_builtin_job(NULL));
}

static void append_bracketed(cairn_buf *out, cairn_slice word)
{
    assert_int_equal(buf_append_byte(out, '[', NULL), CAIRN_OK);
    assert_int_equal(buf_append(out, word.data, word.len, NULL), CAIRN_OK);
    assert_int_equal(buf_append_byte(out, ']', NULL), CAIRN_OK);
}

static void words_are_maximal_runs_of_ascii_letters_and_digits(void **state)
{
    static const struct {
        const char *record;
        size_t len;
        const char *words;
    } cases[] = {
        {"", 0, ""},
        {"one", 3, "[one]"},
        {" one  two ", 10, "[one][two]"},
        {"don't stop", 10, "[don][t][stop]"},
        {"A1b2-c3_d4", 10, "[A1b2][c3][d4]"},
        {"...", 3, ""},
        {"caf\xc3\xa9s", 6, "[caf][s]"},
        {"a\0b\tc", 5, "[a][b][c]"},
        {"@[`{/:", 6, ""}, /* the neighbours of letters and digits */
        {"AZaz09", 6, "[AZaz09]"},
    };

    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO(cairn_buf) found = {0};
        cairn_slice word;

        for (size_t at = 0;
             wordcount_next((cairn_slice){cases[i].record, cases[i].len}, &at, &word);) {
            append_bracketed(&found, word);
        }
        assert_string_equal(buf_text(&found), cases[i].words);
    }
}

static void a_line_has_all_before_its_first_tab_comma_or_blank_as_key(void **state)
{
    static const struct {
        const char *line;
        const char *key;
    } cases[] = {
        {"", ""},
        {"one", "one"},
        {"one two", "one"},
        {"one,two three", "one"},
        {"one\ttwo", "one"},
        {" one", ""},
        {",one", ""},
        {"a;b c", "a;b"},
    };

    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        const cairn_slice key = line_length_key(cairn_slice_of(cases[i].line));

        assert_true(cairn_slice_equal(key, cairn_slice_of(cases[i].key)));
    }
}

static void the_table_keeps_the_order_of_first_change_and_the_newest_count(void **state)
{
    static const char *const words[] = {"to", "be", "or", "not", "to", "be"};
    static const char *const order[] = {"to", "be", "or", "not"};
    static const uint64_t counts[] = {5, 6, 3, 4};
    word_table *table = NULL;

    (void)state;
    assert_int_equal(word_table_new(&table, NULL), CAIRN_OK);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(words); i++) {
        assert_true(word_table_set(table, cairn_slice_of(words[i]), i + 1));
    }

    assert_int_equal(word_table_size(table), CAIRN_ARRAY_LEN(order));
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(order); i++) {
        const word_table_entry entry = word_table_at(table, i);
        assert_true(cairn_slice_equal(entry.word, cairn_slice_of(order[i])));
        assert_int_equal(entry.count, counts[i]);
    }
    word_table_free(table);
}

static bool set_number(word_table *table, size_t number, uint64_t count)
{
    char word[32];

    (void)snprintf(word, sizeof(word), "%zu", number);
    return word_table_set(table, cairn_slice_of(word), count);
}

static void a_full_table_takes_known_words_only_until_it_is_cleared(void **state)
{
    word_table *table = NULL;

    (void)state;
    assert_int_equal(word_table_new(&table, NULL), CAIRN_OK);
    for (size_t i = 0; i < CAIRN_WORDCOUNT_WORDS_MAX; i++) {
        assert_true(set_number(table, i, i));
    }

    assert_false(set_number(table, CAIRN_WORDCOUNT_WORDS_MAX, 1));
    assert_true(set_number(table, 17, 99));
    assert_int_equal(word_table_at(table, 17).count, 99);
    assert_int_equal(word_table_size(table), CAIRN_WORDCOUNT_WORDS_MAX);
    word_table_clear(table);
    assert_int_equal(word_table_size(table), 0);
    assert_true(set_number(table, CAIRN_WORDCOUNT_WORDS_MAX, 1));
    assert_int_equal(word_table_size(table), 1);
    word_table_free(table);
}

static void a_table_full_of_bytes_refuses_the_next_word(void **state)
{
    static char word[CAIRN_KEY_BYTES_MAX];
    const size_t fit = CAIRN_WORDCOUNT_BYTES_MAX / sizeof(word);
    word_table *table = NULL;

    (void)state;
    assert_int_equal(word_table_new(&table, NULL), CAIRN_OK);
    for (size_t i = 0; i < fit; i++) {
        memset(word, (int)('a' + i % 26), sizeof(word));
        word[0] = (char)('0' + i / 26);
        assert_true(word_table_set(table, (cairn_slice){word, sizeof(word)}, 1));
    }

    assert_false(word_table_set(table, cairn_slice_of("x"), 1));
    assert_int_equal(word_table_size(table), fit);
    word_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in_jobs_are_found_by_name),
        cmocka_unit_test(words_are_maximal_runs_of_ascii_letters_and_digits),
        cmocka_unit_test(a_line_has_all_before_its_first_tab_comma_or_blank_as_key),
        cmocka_unit_test(the_table_keeps_the_order_of_first_change_and_the_newest_count),
        cmocka_unit_test(a_full_table_takes_known_words_only_until_it_is_cleared),
        cmocka_unit_test(a_table_full_of_bytes_refuses_the_next_word),
    };

    return cmocka_run_group_tests_name("jobs", tests, NULL, NULL);
}
