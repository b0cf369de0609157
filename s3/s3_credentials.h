/*
 * Credentials and settings from the places that AWS's tools use. Order, first hit wins:
 * options of the caller (keys, else the profile that they name), environment, profile (shared
 * credentials and config files, with source_profile, role_arn, credential_process, web identity),
 * web identity of the environment, container endpoint, instance metadata (IMDSv2 only, and only if
 * `allow_instance`). STS is asked at AWS_ENDPOINT_URL_STS, else AWS_ENDPOINT_URL, else the
 * profile's endpoint for it, else AWS's of the region.
 *
 * Life cycle: s3_environment_read once, at the start, before threads that change the environment;
 * s3_credentials_new; s3_credentials_get before each signature; s3_credentials_refresh after a
 * server said that they are expired or unknown. Thread-safe: one thread refreshes, the others go on
 * with the old ones while these are valid, else wait. Refresh begins 5 minutes before expiry, less
 * a random part; at half of their life for keys that live shorter; and when a profile file changed.
 * If it fails the old keys go on while they are valid, and a line in the log says so; it is not
 * tried again for CAIRN_S3_PAUSE_MS.
 *
 * Source: AWS SDKs and Tools Reference Guide, "Standardized credential providers"; reference of the
 * IMDSv2 and container endpoints there. Nothing here ever logs or returns a secret in an error.
 */
#ifndef CAIRN_S3_CREDENTIALS_H
#define CAIRN_S3_CREDENTIALS_H

#include <cairn/s3.h>

#include "http.h"
#include "secret.h"

/* Zero-initialise. */
typedef struct s3_keys {
    char *access_key_id;
    secret secret_key;
    secret session_token; /* not set for long-lived keys */
    uint64_t expires_ms;  /* wall clock; 0: never */
    const char *origin;   /* "environment", "profile", ...: for messages; static */
} s3_keys;

void s3_keys_release(s3_keys *keys);
CAIRN_DEFINE_AUTO(s3_keys, s3_keys_release)

/*
 * All variables that matter (AWS_*, HOME), copied. Zero-initialise. A test fills it by hand.
 * `value` of one that is not set, or empty, is NULL.
 */
typedef struct s3_environment {
    char *access_key_id;
    secret secret_access_key;
    secret session_token;
    char *profile;
    char *credentials_file;
    char *config_file;
    char *region; /* AWS_REGION, else AWS_DEFAULT_REGION */
    char *endpoint_url_s3;
    char *endpoint_url;
    char *endpoint_url_sts;
    bool ignore_configured_endpoint_urls;
    char *ca_bundle;
    char *role_arn;
    char *role_session_name;
    char *web_identity_token_file;
    char *container_relative_uri;
    char *container_full_uri;
    char *container_token_file;
    secret container_token;
    char *metadata_endpoint;
    bool metadata_disabled;
    char *home;
} s3_environment;

cairn_code s3_environment_read(s3_environment *out, cairn_error *err);
void s3_environment_release(s3_environment *env);
CAIRN_DEFINE_AUTO(s3_environment, s3_environment_release)

/*
 * What the profile says beside credentials. Zero-initialise. NULL: not said. An endpoint of a
 * `services` section counts.
 */
typedef struct s3_profile_settings {
    char *region;
    char *endpoint_url; /* services' s3 endpoint_url, else endpoint_url */
    char *ca_bundle;
    bool path_style; /* s3 = addressing_style = path */
} s3_profile_settings;

void s3_profile_settings_release(s3_profile_settings *settings);
CAIRN_DEFINE_AUTO(s3_profile_settings, s3_profile_settings_release)

/* The profile named by the options, else by the environment, else "default". A file that is missing
 * is fine; a named profile that is in neither file is CAIRN_E_INVALID. */
cairn_code s3_profile_read(const cairn_s3_options *options, const s3_environment *env,
                           s3_profile_settings *out, cairn_error *err);

typedef struct s3_credentials s3_credentials;

/* `options` and `env` are copied as far as they are needed. `region` is for STS. Does no I/O. */
cairn_code s3_credentials_new(const cairn_s3_options *options, const s3_environment *env,
                              const char *region, s3_credentials **out, cairn_error *err);
void s3_credentials_free(s3_credentials *credentials);
CAIRN_DEFINE_AUTO_PTR(s3_credentials, s3_credentials_free)

/* A copy of the keys that count now. None found: CAIRN_E_ACCESS with what was looked at. */
cairn_code s3_credentials_get(s3_credentials *credentials, const cairn_call *call, s3_keys *out,
                              cairn_error *err);

/* A server refused keys with this id: get new ones, unless another thread has done so since.
 * *out_new tells whether there are others now. Within CAIRN_S3_PAUSE_MS after a refresh that
 * brought nothing new, nobody is asked: the outcome is that of then. */
cairn_code s3_credentials_refresh(s3_credentials *credentials, const cairn_call *call,
                                  const char *refused_id, bool *out_new, cairn_error *err);

#endif
