#include "store_flaky.h"

#include <cairn/store_driver.h>

#include "errors.h"

#include <stdatomic.h>
#include <string.h>

typedef struct flaky {
    cairn_store *inner;
    flaky_plan plan;
    atomic_uint_fast64_t failed;
} flaky;

static cairn_code flaky_put(void *self, const cairn_call *call, const char *key,
                            const cairn_put_body *body, cairn_put_mode mode, cairn_error *err)
{
    flaky *store = self;

    if (strstr(key, store->plan.fragment) != NULL &&
        atomic_fetch_add(&store->failed, 1) < store->plan.puts) {
        return error_set(err, store->plan.code, "put %s: planted", key);
    }
    return body->data != NULL
               ? cairn_store_put(store->inner, call, key, *body->data, mode, err)
               : cairn_store_put_file(store->inner, call, key, body->range, mode, err);
}

static cairn_code flaky_get(void *self, const cairn_call *call, const char *key, size_t limit,
                            cairn_buf *out, cairn_error *err)
{
    return cairn_store_get(((flaky *)self)->inner, call, key, limit, out, err);
}

static cairn_code flaky_get_range(void *self, const cairn_call *call, const char *key,
                                  const cairn_memory_range *range, cairn_error *err)
{
    return cairn_store_get_range(((flaky *)self)->inner, call, key, range, err);
}

static cairn_code flaky_get_file(void *self, const cairn_call *call, const char *key,
                                 const cairn_file_range *to, cairn_error *err)
{
    return cairn_store_get_file(((flaky *)self)->inner, call, key, to, err);
}

static cairn_code flaky_stat(void *self, const cairn_call *call, const char *key,
                             cairn_object_info *out, cairn_error *err)
{
    return cairn_store_stat(((flaky *)self)->inner, call, key, out, err);
}

static cairn_code flaky_remove(void *self, const cairn_call *call, const char *key,
                               cairn_error *err)
{
    return cairn_store_delete(((flaky *)self)->inner, call, key, err);
}

/* The whole listing as one page: the store behind it has paged already. */
static cairn_code flaky_list_page(void *self, const cairn_call *call, const cairn_list_page *page,
                                  cairn_store_visit visit, void *context, cairn_error *err)
{
    return cairn_store_list(((flaky *)self)->inner, call, page->prefix, visit, context, err);
}

static const cairn_store_driver driver = {
    .version = CAIRN_STORE_DRIVER_VERSION,
    .put = flaky_put,
    .get = flaky_get,
    .get_range = flaky_get_range,
    .get_file = flaky_get_file,
    .stat = flaky_stat,
    .remove = flaky_remove,
    .list_page = flaky_list_page,
    .free = mem_free,
};

cairn_code store_flaky_new(cairn_store *inner, const flaky_plan *plan, cairn_store **out,
                           cairn_error *err)
{
    flaky *store = mem_calloc(1, sizeof(*store));

    if (store == NULL) {
        return error_no_memory(err, "a flaky store");
    }
    store->inner = inner;
    store->plan = *plan;
    return cairn_store_new(&driver, store, "flaky://", out, err);
}
