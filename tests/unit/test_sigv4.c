/* Vectors 1 to 5 are the worked examples of the S3 API Reference, "Signature Calculations for the
 * Authorization Header" and "Authenticating Requests: Using Query Parameters". */
#include "test.h"

#include "alloc_sweep.h"
#include "bounds.h"
#include "buf.h"
#include "s3_sigv4.h"

#include <stdio.h>

#define EXAMPLE_MS ((uint64_t)1369353600000) /* 2013-05-24T00:00:00Z */
#define HASH_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HASH_HELLO "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"
#define HOST                                     \
    {                                            \
        "host", "examplebucket.s3.amazonaws.com" \
    }
#define DATE                             \
    {                                    \
        "x-amz-date", "20130524T000000Z" \
    }
#define HASHED(h)                 \
    {                             \
        "x-amz-content-sha256", h \
    }

static char secret_text[] = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
static char other_text[] = "another";
static char token_text[] = "tok/en+with=odd bytes";
static const secret example_secret = {secret_text, sizeof(secret_text) - 1};
static const secret other_secret = {other_text, sizeof(other_text) - 1};
static const secret token = {token_text, sizeof(token_text) - 1};

static sigv4_signer example_signer(void)
{
    return (sigv4_signer){.access_key_id = "AKIAIOSFODNN7EXAMPLE",
                          .secret_key = &example_secret,
                          .region = "us-east-1",
                          .service = "s3",
                          .wall_ms = EXAMPLE_MS};
}

typedef struct vector {
    const char *method;
    const char *path;
    const char *query;
    sigv4_pair headers[6];
    const char *payload_hash;
    const char *names;
    const char *signature;
} vector;

static const vector vectors[] = {
    {.method = "GET",
     .path = "/test.txt",
     .query = "",
     .headers = {HOST, {"range", "bytes=0-9"}, HASHED(HASH_EMPTY), DATE},
     .payload_hash = HASH_EMPTY,
     .names = "host;range;x-amz-content-sha256;x-amz-date",
     .signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    {.method = "PUT",
     .path = "/test%24file.text",
     .query = "",
     .headers = {{"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                 DATE,
                 {"date", "Fri, 24 May 2013 00:00:00 GMT"},
                 HOST,
                 HASHED(HASH_HELLO)},
     .payload_hash = HASH_HELLO,
     .names = "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
     .signature = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
    {.method = "GET",
     .path = "/",
     .query = "lifecycle=",
     .headers = {HOST, DATE, HASHED(HASH_EMPTY)},
     .payload_hash = HASH_EMPTY,
     .names = "host;x-amz-content-sha256;x-amz-date",
     .signature = "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    {.method = "GET",
     .path = "/",
     .query = "max-keys=2&prefix=J",
     .headers = {DATE, HASHED(HASH_EMPTY), HOST},
     .payload_hash = HASH_EMPTY,
     .names = "host;x-amz-content-sha256;x-amz-date",
     .signature = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
};

static sigv4_request request_of(const vector *v)
{
    sigv4_request request = {.method = v->method,
                             .path = v->path,
                             .query = v->query,
                             .headers = v->headers,
                             .payload_hash = v->payload_hash};

    while (v->headers[request.header_count].name != NULL) {
        request.header_count++;
    }
    return request;
}

static void assert_signed(const sigv4_signer *signer, const vector *v, const char *scope)
{
    const sigv4_request request = request_of(v);
    CAIRN_AUTO(cairn_buf) value = {0};
    cairn_error err = {0};
    char expected[512];

    (void)snprintf(expected, sizeof(expected),
                   "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/%s,SignedHeaders=%s,"
                   "Signature=%s",
                   scope, v->names, v->signature);
    ASSERT_OK(sigv4_authorization(signer, &request, &value, &err), &err);
    assert_string_equal(buf_text(&value), expected);
}

static void the_documented_requests_get_the_documented_signatures(void **state)
{
    (void)state;
    const sigv4_signer signer = example_signer();

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(vectors); i++) {
        assert_signed(&signer, &vectors[i], "20130524/us-east-1/s3/aws4_request");
    }
}

static void the_documented_url_gets_the_documented_signature(void **state)
{
    (void)state;
    static const sigv4_pair headers[] = {HOST};
    static const char expected[] =
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-"
        "east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-"
        "SignedHeaders=host&X-Amz-Signature="
        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    const sigv4_request request = {
        .method = "GET", .path = "/test.txt", .query = "", .headers = headers, .header_count = 1};
    const sigv4_signer signer = example_signer();
    CAIRN_AUTO(cairn_buf) query = {0};
    cairn_error err = {0};

    ASSERT_OK(sigv4_presign(&signer, &request, NULL, 86400, &query, &err), &err);

    assert_string_equal(buf_text(&query), expected);
}

static void the_derived_key_is_the_documented_one_and_is_kept(void **state)
{
    (void)state;
    sigv4_key cache = {0};
    sigv4_signer signer = example_signer();
    char hex[SHA256_HEX_SIZE];

    signer.key_cache = &cache;
    for (int round = 0; round < 2; round++) {
        assert_signed(&signer, &vectors[0], "20130524/us-east-1/s3/aws4_request");
        assert_true(cache.set);
        sha256_to_hex(&cache.derived, hex);
        assert_string_equal(hex,
                            "dbb893acc010964918f1fd433add87c70e8b0db6be30c1fbeafefa5ec6ba8378");
    }
    assert_string_equal(cache.day, "20130524");
    assert_string_equal(cache.region, "us-east-1");
}

static void append_signature_of(const sigv4_signer *signer, cairn_buf *out)
{
    const sigv4_request request = request_of(&vectors[0]);

    ASSERT_OK(sigv4_authorization(signer, &request, out, NULL), NULL);
}

static void a_cached_key_serves_nobody_else(void **state)
{
    (void)state;
    sigv4_signer changed[] = {example_signer(), example_signer(), example_signer(),
                              example_signer()};

    changed[0].secret_key = &other_secret;
    changed[1].region = "eu-west-1";
    changed[2].service = "sts";
    changed[3].wall_ms += (uint64_t)24 * 3600 * 1000;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(changed); i++) {
        CAIRN_AUTO(cairn_buf) with_cache = {0};
        CAIRN_AUTO(cairn_buf) without = {0};
        sigv4_key cache = {0};
        sigv4_signer first = example_signer();

        first.key_cache = &cache;
        assert_signed(&first, &vectors[0], "20130524/us-east-1/s3/aws4_request");
        append_signature_of(&changed[i], &without);
        changed[i].key_cache = &cache;
        append_signature_of(&changed[i], &with_cache);
        assert_string_equal(buf_text(&with_cache), buf_text(&without));
        assert_signed(&first, &vectors[0], "20130524/us-east-1/s3/aws4_request");
    }
}

static void a_cached_key_is_used(void **state)
{
    (void)state;
    sigv4_key cache = {0};
    sigv4_signer signer = example_signer();
    CAIRN_AUTO(cairn_buf) changed = {0};

    signer.key_cache = &cache;
    assert_signed(&signer, &vectors[0], "20130524/us-east-1/s3/aws4_request");
    cache.derived.bytes[0] ^= 1;
    append_signature_of(&signer, &changed);

    assert_null(strstr(buf_text(&changed), vectors[0].signature));
}

static void a_canonical_request_is_what_the_documentation_says(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        sigv4_pair headers[4];
        const char *lines;
    } rows[] = {
        {"sorted by name, not by name and colon",
         {{"x-amz-meta-ab", "2"}, {"x-amz-meta-a", "1"}, {"x-amz-meta-a-b", "3"}},
         "x-amz-meta-a:1\nx-amz-meta-a-b:3\nx-amz-meta-ab:2\n\n"
         "x-amz-meta-a;x-amz-meta-a-b;x-amz-meta-ab"},
        {"blanks at the ends go, runs of them become one",
         {{"host", "\t h \t"}, {"x-amz-meta-a", "  a  b\tc \t d  "}},
         "host:h\nx-amz-meta-a:a b c d\n\nhost;x-amz-meta-a"},
        {"an empty value stands",
         {{"x-amz-meta-a", ""}, {"x-amz-meta-b", "  "}},
         "x-amz-meta-a:\nx-amz-meta-b:\n\nx-amz-meta-a;x-amz-meta-b"},
        {"bytes above ASCII stand",
         {{"x-amz-meta-a", "\xc3\xa9"}},
         "x-amz-meta-a:\xc3\xa9\n\n"
         "x-amz-meta-a"},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        CAIRN_AUTO(cairn_buf) text = {0};
        vector v = {.method = "PUT", .path = "/a", .query = "x=1", .payload_hash = "hash"};
        char expected[512];

        memcpy(v.headers, rows[i].headers, sizeof(rows[i].headers));
        const sigv4_request request = request_of(&v);
        (void)snprintf(expected, sizeof(expected), "PUT\n/a\nx=1\n%s\nhash", rows[i].lines);
        ASSERT_OK(sigv4_canonical(&request, &text, NULL), NULL);
        assert_string_equal(buf_text(&text), expected);
    }
}

static void headers_that_no_server_could_check_are_refused(void **state)
{
    (void)state;
    static const sigv4_pair bad[][2] = {
        {{"x-amz-a", "1"}, {"x-amz-a", "2"}},
        {{"X-Amz-A", "1"}},
        {{"", "1"}},
        {{"x amz", "1"}},
        {{"x:", "1"}},
        {{"x-amz-a", "1\r\nhost: other"}},
        {{"x-amz-a", "1\n"}},
        {{"x-amz-a", "\x7f"}},
    };
    const sigv4_signer signer = example_signer();

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(bad); i++) {
        CAIRN_AUTO(cairn_buf) value = {0};
        vector v = {.method = "PUT", .path = "/a", .query = "", .payload_hash = HASH_EMPTY};
        cairn_error err = {0};

        memcpy(v.headers, bad[i], sizeof(bad[i]));
        const sigv4_request request = request_of(&v);
        ASSERT_CODE(sigv4_authorization(&signer, &request, &value, &err), CAIRN_E_INVALID, &err);
        ASSERT_CODE(sigv4_canonical(&request, &value, &err), CAIRN_E_INVALID, &err);
        ASSERT_CODE(sigv4_presign(&signer, &request, NULL, 1, &value, &err), CAIRN_E_INVALID, &err);
        ASSERT_MESSAGE_HAS(&err, "sign a request: ");
        assert_int_equal(value.len, 0);
    }
}

static void a_scope_that_would_break_its_header_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        const char *region;
    } bad[] = {
        {"AKIA", ""},          {"AKIA", "us/east"},  {"AKIA", "us east"},
        {"AKIA", "us\neast1"}, {"", "us-east-1"},    {"a,b", "us-east-1"},
        {"a b", "us-east-1"},  {"a\n", "us-east-1"}, {"AKIA", "abcdefghijklmnopqrstuvwxyzabcdefg"},
    };
    const sigv4_request request = request_of(&vectors[0]);

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(bad); i++) {
        CAIRN_AUTO(cairn_buf) value = {0};
        sigv4_signer signer = example_signer();
        cairn_error err = {0};

        signer.access_key_id = bad[i].id;
        signer.region = bad[i].region;
        ASSERT_CODE(sigv4_authorization(&signer, &request, &value, &err), CAIRN_E_INVALID, &err);
        ASSERT_CODE(sigv4_presign(&signer, &request, NULL, 1, &value, &err), CAIRN_E_INVALID, &err);
        ASSERT_MESSAGE_HAS(&err, "sign a request: the ");
        assert_int_equal(value.len, 0);
    }
}

static void there_may_be_as_many_headers_as_the_bound_says(void **state)
{
    (void)state;
    static char names[CAIRN_SIGV4_HEADERS_MAX + 1][8];
    sigv4_pair headers[CAIRN_SIGV4_HEADERS_MAX + 1];
    sigv4_request request = {.method = "GET",
                             .path = "/",
                             .query = "",
                             .headers = headers,
                             .header_count = CAIRN_SIGV4_HEADERS_MAX,
                             .payload_hash = HASH_EMPTY};
    CAIRN_AUTO(cairn_buf) text = {0};
    cairn_error err = {0};

    for (unsigned i = 0; i <= CAIRN_SIGV4_HEADERS_MAX; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "x-%u", 99 - i);
        headers[i] = (sigv4_pair){names[i], "v"};
    }
    ASSERT_OK(sigv4_canonical(&request, &text, &err), &err);
    request.header_count++;
    ASSERT_CODE(sigv4_canonical(&request, &text, &err), CAIRN_E_INVALID, &err);
    ASSERT_MESSAGE_HAS(&err, "33 headers");
}

static void queries_are_encoded_and_sorted(void **state)
{
    (void)state;
    static const struct {
        sigv4_pair pairs[4];
        const char *query;
    } rows[] = {
        {{{0}}, ""},
        {{{"uploads", NULL}}, "uploads="},
        {{{"delete", ""}}, "delete="},
        {{{"uploadId", "x"}, {"partNumber", "1"}}, "partNumber=1&uploadId=x"},
        {{{"prefix", "a/b c+~=&%"}, {"list-type", "2"}},
         "list-type=2&prefix=a%2Fb%20c%2B~%3D%26%25"},
        /* by name, then by value: "a" stands before "a-b" though '-' stands before '=' */
        {{{"a-b", "1"}, {"a", "2"}, {"a", "1"}, {"A", "9"}}, "A=9&a=1&a=2&a-b=1"},
        /* by the encoded name: "%C3" stands before "a" */
        {{{"a", "1"}, {"\xc3\xa9/", "\xff"}}, "%C3%A9%2F=%FF&a=1"},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        CAIRN_AUTO(cairn_buf) query = {0};
        size_t count = 0;

        while (count < CAIRN_ARRAY_LEN(rows[i].pairs) && rows[i].pairs[count].name != NULL) {
            count++;
        }
        ASSERT_OK(sigv4_query(rows[i].pairs, count, &query, NULL), NULL);
        assert_string_equal(buf_text(&query), rows[i].query);
    }
}

static void a_query_of_too_many_members_is_refused(void **state)
{
    (void)state;
    sigv4_pair pairs[CAIRN_SIGV4_QUERY_MAX + 1];
    CAIRN_AUTO(cairn_buf) query = {0};
    cairn_error err = {0};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(pairs); i++) {
        pairs[i] = (sigv4_pair){"a", "b"};
    }
    ASSERT_OK(sigv4_query(pairs, CAIRN_SIGV4_QUERY_MAX, &query, &err), &err);
    assert_int_equal(query.len, CAIRN_SIGV4_QUERY_MAX * 4 - 1);
    ASSERT_CODE(sigv4_query(pairs, CAIRN_ARRAY_LEN(pairs), &query, &err), CAIRN_E_INVALID, &err);
    assert_int_equal(query.len, CAIRN_SIGV4_QUERY_MAX * 4 - 1);
}

static void paths_are_encoded_once_and_never_normalised(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const char *encoded;
    } rows[] = {
        {"/", "/"},
        {"/b/k.1-2_3~4", "/b/k.1-2_3~4"},
        {"/a b+c=d&e", "/a%20b%2Bc%3Dd%26e"},
        {"/a//b/../c/./", "/a//b/../c/./"},
        {"/%24", "/%2524"},
        {"/\xc3\xa9\x01\xff", "/%C3%A9%01%FF"},
        {"/!*'();:@$,?#[]", "/%21%2A%27%28%29%3B%3A%40%24%2C%3F%23%5B%5D"},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        CAIRN_AUTO(cairn_buf) path = {0};

        ASSERT_OK(sigv4_encode_path(rows[i].path, &path, NULL), NULL);
        assert_string_equal(buf_text(&path), rows[i].encoded);
    }
}

static void a_url_with_token_and_query_is_sorted_and_signed(void **state)
{
    (void)state;
    static const sigv4_pair headers[] = {{"x-amz-acl", "private"}, HOST};
    /* signature: botocore 1.44.5, S3SigV4QueryAuth */
    static const char expected[] =
        "A=1&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F"
        "us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=604800&X-Amz-"
        "Security-Token=tok%2Fen%2Bwith%3Dodd%20bytes&X-Amz-SignedHeaders=host%3Bx-amz-acl&"
        "partNumber=3&uploadId=a%2Bb&X-Amz-Signature="
        "4646d51f4e5607268da9f44107bfd86aaad709b948ddd06da6be9f562c292418";
    const sigv4_request request = {.method = "PUT",
                                   .path = "/a/b%20c",
                                   .query = "A=1&partNumber=3&uploadId=a%2Bb",
                                   .headers = headers,
                                   .header_count = 2};
    const sigv4_signer signer = example_signer();
    CAIRN_AUTO(cairn_buf) query = {0};
    cairn_error err = {0};

    ASSERT_OK(sigv4_presign(&signer, &request, &token, 604800, &query, &err), &err);

    assert_string_equal(buf_text(&query), expected);
}

static void a_url_lives_for_a_second_to_a_week(void **state)
{
    (void)state;
    static const uint64_t bad[] = {0, 604801, UINT64_MAX};
    const sigv4_request request = request_of(&vectors[0]);
    const sigv4_signer signer = example_signer();
    CAIRN_AUTO(cairn_buf) query = {0};
    cairn_error err = {0};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(bad); i++) {
        ASSERT_CODE(sigv4_presign(&signer, &request, NULL, bad[i], &query, &err), CAIRN_E_INVALID,
                    &err);
    }
    assert_int_equal(query.len, 0);
    ASSERT_OK(sigv4_presign(&signer, &request, NULL, 1, &query, &err), &err);
}

static void an_unsigned_payload_is_said_in_the_request(void **state)
{
    (void)state;
    vector v = vectors[0];
    CAIRN_AUTO(cairn_buf) text = {0};
    CAIRN_AUTO(cairn_buf) value = {0};
    const sigv4_signer signer = example_signer();

    v.payload_hash = SIGV4_UNSIGNED_PAYLOAD;
    const sigv4_request request = request_of(&v);
    ASSERT_OK(sigv4_canonical(&request, &text, NULL), NULL);
    ASSERT_OK(sigv4_authorization(&signer, &request, &value, NULL), NULL);

    assert_non_null(strstr(buf_text(&text), "\nUNSIGNED-PAYLOAD"));
    assert_null(strstr(buf_text(&value), v.signature));
}

static void times_are_in_the_basic_form(void **state)
{
    (void)state;
    static const struct {
        uint64_t ms;
        const char *text;
    } rows[] = {
        {0, "19700101T000000Z"},
        {EXAMPLE_MS + 999, "20130524T000000Z"},
        {(uint64_t)951827696789, "20000229T123456Z"},
        {UINT64_MAX, "99991231T235959Z"},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        char text[SIGV4_TIME_SIZE];

        sigv4_format_time(rows[i].ms, text);
        assert_string_equal(text, rows[i].text);
    }
}

static cairn_code sign_both_ways(void *context, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) out = {0};
    const sigv4_request request = request_of(&vectors[1]);
    sigv4_key cache = {0};
    sigv4_signer signer = example_signer();

    (void)context;
    signer.key_cache = &cache;
    CAIRN_TRY(sigv4_encode_path("/a", &out, err));
    CAIRN_TRY(sigv4_authorization(&signer, &request, &out, err));
    return sigv4_presign(&signer, &request, &token, 60, &out, err);
}

static void each_failed_allocation_is_reported(void **state)
{
    (void)state;
    alloc_sweep(sign_both_ways, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documented_requests_get_the_documented_signatures),
        cmocka_unit_test(the_documented_url_gets_the_documented_signature),
        cmocka_unit_test(the_derived_key_is_the_documented_one_and_is_kept),
        cmocka_unit_test(a_cached_key_serves_nobody_else),
        cmocka_unit_test(a_cached_key_is_used),
        cmocka_unit_test(a_canonical_request_is_what_the_documentation_says),
        cmocka_unit_test(headers_that_no_server_could_check_are_refused),
        cmocka_unit_test(a_scope_that_would_break_its_header_is_refused),
        cmocka_unit_test(there_may_be_as_many_headers_as_the_bound_says),
        cmocka_unit_test(queries_are_encoded_and_sorted),
        cmocka_unit_test(a_query_of_too_many_members_is_refused),
        cmocka_unit_test(paths_are_encoded_once_and_never_normalised),
        cmocka_unit_test(a_url_with_token_and_query_is_sorted_and_signed),
        cmocka_unit_test(a_url_lives_for_a_second_to_a_week),
        cmocka_unit_test(an_unsigned_payload_is_said_in_the_request),
        cmocka_unit_test(times_are_in_the_basic_form),
        cmocka_unit_test(each_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
