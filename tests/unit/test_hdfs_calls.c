/*
 * What the HDFS store asks of the system: who may not answer keeps nobody waiting, and what is
 * uploaded is read once. The functions of this program stand before those of the C library.
 */
#include "test.h"

#include "bounds.h"
#include "clock.h"
#include "fsutil.h"
#include "hdfs_user.h"
#include "tmpdir.h"
#include "webhdfs_world.h"

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <pwd.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_t own_thread;
static atomic_uint resolved_here; /* by the test's thread, which waits for the answer */
static atomic_ullong read_bytes;
static atomic_bool silent; /* the database of users */
static atomic_bool unknown;
static sem_t answer;
static atomic_uint answered;

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name,readability-non-const-parameter):
 * the names of the C library's headers are its own */
int getaddrinfo(const char *restrict name, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict result)
{
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    }
    resolved_here += pthread_equal(pthread_self(), own_thread) ? 1 : 0;
    return real(name, service, hints, result);
}

int getpwuid_r(uid_t uid, struct passwd *restrict user, char *restrict buffer, size_t size,
               struct passwd **restrict result)
{
    static char name[] = "directory";

    (void)uid;
    (void)buffer;
    (void)size;
    if (atomic_load(&silent)) {
        (void)sem_wait(&answer);
    }
    user->pw_name = name;
    *result = atomic_load(&unknown) ? NULL : user;
    answered++;
    return 0;
}

ssize_t pread(int fd, void *buffer, size_t size, off_t offset)
{
    static ssize_t (*real)(int, void *, size_t, off_t);

    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "pread");
    }
    const ssize_t got = real(fd, buffer, size, offset);
    read_bytes += got > 0 ? (unsigned long long)got : 0;
    return got;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name,readability-non-const-parameter) */

static int set_up(void **state)
{
    *state = webhdfs_world_new();
    own_thread = pthread_self();
    resolved_here = answered = 0;
    silent = unknown = false;
    return *state == NULL || sem_init(&answer, 0, 0) != 0;
}

static int tear_down(void **state)
{
    webhdfs_world_free(*state);
    return 0;
}

/* A DataNode that is named and fails is passed over without another question to the resolver. */
static void no_thread_of_the_caller_waits_for_the_resolver(void **state)
{
    webhdfs_world *w = *state;
    CAIRN_AUTO(cairn_buf) out = {0};
    char location[64];
    const script_rule reset = {.times = 1, .act = SCRIPT_RESET};
    (void)snprintf(location, sizeof(location), "http://localhost:%u", script_server_port(w->dn));
    w->location = location;
    webhdfs_world_add(w, "/root/k", 5);
    script_server_expect(w->dn, &reset);
    webhdfs_world_open(w);

    ASSERT_OK(cairn_store_get(w->store, NULL, "k", 10, &out, &w->err), &w->err);

    assert_non_null(strstr(script_server_request(w->nn, 1)->target, "excludedatanodes=127.0.0.1"));
    assert_int_equal(resolved_here, 0);
}

/* In the map it stands under a name: its address there is none that the NameNode knows. */
static void an_address_of_the_map_is_not_passed_over(void **state)
{
    webhdfs_world *w = *state;
    CAIRN_AUTO(cairn_buf) out = {0};
    char map[128];
    const script_rule reset = {.times = 1, .act = SCRIPT_RESET};
    (void)snprintf(map, sizeof(map), "dn.invalid:9864=%s", script_server_address(w->dn));
    w->location = "http://dn.invalid:9864";
    w->options.datanode_map = map;
    webhdfs_world_add(w, "/root/k", 5);
    script_server_expect(w->dn, &reset);
    webhdfs_world_open(w);

    ASSERT_OK(cairn_store_get(w->store, NULL, "k", 10, &out, &w->err), &w->err);

    assert_null(strstr(script_server_request(w->nn, 1)->target, "excludedatanodes"));
}

static void the_user_database_is_waited_for_a_bounded_time(void **state)
{
    char *user = NULL;
    cairn_error err = {0};
    (void)state;
    silent = true;

    ASSERT_CODE(hdfs_process_user(&user, &err), CAIRN_E_UNAVAILABLE, &err);

    ASSERT_MESSAGE_HAS(&err, "HADOOP_USER_NAME");
    assert_null(user);
    assert_int_equal(answered, 0);
    /* The answer that comes late finds nobody, and frees what it was for. */
    assert_int_equal(sem_post(&answer), 0);
    while (atomic_load(&answered) == 0) {
        clock_sleep_ms(1);
    }
}

static void the_user_is_the_one_of_the_database(void **state)
{
    char *user = NULL;
    cairn_error err = {0};
    (void)state;

    ASSERT_OK(hdfs_process_user(&user, &err), &err);
    assert_string_equal(user, "directory");
    mem_free(user);
    unknown = true;
    ASSERT_CODE(hdfs_process_user(&user, &err), CAIRN_E_INVALID, &err);
    ASSERT_MESSAGE_HAS(&err, "HADOOP_USER_NAME");
}

/* Bytes of a file that a put has read. */
static unsigned long long put_file(webhdfs_world *w, const char *key, const char *path, size_t len)
{
    const cairn_file_range from = {.path = path, .length = len};
    const unsigned long long before = read_bytes;

    ASSERT_OK(cairn_store_put_file(w->store, NULL, key, &from, CAIRN_PUT_CREATE, &w->err), &w->err);
    return read_bytes - before;
}

/* Its checksum is that of what was sent, once the size of the server's blocks is known. */
static void what_is_uploaded_is_read_once(void **state)
{
    webhdfs_world *w = *state;
    tmpdir *dir = tmpdir_new();
    char path[TMPDIR_PATH_BYTES];
    static uint8_t bytes[300001];
    const cairn_slice all = {bytes, sizeof(bytes)};
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i % 253);
    }
    ASSERT_OK(fs_write_file(tmpdir_join(dir, "file", path), all, NULL), NULL);
    w->block_bytes = 65536;
    webhdfs_world_open(w);

    assert_int_equal(put_file(w, "first", path, sizeof(bytes)), 2 * sizeof(bytes));
    assert_int_equal(put_file(w, "second", path, sizeof(bytes)), sizeof(bytes));
    assert_int_equal(put_file(w, "small", path, 100), 100);
    w->block_bytes = 131072;
    assert_int_equal(put_file(w, "other blocks", path, sizeof(bytes)), 2 * sizeof(bytes));
    assert_int_equal(put_file(w, "one of them", path, 65536), 65536);

    assert_int_equal(webhdfs_world_asked(w->dn, "GETFILECHECKSUM"), 5);
    tmpdir_free(dir);
}

static void an_upload_that_was_damaged_is_found_by_the_sum_of_what_was_sent(void **state)
{
    webhdfs_world *w = *state;
    static uint8_t bytes[200000];
    w->flip = true;
    w->block_bytes = 65536;
    w->options.block_bytes = 65536;
    webhdfs_world_open(w);

    ASSERT_CODE(cairn_store_put(w->store, NULL, "k", (cairn_slice){bytes, sizeof(bytes)},
                                CAIRN_PUT_CREATE, &w->err),
                CAIRN_E_UNAVAILABLE, &w->err);

    ASSERT_MESSAGE_HAS(&w->err, "checksum");
    assert_int_equal(webhdfs_world_count(w), 0);
}

#define CASE(run) cmocka_unit_test_setup_teardown(run, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(no_thread_of_the_caller_waits_for_the_resolver),
        CASE(an_address_of_the_map_is_not_passed_over),
        CASE(the_user_database_is_waited_for_a_bounded_time),
        CASE(the_user_is_the_one_of_the_database),
        CASE(what_is_uploaded_is_read_once),
        CASE(an_upload_that_was_damaged_is_found_by_the_sum_of_what_was_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
