/*
 * A store in memory: the driver against which the contract suite proves itself, and the fastest one
 * for tests of what stands on a store. Thread-safe. Free it with cairn_store_free.
 */
#ifndef CAIRN_TESTS_STORE_MEM_H
#define CAIRN_TESTS_STORE_MEM_H

#include <cairn/store.h>

#include "check.h"

cairn_code store_mem_new(cairn_store **out, cairn_error *err);

/* Objects per page of a listing from now on, 1..CAIRN_LIST_PAGE_MAX. `store` is a memory store. */
void store_mem_set_page(cairn_store *store, size_t objects);

#endif
