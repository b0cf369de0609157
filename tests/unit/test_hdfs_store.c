/* The HDFS store on a small HDFS of scripted servers: what it asks, in which order, and no more. */
#include "test.h"

#include "bounds.h"
#include "buf.h"
#include "fsutil.h"
#include "tmpdir.h"
#include "webhdfs.h"
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

static cairn_code put(webhdfs_world *w, const char *key, const char *text, cairn_put_mode mode)
{
    return cairn_store_put(w->store, NULL, key, cairn_slice_of(text), mode, &w->err);
}

static void expect_text(const webhdfs_world *w, const char *path, const char *text)
{
    const world_file *file = webhdfs_world_find(w, path);

    assert_non_null(file);
    assert_int_equal(file->len, strlen(text));
    assert_memory_equal(file->bytes, text, file->len);
}

static void expect_ops(script_server *server, const char *const *ops, size_t count)
{
    assert_int_equal(script_server_count(server), count);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(strstr(script_server_request(server, i)->target, ops[i]));
    }
}

static void a_put_asks_the_namenode_four_times(void **state)
{
    static const char *const at_nn[] = {"?op=CREATE&overwrite=false&user.name=alice",
                                        "?op=GETFILESTATUS&", "?op=GETFILECHECKSUM&",
                                        "&destination=%2Froot%2Fa%2Fk&renameoptions=NONE"};
    static const char *const at_dn[] = {"?op=CREATE&", "?op=GETFILECHECKSUM&"};
    webhdfs_world *w = *state;
    char value[64];
    webhdfs_world_open(w);

    ASSERT_OK(put(w, "a/k", "hello", CAIRN_PUT_CREATE), &w->err);

    expect_text(w, "/root/a/k", "hello");
    expect_ops(w->nn, at_nn, CAIRN_ARRAY_LEN(at_nn));
    expect_ops(w->dn, at_dn, CAIRN_ARRAY_LEN(at_dn));
    const script_request *create = script_server_request(w->nn, 0);
    assert_int_equal(create->body_total, 0);
    assert_int_equal(strncmp(create->target, "/webhdfs/v1/root/a/.tmp-", 24), 0);
    assert_true(script_request_header(create, "x-xsrf-header", value, sizeof(value)));
    const script_request *upload = script_server_request(w->dn, 0);
    assert_true(script_request_header(upload, "content-type", value, sizeof(value)));
    assert_string_equal(value, "application/octet-stream");
    assert_false(script_request_header(upload, "expect", value, sizeof(value)));
    /* On a kept connection libcurl might send a RENAME twice. */
    const unsigned kept = script_server_request(w->nn, 2)->connection;
    assert_int_equal(create->connection, kept);
    assert_int_not_equal(script_server_request(w->nn, 3)->connection, kept);
    assert_int_equal(webhdfs_world_count(w), 1);
}

static void options_of_a_file_go_with_its_creation(void **state)
{
    webhdfs_world *w = *state;
    w->options.block_bytes = 1048576;
    w->options.replication = 3;
    w->options.sync_block = true;
    w->options.check_checksum = false;
    w->options.do_as = "bob";
    webhdfs_world_open(w);

    ASSERT_OK(put(w, "k", "x", CAIRN_PUT_REPLACE), &w->err);

    assert_non_null(strstr(script_server_request(w->nn, 0)->target,
                           "&blocksize=1048576&replication=3&createflag=create%2Csync_block"
                           "&user.name=alice&doas=bob"));
    assert_non_null(strstr(script_server_request(w->nn, 2)->target, "&renameoptions=OVERWRITE"));
    assert_int_equal(script_server_count(w->nn), 3);
}

static void create_only_and_replace_are_the_renames(void **state)
{
    webhdfs_world *w = *state;
    webhdfs_world_open(w);
    ASSERT_OK(put(w, "k", "one", CAIRN_PUT_CREATE), &w->err);

    ASSERT_CODE(put(w, "k", "two", CAIRN_PUT_CREATE), CAIRN_E_EXISTS, &w->err);
    expect_text(w, "/root/k", "one");
    ASSERT_OK(put(w, "k", "three", CAIRN_PUT_REPLACE), &w->err);

    expect_text(w, "/root/k", "three");
    assert_int_equal(webhdfs_world_count(w), 1);
}

static void a_key_that_is_a_folder_is_refused(void **state)
{
    webhdfs_world *w = *state;
    cairn_object_info info;
    webhdfs_world_add(w, "/root/a/b", 3);
    webhdfs_world_open(w);

    ASSERT_CODE(put(w, "a", "x", CAIRN_PUT_REPLACE), CAIRN_E_INVALID, &w->err);
    ASSERT_CODE(cairn_store_stat(w->store, NULL, "a", &info, &w->err), CAIRN_E_NOT_FOUND, &w->err);
    ASSERT_OK(cairn_store_delete(w->store, NULL, "a", &w->err), &w->err);

    assert_non_null(webhdfs_world_find(w, "/root/a/b"));
    assert_int_equal(webhdfs_world_count(w), 1);
}

static void deleting_the_last_object_deletes_its_folders(void **state)
{
    webhdfs_world *w = *state;
    webhdfs_world_add(w, "/root/a/b/c", 1);
    webhdfs_world_add(w, "/root/a/d", 1);
    webhdfs_world_open(w);

    ASSERT_OK(cairn_store_delete(w->store, NULL, "a/b/c", &w->err), &w->err);

    /* /root/a/b of the fake is gone with its file; /root/a is not empty and ends it. */
    assert_int_equal(webhdfs_world_asked(w->nn, "DELETE"), 3);
    assert_null(strstr(script_server_request(w->nn, 2)->target, "recursive=true"));
    assert_non_null(webhdfs_world_find(w, "/root/a/d"));
}

static cairn_code keep_key(void *context, const char *key, const cairn_object_info *info,
                           cairn_error *err)
{
    cairn_buf *keys = context;

    return buf_printf(keys, err, "%s=%d ", key, (int)info->size);
}

static void a_listing_walks_folders_page_by_page(void **state)
{
    webhdfs_world *w = *state;
    CAIRN_AUTO(cairn_buf) all = {0};
    CAIRN_AUTO(cairn_buf) some = {0};
    for (unsigned i = 0; i < 7; i++) {
        char path[64];
        (void)snprintf(path, sizeof(path), "/root/a/f%u", i);
        webhdfs_world_add(w, path, i);
    }
    webhdfs_world_add(w, "/root/a/f2x/.tmp-0123", 1);
    webhdfs_world_add(w, "/root/a/f2x/y%3Az", 9);
    webhdfs_world_add(w, "/root/b", 8);
    webhdfs_world_open(w);

    ASSERT_OK(cairn_store_list(w->store, NULL, "", keep_key, &all, &w->err), &w->err);
    ASSERT_OK(cairn_store_list(w->store, NULL, "a/f2", keep_key, &some, &w->err), &w->err);

    assert_string_equal(buf_text(&all),
                        "a/f0=0 a/f1=1 a/f2=2 a/f2x/y:z=9 a/f3=3 a/f4=4 a/f5=5 a/f6=6 b=8 ");
    assert_string_equal(buf_text(&some), "a/f2=2 a/f2x/y:z=9 ");
}

static void a_checksum_without_a_block_size_proves_nothing_and_refuses_nothing(void **state)
{
    webhdfs_world *w = *state;
    w->no_blocks = true;
    webhdfs_world_open(w);

    ASSERT_OK(put(w, "k", "hello", CAIRN_PUT_CREATE), &w->err);

    assert_int_equal(webhdfs_world_asked(w->nn, "GETFILECHECKSUM"), 1);
}

/* Another thread finds out that the gateway answers in one step while this request is under way:
 * its reply did not go where the data was to go. */
static void data_that_went_to_nobody_is_asked_for_again(void **state)
{
    static const char *const namenodes[] = {"http://127.0.0.1:1", NULL};
    static uint8_t bytes[3];
    webhdfs web = {.prefix = NULL};
    CAIRN_AUTO(webhdfs_flight) flight = {.request = NULL};
    const webhdfs_request request = {
        .op = CAIRN_WEBHDFS_OPEN,
        .path = "/k",
        .sink = {.kind = CAIRN_HTTP_SINK_MEMORY, .data = bytes, .length = sizeof(bytes)}};
    bool more = true;
    (void)state;
    web.prefix = mem_strdup("/webhdfs/v1");
    ASSERT_OK(hdfs_namenodes_init(&web.namenodes, namenodes, NULL), NULL);
    ASSERT_OK(hdfs_datanodes_init(&web.datanodes, NULL, NULL), NULL);
    ASSERT_OK(webhdfs_depart(&web, &request, &flight, NULL), NULL);
    assert_int_equal(flight.exchange.sink.kind, CAIRN_HTTP_SINK_BODY);

    web.one_step = true;
    flight.exchange.reply.status = 200;

    ASSERT_CODE(webhdfs_arrive(&web, &flight, CAIRN_OK, NULL, &more, NULL), CAIRN_E_UNAVAILABLE,
                NULL);
    assert_false(more);
    ASSERT_OK(webhdfs_depart(&web, &request, &flight, NULL), NULL);
    assert_ptr_equal(flight.exchange.sink.data, bytes);
    webhdfs_flight_release(&flight);
    hdfs_namenodes_release(&web.namenodes);
    mem_free(web.prefix);
}

static void a_gateway_that_answers_in_one_step_is_served(void **state)
{
    webhdfs_world *w = *state;
    CAIRN_AUTO(cairn_buf) out = {0};
    w->one_step = true;
    webhdfs_world_open(w);

    ASSERT_OK(put(w, "k", "hello", CAIRN_PUT_CREATE), &w->err);
    ASSERT_OK(cairn_store_get(w->store, NULL, "k", 100, &out, &w->err), &w->err);

    assert_true(cairn_slice_equal(cairn_buf_slice(&out), cairn_slice_of("hello")));
    assert_int_equal(script_server_connections(w->dn), 0);
    assert_int_equal(webhdfs_world_count(w), 1);
}

static void a_location_in_json_is_followed(void **state)
{
    webhdfs_world *w = *state;
    CAIRN_AUTO(cairn_buf) out = {0};
    w->json_location = true;
    webhdfs_world_open(w);

    ASSERT_OK(put(w, "k", "hello", CAIRN_PUT_CREATE), &w->err);
    ASSERT_OK(cairn_store_get(w->store, NULL, "k", 100, &out, &w->err), &w->err);

    assert_true(cairn_slice_equal(cairn_buf_slice(&out), cairn_slice_of("hello")));
    assert_int_equal(webhdfs_world_asked(w->dn, "OPEN"), 1);
}

static void a_map_of_datanodes_tells_where_to_connect(void **state)
{
    webhdfs_world *w = *state;
    char map[128];
    char host[64];
    (void)snprintf(map, sizeof(map), "dn9:1=127.0.0.1:2,dn7.invalid:9864=%s",
                   script_server_address(w->dn));
    w->options.datanode_map = map;
    w->location = "http://DN7.invalid:9864";
    webhdfs_world_open(w);

    ASSERT_OK(put(w, "k", "hello", CAIRN_PUT_CREATE), &w->err);

    assert_true(script_request_header(script_server_request(w->dn, 0), "host", host, sizeof(host)));
    assert_string_equal(host, "DN7.invalid:9864");
}

static void a_large_file_comes_in_ranges_of_blocks(void **state)
{
    webhdfs_world *w = *state;
    tmpdir *dir = tmpdir_new();
    const size_t size = (size_t)100 << 20;
    char path[TMPDIR_PATH_BYTES];
    CAIRN_AUTO(cairn_buf) found = {.limit = size};
    const cairn_file_range to = {tmpdir_join(dir, "out", path), 1000, size - 1001, false, NULL};
    webhdfs_world_add(w, "/root/big", size);
    webhdfs_world_open(w);

    ASSERT_OK(cairn_store_get_file(w->store, NULL, "big", &to, &w->err), &w->err);

    ASSERT_OK(fs_read_file(path, size, &found, &w->err), &w->err);
    assert_int_equal(found.len, to.length);
    assert_memory_equal(found.data, webhdfs_world_find(w, "/root/big")->bytes + 1000, found.len);
    assert_int_equal(webhdfs_world_asked(w->nn, "OPEN"), 4);
    assert_int_equal(webhdfs_world_asked(w->nn, "GETFILESTATUS"), 2);
    bool asked = false; /* side by side, so in any order */
    for (size_t i = 0; i < script_server_count(w->nn); i++) {
        const char *target = script_server_request(w->nn, i)->target;
        asked = asked || strstr(target, "offset=33554432&length=33554") != NULL;
    }
    assert_true(asked);
    tmpdir_free(dir);
}

#define OWN   "/.tmp-0123456789abcdef0123456789abcdef"
#define OTHER "/.tmp-0123456789abcdeffedcba9876543210"

static void a_sweep_removes_old_temporaries_only(void **state)
{
    webhdfs_world *w = *state;
    uint64_t removed = 0;
    webhdfs_world_add(w, "/root/a" OWN, 1);
    webhdfs_world_add(w, "/root/a/k", 1);
    webhdfs_world_add(w, "/root" OTHER, 1);
    webhdfs_world_open(w);

    ASSERT_OK(cairn_hdfs_sweep(w->store, NULL, WORLD_NOW_MS - WORLD_OLD_MS + 1, &removed, &w->err),
              &w->err);
    assert_int_equal(removed, 0);
    ASSERT_OK(cairn_hdfs_sweep(w->store, NULL, WORLD_NOW_MS - WORLD_OLD_MS, &removed, &w->err),
              &w->err);

    assert_int_equal(removed, 2);
    assert_non_null(webhdfs_world_find(w, "/root/a/k"));
    assert_int_equal(webhdfs_world_count(w), 1);
}

static void a_sweep_takes_only_names_of_its_own(void **state)
{
    static const char *const others[] = {
        "/root/.tmp-old",
        "/root/.tmp-",
        "/root/.tmp-0123456789abcdef0123456789abcde",
        "/root/.tmp-0123456789abcdef0123456789abcdef0",
        "/root/.tmp-0123456789ABCDEF0123456789ABCDEF",
        "/root/.tmp-0123456789abcdef-0123456789abcdef",
        "/root/.tmp-clock-0123456789abcdef0",
        "/root/.tmp-clock-0123456789abcde",
        "/root/a/.tmp-upload.0123456789abcdef",
    };
    webhdfs_world *w = *state;
    uint64_t removed = 0;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(others); i++) {
        webhdfs_world_add(w, others[i], 1);
    }
    webhdfs_world_add(w, "/root/a" OWN, 1);
    webhdfs_world_add(w, "/root/.tmp-clock-0123456789abcdef", 1);
    webhdfs_world_open(w);

    ASSERT_OK(cairn_hdfs_sweep(w->store, NULL, 1, &removed, &w->err), &w->err);

    assert_int_equal(removed, 2);
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(others); i++) {
        assert_non_null(webhdfs_world_find(w, others[i]));
    }
}

static void a_sweep_finds_what_a_put_has_left(void **state)
{
    webhdfs_world *w = *state;
    uint64_t removed = 0;
    const script_rule stays = {.method = "DELETE", .times = 1, .reply = {.status = 500}};
    script_server_expect(w->nn, &stays);
    w->store_at_most = 1;
    webhdfs_world_open(w);
    ASSERT_CODE(put(w, "a/k", "hello", CAIRN_PUT_CREATE), CAIRN_E_UNAVAILABLE, &w->err);
    assert_int_equal(webhdfs_world_count(w), 1);

    ASSERT_OK(cairn_hdfs_sweep(w->store, NULL, 0, &removed, &w->err), &w->err);

    assert_int_equal(removed, 1);
    assert_int_equal(webhdfs_world_count(w), 0);
}

/* One of another user, who may not be asked, does not hold up those behind it, and is told. */
static void a_sweep_goes_on_behind_what_it_may_not_remove(void **state)
{
    webhdfs_world *w = *state;
    const script_rule denied = {
        .method = "DELETE",
        .skip = 1, /* that of the folder which tells the time */
        .times = 1,
        .reply = {.status = 403,
                  .body = WORLD_EXCEPTION("AccessControlException", "Permission denied")}};
    script_server_expect(w->nn, &denied);
    webhdfs_world_add(w, "/root/a" OWN, 1);
    webhdfs_world_add(w, "/root" OTHER, 1);
    webhdfs_world_open(w);

    ASSERT_CODE(cairn_hdfs_sweep(w->store, NULL, 1, NULL, &w->err), CAIRN_E_ACCESS, &w->err);

    ASSERT_MESSAGE_HAS(&w->err, "Permission denied");
    assert_int_equal(webhdfs_world_count(w), 1);
}

static void a_sweep_makes_no_root_that_is_missing(void **state)
{
    webhdfs_world *w = *state;
    uint64_t removed = 7;
    w->no_root = true;
    webhdfs_world_open(w);

    ASSERT_OK(cairn_hdfs_sweep(w->store, NULL, 1, &removed, &w->err), &w->err);

    assert_int_equal(removed, 0);
    assert_int_equal(webhdfs_world_asked(w->nn, "MKDIRS"), 0);
    assert_int_equal(script_server_count(w->nn), 1);
}

static void a_put_makes_a_missing_root_only_if_it_may(void **state)
{
    webhdfs_world *w = *state;
    w->no_root = true;
    w->options.create_root = false;
    webhdfs_world_open(w);

    ASSERT_CODE(put(w, "k", "hello", CAIRN_PUT_CREATE), CAIRN_E_NOT_FOUND, &w->err);
    ASSERT_MESSAGE_HAS(&w->err, "/root, is not there");
    assert_int_equal(webhdfs_world_asked(w->nn, "CREATE"), 0);
    w->no_root = false;
    ASSERT_OK(put(w, "k", "hello", CAIRN_PUT_CREATE), &w->err);
    const size_t asked = webhdfs_world_asked(w->nn, "GETFILESTATUS");
    ASSERT_OK(put(w, "l", "hello", CAIRN_PUT_CREATE), &w->err);

    /* Once there, it is not asked for again: the one is for the length. */
    assert_int_equal(webhdfs_world_asked(w->nn, "GETFILESTATUS"), asked + 1);
}

static void a_folder_of_somebody_that_looks_like_a_temporary_stays(void **state)
{
    webhdfs_world *w = *state;
    uint64_t removed = 0;
    webhdfs_world_add(w, "/root" OTHER "/file", 1);
    webhdfs_world_add(w, "/root/a" OWN, 1);
    webhdfs_world_open(w);

    ASSERT_OK(cairn_hdfs_sweep(w->store, NULL, 1, &removed, &w->err), &w->err);

    assert_int_equal(removed, 1);
    assert_non_null(webhdfs_world_find(w, "/root" OTHER "/file"));
}

static void the_clocks_folder_goes_whatever_happens(void **state)
{
    webhdfs_world *w = *state;
    const script_rule fails = {
        .method = "GET",
        .skip = 1, /* is the root there? */
        .times = 1,
        .reply = {.status = 403, .body = WORLD_EXCEPTION("AccessControlException", "denied")}};
    /* libcurl asks once more by itself, on another connection. */
    script_rule lost = {.method = "PUT", .times = 2, .act = SCRIPT_CLOSE};
    webhdfs_world_lose_reply(w, &lost);
    script_server_expect(w->nn, &fails);
    webhdfs_world_open(w);

    ASSERT_CODE(cairn_hdfs_sweep(w->store, NULL, 1, NULL, &w->err), CAIRN_E_UNAVAILABLE, &w->err);
    assert_int_equal(webhdfs_world_count(w), 0);
    ASSERT_CODE(cairn_hdfs_sweep(w->store, NULL, 1, NULL, &w->err), CAIRN_E_ACCESS, &w->err);

    assert_int_equal(webhdfs_world_count(w), 0);
}

static void options_that_do_not_fit_are_refused(void **state)
{
    static const char *const nn[] = {"http://127.0.0.1:1", NULL};
    static const char *const with_path[] = {"http://127.0.0.1:1/webhdfs/v1", NULL};
    static const char *const none[] = {NULL};
    const cairn_hdfs_options good = {.version = CAIRN_HDFS_OPTIONS_VERSION,
                                     .namenodes = nn,
                                     .root = "/a",
                                     .path_prefix = "/webhdfs/v1",
                                     .user = "alice"};
    cairn_hdfs_options bad[12];
    (void)state;
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(bad); i++) {
        bad[i] = good;
    }
    bad[0].version = 9;
    bad[1].namenodes = none;
    bad[2].namenodes = with_path;
    bad[3].root = "a";
    bad[4].root = "/a/../b";
    bad[5].root = NULL;
    bad[6].user = "al ice";
    bad[7].block_bytes = 1000;
    bad[8].token = "T";
    bad[9].datanode_map = "dn:1";
    bad[10].path_prefix = "webhdfs";
    bad[11].do_as = "0bob";

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(bad); i++) {
        cairn_store *store = NULL;
        cairn_error err = {0};
        ASSERT_CODE(cairn_hdfs_store_new(&bad[i], &store, &err), CAIRN_E_INVALID, &err);
        assert_null(store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_put_asks_the_namenode_four_times, set_up, tear_down),
        cmocka_unit_test_setup_teardown(options_of_a_file_go_with_its_creation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(create_only_and_replace_are_the_renames, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_that_is_a_folder_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(deleting_the_last_object_deletes_its_folders, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_listing_walks_folders_page_by_page, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_checksum_without_a_block_size_proves_nothing_and_refuses_nothing, set_up, tear_down),
        cmocka_unit_test(data_that_went_to_nobody_is_asked_for_again),
        cmocka_unit_test_setup_teardown(a_gateway_that_answers_in_one_step_is_served, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_location_in_json_is_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_map_of_datanodes_tells_where_to_connect, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_large_file_comes_in_ranges_of_blocks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_sweep_removes_old_temporaries_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_sweep_takes_only_names_of_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_sweep_finds_what_a_put_has_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_sweep_goes_on_behind_what_it_may_not_remove, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_sweep_makes_no_root_that_is_missing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_put_makes_a_missing_root_only_if_it_may, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_folder_of_somebody_that_looks_like_a_temporary_stays,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_clocks_folder_goes_whatever_happens, set_up, tear_down),
        cmocka_unit_test(options_that_do_not_fit_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
