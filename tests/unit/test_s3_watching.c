/* A look at the profile files that hangs, as on a share that is gone, keeps nobody else waiting. */
#include "test.h"

#include "bounds.h"
#include "credentials_world.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>

#define GUARD_S 60 /* before a test that hangs fails instead */

static struct {
    s3_credentials *credentials; /* NULL: stat is the system's */
    credentials_world *world;
    atomic_uint looks;
    atomic_uint got;
} watched;

static void *get_keys(void *unused)
{
    CAIRN_AUTO(s3_keys) keys = {0};

    (void)unused;
    if (s3_credentials_get(watched.credentials, NULL, &keys, NULL) == CAIRN_OK) {
        atomic_fetch_add(&watched.got, 1);
    }
    return NULL;
}

int hanging_stat(const char *restrict path, struct stat *restrict info) __asm__("stat64");

/* While it hangs, for longer than there is between two looks, another thread wants keys. It would
 * hang too if it looked. */
int hanging_stat(const char *restrict path, struct stat *restrict info)
{
    s3_credentials *credentials = watched.credentials;
    struct timespec until;
    pthread_t thread;

    if (credentials != NULL && atomic_fetch_add(&watched.looks, 1) == 0) {
        watched.world->now_ms += CAIRN_S3_FILES_LOOK_MS;
        assert_int_equal(pthread_create(&thread, NULL, get_keys, NULL), 0);
        assert_int_equal(clock_gettime(CLOCK_REALTIME, &until), 0);
        until.tv_sec += GUARD_S;
        assert_int_equal(pthread_timedjoin_np(thread, NULL, &until), 0);
        assert_int_equal(atomic_load(&watched.got), 1);
        assert_int_equal(atomic_load(&watched.looks), 1);
    }
    return fstatat(AT_FDCWD, path, info, 0);
}

static void who_looks_at_the_files_holds_up_nobody(void **state)
{
    credentials_world *world = *state;
    CAIRN_AUTO_PTR(s3_credentials_free) s3_credentials *credentials = credentials_open(world);
    CAIRN_AUTO(s3_keys) keys = {0};
    cairn_error err = {0};

    credentials_file(world, ".aws/credentials",
                     "[default]\naws_access_key_id = AK1\naws_secret_access_key = " CANARY "\n");
    ASSERT_OK(s3_credentials_get(credentials, NULL, &keys, &err), &err);
    world->now_ms += CAIRN_S3_FILES_LOOK_MS;
    watched.world = world;
    watched.credentials = credentials;
    ASSERT_OK(s3_credentials_get(credentials, NULL, &keys, &err), &err);
    watched.credentials = NULL;

    assert_int_equal(atomic_load(&watched.looks), 2); /* one at each file */
    /* The next look is one again. */
    world->now_ms += CAIRN_S3_FILES_LOOK_MS;
    watched.credentials = credentials;
    ASSERT_OK(s3_credentials_get(credentials, NULL, &keys, &err), &err);
    watched.credentials = NULL;
    assert_int_equal(atomic_load(&watched.looks), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_looks_at_the_files_holds_up_nobody,
                                        credentials_world_setup, credentials_world_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
