/*
 * Byte buffers (cairn_buf) and text building on top of them. A buffer that would pass its limit
 * gives CAIRN_E_LIMIT and keeps its contents; no memory gives CAIRN_E_NO_MEMORY.
 */
#ifndef CAIRN_BASE_BUF_H
#define CAIRN_BASE_BUF_H

#include <cairn/base.h>

#include "check.h"

cairn_code buf_append(cairn_buf *buf, const void *data, size_t len, cairn_error *err);
cairn_code buf_append_text(cairn_buf *buf, const char *text, cairn_error *err);
cairn_code buf_append_byte(cairn_buf *buf, uint8_t byte, cairn_error *err);
cairn_code buf_printf(cairn_buf *buf, cairn_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Makes room for `extra` more bytes without changing the length. */
cairn_code buf_reserve(cairn_buf *buf, size_t extra, cairn_error *err);

/* Length 0, memory kept. */
void buf_clear(cairn_buf *buf);

/* Moves the contents out; `buf` is empty afterwards. */
cairn_buf buf_take(cairn_buf *buf);

/* NUL-terminates without counting the NUL and returns the text, borrowed; NULL if out of memory. */
const char *buf_text(cairn_buf *buf);

#endif
