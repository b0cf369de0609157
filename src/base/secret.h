/*
 * Bytes that must not be seen: keys, tokens. There is no way to print one; memory is wiped before
 * it is freed. Zero-initialise it. Not safe for use by several threads at once.
 */
#ifndef CAIRN_BASE_SECRET_H
#define CAIRN_BASE_SECRET_H

#include <cairn/base.h>

#include "check.h"

/* NUL-terminated; `text` is NULL if there is none. Nobody but who signs or sends reads it. */
typedef struct secret {
    char *text;
    size_t len;
} secret;

/* Copies bytes in; what was held is wiped. CAIRN_E_INVALID if there is a NUL in them. */
cairn_code secret_set(secret *s, cairn_slice bytes, cairn_error *err);
cairn_code secret_copy(secret *s, const secret *from, cairn_error *err);
bool secret_is_set(const secret *s);
secret secret_take(secret *s);
void secret_release(secret *s);
CAIRN_DEFINE_AUTO(secret, secret_release)

/* Wipes and frees a buffer that held one. */
void secret_buf_release(cairn_buf *buf);

/* "AKIA...": the first 4 characters of an id that is not secret itself, for messages. */
#define SECRET_HINT_SIZE 8
void secret_hint(const char *id, char out[SECRET_HINT_SIZE]);

#endif
