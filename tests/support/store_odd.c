#include "store_odd.h"

#include <cairn/store_driver.h>

#include "buf.h"
#include "clock.h"
#include "errors.h"
#include "store_front.h"

#include <stdatomic.h>
#include <string.h>

#define HOUR_MS 3600000

typedef struct odd {
    cairn_store *inner;
    unsigned quirks;
    atomic_int puts; /* that run */
} odd;

static bool has(const odd *o, store_odd_quirk quirk)
{
    return (o->quirks & (unsigned)quirk) != 0;
}

static cairn_code deny(cairn_error *err)
{
    return error_set(err, CAIRN_E_ACCESS, "403 AccessDenied");
}

static cairn_code store_body(const odd *o, const cairn_call *call, const char *key,
                             const cairn_put_body *body, cairn_put_mode mode, cairn_error *err)
{
    return o->inner->driver.put(o->inner->self, call, key, body, mode, err);
}

static bool stands(const odd *o, const cairn_call *call, const char *key)
{
    cairn_object_info info;

    return o->inner->driver.stat(o->inner->self, call, key, &info, NULL) == CAIRN_OK;
}

static cairn_code look_then_put(const odd *o, const cairn_call *call, const char *key,
                                const cairn_put_body *body, cairn_error *err)
{
    if (stands(o, call, key)) {
        return error_set(err, CAIRN_E_EXISTS, "412 PreconditionFailed");
    }
    clock_sleep_ms(1);
    return store_body(o, call, key, body, CAIRN_PUT_REPLACE, err);
}

/* As a server that looks when the request begins. */
static cairn_code look_at_begin(const odd *o, const cairn_call *call, const char *key,
                                const cairn_put_body *body, cairn_error *err)
{
    if (stands(o, call, key)) {
        return error_set(err, CAIRN_E_EXISTS, "412 PreconditionFailed");
    }
    clock_sleep_ms(body->halt_ms);
    return store_body(o, call, key, body, CAIRN_PUT_REPLACE, err);
}

static cairn_code create(odd *o, const cairn_call *call, const char *key,
                         const cairn_put_body *body, cairn_error *err)
{
    if (has(o, STORE_ODD_REFUSES_CREATE)) {
        return error_set(err, CAIRN_E_INCOMPATIBLE, "501 NotImplemented");
    }
    if (has(o, STORE_ODD_IGNORES_CREATE)) {
        return store_body(o, call, key, body, CAIRN_PUT_REPLACE, err);
    }
    if (has(o, STORE_ODD_LOOKS_THEN_PUTS)) {
        return look_then_put(o, call, key, body, err);
    }
    if (has(o, STORE_ODD_LOOKS_AT_BEGIN) && body->halt_ms > 0) {
        return look_at_begin(o, call, key, body, err);
    }
    const bool alone = atomic_load(&o->puts) == 1;
    const cairn_code code = store_body(o, call, key, body, CAIRN_PUT_CREATE, err);
    if (code == CAIRN_E_EXISTS &&
        (has(o, STORE_ODD_REFUSED_REPLACES) || (has(o, STORE_ODD_LOSER_REPLACES) && !alone))) {
        CAIRN_TRY(store_body(o, call, key, body, CAIRN_PUT_REPLACE, err));
    } else if (code == CAIRN_OK && has(o, STORE_ODD_LOSER_REPLACES)) {
        clock_sleep_ms(1); /* so that the loser is not alone */
    }
    return code;
}

static cairn_code put_as_it_does(odd *o, const cairn_call *call, const char *key,
                                 const cairn_put_body *body, cairn_put_mode mode, cairn_error *err)
{
    if (has(o, STORE_ODD_DENIES_WRITES)) {
        return deny(err);
    }
    if (has(o, STORE_ODD_THROTTLES)) {
        const cairn_code code = error_set(err, CAIRN_E_UNAVAILABLE, "429 TooManyRequests");
        if (err != NULL) {
            err->retry_after_ms = STORE_ODD_RETRY_AFTER_MS;
        }
        return code;
    }
    if (has(o, STORE_ODD_REFUSES_BLANKS) && strchr(key, ' ') != NULL) {
        return error_set(err, CAIRN_E_INVALID, "400 InvalidURI");
    }
    if (has(o, STORE_ODD_LOSES_OBJECTS) || (has(o, STORE_ODD_KEEPS_OLD) && stands(o, call, key))) {
        return CAIRN_OK;
    }
    return mode == CAIRN_PUT_CREATE ? create(o, call, key, body, err)
                                    : store_body(o, call, key, body, mode, err);
}

static cairn_code odd_put(void *self, const cairn_call *call, const char *key,
                          const cairn_put_body *body, cairn_put_mode mode, cairn_error *err)
{
    odd *o = self;

    atomic_fetch_add(&o->puts, 1);
    const cairn_code code = put_as_it_does(o, call, key, body, mode, err);
    atomic_fetch_sub(&o->puts, 1);
    return code;
}

static cairn_code hide(const odd *o, cairn_code code, cairn_error *err)
{
    return code == CAIRN_E_NOT_FOUND && has(o, STORE_ODD_HIDES_ABSENCE) ? deny(err) : code;
}

static cairn_code odd_get(void *self, const cairn_call *call, const char *key, size_t limit,
                          cairn_buf *out, cairn_error *err)
{
    const odd *o = self;

    return hide(o, o->inner->driver.get(o->inner->self, call, key, limit, out, err), err);
}

static cairn_code odd_get_range(void *self, const cairn_call *call, const char *key,
                                const cairn_memory_range *range, cairn_error *err)
{
    const odd *o = self;
    const cairn_code code = o->inner->driver.get_range(o->inner->self, call, key, range, err);

    return code == CAIRN_E_INTEGRITY && has(o, STORE_ODD_SHORT_RANGES) ? CAIRN_OK
                                                                       : hide(o, code, err);
}

static cairn_code odd_get_file(void *self, const cairn_call *call, const char *key,
                               const cairn_file_range *to, cairn_error *err)
{
    const odd *o = self;

    return hide(o, o->inner->driver.get_file(o->inner->self, call, key, to, err), err);
}

static cairn_code odd_stat(void *self, const cairn_call *call, const char *key,
                           cairn_object_info *out, cairn_error *err)
{
    const odd *o = self;
    const cairn_code code = o->inner->driver.stat(o->inner->self, call, key, out, err);

    if (code == CAIRN_OK && has(o, STORE_ODD_CLOCK_BEHIND)) {
        out->modified_ms -= HOUR_MS;
    }
    return hide(o, code, err);
}

static cairn_code odd_remove(void *self, const cairn_call *call, const char *key, cairn_error *err)
{
    const odd *o = self;

    if (has(o, STORE_ODD_DENIES_WRITES) || has(o, STORE_ODD_DENIES_DELETES)) {
        return deny(err);
    }
    if (has(o, STORE_ODD_MISSES_DELETES) && !stands(o, call, key)) {
        return error_set(err, CAIRN_E_NOT_FOUND, "404 NoSuchKey");
    }
    return has(o, STORE_ODD_DELETES_NOTHING)
               ? CAIRN_OK
               : o->inner->driver.remove(o->inner->self, call, key, err);
}

typedef struct last_object {
    cairn_store_visit visit;
    void *context;
    cairn_buf key;
    cairn_object_info info;
} last_object;

static cairn_code visit_and_keep(void *context, const char *key, const cairn_object_info *info,
                                 cairn_error *err)
{
    last_object *last = context;

    buf_clear(&last->key);
    CAIRN_TRY(buf_append_text(&last->key, key, err));
    last->info = *info;
    return last->visit(last->context, key, info, err);
}

static cairn_code list_twice(const odd *o, const cairn_call *call, const cairn_list_page *page,
                             last_object *last, cairn_error *err)
{
    CAIRN_TRY(o->inner->driver.list_page(o->inner->self, call, page, visit_and_keep, last, err));
    const char *key = buf_text(&last->key);
    return last->key.len > 0 && key != NULL ? last->visit(last->context, key, &last->info, err)
                                            : CAIRN_OK;
}

static cairn_code odd_list_page(void *self, const cairn_call *call, const cairn_list_page *page,
                                cairn_store_visit visit, void *context, cairn_error *err)
{
    const odd *o = self;
    char *next CAIRN_AUTO_FREE = NULL;
    const cairn_list_page inner = {page->prefix, page->token, &next};
    last_object last = {.visit = visit, .context = context};

    if (has(o, STORE_ODD_DENIES_LISTS)) {
        return deny(err);
    }
    cairn_code code =
        has(o, STORE_ODD_LISTS_TWICE)
            ? list_twice(o, call, &inner, &last, err)
            : o->inner->driver.list_page(o->inner->self, call, &inner, visit, context, err);
    cairn_buf_release(&last.key);
    if (code == CAIRN_OK && !has(o, STORE_ODD_LISTS_ONE_PAGE)) {
        *page->out_next_token = CAIRN_TAKE(next);
    }
    return code;
}

static cairn_code odd_examine(void *self, const cairn_call *call, const char *key,
                              cairn_finding_visit visit, void *context, cairn_error *err)
{
    const cairn_finding finding = {"odd", CAIRN_VERDICT_OK, key};

    (void)call;
    if (has(self, STORE_ODD_FAILS_TO_EXAMINE)) {
        return deny(err);
    }
    visit(context, &finding);
    return CAIRN_OK;
}

cairn_code store_odd_new(cairn_store *inner, unsigned quirks, cairn_store **out, cairn_error *err)
{
    cairn_store_driver driver = {
        .version = CAIRN_STORE_DRIVER_VERSION,
        .create_is_atomic = false,
        .put = odd_put,
        .get = odd_get,
        .get_range = odd_get_range,
        .get_file = odd_get_file,
        .stat = odd_stat,
        .remove = odd_remove,
        .list_page = odd_list_page,
        .free = mem_free,
    };
    odd *o = mem_calloc(1, sizeof(*o));

    if (o == NULL) {
        return error_no_memory(err, "a store");
    }
    o->inner = inner;
    o->quirks = quirks;
    if (has(o, STORE_ODD_EXAMINES) || has(o, STORE_ODD_FAILS_TO_EXAMINE)) {
        driver.examine = odd_examine;
    }
    return cairn_store_new(&driver, o, "odd:", out, err);
}
