/* One object at a time: what is put comes back, whole, and nothing else does. */
#include "test.h"

#include "fsutil.h"
#include "store_contract_cases.h"

#include <stdio.h>
#include <sys/stat.h>

#define KIB ((size_t)1024)
#define MIB ((size_t)1024 * 1024)

static void check_round_trip(contract *c, size_t len)
{
    cairn_object_info info = {0};

    contract_put(c, "a/object", len, len);

    contract_expect(c, "a/object", len, len);
    ASSERT_OK(cairn_store_stat(c->store, NULL, "a/object", &info, &c->err), &c->err);
    assert_int_equal(info.size, len);
    assert_true(info.modified_ms > 0);
    ASSERT_OK(cairn_store_delete(c->store, NULL, "a/object", &c->err), &c->err);
    contract_expect_missing(c, "a/object");
}

static void an_object_comes_back_as_it_was_put(void **state)
{
    static const size_t sizes[] = {0, 1, 4 * KIB - 1, 4 * KIB, MIB - 1, MIB, MIB + 1, 8 * MIB + 3};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(sizes); i++) {
        check_round_trip(*state, sizes[i]);
    }
}

static void a_range_of_a_file_comes_back_as_it_was_put(void **state)
{
    static const struct {
        uint64_t offset;
        uint64_t length;
    } cases[] = {
        {0, 0},           {0, 3 * MIB + 7}, {0, 1},   {MIB - 1, 2},
        {3 * MIB + 6, 1}, {3 * MIB + 7, 0}, {5, MIB},
    };
    contract *c = *state;
    CAIRN_AUTO(cairn_buf) whole = contract_bytes(3 * MIB + 7, 1);
    char path[TMPDIR_PATH_BYTES];
    contract_file(c, "source", whole.len, 1, path);

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO(cairn_buf) found = {0};
        const cairn_file_range range = {path, cases[i].offset, cases[i].length, false, NULL};
        const cairn_slice expected = {whole.data + range.offset, range.length};

        ASSERT_OK(cairn_store_put_file(c->store, NULL, "file", &range, CAIRN_PUT_REPLACE, &c->err),
                  &c->err);

        ASSERT_OK(cairn_store_get(c->store, NULL, "file", whole.len, &found, &c->err), &c->err);
        assert_true(cairn_slice_equal(expected, cairn_buf_slice(&found)));
    }
}

static void a_file_that_is_too_short_or_missing_is_not_put(void **state)
{
    contract *c = *state;
    char path[TMPDIR_PATH_BYTES];
    contract_file(c, "source", 100, 1, path);
    const cairn_file_range beyond = {path, 50, 51, false, NULL};
    const cairn_file_range missing = {"/nonexistent/file", 0, 1, false, NULL};

    ASSERT_CODE(cairn_store_put_file(c->store, NULL, "k", &beyond, CAIRN_PUT_CREATE, &c->err),
                CAIRN_E_INTEGRITY, &c->err);
    ASSERT_CODE(cairn_store_put_file(c->store, NULL, "k", &missing, CAIRN_PUT_CREATE, &c->err),
                CAIRN_E_NOT_FOUND, &c->err);

    contract_expect_missing(c, "k");
}

static void create_only_refuses_and_keeps_the_old_bytes(void **state)
{
    contract *c = *state;
    char path[TMPDIR_PATH_BYTES];
    contract_file(c, "other", 100, 2, path);
    const cairn_file_range range = {path, 0, 100, false, NULL};
    contract_put(c, "a/b/claim.json", 100, 1);

    const cairn_code with_other =
        cairn_store_put_file(c->store, NULL, "a/b/claim.json", &range, CAIRN_PUT_CREATE, &c->err);
    const cairn_code with_nothing = cairn_store_put(
        c->store, NULL, "a/b/claim.json", (cairn_slice){NULL, 0}, CAIRN_PUT_CREATE, &c->err);

    ASSERT_CODE(with_other, CAIRN_E_EXISTS, &c->err);
    ASSERT_CODE(with_nothing, CAIRN_E_EXISTS, &c->err);
    contract_expect(c, "a/b/claim.json", 100, 1);
}

static void create_only_refuses_the_same_bytes_too(void **state)
{
    contract *c = *state;
    CAIRN_AUTO(cairn_buf) body = contract_bytes(100, 1);
    contract_put(c, "claim.json", 100, 1);

    ASSERT_CODE(cairn_store_put(c->store, NULL, "claim.json", cairn_buf_slice(&body),
                                CAIRN_PUT_CREATE, &c->err),
                CAIRN_E_EXISTS, &c->err);
}

static void a_deleted_key_can_be_created_again(void **state)
{
    contract *c = *state;
    contract_put(c, "a/b", 10, 1);
    ASSERT_OK(cairn_store_delete(c->store, NULL, "a/b", &c->err), &c->err);

    contract_put(c, "a/b", 20, 2);

    contract_expect(c, "a/b", 20, 2);
}

static void replace_replaces_and_creates(void **state)
{
    contract *c = *state;
    CAIRN_AUTO(cairn_buf) large = contract_bytes(2 * MIB, 2);
    CAIRN_AUTO(cairn_buf) small = contract_bytes(3, 3);

    ASSERT_OK(
        cairn_store_put(c->store, NULL, "a/k", cairn_buf_slice(&large), CAIRN_PUT_REPLACE, &c->err),
        &c->err);
    contract_expect(c, "a/k", 2 * MIB, 2);
    ASSERT_OK(
        cairn_store_put(c->store, NULL, "a/k", cairn_buf_slice(&small), CAIRN_PUT_REPLACE, &c->err),
        &c->err);

    contract_expect(c, "a/k", 3, 3);
}

static void get_stops_at_its_limit(void **state)
{
    static const struct {
        size_t size;
        size_t limit;
        cairn_code code;
    } cases[] = {
        {0, 0, CAIRN_OK},           {1, 0, CAIRN_E_LIMIT},         {1000, 1000, CAIRN_OK},
        {1000, 999, CAIRN_E_LIMIT}, {MIB, MIB - 1, CAIRN_E_LIMIT}, {MIB, SIZE_MAX, CAIRN_OK},
    };
    contract *c = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO(cairn_buf) out = {0};
        char key[32];
        (void)snprintf(key, sizeof(key), "k%zu", i);
        contract_put(c, key, cases[i].size, i);
        ASSERT_OK(buf_append_text(&out, "old", NULL), NULL);

        const cairn_code code = cairn_store_get(c->store, NULL, key, cases[i].limit, &out, &c->err);

        ASSERT_CODE(code, cases[i].code, &c->err);
        assert_int_equal(out.len, code == CAIRN_OK ? cases[i].size : 0);
        assert_true(code == CAIRN_OK || out.capacity <= cases[i].limit + 4 * KIB);
    }
}

static void a_range_is_read_exactly_or_not_at_all(void **state)
{
    static const struct {
        uint64_t offset;
        size_t length;
        cairn_code code;
    } cases[] = {
        {0, 0, CAIRN_OK},
        {0, 1, CAIRN_OK},
        {0, 2 * MIB + 1, CAIRN_OK},
        {MIB - 1, 2, CAIRN_OK},
        {2 * MIB, 1, CAIRN_OK},
        {2 * MIB + 1, 0, CAIRN_OK},
        {0, 2 * MIB + 2, CAIRN_E_INTEGRITY},
        {2 * MIB, 2, CAIRN_E_INTEGRITY},
        {2 * MIB + 1, 1, CAIRN_E_INTEGRITY},
        {(uint64_t)1 << 40, 1, CAIRN_E_INTEGRITY},
    };
    contract *c = *state;
    CAIRN_AUTO(cairn_buf) whole = contract_bytes(2 * MIB + 1, 9);
    CAIRN_AUTO(cairn_buf) out = contract_bytes(2 * MIB + 2, 0);
    contract_put(c, "k", whole.len, 9);

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        const cairn_memory_range range = {cases[i].offset, out.data, cases[i].length};
        const cairn_code code = cairn_store_get_range(c->store, NULL, "k", &range, &c->err);

        ASSERT_CODE(code, cases[i].code, &c->err);
        if (code == CAIRN_OK) {
            assert_memory_equal(out.data, whole.data + range.offset, range.length);
        }
    }
}

static void get_file_makes_a_new_private_file(void **state)
{
    static const struct {
        uint64_t offset;
        uint64_t length;
    } cases[] = {{0, 3 * MIB + 5}, {0, 0}, {MIB + 1, MIB}, {3 * MIB + 4, 1}, {3 * MIB + 5, 0}};
    contract *c = *state;
    CAIRN_AUTO(cairn_buf) whole = contract_bytes(3 * MIB + 5, 4);
    contract_put(c, "a/k", whole.len, 4);

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO(cairn_buf) found = {0};
        char name[32];
        char path[TMPDIR_PATH_BYTES];
        struct stat info;
        (void)snprintf(name, sizeof(name), "out%zu", i);
        const cairn_file_range to = {tmpdir_join(c->scratch, name, path), cases[i].offset,
                                     cases[i].length, false, NULL};
        const cairn_slice expected = {whole.data + to.offset, to.length};

        ASSERT_OK(cairn_store_get_file(c->store, NULL, "a/k", &to, &c->err), &c->err);

        ASSERT_OK(fs_read_file(path, whole.len, &found, &c->err), &c->err);
        assert_true(cairn_slice_equal(expected, cairn_buf_slice(&found)));
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 07777, 0600);
    }
}

static void get_file_refuses_and_keeps_an_existing_file(void **state)
{
    contract *c = *state;
    CAIRN_AUTO(cairn_buf) kept = contract_bytes(10, 5);
    CAIRN_AUTO(cairn_buf) found = {0};
    char path[TMPDIR_PATH_BYTES];
    contract_put(c, "k", 100, 1);
    contract_file(c, "mine", 10, 5, path);
    const cairn_file_range to = {path, 0, 100, false, NULL};

    const cairn_code code = cairn_store_get_file(c->store, NULL, "k", &to, &c->err);

    ASSERT_CODE(code, CAIRN_E_EXISTS, &c->err);
    ASSERT_OK(fs_read_file(path, 10, &found, &c->err), &c->err);
    assert_true(cairn_slice_equal(cairn_buf_slice(&kept), cairn_buf_slice(&found)));
}

static void get_file_leaves_nothing_when_it_fails(void **state)
{
    contract *c = *state;
    char path[TMPDIR_PATH_BYTES];
    contract_put(c, "k", 100, 1);
    (void)tmpdir_join(c->scratch, "out", path);
    const cairn_file_range too_long = {path, 0, 101, false, NULL};
    const cairn_file_range beyond = {path, 101, 1, false, NULL};
    const cairn_file_range missing = {path, 0, 1, false, NULL};

    ASSERT_CODE(cairn_store_get_file(c->store, NULL, "k", &too_long, &c->err), CAIRN_E_INTEGRITY,
                &c->err);
    assert_false(fs_exists(path));
    ASSERT_CODE(cairn_store_get_file(c->store, NULL, "k", &beyond, &c->err), CAIRN_E_INTEGRITY,
                &c->err);
    assert_false(fs_exists(path));
    ASSERT_CODE(cairn_store_get_file(c->store, NULL, "none", &missing, &c->err), CAIRN_E_NOT_FOUND,
                &c->err);
    assert_false(fs_exists(path));
}

static void what_is_missing_is_not_found(void **state)
{
    static const char *const keys[] = {"none",           "a/none", "a/b/none",
                                       "none/none/none", "a",      "a/b/c/d"};
    contract *c = *state;
    contract_put(c, "a/b/c", 1, 1);

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(keys); i++) {
        CAIRN_AUTO(cairn_buf) out = {0};
        char path[TMPDIR_PATH_BYTES];
        uint8_t byte = 0;
        cairn_object_info info = {0};
        const cairn_memory_range range = {0, &byte, 1};
        const cairn_file_range to = {tmpdir_join(c->scratch, "out", path), 0, 1, false, NULL};

        ASSERT_CODE(cairn_store_get(c->store, NULL, keys[i], 10, &out, &c->err), CAIRN_E_NOT_FOUND,
                    &c->err);
        ASSERT_CODE(cairn_store_get_range(c->store, NULL, keys[i], &range, &c->err),
                    CAIRN_E_NOT_FOUND, &c->err);
        ASSERT_CODE(cairn_store_get_file(c->store, NULL, keys[i], &to, &c->err), CAIRN_E_NOT_FOUND,
                    &c->err);
        ASSERT_CODE(cairn_store_stat(c->store, NULL, keys[i], &info, &c->err), CAIRN_E_NOT_FOUND,
                    &c->err);
        ASSERT_MESSAGE_HAS(&c->err, keys[i]);
        assert_int_equal(info.size, 0);
    }
}

static void deleting_what_is_missing_is_fine(void **state)
{
    contract *c = *state;
    contract_put(c, "a/b", 1, 1);
    contract_put(c, "a/c", 2, 2);

    ASSERT_OK(cairn_store_delete(c->store, NULL, "none", &c->err), &c->err);
    ASSERT_OK(cairn_store_delete(c->store, NULL, "x/y/z", &c->err), &c->err);
    ASSERT_OK(cairn_store_delete(c->store, NULL, "a", &c->err), &c->err);
    ASSERT_OK(cairn_store_delete(c->store, NULL, "a/b", &c->err), &c->err);
    ASSERT_OK(cairn_store_delete(c->store, NULL, "a/b", &c->err), &c->err);

    contract_expect_missing(c, "a/b");
    contract_expect(c, "a/c", 2, 2);
}

const contract_case contract_object_cases[] = {
    CONTRACT_CASE(an_object_comes_back_as_it_was_put),
    CONTRACT_CASE(a_range_of_a_file_comes_back_as_it_was_put),
    CONTRACT_CASE(a_file_that_is_too_short_or_missing_is_not_put),
    CONTRACT_CASE(create_only_refuses_and_keeps_the_old_bytes),
    CONTRACT_CASE(create_only_refuses_the_same_bytes_too),
    CONTRACT_CASE(a_deleted_key_can_be_created_again),
    CONTRACT_CASE(replace_replaces_and_creates),
    CONTRACT_CASE(get_stops_at_its_limit),
    CONTRACT_CASE(a_range_is_read_exactly_or_not_at_all),
    CONTRACT_CASE(get_file_makes_a_new_private_file),
    CONTRACT_CASE(get_file_refuses_and_keeps_an_existing_file),
    CONTRACT_CASE(get_file_leaves_nothing_when_it_fails),
    CONTRACT_CASE(what_is_missing_is_not_found),
    CONTRACT_CASE(deleting_what_is_missing_is_fine),
    {NULL, NULL},
};
