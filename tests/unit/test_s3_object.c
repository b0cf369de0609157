/* Single requests: what is sent, and what each answer means. */
#include "test.h"

#include "bounds.h"
#include "buf.h"
#include "check.h"
#include "s3_world.h"

static const cairn_slice hello = {"hello", 5};

static cairn_code put(s3_world *w, cairn_put_mode mode)
{
    return cairn_store_put(w->store, &w->call, "k", hello, mode, &w->err);
}

static void a_put_is_signed_with_the_hash_of_its_body(void **state)
{
    s3_world *w = *state;
    char text[512];

    s3_world_serve(w);
    ASSERT_OK(put(w, CAIRN_PUT_REPLACE), &w->err);

    const script_request *request = s3_world_request(w, "PUT", "/bkt/pre/k", 0);
    assert_string_equal(request->target, "/bkt/pre/k");
    assert_string_equal(s3_world_header(request, "x-amz-content-sha256", text),
                        "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    assert_string_equal(s3_world_header(request, "content-type", text), "application/octet-stream");
    assert_string_equal(s3_world_header(request, "content-length", text), "5");
    s3_world_header(request, "authorization", text);
    assert_non_null(strstr(text, "Credential=AKIDEXAMPLE/"));
    assert_non_null(strstr(text, "SignedHeaders=content-length;content-type;host;"
                                 "x-amz-content-sha256;x-amz-date;x-amz-meta-cairn-upload"));
    assert_false(script_request_header(request, "if-none-match", text, sizeof(text)));
    assert_false(script_request_header(request, "expect", text, sizeof(text)));
    assert_int_equal(s3_world_seen(w).bad_hashes, 0);
}

static void a_known_digest_of_a_file_is_sent_without_reading_it_twice(void **state)
{
    s3_world *w = *state;
    char path[TMPDIR_PATH_BYTES];
    char text[512];
    const uint8_t known[32] = {0xab};

    s3_world_file(w, "f", 100, path);
    s3_world_serve(w);
    const cairn_file_range range = {path, 0, 100, false, known};
    ASSERT_OK(cairn_store_put_file(w->store, &w->call, "k", &range, CAIRN_PUT_REPLACE, &w->err),
              &w->err);

    s3_world_header(s3_world_request(w, "PUT", "/bkt/pre/k", 0), "x-amz-content-sha256", text);
    assert_string_equal(text, "ab00000000000000000000000000000000000000000000000000000000000000");
}

static void options_of_objects_become_headers_of_every_put(void **state)
{
    static const char *const expected[][2] = {
        {"x-amz-server-side-encryption", "aws:kms"},
        {"x-amz-server-side-encryption-aws-kms-key-id", "key-1"},
        {"x-amz-storage-class", "STANDARD_IA"},
        {"x-amz-tagging", "a=b"},
        {"x-amz-object-lock-mode", "GOVERNANCE"},
        {"x-amz-request-payer", "requester"},
        {"content-md5", "XUFAKrxLKna5cZ2REBfFkg=="},
    };
    s3_world *w = *state;
    char text[512];

    w->options.encryption = "aws:kms";
    w->options.kms_key_id = "key-1";
    w->options.storage_class = "STANDARD_IA";
    w->options.tags = "a=b";
    w->options.object_lock_mode = "GOVERNANCE";
    w->options.object_lock_retain_ms = 60000;
    w->options.requester_pays = true;
    s3_world_restart(w);
    s3_world_serve(w);
    ASSERT_OK(put(w, CAIRN_PUT_REPLACE), &w->err);

    const script_request *request = s3_world_request(w, "PUT", "/bkt/pre/k", 0);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(expected); i++) {
        assert_string_equal(s3_world_header(request, expected[i][0], text), expected[i][1]);
    }
    s3_world_header(request, "x-amz-object-lock-retain-until-date", text);
    assert_int_equal(text[strlen(text) - 1], 'Z');
}

static void create_only_asks_for_absence_and_is_told_of_others(void **state)
{
    s3_world *w = *state;
    char text[512];

    s3_world_serve(w);
    ASSERT_OK(put(w, CAIRN_PUT_CREATE), &w->err);
    ASSERT_CODE(put(w, CAIRN_PUT_CREATE), CAIRN_E_EXISTS, &w->err);

    s3_world_header(s3_world_request(w, "PUT", "/bkt/pre/k", 0), "if-none-match", text);
    assert_string_equal(text, "*");
}

/* Parts are joined by a completion, which replaces what another attempt has created meanwhile. */
static void what_decides_is_one_request_however_large(void **state)
{
    s3_world *w = *state;
    CAIRN_AUTO(cairn_buf) bytes = {0};
    char text[512];
    const size_t size = (size_t)6 << 20;

    w->options.multipart_bytes = (uint64_t)5 << 20;
    s3_world_restart(w);
    s3_world_serve(w);
    ASSERT_OK(buf_reserve(&bytes, size, &w->err), &w->err);
    memset(bytes.data, 7, size);

    ASSERT_OK(cairn_store_put(w->store, &w->call, "chk-1/manifest.json",
                              (cairn_slice){bytes.data, size}, CAIRN_PUT_CREATE, &w->err),
              &w->err);

    assert_int_equal(s3_world_count(w, "POST", "/"), 0);
    assert_int_equal(s3_world_count(w, "PUT", "/bkt/pre/chk-1/manifest.json"), 1);
    s3_world_header(s3_world_request(w, "PUT", "/bkt/pre/chk-1/manifest.json", 0), "if-none-match",
                    text);
    assert_string_equal(text, "*");
}

/* The kept connection dies when the put was done: libcurl sends it again, and is told 412. */
static void create_only_that_met_itself_has_succeeded(void **state)
{
    s3_world *w = *state;
    cairn_object_info info;

    s3_world_serve(w);
    ASSERT_CODE(cairn_store_stat(w->store, &w->call, "k", &info, &w->err), CAIRN_E_NOT_FOUND,
                &w->err);
    script_server_forget(w->server);
    /* What the fake would do, and then no answer. */
    s3_world_rule(w, (script_rule){.method = "PUT", .times = 1, .act = SCRIPT_CLOSE, .call = NULL});
    s3_world_serve(w);
    ASSERT_OK(put(w, CAIRN_PUT_CREATE), &w->err);
    assert_true(s3_world_count(w, "PUT", "/bkt/pre/k") == 2);

    char first[512];
    char second[512];
    s3_world_header(s3_world_request(w, "PUT", "/bkt/pre/k", 0), "x-amz-meta-cairn-upload", first);
    s3_world_header(s3_world_request(w, "PUT", "/bkt/pre/k", 1), "x-amz-meta-cairn-upload", second);
    assert_string_equal(first, second); /* so a HEAD after 412 would know its own */
}

static void answer_412(void *context, const script_request *request, script_reply *reply)
{
    s3_world *w = context;

    w->fake.stands = true;
    w->fake.size = 5;
    (void)script_request_header(request, "x-amz-meta-cairn-upload", w->fake.id, sizeof(w->fake.id));
    reply->status = 412;
}

static void a_412_on_an_object_with_our_number_is_our_own_success(void **state)
{
    s3_world *w = *state;

    s3_world_rule(w, (script_rule){.method = "PUT", .times = 1, .call = answer_412, .context = w});
    s3_world_serve(w);

    ASSERT_OK(put(w, CAIRN_PUT_CREATE), &w->err);
}

static void whose_object_it_is_stays_unknown_if_the_look_fails(void **state)
{
    s3_world *w = *state;

    s3_world_rule(w, (script_rule){.method = "PUT", .times = 1, .call = answer_412, .context = w});
    s3_world_reply(w, "HEAD", "/", 0, (script_reply){.status = 500});
    s3_world_serve(w);

    ASSERT_CODE(put(w, CAIRN_PUT_CREATE), CAIRN_E_UNAVAILABLE, &w->err);
}

/* One refusal of a put, and what it is told as. */
typedef struct refusal {
    unsigned status;
    const char *body;
    cairn_code code;
    const char *says;
} refusal;

static void refusals_of_a_create_are_told_apart(void **state)
{
    static const refusal cases[] = {
        {409, S3_WORLD_ERROR("ConditionalRequestConflict"), CAIRN_E_UNAVAILABLE, "409"},
        {501, S3_WORLD_ERROR("NotImplemented"), CAIRN_E_INCOMPATIBLE, "s3.check-then-create"},
        {503, S3_WORLD_ERROR("SlowDown"), CAIRN_E_UNAVAILABLE, "SlowDown"},
        {403, S3_WORLD_ERROR("AccessDenied"), CAIRN_E_ACCESS, "AccessDenied"},
        {403, S3_WORLD_ERROR("SignatureDoesNotMatch"), CAIRN_E_ACCESS, "secret"},
        {404, S3_WORLD_ERROR("NoSuchBucket"), CAIRN_E_ACCESS, "NoSuchBucket"},
    };
    s3_world *w = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        script_server_forget(w->server);
        s3_world_reply(w, "PUT", "/", 0,
                       (script_reply){.status = cases[i].status, .body = cases[i].body});
        ASSERT_CODE(put(w, CAIRN_PUT_CREATE), cases[i].code, &w->err);
        ASSERT_MESSAGE_HAS(&w->err, cases[i].says);
        assert_null(strstr(w->err.message, "canary-secret"));
    }
}

static void a_server_without_create_only_is_looked_at_first(void **state)
{
    s3_world *w = *state;
    char text[512];

    w->options.check_then_create = true;
    s3_world_restart(w);
    s3_world_serve(w);
    ASSERT_OK(put(w, CAIRN_PUT_CREATE), &w->err);
    ASSERT_CODE(put(w, CAIRN_PUT_CREATE), CAIRN_E_EXISTS, &w->err);

    assert_int_equal(s3_world_count(w, "PUT", "/"), 1);
    const script_request *request = s3_world_request(w, "PUT", "/", 0);
    assert_false(script_request_header(request, "if-none-match", text, sizeof(text)));
}

static void bytes_that_changed_on_the_way_are_sent_once_more(void **state)
{
    s3_world *w = *state;

    s3_world_reply(
        w, "PUT", "/", 1,
        (script_reply){.status = 400, .body = S3_WORLD_ERROR("XAmzContentSHA256Mismatch")});
    s3_world_serve(w);
    ASSERT_OK(put(w, CAIRN_PUT_REPLACE), &w->err);

    script_server_forget(w->server);
    s3_world_reply(
        w, "PUT", "/", 0,
        (script_reply){.status = 400, .body = S3_WORLD_ERROR("XAmzContentSHA256Mismatch")});
    ASSERT_CODE(put(w, CAIRN_PUT_REPLACE), CAIRN_E_INTEGRITY, &w->err);
    assert_int_equal(s3_world_count(w, "PUT", "/"), 4);
}

static void a_file_that_is_not_what_its_digest_says_is_named(void **state)
{
    s3_world *w = *state;
    char path[TMPDIR_PATH_BYTES];
    const uint8_t known[32] = {0xab};

    s3_world_file(w, "damaged", 100, path);
    s3_world_reply(
        w, "PUT", "/", 0,
        (script_reply){.status = 400, .body = S3_WORLD_ERROR("XAmzContentSHA256Mismatch")});
    const cairn_file_range range = {path, 0, 100, false, known};

    ASSERT_CODE(cairn_store_put_file(w->store, &w->call, "k", &range, CAIRN_PUT_REPLACE, &w->err),
                CAIRN_E_INTEGRITY, &w->err);
    ASSERT_MESSAGE_HAS(&w->err, "damaged");
    assert_int_equal(s3_world_count(w, "PUT", "/"), 1);
}

static void a_success_before_the_whole_body_came_is_none(void **state)
{
    s3_world *w = *state;
    char path[TMPDIR_PATH_BYTES];

    s3_world_file(w, "large", (size_t)4 << 20, path);
    s3_world_rule(w, (script_rule){.method = "PUT", .act = SCRIPT_EARLY, .at = 1});
    const cairn_file_range range = {path, 0, (uint64_t)4 << 20, false, NULL};

    ASSERT_CODE(cairn_store_put_file(w->store, &w->call, "k", &range, CAIRN_PUT_REPLACE, &w->err),
                CAIRN_E_UNAVAILABLE, &w->err);
}

static void a_get_that_is_cut_is_no_object(void **state)
{
    static const script_reply cases[] = {
        {.body = "abc", .length = SCRIPT_LENGTH_CLAIMED, .length_claimed = 10, .close = true},
        {.body = "abc", .length = SCRIPT_LENGTH_NONE, .close = true},
    };
    s3_world *w = *state;
    CAIRN_AUTO(cairn_buf) out = {0};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        script_server_forget(w->server);
        s3_world_reply(w, "GET", "/", 0, cases[i]);
        ASSERT_CODE(cairn_store_get(w->store, &w->call, "k", 100, &out, &w->err),
                    CAIRN_E_UNAVAILABLE, &w->err);
    }
}

/* A reply to a range of 4 bytes from 2. */
typedef struct range_case {
    script_reply reply;
    cairn_code code;
} range_case;

static void only_the_range_that_was_asked_for_is_taken(void **state)
{
    static const range_case cases[] = {
        {{.status = 206, .headers = "Content-Range: bytes 2-5/9\r\n", .body = "cdef"}, CAIRN_OK},
        {{.status = 206, .headers = "Content-Range: bytes 2-5/*\r\n", .body = "cdef"}, CAIRN_OK},
        {{.status = 206, .headers = "Content-Range: bytes 2-3/4\r\n", .body = "cd"},
         CAIRN_E_INTEGRITY},
        {{.status = 206, .headers = "Content-Range: bytes 0-3/9\r\n", .body = "abcd"},
         CAIRN_E_UNAVAILABLE},
        {{.status = 206, .body = "cdef"}, CAIRN_E_UNAVAILABLE},
        {{.status = 206, .headers = "Content-Range: bytes 2-5/9\r\n", .body = "cde"},
         CAIRN_E_UNAVAILABLE},
        {{.status = 200, .body = "abcd"}, CAIRN_E_INCOMPATIBLE},
        {{.status = 200, .body = "abcdefghi"}, CAIRN_E_INCOMPATIBLE},
        {{.status = 416, .body = S3_WORLD_ERROR("InvalidRange")}, CAIRN_E_INTEGRITY},
        {{.status = 404, .body = S3_WORLD_ERROR("NoSuchKey")}, CAIRN_E_NOT_FOUND},
        {{.status = 404, .body = S3_WORLD_ERROR("NoSuchBucket")}, CAIRN_E_ACCESS},
        {{.status = 404, .body = "<html>nginx</html>"}, CAIRN_E_ACCESS},
    };
    s3_world *w = *state;
    char bytes[4];
    const cairn_memory_range range = {2, bytes, sizeof(bytes)};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        script_server_forget(w->server);
        s3_world_reply(w, "GET", "/", 0, cases[i].reply);
        ASSERT_CODE(cairn_store_get_range(w->store, &w->call, "k", &range, &w->err), cases[i].code,
                    &w->err);
    }
}

static void a_missing_object_is_told_from_a_missing_bucket(void **state)
{
    s3_world *w = *state;
    cairn_object_info info;

    s3_world_reply(w, "HEAD", "/", 0, (script_reply){.status = 404});
    s3_world_reply(w, "GET", "/", 1,
                   (script_reply){.status = 404, .body = S3_WORLD_ERROR("NoSuchKey")});
    s3_world_reply(w, "GET", "/", 1,
                   (script_reply){.status = 404, .body = S3_WORLD_ERROR("NoSuchBucket")});
    s3_world_reply(w, "GET", "/", 1, (script_reply){.status = 206, .body = "x"});

    ASSERT_CODE(cairn_store_stat(w->store, &w->call, "k", &info, &w->err), CAIRN_E_NOT_FOUND,
                &w->err);
    ASSERT_CODE(cairn_store_stat(w->store, &w->call, "k", &info, &w->err), CAIRN_E_ACCESS, &w->err);
    ASSERT_MESSAGE_HAS(&w->err, "NoSuchBucket");
    /* It has just appeared: not absent, to be asked again. */
    ASSERT_CODE(cairn_store_stat(w->store, &w->call, "k", &info, &w->err), CAIRN_E_UNAVAILABLE,
                &w->err);
}

static void a_stat_tells_size_and_time(void **state)
{
    s3_world *w = *state;
    cairn_object_info info = {0, 0};

    w->fake.stands = true;
    w->fake.size = 12345678901;
    s3_world_serve(w);
    ASSERT_OK(cairn_store_stat(w->store, &w->call, "k", &info, &w->err), &w->err);

    assert_true(info.size == 12345678901);
    assert_true(info.modified_ms == 1369353600000);
}

static void a_delete_of_what_is_missing_is_fine_and_of_what_is_held_is_not(void **state)
{
    s3_world *w = *state;

    s3_world_reply(w, "DELETE", "/", 1,
                   (script_reply){.status = 404, .body = S3_WORLD_ERROR("NoSuchKey")});
    s3_world_reply(
        w, "DELETE", "/", 1,
        (script_reply){.status = 400,
                       .body = "<Error><Code>InvalidRequest</Code><Message>Object is WORM "
                               "protected and cannot be overwritten</Message></Error>"});
    s3_world_reply(w, "DELETE", "/", 1, (script_reply){.status = 204});

    ASSERT_OK(cairn_store_delete(w->store, &w->call, "k", &w->err), &w->err);
    ASSERT_CODE(cairn_store_delete(w->store, &w->call, "k", &w->err), CAIRN_E_ACCESS, &w->err);
    ASSERT_MESSAGE_HAS(&w->err, "held");
    ASSERT_OK(cairn_store_delete(w->store, &w->call, "k", &w->err), &w->err);
}

static void a_key_that_is_too_long_below_the_prefix_is_refused(void **state)
{
    s3_world *w = *state;
    char key[CAIRN_OBJECT_KEY_BYTES_MAX - 2];

    memset(key, 'k', sizeof(key));
    key[sizeof(key) - 1] = '\0';
    s3_world_serve(w);
    ASSERT_CODE(cairn_store_put(w->store, &w->call, key, hello, CAIRN_PUT_REPLACE, &w->err),
                CAIRN_E_INVALID, &w->err);
    key[sizeof(key) - 2] = '\0';
    ASSERT_OK(cairn_store_put(w->store, &w->call, key, hello, CAIRN_PUT_REPLACE, &w->err), &w->err);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, s3_world_setup, s3_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_put_is_signed_with_the_hash_of_its_body),
        CASE(a_known_digest_of_a_file_is_sent_without_reading_it_twice),
        CASE(options_of_objects_become_headers_of_every_put),
        CASE(create_only_asks_for_absence_and_is_told_of_others),
        CASE(what_decides_is_one_request_however_large),
        CASE(create_only_that_met_itself_has_succeeded),
        CASE(a_412_on_an_object_with_our_number_is_our_own_success),
        CASE(whose_object_it_is_stays_unknown_if_the_look_fails),
        CASE(refusals_of_a_create_are_told_apart),
        CASE(a_server_without_create_only_is_looked_at_first),
        CASE(bytes_that_changed_on_the_way_are_sent_once_more),
        CASE(a_file_that_is_not_what_its_digest_says_is_named),
        CASE(a_success_before_the_whole_body_came_is_none),
        CASE(a_get_that_is_cut_is_no_object),
        CASE(only_the_range_that_was_asked_for_is_taken),
        CASE(a_missing_object_is_told_from_a_missing_bucket),
        CASE(a_stat_tells_size_and_time),
        CASE(a_delete_of_what_is_missing_is_fine_and_of_what_is_held_is_not),
        CASE(a_key_that_is_too_long_below_the_prefix_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
