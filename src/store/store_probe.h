/*
 * Does a create-only put of this store have one winner, also when two writers race? Some servers
 * ignore the condition, some look first and write then, which only a race shows.
 */
#ifndef CAIRN_STORE_STORE_PROBE_H
#define CAIRN_STORE_STORE_PROBE_H

#include <cairn/store.h>

#include "check.h"

typedef enum store_probe_verdict {
    CAIRN_PROBE_ATOMIC = 0,  /* one winner each time, and his bytes are what is stored */
    CAIRN_PROBE_RACY = 1,    /* two winners, or other bytes than the winner's */
    CAIRN_PROBE_IGNORED = 2, /* even a put long after the first one replaces it */
    CAIRN_PROBE_REFUSED = 3  /* the driver says CAIRN_E_INCOMPATIBLE: no such put here */
} store_probe_verdict;

/* A driver's message and our words before it. */
#define STORE_PROBE_DETAIL_BYTES (CAIRN_ERROR_MESSAGE_BYTES + 64)

typedef struct store_probe {
    store_probe_verdict verdict;
    unsigned races;                        /* that had a result */
    unsigned double_wins;                  /* of these: both writers were told that they won */
    unsigned wrong_bytes;                  /* of these: what is stored is not the winner's */
    char detail[STORE_PROBE_DETAIL_BYTES]; /* one line: "2 of 20 races had two winners" */
} store_probe;

/*
 * Puts a new key twice, then lets two threads put `rounds` new keys at the same time. A race in
 * which a writer was not answered (CAIRN_E_UNAVAILABLE) has no result and is held again, after a
 * wait as between retries, at most CAIRN_PROBE_VOID_MAX times. Hand in a store without retries:
 * they would pull the writers apart. All keys begin with "<key_prefix>/"; they are deleted, as far
 * as the store lets us.
 *
 * An error is returned if there is no verdict: what the store said to a call that should have
 * worked.
 */
cairn_code store_probe_create(cairn_store *store, const cairn_call *call, const char *key_prefix,
                              unsigned rounds, store_probe *out, cairn_error *err);

#endif
