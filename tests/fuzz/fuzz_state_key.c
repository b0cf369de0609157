/*
 * Composite keys. The first byte chooses the width of the group. What decodes must encode to the
 * same bytes; and two keys cut from the input must sort as their encodings do.
 */
#include "fuzz.h"
#include "state_key.h"

#include <stdlib.h>
#include <string.h>

static void must(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void encode(cairn_buf *out, uint32_t group, uint32_t max, cairn_slice key,
                   cairn_slice name_space)
{
    must(state_key_begin(out, group, max, key, NULL) == CAIRN_OK);
    must(state_key_append_namespace(out, name_space, NULL) == CAIRN_OK);
}

static void run_decode(cairn_slice bytes, uint32_t max)
{
    CAIRN_AUTO(state_key_parts) parts = {0};
    CAIRN_AUTO(cairn_buf) again = {0};
    uint32_t group = 0;

    if (state_key_decode(bytes, max, &parts, NULL) != CAIRN_OK) {
        return;
    }
    must(state_key_group(bytes, max, &group) && group == parts.key_group && group < max);
    encode(&again, group, max, cairn_buf_slice(&parts.key), cairn_buf_slice(&parts.name_space));
    must(buf_append(&again, parts.user_key.data, parts.user_key.len, NULL) == CAIRN_OK);
    must(cairn_slice_equal(cairn_buf_slice(&again), bytes));
}

static int compare(cairn_slice a, cairn_slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.data, b.data, len);

    return order != 0 ? (order > 0) - (order < 0) : (a.len > b.len) - (a.len < b.len);
}

static void run_order(cairn_slice bytes, uint32_t max)
{
    const uint8_t *data = bytes.data;
    cairn_slice first = {data, bytes.len / 2};
    cairn_slice second = {data + bytes.len / 2, bytes.len - bytes.len / 2};
    CAIRN_AUTO(cairn_buf) a = {0};
    CAIRN_AUTO(cairn_buf) b = {0};

    encode(&a, 1, max, first, second);
    encode(&b, 1, max, second, first);
    must(compare(cairn_buf_slice(&a), cairn_buf_slice(&b)) == compare(first, second));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t max;
    cairn_slice bytes;

    if (size == 0 || size > 60000) {
        return 0;
    }
    max = data[0] % 2 == 0 ? 128 : 1000;
    bytes = (cairn_slice){data + 1, size - 1};
    run_decode(bytes, max);
    run_order(bytes, max);
    return 0;
}
