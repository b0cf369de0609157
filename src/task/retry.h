/*
 * Whether and when a failed call is tried again. Pure: time and random numbers come in as
 * arguments. Bounds are the CAIRN_RETRY_ names of bounds.h.
 */
#ifndef CAIRN_TASK_RETRY_H
#define CAIRN_TASK_RETRY_H

#include "check.h"

typedef struct retry_failure {
    unsigned attempt;      /* the one that just failed, from 1 */
    cairn_code code;       /* how it failed */
    uint64_t elapsed_ms;   /* since the first attempt began */
    uint64_t remaining_ms; /* until the caller's deadline */
    uint64_t random;       /* 64 uniform bits */
} retry_failure;

/* May a call that failed so succeed when it is repeated, and may it have taken effect? */
bool retry_is_transient(cairn_code code);

/*
 * True: try again after *out_delay_ms, which is uniform in [0, min(cap, base * 2^(attempt - 1))]
 * (full jitter) and ends before the deadline. False: give up, nothing is written.
 */
bool retry_decide(const retry_failure *failure, uint64_t *out_delay_ms);

/*
 * Keeps a store that is down from being flooded: each call adds CAIRN_RETRY_SHARE to a reserve of
 * at most CAIRN_RETRY_RESERVE, each repeat takes one, so that in the long run the repeats are at
 * most CAIRN_RETRY_SHARE times the calls. Thread-safe.
 */
typedef struct retry_budget {
    _Atomic unsigned tokens;
} retry_budget;

void retry_budget_init(retry_budget *budget);
/* At the first attempt of a call. */
void retry_budget_add(retry_budget *budget);
/* Before a repeat: false if the reserve is empty. */
bool retry_budget_take(retry_budget *budget);

#endif
