/* What the tests of the HTTP layer share: a server, a client, and exchanges in one line. */
#ifndef CAIRN_TESTS_HTTP_WORLD_H
#define CAIRN_TESTS_HTTP_WORLD_H

#include "http.h"
#include "script_server.h"

#define HTTP_WORLD_URL_BYTES 512

typedef struct http_world {
    script_server *server;
    http_client *client;
    char url[HTTP_WORLD_URL_BYTES];
    http_exchange exchange;
    cairn_error err;
} http_world;

/* Setup and teardown of cmocka: plain, with a client of default options. */
int http_world_setup(void **state);
int http_world_teardown(void **state);

/* Another server, another client instead of those of the setup. */
void http_world_server(http_world *world, const script_server_options *options);
void http_world_client(http_world *world, const http_options *options);

/* "<server's URL><path>", until the next call. */
const char *http_world_url(http_world *world, const char *path);

/* Performs `exchange` on the path; its reply is in world->exchange.reply until the next one. The
 * sink is reply.body, up to 1 MiB, if the exchange names no length. */
cairn_code http_world_send(http_world *world, const http_exchange *exchange, const char *path);
cairn_code http_world_send_until(http_world *world, const http_exchange *exchange, const char *path,
                                 const cairn_call *call);
cairn_code http_world_get(http_world *world, const char *path);

/* The reply's body is this text. */
void http_world_assert_body(http_world *world, const char *expected);
/* Header of the i-th request that the server saw is this; NULL: absent. */
void http_world_assert_sent(http_world *world, size_t index, const char *name,
                            const char *expected);

/* Bytes that differ from their neighbours; the same for the same offset. */
void http_world_pattern(void *data, size_t len);

#endif
