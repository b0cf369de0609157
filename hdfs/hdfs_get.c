/*
 * DESIGN: a read in one piece (get, get_range, a small file) that is cut begins anew, as the object
 * may have been replaced meanwhile. A large file comes in ranges side by side, each of which goes
 * on where it was cut, from another DataNode; the file's id before and after tells that all ranges
 * are of one file. A DataNode checks what it sends: it cuts the connection before a damaged byte,
 * always at the same place, which is how damage is told from a broken connection.
 */
#include "cancel.h"
#include "encode.h"
#include "errors.h"
#include "fsutil.h"
#include "hdfs_ranges.h"
#include "random.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STATUS_OK      200
#define TRY_PAUSE_MS   100
#define UNKNOWN_LENGTH UINT64_MAX

/* A path through a file leads to nothing. */
static cairn_code open_failed(const webhdfs_flight *flight, cairn_code code, cairn_error *err)
{
    if (flight->failure.cause == CAIRN_WEBHDFS_NOT_A_FOLDER) {
        return error_prefix(err, CAIRN_E_NOT_FOUND, "a file stands above it");
    }
    return code;
}

/* The length that the reply announced. */
static uint64_t announced(const http_reply *reply)
{
    cairn_slice value;
    uint64_t length = 0;

    return http_header(reply, "content-length", &value) && parse_u64(value, &length)
               ? length
               : UNKNOWN_LENGTH;
}

bool hdfs_was_cut(const webhdfs_flight *flight)
{
    return flight->step == CAIRN_WEBHDFS_SECOND && flight->exchange.reply.status == STATUS_OK;
}

cairn_code hdfs_too_short(uint64_t length, cairn_error *err)
{
    return error_set(err, CAIRN_E_INTEGRITY, "it ends after %" PRIu64 " bytes", length);
}

cairn_code hdfs_damaged(uint64_t offset, cairn_error *err)
{
    return error_set(err, CAIRN_E_INTEGRITY,
                     "the DataNodes cannot read it from byte %" PRIu64
                     " on: a block is damaged or lost",
                     offset);
}

/* One OPEN, begun anew if a DataNode fails. Twice cut at the same byte is damage, also if the
 * NameNode had no other DataNode to name in between. */
static cairn_code open_again(hdfs_store *store, const cairn_call *call,
                             const webhdfs_request *request, webhdfs_flight *flight,
                             cairn_error *err)
{
    uint64_t cut_at = UNKNOWN_LENGTH;

    for (unsigned try = 1;; try++) {
        cairn_error own = {0};
        const cairn_code code = hdfs_request(store, call, request, flight, &own);
        if (code == CAIRN_OK) {
            return CAIRN_OK;
        }
        (void)webhdfs_pass(code, &own, err);
        const uint64_t received = flight->exchange.reply.received;
        if (code == CAIRN_E_UNAVAILABLE && hdfs_was_cut(flight) && received == cut_at) {
            return hdfs_damaged(received, err);
        }
        if (flight->failure.cause != CAIRN_WEBHDFS_NO_DATANODE) {
            cut_at = hdfs_was_cut(flight) ? received : UNKNOWN_LENGTH;
        }
        if (code != CAIRN_E_UNAVAILABLE || flight->failure.action != CAIRN_WEBHDFS_AGAIN ||
            try == CAIRN_HDFS_TRIES_MAX) {
            return open_failed(flight, code, err);
        }
        CAIRN_TRY(call_sleep(call, random_u64() % ((uint64_t)TRY_PAUSE_MS * try),
                             "before another try", err));
    }
}

/* A reply that announced no length may have been cut without a sign. */
static bool may_be_cut(const http_reply *reply)
{
    cairn_slice value;

    return announced(reply) == UNKNOWN_LENGTH && !http_header(reply, "transfer-encoding", &value);
}

static cairn_code ended_early(cairn_error *err)
{
    return error_set(err, CAIRN_E_UNAVAILABLE, "the reply ended too early");
}

/* The file's length tells. */
static cairn_code check_whole(hdfs_store *store, const cairn_call *call,
                              const webhdfs_request *request, const http_reply *reply,
                              cairn_error *err)
{
    webhdfs_status status = {.is_file = false};

    if (!may_be_cut(reply)) {
        return CAIRN_OK;
    }
    CAIRN_TRY(hdfs_file_status(store, call, request->path, &status, err));
    return status.length == reply->received ? CAIRN_OK : ended_early(err);
}

cairn_code hdfs_get(void *self, const cairn_call *call, const char *key, size_t limit,
                    cairn_buf *out, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) path = {0};
    CAIRN_AUTO(webhdfs_flight) flight = {.request = NULL};
    cairn_error own = {0};

    CAIRN_TRY(hdfs_path(self, key, &path, err));
    const webhdfs_request request = {
        .op = CAIRN_WEBHDFS_OPEN,
        .path = buf_text(&path),
        .source = {.fd = -1},
        .sink = {.kind = CAIRN_HTTP_SINK_BODY, .fd = -1, .length = limit},
    };
    cairn_code code = open_again(self, call, &request, &flight, &own);
    if (code == CAIRN_OK) {
        code = check_whole(self, call, &request, &flight.exchange.reply, &own);
    }
    if (code != CAIRN_OK) {
        return webhdfs_pass(code, &own, err);
    }
    const size_t out_limit = out->limit;
    cairn_buf_release(out);
    *out = buf_take(&flight.exchange.reply.body);
    out->limit = out_limit;
    return CAIRN_OK;
}

static cairn_code check_end(const webhdfs_status *status, uint64_t offset, uint64_t length,
                            cairn_error *err)
{
    return offset + length <= status->length ? CAIRN_OK : hdfs_too_short(status->length, err);
}

/* Nothing is read, but what is missing or too short must be told. */
static cairn_code read_nothing(hdfs_store *store, const cairn_call *call, const char *path,
                               uint64_t offset, cairn_error *err)
{
    webhdfs_status status = {.is_file = false};

    CAIRN_TRY(hdfs_file_status(store, call, path, &status, err));
    return check_end(&status, offset, 0, err);
}

/* Reads [offset, offset + sink->length) into `sink`. */
static cairn_code read_piece(hdfs_store *store, const cairn_call *call, const char *path,
                             uint64_t offset, const http_sink *sink, cairn_error *err)
{
    CAIRN_AUTO(webhdfs_flight) flight = {.request = NULL};
    hdfs_open_request open;
    cairn_error own = {0};

    if (sink->length == 0) {
        return read_nothing(store, call, path, offset, err);
    }
    hdfs_open_request_init(&open, path, offset, sink);
    const cairn_code code = open_again(store, call, &open.request, &flight, &own);
    if (code != CAIRN_OK) {
        return webhdfs_pass(code, &own, err);
    }
    const http_reply *reply = &flight.exchange.reply;
    if (reply->received == sink->length) {
        return CAIRN_OK;
    }
    return may_be_cut(reply) ? ended_early(err) : hdfs_too_short(offset + reply->received, err);
}

cairn_code hdfs_get_range(void *self, const cairn_call *call, const char *key,
                          const cairn_memory_range *range, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) path = {0};
    const http_sink sink = {
        .kind = CAIRN_HTTP_SINK_MEMORY, .data = range->data, .fd = -1, .length = range->length};

    CAIRN_TRY(hdfs_path(self, key, &path, err));
    return read_piece(self, call, buf_text(&path), range->offset, &sink, err);
}

static cairn_code read_large(hdfs_store *store, const cairn_call *call, const char *path,
                             const cairn_file_range *to, fs_fd file, cairn_error *err)
{
    webhdfs_status before = {.is_file = false};
    webhdfs_status after = {.is_file = false};

    CAIRN_TRY(hdfs_file_status(store, call, path, &before, err));
    CAIRN_TRY(check_end(&before, to->offset, to->length, err));
    const hdfs_ranges ranges = {
        .store = store,
        .call = call,
        .path = path,
        .file = file,
        .offset = to->offset,
        .length = to->length,
        .block_bytes = before.block_bytes,
    };
    CAIRN_TRY(hdfs_ranges_read(&ranges, err));
    CAIRN_TRY(hdfs_file_status(store, call, path, &after, err));
    if (after.file_id != before.file_id || after.length != before.length ||
        after.modified_ms != before.modified_ms) {
        return error_set(err, CAIRN_E_UNAVAILABLE, "it was replaced while it was read");
    }
    return CAIRN_OK;
}

cairn_code hdfs_get_file(void *self, const cairn_call *call, const char *key,
                         const cairn_file_range *to, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) path = {0};
    CAIRN_AUTO(fs_fd) file = -1;

    CAIRN_TRY(hdfs_path(self, key, &path, err));
    CAIRN_TRY(fs_open_new(to->path, &file, err));
    const http_sink sink = {.kind = CAIRN_HTTP_SINK_FILE, .fd = file, .length = to->length};
    const cairn_code code = to->length > CAIRN_HDFS_RANGE_BYTES
                                ? read_large(self, call, buf_text(&path), to, file, err)
                                : read_piece(self, call, buf_text(&path), to->offset, &sink, err);
    if (code != CAIRN_OK) {
        (void)unlink(to->path);
    }
    return code;
}
