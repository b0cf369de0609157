/* Which failure of WebHDFS means what. Bodies are as Hadoop 3.5.0 sends them. */
#include "test.h"

#include "bounds.h"
#include "check.h"
#include "webhdfs_error.h"

#include <stdio.h>

typedef struct failure_case {
    const char *exception;
    const char *message; /* NULL: JSON null */
    unsigned status;
    webhdfs_step step;
    cairn_code code;
    webhdfs_action action;
} failure_case;

#define FINAL    CAIRN_WEBHDFS_FINAL
#define BACK_OFF CAIRN_WEBHDFS_BACK_OFF
#define NEXT     CAIRN_WEBHDFS_NEXT
#define AGAIN    CAIRN_WEBHDFS_AGAIN
#define RENEW    CAIRN_WEBHDFS_RENEW
#define FIRST    CAIRN_WEBHDFS_FIRST
#define SECOND   CAIRN_WEBHDFS_SECOND
#define UPLOAD   CAIRN_WEBHDFS_UPLOAD

static const failure_case cases[] = {
    {"FileNotFoundException", "no", 404, FIRST, CAIRN_E_NOT_FOUND, FINAL},
    {"FileNotFoundException", "Path is not a file", 404, SECOND, CAIRN_E_NOT_FOUND, FINAL},
    {"FileNotFoundException", "does not have any open files", 404, UPLOAD, CAIRN_E_UNAVAILABLE,
     AGAIN},
    {"FileAlreadyExistsException", "x", 403, FIRST, CAIRN_E_EXISTS, FINAL},
    {"FileAlreadyExistsException", "x", 403, UPLOAD, CAIRN_E_EXISTS, AGAIN},
    {"AlreadyBeingCreatedException", "x", 403, UPLOAD, CAIRN_E_EXISTS, AGAIN},
    {"RecoveryInProgressException", "x", 403, UPLOAD, CAIRN_E_EXISTS, AGAIN},
    {"LeaseExpiredException", "x", 403, UPLOAD, CAIRN_E_EXISTS, AGAIN},
    {"AccessControlException", "Permission denied: user=bob", 403, FIRST, CAIRN_E_ACCESS, FINAL},
    {"AccessControlException", "/a/b (is not a directory)", 403, FIRST, CAIRN_E_INVALID, FINAL},
    {"SecurityException",
     "Failed to obtain user group information: "
     "org.apache.hadoop.security.token.SecretManager$InvalidToken: token",
     403, FIRST, CAIRN_E_ACCESS, RENEW},
    {"SecurityException", "something else", 403, FIRST, CAIRN_E_ACCESS, FINAL},
    {"InvalidToken", "token is expired", 403, SECOND, CAIRN_E_ACCESS, RENEW},
    {"AuthorizationException", "User: carol is not allowed to impersonate bob", 403, FIRST,
     CAIRN_E_ACCESS, FINAL},
    {"StandbyException", "Operation category READ is not supported in state standby", 403, FIRST,
     CAIRN_E_UNAVAILABLE, NEXT},
    {"ObserverRetryOnActiveException", "x", 403, FIRST, CAIRN_E_UNAVAILABLE, NEXT},
    {"RetriableException", "Namenode is in startup mode", 503, FIRST, CAIRN_E_UNAVAILABLE, NEXT},
    {"SafeModeException", "Name node is in safe mode.", 403, FIRST, CAIRN_E_UNAVAILABLE, BACK_OFF},
    {"EOFException", "End of File Exception between local host is: x", 403, UPLOAD,
     CAIRN_E_UNAVAILABLE, AGAIN},
    {"EOFException", NULL, 403, SECOND, CAIRN_E_ACCESS, RENEW},
    {"ConnectException", "Call From a to b failed", 403, UPLOAD, CAIRN_E_UNAVAILABLE, AGAIN},
    {"NSQuotaExceededException", "x", 403, UPLOAD, CAIRN_E_NO_SPACE, FINAL},
    {"DSQuotaExceededException", "x", 403, UPLOAD, CAIRN_E_NO_SPACE, FINAL},
    {"QuotaByStorageTypeExceededException", "x", 403, UPLOAD, CAIRN_E_NO_SPACE, FINAL},
    {"ParentNotDirectoryException", "x", 403, UPLOAD, CAIRN_E_INVALID, FINAL},
    {"PathIsNotEmptyDirectoryException", "x", 403, FIRST, CAIRN_E_INVALID, FINAL},
    {"InvalidPathException", "x", 400, FIRST, CAIRN_E_INVALID, FINAL},
    {"PathComponentTooLongException", "x", 403, FIRST, CAIRN_E_INVALID, FINAL},
    {"MaxDirectoryItemsExceededException", "x", 403, UPLOAD, CAIRN_E_INVALID, FINAL},
    {"CannotObtainBlockLengthException", "x", 403, SECOND, CAIRN_E_UNAVAILABLE, FINAL},
    {"IOException", "File x is under construction", 403, SECOND, CAIRN_E_UNAVAILABLE, FINAL},
    {"IOException", "Offset=9 out of the range [0, 3); OPEN, path=/a", 403, FIRST,
     CAIRN_E_INTEGRITY, FINAL},
    {"IOException", "Failed to find datanode, suggest to check cluster health.", 403, FIRST,
     CAIRN_E_UNAVAILABLE, BACK_OFF},
    {"IOException", "No active and not excluded nodes contain this block", 403, FIRST,
     CAIRN_E_UNAVAILABLE, BACK_OFF},
    {"IOException", "File /a could only be replicated to 0 nodes", 403, UPLOAD, CAIRN_E_UNAVAILABLE,
     BACK_OFF},
    {"PathIOException", "`/a': Fail to get block MD5", 403, SECOND, CAIRN_E_UNAVAILABLE, BACK_OFF},
    {"IOException", "Client cannot authenticate via:[TOKEN, KERBEROS]", 403, UPLOAD, CAIRN_E_ACCESS,
     FINAL},
    {"IOException", "Specified block size is less than configured minimum", 403, UPLOAD,
     CAIRN_E_INVALID, FINAL},
    {"IOException", "Source /a and destination /b must both be directories", 403, FIRST,
     CAIRN_E_INVALID, FINAL},
    {"IOException", "whatever else", 403, UPLOAD, CAIRN_E_UNAVAILABLE, AGAIN},
    {"RemoteException", "whatever", 403, UPLOAD, CAIRN_E_UNAVAILABLE, AGAIN},
    {"RemoteException", "The maximum path component name limit of x is exceeded: limit=255", 403,
     UPLOAD, CAIRN_E_INVALID, FINAL},
    {"IllegalArgumentException", "x", 400, FIRST, CAIRN_E_INTERNAL, FINAL},
    {"HadoopIllegalArgumentException", "x", 400, FIRST, CAIRN_E_INTERNAL, FINAL},
    {"UnsupportedOperationException", "x", 400, FIRST, CAIRN_E_INTERNAL, FINAL},
    {"SomethingNewException", "x", 403, FIRST, CAIRN_E_ACCESS, FINAL},
    {"SomethingNewException", "x", 500, FIRST, CAIRN_E_UNAVAILABLE, NEXT},
};

static void body_of(const failure_case *c, const char *class_name, char out[1024])
{
    const char *quote = c->message != NULL ? "\"" : "";

    (void)snprintf(out, 1024,
                   "{\"RemoteException\":{\"exception\":\"%s\",\"javaClassName\":\"%s\","
                   "\"message\":%s%s%s}}",
                   c->exception, class_name, quote, c->message != NULL ? c->message : "null",
                   quote);
}

static void each_exception_has_its_code_and_action(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        char body[1024];
        webhdfs_failure failure;
        body_of(&cases[i], "java.io.Any", body);

        webhdfs_error_read(cases[i].step, cases[i].status, cairn_slice_of(body), &failure);

        if (failure.code != cases[i].code || failure.action != cases[i].action) {
            print_error("%s: %s: %s, action %d\n", cases[i].exception,
                        cases[i].message != NULL ? cases[i].message : "null",
                        cairn_code_name(failure.code), (int)failure.action);
        }
        ASSERT_CODE(failure.code, cases[i].code, NULL);
        assert_int_equal(failure.action, cases[i].action);
        assert_non_null(strstr(failure.text, cases[i].exception));
    }
}

static void the_end_of_the_class_name_tells_too(void **state)
{
    static const failure_case wrapped = {"RemoteServiceException", "x", 403, FIRST, 0, 0};
    char body[1024];
    webhdfs_failure failure;
    (void)state;
    body_of(&wrapped, "org.apache.hadoop.ipc.StandbyException", body);

    webhdfs_error_read(FIRST, 403, cairn_slice_of(body), &failure);

    assert_int_equal(failure.action, NEXT);
}

static void without_an_exception_the_status_tells(void **state)
{
    static const struct {
        unsigned status;
        cairn_code code;
        webhdfs_action action;
    } statuses[] = {
        {400, CAIRN_E_INVALID, FINAL},      {401, CAIRN_E_ACCESS, RENEW},
        {403, CAIRN_E_ACCESS, FINAL},       {404, CAIRN_E_ACCESS, FINAL},
        {405, CAIRN_E_INCOMPATIBLE, FINAL}, {414, CAIRN_E_INVALID, FINAL},
        {500, CAIRN_E_UNAVAILABLE, NEXT},   {502, CAIRN_E_UNAVAILABLE, NEXT},
        {503, CAIRN_E_UNAVAILABLE, NEXT},   {504, CAIRN_E_UNAVAILABLE, NEXT},
        {599, CAIRN_E_UNAVAILABLE, AGAIN},
    };
    static const char *const bodies[] = {
        "",
        "<html><head><title>Error</title></head><body>HTTP ERROR</body></html>",
        "{\"RemoteException\":",
        "{\"RemoteException\":null}",
        "[]",
        "{\"RemoteException\":{\"exception\":7}}",
    };
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(statuses); i++) {
        for (size_t b = 0; b < CAIRN_ARRAY_LEN(bodies); b++) {
            webhdfs_failure failure;
            webhdfs_error_read(FIRST, statuses[i].status, cairn_slice_of(bodies[b]), &failure);
            ASSERT_CODE(failure.code, statuses[i].code, NULL);
            assert_int_equal(failure.action, statuses[i].action);
            assert_null(strchr(failure.text, '<'));
        }
    }
}

static void a_text_ends_at_the_stack_and_before_a_token(void **state)
{
    static const struct {
        const char *message;
        const char *shown;
    } texts[] = {
        {"Permission denied.\\n\\tat org.apache.X(X.java:1)", "403 X: Permission denied"},
        {"GET /a?op=OPEN&delegation=SECRET&x", "403 X: GET /a?op=OPEN&delegation="},
        {"bad Token=SECRET", "403 X: bad Token="},
        {"to=%2Fa%3Fdelegation%3dSECRET", "403 X: to=%2Fa%3Fdelegation%3d"},
        {"Cookie: hadoop.auth=SECRET", "403 X: Cookie: hadoop.auth"},
        {"a\\u0001b\\u00e9", "403 X: a\\x01b\\xc3\\xa9"},
        {"", "403 X"},
    };
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(texts); i++) {
        const failure_case c = {"X", texts[i].message, 403, FIRST, 0, 0};
        char body[1024];
        webhdfs_failure failure;
        body_of(&c, "X", body);
        webhdfs_error_read(FIRST, 403, cairn_slice_of(body), &failure);
        assert_string_equal(failure.text, texts[i].shown);
    }
}

static void a_class_ends_before_a_token_too(void **state)
{
    const failure_case c = {"X?delegation=SECRET", "m", 403, FIRST, 0, 0};
    char body[1024];
    webhdfs_failure failure;
    (void)state;
    body_of(&c, "X", body);

    webhdfs_error_read(FIRST, 403, cairn_slice_of(body), &failure);

    assert_string_equal(failure.text, "403 X?delegation=: m");
}

static void a_long_message_is_cut(void **state)
{
    char message[800];
    char body[1024];
    webhdfs_failure failure;
    (void)state;
    memset(message, 'm', sizeof(message) - 1);
    message[sizeof(message) - 1] = '\0';
    const failure_case c = {"X", message, 403, FIRST, 0, 0};
    body_of(&c, "X", body);

    webhdfs_error_read(FIRST, 403, cairn_slice_of(body), &failure);

    assert_in_range(strlen(failure.text), 200, CAIRN_HDFS_MESSAGE_BYTES + 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_exception_has_its_code_and_action),
        cmocka_unit_test(the_end_of_the_class_name_tells_too),
        cmocka_unit_test(without_an_exception_the_status_tells),
        cmocka_unit_test(a_text_ends_at_the_stack_and_before_a_token),
        cmocka_unit_test(a_class_ends_before_a_token_too),
        cmocka_unit_test(a_long_message_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
