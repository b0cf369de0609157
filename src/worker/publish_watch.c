#include "publish_watch.h"

#include "bounds.h"
#include "clock.h"
#include "errors.h"

#include <pthread.h>
#include <signal.h>

struct publish_watch {
    publish_watch_options options;
    cairn_cancel *cancel;
    pthread_t thread;
    bool running;          /* the thread is to be joined */
    uint64_t stop_seen_ms; /* the thread's, until it is joined */
    struct {
        pthread_mutex_t lock;
        pthread_cond_t wake;
        bool ended;
    } synced;
};

/* False once the call has ended. */
static bool sleep_a_tick(publish_watch *watch)
{
    const struct timespec until = clock_timespec(clock_monotonic_ms() + CAIRN_WORKER_TICK_MS);
    int waited = 0;

    (void)pthread_mutex_lock(&watch->synced.lock);
    while (!watch->synced.ended && waited == 0) {
        waited = pthread_cond_clockwait(&watch->synced.wake, &watch->synced.lock, CLOCK_MONOTONIC,
                                        &until);
    }
    const bool ended = watch->synced.ended;
    (void)pthread_mutex_unlock(&watch->synced.lock);
    return !ended;
}

static bool must_end(publish_watch *watch)
{
    const publish_watch_options *options = &watch->options;
    const uint64_t now = clock_monotonic_ms();

    if (watch->stop_seen_ms == 0 && options->stop != NULL &&
        __atomic_load_n(options->stop, __ATOMIC_SEQ_CST) != 0) {
        watch->stop_seen_ms = now;
    }
    return cairn_cancel_triggered(options->cancel) ||
           (watch->stop_seen_ms != 0 && now - watch->stop_seen_ms >= options->stop_timeout_ms);
}

static void *watch_main(void *argument)
{
    publish_watch *watch = argument;

    do {
        if (must_end(watch)) {
            cairn_cancel_trigger(watch->cancel);
        }
    } while (sleep_a_tick(watch));
    return NULL;
}

/* Signals belong to the caller's threads. */
static int start_thread(publish_watch *watch)
{
    sigset_t all;
    sigset_t before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(&watch->thread, NULL, watch_main, watch);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

cairn_code publish_watch_new(const publish_watch_options *options, publish_watch **out,
                             cairn_error *err)
{
    CAIRN_AUTO_PTR(publish_watch_free) publish_watch *watch = mem_calloc(1, sizeof(*watch));

    if (watch == NULL) {
        return error_no_memory(err, "watch of a publication");
    }
    watch->options = *options;
    (void)pthread_mutex_init(&watch->synced.lock, NULL);
    (void)pthread_cond_init(&watch->synced.wake, NULL);
    CAIRN_TRY(cairn_cancel_new(&watch->cancel, err));
    const int failed = start_thread(watch);
    if (failed != 0) {
        return error_errno(err, failed, "start the watch of a publication");
    }
    watch->running = true;
    *out = CAIRN_TAKE(watch);
    return CAIRN_OK;
}

const cairn_cancel *publish_watch_cancel(const publish_watch *watch)
{
    return watch->cancel;
}

uint64_t publish_watch_end(publish_watch *watch)
{
    if (watch->running) {
        (void)pthread_mutex_lock(&watch->synced.lock);
        watch->synced.ended = true;
        (void)pthread_cond_signal(&watch->synced.wake);
        (void)pthread_mutex_unlock(&watch->synced.lock);
        (void)pthread_join(watch->thread, NULL);
        watch->running = false;
    }
    return watch->stop_seen_ms;
}

void publish_watch_free(publish_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    (void)publish_watch_end(watch);
    (void)pthread_cond_destroy(&watch->synced.wake);
    (void)pthread_mutex_destroy(&watch->synced.lock);
    cairn_cancel_free(watch->cancel);
    mem_free(watch);
}
