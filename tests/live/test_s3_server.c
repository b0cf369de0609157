/*
 * What the S3 store does on a server that runs (see test_s3_contract.c) beyond the contract: sizes
 * around every bound, the sweep of open uploads, what is found out about the server, another
 * region.
 */
#include "test.h"

#include <cairn/s3.h>

#include "bounds.h"
#include "buf.h"
#include "check.h"
#include "clock.h"
#include "digest.h"
#include "random.h"
#include "s3_checksum.h"
#include "s3_upload.h"
#include "tmpdir.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MIB ((uint64_t)1 << 20)

typedef struct world {
    cairn_s3_options options;
    char prefix[64];
    cairn_store *store;
    s3_store *self;
    tmpdir *dir;
    cairn_call call;
    cairn_error err;
} world;

static void restart(world *w)
{
    cairn_store_free(w->store);
    w->store = NULL;
    ASSERT_OK(cairn_s3_store_new(&w->options, &w->store, &w->err), &w->err);
    ASSERT_OK(s3_store_of(w->store, &w->self, &w->err), &w->err);
}

static int setup(void **state)
{
    world *w = calloc(1, sizeof(*w));
    char id[RANDOM_ID_SIZE];

    if (w == NULL) {
        return -1;
    }
    *state = w;
    w->dir = tmpdir_new();
    random_id(id);
    (void)snprintf(w->prefix, sizeof(w->prefix), "server/%s", id);
    w->options = (cairn_s3_options)CAIRN_S3_OPTIONS_INIT;
    w->options.bucket = getenv("CAIRN_S3_BUCKET");
    w->options.endpoint = getenv("CAIRN_S3_ENDPOINT");
    w->options.prefix = w->prefix;
    w->call.deadline_ms = cairn_deadline_in(300000);
    restart(w);
    return w->dir == NULL;
}

static int teardown(void **state)
{
    world *w = *state;

    cairn_store_free(w->store);
    tmpdir_free(w->dir);
    free(w);
    return 0;
}

/* Up, down, and the same. */
static void round_trip(world *w, uint64_t length)
{
    char up[TMPDIR_PATH_BYTES];
    char down[TMPDIR_PATH_BYTES];
    CAIRN_AUTO(cairn_buf) chunk = {0};
    sha256 sent;
    sha256 got;
    uint64_t bytes = 0;
    FILE *file = fopen(tmpdir_join(w->dir, "up", up), "we");

    assert_non_null(file);
    ASSERT_OK(buf_reserve(&chunk, MIB, &w->err), &w->err);
    for (uint64_t done = 0; done < length; done += MIB) {
        const size_t step = (size_t)(length - done < MIB ? length - done : MIB);
        for (size_t i = 0; i + 8 <= MIB; i += 8) {
            const uint64_t word = (done + i) * UINT64_C(0x9e3779b97f4a7c15);
            memcpy(chunk.data + i, &word, 8);
        }
        assert_int_equal(fwrite(chunk.data, 1, step, file), step);
    }
    assert_int_equal(fclose(file), 0);

    const cairn_file_range from = {up, 0, length, false, NULL};
    const cairn_file_range to = {tmpdir_join(w->dir, "down", down), 0, length, false, NULL};
    ASSERT_OK(cairn_store_put_file(w->store, &w->call, "object", &from, CAIRN_PUT_CREATE, &w->err),
              &w->err);
    ASSERT_OK(cairn_store_get_file(w->store, &w->call, "object", &to, &w->err), &w->err);
    ASSERT_OK(sha256_of_file(up, &sent, &bytes, &w->err), &w->err);
    ASSERT_OK(sha256_of_file(down, &got, &bytes, &w->err), &w->err);
    assert_true(sha256_equal(&sent, &got) && bytes == length);
    ASSERT_OK(cairn_store_delete(w->store, &w->call, "object", &w->err), &w->err);
    assert_int_equal(unlink(up) + unlink(down), 0);
}

static void objects_of_every_size_come_back(void **state)
{
    static const uint64_t sizes[] = {0,
                                     1,
                                     16 * MIB - 1,
                                     16 * MIB,
                                     16 * MIB + 1,
                                     64 * MIB - 1,
                                     64 * MIB,
                                     64 * MIB + 1,
                                     80 * MIB,
                                     100 * MIB};
    world *w = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(sizes); i++) {
        round_trip(w, sizes[i]);
    }
}

static void parts_of_every_size_come_back(void **state)
{
    static const uint64_t sizes[] = {5 * MIB,  5 * MIB + 1,  10 * MIB - 1,
                                     10 * MIB, 10 * MIB + 1, 37 * MIB + 12345};
    world *w = *state;

    w->options.multipart_bytes = 5 * MIB;
    w->options.part_bytes = 5 * MIB;
    w->options.parallel_parts = 3;
    restart(w);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(sizes); i++) {
        round_trip(w, sizes[i]);
    }
}

static void begin_upload(world *w, const char *key)
{
    const cairn_slice data = {"x", 1};
    CAIRN_AUTO(s3_body) body = {.fd = -1};
    CAIRN_AUTO(s3_upload) upload = {.store = w->self, .call = &w->call, .key = key, .body = &body};

    ASSERT_OK(s3_body_open(&(cairn_put_body){.data = &data}, &body, &w->err), &w->err);
    ASSERT_OK(s3_upload_begin(&upload, &w->err), &w->err);
}

static void open_uploads_are_swept_below_the_prefix_only(void **state)
{
    world *w = *state;
    char other[sizeof(w->prefix) + 8];
    uint64_t aborted = 0;

    for (int i = 0; i < 3; i++) {
        begin_upload(w, "a/same");
        begin_upload(w, i == 0 ? "b" : "c/d");
    }
    (void)snprintf(other, sizeof(other), "%s-other", w->prefix);
    w->options.prefix = other;
    restart(w);
    begin_upload(w, "a/same");
    w->options.prefix = w->prefix;
    restart(w);

    ASSERT_OK(cairn_s3_sweep_uploads(w->store, &w->call, 3600000, &aborted, &w->err), &w->err);
    assert_true(aborted == 0);
    clock_sleep_ms(2100); /* servers count in seconds */
    ASSERT_OK(cairn_s3_sweep_uploads(w->store, &w->call, 1, &aborted, &w->err), &w->err);
    assert_true(aborted == 6);
    ASSERT_OK(cairn_s3_sweep_uploads(w->store, &w->call, 1, &aborted, &w->err), &w->err);
    assert_true(aborted == 0);
    w->options.prefix = other;
    restart(w);
    ASSERT_OK(cairn_s3_sweep_uploads(w->store, &w->call, 1, &aborted, &w->err), &w->err);
    assert_true(aborted == 1);
}

static void put_small(world *w, const char *key)
{
    ASSERT_OK(
        cairn_store_put(w->store, &w->call, key, cairn_slice_of(key), CAIRN_PUT_REPLACE, &w->err),
        &w->err);
}

static void expect_missing(world *w, const char *key)
{
    cairn_object_info info;

    ASSERT_CODE(cairn_store_stat(w->store, &w->call, key, &info, &w->err), CAIRN_E_NOT_FOUND,
                &w->err);
}

static void fail_kept(void *context, size_t index, const cairn_error *why)
{
    (void)context;
    fail_msg("key %zu is kept: %s", index, why->message);
}

/* By the driver itself: the front would hide a refusal of the request. */
static void a_thousand_keys_are_deleted_by_one_request(void **state)
{
    static const char *const odd[] = {"m/0", "m/a&b<c>\"'", "m/\xe6\x97\xa5", "m/100%25+1=x"};
    static char texts[CAIRN_DELETE_BATCH_MAX][16];
    static const char *keys[CAIRN_DELETE_BATCH_MAX];
    const cairn_delete_watch watch = {fail_kept, NULL};
    world *w = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(keys); i++) {
        (void)snprintf(texts[i], sizeof(texts[i]), "m/%zu", i);
        keys[i] = i < CAIRN_ARRAY_LEN(odd) ? odd[i] : texts[i];
    }
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(odd); i++) {
        put_small(w, odd[i]);
    }
    put_small(w, keys[CAIRN_DELETE_BATCH_MAX - 1]);
    put_small(w, "n");

    ASSERT_OK(s3_remove_many(w->self, &w->call, keys, CAIRN_DELETE_BATCH_MAX, &watch, &w->err),
              &w->err);

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(odd); i++) {
        expect_missing(w, odd[i]);
    }
    expect_missing(w, keys[CAIRN_DELETE_BATCH_MAX - 1]);
    ASSERT_OK(cairn_store_delete(w->store, &w->call, "n", &w->err), &w->err);
}

/* A bucket that is not there: told of each key, and of nothing as gone. */
static void keys_of_a_missing_bucket_are_kept(void **state)
{
    static const char *const keys[] = {"a", "b"};
    const cairn_delete_watch watch = {fail_kept, NULL};
    world *w = *state;

    w->options.bucket = "no-such-bucket-of-cairn";
    restart(w);

    ASSERT_CODE(s3_remove_many(w->self, &w->call, keys, 2, &watch, &w->err), CAIRN_E_ACCESS,
                &w->err);
    ASSERT_CODE(cairn_store_copy(w->store, &w->call, "a", "b", CAIRN_PUT_REPLACE, &w->err),
                CAIRN_E_ACCESS, &w->err);
}

/* One request, two parts, three; each is what its origin was, and has its own number. */
static void a_copy_of_every_size_is_the_same(void **state)
{
    static const uint64_t sizes[] = {0, 5 * MIB, 5 * MIB + 1, 10 * MIB, 10 * MIB + 1};
    world *w = *state;

    w->options.multipart_bytes = 5 * MIB;
    w->options.part_bytes = 5 * MIB;
    restart(w);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(sizes); i++) {
        CAIRN_AUTO(cairn_buf) bytes = {0};
        CAIRN_AUTO(cairn_buf) found = {0};
        s3_head from = {0};
        s3_head to = {0};
        ASSERT_OK(buf_reserve(&bytes, sizes[i] + 8, &w->err), &w->err);
        for (uint64_t at = 0; at < sizes[i]; at += 8) {
            const uint64_t word = (at + i) * UINT64_C(0x9e3779b97f4a7c15);
            memcpy(bytes.data + at, &word, 8);
        }
        bytes.len = sizes[i];
        ASSERT_OK(cairn_store_put(w->store, &w->call, "from", cairn_buf_slice(&bytes),
                                  CAIRN_PUT_REPLACE, &w->err),
                  &w->err);

        ASSERT_OK(
            cairn_store_copy(w->store, &w->call, "from", "to & more", CAIRN_PUT_CREATE, &w->err),
            &w->err);

        ASSERT_OK(cairn_store_get(w->store, &w->call, "to & more", sizes[i], &found, &w->err),
                  &w->err);
        assert_true(cairn_slice_equal(cairn_buf_slice(&bytes), cairn_buf_slice(&found)));
        ASSERT_OK(s3_head_object(w->self, &w->call, "from", &from, &w->err), &w->err);
        ASSERT_OK(s3_head_object(w->self, &w->call, "to & more", &to, &w->err), &w->err);
        assert_int_equal(strlen(to.id), RANDOM_ID_SIZE - 1);
        assert_string_not_equal(from.id, to.id);
        ASSERT_OK(cairn_store_delete(w->store, &w->call, "to & more", &w->err), &w->err);
    }
}

static void write_down(void *context, const cairn_finding *finding)
{
    print_message("%-24s %d %s\n", finding->name, (int)finding->verdict, finding->detail);
    (void)buf_printf(context, NULL, "%s=%d;", finding->name, (int)finding->verdict);
}

/* What both servers are known for. */
static void both_servers_check_what_they_are_sent(void **state)
{
    static const char *const expected[] = {"clock-skew=0;",         "region=0;",
                                           "payload-sha256=0;",     "content-md5=0;",
                                           "checksum-crc32c=0;",    "checksum-crc64nvme=0;",
                                           "multipart-part-size=0;"};
    world *w = *state;
    CAIRN_AUTO(cairn_buf) found = {0};
    cairn_object_info info;

    ASSERT_OK(s3_examine(w->self, &w->call, "probe", write_down, &found, &w->err), &w->err);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(expected); i++) {
        assert_non_null(strstr(buf_text(&found), expected[i]));
    }
    ASSERT_CODE(cairn_store_stat(w->store, &w->call, "probe", &info, &w->err), CAIRN_E_NOT_FOUND,
                &w->err);
}

static void a_store_with_another_region_finds_its_way(void **state)
{
    world *w = *state;

    w->options.region = "eu-west-3";
    restart(w);
    round_trip(w, 100);
}

/* Both do, over https, and over http as they are on this machine. */
static void a_server_proves_that_it_checks_a_crc32c(void **state)
{
    world *w = *state;
    uint64_t aborted = 0;

    round_trip(w, CAIRN_S3_PROOF_BYTES + MIB + 1);
    assert_int_equal(atomic_load(&w->self->crc.state), CAIRN_S3_CRC_PROVED);
    round_trip(w, MIB);
    assert_int_equal(atomic_load(&w->self->crc.state), CAIRN_S3_CRC_PROVED);
    ASSERT_OK(cairn_s3_sweep_uploads(w->store, &w->call, 1, &aborted, &w->err), &w->err);
    assert_int_equal(aborted, 0);
}

/* So that it can still be told what became of a body whose reply was lost. The one in parts makes
 * the proof. */
static void a_head_tells_the_crc32c_that_came_with_an_object(void **state)
{
    static const struct {
        size_t bytes;
        size_t length; /* of the text */
    } cases[] = {{6 * MIB, S3_CRC32C_SIZE - 1 + 2}, {MIB, S3_CRC32C_SIZE - 1}};
    world *w = *state;
    CAIRN_AUTO(cairn_buf) bytes = {0};

    w->options.multipart_bytes = 5 * MIB;
    w->options.part_bytes = 5 * MIB;
    restart(w);
    atomic_store(&w->self->crc.signed_bytes, CAIRN_S3_PROOF_BYTES);
    ASSERT_OK(buf_reserve(&bytes, 6 * MIB, &w->err), &w->err);
    memset(bytes.data, 7, 6 * MIB);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        s3_head head = {0};
        const cairn_slice body = {bytes.data, cases[i].bytes};
        ASSERT_OK(cairn_store_put(w->store, &w->call, "object", body, CAIRN_PUT_REPLACE, &w->err),
                  &w->err);
        assert_int_equal(atomic_load(&w->self->crc.state), CAIRN_S3_CRC_PROVED);
        ASSERT_OK(s3_head_with_crc32c(w->self, &w->call, "object", &head, &w->err), &w->err);
        assert_int_equal(strlen(head.crc32c), cases[i].length);
        ASSERT_OK(cairn_store_delete(w->store, &w->call, "object", &w->err), &w->err);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(objects_of_every_size_come_back),
        CASE(parts_of_every_size_come_back),
        CASE(open_uploads_are_swept_below_the_prefix_only),
        CASE(both_servers_check_what_they_are_sent),
        CASE(a_server_proves_that_it_checks_a_crc32c),
        CASE(a_head_tells_the_crc32c_that_came_with_an_object),
        CASE(a_store_with_another_region_finds_its_way),
        CASE(a_thousand_keys_are_deleted_by_one_request),
        CASE(keys_of_a_missing_bucket_are_kept),
        CASE(a_copy_of_every_size_is_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
