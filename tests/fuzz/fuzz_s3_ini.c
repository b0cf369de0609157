/* Profile files: any bytes are read or refused with a line that shows none of them. */
#include "buf.h"
#include "fuzz.h"
#include "s3_ini.h"

#include <string.h>

static void look_up(const s3_ini *ini, const char *type, const char *name, const char *block)
{
    static const char *const keys[] = {"aws_access_key_id", "a", "endpoint_url", ""};

    for (size_t i = 0; i < CAIRN_ARRAY_LEN(keys); i++) {
        const s3_ini_place place = {type, name, block, keys[i]};
        CAIRN_AUTO(secret) value = {0};

        CAIRN_ASSERT(s3_ini_get(ini, &place, &value, NULL) == CAIRN_OK);
        CAIRN_ASSERT(!secret_is_set(&value) || (value.len > 0 && strlen(value.text) == value.len));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CAIRN_AUTO(s3_ini) ini = {0};
    cairn_error err = {0};
    cairn_buf text = {0};

    CAIRN_ASSERT(buf_append(&text, data, size, NULL) == CAIRN_OK);
    const cairn_code code = s3_ini_parse(&text, "file", &ini, &err);
    CAIRN_ASSERT(text.data == NULL);
    CAIRN_ASSERT(code == CAIRN_OK || code == CAIRN_E_INVALID);
    CAIRN_ASSERT(code == CAIRN_OK || strncmp(err.message, "file", strlen("file")) == 0);
    look_up(&ini, "", "default", "");
    look_up(&ini, "profile", "a", "");
    look_up(&ini, "profile", "a", "s3");
    look_up(&ini, "services", "a", "s3");
    (void)s3_ini_has_section(&ini, "profile", "a b");
    return 0;
}
