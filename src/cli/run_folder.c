#include "run_folder.h"

#include "errors.h"
#include "fsutil.h"
#include "logging.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_PREFIX       "cairn-run-"
#define FOLDER_RANDOM_CHARS 6 /* behind the prefix */

/* A backend makes it once it holds the lock: while it is absent, a run may be about to lock. */
#define FOLDER_MARK "CAIRN-LOCAL"
#define FOLDER_LOCK "LOCK"

/* All that may be in a local folder. Mark and lock go last: a removal that is cut short is taken up
 * by the next. */
static const char *const known_names[] = {
    "db", "db.partial", "output", "snapshots", FOLDER_MARK, FOLDER_LOCK,
};

void run_folder_release(run_folder *folder)
{
    if (*folder != NULL) {
        (void)fs_remove_tree(*folder, NULL);
        mem_free(*folder);
        *folder = NULL;
    }
}

cairn_code run_folder_new(const char *parent, run_folder *out, cairn_error *err)
{
    return fs_make_temp_dir(parent, FOLDER_PREFIX, out, err);
}

static bool has_pattern(const char *name)
{
    return strncmp(name, FOLDER_PREFIX, strlen(FOLDER_PREFIX)) == 0 &&
           strlen(name) == strlen(FOLDER_PREFIX) + FOLDER_RANDOM_CHARS;
}

/* A folder of this user that nobody else may write to; a symlink is none. */
static bool is_own(const char *path)
{
    struct stat info;

    return lstat(path, &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == geteuid() &&
           (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static bool is_known(const char *name)
{
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(known_names); i++) {
        if (strcmp(name, known_names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Was it a backend's, with nothing foreign in it? */
static bool is_left(const char *path)
{
    CAIRN_AUTO(fs_names) names = {0};
    size_t marks = 0;

    if (fs_list(path, &names, NULL) != CAIRN_OK) {
        return false;
    }
    for (size_t i = 0; i < names.count; i++) {
        if (!is_known(names.items[i])) {
            return false;
        }
        marks += strcmp(names.items[i], FOLDER_MARK) == 0 ? 1 : 0;
        marks += strcmp(names.items[i], FOLDER_LOCK) == 0 ? 1 : 0;
    }
    return marks == 2;
}

static cairn_code remove_known(const char *path, cairn_error *err)
{
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(known_names); i++) {
        char *entry CAIRN_AUTO_FREE = NULL;

        CAIRN_TRY(fs_join(path, known_names[i], &entry, err));
        CAIRN_TRY(fs_remove_tree(entry, err));
    }
    return fs_remove_tree(path, err);
}

/* Removes one if its process is dead, holding the lock, so that nobody takes it meanwhile. */
static cairn_code reclaim(const char *path, const cairn_log *log, cairn_error *err)
{
    CAIRN_AUTO(fs_fd) lock = -1;

    if (!is_own(path) || !is_left(path)) {
        return CAIRN_OK;
    }
    CAIRN_TRY(fs_lock_dir(path, &lock, err));
    CAIRN_TRY(remove_known(path, err));
    log_write(log, CAIRN_LOG_INFO, "removed %s, which a run that was killed had left", path);
    return CAIRN_OK;
}

void run_folder_reclaim(const char *parent, const cairn_log *log)
{
    CAIRN_AUTO(fs_names) names = {0};

    if (fs_list(parent, &names, NULL) != CAIRN_OK) {
        return;
    }
    for (size_t i = 0; i < names.count; i++) {
        char *path CAIRN_AUTO_FREE = NULL;

        if (has_pattern(names.items[i]) &&
            fs_join(parent, names.items[i], &path, NULL) == CAIRN_OK) {
            (void)reclaim(path, log, NULL); /* a cache: what stays costs disk, nothing else */
        }
    }
}
