#include "secret.h"

#include "errors.h"

#include <stdio.h>
#include <string.h>

cairn_code secret_set(secret *s, cairn_slice bytes, cairn_error *err)
{
    char *text = NULL;

    if (bytes.len > 0 && memchr(bytes.data, '\0', bytes.len) != NULL) {
        return error_set(err, CAIRN_E_INVALID, "a secret holds a NUL byte");
    }
    text = mem_strndup(bytes.data, bytes.len);
    if (text == NULL) {
        return error_no_memory(err, "a secret");
    }
    secret_release(s);
    *s = (secret){text, bytes.len};
    return CAIRN_OK;
}

cairn_code secret_copy(secret *s, const secret *from, cairn_error *err)
{
    if (!secret_is_set(from)) {
        secret_release(s);
        return CAIRN_OK;
    }
    return secret_set(s, (cairn_slice){from->text, from->len}, err);
}

bool secret_is_set(const secret *s)
{
    return s->text != NULL;
}

secret secret_take(secret *s)
{
    const secret taken = *s;

    *s = (secret){NULL, 0};
    return taken;
}

void secret_release(secret *s)
{
    if (s->text != NULL) {
        explicit_bzero(s->text, s->len);
        mem_free(s->text);
    }
    *s = (secret){NULL, 0};
}

void secret_buf_release(cairn_buf *buf)
{
    if (buf->data != NULL) {
        explicit_bzero(buf->data, buf->capacity);
    }
    cairn_buf_release(buf);
}

void secret_hint(const char *id, char out[SECRET_HINT_SIZE])
{
    (void)snprintf(out, SECRET_HINT_SIZE, "%.4s...", id);
}
