/*
 * What the files of the directory driver share.
 *
 * Everything below the root is reached part by part with O_NOFOLLOW from the descriptor of the
 * root, so neither a symlink nor a renamed parent leads out of it. Functions take keys that the
 * front has checked.
 */
#ifndef CAIRN_STORE_STORE_DIR_H
#define CAIRN_STORE_STORE_DIR_H

#include <cairn/store_driver.h>

#include "bounds.h"
#include "fs_retry.h"
#include "fsutil.h"

#include <fcntl.h>
#include <pthread.h>

/* Temporaries with a name live here; no key may. */
#define DIR_TEMPORARIES ".cairn-tmp"
/* Less the umask: published output is for others to read, unless the operator says otherwise. */
#define DIR_FOLDER_MODE 0777
#define DIR_OBJECT_MODE 0666

/* Keys of a listing under way that its next pages will show (store_dir_list.c). */
typedef struct dir_window dir_window;
void dir_window_free(dir_window *window);

/* Immutable after the store is made, but for `named`, which only ever goes up, and `synced`. */
typedef struct store_dir {
    fs_fd root;
    size_t window_keys; /* of a listing */
    _Atomic bool named; /* the file system cannot do O_TMPFILE */
    struct {
        pthread_mutex_t lock;
        dir_window *windows[CAIRN_DIR_WINDOWS_MAX]; /* owned; NULL where there is none */
        size_t turn;
    } synced;
} store_dir;

/* For tests: the driver of `store`, a directory store, uses named temporaries from now on. */
void store_dir_force_named(cairn_store *store);
/* For tests: a window of a listing holds so many keys; to be called before the first listing. */
void store_dir_set_window(cairn_store *store, size_t keys);

/* Moves a descriptor out of a variable that closes it. */
static inline fs_fd dir_take(fs_fd *fd)
{
    const fs_fd taken = *fd;

    *fd = -1;
    return taken;
}

/* As error_errno, with the codes that a tree of objects needs: a symlink in the way is
 * CAIRN_E_ACCESS, a plain file in the place of a folder CAIRN_E_NOT_FOUND. */
cairn_code dir_errno(cairn_error *err, int errno_value, const char *tried, const char *name);

/* Opens a folder below `at`; *out is untouched on failure. errno tells: ELOOP for a symlink. */
int dir_open_folder(int at, const char *name, fs_fd *out);

/* The last part of a key. */
const char *dir_leaf(const char *key);

/*
 * Opens the folder that holds `key`. With `make`, missing folders are made and each folder on the
 * way is fsynced, so that the way to the object is as durable as the object. A folder that another
 * thread or process removes meanwhile is made again, at most CAIRN_DIR_RACES_MAX times. What *out
 * held is closed.
 */
cairn_code dir_open_parent(const store_dir *dir, const char *key, bool make, fs_fd *out,
                           cairn_error *err);

/* Removes the folders above `key` that are empty, from the lowest; failures do not matter. */
void dir_remove_empty_parents(const store_dir *dir, const char *key);

/* Opens an object for reading and tells its size. */
cairn_code dir_open_object(const store_dir *dir, const char *key, fs_fd *out, uint64_t *out_size,
                           cairn_error *err);

/* Size and time of an object. */
cairn_code dir_stat_object(const store_dir *dir, const char *key, cairn_object_info *out,
                           cairn_error *err);

/*
 * Appends the bytes of `source` (its path is only for messages) to the file `to`, in chunks between
 * which the call may be ended.
 */
cairn_code dir_copy(fs_fd from, const cairn_file_range *source, fs_fd to, const cairn_call *call,
                    cairn_error *err);

/* Gives an open file, which may have no name yet, a name in `folder`; errno tells why not. */
int dir_link_open_file(fs_fd file, int folder, const char *name);

/*
 * Makes a frozen local file the object `key`, whose folder is `parent`, durably and without copying
 * a byte. *out_shared stays false if that is not possible, or the name is taken: a copy will tell.
 */
cairn_code dir_share_in(const cairn_file_range *range, fs_fd parent, const char *key,
                        bool *out_shared, cairn_error *err);

/* The other way: `to` becomes a name of the open object. False: copy it. */
bool dir_share_out(fs_fd object, const cairn_file_range *to);

/* Driver functions that stand in files of their own. */
cairn_code dir_put(void *self, const cairn_call *call, const char *key, const cairn_put_body *body,
                   cairn_put_mode mode, cairn_error *err);
/* A new name of the same bytes, as with a frozen file, where that is possible. */
cairn_code dir_copy_object(void *self, const cairn_call *call, const char *from_key,
                           const char *to_key, cairn_put_mode mode, cairn_error *err);
cairn_code dir_list_page(void *self, const cairn_call *call, const cairn_list_page *page,
                         cairn_store_visit visit, void *context, cairn_error *err);

/* Removes temporaries that no living writer holds. Failures do not matter: nobody sees them. */
void dir_sweep(const store_dir *dir);

#endif
