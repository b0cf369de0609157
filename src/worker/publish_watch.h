/*
 * Bounds a publication that is under way when a stop is asked for: the worker's thread is in the
 * store's call then and looks at nothing. A thread of its own looks instead, while the call runs.
 */
#ifndef CAIRN_WORKER_PUBLISH_WATCH_H
#define CAIRN_WORKER_PUBLISH_WATCH_H

#include <cairn/store.h>

#include "check.h"

typedef struct publish_watch publish_watch;

typedef struct publish_watch_options {
    const volatile int *stop;   /* not 0: a stop is asked for; may be NULL; borrowed */
    const cairn_cancel *cancel; /* ends the call at once; may be NULL; borrowed */
    uint64_t stop_timeout_ms;   /* that the call has left when the stop is seen */
} publish_watch_options;

/* Begins to watch. */
cairn_code publish_watch_new(const publish_watch_options *options, publish_watch **out,
                             cairn_error *err);
/* For the call; borrowed. Raised as the options say, CAIRN_WORKER_TICK_MS late at most. */
const cairn_cancel *publish_watch_cancel(const publish_watch *watch);
/* When it saw the stop, monotonic; 0: there was none. Ends the watch. */
uint64_t publish_watch_end(publish_watch *watch);
/* Ends the watch. NULL is fine. */
void publish_watch_free(publish_watch *watch);
CAIRN_DEFINE_AUTO_PTR(publish_watch, publish_watch_free)

#endif
