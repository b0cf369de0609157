/* A state of a checkpoint, restored to a scratch folder and opened for reading. */
#ifndef CAIRN_CLI_STATE_PICK_H
#define CAIRN_CLI_STATE_PICK_H

#include "job_history.h"
#include "own_folder.h"

/* Zero-initialise it. */
typedef struct state_pick {
    job_history job;
    const cairn_manifest *manifest; /* borrowed from job */
    const char *operator_uid;       /* borrowed from manifest */
    const cairn_state_info *state;  /* borrowed from manifest */
    own_folder scratch;             /* removed by release */
    cairn_state_reader *reader;
} state_pick;

/*
 * `--operator` and `--state` of the command line choose; each may be left out if there is only one.
 * CAIRN_E_NOT_FOUND names those that there are.
 */
cairn_code state_pick_open(const cli_call *call, state_pick *out, cairn_error *err);
void state_pick_release(state_pick *pick);
CAIRN_DEFINE_AUTO(state_pick, state_pick_release)

/* Rows that commands on states share. */
#define STATE_PICK_OPTIONS                                                                     \
    {.name = "operator", .argument = "UID", .help = "may be left out if there is only one"},   \
        {.name = "state", .argument = "NAME", .help = "may be left out if there is only one"}, \
    {                                                                                          \
        .name = "hex", .help = "print bytes as hex digits, whatever they are"                  \
    }

#endif
