#include "cli_config.h"
#include "cli_out.h"
#include "commands.h"
#include "entry_print.h"
#include "errors.h"
#include "operator_print.h"
#include "signals.h"
#include "state_pick.h"

/* Key, namespace and user key beside the value, whose JSON may have forms around each element. */
#define SCAN_LINE_BYTES_MAX ((size_t)4 * VALUE_TEXT_BYTES_MAX)

static const cli_option scan_options[] = {STATE_PICK_OPTIONS, CLI_OPTIONS_CONFIG, CLI_OPTION_JSON,
                                          CLI_OPTION_HELP};

static const cli_spec scan_spec = {
    .command = "scan",
    .usage = "JOBURI[@N|@NAME] [--operator UID] [--state NAME] [--hex] [option]... [--json]",
    .summary = "print every entry of a state, as key TAB value",
    .details =
        "Downloads the checkpoint to a scratch folder in $TMPDIR, else /tmp, and removes it. By\n"
        "key group and key. A list has a line for each element, a map one for each entry: key TAB\n"
        "user key TAB value. A namespace stands in brackets after the key. With --json one object a\n"
        "line. Operator state is read from the store: subtask TAB element, of a broadcast map subtask\n"
        "TAB key TAB value.",
    .options = scan_options,
    .option_count = CAIRN_ARRAY_LEN(scan_options),
    .min_arguments = 1,
    .max_arguments = 1,
};

typedef struct scan_output {
    entry_style style;
    bool json;
    cairn_buf line; /* used again for each */
} scan_output;

static cairn_code print_json(scan_output *output, const cairn_state_entry *entry, cairn_error *err)
{
    json_text json;

    buf_clear(&output->line);
    json_text_init(&json, &output->line, false);
    json_text_begin_object(&json);
    CAIRN_TRY(entry_add_place(&json, &output->style, entry, err));
    CAIRN_TRY(entry_add_value(&json, &output->style, entry, err));
    json_text_end_object(&json);
    CAIRN_TRY(json_text_status(&json, err));
    CAIRN_TRY(buf_append_byte(&output->line, '\n', err));
    cli_out_bytes(cairn_buf_slice(&output->line));
    return CAIRN_OK;
}

static cairn_code visit_entry(void *context, const cairn_state_entry *entry, cairn_error *err)
{
    scan_output *output = context;

    if (signals_received() != 0) {
        return error_set(err, CAIRN_E_CANCELLED, "scan: stopped by %s",
                         signals_name(signals_received()));
    }
    CAIRN_TRY(output->json ? print_json(output, entry, err)
                           : entry_print(&output->style, entry, &output->line, err));
    return cli_out_failed() ? cli_out_finish(err) : CAIRN_OK;
}

static cairn_code scan_run(cli_call *call, cairn_error *err)
{
    CAIRN_AUTO(state_pick) pick = {0};
    scan_output output = {.json = cli_given(call->args, "json")};
    cairn_code code = CAIRN_OK;

    CAIRN_TRY(state_pick_choose(call, &pick, err));
    if (pick.operator_state != NULL) {
        return operator_print(call, &pick, err);
    }
    CAIRN_TRY(state_pick_open(call, &pick, err));
    output.style = (entry_style){pick.state, cli_given(call->args, "hex"), true};
    cairn_buf_init(&output.line, SCAN_LINE_BYTES_MAX);
    code = cairn_state_reader_scan(pick.reader, pick.state->name, visit_entry, &output, err);
    cairn_buf_release(&output.line);
    return code;
}

const cli_command cmd_scan = {&scan_spec, scan_run};
