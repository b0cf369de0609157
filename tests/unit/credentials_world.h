/*
 * For tests of credentials: profile files in a scratch home folder, an environment made by hand, a
 * log that is kept, and the canary: secrets of a test are all marked, and no message or log line
 * may hold the mark.
 */
#ifndef CAIRN_TESTS_CREDENTIALS_WORLD_H
#define CAIRN_TESTS_CREDENTIALS_WORLD_H

#include "s3_credentials_chain.h"
#include "script_server.h"
#include "tmpdir.h"

/* Stands in each secret. */
#define CANARY    "c4n4ry"
#define LOG_BYTES 8192

/* Secrets of scripted services, by the id of their keys. */
#define KEY(id)   "key-" CANARY "-" id
#define TOKEN(id) "token-" CANARY "-" id

#define JSON_ANSWER(id)                                                              \
    "{\"AccessKeyId\": \"" id "\", \"SecretAccessKey\": \"key-" CANARY "-" id "\", " \
    "\"Token\": \"token-" CANARY "-" id "\", \"Expiration\": \"2026-01-01T01:00:00Z\"}"

typedef struct credentials_world {
    tmpdir *dir;
    s3_environment env; /* `home` is the folder */
    cairn_s3_options options;
    _Atomic uint64_t now_ms; /* of the clock that credentials_open sets */
    char log[LOG_BYTES];     /* all lines; written under no lock: one thread logs at a time */
    unsigned log_lines;
} credentials_world;

/* For cmocka: setup and teardown; teardown looks for the canary in the log. */
int credentials_world_setup(void **state);
int credentials_world_teardown(void **state);

/* Writes "<home>/<name>", making its folder, with mode 0600. */
void credentials_file(const credentials_world *world, const char *name, const char *text);
/* "<home>/<name>" */
const char *credentials_path(const credentials_world *world, const char *name,
                             char path[TMPDIR_PATH_BYTES]);

/* Makes a script the credential_process of the profile "default", with the arguments 'a b' and the
 * canary. A blank is in its name. */
void credentials_program(const credentials_world *world, const char *script);

/* Sets a text of the environment, printf-like. */
void credentials_set(char **slot, const char *format, ...) __attribute__((format(printf, 2, 3)));
void credentials_set_secret(secret *slot, const char *text);

/* With the world's options, environment and clock. */
s3_credentials *credentials_open(credentials_world *world);

/* Opens, gets, frees. A message of an error is searched for the canary. */
cairn_code credentials_get(credentials_world *world, s3_keys *out, cairn_error *err);
/* The same, and the keys are these; a NULL token is none. */
void credentials_expect(credentials_world *world, const char *origin, const char *id,
                        const char *key, const char *token);
/* The same, and it fails with this code and a message that holds `says`. */
void credentials_expect_failure(credentials_world *world, cairn_code code, const char *says);

/* A new server; fails the test if there is none. */
script_server *credentials_server(void);
/* Answers one request with this body. */
void credentials_answer(script_server *server, const char *path, const char *body);
/* NULL: there is no such header. */
void credentials_header_is(const script_request *request, const char *name, const char *value);

void credentials_assert_clean(const cairn_error *err);

/* "2026-01-31T23:59:59Z" in ms; fails the test if it is no time. */
uint64_t credentials_time(const char *text);

#endif
