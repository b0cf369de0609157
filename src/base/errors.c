#include "errors.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define EXIT_SOFTWARE 70

typedef struct code_row {
    cairn_code code;
    int exit_code;
    const char *name;
} code_row;

static const code_row codes[] = {
    {CAIRN_OK, 0, "ok"},
    {CAIRN_E_FAILED, 1, "failed"},
    {CAIRN_E_INVALID, 2, "invalid"},
    {CAIRN_E_STATE, 2, "state"},
    {CAIRN_E_NOT_FOUND, 3, "not-found"},
    {CAIRN_E_INTEGRITY, 4, "integrity"},
    {CAIRN_E_ACCESS, 5, "access"},
    {CAIRN_E_UNAVAILABLE, 6, "unavailable"},
    {CAIRN_E_TIMEOUT, 6, "timeout"},
    {CAIRN_E_EXISTS, 7, "exists"},
    {CAIRN_E_FENCED, 7, "fenced"},
    {CAIRN_E_LOCKED, 7, "locked"},
    {CAIRN_E_INCOMPATIBLE, 8, "incompatible"},
    {CAIRN_E_NO_SPACE, 9, "no-space"},
    {CAIRN_E_IO, 9, "io"},
    {CAIRN_E_LIMIT, 9, "limit"},
    {CAIRN_E_NO_MEMORY, 9, "no-memory"},
    {CAIRN_E_CANCELLED, 130, "cancelled"},
    {CAIRN_E_INTERNAL, EXIT_SOFTWARE, "internal"},
};

_Static_assert(sizeof(codes) / sizeof(codes[0]) == 1 - (int)CAIRN_E_INTERNAL,
               "a row for each code");

/* Codes are 0, -1, -2 ... without holes, so a code is its own index. */
static const code_row *find_code(cairn_code code)
{
    const int index = -(int)code;
    const bool known = index >= 0 && index <= -(int)CAIRN_E_INTERNAL;

    return known ? &codes[index] : NULL;
}

const char *cairn_code_name(cairn_code code)
{
    const code_row *row = find_code(code);

    return row == NULL ? "unknown" : row->name;
}

int cairn_exit_code(cairn_code code)
{
    const code_row *row = find_code(code);

    return row == NULL ? EXIT_SOFTWARE : row->exit_code;
}

/* Formats beside `err` first: the arguments may point into its message. */
__attribute__((format(printf, 3, 0))) static void write_message(cairn_error *err, cairn_code code,
                                                                const char *format, va_list args)
{
    char message[CAIRN_ERROR_MESSAGE_BYTES];

    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): clang-tidy 14 loses va_start */
    (void)vsnprintf(message, sizeof(message), format, args);
    err->code = code;
    memcpy(err->message, message, sizeof(message));
}

static void append_message(cairn_error *err, const char *separator, const char *text)
{
    const size_t used = strlen(err->message);
    const size_t room = sizeof(err->message) - used;

    (void)snprintf(err->message + used, room, "%s%s", separator, text);
}

cairn_code error_set(cairn_error *err, cairn_code code, const char *format, ...)
{
    va_list args;

    if (err == NULL) {
        return code;
    }
    va_start(args, format);
    write_message(err, code, format, args);
    va_end(args);
    err->retry_after_ms = 0;
    return code;
}

static cairn_code code_of_errno(int errno_value)
{
    switch (errno_value) {
    case ENOENT:
        return CAIRN_E_NOT_FOUND;
    case EEXIST:
        return CAIRN_E_EXISTS;
    case EACCES:
    case EPERM:
        return CAIRN_E_ACCESS;
    case ENOSPC:
    case EDQUOT:
        return CAIRN_E_NO_SPACE;
    case ENOMEM:
        return CAIRN_E_NO_MEMORY;
    default:
        return CAIRN_E_IO;
    }
}

cairn_code error_errno(cairn_error *err, int errno_value, const char *format, ...)
{
    const cairn_code code = code_of_errno(errno_value);
    char buffer[128];
    va_list args;

    if (err == NULL) {
        return code;
    }
    va_start(args, format);
    write_message(err, code, format, args);
    va_end(args);
    append_message(err, ": ", strerror_r(errno_value, buffer, sizeof(buffer)));
    err->retry_after_ms = 0;
    return code;
}

cairn_code error_no_memory(cairn_error *err, const char *what)
{
    return error_set(err, CAIRN_E_NO_MEMORY, "%s: out of memory", what);
}

cairn_code error_prefix(cairn_error *err, cairn_code code, const char *format, ...)
{
    char below[CAIRN_ERROR_MESSAGE_BYTES];
    va_list args;

    if (err == NULL) {
        return code;
    }
    memcpy(below, err->message, sizeof(below));
    va_start(args, format);
    write_message(err, code, format, args);
    va_end(args);
    append_message(err, ": ", below);
    return code;
}
