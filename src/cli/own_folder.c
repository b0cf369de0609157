#include "own_folder.h"

#include "errors.h"
#include "logging.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RANDOM_CHARS 6 /* behind the prefix */
#define LOCK_NAME    "LOCK"
#define NAMES_MAX    6

/* The mark is made by who holds the lock: while it is absent, the owner may be about to lock. */
typedef struct folder_kind {
    const char *prefix;
    const char *mark;
    const char *contents[NAMES_MAX]; /* all that may be in it beside mark and lock */
    const char *temporary;           /* how the names of others begin, or NULL */
    const char *owner;               /* for the log */
} folder_kind;

static const folder_kind kinds[] = {
    [CAIRN_OWN_FOLDER_RUN] = {.prefix = "cairn-run-",
                              .mark = "CAIRN-LOCAL", /* a backend's */
                              .contents = {"db", "db.partial", "canonical", "canonical.partial",
                                           "output", "snapshots"},
                              .owner = "a run"},
    [CAIRN_OWN_FOLDER_SCRATCH] = {.prefix = "cairn-scratch-",
                                  .mark = "CAIRN-SCRATCH",
                                  .contents = {OWN_FOLDER_CHECKPOINT},
                                  .temporary = OWN_FOLDER_CHECKPOINT
                                  ".partial-", /* of the restore */
                                  .owner = "a command"},
};

const char *own_folder_parent(void)
{
    const char *parent = getenv("TMPDIR"); /* NOLINT(concurrency-mt-unsafe): nobody sets it */

    return parent == NULL || parent[0] == '\0' ? "/tmp" : parent;
}

void own_folder_release(own_folder *folder)
{
    if (folder->path != NULL) {
        (void)fs_remove_tree(folder->path, NULL);
        mem_free(folder->path);
        fs_close(&folder->lock);
    }
    *folder = (own_folder){0};
}

static cairn_code lock_and_mark(own_folder *folder, const folder_kind *kind, cairn_error *err)
{
    char *path CAIRN_AUTO_FREE = NULL;
    CAIRN_AUTO(fs_fd) mark = -1;

    CAIRN_TRY(fs_lock_dir(folder->path, &folder->lock, err));
    CAIRN_TRY(fs_join(folder->path, kind->mark, &path, err));
    return fs_open_new(path, &mark, err);
}

cairn_code own_folder_new(const char *parent, own_folder_kind kind, own_folder *out,
                          cairn_error *err)
{
    CAIRN_AUTO(own_folder) folder = {.lock = -1};

    CAIRN_TRY(fs_make_temp_dir(parent, kinds[kind].prefix, &folder.path, err));
    if (kind != CAIRN_OWN_FOLDER_RUN) {
        CAIRN_TRY(lock_and_mark(&folder, &kinds[kind], err));
    }
    *out = folder;
    folder = (own_folder){0};
    return CAIRN_OK;
}

static const folder_kind *find_kind(const char *name)
{
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(kinds); i++) {
        const size_t len = strlen(kinds[i].prefix);
        if (strncmp(name, kinds[i].prefix, len) == 0 && strlen(name) == len + RANDOM_CHARS) {
            return &kinds[i];
        }
    }
    return NULL;
}

/* A folder of this user that nobody else may write to; a symlink is none. */
static bool is_own(const char *path)
{
    struct stat info;

    return lstat(path, &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == geteuid() &&
           (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static bool is_content(const folder_kind *kind, const char *name)
{
    for (size_t i = 0; i < NAMES_MAX && kind->contents[i] != NULL; i++) {
        if (strcmp(name, kind->contents[i]) == 0) {
            return true;
        }
    }
    return kind->temporary != NULL && strncmp(name, kind->temporary, strlen(kind->temporary)) == 0;
}

static bool is_mark_or_lock(const folder_kind *kind, const char *name)
{
    return strcmp(name, kind->mark) == 0 || strcmp(name, LOCK_NAME) == 0;
}

/* Was it such a command's, with nothing foreign in it? */
static bool is_left(const folder_kind *kind, const fs_names *names)
{
    size_t marks = 0;

    for (size_t i = 0; i < names->count; i++) {
        if (is_mark_or_lock(kind, names->items[i])) {
            marks++;
        } else if (!is_content(kind, names->items[i])) {
            return false;
        }
    }
    return marks == 2;
}

/* Mark and lock go last: a removal that is cut short is taken up by the next. */
static cairn_code remove_left(const folder_kind *kind, const char *path, const fs_names *names,
                              cairn_error *err)
{
    for (size_t i = 0; i < names->count; i++) {
        char *entry CAIRN_AUTO_FREE = NULL;
        if (is_content(kind, names->items[i])) {
            CAIRN_TRY(fs_join(path, names->items[i], &entry, err));
            CAIRN_TRY(fs_remove_tree(entry, err));
        }
    }
    return fs_remove_tree(path, err);
}

/* Removes one if its process is dead, holding the lock, so that nobody takes it meanwhile. */
static cairn_code reclaim(const folder_kind *kind, const char *path, const cairn_log *log,
                          cairn_error *err)
{
    CAIRN_AUTO(fs_fd) lock = -1;
    CAIRN_AUTO(fs_names) names = {0};

    if (!is_own(path)) {
        return CAIRN_OK;
    }
    CAIRN_TRY(fs_list(path, &names, err));
    if (!is_left(kind, &names)) {
        return CAIRN_OK;
    }
    CAIRN_TRY(fs_lock_dir(path, &lock, err));
    CAIRN_TRY(remove_left(kind, path, &names, err));
    log_write(log, CAIRN_LOG_INFO, "removed %s, which %s that was killed had left", path,
              kind->owner);
    return CAIRN_OK;
}

void own_folder_reclaim(const char *parent, const cairn_log *log)
{
    CAIRN_AUTO(fs_names) names = {0};

    if (fs_list(parent, &names, NULL) != CAIRN_OK) {
        return;
    }
    for (size_t i = 0; i < names.count; i++) {
        char *path CAIRN_AUTO_FREE = NULL;
        const folder_kind *kind = find_kind(names.items[i]);

        if (kind != NULL && fs_join(parent, names.items[i], &path, NULL) == CAIRN_OK) {
            (void)reclaim(kind, path, log, NULL); /* what stays costs disk, nothing else */
        }
    }
}
