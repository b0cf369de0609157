/*
 * DESIGN: each page walks the tree anew and keeps the CAIRN_LIST_PAGE_MAX smallest keys beyond the
 * token, so that memory is bounded whatever the tree holds and nothing is remembered between pages.
 * Keys are ordered by their bytes. All keys of a folder begin with "<folder>/", which lets the walk
 * leave out folders that lie before the token, beyond the page or outside the prefix.
 */
#include "bounds.h"
#include "cancel.h"
#include "errors.h"
#include "fs_dir.h"
#include "store_dir.h"
#include "store_key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Room for two pages: when it is full the larger half is dropped, so sorting is seldom. */
#define KEYS_MAX ((size_t)2 * CAIRN_LIST_PAGE_MAX)

typedef struct walker {
    const cairn_call *call;
    const char *prefix;
    const char *token; /* "" at the first page */
    char **keys;       /* KEYS_MAX */
    size_t count;
    bool cut;                                  /* keys beyond those kept have been dropped */
    char path[CAIRN_OBJECT_KEY_BYTES_MAX + 2]; /* of the entry at hand, and perhaps a '/' */
} walker;

static void walker_release(walker *w)
{
    for (size_t i = 0; i < w->count; i++) {
        mem_free(w->keys[i]);
    }
    mem_free(w->keys);
}
CAIRN_DEFINE_AUTO(walker, walker_release)

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts and keeps one page. */
static void shrink(walker *w)
{
    qsort(w->keys, w->count, sizeof(w->keys[0]), compare_keys);
    while (w->count > CAIRN_LIST_PAGE_MAX) {
        mem_free(w->keys[--w->count]);
        w->cut = true;
    }
}

/* Once a page is full nothing beyond its last key matters. */
static bool beyond_page(const walker *w, const char *text)
{
    return w->cut && strcmp(text, w->keys[CAIRN_LIST_PAGE_MAX - 1]) > 0;
}

static cairn_code add_key(walker *w, cairn_error *err)
{
    if (strcmp(w->path, w->token) <= 0 || !store_key_has_prefix(w->path, w->prefix) ||
        beyond_page(w, w->path) || !store_key_valid(w->path)) {
        return CAIRN_OK;
    }
    char *key = mem_strdup(w->path);
    if (key == NULL) {
        return error_no_memory(err, "a page of a listing");
    }
    w->keys[w->count++] = key;
    if (w->count == KEYS_MAX) {
        shrink(w);
    }
    return CAIRN_OK;
}

/* `path` ends with '/': may keys that begin with it belong to the page? */
static bool folder_matters(const walker *w, const char *path)
{
    const size_t len = strlen(path);
    const size_t prefix_len = strlen(w->prefix);
    const size_t common = len < prefix_len ? len : prefix_len;

    return strncmp(path, w->prefix, common) == 0 && !beyond_page(w, path) &&
           (strcmp(path, w->token) > 0 || strncmp(path, w->token, len) == 0) &&
           strcmp(path, DIR_TEMPORARIES "/") != 0;
}

static cairn_code walk_folder(walker *w, int at, const char *name, size_t len, cairn_error *err);

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

static cairn_code visit_folder(walker *w, int at, const char *name, size_t len, cairn_error *err)
{
    w->path[len] = '/';
    w->path[len + 1] = '\0';
    return folder_matters(w, w->path) ? walk_folder(w, at, name, len + 1, err) : CAIRN_OK;
}

/* An unseen symlink could hide all of a job, and "nothing there" is a strong word. */
static cairn_code refuse_symlink(walker *w, size_t len, cairn_error *err)
{
    bool matters = strcmp(w->path, w->token) > 0 && store_key_has_prefix(w->path, w->prefix);

    w->path[len] = '/';
    w->path[len + 1] = '\0';
    matters = matters || folder_matters(w, w->path);
    w->path[len] = '\0';
    return matters ? dir_errno(err, ELOOP, "list", w->path) : CAIRN_OK;
}

/* `len` bytes of the path are those of the folder, with its '/'. */
static cairn_code visit_entry(walker *w, int at, const struct dirent *entry, size_t len,
                              cairn_error *err)
{
    const size_t name_len = strlen(entry->d_name);

    if (len + name_len > CAIRN_OBJECT_KEY_BYTES_MAX) {
        return CAIRN_OK;
    }
    memcpy(w->path + len, entry->d_name, name_len + 1);
    switch (entry_type(at, entry)) {
    case DT_REG:
        return add_key(w, err);
    case DT_DIR:
        return visit_folder(w, at, entry->d_name, len + name_len, err);
    case DT_LNK:
        return refuse_symlink(w, len + name_len, err);
    default:
        return CAIRN_OK;
    }
}

static cairn_code walk_stream(walker *w, DIR *stream, size_t len, cairn_error *err)
{
    const struct dirent *entry;

    for (size_t i = 0; (entry = fs_dir_next(stream)) != NULL; i++) {
        CAIRN_TRY(i % CAIRN_LIST_PAGE_MAX == 0 ? call_check(w->call, "in a folder", err)
                                               : CAIRN_OK);
        CAIRN_TRY(visit_entry(w, dirfd(stream), entry, len, err));
    }
    w->path[len] = '\0';
    return errno == 0 ? CAIRN_OK : dir_errno(err, errno, "read the folder", w->path);
}

/* The recursion is as deep as a key has parts; a folder that is gone meanwhile is empty. */
static cairn_code walk_folder(walker *w, int at, const char *name, size_t len, cairn_error *err)
{
    CAIRN_AUTO(fs_fd) fd = -1;

    if (dir_open_folder(at, name, &fd) != 0) {
        return errno == ENOENT ? CAIRN_OK : dir_errno(err, errno, "open the folder", w->path);
    }
    CAIRN_AUTO(fs_dir) stream = fdopendir(fd);
    if (stream == NULL) {
        return dir_errno(err, errno, "open the folder", w->path);
    }
    (void)dir_take(&fd);
    return walk_stream(w, stream, len, err);
}

/* Begins in the folder that the prefix names. */
static cairn_code walk_prefix(walker *w, const store_dir *dir, cairn_error *err)
{
    CAIRN_AUTO(fs_fd) top = -1;
    struct stat root;
    cairn_error own = {0};
    const size_t len = (size_t)(dir_leaf(w->prefix) - w->prefix);

    if (fstat(dir->root, &root) != 0 || root.st_nlink == 0) {
        return error_set(err, CAIRN_E_IO, "the folder of the store has been removed");
    }
    const cairn_code code = dir_open_parent(dir, w->prefix, false, &top, &own);
    if (code == CAIRN_E_NOT_FOUND) {
        return CAIRN_OK;
    }
    if (code != CAIRN_OK) {
        return error_set(err, code, "%s", own.message);
    }
    memcpy(w->path, w->prefix, len);
    w->path[len] = '\0';
    return walk_folder(w, top, ".", len, err);
}

/* Shows one key unless it has been deleted meanwhile. */
static cairn_code show(const store_dir *dir, const char *key, cairn_store_visit visit,
                       void *context, cairn_error *err)
{
    cairn_object_info info = {0};
    cairn_error own = {0};
    const cairn_code code = dir_stat_object(dir, key, &info, &own);

    if (code == CAIRN_E_NOT_FOUND) {
        return CAIRN_OK;
    }
    if (code != CAIRN_OK) {
        return error_set(err, code, "%s", own.message);
    }
    return visit(context, key, &info, err);
}

cairn_code dir_list_page(void *self, const cairn_call *call, const cairn_list_page *page,
                         cairn_store_visit visit, void *context, cairn_error *err)
{
    CAIRN_AUTO(walker)
    w = {.call = call,
         .prefix = page->prefix,
         .token = page->token != NULL ? page->token : "",
         .keys = mem_calloc(KEYS_MAX, sizeof(char *))};
    char *next CAIRN_AUTO_FREE = NULL;

    if (w.keys == NULL) {
        return error_no_memory(err, "a page of a listing");
    }
    CAIRN_TRY(walk_prefix(&w, self, err));
    shrink(&w);
    if (w.cut && (next = cairn_driver_strdup(w.keys[w.count - 1])) == NULL) {
        return error_no_memory(err, "a list token");
    }
    for (size_t i = 0; i < w.count; i++) {
        CAIRN_TRY(show(self, w.keys[i], visit, context, err));
    }
    *page->out_next_token = CAIRN_TAKE(next);
    return CAIRN_OK;
}
