/*
 * The inside of cairn_store, for the decorators: they call the driver of the store they wrap, so
 * that arguments are checked and messages prefixed once, by the outermost front.
 */
#ifndef CAIRN_STORE_STORE_FRONT_H
#define CAIRN_STORE_STORE_FRONT_H

#include <cairn/store_driver.h>

#include "check.h"

/* Immutable after cairn_store_new. */
struct cairn_store {
    cairn_store_driver driver;
    void *self;
    char *uri;
};

/* A create-only put that halts in the middle of its body, see cairn_put_body. */
cairn_code store_put_halting(cairn_store *store, const cairn_call *call, const char *key,
                             cairn_slice data, uint32_t halt_ms, cairn_error *err);

/* The driver of a decorator of `inner`: what `inner` promises and offers, and no more. */
cairn_store_driver store_driver_like(const cairn_store_driver *decorator, const cairn_store *inner);

#endif
