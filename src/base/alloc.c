#include "alloc.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Counting begins with the first call of the hook: until then all threads only read one flag. */
static atomic_bool hook_used;
static atomic_uint_fast64_t hook_count;
static atomic_uint_fast64_t hook_nth;
static atomic_bool hook_persistent;

static bool must_fail(void)
{
    if (!atomic_load_explicit(&hook_used, memory_order_relaxed)) {
        return false;
    }
    const uint64_t mine = atomic_fetch_add(&hook_count, 1) + 1;
    const uint64_t nth = atomic_load(&hook_nth);
    return nth != 0 && (mine == nth || (mine > nth && atomic_load(&hook_persistent)));
}

void *mem_alloc(size_t size)
{
    return must_fail() ? NULL : malloc(size == 0 ? 1 : size);
}

void *mem_calloc(size_t count, size_t size)
{
    size_t bytes = 0;

    if (must_fail() || __builtin_mul_overflow(count, size, &bytes)) {
        return NULL;
    }
    return calloc(1, bytes == 0 ? 1 : bytes);
}

void *mem_realloc_array(void *block, size_t count, size_t size)
{
    size_t bytes = 0;

    if (must_fail() || __builtin_mul_overflow(count, size, &bytes)) {
        return NULL;
    }
    return realloc(block, bytes == 0 ? 1 : bytes);
}

void mem_free(void *block)
{
    free(block);
}

char *mem_strdup(const char *text)
{
    return mem_strndup(text, strlen(text));
}

char *mem_strndup(const void *data, size_t len)
{
    char *copy = len == SIZE_MAX ? NULL : mem_alloc(len + 1);

    if (copy == NULL) {
        return NULL;
    }
    if (len > 0) {
        memcpy(copy, data, len);
    }
    copy[len] = '\0';
    return copy;
}

void mem_fail_nth(uint64_t nth, int persistent)
{
    atomic_store(&hook_nth, 0);
    atomic_store(&hook_persistent, persistent != 0);
    atomic_store(&hook_count, 0);
    atomic_store(&hook_nth, nth);
    atomic_store(&hook_used, true);
}

uint64_t mem_alloc_count(void)
{
    return atomic_load(&hook_count);
}

void mem_free_indirect(void *address_of_pointer)
{
    void *block = NULL;

    memcpy(&block, address_of_pointer, sizeof(block));
    mem_free(block);
}
