#include "byte_stream.h"

#include "bounds.h"
#include "errors.h"

#include <string.h>

#define NUMBER_BYTES_MAX 10

/* --- writing ---------------------------------------------------------------------------------- */

cairn_code byte_writer_init(byte_writer *out, const char *path, cairn_error *err)
{
    uint8_t *const buffer = mem_alloc(CAIRN_STREAM_BUFFER_BYTES);

    if (buffer == NULL) {
        return error_no_memory(err, path);
    }
    *out = (byte_writer){.path = path, .fd = -1, .buffer = buffer};
    return CAIRN_OK;
}

static cairn_code flush(byte_writer *self, cairn_error *err)
{
    if (self->fd < 0) {
        CAIRN_TRY(fs_open_new(self->path, &self->fd, err));
    }
    CAIRN_TRY(fs_write_all(self->fd, self->buffer, self->used, self->path, err));
    self->used = 0;
    return CAIRN_OK;
}

cairn_code byte_writer_put(byte_writer *self, cairn_slice bytes, cairn_error *err)
{
    const uint8_t *from = bytes.data;
    size_t left = bytes.len;

    while (left > 0) {
        const size_t room = CAIRN_STREAM_BUFFER_BYTES - self->used;
        const size_t part = left < room ? left : room;

        memcpy(self->buffer + self->used, from, part);
        self->used += part;
        from += part;
        left -= part;
        if (self->used == CAIRN_STREAM_BUFFER_BYTES) {
            CAIRN_TRY(flush(self, err));
        }
    }
    return CAIRN_OK;
}

cairn_code byte_writer_put_number(byte_writer *self, uint64_t number, cairn_error *err)
{
    uint8_t bytes[NUMBER_BYTES_MAX];
    size_t len = 0;

    for (; number >= 0x80; number >>= 7) {
        bytes[len++] = (uint8_t)(number | 0x80);
    }
    bytes[len++] = (uint8_t)number;
    return byte_writer_put(self, (cairn_slice){bytes, len}, err);
}

cairn_code byte_writer_finish(byte_writer *self, cairn_error *err)
{
    CAIRN_TRY(flush(self, err));
    fs_close(&self->fd);
    return CAIRN_OK;
}

void byte_writer_release(byte_writer *self)
{
    if (self->buffer != NULL) { /* else it was never made, and 0 is somebody else's file */
        fs_close(&self->fd);
        mem_free(self->buffer);
    }
    *self = (byte_writer){0};
}

/* --- reading ---------------------------------------------------------------------------------- */

cairn_code byte_reader_init(byte_reader *out, const char *path, size_t take_max, cairn_error *err)
{
    CAIRN_AUTO(fs_fd) fd = -1;

    CAIRN_TRY(fs_open_read(path, &fd, err));
    uint8_t *const buffer = mem_alloc(CAIRN_STREAM_BUFFER_BYTES);
    if (buffer == NULL) {
        return error_no_memory(err, path);
    }
    *out = (byte_reader){.path = path, .fd = fs_take(&fd), .buffer = buffer};
    cairn_buf_init(&out->large, take_max);
    return CAIRN_OK;
}

cairn_code byte_reader_damaged(const byte_reader *self, const char *what, cairn_error *err)
{
    return error_set(err, CAIRN_E_INTEGRITY, "%s: %s", self->path, what);
}

/* Makes `size` bytes stand at self->at, or as many as there are. */
static cairn_code fill(byte_reader *self, size_t size, cairn_error *err)
{
    size_t got = 0;

    if (self->end - self->at >= size) {
        return CAIRN_OK;
    }
    memmove(self->buffer, self->buffer + self->at, self->end - self->at);
    self->end -= self->at;
    self->at = 0;
    const cairn_memory_range to = {self->offset, self->buffer + self->end,
                                   CAIRN_STREAM_BUFFER_BYTES - self->end};
    CAIRN_TRY(fs_read_at(self->fd, &to, &got, self->path, err));
    self->offset += got;
    self->end += got;
    return CAIRN_OK;
}

static cairn_code take_small(byte_reader *self, size_t size, cairn_slice *out, cairn_error *err)
{
    CAIRN_TRY(fill(self, size, err));
    if (self->end - self->at < size) {
        return byte_reader_damaged(self, "it ends too early", err);
    }
    *out = (cairn_slice){self->buffer + self->at, size};
    self->at += size;
    return CAIRN_OK;
}

cairn_code byte_reader_take(byte_reader *self, size_t size, cairn_slice *out, cairn_error *err)
{
    if (size <= CAIRN_STREAM_BUFFER_BYTES) {
        return take_small(self, size, out, err);
    }
    buf_clear(&self->large);
    while (self->large.len < size) {
        const size_t left = size - self->large.len;
        cairn_slice part = {0};

        CAIRN_TRY(take_small(
            self, left < CAIRN_STREAM_BUFFER_BYTES ? left : CAIRN_STREAM_BUFFER_BYTES, &part, err));
        CAIRN_TRY(buf_append(&self->large, part.data, part.len, err));
    }
    *out = cairn_buf_slice(&self->large);
    return CAIRN_OK;
}

cairn_code byte_reader_number(byte_reader *self, uint64_t max, uint64_t *out, cairn_error *err)
{
    uint64_t number = 0;
    uint8_t byte = 0x80;

    for (unsigned shift = 0; (byte & 0x80) != 0; shift += 7) {
        cairn_slice bytes = {0};

        CAIRN_TRY(take_small(self, 1, &bytes, err));
        CAIRN_ASSERT(bytes.data != NULL);
        byte = *(const uint8_t *)bytes.data;
        if (shift > 63 || (shift == 63 && byte > 1) || (shift > 0 && byte == 0)) {
            return byte_reader_damaged(self, "a number is not in its shortest form", err);
        }
        number |= (uint64_t)(byte & 0x7f) << shift;
    }
    if (number > max) {
        return byte_reader_damaged(self, "a number is beyond its bound", err);
    }
    *out = number;
    return CAIRN_OK;
}

cairn_code byte_reader_finish(byte_reader *self, cairn_error *err)
{
    CAIRN_TRY(fill(self, 1, err));
    return self->at == self->end
               ? CAIRN_OK
               : byte_reader_damaged(self, "something stands behind its end", err);
}

void byte_reader_release(byte_reader *self)
{
    if (self->buffer != NULL) {
        fs_close(&self->fd);
        mem_free(self->buffer);
        cairn_buf_release(&self->large);
    }
    *self = (byte_reader){0};
}
