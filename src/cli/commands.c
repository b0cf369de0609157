#include "commands.h"

#include "cli_out.h"
#include "encode.h"
#include "errors.h"

#include <string.h>

#define HELP_COLUMN         28
#define COMMAND_SHOWN_BYTES 80

static const cli_command *const commands[] = {
    &cmd_run, &cmd_list, &cmd_show, &cmd_verify,    &cmd_restore, &cmd_get,    &cmd_scan,
    &cmd_du,  &cmd_diff, &cmd_why,  &cmd_savepoint, &cmd_gc,      &cmd_doctor, &cmd_help};

const cli_command *cli_command_at(size_t index)
{
    return index < CAIRN_ARRAY_LEN(commands) ? commands[index] : NULL;
}

const cli_command *cli_command_find(const char *name)
{
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i]->spec->command, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

cairn_code cli_command_unknown(const char *name, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) shown = {0};
    const char *best = "help";
    unsigned best_distance = ~0u;

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(commands); i++) {
        unsigned distance = edit_distance(name, commands[i]->spec->command);

        if (distance < best_distance) {
            best_distance = distance;
            best = commands[i]->spec->command;
        }
    }
    CAIRN_TRY(encode_printable(cairn_slice_of(name), COMMAND_SHOWN_BYTES, &shown, err));
    return error_set(err, CAIRN_E_INVALID,
                     "unknown command '%s'; the nearest known one is '%s' (see cairn help)",
                     buf_text(&shown), best);
}

static void print_option(const cli_option *option)
{
    int width = 0;

    cli_out_printf("  ");
    if (option->letter != '\0') {
        cli_out_printf("-%c, ", option->letter);
        width += 4;
    }
    cli_out_printf("--%s", option->name);
    width += (int)strlen(option->name) + 2;
    if (option->argument != NULL) {
        cli_out_printf(" %s", option->argument);
        width += (int)strlen(option->argument) + 1;
    }
    cli_out_printf("%*s%s\n", width < HELP_COLUMN ? HELP_COLUMN - width : 2, "", option->help);
}

void cli_print_help(const cli_spec *spec)
{
    cli_out_printf("usage: cairn %s %s\n\n%s\n", spec->command, spec->usage, spec->summary);
    if (spec->details != NULL) {
        cli_out_printf("\n%s\n", spec->details);
    }
    cli_out_printf("\noptions:\n");
    for (size_t i = 0; i < spec->option_count; i++) {
        print_option(&spec->options[i]);
    }
}

void cli_json_begin(json_text *json, cairn_buf *out, const char *format, bool pretty)
{
    cairn_buf_init(out, CLI_DOCUMENT_BYTES_MAX);
    json_text_init(json, out, pretty);
    json_text_begin_object(json);
    json_text_member_string(json, "format", format);
    json_text_member_int(json, "version", 1);
}

cairn_code cli_json_end(json_text *json, cairn_error *err)
{
    json_text_end_object(json);
    CAIRN_TRY(json_text_status(json, err));
    cli_out_bytes(cairn_buf_slice(json->out));
    cli_out_printf("\n");
    return CAIRN_OK;
}
