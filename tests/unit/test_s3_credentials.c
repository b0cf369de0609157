/* Credentials without a server: options, environment, files, programs. */
#include "test.h"

#include "bounds.h"
#include "credentials_world.h"
#include "s3_process.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATIC_KEYS(id)            \
    "aws_access_key_id = " id "\n" \
    "aws_secret_access_key = key-" CANARY "-" id "\n"

/* ---- Order ---- */

static void set_environment_keys(credentials_world *world)
{
    credentials_set(&world->env.access_key_id, "AKENV");
    credentials_set_secret(&world->env.secret_access_key, "key-" CANARY);
    credentials_set_secret(&world->env.session_token, "token-" CANARY);
}

static void the_first_source_that_has_keys_wins(void **state)
{
    credentials_world *world = *state;

    credentials_expect_failure(world, CAIRN_E_ACCESS, "no S3 credentials");
    credentials_file(world, ".aws/credentials", "[default]\n" STATIC_KEYS("AKFILE"));
    credentials_expect(world, "profile", "AKFILE", "key-" CANARY "-AKFILE", NULL);
    set_environment_keys(world);
    credentials_expect(world, "environment", "AKENV", "key-" CANARY, "token-" CANARY);
    world->options.access_key_id = "AKOPT";
    world->options.secret_access_key = "opt-" CANARY;
    credentials_expect(world, "options", "AKOPT", "opt-" CANARY, NULL);
    world->options.session_token = "session-" CANARY;
    credentials_expect(world, "options", "AKOPT", "opt-" CANARY, "session-" CANARY);
}

static void a_profile_of_the_options_stands_before_the_environment(void **state)
{
    credentials_world *world = *state;

    set_environment_keys(world);
    credentials_file(world, ".aws/credentials", "[a]\n" STATIC_KEYS("AKA") "[b]\nregion = x\n");
    world->options.profile = "a";
    credentials_expect(world, "profile", "AKA", "key-" CANARY "-AKA", NULL);
    world->options.profile = "b";
    credentials_expect_failure(world, CAIRN_E_ACCESS, "profile 'b' holds no credentials");
    world->options.profile = NULL;
    credentials_set(&world->env.profile, "a");
    credentials_expect(world, "environment", "AKENV", "key-" CANARY, "token-" CANARY);
}

static void nothing_found_tells_what_was_looked_at(void **state)
{
    credentials_world *world = *state;

    credentials_set(&world->env.home, "/nowhere");
    credentials_expect_failure(world, CAIRN_E_ACCESS, "AWS_ACCESS_KEY_ID");
    credentials_expect_failure(world, CAIRN_E_ACCESS, "/nowhere/.aws/credentials");
    credentials_expect_failure(world, CAIRN_E_ACCESS, "/nowhere/.aws/config");
    credentials_expect_failure(world, CAIRN_E_ACCESS, "'default'");
    credentials_expect_failure(world, CAIRN_E_ACCESS, "not allowed");
    world->options.allow_instance = true;
    world->env.metadata_disabled = true;
    credentials_expect_failure(world, CAIRN_E_ACCESS, "AWS_EC2_METADATA_DISABLED");
}

static void half_a_pair_is_no_pair(void **state)
{
    credentials_world *world = *state;
    s3_credentials *credentials = NULL;
    cairn_error err = {0};

    credentials_set_secret(&world->env.secret_access_key, "key-" CANARY);
    credentials_expect_failure(world, CAIRN_E_INVALID, "AWS_ACCESS_KEY_ID");
    world->options.secret_access_key = "key-" CANARY;
    ASSERT_CODE(s3_credentials_new(&world->options, &world->env, "r", &credentials, &err),
                CAIRN_E_INVALID, &err);
    credentials_assert_clean(&err);
    assert_null(credentials);
}

static void a_region_that_is_none_is_refused(void **state)
{
    credentials_world *world = *state;
    s3_credentials *credentials = NULL;

    ASSERT_CODE(s3_credentials_new(&world->options, &world->env, "a.evil/", &credentials, NULL),
                CAIRN_E_INVALID, NULL);
    ASSERT_CODE(s3_credentials_new(&world->options, &world->env, "", &credentials, NULL),
                CAIRN_E_INVALID, NULL);
}

/* ---- Profiles ---- */

typedef struct profile_case {
    const char *title;
    const char *config;
    const char *credentials;
    const char *id; /* NULL: it fails */
    const char *token;
    cairn_code code;
    const char *says;
} profile_case;

static const profile_case profiles[] = {
    {.title = "keys of the config file", .config = "[profile p]\n" STATIC_KEYS("AK1"), .id = "AK1"},
    {.title = "keys with a token",
     .credentials = "[p]\n" STATIC_KEYS("AK1") "aws_session_token = t-" CANARY "\n",
     .id = "AK1",
     .token = "t-" CANARY},
    {.title = "keys of the credentials file, never with the token of the other",
     .config = "[profile p]\n" STATIC_KEYS("AK2") "aws_session_token = t-" CANARY "\n",
     .credentials = "[p]\n" STATIC_KEYS("AK1"),
     .id = "AK1"},
    {.title = "an id without a key",
     .credentials = "[p]\naws_access_key_id = AK1\n",
     .code = CAIRN_E_INVALID,
     .says = "must both be there"},
    {.title = "halves in two files",
     .config = "[profile p]\naws_secret_access_key = " CANARY "\n",
     .credentials = "[p]\naws_access_key_id = AK1\n",
     .code = CAIRN_E_INVALID,
     .says = "must both be there"},
    {.title = "a profile without keys",
     .config = "[profile p]\nregion = r\n",
     .code = CAIRN_E_ACCESS,
     .says = "no S3 credentials"},
    {.title = "SSO",
     .config = "[profile p]\nsso_session = s\nsso_account_id = 1\n[sso-session s]\nx = y\n",
     .code = CAIRN_E_ACCESS,
     .says = "profile 'p' signs in by SSO, which is not done here: give it credential_process"},
    {.title = "SSO of the old form",
     .config = "[profile p]\nsso_start_url = https://x\n",
     .code = CAIRN_E_ACCESS,
     .says = "aws configure export-credentials"},
    {.title = "login session",
     .config = "[profile p]\nlogin_session = arn\n",
     .code = CAIRN_E_ACCESS,
     .says = "profile 'p' signs in by a login session"},
    {.title = "SSO with a program that exports the keys",
     .config = "[profile p]\nsso_session = s\ncredential_process = /bin/echo '{\"Version\": 1, "
               "\"AccessKeyId\": \"AK1\", \"SecretAccessKey\": \"" CANARY "\"}'\n",
     .id = "AK1"},
    {.title = "a role that nobody may assume",
     .config = "[profile p]\nrole_arn = arn:r\n",
     .code = CAIRN_E_INVALID,
     .says = "profile 'p' has a role_arn, so it needs one of source_profile"},
    {.title = "a role with two that may",
     .config = "[profile p]\nrole_arn = arn:r\nsource_profile = q\ncredential_source = "
               "Environment\n[profile q]\n",
     .code = CAIRN_E_INVALID,
     .says = "needs one of"},
    {.title = "a source that is in no file",
     .config = "[profile p]\nrole_arn = arn:r\nsource_profile = q\n",
     .code = CAIRN_E_INVALID,
     .says = "profile 'p' names a source_profile that is in no file"},
    {.title = "a source without keys",
     .config = "[profile p]\nrole_arn = arn:r\nsource_profile = q\n[profile q]\nregion = r\n",
     .code = CAIRN_E_ACCESS,
     .says = "profile 'q' is a source_profile and has no credentials"},
    {.title = "its own source, without keys",
     .config = "[profile p]\nrole_arn = arn:r\nsource_profile = p\n",
     .code = CAIRN_E_INVALID,
     .says = "in a circle"},
    {.title = "a circle of three",
     .config = "[profile p]\nrole_arn = arn:r\nsource_profile = q\n"
               "[profile q]\nrole_arn = arn:r\nsource_profile = s\n"
               "[profile s]\nrole_arn = arn:r\nsource_profile = q\n",
     .code = CAIRN_E_INVALID,
     .says = "profile 'q' is its own source_profile, in a circle"},
    {.title = "a role with MFA",
     .config = "[profile p]\nrole_arn = arn:r\nsource_profile = q\nmfa_serial = m\n[profile q]\n",
     .code = CAIRN_E_ACCESS,
     .says = "profile 'p' needs the code of an MFA device"},
    {.title = "a duration beyond the bounds",
     .config = "[profile p]\nrole_arn = arn:r\nsource_profile = q\nduration_seconds = 899\n",
     .code = CAIRN_E_INVALID,
     .says = "900 to 43200"},
    {.title = "a credential_source that is none",
     .config = "[profile p]\nrole_arn = arn:r\ncredential_source = Moon\n",
     .code = CAIRN_E_INVALID,
     .says = "not Environment, EcsContainer or Ec2InstanceMetadata"},
    {.title = "a credential_source that is not set",
     .config = "[profile p]\nrole_arn = arn:r\ncredential_source = EcsContainer\n",
     .code = CAIRN_E_ACCESS,
     .says = "has a credential_source without credentials"},
    {.title = "an instance that may not be asked",
     .config = "[profile p]\nrole_arn = arn:r\ncredential_source = Ec2InstanceMetadata\n",
     .code = CAIRN_E_ACCESS,
     .says = "or which is not allowed"},
    {.title = "no token file",
     .config = "[profile p]\nrole_arn = arn:r\nweb_identity_token_file = /nowhere/token\n",
     .code = CAIRN_E_ACCESS,
     .says = "assume role arn:r: web identity token: there is no file /nowhere/token"},
    {.title = "a bad line",
     .config = "[profile p]\n" CANARY "\n",
     .code = CAIRN_E_INVALID,
     .says = ".aws/config line 2"},
    {.title = "a longer chain than is followed",
     .config = "[profile p]\nrole_arn = r\nsource_profile = 1\n"
               "[profile 1]\nrole_arn = r\nsource_profile = 2\n"
               "[profile 2]\nrole_arn = r\nsource_profile = 3\n"
               "[profile 3]\nrole_arn = r\nsource_profile = 4\n"
               "[profile 4]\nrole_arn = r\nsource_profile = 5\n"
               "[profile 5]\nrole_arn = r\nsource_profile = 6\n"
               "[profile 6]\nrole_arn = r\nsource_profile = 7\n"
               "[profile 7]\nrole_arn = r\nsource_profile = 8\n"
               "[profile 8]\nrole_arn = r\nsource_profile = 9\n[profile 9]\n",
     .code = CAIRN_E_INVALID,
     .says = "longer chain"},
};

static void run_profile_case(credentials_world *world, const profile_case *c)
{
    char key[64];

    if (c->config != NULL) {
        credentials_file(world, ".aws/config", c->config);
    }
    if (c->credentials != NULL) {
        credentials_file(world, ".aws/credentials", c->credentials);
    }
    credentials_set(&world->env.profile, "p");
    if (c->id == NULL) {
        credentials_expect_failure(world, c->code, c->says);
        return;
    }
    CAIRN_AUTO(s3_keys) keys = {0};
    cairn_error err = {0};
    ASSERT_OK(credentials_get(world, &keys, &err), &err);
    assert_string_equal(keys.access_key_id, c->id);
    (void)snprintf(key, sizeof(key), "key-" CANARY "-%s", c->id);
    assert_true(strcmp(keys.secret_key.text, key) == 0 ||
                strcmp(keys.secret_key.text, CANARY) == 0);
    if (c->token == NULL) {
        assert_null(keys.session_token.text);
    } else {
        assert_non_null(keys.session_token.text);
        assert_string_equal(keys.session_token.text, c->token);
    }
}

static void a_profile_gives_keys_or_a_line_that_names_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(profiles); i++) {
        void *own = NULL;

        print_message("%s\n", profiles[i].title);
        assert_int_equal(credentials_world_setup(&own), 0);
        run_profile_case(own, &profiles[i]);
        assert_int_equal(credentials_world_teardown(&own), 0);
    }
}

/* ---- Programs ---- */

typedef struct words_case {
    const char *line;
    const char *words[5]; /* none: it is refused */
} words_case;

static const words_case word_cases[] = {
    {"a", {"a"}},
    {"  a \t b\nc ", {"a", "b", "c"}},
    {"a 'b c' d", {"a", "b c", "d"}},
    {"a \"b c\"d'e f'", {"a", "b cde f"}},
    {"a '' \"\"", {"a", "", ""}},
    {"a 'b\\'", {"a", "b\\"}},
    {"a 'b\\\\c'", {"a", "b\\\\c"}},
    {"a \"b\\\"c\\\\d\\e\"", {"a", "b\"c\\d\\e"}},
    {"a\\ b c\\'d", {"a b", "c'd"}},
    {"a $HOME `b` ;c|d", {"a", "$HOME", "`b`", ";c|d"}},
    {"", {NULL}},
    {"   ", {NULL}},
    {"a 'b", {NULL}},
    {"a \"b", {NULL}},
    {"a \"b\\\"", {NULL}},
    {"a\\", {NULL}},
};

static void a_line_is_split_without_a_shell(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(word_cases); i++) {
        const words_case *c = &word_cases[i];
        CAIRN_AUTO(s3_words) words = {0};
        cairn_error err = {0};
        size_t count = 0;

        print_message("%s\n", c->line);
        const cairn_code code = s3_words_split(c->line, &words, &err);

        assert_int_equal(code, c->words[0] == NULL ? CAIRN_E_INVALID : CAIRN_OK);
        for (; c->words[count] != NULL; count++) {
            assert_string_equal(words.items[count], c->words[count]);
        }
        assert_int_equal(words.count, count);
        assert_true(count == 0 || words.items[count] == NULL);
    }
}

static void too_many_words_are_refused(void **state)
{
    CAIRN_AUTO(s3_words) words = {0};
    char line[2 * (CAIRN_S3_PROCESS_WORDS + 1) + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(line); i++) {
        line[i] = i % 2 == 0 ? 'a' : ' ';
    }
    line[sizeof(line) - 1] = '\0';
    ASSERT_CODE(s3_words_split(line, &words, NULL), CAIRN_E_INVALID, NULL);
    line[sizeof(line) - 3] = '\0';
    ASSERT_OK(s3_words_split(line, &words, NULL), NULL);
    assert_int_equal(words.count, CAIRN_S3_PROCESS_WORDS);
}

#define PROGRAM_JSON                                                                     \
    "{\"Version\": 1, \"AccessKeyId\": \"AKP\", \"SecretAccessKey\": \"k-" CANARY "\", " \
    "\"SessionToken\": \"t-" CANARY "\", \"Expiration\": \"2026-01-01T01:00:00+00:00\"}"

static void a_program_gives_keys(void **state)
{
    credentials_world *world = *state;
    CAIRN_AUTO(s3_keys) keys = {0};
    cairn_error err = {0};

    credentials_program(world, "#!/bin/sh\n"
                               "test \"$1\" = 'a b' || exit 9\n"
                               "cat > /dev/null || exit 8\n"
                               "echo noise >&2\n"
                               "echo '" PROGRAM_JSON "'\n");
    ASSERT_OK(credentials_get(world, &keys, &err), &err);

    assert_string_equal(keys.access_key_id, "AKP");
    assert_string_equal(keys.secret_key.text, "k-" CANARY);
    assert_string_equal(keys.session_token.text, "t-" CANARY);
    assert_string_equal(keys.origin, "credential_process");
    assert_int_equal(keys.expires_ms, credentials_time("2026-01-01T01:00:00Z"));
}

typedef struct program_case {
    const char *script;
    const char *says;
} program_case;

static const program_case programs[] = {
    {"echo " CANARY "; echo " CANARY " >&2; exit 3", "it ended with status 3"},
    {"kill -9 $$", "it was ended by signal 9"},
    {"echo '" CANARY "'", "the answer is not JSON"},
    {"true", "the answer is not JSON"},
    {"echo '[]'", "the answer is not a JSON object"},
    {"echo '{\"AccessKeyId\": \"A\", \"SecretAccessKey\": \"" CANARY "\"}'", "\"Version\": 1"},
    {"echo '{\"Version\": 2, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"" CANARY "\"}'",
     "\"Version\": 1"},
    {"echo '{\"Version\": 1, \"AccessKeyId\": \"A\", \"Secret\": \"" CANARY "\"}'",
     "no AccessKeyId and SecretAccessKey"},
    {"echo '{\"Version\": 1, \"AccessKeyId\": \"A/b\", \"SecretAccessKey\": \"" CANARY "\"}'",
     "the AccessKeyId is none"},
    {"echo '{\"Version\": 1, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"" CANARY "\", "
     "\"Expiration\": \"tomorrow\"}'",
     "Expiration is not a time"},
    {"echo '{\"Version\": 1, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"" CANARY "\", "
     "\"Expiration\": \"2025-12-31T23:59:59Z\"}'",
     "ended at 2025-12-31T23:59:59"},
    {"while :; do echo " CANARY CANARY CANARY CANARY CANARY CANARY "; done",
     "it printed more than 65536 bytes"},
};

static void a_program_that_fails_is_refused_and_not_quoted(void **state)
{
    credentials_world *world = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(programs); i++) {
        char script[1024];

        print_message("%s\n", programs[i].says);
        (void)snprintf(script, sizeof(script), "#!/bin/sh\n%s\n", programs[i].script);
        credentials_program(world, script);
        credentials_expect_failure(world, CAIRN_E_ACCESS, programs[i].says);
    }
    credentials_file(world, ".aws/config",
                     "[default]\ncredential_process = /nowhere/program " CANARY "\n");
    credentials_expect_failure(world, CAIRN_E_ACCESS,
                               "profile 'default': credential_process: start /nowhere/program");
}

typedef struct canceller {
    const char *path;
    cairn_cancel *cancel;
} canceller;

static void *cancel_when_there(void *argument)
{
    canceller *self = argument;

    for (int tries = 0; tries < 6000 && access(self->path, F_OK) != 0; tries++) {
        (void)usleep(10000);
    }
    cairn_cancel_trigger(self->cancel);
    return NULL;
}

/* What the script wrote to "child". */
static pid_t read_child(const credentials_world *world)
{
    char path[TMPDIR_PATH_BYTES];
    char line[32] = "";
    FILE *file = fopen(credentials_path(world, "bin/child", path), "re");

    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file));
    (void)fclose(file);
    const long pid = strtol(line, NULL, 10);
    assert_true(pid > 1);
    return (pid_t)pid;
}

/* Gone, or a zombie that its new parent has not waited for yet. */
static bool is_dead(pid_t pid)
{
    char path[64];
    char letter[2] = "Z";

    (void)snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return true;
    }
    (void)!fscanf(file, "%*s %*s %1s", letter);
    (void)fclose(file);
    return letter[0] == 'Z' || letter[0] == 'X';
}

static void a_program_that_hangs_is_killed_when_the_call_ends(void **state)
{
    credentials_world *world = *state;
    CAIRN_AUTO(s3_keys) keys = {0};
    cairn_error err = {0};
    char path[TMPDIR_PATH_BYTES];

    /* The pipe stays open by a child of its own, which must be killed too. The call
     * is cancelled when it has told its id. */
    credentials_program(world, "#!/bin/sh\ncd \"${0%/*}\" || exit 1\n"
                               "sleep 600 &\necho $! > part\nmv part child\nwait\n");
    s3_credentials *credentials = credentials_open(world);
    canceller other = {.path = credentials_path(world, "bin/child", path)};
    ASSERT_OK(cairn_cancel_new(&other.cancel, NULL), NULL);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel_when_there, &other), 0);
    const cairn_call call = {0, other.cancel};
    const cairn_code code = s3_credentials_get(credentials, &call, &keys, &err);
    assert_int_equal(pthread_join(thread, NULL), 0);
    cairn_cancel_free(other.cancel);
    s3_credentials_free(credentials);

    ASSERT_CODE(code, CAIRN_E_CANCELLED, &err);
    const pid_t child = read_child(world);
    for (int tries = 0; tries < 1000 && !is_dead(child); tries++) {
        (void)usleep(10000);
    }
    assert_true(is_dead(child));
}

static void a_program_that_leaves_a_child_behind_is_not_waited_for(void **state)
{
    credentials_world *world = *state;
    CAIRN_AUTO(s3_keys) keys = {0};
    cairn_error err = {0};
    const cairn_call call = {cairn_deadline_in(20000), NULL};

    credentials_program(world, "#!/bin/sh\ncd \"${0%/*}\" || exit 1\n"
                               "sleep 600 &\necho $! > child\necho '" PROGRAM_JSON "'\n");
    s3_credentials *credentials = credentials_open(world);
    const cairn_code code = s3_credentials_get(credentials, &call, &keys, &err);
    s3_credentials_free(credentials);
    const pid_t child = read_child(world);

    /* Of a search that failed, the child was killed with the program. */
    assert_true(kill(child, SIGKILL) == 0 || code != CAIRN_OK);
    ASSERT_OK(code, &err);
}

/* ---- Times ---- */

static void expirations_are_read_as_the_services_write_them(void **state)
{
    static const struct {
        const char *text;
        uint64_t ms; /* 0: it is none */
    } times[] = {
        {"1970-01-01T00:00:01Z", 1000},
        {"2026-01-01T00:00:00Z", 1767225600000},
        {"2026-01-01T00:00:00.123456Z", 1767225600000},
        {"2026-01-01T02:00:00+02:00", 1767225600000},
        {"2025-12-31T19:30:00-04:30", 1767225600000},
        {"2024-02-29T12:00:00+00:00", 1709208000000},
        {"2026-01-01T00:00:00", 0},
        {"2026-01-01 00:00:00Z", 0},
        {"2026-13-01T00:00:00Z", 0},
        {"2026-00-01T00:00:00Z", 0},
        {"2026-01-01T24:00:00Z", 0},
        {"2026-01-01T00:00:00Zx", 0},
        {"2026-01-01T00:00:00+0200", 0},
        {"1969-12-31T23:59:59Z", 0},
        {"20260101T000000Z", 0},
        {"", 0},
    };

    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(times); i++) {
        uint64_t ms = 0;

        print_message("%s\n", times[i].text);
        assert_int_equal(s3_parse_time(times[i].text, &ms), times[i].ms != 0);
        assert_int_equal(ms, times[i].ms);
    }
}

/* No file descriptor is left: nothing is wrong with the file, nor with who may read it. */
static void a_file_that_cannot_be_opened_for_want_of_descriptors_is_an_io_error(void **state)
{
    credentials_world *world = *state;
    struct rlimit before;

    credentials_file(world, ".aws/credentials", "[default]\n" STATIC_KEYS("AK1"));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit none = {0, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    CAIRN_AUTO(s3_keys) keys = {0};
    cairn_error err = {0};
    const cairn_code code = credentials_get(world, &keys, &err);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);

    ASSERT_CODE(code, CAIRN_E_IO, &err);
    ASSERT_MESSAGE_HAS(&err, "Too many open files");
}

int main(void)
{
#define IN_WORLD(test) \
    cmocka_unit_test_setup_teardown(test, credentials_world_setup, credentials_world_teardown)
    const struct CMUnitTest tests[] = {
        IN_WORLD(a_file_that_cannot_be_opened_for_want_of_descriptors_is_an_io_error),
        IN_WORLD(the_first_source_that_has_keys_wins),
        IN_WORLD(a_profile_of_the_options_stands_before_the_environment),
        IN_WORLD(nothing_found_tells_what_was_looked_at),
        IN_WORLD(half_a_pair_is_no_pair),
        IN_WORLD(a_region_that_is_none_is_refused),
        cmocka_unit_test(a_profile_gives_keys_or_a_line_that_names_it),
        cmocka_unit_test(a_line_is_split_without_a_shell),
        cmocka_unit_test(too_many_words_are_refused),
        IN_WORLD(a_program_gives_keys),
        IN_WORLD(a_program_that_fails_is_refused_and_not_quoted),
        IN_WORLD(a_program_that_hangs_is_killed_when_the_call_ends),
        IN_WORLD(a_program_that_leaves_a_child_behind_is_not_waited_for),
        cmocka_unit_test(expirations_are_read_as_the_services_write_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
