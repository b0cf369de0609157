/*
 * DESIGN: an object is read in chunks of CAIRN_SOURCE_CHUNK_BYTES. A range does not tell of which
 * version of the object it is, so after each chunk the object must have size and time of the start.
 */
#include "feed.h"

#include "bounds.h"
#include "buf.h"
#include "errors.h"
#include "fsutil.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of an object. */
typedef struct feed_object {
    cairn_store *store; /* NULL: the feed is a file or a stream */
    char *key;
    cairn_call call;
    cairn_object_info info;
    uint64_t offset; /* of the next read */
    uint8_t *chunk;
    uint64_t chunk_offset;
    size_t chunk_len;
} feed_object;

struct feed {
    char *name;
    fs_fd fd;
    bool stream; /* can't be sought, and a read may wait */
    uint64_t total_bytes;
    feed_object object;
};

static cairn_code open_fd(feed *in, const char *path, cairn_error *err)
{
    struct stat info;

    in->stream = strcmp(path, "-") == 0;
    /* A duplicate, so that closing ours leaves the caller's standard input alone. */
    in->fd = in->stream ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                        : open(path, O_RDONLY | O_CLOEXEC);
    if (in->fd < 0 && errno == EINTR) {
        return error_set(err, CAIRN_E_CANCELLED, "open input %s: interrupted", in->name);
    }
    if (in->fd < 0 || fstat(in->fd, &info) != 0) {
        return error_errno(err, errno, "open input %s", in->name);
    }
    if (S_ISDIR(info.st_mode)) {
        return error_set(err, CAIRN_E_INVALID, "open input %s: it is a folder", in->name);
    }
    in->stream = in->stream || !S_ISREG(info.st_mode);
    in->total_bytes = in->stream ? 0 : (uint64_t)info.st_size;
    return CAIRN_OK;
}

cairn_code feed_open_path(const char *path, feed **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(feed_free) feed *in = mem_calloc(1, sizeof(*in));

    if (in == NULL) {
        return error_no_memory(err, "an input");
    }
    in->fd = -1;
    in->name = mem_strdup(strcmp(path, "-") == 0 ? "standard input" : path);
    if (in->name == NULL) {
        return error_no_memory(err, "an input");
    }
    CAIRN_TRY(open_fd(in, path, err));
    *out = CAIRN_TAKE(in);
    return CAIRN_OK;
}

static cairn_code name_object(feed *in, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) name = {0};

    CAIRN_TRY(buf_printf(&name, err, "%s/%s", cairn_store_uri(in->object.store), in->object.key));
    in->name = mem_strndup(name.data, name.len);
    return in->name == NULL ? error_no_memory(err, "an input") : CAIRN_OK;
}

cairn_code feed_open_object(cairn_store *store, const char *key, const cairn_call *call, feed **out,
                            cairn_error *err)
{
    CAIRN_AUTO_PTR(feed_free) feed *in = mem_calloc(1, sizeof(*in));
    feed_object *object = NULL;
    cairn_code code = CAIRN_OK;

    if (in == NULL) {
        return error_no_memory(err, "an input");
    }
    in->fd = -1;
    object = &in->object;
    *object = (feed_object){.store = store, .call = *call};
    object->key = mem_strdup(key);
    object->chunk = mem_alloc(CAIRN_SOURCE_CHUNK_BYTES);
    if (object->key == NULL || object->chunk == NULL) {
        return error_no_memory(err, "the buffer of an input");
    }
    CAIRN_TRY(name_object(in, err));
    code = cairn_store_stat(store, call, key, &object->info, err);
    if (code != CAIRN_OK) {
        return error_prefix(err, code, "open input %s", in->name);
    }
    in->total_bytes = object->info.size;
    *out = CAIRN_TAKE(in);
    return CAIRN_OK;
}

void feed_free(feed *in)
{
    if (in == NULL) {
        return;
    }
    fs_close(&in->fd);
    mem_free(in->object.chunk);
    mem_free(in->object.key);
    mem_free(in->name);
    mem_free(in);
}

static cairn_code wait_for_data(const feed *in, bool *out_ready, cairn_error *err)
{
    struct pollfd poller = {.fd = in->fd, .events = POLLIN};
    const int ready = poll(&poller, 1, CAIRN_SOURCE_WAIT_MS);

    if (ready < 0 && errno != EINTR) {
        return error_errno(err, errno, "wait for %s", in->name);
    }
    *out_ready = ready > 0;
    return CAIRN_OK;
}

static cairn_code read_fd(const feed *in, void *data, size_t capacity, feed_result *out,
                          cairn_error *err)
{
    bool ready = true;

    if (in->stream) {
        CAIRN_TRY(wait_for_data(in, &ready, err));
    }
    const ssize_t got = ready ? read(in->fd, data, capacity) : -1;
    if (!ready || (got < 0 && (errno == EINTR || errno == EAGAIN))) {
        *out = (feed_result){0, true};
        return CAIRN_OK;
    }
    if (got < 0) {
        return error_errno(err, errno, "read %s", in->name);
    }
    *out = (feed_result){(size_t)got, false};
    return CAIRN_OK;
}

static cairn_code check_unchanged(const feed_object *object, cairn_error *err)
{
    cairn_object_info now = {0};

    CAIRN_TRY(cairn_store_stat(object->store, &object->call, object->key, &now, err));
    if (now.size != object->info.size || now.modified_ms != object->info.modified_ms) {
        return error_set(err, CAIRN_E_INTEGRITY, "the object was changed while it was read");
    }
    return CAIRN_OK;
}

/* Bytes of the object as it was when it was opened. */
static cairn_code get_unchanged(const feed *in, const cairn_memory_range *range, cairn_error *err)
{
    const feed_object *object = &in->object;
    cairn_code code = cairn_store_get_range(object->store, &object->call, object->key, range, err);

    if (code == CAIRN_OK) {
        code = check_unchanged(object, err);
    }
    return code == CAIRN_OK ? code : error_prefix(err, code, "read %s", in->name);
}

static cairn_code load_chunk(feed *in, cairn_error *err)
{
    feed_object *object = &in->object;
    const uint64_t left = in->total_bytes - object->offset;
    const size_t len = left < CAIRN_SOURCE_CHUNK_BYTES ? (size_t)left : CAIRN_SOURCE_CHUNK_BYTES;
    const cairn_memory_range range = {object->offset, object->chunk, len};

    object->chunk_len = 0;
    CAIRN_TRY(get_unchanged(in, &range, err));
    object->chunk_offset = object->offset;
    object->chunk_len = len;
    return CAIRN_OK;
}

static cairn_code read_object(feed *in, void *data, size_t capacity, feed_result *out,
                              cairn_error *err)
{
    feed_object *object = &in->object;
    uint64_t at = object->offset - object->chunk_offset;

    if (object->offset >= in->total_bytes) {
        *out = (feed_result){0, false};
        return CAIRN_OK;
    }
    if (object->offset < object->chunk_offset || at >= object->chunk_len) {
        CAIRN_TRY(load_chunk(in, err));
        at = 0;
    }
    const size_t held = object->chunk_len - (size_t)at;
    const size_t len = held < capacity ? held : capacity;
    memcpy(data, object->chunk + at, len);
    object->offset += len;
    *out = (feed_result){len, false};
    return CAIRN_OK;
}

cairn_code feed_read(feed *in, void *data, size_t capacity, feed_result *out, cairn_error *err)
{
    return in->object.store != NULL ? read_object(in, data, capacity, out, err)
                                    : read_fd(in, data, capacity, out, err);
}

cairn_code feed_read_head(feed *in, void *data, size_t len, size_t *out_len, cairn_error *err)
{
    CAIRN_ASSERT(!in->stream);
    if (in->object.store == NULL) {
        return fs_read_at(in->fd, &(cairn_memory_range){0, data, len}, out_len, in->name, err);
    }
    const size_t held = in->total_bytes < len ? (size_t)in->total_bytes : len;
    if (held > 0) {
        CAIRN_TRY(get_unchanged(in, &(cairn_memory_range){0, data, held}, err));
    }
    *out_len = held;
    return CAIRN_OK;
}

cairn_code feed_seek(feed *in, uint64_t offset, cairn_error *err)
{
    CAIRN_ASSERT(!in->stream);
    if (in->object.store != NULL) {
        in->object.offset = offset;
        return CAIRN_OK;
    }
    if (lseek(in->fd, (off_t)offset, SEEK_SET) < 0) {
        return error_errno(err, errno, "seek in %s", in->name);
    }
    return CAIRN_OK;
}

bool feed_is_stream(const feed *in)
{
    return in->stream;
}

uint64_t feed_total_bytes(const feed *in)
{
    return in->total_bytes;
}

const char *feed_name(const feed *in)
{
    return in->name;
}
