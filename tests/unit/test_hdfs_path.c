/* Keys as paths and back. */
#include "test.h"

#include "check.h"
#include "hdfs_path.h"

static const struct {
    const char *key;
    const char *path;
} pairs[] = {
    {"a/b", "a/b"},
    {"a:b", "a%3Ab"},
    {":", "%3A"},
    {"%3A", "%253A"},
    {"%253A", "%25253A"},
    {"%25", "%25"},
    {"100%", "100%"},
    {"%3a%2F", "%3a%2F"},
    {".tmp-x", "%2Etmp-x"},
    {"a/.tmp-x", "a/%2Etmp-x"},
    {"%2Etmp-x", "%252Etmp-x"},
    {"a/%252Etmp-", "a/%25252Etmp-"},
    {"x.tmp-y", "x.tmp-y"},
    {"x%2Etmp-y", "x%2Etmp-y"},
    {".tmp", ".tmp"},
    {".tmp-:/:.tmp-", "%2Etmp-%3A/%3A.tmp-"},
    {"\xc3\xbc", "\xc3\xbc"},
};

static void each_key_has_its_path(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(pairs); i++) {
        CAIRN_AUTO(cairn_buf) path = {0};
        ASSERT_OK(hdfs_path_of_key(pairs[i].key, &path, NULL), NULL);
        assert_string_equal(buf_text(&path), pairs[i].path);
    }
}

/* Part by part, as a listing meets them. */
static void key_of_path(const char *path, cairn_buf *key)
{
    for (;;) {
        const size_t len = strcspn(path, "/");
        char part[256] = "";
        memcpy(part, path, len);
        assert_false(hdfs_is_temporary(part));
        ASSERT_OK(hdfs_part_of_name(part, key, NULL), NULL);
        if (path[len] == '\0') {
            return;
        }
        ASSERT_OK(buf_append_byte(key, '/', NULL), NULL);
        path += len + 1;
    }
}

static void each_path_leads_back_to_its_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(pairs); i++) {
        CAIRN_AUTO(cairn_buf) key = {0};
        key_of_path(pairs[i].path, &key);
        assert_string_equal(buf_text(&key), pairs[i].key);
    }
}

/* All texts of up to six letters of the alphabet that matters. */
static void no_two_keys_share_a_path(void **state)
{
    static const char letters[] = "%235AE:a";
    (void)state;

    for (unsigned number = 0; number < 8 * 8 * 8 * 8 * 8 * 8; number++) {
        char key[7] = "";
        CAIRN_AUTO(cairn_buf) path = {0};
        CAIRN_AUTO(cairn_buf) back = {0};
        for (unsigned i = 0, rest = number; i < 6; i++, rest /= 8) {
            key[i] = letters[rest % 8];
        }
        ASSERT_OK(hdfs_path_of_key(key, &path, NULL), NULL);
        ASSERT_OK(hdfs_part_of_name(buf_text(&path), &back, NULL), NULL);
        assert_string_equal(buf_text(&back), key);
        assert_null(strchr(buf_text(&path), ':'));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_has_its_path),
        cmocka_unit_test(each_path_leads_back_to_its_key),
        cmocka_unit_test(no_two_keys_share_a_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
