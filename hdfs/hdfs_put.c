/*
 * DESIGN: the bytes go to a temporary in the key's own folder, which CREATE makes; only when the
 * DataNode said 201, the length (and the checksum) is right, does it get its name, by a RENAME that
 * the NameNode does atomically. Nothing but that RENAME decides who has created an object. A
 * failure leaves at most a temporary, which is deleted now or by a sweep.
 *
 * The checksum is that of the bytes as they are sent. It depends on the size of the blocks, which
 * the server tells afterwards: if it is another one than before, the bytes are read once more.
 */
#include "cancel.h"
#include "errors.h"
#include "fsutil.h"
#include "hdfs_checksum.h"
#include "hdfs_path.h"
#include "hdfs_store.h"
#include "random.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct upload {
    hdfs_store *store;
    const cairn_call *call;
    const cairn_put_body *body;
    http_source source;
    fs_fd file; /* -1 for bytes in memory */
    cairn_buf target;
    cairn_buf temporary;
    hdfs_checksum sum; /* of what was sent, for blocks and chunks of the size that is expected */
    bool left;         /* the temporary may stand there */
    bool late;         /* a DataNode got data and gave no answer: it may be made yet */
    webhdfs_status status;
} upload;

static void upload_release(upload *u)
{
    if (u->left) {
        hdfs_discard(u->store, buf_text(&u->temporary), u->late);
    }
    cairn_buf_release(&u->target);
    cairn_buf_release(&u->temporary);
    hdfs_checksum_release(&u->sum);
    fs_close(&u->file);
}
CAIRN_DEFINE_AUTO(upload, upload_release)

static cairn_code open_file(upload *u, const cairn_file_range *range, cairn_error *err)
{
    struct stat info;

    CAIRN_TRY(fs_open_read(range->path, &u->file, err));
    if (fstat(u->file, &info) != 0 || (uint64_t)info.st_size < range->offset + range->length) {
        return error_set(err, CAIRN_E_INTEGRITY, "%s has no %" PRIu64 " bytes", range->path,
                         range->offset + range->length);
    }
    u->source = (http_source){.fd = u->file, .offset = range->offset, .length = range->length};
    return CAIRN_OK;
}

static cairn_code open_source(upload *u, cairn_error *err)
{
    if (u->body->range != NULL) {
        return open_file(u, u->body->range, err);
    }
    u->source = (http_source){.data = u->body->data->data, .fd = -1, .length = u->body->data->len};
    return CAIRN_OK;
}

/* 128 random bits: no two attempts of anybody share a name. */
static cairn_code name_temporary(upload *u, cairn_error *err)
{
    const char *target = buf_text(&u->target);
    const char *slash = strrchr(target, '/');
    char high[RANDOM_ID_SIZE];
    char low[RANDOM_ID_SIZE];

    random_id(high);
    random_id(low);
    buf_clear(&u->temporary);
    CAIRN_TRY(buf_printf(&u->temporary, err, "%.*s/%s%s%s", (int)(slash - target), target,
                         HDFS_TEMPORARY, high, low));
    return buf_text(&u->temporary) != NULL ? CAIRN_OK : error_no_memory(err, "a path");
}

/* What goes wrong with a temporary is nothing that is wrong with the key. */
static cairn_code create_failed(const webhdfs_flight *flight, cairn_code code, cairn_error *err)
{
    const bool transient = flight->failure.action == CAIRN_WEBHDFS_AGAIN ||
                           code == CAIRN_E_NOT_FOUND || code == CAIRN_E_EXISTS;

    return error_prefix(err, transient ? CAIRN_E_UNAVAILABLE : code, "upload");
}

static const char *number(uint64_t value, char text[24])
{
    (void)snprintf(text, 24, "%" PRIu64, value);
    return value == 0 ? NULL : text;
}

/* What is sent anew is summed up anew. The sizes are the server's of before, until it tells. */
static cairn_code sum_sent(void *context, uint64_t offset, cairn_slice data, cairn_error *err)
{
    upload *u = context;

    if (offset == 0) {
        hdfs_checksum_release(&u->sum);
        CAIRN_TRY(hdfs_checksum_init(&u->sum, atomic_load(&u->store->seen_block_bytes),
                                     HDFS_CHUNK_BYTES, err));
    }
    return hdfs_checksum_update(&u->sum, data, err);
}

static cairn_code create_once(upload *u, bool one_step, webhdfs_flight *flight, cairn_error *err)
{
    char block_bytes[24];
    char replication[24];
    /* What a one-step gateway made without data is overwritten: the name is ours. With `createflag`
     * HDFS does not look at `overwrite`. */
    const webhdfs_request request = {
        .op = CAIRN_WEBHDFS_CREATE,
        .path = buf_text(&u->temporary),
        .params = {{"overwrite", one_step ? "true" : "false"},
                   {"blocksize", number(u->store->block_bytes, block_bytes)},
                   {"replication", number(u->store->replication, replication)},
                   {"createflag", u->store->sync_block ? "create,sync_block" : NULL}},
        .source = u->source,
        .tap = u->store->check_checksum ? sum_sent : NULL,
        .tap_context = u,
    };

    const cairn_code code = hdfs_request(u->store, u->call, &request, flight, err);
    u->left = u->left || code == CAIRN_OK || flight->unknown || one_step ||
              flight->step != CAIRN_WEBHDFS_FIRST;
    u->late = flight->step == CAIRN_WEBHDFS_UPLOAD && flight->exchange.reply.status == 0 &&
              flight->exchange.reply.sent > 0;
    if (code == CAIRN_OK && flight->exchange.reply.sent < u->source.length) {
        return error_set(err, CAIRN_E_UNAVAILABLE,
                         "upload: the server took it for whole after %" PRIu64 " bytes",
                         flight->exchange.reply.sent);
    }
    return code == CAIRN_OK ? code : create_failed(flight, code, err);
}

static cairn_code create(upload *u, cairn_error *err)
{
    CAIRN_AUTO(webhdfs_flight) flight = {.request = NULL};
    const bool known = atomic_load(&u->store->web.one_step);
    cairn_error own = {0};

    const cairn_code code = create_once(u, known, &flight, &own);
    if (code != CAIRN_OK && !known && flight.step == CAIRN_WEBHDFS_FIRST &&
        atomic_load(&u->store->web.one_step)) {
        return create_once(u, true, &flight, err);
    }
    return code == CAIRN_OK ? code : webhdfs_pass(code, &own, err);
}

/* Somebody has removed the temporary: the key itself has nothing to do with it. */
static cairn_code upload_is_gone(cairn_error *err)
{
    return error_prefix(err, CAIRN_E_UNAVAILABLE, "the upload is gone");
}

static cairn_code check_length(upload *u, cairn_error *err)
{
    const cairn_code code =
        hdfs_file_status(u->store, u->call, buf_text(&u->temporary), &u->status, err);

    if (code == CAIRN_E_NOT_FOUND) {
        return upload_is_gone(err);
    }
    CAIRN_TRY(code);
    if (u->status.length != u->source.length) {
        return error_set(err, CAIRN_E_UNAVAILABLE,
                         "the upload has %" PRIu64 " bytes there instead of %" PRIu64,
                         u->status.length, u->source.length);
    }
    return CAIRN_OK;
}

static cairn_code sum_file(const upload *u, hdfs_checksum *sum, cairn_error *err)
{
    char *chunk CAIRN_AUTO_FREE = mem_alloc(CAIRN_IO_CHUNK_BYTES);

    if (chunk == NULL) {
        return error_no_memory(err, "a checksum");
    }
    for (uint64_t done = 0; done < u->source.length;) {
        const uint64_t rest = u->source.length - done;
        const size_t want = rest < CAIRN_IO_CHUNK_BYTES ? (size_t)rest : CAIRN_IO_CHUNK_BYTES;
        const cairn_memory_range to = {u->source.offset + done, chunk, want};
        size_t got = 0;
        CAIRN_TRY(call_check(u->call, "between two reads", err));
        CAIRN_TRY(fs_read_at(u->file, &to, &got, u->body->range->path, err));
        if (got == 0) {
            return error_set(err, CAIRN_E_INTEGRITY, "%s has become shorter", u->body->range->path);
        }
        CAIRN_TRY(hdfs_checksum_update(sum, (cairn_slice){chunk, got}, err));
        done += got;
    }
    return CAIRN_OK;
}

/* Is the sum of what was sent one for the sizes that the file has? A file of one block has the same
 * for each size of blocks. */
static bool is_sum_usable(const upload *u, uint32_t chunk_bytes)
{
    const uint64_t expected = u->sum.block_bytes;
    const uint64_t real = u->status.block_bytes;

    return u->sum.chunk_bytes == chunk_bytes &&
           (expected == real || (u->source.length <= expected && u->source.length <= real));
}

static cairn_code own_checksum(upload *u, uint32_t chunk_bytes, uint8_t out[MD5_BYTES],
                               cairn_error *err)
{
    CAIRN_AUTO(hdfs_checksum) sum = {.block_bytes = 0};

    if (u->status.block_bytes % HDFS_CHUNK_BYTES == 0) {
        atomic_store(&u->store->seen_block_bytes, u->status.block_bytes);
    }
    if (is_sum_usable(u, chunk_bytes)) {
        return hdfs_checksum_finish(&u->sum, out, err);
    }
    CAIRN_TRY(hdfs_checksum_init(&sum, u->status.block_bytes, chunk_bytes, err));
    CAIRN_TRY(u->file >= 0 ? sum_file(u, &sum, err)
                           : hdfs_checksum_update(
                                 &sum, (cairn_slice){u->source.data, u->source.length}, err));
    return hdfs_checksum_finish(&sum, out, err);
}

/* Compares with the checksum that the DataNodes keep. A kind that is not known here, and a server
 * that gives none, prove nothing and refuse nothing. */
static cairn_code check_checksum(upload *u, cairn_error *err)
{
    const webhdfs_request request = {.op = CAIRN_WEBHDFS_CHECKSUM, .path = buf_text(&u->temporary)};
    CAIRN_AUTO(webhdfs_flight) flight = {.request = NULL};
    webhdfs_checksum answer;
    uint8_t theirs[MD5_BYTES];
    uint8_t ours[MD5_BYTES];
    uint32_t chunk_bytes = 0;
    cairn_error own = {0};

    if (!u->store->check_checksum || u->source.length == 0) {
        return CAIRN_OK;
    }
    const cairn_code code = hdfs_request(u->store, u->call, &request, &flight, &own);
    if (code == CAIRN_E_INVALID || code == CAIRN_E_INTERNAL || code == CAIRN_E_INCOMPATIBLE) {
        return CAIRN_OK;
    }
    if (code != CAIRN_OK) {
        (void)webhdfs_pass(code, &own, err);
        return code == CAIRN_E_NOT_FOUND ? upload_is_gone(err) : code;
    }
    if (webhdfs_json_checksum(cairn_buf_slice(&flight.exchange.reply.body), &answer, NULL) !=
            CAIRN_OK ||
        !hdfs_checksum_known(&answer, &chunk_bytes, theirs) || u->status.block_bytes == 0 ||
        u->status.block_bytes % chunk_bytes != 0) {
        return CAIRN_OK;
    }
    CAIRN_TRY(own_checksum(u, chunk_bytes, ours, err));
    if (memcmp(ours, theirs, sizeof(ours)) != 0) {
        return error_set(err, CAIRN_E_UNAVAILABLE,
                         "the upload's checksum is wrong: it was damaged on its way");
    }
    return CAIRN_OK;
}

/* The source of the RENAME is gone, or the reply said nothing: whose file has the name? If it is
 * another's, `otherwise` says what that means. */
static cairn_code settle(upload *u, cairn_code otherwise, cairn_error *err)
{
    webhdfs_status found = {.is_file = false};
    const cairn_code code = hdfs_status(u->store, u->call, buf_text(&u->target), &found, err);

    if (code == CAIRN_E_NOT_FOUND) {
        return error_set(err, CAIRN_E_UNAVAILABLE, "the upload is gone before it got its name");
    }
    CAIRN_TRY(code);
    if (found.is_folder) {
        return error_set(err, CAIRN_E_INVALID, "a folder of other objects has that name");
    }
    if (found.file_id != 0 && found.file_id == u->status.file_id) {
        u->left = false;
        return CAIRN_OK;
    }
    return error_set(err, otherwise,
                     otherwise == CAIRN_E_EXISTS ? "it exists already"
                                                 : "the rename has not replaced it");
}

static cairn_code rename_failed(upload *u, cairn_put_mode mode, webhdfs_cause cause,
                                cairn_code code, cairn_error *err)
{
    switch (cause) {
    case CAIRN_WEBHDFS_ABSENT:
        /* What was to be replaced may have been replaced again: no conflict. */
        return settle(u, mode == CAIRN_PUT_CREATE ? CAIRN_E_EXISTS : CAIRN_E_UNAVAILABLE, err);
    case CAIRN_WEBHDFS_EXISTS:
        return error_set(err, CAIRN_E_EXISTS, "it exists already");
    case CAIRN_WEBHDFS_IS_FOLDER:
        return error_set(err, CAIRN_E_INVALID, "a folder of other objects has that name");
    case CAIRN_WEBHDFS_OTHER:
    case CAIRN_WEBHDFS_NOT_A_FOLDER:
    case CAIRN_WEBHDFS_NOT_EMPTY:
    case CAIRN_WEBHDFS_NO_DATANODE:
        break;
    }
    return code;
}

/*
 * A reply that was lost is asked for once more: the NameNode then says that the source is gone, and
 * the file's id tells who has the name. HDFS answers a RENAME with options with an empty body; one
 * with a body has ignored them, so what it did is looked at.
 */
static cairn_code give_name(upload *u, cairn_put_mode mode, cairn_error *err)
{
    const webhdfs_request request = {
        .op = CAIRN_WEBHDFS_RENAME,
        .path = buf_text(&u->temporary),
        .params = {{"destination", buf_text(&u->target)},
                   {"renameoptions", mode == CAIRN_PUT_CREATE ? "NONE" : "OVERWRITE"}},
    };
    CAIRN_AUTO(webhdfs_flight) flight = {.request = NULL};
    cairn_error own = {0};

    cairn_code code = hdfs_request(u->store, u->call, &request, &flight, &own);
    if (code == CAIRN_E_UNAVAILABLE && flight.unknown && own.retry_after_ms == 0) {
        code = hdfs_request(u->store, u->call, &request, &flight, &own);
    }
    if (code != CAIRN_OK) {
        (void)webhdfs_pass(code, &own, err);
        return rename_failed(u, mode, flight.failure.cause, code, err);
    }
    if (flight.exchange.reply.body.len > 0) {
        return settle(u, mode == CAIRN_PUT_CREATE ? CAIRN_E_EXISTS : CAIRN_E_INCOMPATIBLE, err);
    }
    u->left = false;
    return CAIRN_OK;
}

/* CREATE makes all folders that are missing. */
static cairn_code check_root(hdfs_store *store, const cairn_call *call, cairn_error *err)
{
    bool there = true;

    if (!store->create_root) {
        CAIRN_TRY(hdfs_root_is_there(store, call, &there, err));
    }
    return there ? CAIRN_OK
                 : error_set(err, CAIRN_E_NOT_FOUND, "the folder of the store, %s, is not there",
                             store->root);
}

cairn_code hdfs_put(void *self, const cairn_call *call, const char *key, const cairn_put_body *body,
                    cairn_put_mode mode, cairn_error *err)
{
    CAIRN_AUTO(upload) u = {.store = self, .call = call, .body = body, .file = -1};
    cairn_error own = {0};

    CAIRN_TRY(hdfs_path(self, key, &u.target, err));
    CAIRN_TRY(check_root(self, call, err));
    CAIRN_TRY(open_source(&u, err));
    CAIRN_TRY(name_temporary(&u, err));
    CAIRN_TRY(create(&u, err));
    CAIRN_TRY(check_length(&u, err));
    CAIRN_TRY(check_checksum(&u, err));
    const cairn_code code = give_name(&u, mode, &own);
    return code == CAIRN_OK ? code : webhdfs_pass(code, &own, err);
}
