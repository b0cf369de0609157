/* A view of a store below a prefix of its keys. */
#include "bounds.h"
#include "buf.h"
#include "errors.h"
#include "store_front.h"
#include "store_key.h"
#include "stores.h"

#include <string.h>

/* Immutable after it is made. */
typedef struct prefixed {
    cairn_store *inner;
    char *prefix; /* with its '/' */
    size_t prefix_len;
} prefixed;

typedef struct full_key {
    char text[CAIRN_OBJECT_KEY_BYTES_MAX + 1];
} full_key;

/* `key` is a key or the prefix of a listing; both are shorter than a key may be. */
static cairn_code make_key(const prefixed *p, const char *key, full_key *out, cairn_error *err)
{
    const size_t len = strlen(key);

    if (p->prefix_len + len >= sizeof(out->text)) {
        return error_set(err, CAIRN_E_INVALID, "the key is too long with its prefix");
    }
    memcpy(out->text, p->prefix, p->prefix_len);
    memcpy(out->text + p->prefix_len, key, len + 1);
    return CAIRN_OK;
}

static cairn_code prefixed_put(void *self, const cairn_call *call, const char *key,
                               const cairn_put_body *body, cairn_put_mode mode, cairn_error *err)
{
    const prefixed *p = self;
    full_key full;

    CAIRN_TRY(make_key(p, key, &full, err));
    return p->inner->driver.put(p->inner->self, call, full.text, body, mode, err);
}

static cairn_code prefixed_get(void *self, const cairn_call *call, const char *key, size_t limit,
                               cairn_buf *out, cairn_error *err)
{
    const prefixed *p = self;
    full_key full;

    CAIRN_TRY(make_key(p, key, &full, err));
    return p->inner->driver.get(p->inner->self, call, full.text, limit, out, err);
}

static cairn_code prefixed_get_range(void *self, const cairn_call *call, const char *key,
                                     const cairn_memory_range *range, cairn_error *err)
{
    const prefixed *p = self;
    full_key full;

    CAIRN_TRY(make_key(p, key, &full, err));
    return p->inner->driver.get_range(p->inner->self, call, full.text, range, err);
}

static cairn_code prefixed_get_file(void *self, const cairn_call *call, const char *key,
                                    const cairn_file_range *to, cairn_error *err)
{
    const prefixed *p = self;
    full_key full;

    CAIRN_TRY(make_key(p, key, &full, err));
    return p->inner->driver.get_file(p->inner->self, call, full.text, to, err);
}

static cairn_code prefixed_stat(void *self, const cairn_call *call, const char *key,
                                cairn_object_info *out, cairn_error *err)
{
    const prefixed *p = self;
    full_key full;

    CAIRN_TRY(make_key(p, key, &full, err));
    return p->inner->driver.stat(p->inner->self, call, full.text, out, err);
}

static cairn_code prefixed_remove(void *self, const cairn_call *call, const char *key,
                                  cairn_error *err)
{
    const prefixed *p = self;
    full_key full;

    CAIRN_TRY(make_key(p, key, &full, err));
    return p->inner->driver.remove(p->inner->self, call, full.text, err);
}

/* The keys with the prefix, side by side. */
typedef struct full_keys {
    full_key *keys;
    const char **texts;
} full_keys;

static void full_keys_release(full_keys *full)
{
    mem_free(full->keys);
    mem_free(full->texts);
}
CAIRN_DEFINE_AUTO(full_keys, full_keys_release)

static cairn_code prefixed_remove_many(void *self, const cairn_call *call, const char *const *keys,
                                       size_t count, const cairn_delete_watch *watch,
                                       cairn_error *err)
{
    const prefixed *p = self;
    CAIRN_AUTO(full_keys)
    full = {mem_calloc(count, sizeof(full_key)), mem_calloc(count, sizeof(char *))};

    if (full.keys == NULL || full.texts == NULL) {
        return error_no_memory(err, "keys");
    }
    for (size_t i = 0; i < count; i++) {
        CAIRN_TRY(make_key(p, keys[i], &full.keys[i], err));
        full.texts[i] = full.keys[i].text;
    }
    return p->inner->driver.remove_many(p->inner->self, call, full.texts, count, watch, err);
}

static cairn_code prefixed_copy(void *self, const cairn_call *call, const char *from_key,
                                const char *to_key, cairn_put_mode mode, cairn_error *err)
{
    const prefixed *p = self;
    full_key from;
    full_key to;

    CAIRN_TRY(make_key(p, from_key, &from, err));
    CAIRN_TRY(make_key(p, to_key, &to, err));
    return p->inner->driver.copy(p->inner->self, call, from.text, to.text, mode, err);
}

typedef struct stripper {
    const prefixed *p;
    cairn_store_visit visit;
    void *context;
} stripper;

static cairn_code visit_stripped(void *context, const char *key, const cairn_object_info *info,
                                 cairn_error *err)
{
    const stripper *s = context;

    if (!store_key_has_prefix(key, s->p->prefix)) {
        return error_set(err, CAIRN_E_INTEGRITY, "the listing holds %s", key);
    }
    return s->visit(s->context, key + s->p->prefix_len, info, err);
}

static cairn_code prefixed_list_page(void *self, const cairn_call *call,
                                     const cairn_list_page *page, cairn_store_visit visit,
                                     void *context, cairn_error *err)
{
    const prefixed *p = self;
    stripper s = {p, visit, context};
    full_key full;

    CAIRN_TRY(make_key(p, page->prefix, &full, err));
    const cairn_list_page inner = {full.text, page->token, page->out_next_token};
    return p->inner->driver.list_page(p->inner->self, call, &inner, visit_stripped, &s, err);
}

static void prefixed_free(void *self)
{
    prefixed *p = self;

    mem_free(p->prefix);
    mem_free(p);
}

static const cairn_store_driver driver = {
    .version = CAIRN_STORE_DRIVER_VERSION,
    .put = prefixed_put,
    .get = prefixed_get,
    .get_range = prefixed_get_range,
    .get_file = prefixed_get_file,
    .stat = prefixed_stat,
    .remove = prefixed_remove,
    .list_page = prefixed_list_page,
    .free = prefixed_free,
    .remove_many = prefixed_remove_many,
    .copy = prefixed_copy,
};

static cairn_code make_driver(cairn_store *inner, cairn_buf *prefix, prefixed **out,
                              cairn_error *err)
{
    const char *text = buf_text(prefix);
    char *copy = text != NULL ? mem_strdup(text) : NULL;
    prefixed *p = mem_calloc(1, sizeof(*p));

    if (copy == NULL || p == NULL) {
        mem_free(copy);
        mem_free(p);
        return error_no_memory(err, "a store");
    }
    *p = (prefixed){inner, copy, prefix->len};
    *out = p;
    return CAIRN_OK;
}

cairn_code store_prefixed_new(cairn_store *inner, const char *prefix, cairn_store **out,
                              cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) uri = {0};
    CAIRN_AUTO(cairn_buf) with_slash = {0};
    prefixed *p = NULL;

    CAIRN_TRY(store_key_check(prefix, err));
    CAIRN_TRY(buf_printf(&uri, err, "%s/%s", inner->uri, prefix));
    CAIRN_TRY(buf_printf(&with_slash, err, "%s/", prefix));
    const char *where = buf_text(&uri);
    if (where == NULL) {
        return error_no_memory(err, "a store");
    }
    CAIRN_TRY(make_driver(inner, &with_slash, &p, err));
    const cairn_store_driver own = store_driver_like(&driver, inner);
    return cairn_store_new(&own, p, where, out, err);
}
