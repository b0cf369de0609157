/* DESIGN: one text per option, as it was set; numbers are read from the text when asked for. */
#include <cairn/config.h>

#include "bounds.h"
#include "buf.h"
#include "config_options.h"
#include "errors.h"
#include "fsutil.h"
#include "yaml_read.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
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

void cairn_config_free(cairn_config *config)
{
    if (config == NULL) {
        return;
    }
    for (size_t i = 0; i < CONFIG_OPTIONS_COUNT; i++) {
        mem_free(config->values[i]);
    }
    mem_free(config);
}

static void replace_value(cairn_config *config, size_t index, char *value)
{
    mem_free(config->values[index]);
    config->values[index] = value;
}

cairn_code cairn_config_set(cairn_config *config, const char *key, const char *value,
                            const char *where, cairn_error *err)
{
    size_t index = config_option_find(key);
    char *copy = NULL;

    if (index == CONFIG_OPTIONS_COUNT) {
        return config_option_unknown(key, where, err);
    }
    CAIRN_TRY(config_option_check(&config_options[index], value, where, err));
    copy = mem_strdup(value);
    if (copy == NULL) {
        return error_no_memory(err, "configuration");
    }
    replace_value(config, index, copy);
    return CAIRN_OK;
}

typedef struct config_loading {
    cairn_config *staged;
    const char *path;
    bool refused; /* by an option: the message names the line already */
} config_loading;

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
                             : cairn_config_set(loading->staged, key, value, place, err);
    }
    loading->refused = code != CAIRN_OK;
    return code;
}

/* Files are opened without following links, but a mounted configuration often is a link. */
static cairn_code read_resolved(const char *path, cairn_buf *out, cairn_error *err)
{
    char resolved[PATH_MAX];

    if (realpath(path, resolved) == NULL) {
        return error_errno(err, errno, "read configuration %s", path);
    }
    return fs_read_file(resolved, CAIRN_CONFIG_BYTES_MAX, out, err);
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
    CAIRN_AUTO(cairn_buf) text = {0};
    CAIRN_AUTO_PTR(cairn_config_free) cairn_config *staged = NULL;
    config_loading loading = {.path = path};
    cairn_code code = CAIRN_OK;

    CAIRN_TRY(read_resolved(path, &text, err));
    CAIRN_TRY(cairn_config_new(&staged, err));
    loading.staged = staged;
    code = yaml_read(cairn_buf_slice(&text), load_pair, &loading, err);
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

const cairn_option_info *cairn_config_option(size_t index)
{
    return index < CONFIG_OPTIONS_COUNT ? &config_options[index].info : NULL;
}
