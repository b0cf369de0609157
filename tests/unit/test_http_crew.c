#include "test.h"

#include "bounds.h"
#include "cancel.h"
#include "errors.h"
#include "http_world.h"
#include "threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PARTS      40
#define PART_BYTES ((size_t)100 << 10)

typedef struct part {
    http_exchange exchange;
    char url[HTTP_WORLD_URL_BYTES];
    unsigned tries;
    unsigned done;
    unsigned status;
    cairn_code code;
} part;

/* A crew that sends parts one after another, and again those that failed. */
typedef struct gang {
    part parts[PARTS];
    size_t count;
    size_t given;
    part *again[PARTS];
    size_t again_count;
    unsigned in_flight;
    unsigned most;
    unsigned tries_max;
    cairn_code fail_with; /* what `done` returns at the first one */
    unsigned waits;       /* how often `next` says "later" before it gives the next part */
} gang;

static http_exchange *give(gang *self, part *p)
{
    p->tries++;
    self->in_flight++;
    self->most = self->in_flight > self->most ? self->in_flight : self->most;
    return &p->exchange;
}

static http_exchange *next(void *context, uint64_t *out_wait_ms)
{
    gang *self = context;

    if (self->again_count > 0) {
        return give(self, self->again[--self->again_count]);
    }
    if (self->given == self->count) {
        return NULL;
    }
    if (self->waits > 0) {
        self->waits--;
        *out_wait_ms = 1;
        return NULL;
    }
    return give(self, &self->parts[self->given++]);
}

static cairn_code done(void *context, http_exchange *exchange, cairn_code code,
                       const cairn_error *why, cairn_error *err)
{
    gang *self = context;
    part *p = (part *)exchange; /* the first member */

    self->in_flight--;
    p->done++;
    p->code = code;
    p->status = exchange->reply.status;
    const bool failed = code != CAIRN_OK || exchange->reply.status != 200;
    if (failed && code != CAIRN_OK && why->message[0] == '\0') {
        return error_set(err, CAIRN_E_INTERNAL, "an error without a message");
    }
    http_reply_release(&exchange->reply);
    if (self->fail_with != CAIRN_OK) {
        return error_set(err, self->fail_with, "enough");
    }
    if (failed && p->tries < self->tries_max) {
        self->again[self->again_count++] = p;
    }
    return CAIRN_OK;
}

static uint8_t data[PARTS][PART_BYTES];

/* Uploads of `count` parts to "/0", "/1", ... */
static gang *gang_new(http_world *world, size_t count)
{
    gang *self = calloc(1, sizeof(*self));

    assert_non_null(self);
    self->count = count;
    http_world_pattern(data, sizeof(data));
    for (size_t i = 0; i < count; i++) {
        part *p = &self->parts[i];
        (void)snprintf(p->url, sizeof(p->url), "%s/%zu", script_server_url(world->server), i);
        p->exchange = (http_exchange){.method = CAIRN_HTTP_PUT,
                                      .url = p->url,
                                      .source = {.data = data[i], .length = PART_BYTES - i},
                                      .sink = {.length = 1000}};
    }
    return self;
}

static void gang_free(gang *self)
{
    for (size_t i = 0; i < self->count; i++) {
        http_reply_release(&self->parts[i].exchange.reply);
    }
    free(self);
}

static cairn_code run(http_world *world, gang *self, unsigned width, const cairn_call *call)
{
    const http_crew crew = {.context = self, .next = next, .done = done, .width = width};

    return http_crew_run(world->client, call, &crew, &world->err);
}

static void a_crew_sends_all_with_so_many_at_once_and_no_more_connections(void **state)
{
    static const struct {
        unsigned width;
        uint32_t connections;
        unsigned most;
    } cases[] = {{1, 0, 1}, {4, 0, 4}, {8, 8, 8}, {16, 3, 3}, {64, 64, PARTS}};
    http_world *world = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        http_world_server(world, NULL);
        http_world_client(world, &(http_options){.connections = cases[i].connections});
        script_server_expect(world->server, &(script_rule){.reply = {.body = "ok"}});
        gang *self = gang_new(world, PARTS);

        ASSERT_OK(run(world, self, cases[i].width, NULL), &world->err);

        assert_int_equal(self->most, cases[i].most);
        assert_true(script_server_connections(world->server) <= cases[i].most);
        assert_int_equal(script_server_count(world->server), PARTS);
        for (size_t k = 0; k < PARTS; k++) {
            const script_request *request = script_server_request(world->server, k);
            const size_t nth = strtoul(request->target + 1, NULL, 10);
            assert_int_equal(request->body_total, PART_BYTES - nth);
            assert_memory_equal(request->body, data[nth], PART_BYTES - nth);
            assert_int_equal(self->parts[k].done, 1);
            assert_int_equal(self->parts[k].status, 200);
        }
        gang_free(self);
    }
}

static void a_crew_without_work_ends_at_once(void **state)
{
    http_world *world = *state;
    gang *self = gang_new(world, 0);

    ASSERT_OK(run(world, self, 4, NULL), &world->err);

    assert_int_equal(http_client_requests(world->client), 0);
    gang_free(self);
}

static void a_width_out_of_range_is_refused(void **state)
{
    http_world *world = *state;
    gang *self = gang_new(world, 1);

    ASSERT_CODE(run(world, self, 0, NULL), CAIRN_E_INVALID, &world->err);
    ASSERT_CODE(run(world, self, CAIRN_HTTP_CREW_MAX + 1, NULL), CAIRN_E_INVALID, &world->err);

    assert_int_equal(self->given, 0);
    gang_free(self);
}

static void a_crew_that_must_wait_is_asked_again(void **state)
{
    http_world *world = *state;
    script_server_expect(world->server, &(script_rule){0});
    gang *self = gang_new(world, 2);
    self->waits = 5;

    ASSERT_OK(run(world, self, 4, NULL), &world->err);

    assert_int_equal(self->waits, 0);
    assert_int_equal(script_server_count(world->server), 2);
    gang_free(self);
}

static void failed_ones_are_given_again_and_the_others_are_not(void **state)
{
    http_world *world = *state;
    script_server_expect(world->server,
                         &(script_rule){.path = "/7", .times = 1, .act = SCRIPT_RESET, .at = 30});
    script_server_expect(world->server,
                         &(script_rule){.path = "/9", .times = 2, .reply = {.status = 503}});
    script_server_expect(world->server, &(script_rule){0});
    gang *self = gang_new(world, PARTS);
    self->tries_max = 3;

    ASSERT_OK(run(world, self, 4, NULL), &world->err);

    for (size_t i = 0; i < PARTS; i++) {
        const part *p = &self->parts[i];
        assert_int_equal(p->tries, i == 7 ? 2 : i == 9 ? 3 : 1);
        assert_int_equal(p->done, p->tries);
        assert_int_equal(p->status, 200);
        ASSERT_OK(p->code, NULL);
    }
    gang_free(self);
}

static void an_exchange_that_is_refused_before_it_is_sent_has_its_done_too(void **state)
{
    http_world *world = *state;
    script_server_expect(world->server, &(script_rule){0});
    gang *self = gang_new(world, 3);
    self->parts[1].exchange.url = "ftp://127.0.0.1/";

    ASSERT_OK(run(world, self, 2, NULL), &world->err);

    ASSERT_CODE(self->parts[1].code, CAIRN_E_INVALID, NULL);
    assert_int_equal(self->parts[1].done, 1);
    assert_int_equal(script_server_count(world->server), 2);
    gang_free(self);
}

static void an_error_of_done_ends_the_crew_and_drops_what_is_in_flight(void **state)
{
    http_world *world = *state;
    script_server_expect(world->server, &(script_rule){.path = "/0"});
    script_server_expect(world->server, &(script_rule){.act = SCRIPT_STALL});
    gang *self = gang_new(world, 4);
    self->fail_with = CAIRN_E_CANCELLED;

    ASSERT_CODE(run(world, self, 4, NULL), CAIRN_E_CANCELLED, &world->err);

    ASSERT_MESSAGE_HAS(&world->err, "enough");
    assert_int_equal(self->parts[0].done, 1);
    assert_int_equal(self->parts[1].done + self->parts[2].done + self->parts[3].done, 0);
    gang_free(self);
}

static void deadline_and_cancel_end_the_crew(void **state)
{
    http_world *world = *state;
    CAIRN_AUTO_PTR(cairn_cancel_free) cairn_cancel *cancel = NULL;
    ASSERT_OK(cairn_cancel_new(&cancel, &world->err), &world->err);
    script_server_expect(world->server, &(script_rule){.act = SCRIPT_STALL});
    gang *late = gang_new(world, 4);
    gang *cancelled = gang_new(world, 4);

    const cairn_call short_call = {.deadline_ms = cairn_deadline_in(100)};
    ASSERT_CODE(run(world, late, 4, &short_call), CAIRN_E_TIMEOUT, &world->err);
    ASSERT_MESSAGE_HAS(&world->err, "PUT http://127.0.0.1:");
    cairn_cancel_trigger(cancel);
    const cairn_call cancelled_call = {.cancel = cancel};
    ASSERT_CODE(run(world, cancelled, 4, &cancelled_call), CAIRN_E_CANCELLED, &world->err);

    assert_int_equal(late->most, 4);
    assert_int_equal(late->parts[0].done, 0);
    assert_true(late->parts[0].exchange.reply.maybe_effective);
    assert_int_equal(cancelled->given, 0);
    gang_free(late);
    gang_free(cancelled);
}

/* Ranges of one object into one file, from one crew. */
static void ranges_go_into_one_file_side_by_side(void **state)
{
    http_world *world = *state;
    char back[PART_BYTES];
    FILE *file = tmpfile();
    assert_non_null(file);
    gang *self = gang_new(world, PARTS);
    for (size_t i = 0; i < PARTS; i++) {
        part *p = &self->parts[i];
        script_server_expect(world->server,
                             &(script_rule){.path = strrchr(p->url, '/'),
                                            .times = 1,
                                            .reply = {.body = data[i], .body_len = PART_BYTES}});
        p->exchange = (http_exchange){.url = p->url,
                                      .sink = {.kind = CAIRN_HTTP_SINK_FILE,
                                               .fd = fileno(file),
                                               .offset = i * PART_BYTES,
                                               .length = PART_BYTES}};
    }

    /* One at a time in the order of the rules: "/1" would take "/10" else. */
    ASSERT_OK(run(world, self, 1, NULL), &world->err);

    for (size_t i = 0; i < PARTS; i++) {
        assert_int_equal(self->parts[i].status, 200);
        assert_int_equal(pread(fileno(file), back, PART_BYTES, (off_t)(i * PART_BYTES)),
                         (ssize_t)PART_BYTES);
        assert_memory_equal(back, data[i], PART_BYTES);
    }
    gang_free(self);
    assert_int_equal(fclose(file), 0);
}

typedef struct caller {
    http_world *world;
    unsigned wrong;
} caller;

static void many_gets(void *argument)
{
    caller *self = argument;

    for (unsigned i = 0; i < 20; i++) {
        cairn_error err = {0};
        CAIRN_AUTO(http_reply) reply = {0};
        http_exchange exchange = {.url = self->world->url, .sink = {.length = 100}};
        const cairn_code code = http_perform(self->world->client, NULL, &exchange, &err);
        reply = exchange.reply;
        self->wrong += code != CAIRN_OK || reply.status != 200 || reply.body.len != 2 ? 1 : 0;
    }
}

static void threads_use_one_client_without_waiting_for_each_other(void **state)
{
    http_world *world = *state;
    caller callers[8] = {0};
    script_server_expect(world->server, &(script_rule){.reply = {.body = "ok"}});
    (void)http_world_url(world, "/");
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(callers); i++) {
        callers[i].world = world;
    }

    threads_run(many_gets, callers, sizeof(callers[0]), CAIRN_ARRAY_LEN(callers));

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(callers); i++) {
        assert_int_equal(callers[i].wrong, 0);
    }
    assert_int_equal(http_client_requests(world->client), 160);
    assert_true(script_server_connections(world->server) <= CAIRN_ARRAY_LEN(callers));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, http_world_setup, http_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_crew_sends_all_with_so_many_at_once_and_no_more_connections),
        TEST(a_crew_without_work_ends_at_once),
        TEST(a_width_out_of_range_is_refused),
        TEST(a_crew_that_must_wait_is_asked_again),
        TEST(failed_ones_are_given_again_and_the_others_are_not),
        TEST(an_exchange_that_is_refused_before_it_is_sent_has_its_done_too),
        TEST(an_error_of_done_ends_the_crew_and_drops_what_is_in_flight),
        TEST(deadline_and_cancel_end_the_crew),
        TEST(ranges_go_into_one_file_side_by_side),
        TEST(threads_use_one_client_without_waiting_for_each_other),
    };
    return cmocka_run_group_tests_name("http crew", tests, NULL, NULL);
}
