#include "test.h"

#include "alloc_sweep.h"
#include "bounds.h"
#include "digest.h"
#include "tmpdir.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEX_EMPTY   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HEX_ABC     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define HEX_MILLION "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

static int setup(void **state)
{
    *state = tmpdir_new();
    return *state == NULL;
}

static int teardown(void **state)
{
    tmpdir_free(*state);
    return 0;
}

static void assert_hex(const sha256 *digest, const char *expected)
{
    char hex[SHA256_HEX_SIZE];

    sha256_to_hex(digest, hex);
    assert_string_equal(hex, expected);
}

static void write_file(const char *path, char byte, size_t len)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(fputc(byte, file), byte);
    }
    assert_int_equal(fclose(file), 0);
}

static void digests_of_the_standard(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *hex;
    } rows[] = {
        {"", HEX_EMPTY},
        {"abc", HEX_ABC},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        sha256 digest;

        ASSERT_OK(sha256_of(cairn_slice_of(rows[i].text), &digest, NULL), NULL);
        assert_hex(&digest, rows[i].hex);
    }
}

static void a_stream_in_pieces_gives_the_same(void **state)
{
    (void)state;
    CAIRN_AUTO_PTR(sha256_stream_free) sha256_stream *stream = NULL;
    char piece[64];
    sha256 digest;

    memset(piece, 'a', sizeof(piece));
    ASSERT_OK(sha256_stream_new(&stream, NULL), NULL);
    for (size_t left = 1000000; left > 0;) {
        const size_t len = left < 61 ? left : 61;

        ASSERT_OK(sha256_stream_update(stream, (cairn_slice){piece, len}, NULL), NULL);
        left -= len;
    }
    ASSERT_OK(sha256_stream_update(stream, (cairn_slice){NULL, 0}, NULL), NULL);
    ASSERT_OK(sha256_stream_finish(stream, &digest, NULL), NULL);

    assert_hex(&digest, HEX_MILLION);
    sha256_stream_free(NULL);
}

static void a_file_has_the_digest_of_its_bytes(void **state)
{
    static const struct {
        size_t len;
        const char *hex;
    } rows[] = {
        {0, HEX_EMPTY},
        {1000000, HEX_MILLION},
        /* two whole chunks, so that the end is found by an empty read */
        {2 * CAIRN_IO_CHUNK_BYTES,
         "5256ec18f11624025905d057d6befb03d77b243511ac5f77ed5e0221ce6d84b5"},
    };
    char path[TMPDIR_PATH_BYTES];

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        cairn_error err = {0};
        uint64_t bytes = 0;
        sha256 digest;

        write_file(tmpdir_join(*state, "file", path), 'a', rows[i].len);
        ASSERT_OK(sha256_of_file(path, &digest, &bytes, &err), &err);
        assert_int_equal(bytes, rows[i].len);
        assert_hex(&digest, rows[i].hex);
    }
}

static void what_is_no_file_is_refused(void **state)
{
    char path[TMPDIR_PATH_BYTES];
    char link[TMPDIR_PATH_BYTES];
    char fifo[TMPDIR_PATH_BYTES];
    cairn_error err = {0};
    uint64_t bytes = 7;
    sha256 digest = {{1}};

    write_file(tmpdir_join(*state, "target", path), 'a', 1);
    assert_int_equal(symlink(path, tmpdir_join(*state, "link", link)), 0);
    assert_int_equal(mkfifo(tmpdir_join(*state, "fifo", fifo), 0600), 0);

    ASSERT_CODE(sha256_of_file(link, &digest, &bytes, &err), CAIRN_E_IO, &err);
    ASSERT_CODE(sha256_of_file(fifo, &digest, &bytes, &err), CAIRN_E_IO, &err);
    ASSERT_CODE(sha256_of_file(((const tmpdir *)*state)->path, &digest, &bytes, &err), CAIRN_E_IO,
                &err);
    ASSERT_CODE(sha256_of_file(tmpdir_join(*state, "absent", path), &digest, &bytes, &err),
                CAIRN_E_NOT_FOUND, &err);
    ASSERT_MESSAGE_HAS(&err, "absent");
    assert_int_equal(bytes, 7);
    assert_int_equal(digest.bytes[0], 1);
}

static void hex_is_read_back_and_bad_hex_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "ab",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015add",
        "BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a ",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a\xe4",
    };
    sha256 read = {{9}};
    sha256 expected;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(bad); i++) {
        assert_false(sha256_from_hex(cairn_slice_of(bad[i]), &read));
    }
    assert_int_equal(read.bytes[0], 9);
    assert_true(sha256_from_hex(cairn_slice_of(HEX_ABC), &read));
    ASSERT_OK(sha256_of(cairn_slice_of("abc"), &expected, NULL), NULL);
    assert_true(sha256_equal(&read, &expected));
    read.bytes[31] ^= 1;
    assert_false(sha256_equal(&read, &expected));
}

#define RANGE_FILE_BYTES (2 * CAIRN_IO_CHUNK_BYTES + 100)

/* No two chunks of it are the same. */
static void a_range_has_the_digest_of_its_bytes(void **state)
{
    static uint8_t bytes[RANGE_FILE_BYTES];
    static const struct {
        uint64_t offset;
        uint64_t length;
    } rows[] = {
        {0, 0},
        {5, 3},
        {0, CAIRN_IO_CHUNK_BYTES},
        {7, 2 * CAIRN_IO_CHUNK_BYTES},
        {0, RANGE_FILE_BYTES},
        {RANGE_FILE_BYTES, 0},
    };
    char path[TMPDIR_PATH_BYTES];
    FILE *file = fopen(tmpdir_join(*state, "range", path), "we");

    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i % 251);
    }
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, sizeof(bytes), file), sizeof(bytes));
    assert_int_equal(fclose(file), 0);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        cairn_error err = {0};
        sha256 expected;
        sha256 digest;

        ASSERT_OK(sha256_of((cairn_slice){bytes + rows[i].offset, (size_t)rows[i].length},
                            &expected, NULL),
                  NULL);
        ASSERT_OK(sha256_of_range(fd, rows[i].offset, rows[i].length, &digest, &err), &err);
        assert_true(sha256_equal(&digest, &expected));
    }
    assert_int_equal(close(fd), 0);
}

static void a_range_beyond_the_end_is_damage(void **state)
{
    char path[TMPDIR_PATH_BYTES];
    cairn_error err = {0};
    sha256 digest = {{1}};

    write_file(tmpdir_join(*state, "short", path), 'a', 10);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);

    ASSERT_CODE(sha256_of_range(fd, 8, 3, &digest, &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "ends at byte 10, before 11");
    ASSERT_CODE(sha256_of_range(-1, 0, 1, &digest, &err), CAIRN_E_IO, &err);
    assert_int_equal(digest.bytes[0], 1);
    assert_int_equal(close(fd), 0);
}

/* RFC 4231, test cases 1, 2, 4, 6 and 7. */
static void codes_of_the_hmac_standard(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        size_t key_repeat; /* of its first byte; 0: as it is */
        const char *data;
        size_t data_repeat;
        const char *hex;
    } rows[] = {
        {"\x0b", 20, "Hi There", 1,
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {"Jefe", 0, "what do ya want for nothing?", 1,
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16"
         "\x17\x18\x19",
         0, "\xcd", 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
        {"\xaa", 131, "Test Using Larger Than Block-Size Key - Hash Key First", 1,
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {"\xaa", 131,
         "This is a test using a larger than block-size key and a larger than block-size data. The "
         "key needs to be hashed before being used by the HMAC algorithm.",
         1, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
        /* no key, no data */
        {"", 0, "", 1, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
        /* a key of exactly one block: Python's hmac */
        {"k", 64, "data", 1, "93244b031118b8060c6619e5900fcf916faefb2d8d020fecb22ae0f62275db08"},
        {"k", 65, "data", 1, "a79b53d0bf1cb4bb00c301979e6e60ef792a435cafabd76ab9e8989bbdef2dff"},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        char key[256];
        char data[256];
        size_t key_len = strlen(rows[i].key);
        size_t data_len = strlen(rows[i].data);
        sha256 digest;

        memcpy(key, rows[i].key, key_len);
        memcpy(data, rows[i].data, data_len);
        if (rows[i].key_repeat > 0) {
            key_len = rows[i].key_repeat;
            memset(key, rows[i].key[0], key_len);
        }
        if (rows[i].data_repeat > 1) {
            data_len = rows[i].data_repeat;
            memset(data, rows[i].data[0], data_len);
        }
        ASSERT_OK(
            hmac_sha256((cairn_slice){key, key_len}, (cairn_slice){data, data_len}, &digest, NULL),
            NULL);
        assert_hex(&digest, rows[i].hex);
    }
}

static void a_code_may_replace_its_own_key(void **state)
{
    (void)state;
    sha256 key = {{1, 2, 3}};
    sha256 expected;

    ASSERT_OK(
        hmac_sha256((cairn_slice){key.bytes, SHA256_BYTES}, cairn_slice_of("x"), &expected, NULL),
        NULL);
    ASSERT_OK(hmac_sha256((cairn_slice){key.bytes, SHA256_BYTES}, cairn_slice_of("x"), &key, NULL),
              NULL);

    assert_true(sha256_equal(&key, &expected));
}

/* RFC 1321, appendix A.5. */
static void md5_of_the_standard_whole_and_in_pieces(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint8_t digest[MD5_BYTES];
    } rows[] = {
        {"",
         {0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04, 0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8, 0x42,
          0x7e}},
        {"abc",
         {0x90, 0x01, 0x50, 0x98, 0x3c, 0xd2, 0x4f, 0xb0, 0xd6, 0x96, 0x3f, 0x7d, 0x28, 0xe1, 0x7f,
          0x72}},
        {"message digest",
         {0xf9, 0x6b, 0x69, 0x7d, 0x7c, 0xb7, 0x93, 0x8d, 0x52, 0x5a, 0x2f, 0x31, 0xaa, 0xf1, 0x61,
          0xd0}},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        CAIRN_AUTO_PTR(md5_stream_free) md5_stream *stream = NULL;
        uint8_t whole[MD5_BYTES];
        uint8_t pieces[MD5_BYTES];

        ASSERT_OK(md5_of(cairn_slice_of(rows[i].text), whole, NULL), NULL);
        ASSERT_OK(md5_stream_new(&stream, NULL), NULL);
        for (const char *at = rows[i].text; *at != '\0'; at++) {
            ASSERT_OK(md5_stream_update(stream, (cairn_slice){at, 1}, NULL), NULL);
        }
        ASSERT_OK(md5_stream_update(stream, (cairn_slice){NULL, 0}, NULL), NULL);
        ASSERT_OK(md5_stream_finish(stream, pieces, NULL), NULL);
        assert_memory_equal(whole, rows[i].digest, MD5_BYTES);
        assert_memory_equal(pieces, rows[i].digest, MD5_BYTES);
    }
    md5_stream_free(NULL);
}

/* RFC 3720, appendix B.4, and the check value of the polynomial. */
static void crc32c_of_the_standard(void **state)
{
    (void)state;
    uint8_t zeros[32] = {0};
    uint8_t ones[32];
    uint8_t rising[32];

    memset(ones, 0xff, sizeof(ones));
    for (size_t i = 0; i < sizeof(rising); i++) {
        rising[i] = (uint8_t)i;
    }
    const struct {
        const void *data;
        size_t len;
        uint32_t crc;
    } rows[] = {
        {"", 0, 0},
        {"123456789", 9, 0xe3069283},
        {zeros, sizeof(zeros), 0x8a9136aa},
        {ones, sizeof(ones), 0x62a8ab43},
        {rising, sizeof(rising), 0x46dd794e},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(rows); i++) {
        assert_int_equal(crc32c_update(0, rows[i].data, rows[i].len), rows[i].crc);
        assert_int_equal(crc32c_update_portable(0, rows[i].data, rows[i].len), rows[i].crc);
    }
}

/* Every cut and every alignment: both ways of computing give the sum of the whole. */
static void a_crc32c_in_pieces_is_that_of_the_whole(void **state)
{
    (void)state;
    uint8_t bytes[80];

    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 37 + 11);
    }
    for (size_t begin = 0; begin < 8; begin++) {
        const uint8_t *data = bytes + begin;
        const size_t len = sizeof(bytes) - begin;
        const uint32_t whole = crc32c_update(0, data, len);

        for (size_t cut = 0; cut <= len; cut++) {
            assert_int_equal(crc32c_update(crc32c_update(0, data, cut), data + cut, len - cut),
                             whole);
            assert_int_equal(
                crc32c_update_portable(crc32c_update_portable(0, data, cut), data + cut, len - cut),
                whole);
        }
    }
}

static cairn_code hash_the_file(void *context, cairn_error *err)
{
    uint64_t bytes = 0;
    sha256 digest;

    return sha256_of_file(context, &digest, &bytes, err);
}

static cairn_code use_all(void *context, cairn_error *err)
{
    uint8_t md5[MD5_BYTES];
    sha256 digest;

    CAIRN_TRY(hmac_sha256(cairn_slice_of("key"), cairn_slice_of("data"), &digest, err));
    CAIRN_TRY(md5_of(cairn_slice_of("data"), md5, err));
    return sha256_of_range(*(const int *)context, 0, 10, &digest, err);
}

static void each_failed_allocation_is_reported(void **state)
{
    char path[TMPDIR_PATH_BYTES];

    write_file(tmpdir_join(*state, "swept", path), 'a', 10);

    alloc_sweep(hash_the_file, path);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    alloc_sweep(use_all, &(int){fd});
    assert_int_equal(close(fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_of_the_standard),
        cmocka_unit_test(a_stream_in_pieces_gives_the_same),
        cmocka_unit_test(a_file_has_the_digest_of_its_bytes),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(hex_is_read_back_and_bad_hex_refused),
        cmocka_unit_test(a_range_has_the_digest_of_its_bytes),
        cmocka_unit_test(a_range_beyond_the_end_is_damage),
        cmocka_unit_test(codes_of_the_hmac_standard),
        cmocka_unit_test(a_code_may_replace_its_own_key),
        cmocka_unit_test(md5_of_the_standard_whole_and_in_pieces),
        cmocka_unit_test(crc32c_of_the_standard),
        cmocka_unit_test(a_crc32c_in_pieces_is_that_of_the_whole),
        cmocka_unit_test(each_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
