/*
 * A decorator that makes a store fail on purpose, and writes down what was asked of it.
 *
 *     store_fault *fault;
 *     store_fault_new(inner, &fault, &err);
 *     store_fault_add(fault, &(store_fault_rule){.ops = STORE_FAULT_PUT, .nth = 3,
 *                                                .action = STORE_FAULT_LOSE_REPLY});
 *     ... use store_fault_store(fault) ...
 *     store_fault_check_journal(fault, NULL, NULL);
 *     store_fault_free(fault);
 *
 * Thread-safe, but for new, free and the journal, which is read when no call runs. Misuse asserts.
 */
#ifndef CAIRN_TESTS_STORE_FAULT_H
#define CAIRN_TESTS_STORE_FAULT_H

#include <cairn/store.h>

#include "digest.h"

/* Kinds of calls, to be or'ed. A page of a listing is one call; its key is the prefix. A delete of
 * many keys is one delete for each, which may fail alone. */
typedef enum store_fault_op {
    STORE_FAULT_PUT = 1,
    STORE_FAULT_GET = 2,
    STORE_FAULT_GET_RANGE = 4,
    STORE_FAULT_GET_FILE = 8,
    STORE_FAULT_STAT = 16,
    STORE_FAULT_DELETE = 32,
    STORE_FAULT_LIST = 64,
    STORE_FAULT_COPY = 128, /* its key is the one that is made */
    STORE_FAULT_READS = STORE_FAULT_GET | STORE_FAULT_GET_RANGE | STORE_FAULT_GET_FILE,
    STORE_FAULT_ALL = 255
} store_fault_op;

typedef enum store_fault_action {
    STORE_FAULT_FAIL,       /* with `code`, before the effect or after it */
    STORE_FAULT_LOSE_REPLY, /* takes effect, then CAIRN_E_UNAVAILABLE */
    STORE_FAULT_DELAY,      /* `amount` milliseconds, before or after the effect */
    STORE_FAULT_CUT,        /* reads end after `amount` bytes: a get gives fewer and OK, as a driver
                               does that knows no length; the others are CAIRN_E_INTEGRITY */
    STORE_FAULT_FLIP,       /* bit number `amount` (modulo the size) of what is read or written */
    STORE_FAULT_HOOK        /* calls `hook`, before or after the effect */
} store_fault_action;

typedef struct store_fault_rule {
    unsigned ops;    /* 0 is STORE_FAULT_ALL */
    const char *key; /* fnmatch pattern, in which '*' takes '/' too; NULL is any. Copied. */
    uint64_t nth;    /* acts on the nth matching call from now, from 1; 0 is 1 */
    bool always;     /* and on all matching calls after it */
    bool after;      /* after the effect of a call that succeeded */
    store_fault_action action;
    cairn_code code; /* of STORE_FAULT_FAIL; CAIRN_OK is CAIRN_E_UNAVAILABLE */
    uint64_t amount;
    void (*hook)(void *context, const char *key);
    void *context;
} store_fault_rule;

#define STORE_FAULT_RULES_MAX 16

typedef struct store_fault_record {
    store_fault_op op;
    char *key;
    uint64_t size;    /* of the body of a put, else 0 */
    sha256 digest;    /* of the body of a put, as the caller gave it */
    bool took_effect; /* the inner store said OK */
    cairn_code code;  /* what the caller got */
} store_fault_record;

typedef struct store_fault store_fault;

/* Borrows `inner`. */
cairn_code store_fault_new(cairn_store *inner, store_fault **out, cairn_error *err);
void store_fault_free(store_fault *fault);
/* Borrowed; dies with `fault`. */
cairn_store *store_fault_store(store_fault *fault);

/* Of several rules that match a call, the first that was added acts alone; all of them count it. */
void store_fault_add(store_fault *fault, const store_fault_rule *want);
/* Drops all rules; counts and journal stay. */
void store_fault_clear(store_fault *fault);
/* How often a rule has acted: a sweep over `nth` is done when this stays 0. */
uint64_t store_fault_hits(store_fault *fault);
/* Calls of these kinds so far. */
uint64_t store_fault_calls(store_fault *fault, unsigned ops);

/* The journal in the order in which calls ended; borrowed. */
size_t store_fault_journal(const store_fault *fault, const store_fault_record **out);

/* May the delete that is record `index` have been made? */
typedef bool (*store_fault_may_delete)(void *context, const store_fault_record *records,
                                       size_t index);

/*
 * NULL if the journal keeps the invariants, else which one is broken (valid until the next check):
 * no key ever held two different bodies, and `may_delete` allows each delete that took effect (NULL
 * allows none).
 */
const char *store_fault_find_breach(store_fault *fault, store_fault_may_delete may_delete,
                                    void *context);
/* The same as an assertion. */
void store_fault_check_journal(store_fault *fault, store_fault_may_delete may_delete,
                               void *context);

#endif
