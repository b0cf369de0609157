/*
 * DESIGN: an URI is a scheme, an authority and a path. webhdfs:// and swebhdfs:// name a NameNode's
 * web address; hdfs:// names a name service or the address of its RPC, from which only Hadoop's
 * configuration leads to web addresses (hdfs_config.h).
 */
#include <cairn/hdfs.h>

#include "buf.h"
#include "encode.h"
#include "errors.h"
#include "hdfs_config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void cairn_hdfs_place_release(cairn_hdfs_place *place)
{
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(place->namenodes); i++) {
        mem_free(place->namenodes[i]);
    }
    mem_free(place->root);
    *place = (cairn_hdfs_place){.root = NULL};
}
CAIRN_DEFINE_AUTO(cairn_hdfs_place, cairn_hdfs_place_release)

#define HTTP_PORT  "9870"
#define HTTPS_PORT "9871"

/* A URI in its parts; borrowed. */
typedef struct parts {
    const char *uri;
    enum {
        CAIRN_HDFS_WEB = 0,
        CAIRN_HDFS_WEB_TLS = 1,
        CAIRN_HDFS_RPC = 2
    } kind;
    cairn_slice authority; /* "host:port", or a name service's name */
    const char *path;
} parts;

static cairn_code refuse(const char *uri, const char *why, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) shown = {0};

    CAIRN_TRY(encode_printable(cairn_slice_of(uri), 200, &shown, err));
    return error_set(err, CAIRN_E_INVALID, "'%s': %s: use webhdfs://host:port/path",
                     buf_text(&shown), why);
}

static const char *behind(const char *uri, const char *scheme)
{
    const size_t len = strlen(scheme);

    return strncasecmp(uri, scheme, len) == 0 ? uri + len : NULL;
}

static bool is_authority(cairn_slice text)
{
    const char *in = text.data;

    for (size_t i = 0; i < text.len; i++) {
        const char c = in[i];
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && strchr("-._:[]", c) == NULL) {
            return false;
        }
    }
    return true;
}

static cairn_code split(const char *uri, parts *out, cairn_error *err)
{
    static const char *const schemes[] = {"webhdfs://", "swebhdfs://", "hdfs://"};
    const char *rest = NULL;

    out->uri = uri;
    for (unsigned i = 0; i < CAIRN_ARRAY_LEN(schemes) && rest == NULL; i++) {
        rest = behind(uri, schemes[i]);
        out->kind = i;
    }
    if (rest == NULL) {
        return refuse(uri, "not a place in HDFS", err);
    }
    const size_t len = strcspn(rest, "/");
    out->authority = (cairn_slice){rest, len};
    out->path = rest + len;
    if (!is_authority(out->authority)) {
        return refuse(uri, "the host is not valid", err);
    }
    return len > 0 || out->kind == CAIRN_HDFS_RPC ? CAIRN_OK
                                                  : refuse(uri, "the host is missing", err);
}

/* The length of the host in "host:port" or "[::1]:port". */
static size_t host_length(cairn_slice authority)
{
    const char *in = authority.data;
    const char *colon = authority.len == 0 ? NULL : memrchr(in, ':', authority.len);

    if (colon == NULL || memchr(colon, ']', authority.len - (size_t)(colon - in)) != NULL) {
        return authority.len;
    }
    return (size_t)(colon - in);
}

static cairn_code add_address(cairn_hdfs_place *place, bool tls, cairn_slice host, cairn_slice port,
                              cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) url = {0};
    size_t at = 0;

    while (place->namenodes[at] != NULL) {
        at++;
    }
    if (at + 1 >= CAIRN_ARRAY_LEN(place->namenodes)) {
        return error_set(err, CAIRN_E_INVALID, "more than %zu NameNodes", at);
    }
    CAIRN_TRY(buf_printf(&url, err, "%s://%.*s:%.*s", tls ? "https" : "http", (int)host.len,
                         (const char *)host.data, (int)port.len, (const char *)port.data));
    place->namenodes[at] = mem_strndup((const char *)url.data, url.len);
    return place->namenodes[at] != NULL ? CAIRN_OK : error_no_memory(err, "a place in HDFS");
}

/* "host:port" or "host", where `otherwise` is the port, or `fallback` the host if there is none of
 * use: a server that listens on all addresses says 0.0.0.0. */
static cairn_code add_authority(cairn_hdfs_place *place, bool tls, cairn_slice authority,
                                cairn_slice fallback, cairn_error *err)
{
    const size_t len = host_length(authority);
    const char *text = authority.data;
    cairn_slice host = {text, len};
    cairn_slice port = cairn_slice_of(tls ? HTTPS_PORT : HTTP_PORT);

    if (len + 1 < authority.len) {
        port = (cairn_slice){text + len + 1, authority.len - len - 1};
    }
    if (len == 0 || cairn_slice_equal(host, cairn_slice_of("0.0.0.0"))) {
        host = fallback;
    }
    if (host.len == 0) {
        return error_set(err, CAIRN_E_INVALID, "no host of a NameNode is known");
    }
    return add_address(place, tls, host, port, err);
}

/* A property of the service, or of one NameNode of it: "<name>[.<service>[.<id>]]". */
static cairn_code lookup(const hdfs_config *config, const char *name, cairn_slice service,
                         cairn_slice id, cairn_buf *out, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) key = {0};

    buf_clear(out);
    CAIRN_TRY(buf_append_text(&key, name, err));
    if (service.len > 0) {
        CAIRN_TRY(buf_printf(&key, err, ".%.*s", (int)service.len, (const char *)service.data));
    }
    if (id.len > 0) {
        CAIRN_TRY(buf_printf(&key, err, ".%.*s", (int)id.len, (const char *)id.data));
    }
    return hdfs_config_get(config, buf_text(&key), out, err);
}

/* What finding the addresses of a service needs. */
typedef struct search {
    const hdfs_config *config;
    cairn_slice service;
    cairn_slice host; /* of the URI or of fs.defaultFS; empty for a name service */
    bool tls;
} search;

static cairn_code add_found(const search *s, cairn_slice id, cairn_hdfs_place *place,
                            cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) address = {0};
    CAIRN_AUTO(cairn_buf) rpc = {0};
    const char *name = s->tls ? "dfs.namenode.https-address" : "dfs.namenode.http-address";
    cairn_slice fallback = s->host;

    CAIRN_TRY(lookup(s->config, name, s->service, id, &address, err));
    if (fallback.len == 0) {
        CAIRN_TRY(lookup(s->config, "dfs.namenode.rpc-address", s->service, id, &rpc, err));
        fallback = (cairn_slice){rpc.data, host_length(cairn_buf_slice(&rpc))};
    }
    return add_authority(place, s->tls, cairn_buf_slice(&address), fallback, err);
}

/* Each of "nn1, nn2". */
static cairn_code add_each(const search *s, const cairn_buf *ids, cairn_hdfs_place *place,
                           cairn_error *err)
{
    const char *at = (const char *)ids->data;
    const char *end = at + ids->len;

    while (at < end) {
        at += strspn(at, ", \t\r\n");
        const size_t len = strcspn(at, ", \t\r\n");
        if (len > 0) {
            CAIRN_TRY(add_found(s, (cairn_slice){at, len}, place, err));
        }
        at += len;
    }
    return CAIRN_OK;
}

static bool list_has(const cairn_buf *list, cairn_slice name)
{
    const char *at = (const char *)list->data;
    const char *end = at + list->len;

    while (at < end) {
        at += strspn(at, ", \t\r\n");
        const size_t len = strcspn(at, ", \t\r\n");
        if (len > 0 && cairn_slice_equal((cairn_slice){at, len}, name)) {
            return true;
        }
        at += len;
    }
    return false;
}

static cairn_slice host_of(cairn_slice authority)
{
    return (cairn_slice){authority.data, host_length(authority)};
}

/* The configuration is that of fs.defaultFS: a NameNode of another name has no address in it. */
static cairn_code is_configured(const search *s, bool *out, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) fs = {0};

    CAIRN_TRY(hdfs_config_get(s->config, "fs.defaultFS", &fs, err));
    const char *rest = fs.len == 0 ? NULL : behind(buf_text(&fs), "hdfs://");
    *out = rest == NULL ||
           cairn_slice_equal(host_of((cairn_slice){rest, strcspn(rest, "/")}), s->host);
    return CAIRN_OK;
}

/* "host:port" of RPC: its web address is the one that is configured, if it is the host's. */
static cairn_code find_host(search *s, cairn_hdfs_place *place, cairn_error *err)
{
    const cairn_slice none = {NULL, 0};
    bool configured = false;

    s->host = host_of(s->service);
    s->service = none;
    CAIRN_TRY(is_configured(s, &configured, err));
    return configured ? add_found(s, none, place, err)
                      : add_authority(place, s->tls, s->host, none, err);
}

static cairn_code find_service(search *s, cairn_hdfs_place *place, cairn_error *err)
{
    const cairn_slice none = {NULL, 0};
    CAIRN_AUTO(cairn_buf) policy = {0};
    CAIRN_AUTO(cairn_buf) services = {0};
    CAIRN_AUTO(cairn_buf) ids = {0};

    CAIRN_TRY(lookup(s->config, "dfs.http.policy", none, none, &policy, err));
    s->tls = cairn_slice_equal(cairn_buf_slice(&policy), cairn_slice_of("HTTPS_ONLY"));
    CAIRN_TRY(lookup(s->config, "dfs.nameservices", none, none, &services, err));
    if (services.len == 0 || !list_has(&services, s->service)) {
        return find_host(s, place, err);
    }
    CAIRN_TRY(lookup(s->config, "dfs.ha.namenodes", s->service, none, &ids, err));
    return ids.len == 0 ? add_found(s, none, place, err) : add_each(s, &ids, place, err);
}

/* hdfs:///path means the service that fs.defaultFS names. */
static cairn_code find_by_config(const parts *p, const char *conf_dir, cairn_hdfs_place *place,
                                 cairn_error *err)
{
    CAIRN_AUTO(hdfs_config) config = {.count = 0};
    CAIRN_AUTO(cairn_buf) fs = {0};
    search s = {.config = &config, .service = p->authority};

    CAIRN_TRY(hdfs_config_load(&config, conf_dir, err));
    if (s.service.len == 0) {
        CAIRN_TRY(hdfs_config_get(&config, "fs.defaultFS", &fs, err));
        const char *rest = fs.len == 0 ? NULL : behind(buf_text(&fs), "hdfs://");
        if (rest == NULL) {
            return refuse(p->uri, "the host is missing, and fs.defaultFS names none", err);
        }
        s.service = (cairn_slice){rest, strcspn(rest, "/")};
    }
    return find_service(&s, place, err);
}

static cairn_code find_namenodes(const parts *p, const char *conf_dir, cairn_hdfs_place *place,
                                 cairn_error *err)
{
    const cairn_slice none = {NULL, 0};

    if (p->kind != CAIRN_HDFS_RPC) {
        return add_authority(place, p->kind == CAIRN_HDFS_WEB_TLS, p->authority, none, err);
    }
    if (conf_dir != NULL) {
        return find_by_config(p, conf_dir, place, err);
    }
    if (p->authority.len == 0) {
        return refuse(p->uri, "the host is missing, and HADOOP_CONF_DIR is not set", err);
    }
    return add_authority(place, false, host_of(p->authority), none, err);
}

cairn_code cairn_hdfs_locate(const char *uri, const char *conf_dir, cairn_hdfs_place *out,
                             cairn_error *err)
{
    CAIRN_AUTO(cairn_hdfs_place) place = {.root = NULL};
    parts p = {.uri = NULL};

    if (uri == NULL || out == NULL) {
        return error_set(err, CAIRN_E_INVALID, "find a place in HDFS: a NULL argument");
    }
    if (conf_dir == NULL) {
        conf_dir = getenv("HADOOP_CONF_DIR"); /* NOLINT(concurrency-mt-unsafe): nobody sets it */
    }
    conf_dir = conf_dir != NULL && conf_dir[0] != '\0' ? conf_dir : NULL;
    CAIRN_TRY(split(uri, &p, err));
    CAIRN_TRY(find_namenodes(&p, conf_dir, &place, err));
    size_t len = strlen(p.path);
    while (len > 1 && p.path[len - 1] == '/') {
        len--;
    }
    place.root = len == 0 ? mem_strdup("/") : mem_strndup(p.path, len);
    if (place.root == NULL) {
        return error_no_memory(err, "a place in HDFS");
    }
    *out = place;
    place = (cairn_hdfs_place){.root = NULL};
    return CAIRN_OK;
}
