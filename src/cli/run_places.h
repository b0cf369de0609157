/* Folders of a run that must not stand in each other's way. */
#ifndef CAIRN_CLI_RUN_PLACES_H
#define CAIRN_CLI_RUN_PLACES_H

#include <cairn/store.h>

/* As the user gave them: paths or URIs. */
typedef struct run_places {
    const char *input; /* NULL: standard input */
    const char *output;
    const char *checkpoints;
    const char *local_dir; /* NULL: a new folder */
    const char *job;
} run_places;

/*
 * CAIRN_E_INVALID if the local folder, which is emptied, and the checkpoints or the output lie in
 * one another, if the input lies in the local folder, or if the output lies in the job's folder.
 * Compares real paths, also of folders that are not made yet, and the texts of other URIs
 * (s3a://b//x is s3://b/x; that two hosts are one can't be seen). Makes nothing.
 */
cairn_code run_places_check(const run_places *places, cairn_error *err);

/*
 * CAIRN_E_INVALID if the checkpoints hold nothing of `job` while the output holds parts: they are
 * of another run, and a new job's first part would have a name that is taken.
 */
cairn_code run_places_check_parts(cairn_store *checkpoints, cairn_store *output, const char *job,
                                  const cairn_call *call, cairn_error *err);

#endif
