/* Elements of an operator state as text and as JSON: the part of `cairn scan`. */
#ifndef CAIRN_CLI_OPERATOR_PRINT_H
#define CAIRN_CLI_OPERATOR_PRINT_H

#include "state_pick.h"

/* Prints the operator state that was chosen, by `--hex` and `--json` of the command line. */
cairn_code operator_print(const cli_call *call, const state_pick *pick, cairn_error *err);

#endif
