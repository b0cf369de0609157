#include "test.h"

#include "credentials_world.h"

#include "fsutil.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FIRST_NOW "2026-01-01T00:00:00Z"

static void keep_line(void *context, cairn_log_level level, const char *line)
{
    credentials_world *world = context;
    const size_t used = strlen(world->log);

    (void)level;
    (void)snprintf(world->log + used, sizeof(world->log) - used, "%s\n", line);
    world->log_lines++;
}

uint64_t credentials_time(const char *text)
{
    uint64_t ms = 0;

    assert_true(s3_parse_time(text, &ms));
    return ms;
}

int credentials_world_setup(void **state)
{
    credentials_world *world = calloc(1, sizeof(*world));

    if (world == NULL) {
        return 1;
    }
    world->dir = tmpdir_new();
    world->options = (cairn_s3_options)CAIRN_S3_OPTIONS_INIT;
    world->options.log = (cairn_log){keep_line, world, CAIRN_LOG_DEBUG};
    world->now_ms = credentials_time(FIRST_NOW);
    *state = world;
    if (world->dir != NULL) {
        credentials_set(&world->env.home, "%s", world->dir->path);
    }
    return world->dir == NULL;
}

int credentials_world_teardown(void **state)
{
    credentials_world *world = *state;
    const int failed = strstr(world->log, CANARY) != NULL;

    if (failed) {
        print_error("a secret in the log: %s\n", world->log);
    }
    s3_environment_release(&world->env);
    tmpdir_free(world->dir);
    free(world);
    return failed;
}

const char *credentials_path(const credentials_world *world, const char *name,
                             char path[TMPDIR_PATH_BYTES])
{
    return tmpdir_join(world->dir, name, path);
}

void credentials_file(const credentials_world *world, const char *name, const char *text)
{
    char path[TMPDIR_PATH_BYTES];

    (void)credentials_path(world, name, path);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    ASSERT_OK(fs_make_dirs(path, NULL), NULL);
    *slash = '/';
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(chmod(path, S_IRUSR | S_IWUSR), 0);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

void credentials_set(char **slot, const char *format, ...)
{
    char text[TMPDIR_PATH_BYTES];
    va_list args;

    va_start(args, format);
    const int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    assert_in_range(len, 0, sizeof(text) - 1);
    mem_free(*slot);
    *slot = mem_strdup(text);
    assert_non_null(*slot);
}

void credentials_set_secret(secret *slot, const char *text)
{
    ASSERT_OK(secret_set(slot, cairn_slice_of(text), NULL), NULL);
}

static uint64_t world_now(void *context)
{
    credentials_world *world = context;

    return world->now_ms;
}

s3_credentials *credentials_open(credentials_world *world)
{
    s3_credentials *credentials = NULL;
    cairn_error err = {0};

    ASSERT_OK(s3_credentials_new(&world->options, &world->env, "eu-central-1", &credentials, &err),
              &err);
    s3_credentials_set_clock(credentials, world_now, world);
    return credentials;
}

void credentials_assert_clean(const cairn_error *err)
{
    if (strstr(err->message, CANARY) != NULL) {
        fail_msg("a secret in a message: %s", err->message);
    }
}

cairn_code credentials_get(credentials_world *world, s3_keys *out, cairn_error *err)
{
    s3_credentials *credentials = credentials_open(world);
    const cairn_code code = s3_credentials_get(credentials, NULL, out, err);

    s3_credentials_free(credentials);
    credentials_assert_clean(err);
    return code;
}

void credentials_expect(credentials_world *world, const char *origin, const char *id,
                        const char *key, const char *token)
{
    CAIRN_AUTO(s3_keys) keys = {0};
    cairn_error err = {0};

    ASSERT_OK(credentials_get(world, &keys, &err), &err);
    assert_string_equal(keys.origin, origin);
    assert_string_equal(keys.access_key_id, id);
    assert_string_equal(keys.secret_key.text, key);
    if (token == NULL) {
        assert_null(keys.session_token.text);
    } else {
        assert_non_null(keys.session_token.text);
        assert_string_equal(keys.session_token.text, token);
    }
}

void credentials_expect_failure(credentials_world *world, cairn_code code, const char *says)
{
    CAIRN_AUTO(s3_keys) keys = {0};
    cairn_error err = {0};

    ASSERT_CODE(credentials_get(world, &keys, &err), code, &err);
    ASSERT_MESSAGE_HAS(&err, says);
    assert_null(keys.access_key_id);
}

void credentials_program(const credentials_world *world, const char *script)
{
    char path[TMPDIR_PATH_BYTES];
    char config[TMPDIR_PATH_BYTES + 64];

    credentials_file(world, "bin/my program", script);
    (void)credentials_path(world, "bin/my program", path);
    assert_int_equal(chmod(path, S_IRWXU), 0);
    (void)snprintf(config, sizeof(config),
                   "[default]\ncredential_process = \"%s\" 'a b' " CANARY "\n", path);
    credentials_file(world, ".aws/config", config);
}

script_server *credentials_server(void)
{
    script_server *server = NULL;

    assert_int_equal(script_server_new(NULL, &server), 0);
    return server;
}

void credentials_answer(script_server *server, const char *path, const char *body)
{
    script_server_expect(server, &(script_rule){.path = path, .times = 1, .reply = {.body = body}});
}

void credentials_header_is(const script_request *request, const char *name, const char *value)
{
    char found[512] = "";
    const bool there = script_request_header(request, name, found, sizeof(found));

    assert_int_equal(there, value != NULL);
    if (value != NULL) {
        assert_string_equal(found, value);
    }
}
