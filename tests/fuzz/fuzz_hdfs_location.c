/*
 * Redirects, addresses, tokens and names: what a NameNode or a file may say. An allowed Location
 * has a scheme as strong as the first request's, a port, a host, and no byte that ends a header.
 */
#include "bounds.h"
#include "check.h"
#include "fuzz.h"
#include "hdfs_auth.h"
#include "hdfs_path.h"
#include "webhdfs_location.h"

#include <string.h>

static void check_location(const char *origin_text, cairn_slice location)
{
    webhdfs_url origin = {.https = false};
    webhdfs_url found = {.https = false};

    CAIRN_ASSERT(webhdfs_url_parse(cairn_slice_of(origin_text), &origin, NULL) == CAIRN_OK);
    const webhdfs_location_rule rule = {&origin, "/webhdfs/v1", "/a b", ".example.com,10.0.0.7"};
    const cairn_code code = webhdfs_location_check(&rule, location, &found, NULL);
    CAIRN_ASSERT(code == CAIRN_OK || code == CAIRN_E_ACCESS);
    if (code != CAIRN_OK) {
        return;
    }
    const size_t len = strlen(found.host);
    CAIRN_ASSERT(found.https || !origin.https);
    CAIRN_ASSERT(found.port != 0 && len > 0 && location.len <= CAIRN_HDFS_LOCATION_BYTES_MAX);
    CAIRN_ASSERT(memchr(location.data, '\n', location.len) == NULL);
    CAIRN_ASSERT(strcmp(found.host, "nn.hdfs.test") == 0 || strcmp(found.host, "10.0.0.7") == 0 ||
                 (len > 12 && strcmp(found.host + len - 12, ".example.com") == 0) ||
                 (len > 10 && strcmp(found.host + len - 10, ".hdfs.test") == 0));
}

/* A name that is no temporary is the name of exactly the key that it gives. */
static void check_name(const uint8_t *data, size_t size)
{
    CAIRN_AUTO(cairn_buf) key = {0};
    CAIRN_AUTO(cairn_buf) name = {0};
    char *text CAIRN_AUTO_FREE = mem_strndup((const char *)data, size);

    CAIRN_ASSERT(text != NULL);
    if (hdfs_is_temporary(text) || strpbrk(text, "/:") != NULL) {
        return;
    }
    CAIRN_ASSERT(hdfs_part_of_name(text, &key, NULL) == CAIRN_OK);
    CAIRN_ASSERT(hdfs_path_of_key(buf_text(&key), &name, NULL) == CAIRN_OK);
    CAIRN_ASSERT(strcmp(buf_text(&name), text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CAIRN_AUTO(secret) token = {.text = NULL};

    check_location("http://nn.hdfs.test:9870", (cairn_slice){data, size});
    check_location("https://nn.hdfs.test:9871", (cairn_slice){data, size});
    check_name(data, size < 512 ? size : 512);
    const cairn_code code = hdfs_token_file_read((cairn_slice){data, size}, &token, NULL);
    CAIRN_ASSERT(code == CAIRN_OK || code == CAIRN_E_INTEGRITY || code == CAIRN_E_NOT_FOUND);
    return 0;
}
