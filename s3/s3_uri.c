#include <cairn/s3.h>

#include "bounds.h"
#include "check.h"
#include "encode.h"
#include "errors.h"

#include <string.h>

#define BUCKET_BYTES_MIN 3
#define BUCKET_BYTES_MAX 63

static const char *behind_scheme(const char *uri)
{
    static const char *const schemes[] = {"s3://", "s3a://", "s3n://"};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(schemes); i++) {
        if (strncmp(uri, schemes[i], strlen(schemes[i])) == 0) {
            return uri + strlen(schemes[i]);
        }
    }
    return NULL;
}

static cairn_code refuse(const char *uri, const char *why, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) shown = {0};

    CAIRN_TRY(encode_printable(cairn_slice_of(uri), 200, &shown, err));
    return error_set(err, CAIRN_E_INVALID, "'%s': %s: use s3://bucket/prefix", buf_text(&shown),
                     why);
}

/* The rules that all servers share; AWS has a few more, which it tells itself. */
static bool bucket_is_valid(cairn_slice bucket)
{
    const char *text = bucket.data;

    for (size_t i = 0; i < bucket.len; i++) {
        const char c = text[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.')) {
            return false;
        }
    }
    return bucket.len >= BUCKET_BYTES_MIN && bucket.len <= BUCKET_BYTES_MAX && text[0] != '-' &&
           text[0] != '.' && text[bucket.len - 1] != '-' && text[bucket.len - 1] != '.' &&
           memmem(text, bucket.len, "..", 2) == NULL;
}

cairn_code cairn_s3_parse_uri(const char *uri, char **out_bucket, char **out_prefix,
                              cairn_error *err)
{
    const char *bucket = uri == NULL ? NULL : behind_scheme(uri);

    if (bucket == NULL) {
        return refuse(uri == NULL ? "" : uri, "not a place in S3", err);
    }
    const size_t bucket_len = strcspn(bucket, "/");
    const char *prefix = bucket + bucket_len;
    prefix += *prefix == '/' ? 1 : 0;
    size_t prefix_len = strlen(prefix);
    while (prefix_len > 0 && prefix[prefix_len - 1] == '/') {
        prefix_len--;
    }
    if (!bucket_is_valid((cairn_slice){bucket, bucket_len})) {
        return refuse(uri, "the bucket's name is not valid", err);
    }
    char *bucket_copy CAIRN_AUTO_FREE = mem_strndup(bucket, bucket_len);
    char *prefix_copy CAIRN_AUTO_FREE = mem_strndup(prefix, prefix_len);
    if (bucket_copy == NULL || prefix_copy == NULL) {
        return error_no_memory(err, "a place in S3");
    }
    *out_bucket = CAIRN_TAKE(bucket_copy);
    *out_prefix = CAIRN_TAKE(prefix_copy);
    return CAIRN_OK;
}

void cairn_s3_free_text(char *text)
{
    mem_free(text);
}
