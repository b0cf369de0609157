/*
 * The commands of `cairn`. Each stands in its own cmd_<name>.c with the table of its options;
 * main.c parses, calls, prints the one line of a failure and turns the code into the exit code.
 */
#ifndef CAIRN_CLI_COMMANDS_H
#define CAIRN_CLI_COMMANDS_H

#include <cairn/store.h>

#include "json_text.h"
#include "options.h"

/* What a command gets, and gives back beside its code. */
typedef struct cli_call {
    const cli_args *args;
    cairn_cancel *cancel; /* raised by SIGINT and SIGTERM */
    cairn_call store;     /* for every call of a store: the store's deadline, and `cancel` */
    int exit_code;        /* used if the command returns CAIRN_OK */
} cli_call;

typedef struct cli_command {
    const cli_spec *spec;
    cairn_code (*run)(cli_call *call, cairn_error *err);
} cli_command;

extern const cli_command cmd_diff;
extern const cli_command cmd_doctor;
extern const cli_command cmd_du;
extern const cli_command cmd_gc;
extern const cli_command cmd_get;
extern const cli_command cmd_help;
extern const cli_command cmd_list;
extern const cli_command cmd_restore;
extern const cli_command cmd_run;
extern const cli_command cmd_savepoint;
extern const cli_command cmd_scan;
extern const cli_command cmd_show;
extern const cli_command cmd_verify;
extern const cli_command cmd_why;

/* Index 0, 1, ... until NULL; in the order of the help. */
const cli_command *cli_command_at(size_t index);
/* By name; NULL if there is none. */
const cli_command *cli_command_find(const char *name);
/* CAIRN_E_INVALID that names the nearest command. */
cairn_code cli_command_unknown(const char *name, cairn_error *err);

/* Rows that commands share. */
#define CLI_OPTION_HELP                                              \
    {                                                                \
        .name = "help", .letter = 'h', .help = "print this, and end" \
    }
#define CLI_OPTION_JSON                                                              \
    {                                                                                \
        .name = "json", .help = "print JSON; docs/commands.md describes its members" \
    }

/* Prints the help of a command, made from its table. */
void cli_print_help(const cli_spec *spec);

/* Bounds the document of a command with --json. */
#define CLI_DOCUMENT_BYTES_MAX ((size_t)1 << 30)

/* Begins the object that every document is, with its format ("cairn-list") and version. */
void cli_json_begin(json_text *json, cairn_buf *out, const char *format, bool pretty);
/* Ends it and prints it. */
cairn_code cli_json_end(json_text *json, cairn_error *err);

#endif
