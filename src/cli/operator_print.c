#include "operator_print.h"

#include "cli_out.h"
#include "errors.h"
#include "signals.h"
#include "value_print.h"

/* Key and value, whose JSON has forms around them. */
#define LINE_BYTES_MAX ((size_t)4 * VALUE_TEXT_BYTES_MAX)

typedef struct output {
    const cairn_operator_state_info *state;
    bool hex;
    bool json;
    cairn_buf line; /* used again for each */
} output;

static cairn_code append_text(output *self, const cairn_operator_element *element, cairn_error *err)
{
    const cairn_operator_state_info *state = self->state;

    CAIRN_TRY(buf_printf(&self->line, err, "%u\t", element->subtask));
    if (state->mode == CAIRN_OPERATOR_BROADCAST) {
        CAIRN_TRY(
            value_append_line(state->key_serializer.id, element->key, self->hex, &self->line, err));
        CAIRN_TRY(buf_append_byte(&self->line, '\t', err));
    }
    return value_append_line(state->value_serializer.id, element->value, self->hex, &self->line,
                             err);
}

static cairn_code append_json(output *self, const cairn_operator_element *element, cairn_error *err)
{
    const cairn_operator_state_info *state = self->state;
    json_text json;

    json_text_init(&json, &self->line, false);
    json_text_begin_object(&json);
    json_text_member_int(&json, "subtask", element->subtask);
    if (state->mode == CAIRN_OPERATOR_BROADCAST) {
        CAIRN_TRY(
            value_add_json(&json, "key", state->key_serializer.id, element->key, self->hex, err));
    }
    CAIRN_TRY(
        value_add_json(&json, "value", state->value_serializer.id, element->value, self->hex, err));
    json_text_end_object(&json);
    return json_text_status(&json, err);
}

static cairn_code visit(void *context, const cairn_operator_element *element, cairn_error *err)
{
    output *self = context;

    if (signals_received() != 0) {
        return error_set(err, CAIRN_E_CANCELLED, "scan: stopped by %s",
                         signals_name(signals_received()));
    }
    buf_clear(&self->line);
    CAIRN_TRY(self->json ? append_json(self, element, err) : append_text(self, element, err));
    CAIRN_TRY(buf_append_byte(&self->line, '\n', err));
    cli_out_bytes(cairn_buf_slice(&self->line));
    return cli_out_failed() ? cli_out_finish(err) : CAIRN_OK;
}

cairn_code operator_print(const cli_call *call, const state_pick *pick, cairn_error *err)
{
    output out = {.state = pick->operator_state,
                  .hex = cli_given(call->args, "hex"),
                  .json = cli_given(call->args, "json")};
    const cairn_operator_scan scan = {pick->manifest->id, pick->operator_uid,
                                      pick->operator_state->name, visit, &out};

    cairn_buf_init(&out.line, LINE_BYTES_MAX);
    const cairn_code code =
        cairn_history_scan_operator(pick->job.history, &call->store, &scan, err);
    cairn_buf_release(&out.line);
    return code;
}
