#include "test.h"

#include "bounds.h"
#include "cancel.h"
#include "http_impl.h"
#include "http_world.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define UPLOAD   ((size_t)8 << 20)
#define SPARSE   ((uint64_t)64 << 20)
#define DOWNLOAD ((size_t)2 << 20)

static uint8_t payload[UPLOAD];

typedef struct fault_case {
    const char *title;
    script_rule rule;
    cairn_code code;
    unsigned status;
    uint64_t received;
    const char *says;
    http_exchange exchange;
} fault_case;

#define PUT_LARGE                                                                         \
    {                                                                                     \
        .method = CAIRN_HTTP_PUT, .source = {.data = payload, .length = sizeof(payload) } \
    }
#define MEGABYTE                                                            \
    {                                                                       \
        .kind = CAIRN_HTTP_SINK_MEMORY, .data = payload, .length = DOWNLOAD \
    }
#define REPLY_LARGE                           \
    {                                         \
        .body = payload, .body_len = DOWNLOAD \
    }

/* In order: what the server does, and what the caller is told. */
static const fault_case faults[] = {
    {.title = "closed before the reply",
     .rule = {.act = SCRIPT_CLOSE},
     .code = CAIRN_E_UNAVAILABLE,
     .says = "mpty reply"},
    {.title = "reset before the reply",
     .rule = {.act = SCRIPT_RESET},
     .code = CAIRN_E_UNAVAILABLE,
     .says = "reset"},
    {.title = "reset after 1 byte of the reply",
     .rule = {.act = SCRIPT_RESET, .at = 1},
     .code = CAIRN_E_UNAVAILABLE,
     .says = "http://"},
    {.title = "closed in the headers",
     .rule = {.act = SCRIPT_CLOSE, .at = 40},
     .code = CAIRN_E_UNAVAILABLE,
     .status = 200,
     .says = "ended in the headers"},
    {.title = "reset at the first byte of the body",
     .rule = {.act = SCRIPT_RESET, .at_body = true, .reply = REPLY_LARGE},
     .exchange = {.sink = MEGABYTE},
     .code = CAIRN_E_UNAVAILABLE,
     .status = 200,
     .says = "http://"},
    {.title = "body cut in the middle, with length",
     .rule = {.act = SCRIPT_CLOSE, .at = DOWNLOAD / 2, .at_body = true, .reply = REPLY_LARGE},
     .exchange = {.sink = MEGABYTE},
     .code = CAIRN_E_UNAVAILABLE,
     .status = 200,
     .received = DOWNLOAD / 2,
     .says = "remaining"},
    {.title = "body cut before the last byte, with length",
     .rule = {.act = SCRIPT_CLOSE, .at = DOWNLOAD - 1, .at_body = true, .reply = REPLY_LARGE},
     .exchange = {.sink = MEGABYTE},
     .code = CAIRN_E_UNAVAILABLE,
     .status = 200,
     .received = DOWNLOAD - 1,
     .says = "remaining"},
    {.title = "body cut, without length: the caller counts",
     .rule = {.act = SCRIPT_CLOSE,
              .at = DOWNLOAD / 2,
              .at_body = true,
              .reply = {.body = payload, .body_len = DOWNLOAD, .length = SCRIPT_LENGTH_NONE}},
     .exchange = {.sink = MEGABYTE},
     .code = CAIRN_OK,
     .status = 200,
     .received = DOWNLOAD / 2},
    {.title = "chunks without end",
     .rule = {.act = SCRIPT_CLOSE,
              .at = DOWNLOAD / 2,
              .at_body = true,
              .reply = {.body = payload, .body_len = DOWNLOAD, .length = SCRIPT_LENGTH_CHUNKED}},
     .exchange = {.sink = MEGABYTE},
     .code = CAIRN_E_UNAVAILABLE,
     .status = 200,
     .says = "http://"},
    {.title = "endless body of a success",
     .rule = {.act = SCRIPT_RAW,
              .raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
              .raw_again = "10\r\n0123456789abcdef\r\n"},
     .exchange = {.sink = {.length = 5000}},
     .code = CAIRN_E_LIMIT,
     .status = 200,
     .says = "longer than 5000 bytes"},
    {.title = "endless body of a refusal: its status is known",
     .rule = {.act = SCRIPT_RAW,
              .raw = "HTTP/1.1 503 Busy\r\n\r\n",
              .raw_again = "a page of many words, again and again and again and again\n"},
     .code = CAIRN_OK,
     .status = 503},
    {.title = "endless headers",
     .rule = {.act = SCRIPT_RAW,
              .raw = "HTTP/1.1 200 OK\r\n",
              .raw_again = "X-Again: and again\r\n"},
     .code = CAIRN_E_UNAVAILABLE,
     .status = 200,
     .says = "65536 bytes of headers"},
    {.title = "one endless header",
     .rule = {.act = SCRIPT_RAW, .raw = "HTTP/1.1 200 OK\r\nX: ", .raw_again = "endless-"},
     .code = CAIRN_E_UNAVAILABLE,
     .status = 200,
     .says = "http://"},
    {.title = "interim replies without end",
     .rule = {.act = SCRIPT_RAW,
              .raw = "HTTP/1.1 100 Continue\r\n\r\n",
              .raw_again = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"},
     .code = CAIRN_E_UNAVAILABLE,
     .says = "65536 bytes of headers"},
    {.title = "an interim reply and then nothing",
     .rule = {.act = SCRIPT_RAW, .raw = "HTTP/1.1 100 Continue\r\nX: y\r\n\r\n"},
     .code = CAIRN_E_UNAVAILABLE,
     .says = "http://"},
    {.title = "two lengths",
     .rule = {.act = SCRIPT_RAW,
              .raw = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde"},
     .code = CAIRN_E_UNAVAILABLE,
     .status = 200,
     .says = "two lengths"},
    {.title = "one length, said twice",
     .rule = {.act = SCRIPT_RAW,
              .raw = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\ncontent-length:3 \r\n\r\nabc"},
     .code = CAIRN_OK,
     .status = 200,
     .received = 3},
    {.title = "HTTP/0.9",
     .rule = {.act = SCRIPT_RAW, .raw = "<html>hello</html>"},
     .code = CAIRN_E_UNAVAILABLE,
     .says = "HTTP/0.9"},
    {.title = "a bad status line",
     .rule = {.act = SCRIPT_RAW, .raw = "HTTP/1.1 abc\r\n\r\n"},
     .code = CAIRN_E_UNAVAILABLE,
     .says = "http://"},
    {.title = "compressed, unasked: handed on as it came",
     .rule = {.reply = {.headers = "Content-Encoding: gzip\r\n",
                        .body = "\x1f\x8b no gzip at all",
                        .body_len = 17}},
     .code = CAIRN_OK,
     .status = 200,
     .received = 17},
    {.title = "upload reset at byte 0",
     .rule = {.act = SCRIPT_RESET_REQUEST},
     .exchange = PUT_LARGE,
     .code = CAIRN_E_UNAVAILABLE,
     .says = "PUT http://"},
    {.title = "upload reset at byte 1",
     .rule = {.act = SCRIPT_RESET_REQUEST, .at = 1},
     .exchange = PUT_LARGE,
     .code = CAIRN_E_UNAVAILABLE,
     .says = "PUT http://"},
    {.title = "upload reset in the middle",
     .rule = {.act = SCRIPT_RESET_REQUEST, .at = UPLOAD / 2},
     .exchange = PUT_LARGE,
     .code = CAIRN_E_UNAVAILABLE,
     .says = "PUT http://"},
};

static void each_fault_of_the_transport_has_its_code_and_its_bound(void **state)
{
    http_world *world = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(faults); i++) {
        const fault_case *c = &faults[i];
        print_message("%s\n", c->title);
        script_server_forget(world->server);
        script_server_expect(world->server, &c->rule);

        /* Else libcurl repeats what fails on a connection of the row before. */
        http_exchange exchange = c->exchange;
        exchange.flags = HTTP_FRESH_CONNECTION;

        ASSERT_CODE(http_world_send(world, &exchange, "/secret"), c->code, &world->err);

        const http_reply *reply = &world->exchange.reply;
        assert_int_equal(reply->status, c->status);
        assert_true(reply->body.len <= CAIRN_HTTP_ERROR_BYTES_MAX);
        if (c->received > 0) {
            assert_int_equal(reply->received, c->received);
        }
        if (c->says != NULL) {
            ASSERT_MESSAGE_HAS(&world->err, c->says);
            assert_null(strstr(world->err.message, "secret"));
        }
    }
}

/* More than the buffers between client and server can hold. */
static FILE *sparse_file(void)
{
    FILE *file = tmpfile();

    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), SPARSE), 0);
    return file;
}

typedef struct effect_case {
    const char *title;
    script_act act;
    uint64_t at;
    bool maybe;
} effect_case;

static void a_failure_tells_whether_the_server_may_have_got_the_request(void **state)
{
    static const effect_case cases[] = {
        {"all was sent", SCRIPT_CLOSE, 0, true},
        {"all was sent, the reply was cut", SCRIPT_RESET, 30, true},
        {"in the middle", SCRIPT_RESET_REQUEST, 1000, false},
    };
    http_world *world = *state;
    FILE *file = sparse_file();
    const http_exchange put = {.method = CAIRN_HTTP_PUT,
                               .source = {.fd = fileno(file), .length = SPARSE}};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        print_message("%s\n", cases[i].title);
        script_server_forget(world->server);
        script_server_expect(world->server, &(script_rule){.act = cases[i].act, .at = cases[i].at});

        ASSERT_CODE(http_world_send(world, &put, "/"), CAIRN_E_UNAVAILABLE, &world->err);

        assert_int_equal(world->exchange.reply.maybe_effective, cases[i].maybe);
        if (cases[i].maybe) {
            assert_int_equal(world->exchange.reply.sent, SPARSE);
        }
    }
    assert_int_equal(fclose(file), 0);
}

/* A port that was bound and never listened: nobody can take it meanwhile. */
static int bind_only(char url[HTTP_WORLD_URL_BYTES], int backlog)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    if (backlog >= 0) {
        assert_int_equal(listen(fd, backlog), 0);
    }
    (void)snprintf(url, HTTP_WORLD_URL_BYTES, "http://127.0.0.1:%u/", ntohs(address.sin_port));
    return fd;
}

static void nobody_who_listens_is_unavailable_and_nothing_took_effect(void **state)
{
    http_world *world = *state;
    char url[HTTP_WORLD_URL_BYTES] = "";
    const int fd = bind_only(url, -1);

    ASSERT_CODE(http_world_send(world, &(http_exchange){.url = url}, NULL), CAIRN_E_UNAVAILABLE,
                &world->err);

    ASSERT_MESSAGE_HAS(&world->err, "127.0.0.1");
    assert_false(world->exchange.reply.maybe_effective);
    assert_int_equal(world->exchange.reply.status, 0);
    (void)close(fd);
}

static void a_name_that_is_not_known_is_unavailable(void **state)
{
    http_world *world = *state;

    ASSERT_CODE(http_world_send(world, &(http_exchange){.url = "https://nowhere.invalid/"}, NULL),
                CAIRN_E_UNAVAILABLE, &world->err);

    ASSERT_MESSAGE_HAS(&world->err, "https://nowhere.invalid");
}

/* Connections that nobody accepts: the handshake of TLS is never answered. */
static void a_peer_that_takes_the_connection_and_never_speaks_is_given_up(void **state)
{
    http_world *world = *state;
    char url[HTTP_WORLD_URL_BYTES] = "";
    char tls[HTTP_WORLD_URL_BYTES + 1] = "";
    const int fd = bind_only(url, 1);
    http_world_client(world, &(http_options){.connect_timeout_ms = 100});
    (void)snprintf(tls, sizeof(tls), "https%s", url + strlen("http"));

    ASSERT_CODE(http_world_send(world, &(http_exchange){.url = tls}, NULL), CAIRN_E_UNAVAILABLE,
                &world->err);

    assert_false(world->exchange.reply.maybe_effective);
    (void)close(fd);
}

static void a_drip_ends_by_low_speed_and_a_patient_exchange_bears_it(void **state)
{
    http_world *world = *state;
    http_world_client(world, &(http_options){.low_speed_s = 1});
    script_server_expect(
        world->server,
        &(script_rule){.reply = {.body = "0123456789", .drip_bytes = 2, .drip_ms = 60}});

    ASSERT_CODE(http_world_get(world, "/"), CAIRN_E_UNAVAILABLE, &world->err);
    ASSERT_OK(http_world_send(world, &(http_exchange){.flags = HTTP_PATIENT}, "/"), &world->err);

    http_world_assert_body(world, "0123456789");
}

static void the_deadline_ends_an_exchange_that_hangs_anywhere(void **state)
{
    static const script_rule rules[] = {
        {.act = SCRIPT_STALL},
        {.act = SCRIPT_STALL, .at = 10},
        {.act = SCRIPT_STALL, .at_body = true, .at = 3, .reply = {.body = "0123456789"}},
        {.act = SCRIPT_STALL_REQUEST},
        {.act = SCRIPT_STALL_REQUEST, .at = 100000},
        {.reply = {.body = "0123456789", .drip_bytes = 1, .drip_ms = 1000}},
    };
    http_world *world = *state;
    FILE *file = sparse_file();
    const http_exchange put = {.method = CAIRN_HTTP_PUT,
                               .source = {.fd = fileno(file), .length = SPARSE}};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rules); i++) {
        const cairn_call call = {.deadline_ms = cairn_deadline_in(200)};
        print_message("%zu\n", i);
        script_server_forget(world->server);
        script_server_expect(world->server, &rules[i]);

        ASSERT_CODE(http_world_send_until(world, &put, "/", &call), CAIRN_E_TIMEOUT, &world->err);

        ASSERT_MESSAGE_HAS(&world->err, "PUT http://127.0.0.1:");
        if (rules[i].act == SCRIPT_STALL_REQUEST) {
            assert_false(world->exchange.reply.maybe_effective);
        }
    }
    assert_int_equal(fclose(file), 0);
}

static void a_deadline_that_passed_sends_nothing(void **state)
{
    http_world *world = *state;
    const cairn_call call = {.deadline_ms = 1};

    ASSERT_CODE(http_world_send_until(world, &(http_exchange){0}, "/", &call), CAIRN_E_TIMEOUT,
                &world->err);

    assert_int_equal(http_client_requests(world->client), 0);
}

/* One row for each line of the table that codes follow (of libcurl's errors). */
static void each_error_of_libcurl_has_its_code(void **state)
{
    static const struct {
        CURLcode result;
        const char *text;
        cairn_code code;
    } rows[] = {
        {CURLE_OK, "", CAIRN_OK},
        {CURLE_UNSUPPORTED_PROTOCOL, "", CAIRN_E_UNAVAILABLE},
        {CURLE_COULDNT_RESOLVE_HOST, "", CAIRN_E_UNAVAILABLE},
        {CURLE_COULDNT_CONNECT, "", CAIRN_E_UNAVAILABLE},
        {CURLE_WEIRD_SERVER_REPLY, "", CAIRN_E_UNAVAILABLE},
        {CURLE_PARTIAL_FILE, "", CAIRN_E_UNAVAILABLE},
        {CURLE_OPERATION_TIMEDOUT, "", CAIRN_E_UNAVAILABLE},
        {CURLE_GOT_NOTHING, "", CAIRN_E_UNAVAILABLE},
        {CURLE_SEND_ERROR, "", CAIRN_E_UNAVAILABLE},
        {CURLE_RECV_ERROR, "", CAIRN_E_UNAVAILABLE},
        {CURLE_SSL_CONNECT_ERROR, "OpenSSL SSL_connect: Connection reset", CAIRN_E_UNAVAILABLE},
        {CURLE_SSL_CONNECT_ERROR, "OpenSSL/3: error:0A000126:SSL routines::unexpected eof",
         CAIRN_E_UNAVAILABLE},
        {CURLE_SSL_CONNECT_ERROR, "error:0A00010B:SSL routines::wrong version number",
         CAIRN_E_ACCESS},
        {CURLE_PEER_FAILED_VERIFICATION, "", CAIRN_E_ACCESS},
        {CURLE_SSL_CACERT_BADFILE, "", CAIRN_E_ACCESS},
        {CURLE_SSL_PINNEDPUBKEYNOTMATCH, "", CAIRN_E_ACCESS},
        {CURLE_SSL_INVALIDCERTSTATUS, "", CAIRN_E_ACCESS},
        {CURLE_SSL_ISSUER_ERROR, "", CAIRN_E_ACCESS},
        {CURLE_BAD_CONTENT_ENCODING, "", CAIRN_E_INTEGRITY},
        {CURLE_WRITE_ERROR, "", CAIRN_E_IO},
        {CURLE_READ_ERROR, "", CAIRN_E_IO},
        {CURLE_ABORTED_BY_CALLBACK, "", CAIRN_E_CANCELLED},
        {CURLE_URL_MALFORMAT, "", CAIRN_E_INTERNAL},
        {CURLE_BAD_FUNCTION_ARGUMENT, "", CAIRN_E_INTERNAL},
        {CURLE_SEND_FAIL_REWIND, "", CAIRN_E_INTERNAL},
        {CURLE_TFTP_ILLEGAL, "", CAIRN_E_FAILED},
    };
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        print_message("%s\n", curl_easy_strerror(rows[i].result));
        assert_int_equal(http_code_of(rows[i].result, rows[i].text), rows[i].code);
    }
}

typedef struct canceller {
    script_server *server;
    cairn_cancel *cancel;
} canceller;

static void *cancel_when_it_arrived(void *context)
{
    const canceller *self = context;

    script_server_wait(self->server, 1);
    cairn_cancel_trigger(self->cancel);
    return NULL;
}

static void a_cancel_ends_an_exchange_that_waits(void **state)
{
    http_world *world = *state;
    CAIRN_AUTO_PTR(cairn_cancel_free) cairn_cancel *cancel = NULL;
    ASSERT_OK(cairn_cancel_new(&cancel, &world->err), &world->err);
    canceller self = {.server = world->server, .cancel = cancel};
    pthread_t thread;
    script_server_expect(world->server, &(script_rule){.act = SCRIPT_STALL});
    assert_int_equal(pthread_create(&thread, NULL, cancel_when_it_arrived, &self), 0);

    const cairn_call call = {.cancel = cancel};
    const cairn_code code = http_world_send_until(world, &(http_exchange){0}, "/", &call);

    assert_int_equal(pthread_join(thread, NULL), 0);
    ASSERT_CODE(code, CAIRN_E_CANCELLED, &world->err);
    assert_true(world->exchange.reply.maybe_effective);
}

typedef struct tls_case {
    const char *title;
    script_server_options server;
    bool foreign_ca;
    bool system_ca;
    const char *says;
} tls_case;

static void a_server_that_cannot_be_trusted_is_refused_without_a_request(void **state)
{
    static const tls_case cases[] = {
        {.title = "another authority",
         .server.tls = true,
         .system_ca = true,
         .says = "certificate"},
        {.title = "another authority of the same name",
         .server.tls = true,
         .foreign_ca = true,
         .says = "https://"},
        {.title = "expired", .server = {.tls = true, .tls_expired = true}, .says = "expired"},
        {.title = "another name",
         .server = {.tls = true, .tls_host = "example.org"},
         .says = "localhost"},
        {.title = "TLS 1.1 at best",
         .server = {.tls = true, .tls_version_max = TLS1_1_VERSION},
         .says = "protocol"},
        {.title = "TLS 1.0 at best",
         .server = {.tls = true, .tls_version_max = TLS1_VERSION},
         .says = "protocol"},
    };
    http_world *world = *state;
    script_server *foreign = NULL;
    assert_int_equal(script_server_new(&(script_server_options){.tls = true}, &foreign), 0);

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        const tls_case *c = &cases[i];
        char url[64] = "";
        print_message("%s\n", c->title);
        http_world_server(world, &c->server);
        const char *ca = script_server_ca(c->foreign_ca ? foreign : world->server);
        http_world_client(world, &(http_options){.ca_file = c->system_ca ? NULL : ca});
        (void)snprintf(url, sizeof(url), "https://localhost:%u/",
                       script_server_port(world->server));

        ASSERT_CODE(http_world_send(world, &(http_exchange){.url = url}, NULL), CAIRN_E_ACCESS,
                    &world->err);

        ASSERT_MESSAGE_HAS(&world->err, c->says);
        assert_int_equal(script_server_count(world->server), 0);
        assert_false(world->exchange.reply.maybe_effective);
    }
    script_server_free(foreign);
}

static void a_peer_that_breaks_the_handshake_off_is_unavailable(void **state)
{
    http_world *world = *state;
    char url[64] = "";
    http_world_server(world, &(script_server_options){.idle_ms = 1});
    (void)snprintf(url, sizeof(url), "https://localhost:%u/", script_server_port(world->server));

    /* Without a line of HTTP in it, the server closes what the client said. */
    http_world_client(world, &(http_options){0});
    (void)http_world_send(world, &(http_exchange){.url = url}, NULL);

    assert_int_equal(world->err.code, CAIRN_E_UNAVAILABLE);
}

static void a_reset_over_tls_in_an_upload_is_unavailable(void **state)
{
    http_world *world = *state;
    FILE *file = sparse_file();
    const http_exchange put = {.method = CAIRN_HTTP_PUT,
                               .source = {.fd = fileno(file), .length = SPARSE}};
    http_world_server(world, &(script_server_options){.tls = true});
    http_world_client(world, &(http_options){.ca_file = script_server_ca(world->server)});
    script_server_expect(world->server, &(script_rule){.act = SCRIPT_RESET_REQUEST, .at = 100000});

    ASSERT_CODE(http_world_send(world, &put, "/"), CAIRN_E_UNAVAILABLE, &world->err);

    assert_false(world->exchange.reply.maybe_effective);
    assert_int_equal(fclose(file), 0);
}

static void a_redirect_is_told_and_not_followed(void **state)
{
    static const unsigned statuses[] = {301, 302, 303, 307, 308};
    http_world *world = *state;
    script_server *foreign = NULL;
    char location[HTTP_WORLD_URL_BYTES] = "";
    cairn_slice told = {0};
    const char *const headers[] = {"Authorization: secret", NULL};
    assert_int_equal(script_server_new(NULL, &foreign), 0);
    (void)snprintf(location, sizeof(location), "Location: %s/there\r\n",
                   script_server_url(foreign));

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(statuses); i++) {
        script_server_forget(world->server);
        script_server_expect(world->server,
                             &(script_rule){.reply = {.status = statuses[i], .headers = location}});
        ASSERT_OK(http_world_send(world, &(http_exchange){.headers = headers}, "/"), &world->err);
        assert_int_equal(world->exchange.reply.status, statuses[i]);
        assert_true(http_header(&world->exchange.reply, "location", &told));
    }
    assert_int_equal(script_server_connections(foreign), 0);
    assert_int_equal(script_server_count(world->server), CAIRN_ARRAY_LEN(statuses));
    script_server_free(foreign);
}

static void proxies_of_the_environment_are_not_obeyed_and_a_given_one_is(void **state)
{
    http_world *world = *state;
    script_server *proxy = NULL;
    assert_int_equal(script_server_new(NULL, &proxy), 0);
    script_server_expect(world->server, &(script_rule){0});
    script_server_expect(proxy, &(script_rule){0});
    assert_int_equal(setenv("http_proxy", script_server_url(proxy), 1), 0);
    assert_int_equal(setenv("all_proxy", script_server_url(proxy), 1), 0);
    assert_int_equal(setenv("no_proxy", "*", 1), 0);

    ASSERT_OK(http_world_get(world, "/"), &world->err);
    assert_int_equal(script_server_count(proxy), 0);
    http_world_client(world, &(http_options){.proxy = script_server_url(proxy)});
    ASSERT_OK(http_world_get(world, "/"), &world->err);

    assert_int_equal(script_server_count(proxy), 1);
    assert_int_equal(unsetenv("http_proxy") + unsetenv("all_proxy") + unsetenv("no_proxy"), 0);
    script_server_free(proxy);
}

/* The server closes the first connection when the second request came on it, as one that was idle
 * for too long. */
static void a_stale_connection_is_replaced_unless_it_must_be_sent_once(void **state)
{
    http_world *world = *state;
    script_server_expect(world->server, &(script_rule){.times = 1});
    script_server_expect(world->server, &(script_rule){.times = 1, .act = SCRIPT_CLOSE});
    script_server_expect(world->server, &(script_rule){.times = 1});
    script_server_expect(world->server, &(script_rule){.times = 1, .act = SCRIPT_CLOSE});
    const http_exchange put = {.method = CAIRN_HTTP_PUT, .source = {.data = "abc", .length = 3}};
    http_exchange once = put;
    once.flags = HTTP_FRESH_CONNECTION;

    ASSERT_OK(http_world_send(world, &put, "/"), &world->err);
    ASSERT_OK(http_world_send(world, &put, "/"), &world->err);
    assert_int_equal(script_server_count(world->server), 3);
    assert_string_equal(script_server_request(world->server, 2)->body, "abc");
    ASSERT_CODE(http_world_send(world, &once, "/"), CAIRN_E_UNAVAILABLE, &world->err);

    assert_int_equal(script_server_count(world->server), 4);
    assert_true(world->exchange.reply.maybe_effective);
}

static void after_a_wait_in_vain_open_connections_are_not_trusted(void **state)
{
    http_world *world = *state;
    const cairn_call call = {.deadline_ms = cairn_deadline_in(200)};
    script_server_expect(world->server, &(script_rule){.path = "/stall", .act = SCRIPT_STALL});
    script_server_expect(world->server, &(script_rule){0});

    ASSERT_OK(http_world_get(world, "/"), &world->err);
    ASSERT_CODE(http_world_send_until(world, &(http_exchange){0}, "/stall", &call), CAIRN_E_TIMEOUT,
                &world->err);
    ASSERT_OK(http_world_get(world, "/"), &world->err);
    ASSERT_OK(http_world_get(world, "/"), &world->err);

    assert_int_equal(script_server_request(world->server, 2)->connection, 2);
    assert_int_equal(script_server_request(world->server, 3)->connection, 3);
}

static void connections_that_lay_beside_a_wait_in_vain_are_closed(void **state)
{
    http_world *world = *state;
    const cairn_call call = {.deadline_ms = cairn_deadline_in(200)};
    script_server_expect(world->server, &(script_rule){.path = "/stall", .act = SCRIPT_STALL});
    script_server_expect(world->server, &(script_rule){0});

    ASSERT_OK(http_world_get(world, "/"), &world->err);
    assert_non_null(world->client->idle);
    ASSERT_CODE(http_world_send_until(world, &(http_exchange){.flags = HTTP_FRESH_CONNECTION},
                                      "/stall", &call),
                CAIRN_E_TIMEOUT, &world->err);

    assert_null(world->client->idle);
}

static void a_local_file_that_fails_ends_the_exchange_with_its_reason(void **state)
{
    http_world *world = *state;
    FILE *file = tmpfile();
    FILE *full = fopen("/dev/full", "we");
    assert_non_null(file);
    assert_non_null(full);
    script_server_expect(world->server, &(script_rule){.reply = {.body = "0123456789"}});

    const http_exchange beyond_the_end = {.method = CAIRN_HTTP_PUT,
                                          .source = {.fd = fileno(file), .length = 10}};
    ASSERT_CODE(http_world_send(world, &beyond_the_end, "/"), CAIRN_E_IO, &world->err);
    ASSERT_MESSAGE_HAS(&world->err, "ends before its length");
    assert_false(world->exchange.reply.maybe_effective);
    const http_exchange from_nothing = {.method = CAIRN_HTTP_POST,
                                        .source = {.fd = -1, .length = 10}};
    ASSERT_CODE(http_world_send(world, &from_nothing, "/"), CAIRN_E_IO, &world->err);
    const http_exchange to_a_full_disk = {
        .sink = {.kind = CAIRN_HTTP_SINK_FILE, .fd = fileno(full), .length = 10}};
    ASSERT_CODE(http_world_send(world, &to_a_full_disk, "/"), CAIRN_E_NO_SPACE, &world->err);

    (void)fclose(full);
    assert_int_equal(fclose(file), 0);
}

static void messages_of_a_peer_are_made_printable(void **state)
{
    http_world *world = *state;
    script_server_expect(
        world->server, &(script_rule){.act = SCRIPT_RAW, .raw = "HTTP/9.\x1b[31m 200 OK\r\n\r\n"});

    ASSERT_CODE(http_world_get(world, "/"), CAIRN_E_UNAVAILABLE, &world->err);

    ASSERT_MESSAGE_HAS(&world->err, "http://");
    assert_null(strchr(world->err.message, '\x1b'));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, http_world_setup, http_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_fault_of_the_transport_has_its_code_and_its_bound),
        TEST(a_failure_tells_whether_the_server_may_have_got_the_request),
        TEST(nobody_who_listens_is_unavailable_and_nothing_took_effect),
        TEST(a_name_that_is_not_known_is_unavailable),
        TEST(a_peer_that_takes_the_connection_and_never_speaks_is_given_up),
        TEST(a_drip_ends_by_low_speed_and_a_patient_exchange_bears_it),
        TEST(the_deadline_ends_an_exchange_that_hangs_anywhere),
        TEST(a_deadline_that_passed_sends_nothing),
        cmocka_unit_test(each_error_of_libcurl_has_its_code),
        TEST(a_cancel_ends_an_exchange_that_waits),
        TEST(a_server_that_cannot_be_trusted_is_refused_without_a_request),
        TEST(a_peer_that_breaks_the_handshake_off_is_unavailable),
        TEST(a_reset_over_tls_in_an_upload_is_unavailable),
        TEST(a_redirect_is_told_and_not_followed),
        TEST(proxies_of_the_environment_are_not_obeyed_and_a_given_one_is),
        TEST(a_stale_connection_is_replaced_unless_it_must_be_sent_once),
        TEST(after_a_wait_in_vain_open_connections_are_not_trusted),
        TEST(connections_that_lay_beside_a_wait_in_vain_are_closed),
        TEST(a_local_file_that_fails_ends_the_exchange_with_its_reason),
        TEST(messages_of_a_peer_are_made_printable),
    };
    return cmocka_run_group_tests_name("http faults", tests, NULL, NULL);
}
