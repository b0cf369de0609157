/*
 * A token is a bearer's secret: it is in no error and no log line, whatever a server, a gateway or
 * a redirect repeats of it, at whichever step.
 */
#include "test.h"

#include "bounds.h"
#include "buf.h"
#include "fsutil.h"
#include "hdfs_store.h"
#include "tmpdir.h"
#include "webhdfs_world.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define CANARY "cAnArY"
#define TOKEN  CANARY "0123456789-_abcdefghijklmnop"

/* What the sink saw; lines may come from any thread. */
static atomic_uint leaked;
static atomic_uint lines;

static void see_line(void *context, cairn_log_level level, const char *line)
{
    (void)context;
    (void)level;
    lines++;
    leaked += strstr(line, CANARY) != NULL ? 1 : 0;
}

/* A reply that repeats the token, which is TOKEN in each of these. */
typedef struct echo {
    unsigned status;
    const char *body;
    const char *header; /* may be NULL */
} echo;

#define URL "/webhdfs/v1/root/k?op=OPEN&delegation=" TOKEN "&offset=1"

static const echo echoes[] = {
    {403, WORLD_EXCEPTION("InvalidToken", "GET " URL " is expired"), NULL},
    {403, WORLD_EXCEPTION("IOException", "the token " TOKEN " is not known"), NULL},
    {403, WORLD_EXCEPTION("SecurityException", "InvalidToken: " TOKEN), NULL},
    {403, WORLD_EXCEPTION(TOKEN, "as a class"), NULL},
    {404, WORLD_EXCEPTION("FileNotFoundException", "delegation%3D" TOKEN), NULL},
    {403, WORLD_EXCEPTION("StandbyException", "token=" TOKEN), NULL},
    {503, WORLD_EXCEPTION("RetriableException", TOKEN), NULL},
    {400, "<html>Bad Message " URL "</html>", NULL},
    {401, "<html>" URL "</html>", "WWW-Authenticate: Negotiate " TOKEN "\r\n"},
    {500, "{\"RemoteException\":{\"exception\":\"" TOKEN, NULL},
    {200, "{\"FileStatus\":{\"type\":\"" TOKEN "\",\"length\":\"" TOKEN "\"}}", NULL},
    {200, "{\"" TOKEN "\":\"" TOKEN "\"}", "Content-Type: application/json\r\n"},
    {200, "{\"Location\":\"ftp://x" URL "\"}", "Content-Type: application/json\r\n"},
    {307, "", NULL},
    {307, "", "Location: http://" TOKEN "@127.0.0.1" URL "\r\n"},
    {307, "", "Location: http://evil.invalid:1" URL "\r\n"},
    {307, "", "Location: http://127.0.0.1:1/other?delegation=" TOKEN "\r\n"},
    {307, "", "Location: http://127.0.0.1:0" URL "\r\n"},
    {307, "", "Location: gopher://127.0.0.1:1" URL "\r\n"},
    {307, "", "Location: http://127.0.0.1:1/" TOKEN "#" TOKEN "\r\n"},
    {302, "", "Location: " URL "\r\n"},
    {201, TOKEN, NULL},
};

typedef struct fault {
    script_act act;
    uint64_t at;
    bool at_datanode;
} fault;

/* A NameNode that is silent makes each clean-up last as long as it may. */
static const fault faults[] = {
    {SCRIPT_RESET, 0, false}, {SCRIPT_CLOSE, 0, false}, {SCRIPT_CLOSE, 20, false},
    {SCRIPT_RESET, 0, true},  {SCRIPT_CLOSE, 20, true}, {SCRIPT_STALL, 0, true},
};

static webhdfs_world *open_world(const script_rule *nn, const script_rule *dn)
{
    webhdfs_world *w = webhdfs_world_new();

    w->two = true;
    w->options.user = NULL;
    w->options.auth = CAIRN_HDFS_AUTH_TOKEN;
    w->options.token = TOKEN;
    w->options.datanode_hosts = "127.0.0.1";
    w->options.log = (cairn_log){see_line, NULL, CAIRN_LOG_DEBUG};
    webhdfs_world_add(w, "/root/k", 5);
    webhdfs_world_add(w, "/root/.tmp-0123456789abcdef0123456789abcdef", 5);
    if (nn != NULL) {
        script_server_expect(w->nn, nn);
        script_server_expect(w->nn2, nn);
    }
    if (dn != NULL) {
        script_server_expect(w->dn, dn);
    }
    webhdfs_world_open(w);
    return w;
}

static void expect_no_token(webhdfs_world *w)
{
    if (strstr(w->err.message, CANARY) != NULL) {
        print_error("leaked: %s\n", w->err.message);
    }
    assert_null(strstr(w->err.message, CANARY));
    w->err = (cairn_error){0};
}

static cairn_code see_key(void *context, const char *key, const cairn_object_info *info,
                          cairn_error *err)
{
    (void)context;
    (void)key;
    (void)info;
    (void)err;
    return CAIRN_OK;
}

static void see_finding(void *context, const cairn_finding *finding)
{
    unsigned *count = context;

    *count += strstr(finding->detail, CANARY) != NULL ? 1 : 0;
}

static void read_all(webhdfs_world *w, const cairn_call *call, const tmpdir *dir)
{
    CAIRN_AUTO(cairn_buf) out = {0};
    uint8_t bytes[5];
    char path[TMPDIR_PATH_BYTES];
    const cairn_memory_range range = {0, bytes, sizeof(bytes)};
    const cairn_file_range to = {tmpdir_join(dir, "out", path), 0, 5, false, NULL};
    cairn_object_info info;

    (void)cairn_store_get(w->store, call, "k", 10, &out, &w->err);
    expect_no_token(w);
    (void)cairn_store_get_range(w->store, call, "k", &range, &w->err);
    expect_no_token(w);
    (void)cairn_store_get_file(w->store, call, "k", &to, &w->err);
    expect_no_token(w);
    (void)remove(path);
    (void)cairn_store_stat(w->store, call, "k", &info, &w->err);
    expect_no_token(w);
    (void)cairn_store_list(w->store, call, "", see_key, NULL, &w->err);
    expect_no_token(w);
}

static void use_all(webhdfs_world *w, const tmpdir *dir, uint64_t deadline_ms)
{
    const cairn_call call = {cairn_deadline_in(deadline_ms), NULL};
    void *self = cairn_store_self(w->store, hdfs_store_free);
    unsigned found = 0;

    (void)cairn_store_put(w->store, &call, "new", cairn_slice_of("hello"), CAIRN_PUT_CREATE,
                          &w->err);
    expect_no_token(w);
    read_all(w, &call, dir);
    (void)hdfs_examine(self, &call, "doctor/x", see_finding, &found, &w->err);
    expect_no_token(w);
    assert_int_equal(found, 0);
    (void)cairn_hdfs_sweep(w->store, &call, 1, NULL, &w->err);
    expect_no_token(w);
    (void)cairn_store_delete(w->store, &call, "k", &w->err);
    expect_no_token(w);
    assert_int_equal(leaked, 0);
}

static void whatever_a_server_repeats_nobody_reads_a_token(void **state)
{
    tmpdir *dir = tmpdir_new();
    (void)state;

    for (size_t i = 0; i < 2 * CAIRN_ARRAY_LEN(echoes); i++) {
        const echo *e = &echoes[i / 2];
        const script_rule rule = {
            .reply = {.status = e->status, .body = e->body, .headers = e->header}};
        const bool at_datanode = i % 2 == 1;
        webhdfs_world *w = open_world(at_datanode ? NULL : &rule, at_datanode ? &rule : NULL);

        use_all(w, dir, 20000);

        assert_non_null(strstr(script_server_request(w->nn, 0)->target, "&delegation=" TOKEN));
        webhdfs_world_free(w);
    }
    assert_true(lines > 0);
    tmpdir_free(dir);
}

static void a_connection_that_fails_shows_no_token(void **state)
{
    tmpdir *dir = tmpdir_new();
    (void)state;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(faults); i++) {
        const fault *f = &faults[i];
        const script_rule rule = {.act = f->act, .at = f->at};
        webhdfs_world *w = open_world(f->at_datanode ? NULL : &rule, f->at_datanode ? &rule : NULL);

        use_all(w, dir, 300);

        webhdfs_world_free(w);
    }
    tmpdir_free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_a_server_repeats_nobody_reads_a_token),
        cmocka_unit_test(a_connection_that_fails_shows_no_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
