/* What an exchange tells besides its reply: the bytes as they go out, the peer, the wait. */
#include "test.h"

#include "bounds.h"
#include "buf.h"
#include "errors.h"
#include "http_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LARGE ((size_t)3 << 20)

typedef struct tapped {
    cairn_buf bytes; /* since the last beginning */
    unsigned begun;
    bool gap;
    uint64_t fail_at; /* 0: never */
} tapped;

static cairn_code see(void *context, uint64_t offset, cairn_slice data, cairn_error *err)
{
    tapped *t = context;

    if (offset == 0) {
        buf_clear(&t->bytes);
        t->begun++;
    }
    t->gap = t->gap || offset != t->bytes.len;
    if (t->fail_at > 0 && offset >= t->fail_at) {
        return error_set(err, CAIRN_E_NO_SPACE, "the tap is full");
    }
    return buf_append(&t->bytes, data.data, data.len, err);
}

static void a_tap_sees_each_byte_once_and_in_order(void **state)
{
    http_world *world = *state;
    CAIRN_AUTO_FREE uint8_t *data = mem_alloc(LARGE);
    FILE *file = tmpfile();
    assert_non_null(file);
    http_world_pattern(data, LARGE);
    assert_int_equal(fwrite(data, 1, LARGE, file), LARGE);
    assert_int_equal(fflush(file), 0);
    script_server_expect(world->server, &(script_rule){0});

    for (unsigned from_file = 0; from_file < 2; from_file++) {
        tapped seen = {.bytes = {.limit = LARGE}};
        const http_exchange exchange = {
            .method = CAIRN_HTTP_PUT,
            .source = {.data = from_file ? NULL : data + 7,
                       .fd = fileno(file),
                       .offset = from_file ? 7 : 0,
                       .length = LARGE - 7},
            .tap = see,
            .tap_context = &seen,
        };
        ASSERT_OK(http_world_send(world, &exchange, "/"), &world->err);

        assert_int_equal(seen.begun, 1);
        assert_false(seen.gap);
        assert_int_equal(seen.bytes.len, LARGE - 7);
        assert_memory_equal(seen.bytes.data, data + 7, LARGE - 7);
        cairn_buf_release(&seen.bytes);
    }
    (void)fclose(file);
}

/* A kept connection that dies before any reply: libcurl sends all again by itself. */
static void a_tap_begins_again_when_libcurl_does(void **state)
{
    http_world *world = *state;
    CAIRN_AUTO_FREE uint8_t *data = mem_alloc(LARGE);
    tapped seen = {.bytes = {.limit = LARGE}};
    http_world_pattern(data, LARGE);
    const http_exchange exchange = {.method = CAIRN_HTTP_PUT,
                                    .source = {.data = data, .length = LARGE},
                                    .tap = see,
                                    .tap_context = &seen};
    script_server_expect(world->server,
                         &(script_rule){.method = "PUT", .times = 1, .act = SCRIPT_CLOSE});
    script_server_expect(world->server, &(script_rule){0});
    ASSERT_OK(http_world_get(world, "/"), &world->err);

    ASSERT_OK(http_world_send(world, &exchange, "/"), &world->err);

    assert_int_equal(seen.begun, 2);
    assert_false(seen.gap);
    assert_int_equal(seen.bytes.len, LARGE);
    assert_memory_equal(seen.bytes.data, data, LARGE);
    cairn_buf_release(&seen.bytes);
}

static void a_tap_that_fails_ends_the_exchange_with_its_code(void **state)
{
    http_world *world = *state;
    CAIRN_AUTO_FREE uint8_t *data = mem_calloc(1, LARGE);
    tapped seen = {.bytes = {.limit = LARGE}, .fail_at = 1};
    const http_exchange exchange = {.method = CAIRN_HTTP_PUT,
                                    .source = {.data = data, .length = LARGE},
                                    .tap = see,
                                    .tap_context = &seen};
    script_server_expect(world->server, &(script_rule){0});

    ASSERT_CODE(http_world_send(world, &exchange, "/"), CAIRN_E_NO_SPACE, &world->err);

    ASSERT_MESSAGE_HAS(&world->err, "the tap is full");
    cairn_buf_release(&seen.bytes);
}

static void a_reply_names_the_address_of_its_peer(void **state)
{
    http_world *world = *state;
    char url[128];
    http_exchange exchange = {.url = url, .source = {.fd = -1}, .sink = {.length = 1000}};
    script_server_expect(world->server, &(script_rule){0});
    (void)snprintf(url, sizeof(url), "http://localhost:%u/", script_server_port(world->server));

    for (unsigned kept = 0; kept < 2; kept++) {
        ASSERT_OK(http_perform(world->client, NULL, &exchange, &world->err), &world->err);
        assert_string_equal(exchange.reply.peer, "127.0.0.1");
    }
    assert_int_equal(script_server_connections(world->server), 1);
    script_server_free(world->server);
    world->server = NULL; /* its port is closed now */
    ASSERT_CODE(http_perform(world->client, NULL, &exchange, &world->err), CAIRN_E_UNAVAILABLE,
                &world->err);
    assert_string_equal(exchange.reply.peer, "127.0.0.1");
    (void)snprintf(url, sizeof(url), "http://nobody.invalid/");
    ASSERT_CODE(http_perform(world->client, NULL, &exchange, &world->err), CAIRN_E_INVALID,
                &world->err);
    assert_string_equal(exchange.reply.peer, "");
    http_reply_release(&exchange.reply);
}

#define DATED "date: Fri, 24 May 2013 00:00:00 GMT\n"

static void a_wait_is_read_from_seconds_and_dates(void **state)
{
    static const struct {
        const char *headers;
        uint32_t wait_ms;
    } cases[] = {
        {"retry-after: 0\n", 0},
        {"retry-after: 12\n", 12000},
        {"retry-after: 60\n", 60000},
        {"retry-after: 61\n", CAIRN_RETRY_AFTER_MS_MAX},
        {"retry-after: 18446744073709551615\n", CAIRN_RETRY_AFTER_MS_MAX},
        {"retry-after: -1\n", 0},
        {"retry-after: 1.5\n", 0},
        {"retry-after: \n", 0},
        {"x-retry-after: 12\n", 0},
        {DATED "retry-after: Fri, 24 May 2013 00:00:02 GMT\n", 2000},
        {DATED "retry-after: Fri, 24 May 2014 00:00:02 GMT\n", CAIRN_RETRY_AFTER_MS_MAX},
        {DATED "retry-after: Fri, 24 May 2012 00:00:02 GMT\n", 0},
        {DATED "retry-after: Fri, 32 May 2013 00:00:02 GMT\n", 0},
        {"retry-after: Fri, 24 May 2013 00:00:02 GMT\n", 0},
        {"date: today\nretry-after: Fri, 24 May 2013 00:00:02 GMT\n", 0},
    };
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO(http_reply) reply = {.status = 503};
        ASSERT_OK(buf_append_text(&reply.headers, cases[i].headers, NULL), NULL);
        print_message("%s", cases[i].headers);
        assert_int_equal(http_retry_after_ms(&reply), cases[i].wait_ms);
    }
}

static void a_date_is_of_the_one_form_and_real(void **state)
{
    static const char *const bad[] = {"",
                                      "Fri, 24 May 2013 00:00:00 UTC",
                                      "Fri, 24 Mai 2013 00:00:00 GMT",
                                      "Fri, 30 Feb 2013 00:00:00 GMT",
                                      "Fri, 24 May 2013 24:00:00 GMT",
                                      "Fri, 24 May 2013 00:60:00 GMT",
                                      "Fri, 24 May 1969 00:00:00 GMT",
                                      "Friday, 24-May-13 00:00:00 GMT"};
    uint64_t ms = 7;
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(bad); i++) {
        assert_false(http_parse_date(cairn_slice_of(bad[i]), &ms));
        assert_int_equal(ms, 7);
    }
    assert_true(http_parse_date(cairn_slice_of("Tue, 29 Feb 2000 12:34:56 GMT"), &ms));
    assert_int_equal(ms, UINT64_C(951827696000));
}

#define CASE(run) cmocka_unit_test_setup_teardown(run, http_world_setup, http_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_tap_sees_each_byte_once_and_in_order),
        CASE(a_tap_begins_again_when_libcurl_does),
        CASE(a_tap_that_fails_ends_the_exchange_with_its_code),
        CASE(a_reply_names_the_address_of_its_peer),
        cmocka_unit_test(a_wait_is_read_from_seconds_and_dates),
        cmocka_unit_test(a_date_is_of_the_one_form_and_real),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
