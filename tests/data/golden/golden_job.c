/*
 * Keeps something in every kind of state that a checkpoint can hold, and puts out what it finds
 * there.
 *
 * Record `key number`: the number goes into all states of the key; the line says what they hold
 * then. Record `! ms`: fires the timers up to `ms`, then puts out the operator states.
 */
#include <cairn/job.h>
#include <cairn/operator_state.h>
#include <cairn/serializer.h>
#include <cairn/timer.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES  4096
#define TTL_MS      ((uint64_t)1000 * 365 * 86400 * 1000)
#define LOG_EVERY   10
#define NUMBER_SIZE 8

#define TRY(call)                         \
    do {                                  \
        const cairn_code try_code = call; \
        if (try_code != CAIRN_OK) {       \
            return try_code;              \
        }                                 \
    } while (0)

static struct {
    cairn_backend *backend;
    cairn_job_context *context;
    cairn_value_state *last;
    cairn_value_state *kept;
    cairn_list_state *events;
    cairn_map_state *seen;
    cairn_reducing_state *sum;
    cairn_aggregating_state *mean;
    cairn_timers *timers;
    cairn_operator_list *records;
    cairn_operator_list *log;
    cairn_broadcast *rules;
} job;

typedef struct line {
    char text[LINE_BYTES];
    size_t len;
} line;

static void add_text(line *to, cairn_slice text)
{
    if (text.len < LINE_BYTES - to->len) {
        memcpy(to->text + to->len, text.data, text.len);
        to->len += text.len;
    }
}

static void add_number(line *to, uint64_t number)
{
    char digits[24];

    (void)snprintf(digits, sizeof(digits), "%" PRIu64, number);
    add_text(to, cairn_slice_of(digits));
}

static cairn_code emit(const line *from, cairn_error *err)
{
    return cairn_job_emit(job.context, (cairn_slice){from->text, from->len}, err);
}

static uint64_t decode(cairn_slice bytes, size_t at)
{
    uint64_t number = 0;

    for (size_t i = 0; i < NUMBER_SIZE; i++) {
        number = number << 8 | ((const uint8_t *)bytes.data)[at + i];
    }
    return number;
}

static void encode(uint8_t *to, uint64_t number)
{
    for (size_t i = 0; i < NUMBER_SIZE; i++) {
        to[i] = (uint8_t)(number >> (56 - 8 * i));
    }
}

static cairn_code add_up(void *context, cairn_slice a, cairn_slice b, cairn_buf *out,
                         cairn_error *err)
{
    uint8_t bytes[NUMBER_SIZE];

    (void)context;
    encode(bytes, decode(a, 0) + decode(b, 0));
    return cairn_buf_assign(out, (cairn_slice){bytes, sizeof(bytes)}, err);
}

/* The accumulator: how many, their sum. */
static cairn_code put_pair(cairn_buf *out, uint64_t count, uint64_t sum, cairn_error *err)
{
    uint8_t bytes[2 * NUMBER_SIZE];

    encode(bytes, count);
    encode(bytes + NUMBER_SIZE, sum);
    return cairn_buf_assign(out, (cairn_slice){bytes, sizeof(bytes)}, err);
}

static cairn_code mean_create(void *context, cairn_buf *out, cairn_error *err)
{
    (void)context;
    return put_pair(out, 0, 0, err);
}

static cairn_code mean_add(void *context, cairn_slice accumulator, cairn_slice element,
                           cairn_buf *out, cairn_error *err)
{
    (void)context;
    return put_pair(out, decode(accumulator, 0) + 1,
                    decode(accumulator, NUMBER_SIZE) + decode(element, 0), err);
}

static cairn_code mean_result(void *context, cairn_slice accumulator, cairn_buf *out,
                              cairn_error *err)
{
    uint8_t bytes[NUMBER_SIZE];

    (void)context;
    encode(bytes, decode(accumulator, NUMBER_SIZE) / decode(accumulator, 0));
    return cairn_buf_assign(out, (cairn_slice){bytes, sizeof(bytes)}, err);
}

static cairn_code on_timer(void *context, const cairn_timer *timer, cairn_error *err)
{
    line out = {.len = 0};

    (void)context;
    add_text(&out, cairn_slice_of("timer\t"));
    add_text(&out, timer->key);
    add_text(&out, cairn_slice_of("\t"));
    add_text(&out, timer->name_space);
    add_text(&out, cairn_slice_of("\t"));
    add_number(&out, (uint64_t)timer->time_ms);
    return emit(&out, err);
}

static cairn_code open_values(cairn_error *err)
{
    static const cairn_reduce_function reduce = {add_up, NULL};
    static const cairn_aggregate_function mean = {mean_create, mean_add, mean_result, NULL, NULL};
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;

    descriptor.key_serializer = "string";
    descriptor.value_serializer = "u64";
    descriptor.name = "last";
    TRY(cairn_value_state_open(job.backend, &descriptor, &job.last, err));
    descriptor.name = "sum";
    TRY(cairn_reducing_state_open(job.backend, &descriptor, &reduce, &job.sum, err));
    descriptor.name = "seen";
    TRY(cairn_map_state_open(job.backend, &descriptor, &job.seen, err));
    descriptor.name = "kept";
    descriptor.ttl.ttl_ms = TTL_MS;
    TRY(cairn_value_state_open(job.backend, &descriptor, &job.kept, err));
    descriptor.value_serializer = "string";
    descriptor.name = "events";
    TRY(cairn_list_state_open(job.backend, &descriptor, &job.events, err));
    descriptor.ttl.ttl_ms = 0;
    descriptor.value_serializer = "pair";
    descriptor.name = "mean";
    return cairn_aggregating_state_open(job.backend, &descriptor, &mean, &job.mean, err);
}

static cairn_code open_job(cairn_job_context *context, void **self, cairn_error *err)
{
    static const cairn_timer_function function = {on_timer, NULL};
    cairn_operator_descriptor descriptor = CAIRN_OPERATOR_DESCRIPTOR_INIT;

    *self = NULL;
    job.backend = cairn_job_backend(context);
    TRY(open_values(err));
    TRY(cairn_timers_open(job.backend, "alarms", &function, &job.timers, err));
    descriptor.name = "records";
    TRY(cairn_operator_union_open(job.backend, &descriptor, &job.records, err));
    descriptor.name = "log";
    TRY(cairn_operator_list_open(job.backend, &descriptor, &job.log, err));
    descriptor.name = "rules";
    return cairn_broadcast_open(job.backend, &descriptor, &job.rules, err);
}

static cairn_code count_record(uint64_t *out, cairn_error *err)
{
    cairn_list_view view;
    cairn_slice element;
    uint8_t bytes[NUMBER_SIZE];

    TRY(cairn_operator_list_get(job.records, &view, err));
    *out = (cairn_list_next(&view, &element) ? decode(element, 0) : 0) + 1;
    encode(bytes, *out);
    const cairn_slice count = {bytes, sizeof(bytes)};
    return cairn_operator_list_update(job.records, &count, 1, err);
}

static cairn_code put_out_operator(cairn_error *err)
{
    cairn_list_view view;
    cairn_slice element;
    bool found = false;
    line out = {.len = 0};

    TRY(cairn_operator_list_get(job.records, &view, err));
    add_text(&out, cairn_slice_of("operator\t"));
    add_number(&out, cairn_list_next(&view, &element) ? decode(element, 0) : 0);
    TRY(cairn_operator_list_get(job.log, &view, err));
    while (cairn_list_next(&view, &element)) {
        add_text(&out, cairn_slice_of("\t"));
        add_text(&out, element);
    }
    TRY(cairn_broadcast_get(job.rules, cairn_slice_of("newest"), &element, &found, err));
    add_text(&out, cairn_slice_of("\t"));
    add_text(&out, found ? element : cairn_slice_of("none"));
    return emit(&out, err);
}

static cairn_code split(void *self, cairn_job_context *context, cairn_slice record,
                        cairn_error *err)
{
    const char *blank = record.len == 0 ? NULL : memchr(record.data, ' ', record.len);
    uint64_t count = 0;

    (void)self;
    job.context = context;
    if (blank == NULL) {
        return CAIRN_OK;
    }
    const cairn_slice key = {record.data, (size_t)(blank - (const char *)record.data)};
    const cairn_slice number = {blank + 1, record.len - key.len - 1};
    if (((const char *)key.data)[0] == '!') {
        TRY(cairn_timers_advance(job.timers, CAIRN_TIME_EVENT, strtoll(number.data, NULL, 10),
                                 err));
        return put_out_operator(err);
    }
    TRY(count_record(&count, err));
    if (count % LOG_EVERY == 0) {
        TRY(cairn_operator_list_add(job.log, record, err));
        TRY(cairn_broadcast_put(job.rules, cairn_slice_of("newest"), record, err));
    }
    return cairn_job_keyed(context, key, number, err);
}

static cairn_code update(cairn_slice text, uint64_t number, cairn_error *err)
{
    uint8_t bytes[NUMBER_SIZE];
    const cairn_slice encoded = {bytes, sizeof(bytes)};

    encode(bytes, number);
    TRY(cairn_value_update_u64(job.last, number, err));
    TRY(cairn_value_update_u64(job.kept, number, err));
    TRY(cairn_reducing_add(job.sum, encoded, err));
    TRY(cairn_aggregating_add(job.mean, encoded, err));
    TRY(cairn_backend_set_namespace(job.backend, cairn_slice_of(number % 2 == 0 ? "even" : "odd"),
                                    err));
    TRY(cairn_list_add(job.events, text, err));
    TRY(cairn_map_put(job.seen, text, encoded, err));
    return cairn_timers_register(job.timers, CAIRN_TIME_EVENT, (int64_t)number * 10, err);
}

static cairn_code add_events(line *out, const char *name_space, cairn_error *err)
{
    cairn_list_view view;
    cairn_slice element;

    TRY(cairn_backend_set_namespace(job.backend, cairn_slice_of(name_space), err));
    TRY(cairn_list_get(job.events, &view, err));
    add_text(out, cairn_slice_of("\t"));
    while (cairn_list_next(&view, &element)) {
        add_text(out, element);
        add_text(out, cairn_slice_of(","));
    }
    return CAIRN_OK;
}

/* All values of the map in the current namespace, added up: the order of its entries is not
 * promised. */
static cairn_code add_seen(line *out, cairn_error *err)
{
    cairn_map_iterator *entries = NULL;
    cairn_slice key;
    cairn_slice value;
    bool found = true;
    uint64_t sum = 0;

    TRY(cairn_map_iterate(job.seen, &entries, err));
    cairn_code code = cairn_map_iterator_next(entries, &key, &value, &found, err);
    while (code == CAIRN_OK && found) {
        sum += decode(value, 0);
        code = cairn_map_iterator_next(entries, &key, &value, &found, err);
    }
    cairn_map_iterator_free(entries);
    add_text(out, cairn_slice_of("\t"));
    add_number(out, sum);
    return code;
}

static cairn_code add_folds(line *out, cairn_error *err)
{
    cairn_slice bytes;
    uint64_t kept = 0;
    bool found = false;

    TRY(cairn_backend_set_namespace(job.backend, cairn_slice_of(""), err));
    TRY(cairn_value_get_u64(job.kept, &kept, &found, err));
    add_text(out, cairn_slice_of("\t"));
    add_number(out, kept);
    TRY(cairn_reducing_get(job.sum, &bytes, &found, err));
    add_text(out, cairn_slice_of("\t"));
    add_number(out, decode(bytes, 0));
    TRY(cairn_aggregating_get(job.mean, &bytes, &found, err));
    add_text(out, cairn_slice_of("\t"));
    add_number(out, decode(bytes, 0));
    return CAIRN_OK;
}

/* What the key held before the record, then what it holds with it. */
static cairn_code process(void *self, cairn_job_context *context, cairn_slice key,
                          cairn_slice value, cairn_error *err)
{
    line out = {.len = 0};
    uint64_t before = 0;
    bool found = false;

    (void)self;
    (void)context;
    TRY(cairn_value_get_u64(job.last, &before, &found, err));
    TRY(update(value, strtoull(value.data, NULL, 10), err));
    add_text(&out, key);
    add_text(&out, cairn_slice_of("\t"));
    add_number(&out, before);
    TRY(add_events(&out, "odd", err));
    TRY(add_events(&out, "even", err));
    TRY(add_seen(&out, err));
    TRY(add_folds(&out, err));
    return emit(&out, err);
}

const cairn_job *cairn_job_main(void)
{
    static const cairn_job golden = {
        .version = CAIRN_JOB_VERSION,
        .name = "golden",
        .open = open_job,
        .split = split,
        .process = process,
    };

    return &golden;
}
