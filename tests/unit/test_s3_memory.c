/*
 * Memory may be short anywhere in a store's life. libcurl gets over some of that, and sends without
 * its query a request for which it could not copy one: a server that checks signatures refuses it,
 * the one here answers something else. What must not come of it is a fact about an object.
 */
#include "test.h"

#include "alloc.h"
#include "bounds.h"
#include "buf.h"
#include "check.h"
#include "s3_world.h"
#include "stores.h"

#include <stdatomic.h>

#define EACH_MS 60000 /* the calls with one allocation that fails */

static const cairn_slice hello = {"hello", 5};

static cairn_code see(void *context, const char *key, const cairn_object_info *info,
                      cairn_error *err)
{
    (void)context;
    (void)key;
    (void)info;
    (void)err;
    return CAIRN_OK;
}

static cairn_code live(void *context, cairn_error *err)
{
    s3_world *w = context;
    CAIRN_AUTO_PTR(cairn_store_free) cairn_store *store = NULL;
    CAIRN_AUTO(cairn_buf) found = {0};
    cairn_object_info info;
    uint8_t byte;
    const char *key = "k";
    const cairn_memory_range range = {1, &byte, 1};

    (void)pthread_mutex_lock(&w->lock); /* a request that was given up may still be on its way */
    w->fake.stands = false;
    (void)pthread_mutex_unlock(&w->lock);
    w->call.deadline_ms = cairn_deadline_in(EACH_MS);
    CAIRN_TRY(cairn_s3_store_new(&w->options, &store, err));
    CAIRN_TRY(cairn_store_put(store, &w->call, "k", hello, CAIRN_PUT_CREATE, err));
    CAIRN_TRY(cairn_store_get(store, &w->call, "k", 10, &found, err));
    CAIRN_TRY(cairn_store_get_range(store, &w->call, "k", &range, err));
    CAIRN_TRY(cairn_store_stat(store, &w->call, "k", &info, err));
    CAIRN_TRY(cairn_store_list(store, &w->call, "", see, NULL, err));
    CAIRN_TRY(cairn_store_copy(store, &w->call, "k", "copy", CAIRN_PUT_REPLACE, err));
    CAIRN_TRY(cairn_store_delete_many(store, &w->call, &key, 1, NULL, err));
    return cairn_store_delete(store, &w->call, "k", err);
}

static void memory_that_is_short_is_no_fact_about_an_object(void **state)
{
    s3_world *w = *state;
    unsigned short_of_memory = 0;

    s3_world_reply(w, "GET", "/bkt?", 0,
                   (script_reply){.body = "<ListBucketResult><EncodingType>url</EncodingType>"
                                          "<Contents><Key>pre/k</Key><Size>5</Size></Contents>"
                                          "<IsTruncated>false</IsTruncated></ListBucketResult>"});
    s3_world_reply(w, "POST", "/bkt?delete=", 0, (script_reply){.body = "<DeleteResult/>"});
    s3_world_reply(w, "PUT", "/bkt/pre/copy", 0, (script_reply){.body = "<CopyObjectResult/>"});
    s3_world_serve(w);
    for (uint64_t nth = 1;; nth += TEST_STRIDE) {
        cairn_error err = {0};
        mem_fail_nth(nth, 0);
        const cairn_code code = live(w, &err);
        const uint64_t needed = mem_alloc_count();
        mem_fail_nth(0, 0);
        if (needed < nth) {
            ASSERT_OK(code, &err);
            break;
        }
        if (code != CAIRN_OK && code != CAIRN_E_UNAVAILABLE) {
            ASSERT_CODE(code, CAIRN_E_NO_MEMORY, &err);
            short_of_memory++;
        }
    }
    assert_true(short_of_memory > 100 / TEST_STRIDE);
}

/* ---- Uploads in parts ---- */

#define PART ((uint64_t)5 << 20)

typedef struct upload_work {
    s3_world *world;
    cairn_slice data;
} upload_work;

/* With a proof each time, where there may be one; a part is not sent again, which would only cost
 * time. */
static cairn_code upload(const upload_work *work, cairn_error *err)
{
    s3_world *w = work->world;

    (void)pthread_mutex_lock(&w->lock); /* a part that was given up may be on its way */
    w->fake.stands = false;
    w->fake.bad_hashes = 0;
    (void)pthread_mutex_unlock(&w->lock);
    w->call.deadline_ms = cairn_deadline_in(EACH_MS);
    atomic_store(&w->self->budget.tokens, 0);
    atomic_store(&w->self->crc.state, CAIRN_S3_CRC_UNASKED);
    atomic_store(&w->self->crc.proofs, 0);
    atomic_store(&w->self->crc.signed_bytes, CAIRN_S3_PROOF_BYTES);
    return cairn_store_put(w->store, &w->call, "big", work->data, CAIRN_PUT_REPLACE, err);
}

static void assert_whole(s3_world *w)
{
    const s3_fake seen = s3_world_seen(w);

    assert_true(seen.stands);
    assert_int_equal(seen.size, PART + 1);
    assert_int_equal(seen.bad_hashes, 0);
}

/* An upload that is told to have succeeded is whole; one that has not is an error of memory, or one
 * that may be tried again. */
static void sweep_uploads(s3_world *w)
{
    CAIRN_AUTO(cairn_buf) data = {0};
    unsigned short_of_memory = 0;

    ASSERT_OK(buf_reserve(&data, PART + 1, &w->err), &w->err);
    memset(data.data, 7, PART + 1);
    const upload_work work = {w, {data.data, PART + 1}};
    w->fake.crc = S3_WORLD_CRC_CHECKED;
    script_server_drop_bodies(w->server);
    s3_world_serve(w);
    for (uint64_t nth = 1;; nth += TEST_STRIDE) {
        cairn_error err = {0};
        mem_fail_nth(nth, 0);
        const cairn_code code = upload(&work, &err);
        const uint64_t needed = mem_alloc_count();
        mem_fail_nth(0, 0);
        if (code == CAIRN_OK) {
            assert_whole(w);
        }
        if (needed < nth) {
            ASSERT_OK(code, &err);
            break;
        }
        if (code != CAIRN_OK && code != CAIRN_E_UNAVAILABLE) {
            ASSERT_CODE(code, CAIRN_E_NO_MEMORY, &err);
            short_of_memory++;
        }
    }
    assert_true(short_of_memory > 50 / TEST_STRIDE);
}

static void an_upload_in_signed_parts_survives_any_allocation_that_fails(void **state)
{
    s3_world *w = *state;

    w->self->crc.allowed = false;
    sweep_uploads(w);
}

static void a_proof_and_an_upload_with_sums_survive_any_allocation_that_fails(void **state)
{
    sweep_uploads(*state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(memory_that_is_short_is_no_fact_about_an_object,
                                        s3_world_setup, s3_world_teardown),
        cmocka_unit_test_setup_teardown(
            an_upload_in_signed_parts_survives_any_allocation_that_fails, s3_world_setup,
            s3_world_teardown),
        cmocka_unit_test_setup_teardown(
            a_proof_and_an_upload_with_sums_survive_any_allocation_that_fails, s3_world_setup,
            s3_world_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
