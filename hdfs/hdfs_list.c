/*
 * DESIGN: a listing is a walk of the tree, depth first, folder by folder in pages of the server. A
 * level keeps its page's entries, in a compact form, while the folders in it are walked. The token
 * is the path of the last object shown: each level goes on behind its part of it, which
 * `startafter` does in the server, so that nothing is remembered between pages and what is deleted
 * meanwhile does not matter.
 */
#include "cancel.h"
#include "errors.h"
#include "hdfs_path.h"
#include "hdfs_sweep.h"

#include <string.h>

#define NAME_BYTES 256 /* of a file in HDFS, with its NUL */

typedef struct entry {
    uint64_t size;
    uint64_t modified_ms;
    bool is_folder;
    bool is_temporary;
    char name[NAME_BYTES];
} entry;

/* What stands before each name in a level's entries. */
typedef struct entry_head {
    uint64_t size;
    uint64_t modified_ms;
    bool is_folder;
    bool is_temporary;
} entry_head;

typedef struct level {
    cairn_buf entries; /* heads, each with a name and its NUL behind it */
    size_t at;
    bool loaded;
    bool temporaries;       /* those of this driver are kept */
    bool more;              /* the server has another page */
    char after[NAME_BYTES]; /* the last name that was taken */
    size_t path_len;        /* of the folder */
    size_t key_len;
} level;

typedef struct walk {
    hdfs_store *store;
    const cairn_call *call;
    hdfs_temporary_visit temporary; /* if set, temporaries are visited and nothing else */
    const char *part; /* of the prefix behind its last '/': names of the first level begin so */
    cairn_store_visit visit;
    void *context;
    cairn_buf path; /* of the folder at hand, then of the entry */
    cairn_buf key;  /* the same as a key, with a '/' at the end of a folder */
    level *levels[CAIRN_HDFS_DEPTH_MAX];
    size_t depth;
    size_t shown;
} walk;

static void pop(walk *w)
{
    level *l = w->levels[--w->depth];

    cairn_buf_release(&l->entries);
    mem_free(l);
}

static void walk_release(walk *w)
{
    while (w->depth > 0) {
        pop(w);
    }
    cairn_buf_release(&w->path);
    cairn_buf_release(&w->key);
}
CAIRN_DEFINE_AUTO(walk, walk_release)

/* A level for the folder in w->path and w->key. */
static cairn_code push(walk *w, cairn_error *err)
{
    if (w->depth == CAIRN_HDFS_DEPTH_MAX) {
        return error_set(err, CAIRN_E_LIMIT, "folders more than %d deep", CAIRN_HDFS_DEPTH_MAX);
    }
    level *l = mem_calloc(1, sizeof(*l));
    if (l == NULL) {
        return error_no_memory(err, "a listing");
    }
    l->entries.limit = CAIRN_HDFS_JSON_BYTES_MAX;
    l->path_len = w->path.len;
    l->key_len = w->key.len;
    l->temporaries = w->temporary != NULL;
    w->levels[w->depth++] = l;
    return CAIRN_OK;
}

/* HDFS sorts names by their bytes as signed numbers. */
static bool comes_after(const char *name, const char *before)
{
    const signed char *a = (const signed char *)name;
    const signed char *b = (const signed char *)before;

    while (*a != 0 && *a == *b) {
        a++;
        b++;
    }
    return *b == 0 ? *a != 0 : *a != 0 && *a > *b;
}

/* Keeps an entry; what is neither file nor folder, and mostly a temporary, is only passed. */
static cairn_code keep_entry(void *context, const char *name, const webhdfs_status *status,
                             cairn_error *err)
{
    level *l = context;
    const bool temporary = hdfs_is_temporary(name);
    const bool is_own = l->temporaries && hdfs_is_own_temporary(name);
    const entry_head head = {status->length, status->modified_ms, status->is_folder && !temporary,
                             temporary};

    if (name[0] == '\0') { /* the path is a file: nothing lies below it */
        return CAIRN_OK;
    }
    if (strlen(name) >= NAME_BYTES || strchr(name, '/') != NULL) {
        return error_set(err, CAIRN_E_INTEGRITY, "the listing holds a name that is none");
    }
    if (!comes_after(name, l->after)) {
        return error_set(err, CAIRN_E_INTEGRITY,
                         "the listing does not advance: the server repeats a page");
    }
    (void)memcpy(l->after, name, strlen(name) + 1);
    if ((temporary && !is_own) || !(status->is_folder || status->is_file)) {
        return CAIRN_OK;
    }
    CAIRN_TRY(buf_append(&l->entries, &head, sizeof(head), err));
    return buf_append(&l->entries, name, strlen(name) + 1, err);
}

static cairn_code read_page(level *l, cairn_slice body, cairn_error *err)
{
    char before[NAME_BYTES];
    uint64_t remaining = 0;

    memcpy(before, l->after, sizeof(before));
    buf_clear(&l->entries);
    l->at = 0;
    CAIRN_TRY(webhdfs_json_listing(body, keep_entry, l, &remaining, err));
    l->loaded = true;
    l->more = remaining > 0;
    if (l->more && strcmp(before, l->after) == 0) {
        return error_set(err, CAIRN_E_INTEGRITY, "the listing does not advance: an empty page");
    }
    return CAIRN_OK;
}

/* The folder's next page. A folder that is gone, or no folder, has none. */
static cairn_code load(walk *w, level *l, cairn_error *err)
{
    CAIRN_AUTO(webhdfs_flight) flight = {.request = NULL};
    cairn_error own = {0};

    w->path.len = l->path_len;
    const webhdfs_request request = {
        .op = CAIRN_WEBHDFS_LIST,
        .path = l->path_len > 0 ? buf_text(&w->path) : "/",
        .params = {{"startafter", l->after[0] != '\0' ? l->after : NULL}},
    };
    const cairn_code code = hdfs_request(w->store, w->call, &request, &flight, &own);
    if (code == CAIRN_E_NOT_FOUND ||
        (code != CAIRN_OK && flight.failure.cause == CAIRN_WEBHDFS_NOT_A_FOLDER)) {
        buf_clear(&l->entries);
        l->at = 0;
        l->loaded = true;
        l->more = false;
        return CAIRN_OK;
    }
    if (code != CAIRN_OK) {
        return webhdfs_pass(code, &own, err);
    }
    return read_page(l, cairn_buf_slice(&flight.exchange.reply.body), err);
}

/* The next entry of the level, if its page has one. */
static bool take_entry(level *l, entry *out)
{
    entry_head head;

    if (l->at == l->entries.len) {
        return false;
    }
    memcpy(&head, l->entries.data + l->at, sizeof(head));
    l->at += sizeof(head);
    const char *name = (const char *)l->entries.data + l->at;
    *out = (entry){.size = head.size,
                   .modified_ms = head.modified_ms,
                   .is_folder = head.is_folder,
                   .is_temporary = head.is_temporary};
    memcpy(out->name, name, strlen(name) + 1);
    l->at += strlen(name) + 1;
    return true;
}

/* Puts the entry's name behind the level's path and key. */
static cairn_code enter(walk *w, const level *l, const entry *e, cairn_error *err)
{
    w->path.len = l->path_len;
    w->key.len = l->key_len;
    CAIRN_TRY(buf_printf(&w->path, err, "/%s", e->name));
    CAIRN_TRY(hdfs_part_of_name(e->name, &w->key, err));
    return buf_text(&w->key) != NULL ? CAIRN_OK : error_no_memory(err, "a listing");
}

static bool is_wanted(const walk *w, const level *l)
{
    const size_t part_len = strlen(w->part);

    return w->depth > 1 || (w->key.len - l->key_len >= part_len &&
                            memcmp(w->key.data + l->key_len, w->part, part_len) == 0);
}

static cairn_code show(walk *w, const entry *e, cairn_error *err)
{
    const cairn_object_info info = {e->size, e->modified_ms};

    if (w->temporary != NULL) {
        const webhdfs_status status = {.length = e->size, .modified_ms = e->modified_ms};
        return e->is_temporary ? w->temporary(w->context, buf_text(&w->path), &status, err)
                               : CAIRN_OK;
    }
    w->shown++;
    return w->visit(w->context, buf_text(&w->key), &info, err);
}

static cairn_code handle(walk *w, const level *l, const entry *e, cairn_error *err)
{
    CAIRN_TRY(enter(w, l, e, err));
    if (!is_wanted(w, l)) {
        return CAIRN_OK;
    }
    if (!e->is_folder) {
        return show(w, e, err);
    }
    if (w->key.len > CAIRN_OBJECT_KEY_BYTES_MAX) {
        return CAIRN_OK; /* nothing below it can be an object's key */
    }
    CAIRN_TRY(buf_append_byte(&w->key, '/', err));
    return push(w, err);
}

/* Until a page is full or the walk is over. */
static cairn_code walk_on(walk *w, cairn_error *err)
{
    entry e;

    while (w->depth > 0 && w->shown < CAIRN_LIST_PAGE_MAX) {
        level *l = w->levels[w->depth - 1];
        if (take_entry(l, &e)) {
            CAIRN_TRY(handle(w, l, &e, err));
        } else if (l->loaded && !l->more) {
            pop(w);
        } else {
            CAIRN_TRY(call_check(w->call, "between two pages", err));
            CAIRN_TRY(load(w, l, err));
        }
    }
    return CAIRN_OK;
}

/* The first level: the folder that all keys with the prefix lie in. */
static cairn_code begin(walk *w, const char *prefix, cairn_error *err)
{
    const char *slash = strrchr(prefix, '/');
    const size_t folder_len = slash == NULL ? 0 : (size_t)(slash - prefix);
    char *folder CAIRN_AUTO_FREE = mem_strndup(prefix, folder_len);

    if (folder == NULL) {
        return error_no_memory(err, "a listing");
    }
    w->part = slash == NULL ? prefix : slash + 1;
    CAIRN_TRY(buf_append_text(&w->path, w->store->root, err));
    if (folder_len > 0) {
        CAIRN_TRY(buf_append_byte(&w->path, '/', err));
        CAIRN_TRY(hdfs_path_of_key(folder, &w->path, err));
        CAIRN_TRY(buf_printf(&w->key, err, "%s/", folder));
    }
    return push(w, err);
}

/* Levels down to the object that the token names, each to go on behind its part of it. */
static cairn_code resume(walk *w, const char *token, cairn_error *err)
{
    for (;;) {
        level *l = w->levels[w->depth - 1];
        const size_t len = strcspn(token, "/");
        entry e = {.is_folder = true};
        if (len == 0 || len >= NAME_BYTES) {
            return error_set(err, CAIRN_E_INVALID,
                             "the token of the listing is none of this store");
        }
        memcpy(l->after, token, len);
        if (token[len] == '\0') {
            return CAIRN_OK;
        }
        memcpy(e.name, token, len);
        CAIRN_TRY(enter(w, l, &e, err));
        CAIRN_TRY(buf_append_byte(&w->key, '/', err));
        CAIRN_TRY(push(w, err));
        token += len + 1;
    }
}

cairn_code hdfs_list_page(void *self, const cairn_call *call, const cairn_list_page *page,
                          cairn_store_visit visit, void *context, cairn_error *err)
{
    CAIRN_AUTO(walk) w = {.store = self, .call = call, .visit = visit, .context = context};

    CAIRN_TRY(begin(&w, page->prefix, err));
    const size_t base_len = w.path.len;
    if (page->token != NULL) {
        CAIRN_TRY(resume(&w, page->token, err));
    }
    CAIRN_TRY(walk_on(&w, err));
    if (w.depth == 0) {
        return CAIRN_OK;
    }
    *page->out_next_token = cairn_driver_strdup(buf_text(&w.path) + base_len + 1);
    return *page->out_next_token != NULL ? CAIRN_OK : error_no_memory(err, "a list token");
}

cairn_code hdfs_walk_temporaries(hdfs_store *store, const cairn_call *call,
                                 hdfs_temporary_visit visit, void *context, cairn_error *err)
{
    CAIRN_AUTO(walk) w = {.store = store, .call = call, .temporary = visit, .context = context};

    CAIRN_TRY(begin(&w, "", err));
    return walk_on(&w, err);
}
