#include "script_server_impl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEAD_BYTES_MAX ((size_t)128 << 10)
#define VALUE_BYTES    64

static bool fill_input(script_connection *connection)
{
    const ssize_t got = script_io_read(connection, connection->input, SCRIPT_INPUT_BYTES);

    connection->input_begin = 0;
    connection->input_end = got > 0 ? (size_t)got : 0;
    return got > 0;
}

/* One line without CR LF. */
static bool read_line(script_connection *connection, script_bytes *line)
{
    line->len = 0;
    script_bytes_add(line, "", 0);
    while (line->len < HEAD_BYTES_MAX) {
        if (connection->input_begin == connection->input_end && !fill_input(connection)) {
            return false;
        }
        const char *from = connection->input + connection->input_begin;
        const size_t have = connection->input_end - connection->input_begin;
        const char *end = memchr(from, '\n', have);
        script_bytes_add(line, from, end != NULL ? (size_t)(end - from) : have);
        connection->input_begin += end != NULL ? (size_t)(end - from) + 1 : have;
        if (end != NULL) {
            if (line->len > 0 && line->data[line->len - 1] == '\r') {
                line->data[--line->len] = '\0';
            }
            return true;
        }
    }
    return false;
}

static char *copy(const char *text, size_t len)
{
    char *made = strndup(text, len);

    if (made == NULL) {
        abort();
    }
    return made;
}

static bool split_request_line(const char *line, script_request *request)
{
    const size_t method = strcspn(line, " ");
    const char *target = line + method + (line[method] == ' ' ? 1 : 0);
    const size_t len = strcspn(target, " ");

    request->method = copy(line, method);
    request->target = copy(target, len);
    return strcmp(target + len, " HTTP/1.1") == 0;
}

static void add_header(script_bytes *headers, char *line)
{
    for (char *c = line; *c != '\0' && *c != ':'; c++) {
        if (*c >= 'A' && *c <= 'Z') {
            *c = (char)(*c + ('a' - 'A'));
        }
    }
    script_bytes_text(headers, line);
    script_bytes_text(headers, "\n");
}

bool script_request_header(const script_request *request, const char *name, char *out, size_t size)
{
    const size_t name_len = strlen(name);

    for (const char *line = request->headers; *line != '\0';) {
        const char *end = strchr(line, '\n');
        if (strncmp(line, name, name_len) == 0 && line[name_len] == ':') {
            const char *value = line + name_len + 1;
            value += strspn(value, " \t");
            const size_t len = (size_t)(end - value) < size ? (size_t)(end - value) : size - 1;
            memcpy(out, value, len);
            out[len] = '\0';
            return true;
        }
        line = end + 1;
    }
    return false;
}

static void look_at_headers(script_incoming *incoming)
{
    char value[VALUE_BYTES] = "";

    if (script_request_header(incoming->request, "content-length", value, sizeof(value))) {
        incoming->length = strtoumax(value, NULL, 10);
    }
    incoming->chunked =
        script_request_header(incoming->request, "transfer-encoding", value, sizeof(value));
    incoming->wants_continue =
        script_request_header(incoming->request, "expect", value, sizeof(value)) &&
        strcasecmp(value, "100-continue") == 0;
    incoming->wants_close =
        script_request_header(incoming->request, "connection", value, sizeof(value)) &&
        strcasecmp(value, "close") == 0;
}

bool script_request_read_head(script_connection *connection, script_incoming *out)
{
    script_bytes line = {0};
    script_bytes headers = {0};
    script_request *request = calloc(1, sizeof(*request));

    if (request == NULL) {
        abort();
    }
    request->connection = connection->number;
    script_bytes_add(&headers, "", 0);
    bool good = read_line(connection, &line) && split_request_line(line.data, request);
    while (good && (good = read_line(connection, &line)) && line.len > 0) {
        add_header(&headers, line.data);
    }
    free(line.data);
    request->headers = headers.data;
    request->body = copy("", 0);
    if (!good) {
        script_request_free(request);
        return false;
    }
    out->request = request;
    look_at_headers(out);
    return true;
}

bool script_request_read_body(script_connection *connection, script_incoming *incoming,
                              uint64_t end)
{
    script_request *request = incoming->request;
    script_bytes kept = {0};
    bool alive = true;

    script_bytes_add(&kept, "", 0);
    while (alive && request->body_total < end) {
        if (connection->input_begin == connection->input_end) {
            alive = fill_input(connection);
        }
        const size_t have = connection->input_end - connection->input_begin;
        const uint64_t left = end - request->body_total;
        const size_t take = have < left ? have : (size_t)left;
        const size_t room = connection->server->options.body_kept - kept.len;
        script_bytes_add(&kept, connection->input + connection->input_begin,
                         take < room ? take : room);
        connection->input_begin += take;
        request->body_total += take;
    }
    free(request->body);
    request->body = kept.data;
    request->body_len = kept.len;
    return alive;
}

void script_request_free(script_request *request)
{
    free(request->method);
    free(request->target);
    free(request->headers);
    free(request->body);
    free(request);
}
