/* Several threads on one store. */
#include "test.h"

#include "cancel.h"
#include "clock.h"
#include "fsutil.h"
#include "store_contract_cases.h"
#include "threads.h"

#include <stdatomic.h>
#include <stdio.h>

#define RACERS      16
#define RACE_BYTES  ((size_t)5000)
#define SEEN_BYTES  ((size_t)300000)
#define SWAPS       40
#define SWAPS_MAX   100000
#define LOOKS       100
#define MIXED       8
#define MIXED_BYTES ((size_t)2000)

typedef struct racer {
    contract *c;
    const char *key;
    size_t number;
    cairn_code code;
} racer;

static void race(void *argument)
{
    racer *r = argument;
    uint8_t body[RACE_BYTES];

    contract_fill(body, sizeof(body), r->number);
    r->code = cairn_store_put(r->c->store, NULL, r->key, (cairn_slice){body, sizeof(body)},
                              CAIRN_PUT_CREATE, NULL);
}

/* The object holds what one of those who were told OK has put. */
static void expect_a_winner(contract *c, const racer *racers)
{
    CAIRN_AUTO(cairn_buf) found = {0};
    uint8_t body[RACE_BYTES];
    bool known = false;

    ASSERT_OK(cairn_store_get(c->store, NULL, racers[0].key, RACE_BYTES, &found, &c->err), &c->err);
    for (size_t i = 0; i < RACERS && !known; i++) {
        contract_fill(body, sizeof(body), i);
        known = racers[i].code == CAIRN_OK && found.len == sizeof(body) &&
                memcmp(found.data, body, sizeof(body)) == 0;
    }
    assert_true(known);
}

static void run_race(contract *c, const char *key)
{
    racer racers[RACERS];
    size_t winners = 0;

    for (size_t i = 0; i < RACERS; i++) {
        racers[i] = (racer){c, key, i, CAIRN_OK};
    }
    threads_run(race, racers, sizeof(racers[0]), RACERS);

    for (size_t i = 0; i < RACERS; i++) {
        if (racers[i].code == CAIRN_OK) {
            winners++;
        } else {
            ASSERT_CODE(racers[i].code, CAIRN_E_EXISTS, NULL);
        }
    }
    assert_true(winners == 1 || (winners > 1 && c->traits.racy_create));
    expect_a_winner(c, racers);
}

static void one_of_many_creators_wins(void **state)
{
    contract *c = *state;

    for (unsigned i = 0; i < c->traits.race_rounds; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "race/%u/claim.json", i);
        run_race(c, key);
    }
}

/* A writer that replaces one object by turns with bodies of two kinds, and those who look at it. */
typedef struct scene {
    contract *c;
    atomic_bool done;
    atomic_size_t looks; /* of all readers that found the object */
} scene;

typedef struct watcher {
    scene *scene;
    size_t number; /* 0 writes, the others read */
    cairn_code code;
    size_t parts;
} watcher;

static void write_by_turns(watcher *w)
{
    uint8_t body[SEEN_BYTES];

    /* On until the readers have had their share, however slow they are. */
    for (size_t i = 0; w->code == CAIRN_OK && i < SWAPS_MAX; i++) {
        if (i >= SWAPS && atomic_load(&w->scene->looks) >= LOOKS) {
            break;
        }
        const size_t len = i % 2 == 0 ? SEEN_BYTES : SEEN_BYTES / 3;
        contract_fill(body, len, len);
        w->code = cairn_store_put(w->scene->c->store, NULL, "seen/object", (cairn_slice){body, len},
                                  CAIRN_PUT_REPLACE, NULL);
    }
    atomic_store(&w->scene->done, true);
}

static bool is_whole(const cairn_buf *found, uint8_t *expected)
{
    if (found->len != SEEN_BYTES && found->len != SEEN_BYTES / 3) {
        return false;
    }
    contract_fill(expected, found->len, found->len);
    return memcmp(found->data, expected, found->len) == 0;
}

static void look_again_and_again(watcher *w)
{
    uint8_t expected[SEEN_BYTES];
    cairn_store *store = w->scene->c->store;
    CAIRN_AUTO(cairn_buf) found = {0};

    do {
        cairn_object_info info = {.size = SEEN_BYTES};
        const cairn_code code =
            cairn_store_get(store, NULL, "seen/object", SEEN_BYTES, &found, NULL);
        const cairn_code told = cairn_store_stat(store, NULL, "seen/object", &info, NULL);
        atomic_fetch_add(&w->scene->looks, code == CAIRN_OK ? 1U : 0U);
        if (code == CAIRN_OK ? !is_whole(&found, expected) : code != CAIRN_E_NOT_FOUND) {
            w->parts++;
        }
        if (told == CAIRN_OK && info.size != SEEN_BYTES && info.size != SEEN_BYTES / 3) {
            w->parts++;
        }
    } while (!atomic_load(&w->scene->done));
}

static void watch(void *argument)
{
    watcher *w = argument;

    if (w->number == 0) {
        write_by_turns(w);
    } else {
        look_again_and_again(w);
    }
}

static void a_reader_never_sees_a_part_of_a_put(void **state)
{
    scene stage = {.c = *state};
    watcher watchers[4];

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(watchers); i++) {
        watchers[i] = (watcher){.scene = &stage, .number = i};
    }
    threads_run(watch, watchers, sizeof(watchers[0]), CAIRN_ARRAY_LEN(watchers));

    ASSERT_OK(watchers[0].code, NULL);
    assert_true(atomic_load(&stage.looks) > 0);
    for (size_t i = 1; i < CAIRN_ARRAY_LEN(watchers); i++) {
        assert_int_equal(watchers[i].parts, 0);
    }
}

/* Each thread has keys of its own in folders that all share, so that folders come and go. */
typedef struct mixer {
    contract *c;
    size_t number;
    unsigned failed; /* line of the first failure */
    cairn_error err;
} mixer;

#define MIXER_CHECK(m, condition)               \
    do {                                        \
        if (!(condition) && (m)->failed == 0) { \
            (m)->failed = __LINE__;             \
        }                                       \
    } while (0)

static cairn_code count_own(void *context, const char *key, const cairn_object_info *info,
                            cairn_error *err)
{
    size_t *count = context;

    (void)key;
    (void)info;
    (void)err;
    ++*count;
    return CAIRN_OK;
}

static void mix_once(mixer *m, unsigned round)
{
    cairn_store *s = m->c->store;
    CAIRN_AUTO(cairn_buf) found = {0};
    uint8_t body[MIXED_BYTES];
    char key[64];
    size_t count = 0;
    const size_t len = ((size_t)round * 37 + m->number) % MIXED_BYTES;

    (void)snprintf(key, sizeof(key), "mixed/%u/x/own-%zu", round % 3, m->number);
    contract_fill(body, len, round);
    const cairn_slice slice = {body, len};
    MIXER_CHECK(m, cairn_store_put(s, NULL, key, slice, CAIRN_PUT_CREATE, &m->err) == CAIRN_OK);
    MIXER_CHECK(m, cairn_store_put(s, NULL, key, slice, CAIRN_PUT_CREATE, NULL) == CAIRN_E_EXISTS);
    MIXER_CHECK(m, cairn_store_get(s, NULL, key, len, &found, &m->err) == CAIRN_OK);
    MIXER_CHECK(m, cairn_slice_equal(cairn_buf_slice(&found), slice));
    MIXER_CHECK(m, cairn_store_list(s, NULL, key, count_own, &count, &m->err) == CAIRN_OK);
    MIXER_CHECK(m, count == 1);
    MIXER_CHECK(m, cairn_store_put(s, NULL, key, slice, CAIRN_PUT_REPLACE, &m->err) == CAIRN_OK);
    MIXER_CHECK(m, cairn_store_delete(s, NULL, key, &m->err) == CAIRN_OK);
    MIXER_CHECK(m, cairn_store_get(s, NULL, key, len, &found, NULL) == CAIRN_E_NOT_FOUND);
}

static void mix(void *argument)
{
    mixer *m = argument;

    for (unsigned i = 0; i < m->c->traits.mixed_rounds; i++) {
        mix_once(m, i);
    }
}

static void a_mixed_load_in_shared_folders_stays_right(void **state)
{
    contract *c = *state;
    mixer mixers[MIXED];
    size_t left = 0;

    for (size_t i = 0; i < MIXED; i++) {
        mixers[i] = (mixer){.c = c, .number = i};
    }
    threads_run(mix, mixers, sizeof(mixers[0]), MIXED);

    for (size_t i = 0; i < MIXED; i++) {
        if (mixers[i].failed != 0) {
            print_error("thread %zu failed at line %u: %s\n", i, mixers[i].failed,
                        mixers[i].err.message);
        }
        assert_int_equal(mixers[i].failed, 0);
    }
    ASSERT_OK(cairn_store_list(c->store, NULL, "", count_own, &left, &c->err), &c->err);
    assert_int_equal(left, 0);
}

/* One thread puts a large object, the other cancels it at some moment. */
typedef struct breaker {
    contract *c;
    cairn_cancel *cancel;
    const char *key;
    const cairn_buf *body; /* NULL for the one who cancels */
    uint64_t delay_ms;
    cairn_code code;
} breaker;

static void put_or_cancel(void *argument)
{
    breaker *b = argument;
    const cairn_call call = {0, b->cancel};

    if (b->body == NULL) {
        clock_sleep_ms(b->delay_ms);
        cairn_cancel_trigger(b->cancel);
        return;
    }
    b->code = cairn_store_put(b->c->store, &call, b->key, cairn_buf_slice(b->body),
                              CAIRN_PUT_CREATE, NULL);
}

static void check_cancelled_put(contract *c, const cairn_buf *body, uint64_t delay_ms)
{
    CAIRN_AUTO_PTR(cairn_cancel_free) cairn_cancel *cancel = NULL;
    char key[32];
    (void)snprintf(key, sizeof(key), "cut/%d", (int)delay_ms);
    ASSERT_OK(cairn_cancel_new(&cancel, &c->err), &c->err);
    breaker both[] = {{c, cancel, key, body, 0, CAIRN_OK},
                      {c, cancel, key, NULL, delay_ms, CAIRN_OK}};

    threads_run(put_or_cancel, both, sizeof(both[0]), 2);

    if (both[0].code == CAIRN_OK) {
        contract_expect(c, key, body->len, 1);
    } else {
        CAIRN_AUTO(cairn_buf) found = {0};
        ASSERT_CODE(both[0].code, CAIRN_E_CANCELLED, NULL);
        const cairn_code code = cairn_store_get(c->store, NULL, key, body->len, &found, &c->err);
        assert_true(code == CAIRN_E_NOT_FOUND || found.len == body->len);
    }
}

static void a_put_that_is_cancelled_leaves_all_or_nothing(void **state)
{
    CAIRN_AUTO(cairn_buf) body = contract_bytes((size_t)24 << 20, 1);

    for (uint64_t delay_ms = 0; delay_ms < 10; delay_ms += 3) {
        check_cancelled_put(*state, &body, delay_ms);
    }
}

const contract_case contract_parallel_cases[] = {
    CONTRACT_CASE(one_of_many_creators_wins),
    CONTRACT_CASE(a_reader_never_sees_a_part_of_a_put),
    CONTRACT_CASE(a_mixed_load_in_shared_folders_stays_right),
    CONTRACT_CASE(a_put_that_is_cancelled_leaves_all_or_nothing),
    {NULL, NULL},
};
