#include "store_key.h"

#include "bounds.h"
#include "encode.h"
#include "errors.h"
#include "utf8.h"

#include <string.h>

/* Length of the character at `at`, 0 if it is a control byte or not UTF-8. */
static size_t character_len(const uint8_t *at, size_t left)
{
    return at[0] < 0x20 || at[0] == 0x7f ? 0 : utf8_sequence(at, left);
}

static bool is_text(const char *text)
{
    size_t len = strnlen(text, CAIRN_OBJECT_KEY_BYTES_MAX + 1);

    if (len > CAIRN_OBJECT_KEY_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < len;) {
        size_t step = character_len((const uint8_t *)text + i, len - i);
        if (step == 0) {
            return false;
        }
        i += step;
    }
    return true;
}

static bool part_valid(const char *part, size_t len)
{
    return len > 0 && !(len == 1 && part[0] == '.') && !(len == 2 && memcmp(part, "..", 2) == 0);
}

/* Checks each part that ends with '/', and leaves the last part in *last. */
static bool folders_valid(const char *text, const char **last)
{
    const char *part = text;

    for (const char *slash; (slash = strchr(part, '/')) != NULL; part = slash + 1) {
        if (!part_valid(part, (size_t)(slash - part))) {
            return false;
        }
    }
    *last = part;
    return true;
}

bool store_key_valid(const char *key)
{
    const char *last = NULL;

    return is_text(key) && folders_valid(key, &last) && part_valid(last, strlen(last));
}

bool store_prefix_valid(const char *prefix)
{
    const char *last = NULL;

    return is_text(prefix) && folders_valid(prefix, &last);
}

/* Enough to know the key again in a message that holds other things too. */
#define SHOWN_BYTES 128

static cairn_code refuse(const char *what, const char *text, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) shown = {0};

    if (text == NULL) {
        return error_set(err, CAIRN_E_INVALID, "the %s is NULL", what);
    }
    cairn_slice bytes = {text, strnlen(text, CAIRN_OBJECT_KEY_BYTES_MAX + 1)};
    CAIRN_TRY(encode_printable(bytes, SHOWN_BYTES, &shown, err));
    const char *readable = buf_text(&shown);
    return error_set(err, CAIRN_E_INVALID, "'%s' cannot be a %s", readable ? readable : "", what);
}

cairn_code store_key_check(const char *key, cairn_error *err)
{
    return key != NULL && store_key_valid(key) ? CAIRN_OK : refuse("key", key, err);
}

cairn_code store_prefix_check(const char *prefix, cairn_error *err)
{
    return prefix != NULL && store_prefix_valid(prefix) ? CAIRN_OK : refuse("prefix", prefix, err);
}

bool store_key_has_prefix(const char *key, const char *prefix)
{
    return strncmp(key, prefix, strlen(prefix)) == 0;
}
