/* What is mended once within a request: clock, keys, region. And what never is: a redirect. */
#include "test.h"

#include "bounds.h"
#include "check.h"
#include "clock.h"
#include "s3_world.h"

#include <stdio.h>
#include <stdlib.h>

static const cairn_slice hello = {"hello", 5};

static cairn_code put(s3_world *w)
{
    return cairn_store_put(w->store, &w->call, "k", hello, CAIRN_PUT_REPLACE, &w->err);
}

static void date_header(uint64_t wall_ms, char out[64])
{
    static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    const time_t seconds = (time_t)(wall_ms / 1000);
    char text[40];
    struct tm t;

    assert_non_null(gmtime_r(&seconds, &t));
    assert_true(strftime(text, sizeof(text), "%d %b %Y %H:%M:%S GMT", &t) > 0);
    (void)snprintf(out, 64, "Date: %s, %s\r\n", days[(seconds / 86400) % 7], text);
}

static void a_clock_that_is_off_is_mended_once_for_all(void **state)
{
    static const int64_t offsets_s[] = {960, -960, 86400, -86400};
    s3_world *w = *state;
    char date[64];
    char sent[512];
    char expected[SIGV4_TIME_SIZE];

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(offsets_s); i++) {
        const unsigned before = s3_world_count(w, "PUT", "/");
        const uint64_t server_ms = (uint64_t)((int64_t)clock_wall_ms() + offsets_s[i] * 1000);
        s3_world_restart(w);
        date_header(server_ms, date);
        script_server_forget(w->server);
        s3_world_reply(w, "PUT", "/", 1,
                       (script_reply){.status = 403,
                                      .headers = date,
                                      .body = S3_WORLD_ERROR("RequestTimeTooSkewed")});
        s3_world_serve(w);
        ASSERT_OK(put(w), &w->err);
        ASSERT_OK(put(w), &w->err); /* the next one knows */
        assert_int_equal(s3_world_count(w, "PUT", "/"), before + 3);

        s3_world_header(s3_world_request(w, "PUT", "/", before + 2), "x-amz-date", sent);
        sigv4_format_time(server_ms, expected);
        assert_memory_equal(sent, expected, strlen("20130524T"));
    }
}

static void a_server_that_is_never_content_is_believed_once(void **state)
{
    static const char *const codes[] = {
        S3_WORLD_ERROR("RequestTimeTooSkewed"),
        S3_WORLD_ERROR("ExpiredToken"),
        "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>",
    };
    s3_world *w = *state;
    char date[64];

    date_header(clock_wall_ms() + 7200000, date);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(codes); i++) {
        const unsigned before = s3_world_count(w, "PUT", "/");
        s3_world_restart(w);
        script_server_forget(w->server);
        s3_world_reply(w, "PUT", "/", 0,
                       (script_reply){.status = 403, .headers = date, .body = codes[i]});
        ASSERT_CODE(put(w), CAIRN_E_ACCESS, &w->err);
        assert_true(s3_world_count(w, "PUT", "/") <= before + 2);
        assert_null(strstr(w->err.message, "canary"));
    }
}

static void a_region_that_the_server_names_is_signed_for(void **state)
{
    s3_world *w = *state;
    char text[512];

    s3_world_reply(
        w, "PUT", "/", 1,
        (script_reply){
            .status = 400,
            .body =
                "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>"});
    s3_world_serve(w);
    ASSERT_OK(put(w), &w->err);
    ASSERT_OK(put(w), &w->err);

    assert_int_equal(s3_world_count(w, "PUT", "/"), 3);
    for (unsigned i = 0; i < 3; i++) {
        s3_world_header(s3_world_request(w, "PUT", "/", i), "authorization", text);
        assert_int_equal(strstr(text, "/eu-west-1/s3/aws4_request") != NULL, i > 0);
    }
}

static void a_region_that_is_none_is_not_believed(void **state)
{
    s3_world *w = *state;

    s3_world_reply(
        w, "PUT", "/", 0,
        (script_reply){
            .status = 400,
            .body =
                "<Error><Code>AuthorizationHeaderMalformed</Code><Region>evil.example/#</Region></Error>"});

    ASSERT_CODE(put(w), CAIRN_E_ACCESS, &w->err);
    assert_int_equal(s3_world_count(w, "PUT", "/"), 1);
}

static void write_keys(const char *path, const char *id)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_true(fprintf(file,
                        "[default]\naws_access_key_id = %s\naws_secret_access_key = canary-%s\n",
                        id, id) > 0);
    assert_int_equal(fclose(file), 0);
}

/* The file is rotated while the store is open. */
static void keys_that_expired_are_read_anew(void **state)
{
    s3_world *w = *state;
    char path[TMPDIR_PATH_BYTES];
    char text[512];

    write_keys(tmpdir_join(w->dir, "credentials", path), "AKIDOLD");
    assert_int_equal(setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1), 0);
    w->options.access_key_id = NULL;
    w->options.secret_access_key = NULL;
    s3_world_restart(w);
    s3_world_reply(w, "PUT", "/", 1, (script_reply){.status = 200});
    s3_world_reply(w, "PUT", "/", 1,
                   (script_reply){.status = 403, .body = S3_WORLD_ERROR("InvalidAccessKeyId")});
    s3_world_serve(w);
    ASSERT_OK(put(w), &w->err);
    write_keys(path, "AKIDNEW");
    ASSERT_OK(put(w), &w->err);
    assert_int_equal(unsetenv("AWS_SHARED_CREDENTIALS_FILE"), 0);

    assert_int_equal(s3_world_count(w, "PUT", "/"), 3);
    s3_world_header(s3_world_request(w, "PUT", "/", 1), "authorization", text);
    assert_non_null(strstr(text, "Credential=AKIDOLD/"));
    s3_world_header(s3_world_request(w, "PUT", "/", 2), "authorization", text);
    assert_non_null(strstr(text, "Credential=AKIDNEW/"));
}

static void nobody_is_followed_to_another_host(void **state)
{
    static const unsigned statuses[] = {301, 302, 303, 307, 308};
    s3_world *w = *state;
    script_server *other = NULL;
    char headers[256];

    assert_int_equal(script_server_new(NULL, &other), 0);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(statuses); i++) {
        (void)snprintf(headers, sizeof(headers), "Location: %s/bkt/pre/k\r\n",
                       script_server_url(other));
        script_server_forget(w->server);
        s3_world_reply(w, "PUT", "/", 0, (script_reply){.status = statuses[i], .headers = headers});
        ASSERT_CODE(put(w), CAIRN_E_ACCESS, &w->err);
        ASSERT_MESSAGE_HAS(&w->err, script_server_address(other));
    }
    assert_int_equal(script_server_count(other), 0);
    assert_int_equal(s3_world_count(w, "PUT", "/"), CAIRN_ARRAY_LEN(statuses));
    script_server_free(other);
}

static void a_server_that_throttles_gets_less_at_once(void **state)
{
    s3_world *w = *state;

    s3_world_reply(w, "PUT", "/", 1,
                   (script_reply){.status = 503, .body = S3_WORLD_ERROR("SlowDown")});
    s3_world_reply(w, "PUT", "/", 0,
                   (script_reply){.status = 500, .body = S3_WORLD_ERROR("InternalError")});
    assert_int_equal(s3_throttle_limit(&w->self->throttle), CAIRN_S3_IN_FLIGHT_MAX);
    ASSERT_CODE(put(w), CAIRN_E_UNAVAILABLE, &w->err);
    assert_true(w->err.retry_after_ms > 0);
    assert_int_equal(s3_throttle_limit(&w->self->throttle), 1);
    ASSERT_CODE(put(w), CAIRN_E_UNAVAILABLE, &w->err);
    assert_int_equal(s3_throttle_limit(&w->self->throttle), 1);
}

static void options_that_do_not_fit_together_are_refused(void **state)
{
    s3_world *w = *state;
    cairn_s3_options cases[16];
    size_t count = 0;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        cases[i] = w->options;
    }
    cases[count++].bucket = NULL;
    cases[count++].bucket = "Upper";
    cases[count++].bucket = "b/c";
    cases[count++].prefix = "/a";
    cases[count++].prefix = "a/";
    cases[count++].secret_access_key = NULL;
    cases[count++].encryption = "rot13";
    cases[count++].kms_key_id = "key";
    cases[count++].object_lock_mode = "GOVERNANCE";
    cases[count++].object_lock_retain_ms = 1;
    cases[count++].storage_class = "A\r\nB: c";
    cases[count++].multipart_bytes = 1;
    cases[count++].part_bytes = 1;
    cases[count++].parallel_parts = 65;
    cases[count++].unsigned_payload = true; /* over http */
    cases[count++].version = 99;
    for (size_t i = 0; i < count; i++) {
        cairn_store *store = NULL;
        ASSERT_CODE(cairn_s3_store_new(&cases[i], &store, &w->err), CAIRN_E_INVALID, &w->err);
        assert_null(store);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, s3_world_setup, s3_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_clock_that_is_off_is_mended_once_for_all),
        CASE(a_server_that_is_never_content_is_believed_once),
        CASE(a_region_that_the_server_names_is_signed_for),
        CASE(a_region_that_is_none_is_not_believed),
        CASE(keys_that_expired_are_read_anew),
        CASE(nobody_is_followed_to_another_host),
        CASE(a_server_that_throttles_gets_less_at_once),
        CASE(options_that_do_not_fit_together_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
