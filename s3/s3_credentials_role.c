/*
 * Keys of one profile. A profile with a role names who may assume it: another profile, which may
 * have a role itself, or a source without one. So the way goes down to somebody with keys first,
 * and then back up, role by role.
 */
#include "bounds.h"
#include "encode.h"
#include "errors.h"
#include "s3_credentials_chain.h"
#include "s3_process.h"

#include <string.h>

#define DURATION_S_MIN 900 /* AssumeRole, DurationSeconds */
#define DURATION_S_MAX 43200

/* What a profile says about its role. */
typedef struct role_step {
    char *profile;
    char *arn;
    char *session_name;
    char *external_id;
    char *source_profile;
    char *credential_source;
    char *token_file;
    uint64_t duration_s;
} role_step;

static void role_step_release(role_step *step)
{
    mem_free(step->profile);
    mem_free(step->arn);
    mem_free(step->session_name);
    mem_free(step->external_id);
    mem_free(step->source_profile);
    mem_free(step->credential_source);
    mem_free(step->token_file);
    *step = (role_step){0};
}
CAIRN_DEFINE_AUTO(role_step, role_step_release)

typedef struct role_chain {
    role_step steps[CAIRN_S3_ROLE_CHAIN_MAX];
    size_t count;
} role_chain;

static void role_chain_release(role_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++) {
        role_step_release(&chain->steps[i]);
    }
    chain->count = 0;
}
CAIRN_DEFINE_AUTO(role_chain, role_chain_release)

/* Names come from files: a control byte in one must not get out. The reader of the files refuses
 * none but line breaks. */
static cairn_code refuse(cairn_code code, const char *profile, const char *why, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) shown = {0};

    CAIRN_TRY(encode_printable(cairn_slice_of(profile), 100, &shown, err));
    return error_set(err, code, "profile '%.*s' %s", (int)shown.len, (const char *)shown.data, why);
}

static cairn_code read_duration(const s3_search *search, const char *name, uint64_t *out,
                                cairn_error *err)
{
    char *text CAIRN_AUTO_FREE = NULL;

    CAIRN_TRY(s3_profile_text(&search->profiles, name, "duration_seconds", &text, err));
    if (text != NULL &&
        (!parse_u64(cairn_slice_of(text), out) || *out < DURATION_S_MIN || *out > DURATION_S_MAX)) {
        return refuse(CAIRN_E_INVALID, name, "has duration_seconds that are not 900 to 43200", err);
    }
    return CAIRN_OK;
}

static cairn_code read_step(const s3_search *search, const char *name, role_step *out,
                            cairn_error *err)
{
    const s3_profiles *p = &search->profiles;
    CAIRN_AUTO(role_step) step = {.profile = mem_strdup(name)};

    if (step.profile == NULL) {
        return error_no_memory(err, "read a profile");
    }
    CAIRN_TRY(s3_profile_text(p, name, "role_arn", &step.arn, err));
    CAIRN_TRY(s3_profile_text(p, name, "role_session_name", &step.session_name, err));
    CAIRN_TRY(s3_profile_text(p, name, "external_id", &step.external_id, err));
    CAIRN_TRY(s3_profile_text(p, name, "source_profile", &step.source_profile, err));
    CAIRN_TRY(s3_profile_text(p, name, "credential_source", &step.credential_source, err));
    CAIRN_TRY(s3_profile_text(p, name, "web_identity_token_file", &step.token_file, err));
    CAIRN_TRY(read_duration(search, name, &step.duration_s, err));
    *out = step;
    memset(&step, 0, sizeof(step));
    return CAIRN_OK;
}

static s3_role_wish wish_of(const role_step *step)
{
    return (s3_role_wish){.arn = step->arn,
                          .session_name = step->session_name,
                          .external_id = step->external_id,
                          .duration_s = step->duration_s,
                          .token_file = step->token_file};
}

/* ---- The end of the way down ---- */

static cairn_code says(const s3_search *search, const char *name, const char *key, bool *out,
                       cairn_error *err)
{
    char *text CAIRN_AUTO_FREE = NULL;

    CAIRN_TRY(s3_profile_text(&search->profiles, name, key, &text, err));
    *out = *out || text != NULL;
    return CAIRN_OK;
}

/* A person signs in: that is for the AWS CLI, which can hand the keys over. */
static cairn_code refuse_sign_in(const s3_search *search, const char *name, cairn_error *err)
{
    bool sso = false;
    bool login = false;

    CAIRN_TRY(says(search, name, "sso_session", &sso, err));
    CAIRN_TRY(says(search, name, "sso_start_url", &sso, err));
    CAIRN_TRY(says(search, name, "login_session", &login, err));
    if (!sso && !login) {
        return CAIRN_OK;
    }
    return refuse(CAIRN_E_ACCESS, name,
                  sso ? "signs in by SSO, which is not done here: give it credential_process = aws "
                        "configure export-credentials --profile NAME"
                      : "signs in by a login session, which is not done here: give it "
                        "credential_process = aws configure export-credentials --profile NAME",
                  err);
}

static cairn_code plain_keys(const s3_search *search, const char *name, s3_keys *out,
                             cairn_error *err)
{
    char *text CAIRN_AUTO_FREE = NULL;

    CAIRN_TRY(s3_profile_static_keys(&search->profiles, name, out, err));
    if (out->access_key_id != NULL) {
        return CAIRN_OK;
    }
    CAIRN_TRY(s3_profile_text(&search->profiles, name, "credential_process", &text, err));
    if (text == NULL) {
        return refuse_sign_in(search, name, err);
    }
    const cairn_code code = s3_process_keys(text, name, search->call, out, err);
    explicit_bzero(text, strlen(text));
    return code;
}

static cairn_code keys_of_source(const s3_search *search, const role_step *step, s3_keys *out,
                                 cairn_error *err)
{
    const char *source = step->credential_source;

    if (strcmp(source, "Environment") == 0) {
        CAIRN_TRY(s3_search_environment(search, out, err));
    } else if (strcmp(source, "EcsContainer") == 0) {
        CAIRN_TRY(s3_search_container(search, out, err));
    } else if (strcmp(source, "Ec2InstanceMetadata") == 0) {
        CAIRN_TRY(s3_search_instance(search, out, err));
    } else {
        return refuse(CAIRN_E_INVALID, step->profile,
                      "has a credential_source that is not Environment, EcsContainer or "
                      "Ec2InstanceMetadata",
                      err);
    }
    if (out->access_key_id == NULL) {
        return refuse(CAIRN_E_ACCESS, step->profile,
                      "has a credential_source without credentials, or which is not allowed", err);
    }
    return CAIRN_OK;
}

/* ---- The way down ---- */

static cairn_code check_step(const s3_search *search, const role_step *step, cairn_error *err)
{
    bool mfa = false;

    CAIRN_TRY(says(search, step->profile, "mfa_serial", &mfa, err));
    if (mfa) {
        return refuse(CAIRN_E_ACCESS, step->profile,
                      "needs the code of an MFA device, which is not asked for here: give it "
                      "credential_process = aws configure export-credentials --profile NAME",
                      err);
    }
    if ((step->source_profile == NULL) == (step->credential_source == NULL)) {
        return refuse(CAIRN_E_INVALID, step->profile,
                      "has a role_arn, so it needs one of source_profile, credential_source and "
                      "web_identity_token_file",
                      err);
    }
    return CAIRN_OK;
}

static bool was_seen(const role_chain *chain, const char *name)
{
    for (size_t i = 0; i < chain->count; i++) {
        if (strcmp(chain->steps[i].profile, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Adds a step, which it takes. */
static cairn_code add_step(role_chain *chain, role_step *step, cairn_error *err)
{
    if (was_seen(chain, step->profile)) {
        return refuse(CAIRN_E_INVALID, step->profile, "is its own source_profile, in a circle",
                      err);
    }
    if (chain->count == CAIRN_S3_ROLE_CHAIN_MAX) {
        return refuse(CAIRN_E_INVALID, chain->steps[0].profile,
                      "has a longer chain of source_profile than is followed", err);
    }
    chain->steps[chain->count++] = *step;
    *step = (role_step){0};
    return CAIRN_OK;
}

/* What one profile gives: keys in `out`, or another step and the name of the next profile. */
static cairn_code visit(s3_search *search, const char *name, role_chain *chain, s3_keys *out,
                        cairn_error *err)
{
    CAIRN_AUTO(role_step) step = {0};

    /* As AWS's tools: who is asked to vouch for a role does so by the keys that it has, if any. */
    if (chain->count > 0) {
        CAIRN_TRY(s3_profile_static_keys(&search->profiles, name, out, err));
        if (out->access_key_id != NULL) {
            return CAIRN_OK;
        }
    }
    CAIRN_TRY(read_step(search, name, &step, err));
    if (step.arn == NULL) {
        return plain_keys(search, name, out, err);
    }
    if (step.token_file != NULL) {
        const s3_role_wish wish = wish_of(&step);
        return s3_search_role(search, &wish, NULL, out, err);
    }
    CAIRN_TRY(check_step(search, &step, err));
    return add_step(chain, &step, err);
}

static cairn_code next_profile(const s3_search *search, const role_step *last, const char **out,
                               cairn_error *err)
{
    *out = last->source_profile;
    if (!s3_profiles_has(&search->profiles, *out)) {
        return refuse(CAIRN_E_INVALID, last->profile, "names a source_profile that is in no file",
                      err);
    }
    return CAIRN_OK;
}

static cairn_code go_down(s3_search *search, const char *name, role_chain *chain, s3_keys *out,
                          cairn_error *err)
{
    for (;;) {
        const size_t before = chain->count;

        CAIRN_TRY(visit(search, name, chain, out, err));
        if (chain->count == before) {
            break;
        }
        const role_step *last = &chain->steps[chain->count - 1];
        if (last->credential_source != NULL) {
            return keys_of_source(search, last, out, err);
        }
        CAIRN_TRY(next_profile(search, last, &name, err));
    }
    if (chain->count > 0 && out->access_key_id == NULL) {
        return refuse(CAIRN_E_ACCESS, name, "is a source_profile and has no credentials", err);
    }
    return CAIRN_OK;
}

cairn_code s3_search_profile_keys(s3_search *search, const char *name, s3_keys *out,
                                  cairn_error *err)
{
    CAIRN_AUTO(role_chain) chain = {.count = 0};
    CAIRN_AUTO(s3_keys) keys = {0};

    CAIRN_TRY(s3_search_load(search, err));
    CAIRN_TRY(go_down(search, name, &chain, &keys, err));
    for (size_t i = chain.count; i > 0; i--) {
        const s3_role_wish wish = wish_of(&chain.steps[i - 1]);
        CAIRN_AUTO(s3_keys) assumed = {0};

        CAIRN_TRY(s3_search_role(search, &wish, &keys, &assumed, err));
        s3_keys_move(&keys, &assumed);
    }
    s3_keys_move(out, &keys);
    return CAIRN_OK;
}
