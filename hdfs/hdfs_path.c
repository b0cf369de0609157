#include "hdfs_path.h"

#include "check.h"
#include "random.h"

#include <string.h>

bool hdfs_is_temporary(const char *name)
{
    return strncmp(name, HDFS_TEMPORARY, strlen(HDFS_TEMPORARY)) == 0;
}

bool hdfs_is_own_temporary(const char *name)
{
    static const struct {
        const char *front;
        size_t digits;
    } kinds[] = {{HDFS_TEMPORARY, 2 * (size_t)(RANDOM_ID_SIZE - 1)},
                 {HDFS_TEMPORARY_CLOCK, RANDOM_ID_SIZE - 1}};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(kinds); i++) {
        const size_t front_len = strlen(kinds[i].front);
        if (strlen(name) == front_len + kinds[i].digits &&
            memcmp(name, kinds[i].front, front_len) == 0 &&
            strspn(name + front_len, "0123456789abcdef") == kinds[i].digits) {
            return true;
        }
    }
    return false;
}

/* The length of '%', any number of "25", and `code` at the front of a text; 0 if it is not there.
 */
static size_t escape_length(const char *text, const char *code)
{
    size_t len = 1;

    if (text[0] != '%') {
        return 0;
    }
    while (strncmp(text + len, "25", 2) == 0) {
        len += 2;
    }
    return strncmp(text + len, code, strlen(code)) == 0 ? len + strlen(code) : 0;
}

static bool begins_like_temporary(const char *text)
{
    return escape_length(text, "2Etmp-") > 0;
}

static cairn_code encode_at(const char *at, bool begins, cairn_buf *out, cairn_error *err)
{
    if (*at == ':') {
        return buf_append_text(out, "%3A", err);
    }
    if (begins && hdfs_is_temporary(at)) {
        return buf_append_text(out, "%2E", err);
    }
    if (escape_length(at, "3A") > 0 || (begins && begins_like_temporary(at))) {
        return buf_append_text(out, "%25", err);
    }
    return buf_append_byte(out, (uint8_t)*at, err);
}

cairn_code hdfs_path_of_key(const char *key, cairn_buf *out, cairn_error *err)
{
    for (const char *at = key; *at != '\0'; at++) {
        CAIRN_TRY(encode_at(at, at == key || at[-1] == '/', out, err));
    }
    return CAIRN_OK;
}

/* Appends what one place of a name stands for and returns how many bytes of the name that took. */
static size_t decode_at(const char *at, bool begins, char *out)
{
    const size_t colon = escape_length(at, "3A");
    const size_t dot = begins ? escape_length(at, "2Etmp-") : 0;

    *out = *at;
    if (colon == 3) {
        *out = ':';
        return colon;
    }
    if (dot == strlen("%2Etmp-")) {
        *out = '.';
        return 3;
    }
    return colon > 0 || dot > 0 ? 3 : 1; /* "%25" stands for '%' */
}

cairn_code hdfs_part_of_name(const char *name, cairn_buf *out, cairn_error *err)
{
    for (const char *at = name; *at != '\0';) {
        char byte = '\0';
        const size_t taken = decode_at(at, at == name, &byte);
        CAIRN_TRY(buf_append_byte(out, (uint8_t)byte, err));
        at += taken;
    }
    return CAIRN_OK;
}
