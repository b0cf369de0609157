#include "store_pick.h"

#include <cairn/dir.h>

#include "encode.h"
#include "errors.h"

#include <ctype.h>
#include <string.h>

#define STORE_SHOWN_BYTES_MAX 200

/* Length of "s3" in "s3://..."; 0 if there is no scheme. */
static size_t scheme_length(const char *uri)
{
    size_t length = 0;

    while (isalnum((unsigned char)uri[length]) ||
           (length > 0 && strchr("+.-", uri[length]) && uri[length] != '\0')) {
        length++;
    }
    return strncmp(uri + length, "://", 3) == 0 ? length : 0;
}

static cairn_code refuse_path(const char *uri, const char *what, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) shown = {0};

    CAIRN_TRY(encode_printable(cairn_slice_of(uri), STORE_SHOWN_BYTES_MAX, &shown, err));
    return error_set(err, CAIRN_E_INVALID, "%s '%s': use file:///path or a path", what,
                     buf_text(&shown));
}

cairn_code store_pick_path(const char *uri, const char *what, const char **out, cairn_error *err)
{
    static const char file[] = "file:";
    size_t scheme = scheme_length(uri);
    const char *path = uri;

    if (strncmp(uri, file, strlen(file)) == 0) {
        path += strlen(file);
        path += strncmp(path, "//", 2) == 0 ? 2 : 0;
        if (path[0] != '/') {
            return refuse_path(uri, what, err);
        }
    } else if (scheme > 0) {
        return error_set(err, CAIRN_E_INVALID,
                         "%s: this build has no store for %.*s://: use file:///path", what,
                         (int)scheme, uri);
    }
    if (path[0] == '\0') {
        return refuse_path(uri, what, err);
    }
    *out = path;
    return CAIRN_OK;
}

cairn_code store_pick(const char *uri, bool create, cairn_store **out, cairn_error *err)
{
    cairn_dir_options options = CAIRN_DIR_OPTIONS_INIT;
    const char *path = NULL;

    CAIRN_TRY(store_pick_path(uri, "store", &path, err));
    options.create = create;
    return cairn_dir_store_new(path, &options, out, err);
}
