#include "clock.h"
#include "errors.h"
#include "hdfs_store.h"

static cairn_code fetch_token(hdfs_store *store, const cairn_call *call, secret *out,
                              cairn_error *err)
{
    const webhdfs_request request = {.op = CAIRN_WEBHDFS_GET_TOKEN, .path = "/"};
    CAIRN_AUTO(webhdfs_flight) flight = {.request = NULL};

    CAIRN_TRY(webhdfs_perform(&store->web, call, &request, &flight, err));
    const cairn_code code =
        webhdfs_json_token(cairn_buf_slice(&flight.exchange.reply.body), out, err);
    secret_buf_release(&flight.exchange.reply.body);
    return code;
}

/* How long the token lasts from now. The server answers with a time of its own clock, which is
 * taken for ours: with a quarter of the time as a margin, minutes do not matter. */
static cairn_code renew_token(hdfs_store *store, const cairn_call *call, const secret *token,
                              uint64_t *out_lifetime_ms, cairn_error *err)
{
    const webhdfs_request request = {
        .op = CAIRN_WEBHDFS_RENEW_TOKEN, .path = "/", .params = {{"token", token->text}}};
    CAIRN_AUTO(webhdfs_flight) flight = {.request = NULL};
    uint64_t end_ms = 0;

    CAIRN_TRY(webhdfs_perform(&store->web, call, &request, &flight, err));
    CAIRN_TRY(webhdfs_json_long(cairn_buf_slice(&flight.exchange.reply.body), &end_ms, err));
    const uint64_t now_ms = clock_wall_ms();
    *out_lifetime_ms = end_ms > now_ms ? end_ms - now_ms : 1;
    return CAIRN_OK;
}

/* A renewal also tells how long a new token lasts, which its delivery does not. */
static cairn_code new_token(hdfs_store *store, const cairn_call *call, cairn_error *err)
{
    CAIRN_AUTO(secret) token = {.text = NULL};
    uint64_t lifetime_ms = 0;

    CAIRN_TRY(fetch_token(store, call, &token, err));
    if (secret_is_set(&token)) {
        (void)renew_token(store, call, &token, &lifetime_ms, NULL);
    }
    return hdfs_auth_set_token(&store->web.auth, &token, lifetime_ms, err);
}

/* The same token for longer, else another. */
static cairn_code get_token(hdfs_store *store, const cairn_call *call, bool renew, cairn_error *err)
{
    CAIRN_AUTO(secret) token = {.text = NULL};
    uint64_t lifetime_ms = 0;

    if (renew) {
        CAIRN_TRY(hdfs_auth_copy_token(&store->web.auth, &token, err));
    }
    if (secret_is_set(&token) && renew_token(store, call, &token, &lifetime_ms, NULL) == CAIRN_OK) {
        hdfs_auth_renewed(&store->web.auth, lifetime_ms);
        return CAIRN_OK;
    }
    return new_token(store, call, err);
}

static cairn_code ensure_token(hdfs_store *store, const cairn_call *call, cairn_error *err)
{
    hdfs_auth *auth = &store->web.auth;
    cairn_error own = {0};
    bool renew = false;

    if (!hdfs_auth_token_is_due(auth, &renew)) {
        return CAIRN_OK;
    }
    const cairn_code code = get_token(store, call, renew, &own);
    if (hdfs_auth_token_done(auth, code == CAIRN_OK) || code == CAIRN_OK) {
        return CAIRN_OK;
    }
    return webhdfs_pass(code, &own, err);
}

cairn_code hdfs_request(hdfs_store *store, const cairn_call *call, const webhdfs_request *request,
                        webhdfs_flight *flight, cairn_error *err)
{
    cairn_error own = {0};

    CAIRN_TRY(ensure_token(store, call, err));
    const cairn_code code = webhdfs_perform(&store->web, call, request, flight, &own);
    if (code == CAIRN_OK || flight->failure.action != CAIRN_WEBHDFS_RENEW ||
        !hdfs_auth_refused(&store->web.auth, flight->signature.generation)) {
        return code == CAIRN_OK ? code : webhdfs_pass(code, &own, err);
    }
    CAIRN_TRY(ensure_token(store, call, err));
    return webhdfs_perform(&store->web, call, request, flight, err);
}
