/*
 * The timers of one domain: a set of (time, key, namespace) in a table of the engine, and of each
 * key group the nearest ones in memory.
 *
 * In the table a timer's key is: key group | time, 8 bytes big-endian with the sign bit flipped |
 * key and namespace as in any composite key. Its value is empty. So an engine that keeps keys in
 * order gives a group's timers in the order of their times.
 *
 * The head of a group holds its nearest timers, at most CAIRN_TIMER_HEAD_MAX, or
 * CAIRN_TIMER_HEAD_UNORDERED_MAX where the engine has no order and all timers of a group must be
 * looked at to find the nearest. An empty head is filled from the table when it is asked for. A
 * heap of groups tells which head is nearest of all.
 *
 * One thread, the owner.
 */
#ifndef CAIRN_STATE_TIMER_QUEUE_H
#define CAIRN_STATE_TIMER_QUEUE_H

#include "state_key.h"
#include "state_table.h"

typedef struct timer_queue timer_queue;

typedef struct timer_queue_options {
    state_table *table; /* borrowed */
    uint32_t max_parallelism;
    cairn_key_group_range range;
    bool ordered; /* a walk of the table is in the order of keys */
} timer_queue_options;

cairn_code timer_queue_new(const timer_queue_options *options, timer_queue **out, cairn_error *err);
void timer_queue_free(timer_queue *queue);
CAIRN_DEFINE_AUTO_PTR(timer_queue, timer_queue_free)

/* `place`: of key and namespace. One that stands already changes nothing. */
cairn_code timer_queue_add(timer_queue *queue, const state_place *place, int64_t time_ms,
                           cairn_error *err);
/* Absent is fine. */
cairn_code timer_queue_remove(timer_queue *queue, const state_place *place, int64_t time_ms,
                              cairn_error *err);

/* The time of the nearest timer; *out_found false: there is none. */
cairn_code timer_queue_next(timer_queue *queue, int64_t *out_time_ms, bool *out_found,
                            cairn_error *err);

/* The nearest timer, if it is not after `until_ms`: its time, key and namespace. It stays. */
cairn_code timer_queue_peek(timer_queue *queue, int64_t until_ms, int64_t *out_time_ms,
                            state_key_parts *out, bool *out_found, cairn_error *err);

/* The parts of a timer's key in the table; CAIRN_E_INTEGRITY if it is none. */
cairn_code timer_key_decode(cairn_slice encoded, uint32_t max_parallelism, int64_t *out_time_ms,
                            state_key_parts *out, cairn_error *err);

#endif
