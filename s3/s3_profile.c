#include "bounds.h"
#include "buf.h"
#include "encode.h"
#include "errors.h"
#include "fsutil.h"
#include "s3_credentials_parts.h"

#include <string.h>
#include <strings.h>

#define NAME_SHOWN_BYTES 100

/* "~/x" is in the home folder. NULL in *out: there is none. */
static cairn_code place_of(const char *named, const char *usual, const char *home, char **out,
                           cairn_error *err)
{
    const char *below = usual;

    if (named != NULL && strncmp(named, "~/", 2) == 0) {
        below = named + 2;
    } else if (named != NULL) {
        *out = mem_strdup(named);
        return *out == NULL ? error_no_memory(err, "name a profile file") : CAIRN_OK;
    }
    return home == NULL ? CAIRN_OK : fs_join(home, below, out, err);
}

static cairn_code load_file(const char *path, s3_file_facts *facts, s3_ini *ini, cairn_error *err)
{
    S3_AUTO_WIPE cairn_buf text = {0};

    if (path == NULL) {
        return CAIRN_OK;
    }
    CAIRN_TRY(s3_file_read(path, CAIRN_CONFIG_BYTES_MAX, &text, facts, err));
    return facts->exists ? s3_ini_parse(&text, path, ini, err) : CAIRN_OK;
}

cairn_code s3_profiles_load(const s3_environment *env, s3_profiles *out, cairn_error *err)
{
    CAIRN_AUTO(s3_profiles) p = {0};

    CAIRN_TRY(place_of(env->config_file, ".aws/config", env->home, &p.config_path, err));
    CAIRN_TRY(
        place_of(env->credentials_file, ".aws/credentials", env->home, &p.credentials_path, err));
    CAIRN_TRY(load_file(p.config_path, &p.config_facts, &p.config, err));
    CAIRN_TRY(load_file(p.credentials_path, &p.credentials_facts, &p.credentials, err));
    s3_profiles_release(out);
    *out = p;
    memset(&p, 0, sizeof(p));
    return CAIRN_OK;
}

void s3_profiles_release(s3_profiles *profiles)
{
    mem_free(profiles->config_path);
    mem_free(profiles->credentials_path);
    s3_ini_release(&profiles->config);
    s3_ini_release(&profiles->credentials);
    *profiles = (s3_profiles){0};
}

/* In the config file "[profile default]" replaces "[default]"; all others need the word. */
static const char *config_type(const s3_profiles *profiles, const char *name)
{
    const bool bare = strcmp(name, "default") == 0 &&
                      !s3_ini_has_section(&profiles->config, "profile", name);

    return bare ? "" : "profile";
}

bool s3_profiles_has(const s3_profiles *profiles, const char *name)
{
    return s3_ini_has_section(&profiles->config, config_type(profiles, name), name) ||
           s3_ini_has_section(&profiles->credentials, "", name);
}

const char *s3_profile_name(const char *of_options, const s3_environment *env, bool *out_named)
{
    const char *name = of_options != NULL ? of_options : env->profile;

    *out_named = name != NULL;
    return name != NULL ? name : "default";
}

cairn_code s3_profiles_unknown(const s3_profiles *profiles, const char *name, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) shown = {0};

    CAIRN_TRY(encode_printable(cairn_slice_of(name), NAME_SHOWN_BYTES, &shown, err));
    return error_set(err, CAIRN_E_INVALID, "there is no profile '%s' in %s nor in %s",
                     buf_text(&shown),
                     profiles->credentials_path == NULL ? "~/.aws/credentials (HOME is not set)"
                                                        : profiles->credentials_path,
                     profiles->config_path == NULL ? "~/.aws/config" : profiles->config_path);
}

static cairn_code get_value(const s3_profiles *profiles, const char *name, const char *block,
                            const char *key, secret *out, cairn_error *err)
{
    const s3_ini_place in_credentials = {"", name, block, key};
    const s3_ini_place in_config = {config_type(profiles, name), name, block, key};

    CAIRN_TRY(s3_ini_get(&profiles->credentials, &in_credentials, out, err));
    return secret_is_set(out) ? CAIRN_OK : s3_ini_get(&profiles->config, &in_config, out, err);
}

static cairn_code text_of(const secret *value, char **out, cairn_error *err)
{
    if (!secret_is_set(value)) {
        return CAIRN_OK;
    }
    *out = mem_strdup(value->text);
    return *out == NULL ? error_no_memory(err, "read a profile") : CAIRN_OK;
}

cairn_code s3_profile_text(const s3_profiles *profiles, const char *name, const char *key,
                           char **out, cairn_error *err)
{
    CAIRN_AUTO(secret) value = {0};

    CAIRN_TRY(get_value(profiles, name, "", key, &value, err));
    return text_of(&value, out, err);
}

static cairn_code endpoint_of_services(const s3_profiles *profiles, const char *name,
                                       const char *service, char **out, cairn_error *err)
{
    char *section CAIRN_AUTO_FREE = NULL;
    CAIRN_AUTO(secret) value = {0};

    CAIRN_TRY(s3_profile_text(profiles, name, "services", &section, err));
    if (section == NULL) {
        return CAIRN_OK;
    }
    const s3_ini_place place = {"services", section, service, "endpoint_url"};
    CAIRN_TRY(s3_ini_get(&profiles->config, &place, &value, err));
    return text_of(&value, out, err);
}

cairn_code s3_profile_endpoint(const s3_profiles *profiles, const char *name, const char *service,
                               char **out, cairn_error *err)
{
    char *ignore CAIRN_AUTO_FREE = NULL;

    CAIRN_TRY(s3_profile_text(profiles, name, "ignore_configured_endpoint_urls", &ignore, err));
    if (ignore != NULL && strcasecmp(ignore, "true") == 0) {
        return CAIRN_OK;
    }
    CAIRN_TRY(endpoint_of_services(profiles, name, service, out, err));
    return *out != NULL ? CAIRN_OK : s3_profile_text(profiles, name, "endpoint_url", out, err);
}

static cairn_code half_a_key(const char *name, const char *file, cairn_error *err)
{
    return error_set(
        err, CAIRN_E_INVALID,
        "profile '%.100s' in %s: aws_access_key_id and aws_secret_access_key must both "
        "be there",
        name, file);
}

static cairn_code keys_of_file(const s3_ini *ini, const char *type, const char *name,
                               const char *file, s3_keys *out, cairn_error *err)
{
    CAIRN_AUTO(s3_keys) keys = {.origin = "profile"};
    CAIRN_AUTO(secret) id = {0};
    s3_ini_place place = {type, name, "", "aws_access_key_id"};

    CAIRN_TRY(s3_ini_get(ini, &place, &id, err));
    place.key = "aws_secret_access_key";
    CAIRN_TRY(s3_ini_get(ini, &place, &keys.secret_key, err));
    place.key = "aws_session_token";
    CAIRN_TRY(s3_ini_get(ini, &place, &keys.session_token, err));
    if (secret_is_set(&id) != secret_is_set(&keys.secret_key)) {
        return half_a_key(name, file, err);
    }
    if (!secret_is_set(&id)) {
        return CAIRN_OK;
    }
    CAIRN_TRY(text_of(&id, &keys.access_key_id, err));
    s3_keys_move(out, &keys);
    return CAIRN_OK;
}

cairn_code s3_profile_static_keys(const s3_profiles *profiles, const char *name, s3_keys *out,
                                  cairn_error *err)
{
    CAIRN_TRY(keys_of_file(&profiles->credentials, "", name, profiles->credentials_path, out, err));
    if (out->access_key_id != NULL) {
        return CAIRN_OK;
    }
    return keys_of_file(&profiles->config, config_type(profiles, name), name, profiles->config_path,
                        out, err);
}

void s3_profile_settings_release(s3_profile_settings *settings)
{
    mem_free(settings->region);
    mem_free(settings->endpoint_url);
    mem_free(settings->ca_bundle);
    *settings = (s3_profile_settings){0};
}

static cairn_code read_settings(const s3_profiles *profiles, const char *name,
                                bool without_endpoint, s3_profile_settings *out, cairn_error *err)
{
    CAIRN_AUTO(secret) addressing = {0};

    CAIRN_TRY(s3_profile_text(profiles, name, "region", &out->region, err));
    CAIRN_TRY(s3_profile_text(profiles, name, "ca_bundle", &out->ca_bundle, err));
    CAIRN_TRY(get_value(profiles, name, "s3", "addressing_style", &addressing, err));
    out->path_style = secret_is_set(&addressing) && strcasecmp(addressing.text, "path") == 0;
    return without_endpoint ? CAIRN_OK
                            : s3_profile_endpoint(profiles, name, "s3", &out->endpoint_url, err);
}

cairn_code s3_profile_read(const cairn_s3_options *options, const s3_environment *env,
                           s3_profile_settings *out, cairn_error *err)
{
    CAIRN_AUTO(s3_profiles) profiles = {0};
    CAIRN_AUTO(s3_profile_settings) settings = {0};
    bool named = false;
    const char *name = s3_profile_name(options->profile, env, &named);

    CAIRN_TRY(s3_profiles_load(env, &profiles, err));
    if (named && !s3_profiles_has(&profiles, name)) {
        return s3_profiles_unknown(&profiles, name, err);
    }
    CAIRN_TRY(read_settings(&profiles, name, env->ignore_configured_endpoint_urls, &settings, err));
    s3_profile_settings_release(out);
    *out = settings;
    settings = (s3_profile_settings){0};
    return CAIRN_OK;
}
