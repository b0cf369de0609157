#include "state_random.h"

#include "encode.h"
#include "state_model.h"

#include <string.h>

#define HANDLES     (STATE_GROUP_SHOWS * STATE_KINDS) /* what the others show is fixed */
#define RUNS_MAX    3000                              /* of a sequence that is being shrunk */
#define SHOWN_BYTES 400
#define LONG_WORD \
    "a-long-word-that-no-small-room-holds-and-that-makes-an-entry-grow-and-move-elsewhere"

/* An operation by numbers: so a sequence of many is small, and any part of it is a sequence. */
typedef struct choice {
    uint8_t verb;
    uint8_t handle;
    uint8_t words;
    uint8_t word[STATE_WORDS_MAX];
} choice;

typedef struct sequence {
    choice *choices;
    size_t count;
} sequence;

/* --- words ------------------------------------------------------------------------------------ */

#define WORD(text)                        \
    {                                     \
        (text), sizeof(text) - sizeof("") \
    }

static const cairn_slice words[] = {WORD(""),     WORD("k"),   WORD("k\0"),      WORD("\xff"),
                                    WORD("\0"),   WORD("k1"),  WORD("1"),        WORD("22"),
                                    WORD("j"),    WORD("a"),   WORD("\xff\xff"), WORD("b"),
                                    WORD("fail"), WORD("333"), WORD("w"),        WORD(LONG_WORD),
                                    WORD("1"),    WORD("4"),   WORD("9"),        WORD("10")};

/* The first so many are keys, namespaces, user keys, values; the last are milliseconds. */
#define KEYS       9
#define NAMESPACES 5
#define USER_KEYS  12
#define VALUES     16
#define TIMES      (CAIRN_ARRAY_LEN(words) - VALUES)

typedef enum role {
    NO_WORD,
    KEY,
    NAMESPACE,
    USER_KEY,
    VALUE,
    TIME
} role;

typedef struct weight {
    unsigned share;
    unsigned words_min;
    unsigned words_max;
    role first;
    role others;
} weight;

static const weight weights[VERB_COUNT] = {
    [VERB_KEY] = {2600, 1, 1, KEY, NO_WORD},
    [VERB_NAMESPACE] = {1400, 1, 1, NAMESPACE, NO_WORD},
    [VERB_SNAPSHOT] = {4, 0, 0, NO_WORD, NO_WORD},
    [VERB_RESTORE] = {2, 0, 0, NO_WORD, NO_WORD},
    [VERB_ADVANCE] = {600, 1, 1, TIME, NO_WORD},
    [VERB_GET] = {1600, 1, 1, USER_KEY, NO_WORD},
    [VERB_UPDATE] = {600, 0, 4, VALUE, VALUE},
    [VERB_CLEAR] = {300, 0, 0, NO_WORD, NO_WORD},
    [VERB_ADD] = {1300, 1, 1, VALUE, NO_WORD},
    [VERB_ALL] = {200, 0, 4, VALUE, VALUE},
    [VERB_MERGE] = {400, 1, 5, NAMESPACE, NAMESPACE},
    [VERB_CONTAINS] = {300, 1, 1, USER_KEY, NO_WORD},
    [VERB_PUT] = {1500, 2, 2, USER_KEY, VALUE},
    [VERB_REMOVE] = {400, 1, 1, USER_KEY, NO_WORD},
    [VERB_IS_EMPTY] = {200, 0, 0, NO_WORD, NO_WORD},
    [VERB_ENTRIES] = {400, 0, 0, NO_WORD, NO_WORD},
    [VERB_DROP] = {200, 1, 1, USER_KEY, NO_WORD},
    [VERB_SET] = {200, 2, 2, USER_KEY, VALUE},
    [VERB_DROP_ALL] = {60, 0, 0, NO_WORD, NO_WORD},
    [VERB_ELSEWHERE] = {60, 2, 2, KEY, VALUE},
    [VERB_KEYS] = {30, 0, 0, NO_WORD, NO_WORD},
    [VERB_KEYS_IN] = {20, 1, 1, NAMESPACE, NO_WORD},
    [VERB_WIPE] = {8, 0, 1, NAMESPACE, NO_WORD},
    [VERB_GROW] = {0, 0, 0, NO_WORD, NO_WORD}, /* keys without end */
};

/* --- choice ----------------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    uint64_t mixed = *state;
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

static unsigned below(uint64_t *state, unsigned bound)
{
    return (unsigned)(next_random(state) % bound);
}

static uint8_t choose_word(uint64_t *state, role as)
{
    static const unsigned bounds[] = {
        [NO_WORD] = 1,          [KEY] = KEYS,     [NAMESPACE] = NAMESPACES,
        [USER_KEY] = USER_KEYS, [VALUE] = VALUES, [TIME] = TIMES};

    return (uint8_t)((as == TIME ? VALUES : 0) + below(state, bounds[as]));
}

static state_verb choose_verb(uint64_t *state)
{
    unsigned total = 0;
    unsigned verb = 0;

    for (size_t i = 0; i < VERB_COUNT; i++) {
        total += weights[i].share;
    }
    for (unsigned at = below(state, total); at >= weights[verb].share; verb++) {
        at -= weights[verb].share;
    }
    return (state_verb)verb;
}

static unsigned choose_handle(uint64_t *state, state_verb verb)
{
    unsigned handle = below(state, HANDLES);

    while (state_verb_has_handle(verb) &&
           !state_verb_is_of(verb, (cairn_state_kind)(handle % STATE_KINDS))) {
        handle = (handle + 1) % HANDLES;
    }
    return handle;
}

/* Some verbs have words with some kinds only. */
static unsigned choose_count(uint64_t *state, state_verb verb, unsigned kind)
{
    const weight *of = &weights[verb];

    if (verb == VERB_GET && kind != CAIRN_STATE_MAP) {
        return 0;
    }
    if (verb == VERB_UPDATE && kind == CAIRN_STATE_VALUE) {
        return 1;
    }
    return of->words_min + below(state, of->words_max - of->words_min + 1);
}

static choice choose(uint64_t *state)
{
    const state_verb verb = choose_verb(state);
    const unsigned handle = choose_handle(state, verb);
    const unsigned count = choose_count(state, verb, handle % STATE_KINDS);
    choice made = {(uint8_t)verb, (uint8_t)handle, (uint8_t)count, {0}};

    for (unsigned i = 0; i < count; i++) {
        made.word[i] = choose_word(state, i == 0 ? weights[verb].first : weights[verb].others);
    }
    return made;
}

static state_op op_of(const choice *made)
{
    state_op op = {(state_verb)made->verb, made->handle, made->words, {{NULL, 0}}};

    for (size_t i = 0; i < op.words; i++) {
        op.word[i] = words[made->word[i]];
    }
    return op;
}

/* --- runs ------------------------------------------------------------------------------------- */

/* The number of the operation that goes wrong, or that of all. */
static size_t run(const state_factory *factory, const sequence *all)
{
    CAIRN_AUTO(cairn_buf) expected = {0};
    CAIRN_AUTO(cairn_buf) found = {0};
    state_model *model = state_model_new();
    const state_subject plain = state_model_subject(model);
    const state_subject subject = factory->make(factory->context);
    size_t done = 0;
    bool agrees = true;

    while (done < all->count && agrees) {
        const state_op op = op_of(&all->choices[done]);

        buf_clear(&expected);
        buf_clear(&found);
        plain.run(plain.self, &op, &expected);
        subject.run(subject.self, &op, &found);
        agrees = cairn_slice_equal(cairn_buf_slice(&expected), cairn_buf_slice(&found));
        done += agrees ? 1 : 0;
    }
    factory->free(subject.self);
    state_model_free(model);
    return done;
}

/* Leaves out `count` operations from `first`, if what is left goes wrong too. */
static bool drop(const state_factory *factory, sequence *all, size_t first, size_t count)
{
    sequence less = {mem_calloc(all->count, sizeof(choice)), all->count - count};
    size_t wrong;

    CAIRN_ASSERT(less.choices != NULL);
    memcpy(less.choices, all->choices, first * sizeof(choice));
    memcpy(less.choices + first, all->choices + first + count,
           (all->count - first - count) * sizeof(choice));
    wrong = run(factory, &less);
    if (wrong < less.count) {
        memcpy(all->choices, less.choices, (wrong + 1) * sizeof(choice));
        all->count = wrong + 1;
    }
    mem_free(less.choices);
    return wrong < less.count;
}

/* Large parts first, from the end; then smaller ones, until none can be left out. */
static void shrink(const state_factory *factory, sequence *all)
{
    size_t runs = 0;

    for (size_t part = all->count / 2; part > 0; part /= 2) {
        bool again = true;

        while (again && runs < RUNS_MAX) {
            again = false;
            for (size_t end = all->count; end >= part && runs < RUNS_MAX; runs++) {
                const bool dropped = drop(factory, all, end - part, part);

                again = again || (dropped && part == 1);
                end = dropped && all->count < end - part ? all->count : end - part;
            }
        }
    }
}

/* --- the report ------------------------------------------------------------------------------- */

static void print_result(const state_subject *subject, const state_op *op, cairn_buf *out)
{
    CAIRN_AUTO(cairn_buf) result = {0};
    CAIRN_AUTO(cairn_buf) shown = {0};

    subject->run(subject->self, op, &result);
    CAIRN_ASSERT(encode_printable(cairn_buf_slice(&result), SHOWN_BYTES, &shown, NULL) == CAIRN_OK);
    state_print(out, cairn_buf_slice(&shown));
}

/* The operations with what the model gives, and what the subject gave for the last. */
static void report(const state_factory *factory, const sequence *all, cairn_buf *out)
{
    state_model *model = state_model_new();
    const state_subject plain = state_model_subject(model);
    const state_subject subject = factory->make(factory->context);
    CAIRN_AUTO(cairn_buf) last = {0};

    for (size_t i = 0; i < all->count; i++) {
        const state_op op = op_of(&all->choices[i]);

        state_op_print(&op, out);
        state_print(out, cairn_slice_of(" => "));
        print_result(&plain, &op, out);
        state_print(out, cairn_slice_of("\n"));
        buf_clear(&last);
        print_result(&subject, &op, &last);
    }
    state_print(out, cairn_slice_of("but it gives "));
    state_print(out, cairn_buf_slice(&last));
    factory->free(subject.self);
    state_model_free(model);
}

bool state_random_agrees(const state_factory *factory, uint64_t seed, size_t count, cairn_buf *out)
{
    sequence all = {mem_calloc(count, sizeof(choice)), count};
    uint64_t state = seed;
    size_t wrong;

    CAIRN_ASSERT(all.choices != NULL);
    for (size_t i = 0; i < count; i++) {
        all.choices[i] = choose(&state);
    }
    wrong = run(factory, &all);
    if (wrong < count) {
        all.count = wrong + 1;
        shrink(factory, &all);
        report(factory, &all, out);
    }
    mem_free(all.choices);
    return wrong == count;
}
