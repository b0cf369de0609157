#include "s3_throttle.h"

#include "bounds.h"
#include "cancel.h"
#include "clock.h"

void s3_throttle_init(s3_throttle *throttle)
{
    CAIRN_ASSERT(pthread_mutex_init(&throttle->lock, NULL) == 0);
    CAIRN_ASSERT(pthread_cond_init(&throttle->changed, NULL) == 0);
    throttle->synced.limit = CAIRN_S3_IN_FLIGHT_MAX;
    throttle->synced.inside = 0;
    throttle->synced.successes = 0;
    throttle->synced.cuts = 0;
}

void s3_throttle_release(s3_throttle *throttle)
{
    CAIRN_ASSERT(throttle->synced.inside == 0);
    (void)pthread_cond_destroy(&throttle->changed);
    (void)pthread_mutex_destroy(&throttle->lock);
}

static void lock(s3_throttle *throttle)
{
    CAIRN_ASSERT(pthread_mutex_lock(&throttle->lock) == 0);
}

static void unlock(s3_throttle *throttle)
{
    CAIRN_ASSERT(pthread_mutex_unlock(&throttle->lock) == 0);
}

static bool enter_locked(s3_throttle *throttle, s3_pass *pass)
{
    CAIRN_ASSERT(!pass->inside);
    if (throttle->synced.inside >= throttle->synced.limit) {
        return false;
    }
    throttle->synced.inside++;
    *pass = (s3_pass){true, throttle->synced.cuts};
    return true;
}

bool s3_throttle_try(s3_throttle *throttle, s3_pass *pass)
{
    lock(throttle);
    const bool entered = enter_locked(throttle, pass);
    unlock(throttle);
    return entered;
}

cairn_code s3_throttle_enter(s3_throttle *throttle, const cairn_call *call, s3_pass *pass,
                             cairn_error *err)
{
    cairn_code code = CAIRN_OK;

    lock(throttle);
    while (!enter_locked(throttle, pass)) {
        /* A cancel does not signal: look for it now and then. */
        const struct timespec until = clock_timespec(clock_monotonic_ms() + CAIRN_CANCEL_POLL_MS);
        (void)pthread_cond_clockwait(&throttle->changed, &throttle->lock, CLOCK_MONOTONIC, &until);
        code =
            call_check(call, "waiting for other requests, as the server has too much to do", err);
        if (code != CAIRN_OK) {
            break;
        }
    }
    unlock(throttle);
    return code;
}

static void count_locked(s3_throttle *throttle, const s3_pass *pass, s3_load load)
{
    if (load == CAIRN_S3_LOAD_TOO_MUCH && pass->cuts == throttle->synced.cuts) {
        const unsigned inside = throttle->synced.inside;
        const unsigned limit = throttle->synced.limit;
        /* Half of what there really was: a limit that was never reached says nothing. */
        const unsigned half = (inside < limit ? inside : limit) / 2;
        throttle->synced.limit = half > 0 ? half : 1;
        throttle->synced.successes = 0;
        throttle->synced.cuts++;
    } else if (load == CAIRN_S3_LOAD_FINE && throttle->synced.limit < CAIRN_S3_IN_FLIGHT_MAX &&
               ++throttle->synced.successes >= throttle->synced.limit) {
        throttle->synced.limit++;
        throttle->synced.successes = 0;
    }
}

void s3_throttle_leave(s3_throttle *throttle, s3_pass *pass, s3_load load)
{
    if (!pass->inside) {
        return;
    }
    lock(throttle);
    count_locked(throttle, pass, load);
    throttle->synced.inside--;
    pass->inside = false;
    CAIRN_ASSERT(pthread_cond_broadcast(&throttle->changed) == 0);
    unlock(throttle);
}

unsigned s3_throttle_limit(s3_throttle *throttle)
{
    lock(throttle);
    const unsigned limit = throttle->synced.limit;
    unlock(throttle);
    return limit;
}
