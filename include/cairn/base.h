/*
 * Base types of the public API: byte slices, byte buffers, and the macros that every public header
 * opens with.
 *
 * Ownership words used in all headers:
 *   init / release   contents of a struct that the caller holds
 *   new / free       an object; free takes NULL and half-built objects and cannot fail
 *   take             moves out and leaves the source empty
 *   T **out          the caller owns the result
 *   const T *        as a return value: borrowed from its parent
 *   cairn_slice      as an argument: borrowed for the call, copied if it is kept
 */
#ifndef CAIRN_BASE_H
#define CAIRN_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#    define CAIRN_BEGIN_DECLS \
        extern "C" {          \
        _Pragma("GCC visibility push(default)")
#    define CAIRN_END_DECLS           \
        _Pragma("GCC visibility pop") \
        }
#else
#    define CAIRN_BEGIN_DECLS _Pragma("GCC visibility push(default)")
#    define CAIRN_END_DECLS   _Pragma("GCC visibility pop")
#endif

/* [[nodiscard]] where the language has it: an ignored result code is then a compiler warning. */
#if (defined(__cplusplus) && __cplusplus >= 201703L) || \
    (defined(__STDC_VERSION__) && __STDC_VERSION__ > 201710L)
#    define CAIRN_NODISCARD [[nodiscard]]
#else
#    define CAIRN_NODISCARD
#endif

CAIRN_BEGIN_DECLS

/* Borrowed bytes. `data` may be NULL only if `len` is 0. An empty slice is a value, not "absent".
 */
typedef struct cairn_slice {
    const void *data;
    size_t len;
} cairn_slice;

/*
 * An owned, growable byte buffer that is born with a ceiling, so that a peer cannot make it grow
 * without end. Zero-initialise it (limit 0 means CAIRN_BUF_DEFAULT_LIMIT) or use cairn_buf_init.
 * Not safe for use by several threads at once.
 */
typedef struct cairn_buf {
    uint8_t *data;
    size_t len;
    size_t capacity;
    size_t limit;
} cairn_buf;

/* 64 MiB: the largest manifest, and far above any other document. */
#define CAIRN_BUF_DEFAULT_LIMIT ((size_t)64 << 20)

/* Empties `buf` and sets its ceiling in bytes; allocates nothing. */
void cairn_buf_init(cairn_buf *buf, size_t limit);

/* Frees the contents; `buf` may be used again, its limit stays. NULL is fine. */
void cairn_buf_release(cairn_buf *buf);

/* The bytes held, borrowed until `buf` changes. */
cairn_slice cairn_buf_slice(const cairn_buf *buf);

/* The bytes of a NUL-terminated string, without the NUL. NULL gives the empty slice. */
cairn_slice cairn_slice_of(const char *text);

/* Same length, same bytes. */
bool cairn_slice_equal(cairn_slice a, cairn_slice b);

/* Version of the library, "MAJOR.MINOR.PATCH"; static storage. */
const char *cairn_version(void);

CAIRN_END_DECLS

#endif
