/*
 * Where credentials are looked for: one search through all sources, in order, without memory of an
 * earlier one. s3_credentials.c keeps what was found and decides when to search again.
 *
 * s3_sources is immutable after s3_sources_init: any thread may search. A search belongs to one
 * thread.
 */
#ifndef CAIRN_S3_CREDENTIALS_CHAIN_H
#define CAIRN_S3_CREDENTIALS_CHAIN_H

#include "s3_credentials_parts.h"

/* What options and environment said. Zero-initialise. */
typedef struct s3_sources {
    s3_environment env;
    s3_keys given; /* of the options; no id: none */
    char *profile; /* of the options */
    char *region;
    char *assume_role_arn;
    char *ca_file;
    char *proxy;
    bool allow_http;
    bool allow_instance;
    uint64_t connect_timeout_ms;
} s3_sources;

cairn_code s3_sources_init(s3_sources *sources, const cairn_s3_options *options,
                           const s3_environment *env, const char *region, cairn_error *err);
void s3_sources_release(s3_sources *sources);
CAIRN_DEFINE_AUTO(s3_sources, s3_sources_release)

/* One search. Zero-initialise but for the first three; release. */
typedef struct s3_search {
    const s3_sources *sources;
    const cairn_call *call;
    uint64_t wall_ms; /* now */
    s3_profiles profiles;
    bool loaded; /* the files were read: what was found depends on them */
} s3_search;

void s3_search_release(s3_search *search);
CAIRN_DEFINE_AUTO(s3_search, s3_search_release)

/* The keys of the first source that has any. Keys that have ended are CAIRN_E_ACCESS, as are none.
 */
cairn_code s3_search_keys(s3_search *search, s3_keys *out, cairn_error *err);

/* ---- Between the files of the search ---- */

/* Reads the profile files, once. */
cairn_code s3_search_load(s3_search *search, cairn_error *err);
/* The name of the profile that options or environment choose. */
const char *s3_search_profile(const s3_search *search, bool *out_named);
/* Keys of a profile, through all roles that it names; no id in `out`: it has none. */
cairn_code s3_search_profile_keys(s3_search *search, const char *name, s3_keys *out,
                                  cairn_error *err);
/* Sources without a profile; no id in `out`: not set. */
cairn_code s3_search_environment(const s3_search *search, s3_keys *out, cairn_error *err);
cairn_code s3_search_container(const s3_search *search, s3_keys *out, cairn_error *err);
cairn_code s3_search_instance(const s3_search *search, s3_keys *out, cairn_error *err);

/* A role to assume, or to trade a token for. Texts may be NULL but for the ARN; borrowed. */
typedef struct s3_role_wish {
    const char *arn;
    const char *session_name;
    const char *external_id;
    uint64_t duration_s;
    const char *token_file; /* NULL: assume it with `with` */
} s3_role_wish;
cairn_code s3_search_role(s3_search *search, const s3_role_wish *wish, const s3_keys *with,
                          s3_keys *out, cairn_error *err);

/* ---- For tests of s3_credentials ---- */

/* Wall time in ms comes from there from now on. Before other threads use it. */
void s3_credentials_set_clock(s3_credentials *credentials, uint64_t (*wall_ms)(void *context),
                              void *context);

#endif
