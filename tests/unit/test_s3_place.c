/* Which host a bucket is asked at, and which other hosts may ever be asked. */
#include "test.h"

#include "check.h"
#include "s3_place.h"

typedef struct place_case {
    s3_place_query query;
    const char *host;
    bool https;
    bool virtual_host;
} place_case;

static void endpoint_region_and_style_give_the_host(void **state)
{
    static const place_case cases[] = {
        {{"bkt", NULL, "us-east-1", CAIRN_S3_ADDRESSING_AUTO, false},
         "bkt.s3.us-east-1.amazonaws.com",
         true,
         true},
        {{"bkt", NULL, "cn-north-1", CAIRN_S3_ADDRESSING_AUTO, false},
         "bkt.s3.cn-north-1.amazonaws.com.cn",
         true,
         true},
        {{"b.k.t", NULL, "us-east-1", CAIRN_S3_ADDRESSING_AUTO, false},
         "s3.us-east-1.amazonaws.com",
         true,
         false},
        {{"bkt", NULL, "us-east-1", CAIRN_S3_ADDRESSING_PATH, false},
         "s3.us-east-1.amazonaws.com",
         true,
         false},
        {{"bkt", "https://vpce-1.s3.us-east-1.vpce.amazonaws.com", "us-east-1",
          CAIRN_S3_ADDRESSING_AUTO, false},
         "bkt.vpce-1.s3.us-east-1.vpce.amazonaws.com",
         true,
         true},
        {{"bkt", "https://Minio.Example:9000/", "x", CAIRN_S3_ADDRESSING_AUTO, false},
         "minio.example:9000",
         true,
         false},
        {{"bkt", "https://minio.example:443", "x", CAIRN_S3_ADDRESSING_AUTO, false},
         "minio.example",
         true,
         false},
        {{"bkt", "http://127.0.0.1:80", "x", CAIRN_S3_ADDRESSING_AUTO, false},
         "127.0.0.1",
         false,
         false},
        {{"bkt", "http://localhost:443", "x", CAIRN_S3_ADDRESSING_AUTO, false},
         "localhost:443",
         false,
         false},
        {{"bkt", "http://[::1]:9000", "x", CAIRN_S3_ADDRESSING_AUTO, false},
         "[::1]:9000",
         false,
         false},
        {{"bkt", "http://minio:9000", "x", CAIRN_S3_ADDRESSING_VIRTUAL, true},
         "bkt.minio:9000",
         false,
         true},
    };

    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        s3_place place = {.https = false};
        cairn_error err = {0};
        ASSERT_OK(s3_place_resolve(&cases[i].query, &place, &err), &err);
        assert_string_equal(place.host, cases[i].host);
        assert_int_equal(place.https, cases[i].https);
        assert_int_equal(place.virtual_host, cases[i].virtual_host);
    }
}

static void what_is_no_endpoint_is_refused(void **state)
{
    static const struct {
        const char *endpoint;
        const char *region;
        cairn_s3_addressing addressing;
        cairn_code code;
    } cases[] = {
        {"minio:9000", "x", CAIRN_S3_ADDRESSING_AUTO, CAIRN_E_INVALID},
        {"ftp://minio", "x", CAIRN_S3_ADDRESSING_AUTO, CAIRN_E_INVALID},
        {"https://", "x", CAIRN_S3_ADDRESSING_AUTO, CAIRN_E_INVALID},
        {"https://minio/path", "x", CAIRN_S3_ADDRESSING_AUTO, CAIRN_E_INVALID},
        {"https://minio?x=y", "x", CAIRN_S3_ADDRESSING_AUTO, CAIRN_E_INVALID},
        {"https://user:pass@minio", "x", CAIRN_S3_ADDRESSING_AUTO, CAIRN_E_INVALID},
        {"https://mi nio", "x", CAIRN_S3_ADDRESSING_AUTO, CAIRN_E_INVALID},
        {"https://minio:0", "x", CAIRN_S3_ADDRESSING_AUTO, CAIRN_E_INVALID},
        {"https://minio:65536", "x", CAIRN_S3_ADDRESSING_AUTO, CAIRN_E_INVALID},
        {"https://minio:", "x", CAIRN_S3_ADDRESSING_AUTO, CAIRN_E_INVALID},
        {"https://[::1", "x", CAIRN_S3_ADDRESSING_AUTO, CAIRN_E_INVALID},
        {"https://minio", "", CAIRN_S3_ADDRESSING_AUTO, CAIRN_E_INVALID},
        {"https://minio", "us/east", CAIRN_S3_ADDRESSING_AUTO, CAIRN_E_INVALID},
        {"https://127.0.0.1:9000", "x", CAIRN_S3_ADDRESSING_VIRTUAL, CAIRN_E_INVALID},
        {"http://minio:9000", "x", CAIRN_S3_ADDRESSING_AUTO, CAIRN_E_ACCESS},
        {"http://localhost.example", "x", CAIRN_S3_ADDRESSING_AUTO, CAIRN_E_ACCESS},
        {"http://127.0.0.1.example", "x", CAIRN_S3_ADDRESSING_AUTO, CAIRN_E_ACCESS},
        {"http://0.0.0.0", "x", CAIRN_S3_ADDRESSING_AUTO, CAIRN_E_ACCESS},
    };

    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        const s3_place_query query = {"bkt", cases[i].endpoint, cases[i].region,
                                      cases[i].addressing, false};
        s3_place place = {.https = false};
        cairn_error err = {0};
        ASSERT_CODE(s3_place_resolve(&query, &place, &err), cases[i].code, &err);
        assert_null(strstr(err.message, "pass@"));
        assert_string_equal(place.host, "");
    }
}

static void only_hosts_that_are_surely_this_machine_are_loopback(void **state)
{
    static const struct {
        const char *endpoint;
        bool virtual_host;
        bool expected;
    } cases[] = {
        {"http://127.0.0.1:9000", false, true},
        {"https://127.9.9.9", false, true},
        {"http://[::1]:9000", false, true},
        {"http://localhost:9000", false, true},
        {"http://localhost:9000", true, false},
        {"http://127.0.0.1.example", false, false},
        {"http://localhost.example", true, false},
        {"http://10.0.0.1", false, false},
        {"http://0.0.0.0", false, false},
        {NULL, false, false},
        {"http://127.0.0.1.5", false, false},
        {"http://127.999.1.1", false, false},
        {"http://127.0.0.1.", false, false},
        {"http://127.0.0.01:9000", false, false},
        {"http://127.1", false, false},
        {"http://[::1]]", false, false},
    };

    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        const s3_place_query query = {
            "bkt", cases[i].endpoint, "us-east-1",
            cases[i].virtual_host ? CAIRN_S3_ADDRESSING_VIRTUAL : CAIRN_S3_ADDRESSING_PATH, true};
        s3_place place = {.https = false};
        cairn_error err = {0};
        ASSERT_OK(s3_place_resolve(&query, &place, &err), &err);
        assert_int_equal(place.loopback, cases[i].expected);
    }
}

static s3_place resolve(const char *endpoint, const char *region)
{
    const s3_place_query query = {"bkt", endpoint, region, CAIRN_S3_ADDRESSING_AUTO, false};
    s3_place place = {.https = false};
    cairn_error err = {0};

    ASSERT_OK(s3_place_resolve(&query, &place, &err), &err);
    return place;
}

static void another_region_is_another_host_only_at_aws_itself(void **state)
{
    s3_place aws = resolve(NULL, "us-east-1");
    s3_place own = resolve("https://minio:9000", "us-east-1");

    (void)state;
    assert_true(s3_place_move(&aws, "bkt", "eu-west-1"));
    assert_string_equal(aws.host, "bkt.s3.eu-west-1.amazonaws.com");
    assert_true(s3_place_move(&own, "bkt", "eu-west-1"));
    assert_string_equal(own.host, "minio:9000");
    assert_string_equal(own.region, "eu-west-1");
    assert_false(s3_place_move(&own, "bkt", "eu-west-1"));
    assert_false(s3_place_move(&aws, "bkt", "evil.example/"));
    assert_false(s3_place_move(&aws, "bkt", "012345678901234567890123456789012"));
}

static void only_another_host_of_aws_for_the_bucket_is_a_hop(void **state)
{
    static const struct {
        const char *location;
        const char *host; /* NULL: refused */
    } cases[] = {
        {"https://bkt.s3.eu-west-1.amazonaws.com/pre/k", "bkt.s3.eu-west-1.amazonaws.com"},
        {"https://bkt.s3-eu-west-1.amazonaws.com/k?x=y", "bkt.s3-eu-west-1.amazonaws.com"},
        {"https://BKT.s3.eu-west-1.amazonaws.com", "bkt.s3.eu-west-1.amazonaws.com"},
        {"http://bkt.s3.eu-west-1.amazonaws.com/k", NULL},
        {"https://other.s3.eu-west-1.amazonaws.com/k", NULL},
        {"https://bkt.ec2.eu-west-1.amazonaws.com/k", NULL},
        {"https://s3.eu-west-1.amazonaws.com/bkt/k", NULL},
        {"https://bkt.s3.evil.example/k", NULL},
        {"https://bkt.s3.amazonaws.com.evil.example/k", NULL},
        {"https://bkt.s3.evilamazonaws.com/k", NULL},
        {"https://user@bkt.s3.eu-west-1.amazonaws.com/k", NULL},
        {"https://bkt.s3.us-east-1.amazonaws.com/k", NULL}, /* where it came from */
        {"/k", NULL},
        {"", NULL},
    };
    const s3_place place = resolve(NULL, "us-east-1");

    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        char host[S3_HOST_SIZE] = "";
        const bool may = s3_place_hop(&place, "bkt", cairn_slice_of(cases[i].location), host);
        assert_int_equal(may, cases[i].host != NULL);
        assert_string_equal(host, may ? cases[i].host : "");
    }
}

static void no_other_server_may_send_us_anywhere(void **state)
{
    const s3_place place = resolve("https://minio:9000", "us-east-1");
    char host[S3_HOST_SIZE] = "";

    (void)state;
    assert_false(s3_place_hop(&place, "bkt", cairn_slice_of("https://minio:9001/bkt/k"), host));
    assert_false(s3_place_hop(&place, "bkt",
                              cairn_slice_of("https://bkt.s3.eu-west-1.amazonaws.com/k"), host));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoint_region_and_style_give_the_host),
        cmocka_unit_test(what_is_no_endpoint_is_refused),
        cmocka_unit_test(only_hosts_that_are_surely_this_machine_are_loopback),
        cmocka_unit_test(another_region_is_another_host_only_at_aws_itself),
        cmocka_unit_test(only_another_host_of_aws_for_the_bucket_is_a_hop),
        cmocka_unit_test(no_other_server_may_send_us_anywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
