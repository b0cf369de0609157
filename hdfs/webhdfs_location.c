#include "webhdfs_location.h"

#include "errors.h"

#include <string.h>
#include <strings.h>

/* What every DataNode serves under. */
#define DATANODE_PREFIX "/webhdfs/v1"

static bool is_address(const char *host)
{
    return strchr(host, ':') != NULL || host[strspn(host, "0123456789.")] == '\0';
}

/* "dn.example.com" ends with ".example.com". */
static bool in_domain(const char *host, const char *domain, size_t domain_len)
{
    const size_t host_len = strlen(host);

    return host_len > domain_len &&
           strncasecmp(host + host_len - domain_len, domain, domain_len) == 0;
}

/* Hosts of the NameNode's own domain, which has at least two labels: ".com" is nobody's. */
static bool in_own_domain(const char *host, const char *origin)
{
    const char *domain = strchr(origin, '.');

    if (domain == NULL || is_address(origin) || strchr(domain + 1, '.') == NULL) {
        return false;
    }
    return in_domain(host, domain, strlen(domain));
}

static bool entry_allows(const char *entry, size_t len, const char *host)
{
    if (len == 1 && entry[0] == '*') {
        return true;
    }
    if (len > 0 && entry[0] == '.') {
        return !is_address(host) && in_domain(host, entry, len);
    }
    return len > 0 && strlen(host) == len && strncasecmp(entry, host, len) == 0;
}

static bool list_allows(const char *hosts, const char *host)
{
    while (hosts != NULL && *hosts != '\0') {
        hosts += strspn(hosts, ", ");
        const size_t len = strcspn(hosts, ", ");
        if (entry_allows(hosts, len, host)) {
            return true;
        }
        hosts += len;
    }
    return false;
}

static bool is_origin(const webhdfs_url *url, const webhdfs_url *origin)
{
    return url->port == origin->port && strcmp(url->host, origin->host) == 0;
}

/* The decoded path is `prefix` and `path`. */
static bool is_path(const cairn_buf *decoded, const char *prefix, const char *path)
{
    const size_t prefix_len = strlen(prefix);
    const size_t path_len = strlen(path);

    return decoded->len == prefix_len + path_len &&
           memcmp(decoded->data, prefix, prefix_len) == 0 &&
           memcmp(decoded->data + prefix_len, path, path_len) == 0;
}

static cairn_code check_path(const webhdfs_location_rule *rule, const webhdfs_url *url,
                             cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) decoded = {0};

    if (webhdfs_decode_path(url->path, &decoded, NULL) != CAIRN_OK || decoded.len == 0 ||
        (!is_path(&decoded, DATANODE_PREFIX, rule->path) &&
         !is_path(&decoded, rule->prefix, rule->path))) {
        return error_set(err, CAIRN_E_ACCESS, "the redirect to %s names another path", url->host);
    }
    return CAIRN_OK;
}

cairn_code webhdfs_location_check(const webhdfs_location_rule *rule, cairn_slice location,
                                  webhdfs_url *out, cairn_error *err)
{
    cairn_error own = {0};
    webhdfs_url url = {.https = false};

    if (webhdfs_url_parse(location, &url, &own) != CAIRN_OK) {
        return error_set(err, CAIRN_E_ACCESS, "the redirect is refused: %s", own.message);
    }
    if (rule->origin->https && !url.https) {
        return error_set(err, CAIRN_E_ACCESS, "the redirect leads from https to http, to %s",
                         url.host);
    }
    if (is_origin(&url, rule->origin)) {
        *out = url;
        return CAIRN_OK;
    }
    if (strcmp(url.host, rule->origin->host) != 0 && !list_allows(rule->hosts, url.host) &&
        !in_own_domain(url.host, rule->origin->host)) {
        return error_set(err, CAIRN_E_ACCESS,
                         "the redirect leads to %s, which is not allowed: name it among the "
                         "DataNodes' hosts",
                         url.host);
    }
    CAIRN_TRY(check_path(rule, &url, err));
    *out = url;
    return CAIRN_OK;
}
