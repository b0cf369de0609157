/*
 * DESIGN: the one place where arguments, deadline and cancel are checked and errors get "<what>
 * <key> <where>: " in front. Drivers and decorators below rely on it and repeat none of it.
 */
#include "bounds.h"
#include "buf.h"
#include "cancel.h"
#include "clock.h"
#include "errors.h"
#include "store_front.h"
#include "store_key.h"
#include "stores.h"

#include <string.h>

char *cairn_driver_strdup(const char *text)
{
    return mem_strdup(text);
}

cairn_code cairn_store_new(const cairn_store_driver *driver, void *self, const char *uri,
                           cairn_store **out, cairn_error *err)
{
    CAIRN_ASSERT(driver->version == CAIRN_STORE_DRIVER_VERSION);
    cairn_store *store = mem_calloc(1, sizeof(*store));
    char *copy = mem_strdup(uri);

    if (store == NULL || copy == NULL) {
        mem_free(store);
        mem_free(copy);
        driver->free(self);
        return error_no_memory(err, "a store");
    }
    *store = (cairn_store){*driver, self, copy};
    *out = store;
    return CAIRN_OK;
}

void cairn_store_free(cairn_store *store)
{
    if (store == NULL) {
        return;
    }
    store->driver.free(store->self);
    mem_free(store->uri);
    mem_free(store);
}

void *cairn_store_self(const cairn_store *store, void (*driver_free)(void *self))
{
    return store->driver.free == driver_free ? store->self : NULL;
}

const char *cairn_store_uri(const cairn_store *store)
{
    return store->uri;
}

bool store_create_is_atomic(const cairn_store *store)
{
    return store->driver.create_is_atomic;
}

/* One call of the front: what it does on which key, for messages, and its effective deadline. */
typedef struct front {
    const cairn_store *store;
    const char *verb; /* "put" */
    const char *key;
    const char *preposition; /* "to" */
    cairn_call call;
} front;

/* Bytes of a key that a message shows: the cause behind it must fit too. */
#define SHOWN_BYTES 200

static cairn_code locate(const front *f, cairn_code code, cairn_error *err)
{
    size_t len = strlen(f->key);
    const char *more = len > SHOWN_BYTES ? "..." : "";

    if (code == CAIRN_OK) {
        return code;
    }
    len = len > SHOWN_BYTES ? SHOWN_BYTES : len;
    while (len > 0 && ((uint8_t)f->key[len] & 0xc0) == 0x80) {
        len--; /* not within a character */
    }
    return error_prefix(err, code, "%s %.*s%s %s %s", f->verb, (int)len, f->key, more,
                        f->preposition, f->store->uri);
}

static cairn_code begin(front *f, const cairn_call *call, cairn_error *err)
{
    f->call = call == NULL ? (cairn_call){0, NULL} : *call;
    if (f->call.deadline_ms == 0) {
        f->call.deadline_ms = clock_monotonic_ms() + CAIRN_STORE_TIMEOUT_MS;
    }
    return locate(f, call_check(&f->call, "before it began", err), err);
}

static cairn_code require(bool condition, const char *verb, const char *what, cairn_error *err)
{
    return condition ? CAIRN_OK : error_set(err, CAIRN_E_INVALID, "%s: %s", verb, what);
}

/* The checks that all calls with a key share. */
static cairn_code enter(front *f, const cairn_call *call, cairn_error *err)
{
    CAIRN_TRY(require(f->store != NULL, f->verb, "the store is NULL", err));
    CAIRN_TRY(store_key_check(f->key, err));
    return begin(f, call, err);
}

/* File offsets are signed 64 bit numbers. */
static bool range_fits(uint64_t offset, uint64_t length)
{
    return offset <= INT64_MAX && length <= INT64_MAX - offset;
}

static cairn_code check_file_range(const cairn_file_range *range, const char *verb,
                                   cairn_error *err)
{
    if (range == NULL || range->path == NULL || range->path[0] == '\0') {
        return error_set(err, CAIRN_E_INVALID, "%s: no file is named", verb);
    }
    return require(range_fits(range->offset, range->length), verb, "the range overflows", err);
}

static cairn_code check_memory_range(const cairn_memory_range *range, const char *verb,
                                     cairn_error *err)
{
    if (range == NULL || (range->data == NULL && range->length > 0)) {
        return error_set(err, CAIRN_E_INVALID, "%s: the output is NULL", verb);
    }
    return require(range_fits(range->offset, range->length), verb, "the range overflows", err);
}

static cairn_code put_body(front *f, const cairn_call *call, const cairn_put_body *body,
                           cairn_put_mode mode, cairn_error *err)
{
    CAIRN_TRY(require(mode == CAIRN_PUT_CREATE || mode == CAIRN_PUT_REPLACE, f->verb,
                      "the mode is unknown", err));
    CAIRN_TRY(enter(f, call, err));
    return locate(f, f->store->driver.put(f->store->self, &f->call, f->key, body, mode, err), err);
}

cairn_code cairn_store_put(cairn_store *store, const cairn_call *call, const char *key,
                           cairn_slice data, cairn_put_mode mode, cairn_error *err)
{
    front f = {.store = store, .verb = "put", .key = key, .preposition = "to"};

    CAIRN_TRY(require(data.data != NULL || data.len == 0, f.verb, "the data is NULL", err));
    return put_body(&f, call, &(cairn_put_body){.data = &data}, mode, err);
}

cairn_code cairn_store_put_file(cairn_store *store, const cairn_call *call, const char *key,
                                const cairn_file_range *range, cairn_put_mode mode,
                                cairn_error *err)
{
    front f = {.store = store, .verb = "put", .key = key, .preposition = "to"};

    CAIRN_TRY(check_file_range(range, f.verb, err));
    return put_body(&f, call, &(cairn_put_body){.range = range}, mode, err);
}

cairn_code cairn_store_get(cairn_store *store, const cairn_call *call, const char *key,
                           size_t limit, cairn_buf *out, cairn_error *err)
{
    front f = {.store = store, .verb = "get", .key = key, .preposition = "from"};

    CAIRN_TRY(require(out != NULL, f.verb, "the output is NULL", err));
    buf_clear(out);
    CAIRN_TRY(enter(&f, call, err));
    cairn_code code = store->driver.get(store->self, &f.call, key, limit, out, err);
    if (code != CAIRN_OK) {
        buf_clear(out);
    }
    return locate(&f, code, err);
}

cairn_code cairn_store_get_range(cairn_store *store, const cairn_call *call, const char *key,
                                 const cairn_memory_range *range, cairn_error *err)
{
    front f = {.store = store, .verb = "get a range of", .key = key, .preposition = "from"};

    CAIRN_TRY(check_memory_range(range, f.verb, err));
    CAIRN_TRY(enter(&f, call, err));
    return locate(&f, store->driver.get_range(store->self, &f.call, key, range, err), err);
}

cairn_code cairn_store_get_file(cairn_store *store, const cairn_call *call, const char *key,
                                const cairn_file_range *to, cairn_error *err)
{
    front f = {.store = store, .verb = "download", .key = key, .preposition = "from"};

    CAIRN_TRY(check_file_range(to, f.verb, err));
    CAIRN_TRY(enter(&f, call, err));
    return locate(&f, store->driver.get_file(store->self, &f.call, key, to, err), err);
}

cairn_code cairn_store_stat(cairn_store *store, const cairn_call *call, const char *key,
                            cairn_object_info *out, cairn_error *err)
{
    front f = {.store = store, .verb = "stat", .key = key, .preposition = "at"};

    CAIRN_TRY(require(out != NULL, f.verb, "the output is NULL", err));
    CAIRN_TRY(enter(&f, call, err));
    return locate(&f, store->driver.stat(store->self, &f.call, key, out, err), err);
}

cairn_code cairn_store_delete(cairn_store *store, const cairn_call *call, const char *key,
                              cairn_error *err)
{
    front f = {.store = store, .verb = "delete", .key = key, .preposition = "from"};

    CAIRN_TRY(enter(&f, call, err));
    return locate(&f, store->driver.remove(store->self, &f.call, key, err), err);
}

/* The visitor of a listing between the driver, which may repeat what a server says, and the user.
 */
typedef struct listing {
    const char *prefix;
    cairn_store_visit visit;
    void *context;
    bool stopped; /* by the user's visitor, whose error is his own */
} listing;

static cairn_code visit_checked(void *context, const char *key, const cairn_object_info *info,
                                cairn_error *err)
{
    listing *l = context;

    /* Objects that others put there, such as the "folder/" of S3 consoles, are not ours to see. */
    if (!store_key_valid(key)) {
        return CAIRN_OK;
    }
    if (!store_key_has_prefix(key, l->prefix)) {
        return error_set(err, CAIRN_E_INTEGRITY, "the listing holds %s", key);
    }
    cairn_code code = l->visit(l->context, key, info, err);
    l->stopped = code != CAIRN_OK;
    return code;
}

/* Brent's way to find a loop of tokens of any length: compare with one that is kept ever longer. */
static cairn_code check_token(const char *next, unsigned page, char **kept, cairn_error *err)
{
    if (*kept != NULL && strcmp(*kept, next) == 0) {
        return error_set(err, CAIRN_E_INTEGRITY, "page %u of the listing leads back", page);
    }
    if ((page & (page - 1)) == 0) {
        mem_free(*kept);
        *kept = mem_strdup(next);
    }
    return *kept != NULL ? CAIRN_OK : error_no_memory(err, "a list token");
}

static cairn_code list_pages(const front *f, listing *l, cairn_error *err)
{
    char *token CAIRN_AUTO_FREE = NULL;
    char *kept CAIRN_AUTO_FREE = NULL;

    for (unsigned page = 1; page <= CAIRN_LIST_PAGES_MAX; page++) {
        char *next CAIRN_AUTO_FREE = NULL;
        cairn_list_page request = {l->prefix, token, &next};
        CAIRN_TRY(call_check(&f->call, "between two pages", err));
        CAIRN_TRY(
            f->store->driver.list_page(f->store->self, &f->call, &request, visit_checked, l, err));
        if (next == NULL) {
            return CAIRN_OK;
        }
        CAIRN_TRY(check_token(next, page, &kept, err));
        mem_free(token);
        token = CAIRN_TAKE(next);
    }
    return error_set(err, CAIRN_E_LIMIT, "more than %d pages", CAIRN_LIST_PAGES_MAX);
}

cairn_code cairn_store_list(cairn_store *store, const cairn_call *call, const char *prefix,
                            cairn_store_visit visit, void *context, cairn_error *err)
{
    front f = {.store = store, .verb = "list", .key = prefix, .preposition = "at"};
    listing l = {.prefix = prefix, .visit = visit, .context = context};

    if (store == NULL || prefix == NULL || visit == NULL) {
        return error_set(err, CAIRN_E_INVALID, "list: the store, prefix or visitor is NULL");
    }
    CAIRN_TRY(store_prefix_check(prefix, err));
    f.key = prefix[0] != '\0' ? prefix : "all";
    CAIRN_TRY(begin(&f, call, err));
    cairn_code code = list_pages(&f, &l, err);
    return l.stopped ? code : locate(&f, code, err);
}
