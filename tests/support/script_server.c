#include "test.h"

#include "script_server.h"

#include "script_server_impl.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 128
/* How often the acceptor looks whether it must end. */
#define ACCEPT_POLL_MS 20

static bool rule_fits(const script_rule *rule, const script_request *request)
{
    return (rule->method == NULL || strcmp(rule->method, request->method) == 0) &&
           (rule->path == NULL || strncmp(rule->path, request->target, strlen(rule->path)) == 0);
}

/* A copy of the rule that acts on the request; counts it. */
static script_rule pick_rule(script_server *server, const script_request *request)
{
    script_rule found = {.reply = {.status = 404, .body = "no rule\n"}};

    pthread_mutex_lock(&server->lock);
    bool has_rule = false;
    for (size_t i = 0; i < server->rules_count && !has_rule; i++) {
        script_state *state = &server->rules[i];
        const script_rule *rule = &state->rule;
        if (rule_fits(rule, request)) {
            const unsigned nth = state->seen++;
            has_rule = nth >= rule->skip && (rule->times == 0 || nth < rule->skip + rule->times);
            found = has_rule ? *rule : found;
        }
    }
    server->unexpected += has_rule ? 0 : 1;
    pthread_mutex_unlock(&server->lock);
    return found;
}

static void write_journal(script_server *server, script_request *request)
{
    pthread_mutex_lock(&server->lock);
    script_request **larger =
        realloc(server->journal, (server->journal_count + 1) * sizeof(void *));
    if (larger == NULL) {
        abort();
    }
    server->journal = larger;
    server->journal[server->journal_count++] = request;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

static void drop_body(script_server *server, script_request *request)
{
    pthread_mutex_lock(&server->lock);
    if (server->drops_bodies) {
        free(request->body);
        request->body = NULL;
        request->body_len = 0;
    }
    pthread_mutex_unlock(&server->lock);
}

static bool ends_in_request(const script_rule *rule)
{
    return rule->act == SCRIPT_RESET_REQUEST || rule->act == SCRIPT_STALL_REQUEST ||
           rule->act == SCRIPT_EARLY;
}

/* Reads the body as far as the rule wants it. */
static bool take_body(script_connection *connection, script_incoming *incoming,
                      const script_rule *rule)
{
    const bool early = ends_in_request(rule);
    const uint64_t end = early && rule->at < incoming->length ? rule->at : incoming->length;
    const bool asked = incoming->wants_continue && rule->expect == SCRIPT_EXPECT_ANSWER;

    if (end > 0 && (asked || rule->expect == SCRIPT_EXPECT_ALWAYS)) {
        static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
        if (!script_io_write(connection, go_on, sizeof(go_on) - 1)) {
            return false;
        }
    }
    return script_request_read_body(connection, incoming, end);
}

static bool act(script_connection *connection, const script_incoming *incoming, script_rule *rule)
{
    if (rule->act == SCRIPT_RESET_REQUEST) {
        script_io_close(connection, true);
        return false;
    }
    if (rule->act == SCRIPT_STALL_REQUEST) {
        script_io_linger(connection, false);
        return false;
    }
    if (rule->act == SCRIPT_RAW) {
        return script_reply_raw(connection, rule);
    }
    script_reply reply = rule->reply;
    if (incoming->chunked) {
        reply = (script_reply){.status = 411, .close = true};
    } else if (rule->call != NULL) {
        rule->call(rule->context, incoming->request, &reply);
    }
    const bool again = script_reply_send(connection, incoming, rule, &reply);
    free(reply.owned_headers);
    free(reply.owned_body);
    return again;
}

/* One request and its answer; false when the connection is at its end. */
static bool serve_one(script_connection *connection)
{
    script_incoming incoming = {0};

    if (!script_request_read_head(connection, &incoming)) {
        return false;
    }
    script_rule rule = pick_rule(connection->server, incoming.request);
    const bool whole = take_body(connection, &incoming, &rule);
    write_journal(connection->server, incoming.request);
    const bool again = whole && act(connection, &incoming, &rule);
    drop_body(connection->server, incoming.request);
    return again;
}

static void *serve(void *argument)
{
    script_connection *connection = argument;
    script_server *server = connection->server;
    bool usable = true;

    connection->input = malloc(SCRIPT_INPUT_BYTES);
    if (connection->input == NULL) {
        abort();
    }
    if (server->tls != NULL) {
        connection->ssl = script_tls_accept(server, connection->fd);
        usable = connection->ssl != NULL;
    }
    while (usable && serve_one(connection)) {
    }
    script_io_close(connection, false);
    free(connection->input);
    pthread_mutex_lock(&server->lock);
    connection->done = true;
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

/* Joins the threads that ended, or all of them. */
static void reap(script_server *server, bool all)
{
    script_connection *ended = NULL;

    pthread_mutex_lock(&server->lock);
    script_connection **link = &server->connections;
    while (*link != NULL) {
        script_connection *connection = *link;
        if (all || connection->done) {
            *link = connection->next;
            connection->next = ended;
            ended = connection;
        } else {
            link = &connection->next;
        }
    }
    pthread_mutex_unlock(&server->lock);
    while (ended != NULL) {
        script_connection *next = ended->next;
        (void)pthread_join(ended->thread, NULL);
        free(ended);
        ended = next;
    }
}

static void start_connection(script_server *server, int fd)
{
    const int on = 1;
    script_connection *connection = calloc(1, sizeof(*connection));

    if (connection == NULL) {
        abort();
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    connection->server = server;
    connection->fd = fd;
    pthread_mutex_lock(&server->lock);
    connection->number = ++server->accepted;
    if (pthread_create(&connection->thread, NULL, serve, connection) != 0) {
        abort();
    }
    connection->next = server->connections;
    server->connections = connection;
    pthread_mutex_unlock(&server->lock);
}

static bool is_stopping(script_server *server)
{
    pthread_mutex_lock(&server->lock);
    const bool stopping = server->stopping;
    pthread_mutex_unlock(&server->lock);
    return stopping;
}

static void *accept_all(void *argument)
{
    script_server *server = argument;

    while (!is_stopping(server)) {
        struct pollfd ready = {.fd = server->listener, .events = POLLIN};
        if (poll(&ready, 1, ACCEPT_POLL_MS) == 1) {
            const int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
            if (fd >= 0) {
                start_connection(server, fd);
            }
        }
        reap(server, false);
    }
    return NULL;
}

static int listen_loopback(script_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);

    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (server->listener < 0 ||
        bind(server->listener, (const struct sockaddr *)&address, len) != 0 ||
        listen(server->listener, BACKLOG) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &len) != 0) {
        print_error("script server: %s\n", strerror(errno));
        return -1;
    }
    server->port = ntohs(address.sin_port);
    (void)snprintf(server->address, sizeof(server->address), "127.0.0.1:%u", server->port);
    (void)snprintf(server->url, sizeof(server->url), "%s:%u",
                   server->options.tls ? "https://localhost" : "http://127.0.0.1", server->port);
    return 0;
}

/* Threads inherit the mask: a peer that is gone must not end the test program. */
static int start_acceptor(script_server *server)
{
    sigset_t all;
    sigset_t before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    server->accepting = pthread_create(&server->acceptor, NULL, accept_all, server) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return server->accepting ? 0 : -1;
}

int script_server_new(const script_server_options *options, script_server **out)
{
    script_server *server = calloc(1, sizeof(*server));

    if (server == NULL) {
        return -1;
    }
    server->options = options != NULL ? *options : (script_server_options){0};
    if (server->options.body_kept == 0) {
        server->options.body_kept = SCRIPT_SERVER_BODY_KEPT;
    }
    server->listener = -1;
    (void)pthread_mutex_init(&server->lock, NULL);
    (void)pthread_cond_init(&server->changed, NULL);
    if (listen_loopback(server) != 0 || (server->options.tls && script_tls_init(server) != 0) ||
        start_acceptor(server) != 0) {
        script_server_free(server);
        return -1;
    }
    *out = server;
    return 0;
}

void script_server_drop(script_server *server)
{
    pthread_mutex_lock(&server->lock);
    for (script_connection *c = server->connections; c != NULL; c = c->next) {
        if (c->fd >= 0) {
            (void)shutdown(c->fd, SHUT_RDWR);
        }
    }
    pthread_mutex_unlock(&server->lock);
}

void script_server_free(script_server *server)
{
    if (server == NULL) {
        return;
    }
    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    pthread_mutex_unlock(&server->lock);
    if (server->accepting) {
        (void)pthread_join(server->acceptor, NULL);
    }
    script_server_drop(server);
    reap(server, true);
    if (server->listener >= 0) {
        (void)close(server->listener);
    }
    for (size_t i = 0; i < server->journal_count; i++) {
        script_request_free(server->journal[i]);
    }
    free(server->journal);
    script_tls_release(server);
    tmpdir_free(server->dir);
    (void)pthread_cond_destroy(&server->changed);
    (void)pthread_mutex_destroy(&server->lock);
    free(server);
}

const char *script_server_url(const script_server *server)
{
    return server->url;
}

const char *script_server_address(const script_server *server)
{
    return server->address;
}

const char *script_server_ca(const script_server *server)
{
    return server->tls != NULL ? server->ca : NULL;
}

unsigned script_server_port(const script_server *server)
{
    return server->port;
}

void script_server_expect(script_server *server, const script_rule *rule)
{
    pthread_mutex_lock(&server->lock);
    const bool fits = server->rules_count < SCRIPT_SERVER_RULES_MAX;
    if (fits) {
        server->rules[server->rules_count++] = (script_state){.rule = *rule};
    }
    pthread_mutex_unlock(&server->lock);
    assert_true(fits);
}

void script_server_forget(script_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->rules_count = 0;
    pthread_mutex_unlock(&server->lock);
}

void script_server_drop_bodies(script_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->drops_bodies = true;
    pthread_mutex_unlock(&server->lock);
}

size_t script_server_count(script_server *server)
{
    pthread_mutex_lock(&server->lock);
    const size_t count = server->journal_count;
    pthread_mutex_unlock(&server->lock);
    return count;
}

const script_request *script_server_request(script_server *server, size_t index)
{
    pthread_mutex_lock(&server->lock);
    const script_request *request = index < server->journal_count ? server->journal[index] : NULL;
    pthread_mutex_unlock(&server->lock);
    assert_non_null(request);
    return request;
}

void script_server_wait(script_server *server, size_t count)
{
    pthread_mutex_lock(&server->lock);
    while (server->journal_count < count) {
        (void)pthread_cond_wait(&server->changed, &server->lock);
    }
    pthread_mutex_unlock(&server->lock);
}

size_t script_server_unexpected(script_server *server)
{
    pthread_mutex_lock(&server->lock);
    const size_t count = server->unexpected;
    pthread_mutex_unlock(&server->lock);
    return count;
}

unsigned script_server_connections(script_server *server)
{
    pthread_mutex_lock(&server->lock);
    const unsigned count = server->accepted;
    pthread_mutex_unlock(&server->lock);
    return count;
}
