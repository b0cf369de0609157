#include "s3_place.h"

#include "encode.h"
#include "errors.h"

#include <stdio.h>
#include <string.h>

#define HOST_BYTES_MAX 260 /* a DNS name of 253 and a port; a bucket finds room before it */
#define LOOPBACK_SIZE  sizeof("127.255.255.255")

/* AWS's domains; those that only its isolated regions know need an endpoint. */
static const char *const aws_domains[] = {".amazonaws.com", ".amazonaws.com.cn"};

static bool ends_with(const char *text, const char *end)
{
    const size_t len = strlen(text);
    const size_t end_len = strlen(end);

    return len > end_len && memcmp(text + len - end_len, end, end_len) == 0;
}

static const char *aws_domain_of(const char *host)
{
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(aws_domains); i++) {
        if (ends_with(host, aws_domains[i])) {
            return aws_domains[i];
        }
    }
    return NULL;
}

static bool region_is_valid(const char *region)
{
    const size_t len = strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return len > 0 && len < S3_REGION_SIZE && region[len] == '\0';
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* "host", "host:port" or "[address]:port" in lower case; the port of the scheme is left out. */
static bool read_authority(cairn_slice text, bool https, char out[S3_HOST_SIZE])
{
    const char *from = text.data;
    uint64_t port = 0;

    if (text.len == 0 || text.len > HOST_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        out[i] = lower(from[i]);
    }
    out[text.len] = '\0';
    const char *closing = strrchr(out, ']');
    char *colon = strrchr(closing == NULL ? out : closing, ':');
    const char *allowed = out[0] == '[' ? "[]:.0123456789abcdef"
                                        : "abcdefghijklmnopqrstuvwxyz0123456789-._";
    if (colon != NULL) {
        *colon = '\0';
    }
    const size_t host_len = strspn(out, allowed);
    if (host_len == 0 || out[host_len] != '\0' || out[0] == '.' || out[0] == '-' ||
        (out[0] == '[') != (closing != NULL && closing == out + host_len - 1)) {
        return false;
    }
    if (colon == NULL) {
        return true;
    }
    if (!parse_u64(cairn_slice_of(colon + 1), &port) || port == 0 || port > UINT16_MAX) {
        return false;
    }
    if (port != (https ? 443U : 80U)) {
        *colon = ':';
    }
    return true;
}

/* A bucket cannot stand before an address. */
static bool is_address(const char *host)
{
    const size_t digits = strspn(host, "0123456789.");

    return host[0] == '[' || host[digits] == '\0' || host[digits] == ':';
}

/* 127 and three more numbers: of anything else a name server is asked. */
static bool is_loopback_ipv4(const char *name)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < 4; i++) {
        const size_t len = strcspn(name, ".");
        if (!parse_u64((cairn_slice){name, len}, &number) || number > UINT8_MAX ||
            (i == 0 && number != 127) || name[len] != (i < 3 ? '.' : '\0')) {
            return false;
        }
        name += len + 1;
    }
    return true;
}

static bool is_loopback(const char *host)
{
    const size_t len = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    char name[LOOPBACK_SIZE] = "";

    if (len >= sizeof(name) || (host[len] != '\0' && host[len] != ':')) {
        return false;
    }
    memcpy(name, host, len);
    return strcmp(name, "[::1]") == 0 || strcmp(name, "localhost") == 0 || is_loopback_ipv4(name);
}

static cairn_code refuse_endpoint(const char *endpoint, const char *why, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) shown = {0};

    CAIRN_TRY(encode_printable(cairn_slice_of(endpoint), 200, &shown, err));
    return error_set(err, CAIRN_E_INVALID, "the S3 endpoint '%s' %s: use https://host[:port]",
                     buf_text(&shown), why);
}

/* Host and scheme of an endpoint, without the bucket. */
static cairn_code read_endpoint(const char *endpoint, s3_place *out, cairn_error *err)
{
    static const char http[] = "http://";
    static const char https[] = "https://";

    out->https = strncmp(endpoint, https, sizeof(https) - 1) == 0;
    if (!out->https && strncmp(endpoint, http, sizeof(http) - 1) != 0) {
        return refuse_endpoint(endpoint, "has no scheme", err);
    }
    const char *authority = endpoint + (out->https ? sizeof(https) : sizeof(http)) - 1;
    const size_t len = strcspn(authority, "/?#");
    if (authority[len] != '\0' && strcmp(authority + len, "/") != 0) {
        return refuse_endpoint(endpoint, "has a path or query", err);
    }
    if (memchr(authority, '@', len) != NULL) {
        return error_set(err, CAIRN_E_INVALID,
                         "the S3 endpoint holds a user or password: use "
                         "https://host[:port]");
    }
    if (!read_authority((cairn_slice){authority, len}, out->https, out->host)) {
        return refuse_endpoint(endpoint, "names no host", err);
    }
    out->aws = aws_domain_of(out->host) != NULL;
    return CAIRN_OK;
}

static void make_aws_host(s3_place *place)
{
    const char *domain = aws_domains[strncmp(place->region, "cn-", 3) == 0 ? 1 : 0];

    (void)snprintf(place->host, sizeof(place->host), "s3.%s%s", place->region, domain);
}

static void put_bucket_before(s3_place *place, const char *bucket)
{
    char host[S3_HOST_SIZE];

    if (place->virtual_host) {
        memcpy(host, place->host, sizeof(host));
        (void)snprintf(place->host, sizeof(place->host), "%.63s.%.260s", bucket, host);
    }
}

static cairn_code choose_addressing(const s3_place_query *query, s3_place *place, cairn_error *err)
{
    const bool dotted = strchr(query->bucket, '.') != NULL;

    switch (query->addressing) {
    case CAIRN_S3_ADDRESSING_AUTO: /* a wildcard certificate covers one label only */
        place->virtual_host = place->aws && !dotted;
        return CAIRN_OK;
    case CAIRN_S3_ADDRESSING_PATH:
        place->virtual_host = false;
        return CAIRN_OK;
    case CAIRN_S3_ADDRESSING_VIRTUAL:
        if (is_address(place->host)) {
            return error_set(
                err, CAIRN_E_INVALID,
                "virtual-host addressing needs a host name, %s is an address: use path "
                "style",
                place->host);
        }
        place->virtual_host = true;
        return CAIRN_OK;
    }
    return error_set(err, CAIRN_E_INVALID, "the S3 addressing style is unknown");
}

cairn_code s3_place_resolve(const s3_place_query *query, s3_place *out, cairn_error *err)
{
    s3_place place = {.https = true, .aws = true, .templated = query->endpoint == NULL};

    if (!region_is_valid(query->region)) {
        return error_set(err, CAIRN_E_INVALID,
                         "the S3 region is not of the form [a-z0-9-]{1,32}, as us-east-1 is");
    }
    (void)snprintf(place.region, sizeof(place.region), "%s", query->region);
    if (place.templated) {
        make_aws_host(&place);
    } else {
        CAIRN_TRY(read_endpoint(query->endpoint, &place, err));
    }
    if (!place.https && !query->allow_http && !is_loopback(place.host)) {
        return error_set(err, CAIRN_E_ACCESS,
                         "the S3 endpoint http://%s is not encrypted: use https, or set "
                         "s3.allow-http",
                         place.host);
    }
    CAIRN_TRY(choose_addressing(query, &place, err));
    /* With the bucket before it, who knows what a name server makes of "localhost". */
    place.loopback = is_loopback(place.host) && !place.virtual_host;
    put_bucket_before(&place, query->bucket);
    *out = place;
    return CAIRN_OK;
}

bool s3_place_move(s3_place *place, const char *bucket, const char *region)
{
    if (!region_is_valid(region) || strcmp(region, place->region) == 0) {
        return false;
    }
    (void)snprintf(place->region, sizeof(place->region), "%s", region);
    if (place->templated) {
        make_aws_host(place);
        put_bucket_before(place, bucket);
    }
    return true;
}

bool s3_place_hop(const s3_place *place, const char *bucket, cairn_slice location,
                  char out_host[S3_HOST_SIZE])
{
    static const char https[] = "https://";
    const char *domain = aws_domain_of(place->host);
    const char *text = location.data;
    const size_t scheme = sizeof(https) - 1;
    char host[S3_HOST_SIZE];

    if (domain == NULL || !place->https || location.len <= scheme ||
        memcmp(text, https, scheme) != 0) {
        return false;
    }
    size_t len = 0;
    while (scheme + len < location.len && strchr("/?#", text[scheme + len]) == NULL) {
        len++;
    }
    if (!read_authority((cairn_slice){text + scheme, len}, true, host) ||
        !ends_with(host, domain) || strcmp(host, place->host) == 0) {
        return false;
    }
    const size_t bucket_len = strlen(bucket);
    const bool names_bucket = strncmp(host, bucket, bucket_len) == 0 && host[bucket_len] == '.';
    const char *service = place->virtual_host ? host + (names_bucket ? bucket_len + 1 : 0) : host;
    if (names_bucket != place->virtual_host || strncmp(service, "s3", 2) != 0) {
        return false;
    }
    memcpy(out_host, host, sizeof(host));
    return true;
}
