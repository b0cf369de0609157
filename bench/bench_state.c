/*
 * A value state beside the raw RocksDB C API: same options, same keys and values, same process, in
 * rounds as in paired.h.
 *
 *     bench_state FOLDER KEYS VALUE_BYTES [--json]
 *
 * put     keys that are new, in random order
 * get     keys that are there            (ours: set_key, get; raw: get_pinned)
 * miss    keys that are not there
 * update  read a value, write another    (ours: set_key, get, update; raw: get_pinned, put)
 *
 * Raw keys are the plain keys; ours also hashes each and stores group, escape and namespace with
 * it. CAIRN_BENCH_MEMORY_MB sets the budget of each of the two databases, CAIRN_BENCH_ROUNDS and
 * CAIRN_BENCH_OPERATIONS the rounds and operations of a round after the load. The folder must not
 * exist.
 */
#include "fsutil.h"
#include "keyed_state.h"
#include "paired.h"
#include "raw_db.h"
#include "state_rocks.h"

#include <stdio.h>
#include <string.h>

#define KEY_BYTES       16
#define VALUE_BYTES_MAX 4096
#define ROUNDS          20
#define LOAD_ROUNDS     20
#define OPERATIONS      100000
#define MEMORY_MB       256
#define MAX_PARALLELISM 128
#define STRIDE          UINT64_C(2654435761) /* prime and beyond all counts: a permutation */

typedef struct our_side {
    state_engine *engine;
    keyed_state *states;
    cairn_value_state *value;
} our_side;

typedef struct bench {
    uint64_t keys;
    size_t value_bytes;
    uint64_t rounds;
    uint64_t operations;
    raw_db raw;
    our_side ours;
    uint8_t noise[2 * VALUE_BYTES_MAX];
    uint64_t random;
    cairn_error err;
} bench;

static void must(const bench *b, cairn_code code)
{
    bench_must(code, &b->err);
}

/* --- keys and values -------------------------------------------------------------------------- */

/* "k" and 15 digits; made by hand, because both sides pay for it. */
static cairn_slice key_of(uint64_t number, char text[KEY_BYTES])
{
    text[0] = 'k';
    for (size_t i = KEY_BYTES - 1; i > 0; i--, number /= 10) {
        text[i] = (char)('0' + number % 10);
    }
    return (cairn_slice){text, KEY_BYTES};
}

/* The i-th key of the load. */
static uint64_t permuted(const bench *b, uint64_t i)
{
    return i * STRIDE % b->keys;
}

static cairn_slice value_of(const bench *b, uint64_t number)
{
    return (cairn_slice){b->noise + number % VALUE_BYTES_MAX, b->value_bytes};
}

/* --- the two sides ---------------------------------------------------------------------------- */

static void raw_side_put(bench *b, cairn_slice key, cairn_slice value)
{
    raw_put(&b->raw, key, value);
}

static bool raw_side_get(bench *b, cairn_slice key, cairn_slice *value)
{
    return raw_get(&b->raw, key, value);
}

static void raw_side_update(bench *b, cairn_slice key, cairn_slice value)
{
    cairn_slice old = {NULL, 0};

    if (!raw_get(&b->raw, key, &old)) {
        bench_quit("a key of the raw side is missing");
    }
    raw_put(&b->raw, key, value);
}

static void our_put(bench *b, cairn_slice key, cairn_slice value)
{
    must(b, keyed_state_set_key(b->ours.states, key, &b->err));
    must(b, cairn_value_update(b->ours.value, value, &b->err));
}

static bool our_get(bench *b, cairn_slice key, cairn_slice *value)
{
    bool found = false;

    must(b, keyed_state_set_key(b->ours.states, key, &b->err));
    must(b, cairn_value_get(b->ours.value, value, &found, &b->err));
    return found;
}

static void our_update(bench *b, cairn_slice key, cairn_slice value)
{
    cairn_slice old = {NULL, 0};

    if (!our_get(b, key, &old)) {
        bench_quit("a key of our side is missing");
    }
    must(b, cairn_value_update(b->ours.value, value, &b->err));
}

typedef struct side {
    void (*put)(bench *b, cairn_slice key, cairn_slice value);
    bool (*get)(bench *b, cairn_slice key, cairn_slice *value);
    void (*update)(bench *b, cairn_slice key, cairn_slice value);
} side;

static const side sides[] = {{raw_side_put, raw_side_get, raw_side_update},
                             {our_put, our_get, our_update}};

/* --- rounds ----------------------------------------------------------------------------------- */

typedef struct round {
    uint64_t first; /* of the load: the keys [first, first + count) in its order; else a seed */
    uint64_t count;
} round;

typedef void (*workload)(bench *b, const side *on, const round *part);

static void run_put(bench *b, const side *on, const round *part)
{
    char text[KEY_BYTES];

    for (uint64_t i = part->first; i < part->first + part->count; i++) {
        on->put(b, key_of(permuted(b, i), text), value_of(b, i));
    }
}

static void run_get(bench *b, const side *on, const round *part)
{
    char text[KEY_BYTES];
    cairn_slice value = {NULL, 0};

    for (uint64_t i = 0; i < part->count; i++) {
        if (!on->get(b, key_of(bench_random(&b->random) % b->keys, text), &value) ||
            value.len != b->value_bytes) {
            bench_quit("a key is missing");
        }
    }
}

static void run_miss(bench *b, const side *on, const round *part)
{
    char text[KEY_BYTES];
    cairn_slice value = {NULL, 0};

    for (uint64_t i = 0; i < part->count; i++) {
        cairn_slice key = key_of(bench_random(&b->random) % b->keys, text);

        text[KEY_BYTES - 1] = 'x'; /* inside the range of the keys, so that it is no easy miss */
        if (on->get(b, key, &value)) {
            bench_quit("a key is there that was never written");
        }
    }
}

static void run_update(bench *b, const side *on, const round *part)
{
    char text[KEY_BYTES];

    for (uint64_t i = 0; i < part->count; i++) {
        on->update(b, key_of(bench_random(&b->random) % b->keys, text), value_of(b, i));
    }
}

/* --- rows ------------------------------------------------------------------------------------- */

typedef struct row_work {
    bench *b;
    workload work;
    round part;
} row_work;

static void run_part(void *context, size_t which, uint64_t number)
{
    const row_work *work = context;

    work->b->random = number * 2 + 1;
    work->work(work->b, &sides[which], &work->part);
}

static void run_round(row_work *work, uint64_t number, paired_row *result)
{
    const paired_work timed = {NULL, run_part, work, work->part.count};

    paired_round(result, &timed, number);
}

static void run_row(bench *b, workload work, paired_row *result)
{
    raw_settle(&b->raw, b->ours.engine);
    for (uint64_t i = 1; i <= b->rounds; i++) {
        run_round(&(row_work){b, work, {i, b->operations}}, i, result);
    }
}

static void run_load(bench *b, paired_row *result)
{
    for (uint64_t i = 0; i < LOAD_ROUNDS; i++) {
        uint64_t first = b->keys * i / LOAD_ROUNDS;
        round part = {first, b->keys * (i + 1) / LOAD_ROUNDS - first};

        run_round(&(row_work){b, run_put, part}, i + 1, result);
    }
}

/* --- what is printed -------------------------------------------------------------------------- */

#define ROW_TEXT "%10llu %6zu  %-8s %12.0f %12.0f %8.3f %8.3f\n"
#define ROW_JSON                                               \
    "{\"keys\":%llu,\"value_bytes\":%zu,\"operation\":\"%s\"," \
    "\"raw_per_second\":%.0f,\"cairn_per_second\":%.0f,"       \
    "\"wall_ratio\":%.3f,\"cpu_ratio\":%.3f}\n"

static void print_row(const bench *b, paired_row *row, bool json)
{
    paired_result result;

    paired_finish(row, &result);
    (void)printf(json ? ROW_JSON : ROW_TEXT, (unsigned long long)b->keys, b->value_bytes, row->name,
                 result.per_second[0], result.per_second[1], result.wall, result.cpu);
    (void)fflush(stdout);
}

static void run_all(bench *b, bool json)
{
    static paired_row rows[] = {
        {.name = "put"}, {.name = "get"}, {.name = "miss"}, {.name = "update"}};

    if (!json) {
        (void)printf("%10s %6s  %-8s %12s %12s %8s %8s\n", "keys", "value", "", "raw/s", "cairn/s",
                     "wall", "cpu");
    }
    run_load(b, &rows[0]);
    run_row(b, run_get, &rows[1]);
    run_row(b, run_miss, &rows[2]);
    run_row(b, run_update, &rows[3]);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        print_row(b, &rows[i], json);
    }
}

/* --- set-up ----------------------------------------------------------------------------------- */

static void open_theirs(bench *b, const char *folder, const rocks_options *options)
{
    CAIRN_AUTO_FREE char *path = NULL;

    must(b, fs_join(folder, "raw", &path, &b->err));
    raw_open(&b->raw, path, options);
}

static void open_ours(bench *b, const char *folder, const rocks_options *options)
{
    CAIRN_AUTO_FREE char *path = NULL;
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;
    keyed_state_options states = {.max_parallelism = MAX_PARALLELISM,
                                  .range = {0, MAX_PARALLELISM - 1}};

    must(b, fs_join(folder, "cairn", &path, &b->err));
    must(b, state_rocks_open(path, options, MAX_PARALLELISM, &b->ours.engine, &b->err));
    states.engine = b->ours.engine;
    descriptor.name = "default"; /* the family that the raw side uses */
    must(b, keyed_state_new(&states, &b->ours.states, &b->err));
    must(b, keyed_state_open_value(b->ours.states, &descriptor, &b->ours.value, &b->err));
}

static void close_all(bench *b, const char *folder)
{
    keyed_state_free(b->ours.states);
    state_engine_close(b->ours.engine);
    raw_close(&b->raw);
    must(b, fs_remove_tree(folder, &b->err));
}

int main(int argc, char **argv)
{
    static bench b = {.random = 88172645463325252};
    rocks_options options = {.background_jobs = 2};
    bool json = argc == 5 && strcmp(argv[4], "--json") == 0;

    if (argc != 4 && !json) {
        bench_quit("usage: bench_state FOLDER KEYS VALUE_BYTES [--json]");
    }
    if (fs_exists(argv[1])) {
        bench_quit("the folder exists");
    }
    b.keys = bench_number(argv[2], "KEYS: 1 to 1000000000", 1000000000);
    b.value_bytes = (size_t)bench_number(argv[3], "VALUE_BYTES: 1 to 4096", VALUE_BYTES_MAX);
    b.rounds = bench_setting("CAIRN_BENCH_ROUNDS", ROUNDS, PAIRED_ROUNDS_MAX);
    b.operations = bench_setting("CAIRN_BENCH_OPERATIONS", OPERATIONS, UINT32_MAX);
    options.memory_bytes = bench_setting("CAIRN_BENCH_MEMORY_MB", MEMORY_MB, UINT32_MAX) << 20;
    for (size_t i = 0; i < sizeof(b.noise); i++) {
        b.noise[i] = (uint8_t)bench_random(&b.random);
    }
    must(&b, fs_make_dirs(argv[1], &b.err));
    open_theirs(&b, argv[1], &options);
    open_ours(&b, argv[1], &options);
    run_all(&b, json);
    close_all(&b, argv[1]);
    return 0;
}
