/* Digests that are made ahead of the parts: where there is no thread for it they are made all the
 * same. */
#include "test.h"

#include "check.h"
#include "s3_ahead.h"
#include "s3_world.h"

#include <pthread.h>

#define MIB   ((uint64_t)1 << 20)
#define PARTS 3

/* Of eleven MiB in parts of five. */
static void take_all(s3_world *w, bool by_crc32c, s3_digests out[PARTS])
{
    char path[TMPDIR_PATH_BYTES];
    CAIRN_AUTO(s3_body) body = {.fd = -1};
    CAIRN_AUTO_PTR(s3_ahead_free) s3_ahead *ahead = NULL;

    s3_world_file(w, "source", 11 * MIB, path);
    const cairn_file_range range = {path, 0, 11 * MIB, false, NULL};
    ASSERT_OK(s3_body_open(&(cairn_put_body){.range = &range}, &body, &w->err), &w->err);
    const s3_ahead_plan plan = {&body, 5 * MIB, PARTS, 2, by_crc32c};
    ASSERT_OK(s3_ahead_new(&plan, &ahead, &w->err), &w->err);
    for (size_t i = 0; i < PARTS; i++) {
        (void)s3_ahead_ready(ahead);
        ASSERT_OK(s3_ahead_take(ahead, &out[i], &w->err), &w->err);
    }
}

/* More stack than there are addresses: no thread can be made. */
static void allow_threads(bool allowed)
{
    static size_t usual;
    pthread_attr_t attributes;

    assert_int_equal(pthread_getattr_default_np(&attributes), 0);
    if (!allowed) {
        assert_int_equal(pthread_attr_getstacksize(&attributes, &usual), 0);
    }
    assert_int_equal(pthread_attr_setstacksize(&attributes, allowed ? usual : (size_t)1 << 56), 0);
    assert_int_equal(pthread_setattr_default_np(&attributes), 0);
    assert_int_equal(pthread_attr_destroy(&attributes), 0);
}

static void without_a_thread_the_digests_are_the_same(void **state)
{
    s3_world *w = *state;

    for (int by_crc32c = 0; by_crc32c < 2; by_crc32c++) {
        s3_digests usual[PARTS] = {{.by_crc32c = false}};
        s3_digests without[PARTS] = {{.by_crc32c = false}};

        take_all(w, by_crc32c, usual);
        allow_threads(false);
        take_all(w, by_crc32c, without);
        allow_threads(true);
        assert_memory_equal(usual, without, sizeof(usual));
        assert_string_not_equal(by_crc32c ? usual[0].crc32c : usual[0].sha256, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_thread_the_digests_are_the_same, s3_world_setup,
                                        s3_world_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
