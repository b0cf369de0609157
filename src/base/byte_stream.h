/*
 * A file of state as bytes and numbers, through a buffer: what writes it and what reads it. A
 * *number* is an unsigned LEB128 varint (seven bits a byte, lowest first) in its shortest form.
 *
 * The reader trusts nothing: memory grows with what is really there, not with what a length says.
 * Damage is CAIRN_E_INTEGRITY, with the path in front.
 *
 * Thread safety: one thread uses a stream.
 */
#ifndef CAIRN_BASE_BYTE_STREAM_H
#define CAIRN_BASE_BYTE_STREAM_H

#include "buf.h"
#include "fsutil.h"

typedef struct byte_writer {
    const char *path; /* borrowed */
    fs_fd fd; /* -1 until the buffer was full once: a stream that is dropped makes no file */
    uint8_t *buffer;
    size_t used;
} byte_writer;

/* `path`: of a file that is not there. */
cairn_code byte_writer_init(byte_writer *out, const char *path, cairn_error *err);
cairn_code byte_writer_put(byte_writer *self, cairn_slice bytes, cairn_error *err);
cairn_code byte_writer_put_number(byte_writer *self, uint64_t number, cairn_error *err);
/* All that was put stands in the file; not fsynced. Without it there is no whole file. */
cairn_code byte_writer_finish(byte_writer *self, cairn_error *err);
void byte_writer_release(byte_writer *self);
CAIRN_DEFINE_AUTO(byte_writer, byte_writer_release)

typedef struct byte_reader {
    const char *path; /* borrowed */
    fs_fd fd;
    uint64_t offset; /* in the file, behind the buffer */
    uint8_t *buffer;
    size_t at;
    size_t end;
    cairn_buf large; /* what the buffer can't hold */
} byte_reader;

/* `take_max`: the most that is taken at once. */
cairn_code byte_reader_init(byte_reader *out, const char *path, size_t take_max, cairn_error *err);
/* The next `size` bytes, valid until the next call. */
cairn_code byte_reader_take(byte_reader *self, size_t size, cairn_slice *out, cairn_error *err);
/* At most `max`. */
cairn_code byte_reader_number(byte_reader *self, uint64_t max, uint64_t *out, cairn_error *err);
/* CAIRN_E_INTEGRITY if something stands behind what was taken. */
cairn_code byte_reader_finish(byte_reader *self, cairn_error *err);
/* CAIRN_E_INTEGRITY with the path in front: for rules of who reads. */
cairn_code byte_reader_damaged(const byte_reader *self, const char *what, cairn_error *err);
void byte_reader_release(byte_reader *self);
CAIRN_DEFINE_AUTO(byte_reader, byte_reader_release)

#endif
