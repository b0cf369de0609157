#include "hdfs_ranges.h"

#include "buf.h"
#include "cancel.h"
#include "errors.h"
#include "random.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MEND_PAUSE_MS 100

void hdfs_open_request_init(hdfs_open_request *open, const char *path, uint64_t offset,
                            const http_sink *sink)
{
    (void)snprintf(open->offset, sizeof(open->offset), "%" PRIu64, offset);
    (void)snprintf(open->length, sizeof(open->length), "%" PRIu64, sink->length);
    open->request = (webhdfs_request){
        .op = CAIRN_WEBHDFS_OPEN,
        .path = path,
        .params = {{"offset", open->offset}, {"length", open->length}},
        .source = {.fd = -1},
        .sink = *sink,
    };
}

/* Bytes [offset, end) of the object. */
typedef struct span {
    uint64_t offset;
    uint64_t end;
} span;

/* One range in flight. */
typedef struct slot {
    bool busy;
    bool ready; /* its exchange is to be performed (again) */
    span span;
    hdfs_open_request open;
    webhdfs_flight flight;
} slot;

typedef struct download {
    const hdfs_ranges *ranges;
    uint64_t next; /* offset of the first byte of the object that no slot has taken */
    uint64_t step;
    slot slots[CAIRN_HDFS_PARALLEL_MAX];
    cairn_buf cut; /* spans to be read alone */
    cairn_error failed;
} download;

static void download_release(download *d)
{
    for (size_t i = 0; i < CAIRN_HDFS_PARALLEL_MAX; i++) {
        webhdfs_flight_release(&d->slots[i].flight);
    }
    cairn_buf_release(&d->cut);
}
CAIRN_DEFINE_AUTO(download, download_release)

static uint64_t end_of(const hdfs_ranges *ranges)
{
    return ranges->offset + ranges->length;
}

static http_sink sink_of(const hdfs_ranges *ranges, const span *s)
{
    return (http_sink){
        .kind = CAIRN_HTTP_SINK_FILE,
        .fd = ranges->file,
        .offset = s->offset - ranges->offset,
        .length = s->end - s->offset,
    };
}

static cairn_code depart(download *d, slot *s, cairn_error *err)
{
    const http_sink sink = sink_of(d->ranges, &s->span);

    hdfs_open_request_init(&s->open, d->ranges->path, s->span.offset, &sink);
    return webhdfs_depart(&d->ranges->store->web, &s->open.request, &s->flight, err);
}

/* The next range up to a block border. */
static span take_span(download *d)
{
    const uint64_t border = (d->next / d->step + 1) * d->step;
    const uint64_t end = end_of(d->ranges);
    const span taken = {d->next, border < end ? border : end};

    d->next = taken.end;
    return taken;
}

static slot *find_slot(download *d)
{
    slot *free_slot = NULL;

    for (size_t i = 0; i < CAIRN_HDFS_PARALLEL_MAX; i++) {
        slot *s = &d->slots[i];
        if (s->busy && s->ready) {
            return s;
        }
        free_slot = s->busy ? free_slot : s;
    }
    return free_slot;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is that of http_crew */
static http_exchange *next_exchange(void *context, uint64_t *out_wait_ms)
{
    download *d = context;
    slot *s = find_slot(d);

    (void)out_wait_ms;
    if (s == NULL || d->failed.code != CAIRN_OK || (!s->busy && d->next == end_of(d->ranges))) {
        return NULL;
    }
    if (!s->busy) {
        s->span = take_span(d);
        s->busy = true;
        if (depart(d, s, &d->failed) != CAIRN_OK) {
            return NULL;
        }
    }
    s->ready = false;
    return &s->flight.exchange;
}

static slot *slot_of(download *d, const http_exchange *exchange)
{
    for (size_t i = 0; i < CAIRN_HDFS_PARALLEL_MAX; i++) {
        if (&d->slots[i].flight.exchange == exchange) {
            return &d->slots[i];
        }
    }
    return NULL;
}

static uint64_t arrived(const webhdfs_flight *flight)
{
    return hdfs_was_cut(flight) ? flight->exchange.reply.received : 0;
}

/* Not if the server asks to be left alone: then the whole call is made again, later. */
static bool goes_on(const webhdfs_flight *flight, const cairn_error *why)
{
    return (why->code == CAIRN_E_UNAVAILABLE && why->retry_after_ms == 0) ||
           flight->failure.action == CAIRN_WEBHDFS_RENEW;
}

static cairn_code keep_cut(download *d, const slot *s, cairn_error *err)
{
    const span rest = {s->span.offset + arrived(&s->flight), s->span.end};

    return buf_append(&d->cut, &rest, sizeof(rest), err);
}

static cairn_code exchange_done(void *context, http_exchange *exchange, cairn_code code,
                                const cairn_error *why, cairn_error *err)
{
    download *d = context;
    slot *s = slot_of(d, exchange);
    cairn_error own = {0};

    CAIRN_ASSERT(s != NULL);
    const cairn_code arrival =
        webhdfs_arrive(&d->ranges->store->web, &s->flight, code, why, &s->ready, &own);
    if (arrival == CAIRN_OK && s->ready) {
        return CAIRN_OK;
    }
    s->busy = false;
    if (arrival == CAIRN_OK) {
        const uint64_t end = s->span.offset + s->flight.exchange.reply.received;
        return end == s->span.end ? CAIRN_OK : hdfs_too_short(end, err);
    }
    if (s->flight.failure.action == CAIRN_WEBHDFS_NEXT) {
        hdfs_namenodes_move(&d->ranges->store->web.namenodes, s->flight.namenode);
    }
    return goes_on(&s->flight, &own) ? keep_cut(d, s, err) : webhdfs_pass(arrival, &own, err);
}

/* Reads one span alone, going on where it is cut. Cut without a byte twice at one place: damage. */
static cairn_code mend(const hdfs_ranges *ranges, span s, cairn_error *err)
{
    CAIRN_AUTO(webhdfs_flight) flight = {.request = NULL};
    unsigned tries = 0;
    unsigned cuts = 0;

    while (s.offset < s.end) {
        hdfs_open_request open;
        cairn_error own = {0};
        const http_sink sink = sink_of(ranges, &s);
        hdfs_open_request_init(&open, ranges->path, s.offset, &sink);
        const cairn_code code =
            hdfs_request(ranges->store, ranges->call, &open.request, &flight, &own);
        const uint64_t got = arrived(&flight);
        s.offset += got;
        if (code == CAIRN_OK) {
            return s.offset == s.end ? CAIRN_OK : hdfs_too_short(s.offset, err);
        }
        tries = got > 0 ? 0 : tries + 1;
        if (flight.failure.cause != CAIRN_WEBHDFS_NO_DATANODE) {
            cuts = got > 0 || !hdfs_was_cut(&flight) ? 0 : cuts + 1;
        }
        if (cuts == 2) {
            return hdfs_damaged(s.offset, err);
        }
        if (code != CAIRN_E_UNAVAILABLE || own.retry_after_ms > 0 ||
            tries == CAIRN_HDFS_TRIES_MAX) {
            return webhdfs_pass(code, &own, err);
        }
        CAIRN_TRY(
            call_sleep(ranges->call, random_u64() % MEND_PAUSE_MS, "before another try", err));
    }
    return CAIRN_OK;
}

static cairn_code mend_all(const download *d, cairn_error *err)
{
    for (size_t at = 0; at < d->cut.len; at += sizeof(span)) {
        span s;
        memcpy(&s, d->cut.data + at, sizeof(s));
        CAIRN_TRY(mend(d->ranges, s, err));
    }
    return CAIRN_OK;
}

/* Whole blocks, at least CAIRN_HDFS_RANGE_BYTES of them. */
static uint64_t range_bytes(uint64_t block_bytes)
{
    const uint64_t block = block_bytes == 0 ? CAIRN_HDFS_BLOCK_BYTES : block_bytes;
    const uint64_t blocks = (CAIRN_HDFS_RANGE_BYTES + block - 1) / block;

    return blocks * block;
}

cairn_code hdfs_ranges_read(const hdfs_ranges *ranges, cairn_error *err)
{
    CAIRN_AUTO(download)
    d = {.ranges = ranges, .next = ranges->offset, .step = range_bytes(ranges->block_bytes)};
    const http_crew crew = {
        .context = &d,
        .next = next_exchange,
        .done = exchange_done,
        .width = CAIRN_HDFS_PARALLEL_MAX,
    };

    CAIRN_TRY(http_crew_run(ranges->store->web.http, ranges->call, &crew, err));
    if (d.failed.code != CAIRN_OK) {
        return webhdfs_pass(d.failed.code, &d.failed, err);
    }
    return mend_all(&d, err);
}
