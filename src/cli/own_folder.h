/* Folders that commands make for themselves and remove at their end. */
#ifndef CAIRN_CLI_OWN_FOLDER_H
#define CAIRN_CLI_OWN_FOLDER_H

#include <cairn/log.h>

#include "fsutil.h"

typedef enum own_folder_kind {
    CAIRN_OWN_FOLDER_RUN = 0, /* the local folder of a run that names none; its backend locks it */
    CAIRN_OWN_FOLDER_SCRATCH =
        1 /* for a checkpoint that get or scan reads; locked from the start */
} own_folder_kind;

/* What a scratch folder may hold: the restored checkpoint. */
#define OWN_FOLDER_CHECKPOINT "checkpoint"

/* Removed with all in it when it goes out of scope. Zero-initialise it. */
typedef struct own_folder {
    char *path;
    fs_fd lock; /* if `path` is set; -1 for that of a run */
} own_folder;
void own_folder_release(own_folder *folder);
CAIRN_DEFINE_AUTO(own_folder, own_folder_release)

/* $TMPDIR, else /tmp. */
const char *own_folder_parent(void);

/* Makes a new one in `parent`. What `out` held is not released. */
cairn_code own_folder_new(const char *parent, own_folder_kind kind, own_folder *out,
                          cairn_error *err);

/*
 * Removes those in `parent` that killed commands of this user left: the folder's lock is free, and
 * nothing else is in it than such a command makes. One whose owner lives is locked, or not marked
 * yet. What can't be removed stays. `log` may be NULL.
 */
void own_folder_reclaim(const char *parent, const cairn_log *log);

#endif
