/* What the front of a store does between its users and a driver that may be wrong. */
#include "test.h"

#include <cairn/dir.h>
#include <cairn/store_driver.h>

#include "alloc_sweep.h"
#include "bounds.h"
#include "buf.h"
#include "clock.h"
#include "errors.h"
#include "stores.h"
#include "tmpdir.h"

#include <stdio.h>

/* A driver that lists what it is told to, and remembers what it was asked. */
typedef struct script {
    const char *const *keys; /* of each page, NULL at the end */
    unsigned loop;           /* the token of page n is n modulo this; 0: tokens never repeat */
    unsigned pages;          /* 0: without end */
    unsigned asked;
    uint64_t deadline_ms;
    unsigned freed;
} script;

static cairn_code script_put(void *self, const cairn_call *call, const char *key,
                             const cairn_put_body *body, cairn_put_mode mode, cairn_error *err)
{
    (void)self;
    (void)call;
    (void)key;
    (void)body;
    (void)mode;
    return error_set(err, CAIRN_E_ACCESS, "the cause");
}

static cairn_code script_get(void *self, const cairn_call *call, const char *key, size_t limit,
                             cairn_buf *out, cairn_error *err)
{
    (void)self;
    (void)call;
    (void)key;
    (void)limit;
    CAIRN_TRY(buf_append_text(out, "a part", err));
    return error_set(err, CAIRN_E_UNAVAILABLE, "the cause");
}

static cairn_code script_get_range(void *self, const cairn_call *call, const char *key,
                                   const cairn_memory_range *range, cairn_error *err)
{
    (void)self;
    (void)call;
    (void)key;
    (void)range;
    (void)err;
    return CAIRN_OK;
}

static cairn_code script_get_file(void *self, const cairn_call *call, const char *key,
                                  const cairn_file_range *to, cairn_error *err)
{
    (void)self;
    (void)call;
    (void)key;
    (void)to;
    (void)err;
    return CAIRN_OK;
}

static cairn_code script_stat(void *self, const cairn_call *call, const char *key,
                              cairn_object_info *out, cairn_error *err)
{
    script *s = self;

    (void)key;
    (void)err;
    s->deadline_ms = call->deadline_ms;
    *out = (cairn_object_info){1, 1};
    return CAIRN_OK;
}

static cairn_code script_remove(void *self, const cairn_call *call, const char *key,
                                cairn_error *err)
{
    (void)self;
    (void)call;
    (void)key;
    (void)err;
    return CAIRN_OK;
}

static cairn_code script_list_page(void *self, const cairn_call *call, const cairn_list_page *page,
                                   cairn_store_visit visit, void *context, cairn_error *err)
{
    script *s = self;
    const cairn_object_info info = {1, 1};
    char token[16];

    (void)call;
    s->asked++;
    for (const char *const *key = s->keys; key != NULL && *key != NULL; key++) {
        CAIRN_TRY(visit(context, *key, &info, err));
    }
    (void)snprintf(token, sizeof(token), "%u", s->loop != 0 ? s->asked % s->loop : s->asked);
    if (s->asked != s->pages) {
        *page->out_next_token = cairn_driver_strdup(token);
    }
    return CAIRN_OK;
}

static void script_free(void *self)
{
    script *s = self;

    s->freed++;
}

static const cairn_store_driver driver = {
    .version = CAIRN_STORE_DRIVER_VERSION,
    .create_is_atomic = true,
    .put = script_put,
    .get = script_get,
    .get_range = script_get_range,
    .get_file = script_get_file,
    .stat = script_stat,
    .remove = script_remove,
    .list_page = script_list_page,
    .free = script_free,
};

static cairn_store *store_of(script *s)
{
    cairn_store *store = NULL;

    ASSERT_OK(cairn_store_new(&driver, s, "script:", &store, NULL), NULL);
    return store;
}

static cairn_code keep_key(void *context, const char *key, const cairn_object_info *info,
                           cairn_error *err)
{
    (void)info;
    CAIRN_TRY(buf_append_text(context, key, err));
    return buf_append_byte(context, ' ', err);
}

typedef struct list_case {
    const char *name;
    unsigned loop;
    unsigned pages;
    cairn_code code;
} list_case;

static void a_listing_without_end_is_ended(void **state)
{
    static const list_case cases[] = {
        {"one page", 0, 1, CAIRN_OK},
        {"many pages", 0, 5000, CAIRN_OK},
        {"as many as there may be", 0, CAIRN_LIST_PAGES_MAX, CAIRN_OK},
        {"one more", 0, CAIRN_LIST_PAGES_MAX + 1, CAIRN_E_LIMIT},
        {"without end", 0, 0, CAIRN_E_LIMIT},
        {"the same token", 1, 0, CAIRN_E_INTEGRITY},
        {"two by turns", 2, 0, CAIRN_E_INTEGRITY},
        {"a loop of seven", 7, 0, CAIRN_E_INTEGRITY},
        {"a loop of a thousand", 1000, 0, CAIRN_E_INTEGRITY},
    };
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        script s = {.loop = cases[i].loop, .pages = cases[i].pages};
        CAIRN_AUTO_PTR(cairn_store_free) cairn_store *store = store_of(&s);
        CAIRN_AUTO(cairn_buf) seen = {0};
        cairn_error err = {0};
        const cairn_code code = cairn_store_list(store, NULL, "", keep_key, &seen, &err);
        if (code != cases[i].code) {
            print_error("case '%s'\n", cases[i].name);
        }
        ASSERT_CODE(code, cases[i].code, &err);
    }
}

static void keys_that_cairn_does_not_write_are_passed_over(void **state)
{
    static const char *const keys[] = {"a/1", "a/folder/", "a//b", "a/\x01", "a/2", NULL};
    script s = {.keys = keys, .pages = 1};
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *store = store_of(&s);
    CAIRN_AUTO(cairn_buf) seen = {0};
    (void)state;

    ASSERT_OK(cairn_store_list(store, NULL, "a/", keep_key, &seen, NULL), NULL);

    assert_string_equal(buf_text(&seen), "a/1 a/2 ");
}

static void a_key_outside_the_prefix_is_an_error(void **state)
{
    static const char *const keys[] = {"a/1", "b/1", NULL};
    script s = {.keys = keys, .pages = 1};
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *store = store_of(&s);
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *view = NULL;
    CAIRN_AUTO(cairn_buf) seen = {0};
    cairn_error err = {0};
    (void)state;
    ASSERT_OK(store_prefixed_new(store, "a", &view, &err), &err);

    ASSERT_CODE(cairn_store_list(store, NULL, "a/", keep_key, &seen, &err), CAIRN_E_INTEGRITY,
                &err);
    ASSERT_MESSAGE_HAS(&err, "list a/ at script:: the listing holds b/1");
    ASSERT_CODE(cairn_store_list(view, NULL, "", keep_key, &seen, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "list all at script:/a: ");
}

static void a_call_without_deadline_gets_the_stores_own(void **state)
{
    script s = {0};
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *store = store_of(&s);
    cairn_object_info info;
    const uint64_t before_ms = clock_monotonic_ms();
    const cairn_call mine = {before_ms + 1000000, NULL};
    (void)state;

    ASSERT_OK(cairn_store_stat(store, NULL, "k", &info, NULL), NULL);
    assert_in_range(s.deadline_ms, before_ms + CAIRN_STORE_TIMEOUT_MS,
                    clock_monotonic_ms() + CAIRN_STORE_TIMEOUT_MS);
    ASSERT_OK(cairn_store_stat(store, &mine, "k", &info, NULL), NULL);

    assert_int_equal(s.deadline_ms, mine.deadline_ms);
}

static void what_a_failed_get_has_read_is_not_shown(void **state)
{
    script s = {0};
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *store = store_of(&s);
    CAIRN_AUTO(cairn_buf) out = {0};
    (void)state;

    ASSERT_CODE(cairn_store_get(store, NULL, "k", 100, &out, NULL), CAIRN_E_UNAVAILABLE, NULL);

    assert_int_equal(out.len, 0);
}

static void a_long_key_leaves_room_for_the_cause(void **state)
{
    script s = {0};
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *store = store_of(&s);
    CAIRN_AUTO(cairn_buf) key = {0};
    cairn_error err = {0};
    (void)state;
    while (key.len + 3 <= CAIRN_OBJECT_KEY_BYTES_MAX) {
        ASSERT_OK(buf_append_text(&key, "\xe6\x97\xa5", NULL), NULL);
    }

    ASSERT_CODE(
        cairn_store_put(store, NULL, buf_text(&key), cairn_slice_of("x"), CAIRN_PUT_CREATE, &err),
        CAIRN_E_ACCESS, &err);

    ASSERT_MESSAGE_HAS(&err, "\xe6\x97\xa5... to script:: the cause");
}

static void a_driver_is_freed_once_also_if_its_store_cannot_be_made(void **state)
{
    script s = {0};
    cairn_store *store = NULL;
    (void)state;

    for (uint64_t nth = 1; nth <= 2; nth++) {
        mem_fail_nth(nth, 0);
        const cairn_code code = cairn_store_new(&driver, &s, "script:", &store, NULL);
        mem_fail_nth(0, 0);
        ASSERT_CODE(code, CAIRN_E_NO_MEMORY, NULL);
        assert_int_equal(s.freed, nth);
    }
    assert_null(store);
    cairn_store_free(store_of(&s));

    assert_int_equal(s.freed, 3);
}

/* The whole life of an object in a directory store below two decorators. */
static cairn_code use_stores(void *context, cairn_error *err)
{
    static const char *const both[] = {"k", "copy"};
    const tmpdir *dir = context;
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *base = NULL;
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *view = NULL;
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *store = NULL;
    CAIRN_AUTO(cairn_buf) found = {0};
    CAIRN_AUTO(cairn_buf) keys = {0};

    CAIRN_TRY(cairn_dir_store_new(dir->path, NULL, &base, err));
    CAIRN_TRY(store_prefixed_new(base, "jobs/a", &view, err));
    CAIRN_TRY(store_retrying_new(view, &store, err));
    CAIRN_TRY(cairn_store_put(store, NULL, "k", cairn_slice_of("body"), CAIRN_PUT_REPLACE, err));
    CAIRN_TRY(cairn_store_get(store, NULL, "k", 100, &found, err));
    CAIRN_TRY(cairn_store_list(store, NULL, "", keep_key, &keys, err));
    CAIRN_TRY(cairn_store_copy(store, NULL, "k", "copy", CAIRN_PUT_REPLACE, err));
    CAIRN_TRY(cairn_store_delete_many(store, NULL, both, 2, NULL, err));
    return cairn_store_delete(store, NULL, "k", err);
}

static void each_failed_allocation_is_reported(void **state)
{
    tmpdir *dir = tmpdir_new();
    (void)state;
    assert_non_null(dir);

    alloc_sweep(use_stores, dir);

    tmpdir_free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listing_without_end_is_ended),
        cmocka_unit_test(keys_that_cairn_does_not_write_are_passed_over),
        cmocka_unit_test(a_key_outside_the_prefix_is_an_error),
        cmocka_unit_test(a_call_without_deadline_gets_the_stores_own),
        cmocka_unit_test(what_a_failed_get_has_read_is_not_shown),
        cmocka_unit_test(a_long_key_leaves_room_for_the_cause),
        cmocka_unit_test(a_driver_is_freed_once_also_if_its_store_cannot_be_made),
        cmocka_unit_test(each_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
