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

static cairn_code hash_the_file(void *context, cairn_error *err)
{
    uint64_t bytes = 0;
    sha256 digest;

    return sha256_of_file(context, &digest, &bytes, err);
}

static void each_failed_allocation_is_reported(void **state)
{
    char path[TMPDIR_PATH_BYTES];

    write_file(tmpdir_join(*state, "swept", path), 'a', 10);

    alloc_sweep(hash_the_file, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_of_the_standard),
        cmocka_unit_test(a_stream_in_pieces_gives_the_same),
        cmocka_unit_test(a_file_has_the_digest_of_its_bytes),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(hex_is_read_back_and_bad_hex_refused),
        cmocka_unit_test(each_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
