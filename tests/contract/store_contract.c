#include "test.h"

#include "store_contract.h"

#include "bounds.h"
#include "fsutil.h"
#include "store_contract_cases.h"

#include <stdlib.h>

#define CASES_MAX 100

static store_contract_traits with_defaults(store_contract_traits traits)
{
    traits.race_rounds = traits.race_rounds != 0 ? traits.race_rounds : 200;
    traits.listed_objects = traits.listed_objects != 0 ? traits.listed_objects : 2501;
    traits.mixed_rounds = traits.mixed_rounds != 0 ? traits.mixed_rounds : 60;
    traits.key_bytes = traits.key_bytes != 0 ? traits.key_bytes : CAIRN_OBJECT_KEY_BYTES_MAX;
    return traits;
}

/* The factory that the group runs with: cmocka gives a setup nothing of its own. */
static const store_contract_factory *current;

static int set_up(void **state)
{
    contract *c = calloc(1, sizeof(*c));

    if (c == NULL) {
        return -1;
    }
    *state = c;
    c->traits = with_defaults(current->traits);
    c->scratch = tmpdir_new();
    if (c->scratch == NULL) {
        return -1;
    }
    if (current->make(&c->store, &c->instance, &c->err) != CAIRN_OK) {
        print_error("no store: %s\n", c->err.message);
        return -1;
    }
    return 0;
}

static int tear_down(void **state)
{
    contract *c = *state;

    current->destroy(c->store, c->instance);
    tmpdir_free(c->scratch);
    free(c);
    return 0;
}

void contract_fill(uint8_t *out, size_t len, uint64_t seed)
{
    uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

    for (size_t i = 0; i < len; i++) {
        if (i % 8 == 0) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
        }
        out[i] = (uint8_t)(x >> (8 * (i % 8)));
    }
}

cairn_buf contract_bytes(size_t len, uint64_t seed)
{
    cairn_buf buf = {0};

    ASSERT_OK(buf_reserve(&buf, len + 1, NULL), NULL);
    contract_fill(buf.data, len, seed);
    buf.len = len;
    return buf;
}

void contract_put(contract *c, const char *key, size_t len, uint64_t seed)
{
    CAIRN_AUTO(cairn_buf) body = contract_bytes(len, seed);

    ASSERT_OK(
        cairn_store_put(c->store, NULL, key, cairn_buf_slice(&body), CAIRN_PUT_CREATE, &c->err),
        &c->err);
}

void contract_expect(contract *c, const char *key, size_t len, uint64_t seed)
{
    CAIRN_AUTO(cairn_buf) expected = contract_bytes(len, seed);
    CAIRN_AUTO(cairn_buf) found = {0};

    ASSERT_OK(cairn_store_get(c->store, NULL, key, len, &found, &c->err), &c->err);
    assert_true(cairn_slice_equal(cairn_buf_slice(&expected), cairn_buf_slice(&found)));
}

void contract_expect_missing(contract *c, const char *key)
{
    cairn_object_info info;

    ASSERT_CODE(cairn_store_stat(c->store, NULL, key, &info, &c->err), CAIRN_E_NOT_FOUND, &c->err);
}

void contract_file(contract *c, const char *name, size_t len, uint64_t seed,
                   char path[TMPDIR_PATH_BYTES])
{
    CAIRN_AUTO(cairn_buf) body = contract_bytes(len, seed);

    (void)tmpdir_join(c->scratch, name, path);
    ASSERT_OK(fs_write_file(path, cairn_buf_slice(&body), &c->err), &c->err);
}

static size_t add_cases(struct CMUnitTest *tests, size_t count, const contract_case *cases)
{
    for (; cases->name != NULL; cases++) {
        CAIRN_ASSERT(count < CASES_MAX);
        tests[count++] = (struct CMUnitTest){cases->name, cases->run, set_up, tear_down, NULL};
    }
    return count;
}

int store_contract_run(const store_contract_factory *factory)
{
    struct CMUnitTest tests[CASES_MAX];
    size_t count = 0;

    current = factory;
    count = add_cases(tests, count, contract_object_cases);
    count = add_cases(tests, count, contract_call_cases);
    count = add_cases(tests, count, contract_list_cases);
    count = add_cases(tests, count, contract_parallel_cases);
    count = add_cases(tests, count, contract_many_cases);
    return _cmocka_run_group_tests(factory->name, tests, count, NULL, NULL);
}
