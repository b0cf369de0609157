/* Text forms of bytes and numbers. All pure. */
#ifndef CAIRN_BASE_ENCODE_H
#define CAIRN_BASE_ENCODE_H

#include "buf.h"

/* Value of a hex digit of either case, else -1. */
int hex_digit_value(uint8_t digit);
cairn_code encode_hex(cairn_slice bytes, cairn_buf *out, cairn_error *err);
cairn_code decode_hex(cairn_slice text, cairn_buf *out, cairn_error *err);
/* RFC 4648 with padding; decode is strict. */
cairn_code encode_base64(cairn_slice bytes, cairn_buf *out, cairn_error *err);
cairn_code decode_base64(cairn_slice text, cairn_buf *out, cairn_error *err);

/* Decimal without sign, blank or leading zero ("0" itself is fine); false on overflow. */
bool parse_u64(cairn_slice text, uint64_t *out);
/* "10s", "500ms", "2 min", "1 h", plain number = ms (Flink's duration form) to milliseconds. */
bool parse_duration_ms(const char *text, uint64_t *out);
/* "64mb", "1 gb", "512k", plain number = bytes (Flink's memory form, powers of 1024). */
bool parse_memory_bytes(const char *text, uint64_t *out);

/* A peer's text made safe for a message: control and non-ASCII bytes as \xNN, cut at `max`.
 * Terminated (see buf_text). */
cairn_code encode_printable(cairn_slice text, size_t max, cairn_buf *out, cairn_error *err);

/* Names that become file names or object key parts: ^[A-Za-z0-9._-]{1,255}$, not "." or "..". */
bool is_safe_name(cairn_slice name);

/* Edit distance, for "did you mean"; texts longer than 64 bytes count as unlike. */
unsigned edit_distance(const char *a, const char *b);

#endif
