/*
 * Text for tests, the same for the same seed on every machine: words of a Zipf-like distribution in
 * lines of different lengths, with upper case, digits, punctuation, tabs, commas, empty lines and
 * bytes beyond ASCII.
 */
#ifndef CAIRN_TESTS_TEXTGEN_H
#define CAIRN_TESTS_TEXTGEN_H

#include <cairn/base.h>

/* Makes at least `bytes` bytes of whole lines, the last one with its newline, into an empty `out`.
 */
void textgen_make(uint64_t seed, size_t bytes, cairn_buf *out);

/* The same into the new file `path`. */
void textgen_write(uint64_t seed, size_t bytes, const char *path);

#endif
