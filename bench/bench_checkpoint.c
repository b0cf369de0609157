/*
 * Checkpoints against state size and change rate: pause of the owner, time until committed, bytes
 * uploaded, and the time from an empty disk to the first value read after a restore.
 *
 *     bench_checkpoint DIR KEYS VALUE_BYTES
 *
 * Fills KEYS keys of 16 bytes, takes the full checkpoint, then for each change rate updates that
 * share of the keys (spread evenly, in a scattered order) and takes another one. After the first
 * change of 5 %, and at last, it closes, restores into an empty folder and reads one key. DIR holds
 * store and local state. A line of JSON per measurement.
 */
#include <cairn/cairn.h>

#include "clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define KEY_BYTES       16
#define VALUE_BYTES_MAX 4096
/* Odd, so that multiples of it visit every key of a power-of-two or any other count coprime to it.
 */
#define STRIDE 2654435761U

typedef struct bench {
    const char *dir;
    uint64_t keys;
    size_t value_bytes;
    uint64_t version; /* of the values */
    cairn_store *store;
    cairn_backend *backend;
    cairn_value_state *state;
} bench;

static void check(cairn_code code, const cairn_error *err)
{
    if (code != CAIRN_OK) {
        (void)fprintf(stderr, "bench_checkpoint: %s\n", err->message);
        exit(1);
    }
}

static void open_backend(bench *self, const char *local)
{
    cairn_backend_options options = CAIRN_BACKEND_OPTIONS_INIT;
    cairn_state_descriptor descriptor = CAIRN_STATE_DESCRIPTOR_INIT;
    char path[4096];
    cairn_error err = {0};

    (void)snprintf(path, sizeof path, "%s/%s", self->dir, local);
    options.store = self->store;
    options.job = "bench";
    options.operator_uid = "op";
    options.local_dir = path;
    descriptor.name = "values";
    check(cairn_backend_open(&options, &self->backend, &err), &err);
    check(cairn_value_state_open(self->backend, &descriptor, &self->state, &err), &err);
}

static void set_key(bench *self, uint64_t number)
{
    char key[32];
    cairn_error err = {0};

    (void)snprintf(key, sizeof key, "key-%012" PRIu64, number);
    check(cairn_backend_set_key(self->backend, (cairn_slice){key, KEY_BYTES}, &err), &err);
}

/* Values that do not compress: the bytes of a small generator. */
static void update(bench *self, uint64_t number)
{
    uint64_t words[VALUE_BYTES_MAX / 8];
    uint64_t seed = number * 0x9e3779b97f4a7c15U + self->version;
    cairn_error err = {0};

    for (size_t i = 0; i < (self->value_bytes + 7) / 8; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        words[i] = seed;
    }
    set_key(self, number);
    check(cairn_value_update(self->state, (cairn_slice){words, self->value_bytes}, &err), &err);
}

static void take_checkpoint(bench *self, const char *name)
{
    cairn_checkpoint_request request = CAIRN_CHECKPOINT_REQUEST_INIT;
    cairn_checkpoint *checkpoint = NULL;
    cairn_checkpoint_stats stats;
    cairn_error err = {0};

    check(cairn_checkpoint_begin(self->backend, &request, &checkpoint, &err), &err);
    check(cairn_checkpoint_wait(checkpoint, 3600000, &err), &err);
    cairn_checkpoint_get_stats(checkpoint, &stats);
    cairn_checkpoint_free(checkpoint);
    (void)printf("{\"step\": \"%s\", \"keys\": %" PRIu64
                 ", \"value_bytes\": %zu, \"sync_ms\": %.3f, "
                 "\"link_ms\": %" PRIu64 ", \"async_ms\": %" PRIu64 ", \"new_mb\": %.1f, "
                 "\"total_mb\": %.1f, \"new_files\": %" PRIu64 ", \"total_files\": %" PRIu64 "}\n",
                 name, self->keys, self->value_bytes, (double)stats.sync_us / 1000.0, stats.link_ms,
                 stats.async_ms, (double)stats.new_bytes / 1e6, (double)stats.total_bytes / 1e6,
                 stats.new_files, stats.total_files);
    (void)fflush(stdout);
}

static void change(bench *self, unsigned percent)
{
    uint64_t count = self->keys * percent / 100;
    char name[32];

    self->version++;
    for (uint64_t i = 0; i < count; i++) {
        update(self, i * STRIDE % self->keys);
    }
    (void)snprintf(name, sizeof name, "changed %u %%", percent);
    take_checkpoint(self, name);
}

static void restore(bench *self, const char *local)
{
    cairn_slice value;
    bool found = false;
    cairn_error err = {0};

    cairn_backend_close(self->backend);
    uint64_t before_us = clock_monotonic_us();
    open_backend(self, local);
    set_key(self, self->keys / 2);
    check(cairn_value_get(self->state, &value, &found, &err), &err);
    (void)printf("{\"step\": \"restore to first read\", \"keys\": %" PRIu64
                 ", \"value_bytes\": %zu, \"ms\": %.1f, \"found\": %s}\n",
                 self->keys, self->value_bytes, (double)(clock_monotonic_us() - before_us) / 1000.0,
                 found ? "true" : "false");
    self->version++;
    update(self, 1);
    take_checkpoint(self, "first after restore");
}

static void print_memory(const bench *self)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    (void)printf("{\"step\": \"peak memory\", \"keys\": %" PRIu64 ", \"value_bytes\": %zu, "
                 "\"rss_mb\": %.1f}\n",
                 self->keys, self->value_bytes, (double)usage.ru_maxrss / 1024.0);
}

int main(int argc, char **argv)
{
    /* Several of each: a compaction in between uploads more than what changed. */
    static const unsigned rates[] = {1, 1, 1, 1, 1, 5, 5, 5, 5, 10, 10, 10, 10, 10};
    bench self = {0};
    char path[4096];
    cairn_error err = {0};

    if (argc != 4) {
        (void)fprintf(stderr, "usage: bench_checkpoint DIR KEYS VALUE_BYTES\n");
        return 2;
    }
    self.dir = argv[1];
    self.keys = strtoull(argv[2], NULL, 10);
    self.value_bytes = strtoul(argv[3], NULL, 10);
    if (self.keys == 0 || self.value_bytes == 0 || self.value_bytes > VALUE_BYTES_MAX) {
        (void)fprintf(stderr, "bench_checkpoint: keys and value bytes (1 to 4096) are wrong\n");
        return 2;
    }
    (void)snprintf(path, sizeof path, "%s/store", self.dir);
    check(cairn_dir_store_new(path, NULL, &self.store, &err), &err);
    open_backend(&self, "local");
    for (uint64_t i = 0; i < self.keys; i++) {
        update(&self, i * STRIDE % self.keys);
    }
    take_checkpoint(&self, "full");
    change(&self, 5);
    restore(&self, "restored-1");
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        change(&self, rates[i]);
    }
    restore(&self, "restored-2");
    change(&self, 100);
    print_memory(&self);
    cairn_backend_close(self.backend);
    cairn_store_free(self.store);
    return 0;
}
