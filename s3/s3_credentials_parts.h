/*
 * What the sources of credentials share: copies of the environment, keys and the forms in which
 * they arrive, files, profiles. Not for others than s3_credentials*, s3_profile, s3_sts,
 * s3_metadata and s3_process.
 */
#ifndef CAIRN_S3_CREDENTIALS_PARTS_H
#define CAIRN_S3_CREDENTIALS_PARTS_H

#include "s3_credentials.h"
#include "s3_ini.h"

/* A buffer that may hold a secret: wiped at the end of scope. */
#define S3_AUTO_WIPE __attribute__((cleanup(secret_buf_release)))

/* `out` must be empty. */
cairn_code s3_environment_copy(const s3_environment *from, s3_environment *out, cairn_error *err);

/* ---- Keys ---- */

cairn_code s3_keys_copy(const s3_keys *from, s3_keys *out, cairn_error *err);
/* Moves into `to`, which is released first. */
void s3_keys_move(s3_keys *to, s3_keys *from);
bool s3_keys_equal(const s3_keys *a, const s3_keys *b);

/* "2026-01-31T23:59:59Z", with or without a fraction, "Z" or "+hh:mm": ms since 1970. False if it
 * is none. */
bool s3_parse_time(const char *text, uint64_t *out);

/* A document with AccessKeyId, SecretAccessKey, Expiration and a session token. */
typedef struct s3_keys_form {
    const char *token_member; /* "Token" or "SessionToken" */
    const char *origin;       /* static */
    const char *what;         /* who said it, for messages */
    bool has_version;         /* "Version": 1 must be there */
} s3_keys_form;

/* CAIRN_E_ACCESS if it does not hold keys; what it holds is never shown, but for the "Code" and the
 * "Message" of one that is a refusal. */
cairn_code s3_keys_from_json(cairn_slice text, const s3_keys_form *form, s3_keys *out,
                             cairn_error *err);

/* ---- Questions over HTTP ---- */

/* All borrowed. `what` names who is asked, for messages; `limit_ms` is for all of the exchange. */
typedef struct s3_question {
    http_method method;
    const char *url;
    const char *const *headers;
    cairn_slice body;
    const char *what;
    uint64_t limit_ms;
} s3_question;

/* Wiped on release. Zero-initialise. */
typedef struct s3_answer {
    unsigned status;
    cairn_buf text;
} s3_answer;

void s3_answer_release(s3_answer *answer);
CAIRN_DEFINE_AUTO(s3_answer, s3_answer_release)

/* One exchange; any status is CAIRN_OK. No answer in time is CAIRN_E_UNAVAILABLE, unless the call's
 * own deadline passed or it was cancelled. */
cairn_code s3_ask(http_client *client, const cairn_call *call, const s3_question *question,
                  s3_answer *out, cairn_error *err);
/* Of a status that is no success: CAIRN_E_UNAVAILABLE where trying again may help, else
 * CAIRN_E_ACCESS. */
cairn_code s3_status_code(unsigned status);

/* ---- Files ---- */

/* Which version of a file was seen; all zero: none. */
typedef struct s3_file_stamp {
    uint64_t size;
    uint64_t inode;
    uint64_t device;
    uint64_t mtime_ns;
} s3_file_stamp;

typedef struct s3_file_facts {
    bool exists;
    bool open_to_others; /* mode & 077 */
    s3_file_stamp stamp;
} s3_file_facts;

/*
 * Reads a whole file of at most `limit` bytes into `out`, in one block. Links are followed: files
 * with tokens are links in a Kubernetes volume. Absent: CAIRN_OK and facts->exists false. A folder,
 * or not allowed to be read: CAIRN_E_ACCESS; what else goes wrong keeps its code.
 */
cairn_code s3_file_read(const char *path, size_t limit, cairn_buf *out, s3_file_facts *facts,
                        cairn_error *err);
/* All zero if it is not there. */
s3_file_stamp s3_file_stamp_of(const char *path);
/* A file that holds one token: without white space at its ends. Absent, empty, with a line break or
 * another control byte inside: CAIRN_E_ACCESS. `what` names it. */
cairn_code s3_token_read(const char *path, const char *what, secret *out, cairn_error *err);

/* ---- Profiles ---- */

/* Both files as they stood when they were read. Zero-initialise. */
typedef struct s3_profiles {
    char *config_path; /* NULL: there is no home folder */
    char *credentials_path;
    s3_file_facts config_facts;
    s3_file_facts credentials_facts;
    s3_ini config;
    s3_ini credentials;
} s3_profiles;

cairn_code s3_profiles_load(const s3_environment *env, s3_profiles *out, cairn_error *err);
void s3_profiles_release(s3_profiles *profiles);
CAIRN_DEFINE_AUTO(s3_profiles, s3_profiles_release)

bool s3_profiles_has(const s3_profiles *profiles, const char *name);
/* The name that counts: of the options, of the environment, "default". *out_named: not the last. */
const char *s3_profile_name(const char *of_options, const s3_environment *env, bool *out_named);
/* CAIRN_E_INVALID: there is no profile of that name. */
cairn_code s3_profiles_unknown(const s3_profiles *profiles, const char *name, cairn_error *err);

/* A setting of a profile: of the credentials file, else of the config file. NULL in *out if it is
 * in neither. */
cairn_code s3_profile_text(const s3_profiles *profiles, const char *name, const char *key,
                           char **out, cairn_error *err);
/* The endpoint of "s3" or "sts": its services section's, else the profile's; NULL if none, or if
 * the profile says to ignore them. */
cairn_code s3_profile_endpoint(const s3_profiles *profiles, const char *name, const char *service,
                               char **out, cairn_error *err);
/* Keys that stand in the file: all of one file, never the id of one and the token of the other. No
 * id in `out`: there are none. CAIRN_E_INVALID if one half is missing. */
cairn_code s3_profile_static_keys(const s3_profiles *profiles, const char *name, s3_keys *out,
                                  cairn_error *err);

#endif
