/*
 * Result codes and the error value.
 *
 * Every fallible call returns a cairn_code and takes a `cairn_error *err` last, which may be NULL.
 * On CAIRN_OK the error is untouched; on any other code it holds one line that says what was tried,
 * on what, and why it failed. It never holds a secret. Outputs are untouched on failure.
 */
#ifndef CAIRN_ERROR_H
#define CAIRN_ERROR_H

#include <cairn/base.h>

CAIRN_BEGIN_DECLS

/*
 * The set is closed. The number in brackets is the exit code that the `cairn` command gives for it
 * (see cairn_exit_code).
 */
typedef enum CAIRN_NODISCARD cairn_code {
    CAIRN_OK = 0,
    CAIRN_E_FAILED = -1,        /* [1]  failed for a reason that no other code names */
    CAIRN_E_INVALID = -2,       /* [2]  an argument or option is wrong; nothing was done */
    CAIRN_E_STATE = -3,         /* [2]  the call is not allowed now (life cycle misused) */
    CAIRN_E_NOT_FOUND = -4,     /* [3]  the thing named is positively absent */
    CAIRN_E_INTEGRITY = -5,     /* [4]  bytes are not what was recorded */
    CAIRN_E_ACCESS = -6,        /* [5]  credentials, permission, TLS */
    CAIRN_E_UNAVAILABLE = -7,   /* [6]  could not be reached; trying again may help */
    CAIRN_E_TIMEOUT = -8,       /* [6]  the deadline passed */
    CAIRN_E_EXISTS = -9,        /* [7]  create-only: something stands there already */
    CAIRN_E_FENCED = -10,       /* [7]  a newer attempt of the job exists; this one must stop */
    CAIRN_E_LOCKED = -11,       /* [7]  another process holds the local folder */
    CAIRN_E_INCOMPATIBLE = -12, /* [8] version, kind, serializer or feature does not fit */
    CAIRN_E_NO_SPACE = -13,     /* [9]  disk full or quota reached */
    CAIRN_E_IO = -14,           /* [9]  the local system failed: read-only, EIO, limits */
    CAIRN_E_LIMIT = -15,        /* [9]  larger than a named bound */
    CAIRN_E_NO_MEMORY = -16,    /* [9]  an allocation failed */
    CAIRN_E_CANCELLED = -17,    /* [130] cancelled by the caller */
    CAIRN_E_INTERNAL = -18      /* [70] a bug in cairn */
} cairn_code;

#define CAIRN_ERROR_MESSAGE_BYTES 512

/* A copyable value, owned by the caller; zero-initialise it. A longer message is cut at the end. */
typedef struct cairn_error {
    cairn_code code;
    /* With CAIRN_E_UNAVAILABLE: the peer said that it has too much to do, and asked not to be tried
     * again sooner. 0: it did not. */
    uint32_t retry_after_ms;
    char message[CAIRN_ERROR_MESSAGE_BYTES];
} cairn_error;

/* Stable lower-case name of a code ("not-found"); static storage. */
const char *cairn_code_name(cairn_code code);

/* Exit code of the `cairn` command for a code: 0-9, 70 or 130. */
int cairn_exit_code(cairn_code code);

CAIRN_END_DECLS

#endif
