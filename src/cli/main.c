/* The command `cairn`: picks the command, reports its failure, gives the exit code. */
#include "cli_out.h"
#include "commands.h"
#include "errors.h"
#include "signals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define EXIT_BY_SIGNAL 128

static bool is_word(const char *word, const char *long_option, const char *letter)
{
    return strcmp(word, long_option) == 0 || strcmp(word, letter) == 0;
}

static cairn_code run_command(const cli_command *command, int argc, char **argv, int *out_exit,
                              cairn_error *err)
{
    cli_args args = {0};
    cli_call call = {.args = &args};

    CAIRN_TRY(cli_parse(command->spec, argc, argv, &args, err));
    if (cli_given(&args, "help")) {
        cli_print_help(command->spec);
        return CAIRN_OK;
    }
    /* Lives as long as the process: a signal may come at any time. */
    CAIRN_TRY(cairn_cancel_new(&call.cancel, err));
    signals_install(call.cancel);
    call.store.cancel = call.cancel;
    CAIRN_TRY(command->run(&call, err));
    *out_exit = call.exit_code;
    return CAIRN_OK;
}

static cairn_code run_line(int argc, char **argv, int *out_exit, cairn_error *err)
{
    const cli_command *command = NULL;

    if (argc < 2) {
        return error_set(err, CAIRN_E_INVALID, "a command is missing: see cairn help");
    }
    if (is_word(argv[1], "--version", "-V")) {
        cli_out_printf("cairn %s\n", cairn_version());
        return CAIRN_OK;
    }
    command = is_word(argv[1], "--help", "-h") ? &cmd_help : cli_command_find(argv[1]);
    if (command == NULL) {
        return cli_command_unknown(argv[1], err);
    }
    return run_command(command, argc - 2, argv + 2, out_exit, err);
}

static int report(cairn_code code, const cairn_error *error)
{
    int signal = signals_received();

    (void)fprintf(stderr, "cairn: %s\n", error->message);
    return code == CAIRN_E_CANCELLED && signal != 0 ? EXIT_BY_SIGNAL + signal
                                                    : cairn_exit_code(code);
}

/* A core would hold credentials. The hard limit stays, for whom needs one (prlimit --core). */
static void forbid_cores(void)
{
    struct rlimit limit = {0};

    if (getrlimit(RLIMIT_CORE, &limit) == 0) {
        limit.rlim_cur = 0;
        (void)setrlimit(RLIMIT_CORE, &limit);
    }
}

int main(int argc, char **argv)
{
    cairn_error error = {0};
    cairn_error output_error = {0};
    cairn_code code = CAIRN_OK;
    cairn_code output_code = CAIRN_OK;
    int exit_code = EXIT_SUCCESS;

    cli_out_init();
    forbid_cores();
    code = run_line(argc, argv, &exit_code, &error);
    output_code = cli_out_finish(&output_error);
    if (code != CAIRN_OK) {
        return report(code, &error);
    }
    return output_code == CAIRN_OK ? exit_code : report(output_code, &output_error);
}
