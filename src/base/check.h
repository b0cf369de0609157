/*
 * Flow: the one macro that leaves a function, the cleanup attribute, and assertions that are always
 * on. A bug inside the library asserts; misuse of the public API returns a code.
 */
#ifndef CAIRN_BASE_CHECK_H
#define CAIRN_BASE_CHECK_H

#include <cairn/error.h>

#include "alloc.h"

/*
 * Returns the code of `expr` from the calling function if it is not CAIRN_OK. No braces around the
 * return: clang-tidy counts the nesting of expanded macros.
 */
#define CAIRN_TRY(expr)                      \
    do {                                     \
        cairn_code cairn_try_code_ = (expr); \
        if (cairn_try_code_ != CAIRN_OK)     \
            return cairn_try_code_;          \
    } while (0)

/*
 * Declares a local of `type` whose contents are released when it goes out of scope, by the function
 * `type_auto` that CAIRN_DEFINE_AUTO made. Always initialise it.
 */
#define CAIRN_AUTO(type) __attribute__((cleanup(type##_auto))) type

/* NOLINTBEGIN(bugprone-macro-parentheses): types stand in no parentheses */

/* Makes `name_auto(type *)`: calls release(address) for a struct that the caller holds. */
#define CAIRN_DEFINE_AUTO(type, release)        \
    static inline void type##_auto(type *value) \
    {                                           \
        release(value);                         \
    }

/* A pointer that is freed at the end of scope: CAIRN_AUTO_PTR(cairn_store_free) cairn_store *s. */
#define CAIRN_AUTO_PTR(free_fn) __attribute__((cleanup(free_fn##_indirect)))

/* Makes `free_fn_indirect(type **)` for CAIRN_AUTO_PTR. */
#define CAIRN_DEFINE_AUTO_PTR(type, free_fn)              \
    static inline void free_fn##_indirect(type **pointer) \
    {                                                     \
        free_fn(*pointer);                                \
    }

/* NOLINTEND(bugprone-macro-parentheses) */

/* A char * (or other plain block) that is freed at the end of scope. */
#define CAIRN_AUTO_FREE __attribute__((cleanup(mem_free_indirect)))

/* Moves a pointer out of a variable and leaves NULL behind. */
#define CAIRN_TAKE(pointer)                   \
    __extension__({                           \
        __auto_type cairn_taken_ = (pointer); \
        (pointer) = NULL;                     \
        cairn_taken_;                         \
    })

#define CAIRN_ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* Always on: prints file, line and condition to stderr and exits with 70 (EX_SOFTWARE). */
#define CAIRN_ASSERT(condition) \
    ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

_Noreturn void check_failed(const char *file, int line, const char *condition);

CAIRN_DEFINE_AUTO(cairn_buf, cairn_buf_release)

#endif
