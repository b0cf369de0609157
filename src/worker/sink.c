#include "sink.h"

#include "bounds.h"
#include "buf.h"
#include "digest.h"
#include "errors.h"
#include "failpoint.h"
#include "fsutil.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define OBJECT_NAME_BYTES 64

struct sink {
    cairn_store *output;
    uint32_t subtask;
    char *folder;
    char *joined;   /* staged segments in one file, while they are published */
    char *existing; /* a copy of an object that stands in the way */
    uint64_t next_segment;
    /* The current segment: open if `fd` is, with `pending` behind what it holds. */
    fs_fd fd;
    cairn_buf pending;
    cairn_output_file current;
    cairn_output_file *staged;
    size_t staged_count;
    size_t staged_capacity;
};

/* The members are const for the users of cairn_output_file; these are our own copies. */
static void free_text(const char *text)
{
    mem_free((void *)(uintptr_t)text);
}

static void release_file(cairn_output_file *file)
{
    free_text(file->name);
    free_text(file->path);
    *file = (cairn_output_file){0};
}

cairn_code sink_new(const char *local_dir, cairn_store *output, uint32_t subtask, sink **out,
                    cairn_error *err)
{
    CAIRN_AUTO_PTR(sink_free) sink *to = mem_calloc(1, sizeof(*to));

    if (to == NULL) {
        return error_no_memory(err, "a sink");
    }
    to->fd = -1;
    to->output = output;
    to->subtask = subtask;
    CAIRN_TRY(fs_join(local_dir, "output", &to->folder, err));
    CAIRN_TRY(fs_join(to->folder, "joined", &to->joined, err));
    CAIRN_TRY(fs_join(to->folder, "existing", &to->existing, err));
    CAIRN_TRY(fs_remove_tree(to->folder, err));
    CAIRN_TRY(fs_make_dirs(to->folder, err));
    *out = CAIRN_TAKE(to);
    return CAIRN_OK;
}

void sink_free(sink *to)
{
    if (to == NULL) {
        return;
    }
    fs_close(&to->fd);
    if (to->folder != NULL) {
        (void)fs_remove_tree(to->folder, NULL); /* a cache: what stays is removed by the next run */
    }
    for (size_t i = 0; i < to->staged_count; i++) {
        release_file(&to->staged[i]);
    }
    mem_free(to->staged);
    release_file(&to->current);
    cairn_buf_release(&to->pending);
    mem_free(to->folder);
    mem_free(to->joined);
    mem_free(to->existing);
    mem_free(to);
}

/* Names the next segment. */
static cairn_code name_segment(sink *to, cairn_output_file *out, cairn_error *err)
{
    char name[OBJECT_NAME_BYTES];
    char *path = NULL;

    (void)snprintf(name, sizeof(name), "output-%08" PRIu64, to->next_segment);
    char *copy CAIRN_AUTO_FREE = mem_strdup(name);
    if (copy == NULL) {
        return error_no_memory(err, "the name of a segment");
    }
    CAIRN_TRY(fs_join(to->folder, name, &path, err));
    to->next_segment++;
    *out = (cairn_output_file){CAIRN_TAKE(copy), path};
    return CAIRN_OK;
}

/* Writes `data` to the current segment, which is made if there is none. */
static cairn_code write_segment(sink *to, cairn_slice data, cairn_error *err)
{
    if (to->fd < 0) {
        release_file(&to->current);
        CAIRN_TRY(name_segment(to, &to->current, err));
        CAIRN_TRY(fs_open_new(to->current.path, &to->fd, err));
    }
    return fs_write_all(to->fd, data.data, data.len, to->current.path, err);
}

static cairn_code flush_pending(sink *to, cairn_error *err)
{
    if (to->pending.len > 0) {
        CAIRN_TRY(write_segment(to, cairn_buf_slice(&to->pending), err));
    }
    buf_clear(&to->pending);
    return CAIRN_OK;
}

cairn_code sink_emit(sink *to, cairn_slice line, cairn_error *err)
{
    if (line.len > 0 && memchr(line.data, '\n', line.len) != NULL) {
        return error_set(err, CAIRN_E_INVALID, "emit a line: there is a newline in it");
    }
    if (line.len >= CAIRN_IO_CHUNK_BYTES) {
        CAIRN_TRY(flush_pending(to, err));
        CAIRN_TRY(write_segment(to, line, err));
        return buf_append_byte(&to->pending, '\n', err);
    }
    CAIRN_TRY(buf_append(&to->pending, line.data, line.len, err));
    CAIRN_TRY(buf_append_byte(&to->pending, '\n', err));
    return to->pending.len >= CAIRN_IO_CHUNK_BYTES ? flush_pending(to, err) : CAIRN_OK;
}

static cairn_code reserve_staged(sink *to, cairn_error *err)
{
    const size_t wanted = to->staged_capacity == 0 ? 4 : 2 * to->staged_capacity;

    if (to->staged_count >= CAIRN_SINK_SEGMENTS_MAX) {
        return error_set(err, CAIRN_E_LIMIT,
                         "stage output: %d segments wait for a checkpoint that succeeds",
                         CAIRN_SINK_SEGMENTS_MAX);
    }
    if (to->staged_count < to->staged_capacity) {
        return CAIRN_OK;
    }
    cairn_output_file *grown = mem_realloc_array(to->staged, wanted, sizeof(*grown));
    if (grown == NULL) {
        return error_no_memory(err, "the list of output segments");
    }
    to->staged = grown;
    to->staged_capacity = wanted;
    return CAIRN_OK;
}

cairn_code sink_stage(sink *to, cairn_error *err)
{
    CAIRN_FAILPOINT("sink.stage.before", err);
    CAIRN_TRY(flush_pending(to, err));
    if (to->fd >= 0) {
        CAIRN_TRY(reserve_staged(to, err));
        fs_close(&to->fd);
        to->staged[to->staged_count++] = to->current;
        to->current = (cairn_output_file){0};
    }
    CAIRN_FAILPOINT("sink.stage.after", err);
    return CAIRN_OK;
}

const cairn_output_file *sink_staged(const sink *to, size_t *out_count)
{
    *out_count = to->staged_count;
    return to->staged;
}

cairn_code sink_reserve(sink *to, const char **out_path, cairn_error *err)
{
    CAIRN_TRY(reserve_staged(to, err));
    CAIRN_TRY(name_segment(to, &to->staged[to->staged_count], err));
    *out_path = to->staged[to->staged_count++].path;
    return CAIRN_OK;
}

static cairn_code append_file(const char *path, fs_fd to, cairn_error *err)
{
    CAIRN_AUTO(fs_fd) from = -1;
    fs_stat info;

    CAIRN_TRY(fs_open_read(path, &from, err));
    CAIRN_TRY(fs_stat_path(path, &info, err));
    return fs_copy_range(from, 0, info.size, to, path, err);
}

/* One file with all that is staged: the segment itself if there is but one. */
static cairn_code join_staged(const sink *to, const char **out_path, cairn_error *err)
{
    CAIRN_AUTO(fs_fd) fd = -1;

    if (to->staged_count == 1) {
        *out_path = to->staged[0].path;
        return CAIRN_OK;
    }
    CAIRN_TRY(fs_remove_file(to->joined, err));
    CAIRN_TRY(fs_open_new(to->joined, &fd, err));
    for (size_t i = 0; i < to->staged_count; i++) {
        CAIRN_TRY(append_file(to->staged[i].path, fd, err));
    }
    *out_path = to->joined;
    return CAIRN_OK;
}

/* The object stands there already: whose bytes are they? */
static cairn_code compare_existing(const sink *to, const cairn_call *call, const char *name,
                                   const char *path, cairn_error *err)
{
    cairn_object_info info = {0};
    sha256 ours = {0};
    sha256 theirs = {0};
    uint64_t bytes = 0;

    CAIRN_TRY(sha256_of_file(path, &ours, &bytes, err));
    CAIRN_TRY(cairn_store_stat(to->output, call, name, &info, err));
    if (info.size == bytes) {
        const cairn_file_range copy = {to->existing, 0, info.size, false, NULL};

        CAIRN_TRY(fs_remove_file(to->existing, err));
        CAIRN_TRY(cairn_store_get_file(to->output, call, name, &copy, err));
        CAIRN_TRY(sha256_of_file(to->existing, &theirs, &bytes, err));
        CAIRN_TRY(fs_remove_file(to->existing, err));
    }
    if (info.size != bytes || !sha256_equal(&ours, &theirs)) {
        return error_set(err, CAIRN_E_INTEGRITY, "%s in %s stands there with other bytes", name,
                         cairn_store_uri(to->output));
    }
    return CAIRN_OK;
}

static cairn_code put_joined(const sink *to, const cairn_call *call, const char *name,
                             bool *out_created, cairn_error *err)
{
    const char *path = NULL;
    fs_stat info;

    CAIRN_TRY(join_staged(to, &path, err));
    CAIRN_TRY(fs_stat_path(path, &info, err));
    const cairn_file_range whole = {path, 0, info.size, false, NULL};
    const cairn_code code =
        cairn_store_put_file(to->output, call, name, &whole, CAIRN_PUT_CREATE, err);
    if (code == CAIRN_E_EXISTS) {
        *out_created = false;
        return compare_existing(to, call, name, path, err);
    }
    *out_created = code == CAIRN_OK;
    return code;
}

/* Removes the local files of what is published; a file that stays costs disk, nothing else. */
static void forget_staged(sink *to)
{
    for (size_t i = 0; i < to->staged_count; i++) {
        (void)fs_remove_file(to->staged[i].path, NULL);
        release_file(&to->staged[i]);
    }
    to->staged_count = 0;
    (void)fs_remove_file(to->joined, NULL);
}

cairn_code sink_publish(sink *to, const cairn_call *call, uint64_t checkpoint_id, bool *out_created,
                        cairn_error *err)
{
    char name[OBJECT_NAME_BYTES];
    bool created = false;

    if (to->staged_count > 0) {
        (void)snprintf(name, sizeof(name), "part-%012" PRIu64 "-%05" PRIu32, checkpoint_id,
                       to->subtask);
        CAIRN_FAILPOINT("sink.publish.before", err);
        const cairn_code code = put_joined(to, call, name, &created, err);
        if (code != CAIRN_OK) {
            return error_prefix(err, code, "publish %s", name);
        }
        CAIRN_FAILPOINT("sink.publish.after", err);
        forget_staged(to);
    }
    *out_created = created;
    return CAIRN_OK;
}
