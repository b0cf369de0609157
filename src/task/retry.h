/*
 * Whether and when a failed call is tried again. Pure: time and random numbers come in as
 * arguments. Bounds are the CAIRN_RETRY_ names of bounds.h.
 */
#ifndef CAIRN_TASK_RETRY_H
#define CAIRN_TASK_RETRY_H

#include "check.h"

typedef struct retry_failure {
    unsigned attempt;        /* the one that just failed, from 1 */
    cairn_code code;         /* how it failed */
    uint32_t retry_after_ms; /* what the peer asked for (cairn_error); 0: it did not */
    uint64_t elapsed_ms;     /* since the first attempt began */
    uint64_t remaining_ms;   /* until the caller's deadline */
    uint64_t random;         /* 64 uniform bits */
} retry_failure;

/* May a call that failed so succeed when it is repeated, and may it have taken effect? */
bool retry_is_transient(cairn_code code);

/*
 * True: try again after *out_delay_ms, which is uniform in [0, min(cap, base * 2^(attempt - 1))]
 * (full jitter). If the peer asked for time (retry_after_ms, of which CAIRN_RETRY_AFTER_MS_MAX is
 * obeyed) that comes on top of it, with a larger base: the many who were sent away at the same
 * moment shall not come back together.
 *
 * False: give up now, nothing is written: the failure is no passing one, attempts or time are used
 * up, or the delay would not end before the deadline (to wait for a deadline helps nobody, and
 * whoever waits for the caller learns the reason sooner).
 */
bool retry_decide(const retry_failure *failure, uint64_t *out_delay_ms);

/*
 * Keeps a store that is down from being flooded, by all its callers together: at most
 * CAIRN_RETRY_RESERVE repeats while nothing succeeds; each success adds CAIRN_RETRY_SHARE up to
 * that. So the requests are, whatever the share of failures, at most 1 + CAIRN_RETRY_SHARE times
 * the calls plus the reserve, and the calls plus the reserve when all fail; a store that fails half
 * of all requests for hours is used as if it did not. (The 500 tokens of AWS's clients, of which a
 * repeat takes 14 or 5 and a success gives back the last, run dry there after some 80 calls.)
 * Thread-safe.
 */
typedef struct retry_budget {
    _Atomic unsigned tokens;
} retry_budget;

void retry_budget_init(retry_budget *budget);
/* When an attempt, the first or a repeat, has succeeded. */
void retry_budget_add(retry_budget *budget);
/* Before a repeat: false if the reserve is empty. */
bool retry_budget_take(retry_budget *budget);

#endif
