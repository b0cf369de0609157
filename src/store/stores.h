/* What the store unit offers to the rest of the library beyond include/cairn/store.h. */
#ifndef CAIRN_STORE_STORES_H
#define CAIRN_STORE_STORES_H

#include <cairn/store.h>

#include "check.h"

CAIRN_DEFINE_AUTO_PTR(cairn_store, cairn_store_free)

/*
 * A view of `inner` in which every key has the prefix "<prefix>/" (no trailing '/' in `prefix`).
 * Borrows `inner`, which must outlive it.
 */
cairn_code store_prefixed_new(cairn_store *inner, const char *prefix, cairn_store **out,
                              cairn_error *err);

/* What the driver says: see cairn_store_driver.create_is_atomic. */
bool store_create_is_atomic(const cairn_store *store);

/*
 * The retry decorator: repeats calls of `inner` that fail with CAIRN_E_UNAVAILABLE (or
 * CAIRN_E_TIMEOUT while the call's own deadline has time left), with full jitter and not before the
 * time that the store has asked for (cairn_error.retry_after_ms), until the attempts, their budget
 * (src/task/retry.h) or the deadline end. The message of the last attempt is prefixed with the
 * count. A repeated create-only put that finds CAIRN_E_EXISTS after an attempt whose outcome was
 * unknown reads the object back, compares it with its own bytes chunk by chunk, and gives OK if
 * they are the same; so with a create-only copy. Of many deletes only those are repeated that
 * failed so. The visitor of a listing sees each object once. Borrows `inner`.
 */
cairn_code store_retrying_new(cairn_store *inner, cairn_store **out, cairn_error *err);

#endif
