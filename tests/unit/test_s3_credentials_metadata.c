/* Credentials of services beside the process: container endpoint and instance metadata, scripted.
 */
#include "test.h"

#include "credentials_world.h"

typedef struct refusal_case {
    unsigned status;
    const char *body;
    cairn_code code;
    const char *says;
} refusal_case;

/* ---- Container ---- */

static void a_container_gives_keys_and_its_token_file_is_read_anew(void **state)
{
    credentials_world *world = *state;
    script_server *server = credentials_server();
    char path[TMPDIR_PATH_BYTES];
    bool is_new = false;
    CAIRN_AUTO(s3_keys) keys = {0};

    credentials_set(&world->env.container_full_uri, "%s/v1/c?x=y", script_server_url(server));
    credentials_set(&world->env.container_token_file, "%s", credentials_path(world, "token", path));
    credentials_set_secret(&world->env.container_token, "not this one");
    /* Nobody listens there: these questions go through no proxy. */
    world->options.proxy = "http://127.0.0.1:1";
    credentials_file(world, "token", "Bearer one-" CANARY "\n");
    credentials_answer(server, "/v1/c", JSON_ANSWER("AK1"));
    credentials_answer(server, "/v1/c", JSON_ANSWER("AK2"));
    s3_credentials *credentials = credentials_open(world);
    ASSERT_OK(s3_credentials_get(credentials, NULL, &keys, NULL), NULL);
    credentials_file(world, "token", "Bearer two-" CANARY);
    ASSERT_OK(s3_credentials_refresh(credentials, NULL, "AK1", &is_new, NULL), NULL);
    s3_credentials_free(credentials);

    assert_string_equal(keys.origin, "container");
    assert_string_equal(keys.secret_key.text, KEY("AK1"));
    assert_string_equal(keys.session_token.text, TOKEN("AK1"));
    assert_int_equal(keys.expires_ms, credentials_time("2026-01-01T01:00:00Z"));
    assert_string_equal(script_server_request(server, 0)->method, "GET");
    assert_string_equal(script_server_request(server, 0)->target, "/v1/c?x=y");
    credentials_header_is(script_server_request(server, 0), "authorization", "Bearer one-" CANARY);
    credentials_header_is(script_server_request(server, 1), "authorization", "Bearer two-" CANARY);
    script_server_free(server);
}

static void a_container_without_a_token_is_asked_without_one(void **state)
{
    credentials_world *world = *state;
    script_server *server = credentials_server();

    credentials_set(&world->env.container_full_uri, "http://localhost:%u/c",
                    script_server_port(server));
    credentials_answer(server, "/c", JSON_ANSWER("AK1"));
    credentials_expect(world, "container", "AK1", KEY("AK1"), TOKEN("AK1"));
    credentials_header_is(script_server_request(server, 0), "authorization", NULL);
    credentials_set_secret(&world->env.container_token, "t-" CANARY);
    credentials_answer(server, "/c", JSON_ANSWER("AK1"));
    credentials_expect(world, "container", "AK1", KEY("AK1"), TOKEN("AK1"));
    credentials_header_is(script_server_request(server, 1), "authorization", "t-" CANARY);
    script_server_free(server);
}

static void hosts_that_no_container_has_are_refused(void **state)
{
    static const char *const uris[] = {"http://example.com/c",
                                       "http://169.254.170.3/",
                                       "http://169.254.169.254/",
                                       "http://127.0.0.1.evil.a/",
                                       "http://127.0.0.1@evil/",
                                       "http://localhost:80@evil/",
                                       "http://[fd00:ec2::24]/",
                                       "http://[::2]/",
                                       "http://localhost.evil/",
                                       "http://1270.0.0.1/",
                                       "ftp://127.0.0.1/",
                                       "/c",
                                       "http://",
                                       "https://",
                                       "http://169.254.170.2.evil"};
    credentials_world *world = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(uris); i++) {
        print_message("%s\n", uris[i]);
        credentials_set(&world->env.container_full_uri, "%s", uris[i]);
        credentials_expect_failure(world, CAIRN_E_INVALID, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    }
    credentials_set(&world->env.container_relative_uri, "%s", "evil.example/c");
    credentials_expect_failure(world, CAIRN_E_INVALID, "RELATIVE_URI must begin with '/'");
}

static const refusal_case container_refusals[] = {
    {403, "{\"message\": \"t-" CANARY "\"}", CAIRN_E_ACCESS, "it gives no credentials: status 403"},
    {500, "", CAIRN_E_UNAVAILABLE, "status 500"},
    {429, "", CAIRN_E_UNAVAILABLE, "status 429"},
    {302, "", CAIRN_E_ACCESS, "status 302"},
    {200, "", CAIRN_E_ACCESS, "the answer is not JSON"},
    {200, "{\"SecretAccessKey\": \"" CANARY "\", ", CAIRN_E_ACCESS, "the answer is not JSON"},
    {200, "{\"Code\": \"NoRole\\n\", \"Message\": \"" CANARY "\"}", CAIRN_E_ACCESS,
     "container credentials endpoint: it answers NoRole\\x0a instead"},
    {200, "{\"AccessKeyId\": 1, \"SecretAccessKey\": \"" CANARY "\"}", CAIRN_E_ACCESS,
     "no AccessKeyId and SecretAccessKey"},
};

static void a_refusal_of_a_container_is_told_without_secrets(void **state)
{
    credentials_world *world = *state;
    script_server *server = credentials_server();

    credentials_set(&world->env.container_full_uri, "%s/c", script_server_url(server));
    credentials_set_secret(&world->env.container_token, "t-" CANARY);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(container_refusals); i++) {
        const refusal_case *c = &container_refusals[i];

        print_message("%u %s\n", c->status, c->body);
        script_server_expect(
            server, &(script_rule){.times = 1, .reply = {.status = c->status, .body = c->body}});
        credentials_expect_failure(world, c->code, c->says);
    }
    credentials_set_secret(&world->env.container_token, "t-" CANARY "\r\nX-Evil: 1");
    credentials_expect_failure(world, CAIRN_E_INVALID, "no header may hold");
    script_server_free(server);
}

/* ---- Instance ---- */

#define ROLES "/latest/meta-data/iam/security-credentials/"

static void use_instance(credentials_world *world, const script_server *server)
{
    credentials_set(&world->env.metadata_endpoint, "%s/", script_server_url(server));
    world->options.allow_instance = true;
}

static void script_instance(script_server *server)
{
    script_server_expect(server, &(script_rule){.method = "PUT",
                                                .path = "/latest/api/token",
                                                .reply = {.body = "session-" CANARY}});
    script_server_expect(server, &(script_rule){.method = "GET",
                                                .path = ROLES "my.role",
                                                .reply = {.body = JSON_ANSWER("AKI")}});
    script_server_expect(
        server,
        &(script_rule){.method = "GET", .path = ROLES, .reply = {.body = "my.role\nother\n"}});
}

static void an_instance_gives_keys_by_its_session_protocol(void **state)
{
    credentials_world *world = *state;
    script_server *server = credentials_server();

    use_instance(world, server);
    world->options.proxy = "http://127.0.0.1:1";
    script_instance(server);
    credentials_expect(world, "instance metadata", "AKI", KEY("AKI"), TOKEN("AKI"));

    assert_int_equal(script_server_count(server), 3);
    credentials_header_is(script_server_request(server, 0), "x-aws-ec2-metadata-token-ttl-seconds",
                          "21600");
    credentials_header_is(script_server_request(server, 0), "content-length", "0");
    credentials_header_is(script_server_request(server, 1), "x-aws-ec2-metadata-token",
                          "session-" CANARY);
    credentials_header_is(script_server_request(server, 2), "x-aws-ec2-metadata-token",
                          "session-" CANARY);
    credentials_header_is(script_server_request(server, 2), "x-aws-ec2-metadata-token-ttl-seconds",
                          NULL);
    script_server_free(server);
}

static void an_instance_is_not_asked_unless_that_is_allowed(void **state)
{
    credentials_world *world = *state;
    script_server *server = credentials_server();

    use_instance(world, server);
    script_instance(server);
    world->options.allow_instance = false;
    credentials_expect_failure(world, CAIRN_E_ACCESS, "instance metadata not asked");
    world->options.allow_instance = true;
    world->env.metadata_disabled = true;
    credentials_expect_failure(world, CAIRN_E_ACCESS, "switched off");
    assert_int_equal(script_server_count(server), 0);
    script_server_free(server);
}

typedef struct instance_case {
    const char *path;
    unsigned status;
    const char *body;
    cairn_code code;
    const char *says;
} instance_case;

static const instance_case instance_refusals[] = {
    {"/latest/api/token", 403, "", CAIRN_E_ACCESS,
     "it gives no session token (IMDSv2): status 403"},
    {"/latest/api/token", 503, "", CAIRN_E_UNAVAILABLE, "status 503"},
    {"/latest/api/token", 200, "", CAIRN_E_ACCESS, "its session token is none"},
    {"/latest/api/token", 200, "a\r\nX-Evil: " CANARY, CAIRN_E_ACCESS, "its session token is none"},
    {ROLES, 404, "", CAIRN_E_ACCESS, "the instance has no role"},
    {ROLES, 200, "", CAIRN_E_ACCESS, "what it names is no role"},
    {ROLES, 200, "../../" CANARY, CAIRN_E_ACCESS, "what it names is no role"},
    {ROLES, 401, CANARY, CAIRN_E_ACCESS, "it does not name a role: status 401"},
    {ROLES "my.role", 404, CANARY, CAIRN_E_ACCESS, "it gives no credentials: status 404"},
    {ROLES "my.role", 200, "{\"Code\": \"AssumeRoleUnauthorizedAccess\"}", CAIRN_E_ACCESS,
     "it answers AssumeRoleUnauthorizedAccess instead"},
    {ROLES "my.role", 200, CANARY, CAIRN_E_ACCESS, "the answer is not JSON"},
};

static void a_refusal_of_an_instance_is_told_without_secrets(void **state)
{
    credentials_world *world = *state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(instance_refusals); i++) {
        const instance_case *c = &instance_refusals[i];
        script_server *server = credentials_server();

        print_message("%s %u %s\n", c->path, c->status, c->body);
        use_instance(world, server);
        script_server_expect(server,
                             &(script_rule){.path = c->path,
                                            .times = 1,
                                            .reply = {.status = c->status, .body = c->body}});
        script_instance(server);
        credentials_expect_failure(world, c->code, c->says);
        script_server_free(server);
    }
}

static void a_silent_instance_is_unavailable_and_not_waited_for(void **state)
{
    credentials_world *world = *state;
    script_server *server = credentials_server();

    use_instance(world, server);
    script_server_expect(server, &(script_rule){.act = SCRIPT_STALL});
    credentials_expect_failure(world, CAIRN_E_UNAVAILABLE, "no answer within 1000 ms");
    script_server_free(server);
}

int main(void)
{
#define IN_WORLD(test) \
    cmocka_unit_test_setup_teardown(test, credentials_world_setup, credentials_world_teardown)
    const struct CMUnitTest tests[] = {
        IN_WORLD(a_container_gives_keys_and_its_token_file_is_read_anew),
        IN_WORLD(a_container_without_a_token_is_asked_without_one),
        IN_WORLD(hosts_that_no_container_has_are_refused),
        IN_WORLD(a_refusal_of_a_container_is_told_without_secrets),
        IN_WORLD(an_instance_gives_keys_by_its_session_protocol),
        IN_WORLD(an_instance_is_not_asked_unless_that_is_allowed),
        IN_WORLD(a_refusal_of_an_instance_is_told_without_secrets),
        IN_WORLD(a_silent_instance_is_unavailable_and_not_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
