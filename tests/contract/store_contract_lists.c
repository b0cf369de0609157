/* Listings: each object once, whatever its key and whatever happens meanwhile. */
#include "test.h"

#include "bounds.h"
#include "cancel.h"
#include "errors.h"
#include "store_contract_cases.h"
#include "threads.h"

#include <stdio.h>
#include <stdlib.h>

/* How often each of the numbered objects was seen; their size tells the number. */
typedef struct census {
    contract *c;
    unsigned *seen;
    size_t count;
    size_t strangers;
    bool delete_them;
    cairn_cancel *cancel; /* triggered at the first object; may be NULL */
} census;

static cairn_code count_object(void *context, const char *key, const cairn_object_info *info,
                               cairn_error *err)
{
    census *n = context;

    if (info->size < n->count && info->modified_ms > 0) {
        n->seen[info->size]++;
    } else {
        n->strangers++;
    }
    cairn_cancel_trigger(n->cancel);
    return n->delete_them ? cairn_store_delete(n->c->store, NULL, key, err) : CAIRN_OK;
}

static census new_census(contract *c, size_t count)
{
    census n = {.c = c, .seen = calloc(count, sizeof(unsigned)), .count = count};

    assert_non_null(n.seen);
    return n;
}

static cairn_code list(contract *c, const cairn_call *call, const char *prefix, census *n)
{
    return cairn_store_list(c->store, call, prefix, count_object, n, &c->err);
}

/* Objects first..last-1 were seen once and no other. Frees the census. */
static void expect_seen(census *n, size_t first, size_t last)
{
    for (size_t i = 0; i < n->count; i++) {
        if (n->seen[i] != (i >= first && i < last ? 1U : 0U)) {
            print_error("object %zu was seen %u times\n", i, n->seen[i]);
            fail();
        }
    }
    assert_int_equal(n->strangers, 0);
    free(n->seen);
}

/* The key of object i: nested in uneven folders. */
static void numbered_key(size_t i, char key[64])
{
    switch (i % 4) {
    case 0:
        (void)snprintf(key, 64, "shared/op-%zu/%zu-x", i % 3, i);
        break;
    case 1:
        (void)snprintf(key, 64, "chk-%zu/op/%zu/part.json", i / 10, i);
        break;
    case 2:
        (void)snprintf(key, 64, "flat/%zu", i);
        break;
    default:
        (void)snprintf(key, 64, "top-%zu", i);
        break;
    }
}

typedef struct filler {
    contract *c;
    size_t first;
    size_t last;
    cairn_code code;
} filler;

static void fill(void *argument)
{
    filler *f = argument;
    const size_t most = f->last;
    uint8_t *zeros = calloc(1, most + 1);

    f->code = zeros == NULL ? CAIRN_E_NO_MEMORY : CAIRN_OK;
    for (size_t i = f->first; i < f->last && f->code == CAIRN_OK; i++) {
        char key[64];
        numbered_key(i, key);
        f->code = cairn_store_put(f->c->store, NULL, key, (cairn_slice){zeros, i}, CAIRN_PUT_CREATE,
                                  NULL);
    }
    free(zeros);
}

#define FILLERS 8

/* Puts `count` objects, of which number i has i bytes. */
static void put_numbered(contract *c, size_t count)
{
    filler fillers[FILLERS];

    for (size_t i = 0; i < FILLERS; i++) {
        fillers[i] = (filler){c, count * i / FILLERS, count * (i + 1) / FILLERS, CAIRN_OK};
    }
    threads_run(fill, fillers, sizeof(fillers[0]), FILLERS);
    for (size_t i = 0; i < FILLERS; i++) {
        ASSERT_OK(fillers[i].code, NULL);
    }
}

static void an_empty_store_lists_nothing(void **state)
{
    contract *c = *state;
    census n = new_census(c, 1);

    ASSERT_OK(list(c, NULL, "", &n), &c->err);
    ASSERT_OK(list(c, NULL, "none", &n), &c->err);
    ASSERT_OK(list(c, NULL, "none/none/", &n), &c->err);

    expect_seen(&n, 0, 0);
}

static void a_prefix_selects_by_bytes(void **state)
{
    static const char *const keys[] = {"a",      "ab",      "ab.c",  "abc/d",
                                       "abc/d2", "abc/e/f", "abd/x", "b/a/ab"};
    static const struct {
        const char *prefix;
        size_t first;
        size_t last;
    } cases[] = {
        {"", 0, 8},         {"a", 0, 7},      {"ab", 1, 7},      {"ab.", 2, 3},
        {"abc", 3, 6},      {"abc/", 3, 6},   {"abc/d", 3, 5},   {"abc/d2", 4, 5},
        {"abc/e", 5, 6},    {"abc/e/", 5, 6}, {"abc/e/f", 5, 6}, {"abc/e/f/", 0, 0},
        {"abc/e/fg", 0, 0}, {"b", 7, 8},      {"c", 0, 0},       {"a/", 0, 0},
        {"A", 0, 0},
    };
    contract *c = *state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(keys); i++) {
        contract_put(c, keys[i], i, i);
    }

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        census n = new_census(c, CAIRN_ARRAY_LEN(keys));
        ASSERT_OK(list(c, NULL, cases[i].prefix, &n), &c->err);
        expect_seen(&n, cases[i].first, cases[i].last);
    }
}

static void each_of_many_objects_is_seen_once(void **state)
{
    contract *c = *state;
    const size_t count = c->traits.listed_objects;
    census all = new_census(c, count);
    put_numbered(c, count);

    ASSERT_OK(list(c, NULL, "", &all), &c->err);

    expect_seen(&all, 0, count);
}

static void objects_may_be_deleted_while_they_are_listed(void **state)
{
    contract *c = *state;
    const size_t count = c->traits.listed_objects;
    census first = new_census(c, count);
    census second = new_census(c, count);
    put_numbered(c, count);

    first.delete_them = true;
    ASSERT_OK(list(c, NULL, "", &first), &c->err);
    ASSERT_OK(list(c, NULL, "", &second), &c->err);

    expect_seen(&first, 0, count);
    expect_seen(&second, 0, 0);
}

static cairn_code stop_at_third(void *context, const char *key, const cairn_object_info *info,
                                cairn_error *err)
{
    unsigned *visits = context;

    (void)key;
    (void)info;
    return ++*visits == 3 ? error_set(err, CAIRN_E_FENCED, "seen enough") : CAIRN_OK;
}

static void the_visitor_may_end_the_listing_with_its_own_error(void **state)
{
    contract *c = *state;
    unsigned visits = 0;
    put_numbered(c, 10);

    const cairn_code code = cairn_store_list(c->store, NULL, "", stop_at_third, &visits, &c->err);

    ASSERT_CODE(code, CAIRN_E_FENCED, &c->err);
    assert_string_equal(c->err.message, "seen enough");
    assert_int_equal(visits, 3);
}

static void a_listing_is_cancelled_between_pages(void **state)
{
    contract *c = *state;
    CAIRN_AUTO_PTR(cairn_cancel_free) cairn_cancel *cancel = NULL;
    const size_t page = CAIRN_LIST_PAGE_MAX + 1;
    census n = new_census(c, c->traits.listed_objects < page ? c->traits.listed_objects : page);
    put_numbered(c, n.count);
    ASSERT_OK(cairn_cancel_new(&cancel, &c->err), &c->err);
    const cairn_call call = {0, cancel};
    n.cancel = cancel;

    const cairn_code code = list(c, &call, "", &n);

    ASSERT_CODE(code, CAIRN_E_CANCELLED, &c->err);
    free(n.seen);
}

const contract_case contract_list_cases[] = {
    CONTRACT_CASE(an_empty_store_lists_nothing),
    CONTRACT_CASE(a_prefix_selects_by_bytes),
    CONTRACT_CASE(each_of_many_objects_is_seen_once),
    CONTRACT_CASE(objects_may_be_deleted_while_they_are_listed),
    CONTRACT_CASE(the_visitor_may_end_the_listing_with_its_own_error),
    CONTRACT_CASE(a_listing_is_cancelled_between_pages),
    {NULL, NULL},
};
