/* Who asks: users, tokens, files of tokens, cookies. */
#include "test.h"

#include "buf.h"
#include "check.h"
#include "hdfs_auth.h"

#include <stdlib.h>

/* A file of two tokens, the first of another kind. The second is that of the fields below. */
#define FIELDS           \
    "\x03"               \
    "idX"                \
    "\x02"               \
    "pw"                 \
    "\x12"               \
    "WEBHDFS delegation" \
    "\x07"               \
    "nn:9870"
#define FILE_TEXT  \
    "HDTS\x00\x02" \
    "\x01"         \
    "a"            \
    "\x01"         \
    "i"            \
    "\x01"         \
    "p"            \
    "\x05"         \
    "OTHER"        \
    "\x00"         \
    "\x01"         \
    "b" FIELDS

static void the_token_of_a_file_is_its_fields_in_base64url(void **state)
{
    static const char file[] = FILE_TEXT;
    CAIRN_AUTO(secret) token = {.text = NULL};
    cairn_error err = {0};
    (void)state;

    ASSERT_OK(hdfs_token_file_read((cairn_slice){file, sizeof(file) - 1}, &token, &err), &err);

    assert_string_equal(token.text, "A2lkWAJwdxJXRUJIREZTIGRlbGVnYXRpb24Hbm46OTg3MA");
}

static void each_cut_of_a_token_file_is_refused(void **state)
{
    static const char file[] = FILE_TEXT;
    (void)state;

    for (size_t len = 0; len < sizeof(file) - 1; len++) {
        CAIRN_AUTO(secret) token = {.text = NULL};
        char *copy = malloc(len + 1);
        memcpy(copy, file, len);
        ASSERT_CODE(hdfs_token_file_read((cairn_slice){copy, len}, &token, NULL), CAIRN_E_INTEGRITY,
                    NULL);
        free(copy);
    }
}

static void other_token_files_are_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        cairn_code code;
    } files[] = {
        {"HDTS\x01\x00", 6, CAIRN_E_INTEGRITY},
        {"hdts\x00\x00", 6, CAIRN_E_INTEGRITY},
        {"HDTS\x00\x00", 6, CAIRN_E_NOT_FOUND},
        {"HDTS\x00\x8f\xff\xff", 8, CAIRN_E_INTEGRITY},
        {"HDTS\x00\x01\x87\xff", 8, CAIRN_E_INTEGRITY},
        {"HDTS\x00\x80", 6, CAIRN_E_INTEGRITY},
    };
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(files); i++) {
        CAIRN_AUTO(secret) token = {.text = NULL};
        ASSERT_CODE(hdfs_token_file_read((cairn_slice){files[i].bytes, files[i].len}, &token, NULL),
                    files[i].code, NULL);
    }
}

static void kerberos_asks_by_spnego_until_it_has_a_token(void **state)
{
    cairn_hdfs_options options = CAIRN_HDFS_OPTIONS_INIT;
    hdfs_auth auth;
    CAIRN_AUTO(secret) token = {.text = NULL};
    bool renew = true;
    (void)state;
    options.auth = CAIRN_HDFS_AUTH_KERBEROS;
    options.do_as = "bob";
    ASSERT_OK(hdfs_auth_init(&auth, &options, NULL), NULL);
    ASSERT_OK(secret_set(&token, cairn_slice_of("T"), NULL), NULL);

    for (unsigned round = 0; round < 2; round++) {
        CAIRN_AUTO(hdfs_signature) before = {.flags = 0};
        CAIRN_AUTO(hdfs_signature) after = {.flags = 0};
        CAIRN_AUTO(hdfs_signature) about = {.flags = 0};
        assert_true(hdfs_auth_token_is_due(&auth, &renew));
        assert_false(renew);
        ASSERT_OK(hdfs_auth_sign(&auth, 0, CAIRN_HDFS_SIGN_USUAL, &before, NULL), NULL);
        assert_int_equal(before.flags, HTTP_NEGOTIATE);
        assert_string_equal(buf_text(&before.query), "&doas=bob");
        ASSERT_OK(hdfs_auth_set_token(&auth, &token, 0, NULL), NULL);
        assert_false(hdfs_auth_token_is_due(&auth, &renew));
        ASSERT_OK(hdfs_auth_sign(&auth, 0, CAIRN_HDFS_SIGN_USUAL, &after, NULL), NULL);
        assert_int_equal(after.flags, 0);
        assert_string_equal(buf_text(&after.query), "&delegation=T");
        ASSERT_OK(hdfs_auth_sign(&auth, 0, CAIRN_HDFS_SIGN_SPNEGO, &about, NULL), NULL);
        assert_int_equal(about.flags, HTTP_NEGOTIATE);
        assert_true(hdfs_auth_refused(&auth));
    }
    hdfs_auth_release(&auth);
}

static void a_cookie_is_kept_for_its_namenode_and_dropped_when_refused(void **state)
{
    static const struct {
        const char *line;
        const char *cookie;
    } cases[] = {
        {"set-cookie: hadoop.auth=\"u=a&s=x\"; Path=/; HttpOnly\n",
         "Cookie: hadoop.auth=\"u=a&s=x\""},
        {"set-cookie: hadoop.auth=; Path=/\n", NULL},
        {"set-cookie: other=1\n", NULL},
        {"date: now\n", NULL},
    };
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        cairn_hdfs_options options = CAIRN_HDFS_OPTIONS_INIT;
        hdfs_auth auth;
        CAIRN_AUTO(hdfs_signature) same = {.flags = 0};
        CAIRN_AUTO(hdfs_signature) other = {.flags = 0};
        CAIRN_AUTO(hdfs_signature) later = {.flags = 0};
        CAIRN_AUTO(http_reply) reply = {.status = 200};
        options.auth = CAIRN_HDFS_AUTH_KERBEROS;
        ASSERT_OK(hdfs_auth_init(&auth, &options, NULL), NULL);
        ASSERT_OK(buf_append_text(&reply.headers, cases[i].line, NULL), NULL);

        hdfs_auth_keep_cookie(&auth, 1, &reply);

        ASSERT_OK(hdfs_auth_sign(&auth, 1, CAIRN_HDFS_SIGN_USUAL, &same, NULL), NULL);
        ASSERT_OK(hdfs_auth_sign(&auth, 0, CAIRN_HDFS_SIGN_USUAL, &other, NULL), NULL);
        assert_string_equal(same.cookie.len > 0 ? buf_text(&same.cookie) : "",
                            cases[i].cookie != NULL ? cases[i].cookie : "");
        assert_int_equal(other.cookie.len, 0);
        assert_true(hdfs_auth_refused(&auth));
        ASSERT_OK(hdfs_auth_sign(&auth, 1, CAIRN_HDFS_SIGN_USUAL, &later, NULL), NULL);
        assert_int_equal(later.cookie.len, 0);
        hdfs_auth_release(&auth);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_token_of_a_file_is_its_fields_in_base64url),
        cmocka_unit_test(each_cut_of_a_token_file_is_refused),
        cmocka_unit_test(other_token_files_are_refused),
        cmocka_unit_test(kerberos_asks_by_spnego_until_it_has_a_token),
        cmocka_unit_test(a_cookie_is_kept_for_its_namenode_and_dropped_when_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
