#include "webhdfs_url.h"

#include "bounds.h"
#include "encode.h"
#include "errors.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HTTP_PORT  80
#define HTTPS_PORT 443

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

static cairn_code encode(const char *text, bool keep_slash, cairn_buf *out, cairn_error *err)
{
    for (; *text != '\0'; text++) {
        if (is_unreserved(*text) || (keep_slash && *text == '/')) {
            CAIRN_TRY(buf_append_byte(out, (uint8_t)*text, err));
        } else {
            CAIRN_TRY(buf_printf(out, err, "%%%02X", (unsigned)(uint8_t)*text));
        }
    }
    return CAIRN_OK;
}

cairn_code webhdfs_encode_value(const char *text, cairn_buf *out, cairn_error *err)
{
    return encode(text, false, out, err);
}

cairn_code webhdfs_encode_path(const char *path, cairn_buf *out, cairn_error *err)
{
    return encode(path, true, out, err);
}

cairn_code webhdfs_decode_path(cairn_slice text, cairn_buf *out, cairn_error *err)
{
    const uint8_t *in = text.data;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = in[i];
        if (byte == '%') {
            const int high = i + 2 < text.len ? hex_digit_value(in[i + 1]) : -1;
            const int low = i + 2 < text.len ? hex_digit_value(in[i + 2]) : -1;
            if (high < 0 || low < 0 || high + low == 0) {
                return error_set(err, CAIRN_E_INVALID, "a '%%' in a path without two digits");
            }
            byte = (uint8_t)(high * 16 + low);
            i += 2;
        }
        CAIRN_TRY(buf_append_byte(out, byte, err));
    }
    return CAIRN_OK;
}

static cairn_code refuse(const char *what, cairn_error *err)
{
    return error_set(err, CAIRN_E_INVALID, "%s", what);
}

/* The length of "http://" or "https://" at the front; 0 if there is neither. */
static size_t scheme_length(cairn_slice text, bool *out_https)
{
    static const struct {
        const char *name;
        bool https;
    } schemes[] = {{"http://", false}, {"https://", true}};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(schemes); i++) {
        const size_t len = strlen(schemes[i].name);
        if (text.len > len && strncasecmp(text.data, schemes[i].name, len) == 0) {
            *out_https = schemes[i].https;
            return len;
        }
    }
    return 0;
}

/* Letters, digits and what stands in names and in bracketed addresses; in lower case. */
static cairn_code read_host(cairn_slice host, bool bracketed, webhdfs_url *out, cairn_error *err)
{
    const char *in = host.data;

    if (host.len == 0 || host.len >= sizeof(out->host)) {
        return refuse("a URL without a host, or with one that is too long", err);
    }
    for (size_t i = 0; i < host.len; i++) {
        const char lower = (char)(in[i] >= 'A' && in[i] <= 'Z' ? in[i] - 'A' + 'a' : in[i]);
        const bool letter = (lower >= 'a' && lower <= 'z') || is_digit(lower);
        if (!letter && (lower == '\0' || strchr(bracketed ? ":." : "-._", lower) == NULL)) {
            return refuse("a URL with a byte in its host that no host has", err);
        }
        out->host[i] = lower;
    }
    out->host[host.len] = '\0';
    return CAIRN_OK;
}

static cairn_code read_port(cairn_slice port, webhdfs_url *out, cairn_error *err)
{
    uint64_t number = 0;

    if (!parse_u64(port, &number) || number == 0 || number > UINT16_MAX) {
        return refuse("a URL with a port that is none", err);
    }
    out->port = (uint16_t)number;
    return CAIRN_OK;
}

static cairn_code read_authority(cairn_slice text, webhdfs_url *out, cairn_error *err)
{
    const char *in = text.data;
    const bool bracketed = text.len > 0 && in[0] == '[';
    const char *end = bracketed ? memchr(in, ']', text.len) : memchr(in, ':', text.len);
    const size_t host_len = end == NULL ? text.len : (size_t)(end - in);
    const size_t after = host_len + (bracketed ? 1 : 0);

    if (bracketed && end == NULL) {
        return refuse("a URL with half an address", err);
    }
    const cairn_slice host = {in + (bracketed ? 1 : 0), host_len - (bracketed ? 1 : 0)};
    CAIRN_TRY(read_host(host, bracketed, out, err));
    if (after >= text.len) {
        out->port = out->https ? HTTPS_PORT : HTTP_PORT;
        return CAIRN_OK;
    }
    if (in[after] != ':') {
        return refuse("a URL with text behind its address", err);
    }
    return read_port((cairn_slice){in + after + 1, text.len - after - 1}, out, err);
}

static size_t span_until(const char *text, size_t len, const char *stops)
{
    size_t i = 0;

    while (i < len && strchr(stops, text[i]) == NULL) {
        i++;
    }
    return i;
}

static cairn_code check_bytes(cairn_slice text, cairn_error *err)
{
    const uint8_t *in = text.data;

    for (size_t i = 0; i < text.len; i++) {
        if (in[i] <= ' ' || in[i] >= 0x7f || strchr("\"<>\\^`{|}#", in[i]) != NULL) {
            return refuse("a URL with a byte that may not stand in one", err);
        }
    }
    return CAIRN_OK;
}

cairn_code webhdfs_url_parse(cairn_slice text, webhdfs_url *out, cairn_error *err)
{
    webhdfs_url url = {.https = false};
    const char *in = text.data;

    if (text.len > CAIRN_HDFS_LOCATION_BYTES_MAX) {
        return refuse("a URL that is too long", err);
    }
    CAIRN_TRY(check_bytes(text, err));
    const size_t begin = scheme_length(text, &url.https);
    if (begin == 0) {
        return refuse("a URL that is neither http nor https", err);
    }
    const size_t authority = span_until(in + begin, text.len - begin, "/?");
    if (memchr(in + begin, '@', authority) != NULL) {
        return refuse("a URL with a user's name in it", err);
    }
    CAIRN_TRY(read_authority((cairn_slice){in + begin, authority}, &url, err));
    url.rest = (cairn_slice){in + begin + authority, text.len - begin - authority};
    url.path = (cairn_slice){url.rest.data, span_until(url.rest.data, url.rest.len, "?")};
    *out = url;
    return CAIRN_OK;
}
