/*
 * The input of a worker: records are lines, read from a file, from standard input, or from an
 * object in a store.
 *
 * Life cycle: source_open or source_open_object, source_restore if a checkpoint names a position,
 * then source_next until it gives CAIRN_SOURCE_END. The last line may lack its newline. One thread.
 */
#ifndef CAIRN_WORKER_SOURCE_H
#define CAIRN_WORKER_SOURCE_H

#include <cairn/store.h>

#include "check.h"

typedef struct source source;

/* What was read so far. */
typedef struct source_position {
    uint64_t offset; /* bytes, newlines counted */
    uint64_t records;
} source_position;

typedef enum source_event {
    CAIRN_SOURCE_RECORD = 0,
    CAIRN_SOURCE_IDLE = 1, /* nothing came within CAIRN_SOURCE_WAIT_MS; only from streams */
    CAIRN_SOURCE_END = 2   /* for good */
} source_event;

/*
 * `input` is a path (symlinks are followed), or "-" for standard input, which is always read as a
 * stream. CAIRN_E_NOT_FOUND if there is no such file, CAIRN_E_INVALID if it is a folder.
 */
cairn_code source_open(const char *input, source **out, cairn_error *err);
/* Object `key` of `store`; see feed_open_object. CAIRN_E_NOT_FOUND if there is none. */
cairn_code source_open_object(cairn_store *store, const char *key, const cairn_call *call,
                              source **out, cairn_error *err);
void source_free(source *in);
CAIRN_DEFINE_AUTO_PTR(source, source_free)

/*
 * Goes to a recorded position, before the first source_next. A file or object is sought and
 * compared with `guard` at once; a stream is read and dropped by the source_next calls that follow,
 * which compare it when they are there. CAIRN_E_INTEGRITY: the input is shorter than that, holds
 * other bytes, or goes on in the middle of a last line that was counted without its newline.
 * CAIRN_E_INCOMPATIBLE: the guard is not of this form.
 */
cairn_code source_restore(source *in, source_position position, cairn_slice guard,
                          cairn_error *err);

/*
 * The next record, without its newline, borrowed until the next call. A record of more than
 * CAIRN_RECORD_LINE_BYTES_MAX bytes is CAIRN_E_LIMIT.
 */
cairn_code source_next(source *in, cairn_slice *out_record, source_event *out_event,
                       cairn_error *err);

/* Behind the record that source_next gave last; the recorded position until one came. */
source_position source_at(const source *in);

/*
 * A mark of the bytes before the position (a digest of their first and last
 * CAIRN_SOURCE_GUARD_BYTES), by which source_restore knows the input again. Appends to `out`.
 * A stream that has not come to its recorded position has the mark that was recorded with it.
 */
cairn_code source_guard(const source *in, cairn_buf *out, cairn_error *err);

/* The last byte of a mark whose checkpoint covers the job's end_of_input: made and taken off by
 * these, so that a mark without it stays as it is. */
cairn_code source_guard_mark_end(cairn_buf *guard, cairn_error *err);
bool source_guard_take_end(cairn_slice *guard);

/* A pipe or terminal: it can't be read twice. */
bool source_is_stream(const source *in);

/* Size of the input when it was opened; 0: not known. */
uint64_t source_total_bytes(const source *in);

/* For messages; borrowed. */
const char *source_name(const source *in);

#endif
