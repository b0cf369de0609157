/* The cache of credentials: when they are renewed, and what happens if that fails. */
#include "test.h"

#include "bounds.h"
#include "credentials_world.h"
#include "threads.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATIC_KEYS(id)            \
    "aws_access_key_id = " id "\n" \
    "aws_secret_access_key = key-" CANARY "-" id "\n"

static void write_counting_program(credentials_world *world, const char *expiration)
{
    char script[1024];

    (void)snprintf(script, sizeof(script),
                   "#!/bin/sh\n"
                   "cd \"${0%%/*}\" || exit 1\n"
                   "test -e broken && exit 7\n"
                   "echo x >> runs\n"
                   "n=$(wc -l < runs)\n"
                   "echo \"{\\\"Version\\\": 1, \\\"AccessKeyId\\\": \\\"AK$n\\\", "
                   "\\\"SecretAccessKey\\\": \\\"k-" CANARY "\\\", "
                   "\\\"Expiration\\\": \\\"%s\\\"}\"\n",
                   expiration);
    credentials_program(world, script);
}

static void expect_id(s3_credentials *credentials, const char *id)
{
    CAIRN_AUTO(s3_keys) keys = {0};
    cairn_error err = {0};

    ASSERT_OK(s3_credentials_get(credentials, NULL, &keys, &err), &err);
    assert_string_equal(keys.access_key_id, id);
}

#define MINUTE_MS ((uint64_t)60000)
#define HOUR_MS   (60 * MINUTE_MS)

static void keys_are_renewed_before_they_end_and_not_sooner(void **state)
{
    credentials_world *world = *state;
    CAIRN_AUTO_PTR(s3_credentials_free) s3_credentials *credentials = credentials_open(world);
    const uint64_t begin = world->now_ms;

    write_counting_program(world, "2026-01-01T01:00:00Z");
    expect_id(credentials, "AK1");
    expect_id(credentials, "AK1");
    world->now_ms = begin + HOUR_MS - CAIRN_S3_REFRESH_AHEAD_MS - 1;
    expect_id(credentials, "AK1");
    world->now_ms = begin + HOUR_MS - CAIRN_S3_REFRESH_AHEAD_MS * 3 / 4 + 1;
    expect_id(credentials, "AK2");
}

static void keys_that_live_for_a_short_time_are_not_asked_for_each_time(void **state)
{
    credentials_world *world = *state;
    CAIRN_AUTO_PTR(s3_credentials_free) s3_credentials *credentials = credentials_open(world);

    write_counting_program(world, "2026-01-01T00:02:00Z");
    expect_id(credentials, "AK1");
    expect_id(credentials, "AK1");
    world->now_ms += MINUTE_MS - 1;
    expect_id(credentials, "AK1");
    world->now_ms += 1;
    expect_id(credentials, "AK2");
}

static void old_keys_go_on_while_they_are_valid_if_new_ones_fail(void **state)
{
    credentials_world *world = *state;
    CAIRN_AUTO_PTR(s3_credentials_free) s3_credentials *credentials = credentials_open(world);
    CAIRN_AUTO(s3_keys) keys = {0};
    cairn_error err = {0};
    const uint64_t begin = world->now_ms;
    char path[TMPDIR_PATH_BYTES];

    write_counting_program(world, "2026-01-01T01:00:00Z");
    expect_id(credentials, "AK1");
    credentials_file(world, "bin/broken", "");
    world->now_ms = begin + HOUR_MS - MINUTE_MS;
    expect_id(credentials, "AK1");
    assert_int_equal(world->log_lines, 1);
    assert_non_null(strstr(world->log, "status 7"));
    /* No new try for some seconds. */
    expect_id(credentials, "AK1");
    world->now_ms += CAIRN_S3_PAUSE_MS - 1;
    expect_id(credentials, "AK1");
    assert_int_equal(world->log_lines, 1);
    world->now_ms += 1;
    expect_id(credentials, "AK1");
    assert_int_equal(world->log_lines, 2);
    /* They end: now it is an error. */
    world->now_ms = begin + HOUR_MS;
    ASSERT_CODE(s3_credentials_get(credentials, NULL, &keys, &err), CAIRN_E_ACCESS, &err);
    ASSERT_MESSAGE_HAS(&err, "status 7");
    credentials_assert_clean(&err);
    /* And it heals by itself. */
    assert_int_equal(unlink(credentials_path(world, "bin/broken", path)), 0);
    write_counting_program(world, "2026-01-01T03:00:00Z");
    expect_id(credentials, "AK2");
}

static void a_changed_file_is_read_again(void **state)
{
    credentials_world *world = *state;
    CAIRN_AUTO_PTR(s3_credentials_free) s3_credentials *credentials = credentials_open(world);

    credentials_file(world, ".aws/credentials", "[default]\n" STATIC_KEYS("AK1"));
    expect_id(credentials, "AK1");
    credentials_file(world, ".aws/credentials", "[default]\n" STATIC_KEYS("AKOTHER"));
    world->now_ms += CAIRN_S3_FILES_LOOK_MS;
    expect_id(credentials, "AKOTHER");
    /* A file that is half written does no harm. */
    credentials_file(world, ".aws/credentials", "[default]\naws_access_key_id = AK3\n");
    world->now_ms += CAIRN_S3_FILES_LOOK_MS;
    expect_id(credentials, "AKOTHER");
    credentials_file(world, ".aws/credentials", "[default]\n" STATIC_KEYS("AK3"));
    world->now_ms += CAIRN_S3_PAUSE_MS;
    expect_id(credentials, "AK3");
}

static void a_file_that_appears_counts(void **state)
{
    credentials_world *world = *state;
    CAIRN_AUTO_PTR(s3_credentials_free) s3_credentials *credentials = credentials_open(world);

    credentials_file(world, ".aws/config", "[default]\n" STATIC_KEYS("AK1"));
    expect_id(credentials, "AK1");
    credentials_file(world, ".aws/credentials", "[default]\n" STATIC_KEYS("AK2"));
    world->now_ms += CAIRN_S3_FILES_LOOK_MS;
    expect_id(credentials, "AK2");
}

static void refused_keys_are_looked_for_again(void **state)
{
    credentials_world *world = *state;
    CAIRN_AUTO_PTR(s3_credentials_free) s3_credentials *credentials = credentials_open(world);
    bool is_new = false;

    write_counting_program(world, "2026-01-01T01:00:00Z");
    expect_id(credentials, "AK1");
    ASSERT_OK(s3_credentials_refresh(credentials, NULL, "AK1", &is_new, NULL), NULL);
    assert_true(is_new);
    expect_id(credentials, "AK2");
    /* Somebody who still had the first ones finds that there are others. */
    is_new = false;
    ASSERT_OK(s3_credentials_refresh(credentials, NULL, "AK1", &is_new, NULL), NULL);
    assert_true(is_new);
    expect_id(credentials, "AK2");
}

static void refused_keys_without_others_are_told_and_not_asked_for_at_once(void **state)
{
    credentials_world *world = *state;
    CAIRN_AUTO_PTR(s3_credentials_free) s3_credentials *credentials = credentials_open(world);
    bool is_new = true;

    credentials_file(world, ".aws/credentials", "[default]\n" STATIC_KEYS("AK1"));
    expect_id(credentials, "AK1");
    ASSERT_OK(s3_credentials_refresh(credentials, NULL, "AK1", &is_new, NULL), NULL);
    assert_false(is_new);
    credentials_file(world, ".aws/credentials", "[default]\n" STATIC_KEYS("AK2"));
    ASSERT_OK(s3_credentials_refresh(credentials, NULL, "AK1", &is_new, NULL), NULL);
    assert_false(is_new);
    world->now_ms += CAIRN_S3_PAUSE_MS;
    ASSERT_OK(s3_credentials_refresh(credentials, NULL, "AK1", &is_new, NULL), NULL);
    assert_true(is_new);
}

static void a_refresh_that_fails_keeps_the_keys_and_tells_why(void **state)
{
    credentials_world *world = *state;
    CAIRN_AUTO_PTR(s3_credentials_free) s3_credentials *credentials = credentials_open(world);
    cairn_error err = {0};
    cairn_error again = {0};
    bool is_new = true;

    write_counting_program(world, "2026-01-01T01:00:00Z");
    expect_id(credentials, "AK1");
    credentials_file(world, "bin/broken", "");
    ASSERT_CODE(s3_credentials_refresh(credentials, NULL, "AK1", &is_new, &err), CAIRN_E_ACCESS,
                &err);
    ASSERT_CODE(s3_credentials_refresh(credentials, NULL, "AK1", &is_new, &again), CAIRN_E_ACCESS,
                &again);
    assert_true(is_new);
    assert_string_equal(err.message, again.message);
    expect_id(credentials, "AK1");
}

static void a_cancelled_call_ends_and_is_no_failure_of_others(void **state)
{
    credentials_world *world = *state;
    CAIRN_AUTO_PTR(s3_credentials_free) s3_credentials *credentials = credentials_open(world);
    CAIRN_AUTO(s3_keys) keys = {0};
    bool is_new = false;
    cairn_cancel *cancel = NULL;

    write_counting_program(world, "2026-01-01T01:00:00Z");
    ASSERT_OK(cairn_cancel_new(&cancel, NULL), NULL);
    cairn_cancel_trigger(cancel);
    const cairn_call call = {0, cancel};
    const cairn_code code = s3_credentials_get(credentials, &call, &keys, NULL);
    expect_id(credentials, "AK1");
    const cairn_code renewed = s3_credentials_refresh(credentials, &call, "AK1", &is_new, NULL);
    cairn_cancel_free(cancel);

    ASSERT_CODE(code, CAIRN_E_CANCELLED, NULL);
    ASSERT_CODE(renewed, CAIRN_E_CANCELLED, NULL);
    ASSERT_OK(s3_credentials_refresh(credentials, NULL, "AK1", &is_new, NULL), NULL);
    assert_true(is_new);
}

static void a_file_that_others_can_read_is_warned_of_once(void **state)
{
    credentials_world *world = *state;
    CAIRN_AUTO_PTR(s3_credentials_free) s3_credentials *credentials = credentials_open(world);
    bool is_new = false;
    char path[TMPDIR_PATH_BYTES];

    credentials_file(world, ".aws/credentials", "[default]\n" STATIC_KEYS("AK1"));
    expect_id(credentials, "AK1");
    assert_int_equal(world->log_lines, 0);
    assert_int_equal(chmod(credentials_path(world, ".aws/credentials", path), 0640), 0);
    for (int i = 0; i < 2; i++) {
        world->now_ms += CAIRN_S3_PAUSE_MS;
        ASSERT_OK(s3_credentials_refresh(credentials, NULL, "AK1", &is_new, NULL), NULL);
    }
    assert_int_equal(world->log_lines, 1);
    assert_non_null(strstr(world->log, ".aws/credentials can be read by others"));
}

/* ---- Threads ---- */

#define THREADS 8
#define ROUNDS  200

typedef struct user {
    s3_credentials *credentials;
    credentials_world *world;
    unsigned failures;
    unsigned mixed; /* keys that don't belong together */
} user;

/* Time passes while they ask, and servers refuse keys now and then. */
static void use(void *argument)
{
    user *self = argument;

    for (int i = 0; i < ROUNDS; i++) {
        CAIRN_AUTO(s3_keys) keys = {0};
        bool is_new = false;

        if (s3_credentials_get(self->credentials, NULL, &keys, NULL) != CAIRN_OK) {
            self->failures++;
            continue;
        }
        self->mixed +=
            strcmp(keys.secret_key.text + strlen("key-" CANARY "-"), keys.access_key_id) != 0;
        self->world->now_ms += CAIRN_S3_FILES_LOOK_MS;
        if (i % 16 == 0) {
            self->failures += s3_credentials_refresh(self->credentials, NULL, keys.access_key_id,
                                                     &is_new, NULL) != CAIRN_OK;
        }
    }
}

static void many_threads_share_one_cache(void **state)
{
    credentials_world *world = *state;
    CAIRN_AUTO_PTR(s3_credentials_free) s3_credentials *credentials = credentials_open(world);
    user users[THREADS];

    credentials_file(world, ".aws/credentials", "[default]\n" STATIC_KEYS("AK1"));
    for (size_t i = 0; i < THREADS; i++) {
        users[i] = (user){.credentials = credentials, .world = world};
    }
    threads_run(use, users, sizeof(users[0]), THREADS);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(users[i].failures, 0);
        assert_int_equal(users[i].mixed, 0);
    }
}

typedef struct waiter {
    s3_credentials *credentials;
    char id[8];
    cairn_code code;
} waiter;

static void get_first(void *argument)
{
    waiter *self = argument;
    CAIRN_AUTO(s3_keys) keys = {0};

    self->code = s3_credentials_get(self->credentials, NULL, &keys, NULL);
    if (self->code == CAIRN_OK) {
        (void)snprintf(self->id, sizeof(self->id), "%s", keys.access_key_id);
    }
}

/* The second run waits for the file "go" beside it; not for ever, if the test has failed. */
static void write_hanging_program(credentials_world *world)
{
    credentials_program(world, "#!/bin/sh\n"
                               "cd \"${0%/*}\" || exit 1\n"
                               "echo x >> runs\n"
                               "n=$(wc -l < runs)\n"
                               "i=0\n"
                               "test $n = 2 && echo x > hangs\n"
                               "while test $n = 2 && ! test -e go && test $i -lt 300; do\n"
                               "    sleep 0.1\n"
                               "    i=$((i + 1))\n"
                               "done\n"
                               "echo \"{\\\"Version\\\": 1, \\\"AccessKeyId\\\": \\\"AK$n\\\", "
                               "\\\"SecretAccessKey\\\": \\\"k-" CANARY "\\\", "
                               "\\\"Expiration\\\": \\\"2026-01-01T01:00:00Z\\\"}\"\n");
}

typedef struct one_of_two {
    waiter who;
    const credentials_world *world;
    bool comes_later;
} one_of_two;

static void get_beside_one_who_hangs(void *argument)
{
    one_of_two *self = argument;
    char path[TMPDIR_PATH_BYTES];

    (void)credentials_path(self->world, "bin/hangs", path);
    for (int i = 0; self->comes_later && i < 6000 && access(path, F_OK) != 0; i++) {
        (void)usleep(10000);
    }
    get_first(&self->who);
    if (self->comes_later) {
        FILE *file = fopen(credentials_path(self->world, "bin/go", path), "we");
        (void)(file != NULL && fclose(file) == 0);
    }
}

static void who_waits_for_a_program_holds_up_nobody(void **state)
{
    credentials_world *world = *state;
    CAIRN_AUTO_PTR(s3_credentials_free) s3_credentials *credentials = credentials_open(world);
    one_of_two both[] = {{{.credentials = credentials}, world, false},
                         {{.credentials = credentials}, world, true}};

    write_hanging_program(world);
    expect_id(credentials, "AK1");
    world->now_ms += HOUR_MS - CAIRN_S3_REFRESH_AHEAD_MS / 2;
    threads_run(get_beside_one_who_hangs, both, sizeof(both[0]), CAIRN_ARRAY_LEN(both));

    ASSERT_OK(both[0].who.code, NULL);
    ASSERT_OK(both[1].who.code, NULL);
    assert_string_equal(both[0].who.id, "AK2");
    assert_string_equal(both[1].who.id, "AK1"); /* still valid */
}

static void threads_that_come_together_cost_one_search(void **state)
{
    credentials_world *world = *state;
    CAIRN_AUTO_PTR(s3_credentials_free) s3_credentials *credentials = credentials_open(world);
    waiter waiters[THREADS];

    write_counting_program(world, "2026-01-01T01:00:00Z");
    for (size_t i = 0; i < THREADS; i++) {
        waiters[i] = (waiter){.credentials = credentials};
    }
    threads_run(get_first, waiters, sizeof(waiters[0]), THREADS);
    for (size_t i = 0; i < THREADS; i++) {
        ASSERT_OK(waiters[i].code, NULL);
        assert_string_equal(waiters[i].id, "AK1");
    }
}

int main(void)
{
#define IN_WORLD(test) \
    cmocka_unit_test_setup_teardown(test, credentials_world_setup, credentials_world_teardown)
    const struct CMUnitTest tests[] = {
        IN_WORLD(keys_are_renewed_before_they_end_and_not_sooner),
        IN_WORLD(keys_that_live_for_a_short_time_are_not_asked_for_each_time),
        IN_WORLD(old_keys_go_on_while_they_are_valid_if_new_ones_fail),
        IN_WORLD(a_changed_file_is_read_again),
        IN_WORLD(a_file_that_appears_counts),
        IN_WORLD(refused_keys_are_looked_for_again),
        IN_WORLD(refused_keys_without_others_are_told_and_not_asked_for_at_once),
        IN_WORLD(a_refresh_that_fails_keeps_the_keys_and_tells_why),
        IN_WORLD(a_cancelled_call_ends_and_is_no_failure_of_others),
        IN_WORLD(a_file_that_others_can_read_is_warned_of_once),
        IN_WORLD(many_threads_share_one_cache),
        IN_WORLD(who_waits_for_a_program_holds_up_nobody),
        IN_WORLD(threads_that_come_together_cost_one_search),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
