/*
 * A job for `cairn run`: which views led to a purchase, joined within the sessions of each user.
 *
 * Input lines are `ms,user,view,item` and `ms,user,buy,item` (at most 15 digits; user and item of 1
 * to 100 bytes, none of them zero); others are passed over. Records of a user that lie no more than
 * 30 s of event time apart are one session. When it is over for good (a record of any user came
 * that is 5 s newer than the session's last record and the 30 s behind it, or the input ended),
 * each of its purchases gives
 *
 *   user TAB item TAB ms TAB views    views of that item in the session, not after the purchase
 *
 * and a record that came when its session was over gives `late TAB ms TAB user TAB item`.
 *
 * A user's open sessions are a map state: name of the session -> its first time and its end. The
 * records of a session are two list states in the namespace of that name, and a timer there ends
 * it. A record that lies between two sessions makes them one: their lists are merged.
 *
 *   make -f job.mk session_join_job.so
 *   cairn run ./session_join_job.so --input FILE --output DIR --checkpoints file:///...
 */
#include "event_time.h"

#include <inttypes.h>
#include <stdio.h>

#define GAP_MS          30000
#define NAME_BYTES_MAX  100 /* of a user, of an item */
#define LINE_BYTES      (2 * NAME_BYTES_MAX + 64)
#define SESSION_NAME    24
#define ELEMENT_BYTES   (EVENT_TIME_BYTES + NAME_BYTES_MAX)
#define SESSIONS_JOINED 2 /* sessions lie more than a gap apart: a record touches two at most */

/* [start, end), where `end` is a gap behind its last record. Its name is the time of the record
 * that began it; no other open session of the user can have the same. */
typedef struct session {
    char name[SESSION_NAME];
    size_t name_len;
    int64_t start;
    int64_t end;
} session;

typedef struct event {
    int64_t ms;
    bool is_buy;
    cairn_slice user;
    cairn_slice item;
} event;

/* All but the watermark and the record at hand is in cairn's state. */
static struct {
    event_time time;
    cairn_map_state *sessions;
    cairn_list_state *views;
    cairn_list_state *buys;
    cairn_backend *backend;
    cairn_job_context *context; /* of the call that runs: timers fire within it */
    event at_hand;
} job;

static cairn_slice item_of(cairn_slice element)
{
    return (cairn_slice){(const uint8_t *)element.data + EVENT_TIME_BYTES,
                         element.len - EVENT_TIME_BYTES};
}

static bool same(cairn_slice a, cairn_slice b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

/* Views of the item of `buy` in the current session, up to its time. */
static cairn_code count_views(cairn_slice buy, uint64_t *out, cairn_error *err)
{
    const int64_t ms = event_time_get(buy.data);
    cairn_list_view view;
    cairn_slice element;

    *out = 0;
    TRY(cairn_list_get(job.views, &view, err));
    while (cairn_list_next(&view, &element)) {
        if (event_time_get(element.data) <= ms && same(item_of(element), item_of(buy))) {
            (*out)++;
        }
    }
    return CAIRN_OK;
}

static cairn_code put_out_buy(cairn_slice user, cairn_slice buy, cairn_error *err)
{
    const cairn_slice item = item_of(buy);
    char line[LINE_BYTES];
    uint64_t views = 0;

    TRY(count_views(buy, &views, err));
    const int len = snprintf(line, sizeof(line), "%.*s\t%.*s\t%" PRId64 "\t%" PRIu64, (int)user.len,
                             (const char *)user.data, (int)item.len, (const char *)item.data,
                             event_time_get(buy.data), views);
    return cairn_job_emit(job.context, (cairn_slice){line, (size_t)len}, err);
}

/* The session that the timer names is over. */
static cairn_code put_out(void *context, const cairn_timer *timer, cairn_error *err)
{
    cairn_list_view view;
    cairn_slice buy;

    (void)context;
    TRY(cairn_list_get(job.buys, &view, err));
    while (cairn_list_next(&view, &buy)) {
        TRY(put_out_buy(timer->key, buy, err));
    }
    TRY(cairn_list_clear(job.buys, err));
    TRY(cairn_list_clear(job.views, err));
    TRY(cairn_backend_set_namespace(job.backend, cairn_slice_of(""), err));
    return cairn_map_remove(job.sessions, timer->name_space, err);
}

static cairn_code open_job(cairn_job_context *context, void **self, cairn_error *err)
{
    static const cairn_timer_function function = {put_out, NULL};
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;

    *self = NULL;
    job.backend = cairn_job_backend(context);
    descriptor.key_serializer = "string";
    descriptor.name = "sessions";
    TRY(cairn_map_state_open(job.backend, &descriptor, &job.sessions, err));
    descriptor.name = "views";
    TRY(cairn_list_state_open(job.backend, &descriptor, &job.views, err));
    descriptor.name = "buys";
    TRY(cairn_list_state_open(job.backend, &descriptor, &job.buys, err));
    return event_time_open(&job.time, job.backend, &function, err);
}

static bool is_name(cairn_slice text)
{
    return text.len > 0 && text.len <= NAME_BYTES_MAX && memchr(text.data, '\0', text.len) == NULL;
}

static bool parse(cairn_slice record, event *out)
{
    const cairn_slice ms = event_time_cut(&record, ',');
    const cairn_slice user = event_time_cut(&record, ',');
    const cairn_slice kind = event_time_cut(&record, ',');
    const bool is_buy = same(kind, cairn_slice_of("buy"));

    *out = (event){0, is_buy, user, record};
    return event_time_parse(ms, &out->ms) && is_name(user) && is_name(record) &&
           (is_buy || same(kind, cairn_slice_of("view")));
}

static cairn_code split(void *self, cairn_job_context *context, cairn_slice record,
                        cairn_error *err)
{
    (void)self;
    job.context = context;
    if (!parse(record, &job.at_hand)) {
        return CAIRN_OK;
    }
    TRY(cairn_job_keyed(context, job.at_hand.user, job.at_hand.item, err));
    return event_time_advance(&job.time, job.at_hand.ms, err);
}

/* The user's open sessions that the record touches, the older one first. */
static cairn_code find_touched(session found[SESSIONS_JOINED], size_t *out_count, cairn_error *err)
{
    cairn_map_iterator *entries = NULL;
    cairn_slice name;
    cairn_slice value;
    bool more = false;
    size_t count = 0;

    TRY(cairn_map_iterate(job.sessions, &entries, err));
    cairn_code code = cairn_map_iterator_next(entries, &name, &value, &more, err);
    while (code == CAIRN_OK && more && count < SESSIONS_JOINED) {
        session *next = &found[count];

        next->name_len = name.len;
        memcpy(next->name, name.data, name.len);
        next->start = event_time_get(value.data);
        next->end = event_time_get((const uint8_t *)value.data + EVENT_TIME_BYTES);
        count += next->start <= job.at_hand.ms + GAP_MS && next->end >= job.at_hand.ms ? 1 : 0;
        code = cairn_map_iterator_next(entries, &name, &value, &more, err);
    }
    cairn_map_iterator_free(entries);
    if (count == SESSIONS_JOINED && found[1].start < found[0].start) {
        const session newer = found[0];

        found[0] = found[1];
        found[1] = newer;
    }
    *out_count = count;
    return code;
}

static cairn_slice name_of(const session *of)
{
    return (cairn_slice){of->name, of->name_len};
}

/* Forgets a session, all but its records; the void namespace is the current one. */
static cairn_code forget(const session *old, cairn_error *err)
{
    TRY(cairn_map_remove(job.sessions, name_of(old), err));
    TRY(cairn_backend_set_namespace(job.backend, name_of(old), err));
    TRY(cairn_timers_delete(job.time.timers, CAIRN_TIME_EVENT, old->end - 1, err));
    return cairn_backend_set_namespace(job.backend, cairn_slice_of(""), err);
}

/* Makes of the sessions that a record touches one, which holds the record's time too. */
static cairn_code join(session found[SESSIONS_JOINED], size_t count, cairn_error *err)
{
    session *all = &found[0];
    const event *new = &job.at_hand;

    for (size_t i = 0; i < count; i++) {
        TRY(forget(&found[i], err));
    }
    if (count == SESSIONS_JOINED) {
        const cairn_slice source = name_of(&found[1]);

        TRY(cairn_list_merge_namespaces(job.views, name_of(all), &source, 1, err));
        TRY(cairn_list_merge_namespaces(job.buys, name_of(all), &source, 1, err));
        all->end = found[1].end;
    }
    all->start = new->ms < all->start ? new->ms : all->start;
    all->end = new->ms + GAP_MS > all->end ? new->ms + GAP_MS : all->end;
    return CAIRN_OK;
}

static session begin(void)
{
    session new = {.start = job.at_hand.ms, .end = job.at_hand.ms + GAP_MS};

    new.name_len = (size_t)snprintf(new.name, sizeof(new.name), "%" PRId64, new.start);
    return new;
}

static cairn_code put_out_late(cairn_error *err)
{
    const event *late = &job.at_hand;
    char line[LINE_BYTES];
    const int len = snprintf(line, sizeof(line), "late\t%" PRId64 "\t%.*s\t%.*s", late->ms,
                             (int)late->user.len, (const char *)late->user.data,
                             (int)late->item.len, (const char *)late->item.data);

    return cairn_job_emit(job.context, (cairn_slice){line, (size_t)len}, err);
}

/* Writes the session and its timer, and adds the record to it. */
static cairn_code keep(const session *in, cairn_error *err)
{
    const event *new = &job.at_hand;
    uint8_t times[2 * EVENT_TIME_BYTES];
    uint8_t element[ELEMENT_BYTES];

    event_time_put(times, in->start);
    event_time_put(times + EVENT_TIME_BYTES, in->end);
    event_time_put(element, new->ms);
    memcpy(element + EVENT_TIME_BYTES, new->item.data, new->item.len);
    TRY(cairn_map_put(job.sessions, name_of(in), (cairn_slice){times, sizeof(times)}, err));
    TRY(cairn_backend_set_namespace(job.backend, name_of(in), err));
    TRY(cairn_timers_register(job.time.timers, CAIRN_TIME_EVENT, in->end - 1, err));
    return cairn_list_add(new->is_buy ? job.buys : job.views,
                          (cairn_slice){element, EVENT_TIME_BYTES + new->item.len}, err);
}

static cairn_code process(void *self, cairn_job_context *context, cairn_slice key,
                          cairn_slice value, cairn_error *err)
{
    session touched[SESSIONS_JOINED] = {0};
    size_t count = 0;

    (void)self;
    (void)context;
    (void)key;
    (void)value;
    TRY(find_touched(touched, &count, err));
    if (count > 0) {
        TRY(join(touched, count, err));
    } else if (job.at_hand.ms + GAP_MS - 1 <= job.time.watermark) {
        return put_out_late(err);
    } else {
        touched[0] = begin();
    }
    return keep(&touched[0], err);
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
    static const cairn_job session_join = {
        .version = CAIRN_JOB_VERSION,
        .name = "session-join",
        .open = open_job,
        .split = split,
        .process = process,
        .before_checkpoint = before_checkpoint,
        .end_of_input = end_of_input,
    };

    return &session_join;
}
