/* Which bytes are UTF-8 (RFC 3629: nothing overlong, no surrogates, nothing above U+10FFFF). */
#ifndef CAIRN_BASE_UTF8_H
#define CAIRN_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Length (1..4) of the valid sequence that begins at `bytes`, of which `left` are there; else 0. */
size_t utf8_sequence(const uint8_t *bytes, size_t left);

#define UTF8_SEQUENCE_MAX 4
/* Writes a code point, which must not be a surrogate nor above U+10FFFF; returns the length. */
size_t utf8_encode(uint32_t code_point, uint8_t out[UTF8_SEQUENCE_MAX]);

#endif
