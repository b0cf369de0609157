#include "cancel.h"

#include "bounds.h"
#include "clock.h"
#include "errors.h"

#include <stdatomic.h>

/* A flag alone, without lock or wake-up, so that a signal handler may raise it. */
struct cairn_cancel {
    atomic_bool triggered;
};

cairn_code cairn_cancel_new(cairn_cancel **out, cairn_error *err)
{
    cairn_cancel *cancel = mem_calloc(1, sizeof(*cancel));

    if (cancel == NULL) {
        return error_no_memory(err, "new cancel flag");
    }
    atomic_init(&cancel->triggered, false);
    *out = cancel;
    return CAIRN_OK;
}

void cairn_cancel_trigger(cairn_cancel *cancel)
{
    if (cancel != NULL) {
        atomic_store(&cancel->triggered, true);
    }
}

bool cairn_cancel_triggered(const cairn_cancel *cancel)
{
    return cancel != NULL && atomic_load(&cancel->triggered);
}

void cairn_cancel_free(cairn_cancel *cancel)
{
    mem_free(cancel);
}

uint64_t cairn_deadline_in(uint64_t ms)
{
    const uint64_t now = clock_monotonic_ms();

    return ms > UINT64_MAX - now ? UINT64_MAX : now + ms;
}

cairn_code call_check(const cairn_call *call, const char *what, cairn_error *err)
{
    if (call == NULL) {
        return CAIRN_OK;
    }
    if (cairn_cancel_triggered(call->cancel)) {
        return error_set(err, CAIRN_E_CANCELLED, "%s: cancelled", what);
    }
    if (call->deadline_ms != 0 && clock_monotonic_ms() >= call->deadline_ms) {
        return error_set(err, CAIRN_E_TIMEOUT, "%s: the deadline passed", what);
    }
    return CAIRN_OK;
}

uint64_t call_remaining_ms(const cairn_call *call, uint64_t ceiling_ms)
{
    if (call == NULL || call->deadline_ms == 0) {
        return ceiling_ms;
    }
    const uint64_t now = clock_monotonic_ms();
    const uint64_t left = call->deadline_ms > now ? call->deadline_ms - now : 0;
    return left < ceiling_ms ? left : ceiling_ms;
}

cairn_code call_sleep(const cairn_call *call, uint64_t ms, const char *what, cairn_error *err)
{
    const bool can_be_cancelled = call != NULL && call->cancel != NULL;
    const uint64_t step_ms = can_be_cancelled ? CAIRN_CANCEL_POLL_MS : UINT64_MAX;
    const uint64_t until_ms = cairn_deadline_in(ms);

    for (uint64_t now = clock_monotonic_ms(); now < until_ms; now = clock_monotonic_ms()) {
        const uint64_t left_ms = call_remaining_ms(call, until_ms - now);

        CAIRN_TRY(call_check(call, what, err));
        clock_sleep_ms(left_ms < step_ms ? left_ms : step_ms);
    }
    return call_check(call, what, err);
}
