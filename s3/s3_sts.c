#include "s3_sts.h"

#include "bounds.h"
#include "buf.h"
#include "digest.h"
#include "encode.h"
#include "errors.h"
#include "random.h"
#include "s3_credentials_parts.h"
#include "s3_sigv4.h"
#include "xml_read.h"

#include <stdio.h>
#include <string.h>

#define WHO               "STS"
#define FORM_TYPE         "application/x-www-form-urlencoded; charset=utf-8"
#define API_VERSION       "2011-06-15"
#define SESSION_NAME_SIZE 32
#define SHOWN_BYTES       200
#define MEMBERS_MAX       7
#define DURATION_SIZE     24
#define HEADERS_MAX       5

/* ---- The request ---- */

typedef struct endpoint {
    char *url;        /* with a path */
    char *host;       /* as libcurl sends it: without a port that is the scheme's own */
    const char *path; /* in `url` */
} endpoint;

static void endpoint_release(endpoint *self)
{
    mem_free(self->url);
    mem_free(self->host);
}
CAIRN_DEFINE_AUTO(endpoint, endpoint_release)

static const char *behind_scheme(const char *url, const char **out_port)
{
    static const struct {
        const char *scheme;
        const char *port;
    } known[] = {{"https://", ":443"}, {"http://", ":80"}};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(known); i++) {
        if (strncmp(url, known[i].scheme, strlen(known[i].scheme)) == 0) {
            *out_port = known[i].port;
            return url + strlen(known[i].scheme);
        }
    }
    return NULL;
}

static cairn_code refuse_endpoint(cairn_error *err)
{
    return error_set(err, CAIRN_E_INVALID,
                     WHO ": its endpoint must be https://host[:port] without user, query or "
                         "fragment: see AWS_ENDPOINT_URL_STS");
}

static cairn_code split_endpoint(const char *url, endpoint *out, cairn_error *err)
{
    const char *port = NULL;
    const char *host = behind_scheme(url, &port);
    CAIRN_AUTO(cairn_buf) whole = {0};

    if (host == NULL || strpbrk(url, "@?# \t\r\n") != NULL) {
        return refuse_endpoint(err);
    }
    size_t len = strcspn(host, "/");
    const bool has_path = host[len] == '/';
    CAIRN_TRY(buf_printf(&whole, err, "%s%s", url, has_path ? "" : "/"));
    if (len > strlen(port) && memcmp(host + len - strlen(port), port, strlen(port)) == 0) {
        len -= strlen(port);
    }
    if (len == 0) {
        return refuse_endpoint(err);
    }
    out->host = mem_strndup(host, len);
    out->url = mem_strndup(whole.data, whole.len);
    if (out->host == NULL || out->url == NULL) {
        return error_no_memory(err, WHO);
    }
    out->path = strchr(out->url + (host - url), '/');
    return CAIRN_OK;
}

static cairn_code find_endpoint(const s3_sts *sts, endpoint *out, cairn_error *err)
{
    char url[96];

    if (sts->endpoint != NULL) {
        return split_endpoint(sts->endpoint, out, err);
    }
    const char *suffix = strncmp(sts->region, "cn-", 3) == 0 ? "amazonaws.com.cn" : "amazonaws.com";
    (void)snprintf(url, sizeof(url), "https://sts.%.32s.%s", sts->region, suffix);
    return split_endpoint(url, out, err);
}

/* "a=b&c=d" in one block: it may hold a token. Members without a value are left out. */
static cairn_code encode_form(const sigv4_pair *members, cairn_buf *out, cairn_error *err)
{
    size_t room = 1;

    for (size_t i = 0; i < MEMBERS_MAX; i++) {
        room += members[i].value == NULL
                    ? 0
                    : strlen(members[i].name) + 3 * strlen(members[i].value) + 2;
    }
    CAIRN_TRY(buf_reserve(out, room, err));
    for (size_t i = 0; i < MEMBERS_MAX; i++) {
        if (members[i].value == NULL) {
            continue;
        }
        CAIRN_TRY(buf_printf(out, err, "%s%s=", out->len == 0 ? "" : "&", members[i].name));
        CAIRN_TRY(sigv4_encode_path(members[i].value, out, err));
    }
    return CAIRN_OK;
}

static cairn_code make_form(const char *action, const s3_role *role, const char *token,
                            cairn_buf *out, cairn_error *err)
{
    char session[SESSION_NAME_SIZE];
    char duration[DURATION_SIZE];
    char id[RANDOM_ID_SIZE];

    random_id(id);
    (void)snprintf(session, sizeof(session), "cairn-%s", id);
    (void)snprintf(duration, sizeof(duration), "%llu", (unsigned long long)role->duration_s);
    const sigv4_pair members[MEMBERS_MAX] = {
        {"Action", action},
        {"Version", API_VERSION},
        {"RoleArn", role->arn},
        {"RoleSessionName", role->session_name != NULL ? role->session_name : session},
        {"ExternalId", role->external_id},
        {"DurationSeconds", role->duration_s == 0 ? NULL : duration},
        {"WebIdentityToken", token},
    };
    return encode_form(members, out, err);
}

/* ---- The answer ---- */

typedef struct sts_reply {
    s3_keys keys;
    bool bad_time;
    cairn_buf code;    /* of an error */
    cairn_buf message; /* of an error; raw */
} sts_reply;

static void sts_reply_release(sts_reply *reply)
{
    s3_keys_release(&reply->keys);
    cairn_buf_release(&reply->code);
    secret_buf_release(&reply->message);
}
CAIRN_DEFINE_AUTO(sts_reply, sts_reply_release)

static bool ends_with(const char *path, const char *end)
{
    const size_t len = strlen(path);
    const size_t end_len = strlen(end);

    return len >= end_len && strcmp(path + len - end_len, end) == 0;
}

static cairn_code take_text(const char *text, cairn_buf *out, cairn_error *err)
{
    buf_clear(out);
    return buf_append_text(out, text, err);
}

static cairn_code visit(void *context, const xml_event *event, cairn_error *err)
{
    sts_reply *reply = context;
    const cairn_slice text = cairn_slice_of(event->text);

    if (event->opens) {
        return CAIRN_OK;
    }
    if (ends_with(event->path, "/Credentials/AccessKeyId")) {
        mem_free(reply->keys.access_key_id);
        reply->keys.access_key_id = mem_strdup(event->text);
        return reply->keys.access_key_id == NULL ? error_no_memory(err, WHO) : CAIRN_OK;
    }
    if (ends_with(event->path, "/Credentials/SecretAccessKey")) {
        return secret_set(&reply->keys.secret_key, text, err);
    }
    if (ends_with(event->path, "/Credentials/SessionToken")) {
        return secret_set(&reply->keys.session_token, text, err);
    }
    if (ends_with(event->path, "/Credentials/Expiration")) {
        reply->bad_time = !s3_parse_time(event->text, &reply->keys.expires_ms);
    }
    if (ends_with(event->path, "/Error/Code")) {
        return take_text(event->text, &reply->code, err);
    }
    return ends_with(event->path, "/Error/Message") ? take_text(event->text, &reply->message, err)
                                                    : CAIRN_OK;
}

/* What else says "later" than a status of 5xx. */
static bool is_transient(const char *code)
{
    static const char *const codes[] = {"Throttling",           "ThrottlingException",
                                        "RequestLimitExceeded", "IDPCommunicationError",
                                        "ServiceUnavailable",   "InternalFailure"};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(codes); i++) {
        if (strcmp(code, codes[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool repeats(const cairn_buf *text, const secret *hidden)
{
    return hidden != NULL && secret_is_set(hidden) && text->len > 0 &&
           memmem(text->data, text->len, hidden->text, hidden->len) != NULL;
}

/* What the service must not repeat. */
typedef struct hidden {
    const secret *key;
    const secret *token;
} hidden;

static cairn_code refuse(unsigned status, sts_reply *reply, const hidden *secrets, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) code = {0};
    CAIRN_AUTO(cairn_buf) message = {0};
    cairn_code kind = s3_status_code(status);
    const bool shows = !repeats(&reply->message, secrets->key) &&
                       !repeats(&reply->message, secrets->token) &&
                       !repeats(&reply->code, secrets->key) &&
                       !repeats(&reply->code, secrets->token);

    if (shows) {
        CAIRN_TRY(encode_printable(cairn_buf_slice(&reply->code), SHOWN_BYTES, &code, err));
        CAIRN_TRY(encode_printable(cairn_buf_slice(&reply->message), SHOWN_BYTES, &message, err));
    }
    while (message.len > 0 && message.data[message.len - 1] == '.') {
        message.len--;
    }
    const char *code_text = buf_text(&code);
    const char *message_text = buf_text(&message);
    if (code_text == NULL || message_text == NULL) {
        return error_no_memory(err, WHO);
    }
    kind = is_transient(code_text) ? CAIRN_E_UNAVAILABLE : kind;
    return error_set(err, kind, "status %u%s%s%s%s", status, *code_text == '\0' ? "" : " ",
                     code_text, *message_text == '\0' ? "" : ": ", message_text);
}

/* Keys that do not say when they end are taken to live as briefly as a role's can. */
static cairn_code read_reply(const s3_sts *sts, const s3_answer *answer, const hidden *secrets,
                             s3_keys *out, cairn_error *err)
{
    CAIRN_AUTO(sts_reply) reply = {0};
    const cairn_code code = xml_read(cairn_buf_slice(&answer->text), visit, &reply, err);

    if (code == CAIRN_E_NO_MEMORY) {
        return code;
    }
    if (answer->status != 200) {
        return refuse(answer->status, &reply, secrets, err);
    }
    if (code != CAIRN_OK || reply.bad_time || reply.keys.access_key_id == NULL ||
        !secret_is_set(&reply.keys.secret_key) || !secret_is_set(&reply.keys.session_token)) {
        return error_set(err, CAIRN_E_UNAVAILABLE, "its answer holds no credentials");
    }
    if (reply.keys.expires_ms == 0) {
        reply.keys.expires_ms = sts->wall_ms + CAIRN_S3_ROLE_MS_MIN;
    }
    s3_keys_move(out, &reply.keys);
    return CAIRN_OK;
}

/* ---- The exchange ---- */

/* Header lines, in one block so that a token in them can be wiped. */
typedef struct header_lines {
    cairn_buf text;
    size_t starts[HEADERS_MAX];
    size_t count;
    const char *items[HEADERS_MAX + 1];
} header_lines;

static void header_lines_release(header_lines *lines)
{
    secret_buf_release(&lines->text);
}
CAIRN_DEFINE_AUTO(header_lines, header_lines_release)

static cairn_code add_header(header_lines *lines, const char *name, const char *value,
                             cairn_error *err)
{
    CAIRN_ASSERT(lines->count < HEADERS_MAX);
    lines->starts[lines->count++] = lines->text.len;
    CAIRN_TRY(buf_append_text(&lines->text, name, err));
    CAIRN_TRY(buf_append_text(&lines->text, ": ", err));
    CAIRN_TRY(buf_append_text(&lines->text, value, err));
    return buf_append_byte(&lines->text, '\0', err);
}

static const char *const *finish_headers(header_lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        lines->items[i] = (const char *)lines->text.data + lines->starts[i];
    }
    return lines->items;
}

/* Adds the headers of a signature over the form. */
static cairn_code sign(const s3_sts *sts, const endpoint *to, const cairn_buf *form,
                       const s3_keys *with, header_lines *lines, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) authorization = {0};
    char hash[SHA256_HEX_SIZE];
    char date[SIGV4_TIME_SIZE];
    sha256 digest;
    const sigv4_signer signer = {.access_key_id = with->access_key_id,
                                 .secret_key = &with->secret_key,
                                 .region = sts->region,
                                 .service = "sts",
                                 .wall_ms = sts->wall_ms};

    CAIRN_TRY(sha256_of(cairn_buf_slice(form), &digest, err));
    sha256_to_hex(&digest, hash);
    sigv4_format_time(sts->wall_ms, date);
    const bool has_token = secret_is_set(&with->session_token);
    const sigv4_pair headers[] = {{"content-type", FORM_TYPE},
                                  {"host", to->host},
                                  {"x-amz-date", date},
                                  {"x-amz-security-token", with->session_token.text}};
    const sigv4_request request = {.method = "POST",
                                   .path = to->path,
                                   .query = "",
                                   .headers = headers,
                                   .header_count = CAIRN_ARRAY_LEN(headers) - (has_token ? 0 : 1),
                                   .payload_hash = hash};
    CAIRN_TRY(sigv4_authorization(&signer, &request, &authorization, err));
    const char *value = buf_text(&authorization);
    if (value == NULL) {
        return error_no_memory(err, WHO);
    }
    CAIRN_TRY(add_header(lines, "x-amz-date", date, err));
    if (has_token) {
        CAIRN_TRY(add_header(lines, "x-amz-security-token", with->session_token.text, err));
    }
    return add_header(lines, "authorization", value, err);
}

static cairn_code post(const s3_sts *sts, const cairn_call *call, const s3_question *question,
                       s3_answer *out, cairn_error *err)
{
    const http_options options = {.ca_file = sts->ca_file,
                                  .proxy = sts->proxy,
                                  .allow_http = sts->allow_http,
                                  .connect_timeout_ms = sts->connect_timeout_ms};
    CAIRN_AUTO_PTR(http_client_free) http_client *client = NULL;

    CAIRN_TRY(http_client_new(&options, &client, err));
    return s3_ask(client, call, question, out, err);
}

/* `with` NULL: not signed. */
static cairn_code send_form(const s3_sts *sts, const cairn_call *call, const cairn_buf *form,
                            const s3_keys *with, s3_answer *out, cairn_error *err)
{
    CAIRN_AUTO(endpoint) to = {0};
    CAIRN_AUTO(header_lines) lines = {0};
    const size_t token_len = with == NULL ? 0 : with->session_token.len;

    CAIRN_TRY(find_endpoint(sts, &to, err));
    CAIRN_TRY(buf_reserve(&lines.text, token_len + 1024, err));
    CAIRN_TRY(add_header(&lines, "content-type", FORM_TYPE, err));
    if (with != NULL) {
        CAIRN_TRY(sign(sts, &to, form, with, &lines, err));
    }
    const s3_question question = {.method = CAIRN_HTTP_POST,
                                  .url = to.url,
                                  .headers = finish_headers(&lines),
                                  .body = cairn_buf_slice(form),
                                  .what = WHO,
                                  .limit_ms = CAIRN_S3_STS_MS};
    return post(sts, call, &question, out, err);
}

static cairn_code name_role(const s3_role *role, cairn_code code, cairn_error *err)
{
    return error_prefix(err, code, "assume role %.160s", role->arn);
}

static cairn_code assume(const s3_sts *sts, const cairn_call *call, const s3_role *role,
                         const s3_keys *with, s3_keys *out, cairn_error *err)
{
    const hidden secrets = {&with->secret_key, &with->session_token};
    CAIRN_AUTO(cairn_buf) form = {0};
    CAIRN_AUTO(s3_answer) answer = {0};

    CAIRN_TRY(make_form("AssumeRole", role, NULL, &form, err));
    CAIRN_TRY(send_form(sts, call, &form, with, &answer, err));
    const cairn_code code = read_reply(sts, &answer, &secrets, out, err);
    return code == CAIRN_OK ? CAIRN_OK : error_prefix(err, code, WHO);
}

cairn_code s3_sts_assume_role(const s3_sts *sts, const cairn_call *call, const s3_role *role,
                              const s3_keys *with, s3_keys *out, cairn_error *err)
{
    CAIRN_AUTO(s3_keys) keys = {0};
    const cairn_code code = assume(sts, call, role, with, &keys, err);

    if (code != CAIRN_OK) {
        return name_role(role, code, err);
    }
    keys.origin = "assumed role";
    s3_keys_move(out, &keys);
    return CAIRN_OK;
}

static cairn_code exchange_token(const s3_sts *sts, const cairn_call *call, const s3_role *role,
                                 const char *token_file, s3_keys *out, cairn_error *err)
{
    CAIRN_AUTO(secret) token = {0};
    S3_AUTO_WIPE cairn_buf form = {0};
    CAIRN_AUTO(s3_answer) answer = {0};
    const hidden secrets = {NULL, &token};

    CAIRN_TRY(s3_token_read(token_file, "web identity token", &token, err));
    CAIRN_TRY(make_form("AssumeRoleWithWebIdentity", role, token.text, &form, err));
    CAIRN_TRY(send_form(sts, call, &form, NULL, &answer, err));
    const cairn_code code = read_reply(sts, &answer, &secrets, out, err);
    return code == CAIRN_OK ? CAIRN_OK : error_prefix(err, code, WHO);
}

cairn_code s3_sts_web_identity(const s3_sts *sts, const cairn_call *call, const s3_role *role,
                               const char *token_file, s3_keys *out, cairn_error *err)
{
    CAIRN_AUTO(s3_keys) keys = {0};
    const cairn_code code = exchange_token(sts, call, role, token_file, &keys, err);

    if (code != CAIRN_OK) {
        return name_role(role, code, err);
    }
    keys.origin = "web identity";
    s3_keys_move(out, &keys);
    return CAIRN_OK;
}
