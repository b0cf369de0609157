#include "test.h"

#include "credentials_world.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ASSERT_TEXT(text, expected)                \
    do {                                           \
        if ((expected) == NULL) {                  \
            assert_null(text);                     \
        } else {                                   \
            assert_non_null(text);                 \
            assert_string_equal((text), expected); \
        }                                          \
    } while (0)

typedef struct settings_case {
    const char *title;
    const char *config;
    const char *credentials;
    const char *profile; /* of the options */
    const char *region;
    const char *endpoint;
    const char *ca;
    bool path_style;
} settings_case;

static const settings_case cases[] = {
    {.title = "no files"},
    {.title = "default of config",
     .config = "[default]\nregion = eu-west-1\n",
     .region = "eu-west-1"},
    {.title = "default of config, the long form",
     .config = "[profile default]\nregion = eu-west-1\n",
     .region = "eu-west-1"},
    {.title = "the long form wins, nothing is taken of the short one",
     .config = "[default]\nregion = a-1\nca_bundle = /x\n[profile default]\nregion = b-1\n",
     .region = "b-1"},
    {.title = "a named one needs the word in config",
     .config = "[a]\nregion = no-1\n[profile a]\nregion = yes-1\n",
     .profile = "a",
     .region = "yes-1"},
    {.title = "the credentials file wins",
     .config = "[profile a]\nregion = of-config\nca_bundle = /ca\n",
     .credentials = "[a]\nregion = of-credentials\n",
     .profile = "a",
     .region = "of-credentials",
     .ca = "/ca"},
    {.title = "a profile of the credentials file alone",
     .credentials = "[a]\nregion = r-1\n",
     .profile = "a",
     .region = "r-1"},
    {.title = "no profile takes from default",
     .config = "[default]\nregion = r-1\n[profile a]\nca_bundle = /ca\n",
     .profile = "a",
     .ca = "/ca"},
    {.title = "path style",
     .config = "[default]\ns3 =\n  addressing_style = Path\n",
     .path_style = true},
    {.title = "virtual style", .config = "[default]\ns3 =\n  addressing_style = virtual\n"},
    {.title = "addressing_style outside of its block",
     .config = "[default]\naddressing_style = path\n"},
    {.title = "endpoint of the profile",
     .config = "[default]\nendpoint_url = http://all\n",
     .endpoint = "http://all"},
    {.title = "endpoint of a service wins",
     .config = "[default]\nendpoint_url = http://all\nservices = m\n"
               "[services m]\nsts =\n  endpoint_url = http://sts\n"
               "s3 =\n  endpoint_url = http://s3:9000\n",
     .endpoint = "http://s3:9000"},
    {.title = "services without s3",
     .config = "[default]\nendpoint_url = http://all\nservices = m\n"
               "[services m]\nsts =\n  endpoint_url = http://sts\n",
     .endpoint = "http://all"},
    {.title = "services that are not there",
     .config = "[default]\nservices = m\n[services n]\ns3 =\n  endpoint_url = http://s3\n"},
    {.title = "endpoints to be ignored",
     .config = "[default]\nendpoint_url = http://all\nignore_configured_endpoint_urls = true\n"},
};

static void settings_come_from_the_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        const settings_case *c = &cases[i];
        CAIRN_AUTO(s3_profile_settings) settings = {0};
        void *own = NULL;
        cairn_error err = {0};

        print_message("%s\n", c->title);
        assert_int_equal(credentials_world_setup(&own), 0);
        credentials_world *world = own;
        if (c->config != NULL) {
            credentials_file(world, ".aws/config", c->config);
        }
        if (c->credentials != NULL) {
            credentials_file(world, ".aws/credentials", c->credentials);
        }
        world->options.profile = c->profile;
        ASSERT_OK(s3_profile_read(&world->options, &world->env, &settings, &err), &err);

        ASSERT_TEXT(settings.region, c->region);
        ASSERT_TEXT(settings.endpoint_url, c->endpoint);
        ASSERT_TEXT(settings.ca_bundle, c->ca);
        assert_int_equal(settings.path_style, c->path_style);
        assert_int_equal(credentials_world_teardown(&own), 0);
    }
}

static void the_environment_names_files_and_profile(void **state)
{
    credentials_world *world = *state;
    CAIRN_AUTO(s3_profile_settings) settings = {0};
    CAIRN_AUTO(s3_profile_settings) of_options = {0};
    char path[TMPDIR_PATH_BYTES];

    credentials_file(world, "my-config", "[profile a]\nregion = a-1\n");
    credentials_file(world, "my-credentials", "[b]\nregion = b-1\n");
    credentials_set(&world->env.config_file, "~/my-config");
    credentials_set(&world->env.credentials_file, "%s",
                    credentials_path(world, "my-credentials", path));
    credentials_set(&world->env.profile, "a");
    ASSERT_OK(s3_profile_read(&world->options, &world->env, &settings, NULL), NULL);
    world->options.profile = "b";
    ASSERT_OK(s3_profile_read(&world->options, &world->env, &of_options, NULL), NULL);

    assert_string_equal(settings.region, "a-1");
    assert_string_equal(of_options.region, "b-1");
}

static void a_named_profile_that_is_in_no_file_is_invalid(void **state)
{
    credentials_world *world = *state;
    CAIRN_AUTO(s3_profile_settings) settings = {0};
    cairn_error err = {0};

    credentials_file(world, ".aws/config", "[default]\nregion = a-1\n[b]\nregion = b-1\n");
    world->options.profile = "b";
    ASSERT_CODE(s3_profile_read(&world->options, &world->env, &settings, &err), CAIRN_E_INVALID,
                &err);
    ASSERT_MESSAGE_HAS(&err, "no profile 'b'");
    ASSERT_MESSAGE_HAS(&err, ".aws/config");
    assert_null(settings.region);
}

static void a_folder_in_the_place_of_a_file_is_named(void **state)
{
    credentials_world *world = *state;
    CAIRN_AUTO(s3_profile_settings) settings = {0};
    cairn_error err = {0};

    credentials_file(world, ".aws/credentials/x", "");
    ASSERT_CODE(s3_profile_read(&world->options, &world->env, &settings, &err), CAIRN_E_ACCESS,
                &err);
    ASSERT_MESSAGE_HAS(&err, ".aws/credentials: not a regular file");
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
    credentials_world *world = *state;
    CAIRN_AUTO(s3_profile_settings) settings = {0};
    cairn_error err = {0};
    char path[TMPDIR_PATH_BYTES];

    /* A link to itself: as unreadable for root as for all others, but nobody forbids it. */
    credentials_file(world, ".aws/config", "");
    (void)credentials_path(world, ".aws/credentials", path);
    assert_int_equal(symlink("credentials", path), 0);
    ASSERT_CODE(s3_profile_read(&world->options, &world->env, &settings, &err), CAIRN_E_IO, &err);
    ASSERT_MESSAGE_HAS(&err, ".aws/credentials");
}

static void links_to_files_are_followed(void **state)
{
    credentials_world *world = *state;
    CAIRN_AUTO(s3_profile_settings) settings = {0};
    char path[TMPDIR_PATH_BYTES];

    credentials_file(world, ".aws/real", "[default]\nregion = a-1\n");
    assert_int_equal(symlink("real", credentials_path(world, ".aws/config", path)), 0);
    ASSERT_OK(s3_profile_read(&world->options, &world->env, &settings, NULL), NULL);
    assert_string_equal(settings.region, "a-1");
}

static void a_file_beyond_the_bound_is_refused(void **state)
{
    credentials_world *world = *state;
    CAIRN_AUTO(s3_profile_settings) settings = {0};
    cairn_error err = {0};
    char path[TMPDIR_PATH_BYTES];

    credentials_file(world, ".aws/config", "[default]\n");
    assert_int_equal(truncate(credentials_path(world, ".aws/config", path), (1 << 20) + 1), 0);
    ASSERT_CODE(s3_profile_read(&world->options, &world->env, &settings, &err), CAIRN_E_LIMIT,
                &err);
}

static void without_a_home_there_are_no_files(void **state)
{
    credentials_world *world = *state;
    CAIRN_AUTO(s3_profile_settings) settings = {0};
    cairn_error err = {0};

    mem_free(CAIRN_TAKE(world->env.home));
    ASSERT_OK(s3_profile_read(&world->options, &world->env, &settings, &err), &err);
    world->options.profile = "a";
    ASSERT_CODE(s3_profile_read(&world->options, &world->env, &settings, &err), CAIRN_E_INVALID,
                &err);
}

static void the_environment_is_read_and_empty_is_not_set(void **state)
{
    CAIRN_AUTO(s3_environment) env = {0};
    CAIRN_AUTO(s3_environment) copy = {0};
    const struct {
        const char *name;
        const char *value;
    } variables[] = {{"AWS_ACCESS_KEY_ID", "AKID"},
                     {"AWS_SECRET_ACCESS_KEY", "k-" CANARY},
                     {"AWS_SESSION_TOKEN", ""},
                     {"AWS_REGION", ""},
                     {"AWS_DEFAULT_REGION", "r-2"},
                     {"AWS_EC2_METADATA_DISABLED", "TRUE"},
                     {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false"},
                     {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "t-" CANARY},
                     {"AWS_CA_BUNDLE", "/ca.pem"}};

    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(variables); i++) {
        assert_int_equal(setenv(variables[i].name, variables[i].value, 1), 0);
    }
    ASSERT_OK(s3_environment_read(&env, NULL), NULL);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(variables); i++) {
        assert_int_equal(unsetenv(variables[i].name), 0);
    }
    ASSERT_OK(s3_environment_copy(&env, &copy, NULL), NULL);

    assert_string_equal(copy.access_key_id, "AKID");
    assert_string_equal(copy.secret_access_key.text, "k-" CANARY);
    assert_null(copy.session_token.text);
    assert_string_equal(copy.region, "r-2");
    assert_string_equal(copy.ca_bundle, "/ca.pem");
    assert_string_equal(copy.container_token.text, "t-" CANARY);
    assert_true(copy.metadata_disabled);
    assert_false(copy.ignore_configured_endpoint_urls);
    assert_null(copy.role_arn);
}

int main(void)
{
#define IN_WORLD(test) \
    cmocka_unit_test_setup_teardown(test, credentials_world_setup, credentials_world_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_come_from_the_files),
        IN_WORLD(the_environment_names_files_and_profile),
        IN_WORLD(a_named_profile_that_is_in_no_file_is_invalid),
        IN_WORLD(a_folder_in_the_place_of_a_file_is_named),
        IN_WORLD(a_file_that_cannot_be_read_is_named),
        IN_WORLD(links_to_files_are_followed),
        IN_WORLD(a_file_beyond_the_bound_is_refused),
        IN_WORLD(without_a_home_there_are_no_files),
        cmocka_unit_test(the_environment_is_read_and_empty_is_not_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
