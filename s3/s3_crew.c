/*
 * DESIGN: `next` of an HTTP crew cannot fail. What fails there is kept in `broken`, and ends the
 * crew when its next exchange is done or nothing is in flight.
 */
#include "s3_crew.h"

#include "errors.h"

#include <inttypes.h>

typedef enum seat_state {
    CAIRN_S3_SEAT_FREE = 0,
    CAIRN_S3_SEAT_WAITING = 1, /* its task is to be sent at ready_ms */
    CAIRN_S3_SEAT_FLYING = 2
} seat_state;

typedef struct seat {
    seat_state state;
    uint64_t ready_ms;
    s3_tries tries;
    s3_task task;
} seat;

typedef struct run {
    const s3_crew *crew;
    seat *seats;
    unsigned count;
    uint64_t next_task;
    cairn_error broken; /* code CAIRN_OK: nothing is */
} run;

static void run_release(run *r)
{
    for (unsigned i = 0; r->seats != NULL && i < r->count; i++) {
        s3_exchange_release(&r->seats[i].task.x);
    }
    mem_free(r->seats);
}
CAIRN_DEFINE_AUTO(run, run_release)

/* The seat whose task is to be sent now, or a free one for the next task; else *out_wait_ms is when
 * to ask again, if a task waits. */
static seat *find_seat(run *r, uint64_t *out_wait_ms)
{
    const uint64_t now = clock_monotonic_ms();
    seat *free_seat = NULL;

    for (unsigned i = 0; i < r->count; i++) {
        seat *s = &r->seats[i];
        if (s->state == CAIRN_S3_SEAT_FREE) {
            free_seat = s;
        } else if (s->state == CAIRN_S3_SEAT_WAITING && s->ready_ms <= now) {
            return s;
        } else if (s->state == CAIRN_S3_SEAT_WAITING && s->ready_ms - now < *out_wait_ms) {
            *out_wait_ms = s->ready_ms - now;
        }
    }
    return r->next_task < r->crew->tasks ? free_seat : NULL;
}

static void seat_next_task(run *r, seat *s)
{
    s3_exchange_release(&s->task.x);
    *s = (seat){.tries = {.begin_ms = clock_monotonic_ms()}, .task = {.index = r->next_task}};
    s->task.x =
        (s3_exchange){.store = r->crew->store, .call = r->crew->call, .request = &s->task.request};
    r->next_task++;
}

static cairn_code make_ready(run *r, seat *s, cairn_error *err)
{
    const bool fresh = s->task.sent_before && s->task.x.error.status == 0 && !s->task.at_once;

    s->task.request = (s3_request){.method = CAIRN_HTTP_GET};
    CAIRN_TRY(r->crew->write(r->crew->context, &s->task, err));
    /* Whatever the last connection suffered from, a new one may not. */
    s->task.request.flags |= fresh ? HTTP_FRESH_CONNECTION : 0;
    s->task.at_once = false;
    return s3_exchange_prepare(&s->task.x, err);
}

static bool is_ready(const s3_crew *crew)
{
    return crew->ready == NULL || crew->ready(crew->context);
}

static http_exchange *next(void *context, uint64_t *out_wait_ms)
{
    run *r = context;
    s3_pass pass = {.inside = false};
    uint64_t wait_ms = UINT64_MAX;

    if (r->broken.code != CAIRN_OK) {
        return NULL;
    }
    seat *s = find_seat(r, &wait_ms);
    if (s != NULL && s->state == CAIRN_S3_SEAT_FREE && !is_ready(r->crew)) {
        wait_ms = CAIRN_S3_AHEAD_LOOK_MS;
        s = NULL;
    }
    if (s != NULL && !s3_throttle_try(&r->crew->store->throttle, &pass)) {
        wait_ms = CAIRN_S3_PATIENCE_MS;
        s = NULL;
    }
    if (s == NULL) {
        if (wait_ms != UINT64_MAX) {
            *out_wait_ms = wait_ms;
        }
        return NULL;
    }
    if (s->state == CAIRN_S3_SEAT_FREE) {
        seat_next_task(r, s);
    }
    s->state = CAIRN_S3_SEAT_FLYING;
    s->task.x.pass = pass;
    r->broken.code = make_ready(r, s, &r->broken);
    return r->broken.code == CAIRN_OK ? &s->task.x.http : NULL;
}

static seat *seat_of(run *r, const http_exchange *exchange)
{
    unsigned i = 0;

    while (i < r->count && &r->seats[i].task.x.http != exchange) {
        i++;
    }
    CAIRN_ASSERT(i < r->count);
    return &r->seats[i];
}

static cairn_code repeat_or_fail(run *r, seat *s, const cairn_error *failure, cairn_error *err)
{
    const s3_crew *crew = r->crew;
    uint64_t delay_ms = 0;

    if (s->task.at_once || (!s->task.final && s3_tries_again(&s->tries, crew->store, crew->call,
                                                             failure, &delay_ms))) {
        s->state = CAIRN_S3_SEAT_WAITING;
        s->ready_ms = clock_monotonic_ms() + delay_ms;
        s->task.sent_before = true;
        return CAIRN_OK;
    }
    if (err != NULL) {
        *err = *failure;
    }
    return error_prefix(err, failure->code, "%s %" PRIu64 " of %" PRIu64 "%s", crew->what,
                        s->task.index + 1, crew->tasks,
                        s->tries.count > 1 ? ": repeated in vain" : "");
}

static cairn_code done(void *context, http_exchange *exchange, cairn_code code,
                       const cairn_error *why, cairn_error *err)
{
    run *r = context;
    seat *s = seat_of(r, exchange);
    cairn_error said = {0};
    cairn_error failure = {0};

    if (r->broken.code != CAIRN_OK) {
        return error_set(err, r->broken.code, "%s", r->broken.message);
    }
    code = s3_exchange_judge(&s->task.x, code, why, &s->task.at_once, &said);
    if (!s->task.at_once) {
        code = r->crew->finish(r->crew->context, &s->task, code, &said, &failure);
    }
    if (s->task.at_once || code != CAIRN_OK) {
        failure.code = code;
        return repeat_or_fail(r, s, &failure, err);
    }
    retry_budget_add(&r->crew->store->budget);
    s->state = CAIRN_S3_SEAT_FREE;
    return CAIRN_OK;
}

cairn_code s3_crew_run(const s3_crew *crew, cairn_error *err)
{
    CAIRN_AUTO(run) r = {.crew = crew, .count = crew->store->parallel};
    const http_crew work = {&r, next, done, r.count};

    r.seats = mem_calloc(r.count, sizeof(*r.seats));
    if (r.seats == NULL) {
        return error_no_memory(err, "requests side by side");
    }
    CAIRN_TRY(http_crew_run(crew->store->http, crew->call, &work, err));
    if (r.broken.code != CAIRN_OK) {
        return error_set(err, r.broken.code, "%s", r.broken.message);
    }
    return CAIRN_OK;
}
