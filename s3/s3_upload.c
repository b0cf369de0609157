/* Parts are read from the file when they are sent: there is no buffer of a part's size. */
#include "s3_upload.h"

#include "errors.h"
#include "s3_checksum.h"

#include <inttypes.h>
#include <string.h>

#define MIB ((uint64_t)1 << 20)

cairn_code s3_part_bytes(uint64_t length, uint64_t part_bytes, uint64_t *out, cairn_error *err)
{
    const uint64_t least = (length + CAIRN_S3_PARTS_MAX - 1) / CAIRN_S3_PARTS_MAX;
    const uint64_t rounded = (least + MIB - 1) / MIB * MIB;
    const uint64_t bytes = rounded > part_bytes ? rounded : part_bytes;

    if (bytes > CAIRN_S3_PART_BYTES_MAX) {
        return error_set(err, CAIRN_E_LIMIT,
                         "%" PRIu64
                         " bytes are more than %d parts of 5 GiB: S3 has no larger object",
                         length, CAIRN_S3_PARTS_MAX);
    }
    *out = bytes;
    return CAIRN_OK;
}

void s3_upload_release(s3_upload *upload)
{
    s3_ahead_free(upload->ahead);
    for (unsigned i = 0; upload->etags != NULL && i < upload->parts; i++) {
        mem_free(upload->etags[i]);
    }
    mem_free(upload->etags);
    mem_free(upload->sums);
    mem_free(upload->id);
}

static s3_ahead_plan plan_of(const s3_upload *upload)
{
    const unsigned parallel = upload->store->parallel;

    return (s3_ahead_plan){
        .body = upload->body,
        .part_bytes = upload->part_bytes,
        .parts = upload->parts,
        .lead = parallel < CAIRN_S3_AHEAD_MAX ? parallel : CAIRN_S3_AHEAD_MAX,
        .by_crc32c = upload->by_crc32c,
    };
}

static bool part_is_ready(void *context)
{
    const s3_upload *upload = context;

    return upload->ahead == NULL || s3_ahead_ready(upload->ahead);
}

/* A repeat sends the same bytes: it is not hashed again. */
static cairn_code write_part(void *context, s3_task *task, cairn_error *err)
{
    s3_upload *upload = context;
    const s3_ahead_plan plan = plan_of(upload);
    const http_source source = s3_ahead_source(&plan, task->index);

    if (upload->ahead != NULL && !task->sent_before) {
        CAIRN_TRY(s3_ahead_take(upload->ahead, &task->digests, err));
    }
    task->request =
        (s3_request){.method = CAIRN_HTTP_PUT, .asked = CAIRN_S3_ASKED_UPLOAD, .key = upload->key};
    s3_number(task->index + 1, task->text);
    s3_request_query(&task->request, "partNumber", task->text);
    s3_request_query(&task->request, "uploadId", upload->id);
    return s3_add_source(upload->store, &source, &task->digests, &task->request, err);
}

cairn_code s3_upload_take_etag(s3_upload *upload, uint64_t index, cairn_slice etag,
                               cairn_error *err)
{
    if (etag.len == 0 || etag.len > CAIRN_S3_ETAG_BYTES_MAX) {
        return error_set(err, CAIRN_E_UNAVAILABLE, "the server sent no ETag");
    }
    mem_free(upload->etags[index]);
    upload->etags[index] = mem_strndup(etag.data, etag.len);
    return upload->etags[index] != NULL ? CAIRN_OK : error_no_memory(err, "an upload");
}

static cairn_code take_etag(s3_upload *upload, const s3_task *task, cairn_error *err)
{
    cairn_slice etag = {NULL, 0};

    (void)http_header(&task->x.http.reply, "etag", &etag);
    return s3_upload_take_etag(upload, task->index, etag, err);
}

/* An upload whose parts are acknowledged otherwise than asked is given up: a new one is signed. */
static cairn_code accept_part(s3_upload *upload, s3_task *task, cairn_error *err)
{
    if (upload->by_crc32c) {
        task->final = true;
        CAIRN_TRY(s3_crc_check(upload->store, &task->x.http.reply, task->digests.crc32c, err));
        task->final = false;
        memcpy(upload->sums[task->index], task->digests.crc32c, S3_CRC32C_SIZE);
    }
    return take_etag(upload, task, err);
}

static cairn_code finish_part(void *context, s3_task *task, cairn_code code, const cairn_error *why,
                              cairn_error *err)
{
    s3_upload *upload = context;
    s3_exchange *x = &task->x;

    if (code == CAIRN_OK) {
        return accept_part(upload, task, err);
    }
    task->final = s3_exchange_wants(x, CAIRN_S3_UPLOAD_GONE) ||
                  s3_exchange_wants(x, CAIRN_S3_RESTART_UPLOAD);
    if (s3_exchange_wants(x, CAIRN_S3_HASH_AGAIN) && !task->blamed) {
        task->blamed = true;
        CAIRN_TRY(s3_blame_source(&task->request.source, &task->digests, upload->body->path, err));
        task->at_once = true;
    }
    if (err != NULL) {
        *err = *why;
    }
    return code;
}

static cairn_code make_parts(s3_upload *upload, const s3_part_work *work, cairn_error *err)
{
    const s3_crew crew = {
        .store = upload->store,
        .call = upload->call,
        .tasks = upload->parts,
        .what = "part",
        .context = upload,
        .write = work->write,
        .finish = work->finish,
        .ready = work->ready,
    };

    return s3_crew_run(&crew, err);
}

static cairn_code make_and_complete(s3_upload *upload, const s3_part_work *work, cairn_error *err)
{
    CAIRN_TRY(make_parts(upload, work, err));
    return s3_upload_complete(upload, err);
}

cairn_code s3_upload_run(s3_upload *upload, const s3_part_work *work, cairn_error *err)
{
    const uint64_t length = upload->body->source.length;

    CAIRN_TRY(s3_part_bytes(length, upload->store->part_bytes, &upload->part_bytes, err));
    upload->parts = (unsigned)((length + upload->part_bytes - 1) / upload->part_bytes);
    upload->etags = mem_calloc(upload->parts, sizeof(*upload->etags));
    if (upload->etags == NULL) {
        return error_no_memory(err, "an upload");
    }
    if (work->prepare != NULL) {
        CAIRN_TRY(work->prepare(upload, err));
    }
    if (upload->mode == CAIRN_PUT_CREATE) {
        CAIRN_TRY(s3_expect_absent(upload->store, upload->call, upload->key, err));
    }
    CAIRN_TRY(s3_upload_begin(upload, err));
    const cairn_code code = make_and_complete(upload, work, err);
    if (code != CAIRN_OK) {
        const cairn_call own = {cairn_deadline_in(CAIRN_S3_ABORT_MS), NULL};
        s3_upload_abort(upload, &own);
    }
    return code;
}

/* Hashing begins here: it goes on while the server is asked for an upload. */
static cairn_code prepare_parts(s3_upload *upload, cairn_error *err)
{
    const s3_ahead_plan plan = plan_of(upload);

    if (upload->by_crc32c) {
        upload->sums = mem_calloc(upload->parts, sizeof(*upload->sums));
        if (upload->sums == NULL) {
            return error_no_memory(err, "an upload");
        }
    }
    return upload->store->unsigned_payload ? CAIRN_OK : s3_ahead_new(&plan, &upload->ahead, err);
}

cairn_code s3_put_parts(s3_store *store, const cairn_call *call, const char *key,
                        const s3_body *body, cairn_put_mode mode, cairn_error *err)
{
    static const s3_part_work work = {prepare_parts, write_part, finish_part, part_is_ready};
    CAIRN_AUTO(s3_upload)
    upload = {.store = store, .call = call, .key = key, .body = body, .mode = mode};

    upload.by_crc32c = s3_crc_serves(store, call, key, body->source.length);
    return s3_upload_run(&upload, &work, err);
}
