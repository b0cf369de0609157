/* Where a redirect may lead, and what a URL is. */
#include "test.h"

#include "bounds.h"
#include "check.h"
#include "webhdfs_location.h"

#include <stdlib.h>

#define PATH "/webhdfs/v1/d/a%20b+c"

typedef struct location_case {
    const char *origin;
    const char *hosts;
    const char *location;
    bool allowed;
} location_case;

#define NN  "http://nn1.hdfs.example.com:9870"
#define NNS "https://nn1.hdfs.example.com:9871"
#define DN  "dn7.hdfs.example.com:9864"

static const location_case cases[] = {
    {NN, NULL, "http://" DN PATH "?op=OPEN&user.name=a", true},
    {NN, NULL, "https://dn7.hdfs.example.com:9865" PATH "?op=OPEN", true},
    {NN, NULL, "HTTP://DN7.HDFS.EXAMPLE.COM:9864" PATH "?op=OPEN", true},
    {NN, NULL, "http://" DN "/webhdfs/v1/d/a%20b%2Bc?op=OPEN", true},
    {NN, NULL, "http://" DN "/webhdfs/v1/%64/a%20b%2bc", true},
    {NN, NULL, "http://nn1.hdfs.example.com:9870/gateway/x?data=true", true},
    {NN, "*", "http://10.0.0.7:9864" PATH, true},
    {NN, "*", "http://[fd00::7]:9864" PATH, true},
    {NN, "10.0.0.7, 10.0.0.8", "http://10.0.0.8:9864" PATH, true},
    {NN, ".other.net", "http://dn.other.net:9864" PATH, true},
    {NN, "dn.other.net", "http://DN.other.net:9864" PATH, true},
    {"http://10.0.0.1:9870", NULL, "http://10.0.0.1:9864" PATH, true},
    /* hosts */
    {NN, NULL, "http://evil.com:9864" PATH, false},
    {NN, NULL, "http://evil-hdfs.example.com.evil.com:9864" PATH, false},
    {NN, NULL, "http://xhdfs.example.com:9864" PATH, false},
    {NN, NULL, "http://10.0.0.7:9864" PATH, false},
    {NN, ".other.net", "http://other.net:9864" PATH, false},
    {NN, ".0.0.7", "http://10.0.0.7:9864" PATH, false},
    {NN, "10.0.0.70", "http://10.0.0.7:9864" PATH, false},
    {NN, "", "http://10.0.0.7:9864" PATH, false},
    {"http://nn.com:9870", NULL, "http://evil.com:9864" PATH, false},
    {"http://10.0.0.1:9870", NULL, "http://11.0.0.1:9864" PATH, false},
    /* schemes */
    {NNS, "*", "http://" DN PATH, false},
    {NNS, NULL, "http://nn1.hdfs.example.com:9871" PATH, false},
    {NN, "*", "file:///etc/passwd", false},
    {NN, "*", "gopher://" DN PATH, false},
    {NN, "*", "//" DN PATH, false},
    {NN, "*", PATH, false},
    {NN, "*", "", false},
    /* user info, ports, odd bytes */
    {NN, "*", "http://user:pass@" DN PATH, false},
    {NN, "*", "http://" DN "@evil.com" PATH, false},
    {NN, "*", "http://dn:0" PATH, false},
    {NN, "*", "http://dn:65536" PATH, false},
    {NN, "*", "http://dn:98x" PATH, false},
    {NN, "*", "http://dn:" PATH, false},
    {NN, "*", "http://:9864" PATH, false},
    {NN, "*", "http://[fd00::7:9864" PATH, false},
    {NN, "*", "http://[fd00::7]x:9864" PATH, false},
    {NN, "*", "http://d_n/../:9864" PATH, false},
    {NN, "*", "http://" DN PATH "\r\nX: y", false},
    {NN, "*", "http://" DN PATH "?a b", false},
    {NN, "*", "http://" DN PATH "#f", false},
    {NN, "*", "http://" DN "\\" PATH, false},
    /* paths */
    {NN, "*", "http://" DN "/webhdfs/v1/d/other", false},
    {NN, "*", "http://" DN "/webhdfs/v1/d/a%20b%20c", false},
    {NN, "*", "http://" DN PATH "/more", false},
    {NN, "*", "http://" DN "/webhdfs/v1/d/a%20b+%", false},
    {NN, "*", "http://" DN "/webhdfs/v1/d/a%20b+c%00", false},
    {NN, "*", "http://" DN "/jmx", false},
    {NN, "*", "http://" DN "?op=OPEN", false},
};

static cairn_code check(const location_case *c, const char *location, cairn_error *err)
{
    webhdfs_url origin;
    webhdfs_url found = {.https = false};

    ASSERT_OK(webhdfs_url_parse(cairn_slice_of(c->origin), &origin, err), err);
    const webhdfs_location_rule rule = {&origin, "/webhdfs/v1", "/d/a b+c", c->hosts};
    return webhdfs_location_check(&rule, cairn_slice_of(location), &found, err);
}

static void each_location_is_allowed_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        cairn_error err = {0};
        const cairn_code code = check(&cases[i], cases[i].location, &err);
        if ((code == CAIRN_OK) != cases[i].allowed) {
            print_error("from %s to %s\n", cases[i].origin, cases[i].location);
        }
        ASSERT_CODE(code, cases[i].allowed ? CAIRN_OK : CAIRN_E_ACCESS, &err);
    }
}

static void a_refusal_tells_the_host_and_no_more(void **state)
{
    static const location_case c = {NN, NULL, NULL, false};
    cairn_error err = {0};
    (void)state;

    ASSERT_CODE(check(&c, "http://evil.com:9864" PATH "?delegation=SECRET", &err), CAIRN_E_ACCESS,
                &err);

    ASSERT_MESSAGE_HAS(&err, "evil.com");
    assert_null(strstr(err.message, "SECRET"));
    assert_null(strstr(err.message, "webhdfs/v1"));
}

static void a_location_of_64_kib_is_refused(void **state)
{
    static const location_case c = {NN, "*", NULL, false};
    static const char begin[] = "http://" DN PATH "?";
    char *location = calloc(1, 65536 + 1);
    cairn_error err = {0};
    (void)state;
    assert_non_null(location);
    memset(location, 'x', 65536);
    memcpy(location, begin, sizeof(begin) - 1);

    const cairn_code code = check(&c, location, &err);

    free(location);
    ASSERT_CODE(code, CAIRN_E_ACCESS, &err);
}

static void the_parts_of_a_url_are_found(void **state)
{
    webhdfs_url url = {.https = false};
    cairn_error err = {0};
    (void)state;

    ASSERT_OK(webhdfs_url_parse(cairn_slice_of("https://[FD00::7]:9865/a/b?c=/d?"), &url, &err),
              &err);
    assert_true(url.https);
    assert_string_equal(url.host, "fd00::7");
    assert_int_equal(url.port, 9865);
    assert_true(cairn_slice_equal(url.path, cairn_slice_of("/a/b")));
    assert_true(cairn_slice_equal(url.rest, cairn_slice_of("/a/b?c=/d?")));
    ASSERT_OK(webhdfs_url_parse(cairn_slice_of("http://host"), &url, &err), &err);
    assert_int_equal(url.port, 80);
    assert_int_equal(url.rest.len, 0);
}

static void all_but_unreserved_bytes_are_encoded(void **state)
{
    CAIRN_AUTO(cairn_buf) path = {0};
    CAIRN_AUTO(cairn_buf) value = {0};
    CAIRN_AUTO(cairn_buf) back = {0};
    const char *text = "/Az09-._~/ +%;?#=&,:\xc3\xbc";
    (void)state;

    ASSERT_OK(webhdfs_encode_path(text, &path, NULL), NULL);
    ASSERT_OK(webhdfs_encode_value(text, &value, NULL), NULL);
    ASSERT_OK(webhdfs_decode_path(cairn_buf_slice(&path), &back, NULL), NULL);

    assert_string_equal(buf_text(&path), "/Az09-._~/%20%2B%25%3B%3F%23%3D%26%2C%3A%C3%BC");
    assert_string_equal(buf_text(&value), "%2FAz09-._~%2F%20%2B%25%3B%3F%23%3D%26%2C%3A%C3%BC");
    assert_string_equal(buf_text(&back), text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_location_is_allowed_or_refused),
        cmocka_unit_test(a_refusal_tells_the_host_and_no_more),
        cmocka_unit_test(a_location_of_64_kib_is_refused),
        cmocka_unit_test(the_parts_of_a_url_are_found),
        cmocka_unit_test(all_but_unreserved_bytes_are_encoded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
