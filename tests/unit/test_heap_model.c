/*
 * Long random sequences of all calls beside a plain array, with snapshots that are compared with a
 * copy of the array. Operations are made in advance, so that a sequence that fails is shrunk by
 * leaving out what is not needed; what remains is printed with its seed.
 */
#include "test.h"

#include "bounds.h"
#include "heap.h"

#include <stdio.h>
#include <stdlib.h>

#define KEYS_MAX    9000
#define VALUE_MAX   64
#define PREFIXES    7
#define GROUPS      3
#define SNAPSHOTS   4
#define BULK        500
#define SHRINK_RUNS 4000
#define SHRINK_PART 512

/* --- the model -------------------------------------------------------------------------------- */

typedef struct model_entry {
    bool present;
    uint8_t len;
    uint8_t bytes[VALUE_MAX];
} model_entry;

enum {
    PLAIN,
    GROUPED,
    TABLES
};

typedef struct model {
    model_entry entries[TABLES][KEYS_MAX];
    uint64_t changes[GROUPS];
} model;

/* --- operations ------------------------------------------------------------------------------- */

typedef enum kind {
    PUT,
    APPEND,
    REMOVE,
    GET,
    BULK_PUT,
    BULK_REMOVE,
    WALK, /* removes or puts some of what it visits */
    BEGIN,
    COMPARE,
    FREE,
    KINDS
} kind;

static const char *const kind_names[] = {"put",         "append", "remove", "get",     "bulk put",
                                         "bulk remove", "walk",   "begin",  "compare", "free"};
/* How often each is drawn, of 100. */
static const unsigned weights[] = {38, 15, 18, 12, 2, 2, 5, 3, 2, 3};

typedef struct operation {
    kind kind;
    unsigned table;
    unsigned key;
    unsigned slot; /* of a snapshot */
    uint64_t random;
    bool left_out;
} operation;

typedef struct sequence {
    uint64_t seed;
    unsigned keys;
    size_t count;
    operation *operations;
} sequence;

static uint64_t next_random(uint64_t *random)
{
    *random += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *random;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static kind draw_kind(uint64_t random)
{
    unsigned left = (unsigned)(random % 100);
    unsigned drawn = 0;

    for (; left >= weights[drawn]; drawn++) {
        left -= weights[drawn];
    }
    return (kind)drawn;
}

static sequence sequence_of(uint64_t seed, unsigned keys, size_t count)
{
    sequence made = {seed, keys, count, mem_calloc(count, sizeof(operation))};

    assert_non_null(made.operations);
    for (size_t i = 0; i < count; i++) {
        made.operations[i] = (operation){
            .kind = draw_kind(next_random(&seed)),
            .table = (unsigned)(next_random(&seed) % TABLES),
            .key = (unsigned)(next_random(&seed) % keys),
            .slot = (unsigned)(next_random(&seed) % SNAPSHOTS),
            .random = next_random(&seed),
        };
    }
    return made;
}

/* --- one run ---------------------------------------------------------------------------------- */

typedef struct world {
    heap_db *db;
    heap_table *tables[TABLES];
    model now;
    heap_snapshot *snapshots[SNAPSHOTS];
    model then[SNAPSHOTS];
    unsigned keys;
    const char *wrong; /* NULL: nothing yet */
} world;

static void expect(world *w, bool condition, const char *what)
{
    if (!condition && w->wrong == NULL) {
        w->wrong = what;
    }
}

typedef struct key_text {
    char text[40];
    heap_key key;
} key_text;

/* A letter for the prefix and the number; some keys are long. */
static void name_key(unsigned number, key_text *out)
{
    int len = snprintf(out->text, sizeof(out->text), number % 5 == 0 ? "%c%u" : "%c%030u",
                       (char)('a' + number % PREFIXES), number);

    out->key = (heap_key){.bytes = {out->text, (size_t)len},
                          .key_group = number % PREFIXES % GROUPS,
                          .prefix_bytes = 1};
}

static unsigned number_of(cairn_slice key)
{
    char text[40] = "";

    memcpy(text, (const char *)key.data + 1, key.len - 1);
    return (unsigned)strtoul(text, NULL, 10);
}

static void make_value(uint64_t random, size_t len, uint8_t *out)
{
    for (size_t i = 0; i < len; i++) {
        out[i] = (uint8_t)(next_random(&random));
    }
}

static bool is_value(const model_entry *entry, cairn_slice value)
{
    return entry->len == value.len && memcmp(entry->bytes, value.data, value.len) == 0;
}

static void do_put(world *w, unsigned table, unsigned number, uint64_t random)
{
    model_entry *entry = &w->now.entries[table][number];
    key_text at;

    name_key(number, &at);
    entry->present = true;
    entry->len = (uint8_t)(random % VALUE_MAX);
    make_value(random, entry->len, entry->bytes);
    w->now.changes[at.key.key_group]++;
    expect(w,
           heap_put(w->tables[table], &at.key, (cairn_slice){entry->bytes, entry->len}, NULL) ==
               CAIRN_OK,
           "put failed");
}

static void do_append(world *w, unsigned table, unsigned number, uint64_t random)
{
    model_entry *entry = &w->now.entries[table][number];
    size_t len = random % 16;
    key_text at;

    name_key(number, &at);
    entry->len = entry->present ? entry->len : 0;
    if (entry->len + len > VALUE_MAX) {
        do_put(w, table, number, random);
        return;
    }
    make_value(random, len, entry->bytes + entry->len);
    w->now.changes[at.key.key_group]++;
    expect(w,
           heap_append(w->tables[table], &at.key, (cairn_slice){entry->bytes + entry->len, len},
                       NULL) == CAIRN_OK,
           "append failed");
    entry->present = true;
    entry->len = (uint8_t)(entry->len + len);
}

static void do_remove(world *w, unsigned table, unsigned number)
{
    key_text at;

    name_key(number, &at);
    w->now.changes[at.key.key_group] += w->now.entries[table][number].present;
    w->now.entries[table][number].present = false;
    expect(w, heap_remove(w->tables[table], &at.key, NULL) == CAIRN_OK, "remove failed");
}

static void do_get(world *w, unsigned table, unsigned number)
{
    const model_entry *entry = &w->now.entries[table][number];
    cairn_slice value = {0};
    key_text at;
    bool found;

    name_key(number, &at);
    found = heap_get(w->tables[table], &at.key, &value);
    expect(w, found == entry->present, "get: presence");
    expect(w, !found || is_value(entry, value), "get: value");
}

static void do_bulk(world *w, const operation *op)
{
    uint64_t random = op->random;

    for (unsigned i = 0; i < BULK && op->key + i < w->keys; i++) {
        if (op->kind == BULK_PUT) {
            do_put(w, op->table, op->key + i, next_random(&random));
        } else {
            do_remove(w, op->table, op->key + i);
        }
    }
}

/* What is visited is there and new; what was there before and still is was visited. */
static void do_walk(world *w, const operation *op)
{
    static bool seen[KEYS_MAX];
    static bool touched[KEYS_MAX];
    uint64_t random = op->random;
    heap_key key;
    cairn_slice value;
    heap_walk walk;
    key_text at;

    memset(seen, 0, sizeof(seen));
    memset(touched, 0, sizeof(touched));
    name_key(op->key, &at);
    heap_walk_begin(w->tables[GROUPED], &at.key, &walk);
    while (w->wrong == NULL && heap_walk_next(&walk, &key.bytes, &value)) {
        unsigned number = number_of(key.bytes);
        unsigned other = (unsigned)(next_random(&random) % w->keys);

        expect(w, number % PREFIXES == op->key % PREFIXES, "walk: another prefix");
        expect(w, w->now.entries[GROUPED][number].present, "walk: nothing is there");
        expect(w, is_value(&w->now.entries[GROUPED][number], value), "walk: value");
        expect(w, !seen[number] || touched[number], "walk: twice");
        seen[number] = true;
        switch (next_random(&random) % 8) {
        case 0:
            do_remove(w, GROUPED, number);
            break;
        case 1:
            do_put(w, GROUPED, number, next_random(&random));
            break;
        case 2:
            touched[other] = true;
            do_remove(w, GROUPED, other);
            break;
        case 3:
            touched[other] = true;
            do_append(w, GROUPED, other, next_random(&random));
            break;
        default:
            break;
        }
    }
    for (unsigned i = op->key % PREFIXES; i < w->keys; i += PREFIXES) {
        expect(w, seen[i] || touched[i] || !w->now.entries[GROUPED][i].present, "walk: missed");
    }
}

static size_t compare_group(world *w, unsigned slot, unsigned table, uint32_t group)
{
    heap_cursor cursor;
    cairn_slice key;
    cairn_slice value;
    size_t count = 0;

    heap_cursor_begin(w->snapshots[slot], table, group, &cursor);
    for (; heap_cursor_next(&cursor, &key, &value); count++) {
        unsigned number = number_of(key);
        const model_entry *entry = &w->then[slot].entries[table][number];

        expect(w, number % PREFIXES % GROUPS == group, "snapshot: another key group");
        expect(w, entry->present, "snapshot: nothing was there");
        expect(w, is_value(entry, value), "snapshot: value");
    }
    return count;
}

static void do_compare(world *w, unsigned slot)
{
    if (w->snapshots[slot] == NULL) {
        return;
    }
    for (unsigned table = 0; table < TABLES; table++) {
        size_t expected = 0;
        size_t found = 0;

        for (unsigned i = 0; i < w->keys; i++) {
            expected += w->then[slot].entries[table][i].present;
        }
        for (uint32_t group = 0; group < GROUPS; group++) {
            found += compare_group(w, slot, table, group);
            expect(w,
                   heap_snapshot_changes(w->snapshots[slot], group) == w->then[slot].changes[group],
                   "snapshot: changes");
        }
        expect(w, found == expected, "snapshot: count");
    }
}

static void do_free(world *w, unsigned slot)
{
    do_compare(w, slot);
    heap_snapshot_free(CAIRN_TAKE(w->snapshots[slot]));
}

static void do_begin(world *w, unsigned slot)
{
    do_free(w, slot);
    w->then[slot] = w->now;
    expect(w, heap_snapshot_begin(w->db, &w->snapshots[slot], NULL) == CAIRN_OK, "begin failed");
}

static void do_operation(world *w, const operation *op)
{
    switch (op->kind) {
    case PUT:
        do_put(w, op->table, op->key, op->random);
        break;
    case APPEND:
        do_append(w, op->table, op->key, op->random);
        break;
    case REMOVE:
        do_remove(w, op->table, op->key);
        break;
    case GET:
        do_get(w, op->table, op->key);
        break;
    case BULK_PUT:
    case BULK_REMOVE:
        do_bulk(w, op);
        break;
    case WALK:
        do_walk(w, op);
        break;
    case BEGIN:
        do_begin(w, op->slot);
        break;
    case COMPARE:
        do_compare(w, op->slot);
        break;
    case FREE:
        do_free(w, op->slot);
        break;
    case KINDS:
    default:
        break;
    }
}

static void check_counts(world *w)
{
    uint64_t entries = 0;
    uint64_t bytes = 0;

    for (unsigned table = 0; table < TABLES; table++) {
        for (unsigned i = 0; i < w->keys; i++) {
            key_text at;

            name_key(i, &at);
            do_get(w, table, i);
            entries += w->now.entries[table][i].present;
            bytes += w->now.entries[table][i].present
                         ? at.key.bytes.len + w->now.entries[table][i].len
                         : 0;
        }
    }
    expect(w, heap_entries(w->db) == entries, "count of entries");
    expect(w, heap_state_bytes(w->db) == bytes, "count of bytes");
}

/* What went wrong, or NULL. */
static const char *run(const sequence *all)
{
    static world w;
    const heap_options options = {.range = {0, GROUPS - 1}};

    memset(&w, 0, sizeof(w));
    w.keys = all->keys;
    expect(&w, heap_open(&options, &w.db, NULL) == CAIRN_OK, "open failed");
    expect(&w, heap_table_create(w.db, "plain", false, &w.tables[PLAIN], NULL) == CAIRN_OK,
           "table");
    expect(&w, heap_table_create(w.db, "grouped", true, &w.tables[GROUPED], NULL) == CAIRN_OK,
           "table");
    for (size_t i = 0; i < all->count && w.wrong == NULL; i++) {
        if (!all->operations[i].left_out) {
            do_operation(&w, &all->operations[i]);
        }
    }
    check_counts(&w);
    for (unsigned slot = 0; slot < SNAPSHOTS; slot++) {
        do_free(&w, slot);
    }
    heap_close(w.db);
    return w.wrong;
}

/* --- shrinking -------------------------------------------------------------------------------- */

static void leave_out_unless_needed(sequence *all, size_t first, size_t count)
{
    operation kept[SHRINK_PART];

    memcpy(kept, all->operations + first, count * sizeof(*kept));
    for (size_t i = first; i < first + count; i++) {
        all->operations[i].left_out = true;
    }
    if (run(all) == NULL) {
        memcpy(all->operations + first, kept, count * sizeof(*kept));
    }
}

static void shrink(sequence *all)
{
    unsigned runs = 0;

    for (size_t part = SHRINK_PART; part > 0; part /= 2) {
        for (size_t first = 0; first + part <= all->count && runs < SHRINK_RUNS; first += part) {
            runs++;
            leave_out_unless_needed(all, first, part);
        }
    }
}

static void print_what_is_left(const sequence *all)
{
    for (size_t i = 0; i < all->count; i++) {
        const operation *op = &all->operations[i];

        if (!op->left_out) {
            print_error("%6zu %-11s table %u key %u snapshot %u random %llu\n", i,
                        kind_names[op->kind], op->table, op->key, op->slot,
                        (unsigned long long)op->random);
        }
    }
}

static void check(uint64_t seed, unsigned keys, size_t count)
{
    sequence all = sequence_of(seed, keys, count);
    const char *wrong = run(&all);

    if (wrong != NULL) {
        shrink(&all);
        print_error("seed %llu, %u keys, %zu operations: %s; it is enough to do:\n",
                    (unsigned long long)seed, keys, count, wrong);
        print_what_is_left(&all);
    }
    mem_free(all.operations);
    assert_null(wrong);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void few_keys_that_change_often_are_what_the_model_says(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        check(seed, 20, 2000);
    }
}

static void many_keys_are_what_the_model_says(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        check(seed, KEYS_MAX, 5000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_keys_that_change_often_are_what_the_model_says),
        cmocka_unit_test(many_keys_are_what_the_model_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
