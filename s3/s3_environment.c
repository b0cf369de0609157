#include "errors.h"
#include "s3_credentials_parts.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef enum field_kind {
    CAIRN_FIELD_TEXT = 0,
    CAIRN_FIELD_SECRET = 1,
    CAIRN_FIELD_FLAG = 2 /* set by "true" */
} field_kind;

typedef struct field_row {
    const char *variable;
    const char *fallback; /* another one, if that is not set; NULL: none */
    size_t offset;
    field_kind kind;
} field_row;

#define TEXT(variable, member)                                             \
    {                                                                      \
        variable, NULL, offsetof(s3_environment, member), CAIRN_FIELD_TEXT \
    }
#define SECRET(variable, member)                                             \
    {                                                                        \
        variable, NULL, offsetof(s3_environment, member), CAIRN_FIELD_SECRET \
    }
#define FLAG(variable, member)                                             \
    {                                                                      \
        variable, NULL, offsetof(s3_environment, member), CAIRN_FIELD_FLAG \
    }

static const field_row fields[] = {
    TEXT("AWS_ACCESS_KEY_ID", access_key_id),
    SECRET("AWS_SECRET_ACCESS_KEY", secret_access_key),
    SECRET("AWS_SESSION_TOKEN", session_token),
    {"AWS_PROFILE", "AWS_DEFAULT_PROFILE", offsetof(s3_environment, profile), CAIRN_FIELD_TEXT},
    TEXT("AWS_SHARED_CREDENTIALS_FILE", credentials_file),
    TEXT("AWS_CONFIG_FILE", config_file),
    {"AWS_REGION", "AWS_DEFAULT_REGION", offsetof(s3_environment, region), CAIRN_FIELD_TEXT},
    TEXT("AWS_ENDPOINT_URL_S3", endpoint_url_s3),
    TEXT("AWS_ENDPOINT_URL", endpoint_url),
    TEXT("AWS_ENDPOINT_URL_STS", endpoint_url_sts),
    FLAG("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", ignore_configured_endpoint_urls),
    TEXT("AWS_CA_BUNDLE", ca_bundle),
    TEXT("AWS_ROLE_ARN", role_arn),
    TEXT("AWS_ROLE_SESSION_NAME", role_session_name),
    TEXT("AWS_WEB_IDENTITY_TOKEN_FILE", web_identity_token_file),
    TEXT("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", container_relative_uri),
    TEXT("AWS_CONTAINER_CREDENTIALS_FULL_URI", container_full_uri),
    TEXT("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", container_token_file),
    SECRET("AWS_CONTAINER_AUTHORIZATION_TOKEN", container_token),
    TEXT("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata_endpoint),
    FLAG("AWS_EC2_METADATA_DISABLED", metadata_disabled),
    TEXT("HOME", home),
};

static void *member_of(s3_environment *env, const field_row *row)
{
    return (char *)env + row->offset;
}

static const void *const_member_of(const s3_environment *env, const field_row *row)
{
    return (const char *)env + row->offset;
}

/* NULL if it is not set, or empty. */
static const char *read_variable(const char *name)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the header says when it may be called */
    const char *value = name == NULL ? NULL : getenv(name);

    return value == NULL || *value == '\0' ? NULL : value;
}

static cairn_code set_text(char **slot, const char *value, cairn_error *err)
{
    *slot = mem_strdup(value);
    return *slot == NULL ? error_no_memory(err, "copy the environment") : CAIRN_OK;
}

static cairn_code set_field(s3_environment *env, const field_row *row, const char *value,
                            cairn_error *err)
{
    void *member = member_of(env, row);

    switch (row->kind) {
    case CAIRN_FIELD_TEXT:
        return set_text(member, value, err);
    case CAIRN_FIELD_SECRET:
        return secret_set(member, cairn_slice_of(value), err);
    case CAIRN_FIELD_FLAG:
        *(bool *)member = strcasecmp(value, "true") == 0;
        return CAIRN_OK;
    }
    return CAIRN_OK;
}

cairn_code s3_environment_read(s3_environment *out, cairn_error *err)
{
    CAIRN_AUTO(s3_environment) env = {0};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(fields); i++) {
        const char *value = read_variable(fields[i].variable);

        value = value == NULL ? read_variable(fields[i].fallback) : value;
        CAIRN_TRY(value == NULL ? CAIRN_OK : set_field(&env, &fields[i], value, err));
    }
    *out = env;
    env = (s3_environment){0};
    return CAIRN_OK;
}

static cairn_code copy_field(s3_environment *to, const s3_environment *from, const field_row *row,
                             cairn_error *err)
{
    const void *member = const_member_of(from, row);

    switch (row->kind) {
    case CAIRN_FIELD_TEXT: {
        const char *text = *(char *const *)member;
        return text == NULL ? CAIRN_OK : set_text(member_of(to, row), text, err);
    }
    case CAIRN_FIELD_SECRET:
        return secret_copy(member_of(to, row), member, err);
    case CAIRN_FIELD_FLAG:
        *(bool *)member_of(to, row) = *(const bool *)member;
        return CAIRN_OK;
    }
    return CAIRN_OK;
}

cairn_code s3_environment_copy(const s3_environment *from, s3_environment *out, cairn_error *err)
{
    CAIRN_AUTO(s3_environment) env = {0};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(fields); i++) {
        CAIRN_TRY(copy_field(&env, from, &fields[i], err));
    }
    *out = env;
    env = (s3_environment){0};
    return CAIRN_OK;
}

void s3_environment_release(s3_environment *env)
{
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(fields); i++) {
        if (fields[i].kind == CAIRN_FIELD_TEXT) {
            mem_free(*(char **)member_of(env, &fields[i]));
        } else if (fields[i].kind == CAIRN_FIELD_SECRET) {
            secret_release(member_of(env, &fields[i]));
        }
    }
    *env = (s3_environment){0};
}
