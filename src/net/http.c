/* Clients, and the lanes that they keep. */
#include "http.h"

#include "clock.h"
#include "errors.h"
#include "http_impl.h"

#define CONNECTIONS_DEFAULT 8

static cairn_code copy_text(const char *text, char **out, cairn_error *err)
{
    if (text == NULL) {
        return CAIRN_OK;
    }
    *out = mem_strdup(text);
    return *out != NULL ? CAIRN_OK : error_no_memory(err, "options of an HTTP client");
}

static cairn_code copy_options(const http_options *options, http_client *client, cairn_error *err)
{
    http_options *own = &client->options;

    *own = *options;
    own->connections = own->connections == 0 ? CONNECTIONS_DEFAULT : own->connections;
    own->connect_timeout_ms = own->connect_timeout_ms == 0 ? CAIRN_HTTP_CONNECT_MS
                                                           : own->connect_timeout_ms;
    own->low_speed_s = own->low_speed_s == 0 ? CAIRN_HTTP_LOW_SPEED_S : own->low_speed_s;
    if (own->connections > CAIRN_HTTP_CREW_MAX || own->connect_timeout_ms > INT32_MAX) {
        return error_set(err, CAIRN_E_INVALID,
                         "HTTP: at most %d connections of a lane, and %d ms to connect",
                         CAIRN_HTTP_CREW_MAX, INT32_MAX);
    }
    CAIRN_TRY(copy_text(options->ca_file, &client->ca_file, err));
    CAIRN_TRY(copy_text(options->ca_path, &client->ca_path, err));
    CAIRN_TRY(copy_text(options->proxy, &client->proxy, err));
    own->ca_file = client->ca_file;
    own->ca_path = client->ca_path;
    own->proxy = client->proxy;
    return CAIRN_OK;
}

cairn_code http_client_new(const http_options *options, http_client **out, cairn_error *err)
{
    CAIRN_TRY(http_curl_init(err));
    CAIRN_AUTO_PTR(http_client_free) http_client *client = mem_calloc(1, sizeof(*client));

    if (client == NULL) {
        return error_no_memory(err, "new HTTP client");
    }
    (void)pthread_mutex_init(&client->lock, NULL);
    (void)snprintf(client->user_agent, sizeof(client->user_agent), "cairn/%s", cairn_version());
    CAIRN_TRY(copy_options(options, client, err));
    *out = CAIRN_TAKE(client);
    return CAIRN_OK;
}

static void lane_free(http_lane *lane)
{
    if (lane == NULL) {
        return;
    }
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(lane->transfers); i++) {
        http_transfer_free(lane->transfers[i]);
    }
    (void)curl_multi_cleanup(lane->multi);
    mem_free(lane);
}
CAIRN_DEFINE_AUTO_PTR(http_lane, lane_free)

void http_client_free(http_client *client)
{
    if (client == NULL) {
        return;
    }
    while (client->idle != NULL) {
        http_lane *lane = client->idle;
        client->idle = lane->next;
        lane_free(lane);
    }
    (void)pthread_mutex_destroy(&client->lock);
    mem_free(client->ca_file);
    mem_free(client->ca_path);
    mem_free(client->proxy);
    mem_free(client);
}

uint64_t http_client_requests(const http_client *client)
{
    return atomic_load(&client->requests);
}

static cairn_code lane_new(const http_client *client, http_lane **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(lane_free) http_lane *lane = mem_calloc(1, sizeof(*lane));

    if (lane == NULL || (lane->multi = curl_multi_init()) == NULL ||
        curl_multi_setopt(lane->multi, CURLMOPT_MAXCONNECTS, (long)client->options.connections) !=
            CURLM_OK) {
        return error_no_memory(err, "new HTTP lane");
    }
    *out = CAIRN_TAKE(lane);
    return CAIRN_OK;
}

static http_lane *pop_idle(http_client *client)
{
    (void)pthread_mutex_lock(&client->lock);
    http_lane *lane = client->idle;
    if (lane != NULL) {
        client->idle = lane->next;
        client->idle_count--;
    }
    (void)pthread_mutex_unlock(&client->lock);
    return lane;
}

/* Those from before a wait in vain may be dead without telling; also those that lay idle in the
 * lane on which somebody waited. */
static bool has_doubtful_connections(const http_client *client, const http_lane *lane)
{
    return lane->taken_ms <= atomic_load(&client->waited_in_vain_ms);
}

cairn_code http_lane_take(http_client *client, http_lane **out, cairn_error *err)
{
    http_lane *lane = pop_idle(client);

    while (lane != NULL && has_doubtful_connections(client, lane)) {
        lane_free(lane);
        lane = pop_idle(client);
    }
    if (lane == NULL) {
        CAIRN_TRY(lane_new(client, &lane, err));
    }
    lane->taken_ms = clock_monotonic_ms();
    *out = lane;
    return CAIRN_OK;
}

void http_lane_return(http_client *client, http_lane *lane)
{
    (void)pthread_mutex_lock(&client->lock);
    const bool is_kept = client->idle_count < CAIRN_HTTP_LANES_IDLE_MAX &&
                         !has_doubtful_connections(client, lane);
    if (is_kept) {
        lane->next = client->idle;
        client->idle = lane;
        client->idle_count++;
    }
    (void)pthread_mutex_unlock(&client->lock);
    if (!is_kept) {
        lane_free(lane);
    }
}

cairn_code http_lane_transfer(const http_client *client, http_lane *lane, http_transfer **out,
                              cairn_error *err)
{
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(lane->transfers); i++) {
        if (lane->transfers[i] == NULL) {
            CAIRN_TRY(http_transfer_new(client, &lane->transfers[i], err));
        }
        if (lane->transfers[i]->exchange == NULL) {
            *out = lane->transfers[i];
            return CAIRN_OK;
        }
    }
    return error_set(err, CAIRN_E_INTERNAL, "HTTP: all transfers of a lane are busy");
}
