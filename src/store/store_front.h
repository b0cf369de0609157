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

#endif
