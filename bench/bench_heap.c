/*
 * The hash-map engine beside an open-addressing table of flat_table.h, in the same process, in
 * rounds that alternate and change who goes first; both should run with the same good allocator:
 *
 *     LD_PRELOAD=libjemalloc.so.2 bench_heap ENTRIES [--json]
 *     LD_PRELOAD=libjemalloc.so.2 bench_heap ENTRIES --snapshot [--json]
 *
 * put     keys that are new, in random order
 * get     keys that are there
 * miss    keys that are not there
 * update  read a value, write another
 * remove  keys that are there
 *
 * Keys and values have 16 bytes. A ratio is the median over the pairs of rounds of ours / flat:
 * wall by the clock, cpu by the time of this thread, which other processes disturb less.
 *
 * --snapshot: the owner updates without a snapshot, then while another thread writes all key groups
 * of one to nowhere, then while what the snapshot kept is freed. The longest operation is told by
 * the clock, and the most cpu time of BATCH operations together, which no other process makes
 * longer. Memory is what the process grew by, without the table beside it.
 */
#include "clock.h"
#include "encode.h"
#include "flat_table.h"
#include "heap_file.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KEY_BYTES   16
#define VALUE_BYTES 16
#define GROUPS      128
#define ROUNDS      20
#define OPERATIONS  500000 /* of a round after the load */
#define BATCH       16
#define NS_PER_S    UINT64_C(1000000000)
#define QUIET_S     3 /* of updates without a snapshot, and after one */

typedef struct bench {
    uint64_t entries;
    heap_db *db;
    heap_table *table;
    flat_table *flat;
    uint64_t random;
    uint64_t sum; /* of what was read, so that it is */
    bool json;
    cairn_error err;
} bench;

_Noreturn static void quit(const char *message)
{
    (void)fprintf(stderr, "bench_heap: %s\n", message);
    (void)fflush(NULL);
    _Exit(1);
}

static void must(const bench *b, cairn_code code)
{
    if (code != CAIRN_OK) {
        quit(b->err.message);
    }
}

static uint64_t mixed(uint64_t number)
{
    number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
    return number ^ number >> 31;
}

static uint64_t next_random(bench *b)
{
    b->random += UINT64_C(0x9e3779b97f4a7c15);
    return mixed(b->random);
}

static uint64_t thread_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static uint64_t wall_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* --- the two sides ---------------------------------------------------------------------------- */

typedef struct item {
    uint64_t key[2];
    uint64_t value[2];
} item;

static item item_of(uint64_t number, uint64_t value)
{
    return (item){{mixed(number), number}, {value, ~value}};
}

typedef struct side {
    const char *name;
    void (*put)(bench *b, const item *at);
    bool (*get)(bench *b, const item *at);
    void (*remove)(bench *b, const item *at);
} side;

static void flat_side_put(bench *b, const item *at)
{
    if (!flat_table_put(b->flat, (cairn_slice){at->key, KEY_BYTES},
                        (cairn_slice){at->value, VALUE_BYTES})) {
        quit("out of memory");
    }
}

static bool flat_side_get(bench *b, const item *at)
{
    cairn_slice value = {0};
    bool found = flat_table_get(b->flat, (cairn_slice){at->key, KEY_BYTES}, &value);

    b->sum += found ? *(const uint8_t *)value.data : 0;
    return found;
}

static void flat_side_remove(bench *b, const item *at)
{
    flat_table_remove(b->flat, (cairn_slice){at->key, KEY_BYTES});
}

static heap_key heap_key_for(const item *at)
{
    return (heap_key){.bytes = {at->key, KEY_BYTES}, .key_group = at->key[1] % GROUPS};
}

static void heap_side_put(bench *b, const item *at)
{
    heap_key key = heap_key_for(at);

    must(b, heap_put(b->table, &key, (cairn_slice){at->value, VALUE_BYTES}, &b->err));
}

static bool heap_side_get(bench *b, const item *at)
{
    heap_key key = heap_key_for(at);
    cairn_slice value = {0};
    bool found = heap_get(b->table, &key, &value);

    b->sum += found ? *(const uint8_t *)value.data : 0;
    return found;
}

static void heap_side_remove(bench *b, const item *at)
{
    heap_key key = heap_key_for(at);

    must(b, heap_remove(b->table, &key, &b->err));
}

static const side sides[] = {{"flat", flat_side_put, flat_side_get, flat_side_remove},
                             {"cairn", heap_side_put, heap_side_get, heap_side_remove}};

/* --- rounds ----------------------------------------------------------------------------------- */

typedef struct round {
    uint64_t first;
    uint64_t count;
} round;

typedef void (*workload)(bench *b, const side *on, const round *part);

/* A permutation of 0 to entries - 1: the stride is prime and larger. */
static uint64_t permuted(const bench *b, uint64_t i)
{
    return i * UINT64_C(2654435761) % b->entries;
}

static void run_put(bench *b, const side *on, const round *part)
{
    for (uint64_t i = part->first; i < part->first + part->count; i++) {
        item at = item_of(permuted(b, i), i);

        on->put(b, &at);
    }
}

static void run_get(bench *b, const side *on, const round *part)
{
    for (uint64_t i = 0; i < part->count; i++) {
        item at = item_of(next_random(b) % b->entries, 0);

        if (!on->get(b, &at)) {
            quit("get: a key is lost");
        }
    }
}

static void run_miss(bench *b, const side *on, const round *part)
{
    for (uint64_t i = 0; i < part->count; i++) {
        item at = item_of(b->entries + next_random(b) % b->entries, 0);

        if (on->get(b, &at)) {
            quit("miss: a key is there");
        }
    }
}

static void run_update(bench *b, const side *on, const round *part)
{
    for (uint64_t i = 0; i < part->count; i++) {
        item at = item_of(next_random(b) % b->entries, i);

        if (!on->get(b, &at)) {
            quit("update: a key is lost");
        }
        on->put(b, &at);
    }
}

static void run_remove(bench *b, const side *on, const round *part)
{
    for (uint64_t i = part->first; i < part->first + part->count; i++) {
        item at = item_of(permuted(b, i), 0);

        on->remove(b, &at);
    }
}

typedef struct row {
    const char *name;
    workload work;
    bool over_all; /* each key once, and not OPERATIONS of a round */
    uint64_t operations;
    uint64_t cpu_ns[CAIRN_ARRAY_LEN(sides)];
    double wall_ratio[ROUNDS];
    double cpu_ratio[ROUNDS];
} row;

static void run_pair(bench *b, row *result, uint64_t number, const round *part)
{
    double wall[CAIRN_ARRAY_LEN(sides)];
    double cpu[CAIRN_ARRAY_LEN(sides)];

    for (uint64_t i = 0; i < CAIRN_ARRAY_LEN(sides); i++) {
        uint64_t which = number % CAIRN_ARRAY_LEN(sides) ^ i;
        uint64_t wall_before = wall_ns();
        uint64_t cpu_before = thread_ns();

        b->random = number;
        result->work(b, &sides[which], part);
        cpu[which] = (double)(thread_ns() - cpu_before);
        wall[which] = (double)(wall_ns() - wall_before);
        result->cpu_ns[which] += (uint64_t)cpu[which];
    }
    result->operations += part->count;
    result->wall_ratio[number] = wall[0] / wall[1];
    result->cpu_ratio[number] = cpu[0] / cpu[1];
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof(*values), compare);
    return values[ROUNDS / 2];
}

#define ROW_TEXT "%10llu  %-8s %12.1f %12.1f %8.3f %8.3f\n"
#define ROW_JSON                                                                                     \
    "{\"entries\":%llu,\"operation\":\"%s\",\"flat_ns\":%.1f,\"cairn_ns\":%.1f,\"wall_ratio\":%.3f," \
    "\"cpu_ratio\":%.3f}\n"

static void print_row(const bench *b, row *result)
{
    (void)printf(b->json ? ROW_JSON : ROW_TEXT, (unsigned long long)b->entries, result->name,
                 (double)result->cpu_ns[0] / (double)result->operations,
                 (double)result->cpu_ns[1] / (double)result->operations, median(result->wall_ratio),
                 median(result->cpu_ratio));
    (void)fflush(stdout);
}

static void run_rows(bench *b)
{
    static row rows[] = {{.name = "put", .work = run_put, .over_all = true},
                         {.name = "get", .work = run_get},
                         {.name = "miss", .work = run_miss},
                         {.name = "update", .work = run_update},
                         {.name = "remove", .work = run_remove, .over_all = true}};

    if (!b->json) {
        (void)printf("%10s  %-8s %12s %12s %8s %8s\n", "entries", "", "flat ns", "cairn ns", "wall",
                     "cpu");
    }
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        for (uint64_t number = 0; number < ROUNDS; number++) {
            uint64_t first = b->entries * number / ROUNDS;
            uint64_t count = b->entries * (number + 1) / ROUNDS - first;
            round part = {first, rows[i].over_all ? count : OPERATIONS};

            run_pair(b, &rows[i], number, &part);
        }
        print_row(b, &rows[i]);
    }
}

/* --- beside a snapshot ------------------------------------------------------------------------ */

typedef struct serializer {
    heap_snapshot *snapshot;
    uint64_t bytes;
    uint64_t cpu_ns;
    atomic_bool done;
} serializer;

static cairn_code count_bytes(void *context, cairn_slice bytes, cairn_error *err)
{
    serializer *s = context;

    (void)err;
    s->bytes += bytes.len;
    return CAIRN_OK;
}

static void *serialize(void *argument)
{
    serializer *s = argument;
    heap_sink sink = {count_bytes, s};

    for (uint32_t group = 0; group < GROUPS; group++) {
        if (heap_file_write(s->snapshot, group, &sink, NULL) != CAIRN_OK) {
            quit("a key group can't be written");
        }
    }
    heap_snapshot_free(s->snapshot);
    s->cpu_ns = thread_ns();
    atomic_store(&s->done, true);
    return NULL;
}

typedef struct phase {
    const char *name;
    uint64_t operations;
    uint64_t wall_ns;
    uint64_t cpu_ns;
    uint64_t longest_ns;    /* of one operation, by the clock */
    uint64_t batch_most_ns; /* cpu time of BATCH operations */
} phase;

static void update_one(bench *b, phase *p)
{
    item at = item_of(next_random(b) % b->entries, b->random);
    uint64_t before = wall_ns();
    uint64_t took;

    (void)heap_side_get(b, &at);
    heap_side_put(b, &at);
    took = wall_ns() - before;
    p->longest_ns = took > p->longest_ns ? took : p->longest_ns;
}

/* Until `done`, or for QUIET_S. */
static void run_phase(bench *b, phase *p, const atomic_bool *done)
{
    uint64_t wall_before = wall_ns();
    uint64_t cpu_before = thread_ns();
    uint64_t cpu_last = cpu_before;

    while (done != NULL ? !atomic_load(done) : wall_ns() - wall_before < QUIET_S * NS_PER_S) {
        uint64_t now;

        for (int i = 0; i < BATCH; i++) {
            update_one(b, p);
        }
        p->operations += BATCH;
        now = thread_ns();
        p->batch_most_ns = now - cpu_last > p->batch_most_ns ? now - cpu_last : p->batch_most_ns;
        cpu_last = now;
    }
    p->cpu_ns = thread_ns() - cpu_before;
    p->wall_ns = wall_ns() - wall_before;
}

#define PHASE_TEXT "%-8s %12llu %10.1f %10.1f %12.3f %12.3f\n"
#define PHASE_JSON                                                            \
    "{\"phase\":\"%s\",\"operations\":%llu,\"wall_ns\":%.1f,\"cpu_ns\":%.1f," \
    "\"longest_ms\":%.3f,\"batch_most_cpu_ms\":%.3f}\n"

static void print_phase(const bench *b, const phase *p)
{
    double count = (double)p->operations;

    (void)printf(b->json ? PHASE_JSON : PHASE_TEXT, p->name, (unsigned long long)p->operations,
                 (double)p->wall_ns / count, (double)p->cpu_ns / count, (double)p->longest_ns / 1e6,
                 (double)p->batch_most_ns / 1e6);
}

static double resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    char text[100] = "";
    char *at = text;

    if (file == NULL || fgets(text, sizeof(text), file) == NULL) {
        quit("/proc/self/statm can't be read");
    }
    (void)fclose(file);
    (void)strtoull(at, &at, 10);
    return (double)strtoull(at, NULL, 10) * (double)sysconf(_SC_PAGESIZE);
}

static void run_snapshot(bench *b)
{
    static phase phases[] = {{.name = "before"}, {.name = "during"}, {.name = "after"}};
    static serializer work;
    double resident = resident_bytes();
    round all = {0, b->entries};
    pthread_t thread;
    uint64_t begin_ns;

    run_put(b, &sides[1], &all);
    (void)printf("bytes per entry: %.1f counted, %.1f of the process\n",
                 (double)heap_memory_bytes(b->db) / (double)b->entries,
                 (resident_bytes() - resident) / (double)b->entries);
    run_phase(b, &phases[0], NULL);
    begin_ns = wall_ns();
    must(b, heap_snapshot_begin(b->db, &work.snapshot, &b->err));
    begin_ns = wall_ns() - begin_ns;
    if (pthread_create(&thread, NULL, serialize, &work) != 0) {
        quit("no thread");
    }
    run_phase(b, &phases[1], &work.done);
    (void)pthread_join(thread, NULL);
    run_phase(b, &phases[2], NULL);
    (void)printf("snapshot begun in %.3f ms; %.0f MB written in %.0f ms of cpu\n",
                 (double)begin_ns / 1e6, (double)work.bytes / 1e6, (double)work.cpu_ns / 1e6);
    if (!b->json) {
        (void)printf("%-8s %12s %10s %10s %12s %12s\n", "", "operations", "wall ns", "cpu ns",
                     "longest ms", "batch cpu ms");
    }
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(phases); i++) {
        print_phase(b, &phases[i]);
    }
}

/* --- set-up ----------------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
    static bench b;
    const heap_options options = {.range = {0, GROUPS - 1}};
    bool snapshot = argc > 2 && strcmp(argv[2], "--snapshot") == 0;

    b.json = argc > 2 && strcmp(argv[argc - 1], "--json") == 0;
    if (argc != 2 + snapshot + b.json) {
        quit("usage: bench_heap ENTRIES [--snapshot] [--json]");
    }
    if (!parse_u64(cairn_slice_of(argv[1]), &b.entries) || b.entries < ROUNDS ||
        b.entries > 1000000000) {
        quit("ENTRIES: 20 to 1000000000");
    }
    must(&b, heap_open(&options, &b.db, &b.err));
    must(&b, heap_table_create(b.db, "bench", false, &b.table, &b.err));
    b.flat = flat_table_new();
    if (b.flat == NULL) {
        quit("out of memory");
    }
    if (snapshot) {
        run_snapshot(&b);
    } else {
        run_rows(&b);
    }
    flat_table_free(b.flat);
    heap_close(b.db);
    return b.sum == 1; /* of no meaning */
}
