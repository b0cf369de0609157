#include "seal.h"

#include "digest.h"
#include "errors.h"

#include <string.h>

#define PREFIX_BYTES (sizeof(SEAL_LINE_PREFIX) - 1)
#define SUFFIX_BYTES (sizeof(SEAL_LINE_SUFFIX) - 1)
#define HEX_BYTES    (SHA256_HEX_SIZE - 1)

_Static_assert(SEAL_LINE_BYTES == PREFIX_BYTES + HEX_BYTES + SUFFIX_BYTES, "one line");

cairn_code seal_append_line(cairn_buf *document, cairn_error *err)
{
    sha256 digest;
    char hex[SHA256_HEX_SIZE];

    CAIRN_TRY(sha256_of(cairn_buf_slice(document), &digest, err));
    sha256_to_hex(&digest, hex);
    return buf_printf(document, err, "%s%s%s", SEAL_LINE_PREFIX, hex, SEAL_LINE_SUFFIX);
}

cairn_code seal_close(cairn_buf *document, cairn_error *err)
{
    static const char end[] = "\n}";
    size_t end_bytes = sizeof(end) - 1;

    CAIRN_ASSERT(document->len > end_bytes);
    CAIRN_ASSERT(memcmp(document->data + document->len - end_bytes, end, end_bytes) == 0);
    document->len -= end_bytes;
    CAIRN_TRY(buf_append_text(document, ",\n", err));
    return seal_append_line(document, err);
}

/* The digest that the last line holds; false if that line has another form. */
static bool read_line(cairn_slice document, sha256 *out)
{
    const char *line;

    if (document.len <= SEAL_LINE_BYTES) {
        return false;
    }
    line = (const char *)document.data + document.len - SEAL_LINE_BYTES;
    return line[-1] == '\n' && memcmp(line, SEAL_LINE_PREFIX, PREFIX_BYTES) == 0 &&
           memcmp(line + PREFIX_BYTES + HEX_BYTES, SEAL_LINE_SUFFIX, SUFFIX_BYTES) == 0 &&
           sha256_from_hex((cairn_slice){line + PREFIX_BYTES, HEX_BYTES}, out);
}

cairn_code seal_check(cairn_slice document, cairn_error *err)
{
    sha256 expected;
    sha256 found;

    if (!read_line(document, &expected)) {
        return error_set(err, CAIRN_E_INTEGRITY, "the last of %zu bytes are no seal", document.len);
    }
    CAIRN_TRY(sha256_of((cairn_slice){document.data, document.len - SEAL_LINE_BYTES}, &found, err));
    if (!sha256_equal(&expected, &found)) {
        char hex[2][SHA256_HEX_SIZE];

        sha256_to_hex(&expected, hex[0]);
        sha256_to_hex(&found, hex[1]);
        return error_set(err, CAIRN_E_INTEGRITY, "sealed as %s, found %s", hex[0], hex[1]);
    }
    return CAIRN_OK;
}
