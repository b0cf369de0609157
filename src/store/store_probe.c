#include "store_probe.h"

#include "bounds.h"
#include "buf.h"
#include "cancel.h"
#include "clock.h"
#include "errors.h"
#include "random.h"
#include "retry.h"
#include "store_front.h"
#include "workpool.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define WRITERS     2
#define SMALL_BYTES 64 /* for questions that no race decides */

typedef enum race_result {
    CAIRN_RACE_VOID = 0,
    CAIRN_RACE_CLEAN = 1,
    CAIRN_RACE_DOUBLE_WIN = 2,
    CAIRN_RACE_WRONG_BYTES = 3
} race_result;

typedef struct probe {
    cairn_store *store;
    const cairn_call *call;
    const char *prefix;
    workpool *pool;
    uint8_t *bodies[WRITERS]; /* CAIRN_PROBE_BODY_BYTES each */
    store_probe *seen;
    uint64_t sequence;  /* of keys */
    unsigned void_sum;  /* questions without a result, of all */
    unsigned void_row;  /* the same, one after the other */
    uint64_t row_ms;    /* when that row began */
    cairn_error latest; /* why the last of them has none */
} probe;

struct race;

typedef struct writer {
    struct race *race;
    cairn_slice body;
    uint64_t delay_ms; /* behind the other one */
    uint32_t halt_ms;  /* in the middle of its body */
    cairn_code code;
    cairn_error err;
} writer;

typedef struct race {
    probe *owner;
    const char *key;
    atomic_uint arrived;
    writer writers[WRITERS];
} race;

static cairn_code put_create(const probe *p, const char *key, cairn_slice body, cairn_error *err)
{
    return cairn_store_put(p->store, p->call, key, body, CAIRN_PUT_CREATE, err);
}

/* A body for that writer, which no other has. */
static cairn_slice make_body(probe *p, size_t writer_index, size_t length)
{
    random_id((char *)p->bodies[writer_index]);
    return (cairn_slice){p->bodies[writer_index], length};
}

static cairn_code make_room(probe *p, cairn_error *err)
{
    for (size_t i = 0; i < WRITERS; i++) {
        p->bodies[i] = mem_calloc(1, CAIRN_PROBE_BODY_BYTES);
        if (p->bodies[i] == NULL) {
            return error_no_memory(err, "a probe");
        }
    }
    return CAIRN_OK;
}

static cairn_code next_key(probe *p, cairn_buf *out, const char **out_key, cairn_error *err)
{
    buf_clear(out);
    CAIRN_TRY(buf_printf(out, err, "%s/%llu", p->prefix, (unsigned long long)p->sequence++));
    *out_key = buf_text(out);
    return *out_key != NULL ? CAIRN_OK : error_no_memory(err, "a probe");
}

static void forget(const probe *p, const char *key)
{
    (void)cairn_store_delete(p->store, p->call, key, NULL);
}

/* An answer is missing: wait, or say why there will be none. */
static cairn_code await_answer(probe *p, cairn_error *err)
{
    uint64_t delay_ms = 0;

    if (p->void_row++ == 0) {
        p->row_ms = clock_monotonic_ms();
    }
    const retry_failure failure = {
        .attempt = p->void_row,
        .code = CAIRN_E_UNAVAILABLE,
        .retry_after_ms = p->latest.retry_after_ms,
        .elapsed_ms = clock_monotonic_ms() - p->row_ms,
        .remaining_ms = call_remaining_ms(p->call, UINT64_MAX),
        .random = random_u64(),
    };
    if (++p->void_sum > CAIRN_PROBE_VOID_MAX || !retry_decide(&failure, &delay_ms)) {
        return error_set(err, CAIRN_E_UNAVAILABLE, "%s", p->latest.message);
    }
    return call_sleep(p->call, delay_ms, "waiting to probe again", err);
}

/* What a read says of the one put that has won. */
static cairn_code compare(probe *p, const char *key, cairn_slice body, race_result *out,
                          cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) stored = {0};
    cairn_error problem = {0};
    const cairn_code code =
        cairn_store_get(p->store, p->call, key, CAIRN_PROBE_BODY_BYTES, &stored, &problem);

    if (retry_is_transient(code)) {
        p->latest = problem;
        *out = CAIRN_RACE_VOID;
        return CAIRN_OK;
    }
    if (code != CAIRN_OK && code != CAIRN_E_NOT_FOUND && code != CAIRN_E_LIMIT) {
        return error_set(err, code, "%s", problem.message);
    }
    const bool same = cairn_slice_equal(cairn_buf_slice(&stored), body);
    *out = code == CAIRN_OK && same ? CAIRN_RACE_CLEAN : CAIRN_RACE_WRONG_BYTES;
    return CAIRN_OK;
}

/* One call that may remain without an answer. True: it has, in *out. */
static bool has_answer(probe *p, cairn_code code, const cairn_error *problem)
{
    if (retry_is_transient(code)) {
        p->latest = *problem;
        return false;
    }
    return true;
}

/* --- one after the other ---------------------------------------------------------------------- */

static cairn_code refuse(probe *p, const cairn_error *problem)
{
    p->seen->verdict = CAIRN_PROBE_REFUSED;
    (void)snprintf(p->seen->detail, sizeof(p->seen->detail), "create-only puts are refused: %s",
                   problem->message);
    return CAIRN_OK;
}

static cairn_code ignored(probe *p, const char *how)
{
    p->seen->verdict = CAIRN_PROBE_IGNORED;
    (void)snprintf(p->seen->detail, sizeof(p->seen->detail), "a create-only put of a key that %s",
                   how);
    return CAIRN_OK;
}

static cairn_code judge_second(probe *p, const char *key, cairn_slice first, cairn_code second,
                               bool *out_void, cairn_error *err)
{
    race_result result = CAIRN_RACE_VOID;

    if (second == CAIRN_OK) {
        return ignored(p, "exists was accepted");
    }
    CAIRN_TRY(compare(p, key, first, &result, err));
    *out_void = result == CAIRN_RACE_VOID;
    return result == CAIRN_RACE_WRONG_BYTES
               ? ignored(p, "exists was refused, and yet its bytes are gone")
               : CAIRN_OK;
}

static cairn_code put_twice(probe *p, const char *key, bool *out_void, cairn_error *err)
{
    const cairn_slice first = make_body(p, 0, SMALL_BYTES);
    cairn_error problem = {0};

    *out_void = false;
    cairn_code code = put_create(p, key, first, &problem);
    if (code == CAIRN_OK) {
        code = put_create(p, key, make_body(p, 1, SMALL_BYTES), &problem);
        if (code == CAIRN_OK || code == CAIRN_E_EXISTS) {
            return judge_second(p, key, first, code, out_void, err);
        }
    }
    if (code == CAIRN_E_INCOMPATIBLE) {
        return refuse(p, &problem);
    }
    /* A new key that exists: the driver's own second sending has met the first. */
    *out_void = code == CAIRN_E_EXISTS || !has_answer(p, code, &problem);
    return *out_void ? CAIRN_OK : error_set(err, code, "%s", problem.message);
}

/* --- at the same time ------------------------------------------------------------------------- */

static cairn_code put_at_once(void *argument, cairn_error *err)
{
    writer *w = argument;
    race *r = w->race;

    (void)err;
    atomic_fetch_add(&r->arrived, 1);
    /* Spinning, since waking up a thread takes longer than some servers leave open. */
    while (atomic_load(&r->arrived) < WRITERS && call_check(r->owner->call, "", NULL) == CAIRN_OK) {
        (void)sched_yield();
    }
    (void)call_sleep(r->owner->call, w->delay_ms, "waiting to race", NULL);
    w->code =
        store_put_halting(r->owner->store, r->owner->call, r->key, w->body, w->halt_ms, &w->err);
    return CAIRN_OK;
}

/*
 * Side by side: both begin and end at the same time, for a server that looks right before it
 * writes. Some overtake: a short put begins and ends while the other one halts, for a server that
 * looks when a request begins, and then lets both pass.
 */
static void line_up(race *r, unsigned number)
{
    const bool overtakes = number % CAIRN_PROBE_OVERTAKE_EACH == 1;

    for (size_t i = 0; i < WRITERS; i++) {
        r->writers[i].race = r;
        r->writers[i].body = make_body(r->owner, i, CAIRN_PROBE_BODY_BYTES);
    }
    if (overtakes) {
        r->writers[0].halt_ms = CAIRN_PROBE_HALT_MS;
        r->writers[1].body.len = SMALL_BYTES;
        r->writers[1].delay_ms = CAIRN_PROBE_HALT_MS / 4;
    }
}

static cairn_code let_race(race *r, cairn_error *err)
{
    CAIRN_AUTO_PTR(workgroup_free) workgroup *group = NULL;
    cairn_code code;

    CAIRN_TRY(workgroup_new(r->owner->pool, &group, err));
    for (size_t i = 0; i < WRITERS; i++) {
        code = workgroup_submit(group, put_at_once, &r->writers[i], err);
        if (code != CAIRN_OK) {
            atomic_store(&r->arrived, WRITERS); /* who waits for this one already, go */
            return code;
        }
    }
    return workgroup_wait(group, err);
}

static cairn_code judge_race(probe *p, race *r, race_result *out, cairn_error *err)
{
    const writer *winner = NULL;
    unsigned wins = 0;
    bool answered = true;

    for (size_t i = 0; i < WRITERS; i++) {
        const writer *w = &r->writers[i];
        if (w->code == CAIRN_OK) {
            winner = w;
            wins++;
        } else if (w->code != CAIRN_E_EXISTS && has_answer(p, w->code, &w->err)) {
            return error_set(err, w->code, "%s", w->err.message);
        }
        answered = answered && !retry_is_transient(w->code);
    }
    if (wins == WRITERS) {
        *out = CAIRN_RACE_DOUBLE_WIN;
        return CAIRN_OK;
    }
    if (wins == 0 || !answered) {
        *out = CAIRN_RACE_VOID;
        return CAIRN_OK;
    }
    return compare(p, r->key, winner->body, out, err);
}

static void count(store_probe *seen, race_result result)
{
    seen->races++;
    seen->double_wins += result == CAIRN_RACE_DOUBLE_WIN;
    seen->wrong_bytes += result == CAIRN_RACE_WRONG_BYTES;
}

static cairn_code hold_race(probe *p, const char *key, bool *out_void, cairn_error *err)
{
    race r = {.owner = p, .key = key};
    race_result result = CAIRN_RACE_VOID;

    line_up(&r, p->seen->races);
    CAIRN_TRY(let_race(&r, err));
    CAIRN_TRY(judge_race(p, &r, &result, err));
    *out_void = result == CAIRN_RACE_VOID;
    if (!*out_void) {
        count(p->seen, result);
    }
    return CAIRN_OK;
}

/* --- all -------------------------------------------------------------------------------------- */

typedef cairn_code (*question)(probe *p, const char *key, bool *out_void, cairn_error *err);

/* Asks with new keys until there is a result. */
static cairn_code ask(probe *p, question put, cairn_error *err)
{
    bool is_void = true;

    p->void_row = 0;
    while (is_void) {
        CAIRN_AUTO(cairn_buf) text = {0};
        const char *key = NULL;
        CAIRN_TRY(next_key(p, &text, &key, err));
        (void)error_set(&p->latest, CAIRN_E_UNAVAILABLE,
                        "every writer of a new key is told that it exists");
        const cairn_code code = put(p, key, &is_void, err);
        forget(p, key);
        CAIRN_TRY(code);
        CAIRN_TRY(call_check(p->call, "probing", err));
        if (is_void) {
            CAIRN_TRY(await_answer(p, err));
        }
    }
    return CAIRN_OK;
}

static void conclude(store_probe *seen)
{
    char *text = seen->detail;
    const size_t size = sizeof(seen->detail);

    if (seen->double_wins + seen->wrong_bytes == 0) {
        (void)snprintf(text, size, "%u of %u races had one winner", seen->races, seen->races);
        return;
    }
    seen->verdict = CAIRN_PROBE_RACY;
    if (seen->wrong_bytes == 0) {
        (void)snprintf(text, size, "%u of %u races had two winners", seen->double_wins,
                       seen->races);
    } else {
        (void)snprintf(text, size,
                       "%u of %u races had two winners, %u left other bytes than the winner's",
                       seen->double_wins, seen->races, seen->wrong_bytes);
    }
}

static cairn_code run(probe *p, unsigned rounds, cairn_error *err)
{
    CAIRN_TRY(ask(p, put_twice, err));
    if (p->seen->verdict != CAIRN_PROBE_ATOMIC) {
        return CAIRN_OK;
    }
    for (unsigned i = 0; i < rounds; i++) {
        CAIRN_TRY(ask(p, hold_race, err));
    }
    conclude(p->seen);
    return CAIRN_OK;
}

cairn_code store_probe_create(cairn_store *store, const cairn_call *call, const char *key_prefix,
                              unsigned rounds, store_probe *out, cairn_error *err)
{
    CAIRN_AUTO_PTR(workpool_free) workpool *pool = NULL;
    store_probe seen = {.verdict = CAIRN_PROBE_ATOMIC};

    CAIRN_TRY(workpool_new(WRITERS, &pool, err));
    probe p = {.store = store, .call = call, .prefix = key_prefix, .pool = pool, .seen = &seen};
    cairn_code code = make_room(&p, err);
    code = code != CAIRN_OK ? code : run(&p, rounds, err);
    for (size_t i = 0; i < WRITERS; i++) {
        mem_free(p.bodies[i]);
    }
    if (code != CAIRN_OK) {
        return error_prefix(err, code, "probe create-only puts");
    }
    *out = seen;
    return CAIRN_OK;
}
