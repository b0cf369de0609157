/*
 * Writing errors. The lowest layer writes the message once; layers above only prefix it.
 * All take a NULL `err`; all return the code, so that `return error_set(...)` reads well.
 */
#ifndef CAIRN_BASE_ERRORS_H
#define CAIRN_BASE_ERRORS_H

#include <cairn/error.h>

/* Writes a message. One line, no full stop; control bytes of peers must be escaped by the caller.
 * retry_after_ms becomes 0, as in error_errno: a driver whose peer asked for time sets it after. */
cairn_code error_set(cairn_error *err, cairn_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Writes "<message>: <strerror>" and maps errno to a code: ENOENT not-found, EEXIST exists, EACCES
 * and EPERM access, ENOSPC and EDQUOT no-space, ENOMEM no-memory, everything else io.
 */
cairn_code error_errno(cairn_error *err, int errno_value, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

cairn_code error_no_memory(cairn_error *err, const char *what);

/* Puts "<prefix>: " before the message already in `err`; returns `code` unchanged. retry_after_ms
 * stays. */
cairn_code error_prefix(cairn_error *err, cairn_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
