#include "encode.h"
#include "errors.h"
#include "http_impl.h"

#include <string.h>
#include <strings.h>

#define PORT_MAX        65535
#define IPV6_BYTES_MAX  46 /* of its text */
#define HOST_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"
#define IPV6_CHARACTERS "0123456789abcdefABCDEF:."
#define NAME_CHARACTERS HOST_CHARACTERS "!#$%&'*+^`|~"

const char *http_method_name(http_method method)
{
    switch (method) {
    case CAIRN_HTTP_GET:
        return "GET";
    case CAIRN_HTTP_HEAD:
        return "HEAD";
    case CAIRN_HTTP_PUT:
        return "PUT";
    case CAIRN_HTTP_POST:
        return "POST";
    case CAIRN_HTTP_DELETE:
        return "DELETE";
    }
    return "?";
}

/* Length of the host that `text` begins with, brackets of IPv6 included; 0: there is none. */
static size_t host_length(const char *text)
{
    if (text[0] != '[') {
        const size_t len = strspn(text, HOST_CHARACTERS);
        return len <= CAIRN_HTTP_HOST_BYTES_MAX ? len : 0;
    }
    const size_t len = strspn(text + 1, IPV6_CHARACTERS);
    return len > 0 && len < IPV6_BYTES_MAX && text[len + 1] == ']' ? len + 2 : 0;
}

/* Length of ":port"; 0: none; -1: it begins with ':' and is none. */
static int port_length(const char *text)
{
    uint64_t port = 0;

    if (text[0] != ':') {
        return 0;
    }
    const size_t digits = strspn(text + 1, "0123456789");
    const cairn_slice number = {text + 1, digits};
    return parse_u64(number, &port) && port > 0 && port <= PORT_MAX ? (int)digits + 1 : -1;
}

/* 127.0.0.0/8, in the one form that nothing reads as another address: four decimal numbers. */
static bool is_loopback_ipv4(const char *text)
{
    uint64_t parts[4] = {0};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(parts); i++) {
        const size_t len = strcspn(text, ".");
        const bool is_last = i + 1 == CAIRN_ARRAY_LEN(parts);
        if (!parse_u64((cairn_slice){text, len}, &parts[i]) || parts[i] > UINT8_MAX ||
            text[len] != (is_last ? '\0' : '.')) {
            return false;
        }
        text += len + 1;
    }
    return parts[0] == 127;
}

static bool is_loopback(const char *host, size_t len)
{
    char text[IPV6_BYTES_MAX] = "";

    if (len >= sizeof(text)) {
        return false;
    }
    memcpy(text, host, len);
    return strcasecmp(text, "localhost") == 0 || strcmp(text, "[::1]") == 0 ||
           is_loopback_ipv4(text);
}

/* A URL is sent as it is, so nothing may stand in it that ends a line, or that libcurl changes. */
static bool is_plain(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~' || *c == '#' || *c == '\\') {
            return false;
        }
    }
    return true;
}

static cairn_code check_connect_to(const http_exchange *exchange, bool *out_is_loopback,
                                   cairn_error *err)
{
    const char *text = exchange->connect_to;

    if (text == NULL) {
        *out_is_loopback = true;
        return CAIRN_OK;
    }
    const size_t host = host_length(text);
    const int port = host > 0 ? port_length(text + host) : -1;
    if (port <= 0 || text[host + (size_t)port] != '\0') {
        return error_set(err, CAIRN_E_INVALID, "HTTP: the address to connect to is not host:port");
    }
    *out_is_loopback = is_loopback(text, host);
    return CAIRN_OK;
}

cairn_code http_origin_of(const http_options *options, const http_exchange *exchange,
                          http_origin *out, cairn_error *err)
{
    const char *url = exchange->url;
    const bool is_tls = strncmp(url, "https://", strlen("https://")) == 0;
    const size_t scheme = is_tls ? strlen("https://") : strlen("http://");
    bool connects_to_loopback = false;

    if ((!is_tls && strncmp(url, "http://", scheme) != 0) || !is_plain(url) ||
        strlen(url) > CAIRN_HTTP_URL_BYTES_MAX) {
        return error_set(err, CAIRN_E_INVALID,
                         "HTTP: a URL must be http or https, escaped, and at most %zu bytes",
                         CAIRN_HTTP_URL_BYTES_MAX);
    }
    const size_t host = host_length(url + scheme);
    const int port = port_length(url + scheme + host);
    const size_t end = scheme + host + (port > 0 ? (size_t)port : 0);
    if (host == 0 || port < 0 || (url[end] != '/' && url[end] != '\0')) {
        return error_set(err, CAIRN_E_INVALID, "HTTP: a URL must be scheme://host[:port]/path");
    }
    CAIRN_TRY(check_connect_to(exchange, &connects_to_loopback, err));
    if (!is_tls && !options->allow_http &&
        (!connects_to_loopback || !is_loopback(url + scheme, host))) {
        return error_set(err, CAIRN_E_INVALID, "%.*s: plain http is not allowed: use https",
                         (int)end, url);
    }
    *out = (http_origin){.is_tls = is_tls, .text = {url, end}};
    return CAIRN_OK;
}

/* "name: value" with something in both, and nothing that ends the line. */
static bool is_header(const char *line)
{
    const size_t name = strspn(line, NAME_CHARACTERS);

    if (name == 0 || line[name] != ':' || strpbrk(line, "\r\n") != NULL) {
        return false;
    }
    return line[name + 1 + strspn(line + name + 1, " \t")] != '\0';
}

bool http_has_header(const http_exchange *exchange, const char *name)
{
    const size_t len = strlen(name);

    for (const char *const *line = exchange->headers; line != NULL && *line != NULL; line++) {
        if (strncasecmp(*line, name, len) == 0 && (*line)[len] == ':') {
            return true;
        }
    }
    return false;
}

cairn_code http_exchange_check(const http_options *options, const http_exchange *exchange,
                               cairn_error *err)
{
    static const char *const ours[] = {"content-length", "transfer-encoding", "expect"};
    const bool may_send = exchange->method == CAIRN_HTTP_PUT || exchange->method == CAIRN_HTTP_POST;

    for (const char *const *line = exchange->headers; line != NULL && *line != NULL; line++) {
        if (!is_header(*line)) {
            return error_set(err, CAIRN_E_INVALID, "HTTP: a header is not 'name: value'");
        }
    }
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(ours); i++) {
        if (http_has_header(exchange, ours[i])) {
            return error_set(err, CAIRN_E_INVALID, "HTTP: %s follows from the exchange itself",
                             ours[i]);
        }
    }
    if (exchange->source.length > 0 && !may_send) {
        return error_set(err, CAIRN_E_INVALID, "HTTP: only PUT and POST send a body");
    }
    if (exchange->source.length > INT64_MAX) {
        return error_set(err, CAIRN_E_INVALID, "HTTP: a body is longer than a file can be");
    }
    if ((exchange->flags & HTTP_NEGOTIATE) != 0 && !options->negotiate) {
        return error_set(err, CAIRN_E_INVALID, "HTTP: this client was made without SPNEGO");
    }
    return CAIRN_OK;
}
