/*
 * DESIGN: ranges of one size side by side, each written where it belongs, so that a range which is
 * repeated overwrites what was there. All must be of one object: each reply's ETag is compared with
 * the first one's, and what is asked after that has it as If-Match.
 */
#include "errors.h"
#include "fsutil.h"
#include "s3_crew.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

typedef struct download {
    s3_store *store;
    const char *key;
    const cairn_file_range *to;
    fs_fd fd;
    char etag[CAIRN_S3_ETAG_BYTES_MAX + 1]; /* "" before the first reply */
} download;

/* Of a range from the begin of what is wanted. */
static uint64_t range_at(uint64_t index)
{
    return index * CAIRN_S3_RANGE_BYTES;
}

static uint64_t range_length(const download *d, uint64_t index)
{
    const uint64_t rest = d->to->length - range_at(index);

    return rest < CAIRN_S3_RANGE_BYTES ? rest : CAIRN_S3_RANGE_BYTES;
}

static cairn_code write_range(void *context, s3_task *task, cairn_error *err)
{
    const download *d = context;
    const uint64_t at = range_at(task->index);
    const uint64_t length = range_length(d, task->index);

    (void)err;
    task->request = (s3_request){
        .method = CAIRN_HTTP_GET,
        .asked = CAIRN_S3_ASKED_GET,
        .key = d->key,
        .sink = {CAIRN_HTTP_SINK_FILE, NULL, d->fd, at, length},
    };
    s3_range(d->to->offset + at, length, task->text);
    s3_request_header(&task->request, "range", task->text);
    if (d->etag[0] != '\0') {
        s3_request_header(&task->request, "if-match", d->etag);
    }
    return CAIRN_OK;
}

static cairn_code replaced(cairn_error *err)
{
    return error_set(err, CAIRN_E_INTEGRITY, "the object was replaced while it was read");
}

static cairn_code compare_etag(download *d, const http_reply *reply, cairn_error *err)
{
    cairn_slice etag;

    if (!http_header(reply, "etag", &etag) || etag.len == 0 || etag.len >= sizeof(d->etag)) {
        return CAIRN_OK; /* nothing to compare; the manifest's digest will tell */
    }
    if (d->etag[0] == '\0') {
        memcpy(d->etag, etag.data, etag.len);
        d->etag[etag.len] = '\0';
        return CAIRN_OK;
    }
    return cairn_slice_equal(etag, cairn_slice_of(d->etag)) ? CAIRN_OK : replaced(err);
}

static cairn_code finish_range(void *context, s3_task *task, cairn_code code,
                               const cairn_error *why, cairn_error *err)
{
    download *d = context;
    const http_reply *reply = &task->x.http.reply;

    if (reply->status == 412) {
        return replaced(err);
    }
    if (code != CAIRN_OK && reply->status != 200) {
        if (err != NULL) {
            *err = *why;
        }
        return code;
    }
    CAIRN_TRY(s3_check_range(reply, d->to->offset + range_at(task->index),
                             range_length(d, task->index), err));
    return compare_etag(d, reply, err);
}

static cairn_code get_ranges(download *d, const cairn_call *call, cairn_error *err)
{
    const s3_crew crew = {
        .store = d->store,
        .call = call,
        .tasks = (d->to->length + CAIRN_S3_RANGE_BYTES - 1) / CAIRN_S3_RANGE_BYTES,
        .what = "range",
        .context = d,
        .write = write_range,
        .finish = finish_range,
    };

    return s3_crew_run(&crew, err);
}

static cairn_code get_at_once(s3_store *store, const cairn_call *call, const char *key,
                              const cairn_file_range *to, fs_fd fd, cairn_error *err)
{
    char text[S3_RANGE_SIZE];
    s3_request request = {
        .method = CAIRN_HTTP_GET,
        .asked = CAIRN_S3_ASKED_GET,
        .key = key,
        .sink = {CAIRN_HTTP_SINK_FILE, NULL, fd, 0, to->length},
    };

    s3_range(to->offset, to->length, text);
    s3_request_header(&request, "range", text);
    CAIRN_AUTO(s3_exchange) x = {.store = store, .call = call, .request = &request};
    return s3_send_range(&x, to->offset, to->length, err);
}

/*
 * A full disk is told before the bytes come. Not by fallocate: in memory it writes zeros everywhere
 * first, and on disks the blocks of ranges this large end up side by side without it.
 */
static cairn_code check_room(const cairn_file_range *to, cairn_error *err)
{
    uint64_t room = 0;

    CAIRN_TRY(fs_free_bytes(to->path, &room, err));
    return room >= to->length ? CAIRN_OK
                              : error_set(err, CAIRN_E_NO_SPACE,
                                          "%s: %" PRIu64 " bytes are free, it needs %" PRIu64,
                                          to->path, room, to->length);
}

static cairn_code fill_file(s3_store *store, const cairn_call *call, const char *key,
                            const cairn_file_range *to, fs_fd fd, cairn_error *err)
{
    if (to->length == 0) {
        return s3_get_nothing(store, call, key, to->offset, err);
    }
    if (to->length <= CAIRN_S3_RANGE_BYTES) {
        return get_at_once(store, call, key, to, fd, err);
    }
    CAIRN_TRY(check_room(to, err));
    return get_ranges(&(download){.store = store, .key = key, .to = to, .fd = fd}, call, err);
}

cairn_code s3_get_file(void *self, const cairn_call *call, const char *key,
                       const cairn_file_range *to, cairn_error *err)
{
    CAIRN_AUTO(fs_fd) fd = -1;

    CAIRN_TRY(fs_open_new(to->path, &fd, err));
    const cairn_code code = fill_file(self, call, key, to, fd, err);
    if (code != CAIRN_OK) {
        (void)unlink(to->path);
    }
    return code;
}
