#include "fence_watch.h"

#include "clock.h"
#include "errors.h"

#include <signal.h>

struct fence_watch {
    session *watched;
    pthread_t thread;
    struct {
        pthread_mutex_t lock;
        pthread_cond_t wake;
        bool stop;
    } synced;
};

/* False once the watch is to end. */
static bool sleep_a_round(fence_watch *self)
{
    struct timespec until = clock_timespec(clock_monotonic_ms() + CAIRN_FENCE_INTERVAL_MS);
    int waited = 0;

    (void)pthread_mutex_lock(&self->synced.lock);
    while (!self->synced.stop && waited == 0) {
        waited =
            pthread_cond_clockwait(&self->synced.wake, &self->synced.lock, CLOCK_MONOTONIC, &until);
    }
    bool stop = self->synced.stop;
    (void)pthread_mutex_unlock(&self->synced.lock);
    return !stop;
}

static void *watch_main(void *argument)
{
    fence_watch *self = argument;
    bool fenced = false;

    while (!fenced && sleep_a_round(self)) {
        cairn_call call = {cairn_deadline_in(CAIRN_FENCE_TIMEOUT_MS), self->watched->closing};
        fenced = session_look(self->watched, &call, NULL) == CAIRN_E_FENCED;
    }
    return NULL;
}

/* Signals belong to the caller's threads. */
static int start_thread(fence_watch *self)
{
    sigset_t all;
    sigset_t before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&self->thread, NULL, watch_main, self);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

cairn_code fence_watch_new(session *watched, fence_watch **out, cairn_error *err)
{
    fence_watch *self = mem_calloc(1, sizeof *self);

    if (self == NULL) {
        return error_no_memory(err, "fence watch");
    }
    self->watched = watched;
    (void)pthread_mutex_init(&self->synced.lock, NULL);
    (void)pthread_cond_init(&self->synced.wake, NULL);
    int failed = start_thread(self);
    if (failed != 0) {
        mem_free(self);
        return error_errno(err, failed, "start the fence watch");
    }
    *out = self;
    return CAIRN_OK;
}

void fence_watch_free(fence_watch *self)
{
    if (self == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&self->synced.lock);
    self->synced.stop = true;
    (void)pthread_cond_signal(&self->synced.wake);
    (void)pthread_mutex_unlock(&self->synced.lock);
    (void)pthread_join(self->thread, NULL);
    (void)pthread_cond_destroy(&self->synced.wake);
    (void)pthread_mutex_destroy(&self->synced.lock);
    mem_free(self);
}
