#include "hdfs_store.h"

#include <cairn/hdfs.h>

#include "cancel.h"
#include "errors.h"
#include "hdfs_path.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#define LATE_PAUSE_MS 150

cairn_code hdfs_path(const hdfs_store *store, const char *key, cairn_buf *out, cairn_error *err)
{
    unsigned parts = 1;

    for (const char *at = key; *at != '\0'; at++) {
        parts += *at == '/' ? 1 : 0;
    }
    if (parts > CAIRN_HDFS_DEPTH_MAX) {
        return error_set(err, CAIRN_E_INVALID, "a key of %u parts, at most %d", parts,
                         CAIRN_HDFS_DEPTH_MAX);
    }
    CAIRN_TRY(buf_printf(out, err, "%s/", store->root));
    CAIRN_TRY(hdfs_path_of_key(key, out, err));
    return buf_text(out) != NULL ? CAIRN_OK : error_no_memory(err, "a path");
}

cairn_code hdfs_status(hdfs_store *store, const cairn_call *call, const char *path,
                       webhdfs_status *out, cairn_error *err)
{
    const webhdfs_request request = {.op = CAIRN_WEBHDFS_STATUS, .path = path};
    CAIRN_AUTO(webhdfs_flight) flight = {.request = NULL};

    const cairn_code code = hdfs_request(store, call, &request, &flight, err);
    if (code != CAIRN_OK && flight.failure.cause == CAIRN_WEBHDFS_NOT_A_FOLDER) {
        return error_prefix(err, CAIRN_E_NOT_FOUND, "a file stands above it");
    }
    CAIRN_TRY(code);
    return webhdfs_json_status(cairn_buf_slice(&flight.exchange.reply.body), out, err);
}

cairn_code hdfs_file_status(hdfs_store *store, const cairn_call *call, const char *path,
                            webhdfs_status *out, cairn_error *err)
{
    webhdfs_status status = {.is_file = false};

    CAIRN_TRY(hdfs_status(store, call, path, &status, err));
    if (!status.is_file) {
        return error_set(err, CAIRN_E_NOT_FOUND, "a folder, not an object");
    }
    *out = status;
    return CAIRN_OK;
}

cairn_code hdfs_root_is_there(hdfs_store *store, const cairn_call *call, bool *out,
                              cairn_error *err)
{
    webhdfs_status status = {.is_file = false};
    cairn_code code = CAIRN_OK;

    if (!atomic_load(&store->root_seen)) {
        code = hdfs_status(store, call, store->root[0] != '\0' ? store->root : "/", &status, err);
    }
    if (code != CAIRN_OK && code != CAIRN_E_NOT_FOUND) {
        return code;
    }
    *out = code == CAIRN_OK;
    atomic_store(&store->root_seen, *out);
    return CAIRN_OK;
}

static cairn_code request_delete(hdfs_store *store, const cairn_call *call, const char *path,
                                 webhdfs_flight *flight, cairn_error *err)
{
    const webhdfs_request request = {
        .op = CAIRN_WEBHDFS_DELETE, .path = path, .params = {{"recursive", "false"}}};

    return hdfs_request(store, call, &request, flight, err);
}

cairn_code hdfs_delete(hdfs_store *store, const cairn_call *call, const char *path,
                       webhdfs_cause *out_cause, cairn_error *err)
{
    CAIRN_AUTO(webhdfs_flight) flight = {.request = NULL};

    const cairn_code code = request_delete(store, call, path, &flight, err);
    *out_cause = flight.failure.cause;
    return code;
}

/* True unless the server says that there was nothing. */
static bool discard_once(hdfs_store *store, const cairn_call *call, const char *path)
{
    CAIRN_AUTO(webhdfs_flight) flight = {.request = NULL};
    bool there = true;

    const cairn_code code = request_delete(store, call, path, &flight, NULL);
    return code != CAIRN_OK ||
           webhdfs_json_boolean(cairn_buf_slice(&flight.exchange.reply.body), &there, NULL) !=
               CAIRN_OK ||
           there;
}

void hdfs_discard(hdfs_store *store, const char *path, bool late)
{
    const cairn_call call = {cairn_deadline_in(CAIRN_HDFS_CLEANUP_MS), NULL};

    for (unsigned try = 1; !discard_once(store, &call, path) && late; try++) {
        if (try == CAIRN_HDFS_TRIES_MAX ||
            call_sleep(&call, (uint64_t)LATE_PAUSE_MS * try, "", NULL) != CAIRN_OK) {
            return;
        }
    }
}

static cairn_code hdfs_stat(void *self, const cairn_call *call, const char *key,
                            cairn_object_info *out, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) path = {0};
    webhdfs_status status = {.is_file = false};

    CAIRN_TRY(hdfs_path(self, key, &path, err));
    CAIRN_TRY(hdfs_file_status(self, call, buf_text(&path), &status, err));
    *out = (cairn_object_info){status.length, status.modified_ms};
    return CAIRN_OK;
}

void hdfs_remove_empty_folders(hdfs_store *store, const cairn_call *call, char *path)
{
    const size_t root_len = strlen(store->root);
    webhdfs_cause cause = CAIRN_WEBHDFS_OTHER;

    for (char *slash = strrchr(path, '/'); slash != NULL && (size_t)(slash - path) > root_len;
         slash = strrchr(path, '/')) {
        *slash = '\0';
        if (hdfs_delete(store, call, path, &cause, NULL) != CAIRN_OK) {
            return;
        }
    }
}

static cairn_code hdfs_remove(void *self, const cairn_call *call, const char *key, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) path = {0};
    cairn_error own = {0};
    webhdfs_cause cause = CAIRN_WEBHDFS_OTHER;

    CAIRN_TRY(hdfs_path(self, key, &path, err));
    const cairn_code code = hdfs_delete(self, call, buf_text(&path), &cause, &own);
    if (code != CAIRN_OK) {
        /* A folder with something in it, or nothing at all: no object has that key. */
        return cause == CAIRN_WEBHDFS_NOT_EMPTY || cause == CAIRN_WEBHDFS_NOT_A_FOLDER ||
                       code == CAIRN_E_NOT_FOUND
                   ? CAIRN_OK
                   : webhdfs_pass(code, &own, err);
    }
    hdfs_remove_empty_folders(self, call, (char *)path.data);
    return CAIRN_OK;
}

void hdfs_store_free(void *self)
{
    hdfs_store *store = self;

    http_client_free(store->web.http);
    hdfs_namenodes_release(&store->web.namenodes);
    hdfs_datanodes_release(&store->web.datanodes);
    hdfs_auth_release(&store->web.auth);
    mem_free(store->web.prefix);
    mem_free(store->web.datanode_hosts);
    mem_free(store->root);
    mem_free(store);
}

static const cairn_store_driver driver = {
    .version = CAIRN_STORE_DRIVER_VERSION,
    .create_is_atomic = true,
    .put = hdfs_put,
    .get = hdfs_get,
    .get_range = hdfs_get_range,
    .get_file = hdfs_get_file,
    .stat = hdfs_stat,
    .remove = hdfs_remove,
    .list_page = hdfs_list_page,
    .free = hdfs_store_free,
    .examine = hdfs_examine,
};

/* No empty part, none that HDFS refuses. */
static bool is_path(const char *path)
{
    while (*path == '/') {
        path++;
        const size_t len = strcspn(path, "/");
        if (len == 0 || memchr(path, ':', len) != NULL || strncmp(path, "..", len) == 0) {
            return false; /* "." and ".." both begin ".." */
        }
        path += len;
    }
    return *path == '\0';
}

/* A path without '/' at its end, so "" for "/". */
static cairn_code copy_path(const char *path, const char *what, char **out, cairn_error *err)
{
    size_t len = path == NULL ? 0 : strlen(path);

    while (len > 0 && path[len - 1] == '/') {
        len--;
    }
    *out = path == NULL ? NULL : mem_strndup(path, len);
    if (path != NULL && *out == NULL) {
        return error_no_memory(err, "a path");
    }
    if (path == NULL || path[0] != '/' || !is_path(*out)) {
        return error_set(err, CAIRN_E_INVALID,
                         "the %s is no absolute path without '//', '.', '..' and ':'", what);
    }
    return CAIRN_OK;
}

static cairn_code check_options(const cairn_hdfs_options *options, cairn_error *err)
{
    if (options->block_bytes % HDFS_CHUNK_BYTES != 0) {
        return error_set(err, CAIRN_E_INVALID, "the block size %" PRIu64 " is no multiple of %d",
                         options->block_bytes, HDFS_CHUNK_BYTES);
    }
    if (options->token != NULL && options->auth != CAIRN_HDFS_AUTH_TOKEN) {
        return error_set(err, CAIRN_E_INVALID, "a token is given, but is not to be used");
    }
    if (options->do_as != NULL && options->auth == CAIRN_HDFS_AUTH_TOKEN) {
        return error_set(err, CAIRN_E_INVALID, "a token tells whose it is: no other user fits");
    }
    return CAIRN_OK;
}

static cairn_code open_client(hdfs_store *store, const cairn_hdfs_options *options,
                              cairn_error *err)
{
    const http_options http = {
        .ca_file = options->ca_file,
        .allow_http = options->allow_http,
        .connect_timeout_ms = options->connect_timeout_ms,
        .connections = CAIRN_HDFS_PARALLEL_MAX,
        .negotiate = options->auth == CAIRN_HDFS_AUTH_KERBEROS,
    };

    return http_client_new(&http, &store->web.http, err);
}

static cairn_code fill(hdfs_store *store, const cairn_hdfs_options *options, cairn_error *err)
{
    CAIRN_TRY(check_options(options, err));
    store->replication = options->replication;
    store->block_bytes = options->block_bytes;
    store->sync_block = options->sync_block;
    store->check_checksum = options->check_checksum;
    store->create_root = options->create_root;
    atomic_init(&store->seen_block_bytes,
                options->block_bytes != 0 ? options->block_bytes : CAIRN_HDFS_BLOCK_BYTES);
    store->web.log = options->log;
    CAIRN_TRY(copy_path(options->root, "root", &store->root, err));
    CAIRN_TRY(copy_path(options->path_prefix, "path prefix", &store->web.prefix, err));
    if (options->datanode_hosts != NULL) {
        store->web.datanode_hosts = mem_strdup(options->datanode_hosts);
        if (store->web.datanode_hosts == NULL) {
            return error_no_memory(err, "a store");
        }
    }
    CAIRN_TRY(hdfs_namenodes_init(&store->web.namenodes, options->namenodes, err));
    CAIRN_TRY(hdfs_datanodes_init(&store->web.datanodes, options->datanode_map, err));
    CAIRN_TRY(hdfs_auth_init(&store->web.auth, options, err));
    return open_client(store, options, err);
}

/* "webhdfs://host:port/root" */
static cairn_code build_uri(const hdfs_store *store, cairn_buf *out, cairn_error *err)
{
    const webhdfs_url *url = &store->web.namenodes.items[0].url;
    const char *brackets = strchr(url->host, ':') != NULL ? "[]" : "\0\0";

    CAIRN_TRY(buf_printf(out, err, "%swebhdfs://%.1s%s%.1s:%u%s", url->https ? "s" : "", brackets,
                         url->host, brackets + 1, (unsigned)url->port,
                         store->root[0] != '\0' ? store->root : "/"));
    return buf_text(out) != NULL ? CAIRN_OK : error_no_memory(err, "a store");
}

cairn_code cairn_hdfs_store_new(const cairn_hdfs_options *options, cairn_store **out,
                                cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) uri = {0};

    if (options == NULL || out == NULL || options->version != CAIRN_HDFS_OPTIONS_VERSION) {
        return error_set(err, CAIRN_E_INVALID, "open a store: a NULL argument or unknown options");
    }
    hdfs_store *store = mem_calloc(1, sizeof(*store));
    if (store == NULL) {
        return error_no_memory(err, "a store");
    }
    cairn_code code = fill(store, options, err);
    if (code == CAIRN_OK) {
        code = build_uri(store, &uri, err);
    }
    if (code != CAIRN_OK) {
        hdfs_store_free(store);
        return error_prefix(err, code, "open a store in HDFS");
    }
    return cairn_store_new(&driver, store, buf_text(&uri), out, err);
}
