#include "test.h"

#include "digest.h"
#include "manifest_fixture.h"
#include "seal.h"
#include "tmpdir.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define BODY   "{\n  \"a\": 1,\n"
#define CLOSED "{\n  \"a\": 1\n}"

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

static cairn_buf buf_of(const char *text)
{
    cairn_buf buf = {0};

    ASSERT_OK(buf_append_text(&buf, text, NULL), NULL);
    return buf;
}

static void a_closed_object_gets_its_seal_as_last_line(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) document = buf_of(CLOSED);
    char hex[SHA256_HEX_SIZE];
    char expected[256];
    sha256 digest;

    ASSERT_OK(sha256_of(cairn_slice_of(BODY), &digest, NULL), NULL);
    sha256_to_hex(&digest, hex);
    (void)snprintf(expected, sizeof(expected), BODY "  \"sha256\": \"%s\"}\n", hex);
    ASSERT_OK(seal_close(&document, NULL), NULL);

    assert_string_equal(buf_text(&document), expected);
    ASSERT_OK(seal_check(cairn_buf_slice(&document), NULL), NULL);
}

static void a_last_line_of_another_form_is_no_seal(void **state)
{
    (void)state;
    static const char *const documents[] = {
        "",
        "\n",
        "{}\n",
        "  \"sha256\": \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}\n",
        "x  \"sha256\": \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}\n",
        "{\n  \"sha256\": \"E3B0C44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}\n",
        "{\n  \"sha256\": \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}",
        "{\n  \"sha256\": \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}\n\n",
        "{\n  \"sha256\":  \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85\"}\n",
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(documents); i++) {
        cairn_error err = {0};

        ASSERT_CODE(seal_check(cairn_slice_of(documents[i]), &err), CAIRN_E_INTEGRITY, &err);
        ASSERT_MESSAGE_HAS(&err, "no seal");
    }
}

static void another_digest_is_named_with_the_one_expected(void **state)
{
    (void)state;
    CAIRN_AUTO(cairn_buf) document = buf_of(CLOSED);
    cairn_error err = {0};

    ASSERT_OK(seal_close(&document, NULL), NULL);
    document.data[3] ^= 1;

    ASSERT_CODE(seal_check(cairn_buf_slice(&document), &err), CAIRN_E_INTEGRITY, &err);
    ASSERT_MESSAGE_HAS(&err, "found");
}

/* Runs a script in `folder`, given as $0; its first line of output is in `out`. */
static void run_shell(const char *script, const char *folder, char *out, size_t size)
{
    int ends[2];
    ssize_t len;
    pid_t child;
    int status = 0;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        execl("/bin/sh", "sh", "-c", script, folder, (char *)NULL);
        _exit(127);
    }
    (void)close(ends[1]);
    len = read(ends[0], out, size - 1);
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(len >= 0);
    out[len] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

static void head_and_sha256sum_give_the_digest_of_the_last_line(void **state)
{
    const tmpdir *dir = *state;
    CAIRN_AUTO(cairn_buf) golden = fixture_golden("manifest_v1_full.json");
    char path[TMPDIR_PATH_BYTES];
    char by_hand[256];
    char recorded[256];
    FILE *file = fopen(tmpdir_join(dir, "manifest.json", path), "wbe");

    assert_non_null(file);
    assert_int_equal(fwrite(golden.data, 1, golden.len, file), golden.len);
    assert_int_equal(fclose(file), 0);
    run_shell("cd \"$0\" && head -n -1 manifest.json | sha256sum | cut -d' ' -f1", dir->path,
              by_hand, sizeof(by_hand));
    run_shell("cd \"$0\" && jq -r .sha256 manifest.json", dir->path, recorded, sizeof(recorded));

    assert_int_equal(strlen(by_hand), 64);
    assert_string_equal(by_hand, recorded);
    ASSERT_OK(seal_check(cairn_buf_slice(&golden), NULL), NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_closed_object_gets_its_seal_as_last_line),
        cmocka_unit_test(a_last_line_of_another_form_is_no_seal),
        cmocka_unit_test(another_digest_is_named_with_the_one_expected),
        cmocka_unit_test_setup_teardown(head_and_sha256sum_give_the_digest_of_the_last_line, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
