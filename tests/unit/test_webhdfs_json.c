/* The JSON of WebHDFS: what is read, and what is refused. */
#include "test.h"

#include "check.h"
#include "webhdfs_json.h"

#include <stdio.h>

static void a_status_is_read(void **state)
{
    webhdfs_status file;
    webhdfs_status folder;
    (void)state;

    ASSERT_OK(webhdfs_json_status(
                  cairn_slice_of("{\"FileStatus\":{\"type\":\"FILE\",\"length\":9007199254740991,"
                                 "\"modificationTime\":1700000000123,\"blockSize\":512,"
                                 "\"replication\":3,\"fileId\":16390,\"more\":{\"a\":[null]}}}"),
                  &file, NULL),
              NULL);
    ASSERT_OK(webhdfs_json_status(cairn_slice_of("{\"FileStatus\":{\"type\":\"DIRECTORY\","
                                                 "\"length\":0,\"modificationTime\":0}}"),
                                  &folder, NULL),
              NULL);

    assert_true(file.is_file && !file.is_folder);
    assert_int_equal(file.length, ((uint64_t)1 << 53) - 1);
    assert_int_equal(file.modified_ms, 1700000000123);
    assert_int_equal(file.file_id, 16390);
    assert_int_equal(file.replication, 3);
    assert_true(folder.is_folder && !folder.is_file);
    assert_int_equal(folder.file_id, 0);
}

static void what_is_no_status_is_refused_and_changes_nothing(void **state)
{
    static const char *const bodies[] = {
        "",
        "<html></html>",
        "null",
        "[]",
        "{}",
        "{\"FileStatus\":null}",
        "{\"FileStatus\":[]}",
        "{\"FileStatus\":{}}",
        "{\"FileStatus\":{\"type\":\"FILE\",\"length\":-1,\"modificationTime\":0}}",
        "{\"FileStatus\":{\"type\":\"FILE\",\"length\":1.5,\"modificationTime\":0}}",
        "{\"FileStatus\":{\"type\":\"FILE\",\"length\":\"1\",\"modificationTime\":0}}",
        "{\"FileStatus\":{\"type\":7,\"length\":1,\"modificationTime\":0}}",
        "{\"FileStatus\":{\"type\":\"FILE\",\"length\":1,\"modificationTime\":0}} x",
        "{\"FileStatus\":{\"type\":\"FILE\",\"length\":1,\"length\":2,\"modificationTime\":0}}",
        "{\"FileStatus\":{\"type\":\"FILE\",\"length\":1,",
    };
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(bodies); i++) {
        webhdfs_status status = {.length = 7};
        ASSERT_CODE(webhdfs_json_status(cairn_slice_of(bodies[i]), &status, NULL),
                    CAIRN_E_INTEGRITY, NULL);
        assert_int_equal(status.length, 7);
    }
}

static void a_token_may_be_null(void **state)
{
    CAIRN_AUTO(secret) none = {.text = NULL};
    CAIRN_AUTO(secret) token = {.text = NULL};
    (void)state;

    ASSERT_OK(webhdfs_json_token(cairn_slice_of("{\"Token\":null}"), &none, NULL), NULL);
    ASSERT_OK(
        webhdfs_json_token(cairn_slice_of("{\"Token\":{\"urlString\":\"HgAF\"}}"), &token, NULL),
        NULL);

    assert_false(secret_is_set(&none));
    assert_string_equal(token.text, "HgAF");
    ASSERT_CODE(webhdfs_json_token(cairn_slice_of("{\"Token\":{}}"), &none, NULL),
                CAIRN_E_INTEGRITY, NULL);
}

static void the_fewest_replicas_of_all_blocks_count(void **state)
{
    webhdfs_replicas replicas;
    webhdfs_summary summary;
    (void)state;

    ASSERT_OK(
        webhdfs_json_blocks(
            cairn_slice_of("{\"BlockLocations\":{\"BlockLocation\":[{\"hosts\":[\"a\",\"b\"]},"
                           "{\"hosts\":[\"a\"]},{\"hosts\":[\"a\",\"b\",\"c\"]}]}}"),
            &replicas, NULL),
        NULL);
    ASSERT_OK(webhdfs_json_summary(
                  cairn_slice_of("{\"ContentSummary\":{\"directoryCount\":2,\"fileCount\":3,"
                                 "\"quota\":-1,\"spaceConsumed\":10,\"spaceQuota\":20}}"),
                  &summary, NULL),
              NULL);

    assert_int_equal(replicas.blocks, 3);
    assert_int_equal(replicas.fewest, 1);
    assert_int_equal(summary.names, 5);
    assert_int_equal(summary.names_quota, -1);
    assert_int_equal(summary.space_quota, 20);
}

static void checksums_with_wrong_lengths_are_refused(void **state)
{
    static const char *const bodies[] = {
        "{\"FileChecksum\":{\"algorithm\":\"A\",\"bytes\":\"00\",\"length\":2}}",
        "{\"FileChecksum\":{\"algorithm\":\"A\",\"bytes\":\"0g\",\"length\":1}}",
        "{\"FileChecksum\":{\"algorithm\":\"A\",\"bytes\":\"000\",\"length\":1}}",
        "{\"FileChecksum\":{\"algorithm\":null,\"bytes\":\"00\",\"length\":1}}",
        "{\"FileChecksum\":null}",
    };
    char long_one[400];
    webhdfs_checksum checksum;
    (void)state;
    (void)snprintf(long_one, sizeof(long_one),
                   "{\"FileChecksum\":{\"algorithm\":\"A\",\"bytes\":\"%0200d\",\"length\":100}}",
                   0);

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(bodies); i++) {
        ASSERT_CODE(webhdfs_json_checksum(cairn_slice_of(bodies[i]), &checksum, NULL),
                    CAIRN_E_INTEGRITY, NULL);
    }
    ASSERT_CODE(webhdfs_json_checksum(cairn_slice_of(long_one), &checksum, NULL), CAIRN_E_INTEGRITY,
                NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_status_is_read),
        cmocka_unit_test(what_is_no_status_is_refused_and_changes_nothing),
        cmocka_unit_test(a_token_may_be_null),
        cmocka_unit_test(the_fewest_replicas_of_all_blocks_count),
        cmocka_unit_test(checksums_with_wrong_lengths_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
