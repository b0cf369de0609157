/*
 * The inside of the HTTP client: what the files of src/net share.
 *
 * A transfer is one curl easy handle and the exchange that it carries now. A lane is one curl multi
 * handle with its transfers; it belongs to one thread while it is borrowed.
 */
#ifndef CAIRN_NET_HTTP_IMPL_H
#define CAIRN_NET_HTTP_IMPL_H

#include "bounds.h"
#include "http.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include <curl/curl.h>

typedef struct http_lane http_lane;

struct http_client {
    http_options options; /* strings owned; constant after new */
    char *ca_file;
    char *ca_path;
    char *proxy;
    char user_agent[32];
    _Atomic uint64_t requests;
    _Atomic uint64_t waited_in_vain_ms; /* when an exchange last got no answer in time; 0: never */

    pthread_mutex_t lock; /* the rest */
    http_lane *idle;      /* the one used last comes first */
    unsigned idle_count;
};

/* http_url.c: what may be asked for at all. Pure. */
typedef struct http_origin {
    bool is_tls;
    cairn_slice text; /* "https://host:port" as in the URL, borrowed from it */
} http_origin;
cairn_code http_origin_of(const http_options *options, const http_exchange *exchange,
                          http_origin *out, cairn_error *err);
cairn_code http_exchange_check(const http_options *options, const http_exchange *exchange,
                               cairn_error *err);
/* Does one of the exchange's own headers have this name (any case)? */
bool http_has_header(const http_exchange *exchange, const char *name);

/* http_codes.c: the code for a failed transfer; `text` is libcurl's message. Pure. */
cairn_code http_code_of(CURLcode result, const char *text);
/* Is it a wait that ended in vain, so that open connections and known addresses may be dead? */
bool http_is_vain_wait(CURLcode result);

/* http_memory.c: libcurl on cairn's allocator. */
cairn_code http_curl_init(cairn_error *err);
/* Has an allocation of libcurl failed on this thread since http_memory_forget? */
bool http_memory_failed(void);
void http_memory_forget(void);

/* http_transfer.c, http_reply_in.c */
typedef struct http_transfer {
    CURL *easy;
    http_exchange *exchange; /* NULL: idle */
    const http_client *client;
    struct curl_slist *headers;
    struct curl_slist *connect_to;
    uint64_t position; /* in the source: what libcurl has asked for */
    uint64_t furthest; /* of all positions: libcurl may begin again */
    uint64_t header_bytes;
    unsigned status;   /* of the newest status line */
    bool headers_done; /* of that status */
    bool enough;       /* the rest of the body is not wanted: ended on purpose */
    cairn_code code;   /* why a callback ended it */
    cairn_error error;
    char text[CURL_ERROR_SIZE];
    char peer[HTTP_PEER_BYTES];
} http_transfer;

cairn_code http_transfer_new(const http_client *client, http_transfer **out, cairn_error *err);
void http_transfer_free(http_transfer *transfer);
CAIRN_DEFINE_AUTO_PTR(http_transfer, http_transfer_free)

/* Sets the handle up; fails with what is wrong with the exchange. */
cairn_code http_transfer_begin(http_transfer *transfer, const cairn_call *call,
                               http_exchange *exchange, cairn_error *err);
/* Fills the reply and makes the transfer idle; the outcome of the exchange. */
cairn_code http_transfer_end(http_transfer *transfer, CURLcode result, cairn_error *err);
/* The same for one that was broken off; `code` is why. */
void http_transfer_abandon(http_transfer *transfer);
/* "GET https://host:port", for messages. */
#define HTTP_LABEL_SIZE 320
void http_label(const http_exchange *exchange, char out[HTTP_LABEL_SIZE]);

/* libcurl's callbacks; `context` is the transfer. */
size_t http_on_header(char *data, size_t size, size_t count, void *context);
size_t http_on_body(char *data, size_t size, size_t count, void *context);

/* http.c: lanes. */
struct http_lane {
    http_lane *next;
    CURLM *multi;
    uint64_t taken_ms;
    http_transfer *transfers[CAIRN_HTTP_CREW_MAX]; /* made when needed; from the front */
};
cairn_code http_lane_take(http_client *client, http_lane **out, cairn_error *err);
void http_lane_return(http_client *client, http_lane *lane);
/* An idle transfer of the lane. */
cairn_code http_lane_transfer(const http_client *client, http_lane *lane, http_transfer **out,
                              cairn_error *err);

#endif
