#include "bounds.h"
#include "buf.h"
#include "cancel.h"
#include "errors.h"
#include "s3_credentials_parts.h"

void s3_answer_release(s3_answer *answer)
{
    secret_buf_release(&answer->text);
    *answer = (s3_answer){0};
}

static bool is_success(unsigned status)
{
    return status >= 200 && status <= 299;
}

cairn_code s3_status_code(unsigned status)
{
    return status >= 500 || status == 429 || status == 408 ? CAIRN_E_UNAVAILABLE : CAIRN_E_ACCESS;
}

/* What failed is somebody beside the store: its silence is no deadline of the caller's, and its
 * rubbish is no damage of stored bytes. */
static cairn_code explain(const cairn_call *call, const s3_question *question, cairn_code code,
                          cairn_error *err)
{
    if (code == CAIRN_E_TIMEOUT && call_check(call, question->what, NULL) == CAIRN_OK) {
        return error_set(err, CAIRN_E_UNAVAILABLE, "%s: no answer within %llu ms", question->what,
                         (unsigned long long)question->limit_ms);
    }
    if (code == CAIRN_E_INTEGRITY || code == CAIRN_E_LIMIT) {
        return error_set(err, CAIRN_E_UNAVAILABLE, "%s: the answer is larger than %zu bytes",
                         question->what, CAIRN_S3_KEYS_BYTES_MAX);
    }
    return error_prefix(err, code, "%s", question->what);
}

static cairn_code take_answer(http_exchange *exchange, cairn_buf *room, s3_answer *out)
{
    s3_answer_release(out);
    out->status = exchange->reply.status;
    if (is_success(out->status)) {
        room->len = (size_t)exchange->reply.received;
        out->text = buf_take(room);
    } else {
        out->text = buf_take(&exchange->reply.body);
    }
    return CAIRN_OK;
}

cairn_code s3_ask(http_client *client, const cairn_call *call, const s3_question *question,
                  s3_answer *out, cairn_error *err)
{
    const cairn_call bounded = {cairn_deadline_in(call_remaining_ms(call, question->limit_ms)),
                                call == NULL ? NULL : call->cancel};
    S3_AUTO_WIPE cairn_buf room = {0};
    http_exchange exchange = {
        .method = question->method,
        .url = question->url,
        .headers = question->headers,
        .source = {.data = question->body.data, .fd = -1, .length = question->body.len},
        .sink = {.kind = CAIRN_HTTP_SINK_MEMORY, .fd = -1, .length = CAIRN_S3_KEYS_BYTES_MAX},
        .flags = HTTP_CLOSE};

    /* One block of full size: a body that grew in pieces would leave copies behind. */
    CAIRN_TRY(buf_reserve(&room, CAIRN_S3_KEYS_BYTES_MAX, err));
    exchange.sink.data = room.data;
    cairn_code code = http_perform(client, &bounded, &exchange, err);
    code = code == CAIRN_OK ? take_answer(&exchange, &room, out)
                            : explain(call, question, code, err);
    secret_buf_release(&exchange.reply.body);
    http_reply_release(&exchange.reply);
    return code;
}
