/* A body that halts in its middle, seen from the other end of the connection. */
#include "test.h"

#include "http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY       ((size_t)64 << 10)
#define HALT_MS    2500
#define SILENCE_MS 1500 /* of the halt, so much may pass before the server looks */

static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/* A server for one request, on a thread of its own, and what it saw. */
typedef struct halting {
    int listener;
    char url[64];
    pthread_t thread;
    char received[BODY + 4096];
    size_t at_halt; /* bytes of the body before the silence */
    bool silent;    /* nothing came while it lasted */
    size_t at_end;
} halting;

static size_t body_length(const halting *server, size_t received)
{
    const char *end = memmem(server->received, received, "\r\n\r\n", 4);

    return end == NULL ? 0 : received - (size_t)(end + 4 - server->received);
}

/* Reads until the body has `wanted` bytes; returns how many it has. */
static size_t receive_until(halting *server, int connection, size_t *received, size_t wanted)
{
    while (body_length(server, *received) < wanted) {
        const ssize_t got =
            recv(connection, server->received + *received, sizeof(server->received) - *received, 0);
        if (got <= 0) {
            break;
        }
        *received += (size_t)got;
    }
    return body_length(server, *received);
}

static void *serve(void *argument)
{
    halting *server = argument;
    const int connection = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
    size_t received = 0;

    server->at_halt = receive_until(server, connection, &received, BODY / 2);
    struct pollfd data = {.fd = connection, .events = POLLIN};
    server->silent = poll(&data, 1, SILENCE_MS) == 0;
    server->at_end = receive_until(server, connection, &received, BODY);
    (void)!send(connection, reply, strlen(reply), MSG_NOSIGNAL);
    (void)close(connection);
    return NULL;
}

static void start(halting *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);

    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(server->listener, 1), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &len), 0);
    (void)snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u/",
                   (unsigned)ntohs(address.sin_port));
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void nothing_of_the_second_half_is_sent_while_a_body_halts(void **state)
{
    static halting server;
    static char body[BODY];
    const http_options options = {0};
    http_client *client = NULL;
    cairn_error err = {0};
    (void)state;
    memset(body, 'b', sizeof(body));
    start(&server);
    ASSERT_OK(http_client_new(&options, &client, &err), &err);
    http_exchange exchange = {.method = CAIRN_HTTP_PUT,
                              .url = server.url,
                              .source = {.data = body, .length = sizeof(body)},
                              .halt_ms = HALT_MS};

    const cairn_code code = http_perform(client, NULL, &exchange, &err);
    assert_int_equal(shutdown(server.listener, SHUT_RDWR), 0); /* if it never connected */
    assert_int_equal(pthread_join(server.thread, NULL), 0);

    ASSERT_OK(code, &err);
    assert_int_equal(exchange.reply.status, 200);
    assert_int_equal(server.at_halt, BODY / 2);
    assert_true(server.silent);
    assert_int_equal(server.at_end, BODY);
    assert_int_equal(close(server.listener), 0);
    http_reply_release(&exchange.reply);
    http_client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_of_the_second_half_is_sent_while_a_body_halts),
    };

    return cmocka_run_group_tests_name("http_halt", tests, NULL, NULL);
}
