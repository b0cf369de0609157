#include "store_uri.h"

#include "encode.h"
#include "errors.h"

#include <ctype.h>
#include <string.h>

#define URI_SHOWN_BYTES_MAX 200
#define URI_MARK            "://"
#define URI_FILE            "file:"
#define URI_FORMS                                                                           \
    "use s3://bucket/prefix, webhdfs://host:port/path (also swebhdfs, hdfs), file:///path " \
    "or a path"

static const struct {
    const char *scheme;
    const char *normal; /* the same place */
    store_kind kind;
} schemes[] = {
    {"s3", "s3", CAIRN_STORE_KIND_S3},
    {"s3a", "s3", CAIRN_STORE_KIND_S3},
    {"s3n", "s3", CAIRN_STORE_KIND_S3},
    {"webhdfs", "webhdfs", CAIRN_STORE_KIND_HDFS},
    {"swebhdfs", "swebhdfs", CAIRN_STORE_KIND_HDFS},
    {"hdfs", "hdfs", CAIRN_STORE_KIND_HDFS},
};

/* Length of "s3" in "s3://..."; 0 if there is no scheme. */
static size_t scheme_length(const char *uri)
{
    size_t length = 0;

    while (isalnum((unsigned char)uri[length]) ||
           (length > 0 && uri[length] != '\0' && strchr("+.-", uri[length]) != NULL)) {
        length++;
    }
    return strncmp(uri + length, URI_MARK, strlen(URI_MARK)) == 0 ? length : 0;
}

static bool is_file(const char *uri)
{
    return strncmp(uri, URI_FILE, strlen(URI_FILE)) == 0;
}

size_t store_uri_authority_end(const char *uri)
{
    const size_t scheme = is_file(uri) ? 0 : scheme_length(uri);
    const size_t begin = scheme + strlen(URI_MARK);

    return scheme == 0 ? 0 : begin + strcspn(uri + begin, "/");
}

static bool is_port(const char *text, size_t length)
{
    return strspn(text, "0123456789") >= length;
}

/*
 * Where what may be shown begins, `begin` if there is no user info. A secret may hold a '/', which
 * ends the authority: a colon with no port behind it gives it away.
 */
static size_t user_end(const char *uri, size_t begin, size_t end)
{
    const char *at = memrchr(uri + begin, '@', end - begin);
    const char *colon = memchr(uri + begin, ':', end - begin);

    if (at == NULL && colon != NULL && !is_port(colon + 1, (size_t)(uri + end - colon) - 1)) {
        at = strrchr(uri + begin, '@');
        return at == NULL ? strlen(uri) : (size_t)(at - uri) + 1;
    }
    return at == NULL ? begin : (size_t)(at - uri) + 1;
}

cairn_code store_uri_show(const char *uri, cairn_buf *out, cairn_error *err)
{
    const size_t end = store_uri_authority_end(uri);
    const size_t begin = end == 0 ? 0 : scheme_length(uri) + strlen(URI_MARK);
    const size_t host = end == 0 ? 0 : user_end(uri, begin, end);

    if (host > begin) {
        CAIRN_TRY(encode_printable((cairn_slice){uri, begin}, URI_SHOWN_BYTES_MAX, out, err));
        CAIRN_TRY(buf_append_text(out, "...@", err));
    }
    CAIRN_TRY(encode_printable(cairn_slice_of(host > begin ? uri + host : uri), URI_SHOWN_BYTES_MAX,
                               out, err));
    return buf_text(out) == NULL ? error_no_memory(err, "a URI") : CAIRN_OK;
}

static cairn_code refuse(const char *uri, const char *what, const char *why, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) shown = {0};

    CAIRN_TRY(store_uri_show(uri, &shown, err));
    return error_set(err, CAIRN_E_INVALID, "%s '%s': %s", what, buf_text(&shown), why);
}

/* Index of the scheme in the table, or the table's length. */
static size_t find_scheme(const char *uri, size_t length)
{
    size_t index = 0;

    while (index < CAIRN_ARRAY_LEN(schemes) && (strlen(schemes[index].scheme) != length ||
                                                memcmp(schemes[index].scheme, uri, length) != 0)) {
        index++;
    }
    return index;
}

cairn_code store_uri_kind(const char *uri, const char *what, store_kind *out, cairn_error *err)
{
    const size_t scheme = is_file(uri) ? 0 : scheme_length(uri);
    const size_t index = find_scheme(uri, scheme);
    const size_t begin = scheme + strlen(URI_MARK);
    const size_t end = store_uri_authority_end(uri);

    if (scheme == 0) {
        *out = CAIRN_STORE_KIND_DIR;
        return CAIRN_OK;
    }
    if (index == CAIRN_ARRAY_LEN(schemes)) {
        return error_set(err, CAIRN_E_INVALID, "%s: there is no store for %.*s://: " URI_FORMS,
                         what, (int)scheme, uri);
    }
    if (user_end(uri, begin, end) > begin) {
        return refuse(uri, what,
                      "a URI holds no user and no secret: name them by options or the environment",
                      err);
    }
    if (end == begin) {
        return refuse(uri, what, "the host or bucket is missing: " URI_FORMS, err);
    }
    *out = schemes[index].kind;
    return CAIRN_OK;
}

cairn_code store_uri_path(const char *uri, const char *what, const char **out, cairn_error *err)
{
    store_kind kind = CAIRN_STORE_KIND_DIR;
    const char *path = uri;

    CAIRN_TRY(store_uri_kind(uri, what, &kind, err));
    if (kind != CAIRN_STORE_KIND_DIR) {
        return refuse(uri, what, "not a folder: use file:///path or a path", err);
    }
    if (is_file(uri)) {
        path += strlen(URI_FILE);
        path += strncmp(path, "//", 2) == 0 ? 2 : 0;
    }
    if (path[0] == '\0' || (is_file(uri) && path[0] != '/')) {
        return refuse(uri, what, "use file:///path or a path", err);
    }
    *out = path;
    return CAIRN_OK;
}

static cairn_code append_part(cairn_buf *path, size_t root, cairn_slice part, cairn_error *err)
{
    const char *text = part.data;

    if (part.len == 0 || (part.len == 1 && text[0] == '.')) {
        return CAIRN_OK;
    }
    if (part.len == 2 && text[0] == '.' && text[1] == '.') {
        while (path->len > root && path->data[path->len - 1] != '/') {
            path->len--;
        }
        path->len -= path->len > root ? 1 : 0;
        return CAIRN_OK;
    }
    if (path->len > 0 && path->data[path->len - 1] != '/') {
        CAIRN_TRY(buf_append_byte(path, '/', err));
    }
    return buf_append(path, part.data, part.len, err);
}

cairn_code store_uri_append_path(cairn_buf *path, size_t root, const char *rest, cairn_error *err)
{
    while (*rest != '\0') {
        const size_t len = strcspn(rest, "/");

        CAIRN_TRY(append_part(path, root, (cairn_slice){rest, len}, err));
        rest += len;
        rest += *rest == '/' ? 1 : 0;
    }
    return buf_text(path) == NULL ? error_no_memory(err, "a path") : CAIRN_OK;
}

static uint8_t lower(char letter)
{
    return (uint8_t)(letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter);
}

cairn_code store_uri_normal(const char *uri, cairn_buf *out, cairn_error *err)
{
    const size_t scheme = scheme_length(uri);
    const size_t index = find_scheme(uri, scheme);
    const size_t end = store_uri_authority_end(uri);

    CAIRN_ASSERT(index < CAIRN_ARRAY_LEN(schemes));
    buf_clear(out);
    CAIRN_TRY(buf_append_text(out, schemes[index].normal, err));
    for (size_t i = scheme; i < end; i++) {
        /* Host names know no case; buckets have none. */
        CAIRN_TRY(buf_append_byte(out, lower(uri[i]), err));
    }
    return store_uri_append_path(out, out->len, uri + end, err);
}

cairn_code store_uri_split(const char *uri, char **out_store, char **out_key, cairn_error *err)
{
    const size_t end = store_uri_authority_end(uri);
    const char *slash = strrchr(uri + end, '/');

    if (slash == NULL || slash[1] == '\0') {
        return refuse(uri, "input", "it names no object", err);
    }
    size_t length = (size_t)(slash - uri);
    while (length > end && uri[length - 1] == '/') {
        length--;
    }
    char *store CAIRN_AUTO_FREE = mem_strndup(uri, length);
    char *key CAIRN_AUTO_FREE = mem_strdup(slash + 1);
    if (store == NULL || key == NULL) {
        return error_no_memory(err, "an input");
    }
    *out_store = CAIRN_TAKE(store);
    *out_key = CAIRN_TAKE(key);
    return CAIRN_OK;
}
