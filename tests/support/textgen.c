#include "textgen.h"

#include "buf.h"
#include "fsutil.h"

#include <stdio.h>

/* 2^16 different words. */
#define VOCABULARY_BITS 16

/* splitmix64 (Sebastiano Vigna, public domain). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15U);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

/* A rank of which each octave is as likely as the next: that is Zipf's law, nearly. */
static uint64_t next_rank(uint64_t *state)
{
    const uint64_t octave = next_random(state) % VOCABULARY_BITS;

    return ((uint64_t)1 << octave) + next_random(state) % ((uint64_t)1 << octave);
}

static void append(cairn_buf *out, const char *text)
{
    CAIRN_ASSERT(buf_append_text(out, text, NULL) == CAIRN_OK);
}

/* Spells a rank in letters and digits, so that frequent words are short. */
static void append_word(cairn_buf *out, uint64_t rank, bool upper)
{
    static const char small[] = "etaoinshrdlucmfwypvbgkjqxz0123456789";
    static const char large[] = "ETAOINSHRDLUCMFWYPVBGKJQXZ0123456789";

    while (rank > 0) {
        const uint64_t digit = rank % (sizeof(small) - 1);

        CAIRN_ASSERT(buf_append_byte(out, (uint8_t)(upper ? large[digit] : small[digit]), NULL) ==
                     CAIRN_OK);
        rank /= sizeof(small) - 1;
    }
}

static void append_line(cairn_buf *out, uint64_t *state)
{
    static const char *const between[] = {" ",  " ", " ",  " ",  ", ",
                                          "\t", "-", ". ", "  ", "\xc3\xa9"};
    const uint64_t words = next_random(state) % 16;

    for (uint64_t i = 0; i < words; i++) {
        append_word(out, next_rank(state), next_random(state) % 8 == 0);
        append(out, between[next_random(state) % CAIRN_ARRAY_LEN(between)]);
    }
    append(out, "\n");
}

void textgen_make(uint64_t seed, size_t bytes, cairn_buf *out)
{
    uint64_t state = seed;

    while (out->len < bytes) {
        append_line(out, &state);
    }
}

void textgen_write(uint64_t seed, size_t bytes, const char *path)
{
    CAIRN_AUTO(cairn_buf) text = {.limit = 2 * bytes + 1024};
    FILE *file = fopen(path, "wbxe");

    textgen_make(seed, bytes, &text);
    CAIRN_ASSERT(file != NULL && fwrite(text.data, 1, text.len, file) == text.len);
    CAIRN_ASSERT(fclose(file) == 0);
}
