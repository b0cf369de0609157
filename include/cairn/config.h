/*
 * Configuration by Flink's option names, from a YAML file in the shape of Flink's config.yaml and
 * from key=value pairs; later settings override earlier ones. An unknown key is CAIRN_E_INVALID and
 * the message names the nearest known one. docs/options.md lists them.
 *
 * Secrets (type "secret") come from files alone, since a command line can be read by everybody on
 * the machine. The file must be one that nobody else can read or change: a regular file, not a
 * symlink, of this user or root, with no permission for group or others. They are wiped when the
 * configuration is freed and are in no message.
 */
#ifndef CAIRN_CONFIG_H
#define CAIRN_CONFIG_H

#include <cairn/error.h>

CAIRN_BEGIN_DECLS

/* One thread at a time. */
typedef struct cairn_config cairn_config;

cairn_code cairn_config_new(cairn_config **out, cairn_error *err);
void cairn_config_free(cairn_config *config);

/* Reads a file of at most 1 MiB. Errors name file and line. CAIRN_E_ACCESS: it holds a secret, and
 * others may read or change it. On failure nothing is set. */
cairn_code cairn_config_load(cairn_config *config, const char *path, cairn_error *err);
/* Checks and sets one option; `where` ("-D", "--name") goes into messages. A secret is
 * CAIRN_E_INVALID. */
cairn_code cairn_config_set(cairn_config *config, const char *key, const char *value,
                            const char *where, cairn_error *err);

/* The value as it was set, or the default; NULL only if there is neither. `key` must be a known
 * key, and no secret's. */
const char *cairn_config_get(const cairn_config *config, const char *key);
/* True if it was set (not merely defaulted). */
bool cairn_config_is_set(const cairn_config *config, const char *key);
/* Typed forms; the values were checked when they were set. */
uint64_t cairn_config_duration_ms(const cairn_config *config, const char *key);
uint64_t cairn_config_memory_bytes(const cairn_config *config, const char *key);
uint64_t cairn_config_u64(const cairn_config *config, const char *key);
bool cairn_config_bool(const cairn_config *config, const char *key); /* false if there is none */
/* A secret's text, NULL if it was not set: for who signs, never to be shown or copied about. */
const char *cairn_config_secret(const cairn_config *config, const char *key);

/* The table of options, for help and documentation: index 0, 1, ... until NULL is returned. */
typedef struct cairn_option_info {
    const char *key;
    const char
        *type; /* "duration", "memory", "integer", "string", "boolean", "secret", "enum a|b" */
    const char *default_value; /* NULL: none */
    const char *help;
} cairn_option_info;
const cairn_option_info *cairn_config_option(size_t index);

CAIRN_END_DECLS

#endif
