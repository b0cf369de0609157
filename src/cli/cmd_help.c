#include <cairn/config.h>

#include "cli_out.h"
#include "commands.h"

#include <string.h>

static const cli_option help_options[] = {
    {.name = "json", .help = "with `options`: print them as JSON"}, CLI_OPTION_HELP};

static const cli_spec help_spec = {
    .command = "help",
    .usage = "[COMMAND | options] [--json]",
    .summary = "explain a command, or list the configuration options",
    .options = help_options,
    .option_count = CAIRN_ARRAY_LEN(help_options),
    .min_arguments = 0,
    .max_arguments = 1,
};

static const char exit_codes[] =
    "exit codes: 0 done, 1 other failure, 2 usage, 3 not found, 4 damaged, 5 access, 6 unavailable,\n"
    "7 fenced or locked, 8 incompatible, 9 disk full or other local failure, 70 bug, 130 and 143\n"
    "stopped by SIGINT and SIGTERM";

static void print_overview(void)
{
    const cli_command *command = NULL;

    cli_out_printf("usage: cairn COMMAND ...\n\n"
                   "Keyed state with checkpoints for stream processing.\n\n");
    for (size_t i = 0; (command = cli_command_at(i)) != NULL; i++) {
        cli_out_printf("  %-10s%s\n", command->spec->command, command->spec->summary);
    }
    cli_out_printf("\nJOBURI is <checkpoints-uri>/<job>, JOBURI@N its checkpoint N,\n"
                   "JOBURI@NAME a savepoint of it, JOBURI alone "
                   "the newest.\n"
                   "`cairn COMMAND --help` tells more, `cairn help options` lists the options of "
                   "--conf and -D.\n\n%s\n",
                   exit_codes);
}

static void print_options(void)
{
    const cairn_option_info *option = NULL;

    for (size_t i = 0; (option = cairn_config_option(i)) != NULL; i++) {
        cli_out_printf("%s\n    %s; default: %s\n    %s\n", option->key, option->type,
                       option->default_value == NULL ? "none" : option->default_value,
                       option->help);
    }
}

static void add_option(json_text *json, const cairn_option_info *option)
{
    json_text_begin_object(json);
    json_text_member_string(json, "key", option->key);
    json_text_member_string(json, "type", option->type);
    json_text_name(json, "default");
    if (option->default_value == NULL) {
        json_text_null(json);
    } else {
        json_text_string(json, option->default_value);
    }
    json_text_member_string(json, "help", option->help);
    json_text_end_object(json);
}

static cairn_code print_options_json(cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) out = {0};
    const cairn_option_info *option = NULL;
    json_text json;

    cli_json_begin(&json, &out, "cairn-options", true);
    json_text_name(&json, "options");
    json_text_begin_array(&json);
    for (size_t i = 0; (option = cairn_config_option(i)) != NULL; i++) {
        add_option(&json, option);
    }
    json_text_end_array(&json);
    return cli_json_end(&json, err);
}

static cairn_code help_run(cli_call *call, cairn_error *err)
{
    const char *topic = call->args->arguments[0];
    const cli_command *command = NULL;

    if (call->args->argument_count == 0) {
        print_overview();
        return CAIRN_OK;
    }
    if (strcmp(topic, "options") == 0) {
        if (cli_given(call->args, "json")) {
            return print_options_json(err);
        }
        print_options();
        return CAIRN_OK;
    }
    command = cli_command_find(topic);
    if (command == NULL) {
        return cli_command_unknown(topic, err);
    }
    cli_print_help(command->spec);
    return CAIRN_OK;
}

const cli_command cmd_help = {&help_spec, help_run};
