#include "store_mem.h"

#include <cairn/store_driver.h>

#include "bounds.h"
#include "buf.h"
#include "cancel.h"
#include "clock.h"
#include "errors.h"
#include "fsutil.h"
#include "store_front.h"

#include <pthread.h>
#include <string.h>

typedef struct object {
    char *key;
    cairn_buf body;
    uint64_t modified_ms;
} object;

typedef struct store_mem {
    pthread_mutex_t lock;
    struct {
        object *objects; /* sorted by key */
        size_t count;
        size_t capacity;
        size_t page;
    } synced;
} store_mem;

static cairn_code no_object(const char *key, cairn_error *err)
{
    return error_set(err, CAIRN_E_NOT_FOUND, "no object %s", key);
}

/* Index of the first object whose key is not below `key`. */
static size_t lower_bound_locked(const store_mem *mem, const char *key)
{
    size_t low = 0;
    size_t high = mem->synced.count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(mem->synced.objects[middle].key, key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static object *find_locked(const store_mem *mem, const char *key)
{
    const size_t at = lower_bound_locked(mem, key);

    if (at < mem->synced.count && strcmp(mem->synced.objects[at].key, key) == 0) {
        return &mem->synced.objects[at];
    }
    return NULL;
}

static cairn_code grow_locked(store_mem *mem, cairn_error *err)
{
    if (mem->synced.count < mem->synced.capacity) {
        return CAIRN_OK;
    }
    const size_t capacity = mem->synced.capacity * 2 + 16;
    object *more = mem_realloc_array(mem->synced.objects, capacity, sizeof(*more));
    if (more == NULL) {
        return error_no_memory(err, "an object");
    }
    mem->synced.objects = more;
    mem->synced.capacity = capacity;
    return CAIRN_OK;
}

static cairn_code insert_locked(store_mem *mem, const char *key, cairn_buf *body, cairn_error *err)
{
    const size_t at = lower_bound_locked(mem, key);

    CAIRN_TRY(grow_locked(mem, err));
    char *copy = mem_strdup(key);
    if (copy == NULL) {
        return error_no_memory(err, "an object");
    }
    object *slot = mem->synced.objects + at;
    memmove(slot + 1, slot, (mem->synced.count - at) * sizeof(*slot));
    *slot = (object){copy, buf_take(body), clock_wall_ms()};
    mem->synced.count++;
    return CAIRN_OK;
}

static cairn_code store_locked(store_mem *mem, const char *key, cairn_buf *body,
                               cairn_put_mode mode, cairn_error *err)
{
    object *old = find_locked(mem, key);

    if (old == NULL) {
        return insert_locked(mem, key, body, err);
    }
    if (mode == CAIRN_PUT_CREATE) {
        return error_set(err, CAIRN_E_EXISTS, "it exists already");
    }
    cairn_buf_release(&old->body);
    old->body = buf_take(body);
    old->modified_ms = clock_wall_ms();
    return CAIRN_OK;
}

static cairn_code read_range(const cairn_file_range *range, cairn_buf *out, cairn_error *err)
{
    CAIRN_AUTO(fs_fd) file = -1;
    size_t got = 0;

    CAIRN_TRY(fs_open_read(range->path, &file, err));
    CAIRN_TRY(buf_reserve(out, range->length, err));
    CAIRN_TRY(fs_read_at(file, &(cairn_memory_range){range->offset, out->data, range->length}, &got,
                         range->path, err));
    if (got != range->length) {
        return error_set(err, CAIRN_E_INTEGRITY, "%s is too short", range->path);
    }
    out->len = got;
    return CAIRN_OK;
}

static cairn_code mem_put(void *self, const cairn_call *call, const char *key,
                          const cairn_put_body *body, cairn_put_mode mode, cairn_error *err)
{
    store_mem *mem = self;
    CAIRN_AUTO(cairn_buf) copy = {0};

    CAIRN_TRY(body->data != NULL ? buf_append(&copy, body->data->data, body->data->len, err)
                                 : read_range(body->range, &copy, err));
    CAIRN_TRY(call_check(call, "before the effect", err));
    (void)pthread_mutex_lock(&mem->lock);
    const cairn_code code = store_locked(mem, key, &copy, mode, err);
    (void)pthread_mutex_unlock(&mem->lock);
    return code;
}

static cairn_code get_locked(store_mem *mem, const char *key, size_t limit, cairn_buf *out,
                             cairn_error *err)
{
    const object *found = find_locked(mem, key);

    if (found == NULL) {
        return no_object(key, err);
    }
    if (found->body.len > limit) {
        return error_set(err, CAIRN_E_LIMIT, "%zu bytes are more than %zu", found->body.len, limit);
    }
    return buf_append(out, found->body.data, found->body.len, err);
}

static cairn_code mem_get(void *self, const cairn_call *call, const char *key, size_t limit,
                          cairn_buf *out, cairn_error *err)
{
    store_mem *mem = self;

    (void)call;
    (void)pthread_mutex_lock(&mem->lock);
    const cairn_code code = get_locked(mem, key, limit, out, err);
    (void)pthread_mutex_unlock(&mem->lock);
    return code;
}

static cairn_code get_range_locked(store_mem *mem, const char *key, const cairn_memory_range *range,
                                   cairn_error *err)
{
    const object *found = find_locked(mem, key);

    if (found == NULL) {
        return no_object(key, err);
    }
    if (range->offset + range->length > found->body.len) {
        return error_set(err, CAIRN_E_INTEGRITY, "it has only %zu bytes", found->body.len);
    }
    if (range->length > 0) {
        memcpy(range->data, found->body.data + range->offset, range->length);
    }
    return CAIRN_OK;
}

static cairn_code mem_get_range(void *self, const cairn_call *call, const char *key,
                                const cairn_memory_range *range, cairn_error *err)
{
    store_mem *mem = self;

    (void)call;
    (void)pthread_mutex_lock(&mem->lock);
    const cairn_code code = get_range_locked(mem, key, range, err);
    (void)pthread_mutex_unlock(&mem->lock);
    return code;
}

static cairn_code mem_get_file(void *self, const cairn_call *call, const char *key,
                               const cairn_file_range *to, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) body = {0};
    CAIRN_AUTO(fs_fd) file = -1;

    CAIRN_TRY(mem_get(self, call, key, CAIRN_BUF_DEFAULT_LIMIT, &body, err));
    if (to->offset + to->length > body.len) {
        return error_set(err, CAIRN_E_INTEGRITY, "it has only %zu bytes", body.len);
    }
    CAIRN_TRY(fs_open_new(to->path, &file, err));
    const void *from = to->length > 0 ? body.data + to->offset : NULL;
    const cairn_code code = fs_write_all(file, from, to->length, to->path, err);
    if (code != CAIRN_OK) {
        (void)fs_remove_file(to->path, NULL);
    }
    return code;
}

static cairn_code mem_stat(void *self, const cairn_call *call, const char *key,
                           cairn_object_info *out, cairn_error *err)
{
    store_mem *mem = self;

    (void)call;
    (void)pthread_mutex_lock(&mem->lock);
    const object *found = find_locked(mem, key);
    const cairn_code code = found != NULL ? CAIRN_OK : no_object(key, err);
    if (found != NULL) {
        *out = (cairn_object_info){found->body.len, found->modified_ms};
    }
    (void)pthread_mutex_unlock(&mem->lock);
    return code;
}

static void remove_locked(store_mem *mem, object *gone)
{
    const size_t after = mem->synced.count - 1 - (size_t)(gone - mem->synced.objects);

    mem_free(gone->key);
    cairn_buf_release(&gone->body);
    memmove(gone, gone + 1, after * sizeof(*gone));
    mem->synced.count--;
}

static cairn_code mem_remove(void *self, const cairn_call *call, const char *key, cairn_error *err)
{
    store_mem *mem = self;

    (void)call;
    (void)err;
    (void)pthread_mutex_lock(&mem->lock);
    object *found = find_locked(mem, key);
    if (found != NULL) {
        remove_locked(mem, found);
    }
    (void)pthread_mutex_unlock(&mem->lock);
    return CAIRN_OK;
}

static cairn_code mem_remove_many(void *self, const cairn_call *call, const char *const *keys,
                                  size_t count, const cairn_delete_watch *watch, cairn_error *err)
{
    CAIRN_ASSERT(count > 0 && count <= CAIRN_DELETE_BATCH_MAX && watch != NULL);
    for (size_t i = 0; i < count; i++) {
        CAIRN_TRY(mem_remove(self, call, keys[i], err));
    }
    return CAIRN_OK;
}

static cairn_code mem_copy(void *self, const cairn_call *call, const char *from_key,
                           const char *to_key, cairn_put_mode mode, cairn_error *err)
{
    store_mem *mem = self;
    CAIRN_AUTO(cairn_buf) copy = {0};

    (void)call;
    (void)pthread_mutex_lock(&mem->lock);
    cairn_code code = get_locked(mem, from_key, CAIRN_BUF_DEFAULT_LIMIT, &copy, err);
    if (code == CAIRN_OK) {
        code = store_locked(mem, to_key, &copy, mode, err);
    }
    (void)pthread_mutex_unlock(&mem->lock);
    return code;
}

/* One object of a page, copied so that the visitor runs without the lock. */
typedef struct seen {
    char key[CAIRN_OBJECT_KEY_BYTES_MAX + 1];
    cairn_object_info info;
} seen;

/* Fills `out` with the objects from `from` on that begin with the prefix; the count. */
static size_t copy_page_locked(const store_mem *mem, const cairn_list_page *page, seen *out)
{
    size_t count = 0;
    size_t at = lower_bound_locked(mem, page->token != NULL ? page->token : page->prefix);
    const size_t prefix_len = strlen(page->prefix);

    for (; at < mem->synced.count && count < mem->synced.page + 1; at++) {
        const object *next = &mem->synced.objects[at];
        if (strncmp(next->key, page->prefix, prefix_len) != 0) {
            break;
        }
        memcpy(out[count].key, next->key, strlen(next->key) + 1);
        out[count++].info = (cairn_object_info){next->body.len, next->modified_ms};
    }
    return count;
}

/* The token is the first key of the next page. */
static cairn_code mem_list_page(void *self, const cairn_call *call, const cairn_list_page *page,
                                cairn_store_visit visit, void *context, cairn_error *err)
{
    store_mem *mem = self;
    seen *objects CAIRN_AUTO_FREE = mem_calloc(CAIRN_LIST_PAGE_MAX + 1, sizeof(seen));
    char *next CAIRN_AUTO_FREE = NULL;

    if (objects == NULL) {
        return error_no_memory(err, "a page");
    }
    CAIRN_TRY(call_check(call, "before a page", err));
    (void)pthread_mutex_lock(&mem->lock);
    const size_t page_max = mem->synced.page;
    const size_t count = copy_page_locked(mem, page, objects);
    (void)pthread_mutex_unlock(&mem->lock);
    if (count > page_max && (next = cairn_driver_strdup(objects[page_max].key)) == NULL) {
        return error_no_memory(err, "a token");
    }
    for (size_t i = 0; i < count && i < page_max; i++) {
        CAIRN_TRY(visit(context, objects[i].key, &objects[i].info, err));
    }
    *page->out_next_token = CAIRN_TAKE(next);
    return CAIRN_OK;
}

static void mem_store_free(void *self)
{
    store_mem *mem = self;

    while (mem->synced.count > 0) {
        remove_locked(mem, &mem->synced.objects[mem->synced.count - 1]);
    }
    mem_free(mem->synced.objects);
    (void)pthread_mutex_destroy(&mem->lock);
    mem_free(mem);
}

static const cairn_store_driver driver = {
    .version = CAIRN_STORE_DRIVER_VERSION,
    .create_is_atomic = true,
    .put = mem_put,
    .get = mem_get,
    .get_range = mem_get_range,
    .get_file = mem_get_file,
    .stat = mem_stat,
    .remove = mem_remove,
    .list_page = mem_list_page,
    .free = mem_store_free,
    .remove_many = mem_remove_many,
    .copy = mem_copy,
};

cairn_code store_mem_new(cairn_store **out, cairn_error *err)
{
    store_mem *mem = mem_calloc(1, sizeof(*mem));

    if (mem == NULL) {
        return error_no_memory(err, "a store");
    }
    (void)pthread_mutex_init(&mem->lock, NULL);
    mem->synced.page = CAIRN_LIST_PAGE_MAX;
    return cairn_store_new(&driver, mem, "mem:", out, err);
}

void store_mem_set_page(cairn_store *store, size_t objects)
{
    store_mem *mem = store->self;

    CAIRN_ASSERT(store->driver.free == mem_store_free);
    CAIRN_ASSERT(objects > 0 && objects <= CAIRN_LIST_PAGE_MAX);
    (void)pthread_mutex_lock(&mem->lock);
    mem->synced.page = objects;
    (void)pthread_mutex_unlock(&mem->lock);
}
