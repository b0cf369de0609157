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
    const cairn_state_info *state;  /* borrowed from manifest; NULL: it is an operator state */
    const cairn_operator_state_info *operator_state; /* of a subtask that has it; else NULL */
    own_folder scratch;                              /* of the open; removed by release */
    cairn_state_reader *reader;                      /* NULL until then */
} state_pick;

/*
 * `--operator` and `--state` of the command line choose; each may be left out if there is only one.
 * A name that keyed and operator state share is that of the keyed one. CAIRN_E_NOT_FOUND names
 * those that there are.
 */
cairn_code state_pick_choose(const cli_call *call, state_pick *out, cairn_error *err);
/* Then: restores the checkpoint and opens it, for all keys, or for `key` alone. */
cairn_code state_pick_open(const cli_call *call, state_pick *pick, cairn_error *err);
cairn_code state_pick_open_key(const cli_call *call, cairn_slice key, state_pick *pick,
                               cairn_error *err);
void state_pick_release(state_pick *pick);
CAIRN_DEFINE_AUTO(state_pick, state_pick_release)

/* Rows that commands on states share. */
#define STATE_PICK_OPTIONS                                                                     \
    {.name = "operator", .argument = "UID", .help = "may be left out if there is only one"},   \
        {.name = "state", .argument = "NAME", .help = "may be left out if there is only one"}, \
        {.name = "hex", .help = "print bytes as hex digits, whatever they are"},               \
    {                                                                                          \
        .name = "expired", .help = "also what has lived beyond its time to live"               \
    }

#endif
