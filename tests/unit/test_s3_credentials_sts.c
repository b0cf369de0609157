/* Credentials for roles, from a scripted STS; and threads that ask for them at once. */
#include "test.h"

#include "bounds.h"
#include "buf.h"
#include "credentials_world.h"
#include "digest.h"
#include "s3_sigv4.h"
#include "threads.h"

#include <stdio.h>

#define BASE_KEYS(id)              \
    "aws_access_key_id = " id "\n" \
    "aws_secret_access_key = key-" CANARY "-" id "\n"

#define STS_ANSWER(id)                                                                          \
    "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"                  \
    "<AssumeRoleResult><AssumedRoleUser><Arn>arn:x</Arn></AssumedRoleUser><Credentials>"        \
    "<AccessKeyId>" id "</AccessKeyId><SecretAccessKey>key-" CANARY "-" id "</SecretAccessKey>" \
    "<SessionToken>token-" CANARY "-" id "</SessionToken>"                                      \
    "<Expiration>2026-01-01T01:00:00Z</Expiration>"                                             \
    "</Credentials></AssumeRoleResult></AssumeRoleResponse>"

static void body_has(const script_request *request, const char *text)
{
    if (strstr(request->body, text) == NULL) {
        fail_msg("'%s' is not in '%s'", text, request->body);
    }
}

/* ---- STS ---- */

/* The signature is the one of what arrived: its body, its host. */
static void is_signed_by(const script_request *request, const char *id, const char *key,
                         const char *token)
{
    char type[128] = "";
    char host[128] = "";
    char date[128] = "";
    char hash[SHA256_HEX_SIZE];
    sha256 digest;
    CAIRN_AUTO(secret) secret_key = {0};
    CAIRN_AUTO(cairn_buf) expected = {0};

    credentials_set_secret(&secret_key, key);
    assert_true(script_request_header(request, "content-type", type, sizeof(type)));
    assert_true(script_request_header(request, "host", host, sizeof(host)));
    assert_true(script_request_header(request, "x-amz-date", date, sizeof(date)));
    ASSERT_OK(sha256_of((cairn_slice){request->body, request->body_len}, &digest, NULL), NULL);
    sha256_to_hex(&digest, hash);
    const sigv4_pair headers[] = {{"content-type", type},
                                  {"host", host},
                                  {"x-amz-date", date},
                                  {"x-amz-security-token", token}};
    const sigv4_request wanted = {"POST",  request->target,       "",
                                  headers, token == NULL ? 3 : 4, hash};
    const sigv4_signer signer = {.access_key_id = id,
                                 .secret_key = &secret_key,
                                 .region = "eu-central-1",
                                 .service = "sts",
                                 .wall_ms = credentials_time("2026-01-01T00:00:00Z")};
    ASSERT_OK(sigv4_authorization(&signer, &wanted, &expected, NULL), NULL);
    credentials_header_is(request, "authorization", buf_text(&expected));
    credentials_header_is(request, "x-amz-security-token", token);
    assert_non_null(strstr((const char *)expected.data, "/20260101/eu-central-1/sts/aws4_request"));
}

static void a_role_is_assumed_with_the_keys_of_its_source(void **state)
{
    credentials_world *world = *state;
    script_server *server = credentials_server();

    credentials_set(&world->env.endpoint_url_sts, "%s", script_server_url(server));
    credentials_file(world, ".aws/config",
                     "[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\n"
                     "role_session_name = me@here\nexternal_id = a+b/c\nduration_seconds = 900\n");
    credentials_file(world, ".aws/credentials", "[base]\n" BASE_KEYS("AKBASE"));
    credentials_answer(server, "/", STS_ANSWER("AKROLE"));
    credentials_expect(world, "assumed role", "AKROLE", KEY("AKROLE"), TOKEN("AKROLE"));

    assert_int_equal(script_server_count(server), 1);
    const script_request *request = script_server_request(server, 0);
    assert_string_equal(request->method, "POST");
    assert_string_equal(request->target, "/");
    assert_string_equal(request->body,
                        "Action=AssumeRole&Version=2011-06-15&"
                        "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole/r&RoleSessionName=me%40here&"
                        "ExternalId=a%2Bb/c&DurationSeconds=900");
    is_signed_by(request, "AKBASE", KEY("AKBASE"), NULL);
    script_server_free(server);
}

static void roles_in_a_chain_are_assumed_one_with_the_other(void **state)
{
    credentials_world *world = *state;
    script_server *server = credentials_server();

    credentials_set(&world->env.endpoint_url_sts, "%s/sts", script_server_url(server));
    credentials_set(&world->env.role_session_name, "of-environment");
    credentials_file(
        world, ".aws/config",
        "[default]\nrole_arn = arn:1\nsource_profile = two\n"
        "[profile two]\nrole_arn = arn:2\nsource_profile = three\n"
        /* Its own role does not count, as it has keys. */
        "[profile three]\nrole_arn = arn:3\nsource_profile = three\n" BASE_KEYS("AK3"));
    credentials_answer(server, "/sts", STS_ANSWER("AKTWO"));
    credentials_answer(server, "/sts", STS_ANSWER("AKONE"));
    credentials_expect(world, "assumed role", "AKONE", KEY("AKONE"), TOKEN("AKONE"));

    assert_int_equal(script_server_count(server), 2);
    body_has(script_server_request(server, 0), "RoleArn=arn%3A2&RoleSessionName=of-environment");
    is_signed_by(script_server_request(server, 0), "AK3", KEY("AK3"), NULL);
    body_has(script_server_request(server, 1), "RoleArn=arn%3A1&");
    is_signed_by(script_server_request(server, 1), "AKTWO", KEY("AKTWO"), TOKEN("AKTWO"));
    script_server_free(server);
}

static void a_role_may_name_itself_if_it_has_keys(void **state)
{
    credentials_world *world = *state;
    script_server *server = credentials_server();

    credentials_set(&world->env.endpoint_url, "%s", script_server_url(server));
    credentials_file(world, ".aws/config",
                     "[default]\nrole_arn = arn:1\nsource_profile = default\n" BASE_KEYS("AK0"));
    credentials_answer(server, "/", STS_ANSWER("AK1"));
    credentials_expect(world, "assumed role", "AK1", KEY("AK1"), TOKEN("AK1"));
    is_signed_by(script_server_request(server, 0), "AK0", KEY("AK0"), NULL);
    body_has(script_server_request(server, 0), "RoleSessionName=cairn-");
    script_server_free(server);
}

static void a_role_of_the_options_is_assumed_with_what_was_found(void **state)
{
    credentials_world *world = *state;
    script_server *server = credentials_server();
    char config[512];

    /* The endpoint of a services section, this time. */
    (void)snprintf(config, sizeof(config),
                   "[default]\nservices = s\n[services s]\nsts =\n  endpoint_url = %s\n",
                   script_server_url(server));
    credentials_file(world, ".aws/config", config);
    credentials_set(&world->env.access_key_id, "AKENV");
    credentials_set_secret(&world->env.secret_access_key, KEY("AKENV"));
    credentials_set_secret(&world->env.session_token, TOKEN("AKENV"));
    world->options.assume_role_arn = "arn:option";
    credentials_answer(server, "/", STS_ANSWER("AK1"));
    credentials_expect(world, "assumed role", "AK1", KEY("AK1"), TOKEN("AK1"));
    is_signed_by(script_server_request(server, 0), "AKENV", KEY("AKENV"), TOKEN("AKENV"));
    script_server_free(server);
}

static void a_role_may_come_of_the_environment(void **state)
{
    credentials_world *world = *state;
    script_server *server = credentials_server();

    credentials_set(&world->env.endpoint_url_sts, "%s", script_server_url(server));
    credentials_set(&world->env.access_key_id, "AKENV");
    credentials_set_secret(&world->env.secret_access_key, KEY("AKENV"));
    world->options.profile = "p";
    credentials_file(world, ".aws/config",
                     "[profile p]\nrole_arn = arn:1\ncredential_source = Environment\n");
    credentials_answer(server, "/", STS_ANSWER("AK1"));
    credentials_expect(world, "assumed role", "AK1", KEY("AK1"), TOKEN("AK1"));
    is_signed_by(script_server_request(server, 0), "AKENV", KEY("AKENV"), NULL);
    script_server_free(server);
}

/* AWS's always tells; what answers like it need not. */
static void keys_of_a_role_that_do_not_tell_their_end_are_renewed_early(void **state)
{
    credentials_world *world = *state;
    script_server *server = credentials_server();
    CAIRN_AUTO(s3_keys) keys = {0};
    cairn_error err = {0};

    credentials_set(&world->env.endpoint_url_sts, "%s", script_server_url(server));
    credentials_file(world, ".aws/config",
                     "[default]\nrole_arn = arn:1\nsource_profile = base\n"
                     "[profile base]\n" BASE_KEYS("AKBASE"));
    credentials_answer(
        server, "/",
        "<AssumeRoleResponse><AssumeRoleResult><Credentials>"
        "<AccessKeyId>AK1</AccessKeyId><SecretAccessKey>" KEY(
            "AK1") "</SecretAccessKey>"
                   "<SessionToken>" TOKEN(
                       "AK1") "</SessionToken>"
                              "</Credentials></AssumeRoleResult></AssumeRoleResponse>");
    ASSERT_OK(credentials_get(world, &keys, &err), &err);

    assert_int_equal(keys.expires_ms, world->now_ms + CAIRN_S3_ROLE_MS_MIN);
    script_server_free(server);
}

static void a_web_identity_is_traded_unsigned_and_its_file_read_anew(void **state)
{
    credentials_world *world = *state;
    script_server *server = credentials_server();
    char path[TMPDIR_PATH_BYTES];
    bool is_new = false;

    credentials_set(&world->env.endpoint_url_sts, "%s", script_server_url(server));
    credentials_set(&world->env.role_arn, "arn:web");
    credentials_set(&world->env.web_identity_token_file, "%s",
                    credentials_path(world, "token", path));
    credentials_file(world, "token", "one-" CANARY "\n");
    s3_credentials *credentials = credentials_open(world);
    credentials_answer(server, "/", STS_ANSWER("AK1"));
    credentials_answer(server, "/", STS_ANSWER("AK2"));
    CAIRN_AUTO(s3_keys) keys = {0};
    ASSERT_OK(s3_credentials_get(credentials, NULL, &keys, NULL), NULL);
    credentials_file(world, "token", "two-" CANARY);
    ASSERT_OK(s3_credentials_refresh(credentials, NULL, "AK1", &is_new, NULL), NULL);
    s3_credentials_free(credentials);

    assert_string_equal(keys.origin, "web identity");
    assert_string_equal(keys.access_key_id, "AK1");
    assert_int_equal(keys.expires_ms, credentials_time("2026-01-01T01:00:00Z"));
    assert_true(is_new);
    body_has(script_server_request(server, 0), "Action=AssumeRoleWithWebIdentity&");
    body_has(script_server_request(server, 0), "&WebIdentityToken=one-" CANARY);
    body_has(script_server_request(server, 1), "&WebIdentityToken=two-" CANARY);
    credentials_header_is(script_server_request(server, 0), "authorization", NULL);
    credentials_header_is(script_server_request(server, 0), "x-amz-date", NULL);
    script_server_free(server);
}

static void a_web_identity_of_a_profile_may_vouch_for_a_role(void **state)
{
    credentials_world *world = *state;
    script_server *server = credentials_server();
    char config[TMPDIR_PATH_BYTES + 256];
    char path[TMPDIR_PATH_BYTES];

    credentials_set(&world->env.endpoint_url_sts, "%s", script_server_url(server));
    credentials_file(world, "token", "one-" CANARY);
    (void)snprintf(config, sizeof(config),
                   "[default]\nrole_arn = arn:1\nsource_profile = web\n"
                   "[profile web]\nrole_arn = arn:web\nweb_identity_token_file = %s\n",
                   credentials_path(world, "token", path));
    credentials_file(world, ".aws/config", config);
    credentials_answer(server, "/", STS_ANSWER("AKWEB"));
    credentials_answer(server, "/", STS_ANSWER("AK1"));
    credentials_expect(world, "assumed role", "AK1", KEY("AK1"), TOKEN("AK1"));
    is_signed_by(script_server_request(server, 1), "AKWEB", KEY("AKWEB"), TOKEN("AKWEB"));
    script_server_free(server);
}

static void a_token_file_needs_a_role_and_one_token(void **state)
{
    credentials_world *world = *state;
    char path[TMPDIR_PATH_BYTES];

    credentials_set(&world->env.web_identity_token_file, "/nowhere");
    credentials_expect_failure(world, CAIRN_E_INVALID, "AWS_ROLE_ARN is not");
    credentials_set(&world->env.role_arn, "arn:web");
    credentials_expect_failure(world, CAIRN_E_ACCESS, "there is no file /nowhere");
    credentials_set(&world->env.web_identity_token_file, "%s",
                    credentials_path(world, "token", path));
    credentials_file(world, "token", CANARY "\n" CANARY "\n");
    credentials_expect_failure(world, CAIRN_E_ACCESS, "does not hold one token");
    credentials_file(world, "token", " \n");
    credentials_expect_failure(world, CAIRN_E_ACCESS, "does not hold one token");
}

#define STS_ERROR(code, message)                                                      \
    "<ErrorResponse><Error><Type>Sender</Type><Code>" code "</Code><Message>" message \
    "</Message></Error><RequestId>1</RequestId></ErrorResponse>"

typedef struct refusal_case {
    unsigned status;
    const char *body;
    cairn_code code;
    const char *says;
} refusal_case;

static const refusal_case sts_refusals[] = {
    {403, STS_ERROR("AccessDenied", "User x may\n not."), CAIRN_E_ACCESS,
     "assume role arn:web: STS: status 403 AccessDenied: User x may\\x0a not"},
    {400, STS_ERROR("ExpiredTokenException", "Token expired"), CAIRN_E_ACCESS,
     "400 ExpiredTokenException: Token expired"},
    {400, STS_ERROR("IDPCommunicationError", "later"), CAIRN_E_UNAVAILABLE, "IDPCommunication"},
    {400, STS_ERROR("Throttling", "Rate exceeded"), CAIRN_E_UNAVAILABLE, "Throttling"},
    {503, "", CAIRN_E_UNAVAILABLE, "STS: status 503"},
    {500, "<html><p>", CAIRN_E_UNAVAILABLE, "STS: status 500"},
    {400, "no XML: web-" CANARY, CAIRN_E_ACCESS, "STS: status 400"},
    {400, STS_ERROR("Invalid", "the token web-" CANARY " is bad"), CAIRN_E_ACCESS, "status 400"},
    {400, STS_ERROR("web-" CANARY, "x"), CAIRN_E_ACCESS, "status 400"},
    {200, "", CAIRN_E_UNAVAILABLE, "its answer holds no credentials"},
    {200, "<a>" CANARY "</a>", CAIRN_E_UNAVAILABLE, "its answer holds no credentials"},
    {200, "<a><Credentials><AccessKeyId>A</AccessKeyId></Credentials></a>", CAIRN_E_UNAVAILABLE,
     "its answer holds no credentials"},
    {301, "", CAIRN_E_ACCESS, "STS: status 301"},
};

static void use_web_identity(credentials_world *world, const script_server *server)
{
    char path[TMPDIR_PATH_BYTES];

    credentials_set(&world->env.endpoint_url_sts, "%s", script_server_url(server));
    credentials_set(&world->env.role_arn, "arn:web");
    credentials_file(world, "token", "web-" CANARY);
    credentials_set(&world->env.web_identity_token_file, "%s",
                    credentials_path(world, "token", path));
}

static void a_refusal_of_sts_is_told_without_secrets(void **state)
{
    credentials_world *world = *state;
    script_server *server = credentials_server();

    use_web_identity(world, server);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(sts_refusals); i++) {
        const refusal_case *c = &sts_refusals[i];

        print_message("%u %s\n", c->status, c->body);
        script_server_expect(
            server, &(script_rule){.times = 1, .reply = {.status = c->status, .body = c->body}});
        credentials_expect_failure(world, c->code, c->says);
    }
    script_server_free(server);
}

static void an_endless_answer_is_given_up(void **state)
{
    static const char more[] = "<!-- " CANARY CANARY CANARY CANARY CANARY CANARY CANARY " -->";
    credentials_world *world = *state;
    script_server *server = credentials_server();

    use_web_identity(world, server);
    script_server_expect(
        server,
        &(script_rule){.act = SCRIPT_RAW, .raw = "HTTP/1.1 200 OK\r\n\r\n", .raw_again = more});
    credentials_expect_failure(world, CAIRN_E_UNAVAILABLE, "larger than 65536 bytes");
    script_server_free(server);
}

static void an_endpoint_of_sts_that_is_none_is_refused(void **state)
{
    static const char *const endpoints[] = {"sts.example.com", "ftp://h",       "https://",
                                            "https://u@h",     "https://h?a=b", "https://h#f",
                                            "https:///p",      "http://h h"};
    credentials_world *world = *state;
    script_server *server = credentials_server();

    use_web_identity(world, server);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(endpoints); i++) {
        print_message("%s\n", endpoints[i]);
        credentials_set(&world->env.endpoint_url_sts, "%s", endpoints[i]);
        credentials_expect_failure(world, CAIRN_E_INVALID, "AWS_ENDPOINT_URL_STS");
    }
    script_server_free(server);
}

/* Seen by a proxy, as nothing else of it stays on this machine. */
static void the_endpoint_of_sts_is_the_regions(void **state)
{
    credentials_world *world = *state;
    script_server *server = credentials_server();
    cairn_error err = {0};

    use_web_identity(world, server);
    world->env.ignore_configured_endpoint_urls = true;
    world->options.proxy = script_server_url(server);
    for (int i = 0; i < 2; i++) {
        CAIRN_AUTO_PTR(s3_credentials_free) s3_credentials *credentials = NULL;
        CAIRN_AUTO(s3_keys) keys = {0};

        ASSERT_OK(s3_credentials_new(&world->options, &world->env,
                                     i == 0 ? "eu-central-1" : "cn-north-1", &credentials, NULL),
                  NULL);
        assert_int_not_equal(s3_credentials_get(credentials, NULL, &keys, &err), CAIRN_OK);
        credentials_assert_clean(&err);
    }
    assert_string_equal(script_server_request(server, 0)->method, "CONNECT");
    assert_string_equal(script_server_request(server, 0)->target,
                        "sts.eu-central-1.amazonaws.com:443");
    assert_string_equal(script_server_request(server, 1)->target,
                        "sts.cn-north-1.amazonaws.com.cn:443");
    script_server_free(server);
}

static void a_container_may_vouch_for_a_role(void **state)
{
    credentials_world *world = *state;
    script_server *server = credentials_server();

    credentials_set(&world->env.container_full_uri, "%s/c", script_server_url(server));
    credentials_set(&world->env.endpoint_url_sts, "%s/sts", script_server_url(server));
    credentials_file(world, ".aws/config",
                     "[default]\nrole_arn = arn:1\ncredential_source = EcsContainer\n");
    credentials_answer(server, "/c", JSON_ANSWER("AKC"));
    credentials_answer(server, "/sts", STS_ANSWER("AK1"));
    credentials_expect(world, "assumed role", "AK1", KEY("AK1"), TOKEN("AK1"));
    is_signed_by(script_server_request(server, 1), "AKC", KEY("AKC"), TOKEN("AKC"));
    script_server_free(server);
}

/* ---- Threads ---- */

#define THREADS 8

typedef struct user {
    s3_credentials *credentials;
    char id[16];
    cairn_code code;
    cairn_error err;
} user;

static void get(void *argument)
{
    user *self = argument;
    CAIRN_AUTO(s3_keys) keys = {0};

    self->code = s3_credentials_get(self->credentials, NULL, &keys, &self->err);
    if (self->code == CAIRN_OK) {
        (void)snprintf(self->id, sizeof(self->id), "%s", keys.access_key_id);
    }
}

static void renew(void *argument)
{
    user *self = argument;
    bool is_new = false;

    self->code = s3_credentials_refresh(self->credentials, NULL, "AK2", &is_new, &self->err);
    (void)snprintf(self->id, sizeof(self->id), "%s", is_new ? "new" : "old");
}

static void run_users(void (*work)(void *argument), s3_credentials *credentials, user *users)
{
    for (size_t i = 0; i < THREADS; i++) {
        users[i] = (user){.credentials = credentials};
    }
    threads_run(work, users, sizeof(users[0]), THREADS);
}

static void slow_answer(script_server *server, unsigned status, const char *body)
{
    script_server_expect(
        server,
        &(script_rule){.times = 1, .reply = {.status = status, .body = body, .delay_ms = 100}});
}

static void one_thread_asks_and_the_others_share_what_it_gets(void **state)
{
    credentials_world *world = *state;
    script_server *server = credentials_server();
    user users[THREADS];

    use_web_identity(world, server);
    s3_credentials *credentials = credentials_open(world);
    /* Without keys all wait. */
    slow_answer(server, 200, STS_ANSWER("AK1"));
    run_users(get, credentials, users);
    for (size_t i = 0; i < THREADS; i++) {
        ASSERT_OK(users[i].code, &users[i].err);
        assert_string_equal(users[i].id, "AK1");
    }
    assert_int_equal(script_server_count(server), 1);
    /* With old ones that are valid the others go on. */
    world->now_ms = credentials_time("2026-01-01T00:59:00Z");
    slow_answer(server, 200, STS_ANSWER("AK2"));
    run_users(get, credentials, users);
    for (size_t i = 0; i < THREADS; i++) {
        ASSERT_OK(users[i].code, &users[i].err);
        assert_true(strcmp(users[i].id, "AK1") == 0 || strcmp(users[i].id, "AK2") == 0);
    }
    assert_int_equal(script_server_count(server), 2);
    /* Refused ones are asked for once. */
    slow_answer(server, 200, STS_ANSWER("AK3"));
    run_users(renew, credentials, users);
    for (size_t i = 0; i < THREADS; i++) {
        ASSERT_OK(users[i].code, &users[i].err);
        assert_string_equal(users[i].id, "new");
    }
    assert_int_equal(script_server_count(server), 3);
    s3_credentials_free(credentials);
    script_server_free(server);
}

static void a_failure_reaches_all_who_wait_for_it(void **state)
{
    credentials_world *world = *state;
    script_server *server = credentials_server();
    user users[THREADS];

    use_web_identity(world, server);
    script_server_expect(server, &(script_rule){.reply = {.status = 500, .delay_ms = 500}});
    s3_credentials *credentials = credentials_open(world);
    run_users(get, credentials, users);
    s3_credentials_free(credentials);
    for (size_t i = 0; i < THREADS; i++) {
        ASSERT_CODE(users[i].code, CAIRN_E_UNAVAILABLE, &users[i].err);
        ASSERT_MESSAGE_HAS(&users[i].err, "STS: status 500");
    }
    /* Not one after the other. */
    assert_in_range(script_server_count(server), 1, THREADS - 1);
    script_server_free(server);
}

int main(void)
{
#define IN_WORLD(test) \
    cmocka_unit_test_setup_teardown(test, credentials_world_setup, credentials_world_teardown)
    const struct CMUnitTest tests[] = {
        IN_WORLD(a_role_is_assumed_with_the_keys_of_its_source),
        IN_WORLD(roles_in_a_chain_are_assumed_one_with_the_other),
        IN_WORLD(a_role_may_name_itself_if_it_has_keys),
        IN_WORLD(a_role_of_the_options_is_assumed_with_what_was_found),
        IN_WORLD(a_role_may_come_of_the_environment),
        IN_WORLD(keys_of_a_role_that_do_not_tell_their_end_are_renewed_early),
        IN_WORLD(a_web_identity_is_traded_unsigned_and_its_file_read_anew),
        IN_WORLD(a_web_identity_of_a_profile_may_vouch_for_a_role),
        IN_WORLD(a_token_file_needs_a_role_and_one_token),
        IN_WORLD(a_refusal_of_sts_is_told_without_secrets),
        IN_WORLD(an_endless_answer_is_given_up),
        IN_WORLD(an_endpoint_of_sts_that_is_none_is_refused),
        IN_WORLD(the_endpoint_of_sts_is_the_regions),
        IN_WORLD(a_container_may_vouch_for_a_role),
        IN_WORLD(one_thread_asks_and_the_others_share_what_it_gets),
        IN_WORLD(a_failure_reaches_all_who_wait_for_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
