#include "test.h"

#include "http_world.h"

#include <stdio.h>
#include <stdlib.h>

#define BODY_MAX   ((uint64_t)1 << 20)
#define VALUE_SIZE 1024

int http_world_setup(void **state)
{
    http_world *world = calloc(1, sizeof(*world));

    if (world == NULL) {
        return -1;
    }
    *state = world;
    return script_server_new(NULL, &world->server) == 0 &&
                   http_client_new(&(http_options){0}, &world->client, &world->err) == CAIRN_OK
               ? 0
               : -1;
}

int http_world_teardown(void **state)
{
    http_world *world = *state;

    http_reply_release(&world->exchange.reply);
    http_client_free(world->client);
    script_server_free(world->server);
    free(world);
    return 0;
}

void http_world_server(http_world *world, const script_server_options *options)
{
    script_server_free(world->server);
    world->server = NULL;
    assert_int_equal(script_server_new(options, &world->server), 0);
}

void http_world_client(http_world *world, const http_options *options)
{
    http_client_free(world->client);
    world->client = NULL;
    ASSERT_OK(http_client_new(options, &world->client, &world->err), &world->err);
}

const char *http_world_url(http_world *world, const char *path)
{
    (void)snprintf(world->url, sizeof(world->url), "%s%s", script_server_url(world->server), path);
    return world->url;
}

cairn_code http_world_send_until(http_world *world, const http_exchange *exchange, const char *path,
                                 const cairn_call *call)
{
    http_reply_release(&world->exchange.reply);
    world->exchange = *exchange;
    if (world->exchange.url == NULL) {
        world->exchange.url = http_world_url(world, path);
    }
    if (world->exchange.sink.length == 0) {
        world->exchange.sink.length = BODY_MAX;
    }
    world->err = (cairn_error){0};
    return http_perform(world->client, call, &world->exchange, &world->err);
}

cairn_code http_world_send(http_world *world, const http_exchange *exchange, const char *path)
{
    return http_world_send_until(world, exchange, path, NULL);
}

cairn_code http_world_get(http_world *world, const char *path)
{
    return http_world_send(world, &(http_exchange){.method = CAIRN_HTTP_GET}, path);
}

void http_world_assert_body(http_world *world, const char *expected)
{
    const cairn_buf *body = &world->exchange.reply.body;

    assert_int_equal(body->len, strlen(expected));
    assert_memory_equal(body->data, expected, body->len);
}

void http_world_assert_sent(http_world *world, size_t index, const char *name, const char *expected)
{
    char value[VALUE_SIZE] = "";
    const script_request *request = script_server_request(world->server, index);
    const bool found = script_request_header(request, name, value, sizeof(value));

    assert_int_equal(found, expected != NULL);
    if (expected != NULL) {
        assert_string_equal(value, expected);
    }
}

void http_world_pattern(void *data, size_t len)
{
    uint8_t *bytes = data;

    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(i * 2654435761U >> 13);
    }
}
