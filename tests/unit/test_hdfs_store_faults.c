/* The HDFS store when NameNodes and DataNodes misbehave: rows C1-C15 of the failure model. */
#include "test.h"

#include "bounds.h"
#include "buf.h"
#include "fsutil.h"
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

static cairn_code put(webhdfs_world *w, const char *key, const char *text)
{
    return cairn_store_put(w->store, NULL, key, cairn_slice_of(text), CAIRN_PUT_CREATE, &w->err);
}

static cairn_code stat_key(webhdfs_world *w, const char *key)
{
    cairn_object_info info;

    return cairn_store_stat(w->store, NULL, key, &info, &w->err);
}

/* A rule that fails `times` requests of an operation. */
static script_rule failing(const char *method, unsigned times, unsigned status, const char *body)
{
    return (script_rule){
        .method = method, .times = times, .reply = {.status = status, .body = body}};
}

static void another_namenode_is_asked_and_kept(void **state)
{
    static const struct {
        unsigned status;
        const char *body;
        script_act act;
    } cases[] = {
        {403, WORLD_EXCEPTION("StandbyException", "not supported in state standby"), SCRIPT_REPLY},
        {403, WORLD_EXCEPTION("RetriableException", "startup mode"), SCRIPT_REPLY},
        {503, "<html>starting</html>", SCRIPT_REPLY},
        {500, "", SCRIPT_REPLY},
        {0, NULL, SCRIPT_RESET},
        {0, NULL, SCRIPT_CLOSE},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        webhdfs_world *w = renew(state);
        script_rule rule = failing(NULL, 0, cases[i].status, cases[i].body);
        rule.act = cases[i].act;
        w->two = true;
        script_server_expect(w->nn, &rule);
        webhdfs_world_open(w);

        ASSERT_CODE(stat_key(w, "none"), CAIRN_E_NOT_FOUND, &w->err);
        const size_t before = script_server_count(w->nn);
        ASSERT_OK(put(w, "k", "hello"), &w->err);
        ASSERT_OK(stat_key(w, "k"), &w->err);

        assert_int_equal(script_server_count(w->nn), before);
    }
}

static void all_namenodes_are_asked_once(void **state)
{
    webhdfs_world *w = *state;
    const script_rule standby =
        failing(NULL, 0, 403, WORLD_EXCEPTION("StandbyException", "standby"));
    w->two = true;
    script_server_expect(w->nn, &standby);
    script_server_expect(w->nn2, &standby);
    webhdfs_world_open(w);

    ASSERT_CODE(stat_key(w, "k"), CAIRN_E_UNAVAILABLE, &w->err);

    ASSERT_MESSAGE_HAS(&w->err, "StandbyException");
    assert_int_equal(script_server_count(w->nn) + script_server_count(w->nn2), 2);
}

static void safe_mode_is_waited_for_at_the_same_namenode(void **state)
{
    webhdfs_world *w = *state;
    const script_rule rule =
        failing("PUT", 0, 403, WORLD_EXCEPTION("SafeModeException", "Name node is in safe mode."));
    w->two = true;
    script_server_expect(w->nn, &rule);
    webhdfs_world_open(w);

    ASSERT_CODE(put(w, "k", "hello"), CAIRN_E_UNAVAILABLE, &w->err);

    ASSERT_MESSAGE_HAS(&w->err, "SafeModeException: Name node is in safe mode");
    assert_int_equal(script_server_count(w->nn2), 0);
}

static void what_a_namenode_says_is_what_the_call_gives(void **state)
{
    static const struct {
        unsigned status;
        const char *body;
        cairn_code code;
    } cases[] = {
        {404, WORLD_EXCEPTION("FileNotFoundException", "no"), CAIRN_E_NOT_FOUND},
        {404, "<html>HTTP ERROR 404 Not Found</html>", CAIRN_E_ACCESS},
        {404, "", CAIRN_E_ACCESS},
        {401, "<html>Authentication required</html>", CAIRN_E_ACCESS},
        {403, WORLD_EXCEPTION("AccessControlException", "Permission denied"), CAIRN_E_ACCESS},
        {403, WORLD_EXCEPTION("AccessControlException", "/a (is not a directory)"),
         CAIRN_E_NOT_FOUND},
        {403, WORLD_EXCEPTION("SecurityException", "x InvalidToken: y"), CAIRN_E_UNAVAILABLE},
        {400, "<h1>Bad Message 400</h1>", CAIRN_E_INVALID},
        {200, "<html>a proxy's page</html>", CAIRN_E_INTEGRITY},
        {200, "", CAIRN_E_INTEGRITY},
        {302, "", CAIRN_E_INCOMPATIBLE},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        webhdfs_world *w = renew(state);
        const script_rule rule = failing("GET", 0, cases[i].status, cases[i].body);
        script_server_expect(w->nn, &rule);
        webhdfs_world_open(w);
        ASSERT_CODE(stat_key(w, "k"), cases[i].code, &w->err);
    }
}

typedef struct upload_case {
    script_act act;
    uint64_t at;
    unsigned status;
    const char *body;
    cairn_code code;
} upload_case;

static const upload_case uploads[] = {
    {SCRIPT_RESET_REQUEST, 1, 0, NULL, CAIRN_E_UNAVAILABLE},
    {SCRIPT_RESET_REQUEST, 65536, 0, NULL, CAIRN_E_UNAVAILABLE},
    {SCRIPT_RESET_REQUEST, 299999, 0, NULL, CAIRN_E_UNAVAILABLE},
    {SCRIPT_RESET, 0, 201, "", CAIRN_E_UNAVAILABLE},
    {SCRIPT_CLOSE, 0, 201, "", CAIRN_E_UNAVAILABLE},
    {SCRIPT_CLOSE, 10, 201, "", CAIRN_E_UNAVAILABLE},
    {SCRIPT_REPLY, 0, 200, "", CAIRN_E_UNAVAILABLE},
    {SCRIPT_REPLY, 0, 307, "", CAIRN_E_INCOMPATIBLE},
    {SCRIPT_REPLY, 0, 403, WORLD_EXCEPTION("AlreadyBeingCreatedException", "x"),
     CAIRN_E_UNAVAILABLE},
    {SCRIPT_REPLY, 0, 403, WORLD_EXCEPTION("FileAlreadyExistsException", "x"), CAIRN_E_UNAVAILABLE},
    {SCRIPT_REPLY, 0, 404, WORLD_EXCEPTION("FileNotFoundException", "x"), CAIRN_E_UNAVAILABLE},
    {SCRIPT_REPLY, 0, 403, WORLD_EXCEPTION("EOFException", "End of File"), CAIRN_E_UNAVAILABLE},
    {SCRIPT_REPLY, 0, 403, WORLD_EXCEPTION("StandbyException", "x"), CAIRN_E_UNAVAILABLE},
    {SCRIPT_EARLY, 1000, 403, WORLD_EXCEPTION("DSQuotaExceededException", "quota"),
     CAIRN_E_NO_SPACE},
    {SCRIPT_EARLY, 0, 403, WORLD_EXCEPTION("AccessControlException", "denied"), CAIRN_E_ACCESS},
    {SCRIPT_REPLY, 0, 403, WORLD_EXCEPTION("ParentNotDirectoryException", "x"), CAIRN_E_INVALID},
    {SCRIPT_REPLY, 0, 500, "<html>oops</html>", CAIRN_E_UNAVAILABLE},
};

static void an_upload_that_is_not_acknowledged_is_no_object(void **state)
{
    static uint8_t bytes[300000];

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(uploads); i++) {
        const upload_case *c = &uploads[i];
        webhdfs_world *w = renew(state);
        const script_rule rule = {.method = "PUT",
                                  .act = c->act,
                                  .at = c->at,
                                  .expect = SCRIPT_EXPECT_ALWAYS,
                                  .reply = {.status = c->status, .body = c->body}};
        script_server_expect(w->dn, &rule);
        webhdfs_world_open(w);

        const cairn_code code = cairn_store_put(
            w->store, NULL, "a/k", (cairn_slice){bytes, sizeof(bytes)}, CAIRN_PUT_CREATE, &w->err);

        if (code != c->code) {
            print_error("case %zu\n", i);
        }
        ASSERT_CODE(code, c->code, &w->err);
        assert_int_equal(webhdfs_world_asked(w->nn, "RENAME"), 0);
        assert_in_range(webhdfs_world_asked(w->nn, "DELETE"), 1, CAIRN_HDFS_TRIES_MAX);
        ASSERT_CODE(stat_key(w, "a/k"), CAIRN_E_NOT_FOUND, &w->err);
    }
}

/* The DataNode makes the file after the DELETE. */
static void a_temporary_that_appears_late_is_removed(void **state)
{
    webhdfs_world *w = *state;
    const script_rule reset = {.method = "PUT", .act = SCRIPT_RESET};
    const script_rule early = {
        .method = "DELETE", .times = 1, .reply = {.body = "{\"boolean\":false}"}};
    script_server_expect(w->dn, &reset);
    script_server_expect(w->nn, &early);
    webhdfs_world_open(w);

    ASSERT_CODE(put(w, "k", "hello"), CAIRN_E_UNAVAILABLE, &w->err);

    assert_in_range(webhdfs_world_asked(w->nn, "DELETE"), 2, CAIRN_HDFS_TRIES_MAX);
}

static void an_upload_that_was_damaged_or_cut_is_no_object(void **state)
{
    for (unsigned flip = 0; flip < 2; flip++) {
        webhdfs_world *w = renew(state);
        w->store_at_most = 3;
        w->flip = flip != 0;
        webhdfs_world_open(w);

        ASSERT_CODE(put(w, "a/k", flip ? "abc" : "hello"), CAIRN_E_UNAVAILABLE, &w->err);

        ASSERT_MESSAGE_HAS(&w->err, flip ? "checksum" : "has 3 bytes there instead of 5");
        assert_int_equal(webhdfs_world_count(w), 0);
    }
}

static void only_201_says_that_an_upload_is_stored(void **state)
{
    webhdfs_world *w = *state;
    w->stored = 200;
    webhdfs_world_open(w);

    ASSERT_CODE(put(w, "a/k", "hello"), CAIRN_E_UNAVAILABLE, &w->err);

    assert_int_equal(webhdfs_world_asked(w->nn, "RENAME"), 0);
    assert_int_equal(webhdfs_world_count(w), 0);
}

static void a_lost_reply_of_rename_is_settled_by_the_file_id(void **state)
{
    webhdfs_world *w = *state;
    script_rule lost = {.method = "PUT", .skip = 1, .times = 1, .act = SCRIPT_CLOSE};
    webhdfs_world_lose_reply(w, &lost);
    webhdfs_world_open(w);

    ASSERT_OK(put(w, "k", "hello"), &w->err);

    assert_int_equal(webhdfs_world_asked(w->nn, "RENAME"), 2);
    assert_non_null(webhdfs_world_find(w, "/root/k"));
    assert_int_equal(webhdfs_world_count(w), 1);
}

static void a_lost_reply_of_rename_is_not_taken_for_ours_without_an_id(void **state)
{
    webhdfs_world *w = *state;
    script_rule lost = {.method = "PUT", .skip = 1, .times = 1, .act = SCRIPT_CLOSE};
    w->ids = false;
    webhdfs_world_lose_reply(w, &lost);
    webhdfs_world_open(w);

    ASSERT_CODE(put(w, "k", "hello"), CAIRN_E_EXISTS, &w->err);
}

/* Whoever has the name by now: a put that replaces meets no conflict. */
static void a_replacement_is_never_a_conflict(void **state)
{
    for (unsigned plain = 0; plain < 2; plain++) {
        webhdfs_world *w = renew(state);
        script_rule lost = {.method = "PUT", .skip = 1, .times = 1, .act = SCRIPT_CLOSE};
        w->ids = false;
        w->plain_rename = plain != 0;
        webhdfs_world_add(w, "/root/k", 3);
        webhdfs_world_lose_reply(w, &lost);
        webhdfs_world_open(w);

        ASSERT_CODE(
            cairn_store_put(w->store, NULL, "k", cairn_slice_of("new"), CAIRN_PUT_REPLACE, &w->err),
            plain ? CAIRN_E_INCOMPATIBLE : CAIRN_E_UNAVAILABLE, &w->err);

        assert_int_equal(webhdfs_world_count(w), 1);
    }
}

/* A gateway gives up waiting, the NameNode behind it does not. */
static void a_rename_that_a_gateway_gave_up_is_settled_too(void **state)
{
    webhdfs_world *w = *state;
    script_rule gave_up = {.method = "PUT", .skip = 1, .times = 1, .reply = {.status = 504}};
    webhdfs_world_lose_reply(w, &gave_up);
    webhdfs_world_open(w);

    ASSERT_OK(put(w, "k", "hello"), &w->err);

    assert_int_equal(webhdfs_world_asked(w->nn, "RENAME"), 2);
}

/* Of names with 128 random bits none is taken, and none is the key's. */
static void what_is_wrong_with_a_temporary_is_not_said_of_the_key(void **state)
{
    static const struct {
        const char *method;
        unsigned skip;
        unsigned status;
        const char *body;
    } cases[] = {
        {"PUT", 0, 403, WORLD_EXCEPTION("FileAlreadyExistsException", "x")},
        {"PUT", 0, 404, WORLD_EXCEPTION("FileNotFoundException", "x")},
        {"GET", 0, 404, WORLD_EXCEPTION("FileNotFoundException", "x")},
        {"GET", 1, 404, WORLD_EXCEPTION("FileNotFoundException", "x")},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        webhdfs_world *w = renew(state);
        script_rule rule = failing(cases[i].method, 1, cases[i].status, cases[i].body);
        rule.skip = cases[i].skip;
        script_server_expect(w->nn, &rule);
        webhdfs_world_open(w);

        ASSERT_CODE(put(w, "k", "hello"), CAIRN_E_UNAVAILABLE, &w->err);

        assert_int_equal(webhdfs_world_count(w), 0);
    }
}

static void a_rename_that_ignores_its_options_is_looked_at(void **state)
{
    webhdfs_world *w = *state;
    w->plain_rename = true;
    webhdfs_world_open(w);

    ASSERT_OK(put(w, "k", "hello"), &w->err);
    ASSERT_CODE(put(w, "k", "other"), CAIRN_E_EXISTS, &w->err);

    assert_int_equal(webhdfs_world_count(w), 1);
    assert_memory_equal(webhdfs_world_find(w, "/root/k")->bytes, "hello", 5);
}

static void a_redirect_to_a_foreign_host_is_not_taken(void **state)
{
    webhdfs_world *w = *state;
    script_server *foreign = NULL;
    char location[128];
    CAIRN_AUTO(cairn_buf) out = {0};
    assert_int_equal(script_server_new(NULL, &foreign), 0);
    (void)snprintf(location, sizeof(location), "http://localhost:%u", script_server_port(foreign));
    w->location = location;
    w->options.datanode_hosts = ".example.com,10.0.0.1";
    webhdfs_world_add(w, "/root/k", 5);
    webhdfs_world_open(w);

    ASSERT_CODE(put(w, "new", "hello"), CAIRN_E_ACCESS, &w->err);
    ASSERT_MESSAGE_HAS(&w->err, "localhost");
    ASSERT_CODE(cairn_store_get(w->store, NULL, "k", 10, &out, &w->err), CAIRN_E_ACCESS, &w->err);

    assert_int_equal(script_server_connections(foreign), 0);
    script_server_free(foreign);
}

static void a_token_is_in_no_message(void **state)
{
    webhdfs_world *w = *state;
    const script_rule rule = failing(
        "PUT", 0, 403, WORLD_EXCEPTION("InvalidToken", "GET /x?delegation=S3cretToken is expired"));
    w->options.auth = CAIRN_HDFS_AUTH_TOKEN;
    w->options.token = "S3cretToken";
    script_server_expect(w->dn, &rule);
    webhdfs_world_open(w);

    ASSERT_CODE(put(w, "k", "hello"), CAIRN_E_ACCESS, &w->err);

    assert_null(strstr(w->err.message, "S3cret"));
    const char *target = script_server_request(w->nn, 0)->target;
    assert_non_null(strstr(target, "&delegation=S3cretToken"));
    assert_null(strstr(target, "user.name"));
}

static void a_datanode_that_failed_is_passed_over(void **state)
{
    webhdfs_world *w = *state;
    CAIRN_AUTO(cairn_buf) out = {0};
    const script_rule reset = {.times = 1, .act = SCRIPT_RESET};
    webhdfs_world_add(w, "/root/k", 5);
    script_server_expect(w->dn, &reset);
    webhdfs_world_open(w);

    ASSERT_OK(cairn_store_get(w->store, NULL, "k", 10, &out, &w->err), &w->err);

    assert_int_equal(out.len, 5);
    assert_null(strstr(script_server_request(w->nn, 0)->target, "excludedatanodes"));
    assert_non_null(strstr(script_server_request(w->nn, 1)->target, "excludedatanodes=127.0.0.1"));
}

static void all_datanodes_are_forgiven_when_none_is_left(void **state)
{
    webhdfs_world *w = *state;
    CAIRN_AUTO(cairn_buf) out = {0};
    const script_rule reset = {.times = 1, .act = SCRIPT_RESET};
    const script_rule none = {
        .method = "GET",
        .skip = 1,
        .times = 1,
        .reply = {.status = 403,
                  .body = WORLD_EXCEPTION("IOException", "Failed to find datanode, suggest")}};
    webhdfs_world_add(w, "/root/k", 5);
    script_server_expect(w->dn, &reset);
    script_server_expect(w->nn, &none);
    webhdfs_world_open(w);

    ASSERT_OK(cairn_store_get(w->store, NULL, "k", 10, &out, &w->err), &w->err);

    assert_non_null(strstr(script_server_request(w->nn, 1)->target, "excludedatanodes"));
    assert_null(strstr(script_server_request(w->nn, 2)->target, "excludedatanodes"));
}

/* NameNodes ignore names in excludedatanodes. */
static void a_datanode_that_is_named_is_passed_over_by_its_address(void **state)
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
}

typedef struct seen_lines {
    char last[1000];
    unsigned count;
} seen_lines;

static void see_line(void *context, cairn_log_level level, const char *line)
{
    seen_lines *seen = context;

    assert_int_equal(level, CAIRN_LOG_WARN);
    (void)snprintf(seen->last, sizeof(seen->last), "%s", line);
    seen->count++;
}

/* What another DataNode mends is returned to nobody. */
static void a_datanode_that_fails_is_named_in_the_log(void **state)
{
    webhdfs_world *w = *state;
    CAIRN_AUTO(cairn_buf) out = {0};
    seen_lines seen = {.count = 0};
    char peer[64];
    script_rule cut = {.times = 1, .act = SCRIPT_CLOSE, .at = 512, .at_body = true};
    webhdfs_world_add(w, "/root/a/k", 1000);
    webhdfs_world_cut_reads(w, &cut);
    w->options.log = (cairn_log){see_line, &seen, CAIRN_LOG_WARN};
    webhdfs_world_open(w);

    ASSERT_OK(cairn_store_get(w->store, NULL, "a/k", 1000, &out, &w->err), &w->err);

    assert_int_equal(seen.count, 1);
    (void)snprintf(peer, sizeof(peer), "by DataNode %s failed: ", script_server_address(w->dn));
    assert_non_null(strstr(seen.last, "OPEN of /root/a/k "));
    assert_non_null(strstr(seen.last, peer));
}

static void a_read_that_is_cut_begins_anew(void **state)
{
    static const uint64_t places[] = {1, 5000, 99999};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(places); i++) {
        webhdfs_world *w = renew(state);
        CAIRN_AUTO(cairn_buf) out = {0};
        script_rule cut = {.times = 1, .act = SCRIPT_RESET, .at = places[i], .at_body = true};
        webhdfs_world_add(w, "/root/k", 100000);
        webhdfs_world_cut_reads(w, &cut);
        webhdfs_world_open(w);

        ASSERT_OK(cairn_store_get(w->store, NULL, "k", 100000, &out, &w->err), &w->err);

        assert_int_equal(out.len, 100000);
        assert_memory_equal(out.data, webhdfs_world_find(w, "/root/k")->bytes, 100000);
    }
}

static void a_read_that_is_cut_twice_at_one_byte_is_damage(void **state)
{
    webhdfs_world *w = *state;
    uint8_t bytes[10000];
    const cairn_memory_range range = {0, bytes, sizeof(bytes)};
    script_rule cut = {.act = SCRIPT_CLOSE, .at = 512, .at_body = true};
    webhdfs_world_add(w, "/root/k", sizeof(bytes));
    webhdfs_world_cut_reads(w, &cut);
    webhdfs_world_open(w);

    ASSERT_CODE(cairn_store_get_range(w->store, NULL, "k", &range, &w->err), CAIRN_E_INTEGRITY,
                &w->err);

    ASSERT_MESSAGE_HAS(&w->err, "get a range of k from");
    ASSERT_MESSAGE_HAS(&w->err, "from byte 512 on");
}

/* The only DataNode with the block is passed over, so that the NameNode has none to name. */
static void damage_of_the_only_replica_is_damage(void **state)
{
    webhdfs_world *w = *state;
    uint8_t bytes[10000];
    const cairn_memory_range range = {0, bytes, sizeof(bytes)};
    script_rule cut = {.act = SCRIPT_CLOSE, .at = 512, .at_body = true};
    script_rule none = failing(
        "GET", 1, 403, WORLD_EXCEPTION("IOException", "No active and not excluded nodes contain"));
    none.skip = 1;
    webhdfs_world_add(w, "/root/k", sizeof(bytes));
    webhdfs_world_cut_reads(w, &cut);
    script_server_expect(w->nn, &none);
    webhdfs_world_open(w);

    ASSERT_CODE(cairn_store_get_range(w->store, NULL, "k", &range, &w->err), CAIRN_E_INTEGRITY,
                &w->err);

    ASSERT_MESSAGE_HAS(&w->err, "from byte 512 on");
}

static void a_reply_without_length_that_ends_early_is_no_short_file(void **state)
{
    webhdfs_world *w = *state;
    uint8_t bytes[10];
    const cairn_memory_range range = {0, bytes, sizeof(bytes)};
    const script_rule cut = {.reply = {.body = "abc", .length = SCRIPT_LENGTH_NONE}};
    webhdfs_world_add(w, "/root/k", sizeof(bytes));
    script_server_expect(w->dn, &cut);
    webhdfs_world_open(w);

    ASSERT_CODE(cairn_store_get_range(w->store, NULL, "k", &range, &w->err), CAIRN_E_UNAVAILABLE,
                &w->err);
}

static void ranges_of_a_large_file_go_on_where_they_were_cut(void **state)
{
    webhdfs_world *w = *state;
    tmpdir *dir = tmpdir_new();
    const size_t size = (size_t)70 << 20;
    char path[TMPDIR_PATH_BYTES];
    CAIRN_AUTO(cairn_buf) found = {.limit = size};
    const cairn_file_range to = {tmpdir_join(dir, "out", path), 0, size, false, NULL};
    script_rule cut = {.times = 2, .act = SCRIPT_CLOSE, .at = 1000000, .at_body = true};
    bool went_on = false;
    webhdfs_world_add(w, "/root/big", size);
    webhdfs_world_cut_reads(w, &cut);
    webhdfs_world_open(w);

    ASSERT_OK(cairn_store_get_file(w->store, NULL, "big", &to, &w->err), &w->err);

    ASSERT_OK(fs_read_file(path, size, &found, &w->err), &w->err);
    assert_memory_equal(found.data, webhdfs_world_find(w, "/root/big")->bytes, size);
    for (size_t i = 0; i < script_server_count(w->nn); i++) {
        const char *target = script_server_request(w->nn, i)->target;
        went_on = went_on || strstr(target, "offset=1000000&") != NULL ||
                  strstr(target, "offset=34554432&") != NULL;
    }
    assert_true(went_on);
    tmpdir_free(dir);
}

static cairn_code count_key(void *context, const char *key, const cairn_object_info *info,
                            cairn_error *err)
{
    size_t *count = context;

    (void)key;
    (void)info;
    (void)err;
    ++*count;
    return CAIRN_OK;
}

#define ENTRY(name)           \
    "{\"pathSuffix\":\"" name \
    "\",\"type\":\"FILE\",\"length\":1,\"modificationTime\":1,\"blockSize\":1,\"fileId\":1}"
#define LISTING(entries, remaining)                                                         \
    "{\"DirectoryListing\":{\"partialListing\":{\"FileStatuses\":{\"FileStatus\":[" entries \
    "]}},\"remainingEntries\":" remaining "}}"

static void a_listing_that_does_not_advance_is_an_error(void **state)
{
    static const struct {
        const char *body;
        cairn_code code;
    } cases[] = {
        {LISTING(ENTRY("a") "," ENTRY("b"), "2"), CAIRN_E_INTEGRITY},
        {LISTING("", "2"), CAIRN_E_INTEGRITY},
        {LISTING(ENTRY("b") "," ENTRY("a"), "0"), CAIRN_E_INTEGRITY},
        {LISTING(ENTRY("a") "," ENTRY("a"), "0"), CAIRN_E_INTEGRITY},
        {LISTING(ENTRY("a/b"), "0"), CAIRN_E_INTEGRITY},
        {"<html>sorry</html>", CAIRN_E_INTEGRITY},
        {"{\"FileStatuses\":{\"FileStatus\":[]}}", CAIRN_E_INTEGRITY},
        {LISTING(ENTRY("a") "," ENTRY("b"), "0"), CAIRN_OK},
    };

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(cases); i++) {
        webhdfs_world *w = renew(state);
        const script_rule rule = failing("GET", 0, 200, cases[i].body);
        size_t count = 0;
        script_server_expect(w->nn, &rule);
        webhdfs_world_open(w);

        ASSERT_CODE(cairn_store_list(w->store, NULL, "", count_key, &count, &w->err), cases[i].code,
                    &w->err);
        assert_in_range(script_server_count(w->nn), 1, 2);
    }
}

#define CASE(run) cmocka_unit_test_setup_teardown(run, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(another_namenode_is_asked_and_kept),
        CASE(all_namenodes_are_asked_once),
        CASE(safe_mode_is_waited_for_at_the_same_namenode),
        CASE(what_a_namenode_says_is_what_the_call_gives),
        CASE(an_upload_that_is_not_acknowledged_is_no_object),
        CASE(a_temporary_that_appears_late_is_removed),
        CASE(an_upload_that_was_damaged_or_cut_is_no_object),
        CASE(only_201_says_that_an_upload_is_stored),
        CASE(a_lost_reply_of_rename_is_settled_by_the_file_id),
        CASE(a_lost_reply_of_rename_is_not_taken_for_ours_without_an_id),
        CASE(a_replacement_is_never_a_conflict),
        CASE(a_rename_that_a_gateway_gave_up_is_settled_too),
        CASE(what_is_wrong_with_a_temporary_is_not_said_of_the_key),
        CASE(a_rename_that_ignores_its_options_is_looked_at),
        CASE(a_redirect_to_a_foreign_host_is_not_taken),
        CASE(a_token_is_in_no_message),
        CASE(a_datanode_that_failed_is_passed_over),
        CASE(all_datanodes_are_forgiven_when_none_is_left),
        CASE(a_datanode_that_is_named_is_passed_over_by_its_address),
        CASE(a_datanode_that_fails_is_named_in_the_log),
        CASE(a_read_that_is_cut_begins_anew),
        CASE(a_read_that_is_cut_twice_at_one_byte_is_damage),
        CASE(damage_of_the_only_replica_is_damage),
        CASE(a_reply_without_length_that_ends_early_is_no_short_file),
        CASE(ranges_of_a_large_file_go_on_where_they_were_cut),
        CASE(a_listing_that_does_not_advance_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
