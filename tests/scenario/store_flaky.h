/*
 * A store whose first puts of some keys fail with a chosen code and store nothing; all else passes
 * to the store behind it, which is borrowed. Free it with cairn_store_free. Thread-safe.
 */
#ifndef CAIRN_TESTS_STORE_FLAKY_H
#define CAIRN_TESTS_STORE_FLAKY_H

#include <cairn/store.h>

#include "check.h"

typedef struct flaky_plan {
    const char *fragment; /* of the keys whose puts fail; static storage */
    uint64_t puts;        /* that many fail; UINT64_MAX: all */
    cairn_code code;
} flaky_plan;

cairn_code store_flaky_new(cairn_store *inner, const flaky_plan *plan, cairn_store **out,
                           cairn_error *err);

#endif
