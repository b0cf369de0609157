/*
 * Timers: at a time, a key is called back.
 *
 * A timer is (domain, time, key, namespace), and timers are a set: registering one twice fires
 * once, deleting one that is absent is fine. They belong to the key group of their key and are part
 * of every checkpoint. What time it is comes from the caller: event time by its watermarks,
 * processing time by its clock, both by cairn_timers_advance. Neither is stored: after a restore,
 * timers that are past due fire at the first advance.
 *
 * A cairn_timers belongs to its backend (borrowed, freed by cairn_backend_close) and to the
 * backend's thread.
 */
#ifndef CAIRN_TIMER_H
#define CAIRN_TIMER_H

#include <cairn/state.h>

CAIRN_BEGIN_DECLS

typedef struct cairn_timers cairn_timers;

typedef enum cairn_time_domain {
    CAIRN_TIME_EVENT = 0,     /* fires when the watermark has reached it */
    CAIRN_TIME_PROCESSING = 1 /* fires when the clock has */
} cairn_time_domain;

/* Valid for the call that it is passed to. */
typedef struct cairn_timer {
    cairn_time_domain domain;
    int64_t time_ms; /* since 1970, or whatever the job counts in */
    cairn_slice key;
    cairn_slice name_space;
    uint32_t key_group;
} cairn_timer;

/*
 * Called for a timer that is due, after it was removed, with its key and namespace set as the
 * current ones. It may do all that a job may do, and register timers that are due at once. A code
 * other than CAIRN_OK ends the advance and is returned; the timer is gone.
 */
typedef struct cairn_timer_function {
    cairn_code (*on_timer)(void *context, const cairn_timer *timer, cairn_error *err);
    void *context;
} cairn_timer_function;

/*
 * Opens (and creates, if they are new) the timers of that name: ^[A-Za-z0-9._-]{1,200}$. Two
 * states,
 * `<name>.event-timers` and `<name>.processing-timers`, hold them. Opening twice gives the same
 * timers, with the function named last. CAIRN_E_INCOMPATIBLE if another state has such a name.
 */
cairn_code cairn_timers_open(cairn_backend *backend, const char *name,
                             const cairn_timer_function *function, cairn_timers **out,
                             cairn_error *err);

/* For the current key and namespace. CAIRN_E_STATE if no key is set. */
cairn_code cairn_timers_register(cairn_timers *timers, cairn_time_domain domain, int64_t time_ms,
                                 cairn_error *err);
cairn_code cairn_timers_delete(cairn_timers *timers, cairn_time_domain domain, int64_t time_ms,
                               cairn_error *err);

/*
 * Fires every timer of the domain whose time is not after `time_ms`, in the order of their times;
 * those of one time in no promised order. Afterwards no key is set. CAIRN_E_STATE from within
 * on_timer.
 */
cairn_code cairn_timers_advance(cairn_timers *timers, cairn_time_domain domain, int64_t time_ms,
                                cairn_error *err);

/* When the next one of the domain is due; *out_found false: none is registered. */
cairn_code cairn_timers_next(cairn_timers *timers, cairn_time_domain domain, int64_t *out_time_ms,
                             bool *out_found, cairn_error *err);

CAIRN_END_DECLS

#endif
