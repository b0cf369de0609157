#include "hdfs_auth.h"

#include "clock.h"
#include "errors.h"
#include "fsutil.h"
#include "hdfs_user.h"
#include "webhdfs_url.h"

#include <stdlib.h>
#include <string.h>

#define COOKIE_NAME "hadoop.auth="

static bool is_name_byte(char c, bool first)
{
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

    return letter || (!first && ((c >= '0' && c <= '9') || c == '.' || c == '-'));
}

/* What WebHDFS takes as user.name: ^[A-Za-z_][A-Za-z0-9._-]*[$]?$ */
static bool is_user(const char *user)
{
    const size_t len = strlen(user);

    for (size_t i = 0; i < len; i++) {
        const bool dollar = user[i] == '$' && i > 0 && i + 1 == len;
        if (!dollar && !is_name_byte(user[i], i == 0)) {
            return false;
        }
    }
    return len > 0;
}

static const char *environment(const char *name)
{
    const char *value = getenv(name); /* NOLINT(concurrency-mt-unsafe): nobody sets it */

    return value != NULL && value[0] != '\0' ? value : NULL;
}

static cairn_code copy_user(const char *user, const char *what, char **out, cairn_error *err)
{
    if (!is_user(user)) {
        return error_set(err, CAIRN_E_INVALID,
                         "the %s is no user name of HDFS: letters, digits and ._- after a letter",
                         what);
    }
    *out = mem_strdup(user);
    return *out != NULL ? CAIRN_OK : error_no_memory(err, "a user's name");
}

/* As Hadoop: HADOOP_USER_NAME, else the user of the process, whatever else the environment says. */
static cairn_code copy_default_user(char **out, cairn_error *err)
{
    char *user CAIRN_AUTO_FREE = NULL;
    const char *named = environment("HADOOP_USER_NAME");

    if (named != NULL) {
        return copy_user(named, "HADOOP_USER_NAME", out, err);
    }
    CAIRN_TRY(hdfs_process_user(&user, err));
    return copy_user(user, "user of the process", out, err);
}

static cairn_code load_token_file(const char *path, secret *out, cairn_error *err)
{
    cairn_buf file = {.limit = CAIRN_HDFS_TOKEN_BYTES_MAX};
    cairn_code code = fs_read_file(path, CAIRN_HDFS_TOKEN_BYTES_MAX, &file, err);

    if (code == CAIRN_OK) {
        code = hdfs_token_file_read(cairn_buf_slice(&file), out, err);
    }
    secret_buf_release(&file);
    if (code == CAIRN_OK) {
        return code;
    }
    /* Nothing that is looked for is absent, no data is damaged: somebody has no credentials. */
    const bool unusable = code == CAIRN_E_NOT_FOUND || code == CAIRN_E_INTEGRITY;
    return error_prefix(err, unusable ? CAIRN_E_ACCESS : code, "read the token file %s", path);
}

static cairn_code init_token(hdfs_auth *auth, const cairn_hdfs_options *options, cairn_error *err)
{
    const char *path = environment("HADOOP_TOKEN_FILE_LOCATION");

    if (options->token != NULL) {
        return secret_set(&auth->token, cairn_slice_of(options->token), err);
    }
    if (path == NULL) {
        return error_set(err, CAIRN_E_INVALID,
                         "no token: set the option, or HADOOP_TOKEN_FILE_LOCATION");
    }
    auth->token_file = mem_strdup(path);
    if (auth->token_file == NULL) {
        return error_no_memory(err, "a path");
    }
    return load_token_file(path, &auth->token, err);
}

cairn_code hdfs_auth_init(hdfs_auth *auth, const cairn_hdfs_options *options, cairn_error *err)
{
    *auth = (hdfs_auth){.mode = options->auth, .lock = PTHREAD_MUTEX_INITIALIZER};
    if (options->do_as != NULL) {
        CAIRN_TRY(copy_user(options->do_as, "user to act as", &auth->do_as, err));
    }
    switch (options->auth) {
    case CAIRN_HDFS_AUTH_SIMPLE:
        return options->user != NULL ? copy_user(options->user, "user", &auth->user, err)
                                     : copy_default_user(&auth->user, err);
    case CAIRN_HDFS_AUTH_TOKEN:
        return init_token(auth, options, err);
    case CAIRN_HDFS_AUTH_KERBEROS:
        return CAIRN_OK;
    }
    return error_set(err, CAIRN_E_INVALID, "the kind of authentication is unknown");
}

static void drop_cookies(hdfs_auth *auth)
{
    for (size_t i = 0; i < CAIRN_HDFS_NAMENODES_MAX; i++) {
        secret_release(&auth->cookies[i]);
    }
}

void hdfs_auth_release(hdfs_auth *auth)
{
    drop_cookies(auth);
    secret_release(&auth->token);
    mem_free(auth->user);
    mem_free(auth->do_as);
    mem_free(auth->token_file);
}

void hdfs_signature_release(hdfs_signature *signature)
{
    secret_buf_release(&signature->query);
    secret_buf_release(&signature->cookie);
}

static cairn_code append_user(const char *name, const char *user, cairn_buf *out, cairn_error *err)
{
    if (user == NULL) {
        return CAIRN_OK;
    }
    CAIRN_TRY(buf_printf(out, err, "&%s=", name));
    return webhdfs_encode_value(user, out, err);
}

static cairn_code sign_by_token(const hdfs_auth *auth, hdfs_signature *out, cairn_error *err)
{
    CAIRN_TRY(buf_append_text(&out->query, "&delegation=", err));
    return webhdfs_encode_value(auth->token.text, &out->query, err);
}

static cairn_code sign_locked(const hdfs_auth *auth, size_t namenode, hdfs_auth_kind kind,
                              hdfs_signature *out, cairn_error *err)
{
    const secret *cookie = &auth->cookies[namenode];

    out->generation = auth->generation;
    if (auth->mode == CAIRN_HDFS_AUTH_SIMPLE) {
        CAIRN_TRY(append_user("user.name", auth->user, &out->query, err));
    } else if (kind == CAIRN_HDFS_SIGN_USUAL && secret_is_set(&auth->token)) {
        return sign_by_token(auth, out, err);
    } else {
        out->flags |= HTTP_NEGOTIATE;
        if (secret_is_set(cookie)) {
            CAIRN_TRY(buf_printf(&out->cookie, err, "Cookie: %s", cookie->text));
        }
    }
    return append_user("doas", auth->do_as, &out->query, err);
}

cairn_code hdfs_auth_sign(hdfs_auth *auth, size_t namenode, hdfs_auth_kind kind,
                          hdfs_signature *out, cairn_error *err)
{
    pthread_mutex_lock(&auth->lock);
    const cairn_code code = sign_locked(auth, namenode, kind, out, err);
    pthread_mutex_unlock(&auth->lock);
    return code;
}

void hdfs_auth_keep_cookie(hdfs_auth *auth, size_t namenode, const http_reply *reply)
{
    cairn_slice line;

    if (auth->mode != CAIRN_HDFS_AUTH_KERBEROS || !http_header(reply, "set-cookie", &line)) {
        return;
    }
    const char *end = memchr(line.data, ';', line.len);
    const size_t len = end == NULL ? line.len : (size_t)(end - (const char *)line.data);
    if (len <= strlen(COOKIE_NAME) || memcmp(line.data, COOKIE_NAME, strlen(COOKIE_NAME)) != 0) {
        return;
    }
    pthread_mutex_lock(&auth->lock);
    (void)secret_set(&auth->cookies[namenode], (cairn_slice){line.data, len}, NULL);
    pthread_mutex_unlock(&auth->lock);
}

bool hdfs_auth_token_is_due(hdfs_auth *auth, bool *out_renew)
{
    bool due = false;

    *out_renew = false;
    if (auth->mode != CAIRN_HDFS_AUTH_KERBEROS) {
        return false;
    }
    pthread_mutex_lock(&auth->lock);
    if (!auth->no_tokens && !auth->fetching) {
        const bool old = auth->renew_at_ms != 0 && clock_monotonic_ms() >= auth->renew_at_ms;
        due = !secret_is_set(&auth->token) || old;
        *out_renew = secret_is_set(&auth->token) && old;
        auth->fetching = due;
    }
    pthread_mutex_unlock(&auth->lock);
    return due;
}

bool hdfs_auth_token_done(hdfs_auth *auth, bool worked)
{
    pthread_mutex_lock(&auth->lock);
    auth->fetching = false;
    const bool left = secret_is_set(&auth->token);
    if (!worked && left) {
        auth->renew_at_ms = clock_monotonic_ms() + CAIRN_HDFS_RENEW_PAUSE_MS;
    }
    pthread_mutex_unlock(&auth->lock);
    return left;
}

/* A quarter of the time is left for trying. */
static uint64_t renewal_time(uint64_t lifetime_ms)
{
    return lifetime_ms == 0 ? 0 : clock_monotonic_ms() + lifetime_ms / 4 * 3;
}

cairn_code hdfs_auth_set_token(hdfs_auth *auth, const secret *token, uint64_t lifetime_ms,
                               cairn_error *err)
{
    cairn_code code = CAIRN_OK;

    pthread_mutex_lock(&auth->lock);
    auth->no_tokens = !secret_is_set(token);
    if (!auth->no_tokens) {
        code = secret_copy(&auth->token, token, err);
        auth->renew_at_ms = renewal_time(lifetime_ms);
        auth->generation++;
    }
    pthread_mutex_unlock(&auth->lock);
    return code;
}

void hdfs_auth_renewed(hdfs_auth *auth, uint64_t lifetime_ms)
{
    pthread_mutex_lock(&auth->lock);
    auth->renew_at_ms = renewal_time(lifetime_ms);
    pthread_mutex_unlock(&auth->lock);
}

cairn_code hdfs_auth_copy_token(hdfs_auth *auth, secret *out, cairn_error *err)
{
    pthread_mutex_lock(&auth->lock);
    const cairn_code code = secret_copy(out, &auth->token, err);
    pthread_mutex_unlock(&auth->lock);
    return code;
}

static void take_fresh_token_locked(hdfs_auth *auth, const secret *fresh)
{
    if (strcmp(fresh->text, auth->token.text) != 0 &&
        secret_copy(&auth->token, fresh, NULL) == CAIRN_OK) {
        auth->generation++;
    }
}

static void drop_locked(hdfs_auth *auth)
{
    drop_cookies(auth);
    secret_release(&auth->token);
    auth->renew_at_ms = 0;
    auth->generation++;
}

bool hdfs_auth_refused(hdfs_auth *auth, unsigned generation)
{
    CAIRN_AUTO(secret) fresh = {.text = NULL};
    const bool loaded = auth->token_file != NULL &&
                        load_token_file(auth->token_file, &fresh, NULL) == CAIRN_OK;

    pthread_mutex_lock(&auth->lock);
    if (auth->generation == generation && loaded) {
        take_fresh_token_locked(auth, &fresh);
    } else if (auth->generation == generation && auth->mode == CAIRN_HDFS_AUTH_KERBEROS) {
        drop_locked(auth);
    }
    const bool changed = auth->generation != generation;
    pthread_mutex_unlock(&auth->lock);
    return changed;
}
