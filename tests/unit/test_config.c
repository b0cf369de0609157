#include "test.h"

#include <cairn/config.h>

#include "check.h"
#include "config_options.h"
#include "tmpdir.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

CAIRN_DEFINE_AUTO_PTR(cairn_config, cairn_config_free)

static int setup(void **state)
{
    *state = tmpdir_new();
    return *state == NULL;
}

static int teardown(void **state)
{
    tmpdir_free(*state);
    return 0;
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

typedef struct value_case {
    const char *key;
    const char *value;
    const char *message; /* NULL: taken */
} value_case;

static void assert_values(const value_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        CAIRN_AUTO_PTR(cairn_config_free) cairn_config *config = NULL;
        cairn_error err = {0};

        ASSERT_OK(cairn_config_new(&config, &err), &err);
        if (cases[i].message == NULL) {
            ASSERT_OK(cairn_config_set(config, cases[i].key, cases[i].value, "-D", &err), &err);
            assert_string_equal(cairn_config_get(config, cases[i].key), cases[i].value);
        } else {
            ASSERT_CODE(cairn_config_set(config, cases[i].key, cases[i].value, "-D", &err),
                        CAIRN_E_INVALID, &err);
            ASSERT_MESSAGE_HAS(&err, cases[i].message);
            ASSERT_MESSAGE_HAS(&err, cases[i].key);
            assert_false(cairn_config_is_set(config, cases[i].key));
        }
    }
}

static void values_in_their_forms_are_taken_and_others_refused_by_name(void **state)
{
    static const value_case cases[] = {
        {"execution.checkpointing.interval", "10s", NULL},
        {"execution.checkpointing.interval", "2 min", NULL},
        {"execution.checkpointing.interval", "0", NULL},
        {"execution.checkpointing.interval", "soon", "'soon', should be a duration"},
        {"execution.checkpointing.interval", "-1s", "should be a duration"},
        {"execution.checkpointing.interval", "", "should be a duration"},
        {"execution.checkpointing.timeout", "0", "should be a duration"},
        {"execution.checkpointing.num-retained", "1", NULL},
        {"execution.checkpointing.num-retained", "1000", NULL},
        {"execution.checkpointing.num-retained", "0", "should be an integer"},
        {"execution.checkpointing.num-retained", "1001", "1 to 1000"},
        {"execution.checkpointing.num-retained", "99999999999999999999", "should be an integer"},
        {"execution.checkpointing.incremental", "true", NULL},
        {"execution.checkpointing.incremental", "false", "should be true"},
        {"state.backend.type", "rocksdb", NULL},
        {"state.backend.type", "hashmap", NULL},
        {"state.backend", "hashmap", NULL},
        {"state.backend.type", "filesystem", "'filesystem', should be rocksdb|hashmap"},
        {"cairn.hashmap.memory", "16tb", NULL},
        {"cairn.hashmap.memory", "7mb", "8 mb to 16 tb"},
        {"state.backend.rocksdb.memory.fixed-per-slot", "8mb", NULL},
        {"state.backend.rocksdb.memory.fixed-per-slot", "1gb", NULL},
        {"state.backend.rocksdb.memory.fixed-per-slot", "7mb", "8 mb to 16 tb"},
        {"state.backend.rocksdb.memory.fixed-per-slot", "much", "should be a size"},
        {"pipeline.max-parallelism", "32768", NULL},
        {"pipeline.max-parallelism", "32769", "1 to 32768"},
        {"pipeline.max-parallelism", "0", "1 to 32768"},
        {"pipeline.name", "a.b-c_1", NULL},
        {"pipeline.name", "a/b", "should be a name"},
        {"pipeline.name", "..", "should be a name"},
        {"execution.checkpointing.dir", "", "not empty"},
        {"cairn.log.level", "debug", NULL},
        {"cairn.log.level", "loud", "error|warn|info|debug"},
        {"cairn.log.level", "debu", "error|warn|info|debug"},
        {"cairn.restore", "latest", NULL},
        {"cairn.restore", "latest-good", NULL},
        {"cairn.restore", "17", NULL},
        {"cairn.restore", "0", "latest|latest-good|none|N"},
        {"cairn.restore", "N", "latest|latest-good|none|N"},
        {"cairn.restore", "newest\n", "'newest\\x0a'"},
    };
    (void)state;

    assert_values(cases, CAIRN_ARRAY_LEN(cases));
}

static void values_of_stores_are_taken_in_their_forms_and_others_refused(void **state)
{
    static const value_case cases[] = {
        {"cairn.store.create-check", "single", NULL},
        {"cairn.store.create-check", "never", "probe|trust|single"},
        {"cairn.hdfs.auth", "kerberos", NULL},
        {"cairn.hdfs.auth", "password", "simple|kerberos|token"},
        {"cairn.hdfs.replication", "512", NULL},
        {"cairn.hdfs.replication", "0", "1 to 512"},
        {"s3.allow-http", "true", NULL},
        {"s3.allow-http", "false", NULL},
        {"s3.allow-http", "yes", "'yes', should be true or false"},
        {"s3.allow-http", "", "should be true or false"},
        {"s3.encryption", "aws:kms:dsse", NULL},
        {"s3.encryption", "AES128", "AES256|aws:kms|aws:kms:dsse"},
        {"s3.multipart-threshold", "5mb", NULL},
        {"s3.multipart-threshold", "5gb", NULL},
        {"s3.multipart-threshold", "4mb", "5 mb to 5 gb"},
        {"s3.multipart-threshold", "6gb", "5 mb to 5 gb"},
        {"s3.upload.max.concurrent.uploads", "65", "1 to 64"},
    };
    (void)state;

    assert_values(cases, CAIRN_ARRAY_LEN(cases));
}

static void an_unknown_key_names_the_nearest_or_its_new_spelling(void **state)
{
    static const struct {
        const char *key;
        const char *message;
    } cases[] = {
        {"execution.checkpointing.intervall", "'execution.checkpointing.interval'"},
        {"execution.checkpointing.num-retain", "'execution.checkpointing.num-retained'"},
        {"pipeline.nmae", "'pipeline.name'"},
        {"cairn.log.levels", "'cairn.log.level'"},
        {"s3.secretkey", "'s3.secret-key'"},
        {"s3.endpont", "'s3.endpoint'"},
        {"bad\tkey", "bad\\x09key"},
        {"state.checkpoints.dir", "now spelled 'execution.checkpointing.dir'"},
        {"state.checkpoints.num-retained", "now spelled 'execution.checkpointing.num-retained'"},
        {"state.backend.incremental", "now spelled 'execution.checkpointing.incremental'"},
        {"state.savepoints.dir", "which this version does not have"},
        {"state.backend.local-recovery", "'execution.state-recovery.from-local', which"},
        {"execution.savepoint.path", "'execution.state-recovery.path', which"},
        {"execution.savepoint-restore-mode", "'execution.state-recovery.claim-mode', which"},
    };
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO_PTR(cairn_config_free) cairn_config *config = NULL;
        cairn_error err = {0};

        ASSERT_OK(cairn_config_new(&config, &err), &err);
        ASSERT_CODE(cairn_config_set(config, cases[i].key, "1", "-D", &err), CAIRN_E_INVALID, &err);
        ASSERT_MESSAGE_HAS(&err, cases[i].message);
    }
}

static void every_default_passes_its_own_check_and_the_table_is_sorted(void **state)
{
    const char *before = "";
    size_t count = 0;
    (void)state;

    for (const cairn_option_info *info = NULL; (info = cairn_config_option(count)) != NULL;
         count++) {
        CAIRN_AUTO_PTR(cairn_config_free) cairn_config *config = NULL;
        cairn_error err = {0};

        ASSERT_OK(cairn_config_new(&config, &err), &err);
        assert_true(strcmp(before, info->key) < 0);
        before = info->key;
        assert_false(cairn_config_is_set(config, info->key));
        if (strcmp(info->type, "secret") == 0) {
            assert_null(info->default_value);
            assert_null(cairn_config_secret(config, info->key));
        } else if (info->default_value != NULL) {
            ASSERT_OK(cairn_config_set(config, info->key, info->default_value, "here", &err), &err);
        } else {
            assert_null(cairn_config_get(config, info->key));
        }
    }

    assert_int_equal(count, CONFIG_OPTIONS_COUNT);
}

static void numbers_come_in_milliseconds_bytes_and_counts(void **state)
{
    CAIRN_AUTO_PTR(cairn_config_free) cairn_config *config = NULL;
    cairn_error err = {0};
    (void)state;

    ASSERT_OK(cairn_config_new(&config, &err), &err);
    ASSERT_OK(cairn_config_set(config, "cairn.stop-timeout", "2 min", "-D", &err), &err);
    ASSERT_OK(cairn_config_set(config, "pipeline.max-parallelism", "256", "-D", &err), &err);

    assert_int_equal(cairn_config_duration_ms(config, "cairn.stop-timeout"), 120000);
    assert_int_equal(cairn_config_duration_ms(config, "execution.checkpointing.interval"), 10000);
    assert_int_equal(
        cairn_config_memory_bytes(config, "state.backend.rocksdb.memory.fixed-per-slot"),
        256 << 20);
    assert_int_equal(cairn_config_u64(config, "pipeline.max-parallelism"), 256);
    assert_int_equal(cairn_config_u64(config, "cairn.checkpointing.every-records"), 0);
}

static void a_file_sets_options_and_later_settings_override_it(void **state)
{
    CAIRN_AUTO_PTR(cairn_config_free) cairn_config *config = NULL;
    cairn_error err = {0};
    char path[TMPDIR_PATH_BYTES];

    write_text(tmpdir_join(*state, "config.yaml", path), "# a comment\n"
                                                         "execution:\n"
                                                         "  checkpointing:\n"
                                                         "    interval: 5s\n"
                                                         "    num-retained: 3\n"
                                                         "pipeline.name: totals\n");
    ASSERT_OK(cairn_config_new(&config, &err), &err);
    ASSERT_OK(cairn_config_load(config, path, &err), &err);
    ASSERT_OK(cairn_config_set(config, "pipeline.name", "other", "-D", &err), &err);

    assert_string_equal(cairn_config_get(config, "execution.checkpointing.interval"), "5s");
    assert_int_equal(cairn_config_u64(config, "execution.checkpointing.num-retained"), 3);
    assert_string_equal(cairn_config_get(config, "pipeline.name"), "other");
}

static void a_refused_file_names_its_line_and_sets_nothing(void **state)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"pipeline.name: good\npipeline.nam: x\n", "config.yaml:2: unknown option 'pipeline.nam'"},
        {"pipeline:\n  name: good\ncairn.log.level: loud\n", "config.yaml:3: cairn.log.level"},
        {"pipeline.name: a\npipeline.name: b\n", "config.yaml"},
        {"pipeline.name: [a, b]\n", "config.yaml"},
        {"pipeline: {name: 'a\n", "config.yaml"},
    };
    char path[TMPDIR_PATH_BYTES];

    (void)tmpdir_join(*state, "config.yaml", path);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO_PTR(cairn_config_free) cairn_config *config = NULL;
        cairn_error err = {0};

        write_text(path, cases[i].text);
        ASSERT_OK(cairn_config_new(&config, &err), &err);
        ASSERT_CODE(cairn_config_load(config, path, &err), CAIRN_E_INVALID, &err);
        ASSERT_MESSAGE_HAS(&err, cases[i].message);
        assert_false(cairn_config_is_set(config, "pipeline.name"));
    }
}

static void spellings_of_hadoop_set_the_same_options(void **state)
{
    CAIRN_AUTO_PTR(cairn_config_free) cairn_config *config = NULL;
    cairn_error err = {0};
    (void)state;

    ASSERT_OK(cairn_config_new(&config, &err), &err);
    assert_false(cairn_config_bool(config, "s3.path.style.access"));
    ASSERT_OK(cairn_config_set(config, "s3.endpoint.region", "eu-west-1", "-D", &err), &err);
    ASSERT_OK(cairn_config_set(config, "s3.path-style-access", "true", "-D", &err), &err);

    assert_string_equal(cairn_config_get(config, "s3.region"), "eu-west-1");
    assert_true(cairn_config_bool(config, "s3.path.style.access"));
    assert_false(cairn_config_bool(config, "s3.allow-http"));
    assert_true(cairn_config_bool(config, "cairn.hdfs.checksum"));
}

static const char *const secrets[] = {"s3.access-key", "s3.secret-key", "s3.session-token",
                                      "s3.access.key", "s3.secret.key", "s3.session.token"};

static void a_secret_is_refused_from_anywhere_but_a_file_and_not_shown(void **state)
{
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(secrets); i++) {
        CAIRN_AUTO_PTR(cairn_config_free) cairn_config *config = NULL;
        cairn_error err = {0};

        ASSERT_OK(cairn_config_new(&config, &err), &err);
        ASSERT_CODE(cairn_config_set(config, secrets[i], "CANARY", "-D", &err), CAIRN_E_INVALID,
                    &err);
        ASSERT_MESSAGE_HAS(&err, "--conf (mode 0600)");
        assert_null(strstr(err.message, "CANARY"));
        assert_false(cairn_config_is_set(config, secrets[i]));
    }
}

static void a_secret_is_taken_from_a_file_that_is_private(void **state)
{
    static const struct {
        mode_t mode;
        bool link;
        const char *message; /* NULL: taken */
    } cases[] = {
        {0600, false, NULL},
        {0400, false, NULL},
        {0600, true, "it is a symbolic link"},
        {0644, false, "chmod 600"},
        {0660, false, "chmod 600"},
    };
    char path[TMPDIR_PATH_BYTES];
    char link[TMPDIR_PATH_BYTES];

    write_text(tmpdir_join(*state, "config.yaml", path), "pipeline.name: totals\n"
                                                         "s3.secret-key: CANARY\n");
    assert_int_equal(symlink(path, tmpdir_join(*state, "link.yaml", link)), 0);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO_PTR(cairn_config_free) cairn_config *config = NULL;
        const char *from = cases[i].link ? link : path;
        cairn_error err = {0};

        assert_int_equal(chmod(path, cases[i].mode), 0);
        ASSERT_OK(cairn_config_new(&config, &err), &err);
        if (cases[i].message == NULL) {
            ASSERT_OK(cairn_config_load(config, from, &err), &err);
            assert_string_equal(cairn_config_secret(config, "s3.secret-key"), "CANARY");
        } else {
            ASSERT_CODE(cairn_config_load(config, from, &err), CAIRN_E_ACCESS, &err);
            ASSERT_MESSAGE_HAS(&err, ".yaml:2: s3.secret-key is a secret");
            ASSERT_MESSAGE_HAS(&err, cases[i].message);
            assert_null(strstr(err.message, "CANARY"));
            assert_false(cairn_config_is_set(config, "pipeline.name"));
        }
    }
}

static void a_file_without_secrets_may_be_a_link_that_all_can_read(void **state)
{
    CAIRN_AUTO_PTR(cairn_config_free) cairn_config *config = NULL;
    cairn_error err = {0};
    char path[TMPDIR_PATH_BYTES];
    char link[TMPDIR_PATH_BYTES];

    write_text(tmpdir_join(*state, "config.yaml", path), "pipeline.name: totals\n");
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(symlink(path, tmpdir_join(*state, "link.yaml", link)), 0);
    ASSERT_OK(cairn_config_new(&config, &err), &err);
    ASSERT_OK(cairn_config_load(config, link, &err), &err);

    assert_string_equal(cairn_config_get(config, "pipeline.name"), "totals");
}

static void a_missing_file_is_not_found(void **state)
{
    CAIRN_AUTO_PTR(cairn_config_free) cairn_config *config = NULL;
    cairn_error err = {0};
    char path[TMPDIR_PATH_BYTES];

    ASSERT_OK(cairn_config_new(&config, &err), &err);
    ASSERT_CODE(cairn_config_load(config, tmpdir_join(*state, "absent.yaml", path), &err),
                CAIRN_E_NOT_FOUND, &err);
    ASSERT_MESSAGE_HAS(&err, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_in_their_forms_are_taken_and_others_refused_by_name),
        cmocka_unit_test(values_of_stores_are_taken_in_their_forms_and_others_refused),
        cmocka_unit_test(an_unknown_key_names_the_nearest_or_its_new_spelling),
        cmocka_unit_test(every_default_passes_its_own_check_and_the_table_is_sorted),
        cmocka_unit_test(numbers_come_in_milliseconds_bytes_and_counts),
        cmocka_unit_test_setup_teardown(a_file_sets_options_and_later_settings_override_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_refused_file_names_its_line_and_sets_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_missing_file_is_not_found, setup, teardown),
        cmocka_unit_test(spellings_of_hadoop_set_the_same_options),
        cmocka_unit_test(a_secret_is_refused_from_anywhere_but_a_file_and_not_shown),
        cmocka_unit_test_setup_teardown(a_secret_is_taken_from_a_file_that_is_private, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_file_without_secrets_may_be_a_link_that_all_can_read,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
