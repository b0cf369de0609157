/*
 * HTTP for store drivers: one exchange, or a crew of them side by side, on libcurl's multi
 * interface. The only unit that includes <curl/curl.h>.
 *
 * Life cycle: http_client_new once per store; http_perform and http_crew_run from any thread;
 * http_client_free when no call runs. A client keeps idle lanes, each a curl multi handle with its
 * own pool of connections; a call borrows one lane, so calls never wait for each other and a
 * connection is never shared between threads.
 *
 * What an exchange does not do, ever: follow a redirect (the reply tells status and Location; the
 * driver decides), keep cookies, read netrc, obey proxy variables of the environment, decompress,
 * speak anything but HTTP/1.1 over http or https, print a header. TLS is 1.2 or higher with peer
 * and host verified. Each wait has a deadline, on the monotonic clock; a peer that sends less than
 * CAIRN_HTTP_LOW_SPEED_BYTES a second for CAIRN_HTTP_LOW_SPEED_S is given up. Headers of a reply
 * are bounded by CAIRN_HTTP_HEADER_BYTES_MAX, each body by its sink.
 *
 * Codes of a transport that failed (reference: libcurl's CURLcode): no connection, no DNS answer,
 * reset, cut body, low speed: CAIRN_E_UNAVAILABLE; the call's deadline: CAIRN_E_TIMEOUT;
 * certificate or TLS version: CAIRN_E_ACCESS; a reply that is not HTTP or beyond a bound:
 * CAIRN_E_UNAVAILABLE too, as it may be a proxy's; the local file: CAIRN_E_IO, CAIRN_E_NO_SPACE;
 * cancel: CAIRN_E_CANCELLED. Messages name scheme, host and port, never path, query or headers.
 *
 * libcurl itself repeats a request once when a kept connection turns out to be dead before any byte
 * of the reply, so one exchange may reach the server twice: with HTTP_FRESH_CONNECTION never.
 */
#ifndef CAIRN_NET_HTTP_H
#define CAIRN_NET_HTTP_H

#include <cairn/log.h>
#include <cairn/store.h>

#include "check.h"

typedef struct http_client http_client;

typedef struct http_options {
    const char *ca_file;         /* PEM bundle */
    const char *ca_path;         /* folder of hashed certificates; both NULL: the system's */
    const char *proxy;           /* "http://host:port"; NULL: none, whatever the environment says */
    bool allow_http;             /* else only https, and http to a loopback address */
    uint64_t connect_timeout_ms; /* 0: CAIRN_HTTP_CONNECT_MS */
    uint32_t low_speed_s;        /* 0: CAIRN_HTTP_LOW_SPEED_S */
    uint32_t connections;        /* of one lane, 1..CAIRN_HTTP_CREW_MAX; 0: 8 */
    bool negotiate;              /* SPNEGO may be asked for (HTTP_NEGOTIATE) */
} http_options;

/* Options are copied. Initialises libcurl, once per process, with cairn's allocator. */
cairn_code http_client_new(const http_options *options, http_client **out, cairn_error *err);
void http_client_free(http_client *client);
CAIRN_DEFINE_AUTO_PTR(http_client, http_client_free)

typedef enum http_method {
    CAIRN_HTTP_GET = 0,
    CAIRN_HTTP_HEAD = 1,
    CAIRN_HTTP_PUT = 2,
    CAIRN_HTTP_POST = 3,
    CAIRN_HTTP_DELETE = 4
} http_method;

/* "GET" */
const char *http_method_name(http_method method);

/* What is sent: bytes in memory, or of an open file from an offset (read with pread, so several
 * exchanges may share it). Always with Content-Length. Neither: no body; PUT and POST then say
 * "Content-Length: 0". Borrowed for the exchange. */
typedef struct http_source {
    const void *data;
    int fd; /* used if data is NULL and length > 0 */
    uint64_t offset;
    uint64_t length;
} http_source;

/*
 * Sees what is sent, as it is read for libcurl: each byte of the source once and in order. `offset`
 * 0 is the beginning, also when libcurl begins again (a kept connection was dead, a challenge is to
 * be answered): then what was seen before is void. On the thread that drives the exchange; an error
 * ends the exchange.
 */
typedef cairn_code (*http_tap)(void *context, uint64_t offset, cairn_slice data, cairn_error *err);

/*
 * Where the body of a reply with a status of 2xx goes. Other bodies always go to reply.body, at
 * most CAIRN_HTTP_ERROR_BYTES_MAX of them, the rest is dropped.
 */
typedef enum http_sink_kind {
    CAIRN_HTTP_SINK_BODY =
        0, /* appended to reply.body, at most `length` bytes: else CAIRN_E_LIMIT */
    CAIRN_HTTP_SINK_MEMORY = 1, /* into `data`, at most `length` bytes */
    CAIRN_HTTP_SINK_FILE = 2    /* pwrite to `fd` from `offset`, at most `length` bytes */
} http_sink_kind;

/* With MEMORY and FILE a body longer than `length` is CAIRN_E_INTEGRITY; a shorter one is told by
 * reply.received, which the caller compares. Borrowed for the exchange. */
typedef struct http_sink {
    http_sink_kind kind;
    void *data;
    int fd;
    uint64_t offset;
    uint64_t length;
} http_sink;

#define HTTP_FRESH_CONNECTION 1u /* a new connection: the request is sent exactly once */
#define HTTP_PATIENT          2u /* no low-speed limit: the server works long before it answers */
#define HTTP_EXPECT           4u /* "Expect: 100-continue": wait for a refusal before a large body */
#define HTTP_NEGOTIATE        8u  /* answer a 401 with SPNEGO from the credential cache */
#define HTTP_CLOSE            16u /* close the connection afterwards */

#define HTTP_PEER_BYTES 46 /* of an IPv6 address */

/* Filled by the exchange; zero-initialise, and release after each use. */
typedef struct http_reply {
    unsigned status;            /* the final one, >= 200; 0: there was no reply */
    cairn_buf headers;          /* "name: value\n" lines of the final reply, names in lower case */
    cairn_buf body;             /* see http_sink_kind */
    uint64_t received;          /* bytes of the body that arrived */
    uint64_t sent;              /* bytes of the request's body that were handed to the connection */
    bool maybe_effective;       /* it failed, but the server may have got all of the request */
    char peer[HTTP_PEER_BYTES]; /* address that was connected to, else tried last, of
                                   those of IPv4 if there are any; "": none */
} http_reply;

void http_reply_release(http_reply *reply);
CAIRN_DEFINE_AUTO(http_reply, http_reply_release)

/* The value of a header of the reply (name in lower case), without blanks around it; false if it is
 * absent. If there are several of one name, the first. Borrowed from the reply. */
bool http_header(const http_reply *reply, const char *name, cairn_slice *out);

/* "Fri, 24 May 2013 00:00:00 GMT" to milliseconds since 1970; false if it is anything else. */
bool http_parse_date(cairn_slice text, uint64_t *out_ms);

/* How long the server asks to be left alone (Retry-After: RFC 9110, 10.2.3), at most
 * CAIRN_RETRY_AFTER_MS_MAX; 0: it does not. A date counts from the server's own: ours may be wrong.
 */
uint32_t http_retry_after_ms(const http_reply *reply);

/* One request and its reply. In, but for `reply`; all borrowed until it ended. */
typedef struct http_exchange {
    http_method method;
    const char *url;            /* sent byte for byte; scheme http or https, no user info */
    const char *const *headers; /* "name: value" lines, NULL at the end; no CR, LF, NUL */
    http_source source;
    http_tap tap; /* may be NULL */
    void *tap_context;
    http_sink sink;
    unsigned flags;   /* HTTP_ */
    uint32_t halt_ms; /* in the middle of the source: the calling thread sleeps */
    const char
        *connect_to; /* "host:port": connect there; Host and TLS name stay. NULL: as the URL says */
    http_reply reply;
} http_exchange;

/* Any status is CAIRN_OK: the transport worked. A URL or header that breaks the rules above is
 * CAIRN_E_INVALID. */
cairn_code http_perform(http_client *client, const cairn_call *call, http_exchange *exchange,
                        cairn_error *err);

/*
 * Several exchanges at once, from one thread: parts of an upload, ranges of a download.
 *
 * `next` gives an exchange to begin, or NULL: if none is in flight either, the crew is done, unless
 * *out_wait_ms was set: then it is asked again after that time at the latest. It is called while
 * less than `width` are in flight. `done` gets each exchange when it ended (`code` and `why` are
 * its outcome, as of http_perform) and may let `next` give it again; an error that `done` returns
 * ends the crew: what is in flight is dropped, and the crew returns that error. The deadline and
 * the cancel end it the same way. What was dropped has no `done`; its reply tells as much as is
 * known. Never more than the client's `connections` are in flight. All on the caller's thread.
 */
typedef struct http_crew {
    void *context;
    http_exchange *(*next)(void *context, uint64_t *out_wait_ms);
    cairn_code (*done)(void *context, http_exchange *exchange, cairn_code code,
                       const cairn_error *why, cairn_error *err);
    unsigned width; /* 1..CAIRN_HTTP_CREW_MAX */
} http_crew;

cairn_code http_crew_run(http_client *client, const cairn_call *call, const http_crew *crew,
                         cairn_error *err);

/* Requests begun since the client was made. [any thread] */
uint64_t http_client_requests(const http_client *client);

#endif
