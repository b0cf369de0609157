/* The configuration reader: keys and values that are visited are whole, bounded strings. */
#include "bounds.h"
#include "fuzz.h"
#include "yaml_read.h"

#include <string.h>

static cairn_code check_pair(void *context, const char *key, const char *value, unsigned line,
                             cairn_error *err)
{
    const size_t *size = context;

    (void)err;
    CAIRN_ASSERT(strlen(key) > 0 && strlen(key) <= CAIRN_NAME_BYTES_MAX);
    CAIRN_ASSERT(strlen(value) <= 4 * *size);
    CAIRN_ASSERT(line > 0);
    return CAIRN_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cairn_error err = {0};

    const cairn_code code = yaml_read((cairn_slice){data, size}, check_pair, &size, &err);
    CAIRN_ASSERT(code == CAIRN_OK || code == CAIRN_E_INVALID);
    CAIRN_ASSERT(code == CAIRN_OK || err.message[0] != '\0');
    return 0;
}
