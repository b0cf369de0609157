/*
 * A value state beside the raw RocksDB C API: same options, same keys and values, same process, in
 * rounds that alternate and change who goes first.
 *
 *     bench_state FOLDER KEYS VALUE_BYTES [--json]
 *
 * put     keys that are new, in random order
 * get     keys that are there            (ours: set_key, get; raw: get_pinned)
 * miss    keys that are not there
 * update  read a value, write another    (ours: set_key, get, update; raw: get_pinned, put)
 *
 * Raw keys are the plain keys; ours also hashes each and stores group, escape and namespace with
 * it. A ratio is the median over the pairs of rounds of ours / raw: wall by the clock, cpu by the
 * time of this thread, which other processes disturb less. CAIRN_BENCH_MEMORY_MB sets the budget of
 * each of the two databases, CAIRN_BENCH_ROUNDS and CAIRN_BENCH_OPERATIONS the rounds and
 * operations of a round after the load. The folder must not exist.
 */
#include "clock.h"
#include "encode.h"
#include "fsutil.h"
#include "keyed_state.h"
#include "rocks_options.h"
#include "state_rocks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES        16
#define VALUE_BYTES_MAX  4096
#define ROUNDS_MAX       1000
#define ROUNDS           20
#define LOAD_ROUNDS      20
#define OPERATIONS       100000
#define MEMORY_MB        256
#define MAX_PARALLELISM  128
#define STRIDE           UINT64_C(2654435761) /* prime and beyond all counts: a permutation */
#define NS_PER_S         UINT64_C(1000000000)
#define SETTLE_POLL_MS   100
#define SETTLE_POLLS_MAX 6000

typedef struct raw_side {
    rocks_settings settings;
    rocksdb_t *db;
    rocksdb_pinnableslice_t *pinned;
} raw_side;

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
    raw_side raw;
    our_side ours;
    uint8_t noise[2 * VALUE_BYTES_MAX];
    uint64_t random;
    cairn_error err;
} bench;

_Noreturn static void quit(const char *message)
{
    (void)fprintf(stderr, "bench_state: %s\n", message);
    (void)fflush(NULL);
    _Exit(1);
}

static void must(bench *b, cairn_code code)
{
    if (code != CAIRN_OK) {
        quit(b->err.message);
    }
}

static uint64_t next_random(bench *b)
{
    b->random ^= b->random << 13;
    b->random ^= b->random >> 7;
    b->random ^= b->random << 17;
    return b->random;
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

static void raw_must(char *message)
{
    if (message != NULL) {
        quit(message);
    }
}

static void raw_put(bench *b, cairn_slice key, cairn_slice value)
{
    char *message = NULL;

    rocksdb_put(b->raw.db, b->raw.settings.write, key.data, key.len, value.data, value.len,
                &message);
    raw_must(message);
}

static bool raw_get(bench *b, cairn_slice key, cairn_slice *value)
{
    char *message = NULL;

    if (b->raw.pinned != NULL) {
        rocksdb_pinnableslice_destroy(b->raw.pinned);
    }
    b->raw.pinned =
        rocksdb_get_pinned(b->raw.db, b->raw.settings.read, key.data, key.len, &message);
    raw_must(message);
    if (b->raw.pinned == NULL) {
        return false;
    }
    value->data = rocksdb_pinnableslice_value(b->raw.pinned, &value->len);
    return true;
}

static void raw_update(bench *b, cairn_slice key, cairn_slice value)
{
    cairn_slice old = {NULL, 0};

    if (!raw_get(b, key, &old)) {
        quit("a key of the raw side is missing");
    }
    raw_put(b, key, value);
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
        quit("a key of our side is missing");
    }
    must(b, cairn_value_update(b->ours.value, value, &b->err));
}

typedef struct side {
    void (*put)(bench *b, cairn_slice key, cairn_slice value);
    bool (*get)(bench *b, cairn_slice key, cairn_slice *value);
    void (*update)(bench *b, cairn_slice key, cairn_slice value);
} side;

static const side sides[] = {{raw_put, raw_get, raw_update}, {our_put, our_get, our_update}};

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
        if (!on->get(b, key_of(next_random(b) % b->keys, text), &value) ||
            value.len != b->value_bytes) {
            quit("a key is missing");
        }
    }
}

static void run_miss(bench *b, const side *on, const round *part)
{
    char text[KEY_BYTES];
    cairn_slice value = {NULL, 0};

    for (uint64_t i = 0; i < part->count; i++) {
        cairn_slice key = key_of(next_random(b) % b->keys, text);

        text[KEY_BYTES - 1] = 'x'; /* inside the range of the keys, so that it is no easy miss */
        if (on->get(b, key, &value)) {
            quit("a key is there that was never written");
        }
    }
}

static void run_update(bench *b, const side *on, const round *part)
{
    char text[KEY_BYTES];

    for (uint64_t i = 0; i < part->count; i++) {
        on->update(b, key_of(next_random(b) % b->keys, text), value_of(b, i));
    }
}

static uint64_t thread_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* Of one row: nanoseconds of both sides, and the ratio of speeds of each pair of rounds. */
typedef struct row {
    const char *name;
    uint64_t operations;
    uint64_t wall_ns[CAIRN_ARRAY_LEN(sides)];
    uint64_t cpu_ns[CAIRN_ARRAY_LEN(sides)];
    double wall_ratio[ROUNDS_MAX];
    double cpu_ratio[ROUNDS_MAX];
    size_t rounds;
} row;

static void run_pair(bench *b, workload work, const round *part, row *result)
{
    size_t first = result->rounds % CAIRN_ARRAY_LEN(sides);
    double wall[CAIRN_ARRAY_LEN(sides)];
    double cpu[CAIRN_ARRAY_LEN(sides)];

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(sides); i++) {
        size_t which = first ^ i;
        uint64_t wall_us = clock_monotonic_us();
        uint64_t cpu_ns = thread_ns();

        b->random = part->first * 2 + 1;
        work(b, &sides[which], part);
        cpu_ns = thread_ns() - cpu_ns;
        wall_us = clock_monotonic_us() - wall_us;
        result->wall_ns[which] += wall_us * 1000;
        result->cpu_ns[which] += cpu_ns;
        wall[which] = (double)wall_us;
        cpu[which] = (double)cpu_ns;
    }
    result->operations += part->count;
    result->wall_ratio[result->rounds] = wall[0] / wall[1];
    result->cpu_ratio[result->rounds] = cpu[0] / cpu[1];
    result->rounds++;
}

static bool is_busy(rocksdb_t *db)
{
    static const char *const properties[] = {
        "rocksdb.compaction-pending", "rocksdb.num-running-compactions",
        "rocksdb.num-running-flushes", "rocksdb.mem-table-flush-pending"};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(properties); i++) {
        uint64_t value = 0;

        if (rocksdb_property_int(db, properties[i], &value) == 0 && value != 0) {
            return true;
        }
    }
    return false;
}

/* Background work of the one side must not run in a round of the other. */
static void settle(bench *b)
{
    for (int calm = 0, polls = 0; calm < 3 && polls < SETTLE_POLLS_MAX; polls++) {
        uint64_t bytes = b->ours.engine->ops->state_bytes(b->ours.engine);

        clock_sleep_ms(SETTLE_POLL_MS);
        calm = is_busy(b->raw.db) || b->ours.engine->ops->state_bytes(b->ours.engine) != bytes
                   ? 0
                   : calm + 1;
    }
}

static void run_row(bench *b, workload work, row *result)
{
    settle(b);
    for (uint64_t i = 0; i < b->rounds; i++) {
        round part = {i + 1, b->operations};

        run_pair(b, work, &part, result);
    }
}

static void run_load(bench *b, row *result)
{
    for (uint64_t i = 0; i < LOAD_ROUNDS; i++) {
        uint64_t first = b->keys * i / LOAD_ROUNDS;
        round part = {first, b->keys * (i + 1) / LOAD_ROUNDS - first};

        run_pair(b, run_put, &part, result);
    }
}

/* --- what is printed -------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare);
    return values[count / 2];
}

static double per_second(uint64_t operations, uint64_t ns)
{
    return (double)operations * (double)NS_PER_S / (double)ns;
}

#define ROW_TEXT "%10llu %6zu  %-8s %12.0f %12.0f %8.3f %8.3f\n"
#define ROW_JSON                                               \
    "{\"keys\":%llu,\"value_bytes\":%zu,\"operation\":\"%s\"," \
    "\"raw_per_second\":%.0f,\"cairn_per_second\":%.0f,"       \
    "\"wall_ratio\":%.3f,\"cpu_ratio\":%.3f}\n"

static void print_row(const bench *b, row *result, bool json)
{
    unsigned long long keys = b->keys;
    double raw = per_second(result->operations, result->wall_ns[0]);
    double ours = per_second(result->operations, result->wall_ns[1]);
    double wall = median(result->wall_ratio, result->rounds);
    double cpu = median(result->cpu_ratio, result->rounds);

    if (json) {
        (void)printf(ROW_JSON, keys, b->value_bytes, result->name, raw, ours, wall, cpu);
    } else {
        (void)printf(ROW_TEXT, keys, b->value_bytes, result->name, raw, ours, wall, cpu);
    }
    (void)fflush(stdout);
}

static void run_all(bench *b, bool json)
{
    static row rows[] = {{.name = "put"}, {.name = "get"}, {.name = "miss"}, {.name = "update"}};

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

static uint64_t number_from(const char *text, const char *what, uint64_t max)
{
    uint64_t value = 0;

    if (!parse_u64(cairn_slice_of(text), &value) || value == 0 || value > max) {
        quit(what);
    }
    return value;
}

static uint64_t setting(const char *name, uint64_t otherwise, uint64_t max)
{
    const char *text = getenv(name); /* NOLINT(concurrency-mt-unsafe): before any thread */

    return text == NULL ? otherwise : number_from(text, name, max);
}

static void open_raw(bench *b, const char *folder, const rocks_options *options)
{
    CAIRN_AUTO_FREE char *path = NULL;
    char *message = NULL;

    must(b, fs_join(folder, "raw", &path, &b->err));
    must(b, rocks_settings_init(&b->raw.settings, options, &b->err));
    b->raw.db = rocksdb_open(b->raw.settings.options, path, &message);
    raw_must(message);
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
    if (b->raw.pinned != NULL) {
        rocksdb_pinnableslice_destroy(b->raw.pinned);
    }
    rocksdb_close(b->raw.db);
    rocks_settings_release(&b->raw.settings);
    must(b, fs_remove_tree(folder, &b->err));
}

int main(int argc, char **argv)
{
    static bench b = {.random = 88172645463325252};
    rocks_options options = {.background_jobs = 2};
    bool json = argc == 5 && strcmp(argv[4], "--json") == 0;

    if (argc != 4 && !json) {
        quit("usage: bench_state FOLDER KEYS VALUE_BYTES [--json]");
    }
    if (fs_exists(argv[1])) {
        quit("the folder exists");
    }
    b.keys = number_from(argv[2], "KEYS: 1 to 1000000000", 1000000000);
    b.value_bytes = (size_t)number_from(argv[3], "VALUE_BYTES: 1 to 4096", VALUE_BYTES_MAX);
    b.rounds = setting("CAIRN_BENCH_ROUNDS", ROUNDS, ROUNDS_MAX);
    b.operations = setting("CAIRN_BENCH_OPERATIONS", OPERATIONS, UINT32_MAX);
    options.memory_bytes = setting("CAIRN_BENCH_MEMORY_MB", MEMORY_MB, UINT32_MAX) << 20;
    for (size_t i = 0; i < sizeof(b.noise); i++) {
        b.noise[i] = (uint8_t)next_random(&b);
    }
    must(&b, fs_make_dirs(argv[1], &b.err));
    open_raw(&b, argv[1], &options);
    open_ours(&b, argv[1], &options);
    run_all(&b, json);
    close_all(&b, argv[1]);
    return 0;
}
