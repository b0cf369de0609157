/* What is known of a checkpoint's engine before anything is claimed or downloaded. */
#include "test.h"

#include "engine_pick.h"

#define MEMORY_BYTES ((uint64_t)1 << 20)

typedef struct stored_case {
    const char *engine;
    const char *version;
    uint64_t bytes; /* of its one file */
    cairn_state_backend wanted;
    cairn_code code;
    const char *message;
} stored_case;

static const stored_case cases[] = {
    {"rocksdb", "7.8.3", 10 * MEMORY_BYTES, CAIRN_STATE_BACKEND_ROCKSDB, CAIRN_OK, NULL},
    {"hashmap", "1", MEMORY_BYTES, CAIRN_STATE_BACKEND_HASHMAP, CAIRN_OK, NULL},
    {"hashmap", "1", MEMORY_BYTES + 1, CAIRN_STATE_BACKEND_HASHMAP, CAIRN_E_LIMIT,
     "cairn.hashmap.memory"},
    {"hashmap", "2", 1, CAIRN_STATE_BACKEND_HASHMAP, CAIRN_E_INCOMPATIBLE,
     "files of the hash map of version 2"},
    {"hashmap", "1", 1, CAIRN_STATE_BACKEND_ROCKSDB, CAIRN_E_INCOMPATIBLE,
     "written by engine hashmap, and rocksdb can't read it"},
    {"rocksdb", "7.8.3", 1, CAIRN_STATE_BACKEND_HASHMAP, CAIRN_E_INCOMPATIBLE,
     "written by engine rocksdb, and hashmap can't read it"},
    {"canonical", "1", 10 * MEMORY_BYTES, CAIRN_STATE_BACKEND_ROCKSDB, CAIRN_OK, NULL},
    {"canonical", "1", MEMORY_BYTES, CAIRN_STATE_BACKEND_HASHMAP, CAIRN_OK, NULL},
    {"canonical", "1", MEMORY_BYTES + 1, CAIRN_STATE_BACKEND_HASHMAP, CAIRN_E_LIMIT,
     "cairn.hashmap.memory"},
    {"canonical", "2", 1, CAIRN_STATE_BACKEND_ROCKSDB, CAIRN_E_INCOMPATIBLE,
     "canonical files of version 2"},
    {"forst", "1", 1, CAIRN_STATE_BACKEND_ROCKSDB, CAIRN_E_INCOMPATIBLE, "engine forst"},
};

static void what_an_engine_cannot_read_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        const stored_case *each = &cases[i];
        cairn_backend_options options = CAIRN_BACKEND_OPTIONS_INIT;
        char engine[16];
        char version[16];
        cairn_file_info file = {.size = each->bytes};
        const cairn_manifest manifest = {.id = 42};
        const cairn_subtask_info subtask = {
            .engine = memcpy(engine, each->engine, strlen(each->engine) + 1),
            .engine_version = memcpy(version, each->version, strlen(each->version) + 1),
            .files = &file,
            .file_count = 1};
        cairn_error err = {0};

        options.state_backend = each->wanted;
        options.memory_bytes = MEMORY_BYTES;
        ASSERT_CODE(engine_check_stored(&manifest, &subtask, &options, &err), each->code, &err);
        if (each->message != NULL) {
            ASSERT_MESSAGE_HAS(&err, each->message);
            ASSERT_MESSAGE_HAS(&err, "checkpoint 42");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_engine_cannot_read_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
