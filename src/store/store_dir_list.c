/*
 * DESIGN: a folder must be read whole before its smallest name is known, so to walk for each page
 * would read a folder of n objects n / CAIRN_LIST_PAGE_MAX times. A walk therefore fetches a window
 * of many pages, which the store keeps for the next pages of the same listing: the token names the
 * listing and the last key. Memory is bounded by CAIRN_DIR_WINDOW_KEYS and CAIRN_DIR_WINDOWS_MAX,
 * whatever the tree holds. A page whose window is not there any more walks from its key.
 *
 * Keys of a window that were deleted meanwhile are left out of their page, and those put meanwhile
 * need not be seen. A listing that begins never uses the window of another.
 */
#include "bounds.h"
#include "errors.h"
#include "random.h"
#include "store_dir_walk.h"

#include <string.h>

#define ID_LENGTH (RANDOM_ID_SIZE - 1)

struct dir_window {
    char id[RANDOM_ID_SIZE]; /* of the listing */
    char *after;             /* it holds the first keys beyond this one */
    dir_keys keys;
    bool more; /* the tree had more keys beyond them */
};

void dir_window_free(dir_window *window)
{
    if (window != NULL) {
        mem_free(window->after);
        dir_keys_release(&window->keys);
        mem_free(window);
    }
}
CAIRN_DEFINE_AUTO_PTR(dir_window, dir_window_free)

/* A token is the id of the listing and the last key of the page before. */
static const char *token_key(const char *token)
{
    return token == NULL ? "" : token + ID_LENGTH;
}

static cairn_code make_token(const dir_window *window, const char *key, char **out,
                             cairn_error *err)
{
    char text[ID_LENGTH + CAIRN_OBJECT_KEY_BYTES_MAX + 1];
    const size_t len = strlen(key);

    CAIRN_ASSERT(len <= CAIRN_OBJECT_KEY_BYTES_MAX);
    memcpy(text, window->id, ID_LENGTH);
    memcpy(text + ID_LENGTH, key, len + 1);
    *out = cairn_driver_strdup(text);
    return *out != NULL ? CAIRN_OK : error_no_memory(err, "a list token");
}

static bool serves(const dir_window *window, const char *token)
{
    const dir_keys *keys = &window->keys;

    return strncmp(window->id, token, ID_LENGTH) == 0 &&
           strcmp(window->after, token_key(token)) <= 0 && keys->count > 0 &&
           strcmp(keys->items[keys->count - 1], token_key(token)) > 0;
}

/* The window that serves the next page, or NULL. It is the caller's until it is kept again. */
static dir_window *take_window(store_dir *dir, const char *token)
{
    dir_window *found = NULL;

    if (token == NULL) {
        return NULL;
    }
    pthread_mutex_lock(&dir->synced.lock);
    for (size_t i = 0; i < CAIRN_DIR_WINDOWS_MAX && found == NULL; i++) {
        if (dir->synced.windows[i] != NULL && serves(dir->synced.windows[i], token)) {
            found = CAIRN_TAKE(dir->synced.windows[i]);
        }
    }
    pthread_mutex_unlock(&dir->synced.lock);
    return found;
}

/* If there is no room, windows make room in turn: of listings that were given up nobody tells. */
static size_t find_place_locked(store_dir *dir)
{
    for (size_t i = 0; i < CAIRN_DIR_WINDOWS_MAX; i++) {
        if (dir->synced.windows[i] == NULL) {
            return i;
        }
    }
    return dir->synced.turn++ % CAIRN_DIR_WINDOWS_MAX;
}

static void keep_window(store_dir *dir, dir_window *window)
{
    pthread_mutex_lock(&dir->synced.lock);
    const size_t place = find_place_locked(dir);
    dir_window *evicted = dir->synced.windows[place];
    dir->synced.windows[place] = window;
    pthread_mutex_unlock(&dir->synced.lock);
    dir_window_free(evicted);
}

/* One key more than the window holds tells whether there are more. */
static cairn_code fill_window(const store_dir *dir, const cairn_call *call, const char *prefix,
                              dir_window *window, cairn_error *err)
{
    const dir_walk walk = {call, prefix, window->after, dir->window_keys + 1};

    CAIRN_TRY(dir_walk_keys(dir, &walk, &window->keys, err));
    window->more = window->keys.count > dir->window_keys;
    if (window->more) {
        mem_free(window->keys.items[--window->keys.count]);
    }
    return CAIRN_OK;
}

static cairn_code open_window(const store_dir *dir, const cairn_call *call,
                              const cairn_list_page *page, dir_window **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(dir_window_free) dir_window *window = mem_calloc(1, sizeof(*window));

    if (window == NULL || (window->after = mem_strdup(token_key(page->token))) == NULL) {
        return error_no_memory(err, "a page of a listing");
    }
    if (page->token == NULL) {
        random_id(window->id);
    } else {
        memcpy(window->id, page->token, ID_LENGTH);
    }
    CAIRN_TRY(fill_window(dir, call, page->prefix, window, err));
    *out = CAIRN_TAKE(window);
    return CAIRN_OK;
}

/* How many of the sorted keys are not greater than `key`. */
static size_t count_until(const dir_keys *keys, const char *key)
{
    size_t low = 0;
    size_t high = keys->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(keys->items[middle], key) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
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
    store_dir *dir = self;
    CAIRN_AUTO_PTR(dir_window_free) dir_window *window = take_window(dir, page->token);
    char *next CAIRN_AUTO_FREE = NULL;

    CAIRN_ASSERT(page->token == NULL || strlen(page->token) > ID_LENGTH);
    if (window == NULL) {
        CAIRN_TRY(open_window(dir, call, page, &window, err));
    }
    const dir_keys *keys = &window->keys;
    const size_t first = count_until(keys, token_key(page->token));
    const size_t rest = keys->count - first;
    const size_t end = first + (rest < CAIRN_LIST_PAGE_MAX ? rest : CAIRN_LIST_PAGE_MAX);
    if (end < keys->count || window->more) {
        CAIRN_TRY(make_token(window, keys->items[end - 1], &next, err));
    }
    for (size_t i = first; i < end; i++) {
        CAIRN_TRY(show(dir, keys->items[i], visit, context, err));
    }
    if (end < keys->count) {
        keep_window(dir, CAIRN_TAKE(window));
    }
    *page->out_next_token = CAIRN_TAKE(next);
    return CAIRN_OK;
}
