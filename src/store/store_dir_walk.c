/*
 * DESIGN: readdir knows no order, so of each folder the names that may matter are read and sorted
 * before the first of them is visited. Of a huge folder only the smallest are kept; if they do not
 * suffice, it is read again for those behind them.
 */
#include "store_dir_walk.h"

#include "bounds.h"
#include "cancel.h"
#include "errors.h"
#include "fs_dir.h"
#include "store_key.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The smallest names of a folder. There may be up to twice `room` of them until they are sorted:
 * then the larger half is dropped, so sorting is seldom. */
typedef struct names {
    char **items;
    size_t count;
    size_t capacity;
    size_t room;
    bool cut; /* names beyond the first `room` have been dropped */
} names;

typedef struct walker {
    const dir_walk *walk;
    dir_keys *keys;                            /* has room for the limit */
    char path[CAIRN_OBJECT_KEY_BYTES_MAX + 2]; /* of the entry at hand, and perhaps a '/' */
} walker;

static void release_texts(char **items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        mem_free(items[i]);
    }
    mem_free(items);
}

void dir_keys_release(dir_keys *keys)
{
    release_texts(keys->items, keys->count);
    *keys = (dir_keys){0};
}

static void names_release(names *n)
{
    release_texts(n->items, n->count);
}
CAIRN_DEFINE_AUTO(names, names_release)

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void names_sort(names *n)
{
    if (n->count > 1) {
        qsort(n->items, n->count, sizeof(n->items[0]), compare_texts);
    }
    while (n->count > n->room) {
        mem_free(n->items[--n->count]);
        n->cut = true;
    }
}

static cairn_code names_grow(names *n, cairn_error *err)
{
    const size_t capacity = n->capacity == 0 ? 64 : 2 * n->capacity;
    char **items;

    if (n->count < n->capacity) {
        return CAIRN_OK;
    }
    items = mem_realloc_array(n->items, capacity, sizeof(n->items[0]));
    if (items == NULL) {
        return error_no_memory(err, "a page of a listing");
    }
    n->items = items;
    n->capacity = capacity;
    return CAIRN_OK;
}

/* Once names have been dropped, none beyond the last one kept then matters. */
static cairn_code names_add(names *n, const char *name, cairn_error *err)
{
    if (n->cut && strcmp(name, n->items[n->room - 1]) > 0) {
        return CAIRN_OK;
    }
    CAIRN_TRY(names_grow(n, err));
    n->items[n->count] = mem_strdup(name);
    if (n->items[n->count] == NULL) {
        return error_no_memory(err, "a page of a listing");
    }
    n->count++;
    if (n->count == 2 * n->room) {
        names_sort(n);
    }
    return CAIRN_OK;
}

static bool is_full(const walker *w)
{
    return w->keys->count == w->walk->limit;
}

static bool key_matters(const walker *w)
{
    return strcmp(w->path, w->walk->after) > 0 && store_key_has_prefix(w->path, w->walk->prefix) &&
           store_key_valid(w->path);
}

/* The path ends with '/': may keys that begin with it be asked for? */
static bool folder_matters(const walker *w)
{
    const size_t len = strlen(w->path);
    const size_t prefix_len = strlen(w->walk->prefix);
    const size_t common = len < prefix_len ? len : prefix_len;

    return strncmp(w->path, w->walk->prefix, common) == 0 &&
           (strcmp(w->path, w->walk->after) > 0 || strncmp(w->path, w->walk->after, len) == 0) &&
           strcmp(w->path, DIR_TEMPORARIES "/") != 0;
}

static bool folder_at_path_matters(walker *w, size_t len)
{
    w->path[len] = '/';
    w->path[len + 1] = '\0';
    return folder_matters(w);
}

/* An unseen symlink could hide all of a job, and "nothing there" is a strong word. */
static cairn_code refuse_symlink(walker *w, size_t len, cairn_error *err)
{
    bool matters = strcmp(w->path, w->walk->after) > 0 &&
                   store_key_has_prefix(w->path, w->walk->prefix);

    matters = folder_at_path_matters(w, len) || matters;
    w->path[len] = '\0';
    return matters ? dir_errno(err, ELOOP, "list", w->path) : CAIRN_OK;
}

/* What an entry is, where readdir did not tell. Gone meanwhile: unknown, and left out. */
static unsigned char entry_type(int at, const struct dirent *entry)
{
    struct stat info;

    if (entry->d_type != DT_UNKNOWN) {
        return entry->d_type;
    }
    if (fstatat(at, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return DT_UNKNOWN;
    }
    return (unsigned char)IFTODT(info.st_mode);
}

/* Puts the entry behind the `len` bytes of the path that are its folder's, with a '/' behind a
 * folder. *out_matters: whether it leads to keys. */
static cairn_code look_at_entry(walker *w, int at, const struct dirent *entry, size_t len,
                                bool *out_matters, cairn_error *err)
{
    const size_t name_len = strlen(entry->d_name);
    const size_t end = len + name_len;

    *out_matters = false;
    /* Some file systems have longer names; none of them is of a put. */
    if (end > CAIRN_OBJECT_KEY_BYTES_MAX || name_len > NAME_MAX) {
        return CAIRN_OK;
    }
    memcpy(w->path + len, entry->d_name, end - len + 1);
    switch (entry_type(at, entry)) {
    case DT_REG:
        *out_matters = key_matters(w);
        return CAIRN_OK;
    case DT_DIR:
        *out_matters = folder_at_path_matters(w, end);
        return CAIRN_OK;
    case DT_LNK:
        return refuse_symlink(w, end, err);
    default:
        return CAIRN_OK;
    }
}

static cairn_code read_stream(walker *w, DIR *stream, size_t len, const char *floor, names *out,
                              cairn_error *err)
{
    const struct dirent *entry;

    for (size_t i = 0; (entry = fs_dir_next(stream)) != NULL; i++) {
        bool matters = false;
        CAIRN_TRY(i % CAIRN_LIST_PAGE_MAX == 0 ? call_check(w->walk->call, "in a folder", err)
                                               : CAIRN_OK);
        CAIRN_TRY(look_at_entry(w, dirfd(stream), entry, len, &matters, err));
        if (matters && strcmp(w->path + len, floor) > 0) {
            CAIRN_TRY(names_add(out, w->path + len, err));
        }
    }
    const int cause = errno;
    w->path[len] = '\0';
    return cause == 0 ? CAIRN_OK : dir_errno(err, cause, "read the folder", w->path);
}

/* The smallest names of the open folder that are greater than `floor`, sorted. */
static cairn_code read_names(walker *w, fs_fd folder, size_t len, const char *floor, names *out,
                             cairn_error *err)
{
    CAIRN_AUTO(fs_fd) fd = -1;

    if (dir_open_folder(folder, ".", &fd) != 0) {
        return errno == ENOENT ? CAIRN_OK : dir_errno(err, errno, "open the folder", w->path);
    }
    CAIRN_AUTO(fs_dir) stream = fdopendir(fd);
    if (stream == NULL) {
        return dir_errno(err, errno, "open the folder", w->path);
    }
    (void)dir_take(&fd);
    CAIRN_TRY(read_stream(w, stream, len, floor, out, err));
    names_sort(out);
    return CAIRN_OK;
}

static cairn_code walk_folder(walker *w, int at, const char *name, size_t len, cairn_error *err);

static cairn_code visit_name(walker *w, fs_fd folder, const char *name, size_t len,
                             cairn_error *err)
{
    const size_t name_len = strlen(name);
    char plain[NAME_MAX + 1];

    memcpy(w->path + len, name, name_len + 1);
    if (name[name_len - 1] != '/') {
        char *key = mem_strdup(w->path);
        w->keys->items[w->keys->count] = key;
        w->keys->count += key != NULL;
        return key != NULL ? CAIRN_OK : error_no_memory(err, "a page of a listing");
    }
    CAIRN_ASSERT(name_len <= sizeof(plain));
    memcpy(plain, name, name_len - 1);
    plain[name_len - 1] = '\0';
    return walk_folder(w, folder, plain, len + name_len, err);
}

static cairn_code visit_names(walker *w, fs_fd folder, const names *n, size_t len, cairn_error *err)
{
    for (size_t i = 0; i < n->count && !is_full(w); i++) {
        CAIRN_TRY(visit_name(w, folder, n->items[i], len, err));
    }
    return CAIRN_OK;
}

/* Visits the next names behind *floor, and moves it to the last of them; NULL if there are no
 * more. */
static cairn_code walk_some(walker *w, fs_fd folder, size_t len, char **floor, cairn_error *err)
{
    const size_t rest = w->walk->limit - w->keys->count;
    CAIRN_AUTO(names) some = {.room = rest < CAIRN_LIST_PAGE_MAX ? CAIRN_LIST_PAGE_MAX : rest};

    CAIRN_TRY(read_names(w, folder, len, *floor, &some, err));
    CAIRN_TRY(visit_names(w, folder, &some, len, err));
    mem_free(*floor);
    *floor = some.cut ? some.items[--some.count] : NULL;
    w->path[len] = '\0';
    return CAIRN_OK;
}

/* The recursion is as deep as a key has parts; a folder that is gone meanwhile is empty. */
static cairn_code walk_folder(walker *w, int at, const char *name, size_t len, cairn_error *err)
{
    CAIRN_AUTO(fs_fd) folder = -1;
    char *floor CAIRN_AUTO_FREE = mem_strdup("");

    if (floor == NULL) {
        return error_no_memory(err, "a page of a listing");
    }
    if (dir_open_folder(at, name, &folder) != 0) {
        return errno == ENOENT ? CAIRN_OK : dir_errno(err, errno, "open the folder", w->path);
    }
    while (floor != NULL && !is_full(w)) {
        CAIRN_TRY(walk_some(w, folder, len, &floor, err));
    }
    return CAIRN_OK;
}

/* Begins in the folder that the prefix names. */
static cairn_code walk_prefix(walker *w, const store_dir *dir, cairn_error *err)
{
    CAIRN_AUTO(fs_fd) top = -1;
    struct stat root;
    cairn_error own = {0};
    const char *prefix = w->walk->prefix;
    const size_t len = (size_t)(dir_leaf(prefix) - prefix);

    if (fstat(dir->root, &root) != 0 || root.st_nlink == 0) {
        return error_set(err, CAIRN_E_IO, "the folder of the store has been removed");
    }
    const cairn_code code = dir_open_parent(dir, prefix, false, &top, &own);
    if (code == CAIRN_E_NOT_FOUND) {
        return CAIRN_OK;
    }
    if (code != CAIRN_OK) {
        return error_set(err, code, "%s", own.message);
    }
    memcpy(w->path, prefix, len);
    w->path[len] = '\0';
    return walk_folder(w, top, ".", len, err);
}

cairn_code dir_walk_keys(const store_dir *dir, const dir_walk *walk, dir_keys *out,
                         cairn_error *err)
{
    CAIRN_AUTO(dir_keys) keys = {.items = mem_calloc(walk->limit, sizeof(char *))};
    walker w = {.walk = walk, .keys = &keys};

    CAIRN_ASSERT(walk->limit > 0);
    if (keys.items == NULL) {
        return error_no_memory(err, "a page of a listing");
    }
    CAIRN_TRY(walk_prefix(&w, dir, err));
    *out = keys;
    keys = (dir_keys){0};
    return CAIRN_OK;
}
