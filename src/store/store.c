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

cairn_store_driver store_driver_like(const cairn_store_driver *decorator, const cairn_store *inner)
{
    cairn_store_driver own = *decorator;

    own.create_is_atomic = inner->driver.create_is_atomic;
    own.remove_many = inner->driver.remove_many != NULL ? own.remove_many : NULL;
    own.copy = inner->driver.copy != NULL ? own.copy : NULL;
    return own;
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

/* A key as a message shows it. */
typedef struct shown_key {
    char text[SHOWN_BYTES + sizeof("...")];
} shown_key;

static shown_key show_key(const char *key)
{
    shown_key shown = {.text = ""};
    size_t len = strlen(key);

    if (len <= SHOWN_BYTES) {
        memcpy(shown.text, key, len);
        return shown;
    }
    len = SHOWN_BYTES;
    while (len > 0 && ((uint8_t)key[len] & 0xc0) == 0x80) {
        len--; /* not within a character */
    }
    memcpy(shown.text, key, len);
    memcpy(shown.text + len, "...", sizeof("..."));
    return shown;
}

static cairn_code locate(const front *f, cairn_code code, cairn_error *err)
{
    if (code == CAIRN_OK) {
        return code;
    }
    return error_prefix(err, code, "%s %s %s %s", f->verb, show_key(f->key).text, f->preposition,
                        f->store->uri);
}

static void set_call(front *f, const cairn_call *call)
{
    f->call = call == NULL ? (cairn_call){0, NULL} : *call;
    if (f->call.deadline_ms == 0) {
        f->call.deadline_ms = clock_monotonic_ms() + CAIRN_STORE_TIMEOUT_MS;
    }
}

static cairn_code begin(front *f, const cairn_call *call, cairn_error *err)
{
    set_call(f, call);
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

static cairn_code check_mode(cairn_put_mode mode, const char *verb, cairn_error *err)
{
    return require(mode == CAIRN_PUT_CREATE || mode == CAIRN_PUT_REPLACE, verb,
                   "the mode is unknown", err);
}

static cairn_code put_body(front *f, const cairn_call *call, const cairn_put_body *body,
                           cairn_put_mode mode, cairn_error *err)
{
    CAIRN_TRY(check_mode(mode, f->verb, err));
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

cairn_code store_put_halting(cairn_store *store, const cairn_call *call, const char *key,
                             cairn_slice data, uint32_t halt_ms, cairn_error *err)
{
    front f = {.store = store, .verb = "put", .key = key, .preposition = "to"};
    const cairn_put_body body = {.data = &data, .halt_ms = halt_ms};

    return put_body(&f, call, &body, CAIRN_PUT_CREATE, err);
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

/* Keys that are deleted together: all of them, and the batch that is on its way. */
typedef struct deletion {
    front f; /* its key is the one that is told */
    const char *const *keys;
    const cairn_delete_watch *watch; /* the user's, or NULL */
    size_t first;                    /* of the batch, in `keys` */
    size_t count;                    /* of the batch */
    bool told[CAIRN_DELETE_BATCH_MAX];
    cairn_error failure; /* the first one */
} deletion;

/* `index` counts within the batch. A driver may tell a key twice, its user is told once. */
static void tell_kept(void *context, size_t index, const cairn_error *why)
{
    deletion *d = context;
    cairn_error shown = *why;

    CAIRN_ASSERT(index < d->count && why->code != CAIRN_OK);
    if (d->told[index]) {
        return;
    }
    d->told[index] = true;
    d->f.key = d->keys[d->first + index];
    (void)locate(&d->f, shown.code, &shown);
    if (d->failure.code == CAIRN_OK) {
        d->failure = shown;
    }
    if (d->watch != NULL && d->watch->kept != NULL) {
        d->watch->kept(d->watch->context, d->first + index, &shown);
    }
}

static void remove_one_by_one(deletion *d)
{
    const cairn_store *store = d->f.store;

    for (size_t i = 0; i < d->count; i++) {
        cairn_error why = {0};
        if (d->told[i]) {
            continue;
        }
        why.code = call_check(&d->f.call, "between two deletes", &why);
        if (why.code == CAIRN_OK) {
            why.code = store->driver.remove(store->self, &d->f.call, d->keys[d->first + i], &why);
        }
        if (why.code != CAIRN_OK) {
            tell_kept(d, i, &why);
        }
    }
}

static cairn_code remove_at_once(deletion *d, cairn_error *err)
{
    const cairn_store *store = d->f.store;
    const cairn_delete_watch watch = {tell_kept, d};

    CAIRN_TRY(call_check(&d->f.call, "between two deletes", err));
    return store->driver.remove_many(store->self, &d->f.call, d->keys + d->first, d->count, &watch,
                                     err);
}

static void remove_batch(deletion *d)
{
    cairn_error why = {0};

    memset(d->told, 0, sizeof(d->told));
    why.code = d->f.store->driver.remove_many == NULL ? CAIRN_E_INCOMPATIBLE
                                                      : remove_at_once(d, &why);
    if (why.code == CAIRN_E_INCOMPATIBLE || why.code == CAIRN_E_INVALID) {
        remove_one_by_one(d);
        return;
    }
    for (size_t i = 0; why.code != CAIRN_OK && i < d->count; i++) {
        tell_kept(d, i, &why);
    }
}

cairn_code cairn_store_delete_many(cairn_store *store, const cairn_call *call,
                                   const char *const *keys, size_t count,
                                   const cairn_delete_watch *watch, cairn_error *err)
{
    deletion d = {.f = {.store = store, .verb = "delete", .preposition = "from"},
                  .keys = keys,
                  .watch = watch};

    CAIRN_TRY(require(store != NULL, d.f.verb, "the store is NULL", err));
    CAIRN_TRY(require(keys != NULL || count == 0, d.f.verb, "the keys are NULL", err));
    for (size_t i = 0; i < count; i++) {
        CAIRN_TRY(store_key_check(keys[i], err));
    }
    set_call(&d.f, call);
    for (; d.first < count; d.first += d.count) {
        const size_t rest = count - d.first;
        d.count = rest < CAIRN_DELETE_BATCH_MAX ? rest : CAIRN_DELETE_BATCH_MAX;
        remove_batch(&d);
    }
    if (d.failure.code != CAIRN_OK && err != NULL) {
        *err = d.failure;
    }
    return d.failure.code;
}

static cairn_code copy_object(const front *f, const char *to_key, cairn_put_mode mode,
                              cairn_error *err)
{
    const cairn_store *store = f->store;

    if (store->driver.copy == NULL) {
        return error_set(err, CAIRN_E_INCOMPATIBLE, "this store copies nothing by itself");
    }
    return store->driver.copy(store->self, &f->call, f->key, to_key, mode, err);
}

cairn_code cairn_store_copy(cairn_store *store, const cairn_call *call, const char *from_key,
                            const char *to_key, cairn_put_mode mode, cairn_error *err)
{
    front f = {.store = store, .verb = "copy", .key = from_key, .preposition = "at"};

    CAIRN_TRY(check_mode(mode, f.verb, err));
    CAIRN_TRY(store_key_check(to_key, err));
    CAIRN_TRY(enter(&f, call, err));
    CAIRN_TRY(require(strcmp(from_key, to_key) != 0, f.verb, "both keys are the same", err));
    cairn_code code = copy_object(&f, to_key, mode, err);
    if (code != CAIRN_OK) {
        (void)error_prefix(err, code, "to %s", show_key(to_key).text);
    }
    return locate(&f, code, err);
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
