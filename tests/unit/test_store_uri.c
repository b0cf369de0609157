#include "test.h"

#include "buf.h"
#include "store_uri.h"

static void a_uri_names_a_kind_of_store_or_is_refused_with_the_forms(void **state)
{
    static const struct {
        const char *uri;
        store_kind kind;
        const char *message; /* NULL: taken */
    } cases[] = {
        {"/data", CAIRN_STORE_KIND_DIR, NULL},
        {"data/x", CAIRN_STORE_KIND_DIR, NULL},
        {"user@host/x:y", CAIRN_STORE_KIND_DIR, NULL},
        {"file:///data", CAIRN_STORE_KIND_DIR, NULL},
        {"file:/data", CAIRN_STORE_KIND_DIR, NULL},
        {"s3://bucket", CAIRN_STORE_KIND_S3, NULL},
        {"s3a://bucket/a/b", CAIRN_STORE_KIND_S3, NULL},
        {"s3n://bucket/", CAIRN_STORE_KIND_S3, NULL},
        {"webhdfs://nn:9870/ckpts", CAIRN_STORE_KIND_HDFS, NULL},
        {"swebhdfs://nn/x", CAIRN_STORE_KIND_HDFS, NULL},
        {"hdfs://nameservice/x@y", CAIRN_STORE_KIND_HDFS, NULL},
        {"S3A://b", 0, "there is no store for S3A://: use s3://bucket/prefix"},
        {"gs://bucket/x", 0, "there is no store for gs://"},
        {"s3:///x", 0, "the host or bucket is missing"},
        {"hdfs:///x", 0, "the host or bucket is missing"},
    };
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        store_kind kind = CAIRN_STORE_KIND_DIR;
        cairn_error err = {0};

        if (cases[i].message == NULL) {
            ASSERT_OK(store_uri_kind(cases[i].uri, "store", &kind, &err), &err);
            assert_int_equal(kind, cases[i].kind);
        } else {
            ASSERT_CODE(store_uri_kind(cases[i].uri, "store", &kind, &err), CAIRN_E_INVALID, &err);
            ASSERT_MESSAGE_HAS(&err, cases[i].message);
        }
    }
}

static void user_info_is_refused_and_never_shown(void **state)
{
    static const char *const cases[] = {"s3://ID:CANARY@bucket/x",      "s3n://CANARY@bucket",
                                        "s3://ID:CAN/CANARY@bucket/x",  "s3://ID:CANARY/CANARY",
                                        "webhdfs://u:CANARY@nn/x",      "webhdfs://nn:CANARY/x",
                                        "s3a://ID:CANARY@CANARY@bucket"};
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO(cairn_buf) shown = {0};
        store_kind kind = CAIRN_STORE_KIND_DIR;
        cairn_error err = {0};

        ASSERT_CODE(store_uri_kind(cases[i], "store", &kind, &err), CAIRN_E_INVALID, &err);
        ASSERT_MESSAGE_HAS(&err, "holds no user and no secret");
        assert_null(strstr(err.message, "CANARY"));
        ASSERT_OK(store_uri_show(cases[i], &shown, &err), &err);
        assert_null(strstr(buf_text(&shown), "CANARY"));
    }
}

static void paths_and_file_uris_name_folders_and_other_kinds_do_not(void **state)
{
    static const struct {
        const char *uri;
        const char *path;
        const char *message;
    } cases[] = {
        {"/data", "/data", NULL},
        {"data/x", "data/x", NULL},
        {"file:///data", "/data", NULL},
        {"file:/data", "/data", NULL},
        {"file:///a%20b", "/a%20b", NULL},
        {"", NULL, "use file:///path or a path"},
        {"file://", NULL, "use file:///path or a path"},
        {"file://host/data", NULL, "use file:///path or a path"},
        {"s3://bucket/x", NULL, "not a folder"},
    };
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        const char *path = NULL;
        cairn_error err = {0};

        if (cases[i].message == NULL) {
            ASSERT_OK(store_uri_path(cases[i].uri, "store", &path, &err), &err);
            assert_string_equal(path, cases[i].path);
        } else {
            ASSERT_CODE(store_uri_path(cases[i].uri, "store", &path, &err), CAIRN_E_INVALID, &err);
            ASSERT_MESSAGE_HAS(&err, cases[i].message);
            assert_null(path);
        }
    }
}

static void one_place_has_one_normal_text(void **state)
{
    static const struct {
        const char *uri;
        const char *normal;
    } cases[] = {
        {"s3://bucket", "s3://bucket"},
        {"s3a://bucket/", "s3://bucket"},
        {"s3n://bucket//a/./b/", "s3://bucket/a/b"},
        {"s3://bucket/a/../b", "s3://bucket/b"},
        {"s3://bucket/../../b", "s3://bucket/b"},
        {"webhdfs://NN.Example:9870/A", "webhdfs://nn.example:9870/A"},
        {"hdfs://ns/a b", "hdfs://ns/a b"},
    };
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO(cairn_buf) normal = {0};
        cairn_error err = {0};

        ASSERT_OK(store_uri_normal(cases[i].uri, &normal, &err), &err);
        assert_string_equal(buf_text(&normal), cases[i].normal);
    }
}

static void an_object_uri_is_a_store_and_a_key(void **state)
{
    static const struct {
        const char *uri;
        const char *store; /* NULL: refused */
        const char *key;
    } cases[] = {
        {"s3://bucket/in.txt", "s3://bucket", "in.txt"},
        {"s3a://bucket/a/b/in@1.txt", "s3a://bucket/a/b", "in@1.txt"},
        {"s3://bucket//in.txt", "s3://bucket", "in.txt"},
        {"webhdfs://nn:9870/in/x", "webhdfs://nn:9870/in", "x"},
        {"s3://bucket", NULL, NULL},
        {"s3://bucket/", NULL, NULL},
        {"s3://bucket/folder/", NULL, NULL},
    };
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        char *store CAIRN_AUTO_FREE = NULL;
        char *key CAIRN_AUTO_FREE = NULL;
        cairn_error err = {0};

        if (cases[i].store == NULL) {
            ASSERT_CODE(store_uri_split(cases[i].uri, &store, &key, &err), CAIRN_E_INVALID, &err);
            ASSERT_MESSAGE_HAS(&err, "names no object");
        } else {
            ASSERT_OK(store_uri_split(cases[i].uri, &store, &key, &err), &err);
            assert_string_equal(store, cases[i].store);
            assert_string_equal(key, cases[i].key);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_uri_names_a_kind_of_store_or_is_refused_with_the_forms),
        cmocka_unit_test(user_info_is_refused_and_never_shown),
        cmocka_unit_test(paths_and_file_uris_name_folders_and_other_kinds_do_not),
        cmocka_unit_test(one_place_has_one_normal_text),
        cmocka_unit_test(an_object_uri_is_a_store_and_a_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
