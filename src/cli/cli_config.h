/* The configuration of a command: what --conf and -D give. */
#ifndef CAIRN_CLI_CLI_CONFIG_H
#define CAIRN_CLI_CLI_CONFIG_H

#include <cairn/config.h>

#include "options.h"

CAIRN_DEFINE_AUTO_PTR(cairn_config, cairn_config_free)

/* Rows of every command that opens a store. `define` is the only repeatable option of a table. */
#define CLI_OPTIONS_CONFIG                                            \
    {.name = "conf",                                                  \
     .argument = "FILE",                                              \
     .help = "configuration in the shape of Flink's config.yaml"},    \
    {                                                                 \
        .name = "define", .letter = 'D', .argument = "KEY=VALUE",     \
        .help = "one option of the configuration", .repeatable = true \
    }

/* The file first, then the definitions in their order. */
cairn_code cli_config_read(const cli_args *args, cairn_config **out, cairn_error *err);

#endif
