#include "cli_config.h"

#include "encode.h"
#include "errors.h"

#include <string.h>

#define DEFINITION_SHOWN_BYTES_MAX 80
#define DEFINITION_KEY_CHARS       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

/* Shows what may be the key and nothing behind it: that may be a secret. */
static cairn_code no_equals(const cli_args *args, const char *definition, cairn_error *err)
{
    CAIRN_AUTO(cairn_buf) shown = {0};
    const cairn_slice key = {definition, strspn(definition, DEFINITION_KEY_CHARS)};

    CAIRN_TRY(encode_printable(key, DEFINITION_SHOWN_BYTES_MAX, &shown, err));
    return error_set(err, CAIRN_E_INVALID, "%s: -D '%s' has no '=': write -D key=value",
                     args->spec->command, (const char *)shown.data);
}

static cairn_code apply_definition(const cli_args *args, cairn_config *config,
                                   const char *definition, cairn_error *err)
{
    const char *equals = strchr(definition, '=');
    CAIRN_AUTO_FREE char *key = NULL;

    if (equals == NULL) {
        return no_equals(args, definition, err);
    }
    key = mem_strndup(definition, (size_t)(equals - definition));
    if (key == NULL) {
        return error_no_memory(err, "configuration");
    }
    return cairn_config_set(config, key, equals + 1, "-D", err);
}

cairn_code cli_config_read(const cli_args *args, cairn_config **out, cairn_error *err)
{
    CAIRN_AUTO_PTR(cairn_config_free) cairn_config *config = NULL;
    const char *file = cli_value(args, "conf");

    CAIRN_TRY(cairn_config_new(&config, err));
    if (file != NULL) {
        CAIRN_TRY(cairn_config_load(config, file, err));
    }
    for (size_t i = 0; i < args->repeat_count; i++) {
        CAIRN_TRY(apply_definition(args, config, args->repeats[i], err));
    }
    *out = CAIRN_TAKE(config);
    return CAIRN_OK;
}
