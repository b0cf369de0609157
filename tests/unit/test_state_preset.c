#include "test.h"

#include "state_preset.h"

static void presets_are_an_engine_and_a_kind_of_place(void **state)
{
    static const struct {
        const char *name;
        cairn_state_backend engine;
        const char *in_folder; /* parts of the message; NULL: fine */
        const char *in_store;
    } cases[] = {
        {"rocksdb", CAIRN_STATE_BACKEND_ROCKSDB, NULL, NULL},
        {"hashmap", CAIRN_STATE_BACKEND_HASHMAP, NULL, NULL},
        {"RocksDBStateBackend", CAIRN_STATE_BACKEND_ROCKSDB, NULL, NULL},
        {"DiskStateBackend", CAIRN_STATE_BACKEND_HASHMAP, NULL,
         "DiskStateBackend keeps its checkpoints in a folder"},
        {"FsStateBackend", CAIRN_STATE_BACKEND_HASHMAP,
         "FsStateBackend keeps its checkpoints in S3 or HDFS", NULL},
    };
    static const struct {
        const char *uri;
        bool folder;
    } places[] = {
        {"/data/ck", true},      {"file:///data/ck", true},
        {"s3://b/ck", false},    {"webhdfs://nn:9870/ck", false},
        {"hdfs://ns/ck", false}, {"swebhdfs://nn/ck", false},
    };

    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        assert_int_equal(state_preset_engine(cases[i].name), cases[i].engine);
        for (size_t j = 0; j < CAIRN_ARRAY_LEN(places); j++) {
            const char *message = places[j].folder ? cases[i].in_folder : cases[i].in_store;
            cairn_error err = {0};
            const cairn_code code = state_preset_check(cases[i].name, places[j].uri, &err);

            ASSERT_CODE(code, message == NULL ? CAIRN_OK : CAIRN_E_INVALID, &err);
            if (message != NULL) {
                ASSERT_MESSAGE_HAS(&err, message);
                ASSERT_MESSAGE_HAS(&err, places[j].uri);
            }
        }
    }
}

static void a_preset_names_the_one_of_the_other_place(void **state)
{
    cairn_error err = {0};

    (void)state;
    ASSERT_CODE(state_preset_check("DiskStateBackend", "s3://b/ck", &err), CAIRN_E_INVALID, &err);
    ASSERT_MESSAGE_HAS(&err, "or choose FsStateBackend");
    ASSERT_CODE(state_preset_check("FsStateBackend", "/ck", &err), CAIRN_E_INVALID, &err);
    ASSERT_MESSAGE_HAS(&err, "or choose DiskStateBackend");
}

static void a_place_of_no_kind_is_refused_as_such(void **state)
{
    cairn_error err = {0};

    (void)state;
    ASSERT_CODE(state_preset_check("rocksdb", "gs://b/ck", &err), CAIRN_E_INVALID, &err);
    ASSERT_MESSAGE_HAS(&err, "there is no store");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presets_are_an_engine_and_a_kind_of_place),
        cmocka_unit_test(a_preset_names_the_one_of_the_other_place),
        cmocka_unit_test(a_place_of_no_kind_is_refused_as_such),
    };

    return cmocka_run_group_tests_name("presets of state backends", tests, NULL, NULL);
}
