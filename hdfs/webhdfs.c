#include "webhdfs.h"

#include "cancel.h"
#include "encode.h"
#include "errors.h"
#include "logging.h"
#include "webhdfs_json.h"
#include "webhdfs_location.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define STATUS_OK           200
#define STATUS_REDIRECT     300
#define STATUS_SERVER_ERROR 500

#define SECRET_SHOWN_BYTES 16 /* of a credential, from which on a text is taken to repeat it */

typedef struct op_form {
    const char *name;
    http_method method;
    bool two_steps;
    unsigned success;
    unsigned flags;
    size_t reply_bytes; /* of a body that is neither data nor an error */
} op_form;

#define REPLY_BYTES CAIRN_HDFS_REPLY_BYTES_MAX

static const op_form forms[] = {
    [CAIRN_WEBHDFS_STATUS] = {"GETFILESTATUS", CAIRN_HTTP_GET, false, 200, 0, REPLY_BYTES},
    [CAIRN_WEBHDFS_LIST] = {"LISTSTATUS_BATCH", CAIRN_HTTP_GET, false, 200, 0,
                            CAIRN_HDFS_JSON_BYTES_MAX},
    [CAIRN_WEBHDFS_CREATE] = {"CREATE", CAIRN_HTTP_PUT, true, 201, 0, REPLY_BYTES},
    [CAIRN_WEBHDFS_OPEN] = {"OPEN", CAIRN_HTTP_GET, true, 200, 0, REPLY_BYTES},
    [CAIRN_WEBHDFS_CHECKSUM] = {"GETFILECHECKSUM", CAIRN_HTTP_GET, true, 200, HTTP_PATIENT,
                                REPLY_BYTES},
    /* libcurl would repeat it on a kept connection that dies. */
    [CAIRN_WEBHDFS_RENAME] = {"RENAME", CAIRN_HTTP_PUT, false, 200, HTTP_FRESH_CONNECTION,
                              REPLY_BYTES},
    [CAIRN_WEBHDFS_DELETE] = {"DELETE", CAIRN_HTTP_DELETE, false, 200, 0, REPLY_BYTES},
    [CAIRN_WEBHDFS_MKDIRS] = {"MKDIRS", CAIRN_HTTP_PUT, false, 200, 0, REPLY_BYTES},
    [CAIRN_WEBHDFS_BLOCKS] = {"GETFILEBLOCKLOCATIONS", CAIRN_HTTP_GET, false, 200, 0,
                              CAIRN_HDFS_JSON_BYTES_MAX},
    [CAIRN_WEBHDFS_GET_TOKEN] = {"GETDELEGATIONTOKEN", CAIRN_HTTP_GET, false, 200, 0, REPLY_BYTES},
    [CAIRN_WEBHDFS_RENEW_TOKEN] = {"RENEWDELEGATIONTOKEN", CAIRN_HTTP_PUT, false, 200, 0,
                                   REPLY_BYTES},
    [CAIRN_WEBHDFS_SUMMARY] = {"GETCONTENTSUMMARY", CAIRN_HTTP_GET, false, 200, 0, REPLY_BYTES},
};

static const op_form *form_of(const webhdfs_flight *flight)
{
    return &forms[flight->request->op];
}

void webhdfs_flight_release(webhdfs_flight *flight)
{
    http_reply_release(&flight->exchange.reply);
    hdfs_signature_release(&flight->signature);
    secret_buf_release(&flight->url);
    *flight = (webhdfs_flight){.request = NULL};
}

static cairn_code append_params(const webhdfs_request *request, cairn_buf *url, cairn_error *err)
{
    for (const webhdfs_param *p = request->params; p->name != NULL; p++) {
        if (p->value != NULL) {
            CAIRN_TRY(buf_printf(url, err, "&%s=", p->name));
            CAIRN_TRY(webhdfs_encode_value(p->value, url, err));
        }
    }
    return CAIRN_OK;
}

static cairn_code append_excluded(webhdfs *w, cairn_buf *url, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) hosts = {0};

    CAIRN_TRY(hdfs_datanodes_excluded(&w->datanodes, &hosts, err));
    if (hosts.len == 0) {
        return CAIRN_OK;
    }
    CAIRN_TRY(buf_append_text(url, "&excludedatanodes=", err));
    return webhdfs_encode_value(buf_text(&hosts), url, err);
}

static cairn_code append_path(const webhdfs *w, const char *path, cairn_buf *url, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) encoded = {0};

    CAIRN_TRY(webhdfs_encode_path(path, &encoded, err));
    if (encoded.len > CAIRN_HDFS_PATH_BYTES_MAX) {
        return error_set(err, CAIRN_E_INVALID, "a path of %zu encoded bytes, at most %d",
                         encoded.len, CAIRN_HDFS_PATH_BYTES_MAX);
    }
    CAIRN_TRY(buf_append_text(url, w->prefix, err));
    return buf_append(url, encoded.data, encoded.len, err);
}

static cairn_code build_url(webhdfs *w, webhdfs_flight *flight, cairn_error *err)
{
    const op_form *form = form_of(flight);
    cairn_buf *url = &flight->url;
    const bool about_tokens = flight->request->op == CAIRN_WEBHDFS_GET_TOKEN ||
                              flight->request->op == CAIRN_WEBHDFS_RENEW_TOKEN;

    buf_clear(url);
    hdfs_signature_release(&flight->signature);
    flight->signature = (hdfs_signature){.flags = 0};
    CAIRN_TRY(buf_append_text(url, w->namenodes.items[flight->namenode].base, err));
    CAIRN_TRY(append_path(w, flight->request->path, url, err));
    CAIRN_TRY(buf_printf(url, err, "?op=%s", form->name));
    CAIRN_TRY(append_params(flight->request, url, err));
    if (form->two_steps) {
        CAIRN_TRY(append_excluded(w, url, err));
    }
    CAIRN_TRY(hdfs_auth_sign(&w->auth, flight->namenode,
                             about_tokens ? CAIRN_HDFS_SIGN_SPNEGO : CAIRN_HDFS_SIGN_USUAL,
                             &flight->signature, err));
    CAIRN_TRY(buf_append(url, flight->signature.query.data, flight->signature.query.len, err));
    return buf_text(url) != NULL ? CAIRN_OK : error_no_memory(err, "a URL");
}

static http_sink reply_sink(size_t limit)
{
    return (http_sink){.kind = CAIRN_HTTP_SINK_BODY, .fd = -1, .length = limit};
}

/* What both steps of a flight share. */
static void begin_exchange(webhdfs_flight *flight)
{
    http_exchange *x = &flight->exchange;

    secret_buf_release(&x->reply.headers); /* of a redirect, or a cookie */
    http_reply_release(&x->reply);
    *x = (http_exchange){
        .method = form_of(flight)->method,
        .url = (const char *)flight->url.data,
        .headers = flight->headers,
        .source = {.fd = -1},
        .sink = reply_sink(form_of(flight)->reply_bytes),
        .flags = form_of(flight)->flags,
    };
}

/* The data goes with a first request only to a gateway that is known to take it there. */
static void put_data(webhdfs_flight *flight)
{
    if (flight->request->op == CAIRN_WEBHDFS_CREATE) {
        flight->exchange.source = flight->request->source;
        flight->exchange.tap = flight->request->tap;
        flight->exchange.tap_context = flight->request->tap_context;
    } else if (flight->request->op == CAIRN_WEBHDFS_OPEN) {
        flight->exchange.sink = flight->request->sink;
    }
}

cairn_code webhdfs_depart(webhdfs *w, const webhdfs_request *request, webhdfs_flight *flight,
                          cairn_error *err)
{
    size_t headers = 0;

    flight->request = request;
    flight->step = CAIRN_WEBHDFS_FIRST;
    flight->direct = forms[request->op].two_steps && request->op != CAIRN_WEBHDFS_CHECKSUM &&
                     atomic_load(&w->one_step);
    flight->failure = (webhdfs_failure){.code = CAIRN_OK};
    flight->namenode = hdfs_namenodes_current(&w->namenodes);
    CAIRN_TRY(build_url(w, flight, err));
    memset(flight->headers, 0, sizeof(flight->headers));
    if (form_of(flight)->method != CAIRN_HTTP_GET) {
        flight->headers[headers++] = "X-XSRF-HEADER: 1";
    }
    if (flight->signature.cookie.len > 0) {
        flight->headers[headers++] = buf_text(&flight->signature.cookie);
    }
    begin_exchange(flight);
    flight->exchange.flags |= flight->signature.flags;
    if (flight->direct) {
        put_data(flight);
        flight->headers[headers] = "Content-Type: application/octet-stream";
    }
    return CAIRN_OK;
}

/* Makes flight->exchange the second request. `location` is copied. */
static cairn_code follow(webhdfs *w, webhdfs_flight *flight, cairn_slice location, cairn_error *err)
{
    const webhdfs_location_rule rule = {
        .origin = &w->namenodes.items[flight->namenode].url,
        .prefix = w->prefix,
        .path = flight->request->path,
        .hosts = w->datanode_hosts,
    };
    size_t headers = 0;

    CAIRN_TRY(webhdfs_location_check(&rule, location, &flight->datanode, err));
    buf_clear(&flight->url);
    CAIRN_TRY(buf_append(&flight->url, location.data, location.len, err));
    if (buf_text(&flight->url) == NULL) {
        return error_no_memory(err, "a URL");
    }
    flight->step = flight->request->op == CAIRN_WEBHDFS_CREATE ? CAIRN_WEBHDFS_UPLOAD
                                                               : CAIRN_WEBHDFS_SECOND;
    memset(flight->headers, 0, sizeof(flight->headers));
    if (form_of(flight)->method != CAIRN_HTTP_GET) {
        flight->headers[headers++] = "X-XSRF-HEADER: 1";
        flight->headers[headers] = "Content-Type: application/octet-stream";
    }
    begin_exchange(flight);
    flight->exchange.flags |= HTTP_FRESH_CONNECTION | HTTP_CLOSE;
    flight->exchange.connect_to = hdfs_datanodes_target(&w->datanodes, &flight->datanode);
    put_data(flight);
    return CAIRN_OK;
}

/* The target of a redirect, or of a server that answers 200 with {"Location":..}. */
static cairn_code find_location(const webhdfs_flight *flight, secret *out, bool *out_found,
                                cairn_error *err)
{
    const http_reply *reply = &flight->exchange.reply;
    cairn_slice value = {NULL, 0};

    *out_found = true;
    if (reply->status >= STATUS_REDIRECT) {
        if (!http_header(reply, "location", &value)) {
            return error_set(err, CAIRN_E_INCOMPATIBLE, "a redirect without Location");
        }
        if (value.len > CAIRN_HDFS_LOCATION_BYTES_MAX || memchr(value.data, '\0', value.len)) {
            return error_set(err, CAIRN_E_ACCESS,
                             "the redirect is refused: a URL that is too long");
        }
        return secret_set(out, value, err);
    }
    *out_found = http_header(reply, "content-type", &value) &&
                 memmem(value.data, value.len, "json", 4) != NULL &&
                 webhdfs_json_location(cairn_buf_slice(&reply->body), out, NULL) == CAIRN_OK;
    return CAIRN_OK;
}

static cairn_code fail(webhdfs_flight *flight, cairn_code code, webhdfs_action action)
{
    flight->failure.code = code;
    flight->failure.action = action;
    return code;
}

/* "CREATE by dn1:9864" */
static cairn_code name_failure(const webhdfs *w, webhdfs_flight *flight, const char *text,
                               cairn_error *err)
{
    const webhdfs_url *peer = flight->step == CAIRN_WEBHDFS_FIRST
                                  ? &w->namenodes.items[flight->namenode].url
                                  : &flight->datanode;

    return error_set(err, flight->failure.code, "%s by %s:%u: %s", form_of(flight)->name,
                     peer->host, (unsigned)peer->port, text);
}

/* NameNodes ignore names in `excludedatanodes`. The address is known from the connection, or is the
 * name itself; the resolver, which may be slow, is not asked for it. */
static void pass_over(webhdfs *w, const webhdfs_flight *flight, const char *why)
{
    const webhdfs_url *url = &flight->datanode;
    CAIRN_AUTO(cairn_buf) path = {0};

    hdfs_datanodes_exclude(&w->datanodes, url->host,
                           flight->exchange.connect_to == NULL ? flight->exchange.reply.peer : "");
    if (encode_printable(cairn_slice_of(flight->request->path), CAIRN_HDFS_MESSAGE_BYTES, &path,
                         NULL) == CAIRN_OK) {
        log_write(&w->log, CAIRN_LOG_WARN, "hdfs: %s of %s by DataNode %s:%u failed: %s",
                  form_of(flight)->name, buf_text(&path), url->host, (unsigned)url->port, why);
    }
}

/* A DataNode that fails is passed over; if none is left, all are forgiven. */
static void learn(webhdfs *w, webhdfs_flight *flight, bool lost, const char *why)
{
    if (flight->failure.cause == CAIRN_WEBHDFS_NO_DATANODE) {
        if (hdfs_datanodes_forgive(&w->datanodes)) {
            flight->failure.action = CAIRN_WEBHDFS_AGAIN;
        }
    } else if (flight->step != CAIRN_WEBHDFS_FIRST && lost) {
        pass_over(w, flight, why);
    }
}

/* A server's text may repeat the URL's credentials in words of its own: it ends before them. */
static void hide_credentials(const cairn_buf *url, char *text)
{
    static const char *const names[] = {"delegation=", "token="};
    const char *query = (const char *)url->data;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(names); i++) {
        char begin[SECRET_SHOWN_BYTES + 1];
        const char *value = strstr(query, names[i]);
        value = value == NULL ? "" : value + strlen(names[i]);
        (void)snprintf(begin, sizeof(begin), "%.*s", (int)strcspn(value, "&"), value);
        char *found = begin[0] == '\0' ? NULL : strstr(text, begin);
        if (found != NULL) {
            *found = '\0';
        }
    }
}

static cairn_code reply_failed(webhdfs *w, webhdfs_flight *flight, cairn_error *err)
{
    const http_reply *reply = &flight->exchange.reply;
    webhdfs_failure *failure = &flight->failure;

    webhdfs_error_read(flight->step, reply->status, cairn_buf_slice(&reply->body), failure);
    hide_credentials(&flight->url, failure->text);
    flight->unknown = flight->unknown ||
                      (flight->step == CAIRN_WEBHDFS_FIRST && reply->status >= STATUS_SERVER_ERROR);
    if (flight->step != CAIRN_WEBHDFS_FIRST && failure->action == CAIRN_WEBHDFS_NEXT) {
        failure->action = CAIRN_WEBHDFS_AGAIN;
    }
    /* Without security there is no token that could be wrong: the stream was just cut. */
    if (failure->action == CAIRN_WEBHDFS_RENEW && reply->status != 401 &&
        w->auth.mode == CAIRN_HDFS_AUTH_SIMPLE) {
        failure->action = CAIRN_WEBHDFS_AGAIN;
        failure->code = CAIRN_E_UNAVAILABLE;
    }
    const uint32_t wait_ms = failure->code == CAIRN_E_UNAVAILABLE ? http_retry_after_ms(reply) : 0;
    if (wait_ms > 0 && failure->action == CAIRN_WEBHDFS_AGAIN) {
        failure->action = CAIRN_WEBHDFS_BACK_OFF;
    }
    const cairn_code code = name_failure(w, flight, failure->text, err);
    learn(w, flight, failure->action == CAIRN_WEBHDFS_AGAIN && code == CAIRN_E_UNAVAILABLE,
          failure->text);
    if (err != NULL) {
        err->retry_after_ms = wait_ms;
    }
    return code;
}

/* A reply that is final. A DataNode that has stored an upload says 201, nothing else. */
static cairn_code judge(webhdfs *w, webhdfs_flight *flight, cairn_error *err)
{
    const unsigned status = flight->exchange.reply.status;

    if (status == form_of(flight)->success) {
        return CAIRN_OK;
    }
    if (status != STATUS_OK) {
        return reply_failed(w, flight, err);
    }
    flight->failure = (webhdfs_failure){.code = CAIRN_E_UNAVAILABLE, .action = CAIRN_WEBHDFS_AGAIN};
    return name_failure(w, flight, "200, which does not say that it was stored", err);
}

/* The gateway did in one step what takes two. What it did without data is done again with data. */
static cairn_code one_step(webhdfs *w, webhdfs_flight *flight, cairn_error *err)
{
    const webhdfs_op op = flight->request->op;

    if (op == CAIRN_WEBHDFS_CHECKSUM || flight->direct ||
        (op == CAIRN_WEBHDFS_CREATE && flight->request->source.length == 0)) {
        return judge(w, flight, err);
    }
    atomic_store(&w->one_step, true);
    (void)error_set(err, CAIRN_E_UNAVAILABLE, "the server answers in one step");
    return fail(flight, CAIRN_E_UNAVAILABLE, CAIRN_WEBHDFS_AGAIN);
}

static cairn_code first_step_done(webhdfs *w, webhdfs_flight *flight, bool *out_more,
                                  cairn_error *err)
{
    CAIRN_AUTO(secret) location = {.text = NULL};
    bool found = false;

    cairn_code code = find_location(flight, &location, &found, err);
    if (code == CAIRN_OK && found) {
        code = follow(w, flight, (cairn_slice){location.text, location.len}, err);
        *out_more = code == CAIRN_OK;
    }
    if (code != CAIRN_OK) {
        return fail(flight, code, CAIRN_WEBHDFS_FINAL);
    }
    return found ? CAIRN_OK : one_step(w, flight, err);
}

/* An exchange without a reply, or one whose body was cut. */
static cairn_code transport_failed(webhdfs *w, webhdfs_flight *flight, cairn_code code,
                                   const cairn_error *why, cairn_error *err)
{
    const bool first = flight->step == CAIRN_WEBHDFS_FIRST;

    flight->unknown = flight->unknown || (first && flight->exchange.reply.maybe_effective);
    flight->failure = (webhdfs_failure){.code = code};
    if (first && code == CAIRN_E_LIMIT && flight->request->op == CAIRN_WEBHDFS_OPEN &&
        !flight->direct) {
        return one_step(w, flight, err);
    }
    if (code == CAIRN_E_UNAVAILABLE) {
        flight->failure.action = first ? CAIRN_WEBHDFS_NEXT : CAIRN_WEBHDFS_AGAIN;
    }
    learn(w, flight, code == CAIRN_E_UNAVAILABLE, why->message);
    (void)snprintf(flight->failure.text, sizeof(flight->failure.text), "%.*s",
                   (int)sizeof(flight->failure.text) - 1, why->message);
    return error_set(err, code, "%s: %s", form_of(flight)->name, why->message);
}

cairn_code webhdfs_arrive(webhdfs *w, webhdfs_flight *flight, cairn_code code,
                          const cairn_error *why, bool *out_more, cairn_error *err)
{
    const unsigned status = flight->exchange.reply.status;
    const bool first = flight->step == CAIRN_WEBHDFS_FIRST;
    const bool may_redirect = first && form_of(flight)->two_steps;

    *out_more = false;
    if (first && status != 0) {
        hdfs_auth_keep_cookie(&w->auth, flight->namenode, &flight->exchange.reply);
    }
    if (code != CAIRN_OK && (status < 400 || code != CAIRN_E_UNAVAILABLE)) {
        return transport_failed(w, flight, code, why, err);
    }
    if (status >= STATUS_REDIRECT && status < 400 && !may_redirect) {
        flight->failure = (webhdfs_failure){.code = CAIRN_E_INCOMPATIBLE};
        return name_failure(w, flight, "a redirect where there is none in WebHDFS", err);
    }
    if (may_redirect && status >= STATUS_OK && status < 400) {
        return first_step_done(w, flight, out_more, err);
    }
    return judge(w, flight, err);
}

/* All exchanges of one flight. */
static cairn_code fly(webhdfs *w, const cairn_call *call, const webhdfs_request *request,
                      webhdfs_flight *flight, cairn_error *err)
{
    bool more = true;

    CAIRN_TRY(webhdfs_depart(w, request, flight, err));
    while (more) {
        cairn_error why = {0};
        CAIRN_TRY(call_check(call, "before a request", err));
        const cairn_code code = http_perform(w->http, call, &flight->exchange, &why);
        CAIRN_TRY(webhdfs_arrive(w, flight, code, &why, &more, err));
    }
    return CAIRN_OK;
}

cairn_code webhdfs_perform(webhdfs *w, const cairn_call *call, const webhdfs_request *request,
                           webhdfs_flight *flight, cairn_error *err)
{
    flight->unknown = false;
    for (size_t tried = 1;; tried++) {
        cairn_error own = {0};
        const cairn_code code = fly(w, call, request, flight, &own);
        if (code == CAIRN_OK) {
            return CAIRN_OK;
        }
        if (flight->failure.action == CAIRN_WEBHDFS_NEXT) {
            hdfs_namenodes_move(&w->namenodes, flight->namenode);
            if (tried < w->namenodes.count) {
                log_write(&w->log, CAIRN_LOG_INFO, "hdfs: %s; asking the next NameNode",
                          own.message);
                continue;
            }
        }
        return webhdfs_pass(code, &own, err);
    }
}
