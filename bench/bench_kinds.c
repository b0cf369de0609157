/*
 * List, map and reducing state and merges of namespaces beside the raw RocksDB C API: same options,
 * same keys and values, same process, in rounds as in paired.h. bench_state has the value state.
 *
 *     bench_kinds FOLDER KEYS [--json]
 *
 * append   an element is added to the list of a random key   (raw: merge)
 * list     the list of a random key is read, each element    (raw: get_pinned)
 * put      an entry of a map, in random order                (raw: put)
 * get      an entry of a map                                 (raw: get_pinned)
 * iterate  all entries of a random map                       (raw: iterator, seek, next)
 * reduce   a number is added to that of a random key         (raw: get_pinned, put)
 * merge    the lists of two namespaces go to a third         (raw: get_pinned twice, merge, delete
 *          of one key, an element in each                     twice)
 *
 * Keys and elements have 16 bytes, user keys and namespaces 8; PER_KEY elements of a list and
 * entries of a map. Raw keys are key and user key or namespace as they are, raw elements stand
 * behind their lengths: what any program would store. CAIRN_BENCH_MEMORY_MB, CAIRN_BENCH_ROUNDS and
 * CAIRN_BENCH_OPERATIONS are as of bench_state. The folder must not exist.
 */
#include "buf.h"
#include "fsutil.h"
#include "keyed_state.h"
#include "paired.h"
#include "raw_db.h"
#include "state_rocks.h"

#include <stdio.h>
#include <string.h>

#define KEY_BYTES       16
#define SUB_BYTES       8 /* of a user key, of a namespace */
#define ELEMENT_BYTES   16
#define PER_KEY         10
#define LOAD_ROUNDS     20
#define ROUNDS          20
#define OPERATIONS      20000
#define MEMORY_MB       256
#define MAX_PARALLELISM 128
#define STRIDE          UINT64_C(2654435761) /* prime and beyond all counts: a permutation */
#define RAW             0

typedef struct bench {
    uint64_t keys;
    uint64_t rounds;
    uint64_t operations; /* of a round after the load */
    uint64_t round_operations;
    const char *folder;
    bool json;
    rocks_options options;
    raw_db raw;
    state_engine *engine;
    keyed_state *states;
    cairn_list_state *list;
    cairn_map_state *map;
    cairn_reducing_state *sum;
    uint64_t random;
    uint64_t seen; /* of what was read, so that it is */
    cairn_error err;
} bench;

static void must(const bench *b, cairn_code code)
{
    bench_must(code, &b->err);
}

/* --- keys and elements ------------------------------------------------------------------------ */

/* Key, and behind it user key or namespace. */
typedef struct place_text {
    char text[KEY_BYTES + SUB_BYTES];
} place_text;

static void write_number(char *text, size_t digits, uint64_t number)
{
    for (size_t i = digits; i > 0; i--, number /= 10) {
        text[i - 1] = (char)('0' + number % 10);
    }
}

static void set_place(place_text *at, uint64_t key, uint64_t sub)
{
    at->text[0] = 'k';
    write_number(at->text + 1, KEY_BYTES - 1, key);
    at->text[KEY_BYTES] = 's';
    write_number(at->text + KEY_BYTES + 1, SUB_BYTES - 1, sub);
}

static cairn_slice key_of(const place_text *at)
{
    return (cairn_slice){at->text, KEY_BYTES};
}

static cairn_slice sub_of(const place_text *at)
{
    return (cairn_slice){at->text + KEY_BYTES, SUB_BYTES};
}

static cairn_slice both_of(const place_text *at)
{
    return (cairn_slice){at->text, KEY_BYTES + SUB_BYTES};
}

/* An element behind its length, one byte. */
typedef struct element {
    uint8_t bytes[1 + ELEMENT_BYTES];
} element;

static element element_of(uint64_t number)
{
    element made = {{ELEMENT_BYTES}};

    for (size_t i = 0; i < ELEMENT_BYTES; i += sizeof(number), number *= STRIDE) {
        memcpy(made.bytes + 1 + i, &number, sizeof(number));
    }
    return made;
}

static cairn_slice plain_of(const element *e)
{
    return (cairn_slice){e->bytes + 1, ELEMENT_BYTES};
}

static cairn_slice framed_of(const element *e)
{
    return (cairn_slice){e->bytes, sizeof(e->bytes)};
}

static void set_key(bench *b, cairn_slice key)
{
    must(b, keyed_state_set_key(b->states, key, &b->err));
}

/* The i-th of `count`, each once. */
static uint64_t permuted(uint64_t i, uint64_t count)
{
    return i * STRIDE % count;
}

/* --- lists ------------------------------------------------------------------------------------ */

static void append_one(bench *b, size_t side, cairn_slice key, const element *e)
{
    if (side == RAW) {
        raw_merge(&b->raw, key, framed_of(e));
    } else {
        set_key(b, key);
        must(b, cairn_list_add(b->list, plain_of(e), &b->err));
    }
}

static void run_append(void *context, size_t side, uint64_t round)
{
    bench *b = context;
    const uint64_t first = (round - 1) * b->round_operations;
    place_text at;

    for (uint64_t i = first; i < first + b->round_operations; i++) {
        const element e = element_of(i);

        set_place(&at, permuted(i, b->keys * PER_KEY) / PER_KEY, 0);
        append_one(b, side, key_of(&at), &e);
    }
}

static size_t read_raw_list(bench *b, cairn_slice key)
{
    const uint8_t *next;
    cairn_slice stored = {NULL, 0};
    size_t count = 0;

    if (!raw_get(&b->raw, key, &stored)) {
        bench_quit("a list of the raw side is missing");
    }
    next = stored.data;
    for (const uint8_t *end = next + stored.len; next < end; next += 1 + next[0]) {
        b->seen += next[1];
        count++;
    }
    return count;
}

static size_t read_our_list(bench *b, cairn_slice key)
{
    cairn_list_view view;
    cairn_slice one;
    size_t count = 0;

    set_key(b, key);
    must(b, cairn_list_get(b->list, &view, &b->err));
    while (cairn_list_next(&view, &one)) {
        b->seen += *(const uint8_t *)one.data;
        count++;
    }
    return count;
}

static void run_list(void *context, size_t side, uint64_t round)
{
    bench *b = context;
    place_text at;

    b->random = 2 * round + 1;
    for (uint64_t i = 0; i < b->round_operations; i++) {
        set_place(&at, bench_random(&b->random) % b->keys, 0);
        if ((side == RAW ? read_raw_list(b, key_of(&at)) : read_our_list(b, key_of(&at))) !=
            PER_KEY) {
            bench_quit("a list has lost elements");
        }
    }
}

/* --- maps ------------------------------------------------------------------------------------- */

static void run_put(void *context, size_t side, uint64_t round)
{
    bench *b = context;
    const uint64_t first = (round - 1) * b->round_operations;
    place_text at;

    for (uint64_t i = first; i < first + b->round_operations; i++) {
        const uint64_t entry = permuted(i, b->keys * PER_KEY);
        const element e = element_of(entry);

        set_place(&at, entry / PER_KEY, entry % PER_KEY);
        if (side == RAW) {
            raw_put(&b->raw, both_of(&at), plain_of(&e));
        } else {
            set_key(b, key_of(&at));
            must(b, cairn_map_put(b->map, sub_of(&at), plain_of(&e), &b->err));
        }
    }
}

static void run_get(void *context, size_t side, uint64_t round)
{
    bench *b = context;
    place_text at;

    b->random = 2 * round + 1;
    for (uint64_t i = 0; i < b->round_operations; i++) {
        const uint64_t entry = bench_random(&b->random) % (b->keys * PER_KEY);
        cairn_slice value = {NULL, 0};
        bool found = false;

        set_place(&at, entry / PER_KEY, entry % PER_KEY);
        if (side == RAW) {
            found = raw_get(&b->raw, both_of(&at), &value);
        } else {
            set_key(b, key_of(&at));
            must(b, cairn_map_get(b->map, sub_of(&at), &value, &found, &b->err));
        }
        if (!found || value.len != ELEMENT_BYTES) {
            bench_quit("an entry of a map is missing");
        }
    }
}

static size_t iterate_raw(bench *b, cairn_slice key)
{
    rocksdb_iterator_t *rows = rocksdb_create_iterator(b->raw.db, b->raw.settings.read);
    size_t count = 0;

    for (rocksdb_iter_seek(rows, key.data, key.len); rocksdb_iter_valid(rows);
         rocksdb_iter_next(rows)) {
        cairn_slice at = {NULL, 0};
        cairn_slice value = {NULL, 0};

        at.data = rocksdb_iter_key(rows, &at.len);
        if (at.len < key.len || memcmp(at.data, key.data, key.len) != 0) {
            break;
        }
        value.data = rocksdb_iter_value(rows, &value.len);
        b->seen += *(const uint8_t *)value.data;
        count++;
    }
    rocksdb_iter_destroy(rows);
    return count;
}

static size_t iterate_ours(bench *b, cairn_slice key)
{
    cairn_map_iterator *entries = NULL;
    cairn_slice user_key;
    cairn_slice value;
    bool found = true;
    size_t count = 0;

    set_key(b, key);
    must(b, cairn_map_iterate(b->map, &entries, &b->err));
    for (;; count++) {
        must(b, cairn_map_iterator_next(entries, &user_key, &value, &found, &b->err));
        if (!found) {
            break;
        }
        b->seen += *(const uint8_t *)value.data;
    }
    cairn_map_iterator_free(entries);
    return count;
}

static void run_iterate(void *context, size_t side, uint64_t round)
{
    bench *b = context;
    place_text at;

    b->random = 2 * round + 1;
    for (uint64_t i = 0; i < b->round_operations; i++) {
        set_place(&at, bench_random(&b->random) % b->keys, 0);
        if ((side == RAW ? iterate_raw(b, key_of(&at)) : iterate_ours(b, key_of(&at))) != PER_KEY) {
            bench_quit("a map has lost entries");
        }
    }
}

/* --- sums ------------------------------------------------------------------------------------- */

static uint64_t number_of(cairn_slice bytes)
{
    uint64_t number = 0;

    memcpy(&number, bytes.data, sizeof(number));
    return number;
}

static cairn_code add_numbers(void *context, cairn_slice a, cairn_slice b, cairn_buf *out,
                              cairn_error *err)
{
    const uint64_t sum = number_of(a) + number_of(b);

    (void)context;
    return buf_append(out, &sum, sizeof(sum), err);
}

static void add_raw(bench *b, cairn_slice key, uint64_t number)
{
    cairn_slice stored = {NULL, 0};

    if (raw_get(&b->raw, key, &stored)) {
        number += number_of(stored);
    }
    raw_put(&b->raw, key, (cairn_slice){&number, sizeof(number)});
}

static void run_reduce(void *context, size_t side, uint64_t round)
{
    bench *b = context;
    place_text at;

    b->random = 2 * round + 1;
    for (uint64_t i = 0; i < b->round_operations; i++) {
        set_place(&at, bench_random(&b->random) % b->keys, 0);
        if (side == RAW) {
            add_raw(b, key_of(&at), i);
        } else {
            set_key(b, key_of(&at));
            must(b, cairn_reducing_add(b->sum, (cairn_slice){&i, sizeof(i)}, &b->err));
        }
    }
}

/* --- merges ----------------------------------------------------------------------------------- */

/* Namespaces 1 and 2 are merged into 0. */
#define SOURCES 2

static void add_source(bench *b, size_t side, const place_text *at, const element *e)
{
    if (side == RAW) {
        raw_merge(&b->raw, both_of(at), framed_of(e));
    } else {
        set_key(b, key_of(at));
        must(b, keyed_state_set_namespace(b->states, sub_of(at), &b->err));
        must(b, cairn_list_add(b->list, plain_of(e), &b->err));
    }
}

static void prepare_merge(void *context, size_t side, uint64_t round)
{
    bench *b = context;
    place_text at;

    for (uint64_t i = 0; i < b->round_operations; i++) {
        const uint64_t number = round * b->round_operations + i;
        const element e = element_of(number);

        for (uint64_t source = 1; source <= SOURCES; source++) {
            set_place(&at, permuted(number % b->keys, b->keys), source);
            add_source(b, side, &at, &e);
        }
    }
}

static void merge_raw(bench *b, place_text places[1 + SOURCES])
{
    uint8_t moved[SOURCES * sizeof(element)];
    size_t bytes = 0;

    for (size_t i = 1; i <= SOURCES; i++) {
        cairn_slice stored = {NULL, 0};

        if (!raw_get(&b->raw, both_of(&places[i]), &stored) || stored.len > sizeof(moved) - bytes) {
            bench_quit("a namespace of the raw side does not hold one element");
        }
        memcpy(moved + bytes, stored.data, stored.len);
        bytes += stored.len;
    }
    raw_merge(&b->raw, both_of(&places[0]), (cairn_slice){moved, bytes});
    for (size_t i = 1; i <= SOURCES; i++) {
        raw_delete(&b->raw, both_of(&places[i]));
    }
}

static void run_merge(void *context, size_t side, uint64_t round)
{
    bench *b = context;
    place_text places[1 + SOURCES];

    for (uint64_t i = 0; i < b->round_operations; i++) {
        const uint64_t number = round * b->round_operations + i;

        for (uint64_t name = 0; name <= SOURCES; name++) {
            set_place(&places[name], permuted(number % b->keys, b->keys), name);
        }
        if (side == RAW) {
            merge_raw(b, places);
        } else {
            const cairn_slice sources[SOURCES] = {sub_of(&places[1]), sub_of(&places[2])};

            set_key(b, key_of(&places[0]));
            must(b, cairn_list_merge_namespaces(b->list, sub_of(&places[0]), sources, SOURCES,
                                                &b->err));
        }
    }
}

/* --- all of them ------------------------------------------------------------------------------ */

typedef struct phase {
    const char *name;
    const char *family; /* phases of one family follow each other on the same databases */
    void (*prepare)(void *context, size_t side, uint64_t round);
    void (*run)(void *context, size_t side, uint64_t round);
    bool load; /* all elements or entries, over LOAD_ROUNDS */
} phase;

static const phase phases[] = {
    {"append", "list", NULL, run_append, true},
    {"list", "list", NULL, run_list, false},
    {"put", "map", NULL, run_put, true},
    {"get", "map", NULL, run_get, false},
    {"iterate", "map", NULL, run_iterate, false},
    {"reduce", "sum", NULL, run_reduce, false},
    {"merge", "merge", prepare_merge, run_merge, false},
};

/* "default": the family that the raw side uses. */
static void open_state(bench *b, const char *family)
{
    static const cairn_reduce_function add = {add_numbers, NULL};
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;

    descriptor.name = "default";
    if (strcmp(family, "map") == 0) {
        must(b, keyed_state_open_map(b->states, &descriptor, &b->map, &b->err));
    } else if (strcmp(family, "sum") == 0) {
        must(b, keyed_state_open_reducing(b->states, &descriptor, &add, &b->sum, &b->err));
    } else {
        must(b, keyed_state_open_list(b->states, &descriptor, &b->list, &b->err));
    }
}

static void open_family(bench *b, const char *family)
{
    CAIRN_AUTO_FREE char *raw = NULL;
    CAIRN_AUTO_FREE char *ours = NULL;
    keyed_state_options states = {.max_parallelism = MAX_PARALLELISM,
                                  .range = {0, MAX_PARALLELISM - 1}};

    must(b, fs_make_dirs(b->folder, &b->err));
    must(b, fs_join(b->folder, "raw", &raw, &b->err));
    must(b, fs_join(b->folder, "cairn", &ours, &b->err));
    raw_open(&b->raw, raw, &b->options);
    must(b, state_rocks_open(ours, &b->options, MAX_PARALLELISM, &b->engine, &b->err));
    states.engine = b->engine;
    must(b, keyed_state_new(&states, &b->states, &b->err));
    open_state(b, family);
}

static void close_family(bench *b)
{
    keyed_state_free(b->states);
    state_engine_close(b->engine);
    raw_close(&b->raw);
    must(b, fs_remove_tree(b->folder, &b->err));
}

#define ROW_TEXT "%10llu  %-8s %12.0f %12.0f %8.3f %8.3f\n"
#define ROW_JSON                                                                             \
    "{\"keys\":%llu,\"operation\":\"%s\",\"raw_per_second\":%.0f,\"cairn_per_second\":%.0f," \
    "\"wall_ratio\":%.3f,\"cpu_ratio\":%.3f}\n"

static void run_phase(bench *b, const phase *at)
{
    static paired_row row;
    const uint64_t rounds = at->load ? LOAD_ROUNDS : b->rounds;
    paired_result result;

    row = (paired_row){.name = at->name};
    b->round_operations = at->load ? b->keys * PER_KEY / LOAD_ROUNDS : b->operations;
    for (uint64_t round = 1; round <= rounds; round++) {
        const paired_work work = {at->prepare, at->run, b, b->round_operations};

        paired_round(&row, &work, round);
    }
    paired_finish(&row, &result);
    (void)printf(b->json ? ROW_JSON : ROW_TEXT, (unsigned long long)b->keys, at->name,
                 result.per_second[0], result.per_second[1], result.wall, result.cpu);
    (void)fflush(stdout);
    raw_settle(&b->raw, b->engine);
}

static void run_all(bench *b)
{
    if (!b->json) {
        (void)printf("%10s  %-8s %12s %12s %8s %8s\n", "keys", "", "raw/s", "cairn/s", "wall",
                     "cpu");
    }
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(phases); i++) {
        const char *before = i == 0 ? "" : phases[i - 1].family;
        const char *after = i + 1 == CAIRN_ARRAY_LEN(phases) ? "" : phases[i + 1].family;

        if (strcmp(before, phases[i].family) != 0) {
            open_family(b, phases[i].family);
        }
        run_phase(b, &phases[i]);
        if (strcmp(after, phases[i].family) != 0) {
            close_family(b);
        }
    }
}

int main(int argc, char **argv)
{
    static bench b = {.options = {.background_jobs = 2}};

    b.json = argc == 4 && strcmp(argv[3], "--json") == 0;
    if (argc != 3 && !b.json) {
        bench_quit("usage: bench_kinds FOLDER KEYS [--json]");
    }
    if (fs_exists(argv[1])) {
        bench_quit("the folder exists");
    }
    b.folder = argv[1];
    b.keys = bench_number(argv[2], "KEYS: 1 to 100000000", 100000000);
    b.keys += b.keys % 2; /* so that rounds of the load are of one size */
    b.rounds = bench_setting("CAIRN_BENCH_ROUNDS", ROUNDS, PAIRED_ROUNDS_MAX);
    b.operations = bench_setting("CAIRN_BENCH_OPERATIONS", OPERATIONS, UINT32_MAX);
    b.options.memory_bytes = bench_setting("CAIRN_BENCH_MEMORY_MB", MEMORY_MB, UINT32_MAX) << 20;
    run_all(&b);
    return b.seen == 1; /* of no meaning */
}
