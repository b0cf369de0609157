/*
 * The command line of one command, driven by a table that its help is made from too.
 *
 * `--name value` and `--name=value`; a letter where the table gives one (`-v`, `-D key=value`).
 * Options and arguments may be mixed; after `--` all are arguments. An option that may be given
 * more than once is marked so; any other that is repeated is CAIRN_E_INVALID, so that no
 * contradiction is settled by order.
 */
#ifndef CAIRN_CLI_OPTIONS_H
#define CAIRN_CLI_OPTIONS_H

#include "check.h"

#define CLI_OPTIONS_MAX   24
#define CLI_ARGUMENTS_MAX 2
#define CLI_REPEATS_MAX   64 /* of all repeatable options of one line together */

typedef struct cli_option {
    const char *name;     /* without the dashes */
    char letter;          /* 0: none */
    const char *argument; /* its name in the help; NULL: a flag */
    const char *help;
    bool repeatable;
} cli_option;

/* All static. `--help` and `--json` are rows like any other. */
typedef struct cli_spec {
    const char *command;
    const char *usage;   /* what follows the command's name */
    const char *summary; /* one line, lower case */
    const char *details; /* paragraphs of the help, may be NULL */
    const cli_option *options;
    size_t option_count;
    size_t min_arguments;
    size_t max_arguments; /* at most CLI_ARGUMENTS_MAX */
} cli_spec;

/* What was given; texts are borrowed from argv. */
typedef struct cli_args {
    const cli_spec *spec;
    const char *values[CLI_OPTIONS_MAX]; /* flags: "" if given */
    const char *arguments[CLI_ARGUMENTS_MAX];
    size_t argument_count;
    const char *repeats[CLI_REPEATS_MAX]; /* values of repeatable options, in order */
    size_t repeat_count;
} cli_args;

/*
 * Reads argv[0 .. argc), which begins after the command's name. CAIRN_E_INVALID names the nearest
 * known option. If `--help` is among them, missing arguments are no failure.
 */
cairn_code cli_parse(const cli_spec *spec, int argc, char *const *argv, cli_args *out,
                     cairn_error *err);

/* The value of an option, "" for a flag that was given; NULL if it was not. `name` must be in the
 * table. */
const char *cli_value(const cli_args *args, const char *name);
bool cli_given(const cli_args *args, const char *name);

/* A value that is a number; `fallback` if it was not given. */
cairn_code cli_number(const cli_args *args, const char *name, uint64_t fallback, uint64_t *out,
                      cairn_error *err);

#endif
