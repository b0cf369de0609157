#include "run_places.h"

#include "bounds.h"
#include "buf.h"
#include "errors.h"
#include "store_uri.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define PART_PREFIX "part-"

/* Where the last part of `path` begins; trailing slashes belong to it. */
static size_t last_part(const char *path)
{
    size_t at = strlen(path);

    while (at > 0 && path[at - 1] == '/') {
        at--;
    }
    while (at > 0 && path[at - 1] != '/') {
        at--;
    }
    return at;
}

/* The real path of the longest part of `path` that exists, and the rest behind it; terminated. */
static cairn_code real_path(const char *path, cairn_buf *out, cairn_error *err)
{
    char *prefix CAIRN_AUTO_FREE = mem_strdup(path);
    char resolved[PATH_MAX];

    if (prefix == NULL) {
        return error_no_memory(err, "a path");
    }
    while (realpath(prefix[0] == '\0' ? "." : prefix, resolved) == NULL) {
        const size_t cut = last_part(prefix);

        if ((errno != ENOENT && errno != ENOTDIR) || prefix[0] == '\0') {
            return error_errno(err, errno, "run: %s", path);
        }
        prefix[cut] = '\0';
    }
    buf_clear(out);
    CAIRN_TRY(buf_append(out, resolved, strlen(resolved), err));
    /* What is not made yet is never a symlink. */
    return store_uri_append_path(out, 1, path + strlen(prefix), err);
}

/* The real path of a folder, the normal URI of anything else: they never lie in one another. */
static cairn_code place_of(const char *uri, const char *what, cairn_buf *out, cairn_error *err)
{
    store_kind kind = CAIRN_STORE_KIND_DIR;
    const char *path = NULL;

    CAIRN_TRY(store_uri_kind(uri, what, &kind, err));
    if (kind != CAIRN_STORE_KIND_DIR) {
        return store_uri_normal(uri, out, err);
    }
    CAIRN_TRY(store_uri_path(uri, what, &path, err));
    return real_path(path, out, err);
}

/* Is it `outer` or below it? */
static bool lies_in(const cairn_buf *inner, const cairn_buf *outer)
{
    return inner->len >= outer->len && memcmp(inner->data, outer->data, outer->len) == 0 &&
           (outer->len == 1 || inner->len == outer->len || inner->data[outer->len] == '/');
}

static cairn_code check_local(cairn_buf *local, cairn_buf *other, const char *what,
                              cairn_error *err)
{
    /* NOLINTNEXTLINE(readability-suspicious-call-argument): both ways */
    if (!lies_in(local, other) && !lies_in(other, local)) {
        return CAIRN_OK;
    }
    return error_set(err, CAIRN_E_INVALID,
                     "run: --local-dir %s, which is emptied, and %s %s lie in one another: "
                     "choose another place",
                     buf_text(local), what, buf_text(other));
}

static cairn_code check_input(const cairn_buf *local, const char *input, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) path = {0};

    if (input == NULL) {
        return CAIRN_OK;
    }
    CAIRN_TRY(place_of(input, "input", &path, err));
    if (lies_in(&path, local)) {
        return error_set(err, CAIRN_E_INVALID,
                         "run: the input %s is in --local-dir, which is emptied: choose another "
                         "place",
                         buf_text(&path));
    }
    return CAIRN_OK;
}

/* What stands below the job's folder is the job's: garbage collection would take the output. */
static cairn_code check_output(const cairn_buf *output, const char *checkpoints, const char *job,
                               cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) folder = {0};
    CAIRN_AUTO(cairn_buf) root = {0};

    CAIRN_TRY(buf_printf(&folder, err, "%s/%s", checkpoints, job));
    if (buf_text(&folder) == NULL) {
        return error_no_memory(err, "a path");
    }
    CAIRN_TRY(place_of(buf_text(&folder), "checkpoints: store", &root, err));
    if (lies_in(output, &root)) {
        return error_set(err, CAIRN_E_INVALID,
                         "run: --output is in the job's own folder %s: choose another place",
                         buf_text(&root));
    }
    return CAIRN_OK;
}

cairn_code run_places_check(const run_places *places, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) output = {0};
    CAIRN_AUTO(cairn_buf) checkpoints = {0};
    CAIRN_AUTO(cairn_buf) local = {0};

    CAIRN_TRY(place_of(places->checkpoints, "checkpoints: store", &checkpoints, err));
    CAIRN_TRY(place_of(places->output, "output: store", &output, err));
    CAIRN_TRY(check_output(&output, places->checkpoints, places->job, err));
    if (places->local_dir == NULL) {
        return CAIRN_OK;
    }
    CAIRN_TRY(real_path(places->local_dir, &local, err));
    CAIRN_TRY(check_local(&local, &checkpoints, "the checkpoints", err));
    CAIRN_TRY(check_local(&local, &output, "the output", err));
    return check_input(&local, places->input, err);
}

/* Ends the listing with the first key, which is kept. */
static cairn_code note_first(void *context, const char *key, const cairn_object_info *info,
                             cairn_error *err)
{
    cairn_buf *first = context;

    (void)info;
    CAIRN_TRY(buf_append(first, key, strlen(key), err));
    return CAIRN_E_EXISTS;
}

/* `out` gets a key that begins with `prefix`, or stays empty. */
static cairn_code find_one(cairn_store *store, const cairn_call *call, const char *prefix,
                           cairn_buf *out, cairn_error *err)
{
    const cairn_code code = cairn_store_list(store, call, prefix, note_first, out, err);

    return code == CAIRN_E_EXISTS && out->len > 0 ? CAIRN_OK : code;
}

cairn_code run_places_check_parts(cairn_store *checkpoints, cairn_store *output, const char *job,
                                  const cairn_call *call, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) part = {0};
    CAIRN_AUTO(cairn_buf) own = {0};
    CAIRN_AUTO(cairn_buf) prefix = {0};

    CAIRN_TRY(find_one(output, call, PART_PREFIX, &part, err));
    if (part.len == 0) {
        return CAIRN_OK;
    }
    CAIRN_TRY(buf_printf(&prefix, err, "%s/", job));
    if (buf_text(&prefix) == NULL) {
        return error_no_memory(err, "a prefix");
    }
    CAIRN_TRY(find_one(checkpoints, call, buf_text(&prefix), &own, err));
    if (own.len > 0) {
        return CAIRN_OK;
    }
    return error_set(err, CAIRN_E_INVALID,
                     "run: the output folder %s holds parts of another run, and %s holds no job "
                     "%s to go on with: name an empty output folder, or that run's checkpoints",
                     cairn_store_uri(output), cairn_store_uri(checkpoints), job);
}
