#include "cli_config.h"
#include "cli_out.h"
#include "commands.h"
#include "errors.h"
#include "signals.h"
#include "state_pick.h"
#include "value_print.h"

static const cli_option scan_options[] = {STATE_PICK_OPTIONS, CLI_OPTIONS_CONFIG, CLI_OPTION_JSON,
                                          CLI_OPTION_HELP};

static const cli_spec scan_spec = {
    .command = "scan",
    .usage = "JOBURI[@N] [--operator UID] [--state NAME] [--hex] [option]... [--json]",
    .summary = "print every key of a state with its value, as key TAB value",
    .details =
        "Downloads the checkpoint to a scratch folder in $TMPDIR, else /tmp, and removes it. By\n"
        "key group and key. With --json one object a line.",
    .options = scan_options,
    .option_count = CAIRN_ARRAY_LEN(scan_options),
    .min_arguments = 1,
    .max_arguments = 1,
};

typedef struct scan_output {
    const cairn_state_info *state;
    bool hex;
    bool json;
    cairn_buf line; /* used again for each key */
} scan_output;

static cairn_code format_text(scan_output *output, cairn_slice key, cairn_slice value,
                              cairn_error *err)
{
    CAIRN_TRY(
        value_append_line(output->state->key_serializer.id, key, output->hex, &output->line, err));
    CAIRN_TRY(buf_append_byte(&output->line, '\t', err));
    return value_append_line(output->state->value_serializer.id, value, output->hex, &output->line,
                             err);
}

static cairn_code format_json(scan_output *output, cairn_slice key, cairn_slice value,
                              cairn_error *err)
{
    json_text json;

    json_text_init(&json, &output->line, false);
    json_text_begin_object(&json);
    CAIRN_TRY(
        value_add_json(&json, "key", output->state->key_serializer.id, key, output->hex, err));
    CAIRN_TRY(value_add_json(&json, "value", output->state->value_serializer.id, value, output->hex,
                             err));
    json_text_end_object(&json);
    return json_text_status(&json, err);
}

static cairn_code visit_key(void *context, cairn_slice key, cairn_slice value, cairn_error *err)
{
    scan_output *output = context;

    if (signals_received() != 0) {
        return error_set(err, CAIRN_E_CANCELLED, "scan: stopped by %s",
                         signals_name(signals_received()));
    }
    buf_clear(&output->line);
    CAIRN_TRY((output->json ? format_json : format_text)(output, key, value, err));
    CAIRN_TRY(buf_append_byte(&output->line, '\n', err));
    cli_out_bytes(cairn_buf_slice(&output->line));
    return cli_out_failed() ? cli_out_finish(err) : CAIRN_OK;
}

static cairn_code scan_run(cli_call *call, cairn_error *err)
{
    CAIRN_AUTO(state_pick) pick = {0};
    scan_output output = {.hex = cli_given(call->args, "hex"),
                          .json = cli_given(call->args, "json")};
    cairn_code code = CAIRN_OK;

    CAIRN_TRY(state_pick_open(call, &pick, err));
    output.state = pick.state;
    cairn_buf_init(&output.line, 2 * VALUE_TEXT_BYTES_MAX);
    code = cairn_state_reader_scan(pick.reader, pick.state->name, visit_key, &output, err);
    cairn_buf_release(&output.line);
    return code;
}

const cli_command cmd_scan = {&scan_spec, scan_run};
