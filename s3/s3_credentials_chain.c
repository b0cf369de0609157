#include "s3_credentials_chain.h"

#include "cancel.h"
#include "clock.h"
#include "errors.h"
#include "s3_metadata.h"
#include "s3_sts.h"

#include <string.h>

#define REGION_BYTES_MAX 32

/* ---- What options and environment said ---- */

static cairn_code copy_text(const char *from, char **out, cairn_error *err)
{
    if (from == NULL || *from == '\0') {
        return CAIRN_OK;
    }
    *out = mem_strdup(from);
    return *out == NULL ? error_no_memory(err, "copy options") : CAIRN_OK;
}

static bool is_set(const char *text)
{
    return text != NULL && *text != '\0';
}

static cairn_code copy_given(const cairn_s3_options *options, s3_keys *out, cairn_error *err)
{
    CAIRN_AUTO(s3_keys) keys = {.origin = "options"};

    if (is_set(options->access_key_id) != is_set(options->secret_access_key)) {
        return error_set(err, CAIRN_E_INVALID,
                         "access_key_id and secret_access_key go together: one is not set");
    }
    if (!is_set(options->access_key_id)) {
        return CAIRN_OK;
    }
    CAIRN_TRY(copy_text(options->access_key_id, &keys.access_key_id, err));
    CAIRN_TRY(secret_set(&keys.secret_key, cairn_slice_of(options->secret_access_key), err));
    if (is_set(options->session_token)) {
        CAIRN_TRY(secret_set(&keys.session_token, cairn_slice_of(options->session_token), err));
    }
    s3_keys_move(out, &keys);
    return CAIRN_OK;
}

/* It becomes a part of the name of a host. */
static cairn_code check_region(const char *region, cairn_error *err)
{
    const size_t len = strlen(region);

    if (len == 0 || len > REGION_BYTES_MAX ||
        strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") != len) {
        return error_set(err, CAIRN_E_INVALID,
                         "the region is none: lower-case letters, digits and '-' as in us-east-1");
    }
    return CAIRN_OK;
}

static cairn_code copy_options(s3_sources *sources, const cairn_s3_options *options,
                               cairn_error *err)
{
    CAIRN_TRY(copy_given(options, &sources->given, err));
    CAIRN_TRY(copy_text(options->profile, &sources->profile, err));
    CAIRN_TRY(copy_text(options->assume_role_arn, &sources->assume_role_arn, err));
    CAIRN_TRY(copy_text(options->ca_file, &sources->ca_file, err));
    CAIRN_TRY(copy_text(options->proxy, &sources->proxy, err));
    sources->allow_http = options->allow_http;
    sources->allow_instance = options->allow_instance;
    sources->connect_timeout_ms = options->connect_timeout_ms;
    return CAIRN_OK;
}

cairn_code s3_sources_init(s3_sources *sources, const cairn_s3_options *options,
                           const s3_environment *env, const char *region, cairn_error *err)
{
    CAIRN_AUTO(s3_sources) made = {0};

    CAIRN_TRY(copy_text(region == NULL ? "us-east-1" : region, &made.region, err));
    CAIRN_TRY(check_region(made.region == NULL ? "" : made.region, err));
    CAIRN_TRY(s3_environment_copy(env, &made.env, err));
    CAIRN_TRY(copy_options(&made, options, err));
    *sources = made;
    made = (s3_sources){0};
    return CAIRN_OK;
}

void s3_sources_release(s3_sources *sources)
{
    s3_environment_release(&sources->env);
    s3_keys_release(&sources->given);
    mem_free(sources->profile);
    mem_free(sources->region);
    mem_free(sources->assume_role_arn);
    mem_free(sources->ca_file);
    mem_free(sources->proxy);
    *sources = (s3_sources){0};
}

/* ---- The search ---- */

void s3_search_release(s3_search *search)
{
    s3_profiles_release(&search->profiles);
    search->loaded = false;
}

cairn_code s3_search_load(s3_search *search, cairn_error *err)
{
    if (!search->loaded) {
        CAIRN_TRY(s3_profiles_load(&search->sources->env, &search->profiles, err));
        search->loaded = true;
    }
    return CAIRN_OK;
}

const char *s3_search_profile(const s3_search *search, bool *out_named)
{
    return s3_profile_name(search->sources->profile, &search->sources->env, out_named);
}

cairn_code s3_search_environment(const s3_search *search, s3_keys *out, cairn_error *err)
{
    const s3_environment *env = &search->sources->env;
    CAIRN_AUTO(s3_keys) keys = {.origin = "environment"};

    if ((env->access_key_id != NULL) != secret_is_set(&env->secret_access_key)) {
        return error_set(err, CAIRN_E_INVALID,
                         "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together: one is not set");
    }
    if (env->access_key_id == NULL) {
        return CAIRN_OK;
    }
    CAIRN_TRY(copy_text(env->access_key_id, &keys.access_key_id, err));
    CAIRN_TRY(secret_copy(&keys.secret_key, &env->secret_access_key, err));
    CAIRN_TRY(secret_copy(&keys.session_token, &env->session_token, err));
    s3_keys_move(out, &keys);
    return CAIRN_OK;
}

cairn_code s3_search_container(const s3_search *search, s3_keys *out, cairn_error *err)
{
    const s3_sources *sources = search->sources;
    const char *ca = sources->ca_file != NULL ? sources->ca_file : sources->env.ca_bundle;

    if (!s3_container_is_set(&sources->env)) {
        return CAIRN_OK;
    }
    return s3_container_keys(&sources->env, ca, search->call, out, err);
}

cairn_code s3_search_instance(const s3_search *search, s3_keys *out, cairn_error *err)
{
    if (!search->sources->allow_instance || search->sources->env.metadata_disabled) {
        return CAIRN_OK;
    }
    return s3_instance_keys(&search->sources->env, search->call, out, err);
}

/* As AWS's tools: the variable of the service, that of all services, the profile. */
static cairn_code sts_endpoint(const s3_search *search, char **out, cairn_error *err)
{
    const s3_environment *env = &search->sources->env;
    bool named = false;

    if (env->ignore_configured_endpoint_urls) {
        return CAIRN_OK;
    }
    if (env->endpoint_url_sts != NULL || env->endpoint_url != NULL) {
        return copy_text(env->endpoint_url_sts != NULL ? env->endpoint_url_sts : env->endpoint_url,
                         out, err);
    }
    return s3_profile_endpoint(&search->profiles, s3_search_profile(search, &named), "sts", out,
                               err);
}

static cairn_code sts_ca(const s3_search *search, char **out, cairn_error *err)
{
    const s3_sources *sources = search->sources;
    bool named = false;

    if (sources->ca_file != NULL || sources->env.ca_bundle != NULL) {
        return copy_text(sources->ca_file != NULL ? sources->ca_file : sources->env.ca_bundle, out,
                         err);
    }
    return s3_profile_text(&search->profiles, s3_search_profile(search, &named), "ca_bundle", out,
                           err);
}

cairn_code s3_search_role(s3_search *search, const s3_role_wish *wish, const s3_keys *with,
                          s3_keys *out, cairn_error *err)
{
    const s3_sources *sources = search->sources;
    const char *session = wish->session_name != NULL ? wish->session_name
                                                     : sources->env.role_session_name;
    const s3_role role = {wish->arn, session, wish->external_id, wish->duration_s};
    char *endpoint CAIRN_AUTO_FREE = NULL;
    char *ca CAIRN_AUTO_FREE = NULL;

    CAIRN_TRY(s3_search_load(search, err));
    CAIRN_TRY(sts_endpoint(search, &endpoint, err));
    CAIRN_TRY(sts_ca(search, &ca, err));
    const s3_sts sts = {.endpoint = endpoint,
                        .region = sources->region,
                        .ca_file = ca,
                        .proxy = sources->proxy,
                        .allow_http = sources->allow_http,
                        .connect_timeout_ms = sources->connect_timeout_ms,
                        .wall_ms = search->wall_ms};
    return wish->token_file == NULL
               ? s3_sts_assume_role(&sts, search->call, &role, with, out, err)
               : s3_sts_web_identity(&sts, search->call, &role, wish->token_file, out, err);
}

/* The profile that options or environment name must be there; "default" need not. */
static cairn_code search_profile(s3_search *search, s3_keys *out, cairn_error *err)
{
    bool named = false;
    const char *name = s3_search_profile(search, &named);

    CAIRN_TRY(s3_search_load(search, err));
    if (!s3_profiles_has(&search->profiles, name)) {
        return named ? s3_profiles_unknown(&search->profiles, name, err) : CAIRN_OK;
    }
    return s3_search_profile_keys(search, name, out, err);
}

static cairn_code search_web_identity(s3_search *search, s3_keys *out, cairn_error *err)
{
    const s3_environment *env = &search->sources->env;

    if (env->web_identity_token_file == NULL) {
        return CAIRN_OK;
    }
    if (env->role_arn == NULL) {
        return error_set(err, CAIRN_E_INVALID,
                         "AWS_WEB_IDENTITY_TOKEN_FILE is set, AWS_ROLE_ARN is not");
    }
    const s3_role_wish wish = {.arn = env->role_arn, .token_file = env->web_identity_token_file};
    return s3_search_role(search, &wish, NULL, out, err);
}

static cairn_code none_found(const s3_search *search, cairn_error *err)
{
    const s3_sources *sources = search->sources;
    const s3_profiles *files = &search->profiles;
    bool named = false;
    const char *instance = "instance metadata not asked, as it is not allowed";

    if (sources->allow_instance) {
        instance = "instance metadata switched off by AWS_EC2_METADATA_DISABLED";
    }
    return error_set(
        err, CAIRN_E_ACCESS,
        "no S3 credentials: AWS_ACCESS_KEY_ID is not set, none in profile '%.60s' of %.120s and "
        "%.120s, no AWS_WEB_IDENTITY_TOKEN_FILE, no container endpoint, %s",
        s3_search_profile(search, &named),
        files->credentials_path == NULL ? "~/.aws/credentials" : files->credentials_path,
        files->config_path == NULL ? "~/.aws/config" : files->config_path, instance);
}

typedef cairn_code (*source_fn)(s3_search *search, s3_keys *out, cairn_error *err);

static cairn_code search_given(s3_search *search, s3_keys *out, cairn_error *err)
{
    const s3_keys *given = &search->sources->given;

    return given->access_key_id == NULL ? CAIRN_OK : s3_keys_copy(given, out, err);
}

/* A profile that the caller names stands before the environment, as `aws --profile` does. */
static cairn_code search_named_profile(s3_search *search, s3_keys *out, cairn_error *err)
{
    if (search->sources->profile == NULL) {
        return CAIRN_OK;
    }
    CAIRN_TRY(search_profile(search, out, err));
    if (out->access_key_id == NULL) {
        return error_set(err, CAIRN_E_ACCESS, "profile '%.100s' holds no credentials",
                         search->sources->profile);
    }
    return CAIRN_OK;
}

static cairn_code search_environment(s3_search *search, s3_keys *out, cairn_error *err)
{
    return s3_search_environment(search, out, err);
}

static cairn_code search_container(s3_search *search, s3_keys *out, cairn_error *err)
{
    return s3_search_container(search, out, err);
}

static cairn_code search_instance(s3_search *search, s3_keys *out, cairn_error *err)
{
    return s3_search_instance(search, out, err);
}

static cairn_code search_in_order(s3_search *search, s3_keys *out, cairn_error *err)
{
    static const source_fn order[] = {search_given,   search_named_profile, search_environment,
                                      search_profile, search_web_identity,  search_container,
                                      search_instance};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(order); i++) {
        CAIRN_TRY(order[i](search, out, err));
        if (out->access_key_id != NULL) {
            return CAIRN_OK;
        }
    }
    return none_found(search, err);
}

static cairn_code check_end(const s3_search *search, const s3_keys *keys, cairn_error *err)
{
    char end[CLOCK_RFC3339_SIZE];

    if (keys->expires_ms == 0 || keys->expires_ms > search->wall_ms) {
        return CAIRN_OK;
    }
    clock_format_rfc3339(keys->expires_ms, end);
    return error_set(err, CAIRN_E_ACCESS,
                     "S3 credentials of the %s ended at %s: renew them, and look at this clock",
                     keys->origin, end);
}

cairn_code s3_search_keys(s3_search *search, s3_keys *out, cairn_error *err)
{
    const char *role = search->sources->assume_role_arn;
    CAIRN_AUTO(s3_keys) first = {0};
    CAIRN_AUTO(s3_keys) last = {0};

    CAIRN_TRY(call_check(search->call, "look for S3 credentials", err));
    CAIRN_TRY(search_in_order(search, &first, err));
    CAIRN_TRY(check_end(search, &first, err));
    if (role == NULL) {
        s3_keys_move(out, &first);
        return CAIRN_OK;
    }
    CAIRN_TRY(s3_search_role(search, &(s3_role_wish){.arn = role}, &first, &last, err));
    CAIRN_TRY(check_end(search, &last, err));
    s3_keys_move(out, &last);
    return CAIRN_OK;
}
