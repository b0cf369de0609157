#include "errors.h"
#include "rocks_internal.h"

#include <string.h>

/* The beginnings and marks of RocksDB's Status::ToString. The first that fits decides. */
static const struct {
    const char *text;
    const char *also; /* anywhere in it, too; may be NULL */
    bool anywhere;
    cairn_code code;
} causes[] = {
    {"No space left", NULL, true, CAIRN_E_NO_SPACE},
    {"Disk quota exceeded", NULL, true, CAIRN_E_NO_SPACE},
    {"Corruption", NULL, false, CAIRN_E_INTEGRITY},
    {"Permission denied", NULL, true, CAIRN_E_ACCESS},
    /* CURRENT names one that is not there. */
    {"/MANIFEST-", ": No such file", true, CAIRN_E_INTEGRITY},
    {"lock hold by current process", NULL, true, CAIRN_E_LOCKED},
    {"/LOCK: ", "Resource temporarily unavailable", true, CAIRN_E_LOCKED},
    {"IO error", NULL, false, CAIRN_E_IO},
    {"Operation failed. Try again", NULL, false, CAIRN_E_UNAVAILABLE},
};

static bool has(const char *message, const char *also)
{
    return also == NULL || strstr(message, also) != NULL;
}

static cairn_code code_of(const char *message)
{
    for (size_t i = 0; i < CAIRN_ARRAY_LEN(causes); i++) {
        const char *const at = strstr(message, causes[i].text);

        if (at != NULL && (causes[i].anywhere || at == message) && has(message, causes[i].also)) {
            return causes[i].code;
        }
    }
    return CAIRN_E_FAILED;
}

/* One line, no full stop at its end. */
static void tidy(char *message)
{
    size_t len = strlen(message);

    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)message[i] < ' ' || (unsigned char)message[i] > '~') {
            message[i] = ' ';
        }
    }
    while (len > 0 && strchr(" .", message[len - 1]) != NULL) {
        message[--len] = '\0';
    }
}

cairn_code rocks_check(char *message, const char *what, const char *path, cairn_error *err)
{
    cairn_code code;

    if (message == NULL) {
        return CAIRN_OK;
    }
    tidy(message);
    code = error_set(err, code_of(message), "%s %s: %s", what, path, message);
    rocksdb_free(message);
    return code;
}
