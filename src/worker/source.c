/*
 * DESIGN: one buffer. data[0, begin) is history, at least the last CAIRN_SOURCE_GUARD_BYTES that
 * were consumed; data[begin, end) is unread. The guard needs the history and the first bytes of the
 * input, which `head` collects as they are read. A restore reads through the same code: a file from
 * one guard before the position, a stream from its start.
 */
#include "source.h"

#include "bounds.h"
#include "buf.h"
#include "digest.h"
#include "errors.h"
#include "feed.h"

#include <inttypes.h>
#include <string.h>

#define GUARD_MAGIC       "cws1"
#define GUARD_MAGIC_BYTES 4
#define GUARD_BYTES       (GUARD_MAGIC_BYTES + SHA256_BYTES)
#define GUARD_END         'E'
/* A record of the largest size, its newline, one more chunk, and the history. */
#define BUFFER_BYTES_MAX \
    (CAIRN_RECORD_LINE_BYTES_MAX + 1 + 2 * CAIRN_IO_CHUNK_BYTES + CAIRN_SOURCE_GUARD_BYTES)

struct source {
    feed *from;
    bool ended;
    uint8_t *data;
    size_t begin;
    size_t scanned; /* no newline in [begin, scanned) */
    size_t end;
    size_t capacity;
    uint64_t offset; /* of `begin` in the input */
    uint64_t records;
    uint8_t head[CAIRN_SOURCE_GUARD_BYTES];
    size_t head_len;
    uint64_t skip_left; /* bytes to drop before the recorded position */
    bool restoring;
    uint8_t expected[GUARD_BYTES];
    bool cut_line; /* the record before the position had no newline: nothing may follow */
};

static size_t min_size(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

/* Takes `*from` in every case. */
static cairn_code source_new(feed **from, source **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(source_free) source *in = mem_calloc(1, sizeof(*in));

    if (in == NULL) {
        feed_free(CAIRN_TAKE(*from));
        return error_no_memory(err, "an input");
    }
    in->from = CAIRN_TAKE(*from);
    in->capacity = 2 * CAIRN_IO_CHUNK_BYTES;
    in->data = mem_alloc(in->capacity);
    if (in->data == NULL) {
        return error_no_memory(err, "the buffer of an input");
    }
    *out = CAIRN_TAKE(in);
    return CAIRN_OK;
}

cairn_code source_open(const char *input, source **out, cairn_error *err)
{
    feed *from = NULL;

    CAIRN_TRY(feed_open_path(input, &from, err));
    return source_new(&from, out, err);
}

cairn_code source_open_object(cairn_store *store, const char *key, const cairn_call *call,
                              source **out, cairn_error *err)
{
    feed *from = NULL;

    CAIRN_TRY(feed_open_object(store, key, call, &from, err));
    return source_new(&from, out, err);
}

void source_free(source *in)
{
    if (in == NULL) {
        return;
    }
    feed_free(in->from);
    mem_free(in->data);
    mem_free(in);
}

source_position source_at(const source *in)
{
    return (source_position){in->offset + in->skip_left, in->records};
}

uint64_t source_total_bytes(const source *in)
{
    return feed_total_bytes(in->from);
}

const char *source_name(const source *in)
{
    return feed_name(in->from);
}

/* Of the bytes that were read. */
static cairn_code make_guard(const source *in, cairn_buf *out, cairn_error *err)
{
    CAIRN_AUTO_PTR(sha256_stream_free) sha256_stream *digest = NULL;
    const size_t window = min_size(in->offset, CAIRN_SOURCE_GUARD_BYTES);
    sha256 sum;

    CAIRN_ASSERT(in->skip_left == 0 && in->begin >= window && in->head_len >= window);
    CAIRN_TRY(sha256_stream_new(&digest, err));
    CAIRN_TRY(sha256_stream_update(digest, (cairn_slice){in->head, window}, err));
    CAIRN_TRY(
        sha256_stream_update(digest, (cairn_slice){in->data + in->begin - window, window}, err));
    CAIRN_TRY(sha256_stream_finish(digest, &sum, err));
    CAIRN_TRY(buf_append(out, GUARD_MAGIC, GUARD_MAGIC_BYTES, err));
    return buf_append(out, sum.bytes, SHA256_BYTES, err);
}

cairn_code source_guard(const source *in, cairn_buf *out, cairn_error *err)
{
    return in->restoring ? buf_append(out, in->expected, GUARD_BYTES, err)
                         : make_guard(in, out, err);
}

cairn_code source_guard_mark_end(cairn_buf *guard, cairn_error *err)
{
    return buf_append_byte(guard, GUARD_END, err);
}

bool source_guard_take_end(cairn_slice *guard)
{
    const uint8_t *bytes = guard->data;

    if (guard->len != GUARD_BYTES + 1 || bytes[GUARD_BYTES] != GUARD_END) {
        return false;
    }
    guard->len = GUARD_BYTES;
    return true;
}

bool source_is_stream(const source *in)
{
    return feed_is_stream(in->from);
}

/* Room for one chunk behind `end`: drops history that no guard needs, then grows. */
static cairn_code make_room(source *in, cairn_error *err)
{
    const size_t history = min_size(in->begin, CAIRN_SOURCE_GUARD_BYTES);
    const size_t drop = in->begin - history;

    if (in->capacity - in->end >= CAIRN_IO_CHUNK_BYTES) {
        return CAIRN_OK;
    }
    memmove(in->data, in->data + drop, in->end - drop);
    in->begin -= drop;
    in->scanned -= drop;
    in->end -= drop;
    if (in->capacity - in->end >= CAIRN_IO_CHUNK_BYTES) {
        return CAIRN_OK;
    }
    const size_t doubled = min_size(2 * in->capacity, BUFFER_BYTES_MAX);
    CAIRN_ASSERT(doubled - in->end >= CAIRN_IO_CHUNK_BYTES);
    uint8_t *grown = mem_realloc_array(in->data, doubled, 1);
    if (grown == NULL) {
        return error_no_memory(err, "the buffer of an input");
    }
    in->data = grown;
    in->capacity = doubled;
    return CAIRN_OK;
}

/* Reads at most one chunk. *out_event: CAIRN_SOURCE_RECORD means that bytes came, or the end. */
static cairn_code fill(source *in, source_event *out_event, cairn_error *err)
{
    feed_result got = {0};

    CAIRN_TRY(make_room(in, err));
    CAIRN_TRY(feed_read(in->from, in->data + in->end, CAIRN_IO_CHUNK_BYTES, &got, err));
    if (got.idle) {
        *out_event = CAIRN_SOURCE_IDLE;
        return CAIRN_OK;
    }
    const size_t more = min_size(got.len, sizeof(in->head) - in->head_len);
    memcpy(in->head + in->head_len, in->data + in->end, more);
    in->head_len += more;
    in->end += got.len;
    in->ended = got.len == 0;
    *out_event = CAIRN_SOURCE_RECORD;
    return CAIRN_OK;
}

static void consume(source *in, size_t bytes)
{
    in->begin += bytes;
    in->scanned = in->begin;
    in->offset += bytes;
}

/* At the recorded position: are these the bytes that were read then? */
static cairn_code compare_guard(source *in, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) found = {0};

    CAIRN_TRY(make_guard(in, &found, err));
    if (memcmp(found.data, in->expected, GUARD_BYTES) != 0) {
        return error_set(err, CAIRN_E_INTEGRITY,
                         "%s: the bytes before offset %" PRIu64
                         " are not those that were read before the checkpoint",
                         source_name(in), in->offset);
    }
    in->restoring = false;
    in->cut_line = in->offset > 0 && in->data[in->begin - 1] != '\n';
    return CAIRN_OK;
}

static void skip_buffered(source *in)
{
    const size_t bytes = min_size(in->skip_left, in->end - in->begin);

    consume(in, bytes);
    in->skip_left -= bytes;
}

/* Drops what lies before the recorded position; *out_event as fill gives it. */
static cairn_code skip(source *in, source_event *out_event, cairn_error *err)
{
    source_event event = CAIRN_SOURCE_RECORD;

    skip_buffered(in);
    while (in->skip_left > 0 && !in->ended && event == CAIRN_SOURCE_RECORD) {
        CAIRN_TRY(fill(in, &event, err));
        skip_buffered(in);
    }
    *out_event = event;
    if (in->skip_left == 0) {
        return compare_guard(in, err);
    }
    if (in->ended) {
        return error_set(err, CAIRN_E_INTEGRITY,
                         "%s: it ends at byte %" PRIu64
                         ", before the checkpoint's position %" PRIu64,
                         source_name(in), in->offset, in->offset + in->skip_left);
    }
    return CAIRN_OK;
}

/* Puts a file one guard before the position, with the head already read. */
static cairn_code seek_near(source *in, cairn_error *err)
{
    const uint64_t start = in->skip_left - min_size(in->skip_left, CAIRN_SOURCE_GUARD_BYTES);
    const size_t wanted = min_size(start, sizeof(in->head));
    size_t got = 0;

    if (feed_total_bytes(in->from) < in->skip_left) {
        return error_set(err, CAIRN_E_INTEGRITY,
                         "%s: it has %" PRIu64
                         " bytes, fewer than the checkpoint's position %" PRIu64,
                         source_name(in), feed_total_bytes(in->from), in->skip_left);
    }
    CAIRN_TRY(feed_read_head(in->from, in->head, wanted, &got, err));
    in->head_len = got;
    CAIRN_TRY(feed_seek(in->from, start, err));
    in->offset = start;
    in->skip_left -= start;
    return CAIRN_OK;
}

cairn_code source_restore(source *in, source_position position, cairn_slice guard, cairn_error *err)
{
    source_event event;

    CAIRN_ASSERT(in->offset == 0 && in->end == 0);
    if (guard.len != GUARD_BYTES || memcmp(guard.data, GUARD_MAGIC, GUARD_MAGIC_BYTES) != 0) {
        return error_set(err, CAIRN_E_INCOMPATIBLE,
                         "%s: the checkpoint's mark of the input is of another version",
                         source_name(in));
    }
    memcpy(in->expected, guard.data, GUARD_BYTES);
    in->restoring = true;
    in->skip_left = position.offset;
    in->records = position.records;
    if (feed_is_stream(in->from)) {
        return CAIRN_OK;
    }
    CAIRN_TRY(seek_near(in, err));
    return skip(in, &event, err);
}

/* Takes `len` bytes and the newline behind them, if there is one. */
static cairn_code take_record(source *in, size_t len, bool newline, cairn_slice *out_record,
                              cairn_error *err)
{
    if (in->cut_line) {
        return error_set(err, CAIRN_E_INTEGRITY,
                         "%s: its last line goes on at offset %" PRIu64
                         ", but a checkpoint has it as a whole record",
                         source_name(in), in->offset);
    }
    if (len > CAIRN_RECORD_LINE_BYTES_MAX) {
        return error_set(err, CAIRN_E_LIMIT,
                         "%s: the record at offset %" PRIu64 " has more than %zu bytes",
                         source_name(in), in->offset, CAIRN_RECORD_LINE_BYTES_MAX);
    }
    *out_record = (cairn_slice){in->data + in->begin, len};
    consume(in, len + (newline ? 1 : 0));
    in->records++;
    return CAIRN_OK;
}

/* Finds a record in what is buffered; *out_event is CAIRN_SOURCE_IDLE if more must be read. */
static cairn_code find_record(source *in, cairn_slice *out_record, source_event *out_event,
                              cairn_error *err)
{
    const uint8_t *newline = memchr(in->data + in->scanned, '\n', in->end - in->scanned);
    const size_t held = in->end - in->begin;

    *out_event = CAIRN_SOURCE_RECORD;
    if (newline != NULL) {
        const size_t len = (size_t)(newline - (in->data + in->begin));
        return take_record(in, len, true, out_record, err);
    }
    in->scanned = in->end;
    if ((in->ended && held > 0) || held > CAIRN_RECORD_LINE_BYTES_MAX) {
        return take_record(in, held, false, out_record, err);
    }
    *out_event = in->ended ? CAIRN_SOURCE_END : CAIRN_SOURCE_IDLE;
    return CAIRN_OK;
}

cairn_code source_next(source *in, cairn_slice *out_record, source_event *out_event,
                       cairn_error *err)
{
    source_event event = CAIRN_SOURCE_RECORD;

    if (in->restoring) {
        CAIRN_TRY(skip(in, &event, err));
    }
    while (event == CAIRN_SOURCE_RECORD) {
        CAIRN_TRY(find_record(in, out_record, out_event, err));
        if (*out_event != CAIRN_SOURCE_IDLE) {
            return CAIRN_OK;
        }
        CAIRN_TRY(fill(in, &event, err));
    }
    *out_event = CAIRN_SOURCE_IDLE;
    return CAIRN_OK;
}
