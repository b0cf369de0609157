/* One easy handle: its options, the source of its body, and what it amounted to. */
#include "clock.h"
#include "encode.h"
#include "errors.h"
#include "fs_retry.h"
#include "http_impl.h"

#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TEXT_BYTES_MAX  200 /* of libcurl's message */
#define LABEL_HOST_MAX  300
#define KEEP_IDLE_S     30
#define KEEP_INTERVAL_S 10

cairn_code http_transfer_new(const http_client *client, http_transfer **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(http_transfer_free) http_transfer *transfer = mem_calloc(1, sizeof(*transfer));

    if (transfer == NULL || (transfer->easy = curl_easy_init()) == NULL) {
        return error_no_memory(err, "new HTTP transfer");
    }
    transfer->client = client;
    *out = CAIRN_TAKE(transfer);
    return CAIRN_OK;
}

void http_transfer_free(http_transfer *transfer)
{
    if (transfer != NULL) {
        curl_easy_cleanup(transfer->easy);
        mem_free(transfer);
    }
}

void http_label(const http_exchange *exchange, char out[HTTP_LABEL_SIZE])
{
    const char *authority = strstr(exchange->url, "://");
    const size_t scheme = authority != NULL ? (size_t)(authority - exchange->url) + 3 : 0;
    const size_t end = scheme + strcspn(exchange->url + scheme, "/?@");

    (void)snprintf(out, HTTP_LABEL_SIZE, "%s %.*s", http_method_name(exchange->method),
                   (int)(end < LABEL_HOST_MAX ? end : LABEL_HOST_MAX), exchange->url);
}

/* What may be read now, up to `take`, of a source that halts in its middle. */
static size_t take_before_halt(const http_transfer *transfer, size_t take)
{
    const uint64_t middle = transfer->exchange->source.length / 2;

    if (transfer->position == middle) {
        clock_sleep_ms(transfer->exchange->halt_ms);
    }
    if (transfer->position < middle && middle - transfer->position < take) {
        return (size_t)(middle - transfer->position);
    }
    return take;
}

/* The bytes of the source that libcurl is given now; the outcome is the transfer's. */
static cairn_code read_source(http_transfer *transfer, char *to, size_t take, size_t *out_got)
{
    const http_exchange *exchange = transfer->exchange;
    const http_source *source = &exchange->source;
    cairn_error *err = &transfer->error;
    ssize_t got = (ssize_t)take;

    if (source->data != NULL) {
        memcpy(to, (const char *)source->data + transfer->position, take);
    } else {
        got = FS_RETRY(pread(source->fd, to, take, (off_t)(source->offset + transfer->position)));
    }
    if (got < 0) {
        return error_errno(err, errno, "read what is to be sent");
    }
    if (got == 0) {
        return error_set(err, CAIRN_E_IO, "the file to send ends before its length");
    }
    *out_got = (size_t)got;
    return exchange->tap == NULL ? CAIRN_OK
                                 : exchange->tap(exchange->tap_context, transfer->position,
                                                 (cairn_slice){to, (size_t)got}, err);
}

static size_t on_read(char *to, size_t size, size_t count, void *context)
{
    http_transfer *transfer = context;
    const http_source *source = &transfer->exchange->source;
    const uint64_t left = source->length - transfer->position;
    size_t take = size * count < left ? size * count : (size_t)left;

    if (take == 0) {
        return 0;
    }
    if (transfer->exchange->halt_ms > 0) {
        take = take_before_halt(transfer, take);
    }
    const cairn_code code = read_source(transfer, to, take, &take);
    if (code != CAIRN_OK) {
        transfer->code = code;
        return CURL_READFUNC_ABORT;
    }
    transfer->position += take;
    if (transfer->position > transfer->furthest) {
        transfer->furthest = transfer->position;
    }
    return take;
}

/* libcurl begins again: a kept connection was dead, or a challenge must be answered. */
static int on_seek(void *context, curl_off_t offset, int origin)
{
    http_transfer *transfer = context;

    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > transfer->exchange->source.length) {
        return CURL_SEEKFUNC_FAIL;
    }
    if (transfer->exchange->tap != NULL && offset != 0) {
        return CURL_SEEKFUNC_FAIL; /* a tap can only begin again */
    }
    transfer->position = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* As libcurl does it, but not inherited by programs that the process starts. */
static int open_socket(const struct curl_sockaddr *address)
{
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* libcurl does not tell the address of a connection that never stood. */
static curl_socket_t on_open_socket(void *context, curlsocktype purpose,
                                    struct curl_sockaddr *address)
{
    http_transfer *transfer = context;

    (void)purpose;
    if (address->family != AF_INET && transfer->peer[0] != '\0') {
        return open_socket(address); /* NameNodes know those of IPv4 */
    }
    if (getnameinfo(&address->addr, address->addrlen, transfer->peer, sizeof(transfer->peer), NULL,
                    0, NI_NUMERICHOST) != 0) {
        transfer->peer[0] = '\0';
    }
    return open_socket(address);
}

static bool add_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);

    if (longer == NULL) {
        return false;
    }
    *list = longer;
    return true;
}

/* The exchange's headers, and against those that libcurl adds by itself: a name without a value. */
static cairn_code make_headers(http_transfer *transfer, cairn_error *err)
{
    static const char *const unwanted[] = {"Accept", "Content-Type"};
    const http_exchange *exchange = transfer->exchange;
    const bool expects = (exchange->flags & HTTP_EXPECT) != 0 && exchange->source.length > 0;
    bool good = add_line(&transfer->headers, expects ? "Expect: 100-continue" : "Expect:");

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(unwanted) && good; i++) {
        char line[32] = "";
        (void)snprintf(line, sizeof(line), "%s:", unwanted[i]);
        good = http_has_header(exchange, unwanted[i]) || add_line(&transfer->headers, line);
    }
    const char *const *line = exchange->headers;
    for (; good && line != NULL && *line != NULL; line++) {
        good = add_line(&transfer->headers, *line);
    }
    if (good && exchange->connect_to != NULL) {
        char rule[CAIRN_HTTP_HOST_BYTES_MAX + sizeof("::[]:65535")] = "";
        (void)snprintf(rule, sizeof(rule), "::%s", exchange->connect_to);
        good = add_line(&transfer->connect_to, rule);
    }
    return good ? CAIRN_OK : error_no_memory(err, "headers of an HTTP request");
}

typedef struct http_number {
    CURLoption option;
    long value;
} http_number;

static CURLcode set_numbers(CURL *easy, const http_number *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const CURLcode result = curl_easy_setopt(easy, numbers[i].option, numbers[i].value);
        if (result != CURLE_OK) {
            return result;
        }
    }
    return CURLE_OK;
}

/* The same for each exchange. Reference: reliability, "libcurl settings". */
static CURLcode set_rules(CURL *easy)
{
    static const http_number numbers[] = {
        {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
        {CURLOPT_FOLLOWLOCATION, 0},
        {CURLOPT_MAXREDIRS, 0},
        {CURLOPT_UNRESTRICTED_AUTH, 0},
        {CURLOPT_NETRC, CURL_NETRC_IGNORED},
        {CURLOPT_HTTP09_ALLOWED, 0},
        {CURLOPT_HTTP_CONTENT_DECODING, 0},
        {CURLOPT_FAILONERROR, 0},
        {CURLOPT_VERBOSE, 0},
        {CURLOPT_NOPROGRESS, 1},
        {CURLOPT_DISALLOW_USERNAME_IN_URL, 1},
        {CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
        {CURLOPT_SSL_VERIFYPEER, 1},
        {CURLOPT_SSL_VERIFYHOST, 2},
        {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
        {CURLOPT_NOSIGNAL, 1},
        {CURLOPT_QUICK_EXIT, 1}, /* a cancelled call waits for no DNS server */
        {CURLOPT_PATH_AS_IS, 1},
        {CURLOPT_TCP_KEEPALIVE, 1},
        {CURLOPT_TCP_KEEPIDLE, KEEP_IDLE_S},
        {CURLOPT_TCP_KEEPINTVL, KEEP_INTERVAL_S},
        {CURLOPT_DNS_SHUFFLE_ADDRESSES, 1},
        {CURLOPT_MAXAGE_CONN, CAIRN_HTTP_IDLE_S},
        {CURLOPT_MAXLIFETIME_CONN, CAIRN_HTTP_LIFETIME_S},
        {CURLOPT_UPLOAD_BUFFERSIZE, CAIRN_HTTP_BUFFER_BYTES},
    };
    /* A handle whose last name was not resolved keeps its buffer, of this very size, and refuses
     * the option (7.88.1). */
    const CURLcode buffer = curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, CAIRN_HTTP_BUFFER_BYTES);

    if (buffer != CURLE_OK && buffer != CURLE_BAD_FUNCTION_ARGUMENT) {
        return buffer;
    }
    return set_numbers(easy, numbers, CAIRN_ARRAY_LEN(numbers));
}

/* The first that is not OK. */
static CURLcode first_of(const CURLcode *results, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (results[i] != CURLE_OK) {
            return results[i];
        }
    }
    return CURLE_OK;
}

static CURLcode set_client(http_transfer *transfer, bool is_tls)
{
    const http_client *client = transfer->client;
    CURL *easy = transfer->easy;
    const bool own_trust = client->ca_file != NULL || client->ca_path != NULL;
    const CURLcode results[] = {
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, is_tls ? "https" : "http"),
        curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https"),
        curl_easy_setopt(easy, CURLOPT_PROXY, client->proxy != NULL ? client->proxy : ""),
        curl_easy_setopt(easy, CURLOPT_NOPROXY, ""),
        curl_easy_setopt(easy, CURLOPT_USERAGENT, client->user_agent),
        own_trust ? curl_easy_setopt(easy, CURLOPT_CAINFO, client->ca_file) : CURLE_OK,
        own_trust ? curl_easy_setopt(easy, CURLOPT_CAPATH, client->ca_path) : CURLE_OK,
    };

    return first_of(results, CAIRN_ARRAY_LEN(results));
}

static CURLcode set_waits(http_transfer *transfer, const cairn_call *call)
{
    const http_client *client = transfer->client;
    const bool is_patient = (transfer->exchange->flags & HTTP_PATIENT) != 0;
    const bool has_deadline = call != NULL && call->deadline_ms != 0;
    const http_number numbers[] = {
        {CURLOPT_CONNECTTIMEOUT_MS, (long)client->options.connect_timeout_ms},
        {CURLOPT_LOW_SPEED_LIMIT, is_patient ? 0 : CAIRN_HTTP_LOW_SPEED_BYTES},
        {CURLOPT_LOW_SPEED_TIME, is_patient ? 0 : (long)client->options.low_speed_s},
        /* A deadline is looked at by whoever drives the transfer. */
        {CURLOPT_TIMEOUT_MS, has_deadline ? 0 : CAIRN_STORE_TIMEOUT_MS},
    };

    return set_numbers(transfer->easy, numbers, CAIRN_ARRAY_LEN(numbers));
}

/* What is open or known may be dead if somebody just waited in vain. */
static CURLcode set_connection(http_transfer *transfer)
{
    const unsigned flags = transfer->exchange->flags;
    const uint64_t vain_ms = atomic_load(&transfer->client->waited_in_vain_ms);
    const bool distrusts = vain_ms != 0 && clock_monotonic_ms() < vain_ms + CAIRN_HTTP_DISTRUST_MS;
    const http_number numbers[] = {
        {CURLOPT_FRESH_CONNECT, distrusts || (flags & HTTP_FRESH_CONNECTION) != 0},
        {CURLOPT_FORBID_REUSE, (flags & HTTP_CLOSE) != 0},
        {CURLOPT_DNS_CACHE_TIMEOUT, distrusts ? 0 : CAIRN_HTTP_DNS_S},
    };
    CURL *easy = transfer->easy;
    const bool negotiates = (flags & HTTP_NEGOTIATE) != 0;
    const CURLcode results[] = {
        set_numbers(easy, numbers, CAIRN_ARRAY_LEN(numbers)),
        curl_easy_setopt(easy, CURLOPT_CONNECT_TO, transfer->connect_to),
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket),
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer),
        negotiates ? curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_NEGOTIATE) : CURLE_OK,
        negotiates ? curl_easy_setopt(easy, CURLOPT_USERPWD, ":") : CURLE_OK,
    };

    return first_of(results, CAIRN_ARRAY_LEN(results));
}

static CURLcode set_method(CURL *easy, const http_exchange *exchange)
{
    const curl_off_t length = (curl_off_t)exchange->source.length;

    switch (exchange->method) {
    case CAIRN_HTTP_GET:
        return curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    case CAIRN_HTTP_HEAD:
        return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    case CAIRN_HTTP_PUT: {
        const CURLcode result = curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        return result != CURLE_OK ? result
                                  : curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, length);
    }
    case CAIRN_HTTP_POST: {
        const CURLcode result = curl_easy_setopt(easy, CURLOPT_POST, 1L);
        return result != CURLE_OK ? result
                                  : curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, length);
    }
    case CAIRN_HTTP_DELETE:
        return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "DELETE");
    }
    return CURLE_BAD_FUNCTION_ARGUMENT;
}

static CURLcode set_exchange(http_transfer *transfer)
{
    CURL *easy = transfer->easy;
    const CURLcode results[] = {
        curl_easy_setopt(easy, CURLOPT_URL, transfer->exchange->url),
        set_method(easy, transfer->exchange),
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers),
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read),
        curl_easy_setopt(easy, CURLOPT_READDATA, transfer),
        curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek),
        curl_easy_setopt(easy, CURLOPT_SEEKDATA, transfer),
        curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, http_on_header),
        curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer),
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, http_on_body),
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer),
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->text),
        curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer),
    };

    return first_of(results, CAIRN_ARRAY_LEN(results));
}

static void wipe_lines(struct curl_slist *list)
{
    for (; list != NULL; list = list->next) {
        explicit_bzero(list->data, strlen(list->data));
    }
}

/* Forgets the exchange, and with it what the handle knew of it: headers are secrets. */
static void clear(http_transfer *transfer)
{
    const http_client *client = transfer->client;
    CURL *easy = transfer->easy;

    curl_easy_reset(easy);
    wipe_lines(transfer->headers);
    curl_slist_free_all(transfer->headers);
    curl_slist_free_all(transfer->connect_to);
    *transfer = (http_transfer){.easy = easy, .client = client};
}

static cairn_code set_up(http_transfer *transfer, const cairn_call *call, cairn_error *err)
{
    http_exchange *exchange = transfer->exchange;
    http_origin origin = {0};

    CAIRN_TRY(http_exchange_check(&transfer->client->options, exchange, err));
    CAIRN_TRY(http_origin_of(&transfer->client->options, exchange, &origin, err));
    CAIRN_TRY(make_headers(transfer, err));
    const CURLcode results[] = {
        set_rules(transfer->easy), set_client(transfer, origin.is_tls),
        set_waits(transfer, call), set_connection(transfer),
        set_exchange(transfer),
    };
    const CURLcode result = first_of(results, CAIRN_ARRAY_LEN(results));
    if (result == CURLE_OUT_OF_MEMORY) {
        return error_no_memory(err, "options of an HTTP request");
    }
    if (result != CURLE_OK) {
        return error_set(err, CAIRN_E_INTERNAL, "HTTP: libcurl refused an option: %s",
                         curl_easy_strerror(result));
    }
    return CAIRN_OK;
}

cairn_code http_transfer_begin(http_transfer *transfer, const cairn_call *call,
                               http_exchange *exchange, cairn_error *err)
{
    CAIRN_ASSERT(transfer->exchange == NULL);
    http_reply_release(&exchange->reply);
    transfer->exchange = exchange;
    if (exchange->sink.kind == CAIRN_HTTP_SINK_BODY) {
        const size_t limit = exchange->sink.length < SIZE_MAX ? exchange->sink.length : SIZE_MAX;
        cairn_buf_init(&exchange->reply.body,
                       limit > CAIRN_HTTP_ERROR_BYTES_MAX ? limit : CAIRN_HTTP_ERROR_BYTES_MAX);
    }
    http_memory_forget();
    const cairn_code code = set_up(transfer, call, err);
    if (code != CAIRN_OK) {
        clear(transfer);
    }
    return code;
}

static void fill_reply(http_transfer *transfer, bool has_failed)
{
    http_reply *reply = &transfer->exchange->reply;
    curl_off_t sent = 0;
    long request_bytes = 0;
    const char *stood = NULL;

    (void)curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
    reply->sent = sent > 0 ? (uint64_t)sent : 0;
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_PRIMARY_IP, &stood);
    (void)snprintf(reply->peer, sizeof(reply->peer), "%s",
                   stood != NULL && stood[0] != '\0' ? stood : transfer->peer);
    reply->status = transfer->status >= 200 ? transfer->status : 0;
    if (reply->status == 0) {
        buf_clear(&reply->headers);
    }
    reply->maybe_effective = has_failed && request_bytes > 0 &&
                             transfer->furthest >= transfer->exchange->source.length;
}

/* libcurl's message, which may hold what the peer sent. */
static cairn_code tell(const http_transfer *transfer, CURLcode result, cairn_error *err)
{
    const char *text = transfer->text[0] != '\0' ? transfer->text : curl_easy_strerror(result);
    const cairn_code code = http_code_of(result, text);
    char label[HTTP_LABEL_SIZE] = "";
    CAIRN_AUTO(cairn_buf) shown = {0};

    http_label(transfer->exchange, label);
    size_t len = strlen(text);
    while (len > 0 && strchr(".\r\n ", text[len - 1]) != NULL) {
        len--;
    }
    CAIRN_TRY(encode_printable((cairn_slice){text, len}, TEXT_BYTES_MAX, &shown, err));
    const char *safe = buf_text(&shown);
    return error_set(err, code, "%s: %s", label, safe != NULL ? safe : "failed");
}

static cairn_code outcome(http_transfer *transfer, CURLcode result, cairn_error *err)
{
    if ((result == CURLE_OK && transfer->headers_done) || transfer->enough) {
        return CAIRN_OK;
    }
    if (result == CURLE_OK) { /* libcurl takes a connection that ends in the headers for a reply */
        transfer->code = error_set(&transfer->error, CAIRN_E_UNAVAILABLE,
                                   "the connection ended in the headers of the reply");
    }
    if (transfer->code == CAIRN_OK && http_memory_failed()) {
        return error_no_memory(err, "HTTP exchange");
    }
    if (transfer->code == CAIRN_OK) {
        return tell(transfer, result, err);
    }
    char label[HTTP_LABEL_SIZE] = "";
    http_label(transfer->exchange, label);
    return error_set(err, transfer->code, "%s: %s", label, transfer->error.message);
}

cairn_code http_transfer_end(http_transfer *transfer, CURLcode result, cairn_error *err)
{
    const cairn_code code = outcome(transfer, result, err);

    fill_reply(transfer, code != CAIRN_OK);
    clear(transfer);
    return code;
}

void http_transfer_abandon(http_transfer *transfer)
{
    fill_reply(transfer, true);
    clear(transfer);
}
