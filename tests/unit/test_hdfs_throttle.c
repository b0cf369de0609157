/* The HDFS store beside a server that has too much to do and says for how long. */
#include "test.h"

#include "bounds.h"
#include "buf.h"
#include "tmpdir.h"
#include "webhdfs_world.h"

#include <stdio.h>
#include <stdlib.h>

static int set_up(void **state)
{
    *state = webhdfs_world_new();
    return *state == NULL;
}

static int tear_down(void **state)
{
    webhdfs_world_free(*state);
    return 0;
}

/* The next case of a table gets a new world. */
static webhdfs_world *renew(void **state)
{
    (void)tear_down(state);
    (void)set_up(state);
    return *state;
}

typedef struct wait_case {
    unsigned status;
    const char *headers;
    uint32_t wait_ms;
} wait_case;

/* As of S3, with the code UNAVAILABLE each. */
static const wait_case waits[] = {
    {503, "Retry-After: 7\r\n", 7000},
    {429, "Retry-After: 1\r\n", 1000},
    {429, NULL, 0},
    {502, "Retry-After: 100000\r\n", CAIRN_RETRY_AFTER_MS_MAX},
    {503, "Date: Fri, 24 May 2013 00:00:00 GMT\r\nRetry-After: Fri, 24 May 2013 00:00:03 GMT\r\n",
     3000},
    {503, "Retry-After: soon\r\n", 0},
};

static void a_server_that_asks_for_time_gets_it(void **state)
{
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(waits); i++) {
        webhdfs_world *w = renew(state);
        cairn_object_info info;
        const script_rule rule = {
            .reply = {.status = waits[i].status, .headers = waits[i].headers, .body = "busy"}};
        script_server_expect(w->nn, &rule);
        webhdfs_world_open(w);

        ASSERT_CODE(cairn_store_stat(w->store, NULL, "k", &info, &w->err), CAIRN_E_UNAVAILABLE,
                    &w->err);

        assert_int_equal(w->err.retry_after_ms, waits[i].wait_ms);
        assert_int_equal(script_server_count(w->nn), 1);
    }
}

typedef cairn_code (*asks)(webhdfs_world *w, const tmpdir *dir);

static cairn_code ask_put(webhdfs_world *w, const tmpdir *dir)
{
    (void)dir;
    return cairn_store_put(w->store, NULL, "new", cairn_slice_of("hello"), CAIRN_PUT_CREATE,
                           &w->err);
}

static cairn_code ask_get(webhdfs_world *w, const tmpdir *dir)
{
    CAIRN_AUTO(cairn_buf) out = {0};

    (void)dir;
    return cairn_store_get(w->store, NULL, "k", 100, &out, &w->err);
}

static cairn_code ask_file(webhdfs_world *w, const tmpdir *dir)
{
    char path[TMPDIR_PATH_BYTES];
    const cairn_file_range to = {tmpdir_join(dir, "out", path), 0, (uint64_t)33 << 20, false, NULL};

    return cairn_store_get_file(w->store, NULL, "big", &to, &w->err);
}

static cairn_code ask_delete(webhdfs_world *w, const tmpdir *dir)
{
    (void)dir;
    return cairn_store_delete(w->store, NULL, "k", &w->err);
}

static cairn_code nobody(void *context, const char *key, const cairn_object_info *info,
                         cairn_error *err)
{
    (void)context;
    (void)key;
    (void)info;
    (void)err;
    return CAIRN_OK;
}

static cairn_code ask_list(webhdfs_world *w, const tmpdir *dir)
{
    (void)dir;
    return cairn_store_list(w->store, NULL, "", nobody, NULL, &w->err);
}

/* The time reaches whoever makes the call again, and nothing is asked again before. */
static void the_time_that_is_asked_for_is_in_the_error_of_each_call(void **state)
{
    static const struct {
        asks ask;
        bool at_datanode;
        unsigned skip;
        size_t refused;
    } cases[] = {
        /* A put also tries to remove what it may have left. */
        {ask_put, false, 0, 2},    {ask_put, false, 1, 2},  {ask_put, false, 2, 2},
        {ask_put, false, 3, 2},    {ask_put, true, 0, 1},   {ask_put, true, 1, 1},
        {ask_get, false, 0, 1},    {ask_get, true, 0, 1},   {ask_file, false, 0, 1},
        {ask_file, true, 0, 2}, /* two ranges; the second may not be asked for any more */
        {ask_delete, false, 0, 1}, {ask_list, false, 0, 1},
    };
    tmpdir *dir = tmpdir_new();

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        webhdfs_world *w = renew(state);
        char path[TMPDIR_PATH_BYTES];
        const script_rule rule = {
            .skip = cases[i].skip,
            .reply = {.status = 503, .headers = "Retry-After: 2\r\n", .body = "busy"}};
        webhdfs_world_add(w, "/root/k", 50);
        webhdfs_world_add(w, "/root/big", (size_t)33 << 20);
        script_server_expect(cases[i].at_datanode ? w->dn : w->nn, &rule);
        webhdfs_world_open(w);

        ASSERT_CODE(cases[i].ask(w, dir), CAIRN_E_UNAVAILABLE, &w->err);

        script_server *busy = cases[i].at_datanode ? w->dn : w->nn;
        print_message("case %zu: %s\n", i, w->err.message);
        assert_int_equal(w->err.retry_after_ms, 2000);
        const size_t refused = script_server_count(busy) - cases[i].skip;
        assert_true(refused == cases[i].refused || (cases[i].ask == ask_file && refused == 1));
        (void)remove(tmpdir_join(dir, "out", path));
    }
    tmpdir_free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_server_that_asks_for_time_gets_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_time_that_is_asked_for_is_in_the_error_of_each_call,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
