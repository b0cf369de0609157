/* Driving exchanges side by side; a single one is a crew of one. */
#include "cancel.h"
#include "clock.h"
#include "errors.h"
#include "http_impl.h"

/* No wait was asked for. */
#define NO_WAIT UINT64_MAX

typedef struct crew_run {
    http_client *client;
    const cairn_call *call;
    const http_crew *crew;
    http_lane *lane;
    unsigned width;
    unsigned in_flight;
    uint64_t wait_ms; /* until `next` is asked again; NO_WAIT: when an exchange ended */
} crew_run;

static cairn_code deliver(const crew_run *run, http_exchange *exchange, cairn_code code,
                          const cairn_error *why, cairn_error *err)
{
    return run->crew->done(run->crew->context, exchange, code, why, err);
}

static cairn_code begin(crew_run *run, http_exchange *exchange, cairn_error *err)
{
    cairn_error why = {0};
    http_transfer *transfer = NULL;

    CAIRN_TRY(http_lane_transfer(run->client, run->lane, &transfer, err));
    const cairn_code code = http_transfer_begin(transfer, run->call, exchange, &why);
    if (code != CAIRN_OK) {
        return deliver(run, exchange, code, &why, err);
    }
    if (curl_multi_add_handle(run->lane->multi, transfer->easy) != CURLM_OK) {
        http_transfer_abandon(transfer);
        return error_no_memory(err, "begin an HTTP exchange");
    }
    run->in_flight++;
    atomic_fetch_add(&run->client->requests, 1);
    return CAIRN_OK;
}

/* Begins what there is to begin. */
static cairn_code fill(crew_run *run, cairn_error *err)
{
    run->wait_ms = NO_WAIT;
    while (run->in_flight < run->width) {
        http_exchange *exchange = run->crew->next(run->crew->context, &run->wait_ms);
        if (exchange == NULL) {
            return CAIRN_OK;
        }
        run->wait_ms = NO_WAIT;
        CAIRN_TRY(begin(run, exchange, err));
    }
    return CAIRN_OK;
}

static cairn_code end_one(crew_run *run, http_transfer *transfer, CURLcode result, cairn_error *err)
{
    http_exchange *exchange = transfer->exchange;
    cairn_error why = {0};

    (void)curl_multi_remove_handle(run->lane->multi, transfer->easy);
    run->in_flight--;
    if (http_is_vain_wait(result)) {
        atomic_store(&run->client->waited_in_vain_ms, clock_monotonic_ms());
    }
    const cairn_code code = http_transfer_end(transfer, result, &why);
    return deliver(run, exchange, code, &why, err);
}

/* Ends what has ended; *out_count tells how many. */
static cairn_code collect(crew_run *run, unsigned *out_count, cairn_error *err)
{
    int left = 0;

    for (;;) {
        const CURLMsg *message = curl_multi_info_read(run->lane->multi, &left);
        if (message == NULL) {
            return CAIRN_OK;
        }
        const CURLcode result = message->data.result; /* gone with the handle */
        http_transfer *transfer = NULL;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        (*out_count)++;
        CAIRN_TRY(end_one(run, transfer, result, err));
    }
}

static cairn_code curl_says(CURLMcode result, cairn_error *err)
{
    if (result == CURLM_OK) {
        return CAIRN_OK;
    }
    return result == CURLM_OUT_OF_MEMORY || http_memory_failed()
               ? error_no_memory(err, "HTTP exchanges")
               : error_set(err, CAIRN_E_INTERNAL, "HTTP: %s", curl_multi_strerror(result));
}

static int poll_ms(const crew_run *run)
{
    const bool can_be_cancelled = run->call != NULL && run->call->cancel != NULL;
    const uint64_t tick_ms = can_be_cancelled ? CAIRN_CANCEL_POLL_MS : CAIRN_HTTP_TICK_MS;
    const uint64_t left_ms =
        call_remaining_ms(run->call, run->wait_ms < tick_ms ? run->wait_ms : tick_ms);

    return left_ms > 0 ? (int)left_ms : 1;
}

/* What the crew works at, for a message about all of it. */
static cairn_code check_call(const crew_run *run, cairn_error *err)
{
    char label[HTTP_LABEL_SIZE] = "HTTP";

    if (call_check(run->call, label, NULL) == CAIRN_OK) {
        return CAIRN_OK;
    }
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(run->lane->transfers); i++) {
        const http_transfer *transfer = run->lane->transfers[i];
        if (transfer != NULL && transfer->exchange != NULL) {
            http_label(transfer->exchange, label);
            break;
        }
    }
    return call_check(run->call, label, err);
}

static cairn_code drive(crew_run *run, cairn_error *err)
{
    for (;;) {
        unsigned ended = 0;
        int running = 0;

        CAIRN_TRY(check_call(run, err));
        CAIRN_TRY(fill(run, err));
        if (run->in_flight == 0 && run->wait_ms == NO_WAIT) {
            return CAIRN_OK;
        }
        CAIRN_TRY(curl_says(curl_multi_perform(run->lane->multi, &running), err));
        CAIRN_TRY(collect(run, &ended, err));
        if (ended == 0) {
            CAIRN_TRY(
                curl_says(curl_multi_poll(run->lane->multi, NULL, 0, poll_ms(run), NULL), err));
        }
    }
}

static void drop_all(crew_run *run)
{
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(run->lane->transfers); i++) {
        http_transfer *transfer = run->lane->transfers[i];
        if (transfer != NULL && transfer->exchange != NULL) {
            (void)curl_multi_remove_handle(run->lane->multi, transfer->easy);
            http_transfer_abandon(transfer);
        }
    }
}

cairn_code http_crew_run(http_client *client, const cairn_call *call, const http_crew *crew,
                         cairn_error *err)
{
    crew_run run = {.client = client, .call = call, .crew = crew};

    if (crew->width == 0 || crew->width > CAIRN_HTTP_CREW_MAX) {
        return error_set(err, CAIRN_E_INVALID, "HTTP: a crew is 1 to %d exchanges wide",
                         CAIRN_HTTP_CREW_MAX);
    }
    CAIRN_TRY(http_lane_take(client, &run.lane, err));
    run.width = crew->width < client->options.connections ? crew->width
                                                          : client->options.connections;
    const cairn_code code = drive(&run, err);
    /* The deadline may have come while a peer was silent: it may stay so. */
    if (code == CAIRN_E_TIMEOUT) {
        atomic_store(&client->waited_in_vain_ms, clock_monotonic_ms());
    }
    drop_all(&run);
    http_lane_return(client, run.lane);
    return code;
}

typedef struct single {
    http_exchange *exchange; /* NULL once it was given */
} single;

static http_exchange *next_single(void *context, uint64_t *out_wait_ms)
{
    single *self = context;

    *out_wait_ms = NO_WAIT;
    return CAIRN_TAKE(self->exchange);
}

static cairn_code done_single(void *context, http_exchange *exchange, cairn_code code,
                              const cairn_error *why, cairn_error *err)
{
    (void)context;
    (void)exchange;
    if (code != CAIRN_OK && err != NULL) {
        *err = *why;
    }
    return code;
}

cairn_code http_perform(http_client *client, const cairn_call *call, http_exchange *exchange,
                        cairn_error *err)
{
    single self = {.exchange = exchange};
    const http_crew crew = {.context = &self, .next = next_single, .done = done_single, .width = 1};

    return http_crew_run(client, call, &crew, err);
}
