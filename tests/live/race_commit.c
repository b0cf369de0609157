/*
 * Two committers that race for the same key, again and again:
 *
 *     race_commit s3://bucket/prefix|webhdfs://host:port/path ROUNDS
 *
 * Each has a store, and so connections, of its own. Prints a line per round without exactly one
 * winner, or whose object is not what the winner has put; then "N rounds, N bad". 0: none bad.
 */
#include <cairn/hdfs.h>
#include <cairn/s3.h>

#include "check.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_BYTES ((size_t)400)

typedef struct committer {
    cairn_store *store;
    pthread_barrier_t *barrier;
    unsigned rounds;
    unsigned number;
    cairn_code *codes;
} committer;

static void name_of(unsigned round, char key[40])
{
    (void)snprintf(key, 40, "chk-%u/manifest.json", round);
}

static void body_of(unsigned round, unsigned number, char body[BODY_BYTES])
{
    memset(body, 'a' + (int)number, BODY_BYTES);
    (void)snprintf(body, BODY_BYTES, "%u by %u", round, number);
}

static void *commit_all(void *argument)
{
    committer *c = argument;
    char body[BODY_BYTES];
    char key[40];

    for (unsigned i = 0; i < c->rounds; i++) {
        name_of(i, key);
        body_of(i, c->number, body);
        (void)pthread_barrier_wait(c->barrier);
        c->codes[i] = cairn_store_put(c->store, NULL, key, (cairn_slice){body, BODY_BYTES},
                                      CAIRN_PUT_CREATE, NULL);
    }
    return NULL;
}

static cairn_code open_hdfs(const char *uri, cairn_store **out, cairn_error *err)
{
    cairn_hdfs_options options = CAIRN_HDFS_OPTIONS_INIT;
    cairn_hdfs_place place = {.root = NULL};
    cairn_code code = cairn_hdfs_locate(uri, NULL, &place, err);

    if (code == CAIRN_OK) {
        options.namenodes = (const char *const *)place.namenodes;
        options.root = place.root;
        code = cairn_hdfs_store_new(&options, out, err);
    }
    cairn_hdfs_place_release(&place);
    return code;
}

static cairn_code open_s3(const char *uri, cairn_store **out, cairn_error *err)
{
    cairn_s3_options options = CAIRN_S3_OPTIONS_INIT;
    char *bucket = NULL;
    char *prefix = NULL;
    cairn_code code = cairn_s3_parse_uri(uri, &bucket, &prefix, err);

    if (code == CAIRN_OK) {
        options.bucket = bucket;
        options.prefix = prefix;
        code = cairn_s3_store_new(&options, out, err);
    }
    cairn_s3_free_text(bucket);
    cairn_s3_free_text(prefix);
    return code;
}

static cairn_code open_store(const char *uri, cairn_store **out, cairn_error *err)
{
    return strncmp(uri, "s3://", 5) == 0 ? open_s3(uri, out, err) : open_hdfs(uri, out, err);
}

static bool is_body_of(const cairn_buf *found, unsigned round, unsigned number)
{
    char body[BODY_BYTES];

    body_of(round, number, body);
    return found->len == BODY_BYTES && memcmp(found->data, body, BODY_BYTES) == 0;
}

static bool round_is_good(const committer both[2], unsigned round)
{
    const cairn_code codes[] = {both[0].codes[round], both[1].codes[round]};
    cairn_buf found = {0};
    cairn_error err = {0};
    char key[40];

    name_of(round, key);
    const cairn_code read = cairn_store_get(both[0].store, NULL, key, BODY_BYTES + 1, &found, &err);
    const bool first = codes[0] == CAIRN_OK && codes[1] == CAIRN_E_EXISTS;
    const bool second = codes[1] == CAIRN_OK && codes[0] == CAIRN_E_EXISTS;
    const bool good = read == CAIRN_OK && (first || second) &&
                      is_body_of(&found, round, first ? 0 : 1);
    if (!good) {
        (void)printf("round %u: %s and %s, then %s\n", round, cairn_code_name(codes[0]),
                     cairn_code_name(codes[1]), cairn_code_name(read));
    }
    cairn_buf_release(&found);
    return good;
}

static unsigned race(committer both[2])
{
    pthread_barrier_t barrier;
    pthread_t threads[2];
    unsigned bad = 0;

    CAIRN_ASSERT(pthread_barrier_init(&barrier, NULL, 2) == 0);
    for (size_t i = 0; i < 2; i++) {
        both[i].barrier = &barrier;
        CAIRN_ASSERT(pthread_create(&threads[i], NULL, commit_all, &both[i]) == 0);
    }
    for (size_t i = 0; i < 2; i++) {
        CAIRN_ASSERT(pthread_join(threads[i], NULL) == 0);
    }
    (void)pthread_barrier_destroy(&barrier);
    for (unsigned i = 0; i < both[0].rounds; i++) {
        bad += round_is_good(both, i) ? 0 : 1;
    }
    return bad;
}

int main(int argc, char **argv)
{
    committer both[2] = {{.number = 0}, {.number = 1}};
    cairn_error err = {0};
    cairn_code code = CAIRN_OK;
    const unsigned rounds = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    unsigned bad = rounds;

    if (rounds == 0) {
        (void)fprintf(stderr, "usage: race_commit URI ROUNDS\n");
        return 2;
    }
    for (size_t i = 0; i < 2 && code == CAIRN_OK; i++) {
        both[i].rounds = rounds;
        both[i].codes = calloc(rounds, sizeof(cairn_code));
        CAIRN_ASSERT(both[i].codes != NULL);
        code = open_store(argv[1], &both[i].store, &err);
    }
    if (code == CAIRN_OK) {
        bad = race(both);
        (void)printf("%u rounds, %u bad\n", rounds, bad);
    } else {
        (void)fprintf(stderr, "race_commit: %s\n", err.message);
    }
    for (size_t i = 0; i < 2; i++) {
        cairn_store_free(both[i].store);
        free(both[i].codes);
    }
    return bad == 0 ? 0 : 1;
}
