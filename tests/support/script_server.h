/*
 * A scripted HTTP/1.1 server for tests of what speaks HTTP: threads of this process on 127.0.0.1,
 * at a port that the kernel chooses, plain or with TLS. Drivers and the HTTP layer talk to it;
 * rules say how it answers, and how it misbehaves.
 *
 *     script_server *server = NULL;
 *     assert_int_equal(script_server_new(NULL, &server), 0);
 *     script_server_expect(server, &(script_rule){.method = "PUT", .path = "/bucket/", .times = 1,
 *                                                 .reply = {.status = 503, .body = "slow down"}});
 *     script_server_expect(server, &(script_rule){.path = "/bucket/", .call = fake_s3,
 *                                                 .context = &objects});
 *     ... use script_server_url(server) ...
 *     const script_request *first = script_server_request(server, 0);
 *     assert_string_equal(first->target, "/bucket/key");
 *     script_server_free(server);
 *
 * For each request the rules are asked in the order in which they were added; the first whose
 * method and path fit, and which is not used up, acts. A rule with a callback is a whole fake of a
 * server; rules before it plant the faults. Without a fitting rule the reply is 404 "no rule".
 *
 * Connections are kept alive unless a rule, the request or the end of a body says otherwise. A body
 * must have a Content-Length: a chunked one gets 411, as from S3. "Expect: 100-continue" is
 * answered by 100 unless the rule says otherwise.
 *
 * Thread safety: all functions but new and free from any thread. Nothing here allocates by
 * mem_alloc, so that a sweep over allocations counts only the product's. Misuse fails the test.
 */
#ifndef CAIRN_TESTS_SCRIPT_SERVER_H
#define CAIRN_TESTS_SCRIPT_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct script_server script_server;

#define SCRIPT_SERVER_BODY_KEPT ((size_t)1 << 20)

typedef struct script_server_options {
    bool tls;             /* with a certificate for "localhost" and 127.0.0.1, signed by a new CA */
    bool tls_expired;     /* the certificate ended yesterday */
    const char *tls_host; /* the only name of the certificate; NULL: those above */
    int tls_version_min;  /* TLS1_2_VERSION of OpenSSL and so on; 0: TLS 1.0 */
    int tls_version_max;  /* 0: TLS 1.3 */
    size_t body_kept;     /* bytes of a request's body in the journal; 0: SCRIPT_SERVER_BODY_KEPT */
    unsigned idle_ms;     /* closes a connection that was idle for so long; 0: never */
} script_server_options;

/* 0, or -1 with a line on stderr. `options` may be NULL. */
int script_server_new(const script_server_options *options, script_server **out);
/* Ends all connections and threads. NULL is fine. */
void script_server_free(script_server *server);

/* "http://127.0.0.1:PORT" or "https://localhost:PORT"; borrowed. */
const char *script_server_url(const script_server *server);
/* "127.0.0.1:PORT"; borrowed. */
const char *script_server_address(const script_server *server);
/* Path of the CA's certificate (PEM), borrowed; NULL without TLS. */
const char *script_server_ca(const script_server *server);
unsigned script_server_port(const script_server *server);

/* A request as it arrived. */
typedef struct script_request {
    char *method;
    char *target;        /* path and query, byte for byte */
    char *headers;       /* "name: value\n" lines, names in lower case, in order */
    char *body;          /* a NUL stands after it */
    size_t body_len;     /* of what was kept */
    uint64_t body_total; /* what arrived: less than announced if the rule ended it early */
    unsigned connection; /* 1 is the first that was accepted */
} script_request;

/* Value of the first header of this name (lower case), cut at `size`; false if there is none. */
bool script_request_header(const script_request *request, const char *name, char *out, size_t size);

typedef enum script_length {
    SCRIPT_LENGTH_RIGHT = 0,   /* Content-Length of the body */
    SCRIPT_LENGTH_NONE = 1,    /* neither length nor chunks: the end of the connection ends it */
    SCRIPT_LENGTH_CHUNKED = 2, /* Transfer-Encoding: chunked */
    SCRIPT_LENGTH_CLAIMED = 3  /* Content-Length says length_claimed */
} script_length;

typedef struct script_reply {
    unsigned status;     /* 0 is 200 */
    const char *headers; /* "Name: value\r\n" each, borrowed; NULL: none but length, Connection */
    const void *body;    /* borrowed */
    size_t body_len;     /* 0 with a body: it is a text */
    script_length length;
    uint64_t length_claimed;
    bool close;          /* says "Connection: close" and closes */
    unsigned delay_ms;   /* before the first byte */
    unsigned drip_bytes; /* the whole reply in pieces of so many bytes; 0: at once */
    unsigned drip_ms;    /* between two pieces */
    unsigned interim;    /* so many "103 Early Hints" before it */
    char *owned_headers; /* the functions below; freed by the server */
    char *owned_body;
} script_reply;

/* For callbacks: adds "Name: value", printf-like; copies a body. */
void script_reply_header(script_reply *reply, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void script_reply_body(script_reply *reply, const void *data, size_t len);
void script_reply_text(script_reply *reply, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Makes the reply: `reply` comes as the rule has it. Called on the thread of the connection, for
 * several connections at once, without any lock of the server; it must not assert, and it may block
 * only for so long as nobody frees the server.
 */
typedef void (*script_call)(void *context, const script_request *request, script_reply *reply);

typedef enum script_act {
    SCRIPT_REPLY = 0, /* the whole reply */
    /* After the request came whole, and after the callback was called: `at` bytes of the reply,
     * then the connection ends in order, is reset, or stays open and silent. 0: no answer at all.
     */
    SCRIPT_CLOSE = 1,
    SCRIPT_RESET = 2,
    SCRIPT_STALL = 3,
    /* When `at` bytes of the request's body came. Without 100 Continue if `at` is 0. */
    SCRIPT_RESET_REQUEST = 4, /* the connection is reset; the callback is not called */
    SCRIPT_STALL_REQUEST = 5, /* nothing more is read, the connection stays open */
    SCRIPT_EARLY = 6,         /* replies with Connection: close, ignores the rest of the body */
    SCRIPT_RAW = 7            /* sends `raw` instead of a reply, then closes */
} script_act;

typedef enum script_expect {
    SCRIPT_EXPECT_ANSWER = 0, /* 100 Continue if it was asked for */
    SCRIPT_EXPECT_IGNORE = 1, /* never, reads on */
    SCRIPT_EXPECT_ALWAYS = 2  /* 100 Continue before every body, as a DataNode */
} script_expect;

/* Texts, bodies and context are borrowed until the server is freed or told to forget. */
typedef struct script_rule {
    const char *method; /* NULL: any */
    const char *path;   /* the target begins with it; NULL: any */
    unsigned skip;      /* leaves so many fitting requests to later rules */
    unsigned times;     /* then acts on so many; 0: on all */
    script_act act;
    uint64_t at;  /* bytes, see script_act */
    bool at_body; /* `at` counts from the beginning of the reply's body */
    script_expect expect;
    script_reply reply;
    script_call call; /* makes the reply; NULL: `reply` is it */
    void *context;
    const void *raw;
    size_t raw_len;        /* 0: it is a text */
    const char *raw_again; /* sent after it without end, until the peer closes */
} script_rule;

#define SCRIPT_SERVER_RULES_MAX 64

void script_server_expect(script_server *server, const script_rule *rule);
/* Forgets all rules; the journal stays. Connections stay open. */
void script_server_forget(script_server *server);
/* From now a request in the journal has no body (NULL) once it is answered: for many large ones. */
void script_server_drop_bodies(script_server *server);

/* Requests in the journal: each from when it was read as far as its rule wants, before its reply.
 */
size_t script_server_count(script_server *server);
/* The i-th, borrowed until the server is freed; fails the test if there is none. */
const script_request *script_server_request(script_server *server, size_t index);
/* Waits until the journal holds `count`. */
void script_server_wait(script_server *server, size_t count);
/* Requests without a fitting rule. */
size_t script_server_unexpected(script_server *server);
/* Connections accepted since the start. */
unsigned script_server_connections(script_server *server);
/* Closes all connections that are open now, as a server that is restarted does; the port stays. */
void script_server_drop(script_server *server);

#endif
