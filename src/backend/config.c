/* DESIGN: one text per option, as it was set; numbers are read from the text when asked for. What
 * was a secret is wiped before its memory goes back. */
#include <cairn/config.h>

#include "bounds.h"
#include "buf.h"
#include "config_options.h"
#include "errors.h"
#include "private_file.h"
#include "yaml_read.h"

#include <string.h>

struct cairn_config {
    char *values[CONFIG_OPTIONS_COUNT]; /* NULL: not set */
};

CAIRN_DEFINE_AUTO_PTR(cairn_config, cairn_config_free)

cairn_code cairn_config_new(cairn_config **out, cairn_error *err)
{
    cairn_config *config = mem_calloc(1, sizeof(*config));

    if (config == NULL) {
        return error_no_memory(err, "configuration");
    }
    *out = config;
    return CAIRN_OK;
}

static bool is_secret(size_t index)
{
    return config_options[index].kind == CAIRN_CONFIG_SECRET;
}

static void drop_value(cairn_config *config, size_t index)
{
    char *value = config->values[index];

    if (value != NULL && is_secret(index)) {
        explicit_bzero(value, strlen(value));
    }
    mem_free(value);
    config->values[index] = NULL;
}

void cairn_config_free(cairn_config *config)
{
    if (config == NULL) {
        return;
    }
    for (size_t i = 0; i < CONFIG_OPTIONS_COUNT; i++) {
        drop_value(config, i);
    }
    mem_free(config);
}

static void replace_value(cairn_config *config, size_t index, char *value)
{
    drop_value(config, index);
    config->values[index] = value;
}

static cairn_code set_value(cairn_config *config, size_t index, const char *value,
                            const char *where, cairn_error *err)
{
    char *copy = NULL;

    CAIRN_TRY(config_option_check(&config_options[index], value, where, err));
    copy = mem_strdup(value);
    if (copy == NULL) {
        return error_no_memory(err, "configuration");
    }
    replace_value(config, index, copy);
    return CAIRN_OK;
}

cairn_code cairn_config_set(cairn_config *config, const char *key, const char *value,
                            const char *where, cairn_error *err)
{
    size_t index = config_option_find(key);

    if (index == CONFIG_OPTIONS_COUNT) {
        return config_option_unknown(key, where, err);
    }
    if (is_secret(index)) {
        return error_set(err, CAIRN_E_INVALID,
                         "%s: %s is a secret, and others can read command lines: put it into the "
                         "file of --conf (mode 0600), or use an AWS profile or the environment",
                         where, config_options[index].info.key);
    }
    return set_value(config, index, value, where, err);
}

typedef struct config_loading {
    cairn_config *staged;
    const char *path;
    const char *problem; /* why the file may hold no secret; NULL: it may */
    bool refused;        /* by an option: the message names the line already */
} config_loading;

static cairn_code load_value(const config_loading *loading, const char *key, const char *value,
                             const char *where, cairn_error *err)
{
    size_t index = config_option_find(key);

    if (index == CONFIG_OPTIONS_COUNT) {
        return config_option_unknown(key, where, err);
    }
    if (is_secret(index) && loading->problem != NULL) {
        return error_set(err, CAIRN_E_ACCESS,
                         "%s: %s is a secret, and the file is no place for one: %s", where,
                         config_options[index].info.key, loading->problem);
    }
    return set_value(loading->staged, index, value, where, err);
}

static cairn_code load_pair(void *context, const char *key, const char *value, unsigned line,
                            cairn_error *err)
{
    config_loading *loading = context;
    CAIRN_AUTO(cairn_buf) where = {0};
    const char *place = NULL;
    cairn_code code = buf_printf(&where, err, "%s:%u", loading->path, line);

    if (code == CAIRN_OK) {
        place = buf_text(&where);
        code = place == NULL ? error_no_memory(err, "configuration")
                             : load_value(loading, key, value, place, err);
    }
    loading->refused = code != CAIRN_OK;
    return code;
}

static void move_values(cairn_config *to, cairn_config *from)
{
    for (size_t i = 0; i < CONFIG_OPTIONS_COUNT; i++) {
        if (from->values[i] != NULL) {
            replace_value(to, i, CAIRN_TAKE(from->values[i]));
        }
    }
}

cairn_code cairn_config_load(cairn_config *config, const char *path, cairn_error *err)
{
    CAIRN_AUTO(private_file) file = {.problem = NULL};
    CAIRN_AUTO_PTR(cairn_config_free) cairn_config *staged = NULL;
    config_loading loading = {.path = path};
    cairn_code code = CAIRN_OK;

    /* A link is fine for all but secrets: a mounted configuration often is one. */
    code = private_file_read(path, CAIRN_CONFIG_BYTES_MAX, &file, err);
    if (code != CAIRN_OK) {
        return error_prefix(err, code, "configuration");
    }
    CAIRN_TRY(cairn_config_new(&staged, err));
    loading.staged = staged;
    loading.problem = file.problem;
    code = yaml_read(cairn_buf_slice(&file.text), load_pair, &loading, err);
    if (code != CAIRN_OK) {
        return loading.refused ? code : error_prefix(err, code, "%s", path);
    }
    CAIRN_ASSERT(staged != NULL);
    move_values(config, staged);
    return CAIRN_OK;
}

static size_t known_index(const char *key)
{
    size_t index = config_option_find(key);

    CAIRN_ASSERT(index < CONFIG_OPTIONS_COUNT);
    return index;
}

const char *cairn_config_get(const cairn_config *config, const char *key)
{
    size_t index = known_index(key);

    CAIRN_ASSERT(!is_secret(index));
    return config->values[index] != NULL ? config->values[index]
                                         : config_options[index].info.default_value;
}

bool cairn_config_is_set(const cairn_config *config, const char *key)
{
    return config->values[known_index(key)] != NULL;
}

static uint64_t number_of(const cairn_config *config, const char *key, config_kind kind)
{
    const config_option *option = &config_options[known_index(key)];
    const char *value = cairn_config_get(config, key);

    CAIRN_ASSERT(option->kind == kind);
    return value == NULL ? 0 : config_option_number(option, value);
}

uint64_t cairn_config_duration_ms(const cairn_config *config, const char *key)
{
    return number_of(config, key, CAIRN_CONFIG_DURATION);
}

uint64_t cairn_config_memory_bytes(const cairn_config *config, const char *key)
{
    return number_of(config, key, CAIRN_CONFIG_MEMORY);
}

uint64_t cairn_config_u64(const cairn_config *config, const char *key)
{
    return number_of(config, key, CAIRN_CONFIG_INTEGER);
}

bool cairn_config_bool(const cairn_config *config, const char *key)
{
    const char *value = cairn_config_get(config, key);

    CAIRN_ASSERT(config_options[known_index(key)].kind == CAIRN_CONFIG_BOOLEAN);
    return value != NULL && strcmp(value, "true") == 0;
}

const char *cairn_config_secret(const cairn_config *config, const char *key)
{
    size_t index = known_index(key);

    CAIRN_ASSERT(is_secret(index));
    return config->values[index];
}

const cairn_option_info *cairn_config_option(size_t index)
{
    return index < CONFIG_OPTIONS_COUNT ? &config_options[index].info : NULL;
}
