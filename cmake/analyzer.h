/*
 * Included before each file that a static analyzer reads. GCC's and clang's can't see that a
 * function of another file that writes an error never returns CAIRN_OK, so they take each early
 * return for a success that left its outputs NULL. This says so.
 */
#include "errors.h"

#ifndef CAIRN_DEFINES_ERRORS

static inline cairn_code analyzer_not_ok(cairn_code code)
{
    if (code == CAIRN_OK) {
        __builtin_unreachable();
    }
    return code;
}

#    define error_set(...)       analyzer_not_ok(error_set(__VA_ARGS__))
#    define error_errno(...)     analyzer_not_ok(error_errno(__VA_ARGS__))
#    define error_no_memory(...) analyzer_not_ok(error_no_memory(__VA_ARGS__))
#    define error_prefix(...)    analyzer_not_ok(error_prefix(__VA_ARGS__))

#endif
