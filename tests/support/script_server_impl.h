/* The inside of the scripted server: what its files share. */
#ifndef CAIRN_TESTS_SCRIPT_SERVER_IMPL_H
#define CAIRN_TESTS_SCRIPT_SERVER_IMPL_H

#include "script_server.h"
#include "tmpdir.h"

#include <pthread.h>
#include <sys/types.h>

#include <openssl/types.h>

/* Growable; `data` always has a NUL after `len` bytes once something was added. */
typedef struct script_bytes {
    char *data;
    size_t len;
    size_t capacity;
} script_bytes;

void script_bytes_add(script_bytes *bytes, const void *data, size_t len);
void script_bytes_text(script_bytes *bytes, const char *text);

#define SCRIPT_INPUT_BYTES ((size_t)256 << 10)

typedef struct script_connection {
    script_server *server;
    struct script_connection *next; /* under the server's lock */
    pthread_t thread;
    unsigned number;
    int fd;      /* -1 when closed; written under the server's lock */
    bool done;   /* its thread is about to end; under the server's lock */
    SSL *ssl;    /* NULL: plain */
    char *input; /* of SCRIPT_INPUT_BYTES: read but not used yet */
    size_t input_begin;
    size_t input_end;
} script_connection;

typedef struct script_state {
    script_rule rule;
    unsigned seen; /* requests that fitted */
} script_state;

struct script_server {
    script_server_options options;
    int listener;
    unsigned port;
    char url[64];
    char address[32];
    tmpdir *dir;
    char ca[TMPDIR_PATH_BYTES];
    SSL_CTX *tls;
    pthread_t acceptor;
    bool accepting;

    pthread_mutex_t lock; /* everything below */
    pthread_cond_t changed;
    bool stopping;
    script_connection *connections;
    unsigned accepted;
    script_state rules[SCRIPT_SERVER_RULES_MAX];
    size_t rules_count;
    script_request **journal;
    size_t journal_count;
    bool drops_bodies;
    size_t unexpected;
};

/* script_server_io.c: bytes of a connection. Reading gives 0 at the end, -1 on failure. */
ssize_t script_io_read(script_connection *connection, void *data, size_t size);
bool script_io_write(script_connection *connection, const void *data, size_t len);
/* False if the peer or the server ended the connection meanwhile. */
bool script_io_sleep(script_connection *connection, unsigned ms);
/* Until the peer or the server ends the connection; what arrives is dropped if `drain`. */
void script_io_linger(script_connection *connection, bool drain);
void script_io_close(script_connection *connection, bool reset);

/* script_server_request.c. A head of a request, read; the body comes later. */
typedef struct script_incoming {
    script_request *request;
    uint64_t length;
    bool chunked;
    bool wants_continue;
    bool wants_close;
} script_incoming;

/* False: the connection ended, or what came is no request. */
bool script_request_read_head(script_connection *connection, script_incoming *out);
/* Up to `end` bytes of the body in all. False: the connection ended before. */
bool script_request_read_body(script_connection *connection, script_incoming *incoming,
                              uint64_t end);
void script_request_free(script_request *request);

/* script_server_reply.c. Each returns whether the connection may be used again. */
bool script_reply_send(script_connection *connection, const script_incoming *incoming,
                       const script_rule *rule, script_reply *reply);
bool script_reply_raw(script_connection *connection, const script_rule *rule);

/* script_server_tls.c. 0, or -1 with a line on stderr. */
int script_tls_init(script_server *server);
void script_tls_release(script_server *server);
SSL *script_tls_accept(const script_server *server, int fd);

#endif
