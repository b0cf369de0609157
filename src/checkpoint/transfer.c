#include "transfer.h"

#include "bounds.h"
#include "buf.h"
#include "cancel.h"
#include "errors.h"
#include "failpoint.h"
#include "fsutil.h"
#include "plan.h"

#include <string.h>

static cairn_code hash_file(const char *path, cairn_file_info *info, sha256 *digest,
                            cairn_error *err)
{
    uint64_t bytes = 0;

    CAIRN_TRY(sha256_of_file(path, digest, &bytes, err));
    if (bytes != info->size) {
        return error_set(err, CAIRN_E_INTEGRITY,
                         "%s has %llu bytes, it had %llu when it was closed", path,
                         (unsigned long long)bytes, (unsigned long long)info->size);
    }
    sha256_to_hex(digest, info->sha256);
    return CAIRN_OK;
}

/* What went up is what was hashed. Drivers read a file again when they send it: some compare that
 * with the digest, others (an upload in parts, HDFS) cannot. Not by the inode: some file systems in
 * user space give a file another one each time. */
static cairn_code expect_unchanged(const char *path, const fs_stat *hashed, cairn_error *err)
{
    fs_stat now;

    CAIRN_TRY(fs_stat_path(path, &now, err));
    if (now.size != hashed->size || now.mtime_ns != hashed->mtime_ns) {
        return error_set(err, CAIRN_E_INTEGRITY,
                         "%s changed while it was stored: what is stored has not the SHA-256 that "
                         "was computed of it",
                         path);
    }
    return CAIRN_OK;
}

static cairn_code put_object(upload *self, const char *path, uint64_t bytes, const sha256 *digest,
                             cairn_error *err)
{
    const cairn_file_range range = {path, 0, bytes, self->frozen, digest->bytes};

    self->attempted = true;
    return cairn_store_put_file(self->context->root, self->context->call, self->infos[0]->key,
                                &range, CAIRN_PUT_CREATE, err);
}

static cairn_code join_files(const upload *self, const char *path, cairn_error *err)
{
    CAIRN_AUTO(fs_fd) to = -1;

    CAIRN_TRY(fs_open_new(path, &to, err));
    for (size_t i = 0; i < self->count; i++) {
        CAIRN_AUTO(fs_fd) from = -1;

        CAIRN_TRY(fs_open_read(self->paths[i], &from, err));
        CAIRN_TRY(fs_copy_range(from, 0, self->infos[i]->size, to, self->paths[i], err));
    }
    return CAIRN_OK;
}

static cairn_code put_joined(upload *self, const char *path, cairn_error *err)
{
    const cairn_file_info *last = self->infos[self->count - 1];
    sha256 digest;
    uint64_t bytes = 0;

    CAIRN_TRY(join_files(self, path, err));
    CAIRN_TRY(sha256_of_file(path, &digest, &bytes, err));
    if (bytes != last->offset + last->size) {
        return error_set(err, CAIRN_E_INTERNAL, "%s has %llu bytes, not %llu", path,
                         (unsigned long long)bytes,
                         (unsigned long long)(last->offset + last->size));
    }
    return put_object(self, path, bytes, &digest, err);
}

static cairn_code upload_pack(upload *self, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) name = {0};
    fs_stat *hashed CAIRN_AUTO_FREE = mem_calloc(self->count, sizeof(*hashed));
    sha256 digest;

    if (hashed == NULL) {
        return error_no_memory(err, "a pack of files");
    }
    for (size_t i = 0; i < self->count; i++) {
        CAIRN_TRY(fs_stat_path(self->paths[i], &hashed[i], err));
        CAIRN_TRY(hash_file(self->paths[i], self->infos[i], &digest, err));
    }
    CAIRN_TRY(buf_printf(&name, err, "%s.pack", self->paths[0]));
    const char *path = buf_text(&name);
    if (path == NULL) {
        return error_no_memory(err, "a pack of files");
    }
    const cairn_code code = put_joined(self, path, err);
    (void)fs_remove_file(path, NULL);
    for (size_t i = 0; code == CAIRN_OK && i < self->count; i++) {
        CAIRN_TRY(expect_unchanged(self->paths[i], &hashed[i], err));
    }
    return code;
}

static cairn_code upload_file(upload *self, cairn_error *err)
{
    fs_stat hashed;
    sha256 digest;

    CAIRN_TRY(fs_stat_path(self->paths[0], &hashed, err));
    CAIRN_TRY(hash_file(self->paths[0], self->infos[0], &digest, err));
    CAIRN_TRY(put_object(self, self->paths[0], self->infos[0]->size, &digest, err));
    return expect_unchanged(self->paths[0], &hashed, err);
}

static cairn_code upload_one(void *argument, cairn_error *err)
{
    upload *self = argument;

    CAIRN_TRY(call_check(self->context->call, self->infos[0]->key, err));
    CAIRN_FAILPOINT("checkpoint.hash.file", err);
    CAIRN_TRY(self->count == 1 ? upload_file(self, err) : upload_pack(self, err));
    CAIRN_FAILPOINT("checkpoint.upload.file", err);
    return CAIRN_OK;
}

cairn_code upload_batch(const transfer_context *context, upload *uploads, size_t count,
                        cairn_error *err)
{
    CAIRN_AUTO_PTR(workgroup_free) workgroup *group = NULL;

    CAIRN_TRY(workgroup_new(context->pool, &group, err));
    for (size_t i = 0; i < count; i++) {
        uploads[i].context = context;
        CAIRN_TRY(workgroup_submit(group, upload_one, &uploads[i], err));
    }
    return workgroup_wait(group, err);
}

static cairn_code compare(const cairn_file_info *info, const sha256 *digest, uint64_t bytes,
                          cairn_error *err)
{
    char hex[SHA256_HEX_SIZE];

    if (bytes != info->size) {
        return error_set(err, CAIRN_E_INTEGRITY, "%s is damaged: %llu bytes, expected %llu",
                         info->key, (unsigned long long)bytes, (unsigned long long)info->size);
    }
    sha256_to_hex(digest, hex);
    if (strcmp(hex, info->sha256) != 0) {
        return error_set(err, CAIRN_E_INTEGRITY, "%s is damaged: SHA-256 %s, expected %s",
                         info->key, hex, info->sha256);
    }
    return CAIRN_OK;
}

/* What a manifest names must be there and whole. */
static cairn_code as_damage(cairn_error *err, cairn_code code, const cairn_file_info *info)
{
    if (code == CAIRN_E_NOT_FOUND) {
        return error_set(err, CAIRN_E_INTEGRITY, "%s is missing", info->key);
    }
    return code;
}

static cairn_code make_durable(const char *path, cairn_error *err)
{
    CAIRN_AUTO(fs_fd) fd = -1;

    CAIRN_TRY(fs_open_read(path, &fd, err));
    return fs_sync(fd, path, err);
}

static cairn_code fetch(const transfer_context *context, const cairn_file_info *info,
                        const char *path, bool frozen, cairn_error *err)
{
    cairn_file_range to = {path, info->offset, info->size, frozen, NULL};
    cairn_object_info object;
    sha256 digest;
    uint64_t bytes = 0;

    CAIRN_TRY(call_check(context->call, info->key, err));
    cairn_code code = cairn_store_get_file(context->root, context->call, info->key, &to, err);
    if (code == CAIRN_E_NOT_FOUND) { /* the object, or the folder of the file? */
        CAIRN_TRY(as_damage(
            err, cairn_store_stat(context->root, context->call, info->key, &object, err), info));
        return error_set(err, CAIRN_E_IO, "fetch %s: its local folder is gone", path);
    }
    CAIRN_TRY(code);
    CAIRN_FAILPOINT("restore.download.file", err);
    code = sha256_of_file(path, &digest, &bytes, err);
    if (code != CAIRN_OK) { /* a local file that vanished is no "not found" of the store's */
        return code == CAIRN_E_NOT_FOUND ? CAIRN_E_IO : code;
    }
    CAIRN_TRY(compare(info, &digest, bytes, err));
    CAIRN_FAILPOINT("restore.verify.file", err);
    return CAIRN_OK;
}

cairn_code transfer_fetch(const transfer_context *context, const cairn_file_info *info,
                          const char *path, cairn_error *err)
{
    return fetch(context, info, path, false, err);
}

cairn_code transfer_read(const transfer_context *context, const cairn_file_info *info,
                         cairn_buf *out, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) bytes = {0};
    sha256 digest;

    CAIRN_TRY(call_check(context->call, info->key, err));
    cairn_buf_init(&bytes, (size_t)info->size);
    CAIRN_TRY(buf_reserve(&bytes, (size_t)info->size, err));
    const cairn_memory_range range = {info->offset, bytes.data, (size_t)info->size};
    CAIRN_TRY(as_damage(
        err, cairn_store_get_range(context->root, context->call, info->key, &range, err), info));
    bytes.len = (size_t)info->size;
    CAIRN_FAILPOINT("restore.download.file", err);
    CAIRN_TRY(sha256_of(cairn_buf_slice(&bytes), &digest, err));
    CAIRN_TRY(compare(info, &digest, bytes.len, err));
    cairn_buf_release(out);
    *out = buf_take(&bytes);
    return CAIRN_OK;
}

static cairn_code download_one(void *argument, cairn_error *err)
{
    const download *self = argument;
    char *path CAIRN_AUTO_FREE = NULL;

    CAIRN_TRY(fs_join(self->dir, self->info->name, &path, err));
    CAIRN_TRY(fetch(self->context, self->info, path, self->frozen, err));
    return self->durable ? make_durable(path, err) : CAIRN_OK;
}

cairn_code download_batch(const transfer_context *context, download *downloads, size_t count,
                          cairn_error *err)
{
    CAIRN_AUTO_PTR(workgroup_free) workgroup *group = NULL;

    CAIRN_TRY(workgroup_new(context->pool, &group, err));
    for (size_t i = 0; i < count; i++) {
        downloads[i].context = context;
        CAIRN_TRY(workgroup_submit(group, download_one, &downloads[i], err));
    }
    return workgroup_wait(group, err);
}

static cairn_code hash_object(const transfer_context *context, const cairn_file_info *info,
                              sha256 *out, cairn_error *err)
{
    CAIRN_AUTO_PTR(sha256_stream_free) sha256_stream *stream = NULL;
    const size_t chunk_bytes = info->size < CAIRN_CHECK_BYTES ? (size_t)info->size
                                                              : CAIRN_CHECK_BYTES;
    uint8_t *chunk CAIRN_AUTO_FREE = mem_alloc(chunk_bytes);

    if (chunk == NULL) {
        return error_no_memory(err, info->key);
    }
    CAIRN_TRY(sha256_stream_new(&stream, err));
    for (uint64_t done = 0; done < info->size;) {
        uint64_t left = info->size - done;
        size_t length = left < chunk_bytes ? (size_t)left : chunk_bytes;
        cairn_memory_range range = {info->offset + done, chunk, length};
        CAIRN_TRY(cairn_store_get_range(context->root, context->call, info->key, &range, err));
        CAIRN_TRY(sha256_stream_update(stream, (cairn_slice){chunk, length}, err));
        done += length;
    }
    return sha256_stream_finish(stream, out, err);
}

cairn_code transfer_check(const transfer_context *context, const cairn_file_info *info,
                          cairn_error *err)
{
    cairn_object_info object;
    sha256 digest;

    CAIRN_TRY(as_damage(
        err, cairn_store_stat(context->root, context->call, info->key, &object, err), info));
    uint64_t expected = info->offset + info->size;
    if (plan_is_packed(info->name) && object.size > expected) {
        expected = object.size; /* others may stand behind it */
    }
    if (object.size != expected) {
        return error_set(err, CAIRN_E_INTEGRITY, "%s is damaged: %llu bytes, expected %llu",
                         info->key, (unsigned long long)object.size, (unsigned long long)expected);
    }
    CAIRN_TRY(hash_object(context, info, &digest, err));
    return compare(info, &digest, info->size, err);
}
