#include "webhdfs_error.h"

#include "bounds.h"
#include "encode.h"
#include "webhdfs_json.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FINAL    CAIRN_WEBHDFS_FINAL
#define BACK_OFF CAIRN_WEBHDFS_BACK_OFF
#define NEXT     CAIRN_WEBHDFS_NEXT
#define AGAIN    CAIRN_WEBHDFS_AGAIN
#define RENEW    CAIRN_WEBHDFS_RENEW
#define OTHER    CAIRN_WEBHDFS_OTHER

#define ANY_STEP (-1)

/* The first row that fits decides. */
typedef struct row {
    const char *exception;
    const char *part; /* of the message; NULL: any, "": none or an empty one */
    int step;
    cairn_code code;
    webhdfs_action action;
    webhdfs_cause cause;
} row;

#define ROW(exception, part, code, action, cause)      \
    {                                                  \
        exception, part, ANY_STEP, code, action, cause \
    }

/* Source: observed on Hadoop 3.5.0 and 3.4.2, and the exceptions' own documentation. */
static const row rows[] = {
    {"FileNotFoundException", NULL, CAIRN_WEBHDFS_UPLOAD, CAIRN_E_UNAVAILABLE, AGAIN, OTHER},
    ROW("FileNotFoundException", NULL, CAIRN_E_NOT_FOUND, FINAL, CAIRN_WEBHDFS_ABSENT),
    {"FileAlreadyExistsException", NULL, CAIRN_WEBHDFS_UPLOAD, CAIRN_E_EXISTS, AGAIN,
     CAIRN_WEBHDFS_EXISTS},
    ROW("FileAlreadyExistsException", NULL, CAIRN_E_EXISTS, FINAL, CAIRN_WEBHDFS_EXISTS),
    ROW("AlreadyBeingCreatedException", NULL, CAIRN_E_EXISTS, AGAIN, CAIRN_WEBHDFS_EXISTS),
    ROW("RecoveryInProgressException", NULL, CAIRN_E_EXISTS, AGAIN, CAIRN_WEBHDFS_EXISTS),
    ROW("LeaseExpiredException", NULL, CAIRN_E_EXISTS, AGAIN, CAIRN_WEBHDFS_EXISTS),
    ROW("AccessControlException", "(is not a directory)", CAIRN_E_INVALID, FINAL,
        CAIRN_WEBHDFS_NOT_A_FOLDER),
    ROW("AccessControlException", NULL, CAIRN_E_ACCESS, FINAL, OTHER),
    ROW("SecurityException", "InvalidToken", CAIRN_E_ACCESS, RENEW, OTHER),
    ROW("InvalidToken", NULL, CAIRN_E_ACCESS, RENEW, OTHER),
    ROW("SecurityException", NULL, CAIRN_E_ACCESS, FINAL, OTHER),
    ROW("AuthorizationException", NULL, CAIRN_E_ACCESS, FINAL, OTHER),
    ROW("StandbyException", NULL, CAIRN_E_UNAVAILABLE, NEXT, OTHER),
    ROW("ObserverRetryOnActiveException", NULL, CAIRN_E_UNAVAILABLE, NEXT, OTHER),
    ROW("RetriableException", NULL, CAIRN_E_UNAVAILABLE, NEXT, OTHER),
    ROW("SafeModeException", NULL, CAIRN_E_UNAVAILABLE, BACK_OFF, OTHER),
    ROW("EOFException", "", CAIRN_E_ACCESS, RENEW, OTHER),
    ROW("EOFException", NULL, CAIRN_E_UNAVAILABLE, AGAIN, OTHER),
    ROW("ConnectException", NULL, CAIRN_E_UNAVAILABLE, AGAIN, OTHER),
    ROW("NSQuotaExceededException", NULL, CAIRN_E_NO_SPACE, FINAL, OTHER),
    ROW("DSQuotaExceededException", NULL, CAIRN_E_NO_SPACE, FINAL, OTHER),
    ROW("QuotaByStorageTypeExceededException", NULL, CAIRN_E_NO_SPACE, FINAL, OTHER),
    ROW("ParentNotDirectoryException", NULL, CAIRN_E_INVALID, FINAL, CAIRN_WEBHDFS_NOT_A_FOLDER),
    ROW("PathIsNotEmptyDirectoryException", NULL, CAIRN_E_INVALID, FINAL, CAIRN_WEBHDFS_NOT_EMPTY),
    ROW("InvalidPathException", NULL, CAIRN_E_INVALID, FINAL, OTHER),
    ROW("PathComponentTooLongException", NULL, CAIRN_E_INVALID, FINAL, OTHER),
    ROW("MaxDirectoryItemsExceededException", NULL, CAIRN_E_INVALID, FINAL, OTHER),
    ROW("CannotObtainBlockLengthException", NULL, CAIRN_E_UNAVAILABLE, FINAL, OTHER),
    ROW("IOException", "is under construction", CAIRN_E_UNAVAILABLE, FINAL, OTHER),
    ROW("IOException", "out of the range", CAIRN_E_INTEGRITY, FINAL, OTHER),
    ROW("IOException", "Failed to find datanode", CAIRN_E_UNAVAILABLE, BACK_OFF,
        CAIRN_WEBHDFS_NO_DATANODE),
    ROW("IOException", "No active and not excluded nodes", CAIRN_E_UNAVAILABLE, BACK_OFF,
        CAIRN_WEBHDFS_NO_DATANODE),
    ROW("IOException", "could only be replicated", CAIRN_E_UNAVAILABLE, BACK_OFF,
        CAIRN_WEBHDFS_NO_DATANODE),
    ROW("IOException", "could only be written", CAIRN_E_UNAVAILABLE, BACK_OFF,
        CAIRN_WEBHDFS_NO_DATANODE),
    ROW("PathIOException", "Fail to get block MD5", CAIRN_E_UNAVAILABLE, BACK_OFF,
        CAIRN_WEBHDFS_NO_DATANODE),
    ROW("IOException", "Client cannot authenticate via", CAIRN_E_ACCESS, FINAL, OTHER),
    ROW("IOException", "Specified block size", CAIRN_E_INVALID, FINAL, OTHER),
    ROW("IOException", "must both be directories", CAIRN_E_INVALID, FINAL, CAIRN_WEBHDFS_IS_FOLDER),
    ROW("IOException", "Pathname too long", CAIRN_E_INVALID, FINAL, OTHER),
    ROW("RemoteException", "is exceeded: limit=", CAIRN_E_INVALID, FINAL, OTHER),
    ROW("IOException", NULL, CAIRN_E_UNAVAILABLE, AGAIN, OTHER),
    ROW("RemoteException", NULL, CAIRN_E_UNAVAILABLE, AGAIN, OTHER),
    ROW("IllegalArgumentException", NULL, CAIRN_E_INTERNAL, FINAL, OTHER),
    ROW("HadoopIllegalArgumentException", NULL, CAIRN_E_INTERNAL, FINAL, OTHER),
    ROW("UnsupportedOperationException", NULL, CAIRN_E_INTERNAL, FINAL, OTHER),
};

/* For replies without a RemoteException, and exceptions that the table does not know. */
static void read_status(unsigned status, webhdfs_failure *out)
{
    out->action = FINAL;
    switch (status) {
    case 401:
        out->code = CAIRN_E_ACCESS;
        out->action = RENEW;
        break;
    case 400:
    case 414:
        out->code = CAIRN_E_INVALID;
        break;
    case 403:
    case 404: /* without an exception it is a wrong prefix, never an absent file */
        out->code = CAIRN_E_ACCESS;
        break;
    case 429: /* a gateway's */
        out->code = CAIRN_E_UNAVAILABLE;
        out->action = BACK_OFF;
        break;
    case 500:
    case 502:
    case 503:
    case 504:
        out->code = CAIRN_E_UNAVAILABLE;
        out->action = NEXT;
        break;
    default:
        out->code = status >= 400 && status < 500 ? CAIRN_E_INCOMPATIBLE : CAIRN_E_UNAVAILABLE;
        out->action = status >= 400 && status < 500 ? FINAL : AGAIN;
        break;
    }
}

static bool ends_with(const char *text, const char *end)
{
    const size_t text_len = strlen(text);
    const size_t end_len = strlen(end);

    return text_len > end_len && text[text_len - end_len - 1] == '.' &&
           strcmp(text + text_len - end_len, end) == 0;
}

static bool row_fits(const row *r, webhdfs_step step, const webhdfs_exception *exception)
{
    if (r->step != ANY_STEP && r->step != (int)step) {
        return false;
    }
    if (strcmp(r->exception, exception->name) != 0 &&
        !ends_with(exception->class_name, r->exception)) {
        return false;
    }
    if (r->part == NULL) {
        return true;
    }
    return r->part[0] == '\0' ? exception->message[0] == '\0'
                              : strstr(exception->message, r->part) != NULL;
}

static const row *find_row(webhdfs_step step, const webhdfs_exception *exception)
{
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        if (row_fits(&rows[i], step, exception)) {
            return &rows[i];
        }
    }
    return NULL;
}

/* Bytes of a text before what may be a token in an echoed URL, a cookie, and the Java stack. */
static size_t shown_bytes(const char *text)
{
    static const char *const secrets[] = {
        "delegation=", "delegation%3D", "token=", "token%3D", "hadoop.auth", "urlString"};
    size_t len = strcspn(text, "\r\n");

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(secrets); i++) {
        const size_t secret_len = strlen(secrets[i]);
        for (size_t at = 0; at + secret_len <= len; at++) {
            len = strncasecmp(text + at, secrets[i], secret_len) == 0 ? at + secret_len : len;
        }
    }
    return len;
}

static void write_text(unsigned status, const webhdfs_exception *exception, webhdfs_failure *out)
{
    CAIRN_AUTO(cairn_buf) name = {0};
    CAIRN_AUTO(cairn_buf) message = {0};
    const cairn_slice class = {exception->name, shown_bytes(exception->name)};
    const cairn_slice shown = {exception->message, shown_bytes(exception->message)};

    if (encode_printable(class, 80, &name, NULL) != CAIRN_OK ||
        encode_printable(shown, CAIRN_HDFS_MESSAGE_BYTES, &message, NULL) != CAIRN_OK ||
        buf_text(&name) == NULL || buf_text(&message) == NULL) {
        (void)snprintf(out->text, sizeof(out->text), "%u", status);
        return;
    }
    /* A server's sentence may end in a full stop, our line does not. */
    while (message.len > 0 && strchr(" .", message.data[message.len - 1]) != NULL) {
        message.data[--message.len] = '\0';
    }
    (void)snprintf(out->text, sizeof(out->text), "%u %s%s%s", status, (char *)name.data,
                   message.len > 0 ? ": " : "", (char *)message.data);
}

static const char *advice(unsigned status)
{
    switch (status) {
    case 400:
    case 414:
        return " without an exception: is the path too long";
    case 401:
        return ": not authenticated";
    case 404:
        return " without an exception: is the path prefix right";
    default:
        return " without an exception";
    }
}

cairn_code webhdfs_pass(cairn_code code, const cairn_error *why, cairn_error *err)
{
    if (err != NULL) {
        *err = *why;
        err->code = code;
    }
    return code;
}

void webhdfs_error_read(webhdfs_step step, unsigned status, cairn_slice body, webhdfs_failure *out)
{
    CAIRN_AUTO(webhdfs_exception) exception = {.doc = NULL};
    const row *found = NULL;

    *out = (webhdfs_failure){.cause = OTHER};
    read_status(status, out);
    if (webhdfs_json_exception(body, &exception, NULL) != CAIRN_OK) {
        (void)snprintf(out->text, sizeof(out->text), "%u%s", status, advice(status));
        return;
    }
    found = find_row(step, &exception);
    if (found != NULL) {
        out->code = found->code;
        out->action = found->action;
        out->cause = found->cause;
    }
    write_text(status, &exception, out);
}
