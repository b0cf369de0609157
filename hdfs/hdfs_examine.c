/*
 * DESIGN: what only this driver can ask of HDFS. Two small files are put below the given key; then
 * both are renamed onto one name at once, round after round, the winner's being renamed back, so
 * that races cost no uploads.
 */
#include "bounds.h"
#include "clock.h"
#include "errors.h"
#include "hdfs_sweep.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RACERS      2
#define CLOCK_MS    60000 /* a difference that is worth a word */
#define NEARLY_FULL 10    /* a tenth of a quota is left */

typedef struct exam {
    hdfs_store *store;
    const cairn_call *call;
    const char *key;
    cairn_finding_visit visit;
    void *context;
    char *paths[RACERS]; /* of the files that race */
    char *won;           /* the name that they race for */
    uint64_t ids[RACERS];
} exam;

static void exam_release(exam *e)
{
    for (size_t i = 0; i < RACERS; i++) {
        mem_free(e->paths[i]);
    }
    mem_free(e->won);
}
CAIRN_DEFINE_AUTO(exam, exam_release)

static void tell(const exam *e, const char *name, cairn_verdict verdict, const char *detail)
{
    const cairn_finding finding = {name, verdict, detail};

    e->visit(e->context, &finding);
}

/* The examination itself cannot go on. */
static bool ends_it(cairn_code code)
{
    return code == CAIRN_E_CANCELLED || code == CAIRN_E_TIMEOUT || code == CAIRN_E_NO_MEMORY;
}

/* A question that failed: its error, or OK after telling that. */
static cairn_code unknown(const exam *e, const char *name, cairn_code code, const cairn_error *why,
                          cairn_error *err)
{
    if (ends_it(code)) {
        return error_set(err, code, "%s", why->message);
    }
    tell(e, name, CAIRN_VERDICT_UNKNOWN, why->message);
    return CAIRN_OK;
}

static cairn_code path_of(const exam *e, const char *leaf, cairn_buf *key, char **out,
                          cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) path = {0};

    buf_clear(key);
    CAIRN_TRY(buf_printf(key, err, "%s/%s", e->key, leaf));
    if (buf_text(key) == NULL) {
        return error_no_memory(err, "a key");
    }
    CAIRN_TRY(hdfs_path(e->store, buf_text(key), &path, err));
    *out = mem_strdup(buf_text(&path));
    return *out != NULL ? CAIRN_OK : error_no_memory(err, "a path");
}

static cairn_code make_racer(exam *e, size_t i, cairn_error *err)
{
    static const char *const leaves[RACERS] = {"race-a", "race-b"};
    CAIRN_AUTO(cairn_buf) key = {0};
    const cairn_slice bytes = cairn_slice_of(leaves[i]);
    const cairn_put_body body = {.data = &bytes};
    webhdfs_status status = {.is_file = false};

    CAIRN_TRY(path_of(e, leaves[i], &key, &e->paths[i], err));
    CAIRN_TRY(hdfs_put(e->store, e->call, buf_text(&key), &body, CAIRN_PUT_CREATE, err));
    CAIRN_TRY(hdfs_file_status(e->store, e->call, e->paths[i], &status, err));
    e->ids[i] = status.file_id;
    return CAIRN_OK;
}

static const char *writing_name(cairn_code code, const cairn_error *why)
{
    if (code == CAIRN_E_NO_SPACE) {
        return "hdfs-quota";
    }
    if (code == CAIRN_E_ACCESS) {
        return "hdfs-permission";
    }
    return strstr(why->message, "SafeMode") != NULL ? "hdfs-safe-mode" : "hdfs-write";
}

/* Permission, quota, safe mode, and lengths, which each put checks by itself. */
static cairn_code examine_writing(exam *e, bool *out_writable, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) key = {0};
    cairn_error why = {0};

    cairn_code code = path_of(e, "race-won", &key, &e->won, &why);
    for (size_t i = 0; i < RACERS && code == CAIRN_OK; i++) {
        code = make_racer(e, i, &why);
    }
    *out_writable = code == CAIRN_OK;
    if (ends_it(code)) {
        return error_set(err, code, "%s", why.message);
    }
    if (code != CAIRN_OK) {
        tell(e, writing_name(code, &why), CAIRN_VERDICT_BAD, why.message);
        return CAIRN_OK;
    }
    tell(e, "hdfs-write", CAIRN_VERDICT_OK,
         "files are written, have their length, and get their name by a rename");
    return CAIRN_OK;
}

/* Both renames of one round, in flight at once. */
typedef struct race {
    const exam *exam;
    webhdfs_request requests[RACERS];
    webhdfs_flight flights[RACERS];
    size_t begun;
    unsigned winners;
    unsigned refused;
    size_t winner;
    bool body; /* a reply had one: the options were ignored */
    cairn_error why;
} race;

static void race_release(race *r)
{
    for (size_t i = 0; i < RACERS; i++) {
        webhdfs_flight_release(&r->flights[i]);
    }
}
CAIRN_DEFINE_AUTO(race, race_release)

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is that of http_crew */
static http_exchange *next_racer(void *context, uint64_t *out_wait_ms)
{
    race *r = context;

    (void)out_wait_ms;
    return r->begun == RACERS ? NULL : &r->flights[r->begun++].exchange;
}

static cairn_code racer_done(void *context, http_exchange *exchange, cairn_code code,
                             const cairn_error *why, cairn_error *err)
{
    race *r = context;
    const size_t i = exchange == &r->flights[0].exchange ? 0 : 1;
    bool more = false;

    (void)err;
    const cairn_code result =
        webhdfs_arrive(&r->exam->store->web, &r->flights[i], code, why, &more, &r->why);
    if (result == CAIRN_OK) {
        r->winners++;
        r->winner = i;
        r->body = r->body || exchange->reply.body.len > 0;
    } else if (r->flights[i].failure.cause == CAIRN_WEBHDFS_EXISTS) {
        r->refused++;
    }
    return CAIRN_OK;
}

static cairn_code run_race(const exam *e, race *r, cairn_error *err)
{
    const http_crew crew = {.context = r, .next = next_racer, .done = racer_done, .width = RACERS};

    for (size_t i = 0; i < RACERS; i++) {
        r->requests[i] = (webhdfs_request){
            .op = CAIRN_WEBHDFS_RENAME,
            .path = e->paths[i],
            .params = {{"destination", e->won}, {"renameoptions", "NONE"}},
        };
        CAIRN_TRY(webhdfs_depart(&e->store->web, &r->requests[i], &r->flights[i], err));
    }
    return http_crew_run(e->store->web.http, e->call, &crew, err);
}

/* The winner's file gets its old name again. */
static cairn_code run_back(const exam *e, size_t winner, cairn_error *err)
{
    const webhdfs_request request = {
        .op = CAIRN_WEBHDFS_RENAME,
        .path = e->won,
        .params = {{"destination", e->paths[winner]}, {"renameoptions", "NONE"}},
    };
    CAIRN_AUTO(webhdfs_flight) flight = {.request = NULL};

    return hdfs_request(e->store, e->call, &request, &flight, err);
}

static cairn_code check_winner(const exam *e, const race *r, const char **out_broken,
                               cairn_error *err)
{
    webhdfs_status status = {.is_file = false};

    if (r->body) {
        *out_broken = "the server ignores renameoptions: a rename could replace an object";
        return CAIRN_OK;
    }
    if (r->winners > 1) {
        *out_broken = "two renames onto one name succeeded: two attempts could both win";
        return CAIRN_OK;
    }
    if (r->winners + r->refused < RACERS) {
        return error_set(err, CAIRN_E_UNAVAILABLE, "%s", r->why.message);
    }
    CAIRN_TRY(hdfs_file_status(e->store, e->call, e->won, &status, err));
    if (status.file_id != e->ids[r->winner]) {
        *out_broken = "the file behind the name is not the winner's";
    }
    return CAIRN_OK;
}

static cairn_code race_once(const exam *e, const char **out_broken, cairn_error *err)
{
    CAIRN_AUTO(race) r = {.exam = e};

    CAIRN_TRY(run_race(e, &r, err));
    CAIRN_TRY(check_winner(e, &r, out_broken, err));
    return *out_broken != NULL ? CAIRN_OK : run_back(e, r.winner, err);
}

static cairn_code examine_race(const exam *e, cairn_error *err)
{
    const char *broken = NULL;
    cairn_code code = CAIRN_OK;
    cairn_error why = {0};

    for (unsigned i = 0; i < CAIRN_PROBE_ROUNDS && code == CAIRN_OK && broken == NULL; i++) {
        code = race_once(e, &broken, &why);
    }
    if (code != CAIRN_OK) {
        return unknown(e, "hdfs-rename-race", code, &why, err);
    }
    tell(e, "hdfs-rename-race", broken == NULL ? CAIRN_VERDICT_OK : CAIRN_VERDICT_BAD,
         broken == NULL ? "of two renames onto one name exactly one succeeds" : broken);
    return CAIRN_OK;
}

static cairn_code ask_replicas(const exam *e, webhdfs_status *status, webhdfs_replicas *replicas,
                               cairn_error *err)
{
    const webhdfs_request request = {.op = CAIRN_WEBHDFS_BLOCKS, .path = e->paths[0]};
    CAIRN_AUTO(webhdfs_flight) flight = {.request = NULL};

    CAIRN_TRY(hdfs_file_status(e->store, e->call, e->paths[0], status, err));
    CAIRN_TRY(hdfs_request(e->store, e->call, &request, &flight, err));
    return webhdfs_json_blocks(cairn_buf_slice(&flight.exchange.reply.body), replicas, err);
}

static cairn_code examine_replication(const exam *e, cairn_error *err)
{
    webhdfs_status status = {.is_file = false};
    webhdfs_replicas replicas = {.blocks = 0};
    char text[160];
    cairn_error why = {0};

    const cairn_code code = ask_replicas(e, &status, &replicas, &why);
    if (code != CAIRN_OK) {
        return unknown(e, "hdfs-replication", code, &why, err);
    }
    (void)snprintf(text, sizeof(text),
                   "%" PRIu64 " of %" PRIu64 " replicas stand right after a write%s",
                   replicas.fewest, status.replication,
                   status.replication < 2 ? ": one lost disk loses checkpoints" : "");
    tell(e, "hdfs-replication",
         status.replication < 2 || replicas.fewest < 1 ? CAIRN_VERDICT_NOTE : CAIRN_VERDICT_OK,
         text);
    return CAIRN_OK;
}

static cairn_code examine_clock(const exam *e, cairn_error *err)
{
    uint64_t server_ms = 0;
    char text[160];
    cairn_error why = {0};

    const cairn_code code = hdfs_server_now_ms(e->store, e->call, &server_ms, &why);
    if (code != CAIRN_OK) {
        return unknown(e, "hdfs-clock", code, &why, err);
    }
    const uint64_t own_ms = clock_wall_ms();
    const uint64_t apart_ms = server_ms > own_ms ? server_ms - own_ms : own_ms - server_ms;
    (void)snprintf(text, sizeof(text), "the NameNode's clock and this one are %" PRIu64 " ms apart",
                   apart_ms);
    tell(e, "hdfs-clock", apart_ms > CLOCK_MS ? CAIRN_VERDICT_NOTE : CAIRN_VERDICT_OK, text);
    return CAIRN_OK;
}

static bool nearly_full(int64_t used, int64_t quota)
{
    return quota >= 0 && quota - used < quota / NEARLY_FULL;
}

static cairn_code examine_quota(const exam *e, cairn_error *err)
{
    const webhdfs_request request = {.op = CAIRN_WEBHDFS_SUMMARY,
                                     .path = e->store->root[0] != '\0' ? e->store->root : "/"};
    CAIRN_AUTO(webhdfs_flight) flight = {.request = NULL};
    webhdfs_summary summary = {.names = 0};
    char text[200];
    cairn_error why = {0};

    cairn_code code = hdfs_request(e->store, e->call, &request, &flight, &why);
    if (code == CAIRN_OK) {
        code = webhdfs_json_summary(cairn_buf_slice(&flight.exchange.reply.body), &summary, &why);
    }
    if (code != CAIRN_OK) {
        return unknown(e, "hdfs-quota", code, &why, err);
    }
    const bool full = nearly_full(summary.names, summary.names_quota) ||
                      nearly_full(summary.space, summary.space_quota);
    (void)snprintf(text, sizeof(text),
                   "%" PRId64 " names (quota %" PRId64 "), %" PRId64 " bytes with replicas (quota "
                   "%" PRId64 "); -1 is none",
                   summary.names, summary.names_quota, summary.space, summary.space_quota);
    tell(e, "hdfs-quota", full ? CAIRN_VERDICT_NOTE : CAIRN_VERDICT_OK, text);
    return CAIRN_OK;
}

static cairn_code examine_all(exam *e, cairn_error *err)
{
    bool writable = false;

    CAIRN_TRY(examine_writing(e, &writable, err));
    if (!writable) {
        return CAIRN_OK;
    }
    CAIRN_TRY(examine_race(e, err));
    CAIRN_TRY(examine_replication(e, err));
    CAIRN_TRY(examine_clock(e, err));
    return examine_quota(e, err);
}

static void clean_up(exam *e)
{
    const cairn_call call = {cairn_deadline_in(CAIRN_HDFS_CLEANUP_MS), NULL};

    for (size_t i = 0; i < RACERS; i++) {
        if (e->paths[i] != NULL) {
            hdfs_discard(e->store, e->paths[i], false);
        }
    }
    if (e->won != NULL) {
        hdfs_discard(e->store, e->won, false);
        hdfs_remove_empty_folders(e->store, &call, e->won);
    }
}

cairn_code hdfs_examine(void *self, const cairn_call *call, const char *key,
                        cairn_finding_visit visit, void *context, cairn_error *err)
{
    CAIRN_AUTO(exam)
    e = {.store = self, .call = call, .key = key, .visit = visit, .context = context};

    const cairn_code code = examine_all(&e, err);
    clean_up(&e);
    return code;
}
