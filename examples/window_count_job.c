/*
 * A job for `cairn run`: words counted in windows of one minute of event time.
 *
 * Input lines are `ms word word ...`: the time of the record in ms (at most 15 digits), then words
 * with blanks between them. Others are passed over, and so are words of more than 200 bytes.
 * Output:
 *
 *   start TAB word TAB count    when the window that begins at `start` (ms) is over for good, that
 *                               is when a record came that is 5 s newer than its end, or at the end
 *                               of the input
 *   late TAB ms TAB word        a word that came after its window was put out: not counted
 *
 * The count of a word in a window is value state under the word, in the namespace of the window; an
 * event-time timer in the same namespace puts it out and clears it.
 *
 *   make -f job.mk window_count_job.so
 *   cairn run ./window_count_job.so --input FILE --output DIR --checkpoints file:///...
 */
#include "event_time.h"

#include <inttypes.h>
#include <stdio.h>

#define WINDOW_MS      60000
#define WORD_BYTES_MAX 200
#define LINE_BYTES     (WORD_BYTES_MAX + 64)
#define NAME_BYTES     24

/* All but the watermark and the record at hand is in cairn's state. */
static struct {
    event_time time;
    cairn_value_state *counts;
    cairn_job_context *context; /* of the call that runs: timers fire within it */
    int64_t record_ms;
} job;

static cairn_code put_out(void *context, const cairn_timer *timer, cairn_error *err)
{
    char line[LINE_BYTES];
    uint64_t count = 0;
    bool found = false;

    (void)context;
    TRY(cairn_value_get_u64(job.counts, &count, &found, err));
    TRY(cairn_value_clear(job.counts, err));
    const int len = snprintf(line, sizeof(line), "%" PRId64 "\t%.*s\t%" PRIu64,
                             timer->time_ms + 1 - WINDOW_MS, (int)timer->key.len,
                             (const char *)timer->key.data, count);
    return cairn_job_emit(job.context, (cairn_slice){line, (size_t)len}, err);
}

static cairn_code open_job(cairn_job_context *context, void **self, cairn_error *err)
{
    static const cairn_timer_function function = {put_out, NULL};
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;
    cairn_backend *backend = cairn_job_backend(context);

    *self = NULL;
    descriptor.name = "counts";
    descriptor.key_serializer = "string";
    descriptor.value_serializer = "u64";
    TRY(cairn_value_state_open(backend, &descriptor, &job.counts, err));
    return event_time_open(&job.time, backend, &function, err);
}

static bool is_word(cairn_slice text)
{
    return text.len > 0 && text.len <= WORD_BYTES_MAX && memchr(text.data, '\0', text.len) == NULL;
}

static cairn_code split(void *self, cairn_job_context *context, cairn_slice record,
                        cairn_error *err)
{
    const cairn_slice time = event_time_cut(&record, ' ');

    (void)self;
    job.context = context;
    if (!event_time_parse(time, &job.record_ms)) {
        return CAIRN_OK;
    }
    while (record.len > 0) {
        const cairn_slice word = event_time_cut(&record, ' ');

        if (is_word(word)) {
            TRY(cairn_job_keyed(context, word, time, err));
        }
    }
    return event_time_advance(&job.time, job.record_ms, err);
}

static cairn_code put_out_late(cairn_slice word, cairn_error *err)
{
    char line[LINE_BYTES];
    const int len = snprintf(line, sizeof(line), "late\t%" PRId64 "\t%.*s", job.record_ms,
                             (int)word.len, (const char *)word.data);

    return cairn_job_emit(job.context, (cairn_slice){line, (size_t)len}, err);
}

static cairn_code process(void *self, cairn_job_context *context, cairn_slice key,
                          cairn_slice value, cairn_error *err)
{
    const int64_t start = job.record_ms - job.record_ms % WINDOW_MS;
    const int64_t last = start + WINDOW_MS - 1;
    char window[NAME_BYTES];
    uint64_t count = 0;
    bool found = false;

    (void)self;
    (void)value;
    if (last <= job.time.watermark) {
        return put_out_late(key, err);
    }
    (void)snprintf(window, sizeof(window), "%" PRId64, start);
    TRY(cairn_backend_set_namespace(cairn_job_backend(context), cairn_slice_of(window), err));
    TRY(cairn_value_get_u64(job.counts, &count, &found, err));
    TRY(cairn_value_update_u64(job.counts, count + 1, err));
    return cairn_timers_register(job.time.timers, CAIRN_TIME_EVENT, last, err);
}

static cairn_code before_checkpoint(void *self, cairn_job_context *context, cairn_error *err)
{
    (void)self;
    (void)context;
    return event_time_save(&job.time, err);
}

static cairn_code end_of_input(void *self, cairn_job_context *context, cairn_error *err)
{
    (void)self;
    job.context = context;
    return event_time_end(&job.time, err);
}

const cairn_job *cairn_job_main(void)
{
    static const cairn_job window_count = {
        .version = CAIRN_JOB_VERSION,
        .name = "window-count",
        .open = open_job,
        .split = split,
        .process = process,
        .before_checkpoint = before_checkpoint,
        .end_of_input = end_of_input,
    };

    return &window_count;
}
