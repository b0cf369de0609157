/*
 * Files to a store and back, as a worker moves them: a thread per transfer, each file one call.
 *
 *     bench_store put|get URI DIR COUNT BYTES THREADS [replace] [digest] [unsigned]
 *
 * URI is s3://bucket/prefix, webhdfs://host:port/folder, hdfs://... or file:///folder; the rest
 * comes from the environment (AWS_..., CAIRN_HDFS_...: as the stores read it; AWS_CA_BUNDLE,
 * HADOOP_...). put sends DIR/f00000 ... to keys of these names; get writes them, as new files.
 * "replace": not create-only. "digest": the SHA-256 of each file is known before, as it is to a
 * checkpoint, which needs it for its manifest anyway. "unsigned": bodies are not signed (s3 over
 * https).
 *
 * Prints one line of JSON: wall clock and CPU of the transfers alone, and the peak of the process.
 */
#include <cairn/cairn.h>
#include <cairn/hdfs.h>
#include <cairn/s3.h>

#include "clock.h"
#include "digest.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PATH_BYTES   4096
#define KEY_BYTES    32
#define THREADS_MAX  64
#define WORDS_BEFORE 7 /* of the command line, before the last ones, which are optional */

typedef struct bench {
    cairn_store *store;
    const char *dir;
    uint64_t count;
    uint64_t bytes;
    unsigned threads;
    bool is_put;
    bool replaces;
    bool is_unsigned;
    sha256 *digests; /* NULL: not known */
    _Atomic uint64_t next;
} bench;

static void check(cairn_code code, const cairn_error *err)
{
    if (code != CAIRN_OK) {
        (void)fprintf(stderr, "bench_store: %s\n", err->message);
        exit(1);
    }
}

static void name_file(const bench *self, uint64_t number, char key[KEY_BYTES],
                      char path[PATH_BYTES])
{
    (void)snprintf(key, KEY_BYTES, "f%05" PRIu64, number);
    (void)snprintf(path, PATH_BYTES, "%s/%s", self->dir, key);
}

/* ---- The store ---- */

static void open_s3(bench *self, const char *uri)
{
    cairn_s3_options options = CAIRN_S3_OPTIONS_INIT;
    char *bucket = NULL;
    char *prefix = NULL;
    cairn_error err = {0};

    check(cairn_s3_parse_uri(uri, &bucket, &prefix, &err), &err);
    options.bucket = bucket;
    options.prefix = prefix;
    options.unsigned_payload = self->is_unsigned;
    check(cairn_s3_store_new(&options, &self->store, &err), &err);
    cairn_s3_free_text(bucket);
    cairn_s3_free_text(prefix);
}

static void open_hdfs(bench *self, const char *uri)
{
    cairn_hdfs_options options = CAIRN_HDFS_OPTIONS_INIT;
    cairn_hdfs_place place = {.root = NULL};
    cairn_error err = {0};

    check(cairn_hdfs_locate(uri, NULL, &place, &err), &err);
    options.namenodes = (const char *const *)place.namenodes;
    options.root = place.root;
    options.ca_file = getenv("CAIRN_HDFS_CA");
    check(cairn_hdfs_store_new(&options, &self->store, &err), &err);
    cairn_hdfs_place_release(&place);
}

static void open_store(bench *self, const char *uri)
{
    static const char local[] = "file://";
    cairn_error err = {0};

    if (strncmp(uri, local, strlen(local)) == 0) {
        check(cairn_dir_store_new(uri + strlen(local), NULL, &self->store, &err), &err);
    } else if (strncmp(uri, "s3", 2) == 0) {
        open_s3(self, uri);
    } else {
        open_hdfs(self, uri);
    }
}

/* ---- Transfers ---- */

static void hash_all(bench *self)
{
    char key[KEY_BYTES];
    char path[PATH_BYTES];
    cairn_error err = {0};

    self->digests = calloc(self->count, sizeof(*self->digests));
    if (self->digests == NULL) {
        exit(1);
    }
    for (uint64_t i = 0; i < self->count; i++) {
        name_file(self, i, key, path);
        const int fd = open(path, O_RDONLY | O_CLOEXEC);
        check(sha256_of_range(fd, 0, self->bytes, &self->digests[i], &err), &err);
        (void)close(fd);
    }
}

static void transfer(const bench *self, uint64_t number)
{
    char key[KEY_BYTES];
    char path[PATH_BYTES];
    cairn_file_range range = {.path = path, .length = self->bytes, .frozen = true};
    const cairn_put_mode mode = self->replaces ? CAIRN_PUT_REPLACE : CAIRN_PUT_CREATE;
    cairn_error err = {0};

    name_file(self, number, key, path);
    if (self->digests != NULL) {
        range.sha256 = self->digests[number].bytes;
    }
    if (self->is_put) {
        check(cairn_store_put_file(self->store, NULL, key, &range, mode, &err), &err);
    } else {
        check(cairn_store_get_file(self->store, NULL, key, &range, &err), &err);
    }
}

static void *work(void *context)
{
    bench *self = context;

    for (;;) {
        const uint64_t number = atomic_fetch_add(&self->next, 1);
        if (number >= self->count) {
            return NULL;
        }
        transfer(self, number);
    }
}

static void work_all(bench *self)
{
    pthread_t threads[THREADS_MAX];

    for (unsigned i = 0; i < self->threads; i++) {
        if (pthread_create(&threads[i], NULL, work, self) != 0) {
            exit(1);
        }
    }
    for (unsigned i = 0; i < self->threads; i++) {
        (void)pthread_join(threads[i], NULL);
    }
}

static double seconds(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

static void measure(bench *self)
{
    struct rusage before;
    struct rusage after;

    (void)getrusage(RUSAGE_SELF, &before);
    const uint64_t begin_us = clock_monotonic_us();
    work_all(self);
    const uint64_t wall_us = clock_monotonic_us() - begin_us;
    (void)getrusage(RUSAGE_SELF, &after);
    (void)printf("{\"wall_s\": %.4f, \"user_s\": %.4f, \"sys_s\": %.4f, \"rss_mb\": %.1f, "
                 "\"files\": %" PRIu64 ", \"bytes\": %" PRIu64 "}\n",
                 (double)wall_us / 1e6, seconds(&after.ru_utime) - seconds(&before.ru_utime),
                 seconds(&after.ru_stime) - seconds(&before.ru_stime),
                 (double)after.ru_maxrss / 1024.0, self->count, self->count * self->bytes);
}

int main(int argc, char **argv)
{
    bench self = {.threads = 0};
    bool hashes = false;

    if (argc < WORDS_BEFORE) {
        (void)fprintf(stderr, "usage: bench_store put|get URI DIR COUNT BYTES THREADS "
                              "[replace] [digest] [unsigned]\n");
        return 2;
    }
    self.is_put = strcmp(argv[1], "put") == 0;
    self.dir = argv[3];
    self.count = strtoull(argv[4], NULL, 10);
    self.bytes = strtoull(argv[5], NULL, 10);
    self.threads = (unsigned)strtoul(argv[6], NULL, 10);
    for (int i = WORDS_BEFORE; i < argc; i++) {
        self.replaces = self.replaces || strcmp(argv[i], "replace") == 0;
        self.is_unsigned = self.is_unsigned || strcmp(argv[i], "unsigned") == 0;
        hashes = hashes || strcmp(argv[i], "digest") == 0;
    }
    if (self.count == 0 || self.threads == 0 || self.threads > THREADS_MAX) {
        (void)fprintf(stderr, "bench_store: count or threads (1 to %d) are wrong\n", THREADS_MAX);
        return 2;
    }
    if (hashes) {
        hash_all(&self);
    }
    open_store(&self, argv[2]);
    measure(&self);
    cairn_store_free(self.store);
    free(self.digests);
    return 0;
}
