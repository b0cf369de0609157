/* Who asks: users, tokens, files of tokens, cookies. */
#include "test.h"

#include "buf.h"
#include "check.h"
#include "fsutil.h"
#include "hdfs_auth.h"
#include "tmpdir.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

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
        assert_false(hdfs_auth_token_is_due(&auth, &renew));
        ASSERT_OK(hdfs_auth_sign(&auth, 0, CAIRN_HDFS_SIGN_USUAL, &before, NULL), NULL);
        assert_int_equal(before.flags, HTTP_NEGOTIATE);
        assert_string_equal(buf_text(&before.query), "&doas=bob");
        ASSERT_OK(hdfs_auth_set_token(&auth, &token, 0, NULL), NULL);
        assert_true(hdfs_auth_token_done(&auth, true));
        assert_false(hdfs_auth_token_is_due(&auth, &renew));
        ASSERT_OK(hdfs_auth_sign(&auth, 0, CAIRN_HDFS_SIGN_USUAL, &after, NULL), NULL);
        assert_int_equal(after.flags, 0);
        assert_string_equal(buf_text(&after.query), "&delegation=T");
        ASSERT_OK(hdfs_auth_sign(&auth, 0, CAIRN_HDFS_SIGN_SPNEGO, &about, NULL), NULL);
        assert_int_equal(about.flags, HTTP_NEGOTIATE);
        assert_true(hdfs_auth_refused(&auth, after.generation));
        assert_true(hdfs_auth_refused(&auth, after.generation));
    }
    hdfs_auth_release(&auth);
}

static void a_token_that_cannot_be_renewed_is_used_until_it_ends(void **state)
{
    cairn_hdfs_options options = CAIRN_HDFS_OPTIONS_INIT;
    hdfs_auth auth;
    CAIRN_AUTO(secret) token = {.text = NULL};
    bool renew = false;
    (void)state;
    options.auth = CAIRN_HDFS_AUTH_KERBEROS;
    ASSERT_OK(hdfs_auth_init(&auth, &options, NULL), NULL);
    ASSERT_OK(secret_set(&token, cairn_slice_of("T"), NULL), NULL);
    assert_true(hdfs_auth_token_is_due(&auth, &renew));
    assert_false(hdfs_auth_token_done(&auth, false));
    assert_true(hdfs_auth_token_is_due(&auth, &renew));
    ASSERT_OK(hdfs_auth_set_token(&auth, &token, 1, NULL), NULL);
    assert_true(hdfs_auth_token_done(&auth, true));

    assert_true(hdfs_auth_token_is_due(&auth, &renew));
    assert_true(renew);
    assert_true(hdfs_auth_token_done(&auth, false));

    assert_false(hdfs_auth_token_is_due(&auth, &renew));
    hdfs_auth_release(&auth);
}

#define TOKEN_FILE(letter) \
    "HDTS\x00\x01"         \
    "\x01"                 \
    "a"                    \
    "\x01" letter "\x01"   \
    "p"                    \
    "\x12"                 \
    "WEBHDFS delegation"   \
    "\x00"

static void write_token_file(const char *path, const char *bytes)
{
    ASSERT_OK(fs_write_file(path, (cairn_slice){bytes, sizeof(TOKEN_FILE("i")) - 1}, NULL), NULL);
}

/* Two threads were refused with the same token; the second must not give up because the first one
 * has read the file already. */
static void a_new_token_file_is_new_to_everybody_who_was_refused(void **state)
{
    tmpdir *dir = tmpdir_new();
    char path[TMPDIR_PATH_BYTES];
    cairn_hdfs_options options = CAIRN_HDFS_OPTIONS_INIT;
    hdfs_auth auth;
    CAIRN_AUTO(hdfs_signature) first = {.flags = 0};
    CAIRN_AUTO(hdfs_signature) second = {.flags = 0};
    (void)state;
    write_token_file(tmpdir_join(dir, "tokens", path), TOKEN_FILE("i"));
    assert_int_equal(setenv("HADOOP_TOKEN_FILE_LOCATION", path, 1), 0);
    options.auth = CAIRN_HDFS_AUTH_TOKEN;
    ASSERT_OK(hdfs_auth_init(&auth, &options, NULL), NULL);
    ASSERT_OK(hdfs_auth_sign(&auth, 0, CAIRN_HDFS_SIGN_USUAL, &first, NULL), NULL);
    assert_false(hdfs_auth_refused(&auth, first.generation));

    write_token_file(path, TOKEN_FILE("j"));

    assert_true(hdfs_auth_refused(&auth, first.generation));
    assert_true(hdfs_auth_refused(&auth, first.generation));
    ASSERT_OK(hdfs_auth_sign(&auth, 0, CAIRN_HDFS_SIGN_USUAL, &second, NULL), NULL);
    assert_string_not_equal(buf_text(&first.query), buf_text(&second.query));
    assert_false(hdfs_auth_refused(&auth, second.generation));
    hdfs_auth_release(&auth);
    ASSERT_OK(fs_write_file(path, cairn_slice_of("HDTS"), NULL),
              NULL); /* somebody is writing it: no data is damaged */
    ASSERT_CODE(hdfs_auth_init(&auth, &options, NULL), CAIRN_E_ACCESS, NULL);
    hdfs_auth_release(&auth);
    assert_int_equal(unlink(path), 0);
    ASSERT_CODE(hdfs_auth_init(&auth, &options, NULL), CAIRN_E_ACCESS, NULL);
    hdfs_auth_release(&auth);
    assert_int_equal(unsetenv("HADOOP_TOKEN_FILE_LOCATION"), 0);
    tmpdir_free(dir);
}

static void the_default_user_is_hadoops_else_that_of_the_process(void **state)
{
    cairn_hdfs_options options = CAIRN_HDFS_OPTIONS_INIT;
    const struct passwd *own = getpwuid(geteuid());
    hdfs_auth auth;
    (void)state;
    assert_non_null(own);
    assert_int_equal(setenv("LOGNAME", "somebody", 1) + setenv("USER", "somebody", 1), 0);

    assert_int_equal(setenv("HADOOP_USER_NAME", "alice", 1), 0);
    ASSERT_OK(hdfs_auth_init(&auth, &options, NULL), NULL);
    assert_string_equal(auth.user, "alice");
    hdfs_auth_release(&auth);
    assert_int_equal(unsetenv("HADOOP_USER_NAME"), 0);
    ASSERT_OK(hdfs_auth_init(&auth, &options, NULL), NULL);

    assert_string_equal(auth.user, own->pw_name);
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
        assert_true(hdfs_auth_refused(&auth, same.generation));
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
        cmocka_unit_test(a_token_that_cannot_be_renewed_is_used_until_it_ends),
        cmocka_unit_test(a_new_token_file_is_new_to_everybody_who_was_refused),
        cmocka_unit_test(the_default_user_is_hadoops_else_that_of_the_process),
        cmocka_unit_test(a_cookie_is_kept_for_its_namenode_and_dropped_when_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
