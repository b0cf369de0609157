/*
 * Reading the tree of a directory store in the order of its keys.
 *
 * Keys are ordered by their bytes, and so are the names of a folder when those of folders end with
 * '/': a walk that takes them in this order finds the keys one after another. So it can begin
 * behind any key and end after any number of them, and opens no folder whose keys all lie before or
 * beyond.
 */
#ifndef CAIRN_STORE_STORE_DIR_WALK_H
#define CAIRN_STORE_STORE_DIR_WALK_H

#include "store_dir.h"

typedef struct dir_keys {
    char **items;
    size_t count;
} dir_keys;

void dir_keys_release(dir_keys *keys);
CAIRN_DEFINE_AUTO(dir_keys, dir_keys_release)

typedef struct dir_walk {
    const cairn_call *call;
    const char *prefix;
    const char *after; /* only keys that are greater; "" for all */
    size_t limit;      /* of keys, at least 1 */
} dir_walk;

/*
 * The first `limit` keys that the walk meets, sorted; fewer if there are no more. `out` comes
 * empty. A symlink among what it reads is CAIRN_E_ACCESS if its name could be a key of the walk or
 * begin one. Reads each folder once for every `limit` names in it, in memory that `limit` bounds
 * for each folder on the way to the key at hand.
 */
cairn_code dir_walk_keys(const store_dir *dir, const dir_walk *walk, dir_keys *out,
                         cairn_error *err);

#endif
