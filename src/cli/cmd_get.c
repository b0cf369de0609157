#include "bounds.h"
#include "cli_config.h"
#include "cli_out.h"
#include "commands.h"
#include "encode.h"
#include "entry_print.h"
#include "errors.h"
#include "state_pick.h"

#include <inttypes.h>

#define GET_SHOWN_BYTES 200

static const cli_option get_options[] = {
    STATE_PICK_OPTIONS,
    {.name = "key", .argument = "K", .help = "the key; a number if the state's keys are numbers"},
    {.name = "key-hex", .argument = "HEX", .help = "the key's bytes as hex digits"},
    {.name = "namespace", .argument = "NAME", .help = "the namespace; else the void one"},
    {.name = "user-key", .argument = "K", .help = "the user key, for a map state"},
    CLI_OPTIONS_CONFIG,
    CLI_OPTION_JSON,
    CLI_OPTION_HELP};

static const cli_spec get_spec = {
    .command = "get",
    .usage = "JOBURI[@N|@NAME] [--operator UID] [--state NAME] --key K [--user-key K] [option]...",
    .summary = "print the value that a key has in a checkpoint",
    .details =
        "Downloads what may hold the key (of a hash map one file, else the checkpoint) to a scratch\n"
        "folder in $TMPDIR, else /tmp, and removes it.\n"
        "Numbers are printed as such, other values as text if they are printable, else as hex\n"
        "after 0x. A list has a line for each element. Ends with 3 if the key has no value.",
    .options = get_options,
    .option_count = CAIRN_ARRAY_LEN(get_options),
    .min_arguments = 1,
    .max_arguments = 1,
};

static cairn_code check_options(const cli_args *args, cairn_error *err)
{
    if (cli_given(args, "key") == cli_given(args, "key-hex")) {
        return error_set(err, CAIRN_E_INVALID, "get: give the key with --key or with --key-hex");
    }
    return CAIRN_OK;
}

static cairn_code read_key(const cli_args *args, const cairn_state_info *state, cairn_buf *out,
                           cairn_error *err)
{
    const char *hex = cli_value(args, "key-hex");

    if (hex == NULL) {
        return value_parse(state->key_serializer.id, cli_value(args, "key"), out, err);
    }
    if (decode_hex(cairn_slice_of(hex), out, NULL) != CAIRN_OK) {
        return error_set(err, CAIRN_E_INVALID, "get: --key-hex takes pairs of hex digits");
    }
    return CAIRN_OK;
}

static cairn_code print_json(const entry_style *style, const state_pick *pick,
                             const cairn_state_entry *entry, bool found, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) out = {0};
    json_text json;

    cli_json_begin(&json, &out, "cairn-get", true);
    job_history_add_place(&json, &pick->job, pick->manifest->id);
    json_text_member_string(&json, "operator", pick->operator_uid);
    json_text_member_string(&json, "state", pick->state->name);
    CAIRN_TRY(entry_add_place(&json, style, entry, err));
    json_text_member_bool(&json, "found", found);
    if (found) {
        CAIRN_TRY(entry_add_value(&json, style, entry, err));
    }
    return cli_json_end(&json, err);
}

static cairn_code no_value(const state_pick *pick, cairn_slice key, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) shown = {0};

    CAIRN_TRY(encode_printable(key, GET_SHOWN_BYTES, &shown, err));
    return error_set(err, CAIRN_E_NOT_FOUND,
                     "get: key '%s' has no value in state %s of operator %s in checkpoint %" PRIu64,
                     shown.len == 0 ? "" : buf_text(&shown), pick->state->name, pick->operator_uid,
                     pick->manifest->id);
}

static cairn_slice text_of(const cli_args *args, const char *option)
{
    return cli_given(args, option) ? cairn_slice_of(cli_value(args, option)) : (cairn_slice){0};
}

static cairn_code check_keyed(const state_pick *pick, cairn_error *err)
{
    if (pick->state != NULL) {
        return CAIRN_OK;
    }
    return error_set(err, CAIRN_E_INVALID, "get: %s is operator state, which has no keys: use scan",
                     pick->operator_state->name);
}

/* A user key goes with a map, and with nothing else. */
static cairn_code check_kind(const cli_args *args, const cairn_state_info *state, cairn_error *err)
{
    const bool is_map = state->kind == CAIRN_STATE_MAP;

    if (is_map == cli_given(args, "user-key")) {
        return CAIRN_OK;
    }
    return error_set(err, CAIRN_E_INVALID,
                     is_map ? "get: state %s is a map: give --user-key, or use scan"
                            : "get: state %s is no map: it has no user keys",
                     state->name);
}

static cairn_code print_found(const cli_args *args, const state_pick *pick,
                              const cairn_state_entry *entry, bool found, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) line = {0};
    const entry_style style = {pick->state, cli_given(args, "hex"), false};

    if (cli_given(args, "json")) {
        return print_json(&style, pick, entry, found, err);
    }
    cairn_buf_init(&line, VALUE_TEXT_BYTES_MAX + 1);
    return found ? entry_print(&style, entry, &line, err) : CAIRN_OK;
}

static cairn_code get_run(cli_call *call, cairn_error *err)
{
    CAIRN_AUTO(state_pick) pick = {0};
    CAIRN_AUTO(cairn_buf) key = {0};
    CAIRN_AUTO(cairn_buf) value = {0};
    cairn_state_entry entry = {.name_space = text_of(call->args, "namespace"),
                               .user_key = text_of(call->args, "user-key")};
    bool found = false;

    CAIRN_TRY(check_options(call->args, err));
    CAIRN_TRY(state_pick_choose(call, &pick, err));
    CAIRN_TRY(check_keyed(&pick, err));
    CAIRN_TRY(check_kind(call->args, pick.state, err));
    CAIRN_TRY(read_key(call->args, pick.state, &key, err));
    entry.key = cairn_buf_slice(&key);
    CAIRN_TRY(state_pick_open_key(call, entry.key, &pick, err));
    cairn_buf_init(&value, CAIRN_VALUE_BYTES_MAX);
    CAIRN_TRY(cairn_state_reader_get(pick.reader, pick.state->name, &entry, &value, &found, err));
    entry.value = cairn_buf_slice(&value);
    entry.times_ms = cairn_state_reader_times(pick.reader, &entry.time_count);
    CAIRN_TRY(print_found(call->args, &pick, &entry, found, err));
    return found ? CAIRN_OK : no_value(&pick, entry.key, err);
}

const cli_command cmd_get = {&get_spec, get_run};
