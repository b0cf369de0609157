#include "hdfs_datanodes.h"

#include "check.h"
#include "clock.h"
#include "errors.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static cairn_code bad_entry(cairn_error *err)
{
    return error_set(err, CAIRN_E_INVALID,
                     "the map of DataNodes is not 'host:port=address:port,...'");
}

/* "host:port", both parts there. */
static bool is_peer(const char *text, size_t len)
{
    const char *colon = memrchr(text, ':', len);

    return colon != NULL && colon > text && colon + 1 < text + len &&
           memchr(text, '/', len) == NULL && memchr(text, ' ', len) == NULL;
}

static cairn_code add_entry(hdfs_datanodes *nodes, const char *text, size_t len, cairn_error *err)
{
    const char *equals = memchr(text, '=', len);

    if (equals == NULL || !is_peer(text, (size_t)(equals - text)) ||
        !is_peer(equals + 1, len - (size_t)(equals + 1 - text))) {
        return bad_entry(err);
    }
    if (nodes->mapped == CAIRN_HDFS_DATANODES_MAX) {
        return error_set(err, CAIRN_E_INVALID, "the map of DataNodes has more than %d entries",
                         CAIRN_HDFS_DATANODES_MAX);
    }
    hdfs_datanode_entry *entry = &nodes->map[nodes->mapped++];
    entry->from = mem_strndup(text, (size_t)(equals - text));
    entry->to = mem_strndup(equals + 1, len - (size_t)(equals + 1 - text));
    return entry->from != NULL && entry->to != NULL ? CAIRN_OK
                                                    : error_no_memory(err, "a map of DataNodes");
}

cairn_code hdfs_datanodes_init(hdfs_datanodes *nodes, const char *map, cairn_error *err)
{
    *nodes = (hdfs_datanodes){.lock = PTHREAD_MUTEX_INITIALIZER};
    while (map != NULL && *map != '\0') {
        const size_t len = strcspn(map, ",");
        CAIRN_TRY(add_entry(nodes, map, len, err));
        map += len;
        map += *map == ',' ? 1 : 0;
    }
    return CAIRN_OK;
}

void hdfs_datanodes_release(hdfs_datanodes *nodes)
{
    for (size_t i = 0; i < nodes->mapped; i++) {
        mem_free(nodes->map[i].from);
        mem_free(nodes->map[i].to);
    }
    nodes->mapped = 0;
}

const char *hdfs_datanodes_target(const hdfs_datanodes *nodes, const webhdfs_url *url)
{
    char peer[WEBHDFS_HOST_BYTES + sizeof("[]:65535")];

    (void)snprintf(peer, sizeof(peer), strchr(url->host, ':') != NULL ? "[%s]:%u" : "%s:%u",
                   url->host, (unsigned)url->port);
    for (size_t i = 0; i < nodes->mapped; i++) {
        if (strcasecmp(nodes->map[i].from, peer) == 0) {
            return nodes->map[i].to;
        }
    }
    return NULL;
}

static void exclude_address(hdfs_datanodes *nodes, const char *address)
{
    pthread_mutex_lock(&nodes->lock);
    size_t at = nodes->next;
    for (size_t i = 0; i < CAIRN_HDFS_EXCLUDED_MAX; i++) {
        at = strcmp(nodes->bad[i].address, address) == 0 ? i : at;
    }
    if (at == nodes->next) {
        nodes->next = (nodes->next + 1) % CAIRN_HDFS_EXCLUDED_MAX;
    }
    (void)snprintf(nodes->bad[at].address, sizeof(nodes->bad[at].address), "%s", address);
    nodes->bad[at].until_ms = clock_monotonic_ms() + CAIRN_HDFS_EXCLUDED_MS;
    pthread_mutex_unlock(&nodes->lock);
}

/* Of IPv4: no name is of digits and dots. */
static bool is_address(const char *text)
{
    const size_t len = strspn(text, "0123456789.");

    return len > 0 && text[len] == '\0' && len < HDFS_ADDRESS_BYTES;
}

void hdfs_datanodes_exclude(hdfs_datanodes *nodes, const char *host, const char *peer)
{
    if (is_address(host)) {
        exclude_address(nodes, host);
    } else if (is_address(peer)) {
        exclude_address(nodes, peer);
    }
}

bool hdfs_datanodes_forgive(hdfs_datanodes *nodes)
{
    bool any = false;

    pthread_mutex_lock(&nodes->lock);
    for (size_t i = 0; i < CAIRN_HDFS_EXCLUDED_MAX; i++) {
        any = any || nodes->bad[i].until_ms > clock_monotonic_ms();
        nodes->bad[i] = (hdfs_bad_datanode){.until_ms = 0};
    }
    pthread_mutex_unlock(&nodes->lock);
    return any;
}

static cairn_code append_bad(const hdfs_datanodes *nodes, cairn_buf *out, cairn_error *err)
{
    const uint64_t now_ms = clock_monotonic_ms();
    const char *between = "";

    for (size_t i = 0; i < CAIRN_HDFS_EXCLUDED_MAX; i++) {
        if (nodes->bad[i].until_ms > now_ms) {
            CAIRN_TRY(buf_printf(out, err, "%s%s", between, nodes->bad[i].address));
            between = ",";
        }
    }
    return CAIRN_OK;
}

cairn_code hdfs_datanodes_excluded(hdfs_datanodes *nodes, cairn_buf *out, cairn_error *err)
{
    pthread_mutex_lock(&nodes->lock);
    const cairn_code code = append_bad(nodes, out, err);
    pthread_mutex_unlock(&nodes->lock);
    return code;
}
