#include "buf.h"

#include "errors.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FIRST_CAPACITY_BYTES ((size_t)64)

static size_t limit_of(const cairn_buf *buf)
{
    return buf->limit == 0 ? CAIRN_BUF_DEFAULT_LIMIT : buf->limit;
}

void cairn_buf_init(cairn_buf *buf, size_t limit)
{
    *buf = (cairn_buf){.limit = limit};
}

void cairn_buf_release(cairn_buf *buf)
{
    if (buf != NULL) {
        mem_free(buf->data);
        *buf = (cairn_buf){.limit = buf->limit};
    }
}

cairn_slice cairn_buf_slice(const cairn_buf *buf)
{
    return (cairn_slice){buf->data, buf->len};
}

cairn_slice cairn_slice_of(const char *text)
{
    return (cairn_slice){text, text == NULL ? 0 : strlen(text)};
}

bool cairn_slice_equal(cairn_slice a, cairn_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static cairn_code check_room(const cairn_buf *buf, size_t extra, cairn_error *err)
{
    const size_t limit = limit_of(buf);

    if (buf->len > limit || extra > limit - buf->len) {
        return error_set(err, CAIRN_E_LIMIT,
                         "buffer: %zu more bytes after %zu pass its limit of %zu", extra, buf->len,
                         limit);
    }
    return CAIRN_OK;
}

/* Doubles, but not past the limit unless `wanted` itself does (a NUL may stand behind the limit).
 */
static bool grow_to(cairn_buf *buf, size_t wanted)
{
    const size_t limit = limit_of(buf);
    size_t capacity = buf->capacity == 0 ? FIRST_CAPACITY_BYTES : buf->capacity;

    if (wanted <= buf->capacity) {
        return true;
    }
    capacity = capacity > limit / 2 ? limit : capacity * 2;
    capacity = capacity < wanted ? wanted : capacity;
    uint8_t *data = mem_realloc_array(buf->data, capacity, 1);
    if (data == NULL) {
        return false;
    }
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

cairn_code buf_reserve(cairn_buf *buf, size_t extra, cairn_error *err)
{
    CAIRN_TRY(check_room(buf, extra, err));
    return grow_to(buf, buf->len + extra) ? CAIRN_OK : error_no_memory(err, "grow a buffer");
}

cairn_code buf_append(cairn_buf *buf, const void *data, size_t len, cairn_error *err)
{
    if (len == 0) {
        return CAIRN_OK;
    }
    CAIRN_TRY(buf_reserve(buf, len, err));
    memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    return CAIRN_OK;
}

cairn_code buf_append_text(cairn_buf *buf, const char *text, cairn_error *err)
{
    return buf_append(buf, text, strlen(text), err);
}

cairn_code buf_append_byte(cairn_buf *buf, uint8_t byte, cairn_error *err)
{
    return buf_append(buf, &byte, 1, err);
}

__attribute__((format(printf, 3, 0))) static cairn_code append_formatted(cairn_buf *buf, size_t len,
                                                                         const char *format,
                                                                         va_list args,
                                                                         cairn_error *err)
{
    CAIRN_TRY(check_room(buf, len, err));
    if (!grow_to(buf, buf->len + len + 1)) {
        return error_no_memory(err, "grow a buffer");
    }
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): clang-tidy 14 loses va_start */
    (void)vsnprintf((char *)buf->data + buf->len, len + 1, format, args);
    buf->len += len;
    return CAIRN_OK;
}

cairn_code buf_printf(cairn_buf *buf, cairn_error *err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): clang-tidy 14 loses va_start */
    const int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    CAIRN_ASSERT(len >= 0);
    va_start(args, format);
    const cairn_code code = append_formatted(buf, (size_t)len, format, args, err);
    va_end(args);
    return code;
}

void buf_clear(cairn_buf *buf)
{
    buf->len = 0;
}

cairn_buf buf_take(cairn_buf *buf)
{
    const cairn_buf taken = *buf;

    *buf = (cairn_buf){.limit = taken.limit};
    return taken;
}

const char *buf_text(cairn_buf *buf)
{
    if (!grow_to(buf, buf->len + 1)) {
        return NULL;
    }
    buf->data[buf->len] = '\0';
    return (const char *)buf->data;
}
