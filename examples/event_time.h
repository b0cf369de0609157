/*
 * What the examples share that count in event time: the watermark, which says up to which time no
 * more records are expected, and the small codecs of their state.
 *
 * The watermark follows the newest record at a distance of EVENT_TIME_SLACK_MS. It decides what is
 * late, so it is state, of the operator and not of a key: event_time_save before each checkpoint,
 * event_time_open finds it again.
 */
#ifndef CAIRN_EXAMPLES_EVENT_TIME_H
#define CAIRN_EXAMPLES_EVENT_TIME_H

#include <cairn/job.h>
#include <cairn/operator_state.h>
#include <cairn/timer.h>

#include <string.h>

#define EVENT_TIME_SLACK_MS   5000 /* records may come so much later than newer ones */
#define EVENT_TIME_DIGITS_MAX 15   /* of a time in ms: no sum of times overflows */
#define EVENT_TIME_BYTES      8    /* of a number in state */

#define TRY(call)                         \
    do {                                  \
        const cairn_code try_code = call; \
        if (try_code != CAIRN_OK) {       \
            return try_code;              \
        }                                 \
    } while (0)

typedef struct event_time {
    int64_t watermark;
    cairn_timers *timers;
    cairn_operator_list *saved;
} event_time;

static inline void event_time_put(uint8_t to[EVENT_TIME_BYTES], int64_t number)
{
    for (size_t i = 0; i < EVENT_TIME_BYTES; i++) {
        to[i] = (uint8_t)((uint64_t)number >> (56 - 8 * i));
    }
}

static inline int64_t event_time_get(const void *from)
{
    const uint8_t *bytes = from;
    uint64_t number = 0;

    for (size_t i = 0; i < EVENT_TIME_BYTES; i++) {
        number = number << 8 | bytes[i];
    }
    return (int64_t)number;
}

/* Opens the timers and the watermark, which is INT64_MIN in a new job. Each subtask saved its own:
 * the least holds for all. */
static inline cairn_code event_time_open(event_time *time, cairn_backend *backend,
                                         const cairn_timer_function *function, cairn_error *err)
{
    cairn_operator_descriptor descriptor = CAIRN_OPERATOR_DESCRIPTOR_INIT;
    cairn_list_view view;
    cairn_slice element;

    descriptor.name = "watermark";
    TRY(cairn_timers_open(backend, "ends", function, &time->timers, err));
    TRY(cairn_operator_union_open(backend, &descriptor, &time->saved, err));
    TRY(cairn_operator_list_get(time->saved, &view, err));
    time->watermark = view.bytes == 0 ? INT64_MIN : INT64_MAX;
    while (cairn_list_next(&view, &element)) {
        const int64_t found = event_time_get(element.data);

        time->watermark = found < time->watermark ? found : time->watermark;
    }
    return CAIRN_OK;
}

static inline cairn_code event_time_save(event_time *time, cairn_error *err)
{
    uint8_t bytes[EVENT_TIME_BYTES];
    const cairn_slice element = {bytes, sizeof(bytes)};

    event_time_put(bytes, time->watermark);
    return cairn_operator_list_update(time->saved, &element, 1, err);
}

/* Behind a record of that time: fires what is due. */
static inline cairn_code event_time_advance(event_time *time, int64_t record_ms, cairn_error *err)
{
    const int64_t watermark = record_ms - EVENT_TIME_SLACK_MS - 1;

    if (watermark <= time->watermark) {
        return CAIRN_OK;
    }
    time->watermark = watermark;
    return cairn_timers_advance(time->timers, CAIRN_TIME_EVENT, watermark, err);
}

/* Behind the last record: fires what is left. */
static inline cairn_code event_time_end(event_time *time, cairn_error *err)
{
    time->watermark = INT64_MAX;
    return cairn_timers_advance(time->timers, CAIRN_TIME_EVENT, INT64_MAX, err);
}

/* Decimal digits alone. */
static inline bool event_time_parse(cairn_slice text, int64_t *out)
{
    const char *digits = text.data;
    int64_t value = 0;

    if (text.len == 0 || text.len > EVENT_TIME_DIGITS_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (digits[i] < '0' || digits[i] > '9') {
            return false;
        }
        value = value * 10 + (digits[i] - '0');
    }
    *out = value;
    return true;
}

/* Takes what stands before `mark` off `text`; all of it if there is none. */
static inline cairn_slice event_time_cut(cairn_slice *text, char mark)
{
    const char *bytes = text->data;
    const char *end = text->len == 0 ? NULL : memchr(bytes, mark, text->len);
    const cairn_slice head = {bytes, end == NULL ? text->len : (size_t)(end - bytes)};
    const size_t taken = head.len + (end == NULL ? 0 : 1);

    *text = (cairn_slice){taken == 0 ? bytes : bytes + taken, text->len - taken};
    return head;
}

#endif
