/*
 * DESIGN: every call becomes an `operation`, a function and its arguments, so that one loop repeats
 * them all. Whether to repeat is decided by src/task/retry; here are the clock, the sleep and the
 * calls that cannot simply be made again: the create-only put or copy, which may meet its own first
 * attempt, the page of a listing, whose visitor must see each object once, and the delete of many
 * keys, of which only those are asked for again that are not decided.
 */
#include "bounds.h"
#include "buf.h"
#include "cancel.h"
#include "clock.h"
#include "errors.h"
#include "fsutil.h"
#include "random.h"
#include "retry.h"
#include "store_front.h"
#include "stores.h"

#include <string.h>

typedef struct retrying {
    cairn_store *inner;
    retry_budget budget; /* thread-safe by itself */
} retrying;

/* Keys that are to be deleted, less those that are: what the next attempt asks for. */
typedef struct undecided {
    const char *keys[CAIRN_DELETE_BATCH_MAX];
    size_t at[CAIRN_DELETE_BATCH_MAX]; /* their indices in the call */
    size_t count;
    const cairn_delete_watch *watch;
    /* of the attempt that runs */
    bool refused[CAIRN_DELETE_BATCH_MAX]; /* for good: the watch was told */
    bool failed[CAIRN_DELETE_BATCH_MAX];  /* for a passing reason */
    cairn_error failure;                  /* of the first of these */
} undecided;

/* The arguments of one call; each kind uses its own. */
typedef struct operation {
    cairn_code (*attempt)(const cairn_store *inner, struct operation *op, cairn_error *err);
    const cairn_call *call;
    const char *key;
    union {
        struct {
            const cairn_put_body *body;
            cairn_put_mode mode;
            bool unknown; /* an attempt failed that may have taken effect all the same */
        } put;
        struct {
            size_t limit;
            cairn_buf *out;
        } get;
        const cairn_memory_range *range;
        const cairn_file_range *file;
        cairn_object_info *info;
        undecided *many;
        struct {
            const char *to_key;
            cairn_put_mode mode;
            bool unknown; /* as of a put */
        } copy;
        struct {
            const cairn_list_page *page;
            cairn_buf *seen;
        } list;
    };
} operation;

static cairn_code give_up(unsigned attempts, cairn_code code, const cairn_error *last,
                          cairn_error *err)
{
    if (err != NULL) {
        *err = *last;
        err->code = code;
    }
    return attempts == 1 ? code : error_prefix(err, code, "after %u attempts", attempts);
}

/* The store did its work, also if that was to say no. */
static bool is_answer(cairn_code code)
{
    return code == CAIRN_OK || code == CAIRN_E_NOT_FOUND || code == CAIRN_E_EXISTS;
}

static cairn_code repeat(retrying *r, operation *op, cairn_error *err)
{
    const uint64_t begin_ms = clock_monotonic_ms();

    for (unsigned attempt = 1;; attempt++) {
        cairn_error last = {0};
        uint64_t delay_ms = 0;
        const cairn_code code = op->attempt(r->inner, op, &last);
        if (is_answer(code)) {
            retry_budget_add(&r->budget);
        }
        if (code == CAIRN_OK) {
            return CAIRN_OK;
        }
        const retry_failure failure = {
            .attempt = attempt,
            .code = code,
            .retry_after_ms = last.retry_after_ms,
            .elapsed_ms = clock_monotonic_ms() - begin_ms,
            .remaining_ms = call_remaining_ms(op->call, UINT64_MAX),
            .random = random_u64(),
        };
        if (!retry_decide(&failure, &delay_ms) || !retry_budget_take(&r->budget)) {
            return give_up(attempt, code, &last, err);
        }
        CAIRN_TRY(call_sleep(op->call, delay_ms, "waiting to try again", err));
    }
}

/* Bytes of a put or copy, to be compared with what is stored. */
typedef struct own_bytes {
    const cairn_put_body *body;
    const char *from_key; /* of a copy, which has no body */
    uint64_t length;
    fs_fd file; /* -1 for bytes elsewhere */
    uint8_t *mine;
    uint8_t *theirs;
} own_bytes;

static void own_bytes_release(own_bytes *own)
{
    fs_close(&own->file);
    mem_free(own->mine);
    mem_free(own->theirs);
}
CAIRN_DEFINE_AUTO(own_bytes, own_bytes_release)

static uint64_t body_length(const cairn_put_body *body)
{
    return body->data != NULL ? body->data->len : body->range->length;
}

static cairn_code own_bytes_open(own_bytes *own, cairn_error *err)
{
    own->mine = mem_alloc(CAIRN_IO_CHUNK_BYTES);
    own->theirs = mem_alloc(CAIRN_IO_CHUNK_BYTES);
    if (own->mine == NULL || own->theirs == NULL) {
        return error_no_memory(err, "comparing an object");
    }
    if (own->body == NULL || own->body->range == NULL) {
        return CAIRN_OK;
    }
    return fs_open_read(own->body->range->path, &own->file, err);
}

static cairn_code read_object(const cairn_store *inner, const operation *op, const char *key,
                              const cairn_memory_range *range, cairn_error *err)
{
    return inner->driver.get_range(inner->self, op->call, key, range, err);
}

static cairn_code own_bytes_read(const own_bytes *own, uint64_t at, size_t len, cairn_error *err)
{
    CAIRN_ASSERT(own->body != NULL);
    const cairn_file_range *range = own->body->range;
    size_t got = len;

    if (range == NULL) {
        memcpy(own->mine, (const uint8_t *)own->body->data->data + at, len);
        return CAIRN_OK;
    }
    CAIRN_TRY(fs_read_at(own->file, &(cairn_memory_range){range->offset + at, own->mine, len}, &got,
                         range->path, err));
    return got == len ? CAIRN_OK
                      : error_set(err, CAIRN_E_INTEGRITY, "%s has become shorter", range->path);
}

static cairn_code not_ours(cairn_error *err)
{
    return error_set(err, CAIRN_E_EXISTS, "it exists already with other bytes");
}

static cairn_code compare_bytes(const cairn_store *inner, const operation *op, const char *key,
                                own_bytes *own, cairn_error *err)
{
    CAIRN_TRY(own_bytes_open(own, err));
    for (uint64_t done = 0; done < own->length;) {
        const uint64_t rest = own->length - done;
        const size_t step = rest < CAIRN_IO_CHUNK_BYTES ? (size_t)rest : CAIRN_IO_CHUNK_BYTES;
        const cairn_memory_range mine = {done, own->mine, step};
        const cairn_memory_range theirs = {done, own->theirs, step};
        CAIRN_TRY(own->from_key != NULL ? read_object(inner, op, own->from_key, &mine, err)
                                        : own_bytes_read(own, done, step, err));
        CAIRN_TRY(read_object(inner, op, key, &theirs, err));
        if (memcmp(own->mine, own->theirs, step) != 0) {
            return not_ours(err);
        }
        done += step;
    }
    return CAIRN_OK;
}

/* OK if the object at `key` is what an earlier attempt of this very call has stored. */
static cairn_code confirm_own(const cairn_store *inner, const operation *op, const char *key,
                              own_bytes *own, cairn_error *err)
{
    cairn_object_info info = {0};
    const cairn_code code = inner->driver.stat(inner->self, op->call, key, &info, err);

    if (code == CAIRN_E_NOT_FOUND || (code == CAIRN_OK && info.size != own->length)) {
        return not_ours(err);
    }
    return code != CAIRN_OK ? code : compare_bytes(inner, op, key, own, err);
}

/* A comparison that fails for a passing reason comes back here by way of the next attempt. */
static cairn_code attempt_put(const cairn_store *inner, operation *op, cairn_error *err)
{
    const cairn_code code =
        inner->driver.put(inner->self, op->call, op->key, op->put.body, op->put.mode, err);

    if (code == CAIRN_E_EXISTS && op->put.unknown) {
        CAIRN_AUTO(own_bytes)
        own = {.body = op->put.body, .length = body_length(op->put.body), .file = -1};
        return confirm_own(inner, op, op->key, &own, err);
    }
    op->put.unknown = op->put.unknown || retry_is_transient(code);
    return code;
}

static cairn_code confirm_copy(const cairn_store *inner, const operation *op, cairn_error *err)
{
    CAIRN_AUTO(own_bytes) own = {.from_key = op->key, .file = -1};
    cairn_object_info info = {0};

    CAIRN_TRY(inner->driver.stat(inner->self, op->call, op->key, &info, err));
    own.length = info.size;
    return confirm_own(inner, op, op->copy.to_key, &own, err);
}

static cairn_code attempt_copy(const cairn_store *inner, operation *op, cairn_error *err)
{
    const cairn_code code =
        inner->driver.copy(inner->self, op->call, op->key, op->copy.to_key, op->copy.mode, err);

    if (code == CAIRN_E_EXISTS && op->copy.unknown) {
        return confirm_copy(inner, op, err);
    }
    op->copy.unknown = op->copy.unknown || retry_is_transient(code);
    return code;
}

static cairn_code attempt_get(const cairn_store *inner, operation *op, cairn_error *err)
{
    buf_clear(op->get.out);
    return inner->driver.get(inner->self, op->call, op->key, op->get.limit, op->get.out, err);
}

static cairn_code attempt_get_range(const cairn_store *inner, operation *op, cairn_error *err)
{
    return inner->driver.get_range(inner->self, op->call, op->key, op->range, err);
}

static cairn_code attempt_get_file(const cairn_store *inner, operation *op, cairn_error *err)
{
    return inner->driver.get_file(inner->self, op->call, op->key, op->file, err);
}

static cairn_code attempt_stat(const cairn_store *inner, operation *op, cairn_error *err)
{
    return inner->driver.stat(inner->self, op->call, op->key, op->info, err);
}

static cairn_code attempt_remove(const cairn_store *inner, operation *op, cairn_error *err)
{
    return inner->driver.remove(inner->self, op->call, op->key, err);
}

static void note_kept(void *context, size_t index, const cairn_error *why)
{
    undecided *many = context;

    CAIRN_ASSERT(index < many->count);
    if (!retry_is_transient(why->code)) {
        many->refused[index] = true;
        many->watch->kept(many->watch->context, many->at[index], why);
        return;
    }
    many->failed[index] = true;
    if (many->failure.code == CAIRN_OK) {
        many->failure = *why;
    }
}

/* What the attempt has decided goes; `known`: it has decided all that it told nothing of. */
static void drop_decided(undecided *many, bool known)
{
    size_t left = 0;

    for (size_t i = 0; i < many->count; i++) {
        if (many->failed[i] || (!known && !many->refused[i])) {
            many->keys[left] = many->keys[i];
            many->at[left++] = many->at[i];
        }
    }
    many->count = left;
}

static cairn_code attempt_remove_many(const cairn_store *inner, operation *op, cairn_error *err)
{
    undecided *many = op->many;
    const cairn_delete_watch watch = {note_kept, many};

    memset(many->refused, 0, sizeof(many->refused));
    memset(many->failed, 0, sizeof(many->failed));
    many->failure = (cairn_error){.code = CAIRN_OK};
    const cairn_code code =
        inner->driver.remove_many(inner->self, op->call, many->keys, many->count, &watch, err);
    drop_decided(many, code == CAIRN_OK);
    if (code == CAIRN_OK && many->count > 0) {
        *err = many->failure;
        return many->failure.code;
    }
    return code;
}

/* A page is kept as a row of objects: the info, then the key with its NUL. */
static cairn_code keep_object(void *context, const char *key, const cairn_object_info *info,
                              cairn_error *err)
{
    cairn_buf *seen = context;

    CAIRN_TRY(buf_append(seen, info, sizeof(*info), err));
    return buf_append(seen, key, strlen(key) + 1, err);
}

static cairn_code show_objects(const cairn_buf *seen, cairn_store_visit visit, void *context,
                               cairn_error *err)
{
    for (size_t at = 0; at < seen->len;) {
        cairn_object_info info;
        memcpy(&info, seen->data + at, sizeof(info));
        const char *key = (const char *)seen->data + at + sizeof(info);
        CAIRN_TRY(visit(context, key, &info, err));
        at += sizeof(info) + strlen(key) + 1;
    }
    return CAIRN_OK;
}

static cairn_code attempt_list_page(const cairn_store *inner, operation *op, cairn_error *err)
{
    buf_clear(op->list.seen);
    return inner->driver.list_page(inner->self, op->call, op->list.page, keep_object, op->list.seen,
                                   err);
}

static cairn_code retrying_put(void *self, const cairn_call *call, const char *key,
                               const cairn_put_body *body, cairn_put_mode mode, cairn_error *err)
{
    operation op = {.attempt = attempt_put, .call = call, .key = key, .put = {body, mode, false}};

    return repeat(self, &op, err);
}

static cairn_code retrying_get(void *self, const cairn_call *call, const char *key, size_t limit,
                               cairn_buf *out, cairn_error *err)
{
    operation op = {.attempt = attempt_get, .call = call, .key = key, .get = {limit, out}};

    return repeat(self, &op, err);
}

static cairn_code retrying_get_range(void *self, const cairn_call *call, const char *key,
                                     const cairn_memory_range *range, cairn_error *err)
{
    operation op = {.attempt = attempt_get_range, .call = call, .key = key, .range = range};

    return repeat(self, &op, err);
}

static cairn_code retrying_get_file(void *self, const cairn_call *call, const char *key,
                                    const cairn_file_range *to, cairn_error *err)
{
    operation op = {.attempt = attempt_get_file, .call = call, .key = key, .file = to};

    return repeat(self, &op, err);
}

static cairn_code retrying_stat(void *self, const cairn_call *call, const char *key,
                                cairn_object_info *out, cairn_error *err)
{
    operation op = {.attempt = attempt_stat, .call = call, .key = key, .info = out};

    return repeat(self, &op, err);
}

static cairn_code retrying_remove(void *self, const cairn_call *call, const char *key,
                                  cairn_error *err)
{
    operation op = {.attempt = attempt_remove, .call = call, .key = key};

    return repeat(self, &op, err);
}

static cairn_code retrying_remove_many(void *self, const cairn_call *call, const char *const *keys,
                                       size_t count, const cairn_delete_watch *watch,
                                       cairn_error *err)
{
    CAIRN_ASSERT(count <= CAIRN_DELETE_BATCH_MAX);
    undecided *many CAIRN_AUTO_FREE = mem_calloc(1, sizeof(*many));
    if (many == NULL) {
        return error_no_memory(err, "deleting objects");
    }
    many->watch = watch;
    many->count = count;
    for (size_t i = 0; i < count; i++) {
        many->keys[i] = keys[i];
        many->at[i] = i;
    }
    operation op = {.attempt = attempt_remove_many, .call = call, .key = keys[0], .many = many};
    cairn_error why = {0};
    why.code = repeat(self, &op, &why);
    if (why.code == CAIRN_E_INVALID || why.code == CAIRN_E_INCOMPATIBLE) {
        return error_set(err, why.code, "%s", why.message); /* of the request as a whole */
    }
    for (size_t i = 0; why.code != CAIRN_OK && i < many->count; i++) {
        watch->kept(watch->context, many->at[i], &why);
    }
    return CAIRN_OK; /* also of what earlier attempts have deleted */
}

static cairn_code retrying_copy(void *self, const cairn_call *call, const char *from_key,
                                const char *to_key, cairn_put_mode mode, cairn_error *err)
{
    operation op = {
        .attempt = attempt_copy, .call = call, .key = from_key, .copy = {to_key, mode, false}};

    return repeat(self, &op, err);
}

static cairn_code retrying_list_page(void *self, const cairn_call *call,
                                     const cairn_list_page *page, cairn_store_visit visit,
                                     void *context, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf)
    seen = {.limit = CAIRN_LIST_PAGE_MAX *
                     (sizeof(cairn_object_info) + CAIRN_OBJECT_KEY_BYTES_MAX + 1)};
    char *next CAIRN_AUTO_FREE = NULL;
    const cairn_list_page inner = {page->prefix, page->token, &next};
    operation op = {.attempt = attempt_list_page, .call = call, .list = {&inner, &seen}};

    CAIRN_TRY(repeat(self, &op, err));
    CAIRN_TRY(show_objects(&seen, visit, context, err));
    *page->out_next_token = CAIRN_TAKE(next);
    return CAIRN_OK;
}

static const cairn_store_driver driver = {
    .version = CAIRN_STORE_DRIVER_VERSION,
    .put = retrying_put,
    .get = retrying_get,
    .get_range = retrying_get_range,
    .get_file = retrying_get_file,
    .stat = retrying_stat,
    .remove = retrying_remove,
    .list_page = retrying_list_page,
    .free = mem_free,
    .remove_many = retrying_remove_many,
    .copy = retrying_copy,
};

cairn_code store_retrying_new(cairn_store *inner, cairn_store **out, cairn_error *err)
{
    retrying *r = mem_calloc(1, sizeof(*r));

    if (r == NULL) {
        return error_no_memory(err, "a store");
    }
    r->inner = inner;
    retry_budget_init(&r->budget);
    const cairn_store_driver own = store_driver_like(&driver, inner);
    return cairn_store_new(&own, r, inner->uri, out, err);
}
