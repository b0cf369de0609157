#include "test.h"

#include "errors.h"
#include "http_world.h"
#include "tmpdir.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LARGE ((size_t)3 << 20)

typedef struct method_case {
    const char *title;
    http_method method;
    const char *body;
    const char *sent_method;
    const char *sent_length; /* NULL: no Content-Length */
} method_case;

static void each_method_sends_its_body_with_its_length_and_nothing_of_libcurls_own(void **state)
{
    static const method_case cases[] = {
        {"get", CAIRN_HTTP_GET, "", "GET", NULL},
        {"head", CAIRN_HTTP_HEAD, "", "HEAD", NULL},
        {"put", CAIRN_HTTP_PUT, "some bytes", "PUT", "10"},
        {"put of nothing", CAIRN_HTTP_PUT, "", "PUT", "0"},
        {"post", CAIRN_HTTP_POST, "a=b", "POST", "3"},
        {"post of nothing", CAIRN_HTTP_POST, "", "POST", "0"},
        {"delete", CAIRN_HTTP_DELETE, "", "DELETE", NULL},
    };
    http_world *world = *state;
    script_server_expect(world->server, &(script_rule){.reply = {.body = "reply"}});

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        const method_case *c = &cases[i];
        const http_exchange exchange = {.method = c->method,
                                        .source = {.data = c->body, .length = strlen(c->body)}};
        print_message("%s\n", c->title);
        ASSERT_OK(http_world_send(world, &exchange, "/a?b=c"), &world->err);

        const script_request *request = script_server_request(world->server, i);
        assert_string_equal(request->method, c->sent_method);
        assert_string_equal(request->target, "/a?b=c");
        assert_string_equal(request->body, c->body);
        assert_int_equal(world->exchange.reply.status, 200);
        assert_int_equal(world->exchange.reply.sent, strlen(c->body));
        assert_false(world->exchange.reply.maybe_effective);
        http_world_assert_sent(world, i, "content-length", c->sent_length);
        http_world_assert_sent(world, i, "expect", NULL);
        http_world_assert_sent(world, i, "content-type", NULL);
        http_world_assert_sent(world, i, "accept", NULL);
        http_world_assert_sent(world, i, "accept-encoding", NULL);
        http_world_assert_sent(world, i, "transfer-encoding", NULL);
        char agent[64] = "";
        (void)snprintf(agent, sizeof(agent), "cairn/%s", cairn_version());
        http_world_assert_sent(world, i, "user-agent", agent);
        http_world_assert_body(world, c->method == CAIRN_HTTP_HEAD ? "" : "reply");
    }
    assert_int_equal(http_client_requests(world->client), CAIRN_ARRAY_LEN(cases));
    assert_int_equal(script_server_connections(world->server), 1);
}

static void headers_of_the_caller_are_sent_as_they_are(void **state)
{
    http_world *world = *state;
    const char *const headers[] = {"Content-Type: application/xml", "accept: text/plain",
                                   "x-amz-date: 20130524T000000Z", NULL};
    script_server_expect(world->server, &(script_rule){0});

    ASSERT_OK(http_world_send(world,
                              &(http_exchange){.method = CAIRN_HTTP_POST, .headers = headers}, "/"),
              &world->err);

    http_world_assert_sent(world, 0, "content-type", "application/xml");
    http_world_assert_sent(world, 0, "accept", "text/plain");
    http_world_assert_sent(world, 0, "x-amz-date", "20130524T000000Z");
}

static void a_path_is_sent_byte_for_byte(void **state)
{
    http_world *world = *state;
    static const char path[] = "/a/../b/./%2e%2e//c%20d?x=%2F&y&z=[1]|{}";
    script_server_expect(world->server, &(script_rule){0});

    ASSERT_OK(http_world_get(world, path), &world->err);

    assert_string_equal(script_server_request(world->server, 0)->target, path);
}

static void a_reply_tells_status_and_the_final_headers_only(void **state)
{
    http_world *world = *state;
    cairn_slice value = {0};
    script_server_expect(world->server,
                         &(script_rule){.reply = {.status = 404,
                                                  .interim = 3,
                                                  .headers = "X-Mixed-CASE:  a value \r\n"
                                                             "ETag: \"1\"\r\nETag: \"2\"\r\n",
                                                  .body = "<Error/>"}});

    ASSERT_OK(http_world_get(world, "/"), &world->err);

    const http_reply *reply = &world->exchange.reply;
    assert_int_equal(reply->status, 404);
    assert_int_equal(reply->received, strlen("<Error/>"));
    http_world_assert_body(world, "<Error/>");
    assert_true(http_header(reply, "x-mixed-case", &value));
    assert_true(cairn_slice_equal(value, cairn_slice_of("a value")));
    assert_true(http_header(reply, "etag", &value));
    assert_true(cairn_slice_equal(value, cairn_slice_of("\"1\"")));
    assert_false(http_header(reply, "x-interim", &value));
    assert_false(http_header(reply, "x-mixed", &value));
}

static void a_large_body_goes_up_from_a_file_and_down_into_one_at_their_offsets(void **state)
{
    http_world *world = *state;
    CAIRN_AUTO_FREE uint8_t *data = mem_alloc(LARGE);
    CAIRN_AUTO_FREE uint8_t *back = mem_alloc(LARGE);
    tmpdir *dir = tmpdir_new();
    char path[TMPDIR_PATH_BYTES];
    FILE *file = fopen(tmpdir_join(dir, "file", path), "w+e");
    assert_non_null(data);
    assert_non_null(back);
    http_world_pattern(data, LARGE);
    assert_int_equal(fwrite(data, 1, LARGE, file), LARGE);
    assert_int_equal(fflush(file), 0);
    http_world_server(world, &(script_server_options){.body_kept = LARGE});
    script_server_expect(world->server, &(script_rule){.method = "PUT"});
    script_server_expect(world->server,
                         &(script_rule){.reply = {.status = 206, .body = data, .body_len = LARGE}});

    const http_exchange up = {.method = CAIRN_HTTP_PUT,
                              .source = {.fd = fileno(file), .offset = 7, .length = LARGE - 7}};
    ASSERT_OK(http_world_send(world, &up, "/"), &world->err);
    assert_int_equal(world->exchange.reply.sent, LARGE - 7);
    const http_exchange down = {
        .sink = {.kind = CAIRN_HTTP_SINK_FILE, .fd = fileno(file), .offset = 100, .length = LARGE}};
    ASSERT_OK(http_world_send(world, &down, "/"), &world->err);

    const script_request *request = script_server_request(world->server, 0);
    assert_int_equal(request->body_total, LARGE - 7);
    assert_memory_equal(request->body, data + 7, LARGE - 7);
    assert_int_equal(world->exchange.reply.received, LARGE);
    assert_int_equal(pread(fileno(file), back, LARGE, 100), (ssize_t)LARGE);
    assert_memory_equal(back, data, LARGE);
    assert_int_equal(fclose(file), 0);
    tmpdir_free(dir);
}

typedef struct sink_case {
    const char *title;
    http_sink_kind kind;
    uint64_t length;
    unsigned status;
    cairn_code code;
} sink_case;

static void a_sink_takes_what_fits_and_refuses_the_byte_too_many(void **state)
{
    static const sink_case cases[] = {
        {"body, exact", CAIRN_HTTP_SINK_BODY, 10, 200, CAIRN_OK},
        {"body, one too many", CAIRN_HTTP_SINK_BODY, 9, 200, CAIRN_E_LIMIT},
        {"memory, exact", CAIRN_HTTP_SINK_MEMORY, 10, 206, CAIRN_OK},
        {"memory, short", CAIRN_HTTP_SINK_MEMORY, 11, 200, CAIRN_OK},
        {"memory, one too many", CAIRN_HTTP_SINK_MEMORY, 9, 200, CAIRN_E_INTEGRITY},
        {"memory, a refusal does not go there", CAIRN_HTTP_SINK_MEMORY, 1, 403, CAIRN_OK},
        {"memory, nor a redirect", CAIRN_HTTP_SINK_MEMORY, 1, 307, CAIRN_OK},
    };
    http_world *world = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        const sink_case *c = &cases[i];
        char memory[16] = "";
        print_message("%s\n", c->title);
        script_server_forget(world->server);
        script_server_expect(world->server,
                             &(script_rule){.reply = {.status = c->status, .body = "0123456789"}});
        const http_exchange exchange = {
            .sink = {.kind = c->kind, .data = memory, .length = c->length}};

        ASSERT_CODE(http_world_send(world, &exchange, "/"), c->code, &world->err);

        const bool into_memory = c->kind == CAIRN_HTTP_SINK_MEMORY && c->status < 300;
        assert_string_equal(memory, into_memory && c->code == CAIRN_OK ? "0123456789" : "");
        if (!into_memory && c->code == CAIRN_OK) {
            http_world_assert_body(world, "0123456789");
        }
        assert_int_equal(world->exchange.reply.received, 10);
    }
}

static void expect_waits_for_the_refusal_and_sends_no_body_then(void **state)
{
    http_world *world = *state;
    CAIRN_AUTO_FREE char *data = mem_calloc(1, LARGE);
    const http_exchange exchange = {
        .method = CAIRN_HTTP_PUT, .source = {.data = data, .length = LARGE}, .flags = HTTP_EXPECT};
    script_server_expect(
        world->server,
        &(script_rule){.times = 1, .act = SCRIPT_EARLY, .reply = {.status = 403, .body = "no"}});
    script_server_expect(world->server, &(script_rule){0});

    ASSERT_OK(http_world_send(world, &exchange, "/"), &world->err);
    assert_int_equal(world->exchange.reply.status, 403);
    assert_int_equal(world->exchange.reply.sent, 0);
    http_world_assert_body(world, "no");
    ASSERT_OK(http_world_send(world, &exchange, "/"), &world->err);

    assert_int_equal(world->exchange.reply.status, 200);
    assert_int_equal(world->exchange.reply.sent, LARGE);
    http_world_assert_sent(world, 1, "expect", "100-continue");
    assert_int_equal(script_server_request(world->server, 1)->body_total, LARGE);
}

static void a_refusal_in_the_middle_of_an_upload_arrives_and_tells_how_much_was_sent(void **state)
{
    http_world *world = *state;
    const size_t huge = (size_t)64 << 20;
    CAIRN_AUTO_FREE char *data = mem_calloc(1, huge);
    script_server_expect(
        world->server,
        &(script_rule){.act = SCRIPT_EARLY, .at = 1000, .reply = {.status = 503, .body = "busy"}});
    const http_exchange exchange = {.method = CAIRN_HTTP_PUT,
                                    .source = {.data = data, .length = huge}};

    ASSERT_OK(http_world_send(world, &exchange, "/"), &world->err);

    assert_int_equal(world->exchange.reply.status, 503);
    assert_in_range(world->exchange.reply.sent, 1000, huge - 1);
}

static void connections_are_kept_unless_the_exchange_says_otherwise(void **state)
{
    http_world *world = *state;
    script_server_expect(world->server, &(script_rule){0});
    static const struct {
        unsigned flags;
        unsigned connection;
    } steps[] = {{0, 1}, {0, 1}, {HTTP_FRESH_CONNECTION, 2}, {HTTP_CLOSE, 2}};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(steps); i++) {
        ASSERT_OK(http_world_send(world, &(http_exchange){.flags = steps[i].flags}, "/"),
                  &world->err);
        if (i < 3) {
            assert_int_equal(script_server_request(world->server, i)->connection,
                             steps[i].connection);
        }
    }
}

static void a_closed_connection_is_not_used_again(void **state)
{
    http_world *world = *state;
    script_server_expect(world->server, &(script_rule){0});

    ASSERT_OK(http_world_send(world, &(http_exchange){.flags = HTTP_CLOSE}, "/"), &world->err);
    ASSERT_OK(http_world_get(world, "/"), &world->err);

    assert_int_equal(script_server_request(world->server, 1)->connection, 2);
}

static void connect_to_changes_where_it_goes_and_not_what_it_says(void **state)
{
    http_world *world = *state;
    script_server_expect(world->server, &(script_rule){0});
    http_world_client(world, &(http_options){.allow_http = true});
    const http_exchange exchange = {.url = "http://nowhere.invalid:81/x",
                                    .connect_to = script_server_address(world->server)};

    ASSERT_OK(http_world_send(world, &exchange, NULL), &world->err);

    http_world_assert_sent(world, 0, "host", "nowhere.invalid:81");
}

typedef struct bad_case {
    const char *title;
    http_exchange exchange;
} bad_case;

static const char *const line_break[] = {"a: b\r\nc: d", NULL};
static const char *const no_colon[] = {"ab", NULL};
static const char *const no_value[] = {"ab: ", NULL};
static const char *const bad_name[] = {"a b: c", NULL};
static const char *const own_length[] = {"Content-Length: 5", NULL};

static void what_may_not_be_asked_for_is_refused_before_it_is_sent(void **state)
{
    static const bad_case cases[] = {
        {"no scheme", {.url = "127.0.0.1/"}},
        {"another scheme", {.url = "ftp://127.0.0.1/"}},
        {"scheme in capitals", {.url = "HTTP://127.0.0.1/"}},
        {"user info", {.url = "http://user:pw@127.0.0.1/"}},
        {"user info that looks like a host", {.url = "http://127.0.0.1@example.org/"}},
        {"blank", {.url = "http://127.0.0.1/a b"}},
        {"line break", {.url = "http://127.0.0.1/a\r\nb"}},
        {"no ASCII", {.url = "http://127.0.0.1/\xc3\xa4"}},
        {"fragment", {.url = "http://127.0.0.1/a#b"}},
        {"no host", {.url = "http:///a"}},
        {"no path", {.url = "http://127.0.0.1?a"}},
        {"port 0", {.url = "http://127.0.0.1:0/"}},
        {"port 65536", {.url = "http://127.0.0.1:65536/"}},
        {"port without digits", {.url = "http://127.0.0.1:/"}},
        {"http elsewhere", {.url = "http://192.0.2.1/"}},
        {"http to a name that begins like loopback", {.url = "http://127.0.0.1.example.org/"}},
        {"http elsewhere by connect_to",
         {.url = "http://127.0.0.1/", .connect_to = "192.0.2.1:80"}},
        {"connect_to without port", {.url = "http://127.0.0.1/", .connect_to = "127.0.0.1"}},
        {"connect_to with more", {.url = "http://127.0.0.1/", .connect_to = "127.0.0.1:80:x"}},
        {"header with a line break", {.url = "http://127.0.0.1/", .headers = line_break}},
        {"header without colon", {.url = "http://127.0.0.1/", .headers = no_colon}},
        {"header without value", {.url = "http://127.0.0.1/", .headers = no_value}},
        {"header with a blank in its name", {.url = "http://127.0.0.1/", .headers = bad_name}},
        {"length as a header", {.url = "http://127.0.0.1/", .headers = own_length}},
        {"GET with a body", {.url = "http://127.0.0.1/", .source = {.data = "x", .length = 1}}},
        {"SPNEGO of a client without it", {.url = "http://127.0.0.1/", .flags = HTTP_NEGOTIATE}},
    };
    http_world *world = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        print_message("%s\n", cases[i].title);
        ASSERT_CODE(http_world_send(world, &cases[i].exchange, NULL), CAIRN_E_INVALID, &world->err);
        ASSERT_MESSAGE_HAS(&world->err, "");
        assert_null(strstr(world->err.message, "pw"));
        assert_false(world->exchange.reply.maybe_effective);
    }
    assert_int_equal(http_client_requests(world->client), 0);
}

static void a_client_with_too_many_connections_is_refused(void **state)
{
    http_client *client = NULL;
    cairn_error err = {0};
    (void)state;

    ASSERT_CODE(http_client_new(&(http_options){.connections = 65}, &client, &err), CAIRN_E_INVALID,
                &err);
    assert_null(client);
}

static void a_get_over_tls_verifies_the_server_by_the_given_authority(void **state)
{
    http_world *world = *state;
    http_world_server(world, &(script_server_options){.tls = true});
    http_world_client(world, &(http_options){.ca_file = script_server_ca(world->server)});
    script_server_expect(world->server, &(script_rule){.reply = {.body = "safe"}});

    ASSERT_OK(http_world_get(world, "/"), &world->err);
    ASSERT_OK(http_world_get(world, "/"), &world->err);

    http_world_assert_body(world, "safe");
    assert_int_equal(script_server_connections(world->server), 1);
}

static void spnego_is_not_begun_unless_the_exchange_asks(void **state)
{
    http_world *world = *state;
    http_world_client(world, &(http_options){.negotiate = true});
    script_server_expect(world->server,
                         &(script_rule){.reply = {.status = 401,
                                                  .headers = "WWW-Authenticate: Negotiate\r\n",
                                                  .body = "who are you"}});

    ASSERT_OK(http_world_get(world, "/"), &world->err);
    ASSERT_OK(http_world_send(world, &(http_exchange){.flags = HTTP_NEGOTIATE}, "/"), &world->err);

    assert_int_equal(world->exchange.reply.status, 401);
    http_world_assert_sent(world, 0, "authorization", NULL);
}

static cairn_code one_exchange(const char *url, cairn_error *err)
{
    const char *const headers[] = {"a: b", NULL};
    http_client *client = NULL;
    http_exchange exchange = {.method = CAIRN_HTTP_PUT,
                              .url = url,
                              .headers = headers,
                              .source = {.data = "abc", .length = 3},
                              .sink = {.length = 1000},
                              .flags = HTTP_CLOSE};
    cairn_code code = http_client_new(&(http_options){.ca_file = "ca"}, &client, err);

    if (code == CAIRN_OK) {
        code = http_perform(client, NULL, &exchange, err);
    }
    if (code == CAIRN_OK &&
        !cairn_slice_equal(cairn_buf_slice(&exchange.reply.body), cairn_slice_of("reply"))) {
        code = error_set(err, CAIRN_E_INTEGRITY, "not the reply");
    }
    http_reply_release(&exchange.reply);
    http_client_free(client);
    return code;
}

/* libcurl does without some of its allocations: then the exchange is whole. */
static void an_exchange_that_lacks_memory_says_so_or_works(void **state)
{
    http_world *world = *state;
    uint64_t needed = 0;
    uint64_t nth = 0;
    unsigned refused = 0;
    script_server_expect(world->server,
                         &(script_rule){.reply = {.body = "reply", .headers = "x: y\r\n"}});
    const char *url = http_world_url(world, "/");

    do {
        cairn_error err = {0};
        mem_fail_nth(++nth, 0);
        const cairn_code code = one_exchange(url, &err);
        needed = mem_alloc_count();
        mem_fail_nth(0, 0);
        refused += code == CAIRN_E_NO_MEMORY ? 1 : 0;
        ASSERT_CODE(code, code == CAIRN_OK ? CAIRN_OK : CAIRN_E_NO_MEMORY, &err);
    } while (needed >= nth);
    print_message("%u of %u allocations are needed\n", refused, (unsigned)nth - 1);
    assert_true(refused > 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, http_world_setup, http_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_method_sends_its_body_with_its_length_and_nothing_of_libcurls_own),
        TEST(headers_of_the_caller_are_sent_as_they_are),
        TEST(a_path_is_sent_byte_for_byte),
        TEST(a_reply_tells_status_and_the_final_headers_only),
        TEST(a_large_body_goes_up_from_a_file_and_down_into_one_at_their_offsets),
        TEST(a_sink_takes_what_fits_and_refuses_the_byte_too_many),
        TEST(expect_waits_for_the_refusal_and_sends_no_body_then),
        TEST(a_refusal_in_the_middle_of_an_upload_arrives_and_tells_how_much_was_sent),
        TEST(connections_are_kept_unless_the_exchange_says_otherwise),
        TEST(a_closed_connection_is_not_used_again),
        TEST(connect_to_changes_where_it_goes_and_not_what_it_says),
        TEST(what_may_not_be_asked_for_is_refused_before_it_is_sent),
        TEST(a_client_with_too_many_connections_is_refused),
        TEST(a_get_over_tls_verifies_the_server_by_the_given_authority),
        TEST(spnego_is_not_begun_unless_the_exchange_asks),
        TEST(an_exchange_that_lacks_memory_says_so_or_works),
    };
    return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
