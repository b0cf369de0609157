/* The local folder of a run that names none: new, and removed at its end. */
#ifndef CAIRN_CLI_RUN_FOLDER_H
#define CAIRN_CLI_RUN_FOLDER_H

#include <cairn/log.h>

#include "check.h"

/* Its path; removed with all in it when it goes out of scope. */
typedef char *run_folder;
void run_folder_release(run_folder *folder);
CAIRN_DEFINE_AUTO(run_folder, run_folder_release)

/* Makes a new one in `parent`. */
cairn_code run_folder_new(const char *parent, run_folder *out, cairn_error *err);

/*
 * Removes those in `parent` that killed runs of this user left: the folder's lock is free, and
 * nothing else is in it than a backend and a worker make. What can't be removed stays.
 */
void run_folder_reclaim(const char *parent, const cairn_log *log);

#endif
