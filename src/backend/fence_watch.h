/*
 * A thread that looks at the claims every CAIRN_FENCE_INTERVAL_MS, so that an overtaken worker
 * stops also between checkpoints. A store that can't be reached is no verdict: the next round looks
 * again.
 */
#ifndef CAIRN_BACKEND_FENCE_WATCH_H
#define CAIRN_BACKEND_FENCE_WATCH_H

#include "session.h"

typedef struct fence_watch fence_watch;

/* Borrows the session until free. */
cairn_code fence_watch_new(session *watched, fence_watch **out, cairn_error *err);
/* Ends the thread, at the latest after the request in flight. NULL is fine. */
void fence_watch_free(fence_watch *self);

#endif
