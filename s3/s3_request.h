/*
 * One request to S3: signed anew each time it is sent, with the keys, the clock and the place that
 * count then; and what may be mended once in it when it is refused: the clock, the keys, the
 * region, and AWS's detour of a new bucket.
 *
 * Recipe, alone:
 *     s3_request request = {.method = CAIRN_HTTP_GET, .asked = CAIRN_S3_ASKED_GET, .key = key};
 *     s3_request_header(&request, "range", "bytes=0-9");
 *     CAIRN_AUTO(s3_exchange) x = {.store = store, .call = call, .request = &request};
 *     CAIRN_TRY(s3_exchange_send(&x, err));          // status 2xx; x.http.reply is the reply
 * In a crew: s3_exchange_prepare, give x.http to the crew, then s3_exchange_judge; if it says
 * "again", prepare it once more.
 *
 * An exchange must not be moved between prepare and its end. Not safe for several threads at once.
 */
#ifndef CAIRN_S3_S3_REQUEST_H
#define CAIRN_S3_S3_REQUEST_H

#include "bounds.h"
#include "s3_store.h"

#define S3_REQUEST_PAIRS_MAX 16

typedef struct s3_pairs {
    sigv4_pair items[S3_REQUEST_PAIRS_MAX];
    size_t count;
} s3_pairs;

/* What to ask. All borrowed until the exchange ended. */
typedef struct s3_request {
    http_method method;
    s3_asked asked;
    const char *key; /* below the store's prefix; NULL: the bucket */
    s3_pairs query;
    s3_pairs headers; /* names in lower case; beside those that every request has */
    http_source source;
    const char *payload_hash; /* of the source; NULL: there is none, or it is not to be signed */
    http_sink sink;
    unsigned flags;   /* HTTP_ */
    uint32_t halt_ms; /* see cairn_put_body */
} s3_request;

void s3_request_query(s3_request *request, const char *name, const char *value);
void s3_request_header(s3_request *request, const char *name, const char *value);

/* Zero-initialise, but for the first three. */
typedef struct s3_exchange {
    s3_store *store;
    const cairn_call *call;
    const s3_request *request;
    http_exchange http;
    /* of the last refusal; its status is 0 before one */
    s3_error error;
    s3_verdict verdict;
    /* how it was sent */
    cairn_buf url;
    cairn_buf lines;
    const char *line_list[CAIRN_SIGV4_HEADERS_MAX + 1];
    s3_keys keys;
    s3_place place;
    s3_pass pass;
    /* mended already */
    bool clock_mended;
    bool keys_mended;
    bool region_mended;
    char hop[S3_HOST_SIZE]; /* "": none */
} s3_exchange;

/* CAIRN_E_INVALID if a key is too long below the store's prefix. */
cairn_code s3_check_key(const s3_store *store, const char *key, cairn_error *err);

/* Leaves the throttle too. */
void s3_exchange_release(s3_exchange *x);
CAIRN_DEFINE_AUTO(s3_exchange, s3_exchange_release)

/* Makes x->http ready to be sent: URL, headers, signature; an earlier reply is dropped. */
cairn_code s3_exchange_prepare(s3_exchange *x, cairn_error *err);

/*
 * After the exchange ended with `code` and `why`. CAIRN_OK: the status is 2xx and the whole body
 * was sent. Else the error, or *out_again: something was mended, prepare and send it once more
 * (then `err` is untouched).
 */
cairn_code s3_exchange_judge(s3_exchange *x, cairn_code code, const cairn_error *why,
                             bool *out_again, cairn_error *err);

/* Both, with the throttle around, until it succeeded or there is nothing left to mend. */
cairn_code s3_exchange_send(s3_exchange *x, cairn_error *err);

/* After a refusal: did it end with this? */
bool s3_exchange_wants(const s3_exchange *x, s3_action action);

/* Attempts of something that is repeated within a driver's call: a part, a range. */
typedef struct s3_tries {
    unsigned count; /* attempts that failed */
    uint64_t begin_ms;
} s3_tries;

/* Counts a failure: true if it may be tried again after *out_delay_ms. */
bool s3_tries_again(s3_tries *tries, s3_store *store, const cairn_call *call,
                    const cairn_error *failure, uint64_t *out_delay_ms);

/* "5", for a query. */
#define S3_NUMBER_SIZE 21
void s3_number(uint64_t value, char out[S3_NUMBER_SIZE]);

#endif
