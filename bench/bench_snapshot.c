/*
 * What a snapshot costs the owner of a database, and what a checkpoint made from it must upload.
 *
 *     bench_snapshot sync FOLDER KEYS...
 *         for each number of keys: loads them (10-byte keys, 100 random bytes), then seven times
 *         100,000 updates and a snapshot. Prints the pause of the owner (begin) and the time of
 * link, with and without something to flush. bench_snapshot upload FOLDER KEYS PERCENT CHECKPOINTS
 *         updates PERCENT of the keys at random before each checkpoint and prints the bytes of
 * table files that the snapshot before did not have, then the speed of reads. bench_snapshot
 * operations FOLDER KEYS puts and gets per second, and the resident memory.
 *
 * CAIRN_BENCH_MEMORY_MB sets the budget, CAIRN_BENCH_JOBS the background jobs. The folder must not
 * exist.
 */
#include "clock.h"
#include "encode.h"
#include "fsutil.h"
#include "rocks.h"
#include "rocks_snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES    10
#define VALUE_BYTES  100
#define ROUNDS       7
#define UPDATES      100000
#define READS        1000000
#define US_PER_S     1e6
#define US_PER_MS    1e3
#define BYTES_PER_MB 1e6

typedef struct bench {
    const char *folder;
    char *database;
    rocks_db *db;
    rocks_family *family;
    uint64_t keys;
    uint64_t random;
    unsigned snapshots;
    fs_names tables; /* of the last snapshot */
    cairn_error err;
} bench;

_Noreturn static void quit(int status, const char *message)
{
    (void)fprintf(stderr, "bench_snapshot: %s\n", message);
    (void)fflush(NULL);
    _Exit(status);
}

static void must(bench *b, cairn_code code)
{
    if (code != CAIRN_OK) {
        quit(1, b->err.message);
    }
}

static uint64_t number_of(const char *text)
{
    uint64_t number = 0;

    if (text == NULL || !parse_u64(cairn_slice_of(text), &number) || number == 0) {
        quit(2, "a number is missing or wrong");
    }
    return number;
}

static uint64_t number_of_environment(const char *name, uint64_t otherwise)
{
    const char *const text = getenv(name); /* NOLINT(concurrency-mt-unsafe): before any thread */

    return text == NULL ? otherwise : number_of(text);
}

static uint64_t next_random(bench *b)
{
    b->random ^= b->random << 13;
    b->random ^= b->random >> 7;
    b->random ^= b->random << 17;
    return b->random;
}

/* Scatters keys as a hash in front of them does; two bytes stand for the key group. */
static void key_of(uint64_t number, unsigned char key[KEY_BYTES])
{
    const uint64_t scattered = number * 0x9e3779b97f4a7c15U;

    memcpy(key, (const unsigned char *)&scattered + sizeof(scattered) - 2, 2);
    memcpy(key + 2, &scattered, sizeof(scattered));
}

static void put(bench *b, uint64_t number)
{
    unsigned char key[KEY_BYTES];
    uint64_t value[VALUE_BYTES / sizeof(uint64_t) + 1];

    key_of(number, key);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(value); i++) {
        value[i] = next_random(b);
    }
    must(b, rocks_put(b->db, b->family, (cairn_slice){key, sizeof(key)},
                      (cairn_slice){value, VALUE_BYTES}, &b->err));
}

static void update(bench *b, uint64_t times)
{
    for (uint64_t i = 0; i < times; i++) {
        put(b, next_random(b) % b->keys);
    }
}

static void open_database(bench *b, uint64_t keys)
{
    const rocks_options options = {
        .memory_bytes = number_of_environment("CAIRN_BENCH_MEMORY_MB", 256) << 20,
        .background_jobs = (unsigned)number_of_environment("CAIRN_BENCH_JOBS", 2),
    };

    b->keys = keys;
    b->random = 88172645463325252U;
    must(b, fs_make_dirs(b->folder, &b->err));
    must(b, fs_join(b->folder, "db", &b->database, &b->err));
    must(b, rocks_open(b->database, &options, &b->db, &b->err));
    b->family = rocks_family_find(b->db, "default");
}

static void close_database(bench *b)
{
    rocks_close(b->db);
    mem_free(b->database);
    fs_names_release(&b->tables);
    b->tables = (fs_names){0};
    must(b, fs_remove_tree(b->folder, &b->err));
}

static void load(bench *b)
{
    for (uint64_t i = 0; i < b->keys; i++) {
        put(b, i);
    }
}

static bool has_name(const fs_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i], name) == 0) {
            return true;
        }
    }
    return false;
}

typedef struct snapshot_cost {
    uint64_t sync_us;
    uint64_t link_us;
    uint64_t table_bytes;
    uint64_t new_bytes; /* in files that the snapshot before did not have */
} snapshot_cost;

static void count_tables(bench *b, const char *path, snapshot_cost *cost)
{
    fs_names names = {0};

    must(b, fs_list(path, &names, &b->err));
    for (size_t i = 0; i < names.count; i++) {
        char *file = NULL;
        fs_stat stat;

        if (strstr(names.items[i], ".sst") == NULL) {
            continue;
        }
        must(b, fs_join(path, names.items[i], &file, &b->err));
        must(b, fs_stat_path(file, &stat, &b->err));
        cost->table_bytes += stat.size;
        cost->new_bytes += has_name(&b->tables, names.items[i]) ? 0 : stat.size;
        mem_free(file);
    }
    fs_names_release(&b->tables);
    b->tables = names;
}

static snapshot_cost take_snapshot(bench *b)
{
    snapshot_cost cost = {0};
    rocks_snapshot *snapshot = NULL;
    char *path = NULL;
    char name[32];
    uint64_t start_us;

    (void)snprintf(name, sizeof(name), "snapshot-%u", b->snapshots++);
    must(b, fs_join(b->folder, name, &path, &b->err));
    start_us = clock_monotonic_us();
    must(b, rocks_snapshot_begin(b->db, &snapshot, &b->err));
    cost.sync_us = clock_monotonic_us() - start_us;
    start_us = clock_monotonic_us();
    must(b, rocks_snapshot_link(snapshot, NULL, path, &b->err));
    cost.link_us = clock_monotonic_us() - start_us;
    rocks_snapshot_free(snapshot);
    count_tables(b, path, &cost);
    must(b, fs_remove_tree(path, &b->err));
    mem_free(path);
    return cost;
}

static int compare_u64(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a;
    const uint64_t right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

static void print_times(const char *what, uint64_t us[ROUNDS])
{
    qsort(us, ROUNDS, sizeof(us[0]), compare_u64);
    (void)printf("  %-22s median %9llu us   max %9llu us\n", what,
                 (unsigned long long)us[ROUNDS / 2], (unsigned long long)us[ROUNDS - 1]);
}

static void run_sync(bench *b, uint64_t keys)
{
    uint64_t sync_us[ROUNDS];
    uint64_t full_us[ROUNDS];
    uint64_t links_us[ROUNDS];
    snapshot_cost cost = {0};

    open_database(b, keys);
    load(b);
    (void)take_snapshot(b);
    for (int i = 0; i < ROUNDS; i++) {
        update(b, UPDATES);
        cost = take_snapshot(b);
        sync_us[i] = cost.sync_us;
        full_us[i] = cost.link_us;
        links_us[i] = take_snapshot(b).link_us;
    }
    (void)printf("%llu keys, %.2f GB in table files, %d updates:\n", (unsigned long long)keys,
                 (double)cost.table_bytes / BYTES_PER_MB / 1000, UPDATES);
    print_times("sync (owner's pause)", sync_us);
    print_times("async: flush and links", full_us);
    print_times("async: links alone", links_us);
    close_database(b);
}

static double read_at_random(bench *b, uint64_t times)
{
    const uint64_t start_us = clock_monotonic_us();

    for (uint64_t i = 0; i < times; i++) {
        unsigned char key[KEY_BYTES];
        cairn_slice value;
        bool found = false;

        key_of(next_random(b) % b->keys, key);
        must(b,
             rocks_get(b->db, b->family, (cairn_slice){key, sizeof(key)}, &value, &found, &b->err));
        if (!found || value.len != VALUE_BYTES) {
            quit(1, "a key is missing");
        }
    }
    return (double)times * US_PER_S / (double)(clock_monotonic_us() - start_us);
}

static void run_upload(bench *b, uint64_t keys, uint64_t percent, uint64_t checkpoints)
{
    const uint64_t changes = keys * percent / 100;
    uint64_t total = 0;
    uint64_t most = 0;
    uint64_t tables = 0;
    uint64_t update_us = 0;

    open_database(b, keys);
    load(b);
    (void)take_snapshot(b);
    for (uint64_t i = 0; i < checkpoints; i++) {
        const uint64_t start_us = clock_monotonic_us();
        snapshot_cost cost;

        update(b, changes);
        update_us += clock_monotonic_us() - start_us;
        cost = take_snapshot(b);
        total += cost.new_bytes;
        tables += cost.table_bytes;
        most = cost.new_bytes > most ? cost.new_bytes : most;
        (void)printf(" %.0f", (double)cost.new_bytes / BYTES_PER_MB);
        (void)fflush(stdout);
    }
    (void)printf(
        "\n%llu keys, %llu %% changed (%.1f MB): uploads mean %.1f MB, max %.1f MB, %.2f times the "
        "change; files %.2f times the state; %.0f updates/s, %.0f reads/s\n",
        (unsigned long long)keys, (unsigned long long)percent,
        (double)(changes * (KEY_BYTES + VALUE_BYTES)) / BYTES_PER_MB,
        (double)total / (double)checkpoints / BYTES_PER_MB, (double)most / BYTES_PER_MB,
        (double)total / (double)(checkpoints * changes * (KEY_BYTES + VALUE_BYTES)),
        (double)tables / (double)checkpoints / (double)(keys * (KEY_BYTES + VALUE_BYTES)),
        (double)(changes * checkpoints) * US_PER_S / (double)update_us, read_at_random(b, READS));
    close_database(b);
}

/* "VmHWM:    123 kB" of this process. */
static void print_memory(bench *b)
{
    CAIRN_AUTO(cairn_buf) status = {0};
    const char *line;

    must(b, fs_read_file("/proc/self/status", (size_t)1 << 20, &status, &b->err));
    line = strstr((const char *)status.data, "VmHWM:");
    (void)printf("%.*s; caches and memtables %.1f MB\n", (int)strcspn(line, "\n"), line,
                 (double)rocks_memory_bytes(b->db) / BYTES_PER_MB);
}

static void run_operations(bench *b, uint64_t keys)
{
    uint64_t start_us;

    open_database(b, keys);
    start_us = clock_monotonic_us();
    load(b);
    (void)printf("load %.0f puts/s\n",
                 (double)keys * US_PER_S / (double)(clock_monotonic_us() - start_us));
    start_us = clock_monotonic_us();
    update(b, READS);
    (void)printf("random updates %.0f puts/s\n",
                 READS * US_PER_S / (double)(clock_monotonic_us() - start_us));
    (void)printf("random reads %.0f gets/s\n", read_at_random(b, READS));
    print_memory(b);
    close_database(b);
}

int main(int argc, char **argv)
{
    static bench b;

    if (argc < 4) {
        (void)fprintf(stderr, "usage: bench_snapshot sync|upload|operations FOLDER KEYS...\n");
        return 2;
    }
    b.folder = argv[2];
    if (strcmp(argv[1], "upload") == 0 && argc == 6) {
        run_upload(&b, number_of(argv[3]), number_of(argv[4]), number_of(argv[5]));
        return 0;
    }
    for (int i = 3; i < argc; i++) {
        if (strcmp(argv[1], "sync") == 0) {
            run_sync(&b, number_of(argv[i]));
        } else {
            run_operations(&b, number_of(argv[i]));
        }
    }
    return 0;
}
