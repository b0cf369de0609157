#include "script_server_impl.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define CHUNK_BYTES ((size_t)64 << 10)
#define LINE_BYTES  128

/* Printed and added to what `text` holds. */
__attribute__((format(printf, 2, 0))) static void append_printed(char **text, const char *format,
                                                                 va_list arguments)
{
    char *added = NULL;
    char *joined = NULL;

    if (vasprintf(&added, format, arguments) < 0 ||
        asprintf(&joined, "%s%s", *text != NULL ? *text : "", added) < 0) {
        abort();
    }
    free(added);
    free(*text);
    *text = joined;
}

void script_reply_header(script_reply *reply, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    append_printed(&reply->owned_headers, format, arguments);
    va_end(arguments);
    char *line = reply->owned_headers;
    if (asprintf(&reply->owned_headers, "%s\r\n", line) < 0) {
        abort();
    }
    free(line);
}

void script_reply_body(script_reply *reply, const void *data, size_t len)
{
    free(reply->owned_body);
    reply->owned_body = malloc(len + 1);
    if (reply->owned_body == NULL) {
        abort();
    }
    if (len > 0) {
        memcpy(reply->owned_body, data, len);
    }
    reply->owned_body[len] = '\0';
    reply->body = reply->owned_body;
    reply->body_len = len;
}

void script_reply_text(script_reply *reply, const char *format, ...)
{
    va_list arguments;

    free(reply->owned_body);
    reply->owned_body = NULL;
    va_start(arguments, format);
    append_printed(&reply->owned_body, format, arguments);
    va_end(arguments);
    reply->body = reply->owned_body;
    reply->body_len = strlen(reply->owned_body);
}

static bool has_no_body(const script_incoming *incoming, unsigned status)
{
    return strcmp(incoming->request->method, "HEAD") == 0 || status == 204 || status == 304;
}

static void add_length(script_bytes *head, const script_reply *reply, size_t body_len)
{
    char line[LINE_BYTES] = "";

    switch (reply->length) {
    case SCRIPT_LENGTH_RIGHT:
        (void)snprintf(line, sizeof(line), "Content-Length: %zu\r\n", body_len);
        break;
    case SCRIPT_LENGTH_CLAIMED:
        (void)snprintf(line, sizeof(line), "Content-Length: %" PRIu64 "\r\n",
                       reply->length_claimed);
        break;
    case SCRIPT_LENGTH_CHUNKED:
        (void)snprintf(line, sizeof(line), "Transfer-Encoding: chunked\r\n");
        break;
    case SCRIPT_LENGTH_NONE:
        break;
    }
    script_bytes_text(head, line);
}

static void build_head(script_bytes *head, const script_reply *reply, unsigned status,
                       size_t body_len)
{
    char line[LINE_BYTES] = "";

    for (unsigned i = 0; i < reply->interim; i++) {
        script_bytes_text(head, "HTTP/1.1 103 Early Hints\r\nX-Interim: yes\r\n\r\n");
    }
    (void)snprintf(line, sizeof(line), "HTTP/1.1 %u Scripted\r\n", status);
    script_bytes_text(head, line);
    if (status != 204) {
        add_length(head, reply, body_len);
    }
    script_bytes_text(head, reply->headers != NULL ? reply->headers : "");
    script_bytes_text(head, reply->owned_headers != NULL ? reply->owned_headers : "");
    script_bytes_text(head, reply->close ? "Connection: close\r\n\r\n" : "\r\n");
}

/* What of a reply may be sent, and how fast. */
typedef struct script_outlet {
    script_connection *connection;
    const script_reply *reply;
    uint64_t left;
} script_outlet;

static bool outlet_write(script_outlet *outlet, const void *data, size_t len)
{
    const char *at = data;
    const unsigned drip = outlet->reply->drip_bytes;

    while (len > 0) {
        if (outlet->left == 0) {
            return false;
        }
        size_t piece = drip > 0 && drip < len ? drip : len;
        piece = piece < outlet->left ? piece : (size_t)outlet->left;
        if (!script_io_write(outlet->connection, at, piece) ||
            (drip > 0 && !script_io_sleep(outlet->connection, outlet->reply->drip_ms))) {
            return false;
        }
        at += piece;
        len -= piece;
        outlet->left -= piece;
    }
    return true;
}

static bool write_chunks(script_outlet *outlet, const char *body, size_t len)
{
    char line[LINE_BYTES] = "";

    while (len > 0) {
        const size_t piece = len < CHUNK_BYTES ? len : CHUNK_BYTES;
        const int line_len = snprintf(line, sizeof(line), "%zx\r\n", piece);
        if (!outlet_write(outlet, line, (size_t)line_len) || !outlet_write(outlet, body, piece) ||
            !outlet_write(outlet, "\r\n", 2)) {
            return false;
        }
        body += piece;
        len -= piece;
    }
    return outlet_write(outlet, "0\r\n\r\n", 5);
}

/* The end that the rule asks for, after what it let through. */
static bool end_reply(script_connection *connection, const script_rule *rule, bool again)
{
    switch (rule->act) {
    case SCRIPT_RESET:
        script_io_close(connection, true);
        return false;
    case SCRIPT_STALL:
        script_io_linger(connection, false);
        return false;
    case SCRIPT_EARLY:
        (void)shutdown(connection->fd, SHUT_WR);
        script_io_linger(connection, true);
        return false;
    case SCRIPT_CLOSE:
    case SCRIPT_RESET_REQUEST:
    case SCRIPT_STALL_REQUEST:
    case SCRIPT_RAW:
        return false;
    case SCRIPT_REPLY:
        break;
    }
    return again;
}

static bool is_cut(const script_rule *rule)
{
    return rule->act == SCRIPT_CLOSE || rule->act == SCRIPT_RESET || rule->act == SCRIPT_STALL;
}

bool script_reply_send(script_connection *connection, const script_incoming *incoming,
                       const script_rule *rule, script_reply *reply)
{
    const unsigned status = reply->status != 0 ? reply->status : 200;
    const char *body = reply->body;
    const size_t body_len = reply->body_len == 0 && body != NULL && body != reply->owned_body
                                ? strlen(body)
                                : reply->body_len;
    script_bytes head = {0};
    script_outlet outlet = {.connection = connection, .reply = reply, .left = UINT64_MAX};

    reply->close = reply->close || rule->act == SCRIPT_EARLY;
    build_head(&head, reply, status, body_len);
    if (is_cut(rule)) {
        outlet.left = rule->at + (rule->at_body ? head.len : 0);
    }
    bool good = script_io_sleep(connection, reply->delay_ms) &&
                outlet_write(&outlet, head.data, head.len);
    free(head.data);
    if (good && !has_no_body(incoming, status)) {
        good = reply->length == SCRIPT_LENGTH_CHUNKED ? write_chunks(&outlet, body, body_len)
                                                      : outlet_write(&outlet, body, body_len);
    }
    const bool again = good && !reply->close && !incoming->wants_close &&
                       reply->length != SCRIPT_LENGTH_NONE;
    return end_reply(connection, rule, again);
}

bool script_reply_raw(script_connection *connection, const script_rule *rule)
{
    const size_t len = rule->raw_len > 0 ? rule->raw_len : strlen(rule->raw);
    bool good = script_io_write(connection, rule->raw, len);

    while (good && rule->raw_again != NULL) {
        good = script_io_write(connection, rule->raw_again, strlen(rule->raw_again));
    }
    return false;
}
