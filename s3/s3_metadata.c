#include "s3_metadata.h"

#include "bounds.h"
#include "buf.h"
#include "errors.h"
#include "s3_credentials_parts.h"

#include <string.h>
#include <strings.h>

#define CONTAINER_HOST     "http://169.254.170.2"
#define INSTANCE_HOST      "http://169.254.169.254"
#define TOKEN_PATH         "/latest/api/token"
#define ROLES_PATH         "/latest/meta-data/iam/security-credentials/"
#define TOKEN_TTL_HEADER   "X-aws-ec2-metadata-token-ttl-seconds: 21600"
#define TOKEN_HEADER       "X-aws-ec2-metadata-token: "
#define AUTHORIZATION      "Authorization: "
#define ROLE_NAME_BYTES    128
#define CONTAINER_WHO      "container credentials endpoint"
#define INSTANCE_WHO       "instance metadata service"
#define TOKEN_BYTES_SPARED 64 /* the name of the header, and a NUL */

bool s3_container_is_set(const s3_environment *env)
{
    return env->container_relative_uri != NULL || env->container_full_uri != NULL;
}

/* ---- Container ---- */

/* The host of "http://host:port/..", with the brackets of an IPv6 address; empty if there is none.
 */
static cairn_slice host_of(const char *url, const char *scheme)
{
    const char *host = url + strlen(scheme);
    size_t len = strcspn(host, "/?#");

    if (memchr(host, '@', len) != NULL) {
        return (cairn_slice){host, 0};
    }
    if (*host == '[') {
        const char *end = memchr(host, ']', len);
        return (cairn_slice){host, end == NULL ? 0 : (size_t)(end - host) + 1};
    }
    const char *colon = memchr(host, ':', len);
    len = colon == NULL ? len : (size_t)(colon - host);
    return (cairn_slice){host, len};
}

/* "127.x.y.z": digits and dots alone, as 127.0.0.1.example.com is somebody's name. */
static bool is_loopback(cairn_slice host)
{
    const char *text = host.data;
    unsigned dots = 0;

    if (host.len < strlen("127.") || memcmp(text, "127.", strlen("127.")) != 0) {
        return false;
    }
    for (size_t i = 0; i < host.len; i++) {
        if (text[i] == '.') {
            dots++;
        } else if (text[i] < '0' || text[i] > '9') {
            return false;
        }
    }
    return dots == 3;
}

static bool may_speak_http(cairn_slice host)
{
    static const char *const hosts[] = {"localhost", "[::1]", "169.254.170.2", "169.254.170.23",
                                        "[fd00:ec2::23]"};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(hosts); i++) {
        if (host.len == strlen(hosts[i]) && strncasecmp(host.data, hosts[i], host.len) == 0) {
            return true;
        }
    }
    return is_loopback(host);
}

static cairn_code refuse_endpoint(const char *why, cairn_error *err)
{
    return error_set(err, CAIRN_E_INVALID, CONTAINER_WHO ": %s", why);
}

static cairn_code check_full_uri(const char *url, cairn_error *err)
{
    if (strncasecmp(url, "https://", strlen("https://")) == 0) {
        return host_of(url, "https://").len > 0
                   ? CAIRN_OK
                   : refuse_endpoint("AWS_CONTAINER_CREDENTIALS_FULL_URI names no host", err);
    }
    if (strncasecmp(url, "http://", strlen("http://")) != 0) {
        return refuse_endpoint("AWS_CONTAINER_CREDENTIALS_FULL_URI is no http or https URL", err);
    }
    if (!may_speak_http(host_of(url, "http://"))) {
        return refuse_endpoint("AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or http to a "
                               "loopback address, 169.254.170.2, 169.254.170.23 or [fd00:ec2::23]",
                               err);
    }
    return CAIRN_OK;
}

static cairn_code container_url(const s3_environment *env, cairn_buf *out, cairn_error *err)
{
    const char *relative = env->container_relative_uri;

    if (relative == NULL) {
        CAIRN_TRY(check_full_uri(env->container_full_uri, err));
        return buf_append_text(out, env->container_full_uri, err);
    }
    if (*relative != '/') {
        return refuse_endpoint("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI must begin with '/'", err);
    }
    return buf_printf(out, err, CONTAINER_HOST "%s", relative);
}

/* Appends "name: token" and gives its text; a header in one block, so that it can be wiped. */
static cairn_code token_header(const char *name, cairn_slice token, cairn_buf *out,
                               const char **out_text, cairn_error *err)
{
    CAIRN_TRY(buf_reserve(out, token.len + TOKEN_BYTES_SPARED, err));
    CAIRN_TRY(buf_append_text(out, name, err));
    CAIRN_TRY(buf_append(out, token.data, token.len, err));
    *out_text = buf_text(out);
    return *out_text == NULL ? error_no_memory(err, "a header") : CAIRN_OK;
}

static bool has_control(cairn_slice text)
{
    const uint8_t *bytes = text.data;

    for (size_t i = 0; i < text.len; i++) {
        if (bytes[i] < ' ' || bytes[i] >= 0x7f) {
            return true;
        }
    }
    return false;
}

/* No token at all is fine. */
static cairn_code container_token(const s3_environment *env, secret *out, cairn_error *err)
{
    if (env->container_token_file != NULL) {
        CAIRN_TRY(s3_token_read(env->container_token_file, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                                out, err));
    } else {
        CAIRN_TRY(secret_copy(out, &env->container_token, err));
    }
    if (secret_is_set(out) && has_control((cairn_slice){out->text, out->len})) {
        return refuse_endpoint("the authorization token holds bytes that no header may hold", err);
    }
    return CAIRN_OK;
}

/* What stands in a refusal is not shown: it may repeat the token. */
static cairn_code refuse_status(const char *who, const char *what, unsigned status,
                                cairn_error *err)
{
    return error_set(err, s3_status_code(status), "%s: %s: status %u", who, what, status);
}

static cairn_code ask_container(http_client *client, const cairn_call *call, const char *url,
                                const char *const *headers, s3_keys *out, cairn_error *err)
{
    const s3_question question = {.method = CAIRN_HTTP_GET,
                                  .url = url,
                                  .headers = headers,
                                  .what = CONTAINER_WHO,
                                  .limit_ms = CAIRN_S3_CONTAINER_MS};
    const s3_keys_form form = {"Token", "container", CONTAINER_WHO, false};
    CAIRN_AUTO(s3_answer) answer = {0};

    CAIRN_TRY(s3_ask(client, call, &question, &answer, err));
    if (answer.status != 200) {
        return refuse_status(CONTAINER_WHO, "it gives no credentials", answer.status, err);
    }
    return s3_keys_from_json(cairn_buf_slice(&answer.text), &form, out, err);
}

cairn_code s3_container_keys(const s3_environment *env, const char *ca_file, const cairn_call *call,
                             s3_keys *out, cairn_error *err)
{
    const http_options options = {
        .ca_file = ca_file, .allow_http = true, .connect_timeout_ms = CAIRN_S3_METADATA_MS};
    CAIRN_AUTO_PTR(http_client_free) http_client *client = NULL;
    CAIRN_AUTO(cairn_buf) url = {0};
    CAIRN_AUTO(secret) token = {0};
    S3_AUTO_WIPE cairn_buf header = {0};
    const char *headers[] = {"Accept: application/json", NULL, NULL};

    CAIRN_TRY(container_url(env, &url, err));
    CAIRN_TRY(container_token(env, &token, err));
    if (secret_is_set(&token)) {
        CAIRN_TRY(token_header(AUTHORIZATION, (cairn_slice){token.text, token.len}, &header,
                               &headers[1], err));
    }
    const char *address = buf_text(&url);
    if (address == NULL) {
        return error_no_memory(err, CONTAINER_WHO);
    }
    CAIRN_TRY(http_client_new(&options, &client, err));
    return ask_container(client, call, address, headers, out, err);
}

/* ---- Instance ---- */

/* One conversation: a token first, which all other questions carry. */
typedef struct instance {
    http_client *client;
    const cairn_call *call;
    const char *base; /* without '/' at its end */
    size_t base_len;
    const char *headers[2];
} instance;

static cairn_code ask_instance(const instance *self, http_method method, const char *path,
                               s3_answer *out, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) url = {0};
    s3_question question = {.method = method,
                            .headers = self->headers,
                            .what = INSTANCE_WHO,
                            .limit_ms = CAIRN_S3_METADATA_MS};

    CAIRN_TRY(buf_printf(&url, err, "%.*s%s", (int)self->base_len, self->base, path));
    question.url = buf_text(&url);
    return s3_ask(self->client, self->call, &question, out, err);
}

/* The token goes into a header line of `header`, which the conversation then points to. */
static cairn_code begin_session(instance *self, cairn_buf *header, cairn_error *err)
{
    CAIRN_AUTO(s3_answer) answer = {0};

    self->headers[0] = TOKEN_TTL_HEADER;
    CAIRN_TRY(ask_instance(self, CAIRN_HTTP_PUT, TOKEN_PATH, &answer, err));
    const cairn_slice token = cairn_buf_slice(&answer.text);
    if (answer.status != 200) {
        return refuse_status(INSTANCE_WHO, "it gives no session token (IMDSv2)", answer.status,
                             err);
    }
    if (token.len == 0 || has_control(token)) {
        return error_set(err, CAIRN_E_ACCESS, INSTANCE_WHO ": its session token is none");
    }
    return token_header(TOKEN_HEADER, token, header, &self->headers[0], err);
}

/* IAM: letters, digits and +=,.@_- ; the name becomes a part of a URL. */
static bool is_role_name(cairn_slice name)
{
    const char *text = name.data;

    for (size_t i = 0; i < name.len; i++) {
        const char c = text[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              (c != '\0' && strchr("+=,.@_-", c) != NULL))) {
            return false;
        }
    }
    return name.len > 0 && name.len <= ROLE_NAME_BYTES;
}

/* The path of the first role that is listed. */
static cairn_code role_path(const instance *self, cairn_buf *out, cairn_error *err)
{
    CAIRN_AUTO(s3_answer) answer = {0};

    CAIRN_TRY(ask_instance(self, CAIRN_HTTP_GET, ROLES_PATH, &answer, err));
    if (answer.status == 404) {
        return error_set(err, CAIRN_E_ACCESS,
                         INSTANCE_WHO ": the instance has no role: attach an instance profile");
    }
    if (answer.status != 200) {
        return refuse_status(INSTANCE_WHO, "it does not name a role", answer.status, err);
    }
    const char *text = buf_text(&answer.text);
    if (text == NULL) {
        return error_no_memory(err, INSTANCE_WHO);
    }
    const cairn_slice name = {text, strcspn(text, "\r\n")};
    if (!is_role_name(name)) {
        return error_set(err, CAIRN_E_ACCESS, INSTANCE_WHO ": what it names is no role");
    }
    CAIRN_TRY(buf_append_text(out, ROLES_PATH, err));
    return buf_append(out, name.data, name.len, err);
}

static cairn_code role_keys(const instance *self, const char *path, s3_keys *out, cairn_error *err)
{
    const s3_keys_form form = {"Token", "instance metadata", INSTANCE_WHO, false};
    CAIRN_AUTO(s3_answer) answer = {0};

    CAIRN_TRY(ask_instance(self, CAIRN_HTTP_GET, path, &answer, err));
    if (answer.status != 200) {
        return refuse_status(INSTANCE_WHO, "it gives no credentials", answer.status, err);
    }
    return s3_keys_from_json(cairn_buf_slice(&answer.text), &form, out, err);
}

static cairn_code hold_conversation(instance *self, s3_keys *out, cairn_error *err)
{
    S3_AUTO_WIPE cairn_buf header = {0};
    CAIRN_AUTO(cairn_buf) path = {0};

    CAIRN_TRY(begin_session(self, &header, err));
    CAIRN_TRY(role_path(self, &path, err));
    const char *text = buf_text(&path);
    return text == NULL ? error_no_memory(err, INSTANCE_WHO) : role_keys(self, text, out, err);
}

cairn_code s3_instance_keys(const s3_environment *env, const cairn_call *call, s3_keys *out,
                            cairn_error *err)
{
    const http_options options = {.allow_http = true, .connect_timeout_ms = CAIRN_S3_METADATA_MS};
    CAIRN_AUTO_PTR(http_client_free) http_client *client = NULL;
    const char *base = env->metadata_endpoint == NULL ? INSTANCE_HOST : env->metadata_endpoint;
    instance self = {.call = call, .base = base, .base_len = strlen(base)};

    while (self.base_len > 0 && base[self.base_len - 1] == '/') {
        self.base_len--;
    }
    CAIRN_TRY(http_client_new(&options, &client, err));
    self.client = client;
    return hold_conversation(&self, out, err);
}
