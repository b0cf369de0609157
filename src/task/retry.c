#include "retry.h"

#include "bounds.h"

#include <stdatomic.h>

bool retry_is_transient(cairn_code code)
{
    return code == CAIRN_E_UNAVAILABLE || code == CAIRN_E_TIMEOUT;
}

static uint64_t ceiling_ms(unsigned attempt, uint64_t base_ms)
{
    uint64_t ceiling = base_ms;

    for (unsigned i = 1; i < attempt && ceiling < CAIRN_RETRY_CAP_MS; i++) {
        ceiling *= 2;
    }
    return ceiling < CAIRN_RETRY_CAP_MS ? ceiling : CAIRN_RETRY_CAP_MS;
}

bool retry_decide(const retry_failure *failure, uint64_t *out_delay_ms)
{
    CAIRN_ASSERT(failure->attempt > 0);
    if (!retry_is_transient(failure->code) || failure->attempt >= CAIRN_RETRY_ATTEMPTS_MAX ||
        failure->elapsed_ms >= CAIRN_RETRY_ELAPSED_MS_MAX) {
        return false;
    }
    const bool throttled = failure->retry_after_ms > 0;
    const uint64_t base = throttled ? CAIRN_RETRY_THROTTLED_MS : CAIRN_RETRY_BASE_MS;
    const uint64_t asked = failure->retry_after_ms < CAIRN_RETRY_AFTER_MS_MAX
                               ? failure->retry_after_ms
                               : CAIRN_RETRY_AFTER_MS_MAX;
    const uint64_t delay = asked + failure->random % (ceiling_ms(failure->attempt, base) + 1);
    if (delay >= failure->remaining_ms) {
        return false;
    }
    *out_delay_ms = delay;
    return true;
}

void retry_budget_init(retry_budget *budget)
{
    atomic_init(&budget->tokens, CAIRN_RETRY_RESERVE);
}

void retry_budget_add(retry_budget *budget)
{
    unsigned seen = atomic_load(&budget->tokens);
    unsigned more;

    do {
        more = seen + CAIRN_RETRY_SHARE;
        more = more < CAIRN_RETRY_RESERVE ? more : CAIRN_RETRY_RESERVE;
    } while (!atomic_compare_exchange_weak(&budget->tokens, &seen, more));
}

bool retry_budget_take(retry_budget *budget)
{
    unsigned seen = atomic_load(&budget->tokens);

    do {
        if (seen == 0) {
            return false;
        }
    } while (!atomic_compare_exchange_weak(&budget->tokens, &seen, seen - 1));
    return true;
}
