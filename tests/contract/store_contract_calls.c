/* Keys, arguments, deadlines, cancel and messages. */
#include "test.h"

#include "bounds.h"
#include "cancel.h"
#include "fsutil.h"
#include "store_contract_cases.h"

#define CODES_MAX 8

/* Every call once with `key`, all of which are expected to fail; the codes in order. */
static size_t call_all(contract *c, const cairn_call *call, const char *key, cairn_code *codes)
{
    CAIRN_AUTO(cairn_buf) out = {0};
    char source[TMPDIR_PATH_BYTES];
    char target[TMPDIR_PATH_BYTES];
    uint8_t byte = 0;
    cairn_object_info info;
    const cairn_memory_range range = {0, &byte, 1};
    size_t n = 0;

    contract_file(c, "source", 10, 1, source);
    const cairn_file_range from = {source, 0, 10, false, NULL};
    const cairn_file_range to = {tmpdir_join(c->scratch, "target", target), 0, 1, false, NULL};
    cairn_store *s = c->store;
    codes[n++] = cairn_store_put(s, call, key, cairn_slice_of("x"), CAIRN_PUT_CREATE, &c->err);
    codes[n++] = cairn_store_put(s, call, key, cairn_slice_of("x"), CAIRN_PUT_REPLACE, &c->err);
    codes[n++] = cairn_store_put_file(s, call, key, &from, CAIRN_PUT_CREATE, &c->err);
    codes[n++] = cairn_store_get(s, call, key, 10, &out, &c->err);
    codes[n++] = cairn_store_get_range(s, call, key, &range, &c->err);
    codes[n++] = cairn_store_get_file(s, call, key, &to, &c->err);
    codes[n++] = cairn_store_stat(s, call, key, &info, &c->err);
    codes[n++] = cairn_store_delete(s, call, key, &c->err);
    assert_false(fs_exists(target));
    return n;
}

static void expect_all(contract *c, const cairn_call *call, const char *key, cairn_code expected)
{
    cairn_code codes[CODES_MAX];
    const size_t count = call_all(c, call, key, codes);

    for (size_t i = 0; i < count; i++) {
        if (codes[i] != expected) {
            print_error("call %zu of key '%s'\n", i, key != NULL ? key : "(NULL)");
        }
        ASSERT_CODE(codes[i], expected, NULL);
    }
}

static cairn_code count_object(void *context, const char *key, const cairn_object_info *info,
                               cairn_error *err)
{
    size_t *count = context;

    (void)key;
    (void)info;
    (void)err;
    ++*count;
    return CAIRN_OK;
}

static void bad_keys_are_refused_by_every_call(void **state)
{
    static char too_long[CAIRN_OBJECT_KEY_BYTES_MAX + 2];
    static const char *const keys[] = {
        NULL,
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "./a",
        "a/..",
        "a/../b",
        "a/./b",
        "a\nb",
        "a\x01",
        "\x7f",
        "a\tb",
        "\xff",
        "a\x80",
        "\xc0\xaf",
        "\xc3",
        "\xe0\x80\xaf",
        "\xed\xa0\x80",
        "\xf4\x90\x80\x80",
        "\xf8\x88\x80\x80\x80",
        too_long,
    };
    contract *c = *state;
    size_t count = 0;
    memset(too_long, 'k', sizeof(too_long) - 1);

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(keys); i++) {
        expect_all(c, NULL, keys[i], CAIRN_E_INVALID);
    }

    ASSERT_OK(cairn_store_list(c->store, NULL, "", count_object, &count, &c->err), &c->err);
    assert_int_equal(count, 0);
}

static void bad_prefixes_are_refused(void **state)
{
    static const char *const prefixes[] = {NULL, "/", "a//", "../", "a/./", "a\n", "\xff"};
    contract *c = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(prefixes); i++) {
        size_t count = 0;
        ASSERT_CODE(cairn_store_list(c->store, NULL, prefixes[i], count_object, &count, &c->err),
                    CAIRN_E_INVALID, &c->err);
    }
}

/* In parts that are legal file names too. */
static const char *longest_key(size_t len)
{
    static char key[CAIRN_OBJECT_KEY_BYTES_MAX + 1];

    assert_in_range(len, 201, CAIRN_OBJECT_KEY_BYTES_MAX);
    memset(key, 'k', len);
    key[len] = '\0';
    for (size_t i = 200; i < len - 1; i += 200) {
        key[i] = '/';
    }
    return key;
}

static cairn_code keep_key(void *context, const char *key, const cairn_object_info *info,
                           cairn_error *err)
{
    cairn_buf *keys = context;

    (void)info;
    CAIRN_TRY(buf_append_text(keys, key, err));
    return buf_append_byte(keys, '\n', err);
}

static void odd_keys_are_kept_byte_for_byte(void **state)
{
    contract *c = *state;
    const char *const keys[] = {
        "with space/and more",
        " ",
        "a+b",
        "100%",
        "%2F",
        "%2e%2e",
        "a=b&c=d",
        "q?x#y",
        "semi;colon,comma:at@dollar$bang!",
        "back\\slash",
        "quote'\"<>|*",
        "tilde~",
        "...",
        ".hidden/..x/x..",
        "\xc3\xbcml\xc3\xa4ut/\xe6\x97\xa5\xe6\x9c\xac/\xf0\x9f\xaa\xa8",
        "UPPER/lower",
        "upper/LOWER",
        longest_key(c->traits.key_bytes),
    };
    CAIRN_AUTO(cairn_buf) listed = {0};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(keys); i++) {
        contract_put(c, keys[i], 10 + i, i);
    }

    ASSERT_OK(cairn_store_list(c->store, NULL, "", keep_key, &listed, &c->err), &c->err);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(keys); i++) {
        CAIRN_AUTO(cairn_buf) one = {0};
        contract_expect(c, keys[i], 10 + i, i);
        assert_non_null(strstr(buf_text(&listed), keys[i]));
        ASSERT_OK(cairn_store_list(c->store, NULL, keys[i], keep_key, &one, &c->err), &c->err);
        assert_int_equal(strncmp(buf_text(&one), keys[i], strlen(keys[i])), 0);
        ASSERT_OK(cairn_store_delete(c->store, NULL, keys[i], &c->err), &c->err);
        contract_expect_missing(c, keys[i]);
    }
}

static void a_cancelled_call_does_nothing(void **state)
{
    contract *c = *state;
    CAIRN_AUTO_PTR(cairn_cancel_free) cairn_cancel *cancel = NULL;
    size_t count = 0;
    contract_put(c, "a/kept", 10, 1);
    ASSERT_OK(cairn_cancel_new(&cancel, &c->err), &c->err);
    cairn_cancel_trigger(cancel);
    const cairn_call call = {cairn_deadline_in(60000), cancel};

    expect_all(c, &call, "a/new", CAIRN_E_CANCELLED);
    expect_all(c, &call, "a/kept", CAIRN_E_CANCELLED);
    ASSERT_CODE(cairn_store_list(c->store, &call, "", count_object, &count, &c->err),
                CAIRN_E_CANCELLED, &c->err);

    contract_expect_missing(c, "a/new");
    contract_expect(c, "a/kept", 10, 1);
    assert_int_equal(count, 0);
}

static void a_deadline_in_the_past_ends_the_call_at_once(void **state)
{
    contract *c = *state;
    size_t count = 0;
    const cairn_call call = {1, NULL};
    contract_put(c, "a/kept", 10, 1);

    expect_all(c, &call, "a/new", CAIRN_E_TIMEOUT);
    expect_all(c, &call, "a/kept", CAIRN_E_TIMEOUT);
    ASSERT_CODE(cairn_store_list(c->store, &call, "", count_object, &count, &c->err),
                CAIRN_E_TIMEOUT, &c->err);

    contract_expect_missing(c, "a/new");
    contract_expect(c, "a/kept", 10, 1);
    assert_int_equal(count, 0);
}

static void a_deadline_that_is_far_away_changes_nothing(void **state)
{
    contract *c = *state;
    const cairn_call call = {cairn_deadline_in(600000), NULL};

    ASSERT_OK(cairn_store_put(c->store, &call, "k", cairn_slice_of("x"), CAIRN_PUT_CREATE, &c->err),
              &c->err);
    ASSERT_OK(cairn_store_delete(c->store, &call, "k", &c->err), &c->err);
}

static void wrong_arguments_are_refused(void **state)
{
    contract *c = *state;
    cairn_store *s = c->store;
    CAIRN_AUTO(cairn_buf) out = {0};
    uint8_t byte = 0;
    const cairn_file_range no_path = {NULL, 0, 1, false, NULL};
    const cairn_file_range overflow = {"file", UINT64_MAX, 2, false, NULL};
    const cairn_memory_range no_data = {0, NULL, 1};
    const cairn_memory_range memory_overflow = {UINT64_MAX, &byte, 1};
    const cairn_slice no_bytes = {NULL, 1};
    const cairn_put_mode unknown = (cairn_put_mode)(CAIRN_PUT_REPLACE + 1);

    const cairn_code codes[] = {
        cairn_store_put(NULL, NULL, "k", cairn_slice_of("x"), CAIRN_PUT_CREATE, NULL),
        cairn_store_put(s, NULL, "k", no_bytes, CAIRN_PUT_CREATE, NULL),
        cairn_store_put(s, NULL, "k", cairn_slice_of("x"), unknown, NULL),
        cairn_store_put_file(s, NULL, "k", NULL, CAIRN_PUT_CREATE, NULL),
        cairn_store_put_file(s, NULL, "k", &no_path, CAIRN_PUT_CREATE, NULL),
        cairn_store_put_file(s, NULL, "k", &overflow, CAIRN_PUT_CREATE, NULL),
        cairn_store_get(NULL, NULL, "k", 1, &out, NULL),
        cairn_store_get(s, NULL, "k", 1, NULL, NULL),
        cairn_store_get_range(s, NULL, "k", NULL, NULL),
        cairn_store_get_range(s, NULL, "k", &no_data, NULL),
        cairn_store_get_range(s, NULL, "k", &memory_overflow, NULL),
        cairn_store_get_file(s, NULL, "k", &no_path, NULL),
        cairn_store_get_file(s, NULL, "k", &overflow, NULL),
        cairn_store_stat(s, NULL, "k", NULL, NULL),
        cairn_store_list(s, NULL, "", NULL, NULL, NULL),
        cairn_store_list(NULL, NULL, "", count_object, NULL, NULL),
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(codes); i++) {
        ASSERT_CODE(codes[i], CAIRN_E_INVALID, NULL);
    }
    contract_expect_missing(c, "k");
}

static void an_error_names_the_call_the_key_and_the_store(void **state)
{
    contract *c = *state;
    CAIRN_AUTO(cairn_buf) out = {0};
    contract_put(c, "chk-3/manifest.json", 10, 1);

    ASSERT_CODE(cairn_store_put(c->store, NULL, "chk-3/manifest.json", cairn_slice_of("x"),
                                CAIRN_PUT_CREATE, &c->err),
                CAIRN_E_EXISTS, &c->err);
    ASSERT_MESSAGE_HAS(&c->err, "put chk-3/manifest.json to ");
    ASSERT_MESSAGE_HAS(&c->err, cairn_store_uri(c->store));
    ASSERT_CODE(cairn_store_get(c->store, NULL, "chk-3/none", 10, &out, &c->err), CAIRN_E_NOT_FOUND,
                &c->err);
    ASSERT_MESSAGE_HAS(&c->err, "get chk-3/none from ");
    assert_int_equal(c->err.code, CAIRN_E_NOT_FOUND);
}

static void an_error_is_untouched_by_success(void **state)
{
    contract *c = *state;
    cairn_error err = {.code = CAIRN_E_INTERNAL, .message = "before"};
    size_t count = 0;

    ASSERT_OK(cairn_store_put(c->store, NULL, "a/k", cairn_slice_of("x"), CAIRN_PUT_REPLACE, &err),
              &err);
    ASSERT_OK(cairn_store_list(c->store, NULL, "none/", count_object, &count, &err), &err);
    ASSERT_OK(cairn_store_delete(c->store, NULL, "a/none", &err), &err);

    assert_int_equal(err.code, CAIRN_E_INTERNAL);
    assert_string_equal(err.message, "before");
}

const contract_case contract_call_cases[] = {
    CONTRACT_CASE(bad_keys_are_refused_by_every_call),
    CONTRACT_CASE(bad_prefixes_are_refused),
    CONTRACT_CASE(odd_keys_are_kept_byte_for_byte),
    CONTRACT_CASE(a_cancelled_call_does_nothing),
    CONTRACT_CASE(a_deadline_in_the_past_ends_the_call_at_once),
    CONTRACT_CASE(a_deadline_that_is_far_away_changes_nothing),
    CONTRACT_CASE(wrong_arguments_are_refused),
    CONTRACT_CASE(an_error_names_the_call_the_key_and_the_store),
    CONTRACT_CASE(an_error_is_untouched_by_success),
    {NULL, NULL},
};
