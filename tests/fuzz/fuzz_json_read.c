/*
 * The strict JSON reader: whatever it accepts, the accessors walk without a crash, and cJSON must
 * not refuse what the scan let through (that would be reported as lack of memory).
 */
#include "bounds.h"
#include "fuzz.h"
#include "json_read.h"

static const char *const names[] = {"a", "b", "extensions", NULL};

static void use_members(const json_value *value)
{
    const json_value *child = NULL;
    const char *text = NULL;
    uint64_t number = 0;
    int64_t integer = 0;
    bool flag = false;

    for (size_t i = 0; names[i] != NULL; i++) {
        (void)json_get_string(value, names[i], &text, NULL);
        (void)json_get_u64(value, names[i], &number, NULL);
        (void)json_get_int(value, names[i], INT64_MIN, INT64_MAX, &integer, NULL);
        (void)json_get_bool(value, names[i], &flag, NULL);
        (void)json_get_object(value, names[i], &child, NULL);
        (void)json_get_array(value, names[i], &child, NULL);
    }
}

static void walk(const json_value *value, unsigned depth)
{
    cairn_error err = {0};

    CAIRN_ASSERT(depth <= CAIRN_JSON_DEPTH_MAX);
    use_members(value);
    (void)json_check_members(value, names, &err);
    (void)json_string(value);
    for (const json_value *e = json_first(value); e != NULL; e = json_next(e)) {
        walk(e, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const json_limits limits = {
        .bytes = 1 << 16, .string_bytes = 256, .nodes = 4096, .depth = CAIRN_JSON_DEPTH_MAX};
    CAIRN_AUTO_PTR(json_doc_free) json_doc *doc = NULL;
    cairn_error err = {0};

    const cairn_code code = json_read((cairn_slice){data, size}, &limits, &doc, &err);
    CAIRN_ASSERT((code == CAIRN_OK) == (doc != NULL));
    CAIRN_ASSERT(code == CAIRN_OK || code == CAIRN_E_INTEGRITY || code == CAIRN_E_LIMIT);
    if (doc != NULL) {
        walk(json_root(doc), 0);
    }
    return 0;
}
