/* Many deletes in one call, and copies within a store. */
#include "test.h"

#include "bounds.h"
#include "cancel.h"
#include "store_contract_cases.h"

#include <stdio.h>
#include <stdlib.h>

#define MIB ((size_t)1 << 20)

/* One more than a request of S3 takes. */
#define MANY (CAIRN_DELETE_BATCH_MAX + 1)

/* What the watch of a call was told. */
typedef struct told {
    unsigned times[MANY];
    size_t all;
    cairn_code code; /* of the last one */
} told;

static void note(void *context, size_t index, const cairn_error *why)
{
    told *t = context;

    t->times[index]++;
    t->all++;
    t->code = why->code;
}

/* "many/op-1/7" */
typedef struct many_keys {
    char texts[MANY][32];
    const char *keys[MANY];
} many_keys;

static many_keys *new_keys(void)
{
    many_keys *many = calloc(1, sizeof(*many));

    assert_non_null(many);
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(many->texts[i], sizeof(many->texts[i]), "many/op-%zu/%zu", i % 3, i);
        many->keys[i] = many->texts[i];
    }
    return many;
}

/* Objects stand at some of the keys, on both sides of each bound. */
static void any_number_of_keys_is_deleted(void **state)
{
    static const size_t counts[] = {0, 1, 2, MANY - 2, MANY - 1, MANY};
    static const size_t standing[] = {0, 1, 2, MANY / 2, MANY - 3, MANY - 2, MANY - 1};
    contract *c = *state;
    many_keys *many = new_keys();
    contract_put(c, "many/op", 1, 1);

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(counts); i++) {
        told t = {.all = 0};
        const cairn_delete_watch watch = {note, &t};
        for (size_t j = 0; j < CAIRN_ARRAY_LEN(standing); j++) {
            const cairn_slice body = cairn_slice_of(many->keys[standing[j]]);
            ASSERT_OK(cairn_store_put(c->store, NULL, many->keys[standing[j]], body,
                                      CAIRN_PUT_REPLACE, &c->err),
                      &c->err);
        }

        ASSERT_OK(cairn_store_delete_many(c->store, NULL, many->keys, counts[i], &watch, &c->err),
                  &c->err);

        assert_int_equal(t.all, 0);
        for (size_t j = 0; j < CAIRN_ARRAY_LEN(standing); j++) {
            cairn_object_info info;
            ASSERT_CODE(cairn_store_stat(c->store, NULL, many->keys[standing[j]], &info, &c->err),
                        standing[j] < counts[i] ? CAIRN_E_NOT_FOUND : CAIRN_OK, &c->err);
        }
    }
    contract_expect(c, "many/op", 1, 1);
    free(many);
}

static void missing_and_repeated_keys_are_fine(void **state)
{
    static const char *const keys[] = {"none", "a/b", "x/y/none", "a/b", "a", "a/b", "none"};
    contract *c = *state;
    contract_put(c, "a/b", 1, 1);
    contract_put(c, "a/c", 2, 2);

    for (int i = 0; i < 2; i++) {
        ASSERT_OK(
            cairn_store_delete_many(c->store, NULL, keys, CAIRN_ARRAY_LEN(keys), NULL, &c->err),
            &c->err);
        contract_expect_missing(c, "a/b");
    }
    contract_expect(c, "a/c", 2, 2);
}

static void odd_keys_are_deleted_and_their_neighbours_are_not(void **state)
{
    static const char *const keys[] = {"d/a&b<c>\"'", "d/&amp;", "d/ blank ", "d/100%25+1=x",
                                       "d/\xe6\x97\xa5\xe6\x9c\xac"};
    static const char *const kept[] = {"d/&", "d/blank", "d/100%+1=x"};
    contract *c = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(keys); i++) {
        contract_put(c, keys[i], i, i);
    }
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(kept); i++) {
        contract_put(c, kept[i], 10 + i, i);
    }

    ASSERT_OK(cairn_store_delete_many(c->store, NULL, keys, CAIRN_ARRAY_LEN(keys), NULL, &c->err),
              &c->err);

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(keys); i++) {
        contract_expect_missing(c, keys[i]);
    }
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(kept); i++) {
        contract_expect(c, kept[i], 10 + i, i);
    }
}

static void a_bad_key_among_good_ones_deletes_nothing(void **state)
{
    static const char *const bad[] = {NULL, "", "a//b", "a/../b", "\xff"};
    contract *c = *state;
    told t = {.all = 0};
    const cairn_delete_watch watch = {note, &t};
    contract_put(c, "k", 1, 1);

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(bad); i++) {
        const char *const keys[] = {"k", bad[i]};
        ASSERT_CODE(cairn_store_delete_many(c->store, NULL, keys, 2, &watch, &c->err),
                    CAIRN_E_INVALID, &c->err);
    }
    ASSERT_CODE(cairn_store_delete_many(c->store, NULL, NULL, 1, &watch, &c->err), CAIRN_E_INVALID,
                &c->err);

    assert_int_equal(t.all, 0);
    contract_expect(c, "k", 1, 1);
}

static void each_key_that_a_cancel_has_left_is_told(void **state)
{
    contract *c = *state;
    many_keys *many = new_keys();
    cairn_cancel *cancel = NULL;
    told t = {.all = 0};
    const cairn_delete_watch watch = {note, &t};
    contract_put(c, many->keys[MANY - 1], 1, 1);
    ASSERT_OK(cairn_cancel_new(&cancel, &c->err), &c->err);
    cairn_cancel_trigger(cancel);
    const cairn_call call = {0, cancel};

    ASSERT_CODE(cairn_store_delete_many(c->store, &call, many->keys, MANY, &watch, &c->err),
                CAIRN_E_CANCELLED, &c->err);

    ASSERT_MESSAGE_HAS(&c->err, many->keys[0]);
    assert_int_equal(t.all, MANY);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(t.times[i], 1);
    }
    assert_int_equal(t.code, CAIRN_E_CANCELLED);
    contract_expect(c, many->keys[MANY - 1], 1, 1);
    cairn_cancel_free(cancel);
    free(many);
}

/* ---- Copies ---- */

static cairn_code copy(contract *c, const char *from, const char *to, cairn_put_mode mode)
{
    return cairn_store_copy(c->store, NULL, from, to, mode, &c->err);
}

static void expect_no_copies(contract *c)
{
    contract_put(c, "from", 1, 1);
    ASSERT_CODE(copy(c, "from", "to", CAIRN_PUT_CREATE), CAIRN_E_INCOMPATIBLE, &c->err);
    ASSERT_MESSAGE_HAS(&c->err, "copy from at ");
    ASSERT_MESSAGE_HAS(&c->err, "this store copies nothing by itself");
    contract_expect_missing(c, "to");
}

/* Both ways, at sizes around those of parts. */
static void a_copy_holds_the_same_bytes(void **state)
{
    static const size_t sizes[] = {0, 1, MIB, 5 * MIB, 5 * MIB + 1, 11 * MIB + 3};
    contract *c = *state;

    if (!c->traits.copies) {
        expect_no_copies(c);
        return;
    }
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(sizes); i++) {
        char from[32];
        char to[32];
        (void)snprintf(from, sizeof(from), "from/%zu", i);
        (void)snprintf(to, sizeof(to), "to/new/%zu", i);
        contract_put(c, from, sizes[i], i);

        ASSERT_OK(copy(c, from, to, CAIRN_PUT_CREATE), &c->err);
        ASSERT_OK(copy(c, from, "to/same", CAIRN_PUT_REPLACE), &c->err);

        contract_expect(c, to, sizes[i], i);
        contract_expect(c, "to/same", sizes[i], i);
        contract_expect(c, from, sizes[i], i);
    }
}

static void a_copy_and_its_origin_live_apart(void **state)
{
    contract *c = *state;
    CAIRN_AUTO(cairn_buf) other = contract_bytes(50, 3);

    if (!c->traits.copies) {
        expect_no_copies(c);
        return;
    }
    contract_put(c, "a", 100, 1);
    ASSERT_OK(copy(c, "a", "b", CAIRN_PUT_CREATE), &c->err);
    ASSERT_OK(copy(c, "a", "c", CAIRN_PUT_CREATE), &c->err);

    ASSERT_OK(
        cairn_store_put(c->store, NULL, "a", cairn_buf_slice(&other), CAIRN_PUT_REPLACE, &c->err),
        &c->err);
    ASSERT_OK(copy(c, "a", "c", CAIRN_PUT_REPLACE), &c->err);
    contract_expect(c, "b", 100, 1);
    contract_expect(c, "c", 50, 3);
    ASSERT_OK(cairn_store_delete(c->store, NULL, "a", &c->err), &c->err);

    contract_expect(c, "b", 100, 1);
    contract_expect(c, "c", 50, 3);
}

static void a_copy_keeps_the_rules_of_a_put(void **state)
{
    contract *c = *state;

    if (!c->traits.copies) {
        expect_no_copies(c);
        return;
    }
    contract_put(c, "small", 10, 1);
    contract_put(c, "large", 6 * MIB, 2);
    contract_put(c, "taken", 20, 3);

    ASSERT_CODE(copy(c, "small", "taken", CAIRN_PUT_CREATE), CAIRN_E_EXISTS, &c->err);
    ASSERT_CODE(copy(c, "large", "taken", CAIRN_PUT_CREATE), CAIRN_E_EXISTS, &c->err);
    ASSERT_MESSAGE_HAS(&c->err, "copy large at ");
    ASSERT_MESSAGE_HAS(&c->err, ": to taken: ");
    contract_expect(c, "taken", 20, 3);
    ASSERT_CODE(copy(c, "none", "taken", CAIRN_PUT_REPLACE), CAIRN_E_NOT_FOUND, &c->err);
    ASSERT_CODE(copy(c, "none", "new", CAIRN_PUT_CREATE), CAIRN_E_NOT_FOUND, &c->err);
    contract_expect(c, "taken", 20, 3);
    contract_expect_missing(c, "new");
}

static void odd_keys_are_copied(void **state)
{
    static const char *const keys[] = {"a&b<c>\"'", "100%25+1=x", " blank ",
                                       "\xe6\x97\xa5/\xe6\x9c\xac", "?x#y"};
    contract *c = *state;

    if (!c->traits.copies) {
        expect_no_copies(c);
        return;
    }
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(keys); i++) {
        char to[64];
        (void)snprintf(to, sizeof(to), "copy of/%s", keys[i]);
        contract_put(c, keys[i], 10 + i, i);
        ASSERT_OK(copy(c, keys[i], to, CAIRN_PUT_CREATE), &c->err);
        contract_expect(c, to, 10 + i, i);
    }
}

static void copies_of_nonsense_are_refused(void **state)
{
    contract *c = *state;
    contract_put(c, "k", 1, 1);

    ASSERT_CODE(copy(c, "k", "k", CAIRN_PUT_REPLACE), CAIRN_E_INVALID, &c->err);
    ASSERT_CODE(copy(c, "k", "a//b", CAIRN_PUT_REPLACE), CAIRN_E_INVALID, &c->err);
    ASSERT_CODE(copy(c, "k", NULL, CAIRN_PUT_REPLACE), CAIRN_E_INVALID, &c->err);
    ASSERT_CODE(copy(c, "", "l", CAIRN_PUT_REPLACE), CAIRN_E_INVALID, &c->err);
    ASSERT_CODE(copy(c, NULL, "l", CAIRN_PUT_REPLACE), CAIRN_E_INVALID, &c->err);
    ASSERT_CODE(copy(c, "k", "l", (cairn_put_mode)7), CAIRN_E_INVALID, &c->err);

    contract_expect(c, "k", 1, 1);
    contract_expect_missing(c, "l");
}

const contract_case contract_many_cases[] = {
    CONTRACT_CASE(any_number_of_keys_is_deleted),
    CONTRACT_CASE(missing_and_repeated_keys_are_fine),
    CONTRACT_CASE(odd_keys_are_deleted_and_their_neighbours_are_not),
    CONTRACT_CASE(a_bad_key_among_good_ones_deletes_nothing),
    CONTRACT_CASE(each_key_that_a_cancel_has_left_is_told),
    CONTRACT_CASE(a_copy_holds_the_same_bytes),
    CONTRACT_CASE(a_copy_and_its_origin_live_apart),
    CONTRACT_CASE(a_copy_keeps_the_rules_of_a_put),
    CONTRACT_CASE(odd_keys_are_copied),
    CONTRACT_CASE(copies_of_nonsense_are_refused),
    {NULL, NULL},
};
