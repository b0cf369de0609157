/* The proof that a server checks a CRC-32C: what it asks, of whom, for how long it holds, and what
 * is made of a reply that was lost. */
#include "test.h"

#include "bounds.h"
#include "check.h"
#include "s3_checksum.h"
#include "s3_crc_world.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define PROBE "/bkt/pre/_crc32c-"

#define ELSEWHERE(region) \
    "<Error><Code>AuthorizationHeaderMalformed</Code><Region>" region "</Region></Error>"

/* Trusted by a put that was proved. */
static void win_trust(s3_world *w)
{
    s3_world_restart(w);
    script_server_forget(w->server);
    crc_change_fake(w, S3_WORLD_CRC_CHECKED);
    s3_world_serve(w);
    crc_let_it_pay(w);
    ASSERT_OK(crc_put_one(w, CAIRN_PUT_REPLACE), &w->err);
    assert_true(crc_is_unsigned(crc_last(w, "PUT", "/bkt/pre/one")));
}

static unsigned state_of(s3_world *w)
{
    return atomic_load(&w->self->crc.state);
}

static void whole_puts_are_proved_by_a_put_that_stores_nothing(void **state)
{
    s3_world *w = *state;
    char text[512];

    w->fake.crc = S3_WORLD_CRC_CHECKED;
    s3_world_serve(w);
    crc_let_it_pay(w);
    ASSERT_OK(crc_put_bytes(w, "a/b", CRC_ONE_BYTES, NULL, CAIRN_PUT_CREATE), &w->err);

    /* In the caller's folder, where he may write. */
    assert_int_equal(s3_world_count(w, "PUT", "/bkt/pre/a/_crc32c-"), 1);
    assert_int_equal(s3_world_count(w, "DELETE", "/bkt/pre/a/_crc32c-"), 0);
    const script_request *probe = s3_world_request(w, "PUT", "/bkt/pre/a/_crc32c-", 0);
    assert_true(crc_is_unsigned(probe));
    assert_string_equal(s3_world_header(probe, "content-type", text), "application/octet-stream");
    assert_true(crc_is_unsigned(crc_last(w, "PUT", "/bkt/pre/a/b")));
    ASSERT_OK(crc_put_large(w), &w->err);
    assert_int_equal(s3_world_count(w, "PUT", PROBE), 0);
}

static void remember(void *context, cairn_log_level level, const char *line)
{
    char *seen = context;

    if (level == CAIRN_LOG_WARN) {
        (void)snprintf(seen, CAIRN_ERROR_MESSAGE_BYTES, "%s", line);
    }
}

static void who_looks_at_parts_alone_is_not_believed(void **state)
{
    s3_world *w = *state;
    char warning[CAIRN_ERROR_MESSAGE_BYTES] = "";

    w->options.log = (cairn_log){remember, warning, CAIRN_LOG_WARN};
    for (int denied = 0; denied < 2; denied++) {
        const unsigned probes = s3_world_count(w, "PUT", PROBE);
        s3_world_restart(w);
        script_server_forget(w->server);
        crc_change_fake(w, S3_WORLD_CRC_OF_PARTS);
        s3_world_reply(w, denied ? "DELETE" : "NONE", PROBE, 0,
                       (script_reply){.status = 403, .body = S3_WORLD_ERROR("AccessDenied")});
        s3_world_serve(w);
        crc_let_it_pay(w);
        for (int again = 0; again < 2; again++) {
            ASSERT_OK(crc_put_large(w), &w->err);
            assert_false(crc_is_unsigned(crc_last(w, "PUT", "/bkt/pre/big?partNumber=3&")));
            ASSERT_OK(crc_put_one(w, CAIRN_PUT_REPLACE), &w->err);
            assert_false(crc_is_unsigned(crc_last(w, "PUT", "/bkt/pre/one")));
        }
        assert_int_equal(s3_world_count(w, "PUT", PROBE), probes + 1);
        assert_string_equal(crc_last(w, "DELETE", PROBE)->target,
                            crc_last(w, "PUT", PROBE)->target);
        assert_int_equal(strstr(warning, "/_crc32c-") != NULL, denied);
        crc_assert_nothing_is_left(w);
    }
}

/* A policy without s3:ListMultipartUploadParts: the abort was answered, more can't be known. */
static void who_may_not_list_parts_is_not_warned_of_them(void **state)
{
    s3_world *w = *state;
    char warning[CAIRN_ERROR_MESSAGE_BYTES] = "";

    w->options.log = (cairn_log){remember, warning, CAIRN_LOG_WARN};
    s3_world_restart(w);
    crc_change_fake(w, S3_WORLD_CRC_CHECKED);
    s3_world_reply(w, "GET", "/bkt/pre/one?", 0,
                   (script_reply){.status = 403, .body = S3_WORLD_ERROR("AccessDenied")});
    s3_world_serve(w);
    crc_let_it_pay(w);
    ASSERT_OK(crc_put_one(w, CAIRN_PUT_REPLACE), &w->err);
    assert_int_equal(s3_world_count(w, "DELETE", "/bkt/pre/one?"), 1);
    assert_string_equal(warning, "");
    assert_true(crc_is_unsigned(crc_last(w, "PUT", "/bkt/pre/one")));
    crc_assert_nothing_is_left(w);
}

/* A manifest is decided without waiting for one, and its folder sees no upload. */
static void bytes_in_memory_make_no_proof_and_use_it(void **state)
{
    static uint8_t bytes[CRC_ONE_BYTES];
    const cairn_slice body = {(const char *)bytes, sizeof(bytes)};
    s3_world *w = *state;

    w->fake.crc = S3_WORLD_CRC_CHECKED;
    s3_world_serve(w);
    crc_let_it_pay(w);
    for (int proved = 0; proved < 2; proved++) {
        ASSERT_OK(cairn_store_put(w->store, &w->call, "bytes", body, CAIRN_PUT_REPLACE, &w->err),
                  &w->err);
        assert_int_equal(crc_is_unsigned(crc_last(w, "PUT", "/bkt/pre/bytes")), proved);
        assert_int_equal(s3_world_count(w, "POST", "/"), proved);
        ASSERT_OK(crc_put_one(w, CAIRN_PUT_REPLACE), &w->err);
    }
}

/* ---- On which line ---- */

static bool any_unsigned(s3_world *w, size_t from)
{
    for (size_t i = from; i < script_server_count(w->server); i++) {
        const script_request *request = script_server_request(w->server, i);
        if (strcmp(request->method, "PUT") == 0 && crc_is_unsigned(request)) {
            return true;
        }
    }
    return false;
}

static void over_http_only_where_the_line_is_inside_of_this_machine(void **state)
{
    static const struct {
        const char *host; /* before the server's port */
        bool proxy;
        bool expected;
    } cases[] = {
        {"127.0.0.1", false, true}, {"localhost", false, true},
        {"0.0.0.0", false, false}, /* arrives, and is not known to be this machine */
        {"127.0.0.1", true, false}, {"minio.example", true, false},
    };
    s3_world *w = *state;
    char endpoint[64];

    w->options.allow_http = true;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        const size_t before = script_server_count(w->server);
        (void)snprintf(endpoint, sizeof(endpoint), "http://%s:%u", cases[i].host,
                       script_server_port(w->server));
        w->options.endpoint = endpoint;
        w->options.proxy = cases[i].proxy ? script_server_url(w->server) : NULL;
        s3_world_restart(w);
        script_server_forget(w->server);
        crc_change_fake(w, S3_WORLD_CRC_CHECKED);
        s3_world_serve(w);
        crc_let_it_pay(w);
        ASSERT_OK(crc_put_large(w), &w->err);
        ASSERT_OK(crc_put_one(w, CAIRN_PUT_REPLACE), &w->err);
        assert_int_equal(any_unsigned(w, before), cases[i].expected);
        crc_assert_nothing_is_left(w);
    }
}

/* ---- For how long ---- */

static void a_bucket_that_is_elsewhere_is_asked_anew(void **state)
{
    s3_world *w = *state;

    win_trust(w);
    const unsigned begun = s3_world_count(w, "POST", "/bkt/pre/one?uploads=");
    script_server_forget(w->server);
    s3_world_reply(w, "DELETE", "/", 1,
                   (script_reply){.status = 400, .body = ELSEWHERE("eu-west-1")});
    s3_world_serve(w);
    ASSERT_OK(cairn_store_delete(w->store, &w->call, "one", &w->err), &w->err);
    assert_int_equal(state_of(w), CAIRN_S3_CRC_UNASKED);
    ASSERT_OK(crc_put_one(w, CAIRN_PUT_REPLACE), &w->err);
    assert_int_equal(s3_world_count(w, "POST", "/bkt/pre/one?uploads="), begun + 1);
    assert_true(crc_is_unsigned(crc_last(w, "PUT", "/bkt/pre/one")));
}

static void a_move_before_the_proof_begins_is_none_of_its_business(void **state)
{
    static const struct {
        const char *method;
        const char *path;
        bool trusted;
    } cases[] = {
        {"POST", "/bkt/pre/one?uploads=", true},
        {"PUT", "/bkt/pre/one?partNumber=1&", false},
        {"PUT", "/bkt/pre/one?partNumber=2&", false},
        {"PUT", PROBE, false},
    };
    s3_world *w = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        s3_world_restart(w);
        script_server_forget(w->server);
        crc_change_fake(w, S3_WORLD_CRC_CHECKED);
        s3_world_reply(w, cases[i].method, cases[i].path, 1,
                       (script_reply){.status = 400, .body = ELSEWHERE("eu-west-1")});
        s3_world_serve(w);
        crc_let_it_pay(w);
        ASSERT_OK(crc_put_one(w, CAIRN_PUT_REPLACE), &w->err);
        assert_int_equal(crc_is_unsigned(crc_last(w, "PUT", "/bkt/pre/one")), cases[i].trusted);
        ASSERT_OK(crc_put_one(w, CAIRN_PUT_REPLACE), &w->err);
        assert_true(crc_is_unsigned(crc_last(w, "PUT", "/bkt/pre/one")));
    }
}

static void distrust_now(void *context, const script_request *request, script_reply *reply)
{
    s3_world *w = context;

    s3_crc_distrust(w->self, "an upload that was begun before has found it out");
    s3_world_fake(w, request, reply);
}

static void a_distrust_that_comes_during_a_proof_stays(void **state)
{
    static const char *const paths[] = {"/bkt/pre/one?partNumber=2&", PROBE};
    s3_world *w = *state;

    for (size_t i = 0; i < 2 * CAIRN_ARRAY_LEN(paths); i++) {
        const bool lost = i % 2 == 1; /* the proof comes to nothing */
        s3_world_restart(w);
        script_server_forget(w->server);
        crc_change_fake(w, S3_WORLD_CRC_CHECKED);
        s3_world_rule(w, (script_rule){.method = "PUT",
                                       .path = paths[i / 2],
                                       .act = lost ? SCRIPT_RESET : SCRIPT_REPLY,
                                       .call = distrust_now,
                                       .context = w});
        s3_world_serve(w);
        crc_let_it_pay(w);
        ASSERT_OK(crc_put_one(w, CAIRN_PUT_REPLACE), &w->err);
        assert_false(crc_is_unsigned(crc_last(w, "PUT", "/bkt/pre/one")));
        assert_int_equal(state_of(w), CAIRN_S3_CRC_DISTRUSTED);
    }
}

/* ---- At whose expense ---- */

static void a_proof_that_hangs_leaves_its_put_the_time_for_itself(void **state)
{
    s3_world *w = *state;

    w->fake.crc = S3_WORLD_CRC_CHECKED;
    s3_world_rule(w, (script_rule){.method = "POST", .act = SCRIPT_STALL});
    s3_world_serve(w);
    crc_let_it_pay(w);
    w->call.deadline_ms = cairn_deadline_in(4 * CAIRN_S3_PROOF_MS);
    ASSERT_OK(crc_put_one(w, CAIRN_PUT_REPLACE), &w->err);
    assert_false(crc_is_unsigned(crc_last(w, "PUT", "/bkt/pre/one")));
    assert_int_equal(state_of(w), CAIRN_S3_CRC_UNASKED);
}

static void a_clean_up_that_hangs_leaves_its_put_the_time_for_itself(void **state)
{
    s3_world *w = *state;

    w->fake.crc = S3_WORLD_CRC_CHECKED;
    s3_world_rule(w, (script_rule){.method = "DELETE", .act = SCRIPT_STALL});
    s3_world_rule(
        w,
        (script_rule){.method = "PUT", .path = "/bkt/pre/one?partNumber=1&", .act = SCRIPT_STALL});
    s3_world_serve(w);
    crc_let_it_pay(w);
    w->call.deadline_ms = cairn_deadline_in(CAIRN_S3_PROOF_MS + 1000);
    ASSERT_OK(crc_put_one(w, CAIRN_PUT_REPLACE), &w->err);
    assert_false(crc_is_unsigned(crc_last(w, "PUT", "/bkt/pre/one")));
}

static void cancel_and_refuse(void *context, const script_request *request, script_reply *reply)
{
    (void)request;
    cairn_cancel_trigger(context);
    reply->status = 503;
    script_reply_text(reply, S3_WORLD_ERROR("SlowDown"));
}

static void a_put_that_is_cancelled_waits_for_no_clean_up(void **state)
{
    s3_world *w = *state;
    cairn_cancel *cancel = NULL;

    ASSERT_OK(cairn_cancel_new(&cancel, &w->err), &w->err);
    w->call.cancel = cancel;
    w->fake.crc = S3_WORLD_CRC_CHECKED;
    s3_world_rule(w, (script_rule){.method = "PUT", .call = cancel_and_refuse, .context = cancel});
    s3_world_serve(w);
    crc_let_it_pay(w);
    ASSERT_CODE(crc_put_one(w, CAIRN_PUT_REPLACE), CAIRN_E_CANCELLED, &w->err);
    assert_int_equal(s3_world_count(w, "DELETE", "/"), 0);
    w->call.cancel = NULL;
    cairn_cancel_free(cancel);
}

static void a_put_in_a_hurry_asks_nothing(void **state)
{
    s3_world *w = *state;

    w->fake.crc = S3_WORLD_CRC_CHECKED;
    s3_world_serve(w);
    crc_let_it_pay(w);
    w->call.deadline_ms = cairn_deadline_in(CAIRN_S3_PROOF_MS - 1);
    ASSERT_OK(crc_put_one(w, CAIRN_PUT_REPLACE), &w->err);
    assert_int_equal(s3_world_count(w, "POST", "/"), 0);
    w->call.deadline_ms = cairn_deadline_in(100000);
    ASSERT_OK(crc_put_one(w, CAIRN_PUT_REPLACE), &w->err);
    assert_true(crc_is_unsigned(crc_last(w, "PUT", "/bkt/pre/one")));
}

/* ---- Replies that were lost ---- */

/* As if the put had come twice, and the reply to the first was lost. */
static void store_and_answer_412(void *context, const script_request *request, script_reply *reply)
{
    s3_world *w = context;
    script_reply first = {.status = 0};

    s3_world_fake(w, request, &first);
    free(first.owned_headers);
    free(first.owned_body);
    reply->status = 412;
    script_reply_text(reply, S3_WORLD_ERROR("PreconditionFailed"));
}

static void tell_by_head(s3_world *w, const char *sum)
{
    (void)pthread_mutex_lock(&w->lock);
    w->fake.head_sum = sum;
    (void)pthread_mutex_unlock(&w->lock);
}

static bool asks_for_sum(s3_world *w, const char *path)
{
    char text[64];

    return script_request_header(crc_last(w, "HEAD", path), "x-amz-checksum-mode", text,
                                 sizeof(text));
}

static void a_create_that_met_itself_is_whole_if_a_head_tells_its_crc32c(void **state)
{
    static const struct {
        const char *told; /* NULL: what was sent */
        cairn_code code;
    } cases[] = {{NULL, CAIRN_OK}, {"", CAIRN_E_UNAVAILABLE}, {"AAAAAA==", CAIRN_E_UNAVAILABLE}};
    s3_world *w = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        win_trust(w);
        script_server_forget(w->server);
        crc_change_fake(w, S3_WORLD_CRC_CHECKED);
        tell_by_head(w, cases[i].told);
        s3_world_rule(
            w,
            (script_rule){.method = "PUT", .times = 1, .call = store_and_answer_412, .context = w});
        s3_world_serve(w);
        ASSERT_CODE(crc_put_one(w, CAIRN_PUT_CREATE), cases[i].code, &w->err);
        assert_true(asks_for_sum(w, "/bkt/pre/one"));
        assert_int_equal(state_of(w) == CAIRN_S3_CRC_PROVED, cases[i].code == CAIRN_OK);
    }

    /* It was signed: whose it is, is enough. */
    crc_change_fake(w, S3_WORLD_CRC_CHECKED);
    script_server_forget(w->server);
    s3_world_rule(
        w, (script_rule){.method = "PUT", .times = 1, .call = store_and_answer_412, .context = w});
    s3_world_serve(w);
    ASSERT_OK(crc_put_one(w, CAIRN_PUT_CREATE), &w->err);
    assert_false(asks_for_sum(w, "/bkt/pre/one"));
}

static void a_create_that_was_damaged_and_then_met_itself_is_its_own(void **state)
{
    s3_world *w = *state;

    s3_world_reply(w, "PUT", "/bkt/pre/one", 1,
                   (script_reply){.status = 400, .body = S3_WORLD_ERROR("BadDigest")});
    s3_world_rule(
        w, (script_rule){.method = "PUT", .times = 1, .call = store_and_answer_412, .context = w});
    s3_world_serve(w);
    ASSERT_OK(crc_put_one(w, CAIRN_PUT_CREATE), &w->err);
    assert_int_equal(s3_world_count(w, "PUT", "/bkt/pre/one"), 2);
}

static void a_completion_that_was_lost_is_compared_by_a_head(void **state)
{
    char right[CRC_TEXT_SIZE];
    const struct {
        const char *told; /* NULL: nothing */
        cairn_code code;
    } cases[] = {{right, CAIRN_OK}, {NULL, CAIRN_OK}, {"AAAAAA==-3", CAIRN_E_UNAVAILABLE}};
    s3_world *w = *state;

    crc_of_large(w, right);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        win_trust(w);
        script_server_forget(w->server);
        crc_change_fake(w, S3_WORLD_CRC_CHECKED);
        tell_by_head(w, cases[i].told);
        s3_world_rule(w, (script_rule){.method = "POST",
                                       .path = "/bkt/pre/big?uploadId=",
                                       .times = 1,
                                       .act = SCRIPT_RESET,
                                       .call = s3_world_fake,
                                       .context = w});
        s3_world_serve(w);
        ASSERT_CODE(crc_put_large(w), cases[i].code, &w->err);
        assert_true(asks_for_sum(w, "/bkt/pre/big"));
        assert_int_equal(state_of(w) == CAIRN_S3_CRC_PROVED, cases[i].code == CAIRN_OK);
        if (cases[i].code != CAIRN_OK) {
            ASSERT_MESSAGE_HAS(&w->err, "another CRC-32C than its parts");
        }
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, s3_world_setup, s3_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(whole_puts_are_proved_by_a_put_that_stores_nothing),
        CASE(who_looks_at_parts_alone_is_not_believed),
        CASE(who_may_not_list_parts_is_not_warned_of_them),
        CASE(bytes_in_memory_make_no_proof_and_use_it),
        CASE(over_http_only_where_the_line_is_inside_of_this_machine),
        CASE(a_bucket_that_is_elsewhere_is_asked_anew),
        CASE(a_move_before_the_proof_begins_is_none_of_its_business),
        CASE(a_distrust_that_comes_during_a_proof_stays),
        CASE(a_proof_that_hangs_leaves_its_put_the_time_for_itself),
        CASE(a_clean_up_that_hangs_leaves_its_put_the_time_for_itself),
        CASE(a_put_that_is_cancelled_waits_for_no_clean_up),
        CASE(a_put_in_a_hurry_asks_nothing),
        CASE(a_create_that_met_itself_is_whole_if_a_head_tells_its_crc32c),
        CASE(a_create_that_was_damaged_and_then_met_itself_is_its_own),
        CASE(a_completion_that_was_lost_is_compared_by_a_head),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
