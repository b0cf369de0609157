/* The file checksum of HDFS. Vectors: GETFILECHECKSUM and `hdfs dfs -checksum` of Hadoop 3.5.0 for
 * files whose byte i is i mod 251. */
#include "test.h"

#include "encode.h"
#include "hdfs_checksum.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct vector {
    size_t size;
    uint64_t block_bytes;
    const char *algorithm;
    const char *md5;
} vector;

static const vector vectors[] = {
    {0, 65536, "MD5-of-0MD5-of-0CRC32", "70bc8f4b72a86921468bf8e8441dce51"},
    {65536, 65536, "MD5-of-0MD5-of-512CRC32C", "c5887ef75a8bcd92df25d769f356dad8"},
    {65537, 65536, "MD5-of-128MD5-of-512CRC32C", "ee58fd7e2783f3540639e976a6085786"},
    {196608, 65536, "MD5-of-128MD5-of-512CRC32C", "00a1deb15cb311e46ce1ef746a29904e"},
    {262151, 65536, "MD5-of-128MD5-of-512CRC32C", "9da7c215255f0031d19910f25fbf5038"},
};

static uint8_t *pattern(size_t size)
{
    uint8_t *bytes = calloc(1, size + 1);

    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(i % 251);
    }
    return bytes;
}

/* The checksum as hex, computed over pieces of `step` bytes. */
static void sum_in_steps(const uint8_t *bytes, size_t size, uint64_t block_bytes, size_t step,
                         char out[2 * MD5_BYTES + 1])
{
    CAIRN_AUTO(hdfs_checksum) sum = {.block_bytes = 0};
    CAIRN_AUTO(cairn_buf) hex = {0};
    uint8_t digest[MD5_BYTES];
    cairn_error err = {0};

    ASSERT_OK(hdfs_checksum_init(&sum, block_bytes, 512, &err), &err);
    for (size_t at = 0; at < size; at += step) {
        const size_t len = size - at < step ? size - at : step;
        ASSERT_OK(hdfs_checksum_update(&sum, (cairn_slice){bytes + at, len}, &err), &err);
    }
    ASSERT_OK(hdfs_checksum_finish(&sum, digest, &err), &err);
    ASSERT_OK(encode_hex((cairn_slice){digest, sizeof(digest)}, &hex, &err), &err);
    memcpy(out, buf_text(&hex), 2 * MD5_BYTES + 1);
}

static void each_vector_comes_out_whatever_the_pieces(void **state)
{
    static const size_t steps[] = {1000000, 65536, 513, 512, 7};
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(vectors); i++) {
        uint8_t *bytes = pattern(vectors[i].size);
        for (size_t s = 0; s < CAIRN_ARRAY_LEN(steps); s++) {
            char found[2 * MD5_BYTES + 1];
            sum_in_steps(bytes, vectors[i].size, vectors[i].block_bytes, steps[s], found);
            assert_string_equal(found, vectors[i].md5);
        }
        free(bytes);
    }
}

static void a_short_file_has_its_vector(void **state)
{
    char found[2 * MD5_BYTES + 1];
    (void)state;

    sum_in_steps((const uint8_t *)"hi\n", 3, 134217728, 3, found);

    assert_string_equal(found, "aaf31dc03f453462b81e1e124427b88d");
}

static void blocks_must_be_made_of_chunks(void **state)
{
    static const struct {
        uint64_t block;
        uint32_t chunk;
    } wrong[] = {{0, 512}, {512, 0}, {1000, 512}};
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(wrong); i++) {
        CAIRN_AUTO(hdfs_checksum) sum = {.block_bytes = 0};
        ASSERT_CODE(hdfs_checksum_init(&sum, wrong[i].block, wrong[i].chunk, NULL), CAIRN_E_INVALID,
                    NULL);
    }
}

static void an_answer_is_taken_only_if_all_of_it_is_known(void **state)
{
    static const char digest[] = "c5887ef75a8bcd92df25d769f356dad8";
    static const struct {
        const char *algorithm;
        const char *head;
        unsigned length;
        bool known;
    } answers[] = {
        {"MD5-of-0MD5-of-512CRC32C", "000002000000000000000000", 28, true},
        {"MD5-of-128MD5-of-512CRC32C", "000002000000000000000080", 28, true},
        {"MD5-of-0MD5-of-512CRC32", "000002000000000000000000", 28, false},
        {"MD5-of-0MD5-of-0CRC32", "000000000000000000000000", 28, false},
        {"MD5-of-0MD5-of-0CRC32C", "000000000000000000000000", 28, false},
        {"MD5-of-1MD5-of-512CRC32C", "000002000000000000000000", 28, false},
        {"COMPOSITE-CRC32C", "000002000000000000000000", 28, false},
        {"MD5-of-0MD5-of-512CRC32C", "000002000000000000000000", 27, false},
        {"MD5-of-0MD5-of-4294967295CRC32C", "ffffffff0000000000000000", 28, false},
    };
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(answers); i++) {
        char body[512];
        webhdfs_checksum answer;
        uint8_t md5[MD5_BYTES];
        uint32_t chunk = 0;
        cairn_error err = {0};
        (void)snprintf(body, sizeof(body),
                       "{\"FileChecksum\":{\"algorithm\":\"%s\",\"bytes\":\"%s%s00000000\","
                       "\"length\":%u}}",
                       answers[i].algorithm, answers[i].head, digest, answers[i].length);

        ASSERT_OK(webhdfs_json_checksum(cairn_slice_of(body), &answer, &err), &err);

        assert_int_equal(hdfs_checksum_known(&answer, &chunk, md5), answers[i].known);
        assert_int_equal(chunk, answers[i].known ? 512 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_vector_comes_out_whatever_the_pieces),
        cmocka_unit_test(a_short_file_has_its_vector),
        cmocka_unit_test(blocks_must_be_made_of_chunks),
        cmocka_unit_test(an_answer_is_taken_only_if_all_of_it_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
