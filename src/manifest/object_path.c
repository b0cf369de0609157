#include "object_path.h"

#include "bounds.h"
#include "encode.h"

#include <string.h>

bool object_path_next(cairn_slice *rest, cairn_slice *out)
{
    const char *start = rest->data;
    const char *slash = rest->len == 0 ? NULL : memchr(start, '/', rest->len);

    if (slash == NULL) {
        *out = *rest;
        *rest = (cairn_slice){NULL, 0};
        return is_safe_name(*out);
    }
    *out = (cairn_slice){start, (size_t)(slash - start)};
    *rest = (cairn_slice){slash + 1, rest->len - out->len - 1};
    /* Nothing behind a slash would look like the end, so it is refused here. */
    return rest->len > 0 && is_safe_name(*out);
}

bool object_path_is_safe(const char *text)
{
    cairn_slice rest = cairn_slice_of(text);
    cairn_slice part;

    if (rest.len == 0 || rest.len > CAIRN_OBJECT_KEY_BYTES_MAX) {
        return false;
    }
    while (rest.len > 0) {
        if (!object_path_next(&rest, &part)) {
            return false;
        }
    }
    return true;
}
