/* Objects in parts: each part repeated alone, completed once, or aborted. */
#include "test.h"

#include "buf.h"
#include "check.h"
#include "s3_upload.h"
#include "s3_world.h"
#include "threads.h"

#include <stdio.h>
#include <unistd.h>

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

/* Eleven MiB are three parts of five. */
static cairn_code put_file(s3_world *w, uint64_t length, cairn_put_mode mode)
{
    char path[TMPDIR_PATH_BYTES];

    s3_world_file(w, "source", (size_t)length, path);
    const cairn_file_range range = {path, 0, length, false, NULL};
    const cairn_code code = cairn_store_put_file(w->store, &w->call, "big", &range, mode, &w->err);
    (void)remove(path);
    return code;
}

static void an_object_above_the_bound_goes_in_parts(void **state)
{
    s3_world *w = *state;
    char text[512];

    s3_world_serve(w);
    ASSERT_OK(put_file(w, 11 * MIB, CAIRN_PUT_REPLACE), &w->err);

    assert_int_equal(s3_world_count(w, "PUT", "/bkt/pre/big?partNumber="), 3);
    assert_true(s3_world_seen(w).size == 11 * MIB);
    assert_int_equal(s3_world_seen(w).bad_hashes, 0);
    assert_int_equal(s3_world_seen(w).aborts, 0);
    const script_request *complete = s3_world_request(w, "POST", "/bkt/pre/big?uploadId=u1", 0);
    assert_non_null(strstr(complete->body, "<Part><PartNumber>1</PartNumber><ETag>&quot;e1&quot;"));
    assert_non_null(strstr(complete->body, "<PartNumber>3</PartNumber>"));
    const script_request *begin = s3_world_request(w, "POST", "/bkt/pre/big?uploads=", 0);
    assert_string_equal(s3_world_header(begin, "content-type", text), "application/octet-stream");
}

static void an_object_at_the_bound_is_one_put(void **state)
{
    s3_world *w = *state;

    s3_world_serve(w);
    ASSERT_OK(put_file(w, 5 * MIB, CAIRN_PUT_REPLACE), &w->err);
    assert_int_equal(s3_world_count(w, "POST", "/"), 0);
    ASSERT_OK(put_file(w, 5 * MIB + 1, CAIRN_PUT_REPLACE), &w->err);
    assert_int_equal(s3_world_count(w, "POST", "/"), 2);
    assert_true(s3_world_seen(w).size == 5 * MIB + 1);
}

static void bytes_in_memory_go_in_parts_too(void **state)
{
    s3_world *w = *state;
    CAIRN_AUTO(cairn_buf) data = {0};

    ASSERT_OK(buf_reserve(&data, 6 * MIB, &w->err), &w->err);
    memset(data.data, 7, 6 * MIB);
    s3_world_serve(w);
    ASSERT_OK(cairn_store_put(w->store, &w->call, "big", (cairn_slice){data.data, 6 * MIB},
                              CAIRN_PUT_REPLACE, &w->err),
              &w->err);
    assert_true(s3_world_seen(w).size == 6 * MIB);
    assert_int_equal(s3_world_seen(w).bad_hashes, 0);
}

/* What befalls the second part once. */
static void only_the_part_that_failed_is_sent_again(void **state)
{
    static const script_rule faults[] = {
        {.reply = {.status = 500, .body = S3_WORLD_ERROR("InternalError")}},
        {.act = SCRIPT_CLOSE},
        {.act = SCRIPT_RESET},
        {.act = SCRIPT_RESET_REQUEST, .at = 100000},
        {.reply = {.status = 200}}, /* without an ETag */
        {.reply = {.status = 400, .body = S3_WORLD_ERROR("BadDigest")}},
        {.reply = {.status = 503,
                   .headers = "Retry-After: 1\r\n",
                   .body = S3_WORLD_ERROR("SlowDown")}},
    };
    s3_world *w = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(faults); i++) {
        const unsigned before = s3_world_count(w, "PUT", "/bkt/pre/big?partNumber=1&");
        script_rule rule = faults[i];
        rule.method = "PUT";
        rule.path = "/bkt/pre/big?partNumber=2&";
        rule.times = 1;
        s3_world_restart(w); /* before so much was signed that another way is tried */
        script_server_forget(w->server);
        s3_world_rule(w, rule);
        s3_world_serve(w);
        ASSERT_OK(put_file(w, 11 * MIB, CAIRN_PUT_REPLACE), &w->err);
        assert_true(s3_world_seen(w).size == 11 * MIB);
        assert_int_equal(s3_world_count(w, "PUT", "/bkt/pre/big?partNumber=1&"), before + 1);
        assert_int_equal(s3_world_seen(w).aborts, 0);
    }
}

/* The bytes are what their digest says: they changed on the way, and may do so each time. */
static void a_part_that_is_damaged_on_its_way_twice_is_not_sent_again(void **state)
{
    s3_world *w = *state;

    s3_world_reply(w, "PUT", "/bkt/pre/big?partNumber=2&", 4,
                   (script_reply){.status = 400, .body = S3_WORLD_ERROR("BadDigest")});
    s3_world_serve(w);

    ASSERT_CODE(put_file(w, 11 * MIB, CAIRN_PUT_REPLACE), CAIRN_E_INTEGRITY, &w->err);
    ASSERT_MESSAGE_HAS(&w->err, "part 2 of 3");
    assert_int_equal(s3_world_count(w, "PUT", "/bkt/pre/big?partNumber=2&"), 2);
    assert_int_equal(s3_world_seen(w).aborts, 1);
}

static void an_upload_that_fails_is_aborted(void **state)
{
    static const script_rule faults[] = {
        {.method = "PUT",
         .path = "/bkt/pre/big?partNumber=2&",
         .reply = {.status = 403, .body = S3_WORLD_ERROR("AccessDenied")}},
        {.method = "PUT",
         .path = "/bkt/pre/big?partNumber=1&",
         .reply = {.status = 400, .body = S3_WORLD_ERROR("XAmzContentSHA256Mismatch")}},
        {.method = "POST",
         .path = "/bkt/pre/big?uploadId=",
         .reply = {.status = 200, .body = "\n \n" S3_WORLD_ERROR("InvalidPart")}},
        {.method = "POST",
         .path = "/bkt/pre/big?uploadId=",
         .reply = {.status = 400, .body = S3_WORLD_ERROR("EntityTooSmall")}},
    };
    s3_world *w = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(faults); i++) {
        script_server_forget(w->server);
        s3_world_rule(w, faults[i]);
        s3_world_serve(w);
        const cairn_code code = put_file(w, 11 * MIB, CAIRN_PUT_REPLACE);
        assert_true(code != CAIRN_OK && code != CAIRN_E_UNAVAILABLE);
        assert_int_equal(s3_world_seen(w).aborts, i + 1);
        assert_false(s3_world_seen(w).stands);
    }
}

static void a_part_of_an_upload_that_is_gone_is_not_repeated(void **state)
{
    s3_world *w = *state;

    s3_world_reply(w, "PUT", "/bkt/pre/big?partNumber=2&", 0,
                   (script_reply){.status = 404, .body = S3_WORLD_ERROR("NoSuchUpload")});
    s3_world_serve(w);

    ASSERT_CODE(put_file(w, 11 * MIB, CAIRN_PUT_REPLACE), CAIRN_E_UNAVAILABLE, &w->err);
    assert_int_equal(s3_world_count(w, "PUT", "/bkt/pre/big?partNumber=2&"), 1);
}

static void complete_in_silence(void *context, const script_request *request, script_reply *reply)
{
    s3_world *w = context;

    (void)request;
    (void)pthread_mutex_lock(&w->lock);
    w->fake.open = false;
    w->fake.stands = true;
    w->fake.size = 11 * MIB;
    memcpy(w->fake.id, w->fake.begun_id, sizeof(w->fake.id));
    (void)pthread_mutex_unlock(&w->lock);
    reply->status = 200;
}

/* The server completes, its reply is lost; asked again it says that there is no such upload. */
static void a_completion_whose_reply_was_lost_is_found_out(void **state)
{
    s3_world *w = *state;

    s3_world_rule(w, (script_rule){.method = "POST",
                                   .path = "/bkt/pre/big?uploadId=",
                                   .times = 1,
                                   .act = SCRIPT_RESET,
                                   .call = complete_in_silence,
                                   .context = w});
    s3_world_serve(w);

    ASSERT_OK(put_file(w, 11 * MIB, CAIRN_PUT_REPLACE), &w->err);
    assert_int_equal(s3_world_seen(w).aborts, 0);
}

static void no_such_upload_is_a_success_only_if_the_object_is_ours(void **state)
{
    s3_world *w = *state;

    s3_world_reply(w, "POST", "/bkt/pre/big?uploadId=", 0,
                   (script_reply){.status = 404, .body = S3_WORLD_ERROR("NoSuchUpload")});
    s3_world_serve(w);
    w->fake.stands = true;
    w->fake.size = 11 * MIB;
    (void)memcpy(w->fake.id, "of somebody else", 17);

    ASSERT_CODE(put_file(w, 11 * MIB, CAIRN_PUT_REPLACE), CAIRN_E_UNAVAILABLE, &w->err);
    assert_int_equal(s3_world_count(w, "POST", "/bkt/pre/big?uploadId="), 1);
}

static void an_empty_answer_to_a_completion_is_asked_again(void **state)
{
    s3_world *w = *state;

    s3_world_reply(w, "POST", "/bkt/pre/big?uploadId=", 1, (script_reply){.status = 200});
    s3_world_serve(w);

    ASSERT_OK(put_file(w, 11 * MIB, CAIRN_PUT_REPLACE), &w->err);
    assert_int_equal(s3_world_count(w, "POST", "/bkt/pre/big?uploadId="), 2);
}

/* The wait is longer than the call may last: whoever repeats the call must know it. */
static void a_completion_that_is_throttled_tells_how_long(void **state)
{
    s3_world *w = *state;

    w->call.deadline_ms = cairn_deadline_in(30000);
    s3_world_reply(w, "POST", "/bkt/pre/big?uploadId=", 0,
                   (script_reply){.status = 503,
                                  .headers = "Retry-After: 59\r\n",
                                  .body = S3_WORLD_ERROR("SlowDown")});
    s3_world_serve(w);

    ASSERT_CODE(put_file(w, 6 * MIB, CAIRN_PUT_REPLACE), CAIRN_E_UNAVAILABLE, &w->err);
    ASSERT_MESSAGE_HAS(&w->err, "complete the upload: ");
    assert_int_equal(w->err.retry_after_ms, 59000);
}

/* More parts than may be hashed before they are sent, and a short one at the end. */
static void each_part_is_signed_with_its_own_hash(void **state)
{
    s3_world *w = *state;
    char path[TMPDIR_PATH_BYTES];
    const uint64_t bytes = 5 * MIB * (CAIRN_S3_AHEAD_MAX + 2) + 1;
    char first[512];
    char last[512];

    w->options.parallel_parts = CAIRN_S3_AHEAD_MAX + 1;
    s3_world_restart(w);
    s3_world_serve(w);
    s3_world_file(w, "source", (size_t)bytes, path);
    const cairn_file_range range = {path, 0, bytes, false, NULL};
    ASSERT_OK(cairn_store_put_file(w->store, &w->call, "big", &range, CAIRN_PUT_REPLACE, &w->err),
              &w->err);

    assert_int_equal(s3_world_count(w, "PUT", "/"), CAIRN_S3_AHEAD_MAX + 3);
    assert_int_equal(s3_world_seen(w).bad_hashes, 0);
    assert_true(s3_world_seen(w).size == bytes);
    s3_world_header(s3_world_request(w, "PUT", "/bkt/pre/big?partNumber=1&", 0),
                    "x-amz-content-sha256", first);
    s3_world_header(s3_world_request(w, "PUT", "/bkt/pre/big?partNumber=11&", 0),
                    "x-amz-content-sha256", last);
    assert_string_not_equal(first, last);
}

static void a_file_that_is_cut_while_it_is_hashed_is_told_of(void **state)
{
    s3_world *w = *state;
    char path[TMPDIR_PATH_BYTES];
    CAIRN_AUTO(s3_body) body = {.fd = -1};
    CAIRN_AUTO_PTR(s3_ahead_free) s3_ahead *ahead = NULL;
    s3_digests digests;

    s3_world_file(w, "source", 11 * MIB, path);
    const cairn_file_range range = {path, 0, 11 * MIB, false, NULL};
    ASSERT_OK(s3_body_open(&(cairn_put_body){.range = &range}, &body, &w->err), &w->err);
    assert_int_equal(truncate(path, 5 * MIB + 100), 0);
    const s3_ahead_plan plan = {&body, 5 * MIB, 3, 1, false};
    ASSERT_OK(s3_ahead_new(&plan, &ahead, &w->err), &w->err);

    ASSERT_OK(s3_ahead_take(ahead, &digests, &w->err), &w->err);
    ASSERT_CODE(s3_ahead_take(ahead, &digests, &w->err), CAIRN_E_INTEGRITY, &w->err);
    ASSERT_MESSAGE_HAS(&w->err, "ends at byte 5242980");
}

static void a_large_create_looks_before_the_upload_and_before_its_end(void **state)
{
    s3_world *w = *state;

    s3_world_serve(w);
    ASSERT_OK(put_file(w, 6 * MIB, CAIRN_PUT_CREATE), &w->err);
    assert_int_equal(s3_world_count(w, "HEAD", "/bkt/pre/big"), 2);
    ASSERT_CODE(put_file(w, 6 * MIB, CAIRN_PUT_CREATE), CAIRN_E_EXISTS, &w->err);
    assert_int_equal(s3_world_count(w, "POST", "/bkt/pre/big?uploads="), 1);

    /* Somebody was faster while the parts went up. */
    script_server_forget(w->server);
    s3_world_reply(w, "HEAD", "/", 1, (script_reply){.status = 404});
    s3_world_reply(w, "GET", "/", 1,
                   (script_reply){.status = 404, .body = S3_WORLD_ERROR("NoSuchKey")});
    s3_world_serve(w);
    ASSERT_CODE(put_file(w, 6 * MIB, CAIRN_PUT_CREATE), CAIRN_E_EXISTS, &w->err);
    assert_int_equal(s3_world_seen(w).aborts, 1);
}

typedef struct actor {
    s3_world *world;
    const cairn_file_range *range; /* NULL: cancels when a part came */
    cairn_cancel *cancel;
    cairn_code code;
} actor;

static void act(void *argument)
{
    actor *self = argument;
    s3_world *w = self->world;

    if (self->range == NULL) {
        script_server_wait(w->server, 2);
        cairn_cancel_trigger(self->cancel);
        return;
    }
    self->code =
        cairn_store_put_file(w->store, &w->call, "big", self->range, CAIRN_PUT_REPLACE, NULL);
}

static void a_cancelled_upload_is_aborted_by_a_deadline_of_its_own(void **state)
{
    s3_world *w = *state;
    cairn_cancel *cancel = NULL;
    char path[TMPDIR_PATH_BYTES];

    ASSERT_OK(cairn_cancel_new(&cancel, &w->err), &w->err);
    w->call.cancel = cancel;
    s3_world_rule(w, (script_rule){.method = "PUT", .act = SCRIPT_STALL});
    s3_world_serve(w);
    s3_world_file(w, "source", 11 * MIB, path);
    const cairn_file_range range = {path, 0, 11 * MIB, false, NULL};
    actor actors[] = {{w, &range, NULL, CAIRN_OK}, {w, NULL, cancel, CAIRN_OK}};
    threads_run(act, actors, sizeof(actors[0]), 2);
    cairn_cancel_free(cancel);

    ASSERT_CODE(actors[0].code, CAIRN_E_CANCELLED, NULL);
    assert_int_equal(s3_world_seen(w).aborts, 1);
}

typedef struct part_case {
    uint64_t length;
    uint64_t wanted;
    uint64_t bytes; /* 0: refused */
} part_case;

static void ten_thousand_parts_are_enough(void **state)
{
    static const part_case cases[] = {
        {64 * MIB + 1, 16 * MIB, 16 * MIB},     {160000 * MIB, 16 * MIB, 16 * MIB},
        {160000 * MIB + 1, 16 * MIB, 17 * MIB}, {50000 * GIB, 16 * MIB, 5 * GIB},
        {50000 * GIB + 1, 16 * MIB, 0},
    };

    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        cairn_error err = {0};
        uint64_t bytes = 0;
        const cairn_code code = s3_part_bytes(cases[i].length, cases[i].wanted, &bytes, &err);
        assert_true(bytes == cases[i].bytes);
        ASSERT_CODE(code, bytes == 0 ? CAIRN_E_LIMIT : CAIRN_OK, &err);
        assert_true(bytes == 0 || (cases[i].length + bytes - 1) / bytes <= CAIRN_S3_PARTS_MAX);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, s3_world_setup, s3_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_object_above_the_bound_goes_in_parts),
        CASE(an_object_at_the_bound_is_one_put),
        CASE(bytes_in_memory_go_in_parts_too),
        CASE(only_the_part_that_failed_is_sent_again),
        CASE(a_part_that_is_damaged_on_its_way_twice_is_not_sent_again),
        CASE(an_upload_that_fails_is_aborted),
        CASE(a_part_of_an_upload_that_is_gone_is_not_repeated),
        CASE(a_completion_whose_reply_was_lost_is_found_out),
        CASE(no_such_upload_is_a_success_only_if_the_object_is_ours),
        CASE(an_empty_answer_to_a_completion_is_asked_again),
        CASE(a_completion_that_is_throttled_tells_how_long),
        CASE(each_part_is_signed_with_its_own_hash),
        CASE(a_file_that_is_cut_while_it_is_hashed_is_told_of),
        CASE(a_large_create_looks_before_the_upload_and_before_its_end),
        CASE(a_cancelled_upload_is_aborted_by_a_deadline_of_its_own),
        cmocka_unit_test(ten_thousand_parts_are_enough),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
