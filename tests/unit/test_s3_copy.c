/* Copies that the server makes: in one request or in parts, and what each answer means. */
#include "test.h"

#include "check.h"
#include "s3_world.h"
#include "stores.h"

#include <stdio.h>

#define MIB ((uint64_t)1 << 20)

#define COPIED     "\n \n<CopyObjectResult><ETag>&quot;x&quot;</ETag></CopyObjectResult>"
#define PART(etag) "\n<CopyPartResult><ETag>" etag "</ETag></CopyPartResult>"

/* `from` has so many bytes; `to` is missing. */
static void serve(s3_world *w, uint64_t size)
{
    s3_world_reply(w, "HEAD", "/bkt/pre/from", 0,
                   (script_reply){.headers = "ETag: \"v1\"\r\n",
                                  .length = SCRIPT_LENGTH_CLAIMED,
                                  .length_claimed = size});
    s3_world_reply(w, "HEAD", "/bkt/pre/to", 0, (script_reply){.status = 404});
    s3_world_reply(w, "GET", "/bkt/pre/to?", 0,
                   (script_reply){.status = 404, .body = S3_WORLD_ERROR("NoSuchUpload")});
    s3_world_reply(w, "GET", "/bkt/pre/to", 0,
                   (script_reply){.status = 404, .body = S3_WORLD_ERROR("NoSuchKey")});
    s3_world_reply(w, "POST", "/bkt/pre/to?uploads=", 0,
                   (script_reply){.body = "<InitiateMultipartUploadResult><UploadId>u1</UploadId>"
                                          "</InitiateMultipartUploadResult>"});
    s3_world_reply(w, "PUT", "/bkt/pre/to?partNumber=", 0,
                   (script_reply){.body = PART("&quot;e&quot;")});
    s3_world_reply(w, "PUT", "/bkt/pre/to", 0, (script_reply){.body = COPIED});
    s3_world_reply(w, "POST", "/bkt/pre/to?uploadId=u1", 0,
                   (script_reply){.body = "<CompleteMultipartUploadResult/>"});
    s3_world_reply(w, "DELETE", "/bkt/pre/to?uploadId=u1", 0, (script_reply){.status = 204});
}

static cairn_code copy(s3_world *w, cairn_put_mode mode)
{
    return cairn_store_copy(w->store, &w->call, "from", "to", mode, &w->err);
}

static void a_copy_is_a_put_without_a_body(void **state)
{
    static const char *const expected[][2] = {
        {"x-amz-copy-source", "/bkt/pre/from"},
        {"x-amz-metadata-directive", "REPLACE"},
        {"x-amz-tagging-directive", "REPLACE"},
        {"x-amz-tagging", "a=b"},
        {"x-amz-server-side-encryption", "AES256"},
        {"content-type", "application/octet-stream"},
        {"content-length", "0"},
        {"x-amz-content-sha256",
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    };
    s3_world *w = *state;
    char text[512];

    w->options.tags = "a=b";
    w->options.encryption = "AES256";
    s3_world_restart(w);
    serve(w, 5 * MIB);
    ASSERT_OK(copy(w, CAIRN_PUT_REPLACE), &w->err);

    assert_int_equal(script_server_count(w->server), 2);
    const script_request *request = s3_world_request(w, "PUT", "/bkt/pre/to", 0);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(expected); i++) {
        assert_string_equal(s3_world_header(request, expected[i][0], text), expected[i][1]);
    }
    s3_world_header(request, "x-amz-meta-cairn-upload", text);
    s3_world_header(request, "authorization", text);
    assert_non_null(strstr(text, "x-amz-copy-source;"));
    assert_false(script_request_header(request, "if-none-match", text, sizeof(text)));
}

static void the_name_of_the_origin_is_encoded(void **state)
{
    s3_world *w = *state;
    char text[512];

    w->options.prefix = "p q";
    s3_world_restart(w);
    s3_world_reply(w, "HEAD", "/", 0, (script_reply){.status = 200});
    s3_world_reply(w, "PUT", "/", 0, (script_reply){.body = COPIED});
    ASSERT_OK(
        cairn_store_copy(w->store, &w->call, "a+b c/%\xc3\xbc?#", "to", CAIRN_PUT_REPLACE, &w->err),
        &w->err);

    const script_request *request = s3_world_request(w, "PUT", "/bkt/p%20q/to", 0);
    assert_string_equal(s3_world_header(request, "x-amz-copy-source", text),
                        "/bkt/p%20q/a%2Bb%20c/%25%C3%BC%3F%23");
    assert_false(script_request_header(request, "x-amz-tagging-directive", text, sizeof(text)));
}

/* An answer to the copy itself, in one request. */
typedef struct answer {
    unsigned status;
    const char *body;
    cairn_code code;
    const char *says;
} answer;

static void a_copy_that_failed_is_told_also_under_status_200(void **state)
{
    static const answer cases[] = {
        {200, "\n" S3_WORLD_ERROR("InternalError"), CAIRN_E_UNAVAILABLE, "200 InternalError"},
        {200, S3_WORLD_ERROR("SlowDown"), CAIRN_E_UNAVAILABLE, "SlowDown"},
        {200, S3_WORLD_ERROR("AccessDenied"), CAIRN_E_ACCESS, "AccessDenied"},
        {200, S3_WORLD_ERROR("NoSuchKey"), CAIRN_E_NOT_FOUND, "NoSuchKey"},
        {200, "", CAIRN_E_UNAVAILABLE, "unknown"},
        {200, "<CopyObjectResult>", CAIRN_E_UNAVAILABLE, "unknown"},
        {200, PART("x"), CAIRN_E_UNAVAILABLE, "unknown"},
        {404, S3_WORLD_ERROR("NoSuchKey"), CAIRN_E_NOT_FOUND, "NoSuchKey"},
        {404, S3_WORLD_ERROR("NoSuchBucket"), CAIRN_E_ACCESS, "NoSuchBucket"},
        {501, S3_WORLD_ERROR("NotImplemented"), CAIRN_E_INCOMPATIBLE, "NotImplemented"},
        {503, S3_WORLD_ERROR("SlowDown"), CAIRN_E_UNAVAILABLE, "SlowDown"},
    };
    s3_world *w = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        script_server_forget(w->server);
        s3_world_reply(w, "PUT", "/bkt/pre/to", 0,
                       (script_reply){.status = cases[i].status, .body = cases[i].body});
        serve(w, 7);
        ASSERT_CODE(copy(w, CAIRN_PUT_REPLACE), cases[i].code, &w->err);
        ASSERT_MESSAGE_HAS(&w->err, "copy from at s3://bkt/pre: to to: ");
        ASSERT_MESSAGE_HAS(&w->err, cases[i].says);
    }
}

static void a_missing_origin_is_not_copied(void **state)
{
    s3_world *w = *state;

    s3_world_serve(w);
    ASSERT_CODE(copy(w, CAIRN_PUT_CREATE), CAIRN_E_NOT_FOUND, &w->err);

    assert_int_equal(s3_world_count(w, "PUT", "/"), 0);
}

static void create_only_looks_before_each_kind_of_copy(void **state)
{
    static const uint64_t sizes[] = {7, 11 * MIB};
    s3_world *w = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(sizes); i++) {
        script_server_forget(w->server);
        s3_world_reply(w, "HEAD", "/bkt/pre/to", 0, (script_reply){.status = 200});
        serve(w, sizes[i]);
        ASSERT_CODE(copy(w, CAIRN_PUT_CREATE), CAIRN_E_EXISTS, &w->err);
        assert_int_equal(s3_world_count(w, "PUT", "/") + s3_world_count(w, "POST", "/"), 0);
    }
    script_server_forget(w->server);
    serve(w, 7);
    ASSERT_OK(copy(w, CAIRN_PUT_CREATE), &w->err);
    assert_int_equal(s3_world_count(w, "PUT", "/bkt/pre/to"), 1);
    /* One that comes up meanwhile is seen before the completion. */
    script_server_forget(w->server);
    s3_world_rule(
        w, (script_rule){
               .method = "HEAD", .path = "/bkt/pre/to", .skip = 1, .reply = {.status = 200}});
    serve(w, 11 * MIB);
    ASSERT_CODE(copy(w, CAIRN_PUT_CREATE), CAIRN_E_EXISTS, &w->err);
    assert_int_equal(s3_world_count(w, "POST", "/bkt/pre/to?uploadId="), 0);
    assert_int_equal(s3_world_count(w, "DELETE", "/bkt/pre/to?uploadId=u1"), 1);
}

static void a_large_copy_is_made_of_ranges_of_one_origin(void **state)
{
    static const char *const ranges[] = {"bytes=0-5242879", "bytes=5242880-10485759",
                                         "bytes=10485760-11534338"};
    s3_world *w = *state;
    char text[512];

    serve(w, 11 * MIB + 3);
    ASSERT_OK(copy(w, CAIRN_PUT_REPLACE), &w->err);

    assert_int_equal(s3_world_count(w, "PUT", "/"), 3);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(ranges); i++) {
        char path[64];
        (void)snprintf(path, sizeof(path), "/bkt/pre/to?partNumber=%zu&uploadId=u1", i + 1);
        const script_request *part = s3_world_request(w, "PUT", path, 0);
        assert_string_equal(s3_world_header(part, "x-amz-copy-source", text), "/bkt/pre/from");
        assert_string_equal(s3_world_header(part, "x-amz-copy-source-range", text), ranges[i]);
        assert_string_equal(s3_world_header(part, "x-amz-copy-source-if-match", text), "\"v1\"");
        assert_string_equal(s3_world_header(part, "content-length", text), "0");
    }
    const script_request *complete = s3_world_request(w, "POST", "/bkt/pre/to?uploadId=u1", 0);
    assert_non_null(strstr(complete->body, "<Part><PartNumber>3</PartNumber>"
                                           "<ETag>&quot;e&quot;</ETag></Part></Complete"));
    assert_int_equal(s3_world_count(w, "DELETE", "/"), 0);
}

static void only_the_part_that_failed_is_copied_again(void **state)
{
    static const script_rule faults[] = {
        {.reply = {.status = 500, .body = S3_WORLD_ERROR("InternalError")}},
        {.reply = {.body = "\n" S3_WORLD_ERROR("InternalError")}},
        {.reply = {.body = S3_WORLD_ERROR("SlowDown")}},
        {.reply = {.body = ""}},
        {.reply = {.body = "<CopyPartResult><ETag>x</ETag>"}},
        {.reply = {.body = "<CopyPartResult/>"}},
        {.reply = {.body = PART("")}},
        {.act = SCRIPT_RESET},
    };
    s3_world *w = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(faults); i++) {
        const unsigned before = s3_world_count(w, "PUT", "/");
        script_rule rule = faults[i];
        rule.method = "PUT";
        rule.path = "/bkt/pre/to?partNumber=2&";
        rule.times = 1;
        script_server_forget(w->server);
        s3_world_rule(w, rule);
        serve(w, 11 * MIB);
        ASSERT_OK(copy(w, CAIRN_PUT_REPLACE), &w->err);
        assert_int_equal(s3_world_count(w, "PUT", "/"), before + 4);
        assert_int_equal(s3_world_count(w, "DELETE", "/"), 0);
    }
}

static void a_large_copy_that_fails_is_aborted(void **state)
{
    static const answer cases[] = {
        {412, S3_WORLD_ERROR("PreconditionFailed"), CAIRN_E_INTEGRITY, "was replaced while"},
        {200, S3_WORLD_ERROR("PreconditionFailed"), CAIRN_E_INTEGRITY, "was replaced while"},
        {404, S3_WORLD_ERROR("NoSuchKey"), CAIRN_E_NOT_FOUND, "part 2 of 3"},
        {404, S3_WORLD_ERROR("NoSuchUpload"), CAIRN_E_UNAVAILABLE, "NoSuchUpload"},
        {403, S3_WORLD_ERROR("AccessDenied"), CAIRN_E_ACCESS, "AccessDenied"},
        {200, S3_WORLD_ERROR("AccessDenied"), CAIRN_E_ACCESS, "AccessDenied"},
        {501, S3_WORLD_ERROR("NotImplemented"), CAIRN_E_INCOMPATIBLE, "NotImplemented"},
    };
    s3_world *w = *state;

    for (unsigned i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        script_server_forget(w->server);
        s3_world_reply(w, "PUT", "/bkt/pre/to?partNumber=2&", 0,
                       (script_reply){.status = cases[i].status, .body = cases[i].body});
        serve(w, 11 * MIB);
        ASSERT_CODE(copy(w, CAIRN_PUT_REPLACE), cases[i].code, &w->err);
        ASSERT_MESSAGE_HAS(&w->err, cases[i].says);
        assert_int_equal(s3_world_count(w, "DELETE", "/bkt/pre/to?uploadId=u1"), i + 1);
        assert_int_equal(s3_world_count(w, "POST", "/bkt/pre/to?uploadId=u1"), 0);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, s3_world_setup, s3_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_copy_is_a_put_without_a_body),
        CASE(the_name_of_the_origin_is_encoded),
        CASE(a_copy_that_failed_is_told_also_under_status_200),
        CASE(a_missing_origin_is_not_copied),
        CASE(create_only_looks_before_each_kind_of_copy),
        CASE(a_large_copy_is_made_of_ranges_of_one_origin),
        CASE(only_the_part_that_failed_is_copied_again),
        CASE(a_large_copy_that_fails_is_aborted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
