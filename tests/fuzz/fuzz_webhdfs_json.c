/*
 * The readers of WebHDFS's JSON: any body is read or refused, never with another code than those
 * that their header names; what is read keeps its bounds. The failure reader takes any body at all.
 */
#include "bounds.h"
#include "fuzz.h"
#include "hdfs_checksum.h"
#include "webhdfs_error.h"
#include "webhdfs_json.h"

#include <string.h>

static cairn_code see_entry(void *context, const char *name, const webhdfs_status *status,
                            cairn_error *err)
{
    size_t *entries = context;

    (void)err;
    CAIRN_ASSERT(name != NULL && !(status->is_file && status->is_folder));
    ++*entries;
    return CAIRN_OK;
}

static void expect_code(cairn_code code)
{
    CAIRN_ASSERT(code == CAIRN_OK || code == CAIRN_E_INTEGRITY || code == CAIRN_E_LIMIT);
}

static void read_failure(cairn_slice body)
{
    static const unsigned statuses[] = {400, 401, 403, 404, 500, 599};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(statuses); i++) {
        webhdfs_failure failure;
        webhdfs_error_read(CAIRN_WEBHDFS_UPLOAD, statuses[i], body, &failure);
        CAIRN_ASSERT(failure.code != CAIRN_OK);
        CAIRN_ASSERT(strpbrk(failure.text, "\r\n\t") == NULL);
        CAIRN_ASSERT(strlen(failure.text) < sizeof(failure.text));
    }
}

static void read_secrets(cairn_slice body)
{
    CAIRN_AUTO(secret) location = {.text = NULL};
    CAIRN_AUTO(secret) token = {.text = NULL};

    expect_code(webhdfs_json_location(body, &location, NULL));
    expect_code(webhdfs_json_token(body, &token, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const cairn_slice body = {data, size};
    webhdfs_status status;
    webhdfs_checksum checksum;
    webhdfs_replicas replicas;
    webhdfs_summary summary;
    uint8_t md5[MD5_BYTES];
    uint32_t chunk = 0;
    uint64_t number = 0;
    size_t entries = 0;
    bool flag = false;

    read_failure(body);
    read_secrets(body);
    expect_code(webhdfs_json_status(body, &status, NULL));
    expect_code(webhdfs_json_listing(body, see_entry, &entries, &number, NULL));
    expect_code(webhdfs_json_boolean(body, &flag, NULL));
    expect_code(webhdfs_json_long(body, &number, NULL));
    expect_code(webhdfs_json_blocks(body, &replicas, NULL));
    expect_code(webhdfs_json_summary(body, &summary, NULL));
    const cairn_code code = webhdfs_json_checksum(body, &checksum, NULL);
    expect_code(code);
    if (code == CAIRN_OK) {
        CAIRN_ASSERT(checksum.len <= sizeof(checksum.bytes));
        CAIRN_ASSERT(!hdfs_checksum_known(&checksum, &chunk, md5) || chunk > 0);
    }
    return 0;
}
