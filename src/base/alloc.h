/*
 * The only malloc and free of the project.
 *
 * Every function returns NULL when memory is short; callers turn that into CAIRN_E_NO_MEMORY (see
 * error_no_memory in errors.h). A test hook can fail the n-th allocation. Thread-safe.
 */
#ifndef CAIRN_BASE_ALLOC_H
#define CAIRN_BASE_ALLOC_H

#include <stddef.h>
#include <stdint.h>

/* Uninitialised memory of `size` bytes (size 0 gives a valid pointer). */
void *mem_alloc(size_t size);

/* Zeroed array; NULL also if count * size overflows. */
void *mem_calloc(size_t count, size_t size);

/* Resizes an array; NULL leaves the old block valid. Also NULL if count * size overflows. */
void *mem_realloc_array(void *block, size_t count, size_t size);

/* Frees; NULL is fine. */
void mem_free(void *block);

/* Copy of a NUL-terminated string. `text` must not be NULL. */
char *mem_strdup(const char *text);

/* Copy of `len` bytes with a NUL added. */
char *mem_strndup(const void *data, size_t len);

/*
 * Test hook: the `nth` allocation from now (1 = the next) fails; if `persistent`, all later ones
 * too. 0 switches it off. Counts over all threads.
 */
void mem_fail_nth(uint64_t nth, int persistent);

/* Allocations made since mem_fail_nth was last called; tells a sweep when it is done. */
uint64_t mem_alloc_count(void);

/* For CAIRN_AUTO on plain memory: char *text CAIRN_AUTO_FREE = NULL; */
void mem_free_indirect(void *address_of_pointer);

#endif
