/* What the HDFS store finds out about its server. */
#include "test.h"

#include "buf.h"
#include "hdfs_store.h"
#include "webhdfs_world.h"

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

static void keep_finding(void *context, const cairn_finding *finding)
{
    cairn_buf *all = context;

    assert_null(strpbrk(finding->detail, "\r\n"));
    ASSERT_OK(buf_printf(all, NULL, "%s=%d ", finding->name, (int)finding->verdict), NULL);
}

static const char *examine(webhdfs_world *w, cairn_buf *all)
{
    void *self = cairn_store_self(w->store, hdfs_store_free);
    const cairn_call call = {cairn_deadline_in(60000), NULL};

    assert_non_null(self);
    ASSERT_OK(hdfs_examine(self, &call, "doctor/x", keep_finding, all, &w->err), &w->err);
    return buf_text(all);
}

static void a_sound_server_is_found_sound(void **state)
{
    webhdfs_world *w = *state;
    CAIRN_AUTO(cairn_buf) all = {0};
    webhdfs_world_open(w);

    const char *found = examine(w, &all);

    /* The small HDFS knows neither blocks nor quotas, and its clock stands. */
    assert_string_equal(found, "hdfs-write=0 hdfs-rename-race=0 hdfs-replication=3 hdfs-clock=1 "
                               "hdfs-quota=3 ");
    assert_int_equal(webhdfs_world_count(w), 0);
}

static void a_rename_that_ignores_its_options_is_bad(void **state)
{
    webhdfs_world *w = *state;
    CAIRN_AUTO(cairn_buf) all = {0};
    w->plain_rename = true;
    webhdfs_world_open(w);

    assert_non_null(strstr(examine(w, &all), "hdfs-rename-race=2 "));
    assert_int_equal(webhdfs_world_count(w), 0);
}

static void a_server_that_takes_no_writes_is_bad(void **state)
{
    static const struct {
        const char *body;
        const char *finding;
    } cases[] = {
        {WORLD_EXCEPTION("SafeModeException", "in safe mode"), "hdfs-safe-mode=2 "},
        {WORLD_EXCEPTION("AccessControlException", "denied"), "hdfs-permission=2 "},
        {WORLD_EXCEPTION("DSQuotaExceededException", "quota"), "hdfs-quota=2 "},
        {WORLD_EXCEPTION("IOException", "whatever"), "hdfs-write=2 "},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        CAIRN_AUTO(cairn_buf) all = {0};
        const script_rule rule = {.method = "PUT", .reply = {.status = 403, .body = cases[i].body}};
        webhdfs_world *w = renew(state);
        assert_non_null(w);
        script_server_expect(w->nn, &rule);
        webhdfs_world_open(w);

        assert_string_equal(examine(w, &all), cases[i].finding);
    }
}

static void a_root_that_is_missing_is_told_and_not_made(void **state)
{
    webhdfs_world *w = *state;
    CAIRN_AUTO(cairn_buf) all = {0};
    w->no_root = true;
    w->options.create_root = false;
    webhdfs_world_open(w);

    assert_string_equal(examine(w, &all), "hdfs-write=2 ");

    assert_int_equal(webhdfs_world_asked(w->nn, "CREATE"), 0);
    assert_int_equal(webhdfs_world_asked(w->nn, "MKDIRS"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sound_server_is_found_sound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_rename_that_ignores_its_options_is_bad, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_server_that_takes_no_writes_is_bad, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_root_that_is_missing_is_told_and_not_made, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
